//! EXPLAIN names files; where they lie on the server is nobody's business.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::DataType;
use futures::stream::StreamExt;

use crate::answer::Rows;
use crate::guard;
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
    let clean = |text: &str| {
        let text = without_guards(text);
        places.iter().fold(text, |text, place| text.replace(place, ""))
    };
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

/// The plan without its guards, and with what is below them as far to the left.
fn without_guards(text: &str) -> String {
    if !text.contains(guard::NAME) {
        return text.to_owned();
    }
    let mut guards: Vec<usize> = Vec::new();
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let depth = line.len() - line.trim_start().len();
        guards.retain(|guard| *guard < depth);
        if line.trim_start().starts_with(guard::NAME) {
            guards.push(depth);
        } else {
            lines.push(format!("{}{}", " ".repeat(depth - 2 * guards.len()), line.trim_start()));
        }
    }
    lines.join("\n")
}
