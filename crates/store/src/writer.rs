//! The one thread that takes writes in. It owns journal, memtables and receipts by value.
//!
//! ```text
//! inbox ─▶ group ─▶ stage each: repeat? fits? ─▶ append ─▶ one sync ─▶ insert ─▶ publish ─▶ answer all
//!                                                                        └ full or old ─▶ seal ─▶ flusher
//! flusher's outcome ─▶ swap files and memtable ─▶ save receipts ─▶ journal forgets
//! ```
//!
//! - A group is whatever came while the last one was synced; nothing waits for a timer.
//! - Nobody hears "stored" before the sync, and nothing of a group counts whose sync failed.
//! - The journal forgets a record once its rows are in synced files and its receipts are saved.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use crossbeam_channel::{Receiver, Sender, select};
use iobeam_journal::DiskLock;
use iobeam_model::{Clock, NamespaceName, ProjectId};

use crate::budget::{Budget, Use};
use crate::corrections::Corrections;
use crate::error::StoreError;
use crate::flusher::{Job, Outcome};
use crate::intake::{Answer, Confirm, Prepared};
use crate::lake::delta::TableKey;
use crate::memtable::{Memtable, Tables};
use crate::receipts::Receipts;
use crate::recent::Allowance;
use crate::settings::Settings;
use crate::statistics::{Counters, count};
use crate::wal::Wal;

use correcting::Correcting;
pub(crate) use correcting::{Numbered, Order};
use dropping::Dropping;
use gather::{Gathered, gather};
use outage::Outage;
pub use restore::KnownBatch;
pub(crate) use restore::Lookup;

mod gather;

mod group;

mod restore;

mod dropping;

mod correcting;

mod replay;

mod outage;

pub use replay::SetAside;

/// What the writer is asked to do.
#[derive(Debug)]
pub(crate) enum Message {
    /// Store these rows.
    Write(Prepared, Answer),
    /// Move everything that is in memory now into files.
    Flush(Confirm),
    /// Let go of a table's rows before a time.
    Retain(TableKey, i64, Confirm),
    /// Let go of a table, or of all tables of a project.
    Drop((ProjectId, Option<NamespaceName>), Confirm),
    /// Tell which batches of a stream came.
    LookUp(Lookup),
    /// Correct rows or fields of a table.
    Correct(Order, Numbered),
    /// Show what a correction made.
    ShowCorrection(u64, Confirm),
    /// A correction that was shown has ended.
    EndCorrection(u64, Confirm),
    /// Take no more, save what must be, and end.
    Close(Option<Confirm>),
}

/// Somebody who waits until rows are in files.
struct Waiter {
    upto: u64,
    answer: Confirm,
}

/// The age of rows and the outcome of failed flushes are looked at this often.
const TICK: Duration = Duration::from_millis(250);
/// A flush that failed is tried again after this long.
const RETRY_MILLIS: u64 = 3_000;

/// What the writer works with, and others too.
type Environment = (Settings, Arc<dyn Clock>, Arc<Counters>, Arc<Budget>);

/// Owns everything that changes.
pub(crate) struct Writer {
    settings: Settings,
    clock: Arc<dyn Clock>,
    counters: Arc<Counters>,
    budget: Arc<Budget>,
    wal: Wal,
    receipts: Receipts,
    memtables: HashMap<TableKey, Memtable>,
    tables: Arc<Tables>,
    /// The latest rows of all tables, for those who follow them.
    recent: Allowance<RecordBatch>,
    jobs: Sender<Job>,
    retries: HashMap<TableKey, u64>,
    /// Rows before this time are not wanted; also of tables that have no rows yet.
    keep_from: HashMap<TableKey, i64>,
    waiters: Vec<Waiter>,
    dropping: Vec<Dropping>,
    /// When the flusher is asked again for the files of tables that were let go.
    drop_retries: HashMap<TableKey, u64>,
    /// Tables that are out of service.
    outages: HashMap<TableKey, Outage>,
    corrections: Arc<Corrections>,
    correcting: Vec<Correcting>,
    next_correction: u64,
    _lock: DiskLock,
}

impl Writer {
    pub(crate) fn new(
        (settings, clock, counters, budget): Environment,
        (wal, receipts, lock): (Wal, Receipts, DiskLock),
        memtables: HashMap<TableKey, Memtable>,
        tables: Arc<Tables>,
        jobs: Sender<Job>,
        (corrections, next_correction): (Arc<Corrections>, u64),
    ) -> Self {
        let mut receipts = receipts;
        for until in corrections.deletions() {
            receipts.note_deletion(until);
        }
        Self {
            corrections,
            correcting: Vec::new(),
            next_correction,
            _lock: lock,
            recent: Allowance::new(settings.live_buffer_bytes),
            settings,
            clock,
            counters,
            budget,
            wal,
            receipts,
            memtables,
            tables,
            jobs,
            retries: HashMap::new(),
            keep_from: HashMap::new(),
            waiters: Vec::new(),
            dropping: Vec::new(),
            drop_retries: HashMap::new(),
            outages: HashMap::new(),
        }
    }

    /// Works until it is told to close. Dropping `self` afterwards lets go of the journal.
    pub(crate) fn run(mut self, inbox: &Receiver<Message>, outcomes: &Receiver<Outcome>) {
        let mut ticked = self.clock.monotonic();
        self.count_memory();
        let end = loop {
            select! {
                recv(inbox) -> message => match message {
                    Ok(Message::Write(write, answer)) => {
                        let first = (write, answer);
                        let gathered = gather(self.settings.group_bytes, first, inbox);
                        let Gathered { group, lookups, next } = gathered;
                        self.commit(group);
                        for lookup in lookups {
                            self.look_up(lookup);
                        }
                        if let Some(Message::Close(answer)) = next {
                            break answer;
                        }
                        if let Some(message) = next {
                            self.heed(message);
                        }
                    }
                    Ok(Message::Close(answer)) => break answer,
                    Ok(message) => self.heed(message),
                    Err(_) => break None,
                },
                recv(outcomes) -> outcome => match outcome {
                    Ok(outcome) => self.settle(outcome),
                    Err(_) => break None,
                },
                default(TICK) => {}
            }
            let now = self.clock.monotonic();
            if now.saturating_sub(ticked) >= TICK {
                ticked = now;
                self.tick();
            }
        };
        self.close(end, inbox, outcomes);
    }

    /// What is neither a write nor the end.
    fn heed(&mut self, message: Message) {
        match message {
            Message::Flush(answer) => self.flush_all(answer),
            Message::Retain(key, keep_from, answer) => {
                self.keep_from.insert(key.clone(), keep_from);
                if let Some(memtable) = self.memtables.get_mut(&key) {
                    memtable.retain(keep_from);
                    self.count_memory();
                }
                let _ = self.jobs.send(Job::Retain { key, keep_from, answer });
            }
            Message::Drop(which, answer) => self.drop_tables(which, answer),
            Message::LookUp(lookup) => self.look_up(lookup),
            Message::Correct(order, answer) => self.order(order, answer),
            Message::ShowCorrection(number, answer) => {
                self.answer_correction(answer, |writer| writer.show_correction(number));
            }
            Message::EndCorrection(number, answer) => {
                self.answer_correction(answer, |writer| writer.finish_correction(number));
            }
            Message::Write(..) | Message::Close(_) => {}
        }
    }

    /// Time passed: rows get old, and failed flushes are due again.
    fn tick(&mut self) {
        let now = self.now_millis();
        let age = u64::try_from(self.settings.flush_age.as_millis()).unwrap_or(u64::MAX);
        let old = |memtable: &&Memtable| {
            memtable.active_since_millis().is_some_and(|since| now.saturating_sub(since) >= age)
        };
        let due: Vec<TableKey> =
            self.memtables.values().filter(old).map(|memtable| memtable.key().clone()).collect();
        for key in &due {
            self.start_flush(key);
        }
        self.hold_journal_short();
        // Queries or merges may have taken room since the last import, and whoever waits for room sends none.
        self.relieve(&[]);
        self.counters.freed.notify_waiters();
        let due: Vec<TableKey> =
            self.retries.iter().filter(|(_, at)| **at <= now).map(|(key, _)| key.clone()).collect();
        for key in due {
            self.retries.remove(&key);
            if let Some(sealed) = self.memtables.get(&key).and_then(Memtable::sealed) {
                let _ = self.jobs.send(Job::Flush(sealed.clone()));
            }
        }
        self.drop_what_is_due();
        self.advance_corrections();
    }

    /// A table that gets few rows would otherwise keep the journal from forgetting all others'.
    fn hold_journal_short(&mut self) {
        if self.wal.bytes() > self.settings.journal_bytes / 2 {
            let oldest = self.memtables.values().filter(|memtable| !memtable.is_flushing());
            let oldest = oldest.filter_map(|memtable| Some((memtable.first_unfiled()?, memtable)));
            let oldest = oldest.min_by_key(|(first, _)| *first);
            if let Some(key) = oldest.map(|(_, memtable)| memtable.key().clone()) {
                self.start_flush(&key);
            }
        }
    }

    /// Seals what asks for it by its size, or by that of all together.
    fn relieve(&mut self, touched: &[TableKey]) {
        for key in touched {
            if self.memtables[key].active_weight() >= self.settings.flush_bytes {
                self.start_flush(key);
            }
        }
        let total: usize = self.memtables.values().map(Memtable::active_weight).sum();
        if total as u64 > self.budget.room(Use::Rows) / 3 {
            let idle = self.memtables.values().filter(|memtable| !memtable.is_flushing());
            let largest = idle.max_by_key(|memtable| memtable.active_weight());
            if let Some(key) = largest.map(|memtable| memtable.key().clone()) {
                self.start_flush(&key);
            }
        }
    }

    fn start_flush(&mut self, key: &TableKey) {
        let upto = self.wal.last();
        if let Some(sealed) = self.memtables.get_mut(key).and_then(|memtable| memtable.seal(upto)) {
            // When the flusher is gone, so is the store: `run` finds out.
            let _ = self.jobs.send(Job::Flush(sealed));
        }
    }

    fn flush_all(&mut self, answer: Confirm) {
        self.waiters.push(Waiter { upto: self.wal.last(), answer });
        for at in self.retries.values_mut() {
            *at = 0;
        }
        self.serve_waiters();
        self.tick();
    }

    /// Seals what somebody waits for, and answers those who wait for nothing more.
    fn serve_waiters(&mut self) {
        let Some(upto) = self.waiters.iter().map(|waiter| waiter.upto).max() else { return };
        let unfiled = |memtable: &Memtable| memtable.first_unfiled().filter(|first| *first <= upto);
        let due = self.memtables.values().filter(|memtable| unfiled(memtable).is_some());
        let due: Vec<TableKey> = due.map(|memtable| memtable.key().clone()).collect();
        for key in &due {
            self.start_flush(key);
        }
        let first = self.memtables.values().filter_map(Memtable::first_unfiled).min();
        let done = |waiter: &mut Waiter| first.is_none_or(|first| first > waiter.upto);
        for waiter in self.waiters.extract_if(.., done) {
            let _ = waiter.answer.send(Ok(()));
        }
    }

    /// The flusher is done with a table.
    fn settle(&mut self, outcome: Outcome) {
        let (key, files) = match outcome {
            Outcome::Flushed { key, files } => (key, files),
            Outcome::Refiled { key, files, answer } => {
                if !self.hold_files_back(&key, &files)
                    && let Some(memtable) = self.memtables.get_mut(&key)
                {
                    memtable.refile(files);
                }
                if let Some((answer, done)) = answer {
                    let _ = answer.send(done);
                }
                return;
            }
            Outcome::Dropped { key, done } => return self.dropped(&key, done),
            correction => return self.settle_correction(correction),
        };
        match files {
            Ok(files) => {
                self.tables.refuse(&key, None);
                if let Some(memtable) = self.memtables.get_mut(&key) {
                    memtable.flushed(files);
                }
                self.count_memory();
                self.forget();
            }
            Err(error) => {
                if matches!(error, StoreError::Unavailable { .. }) {
                    // What is in memory is safe in the journal, but there must not be more and more of it.
                    self.tables.refuse(&key, Some(error.clone()));
                }
                self.flush_failed_for_corrections(&key, &error);
                self.retries.insert(key, self.now_millis() + RETRY_MILLIS);
                for waiter in self.waiters.drain(..) {
                    let _ = waiter.answer.send(Err(error.clone()));
                }
            }
        }
        self.serve_waiters();
        self.advance_corrections();
    }

    /// Lets the journal forget what is elsewhere, once that frees a segment.
    fn forget(&mut self) {
        if self.wal.bytes() < self.settings.segment_bytes {
            return;
        }
        if let Err(error) = self.try_forget() {
            tracing::error!(%error, "the journal keeps what it could forget");
        }
    }

    fn try_forget(&mut self) -> Result<(), StoreError> {
        let unfiled = self.memtables.values().filter_map(Memtable::first_unfiled);
        let needed = unfiled.chain(self.first_dropping()).chain(self.first_held()).min();
        let upto = needed.map_or(self.wal.last(), |first| first - 1);
        if self.receipts.saved() < upto {
            self.receipts.save(self.wal.last())?;
        }
        self.wal.forget(upto)
    }

    /// Answers what still waits, ends the flusher after what it is doing, and saves the receipts.
    fn close(
        mut self,
        answer: Option<Confirm>,
        inbox: &Receiver<Message>,
        outcomes: &Receiver<Outcome>,
    ) {
        let mut writes = Vec::new();
        while let Ok(message) = inbox.try_recv() {
            if let Message::Write(write, answer) = message {
                writes.push((write, answer));
            }
        }
        if !writes.is_empty() {
            self.commit(writes);
        }
        let _ = self.jobs.send(Job::Stop);
        while let Ok(outcome) = outcomes.recv() {
            self.settle(outcome);
        }
        let mut saved = self.try_forget();
        if self.receipts.saved() < self.wal.last() {
            saved = saved.and_then(|()| self.receipts.save(self.wal.last()));
        }
        if let Err(error) = &saved {
            tracing::error!(%error, "the receipts are in the journal alone");
        }
        drop(self);
        if let Some(answer) = answer {
            let _ = answer.send(saved);
        }
    }

    fn now_millis(&self) -> u64 {
        u64::try_from(self.clock.monotonic().as_millis()).unwrap_or(u64::MAX)
    }

    /// Bytes that the tables hold in memory.
    fn memory(&self) -> u64 {
        self.memtables.values().map(Memtable::weight).sum::<usize>() as u64
    }

    fn count_memory(&self) {
        self.budget.apply(0, self.memory());
        self.counters.freed.notify_waiters();
        let (bodies, streams) = self.receipts.count();
        self.counters.receipts.store(bodies as u64, Ordering::Relaxed);
        self.counters.streams.store(streams as u64, Ordering::Relaxed);
        let out = self.outages.len() + self.tables.refusing();
        self.counters.out_of_service.store(out as u64, Ordering::Relaxed);
    }

    fn refuse(&self, answer: Answer, error: StoreError) {
        count(&self.counters.refused);
        // Whoever asked may be gone.
        let _ = answer.send(Err(error));
    }
}
