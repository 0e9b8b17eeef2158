//! One table: its Delta log against its files.
//!
//! ```text
//! log: does each commit read as JSON? ─▶ load ─▶ each file it names: there? its size, checksum, pages, facts
//!                                            └─▶ files it does not name
//! ```
//!
//! What the log names and cannot be read is taken out of the log and set aside. A last commit that is torn is set
//! aside: what it said is in the journal again, or is taken from the file that it named.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::contents::{self, Contents};
use super::{CheckedTable, Examiner};
use crate::error::StoreError;
use crate::lake::delta::{Change, Lake, Loaded, TableKey};
use crate::lake::files::{UNFINISHED, read_range};
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
        if self.commits(&lake.dir(key))? && !self.repair {
            self.checkup.tables.push(checked);
            return Ok(());
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

    /// Commits that are no JSON. The last may have been torn; one before others is damage that only a backup mends.
    /// Says whether there is any.
    fn commits(&mut self, dir: &Path) -> Result<bool, StoreError> {
        let mut any = false;
        let log = dir.join("_delta_log");
        let paths = self.list(&log)?;
        let commits: Vec<&PathBuf> = paths.iter().filter(|path| is_commit(path)).collect();
        for (at, path) in commits.iter().enumerate() {
            let Err(reason) = self.is_json(path)? else { continue };
            any = true;
            let is_last = at + 1 == commits.len() && at > 0;
            let meaning = if is_last {
                "the table goes by the commit before it; what it said is read from the journal or from the file it named"
            } else {
                "the table cannot be read, and the server does not start"
            };
            let remedy = if is_last {
                "iobeam doctor --repair moves it to set-aside and takes its rows in again"
            } else {
                "put the file back from a backup; iobeam doctor --repair moves the table to set-aside, with all its Parquet files"
            };
            self.find(path, format!("it is no commit: {reason}"), meaning, remedy);
            if is_last && self.repair {
                self.set_aside(path)?;
            }
        }
        Ok(any)
    }

    fn is_json(&self, path: &Path) -> Result<Result<(), String>, StoreError> {
        let failed = |error| StoreError::io("read", path, error);
        let file = self.disk.open(path).map_err(failed)?;
        let bytes = read_range(&*file, 0..file.len().map_err(failed)?).map_err(failed)?;
        if bytes.is_empty() {
            return Ok(Err("it is empty".to_owned()));
        }
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            if let Err(error) = serde_json::from_slice::<serde_json::Value>(line) {
                return Ok(Err(error.to_string()));
            }
        }
        Ok(Ok(()))
    }

    /// A table whose log leads to nothing.
    fn unreadable(&mut self, dir: &Path, error: &StoreError) -> Result<(), StoreError> {
        let meaning = "the table cannot be read, and the server does not start; its Parquet files may well be sound";
        let remedy = "put _delta_log back from a backup; iobeam doctor --repair moves the table to set-aside, from where its Parquet files can be read and imported";
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
            match contents::read(&self.disk, file.path(), loaded.partition.as_str(), Some(&**file))
            {
                Ok(contents) => contents.differs_from(file),
                Err(StoreError::Damaged { reason, .. }) => Some(reason),
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
        let meaning = format!(
            "queries that need it fail; it held {} rows of {}/{}, from {} to {} (microseconds since 1970)",
            file.rows, key.0, key.1, file.min_time, file.max_time
        );
        let remedy = "put the file back from a backup; without one, iobeam doctor --repair takes it out of the table, moves it to set-aside, and the table is served without it";
        self.find(file.path(), wrong, &meaning, remedy);
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
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
            let is_part = name.starts_with("part-") && name.ends_with(".parquet");
            let is_known = loaded.files.iter().any(|file| file.path() == path);
            if is_known || !(is_part || name.ends_with(UNFINISHED)) {
                continue;
            }
            let seq = name.get(5..25).and_then(|digits| digits.parse::<u64>().ok()).unwrap_or(0);
            let contents = contents::read(&self.disk, &path, loaded.partition.as_str(), None);
            match contents {
                // What the log of the table does not know of, and the journal no longer has.
                Ok(contents) if seq > loaded.seq && self.first_record > loaded.seq + 1 => {
                    self.adopt(lake, (key, loaded), &path, (seq, contents), checked)?;
                }
                _ => {
                    let problem = "no commit names it".to_owned();
                    let meaning = "no row is missing: it was left over by a crash, or was replaced by another file";
                    let remedy = "the server's next start deletes it; iobeam doctor --repair moves it to set-aside instead";
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
            "{} rows are not shown, and the server's next start would delete them",
            contents.rows
        );
        let remedy = "do not start the server before iobeam doctor --repair, which takes the file into the table";
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

    fn list(&self, dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
        self.disk.list(dir).map_err(|error| StoreError::io("list", dir, error))
    }
}

fn is_commit(path: &Path) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
    path.extension().is_some_and(|ending| ending == "json")
        && stem.len() == 20
        && stem.bytes().all(|byte| byte.is_ascii_digit())
}
