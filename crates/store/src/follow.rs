//! Following a table: rows in the order in which they were acknowledged, from a point on.
//!
//! ```text
//! Store::follow(since) ─▶ Follower ─ take ─▶ Rows { parts, point } │ Gap { point } │ Nothing ─ changed ─▶ take ...
//! ```
//!
//! - A follower pulls: the writer knows nothing of it, and one that is slow costs nothing.
//! - Who comes back with the last point that it was given misses no row and gets none twice. What is no longer held
//!   is a gap, and is said.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use parking_lot::RwLock;
use tokio::sync::Notify;

use crate::lake::delta::TableKey;
use crate::recent::{Line, Node};

/// A place in the rows of a table: all rows of records up to one have been seen, or the first rows of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Point {
    seq: u64,
    /// Only so many rows of that record; `None` for all.
    rows: Option<u32>,
}

impl Point {
    /// All rows of records up to this one have been seen.
    pub const fn after(seq: u64) -> Self {
        Self { seq, rows: None }
    }

    /// The last record of which everything has been seen, and how many rows of the next.
    const fn seen(self) -> (u64, usize) {
        match self.rows {
            None => (self.seq, 0),
            Some(rows) => (self.seq.saturating_sub(1), rows as usize),
        }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rows {
            None => write!(f, "{}", self.seq),
            Some(rows) => write!(f, "{}-{rows}", self.seq),
        }
    }
}

/// The text is no point.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid cursor '{0}'; pass back the cursor from the last event unchanged")]
pub struct NoPoint(String);

impl FromStr for Point {
    type Err = NoPoint;

    fn from_str(text: &str) -> Result<Self, NoPoint> {
        let (seq, rows) = match text.split_once('-') {
            None => (text, None),
            Some((seq, rows)) => (seq, Some(rows)),
        };
        let refuse = |_| NoPoint(text.chars().take(40).collect());
        let rows = rows.map(|rows| rows.parse().map_err(refuse)).transpose()?;
        Ok(Self { seq: seq.parse().map_err(refuse)?, rows })
    }
}

/// What a follower found.
#[derive(Clone, Debug)]
pub enum Poll {
    /// Nothing new.
    Nothing,
    /// Rows, in the order in which they were acknowledged. The columns are those that the rows have, `time` first.
    Rows {
        /// Not empty; each part has rows.
        parts: Vec<RecordBatch>,
        /// Where to go on.
        point: Point,
    },
    /// Rows that are no longer held, or a point that nobody gave out.
    Gap {
        /// Where to go on.
        point: Point,
    },
}

/// What a table shows to its followers.
#[derive(Debug)]
pub(crate) struct Shown {
    line: Line<RecordBatch>,
    woken: Notify,
}

impl Shown {
    /// From now on followers find everything up to this node.
    pub(crate) fn show(&self, newest: &Arc<Node<RecordBatch>>) {
        self.line.show(newest);
        self.woken.notify_waiters();
    }
}

/// The lines of all tables. One comes into being with its table, or when somebody wants to follow what is not yet there.
#[derive(Debug, Default)]
pub(crate) struct Lines(RwLock<HashMap<TableKey, Arc<Shown>>>);

impl Lines {
    /// The line of a table.
    pub(crate) fn of(&self, key: &TableKey) -> Arc<Shown> {
        if let Some(shown) = self.0.read().get(key) {
            return Arc::clone(shown);
        }
        let mut lines = self.0.write();
        let new = || Arc::new(Shown { line: Line::new(0), woken: Notify::new() });
        Arc::clone(lines.entry(key.clone()).or_insert_with(new))
    }
}

/// Somebody who follows a table.
#[derive(Debug)]
pub struct Follower {
    shown: Arc<Shown>,
    at: Point,
}

impl Follower {
    /// From a point on, or from now on.
    pub(crate) fn new(shown: Arc<Shown>, since: Option<Point>) -> Self {
        let at = since.unwrap_or_else(|| Point::after(shown.line.newest()));
        Self { shown, at }
    }

    /// Where it stands: everything up to here has been taken.
    pub fn point(&self) -> Point {
        self.at
    }

    /// Takes what is new: about so many rows at most, the others next time.
    pub fn take(&mut self, most: usize) -> Poll {
        let (seq, skip) = self.at.seen();
        let newest = self.shown.line.newest();
        let unknown = seq > newest;
        let found = self.shown.line.since(seq, most.saturating_add(skip), RecordBatch::num_rows);
        let Some(found) = found.filter(|_| !unknown) else {
            self.at = Point::after(newest);
            return Poll::Gap { point: self.at };
        };
        let Some((first, _)) = found.first() else {
            // Records without rows that anybody may see.
            self.at = Point::after(newest);
            return Poll::Nothing;
        };
        let skip = if *first == self.at.seq { skip } else { 0 };
        let mut taken = Taken { most: most.max(1), skip, ..Taken::default() };
        for (seq, rows) in found {
            if !taken.add(seq, &rows) {
                break;
            }
        }
        self.at = taken.at.unwrap_or(self.at);
        if taken.parts.is_empty() {
            return Poll::Nothing;
        }
        Poll::Rows { parts: taken.parts, point: self.at }
    }

    /// Waits until there is something to take.
    pub async fn changed(&self) {
        let woken = self.shown.woken.notified();
        tokio::pin!(woken);
        // From here on no wake-up is missed, so the look comes after it.
        woken.as_mut().enable();
        if self.shown.line.newest() > self.at.seen().0 {
            return;
        }
        woken.await;
    }
}

/// What is being taken.
#[derive(Default)]
struct Taken {
    most: usize,
    /// Rows of the first record that have been seen.
    skip: usize,
    parts: Vec<RecordBatch>,
    rows: usize,
    /// The record that is being taken, and how many rows of it have been.
    record: (u64, usize),
    at: Option<Point>,
}

impl Taken {
    /// Adds a part of a record; false when there is no room for more.
    fn add(&mut self, seq: u64, rows: &RecordBatch) -> bool {
        if seq != self.record.0 {
            if self.rows >= self.most {
                return false;
            }
            self.record = (seq, 0);
        }
        let skip = self.skip.min(rows.num_rows());
        self.skip -= skip;
        self.record.1 += skip;
        let room = self.most - self.rows;
        let length = room.min(rows.num_rows() - skip);
        if length > 0 {
            self.parts.push(rows.slice(skip, length));
            self.rows += length;
            self.record.1 += length;
        }
        let whole = skip + length == rows.num_rows();
        // That a record has no more parts is known once the next one begins, or there is none: a point within it is
        // right in either case.
        let rows = u32::try_from(self.record.1).unwrap_or(u32::MAX);
        self.at = Some(if whole { Point::after(seq) } else { Point { seq, rows: Some(rows) } });
        whole
    }
}
