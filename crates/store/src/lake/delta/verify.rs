//! A table's log looked through before anything is believed of it.
//!
//! ```text
//! newest checkpoint ─ sound? ─▶ each commit after it: there? its checksum? ─▶ Log { version, stores that wrote it }
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::AsArray as _;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use iobeam_journal::Disk;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::folders::last_name;
use super::{Lake, TableKey};
use crate::error::{FileError, StoreError};
use crate::lake::files::read_range;
use crate::lake::log_sums::{Signed, check_commit, checkpoint_version, commit_version};
use crate::snapshot::verified;

/// What a table's log is found to be.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// Its commits that count, by version.
    pub(crate) commits: BTreeMap<u64, PathBuf>,
    /// Its newest checkpoint.
    pub(crate) checkpoint: Option<(u64, PathBuf)>,
    /// The stores that put rows into the table, as far as its commits tell.
    pub(crate) stores: BTreeSet<String>,
    /// What is wrong, and with which file.
    pub(crate) damage: Vec<(PathBuf, String)>,
}

impl Lake {
    /// Looks through a table's log. Damage is no error; whoever looks decides what it means.
    pub(crate) fn look_through(&self, key: &TableKey) -> Result<Log, StoreError> {
        let dir = self.dir(key).join("_delta_log");
        let mut log = Log::default();
        let is_there = self.disk.exists(&dir);
        if !is_there.map_err(|error| StoreError::io("look at", &dir, error))? {
            log.damage.push((dir, "it is missing".to_owned()));
            return Ok(log);
        }
        let paths = self.disk.list(&dir).map_err(|error| StoreError::io("list", &dir, error))?;
        for path in paths {
            let name = last_name(&path).to_owned();
            if let Some(version) = commit_version(&name) {
                log.commits.insert(version, path);
            } else if let Some(version) = checkpoint_version(&name)
                && log.checkpoint.as_ref().is_none_or(|(known, _)| *known < version)
            {
                log.checkpoint = Some((version, path));
            }
        }
        if let Some((version, path)) = log.checkpoint.clone() {
            if let Err(FileError::Damaged { reason, .. }) = verified::whole(&self.disk, &path) {
                log.damage.push((path, reason));
            }
            log.commits.retain(|commit, _| *commit >= version);
        }
        self.commits(&dir, &mut log)?;
        Ok(log)
    }

    /// The stores that the logs of all tables name: of each table as far as its commits tell, or else its newest
    /// checkpoint.
    pub(crate) fn stores(&self) -> Result<BTreeSet<String>, StoreError> {
        let mut stores = BTreeSet::new();
        for key in self.tables()? {
            let log = self.look_through(&key)?;
            if log.stores.is_empty()
                && let Some((_, path)) = &log.checkpoint
            {
                stores.extend(stores_in_checkpoint(&self.disk, path));
            }
            stores.extend(log.stores);
        }
        Ok(stores)
    }

    fn commits(&self, dir: &Path, log: &mut Log) -> Result<(), StoreError> {
        // The commit of the checkpoint's own version is in the checkpoint already, and may be gone.
        let mut expected = match &log.checkpoint {
            Some((version, _)) if log.commits.contains_key(version) => *version,
            Some((version, _)) => version + 1,
            None => 0,
        };
        let mut signed = false;
        for (version, path) in &log.commits {
            for missing in expected..*version {
                let path = dir.join(format!("{missing:020}.json"));
                log.damage.push((path, "it is missing".to_owned()));
            }
            expected = version + 1;
            let failed = |error| StoreError::io("read", path, error);
            let file = self.disk.open(path).map_err(failed)?;
            let bytes = read_range(&*file, 0..file.len().map_err(failed)?).map_err(failed)?;
            match check_commit(*version, &bytes) {
                Ok(Signed::No) if signed => {
                    let reason = "it has no checksum, and those before it have".to_owned();
                    log.damage.push((path.clone(), reason));
                }
                Ok(found) => {
                    signed |= found == Signed::Yes;
                    log.stores.extend(stores_in(&bytes));
                }
                Err(reason) => log.damage.push((path.clone(), reason)),
            }
        }
        if log.commits.is_empty() && log.checkpoint.is_none() {
            log.damage.push((dir.to_owned(), "it has no commit".to_owned()));
        }
        Ok(())
    }

    /// Refuses a table whose log is damaged.
    pub(crate) fn refuse_damaged(&self, key: &TableKey) -> Result<(), StoreError> {
        let log = self.look_through(key)?;
        match log.damage.first() {
            Some((path, reason)) => {
                Err(unavailable(key, &format!("{}: {reason}", verified::shown(path))))
            }
            None => Ok(()),
        }
    }
}

/// The stores whose records a commit says are in files.
fn stores_in(bytes: &[u8]) -> impl Iterator<Item = String> {
    let lines = bytes.split(|byte| *byte == b'\n');
    lines.filter_map(|line| {
        let line: serde_json::Value = serde_json::from_slice(line).ok()?;
        let id = line.get("txn")?.get("appId")?.as_str()?;
        is_store(id).then(|| id.to_owned())
    })
}

/// Whether a name under which something was committed is that of a store, and not of what a store counts beside its
/// records.
pub(crate) fn is_store(id: &str) -> bool {
    id.starts_with("iobeam-") && !id.contains('/')
}

/// The stores that a checkpoint names, if it can be read.
fn stores_in_checkpoint(disk: &Arc<dyn Disk>, path: &Path) -> Vec<String> {
    let read = || {
        let bytes = verified::whole(disk, path).ok()?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).ok()?;
        let fields = builder.schema().fields().iter();
        let at = fields.enumerate().find(|(_, field)| field.name() == "txn")?.0;
        let mask = ProjectionMask::roots(builder.parquet_schema(), [at]);
        let mut stores = Vec::new();
        for rows in builder.with_projection(mask).build().ok()? {
            let rows = rows.ok()?;
            let ids = rows.column(0).as_struct_opt()?.column_by_name("appId")?;
            let ids = cast(ids, &DataType::Utf8).ok()?;
            let ids = ids.as_string::<i32>().iter().flatten();
            stores.extend(ids.filter(|id| is_store(id)).map(str::to_owned));
        }
        Some(stores)
    };
    read().unwrap_or_default()
}

/// A table that nothing is read from or written to.
pub(crate) fn unavailable(key: &TableKey, reason: &str) -> StoreError {
    StoreError::Unavailable { table: format!("{}/{}", key.0, key.1), reason: reason.to_owned() }
}
