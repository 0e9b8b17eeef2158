//! SHOW TABLES, SHOW COLUMNS and DESCRIBE, answered from the scope alone.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::SchemaRef;
use futures::stream::{self, StreamExt};

use crate::answer::Rows;
use crate::error::QueryError;
use crate::scope::{Scope, TIME};

/// The namespaces: name, partition field, rows.
pub(super) fn tables(scope: &Scope) -> Result<(SchemaRef, Rows), QueryError> {
    let mut tables: Vec<_> = scope.tables.iter().collect();
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    let names: StringViewArray = tables.iter().map(|table| Some(table.name.as_str())).collect();
    let partitions: StringViewArray =
        tables.iter().map(|table| Some(table.partition.as_str())).collect();
    let rows: Int64Array = tables.iter().map(|table| Some(table.snapshot.rows() as i64)).collect();
    answer(vec![
        ("table_name", Arc::new(names)),
        ("partitioned_by", Arc::new(partitions)),
        ("rows", Arc::new(rows)),
    ])
}

/// The columns of a namespace: name, type, whether a row may lack it.
pub(super) fn columns(scope: &Scope, name: &str) -> Result<(SchemaRef, Rows), QueryError> {
    let table = scope.tables.iter().find(|table| table.name.as_str() == name).ok_or_else(|| {
        QueryError::Sql {
            reason: format!("namespace '{name}' not found; SHOW TABLES lists what there is"),
        }
    })?;
    let fields = table.sorted_fields();
    let names = fields.iter().map(|(name, _)| name.as_str());
    let names: StringViewArray = std::iter::once(TIME).chain(names).map(Some).collect();
    let kinds = fields.iter().map(|(_, kind)| kind.name());
    let kinds: StringViewArray = std::iter::once("TIMESTAMP").chain(kinds).map(Some).collect();
    let nullable = std::iter::once(false).chain(fields.iter().map(|_| true));
    let nullable: BooleanArray = nullable.map(Some).collect();
    answer(vec![
        ("column_name", Arc::new(names)),
        ("data_type", Arc::new(kinds)),
        ("is_nullable", Arc::new(nullable)),
    ])
}

fn answer(columns: Vec<(&str, ArrayRef)>) -> Result<(SchemaRef, Rows), QueryError> {
    let batch = RecordBatch::try_from_iter(columns).map_err(QueryError::internal)?;
    Ok((batch.schema(), stream::iter([Ok(batch)]).boxed()))
}
