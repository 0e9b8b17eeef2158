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

mod views;

mod budget;

mod primitives;

mod receipts;

mod lake;

mod chunk;

pub mod snapshot;

pub mod settings;

pub mod statistics;

mod error;

pub use error::StoreError;
pub use intake::{Incoming, Receipt, Write};
pub use opening::Opened;
pub use settings::Settings;
pub use snapshot::{Chunk, DataFile, FileFacts, Snapshot};
pub use statistics::{Durations, Stats};

use opening::Running;
use statistics::count;
use writer::Message;

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
        let prepared = intake::prepare(write)?;
        if prepared.parts.is_empty() {
            return Ok(Receipt { rows: 0, repeat: false, expired: 0 });
        }
        self.reserve(prepared.weight as u64)?;
        let (answer, answered) = oneshot::channel();
        let sent = self.0.inbox.send(Message::Write(prepared, answer));
        sent.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Takes a write's bytes out of the memory budget until it is answered.
    fn reserve(&self, weight: u64) -> Result<(), StoreError> {
        let counters = &self.0.counters;
        let (queued, held) = (&counters.queued_bytes, &counters.memtable_bytes);
        if !budget::reserve(queued, held, weight, self.0.memory_budget) {
            count(&counters.refused);
            return Err(StoreError::Busy { retry_after: Duration::from_secs(1) });
        }
        count(&counters.queued);
        Ok(())
    }

    /// The rows of a namespace as of now.
    pub fn snapshot(&self, project: ProjectId, namespace: &NamespaceName) -> Snapshot {
        self.0.tables.view(&(project, namespace.clone())).unwrap_or_else(memtable::empty)
    }

    /// Figures for whoever watches.
    pub fn statistics(&self) -> Stats {
        let mut stats = self.0.counters.read();
        for (_, snapshot) in self.0.tables.all() {
            stats.tables += 1;
            stats.files += snapshot.files.len() as u64;
            stats.file_rows += snapshot.files.iter().map(|file| file.rows).sum::<u64>();
            stats.file_bytes += snapshot.files.iter().map(|file| file.size).sum::<u64>();
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

impl Drop for Running {
    fn drop(&mut self) {
        // Whoever opens the folder next must find it free.
        let _ = self.inbox.send(Message::Close(None));
        for thread in self.threads.get_mut().drain(..) {
            let _ = thread.join();
        }
    }
}
