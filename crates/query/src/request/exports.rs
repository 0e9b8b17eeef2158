//! `GET /v1/exports/{project}/{device}/{series}`: the points of each device and series.

use iobeam_model::{FieldName, TimeFormat};

use super::condition::Number;
use super::data::path_name;
use super::duration::Bucket;
use super::params::{Operator, Output, Params, quoted};
use super::time_range::TimeRange;
use crate::error::QueryError;

/// What the exports door is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportRequest {
    /// The device; `None` for all.
    pub device: Option<String>,
    /// The series; `None` for all.
    pub series: Option<FieldName>,
    /// At most so many points of each series, the newest.
    pub limit: usize,
    /// When.
    pub range: TimeRange,
    /// Which values.
    pub values: ValueFilter,
    /// How points are put together; `None` to have them as they are.
    pub operator: Option<Operator>,
    /// Which points are put together.
    pub bucket: Option<Bucket>,
    /// How the reply writes times.
    pub time_format: TimeFormat,
    /// The form of the reply.
    pub output: Output,
}

/// Bounds on values. They leave out what is not a number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ValueFilter {
    /// Values below this.
    pub less_than: Option<Number>,
    /// Values above this.
    pub greater_than: Option<Number>,
    /// Values equal to this.
    pub equals: Option<Number>,
}

impl ValueFilter {
    /// Whether every value passes.
    pub const fn is_empty(&self) -> bool {
        self.less_than.is_none() && self.greater_than.is_none() && self.equals.is_none()
    }
}

/// How many points of a series are returned when the request does not say.
const DEFAULT_LIMIT: usize = 1000;

/// The parameters there are.
const PARAMETERS: [&str; 10] = [
    "limit",
    "from",
    "to",
    "timefmt",
    "less_than",
    "greater_than",
    "equals",
    "operator",
    "group_by",
    "output",
];

impl ExportRequest {
    /// Reads the device and the series of the path (`None`, empty or `all` for all) and the parameters.
    ///
    /// # Errors
    /// [`QueryError::Parameter`] or [`QueryError::UnknownParameter`], which name the parameter and the way out.
    pub fn parse(
        device: Option<&str>,
        series: Option<&str>,
        params: &[(String, String)],
    ) -> Result<Self, QueryError> {
        let params = Params(params);
        params.only(&PARAMETERS)?;
        let bucket = params
            .get("group_by")
            .map(|text| Bucket::parse(text).ok_or_else(|| Bucket::refusal("group_by", text)))
            .transpose()?;
        let operator = params.operator()?;
        if bucket.is_some() && operator.is_none() {
            let reason = "it needs 'operator': add operator=mean, sum, count, min or max";
            return Err(QueryError::parameter("group_by", reason));
        }
        Ok(Self {
            device: device
                .filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("all"))
                .map(str::to_owned),
            series: path_name(series)?,
            limit: params.count("limit")?.unwrap_or(DEFAULT_LIMIT),
            range: TimeRange::from_millis(params.get("from"), params.get("to"))?,
            values: ValueFilter {
                less_than: bound(params, "less_than")?,
                greater_than: bound(params, "greater_than")?,
                equals: bound(params, "equals")?,
            },
            operator,
            bucket,
            time_format: params.time_format()?,
            output: params.output()?,
        })
    }
}

fn bound(params: Params<'_>, name: &'static str) -> Result<Option<Number>, QueryError> {
    let Some(text) = params.get(name) else { return Ok(None) };
    match Number::parse(text) {
        Some(number) => Ok(Some(number)),
        None => Err(QueryError::parameter(name, format!("{} is no number", quoted(text)))),
    }
}
