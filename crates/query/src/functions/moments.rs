//! Times moved, cast and read: in microseconds, for every time there is.
//!
//! The engine goes through nanoseconds or the library's calendar, where one row of a far year fails the whole query.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::cast as convert;
use arrow::datatypes::{
    DataType, Date32Type, IntervalMonthDayNanoType, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::civil::{DAY, Zone, add_months, date_written, written};

/// Times in microseconds, of a type that is a time.
pub(super) fn micros(values: &ArrayRef) -> Result<Int64Array> {
    let DataType::Timestamp(_, zone) = values.data_type() else {
        let utc = DataType::Timestamp(TimeUnit::Microsecond, None);
        return micros(&convert(values, &utc)?);
    };
    let kind = DataType::Timestamp(TimeUnit::Microsecond, zone.clone());
    let times = convert(values, &kind)?;
    let times = times.as_primitive::<TimestampMicrosecondType>();
    Ok(Int64Array::new(times.values().clone(), times.nulls().cloned()))
}

/// Applies a function to a column, or to the one value that stands for all rows.
pub(super) fn over(
    value: &ColumnarValue,
    make: impl Fn(&ArrayRef) -> Result<ArrayRef>,
) -> Result<ColumnarValue> {
    match value {
        ColumnarValue::Array(values) => make(values).map(ColumnarValue::Array),
        ColumnarValue::Scalar(value) => {
            let result = make(&value.to_array()?)?;
            ScalarValue::try_from_array(&result, 0).map(ColumnarValue::Scalar)
        }
    }
}

/// A time that is none of those there are.
pub(super) fn out_of_range() -> DataFusionError {
    DataFusionError::Execution(
        "time out of range: times lie between the years -290308 and 294247".to_owned(),
    )
}

/// The zone of a type of times, UTC where it has none.
fn zone_of(kind: &DataType) -> Zone {
    match kind {
        DataType::Timestamp(_, Some(zone)) => Zone::parse(zone).unwrap_or(Zone::UTC),
        _ => Zone::UTC,
    }
}

/// A time and an interval.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Shifted {
    is_back: bool,
    signature: Signature,
}

/// The time moved by an interval, forward or back.
pub(super) fn shifted(time: Expr, span: Expr, is_back: bool) -> Expr {
    let signature = Signature::any(2, Volatility::Immutable);
    ScalarUDF::new_from_impl(Shifted { is_back, signature }).call(vec![time, span])
}

impl ScalarUDFImpl for Shifted {
    fn name(&self) -> &str {
        if self.is_back { "time_before" } else { "time_after" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn display_name(&self, arguments: &[Expr]) -> Result<String> {
        let [time, span] = arguments else { return Ok(self.name().to_owned()) };
        Ok(format!("{time} {} {span}", if self.is_back { "-" } else { "+" }))
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        arguments.first().cloned().map_or_else(|| plan_err!("a time is wanted"), Ok)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [time, span] = arguments.args.as_slice() else {
            return exec_err!("a time and an interval are wanted");
        };
        let are_scalars = [time, span].iter().all(|it| matches!(it, ColumnarValue::Scalar(_)));
        let rows = if are_scalars { 1 } else { arguments.number_rows };
        let kind = time.data_type();
        let times = micros(&time.to_array(rows)?)?;
        let spans = span.to_array(rows)?;
        let spans = spans.as_primitive::<IntervalMonthDayNanoType>();
        let sign = if self.is_back { -1 } else { 1 };
        let moved = times.iter().zip(spans).map(|both| match both {
            (Some(time), Some(span)) => {
                let fixed =
                    i128::from(span.days) * i128::from(DAY) + i128::from(span.nanoseconds / 1000);
                let moved = add_months(time, sign * i64::from(span.months))
                    .map(|time| i128::from(time) + i128::from(sign) * fixed)
                    .and_then(|time| i64::try_from(time).ok());
                moved.map(Some).ok_or_else(out_of_range)
            }
            _ => Ok(None),
        });
        let moved: TimestampMicrosecondArray = moved.collect::<Result<_>>()?;
        let moved: ArrayRef = Arc::new(moved.with_data_type(kind));
        if are_scalars {
            return ScalarValue::try_from_array(&moved, 0).map(ColumnarValue::Scalar);
        }
        Ok(ColumnarValue::Array(moved))
    }
}

/// A time or a date as a value of another type.
#[derive(Debug, PartialEq, Eq, Hash)]
struct As {
    kind: DataType,
    signature: Signature,
}

/// The cast of a time that the engine would make with its own calendar; nothing for other casts.
pub(super) fn cast(value: &Expr, from: &DataType, to: &DataType) -> Option<Expr> {
    let is_text = matches!(to, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let is_ours = match from {
        DataType::Timestamp(..) => is_text || *to == DataType::Date32,
        DataType::Date32 => is_text || matches!(to, DataType::Timestamp(TimeUnit::Microsecond, _)),
        _ => false,
    };
    is_ours.then(|| {
        let signature = Signature::any(1, Volatility::Immutable);
        let cast = ScalarUDF::new_from_impl(As { kind: to.clone(), signature });
        cast.call(vec![value.clone()])
    })
}

impl ScalarUDFImpl for As {
    fn name(&self) -> &str {
        match self.kind {
            DataType::Date32 => "as_date",
            DataType::Timestamp(..) => "as_time",
            _ => "as_text",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn display_name(&self, arguments: &[Expr]) -> Result<String> {
        Ok(arguments.first().map_or_else(String::new, ToString::to_string))
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.kind.clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = arguments.args.as_slice() else { return exec_err!("one value is wanted") };
        over(value, |values| match (values.data_type(), &self.kind) {
            (DataType::Date32, DataType::Timestamp(..)) => {
                let days = values.as_primitive::<Date32Type>().iter();
                let times = days.map(|day| match day {
                    Some(day) => midnight(day).map(Some).ok_or_else(out_of_range),
                    None => Ok(None),
                });
                let times: TimestampMicrosecondArray = times.collect::<Result<_>>()?;
                Ok(Arc::new(times.with_data_type(self.kind.clone())))
            }
            (DataType::Date32, _) => {
                let days = values.as_primitive::<Date32Type>().iter();
                let texts: StringArray =
                    days.map(|day| day.map(|day| date_written(day.into()))).collect();
                Ok(convert(&texts, &self.kind)?)
            }
            (kind, DataType::Date32) => {
                let zone = zone_of(kind);
                let day = |time| i32::try_from(zone.local(time).div_euclid(DAY)).unwrap_or(0);
                let days: Date32Array = micros(values)?.unary(day);
                Ok(Arc::new(days))
            }
            (kind, _) => {
                let (zone, has_zone) =
                    (zone_of(kind), matches!(kind, DataType::Timestamp(_, Some(_))));
                let text = |time| {
                    let mut text = written(zone.local(time));
                    if has_zone {
                        text.push_str(&offset_written(zone.offset(time)));
                    }
                    text
                };
                let texts: StringArray =
                    micros(values)?.iter().map(|time| time.map(text)).collect();
                Ok(convert(&texts, &self.kind)?)
            }
        })
    }
}

/// The first moment of a day; of the day that time begins in, the first there is.
fn midnight(day: i32) -> Option<i64> {
    let first = i64::MIN.div_euclid(DAY);
    if i64::from(day) == first { Some(i64::MIN) } else { i64::from(day).checked_mul(DAY) }
}

/// An offset as it stands behind a time: `Z`, `+02:00`.
pub(super) fn offset_written(offset: i64) -> String {
    if offset == 0 {
        return "Z".to_owned();
    }
    let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.abs() / 60_000_000);
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}
