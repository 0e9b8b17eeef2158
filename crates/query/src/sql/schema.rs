//! `information_schema.tables` and `.columns`: the namespaces of the scope and their fields, and nothing else.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use datafusion::catalog::{MemTable, MemorySchemaProvider, SchemaProvider};
use datafusion::common::Result;

use crate::scope::{Scope, TIME};

/// What the schema is called.
pub(super) const NAME: &str = "information_schema";
/// What the project's tables are said to lie in.
const CATALOG: &str = "iobeam";
const SCHEMA: &str = "public";

/// The two tables.
pub(super) fn provider(scope: &Scope) -> Result<MemorySchemaProvider> {
    let provider = MemorySchemaProvider::new();
    for (name, batch) in [("tables", tables(scope)?), ("columns", columns(scope)?)] {
        let table = MemTable::try_new(batch.schema(), vec![vec![batch]])?;
        provider.register_table(name.to_owned(), Arc::new(table))?;
    }
    Ok(provider)
}

fn texts<'t>(all: impl IntoIterator<Item = &'t str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(all))
}

fn tables(scope: &Scope) -> Result<RecordBatch> {
    let names: Vec<&str> = scope.tables.iter().map(|table| table.name.as_str()).collect();
    let of_all = |text: &'static str| texts(names.iter().map(|_| text));
    Ok(RecordBatch::try_from_iter([
        ("table_catalog", of_all(CATALOG)),
        ("table_schema", of_all(SCHEMA)),
        ("table_name", texts(names.iter().copied())),
        ("table_type", of_all("BASE TABLE")),
    ])?)
}

fn columns(scope: &Scope) -> Result<RecordBatch> {
    let mut all: Vec<(&str, String, i64, &str, &str)> = Vec::new();
    for table in &scope.tables {
        let name = table.name.as_str();
        all.push((name, TIME.to_owned(), 1, "NO", "TIMESTAMP"));
        let fields = table.sorted_fields().into_iter().zip(2..);
        all.extend(
            fields.map(|((field, kind), at)| (name, field.to_string(), at, "YES", kind.name())),
        );
    }
    let of_all = |text: &'static str| texts(all.iter().map(|_| text));
    Ok(RecordBatch::try_from_iter([
        ("table_catalog", of_all(CATALOG)),
        ("table_schema", of_all(SCHEMA)),
        ("table_name", texts(all.iter().map(|it| it.0))),
        ("column_name", texts(all.iter().map(|it| it.1.as_str()))),
        (
            "ordinal_position",
            Arc::new(Int64Array::from_iter_values(all.iter().map(|it| it.2))) as ArrayRef,
        ),
        ("is_nullable", texts(all.iter().map(|it| it.3))),
        ("data_type", texts(all.iter().map(|it| it.4))),
    ])?)
}
