//! Corrections: rows that are deleted, and fields that are dropped, renamed or retyped.
//!
//! ```text
//! ordered ─ the table's rows go into files ─▶ order on disk, answered ─▶ rewriting ─┬─ rows: committed ─▶ shown, done
//!                                                                                  └─ fields ─▶ frozen: imports wait,
//!            the rest is flushed and rewritten ─▶ committed, ready ─ switch ─▶ shown ─ end ─▶ done, thawed
//! ```
//!
//! - What is meant is what is in files when the order is answered: what is stored later stays as it is, also when
//!   rows are deleted before a crash and after it.
//! - Everybody sees all of a correction or nothing of it: the files change places in one step.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::corrections::{Correction, CorrectionState};
use crate::edit::Edit;
use crate::error::{FileError, StoreError};
use crate::flusher::{FileList, Job, Outcome, Round};
use crate::intake::Confirm;
use crate::lake::delta::TableKey;
use crate::memtable::Memtable;
use crate::wal::gone::Gone;

use super::Writer;

/// A correction that could not be made is tried again after this long, then after twice as long, and so on.
const RETRY_MILLIS: u64 = 10_000;
/// And at least so often: files are rewritten each time.
const MAX_RETRY_MILLIS: u64 = 3_600_000;

/// What is ordered.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) key: TableKey,
    pub(crate) edit: Edit,
    pub(crate) by: String,
}

/// Where the number of an order is told.
pub(crate) type Numbered = oneshot::Sender<Result<u64, StoreError>>;

/// A correction under way.
pub(super) struct Correcting {
    /// None while it is not on disk.
    number: u64,
    key: TableKey,
    edit: Arc<Edit>,
    /// Files up to this record are meant, where rows are deleted.
    upto: u64,
    stage: Stage,
    /// How often it could not be made.
    failures: u32,
}

enum Stage {
    /// The rows up to a record go into files first.
    Ordered { first: u64, by: String, answer: Numbered },
    /// The flusher is at work.
    Rewriting,
    /// Nothing more is stored until what was stored last is in files.
    Freezing { first: u64 },
    /// The flusher is at work, and nothing is stored.
    Committing,
    /// It is made in the lake.
    Ready { files: Option<FileList> },
    /// Something failed; until then nothing is tried.
    Waiting { until: u64 },
}

impl Writer {
    /// Takes an order.
    pub(super) fn order(&mut self, Order { key, edit, by }: Order, answer: Numbered) {
        let refused = if self.is_dropping(&key) {
            Some(StoreError::Busy { retry_after: Duration::from_secs(1) })
        } else {
            self.correcting.iter().find(|one| one.key == key).map(|known| {
                StoreError::BeingCorrected { namespace: key.1.to_string(), number: known.number }
            })
        };
        let refused = refused.or_else(|| self.refuse_out(&key).err());
        let refused = refused.or_else(|| self.name_is_taken(&key, &edit));
        if let Some(error) = refused {
            let _ = answer.send(Err(error));
            return;
        }
        let stage = Stage::Ordered { first: self.wal.last(), by, answer };
        let (edit, number, upto) = (Arc::new(edit), 0, 0);
        if let Some(at) = self.retries.get_mut(&key) {
            // A flush that failed is tried again now.
            *at = 0;
        }
        self.correcting.push(Correcting { number, key, edit, upto, stage, failures: 0 });
        self.tick();
    }

    /// A field cannot get a name that another has.
    fn name_is_taken(&self, key: &TableKey, edit: &Edit) -> Option<StoreError> {
        let Edit::RenameField { field, to } = edit else { return None };
        let taken = self.memtables.get(key).is_some_and(|table| table.has_field(to.as_str()));
        taken.then(|| StoreError::Unfit {
            namespace: key.1.to_string(),
            reason: format!("'{field}' cannot be renamed to '{to}': rows with a field '{to}' came in; drop or rename that one first"),
        })
    }

    /// Goes on with what waited for a flush, or for another try.
    pub(super) fn advance_corrections(&mut self) {
        let now = self.now_millis();
        let mut at = 0;
        while at < self.correcting.len() {
            if self.advance_correction(at, now) {
                at += 1;
            }
        }
    }

    /// The same for one of them. False when it is there no more.
    fn advance_correction(&mut self, at: usize, now: u64) -> bool {
        let key = self.correcting[at].key.clone();
        let is_filed = |first: u64| self.is_filed(&key, first);
        match &self.correcting[at].stage {
            Stage::Ordered { first, .. } if is_filed(*first) => return self.begin_correction(at),
            Stage::Freezing { first } if is_filed(*first) => return self.commit_correction(at),
            Stage::Ordered { .. } | Stage::Freezing { .. } => self.start_flush(&key),
            Stage::Waiting { until } if *until <= now => self.send_round(at, false),
            _ => {}
        }
        true
    }

    /// Whether all rows of a table up to a record are in files.
    fn is_filed(&self, key: &TableKey, first: u64) -> bool {
        let unfiled = self.memtables.get(key).and_then(Memtable::first_unfiled);
        unfiled.is_none_or(|unfiled| unfiled > first)
    }

    /// Puts an order on disk, answers it, and has the files rewritten. False when it is there no more.
    fn begin_correction(&mut self, at: usize) -> bool {
        let number = self.next_correction;
        let table = self.memtables.get(&self.correcting[at].key);
        let upto = table.map_or(self.wal.last(), Memtable::filed);
        let correcting = &mut self.correcting[at];
        let before = std::mem::replace(&mut correcting.stage, Stage::Rewriting);
        let Stage::Ordered { by, answer, .. } = before else { return true };
        let (project, namespace) = correcting.key.clone();
        let order = Correction {
            number,
            project,
            namespace,
            edit: Edit::clone(&correcting.edit),
            by,
            ordered: self.clock.now(),
            ended: None,
            seq: upto,
            state: CorrectionState::Running,
            files: (0, 0),
            rows: 0,
            quarantined: 0,
            problem: None,
        };
        let deletes_until = order.deletes_until();
        if let Err(error) = self.corrections.add(order) {
            self.correcting.remove(at);
            let _ = answer.send(Err(error));
            return false;
        }
        (correcting.number, correcting.upto) = (number, upto);
        if let Some(until) = deletes_until {
            self.receipts.note_deletion(until);
        }
        self.next_correction += 1;
        // Whoever ordered may be gone; it is made all the same.
        let _ = answer.send(Ok(number));
        self.send_round(at, false);
        true
    }

    /// Has what came in last rewritten as well, and the correction made. False when it is there no more.
    fn commit_correction(&mut self, at: usize) -> bool {
        let Correcting { number, key, edit, .. } = &self.correcting[at];
        if let Some(error) = self.name_is_taken(key, edit) {
            return !self.give_up(*number, &error);
        }
        self.send_round(at, true);
        true
    }

    /// Ends a correction that cannot be made. False when that could not be noted, and it is tried again.
    fn give_up(&mut self, number: u64, error: &StoreError) -> bool {
        let now = self.clock.now();
        let failed = self.corrections.save(number, |one| {
            one.state = CorrectionState::Failed;
            one.ended = Some(now);
            one.problem = Some(error.to_string());
        });
        if let Err(error) = failed {
            self.try_again(number, &error);
            return false;
        }
        for former in self.correcting.extract_if(.., |one| one.number == number) {
            let _ = self.jobs.send(Job::CorrectionAbandoned(former.key));
        }
        true
    }

    fn send_round(&mut self, at: usize, frozen: bool) {
        let Correcting { number, key, edit, upto, stage, .. } = &mut self.correcting[at];
        let rows = !edit.changes_fields();
        *stage = if frozen { Stage::Committing } else { Stage::Rewriting };
        let round = Round {
            number: *number,
            key: key.clone(),
            edit: Arc::clone(edit),
            upto: if rows { *upto } else { u64::MAX },
            last: rows || frozen,
        };
        let _ = self.jobs.send(Job::Correct(round));
    }

    /// The flusher says how far a correction is.
    pub(super) fn settle_correction(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Rewritten { number } => {
                let first = self.wal.last();
                if let Some(correcting) = self.find_correction(number) {
                    correcting.stage = Stage::Freezing { first };
                }
                self.advance_corrections();
            }
            Outcome::Corrected { number, files } => {
                let Some(correcting) = self.find_correction(number) else { return };
                correcting.stage = Stage::Ready { files: Some(files) };
                if correcting.edit.changes_fields() {
                    self.corrections.update(number, |one| one.state = CorrectionState::Ready);
                } else if let Err(error) =
                    self.show_correction(number).and_then(|()| self.finish_correction(number))
                {
                    tracing::error!(number, %error, "a correction is made, and could not be noted as ended; the next start does it");
                    let now = self.clock.now();
                    self.corrections.update(number, |one| {
                        (one.state, one.ended) = (CorrectionState::Done, Some(now));
                    });
                    self.let_correction_go(number);
                }
            }
            // A damaged file does not heal: all others would be rewritten in vain, again and again.
            Outcome::NotCorrected {
                number,
                error: error @ StoreError::File(FileError::Damaged { .. }),
            } => {
                tracing::error!(number, %error, "a correction cannot be made");
                self.give_up(number, &error);
            }
            Outcome::NotCorrected { number, error } => self.try_again(number, &error),
            _ => {}
        }
    }

    fn try_again(&mut self, number: u64, error: &StoreError) {
        let now = self.now_millis();
        let Some(correcting) = self.find_correction(number) else { return };
        let wait = RETRY_MILLIS.saturating_mul(1 << correcting.failures.min(20));
        let wait = wait.min(MAX_RETRY_MILLIS);
        correcting.failures += 1;
        correcting.stage = Stage::Waiting { until: now + wait };
        let (failures, seconds) = (correcting.failures, wait / 1000);
        tracing::error!(number, failures, seconds, %error, "a correction could not be made; it is tried again after a while");
        self.corrections.update(number, |one| {
            one.files = (0, 0);
            one.problem =
                Some(format!("{error}; tried {failures} times, and again after {seconds} s"));
        });
    }

    fn find_correction(&mut self, number: u64) -> Option<&mut Correcting> {
        self.correcting.iter_mut().find(|one| one.number == number)
    }

    /// Shows what a correction made, in one step.
    pub(super) fn show_correction(&mut self, number: u64) -> Result<(), StoreError> {
        let found = self.correcting.iter_mut().find(|one| one.number == number);
        let Some(Correcting { key, edit, stage: Stage::Ready { files }, .. }) = found else {
            return Err(StoreError::NoCorrection { number });
        };
        if let (Some(table), Some(files)) = (self.memtables.get_mut(key), files.take()) {
            table.corrected(files, edit);
        }
        Ok(())
    }

    /// Notes that a correction has ended: what it froze goes on.
    pub(super) fn finish_correction(&mut self, number: u64) -> Result<(), StoreError> {
        let found = self.correcting.iter().find(|one| one.number == number);
        if !matches!(found, Some(Correcting { stage: Stage::Ready { files: None }, .. })) {
            return Err(StoreError::NoCorrection { number });
        }
        let now = self.clock.now();
        self.corrections.save(number, |one| {
            one.state = CorrectionState::Done;
            one.ended = Some(now);
            one.problem = None;
        })?;
        self.let_correction_go(number);
        Ok(())
    }

    fn let_correction_go(&mut self, number: u64) {
        for ended in self.correcting.extract_if(.., |one| one.number == number) {
            let _ = self.jobs.send(Job::CorrectionEnded(ended.key));
        }
    }

    /// Files changed while a correction of the table waits to be shown: they are shown with it.
    pub(super) fn hold_files_back(&mut self, key: &TableKey, files: &FileList) -> bool {
        let ready = self.correcting.iter_mut().find(|one| one.key == *key);
        let Some(Correcting { stage: Stage::Ready { files: held @ Some(_) }, .. }) = ready else {
            return false;
        };
        *held = Some(Arc::clone(files));
        true
    }

    /// Whether rows of a table are about to be deleted, and it is not settled yet which have come before.
    pub(super) fn awaits_deletion(&self, key: &TableKey) -> bool {
        let is_ordered = |stage: &Stage| matches!(stage, Stage::Ordered { .. });
        let mut correcting = self.correcting.iter();
        correcting
            .any(|one| one.key == *key && !one.edit.changes_fields() && is_ordered(&one.stage))
    }

    /// Whether nothing may be stored in a table for the moment.
    pub(super) fn is_frozen(&self, key: &TableKey) -> bool {
        let frozen = |stage: &Stage| {
            matches!(stage, Stage::Freezing { .. } | Stage::Committing | Stage::Ready { .. })
        };
        let mut correcting = self.correcting.iter();
        correcting.any(|one| one.key == *key && one.edit.changes_fields() && frozen(&one.stage))
    }

    /// Rows could not be flushed: who ordered a correction of them hears of it.
    pub(super) fn flush_failed_for_corrections(&mut self, key: &TableKey, error: &StoreError) {
        let ordered =
            |one: &mut Correcting| one.key == *key && matches!(one.stage, Stage::Ordered { .. });
        for refused in self.correcting.extract_if(.., ordered) {
            if let Stage::Ordered { answer, .. } = refused.stage {
                let _ = answer.send(Err(error.clone()));
            }
        }
    }

    /// Tables are gone as of a record, and what was ordered for them before with them.
    pub(super) fn forget_corrections(&mut self, gone: &Gone, seq: u64) {
        let is_gone = |key: &TableKey| gone.means(key.0, &key.1);
        for former in self.correcting.extract_if(.., |one| is_gone(&one.key)) {
            if let Stage::Ordered { answer, .. } = former.stage {
                let _ = answer.send(Err(StoreError::Closed));
            }
        }
        self.corrections.forget(|one| is_gone(&one.key()) && one.seq < seq);
    }

    /// Goes on with what earlier processes did not bring to its end. `made` tells the last correction of each table.
    /// Those of tables that are out of service wait for the start at which these are back.
    pub(crate) fn resume_corrections(&mut self, made: impl Fn(&TableKey) -> u64) {
        for order in self.corrections.open_ones() {
            let (number, key) = (order.number, order.key());
            if let Err(fault) = self.refuse_out(&key) {
                self.corrections.update(number, |one| {
                    one.problem = Some(format!("{fault}. The correction goes on after that"));
                });
                continue;
            }
            let is_made = made(&key) >= number;
            let files = self.memtables.get(&key).map(Memtable::files).unwrap_or_default();
            let (edit, stage) = (Arc::new(order.edit), Stage::Rewriting);
            let upto = order.seq;
            self.correcting.push(Correcting { number, key, edit, upto, stage, failures: 0 });
            if is_made {
                self.settle_correction(Outcome::Corrected { number, files });
            } else {
                self.corrections.update(number, |one| one.state = CorrectionState::Running);
                self.send_round(self.correcting.len() - 1, false);
            }
        }
    }

    /// Answers an order of the server about a correction.
    pub(super) fn answer_correction(
        &mut self,
        answer: Confirm,
        work: impl FnOnce(&mut Self) -> Result<(), StoreError>,
    ) {
        let done = work(self);
        // Whoever asked may be gone.
        let _ = answer.send(done);
    }
}
