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
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::filter_pushdown::{
    ChildPushdownResult, FilterDescription, FilterPushdownPhase, FilterPushdownPropagation,
};
use datafusion::physical_plan::sort_pushdown::SortOrderPushdownResult;
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties,
    PlanProperties, ReplaceChildrenOptions, SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt, stream};
use iobeam_store::DataFile;
use tokio::sync::OnceCell;

use super::last::LastRows;
use super::{SnapshotTable, chunks};
use crate::context::engine_error;
use crate::few::Few;
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

impl Target {
    /// The rows, unless all must be scanned.
    fn find(&self, parts: usize) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let SnapshotTable { table, schema, runs, context, .. } = &self.table;
        let columns: Vec<&str> =
            self.projection.iter().map(|at| schema.field(*at).name().as_str()).collect();
        let scan = |rows: Vec<RecordBatch>, reading: Reading<'_>| {
            reading.keep();
            chunks::scan_rows(&rows, schema, &self.projection, parts).map(Some)
        };
        let reading = Reading::new(runs, context);
        let rows = self.last.rows(table, &reading, &columns);
        context.check_engine()?;
        // What cannot be had this way, the scan will have, or say why not.
        if let Some(rows) = rows.ok().flatten() {
            return scan(rows, reading);
        }
        let Some(few) = &self.few else { return Ok(None) };
        let reading = Reading::new(runs, context);
        match few.rows(table, &reading, &columns).map_err(engine_error)? {
            Some(rows) => scan(rows, reading),
            None => Ok(None),
        }
    }

    /// What the scan runs in: where rows are wide it decodes fewer of them at once.
    fn task_of_scan(&self, task: Arc<TaskContext>) -> Result<Arc<TaskContext>> {
        let Some(rows) = self.table.batch_rows(&self.files, &self.projection)? else {
            return Ok(task);
        };
        let config = task.session_config().clone();
        let rows = rows.min(config.batch_size());
        Ok(Arc::new(TaskContext::new(
            task.task_id(),
            task.session_id(),
            config.with_batch_size(rows),
            task.scalar_functions().clone(),
            task.higher_order_functions().clone(),
            task.aggregate_functions().clone(),
            task.window_functions().clone(),
            task.runtime_env(),
        )))
    }
}

/// How plans name it.
const NAME: &str = "LastRowsExec";

/// See the module.
#[derive(Debug)]
pub(super) struct LastRowsExec {
    target: Arc<Target>,
    scan: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    /// Once it was looked for: the rows, unless all must be scanned.
    found: Arc<OnceCell<Option<Arc<dyn ExecutionPlan>>>>,
}

impl LastRowsExec {
    /// Looks for rows of the target, and scans if they cannot be found.
    pub(super) fn new(target: Arc<Target>, scan: Arc<dyn ExecutionPlan>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(scan.schema()),
            scan.output_partitioning().clone(),
            scan.pipeline_behavior(),
            scan.boundedness(),
        );
        Self { target, scan, properties: Arc::new(properties), found: Arc::default() }
    }

    fn over(&self, scan: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self::new(Arc::clone(&self.target), scan))
    }
}

impl DisplayAs for LastRowsExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{NAME}: by=[{}]", self.target.last.keys.join(", "))
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

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    /// What the rows come from: who looks at a plan that ran sees what was read.
    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![self.found.get().and_then(Option::as_ref).unwrap_or(&self.scan)]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self.over(children.pop().unwrap_or_else(|| Arc::clone(&self.scan))))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(
            children,
            ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute),
        )
    }

    fn execute(&self, part: usize, task: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (target, scan) = (Arc::clone(&self.target), Arc::clone(&self.scan));
        let (found, parts) = (Arc::clone(&self.found), self.scan.output_partitioning());
        let parts = parts.partition_count();
        let rows = stream::once(async move {
            let found = found.get_or_try_init(async || target.find(parts)).await?;
            match found {
                None => scan.execute(part, target.task_of_scan(task)?),
                Some(rows) if part < rows.output_partitioning().partition_count() => {
                    rows.execute(part, task)
                }
                Some(rows) => {
                    let nothing = stream::empty().boxed();
                    Ok(Box::pin(RecordBatchStreamAdapter::new(rows.schema(), nothing)) as _)
                }
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows.try_flatten())))
    }

    fn child_stats_requests(&self, part: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(part)]
    }

    /// There may be fewer rows than in the scan.
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
        Ok(match self.scan.try_pushdown_sort(order)? {
            SortOrderPushdownResult::Exact { inner }
            | SortOrderPushdownResult::Inexact { inner } => {
                SortOrderPushdownResult::Inexact { inner: self.over(inner) }
            }
            SortOrderPushdownResult::Unsupported => SortOrderPushdownResult::Unsupported,
        })
    }
}
