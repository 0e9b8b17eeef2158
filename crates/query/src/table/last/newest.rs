//! Rows that are enough for figures of the newest ones, where not every last row will do.
//!
//! ```text
//! last rows of files ─ that pass the filters and have the values ──────────────▶ themselves
//!                    └ others ─▶ back through the device's rows, file by file ─▶ up to one that does
//! rows in memory ─────────────────────────────────────────────────────────────▶ all of them
//! ```

use std::cmp::Reverse;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::{and, filter_record_batch, is_not_null, prep_null_mask_filter};
use datafusion::common::{DFSchema, Result};
use datafusion::execution::context::ExecutionProps;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use iobeam_store::Arrival;

use crate::arrival::{
    ARRIVAL, Arrivals, Standing, arrivals as arrivals_of, numbered, ranks, with_arrivals,
};
use crate::context::engine_error;
use crate::error::QueryError;
use crate::few::may_hold;
use crate::runs::{Reading, times};
use crate::scope::Table;

/// Rows to begin with on the way back.
const STEP: usize = 64;
/// So far back it goes in a file; beyond that all rows are looked at.
const FAR: usize = 8192;
/// So many devices may need a look back, or one in so many of all.
const OTHERS: usize = 16;
const SHARE: usize = 8;

/// What the newest rows must fulfil.
pub(super) struct Wanted<'a> {
    pub(super) table: &'a Table,
    pub(super) reading: &'a Reading<'a>,
    /// The columns that are read beside the time.
    pub(super) columns: Vec<&'a str>,
    /// Which devices.
    pub(super) devices: &'a [Expr],
    /// Which rows of theirs.
    pub(super) filters: &'a [Expr],
    /// Of these columns the newest value.
    pub(super) present: &'a [String],
}

/// What rows must fulfil, ready to be held against them.
struct Rule<'a> {
    table: &'a Table,
    filter: Option<Arc<dyn PhysicalExpr>>,
    present: &'a [String],
}

impl Wanted<'_> {
    /// The rows, of devices that have them in files, with those in memory; nothing when all must be looked at.
    pub(super) fn rows(
        &self,
        last: &RecordBatch,
        came: &[Arrival],
    ) -> Result<Option<Vec<RecordBatch>>> {
        let table = self.table;
        let choice = Rule::new(table, self.devices, &[])?.holds(last)?;
        let last = filter_record_batch(last, &choice)?;
        let chosen = choice.values().set_indices().map(|row| &came[row]);
        let last_of: Vec<_> =
            chosen.map(|((seq, _), device)| Standing::last(*seq, *device)).collect();
        let rule = Rule::new(table, self.filters, self.present)?;
        let pass = rule.holds(&last)?;
        let pass = rule.has_values(&last, &pass)?;
        let others = pass.len() - pass.true_count();
        if others > OTHERS.max(pass.len() / SHARE) {
            return Ok(None);
        }
        let mut found = Found::default();
        let standing = pass.values().set_indices().map(|row| last_of[row]);
        found.add(filter_record_batch(&last, &pass)?, standing);
        let keys = last.column_by_name(table.partition.as_str());
        for row in (0..last.num_rows()).filter(|row| !pass.value(*row)) {
            let Some(keys) = keys.and_then(|keys| keys.as_string_view_opt()) else {
                return Ok(None);
            };
            let device = (keys.value(row), last_of[row].device);
            if !self.back(device, &rule, &mut found)? {
                return Ok(None);
            }
        }
        if !self.columns.contains(&ARRIVAL) {
            found.rows.extend(table.snapshot.chunks.iter().map(|chunk| chunk.rows.clone()));
            return Ok(Some(found.rows));
        }
        let arrivals = Arrivals::of(&table.snapshot);
        self.reading.hold_arrivals(found.standing.len()).map_err(engine_error)?;
        let mut found = found.numbered().map_err(engine_error)?;
        for (at, chunk) in table.snapshot.chunks.iter().enumerate() {
            self.reading.hold_arrivals(chunk.rows.num_rows()).map_err(engine_error)?;
            found.push(numbered(&chunk.rows, arrivals.of_chunk(at))?);
        }
        Ok(Some(found))
    }

    /// Finds rows of a device, which has that place among all: the newest of each file, up to those that are enough. Whether
    /// there were not too many.
    fn back(
        &self,
        (device, place): (&str, usize),
        rule: &Rule<'_>,
        found: &mut Found,
    ) -> Result<bool> {
        let snapshot = &self.table.snapshot;
        let files = snapshot.files.iter().enumerate();
        let mut files: Vec<_> = files.filter(|(_, file)| may_hold(file, device)).collect();
        files.sort_by_key(|(_, file)| Reverse(file.max_time));
        // From this time on everything that is asked for has been found.
        let mut enough = i64::MIN;
        for (at, file) in files {
            if file.max_time < enough || file.max_time < snapshot.keep_from {
                break;
            }
            let partition = self.table.partition.as_str();
            let rows = self.reading.of(file, partition, device);
            let mut rows = rows.map_err(engine_error)?.numbered_from_run();
            let within = rows.within(snapshot.keep_from, i64::MAX);
            let within = within.map_err(engine_error)?;
            let mut step = STEP;
            loop {
                let start = within.end.saturating_sub(step).max(within.start);
                let read = rows.columns(start..within.end, &self.columns);
                let read = read.map_err(engine_error)?;
                let since = rule.since(&read)?;
                if since.is_some() || start == within.start {
                    enough = enough.max(since.unwrap_or(i64::MIN));
                    for rows in read {
                        let of = |row: &i64| Standing {
                            seq: file.seq,
                            device: place,
                            file: at,
                            row: *row,
                        };
                        let standing: Vec<_> =
                            arrivals_of(&rows).map_err(engine_error)?.iter().map(of).collect();
                        found.add(rows, standing);
                    }
                    break;
                }
                if step >= FAR || self.reading.holds_much() {
                    return Ok(false);
                }
                step *= 4;
            }
        }
        Ok(true)
    }
}

/// Rows of files, and how they stand to each other.
#[derive(Default)]
struct Found {
    rows: Vec<RecordBatch>,
    standing: Vec<Standing>,
}

impl Found {
    fn add(&mut self, rows: RecordBatch, standing: impl IntoIterator<Item = Standing>) {
        self.rows.push(rows);
        self.standing.extend(standing);
    }

    /// The rows with their arrivals.
    fn numbered(self) -> Result<Vec<RecordBatch>, QueryError> {
        let mut arrivals = ranks(&self.standing).into_iter();
        let mut numbered =
            |rows: &RecordBatch| with_arrivals(rows, arrivals.by_ref().take(rows.num_rows()));
        self.rows.iter().map(&mut numbered).collect()
    }
}

impl<'a> Rule<'a> {
    fn new(table: &'a Table, filters: &[Expr], present: &'a [String]) -> Result<Self> {
        let schema = DFSchema::try_from(table.schema())?;
        let filter = conjunction(filters.to_vec());
        let (known, context) = (ExecutionProps::new(), PhysicalPlanningContext::default());
        let filter = filter.map(|filter| create_physical_expr(&filter, &schema, &known, &context));
        Ok(Self { table, filter: filter.transpose()?, present })
    }

    /// Which rows the filters let through.
    fn holds(&self, rows: &RecordBatch) -> Result<BooleanArray> {
        let Some(filter) = &self.filter else {
            return Ok(BooleanArray::from(vec![true; rows.num_rows()]));
        };
        let schema = self.table.schema();
        let columns = schema.fields().iter().map(|field| match rows.column_by_name(field.name()) {
            Some(column) => Arc::clone(column),
            None => new_null_array(field.data_type(), rows.num_rows()),
        });
        let columns = columns.collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        let rows = RecordBatch::try_new_with_options(schema, columns, &options)?;
        let held = filter.evaluate(&rows)?.into_array(rows.num_rows())?;
        let held = held.as_boolean();
        Ok(if held.null_count() > 0 { prep_null_mask_filter(held) } else { held.clone() })
    }

    /// Of rows those that have every value that is asked for.
    fn has_values(&self, rows: &RecordBatch, pass: &BooleanArray) -> Result<BooleanArray> {
        let mut pass = pass.clone();
        for name in self.present {
            pass = match rows.column_by_name(name) {
                Some(column) => and(&pass, &is_not_null(column)?)?,
                None => BooleanArray::from(vec![false; rows.num_rows()]),
            };
        }
        Ok(pass)
    }

    /// The time from which on there is everything that is asked for, if there is.
    fn since(&self, batches: &[RecordBatch]) -> Result<Option<i64>> {
        let mut newest = vec![None; self.present.len().max(1)];
        for rows in batches {
            let pass = self.holds(rows)?;
            let times = times(rows);
            for (at, newest) in newest.iter_mut().enumerate() {
                let column = self.present.get(at).map(|name| rows.column_by_name(name));
                let has = |row: &usize| match column {
                    None => true,
                    Some(column) => column.is_some_and(|column| column.is_valid(*row)),
                };
                let hit = (0..rows.num_rows()).rev().find(|row| pass.value(*row) && has(row));
                *newest = (*newest).max(hit.map(|row| times[row]));
            }
        }
        let all: Option<Vec<i64>> = newest.into_iter().collect();
        Ok(all.and_then(|all| all.into_iter().min()))
    }
}
