//! Why bytes are not what they should be, and whose move it is then.

use iobeam_model::{BatchError, FieldName, FieldType, NameError, Remedy};

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
        /// `rows`, `columns` or `bytes once unpacked`.
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

/// Why a JSON body cannot be imported. Each text names the place and what would be right; rows and places count from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// It is not JSON, or something of another kind stands where it may not.
    #[error("{place}: {reason} (line {line}, column {column})")]
    Json {
        /// Where, as `sources.data[3][1]`.
        place: String,
        /// What is wrong.
        reason: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// A member that must be there is not.
    #[error("{place} is missing; {remedy}")]
    Missing {
        /// What is missing.
        place: String,
        /// What would be right.
        remedy: &'static str,
    },
    /// Two members or two fields have one name.
    #[error("{place} stands twice; send it once")]
    Twice {
        /// What stands twice.
        place: String,
    },
    /// A name that is none.
    #[error("{place}: {name:?} cannot be used: {source}")]
    Name {
        /// Where.
        place: String,
        /// The name.
        name: String,
        /// Why not.
        source: NameError,
    },
    /// A row is shorter or longer than the list of fields.
    #[error(
        "{place}: the row has {found} values and there are {fields} fields; send null for what is missing"
    )]
    Width {
        /// Where.
        place: String,
        /// How many values it has, as far as was counted.
        found: usize,
        /// How many fields there are.
        fields: usize,
    },
    /// A time that is none.
    #[error("{place}: {value} {reason}")]
    Time {
        /// Where.
        place: String,
        /// What stands there.
        value: String,
        /// What is wrong with it, and what would be right.
        reason: &'static str,
    },
    /// A value has not the type of its field.
    #[error("{place}: row {row}, field '{field}': {value} is not a {expected}; send {}, or retype the field (PATCH /v1/namespaces/<id>/fields/{field})", remedy_for(*expected))]
    Type {
        /// Where.
        place: String,
        /// The row.
        row: usize,
        /// The field.
        field: FieldName,
        /// What stands there.
        value: String,
        /// What should stand there.
        expected: FieldType,
    },
    /// An integer that a `DOUBLE` cannot hold exactly.
    #[error(
        "{place}: row {row}, field '{field}': the integer {value} is beyond 2^53 and would lose digits in a DOUBLE field; declare the field LONG before its first value is sent, or retype it to LONG"
    )]
    Inexact {
        /// Where.
        place: String,
        /// The row.
        row: usize,
        /// The field.
        field: FieldName,
        /// The integer.
        value: String,
    },
    /// An integer that no field can hold.
    #[error(
        "the integer {value} has more than 64 bits; send it as a text, or with an exponent when its last digits do not matter"
    )]
    TooLong {
        /// The integer.
        value: String,
    },
    /// More than the reader takes at once.
    #[error("{place}: there are more than {limit} {what}; send smaller requests")]
    TooMany {
        /// Where.
        place: String,
        /// `rows`, `fields` or `series`.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// The columns do not make a batch.
    #[error(transparent)]
    Batch(#[from] BatchError),
}

const fn remedy_for(expected: FieldType) -> &'static str {
    match expected {
        FieldType::Double => "a number or null",
        FieldType::Long => "a whole number from -2^63 to 2^63-1, or null",
        FieldType::Boolean => "true, false or null",
        FieldType::String => "a text in quotes or null",
    }
}

impl ImportError {
    /// Whose move it is: the same body will never be taken.
    pub const fn remedy(&self) -> Remedy {
        Remedy::FixRequest
    }

    /// Whether a value has not the type of its field, and not the request its shape.
    pub const fn is_type_conflict(&self) -> bool {
        matches!(self, Self::Type { .. } | Self::Inexact { .. })
    }
}
