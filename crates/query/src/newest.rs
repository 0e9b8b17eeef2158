//! What comes after the engine's plan: the newest rows of each value, the newest buckets, the first rows.
//!
//! ```text
//! rows in any order ─▶ per value: keep n with the greatest times ─▶ rows in the order asked for
//! ```
//!
//! One pass, and memory for what is kept (at most twice), where the engine's own window functions would sort and hold
//! everything. What is held counts against the memory of queries.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, RecordBatch, StringViewArray,
};
use arrow::compute::{
    SortColumn, SortOptions, filter_record_batch, interleave_record_batch, lexsort_to_indices,
    take_record_batch,
};
use arrow::datatypes::{DataType, Float64Type, Int64Type, SchemaRef, TimestampMicrosecondType};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows as Keys, SortField};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use futures::stream::{self, StreamExt};

use crate::answer::Rows;
use crate::arrival::{Place, Places};
use crate::error::QueryError;

/// How the kept rows come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// By time, newest first.
    NewestFirst,
    /// By key, and for each by time, oldest first.
    KeyThenOldestFirst,
}

/// The newest rows of each key.
#[derive(Clone, Debug)]
pub(crate) struct NewestPerKey {
    /// The column whose values are the keys. Rows without one are left out.
    pub(crate) key: usize,
    /// The column of the time.
    pub(crate) time: usize,
    /// The column of the arrivals, which decide between rows of equal time; without it there are none.
    pub(crate) arrival: Option<usize>,
    /// How many rows to keep for each key.
    pub(crate) rows: usize,
    /// How they come out.
    pub(crate) order: Order,
}

/// Rows are handed on in batches of this size.
pub(crate) const BATCH: usize = 8192;
/// Rows are gathered until there are this many before the losers are dropped, and at least as many as are kept.
const GATHER: usize = 65_536;
/// What a row costs while the losers are found.
const ROW: usize = 48;
/// What a key costs beside its bytes, about.
const GROUP: usize = 96;

impl NewestPerKey {
    /// Draws all rows and gives back those that are kept.
    pub(crate) async fn run(
        self,
        mut rows: Rows,
        schema: &SchemaRef,
        pool: &Arc<dyn MemoryPool>,
        limit: u64,
    ) -> Result<Rows, QueryError> {
        let order = self.order;
        let mut kept = Kept::new(self, schema, pool, limit)?;
        while let Some(batch) = rows.next().await {
            kept.add(&batch?)?;
        }
        let (batch, held) = kept.finish(order)?;
        // The reservation lives as long as the rows are on their way.
        let total = batch.num_rows();
        let pieces = (0..total).step_by(BATCH).map(move |at| {
            let _held = &held;
            Ok(batch.slice(at, BATCH.min(total - at)))
        });
        Ok(stream::iter(pieces).boxed())
    }
}

/// The rows kept so far, and those that came since.
struct Kept {
    rule: NewestPerKey,
    converter: RowConverter,
    groups: HashMap<Box<[u8]>, Group>,
    keys_bytes: usize,
    winners: RecordBatch,
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
    reservation: MemoryReservation,
    limit: u64,
}

/// One key's rows: the oldest of them on top.
#[derive(Default)]
struct Group {
    /// (place, batch, row), all reversed so that the heap's top is the oldest.
    rows: BinaryHeap<Reverse<(Place, usize, usize)>>,
    /// Rows that are not newer than this cannot win; set once there are enough.
    bar: Option<Place>,
}

impl Kept {
    fn new(
        rule: NewestPerKey,
        schema: &SchemaRef,
        pool: &Arc<dyn MemoryPool>,
        limit: u64,
    ) -> Result<Self, QueryError> {
        let field = SortField::new(schema.field(rule.key).data_type().clone());
        Ok(Self {
            converter: RowConverter::new(vec![field]).map_err(arrow)?,
            groups: HashMap::new(),
            keys_bytes: 0,
            winners: RecordBatch::new_empty(Arc::clone(schema)),
            waiting: Vec::new(),
            waiting_rows: 0,
            reservation: MemoryConsumer::new("newest rows per value").register(pool),
            limit,
            rule,
        })
    }

    /// Takes rows in; those that cannot win are dropped at once.
    fn add(&mut self, batch: &RecordBatch) -> Result<(), QueryError> {
        let (keys, places) = self.columns(batch)?;
        let column = batch.column(self.rule.key);
        let wins = |row: usize| {
            column.is_valid(row)
                && self
                    .groups
                    .get(keys.row(row).as_ref())
                    .and_then(|group| group.bar)
                    .is_none_or(|bar| places.of(row) > bar)
        };
        let winners: BooleanArray = (0..batch.num_rows()).map(|row| Some(wins(row))).collect();
        let batch = filter_record_batch(batch, &winners).map_err(arrow)?;
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.waiting_rows += batch.num_rows();
        self.waiting.push(own(&batch)?);
        self.account()?;
        if self.waiting_rows >= GATHER.max(self.winners.num_rows()) {
            self.settle()?;
        }
        Ok(())
    }

    fn columns<'b>(&self, batch: &'b RecordBatch) -> Result<(Keys, Places<'b>), QueryError> {
        let key = one_zero(batch.column(self.rule.key));
        let keys = self.converter.convert_columns(&[key]).map_err(arrow)?;
        let times = batch.column(self.rule.time).as_primitive::<TimestampMicrosecondType>();
        let arrivals = self.rule.arrival.map(|at| {
            let arrivals = batch.column(at).as_primitive::<Int64Type>();
            &arrivals.values()[..]
        });
        Ok((keys, Places { times: times.values(), arrivals }))
    }

    /// Drops every row that is not among the newest of its key.
    fn settle(&mut self) -> Result<(), QueryError> {
        let mut batches = vec![self.winners.clone()];
        batches.append(&mut self.waiting);
        self.waiting_rows = 0;
        for group in self.groups.values_mut() {
            group.rows.clear();
        }
        for (at, batch) in batches.iter().enumerate() {
            let (keys, places) = self.columns(batch)?;
            for row in 0..batch.num_rows() {
                let key = keys.row(row);
                let known = self.groups.contains_key(key.as_ref());
                if !known {
                    self.keys_bytes += key.as_ref().len() + GROUP;
                    self.groups.insert(key.as_ref().into(), Group::default());
                }
                if let Some(group) = self.groups.get_mut(key.as_ref()) {
                    group.offer((places.of(row), at, row), self.rule.rows);
                }
            }
        }
        let mut winners: Vec<(usize, usize)> = Vec::new();
        for group in self.groups.values_mut() {
            if group.rows.len() == self.rule.rows {
                group.bar = group.rows.peek().map(|Reverse((place, ..))| *place);
            }
            winners.extend(group.rows.drain().map(|Reverse((_, batch, row))| (batch, row)));
        }
        winners.sort_unstable();
        let all: Vec<&RecordBatch> = batches.iter().collect();
        self.winners = own(&interleave_record_batch(&all, &winners).map_err(arrow)?)?;
        drop(batches);
        self.account()
    }

    fn account(&mut self) -> Result<(), QueryError> {
        let waiting: usize = self.waiting.iter().map(RecordBatch::get_array_memory_size).sum();
        let rows = (self.waiting_rows + self.winners.num_rows()) * ROW;
        let held = waiting + self.winners.get_array_memory_size() + self.keys_bytes + rows;
        self.reservation
            .try_resize(held)
            .map_err(|error| QueryError::from_engine(&error, self.limit))
    }

    fn finish(mut self, order: Order) -> Result<(RecordBatch, MemoryReservation), QueryError> {
        self.settle()?;
        let sort = |column: usize, descending: bool| SortColumn {
            values: Arc::clone(self.winners.column(column)),
            options: Some(SortOptions { descending, nulls_first: false }),
        };
        let arrival = |descending| self.rule.arrival.map(|column| sort(column, descending));
        let by: Vec<_> = match order {
            Order::NewestFirst => {
                let time = sort(self.rule.time, true);
                [Some(time), arrival(true), Some(sort(self.rule.key, false))]
            }
            Order::KeyThenOldestFirst => {
                let time = sort(self.rule.time, false);
                [Some(sort(self.rule.key, false)), Some(time), arrival(false)]
            }
        }
        .into_iter()
        .flatten()
        .collect();
        let indices = lexsort_to_indices(&by, None).map_err(arrow)?;
        let sorted = take_record_batch(&self.winners, &indices).map_err(arrow)?;
        Ok((sorted, self.reservation))
    }
}

impl Group {
    fn offer(&mut self, row: (Place, usize, usize), most: usize) {
        if self.rows.len() < most {
            self.rows.push(Reverse(row));
        } else if self.rows.peek().is_some_and(|Reverse((oldest, ..))| row.0 > *oldest) {
            self.rows.pop();
            self.rows.push(Reverse(row));
        }
    }
}

/// Numbers among which -0.0 is 0.0, as it is one value.
fn one_zero(column: &ArrayRef) -> ArrayRef {
    match column.as_primitive_opt::<Float64Type>() {
        Some(numbers) => {
            let numbers: Float64Array = numbers.unary(|number| number + 0.0);
            Arc::new(numbers)
        }
        None => Arc::clone(column),
    }
}

/// The same rows without the memory of the rows around them.
pub(crate) fn own(batch: &RecordBatch) -> Result<RecordBatch, QueryError> {
    let column = |column: &ArrayRef| -> ArrayRef {
        match column.data_type() {
            DataType::Utf8View => {
                let texts: &StringViewArray = column.as_string_view();
                Arc::new(texts.gc())
            }
            _ => Arc::clone(column),
        }
    };
    RecordBatch::try_new(batch.schema(), batch.columns().iter().map(column).collect())
        .map_err(arrow)
}

/// The rows up to the last one of the n-th distinct time. The rows come sorted by time.
pub(crate) fn first_times(rows: Rows, time: usize, most: usize) -> Rows {
    let start = (rows, None::<i64>, 0_usize);
    let cut = stream::try_unfold(start, move |(mut rows, mut last, mut seen)| async move {
        if seen > most {
            return Ok(None);
        }
        let Some(batch) = rows.next().await.transpose()? else { return Ok(None) };
        let times = batch.column(time).as_primitive::<TimestampMicrosecondType>();
        let mut end = batch.num_rows();
        for row in 0..batch.num_rows() {
            let value = times.is_valid(row).then(|| times.value(row));
            if value != last || seen == 0 {
                seen += 1;
                last = value;
            }
            if seen > most {
                end = row;
                break;
            }
        }
        Ok(Some((batch.slice(0, end), (rows, last, seen))))
    });
    cut.boxed()
}

/// The first rows.
pub(crate) fn first_rows(rows: Rows, most: usize) -> Rows {
    let cut = stream::try_unfold((rows, most), |(mut rows, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let Some(batch) = rows.next().await.transpose()? else { return Ok(None) };
        let taken = batch.slice(0, batch.num_rows().min(left));
        let left = left - taken.num_rows();
        Ok(Some((taken, (rows, left))))
    });
    cut.boxed()
}

/// The first columns, without those that only the steps before needed.
pub(crate) fn first_columns(rows: Rows, columns: usize) -> Rows {
    let keep: Vec<usize> = (0..columns).collect();
    rows.map(move |batch| batch.and_then(|batch| batch.project(&keep).map_err(arrow))).boxed()
}

fn arrow(error: ArrowError) -> QueryError {
    QueryError::internal(error)
}

#[cfg(test)]
mod tests;
