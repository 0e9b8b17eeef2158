//! What is kept of one series while its rows go by: the rows themselves as long as they are few, then one bin for
//! each cell of the grid.
//!
//! ```text
//! run of rows in one cell ─▶ Bin { first, last, least, greatest, sum, count }
//! ```

use std::collections::HashMap;
use std::ops::Range;

use arrow::array::{Array, BooleanArray, Float64Array, Int64Array, StringViewArray};

use super::grid::Grid;
use crate::arrival::{Place, Places};

/// A value of some field type.
pub(super) trait Item: Clone + PartialEq + Send + Sized + 'static {
    /// The column that holds such values.
    type Column: Array + 'static;
    /// What they add up to.
    type Sum: Copy + Default + std::fmt::Debug + Send + 'static;
    /// Whether one is greater than another.
    const ORDERED: bool;

    fn of(column: &Self::Column, row: usize) -> Self;
    fn less(&self, other: &Self) -> bool;
    fn add(sum: &mut Self::Sum, value: &Self);
    fn join(sum: &mut Self::Sum, other: Self::Sum);
}

impl Item for f64 {
    type Column = Float64Array;
    type Sum = Self;
    const ORDERED: bool = true;

    fn of(column: &Float64Array, row: usize) -> Self {
        column.value(row)
    }
    fn less(&self, other: &Self) -> bool {
        self < other
    }
    fn add(sum: &mut Self, value: &Self) {
        *sum += value;
    }
    fn join(sum: &mut Self, other: Self) {
        *sum += other;
    }
}

impl Item for i64 {
    type Column = Int64Array;
    type Sum = i128;
    const ORDERED: bool = true;

    fn of(column: &Int64Array, row: usize) -> Self {
        column.value(row)
    }
    fn less(&self, other: &Self) -> bool {
        self < other
    }
    fn add(sum: &mut i128, value: &Self) {
        *sum += i128::from(*value);
    }
    fn join(sum: &mut i128, other: i128) {
        *sum += other;
    }
}

impl Item for bool {
    type Column = BooleanArray;
    type Sum = ();
    const ORDERED: bool = false;

    fn of(column: &BooleanArray, row: usize) -> Self {
        column.value(row)
    }
    fn less(&self, _: &Self) -> bool {
        false
    }
    fn add((): &mut (), _: &Self) {}
    fn join((): &mut (), (): ()) {}
}

impl Item for Box<str> {
    type Column = StringViewArray;
    type Sum = ();
    const ORDERED: bool = false;

    fn of(column: &StringViewArray, row: usize) -> Self {
        column.value(row).into()
    }
    fn less(&self, _: &Self) -> bool {
        false
    }
    fn add((): &mut (), _: &Self) {}
    fn join((): &mut (), (): ()) {}
}

/// A row of one series.
pub(super) type Point<T> = (Place, T);

/// What is kept of the rows in one cell.
#[derive(Clone, Debug)]
pub(super) struct Bin<T: Item> {
    pub(super) first: Point<T>,
    pub(super) last: Point<T>,
    pub(super) least: Point<T>,
    pub(super) greatest: Point<T>,
    pub(super) sum: T::Sum,
    pub(super) count: u64,
}

impl<T: Item> Bin<T> {
    fn of(point: Point<T>) -> Self {
        let mut sum = T::Sum::default();
        T::add(&mut sum, &point.1);
        Self {
            first: point.clone(),
            last: point.clone(),
            least: point.clone(),
            greatest: point,
            sum,
            count: 1,
        }
    }

    /// The bin of a run of rows; nothing when none of them has a value.
    fn of_run(places: Places<'_>, column: &T::Column, run: Range<usize>) -> Option<Self> {
        let present = |row: &usize| column.is_valid(*row);
        let start = run.clone().find(present)?;
        let (mut early, mut late, mut low, mut high) = (start, start, start, start);
        let (mut count, mut sum) = (0, T::Sum::default());
        let value = |row: usize| T::of(column, row);
        // Of texts only those that stay are copied.
        let mut extremes = T::ORDERED.then(|| (value(start), value(start)));
        for row in (start..run.end).filter(present) {
            early = if places.of(row) < places.of(early) { row } else { early };
            late = if places.of(row) >= places.of(late) { row } else { late };
            count += 1;
            let Some((least, greatest)) = &mut extremes else { continue };
            let value = value(row);
            T::add(&mut sum, &value);
            if value.less(least) {
                (low, *least) = (row, value);
            } else if greatest.less(&value) {
                (high, *greatest) = (row, value);
            }
        }
        let point = |row: usize| (places.of(row), value(row));
        Some(Self {
            first: point(early),
            last: point(late),
            least: point(low),
            greatest: point(high),
            sum,
            count,
        })
    }

    fn join(&mut self, other: Self) {
        if other.first.0 < self.first.0 {
            self.first = other.first;
        }
        if other.last.0 >= self.last.0 {
            self.last = other.last;
        }
        if other.least.1.less(&self.least.1) {
            self.least = other.least;
        }
        if self.greatest.1.less(&other.greatest.1) {
            self.greatest = other.greatest;
        }
        T::join(&mut self.sum, other.sum);
        self.count += other.count;
    }

    /// The rows that stand for all of the cell, in order of time.
    pub(super) fn points(self) -> Vec<Point<T>> {
        let mut points = vec![self.first];
        if T::ORDERED {
            points.extend([self.least, self.greatest]);
        }
        points.push(self.last);
        points.sort_by_key(|(place, _)| *place);
        points.dedup_by(|one, other| one.0.0 == other.0.0 && one.1 == other.1);
        points
    }
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// The newest rows.
    Newest(usize),
    /// All rows, unless they are more than this: then bins.
    UpTo(usize),
    /// Bins.
    Bins,
}

/// What is kept of one series.
#[derive(Clone, Debug)]
pub(super) enum Held<T: Item> {
    /// Rows, in no order.
    Rows(Vec<Point<T>>),
    /// Bins by the start of their cells.
    Bins(HashMap<i64, Bin<T>>),
}

/// One series while its rows go by.
#[derive(Clone, Debug)]
pub(super) struct Series<T: Item> {
    pub(super) held: Held<T>,
    /// How many values went by.
    pub(super) seen: u64,
}

impl<T: Item> Series<T> {
    pub(super) fn new(keep: Keep) -> Self {
        let held =
            if keep == Keep::Bins { Held::Bins(HashMap::new()) } else { Held::Rows(Vec::new()) };
        Self { held, seen: 0 }
    }

    /// How many rows and bins are held.
    pub(super) fn len(&self) -> usize {
        match &self.held {
            Held::Rows(rows) => rows.len(),
            Held::Bins(bins) => bins.len(),
        }
    }

    /// Takes a run of rows in, all of which lie in the cell that begins at `start`.
    pub(super) fn add(
        &mut self,
        (places, column): (Places<'_>, &T::Column),
        run: Range<usize>,
        start: i64,
        (keep, grid): (Keep, &Grid),
    ) {
        match &mut self.held {
            Held::Rows(rows) => {
                let before = rows.len();
                let present = run.filter(|row| column.is_valid(*row));
                rows.extend(present.map(|row| (places.of(row), T::of(column, row))));
                self.seen += (rows.len() - before) as u64;
                self.settle(keep, grid);
            }
            Held::Bins(bins) => {
                let Some(bin) = Bin::of_run(places, column, run) else { return };
                self.seen += bin.count;
                insert(bins, start, bin);
            }
        }
    }

    /// Puts together what two threads have kept of the same series.
    pub(super) fn join(&mut self, other: Self, (keep, grid): (Keep, &Grid)) {
        self.seen += other.seen;
        match (&mut self.held, other.held) {
            (Held::Rows(rows), Held::Rows(more)) => {
                rows.extend(more);
                self.settle(keep, grid);
            }
            (Held::Bins(bins), Held::Rows(more)) => into_bins(bins, more, grid),
            (Held::Bins(bins), Held::Bins(more)) => {
                for (start, bin) in more {
                    insert(bins, start, bin);
                }
            }
            (Held::Rows(rows), Held::Bins(mut bins)) => {
                into_bins(&mut bins, std::mem::take(rows), grid);
                self.held = Held::Bins(bins);
            }
        }
    }

    /// Lets go of rows that are too many.
    fn settle(&mut self, keep: Keep, grid: &Grid) {
        let Held::Rows(rows) = &mut self.held else { return };
        match keep {
            Keep::Newest(most) if rows.len() > most.saturating_mul(2).max(1024) => {
                newest(rows, most);
            }
            Keep::UpTo(most) if rows.len() > most => {
                let mut bins = HashMap::new();
                into_bins(&mut bins, std::mem::take(rows), grid);
                self.held = Held::Bins(bins);
            }
            _ => {}
        }
    }
}

/// Leaves only the newest rows.
pub(super) fn newest<T: Item>(rows: &mut Vec<Point<T>>, most: usize) {
    if rows.len() > most {
        let cut = rows.len() - most;
        rows.select_nth_unstable_by_key(cut, |(place, _)| *place);
        rows.drain(..cut);
    }
}

fn insert<T: Item>(bins: &mut HashMap<i64, Bin<T>>, start: i64, bin: Bin<T>) {
    match bins.entry(start) {
        std::collections::hash_map::Entry::Occupied(mut known) => known.get_mut().join(bin),
        std::collections::hash_map::Entry::Vacant(place) => {
            place.insert(bin);
        }
    }
}

fn into_bins<T: Item>(bins: &mut HashMap<i64, Bin<T>>, rows: Vec<Point<T>>, grid: &Grid) {
    for point in rows {
        insert(bins, grid.cell(point.0.0).0, Bin::of(point));
    }
}
