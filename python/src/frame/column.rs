//! A column as it came, before it is known what it is for: a field, the time, the device.

use iobeam_model::{BatchError, Bitmap, Column, FieldName, Texts, Values};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::timestamp::Unit;

/// Whole numbers up to here are exact as doubles.
const EXACT: u64 = 1 << 53;

/// Numbers as they came.
pub(crate) enum Numbers {
    Doubles(Vec<f64>),
    Longs(Vec<i64>),
}

impl Numbers {
    /// Whole numbers without a sign.
    pub(super) fn unsigned(numbers: &[u64]) -> Result<Self, String> {
        let signed: Result<Vec<i64>, _> =
            numbers.iter().map(|number| i64::try_from(*number)).collect();
        signed.map(Self::Longs).map_err(|_| "a whole number beyond 63 bits".to_owned())
    }
}

/// A column as it came.
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
    /// No value in any row.
    Nothing,
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
        if product.is_none() && present.is_none_or(|bits| bits.get(row)) {
            return Err(format!("a time beyond 64 bits of microseconds, in row {row},"));
        }
        micros.push(product.unwrap_or(0));
    }
    Ok(micros)
}

impl Loose {
    /// The column as the times of rows.
    pub(super) fn times(self, name: &str, unit: Option<Unit>, utc: bool) -> PyResult<Vec<i64>> {
        let wrong =
            |reason: &str| Err(PyValueError::new_err(format!("the time column '{name}' {reason}")));
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
                let micros = numbers.iter().map(|number| unit.to_micros(*number));
                (micros.collect::<PyResult<Vec<_>>>()?, present)
            }
            Self::Numbers(Numbers::Doubles(_), _) => {
                return wrong(
                    "holds floats, which do not count time exactly; make them int64, or datetimes",
                );
            }
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
            Self::Nothing => return Ok(None),
            Self::Numbers(Numbers::Doubles(numbers), present) => (Values::Double(numbers), present),
            Self::Numbers(Numbers::Longs(numbers), present) => {
                // Numbers are doubles, unless that would lose digits.
                if numbers.iter().all(|number| number.unsigned_abs() <= EXACT) {
                    (Values::Double(numbers.iter().map(|number| *number as f64).collect()), present)
                } else {
                    (Values::Long(numbers), present)
                }
            }
            Self::Truths(truths, present) => (Values::Boolean(truths), present),
            Self::Texts(texts, present) => (Values::String(texts), present),
            Self::Times { .. } => {
                return Err(PyValueError::new_err(format!(
                    "column '{name}' holds times, and only the row's own time is one; leave it out with columns=[...], \
                     or make it a number"
                )));
            }
        };
        let column = Column::new(name.clone(), values, present).map_err(|error| {
            PyValueError::new_err(match error {
                BatchError::Infinite { row, .. } => {
                    format!("row {row}, column '{name}': an infinite number is no measurement; leave the value out")
                }
                other => other.to_string(),
            })
        })?;
        Ok((column.count() > 0).then_some(column))
    }
}
