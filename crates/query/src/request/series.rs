//! `POST /v1/query`: what a chart asks for.

use std::collections::HashSet;

use iobeam_model::FieldName;
use serde::{Deserialize, Serialize};

use super::condition::{Comparison, Condition, field_name};
use crate::error::{QueryError, SERIES_SETTING};

/// A question for series of points, one of each device and field. As JSON it may leave out whatever is an `Option`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeriesRequest {
    /// The namespace; `input` unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The fields; all that the summary says something of, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<String>>,
    /// The devices; all, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub devices: Option<Vec<String>>,
    /// What rows must fulfil, all of it.
    #[serde(default, rename = "where", skip_serializing_if = "Vec::is_empty")]
    pub predicates: Vec<Predicate>,
    /// The first millisecond; that of the earliest row, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<i64>,
    /// The last millisecond; that of the latest row, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<i64>,
    /// How the rows of a bucket become one value; `None` for the rows themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Summary>,
    /// With an operator: `auto`, `all`, or a span such as `15m`, `1d`, `3mo`. Without: `auto`, or `raw` for every row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// Which rows stand for the others when there are more than the chart can show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downsample: Option<Downsample>,
    /// How many columns of pixels the chart has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<usize>,
    /// The time zone whose days, weeks, months and years are meant; UTC unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// At most so many points of each series, the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// At most so many series, of the first devices by their ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_series: Option<usize>,
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predicate {
    /// The field to look at.
    pub field: String,
    /// `eq`, `ne`, `lt`, `le`, `gt` or `ge`.
    pub op: Comparison,
    /// A text, a number or a truth, as the field's type wants.
    pub value: serde_json::Value,
}

/// How the rows of a bucket become one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Summary {
    /// The arithmetic mean.
    Mean,
    /// The least value.
    Min,
    /// The greatest value.
    Max,
    /// The sum.
    Sum,
    /// How many values there are.
    Count,
    /// The value of the earliest row.
    First,
    /// The value of the latest row.
    Last,
}

impl Summary {
    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Min => "min",
            Self::Max => "max",
            Self::Sum => "sum",
            Self::Count => "count",
            Self::First => "first",
            Self::Last => "last",
        }
    }
}

/// Which rows stand for the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Downsample {
    /// The first, the least, the greatest and the last of each column of pixels: the line looks as if all were drawn.
    #[default]
    MinMax,
    /// As many as there are columns, those that keep the line's form best (Largest Triangle Three Buckets).
    Lttb,
}

impl SeriesRequest {
    /// The namespace's name.
    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or("input")
    }

    /// Refuses lists that are longer than any answer, before they are looked at. There may be no more fields or devices
    /// than series, whose most a setting says.
    ///
    /// # Errors
    /// When a list is longer.
    pub fn within(&self, most_series: usize) -> Result<(), QueryError> {
        let lists = [("fields", &self.fields), ("devices", &self.devices)];
        for (parameter, list) in lists {
            let found = list.as_ref().map_or(0, Vec::len);
            if found > most_series {
                let reason = format!(
                    "{found} names, and an answer has at most {most_series} series (setting '{SERIES_SETTING}'); name fewer, or leave the list out for all"
                );
                return Err(QueryError::parameter(parameter, reason));
            }
        }
        Ok(())
    }

    /// The fields that are named.
    pub(crate) fn named_fields(&self) -> Result<Option<Vec<FieldName>>, QueryError> {
        let Some(names) = self.fields.as_deref().filter(|names| !names.is_empty()) else {
            return Ok(None);
        };
        let mut fields: Vec<FieldName> = Vec::with_capacity(names.len());
        let mut known = HashSet::with_capacity(names.len());
        for name in names {
            if name.eq_ignore_ascii_case("time") {
                let reason = "the time of a row is no field; it comes with each series, and 'from' and 'to' choose it";
                return Err(QueryError::parameter("fields", reason));
            }
            let name = field_name("fields", name)?;
            if known.insert(name.clone()) {
                fields.push(name);
            }
        }
        Ok(Some(fields))
    }

    /// The predicates as the other doors write them.
    pub(crate) fn conditions(&self) -> Result<Vec<Condition>, QueryError> {
        Condition::within_limit(self.predicates.len())?;
        self.predicates.iter().map(Predicate::condition).collect()
    }
}

impl Predicate {
    fn condition(&self) -> Result<Condition, QueryError> {
        use serde_json::Value;
        let value = match &self.value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(truth) => truth.to_string(),
            other => {
                let reason = format!(
                    "the value {other} for field '{}' is none; write a text, a number, true or false",
                    self.field
                );
                return Err(QueryError::parameter(Condition::PARAMETER, reason));
            }
        };
        let field = field_name(Condition::PARAMETER, &self.field)?;
        Ok(Condition { field, comparison: self.op, value })
    }
}
