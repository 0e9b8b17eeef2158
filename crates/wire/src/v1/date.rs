//! How moments are written in replies: always UTC, never with fractions, in the spelling that each client can read.
//!
//! ```text
//! expires              2016-08-28 17:25:31 +0000     the older spelling: one client knows no other
//! created, last_…      2016-07-29T08:19:47Z          ISO 8601
//! ```
//!
//! Both are read everywhere. A moment beyond the years that a calendar holds is written as the nearest that it holds.

use chrono::{DateTime, NaiveDateTime, Utc};
use iobeam_model::Timestamp;

/// Writes a moment as `expires` is written: `2016-08-28 17:25:31 +0000`.
pub fn format_expires(time: Timestamp) -> String {
    calendar(time).format("%Y-%m-%d %H:%M:%S +0000").to_string()
}

/// Writes a moment as `created` is written: `2016-07-29T08:19:47Z`.
pub fn format_created(time: Timestamp) -> String {
    calendar(time).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Reads either spelling, with any offset from UTC, with or without fractions.
pub fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let time = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f %z"))
        .map(|time| time.with_timezone(&Utc))
        .or_else(|_| {
            NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").map(|time| time.and_utc())
        });
    time.ok().map(|time| Timestamp::from_micros(time.timestamp_micros()))
}

fn calendar(time: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp(time.seconds(), 0).unwrap_or(if time.micros() < 0 {
        DateTime::<Utc>::MIN_UTC
    } else {
        DateTime::<Utc>::MAX_UTC
    })
}

/// For `#[serde(with)]`: the spelling of `expires`.
pub mod expires {
    use iobeam_model::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes it.
    ///
    /// # Errors
    /// When the serializer fails.
    pub fn serialize<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::format_expires(*time))
    }

    /// Reads either spelling.
    ///
    /// # Errors
    /// When it is not a date.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(from)?;
        super::parse(&text).ok_or_else(|| serde::de::Error::custom(super::refusal(&text)))
    }
}

/// For `#[serde(with)]`: the spelling of `created`.
pub mod created {
    use iobeam_model::Timestamp;
    use serde::{Deserializer, Serializer};

    /// Writes it.
    ///
    /// # Errors
    /// When the serializer fails.
    pub fn serialize<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::format_created(*time))
    }

    /// Reads either spelling.
    ///
    /// # Errors
    /// When it is not a date.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        super::expires::deserialize(from)
    }
}

/// For `#[serde(with)]`: the spelling of `created`, or null.
pub mod created_option {
    use iobeam_model::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes it.
    ///
    /// # Errors
    /// When the serializer fails.
    pub fn serialize<S: Serializer>(time: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => to.serialize_str(&super::format_created(*time)),
            None => to.serialize_none(),
        }
    }

    /// Reads either spelling.
    ///
    /// # Errors
    /// When it is neither null nor a date.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
        let Some(text) = Option::<String>::deserialize(from)? else {
            return Ok(None);
        };
        let time = super::parse(&text);
        time.ok_or_else(|| serde::de::Error::custom(super::refusal(&text))).map(Some)
    }
}

fn refusal(text: &str) -> String {
    format!("{text:?} is not a date; write it as 2016-07-29T08:19:47Z")
}
