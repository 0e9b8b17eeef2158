//! The rows of a batch as JSON that people mend, and back.
//!
//! ```text
//! {"namespace": "input", "fields": ["time", "device_id", "temperature"], "values": [[1427316488000000, "d", 21.5]]}
//!                                    microseconds; null: no value
//! ```
//!
//! A column keeps its type while all of its values fit; else it takes the one that they show. Rows and columns may be
//! left out or added.

use anyhow::{Context, Result};
use iobeam::{Batch, Bitmap, Column, FieldName, NamespaceName, Texts, Values};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::failure::Failure;

/// Whole numbers up to here are exact as doubles.
const EXACT: u64 = 1 << 53;

/// What a mended batch says; whatever else `show` printed is of no interest here.
#[derive(Deserialize)]
struct Mended {
    namespace: NamespaceName,
    fields: Vec<String>,
    values: Vec<Vec<Value>>,
}

/// The rows for `show`.
pub(super) fn json(batch: &Batch) -> Value {
    let names = batch.columns().iter().map(|column| column.name().as_str());
    let fields: Vec<&str> = ["time"].into_iter().chain(names).collect();
    let row = |(row, time): (usize, &i64)| {
        let cells = batch.columns().iter().map(|column| cell(column, row));
        [Value::from(*time)].into_iter().chain(cells).collect()
    };
    let values: Vec<Vec<Value>> = batch.times().iter().enumerate().map(row).collect();
    json!({"namespace": batch.namespace(), "fields": fields, "values": values})
}

/// A value as JSON; null when there is none.
pub(super) fn cell(column: &Column, row: usize) -> Value {
    match column.value(row) {
        None => Value::Null,
        Some(iobeam::Value::Double(number)) => number.into(),
        Some(iobeam::Value::Long(number)) => number.into(),
        Some(iobeam::Value::Boolean(truth)) => truth.into(),
        Some(iobeam::Value::String(text)) => Value::String(text.as_ref().into()),
    }
}

/// The mended rows as a batch. `refused` is what they were.
pub(super) fn batch(text: &str, refused: &Batch) -> Result<Batch> {
    let mended: Mended = serde_json::from_str(text)
        .context("the mended batch is not what `spool show --json` prints")?;
    let width = mended.fields.len();
    for (row, cells) in mended.values.iter().enumerate() {
        if cells.len() != width {
            let found = cells.len();
            return Err(wrong(row, &format!("it has {found} values and there are {width} fields")));
        }
    }
    let time = mended.fields.iter().position(|name| name == "time");
    let time = time.ok_or_else(|| Failure::new("the mended batch has no field 'time'"))?;
    let times = mended.values.iter().enumerate().map(|(row, cells)| {
        let micros = cells[time].as_i64();
        micros.ok_or_else(|| wrong(row, "its time is no whole number of microseconds"))
    });
    let times: Vec<i64> = times.collect::<Result<_>>()?;
    if times.is_empty() {
        let remedy = "`iobeam spool drop` discards a batch";
        return Err(Failure::new("the mended batch has no rows").remedy(remedy).into());
    }
    let mut columns = Vec::with_capacity(width);
    for (at, name) in mended.fields.iter().enumerate().filter(|(at, _)| *at != time) {
        let cells: Vec<&Value> = mended.values.iter().map(|cells| &cells[at]).collect();
        columns.extend(column(name, &cells, refused.column(name))?);
    }
    Batch::new(mended.namespace, times, columns).context("the mended batch cannot be sent")
}

/// A column; none when it has no value at all.
fn column(name: &str, cells: &[&Value], refused: Option<&Column>) -> Result<Option<Column>> {
    let field: FieldName =
        name.parse().with_context(|| format!("the field '{name}' cannot be used"))?;
    let mut present = Bitmap::new();
    for cell in cells {
        present.push(!cell.is_null());
    }
    if present.count() == 0 {
        return Ok(None);
    }
    let was_long = refused.is_some_and(|column| matches!(column.values(), Values::Long(_)));
    let some = || cells.iter().filter(|cell| !cell.is_null());
    let values = if some().all(|cell| cell.is_boolean()) {
        Values::Boolean(cells.iter().map(|cell| cell.as_bool().unwrap_or(false)).collect())
    } else if some().all(|cell| cell.is_string()) {
        let mut texts = Texts::new();
        for cell in cells {
            texts.push(cell.as_str().unwrap_or(""));
        }
        Values::String(texts)
    } else if some().all(|cell| cell.is_i64())
        && (was_long || some().any(|cell| cell.as_i64().is_some_and(|n| n.unsigned_abs() > EXACT)))
    {
        Values::Long(cells.iter().map(|cell| cell.as_i64().unwrap_or(0)).collect())
    } else if some().all(|cell| cell.is_number()) {
        Values::Double(cells.iter().map(|cell| cell.as_f64().unwrap_or(0.0)).collect())
    } else {
        return Err(mixed(name, cells));
    };
    let column = Column::new(field, values, Some(present));
    Ok(Some(column.context("the mended batch cannot be sent")?))
}

/// Says in which row a column becomes another one.
fn mixed(name: &str, cells: &[&Value]) -> anyhow::Error {
    let kind = |cell: &Value| match cell {
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Null => "nothing",
        _ => "no single value",
    };
    let first = cells.iter().find(|cell| !cell.is_null()).map_or("nothing", |cell| kind(cell));
    let other =
        |cell: &&Value| !cell.is_null() && (kind(cell) != first || kind(cell) == "no single value");
    let row = cells.iter().position(other).unwrap_or(0);
    wrong(row, &format!("'{name}' is {} there, and {first} in rows before it", kind(cells[row])))
}

fn wrong(row: usize, what: &str) -> anyhow::Error {
    Failure::new(format!("row {} of the mended batch: {what}", row + 1)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Batch {
        let field = |name: &str| name.parse().expect("a name");
        let mut texts = Texts::new();
        texts.push("warm");
        texts.push("cold");
        let mut present = Bitmap::new();
        present.push(true);
        present.push(false);
        let columns = vec![
            Column::new(field("temperature"), Values::String(texts), None),
            Column::new(field("doors"), Values::Long(vec![i64::MAX, 0]), Some(present)),
            Column::new(field("degrees"), Values::Double(vec![1.0, 2.5]), None),
            Column::new(field("open"), Values::Boolean(vec![true, false]), None),
        ];
        let columns = columns.into_iter().map(|column| column.expect("sound")).collect();
        Batch::new(NamespaceName::input(), vec![-1, 1_427_316_488_000_001], columns).expect("sound")
    }

    fn mended(change: impl FnOnce(&mut Value)) -> Result<Batch> {
        let mut shown = json(&refused());
        change(&mut shown);
        batch(&shown.to_string(), &refused())
    }

    #[test]
    fn what_is_not_touched_comes_back_as_it_was() {
        assert_eq!(mended(|_| ()).expect("sound"), refused());
    }

    #[test]
    fn texts_mended_into_numbers_are_numbers() {
        let batch = mended(|shown| {
            shown["values"][0][1] = 21.5.into();
            shown["values"][1][1] = 21.into();
        });
        let batch = batch.expect("sound");
        let column = batch.column("temperature").expect("a column");
        assert_eq!(*column.values(), Values::Double(vec![21.5, 21.0]));
    }

    #[test]
    fn half_mended_columns_are_refused_with_their_row() {
        let refusal = mended(|shown| shown["values"][0][1] = 21.5.into()).expect_err("mixed");
        assert_eq!(
            refusal.to_string(),
            "row 2 of the mended batch: 'temperature' is a text there, and a number in rows before it"
        );
        let refusal = mended(|shown| shown["values"][1][0] = "now".into()).expect_err("a time");
        assert!(refusal.to_string().starts_with("row 2 "), "{refusal}");
        let refusal = mended(|shown| shown["values"] = json!([])).expect_err("empty");
        assert!(refusal.to_string().contains("no rows"), "{refusal}");
        let refusal = mended(|shown| shown["values"][0] = json!([1])).expect_err("short");
        assert!(refusal.to_string().contains("1 values and there are 5 fields"), "{refusal}");
    }

    #[test]
    fn a_column_without_values_and_a_row_may_be_left_out() {
        let batch = mended(|shown| {
            shown["values"][0][1] = Value::Null;
            shown["values"].as_array_mut().expect("rows").truncate(1);
        });
        let batch = batch.expect("sound");
        assert_eq!((batch.rows(), batch.columns().len()), (1, 3));
    }
}
