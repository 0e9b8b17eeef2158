//! Spans of time as the parameters write them: `30s`, `5m`, `time(1h)`.

use super::params::quoted;
use crate::error::QueryError;

/// The width of a time bucket, more than 0: microseconds, or months of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// So many microseconds.
    Micros(i64),
    /// So many months; twelve are a year.
    Months(i64),
}

impl Bucket {
    /// Reads `5m` or `time(5m)`; `None` when the text has neither form.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let inner = match text.get(..4) {
            Some(word) if word.eq_ignore_ascii_case("time") => {
                text[4..].trim_start().strip_prefix('(')?.trim_end().strip_suffix(')')?
            }
            _ => text,
        };
        let (number, unit) = parts(inner.trim())?;
        let bucket = match unit {
            "mo" => Self::Months(number),
            "y" => Self::Months(number.checked_mul(12)?),
            unit => Self::Micros(number.checked_mul(unit_micros(unit)?)?),
        };
        // More months than there are in all time are no width.
        (number > 0 && !matches!(bucket, Self::Months(12_000_001..))).then_some(bucket)
    }

    /// Whether the text is meant as `time(...)`, right or wrong.
    pub(super) fn is_meant(text: &str) -> bool {
        let word = text.trim().split('(').next().unwrap_or_default();
        text.contains('(') && word.trim_end().eq_ignore_ascii_case("time")
    }

    pub(super) fn refusal(parameter: &'static str, text: &str) -> QueryError {
        let reason = format!(
            "{} is no width of a bucket; write a whole number from 1 on and ms, s, m, h, d, w, mo or y, as in time(5m)",
            quoted(text)
        );
        QueryError::parameter(parameter, reason)
    }
}

/// Reads a whole number and a unit as microseconds; `None` when it is something else or too long a time. A year counts
/// 365 days here, and a month 30: buckets are those of the calendar.
pub(super) fn micros(text: &str) -> Option<i64> {
    let (number, unit) = parts(text)?;
    let unit = match unit {
        "mo" => 30 * DAY,
        "y" => 365 * DAY,
        unit => unit_micros(unit)?,
    };
    number.checked_mul(unit)
}

fn parts(text: &str) -> Option<(i64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit.trim_start()))
}

const DAY: i64 = 86_400_000_000;

/// How many microseconds a unit of fixed length has.
fn unit_micros(unit: &str) -> Option<i64> {
    const SECOND: i64 = 1_000_000;
    Some(match unit {
        "us" => 1,
        "ms" => 1_000,
        "s" => SECOND,
        "m" => 60 * SECOND,
        "h" => 3_600 * SECOND,
        "d" => DAY,
        "w" => 7 * DAY,
        _ => return None,
    })
}
