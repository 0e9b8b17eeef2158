//! Rows of equal time are told apart by their arrival, wherever a plan puts rows in the order of a table's time.
//!
//! ```text
//! Sort: t DESC                          Projection: as before
//!   Projection: time AS t, a              Sort: t DESC, arrival DESC
//!     TableScan: time, a         ─▶         Projection: time AS t, a, arrival
//!                                             TableScan: time, a, arrival
//! Aggregate: last_value(a ORDER BY time)   ─▶ last_value(a ORDER BY time, arrival)
//! Window: row_number() OVER (ORDER BY t)   ─▶ row_number() OVER (ORDER BY t, arrival)
//! ```
//!
//! - The last key of all, in the direction of the time: ascending and descending are each other's reverse.
//! - Where a key is computed, or where rows were put together below, there are no arrivals; the plan stays as it is.
//! - Window functions that give all rows of equal time the same value keep to that.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, DFSchemaRef, Result};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::logical_expr::expr::{AggregateFunction, Alias, Sort as SortExpr, WindowFunction};
use datafusion::logical_expr::expr_rewriter::{NamePreserver, SavedName};
use datafusion::logical_expr::{
    Aggregate, Expr, LogicalPlan, Projection, Sort, SubqueryAlias, TableScan, Union, Window,
    WindowFrameBound, WindowFrameUnits, lit,
};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

use super::{SnapshotTable, bare};
use crate::arrival::ARRIVAL;
use crate::scope::TIME;

/// See the module.
#[derive(Debug)]
pub(crate) struct OrderByArrival;

impl OptimizerRule for OrderByArrival {
    fn name(&self) -> &'static str {
        "order_by_arrival"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        None
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        plan.transform_up_with_subqueries(|plan| {
            // Where the columns do not fit together, as two of one name, the order is the one that was asked for.
            let ordered = match &plan {
                LogicalPlan::Sort(sort) => of_sort(sort),
                LogicalPlan::Aggregate(aggregate) => of_aggregate(&plan, aggregate),
                LogicalPlan::Window(window) => of_window(&plan, window),
                _ => None,
            };
            Ok(match ordered {
                Some(ordered) => Transformed::yes(ordered),
                None => Transformed::no(plan),
            })
        })
    }
}

/// A plan's input, while arrivals are added to it.
struct Input {
    plan: LogicalPlan,
    /// Whether anything was added.
    changed: bool,
}

impl Input {
    fn new(plan: &LogicalPlan) -> Self {
        Self { plan: plan.clone(), changed: false }
    }

    /// The keys, with those of the arrivals after them; nothing when there is none that would not be there already.
    fn keys(&mut self, keys: &[SortExpr]) -> Option<Vec<SortExpr>> {
        let mut all = keys.to_vec();
        for key in keys {
            let Expr::Column(time) = &key.expr else { continue };
            let Some((plan, arrival)) = with_arrival(&self.plan, time) else { continue };
            let arrival = Expr::Column(arrival);
            if all.iter().any(|known| known.expr == arrival) {
                continue;
            }
            self.plan = plan;
            self.changed = true;
            all.push(SortExpr { expr: arrival, asc: key.asc, nulls_first: key.nulls_first });
        }
        (all.len() > keys.len()).then_some(all)
    }
}

fn of_sort(sort: &Sort) -> Option<LogicalPlan> {
    let mut input = Input::new(&sort.input);
    let expr = input.keys(&sort.expr)?;
    let sorted = Sort { expr, input: Arc::new(input.plan), fetch: sort.fetch };
    as_before(LogicalPlan::Sort(sorted), sort.input.schema())
}

fn of_aggregate(plan: &LogicalPlan, aggregate: &Aggregate) -> Option<LogicalPlan> {
    let mut input = Input::new(&aggregate.input);
    let names = NamePreserver::new(plan);
    let figures = aggregate.aggr_expr.iter().map(|figure| {
        renamed(figure, &names, |bare| match bare {
            // What is distinct may be ordered by itself alone.
            Expr::AggregateFunction(function) if !function.params.distinct => {
                let mut params = function.params.clone();
                params.order_by = input.keys(&params.order_by)?;
                let func = Arc::clone(&function.func);
                Some(Expr::AggregateFunction(AggregateFunction { func, params }))
            }
            _ => None,
        })
    });
    let figures: Vec<Expr> = figures.collect();
    if !input.changed {
        return None;
    }
    let keys = aggregate.group_expr.clone();
    Aggregate::try_new(Arc::new(input.plan), keys, figures).map(LogicalPlan::Aggregate).ok()
}

fn of_window(plan: &LogicalPlan, window: &Window) -> Option<LogicalPlan> {
    let mut input = Input::new(&window.input);
    let names = NamePreserver::new(plan);
    let (mut told_apart, mut others) = (Vec::new(), Vec::new());
    for call in &window.window_expr {
        let mut found = false;
        let call = renamed(call, &names, |bare| match bare {
            Expr::WindowFunction(function) if tells_apart(function) => {
                let mut function = function.clone();
                function.params.order_by = input.keys(&function.params.order_by)?;
                found = true;
                Some(Expr::WindowFunction(function))
            }
            _ => None,
        });
        if found { told_apart.push(call) } else { others.push(call) }
    }
    if told_apart.is_empty() {
        return None;
    }
    // What is in another order stands in a step of its own.
    let mut made = Window::try_new(told_apart, Arc::new(input.plan)).ok()?;
    if !others.is_empty() {
        made = Window::try_new(others, Arc::new(LogicalPlan::Window(made))).ok()?;
    }
    as_before(LogicalPlan::Window(made), &window.schema)
}

/// An expression under the name that it had, with something else within.
fn renamed(expr: &Expr, names: &NamePreserver, change: impl FnOnce(&Expr) -> Option<Expr>) -> Expr {
    let name: SavedName = names.save(expr);
    let bare = match expr {
        Expr::Alias(Alias { expr, .. }) => expr.as_ref(),
        other => other,
    };
    match change(bare) {
        Some(changed) => name.restore(changed),
        None => expr.clone(),
    }
}

/// Whether a window function looks at rows of equal time one by one.
fn tells_apart(function: &WindowFunction) -> bool {
    let frame = &function.params.window_frame;
    let is_by_rows = frame.units == WindowFrameUnits::Rows;
    let starts_first = unbounded(&frame.start_bound);
    let ends_last = unbounded(&frame.end_bound);
    // Other ends are counted from the row's place in the order, which must be that of the time.
    let ends_here = matches!(frame.end_bound, WindowFrameBound::CurrentRow);
    match function.fun.name() {
        "rank" | "dense_rank" | "percent_rank" | "cume_dist" => false,
        "row_number" | "lag" | "lead" | "ntile" => true,
        "first_value" => is_by_rows || (starts_first && (ends_here || ends_last)),
        _ => is_by_rows || (starts_first && ends_last),
    }
}

fn unbounded(bound: &WindowFrameBound) -> bool {
    match bound {
        WindowFrameBound::Preceding(value) | WindowFrameBound::Following(value) => value.is_null(),
        WindowFrameBound::CurrentRow => false,
    }
}

/// The columns that a plan had, and no others.
fn as_before(plan: LogicalPlan, schema: &DFSchemaRef) -> Option<LogicalPlan> {
    let columns = schema.columns().into_iter().map(Expr::Column).collect();
    let shown = Projection::try_new_with_schema(columns, Arc::new(plan), Arc::clone(schema));
    shown.map(LogicalPlan::Projection).ok()
}

/// The plan with the arrival of the rows whose time a column is, and that column; nothing where it is no row's time.
fn with_arrival(plan: &LogicalPlan, time: &Column) -> Option<(LogicalPlan, Column)> {
    match plan {
        LogicalPlan::TableScan(scan) => of_scan(scan, time),
        LogicalPlan::Projection(projection) => {
            let at = projection.schema.maybe_index_of_column(time)?;
            let Expr::Column(below) = bare(&projection.expr[at]) else { return None };
            let (input, arrival) = with_arrival(&projection.input, below)?;
            let mut columns = projection.expr.clone();
            let arrival = Expr::Column(arrival);
            let at = columns.iter().position(|column| *column == arrival);
            let at = at.unwrap_or_else(|| {
                columns.push(arrival);
                columns.len() - 1
            });
            let made = Projection::try_new(columns, Arc::new(input)).ok()?;
            let arrival = made.schema.columns().swap_remove(at);
            Some((LogicalPlan::Projection(made), arrival))
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let at = alias.schema.maybe_index_of_column(time)?;
            let below = alias.input.schema().columns().swap_remove(at);
            let (input, arrival) = with_arrival(&alias.input, &below)?;
            let at = input.schema().maybe_index_of_column(&arrival)?;
            let made = SubqueryAlias::try_new(Arc::new(input), alias.alias.clone()).ok()?;
            let arrival = made.schema.columns().swap_remove(at);
            Some((LogicalPlan::SubqueryAlias(made), arrival))
        }
        LogicalPlan::Union(union) => of_union(union, time),
        LogicalPlan::Filter(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Window(_)
        | LogicalPlan::Join(_)
        | LogicalPlan::Repartition(_) => of_inputs(plan, time),
        _ => None,
    }
}

/// Of a step that hands on the columns of its inputs.
fn of_inputs(plan: &LogicalPlan, time: &Column) -> Option<(LogicalPlan, Column)> {
    plan.schema().maybe_index_of_column(time)?;
    let mut inputs: Vec<LogicalPlan> = plan.inputs().into_iter().cloned().collect();
    let at = inputs.iter().position(|it| it.schema().maybe_index_of_column(time).is_some())?;
    let (input, arrival) = with_arrival(&inputs[at], time)?;
    inputs[at] = input;
    let made = plan.with_new_exprs(plan.expressions(), inputs).ok()?;
    made.schema().maybe_index_of_column(&arrival)?;
    Some((made, arrival))
}

/// Of a union, whose columns are found by their places: the arrival becomes the last.
fn of_union(union: &Union, time: &Column) -> Option<(LogicalPlan, Column)> {
    let at = union.schema.maybe_index_of_column(time)?;
    if let Some(known) = union.schema.columns().into_iter().find(|it| it.name == ARRIVAL) {
        return Some((LogicalPlan::Union(union.clone()), known));
    }
    let mut any = false;
    let inputs = union.inputs.iter().map(|input| {
        let columns = input.schema().columns();
        let found = with_arrival(input, &columns[at]);
        any |= found.is_some();
        let (input, arrival) = match found {
            Some((input, arrival)) => (input, Expr::Column(arrival)),
            None => (input.as_ref().clone(), lit(0_i64)),
        };
        let columns = columns.into_iter().map(Expr::Column);
        let columns = columns.chain([arrival.alias(ARRIVAL)]).collect();
        Projection::try_new(columns, Arc::new(input)).map(LogicalPlan::Projection).map(Arc::new)
    });
    let inputs = inputs.collect::<Result<Vec<_>>>().ok()?;
    let made = Union::try_new(inputs).ok().filter(|_| any)?;
    let arrival = made.schema.columns().pop()?;
    Some((LogicalPlan::Union(made), arrival))
}

fn of_scan(scan: &TableScan, time: &Column) -> Option<(LogicalPlan, Column)> {
    let arrival = Column::new(Some(scan.table_name.clone()), ARRIVAL);
    if time.name != TIME || scan.projected_schema.maybe_index_of_column(time).is_none() {
        return None;
    }
    if scan.projected_schema.maybe_index_of_column(&arrival).is_some() {
        return Some((LogicalPlan::TableScan(scan.clone()), arrival));
    }
    let provider = source_as_provider(&scan.source).ok()?;
    let table = provider.downcast_ref::<SnapshotTable>()?;
    let last = table.schema.fields().len();
    let mut scan = scan.clone();
    let (source, at) = if table.has_arrival() {
        (Arc::clone(&scan.source), last - 1)
    } else {
        (provider_as_source(Arc::new(table.with_arrival())), last)
    };
    let every = || (0..at).collect();
    let mut projection: Vec<usize> = scan.projection.take().unwrap_or_else(every);
    projection.push(at);
    let made = datafusion::logical_expr::TableScanBuilder::from(TableScan { source, ..scan })
        .with_projection(Some(projection))
        .build()
        .ok()?;
    Some((LogicalPlan::TableScan(made), arrival))
}
