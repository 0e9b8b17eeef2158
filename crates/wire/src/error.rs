//! Why bytes are not what they should be, and whose move it is then.

use iobeam_model::{BatchError, Remedy};

/// Why bytes are not a batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The bytes do not begin as a batch does.
    #[error("this is not an iobeam batch (it begins with {found:02x?})")]
    NotABatch {
        /// How they begin.
        found: Vec<u8>,
    },
    /// Written by a later version.
    #[error(
        "this batch is of format version {found}, and up to {known} can be read; upgrade the reader"
    )]
    Version {
        /// The version it says.
        found: u8,
        /// The newest that is known here.
        known: u8,
    },
    /// There are fewer bytes than the batch says it has.
    #[error("the batch ends too early: it needs {needed} bytes and there are {found}")]
    CutOff {
        /// How many are needed, as far as can be told.
        needed: u64,
        /// How many there are.
        found: u64,
    },
    /// A checksum does not agree: bytes were changed on the way.
    #[error(
        "the checksum of the batch's {part} is wrong: it was damaged on the way or on the disk"
    )]
    Checksum {
        /// `head` or `body`.
        part: &'static str,
    },
    /// It is larger than the reader allows.
    #[error("the batch has {found} {what}, and at most {limit} are allowed; send smaller batches")]
    TooLarge {
        /// `rows`, `columns` or `bytes`.
        what: &'static str,
        /// How many there are.
        found: u64,
        /// How many there may be.
        limit: u64,
    },
    /// The checksums agree, but the contents make no sense: the writer is at fault.
    #[error("the batch is malformed: {what}")]
    Malformed {
        /// What makes no sense.
        what: &'static str,
    },
    /// The columns do not make a batch.
    #[error(transparent)]
    Batch(#[from] BatchError),
}

impl CodecError {
    /// Whose move it is: the same bytes will never be a batch.
    pub const fn remedy(&self) -> Remedy {
        Remedy::FixRequest
    }
}
