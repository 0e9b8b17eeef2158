//! The rows of a store that were added and not yet handed on.
//!
//! - A column keeps one kind of value, and says so to the program that is about to mix them.
//! - Values come back out as they went in: a whole number stays one, up to all 64 bits.

use iobeam_model::{Batch, Bitmap, Column, DeviceId, FieldName, NamespaceName, Texts, Values};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::cell::Cell;

/// Whole numbers up to here are exact as doubles.
const EXACT: u64 = 1 << 53;

/// What a column has held so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Nothing,
    Numbers,
    Truths,
    Texts,
}

/// What is known of a column.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    kind: Kind,
    /// A number with a fraction was in it.
    fractions: bool,
    /// A whole number that no double holds was in it.
    large: bool,
}

/// Rows, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    names: Vec<FieldName>,
    known: Vec<Known>,
    times: Vec<i64>,
    cells: Vec<Cell>,
    /// So many rows at the front were taken out already: moving up all those behind each time would cost more than
    /// sending them.
    gone: usize,
}

impl Known {
    fn with(self, cell: &Cell, name: &FieldName) -> PyResult<Self> {
        let (kind, given) = match cell {
            Cell::Missing => return Ok(self),
            Cell::Number(_) | Cell::Integer(_) => (Kind::Numbers, "a number"),
            Cell::Boolean(_) => (Kind::Truths, "a bool"),
            Cell::Text(_) => (Kind::Texts, "a text"),
        };
        if self.kind != Kind::Nothing && self.kind != kind {
            let held = match self.kind {
                Kind::Numbers => "numbers",
                Kind::Truths => "bools",
                Kind::Texts | Kind::Nothing => "texts",
            };
            return Err(PyValueError::new_err(format!(
                "column '{name}' holds {held}, and this value is {given}; give it a column of its own"
            )));
        }
        let fractions =
            self.fractions || matches!(cell, Cell::Number(number) if number.fract() != 0.0);
        let large = self.large
            || match cell {
                Cell::Integer(number) => number.unsigned_abs() > EXACT,
                Cell::Number(_) | Cell::Boolean(_) | Cell::Text(_) | Cell::Missing => false,
            };
        if fractions && large {
            return Err(PyValueError::new_err(format!(
                "column '{name}': whole numbers beyond 2^53 and fractions cannot stand in one column without losing \
                 digits; give it whole numbers only, or floats only"
            )));
        }
        Ok(Self { kind, fractions, large })
    }
}

impl Rows {
    pub(crate) fn new(names: Vec<FieldName>) -> Self {
        let known = vec![Known::default(); names.len()];
        Self { names, known, times: Vec::new(), cells: Vec::new(), gone: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.times.len() - self.gone
    }

    fn times(&self) -> &[i64] {
        &self.times[self.gone..]
    }

    fn cells(&self) -> &[Cell] {
        &self.cells[self.gone * self.names.len()..]
    }

    /// Adds a row that has a cell for each column.
    pub(crate) fn push(&mut self, time: i64, row: &mut Vec<Cell>) -> PyResult<()> {
        let known = self.known.iter().zip(&self.names).zip(&*row);
        let known = known.map(|((known, name), cell)| known.with(cell, name));
        // All or nothing: a row that is refused changes nothing of what is known.
        self.known = known.collect::<PyResult<_>>()?;
        self.times.push(time);
        self.cells.append(row);
        Ok(())
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::new(std::mem::take(&mut self.names));
    }

    /// Each row: its time and its cells.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (i64, &[Cell])> {
        self.times().iter().copied().zip(self.cells().chunks_exact(self.names.len()))
    }

    /// So many rows from there on.
    pub(crate) fn part(&self, from: usize, rows: usize) -> Self {
        let to = (from + rows).min(self.len());
        let width = self.names.len();
        Self {
            names: self.names.clone(),
            known: self.known.clone(),
            times: self.times()[from..to].to_vec(),
            cells: self.cells()[from * width..to * width].to_vec(),
            gone: 0,
        }
    }

    /// Takes the first rows out, at most so many.
    pub(crate) fn take_first(&mut self, rows: usize) -> Self {
        if rows >= self.len() {
            return self.take();
        }
        let width = self.names.len();
        let from = self.gone;
        self.gone += rows;
        let cells = &mut self.cells[from * width..self.gone * width];
        let first = Self {
            names: self.names.clone(),
            known: self.known.clone(),
            times: self.times[from..self.gone].to_vec(),
            cells: cells.iter_mut().map(|cell| std::mem::replace(cell, Cell::Missing)).collect(),
            gone: 0,
        };
        if self.gone > self.times.len() / 2 {
            self.times.drain(..self.gone);
            self.cells.drain(..self.gone * width);
            self.gone = 0;
        }
        first
    }

    /// How many columns there are.
    pub(crate) fn width(&self) -> usize {
        self.names.len()
    }

    /// Takes all rows out, and leaves what is known of the columns.
    pub(crate) fn take(&mut self) -> Self {
        let empty = Self {
            names: self.names.clone(),
            known: self.known.clone(),
            times: Vec::new(),
            cells: Vec::new(),
            gone: 0,
        };
        std::mem::replace(self, empty)
    }

    /// Puts other rows, of the same columns, before these.
    pub(crate) fn prepend(&mut self, mut others: Self) {
        let width = self.names.len();
        others.times.extend(self.times.drain(self.gone..));
        others.cells.extend(self.cells.drain(self.gone * width..));
        self.times = others.times;
        self.cells = others.cells;
        self.gone = others.gone;
    }

    /// The rows as a batch of the namespace `input`, all of one device.
    pub(crate) fn batch(&self, device: &DeviceId) -> Result<Batch, iobeam_model::BatchError> {
        let rows = self.len();
        let device = Texts::constant(device.as_str(), rows);
        let mut columns = vec![Column::new(FieldName::device_id(), Values::String(device), None)?];
        for at in 0..self.names.len() {
            columns.extend(self.column(at).transpose()?);
        }
        Batch::new(NamespaceName::input(), self.times().to_vec(), columns)
    }

    fn column(&self, at: usize) -> Option<Result<Column, iobeam_model::BatchError>> {
        let cells = || self.cells().chunks_exact(self.names.len()).map(|row| &row[at]);
        let some = |cell: &Cell| !matches!(cell, Cell::Missing);
        let present = if cells().all(some) {
            None
        } else {
            let mut bits = Bitmap::new();
            cells().for_each(|cell| bits.push(some(cell)));
            if bits.count() == 0 {
                return None;
            }
            Some(bits)
        };
        let number = |cell: &Cell| match cell {
            Cell::Number(number) => *number,
            Cell::Integer(number) => *number as f64,
            _ => 0.0,
        };
        let whole = |cell: &Cell| match cell {
            Cell::Number(number) => *number as i64,
            Cell::Integer(number) => *number,
            _ => 0,
        };
        let values = match self.known[at] {
            Known { kind: Kind::Nothing, .. } => return None,
            Known { kind: Kind::Numbers, large: true, .. } => {
                Values::Long(cells().map(whole).collect())
            }
            Known { kind: Kind::Numbers, .. } => Values::Double(cells().map(number).collect()),
            Known { kind: Kind::Truths, .. } => {
                Values::Boolean(cells().map(|cell| *cell == Cell::Boolean(true)).collect())
            }
            Known { kind: Kind::Texts, .. } => {
                let mut texts = Texts::new();
                for cell in cells() {
                    match cell {
                        Cell::Text(text) => texts.push(text),
                        _ => texts.push_missing(),
                    }
                }
                Values::String(texts)
            }
        };
        Some(Column::new(self.names[at].clone(), values, present))
    }
}
