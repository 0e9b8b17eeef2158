//! The last rows that a file carries along: a small Parquet file between its row groups and its footer.
//!
//! ```text
//! PAR1 │ row groups │ last rows, themselves Parquet │ page index │ footer { iobeam.last-rows: "offset,length" } │ PAR1
//! ```
//!
//! Other readers pass over bytes that no column points at. A file whose rows are hardly more than their last ones
//! carries none: if it is small, it is read as a whole instead.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _, RecordBatch, UInt64Array};
use arrow::compute::{concat, take};
use arrow::datatypes::{FieldRef, Schema};
use arrow::error::ArrowError;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{FooterTail, KeyValue, ParquetMetaDataReader};
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::steady::{self, Steady};
use super::{gather, owned_column};
use crate::columns;
use crate::snapshot::DataFile;
use crate::snapshot::verified::VerifiedFile;

/// Under this name the footer says where they are.
pub(crate) const KEY: &str = "iobeam.last-rows";
/// A file has at least so many rows for each row that it carries.
const WORTH: usize = 8;
/// More are not carried.
const MOST: usize = 1 << 18;
/// A file that carries none is read as a whole up to this size.
const SMALL: u64 = 1 << 18;
/// The end of every Parquet file: the footer's length, and a mark.
const TAIL: u64 = 8;

/// Gathers the last rows while a file is written.
#[derive(Debug)]
pub(crate) struct Gather {
    partition: Box<str>,
    /// Of each row group the last rows of its values.
    kept: Vec<RecordBatch>,
    kept_rows: usize,
    /// Bytes that may be kept.
    most: usize,
    bytes: usize,
    rows: usize,
    too_many: bool,
    /// The row group that is being looked at, if its rows have partition values.
    now: Option<Now>,
    steady: Steady,
}

/// A row group that is being looked at.
#[derive(Debug)]
struct Now {
    spans: Vec<Range<usize>>,
    /// The first of its rows are of the partition value with which the rows before it ended.
    goes_on: bool,
    last: UInt64Array,
    fields: Vec<FieldRef>,
    columns: Vec<ArrayRef>,
}

/// What a file carries.
#[derive(Debug)]
pub(crate) struct Carried {
    /// The last rows, as Parquet.
    pub(crate) rows: Bytes,
    /// The columns that say the same in all rows of a partition value.
    pub(crate) steady: Vec<Box<str>>,
}

impl Gather {
    pub(crate) fn new(partition: &str, most: usize) -> Self {
        Self {
            partition: partition.into(),
            kept: Vec::new(),
            kept_rows: 0,
            most,
            bytes: 0,
            rows: 0,
            too_many: false,
            now: None,
            steady: Steady::default(),
        }
    }

    /// A row group begins, whose rows come sorted by these partition values, and by time.
    pub(crate) fn begin(&mut self, keys: Option<&ArrayRef>) {
        let keys = keys.and_then(|keys| keys.as_string_view_opt());
        let Some(keys) = keys.filter(|keys| !keys.is_empty() && !self.too_many) else { return };
        let spans = steady::spans(keys);
        let last: UInt64Array = spans.iter().map(|span| span.end as u64 - 1).collect();
        let before = self.kept.last();
        let goes_on = before.is_some_and(|it| steady::goes_on(it, keys, &self.partition));
        self.rows += keys.len();
        let (fields, columns) = (Vec::new(), Vec::new());
        self.now = Some(Now { spans, goes_on, last, fields, columns });
    }

    /// Looks at a column of it.
    pub(crate) fn column(&mut self, field: &FieldRef, values: &ArrayRef) -> Result<(), ArrowError> {
        let Some(now) = self.now.as_mut().filter(|_| !self.too_many) else { return Ok(()) };
        // The first column is the time.
        if !now.columns.is_empty() && **field.name() != *self.partition {
            let before = self.kept.last().filter(|_| now.goes_on);
            self.steady.column((field.name(), values), &now.spans, before);
        }
        let picked = owned_column(&take(values, &now.last, None)?);
        self.bytes += picked.get_array_memory_size();
        now.fields.push(Arc::clone(field));
        now.columns.push(picked);
        if self.bytes > self.most {
            self.give_up();
        }
        Ok(())
    }

    /// All columns of it have been looked at.
    pub(crate) fn end(&mut self) -> Result<(), ArrowError> {
        let Some(now) = self.now.take() else { return Ok(()) };
        // The value with which the last rows ended may have gone on here.
        if now.goes_on
            && let Some(before) = self.kept.last_mut()
        {
            *before = before.slice(0, before.num_rows() - 1);
            self.kept_rows -= 1;
            if before.num_rows() == 0 {
                self.kept.pop();
            }
        }
        self.kept_rows += now.last.len();
        if self.kept_rows > MOST {
            self.give_up();
        } else if !now.last.is_empty() {
            let schema = Arc::new(Schema::new(now.fields));
            self.kept.push(RecordBatch::try_new(schema, now.columns)?);
        }
        Ok(())
    }

    fn give_up(&mut self) {
        self.too_many = true;
        self.now = None;
        self.kept = Vec::new();
    }

    /// Looks at rows that have been read.
    fn add(&mut self, rows: &RecordBatch) -> Result<(), ArrowError> {
        self.begin(rows.column_by_name(&self.partition));
        for (field, values) in rows.schema().fields().iter().zip(rows.columns()) {
            self.column(field, values)?;
        }
        self.end()
    }

    /// What the file is to carry, if anything.
    pub(crate) fn finish(self) -> Result<Option<Carried>, ParquetError> {
        if self.too_many || self.kept_rows * WORTH > self.rows {
            return Ok(None);
        }
        let parts: Vec<&RecordBatch> = self.kept.iter().collect();
        let Some(first) = parts.first() else { return Ok(None) };
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_statistics_enabled(EnabledStatistics::None)
            .set_offset_index_disabled(true)
            .build();
        let schema = first.schema();
        let mut writer = columns::begin(Vec::new(), &schema, properties.clone())?;
        columns::write_group(&mut writer, &schema, |field| {
            let column = |part: &&RecordBatch| part.column_by_name(field.name()).map(Arc::clone);
            let values: Vec<ArrayRef> = parts.iter().filter_map(column).collect();
            let values: Vec<&dyn Array> = values.iter().map(AsRef::as_ref).collect();
            Ok((concat(&values)?, properties.clone()))
        })?;
        let rows = writer.into_inner()?.into();
        Ok(Some(Carried { rows, steady: self.steady.names() }))
    }
}

/// What the footer says: where the last rows are, and which columns are steady.
pub(crate) fn told(offset: usize, carried: &Carried) -> [KeyValue; 2] {
    let place = format!("{offset},{}", carried.rows.len());
    let steady = steady::written(&carried.steady);
    [KeyValue::new(KEY.to_owned(), place), KeyValue::new(steady::KEY.to_owned(), steady)]
}

/// Last rows of a file, and the columns that say the same in all rows of a partition value.
pub(super) type Read = (RecordBatch, Vec<Box<str>>);

/// The last rows of a file, if they can be had without reading all of a large one.
pub(super) fn read(file: &Arc<DataFile>, partition: &str) -> Option<Read> {
    match try_read(file, partition) {
        Ok(rows) => rows,
        Err(error) => {
            // Whoever reads the file's rows will say what is wrong with it.
            tracing::debug!(path = %file.path().display(), %error, "a file's last rows cannot be read");
            None
        }
    }
}

fn try_read(file: &Arc<DataFile>, partition: &str) -> Result<Option<Read>, ParquetError> {
    let opened = file.open()?;
    match find(&opened, file.size)? {
        Some((range, steady)) => Ok(Some((whole(opened.read(range)?)?, steady))),
        None if file.rows <= SMALL => {
            let rows = whole(opened.read(0..file.size)?)?;
            let mut gather = Gather::new(partition, usize::MAX);
            gather.add(&rows)?;
            let parts: Vec<&RecordBatch> = gather.kept.iter().collect();
            let none = rows.slice(0, 0);
            let last = parts.first().map_or(none, |rows| RecordBatch::clone(rows));
            Ok(Some((last, gather.steady.names())))
        }
        None => Ok(None),
    }
}

/// Where last rows are, and which columns are steady.
type Said = (Range<u64>, Vec<Box<str>>);

/// Where the footer says that the last rows are, and which columns it says are steady.
fn find(file: &VerifiedFile, size: u64) -> Result<Option<Said>, ParquetError> {
    let end = size.saturating_sub(TAIL);
    let tail = file.read(end..size)?;
    let tail: [u8; 8] =
        tail.as_ref().try_into().map_err(|_| ParquetError::General("too short".to_owned()))?;
    let length = FooterTail::try_from(tail)?.metadata_length() as u64;
    let footer = file.read(end.saturating_sub(length)..end)?;
    let metadata = ParquetMetaDataReader::decode_metadata(&footer)?;
    let said = metadata.file_metadata().key_value_metadata().and_then(|all| {
        let said = |key: &str| all.iter().find(|it| it.key == key)?.value.as_deref();
        let (offset, length) = said(KEY)?.split_once(',')?;
        let (offset, length): (u64, u64) = (offset.parse().ok()?, length.parse().ok()?);
        let end = offset.checked_add(length).filter(|end| *end <= size)?;
        Some((offset..end, said(steady::KEY).map(steady::told).unwrap_or_default()))
    });
    Ok(said)
}

/// All rows of a small Parquet file.
fn whole(bytes: Bytes) -> Result<RecordBatch, ParquetError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes)?;
    let schema = Arc::clone(builder.schema());
    let parts = builder.with_batch_size(SMALL as usize).build()?.collect::<Result<Vec<_>, _>>()?;
    let places = parts.iter().enumerate();
    let places: Vec<_> =
        places.flat_map(|(part, rows)| (0..rows.num_rows()).map(move |row| (part, row))).collect();
    if parts.len() == 1 {
        return Ok(parts.into_iter().next().unwrap_or_else(|| RecordBatch::new_empty(schema)));
    }
    if parts.is_empty() {
        return Ok(RecordBatch::new_empty(schema));
    }
    Ok(gather(&parts.iter().collect::<Vec<_>>(), &places)?)
}
