//! Columns from numpy arrays and from lists.
//!
//! An array's memory is read through its `__array_interface__`, which needs no part of numpy to be linked.

use iobeam_model::{Bitmap, Texts};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::column::{Loose, Numbers, to_micros};
use crate::cell::Cell;

/// numpy's NaT.
const NOT_A_TIME: i64 = i64::MIN;

/// One-dimensional memory of a numpy array. The array must outlive it.
struct Strip {
    start: *const u8,
    step: isize,
    rows: usize,
}

impl Strip {
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

    fn doubles<T: Copy + Into<f64>>(&self) -> Numbers {
        Numbers::Doubles(self.read::<T>().into_iter().map(Into::into).collect())
    }
}

/// The column that a numpy array or a list is. `zoned`: its times are in UTC.
pub(super) fn read(name: &str, values: &Bound<'_, PyAny>, zoned: bool) -> PyResult<Loose> {
    if let Ok(list) = values.cast::<PyList>() {
        return read_list(name, list);
    }
    let interface = values.getattr("__array_interface__").map_err(|_| {
        PyTypeError::new_err(format!("column '{name}' must be a numpy array or a list"))
    })?;
    let interface = interface.cast_into::<PyDict>()?;
    let member = |key: &str| {
        interface.get_item(key)?.ok_or_else(|| {
            PyValueError::new_err(format!("the array of column '{name}' has no {key}"))
        })
    };
    let kind: String = member("typestr")?.extract()?;
    let shape: Vec<usize> = member("shape")?.extract()?;
    let [rows] = shape[..] else {
        return Err(PyValueError::new_err(format!(
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
    let strip = Strip { start: start as *const u8, step, rows: if start == 0 { 0 } else { rows } };
    let numbers = match kind.as_str() {
        "<f8" => Numbers::Doubles(strip.read()),
        "<f4" => strip.doubles::<f32>(),
        "<i8" => Numbers::Longs(strip.read()),
        "<i4" => strip.doubles::<i32>(),
        "<i2" => strip.doubles::<i16>(),
        "|i1" => strip.doubles::<i8>(),
        "<u8" => Numbers::unsigned(&strip.read::<u64>())
            .map_err(|reason| PyValueError::new_err(format!("column '{name}': {reason}")))?,
        "<u4" => strip.doubles::<u32>(),
        "<u2" => strip.doubles::<u16>(),
        "|u1" => strip.doubles::<u8>(),
        "|b1" => {
            return Ok(Loose::Truths(
                strip.read::<u8>().iter().map(|byte| *byte != 0).collect(),
                None,
            ));
        }
        _ if kind.starts_with("<M8") => return read_times(name, &kind, &strip, zoned),
        _ => {
            let list = values.call_method0("tolist")?;
            return read_list(name, list.cast()?);
        }
    };
    Ok(Loose::Numbers(numbers, None))
}

fn read_times(name: &str, kind: &str, strip: &Strip, zoned: bool) -> PyResult<Loose> {
    let unit = match kind {
        "<M8[s]" => 1_000_000,
        "<M8[ms]" => 1_000,
        "<M8[us]" => 1,
        "<M8[ns]" => 0,
        _ => {
            return Err(PyValueError::new_err(format!(
                "column '{name}' counts time in {kind}; use datetime64 in s, ms, us or ns"
            )));
        }
    };
    let times = strip.read::<i64>();
    let mut present = None;
    if times.contains(&NOT_A_TIME) {
        let mut bits = Bitmap::new();
        for time in &times {
            bits.push(*time != NOT_A_TIME);
        }
        present = Some(bits);
    }
    let micros = to_micros(&times, unit, present.as_ref())
        .map_err(|reason| PyValueError::new_err(format!("column '{name}': {reason}")))?;
    Ok(Loose::Times { micros, present, zoned })
}

/// A list of values, each by itself: they must be of one kind.
fn read_list(name: &str, list: &Bound<'_, PyList>) -> PyResult<Loose> {
    let mut cells = Vec::with_capacity(list.len());
    for value in list.iter() {
        cells.push(match crate::timestamp::moment_of(&value)? {
            Some(micros) => Some(Err(micros)),
            None => Some(Cell::read(&value, name)?).filter(|cell| *cell != Cell::Missing).map(Ok),
        });
    }
    let mut present = Bitmap::new();
    for cell in &cells {
        present.push(cell.is_some());
    }
    let Some(first) = cells.iter().flatten().next() else { return Ok(Loose::Nothing) };
    let mixed = || {
        PyValueError::new_err(format!(
            "column '{name}' mixes kinds of values; keep one kind in each column"
        ))
    };
    match first {
        Err(_) => {
            let micros = cells.iter().map(|cell| match cell {
                None => Ok(0),
                Some(Err(micros)) => Ok(*micros),
                Some(Ok(_)) => Err(mixed()),
            });
            Ok(Loose::Times {
                micros: micros.collect::<PyResult<_>>()?,
                present: Some(present),
                zoned: true,
            })
        }
        Ok(Cell::Text(_)) => {
            let mut texts = Texts::new();
            for cell in &cells {
                match cell {
                    None => texts.push_missing(),
                    Some(Ok(Cell::Text(text))) => texts.push(text),
                    Some(_) => return Err(mixed()),
                }
            }
            Ok(Loose::Texts(texts, Some(present)))
        }
        Ok(Cell::Boolean(_)) => {
            let truths = cells.iter().map(|cell| match cell {
                None => Ok(false),
                Some(Ok(Cell::Boolean(truth))) => Ok(*truth),
                Some(_) => Err(mixed()),
            });
            Ok(Loose::Truths(truths.collect::<PyResult<_>>()?, Some(present)))
        }
        Ok(_) => read_numbers(&cells, present, &mixed),
    }
}

type Moment = i64;

fn read_numbers(
    cells: &[Option<Result<Cell, Moment>>],
    present: Bitmap,
    mixed: &dyn Fn() -> PyErr,
) -> PyResult<Loose> {
    let whole =
        |cell: &Option<Result<Cell, Moment>>| matches!(cell, None | Some(Ok(Cell::Integer(_))));
    let numbers = if cells.iter().all(whole) {
        Numbers::Longs(
            cells
                .iter()
                .map(|cell| if let Some(Ok(Cell::Integer(number))) = cell { *number } else { 0 })
                .collect(),
        )
    } else {
        let doubles = cells.iter().map(|cell| match cell {
            None => Ok(0.0),
            Some(Ok(Cell::Number(number))) => Ok(*number),
            Some(Ok(Cell::Integer(number))) => Ok(*number as f64),
            Some(_) => Err(mixed()),
        });
        Numbers::Doubles(doubles.collect::<PyResult<_>>()?)
    };
    Ok(Loose::Numbers(numbers, Some(present)))
}
