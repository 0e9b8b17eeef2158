//! An answer's columns under the names that it shows.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use futures::stream::StreamExt;

use super::rewrite;
use crate::answer::Rows;
use crate::error::QueryError;

/// The columns and rows of an answer without what only its query needed.
pub(super) fn shown(schema: &SchemaRef, rows: Rows) -> (SchemaRef, Rows) {
    let is_as_it_is =
        |name: &String| rewrite::shown(name) == name.as_str() && !rewrite::is_hidden(name);
    if schema.fields().iter().all(|field| is_as_it_is(field.name())) {
        return (Arc::clone(schema), rows);
    }
    let kept: Vec<usize> = (0..schema.fields().len())
        .filter(|at| !rewrite::is_hidden(schema.field(*at).name()))
        .collect();
    let fields = kept.iter().map(|at| {
        let field = schema.field(*at);
        field.clone().with_name(rewrite::shown(field.name()))
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let shown = Arc::clone(&schema);
    let rows = rows.map(move |batch| {
        let batch = batch?;
        let columns = kept.iter().map(|at| Arc::clone(batch.column(*at))).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&shown), columns, &options)
            .map_err(QueryError::internal)
    });
    (schema, rows.boxed())
}
