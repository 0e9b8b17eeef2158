//! Figures of a few devices, in buckets of time: the mean per minute of one, the maxima per hour of eight.
//!
//! ```text
//! rows of the devices ─▶ runs of rows in one bucket ─▶ one line for each bucket, in order of time
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int64Array, RecordBatch,
    TimestampMicrosecondArray, UInt64Array,
};
use arrow::compute::take_record_batch;
use arrow::datatypes::{Field, Float64Type, Int64Type, Schema};
use arrow::error::ArrowError;
use iobeam_model::FieldType;

use super::{AT_HAND, arrow};
use crate::error::QueryError;
use crate::few::Few;
use crate::functions::Width;
use crate::request::Operator;
use crate::runs::{Reading, Runs, times};
use crate::scope::{TIME, Table, time_type};

/// A sum of LONG has so many digits, as the engine's has.
const DIGITS: u8 = 30;

/// A figure over a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Figure {
    /// How it is made.
    pub(crate) operator: Operator,
    /// Of which column, which the table has.
    pub(crate) column: String,
    /// What the answer calls it.
    pub(crate) heading: String,
}

/// A question for figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Figures {
    /// Of which devices, and when.
    pub(crate) few: Few,
    /// Only rows that have a value of this field.
    pub(crate) present: Option<String>,
    /// The buckets' width.
    pub(crate) width: Width,
    /// What the answer calls the buckets.
    pub(crate) bucket: String,
    /// What is made of the rows of each bucket.
    pub(crate) made: Vec<Figure>,
}

/// How lines come out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lines {
    /// The newest first.
    pub(crate) newest_first: bool,
    /// So many at most, of those that come first.
    pub(crate) limit: Option<usize>,
    /// The place of the bucket among the columns.
    pub(crate) bucket: usize,
}

impl Lines {
    /// The lines in their order, and their columns in the question's.
    pub(super) fn of(&self, rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let count = rows.num_rows();
        let taken = count.min(self.limit.unwrap_or(count)) as u64;
        let count = count as u64;
        let places: UInt64Array = if self.newest_first {
            (count - taken..count).rev().collect()
        } else {
            (0..taken).collect()
        };
        let mut columns: Vec<usize> = (1..rows.num_columns()).collect();
        columns.insert(self.bucket, 0);
        take_record_batch(&rows.project(&columns)?, &places)
    }
}

impl Figures {
    /// A line for each bucket that has rows, the earliest first, if they can be had this way.
    pub(crate) fn answer(
        &self,
        table: &Table,
        reading: &Reading<'_>,
    ) -> Result<Option<RecordBatch>, QueryError> {
        let kinds: Option<Vec<Kind>> = self.made.iter().map(|it| Kind::of(it, table)).collect();
        let Some(kinds) = kinds else { return Ok(None) };
        let rows = self.few.rows(table, reading, &self.columns())?;
        let Some(batches) = rows else { return Ok(None) };
        let mut lines: BTreeMap<i64, Vec<Made>> = BTreeMap::new();
        for rows in &batches {
            reading.check()?;
            self.add(rows, &kinds, &mut lines)?;
        }
        self.batch(&kinds, &lines).map(Some).map_err(arrow)
    }

    pub(super) fn is_at_hand(&self, table: &Table, runs: &Runs) -> bool {
        self.few.is_at_hand(table, runs, &self.columns(), AT_HAND)
    }

    /// The columns that are looked at, each once.
    fn columns(&self) -> Vec<&str> {
        let columns = self.made.iter().map(|figure| figure.column.as_str());
        let mut columns: Vec<&str> = columns.chain(self.present.as_deref()).collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// Adds rows to the lines of their buckets.
    fn add(
        &self,
        rows: &RecordBatch,
        kinds: &[Kind],
        lines: &mut BTreeMap<i64, Vec<Made>>,
    ) -> Result<(), QueryError> {
        let rows = match &self.present {
            None => rows.clone(),
            Some(field) => match rows.column_by_name(field) {
                None => return Ok(()),
                Some(column) if column.null_count() == 0 => rows.clone(),
                Some(column) => {
                    let is_there = arrow::compute::is_not_null(column).map_err(arrow)?;
                    arrow::compute::filter_record_batch(rows, &is_there).map_err(arrow)?
                }
            },
        };
        let columns: Vec<Option<&ArrayRef>> =
            self.made.iter().map(|figure| rows.column_by_name(&figure.column)).collect();
        let times = times(&rows);
        let mut at = 0;
        while at < times.len() {
            let buckets = self.width.buckets();
            let start = buckets.start(times[at]);
            let same = |time: &i64| buckets.start(*time) == start;
            let last = buckets.last(start);
            // Rows mostly come in order of time, many to a bucket.
            let more = times[at + 1..].iter();
            let more =
                more.take_while(|time| start <= **time && **time <= last || same(time)).count();
            let line = lines.entry(start).or_insert_with(|| vec![Made::default(); kinds.len()]);
            for ((made, kind), column) in line.iter_mut().zip(kinds).zip(&columns) {
                if let Some(column) = column {
                    made.add(*kind, &column.slice(at, more + 1));
                }
            }
            at += more + 1;
        }
        Ok(())
    }

    fn batch(
        &self,
        kinds: &[Kind],
        lines: &BTreeMap<i64, Vec<Made>>,
    ) -> Result<RecordBatch, ArrowError> {
        let starts: TimestampMicrosecondArray = lines.keys().copied().collect::<Vec<_>>().into();
        let mut fields = vec![Field::new(&self.bucket, time_type(), true)];
        let mut columns: Vec<ArrayRef> = vec![Arc::new(starts.with_timezone("UTC"))];
        for (at, (figure, kind)) in self.made.iter().zip(kinds).enumerate() {
            let made = lines.values().map(|line| &line[at]);
            let column = kind.column(made)?;
            let nullable = figure.operator != Operator::Count;
            fields.push(Field::new(&figure.heading, column.data_type().clone(), nullable));
            columns.push(column);
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
    }
}

/// A figure, and of what.
#[derive(Clone, Copy, Debug)]
struct Kind {
    operator: Operator,
    values: Option<FieldType>,
}

/// What is known of the values so far.
#[derive(Clone, Debug, Default)]
struct Made {
    count: u64,
    sum: f64,
    whole: i128,
    least: Option<f64>,
    most: Option<f64>,
    least_whole: Option<i64>,
    most_whole: Option<i64>,
}

impl Kind {
    /// Nothing for a figure that is left to the engine.
    fn of(figure: &Figure, table: &Table) -> Option<Self> {
        let is_time = figure.column == TIME;
        let values = table.field_type(&figure.column);
        let numbers = matches!(values, Some(FieldType::Double | FieldType::Long));
        let fits = numbers || figure.operator == Operator::Count && (is_time || values.is_some());
        fits.then_some(Self { operator: figure.operator, values })
    }

    fn column<'m>(self, made: impl Iterator<Item = &'m Made>) -> Result<ArrayRef, ArrowError> {
        let long = self.values == Some(FieldType::Long);
        let some = |made: &Made| made.count > 0;
        Ok(match self.operator {
            Operator::Count => {
                Arc::new(made.map(|made| Some(made.count as i64)).collect::<Int64Array>())
            }
            Operator::Mean => {
                let mean = |made: &Made| some(made).then(|| made.sum / made.count as f64);
                Arc::new(made.map(mean).collect::<Float64Array>())
            }
            Operator::Sum if long => {
                let sums = made.map(|made| some(made).then_some(made.whole));
                let sums: Decimal128Array = sums.collect();
                Arc::new(sums.with_precision_and_scale(DIGITS, 0)?)
            }
            Operator::Sum => {
                Arc::new(made.map(|made| some(made).then_some(made.sum)).collect::<Float64Array>())
            }
            Operator::Min if long => {
                Arc::new(made.map(|made| made.least_whole).collect::<Int64Array>())
            }
            Operator::Max if long => {
                Arc::new(made.map(|made| made.most_whole).collect::<Int64Array>())
            }
            Operator::Min => Arc::new(made.map(|made| made.least).collect::<Float64Array>()),
            Operator::Max => Arc::new(made.map(|made| made.most).collect::<Float64Array>()),
        })
    }
}

impl Made {
    fn add(&mut self, kind: Kind, values: &ArrayRef) {
        self.count += (values.len() - values.null_count()) as u64;
        match (kind.operator, kind.values) {
            (Operator::Count, _) => {}
            (_, Some(FieldType::Double)) => {
                let values = values.as_primitive::<Float64Type>();
                if values.null_count() == 0 {
                    values.values().iter().for_each(|value| self.double(kind.operator, *value));
                } else {
                    values.iter().flatten().for_each(|value| self.double(kind.operator, value));
                }
            }
            (_, Some(FieldType::Long)) => {
                let values = values.as_primitive::<Int64Type>();
                values.iter().flatten().for_each(|value| self.long(value));
            }
            _ => {}
        }
    }

    fn double(&mut self, operator: Operator, value: f64) {
        match operator {
            Operator::Min => self.least = Some(self.least.map_or(value, |least| least.min(value))),
            Operator::Max => self.most = Some(self.most.map_or(value, |most| most.max(value))),
            _ => self.sum += value,
        }
    }

    fn long(&mut self, value: i64) {
        self.sum += value as f64;
        self.whole += i128::from(value);
        self.least_whole = Some(self.least_whole.map_or(value, |least| least.min(value)));
        self.most_whole = Some(self.most_whole.map_or(value, |most| most.max(value)));
    }
}
