//! Uploads in binary form: the batches that our own clients spool and send.

use bytes::Bytes;
use iobeam_catalog::Namespace;
use iobeam_model::{Batch, Column, FieldName, FieldType, NamespaceName, Values};
use iobeam_store::Incoming;
use iobeam_wire::batch::{self, Decoded, decode_all};

use super::{ImportBuilder, Limits, MAX_ROWS};
use crate::core::api_error::{ApiError, Code};

/// The largest integer up to which a `DOUBLE` holds each one exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Reads a body into the draft.
pub(super) fn read(
    draft: &mut ImportBuilder<'_>,
    body: &Bytes,
    limits: Limits,
) -> Result<(), ApiError> {
    let limits = batch::Limits {
        max_rows: MAX_ROWS,
        max_columns: u32::try_from(limits.fields).unwrap_or(u32::MAX),
        max_bytes: limits.bytes,
    };
    let mut at = 0;
    for Decoded { id, batch, length } in decode_all(body, &limits)? {
        let encoded = body.slice(at..at + length);
        at += length;
        let namespace = draft.namespace(batch.namespace())?;
        let (batch, is_spelled) = spelled(draft, &namespace, batch)?;
        has_devices(&namespace, &batch)?;
        let (batch, is_typed) = fitted(draft, &namespace, batch)?;
        let incoming = Incoming {
            id,
            partition: namespace.partition.clone(),
            batch,
            encoded: (is_spelled && is_typed).then_some(encoded),
        };
        draft.take(&namespace, incoming)?;
    }
    Ok(())
}

/// The batch with its fields spelled as in its namespace, and whether it is as it was sent.
fn spelled(
    draft: &mut ImportBuilder<'_>,
    namespace: &Namespace,
    batch: Batch,
) -> Result<(Batch, bool), ApiError> {
    let names = batch.columns().iter().map(Column::name);
    let respelled = draft.spellings.respelled(namespace, names)?;
    if respelled.is_empty() {
        return Ok((batch, true));
    }
    let (name, times, columns) = batch.into_parts();
    let columns = columns.into_iter().map(|column| match respelled.get(column.name()) {
        Some(spelling) => column.with_name(spelling.clone()),
        None => column,
    });
    let columns = columns.collect();
    let batch = Batch::new(name, times, columns).map_err(iobeam_wire::CodecError::from)?;
    Ok((batch, false))
}

/// In `input` each row names its device; elsewhere only a bound token is held to its device.
fn has_devices(namespace: &Namespace, batch: &Batch) -> Result<(), ApiError> {
    let column = batch.column(namespace.partition.as_str());
    let is_whole = column.is_some_and(|column| column.present().is_none());
    if is_whole || batch.is_empty() || namespace.name != NamespaceName::input() {
        return Ok(());
    }
    Err(ApiError::bad_request(
        "The device is missing",
        format!("field '{}': send the device's id in each row", namespace.partition),
    ))
}

/// The batch with the types that its namespace has, and whether it is as it was sent.
fn fitted(
    draft: &ImportBuilder<'_>,
    namespace: &Namespace,
    batch: Batch,
) -> Result<(Batch, bool), ApiError> {
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
fn converted(column: Column, wanted: FieldType) -> Result<Column, ApiError> {
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
) -> Result<(), ApiError> {
    match numbers.iter().enumerate().find(|(_, number)| !fits(**number)) {
        None => Ok(()),
        Some((row, number)) => {
            let place = format!("row {row}, value {number}");
            Err(conflict(field, &place, wanted))
        }
    }
}

/// A column without any value fits every type.
fn empty(column: Column, wanted: FieldType) -> Result<Column, ApiError> {
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

fn conflict(field: &FieldName, found: &str, wanted: FieldType) -> ApiError {
    ApiError::bad_request(
        "A field has another type",
        format!("field '{field}' is {wanted}: {found}; send values of that type, or retype the field (PATCH /v1/namespaces/<id>/fields/{field})"),
    )
    .with_code(Code::TYPE_CONFLICT)
}
