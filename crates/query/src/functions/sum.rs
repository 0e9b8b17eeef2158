//! `sum`: exact over numbers that are exact, however large it gets, or an error.
//!
//! The engine's own wraps around silently; here whole numbers are added as decimals of 38 digits, and long decimals as
//! ones of 76, whose sum has 38 again or is refused.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Decimal128Array};
use arrow::datatypes::{DataType, Decimal256Type, Field, FieldRef, i256};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::functions_aggregate::sum::Sum;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, Signature, Volatility,
};

/// Decimals of so many digits may be added up 10^10 times without leaving 38 digits.
const SHORT: u8 = 28;

/// The engine's sum, given types that hold their sums.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ExactSum {
    sum: Sum,
    signature: Signature,
}

impl ExactSum {
    pub(super) fn new() -> Self {
        Self { sum: Sum::new(), signature: Signature::user_defined(Volatility::Immutable) }
    }
}

/// The digits behind the point of decimals that are added up as longer ones.
fn long(values: &[FieldRef]) -> Option<i8> {
    match values.first()?.data_type() {
        DataType::Decimal256(_, scale) => Some(*scale),
        _ => None,
    }
}

/// The column of a sum of such decimals, before it has 38 digits again.
fn long_field(scale: i8) -> FieldRef {
    Arc::new(Field::new("sum", DataType::Decimal256(76, scale), true))
}

/// The sum with 38 digits.
fn shortened(sum: i256) -> Result<i128> {
    match sum.to_i128() {
        Some(sum) if sum.unsigned_abs() < 10_u128.pow(38) => Ok(sum),
        _ => exec_err!(
            "decimal out of range: the sum has more than the 38 digits that a DECIMAL has; cast to DOUBLE to have it rounded"
        ),
    }
}

impl AggregateUDFImpl for ExactSum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [values] = arguments else { return plan_err!("sum takes one argument") };
        Ok(vec![match values {
            DataType::Null => DataType::Decimal128(20, 0),
            whole if whole.is_integer() => DataType::Decimal128(20, 0),
            float if float.is_floating() => DataType::Float64,
            DataType::Duration(_) | DataType::Interval(_) => values.clone(),
            DataType::Decimal128(digits, scale) if *digits > SHORT => {
                DataType::Decimal256(76, *scale)
            }
            decimal if decimal.is_decimal() => values.clone(),
            other => return plan_err!("sum takes numbers, not {other}"),
        }])
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [DataType::Decimal256(_, scale)] => Ok(DataType::Decimal128(38, *scale)),
            _ => self.sum.return_type(arguments),
        }
    }

    fn accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let Some(scale) = long(arguments.expr_fields) else {
            return self.sum.accumulator(arguments);
        };
        let arguments = AccumulatorArgs { return_field: long_field(scale), ..arguments };
        Ok(Box::new(Shortened { sum: self.sum.accumulator(arguments)?, scale }))
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let Some(scale) = long(arguments.input_fields) else {
            return self.sum.state_fields(arguments);
        };
        self.sum.state_fields(StateFieldsArgs { return_field: long_field(scale), ..arguments })
    }

    fn groups_accumulator_supported(&self, arguments: AccumulatorArgs<'_>) -> bool {
        self.sum.groups_accumulator_supported(arguments)
    }

    fn create_groups_accumulator(
        &self,
        arguments: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        let Some(scale) = long(arguments.expr_fields) else {
            return self.sum.create_groups_accumulator(arguments);
        };
        let arguments = AccumulatorArgs { return_field: long_field(scale), ..arguments };
        Ok(Box::new(ShortenedGroups {
            sums: self.sum.create_groups_accumulator(arguments)?,
            scale,
        }))
    }

    fn create_sliding_accumulator(
        &self,
        arguments: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        let Some(scale) = long(arguments.expr_fields) else {
            return self.sum.create_sliding_accumulator(arguments);
        };
        let arguments = AccumulatorArgs { return_field: long_field(scale), ..arguments };
        Ok(Box::new(Shortened { sum: self.sum.create_sliding_accumulator(arguments)?, scale }))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

/// A sum of 76 digits that ends with 38.
#[derive(Debug)]
struct Shortened {
    sum: Box<dyn Accumulator>,
    scale: i8,
}

impl Accumulator for Shortened {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.sum.update_batch(values)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let sum = match self.sum.evaluate()? {
            ScalarValue::Decimal256(Some(sum), ..) => Some(shortened(sum)?),
            _ => None,
        };
        Ok(ScalarValue::Decimal128(sum, 38, self.scale))
    }

    fn size(&self) -> usize {
        self.sum.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.sum.state()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.sum.merge_batch(states)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.sum.retract_batch(values)
    }

    fn supports_retract_batch(&self) -> bool {
        self.sum.supports_retract_batch()
    }
}

/// The same for groups.
struct ShortenedGroups {
    sums: Box<dyn GroupsAccumulator>,
    scale: i8,
}

impl GroupsAccumulator for ShortenedGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.sums.update_batch(values, groups, filter, total)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let sums = self.sums.evaluate(emit_to)?;
        let sums = sums.as_primitive::<Decimal256Type>().iter();
        let sums: Decimal128Array =
            sums.map(|sum| sum.map(shortened).transpose()).collect::<Result<_>>()?;
        Ok(Arc::new(sums.with_precision_and_scale(38, self.scale)?))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        self.sums.state(emit_to)
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.sums.merge_batch(states, groups, total)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        self.sums.convert_to_state(values, filter)
    }

    fn size(&self) -> usize {
        self.sums.size()
    }
}
