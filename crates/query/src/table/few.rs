//! Filters that ask for a few devices: `device_id = 'a'`, `IN ('a', 'b')`, and what they say of the time.
//!
//! What is not understood is passed over: each row is held against all filters once more, above the scan.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::utils::{split_binary, split_conjunction};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use crate::few::{Few, VALUES};
use crate::scope::TIME;

/// The rows that filters ask for, at least.
pub(super) fn few(filters: &[Expr], partition: &str) -> Option<Few> {
    let (mut from, mut to) = (i64::MIN, i64::MAX);
    let mut found: Option<Vec<String>> = None;
    for filter in filters.iter().flat_map(split_conjunction) {
        if let Some(values) = values(filter, partition) {
            let fewer = found.as_ref().is_none_or(|found| values.len() < found.len());
            found = if fewer { Some(values) } else { found };
        } else if let Some((operator, time)) = bound(filter) {
            match operator {
                Operator::Eq => (from, to) = (from.max(time), to.min(time)),
                // A bound that is not met by the moment itself is taken as if it were.
                Operator::Gt | Operator::GtEq => from = from.max(time),
                Operator::Lt | Operator::LtEq => to = to.min(time),
                _ => {}
            }
        }
    }
    let mut values = found?;
    values.sort_unstable();
    values.dedup();
    (values.len() <= VALUES).then_some(Few { values, from, to })
}

/// The partition values that a filter lets through.
fn values(filter: &Expr, partition: &str) -> Option<Vec<String>> {
    let is_partition =
        |expr: &Expr| expr.try_as_col().is_some_and(|column| column.name == partition);
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            let value = if is_partition(left) { text(right) } else { None };
            let value = value.or_else(|| if is_partition(right) { text(left) } else { None });
            value.map(|value| vec![value])
        }
        Expr::BinaryExpr(BinaryExpr { op: Operator::Or, .. }) => {
            let parts = split_binary(filter, Operator::Or);
            if parts.len() > VALUES {
                return None;
            }
            let each: Option<Vec<_>> = parts.into_iter().map(|it| values(it, partition)).collect();
            each.map(|each| each.concat())
        }
        Expr::InList(InList { expr, list, negated: false }) if list.len() <= VALUES => {
            let values = || list.iter().map(text).collect();
            if is_partition(expr) { values() } else { None }
        }
        _ => None,
    }
}

fn text(expr: &Expr) -> Option<String> {
    let Expr::Literal(value, _) = expr else { return None };
    value.try_as_str().flatten().map(str::to_owned)
}

/// A comparison of the time with a moment.
fn bound(filter: &Expr) -> Option<(Operator, i64)> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else { return None };
    let is_time = |expr: &Expr| expr.try_as_col().is_some_and(|column| column.name == TIME);
    let moment = |expr: &Expr| match expr {
        Expr::Literal(ScalarValue::TimestampMicrosecond(time, _), _) => *time,
        _ => None,
    };
    if is_time(left) {
        return Some((*op, moment(right)?));
    }
    is_time(right).then(|| Some((op.swap()?, moment(left)?))).flatten()
}
