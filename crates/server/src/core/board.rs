//! What is on a dashboard, checked at the door: panels on a grid, variables, a time range, and how it is kept fresh.
//!
//! ```text
//! JSON ─▶ shape: board.panels[2].kind: unknown variant .. ─▶ sense: board.panels[2].query.devices[0]: .. ─▶ Board
//! Board + panel + what a visitor chose ─▶ PanelQuery, of which nothing is the visitor's but that choice
//! ```
//!
//! A refusal names the place. What a panel's `options` hold is the web app's alone.

pub(crate) mod question;

mod validate;

mod time_expr;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::core::api_error::ApiError;

/// How large a board may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Bytes of it as JSON.
    pub(crate) bytes: usize,
    /// Its panels.
    pub(crate) panels: usize,
}

/// What is on a dashboard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Board {
    /// What can be chosen above the panels.
    #[serde(default)]
    pub(crate) variables: Vec<Variable>,
    /// The time that the panels show.
    #[serde(default)]
    pub(crate) time: TimeSpan,
    /// How the panels are kept fresh: `live`, `off`, or the time between two looks, such as `10s`.
    #[serde(default = "off")]
    pub(crate) refresh: String,
    /// The panels.
    #[serde(default)]
    pub(crate) panels: Vec<Panel>,
}

/// Something that can be chosen above the panels, and that they name as `$name`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Variable {
    /// A letter, then letters, digits and `_`; unique on the board.
    pub(crate) name: String,
    /// What it stands for.
    pub(crate) kind: VariableKind,
    /// Whether more than one device can be chosen.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) multi: bool,
    /// What is chosen: ids of devices, of which none means all; or a length such as `15m`, or `auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<Chosen>,
}

/// What a variable stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum VariableKind {
    /// Devices.
    Device,
    /// The length of a bucket of time.
    Interval,
}

/// What is chosen of a variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
pub(crate) enum Chosen {
    /// One; an empty text is none.
    One(String),
    /// Any number.
    Many(Vec<String>),
}

/// From when to when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TimeSpan {
    /// `now-1h`, `now/d`, a time such as `2026-01-31T08:00:00Z`, or milliseconds since 1970.
    pub(crate) from: String,
    /// The same.
    pub(crate) to: String,
    /// The zone whose days, weeks and months are meant, such as `Europe/Paris`; the reader's own, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) timezone: Option<String>,
}

/// One picture on the grid of twelve columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Panel {
    /// Unique on the board.
    pub(crate) id: String,
    /// What stands above it.
    #[serde(default)]
    pub(crate) title: String,
    /// What it shows.
    pub(crate) kind: PanelKind,
    /// Its first column.
    #[schema(maximum = 11)]
    pub(crate) x: u32,
    /// Its first row.
    pub(crate) y: u32,
    /// Its width in columns.
    #[schema(minimum = 1, maximum = 12)]
    pub(crate) w: u32,
    /// Its height in rows.
    #[schema(minimum = 1)]
    pub(crate) h: u32,
    /// What it asks for; a text asks for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) query: Option<PanelQuery>,
    /// How it looks: the web app's alone.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub(crate) options: BTreeMap<String, serde_json::Value>,
}

/// What a panel shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PanelKind {
    /// Lines, points or bars over time.
    Chart,
    /// The newest value.
    Value,
    /// The newest value between a least and a greatest.
    Gauge,
    /// Rows.
    Table,
    /// States over time.
    Timeline,
    /// Positions.
    Map,
    /// Words.
    Text,
}

/// What a panel asks for: the members of `POST /v1/query` without the time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PanelQuery {
    /// The namespace; `input` unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) namespace: Option<String>,
    /// The fields; all, unless said.
    #[serde(default)]
    pub(crate) fields: Vec<String>,
    /// The devices, or `["$name"]` for those of a variable; all, unless said.
    #[serde(default)]
    pub(crate) devices: Option<Vec<String>>,
    /// What rows must fulfil, all of it.
    #[serde(default, rename = "where")]
    pub(crate) predicates: Vec<Predicate>,
    /// How the rows of a bucket become one value.
    #[serde(default)]
    pub(crate) operator: Option<Operator>,
    /// `auto`, `raw`, `all`, a length such as `15m`, or `$name` for that of a variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bucket: Option<String>,
    /// Which rows stand for the others when there are more than the panel can show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) downsample: Option<Downsample>,
    /// The zone whose days are meant; that of the board, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) timezone: Option<String>,
    /// At most so many points of each series.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<u64>,
    /// At most so many series.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_series: Option<u64>,
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PanelPredicate)]
pub(crate) struct Predicate {
    /// The field to look at.
    pub(crate) field: String,
    /// How it is compared.
    pub(crate) op: Comparison,
    /// A text, a number, or true or false.
    pub(crate) value: serde_json::Value,
}

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = PanelComparison)]
pub(crate) enum Comparison {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
}

/// How the rows of a bucket become one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = PanelOperator)]
pub(crate) enum Operator {
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

/// Which rows stand for the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = PanelDownsample)]
pub(crate) enum Downsample {
    /// The least and the greatest of each column of pixels.
    Minmax,
    /// Those that keep the line's form best.
    Lttb,
}

impl Default for TimeSpan {
    fn default() -> Self {
        Self { from: "now-1h".to_owned(), to: "now".to_owned(), timezone: None }
    }
}

impl Board {
    /// Reads a board as a client sent it.
    pub(crate) fn parse(sent: &RawValue, limits: Limits) -> Result<Self, ApiError> {
        let text = sent.get();
        if text.len() > limits.bytes {
            let reason = format!(
                "it has {} bytes, and at most {} are allowed (setting dashboard-size); make it two dashboards",
                text.len(),
                limits.bytes
            );
            return Err(wrong("", &reason));
        }
        let mut reader = serde_json::Deserializer::from_str(text);
        let board: Self = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            // What is wrong with the document as a whole has no path of its own.
            let path = error.path().to_string();
            let path = if path == "." { "" } else { &path };
            wrong(path, &without_position(&error.inner().to_string()))
        })?;
        validate::check(&board, limits)?;
        Ok(board)
    }

    /// Reads a board as it was stored.
    pub(crate) fn stored(text: &str) -> Result<Self, ApiError> {
        serde_json::from_str(text).map_err(|error| {
            ApiError::internal(format!("a stored dashboard cannot be read: {error}"))
        })
    }

    /// As it is stored.
    pub(crate) fn text(&self) -> Result<String, ApiError> {
        serde_json::to_string(self).map_err(ApiError::internal)
    }
}

impl Chosen {
    /// What is chosen, one by one.
    pub(crate) fn each(&self) -> &[String] {
        match self {
            Self::One(one) if one.is_empty() => &[],
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

fn off() -> String {
    "off".to_owned()
}

/// The refusal of a board, with the place in it.
fn wrong(place: &str, reason: &str) -> ApiError {
    let dot = if place.is_empty() { "" } else { "." };
    ApiError::bad_request("The dashboard is not valid", format!("board{dot}{place}: {reason}"))
}

/// A message of the JSON reader without its line and column, which count from the start of the board alone.
fn without_position(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}

#[cfg(test)]
mod tests;
