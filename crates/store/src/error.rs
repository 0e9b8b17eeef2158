//! What can go wrong in the store, and whose move it is then.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use iobeam_model::{BatchId, Remedy};

/// Why a file's rows cannot be had.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It is not what was written.
    #[error(
        "the file {file} is damaged: {reason}; all other files are served. Whoever runs the server finds out more with 'iobeam doctor' while it is stopped, and puts the file back from a backup or takes it out of its table with 'iobeam doctor DIR --repair'"
    )]
    Damaged {
        /// Which one, below the data directory.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The system did not let us read it.
    #[error("the file {file} cannot be read: {source}")]
    Io {
        /// Which one, below the data directory.
        file: String,
        /// What the system said.
        source: Arc<io::Error>,
    },
}

impl FileError {
    /// Finds one among the causes of an error.
    pub fn within<'e>(mut error: &'e (dyn std::error::Error + 'static)) -> Option<&'e Self> {
        loop {
            if let Some(found) = error.downcast_ref::<Self>() {
                return Some(found);
            }
            // An error of the system may carry ours, and then names its own cause, not ours.
            let carried = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            error = match carried {
                Some(carried) => carried,
                None => error.source()?,
            };
        }
    }
}

/// Why the store could not do what it was asked for. It is told to each write of a group, hence `Clone`.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has the store open.
    #[error("{dir} is in use by another process; one process at a time may have it open", dir = dir.display())]
    Locked {
        /// The store's folder.
        dir: PathBuf,
    },
    /// The journal may not grow further before the lake has taken up what is in it.
    #[error("the write-ahead log is full ({limit} bytes)")]
    LogFull {
        /// The most bytes it may have.
        limit: u64,
    },
    /// No room is left on the disk.
    #[error("the disk is full: {free} bytes are free and {reserve} are kept in reserve")]
    DiskFull {
        /// What is free.
        free: u64,
        /// What must stay free.
        reserve: u64,
    },
    /// The memory budget is used up until a flush ends.
    #[error("too much is being stored at once; try again in {} s", retry_after.as_secs().max(1))]
    Busy {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// The journal could not be written or synced: nothing of the write counts.
    #[error("the write-ahead log cannot be written: {0}")]
    Journal(#[source] Arc<iobeam_journal::JournalError>),
    /// A file could not be read or written.
    #[error("cannot {what} {path}: {source}", path = path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// A file does not hold what was once written to it.
    #[error("{path} is damaged: {reason}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A Parquet file cannot be read, or not as it was written.
    #[error("{0}")]
    File(#[from] FileError),
    /// A table's log is damaged: nothing is read from the table or written to it.
    #[error(
        "the table {table} is out of service: {reason}. Its files are left as they are, and all other tables are served. Whoever runs the server stops it, finds out more with 'iobeam doctor', and puts the table's folder back from a backup or has it rebuilt of what is sound with 'iobeam doctor DIR --repair'"
    )]
    Unavailable {
        /// `project/namespace`.
        table: String,
        /// What was found, with the name of the file.
        reason: String,
    },
    /// The lake (Parquet files and their Delta log) refused.
    #[error("table {table}: {reason}")]
    Lake {
        /// `project/namespace`.
        table: String,
        /// What was wrong.
        reason: String,
    },
    /// A batch is not what its namespace needs.
    #[error("namespace '{namespace}': {reason}")]
    Unfit {
        /// The batch's namespace.
        namespace: String,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// Two different batches came under one number.
    #[error(
        "batch {id} was already stored with other rows; two senders share one stream id: give each its own"
    )]
    Reused {
        /// The number.
        id: BatchId,
    },
    /// A batch whose number lies so far back that nobody knows any more whether it was stored.
    #[error(
        "batch {id} is too far behind its stream to tell whether it was stored; send it under a new number"
    )]
    Forgotten {
        /// The number.
        id: BatchId,
    },
    /// Another correction of the namespace is under way.
    #[error(
        "namespace '{namespace}' is being corrected already (correction {number}); wait until that has ended"
    )]
    BeingCorrected {
        /// The namespace.
        namespace: String,
        /// The number of that correction.
        number: u64,
    },
    /// A change of the namespace's fields is about to be shown.
    #[error("fields of namespace '{namespace}' are being changed; try again in a moment")]
    Frozen {
        /// The namespace.
        namespace: String,
    },
    /// Rows of the namespace are being deleted, and what came cannot be stored before that has ended.
    #[error("rows of namespace '{namespace}' are being deleted; try again in a moment")]
    Deleting {
        /// The namespace.
        namespace: String,
    },
    /// No correction has that number, or it is at another stage.
    #[error("there is no correction {number} that this could be done with")]
    NoCorrection {
        /// The number.
        number: u64,
    },
    /// The store is closed, or its writer has died.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Whose move it is.
    pub const fn remedy(&self) -> Remedy {
        match self {
            Self::LogFull { .. }
            | Self::DiskFull { .. }
            | Self::Busy { .. }
            | Self::Frozen { .. }
            | Self::Deleting { .. }
            | Self::Closed => Remedy::Retry,
            Self::Unfit { .. }
            | Self::Reused { .. }
            | Self::Forgotten { .. }
            | Self::BeingCorrected { .. }
            | Self::NoCorrection { .. } => Remedy::FixRequest,
            Self::Locked { .. }
            | Self::Journal(_)
            | Self::Io { .. }
            | Self::Damaged { .. }
            | Self::File(_)
            | Self::Unavailable { .. }
            | Self::Lake { .. } => Remedy::CallOperator,
        }
    }

    /// When it is worth trying again, for those that are.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after } => Some(*retry_after),
            Self::Frozen { .. } | Self::Deleting { .. } => Some(Duration::from_secs(1)),
            Self::LogFull { .. } | Self::DiskFull { .. } | Self::Closed => {
                Some(Duration::from_secs(10))
            }
            _ => None,
        }
    }

    /// A file operation that failed.
    pub(crate) fn io(what: &'static str, path: &std::path::Path, source: io::Error) -> Self {
        Self::Io { what, path: path.to_owned(), source: Arc::new(source) }
    }
}
