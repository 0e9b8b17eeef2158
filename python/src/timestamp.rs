//! `Timestamp`: a whole number and what it counts; and what else Python programs call a time.
//!
//! A number alone is milliseconds, as it always was. A `datetime` must be aware: one without a zone means another
//! moment on each machine, so it is refused with what would be right.

use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pyclass::CompareOp;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDate, PyDateTime, PyDict, PyFloat, PyInt, PyTuple, PyTzInfoAccess};

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Milliseconds,
    Microseconds,
}

impl Unit {
    const fn micros(self) -> i64 {
        match self {
            Self::Seconds => 1_000_000,
            Self::Milliseconds => 1_000,
            Self::Microseconds => 1,
        }
    }

    /// The name of its member of `TimeUnit`.
    const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "SECONDS",
            Self::Milliseconds => "MILLISECONDS",
            Self::Microseconds => "MICROSECONDS",
        }
    }

    /// The unit that a member of `TimeUnit` stands for.
    pub(crate) fn read(unit: &Bound<'_, PyAny>) -> PyResult<Self> {
        let name = unit.getattr(pyo3::intern!(unit.py(), "value"))?;
        let name: String = name.extract()?;
        match name.as_str() {
            "sec" => Ok(Self::Seconds),
            "msec" => Ok(Self::Milliseconds),
            "usec" => Ok(Self::Microseconds),
            _ => Err(PyValueError::new_err(format!("{name:?} is no unit; use a TimeUnit"))),
        }
    }

    /// So many of it since 1970, in microseconds.
    pub(crate) fn to_micros(self, number: i64) -> PyResult<i64> {
        number.checked_mul(self.micros()).ok_or_else(|| beyond(&number))
    }
}

fn beyond(number: &dyn std::fmt::Display) -> PyErr {
    PyValueError::new_err(format!(
        "the timestamp {number} is beyond 64 bits of microseconds; is its unit right?"
    ))
}

/// A moment: a whole number of seconds, milliseconds or microseconds since 1970 UTC.
#[pyclass(frozen, subclass, module = "iobeam.resources.data", weakref)]
pub(crate) struct Timestamp {
    value: i64,
    unit: Unit,
    pub(crate) micros: i64,
}

#[pymethods]
impl Timestamp {
    #[new]
    #[pyo3(signature = (value, unit = None))]
    fn new(value: &Bound<'_, PyAny>, unit: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let unit = match unit {
            None => Unit::Milliseconds,
            Some(unit) => Unit::read(unit).map_err(|_| {
                PyValueError::new_err("the unit must be a TimeUnit, as TimeUnit.SECONDS")
            })?,
        };
        if let Some(micros) = datetime_micros(value)? {
            return Ok(Self { value: micros, unit: Unit::Microseconds, micros });
        }
        let value = whole_number(value)?;
        Ok(Self { value, unit, micros: unit.to_micros(value)? })
    }

    /// The time in milliseconds, rounded down.
    #[pyo3(name = "asMilliseconds")]
    fn as_milliseconds(&self) -> i64 {
        self.micros.div_euclid(1000)
    }

    /// The time in microseconds.
    #[pyo3(name = "asMicroseconds")]
    fn as_microseconds(&self) -> i64 {
        self.micros
    }

    #[pyo3(name = "as_milliseconds")]
    fn as_milliseconds_too(&self) -> i64 {
        self.as_milliseconds()
    }

    #[pyo3(name = "as_microseconds")]
    fn as_microseconds_too(&self) -> i64 {
        self.micros
    }

    fn __richcmp__(&self, other: &Bound<'_, PyAny>, op: CompareOp) -> PyResult<Py<PyAny>> {
        let py = other.py();
        match other.cast::<Self>() {
            Ok(other) => {
                let same = op.matches(self.micros.cmp(&other.get().micros));
                Ok(same.into_pyobject(py)?.to_owned().into_any().unbind())
            }
            Err(_) => Ok(py.NotImplemented()),
        }
    }

    fn __hash__(&self) -> u64 {
        // Spread, as equal hashes of neighbouring times would be slow in sets of them.
        (self.micros as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 1
    }

    fn __repr__(&self) -> String {
        format!("Timestamp({}, unit=TimeUnit.{})", self.value, self.unit.name())
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let (py, stamp) = (slf.py(), slf.get());
        let units = py.import("iobeam.resources.data")?.getattr("TimeUnit")?;
        let unit = units.getattr(stamp.unit.name())?;
        let arguments = PyTuple::new(py, [stamp.value.into_bound_py_any(py)?, unit])?;
        PyTuple::new(py, [slf.get_type().into_any(), arguments.into_any()])
    }
}

const NO_TIME: &str =
    "the timestamp must be an int (milliseconds), a Timestamp, or an aware datetime";

/// A whole number, in whatever form: an `int`, or what says of itself that it is one.
fn whole_number(value: &Bound<'_, PyAny>) -> PyResult<i64> {
    if let Ok(number) = value.cast::<PyInt>() {
        return number.extract().map_err(|_| beyond(number));
    }
    let index = (!value.is_instance_of::<PyFloat>())
        .then(|| value.call_method0(pyo3::intern!(value.py(), "__index__")).ok())
        .flatten();
    match index {
        Some(number) => number.extract().map_err(|_| beyond(&number)),
        None => Err(PyValueError::new_err(NO_TIME)),
    }
}

/// The microseconds of an aware `datetime`; `None` when it is something else.
fn datetime_micros(value: &Bound<'_, PyAny>) -> PyResult<Option<i64>> {
    let name = value.get_type().name()?;
    if name == "datetime64" || name == "NaTType" {
        return Err(PyValueError::new_err(format!(
            "a {name} says no zone; give an aware datetime, as datetime.now(timezone.utc)"
        )));
    }
    let Ok(moment) = value.cast::<PyDateTime>() else { return Ok(None) };
    if !is_aware(moment)? {
        return Err(PyValueError::new_err(format!(
            "the datetime {moment} has no zone, so its moment is not known; give an aware one: \
             datetime.now(timezone.utc), or moment.replace(tzinfo=timezone.utc)"
        )));
    }
    since_epoch(moment).map(Some)
}

fn is_aware(moment: &Bound<'_, PyDateTime>) -> PyResult<bool> {
    Ok(moment.get_tzinfo().is_some() && !moment.call_method0("utcoffset")?.is_none())
}

/// The microseconds of a datetime that is aware.
fn since_epoch(moment: &Bound<'_, PyAny>) -> PyResult<i64> {
    static EPOCH: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static MICROSECOND: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = moment.py();
    let epoch = EPOCH.get_or_try_init(py, || {
        let datetime = py.import("datetime")?;
        let epoch = datetime.getattr("datetime")?.call1((1970, 1, 1, 0, 0, 0, 0, utc(py)?))?;
        Ok::<_, PyErr>(epoch.unbind())
    })?;
    let microsecond = MICROSECOND.get_or_try_init(py, || {
        let delta = py.import("datetime")?.getattr("timedelta")?;
        Ok::<_, PyErr>(delta.call1((0, 0, 1))?.unbind())
    })?;
    let since = moment.call_method1("__sub__", (epoch,))?;
    let micros = since.call_method1("__floordiv__", (microsecond,))?;
    micros.extract()
}

/// A moment as text, with all its digits and its zone.
pub(crate) fn iso_text(py: Python<'_>, micros: i64) -> PyResult<Bound<'_, PyAny>> {
    let datetime = py.import("datetime")?;
    let epoch = datetime.getattr("datetime")?.call1((1970, 1, 1))?;
    let since = datetime.getattr("timedelta")?.call1((0, 0, micros))?;
    let text = epoch.call_method1("__add__", (since,))?.call_method0("isoformat")?;
    text.call_method1("__add__", ("Z",))
}

fn utc(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    py.import("datetime")?.getattr("timezone")?.getattr("utc")
}

/// The microseconds of what was given as a time to `add`.
pub(crate) fn micros_of(value: &Bound<'_, PyAny>) -> PyResult<i64> {
    if let Ok(timestamp) = value.cast::<Timestamp>() {
        return Ok(timestamp.get().micros);
    }
    if !value.is_instance_of::<PyInt>()
        && let Some(micros) = datetime_micros(value)?
    {
        return Ok(micros);
    }
    Unit::Milliseconds.to_micros(whole_number(value)?)
}

/// A time as it stands in a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// Microseconds since 1970, in UTC if it says no zone.
    pub(crate) micros: i64,
    /// Whether it says a zone.
    pub(crate) aware: bool,
}

/// The moment of a datetime, a date, numpy's datetime64 or a `Timestamp`; `None` when it is something else, or no time.
pub(crate) fn moment_of(value: &Bound<'_, PyAny>) -> PyResult<Option<Moment>> {
    const DAY: i64 = 86_400_000_000;
    /// The ordinal of 1970-01-01.
    const EPOCH: i64 = 719_163;
    let py = value.py();
    if let Ok(timestamp) = value.cast::<Timestamp>() {
        return Ok(Some(Moment { micros: timestamp.get().micros, aware: true }));
    }
    // pandas' NaT calls itself a datetime.
    if value.is_instance_of::<PyDateTime>() && value.get_type().name()? != "NaTType" {
        let moment = value.cast::<PyDateTime>()?;
        let aware = is_aware(moment)?;
        let micros = if aware {
            since_epoch(moment)?
        } else {
            let zone = PyDict::new(py);
            zone.set_item("tzinfo", utc(py)?)?;
            since_epoch(&moment.call_method("replace", (), Some(&zone))?)?
        };
        return Ok(Some(Moment { micros, aware }));
    }
    if value.is_instance_of::<PyDate>() && value.get_type().name()? != "NaTType" {
        let day: i64 = value.call_method0("toordinal")?.extract()?;
        return Ok(Some(Moment { micros: (day - EPOCH) * DAY, aware: false }));
    }
    if value.get_type().name()? == "datetime64" {
        let micros = value.call_method1("astype", ("datetime64[us]",))?;
        let micros: i64 = micros.call_method1("astype", ("int64",))?.extract()?;
        return Ok((micros != i64::MIN).then_some(Moment { micros, aware: false }));
    }
    Ok(None)
}
