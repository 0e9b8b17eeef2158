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
    Text(String),
}

impl Param {
    pub(super) fn scalar(self) -> ScalarValue {
        match self {
            Self::Null => ScalarValue::Null,
            Self::Boolean(truth) => ScalarValue::Boolean(Some(truth)),
            Self::Long(number) => ScalarValue::Int64(Some(number)),
            Self::Double(number) => ScalarValue::Float64(Some(number)),
            Self::Text(text) => ScalarValue::Utf8View(Some(text)),
        }
    }
}

/// The value is an array or an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a parameter is null, true, false, a number or a text; pass the parts of lists one by one")]
pub struct NoParam;

impl TryFrom<&serde_json::Value> for Param {
    type Error = NoParam;

    fn try_from(value: &serde_json::Value) -> Result<Self, NoParam> {
        match value {
            serde_json::Value::Null => Ok(Self::Null),
            serde_json::Value::Bool(truth) => Ok(Self::Boolean(*truth)),
            serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Ok(Self::Long(whole)),
                (None, Some(number)) => Ok(Self::Double(number)),
                (None, None) => Err(NoParam),
            },
            serde_json::Value::String(text) => Ok(Self::Text(text.clone())),
            serde_json::Value::Array(_) | serde_json::Value::Object(_) => Err(NoParam),
        }
    }
}
