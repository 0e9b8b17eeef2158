//! One table: its Delta log against its files.
//!
//! ```text
//! log: is each commit what was written? ─▶ load ─▶ each file it names: there? its size, checksum, pages, facts
//!                                            └─▶ files it does not name
//! ```
//!
//! What the log names and cannot be read is taken out of the log and set aside. A log that is damaged itself is built
//! again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::contents::{self, Contents};
use super::{CheckedTable, Examiner, Finding};
use crate::error::{FileError, StoreError};
use crate::lake::delta::verify::Log;
use crate::lake::delta::{Change, Lake, Loaded, TableKey, is_unfinished, part_seq};
use crate::snapshot::verified;
use crate::snapshot::{DataFile, FileFacts};

impl Examiner<'_> {
    pub(super) fn table(&mut self, lake: &mut Lake, key: &TableKey) -> Result<(), StoreError> {
        (self.progress)(&format!("table {}/{}", key.0, key.1));
        let mut checked = CheckedTable {
            project: key.0,
            namespace: key.1.clone(),
            partition: None,
            files: 0,
            rows: 0,
        };
        let log = lake.look_through(key)?;
        if self.is_not_begun(lake, key, &log)? {
            return Ok(());
        }
        if !log.damage.is_empty() {
            for (path, reason) in &log.damage {
                self.note(Finding::of_table(path, format!("it is no commit: {reason}")));
            }
            if !self.repair {
                self.checkup.tables.push(checked);
                return Ok(());
            }
            self.rebuild(lake, key, &log)?;
        }
        match lake.load(key) {
            Ok(loaded) => {
                checked.partition = Some(loaded.partition.clone());
                self.known_record = self.known_record.max(loaded.seq);
                for file in &loaded.files {
                    self.file(lake, key, &loaded, file, &mut checked)?;
                }
                self.others(lake, key, &loaded, &mut checked)?;
            }
            Err(error) => self.unreadable(&lake.dir(key), &error)?,
        }
        self.checkup.tables.push(checked);
        Ok(())
    }

    /// Whether a folder has no log because its first flush was cut short: the journal has all its rows.
    fn is_not_begun(&mut self, lake: &Lake, key: &TableKey, log: &Log) -> Result<bool, StoreError> {
        if !log.commits.is_empty() || log.checkpoint.is_some() {
            return Ok(false);
        }
        for path in self.list(&lake.dir(key))? {
            let Some(seq) = part_seq(&path) else { continue };
            let file = verified::unnamed(&self.disk, &path, seq)?;
            let rows = contents::read(&file, "device_id").map_or(0, |contents| contents.rows);
            if self.journal_lacks(key, seq, rows) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A table whose log leads to nothing.
    fn unreadable(&mut self, dir: &Path, error: &StoreError) -> Result<(), StoreError> {
        let meaning = "the table is out of service; its Parquet files may well be sound";
        let remedy = "put _delta_log back from a backup; iobeam doctor DIR --repair moves the table to set-aside, from where its Parquet files can be read and imported";
        self.find(&dir.join("_delta_log"), error.to_string(), meaning, remedy);
        if self.repair {
            self.set_aside(dir)?;
        }
        Ok(())
    }

    /// A file that the log names.
    fn file(
        &mut self,
        lake: &mut Lake,
        key: &TableKey,
        loaded: &Loaded,
        file: &Arc<DataFile>,
        checked: &mut CheckedTable,
    ) -> Result<(), StoreError> {
        let there = self.disk.exists(file.path());
        let there = there.map_err(|error| StoreError::io("look at", file.path(), error))?;
        let wrong = if there {
            match contents::read(file, loaded.partition.as_str()) {
                Ok(contents) => contents.differs_from(file),
                Err(
                    StoreError::Damaged { reason, .. }
                    | StoreError::File(FileError::Damaged { reason, .. }),
                ) => Some(reason),
                Err(error) => return Err(error),
            }
        } else {
            Some("it is missing".to_owned())
        };
        let Some(wrong) = wrong else {
            checked.files += 1;
            checked.rows += file.rows;
            return Ok(());
        };
        let held = format!(
            "it held {} rows of {}/{}, from {} to {} (microseconds since 1970)",
            file.rows, key.0, key.1, file.min_time, file.max_time
        );
        self.note(Finding::of_file(file.path(), wrong, &held));
        if self.repair {
            let remove = vec![Arc::clone(file)];
            let change = Change { remove, data_changes: true, ..Change::default() };
            lake.commit(key, &loaded.partition, &change)?;
            if there {
                self.set_aside(file.path())?;
            } else {
                self.repaired("taken out of the table".to_owned());
            }
        }
        Ok(())
    }

    /// Files that the log does not name.
    fn others(
        &mut self,
        lake: &mut Lake,
        key: &TableKey,
        loaded: &Loaded,
        checked: &mut CheckedTable,
    ) -> Result<(), StoreError> {
        for path in self.list(&lake.dir(key))? {
            let is_known = loaded.files.iter().any(|file| file.path() == path);
            if is_known || !(part_seq(&path).is_some() || is_unfinished(&path)) {
                continue;
            }
            let seq = part_seq(&path).unwrap_or(0);
            let contents = verified::unnamed(&self.disk, &path, seq)
                .map_err(StoreError::from)
                .and_then(|file| contents::read(&file, loaded.partition.as_str()));
            match contents {
                // What the log of the table does not know of, and the journal no longer has.
                Ok(contents) if seq > loaded.seq && self.journal_lacks(key, seq, contents.rows) => {
                    self.adopt(lake, (key, loaded), &path, (seq, contents), checked)?;
                }
                _ => {
                    let problem = "no commit names it".to_owned();
                    let meaning = "no row is missing: it was left over by a crash, or was replaced by another file";
                    let remedy = "the server's next start deletes it; iobeam doctor DIR --repair moves it to set-aside instead";
                    self.find(&path, problem, meaning, remedy);
                    if self.repair {
                        self.set_aside(&path)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// A sound file that holds rows which nothing else has.
    fn adopt(
        &mut self,
        lake: &mut Lake,
        (key, loaded): (&TableKey, &Loaded),
        path: &Path,
        (seq, contents): (u64, Contents),
        checked: &mut CheckedTable,
    ) -> Result<(), StoreError> {
        let problem =
            "no commit names it, and the write-ahead log no longer has its rows".to_owned();
        let meaning = format!(
            "{} rows are not shown, and the table is out of service until the file is taken in",
            contents.rows
        );
        let remedy = "iobeam doctor DIR --repair takes the file into the table";
        self.find(path, problem, &meaning, remedy);
        if self.repair {
            let (rows, fields) = (contents.rows, contents.fields.clone());
            let facts: FileFacts = contents.into_facts(path.to_owned(), seq);
            let change = Change {
                add: vec![facts],
                fields,
                data_changes: true,
                seq: Some(seq),
                ..Change::default()
            };
            lake.commit(key, &loaded.partition, &change)?;
            checked.files += 1;
            checked.rows += rows;
            self.repaired(format!("taken into the table: {rows} rows"));
        }
        Ok(())
    }

    pub(super) fn list(&self, dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
        self.disk.list(dir).map_err(|error| StoreError::io("list", dir, error))
    }
}
