//! A file's rows of one partition value: where they stand, and their columns.
//!
//! ```text
//! row groups ─ statistics ─▶ pages ─ page index ─▶ pages of the value alone, and those that it shares ─ decode ─▶ spans
//! ```

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Datum, RecordBatch, Scalar, StringViewArray};
use arrow::compute::kernels::cmp::eq;
use arrow::compute::{concat, prep_null_mask_filter};
use arrow::datatypes::DataType;
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use iobeam_store::{DataFile, VerifiedFile};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics;

use crate::error::QueryError;
use crate::reader::{kept_footer, partitioned, read_footer};

/// A file and its footer.
#[derive(Debug)]
pub(super) struct Opened {
    file: VerifiedFile,
    metadata: ArrowReaderMetadata,
}

/// Rows of a row group in which a value may be.
struct Span {
    rows: Range<usize>,
    /// No other value is there.
    alone: bool,
}

impl Opened {
    pub(super) fn open(
        file: &Arc<DataFile>,
        footers: &FileMetadataCache,
    ) -> Result<Self, QueryError> {
        let target = partitioned(file).map_err(QueryError::internal)?.object_meta;
        let opened = file.open()?;
        let metadata = match kept_footer(&target, footers) {
            Some(kept) => kept,
            None => read_footer(&opened, target, footers)
                .map_err(|error| QueryError::reading(file, &error))?,
        };
        let metadata = ArrowReaderMetadata::try_new(metadata, ArrowReaderOptions::new())
            .map_err(QueryError::internal)?;
        Ok(Self { file: opened, metadata })
    }

    /// How many rows of the file stand before a row group.
    pub(super) fn rows_before(&self, group: usize) -> usize {
        let groups = self.metadata.metadata().row_groups().iter().take(group);
        groups.map(|group| group.num_rows() as usize).sum()
    }

    /// The bytes of a row of a row group once it is decoded, about.
    pub(super) fn row_bytes(&self, group: usize) -> usize {
        row_bytes(self.metadata.metadata(), group)
    }

    /// The spans of rows that have the value, by row group.
    pub(super) fn spans(
        &self,
        partition: &str,
        value: &str,
    ) -> Result<Vec<(usize, Range<usize>)>, ParquetError> {
        let mut spans: Vec<(usize, Range<usize>)> = Vec::new();
        let Some(column) = self.column(partition) else { return Ok(spans) };
        let mut add = |group: usize, rows: Range<usize>| match spans.last_mut() {
            Some((last, span)) if *last == group && span.end == rows.start => span.end = rows.end,
            _ => spans.push((group, rows)),
        };
        let metadata = self.metadata.metadata();
        for group in 0..metadata.num_row_groups() {
            for span in pages(metadata, group, column, value.as_bytes()) {
                if span.alone {
                    add(group, span.rows);
                    continue;
                }
                let read = self.columns(group, span.rows.clone(), &[partition])?;
                let keys = read.first().and_then(|(_, keys)| keys.as_ref()?.as_string_view_opt());
                let Some(keys) = keys else { continue };
                let value = Scalar::new(StringViewArray::from(vec![value]));
                let same = eq(keys as &dyn Datum, &value)?;
                let same = if same.null_count() > 0 { prep_null_mask_filter(&same) } else { same };
                for (start, end) in same.values().set_slices() {
                    add(group, span.rows.start + start..span.rows.start + end);
                }
            }
        }
        Ok(spans)
    }

    /// Columns of neighbouring rows of a row group, nothing for those that the file does not have.
    pub(super) fn columns(
        &self,
        group: usize,
        rows: Range<usize>,
        names: &[&str],
    ) -> Result<Vec<Named>, ParquetError> {
        let metadata = self.metadata.metadata();
        let total = metadata.row_group(group).num_rows() as usize;
        let leaves: Vec<usize> = names.iter().filter_map(|name| self.column(name)).collect();
        let read: Vec<RecordBatch> = if leaves.is_empty() {
            Vec::new()
        } else {
            let mask = ProjectionMask::leaves(metadata.file_metadata().schema_descr(), leaves);
            let count = rows.len().max(1);
            let selection = RowSelection::from_consecutive_ranges(std::iter::once(rows), total);
            let file = self.file.clone();
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
                .with_row_groups(vec![group])
                .with_projection(mask)
                .with_row_selection(selection)
                .with_batch_size(count)
                .build()?
                .collect::<Result<_, _>>()?
        };
        names.iter().map(|name| Ok(((*name).into(), whole(&read, name)?))).collect()
    }

    /// The number of a column of the file; columns are not nested.
    fn column(&self, name: &str) -> Option<usize> {
        let columns = self.metadata.metadata().file_metadata().schema_descr().columns();
        columns.iter().position(|column| column.name() == name)
    }
}

/// A column of a file.
pub(super) type Named = (Box<str>, Option<ArrayRef>);

/// A column in one piece, without the memory of what was around it.
fn whole(read: &[RecordBatch], name: &str) -> Result<Option<ArrayRef>, ParquetError> {
    let parts: Option<Vec<&ArrayRef>> = read.iter().map(|rows| rows.column_by_name(name)).collect();
    let Some(parts) = parts.filter(|parts| !parts.is_empty()) else { return Ok(None) };
    let column = match &parts[..] {
        [one] => Arc::clone(one),
        many => concat(&many.iter().map(AsRef::as_ref).collect::<Vec<_>>())?,
    };
    Ok(Some(match column.data_type() {
        DataType::Utf8View => Arc::new(column.as_string_view().gc()),
        _ => column,
    }))
}

/// The spans of rows of a row group in which the value may be.
fn pages(metadata: &ParquetMetaData, group: usize, column: usize, value: &[u8]) -> Vec<Span> {
    let rows = metadata.row_group(group).num_rows() as usize;
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
        return vec![Span { rows: 0..rows, alone: false }];
    };
    let starts = places.page_locations();
    let mut spans: Vec<Span> = Vec::new();
    for page in 0..starts.len() {
        let (min, max) = (index.min_value(page), index.max_value(page));
        let (below, above) =
            (min.is_some_and(|min| value < min), max.is_some_and(|max| max < value));
        if index.is_null_page(page) || below || above {
            continue;
        }
        let start = starts[page].first_row_index as usize;
        let end = starts.get(page + 1).map_or(rows, |next| next.first_row_index as usize);
        let alone = min == Some(value) && max == Some(value) && index.null_count(page) == Some(0);
        match spans.last_mut() {
            Some(last) if last.rows.end == start && last.alone == alone => last.rows.end = end,
            _ => spans.push(Span { rows: start..end, alone }),
        }
    }
    spans
}

/// The bytes of a row of a row group once it is decoded, about.
fn row_bytes(metadata: &ParquetMetaData, group: usize) -> usize {
    let group = metadata.row_group(group);
    let bytes = usize::try_from(group.total_byte_size()).unwrap_or(0);
    bytes / usize::try_from(group.num_rows()).unwrap_or(1).max(1)
}

/// The bytes of the widest rows of a file once they are decoded, about.
pub(crate) fn widest_row(
    file: &Arc<DataFile>,
    footers: &FileMetadataCache,
) -> Result<usize, QueryError> {
    let opened = Opened::open(file, footers)?;
    let metadata = opened.metadata.metadata();
    Ok((0..metadata.num_row_groups()).map(|at| row_bytes(metadata, at)).max().unwrap_or(0))
}
