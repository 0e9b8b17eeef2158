//! `to_char(time, format)` and `to_timestamp(value [, format ...])` with its kin: times written and read.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::cast as convert;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use chrono::format::{Fixed, Item, Numeric, StrftimeItems};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use datafusion::common::{Result, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::bucket::time_type;
use super::calendar::{constant, has_date};
use super::moments::{micros, out_of_range, over};
use crate::civil::{Zone, in_library};

/// A format is no longer than this many bytes.
const MAX_FORMAT_BYTES: usize = 1_000;
/// Formats of one call.
const MAX_FORMATS: usize = 16;

/// `to_char`: times and dates here, spans and times of day by the engine.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ToChar {
    engine: Arc<ScalarUDF>,
    signature: Signature,
    aliases: Vec<String>,
}

impl ToChar {
    pub(super) fn new(engine: Arc<ScalarUDF>) -> Self {
        let aliases = vec!["date_format".to_owned()];
        Self { engine, signature: Signature::user_defined(Volatility::Immutable), aliases }
    }
}

impl ScalarUDFImpl for ToChar {
    fn name(&self) -> &'static str {
        "to_char"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match arguments {
            [time, _] if has_date(time) => Ok(vec![time_type(time)?, DataType::Utf8]),
            [other @ (DataType::Time32(_) | DataType::Time64(_) | DataType::Duration(_)), _] => {
                Ok(vec![other.clone(), DataType::Utf8])
            }
            [other, _] => plan_err!("to_char takes a time and a format, not {other}"),
            _ => plan_err!("to_char takes a time and a format such as '%Y-%m-%d'"),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [times, format] = arguments.args.as_slice() else {
            return exec_err!("to_char takes a time and a format");
        };
        if !has_date(&times.data_type()) {
            return self.engine.inner().invoke_with_args(arguments);
        }
        let zone = match times.data_type() {
            DataType::Timestamp(_, Some(zone)) => Zone::parse(&zone).unwrap_or(Zone::UTC),
            _ => Zone::UTC,
        };
        if let ColumnarValue::Scalar(_) = format {
            let items = match constant(format, "the format of to_char")? {
                Some(format) => Some(items(format)?),
                None => None,
            };
            return over(times, |times| {
                let texts = micros(times)?;
                let texts = texts.iter().map(|time| match (time, &items) {
                    (Some(time), Some(items)) => formatted(zone, time, items).map(Some),
                    _ => Ok(None),
                });
                Ok(Arc::new(texts.collect::<Result<StringArray>>()?))
            });
        }
        let rows = arguments.number_rows;
        let (times, formats) = (micros(&times.to_array(rows)?)?, format.to_array(rows)?);
        let texts = times.iter().zip(formats.as_string::<i32>()).map(|both| match both {
            (Some(time), Some(format)) => formatted(zone, time, &items(format)?).map(Some),
            _ => Ok(None),
        });
        Ok(ColumnarValue::Array(Arc::new(texts.collect::<Result<StringArray>>()?)))
    }
}

/// The parts of a format.
fn items(format: &str) -> Result<Vec<Item<'_>>> {
    if format.len() > MAX_FORMAT_BYTES {
        return exec_err!("a format is at most {MAX_FORMAT_BYTES} bytes long");
    }
    let mut all = Vec::new();
    for item in StrftimeItems::new(format) {
        match item {
            Item::Error => {
                return exec_err!(
                    "{} is no format of to_char; write one such as '%Y-%m-%d %H:%M:%S', and %% for a percent sign",
                    crate::request::quoted(format)
                );
            }
            // Their years are written here.
            Item::Fixed(Fixed::RFC3339) => {
                all.extend(StrftimeItems::new("%Y-%m-%dT%H:%M:%S%.f%:z"));
            }
            Item::Fixed(Fixed::RFC2822) => {
                all.extend(StrftimeItems::new("%a, %-d %b %Y %H:%M:%S %z"));
            }
            other => all.push(other),
        }
    }
    Ok(all)
}

/// A time as the format has it.
fn formatted(zone: Zone, time: i64, items: &[Item<'_>]) -> Result<String> {
    let (shown, years) = in_library(zone.local(time));
    let offset = i32::try_from(zone.offset(time) / 1_000_000).unwrap_or(0);
    let offset = chrono::FixedOffset::east_opt(offset);
    let time_of = |it: NaiveDateTime| match offset {
        Some(offset) => it.and_local_timezone(offset).single(),
        None => None,
    };
    let Some(shown) = time_of(shown.naive_utc()) else { return Err(out_of_range()) };
    let mut text = String::new();
    for item in items {
        let year = i64::from(chrono::Datelike::year(&shown)) + years;
        let written = match item {
            Item::Numeric(Numeric::Timestamp, _) => {
                write!(text, "{}", time.div_euclid(1_000_000))
            }
            Item::Numeric(Numeric::Year, _) if years != 0 => write!(text, "{year:+}"),
            Item::Numeric(Numeric::IsoYear, _) if years != 0 => {
                let iso = i64::from(chrono::Datelike::iso_week(&shown).year()) + years;
                write!(text, "{iso:+}")
            }
            Item::Numeric(Numeric::YearDiv100, _) if years != 0 => {
                write!(text, "{}", year.div_euclid(100))
            }
            item => write!(text, "{}", shown.format_with_items(std::iter::once(item))),
        };
        if written.is_err() {
            return exec_err!("the time cannot be written in this format");
        }
    }
    Ok(text)
}

/// `to_timestamp` and its kin.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ToTimestamp {
    name: &'static str,
    /// Microseconds of a whole number, as a fraction: nanoseconds are the 1000th part of one.
    unit: (i64, i64),
    signature: Signature,
}

impl ToTimestamp {
    /// All of them.
    pub(super) fn all() -> Vec<Self> {
        let one = |name, unit| Self {
            name,
            unit,
            signature: Signature::user_defined(Volatility::Immutable),
        };
        vec![
            one("to_timestamp", (1_000_000, 1)),
            one("to_timestamp_seconds", (1_000_000, 1)),
            one("from_unixtime", (1_000_000, 1)),
            one("to_timestamp_millis", (1_000, 1)),
            one("to_timestamp_micros", (1, 1)),
            one("to_timestamp_nanos", (1, 1_000)),
        ]
    }

    fn of_long(&self, number: i64) -> Result<i64> {
        let (times, parts) = self.unit;
        number.div_euclid(parts).checked_mul(times).ok_or_else(out_of_range)
    }

    fn of_double(&self, number: f64) -> Result<Option<i64>> {
        let (times, parts) = self.unit;
        // Seconds and their fraction apart: their product loses microseconds.
        let whole = number.floor();
        let rest = ((number - whole) * times as f64 / parts as f64).round();
        let micros = whole * times as f64 / parts as f64;
        if !number.is_finite() || micros.abs() >= 9.2e18 {
            return Err(out_of_range());
        }
        Ok((micros as i64).checked_add(rest as i64))
    }
}

impl ScalarUDFImpl for ToTimestamp {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [value, formats @ ..] = arguments else {
            return plan_err!("{} takes a number, a text or a time", self.name);
        };
        if formats.len() > MAX_FORMATS {
            return plan_err!("{} takes at most {MAX_FORMATS} formats", self.name);
        }
        let value = match value {
            kind if kind.is_integer() => DataType::Int64,
            kind if kind.is_floating() || kind.is_decimal() => DataType::Float64,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
            other => time_type(other)?,
        };
        Ok(std::iter::once(value).chain(formats.iter().map(|_| DataType::Utf8)).collect())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some((value, formats)) = arguments.args.split_first() else {
            return exec_err!("{} takes a value", self.name);
        };
        let mut known = Vec::new();
        for format in formats {
            known.extend(constant(format, "the format of a time")?);
        }
        let kind = arguments.return_field.data_type();
        over(value, |values| {
            let times: TimestampMicrosecondArray = match values.data_type() {
                DataType::Int64 => {
                    let numbers = values.as_primitive::<Int64Type>().iter();
                    let times = numbers.map(|number| number.map(|it| self.of_long(it)).transpose());
                    times.collect::<Result<_>>()?
                }
                DataType::Float64 => {
                    let numbers: &Float64Array = values.as_primitive::<Float64Type>();
                    let times = numbers.iter().map(|number| match number {
                        Some(number) => self.of_double(number),
                        None => Ok(None),
                    });
                    times.collect::<Result<_>>()?
                }
                DataType::Utf8 if !known.is_empty() => {
                    let texts = values.as_string::<i32>().iter();
                    let times = texts.map(|text| text.map(|it| read(it, &known)).transpose());
                    times.collect::<Result<_>>()?
                }
                _ => {
                    let times = convert(values, kind)?;
                    times.as_primitive::<TimestampMicrosecondType>().clone()
                }
            };
            Ok(Arc::new(times.with_data_type(kind.clone())) as ArrayRef)
        })
    }
}

/// A text read as the first of the formats that fits.
fn read(text: &str, formats: &[&str]) -> Result<i64> {
    for format in formats {
        if let Ok(time) = DateTime::parse_from_str(text, format) {
            return Ok(time.timestamp_micros());
        }
        if let Ok(time) = NaiveDateTime::parse_from_str(text, format) {
            return Ok(time.and_utc().timestamp_micros());
        }
        if let Ok(date) = NaiveDate::parse_from_str(text, format) {
            return Ok(date.and_time(NaiveTime::MIN).and_utc().timestamp_micros());
        }
    }
    exec_err!(
        "{} is no time in the format {}",
        crate::request::quoted(text),
        formats.iter().map(|it| crate::request::quoted(it)).collect::<Vec<_>>().join(" or ")
    )
}
