//! The order in which rows arrived: what decides between rows of equal time, wherever one of them is "the newest".
//!
//! ```text
//! arrival of a row = place of its source │ row in it
//!     sources: files by the records that they hold, then chunks, each after those that came before it
//! ```
//!
//! - Merges and corrections keep the order of rows of equal time, so that it does not change when rows move.
//! - The column has a name that no field can have, and is made for plans that ask for it alone.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use arrow::{array::AsArray, error::ArrowError};
use iobeam_store::{DataFile, Snapshot};

use crate::error::QueryError;

/// The hidden column.
pub(crate) const ARRIVAL: &str = "$arrival";
/// Bytes of an arrival in the hidden column.
pub(crate) const ARRIVAL_BYTES: usize = size_of::<i64>();
/// Rows of one source have so many bits of an arrival, a million million; the other 23 say which source it is.
const ROW_BITS: u32 = 40;

/// The field of the hidden column.
pub(crate) fn arrival_field() -> Field {
    Field::new(ARRIVAL, DataType::Int64, false)
}

/// The time of a row, and its arrival, which decides between rows of equal time.
pub(crate) type Place = (i64, i64);

/// The places of the rows of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places<'a> {
    pub(crate) times: &'a [i64],
    /// Nothing where they are not asked for.
    pub(crate) arrivals: Option<&'a [i64]>,
}

impl Places<'_> {
    /// That of the row of that number.
    pub(crate) fn of(&self, row: usize) -> Place {
        (self.times[row], self.arrivals.map_or(0, |arrivals| arrivals[row]))
    }
}

/// Where the sources of a snapshot stand in the order of arrival.
#[derive(Debug)]
pub(crate) struct Arrivals {
    files: HashMap<*const DataFile, i64>,
}

impl Arrivals {
    /// Those of a snapshot.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let mut files: Vec<&Arc<DataFile>> = snapshot.files.iter().collect();
        files.sort_by_key(|file| file.seq);
        let files = files.into_iter().zip(0..).map(|(file, at)| (Arc::as_ptr(file), first_of(at)));
        Self { files: files.collect() }
    }

    /// The arrival of a file's first row.
    pub(crate) fn of_file(&self, file: &Arc<DataFile>) -> Result<i64, QueryError> {
        let first = self.files.get(&Arc::as_ptr(file)).copied();
        first.ok_or_else(|| QueryError::internal("a file is not one of its snapshot"))
    }

    /// The arrival of the first row of the chunk of that number.
    pub(crate) fn of_chunk(&self, at: usize) -> i64 {
        first_of(self.files.len() as i64 + at as i64)
    }
}

/// The arrival of the first row of a source.
const fn first_of(source: i64) -> i64 {
    source << ROW_BITS
}

/// When a row of a file came, compared with others of files, where its number in the file is not known: files hold the
/// rows of one device after those of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Standing {
    /// The highest record of the file.
    pub(crate) seq: u64,
    /// The place of the row's device among all.
    pub(crate) device: usize,
    /// The place of the file among all; the last of a device's rows comes after all of them.
    pub(crate) file: usize,
    /// The row's place among those of the device in the file.
    pub(crate) row: i64,
}

impl Standing {
    /// That of the last row that a device has in files.
    pub(crate) const fn last(seq: u64, device: usize) -> Self {
        Self { seq, device, file: usize::MAX, row: i64::MAX }
    }
}

/// The place of each in their order: arrivals of rows that are compared with each other alone, or with those of chunks,
/// which are higher than there can be rows in memory.
pub(crate) fn ranks<T: Ord>(came: &[T]) -> Vec<i64> {
    let mut order: Vec<usize> = (0..came.len()).collect();
    order.sort_unstable_by(|one, other| came[*one].cmp(&came[*other]));
    let mut ranks = vec![0; came.len()];
    for (rank, row) in (0..).zip(order) {
        ranks[row] = rank;
    }
    ranks
}

/// The rows with their arrivals as the last column, in place of numbers that they had there.
pub(crate) fn with_arrivals(
    rows: &RecordBatch,
    arrivals: impl IntoIterator<Item = i64>,
) -> Result<RecordBatch, QueryError> {
    let arrivals = Int64Array::from_iter_values(arrivals);
    add(rows, Arc::new(arrivals)).map_err(QueryError::internal)
}

/// The rows with their arrivals, the first of which that is, as one more column.
pub(crate) fn numbered(rows: &RecordBatch, first: i64) -> Result<RecordBatch, ArrowError> {
    let arrivals: Vec<i64> = (first..).take(rows.num_rows()).collect();
    add(rows, Arc::new(Int64Array::from(arrivals)))
}

fn add(rows: &RecordBatch, arrivals: ArrayRef) -> Result<RecordBatch, ArrowError> {
    let others = rows.schema_ref().fields().iter().filter(|field| field.name() != ARRIVAL).count();
    let fields = rows.schema_ref().fields().iter().take(others).cloned();
    let fields: Vec<_> = fields.chain([Arc::new(arrival_field())]).collect();
    let columns = rows.columns().iter().take(others).cloned().chain([arrivals]).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
}

/// The arrivals of rows that have the column.
pub(crate) fn arrivals(rows: &RecordBatch) -> Result<&[i64], QueryError> {
    let column = rows.column_by_name(ARRIVAL).and_then(|it| it.as_primitive_opt::<Int64Type>());
    let column = column.ok_or_else(|| QueryError::internal("rows came without their arrivals"))?;
    Ok(column.values())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_many_devices_with_many_rows_each_stand_in_their_order() {
        let of = |seq, device, file, row| Standing { seq, device, file, row };
        // More devices than 2^18 and more rows of one than 2^22, in files of one record and of two.
        let came = [
            of(1, 0, 0, 0),
            of(1, 0, 0, (1 << 22) - 1),
            of(1, 0, 0, 1 << 22),
            of(1, 0, 0, 1 << 40),
            Standing::last(1, 0),
            of(1, 1, 0, 0),
            of(1, 1, 1, 0),
            of(1, (1 << 18) - 1, 1, 8 << 20),
            of(1, 1 << 18, 1, 0),
            of(1, usize::MAX, 1, 0),
            of(2, 0, 2, 0),
            Standing::last(2, 1 << 18),
        ];
        assert_eq!(ranks(&came), (0..came.len() as i64).collect::<Vec<_>>());
        let backwards: Vec<_> = came.into_iter().rev().collect();
        assert_eq!(ranks(&backwards), (0..came.len() as i64).rev().collect::<Vec<_>>());
    }
}
