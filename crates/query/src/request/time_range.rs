//! From when to when: `time=from,to` of the data door, `from` and `to` of the exports door. A side that is left out is
//! open, on every endpoint: rows from a device whose clock is ahead are there as well.
//!
//! A side that is written in milliseconds means the whole millisecond, so that the time of a row, as a reply wrote
//! it, finds the row again.

use iobeam_model::{TimeFormat, Timestamp};

use super::duration;
use super::params::quoted;
use crate::error::QueryError;

/// A span of time, both ends in it; a side that is `None` is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// The first moment in it.
    pub from: Option<Timestamp>,
    /// The last moment in it.
    pub to: Option<Timestamp>,
}

const PARAMETER: &str = "time";

impl TimeRange {
    /// Reads `from,to`: each side milliseconds or `now()` with offsets; the right side may be missing, the left empty; then it is open.
    pub(super) fn parse(text: &str, now: Timestamp) -> Result<Self, QueryError> {
        let (left, right) = match text.split_once(',') {
            Some((left, right)) => (left.trim(), right.trim()),
            None => (text.trim(), ""),
        };
        let from = if left.is_empty() { None } else { Some(moment(left, now)?.0) };
        let to = if right.is_empty() { None } else { Some(moment(right, now)?.1) };
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            let reason =
                format!("{} ends before it begins; write the earlier time first", quoted(text));
            return Err(QueryError::parameter(PARAMETER, reason));
        }
        Ok(Self { from, to })
    }

    /// Reads the two sides apart, in milliseconds.
    pub(super) fn from_millis(from: Option<&str>, to: Option<&str>) -> Result<Self, QueryError> {
        let side = |name: &'static str, text: Option<&str>| {
            text.map(|text| {
                millis(text).ok_or_else(|| {
                    let reason =
                        format!("{} is no time; write whole milliseconds since 1970", quoted(text));
                    QueryError::parameter(name, reason)
                })
            })
            .transpose()
        };
        let from = side("from", from)?.map(|(first, _)| first);
        let to = side("to", to)?.map(|(_, last)| last);
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            return Err(QueryError::parameter("from", "it lies after 'to'; swap the two"));
        }
        Ok(Self { from, to })
    }

    /// The two sides as a JSON body has them: milliseconds, or text such as `now()-2h`.
    pub(super) fn of_sides(
        from: Option<&serde_json::Value>,
        to: Option<&serde_json::Value>,
        now: Timestamp,
    ) -> Result<Self, QueryError> {
        let side = |name: &'static str, given: Option<&serde_json::Value>| {
            let text = match given {
                None | Some(serde_json::Value::Null) => return Ok(None),
                Some(serde_json::Value::String(text)) => text.trim().to_owned(),
                Some(other) => other.to_string(),
            };
            moment(&text, now).map(Some).map_err(|_| {
                let reason = format!(
                    "{} is no time; write whole milliseconds since 1970, or now() with an offset such as now()-2h",
                    quoted(&text)
                );
                QueryError::parameter(name, reason)
            })
        };
        let from = side("from", from)?.map(|(first, _)| first);
        let to = side("to", to)?.map(|(_, last)| last);
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            return Err(QueryError::parameter("from", "it lies after 'to'; swap the two"));
        }
        Ok(Self { from, to })
    }

    /// The two sides as numbers of milliseconds.
    pub(crate) fn of_millis(from: Option<i64>, to: Option<i64>) -> Result<Self, QueryError> {
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            return Err(QueryError::parameter("from", "it lies after 'to'; swap the two"));
        }
        Ok(Self { from: from.map(|it| whole(it).0), to: to.map(|it| whole(it).1) })
    }

    /// Whether a moment is in it.
    pub fn contains(&self, time: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= time) && self.to.is_none_or(|to| time <= to)
    }
}

/// The first and the last moment that the text means.
fn moment(text: &str, now: Timestamp) -> Result<(Timestamp, Timestamp), QueryError> {
    let read = match text.get(..3) {
        Some(word) if word.eq_ignore_ascii_case("now") => {
            relative(&text[3..], now).map(|time| (time, time))
        }
        _ => millis(text),
    };
    read.ok_or_else(|| {
        let reason = format!(
            "{} is no time; write whole milliseconds since 1970, or now() with an offset such as now()-2h ('+' is %2B in a URL)",
            quoted(text)
        );
        QueryError::parameter(PARAMETER, reason)
    })
}

/// A whole millisecond: its first and its last microsecond. What lies beyond the range of times is its end.
fn millis(text: &str) -> Option<(Timestamp, Timestamp)> {
    text.parse::<i64>().ok().map(whole)
}

fn whole(number: i64) -> (Timestamp, Timestamp) {
    let first = TimeFormat::Msec
        .to_timestamp(number)
        .map_or(if number < 0 { i64::MIN } else { i64::MAX }, Timestamp::micros);
    (Timestamp::from_micros(first), Timestamp::from_micros(first.saturating_add(999)))
}

/// What follows `now`: `()` and any number of `-2h` or `+1d`.
fn relative(text: &str, now: Timestamp) -> Option<Timestamp> {
    let mut rest = text.trim_start().strip_prefix('(')?.trim_start().strip_prefix(')')?.trim();
    let mut micros = now.micros();
    while !rest.is_empty() {
        let later = rest.starts_with('+');
        let offset = rest.strip_prefix(['-', '+'])?.trim_start();
        let end = offset.find(['-', '+']).unwrap_or(offset.len());
        let span = duration::micros(offset[..end].trim())?;
        micros = if later { micros.saturating_add(span) } else { micros.saturating_sub(span) };
        rest = &offset[end..];
    }
    Some(Timestamp::from_micros(micros))
}
