//! What rows must fulfil: `where=eq(device_id, my-dev:1)`.

use iobeam_model::FieldName;
use serde::{Deserialize, Serialize};

use super::params::quoted;
use crate::error::QueryError;

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Comparison {
    /// Equal.
    Eq,
    /// Less.
    Lt,
    /// Greater.
    Gt,
    /// Less or equal.
    Le,
    /// Greater or equal.
    Ge,
    /// There, and not equal; the v1 doors have no word for it.
    Ne,
}

impl Comparison {
    const ALL: [(&'static str, Self); 5] =
        [("eq", Self::Eq), ("lt", Self::Lt), ("gt", Self::Gt), ("le", Self::Le), ("ge", Self::Ge)];
}

/// One condition. Its value is text until the field's type is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The field to look at.
    pub field: FieldName,
    /// How to compare.
    pub comparison: Comparison,
    /// What to compare with.
    pub value: String,
}

/// A number in a request, exact where it is whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A whole number that an `i64` holds.
    Whole(i64),
    /// Any other finite number.
    Fraction(f64),
}

impl Number {
    /// Reads a finite number.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Ok(whole) = text.parse() {
            return Some(Self::Whole(whole));
        }
        text.parse().ok().filter(|number: &f64| number.is_finite()).map(Self::Fraction)
    }
}

/// More conditions than anybody writes: each one is a level of the plan.
const MAX_CONDITIONS: usize = 100;

impl Condition {
    pub(super) const PARAMETER: &'static str = "where";

    /// Refuses more conditions than a request may have.
    pub(super) fn within_limit(conditions: usize) -> Result<(), QueryError> {
        if conditions <= MAX_CONDITIONS {
            return Ok(());
        }
        let reason = format!(
            "at most {MAX_CONDITIONS} conditions are allowed, and all of them must hold: of several on one field keep the tightest"
        );
        Err(QueryError::parameter(Self::PARAMETER, reason))
    }

    pub(super) fn parse_all<'a>(
        texts: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<Self>, QueryError> {
        let mut all = Vec::new();
        for text in texts.flat_map(split) {
            Self::within_limit(all.len() + 1)?;
            all.push(Self::parse(text)?);
        }
        Ok(all)
    }

    /// Reads `f(field, value)`. The value goes up to the last parenthesis, whatever is in it.
    fn parse(text: &str) -> Result<Self, QueryError> {
        let refuse = |reason: &str| {
            let reason = format!(
                "{} {reason}; write f(field,value), f one of eq, lt, gt, le, ge",
                quoted(text)
            );
            QueryError::parameter(Self::PARAMETER, reason)
        };
        let (word, rest) = text.split_once('(').ok_or_else(|| refuse("has no parenthesis"))?;
        let comparison = Comparison::ALL
            .into_iter()
            .find_map(|(name, it)| name.eq_ignore_ascii_case(word.trim()).then_some(it))
            .ok_or_else(|| refuse("does not begin with a comparison"))?;
        let inner = rest
            .trim_end()
            .strip_suffix(')')
            .ok_or_else(|| refuse("does not end with a parenthesis"))?;
        let (field, value) = inner.split_once(',').ok_or_else(|| refuse("has no comma"))?;
        let field = field_name(Self::PARAMETER, field.trim())?;
        Ok(Self { field, comparison, value: value.trim().to_owned() })
    }
}

/// The conditions of one parameter: `eq(a,1),ge(b,2)` are two, both of which must hold.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut begin = 0;
    for (at, _) in text.match_indices(')') {
        let rest = text[at + 1..].trim_start();
        let Some(next) = rest.strip_prefix(',').map(str::trim_start) else { continue };
        // No word is longer, and a long text is not looked through again and again.
        let end = next.bytes().take(16).position(|byte| byte == b'(');
        let word = end.map(|end| &next[..end]);
        let is_comparison = |word: &str| {
            Comparison::ALL.iter().any(|(name, _)| name.eq_ignore_ascii_case(word.trim_end()))
        };
        if word.is_some_and(is_comparison) {
            parts.push(&text[begin..=at]);
            begin = text.len() - next.len();
        }
    }
    parts.push(&text[begin..]);
    parts
}

/// A field's name in a parameter.
pub(super) fn field_name(parameter: &'static str, text: &str) -> Result<FieldName, QueryError> {
    if text.eq_ignore_ascii_case("time") {
        let reason = "the time of a row is no field; use the parameter 'time=from,to'";
        return Err(QueryError::parameter(parameter, reason));
    }
    text.parse().map_err(|error| {
        QueryError::parameter(parameter, format!("{} is no field name: {error}", quoted(text)))
    })
}
