//! The corrections that were ordered, from the order to the end, and the values that did not convert.
//!
//! ```text
//! corrections/<number>.json         what was ordered, by whom, how far it is, and a checksum; written whole, synced
//!             <number>.quarantine   the values that do not convert
//! ```
//!
//! - An order counts once its file is there: what is not done goes on at the next start.
//! - That a correction was made is in the table's own log, under its number, in the commit that made it: so it is
//!   made once, whenever the process ends.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use iobeam_journal::disk::Disk;
use iobeam_model::{NamespaceName, ProjectId, Timestamp};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::edit::Edit;
use crate::error::StoreError;
use crate::lake::delta::TableKey;
use crate::lake::files::{put_synced, read_range};
use crate::quarantine::{self, Quarantine, QuarantinedValue};

/// Corrections of one namespace that are remembered; beyond it the oldest without quarantined values go.
const MAX_REMEMBERED: usize = 200;
/// What stands before the checksum of an order.
const SUM: &str = "crc32c:";

/// How far a correction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CorrectionState {
    /// Files are being rewritten; queries still see everything as it was.
    Running,
    /// The files are rewritten, and who knows the fields has to be told; see [`crate::Store::switch_correction`].
    Ready,
    /// It is made: every query sees it.
    Done,
    /// It cannot be made, and nothing was changed.
    Failed,
}

/// A correction that was ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// Unique in the store.
    pub number: u64,
    /// Whose rows.
    pub project: ProjectId,
    /// Which rows.
    pub namespace: NamespaceName,
    /// What is to be changed.
    pub edit: Edit,
    /// Who ordered it, as the caller of the store named them.
    pub by: String,
    /// When it was ordered.
    pub ordered: Timestamp,
    /// When it was made, or found impossible.
    pub ended: Option<Timestamp>,
    /// Rows of journal records after this one are not meant, where rows are deleted.
    pub seq: u64,
    /// How far it is.
    pub state: CorrectionState,
    /// Files to look at, and those that have been.
    #[serde(skip)]
    pub files: (u64, u64),
    /// Rows deleted, or values of the field that were dropped, renamed or converted.
    pub rows: u64,
    /// Values that did not convert.
    pub quarantined: u64,
    /// Why it failed, or what keeps it from going on for now.
    pub problem: Option<String>,
}

impl Correction {
    /// The table.
    pub(crate) fn key(&self) -> TableKey {
        (self.project, self.namespace.clone())
    }

    /// Up to which record batches are meant, where rows are deleted.
    pub(crate) fn deletes_until(&self) -> Option<u64> {
        (!self.edit.changes_fields()).then_some(self.seq)
    }
}

/// All that were ordered.
#[derive(Debug)]
pub(crate) struct Corrections {
    dir: PathBuf,
    disk: Arc<dyn Disk>,
    known: Mutex<BTreeMap<u64, Correction>>,
    changed: Notify,
}

impl Corrections {
    /// Reads what there is; what cannot be read is told in `damage`.
    pub(crate) fn open(
        dir: PathBuf,
        disk: Arc<dyn Disk>,
        damage: &mut Vec<String>,
    ) -> Result<Self, StoreError> {
        let mut known = BTreeMap::new();
        let failed = |error| StoreError::io("list", &dir, error);
        if disk.exists(&dir).map_err(failed)? {
            for path in disk.list(&dir).map_err(failed)? {
                if path.extension().is_some_and(|ending| ending == "quarantine")
                    && !disk.exists(&path.with_extension("json")).map_err(failed)?
                {
                    damage.push(format!(
                        "{}: these values did not convert, and the order of the correction is missing",
                        path.display()
                    ));
                }
                if path.extension().is_none_or(|ending| ending != "json") {
                    continue;
                }
                let read = whole(&*disk, &path).map_err(|error| error.to_string());
                match read.and_then(|bytes| parse(&bytes)) {
                    Ok(correction) => drop(known.insert(correction.number, correction)),
                    Err(error) => damage.push(format!(
                        "{}: this order of a correction cannot be read ({error}); order it again",
                        path.display()
                    )),
                }
            }
        }
        Ok(Self { dir, disk, known: Mutex::new(known), changed: Notify::new() })
    }

    /// The highest number given.
    pub(crate) fn highest(&self) -> u64 {
        self.known.lock().keys().next_back().copied().unwrap_or(0)
    }

    /// Up to which records batches came of which rows were deleted.
    pub(crate) fn deletions(&self) -> Vec<u64> {
        self.known.lock().values().filter_map(Correction::deletes_until).collect()
    }

    /// What is known of one.
    pub(crate) fn get(&self, number: u64) -> Option<Correction> {
        self.known.lock().get(&number).cloned()
    }

    /// Those of a table, the newest first.
    pub(crate) fn of_table(&self, key: &TableKey) -> Vec<Correction> {
        let known = self.known.lock();
        known.values().rev().filter(|one| one.key() == *key).cloned().collect()
    }

    /// Those that have not ended, the oldest first.
    pub(crate) fn open_ones(&self) -> Vec<Correction> {
        let is_open = |one: &&Correction| {
            matches!(one.state, CorrectionState::Running | CorrectionState::Ready)
        };
        self.known.lock().values().filter(is_open).cloned().collect()
    }

    /// Notes an order; it counts once this returns.
    pub(crate) fn add(&self, correction: Correction) -> Result<(), StoreError> {
        self.write(&correction)?;
        self.prune(&correction.key());
        self.known.lock().insert(correction.number, correction);
        Ok(())
    }

    /// Changes what is known of one, in memory alone.
    pub(crate) fn update(&self, number: u64, change: impl FnOnce(&mut Correction)) {
        if let Some(correction) = self.known.lock().get_mut(&number) {
            change(correction);
        }
        self.changed.notify_waiters();
    }

    /// Changes what is known of one, on disk first.
    pub(crate) fn save(
        &self,
        number: u64,
        change: impl FnOnce(&mut Correction),
    ) -> Result<(), StoreError> {
        let Some(mut correction) = self.get(number) else { return Ok(()) };
        change(&mut correction);
        self.write(&correction)?;
        self.known.lock().insert(number, correction);
        self.changed.notify_waiters();
        Ok(())
    }

    /// Forgets those whose tables are gone, with the values they quarantined.
    pub(crate) fn forget(&self, is_gone: impl Fn(&Correction) -> bool) {
        let gone: Vec<u64> = {
            let mut known = self.known.lock();
            let numbers = known.values().filter(|one| is_gone(one)).map(|one| one.number);
            let gone: Vec<u64> = numbers.collect();
            known.retain(|number, _| !gone.contains(number));
            gone
        };
        for number in gone {
            self.remove_files(number);
        }
        self.changed.notify_waiters();
    }

    /// Waits until one is no longer running; nothing when it is not known.
    pub(crate) async fn settled(&self, number: u64) -> Option<Correction> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // From here on no change is missed, so the look comes after it.
            changed.as_mut().enable();
            let correction = self.get(number)?;
            if correction.state != CorrectionState::Running {
                return Some(correction);
            }
            changed.await;
        }
    }

    /// A new, empty place for values that do not convert.
    pub(crate) fn quarantine(&self, number: u64) -> Quarantine {
        Quarantine::new(Arc::clone(&self.disk), self.quarantine_path(number))
    }

    /// Values that did not convert, from one on, in the order of the files.
    pub(crate) fn quarantined(
        &self,
        number: u64,
        (offset, limit): (usize, usize),
    ) -> Result<Vec<QuarantinedValue>, StoreError> {
        let path = self.quarantine_path(number);
        let values = quarantine::read(&*self.disk, &path, (offset, limit))?;
        let all = self.get(number).map_or(0, |one| one.quarantined);
        let expected = usize::try_from(all).unwrap_or(usize::MAX).saturating_sub(offset);
        if values.len() < expected.min(limit) {
            let reason = format!("it ends early, or is missing: {all} values did not convert");
            return Err(StoreError::Damaged { path, reason });
        }
        Ok(values)
    }

    /// What is wrong with the values that did not convert, of those that cannot be read.
    pub(crate) fn damaged_values(&self) -> Vec<StoreError> {
        let with_values: Vec<u64> = {
            let known = self.known.lock();
            let with_values = known.values().filter(|one| one.quarantined > 0);
            with_values.map(|one| one.number).collect()
        };
        let read = |number: u64| self.quarantined(number, (0, usize::MAX)).err();
        with_values.into_iter().filter_map(read).collect()
    }

    fn quarantine_path(&self, number: u64) -> PathBuf {
        self.dir.join(format!("{number:010}.quarantine"))
    }

    fn order_path(&self, number: u64) -> PathBuf {
        self.dir.join(format!("{number:010}.json"))
    }

    fn write(&self, correction: &Correction) -> Result<(), StoreError> {
        let path = self.order_path(correction.number);
        let bytes = signed(correction).map_err(io::Error::from);
        bytes
            .and_then(|bytes| put_synced(&*self.disk, &path, [&Bytes::from(bytes)]))
            .map_err(|error| StoreError::io("write", &path, error))
    }

    /// Makes room for another order of a table.
    fn prune(&self, key: &TableKey) {
        let ended: Vec<u64> = {
            let of_table = self.of_table(key);
            let ended = of_table
                .iter()
                .skip(MAX_REMEMBERED - 1)
                .filter(|one| one.quarantined == 0 && one.ended.is_some());
            ended.map(|one| one.number).collect()
        };
        for number in ended {
            self.known.lock().remove(&number);
            self.remove_files(number);
        }
    }

    fn remove_files(&self, number: u64) {
        for path in [self.order_path(number), self.quarantine_path(number)] {
            let exists = self.disk.exists(&path).unwrap_or(false);
            if exists && let Err(error) = self.disk.remove(&path) {
                tracing::warn!(path = %path.display(), %error, "a file of a former correction stays");
            }
        }
    }
}

/// An order as it stands in its file: what would be deleted after a bit has flipped is not what was ordered.
fn signed(correction: &Correction) -> serde_json::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(correction)?;
    let sum = crc32c::crc32c(&bytes);
    bytes.extend(format!("\n{SUM}{sum:08x}\n").into_bytes());
    Ok(bytes)
}

/// An order, or why it is none.
fn parse(bytes: &[u8]) -> Result<Correction, String> {
    let sum = SUM.as_bytes();
    let mut lines = bytes.rsplitn(3, |byte| *byte == b'\n').skip(1);
    let last = lines.next().and_then(|line| line.strip_prefix(sum));
    let (Some(written), Some(order)) = (last, lines.next()) else {
        return Err("it has no checksum".to_owned());
    };
    if written != format!("{:08x}", crc32c::crc32c(order)).as_bytes() {
        return Err("its checksum is not that of what was written".to_owned());
    }
    serde_json::from_slice(order).map_err(|error| error.to_string())
}

fn whole(disk: &dyn Disk, path: &Path) -> io::Result<Bytes> {
    let file = disk.open(path)?;
    read_range(&*file, 0..file.len()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::RowFilter;

    #[test]
    fn each_flipped_bit_and_each_cut_of_an_order_is_found() {
        let order = Correction {
            number: 7,
            project: ProjectId::new(1).expect("positive"),
            namespace: NamespaceName::input(),
            edit: Edit::DeleteRows(RowFilter { from: Some(10), to: Some(20), conditions: vec![] }),
            by: "ada".to_owned(),
            ordered: Timestamp::from_micros(1),
            ended: None,
            seq: 3,
            state: CorrectionState::Running,
            files: (0, 0),
            rows: 0,
            quarantined: 0,
            problem: None,
        };
        let written = signed(&order).expect("JSON");
        assert_eq!(parse(&written), Ok(order));
        for bit in 0..written.len() * 8 {
            let mut flipped = written.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(parse(&flipped).is_err(), "bit {bit}");
        }
        for end in 0..written.len() {
            assert!(parse(&written[..end]).is_err(), "cut at {end}");
        }
    }
}
