//! `date_bin(width, time [, origin])`: the start of the bucket that a time lies in.
//!
//! The engine's own goes through nanoseconds and fails outside the years 1677 to 2262; this one counts microseconds,
//! as the rows do.

use std::cell::Cell;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, IntervalUnit, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::interval::Width;

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct TimeBucket {
    signature: Signature,
    aliases: Vec<String>,
}

impl TimeBucket {
    pub(super) fn new() -> Self {
        let aliases = vec!["time_bucket".to_owned()];
        Self { signature: Signature::user_defined(Volatility::Immutable), aliases }
    }
}

impl ScalarUDFImpl for TimeBucket {
    fn name(&self) -> &'static str {
        "date_bin"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let (width, times) = match arguments {
            [width, times @ ..] if (1..=2).contains(&times.len()) => (width, times),
            _ => return plan_err!("date_bin takes a width, a time, and maybe an origin"),
        };
        let width = match width {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => {
                DataType::Utf8
            }
            DataType::Interval(_) => DataType::Interval(IntervalUnit::MonthDayNano),
            DataType::Duration(_) => DataType::Duration(TimeUnit::Microsecond),
            other => {
                return plan_err!(
                    "a bucket's width is an interval such as '5 minutes', not {other}"
                );
            }
        };
        let times = times.iter().map(time).collect::<Result<Vec<_>>>()?;
        Ok(std::iter::once(width).chain(times).collect())
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        arguments.get(1).map_or_else(|| plan_err!("date_bin takes a width and a time"), time)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let ScalarFunctionArgs { args, return_field, .. } = arguments;
        let [width, times, origin @ ..] = args.as_slice() else {
            return exec_err!("date_bin takes a width and a time");
        };
        let ColumnarValue::Scalar(width) = width else {
            return exec_err!("the width of date_bin must be the same for all rows");
        };
        let width = Width::read(width)?;
        let origin = origin.first().map_or(Ok(Some(0)), constant)?;
        let Some(origin) = origin else {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from(return_field.data_type())?));
        };
        // Rows mostly come in order of time, many to a bucket.
        let known = Cell::new((0, 0));
        let start = |time: i64| {
            let (start, end) = known.get();
            if start <= time && time < end {
                return start;
            }
            let start = width.start(time, origin);
            known.set((start, width.end(start)));
            start
        };
        match times {
            ColumnarValue::Array(times) => {
                let times = times.as_primitive::<TimestampMicrosecondType>();
                let starts: TimestampMicrosecondArray = times.unary(start);
                let starts: ArrayRef =
                    Arc::new(starts.with_data_type(return_field.data_type().clone()));
                Ok(ColumnarValue::Array(starts))
            }
            ColumnarValue::Scalar(ScalarValue::TimestampMicrosecond(time, zone)) => {
                let start = ScalarValue::TimestampMicrosecond(time.map(start), zone.clone());
                Ok(ColumnarValue::Scalar(start))
            }
            ColumnarValue::Scalar(other) => exec_err!("{other} is no time"),
        }
    }
}

/// The type that a time is taken as.
fn time(kind: &DataType) -> Result<DataType> {
    match kind {
        DataType::Timestamp(_, zone) => {
            Ok(DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))
        }
        DataType::Date32
        | DataType::Date64
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Null => Ok(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))),
        other => plan_err!("date_bin takes a time, not {other}"),
    }
}

fn constant(origin: &ColumnarValue) -> Result<Option<i64>> {
    let ColumnarValue::Scalar(ScalarValue::TimestampMicrosecond(time, _)) = origin else {
        return exec_err!("the origin of date_bin must be one time for all rows");
    };
    Ok(*time)
}
