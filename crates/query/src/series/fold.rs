//! One pass over the rows, in no particular order: each thread folds the batches it gets, and what they have kept is
//! put together at the end.
//!
//! ```text
//! batch: time, device, a, b, ... ─ runs of one device in one cell ─▶ Series of (device, a), (device, b), ...
//! ```
//!
//! Rows in files are sorted by device and time, so a run is long there and costs little more than looking at its values.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
use datafusion::execution::memory_pool::MemoryReservation;
use iobeam_model::FieldType;

use super::grid::Grid;
use super::held::{Bin, Held, Keep, Series};
use crate::arrival::Places;
use crate::error::{POINTS_SETTING, QueryError, VALUE_SETTING};
use crate::functions::measure_array;

/// What all threads go by.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) grid: Grid,
    pub(super) keep: Keep,
    pub(super) kinds: Vec<FieldType>,
    /// The last column of the rows is their arrival.
    pub(super) arrives: bool,
    /// The only device there is to be, when its column is not read.
    pub(super) only: Option<Box<str>>,
    pub(super) most_devices: usize,
    pub(super) most_points: usize,
}

/// A series of any type.
#[derive(Clone, Debug)]
pub(super) enum AnySeries {
    Double(Series<f64>),
    Long(Series<i64>),
    Boolean(Series<bool>),
    String(Series<Box<str>>),
}

/// Whose a row is: `None` comes first, for rows that name no device.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(pub(super) Option<Box<str>>);

/// The series of one device, one for each field.
type Device = Vec<AnySeries>;

/// What has been kept so far.
pub(super) struct Fold {
    rules: Arc<Rules>,
    pub(super) devices: BTreeMap<Key, Device>,
    /// Devices from this one on are too many.
    pub(super) cut: Option<Key>,
    /// Rows and bins that are held.
    held: usize,
    /// Bytes of their texts, when they were counted last, and of those that came by since.
    texts: usize,
    texts_since: usize,
    memory: MemoryReservation,
}

/// Bytes of texts that may come by before those that are held are counted again.
const TEXTS_UNCOUNTED: usize = 4 << 20;
/// What a row or bin takes in memory, roughly.
const WEIGHT: usize = 128;

impl Fold {
    pub(super) fn new(rules: Arc<Rules>, memory: MemoryReservation) -> Self {
        Self {
            rules,
            devices: BTreeMap::new(),
            cut: None,
            held: 0,
            texts: 0,
            texts_since: 0,
            memory,
        }
    }

    /// Takes rows in: the time, the device unless there is only one, the fields, the arrival if it is asked for.
    pub(super) fn add(
        &mut self,
        batch: &RecordBatch,
        (limit, value_bytes): (u64, usize),
    ) -> Result<(), QueryError> {
        let times = batch.column(0).as_primitive::<TimestampMicrosecondType>().values();
        let rules = Arc::clone(&self.rules);
        let (arrivals, columns) = match batch.columns().split_last() {
            Some((arrivals, others)) if rules.arrives => {
                (Some(&arrivals.as_primitive::<Int64Type>().values()[..]), others)
            }
            _ => (None, batch.columns()),
        };
        let (keys, fields) = match rules.only {
            Some(_) => (None, &columns[1..]),
            None => (Some(columns[1].as_string_view()), &columns[2..]),
        };
        let places = Places { times, arrivals };
        let mut row = 0;
        while row < times.len() {
            let (start, last) = rules.grid.cell(times[row]);
            let mut end = row + 1;
            while end < times.len()
                && start <= times[end]
                && times[end] <= last
                && keys.is_none_or(|keys| same(keys, row, end))
            {
                end += 1;
            }
            let key = match keys {
                None => rules.only.as_deref(),
                Some(keys) => keys.is_valid(row).then(|| keys.value(row)),
            };
            self.add_run(key, (places, fields), row..end, start);
            row = end;
        }
        // Of the newest rows twice as many are held as are wanted, so that they need not be sorted out each time.
        let most = match self.rules.keep {
            Keep::Newest(_) => self.rules.most_points.saturating_mul(2).saturating_add(1 << 16),
            Keep::UpTo(_) | Keep::Bins => self.rules.most_points,
        };
        if self.held > most {
            return Err(QueryError::TooManyPoints {
                limit: self.rules.most_points,
                setting: POINTS_SETTING,
            });
        }
        self.count_texts(fields, value_bytes)?;
        self.memory
            .try_resize(self.held * WEIGHT + self.texts + self.texts_since)
            .map_err(|error| QueryError::from_engine(&error, limit))
    }

    /// Counts the bytes of texts that are held, once in a while, as most of those that come by do not stay.
    fn count_texts(&mut self, fields: &[ArrayRef], limit: usize) -> Result<(), QueryError> {
        let texts = self.rules.kinds.iter().zip(fields);
        let texts = texts.filter(|(kind, _)| **kind == FieldType::String);
        let came = texts.map(|(_, column)| measure_array(column).total).sum::<usize>();
        self.texts_since = self.texts_since.saturating_add(came);
        if self.texts_since > TEXTS_UNCOUNTED {
            self.texts = self.devices.values().flatten().map(AnySeries::text_bytes).sum();
            self.texts_since = 0;
        }
        if self.texts > limit {
            let what = format!("the chart has {} bytes of texts", self.texts);
            return Err(QueryError::ValueTooLarge { what, limit, setting: VALUE_SETTING });
        }
        Ok(())
    }

    fn add_run(
        &mut self,
        key: Option<&str>,
        (places, fields): (Places<'_>, &[ArrayRef]),
        run: Range<usize>,
        start: i64,
    ) {
        if fields.iter().all(|field| run.clone().all(|row| field.is_null(row))) {
            return;
        }
        let key = Key(key.map(Into::into));
        if self.cut.as_ref().is_some_and(|cut| key >= *cut) {
            return;
        }
        let Rules { grid, keep, kinds, .. } = &*self.rules;
        let fresh = || kinds.iter().map(|kind| AnySeries::new(*kind, *keep)).collect();
        let device = self.devices.entry(key).or_insert_with(fresh);
        for (series, column) in device.iter_mut().zip(fields) {
            let before = series.len();
            series.add((places, column), run.clone(), start, (*keep, grid));
            self.held = self.held + series.len() - before;
        }
        self.drop_devices();
    }

    /// Lets go of the last devices when there are too many.
    fn drop_devices(&mut self) {
        while self.devices.len() > self.rules.most_devices {
            let Some((key, device)) = self.devices.pop_last() else { return };
            self.held -= device.iter().map(AnySeries::len).sum::<usize>();
            self.cut = Some(key);
        }
    }

    /// Puts together what two threads have kept.
    pub(super) fn join(&mut self, other: Self) {
        let rules = Arc::clone(&self.rules);
        let cuts = [self.cut.take(), other.cut];
        self.cut = cuts.into_iter().flatten().min();
        for (key, device) in other.devices {
            match self.devices.get_mut(&key) {
                None => {
                    self.devices.insert(key, device);
                }
                Some(known) => {
                    for (series, more) in known.iter_mut().zip(device) {
                        series.join(more, (rules.keep, &rules.grid));
                    }
                }
            }
        }
        if let Some(cut) = &self.cut {
            self.devices.retain(|key, _| key < cut);
        }
        self.held = self.devices.values().flatten().map(AnySeries::len).sum();
        self.drop_devices();
    }
}

/// Whether two rows are of one device.
fn same(keys: &StringViewArray, one: usize, other: usize) -> bool {
    let views = keys.views();
    if keys.null_count() > 0 && keys.is_null(one) != keys.is_null(other) {
        return false;
    }
    // Equal views are equal texts; different ones may be, which only makes a run shorter.
    views[one] == views[other] || (keys.null_count() > 0 && keys.is_null(one))
}

impl AnySeries {
    fn new(kind: FieldType, keep: Keep) -> Self {
        match kind {
            FieldType::Double => Self::Double(Series::new(keep)),
            FieldType::Long => Self::Long(Series::new(keep)),
            FieldType::Boolean => Self::Boolean(Series::new(keep)),
            FieldType::String => Self::String(Series::new(keep)),
        }
    }

    /// Bytes of the texts that are held.
    fn text_bytes(&self) -> usize {
        let Self::String(series) = self else { return 0 };
        match &series.held {
            Held::Rows(rows) => rows.iter().map(|(_, text)| text.len()).sum(),
            Held::Bins(bins) => {
                let of = |bin: &Bin<Box<str>>| {
                    [&bin.first, &bin.last, &bin.least, &bin.greatest]
                        .map(|(_, text)| text.len())
                        .iter()
                        .sum::<usize>()
                };
                bins.values().map(of).sum()
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Double(series) => series.len(),
            Self::Long(series) => series.len(),
            Self::Boolean(series) => series.len(),
            Self::String(series) => series.len(),
        }
    }

    fn add(
        &mut self,
        (places, column): (Places<'_>, &ArrayRef),
        run: Range<usize>,
        start: i64,
        how: (Keep, &Grid),
    ) {
        match self {
            Self::Double(series) => {
                series.add((places, column.as_primitive::<Float64Type>()), run, start, how);
            }
            Self::Long(series) => {
                series.add((places, column.as_primitive::<Int64Type>()), run, start, how);
            }
            Self::Boolean(series) => series.add((places, column.as_boolean()), run, start, how),
            Self::String(series) => series.add((places, column.as_string_view()), run, start, how),
        }
    }

    fn join(&mut self, other: Self, how: (Keep, &Grid)) {
        match (self, other) {
            (Self::Double(series), Self::Double(more)) => series.join(more, how),
            (Self::Long(series), Self::Long(more)) => series.join(more, how),
            (Self::Boolean(series), Self::Boolean(more)) => series.join(more, how),
            (Self::String(series), Self::String(more)) => series.join(more, how),
            // All threads go by the same rules.
            _ => {}
        }
    }
}
