//! JSON in texts: `doc -> 'key'`, `doc ->> 'key'`, `json_get(doc, 'key', 0, ...)`, `json_get_text(...)`,
//! `json_array_length(doc [, ...])`, `json_typeof(doc [, ...])`.
//!
//! What is no JSON, or has no such member, is null: a field may hold other texts as well.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{DFSchema, Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::sql::sqlparser::ast::BinaryOperator;
use serde_json::Value;

/// What a function gives of the member that it finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Gives {
    /// The member as JSON.
    Json,
    /// The member as text: strings without their quotes.
    Text,
    /// How many elements it has.
    Length,
    /// What it is.
    Kind,
}

/// A function that looks into a JSON text.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Json {
    name: &'static str,
    gives: Gives,
    signature: Signature,
    aliases: Vec<String>,
}

/// Members of members that one call may name.
const MAX_STEPS: usize = 32;

impl Json {
    /// All of them.
    pub(super) fn all() -> Vec<Self> {
        let one = |name, gives, aliases: &[&str]| Self {
            name,
            gives,
            signature: Signature::user_defined(Volatility::Immutable),
            aliases: aliases.iter().map(|it| (*it).to_owned()).collect(),
        };
        vec![
            one("json_get", Gives::Json, &["json_extract", "json_extract_path"]),
            one(
                "json_get_text",
                Gives::Text,
                &["json_get_str", "json_extract_string", "json_extract_path_text"],
            ),
            one("json_array_length", Gives::Length, &["json_length"]),
            one("json_typeof", Gives::Kind, &["json_type"]),
        ]
    }

    fn of(&self, text: &str, steps: &[Step<'_>]) -> Option<String> {
        let document: Value = serde_json::from_str(text).ok()?;
        let mut found = &document;
        for step in steps {
            found = step.of(found)?;
        }
        match (self.gives, found) {
            (Gives::Text, Value::Null) => None,
            (Gives::Text, Value::String(text)) => Some(text.clone()),
            (Gives::Json | Gives::Text, other) => Some(other.to_string()),
            (Gives::Length, Value::Array(all)) => Some(all.len().to_string()),
            (Gives::Length, Value::Object(all)) => Some(all.len().to_string()),
            (Gives::Length, _) => None,
            (Gives::Kind, other) => Some(
                match other {
                    Value::Null => "null",
                    Value::Bool(_) => "boolean",
                    Value::Number(_) => "number",
                    Value::String(_) => "string",
                    Value::Array(_) => "array",
                    Value::Object(_) => "object",
                }
                .to_owned(),
            ),
        }
    }
}

/// A step into a document.
enum Step<'a> {
    Key(&'a str),
    Index(i64),
}

impl Step<'_> {
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        match (self, value) {
            (Self::Key(key), Value::Object(members)) => members.get(*key),
            (Self::Key(key), Value::Array(elements)) => {
                let at = key.parse::<i64>().ok()?;
                Self::element(elements, at)
            }
            (Self::Index(at), Value::Array(elements)) => Self::element(elements, *at),
            _ => None,
        }
    }

    /// Counted from 0; from the end when it is negative.
    fn element(elements: &[Value], at: i64) -> Option<&Value> {
        let at = if at < 0 { at.checked_add(i64::try_from(elements.len()).ok()?)? } else { at };
        elements.get(usize::try_from(at).ok()?)
    }
}

/// A column of steps.
enum Steps {
    Keys(StringArray),
    Places(Int64Array),
}

impl Steps {
    fn get(&self, row: usize) -> Option<Step<'_>> {
        match self {
            Self::Keys(keys) => keys.is_valid(row).then(|| Step::Key(keys.value(row))),
            Self::Places(places) => places.is_valid(row).then(|| Step::Index(places.value(row))),
        }
    }
}

impl ScalarUDFImpl for Json {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [document, steps @ ..] = arguments else {
            return plan_err!("{} takes a JSON text and the members on the way", self.name);
        };
        if steps.len() > MAX_STEPS {
            return plan_err!("{} takes at most {MAX_STEPS} members on the way", self.name);
        }
        if !(document.is_string() || document.is_null()) {
            return plan_err!("{} looks into a JSON text, not into {document}", self.name);
        }
        let steps = steps.iter().map(|step| match step {
            kind if kind.is_integer() => Ok(DataType::Int64),
            kind if kind.is_string() || kind.is_null() => Ok(DataType::Utf8),
            other => plan_err!("a member of JSON is named by a text or a number, not by {other}"),
        });
        let steps = steps.collect::<Result<Vec<_>>>()?;
        Ok(std::iter::once(DataType::Utf8).chain(steps).collect())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(if self.gives == Gives::Length { DataType::Int64 } else { DataType::Utf8 })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let are_scalars = arguments.args.iter().all(|it| matches!(it, ColumnarValue::Scalar(_)));
        let rows = if are_scalars { 1 } else { arguments.number_rows };
        let Some((documents, steps)) = arguments.args.split_first() else {
            return exec_err!("{} takes a JSON text", self.name);
        };
        let documents = documents.to_array(rows)?;
        let documents = documents.as_string::<i32>();
        let steps = steps.iter().map(|step| {
            let step = step.to_array(rows)?;
            Ok(match step.data_type() {
                DataType::Int64 => Steps::Places(step.as_primitive::<Int64Type>().clone()),
                _ => Steps::Keys(step.as_string::<i32>().clone()),
            })
        });
        let steps = steps.collect::<Result<Vec<_>>>()?;
        let found = (0..rows).map(|row| {
            let steps: Option<Vec<_>> = steps.iter().map(|step| step.get(row)).collect();
            let is_there = documents.is_valid(row);
            steps.filter(|_| is_there).and_then(|steps| self.of(documents.value(row), &steps))
        });
        let found: ArrayRef = if self.gives == Gives::Length {
            let lengths = found.map(|length| length.and_then(|it| it.parse().ok()));
            Arc::new(lengths.collect::<Int64Array>())
        } else {
            Arc::new(found.collect::<StringArray>())
        };
        if are_scalars {
            return ScalarValue::try_from_array(&found, 0).map(ColumnarValue::Scalar);
        }
        Ok(ColumnarValue::Array(found))
    }
}

/// Plans `->` and `->>`.
#[derive(Debug)]
pub(super) struct Arrows {
    /// `json_get`.
    pub(super) json: Arc<ScalarUDF>,
    /// `json_get_text`.
    pub(super) text: Arc<ScalarUDF>,
}

impl ExprPlanner for Arrows {
    fn plan_binary_op(
        &self,
        call: RawBinaryExpr,
        _: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        let function = match call.op {
            BinaryOperator::Arrow => &self.json,
            BinaryOperator::LongArrow => &self.text,
            _ => return Ok(PlannerResult::Original(call)),
        };
        let name = |side: &Expr| match side {
            Expr::Alias(named) => named.name.clone(),
            other => other.to_string(),
        };
        let heading = format!("{} {} {}", name(&call.left), call.op, name(&call.right));
        let found = function.call(vec![call.left, call.right]);
        Ok(PlannerResult::Planned(found.alias(heading)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_by_name_and_by_place() {
        let [json, text, length, kind] = &Json::all()[..] else { panic!("four functions") };
        let document = r#"{"a":{"b":[1,"x",null,9007199254740993]},"c":""}"#;
        let path = |at| [Step::Key("a"), Step::Key("b"), Step::Index(at)];
        assert_eq!(json.of(document, &path(1)).as_deref(), Some("\"x\""));
        assert_eq!(text.of(document, &path(1)).as_deref(), Some("x"));
        assert_eq!(text.of(document, &path(-1)).as_deref(), Some("9007199254740993"));
        assert_eq!(
            (json.of(document, &path(2)).as_deref(), text.of(document, &path(2))),
            (Some("null"), None)
        );
        assert_eq!(json.of(document, &path(4)), None);
        assert_eq!(length.of(document, &path(0)[..2]).as_deref(), Some("4"));
        assert_eq!(kind.of(document, &path(0)[..1]).as_deref(), Some("object"));
        assert_eq!((json.of("no JSON", &[]), json.of("", &[])), (None, None));
    }
}
