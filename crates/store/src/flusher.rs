//! The thread that moves sealed rows into files, beside the writer and never in its way; and beside it another one,
//! which merges small files.
//!
//! ```text
//! Job::Flush ─▶ sort ─▶ Parquet ─▶ commit {txn: Seq} ─▶ Outcome { the table's files now }
//!                                     └ enough files alike ─▶ compactor: merge ─▶ Job::Merged ─▶ commit ─▶ Outcome
//! ```
//!
//! - The flusher alone changes the lake, one thing after the other: what it says of a table's files is true until it
//!   says more. The compactor only reads files and writes a new one; the flusher commits it.
//! - A flush may be tried again after any failure: the commit itself tells up to which record rows are in files.
//! - A file that was replaced is deleted when the last snapshot that names it is gone.

mod dropped;

mod correcting;

use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, Sender};
use iobeam_journal::disk::Disk;
use iobeam_model::{Clock, FieldName};

use crate::budget::{Budget, Use};
use crate::chunk;
use crate::corrections::{Correction, Corrections};
use crate::error::StoreError;
use crate::intake::Confirm;
use crate::lake::compact::{self, Merge};
use crate::lake::delta::{Change, Lake, TableKey};
use crate::lake::parquet::{self, Target};
use crate::memtable::Sealed;
use crate::settings::Settings;
use crate::snapshot::{DataFile, FileFacts};
use crate::statistics::{Counters, count};

use correcting::{Correcting, Rewrite};
pub(crate) use correcting::{Round, RoundDone};
use dropped::Dropped;

/// The files of a table.
pub(crate) type FileList = Arc<[Arc<DataFile>]>;

/// What the flusher is asked to do.
#[derive(Debug)]
pub(crate) enum Job {
    /// Move rows into a file.
    Flush(Sealed),
    /// Give up files whose rows are all before a time.
    Retain { key: TableKey, keep_from: i64, answer: Confirm },
    /// Let go of a table; `again` when that failed before.
    Drop { key: TableKey, again: bool },
    /// Put a merged file in the place of others.
    Merged(Merged),
    /// Rewrite files for a correction.
    Correct(Round),
    /// Files were rewritten for a correction.
    Rewritten(RoundDone),
    /// A correction of this table has ended.
    CorrectionEnded(TableKey),
    /// A correction of this table cannot be made: what was written for it goes.
    CorrectionAbandoned(TableKey),
    /// End.
    Stop,
}

/// What became of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Sealed rows are in a file, or could not be moved there; with all the table's files.
    Flushed { key: TableKey, files: Result<FileList, StoreError> },
    /// A table's files changed, and its rows in memory did not; and whoever waits to hear of it.
    Refiled { key: TableKey, files: FileList, answer: Option<(Confirm, Result<(), StoreError>)> },
    /// A table is gone, or not yet.
    Dropped { key: TableKey, done: Result<(), StoreError> },
    /// The files of a correction's first round are rewritten, and nothing has changed yet.
    Rewritten { number: u64 },
    /// A correction is made in the lake; with all the table's files.
    Corrected { number: u64, files: FileList },
    /// A correction could not be made, and nothing has changed.
    NotCorrected { number: u64, error: StoreError },
}

/// What the compactor is asked to do.
#[derive(Debug)]
pub(crate) enum Task {
    /// Small files become a large one.
    Merge {
        /// Whose they are.
        key: TableKey,
        /// How.
        merge: Merge,
    },
    /// Files are rewritten for a correction.
    Rewrite(Rewrite),
}

/// What became of that.
#[derive(Debug)]
pub(crate) struct Merged {
    key: TableKey,
    inputs: Vec<Arc<DataFile>>,
    /// The new file; nothing when no row was left, or when it was told to stop.
    output: Result<Option<FileFacts>, StoreError>,
}

/// What the flusher works with, and others too.
type Environment = (Arc<dyn Clock>, Arc<dyn Disk>, Arc<Counters>, Arc<Budget>, Arc<Corrections>);

/// What a table's log says.
#[derive(Clone, Copy, Debug, Default)]
struct Logged {
    /// Journal records up to this one are in files.
    seq: u64,
    /// The last correction that was made.
    correction: u64,
}

/// Owns the lake.
pub(crate) struct Flusher {
    lake: Lake,
    files: HashMap<TableKey, FileList>,
    partitions: HashMap<TableKey, FieldName>,
    /// Rows before this time are not wanted.
    keep_from: HashMap<TableKey, i64>,
    /// Tables whose last commit failed in a way that leaves its outcome open.
    unsure: HashSet<TableKey>,
    /// Tables that were let go and whose folders are still there.
    dropped: HashMap<TableKey, Dropped>,
    settings: Settings,
    clock: Arc<dyn Clock>,
    disk: Arc<dyn Disk>,
    counters: Arc<Counters>,
    budget: Arc<Budget>,
    tasks: Sender<Task>,
    stop: Arc<AtomicBool>,
    /// Whether the compactor is at work.
    merging: bool,
    corrections: Arc<Corrections>,
    /// Corrections under way, and those whose next round waits for the compactor.
    correcting: Vec<Correcting>,
    rounds: VecDeque<u64>,
    /// Tables that are being corrected: their files are not merged.
    held: HashSet<TableKey>,
    /// Tables whose files may ask for a merge.
    grown: VecDeque<TableKey>,
}

impl Flusher {
    pub(crate) fn new(
        lake: Lake,
        (files, partitions): (HashMap<TableKey, FileList>, HashMap<TableKey, FieldName>),
        settings: Settings,
        (clock, disk, counters, budget, corrections): Environment,
        (tasks, stop): (Sender<Task>, Arc<AtomicBool>),
    ) -> Self {
        Self {
            held: corrections.open_ones().iter().map(Correction::key).collect(),
            corrections,
            correcting: Vec::new(),
            rounds: VecDeque::new(),
            lake,
            grown: files.keys().cloned().collect(),
            files,
            partitions,
            keep_from: HashMap::new(),
            unsure: HashSet::new(),
            dropped: HashMap::new(),
            settings,
            clock,
            disk,
            counters,
            budget,
            tasks,
            stop,
            merging: false,
        }
    }

    /// Works until it is told to stop.
    pub(crate) fn run(mut self, jobs: &Receiver<Job>, outcomes: &Sender<Outcome>) {
        self.start_merge();
        while let Ok(job) = jobs.recv() {
            let outcome = match job {
                Job::Flush(sealed) => Some(self.flush_and_count(sealed)),
                Job::Retain { key, keep_from, answer } => {
                    let done = self.retain(&key, keep_from);
                    let answer = Some((answer, done));
                    Some(Outcome::Refiled { files: self.known(&key), key, answer })
                }
                Job::Drop { key, again } => {
                    let done = self.drop_table(&key, again);
                    Some(Outcome::Dropped { key, done })
                }
                Job::Merged(merged) => self.take_merged(merged),
                Job::Correct(round) => self.take_round(round),
                Job::Rewritten(done) => self.take_rewritten(done),
                Job::CorrectionEnded(key) => {
                    self.release(&key);
                    None
                }
                Job::CorrectionAbandoned(key) => {
                    self.forget_corrections(&key);
                    self.release(&key);
                    None
                }
                Job::Stop => break,
            };
            if outcome.is_some_and(|outcome| outcomes.send(outcome).is_err()) {
                break;
            }
            self.tidy();
            self.start_merge();
        }
        self.stop.store(true, Ordering::Relaxed);
    }

    fn flush_and_count(&mut self, sealed: Sealed) -> Outcome {
        let key = sealed.key.clone();
        let started = self.clock.monotonic();
        // Whatever a table's rows may do to the program, they do it to that table alone.
        let files = catch_unwind(AssertUnwindSafe(|| self.flush(sealed)));
        let files = files.unwrap_or_else(|_| Err(panicked(&key)));
        match &files {
            Ok(_) => {
                self.counters.flushes.add(self.clock.monotonic().saturating_sub(started));
                self.grown.push_back(key.clone());
            }
            Err(error) => {
                count(&self.counters.flush_failures);
                tracing::error!(project = %key.0, namespace = %key.1, %error, "rows stay in memory and journal: they could not be flushed");
            }
        }
        Outcome::Flushed { key, files }
    }

    fn flush(&mut self, sealed: Sealed) -> Result<FileList, StoreError> {
        let Sealed { key, partition, mut chunks, seq } = sealed;
        self.make_way(&key)?;
        if let Some(keep_from) = self.keep_from.get(&key) {
            chunks = chunks.iter().filter_map(|c| chunk::shared_since(c, *keep_from)).collect();
        }
        if self.unsure.contains(&key) && self.settle(&key)?.seq >= seq {
            return Ok(self.known(&key));
        }
        let fields = chunk::united_schema(&chunks).fields()[1..]
            .iter()
            .map(|field| (field.name().as_str().into(), field.data_type().clone()))
            .collect();
        let target = self.target(&key, seq);
        let dir = &target.dir;
        self.disk.create_dir(dir).map_err(|error| StoreError::io("make", dir, error))?;
        // The rows themselves are counted where they came in. A flush never waits: it is what makes room.
        let beside = parquet::bytes_beside(&chunks, &target);
        let held = self.budget.hold(Use::Merges, beside);
        let facts = parquet::write(&*self.disk, target, chunks, partition.as_str())?;
        drop(held);
        self.partitions.insert(key.clone(), partition);
        let add: Vec<FileFacts> = facts.into_iter().collect();
        let change = Change {
            add: add.clone(),
            fields,
            data_changes: true,
            seq: Some(seq),
            ..Change::default()
        };
        self.commit(&key, change, |log, _| log.seq >= seq)?;
        Ok(self.known(&key))
    }

    fn target(&self, key: &TableKey, seq: u64) -> Target {
        let row_group_rows = self.settings.row_group_rows;
        // Last rows that would take all the memory for last rows would not be kept.
        let last_bytes =
            usize::try_from(self.settings.last_value_cache_bytes / 2).unwrap_or(usize::MAX);
        Target { dir: self.lake.dir(key), seq, row_group_rows, last_bytes, made_of: Vec::new() }
    }

    /// Commits a change and knows the table's files afterwards. When the commit's own answer leaves it open, the log
    /// is asked, and `is_made` tells from what it says and its files whether the change is in it.
    fn commit(
        &mut self,
        key: &TableKey,
        change: Change,
        is_made: impl Fn(Logged, &[Arc<DataFile>]) -> bool,
    ) -> Result<(), StoreError> {
        let partition = self.partitions.get(key).cloned().unwrap_or_else(FieldName::device_id);
        let made = self.lake.commit(key, &partition, &change);
        let Change { add: added, remove: removed, .. } = change;
        match made {
            Ok(()) => {
                let known = self.known(key);
                let stays =
                    |file: &&Arc<DataFile>| !removed.iter().any(|gone| Arc::ptr_eq(gone, file));
                let new = |facts: &FileFacts| Arc::new(DataFile::new(facts.clone(), &self.disk));
                let new = added.iter().map(new);
                let files = known.iter().filter(stays).map(Arc::clone).chain(new).collect();
                self.files.insert(key.clone(), files);
            }
            Err(error) => {
                self.unsure.insert(key.clone());
                let logged = self.settle(key)?;
                if !is_made(logged, &self.known(key)) {
                    // The new files do not count and never will.
                    for facts in &added {
                        drop(self.disk.remove(&facts.path));
                    }
                    return Err(error);
                }
            }
        }
        for file in &removed {
            file.retire(&self.disk);
        }
        Ok(())
    }

    /// Asks the log for a table's files, and how far they go.
    fn settle(&mut self, key: &TableKey) -> Result<Logged, StoreError> {
        if !self.lake.exists(key)? {
            self.unsure.remove(key);
            return Ok(Logged::default());
        }
        let loaded = self.lake.load(key)?;
        let known = self.known(key);
        let same = |file: Arc<DataFile>| {
            known.iter().find(|one| one.path() == file.path()).map_or(file, Arc::clone)
        };
        self.files.insert(key.clone(), loaded.files.into_iter().map(same).collect());
        self.unsure.remove(key);
        Ok(Logged { seq: loaded.seq, correction: loaded.correction })
    }

    fn known(&self, key: &TableKey) -> FileList {
        self.files.get(key).map_or_else(|| Arc::from([]), Arc::clone)
    }

    fn retain(&mut self, key: &TableKey, keep_from: i64) -> Result<(), StoreError> {
        self.keep_from.insert(key.clone(), keep_from);
        if self.unsure.contains(key) {
            self.settle(key)?;
        }
        let old = |file: &&Arc<DataFile>| file.max_time < keep_from;
        let remove: Vec<_> = self.known(key).iter().filter(old).map(Arc::clone).collect();
        if remove.is_empty() {
            return Ok(());
        }
        let (files, rows) = (remove.len(), remove.iter().map(|file| file.rows).sum::<u64>());
        let gone = remove.clone();
        let change = Change { remove, data_changes: true, ..Change::default() };
        let is_gone =
            |_, files: &[Arc<DataFile>]| !files.iter().any(|file| gone[0].path() == file.path());
        self.commit(key, change, is_gone)?;
        self.counters.expired_rows.fetch_add(rows, Ordering::Relaxed);
        tracing::info!(project = %key.0, namespace = %key.1, files, rows, "removed what is past its retention");
        Ok(())
    }

    /// Hands the compactor the next table that asks for it, unless it is at work.
    fn start_merge(&mut self) {
        self.start_round();
        while !self.merging
            && let Some(key) = self.grown.pop_front()
        {
            if self.held.contains(&key) {
                // It comes back once the correction has ended.
                continue;
            }
            let files = self.known(&key);
            let (at_once, most) = (self.settings.merge_files, self.settings.file_rows);
            let chosen = compact::plan(&files, at_once, most);
            let Some(files) = chosen.or_else(|| compact::unsummed(&files)) else { continue };
            let seq = files.iter().map(|file| file.seq).max().unwrap_or(0);
            let partition = self.partitions.get(&key).map_or("device_id", |name| name.as_str());
            let merge = Merge {
                files,
                keep_from: self.keep_from.get(&key).copied().unwrap_or(i64::MIN),
                target: self.target(&key, seq),
                partition: partition.into(),
            };
            self.merging = self.tasks.send(Task::Merge { key, merge }).is_ok();
        }
    }

    fn take_merged(&mut self, merged: Merged) -> Option<Outcome> {
        self.merging = false;
        let Merged { key, inputs, output } = merged;
        let damaged = inputs.iter().find_map(|file| file.damage().cloned());
        if let Some(error) = damaged {
            // The others of its table are merged without it.
            tracing::error!(project = %key.0, namespace = %key.1, %error, "a damaged file is not merged with others");
            if let Ok(Some(facts)) = output {
                drop(self.disk.remove(&facts.path));
            }
            self.grown.push_back(key);
            return None;
        }
        let done = output.and_then(|output| self.replace(&key, inputs, output));
        match done {
            Ok(()) => {
                count(&self.counters.compactions);
                self.grown.push_back(key.clone());
                let files = self.known(&key);
                Some(Outcome::Refiled { key, files, answer: None })
            }
            Err(error) => {
                tracing::error!(project = %key.0, namespace = %key.1, %error, "small files stay as they are: they could not be merged");
                None
            }
        }
    }

    fn replace(
        &mut self,
        key: &TableKey,
        inputs: Vec<Arc<DataFile>>,
        output: Option<FileFacts>,
    ) -> Result<(), StoreError> {
        if self.unsure.contains(key) {
            self.settle(key)?;
        }
        let known = self.known(key);
        let all_there =
            inputs.iter().all(|input| known.iter().any(|file| Arc::ptr_eq(file, input)));
        if !all_there {
            // Retention was quicker, or the table was let go. The others may be merged anew.
            if let Some(facts) = &output {
                drop(self.disk.remove(&facts.path));
            }
            return Ok(());
        }
        let rows: u64 = inputs.iter().map(|file| file.rows).sum();
        let gone = inputs[0].path().to_owned();
        let expired = rows.saturating_sub(output.as_ref().map_or(0, |facts| facts.rows));
        let change = Change {
            data_changes: expired > 0,
            add: output.into_iter().collect(),
            remove: inputs,
            ..Change::default()
        };
        self.commit(key, change, |_, files| !files.iter().any(|file| file.path() == gone))?;
        self.counters.expired_rows.fetch_add(expired, Ordering::Relaxed);
        Ok(())
    }
}

fn panicked(key: &TableKey) -> StoreError {
    let table = format!("{}/{}", key.0, key.1);
    StoreError::Lake { table, reason: "the program failed on it".to_owned() }
}

/// Merges files, one table after the other.
pub(crate) struct Compactor {
    pub(crate) disk: Arc<dyn Disk>,
    /// Says that what is being done is no longer wanted.
    pub(crate) stop: Arc<AtomicBool>,
    /// What merges share with imports and queries.
    pub(crate) budget: Arc<Budget>,
    /// Where it is said how far a correction is.
    pub(crate) corrections: Arc<Corrections>,
}

impl Compactor {
    /// Works until nobody can ask for more.
    pub(crate) fn run(self, tasks: &Receiver<Task>, answers: &Sender<Job>) {
        for task in tasks {
            let (key, merge) = match task {
                Task::Merge { key, merge } => (key, merge),
                Task::Rewrite(order) => {
                    let Some(done) = self.rewrite(order) else { return };
                    if answers.send(done).is_err() {
                        return;
                    }
                    continue;
                }
            };
            let inputs = merge.files.clone();
            let bounds = (&*self.budget, &*self.stop);
            let output =
                catch_unwind(AssertUnwindSafe(|| compact::merge(&self.disk, merge, bounds)));
            let output = output.unwrap_or_else(|_| Err(panicked(&key)));
            if self.stop.load(Ordering::Relaxed) {
                if let Ok(Some(facts)) = output {
                    let _ = self.disk.remove(&facts.path);
                }
                return;
            }
            if answers.send(Job::Merged(Merged { key, inputs, output })).is_err() {
                return;
            }
        }
    }
}
