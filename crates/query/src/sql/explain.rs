//! EXPLAIN names files; where they lie on the server is nobody's business.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::DataType;
use futures::stream::StreamExt;

use crate::answer::Rows;
use crate::scope::Scope;

/// The rows of an EXPLAIN with the files' names alone; other rows as they are.
pub(super) fn without_places(rows: Rows, scope: &Scope) -> Rows {
    let files = scope.tables.iter().flat_map(|table| table.snapshot.files.iter());
    let places: BTreeSet<String> = files
        .filter_map(|file| file.path().parent())
        .map(|place| format!("{}/", place.to_string_lossy().trim_start_matches('/')))
        .collect();
    rows.map(move |batch| {
        batch.map(|batch| if is_plan(&batch) { cleaned(batch, &places) } else { batch })
    })
    .boxed()
}

fn is_plan(batch: &RecordBatch) -> bool {
    let schema = batch.schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    names == ["plan_type", "plan"]
}

fn cleaned(batch: RecordBatch, places: &BTreeSet<String>) -> RecordBatch {
    let clean =
        |text: &str| places.iter().fold(text.to_owned(), |text, place| text.replace(place, ""));
    let column = |column: &ArrayRef| -> ArrayRef {
        if column.data_type() != &DataType::Utf8 {
            return Arc::clone(column);
        }
        let texts = column.as_string::<i32>().iter().map(|text| text.map(clean));
        Arc::new(texts.collect::<StringArray>())
    };
    let columns = batch.columns().iter().map(column).collect();
    RecordBatch::try_new(batch.schema(), columns).unwrap_or(batch)
}
