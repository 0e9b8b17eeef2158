//! The newest rows of one partition value in a file, whose rows are sorted by partition value and time.
//!
//! ```text
//! row groups, last first ─ statistics ─▶ pages ─ page index ─▶ values and times there ─▶ places ─▶ their rows alone
//! ```

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, Datum, RecordBatch, Scalar, StringViewArray};
use arrow::compute::kernels::cmp::eq;
use arrow::datatypes::TimestampMicrosecondType;
use datafusion::datasource::physical_plan::parquet::ParquetFileReaderFactory;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use iobeam_store::DataFile;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics;

use crate::error::QueryError;
use crate::scope::TIME;
use crate::table::partitioned;

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seek<'a> {
    pub(super) value: &'a str,
    pub(super) partition: &'a str,
    /// From when to when, both in it.
    pub(super) times: (i64, i64),
    /// Only rows that have a value of this field.
    pub(super) present: Option<&'a str>,
    /// So many rows, the newest.
    pub(super) rows: usize,
}

impl Seek<'_> {
    /// Which rows are the value's, and in time; nothing when none can be.
    pub(super) fn matching(&self, rows: &RecordBatch) -> Result<Option<BooleanArray>, QueryError> {
        let keys = rows.column_by_name(self.partition).and_then(|it| it.as_string_view_opt());
        let Some(keys) = keys else { return Ok(None) };
        let value = Scalar::new(StringViewArray::from(vec![self.value]));
        let same = eq(keys as &dyn Datum, &value).map_err(QueryError::internal)?;
        let Some(times) = rows.column_by_name(TIME) else { return Ok(None) };
        let times = times.as_primitive::<TimestampMicrosecondType>().values();
        let (from, to) = self.times;
        if from == i64::MIN && to == i64::MAX {
            return Ok(Some(same));
        }
        let in_time = times.iter().map(|time| from <= *time && *time <= to);
        let both = (0..same.len()).zip(in_time);
        Ok(Some(both.map(|(row, it)| Some(it && same.is_valid(row) && same.value(row))).collect()))
    }

    /// The newest rows in a file, at most as many as are looked for, with at least these columns and the time.
    pub(super) async fn file(
        &self,
        file: &Arc<DataFile>,
        reader: &Arc<dyn ParquetFileReaderFactory>,
        columns: &[String],
    ) -> Result<Vec<RecordBatch>, QueryError> {
        let metrics = ExecutionPlanMetricsSet::new();
        let target = partitioned(file).map_err(QueryError::internal)?;
        let opened = reader.create_reader(0, target, None, &metrics);
        let mut opened = opened.map_err(QueryError::internal)?;
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
        let metadata = opened.get_metadata(Some(&options)).await.map_err(QueryError::internal)?;
        let metadata =
            ArrowReaderMetadata::try_new(metadata, options).map_err(QueryError::internal)?;
        let opened = File::open(file.path()).map_err(QueryError::internal)?;
        self.in_groups(&opened, &metadata, columns).map_err(QueryError::internal)
    }

    fn in_groups(
        &self,
        file: &File,
        metadata: &ArrowReaderMetadata,
        columns: &[String],
    ) -> Result<Vec<RecordBatch>, ParquetError> {
        let mut found = Vec::new();
        let mut left = self.rows;
        let Some(partition) = column(metadata, self.partition) else { return Ok(found) };
        let keys: Vec<&str> = [self.partition, TIME].into_iter().chain(self.present).collect();
        let wanted: Vec<&str> = columns.iter().map(String::as_str).chain([TIME]).collect();
        for group in (0..metadata.metadata().num_row_groups()).rev() {
            let pages = self.pages(metadata.metadata(), group, partition);
            if pages.is_empty() || left == 0 {
                continue;
            }
            let read = Read { file, metadata, group };
            let mut places = self.places(&read, &pages, &keys)?;
            // Within the file the value's rows are in order of time.
            let skip = places.len().saturating_sub(left);
            places.drain(..skip);
            if places.is_empty() {
                continue;
            }
            left -= places.len();
            let spans = spans(&places);
            found.extend(read.rows(&spans, &wanted)?);
        }
        Ok(found)
    }

    /// The spans of rows of a row group in which the value may be.
    fn pages(&self, metadata: &ParquetMetaData, group: usize, column: usize) -> Vec<Range<usize>> {
        let rows = metadata.row_group(group).num_rows() as usize;
        let value = self.value.as_bytes();
        if let Some(Statistics::ByteArray(known)) =
            metadata.row_group(group).column(column).statistics()
            && (known.min_bytes_opt().is_some_and(|min| value < min)
                || known.max_bytes_opt().is_some_and(|max| max < value))
        {
            return Vec::new();
        }
        let index = metadata.column_index().and_then(|index| index.get(group)?.get(column));
        let places = metadata.offset_index().and_then(|index| index.get(group)?.get(column));
        let (Some(ColumnIndexMetaData::BYTE_ARRAY(index)), Some(places)) = (index, places) else {
            return std::iter::once(0..rows).collect();
        };
        let starts = places.page_locations();
        let mut spans: Vec<Range<usize>> = Vec::new();
        for page in 0..starts.len() {
            let below = index.min_value(page).is_some_and(|min| value < min);
            let above = index.max_value(page).is_some_and(|max| max < value);
            if index.is_null_page(page) || below || above {
                continue;
            }
            let start = starts[page].first_row_index as usize;
            let end = starts.get(page + 1).map_or(rows, |next| next.first_row_index as usize);
            match spans.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => spans.push(start..end),
            }
        }
        spans
    }

    /// Which rows of the row group are asked for.
    fn places(
        &self,
        read: &Read<'_>,
        spans: &[Range<usize>],
        keys: &[&str],
    ) -> Result<Vec<usize>, ParquetError> {
        let mut numbers = spans.iter().cloned().flatten();
        let mut places = Vec::new();
        for rows in read.rows(spans, keys)? {
            let numbers: Vec<usize> = numbers.by_ref().take(rows.num_rows()).collect();
            let matching = self.matching(&rows);
            let matching = matching.map_err(|error| ParquetError::External(Box::new(error)))?;
            let Some(matching) = matching else { continue };
            // A file without the field has no value of it.
            let present = self.present.map(|field| rows.column_by_name(field));
            let is_there = |row: usize| match present {
                None => true,
                Some(column) => column.is_some_and(|column| column.is_valid(row)),
            };
            let hit = |row: usize| matching.is_valid(row) && matching.value(row) && is_there(row);
            places.extend((0..rows.num_rows()).filter(|row| hit(*row)).map(|row| numbers[row]));
        }
        Ok(places)
    }
}

/// A row group to read from.
struct Read<'a> {
    file: &'a File,
    metadata: &'a ArrowReaderMetadata,
    group: usize,
}

impl Read<'_> {
    /// The rows of these spans, with those of the columns that the file has.
    fn rows(
        &self,
        spans: &[Range<usize>],
        columns: &[&str],
    ) -> Result<Vec<RecordBatch>, ParquetError> {
        let total = self.metadata.metadata().row_group(self.group).num_rows() as usize;
        let rows = spans.iter().map(Range::len).sum::<usize>();
        let leaves: Vec<usize> =
            columns.iter().filter_map(|name| column(self.metadata, name)).collect();
        let mask =
            ProjectionMask::leaves(self.metadata.metadata().file_metadata().schema_descr(), leaves);
        let selection = RowSelection::from_consecutive_ranges(spans.iter().cloned(), total);
        ParquetRecordBatchReaderBuilder::new_with_metadata(
            self.file.try_clone()?,
            self.metadata.clone(),
        )
        .with_row_groups(vec![self.group])
        .with_projection(mask)
        .with_row_selection(selection)
        .with_batch_size(rows.max(1))
        .build()?
        .map(|rows| rows.map_err(ParquetError::from))
        .collect()
    }
}

/// The number of a column of the file; columns are not nested.
fn column(metadata: &ArrowReaderMetadata, name: &str) -> Option<usize> {
    let columns = metadata.metadata().file_metadata().schema_descr().columns();
    columns.iter().position(|column| column.name() == name)
}

/// Runs of neighbours.
fn spans(places: &[usize]) -> Vec<Range<usize>> {
    let mut spans: Vec<Range<usize>> = Vec::new();
    for place in places {
        match spans.last_mut() {
            Some(last) if last.end == *place => last.end += 1,
            _ => spans.push(*place..place + 1),
        }
    }
    spans
}
