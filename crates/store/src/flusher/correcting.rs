//! Corrections: files of a table are rewritten beside the old ones, and take their place in one commit.
//!
//! ```text
//! Job::Correct { round } ─▶ compactor: rewrite each file ─▶ Job::Rewritten ─┬─ not the last round ─▶ Outcome::Rewritten
//!                                                                          └─ commit ─▶ Outcome::Corrected
//! ```
//!
//! - Until the commit nothing changes for anybody; what was written so far is swept up when the process ends.
//! - Files of a table that is being corrected are not merged: a merge would mix rows that are meant with later ones.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::edit::Edit;
use crate::error::StoreError;
use crate::lake::compact::rewrite::{self, Rewritten, Tools};
use crate::lake::delta::{Change, Made, TableKey};
use crate::lake::parquet::Target;
use crate::quarantine::Quarantine;
use crate::snapshot::{DataFile, FileFacts};

use super::{Compactor, Flusher, Job, Outcome, Task, panicked};

/// Files of a table that are to be rewritten.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    /// Which correction.
    pub(crate) number: u64,
    /// Which table.
    pub(crate) key: TableKey,
    /// What it does.
    pub(crate) edit: Arc<Edit>,
    /// Files with later records than this one are not meant.
    pub(crate) upto: u64,
    /// Whether the correction is made afterwards.
    pub(crate) last: bool,
}

/// A correction under way.
pub(super) struct Correcting {
    round: Round,
    /// Files that have been rewritten, or need not be.
    seen: Vec<(Arc<DataFile>, Rewritten)>,
    /// Where values go that do not convert; not here while the compactor has it.
    quarantine: Option<Quarantine>,
}

/// A round for the compactor.
#[derive(Debug)]
pub(crate) struct Rewrite {
    round: Round,
    files: Vec<(Arc<DataFile>, Target)>,
    partition: Box<str>,
    keep_from: i64,
    quarantine: Quarantine,
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct RoundDone {
    number: u64,
    seen: Result<Vec<(Arc<DataFile>, Rewritten)>, StoreError>,
    quarantine: Quarantine,
}

impl Flusher {
    /// Takes an order, or the next round of one. A table whose log is damaged has nothing rewritten: it could not be
    /// committed.
    pub(super) fn take_round(&mut self, round: Round) -> Option<Outcome> {
        let number = round.number;
        self.held.insert(round.key.clone());
        if let Err(error) = self.expect_sound_log(&round.key) {
            let gone = self.correcting.extract_if(.., |one| one.round.number == number);
            for (_, rewritten) in gone.collect::<Vec<_>>().into_iter().flat_map(|one| one.seen) {
                self.discard(rewritten);
            }
            return Some(Outcome::NotCorrected { number, error });
        }
        if let Some(known) = self.correcting.iter_mut().find(|one| one.round.number == number) {
            known.round = round;
        } else {
            let quarantine = Some(self.corrections.quarantine(number));
            self.correcting.push(Correcting { round, seen: Vec::new(), quarantine });
        }
        self.rounds.push_back(number);
        None
    }

    /// Refuses a table whose log is not what was written.
    fn expect_sound_log(&self, key: &TableKey) -> Result<(), StoreError> {
        if self.lake.exists(key)? { self.lake.refuse_damaged(key) } else { Ok(()) }
    }

    /// A correction has ended: files of its table may be merged again.
    pub(super) fn release(&mut self, key: &TableKey) {
        self.held.remove(key);
        self.grown.push_back(key.clone());
    }

    /// Hands the compactor the next round, unless it is at work.
    pub(super) fn start_round(&mut self) {
        while !self.merging
            && let Some(number) = self.rounds.pop_front()
        {
            let at = self.correcting.iter().position(|one| one.round.number == number);
            let Some(at) = at else { continue };
            let Correcting { round, seen, quarantine } = &mut self.correcting[at];
            let Some(quarantine) = quarantine.take() else { continue };
            let round = round.clone();
            let is_seen =
                |file: &Arc<DataFile>| seen.iter().any(|(known, _)| Arc::ptr_eq(known, file));
            let known = self.files.get(&round.key).map(Arc::clone).unwrap_or_default();
            let meant = known.iter().filter(|file| file.seq <= round.upto && !is_seen(file));
            let meant: Vec<_> = meant.map(Arc::clone).collect();
            let files = meant.into_iter().map(|file| {
                let target = self.target(&round.key, file.seq);
                (file, target)
            });
            let files = files.collect();
            let partition = self.partitions.get(&round.key);
            let partition = partition.map_or("device_id", |name| name.as_str()).into();
            let keep_from = self.keep_from.get(&round.key).copied().unwrap_or(i64::MIN);
            let task = Task::Rewrite(Rewrite { round, files, partition, keep_from, quarantine });
            self.merging = self.tasks.send(task).is_ok();
        }
    }

    /// The compactor is done with a round.
    pub(super) fn take_rewritten(&mut self, done: RoundDone) -> Option<Outcome> {
        self.merging = false;
        let RoundDone { number, seen, mut quarantine } = done;
        let at = self.correcting.iter().position(|one| one.round.number == number);
        let Some(at) = at else {
            // The table was let go meanwhile.
            for (_, rewritten) in seen.into_iter().flatten() {
                self.discard(rewritten);
            }
            return None;
        };
        let made = seen.and_then(|seen| {
            let quarantined = quarantine.sync()?;
            let correcting = &mut self.correcting[at];
            correcting.seen.extend(seen);
            if !correcting.round.last {
                correcting.quarantine = Some(quarantine);
                return Ok(None);
            }
            self.make(at, quarantined).map(Some)
        });
        let key = self.correcting[at].round.key.clone();
        match made {
            Ok(None) => Some(Outcome::Rewritten { number }),
            Ok(Some(())) => {
                self.correcting.remove(at);
                Some(Outcome::Corrected { number, files: self.known(&key) })
            }
            Err(error) => {
                for (_, rewritten) in self.correcting.remove(at).seen {
                    self.discard(rewritten);
                }
                Some(Outcome::NotCorrected { number, error })
            }
        }
    }

    /// Puts the rewritten files in the place of the old ones.
    fn make(&mut self, at: usize, quarantined: u64) -> Result<(), StoreError> {
        let Round { number, key, edit, .. } = self.correcting[at].round.clone();
        if self.unsure.contains(&key) {
            self.settle(&key)?;
        }
        let known = self.known(&key);
        let (mut add, mut remove, mut rows): (Vec<FileFacts>, _, _) = (Vec::new(), Vec::new(), 0);
        let mut damaged = None;
        for (file, rewritten) in std::mem::take(&mut self.correcting[at].seen) {
            let Rewritten::Changed { output, rows: changed } = rewritten else { continue };
            if output.is_some() && damaged.is_none() {
                damaged = rewrite::refuse_damaged(&file).err();
            }
            if known.iter().any(|one| Arc::ptr_eq(one, &file)) {
                rows += changed;
                add.extend(output);
                remove.push(file);
            } else {
                // It is past its retention by now.
                self.discard(Rewritten::Changed { output, rows: changed });
            }
        }
        if let Some(error) = damaged {
            for facts in add {
                // What stays is swept up at the next start.
                let _ = self.disk.remove(&facts.path);
            }
            return Err(error);
        }
        self.corrections.save(number, |one| (one.rows, one.quarantined) = (rows, quarantined))?;
        let nothing = remove.is_empty() && !edit.changes_fields();
        if nothing || !self.lake.exists(&key)? {
            return Ok(());
        }
        let made = Some(Made { number, edit: Some(edit) });
        let change = Change { add, remove, data_changes: true, made, ..Change::default() };
        self.commit(&key, change, |log, _| log.correction >= number)
    }

    /// Removes what was written and does not count.
    fn discard(&self, rewritten: Rewritten) {
        if let Rewritten::Changed { output: Some(FileFacts { path, .. }), .. } = rewritten {
            // What stays is swept up at the next start.
            let _ = self.disk.remove(&path);
        }
    }

    /// Forgets the corrections of a table that is let go.
    pub(super) fn forget_corrections(&mut self, key: &TableKey) {
        self.held.remove(key);
        let gone: Vec<Correcting> =
            self.correcting.extract_if(.., |one| one.round.key == *key).collect();
        for (_, rewritten) in gone.into_iter().flat_map(|one| one.seen) {
            self.discard(rewritten);
        }
    }
}

impl Compactor {
    /// Rewrites the files of a round; nothing when it was told to stop.
    pub(super) fn rewrite(&self, order: Rewrite) -> Option<Job> {
        let Rewrite { round, files, partition, keep_from, mut quarantine } = order;
        let count = files.len() as u64;
        self.corrections.update(round.number, |one| one.files = (one.files.0 + count, one.files.1));
        let mut seen = Vec::with_capacity(files.len());
        let mut failed = None;
        for (file, target) in files {
            let mut tools = Tools {
                disk: &self.disk,
                budget: &self.budget,
                stop: &self.stop,
                quarantine: &mut quarantine,
            };
            let how = (target, &*partition, keep_from);
            let work = || rewrite::rewrite(&mut tools, &file, &round.edit, how);
            let rewritten = catch_unwind(AssertUnwindSafe(work));
            match rewritten.unwrap_or_else(|_| Err(panicked(&round.key))) {
                Ok(rewritten) => seen.push((file, rewritten)),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
            self.corrections.update(round.number, |one| one.files.1 += 1);
        }
        let stopped = self.stop.load(Ordering::Relaxed);
        let Some(error) = failed.or(stopped.then_some(StoreError::Closed)) else {
            return Some(Job::Rewritten(RoundDone {
                number: round.number,
                seen: Ok(seen),
                quarantine,
            }));
        };
        for (_, rewritten) in seen {
            if let Rewritten::Changed { output: Some(facts), .. } = rewritten {
                let _ = self.disk.remove(&facts.path);
            }
        }
        let done = RoundDone { number: round.number, seen: Err(error), quarantine };
        (!stopped).then_some(Job::Rewritten(done))
    }
}
