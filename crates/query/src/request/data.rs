//! `GET /v1/data/{namespace}/{field}`: rows, or figures made from rows, newest first.

use iobeam_model::{FieldName, TimeFormat, Timestamp};

use super::condition::{Condition, field_name};
use super::duration::Bucket;
use super::params::{Operator, Output, Params, count, quoted};
use super::time_range::TimeRange;
use crate::error::QueryError;

/// What the data door is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataRequest {
    /// The field asked for; `None` for all.
    pub field: Option<FieldName>,
    /// At most so many rows, the newest.
    pub limit: Option<usize>,
    /// When.
    pub range: TimeRange,
    /// What rows must fulfil, all of it.
    pub conditions: Vec<Condition>,
    /// How rows are put together; `None` to have them as they are.
    pub operator: Option<Operator>,
    /// Which rows are put together.
    pub group_by: Grouping,
    /// At most so many of the newest rows for each value of a field.
    pub limit_by: Option<LimitBy>,
    /// At most so many of the newest time buckets.
    pub limit_periods: Option<usize>,
    /// How the reply writes times.
    pub time_format: TimeFormat,
    /// The form of the reply.
    pub output: Output,
}

/// `group_by`: by buckets of time, by the values of fields, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grouping {
    /// The bucket's width.
    pub bucket: Option<Bucket>,
    /// The fields, in the request's order.
    pub fields: Vec<FieldName>,
}

impl Grouping {
    /// Whether the request does not group.
    pub fn is_empty(&self) -> bool {
        self.bucket.is_none() && self.fields.is_empty()
    }
}

/// `limit_by=field,n`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitBy {
    /// For each value of this field ...
    pub field: FieldName,
    /// ... at most so many rows.
    pub rows: usize,
}

/// The parameters there are.
const PARAMETERS: [&str; 9] = [
    "limit",
    "time",
    "where",
    "operator",
    "group_by",
    "limit_by",
    "limit_periods",
    "timefmt",
    "output",
];

impl DataRequest {
    /// Reads the last part of the path (`None`, empty or `all` for all fields) and the parameters.
    ///
    /// # Errors
    /// [`QueryError::Parameter`] or [`QueryError::UnknownParameter`], which name the parameter and the way out.
    pub fn parse(
        field: Option<&str>,
        params: &[(String, String)],
        now: Timestamp,
    ) -> Result<Self, QueryError> {
        let params = Params(params);
        params.only(&PARAMETERS)?;
        let request = Self {
            field: path_name(field)?,
            limit: params.count("limit")?,
            range: params
                .get("time")
                .map_or(Ok(TimeRange::default()), |text| TimeRange::parse(text, now))?,
            conditions: Condition::parse_all(params.all(Condition::PARAMETER))?,
            operator: params.operator()?,
            group_by: params.get("group_by").map_or(Ok(Grouping::default()), Grouping::parse)?,
            limit_by: params.get("limit_by").map(LimitBy::parse).transpose()?,
            limit_periods: params.count("limit_periods")?,
            time_format: params.time_format()?,
            output: params.output()?,
        };
        request.checked()
    }

    /// Refuses what does not go together.
    fn checked(self) -> Result<Self, QueryError> {
        if self.group_by.bucket.is_some() && self.operator.is_none() {
            let reason = "time(...) needs 'operator': add operator=mean, sum, count, min or max";
            return Err(QueryError::parameter("group_by", reason));
        }
        if self.limit_periods.is_some() && self.group_by.bucket.is_none() {
            let reason = "it counts buckets of time: add group_by=time(5m), or leave it out";
            return Err(QueryError::parameter("limit_periods", reason));
        }
        if let Some(limit) = &self.limit_by
            && self.operator.is_some()
            && !self.group_by.fields.iter().any(|field| same(field, &limit.field))
        {
            let reason = format!(
                "with 'operator', '{0}' must be grouped by too: add it to 'group_by'",
                limit.field
            );
            return Err(QueryError::parameter("limit_by", reason));
        }
        Ok(self)
    }
}

impl Grouping {
    const PARAMETER: &'static str = "group_by";
    /// More than anybody groups by.
    const MOST: usize = 16;

    /// Reads `time(5m)`, `time(5m),field` or `field`, in any order.
    fn parse(text: &str) -> Result<Self, QueryError> {
        let mut all = Self::default();
        for part in text.split(',').map(str::trim) {
            if Bucket::is_meant(part) || (all.bucket.is_none() && Bucket::parse(part).is_some()) {
                let bucket =
                    Bucket::parse(part).ok_or_else(|| Bucket::refusal(Self::PARAMETER, part))?;
                if all.bucket.replace(bucket).is_some() {
                    let reason = "it holds more than one time(...); leave one";
                    return Err(QueryError::parameter(Self::PARAMETER, reason));
                }
            } else {
                let field = field_name(Self::PARAMETER, part)?;
                if all.fields.len() == Self::MOST || all.fields.contains(&field) {
                    let reason = format!(
                        "{} stands twice, or there are more than {} fields",
                        quoted(part),
                        Self::MOST
                    );
                    return Err(QueryError::parameter(Self::PARAMETER, reason));
                }
                all.fields.push(field);
            }
        }
        Ok(all)
    }
}

impl LimitBy {
    const PARAMETER: &'static str = "limit_by";

    fn parse(text: &str) -> Result<Self, QueryError> {
        let (field, rows) = text.rsplit_once(',').ok_or_else(|| {
            let reason = format!("{} has no count; write field,n, as in device_id,1", quoted(text));
            QueryError::parameter(Self::PARAMETER, reason)
        })?;
        Ok(Self {
            field: field_name(Self::PARAMETER, field.trim())?,
            rows: count(Self::PARAMETER, rows.trim())?,
        })
    }
}

/// Whether two names are of one field.
fn same(one: &FieldName, other: &FieldName) -> bool {
    one.as_str().eq_ignore_ascii_case(other.as_str())
}

/// The name in a path: `None` for nothing, and for the word `all`.
pub(super) fn path_name(text: Option<&str>) -> Result<Option<FieldName>, QueryError> {
    match text.unwrap_or_default() {
        "" => Ok(None),
        all if all.eq_ignore_ascii_case("all") => Ok(None),
        name => field_name("field", name).map(Some),
    }
}
