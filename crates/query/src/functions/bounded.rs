//! Functions that make text longer, held back before they make too much of it.
//!
//! What a function of a row makes is not counted as memory by the engine, and `concat(x, x)` of `concat(x, x)` of ...
//! doubles with each word of a query. Each batch's result is therefore estimated from its arguments first.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{DFSchema, DataFusionError, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, when,
};
use datafusion::sql::sqlparser::ast::BinaryOperator;

/// The functions, and how their result grows.
pub(super) const GROWING: [(&str, Growth); 5] = [
    ("concat", Growth::Sum),
    ("concat_ws", Growth::Separated),
    ("array_concat", Growth::Sum),
    ("replace", Growth::Replaced),
    ("regexp_replace", Growth::Replaced),
];

/// How large a result can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Growth {
    /// As its arguments together.
    Sum,
    /// As its arguments, with the first between each two of the others.
    Separated,
    /// As the first argument with the last in place of each of its letters.
    Replaced,
}

/// A function that looks at the size of its arguments first.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Bounded {
    inner: Arc<ScalarUDF>,
    growth: Growth,
    most: usize,
}

impl Bounded {
    pub(super) fn new(inner: Arc<ScalarUDF>, growth: Growth, most: usize) -> Self {
        Self { inner, growth, most }
    }

    fn estimate(&self, arguments: &ScalarFunctionArgs) -> usize {
        let rows = arguments.number_rows;
        let all = &arguments.args;
        let sizes: usize = all.iter().map(|value| size(value, rows)).sum();
        match self.growth {
            Growth::Sum => sizes,
            Growth::Separated => sizes.saturating_mul(all.len()),
            Growth::Replaced => {
                let text = all.first().map_or(0, |text| size(text, rows));
                // Flags may stand last; what is longest is what counts.
                let longest = all.iter().skip(1).map(longest).max().unwrap_or(0);
                text.saturating_mul(longest.saturating_add(1))
            }
        }
    }
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        self.inner.inner().schema_name(arguments)
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.inner().coerce_types(arguments)
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.inner.inner().return_type(arguments)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.inner().return_field_from_args(arguments)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if self.estimate(&arguments) > self.most {
            let name = self.name();
            return Err(DataFusionError::ResourcesExhausted(format!(
                "{name} makes too much of it"
            )));
        }
        self.inner.inner().invoke_with_args(arguments)
    }
}

/// The bytes of a value over all rows, about.
fn size(value: &ColumnarValue, rows: usize) -> usize {
    match value {
        ColumnarValue::Scalar(value) => value.size().saturating_mul(rows),
        ColumnarValue::Array(values) => match values.data_type() {
            DataType::Utf8View => {
                values.as_string_view().lengths().map(|length| length as usize + 16).sum()
            }
            _ => values.get_array_memory_size(),
        },
    }
}

/// The longest of a text's values.
fn longest(value: &ColumnarValue) -> usize {
    match value {
        ColumnarValue::Scalar(value) => value.try_as_str().flatten().map_or(0, str::len),
        ColumnarValue::Array(values) => match values.data_type() {
            DataType::Utf8View => {
                values.as_string_view().lengths().map(|length| length as usize).max().unwrap_or(0)
            }
            _ => values.get_array_memory_size(),
        },
    }
}

/// Plans `a || b` of texts as the bounded `concat`, which is null when either is.
#[derive(Debug)]
pub(super) struct Joined(pub(super) Arc<ScalarUDF>);

impl ExprPlanner for Joined {
    fn plan_binary_op(
        &self,
        call: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        if call.op != BinaryOperator::StringConcat {
            return Ok(PlannerResult::Original(call));
        }
        // A parameter has no type yet; then the other side says what is meant, or both are taken for texts.
        let is_no_text = |side: &Expr| {
            side.get_type(schema).is_ok_and(|kind| kind.is_nested() || kind.is_binary())
        };
        if is_no_text(&call.left) || is_no_text(&call.right) {
            return Ok(PlannerResult::Original(call));
        }
        let RawBinaryExpr { left, right, .. } = call;
        let name = |side: &Expr| match side {
            Expr::Alias(named) => named.name.clone(),
            other => other.to_string(),
        };
        let heading = format!("{} || {}", name(&left), name(&right));
        let both = left.clone().is_not_null().and(right.clone().is_not_null());
        let joined = ScalarFunction::new_udf(Arc::clone(&self.0), vec![left, right]);
        let joined = when(both, Expr::ScalarFunction(joined)).end()?;
        Ok(PlannerResult::Planned(joined.alias(heading)))
    }
}
