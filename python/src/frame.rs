//! Whole tables in, at the speed of their memory: from pandas, polars, pyarrow, or a dictionary of numpy arrays.
//!
//! ```text
//! __arrow_c_stream__ (polars, pyarrow, …) ─▶ arrow  ┐
//! numpy arrays, lists (pandas, dict)      ─▶ memory ┴─▶ column ─▶ batches of the model
//! ```

mod arrow;

mod memory;

mod column;

use iobeam_model::{Batch, Column, FieldName, NamespaceName, Texts, Values};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::data_store::field_of;
use crate::timestamp::Unit;
use column::Loose;

/// What a table is to become.
pub(crate) struct Wanted {
    pub(crate) time: String,
    pub(crate) unit: Option<Unit>,
    /// Times that say no zone are in UTC.
    pub(crate) utc: bool,
    pub(crate) namespace: NamespaceName,
    /// The device of all rows.
    pub(crate) device: Option<String>,
    /// The column that names the device of each row.
    pub(crate) device_column: Option<String>,
    /// The columns to store, if not all.
    pub(crate) columns: Option<Vec<String>>,
}

/// The batches of a table, one after the other.
pub(crate) enum Frame {
    Arrow(Box<arrow::Parts>),
    Memory(Option<(Vec<String>, Vec<Loose>)>),
}

impl Frame {
    /// A table that speaks Arrow.
    pub(crate) fn arrow(frame: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self::Arrow(Box::new(arrow::Parts::of(frame)?)))
    }

    /// A table of named arrays or lists. `zoned`: the columns whose times are in UTC.
    pub(crate) fn memory(columns: &[(String, Bound<'_, PyAny>, bool)]) -> PyResult<Self> {
        let names = columns.iter().map(|(name, ..)| name.clone()).collect();
        let loose = columns.iter().map(|(name, values, zoned)| memory::read(name, values, *zoned));
        Ok(Self::Memory(Some((names, loose.collect::<PyResult<_>>()?))))
    }

    /// What its columns are called.
    pub(crate) fn names(&self) -> Vec<String> {
        match self {
            Self::Memory(held) => held.as_ref().map_or_else(Vec::new, |(names, _)| names.clone()),
            Self::Arrow(parts) => parts.names().to_vec(),
        }
    }

    /// The next part of it as a batch; `None` after the last.
    pub(crate) fn next(&mut self, wanted: &Wanted) -> PyResult<Option<Batch>> {
        let (names, columns) = match self {
            Self::Memory(held) => match held.take() {
                Some(held) => held,
                None => return Ok(None),
            },
            Self::Arrow(parts) => match parts.next()? {
                Some(columns) => (parts.names().to_vec(), columns),
                None => return Ok(None),
            },
        };
        wanted.batch(names, columns).map(Some)
    }
}

impl Wanted {
    fn batch(&self, names: Vec<String>, columns: Vec<Loose>) -> PyResult<Batch> {
        let listed = names.join(", ");
        let missing = |name: &str| {
            PyValueError::new_err(format!("the frame has no column '{name}'; it has {listed}"))
        };
        for name in self.columns.iter().flatten().chain(&self.device_column).chain([&self.time]) {
            if !names.contains(name) {
                return Err(missing(name));
            }
        }
        let (mut times, mut fields) = (Vec::new(), Vec::new());
        for (name, column) in names.into_iter().zip(columns) {
            if name == self.time {
                times = column.times(&name, self.unit, self.utc)?;
            } else if self.device_column.as_ref() == Some(&name) {
                let column = column.field(&FieldName::device_id())?;
                let column = column.filter(|column| column.present().is_none());
                let texts = column.filter(|column| matches!(column.values(), Values::String(_)));
                fields.push(texts.ok_or_else(|| {
                    PyValueError::new_err(format!(
                        "column '{name}' must name a device, as text, in each row"
                    ))
                })?);
            } else if self.columns.as_ref().is_none_or(|wanted| wanted.contains(&name)) {
                fields.extend(column.field(&field_of(&name)?)?);
            }
        }
        if let Some(device) = &self.device {
            let texts = Values::String(Texts::constant(device, times.len()));
            fields.push(Column::new(FieldName::device_id(), texts, None).map_err(wrong)?);
        }
        Batch::new(self.namespace.clone(), times, fields).map_err(wrong)
    }
}

fn wrong(error: iobeam_model::BatchError) -> PyErr {
    PyValueError::new_err(error.to_string())
}
