//! Conditions on values: the text of a request against the type of the field.
//!
//! Comparisons mean what they mean for numbers: LONG fields are compared exactly even with a fraction, and -0.0 equals
//! 0.0 although the engine orders them.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, lit};
use iobeam_model::{FieldName, FieldType, Timestamp};

use super::session::column;
use crate::error::QueryError;
use crate::request::{Comparison, Condition, Number, TimeRange, quoted};
use crate::scope::{TIME, Table};

const PARAMETER: &str = "where";

/// The field's type.
pub(crate) fn field_type(
    table: &Table,
    parameter: &'static str,
    field: &FieldName,
) -> Result<FieldType, QueryError> {
    table.field_type(field.as_str()).ok_or_else(|| {
        let mut known: Vec<&str> = table.fields.iter().map(|(name, _)| name.as_str()).collect();
        known.sort_unstable();
        let more = if known.len() > 20 { ", ..." } else { "" };
        known.truncate(20);
        let reason = format!(
            "namespace '{}' has no field '{field}'; it has {}{more}",
            table.name,
            known.join(", ")
        );
        QueryError::parameter(parameter, reason)
    })
}

/// The condition as an expression.
pub(crate) fn condition(table: &Table, condition: &Condition) -> Result<Expr, QueryError> {
    let name = condition.field.as_str();
    let kind = field_type(table, PARAMETER, &condition.field)?;
    let refuse = |what: &str| {
        let reason =
            format!("field '{name}' is {kind}, and {} is no {what}", quoted(&condition.value));
        QueryError::parameter(PARAMETER, reason)
    };
    match kind {
        FieldType::String => {
            let text = lit(ScalarValue::Utf8View(Some(condition.value.clone())));
            Ok(compare(column(name), condition.comparison, text))
        }
        FieldType::Boolean => {
            let truth = match condition.value.to_ascii_lowercase().as_str() {
                "true" => true,
                "false" => false,
                _ => return Err(refuse("truth; write true or false")),
            };
            match condition.comparison {
                Comparison::Eq => Ok(column(name).eq(lit(truth))),
                Comparison::Ne => Ok(column(name).not_eq(lit(truth))),
                _ => {
                    let reason = format!("field '{name}' is BOOLEAN, which has no order; use eq");
                    Err(QueryError::parameter(PARAMETER, reason))
                }
            }
        }
        FieldType::Double | FieldType::Long => {
            let number = Number::parse(&condition.value).ok_or_else(|| refuse("number"))?;
            Ok(number_condition(name, kind, condition.comparison, number))
        }
    }
}

/// A comparison of a DOUBLE or LONG field with a number.
pub(super) fn number_condition(
    name: &str,
    kind: FieldType,
    comparison: Comparison,
    number: Number,
) -> Expr {
    match (kind, number) {
        (FieldType::Long, Number::Whole(whole)) => compare(column(name), comparison, lit(whole)),
        (FieldType::Long, Number::Fraction(fraction)) => long(name, comparison, fraction),
        (_, Number::Whole(whole)) => double(name, comparison, whole as f64),
        (_, Number::Fraction(fraction)) => double(name, comparison, fraction),
    }
}

fn double(name: &str, comparison: Comparison, number: f64) -> Expr {
    if number != 0.0 {
        return compare(column(name), comparison, lit(number));
    }
    match comparison {
        Comparison::Eq => column(name).eq(lit(0.0)).or(column(name).eq(lit(-0.0))),
        Comparison::Ne => column(name).not_eq(lit(0.0)).and(column(name).not_eq(lit(-0.0))),
        Comparison::Lt | Comparison::Ge => compare(column(name), comparison, lit(-0.0)),
        Comparison::Gt | Comparison::Le => compare(column(name), comparison, lit(0.0)),
    }
}

/// The first whole number beyond an `i64`.
pub(super) const END: f64 = 9_223_372_036_854_775_808.0;

/// An integer against a number that is no `i64`: the nearest integer on the right side decides.
fn long(name: &str, comparison: Comparison, number: f64) -> Expr {
    let bound = match comparison {
        Comparison::Lt | Comparison::Ge => number.ceil(),
        Comparison::Gt | Comparison::Le | Comparison::Eq | Comparison::Ne => number.floor(),
    };
    let below = bound < -END;
    if below || bound >= END {
        let all = match comparison {
            Comparison::Eq => false,
            Comparison::Ne => true,
            Comparison::Lt | Comparison::Le => !below,
            Comparison::Gt | Comparison::Ge => below,
        };
        return if all { column(name).is_not_null() } else { lit(false) };
    }
    #[expect(clippy::float_cmp, reason = "floor() of a whole number is that number")]
    if bound != number {
        match comparison {
            Comparison::Eq => return lit(false),
            Comparison::Ne => return column(name).is_not_null(),
            _ => {}
        }
    }
    compare(column(name), comparison, lit(bound as i64))
}

fn compare(left: Expr, comparison: Comparison, right: Expr) -> Expr {
    match comparison {
        Comparison::Eq => left.eq(right),
        Comparison::Ne => left.not_eq(right),
        Comparison::Lt => left.lt(right),
        Comparison::Gt => left.gt(right),
        Comparison::Le => left.lt_eq(right),
        Comparison::Ge => left.gt_eq(right),
    }
}

/// The span of time as expressions.
pub(crate) fn within(range: &TimeRange) -> Vec<Expr> {
    let time = |time: Timestamp| {
        lit(ScalarValue::TimestampMicrosecond(Some(time.micros()), Some("UTC".into())))
    };
    let from = range.from.map(|from| column(TIME).gt_eq(time(from)));
    let to = range.to.map(|to| column(TIME).lt_eq(time(to)));
    from.into_iter().chain(to).collect()
}
