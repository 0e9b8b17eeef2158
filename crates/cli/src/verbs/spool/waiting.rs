//! What waits in a spool, as the client that opens it knows it.

use std::fmt;
use std::path::Path;

use anyhow::Result;
use iobeam::{Client, Clock, SystemClock, Timestamp};
use serde_json::{Value, json};

use super::{counted, told};
use crate::output::Grid;

/// A token that no server would take: the client wants one, and this one sends nothing.
const NO_TOKEN: &str = "e30.eyJleHAiOjQwMDAwMDAwMDAsInBpZCI6MX0.c2ln";

/// What waits.
pub(super) enum Waiting {
    /// So much, in these batches.
    Known(Box<iobeam::Status>, Vec<iobeam::Waiting>),
    /// The device's program runs and has the spool.
    InUse,
}

/// Whether a client ever had its spool in that folder.
pub(super) fn is_spool(dir: &Path) -> bool {
    dir.join("lock").exists()
}

impl Waiting {
    /// Opens the spool as the device's program does, but without a device, so that nothing is sent.
    pub(super) fn of_spool(dir: &Path) -> Result<Self> {
        if !is_spool(dir) {
            return Ok(Self::Known(Box::default(), Vec::new()));
        }
        match Client::builder(1, NO_TOKEN).backend("http://127.0.0.1:9").spool(dir).build() {
            Ok(client) => {
                let batches = client.waiting().map_err(told)?;
                Ok(Self::Known(Box::new(client.status()), batches))
            }
            Err(error) if error.is_locked() => Ok(Self::InUse),
            Err(error) => Err(told(error)),
        }
    }

    /// The batches that wait, the oldest first, as a table of at most so many; and how many more there are.
    pub(super) fn table(&self, most: usize) -> Option<(Grid, usize)> {
        let Self::Known(_, batches) = self else { return None };
        if batches.is_empty() {
            return None;
        }
        let mut grid = Grid::new(["name", "namespace", "rows", "bytes", "age"]).right([2, 3, 4]);
        let now = SystemClock::new().now();
        for batch in batches.iter().take(most) {
            grid.row(vec![
                batch.name.clone(),
                batch.namespace.clone(),
                batch.rows.to_string(),
                batch.bytes.to_string(),
                age_at(now, batch.at),
            ]);
        }
        Some((grid, batches.len().saturating_sub(most)))
    }

    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::InUse => json!({"in_use": true}),
            Self::Known(status, batches) => json!({
                "in_use": false,
                "list": batches.iter().map(|batch| json!({
                    "name": batch.name,
                    "namespace": batch.namespace,
                    "rows": batch.rows,
                    "bytes": batch.bytes,
                    "at": batch.at,
                })).collect::<Vec<_>>(),
                "batches": status.waiting_batches,
                "rows": status.waiting_rows,
                "bytes": status.waiting_bytes,
                "oldest_seconds": status.oldest.map(|oldest| oldest.as_secs()),
                "rows_in_no_batch": status.collected_rows,
                "damage": status.spool_damage,
            }),
        }
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = match self {
            Self::InUse => {
                return f.write_str("waiting: not known here, as the device's program is running and has the spool; its own status tells");
            }
            Self::Known(status, _) => status,
        };
        if status.waiting_batches == 0 && status.collected_rows == 0 {
            f.write_str("waiting: nothing")?;
        } else {
            let batches = counted(status.waiting_batches, "batch", "batches");
            let rows = counted(status.waiting_rows, "row", "rows");
            write!(f, "waiting: {batches}, {rows}, {} bytes", status.waiting_bytes)?;
        }
        if let Some(oldest) = status.oldest {
            write!(f, ", the oldest for {}", age(oldest.as_secs()))?;
        }
        if status.collected_rows > 0 {
            write!(f, "; {} in no batch yet", counted(status.collected_rows, "row", "rows"))?;
        }
        for damage in &status.spool_damage {
            write!(f, "\ndamage: {damage}")?;
        }
        Ok(())
    }
}

/// How long ago something was, in one unit.
pub(super) fn age_at(now: Timestamp, at: Timestamp) -> String {
    age(u64::try_from(now.seconds() - at.seconds()).unwrap_or(0))
}

fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_one_unit() {
        assert_eq!(
            [0, 59, 60, 3599, 3600, 86_399].map(age),
            ["0 s", "59 s", "1 min", "59 min", "1 h", "23 h"]
        );
        assert_eq!(age(8 * 86_400 + 1), "8 d");
    }
}
