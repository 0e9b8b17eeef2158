//! All rows of a few partition values in a span of time: those of files by their runs, those in memory by a look at them.
//!
//! Whoever knows which devices a question is about gets their rows here, and has no need of a scan.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, Datum, RecordBatch, Scalar, StringViewArray};
use arrow::compute::kernels::cmp::eq;
use arrow::compute::{filter_record_batch, prep_null_mask_filter};
use iobeam_model::FieldType;
use iobeam_store::{Chunk, DataFile};

use crate::arrival::{ARRIVAL, Arrivals, with_arrivals};
use crate::error::QueryError;
use crate::runs::{Reading, Runs, times};
use crate::scope::Table;

/// More values than this are a scan's business.
pub(crate) const VALUES: usize = 64;
/// More rows than this are the engine's business, which takes them piece by piece.
const ROWS: usize = 100_000;
/// More values of columns likewise: about 8 MiB of numbers.
const CELLS: usize = 1 << 20;
/// More looks into files than this cost what a scan costs.
const LOOKS: usize = 2048;

/// Of which values, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Few {
    /// The partition values, each once.
    pub(crate) values: Vec<String>,
    /// From when, in microseconds, this moment in it.
    pub(crate) from: i64,
    /// Until when, this moment in it.
    pub(crate) to: i64,
}

impl Few {
    /// The rows with the time and those of the columns that are there, or nothing when they are not few. Rows of one
    /// batch are in order of time if they come from a file. The arrival may be one of the columns.
    pub(crate) fn rows(
        &self,
        table: &Table,
        reading: &Reading<'_>,
        columns: &[&str],
    ) -> Result<Option<Vec<RecordBatch>>, QueryError> {
        let snapshot = &table.snapshot;
        let partition = table.partition.as_str();
        let most = ROWS.min(CELLS / columns.len().max(1));
        let (from, to) = (self.from.max(snapshot.keep_from), self.to);
        if table.field_type(partition) != Some(FieldType::String) || self.values.len() > VALUES {
            return Ok(None);
        }
        if from > to {
            return Ok(Some(Vec::new()));
        }
        let arrivals = columns.contains(&ARRIVAL).then(|| Arrivals::of(snapshot));
        let looks: Vec<_> = self.looks(table).collect();
        if looks.len() > LOOKS {
            return Ok(None);
        }
        let mut count = 0;
        let mut found = Vec::with_capacity(looks.len());
        for (file, value) in looks {
            let mut rows = reading.of(file, partition, value)?;
            if let Some(arrivals) = &arrivals {
                rows = rows.numbered_from_file(arrivals.of_file(file)?);
            }
            let within = rows.within(from, to)?;
            count += within.len();
            if count > most {
                return Ok(None);
            }
            found.push((rows, within));
        }
        let mut batches = Vec::new();
        for (at, chunk) in snapshot.chunks.iter().enumerate() {
            if chunk.max_time >= from && chunk.min_time <= to {
                reading.check()?;
                let first = arrivals.as_ref().map(|arrivals| arrivals.of_chunk(at));
                batches.extend(of_chunk((chunk, first), partition, &self.values, (from, to))?);
            }
        }
        count += batches.iter().map(RecordBatch::num_rows).sum::<usize>();
        if count > most {
            return Ok(None);
        }
        for (mut rows, within) in found {
            batches.extend(rows.columns(within, columns)?);
            if reading.holds_much() {
                return Ok(None);
            }
        }
        Ok(Some(batches))
    }

    /// The files that may hold rows, and of which value.
    fn looks<'t>(
        &'t self,
        table: &'t Table,
    ) -> impl Iterator<Item = (&'t Arc<DataFile>, &'t String)> {
        let (from, to) = (self.from.max(table.snapshot.keep_from), self.to);
        let files = table.snapshot.files.iter();
        let files = files.filter(move |file| file.max_time >= from && file.min_time <= to);
        let looks = files.flat_map(|file| self.values.iter().map(move |value| (file, value)));
        looks.filter(|(file, value)| may_hold(file, value))
    }

    /// Whether these columns of all rows that files may hold are kept, of no more than so many rows.
    pub(crate) fn is_at_hand(
        &self,
        table: &Table,
        runs: &Runs,
        columns: &[&str],
        most: usize,
    ) -> bool {
        let left = self.looks(table).try_fold(most, |left, (file, value)| {
            left.checked_sub(runs.kept_rows(file, value, columns)?)
        });
        left.is_some()
    }
}

/// Whether the file's statistics leave room for the value.
pub(crate) fn may_hold(file: &DataFile, value: &str) -> bool {
    file.min_partition.as_deref().is_some_and(|min| min <= value)
        && file.max_partition.as_deref().is_some_and(|max| value <= max)
}

/// A chunk's rows of some values within a span of time, both ends in it; nothing when there are none. They come with
/// their arrivals where that of the chunk's first row is given.
pub(crate) fn of_chunk(
    (chunk, first): (&Chunk, Option<i64>),
    partition: &str,
    values: &[String],
    (from, to): (i64, i64),
) -> Result<Option<RecordBatch>, QueryError> {
    let rows = &chunk.rows;
    let keys = rows.column_by_name(partition).and_then(|keys| keys.as_string_view_opt());
    let Some(keys) = keys else { return Ok(None) };
    let keep = one_of(keys, values)?;
    if keep.true_count() == 0 {
        return Ok(None);
    }
    // Of many rows few are wanted: these alone are held against the times.
    let mut rows = filter_record_batch(rows, &keep).map_err(QueryError::internal)?;
    if let Some(first) = first {
        let kept = if keep.null_count() > 0 { prep_null_mask_filter(&keep) } else { keep };
        rows = with_arrivals(&rows, kept.values().set_indices().map(|row| first + row as i64))?;
    }
    if from <= chunk.min_time && chunk.max_time <= to {
        return Ok(Some(rows));
    }
    let keep: BooleanArray =
        times(&rows).iter().map(|time| Some(from <= *time && *time <= to)).collect();
    if keep.true_count() == 0 {
        return Ok(None);
    }
    filter_record_batch(&rows, &keep).map(Some).map_err(QueryError::internal)
}

fn one_of(keys: &StringViewArray, values: &[String]) -> Result<BooleanArray, QueryError> {
    if let [value] = values {
        let value = Scalar::new(StringViewArray::from(vec![value.as_str()]));
        return eq(keys as &dyn Datum, &value).map_err(QueryError::internal);
    }
    let values: HashSet<&str> = values.iter().map(String::as_str).collect();
    let known = |row| keys.is_valid(row) && values.contains(keys.value(row));
    Ok((0..keys.len()).map(|row| Some(known(row))).collect())
}
