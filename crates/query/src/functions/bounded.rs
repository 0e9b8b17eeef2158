//! A scalar function held to its row in the table of allowed functions.
//!
//! ```text
//! arguments ─ measure ─ one row too large? ─▶ refused: function, limit, setting
//!                   └─ rows in slices of 8 MiB and 50 ms ─ the query may go on? ─▶ function ─▶ together
//! ```
//!
//! What a function makes of a row is not counted as memory by the engine, and `concat(x, x)` of `concat(x, x)` of ...
//! doubles with each word of a query. Each result is therefore bounded from its arguments before it is made.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::concat;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::interval_arithmetic::Interval;
use datafusion::logical_expr::preimage::PreimageResult;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ExpressionPlacement, ReturnFieldArgs, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature, StructFieldMapping,
};

use super::allowed::Growth;
use super::measure::{Measured, fixed_width, measure, parts_of_type};
use crate::context::{PIECE_BYTES, QueryContext, engine_error};
use crate::error::{QueryError, VALUE_SETTING};

/// What a row costs beside its values.
const ROW_BYTES: usize = 64;
/// Steps of work that are done without a look at the context.
const PIECE_STEPS: usize = 20_000_000;
/// Steps for one row, for each byte that a value may have.
const STEPS_PER_BYTE: usize = 2;
/// The longest regular expression, in bytes.
const REGEX_BYTES: usize = 4096;
/// What a regular expression takes once it is read, at most.
const READ_REGEX_BYTES: usize = 1 << 20;
/// What one placeholder of a format becomes, at most.
const PLACEHOLDER_BYTES: usize = 40;
/// What one byte costs that becomes an element of a list.
const ELEMENT_BYTES: usize = 24;
/// Types within a type.
const TYPE_PARTS: usize = 1000;

/// A function that looks at its arguments first.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Bounded {
    inner: Arc<ScalarUDF>,
    growth: Growth,
    /// Bytes that a value may have, where no query says otherwise.
    value_bytes: usize,
}

/// What a call makes and costs, at most.
#[derive(Clone, Copy, Debug, Default)]
struct Bound {
    /// Bytes of all rows.
    total: usize,
    /// Bytes of one row.
    row: usize,
    /// Steps for all rows.
    steps: usize,
    /// Steps for one row.
    row_steps: usize,
}

impl Bounded {
    pub(super) fn new(inner: Arc<ScalarUDF>, growth: Growth, value_bytes: usize) -> Self {
        Self { inner, growth, value_bytes }
    }

    fn bound(&self, arguments: &ScalarFunctionArgs) -> Bound {
        let rows = arguments.number_rows.max(1);
        let all: Vec<Measured> = arguments.args.iter().map(|arg| measure(arg, rows)).collect();
        let total = all.iter().map(|it| it.total).fold(0, usize::saturating_add);
        let longest = all.iter().map(|it| it.longest).fold(0, usize::saturating_add);
        let nth = |at: usize| all.get(at).copied().unwrap_or_default();
        let others = all.iter().skip(1).map(|it| it.longest).max().unwrap_or(0);
        let linear = |total: usize, row: usize| Bound {
            total: total.saturating_add(rows.saturating_mul(ROW_BYTES)),
            row,
            steps: total,
            row_steps: longest,
        };
        let replaced = linear(
            nth(0).total.saturating_mul(others.saturating_add(1)),
            nth(0).longest.saturating_mul(others.saturating_add(1)),
        );
        match self.growth {
            Growth::Fixed => {
                let width = fixed_width(arguments.return_field.data_type()).unwrap_or(ROW_BYTES);
                Bound { steps: total, ..linear(rows.saturating_mul(width), width) }
            }
            Growth::Sum(times) => {
                // A type of fixed width is as wide for a missing value.
                let width = fixed_width(arguments.return_field.data_type()).unwrap_or(0);
                let most = |bytes: usize, rows: usize| {
                    bytes.saturating_mul(times).max(width.saturating_mul(rows))
                };
                linear(most(total, rows), most(longest, 1))
            }
            Growth::Separated => {
                let more = all.len();
                linear(total.saturating_mul(more), nth(0).longest.saturating_mul(more) + longest)
            }
            Growth::Joined => {
                let (between, missing) = (nth(1).longest, nth(2).longest);
                let more = between.saturating_add(missing).saturating_add(16) / 16 + 1;
                linear(nth(0).total.saturating_mul(more), nth(0).longest.saturating_mul(more))
            }
            Growth::Replaced => Bound { steps: total, ..replaced },
            Growth::RegexReplaced => with_regex(arguments, replaced, total),
            Growth::Regex => with_regex(arguments, linear(total, longest), total),
            Growth::Format => {
                let last = all.last().copied().unwrap_or_default();
                linear(
                    last.total.saturating_mul(PLACEHOLDER_BYTES),
                    last.longest.saturating_mul(PLACEHOLDER_BYTES),
                )
            }
            Growth::Elements => {
                linear(total.saturating_mul(ELEMENT_BYTES), longest.saturating_mul(ELEMENT_BYTES))
            }
            Growth::Product => {
                let width = fixed_width(arguments.return_field.data_type()).unwrap_or(ROW_BYTES);
                let (one, other) = (nth(0), nth(1));
                Bound {
                    total: rows.saturating_mul(width + ROW_BYTES),
                    row: width,
                    steps: one.total.saturating_mul(other.longest.max(1)),
                    row_steps: one.longest.saturating_mul(other.longest),
                }
            }
        }
    }

    fn regex_bytes(&self, arguments: &ScalarFunctionArgs) -> usize {
        match (self.growth, arguments.args.get(1)) {
            (Growth::Regex | Growth::RegexReplaced, Some(regex)) => {
                measure(regex, arguments.number_rows)
                    .longest
                    .saturating_sub(size_of::<ScalarValue>())
            }
            _ => 0,
        }
    }

    fn refused(&self, what: &str, limit: usize) -> QueryError {
        let name = self.name();
        QueryError::ValueTooLarge { what: format!("{name} {what}"), limit, setting: VALUE_SETTING }
    }

    fn run(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let name = self.name().to_owned();
        // An engine that gives up on a value must not take the query's threads with it.
        let done =
            catch_unwind(AssertUnwindSafe(|| self.inner.inner().invoke_with_args(arguments)));
        done.unwrap_or_else(|_| {
            let reason = format!("{name} cannot be computed of these values");
            Err(engine_error(QueryError::Sql { reason }))
        })
    }
}

/// A regular expression of each row is read for each.
fn with_regex(arguments: &ScalarFunctionArgs, bound: Bound, total: usize) -> Bound {
    let read = match arguments.args.get(1) {
        Some(ColumnarValue::Array(_)) => arguments.number_rows.saturating_mul(READ_REGEX_BYTES),
        _ => 0,
    };
    // A step of a regular expression costs several.
    let steps = total.saturating_mul(8).saturating_add(read);
    Bound { total: bound.total.saturating_add(read), steps, ..bound }
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
        let field = self.inner.inner().return_field_from_args(arguments)?;
        let parts = parts_of_type(field.data_type());
        if parts > TYPE_PARTS {
            let reason = format!(
                "{} gives a value of {parts} parts, and at most {TYPE_PARTS} are allowed; nest fewer lists and structs",
                self.name()
            );
            return Err(engine_error(QueryError::Sql { reason }));
        }
        if fixed_width(field.data_type()).is_some_and(|width| width > self.value_bytes) {
            let what = "gives values of a type that is too wide";
            return Err(engine_error(self.refused(what, self.value_bytes)));
        }
        Ok(field)
    }

    fn with_updated_config(&self, options: &ConfigOptions) -> Option<ScalarUDF> {
        let inner = self.inner.inner().with_updated_config(options)?;
        Some(ScalarUDF::new_from_impl(Self::new(Arc::new(inner), self.growth, self.value_bytes)))
    }

    fn is_strict(&self) -> bool {
        self.inner.inner().is_strict()
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let context = QueryContext::of(&arguments.config_options);
        if let Some(context) = &context {
            context.check_engine()?;
        }
        let limit = context.as_ref().map_or(self.value_bytes, |it| it.limits().value_bytes);
        if self.regex_bytes(&arguments) > REGEX_BYTES {
            let reason = format!(
                "the regular expression of {} is longer than {REGEX_BYTES} bytes; use a shorter one",
                self.name()
            );
            return Err(engine_error(QueryError::Sql { reason }));
        }
        let bound = self.bound(&arguments);
        if bound.row > limit {
            let what = format!("may make a value of {} bytes", bound.row);
            return Err(engine_error(self.refused(&what, limit)));
        }
        if bound.row_steps > limit.saturating_mul(STEPS_PER_BYTE) {
            let what = format!(
                "takes {} steps for one value, of which the limit allows {STEPS_PER_BYTE} for each byte",
                bound.row_steps
            );
            return Err(engine_error(self.refused(&what, limit)));
        }
        let rows = arguments.number_rows;
        let slices = (bound.total / PIECE_BYTES).max(bound.steps / PIECE_STEPS) + 1;
        let is_one = !arguments.args.iter().any(|arg| matches!(arg, ColumnarValue::Array(_)));
        if slices == 1 || rows <= 1 || is_one {
            return self.run(arguments);
        }
        let most = rows.div_ceil(slices).max(1);
        let mut parts: Vec<ArrayRef> = Vec::with_capacity(rows.div_ceil(most));
        let mut made = 0;
        for start in (0..rows).step_by(most) {
            if let Some(context) = &context {
                context.check_engine()?;
            }
            let length = most.min(rows - start);
            let slice = |arg: &ColumnarValue| match arg {
                ColumnarValue::Array(values) => ColumnarValue::Array(values.slice(start, length)),
                ColumnarValue::Scalar(value) => ColumnarValue::Scalar(value.clone()),
            };
            let part = self.run(ScalarFunctionArgs {
                args: arguments.args.iter().map(slice).collect(),
                arg_fields: arguments.arg_fields.clone(),
                number_rows: length,
                return_field: Arc::clone(&arguments.return_field),
                config_options: Arc::clone(&arguments.config_options),
            })?;
            let part = part.into_array(length)?;
            made += part.get_array_memory_size();
            if made > limit.saturating_mul(4) {
                let what = format!("makes more than {} bytes of {rows} rows", limit * 4);
                return Err(engine_error(self.refused(&what, limit)));
            }
            parts.push(part);
        }
        let parts: Vec<&dyn arrow::array::Array> = parts.iter().map(AsRef::as_ref).collect();
        Ok(ColumnarValue::Array(concat(&parts)?))
    }

    fn simplify(&self, arguments: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        self.inner.inner().simplify(arguments, info)
    }

    fn preimage(
        &self,
        arguments: &[Expr],
        literal: &Expr,
        info: &SimplifyContext,
    ) -> Result<PreimageResult> {
        self.inner.inner().preimage(arguments, literal, info)
    }

    fn short_circuits(&self) -> bool {
        self.inner.inner().short_circuits()
    }

    fn conditional_arguments<'a>(
        &self,
        arguments: &'a [Expr],
    ) -> Option<(Vec<&'a Expr>, Vec<&'a Expr>)> {
        self.inner.inner().conditional_arguments(arguments)
    }

    fn evaluate_bounds(&self, input: &[&Interval]) -> Result<Interval> {
        self.inner.inner().evaluate_bounds(input)
    }

    fn propagate_constraints(
        &self,
        interval: &Interval,
        inputs: &[&Interval],
    ) -> Result<Option<Vec<Interval>>> {
        self.inner.inner().propagate_constraints(interval, inputs)
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        self.inner.inner().output_ordering(inputs)
    }

    fn preserves_lex_ordering(&self, inputs: &[ExprProperties]) -> Result<bool> {
        self.inner.inner().preserves_lex_ordering(inputs)
    }

    fn strictly_order_preserving(&self, inputs: &[ExprProperties]) -> Result<bool> {
        self.inner.inner().strictly_order_preserving(inputs)
    }

    fn struct_field_mapping(&self, literals: &[Option<ScalarValue>]) -> Option<StructFieldMapping> {
        self.inner.inner().struct_field_mapping(literals)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.inner().documentation()
    }

    fn placement(&self, arguments: &[ExpressionPlacement]) -> ExpressionPlacement {
        self.inner.inner().placement(arguments)
    }
}
