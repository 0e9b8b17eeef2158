//! Where readings live: wal, memtable, flush, lake.
//!
//! ```text
//!  Write ─▶ encode + Arrow ─▶ inbox ─▶ writer ── append ─▶ journal (one sync for the group) ─▶ Receipt
//!            (caller's task)              ├─ insert ─▶ memtable chunks ─▶ visible to the next snapshot
//!                                         ├─ note ───▶ receipts (BatchId or body hash → answer)
//!                                         └─ seal ───▶ flusher: sort ─▶ Parquet ─▶ Delta commit {txn: Seq} ─▶ journal forgets
//!  query ─▶ Snapshot { files, chunks }
//! ```
//!
//! - One writer thread owns journal, memtable and receipts by value; [`Store`] is a cheap handle to its inbox.
//! - A write is answered after its record is synced, and every later snapshot holds its rows.
//! - A snapshot holds each row once: files and chunks are swapped in one step at a flush.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use iobeam_journal::disk::Disk;
use iobeam_model::{Clock, NamespaceName, ProjectId, Timestamp};
use tokio::sync::oneshot;

pub mod check;

mod opening;

mod writer;

mod flusher;

mod intake;

mod wal;

mod memtable;

mod follow;

mod recent;

mod views;

mod receipts;

pub mod corrections;

mod lake;

mod quarantine;

pub mod edit;

mod chunk;

pub mod snapshot;

mod columns;

pub mod settings;

pub mod statistics;

pub mod budget;

mod primitives;

mod error;

pub use budget::Budget;
pub use corrections::{Correction, CorrectionState};
pub use edit::Edit;
pub use error::{FileError, StoreError};
pub use follow::{Follower, NoPoint, Point, Poll};
pub use intake::{Incoming, Receipt, Write};
pub use opening::Opened;
pub use quarantine::QuarantinedValue;
pub use settings::Settings;
pub use snapshot::verified::VerifiedFile;
pub use snapshot::{Arrival, Chunk, DataFile, FileFacts, Snapshot};
pub use statistics::{Durations, Stats};
pub use writer::{KnownBatch, SetAside};

use budget::Use;
use opening::Running;
use statistics::count;
use writer::{Lookup, Message, Order};

/// A handle to the store. Cheap to clone; the store ends when it is closed or the last handle is dropped.
#[derive(Clone, Debug)]
pub struct Store(Arc<Running>);

impl Store {
    /// Opens the store in a directory, or makes it.
    ///
    /// # Errors
    /// When another process has it open, or the disk refuses.
    pub fn open(
        settings: Settings,
        clock: Arc<dyn Clock>,
        disk: Arc<dyn Disk>,
    ) -> Result<(Self, Opened), StoreError> {
        let (running, opened) = opening::open_aside(settings, clock, disk)?;
        Ok((Self(Arc::new(running)), opened))
    }

    /// Stores rows: when this returns, they survive a power cut and the next snapshot has them.
    ///
    /// Whoever stops waiting does not stop the write.
    ///
    /// # Errors
    /// When nothing of it was stored.
    pub async fn write(&self, write: Write) -> Result<Receipt, StoreError> {
        let prepared = intake::prepare(write, &self.0.tables)?;
        if prepared.parts.is_empty() {
            return Ok(Receipt { rows: 0, repeat: false, expired: 0 });
        }
        self.admit(prepared.weight as u64).await?;
        let (answer, answered) = oneshot::channel();
        let sent = self.0.inbox.send(Message::Write(prepared, answer));
        sent.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// The batches of a stream that came into a namespace: those with the highest numbers, at most 512.
    ///
    /// # Errors
    /// When the store is closed.
    pub async fn known_batches(
        &self,
        project: ProjectId,
        namespace: &NamespaceName,
        stream: [u8; 16],
    ) -> Result<Vec<KnownBatch>, StoreError> {
        let (answer, answered) = oneshot::channel();
        let lookup = Lookup { key: (project, namespace.clone()), stream, answer };
        self.0.inbox.send(Message::LookUp(lookup)).map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)
    }

    /// Takes a write's bytes out of the memory budget until it is answered. Where there is no room, it waits for a
    /// while: a flush that runs makes some, and a sender that waits is slowed down to what the store can take.
    async fn admit(&self, weight: u64) -> Result<(), StoreError> {
        if self.reserve(weight) {
            return Ok(());
        }
        let counters = &self.0.counters;
        let busy = || {
            count(&counters.refused);
            Err(StoreError::Busy { retry_after: Duration::from_secs(1) })
        };
        // Those that wait are in memory too.
        let waiting = Waiting::new(&counters.waiting_bytes, weight);
        if waiting.of_all > self.0.budget.limit() / 4 {
            return busy();
        }
        let room = async {
            loop {
                // From here on no wake-up is missed, so the look comes after it.
                let freed = counters.freed.notified();
                if self.reserve(weight) {
                    return;
                }
                freed.await;
            }
        };
        tokio::time::timeout(self.0.patience, room).await.or_else(|_elapsed| busy())
    }

    /// Whether a write's bytes fit into the memory budget; they are taken out of it if so.
    fn reserve(&self, weight: u64) -> bool {
        let fits = self.0.budget.reserve(weight);
        if fits {
            count(&self.0.counters.queued);
        }
        fits
    }

    /// The rows of a namespace as of now.
    pub fn snapshot(&self, project: ProjectId, namespace: &NamespaceName) -> Snapshot {
        self.0.tables.snapshot(&(project, namespace.clone()))
    }

    /// Follows a namespace: its rows in the order in which they are acknowledged, from a point on, or from now on.
    pub fn follow(
        &self,
        project: ProjectId,
        namespace: &NamespaceName,
        since: Option<Point>,
    ) -> Follower {
        Follower::new(self.0.tables.line(&(project, namespace.clone())), since)
    }

    /// The memory that rows, queries and merges share.
    pub fn budget(&self) -> &Arc<Budget> {
        &self.0.budget
    }

    /// Whether the disk has room for writes.
    ///
    /// # Errors
    /// When it has not, and every write is refused; or when it does not say.
    pub fn check_space(&self) -> Result<(), StoreError> {
        self.0.space.check()
    }

    /// Tables that are out of service: nothing is taken in for them; and why.
    pub fn out_of_service(&self) -> Vec<((ProjectId, NamespaceName), StoreError)> {
        self.0.tables.out_of_service().into_iter().collect()
    }

    /// The files that were found to be damaged since the start, with what was found.
    pub fn damaged_files(&self) -> Vec<((ProjectId, NamespaceName), FileError)> {
        let tables = self.0.tables.all();
        let damaged = tables.into_iter().flat_map(|(key, snapshot)| {
            let files = snapshot.files.iter();
            let damage = files.filter_map(|file| file.damage().cloned());
            damage.map(|damage| (key.clone(), damage)).collect::<Vec<_>>()
        });
        damaged.collect()
    }

    /// Figures for whoever watches.
    pub fn statistics(&self) -> Stats {
        let mut stats = self.0.counters.read();
        let budget = &self.0.budget;
        stats.memory_bytes = budget.taken(Use::Rows);
        stats.query_bytes = budget.taken(Use::Queries);
        stats.merge_bytes = budget.taken(Use::Merges);
        stats.memory_limit = budget.limit();
        for (_, snapshot) in self.0.tables.all() {
            stats.tables += 1;
            stats.files += snapshot.files.len() as u64;
            stats.file_rows += snapshot.files.iter().map(|file| file.rows).sum::<u64>();
            stats.file_bytes += snapshot.files.iter().map(|file| file.size).sum::<u64>();
            let damaged = snapshot.files.iter().filter(|file| file.damage().is_some());
            stats.damaged_files += damaged.count() as u64;
            let held = snapshot.chunks.iter().map(|chunk| chunk.rows.num_rows() as u64);
            stats.memtable_rows += held.sum::<u64>();
        }
        stats
    }

    /// Moves everything in memory into files now.
    ///
    /// # Errors
    /// When a table could not be flushed; its rows stay in memory and journal, and it is tried again.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        self.0.inbox.send(Message::Flush(answer)).map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Rows of a namespace before a time are not wanted any more. When this returns, no snapshot shows them (see
    /// [`Snapshot::keep_from`]); files that hold nothing else are gone, and single rows go when their file is merged
    /// with others. Rows from that time on are never touched. The time holds until another is set or the store is
    /// closed: whoever keeps it sets it again after opening. An earlier time shows again what is still there.
    ///
    /// # Errors
    /// When the files could not be given up; they stay.
    pub async fn retain(
        &self,
        project: ProjectId,
        namespace: &NamespaceName,
        keep_from: Timestamp,
    ) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        let message = Message::Retain((project, namespace.clone()), keep_from.micros(), answer);
        self.0.inbox.send(message).map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Lets go of a namespace's rows and files, or of those of all namespaces of a project. When this returns, they
    /// are gone for good; a file that a query still reads goes with its last reader. Rows written meanwhile are
    /// refused or gone too: whoever calls this sees to it that nobody writes there.
    ///
    /// # Errors
    /// When the journal could not be written: everything stays. When files could not be removed: no snapshot shows
    /// them any more, and it is tried again, also after the next opening.
    pub async fn drop_tables(
        &self,
        project: ProjectId,
        namespace: Option<&NamespaceName>,
    ) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        let message = Message::Drop((project, namespace.cloned()), answer);
        self.0.inbox.send(message).map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Orders a correction of a namespace's rows or fields, and tells its number: when this returns, the order
    /// survives a power cut, and the correction will be made, in the background. Rows that are stored from then on are
    /// not meant where rows are deleted. Everybody sees all of it or nothing; [`Self::correction_settled`] tells when.
    ///
    /// A change of fields must be shown by [`Self::switch_correction`] once it is ready.
    ///
    /// # Errors
    /// When another correction of the namespace is under way, or rows in memory could not be flushed: nothing changes.
    pub async fn correct(
        &self,
        project: ProjectId,
        namespace: &NamespaceName,
        (edit, by): (Edit, String),
    ) -> Result<u64, StoreError> {
        let (answer, answered) = oneshot::channel();
        let order = Order { key: (project, namespace.clone()), edit, by };
        self.0.inbox.send(Message::Correct(order, answer)).map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Waits until a correction is made, or ready to be shown, or has failed; nothing when there is none of that
    /// number, or its namespace is gone.
    pub async fn correction_settled(&self, number: u64) -> Option<Correction> {
        self.0.corrections.settled(number).await
    }

    /// The corrections of a namespace, the newest first.
    pub fn corrections(&self, project: ProjectId, namespace: &NamespaceName) -> Vec<Correction> {
        self.0.corrections.of_table(&(project, namespace.clone()))
    }

    /// The corrections of all namespaces that have not ended, the oldest first.
    pub fn open_corrections(&self) -> Vec<Correction> {
        self.0.corrections.open_ones()
    }

    /// Shows a change of fields that is ready: from now on snapshots have it. Until
    /// [`Self::end_correction`] nothing is stored in the namespace, so that who knows its fields can learn of the
    /// change in between. May be done again.
    ///
    /// # Errors
    /// When it is not ready.
    pub async fn switch_correction(&self, number: u64) -> Result<(), StoreError> {
        self.confirmed(|answer| Message::ShowCorrection(number, answer)).await
    }

    /// A change of fields has been shown, and whoever knows the fields has learnt of it.
    ///
    /// # Errors
    /// When it was not shown, or could not be noted as ended.
    pub async fn end_correction(&self, number: u64) -> Result<(), StoreError> {
        self.confirmed(|answer| Message::EndCorrection(number, answer)).await
    }

    /// Values that a correction could not convert, from one on: at most so many. Reads a file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn quarantined(
        &self,
        number: u64,
        from_and_limit: (usize, usize),
    ) -> Result<Vec<QuarantinedValue>, StoreError> {
        self.0.corrections.quarantined(number, from_and_limit)
    }

    /// How many rows of a namespace a filter matches. Reads files.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn count_rows(
        &self,
        project: ProjectId,
        namespace: &NamespaceName,
        filter: &edit::RowFilter,
    ) -> Result<u64, StoreError> {
        let snapshot = self.snapshot(project, namespace);
        if let Some(fault) = snapshot.fault {
            return Err(fault);
        }
        let filter = filter.since(snapshot.keep_from);
        let mut matching = 0;
        for file in &*snapshot.files {
            matching += lake::compact::rewrite::count(file, &filter)?;
        }
        for chunk in &*snapshot.chunks {
            let column =
                |name: &str| Ok::<_, StoreError>(chunk.rows.column_by_name(name).map(Arc::clone));
            let marks = filter.matches(chunk.rows.num_rows(), column)?;
            matching += marks.iter().filter(|is_matching| **is_matching).count() as u64;
        }
        Ok(matching)
    }

    /// Sends the writer a message and waits for its answer.
    async fn confirmed(
        &self,
        message: impl FnOnce(oneshot::Sender<Result<(), StoreError>>) -> Message,
    ) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        self.0.inbox.send(message(answer)).map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Ends in good order: everything queued is answered, the receipts are saved. Other handles find the store closed.
    ///
    /// # Errors
    /// When the receipts could not be saved; the journal still has them.
    pub async fn close(self) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        let sent = self.0.inbox.send(Message::Close(Some(answer)));
        sent.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }
}

/// Bytes that wait for room in the memory budget, as long as this lives: whoever asked may go away at any time.
struct Waiting<'c> {
    all: &'c AtomicU64,
    weight: u64,
    /// With those of all others.
    of_all: u64,
}

impl<'c> Waiting<'c> {
    fn new(all: &'c AtomicU64, weight: u64) -> Self {
        Self { all, weight, of_all: all.fetch_add(weight, Ordering::Relaxed) + weight }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.all.fetch_sub(self.weight, Ordering::Relaxed);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Whoever opens the folder next must find it free.
        let _ = self.inbox.send(Message::Close(None));
        for thread in self.threads.get_mut().drain(..) {
            let _ = thread.join();
        }
    }
}
