//! A plan that needs of each device only its last row reads only that.
//!
//! ```text
//! Aggregate: group by partition                     Aggregate: the same
//!   last_value(a ORDER BY time), max(time), ..  ─▶    (columns, filters on the partition field)
//!     (columns, filters on the partition field)         TableScan: the last rows
//!       TableScan
//! Filter: row_number() OVER (PARTITION BY partition ORDER BY time DESC) = 1    the same way
//! ```
//!
//! A column that is the same in all rows of a device, as its name, may be grouped by as well; rows that conditions leave
//! out, or that lack a value, are passed over on the way back ([`newest`]). `SELECT DISTINCT ON (partition) .. ORDER BY partition, time DESC` is such an aggregate by then. The plan above stays
//! as it is and works on one row per device, the one that arrived last of those of equal time.

mod newest;

use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, Result, ScalarValue};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::logical_expr::expr::{
    AggregateFunction, NullTreatment, Sort, WindowFunction, WindowFunctionDefinition,
};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator, TableScan};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};
use iobeam_model::FieldType;

use super::{SnapshotTable, bare};
use crate::arrival::ARRIVAL;
use crate::context::engine_error;
use crate::runs::Reading;
use crate::scope::{TIME, Table};

/// Lets plans read last rows.
#[derive(Debug)]
pub(crate) struct ReadLastRows;

impl OptimizerRule for ReadLastRows {
    fn name(&self) -> &'static str {
        "read_last_rows"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let last = match &plan {
            LogicalPlan::Aggregate(aggregate) => {
                of_aggregate(&aggregate.input, &aggregate.group_expr, &aggregate.aggr_expr)
            }
            LogicalPlan::Filter(filter) => of_first_row(&filter.predicate, &filter.input),
            _ => None,
        };
        let Some(last) = last.map(Arc::new) else { return Ok(Transformed::no(plan)) };
        let inputs = plan.inputs().into_iter().cloned().map(|input| instead(input, &last));
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        Ok(Transformed::yes(plan.with_new_exprs(plan.expressions(), inputs)?))
    }
}

/// The rows that are enough for a plan: of each group the newest that pass, and have a value of each column.
#[derive(Debug)]
pub(super) struct LastRows {
    /// The columns that rows are grouped by.
    pub(super) keys: Vec<String>,
    /// Of these columns the newest value is needed.
    present: Vec<String>,
    /// Conditions on the partition field alone.
    devices: Vec<Expr>,
    /// All other conditions.
    filters: Vec<Expr>,
}

impl LastRows {
    /// The rows, with these columns at least; nothing when all must be looked at.
    pub(super) fn rows(
        &self,
        table: &Table,
        reading: &Reading<'_>,
        columns: &[&str],
    ) -> Result<Option<Vec<RecordBatch>>> {
        let partition = table.partition.as_str();
        let snapshot = &table.snapshot;
        if let [key] = &self.keys[..]
            && key == partition
            && self.filters.is_empty()
            && has_whole_chunks(table)
            && let Some(rows) = snapshot.last_rows()
        {
            let has_no_nulls = |field: &String| {
                rows.num_rows() == 0
                    || rows.column_by_name(field).is_some_and(|column| column.null_count() == 0)
            };
            if self.present.iter().all(has_no_nulls) {
                reading.hold(&rows).map_err(engine_error)?;
                return Ok(Some(vec![rows]));
            }
        }
        let Some((last, came, steady)) = snapshot.last_rows_in_files() else { return Ok(None) };
        let is_steady =
            |key: &String| key == partition || steady.iter().any(|name| name.as_ref() == key);
        if !self.keys.iter().all(is_steady) {
            return Ok(None);
        }
        let needed = self.filters.iter().flat_map(Expr::column_refs);
        let needed = needed.map(|column| column.name.as_str());
        let mut columns: Vec<&str> = columns.iter().copied().chain(needed).collect();
        columns.push(partition);
        columns.sort_unstable();
        columns.dedup();
        newest::Wanted {
            table,
            reading,
            columns,
            devices: &self.devices,
            filters: &self.filters,
            present: &self.present,
        }
        .rows(&last, &came)
    }
}

/// Whether each row in memory has a value of the partition field.
fn has_whole_chunks(table: &Table) -> bool {
    table.snapshot.chunks.iter().all(|chunk| {
        let column = chunk.rows.column_by_name(table.partition.as_str());
        column.is_some_and(|column| column.null_count() == 0)
    })
}

/// Puts a scan of last rows in the place of the only scan below.
fn instead(plan: LogicalPlan, last: &Arc<LastRows>) -> Result<LogicalPlan> {
    let LogicalPlan::TableScan(scan) = plan else {
        let inputs = plan.inputs().into_iter().cloned().map(|input| instead(input, last));
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        return plan.with_new_exprs(plan.expressions(), inputs);
    };
    let provider = source_as_provider(&scan.source)?;
    let Some(table) = provider.downcast_ref::<SnapshotTable>() else {
        return Ok(LogicalPlan::TableScan(scan));
    };
    let source = provider_as_source(Arc::new(table.of_last_rows(Arc::clone(last))));
    Ok(LogicalPlan::TableScan(TableScan { source, ..scan }))
}

/// The last rows, when the figures need no others.
fn of_aggregate(input: &LogicalPlan, keys: &[Expr], figures: &[Expr]) -> Option<LastRows> {
    let below = Below::find(input)?;
    let mut present = Vec::new();
    for figure in figures {
        let Expr::AggregateFunction(figure) = bare(figure) else { return None };
        if below.needs_value(figure)? {
            let Expr::Column(argument) = &figure.params.args[0] else { return None };
            present.push(below.name(argument, 0)?);
        }
    }
    let key = |key: &Expr| match key {
        Expr::Column(key) => below.name(key, 0),
        _ => None,
    };
    let keys: Vec<String> = keys.iter().map(key).collect::<Option<_>>()?;
    (!keys.is_empty()).then(|| below.last_rows(keys, present))
}

/// The last rows, when a filter takes the first of each device's rows, newest first.
fn of_first_row(predicate: &Expr, input: &LogicalPlan) -> Option<LastRows> {
    let mut number = None;
    for part in split_conjunction(predicate) {
        let Expr::BinaryExpr(BinaryExpr { left, op, right }) = part else { continue };
        let (Expr::Column(column), Expr::Literal(value, _)) = (left.as_ref(), right.as_ref())
        else {
            continue;
        };
        let is_first = match op {
            Operator::Eq | Operator::LtEq => is_number(value, 1),
            Operator::Lt => is_number(value, 2),
            _ => false,
        };
        if is_first {
            number = Some(column);
        }
    }
    let (window, column) = window_of(input, number?.clone())?;
    let [call] = &window.window_expr[..] else { return None };
    let Expr::WindowFunction(function) = bare(call) else { return None };
    if window.window_expr[0].schema_name().to_string() != column.name {
        return None;
    }
    let below = Below::find(&window.input)?;
    let key = below.name(below.first_row_key(function)?, 0)?;
    Some(below.last_rows(vec![key], Vec::new()))
}

/// The window function below some renaming, and the name of the column there.
fn window_of(
    plan: &LogicalPlan,
    column: Column,
) -> Option<(&datafusion::logical_expr::Window, Column)> {
    match plan {
        LogicalPlan::Window(window) => Some((window, column)),
        LogicalPlan::SubqueryAlias(alias) => {
            window_of(&alias.input, Column::from_name(column.name))
        }
        LogicalPlan::Projection(projection) => {
            let at = projection.schema.index_of_column_by_name(None, &column.name)?;
            let Expr::Column(below) = bare(&projection.expr[at]) else { return None };
            window_of(&projection.input, below.clone())
        }
        _ => None,
    }
}

/// A scan of a snapshot below some renaming and some choice of devices.
struct Below<'p> {
    steps: Vec<&'p LogicalPlan>,
    table: Table,
    /// Conditions on the partition field alone, in the table's names.
    devices: Vec<Expr>,
    /// All other conditions.
    filters: Vec<Expr>,
}

impl<'p> Below<'p> {
    fn find(plan: &'p LogicalPlan) -> Option<Self> {
        let mut steps = Vec::new();
        let mut plan = plan;
        let scan = loop {
            match plan {
                LogicalPlan::TableScan(scan) => break scan,
                LogicalPlan::SubqueryAlias(alias) => {
                    steps.push(plan);
                    plan = &alias.input;
                }
                LogicalPlan::Projection(projection) => {
                    steps.push(plan);
                    plan = &projection.input;
                }
                LogicalPlan::Filter(filter) => {
                    steps.push(plan);
                    plan = &filter.input;
                }
                _ => return None,
            }
        };
        let provider = source_as_provider(&scan.source).ok()?;
        let table = provider.downcast_ref::<SnapshotTable>()?;
        let is_whole = table.last.is_none() && scan.fetch.is_none();
        if !is_whole || !table.context.limits().looks_up || !files_are_whole(&table.table) {
            return None;
        }
        let mut below =
            Self { steps, table: table.table.clone(), devices: Vec::new(), filters: Vec::new() };
        let steps = below.steps.iter().enumerate().filter_map(|(at, step)| match step {
            LogicalPlan::Filter(filter) => Some((at + 1, &filter.predicate)),
            _ => None,
        });
        let scanned = scan.filters.iter().map(|filter| (below.steps.len(), filter));
        let all: Vec<_> = steps.chain(scanned).collect();
        let all = all
            .into_iter()
            .flat_map(|(at, it)| split_conjunction(it).into_iter().map(move |it| (at, it)));
        let all: Vec<Expr> = all.map(|(at, it)| below.named(it, at)).collect::<Option<_>>()?;
        let partition = below.table.partition.as_str();
        let of_devices =
            |filter: &Expr| filter.column_refs().iter().all(|column| column.name == partition);
        (below.devices, below.filters) = all.into_iter().partition(of_devices);
        Some(below)
    }

    /// A condition above a step in the table's names; nothing when it cannot be held against rows here.
    fn named(&self, filter: &Expr, from: usize) -> Option<Expr> {
        if filter.is_volatile() || filter.contains_outer() {
            return None;
        }
        let mut unknown = false;
        let named = filter.clone().transform(|expr| {
            let Expr::Column(column) = expr else { return Ok(Transformed::no(expr)) };
            if let Some(name) = self.name(&column, from) {
                return Ok(Transformed::yes(Expr::Column(Column::from_name(name))));
            }
            unknown = true;
            Ok(Transformed::no(Expr::Column(column)))
        });
        named.ok().map(|named| named.data).filter(|_| !unknown)
    }

    /// The table's name of a column as it is called above a step.
    fn name(&self, column: &Column, from: usize) -> Option<String> {
        let mut name = column.name.clone();
        for step in &self.steps[from..] {
            if let LogicalPlan::Projection(projection) = step {
                let at = projection.schema.index_of_column_by_name(None, &name)?;
                let Expr::Column(below) = bare(&projection.expr[at]) else { return None };
                name.clone_from(&below.name);
            }
        }
        Some(name)
    }

    fn is(&self, column: &Column, name: &str) -> bool {
        self.name(column, 0).as_deref() == Some(name)
    }

    /// Whether each last row must have a value for the figure; nothing when the figure needs other rows.
    fn needs_value(&self, figure: &AggregateFunction) -> Option<bool> {
        let params = &figure.params;
        let [Expr::Column(argument)] = &params.args[..] else { return None };
        let argument = self.name(argument, 0)?;
        if params.filter.is_some() || params.distinct {
            return None;
        }
        let newest_first = |sort: &Sort| {
            matches!(&sort.expr, Expr::Column(time) if self.is(time, TIME)).then_some(!sort.asc)
        };
        let is_always_there = argument == TIME || argument == self.table.partition.as_str();
        let passes = params.null_treatment == Some(NullTreatment::IgnoreNulls);
        // DISTINCT ON sorts by the partition field first, which is the same in all rows of a group.
        let is_of_group = |sort: &&Sort| matches!(&sort.expr, Expr::Column(column) if self.is(column, self.table.partition.as_str()));
        let sorts = params.order_by.iter().filter(|sort| !is_of_group(sort) && !is_arrival(sort));
        let sorts: Vec<&Sort> = sorts.collect();
        match (figure.func.name(), &sorts[..]) {
            ("max", []) => (argument == TIME).then_some(false),
            ("last_value", [sort]) if newest_first(sort) == Some(false) => {
                Some(passes && !is_always_there)
            }
            ("first_value", [sort]) if newest_first(sort) == Some(true) => {
                Some(passes && !is_always_there)
            }
            _ => None,
        }
    }

    /// The partition column of `row_number() OVER (PARTITION BY partition ORDER BY time DESC)`.
    fn first_row_key<'w>(&self, function: &'w WindowFunction) -> Option<&'w Column> {
        let WindowFunctionDefinition::WindowUDF(number) = &function.fun else { return None };
        let sorts = function.params.order_by.iter().filter(|sort| !is_arrival(sort));
        let sorts: Vec<&Sort> = sorts.collect();
        let ([Expr::Column(key)], [sort]) = (&function.params.partition_by[..], &sorts[..]) else {
            return None;
        };
        let Expr::Column(time) = &sort.expr else { return None };
        let fits = number.name() == "row_number"
            && function.params.filter.is_none()
            && !function.params.distinct
            && !sort.asc
            && self.is(time, TIME);
        fits.then_some(key)
    }

    /// What is needed for groups of those keys.
    fn last_rows(self, keys: Vec<String>, present: Vec<String>) -> LastRows {
        LastRows { keys, present, devices: self.devices, filters: self.filters }
    }
}

/// Whether each row of the files has a value of the partition field, and that is a text.
fn files_are_whole(table: &Table) -> bool {
    table.field_type(table.partition.as_str()) == Some(FieldType::String)
        && table.snapshot.files.iter().all(|file| file.partition_nulls == 0)
}

/// Whether a key is the arrival, which decides between rows of equal time.
fn is_arrival(sort: &Sort) -> bool {
    matches!(&sort.expr, Expr::Column(column) if column.name == ARRIVAL)
}

fn is_number(value: &ScalarValue, number: u64) -> bool {
    match value {
        ScalarValue::UInt64(Some(value)) => *value == number,
        ScalarValue::Int64(Some(value)) => u64::try_from(*value) == Ok(number),
        _ => false,
    }
}
