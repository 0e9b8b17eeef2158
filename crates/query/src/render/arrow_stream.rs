//! Answers as an Arrow IPC stream.

use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;

use super::Writer;
use crate::error::QueryError;

/// The schema, the batches, and the mark of the end.
pub(super) struct Table(StreamWriter<Vec<u8>>);

impl Table {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self, QueryError> {
        StreamWriter::try_new(Vec::new(), schema).map(Self).map_err(QueryError::internal)
    }
}

impl Writer for Table {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        out.append(self.0.get_mut());
        Ok(())
    }

    fn rows(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), QueryError> {
        self.0.write(batch).map_err(QueryError::internal)?;
        out.append(self.0.get_mut());
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        self.0.finish().map_err(QueryError::internal)?;
        out.append(self.0.get_mut());
        Ok(())
    }
}
