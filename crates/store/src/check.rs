//! Looks at a store that nobody has open, and says what is wrong with it.
//!
//! ```text
//! lock ─▶ journal: each record ─▶ receipts ─▶ each table: Delta log ─▶ each file: all its pages ─▶ Checkup
//!            with `repair`: what cannot be read is moved into set-aside/, and the log told so
//! ```
//!
//! Nothing is ever deleted. Without `repair` nothing is changed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use iobeam_journal::{Disk, JournalError, Record, Recovery, inspect};
use iobeam_model::{Clock, FieldName, NamespaceName, ProjectId};
use iobeam_wire::batch::{Limits, decode};

use crate::corrections::Corrections;
use crate::error::StoreError;
use crate::lake::delta::dropped::marker;
use crate::lake::delta::{Change, Lake, TableKey};
use crate::opening::{identity, take_hold};
use crate::receipts;
use crate::settings::Settings;
use crate::wal::gone::Gone;
use crate::wal::{GONE, Head, IMPORT};

mod tables;

mod rebuild;

mod contents;

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file or folder.
    pub place: PathBuf,
    /// What is wrong with it.
    pub problem: String,
    /// What that means for the data.
    pub meaning: String,
    /// What can be done.
    pub remedy: String,
    /// To be expected after a crash, or merely worth knowing: the store is sound all the same.
    pub harmless: bool,
    /// What was done about it just now.
    pub repaired: Option<String>,
}

impl Finding {
    /// Something that does harm and that nothing was done about yet.
    pub fn new(place: &Path, problem: String, meaning: &str, remedy: &str) -> Self {
        Self {
            place: place.to_owned(),
            problem,
            meaning: meaning.to_owned(),
            remedy: remedy.to_owned(),
            harmless: false,
            repaired: None,
        }
    }

    /// A table that is out of service: its log is damaged there.
    pub fn of_table(place: &Path, problem: String) -> Self {
        let meaning = "the table is out of service, and all others are served; its Parquet files may well be sound";
        let remedy = "put the table's folder back from a backup; iobeam doctor DIR --repair builds the table again of its readable commits and its sound files, and moves the rest to set-aside";
        Self::new(place, problem, meaning, remedy)
    }

    /// A file of a table that is not what was written, or is gone; `held` says what was in it.
    pub fn of_file(place: &Path, problem: String, held: &str) -> Self {
        let meaning = format!("queries that need it fail; {held}");
        let remedy = "put the file back from a backup; without one, iobeam doctor DIR --repair takes it out of the table, moves it to set-aside, and the table is served without it";
        Self::new(place, problem, &meaning, remedy)
    }
}

/// A table that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedTable {
    /// Whose it is.
    pub project: ProjectId,
    /// Which namespace's.
    pub namespace: NamespaceName,
    /// The field its log says it is partitioned by; `None` when the log cannot be read.
    pub partition: Option<FieldName>,
    /// Files that are sound.
    pub files: u64,
    /// Rows in them.
    pub rows: u64,
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkup {
    /// What is not as it should be.
    pub findings: Vec<Finding>,
    /// Records of the journal that can be read.
    pub records: u64,
    /// The tables.
    pub tables: Vec<CheckedTable>,
}

/// What a check is made with.
pub(crate) struct Examiner<'a> {
    dir: PathBuf,
    disk: Arc<dyn Disk>,
    repair: bool,
    progress: &'a mut (dyn FnMut(&str) + Send),
    checkup: Checkup,
    /// The last record that the journal has.
    last_record: u64,
    /// The last record that files or receipts know of.
    known_record: u64,
    /// Rows of each table in the journal, by record.
    rows: HashMap<TableKey, Vec<(u64, u64)>>,
}

/// Looks at the store in a folder. `progress` hears what is being looked at.
///
/// # Errors
/// When it cannot be looked at: a process has it open, or the disk refuses. What is damaged is no error but a finding.
pub fn check(
    dir: &Path,
    (clock, disk): (Arc<dyn Clock>, Arc<dyn Disk>),
    repair: bool,
    progress: &mut (dyn FnMut(&str) + Send),
) -> Result<Checkup, StoreError> {
    // On a thread of its own: the lake waits for its own runtime, which must not be done on a thread of the caller's.
    thread::scope(|scope| {
        let looking = scope.spawn(|| look(dir, (clock, disk), repair, progress));
        looking.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Notes that all rows of a table are in its files, up to the last record of the journal: what the journal says of an
/// earlier table, under whatever name this one gets, does not concern it then. They must be, and nobody may have the
/// store open.
///
/// # Errors
/// When there is no such table, it is damaged, or the disk refuses.
pub fn mark_filed(
    dir: &Path,
    (clock, disk): (Arc<dyn Clock>, Arc<dyn Disk>),
    (project, namespace): (ProjectId, &NamespaceName),
) -> Result<(), StoreError> {
    let mark = || {
        let (settings, _lock) = take_hold(Settings::new(dir), &*disk)?;
        let journal = inspect(&settings.dir.join("journal"), &*disk);
        let (recovery, _) = journal.map_err(|error| StoreError::Journal(Arc::new(error)))?;
        let mut lake = Lake::open(settings.dir.join("lake"), clock, Arc::clone(&disk))?;
        let path = identity::path(&settings.dir);
        let said = identity::read(&path, &*disk)?;
        let id = identity::decide(&path, &said, &lake.stores()?)?;
        lake.name(id);
        let key = (project, namespace.clone());
        let loaded = lake.load(&key)?;
        let seq = Some(recovery.last.0.max(loaded.seq));
        lake.commit(&key, &loaded.partition, &Change { seq, ..Change::default() })
    };
    thread::scope(|scope| {
        let marking = scope.spawn(mark);
        marking.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn look(
    dir: &Path,
    (clock, disk): (Arc<dyn Clock>, Arc<dyn Disk>),
    repair: bool,
    progress: &mut (dyn FnMut(&str) + Send),
) -> Result<Checkup, StoreError> {
    let (settings, _lock) = take_hold(Settings::new(dir), &*disk)?;
    let mut examiner = Examiner {
        dir: settings.dir.clone(),
        disk: Arc::clone(&disk),
        repair,
        progress,
        checkup: Checkup::default(),
        last_record: 0,
        known_record: 0,
        rows: HashMap::new(),
    };
    examiner.free_space(settings.reserve_bytes)?;
    examiner.journal()?;
    examiner.receipts(&settings, &clock)?;
    examiner.corrections()?;
    let lake = settings.dir.join("lake");
    if disk.exists(&lake).map_err(|error| StoreError::io("look at", &lake, error))? {
        let mut lake = Lake::open(lake, clock, disk)?;
        examiner.store_id(&mut lake)?;
        for key in lake.marked()? {
            let place = marker(&lake.dir(&key));
            let meaning =
                "no row is missing: the namespace was deleted, and a stop or crash came in between";
            let problem = "the table is being deleted".to_owned();
            let finding =
                examiner.find(&place, problem, meaning, "the server's next start ends it");
            finding.harmless = true;
        }
        for key in lake.tables()?.into_iter().chain(lake.logless()?) {
            examiner.table(&mut lake, &key)?;
        }
    }
    examiner.end_of_journal();
    Ok(examiner.checkup)
}

impl Examiner<'_> {
    fn find(&mut self, place: &Path, problem: String, meaning: &str, remedy: &str) -> &mut Finding {
        self.note(Finding::new(place, problem, meaning, remedy))
    }

    fn note(&mut self, finding: Finding) -> &mut Finding {
        let findings = &mut self.checkup.findings;
        findings.push(finding);
        let last = findings.len() - 1;
        &mut findings[last]
    }

    /// Notes what was done about the last finding.
    fn repaired(&mut self, what: String) {
        if let Some(finding) = self.checkup.findings.last_mut() {
            finding.repaired = Some(what);
        }
    }

    /// Moves a file or folder to the same place below `set-aside`, and says so of the last finding.
    fn set_aside(&mut self, path: &Path) -> Result<(), StoreError> {
        let to = self.move_aside(path)?;
        self.repaired(format!("moved to {}", to.display()));
        Ok(())
    }

    /// Moves a file or folder to the same place below `set-aside`.
    fn move_aside(&mut self, path: &Path) -> Result<PathBuf, StoreError> {
        let below = path.strip_prefix(&self.dir).unwrap_or(path);
        let mut to = self.dir.join("set-aside").join(below);
        let failed = |error| StoreError::io("move aside", path, error);
        let mut number = 1;
        while self.disk.exists(&to).map_err(failed)? {
            // What was set aside before stays where it is.
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("file");
            to.set_file_name(format!("{name}.{number}"));
            number += 1;
        }
        let folder = to.parent().unwrap_or(&self.dir).to_owned();
        self.disk.create_dir(&folder).map_err(failed)?;
        self.disk.rename(path, &to).map_err(failed)?;
        self.disk.sync_dir(&folder).map_err(failed)?;
        self.disk.sync_dir(path.parent().unwrap_or(&self.dir)).map_err(failed)?;
        Ok(to)
    }

    fn free_space(&mut self, reserve: u64) -> Result<(), StoreError> {
        let dir = self.dir.clone();
        let free = self.disk.free_space(&dir);
        let free =
            free.map_err(|error| StoreError::io("ask for the free space of", &dir, error))?;
        if free < reserve {
            let problem =
                format!("{free} bytes are free on its disk, and {reserve} are kept in reserve");
            let meaning = "no reading is lost, but the server refuses new ones";
            self.find(
                &dir,
                problem,
                meaning,
                "make room on the disk, or move the folder to a larger one",
            );
        }
        Ok(())
    }

    /// The journal: what is damaged, and whether each record can be applied.
    fn journal(&mut self) -> Result<(), StoreError> {
        let dir = self.dir.join("journal");
        let there =
            self.disk.exists(&dir).map_err(|error| StoreError::io("look at", &dir, error))?;
        if !there {
            return Ok(());
        }
        (self.progress)("the write-ahead log");
        let (recovery, records) = match inspect(&dir, &*self.disk) {
            Err(error @ JournalError::Version { .. }) => {
                let meaning = "what is in the log cannot be read by this program";
                self.find(
                    &dir,
                    error.to_string(),
                    meaning,
                    "use the program that wrote it, or a newer one",
                );
                return Ok(());
            }
            other => other.map_err(|error| StoreError::Journal(Arc::new(error)))?,
        };
        self.last_record = recovery.last.0;
        self.cut_or_damaged(&recovery);
        for record in records {
            self.record(&dir, record);
        }
        Ok(())
    }

    /// Where the journal is not what was written.
    fn cut_or_damaged(&mut self, recovery: &Recovery) {
        if let Some(torn) = &recovery.torn {
            let problem = format!("the last write was cut short at byte {}", torn.offset);
            let meaning = "nothing is lost: that write was never acknowledged";
            let finding = self.find(&torn.path, problem, meaning, "nothing needs to be done");
            finding.harmless = true;
        }
        for damage in &recovery.damaged {
            let records = damage.lost.map_or_else(
                || "an unknown number of records".to_owned(),
                |(first, last)| format!("records {first} to {last}"),
            );
            let problem = if damage.bytes == 0 {
                format!("{records} are missing: a file is gone, empty or shorter than it was")
            } else {
                let (bytes, offset) = (damage.bytes, damage.offset);
                format!("{bytes} bytes from byte {offset} on are damaged: {records}")
            };
            let meaning = "the readings in these records are lost unless a Parquet file has them already; all other records are sound and are read";
            let remedy = "start the server: it reads what is sound, and moves the segment to journal/damaged once its rows are in files";
            self.find(&damage.path, problem, meaning, remedy);
        }
    }

    /// Whether a record can be read and applied.
    fn record(&mut self, dir: &Path, record: Result<Record, JournalError>) {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let meaning = "the readings in it are lost unless a Parquet file has them already";
                let remedy = "check the disk; start the server, which reads what is sound";
                self.find(dir, error.to_string(), meaning, remedy);
                return;
            }
        };
        self.checkup.records += 1;
        self.count_rows(record.seq.0, record.kind, &record.payload);
        if let Err(reason) = readable(record.kind, &record.payload) {
            let problem = format!("record {} cannot be applied: {reason}", record.seq);
            let meaning = "its readings are not shown; its bytes are kept";
            let remedy = "start the server: it moves the record to set-aside with its reason";
            self.find(dir, problem, meaning, remedy);
        }
    }

    fn count_rows(&mut self, seq: u64, kind: u8, payload: &[u8]) {
        let Ok((head, batches)) = Head::read(payload) else { return };
        for (batch, bytes) in head.batches.iter().zip(batches).filter(|_| kind == IMPORT) {
            if let Ok(peeked) = iobeam_wire::batch::peek(bytes) {
                let key = (head.project, peeked.namespace);
                self.rows.entry(key).or_default().push((seq, u64::from(batch.rows)));
            }
        }
    }

    /// Whether the journal has fewer rows of a table, up to a record, than a file has.
    fn journal_lacks(&self, key: &TableKey, upto: u64, rows: u64) -> bool {
        let records = self.rows.get(key).into_iter().flatten();
        records.filter(|(seq, _)| *seq <= upto).map(|(_, rows)| rows).sum::<u64>() < rows
    }

    /// Whether records are missing at the journal's end, of which something else knows.
    fn end_of_journal(&mut self) {
        let (last, known) = (self.last_record, self.known_record);
        if last < known {
            let dir = self.dir.join("journal");
            let problem =
                format!("the log ends with record {last}, and there was a record {known} once");
            let meaning = "the readings in the records between are lost unless a Parquet file has them already";
            let remedy =
                "put journal/ back from a backup if there is one; the server starts without";
            self.find(&dir, problem, meaning, remedy);
        }
    }

    /// Orders of corrections, and values that did not convert.
    fn corrections(&mut self) -> Result<(), StoreError> {
        let dir = self.dir.join("corrections");
        let mut damage = Vec::new();
        let corrections = Corrections::open(dir.clone(), Arc::clone(&self.disk), &mut damage)?;
        damage.extend(corrections.damaged_values().iter().map(ToString::to_string));
        for problem in damage {
            let meaning = "no row is missing or wrong: a correction that had not ended is not made, or values that did not convert cannot be listed";
            let remedy = "put the file back from a backup, or order the correction again";
            self.find(&dir, problem, meaning, remedy);
        }
        Ok(())
    }

    /// The receipts: without them repeats are not recognised.
    fn receipts(&mut self, settings: &Settings, clock: &Arc<dyn Clock>) -> Result<(), StoreError> {
        (self.progress)("the receipts");
        let (found, saved) = receipts::check(settings, clock, &self.disk)?;
        self.known_record = self.known_record.max(saved);
        for (path, reason) in found {
            let meaning = "no reading is lost; an import of the last 24 hours that is sent once more is stored once more";
            let remedy =
                "iobeam doctor DIR --repair, or the server's next start, moves it to set-aside";
            self.find(&path, reason, meaning, remedy);
            if self.repair {
                self.set_aside(&path)?;
            }
        }
        Ok(())
    }

    /// Finds out under which name the store's commits are known.
    fn store_id(&mut self, lake: &mut Lake) -> Result<(), StoreError> {
        let path = identity::path(&self.dir);
        let known = lake.stores()?;
        let said = identity::read(&path, &*self.disk)?;
        match identity::decide(&path, &said, &known) {
            Ok(id) => {
                let wrong = match &said {
                    identity::Said::Name { id: said, .. } if *said == id => None,
                    identity::Said::Name { id: said, .. } => Some(format!("it names {said}")),
                    identity::Said::Damaged(reason) => Some(reason.clone()),
                    identity::Said::Nothing => {
                        (!known.is_empty()).then(|| "it is missing".to_owned())
                    }
                };
                if let Some(wrong) = wrong {
                    let meaning = "no row is lost or counted twice: all tables name the same store";
                    let remedy = "the server's next start writes it again";
                    self.find(&path, wrong, meaning, remedy).harmless = true;
                }
                lake.name(id);
            }
            Err(StoreError::Damaged { reason, .. }) => {
                let meaning = "it cannot be told which records of the log are in Parquet files already, and the server does not start";
                let remedy = "put the file back from a backup before the server starts";
                self.find(&path, reason, meaning, remedy);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Whether a record could be applied.
fn readable(kind: u8, payload: &[u8]) -> Result<(), String> {
    if kind == GONE {
        return Gone::read(payload).map(drop);
    }
    if kind != IMPORT {
        return Err(format!("it is of kind {kind}, which this version does not know"));
    }
    let (_, batches) = Head::read(payload)?;
    for bytes in batches {
        decode(bytes, &Limits::NONE).map_err(|error| error.to_string())?;
    }
    Ok(())
}
