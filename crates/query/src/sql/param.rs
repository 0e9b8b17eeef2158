//! The values of `$1`, `$2`, ...

use datafusion::common::ScalarValue;

/// A value that stands for `$n` in a query.
#[derive(Clone, Debug, PartialEq)]
pub enum Param {
    /// No value.
    Null,
    /// True or false.
    Boolean(bool),
    /// An exact integer.
    Long(i64),
    /// A number.
    Double(f64),
    /// Text; also a time, where one is compared with it.
    String(String),
}

impl Param {
    pub(super) fn scalar(self) -> ScalarValue {
        match self {
            Self::Null => ScalarValue::Null,
            Self::Boolean(truth) => ScalarValue::Boolean(Some(truth)),
            Self::Long(number) => ScalarValue::Int64(Some(number)),
            Self::Double(number) => ScalarValue::Float64(Some(number)),
            Self::String(text) => ScalarValue::Utf8View(Some(text)),
        }
    }
}
