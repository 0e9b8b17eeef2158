//! What was measured: one value and its type.

use std::fmt;
use std::str::FromStr;

/// The type of a field. Once the field exists, only a correction changes it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum FieldType {
    /// A 64-bit floating point number: what numbers are in fields that came into being by themselves.
    Double,
    /// A 64-bit integer, exact; only where a field was declared so.
    Long,
    /// True or false.
    Boolean,
    /// Text.
    String,
}

impl FieldType {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Double => "DOUBLE",
            Self::Long => "LONG",
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
        }
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no field type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown field type '{0}'; use DOUBLE, LONG, BOOLEAN or STRING")]
pub struct UnknownFieldType(pub String);

impl FromStr for FieldType {
    type Err = UnknownFieldType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Double, Self::Long, Self::Boolean, Self::String]
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownFieldType(text.to_owned()))
    }
}

/// One value of one field. A missing value is `None` where an `Option<Value>` is spoken of.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A finite number.
    Double(f64),
    /// An exact integer.
    Long(i64),
    /// True or false.
    Boolean(bool),
    /// Text.
    String(Box<str>),
}

impl Value {
    /// The type that a field must have to hold this value as it is.
    pub const fn field_type(&self) -> FieldType {
        match self {
            Self::Double(_) => FieldType::Double,
            Self::Long(_) => FieldType::Long,
            Self::Boolean(_) => FieldType::Boolean,
            Self::String(_) => FieldType::String,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Double(number) => write!(f, "{number}"),
            Self::Long(number) => write!(f, "{number}"),
            Self::Boolean(truth) => write!(f, "{truth}"),
            Self::String(text) => f.write_str(text),
        }
    }
}
