//! `/v1/data`: rows, or figures made from rows, newest first.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::functions_aggregate::expr_fn::max;
use datafusion::logical_expr::Expr;
use datafusion::prelude::DataFrame;
use futures::stream::{self, StreamExt, TryStreamExt};
use iobeam_model::{FieldName, FieldType, Timestamp};

use super::aggregate::{bucket, figure, fits, group_key};
use super::condition::{condition, field_type, within};
use super::session::{Planned, Session, Step, column};
use crate::answer::Rows;
use crate::arrival::ARRIVAL;
use crate::direct::{Direct, Figure, Figures, Lines, Newest};
use crate::error::QueryError;
use crate::few::Few;
use crate::newest::{NewestPerKey, Order};
use crate::request::{Comparison, DataRequest, Operator};
use crate::scope::{TIME, Table};

/// Runs the request, without the engine where it turns out to need none; the answer's columns come with its rows.
pub(crate) async fn data(
    session: &Session,
    table: &Table,
    request: &DataRequest,
    direct: Option<&Direct>,
) -> Result<(SchemaRef, Rows), QueryError> {
    if let Some(direct) = direct
        && let Some(rows) = direct.answer(table, &session.runs, &session.context)?
    {
        return Ok((rows.schema(), session.rows(&rows)?));
    }
    if let Some(rows) = latest_in_memory(session, table, request).await? {
        return Ok(rows);
    }
    plan(session, table, request)?.run(session).await
}

/// The request as one that needs no engine, if it is of that kind and says nothing wrong.
pub(crate) fn direct(table: &Table, request: &DataRequest) -> Option<Direct> {
    if let Some(newest) = newest(table, request) {
        return Some(Direct::Newest(newest));
    }
    let figures = few_figures(table, request)?;
    let limits = request.limit.into_iter().chain(request.limit_periods);
    Some(Direct::Figures(figures, Lines { newest_first: true, limit: limits.min(), bucket: 0 }))
}

/// The request as one for the newest rows.
fn newest(table: &Table, request: &DataRequest) -> Option<Newest> {
    let partition = &table.partition;
    let is_plain = request.operator.is_none() && request.limit_periods.is_none();
    let (of, rows) = match (&request.limit_by, &request.conditions[..]) {
        (Some(by), []) if by.field == *partition && by.rows == 1 => (None, usize::MAX),
        (None, [it]) if it.field == *partition && it.comparison == Comparison::Eq => {
            (Some(it.value.clone()), usize::MAX)
        }
        _ => return None,
    };
    let rows = rows.min(request.limit.unwrap_or(usize::MAX));
    let fields = || request.field.iter().chain(&request.group_by.fields);
    if !is_plain || fields().any(|field| table.field_type(field.as_str()).is_none()) {
        return None;
    }
    let columns = columns(table, request);
    let present = request.field.as_ref().map(ToString::to_string);
    Some(Newest { of, rows, range: request.range, present, columns })
}

/// The request as one for figures of one device.
fn few_figures(table: &Table, request: &DataRequest) -> Option<Figures> {
    let (Some(operator), Some(width)) = (request.operator, request.group_by.bucket) else {
        return None;
    };
    let [it] = &request.conditions[..] else { return None };
    let is_of_one = it.field == table.partition && it.comparison == Comparison::Eq;
    if !is_of_one || request.limit_by.is_some() || !request.group_by.fields.is_empty() {
        return None;
    }
    let fields = figure_fields(table, request, operator).ok()?;
    let (from, to) = (request.range.from, request.range.to);
    let few = Few {
        values: vec![it.value.clone()],
        from: from.map_or(i64::MIN, Timestamp::micros),
        to: to.map_or(i64::MAX, Timestamp::micros),
    };
    let figures = fields.iter().map(|(name, _)| Figure {
        operator,
        column: name.to_string(),
        heading: format!("{}({name})", operator.name()),
    });
    Some(Figures {
        few,
        present: request.field.as_ref().map(ToString::to_string),
        width: width.into(),
        bucket: TIME.to_owned(),
        made: figures.collect(),
    })
}

/// The latest rows without a look at any file, when memory holds enough that are newer than all files.
async fn latest_in_memory(
    session: &Session,
    table: &Table,
    request: &DataRequest,
) -> Result<Option<(SchemaRef, Rows)>, QueryError> {
    const MOST: usize = 10_000;
    let snapshot = &table.snapshot;
    let filed = snapshot.files.iter().map(|file| file.max_time).max();
    let (Some(filed), Some(limit)) = (filed, request.limit) else { return Ok(None) };
    let plain = request.operator.is_none() && request.limit_by.is_none() && limit <= MOST;
    let newer = snapshot.chunks.iter().filter(|chunk| chunk.max_time > filed);
    let held: usize = newer.map(|chunk| chunk.rows.num_rows()).sum();
    let from = Timestamp::from_micros(filed.saturating_add(1));
    if !plain || held < limit || filed == i64::MAX {
        return Ok(None);
    }
    let mut table = table.clone();
    table.snapshot.files = Arc::from([]);
    let mut request = request.clone();
    request.range.from = request.range.from.max(Some(from));
    let (schema, rows) = plan(session, &table, &request)?.run(session).await?;
    let batches: Vec<RecordBatch> = rows.try_collect().await?;
    let found: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let rows = stream::iter(batches.into_iter().map(Ok)).boxed();
    Ok((found >= limit).then_some((schema, rows)))
}

/// The request as a plan.
pub(crate) fn plan(
    session: &Session,
    table: &Table,
    request: &DataRequest,
) -> Result<Planned, QueryError> {
    let mut filters = within(&request.range);
    for it in &request.conditions {
        filters.push(condition(table, it)?);
    }
    if let Some(field) = &request.field {
        if table.field_type(field.as_str()).is_none() {
            let (namespace, field) = (table.name.clone(), field.clone());
            return Err(QueryError::NoSuchField { namespace, field });
        }
        filters.push(column(field.as_str()).is_not_null());
    }
    for field in &request.group_by.fields {
        field_type(table, "group_by", field)?;
    }
    if let Some(limit) = &request.limit_by {
        field_type(table, "limit_by", &limit.field)?;
        filters.push(column(limit.field.as_str()).is_not_null());
    }
    let mut session = session.clone();
    let latest =
        request.operator.is_none() && request.limit_by.is_none() && request.limit.is_some();
    if latest {
        // Few rows of a file make it into the answer: look at the times before the other columns.
        session.state.config_mut().options_mut().execution.parquet.pushdown_filters = true;
    }
    // The engine itself takes arrivals in where rows are sorted by time.
    let of_each = request.operator.is_none() && request.limit_by.is_some();
    let frame = if of_each { session.scan_with_arrival(table)? } else { session.scan(table)? };
    let wrap = |error: DataFusionError| session.error(&error);
    let frame = filters.into_iter().try_fold(frame, DataFrame::filter).map_err(wrap)?;
    match request.operator {
        Some(operator) => figures(frame, table, request, operator)?.map_err(wrap),
        None => rows(frame, table, request).map_err(wrap),
    }
}

/// The columns of rows as they are.
fn columns(table: &Table, request: &DataRequest) -> Vec<String> {
    let mut names = vec![TIME.to_owned()];
    match &request.field {
        Some(field) => {
            let groups = request.group_by.fields.iter().filter(|group| *group != field);
            names.extend(groups.chain([field]).map(ToString::to_string));
        }
        None => names.extend(table.sorted_fields().iter().map(|(name, _)| name.to_string())),
    }
    names
}

/// Rows as they are.
fn rows(
    frame: DataFrame,
    table: &Table,
    request: &DataRequest,
) -> Result<Planned, DataFusionError> {
    let mut names = columns(table, request);
    let asked = names.len();
    let mut steps = Vec::new();
    if let Some(limit) = &request.limit_by {
        let name = limit.field.as_str();
        let key = names.iter().position(|it| it == name).unwrap_or(asked);
        if key == asked {
            names.push(name.to_owned());
        }
        names.push(ARRIVAL.to_owned());
        steps.push(Step::Newest(NewestPerKey {
            key,
            time: 0,
            arrival: Some(names.len() - 1),
            rows: limit.rows,
            order: Order::NewestFirst,
        }));
        steps.push(Step::Columns(asked));
    }
    let mut frame = frame.select(names.iter().map(|name| column(name)).collect::<Vec<_>>())?;
    if steps.is_empty() {
        frame = frame.sort(vec![column(TIME).sort(false, false)])?;
    }
    Planned { frame, steps }.limited(request.limit)
}

/// Rows put together.
fn figures(
    frame: DataFrame,
    table: &Table,
    request: &DataRequest,
    operator: Operator,
) -> Result<Result<Planned, DataFusionError>, QueryError> {
    let fields = figure_fields(table, request, operator)?;
    let grouped = !request.group_by.is_empty();
    // Without grouping the column keeps the field's name: the original command line looks for just that.
    let heading = |name: &FieldName| {
        if grouped { format!("{}({name})", operator.name()) } else { name.to_string() }
    };
    let groups = &request.group_by.fields;
    let key = |group: &FieldName| {
        let kind = table.field_type(group.as_str()).unwrap_or(FieldType::String);
        group_key(group.as_str(), kind)
    };
    let mut keys: Vec<Expr> = groups.iter().map(key).collect();
    let mut figures: Vec<Expr> = Vec::new();
    // Figures get names of their own first, so that none is taken for a field.
    match request.group_by.bucket {
        Some(width) => keys.insert(0, bucket(width).alias("$time")),
        None => figures.push(max(column(TIME)).alias("$time")),
    }
    for (at, (name, kind)) in fields.iter().enumerate() {
        figures.push(figure(operator, name.as_str(), *kind).alias(format!("${at}")));
    }
    let mut selected = vec![column("$time").alias(TIME)];
    selected.extend(groups.iter().map(|group| column(group.as_str())));
    let named = fields.iter().enumerate();
    selected.extend(named.map(|(at, (name, _))| column(&format!("${at}")).alias(heading(name))));
    let build = || -> Result<Planned, DataFusionError> {
        let frame = frame
            .aggregate(keys, figures)?
            .filter(column("$time").is_not_null())?
            .select(selected)?;
        let ties = groups.iter().map(|group| column(group.as_str()).sort(true, false));
        let frame =
            frame.sort(std::iter::once(column(TIME).sort(false, false)).chain(ties).collect())?;
        let mut steps: Vec<Step> = request.limit_periods.map(Step::Times).into_iter().collect();
        if let Some(limit) = &request.limit_by {
            let key = 1 + groups.iter().position(|group| *group == limit.field).unwrap_or(0);
            steps.push(Step::Newest(NewestPerKey {
                key,
                time: 0,
                arrival: None,
                rows: limit.rows,
                order: Order::NewestFirst,
            }));
        }
        Planned { frame, steps }.limited(request.limit)
    };
    Ok(build())
}

/// The fields that figures are made of.
fn figure_fields(
    table: &Table,
    request: &DataRequest,
    operator: Operator,
) -> Result<Vec<(FieldName, FieldType)>, QueryError> {
    let Some(field) = &request.field else {
        let usable = |(name, kind): &(FieldName, FieldType)| {
            fits(operator, *kind) && !request.group_by.fields.contains(name)
        };
        return Ok(table.sorted_fields().into_iter().filter(usable).collect());
    };
    let kind = field_type(table, "field", field)?;
    if !fits(operator, kind) {
        let word = operator.name();
        let reason = format!("{word}() does not support {kind} field '{field}'; use count()");
        return Err(QueryError::parameter("operator", reason));
    }
    Ok(vec![(field.clone(), kind)])
}
