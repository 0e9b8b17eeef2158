//! Charts: series of points, as many as a screen can show, whatever number of rows they stand for.
//!
//! ```text
//! SeriesRequest ─▶ scan ▶ where, time, devices ─┬▶ fold ─┐
//!                                               ├▶ fold ─┼▶ join ─▶ finish ─▶ SeriesAnswer ─▶ JSON
//!                                               └▶ fold ─┘
//! ```
//!
//! - One pass over the rows on all threads, and memory for the answer's points alone: a series of ten million rows
//!   costs what its columns of pixels cost.
//! - Without an operator every point is a row; rows that are few enough are all there.
//! - Buckets begin where they do in SQL; the time zone asked for says whose clocks count.

mod finish;

mod answer;

mod fold;

mod lttb;

mod held;

mod grid;

mod step;

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use datafusion::common::ScalarValue;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::functions_aggregate::expr_fn::{max, min};
use datafusion::logical_expr::utils::disjunction;
use datafusion::logical_expr::{Expr, lit};
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::prelude::DataFrame;
use futures::{StreamExt, TryStreamExt};
use iobeam_model::{FieldName, FieldType, TimeFormat, Timestamp};
use tokio::task::JoinSet;

pub use answer::{Method, OneSeries, Points, SeriesAnswer};

use crate::arrival::ARRIVAL;
use crate::civil::Zone;
use crate::error::{POINTS_SETTING, QueryError, SERIES_SETTING};
use crate::plan::{Session, column, condition, field_type, within};
use crate::request::{Downsample, SeriesRequest, Summary, TimeRange, quoted};
use crate::scope::{TIME, Table};
use finish::{Shape, finish};
use fold::{Fold, Rules};
use grid::Grid;
use held::Keep;
use step::Step;

/// What an answer may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Points, all series together.
    pub(crate) points: usize,
    /// Series.
    pub(crate) series: usize,
}

/// Columns of pixels, unless said.
const WIDTH: usize = 800;
/// Series, unless said.
const SERIES: usize = 100;
/// Rows of a series when all are asked for, unless said.
const ROWS: usize = 10_000;
/// What four points of each column are.
const PER_COLUMN: usize = 4;

/// Answers the request.
pub(crate) async fn series(
    session: &Session,
    table: &Table,
    request: &SeriesRequest,
    limits: Limits,
) -> Result<SeriesAnswer, QueryError> {
    let asked = Asked::new(session, table, request, limits).await?;
    let streams = asked.streams(session, table, request).await?;
    let pool = session.context.pool();
    let (memory, value_bytes) =
        (session.context.limits().memory_bytes, session.context.limits().value_bytes);
    let mut threads = JoinSet::new();
    for mut stream in streams {
        let rules = Arc::clone(&asked.rules);
        let held = MemoryConsumer::new("points of series").register(&pool);
        threads.spawn(async move {
            let mut fold = Fold::new(rules, held);
            while let Some(batch) = stream.next().await {
                let batch = batch.map_err(|error| QueryError::from_engine(&error, memory))?;
                fold.add(&batch, (memory, value_bytes))?;
            }
            Ok::<_, QueryError>(fold)
        });
    }
    let mut whole: Option<Fold> = None;
    while let Some(fold) = threads.join_next().await {
        let fold = fold.map_err(QueryError::internal)??;
        match &mut whole {
            None => whole = Some(fold),
            Some(whole) => whole.join(fold),
        }
    }
    asked.answer(table, whole)
}

/// The request, checked against the table.
struct Asked {
    /// The first and the last moment.
    span: (Timestamp, Timestamp),
    /// The field that says whose a row is.
    key: FieldName,
    fields: Vec<(FieldName, FieldType)>,
    shape: Shape,
    step: Option<String>,
    step_ms: Option<i64>,
    limit: usize,
    limits: Limits,
    most_series: usize,
    rules: Arc<Rules>,
}

impl Asked {
    async fn new(
        session: &Session,
        table: &Table,
        request: &SeriesRequest,
        limits: Limits,
    ) -> Result<Self, QueryError> {
        let key = key(table);
        let fields = fields(table, request, &key)?;
        let span = span(session, table, request, (&key, &fields)).await?;
        let most_columns = (limits.points / PER_COLUMN).max(1);
        let bound = (most_columns, POINTS_SETTING);
        let width = most("width", request.width, WIDTH.min(most_columns), bound)?;
        let most_series = most(
            "max_series",
            request.max_series,
            SERIES.min(limits.series),
            (limits.series, SERIES_SETTING),
        )?;
        let columns =
            (limits.points, most_series.min(expected(table, request, &key, fields.len())));
        let width = width.min(fitting(request, columns));
        let every = request.bucket.as_deref() == Some("raw");
        let usual = if every { ROWS.min(limits.points) } else { limits.points };
        let limit = most("limit", request.limit, usual, (limits.points, POINTS_SETTING))?;
        let zone = zone(request)?;
        let (shape, keep, grid, step) = if let Some(summary) = request.operator {
            let (grid, step) = buckets(request, span, (zone, width))?;
            (Shape::Figures(summary), Keep::Bins, grid, step)
        } else {
            let (keep, grid) = rows(request, span, width, limit)?;
            let asked = request.downsample.filter(|_| !every).unwrap_or_default();
            (Shape::Rows { downsample: asked, width }, keep, grid, None)
        };
        let only = match request.devices.as_deref() {
            Some([one]) => Some(one.as_str().into()),
            _ => None,
        };
        let rules = Rules {
            grid,
            keep,
            kinds: fields.iter().map(|(_, kind)| *kind).collect(),
            arrives: match shape {
                Shape::Figures(summary) => matches!(summary, Summary::First | Summary::Last),
                Shape::Rows { .. } => true,
            },
            only,
            most_devices: (most_series / fields.len().max(1)).max(1),
            most_points: limits.points,
        };
        Ok(Self {
            span,
            key,
            fields,
            shape,
            step: step.as_ref().map(|(name, _)| name.clone()),
            step_ms: step.and_then(|(_, millis)| millis),
            limit,
            limits,
            most_series,
            rules: Arc::new(rules),
        })
    }

    /// The rows, in as many streams as there are threads.
    async fn streams(
        &self,
        session: &Session,
        table: &Table,
        request: &SeriesRequest,
    ) -> Result<Vec<SendableRecordBatchStream>, QueryError> {
        if self.fields.is_empty() || request.devices.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Vec::new());
        }
        let (from, to) = self.span;
        let mut filters = within(&TimeRange { from: Some(from), to: Some(to) });
        filters.extend(selected(table, request, &self.key)?);
        let mut columns = vec![column(TIME)];
        if self.rules.only.is_none() {
            columns.push(column(self.key.as_str()));
        }
        columns.extend(self.fields.iter().map(|(name, _)| column(name.as_str())));
        let wrap = |error| session.error(&error);
        let frame = if self.rules.arrives {
            columns.push(column(ARRIVAL));
            session.scan_with_arrival(table)?
        } else {
            session.scan(table)?
        };
        let frame = filters.into_iter().try_fold(frame, DataFrame::filter).map_err(wrap)?;
        // The device may be among the fields asked for: then the second one of its name gets another.
        let named = columns.into_iter().enumerate().map(|(at, it)| it.alias(format!("${at}")));
        let frame = frame.select(named.collect::<Vec<_>>()).map_err(wrap)?;
        let (state, plan) = frame.into_parts();
        let plan = state.optimize(&plan).map_err(wrap)?;
        let plan = state.query_planner().create_physical_plan(&plan, &state).await.map_err(wrap)?;
        session.run_parts(plan)
    }

    fn answer(&self, table: &Table, fold: Option<Fold>) -> Result<SeriesAnswer, QueryError> {
        let mut truncated = fold.as_ref().is_some_and(|fold| fold.cut.is_some());
        let mut series = Vec::new();
        let devices = fold.map(|fold| fold.devices).unwrap_or_default();
        for (fold::Key(device), held) in devices {
            for ((field, _), held) in self.fields.iter().zip(held) {
                let name = (device.clone(), field.clone());
                let Some((points, cut)) = finish(name, held, self.shape, self.limit) else {
                    continue;
                };
                truncated |= cut;
                series.push(points);
            }
        }
        truncated |= series.len() > self.most_series;
        series.truncate(self.most_series);
        let points: usize = series.iter().map(|series| series.times.len()).sum();
        if points > self.limits.points {
            return Err(QueryError::TooManyPoints {
                limit: self.limits.points,
                setting: POINTS_SETTING,
            });
        }
        let method = match self.shape {
            Shape::Figures(_) => Method::Aggregate,
            Shape::Rows { .. } => {
                let other = series.iter().map(|series| series.method).find(|it| *it != Method::Raw);
                other.unwrap_or(Method::Raw)
            }
        };
        let (from, to) = self.span;
        let millis = |time| TimeFormat::Msec.from_timestamp(time);
        Ok(SeriesAnswer {
            span: (millis(from), millis(to)),
            method,
            bucket: self.step.clone(),
            bucket_ms: self.step_ms,
            rows: series.iter().map(|series| series.rows).sum(),
            truncated,
            seq: table.snapshot.seq,
            series,
        })
    }
}

/// The conditions and the devices of a request.
fn selected(
    table: &Table,
    request: &SeriesRequest,
    key: &FieldName,
) -> Result<Vec<Expr>, QueryError> {
    let conditions = request.conditions()?;
    let conditions = conditions.iter().map(|it| condition(table, it));
    let mut filters = conditions.collect::<Result<Vec<_>, _>>()?;
    let text = |device: &String| lit(ScalarValue::Utf8View(Some(device.clone())));
    match request.devices.as_deref() {
        None => {}
        Some([one]) => filters.push(column(key.as_str()).eq(text(one))),
        Some(many) => {
            let many = many.iter().map(text).collect();
            filters.push(column(key.as_str()).in_list(many, false));
        }
    }
    Ok(filters)
}

/// The field that says whose a row is: the device's id, where the namespace has such a field.
fn key(table: &Table) -> FieldName {
    let device = FieldName::device_id();
    match table.field_type(device.as_str()) {
        Some(FieldType::String) => device,
        _ => table.partition.clone(),
    }
}

/// How many series there will be at most, as far as that is known beforehand.
fn expected(table: &Table, request: &SeriesRequest, key: &FieldName, fields: usize) -> usize {
    let devices = match &request.devices {
        Some(devices) => Some(devices.len()),
        None if *key == table.partition => {
            table.snapshot.last_rows().map(|rows| rows.num_rows().saturating_add(1))
        }
        None => None,
    };
    devices.map_or(usize::MAX, |devices| devices.saturating_mul(fields))
}

/// How many columns all series can have without too many points: many series are drawn more coarsely, not refused.
fn fitting(request: &SeriesRequest, (points, series): (usize, usize)) -> usize {
    let per_column = match (request.operator, request.downsample) {
        (Some(_), _) => 1,
        (None, None | Some(Downsample::MinMax)) => PER_COLUMN,
        (None, Some(Downsample::Lttb)) => PER_COLUMN * PER_COLUMN,
    };
    (points / per_column / series.max(1)).max(1)
}

/// From when to when: what is not said is as far as there are values of what is asked for.
async fn span(
    session: &Session,
    table: &Table,
    request: &SeriesRequest,
    of: (&FieldName, &[(FieldName, FieldType)]),
) -> Result<(Timestamp, Timestamp), QueryError> {
    let range = TimeRange::of_millis(request.from, request.to)?;
    if let (Some(from), Some(to)) = (range.from, range.to) {
        return Ok((from, to));
    }
    let found = first_and_last(session, table, request, of, &range).await?;
    let (first, last) = found.map_or((None, None), |(first, last)| (Some(first), Some(last)));
    let from = range.from.or(first).or(range.to).unwrap_or(Timestamp::from_micros(0));
    let to = range.to.or(last).unwrap_or(from).max(from);
    Ok((from, to))
}

/// The times of the first and the last row that has a value of what is asked for.
async fn first_and_last(
    session: &Session,
    table: &Table,
    request: &SeriesRequest,
    (key, fields): (&FieldName, &[(FieldName, FieldType)]),
    range: &TimeRange,
) -> Result<Option<(Timestamp, Timestamp)>, QueryError> {
    if fields.is_empty() || request.devices.as_ref().is_some_and(Vec::is_empty) {
        return Ok(None);
    }
    let mut filters = within(range);
    filters.extend(selected(table, request, key)?);
    let present = fields.iter().map(|(name, _)| column(name.as_str()).is_not_null());
    filters.extend(disjunction(present));
    let wrap = |error| session.error(&error);
    let frame = session.scan(table)?;
    let frame = filters.into_iter().try_fold(frame, DataFrame::filter).map_err(wrap)?;
    let ends = vec![min(column(TIME)).alias("first"), max(column(TIME)).alias("last")];
    let frame = frame.aggregate(Vec::new(), ends).map_err(wrap)?;
    let (state, plan) = frame.into_parts();
    let plan = state.optimize(&plan).map_err(wrap)?;
    let plan = state.query_planner().create_physical_plan(&plan, &state).await.map_err(wrap)?;
    let batches: Vec<RecordBatch> = session.run(plan)?.try_collect().await?;
    let end = |column: usize| {
        let batch = batches.iter().find(|batch| batch.num_rows() > 0)?;
        let times = batch.column(column).as_primitive::<TimestampMicrosecondType>();
        times.is_valid(0).then(|| Timestamp::from_micros(times.value(0)))
    };
    Ok(end(0).zip(end(1)))
}

/// Whether the operator says something of values of a type.
const fn fits(summary: Option<Summary>, kind: FieldType) -> bool {
    match summary {
        None | Some(Summary::Count | Summary::First | Summary::Last) => true,
        Some(_) => matches!(kind, FieldType::Double | FieldType::Long),
    }
}

fn fields(
    table: &Table,
    request: &SeriesRequest,
    key: &FieldName,
) -> Result<Vec<(FieldName, FieldType)>, QueryError> {
    let Some(named) = request.named_fields()? else {
        let mut all = table.sorted_fields();
        all.retain(|(name, kind)| name != key && fits(request.operator, *kind));
        return Ok(all);
    };
    let mut fields = Vec::with_capacity(named.len());
    for name in named {
        let kind = field_type(table, "fields", &name)?;
        if let Some(summary) = request.operator.filter(|summary| !fits(Some(*summary), kind)) {
            let word = summary.name();
            let reason = format!(
                "{word}() does not support {kind} field '{name}'; use first(), last() or count(), or no operator"
            );
            return Err(QueryError::parameter("operator", reason));
        }
        fields.push((name, kind));
    }
    Ok(fields)
}

/// A count of the request, within the limit that a setting gives.
fn most(
    parameter: &'static str,
    asked: Option<usize>,
    usual: usize,
    (limit, setting): (usize, &'static str),
) -> Result<usize, QueryError> {
    match asked {
        None => Ok(usual),
        Some(asked) if (1..=limit).contains(&asked) => Ok(asked),
        Some(asked) => {
            let reason = format!("{asked} is not between 1 and {limit} (setting '{setting}')");
            Err(QueryError::parameter(parameter, reason))
        }
    }
}

fn zone(request: &SeriesRequest) -> Result<Zone, QueryError> {
    let Some(name) = request.timezone.as_deref().filter(|name| !name.is_empty()) else {
        return Ok(Zone::UTC);
    };
    Zone::parse(name).ok_or_else(|| QueryError::parameter("timezone", Zone::refusal(name)))
}

/// How rows as they are are kept.
fn rows(
    request: &SeriesRequest,
    (from, to): (Timestamp, Timestamp),
    width: usize,
    limit: usize,
) -> Result<(Keep, Grid), QueryError> {
    match request.bucket.as_deref() {
        Some("raw") => Ok((Keep::Newest(limit), Grid::One { start: from.micros() })),
        None | Some("" | "auto") => {
            let columns = match request.downsample.unwrap_or_default() {
                Downsample::MinMax => width,
                // The form is chosen among the extremes of narrower columns.
                Downsample::Lttb => width.saturating_mul(PER_COLUMN),
            };
            let keep = Keep::UpTo(columns.saturating_mul(PER_COLUMN));
            Ok((keep, Grid::columns(from, to, columns)))
        }
        Some(other) => {
            let reason = format!(
                "{} needs 'operator': add mean, min, max, sum, count, first or last; without one use auto or raw",
                quoted(other)
            );
            Err(QueryError::parameter("bucket", reason))
        }
    }
}

/// A width as it is written, and its length where it has one.
type Width = (String, Option<i64>);

/// How buckets cut the span.
fn buckets(
    request: &SeriesRequest,
    (from, to): (Timestamp, Timestamp),
    (zone, width): (Zone, usize),
) -> Result<(Grid, Option<Width>), QueryError> {
    let step = match request.bucket.as_deref() {
        Some("all") => {
            let grid = Grid::One { start: from.micros() };
            return Ok((grid, Some(("all".to_owned(), None))));
        }
        Some("raw") => {
            let reason =
                "raw means every row, which no operator puts together; leave one of the two out";
            return Err(QueryError::parameter("bucket", reason));
        }
        None | Some("" | "auto") => {
            Step::automatic(to.micros().saturating_sub(from.micros()), width)
        }
        Some(text) => Step::parse(text)?,
    };
    let grid = Grid::Buckets(step.buckets(zone));
    Ok((grid, Some((step.name(), step.millis()))))
}
