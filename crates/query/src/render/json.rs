//! Answers as JSON, in the shapes that the original clients read.

use arrow::array::AsArray;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use iobeam_model::{ProjectId, TimeFormat};

use super::Writer;
use super::cells::{Cells, string};
use crate::error::QueryError;

/// `{"result":[{"fields":["time","a"],"types":["TIMESTAMP","DOUBLE"],"values":[[1,2.0]]}],"timefmt":"msec"}`. No list is
/// ever null. The original clients look for `fields` and `values` and pass over `types`.
pub(super) struct Table {
    fields: Vec<String>,
    types: Vec<&'static str>,
    format: TimeFormat,
    rows: bool,
}

impl Table {
    pub(super) fn new(schema: &SchemaRef, format: TimeFormat) -> Self {
        let columns = || schema.fields().iter();
        Self {
            fields: columns().map(|field| field.name().clone()).collect(),
            types: columns().map(|field| type_name(field.data_type())).collect(),
            format,
            rows: false,
        }
    }
}

/// What a column holds, whatever its values: one of the words that the reference lists.
fn type_name(kind: &DataType) -> &'static str {
    match kind {
        DataType::Null => "NULL",
        DataType::Boolean => "BOOLEAN",
        // The one integer that a LONG does not hold.
        DataType::UInt64 => "DECIMAL",
        kind if kind.is_integer() => "LONG",
        kind if kind.is_floating() => "DOUBLE",
        kind if kind.is_decimal() => "DECIMAL",
        DataType::Timestamp(..) => "TIMESTAMP",
        DataType::Date32 | DataType::Date64 => "DATE",
        DataType::Time32(_) | DataType::Time64(_) => "TIME",
        DataType::Duration(_) | DataType::Interval(_) => "INTERVAL",
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => "BINARY",
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::FixedSizeList(..)
        | DataType::ListView(_)
        | DataType::LargeListView(_) => "LIST",
        DataType::Struct(_) | DataType::Map(..) => "STRUCT",
        DataType::Dictionary(_, value) => type_name(value),
        DataType::RunEndEncoded(_, value) => type_name(value.data_type()),
        // Texts, and what is written as one.
        _ => "STRING",
    }
}

fn strings(all: &[impl AsRef<str>], out: &mut Vec<u8>) -> Result<(), QueryError> {
    out.push(b'[');
    for (at, text) in all.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        string(text.as_ref(), out)?;
    }
    out.push(b']');
    Ok(())
}

impl Writer for Table {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        out.extend_from_slice(b"{\"result\":[{\"fields\":");
        strings(&self.fields, out)?;
        out.extend_from_slice(b",\"types\":");
        strings(&self.types, out)?;
        out.extend_from_slice(b",\"values\":[");
        Ok(())
    }

    fn rows(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), QueryError> {
        let columns = cells(batch, self.format)?;
        for row in 0..batch.num_rows() {
            out.extend_from_slice(if self.rows { b",[" } else { b"[" });
            self.rows = true;
            for (at, column) in columns.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                column.json(row, out)?;
            }
            out.push(b']');
        }
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        out.extend_from_slice(b"]}]");
        finish(self.format, out);
        Ok(())
    }
}

/// `{"result":[{"project_id":1,"device_id":"d","name":"temp","data":[{"time":1,"value":2.0}]}],"timefmt":"msec"}`.
pub(super) struct Series {
    project: ProjectId,
    format: TimeFormat,
    /// The device and the series that are being written.
    open: Option<(String, String)>,
}

impl Series {
    pub(super) fn new(project: ProjectId, format: TimeFormat) -> Self {
        Self { project, format, open: None }
    }

    /// Begins another element when the row is another device's or series'; true when its first point comes next.
    fn turn(&mut self, device: &str, series: &str, out: &mut Vec<u8>) -> Result<bool, QueryError> {
        if self.open.as_ref().is_some_and(|(d, s)| d == device && s == series) {
            return Ok(false);
        }
        let before: &[u8] = if self.open.is_some() { b"]},{" } else { b"{" };
        out.extend_from_slice(before);
        out.extend_from_slice(
            format!("\"project_id\":{},\"device_id\":", self.project.get()).as_bytes(),
        );
        string(device, out)?;
        out.extend_from_slice(b",\"name\":");
        string(series, out)?;
        out.extend_from_slice(b",\"data\":[");
        self.open = Some((device.to_owned(), series.to_owned()));
        Ok(true)
    }
}

impl Writer for Series {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        out.extend_from_slice(b"{\"result\":[");
        Ok(())
    }

    fn rows(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), QueryError> {
        let columns = cells(batch, self.format)?;
        let devices = batch.column(0).as_string_view();
        let schema = batch.schema();
        let series = schema.field(2).name();
        for row in 0..batch.num_rows() {
            let first = self.turn(devices.value(row), series, out)?;
            out.extend_from_slice(if first { b"{\"time\":" } else { b",{\"time\":" });
            columns[1].json(row, out)?;
            out.extend_from_slice(b",\"value\":");
            columns[2].json(row, out)?;
            out.push(b'}');
        }
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        out.extend_from_slice(if self.open.is_some() { b"]}]" } else { b"]" });
        finish(self.format, out);
        Ok(())
    }
}

fn finish(format: TimeFormat, out: &mut Vec<u8>) {
    out.extend_from_slice(format!(",\"timefmt\":\"{}\"}}", format.name()).as_bytes());
}

pub(super) fn cells(batch: &RecordBatch, format: TimeFormat) -> Result<Vec<Cells>, QueryError> {
    batch.columns().iter().map(|column| Cells::new(column, format)).collect()
}
