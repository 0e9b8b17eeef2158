//! A column as bytes.
//!
//! ```text
//! length of the name u8 │ name │ type u8 │ flags u8 │ [bitmap] │ values
//!                           0 double, 1 long,  1: a bitmap tells which rows have a value
//!                           2 boolean, 3 text  2: values of rows without one are left out
//! ```

use iobeam_model::{Bitmap, Column, FieldName, Texts, Values};

use super::packing::Layout;
use super::reader::{Budget, Reader};
use super::{doubles, integers, texts};
use crate::error::CodecError;

const HAS_MISSING: u8 = 1;
const LEFT_OUT: u8 = 2;

const DOUBLE: u8 = 0;
const LONG: u8 = 1;
const BOOLEAN: u8 = 2;
const STRING: u8 = 3;

pub(super) fn encode(out: &mut Vec<u8>, column: &Column, layout: Layout) {
    let name = column.name().as_str();
    out.push(name.len() as u8);
    out.extend_from_slice(name.as_bytes());
    let (kind, plain_missing) = match column.values() {
        Values::Double(_) => (DOUBLE, true),
        Values::Long(_) => (LONG, true),
        Values::Boolean(_) => (BOOLEAN, true),
        // A missing text has no key of its own.
        Values::String(_) => (STRING, false),
    };
    let leave_out = column.present().is_some() && (layout != Layout::Plain || !plain_missing);
    let missing = if column.present().is_some() { HAS_MISSING } else { 0 };
    out.push(kind);
    out.push(missing | if leave_out { LEFT_OUT } else { 0 });
    if let Some(bits) = column.present() {
        out.extend_from_slice(bits.bytes());
    }
    let kept = column.present().filter(|_| leave_out);
    match column.values() {
        Values::Double(numbers) => match kept {
            None => doubles::encode(out, numbers, layout),
            Some(bits) => doubles::encode(out, &only(numbers, bits), layout),
        },
        Values::Long(numbers) => match kept {
            None => integers::encode(out, numbers, layout),
            Some(bits) => integers::encode(out, &only(numbers, bits), layout),
        },
        Values::Boolean(truths) => match kept {
            None => write_truths(out, truths),
            Some(bits) => write_truths(out, &only(truths, bits)),
        },
        Values::String(all) => {
            let rows = 0..all.len() as u32;
            let rows: Vec<u32> = match kept {
                None => rows.collect(),
                Some(bits) => rows.filter(|row| bits.get(*row as usize)).collect(),
            };
            texts::encode(out, all, &rows, layout);
        }
    }
}

fn only<T: Copy>(values: &[T], present: &Bitmap) -> Vec<T> {
    let rows = values.iter().enumerate().filter(|(row, _)| present.get(*row));
    rows.map(|(_, value)| *value).collect()
}

fn write_truths(out: &mut Vec<u8>, truths: &[bool]) {
    out.extend(truths.chunks(8).map(|eight| {
        eight.iter().enumerate().fold(0, |byte, (at, truth)| byte | (u8::from(*truth) << at))
    }));
}

pub(super) fn decode(
    reader: &mut Reader<'_>,
    rows: usize,
    budget: &mut Budget,
) -> Result<Column, CodecError> {
    budget.take(size_of::<Column>())?;
    let length = reader.byte()?;
    let name = read_name(reader.take(length.into())?)?;
    let kind = reader.byte()?;
    let flags = reader.byte()?;
    if flags & !(HAS_MISSING | LEFT_OUT) != 0 || flags == LEFT_OUT {
        return Err(CodecError::Malformed { what: "a column's flags are unknown" });
    }
    let present = if flags & HAS_MISSING == 0 {
        None
    } else {
        budget.take(rows.div_ceil(8))?;
        Bitmap::from_bytes(reader.take(rows.div_ceil(8))?.to_vec(), rows)
    };
    let spread = present.as_ref().filter(|_| flags & LEFT_OUT != 0);
    let count = spread.map_or(rows, Bitmap::count);
    let values = match kind {
        DOUBLE => {
            budget.take_each(rows, 8)?;
            Values::Double(spread_out(doubles::decode(reader, count)?, spread))
        }
        LONG => {
            budget.take_each(rows, 8)?;
            Values::Long(spread_out(integers::decode(reader, count)?, spread))
        }
        BOOLEAN => {
            budget.take(rows)?;
            let bytes = reader.take(count.div_ceil(8))?;
            let truths = (0..count).map(|at| bytes[at / 8] & (1 << (at % 8)) != 0).collect();
            Values::Boolean(spread_out(truths, spread))
        }
        STRING => {
            budget.take_each(rows, 4)?;
            let (mut dictionary, keys) = texts::decode(reader, count, budget)?;
            let keys = spread_out(keys, spread);
            if dictionary.is_empty() && rows > 0 {
                dictionary.push("".into());
            }
            let texts = Texts::from_dictionary(dictionary, keys);
            Values::String(texts.ok_or(CodecError::Malformed { what: "a text is not there" })?)
        }
        _ => return Err(CodecError::Malformed { what: "a column's type is unknown" }),
    };
    Ok(Column::new(name, values, present)?)
}

fn read_name(bytes: &[u8]) -> Result<FieldName, CodecError> {
    let name = std::str::from_utf8(bytes).ok().and_then(|name| name.parse().ok());
    name.ok_or(CodecError::Malformed { what: "a column's name is not a field name" })
}

/// Puts the values of the rows that have one where they belong.
fn spread_out<T: Copy + Default>(values: Vec<T>, present: Option<&Bitmap>) -> Vec<T> {
    let Some(bits) = present else {
        return values;
    };
    let mut values = values.into_iter();
    (0..bits.len())
        .map(|row| if bits.get(row) { values.next().unwrap_or_default() } else { T::default() })
        .collect()
}
