//! How long a namespace's rows are kept.
//!
//! ```text
//! "30d" · "36h" · "P30D" · 2592000 ─▶ For(2592000 s)       "none" ─▶ Forever       "default" ─▶ Default
//! ```
//!
//! It is written back in the largest unit that divides it: `30d`, `36h`, `90s`.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

use crate::Timestamp;

/// How long a namespace's rows are kept, by the rows' own times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Retention {
    /// As the server's setting says.
    #[default]
    Default,
    /// For ever.
    Forever,
    /// So many seconds.
    For(NonZeroU64),
}

/// A text that is no retention.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is no retention; use a number with s, m, h, d, w or y such as 30d, seconds, an ISO 8601 duration such as P30D, none to keep for ever, or default"
)]
pub struct RetentionError(String);

/// What one letter stands for, in seconds; the first that divides a time is how it is written.
const UNITS: [(char, u64); 5] = [('w', 604_800), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Years have no length of their own; they are read as so many days.
const YEAR: u64 = 365 * 86_400;

/// Longer is for ever, and there are clocks and files that cannot tell such times.
const LONGEST: u64 = 1000 * YEAR;

impl Retention {
    /// So many seconds; `None` for 0 and for more than a thousand years.
    pub const fn seconds(seconds: u64) -> Option<Self> {
        match NonZeroU64::new(seconds) {
            Some(some) if seconds <= LONGEST => Some(Self::For(some)),
            _ => None,
        }
    }

    /// The first time that is kept at a moment; `None` when all are. `default` stands in for [`Retention::Default`].
    pub fn keep_from(self, now: Timestamp, default: Self) -> Option<Timestamp> {
        match self.or(default) {
            Self::For(seconds) => Some(now.minus(Duration::from_secs(seconds.get()))),
            _ => None,
        }
    }

    /// What it comes to where the server's setting is `default`.
    #[must_use]
    pub const fn or(self, default: Self) -> Self {
        match (self, default) {
            (Self::Default, Self::Default) => Self::Forever,
            (Self::Default, other) => other,
            (own, _) => own,
        }
    }
}

impl FromStr for Retention {
    type Err = RetentionError;

    fn from_str(text: &str) -> Result<Self, RetentionError> {
        let bare = text.trim().to_ascii_lowercase();
        let read = match bare.as_str() {
            "none" | "forever" => Some(Self::Forever),
            "default" => Some(Self::Default),
            _ => match bare.strip_prefix('p') {
                Some(iso) => iso_seconds(iso),
                None => plain_seconds(&bare),
            }
            .and_then(Self::seconds),
        };
        read.ok_or_else(|| RetentionError(text.chars().take(40).collect()))
    }
}

/// `30d`, or seconds.
fn plain_seconds(text: &str) -> Option<u64> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..end].parse().ok()?;
    let factor = match text[end..].trim() {
        "" => 1,
        "y" => YEAR,
        unit => UNITS.iter().find(|(name, _)| unit.len() == 1 && unit.starts_with(*name))?.1,
    };
    number.checked_mul(factor)
}

/// What follows the `P` of an ISO 8601 duration. Months have no length, and are refused.
fn iso_seconds(text: &str) -> Option<u64> {
    let (days, time) = text.split_once('t').map_or((text, None), |(days, time)| (days, Some(time)));
    let mut total: u64 = 0;
    for (part, units) in [(days, "ywd"), (time.unwrap_or(""), "hms")] {
        let mut rest = part;
        while let Some(end) = rest.find(|letter: char| !letter.is_ascii_digit()) {
            let unit = rest[end..].chars().next().filter(|unit| units.contains(*unit))?;
            total = total.checked_add(plain_seconds(&rest[..=end])?)?;
            rest = &rest[end + unit.len_utf8()..];
        }
        if !rest.is_empty() {
            return None;
        }
    }
    (time != Some("")).then_some(total)
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Forever => f.write_str("none"),
            Self::For(seconds) => {
                // Weeks are for reading only: 30d says more than 4w 2d, and 28d as much as 4w.
                let whole = |unit: &&(char, u64)| seconds.get() % unit.1 == 0;
                let (name, factor) = UNITS[1..].iter().find(whole).unwrap_or(&UNITS[4]);
                write!(f, "{}{name}", seconds.get() / factor)
            }
        }
    }
}

impl serde::Serialize for Retention {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Retention {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<String> {
        text.parse::<Retention>().ok().map(|retention| retention.to_string())
    }

    #[test]
    fn a_time_is_read_in_each_spelling_and_written_in_one() {
        for (text, written) in [
            ("30d", "30d"),
            (" 30 D ", "30d"),
            ("2w", "14d"),
            ("1y", "365d"),
            ("36h", "36h"),
            ("90", "90s"),
            ("3600", "1h"),
            ("P30D", "30d"),
            ("P1DT12H", "36h"),
            ("pt90m", "90m"),
            ("none", "none"),
            ("Forever", "none"),
            ("default", "default"),
        ] {
            assert_eq!(read(text).as_deref(), Some(written), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused_and_shown() {
        for text in [
            "", "0", "0d", "-1d", "1.5d", "30 days", "P", "PT", "P1M", "P1DT", "P5", "1001y",
            "30dd",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        let refusal = "1 month".parse::<Retention>().expect_err("it is none");
        assert!(refusal.to_string().starts_with("'1 month' is no retention; use"), "{refusal}");
    }

    #[test]
    fn a_deadline_lies_so_far_back_and_there_is_none_for_what_is_kept() {
        let now = Timestamp::from_micros(100_000_000);
        let day = "60s".parse().expect("a retention");
        let from = |own: Retention, default| own.keep_from(now, default).map(Timestamp::micros);
        assert_eq!(from(day, Retention::Forever), Some(40_000_000));
        assert_eq!(from(Retention::Default, day), Some(40_000_000));
        assert_eq!(from(Retention::Forever, day), None);
        assert_eq!(from(Retention::Default, Retention::Default), None);
    }

    proptest! {
        #[test]
        fn a_retention_survives_its_text(seconds in 1u64..LONGEST) {
            let retention = Retention::seconds(seconds).expect("within the limits");
            prop_assert_eq!(retention.to_string().parse::<Retention>(), Ok(retention));
        }
    }
}
