//! What stands in a row: a Python value, as a column will hold it.
//!
//! ```text
//! float, int, bool, str ─▶ the same      None, NaN, NaT, pandas.NA ─▶ missing
//! numpy scalars, Decimal ─▶ the number they are      anything else ─▶ ValueError
//! ```

use iobeam::Reading;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDate, PyDateTime, PyFloat, PyInt, PyString};

use crate::timestamp::{Timestamp, iso_text, micros_of};

/// A value as a question's parameter, in one of the kinds that JSON has: times and dates as ISO texts.
#[pyfunction]
pub(crate) fn parameter(value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    let py = value.py();
    if let Ok(timestamp) = value.cast::<Timestamp>() {
        let micros = timestamp.get().micros;
        return Ok(iso_text(py, micros)?.unbind());
    }
    if value.get_type().name()? == "NaTType" {
        return Ok(py.None());
    }
    if value.is_instance_of::<PyDateTime>() || value.get_type().name()? == "datetime64" {
        return Ok(iso_text(py, micros_of(value)?)?.unbind());
    }
    if value.is_instance_of::<PyDate>() {
        return Ok(value.call_method0("isoformat")?.unbind());
    }
    Cell::read(value, "params")?.to_object(py)
}

/// What a scalar of pyarrow is for Python; `None` for anything else.
pub(crate) fn plain<'py>(value: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let plain = value.call_method0(pyo3::intern!(value.py(), "as_py")).ok()?;
    // What says that it is one of itself would be asked for ever.
    (!plain.get_type().is(value.get_type())).then_some(plain)
}

/// What to give in place of a value of this type.
fn way_out(kind: &str) -> &'static str {
    match kind {
        "timedelta" | "Timedelta" | "timedelta64" => {
            "make it a number of a unit, as its total_seconds()"
        }
        "bytes" | "bytearray" => "decode() it to a str, or make it a number",
        "Period" => "take the moment at which it begins, as its start_time, or give a number",
        "UUID" | "Path" | "PosixPath" | "IPv4Address" | "IPv6Address" => "give str() of it",
        _ => "give a number, a bool, a str, or None for no value",
    }
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Number(f64),
    Integer(i64),
    Boolean(bool),
    Text(Box<str>),
    Missing,
}

impl Cell {
    /// The value of a column's name.
    pub(crate) fn read(value: &Bound<'_, PyAny>, column: &str) -> PyResult<Self> {
        if let Ok(number) = value.cast::<PyFloat>() {
            return Self::number(number.value(), column);
        }
        if value.is_none() {
            return Ok(Self::Missing);
        }
        if let Ok(truth) = value.cast::<PyBool>() {
            return Ok(Self::Boolean(truth.is_true()));
        }
        if value.is_instance_of::<PyInt>() {
            return Self::integer(value, column);
        }
        if let Ok(text) = value.cast::<PyString>() {
            let text = text.to_cow().map_err(|_| {
                PyValueError::new_err(format!("column '{column}': the text is not Unicode"))
            })?;
            return Ok(Self::Text(text.as_ref().into()));
        }
        Self::read_foreign(value, column)
    }

    fn number(number: f64, column: &str) -> PyResult<Self> {
        if number.is_nan() {
            return Ok(Self::Missing);
        }
        if number.is_infinite() {
            return Err(PyValueError::new_err(format!(
                "column '{column}': {number} is no measurement; leave the value out, or give None"
            )));
        }
        Ok(Self::Number(number))
    }

    fn integer(value: &Bound<'_, PyAny>, column: &str) -> PyResult<Self> {
        value.extract().map(Self::Integer).map_err(|_| {
            PyValueError::new_err(format!(
                "column '{column}': {value} does not fit into 64 bits; give it as a float, or as text"
            ))
        })
    }

    /// What is none of Python's own kinds: scalars of numpy and pandas, Decimal and the like.
    fn read_foreign(value: &Bound<'_, PyAny>, column: &str) -> PyResult<Self> {
        let kind = value.get_type().name()?;
        let kind = kind.to_cow()?;
        match kind.as_ref() {
            "NAType" | "NaTType" | "MaskedConstant" => return Ok(Self::Missing),
            // What counts time or has two parts is no number, though it can be made one.
            "datetime64" | "timedelta64" | "Timedelta" | "timedelta" => {
                // numpy's own missing times.
                if value.ne(value)? {
                    return Ok(Self::Missing);
                }
            }
            _ if kind.starts_with("complex") || kind == "clongdouble" => {}
            "float16" | "float32" => {
                let number = value.call_method0(pyo3::intern!(value.py(), "__float__"))?;
                return Self::number(number.extract()?, column);
            }
            "bool" | "bool_" => return Ok(Self::Boolean(value.is_truthy()?)),
            // An array of no dimension is the one value in it.
            "ndarray" => {
                let inner = value.call_method0("tolist")?;
                if !inner.hasattr("__len__")? || inner.is_instance_of::<PyString>() {
                    return Self::read(&inner, column);
                }
            }
            _ => {
                let py = value.py();
                if let Ok(index) = value.call_method0(pyo3::intern!(py, "__index__")) {
                    return Self::integer(&index, column);
                }
                if let Ok(number) = value.call_method0(pyo3::intern!(py, "__float__")) {
                    return Self::precise(value, number.extract()?, column);
                }
                if let Some(plain) = plain(value) {
                    return Self::read(&plain, column);
                }
            }
        }
        Err(PyValueError::new_err(format!(
            "column '{column}': a {kind} is no value; {}",
            way_out(&kind)
        )))
    }

    /// A number that may have more digits than the double nearest to it: Decimal, Fraction, numpy's long double. A
    /// fraction may be rounded, what stands before the point may not.
    fn precise(value: &Bound<'_, PyAny>, nearest: f64, column: &str) -> PyResult<Self> {
        if !nearest.is_finite() || nearest.abs() < (1u64 << 53) as f64 {
            return Self::number(nearest, column);
        }
        let whole = value.call_method0(pyo3::intern!(value.py(), "__int__"));
        if let Ok(whole) = whole
            && value.eq(&whole)?
        {
            return Self::integer(&whole, column);
        }
        Err(PyValueError::new_err(format!(
            "column '{column}': {value} has more digits than a number keeps; give it as a float, or as text"
        )))
    }

    /// The same value for the Rust client.
    pub(crate) fn reading(&self) -> Reading<'_> {
        match self {
            Self::Number(number) => Reading::Number(*number),
            Self::Integer(number) => Reading::Integer(*number),
            Self::Boolean(truth) => Reading::Boolean(*truth),
            Self::Text(text) => Reading::Text(text),
            Self::Missing => Reading::Missing,
        }
    }

    /// The same value for Python.
    pub(crate) fn to_object(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(match self {
            Self::Number(number) => number.into_pyobject(py)?.into_any().unbind(),
            Self::Integer(number) => number.into_pyobject(py)?.into_any().unbind(),
            Self::Boolean(truth) => truth.into_pyobject(py)?.to_owned().into_any().unbind(),
            Self::Text(text) => text.into_pyobject(py)?.into_any().unbind(),
            Self::Missing => py.None(),
        })
    }
}
