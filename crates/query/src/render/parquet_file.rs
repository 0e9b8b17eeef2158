//! Answers as a Parquet file. A row group is sent as soon as it is full; the footer comes last.
//!
//! A column of a type that the format lacks is written as text, as JSON and CSV write it. Columns of a file have names of
//! their own: the second `a` is called `a_2`.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatchOptions, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use iobeam_model::TimeFormat;
use parquet::arrow::{ArrowSchemaConverter, ArrowWriter};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::Writer;
use super::cells::Cells;
use crate::error::QueryError;

/// The file while it is written; what is written leaves the buffer at once.
pub(super) struct Table {
    writer: Option<ArrowWriter<Vec<u8>>>,
    schema: SchemaRef,
    /// Which columns become texts.
    as_text: Vec<bool>,
}

/// Bounds what a reply holds in memory.
const ROWS_PER_GROUP: usize = 65_536;
/// The same where rows are wide.
const BYTES_PER_GROUP: usize = 8 << 20;

impl Table {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self, QueryError> {
        let as_text: Vec<bool> = schema.fields().iter().map(|field| !has_form(field)).collect();
        let mut taken: HashSet<String> = HashSet::new();
        let fields = schema.fields().iter().zip(&as_text).map(|(field, as_text)| {
            let kind = if *as_text { DataType::Utf8 } else { field.data_type().clone() };
            Field::new(own_name(field.name(), &mut taken), kind, field.is_nullable())
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROWS_PER_GROUP))
            .set_max_row_group_bytes(Some(BYTES_PER_GROUP))
            .build();
        let writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties));
        let writer = writer.map_err(QueryError::internal)?;
        Ok(Self { writer: Some(writer), schema, as_text })
    }

    /// The rows as the file takes them.
    fn fitted(&self, batch: &RecordBatch) -> Result<RecordBatch, QueryError> {
        let columns =
            batch.columns().iter().zip(&self.as_text).map(|(column, as_text)| {
                if *as_text { texts(column) } else { Ok(Arc::clone(column)) }
            });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(QueryError::internal)
    }
}

/// Whether the format has the field's type.
fn has_form(field: &Field) -> bool {
    let schema = Schema::new(vec![field.clone().with_name("column")]);
    let rows = RecordBatch::new_empty(Arc::new(schema));
    // What the schema takes the writer may still refuse.
    ArrowSchemaConverter::new().convert(rows.schema_ref()).is_ok()
        && ArrowWriter::try_new(Vec::new(), rows.schema(), None)
            .and_then(|mut writer| writer.write(&rows))
            .is_ok()
        && !has_span(field.data_type())
}

/// Whether there are spans of months, days and nanoseconds in it, which the format cannot say exactly.
fn has_span(kind: &DataType) -> bool {
    match kind {
        DataType::Interval(_) => true,
        DataType::List(inner)
        | DataType::LargeList(inner)
        | DataType::FixedSizeList(inner, _)
        | DataType::ListView(inner)
        | DataType::Map(inner, _) => has_span(inner.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_span(field.data_type())),
        DataType::Dictionary(_, value) => has_span(value),
        _ => false,
    }
}

/// The name, or one like it that no column before has.
fn own_name(name: &str, taken: &mut HashSet<String>) -> String {
    let mut own = name.to_owned();
    let mut number = 2;
    while !taken.insert(own.clone()) {
        own = format!("{name}_{number}");
        number += 1;
    }
    own
}

/// The values as CSV writes them, without its quotes.
fn texts(column: &ArrayRef) -> Result<ArrayRef, QueryError> {
    let cells = Cells::new(column, TimeFormat::Usec)?;
    let texts = (0..column.len()).map(|row| {
        if cells.is_null(row) {
            return Ok(None);
        }
        let mut json = Vec::new();
        cells.json(row, &mut json)?;
        let text = String::from_utf8(json).map_err(QueryError::internal)?;
        // A text stands in quotes in JSON; lists and records are JSON themselves.
        Ok(Some(serde_json::from_str::<String>(&text).unwrap_or(text)))
    });
    Ok(Arc::new(texts.collect::<Result<StringArray, QueryError>>()?))
}

impl Writer for Table {
    fn begin(&mut self, _: &mut Vec<u8>) -> Result<(), QueryError> {
        Ok(())
    }

    fn rows(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), QueryError> {
        let batch = self.fitted(batch)?;
        let Some(writer) = &mut self.writer else { return Ok(()) };
        writer.write(&batch).map_err(QueryError::internal)?;
        out.append(writer.inner_mut());
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        let Some(writer) = self.writer.take() else { return Ok(()) };
        out.append(&mut writer.into_inner().map_err(QueryError::internal)?);
        Ok(())
    }
}
