//! Where our own functions take the place of what the engine would do with numbers and times.
//!
//! ```text
//! plan ─ numbers: what is compared or mixed ─▶ the engine's types ─ arithmetic and casts of times ─▶ plan
//! ```
//!
//! The first rule runs before the engine makes doubles of whole numbers, the second once the types are settled.

use std::sync::Arc;

use arrow::datatypes::{DataType, IntervalUnit, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::{Between, Case, InList, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    BinaryExpr, Cast, Expr, LogicalPlan, Operator, Projection, ScalarUDF, TryCast, TypeSignature,
    Union, lit,
};
use datafusion::optimizer::AnalyzerRule;
use datafusion::optimizer::analyzer::resolve_grouping_function::ResolveGroupingFunction;
use datafusion::optimizer::analyzer::type_coercion::TypeCoercion;

use super::calendar::{Part, has_date};
use super::membership;
use super::moments;
use super::numbers::{Arithmetic, checked, compared, exact, kind, mixed, same_double, whole};
use crate::context::QueryContext;

/// All rules of a session, in their order.
pub(crate) fn rules() -> Vec<Arc<dyn AnalyzerRule + Send + Sync>> {
    vec![
        Arc::new(ResolveGroupingFunction::new()),
        Arc::new(Rule { name: "numbers", rewrite: numbers }),
        Arc::new(TypeCoercion::new()),
        Arc::new(Rule { name: "arithmetic", rewrite: arithmetic }),
    ]
}

/// What becomes of an expression whose parts have been rewritten; nothing when it stays.
type Rewrite = fn(&Expr, &DFSchema) -> Option<Expr>;

/// A rewrite of all expressions of a plan.
#[derive(Debug)]
struct Rule {
    name: &'static str,
    rewrite: Rewrite,
}

impl AnalyzerRule for Rule {
    fn analyze(&self, plan: LogicalPlan, options: &ConfigOptions) -> Result<LogicalPlan> {
        if let Some(context) = QueryContext::of(options) {
            context.check_engine()?;
        }
        let is_first = self.name == "numbers";
        plan.transform_up_with_subqueries(|plan| {
            let plan = if is_first { united(plan)? } else { plan };
            self.plan(plan)
        })
        .map(|it| it.data)
    }

    fn name(&self) -> &str {
        self.name
    }
}

impl Rule {
    fn plan(&self, plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        let mut schema = merge_schema(&plan.inputs());
        if let LogicalPlan::TableScan(scan) = &plan {
            let source = scan.source.schema();
            schema.merge(&DFSchema::try_from_qualified_schema(scan.table_name.clone(), &source)?);
        }
        let is_first = self.name == "numbers";
        let plan = if is_first { membership::joined(plan, &schema) } else { plan };
        let names = NamePreserver::new(&plan);
        let rewritten = plan.map_expressions(|expr| {
            let name = names.save(&expr);
            let rewritten = expr.transform_up(|expr| {
                Ok(match (self.rewrite)(&expr, &schema) {
                    Some(other) => Transformed::yes(other),
                    None => Transformed::no(expr),
                })
            })?;
            Ok(rewritten.update_data(|expr| name.restore(expr)))
        })?;
        if !rewritten.transformed {
            return Ok(rewritten);
        }
        rewritten.map_data(LogicalPlan::recompute_schema)
    }
}

/// The values as times where some are times and some dates: the engine would count nanoseconds then.
fn as_times(values: &[&Expr], schema: &DFSchema) -> Option<Vec<Expr>> {
    let kinds: Vec<DataType> = values.iter().map(|it| kind(it, schema)).collect();
    let is_time = |kind: &&DataType| matches!(kind, DataType::Timestamp(TimeUnit::Microsecond, _));
    let time = kinds.iter().find(is_time)?;
    let is_date = |kind: &DataType| matches!(kind, DataType::Date32 | DataType::Date64);
    kinds.iter().any(is_date).then(|| {
        let all = values.iter().zip(&kinds).map(|(value, kind)| {
            let value = (*value).clone();
            if is_date(kind) { Expr::Cast(Cast::new(Box::new(value), time.clone())) } else { value }
        });
        all.collect()
    })
}

/// Comparisons and mixtures of times with dates.
fn times(expr: &Expr, schema: &DFSchema) -> Option<Expr> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let [left, right] = as_times(&[left, right], schema)?.try_into().ok()?;
            Some(binary(left, *op, right))
        }
        Expr::Between(Between { expr, negated, low, high }) => {
            let [expr, low, high] = as_times(&[expr, low, high], schema)?.try_into().ok()?;
            let (expr, low, high) = (Box::new(expr), Box::new(low), Box::new(high));
            Some(Expr::Between(Between { expr, negated: *negated, low, high }))
        }
        Expr::InList(InList { expr, list, negated }) => {
            let all: Vec<&Expr> = std::iter::once(expr.as_ref()).chain(list).collect();
            let mut all = as_times(&all, schema)?;
            let list = all.split_off(1);
            let expr = Box::new(all.pop()?);
            Some(Expr::InList(InList { expr, list, negated: *negated }))
        }
        Expr::Case(case) if case.expr.is_none() => {
            let values = case.when_then_expr.iter().map(|(_, then)| then).chain(&case.else_expr);
            let values: Vec<&Expr> = values.map(AsRef::as_ref).collect();
            let mut values = as_times(&values, schema)?.into_iter().map(Box::new);
            let whens = case.when_then_expr.iter().map(|(when, _)| when.clone());
            let when_then_expr = whens.zip(values.by_ref()).collect();
            Some(Expr::Case(Case { when_then_expr, else_expr: values.next(), expr: None }))
        }
        Expr::ScalarFunction(call)
            if matches!(call.name(), "coalesce" | "nvl" | "nullif" | "greatest" | "least") =>
        {
            let args: Vec<&Expr> = call.args.iter().collect();
            let args = as_times(&args, schema)?;
            Some(Expr::ScalarFunction(ScalarFunction { func: Arc::clone(&call.func), args }))
        }
        _ => None,
    }
}

/// Comparisons and mixtures of whole numbers with doubles, and of times with dates.
fn numbers(expr: &Expr, schema: &DFSchema) -> Option<Expr> {
    if let Some(timed) = times(expr, schema) {
        return Some(timed);
    }
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => comparison(left, *op, right, schema),
        Expr::Between(Between { expr, negated, low, high }) => {
            let (least, most) = if *negated {
                (Operator::Lt, Operator::Gt)
            } else {
                (Operator::GtEq, Operator::LtEq)
            };
            let is_mixed = |other: &Expr| mixed(&kind(expr, schema), &kind(other, schema));
            if !is_mixed(low) && !is_mixed(high) {
                return None;
            }
            let side = |operator, bound: &Expr| {
                comparison(expr, operator, bound, schema)
                    .unwrap_or_else(|| binary(expr.as_ref().clone(), operator, bound.clone()))
            };
            let (low, high) = (side(least, low), side(most, high));
            Some(if *negated { low.or(high) } else { low.and(high) })
        }
        Expr::InList(list) => membership::listed(list, schema),
        Expr::InSubquery(rows) => membership::in_subquery(rows, schema),
        Expr::Case(case) => {
            let compared = case.expr.as_ref().map(|of| {
                let when_then_expr = case.when_then_expr.iter().map(|(when, then)| {
                    let same = comparison(of, Operator::Eq, when, schema)
                        .unwrap_or_else(|| of.as_ref().clone().eq(when.as_ref().clone()));
                    (Box::new(same), then.clone())
                });
                Case { expr: None, when_then_expr: when_then_expr.collect(), ..case.clone() }
            });
            let is_mixed = case.expr.as_ref().is_some_and(|of| {
                let of = kind(of, schema);
                case.when_then_expr.iter().any(|(when, _)| mixed(&of, &kind(when, schema)))
            });
            let case = compared.filter(|_| is_mixed).unwrap_or_else(|| case.clone());
            let values = case.when_then_expr.iter().map(|(_, then)| then).chain(&case.else_expr);
            let values: Vec<Expr> = values.map(|it| it.as_ref().clone()).collect();
            let Some(values) = alike(&values, schema) else {
                return is_mixed.then_some(Expr::Case(case));
            };
            let mut values = values.into_iter().map(Box::new);
            let whens = case.when_then_expr.into_iter().map(|(when, _)| when);
            let when_then_expr = whens.zip(values.by_ref()).collect();
            Some(Expr::Case(Case { when_then_expr, else_expr: values.next(), ..case }))
        }
        Expr::ScalarFunction(call) => function(call, schema),
        _ => None,
    }
}

/// Functions that give one of their arguments, or that are asked for a whole number anyway.
fn function(call: &ScalarFunction, schema: &DFSchema) -> Option<Expr> {
    match (call.name(), call.args.as_slice()) {
        // EXTRACT is planned as the engine's own.
        ("date_part", [_, time]) if has_date(&kind(time, schema)) => {
            let ours = Part::new(Arc::clone(&call.func));
            let is_ours =
                call.func.inner().signature().type_signature == TypeSignature::UserDefined;
            (!is_ours).then(|| ScalarUDF::new_from_impl(ours).call(call.args.clone()))
        }
        ("round" | "ceil" | "floor" | "trunc", [number]) if kind(number, schema).is_integer() => {
            Some(number.clone())
        }
        ("coalesce" | "nvl" | "nvl2" | "nullif" | "greatest" | "least" | "make_array", values) => {
            let args = alike(values, schema)?;
            Some(Expr::ScalarFunction(ScalarFunction { func: Arc::clone(&call.func), args }))
        }
        _ => None,
    }
}

/// The values as ones of one type where some are whole numbers and some doubles; nothing when they stay.
fn alike(values: &[Expr], schema: &DFSchema) -> Option<Vec<Expr>> {
    let kinds: Vec<DataType> = values.iter().map(|it| kind(it, schema)).collect();
    let is_mixed =
        kinds.iter().any(DataType::is_integer) && kinds.iter().any(DataType::is_floating);
    let one = |(value, kind): (&Expr, &DataType)| {
        if kind.is_integer() { exact(value.clone()) } else { value.clone() }
    };
    is_mixed.then(|| values.iter().zip(&kinds).map(one).collect())
}

fn binary(left: Expr, operator: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), operator, Box::new(right)))
}

/// A comparison of a double with another number; nothing when it is none.
fn comparison(left: &Expr, operator: Operator, right: &Expr, schema: &DFSchema) -> Option<Expr> {
    let is_comparison = matches!(
        operator,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    );
    if !is_comparison || !mixed(&kind(left, schema), &kind(right, schema)) {
        return None;
    }
    // Against a constant it stays a comparison of whole numbers, which leaves out files.
    if let Some(bound) = double(right)
        && kind(left, schema).is_integer()
        && let Some(bounded) = against(left, operator, bound)
    {
        return Some(bounded);
    }
    if let Some(bound) = double(left)
        && kind(right, schema).is_integer()
        && let Some(swapped) = operator.swap()
        && let Some(bounded) = against(right, swapped, bound)
    {
        return Some(bounded);
    }
    // A constant that is the same as a double is compared as one, which is fast and leaves out files as well.
    if kind(left, schema).is_floating()
        && let Some(bound) = integer(right)
        && let Some(bounded) = against_whole(left, operator, bound)
    {
        return Some(bounded);
    }
    if kind(right, schema).is_floating()
        && let Some(bound) = integer(left)
        && let Some(swapped) = operator.swap()
        && let Some(bounded) = against_whole(right, swapped, bound)
    {
        return Some(bounded);
    }
    Some(compared(left.clone(), operator, right.clone()))
}

/// A double against a whole number that stands there. The engine puts the two zeros of doubles in an order, so the
/// right one of them is named; which equal both is for the exact comparison.
fn against_whole(number: &Expr, operator: Operator, bound: i64) -> Option<Expr> {
    let bound = match (bound, operator) {
        (0, Operator::Lt | Operator::GtEq) => -0.0,
        (0, Operator::Gt | Operator::LtEq) => 0.0,
        (0, _) => return None,
        (bound, _) => same_double(bound)?,
    };
    Some(binary(number.clone(), operator, lit(bound)))
}

/// The value of a whole number that stands in the query, maybe behind a minus.
fn integer(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Literal(ScalarValue::Int64(value), _) => *value,
        Expr::Negative(inner) => integer(inner)?.checked_neg(),
        _ => None,
    }
}

/// A whole number against a double that stands there.
fn against(number: &Expr, operator: Operator, bound: f64) -> Option<Expr> {
    let bound = match operator {
        Operator::Lt | Operator::GtEq => whole(bound.ceil()),
        Operator::Gt | Operator::LtEq => whole(bound.floor()),
        Operator::Eq | Operator::NotEq => whole(bound),
        _ => None,
    }?;
    Some(binary(number.clone(), operator, lit(bound)))
}

/// The value of a double that stands in the query, maybe behind a minus.
fn double(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Literal(ScalarValue::Float64(value), _) => *value,
        Expr::Negative(inner) => double(inner).map(|value| -value),
        _ => None,
    }
}

/// Columns of a UNION that are whole numbers in one part and doubles in another.
fn united(plan: LogicalPlan) -> Result<LogicalPlan> {
    let LogicalPlan::Union(union) = plan else { return Ok(plan) };
    let columns = union.inputs.first().map_or(0, |input| input.schema().fields().len());
    let is = |at: usize, test: fn(&DataType) -> bool| {
        let kinds = union.inputs.iter().filter_map(|input| input.schema().fields().get(at));
        kinds.map(|field| field.data_type()).any(test)
    };
    let mixed: Vec<bool> = (0..columns)
        .map(|at| is(at, DataType::is_integer) && is(at, DataType::is_floating))
        .collect();
    if !mixed.contains(&true) {
        return Ok(LogicalPlan::Union(union));
    }
    let inputs = union.inputs.iter().map(|input| {
        let columns = input.schema().columns();
        let columns = columns.into_iter().zip(input.schema().fields()).zip(&mixed);
        let columns = columns.map(|((column, field), mixed)| {
            if *mixed && field.data_type().is_integer() {
                let (relation, name) = (column.relation.clone(), column.name.clone());
                exact(Expr::Column(column)).alias_qualified(relation, name)
            } else {
                Expr::Column(column)
            }
        });
        let columns = columns.collect();
        let projection = Projection::try_new(columns, Arc::clone(input))?;
        Ok(Arc::new(LogicalPlan::Projection(projection)))
    });
    Union::try_new_with_loose_types(inputs.collect::<Result<_>>()?).map(LogicalPlan::Union)
}

/// Arithmetic that must not wrap, and casts and sums of times that must not fail.
fn arithmetic(expr: &Expr, schema: &DFSchema) -> Option<Expr> {
    let micros = |kind: &DataType| matches!(kind, DataType::Timestamp(TimeUnit::Microsecond, _));
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let (one, other) = (kind(left, schema), kind(right, schema));
            let operation = Arithmetic::of(*op);
            let is_span = other == DataType::Interval(IntervalUnit::MonthDayNano);
            match operation {
                Some(operation) if one.is_integer() && one == other => {
                    Some(checked(operation, vec![left.as_ref().clone(), right.as_ref().clone()]))
                }
                Some(Arithmetic::Add | Arithmetic::Subtract) if micros(&one) && is_span => {
                    let is_back = *op == Operator::Minus;
                    Some(moments::shifted(left.as_ref().clone(), right.as_ref().clone(), is_back))
                }
                _ => None,
            }
        }
        Expr::Negative(inner) if kind(inner, schema).is_integer() => {
            Some(checked(Arithmetic::Negate, vec![inner.as_ref().clone()]))
        }
        Expr::Cast(Cast { expr: inner, field }) | Expr::TryCast(TryCast { expr: inner, field }) => {
            moments::cast(inner, &kind(inner, schema), field.data_type())
        }
        _ => None,
    }
}
