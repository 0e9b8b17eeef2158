//! What becomes of the files of a table that was let go.
//!
//! ```text
//! files retire ─▶ the log goes, under a marker ─▶ "gone" ─▶ the last reader lets go ─▶ the folder goes
//!                                                    └ a table of that name again ─▶ the marker goes first
//! ```

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use crate::error::StoreError;
use crate::lake::delta::TableKey;
use crate::snapshot::DataFile;

use super::Flusher;

/// A table whose folder is still there.
#[derive(Debug, Default)]
pub(super) struct Dropped {
    /// Whether its log is gone: it can be removed from then on.
    log_gone: bool,
    /// Files that somebody may still read.
    read: Vec<Weak<DataFile>>,
}

impl Flusher {
    /// Lets go of a table: when this returns, it is gone for whoever opens the store. `again` after a failure.
    pub(super) fn drop_table(&mut self, key: &TableKey, again: bool) -> Result<(), StoreError> {
        if again && !self.dropped.contains_key(key) {
            // It was finished in the meantime, and another one may have its name.
            return Ok(());
        }
        self.partitions.remove(key);
        self.keep_from.remove(key);
        self.unsure.remove(key);
        self.grown.retain(|grown| grown != key);
        self.forget_corrections(key);
        let dropped = self.dropped.entry(key.clone()).or_default();
        for file in self.files.remove(key).iter().flat_map(|files| files.iter()) {
            file.retire(&self.disk);
            dropped.read.push(Arc::downgrade(file));
        }
        self.lake.drop_log(key)?;
        if let Some(dropped) = self.dropped.get_mut(key) {
            dropped.log_gone = true;
        }
        Ok(())
    }

    /// Removes the folders of tables whose last reader is gone.
    pub(super) fn tidy(&mut self) {
        let lake = &self.lake;
        self.dropped.retain(|key, dropped| {
            dropped.read.retain(|file| file.strong_count() > 0);
            if !dropped.log_gone || !dropped.read.is_empty() {
                return true;
            }
            // What stays is found by the next start.
            if let Err(error) = lake.remove_folder(key, &HashSet::new()) {
                tracing::warn!(project = %key.0, namespace = %key.1, %error, "the folder of a deleted table stays for now");
            }
            false
        });
    }

    /// Sees to it that a table that was let go is gone before one of its name comes into being.
    pub(super) fn make_way(&mut self, key: &TableKey) -> Result<(), StoreError> {
        let Some(dropped) = self.dropped.get(key) else { return Ok(()) };
        let read: HashSet<PathBuf> = dropped
            .read
            .iter()
            .filter_map(|file| Some(file.upgrade()?.path().to_owned()))
            .collect();
        self.lake.drop_log(key)?;
        self.lake.remove_folder(key, &read)?;
        self.dropped.remove(key);
        Ok(())
    }
}
