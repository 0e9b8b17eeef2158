//! Why a question got no answer, and whose move it is.

mod words;

use std::time::Duration;

use datafusion::common::DataFusionError;
use iobeam_model::{FieldName, NamespaceName, Remedy};
use iobeam_store::{DataFile, FileError};
use parquet::errors::ParquetError;

/// Why a question got no answer. The texts are for the one who asked: they name the parameter or the limit.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// A parameter of the request cannot be read, or does not go with the others.
    #[error("parameter '{parameter}': {reason}")]
    Parameter {
        /// The parameter's name, as in the URL.
        parameter: &'static str,
        /// What is wrong with it, and what to write instead.
        reason: String,
    },
    /// The endpoint has no such parameter.
    #[error("parameter '{parameter}' is not known here; this endpoint takes {known}")]
    UnknownParameter {
        /// The parameter's name, as in the URL.
        parameter: String,
        /// Those that there are.
        known: String,
    },
    /// The field that is asked for does not exist.
    #[error("namespace '{namespace}' has no field '{field}'")]
    NoSuchField {
        /// Where it was looked for.
        namespace: NamespaceName,
        /// What was asked for.
        field: FieldName,
    },
    /// The SQL text cannot be read or planned, or a value in it cannot be computed.
    #[error("{reason}")]
    Sql {
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The SQL text is something other than one query.
    #[error(
        "{found} is not allowed: this door takes one query (SELECT, WITH, VALUES, EXPLAIN, SHOW TABLES, SHOW COLUMNS or DESCRIBE) and changes nothing"
    )]
    NotAQuery {
        /// What stands there instead.
        found: String,
    },
    /// The query ran too long.
    #[error(
        "the query ran longer than {} s (setting '{setting}'); ask for less time or fewer fields, or have the limit raised",
        limit.as_secs_f64()
    )]
    Timeout {
        /// How long it may run.
        limit: Duration,
        /// The setting that says so.
        setting: &'static str,
    },
    /// The query needs more memory than there is for queries.
    #[error(
        "the query needs more memory than there is: at most {limit} bytes (setting '{setting}'), and less while imports take theirs; ask for less, or again later"
    )]
    Memory {
        /// How much all queries together may use.
        limit: u64,
        /// The setting that says so.
        setting: &'static str,
    },
    /// The answer has too many rows.
    #[error(
        "the answer has more than {limit} rows (setting '{setting}'); add a limit or a narrower time"
    )]
    TooManyRows {
        /// How many an answer may have.
        limit: u64,
        /// The setting that says so.
        setting: &'static str,
    },
    /// The answer has too many points.
    #[error(
        "the answer has more than {limit} points (setting '{setting}'); ask for fewer series, a wider bucket, a smaller width or less time"
    )]
    TooManyPoints {
        /// How many an answer may have.
        limit: usize,
        /// The setting that says so.
        setting: &'static str,
    },
    /// A value that the query makes is too large, or takes too much work.
    #[error(
        "{what}, and a value may have {limit} bytes at most (setting '{setting}'); use shorter values, or have the limit raised"
    )]
    ValueTooLarge {
        /// What is too large, and how large.
        what: String,
        /// How many bytes a value may have.
        limit: usize,
        /// The setting that says so.
        setting: &'static str,
    },
    /// The query is made of too many parts, or one of them is too large.
    #[error(
        "the query has {found} {what}, and at most {limit} are allowed (setting '{setting}'); {remedy}"
    )]
    TooComplex {
        /// How many there are.
        found: usize,
        /// Of what.
        what: &'static str,
        /// How many there may be.
        limit: usize,
        /// The setting that says so.
        setting: &'static str,
        /// What to do instead.
        remedy: &'static str,
    },
    /// So many queries run that this one got no place in its time.
    #[error(
        "the query waited {} s for others: at most {limit} run at once, half of them of one reader (setting '{setting}'); ask again later, or ask less at once",
        waited.as_secs_f64()
    )]
    Busy {
        /// How many may run.
        limit: usize,
        /// How long it waited.
        waited: Duration,
        /// The setting that says how many.
        setting: &'static str,
    },
    /// Nobody waits for the answer any more.
    #[error("the query was stopped, as nobody waits for its answer")]
    Unwanted,
    /// A file of stored rows cannot be read, or not as it was written.
    #[error("{0}")]
    File(#[from] FileError),
    /// A table is out of service.
    #[error("{reason}")]
    Unavailable {
        /// Which one, why, and what the operator can do.
        reason: String,
    },
    /// Stored rows cannot be read.
    #[error("stored rows cannot be read: {reason}")]
    Storage {
        /// What the disk or the file said.
        reason: String,
    },
    /// A mistake of ours.
    #[error("the query engine failed: {reason}")]
    Internal {
        /// What it said.
        reason: String,
    },
}

/// The setting that limits how long a query may run.
pub const TIMEOUT_SETTING: &str = "query-timeout";
/// The setting that limits the memory of all queries together.
pub const MEMORY_SETTING: &str = "query-memory";
/// The setting that limits how many queries run at once.
pub const CONCURRENCY_SETTING: &str = "query-concurrency";
/// The setting that limits the bytes of one value.
pub const VALUE_SETTING: &str = "query-value-size";
/// The setting that limits the rows of an answer.
pub const ROWS_SETTING: &str = "query-max-rows";
/// The setting that limits the points of a chart.
pub const POINTS_SETTING: &str = "query-max-points";
/// The setting that limits the series of a chart.
pub const SERIES_SETTING: &str = "query-max-series";

impl QueryError {
    /// Whose move it is.
    pub const fn remedy(&self) -> Remedy {
        match self {
            Self::Parameter { .. }
            | Self::UnknownParameter { .. }
            | Self::NoSuchField { .. }
            | Self::Sql { .. }
            | Self::NotAQuery { .. }
            | Self::Timeout { .. }
            | Self::ValueTooLarge { .. }
            | Self::TooComplex { .. }
            | Self::TooManyPoints { .. }
            | Self::TooManyRows { .. } => Remedy::FixRequest,
            Self::Memory { .. } | Self::Busy { .. } | Self::Unwanted => Remedy::Retry,
            Self::File(_)
            | Self::Unavailable { .. }
            | Self::Storage { .. }
            | Self::Internal { .. } => Remedy::CallOperator,
        }
    }

    pub(crate) fn parameter(parameter: &'static str, reason: impl Into<String>) -> Self {
        Self::Parameter { parameter, reason: reason.into() }
    }

    /// A mistake in SQL, in the words of its reader or planner.
    pub(crate) fn sql(error: &DataFusionError) -> Self {
        Self::Sql { reason: words::plain(&error.strip_backtrace()) }
    }

    #[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
    pub(crate) fn internal(reason: impl ToString) -> Self {
        let reason = reason.to_string();
        tracing::warn!(error = %reason, "a query failed");
        Self::Internal { reason: words::plain(&reason) }
    }

    /// What went wrong while a file was read.
    pub(crate) fn reading(file: &DataFile, error: &ParquetError) -> Self {
        // Not every reader of Parquet passes on why it got no bytes, but the file knows.
        let known = FileError::within(error).or_else(|| file.damage());
        known.map_or_else(|| Self::internal(error), |known| Self::File(known.clone()))
    }

    /// Sorts an error of the engine into ours; `memory` is the limit that stands when memory ran out.
    pub(crate) fn from_engine(error: &DataFusionError, memory: u64) -> Self {
        if let Some(own) = own(error) {
            return own.clone();
        }
        if let Some(file) = FileError::within(error) {
            return Self::File(file.clone());
        }
        let reason = || words::plain(&error.strip_backtrace());
        match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => {
                Self::Memory { limit: memory, setting: MEMORY_SETTING }
            }
            DataFusionError::ObjectStore(_)
            | DataFusionError::ParquetError(_)
            | DataFusionError::IoError(_) => {
                let text = error.strip_backtrace();
                tracing::warn!(error = %text, "stored rows cannot be read");
                Self::Storage { reason: words::stored(&text) }
            }
            DataFusionError::ExecutionJoin(_) => Self::Internal { reason: reason() },
            root => {
                if matches!(root, DataFusionError::Internal(_)) {
                    // A query that the engine does not expect is the asker's to change; why, whoever runs this may see.
                    tracing::warn!(error = %error.strip_backtrace(), "the engine refused a query");
                }
                Self::Sql { reason: unanswered(reason(), root) }
            }
        }
    }
}

/// What the engine says of a query that it cannot answer, without its own affairs.
fn unanswered(reason: String, root: &DataFusionError) -> String {
    if reason.contains("Regular expression did not compile") || reason.contains("size limit") {
        return "a regular expression of the query is not well formed, or too large; use a simpler one".to_owned();
    }
    if !matches!(root, DataFusionError::Internal(_)) {
        return reason;
    }
    let line = reason.lines().next().unwrap_or_default();
    let line = line.split("Internal error: ").last().unwrap_or_default();
    format!("a query of this form is not supported: {}", line.trim_end_matches(['.', ' ']))
}

/// An error of ours that went through the engine.
fn own(error: &DataFusionError) -> Option<&QueryError> {
    let mut at: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = at {
        if let Some(own) = error.downcast_ref::<QueryError>() {
            return Some(own);
        }
        at = error.source();
    }
    None
}
