//! A table whose log is damaged, built again of what is sound: its readable commits and its files.
//!
//! ```text
//! commits before the damage ─ read as ever ─▶ files ┐
//! readable commits after it ─ added, removed ───────┼─▶ those that are there ─▶ one commit
//! files that no readable commit names ──────────────┘
//! ```
//!
//! What cannot be read moves to set-aside; nothing is deleted. A file says of which others it was made: where these are
//! all there, they count and it does not, as it may never have been committed; where one is gone it was, and the others
//! do not count. Of files of earlier versions, which do not say that, one that no commit names is left out where one with
//! the same last record counts. Where the fields are others than before the
//! damage, since a correction changed them, the table gets a log that begins anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deltalake_core::kernel::Action;
use iobeam_model::FieldName;

use super::Examiner;
use super::contents::{self, Contents};
use crate::error::StoreError;
use crate::lake::delta::verify::{Log, is_store};
use crate::lake::delta::{
    Change, Fields, Lake, Made, PARTITION, TableKey, facts_of, fields_of, part_seq,
};
use crate::lake::files::read_range;
use crate::lake::log_sums::check_commit;
use crate::snapshot::verified;
use crate::snapshot::{DataFile, FileFacts};

/// What is known of a table, piece by piece.
struct Pieces {
    partition: FieldName,
    fields: Fields,
    /// Up to which record rows are in files.
    seq: u64,
    /// The last correction.
    correction: u64,
    /// The files that count.
    live: BTreeMap<PathBuf, FileFacts>,
    /// Those that a readable commit took out.
    removed: BTreeSet<PathBuf>,
}

impl Examiner<'_> {
    /// Builds a table again. Its damaged files were found already.
    pub(super) fn rebuild(
        &mut self,
        lake: &mut Lake,
        key: &TableKey,
        log: &Log,
    ) -> Result<(), StoreError> {
        let dir = lake.dir(key);
        let folder = dir.join("_delta_log");
        let is_checkpoint =
            |path: &Path| log.checkpoint.as_ref().is_some_and(|(_, checkpoint)| checkpoint == path);
        let from = log.damage.iter().find(|(path, _)| !is_checkpoint(path));
        let from = from.and_then(|(path, _)| path.file_stem()?.to_str()?.parse::<u64>().ok());
        let has_base = !log.damage.iter().any(|(path, _)| is_checkpoint(path))
            && from.is_none_or(|from| from > 0);
        let mut pieces = Pieces {
            partition: FieldName::device_id(),
            fields: Fields::new(),
            seq: 0,
            correction: 0,
            live: BTreeMap::new(),
            removed: BTreeSet::new(),
        };
        let later = log
            .commits
            .iter()
            .filter(|(version, _)| !has_base || from.is_some_and(|from| **version >= from));
        let later: Vec<(u64, PathBuf)> =
            later.map(|(version, path)| (*version, path.clone())).collect();
        let mut actions = Vec::new();
        for (version, path) in &later {
            actions.extend(self.readable(*version, path)?);
        }
        if has_base {
            for (_, path) in &later {
                self.move_aside(path)?;
            }
            let base = lake.load(key)?;
            (pieces.partition, pieces.fields, pieces.seq) = (base.partition, base.fields, base.seq);
            pieces.correction = base.correction;
            let known =
                base.files.iter().map(|file| (file.path().to_owned(), FileFacts::clone(file)));
            pieces.live = known.collect();
        } else if self.exists(&folder)? {
            self.move_aside(&folder)?;
        }
        let base: BTreeMap<PathBuf, FileFacts> = pieces.live.clone();
        let fields = pieces.fields.clone();
        pieces.apply(actions, &dir, &lake.corrections_id());
        let (partition, mut change) = self.sound(&dir, pieces, &base)?;
        if fields.iter().any(|(name, kind)| change.fields.get(name) != Some(kind)) {
            // What a log says of a field cannot be taken back by a commit on top of it.
            self.move_aside(&folder)?;
            lake.forget(key);
            let gone: BTreeSet<PathBuf> =
                change.remove.drain(..).map(|file| file.path().to_owned()).collect();
            let stays = base.into_iter().filter(|(path, _)| !gone.contains(path));
            change.add.extend(stays.map(|(_, facts)| facts));
        }
        let (files, rows) =
            (change.add.len(), change.add.iter().map(|file| file.rows).sum::<u64>());
        lake.commit(key, &partition, &change)?;
        self.repaired(format!(
            "the table was built again: {files} files with {rows} rows were taken in beside those of the commits before"
        ));
        Ok(())
    }

    /// The actions of a commit; none where it cannot be believed.
    fn readable(&self, version: u64, path: &Path) -> Result<Vec<Action>, StoreError> {
        let failed = |error| StoreError::io("read", path, error);
        let file = self.disk.open(path).map_err(failed)?;
        let bytes = read_range(&*file, 0..file.len().map_err(failed)?).map_err(failed)?;
        if check_commit(version, &bytes).is_err() {
            return Ok(Vec::new());
        }
        let lines = bytes.split(|byte| *byte == b'\n');
        Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }

    /// What has to be committed on top of the base.
    fn sound(
        &mut self,
        dir: &Path,
        mut pieces: Pieces,
        base: &BTreeMap<PathBuf, FileFacts>,
    ) -> Result<(FieldName, Change), StoreError> {
        let on_disk: BTreeSet<PathBuf> =
            self.list(dir)?.into_iter().filter(|path| part_seq(path).is_some()).collect();
        // What a damaged commit replaced is gone from the disk.
        pieces.live.retain(|path, _| on_disk.contains(path));
        let mut change = Change { data_changes: true, ..Change::default() };
        let seqs: BTreeSet<u64> = pieces.live.values().map(|file| file.seq).collect();
        let mut found: BTreeMap<PathBuf, (Contents, u64)> = BTreeMap::new();
        for path in &on_disk {
            if base.contains_key(path) || pieces.removed.contains(path) {
                continue;
            }
            let named = pieces.live.get(path).cloned();
            let seq = named.as_ref().map_or_else(|| part_seq(path).unwrap_or(0), |file| file.seq);
            let file = match &named {
                Some(facts) => Arc::new(DataFile::new(facts.clone(), &self.disk)),
                None => verified::unnamed(&self.disk, path, seq)?,
            };
            match contents::read(&file, pieces.partition.as_str()) {
                Ok(contents) => drop(found.insert(path.clone(), (contents, seq))),
                Err(error @ StoreError::Io { .. }) => return Err(error),
                Err(error) => {
                    let meaning = "its rows are not served; all other files of the table are";
                    let remedy = "put it back from a backup";
                    self.find(path, error.to_string(), meaning, remedy);
                    self.set_aside(path)?;
                }
            }
        }
        for path in counting(&found, &mut pieces, (dir, &seqs)) {
            let Some((contents, seq)) = found.remove(&path) else { continue };
            let fields = contents.fields.iter();
            pieces.fields.extend(fields.map(|(name, kind)| (name.clone(), kind.clone())));
            pieces.seq = pieces.seq.max(seq);
            let named = pieces.live.get(&path).cloned();
            change.add.push(named.unwrap_or_else(|| contents.into_facts(path, seq)));
        }
        let gone = base.values().filter(|file| !pieces.live.contains_key(&file.path));
        change.remove =
            gone.map(|facts| Arc::new(DataFile::new(facts.clone(), &self.disk))).collect();
        (change.fields, change.seq) = (pieces.fields, Some(pieces.seq));
        let number = pieces.correction;
        change.made = (number > 0).then_some(Made { number, edit: None });
        Ok((pieces.partition, change))
    }

    fn exists(&self, path: &Path) -> Result<bool, StoreError> {
        self.disk.exists(path).map_err(|error| StoreError::io("look at", path, error))
    }
}

/// Which of the files that were found count. What they were made of, and does not count beside them, is let go.
fn counting(
    found: &BTreeMap<PathBuf, (Contents, u64)>,
    pieces: &mut Pieces,
    (dir, seqs): (&Path, &BTreeSet<u64>),
) -> Vec<PathBuf> {
    let is_there = |path: &PathBuf| found.contains_key(path) || pieces.live.contains_key(path);
    let sources = |contents: &Contents| -> Vec<PathBuf> {
        contents.made_of.iter().map(|name| dir.join(name)).collect()
    };
    let mut replaced = BTreeSet::new();
    let mut count = Vec::new();
    let mut taken = seqs.clone();
    for (path, (contents, seq)) in found {
        let sources = sources(contents);
        let is_named = pieces.live.contains_key(path);
        let is_taken = if is_named {
            true
        } else if sources.is_empty() {
            // A flush, or of an earlier version: then one of the two was made of the other.
            taken.insert(*seq)
        } else {
            !sources.iter().all(is_there)
        };
        if is_taken {
            replaced.extend(sources);
            count.push(path.clone());
        }
    }
    count.retain(|path| !replaced.contains(path));
    pieces.live.retain(|path, _| !replaced.contains(path));
    count
}

impl Pieces {
    /// Does what commits did.
    fn apply(&mut self, actions: Vec<Action>, dir: &Path, corrections: &str) {
        for action in actions {
            match action {
                Action::Add(add) => {
                    let facts = facts_of(&add, dir);
                    self.removed.remove(&facts.path);
                    self.live.insert(facts.path.clone(), facts);
                }
                Action::Remove(remove) => {
                    let path = dir.join(&remove.path);
                    self.live.remove(&path);
                    self.removed.insert(path);
                }
                Action::Txn(txn) if is_store(&txn.app_id) => {
                    self.seq = self.seq.max(txn.version.cast_unsigned());
                }
                Action::Txn(txn) if txn.app_id == corrections => {
                    self.correction = self.correction.max(txn.version.cast_unsigned());
                }
                Action::Metadata(metadata) => {
                    if let Ok(schema) = metadata.parse_schema() {
                        self.fields = fields_of(&schema);
                    }
                    let named = metadata.configuration().get(PARTITION);
                    if let Some(partition) = named.and_then(|name| name.parse().ok()) {
                        self.partition = partition;
                    }
                }
                _ => {}
            }
        }
    }
}
