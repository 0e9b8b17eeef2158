//! `generate_series(start, end [, step])` and `range`: rows of numbers, dates or times, made as they are read.
//!
//! As in PostgreSQL the end is one of them (in `range` it is not), a step may be negative, and one of nothing is refused.
//! `time_buckets(width, start, end [, zone])` makes the starts of all buckets of a span as one list.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Int64Array, ListArray, RecordBatch, TimestampMicrosecondArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableFunctionArgs, TableFunctionImpl};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_err, plan_err};
use datafusion::datasource::{TableProvider, TableType};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::memory::{LazyBatchGenerator, LazyMemoryExec};
use parking_lot::RwLock;

use super::bucket::time_type;
use super::interval::Width;
use super::moments::out_of_range;
use crate::civil::{DAY, Zone, add_months};

/// More rows than this are refused beforehand; up to there the limits of all queries hold, of time above all.
const MAX_ROWS: i128 = 10_000_000_000_000;
/// Buckets that one call of `time_buckets` makes.
const MAX_BUCKETS: usize = 1_000_000;
/// Rows of a batch.
const BATCH_ROWS: usize = 8_192;

/// A step from one row to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    months: i64,
    /// Units of the values.
    units: i64,
}

/// What a series is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Long,
    Date,
    Time,
    Moment,
}

impl Of {
    fn kind(self) -> DataType {
        match self {
            Self::Long => DataType::Int64,
            Self::Date => DataType::Date32,
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::Moment => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }

    fn column(self, values: Vec<i64>) -> ArrayRef {
        match self {
            Self::Long => Arc::new(Int64Array::from(values)),
            Self::Date => {
                let days = values.into_iter().map(|it| i32::try_from(it).unwrap_or(i32::MAX));
                Arc::new(Date32Array::from_iter_values(days))
            }
            Self::Time => Arc::new(TimestampMicrosecondArray::from(values)),
            Self::Moment => Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC")),
        }
    }
}

/// A series of values.
#[derive(Clone, Debug)]
struct Series {
    of: Of,
    start: i64,
    end: i64,
    step: Step,
    with_end: bool,
    /// How many values have been made.
    made: u64,
    schema: SchemaRef,
}

impl Series {
    /// The value at a place; nothing beyond the end.
    fn value(&self, at: u64) -> Option<i64> {
        let at = i64::try_from(at).ok()?;
        // Months are counted from the start, so that the 31st comes back after a short month.
        let moved = match self.step.months {
            0 => self.start,
            months => add_months(self.start, months.checked_mul(at)?)?,
        };
        let value = moved.checked_add(self.step.units.checked_mul(at)?)?;
        let is_back = self.step.months < 0 || self.step.units < 0;
        let is_in = match (is_back, self.with_end) {
            (false, true) => value <= self.end,
            (false, false) => value < self.end,
            (true, true) => value >= self.end,
            (true, false) => value > self.end,
        };
        is_in.then_some(value)
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "generate_series: start={}, end={}", self.start, self.end)
    }
}

impl LazyBatchGenerator for Series {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn generate_next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let mut values = Vec::new();
        while values.len() < BATCH_ROWS
            && let Some(value) = self.value(self.made)
        {
            values.push(value);
            self.made += 1;
        }
        if values.is_empty() {
            return Ok(None);
        }
        let columns = vec![self.of.column(values)];
        Ok(Some(RecordBatch::try_new(Arc::clone(&self.schema), columns)?))
    }

    fn reset_state(&self) -> Arc<RwLock<dyn LazyBatchGenerator>> {
        Arc::new(RwLock::new(Self { made: 0, ..self.clone() }))
    }
}

/// The table that a call stands for; a null anywhere makes it empty.
#[derive(Debug)]
struct Table {
    schema: SchemaRef,
    series: Option<Series>,
}

#[async_trait]
impl TableProvider for Table {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let generators = self.series.iter().map(LazyBatchGenerator::reset_state).collect();
        let plan = LazyMemoryExec::try_new(self.schema(), generators)?;
        Ok(Arc::new(plan.with_projection(projection.cloned())))
    }
}

/// The table function.
#[derive(Debug)]
pub(super) struct GenerateSeries {
    /// As it is called.
    pub(super) name: &'static str,
    /// Whether the end is one of the values.
    pub(super) with_end: bool,
}

impl TableFunctionImpl for GenerateSeries {
    fn call_with_args(&self, args: TableFunctionArgs<'_, '_>) -> Result<Arc<dyn TableProvider>> {
        let values = args.exprs().iter().map(|expr| {
            let Expr::Literal(value, _) = expr else {
                return plan_err!(
                    "{} takes constants; in a query over rows use it in FROM with constants and join",
                    self.name
                );
            };
            Ok(value.clone())
        });
        let values = values.collect::<Result<Vec<_>>>()?;
        let (start, end, step) = match values.as_slice() {
            [end] => (ScalarValue::Int64(Some(0)), end.clone(), None),
            [start, end] => (start.clone(), end.clone(), None),
            [start, end, step] => (start.clone(), end.clone(), Some(step.clone())),
            _ => return plan_err!("{} takes a start, an end and a step", self.name),
        };
        let of = self.of(&start, &end, step.as_ref())?;
        let schema = Arc::new(Schema::new(vec![Field::new("value", of.kind(), false)]));
        let series = self.series(of, [&start, &end], step.as_ref(), &schema)?;
        Ok(Arc::new(Table { schema, series }))
    }
}

impl GenerateSeries {
    /// What the series is made of: with an interval dates become times, as in PostgreSQL.
    fn of(&self, start: &ScalarValue, end: &ScalarValue, step: Option<&ScalarValue>) -> Result<Of> {
        let of = |value: &ScalarValue| match value.data_type() {
            DataType::Null => None,
            kind if kind.is_integer() => Some(Ok(Of::Long)),
            DataType::Date32 => Some(Ok(Of::Date)),
            DataType::Timestamp(_, None) => Some(Ok(Of::Time)),
            DataType::Timestamp(_, Some(_)) => Some(Ok(Of::Moment)),
            other => Some(plan_err!(
                "{} takes integers, dates or timestamps, not {other}; write TIMESTAMP '2026-01-01' for a time",
                self.name
            )),
        };
        let of = match (of(start).transpose()?, of(end).transpose()?) {
            (None, None) => Of::Long,
            (Some(one), None) | (None, Some(one)) => one,
            (Some(one), Some(other)) if one == other => one,
            (Some(Of::Long), Some(_)) | (Some(_), Some(Of::Long)) => {
                return plan_err!(
                    "{} goes from a number to a number, or from a time to a time",
                    self.name
                );
            }
            (Some(one), Some(other)) => {
                if one == Of::Moment || other == Of::Moment {
                    Of::Moment
                } else {
                    Of::Time
                }
            }
        };
        Ok(if of == Of::Date && step.is_some() { Of::Time } else { of })
    }

    fn series(
        &self,
        of: Of,
        ends: [&ScalarValue; 2],
        step: Option<&ScalarValue>,
        schema: &SchemaRef,
    ) -> Result<Option<Series>> {
        if ends.iter().any(|end| end.is_null()) || step.is_some_and(ScalarValue::is_null) {
            return Ok(None);
        }
        let number = |end: &ScalarValue| -> Result<i64> {
            match end.cast_to(&of.kind())? {
                ScalarValue::Int64(Some(number))
                | ScalarValue::TimestampMicrosecond(Some(number), _) => Ok(number),
                ScalarValue::Date32(Some(day)) => Ok(day.into()),
                other => plan_err!("{other} is neither a number nor a time"),
            }
        };
        let (start, end) = (number(ends[0])?, number(ends[1])?);
        let step = match (step, of) {
            (None, Of::Long | Of::Date) => Step { months: 0, units: 1 },
            (None, Of::Time | Of::Moment) => {
                return plan_err!("{} of times takes a step, such as INTERVAL '1 hour'", self.name);
            }
            (Some(step), of) => self.step(step, of)?,
        };
        let has_both = step.months.signum() * step.units.signum() < 0;
        if (step.months == 0 && step.units == 0) || has_both {
            return plan_err!("the step of {} goes forward or back, and not by nothing", self.name);
        }
        // A month has at least 28 days.
        let unit = i128::from(step.units) + i128::from(step.months) * i128::from(28 * DAY);
        if (i128::from(end) - i128::from(start)) / unit > MAX_ROWS {
            return plan_err!(
                "{} makes at most {MAX_ROWS} rows; use a wider step or a nearer end",
                self.name
            );
        }
        let (with_end, schema) = (self.with_end, Arc::clone(schema));
        Ok(Some(Series { of, start, end, step, with_end, made: 0, schema }))
    }

    fn step(&self, step: &ScalarValue, of: Of) -> Result<Step> {
        let wrong = || -> DataFusionError {
            DataFusionError::Plan(format!(
                "{step} is no step of {}; of numbers it is a number, of times an interval",
                self.name
            ))
        };
        if of == Of::Long {
            return match step.cast_to(&DataType::Int64) {
                Ok(ScalarValue::Int64(Some(units))) if step.data_type().is_integer() => {
                    Ok(Step { months: 0, units })
                }
                _ => Err(wrong()),
            };
        }
        let interval = DataType::Interval(arrow::datatypes::IntervalUnit::MonthDayNano);
        let is_number = step.data_type().is_numeric();
        match step.cast_to(&interval) {
            Ok(ScalarValue::IntervalMonthDayNano(Some(it))) if !is_number => {
                let micros = i64::from(it.days)
                    .checked_mul(DAY)
                    .and_then(|days| days.checked_add(it.nanoseconds / 1000))
                    .ok_or_else(out_of_range)?;
                Ok(Step { months: it.months.into(), units: micros })
            }
            _ => Err(wrong()),
        }
    }
}

/// `time_buckets(width, start, end [, zone])`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct TimeBuckets {
    signature: Signature,
}

impl TimeBuckets {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for TimeBuckets {
    fn name(&self) -> &'static str {
        "time_buckets"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [width, start, end, zone @ ..] = arguments else {
            return plan_err!("time_buckets takes a width, a start, an end, and maybe a time zone");
        };
        let width = if width.is_string() {
            DataType::Utf8
        } else {
            DataType::Interval(arrow::datatypes::IntervalUnit::MonthDayNano)
        };
        let zone = zone.iter().map(|_| DataType::Utf8);
        let ends = [time_type(start)?, time_type(end)?];
        Ok(std::iter::once(width).chain(ends).chain(zone).collect())
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let time = arguments.get(1).map_or_else(|| plan_err!("a start is wanted"), time_type)?;
        Ok(DataType::List(Arc::new(Field::new_list_field(time, true))))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let ScalarFunctionArgs { args, return_field, number_rows, .. } = arguments;
        let [ColumnarValue::Scalar(width), start, end, zone @ ..] = args.as_slice() else {
            return exec_err!("the width of time_buckets must be the same for all rows");
        };
        let mut buckets = Width::read(width)?.buckets();
        if let Some(ColumnarValue::Scalar(zone)) = zone.first()
            && let Some(name) = zone.try_as_str().flatten()
        {
            let Some(zone) = Zone::parse(name) else { return exec_err!("{}", Zone::refusal(name)) };
            buckets.zone = zone;
        }
        let rows = if args.iter().all(|it| matches!(it, ColumnarValue::Scalar(_))) {
            1
        } else {
            number_rows
        };
        let (starts, ends) = (start.to_array(rows)?, end.to_array(rows)?);
        let (starts, ends) = (super::moments::micros(&starts)?, super::moments::micros(&ends)?);
        let (mut all, mut lengths) = (Vec::new(), Vec::new());
        for both in starts.iter().zip(&ends) {
            let before = all.len();
            if let (Some(start), Some(end)) = both {
                let mut next = Some(buckets.start(start));
                while let Some(at) = next.filter(|at| *at <= end) {
                    if all.len() >= MAX_BUCKETS {
                        return exec_err!(
                            "more than {MAX_BUCKETS} buckets; use a wider bucket or a shorter span"
                        );
                    }
                    all.push(at);
                    next = buckets.next(at);
                }
            }
            lengths.push(all.len() - before);
        }
        let DataType::List(field) = return_field.data_type() else {
            return exec_err!("time_buckets gives a list");
        };
        let times = TimestampMicrosecondArray::from(all).with_data_type(field.data_type().clone());
        let offsets = OffsetBuffer::from_lengths(lengths);
        let list = ListArray::try_new(Arc::clone(field), offsets, Arc::new(times), None)?;
        if rows == 1 && number_rows != 1 {
            return ScalarValue::try_from_array(&list, 0).map(ColumnarValue::Scalar);
        }
        Ok(ColumnarValue::Array(Arc::new(list)))
    }
}
