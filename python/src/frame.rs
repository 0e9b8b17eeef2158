//! Whole tables in, at the speed of their memory: from pandas, polars, pyarrow, or a dictionary of numpy arrays.
//!
//! ```text
//! __arrow_c_stream__ (polars, pyarrow, …) ─▶ arrow  ┐
//! numpy arrays, lists (pandas, dict)      ─▶ memory ┴─▶ column ─▶ batches of the model
//! ```
//!
//! A table is read to its end before any of it is stored: what cannot be stored is refused as a whole, and what kind of
//! numbers a column holds is decided for all of its rows. Only of a stream of unknown length each part is a batch.

mod memory;

mod arrow;

mod column;

mod half;

use iobeam_model::{Batch, Column, FieldName, NamespaceName, Texts, Values};
use pyo3::prelude::*;

use crate::data_store::field_of;
use crate::failure::column_error;
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

/// A named array or list; an array of bools that are true where it has no value; and whether its times are in UTC.
pub(crate) type Named<'py> = (String, Bound<'py, PyAny>, Option<Bound<'py, PyAny>>, bool);

/// The batches of a table, one after the other.
pub(crate) enum Frame {
    /// `whole`: all parts are one batch.
    Arrow {
        parts: Box<arrow::Parts>,
        whole: bool,
    },
    Memory(Option<(Vec<String>, Vec<Loose>)>),
}

impl Frame {
    /// A table that speaks Arrow.
    pub(crate) fn arrow(frame: &Bound<'_, PyAny>, whole: bool) -> PyResult<Self> {
        let parts = Box::new(arrow::Parts::of(frame)?);
        distinct(parts.names())?;
        Ok(Self::Arrow { parts, whole })
    }

    /// A table of named arrays or lists.
    pub(crate) fn memory(columns: &[Named<'_>]) -> PyResult<Self> {
        let names: Vec<_> = columns.iter().map(|(name, ..)| name.clone()).collect();
        distinct(&names)?;
        let loose = columns.iter().map(|(name, values, missing, zoned)| {
            memory::read(name, values, missing.as_ref(), *zoned)
        });
        Ok(Self::Memory(Some((names, loose.collect::<PyResult<_>>()?))))
    }

    /// What its columns are called.
    pub(crate) fn names(&self) -> Vec<String> {
        match self {
            Self::Memory(held) => held.as_ref().map_or_else(Vec::new, |(names, _)| names.clone()),
            Self::Arrow { parts, .. } => parts.names().to_vec(),
        }
    }

    /// The next part of it as a batch; `None` after the last.
    pub(crate) fn next(&mut self, wanted: &Wanted) -> PyResult<Option<Batch>> {
        let (names, columns) = match self {
            Self::Memory(held) => match held.take() {
                Some(held) => held,
                None => return Ok(None),
            },
            Self::Arrow { parts, whole } => {
                let Some(mut columns) = parts.next()? else { return Ok(None) };
                while *whole && let Some(more) = parts.next()? {
                    let pairs = columns.into_iter().zip(more).zip(parts.names());
                    let joined = pairs.map(|((column, below), name)| {
                        let joined = column.append(below);
                        joined.map_err(|reason| column_error(&format!("column '{name}': {reason}")))
                    });
                    columns = joined.collect::<PyResult<_>>()?;
                }
                (parts.names().to_vec(), columns)
            }
        };
        wanted.batch(names, columns).map(Some)
    }
}

/// Refuses names of which nobody could tell which column is meant.
fn distinct(names: &[String]) -> PyResult<()> {
    for (at, name) in names.iter().enumerate() {
        let Some(other) = names[..at].iter().find(|other| other.eq_ignore_ascii_case(name)) else {
            continue;
        };
        return Err(column_error(&if other == name {
            format!("the frame has two columns '{name}'; rename one, or leave it out")
        } else {
            format!(
                "the columns '{other}' and '{name}' differ in letter case alone, and are one field; rename one, or \
                 leave it out"
            )
        }));
    }
    Ok(())
}

impl Wanted {
    fn batch(&self, names: Vec<String>, columns: Vec<Loose>) -> PyResult<Batch> {
        let listed = names.join(", ");
        let missing = |name: &str| {
            column_error(&format!("the frame has no column '{name}'; it has {listed}"))
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
                    column_error(&format!(
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
    column_error(&error.to_string())
}
