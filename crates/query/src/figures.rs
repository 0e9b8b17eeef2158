//! How many rows there are, and from when to when: of a namespace, of one value of its partitioning field, or of each.
//!
//! ```text
//! Of::All        ─▶ from the snapshot's own facts; only files with expired rows are read
//! Of::Value(d)   ─▶ the row groups of that value        Of::EachValue ─▶ times and partitioning field of all rows
//! ```
//!
//! All of it is exact, and of one moment.

use arrow::array::AsArray as _;
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use futures::TryStreamExt as _;
use iobeam_model::{ProjectId, Timestamp};

use crate::engine::Engine;
use crate::error::QueryError;
use crate::scope::{Scope, TIME, Table};
use crate::sql::Param;

/// Rows, and the times of the first and the last of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// The value of the partitioning field that they are of; `None`: they are of all rows, or of those without one.
    pub value: Option<String>,
    /// How many rows.
    pub rows: u64,
    /// The earliest time; `None` when there is no row.
    pub first: Option<Timestamp>,
    /// The latest time.
    pub last: Option<Timestamp>,
}

/// What figures are wanted of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of<'a> {
    /// Of all rows together.
    All,
    /// Of the rows with this value of the partitioning field.
    Value(&'a str),
    /// Of each value of the partitioning field.
    EachValue,
}

impl Engine {
    /// Counts rows, within the limits of any query. [`Of::EachValue`] gives a list, the others one answer.
    ///
    /// # Errors
    /// As any query.
    pub async fn figures(
        &self,
        project: ProjectId,
        table: Table,
        of: Of<'_>,
        now: Timestamp,
    ) -> Result<Vec<Figures>, QueryError> {
        table.check()?;
        let snapshot = &table.snapshot;
        let is_exact = !snapshot.files.iter().any(|file| snapshot.expires_in(file));
        if of == Of::All && is_exact {
            return Ok(vec![by_facts(&table)]);
        }
        let (name, key) = (&table.name, &table.partition);
        let figures = format!("count(*), min({TIME}), max({TIME}) FROM \"{name}\"");
        let (query, params) = match of {
            Of::All => (format!("SELECT NULL, {figures}"), Vec::new()),
            Of::Value(value) => (
                format!("SELECT NULL, {figures} WHERE \"{key}\" = $1"),
                vec![Param::String(value.to_owned())],
            ),
            Of::EachValue => (format!("SELECT \"{key}\", {figures} GROUP BY 1"), Vec::new()),
        };
        let scope = Scope { project, tables: vec![table] };
        let answer = self.sql(scope, &query, params, now).await?;
        let batches: Vec<RecordBatch> = answer.into_rows().try_collect().await?;
        Ok(batches.iter().flat_map(read).collect())
    }
}

/// From what is known without reading anything.
fn by_facts(table: &Table) -> Figures {
    let snapshot = &table.snapshot;
    let files = snapshot.files.iter().map(|file| (file.min_time, file.max_time));
    let chunks = snapshot.chunks.iter().map(|chunk| (chunk.min_time, chunk.max_time));
    let spans = || files.clone().chain(chunks.clone());
    Figures {
        value: None,
        rows: snapshot.rows(),
        first: spans().map(|(first, _)| first).min().map(Timestamp::from_micros),
        last: spans().map(|(_, last)| last).max().map(Timestamp::from_micros),
    }
}

fn read(batch: &RecordBatch) -> impl Iterator<Item = Figures> {
    let values = batch.column(0).as_string_view_opt();
    let counts = batch.column(1).as_primitive::<Int64Type>();
    let time = |column: usize, row: usize| {
        let times = batch.column(column).as_primitive::<TimestampMicrosecondType>();
        times.iter().nth(row).flatten().map(Timestamp::from_micros)
    };
    (0..batch.num_rows()).map(move |row| Figures {
        value: values.and_then(|values| values.iter().nth(row).flatten()).map(str::to_owned),
        rows: counts.value(row).cast_unsigned(),
        first: time(2, row),
        last: time(3, row),
    })
}
