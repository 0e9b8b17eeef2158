//! What a plan is made and run with.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::Column;
use datafusion::datasource::physical_plan::parquet::ParquetFileReaderFactory;
use datafusion::datasource::provider_as_source;
use datafusion::execution::TaskContext;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use datafusion::physical_plan::{
    ExecutionPlan, SendableRecordBatchStream, execute_stream, execute_stream_partitioned,
};
use datafusion::prelude::DataFrame;
use futures::stream::{self, StreamExt};

use crate::answer::Rows;
use crate::context::{PIECE_BYTES, PlanLimits, QueryContext};
use crate::error::QueryError;
use crate::guard::guarded;
use crate::newest::{BATCH, NewestPerKey, first_columns, first_rows, first_times, own};
use crate::runs::Runs;
use crate::scope::Table;
use crate::table::SnapshotTable;

/// One question's hold on the engine.
#[derive(Clone)]
pub(crate) struct Session {
    /// Functions, settings, memory.
    pub(crate) state: SessionState,
    /// Opens files.
    pub(crate) reader: Arc<dyn ParquetFileReaderFactory>,
    /// Rows that were asked for lately.
    pub(crate) runs: Arc<Runs>,
    /// The query's limits.
    pub(crate) context: QueryContext,
    /// What its plan may be made of.
    pub(crate) plan: PlanLimits,
}

impl Session {
    /// The table as something to be planned over.
    pub(crate) fn scan(&self, table: &Table) -> Result<DataFrame, QueryError> {
        self.scan_of(table, self.table(table))
    }

    /// The same with the arrival of each row.
    pub(crate) fn scan_with_arrival(&self, table: &Table) -> Result<DataFrame, QueryError> {
        self.scan_of(table, self.table(table).with_arrival())
    }

    fn scan_of(&self, table: &Table, provider: SnapshotTable) -> Result<DataFrame, QueryError> {
        let provider = Arc::new(provider);
        let plan =
            LogicalPlanBuilder::scan(table.name.as_str(), provider_as_source(provider), None)
                .and_then(LogicalPlanBuilder::build);
        let plan = plan.map_err(|error| self.error(&error))?;
        Ok(DataFrame::new(self.state.clone(), plan))
    }

    /// The table as the engine takes it.
    pub(crate) fn table(&self, table: &Table) -> SnapshotTable {
        let (reader, runs) = (Arc::clone(&self.reader), Arc::clone(&self.runs));
        SnapshotTable::new(table.clone(), reader, runs, self.context.clone())
    }

    pub(crate) fn error(&self, error: &datafusion::error::DataFusionError) -> QueryError {
        QueryError::from_engine(error, self.context.limits().memory_bytes)
    }

    /// Rows that are there already.
    pub(crate) fn rows(&self, rows: &RecordBatch) -> Result<Rows, QueryError> {
        rows_at_hand(rows, &self.context)
    }

    /// Runs a plan of the engine, guarded.
    pub(crate) fn run(&self, plan: Arc<dyn ExecutionPlan>) -> Result<Rows, QueryError> {
        let plan = guarded(plan, &self.context).map_err(|error| self.error(&error))?;
        let task = self.task();
        let memory = self.context.limits().memory_bytes;
        let stream = execute_stream(plan, task).map_err(|error| self.error(&error))?;
        Ok(stream
            .map(move |batch| batch.map_err(|error| QueryError::from_engine(&error, memory)))
            .boxed())
    }

    /// The same, with the rows in as many streams as the plan has parts.
    pub(crate) fn run_parts(
        &self,
        plan: Arc<dyn ExecutionPlan>,
    ) -> Result<Vec<SendableRecordBatchStream>, QueryError> {
        let plan = guarded(plan, &self.context).map_err(|error| self.error(&error))?;
        let task = self.task();
        execute_stream_partitioned(plan, task).map_err(|error| self.error(&error))
    }

    /// What a plan runs in: memory is drawn by the query's own account.
    fn task(&self) -> Arc<TaskContext> {
        let mut environment = RuntimeEnv::clone(self.state.runtime_env());
        environment.memory_pool = self.context.pool();
        Arc::new(TaskContext::from(&self.state).with_runtime(Arc::new(environment)))
    }
}

/// Rows that are there already; while they are on their way they count against the memory of queries.
pub(crate) fn rows_at_hand(rows: &RecordBatch, context: &QueryContext) -> Result<Rows, QueryError> {
    let rows = own(rows)?;
    let held = context.reservation("rows that are there");
    held.grow(rows.get_array_memory_size())?;
    let total = rows.num_rows();
    let bytes = rows.get_array_memory_size().div_ceil(total.max(1)).max(1);
    let most = BATCH.min((PIECE_BYTES / bytes).max(1));
    let pieces = (0..total).step_by(most).map(move |at| {
        let _held = &held;
        Ok(rows.slice(at, most.min(total - at)))
    });
    Ok(stream::iter(pieces).boxed())
}

/// A column by its exact name: no letter of it is changed.
pub(crate) fn column(name: &str) -> Expr {
    Expr::Column(Column::from_name(name))
}

/// A plan, and what is done with its rows afterwards.
pub(crate) struct Planned {
    pub(super) frame: DataFrame,
    pub(super) steps: Vec<Step>,
}

/// What the engine cannot do as well.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Only the rows of so many newest distinct times.
    Times(usize),
    /// Only the newest rows of each key.
    Newest(NewestPerKey),
    /// Only the first rows.
    Rows(usize),
    /// Only the first columns.
    Columns(usize),
}

/// The longest "latest n" that is left to the engine, which holds such rows in memory; longer ones are sorted, on
/// disk if need be, and cut off.
pub(super) const HELD: usize = 100_000;

impl Planned {
    /// At most so many rows, in the order they have.
    pub(super) fn limited(
        mut self,
        limit: Option<usize>,
    ) -> Result<Self, datafusion::error::DataFusionError> {
        match limit {
            None => {}
            Some(limit) if limit <= HELD && self.steps.is_empty() => {
                self.frame = self.frame.limit(0, Some(limit))?;
            }
            Some(limit) => self.steps.push(Step::Rows(limit)),
        }
        Ok(self)
    }

    /// Runs it all; the columns come with the rows.
    pub(crate) async fn run(self, session: &Session) -> Result<(SchemaRef, Rows), QueryError> {
        let (state, plan) = self.frame.into_parts();
        let (pool, memory) = (session.context.pool(), session.context.limits().memory_bytes);
        let plan = state.optimize(&plan).map_err(|error| session.error(&error))?;
        let plan = state.query_planner().create_physical_plan(&plan, &state).await;
        let plan = plan.map_err(|error| session.error(&error))?;
        let mut schema = plan.schema();
        let mut rows = session.run(plan)?;
        for step in self.steps {
            rows = match step {
                Step::Times(most) => first_times(rows, 0, most),
                Step::Newest(rule) => rule.run(rows, &schema, &pool, memory).await?,
                Step::Rows(most) => first_rows(rows, most),
                Step::Columns(columns) => {
                    let keep: Vec<usize> = (0..columns).collect();
                    schema = Arc::new(schema.project(&keep).map_err(QueryError::internal)?);
                    first_columns(rows, columns)
                }
            };
        }
        Ok((schema, rows))
    }
}
