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
/// Rows of one source have so many bits of an arrival.
const ROW_BITS: u32 = 40;

/// Of these so many say which row of a device it is, where the number of the row in the file is not known.
const DEVICE_ROW_BITS: u32 = 22;

/// The field of the hidden column.
pub(crate) fn arrival_field() -> Field {
    Field::new(ARRIVAL, DataType::Int64, false)
}

/// Where the sources of a snapshot stand in the order of arrival.
#[derive(Debug)]
pub(crate) struct Arrivals {
    files: HashMap<*const DataFile, i64>,
    /// The highest records of the files, in order.
    seqs: Vec<u64>,
}

impl Arrivals {
    /// Those of a snapshot.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let mut files: Vec<&Arc<DataFile>> = snapshot.files.iter().collect();
        files.sort_by_key(|file| file.seq);
        let seqs = files.iter().map(|file| file.seq).collect();
        let files = files.into_iter().zip(0..).map(|(file, at)| (Arc::as_ptr(file), first_of(at)));
        Self { files: files.collect(), seqs }
    }

    /// An arrival for a row of a file with that highest record, of which no more is known than the place of its device
    /// among those of the file, and its own among the rows of the device.
    pub(crate) fn of_device(&self, seq: u64, device: usize, row: usize) -> i64 {
        let file = self.seqs.partition_point(|other| *other < seq) as i64;
        let row = row.min((1 << DEVICE_ROW_BITS) - 1) as i64;
        first_of(file) + ((device as i64) << DEVICE_ROW_BITS) + row
    }

    /// The place of the device, of an arrival that was made of it.
    pub(crate) const fn device(arrival: i64) -> usize {
        ((arrival & ((1 << ROW_BITS) - 1)) >> DEVICE_ROW_BITS) as usize
    }

    /// The arrival of a file's first row.
    pub(crate) fn of_file(&self, file: &Arc<DataFile>) -> i64 {
        self.files.get(&Arc::as_ptr(file)).copied().unwrap_or(0)
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

/// The rows with their arrivals as one more column.
pub(crate) fn with_arrivals(
    rows: &RecordBatch,
    arrivals: impl IntoIterator<Item = i64>,
) -> Result<RecordBatch, QueryError> {
    let arrivals: Int64Array = arrivals.into_iter().map(Some).collect();
    add(rows, Arc::new(arrivals)).map_err(QueryError::internal)
}

/// The rows with their arrivals, the first of which that is, as one more column.
pub(crate) fn numbered(rows: &RecordBatch, first: i64) -> Result<RecordBatch, ArrowError> {
    let arrivals: Vec<i64> = (first..).take(rows.num_rows()).collect();
    add(rows, Arc::new(Int64Array::from(arrivals)))
}

fn add(rows: &RecordBatch, arrivals: ArrayRef) -> Result<RecordBatch, ArrowError> {
    let fields = rows.schema_ref().fields().iter().cloned();
    let fields: Vec<_> = fields.chain([Arc::new(arrival_field())]).collect();
    let columns = rows.columns().iter().cloned().chain([arrivals]).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
}

/// The arrivals of rows that have the column.
pub(crate) fn arrivals(rows: &RecordBatch) -> &[i64] {
    match rows.column_by_name(ARRIVAL) {
        Some(column) => column.as_primitive::<Int64Type>().values(),
        None => &[],
    }
}
