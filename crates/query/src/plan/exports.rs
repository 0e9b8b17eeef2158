//! `/v1/exports`: for each series and device its newest points, oldest first.
//!
//! Each series is a plan of its own, run when the one before it is read to its end: values of different types never
//! share a column, and only one series is in memory.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::error::DataFusionError;
use datafusion::functions_aggregate::expr_fn::max;
use datafusion::logical_expr::{Expr, lit};
use datafusion::prelude::DataFrame;
use futures::stream::{self, StreamExt, TryStreamExt};
use iobeam_model::{FieldName, FieldType};

use super::aggregate::{bucket, figure, fits};
use super::condition::{number_condition, within};
use super::session::{HELD, Planned, Session, Step, column};
use crate::answer::Rows;
use crate::arrival::ARRIVAL;
use crate::error::QueryError;
use crate::newest::{NewestPerKey, Order};
use crate::request::{Comparison, ExportRequest};
use crate::scope::{TIME, Table, time_type};

/// Runs the request; each batch has the columns device, time and value, the last named as the series.
pub(crate) fn exports(
    session: &Session,
    table: &Table,
    request: &ExportRequest,
) -> Result<(SchemaRef, Rows), QueryError> {
    if let Some(kind) = table.field_type(table.partition.as_str())
        && kind != FieldType::String
    {
        return Err(QueryError::internal(format!("'{}' is {kind}", table.partition)));
    }
    let asked = series(table, request)?;
    let (session, table, request) = (session.clone(), table.clone(), request.clone());
    let rows = stream::iter(asked)
        .then(move |(name, kind)| {
            let (session, table, request) = (session.clone(), table.clone(), request.clone());
            async move {
                let planned = plan(&session, &table, &request, &name, kind)?;
                planned.run(&session).await.map(|(_, rows)| rows)
            }
        })
        .try_flatten();
    let schema = Schema::new(vec![
        Field::new("device_id", DataType::Utf8View, false),
        Field::new(TIME, time_type(), false),
        Field::new("value", DataType::Null, false),
    ]);
    Ok((Arc::new(schema), rows.boxed()))
}

/// The series that are asked for, as far as the request says something of their type.
fn series(
    table: &Table,
    request: &ExportRequest,
) -> Result<Vec<(FieldName, FieldType)>, QueryError> {
    let numbers = !request.values.is_empty();
    let usable = |kind: FieldType| {
        let is_number = matches!(kind, FieldType::Double | FieldType::Long);
        (is_number || !numbers) && request.operator.is_none_or(|operator| fits(operator, kind))
    };
    // A namespace in which nothing was stored yet does not know its partition field.
    if table.field_type(table.partition.as_str()).is_none() {
        return Ok(Vec::new());
    }
    let Some(name) = &request.series else {
        let series = table.sorted_fields().into_iter();
        return Ok(series
            .filter(|(name, kind)| *name != table.partition && usable(*kind))
            .collect());
    };
    // A series is asked for before its first point as after it: there is nothing yet.
    let Some(kind) = table.field_type(name.as_str()) else { return Ok(Vec::new()) };
    if usable(kind) {
        return Ok(vec![(name.clone(), kind)]);
    }
    match request.operator {
        Some(operator) if !fits(operator, kind) => {
            let word = operator.name();
            let reason =
                format!("{word} says nothing of series '{name}', which is {kind}; use count");
            Err(QueryError::parameter("operator", reason))
        }
        _ => {
            let reason = format!("series '{name}' is {kind}, not a number; leave the bounds out");
            Err(QueryError::parameter("less_than, greater_than, equals", reason))
        }
    }
}

fn plan(
    session: &Session,
    table: &Table,
    request: &ExportRequest,
    name: &FieldName,
    kind: FieldType,
) -> Result<Planned, QueryError> {
    let wrap = |error: DataFusionError| session.error(&error);
    let mut filters = within(&request.range);
    let device = column(table.partition.as_str());
    filters.push(match &request.device {
        Some(it) => device.clone().eq(lit(ScalarValue::Utf8View(Some(it.clone())))),
        None => device.is_not_null(),
    });
    filters.push(column(name.as_str()).is_not_null());
    let bounds = [
        (Comparison::Lt, request.values.less_than),
        (Comparison::Gt, request.values.greater_than),
        (Comparison::Eq, request.values.equals),
    ];
    for (comparison, bound) in bounds {
        let filter = bound.map(|bound| number_condition(name.as_str(), kind, comparison, bound));
        filters.extend(filter);
    }
    let arrives = request.operator.is_none();
    let frame = if arrives { session.scan_with_arrival(table)? } else { session.scan(table)? };
    let frame = filters.into_iter().try_fold(frame, DataFrame::filter).map_err(wrap)?;
    let mut frame = points(frame, table, request, name, kind).map_err(wrap)?;
    if request.device.is_some() && request.limit <= HELD {
        // Of one device the engine itself finds the newest, without a look at the files that cannot hold them.
        frame = newest(frame, request.limit).map_err(wrap)?;
    }
    let (order, arrival) = (Order::KeyThenOldestFirst, arrives.then_some(3));
    let each = NewestPerKey { key: 0, time: 1, arrival, rows: request.limit, order };
    let steps = std::iter::once(Step::Newest(each)).chain(arrives.then_some(Step::Columns(3)));
    Ok(Planned { frame, steps: steps.collect() })
}

fn newest(frame: DataFrame, limit: usize) -> Result<DataFrame, DataFusionError> {
    frame.sort(vec![column(TIME).sort(false, false)])?.limit(0, Some(limit))
}

/// Device, time and value.
fn points(
    frame: DataFrame,
    table: &Table,
    request: &ExportRequest,
    name: &FieldName,
    kind: FieldType,
) -> Result<DataFrame, DataFusionError> {
    let device = || column(table.partition.as_str());
    let Some(operator) = request.operator else {
        let frame = frame.select(vec![
            device().alias("$device"),
            column(TIME),
            column(name.as_str()).alias("$value"),
            column(ARRIVAL),
        ])?;
        return frame.select(named(name).into_iter().chain([column(ARRIVAL)]).collect::<Vec<_>>());
    };
    let mut keys: Vec<Expr> = vec![device().alias("$device")];
    let mut figures = vec![figure(operator, name.as_str(), kind).alias("$value")];
    match request.bucket {
        Some(width) => keys.push(bucket(width).alias("$time")),
        None => figures.push(max(column(TIME)).alias("$time")),
    }
    let frame = frame.aggregate(keys, figures)?;
    let frame =
        frame.select(vec![column("$device"), column("$time").alias(TIME), column("$value")])?;
    frame.select(named(name))
}

/// The columns under the names that the renderers look for.
fn named(name: &FieldName) -> Vec<Expr> {
    vec![column("$device"), column(TIME), column("$value").alias(name.as_str())]
}
