//! What a plan is made and run with.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::Column;
use datafusion::datasource::physical_plan::parquet::ParquetFileReaderFactory;
use datafusion::datasource::provider_as_source;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::DataFrame;
use futures::stream::{self, StreamExt};

use crate::answer::Rows;
use crate::error::QueryError;
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
    /// The memory of all queries together, for messages.
    pub(crate) memory: u64,
}

impl Session {
    /// The table as something to be planned over.
    pub(crate) fn scan(&self, table: &Table) -> Result<DataFrame, QueryError> {
        let provider = Arc::new(self.table(table));
        let plan =
            LogicalPlanBuilder::scan(table.name.as_str(), provider_as_source(provider), None)
                .and_then(LogicalPlanBuilder::build);
        let plan = plan.map_err(|error| self.error(&error))?;
        Ok(DataFrame::new(self.state.clone(), plan))
    }

    /// The table as the engine takes it.
    pub(crate) fn table(&self, table: &Table) -> SnapshotTable {
        SnapshotTable::new(table.clone(), Arc::clone(&self.reader), Arc::clone(&self.runs))
    }

    pub(crate) fn error(&self, error: &datafusion::error::DataFusionError) -> QueryError {
        QueryError::from_engine(error, self.memory)
    }

    /// Rows that are there already.
    pub(crate) fn rows(&self, rows: &RecordBatch) -> Result<Rows, QueryError> {
        rows_at_hand(rows, &self.state.runtime_env().memory_pool, self.memory)
    }

    /// Runs a plan of the engine.
    pub(crate) fn run(&self, plan: Arc<dyn ExecutionPlan>) -> Result<Rows, QueryError> {
        let context = Arc::new(TaskContext::from(&self.state));
        let memory = self.memory;
        let stream = execute_stream(plan, context).map_err(|error| self.error(&error))?;
        Ok(stream
            .map(move |batch| batch.map_err(|error| QueryError::from_engine(&error, memory)))
            .boxed())
    }
}

/// Rows that are there already; while they are on their way they count against the memory of queries, which is so much.
pub(crate) fn rows_at_hand(
    rows: &RecordBatch,
    pool: &Arc<dyn MemoryPool>,
    memory: u64,
) -> Result<Rows, QueryError> {
    let rows = own(rows)?;
    let held = MemoryConsumer::new("rows that are there").register(pool);
    held.try_grow(rows.get_array_memory_size())
        .map_err(|error| QueryError::from_engine(&error, memory))?;
    let total = rows.num_rows();
    let pieces = (0..total).step_by(BATCH).map(move |at| {
        let _held = &held;
        Ok(rows.slice(at, BATCH.min(total - at)))
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
        let pool = Arc::clone(&state.runtime_env().memory_pool);
        let plan = state.optimize(&plan).map_err(|error| session.error(&error))?;
        let plan = state.query_planner().create_physical_plan(&plan, &state).await;
        let plan = plan.map_err(|error| session.error(&error))?;
        let mut schema = plan.schema();
        let mut rows = session.run(plan)?;
        for step in self.steps {
            rows = match step {
                Step::Times(most) => first_times(rows, 0, most),
                Step::Newest(rule) => rule.run(rows, &schema, &pool, session.memory).await?,
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
