//! What can go wrong on the device, and whose move it is.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use iobeam_journal::JournalError;
use iobeam_model::{BatchError, DeviceId, FieldName, NameError, Remedy};
use iobeam_wire::problem::Code;

/// Why the client could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument that cannot be right.
    #[error("{what} {given:?} is wrong: {reason}")]
    Invalid {
        /// Which argument.
        what: &'static str,
        /// What was given.
        given: String,
        /// What would be right.
        reason: String,
    },
    /// A name that is none.
    #[error("the {what} {given:?} cannot be used: {source}")]
    Name {
        /// Of what.
        what: &'static str,
        /// What was given.
        given: String,
        /// Why not.
        source: NameError,
    },
    /// A row without any value.
    #[error("the row has no value; give at least one of {columns}")]
    EmptyRow {
        /// The store's columns.
        columns: String,
    },
    /// A value for a column that the store does not have.
    #[error("the store has no column {given:?}; it has {columns}")]
    UnknownColumn {
        /// What was given.
        given: String,
        /// The store's columns.
        columns: String,
    },
    /// A column that held one kind of value was given another.
    #[error("column '{field}' holds {has}, and this value is {given}")]
    Kind {
        /// The column.
        field: FieldName,
        /// What it holds.
        has: &'static str,
        /// What was given.
        given: &'static str,
    },
    /// A number that is no measurement, or too large to be exact.
    #[error("column '{field}': {number} {reason}")]
    Number {
        /// The column.
        field: FieldName,
        /// The number.
        number: String,
        /// What is wrong with it, and what would be right.
        reason: &'static str,
    },
    /// Two columns whose names differ in letter case alone.
    #[error(
        "the columns '{other}' and '{field}' differ in letter case alone, and are one field; leave one out"
    )]
    LetterCase {
        /// The later one.
        field: FieldName,
        /// The earlier one.
        other: FieldName,
    },
    /// The columns do not make a batch.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// There is no device id yet.
    #[error("no device id is set; register the device, or set the id of a registered one")]
    NoDevice,
    /// The id is used by another device of the project.
    #[error("the device id '{0}' is registered already; choose another, or use register_or_set_id")]
    DuplicateId(DeviceId),
    /// The spool, or without one the memory set aside for readings, is full, and the policy is to refuse.
    #[error(
        "{bytes} bytes wait to be sent and the limit is {limit}; send them, raise the limit, or choose a policy that drops"
    )]
    Full {
        /// How much waits.
        bytes: u64,
        /// How much may wait.
        limit: u64,
    },
    /// The spool could not be read or written.
    #[error("the spool cannot be used: {0}")]
    Spool(#[from] JournalError),
    /// A file beside the spool could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file of the device's id holds none.
    #[error(
        "{} does not hold a device id: {reason}; write the device's id into it, or remove it and have the device register itself", path.display()
    )]
    Identity {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The token is not known to the server, or has ended and could not be refreshed.
    #[error("the server does not know the project token: {0}")]
    Unauthorized(String),
    /// The token is good but does not allow this.
    #[error("the project token does not allow this: {0}")]
    Forbidden(String),
    /// The server refused the request for good.
    #[error("the server answered {status}: {message}")]
    Refused {
        /// The status.
        status: u16,
        /// The error's number, 0 when the server gave none.
        code: Code,
        /// What the server said.
        message: String,
    },
    /// The server cannot do it now.
    #[error("the server is busy ({status}): {message}")]
    Busy {
        /// The status.
        status: u16,
        /// What the server said.
        message: String,
        /// When to come back, if it said so.
        retry_after: Option<Duration>,
    },
    /// No answer came.
    #[error("the server at {backend} did not answer: {reason}")]
    Unreachable {
        /// Where the server should be.
        backend: String,
        /// What happened.
        reason: String,
    },
    /// The deadline passed before everything was sent. What was not sent is kept.
    #[error("{rows} rows were not sent within {deadline:?} and are kept; last: {last}")]
    Deadline {
        /// How many rows are still to be sent.
        rows: u64,
        /// How long was tried.
        deadline: Duration,
        /// What went wrong last.
        last: String,
    },
    /// The client was made by the parent of this process.
    #[error(
        "this client was built before the process forked; build one in the child, with a spool of its own"
    )]
    Forked,
    /// The client was closed.
    #[error("the client was closed; build a new one")]
    Closed,
    /// There is no such set-aside batch.
    #[error("there is no rejected batch {0:?}")]
    NoSuchBatch(String),
    /// The system gave no random numbers.
    #[error("the system gave no random numbers: {0}")]
    Random(String),
}

impl Error {
    /// Whose move it is.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Busy { .. }
            | Self::Unreachable { .. }
            | Self::Deadline { .. }
            | Self::Full { .. } => Remedy::Retry,
            Self::Spool(error) => error.remedy(),
            Self::File { .. }
            | Self::Identity { .. }
            | Self::Unauthorized(_)
            | Self::Forbidden(_)
            | Self::Random(_) => Remedy::CallOperator,
            _ => Remedy::FixRequest,
        }
    }

    /// Whether another process has the spool: a spool is one process's at a time.
    pub const fn is_locked(&self) -> bool {
        matches!(self, Self::Spool(error) if error.is_locked())
    }

    pub(crate) fn file(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::File { action, path: path.to_owned(), source }
    }
}
