//! Columns from numpy arrays, from lists, and from arrays that speak Arrow.
//!
//! An array's memory is read through its `__array_interface__`, which needs no part of numpy to be linked.

use iobeam_model::{Bitmap, Texts};
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::column::{Loose, Numbers, mixed, to_micros, unsigned};
use super::half::double_of_half;
use crate::cell::{Cell, plain};
use crate::failure::{column_error, column_type_error};
use crate::timestamp::{Moment, moment_of};

/// numpy's NaT.
const NOT_A_TIME: i64 = i64::MIN;

const MINUTE: i64 = 60_000_000;

/// One-dimensional memory of a numpy array. The array must outlive it.
struct Strip {
    start: *const u8,
    step: isize,
    rows: usize,
    /// numpy's name of what it holds.
    kind: String,
}

impl Strip {
    /// The memory of an array; `None` when it says nothing of it.
    fn of(name: &str, values: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        let Ok(interface) = values.getattr("__array_interface__") else { return Ok(None) };
        let interface = interface.cast_into::<PyDict>()?;
        let member = |key: &str| {
            interface
                .get_item(key)?
                .ok_or_else(|| column_error(&format!("the array of column '{name}' has no {key}")))
        };
        let kind: String = member("typestr")?.extract()?;
        let shape: Vec<usize> = member("shape")?.extract()?;
        let [rows] = shape[..] else {
            return Err(column_error(&format!(
                "column '{name}' has {} dimensions; each column must have one",
                shape.len()
            )));
        };
        let (start, _): (usize, bool) = member("data")?.extract()?;
        let width: isize = kind.get(2..3).and_then(|width| width.parse().ok()).unwrap_or(8);
        let strides = interface.get_item("strides")?.filter(|strides| !strides.is_none());
        let step = match strides {
            Some(strides) => strides.extract::<(isize,)>()?.0,
            None => width,
        };
        let rows = if start == 0 { 0 } else { rows };
        Ok(Some(Self { start: start as *const u8, step, rows, kind }))
    }

    fn read<T: Copy>(&self) -> Vec<T> {
        // SAFETY: numpy says that this is where `rows` values of that size are, `step` bytes apart.
        unsafe {
            if self.step == size_of::<T>() as isize && self.start.cast::<T>().is_aligned() {
                return std::slice::from_raw_parts(self.start.cast::<T>(), self.rows).to_vec();
            }
            (0..self.rows)
                .map(|row| self.start.offset(row as isize * self.step).cast::<T>().read_unaligned())
                .collect()
        }
    }

    fn longs<T: Copy + Into<i64>>(&self) -> Numbers {
        Numbers::Longs(self.read::<T>().into_iter().map(Into::into).collect())
    }
}

/// The column that an array or a list is. `missing`: an array of bools that are true where a value is missing.
/// `zoned`: its times are in UTC.
pub(super) fn read(
    name: &str,
    values: &Bound<'_, PyAny>,
    missing: Option<&Bound<'_, PyAny>>,
    zoned: bool,
) -> PyResult<Loose> {
    let py = values.py();
    read_values(name, values, missing, zoned).map_err(|error| {
        // Errors of other libraries are told with the column; what ends the program is not ours to tell.
        let is_ours = error.is_instance_of::<PyValueError>(py);
        if is_ours || !error.is_instance_of::<PyException>(py) {
            return error;
        }
        let kind = values.get_type().name().map_or_else(|_| String::new(), |kind| kind.to_string());
        column_type_error(&format!(
            "column '{name}': a {kind} cannot be read ({}); make it a list, or an array of numbers, bools, strings or \
             times",
            error.value(py)
        ))
    })
}

fn read_values(
    name: &str,
    values: &Bound<'_, PyAny>,
    missing: Option<&Bound<'_, PyAny>>,
    zoned: bool,
) -> PyResult<Loose> {
    let present = present_of(name, missing)?;
    if let Ok(list) = values.cast::<PyList>() {
        return read_list(name, list, present.as_ref());
    }
    if let Some(column) = super::arrow::column(name, values)? {
        return Ok(column);
    }
    let strip = Strip::of(name, values)?.ok_or_else(|| {
        column_error(&format!("column '{name}' must be a numpy array, an Arrow array or a list"))
    })?;
    if strip.kind.starts_with('>') {
        let kind = values.getattr("dtype")?.call_method1("newbyteorder", ("=",))?;
        return read_values(name, &values.call_method1("astype", (kind,))?, missing, zoned);
    }
    let read = read_strip(name, &strip, present.clone(), zoned);
    match read.map_err(|reason| column_error(&format!("column '{name}': {reason}")))? {
        Some(column) => Ok(column),
        None => read_list(name, values.call_method0("tolist")?.cast()?, present.as_ref()),
    }
}

/// Which rows have a value, by an array that says which have none.
fn present_of(name: &str, missing: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Bitmap>> {
    let Some(missing) = missing else { return Ok(None) };
    Ok(Strip::of(name, missing)?.map(|strip| {
        let mut bits = Bitmap::new();
        strip.read::<u8>().iter().for_each(|missing| bits.push(*missing == 0));
        bits
    }))
}

/// What the memory holds; `None` when it holds objects or texts, which are read one by one.
fn read_strip(
    name: &str,
    strip: &Strip,
    present: Option<Bitmap>,
    zoned: bool,
) -> Result<Option<Loose>, String> {
    let numbers = match strip.kind.as_str() {
        "<f8" => Numbers::Doubles(strip.read()),
        "<f4" => Numbers::Doubles(strip.read::<f32>().into_iter().map(Into::into).collect()),
        "<f2" => Numbers::Doubles(strip.read().into_iter().map(double_of_half).collect()),
        "<i8" => Numbers::Longs(strip.read()),
        "<i4" => strip.longs::<i32>(),
        "<i2" => strip.longs::<i16>(),
        "|i1" => strip.longs::<i8>(),
        "<u8" => unsigned(&strip.read::<u64>(), present.as_ref())?,
        "<u4" => strip.longs::<u32>(),
        "<u2" => strip.longs::<u16>(),
        "|u1" => strip.longs::<u8>(),
        "|b1" => {
            let truths = strip.read::<u8>().iter().map(|byte| *byte != 0).collect();
            return Ok(Some(Loose::Truths(truths, present)));
        }
        kind if kind.starts_with("<M8") => {
            return read_times(strip, present.as_ref(), zoned).map(Some);
        }
        kind if kind.starts_with("<m8") => {
            return Err(format!(
                "durations are no values; make it a number of a unit, as {name} / numpy.timedelta64(1, \"s\")"
            ));
        }
        kind if kind.get(1..2) == Some("c") => {
            return Err("complex numbers are no values; give two columns".to_owned());
        }
        _ => return Ok(None),
    };
    Ok(Some(Loose::Numbers(numbers, present)))
}

fn read_times(strip: &Strip, present: Option<&Bitmap>, zoned: bool) -> Result<Loose, String> {
    let unit = match strip.kind.as_str() {
        "<M8[W]" => 7 * 24 * 60 * MINUTE,
        "<M8[D]" => 24 * 60 * MINUTE,
        "<M8[h]" => 60 * MINUTE,
        "<M8[m]" => MINUTE,
        "<M8[s]" => 1_000_000,
        "<M8[ms]" => 1_000,
        "<M8[us]" => 1,
        "<M8[ns]" => 0,
        kind => {
            return Err(format!(
                "it counts time in {kind}; use datetime64 in D, h, m, s, ms, us or ns"
            ));
        }
    };
    let times = strip.read::<i64>();
    let mut bits = Bitmap::new();
    for (row, time) in times.iter().enumerate() {
        bits.push(*time != NOT_A_TIME && super::column::has(present, row));
    }
    let present = Some(bits).filter(|bits| !bits.all());
    let micros = to_micros(&times, unit, present.as_ref())?;
    Ok(Loose::Times { micros, present, zoned })
}

/// What stands in a list.
enum Item {
    Missing,
    Value(Cell),
    Time(Moment),
}

fn item_of(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Item> {
    if let Some(moment) = moment_of(value)? {
        return Ok(Item::Time(moment));
    }
    match Cell::read(value, name) {
        Ok(Cell::Missing) => Ok(Item::Missing),
        Ok(cell) => Ok(Item::Value(cell)),
        // A scalar of pyarrow may be a time.
        Err(wrong) => match plain(value).map(|plain| moment_of(&plain)) {
            Some(Ok(Some(moment))) => Ok(Item::Time(moment)),
            _ => Err(wrong),
        },
    }
}

/// A list of values, each by itself: they must be of one kind.
fn read_list(name: &str, list: &Bound<'_, PyList>, given: Option<&Bitmap>) -> PyResult<Loose> {
    let mut items = Vec::with_capacity(list.len());
    for (row, value) in list.iter().enumerate() {
        items.push(if super::column::has(given, row) {
            item_of(name, &value)?
        } else {
            Item::Missing
        });
    }
    let mut present = Bitmap::new();
    items.iter().for_each(|item| present.push(!matches!(item, Item::Missing)));
    let some = |item: &&Item| !matches!(item, Item::Missing);
    let Some(first) = items.iter().find(some) else { return Ok(Loose::Nothing(items.len())) };
    let is_number = |item: &Item| matches!(item, Item::Value(Cell::Number(_) | Cell::Integer(_)));
    let alike = |item: &Item| match (first, item) {
        (_, Item::Missing) | (Item::Time(_), Item::Time(_)) => true,
        (Item::Value(Cell::Text(_)), Item::Value(Cell::Text(_)))
        | (Item::Value(Cell::Boolean(_)), Item::Value(Cell::Boolean(_))) => true,
        (first, item) => is_number(first) && is_number(item),
    };
    if let Some(row) = items.iter().position(|item| !alike(item)) {
        return Err(column_error(&format!(
            "column '{name}' mixes kinds of values, in row {row}; keep one kind in each column"
        )));
    }
    column_of(&items, first, present)
        .map_err(|reason| column_error(&format!("column '{name}': {reason}")))
}

/// The column of items that are alike.
fn column_of(items: &[Item], first: &Item, present: Bitmap) -> Result<Loose, String> {
    let present = Some(present).filter(|bits| !bits.all());
    Ok(match first {
        Item::Time(_) => {
            let micros = |item: &Item| if let Item::Time(time) = item { time.micros } else { 0 };
            let aware = |item: &Item| !matches!(item, Item::Time(Moment { aware: false, .. }));
            let zoned = items.iter().all(aware);
            Loose::Times { micros: items.iter().map(micros).collect(), present, zoned }
        }
        Item::Value(Cell::Text(_)) => {
            let mut texts = Texts::new();
            for item in items {
                match item {
                    Item::Value(Cell::Text(text)) => texts.push(text),
                    _ => texts.push_missing(),
                }
            }
            Loose::Texts(texts, present)
        }
        Item::Value(Cell::Boolean(_)) => {
            let truth = |item: &Item| matches!(item, Item::Value(Cell::Boolean(true)));
            Loose::Truths(items.iter().map(truth).collect(), present)
        }
        _ => {
            let number = |item: &Item| match item {
                Item::Value(Cell::Integer(number)) => Some(Ok(*number)),
                Item::Value(Cell::Number(number)) => Some(Err(*number)),
                _ => None,
            };
            Loose::Numbers(mixed(items.iter().map(number))?, present)
        }
    })
}
