//! Rows of somebody who follows a namespace, as JSON: those of some devices, and of them some fields.
//!
//! ```text
//! parts as they were acknowledged ─ device? a field with a value? ─▶ "fields":["time","device_id","a"],"values":[[..],..]
//! ```

use std::collections::{BTreeSet, HashSet};

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use iobeam_model::{FieldName, TimeFormat};

use crate::error::QueryError;
use crate::render::cells::{Cells, string};
use crate::scope::TIME;

/// Which rows, and what of them.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The field that says whose a row is; it is always told.
    pub key: FieldName,
    /// Only rows of these; `None` for all.
    pub devices: Option<HashSet<String>>,
    /// Only these fields, and rows that have one of them; `None` for all.
    pub fields: Option<Vec<FieldName>>,
    /// How times are written.
    pub time_format: TimeFormat,
}

impl Selection {
    /// The rows as two members of a JSON object, without its braces. Nothing when none is wanted.
    ///
    /// # Errors
    /// When rows are not what a store holds.
    pub fn members(&self, parts: &[RecordBatch]) -> Result<Option<Vec<u8>>, QueryError> {
        let wanted = parts.iter().map(|rows| self.wanted(rows));
        let wanted = wanted.collect::<Result<Vec<_>, _>>()?;
        let wanted: Vec<_> = wanted.into_iter().filter(|rows| rows.num_rows() > 0).collect();
        if wanted.is_empty() {
            return Ok(None);
        }
        let names = self.columns(&wanted);
        let mut out = b"\"fields\":[".to_vec();
        for (at, name) in names.iter().enumerate() {
            separate(at, &mut out);
            string(name, &mut out)?;
        }
        out.extend_from_slice(b"],\"values\":[");
        let mut before = 0;
        for rows in &wanted {
            let cells = names.iter().map(|name| {
                rows.column_by_name(name).map(|it| Cells::new(it, self.time_format)).transpose()
            });
            let cells = cells.collect::<Result<Vec<_>, _>>()?;
            for row in 0..rows.num_rows() {
                separate(before, &mut out);
                before += 1;
                write_row(&cells, row, &mut out)?;
            }
        }
        out.push(b']');
        Ok(Some(out))
    }

    /// The rows that are wanted.
    fn wanted(&self, rows: &RecordBatch) -> Result<RecordBatch, QueryError> {
        if self.devices.is_none() && self.fields.is_none() {
            return Ok(rows.clone());
        }
        let keys = rows.column_by_name(self.key.as_str()).and_then(|it| it.as_string_view_opt());
        let is_theirs = |row: usize| match (&self.devices, keys) {
            (None, _) => true,
            (Some(devices), Some(keys)) => keys.is_valid(row) && devices.contains(keys.value(row)),
            (Some(_), None) => false,
        };
        let columns: Option<Vec<_>> = self.fields.as_ref().map(|fields| {
            fields.iter().filter_map(|field| rows.column_by_name(field.as_str())).collect()
        });
        let has_one = |row: usize| {
            columns.as_ref().is_none_or(|columns| columns.iter().any(|it| it.is_valid(row)))
        };
        let keep: BooleanArray =
            (0..rows.num_rows()).map(|row| Some(is_theirs(row) && has_one(row))).collect();
        filter_record_batch(rows, &keep).map_err(QueryError::internal)
    }

    /// The time, the device, and the fields: those asked for, or all that any row has, in alphabetical order.
    fn columns(&self, parts: &[RecordBatch]) -> Vec<String> {
        let mut names = vec![TIME.to_owned(), self.key.to_string()];
        if let Some(fields) = &self.fields {
            let others = fields.iter().filter(|field| **field != self.key);
            names.extend(others.map(ToString::to_string));
            return names;
        }
        let schemas = parts.iter().map(RecordBatch::schema_ref);
        let all: BTreeSet<_> = schemas
            .flat_map(|schema| schema.fields())
            .collect::<Vec<_>>()
            .into_iter()
            .map(|field| field.name().clone())
            .collect();
        names.extend(all.into_iter().filter(|name| name != TIME && *name != self.key.as_str()));
        names
    }
}

fn separate(before: usize, out: &mut Vec<u8>) {
    if before > 0 {
        out.push(b',');
    }
}

fn write_row(cells: &[Option<Cells>], row: usize, out: &mut Vec<u8>) -> Result<(), QueryError> {
    out.push(b'[');
    for (at, cell) in cells.iter().enumerate() {
        separate(at, out);
        match cell {
            Some(cell) => cell.json(row, out)?,
            None => out.extend_from_slice(b"null"),
        }
    }
    out.push(b']');
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, StringViewArray, TimestampMicrosecondArray};

    use super::*;

    fn rows(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        let times = TimestampMicrosecondArray::from(vec![1_000, 2_999]).with_timezone("UTC");
        let time = ("time", Arc::new(times) as ArrayRef);
        RecordBatch::try_from_iter(std::iter::once(time).chain(columns)).expect("rows")
    }

    fn selection(devices: Option<&[&str]>, fields: Option<&[&str]>) -> Selection {
        Selection {
            key: FieldName::device_id(),
            devices: devices.map(|all| all.iter().map(ToString::to_string).collect()),
            fields: fields.map(|all| all.iter().map(|it| it.parse().expect("a name")).collect()),
            time_format: TimeFormat::Msec,
        }
    }

    fn text(selection: &Selection, parts: &[RecordBatch]) -> String {
        let members = selection.members(parts).expect("JSON").unwrap_or_default();
        String::from_utf8(members).expect("text")
    }

    #[test]
    fn rows_are_chosen_by_device_and_by_the_fields_that_they_have() {
        let devices = || Arc::new(StringViewArray::from(vec![Some("d"), Some("e")])) as ArrayRef;
        let numbers = |all: Vec<Option<f64>>| Arc::new(Float64Array::from(all)) as ArrayRef;
        let one = rows(vec![("device_id", devices()), ("a", numbers(vec![Some(1.5), None]))]);
        let two = rows(vec![("b", numbers(vec![Some(2.0), Some(3.0)])), ("device_id", devices())]);
        let parts = [one, two];
        assert_eq!(
            text(&selection(None, None), &parts),
            r#""fields":["time","device_id","a","b"],"values":[[1,"d",1.5,null],[2,"e",null,null],[1,"d",null,2.0],[2,"e",null,3.0]]"#
        );
        assert_eq!(
            text(&selection(Some(&["e"]), Some(&["b", "device_id", "c"])), &parts[1..]),
            r#""fields":["time","device_id","b","c"],"values":[[2,"e",3.0,null]]"#
        );
        assert_eq!(
            text(&selection(None, Some(&["a"])), &parts),
            r#""fields":["time","device_id","a"],"values":[[1,"d",1.5]]"#
        );
        assert_eq!(text(&selection(Some(&["f"]), None), &parts), "");
        let nobody = rows(vec![("a", numbers(vec![Some(1.0), Some(2.0)]))]);
        assert_eq!(text(&selection(Some(&["d"]), None), &[nobody]), "");
    }
}
