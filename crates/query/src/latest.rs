//! The latest value of each field of one device.
//!
//! ```text
//! its last row ─ fields without a value there ─▶ its newest thousand rows ─ still some ─▶ all its rows, in one pass
//! ```
//!
//! A device mostly sends all its fields in each row, so the last row is mostly enough.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampMicrosecondType};
use iobeam_model::{FieldName, Timestamp, Value};

use crate::direct::Newest;
use crate::error::QueryError;
use crate::plan::Session;
use crate::request::{SeriesRequest, TimeRange};
use crate::runs::Reading;
use crate::scope::{TIME, Table};
use crate::series::{Limits, OneSeries, Points, series};

/// The latest value of a field.
#[derive(Clone, Debug, PartialEq)]
pub struct Latest {
    /// Which field.
    pub field: FieldName,
    /// When.
    pub time: Timestamp,
    /// What.
    pub value: Value,
}

/// Rows that are looked at before all of them are.
const NEWEST: usize = 1_000;

/// The latest value of each field that has one, in alphabetical order of the fields. The table is partitioned by
/// device.
pub(crate) async fn latest(
    session: &Session,
    table: &Table,
    device: &str,
    limits: Limits,
) -> Result<Vec<Latest>, QueryError> {
    let fields = table.sorted_fields().into_iter().map(|(field, _)| field);
    let mut missing: Vec<FieldName> = fields.filter(|field| *field != table.partition).collect();
    let mut found = BTreeMap::new();
    for rows in [1, NEWEST] {
        if missing.is_empty() {
            break;
        }
        let time = std::iter::once(TIME.to_owned());
        let newest = Newest {
            of: Some(device.to_owned()),
            rows,
            range: TimeRange::default(),
            present: None,
            columns: time.chain(missing.iter().map(ToString::to_string)).collect(),
        };
        let reading = Reading::new(&session.runs, &session.context);
        let Some(batch) = newest.answer(table, &reading)? else { break };
        take(&batch, &mut missing, &mut found);
        if batch.num_rows() < rows {
            missing.clear();
        }
    }
    if !missing.is_empty() {
        let names = missing.iter().map(ToString::to_string).collect();
        // One column of pixels: its last point is the latest row.
        let request = SeriesRequest {
            fields: Some(names),
            devices: Some(vec![device.to_owned()]),
            width: Some(1),
            max_series: Some(missing.len()),
            ..SeriesRequest::default()
        };
        let limits = Limits { series: limits.series.max(missing.len()), ..limits };
        let all = series(session, table, &request, limits).await?.series;
        found.extend(all.into_iter().filter_map(last));
    }
    let latest =
        |(field, (time, value))| Latest { field, time: Timestamp::from_micros(time), value };
    Ok(found.into_iter().map(latest).collect())
}

/// Takes the first value of each column of rows that come newest first.
fn take(
    rows: &RecordBatch,
    missing: &mut Vec<FieldName>,
    found: &mut BTreeMap<FieldName, (i64, Value)>,
) {
    let times = rows.column(0).as_primitive::<TimestampMicrosecondType>();
    missing.retain(|field| {
        let Some(column) = rows.column_by_name(field.as_str()) else { return true };
        let row = (0..rows.num_rows()).find(|row| column.is_valid(*row));
        let value = row.and_then(|row| Some((times.value(row), value(column, row)?)));
        match value {
            None => true,
            Some(value) => found.insert(field.clone(), value).is_some(),
        }
    });
}

fn value(column: &ArrayRef, row: usize) -> Option<Value> {
    Some(match column.data_type() {
        DataType::Float64 => Value::Double(column.as_primitive::<Float64Type>().value(row)),
        DataType::Int64 => Value::Long(column.as_primitive::<Int64Type>().value(row)),
        DataType::Boolean => Value::Boolean(column.as_boolean().value(row)),
        DataType::Utf8View => Value::String(column.as_string_view().value(row).into()),
        _ => return None,
    })
}

fn last(series: OneSeries) -> Option<(FieldName, (i64, Value))> {
    let value = match series.values {
        Points::Double(all) => Value::Double(*all.last()?),
        Points::Long(all) => Value::Long(*all.last()?),
        Points::Boolean(all) => Value::Boolean(*all.last()?),
        Points::String(mut all) => Value::String(all.pop()?),
        Points::Sum(_) => return None,
    };
    Some((series.field, (*series.times.last()?, value)))
}
