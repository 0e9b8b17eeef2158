//! Rows as they were written, and their way into a batch once the types of the fields are known.
//!
//! ```text
//! LooseTable { times, columns: [LooseColumn] } ─ types: FieldName → DOUBLE │ LONG │ BOOLEAN │ STRING │ unknown ─▶ Batch
//! ```
//!
//! The type of an unknown field is what was observed; numbers are `DOUBLE`, written 50 or 50.0. A column without a
//! single value says nothing about its type and is left out.

use std::collections::HashMap;

use iobeam_model::{Batch, Column, FieldName, FieldType, NamespaceName, TimeFormat, Values};

use super::cells::{Cells, EXACT, Found, Kept, Observed};
use super::place::{Place, Section};
use crate::error::ImportError;

/// Rows of one table or one series.
#[derive(Debug)]
pub struct LooseTable {
    pub(super) times: Vec<i64>,
    pub(super) columns: Vec<LooseColumn>,
}

/// One field's values as they were written.
#[derive(Debug)]
pub struct LooseColumn {
    pub(super) section: Section,
    pub(super) name: FieldName,
    /// Where it stands in a row.
    pub(super) at: usize,
    pub(super) cells: Cells,
}

impl LooseTable {
    /// The time of each row: microseconds since 1970 UTC.
    pub fn times(&self) -> &[i64] {
        &self.times
    }

    /// The columns beside the time.
    pub fn columns(&self) -> &[LooseColumn] {
        &self.columns
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.times.len()
    }

    /// Gives fields other names: those that are a key get its value.
    pub fn rename(&mut self, names: &HashMap<FieldName, FieldName>) {
        for column in &mut self.columns {
            if let Some(name) = names.get(&column.name) {
                column.name = name.clone();
            }
        }
    }

    /// Makes a batch of it: `extra` columns first, such as the device's id, then those of the table, each of the type
    /// that `types` tells or, where it tells none, of the type that was observed.
    ///
    /// # Errors
    /// When a value does not fit its field's type, values of several kinds stand in one column, or an extra column
    /// has the name of one in the table.
    pub fn into_batch(
        self,
        namespace: NamespaceName,
        types: &dyn Fn(&FieldName) -> Option<FieldType>,
        extra: Vec<Column>,
    ) -> Result<Batch, ImportError> {
        let mut columns = extra;
        for column in self.columns {
            let wanted = types(&column.name);
            columns.extend(column.into_column(wanted)?);
        }
        Ok(Batch::new(namespace, self.times, columns)?)
    }
}

impl LooseColumn {
    /// The field's name.
    pub fn name(&self) -> &FieldName {
        &self.name
    }

    /// What stands in it.
    pub fn observed(&self) -> Observed {
        self.cells.observed()
    }

    /// The type it would make a new field have; `None` when it holds nothing.
    ///
    /// # Errors
    /// When what it holds fits no type, or only one that a field must be declared to have.
    pub fn natural_type(&self) -> Result<Option<FieldType>, ImportError> {
        let kind = self.kind();
        if let Some(kind) = kind {
            self.check(kind)?;
        }
        Ok(kind)
    }

    /// The type of the first value; numbers are `DOUBLE`.
    fn kind(&self) -> Option<FieldType> {
        match self.cells.kept {
            Kept::Nothing => None,
            Kept::Numbers(_) | Kept::Moments(_) => Some(FieldType::Double),
            Kept::Truths(_) => Some(FieldType::Boolean),
            Kept::Texts(_) => Some(FieldType::String),
        }
    }

    /// The column with that type, or with the one that was observed; `None` when there is no value in it.
    ///
    /// # Errors
    /// When a value does not fit.
    pub fn into_column(self, wanted: Option<FieldType>) -> Result<Option<Column>, ImportError> {
        let Some(kind) = wanted.or(self.kind()) else {
            return Ok(None);
        };
        self.check(kind)?;
        let values = match self.cells.kept {
            Kept::Nothing | Kept::Moments(_) => return Ok(None),
            Kept::Numbers(numbers) if kind == FieldType::Long => {
                let mut exact: Vec<i64> = numbers.into_iter().map(|number| number as i64).collect();
                for (row, integer) in self.cells.large {
                    exact[row] = integer as i64;
                }
                Values::Long(exact)
            }
            Kept::Numbers(numbers) => Values::Double(numbers),
            Kept::Truths(truths) => Values::Boolean(truths),
            Kept::Texts(texts) => Values::String(texts),
        };
        Ok(Some(Column::new(self.name, values, self.cells.present)?))
    }

    /// Whether each value fits the type. The first that does not is named.
    fn check(&self, expected: FieldType) -> Result<(), ImportError> {
        let cells = &self.cells;
        let misfit = match (&cells.kept, expected) {
            (Kept::Nothing, _)
            | (Kept::Truths(_), FieldType::Boolean)
            | (Kept::Texts(_), FieldType::String) => None,
            (Kept::Numbers(_), FieldType::Double) => {
                let clash = cells.clash.as_ref().map_or(usize::MAX, |(row, _)| *row);
                match cells.large.first() {
                    Some((row, integer)) if *row < clash => {
                        return Err(self.inexact(*row, *integer));
                    }
                    _ => None,
                }
            }
            (Kept::Numbers(numbers), FieldType::Long) => {
                (0..numbers.len()).find(|row| cells.found(*row).is_some_and(|it| !is_long(&it)))
            }
            _ => (0..cells.rows).find(|row| cells.is_present(*row)),
        };
        let clash = cells.clash.as_ref().map(|(row, _)| *row);
        match misfit.into_iter().chain(clash).min() {
            Some(row) => Err(self.misfit(row, expected)),
            None => Ok(()),
        }
    }

    fn misfit(&self, row: usize, expected: FieldType) -> ImportError {
        ImportError::Type {
            place: Place::Cell(self.section, row, self.at).to_string(),
            row,
            field: self.name.clone(),
            value: self.cells.found(row).map_or_else(String::new, |found| found.to_string()),
            expected,
        }
    }

    fn inexact(&self, row: usize, integer: i128) -> ImportError {
        ImportError::Inexact {
            place: Place::Cell(self.section, row, self.at).to_string(),
            row,
            field: self.name.clone(),
            value: integer.to_string(),
        }
    }
}

fn is_long(found: &Found) -> bool {
    match found {
        Found::Number(number) => number.fract() == 0.0 && number.abs() <= EXACT as f64,
        Found::Integer(integer) => i64::try_from(*integer).is_ok(),
        _ => false,
    }
}

/// Turns the cells of the time column into microseconds.
pub(super) fn times(
    cells: &Cells,
    section: Section,
    at: usize,
    format: TimeFormat,
) -> Result<Vec<i64>, ImportError> {
    let time = |row| {
        let found = cells.found(row);
        micros(found.as_ref(), format).map_err(|reason| ImportError::Time {
            place: Place::Cell(section, row, at).to_string(),
            value: found.map_or_else(|| "null".to_owned(), |found| found.to_string()),
            reason,
        })
    };
    // A clash stands behind the last row that was kept.
    let rows = cells.rows + usize::from(cells.clash.is_some());
    (0..rows).map(time).collect()
}

fn micros(found: Option<&Found>, format: TimeFormat) -> Result<i64, &'static str> {
    const BEYOND: &str = "lies beyond the years that can be stored";
    match found {
        None => Err("is no time; each row needs one"),
        Some(Found::Moment(micros)) if format == TimeFormat::Timeval => Ok(*micros),
        Some(Found::Moment(_)) => Err("needs \"timefmt\":\"timeval\" in the body"),
        Some(Found::Text(text)) if format == TimeFormat::Iso => {
            let time = iobeam_model::Timestamp::from_iso(text);
            time.map(iobeam_model::Timestamp::micros).ok_or(
                "is no time; send an ISO 8601 time with its zone, such as 2026-01-01T00:00:00Z",
            )
        }
        Some(_) if format == TimeFormat::Iso => Err(
            "is no ISO 8601 time; send text such as \"2026-01-01T00:00:00Z\" or another timefmt",
        ),
        Some(Found::Number(_) | Found::Integer(_)) if format == TimeFormat::Timeval => {
            Err("is no timeval; send {\"sec\":1,\"usec\":2} or another timefmt")
        }
        Some(Found::Number(number)) if number.fract() == 0.0 && number.abs() <= EXACT as f64 => {
            format.to_timestamp(*number as i64).map(iobeam_model::Timestamp::micros).ok_or(BEYOND)
        }
        Some(Found::Number(number)) if number.fract() == 0.0 => Err(BEYOND),
        Some(Found::Integer(integer)) => i64::try_from(*integer)
            .ok()
            .and_then(|number| format.to_timestamp(number))
            .map(iobeam_model::Timestamp::micros)
            .ok_or(BEYOND),
        Some(_) => {
            Err("is no time; send a whole number of sec, msec (default) or usec, as 'timefmt' says")
        }
    }
}
