//! When: the time of a row, the units it is written in, and the clock that tells "now".
//!
//! ```text
//! wire: 1427316488 sec │ 1427316488000 msec │ {"sec":..,"usec":..} timeval ─▶ Timestamp: i64 µs since 1970 UTC
//! ```
//!
//! Any `i64` of microseconds is a legal time: a clock that is wrong is the device's.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A moment: microseconds since 1970-01-01 00:00 UTC.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment that many microseconds after 1970-01-01 00:00 UTC.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970-01-01 00:00 UTC.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole milliseconds since 1970, rounded down.
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Whole seconds since 1970, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This moment and a while, or the last moment there is.
    #[must_use]
    pub fn plus(self, while_: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(while_.as_micros()).unwrap_or(i64::MAX)))
    }

    /// This moment less a while, or the first moment there is.
    #[must_use]
    pub fn minus(self, while_: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(while_.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl Timestamp {
    /// The time as ISO 8601 in UTC with microseconds: `2026-01-01T00:00:00.000001Z`.
    pub fn to_iso(self) -> String {
        crate::iso::write(self.0)
    }

    /// Reads an ISO 8601 time with its zone; `None` when the text is none, or lies beyond all times.
    pub fn from_iso(text: &str) -> Option<Self> {
        crate::iso::read(text).map(Self)
    }
}

/// How a time is written in a request or a reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TimeFormat {
    /// Whole seconds.
    Sec,
    /// Whole milliseconds: the default everywhere.
    #[default]
    Msec,
    /// Whole microseconds.
    Usec,
    /// Seconds and microseconds apart: `{"sec":1,"usec":2}`.
    Timeval,
    /// Text: ISO 8601 in UTC with microseconds, such as `2026-01-01T00:00:00.000001Z`.
    Iso,
}

/// The text is not one of `sec`, `msec`, `usec`, `timeval`, `iso`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown time format '{0}'; use sec, msec, usec, timeval or iso")]
pub struct UnknownTimeFormat(pub String);

impl TimeFormat {
    /// Reads a whole number of this unit; `None` when the moment lies beyond the range of [`Timestamp`].
    /// For [`TimeFormat::Timeval`] the number is its seconds, for [`TimeFormat::Iso`] microseconds.
    pub fn to_timestamp(self, number: i64) -> Option<Timestamp> {
        number.checked_mul(self.micros_per_unit()).map(Timestamp)
    }

    /// Writes a time as a whole number of this unit, rounded down.
    pub fn from_timestamp(self, time: Timestamp) -> i64 {
        time.0.div_euclid(self.micros_per_unit())
    }

    /// How many microseconds one unit has.
    pub const fn micros_per_unit(self) -> i64 {
        match self {
            Self::Sec | Self::Timeval => 1_000_000,
            Self::Msec => 1_000,
            Self::Usec | Self::Iso => 1,
        }
    }

    /// The lower-case name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sec => "sec",
            Self::Msec => "msec",
            Self::Usec => "usec",
            Self::Timeval => "timeval",
            Self::Iso => "iso",
        }
    }
}

impl FromStr for TimeFormat {
    type Err = UnknownTimeFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Sec, Self::Msec, Self::Usec, Self::Timeval, Self::Iso]
            .into_iter()
            .find(|format| format.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownTimeFormat(text.to_owned()))
    }
}

/// Tells the time. A component given by code, so that tests can turn it.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The wall clock's time. It may jump.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment of this process's life. It never goes backwards.
    fn monotonic(&self) -> Duration;
}

/// The machine's own clock: the only place of the project that reads it.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts now.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everything else is given"
    )]
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everything else is given"
    )]
    fn now(&self) -> Timestamp {
        let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
            Err(before) => {
                i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros)
            }
        };
        Timestamp(micros)
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_read_in_any_letter_case() {
        assert_eq!("TIMEVAL".parse::<TimeFormat>().expect("upper case"), TimeFormat::Timeval);
        assert_eq!("Usec".parse::<TimeFormat>().expect("mixed case"), TimeFormat::Usec);
        assert!("minutes".parse::<TimeFormat>().is_err());
    }

    #[test]
    fn a_time_before_1970_rounds_down() {
        assert_eq!(TimeFormat::Msec.from_timestamp(Timestamp(-1)), -1);
        assert_eq!(Timestamp(-1_000_001).seconds(), -2);
    }

    #[test]
    fn a_time_beyond_the_range_is_noticed() {
        assert_eq!(TimeFormat::Sec.to_timestamp(i64::MAX), None);
        assert_eq!(TimeFormat::Usec.to_timestamp(i64::MAX), Some(Timestamp(i64::MAX)));
    }
}
