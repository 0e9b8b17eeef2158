//! An answer on its way: columns, and rows that come as they are found.
//!
//! Dropping an answer stops the query behind it.

use std::fmt;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use futures::stream::BoxStream;
use iobeam_model::{NamespaceName, ProjectId};

use crate::context::QueryContext;
use crate::error::QueryError;

/// Rows as they come.
pub(crate) type Rows = BoxStream<'static, Result<RecordBatch, QueryError>>;

/// What the rows of an answer are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Rows of one table; of this namespace when they are a namespace's.
    Table(Option<NamespaceName>),
    /// Points: each batch has the columns device, time and value, the last named as the series. Points of one device
    /// stand together.
    Series(ProjectId),
}

/// The answer to a question.
pub struct Answer {
    pub(crate) shape: Shape,
    pub(crate) schema: SchemaRef,
    pub(crate) rows: Rows,
    pub(crate) context: QueryContext,
}

impl Answer {
    /// The columns. For exports these are the columns of each series, whatever its type.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The rows themselves, for whoever does not want them rendered. Time in which nobody asks for more does not count.
    pub fn into_rows(self) -> BoxStream<'static, Result<RecordBatch, QueryError>> {
        self.context.leave();
        self.rows
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("shape", &self.shape)
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}
