//! Tables that are being deleted: a marker in the folder says so, so that half a log is never taken for one.
//!
//! ```text
//! marker (synced) ─▶ _delta_log/* go (synced) ─▶ part files go (synced) ─▶ marker goes ─▶ folder goes
//! ```

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::folders::{MARKER, is_unfinished, part_seq};
use super::{Lake, TableKey};
use crate::error::StoreError;
use crate::lake::files::put_synced;

impl Lake {
    /// Whether a table's folder is on its way out.
    pub(crate) fn is_marked(&self, key: &TableKey) -> Result<bool, StoreError> {
        let marker = self.dir(key).join(MARKER);
        self.disk.exists(&marker).map_err(|error| StoreError::io("look at", &marker, error))
    }

    /// Removes a table's log: when this returns, nobody finds the table any more. May be done again after a failure.
    pub(crate) fn drop_log(&mut self, key: &TableKey) -> Result<(), StoreError> {
        self.handles.remove(key);
        let dir = self.dir(key);
        let failed = |error| StoreError::io("remove the table in", &dir, error);
        if !self.disk.exists(&dir).map_err(failed)? {
            return Ok(());
        }
        if !self.is_marked(key)? {
            let text = Bytes::from_static(b"This table was deleted; what is left of it goes.\n");
            put_synced(&*self.disk, &dir.join(MARKER), [&text]).map_err(failed)?;
        }
        let log = dir.join("_delta_log");
        if self.disk.exists(&log).map_err(failed)? {
            for path in self.disk.list(&log).map_err(failed)? {
                self.disk.remove(&path).map_err(failed)?;
            }
            self.disk.sync_dir(&log).map_err(failed)?;
            self.disk.remove_dir(&log).map_err(failed)?;
        }
        Ok(())
    }

    /// Removes what is left of a table whose log is gone, but for files that are still read. What is not ours stays,
    /// and the folder with it.
    pub(crate) fn remove_folder(
        &self,
        key: &TableKey,
        read: &HashSet<PathBuf>,
    ) -> Result<(), StoreError> {
        let dir = self.dir(key);
        let failed = |error| StoreError::io("remove", &dir, error);
        if !self.disk.exists(&dir).map_err(failed)? {
            return Ok(());
        }
        for path in self.disk.list(&dir).map_err(failed)? {
            let is_ours = part_seq(&path).is_some() || is_unfinished(&path);
            if is_ours && !read.contains(&path) {
                self.disk.remove(&path).map_err(failed)?;
            }
        }
        self.disk.sync_dir(&dir).map_err(failed)?;
        let marker = dir.join(MARKER);
        if self.disk.exists(&marker).map_err(failed)? {
            self.disk.remove(&marker).map_err(failed)?;
            self.disk.sync_dir(&dir).map_err(failed)?;
        }
        // A folder with something in it stays, be it a file that is read or another table's.
        let _: io::Result<()> = self
            .disk
            .remove_dir(&dir)
            .and_then(|()| self.disk.remove_dir(dir.parent().unwrap_or(&dir)));
        Ok(())
    }

    /// Ends what an earlier process began. Says how many tables that were.
    pub(crate) fn finish_drops(&mut self) -> Result<u64, StoreError> {
        let marked = self.marked()?;
        for key in &marked {
            self.drop_log(key)?;
            self.remove_folder(key, &HashSet::new())?;
        }
        Ok(marked.len() as u64)
    }

    /// The tables whose folders are on their way out.
    pub(crate) fn marked(&self) -> Result<Vec<TableKey>, StoreError> {
        let mut marked = Vec::new();
        for key in self.folders()? {
            if self.is_marked(&key)? {
                marked.push(key);
            }
        }
        Ok(marked)
    }
}

/// Where the marker of a folder stands.
pub(crate) fn marker(dir: &Path) -> PathBuf {
    dir.join(MARKER)
}
