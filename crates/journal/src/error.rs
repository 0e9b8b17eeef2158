//! What can go wrong with a journal, and whose move it is.

use std::io;
use std::path::{Path, PathBuf};

use iobeam_model::Remedy;

/// Why the journal could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Another process has it open.
    #[error("{} is in use by another process; one process at a time may write there", dir.display())]
    Locked {
        /// The journal's folder.
        dir: PathBuf,
    },
    /// There is no room left. Once there is, the same call works again.
    #[error("cannot {action} {}: the disk is full", path.display())]
    DiskFull {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
    },
    /// The disk refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A record larger than the format can say.
    #[error("a record of {bytes} bytes is too large; the limit is {limit}")]
    TooLarge {
        /// How large it is.
        bytes: usize,
        /// How large one may be.
        limit: usize,
    },
    /// A record that was sound when the journal was opened is so no longer.
    #[error("{} is damaged at byte {offset}: record {seq} does not match its checksum", path.display())]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Where the record starts.
        offset: u64,
        /// Which record.
        seq: u64,
    },
    /// A file that a newer program wrote.
    #[error("{} has format version {found}; this program reads version {known}: use the program that wrote it, or a newer one", path.display())]
    Version {
        /// The segment.
        path: PathBuf,
        /// Its version.
        found: u8,
        /// The version known here.
        known: u8,
    },
}

impl JournalError {
    /// Says what was tried on which file.
    pub fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { action, path }
            }
            _ => Self::Io { action, path, source },
        }
    }

    /// Whether another process has the journal open.
    pub const fn is_locked(&self) -> bool {
        matches!(self, Self::Locked { .. })
    }

    /// Whose move it is.
    pub const fn remedy(&self) -> Remedy {
        match self {
            Self::DiskFull { .. } => Remedy::Retry,
            Self::TooLarge { .. } => Remedy::FixRequest,
            Self::Locked { .. } | Self::Io { .. } | Self::Damaged { .. } | Self::Version { .. } => {
                Remedy::CallOperator
            }
        }
    }
}
