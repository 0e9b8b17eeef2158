//! The JSON bodies of `POST /v1/imports`, read straight into columns: no value is ever held as JSON.
//!
//! ```text
//! Series           {"device_id":"d","sources":[{"name":"temp","data":[{"time":1,"value":2.5}]}]}
//! Table            {"device_id":"d","sources":{"fields":["time","temp"],"data":[[1,2.5]]}}         ?fmt=table
//! NamespaceTable   {"namespace":"input","data":{"fields":["time","temp"],"values":[[1,2.5]]},
//!                   "labels":{"device_id":"d"}}                                                    ?fmt=table
//!
//! bytes ─ parse ─▶ Import { who, labels, tables: [LooseTable] } ─ into_batch(types of the fields) ─▶ Batch
//! ```
//!
//! A loose table knows what was written; only the namespace knows what its fields may hold. So `parse` refuses what is
//! wrong in itself, and `into_batch` what does not fit a type. Members come in any order, and those that clients merely
//! echo are ignored. Each refusal names its place as `sources.data[3][1]`.

mod body;

mod series;

mod rows;

mod label;

mod table;

mod cells;

mod place;

use iobeam_model::{FieldName, Value};

use crate::error::ImportError;
use place::Context;

pub use cells::Observed;
pub use label::constant_column;
pub use table::{LooseColumn, LooseTable};

/// How much one body may hold. Its bytes are counted by whoever reads them from the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportLimits {
    /// Most rows, over all series.
    pub max_rows: usize,
    /// Most fields of a table.
    pub max_columns: usize,
}

impl Default for ImportLimits {
    fn default() -> Self {
        Self { max_rows: 1_000_000, max_columns: 1_000 }
    }
}

/// Which of the three bodies it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A list of series, each with points of its own.
    Series,
    /// Rows of one device, for the namespace `input`.
    Table,
    /// Rows of any namespace, with labels.
    NamespaceTable,
}

/// A body, read.
#[derive(Debug)]
pub struct Import {
    /// The project it says it is for.
    pub project_id: Option<u64>,
    /// The device it says it is from; not yet checked to be an id.
    pub device_id: Option<String>,
    /// The namespace it says it is for; not yet checked to be a name.
    pub namespace: Option<String>,
    /// Constants that belong to each row, in the order they stand.
    pub labels: Vec<(FieldName, Value)>,
    /// Which of the three bodies it was.
    pub shape: Shape,
    /// One table for each series; else exactly one.
    pub tables: Vec<LooseTable>,
}

impl Import {
    /// How many rows there are in all tables.
    pub fn rows(&self) -> usize {
        self.tables.iter().map(LooseTable::rows).sum()
    }
}

/// The text without the byte order mark that some editors and spreadsheets begin a file with.
pub fn without_byte_order_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text)
}

/// Reads a body. `table` says whether the request asked for `fmt=table`.
///
/// ```
/// use iobeam_wire::import::{ImportLimits, parse};
///
/// let body = br#"{"device_id":"d","sources":{"fields":["time","temp"],"data":[[1427316488000,21],[1427316489000,22.5]]}}"#;
/// let mut import = parse(body, true, &ImportLimits::default())?;
/// let batch = import.tables.remove(0).into_batch("input".parse()?, &|_field| None, vec![])?;
/// assert_eq!(batch.times(), [1_427_316_488_000_000, 1_427_316_489_000_000]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When it is not JSON, not one of the shapes, or wrong in itself: whatever the types of the fields may be.
pub fn parse(body: &[u8], table: bool, limits: &ImportLimits) -> Result<Import, ImportError> {
    let body = without_byte_order_mark(body);
    let mut context = Context::new(*limits);
    let read = body::read(body, table, &mut context);
    let draft = read.map_err(|error| context.explain(&error))?;
    if context.saw_huge
        && let Some(value) = place::huge_integer(body)
    {
        return Err(ImportError::TooLong { value });
    }
    draft.finish()
}

#[cfg(test)]
mod tests;
