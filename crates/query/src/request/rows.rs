//! Which rows are to be deleted: by time, by device, and by conditions, all of which must hold.

use iobeam_model::Timestamp;
use serde::Deserialize;

use super::condition::Condition;
use super::time_range::TimeRange;
use crate::error::QueryError;

/// Which rows, as a JSON body says it. Every member may be left out, but not all of them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowsGiven {
    /// From this time on: milliseconds since 1970, or `now()` with offsets.
    #[serde(default)]
    pub from: Option<serde_json::Value>,
    /// Up to and including this time.
    #[serde(default)]
    pub to: Option<serde_json::Value>,
    /// Rows of these devices, or other values of the partitioning field.
    #[serde(default)]
    pub devices: Option<Vec<String>>,
    /// Conditions on fields, as `where` of the data door has them: `lt(temperature,-40)`.
    #[serde(default, rename = "where")]
    pub conditions: Option<Vec<String>>,
    /// Whether rows are counted only.
    #[serde(default)]
    pub dry_run: bool,
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
        let range = TimeRange::of_sides(self.from.as_ref(), self.to.as_ref(), now)?;
        let texts = self.conditions.iter().flatten().map(String::as_str);
        let conditions = Condition::parse_all(texts)?;
        let devices = self.devices.clone();
        if range == TimeRange::default() && devices.is_none() && conditions.is_empty() {
            let reason = "no row is named: give 'from', 'to', 'devices' or 'where'; to delete all rows, truncate the namespace";
            return Err(QueryError::parameter("from", reason));
        }
        Ok(RowSelection { range, devices, conditions })
    }
}
