//! Spans of time as the parameters write them: `30s`, `5m`, `time(1h)`.

use super::params::quoted;
use crate::error::QueryError;

/// The width of a time bucket in microseconds, more than 0. Buckets are aligned to 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket(i64);

impl Bucket {
    /// A bucket of so many microseconds; `None` unless there is at least one.
    pub const fn from_micros(micros: i64) -> Option<Self> {
        if micros > 0 { Some(Self(micros)) } else { None }
    }

    /// Its width in microseconds.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The start of the bucket that a moment lies in; the first moment there is when the start lies before it.
    pub const fn start(self, micros: i64) -> i64 {
        micros.saturating_sub(micros.rem_euclid(self.0))
    }

    /// Reads `5m` or `time(5m)`; `None` when the text has neither form.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let inner = match text.get(..4) {
            Some(word) if word.eq_ignore_ascii_case("time") => {
                text[4..].trim_start().strip_prefix('(')?.trim_end().strip_suffix(')')?
            }
            _ => text,
        };
        micros(inner.trim()).and_then(Self::from_micros)
    }

    /// Whether the text is meant as `time(...)`, right or wrong.
    pub(super) fn is_meant(text: &str) -> bool {
        let word = text.trim().split('(').next().unwrap_or_default();
        text.contains('(') && word.trim_end().eq_ignore_ascii_case("time")
    }

    pub(super) fn refusal(parameter: &'static str, text: &str) -> QueryError {
        let reason = format!(
            "{} is no span of time; write a whole number from 1 on and ms, s, m, h, d, w or y, as in time(5m)",
            quoted(text)
        );
        QueryError::parameter(parameter, reason)
    }
}

/// Reads a whole number and a unit as microseconds; `None` when it is something else or too long a time.
pub(super) fn micros(text: &str) -> Option<i64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    number.parse::<i64>().ok()?.checked_mul(unit_micros(unit.trim_start())?)
}

/// How many microseconds a unit has. A year has 365 days.
fn unit_micros(unit: &str) -> Option<i64> {
    const SECOND: i64 = 1_000_000;
    const DAY: i64 = 86_400 * SECOND;
    Some(match unit {
        "us" => 1,
        "ms" => 1_000,
        "s" => SECOND,
        "m" => 60 * SECOND,
        "h" => 3_600 * SECOND,
        "d" => DAY,
        "w" => 7 * DAY,
        "y" => 365 * DAY,
        _ => return None,
    })
}
