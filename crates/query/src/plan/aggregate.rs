//! Figures made from rows: `operator` and `group_by`.

use datafusion::common::ScalarValue;
use datafusion::functions_aggregate::expr_fn::{count, max, min, sum};
use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::{Expr, cast, lit};
use iobeam_model::FieldType;

use super::session::column;
use crate::functions;
use crate::request::{Bucket, Operator};
use crate::scope::TIME;
use arrow::datatypes::DataType;

/// Whether the operator says something about values of the type.
pub(super) const fn fits(operator: Operator, kind: FieldType) -> bool {
    match operator {
        Operator::Count => true,
        Operator::Min | Operator::Max => !matches!(kind, FieldType::Boolean),
        Operator::Sum | Operator::Mean => matches!(kind, FieldType::Double | FieldType::Long),
    }
}

/// The figure over a field. A sum of LONG is exact however large it gets.
pub(super) fn figure(operator: Operator, name: &str, kind: FieldType) -> Expr {
    let values = column(name);
    match operator {
        // As `sum` of SQL does it.
        Operator::Sum if matches!(kind, FieldType::Long) => {
            sum(cast(values, DataType::Decimal128(20, 0)))
        }
        Operator::Sum => sum(values),
        Operator::Count => count(values),
        Operator::Min => min(values),
        Operator::Max => max(values),
        // As `avg` of SQL does it.
        Operator::Mean => functions::average().call(vec![values]),
    }
}

/// The values of a field as the key of groups: -0.0 is 0.0.
pub(super) fn group_key(name: &str, kind: FieldType) -> Expr {
    if kind != FieldType::Double {
        return column(name);
    }
    let numbers = Case {
        expr: None,
        when_then_expr: vec![(Box::new(column(name).eq(lit(-0.0))), Box::new(lit(0.0)))],
        else_expr: Some(Box::new(column(name))),
    };
    Expr::Case(numbers).alias(name)
}

/// The start of the bucket that a row's time lies in.
pub(super) fn bucket(width: Bucket) -> Expr {
    let width = lit(match width {
        Bucket::Micros(micros) => ScalarValue::DurationMicrosecond(Some(micros)),
        Bucket::Months(months) => {
            let months = i32::try_from(months).unwrap_or(i32::MAX);
            ScalarValue::new_interval_mdn(months, 0, 0)
        }
    });
    functions::bucket().call(vec![width, column(TIME)])
}
