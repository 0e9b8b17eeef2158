//! A snapshot as a table of the query engine: what cannot hold an answer is left out before anything is read.
//!
//! ```text
//!             ┌─ chunks ─ prune by time ─ missing columns are null ──▶ memory ─┐
//! Snapshot ───┤                                                                ├─▶ union
//!             └─ files ── prune by time and partition ─ newest first ▶ Parquet ┘
//! ```
//!
//! - Statistics are exact, so a file is left out only when no row of it can match, and `count(*)` reads nothing.
//! - Newest first lets a "latest N" find its rows in the first file and drop the others while it runs.

mod last_rows_exec;

mod chunks;

mod few;

mod files;

mod last;

mod numbering;

mod order;

mod prune;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, Result};
use datafusion::datasource::physical_plan::parquet::ParquetFileReaderFactory;
use datafusion::datasource::{TableProvider, TableType};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::union::UnionExec;
use iobeam_store::DataFile;

use crate::arrival::{ARRIVAL, Arrivals, arrival_field, numbered};
use crate::context::{PIECE_BYTES, QueryContext, engine_error};
use crate::few::Few;
use crate::runs::{Reading, Runs};
use crate::scope::Table;
use crate::table::last::LastRows;
pub(crate) use crate::table::last::ReadLastRows;
use crate::table::last_rows_exec::{LastRowsExec, Target};
pub(crate) use crate::table::order::OrderByArrival;
use crate::table::prune::Prune;

/// A namespace's snapshot, to be scanned.
#[derive(Clone, Debug)]
pub(crate) struct SnapshotTable {
    table: Table,
    schema: SchemaRef,
    reader: Arc<dyn ParquetFileReaderFactory>,
    runs: Arc<Runs>,
    context: QueryContext,
    /// Only last rows are needed, and these.
    last: Option<Arc<LastRows>>,
}

impl SnapshotTable {
    /// The table over a snapshot; files are opened by `reader`.
    pub(crate) fn new(
        table: Table,
        reader: Arc<dyn ParquetFileReaderFactory>,
        runs: Arc<Runs>,
        context: QueryContext,
    ) -> Self {
        let schema = table.schema();
        Self { table, schema, reader, runs, context, last: None }
    }

    /// The same table for a plan that needs no more than last rows.
    fn of_last_rows(&self, last: Arc<LastRows>) -> Self {
        Self { last: Some(last), ..self.clone() }
    }

    /// The same table, with the arrival of each row as its last column.
    pub(crate) fn with_arrival(&self) -> Self {
        let fields = self.schema.fields().iter().cloned();
        let fields: Vec<_> = fields.chain([Arc::new(arrival_field())]).collect();
        Self { schema: Arc::new(Schema::new(fields)), ..self.clone() }
    }

    fn has_arrival(&self) -> bool {
        self.schema.fields().last().is_some_and(|field| field.name() == ARRIVAL)
    }

    /// The filters as one expression over the table's columns.
    fn predicate(
        &self,
        state: &dyn Session,
        filters: &[Expr],
    ) -> Result<Option<Arc<dyn PhysicalExpr>>> {
        let Some(filter) = conjunction(filters.to_vec()) else { return Ok(None) };
        let schema = DFSchema::try_from(Arc::clone(&self.schema))?;
        state.create_physical_expr(filter, &schema).map(Some)
    }

    /// The few devices that the filters ask for, and when.
    fn few(&self, filters: &[Expr]) -> Option<Few> {
        let looks_up = self.context.limits().looks_up;
        few::few(filters, self.table.partition.as_str()).filter(|_| looks_up)
    }

    /// The rows of the columns when only a few devices are asked for.
    fn few_rows(&self, few: &Few, projection: &[usize]) -> Result<Option<Vec<RecordBatch>>> {
        if !self.context.may_read() {
            return Ok(None);
        }
        let columns: Vec<&str> =
            projection.iter().map(|column| self.schema.field(*column).name().as_str()).collect();
        let reading = Reading::new(&self.runs, &self.context);
        let rows = few.rows(&self.table, &reading, &columns).map_err(engine_error)?;
        if rows.is_some() {
            reading.keep();
        }
        Ok(rows)
    }

    /// How many rows of the files are decoded at once, when some are so wide that it is not the usual number.
    fn batch_rows(&self, files: &[Arc<DataFile>], projection: &[usize]) -> Result<Option<usize>> {
        let partition = self.table.partition.as_str();
        let is_wide = |at: &usize| {
            let field = self.schema.field(*at);
            field.data_type() == &DataType::Utf8View && field.name() != partition
        };
        if !self.context.may_read() || !projection.iter().any(is_wide) {
            return Ok(None);
        }
        let widest = self.runs.widest_row(files, &self.context).map_err(engine_error)?;
        Ok(Some((PIECE_BYTES / widest.max(1)).max(1)))
    }
}

#[async_trait]
impl TableProvider for SnapshotTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Filters leave out files and chunks here; the rows in those that stay are filtered above.
    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.table.check().map_err(engine_error)?;
        let every = (0..self.schema.fields().len()).collect();
        let projection = projection.unwrap_or(&every);
        let few = self.few(filters);
        if self.last.is_none()
            && let Some(few) = &few
            && let Some(rows) = self.few_rows(few, projection)?
        {
            return chunks::scan_rows(&rows, &self.schema, projection, 1);
        }
        let predicate = self.predicate(state, filters)?;
        let prune = Prune::new(predicate, &self.schema, self.table.partition.as_str());
        let files = prune.files(&self.table.snapshot.files)?;
        // Who looks for last rows learns how wide rows are when they must be scanned.
        let batch_rows =
            if self.last.is_none() { self.batch_rows(&files, projection)? } else { None };
        let request = ScanRequest {
            projection,
            partitions: state.config().target_partitions(),
            // A filter above may drop any row: a limit says nothing then.
            limit: limit.filter(|_| filters.is_empty()),
            selective: files::is_selective(filters, self.table.partition.as_str()),
            batch_rows: batch_rows.map(|rows| rows.min(state.config().batch_size())),
        };
        let Some(last) = &self.last else { return self.all_rows(&prune, files, &request) };
        let scan = self.all_rows(&prune, files.clone(), &request)?;
        let (table, projection, last) = (self.clone(), projection.clone(), Arc::clone(last));
        let target = Target { table, projection, last, few, files };
        Ok(Arc::new(LastRowsExec::new(Arc::new(target), scan)))
    }
}

/// What is asked of a scan.
struct ScanRequest<'a> {
    projection: &'a [usize],
    partitions: usize,
    limit: Option<usize>,
    /// Few rows match.
    selective: bool,
    /// How many rows of files are decoded at once, unless the usual number.
    batch_rows: Option<usize>,
}

impl SnapshotTable {
    /// A scan of all rows that may match: those of the files, which are all that is left of them, and those in memory.
    fn all_rows(
        &self,
        prune: &Prune<'_>,
        files: Vec<Arc<DataFile>>,
        request: &ScanRequest<'_>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let ScanRequest { projection, partitions, limit, selective, batch_rows } = *request;
        let arrival = self.schema.fields().len() - 1;
        let arrivals = (self.has_arrival() && projection.contains(&arrival))
            .then(|| Arrivals::of(&self.table.snapshot));
        let mut inputs: Vec<Arc<dyn ExecutionPlan>> = Vec::new();
        let chunks = prune.chunks(&self.table.snapshot.chunks)?;
        if !chunks.is_empty() {
            let reading = Reading::new(&self.runs, &self.context);
            let rows = chunks.into_iter().map(|(at, chunk)| match &arrivals {
                Some(arrivals) => {
                    reading.hold_arrivals(chunk.rows.num_rows()).map_err(engine_error)?;
                    Ok(numbered(&chunk.rows, arrivals.of_chunk(at))?)
                }
                None => Ok(chunk.rows.clone()),
            });
            let rows = rows.collect::<Result<Vec<_>>>()?;
            reading.keep();
            inputs.push(chunks::scan_rows(&rows, &self.schema, projection, partitions)?);
        }
        let scan = |files| files::Scan {
            batch_rows,
            files,
            arrivals: arrivals.as_ref(),
            schema: &self.schema,
            partition: self.table.partition.as_str(),
            reader: Arc::clone(&self.reader),
        };
        let snapshot = &self.table.snapshot;
        let (expiring, whole): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|file| snapshot.expires_in(file));
        if !whole.is_empty() {
            inputs.push(scan(whole).plan(projection, partitions, limit, selective)?);
        }
        if !expiring.is_empty() {
            let rest = scan(expiring);
            inputs.push(rest.since(snapshot.keep_from, projection, partitions, selective)?);
        }
        match inputs.len() {
            0 => Ok(Arc::new(EmptyExec::new(Arc::new(self.schema.project(projection)?)))),
            1 => Ok(inputs.remove(0)),
            _ => UnionExec::try_new(inputs),
        }
    }
}

/// The expression without its other names.
fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => bare(&alias.expr),
        other => other,
    }
}
