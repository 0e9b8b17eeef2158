//! Values of one type as values of another: exactly, or not at all.
//!
//! ```text
//! to DOUBLE    LONG up to 2^53 either way; STRING that is a number; BOOLEAN as 1 or 0
//! to LONG      DOUBLE without a fraction; STRING that is a whole number; BOOLEAN as 1 or 0
//! to BOOLEAN   1 and 0; STRING "true" and "false", in any letter case
//! to STRING    everything: numbers as the shortest text that gives the same number again
//! ```
//!
//! Digits with a leading zero are no number: they are the code of something, and would lose the zeros.

use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanArray, Float64Array, Int64Array, StringViewArray,
};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use iobeam_model::{FieldType, Value};

use crate::chunk::arrow_type;

/// Up to this, each integer is exact as a double.
const EXACT: i64 = 1 << 53;
/// The first whole number beyond an `i64`.
const BEYOND_LONG: f64 = 9_223_372_036_854_775_808.0;

/// A column as another type: null where a value does not convert, and which rows these are.
pub(crate) fn convert(values: &ArrayRef, to: FieldType) -> (ArrayRef, Vec<usize>) {
    if *values.data_type() == arrow_type(to) {
        return (Arc::clone(values), Vec::new());
    }
    let mut misfits = Vec::new();
    let mut cells = |row: usize| -> Option<Value> {
        let value = value_at(values, row)?;
        let converted = convert_value(&value, to);
        if converted.is_none() {
            misfits.push(row);
        }
        converted
    };
    let rows = 0..values.len();
    let converted: ArrayRef = match to {
        FieldType::Double => {
            let number =
                |value| if let Value::Double(number) = value { Some(number) } else { None };
            Arc::new(rows.map(|row| cells(row).and_then(number)).collect::<Float64Array>())
        }
        FieldType::Long => {
            let number = |value| if let Value::Long(number) = value { Some(number) } else { None };
            Arc::new(rows.map(|row| cells(row).and_then(number)).collect::<Int64Array>())
        }
        FieldType::Boolean => {
            let boolean = |value| if let Value::Boolean(it) = value { Some(it) } else { None };
            Arc::new(rows.map(|row| cells(row).and_then(boolean)).collect::<BooleanArray>())
        }
        FieldType::String => {
            let string = |value| if let Value::String(it) = value { Some(it) } else { None };
            Arc::new(rows.map(|row| cells(row).and_then(string)).collect::<StringViewArray>())
        }
    };
    (converted, misfits)
}

/// The value in a cell, if there is one.
pub(crate) fn value_at(values: &ArrayRef, row: usize) -> Option<Value> {
    if values.is_null(row) {
        return None;
    }
    Some(match values.data_type() {
        DataType::Float64 => Value::Double(values.as_primitive::<Float64Type>().value(row)),
        DataType::Int64 => Value::Long(values.as_primitive::<Int64Type>().value(row)),
        DataType::Boolean => Value::Boolean(values.as_boolean().value(row)),
        DataType::Utf8View => Value::String(values.as_string_view().value(row).into()),
        _ => return None,
    })
}

/// A value as another type; nothing when it cannot be that exactly.
pub(crate) fn convert_value(value: &Value, to: FieldType) -> Option<Value> {
    match to {
        FieldType::Double => double(value).map(Value::Double),
        FieldType::Long => long(value).map(Value::Long),
        FieldType::Boolean => boolean(value).map(Value::Boolean),
        FieldType::String => Some(Value::String(match value {
            Value::Double(number) => written(*number).into(),
            other => other.to_string().into(),
        })),
    }
}

fn double(value: &Value) -> Option<f64> {
    match value {
        Value::Double(number) => Some(*number),
        Value::Long(number) => (number.unsigned_abs() <= EXACT as u64).then_some(*number as f64),
        Value::Boolean(boolean) => Some(f64::from(u8::from(*boolean))),
        Value::String(string) => {
            let string = number_in(string)?;
            if let Ok(whole) = string.parse::<i128>() {
                return (whole.unsigned_abs() <= EXACT as u128).then_some(whole as f64);
            }
            string.parse().ok().filter(|number: &f64| number.is_finite())
        }
    }
}

fn long(value: &Value) -> Option<i64> {
    match value {
        Value::Double(number) => whole(*number),
        Value::Long(number) => Some(*number),
        Value::Boolean(boolean) => Some(i64::from(*boolean)),
        Value::String(string) => {
            let string = number_in(string)?;
            if let Ok(whole) = string.parse::<i128>() {
                return i64::try_from(whole).ok();
            }
            // With a point or an exponent it went through a double somewhere: exact up to 2^53.
            whole(string.parse().ok()?).filter(|whole| whole.unsigned_abs() <= EXACT as u64)
        }
    }
}

fn boolean(value: &Value) -> Option<bool> {
    let of_number = |number: i64| match number {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    };
    match value {
        Value::Double(number) => whole(*number).and_then(of_number),
        Value::Long(number) => of_number(*number),
        Value::Boolean(boolean) => Some(*boolean),
        Value::String(string) => match string.trim().to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        },
    }
}

/// A number without a fraction that an `i64` holds.
fn whole(number: f64) -> Option<i64> {
    let holds = number.fract() == 0.0 && (-BEYOND_LONG..BEYOND_LONG).contains(&number);
    holds.then_some(number as i64)
}

/// The text of a decimal number: a sign, digits, a point, an exponent, and no leading zeros that would be lost.
fn number_in(string: &str) -> Option<&str> {
    let string = string.trim();
    let digits = string.strip_prefix(['-', '+']).unwrap_or(string);
    let known = digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    let code = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
    let begins = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    (known && begins && !code).then_some(string)
}

/// The shortest text that gives the same number again.
fn written(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-5..=EXACT as f64).contains(&size) {
        return format!("{number:e}");
    }
    number.to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Value {
        Value::String(text.into())
    }

    #[test]
    fn what_converts_exactly_converts_and_nothing_else_does() {
        let double = |value: &Value| convert_value(value, FieldType::Double);
        assert_eq!(double(&text("21.5")), Some(Value::Double(21.5)));
        assert_eq!(double(&text(" -3e2 ")), Some(Value::Double(-300.0)));
        assert_eq!(double(&Value::Long(1 << 53)), Some(Value::Double(9_007_199_254_740_992.0)));
        for misfit in ["unavailable", "", "NaN", "inf", "1e400", "00042", "0x10", "1,5", "e5"] {
            assert_eq!(double(&text(misfit)), None, "{misfit}");
        }
        assert_eq!(double(&Value::Long((1 << 53) + 1)), None);
        assert_eq!(double(&text("9007199254740993")), None);

        let long = |value: &Value| convert_value(value, FieldType::Long);
        assert_eq!(long(&Value::Double(5.0)), Some(Value::Long(5)));
        assert_eq!(long(&text("9223372036854775807")), Some(Value::Long(i64::MAX)));
        assert_eq!(long(&text("5.0")), Some(Value::Long(5)));
        assert_eq!(long(&Value::Double(0.5)), None);
        assert_eq!(long(&Value::Double(BEYOND_LONG)), None);
        assert_eq!(long(&text("89014103211118510720")), None);

        let boolean = |value: &Value| convert_value(value, FieldType::Boolean);
        assert_eq!(boolean(&text("TRUE")), Some(Value::Boolean(true)));
        assert_eq!(boolean(&Value::Double(0.0)), Some(Value::Boolean(false)));
        assert_eq!(boolean(&Value::Long(2)), None);
        assert_eq!(boolean(&text("1")), None);
    }

    proptest! {
        #[test]
        fn a_number_that_becomes_a_string_becomes_the_same_number_again(
            number in any::<f64>().prop_filter("finite", |number| number.is_finite()),
            integer in any::<i64>(),
        ) {
            let there = convert_value(&Value::Double(number), FieldType::String).expect("a text");
            let back = convert_value(&there, FieldType::Double);
            prop_assert_eq!(back, Some(Value::Double(number)), "{}", there);
            let there = convert_value(&Value::Long(integer), FieldType::String).expect("a text");
            prop_assert_eq!(convert_value(&there, FieldType::Long), Some(Value::Long(integer)));
        }
    }
}
