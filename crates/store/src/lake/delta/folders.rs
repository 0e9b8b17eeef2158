//! What the folders tell, whatever the logs say: which tables there are, and which files in them are ours.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use iobeam_model::{NamespaceName, ProjectId};

use super::{Lake, TableKey};
use crate::error::StoreError;
use crate::lake::files::UNFINISHED;
use crate::snapshot::DataFile;
use crate::snapshot::verified::shown;

/// Names the file that says that a table is being deleted.
pub(super) const MARKER: &str = "dropped";

impl Lake {
    /// The tables there are.
    pub(crate) fn tables(&self) -> Result<Vec<TableKey>, StoreError> {
        let mut found = Vec::new();
        for key in self.folders()? {
            if self.exists(&key)? {
                found.push(key);
            }
        }
        Ok(found)
    }

    /// The folders of tables that have no log, and are not being deleted.
    pub(crate) fn logless(&self) -> Result<Vec<TableKey>, StoreError> {
        let mut found = Vec::new();
        for key in self.folders()? {
            if !self.exists(&key)? && !self.is_marked(&key)? {
                found.push(key);
            }
        }
        Ok(found)
    }

    /// The tables whose folders have a log or a file of ours, and are not being deleted.
    pub(crate) fn populated(&self) -> Result<Vec<TableKey>, StoreError> {
        let mut found = self.tables()?;
        for key in self.logless()? {
            if self.highest_part(&key)? > 0 {
                found.push(key);
            }
        }
        Ok(found)
    }

    /// The folders that are named as those of tables are.
    pub(super) fn folders(&self) -> Result<Vec<TableKey>, StoreError> {
        let list =
            |dir: &Path| self.disk.list(dir).map_err(|error| StoreError::io("list", dir, error));
        let mut found = Vec::new();
        for project_dir in list(&self.root)? {
            let Some(project) = last_name(&project_dir).parse().ok().and_then(ProjectId::new)
            else {
                continue;
            };
            for dir in list(&project_dir)? {
                let Ok(namespace) = last_name(&dir).parse::<NamespaceName>() else { continue };
                found.push((project, namespace));
            }
        }
        Ok(found)
    }

    /// Whether a table was ever committed to, and is not being deleted.
    pub(crate) fn exists(&self, key: &TableKey) -> Result<bool, StoreError> {
        let log = self.dir(key).join("_delta_log");
        let failed = |error| StoreError::io("list", &log, error);
        if self.is_marked(key)? {
            return Ok(false);
        }
        Ok(self.disk.exists(&log).map_err(failed)?
            && self.disk.list(&log).map_err(failed)?.iter().any(|path| is_commit(path)))
    }

    /// Files of ours in a table's folder that the table does not name: written and never committed, or replaced. What
    /// others put there is not ours to judge.
    pub(crate) fn leftovers(
        &self,
        key: &TableKey,
        files: &[Arc<DataFile>],
    ) -> Result<Vec<PathBuf>, StoreError> {
        let dir = self.dir(key);
        let paths = self.disk.list(&dir).map_err(|error| StoreError::io("list", &dir, error))?;
        let is_leftover = |path: &PathBuf| {
            let is_part = part_seq(path).is_some();
            is_part && !files.iter().any(|file| file.path() == path) || is_unfinished(path)
        };
        Ok(paths.into_iter().filter(is_leftover).collect())
    }

    /// Deletes such a file.
    pub(crate) fn remove_leftover(&self, path: &Path) -> Result<(), StoreError> {
        self.disk.remove(path).map_err(|error| StoreError::io("remove", path, error))?;
        tracing::info!(file = %shown(path), "deleted a file that was left over: no commit names it");
        Ok(())
    }

    /// The highest record of which a table's folder has a file, whatever the table's log says.
    pub(crate) fn highest_part(&self, key: &TableKey) -> Result<u64, StoreError> {
        let dir = self.dir(key);
        let paths = self.disk.list(&dir).map_err(|error| StoreError::io("list", &dir, error))?;
        Ok(paths.iter().filter_map(|path| part_seq(path)).max().unwrap_or(0))
    }
}

/// The highest record in a file of ours, by its name: `part-<20 digits>-<32 hexadecimal digits>.parquet`.
pub(crate) fn part_seq(path: &Path) -> Option<u64> {
    let name = last_name(path).strip_prefix("part-")?.strip_suffix(".parquet")?;
    let (seq, id) = name.split_once('-')?;
    let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_seq = seq.len() == 20 && seq.bytes().all(|byte| byte.is_ascii_digit());
    (is_id && is_seq).then(|| seq.parse().ok())?
}

/// Whether a file in a table's folder is one that we began to write and never finished.
pub(crate) fn is_unfinished(path: &Path) -> bool {
    last_name(path).strip_suffix(UNFINISHED).is_some_and(|name| name == MARKER)
}

pub(super) fn last_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or("")
}

fn is_commit(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "json" || ending == "parquet")
}
