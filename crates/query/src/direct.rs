//! What people ask most, answered without the engine: the newest rows of one device, and the last row of each.
//!
//! ```text
//! the last row of each partition value          ─▶ the store's last rows
//! the last row of one                           ─▶ the store's last rows
//! the newest n of one, also in a span of time   ─▶ chunks and files, newest first, until no older one can matter
//! anything else, and what these cannot say      ─▶ no answer: the engine is asked
//! ```
//!
//! A plan of the engine costs milliseconds before it reads its first row; here the answer is there by then. It is the
//! one that the engine would have given, also among rows of equal times. Where all that it takes is in memory already,
//! and little, it costs less than to wake a thread of the engine's, and is given on the task that asks.

mod figures;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, BooleanArray, Int64Array, RecordBatch, RecordBatchOptions, new_null_array,
};
use arrow::compute::{filter_record_batch, interleave_record_batch, is_not_null};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use iobeam_model::{FieldType, Timestamp};
use iobeam_store::{Chunk, DataFile};

use crate::arrival::{ARRIVAL, Arrivals, Place, Places, arrivals, ranks, with_arrivals};
use crate::context::QueryContext;
use crate::error::QueryError;
use crate::few::{Few, may_hold, of_chunk};
use crate::request::TimeRange;
use crate::runs::{Reading, RowsOf, Runs, times};
use crate::scope::Table;

pub(crate) use figures::{Figure, Figures, Lines};

/// More rows than this are the engine's business, which counts their memory.
const MOST: usize = 1000;
/// More rows in memory than this are not looked through on the task that asks.
const AT_HAND: usize = 8192;
/// A step back in a file that is worth taking.
const WORTH: usize = 1024;

/// A question of the kind that is answered here.
#[derive(Clone, Debug)]
pub(crate) enum Direct {
    /// How many rows there are, under that heading.
    Count(String),
    /// The newest rows.
    Newest(Newest),
    /// Figures in buckets of time, and how they come out.
    Figures(Figures, Lines),
}

impl Direct {
    /// The rows, if they can be had this way.
    pub(crate) fn answer(
        &self,
        table: &Table,
        runs: &Runs,
        context: &QueryContext,
    ) -> Result<Option<RecordBatch>, QueryError> {
        table.check()?;
        let reading = Reading::new(runs, context);
        match self {
            Self::Count(heading) => count(table, heading).map(Some),
            Self::Newest(newest) => newest.answer(table, &reading),
            Self::Figures(figures, lines) => {
                let Some(rows) = figures.answer(table, &reading)? else { return Ok(None) };
                lines.of(&rows).map(Some).map_err(arrow)
            }
        }
    }

    /// Whether the answer takes nothing but what is in memory, and little of it.
    pub(crate) fn is_at_hand(&self, table: &Table, runs: &Runs) -> bool {
        let chunks = table.snapshot.chunks.iter();
        let few_in_memory = chunks.map(|chunk| chunk.rows.num_rows()).sum::<usize>() <= AT_HAND;
        match self {
            Self::Count(_) => true,
            _ if !few_in_memory => false,
            Self::Newest(newest) => newest.is_at_hand(table, runs),
            Self::Figures(figures, _) => figures.is_at_hand(table, runs),
        }
    }
}

fn count(table: &Table, heading: &str) -> Result<RecordBatch, QueryError> {
    let schema = Schema::new(vec![Field::new(heading, DataType::Int64, false)]);
    let rows = Int64Array::from(vec![table.snapshot.rows() as i64]);
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(rows)]).map_err(arrow)
}

/// The newest rows of one device, or the last of each.
#[derive(Clone, Debug)]
pub(crate) struct Newest {
    /// Of which partition value; `None` for each.
    pub(crate) of: Option<String>,
    /// So many rows, the newest.
    pub(crate) rows: usize,
    /// When.
    pub(crate) range: TimeRange,
    /// Only rows that have a value of this field.
    pub(crate) present: Option<String>,
    /// The columns, all of which the table has.
    pub(crate) columns: Vec<String>,
}

impl Newest {
    /// The rows, newest first, if they can be had this way.
    pub(crate) fn answer(
        &self,
        table: &Table,
        reading: &Reading<'_>,
    ) -> Result<Option<RecordBatch>, QueryError> {
        let schema = table.schema();
        let columns = self.columns.iter().map(|name| schema.index_of(name));
        let Ok(columns) = columns.collect::<Result<Vec<_>, _>>() else { return Ok(None) };
        let schema = Arc::new(schema.project(&columns).map_err(QueryError::internal)?);
        if table.field_type(table.partition.as_str()) != Some(FieldType::String) {
            return Ok(None);
        }
        let Some(value) = &self.of else { return self.last_of_each(table, &schema) };
        if self.rows == 1
            && let Some(row) = table.snapshot.last_row(value)
            && let Some(row) = self.fitting(&row, table)?
        {
            return fit(&row, &schema).map(Some);
        }
        if self.rows > MOST {
            return self.all_of_one(value, table, &schema, reading);
        }
        self.newest_of_one(value, table, &schema, reading)
    }

    fn is_at_hand(&self, table: &Table, runs: &Runs) -> bool {
        let Some(value) = &self.of else { return false };
        let is_last = self.rows == 1 && self.range.to.is_none() && self.present.is_none();
        if is_last && table.snapshot.knows_last_rows() {
            return true;
        }
        self.few(value).is_at_hand(table, runs, &self.looked_at(), AT_HAND)
    }

    /// All rows of a value in the span of time.
    fn few(&self, value: &str) -> Few {
        let (from, to) = bounds(&self.range);
        Few { values: vec![value.to_owned()], from, to }
    }

    /// The columns that are looked at.
    fn looked_at(&self) -> Vec<&str> {
        self.columns.iter().map(String::as_str).chain(self.present.as_deref()).collect()
    }

    /// Those, and what decides between rows of equal time.
    fn compared(&self) -> Vec<&str> {
        self.looked_at().into_iter().chain([ARRIVAL]).collect()
    }

    fn last_of_each(
        &self,
        table: &Table,
        schema: &SchemaRef,
    ) -> Result<Option<RecordBatch>, QueryError> {
        let Some((rows, came)) = table.snapshot.last_rows_by_arrival() else { return Ok(None) };
        let rows = with_arrivals(&rows, ranks(&came))?;
        let Some(rows) = self.fitting(&rows, table)? else { return Ok(None) };
        let mut best = Best { most: self.rows, ..Best::default() };
        best.add(&rows, schema)?;
        best.finish(schema).map(Some)
    }

    /// Of last rows those that the question is about; nothing when an older row might be.
    fn fitting(
        &self,
        rows: &RecordBatch,
        table: &Table,
    ) -> Result<Option<RecordBatch>, QueryError> {
        if rows.num_rows() == 0 {
            return Ok(Some(rows.clone()));
        }
        let times = times(rows);
        let too_new = |to: Timestamp| times.iter().any(|time| *time > to.micros());
        let missing = |field: &String| {
            table.field_type(field).is_none()
                || rows.column_by_name(field).is_none_or(|column| column.null_count() > 0)
        };
        if self.range.to.is_some_and(too_new) || self.present.as_ref().is_some_and(missing) {
            return Ok(None);
        }
        let Some(from) = self.range.from else { return Ok(Some(rows.clone())) };
        let keep: BooleanArray = times.iter().map(|time| Some(*time >= from.micros())).collect();
        filter_record_batch(rows, &keep).map(Some).map_err(arrow)
    }

    /// All rows in the span of time, if they are few.
    fn all_of_one(
        &self,
        value: &str,
        table: &Table,
        schema: &SchemaRef,
        reading: &Reading<'_>,
    ) -> Result<Option<RecordBatch>, QueryError> {
        let rows = self.few(value).rows(table, reading, &self.compared())?;
        let Some(batches) = rows else { return Ok(None) };
        let mut best = Best { most: self.rows, ..Best::default() };
        for rows in batches {
            if let Some(rows) = self.present(rows)? {
                best.add(&rows, schema)?;
            }
        }
        best.finish(schema).map(Some)
    }

    /// Looks through chunks and files, those with the newest rows first; nothing when they are too much to be held.
    fn newest_of_one(
        &self,
        value: &str,
        table: &Table,
        schema: &SchemaRef,
        reading: &Reading<'_>,
    ) -> Result<Option<RecordBatch>, QueryError> {
        let snapshot = &table.snapshot;
        let partition = table.partition.as_str();
        let arrivals = Arrivals::of(snapshot);
        let chunks = snapshot.chunks.iter().enumerate();
        let chunks = chunks.map(|(at, chunk)| Source::Chunk(chunk, arrivals.of_chunk(at)));
        let files = snapshot.files.iter();
        let files = files.map(|file| Ok(Source::File(file, arrivals.of_file(file)?)));
        let mut sources = files.collect::<Result<Vec<_>, QueryError>>()?;
        sources.extend(chunks);
        let (from, to) = bounds(&self.range);
        let from = from.max(snapshot.keep_from);
        sources.retain(|source| {
            let (min, max) = source.times();
            max >= from && min <= to && source.may_hold(value)
        });
        // Up to there a row of the source may be among the newest.
        let end = |source: &Source<'_>| (source.times().1.min(to), source.last_arrival());
        sources.sort_by_key(|source| Reverse(end(source)));
        let mut best = Best { most: self.rows, ..Best::default() };
        for source in sources {
            reading.check()?;
            if reading.holds_much() {
                return Ok(None);
            }
            if best.bar().is_some_and(|bar| bar >= end(&source)) {
                break;
            }
            match source {
                Source::Chunk(chunk, first) => {
                    let (chunk, values) = ((&**chunk, Some(first)), [value.to_owned()]);
                    let Some(rows) = of_chunk(chunk, partition, &values, (from, to))? else {
                        continue;
                    };
                    let Some(rows) = self.present(rows)? else { continue };
                    best.add(&rows, schema)?;
                }
                Source::File(file, first) => {
                    let rows = reading.of(file, partition, value)?.numbered_from_file(first);
                    for rows in self.newest_in(rows, (from, to))? {
                        best.add(&rows, schema)?;
                    }
                }
            }
        }
        best.finish(schema).map(Some)
    }

    /// The newest rows of a value in a file.
    fn newest_in(
        &self,
        mut rows: RowsOf<'_>,
        (from, to): (i64, i64),
    ) -> Result<Vec<RecordBatch>, QueryError> {
        let columns = self.looked_at();
        let Range { start, mut end } = rows.within(from, to)?;
        let (mut found, mut left, mut step) = (Vec::new(), self.rows, self.rows);
        while start < end && left > 0 {
            let begin = end.saturating_sub(step).max(start);
            for rows in rows.columns(begin..end, &columns)? {
                let Some(rows) = self.present(rows)? else { continue };
                let taken = rows.num_rows().min(left);
                left -= taken;
                found.push(rows.slice(rows.num_rows() - taken, taken));
            }
            // Where the field has few values, they are looked for in ever larger steps.
            (end, step) = (begin, step.saturating_mul(2).max(WORTH));
        }
        Ok(found)
    }

    /// Of rows those that have a value of the field that is asked for.
    fn present(&self, rows: RecordBatch) -> Result<Option<RecordBatch>, QueryError> {
        let Some(field) = &self.present else { return Ok(Some(rows)) };
        let Some(column) = rows.column_by_name(field) else { return Ok(None) };
        if column.null_count() == 0 {
            return Ok(Some(rows));
        }
        let is_there = is_not_null(column).map_err(arrow)?;
        filter_record_batch(&rows, &is_there).map(Some).map_err(arrow)
    }
}

/// Where rows are, and the arrival of the first of them.
#[derive(Debug)]
enum Source<'a> {
    Chunk(&'a Arc<Chunk>, i64),
    File(&'a Arc<DataFile>, i64),
}

impl Source<'_> {
    fn times(&self) -> (i64, i64) {
        match self {
            Self::Chunk(chunk, _) => (chunk.min_time, chunk.max_time),
            Self::File(file, _) => (file.min_time, file.max_time),
        }
    }

    fn last_arrival(&self) -> i64 {
        match self {
            Self::Chunk(chunk, first) => first + chunk.rows.num_rows() as i64,
            Self::File(file, first) => first + file.rows as i64,
        }
    }

    fn may_hold(&self, value: &str) -> bool {
        let Self::File(file, _) = self else { return true };
        may_hold(file, value)
    }
}

/// The newest rows so far.
#[derive(Default)]
struct Best {
    most: usize,
    parts: Vec<RecordBatch>,
    /// With the part and the row.
    places: Vec<(Place, usize, usize)>,
    /// The newest, the oldest of them on top.
    newest: BinaryHeap<Reverse<Place>>,
}

impl Best {
    /// Takes rows in that come with their arrivals, and keeps the columns of the schema.
    fn add(&mut self, rows: &RecordBatch, schema: &SchemaRef) -> Result<(), QueryError> {
        let places = Places { times: times(rows), arrivals: Some(arrivals(rows)?) };
        for row in 0..rows.num_rows() {
            let place = places.of(row);
            self.places.push((place, self.parts.len(), row));
            self.newest.push(Reverse(place));
            if self.newest.len() > self.most {
                self.newest.pop();
            }
        }
        self.parts.push(fit(rows, schema)?);
        Ok(())
    }

    /// A row that is not newer than this is not missing.
    fn bar(&self) -> Option<Place> {
        let full = self.newest.len() >= self.most;
        self.newest.peek().filter(|_| full).map(|Reverse(place)| *place)
    }

    fn finish(mut self, schema: &SchemaRef) -> Result<RecordBatch, QueryError> {
        self.places.sort_unstable_by_key(|(place, ..)| Reverse(*place));
        self.places.truncate(self.most);
        if self.places.is_empty() {
            return Ok(RecordBatch::new_empty(Arc::clone(schema)));
        }
        let parts: Vec<&RecordBatch> = self.parts.iter().collect();
        let places: Vec<_> = self.places.iter().map(|(_, part, row)| (*part, *row)).collect();
        interleave_record_batch(&parts, &places).map_err(arrow)
    }
}

fn bounds(range: &TimeRange) -> (i64, i64) {
    let from = range.from.map_or(i64::MIN, Timestamp::micros);
    (from, range.to.map_or(i64::MAX, Timestamp::micros))
}

/// The rows with exactly the columns of the schema.
fn fit(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, QueryError> {
    let columns = schema.fields().iter().map(|field| match rows.column_by_name(field.name()) {
        Some(column) => Arc::clone(column),
        None => new_null_array(field.data_type(), rows.num_rows()),
    });
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns.collect(), &options)
        .map_err(arrow)
}

fn arrow(error: ArrowError) -> QueryError {
    QueryError::internal(error)
}
