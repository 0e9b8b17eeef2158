//! `now()`: the time of the question, the same wherever it stands in it.

use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use iobeam_model::Timestamp;

use crate::scope::time_type;

/// The function with its answer in it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Now {
    at: Timestamp,
    signature: Signature,
    aliases: Vec<String>,
}

impl Now {
    pub(super) fn new(at: Timestamp) -> Self {
        let aliases = vec!["current_timestamp".to_owned()];
        Self { at, signature: Signature::nullary(Volatility::Immutable), aliases }
    }
}

impl ScalarUDFImpl for Now {
    fn name(&self) -> &'static str {
        "now"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(time_type())
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let zone = Some("UTC".into());
        Ok(ColumnarValue::Scalar(ScalarValue::TimestampMicrosecond(Some(self.at.micros()), zone)))
    }
}
