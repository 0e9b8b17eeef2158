//! Rows in memory as a scan: each chunk gets the columns that the query wants, null where it has none.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::physical_plan::ExecutionPlan;

use crate::arrival::ARRIVAL;
use crate::guard::plain;

/// Smaller chunks are put together up to this size: the engine's cost for a batch is that of some thousand rows.
const SMALL: usize = 4096;
/// Below this many rows a second thread costs more than it gains.
const WORTH_SHARING: usize = 100_000;

/// A scan of rows that are in memory.
pub(super) fn scan_rows<'a>(
    rows: impl IntoIterator<Item = &'a RecordBatch>,
    schema: &SchemaRef,
    projection: &[usize],
    partitions: usize,
) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = Arc::new(schema.project(projection)?);
    let fitted = rows.into_iter().map(|rows| fit(rows, &schema)).collect::<Result<Vec<_>>>()?;
    let batches = together(fitted, &schema)?;
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let count = if rows < WORTH_SHARING { 1 } else { partitions.min(batches.len()).max(1) };
    let mut shared = vec![Vec::new(); count];
    for (at, batch) in batches.into_iter().enumerate() {
        shared[at % count].push(batch);
    }
    Ok(plain(MemorySourceConfig::try_new_exec(&shared, schema, None)?))
}

/// The chunk's rows with exactly the columns of the schema.
fn fit(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let column = |field: &Arc<arrow::datatypes::Field>| -> ArrayRef {
        match rows.column_by_name(field.name()) {
            Some(column) => Arc::clone(column),
            // Rows of which none can be mistaken for another of its time.
            None if field.name() == ARRIVAL => Arc::new(Int64Array::from(vec![0; rows.num_rows()])),
            None => new_null_array(field.data_type(), rows.num_rows()),
        }
    };
    let columns = schema.fields().iter().map(column).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}

/// Puts runs of small batches together.
fn together(batches: Vec<RecordBatch>, schema: &SchemaRef) -> Result<Vec<RecordBatch>> {
    let mut all = Vec::new();
    let mut small: Vec<RecordBatch> = Vec::new();
    let mut held = 0;
    for batch in batches {
        if batch.num_rows() >= SMALL {
            all.push(batch);
            continue;
        }
        held += batch.num_rows();
        small.push(batch);
        if held >= SMALL {
            all.push(concat_batches(schema, &small)?);
            small.clear();
            held = 0;
        }
    }
    if !small.is_empty() {
        all.push(concat_batches(schema, &small)?);
    }
    Ok(all)
}
