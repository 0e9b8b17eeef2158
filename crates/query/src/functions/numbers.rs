//! Whole numbers stay exact: arithmetic that leaves 64 bits is an error, as in PostgreSQL, and a whole number is compared
//! with a fraction as numbers are, not as doubles.
//!
//! The engine's own arithmetic wraps around silently, and it makes doubles of whole numbers wherever both meet. The
//! functions here take the place of both; the rules put them there.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Datum, Float64Array, Int64Array, Scalar,
};
use arrow::compute::{cast, kernels::numeric};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type};
use datafusion::common::{DFSchema, DataFusionError, Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};

/// `+`, `-`, `*` of whole numbers, and the minus before one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Negate,
}

impl Arithmetic {
    /// That of an operator of the engine.
    pub(super) const fn of(operator: Operator) -> Option<Self> {
        match operator {
            Operator::Plus => Some(Self::Add),
            Operator::Minus => Some(Self::Subtract),
            Operator::Multiply => Some(Self::Multiply),
            _ => None,
        }
    }

    const fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract | Self::Negate => "-",
            Self::Multiply => "*",
        }
    }
}

/// The function in place of an operator.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Checked {
    operation: Arithmetic,
    signature: Signature,
}

/// The operation, checked, as a function of one or two arguments of one type.
pub(super) fn checked(operation: Arithmetic, arguments: Vec<Expr>) -> Expr {
    let signature = Signature::variadic_any(Volatility::Immutable);
    ScalarUDF::new_from_impl(Checked { operation, signature }).call(arguments)
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &str {
        match self.operation {
            Arithmetic::Add => "checked_add",
            Arithmetic::Subtract => "checked_subtract",
            Arithmetic::Multiply => "checked_multiply",
            Arithmetic::Negate => "checked_negate",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn display_name(&self, arguments: &[Expr]) -> Result<String> {
        let sign = self.operation.sign();
        Ok(match arguments {
            [one] => format!("({sign} {one})"),
            [left, right] => format!("{left} {sign} {right}"),
            _ => self.name().to_owned(),
        })
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        arguments.first().cloned().map_or_else(|| plan_err!("arithmetic takes numbers"), Ok)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let sides = match arguments.args.as_slice() {
            [one] if self.operation == Arithmetic::Negate => {
                return Side::new(one)?.apply(|side| {
                    numeric::neg(side.get().0).map_err(|_| {
                        let shown = ScalarValue::try_from_array(side.get().0, 0);
                        out_of_range(&format!("-({})", shown.unwrap_or(ScalarValue::Null)))
                    })
                });
            }
            [left, right] => (Side::new(left)?, Side::new(right)?),
            _ => return exec_err!("arithmetic takes two numbers"),
        };
        let (left, right) = (sides.0.datum(), sides.1.datum());
        let done = match self.operation {
            Arithmetic::Add => numeric::add(&*left, &*right),
            Arithmetic::Subtract | Arithmetic::Negate => numeric::sub(&*left, &*right),
            Arithmetic::Multiply => numeric::mul(&*left, &*right),
        };
        let done = done.map_err(|error| out_of_range(&error.to_string()))?;
        if sides.0.is_scalar && sides.1.is_scalar {
            return ScalarValue::try_from_array(&done, 0).map(ColumnarValue::Scalar);
        }
        Ok(ColumnarValue::Array(done))
    }
}

/// An operation that leaves the range of its type; the kernel tells the numbers.
fn out_of_range(what: &str) -> DataFusionError {
    let numbers = what.rsplit_once("on: ").map_or(what, |(_, numbers)| numbers);
    DataFusionError::Execution(format!(
        "integer out of range: {numbers}; cast to DECIMAL(38,0) for longer integers, or to DOUBLE"
    ))
}

/// One side of an operation.
struct Side {
    values: ArrayRef,
    is_scalar: bool,
}

impl Side {
    fn new(value: &ColumnarValue) -> Result<Self> {
        Ok(match value {
            ColumnarValue::Array(values) => Self { values: Arc::clone(values), is_scalar: false },
            ColumnarValue::Scalar(value) => Self { values: value.to_array()?, is_scalar: true },
        })
    }

    fn datum(&self) -> Box<dyn Datum> {
        if self.is_scalar {
            Box::new(Scalar::new(Arc::clone(&self.values)))
        } else {
            Box::new(Arc::clone(&self.values))
        }
    }

    fn apply(&self, make: impl Fn(&dyn Datum) -> Result<ArrayRef>) -> Result<ColumnarValue> {
        let result = make(&self.values)?;
        if self.is_scalar {
            return ScalarValue::try_from_array(&result, 0).map(ColumnarValue::Scalar);
        }
        Ok(ColumnarValue::Array(result))
    }
}

/// A comparison of numbers of which one is a double and the other is none.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Compared {
    operator: Operator,
    signature: Signature,
}

/// The comparison as numbers are compared, exactly.
pub(super) fn compared(left: Expr, operator: Operator, right: Expr) -> Expr {
    let signature = Signature::any(2, Volatility::Immutable);
    ScalarUDF::new_from_impl(Compared { operator, signature }).call(vec![left, right])
}

impl Compared {
    const fn says(&self, order: Option<Ordering>) -> bool {
        use Ordering::{Equal, Greater, Less};
        matches!(
            (self.operator, order),
            (Operator::Eq | Operator::IsNotDistinctFrom, Some(Equal))
                | (Operator::NotEq | Operator::IsDistinctFrom, Some(Less | Greater))
                | (Operator::Lt, Some(Less))
                | (Operator::LtEq, Some(Less | Equal))
                | (Operator::Gt, Some(Greater))
                | (Operator::GtEq, Some(Greater | Equal))
        )
    }

    /// What comparing nulls gives.
    const fn of_nulls(&self, left: bool, right: bool) -> Option<bool> {
        match self.operator {
            Operator::IsNotDistinctFrom => Some(left && right),
            Operator::IsDistinctFrom => Some(left != right),
            _ => None,
        }
    }
}

impl ScalarUDFImpl for Compared {
    fn name(&self) -> &'static str {
        "compare_numbers"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn display_name(&self, arguments: &[Expr]) -> Result<String> {
        let [left, right] = arguments else { return Ok(self.name().to_owned()) };
        Ok(format!("{left} {} {right}", self.operator))
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let [left, right] = arguments.args.as_slice() else {
            return exec_err!("a comparison takes two numbers");
        };
        let are_scalars = [left, right].iter().all(|it| matches!(it, ColumnarValue::Scalar(_)));
        let rows = if are_scalars { 1 } else { rows };
        let (left, right) = (Numbers::new(left)?, Numbers::new(right)?);
        let truths: BooleanArray = (0..rows)
            .map(|row| match (left.get(row), right.get(row)) {
                (Some(left), Some(right)) => Some(self.says(left.order(right))),
                (left, right) => self.of_nulls(left.is_none(), right.is_none()),
            })
            .collect();
        if are_scalars {
            let truth = truths.is_valid(0).then(|| truths.value(0));
            return Ok(ColumnarValue::Scalar(ScalarValue::Boolean(truth)));
        }
        Ok(ColumnarValue::Array(Arc::new(truths)))
    }
}

/// A number as it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    /// So many units of ten to the minus that.
    Decimal(i128, u32),
    Double(f64),
}

impl Number {
    pub(super) fn order(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Decimal(units, scale), Self::Double(double)) => {
                Some(decimal_order(units, scale, double))
            }
            (Self::Double(double), Self::Decimal(units, scale)) => {
                Some(decimal_order(units, scale, double).reverse())
            }
            (Self::Double(left), Self::Double(right)) => left.partial_cmp(&right),
            (Self::Decimal(left, one), Self::Decimal(right, other)) => {
                Some(left.cmp(&right)).filter(|_| one == other)
            }
        }
    }
}

/// The first integer beyond an `i128`.
const BEYOND: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;

/// A decimal against a double. What is no number stands after all numbers, as the engine sorts it.
fn decimal_order(units: i128, scale: u32, double: f64) -> Ordering {
    if double.is_nan() || double >= BEYOND {
        return Ordering::Less;
    }
    if double < -BEYOND {
        return Ordering::Greater;
    }
    if scale == 0
        && let Some(same) = i64::try_from(units).ok().and_then(same_double)
    {
        return same.partial_cmp(&double).unwrap_or(Ordering::Less);
    }
    if units < 0 && double < 0.0 {
        // Below zero the fraction above the floor is rounded; here it is exact.
        return decimal_order(-units, scale, -double).reverse();
    }
    let (whole, fraction) = (double.floor(), double - double.floor());
    let unit = 10_i128.checked_pow(scale).unwrap_or(i128::MAX);
    let order = units.div_euclid(unit).cmp(&(whole as i128));
    order.then_with(|| {
        let rest = units.rem_euclid(unit) as f64 / unit as f64;
        rest.partial_cmp(&fraction).unwrap_or(Ordering::Equal)
    })
}

/// A column of numbers, or one for all rows.
pub(super) enum Numbers {
    Whole(Int64Array, bool),
    Decimal(arrow::array::Decimal128Array, u32, bool),
    Double(Float64Array, bool),
}

impl Numbers {
    pub(super) fn new(value: &ColumnarValue) -> Result<Self> {
        let side = Side::new(value)?;
        let (values, scalar) = (side.values, side.is_scalar);
        Ok(match values.data_type() {
            DataType::UInt64 => {
                let values = cast(&values, &DataType::Decimal128(20, 0))?;
                Self::Decimal(values.as_primitive::<Decimal128Type>().clone(), 0, scalar)
            }
            kind if kind.is_integer() => {
                let values = cast(&values, &DataType::Int64)?;
                Self::Whole(values.as_primitive::<Int64Type>().clone(), scalar)
            }
            DataType::Decimal128(_, scale) if *scale >= 0 => {
                let scale = u32::try_from(*scale).unwrap_or(0);
                Self::Decimal(values.as_primitive::<Decimal128Type>().clone(), scale, scalar)
            }
            _ => {
                let values = cast(&values, &DataType::Float64)?;
                Self::Double(values.as_primitive::<Float64Type>().clone(), scalar)
            }
        })
    }

    pub(super) fn get(&self, row: usize) -> Option<Number> {
        let at = |scalar: bool| if scalar { 0 } else { row };
        match self {
            Self::Whole(values, scalar) => {
                let row = at(*scalar);
                values.is_valid(row).then(|| Number::Decimal(values.value(row).into(), 0))
            }
            Self::Decimal(values, scale, scalar) => {
                let row = at(*scalar);
                values.is_valid(row).then(|| Number::Decimal(values.value(row), *scale))
            }
            Self::Double(values, scalar) => {
                let row = at(*scalar);
                values.is_valid(row).then(|| Number::Double(values.value(row)))
            }
        }
    }
}

/// A whole number as a double that is the same number; nothing when there is no such double.
pub(super) fn same_double(number: i64) -> Option<f64> {
    let double = number as f64;
    // 2^63 is no i64, but it is what i64::MAX becomes.
    (double < 9_223_372_036_854_775_808.0 && double as i64 == number).then_some(double)
}

/// Whole numbers as doubles, where a query puts both into one column. One that no double is would be another number
/// there, so the query fails.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Exact {
    signature: Signature,
}

/// The whole number as the double that is the same.
pub(super) fn exact(number: Expr) -> Expr {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::new_from_impl(Exact { signature }).call(vec![number])
}

impl ScalarUDFImpl for Exact {
    fn name(&self) -> &'static str {
        "exact_double"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn display_name(&self, arguments: &[Expr]) -> Result<String> {
        Ok(arguments.first().map_or_else(String::new, ToString::to_string))
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = arguments.args.as_slice() else { return exec_err!("one number is wanted") };
        Side::new(value)?.apply(|values| {
            let values = cast(values.get().0, &DataType::Int64)?;
            let values = values.as_primitive::<Int64Type>();
            let doubles: Result<Float64Array> = values
                .iter()
                .map(|number| match (number, number.and_then(same_double)) {
                    (Some(number), None) => exec_err!(
                        "{number} would lose digits as a DOUBLE; write CAST(... AS DOUBLE) to round it, or make the other values DECIMAL"
                    ),
                    (_, double) => Ok(double),
                })
                .collect();
            Ok(Arc::new(doubles?) as ArrayRef)
        })
    }
}

/// Whether a value of the type is a number that a double may not hold.
fn is_exact(kind: &DataType) -> bool {
    kind.is_integer() || kind.is_decimal()
}

/// The type of an expression, as far as it has one yet.
pub(super) fn kind(expr: &Expr, schema: &DFSchema) -> DataType {
    expr.get_type(schema).unwrap_or(DataType::Null)
}

/// Whether one is a double and the other a number that is exact.
pub(super) fn mixed(left: &DataType, right: &DataType) -> bool {
    (is_exact(left) && right.is_floating()) || (left.is_floating() && is_exact(right))
}

/// The literal as a whole number of 64 bits, where it is a double that is one.
pub(super) fn whole(double: f64) -> Option<i64> {
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&double);
    #[expect(clippy::float_cmp, reason = "a number without a fraction is its own floor")]
    let is_whole = double.floor() == double;
    (fits && is_whole).then_some(double as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_whole_number_is_compared_with_a_fraction_as_numbers_are() {
        let order = |number: i64, double: f64| decimal_order(number.into(), 0, double);
        assert_eq!(order(9_007_199_254_740_993, 9_007_199_254_740_992.0), Ordering::Greater);
        assert_eq!(order(i64::MAX, 9_223_372_036_854_775_808.0), Ordering::Less);
        assert_eq!(order(i64::MIN, -9_223_372_036_854_775_808.0), Ordering::Equal);
        assert_eq!(
            (order(0, -0.0), order(-1, -0.5), order(-1, -1.5)),
            (Ordering::Equal, Ordering::Less, Ordering::Greater)
        );
        assert_eq!(
            (order(5, f64::NAN), order(5, f64::INFINITY), order(5, f64::NEG_INFINITY)),
            (Ordering::Less, Ordering::Less, Ordering::Greater)
        );
        assert_eq!(decimal_order(125, 2, 1.25), Ordering::Equal);
        assert_eq!(decimal_order(-1, 1, -0.1), Ordering::Equal);
        assert_eq!(decimal_order(-1, 1, (-0.1_f64).next_up()), Ordering::Less);
        assert_eq!(decimal_order(-1, 20, -1e-18), Ordering::Greater);
        assert_eq!(
            (same_double(i64::MAX), same_double(i64::MIN)),
            (None, Some(-9_223_372_036_854_775_808.0))
        );
    }

    proptest! {
        #[test]
        fn numbers_are_in_the_order_of_their_doubles_where_those_are_exact(one in -(1_i64 << 53)..=(1_i64 << 53), other in any::<f64>()) {
            let expected = (one as f64).partial_cmp(&other).unwrap_or(Ordering::Less);
            prop_assert_eq!(decimal_order(one.into(), 0, other), expected);
        }
    }
}
