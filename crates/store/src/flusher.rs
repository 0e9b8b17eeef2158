//! The thread that moves sealed rows into files, beside the writer and never in its way.
//!
//! ```text
//! Job::Flush(Sealed) ─▶ sort ─▶ Parquet ─▶ commit {txn: Seq} ─▶ Outcome { the table's files now }
//! ```
//!
//! - It alone changes the lake, one thing after the other: what it says of a table's files is true until it says more.
//! - A flush may be tried again after any failure: the commit itself tells up to which record rows are in files.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use iobeam_journal::disk::Disk;
use iobeam_model::Clock;

use crate::chunk;
use crate::error::StoreError;
use crate::lake::delta::{Change, Lake, TableKey};
use crate::lake::parquet::{self, Target};
use crate::memtable::Sealed;
use crate::settings::Settings;
use crate::snapshot::{DataFile, FileFacts};
use crate::statistics::{Counters, count};

/// What the flusher is asked to do.
#[derive(Debug)]
pub(crate) enum Job {
    /// Move rows into a file.
    Flush(Sealed),
    /// End.
    Stop,
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Which table.
    pub(crate) key: TableKey,
    /// All its files now.
    pub(crate) files: Result<Arc<[Arc<DataFile>]>, StoreError>,
}

/// Owns the lake.
pub(crate) struct Flusher {
    pub(crate) lake: Lake,
    pub(crate) files: HashMap<TableKey, Arc<[Arc<DataFile>]>>,
    /// Tables whose last commit failed in a way that leaves its outcome open.
    pub(crate) unsure: HashSet<TableKey>,
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) counters: Arc<Counters>,
}

impl Flusher {
    /// Works until it is told to stop.
    pub(crate) fn run(mut self, jobs: &Receiver<Job>, outcomes: &Sender<Outcome>) {
        while let Ok(Job::Flush(sealed)) = jobs.recv() {
            let key = sealed.key.clone();
            let started = self.clock.monotonic();
            // Whatever a table's rows may do to the program, they do it to that table alone.
            let files = catch_unwind(AssertUnwindSafe(|| self.flush(sealed)));
            let files = files.unwrap_or_else(|_| {
                Err(StoreError::Lake {
                    table: format!("{}/{}", key.0, key.1),
                    reason: "the program failed on it".to_owned(),
                })
            });
            match &files {
                Ok(_) => {
                    let took = self.clock.monotonic().saturating_sub(started);
                    self.counters.flushes.add(took);
                }
                Err(error) => {
                    count(&self.counters.flush_failures);
                    tracing::error!(project = %key.0, namespace = %key.1, %error, "rows stay in memory and journal: they could not be flushed");
                }
            }
            if outcomes.send(Outcome { key, files }).is_err() {
                return;
            }
        }
    }

    fn flush(&mut self, sealed: Sealed) -> Result<Arc<[Arc<DataFile>]>, StoreError> {
        let Sealed { key, partition, chunks, seq } = sealed;
        if self.unsure.contains(&key) && self.settle(&key, seq)? {
            return Ok(self.known(&key));
        }
        let fields = chunk::united_schema(&chunks).fields()[1..]
            .iter()
            .map(|field| (field.name().as_str().into(), field.data_type().clone()))
            .collect();
        let dir = self.lake.dir(&key);
        self.disk.create_dir(&dir).map_err(|error| StoreError::io("make", &dir, error))?;
        let target = Target { dir, seq, row_group_rows: self.settings.row_group_rows };
        let facts = parquet::write(&*self.disk, &target, chunks, partition.as_str())?;
        let change =
            Change { add: vec![facts.clone()], fields, seq: Some(seq), ..Change::default() };
        match self.lake.commit(&key, &partition, change) {
            Ok(()) => self.took(&key, facts),
            Err(error) => {
                self.unsure.insert(key.clone());
                if !self.settle(&key, seq)? {
                    // It does not count and never will.
                    let _ = self.disk.remove(&facts.path);
                    return Err(error);
                }
            }
        }
        Ok(self.known(&key))
    }

    /// Asks the log whether the rows up to a record are in files.
    fn settle(&mut self, key: &TableKey, seq: u64) -> Result<bool, StoreError> {
        if !self.lake.exists(key)? {
            self.unsure.remove(key);
            return Ok(false);
        }
        let loaded = self.lake.load(key)?;
        let known = self.known(key);
        let same = |file: Arc<DataFile>| {
            known.iter().find(|one| one.path() == file.path()).map_or(file, Arc::clone)
        };
        self.files.insert(key.clone(), loaded.files.into_iter().map(same).collect());
        self.unsure.remove(key);
        Ok(loaded.seq >= seq)
    }

    fn known(&self, key: &TableKey) -> Arc<[Arc<DataFile>]> {
        self.files.get(key).map_or_else(|| Arc::from([]), Arc::clone)
    }

    fn took(&mut self, key: &TableKey, facts: FileFacts) {
        let known = self.known(key);
        let new = Arc::new(DataFile::new(facts));
        self.files.insert(key.clone(), known.iter().map(Arc::clone).chain([new]).collect());
    }
}
