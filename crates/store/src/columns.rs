//! Row groups written one column after the other, so that a table of a thousand columns takes no more memory than one
//! of ten: what a column's encoder, dictionary and compressor hold is gone before the next column begins.
//!
//! ```text
//! for each column: array ─▶ encoder + compressor ─▶ compressed pages ─▶ file
//! ```

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, compute_leaves};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

/// What one column's encoder, dictionary and compressor take beside its pages, for so many rows.
pub(crate) fn encoder_bytes(rows: u64) -> u64 {
    const LEAST: u64 = 64 << 10;
    const EACH: u64 = 48;
    // A dictionary is given up at one megabyte, and pages are compressed one by one.
    const MOST: u64 = 3 << 20;
    MOST.min(LEAST + rows.saturating_mul(EACH))
}

/// Begins a file of that schema.
pub(crate) fn begin<W: Write + Send>(
    sink: W,
    schema: &SchemaRef,
    properties: WriterProperties,
) -> Result<SerializedFileWriter<W>, ParquetError> {
    let writer = ArrowWriter::try_new(sink, Arc::clone(schema), Some(properties))?;
    Ok(writer.into_serialized_writer()?.0)
}

/// Adds a row group; each column is asked for when its turn has come, with how it is to be written.
pub(crate) fn write_group<W: Write + Send>(
    writer: &mut SerializedFileWriter<W>,
    schema: &SchemaRef,
    mut column: impl FnMut(&FieldRef) -> Result<(ArrayRef, WriterProperties), ParquetError>,
) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    for field in schema.fields() {
        let (values, properties) = column(field)?;
        encode(field, &values, properties)?.append_to_row_group(&mut group)?;
    }
    group.close()?;
    Ok(())
}

/// A column of a file that has no other.
fn encode(
    field: &FieldRef,
    values: &ArrayRef,
    properties: WriterProperties,
) -> Result<ArrowColumnChunk, ParquetError> {
    let alone = Arc::new(Schema::new(vec![Arc::clone(field)]));
    let nowhere = ArrowWriter::try_new(io::sink(), alone, Some(properties))?;
    let (_, factory) = nowhere.into_serialized_writer()?;
    let mut writers = factory.create_column_writers(0)?;
    let none = || ParquetError::General(format!("'{}' has no column", field.name()));
    let mut writer = writers.pop().ok_or_else(none)?;
    for leaf in compute_leaves(field, values)? {
        writer.write(&leaf)?;
    }
    writer.close()
}
