//! Which rows are to be deleted: by time, by device, and by conditions, all of which must hold.
//!
//! What is given is kept with the correction and in the audit log, so it has limits; what is beyond them is not kept while
//! the body is read either.

use std::fmt;

use iobeam_model::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::condition::Condition;
use super::time_range::TimeRange;
use crate::error::QueryError;

/// Names of devices in one request.
const MAX_DEVICES: usize = 10_000;
/// Bytes of all names and conditions of one request.
const MAX_BYTES: usize = 1 << 20;

/// Which rows, as a JSON body says it. Every member may be left out, but not all of them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowsGiven {
    /// From this time on: milliseconds since 1970, or `now()` with offsets.
    #[serde(default)]
    pub from: Option<Side>,
    /// Up to and including this time.
    #[serde(default)]
    pub to: Option<Side>,
    /// Rows of these devices, or other values of the partitioning field.
    #[serde(default)]
    devices: Option<Strings>,
    /// Conditions on fields, as `where` of the data door has them: `lt(temperature,-40)`.
    #[serde(default, rename = "where")]
    conditions: Option<Strings>,
    /// Whether rows are counted only.
    #[serde(default)]
    pub dry_run: bool,
}

/// A side of a span of time, before it is read. Lists and objects are none, and come as an empty one.
#[derive(Clone, Debug, PartialEq)]
pub struct Side(pub serde_json::Value);

/// The strings of a list, as far as the limits go, and how many there are of how many bytes.
#[derive(Clone, Debug, Default)]
struct Strings {
    within: Vec<String>,
    count: usize,
    bytes: usize,
}

/// Which rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowSelection {
    /// When; an open side means all rows on that side.
    pub range: TimeRange,
    /// Values of the partitioning field; `None`: all.
    pub devices: Option<Vec<String>>,
    /// What must hold of the fields, all of it.
    pub conditions: Vec<Condition>,
}

impl RowsGiven {
    /// Reads the members.
    ///
    /// # Errors
    /// [`QueryError::Parameter`], which names the member and the way out.
    pub fn selection(&self, now: Timestamp) -> Result<RowSelection, QueryError> {
        let [from, to] = [&self.from, &self.to].map(|side| side.as_ref().map(|side| &side.0));
        let range = TimeRange::of_sides(from, to, now)?;
        self.within_limits()?;
        let strings = |strings: &Option<Strings>| strings.as_ref().map(|it| it.within.clone());
        let conditions = strings(&self.conditions).unwrap_or_default();
        let conditions = Condition::parse_all(conditions.iter().map(String::as_str))?;
        let devices = strings(&self.devices);
        if range == TimeRange::default() && devices.is_none() && conditions.is_empty() {
            let reason = "no row is named: give 'from', 'to', 'devices' or 'where'; to delete all rows, truncate the namespace";
            return Err(QueryError::parameter("from", reason));
        }
        Ok(RowSelection { range, devices, conditions })
    }

    fn within_limits(&self) -> Result<(), QueryError> {
        let none = Strings::default();
        let devices = self.devices.as_ref().unwrap_or(&none);
        let conditions = self.conditions.as_ref().unwrap_or(&none);
        if devices.count > MAX_DEVICES {
            let reason = format!(
                "{} devices, and at most {MAX_DEVICES} may be named at once; send several requests",
                devices.count
            );
            return Err(QueryError::parameter("devices", reason));
        }
        // Before their bytes are counted: each is at least six.
        Condition::within_limit(conditions.count)?;
        let bytes = devices.bytes + conditions.bytes;
        if bytes > MAX_BYTES {
            let parameter =
                if devices.bytes >= conditions.bytes { "devices" } else { Condition::PARAMETER };
            let reason = format!(
                "the devices and conditions have {bytes} bytes together, and at most {MAX_BYTES} are allowed; name fewer in each of several requests, or say by 'from' and 'to' which rows are meant"
            );
            return Err(QueryError::parameter(parameter, reason));
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Strings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(StringsVisitor)
    }
}

struct StringsVisitor;

impl<'de> Visitor<'de> for StringsVisitor {
    type Value = Strings;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of strings")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Strings, A::Error> {
        let mut strings = Strings::default();
        while strings.count <= MAX_DEVICES && strings.bytes <= MAX_BYTES {
            let Some(string) = list.next_element::<String>()? else { return Ok(strings) };
            strings.count += 1;
            strings.bytes += string.len();
            strings.within.push(string);
        }
        while list.next_element::<IgnoredAny>()?.is_some() {
            strings.count += 1;
        }
        Ok(strings)
    }
}

impl<'de> Deserialize<'de> for Side {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SideVisitor).map(Self)
    }
}

struct SideVisitor;

impl<'de> Visitor<'de> for SideVisitor {
    type Value = serde_json::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a time")
    }

    fn visit_bool<E: Error>(self, boolean: bool) -> Result<Self::Value, E> {
        Ok(boolean.into())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(number.into())
    }

    fn visit_str<E: Error>(self, string: &str) -> Result<Self::Value, E> {
        Ok(string.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(serde_json::Value::Array(Vec::new()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(serde_json::Value::Object(serde_json::Map::new()))
    }
}
