//! An answer as bytes: a stream, never a whole table in memory.
//!
//! ```text
//! Answer ─ batch by batch ─▶ Writer { begin, rows, end } ─▶ Bytes, Bytes, ...
//!                             ├ json   {"result":[{"fields":[..],"types":[..],"values":[[..],..]}],"timefmt":"msec"}
//!                             ├ csv    time,input.temperature
//!                             ├ arrow  IPC stream
//!                             └ parquet
//! ```
//!
//! JSON and CSV write numbers so that they read back as the same numbers, and times in the unit that was asked for.

mod arrow_stream;

mod csv;

mod json;

mod parquet_file;

pub(crate) mod cells;

#[cfg(test)]
mod tests;

use std::fmt;

use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use iobeam_model::TimeFormat;

use crate::answer::{Answer, Rows, Shape};
use crate::context::QueryContext;
use crate::error::QueryError;
use crate::request::Output;

/// An answer's bytes as they come.
pub type Pieces = BoxStream<'static, Result<Bytes, QueryError>>;

/// An answer that is being written down. All that this takes counts as time of the query, until the reply leaves.
pub struct Rendered {
    pieces: Pieces,
    context: QueryContext,
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rendered").field("context", &self.context).finish_non_exhaustive()
    }
}

impl Rendered {
    /// The next bytes; an error when the query's time is over.
    pub async fn next(&mut self) -> Option<Result<Bytes, QueryError>> {
        if self.context.left().is_none() {
            return Some(Err(self.context.late()));
        }
        self.pieces.next().await
    }

    /// The bytes that are left, for a reply that has begun to leave: time in which the client does not read does not
    /// count.
    pub fn leave(self) -> Pieces {
        self.context.leave();
        self.pieces
    }
}

/// The media type of a form of reply. CSV is `text/plain`: the original command line refuses `text/csv`.
pub const fn media_type(output: Output) -> &'static str {
    match output {
        Output::Json => "application/json",
        Output::Csv => "text/plain",
        Output::Arrow => "application/vnd.apache.arrow.stream",
        Output::Parquet => "application/vnd.apache.parquet",
    }
}

/// The answer in the form that was asked for. `format` is how JSON and CSV write times.
///
/// # Errors
/// When the answer has no such form: exports are JSON or CSV.
pub fn render(answer: Answer, output: Output, format: TimeFormat) -> Result<Rendered, QueryError> {
    let context = answer.context.clone();
    let pieces = match output {
        Output::Json => json(answer, format),
        Output::Csv => csv(answer, format),
        Output::Arrow => arrow(answer)?,
        Output::Parquet => parquet(answer)?,
    };
    Ok(Rendered { pieces, context })
}

/// The answer as JSON.
fn json(answer: Answer, format: TimeFormat) -> Pieces {
    match answer.shape {
        Shape::Table(_) => drive(answer.rows, json::Table::new(&answer.schema, format)),
        Shape::Series(project) => drive(answer.rows, json::Series::new(project, format)),
    }
}

/// The answer as comma separated values.
fn csv(answer: Answer, format: TimeFormat) -> Pieces {
    match answer.shape {
        Shape::Table(namespace) => {
            drive(answer.rows, csv::Table::new(&answer.schema, namespace.as_ref(), format))
        }
        Shape::Series(project) => drive(answer.rows, csv::Series::new(project, format)),
    }
}

/// The answer as an Arrow IPC stream; not an export, whose series have different types.
fn arrow(answer: Answer) -> Result<Pieces, QueryError> {
    one_table(&answer, "arrow")?;
    Ok(drive(answer.rows, arrow_stream::Table::new(&answer.schema)?))
}

/// The answer as a Parquet file; not an export, whose series have different types.
fn parquet(answer: Answer) -> Result<Pieces, QueryError> {
    one_table(&answer, "parquet")?;
    Ok(drive(answer.rows, parquet_file::Table::new(&answer.schema)?))
}

fn one_table(answer: &Answer, form: &str) -> Result<(), QueryError> {
    match answer.shape {
        Shape::Table(_) => Ok(()),
        Shape::Series(_) => {
            let reason = format!("exports have no form '{form}'; use json or csv, or ask /v1/data");
            Err(QueryError::parameter("output", reason))
        }
    }
}

/// Writes one form, piece by piece.
trait Writer: Send + 'static {
    /// What stands before the first row.
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError>;
    /// Rows.
    fn rows(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), QueryError>;
    /// What stands after the last row.
    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError>;
}

/// Pieces smaller than this are put together.
const PIECE: usize = 64 * 1024;

/// Draws the rows through the writer.
fn drive(rows: Rows, writer: impl Writer) -> Pieces {
    stream::try_unfold(Some((rows, writer, None)), |state| async move {
        let Some((mut rows, mut writer, last)) = state else { return Ok(None) };
        // A piece is about as long as the one before. Memory that grew as the piece does would be copied, and asked of
        // the system, several times: an export as CSV took a third longer.
        let mut out = Vec::with_capacity(last.map_or(0, |length: usize| length + length / 16));
        if last.is_some() {
            // Rows that wait are written one piece after the other: others get their turn in between.
            tokio::task::yield_now().await;
        } else {
            writer.begin(&mut out)?;
        }
        while out.len() < PIECE {
            let Some(batch) = rows.next().await else {
                writer.end(&mut out)?;
                return Ok(Some((Bytes::from(out), None)));
            };
            writer.rows(&batch?, &mut out)?;
        }
        let length = out.len();
        Ok(Some((Bytes::from(out), Some((rows, writer, Some(length))))))
    })
    .boxed()
}
