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

use arrow::array::{Array as _, RecordBatch, UInt64Array};
use arrow::compute::take_record_batch;
use bytes::Bytes;
use iobeam_journal::{Disk, DiskFile};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{FooterTail, KeyValue, ParquetMetaDataReader};
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::steady::{self, Steady};
use super::{gather, keys, owned};
use crate::snapshot::DataFile;

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
    /// Of each batch the last rows of its values.
    kept: Vec<RecordBatch>,
    kept_rows: usize,
    rows: usize,
    too_many: bool,
    steady: Steady,
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
    pub(crate) fn new(partition: &str) -> Self {
        let partition = partition.into();
        let steady = Steady::default();
        Self { partition, kept: Vec::new(), kept_rows: 0, rows: 0, too_many: false, steady }
    }

    /// Looks at the next rows of the file, which come sorted by partition and time.
    pub(crate) fn add(&mut self, rows: &RecordBatch) {
        self.rows += rows.num_rows();
        let Some(keys) = keys(rows, &self.partition).filter(|keys| !keys.is_empty()) else {
            return;
        };
        if self.too_many {
            return;
        }
        self.steady.add(rows, &self.partition, self.kept.last());
        // The value with which the last rows ended may go on here.
        if let Some(before) = self.kept.last_mut()
            && super::keys(before, &self.partition).is_some_and(|known| {
                keys.is_valid(0) && known.value(known.len() - 1) == keys.value(0)
            })
        {
            *before = before.slice(0, before.num_rows() - 1);
            self.kept_rows -= 1;
            if before.num_rows() == 0 {
                self.kept.pop();
            }
        }
        let ends = |row: &usize| {
            keys.is_valid(*row)
                && (*row + 1 == keys.len() || keys.value(*row) != keys.value(*row + 1))
        };
        let last: UInt64Array = (0..keys.len()).filter(ends).map(|row| row as u64).collect();
        self.kept_rows += last.len();
        let picked = take_record_batch(rows, &last).and_then(|rows| owned(&rows));
        match picked {
            Ok(picked) if self.kept_rows <= MOST => {
                if picked.num_rows() > 0 {
                    self.kept.push(picked);
                }
            }
            _ => {
                self.too_many = true;
                self.kept.clear();
            }
        }
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
        let mut writer = ArrowWriter::try_new(Vec::new(), first.schema(), Some(properties))?;
        for part in parts {
            writer.write(part)?;
        }
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
pub(super) fn read(disk: &dyn Disk, file: &DataFile, partition: &str) -> Option<Read> {
    match try_read(disk, file, partition) {
        Ok(rows) => rows,
        Err(error) => {
            // Whoever reads the file's rows will say what is wrong with it.
            tracing::debug!(path = %file.path().display(), %error, "a file's last rows cannot be read");
            None
        }
    }
}

fn try_read(
    disk: &dyn Disk,
    file: &DataFile,
    partition: &str,
) -> Result<Option<Read>, ParquetError> {
    let opened = disk.open(file.path())?;
    match find(&*opened, file.size)? {
        Some((range, steady)) => Ok(Some((whole(bytes(&*opened, range)?)?, steady))),
        None if file.rows <= SMALL => {
            let rows = whole(bytes(&*opened, 0..file.size)?)?;
            let mut gather = Gather::new(partition);
            gather.add(&rows);
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
fn find(file: &dyn DiskFile, size: u64) -> Result<Option<Said>, ParquetError> {
    let end = size.saturating_sub(TAIL);
    let tail = bytes(file, end..size)?;
    let tail: [u8; 8] =
        tail.as_ref().try_into().map_err(|_| ParquetError::General("too short".to_owned()))?;
    let length = FooterTail::try_from(tail)?.metadata_length() as u64;
    let footer = bytes(file, end.saturating_sub(length)..end)?;
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

fn bytes(file: &dyn DiskFile, range: Range<u64>) -> Result<Bytes, ParquetError> {
    let mut bytes = vec![0; (range.end - range.start) as usize];
    if file.read_at(&mut bytes, range.start)? < bytes.len() {
        return Err(ParquetError::EOF("the file is shorter than it was".to_owned()));
    }
    Ok(bytes.into())
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
