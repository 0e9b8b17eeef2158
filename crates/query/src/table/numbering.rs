//! Rows of files with their arrivals: those of the file's first row and the number of the row in it, added.
//!
//! ```text
//! Parquet: columns, first arrival of the file, number of the row ─▶ columns, arrival
//! ```
//!
//! What is sought above by time and arrival is sought below by time alone: the reader cannot compare arrivals, but
//! leaves out files and row groups whose times cannot win.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::kernels::numeric::add;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::{ColumnStatistics, Result, Statistics};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{
    BinaryExpr, DynamicFilterPhysicalExpr, DynamicFilterTracking, lit,
};
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_expr_common::physical_expr::{
    snapshot_generation, snapshot_physical_expr,
};
use datafusion::physical_plan::execution_plan::CardinalityEffect;
use datafusion::physical_plan::filter_pushdown::{
    ChildFilterDescription, ChildPushdownResult, FilterDescription, FilterPushdownPhase,
    FilterPushdownPropagation,
};
use datafusion::physical_plan::sort_pushdown::SortOrderPushdownResult;
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    RecordBatchStream, SendableRecordBatchStream,
};
use futures::{Stream, StreamExt};
use parking_lot::Mutex;

use crate::arrival::{ARRIVAL, arrival_field};
use crate::guard::NAME;
use crate::over::over_one;

/// Of an input that ends with the first arrival of each row's file and the row's number the same with the arrival in
/// their place.
pub(super) fn numbered(input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    Arc::new(Numbering::new(input, Arc::default()))
}

/// See the module.
#[derive(Debug)]
struct Numbering {
    input: Arc<dyn ExecutionPlan>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
    /// What is sought above, and what below.
    sought: Arc<Mutex<Vec<Arc<Sought>>>>,
}

/// A filter that changes while the query runs, and what of it does not look at arrivals.
#[derive(Debug)]
struct Sought {
    above: Arc<dyn PhysicalExpr>,
    below: Arc<DynamicFilterPhysicalExpr>,
    /// As of when `below` is that of `above`.
    seen: AtomicU64,
}

impl Sought {
    fn new(above: Arc<dyn PhysicalExpr>) -> Self {
        let columns = collect_columns(&above).into_iter().filter(|it| it.name() != ARRIVAL);
        let columns = columns.map(|column| Arc::new(column) as Arc<dyn PhysicalExpr>).collect();
        let below = Arc::new(DynamicFilterPhysicalExpr::new(columns, lit(true)));
        Self { above, below, seen: AtomicU64::new(0) }
    }

    /// Learns what is sought by now.
    fn catch_up(&self) -> Result<()> {
        let now = snapshot_generation(&self.above);
        if self.seen.swap(now, Ordering::Relaxed) == now {
            return Ok(());
        }
        self.below.update(without_arrival(&snapshot_physical_expr(Arc::clone(&self.above))?))
    }
}

/// A filter that lets through all that the other does, and does not look at arrivals.
fn without_arrival(filter: &Arc<dyn PhysicalExpr>) -> Arc<dyn PhysicalExpr> {
    if !names_arrival(filter) {
        return Arc::clone(filter);
    }
    match filter.downcast_ref::<BinaryExpr>() {
        Some(parts) if matches!(parts.op(), Operator::And | Operator::Or) => {
            let (left, right) = (without_arrival(parts.left()), without_arrival(parts.right()));
            Arc::new(BinaryExpr::new(left, *parts.op(), right))
        }
        _ => lit(true),
    }
}

fn names_arrival(filter: &Arc<dyn PhysicalExpr>) -> bool {
    collect_columns(filter).iter().any(|column| column.name() == ARRIVAL)
}

impl Numbering {
    fn new(input: Arc<dyn ExecutionPlan>, sought: Arc<Mutex<Vec<Arc<Sought>>>>) -> Self {
        let columns = input.schema();
        let kept = columns.fields().iter().take(columns.fields().len().saturating_sub(2));
        let fields: Vec<_> = kept.cloned().chain([Arc::new(arrival_field())]).collect();
        let schema = Arc::new(Schema::new(fields));
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            input.output_partitioning().clone(),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        Self { input, schema, properties: Arc::new(properties), sought }
    }

    fn over(&self, input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self::new(input, Arc::clone(&self.sought)))
    }

    /// What is sought below for a filter from above; nothing where it does not change.
    fn sought_below(&self, above: &Arc<dyn PhysicalExpr>) -> Option<Arc<dyn PhysicalExpr>> {
        let changes = DynamicFilterTracking::classify(above).contains_dynamic_filter();
        if !changes || !names_arrival(above) {
            return None;
        }
        let new = Arc::new(Sought::new(Arc::clone(above)));
        let below = Arc::clone(&new.below);
        self.sought.lock().push(new);
        Some(below)
    }
}

impl DisplayAs for Numbering {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)
    }
}

impl ExecutionPlan for Numbering {
    fn name(&self) -> &'static str {
        NAME
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    /// Whoever sorts by arrival must stand above.
    fn maintains_input_order(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    over_one!(input);

    fn execute(&self, part: usize, task: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        Ok(Box::pin(Numbered {
            schema: Arc::clone(&self.schema),
            sought: self.sought.lock().clone(),
            input: self.input.execute(part, task)?,
        }))
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let columns = self.schema.fields().len();
        let Some(known) = inputs.first().filter(|it| it.column_statistics.len() >= columns) else {
            return Ok(Arc::new(Statistics::new_unknown(&self.schema)));
        };
        let mut known = Statistics::clone(known);
        known.column_statistics.truncate(columns - 1);
        known.column_statistics.push(ColumnStatistics::new_unknown());
        Ok(Arc::new(known))
    }

    fn supports_limit_pushdown(&self) -> bool {
        true
    }

    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn ExecutionPlan>> {
        self.input.with_fetch(limit).map(|input| self.over(input))
    }

    fn fetch(&self) -> Option<usize> {
        self.input.fetch()
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }

    fn gather_filters_for_pushdown(
        &self,
        _: FilterPushdownPhase,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        _: &ConfigOptions,
    ) -> Result<FilterDescription> {
        let below = filters.iter().filter_map(|filter| self.sought_below(filter)).collect();
        let child = ChildFilterDescription::from_child(&filters, &self.input)?;
        Ok(FilterDescription::new().with_child(child.with_self_filters(below)))
    }

    fn handle_child_pushdown_result(
        &self,
        _: FilterPushdownPhase,
        result: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        Ok(FilterPushdownPropagation::if_all(result))
    }

    fn try_pushdown_sort(
        &self,
        order: &[PhysicalSortExpr],
    ) -> Result<SortOrderPushdownResult<Arc<dyn ExecutionPlan>>> {
        let known = order.iter().take_while(|key| !names_arrival(&key.expr));
        let known: Vec<_> = known.cloned().collect();
        if known.is_empty() {
            return Ok(SortOrderPushdownResult::Unsupported);
        }
        Ok(self.input.try_pushdown_sort(&known)?.map(|input| self.over(input)).into_inexact())
    }
}

/// Rows on their way.
struct Numbered {
    schema: SchemaRef,
    sought: Vec<Arc<Sought>>,
    input: SendableRecordBatchStream,
}

impl Numbered {
    fn number(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
        if let (Some(row), Some(first)) = (columns.pop(), columns.pop()) {
            columns.push(add(&first, &row)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}

impl Stream for Numbered {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Err(error) = self.sought.iter().try_for_each(|sought| sought.catch_up()) {
            return Poll::Ready(Some(Err(error)));
        }
        let rows = ready!(self.input.poll_next_unpin(task));
        Poll::Ready(rows.map(|rows| rows.and_then(|rows| self.number(&rows))))
    }
}

impl RecordBatchStream for Numbered {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}
