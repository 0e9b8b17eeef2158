//! `avg`: over whole numbers their exact sum, divided once. The engine's own adds them up as doubles, which loses digits.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef, Int64Type};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::functions_aggregate::average::Avg;
use datafusion::functions_aggregate::count::Count;
use datafusion::functions_aggregate::sum::Sum;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, Signature, Volatility,
};

/// A sum of whole numbers of 64 bits.
const SUM: DataType = DataType::Decimal128(38, 0);

/// The engine's average, except over whole numbers.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ExactAvg {
    avg: Avg,
    sum: Sum,
    count: Count,
    signature: Signature,
}

impl ExactAvg {
    pub(super) fn new() -> Self {
        let signature = Signature::user_defined(Volatility::Immutable);
        Self { avg: Avg::new(), sum: Sum::new(), count: Count::new(), signature }
    }
}

fn is_whole(arguments: &[FieldRef]) -> bool {
    arguments.first().is_some_and(|it| matches!(it.data_type(), DataType::Int64 | DataType::UInt64))
}

fn sum_field() -> FieldRef {
    Arc::new(Field::new("sum", SUM, true))
}

fn count_field() -> FieldRef {
    Arc::new(Field::new("count", DataType::Int64, true))
}

/// The same arguments, for an aggregate that gives another column.
fn giving<'a>(arguments: &AccumulatorArgs<'a>, return_field: FieldRef) -> AccumulatorArgs<'a> {
    AccumulatorArgs { return_field, ..arguments.clone() }
}

impl AggregateUDFImpl for ExactAvg {
    fn name(&self) -> &'static str {
        "avg"
    }

    fn aliases(&self) -> &[String] {
        self.avg.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [values] = arguments else { return plan_err!("avg takes one argument") };
        Ok(vec![match values {
            DataType::Null => DataType::Float64,
            DataType::UInt64 => DataType::UInt64,
            whole if whole.is_integer() => DataType::Int64,
            float if float.is_floating() => DataType::Float64,
            DataType::Duration(_) => values.clone(),
            decimal if decimal.is_decimal() => values.clone(),
            other => return plan_err!("avg takes numbers, not {other}"),
        }])
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.avg.return_type(arguments)
    }

    fn accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if !is_whole(arguments.expr_fields) {
            return self.avg.accumulator(arguments);
        }
        let sum = self.sum.accumulator(giving(&arguments, sum_field()))?;
        let count = self.count.accumulator(giving(&arguments, count_field()))?;
        Ok(Box::new(Mean { sum, count }))
    }

    fn create_sliding_accumulator(
        &self,
        arguments: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        if !is_whole(arguments.expr_fields) {
            return self.avg.create_sliding_accumulator(arguments);
        }
        let sum = self.sum.create_sliding_accumulator(giving(&arguments, sum_field()))?;
        let count = self.count.create_sliding_accumulator(giving(&arguments, count_field()))?;
        Ok(Box::new(Mean { sum, count }))
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        if !is_whole(arguments.input_fields) {
            return self.avg.state_fields(arguments);
        }
        let giving = |return_field| StateFieldsArgs {
            name: arguments.name,
            input_fields: arguments.input_fields,
            return_field,
            ordering_fields: arguments.ordering_fields,
            is_distinct: arguments.is_distinct,
        };
        let mut fields = self.sum.state_fields(giving(sum_field()))?;
        fields.extend(self.count.state_fields(giving(count_field()))?);
        Ok(fields)
    }

    fn groups_accumulator_supported(&self, arguments: AccumulatorArgs<'_>) -> bool {
        if is_whole(arguments.expr_fields) {
            !arguments.is_distinct
        } else {
            self.avg.groups_accumulator_supported(arguments)
        }
    }

    fn create_groups_accumulator(
        &self,
        arguments: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        if !is_whole(arguments.expr_fields) {
            return self.avg.create_groups_accumulator(arguments);
        }
        let sum = self.sum.create_groups_accumulator(giving(&arguments, sum_field()))?;
        let count = self.count.create_groups_accumulator(giving(&arguments, count_field()))?;
        Ok(Box::new(Means { sum, count }))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

/// The values as ones whose sum is exact.
fn summable(values: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
    Ok(values.iter().map(|values| cast(values, &SUM)).collect::<Result<_, _>>()?)
}

/// The sum through the count, rounded once.
fn ratio(sum: i128, count: i64) -> f64 {
    let (sign, sum) = (if sum < 0 { -1.0 } else { 1.0 }, sum.unsigned_abs());
    let count = u128::from(count.unsigned_abs());
    let bits = |number: u128| 128 - number.leading_zeros();
    // So many that the quotient has more bits than a double; the last stands for all that follow.
    let more = (64 + bits(count)).saturating_sub(bits(sum));
    let scaled = sum << more;
    let quotient = (scaled / count) | u128::from(scaled % count != 0);
    sign * quotient as f64 * 2_f64.powi(-(more as i32)) + 0.0
}

/// The average of some values.
#[derive(Debug)]
struct Mean {
    sum: Box<dyn Accumulator>,
    count: Box<dyn Accumulator>,
}

impl Accumulator for Mean {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.sum.update_batch(&summable(values)?)?;
        self.count.update_batch(values)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mean = match (self.sum.evaluate()?, self.count.evaluate()?) {
            (ScalarValue::Decimal128(Some(sum), ..), ScalarValue::Int64(Some(count)))
                if count > 0 =>
            {
                Some(ratio(sum, count))
            }
            _ => None,
        };
        Ok(ScalarValue::Float64(mean))
    }

    fn size(&self) -> usize {
        self.sum.size() + self.count.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let mut state = self.sum.state()?;
        state.extend(self.count.state()?);
        Ok(state)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let (sum, count) = halves(states)?;
        self.sum.merge_batch(sum)?;
        self.count.merge_batch(count)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.sum.retract_batch(&summable(values)?)?;
        self.count.retract_batch(values)
    }

    fn supports_retract_batch(&self) -> bool {
        self.sum.supports_retract_batch() && self.count.supports_retract_batch()
    }
}

/// What belongs to the sum, and to the count: one column each.
fn halves(states: &[ArrayRef]) -> Result<(&[ArrayRef], &[ArrayRef])> {
    if states.len() == 2 { Ok(states.split_at(1)) } else { exec_err!("avg has two states") }
}

/// The averages of groups.
struct Means {
    sum: Box<dyn GroupsAccumulator>,
    count: Box<dyn GroupsAccumulator>,
}

impl GroupsAccumulator for Means {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.sum.update_batch(&summable(values)?, groups, filter, total)?;
        self.count.update_batch(values, groups, filter, total)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let (sums, counts) = (self.sum.evaluate(emit_to)?, self.count.evaluate(emit_to)?);
        let (sums, counts) =
            (sums.as_primitive::<Decimal128Type>(), counts.as_primitive::<Int64Type>());
        let means: Float64Array = (0..sums.len())
            .map(|group| {
                let count = if counts.is_valid(group) { counts.value(group) } else { 0 };
                (sums.is_valid(group) && count > 0).then(|| ratio(sums.value(group), count))
            })
            .collect();
        Ok(Arc::new(means))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let mut state = self.sum.state(emit_to)?;
        state.extend(self.count.state(emit_to)?);
        Ok(state)
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        let (sum, count) = halves(states)?;
        self.sum.merge_batch(sum, groups, total)?;
        self.count.merge_batch(count, groups, total)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let mut state = self.sum.convert_to_state(&summable(values)?, filter)?;
        state.extend(self.count.convert_to_state(values, filter)?);
        Ok(state)
    }

    fn size(&self) -> usize {
        self.sum.size() + self.count.size()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_average_is_the_nearest_double(sum in any::<i64>(), count in 1_i64..1_000_000) {
            // Decimal digits are read as the nearest double.
            let (whole, mut rest) = (i128::from(sum) / i128::from(count), (i128::from(sum) % i128::from(count)).abs());
            let mut digits = format!("{}{}.", if sum < 0 { "-" } else { "" }, whole.abs());
            for _ in 0..60 {
                rest *= 10;
                digits.push_str(&(rest / i128::from(count)).to_string());
                rest %= i128::from(count);
            }
            let nearest: f64 = digits.parse().expect("a number");
            prop_assert_eq!(ratio(sum.into(), count).to_bits(), (nearest + 0.0).to_bits());
        }
    }
}
