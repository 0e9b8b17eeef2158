//! A scan that looks for last rows where they can be found without reading all, and reads all if they cannot.
//!
//! ```text
//! plan:  LastRowsExec ─ scan of all rows that may be needed
//! run:   last rows ─ found ────────────────▶ these rows
//!          └ too many ─▶ those of a few devices, if the filters name them ─ found ─▶ these rows
//!                          └ too many ─▶ the scan
//! ```
//!
//! - The plan is chosen by what the query says alone; nothing is read before it runs.
//! - The scan gives at least the rows that are looked for: whatever stands above makes the same of either.
//! - The parts of the plan look once, together; the one that comes first reads, on a thread of the query.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::config::ConfigOptions;
use datafusion::common::{DataFusionError, Result, Statistics};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::filter_pushdown::{
    ChildPushdownResult, FilterDescription, FilterPushdownPhase, FilterPushdownPropagation,
};
use datafusion::physical_plan::sort_pushdown::SortOrderPushdownResult;
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning,
    PlanProperties, SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt, stream};
use iobeam_store::DataFile;
use tokio::sync::OnceCell;

use super::last::LastRows;
use super::{SnapshotTable, chunks};
use crate::context::engine_error;
use crate::few::Few;
use crate::over::over_one;
use crate::runs::Reading;

/// The table that rows are looked for in, and how.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) table: SnapshotTable,
    /// The columns that are needed.
    pub(super) projection: Vec<usize>,
    /// What is tried first.
    pub(super) last: Arc<LastRows>,
    /// What is tried then.
    pub(super) few: Option<Few>,
    /// The files that the scan reads.
    pub(super) files: Vec<Arc<DataFile>>,
}

/// Where the rows come from.
#[derive(Debug)]
enum Way {
    /// They were found, in that way.
    Found(Arc<dyn ExecutionPlan>, &'static str),
    /// All are scanned; of rows that are wide so many at once.
    Scan { batch_rows: Option<usize> },
}

impl Target {
    /// Looks for the rows.
    fn find(&self, parts: usize) -> Result<Way> {
        let SnapshotTable { table, schema, .. } = &self.table;
        let columns: Vec<&str> =
            self.projection.iter().map(|at| schema.field(*at).name().as_str()).collect();
        let found = |rows: Vec<RecordBatch>, way| {
            let rows = chunks::scan_rows(&rows, schema, &self.projection, parts)?;
            Ok(Way::Found(rows, way))
        };
        if let Some(rows) = self.attempt(|reading| self.last.rows(table, reading, &columns))? {
            return found(rows, "last rows");
        }
        if let Some(few) = &self.few
            && let Some(rows) =
                self.attempt(|reading| few.rows(table, reading, &columns).map_err(engine_error))?
        {
            return found(rows, "rows of a few devices");
        }
        Ok(Way::Scan { batch_rows: self.table.batch_rows(&self.files, &self.projection)? })
    }

    /// Tries one way, whose rows are held until the query ends. What fails this way, the scan can do, or says why not,
    /// unless the query has to end.
    fn attempt(
        &self,
        find: impl FnOnce(&Reading<'_>) -> Result<Option<Vec<RecordBatch>>>,
    ) -> Result<Option<Vec<RecordBatch>>> {
        let reading = Reading::new(&self.table.runs, &self.table.context);
        let rows = find(&reading);
        self.table.context.check_engine()?;
        let rows = rows.unwrap_or_else(|error| {
            tracing::debug!(%error, "rows are scanned, as they cannot be looked up");
            None
        });
        if rows.is_some() {
            reading.keep();
        }
        Ok(rows)
    }
}

/// What a scan runs in that decodes at most so many rows at once.
fn in_batches(task: &TaskContext, rows: usize) -> TaskContext {
    let config = task.session_config().clone();
    let rows = rows.min(config.batch_size());
    TaskContext::new(
        task.task_id(),
        task.session_id(),
        config.with_batch_size(rows),
        task.scalar_functions().clone(),
        task.higher_order_functions().clone(),
        task.aggregate_functions().clone(),
        task.window_functions().clone(),
        task.runtime_env(),
    )
}

/// How plans name it.
const NAME: &str = "LastRowsExec";

/// See the module.
#[derive(Debug)]
pub(super) struct LastRowsExec {
    target: Arc<Target>,
    scan: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    /// What was found, once it was looked for: by all parts, also of the same plan over another scan with as many.
    way: Arc<OnceCell<Result<Way, Arc<DataFusionError>>>>,
}

impl LastRowsExec {
    /// Looks for rows of the target, and scans if they cannot be found.
    pub(super) fn new(target: Arc<Target>, scan: Arc<dyn ExecutionPlan>) -> Self {
        let parts = scan.output_partitioning().partition_count();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(scan.schema()),
            Partitioning::UnknownPartitioning(parts),
            scan.pipeline_behavior(),
            scan.boundedness(),
        );
        Self { target, scan, properties: Arc::new(properties), way: Arc::default() }
    }

    fn parts(&self) -> usize {
        self.properties.partitioning.partition_count()
    }

    fn over(&self, scan: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        let mut new = Self::new(Arc::clone(&self.target), scan);
        if new.parts() == self.parts() {
            new.way = Arc::clone(&self.way);
        }
        Arc::new(new)
    }
}

impl DisplayAs for LastRowsExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{NAME}: by=[{}]", self.target.last.keys.join(", "))?;
        match self.way.get() {
            Some(Ok(Way::Found(_, way))) => write!(f, ", read={way}"),
            Some(Ok(Way::Scan { .. })) => f.write_str(", read=all"),
            Some(Err(_)) | None => Ok(()),
        }
    }
}

impl ExecutionPlan for LastRowsExec {
    fn name(&self) -> &'static str {
        NAME
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.scan]
    }

    over_one!(scan);

    fn execute(&self, part: usize, task: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (target, scan) = (Arc::clone(&self.target), Arc::clone(&self.scan));
        let (way, parts) = (Arc::clone(&self.way), self.parts());
        let rows = stream::once(async move {
            let way = way.get_or_init(async || target.find(parts).map_err(Arc::new)).await;
            match way {
                Err(error) => Err(DataFusionError::Shared(Arc::clone(error))),
                Ok(Way::Scan { batch_rows: None }) => scan.execute(part, task),
                Ok(Way::Scan { batch_rows: Some(rows) }) => {
                    scan.execute(part, Arc::new(in_batches(&task, *rows)))
                }
                Ok(Way::Found(rows, _)) if part < rows.output_partitioning().partition_count() => {
                    rows.execute(part, task)
                }
                Ok(Way::Found(rows, _)) => {
                    let nothing = stream::empty().boxed();
                    Ok(Box::pin(RecordBatchStreamAdapter::new(rows.schema(), nothing)) as _)
                }
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows.try_flatten())))
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let known = inputs.first().map(|known| Statistics::clone(known).to_inexact());
        Ok(Arc::new(known.unwrap_or_else(|| Statistics::new_unknown(&self.schema()))))
    }

    fn gather_filters_for_pushdown(
        &self,
        _: FilterPushdownPhase,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        _: &ConfigOptions,
    ) -> Result<FilterDescription> {
        FilterDescription::from_children(filters, &[&self.scan])
    }

    /// The scan may leave rows out; those that are found are filtered above in any case.
    fn handle_child_pushdown_result(
        &self,
        _: FilterPushdownPhase,
        result: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        Ok(FilterPushdownPropagation::all_unsupported(result))
    }

    fn try_pushdown_sort(
        &self,
        order: &[PhysicalSortExpr],
    ) -> Result<SortOrderPushdownResult<Arc<dyn ExecutionPlan>>> {
        Ok(self.scan.try_pushdown_sort(order)?.map(|scan| self.over(scan)).into_inexact())
    }
}
