//! Whether a number is one of others, where some are doubles and some are not: in lists, in queries within, and in joins.
//!
//! ```text
//! n IN (1.0, 2.5)              ─▶ n IN (1)                          literals become numbers of the other type, or go
//! n IN (d, e + 1.5)            ─▶ among(n, d, e + 1.5)              one call, however long the list
//! n IN (SELECT d ..)           ─▶ key(n) IN (SELECT key(d) ..)      equal numbers have equal keys
//! a JOIN b USING (x), ON n = d ─▶ key(a.x) = key(b.x)
//! ```
//!
//! A chain of comparisons would be as deep as the list is long, and the engine goes down it level by level.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Decimal128Array};
use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, JoinConstraint, Result, ScalarValue, exec_err};
use datafusion::logical_expr::expr::{InList, InSubquery};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, LogicalPlan, Operator, Projection, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature, Subquery, Volatility, lit,
};

use super::numbers::{Number, Numbers, kind, mixed, same_double, whole};

/// A list that doubles and other numbers are in; nothing when it has only one sort.
pub(super) fn listed(it: &InList, schema: &DFSchema) -> Option<Expr> {
    let of = kind(&it.expr, schema);
    if !it.list.iter().any(|item| mixed(&of, &kind(item, schema))) {
        return None;
    }
    let converted: Option<Vec<Vec<Expr>>> =
        it.list.iter().map(|item| converted(item, &of, schema)).collect();
    let kept: Vec<Expr> = converted.into_iter().flatten().flatten().collect();
    if !kept.is_empty() {
        return Some(Expr::InList(InList { list: kept, ..it.clone() }));
    }
    // Numbers of the same sort are the engine's to compare, which knows decimals of other scales and what is no number.
    let is_mixed = |item: &&Expr| mixed(&of, &kind(item, schema));
    let (numbers, others): (Vec<&Expr>, Vec<&Expr>) = it.list.iter().partition(is_mixed);
    let values = std::iter::once(it.expr.as_ref()).chain(numbers).cloned().collect();
    let among = ScalarUDF::new_from_impl(Among::new()).call(values);
    let any = if others.is_empty() {
        among
    } else {
        let list = others.into_iter().cloned().collect();
        among.or(Expr::InList(InList { list, negated: false, ..it.clone() }))
    };
    Some(if it.negated { Expr::Not(Box::new(any)) } else { any })
}

fn is_number(kind: &DataType) -> bool {
    kind.is_numeric() || *kind == DataType::Null
}

/// An item as numbers of that type: none for a number that the type does not have, two for zero among doubles, which the
/// engine tells apart. Nothing where only the value of the item would tell.
fn converted(item: &Expr, of: &DataType, schema: &DFSchema) -> Option<Vec<Expr>> {
    let its = kind(item, schema);
    if !mixed(of, &its) {
        return is_number(&its).then(|| vec![item.clone()]);
    }
    match literal(item)? {
        ScalarValue::Float64(None) | ScalarValue::Int64(None) => Some(vec![item.clone()]),
        ScalarValue::Float64(Some(double)) if of.is_integer() => {
            Some(whole(double).map(lit).into_iter().collect())
        }
        ScalarValue::Int64(Some(0)) if of.is_floating() => Some(vec![lit(0.0), lit(-0.0)]),
        ScalarValue::Int64(Some(number)) if of.is_floating() => {
            Some(same_double(number).map(lit).into_iter().collect())
        }
        _ => None,
    }
}

/// The number that stands there, maybe behind a minus.
fn literal(expr: &Expr) -> Option<ScalarValue> {
    match expr {
        Expr::Literal(value, _) => Some(value.clone()),
        Expr::Negative(inner) => match literal(inner)? {
            ScalarValue::Float64(Some(value)) => Some(ScalarValue::from(-value)),
            ScalarValue::Int64(Some(value)) => value.checked_neg().map(ScalarValue::from),
            _ => None,
        },
        _ => None,
    }
}

/// A query within whose column and what is looked for in it are a double and another number.
pub(super) fn in_subquery(it: &InSubquery, schema: &DFSchema) -> Option<Expr> {
    let rows = &it.subquery.subquery;
    let field = rows.schema().fields().first()?;
    if !mixed(&kind(&it.expr, schema), field.data_type()) {
        return None;
    }
    let column = rows.schema().columns().into_iter().next()?;
    let name = column.name.clone();
    let keys = vec![key(Expr::Column(column)).alias(name)];
    let keys = Projection::try_new(keys, Arc::clone(rows)).ok()?;
    let subquery =
        Subquery { subquery: Arc::new(LogicalPlan::Projection(keys)), ..it.subquery.clone() };
    let expr = Box::new(key(it.expr.as_ref().clone()));
    Some(Expr::InSubquery(InSubquery { expr, subquery, negated: it.negated }))
}

/// A join whose keys are a double and another number.
pub(super) fn joined(plan: LogicalPlan, schema: &DFSchema) -> LogicalPlan {
    let LogicalPlan::Join(mut join) = plan else { return plan };
    let is_mixed = |(left, right): &(Expr, Expr)| mixed(&kind(left, schema), &kind(right, schema));
    let (other, same): (Vec<_>, Vec<_>) = join.on.into_iter().partition(is_mixed);
    join.on = same;
    if !other.is_empty() {
        // What is joined by keys of its own is no longer joined by columns.
        join.join_constraint = JoinConstraint::On;
    }
    let filters = join.filter.into_iter().flat_map(split_conjunction_owned);
    let filters = filters.map(|filter| match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right })
            if mixed(&kind(&left, schema), &kind(&right, schema)) =>
        {
            key(*left).eq(key(*right))
        }
        filter => filter,
    });
    let filters = filters.chain(other.into_iter().map(|(left, right)| key(left).eq(key(right))));
    join.filter = conjunction(filters);
    LogicalPlan::Join(join)
}

/// Whether the first of numbers is one of the others.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Among {
    signature: Signature,
}

impl Among {
    fn new() -> Self {
        Self { signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Among {
    fn name(&self) -> &'static str {
        "among_numbers"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn display_name(&self, arguments: &[Expr]) -> Result<String> {
        let Some((first, others)) = arguments.split_first() else { return Ok(String::new()) };
        let others: Vec<String> = others.iter().map(ToString::to_string).collect();
        Ok(format!("{first} IN ({})", others.join(", ")))
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let are_scalars = !arguments.args.iter().any(|it| matches!(it, ColumnarValue::Array(_)));
        let rows = if are_scalars { 1 } else { arguments.number_rows };
        let numbers: Vec<Numbers> =
            arguments.args.iter().map(Numbers::new).collect::<Result<_>>()?;
        let Some((first, others)) = numbers.split_first() else {
            return exec_err!("a list of numbers is wanted");
        };
        let truths: BooleanArray = (0..rows)
            .map(|row| {
                let number = first.get(row)?;
                let mut is_known = true;
                for other in others {
                    match other.get(row) {
                        Some(other) if number.order(other) == Some(Ordering::Equal) => {
                            return Some(true);
                        }
                        Some(_) => {}
                        None => is_known = false,
                    }
                }
                is_known.then_some(false)
            })
            .collect();
        if are_scalars {
            return ScalarValue::try_from_array(&truths, 0).map(ColumnarValue::Scalar);
        }
        Ok(ColumnarValue::Array(Arc::new(truths)))
    }
}

/// What a number is found by: equal numbers have equal keys, whatever their types, and others have others.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    signature: Signature,
}

fn key(number: Expr) -> Expr {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::new_from_impl(Key { signature }).call(vec![number])
}

/// The key of what is no number.
const NOT_A_NUMBER: i128 = 1 << 101;
/// The key of what no double is.
const NO_DOUBLE: i128 = 1 << 100;
/// From here on there are the doubles that are no whole numbers of 64 bits, by their bits.
const DOUBLES: i128 = 1 << 64;

/// Up to here each whole number is a double.
const EXACT_UNITS: u128 = 1 << 53;
/// Up to here each power of ten is a double.
const EXACT_SCALE: u32 = 22;

fn key_of(number: Number) -> i128 {
    match number {
        Number::Double(double) if double.is_nan() => NOT_A_NUMBER,
        Number::Double(double) => {
            whole(double).map_or_else(|| DOUBLES + i128::from(double.to_bits()), i128::from)
        }
        Number::Decimal(units, scale) => {
            let unit = 10_i128.checked_pow(scale).unwrap_or(i128::MAX);
            if units % unit == 0
                && let Ok(whole) = i64::try_from(units / unit)
            {
                return whole.into();
            }
            let is_same = |double| number.order(Number::Double(double)) == Some(Ordering::Equal);
            let near = units as f64 / unit as f64;
            if is_same(near) {
                return key_of(Number::Double(near));
            }
            // What is divided exactly is rounded once, and then there is no nearer double.
            if units.unsigned_abs() <= EXACT_UNITS && scale <= EXACT_SCALE {
                return NO_DOUBLE;
            }
            let nearest = format!("{units}e-{scale}").parse().unwrap_or(f64::NAN);
            if is_same(nearest) { key_of(Number::Double(nearest)) } else { NO_DOUBLE }
        }
    }
}

impl ScalarUDFImpl for Key {
    fn name(&self) -> &'static str {
        "number_key"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn display_name(&self, arguments: &[Expr]) -> Result<String> {
        Ok(arguments.first().map_or_else(String::new, ToString::to_string))
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Decimal128(38, 0))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = arguments.args.as_slice() else { return exec_err!("one number is wanted") };
        let is_scalar = matches!(value, ColumnarValue::Scalar(_));
        let rows = if is_scalar { 1 } else { arguments.number_rows };
        let numbers = Numbers::new(value)?;
        let keys: Decimal128Array = (0..rows).map(|row| numbers.get(row).map(key_of)).collect();
        let keys: ArrayRef = Arc::new(keys.with_precision_and_scale(38, 0)?);
        if is_scalar {
            return ScalarValue::try_from_array(&keys, 0).map(ColumnarValue::Scalar);
        }
        Ok(ColumnarValue::Array(keys))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number() -> impl Strategy<Value = Number> {
        let near = prop_oneof![Just(0_i64), Just(1 << 53), Just(i64::MAX), Just(i64::MIN)];
        let whole = (near, -3_i64..4).prop_map(|(near, more)| near.saturating_add(more));
        prop_oneof![
            whole.clone().prop_map(|it| Number::Decimal(it.into(), 0)),
            (-400_i128..400, 0_u32..4).prop_map(|(units, scale)| Number::Decimal(units, scale)),
            (any::<i64>(), 15_u32..30)
                .prop_map(|(units, scale)| Number::Decimal(units.into(), scale)),
            whole.prop_map(|it| Number::Double(it as f64)),
            (-32_i32..32).prop_map(|it| Number::Double(f64::from(it) / 8.0)),
            any::<f64>().prop_map(Number::Double),
        ]
    }

    proptest! {
        #[test]
        fn a_double_and_another_number_have_one_key_where_they_are_equal(one in number(), other in number()) {
            let are_mixed = matches!(one, Number::Double(_)) != matches!(other, Number::Double(_));
            let are_equal = one.order(other) == Some(Ordering::Equal);
            prop_assert!(!are_mixed || are_equal == (key_of(one) == key_of(other)), "{one:?} {other:?}");
        }

        #[test]
        fn of_a_decimal_and_the_doubles_next_to_it_those_have_its_key_that_are_equal(
            units in any::<i64>(), scale in 0_u32..30, steps in -2_i32..=2
        ) {
            let mut double: f64 = format!("{units}e-{scale}").parse().expect("a number");
            for _ in 0..steps.abs() {
                double = if steps < 0 { double.next_down() } else { double.next_up() };
            }
            let (one, other) = (Number::Decimal(units.into(), scale), Number::Double(double));
            let are_equal = one.order(other) == Some(Ordering::Equal);
            prop_assert_eq!(are_equal, key_of(one) == key_of(other), "{:?} {:?}", one, other);
        }
    }
}
