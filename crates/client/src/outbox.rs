//! Everything between `add` and the network: rows, batches that wait, and what became of them.
//!
//! ```text
//! add ─▶ collected ─ flush ─▶ spool ─ next ─▶ (sender) ─ done ─▶ counted
//!                                                     └ set_aside ─▶ rejected/
//! ```
//!
//! - `add` takes one short lock and never waits for the network; it waits for the disk only when as many rows are
//!   collected as may be.
//! - Locks are taken in the order spool, collected, progress.
//! - After a fork the child's copy refuses to do anything: the spool belongs to the parent.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use iobeam_model::{Batch, BatchId, Clock, DeviceId, NamespaceName, Timestamp};

use crate::collected::{Added, Collected, UNSET, named};
use crate::device_time::DeviceTime;
use crate::error::Error;
use crate::event::{Event, Listener};
use crate::fate::{Fate, Watched};
use crate::rejected::{Rejected, RejectedFolder, reason};
use crate::report::Report;
use crate::rows::Plan;
use crate::settings::{MAX_BODY, Settings, WhenFull};
use crate::signal::Signal;
use crate::slices::slices;
use crate::spool::{Entry, Flushed, Spool, split};
use crate::status::{LastError, Status, Waiting};
use crate::value::Reading;

/// A disk that was full is tried again so often.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// So many refusals are remembered where there is no folder for them.
const REMEMBERED: usize = 100;
/// Rows of one batch, of what comes as a whole.
const SLICE_ROWS: usize = 50_000;

/// Readings on their way out.
pub(crate) struct Outbox {
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) time: DeviceTime,
    pub(crate) signal: Arc<Signal>,
    device: Mutex<Option<DeviceId>>,
    collected: Mutex<Collected>,
    spool: Mutex<Spool>,
    rejected: Option<RejectedFolder>,
    progress: Mutex<Progress>,
    listener: Option<Listener>,
    report: Report,
    pub(crate) watched: Watched,
    pid: u32,
    closed: AtomicBool,
}

#[derive(Debug, Default)]
struct Progress {
    sent_rows: u64,
    last_sent: Option<Timestamp>,
    last_error: Option<LastError>,
    rejected_batches: u64,
    rejected_rows: u64,
    rejected: Vec<Rejected>,
    dropped_rows: u64,
    unset_clock_rows: u64,
    damage: Vec<String>,
    /// Dropped rows of which was told.
    told_dropped: u64,
    /// Not before this (on the monotonic clock) is a full spool tried again by `add`.
    try_at: Duration,
}

/// What an outbox is made of.
pub(crate) struct Parts {
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) time: DeviceTime,
    pub(crate) collected: Collected,
    pub(crate) spool: Spool,
    pub(crate) damage: Vec<String>,
    pub(crate) listener: Option<Listener>,
    pub(crate) report: Report,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Outbox {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { settings, clock, time, collected, spool, damage, listener, report } = parts;
        let rejected = settings.spool.as_ref().map(RejectedFolder::of_spool);
        Self {
            settings,
            clock,
            time,
            signal: Arc::default(),
            device: Mutex::new(None),
            collected: Mutex::new(collected),
            spool: Mutex::new(spool),
            rejected,
            progress: Mutex::new(Progress { damage, ..Progress::default() }),
            listener,
            report,
            watched: Watched::default(),
            pid: std::process::id(),
            closed: AtomicBool::new(false),
        }
    }

    /// Whether this is the process that the client was built in.
    pub(crate) fn is_home(&self) -> bool {
        std::process::id() == self.pid
    }

    fn alive(&self) -> Result<(), Error> {
        if self.is_home() { self.open() } else { Err(Error::Forked) }
    }

    fn open(&self) -> Result<(), Error> {
        if self.closed.load(Ordering::Relaxed) { Err(Error::Closed) } else { Ok(()) }
    }

    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn device(&self) -> Option<DeviceId> {
        lock(&self.device).clone()
    }

    pub(crate) fn set_device(&self, id: DeviceId) {
        *lock(&self.device) = Some(id);
    }

    pub(crate) fn store(&self, plan: Plan) -> usize {
        lock(&self.collected).store(plan)
    }

    /// Takes a row in.
    pub(crate) fn add(
        &self,
        store: usize,
        time: Timestamp,
        row: &[Reading<'_>],
    ) -> Result<(), Error> {
        let most = self.settings.batch_rows;
        let each_row = self.settings.each_row;
        // Asking the system who one is costs a tenth of a row. Rows in memory alone do no harm in a forked child, and
        // are refused when they are to leave it.
        if each_row && self.settings.spool.is_some() {
            self.alive()?;
        } else {
            self.open()?;
        }
        let added = {
            let mut collected = lock(&self.collected);
            if collected.rows() >= 2 * most {
                Added::NoRoom
            } else {
                collected.add(store, time.micros(), row, each_row)?
            }
        };
        match added {
            Added::Rows(rows) if rows >= most => {
                self.signal.wake();
                if self.settings.auto_send.is_none() {
                    // The row was taken; should the disk be full, a later one will hear of it.
                    let _ = self.make_room();
                }
                Ok(())
            }
            Added::Rows(rows) => {
                self.wake_at(rows);
                Ok(())
            }
            Added::NoRoom => self.add_after_flush(store, time, row),
        }
    }

    fn wake_at(&self, rows: usize) {
        if let Some(crate::settings::AutoSend::Rows(wanted)) = self.settings.auto_send
            && rows >= wanted
        {
            self.signal.wake();
        }
    }

    fn add_after_flush(
        &self,
        store: usize,
        time: Timestamp,
        row: &[Reading<'_>],
    ) -> Result<(), Error> {
        match self.make_room() {
            Ok(()) => {
                let each_row = self.settings.each_row;
                let mut collected = lock(&self.collected);
                match collected.add(store, time.micros(), row, each_row)? {
                    Added::Rows(_) => Ok(()),
                    // One row larger than the whole log: it is kept in memory alone.
                    Added::NoRoom => collected.add(store, time.micros(), row, false).map(drop),
                }
            }
            Err(error) if self.settings.when_full == WhenFull::Refuse => Err(error),
            Err(error) => {
                self.failed(&error);
                lock(&self.progress).dropped_rows += 1;
                self.tell_dropped();
                Ok(())
            }
        }
    }

    /// Flushes, but does not hammer a disk that was full a moment ago.
    fn make_room(&self) -> Result<(), Error> {
        let now = self.clock.monotonic();
        if now < lock(&self.progress).try_at {
            let bytes = lock(&self.spool).depth().bytes;
            return Err(Error::Full { bytes, limit: self.settings.spool_bytes });
        }
        let result = self.flush();
        self.tell_dropped();
        if result.is_err() {
            lock(&self.progress).try_at = now + TRY_AGAIN;
        }
        result
    }

    /// Makes batches of all rows: with a spool they are on its disk when this returns.
    pub(crate) fn flush(&self) -> Result<(), Error> {
        if !self.is_home() {
            return Err(Error::Forked);
        }
        let mut spool = lock(&self.spool);
        if spool.has_pending() {
            spool.settle()?;
            lock(&self.collected).settled();
        }
        self.take_in_resends(&mut spool)?;
        let own = self.device();
        let mark = self.settings.mark_clock.then_some(UNSET);
        let taken = lock(&self.collected).take(own.as_ref(), self.time.anchor, mark)?;
        let Some(taken) = taken else { return Ok(()) };
        lock(&self.progress).unset_clock_rows += taken.unset;
        let (covers, sure) = (taken.generation, taken.sure);
        let anchor = if sure as usize == taken.batches.len() { 0 } else { self.time.anchor };
        let at = self.clock.now();
        let (batches, ids) = (taken.batches, Vec::new());
        spool.put(Flushed { batches, covers, at, ids, anchor, sure })?;
        lock(&self.collected).settled();
        drop(spool);
        self.tell_dropped();
        Ok(())
    }

    fn take_in_resends(&self, spool: &mut Spool) -> Result<(), Error> {
        let Some(folder) = &self.rejected else { return Ok(()) };
        for (path, bytes) in folder.to_resend()? {
            if split(&bytes).iter().map(|part| part.len()).sum::<usize>() != bytes.len() {
                let aside = RejectedFolder::keep_aside(&path)?;
                let (path, aside) = (path.display(), aside.display());
                self.damaged(format!(
                    "{path}: it does not hold whole batches, and cannot be sent again; it is kept as {aside}"
                ));
                continue;
            }
            spool.put_again(bytes, self.clock.now())?;
            RejectedFolder::taken_in(&path)?;
        }
        Ok(())
    }

    /// Rows of `input` that name no device are the own device's.
    pub(crate) fn with_own_device(&self, batch: Batch) -> Result<Batch, Error> {
        if *batch.namespace() == NamespaceName::input() && batch.column("device_id").is_none() {
            return named(batch, self.device().ok_or(Error::NoDevice)?.as_str());
        }
        Ok(batch)
    }

    /// Takes rows in that are a batch already: under a number of its own if it has one, and then in one piece.
    pub(crate) fn write(&self, batch: Batch, id: Option<BatchId>) -> Result<(), Error> {
        self.alive()?;
        let batch = self.with_own_device(batch)?;
        if batch.is_empty() {
            return Ok(());
        }
        self.flush()?;
        let batches = if id.is_some() { vec![batch] } else { slices(batch, SLICE_ROWS)? };
        let put = {
            let mut spool = lock(&self.spool);
            let (covers, sure) = (spool.covered(), batches.len() as u32);
            let (at, ids) = (self.clock.now(), id.into_iter().collect());
            let put = spool.put(Flushed { batches, covers, at, ids, anchor: 0, sure });
            if put.is_err() {
                // Whoever hears of the failure still has the rows.
                spool.give_back();
            }
            put
        };
        self.tell_dropped();
        put?;
        self.signal.wake();
        Ok(())
    }

    /// The oldest records that wait.
    pub(crate) fn next(&self) -> Result<Vec<Entry>, Error> {
        lock(&self.spool).next(MAX_BODY)
    }

    pub(crate) fn waiting_rows(&self) -> u64 {
        let spool = lock(&self.spool);
        let collected = lock(&self.collected).rows() as u64;
        spool.depth().rows + spool.pending_rows() + collected
    }

    /// A record is done with: each of its rows was stored or set aside.
    pub(crate) fn done(&self, entry: &Entry) -> Result<(), Error> {
        lock(&self.spool).acknowledge(entry, self.clock.now())
    }

    /// The rows of a body were stored; `repeat`: they were before.
    pub(crate) fn sent(&self, body: &[u8], rows: u64, repeat: bool) {
        self.watched.note(body, &Fate::Stored { repeat });
        {
            let mut progress = lock(&self.progress);
            progress.sent_rows += rows;
            progress.last_sent = Some(self.clock.now());
            progress.last_error = None;
        }
        self.tell(&Event::Sent { rows });
    }

    /// Rows went out with a time that nobody could put right.
    pub(crate) fn unset_clock(&self, rows: u64) {
        lock(&self.progress).unset_clock_rows += rows;
    }

    /// Something went wrong that nobody is told of by a result.
    pub(crate) fn failed(&self, error: &Error) {
        self.note_failure(error);
        self.report.failed(&error.to_string(), self.waiting_rows(), self.clock.monotonic());
    }

    /// Something went wrong, and the caller will hear of it.
    pub(crate) fn note_failure(&self, error: &Error) {
        let message = error.to_string();
        lock(&self.progress).last_error =
            Some(LastError { at: self.clock.now(), message: message.clone() });
        self.tell(&Event::Failed { message });
    }

    /// A file of ours was damaged; what became of it is said.
    pub(crate) fn damaged(&self, message: String) {
        self.report.damaged(&message);
        lock(&self.progress).damage.push(message);
    }

    /// Tells of rows that were dropped since this was last called.
    fn tell_dropped(&self) {
        let dropped = lock(&self.spool).dropped();
        let rows = {
            let mut progress = lock(&self.progress);
            let total = dropped + progress.dropped_rows;
            let rows = total - progress.told_dropped;
            progress.told_dropped = total;
            rows
        };
        if rows > 0 {
            self.report.dropped(rows, self.clock.monotonic());
            self.tell(&Event::Dropped { rows });
        }
    }

    /// The server refused a batch for good.
    pub(crate) fn set_aside(&self, batch: &[u8], error: &Error) -> Result<(), Error> {
        let rejected = reason(batch, self.clock.now(), error);
        if let Some(folder) = &self.rejected {
            folder.set_aside(batch, &rejected)?;
        }
        {
            let mut progress = lock(&self.progress);
            progress.rejected_batches += 1;
            progress.rejected_rows += rejected.rows;
            if progress.rejected.len() < REMEMBERED {
                progress.rejected.push(rejected.clone());
            }
        }
        self.watched.note(batch, &Fate::Rejected(rejected.clone()));
        // What the columns hold may be the very thing that was wrong.
        lock(&self.collected).forget_kinds();
        self.report.rejected(&rejected, self.rejected.is_some(), self.clock.monotonic());
        self.tell(&Event::Rejected { batch: rejected });
        Ok(())
    }

    pub(crate) fn rejected(&self) -> Result<Vec<Rejected>, Error> {
        match &self.rejected {
            Some(folder) => folder.list(),
            None => Ok(lock(&self.progress).rejected.clone()),
        }
    }

    pub(crate) fn waiting(&self) -> Result<Vec<Waiting>, Error> {
        lock(&self.spool).waiting()
    }

    fn tell(&self, event: &Event) {
        if let Event::Sent { .. } = event {
            self.report.sent();
        }
        if let Some(listener) = &self.listener {
            listener.0(event);
        }
    }

    pub(crate) fn status(&self) -> Status {
        let mut spool = lock(&self.spool);
        let depth = spool.depth();
        let now = self.clock.now().micros();
        let age =
            |at: Timestamp| Duration::from_micros(now.saturating_sub(at.micros()).max(0) as u64);
        let oldest = spool.oldest().map(age);
        let collected_rows = lock(&self.collected).rows() as u64 + spool.pending_rows();
        let progress = lock(&self.progress);
        Status {
            collected_rows,
            waiting_batches: depth.batches,
            waiting_rows: depth.rows,
            waiting_bytes: depth.bytes,
            oldest,
            sent_rows: progress.sent_rows,
            last_sent: progress.last_sent,
            last_error: progress.last_error.clone(),
            rejected_batches: progress.rejected_batches,
            rejected_rows: progress.rejected_rows,
            dropped_rows: progress.dropped_rows + spool.dropped(),
            spool_damage: progress.damage.clone(),
            unset_clock_rows: progress.unset_clock_rows,
            clock_behind: self.time.correction(),
        }
    }

    /// Notes on disk what was not noted yet.
    pub(crate) fn finish(&self) -> Result<(), Error> {
        lock(&self.spool).finish(self.clock.now())
    }

    /// Where the spool is, if on disk.
    pub(crate) fn spool_dir(&self) -> Option<&PathBuf> {
        self.settings.spool.as_ref()
    }
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbox").field("settings", &self.settings).finish_non_exhaustive()
    }
}
