//! `date_bin(width, time [, zone] [, origin])`, also `time_bucket`: the start of the bucket that a time lies in.
//!
//! The engine's own goes through nanoseconds and fails outside the years 1677 to 2262; this one counts microseconds,
//! as the rows do. Where buckets begin is told in [`super::interval`].

use std::cell::Cell;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, IntervalUnit, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::interval::{Buckets, Width};
use crate::civil::Zone;

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

const FORM: &str = "date_bin takes a width, a time, and maybe a time zone and an origin";

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
        let [width, time, rest @ ..] = arguments else { return plan_err!("{FORM}") };
        if rest.len() > 2 {
            return plan_err!("{FORM}");
        }
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
        // A text may be a zone or an origin; which one it is, its value says.
        let rest = rest.iter().map(|kind| match kind {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Ok(DataType::Utf8),
            other => time_type(other),
        });
        let rest = rest.collect::<Result<Vec<_>>>()?;
        Ok([width, time_type(time)?].into_iter().chain(rest).collect())
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        arguments.get(1).map_or_else(|| plan_err!("{FORM}"), time_type)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let ScalarFunctionArgs { args, return_field, .. } = arguments;
        let [width, times, rest @ ..] = args.as_slice() else { return exec_err!("{FORM}") };
        let nothing =
            || Ok(ColumnarValue::Scalar(ScalarValue::try_from(return_field.data_type())?));
        let ColumnarValue::Scalar(width) = width else {
            return exec_err!("the width of date_bin must be the same for all rows");
        };
        let mut buckets = Width::read(width)?.buckets();
        for more in rest {
            let ColumnarValue::Scalar(more) = more else {
                return exec_err!("the origin of date_bin must be one time for all rows");
            };
            if more.is_null() {
                return nothing();
            }
            add(&mut buckets, more)?;
        }
        match times {
            ColumnarValue::Array(times) => {
                let times = times.as_primitive::<TimestampMicrosecondType>();
                let start = starts(&buckets);
                let starts: TimestampMicrosecondArray = times.unary(start);
                let starts: ArrayRef =
                    Arc::new(starts.with_data_type(return_field.data_type().clone()));
                Ok(ColumnarValue::Array(starts))
            }
            ColumnarValue::Scalar(ScalarValue::TimestampMicrosecond(time, zone)) => {
                let start = time.map(|time| buckets.start(time));
                Ok(ColumnarValue::Scalar(ScalarValue::TimestampMicrosecond(start, zone.clone())))
            }
            ColumnarValue::Scalar(other) => exec_err!("{other} is no time"),
        }
    }
}

/// The start of each time's bucket. Rows mostly come in order of time, many to a bucket.
pub(super) fn starts(buckets: &Buckets) -> impl Fn(i64) -> i64 {
    let known = Cell::new((0, -1));
    move |time| {
        let (start, last) = known.get();
        if start <= time && time <= last {
            return start;
        }
        let start = buckets.start(time);
        known.set((start, buckets.last(start)));
        start
    }
}

/// The type that a time is taken as.
pub(super) fn time_type(kind: &DataType) -> Result<DataType> {
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
        other => plan_err!("a time is wanted, and this is {other}"),
    }
}

/// Takes in a zone or an origin.
fn add(buckets: &mut Buckets, value: &ScalarValue) -> Result<()> {
    match value {
        ScalarValue::Utf8(Some(text)) => {
            if let Some(zone) = Zone::parse(text) {
                buckets.zone = zone;
                return Ok(());
            }
            let plain = DataType::Timestamp(TimeUnit::Microsecond, None);
            let Ok(ScalarValue::TimestampMicrosecond(Some(origin), _)) =
                ScalarValue::from(text.as_str()).cast_to(&plain)
            else {
                return exec_err!("{} It is no time for an origin either", Zone::refusal(text));
            };
            buckets.origin = Some(origin);
        }
        ScalarValue::TimestampMicrosecond(Some(origin), zone) => {
            let is_moment = zone.is_some();
            buckets.origin = Some(if is_moment { buckets.zone.local(*origin) } else { *origin });
        }
        other => return exec_err!("{other} is no origin of buckets; write a time"),
    }
    Ok(())
}
