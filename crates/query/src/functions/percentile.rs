//! `approx_percentile_cont(value, share [, centroids])` with a bound on the centroids, which it sets aside beforehand.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature};
use datafusion::physical_expr::expressions::Literal;

use crate::context::engine_error;
use crate::error::QueryError;

/// The most centroids; the more there are, the more exact is the answer.
const MOST_CENTROIDS: i128 = 10_000;

/// The engine's function, bounded.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct BoundedPercentile {
    inner: Arc<AggregateUDF>,
    aliases: Vec<String>,
}

impl BoundedPercentile {
    pub(super) fn new(inner: Arc<AggregateUDF>) -> Self {
        Self { inner, aliases: vec!["approx_percentile".to_owned()] }
    }
}

impl AggregateUDFImpl for BoundedPercentile {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.inner.inner().return_type(arguments)
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.inner().coerce_types(arguments)
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.inner.inner().state_fields(arguments)
    }

    fn accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let centroids = arguments.exprs.get(2).and_then(|it| it.downcast_ref::<Literal>());
        let centroids = centroids.and_then(|it| number(it.value()));
        if centroids.is_some_and(|centroids| centroids > MOST_CENTROIDS) {
            let reason = format!(
                "{} takes at most {MOST_CENTROIDS} centroids; name fewer, or leave them out",
                self.name()
            );
            return Err(engine_error(QueryError::Sql { reason }));
        }
        self.inner.inner().accumulator(arguments)
    }

    fn supports_null_handling_clause(&self) -> bool {
        self.inner.inner().supports_null_handling_clause()
    }

    fn supports_within_group_clause(&self) -> bool {
        self.inner.inner().supports_within_group_clause()
    }
}

fn number(value: &ScalarValue) -> Option<i128> {
    Some(match value {
        ScalarValue::Int8(Some(number)) => i128::from(*number),
        ScalarValue::Int16(Some(number)) => i128::from(*number),
        ScalarValue::Int32(Some(number)) => i128::from(*number),
        ScalarValue::Int64(Some(number)) => i128::from(*number),
        ScalarValue::UInt8(Some(number)) => i128::from(*number),
        ScalarValue::UInt16(Some(number)) => i128::from(*number),
        ScalarValue::UInt32(Some(number)) => i128::from(*number),
        ScalarValue::UInt64(Some(number)) => i128::from(*number),
        _ => return None,
    })
}
