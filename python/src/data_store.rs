//! `DataStore`: rows of some columns, collected until they are sent.
//!
//! ```text
//! add(time, {"temperature": 22.5}) ─▶ rows                     (collected here until `send`)
//!                                  └▶ the client's spool        (with `spool=` or `auto_send=`: at once)
//! ```
//!
//! Python objects are read before the lock is taken, and no Python code runs while it is held.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use iobeam::Clock;
use iobeam_model::FieldName;
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};

use crate::cell::Cell;
use crate::failure::failure;
use crate::rows::Rows;
use crate::timestamp::micros_of;

/// The rows of a store, which a client that sends them shares.
pub(crate) struct Shared {
    pub(crate) rows: Mutex<Waiting>,
}

/// Rows that were not acknowledged.
pub(crate) struct Waiting {
    /// Those on their way: the client has them, and sends them again until it hears of them.
    pub(crate) under_way: Option<Arc<Rows>>,
    /// Those that came after.
    pub(crate) rows: Rows,
}

/// Rows of some columns.
#[pyclass(frozen, subclass, dict, module = "iobeam.resources.data", weakref)]
pub(crate) struct DataStore {
    names: Vec<Py<PyString>>,
    fields: Vec<FieldName>,
    pub(crate) shared: Arc<Shared>,
    target: Mutex<Target>,
}

/// Where rows go.
#[derive(Clone)]
enum Target {
    /// They stay here.
    Here,
    /// Into the store of a client with a spool, at once.
    Client(iobeam::DataStore),
    /// Nowhere: that client was closed.
    Closed,
}

const NO_COLUMNS: &str =
    "columns must be a list of at least one name, as [\"temperature\", \"humidity\"]";

/// Reads the names of columns, and refuses what cannot be one.
fn names_of(columns: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<Py<PyString>>> {
    let columns =
        columns.filter(|columns| !columns.is_none() && !columns.is_instance_of::<PyString>());
    let columns = columns.ok_or_else(|| PyValueError::new_err(NO_COLUMNS))?;
    let each = columns.try_iter().map_err(|_| PyValueError::new_err(NO_COLUMNS))?;
    let mut names = Vec::new();
    for name in each {
        let name = name?;
        let name = name.cast::<PyString>().map_err(|_| {
            PyValueError::new_err(format!("{name} is no name of a column; each must be a str"))
        })?;
        names.push(PyString::intern(name.py(), &name.to_cow()?).unbind());
    }
    if names.is_empty() {
        return Err(PyValueError::new_err(NO_COLUMNS));
    }
    Ok(names)
}

pub(crate) fn field_of(name: &str) -> PyResult<FieldName> {
    name.parse().map_err(|error| {
        PyValueError::new_err(format!("the column name {name:?} cannot be used: {error}"))
    })
}

#[pymethods]
impl DataStore {
    #[new]
    #[pyo3(signature = (columns))]
    fn new(py: Python<'_>, columns: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let names = names_of(columns)?;
        let mut fields: Vec<FieldName> = Vec::with_capacity(names.len());
        for name in &names {
            let field = field_of(&name.bind(py).to_cow()?)?;
            if let Some(other) = fields.iter().find(|other| other.is_same_field(&field)) {
                return Err(PyValueError::new_err(if *other == field {
                    format!("the column '{field}' is named twice")
                } else {
                    format!(
                        "the columns '{other}' and '{field}' differ in letter case alone, and are one field; leave one out"
                    )
                }));
            }
            fields.push(field);
        }
        let shared = Shared::of(Rows::new(fields.clone()));
        Ok(Self { names, fields, shared, target: Mutex::new(Target::Here) })
    }

    /// Adds a row: a time, and values by the names of their columns. Columns left out have no value.
    #[expect(non_snake_case, reason = "the name that programs give it by")]
    #[pyo3(signature = (timestamp, dataDict))]
    fn add(
        &self,
        py: Python<'_>,
        timestamp: &Bound<'_, PyAny>,
        dataDict: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let time = micros_of(timestamp)?;
        let mut row = self.read(dataDict)?;
        let target = lock(&self.target).clone();
        match target {
            Target::Here => lock(&self.shared.rows).rows.push(time, &mut row),
            Target::Client(target) => hand_on(py, &target, time, &row),
            Target::Closed => Err(failure(py, &iobeam::Error::Closed)),
        }
    }

    /// Adds a row that was measured now. A client with `clock_from_server` puts its time right before it is sent.
    #[expect(non_snake_case, reason = "the name that programs give it by")]
    #[pyo3(name = "addNow", signature = (dataDict))]
    fn add_now(&self, py: Python<'_>, dataDict: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let mut row = self.read(dataDict)?;
        let target = lock(&self.target).clone();
        match target {
            Target::Here => {
                let now = iobeam::SystemClock::new().now().micros();
                lock(&self.shared.rows).rows.push(now, &mut row)
            }
            Target::Client(target) => {
                let names = self.fields.iter().map(FieldName::as_str);
                let row: Vec<_> = names.zip(row.iter().map(Cell::reading)).collect();
                py.detach(|| target.add_now(row)).map_err(|error| failure(py, &error))
            }
            Target::Closed => Err(failure(py, &iobeam::Error::Closed)),
        }
    }

    /// The same as `addNow`.
    #[expect(non_snake_case, reason = "the name that programs give it by")]
    #[pyo3(name = "add_now", signature = (dataDict))]
    fn add_now_too(&self, py: Python<'_>, dataDict: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        self.add_now(py, dataDict)
    }

    /// The names of the columns, as a new list.
    fn columns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.names.iter().map(|name| name.clone_ref(py)))
    }

    /// The rows, as a new list of dictionaries: `time` in microseconds, and each column.
    fn rows<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let rows = self.shared.all();
        let list = PyList::empty(py);
        for (time, cells) in rows.iter() {
            let row = PyDict::new(py);
            row.set_item(pyo3::intern!(py, "time"), time)?;
            for (name, cell) in self.names.iter().zip(cells) {
                row.set_item(name, cell.to_object(py)?)?;
            }
            list.append(row)?;
        }
        Ok(list)
    }

    /// Forgets all rows. Those that a failed `send` left on their way may still arrive.
    fn clear(&self) {
        let mut waiting = lock(&self.shared.rows);
        waiting.under_way = None;
        waiting.rows.clear();
    }

    /// Whether the store has exactly these columns, in whatever order.
    #[pyo3(name = "hasSameColumns", signature = (cols))]
    fn has_same_columns(&self, py: Python<'_>, cols: Option<&Bound<'_, PyAny>>) -> bool {
        let Ok(others) = names_of(cols) else { return false };
        let text = |name: &Py<PyString>| name.bind(py).to_string();
        let mut others: Vec<_> = others.iter().map(text).collect();
        let mut own: Vec<_> = self.names.iter().map(text).collect();
        others.sort();
        own.sort();
        own == others
    }

    /// The same as `hasSameColumns`.
    #[pyo3(name = "has_same_columns", signature = (cols))]
    fn has_same_columns_too(&self, py: Python<'_>, cols: Option<&Bound<'_, PyAny>>) -> bool {
        self.has_same_columns(py, cols)
    }

    /// Stores with the same columns and at most `rows` rows each, which together hold what this one holds.
    fn split(slf: &Bound<'_, Self>, rows: usize) -> PyResult<Vec<Py<Self>>> {
        if rows == 0 {
            return Err(PyValueError::new_err("a part must hold at least one row"));
        }
        let store = slf.get();
        let all = store.shared.all();
        let starts = (0..all.len()).step_by(rows);
        starts
            .map(|from| {
                let names = store.names.iter().map(|name| name.clone_ref(slf.py())).collect();
                let part = Self {
                    names,
                    fields: store.fields.clone(),
                    shared: Shared::of(all.part(from, rows)),
                    target: Mutex::new(Target::Here),
                };
                Py::new(slf.py(), part)
            })
            .collect()
    }

    /// Rows times columns.
    fn __len__(&self) -> usize {
        self.shared.len() * self.names.len()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("<DataStore {} with {} rows>", self.columns(py)?, self.shared.len()))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let (py, store) = (slf.py(), slf.get());
        let arguments = PyTuple::new(py, [store.columns(py)?])?;
        let rows = store.rows(py)?;
        PyTuple::new(
            py,
            [slf.get_type().into_bound_py_any(py)?, arguments.into_any(), rows.into_any()],
        )
    }

    fn __setstate__(&self, rows: &Bound<'_, PyList>) -> PyResult<()> {
        for row in rows {
            let row = row.cast_into::<PyDict>()?.copy()?;
            let time = row.get_item("time")?.map_or(Ok(0), |time| time.extract())?;
            row.del_item("time")?;
            let mut cells = self.read(Some(row.as_any()))?;
            lock(&self.shared.rows).rows.push(time, &mut cells)?;
        }
        Ok(())
    }
}

impl DataStore {
    /// The names of the columns.
    pub(crate) fn fields(&self) -> &[FieldName] {
        &self.fields
    }

    /// Rows go into that store from now on, as do those that are here already.
    pub(crate) fn attach(&self, py: Python<'_>, target: iobeam::DataStore) -> PyResult<()> {
        let mut rows = lock(&self.shared.rows).rows.take();
        while rows.len() > 0 {
            let first = rows.take_first(1);
            let handed = first.iter().try_for_each(|(time, row)| hand_on(py, &target, time, row));
            if let Err(error) = handed {
                // Those that were not taken are still here.
                rows.prepend(first);
                lock(&self.shared.rows).rows.prepend(rows);
                return Err(error);
            }
        }
        *lock(&self.target) = Target::Client(target);
        Ok(())
    }

    /// Rows are refused from now on.
    pub(crate) fn close(&self) {
        *lock(&self.target) = Target::Closed;
    }

    /// The cells of a row, in the order of the columns.
    fn read(&self, given: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<Cell>> {
        let empty = || {
            PyValueError::new_err(format!(
                "the row has no value; give at least one of {}",
                self.listed()
            ))
        };
        let given = given.ok_or_else(empty)?;
        let Ok(given) = given.cast::<PyDict>() else {
            // Other mappings, such as a row of a csv.DictReader of old or a MappingProxy.
            let dict = PyDict::new(given.py());
            let mapping = given.cast::<pyo3::types::PyMapping>().map_err(|_| empty())?;
            dict.update(mapping)?;
            return self.read(Some(dict.as_any()));
        };
        if given.is_empty() {
            return Err(empty());
        }
        let py = given.py();
        let mut found = 0;
        let mut cells = Vec::with_capacity(self.names.len());
        for (name, field) in self.names.iter().zip(&self.fields) {
            cells.push(match given.get_item(name.bind(py))? {
                Some(value) => {
                    found += 1;
                    Cell::read(&value, field.as_str())?
                }
                None => Cell::Missing,
            });
        }
        if found < given.len() {
            return Err(self.unknown(given));
        }
        Ok(cells)
    }

    fn unknown(&self, given: &Bound<'_, PyDict>) -> PyErr {
        let known =
            |key: &Bound<'_, PyAny>| self.names.iter().any(|name| key.eq(name).unwrap_or(false));
        let keys = given.keys();
        let stranger = keys.iter().find(|key| !known(key));
        let stranger = stranger
            .and_then(|key| key.repr().ok())
            .map_or_else(String::new, |key| key.to_string());
        PyValueError::new_err(format!(
            "the store has no column {stranger}; it has {}",
            self.listed()
        ))
    }

    fn listed(&self) -> String {
        let names: Vec<_> = self.fields.iter().map(FieldName::as_str).collect();
        names.join(", ")
    }
}

/// Puts a row into a client's store, without the interpreter: its disk may have to be waited for.
fn hand_on(py: Python<'_>, target: &iobeam::DataStore, time: i64, row: &[Cell]) -> PyResult<()> {
    let readings: Vec<_> = row.iter().map(Cell::reading).collect();
    let time = iobeam::Timestamp::from_micros(time);
    py.detach(|| target.add_row(time, &readings)).map_err(|error| failure(py, &error))
}

impl Shared {
    fn of(rows: Rows) -> Arc<Self> {
        Arc::new(Self { rows: Mutex::new(Waiting { under_way: None, rows }) })
    }

    fn len(&self) -> usize {
        let waiting = lock(&self.rows);
        waiting.rows.len() + waiting.under_way.as_ref().map_or(0, |rows| rows.len())
    }

    /// All rows, those on their way first.
    fn all(&self) -> Rows {
        let waiting = lock(&self.rows);
        let mut all = waiting.rows.clone();
        if let Some(under_way) = &waiting.under_way {
            all.prepend(Rows::clone(under_way));
        }
        all
    }
}

/// A lock that a panic elsewhere does not take away.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
