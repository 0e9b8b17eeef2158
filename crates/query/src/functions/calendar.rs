//! `date_trunc`, `date_part` (also `EXTRACT`), `AT TIME ZONE`: the calendar of a time, for every time there is.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int32Array, Int64Array, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::bucket::{starts, time_type};
use super::interval::{Buckets, Width};
use super::moments::{micros, out_of_range, over};
use crate::civil::{DAY, Date, HOUR, SECOND, Zone};

const MINUTE: i64 = 60 * SECOND;

/// The text of an argument that is the same for all rows; nothing when it is null.
pub(super) fn constant<'a>(value: &'a ColumnarValue, what: &str) -> Result<Option<&'a str>> {
    match value {
        ColumnarValue::Scalar(value) => match value.try_as_str() {
            Some(text) => Ok(text),
            None if value.is_null() => Ok(None),
            None => exec_err!("{what} is a text"),
        },
        ColumnarValue::Array(_) => exec_err!("{what} must be the same for all rows"),
    }
}

/// `date_trunc(unit, time [, zone])`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Truncate {
    signature: Signature,
    aliases: Vec<String>,
}

impl Truncate {
    pub(super) fn new() -> Self {
        let aliases = vec!["datetrunc".to_owned()];
        Self { signature: Signature::user_defined(Volatility::Immutable), aliases }
    }
}

/// The buckets that a unit of `date_trunc` means.
fn unit(name: &str) -> Option<Buckets> {
    let months = |months| Some(Width::Months(months).buckets());
    let micros = |micros| Some(Width::Micros(micros).buckets());
    // Centuries and millennia begin with the year 1.
    let from_one = |months| {
        let first = Date { year: 1, month: 1, day: 1 }.day_number() * DAY;
        Some(Buckets { origin: Some(first), ..Width::Months(months).buckets() })
    };
    match name {
        "microsecond" => micros(1),
        "millisecond" => micros(1_000),
        "second" => micros(SECOND),
        "minute" => micros(MINUTE),
        "hour" => micros(HOUR),
        "day" => micros(DAY),
        "week" => micros(7 * DAY),
        "month" => months(1),
        "quarter" => months(3),
        "year" => months(12),
        "decade" => months(120),
        "century" => from_one(1_200),
        "millennium" => from_one(12_000),
        _ => None,
    }
}

/// A unit's name in the singular and in small letters.
fn singular(name: &str) -> String {
    let name = name.trim().to_ascii_lowercase();
    match name.as_str() {
        "us" | "microseconds" => "microsecond".to_owned(),
        "ms" | "milliseconds" => "millisecond".to_owned(),
        "centuries" => "century".to_owned(),
        "millennia" | "millenniums" => "millennium".to_owned(),
        other => other.strip_suffix('s').unwrap_or(other).to_owned(),
    }
}

impl ScalarUDFImpl for Truncate {
    fn name(&self) -> &'static str {
        "date_trunc"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match arguments {
            [_, time] => Ok(vec![DataType::Utf8, time_type(time)?]),
            [_, time, _] => Ok(vec![DataType::Utf8, time_type(time)?, DataType::Utf8]),
            _ => plan_err!("date_trunc takes a unit, a time, and maybe a time zone"),
        }
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        arguments.get(1).map_or_else(|| plan_err!("date_trunc takes a unit and a time"), time_type)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let ScalarFunctionArgs { args, return_field, .. } = arguments;
        let [name, time, zone @ ..] = args.as_slice() else {
            return exec_err!("date_trunc takes a unit and a time");
        };
        let kind = return_field.data_type();
        let nothing = || ScalarValue::try_from(kind).map(ColumnarValue::Scalar);
        let Some(name) = constant(name, "the unit of date_trunc")? else { return nothing() };
        let Some(mut buckets) = unit(&singular(name)) else {
            return exec_err!(
                "'{name}' is no unit of date_trunc; use microsecond, millisecond, second, minute, hour, day, week, month, quarter, year, decade, century or millennium"
            );
        };
        if let Some(zone) = zone.first() {
            let Some(zone) = constant(zone, "the time zone of date_trunc")? else {
                return nothing();
            };
            let Some(known) = Zone::parse(zone) else {
                return exec_err!("{}", Zone::refusal(zone));
            };
            buckets.zone = known;
        }
        over(time, |times| {
            let starts: TimestampMicrosecondArray = micros(times)?.unary(starts(&buckets));
            Ok(Arc::new(starts.with_data_type(kind.clone())))
        })
    }
}

/// `date_part(unit, time)`: times and dates here, spans and times of day by the engine.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Part {
    engine: Arc<ScalarUDF>,
    signature: Signature,
    aliases: Vec<String>,
}

impl Part {
    pub(super) fn new(engine: Arc<ScalarUDF>) -> Self {
        let aliases = vec!["datepart".to_owned()];
        Self { engine, signature: Signature::user_defined(Volatility::Immutable), aliases }
    }
}

/// Whether values of a type have a date.
pub(super) const fn has_date(kind: &DataType) -> bool {
    matches!(
        kind,
        DataType::Timestamp(..)
            | DataType::Date32
            | DataType::Date64
            | DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Null
    )
}

/// A part of what a clock shows; nothing when there is no part of that name.
fn part(name: &str) -> Option<fn(i64) -> i64> {
    Some(match name {
        "microsecond" => |time| time.rem_euclid(MINUTE),
        "millisecond" => |time| time.rem_euclid(MINUTE) / 1_000,
        "second" => |time| time.rem_euclid(MINUTE) / SECOND,
        "minute" => |time| time.rem_euclid(HOUR) / MINUTE,
        "hour" => |time| time.rem_euclid(DAY) / HOUR,
        "day" => |time| Date::of(time).day,
        "month" => |time| Date::of(time).month,
        "quarter" => |time| (Date::of(time).month - 1) / 3 + 1,
        "year" => |time| Date::of(time).year,
        "dow" => |time| weekday(time) % 7,
        "isodow" => weekday,
        "doy" => |time| {
            let date = Date::of(time);
            date.day_number() - Date { month: 1, day: 1, ..date }.day_number() + 1
        },
        "week" => |time| iso(time).1,
        "isoyear" => |time| iso(time).0,
        "decade" => |time| Date::of(time).year.div_euclid(10),
        "century" => |time| since_one(Date::of(time).year, 100),
        "millennium" => |time| since_one(Date::of(time).year, 1_000),
        "julian" => |time| time.div_euclid(DAY) + 2_440_588,
        _ => return None,
    })
}

/// From 1 for Monday to 7.
const fn weekday(time: i64) -> i64 {
    (time.div_euclid(DAY) + 3).rem_euclid(7) + 1
}

/// The year and the week that ISO 8601 counts: the first week has the year's first Thursday.
fn iso(time: i64) -> (i64, i64) {
    let day = time.div_euclid(DAY);
    let thursday = day + 4 - weekday(time);
    let year = Date::of_day(thursday).year;
    let first = Date { year, month: 1, day: 1 }.day_number();
    (year, (thursday - first) / 7 + 1)
}

/// Spans of years are counted from the year 1 on; the year 0 lies in that before it, which is the -1st.
const fn since_one(year: i64, years: i64) -> i64 {
    if year > 0 { (year - 1) / years + 1 } else { -((-year) / years + 1) }
}

impl ScalarUDFImpl for Part {
    fn name(&self) -> &'static str {
        "date_part"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match arguments {
            [_, time] if has_date(time) => Ok(vec![DataType::Utf8, time_type(time)?]),
            [
                _,
                other @ (DataType::Interval(_)
                | DataType::Duration(_)
                | DataType::Time32(_)
                | DataType::Time64(_)),
            ] => Ok(vec![DataType::Utf8, other.clone()]),
            [_, other] => plan_err!("date_part takes a unit and a time, not {other}"),
            _ => plan_err!("date_part takes a unit and a time"),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int32)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let name = arguments.scalar_arguments.first().copied().flatten();
        let name = name.and_then(|name| name.try_as_str().flatten()).unwrap_or_default();
        let is_ours = arguments.arg_fields.get(1).is_some_and(|field| has_date(field.data_type()));
        if !is_ours {
            return self.engine.inner().return_field_from_args(arguments);
        }
        let kind = match singular(name).as_str() {
            "epoch" => DataType::Float64,
            _ => DataType::Int32,
        };
        Ok(Arc::new(Field::new(self.name(), kind, true)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [name, time] = arguments.args.as_slice() else {
            return exec_err!("date_part takes a unit and a time");
        };
        if !has_date(&time.data_type()) {
            return self.engine.inner().invoke_with_args(arguments);
        }
        let Some(name) = constant(name, "the unit of date_part")? else {
            let kind = arguments.return_field.data_type();
            return ScalarValue::try_from(kind).map(ColumnarValue::Scalar);
        };
        let name = singular(name);
        if name == "epoch" {
            return over(time, |times| {
                let seconds: Float64Array =
                    micros(times)?.unary(|time| time as f64 / SECOND as f64);
                Ok(Arc::new(seconds))
            });
        }
        let Some(part) = part(&name) else {
            return exec_err!(
                "'{name}' is no unit of date_part; use microsecond, millisecond, second, minute, hour, day, week, month, quarter, year, dow, isodow, doy, isoyear, decade, century, millennium, julian or epoch"
            );
        };
        over(time, |times| {
            // The widest, the day of Julius, has nine digits.
            let parts: Int32Array =
                micros(times)?.unary(|time| i32::try_from(part(time)).unwrap_or(i32::MAX));
            Ok(Arc::new(parts))
        })
    }
}

/// `time AT TIME ZONE zone`, as PostgreSQL takes it: of a moment what the zone's clocks show then, of what a clock shows
/// the moment.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct AtZone {
    signature: Signature,
}

impl AtZone {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for AtZone {
    fn name(&self) -> &'static str {
        "at_time_zone"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match arguments {
            [DataType::Date32 | DataType::Date64, _] => {
                Ok(vec![DataType::Timestamp(TimeUnit::Microsecond, None), DataType::Utf8])
            }
            [time, _] => Ok(vec![time_type(time)?, DataType::Utf8]),
            _ => plan_err!("AT TIME ZONE takes a time and a zone"),
        }
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let zone = match arguments.first() {
            Some(DataType::Timestamp(_, None)) => Some("UTC".into()),
            _ => None,
        };
        Ok(DataType::Timestamp(TimeUnit::Microsecond, zone))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let ScalarFunctionArgs { args, return_field, number_rows, .. } = arguments;
        let [times, zones] = args.as_slice() else {
            return exec_err!("AT TIME ZONE takes a time and a zone");
        };
        let to_moment = matches!(times.data_type(), DataType::Timestamp(_, None));
        let are_scalars = args.iter().all(|it| matches!(it, ColumnarValue::Scalar(_)));
        let rows = if are_scalars { 1 } else { number_rows };
        let times = micros(&times.to_array(rows)?)?;
        let of_each = match zones {
            ColumnarValue::Scalar(_) => None,
            ColumnarValue::Array(zones) => Some(zones.as_string::<i32>()),
        };
        let one = match zones {
            ColumnarValue::Scalar(_) => constant(zones, "a time zone")?,
            ColumnarValue::Array(_) => None,
        };
        let mut known: HashMap<&str, Zone> = HashMap::new();
        let mut shown: Vec<Option<i64>> = Vec::with_capacity(rows);
        for row in 0..rows {
            let name = match of_each {
                None => one,
                Some(zones) => zones.is_valid(row).then(|| zones.value(row)),
            };
            let (Some(name), true) = (name, times.is_valid(row)) else {
                shown.push(None);
                continue;
            };
            let zone = if let Some(zone) = known.get(name) {
                *zone
            } else {
                let Some(zone) = Zone::parse(name) else {
                    return exec_err!("{}", Zone::refusal(name));
                };
                known.insert(name, zone);
                zone
            };
            let time = times.value(row);
            shown.push(if to_moment {
                Some(zone.moment(time).ok_or_else(out_of_range)?)
            } else {
                Some(zone.local(time))
            });
        }
        let shown: TimestampMicrosecondArray = Int64Array::from(shown)
            .reinterpret_cast::<arrow::datatypes::TimestampMicrosecondType>(
        );
        let shown: ArrayRef = Arc::new(shown.with_data_type(return_field.data_type().clone()));
        if are_scalars {
            return ScalarValue::try_from_array(&shown, 0).map(ColumnarValue::Scalar);
        }
        Ok(ColumnarValue::Array(shown))
    }
}
