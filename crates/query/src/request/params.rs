//! The parameters of a URL, by name, and the words that several of them share.

use std::str::FromStr;

use iobeam_model::TimeFormat;

use crate::error::QueryError;

/// How rows are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// The sum of the values.
    Sum,
    /// How many values there are.
    Count,
    /// The least value.
    Min,
    /// The greatest value.
    Max,
    /// The arithmetic mean.
    Mean,
}

impl Operator {
    const ALL: [Self; 5] = [Self::Sum, Self::Count, Self::Min, Self::Max, Self::Mean];

    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Count => "count",
            Self::Min => "min",
            Self::Max => "max",
            Self::Mean => "mean",
        }
    }
}

/// The form of a reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// JSON: the default.
    #[default]
    Json,
    /// Comma separated values.
    Csv,
    /// An Arrow IPC stream.
    Arrow,
    /// A Parquet file.
    Parquet,
}

impl FromStr for Output {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        let known = [
            ("json", Self::Json),
            ("csv", Self::Csv),
            ("arrow", Self::Arrow),
            ("parquet", Self::Parquet),
        ];
        known
            .into_iter()
            .find_map(|(name, output)| name.eq_ignore_ascii_case(text).then_some(output))
            .ok_or_else(|| {
                let reason = format!(
                    "{} is no form of reply; use json, csv, arrow or parquet",
                    quoted(text)
                );
                QueryError::parameter("output", reason)
            })
    }
}

/// A text from a request as it may stand in a message: short, and without surprises.
pub(crate) fn quoted(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// Parameters as they came. One that stands there empty counts as absent; of a repeated one the last counts.
#[derive(Clone, Copy)]
pub(super) struct Params<'a>(pub(super) &'a [(String, String)]);

impl<'a> Params<'a> {
    pub(super) fn get(self, name: &str) -> Option<&'a str> {
        self.all(name).last()
    }

    pub(super) fn all(self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, value)| key == name && !value.trim().is_empty())
            .map(|(_, value)| value.trim())
    }

    /// Refuses names that the endpoint does not know: passed over, they would change the answer without a word.
    pub(super) fn only(self, known: &[&str]) -> Result<(), QueryError> {
        match self.0.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some((name, _)) => Err(QueryError::UnknownParameter {
                parameter: quoted(name).trim_matches('"').to_owned(),
                known: known.join(", "),
            }),
        }
    }

    /// A count from 1.
    pub(super) fn count(self, name: &'static str) -> Result<Option<usize>, QueryError> {
        self.get(name).map(|text| count(name, text)).transpose()
    }

    pub(super) fn operator(self) -> Result<Option<Operator>, QueryError> {
        let Some(text) = self.get("operator") else { return Ok(None) };
        let found = Operator::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(text));
        let reason =
            || format!("{} is no operator; use sum, count, min, max or mean", quoted(text));
        found.map(Some).ok_or_else(|| QueryError::parameter("operator", reason()))
    }

    pub(super) fn time_format(self) -> Result<TimeFormat, QueryError> {
        let text = self.get("timefmt").unwrap_or("msec");
        let reason =
            || format!("{} is no unit of time; use sec, msec, usec, timeval or iso", quoted(text));
        text.parse().map_err(|_| QueryError::parameter("timefmt", reason()))
    }

    pub(super) fn output(self) -> Result<Output, QueryError> {
        self.get("output").map_or(Ok(Output::Json), str::parse)
    }
}

/// Reads a count from 1.
pub(super) fn count(name: &'static str, text: &str) -> Result<usize, QueryError> {
    match text.parse::<usize>() {
        Ok(count) if count > 0 => Ok(count),
        _ => {
            let reason = format!("{} is no count; write a whole number from 1 on", quoted(text));
            Err(QueryError::parameter(name, reason))
        }
    }
}
