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

use bytes::Bytes;
use iobeam_model::{Batch, BatchId, Clock, FieldName, NamespaceName, ProjectId};

mod memtable;

mod lake;

mod chunk;

pub mod snapshot;

pub mod settings;

pub mod statistics;

mod error;

pub use error::StoreError;
pub use settings::Settings;
pub use snapshot::{Chunk, DataFile, FileFacts, Snapshot};
pub use statistics::{Durations, Stats};

/// What is to be stored together: whole or not at all.
#[derive(Clone, Debug)]
pub struct Write {
    /// Whose rows these are.
    pub project: ProjectId,
    /// The rows, a batch for each namespace (or several).
    pub batches: Vec<Incoming>,
    /// The hash of the request's body, by which a repeat of it within 24 hours is recognised. It counts only when
    /// some batch has no id.
    pub body_hash: Option<u128>,
}

/// A batch on its way in.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// Its number, when the sender numbers its batches.
    pub id: Option<BatchId>,
    /// The field by which the namespace is partitioned; a STRING column where the batch has it.
    pub partition: FieldName,
    /// The rows. Field types have been checked against the catalog.
    pub batch: Batch,
    /// The batch's bytes as they came in, if they did; else the store makes its own.
    pub encoded: Option<Bytes>,
}

/// The answer to a write: it is on disk, and visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Rows of the write, whether stored now or before.
    pub rows: u64,
    /// All of it had been stored before, and nothing was stored now.
    pub repeat: bool,
}

/// What was found when the store was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Journal records applied again.
    pub replayed: u64,
    /// Rows in them.
    pub rows: u64,
    /// What was torn or damaged in the journal, in words for the operator.
    pub damage: Vec<String>,
    /// Records that could not be applied and now lie in `set-aside/`.
    pub set_aside: u64,
    /// Files that no table named, deleted.
    pub leftovers: u64,
}

/// A handle to the store. Cheap to clone; the store ends when it is closed or the last handle is dropped.
#[derive(Clone, Debug)]
pub struct Store {}

impl Store {
    /// Opens the store in a directory, or makes it.
    ///
    /// # Errors
    /// When another process has it open, or the disk refuses.
    pub fn open(
        settings: Settings,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Opened), StoreError> {
        let _ = (settings, clock);
        Err(StoreError::Closed)
    }

    /// Stores rows: when this returns, they survive a power cut and the next snapshot has them.
    ///
    /// # Errors
    /// When nothing of it was stored.
    pub async fn write(&self, write: Write) -> Result<Receipt, StoreError> {
        let _ = write;
        Err(StoreError::Closed)
    }

    /// The rows of a namespace as of now.
    pub fn snapshot(&self, project: ProjectId, namespace: &NamespaceName) -> Snapshot {
        let _ = (project, namespace);
        Snapshot { files: Arc::from([]), chunks: Arc::from([]), seq: 0 }
    }

    /// Figures for whoever watches.
    pub fn statistics(&self) -> Stats {
        Stats::default()
    }

    /// Moves everything in memory into files now.
    ///
    /// # Errors
    /// When a table could not be flushed; its rows stay in memory and journal.
    pub async fn flush(&self) -> Result<(), StoreError> {
        Err(StoreError::Closed)
    }

    /// Ends in good order: everything queued is answered, the receipts are saved.
    ///
    /// # Errors
    /// When the receipts could not be saved; the journal still has them.
    pub async fn close(self) -> Result<(), StoreError> {
        Err(StoreError::Closed)
    }
}
