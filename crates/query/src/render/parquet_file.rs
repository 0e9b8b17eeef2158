//! Answers as a Parquet file. A row group is sent as soon as it is full; the footer comes last.

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::Writer;
use crate::error::QueryError;

/// The file while it is written; what is written leaves the buffer at once.
pub(super) struct Table(Option<ArrowWriter<Vec<u8>>>);

/// Bounds what a reply holds in memory.
const ROWS_PER_GROUP: usize = 65_536;

impl Table {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self, QueryError> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROWS_PER_GROUP))
            .build();
        let writer = ArrowWriter::try_new(Vec::new(), SchemaRef::clone(schema), Some(properties));
        writer.map(|writer| Self(Some(writer))).map_err(QueryError::internal)
    }
}

impl Writer for Table {
    fn begin(&mut self, _: &mut Vec<u8>) -> Result<(), QueryError> {
        Ok(())
    }

    fn rows(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), QueryError> {
        let Some(writer) = &mut self.0 else { return Ok(()) };
        writer.write(batch).map_err(QueryError::internal)?;
        out.append(writer.inner_mut());
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        let Some(writer) = self.0.take() else { return Ok(()) };
        out.append(&mut writer.into_inner().map_err(QueryError::internal)?);
        Ok(())
    }
}
