//! Labels: constants that belong to each row of a body.

use iobeam_model::{Column, FieldName, FieldType, Texts, Value, Values};

use super::cells::EXACT;
use crate::error::ImportError;

/// The column that has the same value in each of so many rows: for a label, or the id of the device.
///
/// An integer becomes `DOUBLE` unless the field is declared `LONG`, as in any other column.
///
/// # Errors
/// When the value does not fit the wanted type.
pub fn constant_column(
    name: FieldName,
    value: &Value,
    wanted: Option<FieldType>,
    rows: usize,
) -> Result<Column, ImportError> {
    let natural = match value {
        Value::Long(_) => FieldType::Double,
        other => other.field_type(),
    };
    let kind = wanted.unwrap_or(natural);
    let values = match (value, kind) {
        (Value::Long(integer), FieldType::Double) => {
            if integer.unsigned_abs() > EXACT {
                let place = format!("labels.{name}");
                let value = integer.to_string();
                return Err(ImportError::Inexact { place, row: 0, field: name, value });
            }
            Values::Double(vec![*integer as f64; rows])
        }
        (Value::Double(number), FieldType::Double) => Values::Double(vec![*number; rows]),
        (Value::Double(number), FieldType::Long)
            if number.fract() == 0.0 && number.abs() <= EXACT as f64 =>
        {
            Values::Long(vec![*number as i64; rows])
        }
        (Value::Long(integer), FieldType::Long) => Values::Long(vec![*integer; rows]),
        (Value::Boolean(truth), FieldType::Boolean) => Values::Boolean(vec![*truth; rows]),
        (Value::String(text), FieldType::String) => Values::String(Texts::constant(text, rows)),
        (other, expected) => {
            let place = format!("labels.{name}");
            let value = match other {
                Value::String(text) => format!("{:?}", super::place::shortened(text)),
                other => other.to_string(),
            };
            return Err(ImportError::Type { place, row: 0, field: name, value, expected });
        }
    };
    Ok(Column::new(name, values, None)?)
}
