//! Rows of one store while they are collected: a growing column for each name.
//!
//! ```text
//! add(time, [("temperature", 22.5)]) ─▶ times  [.., t]
//!                                       temperature: numbers [.., 22.5]
//!                                       note:        texts   [.., -]      ─ take ─▶ Batch
//! ```
//!
//! A column keeps the kind of its first value for good: a text where numbers are is refused while the program that
//! gave it still runs. Numbers are sent as DOUBLE; only a whole number that no double can hold makes its column LONG.

use std::sync::Arc;

use iobeam_model::{Batch, BatchError, Bitmap, Column, FieldName, NamespaceName, Texts, Values};

use crate::error::Error;
use crate::value::Reading;

/// Whole numbers up to here are exact as doubles.
const EXACT: i64 = 1 << 53;

/// Where the rows of a store go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) namespace: NamespaceName,
    pub(crate) columns: Arc<[FieldName]>,
    /// The device whose rows these are; `None`: the client's own, or none at all outside of `input`.
    pub(crate) device: Option<Box<str>>,
    /// Their times are not to be trusted until the clock was learnt; they count from the moment that this names, see
    /// [`crate::device_time`].
    pub(crate) unsure: Option<u64>,
}

/// Rows.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) plan: Plan,
    times: Vec<i64>,
    cells: Vec<Cells>,
}

/// The values of one column.
#[derive(Debug, Default)]
struct Cells {
    kind: Kind,
    values: Held,
    /// Which rows have a value, once one has none.
    present: Option<Bitmap>,
}

/// What a column holds, once it held something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Unknown,
    Numbers,
    Truths,
    Texts,
}

#[derive(Debug)]
enum Held {
    Nothing(usize),
    Doubles(Vec<f64>),
    Longs(Vec<i64>),
    Truths(Vec<bool>),
    Texts(Texts),
}

impl Default for Held {
    fn default() -> Self {
        Self::Nothing(0)
    }
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "nothing",
            Self::Numbers => "numbers",
            Self::Truths => "true and false",
            Self::Texts => "texts",
        }
    }
}

impl Rows {
    pub(crate) fn new(plan: Plan) -> Self {
        let cells = plan.columns.iter().map(|_| Cells::default()).collect();
        Self { plan, times: Vec::new(), cells }
    }

    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    /// Says whether a row can be added, so that it is then added whole.
    pub(crate) fn check(&self, row: &[Reading<'_>]) -> Result<(), Error> {
        for ((cells, reading), field) in self.cells.iter().zip(row).zip(&*self.plan.columns) {
            cells.check(*reading, field)?;
        }
        Ok(())
    }

    /// Adds a row that was checked.
    pub(crate) fn push(&mut self, time: i64, row: &[Reading<'_>]) {
        self.times.push(time);
        for (cells, reading) in self.cells.iter_mut().zip(row) {
            cells.push(*reading);
        }
    }

    /// Columns without a value may hold another kind from now on.
    pub(crate) fn forget_kinds(&mut self) {
        for cells in &mut self.cells {
            if matches!(cells.values, Held::Nothing(_)) {
                cells.kind = Kind::Unknown;
            }
        }
    }

    /// The rows so far, which are then no longer here.
    pub(crate) fn take(&mut self) -> Result<Batch, BatchError> {
        let times = std::mem::take(&mut self.times);
        let mut columns = Vec::with_capacity(self.cells.len());
        for (cells, name) in self.cells.iter_mut().zip(&*self.plan.columns) {
            if let Some(column) = cells.take(name) {
                columns.push(column?);
            }
        }
        Batch::new(self.plan.namespace.clone(), times, columns)
    }
}

impl Cells {
    fn check(&self, reading: Reading<'_>, field: &FieldName) -> Result<(), Error> {
        let wrong =
            |number: String, reason| Err(Error::Number { field: field.clone(), number, reason });
        let wanted = match reading {
            Reading::Missing => return Ok(()),
            Reading::Number(number) if number.is_infinite() => {
                return wrong(number.to_string(), "is no measurement; leave the value out");
            }
            Reading::Number(number) if !number.is_nan() => match &self.values {
                Held::Longs(_) if number.fract() != 0.0 || number.abs() > EXACT as f64 => {
                    return wrong(number.to_string(), INEXACT);
                }
                _ => Kind::Numbers,
            },
            Reading::Number(_) => Kind::Numbers,
            Reading::Integer(number) => {
                // Only for the rare large one are those before it looked at.
                if number.unsigned_abs() > EXACT.unsigned_abs() && !self.values.is_whole() {
                    return wrong(number.to_string(), INEXACT);
                }
                Kind::Numbers
            }
            Reading::Boolean(_) => Kind::Truths,
            Reading::Text(_) => Kind::Texts,
        };
        if self.kind != Kind::Unknown && self.kind != wanted {
            let (has, given) = (self.kind.name(), reading.kind());
            return Err(Error::Kind { field: field.clone(), has, given });
        }
        Ok(())
    }

    fn push(&mut self, reading: Reading<'_>) {
        let missing = match reading {
            Reading::Missing => true,
            Reading::Number(number) => number.is_nan(),
            _ => false,
        };
        if missing || self.present.is_some() {
            let rows = self.values.len();
            self.present.get_or_insert_with(|| Bitmap::filled(rows, true)).push(!missing);
        }
        if missing { self.values.push_missing() } else { self.push_value(reading) }
    }

    fn push_value(&mut self, reading: Reading<'_>) {
        match (&mut self.values, reading) {
            (Held::Doubles(held), Reading::Number(number)) => held.push(number),
            (Held::Doubles(held), Reading::Integer(number))
                if number.unsigned_abs() <= EXACT.unsigned_abs() =>
            {
                held.push(number as f64);
            }
            (Held::Longs(held), Reading::Integer(number)) => held.push(number),
            (Held::Longs(held), Reading::Number(number)) => held.push(number as i64),
            (Held::Truths(held), Reading::Boolean(truth)) => held.push(truth),
            (Held::Texts(held), Reading::Text(text)) => held.push(text),
            (held, reading) => {
                self.kind = held.become_fit_for(reading);
                // What is checked fits now: one step deep.
                self.push_value(reading);
            }
        }
    }

    fn take(&mut self, name: &FieldName) -> Option<Result<Column, BatchError>> {
        let present = self.present.take();
        let values = match std::mem::take(&mut self.values) {
            Held::Nothing(_) => return None,
            Held::Doubles(held) => Values::Double(held),
            Held::Longs(held) => Values::Long(held),
            Held::Truths(held) => Values::Boolean(held),
            Held::Texts(held) => Values::String(held),
        };
        Some(Column::new(name.clone(), values, present))
    }
}

const INEXACT: &str = "cannot stand in one column with the others without losing digits; declare the field LONG and \
                       give whole numbers only, or give a fraction";

impl Held {
    fn len(&self) -> usize {
        match self {
            Self::Nothing(rows) => *rows,
            Self::Doubles(held) => held.len(),
            Self::Longs(held) => held.len(),
            Self::Truths(held) => held.len(),
            Self::Texts(held) => held.len(),
        }
    }

    /// Whether each number so far is a whole one that a double holds exactly.
    fn is_whole(&self) -> bool {
        let exact = |number: &f64| number.fract() == 0.0 && number.abs() <= EXACT as f64;
        if let Self::Doubles(held) = self { held.iter().all(exact) } else { true }
    }

    fn push_missing(&mut self) {
        match self {
            Self::Nothing(rows) => *rows += 1,
            Self::Doubles(held) => held.push(0.0),
            Self::Longs(held) => held.push(0),
            Self::Truths(held) => held.push(false),
            Self::Texts(held) => held.push_missing(),
        }
    }

    /// Changes to what takes the reading.
    fn become_fit_for(&mut self, reading: Reading<'_>) -> Kind {
        let rows = self.len();
        let (new, kind) = match (&*self, reading) {
            (Self::Doubles(held), _) => {
                (Self::Longs(held.iter().map(|number| *number as i64).collect()), Kind::Numbers)
            }
            (_, Reading::Integer(number)) if number.unsigned_abs() > EXACT.unsigned_abs() => {
                (Self::Longs(vec![0; rows]), Kind::Numbers)
            }
            (_, Reading::Boolean(_)) => (Self::Truths(vec![false; rows]), Kind::Truths),
            (_, Reading::Text(_)) => {
                let mut texts = Texts::new();
                (0..rows).for_each(|_| texts.push_missing());
                (Self::Texts(texts), Kind::Texts)
            }
            _ => (Self::Doubles(vec![0.0; rows]), Kind::Numbers),
        };
        *self = new;
        kind
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use iobeam_model::Value;

    fn rows(names: &[&str]) -> Rows {
        let columns = names.iter().map(|name| name.parse().expect("a name")).collect();
        let namespace = NamespaceName::input();
        Rows::new(Plan { namespace, columns, device: None, unsure: None })
    }

    fn add(rows: &mut Rows, row: &[Reading<'_>]) -> Result<(), Error> {
        rows.check(row)?;
        rows.push(rows.len() as i64, row);
        Ok(())
    }

    #[test]
    fn what_is_added_is_in_the_batch_and_what_is_missing_is_missing() {
        let mut rows = rows(&["a", "b", "c", "never"]);
        let missing = Reading::Missing;
        add(&mut rows, &[1.5.into(), missing, "x".into(), missing]).expect("fits");
        add(&mut rows, &[2.into(), true.into(), missing, missing]).expect("fits");
        add(&mut rows, &[f64::NAN.into(), missing, "y".into(), missing]).expect("fits");
        let batch = rows.take().expect("sound");
        let a = batch.column("a").expect("it is there");
        let values: Vec<_> = (0..3).map(|row| a.value(row)).collect();
        assert_eq!(values, [Some(Value::Double(1.5)), Some(Value::Double(2.0)), None]);
        let b = batch.column("b").expect("it is there");
        assert_eq!(b.value(0), None);
        assert_eq!(b.value(1), Some(Value::Boolean(true)));
        assert_eq!(batch.column("c").expect("it is there").value(1), None);
        assert!(batch.column("never").is_none());
        assert_eq!(rows.len(), 0);
    }

    #[test]
    fn a_column_keeps_its_kind_over_batches() {
        let mut rows = rows(&["a"]);
        add(&mut rows, &[1.into()]).expect("fits");
        rows.take().expect("sound");
        let refusal = add(&mut rows, &["x".into()]).expect_err("it held numbers");
        assert_eq!(refusal.to_string(), "column 'a' holds numbers, and this value is a text");
        add(&mut rows, &[1.5.into()]).expect("numbers never conflict with numbers");
    }

    #[test]
    fn a_whole_number_beyond_doubles_stays_exact_and_does_not_mix_with_fractions() {
        let large = i64::MAX - 1;
        let mut numbers = rows(&["a"]);
        add(&mut numbers, &[7.into()]).expect("fits");
        add(&mut numbers, &[large.into()]).expect("fits");
        assert!(add(&mut numbers, &[1.5.into()]).is_err());
        let batch = numbers.take().expect("sound");
        let column = batch.column("a").expect("it is there");
        assert_eq!(column.value(0), Some(Value::Long(7)));
        assert_eq!(column.value(1), Some(Value::Long(large)));
        let mut fractions = rows(&["a"]);
        add(&mut fractions, &[1.5.into()]).expect("fits");
        assert!(add(&mut fractions, &[large.into()]).is_err());
    }

    #[test]
    fn infinite_numbers_are_refused() {
        let refusal = add(&mut rows(&["a"]), &[f64::INFINITY.into()]).expect_err("infinite");
        assert_eq!(refusal.to_string(), "column 'a': inf is no measurement; leave the value out");
    }
}
