//! Which columns say the same in all rows of a partition value: a truck's name, its model, what it can carry.
//!
//! A file's footer names them. Who groups by such columns needs of each partition value no more than its last row.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray as _, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};

use super::keys;

/// Under this name the footer says which they are, a line for each.
pub(crate) const KEY: &str = "iobeam.steady-columns";

/// The columns that were steady so far.
#[derive(Debug, Default)]
pub(crate) struct Steady {
    steady: BTreeSet<Box<str>>,
    unsteady: BTreeSet<Box<str>>,
}

impl Steady {
    /// Looks at a column of the next rows of a file, sorted by partition value; `before` ends with the row that came
    /// before them, if that has the partition value of the first of them.
    pub(crate) fn column(
        &mut self,
        (name, values): (&str, &ArrayRef),
        spans: &[Range<usize>],
        before: Option<&RecordBatch>,
    ) {
        if name.contains('\n') || self.unsteady.contains(name) {
            return;
        }
        let goes_on = before.is_none_or(|before| {
            let last = before.num_rows() - 1;
            same(before.column_by_name(name), last, Some(values), 0)
        });
        if goes_on && spans.iter().all(|span| is_steady(values, span)) {
            if !self.steady.contains(name) {
                self.steady.insert(name.into());
            }
        } else {
            self.steady.remove(name);
            self.unsteady.insert(name.into());
        }
    }

    pub(crate) fn names(self) -> Vec<Box<str>> {
        self.steady.into_iter().collect()
    }
}

/// How the footer says it.
pub(crate) fn written(names: &[Box<str>]) -> String {
    names.join("\n")
}

/// What a footer says.
pub(crate) fn told(text: &str) -> Vec<Box<str>> {
    text.split('\n').filter(|name| !name.is_empty()).map(Box::from).collect()
}

/// The columns that are steady in all of some parts: last rows of files, and which columns are steady in each.
pub(super) fn of_all(parts: &[(RecordBatch, Vec<Box<str>>)], partition: &str) -> Vec<Box<str>> {
    let mut names: BTreeSet<&str> =
        parts.iter().flat_map(|(_, steady)| steady.iter().map(AsRef::as_ref)).collect();
    for (rows, steady) in parts {
        let has = |name: &str| rows.schema().column_with_name(name).is_some();
        names.retain(|name| !has(name) || steady.iter().any(|one| one.as_ref() == *name));
    }
    let mut first: HashMap<&str, (usize, usize)> = HashMap::new();
    for (part, (rows, _)) in parts.iter().enumerate() {
        let Some(keys) = keys(rows, partition) else { continue };
        for row in 0..keys.len() {
            let known = *first.entry(keys.value(row)).or_insert((part, row));
            if known == (part, row) {
                continue;
            }
            let other = &parts[known.0].0;
            names.retain(|name| {
                same(other.column_by_name(name), known.1, rows.column_by_name(name), row)
            });
        }
    }
    names.into_iter().map(Box::from).collect()
}

/// The spans of rows that have one partition value.
pub(super) fn spans(keys: &StringViewArray) -> Vec<Range<usize>> {
    let mut spans: Vec<Range<usize>> = Vec::new();
    for row in keys.null_count()..keys.len() {
        match spans.last_mut() {
            Some(span) if keys.value(span.start) == keys.value(row) => span.end = row + 1,
            _ => spans.push(row..row + 1),
        }
    }
    spans
}

/// Whether the partition value of the last row before is that of the first row.
pub(super) fn goes_on(before: &RecordBatch, now: &StringViewArray, partition: &str) -> bool {
    keys(before, partition).is_some_and(|known| {
        !known.is_empty()
            && !now.is_empty()
            && now.is_valid(0)
            && known.value(known.len() - 1) == now.value(0)
    })
}

fn is_steady(column: &ArrayRef, span: &Range<usize>) -> bool {
    if let Some(nulls) = column.nulls() {
        match nulls.slice(span.start, span.len()).null_count() {
            0 => {}
            count => return count == span.len(),
        }
    }
    match column.data_type() {
        DataType::Float64 => {
            let values = &column.as_primitive::<Float64Type>().values()[span.clone()];
            values.iter().all(|value| value.to_bits() == values[0].to_bits())
        }
        DataType::Int64 => {
            let values = &column.as_primitive::<Int64Type>().values()[span.clone()];
            values.iter().all(|value| *value == values[0])
        }
        _ => span.clone().all(|row| same(Some(column), span.start, Some(column), row)),
    }
}

/// Whether two cells say the same; a column that is not there says nothing.
fn same(one: Option<&ArrayRef>, at: usize, other: Option<&ArrayRef>, row: usize) -> bool {
    let one = one.filter(|one| one.is_valid(at));
    let other = other.filter(|other| other.is_valid(row));
    let (Some(one), Some(other)) = (one, other) else { return one.is_none() && other.is_none() };
    if one.data_type() != other.data_type() {
        return false;
    }
    match one.data_type() {
        DataType::Utf8View => one.as_string_view().value(at) == other.as_string_view().value(row),
        DataType::Boolean => one.as_boolean().value(at) == other.as_boolean().value(row),
        DataType::Int64 => {
            one.as_primitive::<Int64Type>().value(at)
                == other.as_primitive::<Int64Type>().value(row)
        }
        DataType::Float64 => {
            let bits =
                |column: &ArrayRef, row| column.as_primitive::<Float64Type>().value(row).to_bits();
            bits(one, at) == bits(other, row)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, TimestampMicrosecondArray};
    use arrow::error::ArrowError;

    use super::*;

    /// Rows of a device each: its name, and what it says of itself and of the moment.
    fn rows(of: &[(&str, Option<&str>, f64)]) -> Result<RecordBatch, ArrowError> {
        let times: TimestampMicrosecondArray = (0..of.len() as i64).collect::<Vec<_>>().into();
        let devices: StringViewArray = of.iter().map(|(device, ..)| Some(*device)).collect();
        let names: StringViewArray = of.iter().map(|(_, name, _)| *name).collect();
        let values: Float64Array = of.iter().map(|(.., value)| Some(*value)).collect();
        RecordBatch::try_from_iter::<_, &str>([
            ("time", Arc::new(times) as ArrayRef),
            ("device", Arc::new(devices)),
            ("name", Arc::new(names)),
            ("value", Arc::new(values)),
        ])
    }

    fn steady(batches: &[RecordBatch]) -> Vec<Box<str>> {
        let mut steady = Steady::default();
        let mut before: Option<&RecordBatch> = None;
        for rows in batches {
            let keys = keys(rows, "device").expect("devices");
            let spans = spans(keys);
            let known = before.filter(|before| goes_on(before, keys, "device"));
            for name in ["name", "value"] {
                let column = rows.column_by_name(name).expect("a column");
                steady.column((name, column), &spans, known);
            }
            before = Some(rows);
        }
        steady.names()
    }

    #[test]
    fn a_column_is_steady_as_long_as_no_device_says_anything_else() -> Result<(), ArrowError> {
        let one = rows(&[("a", Some("x"), 1.0), ("a", Some("x"), 1.0), ("b", None, 2.0)])?;
        assert_eq!(steady(std::slice::from_ref(&one)), ["name".into(), "value".into()]);
        let same = rows(&[("b", None, 3.0), ("c", Some("y"), 3.0)])?;
        assert_eq!(steady(&[one.clone(), same]), ["name".into()]);
        let other = rows(&[("b", Some("z"), 2.0)])?;
        assert_eq!(steady(&[one.clone(), other]), ["value".into()]);
        let within = rows(&[("c", Some("z"), 2.0), ("c", None, 2.0)])?;
        assert_eq!(steady(&[one, within]), ["value".into()]);
        Ok(())
    }

    #[test]
    fn files_agree_on_what_is_steady() -> Result<(), ArrowError> {
        let said = |names: &[&str]| names.iter().map(|name| Box::from(*name)).collect::<Vec<_>>();
        let one = (rows(&[("a", Some("x"), 1.0), ("b", None, 2.0)])?, said(&["name", "value"]));
        let same = (rows(&[("b", None, 5.0), ("c", Some("y"), 2.0)])?, said(&["name", "value"]));
        assert_eq!(of_all(&[one.clone(), same.clone()], "device"), said(&["name"]));
        let other = (rows(&[("a", None, 1.0)])?, said(&["name", "value"]));
        assert_eq!(of_all(&[one.clone(), other], "device"), said(&["value"]));
        let unsteady = (rows(&[("d", None, 1.0)])?, said(&["value"]));
        assert_eq!(of_all(&[one, unsteady], "device"), said(&["value"]));
        assert_eq!(told(&written(&same.1)), same.1);
        Ok(())
    }
}
