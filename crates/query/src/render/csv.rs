//! Answers as comma separated values. The original command line splits at every comma, so quotes stand only where
//! nothing else would do.

use arrow::array::AsArray;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use iobeam_model::{NamespaceName, ProjectId, TimeFormat};

use super::Writer;
use super::cells::quote;
use super::json::cells;
use crate::error::QueryError;
use crate::scope::TIME;

/// A heading, then a line for each row.
pub(super) struct Table {
    headings: Vec<String>,
    format: TimeFormat,
}

impl Table {
    /// Columns of a namespace are headed `<namespace>.<field>`: the original command line looks for the name between
    /// the first two dots. Columns of SQL are headed by their names alone.
    pub(super) fn new(
        schema: &SchemaRef,
        namespace: Option<&NamespaceName>,
        format: TimeFormat,
    ) -> Self {
        let heading = |name: &String| match namespace {
            Some(namespace) if name != TIME => format!("{namespace}.{name}"),
            _ => name.clone(),
        };
        Self {
            headings: schema.fields().iter().map(|field| heading(field.name())).collect(),
            format,
        }
    }
}

impl Writer for Table {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        for (at, heading) in self.headings.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            quote(heading, out);
        }
        out.push(b'\n');
        Ok(())
    }

    fn rows(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), QueryError> {
        let columns = cells(batch, self.format)?;
        for row in 0..batch.num_rows() {
            for (at, column) in columns.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                column.csv(row, out)?;
            }
            out.push(b'\n');
        }
        Ok(())
    }

    fn end(&mut self, _: &mut Vec<u8>) -> Result<(), QueryError> {
        Ok(())
    }
}

/// `project_id,device_id,series_name,time,value`: the series stands third, where the original tools look for it.
pub(super) struct Series {
    project: ProjectId,
    format: TimeFormat,
}

impl Series {
    pub(super) fn new(project: ProjectId, format: TimeFormat) -> Self {
        Self { project, format }
    }
}

impl Writer for Series {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        out.extend_from_slice(b"project_id,device_id,series_name,time,value\n");
        Ok(())
    }

    fn rows(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), QueryError> {
        let columns = cells(batch, self.format)?;
        let devices = batch.column(0).as_string_view();
        let schema = batch.schema();
        let project = self.project.get().to_string();
        for row in 0..batch.num_rows() {
            out.extend_from_slice(project.as_bytes());
            out.push(b',');
            quote(devices.value(row), out);
            out.push(b',');
            quote(schema.field(2).name(), out);
            out.push(b',');
            columns[1].csv(row, out)?;
            out.push(b',');
            columns[2].csv(row, out)?;
            out.push(b'\n');
        }
        Ok(())
    }

    fn end(&mut self, _: &mut Vec<u8>) -> Result<(), QueryError> {
        Ok(())
    }
}
