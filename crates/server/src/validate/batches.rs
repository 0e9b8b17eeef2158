//! Uploads in binary form: the batches that our own clients spool and send.

use bytes::Bytes;
use iobeam_catalog::Namespace;
use iobeam_model::{Batch, Column, FieldName, FieldType, NamespaceName, Values};
use iobeam_store::Incoming;
use iobeam_wire::batch::{Decoded, Limits, decode_all};

use super::{Draft, MAX_FIELDS, MAX_ROWS, texts};
use crate::problem::{Code, Problem};

/// The largest integer up to which a `DOUBLE` holds each one exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Reads a body into the draft.
pub(super) fn read(draft: &mut Draft<'_>, body: &Bytes, limit: usize) -> Result<(), Problem> {
    let limits = Limits { max_rows: MAX_ROWS, max_columns: MAX_FIELDS, max_bytes: limit };
    let mut at = 0;
    for Decoded { id, batch, length } in decode_all(body, &limits)? {
        let encoded = body.slice(at..at + length);
        at += length;
        let namespace = draft.namespace(batch.namespace())?;
        whose(draft, &namespace, &batch)?;
        let (batch, as_sent) = fitted(draft, &namespace, batch)?;
        let incoming = Incoming {
            id,
            partition: namespace.partition.clone(),
            batch,
            encoded: as_sent.then_some(encoded),
        };
        draft.take(&namespace, incoming)?;
    }
    Ok(())
}

/// In `input` each row is of a registered device; elsewhere only a bound token is held to its device.
fn whose(draft: &mut Draft<'_>, namespace: &Namespace, batch: &Batch) -> Result<(), Problem> {
    draft.only_own_rows(namespace, batch)?;
    if namespace.name != NamespaceName::input() || batch.is_empty() {
        return Ok(());
    }
    let column = batch.column(namespace.partition.as_str());
    let Some(column) = column.filter(|column| column.present().is_none()) else {
        return Err(Problem::bad_request(
            "The device is missing",
            format!("field '{}': send the device's id in each row", namespace.partition),
        ));
    };
    draft.devices(&texts(column))
}

/// The batch with the types that its namespace has, and whether it is as it was sent.
fn fitted(
    draft: &Draft<'_>,
    namespace: &Namespace,
    batch: Batch,
) -> Result<(Batch, bool), Problem> {
    let wanted = |column: &Column| {
        let has = column.values().field_type();
        // A field that comes into being by itself is DOUBLE, whatever kind of number comes first.
        draft.field_type(namespace, column.name()).unwrap_or(match has {
            FieldType::Long => FieldType::Double,
            other => other,
        })
    };
    if batch.columns().iter().all(|column| wanted(column) == column.values().field_type()) {
        return Ok((batch, true));
    }
    let kinds: Vec<FieldType> = batch.columns().iter().map(wanted).collect();
    let (name, times, columns) = batch.into_parts();
    let columns = columns.into_iter().zip(kinds).map(|(column, kind)| converted(column, kind));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let batch = Batch::new(name, times, columns).map_err(iobeam_wire::CodecError::from)?;
    Ok((batch, false))
}

/// A column as another type, when that loses nothing.
fn converted(column: Column, wanted: FieldType) -> Result<Column, Problem> {
    let has = column.values().field_type();
    if has == wanted || column.count() == 0 {
        return Ok(if has == wanted { column } else { empty(column, wanted)? });
    }
    let (name, values, present) = column.into_parts();
    let values = match (values, wanted) {
        (Values::Long(numbers), FieldType::Double) => {
            exact(&name, wanted, &numbers, |number| number.unsigned_abs() <= EXACT as u64)?;
            Values::Double(numbers.into_iter().map(|number| number as f64).collect())
        }
        (Values::Double(numbers), FieldType::Long) => {
            exact(&name, wanted, &numbers, |number| {
                number.fract() == 0.0 && number.abs() <= EXACT
            })?;
            Values::Long(numbers.into_iter().map(|number| number as i64).collect())
        }
        _ => return Err(conflict(&name, &format!("the batch has {has} values"), wanted)),
    };
    Column::new(name, values, present).map_err(|error| iobeam_wire::CodecError::from(error).into())
}

/// Refuses the first number that another type cannot hold.
fn exact<T: std::fmt::Display + Copy>(
    field: &FieldName,
    wanted: FieldType,
    numbers: &[T],
    fits: impl Fn(T) -> bool,
) -> Result<(), Problem> {
    match numbers.iter().enumerate().find(|(_, number)| !fits(**number)) {
        None => Ok(()),
        Some((row, number)) => {
            let place = format!("row {row}, value {number}");
            Err(conflict(field, &place, wanted))
        }
    }
}

/// A column without any value fits every type.
fn empty(column: Column, wanted: FieldType) -> Result<Column, Problem> {
    let rows = column.len();
    let (name, _, present) = column.into_parts();
    let values = match wanted {
        FieldType::Double => Values::Double(vec![0.0; rows]),
        FieldType::Long => Values::Long(vec![0; rows]),
        FieldType::Boolean => Values::Boolean(vec![false; rows]),
        FieldType::String => Values::String(iobeam_model::Texts::constant("", rows)),
    };
    Column::new(name, values, present).map_err(|error| iobeam_wire::CodecError::from(error).into())
}

fn conflict(field: &FieldName, found: &str, wanted: FieldType) -> Problem {
    Problem::bad_request(
        "A field has another type",
        format!("field '{field}' is {wanted}: {found}; send values of that type, or another field"),
    )
    .with_code(Code::TYPE_CONFLICT)
}
