//! One column, whatever it came from, and what it can be used for: a field, the time, the device.
//!
//! Whole numbers stay whole numbers until it is known what their column becomes: none passes through a double that does
//! not hold it exactly.

use iobeam_model::{BatchError, Bitmap, Column, FieldName, Texts, Values};
use pyo3::prelude::*;

use crate::failure::column_error;
use crate::timestamp::Unit;

/// Whole numbers up to here are exact as doubles.
const EXACT: u64 = 1 << 53;

/// Numbers as they came.
#[derive(Clone)]
pub(crate) enum Numbers {
    Doubles(Vec<f64>),
    Longs(Vec<i64>),
}

/// A column as it came.
#[derive(Clone)]
pub(crate) enum Loose {
    Numbers(Numbers, Option<Bitmap>),
    Truths(Vec<bool>, Option<Bitmap>),
    Texts(Texts, Option<Bitmap>),
    /// Moments; `zoned` when the column says of what zone.
    Times {
        micros: Vec<i64>,
        present: Option<Bitmap>,
        zoned: bool,
    },
    /// No value in any of so many rows.
    Nothing(usize),
}

/// Whether a row has a value.
pub(super) fn has(present: Option<&Bitmap>, row: usize) -> bool {
    present.is_none_or(|bits| bits.get(row))
}

/// Whole numbers without a sign. What stands where a value is missing may be any number.
pub(super) fn unsigned(numbers: &[u64], present: Option<&Bitmap>) -> Result<Numbers, String> {
    let mut longs = Vec::with_capacity(numbers.len());
    for (row, number) in numbers.iter().enumerate() {
        longs.push(match i64::try_from(*number) {
            Ok(long) => long,
            Err(_) if !has(present, row) => 0,
            Err(_) => {
                return Err(format!(
                    "the whole number {number}, in row {row}, is beyond 63 bits; give the column as text"
                ));
            }
        });
    }
    Ok(Numbers::Longs(longs))
}

/// Numbers of which some are whole and some may have fractions, in the one kind that holds them all exactly.
pub(super) fn mixed(
    cells: impl Iterator<Item = Option<Result<i64, f64>>> + Clone,
) -> Result<Numbers, String> {
    let large = |cell: &Option<Result<i64, f64>>| matches!(cell, Some(Ok(long)) if long.unsigned_abs() > EXACT);
    if cells.clone().all(|cell| !matches!(cell, Some(Err(_)))) {
        return Ok(Numbers::Longs(
            cells.map(|cell| cell.and_then(Result::ok).unwrap_or(0)).collect(),
        ));
    }
    let Some((row, Some(Ok(number)))) = cells.clone().enumerate().find(|(_, cell)| large(cell))
    else {
        let doubles = cells.map(|cell| match cell {
            None => 0.0,
            Some(Ok(long)) => long as f64,
            Some(Err(double)) => double,
        });
        return Ok(Numbers::Doubles(doubles.collect()));
    };
    let mut longs = Vec::new();
    for cell in cells {
        longs.push(match cell {
            None => 0,
            Some(Ok(long)) => long,
            Some(Err(double)) if double.fract() == 0.0 && double.abs() <= EXACT as f64 => double as i64,
            Some(Err(double)) => {
                return Err(format!(
                    "row {row} holds {number}, and {double} is in the same column: whole numbers beyond 2^53 and \
                     fractions cannot stand in one column without losing digits; give whole numbers only, or floats only"
                ));
            }
        });
    }
    Ok(Numbers::Longs(longs))
}

impl Numbers {
    fn len(&self) -> usize {
        match self {
            Self::Doubles(numbers) => numbers.len(),
            Self::Longs(numbers) => numbers.len(),
        }
    }

    fn cell(&self, row: usize) -> Result<i64, f64> {
        match self {
            Self::Doubles(numbers) => Err(numbers[row]),
            Self::Longs(numbers) => Ok(numbers[row]),
        }
    }
}

/// Times in microseconds. `unit` is how many microseconds each counts; 0 means nanoseconds. What stands where a time is
/// missing may be any number.
pub(super) fn to_micros(
    times: &[i64],
    unit: i64,
    present: Option<&Bitmap>,
) -> Result<Vec<i64>, String> {
    if unit == 0 {
        return Ok(times.iter().map(|time| time.div_euclid(1000)).collect());
    }
    let mut micros = Vec::with_capacity(times.len());
    for (row, time) in times.iter().enumerate() {
        let product = time.checked_mul(unit);
        if product.is_none() && has(present, row) {
            return Err(format!("a time beyond 64 bits of microseconds, in row {row},"));
        }
        micros.push(product.unwrap_or(0));
    }
    Ok(micros)
}

/// Bits of one column and of another below it.
fn joined(top: Option<Bitmap>, rows: usize, below: Option<&Bitmap>, more: usize) -> Option<Bitmap> {
    if top.is_none() && below.is_none() {
        return None;
    }
    let mut bits = top.unwrap_or_else(|| Bitmap::filled(rows, true));
    (0..more).for_each(|row| bits.push(has(below, row)));
    Some(bits)
}

impl Loose {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers, _) => numbers.len(),
            Self::Truths(truths, _) => truths.len(),
            Self::Texts(texts, _) => texts.len(),
            Self::Times { micros, .. } => micros.len(),
            Self::Nothing(rows) => *rows,
        }
    }

    fn present(&self) -> Option<Bitmap> {
        match self {
            Self::Numbers(_, present) | Self::Truths(_, present) | Self::Texts(_, present) => {
                present.clone()
            }
            Self::Times { present, .. } => present.clone(),
            Self::Nothing(rows) => Some(Bitmap::filled(*rows, false)),
        }
    }

    /// Rows of it, in any order and as often as wanted; `None` is a row without a value.
    pub(super) fn take(&self, rows: &[Option<usize>]) -> Self {
        let mut bits = Bitmap::new();
        let held = self.present();
        rows.iter().for_each(|row| bits.push(row.is_some_and(|row| has(held.as_ref(), row))));
        let present = Some(bits);
        match self {
            Self::Numbers(Numbers::Doubles(all), _) => {
                let numbers = rows.iter().map(|row| row.map_or(0.0, |row| all[row])).collect();
                Self::Numbers(Numbers::Doubles(numbers), present)
            }
            Self::Numbers(Numbers::Longs(all), _) => {
                let numbers = rows.iter().map(|row| row.map_or(0, |row| all[row])).collect();
                Self::Numbers(Numbers::Longs(numbers), present)
            }
            Self::Truths(all, _) => Self::Truths(
                rows.iter().map(|row| row.is_some_and(|row| all[row])).collect(),
                present,
            ),
            Self::Texts(all, _) => {
                let mut texts = Texts::new();
                for row in rows {
                    match row {
                        Some(row) => texts.push(all.get(*row)),
                        None => texts.push_missing(),
                    }
                }
                Self::Texts(texts, present)
            }
            Self::Times { micros, zoned, .. } => {
                let micros = rows.iter().map(|row| row.map_or(0, |row| micros[row])).collect();
                Self::Times { micros, present, zoned: *zoned }
            }
            Self::Nothing(_) => Self::Nothing(rows.len()),
        }
    }

    /// The column with another below it.
    pub(super) fn append(self, below: Self) -> Result<Self, String> {
        let (rows, more) = (self.len(), below.len());
        let (here, there) = (self.present(), below.present());
        let present = joined(here.clone(), rows, there.as_ref(), more);
        Ok(match (self, below) {
            (Self::Nothing(0), below) => below,
            (Self::Nothing(_), Self::Nothing(_)) => Self::Nothing(rows + more),
            (Self::Nothing(_), below) => {
                let empty = std::iter::repeat_n(None, rows);
                below.take(&empty.chain((0..more).map(Some)).collect::<Vec<_>>())
            }
            (held, Self::Nothing(_)) => {
                let empty = std::iter::repeat_n(None, more);
                held.take(&(0..rows).map(Some).chain(empty).collect::<Vec<_>>())
            }
            (
                Self::Numbers(Numbers::Doubles(mut all), _),
                Self::Numbers(Numbers::Doubles(more), _),
            ) => {
                all.extend(more);
                Self::Numbers(Numbers::Doubles(all), present)
            }
            (Self::Numbers(Numbers::Longs(mut all), _), Self::Numbers(Numbers::Longs(more), _)) => {
                all.extend(more);
                Self::Numbers(Numbers::Longs(all), present)
            }
            (Self::Numbers(top, _), Self::Numbers(bottom, _)) => {
                let above = (0..rows).map(|row| has(here.as_ref(), row).then(|| top.cell(row)));
                let under = (0..more).map(|row| has(there.as_ref(), row).then(|| bottom.cell(row)));
                Self::Numbers(mixed(above.chain(under))?, present)
            }
            (Self::Truths(mut all, _), Self::Truths(more, _)) => {
                all.extend(more);
                Self::Truths(all, present)
            }
            (Self::Texts(mut all, _), Self::Texts(below, _)) => {
                (0..more).for_each(|row| all.push(below.get(row)));
                Self::Texts(all, present)
            }
            (
                Self::Times { mut micros, zoned, .. },
                Self::Times { micros: more, zoned: also, .. },
            ) => {
                micros.extend(more);
                Self::Times { micros, present, zoned: zoned && also }
            }
            _ => return Err("mixes kinds of values; keep one kind in each column".to_owned()),
        })
    }

    /// The column as the times of rows.
    pub(super) fn times(self, name: &str, unit: Option<Unit>, utc: bool) -> PyResult<Vec<i64>> {
        let wrong = |reason: &str| Err(column_error(&format!("the time column '{name}' {reason}")));
        if self.len() == 0 {
            return Ok(Vec::new());
        }
        let (micros, present) = match self {
            Self::Times { zoned: false, .. } if !utc => {
                return wrong(
                    "says no zone, so its moments are not known; make it aware (pandas: \
                     df[name].dt.tz_localize(\"UTC\")), or say tz=\"UTC\"",
                );
            }
            Self::Times { micros, present, .. } => (micros, present),
            Self::Numbers(Numbers::Longs(numbers), present) => {
                let Some(unit) = unit else {
                    return wrong(
                        "holds numbers; say what they count, as unit=TimeUnit.MILLISECONDS",
                    );
                };
                let micros = numbers.iter().enumerate().map(|(row, number)| {
                    if has(present.as_ref(), row) { unit.to_micros(*number) } else { Ok(0) }
                });
                (micros.collect::<PyResult<Vec<_>>>()?, present)
            }
            Self::Numbers(Numbers::Doubles(_), _) => {
                return wrong(
                    "holds floats, which do not count time exactly; make them int64, or datetimes",
                );
            }
            Self::Nothing(_) => return wrong("has no value in row 0; drop such rows first"),
            _ => return wrong("holds neither datetimes nor whole numbers"),
        };
        if let Some(bits) = present.filter(|bits| !bits.all()) {
            let row = (0..bits.len()).find(|row| !bits.get(*row)).unwrap_or(0);
            return wrong(&format!("has no value in row {row}; drop such rows first"));
        }
        Ok(micros)
    }

    /// The column as a field; `None` when it holds nothing at all.
    pub(super) fn field(self, name: &FieldName) -> PyResult<Option<Column>> {
        let (values, present) = match self {
            Self::Nothing(_) => return Ok(None),
            Self::Numbers(Numbers::Doubles(numbers), present) => (Values::Double(numbers), present),
            Self::Numbers(Numbers::Longs(numbers), present) => {
                // Numbers are doubles, unless that would lose digits.
                let exact = |(row, number): (usize, &i64)| {
                    number.unsigned_abs() <= EXACT || !has(present.as_ref(), row)
                };
                if numbers.iter().enumerate().all(exact) {
                    (Values::Double(numbers.iter().map(|number| *number as f64).collect()), present)
                } else {
                    (Values::Long(numbers), present)
                }
            }
            Self::Truths(truths, present) => (Values::Boolean(truths), present),
            Self::Texts(texts, present) => (Values::String(texts), present),
            Self::Times { .. } => {
                return Err(column_error(&format!(
                    "column '{name}' holds times, and only the row's own time is one; leave it out with columns=[...], \
                     or make it a number"
                )));
            }
        };
        let column = Column::new(name.clone(), values, present).map_err(|error| {
            column_error(&match error {
                BatchError::Infinite { row, .. } => {
                    format!("row {row}, column '{name}': an infinite number is no measurement; leave the value out")
                }
                other => other.to_string(),
            })
        })?;
        Ok((column.count() > 0).then_some(column))
    }
}
