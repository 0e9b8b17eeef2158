//! Answers as an Arrow IPC stream.

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
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

    /// Writes after what `out` holds, in its memory.
    fn write(
        &mut self,
        out: &mut Vec<u8>,
        write: impl FnOnce(&mut StreamWriter<Vec<u8>>) -> Result<(), ArrowError>,
    ) -> Result<(), QueryError> {
        // What the writer holds is what it wrote of the schema when it was made.
        out.append(self.0.get_mut());
        std::mem::swap(self.0.get_mut(), out);
        let written = write(&mut self.0);
        std::mem::swap(self.0.get_mut(), out);
        written.map_err(QueryError::internal)
    }
}

impl Writer for Table {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        self.write(out, |_| Ok(()))
    }

    fn rows(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), QueryError> {
        self.write(out, |writer| writer.write(batch))
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        self.write(out, StreamWriter::finish)
    }
}
