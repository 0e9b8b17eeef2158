//! Times as files and people write them, as microseconds since 1970 UTC.
//!
//! ```text
//! 1767225600000        a number: milliseconds unless --time-format says otherwise
//! 2026-01-01 12:00     a date: ISO 8601, or --time-format dmy, mdy, '%d.%m.%Y %H:%M'
//!                      a zone in the text counts; without one --timezone does
//! ```
//!
//! Where the unit of numbers was assumed, times that nobody means (1970, or beyond 2100) are refused.

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use iobeam_model::Timestamp;

use super::zone::{DstPolicy, LocalTimeError, Zone, offset};
use crate::failure::Failure;
use crate::number::quoted;

/// How times are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TimeFormat {
    /// Numbers are milliseconds, anything else is ISO 8601.
    Assumed,
    /// Numbers since 1970, of which 10^n make a microsecond, or which are 10^-n microseconds.
    Number(i32),
    /// ISO 8601.
    Iso,
    /// A date in this order.
    Ordered(DateOrder),
    /// Days since 1899-12-30, as spreadsheets count them.
    Excel,
    /// A pattern of `strftime`.
    Pattern(String),
}

/// The order of year, month and day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DateOrder {
    /// Day, month, year.
    Dmy,
    /// Month, day, year.
    Mdy,
    /// Year, month, day.
    Ymd,
}

/// Times that are likely where the unit of a number was assumed: 1971 to 2100.
const LIKELY: std::ops::Range<i64> = 31_536_000_000_000..4_133_980_800_000_000;
/// 1899-12-30, in microseconds since 1970.
const EXCEL_EPOCH: i64 = -2_209_161_600_000_000;
/// The units that are tried when a time is unlikely.
const UNITS: [(&str, i32); 4] =
    [("seconds", 6), ("milliseconds", 3), ("microseconds", 0), ("nanoseconds", -3)];

/// Reads `--time-format`.
///
/// # Errors
/// When it is neither a known word nor a pattern.
pub(super) fn format(text: &str) -> Result<TimeFormat, String> {
    Ok(match text.to_ascii_lowercase().as_str() {
        "s" | "sec" | "second" | "seconds" => TimeFormat::Number(6),
        "ms" | "msec" | "millisecond" | "milliseconds" => TimeFormat::Number(3),
        "us" | "usec" | "microsecond" | "microseconds" => TimeFormat::Number(0),
        "ns" | "nsec" | "nanosecond" | "nanoseconds" => TimeFormat::Number(-3),
        "iso" | "rfc3339" => TimeFormat::Iso,
        "dmy" => TimeFormat::Ordered(DateOrder::Dmy),
        "mdy" => TimeFormat::Ordered(DateOrder::Mdy),
        "ymd" => TimeFormat::Ordered(DateOrder::Ymd),
        "excel" => TimeFormat::Excel,
        _ if text.contains('%') => {
            // Of other languages `%f` is the fraction; here it would be nanoseconds.
            let pattern = text.replace(".%f", "%.f");
            if StrftimeItems::new(&pattern).any(|item| item == Item::Error) {
                return Err(String::from(
                    "this pattern is not one of strftime; write it as '%d.%m.%Y %H:%M:%S'",
                ));
            }
            TimeFormat::Pattern(pattern)
        }
        _ => {
            return Err(String::from(
                "use seconds, milliseconds, microseconds, nanoseconds, iso, dmy, mdy, ymd, excel or a pattern such \
                 as '%d.%m.%Y %H:%M:%S'",
            ));
        }
    })
}

/// Reads times.
#[derive(Clone, Debug)]
pub(super) struct TimeReader {
    pub(super) format: TimeFormat,
    /// What local times are of.
    pub(super) zone: Option<Zone>,
    pub(super) policy: DstPolicy,
    /// Takes unlikely times too.
    pub(super) force: bool,
    /// The sign between whole and fraction in numbers.
    pub(super) decimal: char,
}

/// A date and time as written.
enum Written {
    /// With its zone.
    Instant(i64),
    Local(NaiveDateTime),
}

impl TimeReader {
    /// The time in microseconds.
    ///
    /// # Errors
    /// A message that begins with the time, and what would be right.
    pub(super) fn read(&self, text: &str) -> Result<i64, Failure> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Failure::new("the time is missing")
                .remedy("leave such lines out with --skip-footer or --comment, or name another --time-column"));
        }
        let written = match &self.format {
            TimeFormat::Number(digits) => self.number(text, *digits).map(Written::Instant),
            TimeFormat::Excel => self.excel(text),
            TimeFormat::Iso => iso(text),
            TimeFormat::Ordered(order) => date_time(text, *order),
            TimeFormat::Pattern(pattern) => by_pattern(text, pattern),
            TimeFormat::Assumed => {
                if let Some(micros) = self.number(text, 3) {
                    return self.likely(text, micros).map(|()| micros);
                }
                if self.number(text, -3).is_some() {
                    return Err(self.unlikely(text, "beyond all times"));
                }
                iso(text)
            }
        };
        match written {
            Some(Written::Instant(micros)) => Ok(micros),
            Some(Written::Local(local)) => self.local(text, local),
            None => Err(self.unreadable(text)),
        }
    }

    fn local(&self, text: &str, local: NaiveDateTime) -> Result<i64, Failure> {
        let Some(zone) = self.zone else {
            let message = format!("the time '{text}' says no time zone");
            return Err(Failure::new(message)
                .remedy("name it: --timezone UTC, --timezone +01:00 or --timezone Europe/Berlin"));
        };
        zone.micros(local, self.policy).map_err(|error| {
            let what = match error {
                LocalTimeError::Ambiguous => "was twice in its time zone: the clocks were put back",
                LocalTimeError::Skipped => "never was in its time zone: the clocks were put forward",
            };
            Failure::new(format!("the time '{text}' {what}")).remedy(
                "choose with --dst-policy earlier or --dst-policy later, or name the offset that the device kept, such \
                 as --timezone +01:00",
            )
        })
    }

    /// A number of a unit as microseconds; what is finer is cut off.
    fn number(&self, text: &str, digits: i32) -> Option<i64> {
        if self.decimal == '.' {
            return decimal(text, digits);
        }
        let point = text.replace(self.decimal, ".");
        decimal(&point, digits)
    }

    fn excel(&self, text: &str) -> Option<Written> {
        let days: f64 = text.replace(self.decimal, ".").parse().ok()?;
        // A double of days is good for some microseconds; devices mean whole milliseconds.
        let millis = (days * 86_400_000.0).round();
        let micros = (millis.abs() < 1e15).then(|| EXCEL_EPOCH + millis as i64 * 1_000)?;
        DateTime::from_timestamp_micros(micros).map(|time| Written::Local(time.naive_utc()))
    }

    /// Refuses times that nobody means, where the unit of the number was assumed.
    fn likely(&self, text: &str, micros: i64) -> Result<(), Failure> {
        if self.force || micros == 0 || LIKELY.contains(&micros) {
            return Ok(());
        }
        Err(self.unlikely(text, &shown(micros)))
    }

    fn unlikely(&self, text: &str, time: &str) -> Failure {
        let fitting = UNITS.iter().find_map(|(unit, digits)| {
            let micros = self.number(text, *digits).filter(|micros| LIKELY.contains(micros))?;
            Some(format!("--time-format {unit} (then it is {})", shown(micros)))
        });
        let message = format!(
            "the time {text} would be {time} if it counts milliseconds since 1970, the unit that is assumed"
        );
        let counted = if self.number(text, 3).is_some() {
            Some("--time-format milliseconds if that is what it counts (or --force-times)")
        } else {
            fitting.is_none().then_some("--time-format nanoseconds if that is what it counts")
        };
        let ways = fitting.as_deref().into_iter().chain(counted);
        Failure::new(message).remedy(ways.collect::<Vec<_>>().join("; or "))
    }

    fn unreadable(&self, text: &str) -> Failure {
        let (message, remedy) = match &self.format {
            TimeFormat::Number(_) => (
                String::from("not a number of that unit"),
                String::from("--time-format iso for dates"),
            ),
            TimeFormat::Excel => {
                (String::from("not a number of days"), String::from("--time-format iso for dates"))
            }
            TimeFormat::Pattern(pattern) => {
                let pattern = quoted(pattern);
                (format!("not of the form {pattern}"), guess(text))
            }
            TimeFormat::Ordered(_) => {
                (String::from("not a date of that order with a time"), guess(text))
            }
            TimeFormat::Iso => {
                (String::from("not a date such as 2026-11-22T12:30:00Z"), guess(text))
            }
            TimeFormat::Assumed => (
                String::from(
                    "neither a number of milliseconds nor a date such as 2026-11-22T12:30:00Z",
                ),
                guess(text),
            ),
        };
        Failure::new(format!("the time '{text}' is {message}")).remedy(remedy)
    }
}

/// A time for a message, to the second.
fn shown(micros: i64) -> String {
    let iso = Timestamp::from_micros(micros).to_iso();
    iso.split('.').next().unwrap_or_default().replace('T', " ")
}

/// Which format the text may have.
fn guess(text: &str) -> String {
    let zone = if zoned(text) { "" } else { " --timezone ZONE" };
    if date_time(text, DateOrder::Ymd).is_some() {
        return format!("--time-format ymd{zone}");
    }
    let day = date_time(text, DateOrder::Dmy).is_some();
    let month = date_time(text, DateOrder::Mdy).is_some();
    match (day, month) {
        (true, true) => format!(
            "--time-format dmy{zone} if the day stands first, --time-format mdy{zone} if the month does"
        ),
        (true, false) => format!("--time-format dmy{zone}"),
        (false, true) => format!("--time-format mdy{zone}"),
        (false, false) => {
            format!("say how times are written: --time-format '%Y-%m-%d %H:%M:%S'{zone}")
        }
    }
}

fn zoned(text: &str) -> bool {
    [DateOrder::Ymd, DateOrder::Dmy, DateOrder::Mdy]
        .into_iter()
        .any(|order| matches!(date_time(text, order), Some(Written::Instant(_))))
}

fn iso(text: &str) -> Option<Written> {
    if let Some(time) = Timestamp::from_iso(text) {
        return Some(Written::Instant(time.micros()));
    }
    let starts_with_year = text.bytes().take_while(u8::is_ascii_digit).count() == 4;
    if starts_with_year { date_time(text, DateOrder::Ymd) } else { None }
}

fn by_pattern(text: &str, pattern: &str) -> Option<Written> {
    if let Ok(time) = DateTime::parse_from_str(text, pattern) {
        return Some(Written::Instant(time.timestamp_micros()));
    }
    if let Ok(local) = NaiveDateTime::parse_from_str(text, pattern) {
        return Some(Written::Local(local));
    }
    let date = NaiveDate::parse_from_str(text, pattern).ok()?;
    Some(Written::Local(date.and_time(NaiveTime::MIN)))
}

/// A date in that order, and a time of day that may be missing: `22.11.2026 12:30`, `11/22/26 1:30:05.250 PM`.
fn date_time(text: &str, order: DateOrder) -> Option<Written> {
    let end = text.find([' ', 'T', 't']).unwrap_or(text.len());
    let (date, rest) = text.split_at(end);
    let date = date_of(date, order)?;
    let rest = rest.trim_start_matches(['T', 't', ' ']).trim();
    if rest.is_empty() {
        return Some(Written::Local(date.and_time(NaiveTime::MIN)));
    }
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.' | ','))
        .unwrap_or(rest.len());
    let (clock, rest) = rest.split_at(end);
    let rest = rest.trim();
    let halves = rest
        .get(..2)
        .filter(|half| half.eq_ignore_ascii_case("am") || half.eq_ignore_ascii_case("pm"));
    let afternoon = halves.map(|half| half.eq_ignore_ascii_case("pm"));
    let local = date.and_time(time_of(clock, afternoon)?);
    let zone = rest[halves.map_or(0, str::len)..].trim();
    if zone.is_empty() {
        return Some(Written::Local(local));
    }
    let seconds = match zone {
        "Z" | "z" | "UTC" | "GMT" => 0,
        other => offset(
            other.strip_prefix("UTC").or_else(|| other.strip_prefix("GMT")).unwrap_or(other),
        )?,
    };
    Some(Written::Instant(local.and_utc().timestamp_micros() - seconds * 1_000_000))
}

fn date_of(text: &str, order: DateOrder) -> Option<NaiveDate> {
    let separator = text.chars().find(|c| matches!(c, '-' | '/' | '.'))?;
    let parts: Vec<&str> = text.split(separator).collect();
    let [first, second, third] = parts[..] else { return None };
    let (year, month, day) = match order {
        DateOrder::Ymd => (first, second, third),
        DateOrder::Dmy => (third, second, first),
        DateOrder::Mdy => (third, first, second),
    };
    let number = |text: &str| -> Option<u32> {
        let sound = matches!(text.len(), 1 | 2) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| sound)
    };
    let year = match year.len() {
        4 if year.bytes().all(|byte| byte.is_ascii_digit()) => year.parse().ok()?,
        // As POSIX reads two digits: 1969 to 2068.
        2 => number(year).map(|short| if short < 69 { 2000 + short } else { 1900 + short })?,
        _ => return None,
    };
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, number(month)?, number(day)?)
}

fn time_of(text: &str, afternoon: Option<bool>) -> Option<NaiveTime> {
    let mut parts = text.split(':');
    let number = |text: &str| -> Option<u32> {
        let sound = matches!(text.len(), 1 | 2) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| sound)
    };
    let hour = number(parts.next()?)?;
    let minute = number(parts.next()?)?;
    let (second, micros) = match parts.next() {
        None => (0, 0),
        Some(text) => match text.split_once(['.', ',']) {
            None => (number(text)?, 0),
            Some((second, fraction)) => {
                let sound =
                    !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
                let kept: String = fraction.chars().chain("000000".chars()).take(6).collect();
                (number(second)?, kept.parse().ok().filter(|_| sound)?)
            }
        },
    };
    let hour = match afternoon {
        None => hour,
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(afternoon) => hour % 12 + if afternoon { 12 } else { 0 },
    };
    if parts.next().is_some() {
        return None;
    }
    NaiveTime::from_hms_micro_opt(hour, minute, second, micros)
}

/// A decimal number times 10^`digits`, exactly; what is finer than 1 is cut off.
fn decimal(text: &str, digits: i32) -> Option<i64> {
    let (sign, number) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let has_fraction = number.contains('.');
    if whole.is_empty()
        || !all_digits(whole)
        || !all_digits(fraction)
        || digits <= 0 && has_fraction
    {
        return None;
    }
    let mut result = whole.parse::<i128>().ok()?;
    for place in 0..digits {
        let digit =
            fraction.as_bytes().get(place as usize).map_or(0, |byte| i128::from(byte - b'0'));
        result = result.checked_mul(10)?.checked_add(digit)?;
    }
    if digits < 0 {
        return i64::try_from((sign * result).div_euclid(10_i128.pow(digits.unsigned_abs()))).ok();
    }
    i64::try_from(sign * result).ok()
}

#[cfg(test)]
mod tests;
