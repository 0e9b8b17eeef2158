//! The rows of one partition value in one file, decoded, and kept for whoever asks for them again.
//!
//! ```text
//! file, value ─ page index ─▶ Run: where the value's rows stand ─▶ pieces ─ columns, read when first asked for
//!                              └──────────── kept, the least asked for goes first ────────────┘
//! ```
//!
//! A file is sorted by partition value and time, so that the rows of a value stand together in order of time. Who looks
//! at a device looks at it again: at the second time nothing is opened, unpacked or decoded.

mod read;

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, TimestampMicrosecondType};
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use iobeam_store::DataFile;
use parking_lot::Mutex;

use crate::arrival::{ARRIVAL, ARRIVAL_BYTES, numbered};
use crate::context::{QueryContext, Reservation};
use crate::error::QueryError;
use crate::scope::TIME;
use read::{Named, Opened};

/// Rows of a piece, which is what is read at once, at most.
const PIECE: usize = 16_384;
/// Bytes of a piece with all its columns, about, where rows are wide.
const PIECE_BYTES: usize = 4 << 20;
/// Part of the memory of all queries beyond which a few rows are the engine's business.
const MUCH: u64 = 8;
/// What a run and a column cost beside their values, about.
const BESIDE: usize = 256;

/// The runs of all files, as many as there is room for.
pub(crate) struct Runs {
    footers: Arc<FileMetadataCache>,
    room: usize,
    kept: Mutex<Kept>,
}

impl fmt::Debug for Runs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runs").field("room", &self.room).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Kept {
    files: HashMap<PathBuf, HashMap<Box<str>, Entry>>,
    bytes: usize,
    /// Counts questions.
    now: u64,
}

#[derive(Debug)]
struct Entry {
    run: Arc<Run>,
    bytes: usize,
    asked: u64,
}

/// Where the rows of a value stand in a file, and those of their columns that have been asked for.
#[derive(Debug)]
struct Run {
    pieces: Vec<Piece>,
    bytes: AtomicUsize,
}

impl Run {
    fn rows(&self) -> usize {
        self.pieces.iter().map(|piece| piece.rows.len()).sum()
    }
}

/// Neighbouring rows of one row group.
#[derive(Debug)]
struct Piece {
    group: usize,
    /// The number of its first row in the file.
    first: usize,
    rows: Range<usize>,
    /// Nothing where the file has no such column.
    columns: Mutex<HashMap<Box<str>, Option<ArrayRef>>>,
}

/// One query's reading of runs: stopped when the query is, and counted as its memory.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    runs: &'a Runs,
    context: &'a QueryContext,
    held: Reservation,
}

impl<'a> Reading<'a> {
    /// A query begins to read.
    pub(crate) fn new(runs: &'a Runs, context: &'a QueryContext) -> Self {
        Self { runs, context, held: context.reservation("rows of a few devices") }
    }

    /// The rows of a value in a file.
    pub(crate) fn of(
        &'a self,
        file: &'a Arc<DataFile>,
        partition: &str,
        value: &'a str,
    ) -> Result<RowsOf<'a>, QueryError> {
        self.context.check()?;
        self.runs.of(self, file, partition, value)
    }

    /// Whether the query may go on; between two steps of work.
    pub(crate) fn check(&self) -> Result<(), QueryError> {
        self.context.check()
    }

    /// Counts rows that are held on to.
    pub(crate) fn hold(&self, rows: &RecordBatch) -> Result<(), QueryError> {
        self.held.grow(rows.get_array_memory_size())
    }

    /// Counts arrivals of so many rows, which are made and held on to; the query must be one that may go on.
    pub(crate) fn hold_arrivals(&self, rows: usize) -> Result<(), QueryError> {
        self.context.check()?;
        self.held.grow(rows.saturating_mul(ARRIVAL_BYTES))
    }

    /// Whether so much is held that a scan, which takes rows piece by piece, is the better way.
    pub(crate) fn holds_much(&self) -> bool {
        self.held.bytes() as u64 > (self.context.limits().memory_bytes / MUCH).min(32 << 20)
    }

    /// What is held stays so until the query ends.
    pub(crate) fn keep(self) {
        self.context.keep(self.held);
    }
}

impl Runs {
    /// Keeps up to so many bytes, and footers where the engine keeps them.
    pub(crate) fn new(footers: Arc<FileMetadataCache>, room: usize) -> Self {
        Self { footers, room, kept: Mutex::default() }
    }

    fn of<'a>(
        &'a self,
        reading: &'a Reading<'a>,
        file: &'a Arc<DataFile>,
        partition: &str,
        value: &'a str,
    ) -> Result<RowsOf<'a>, QueryError> {
        let mut rows = RowsOf { reading, file, value, run: None, opened: None, arrival: None };
        if let Some(run) = self.known(file.path(), value) {
            rows.run = Some(run);
            return Ok(rows);
        }
        let opened = rows.opened()?;
        let spans = opened.spans(partition, value);
        let spans = spans.map_err(|error| QueryError::reading(file, &error))?;
        let pieces = spans.into_iter().flat_map(|(group, span)| {
            let piece = PIECE.min(PIECE_BYTES / opened.row_bytes(group).max(1)).max(1);
            let starts = span.clone().step_by(piece);
            let before = opened.rows_before(group);
            starts.map(move |start| Piece {
                group,
                first: before + start,
                rows: start..span.end.min(start + piece),
                columns: Mutex::default(),
            })
        });
        let run = Arc::new(Run { pieces: pieces.collect(), bytes: AtomicUsize::new(0) });
        rows.run = Some(Arc::clone(&run));
        let beside = (1 + run.pieces.len()) * BESIDE;
        self.keep(file.path(), value, run, beside);
        Ok(rows)
    }

    /// The bytes of the widest rows of files once they are decoded, about.
    pub(crate) fn widest_row(
        &self,
        files: &[Arc<DataFile>],
        context: &QueryContext,
    ) -> Result<usize, QueryError> {
        files.iter().try_fold(0, |widest, file| {
            context.check()?;
            Ok(widest.max(read::widest_row(file, &*self.footers)?))
        })
    }

    /// How many rows of a value a file has, if it is known and these columns of all of them are kept.
    pub(crate) fn kept_rows(
        &self,
        file: &DataFile,
        value: &str,
        columns: &[&str],
    ) -> Option<usize> {
        let run = self.known(file.path(), value)?;
        let is_kept = |piece: &Piece| {
            let kept = piece.columns.lock();
            let is_kept = |name: &&str| *name == ARRIVAL || kept.contains_key(*name);
            kept.contains_key(TIME) && columns.iter().all(is_kept)
        };
        run.pieces.iter().all(is_kept).then(|| run.rows())
    }

    fn known(&self, path: &Path, value: &str) -> Option<Arc<Run>> {
        let mut kept = self.kept.lock();
        kept.now += 1;
        let now = kept.now;
        let entry = kept.files.get_mut(path)?.get_mut(value)?;
        entry.asked = now;
        Some(Arc::clone(&entry.run))
    }

    fn keep(&self, path: &Path, value: &str, run: Arc<Run>, bytes: usize) {
        let mut kept = self.kept.lock();
        let entry = Entry { run, bytes, asked: kept.now };
        let file = kept.files.entry(path.to_owned()).or_default();
        let before = file.insert(value.into(), entry).map_or(0, |before| before.bytes);
        kept.bytes = kept.bytes + bytes - before;
        kept.fit(self.room);
    }

    /// Counts what was read for a run.
    fn count(&self, path: &Path, value: &str, run: &Arc<Run>) {
        let mut kept = self.kept.lock();
        let entry = kept.files.get_mut(path).and_then(|file| file.get_mut(value));
        let Some(entry) = entry.filter(|entry| Arc::ptr_eq(&entry.run, run)) else { return };
        let bytes = (1 + run.pieces.len()) * BESIDE + run.bytes.load(Ordering::Relaxed);
        let before = std::mem::replace(&mut entry.bytes, bytes);
        kept.bytes = kept.bytes + bytes - before;
        kept.fit(self.room);
    }
}

impl Kept {
    /// Lets go of what was not asked for the longest, a quarter at once.
    fn fit(&mut self, room: usize) {
        if self.bytes <= room {
            return;
        }
        let entries = self.files.values().flat_map(HashMap::values);
        let mut ages: Vec<(u64, usize)> = entries.map(|entry| (entry.asked, entry.bytes)).collect();
        ages.sort_unstable();
        let mut left = self.bytes;
        let mut bar = None;
        for (asked, bytes) in ages {
            if left <= room / 4 * 3 {
                break;
            }
            left -= bytes;
            bar = Some(asked);
        }
        let Some(bar) = bar else { return };
        for file in self.files.values_mut() {
            file.retain(|_, entry| entry.asked > bar);
        }
        self.files.retain(|_, file| !file.is_empty());
        self.bytes = self.files.values().flat_map(HashMap::values).map(|entry| entry.bytes).sum();
    }
}

/// The rows of a value in a file, numbered from 0 in order of time.
#[derive(Debug)]
pub(crate) struct RowsOf<'a> {
    reading: &'a Reading<'a>,
    file: &'a Arc<DataFile>,
    value: &'a str,
    run: Option<Arc<Run>>,
    opened: Option<Opened>,
    /// The arrivals, if they are asked for.
    arrival: Option<Counted>,
}

/// From where on rows are counted.
#[derive(Clone, Copy, Debug)]
enum Counted {
    /// That is the one of the file's first row.
    File(i64),
    /// They are numbers of rows of the value.
    Run,
}

impl RowsOf<'_> {
    /// The same rows with their arrivals, of which that is the one of the file's first row.
    pub(crate) fn numbered_from_file(self, arrival: i64) -> Self {
        Self { arrival: Some(Counted::File(arrival)), ..self }
    }

    /// The same rows with their own numbers in place of their arrivals.
    pub(crate) fn numbered_from_run(self) -> Self {
        Self { arrival: Some(Counted::Run), ..self }
    }

    fn pieces(&self) -> &[Piece] {
        self.run.as_ref().map_or(&[], |run| &run.pieces)
    }

    /// Which rows lie in a span of time, both ends in it.
    pub(crate) fn within(&mut self, from: i64, to: i64) -> Result<Range<usize>, QueryError> {
        let total = self.run.as_ref().map_or(0, |run| run.rows());
        if from <= self.file.min_time && self.file.max_time <= to {
            return Ok(0..total);
        }
        let start = self.first(|time| time >= from)?;
        let end = self.first(|time| time > to)?;
        Ok(start..end.max(start))
    }

    /// The first row whose time is so; all after it are.
    fn first(&mut self, is: impl Fn(i64) -> bool) -> Result<usize, QueryError> {
        let (mut low, mut high) = (0, self.pieces().len());
        while low < high {
            let middle = low + (high - low) / 2;
            let rows = self.read(middle, &[TIME])?;
            let last = times(&rows).last().copied();
            if last.is_some_and(&is) { high = middle } else { low = middle + 1 }
        }
        let before = self.pieces()[..low].iter().map(|piece| piece.rows.len()).sum();
        if low == self.pieces().len() {
            return Ok(before);
        }
        let rows = self.read(low, &[TIME])?;
        Ok(before + times(&rows).partition_point(|time| !is(*time)))
    }

    /// Rows with the time and those of the columns that the file has, a batch for each piece, the newest first.
    pub(crate) fn columns(
        &mut self,
        rows: Range<usize>,
        names: &[&str],
    ) -> Result<Vec<RecordBatch>, QueryError> {
        let mut found = Vec::new();
        let mut end = self.pieces().iter().map(|piece| piece.rows.len()).sum::<usize>();
        for piece in (0..self.pieces().len()).rev() {
            let start = end - self.pieces()[piece].rows.len();
            let wanted = rows.start.max(start)..rows.end.min(end);
            if !wanted.is_empty() {
                let mut read = self.read(piece, names)?;
                let first = self.arrival.map(|counted| match counted {
                    Counted::File(first) => first + self.pieces()[piece].first as i64,
                    Counted::Run => start as i64,
                });
                if let Some(first) = first {
                    read = numbered(&read, first).map_err(QueryError::internal)?;
                }
                self.reading.hold(&read)?;
                found.push(read.slice(wanted.start - start, wanted.len()));
            }
            end = start;
        }
        Ok(found)
    }

    /// A piece with the time and those of the columns that the file has.
    fn read(&mut self, at: usize, names: &[&str]) -> Result<RecordBatch, QueryError> {
        let Some(run) = self.run.clone() else {
            return Ok(RecordBatch::new_empty(Arc::new(Schema::empty())));
        };
        self.reading.check()?;
        let piece = &run.pieces[at];
        let others = names.iter().filter(|name| **name != TIME && **name != ARRIVAL);
        let names: Vec<&str> = std::iter::once(TIME).chain(others.copied()).collect();
        let mut known = piece.columns.lock().clone();
        let missing: Vec<&str> =
            names.iter().filter(|name| !known.contains_key(**name)).copied().collect();
        if !missing.is_empty() {
            let opened = self.opened()?;
            let read = opened.columns(piece.group, piece.rows.clone(), &missing);
            let read = read.map_err(|error| QueryError::reading(self.file, &error))?;
            self.learn(&run, at, read, &mut known);
        }
        batch(&known, &names, piece.rows.len())
    }

    /// Keeps columns that were read.
    fn learn(
        &self,
        run: &Arc<Run>,
        at: usize,
        read: Vec<Named>,
        known: &mut HashMap<Box<str>, Option<ArrayRef>>,
    ) {
        let size = |column: &Option<ArrayRef>| {
            column.as_ref().map_or(0, |column| column.get_array_memory_size()) + BESIDE
        };
        // A run that takes more than its share keeps what was read last.
        if run.bytes.load(Ordering::Relaxed) > self.reading.runs.room / 4 {
            let others = run.pieces.iter().enumerate().filter(|(other, _)| *other != at);
            for (_, piece) in others {
                let gone: usize =
                    piece.columns.lock().drain().map(|(_, column)| size(&column)).sum();
                run.bytes.fetch_sub(gone, Ordering::Relaxed);
            }
        }
        let mut columns = run.pieces[at].columns.lock();
        for (name, column) in read {
            known.insert(name.clone(), column.clone());
            let added = size(&column);
            if columns.insert(name, column).is_none() {
                run.bytes.fetch_add(added, Ordering::Relaxed);
            }
        }
        drop(columns);
        self.reading.runs.count(self.file.path(), self.value, run);
    }

    fn opened(&mut self) -> Result<&Opened, QueryError> {
        if self.opened.is_none() {
            self.opened = Some(Opened::open(self.file, &*self.reading.runs.footers)?);
        }
        self.opened.as_ref().ok_or_else(|| QueryError::internal("a file was opened"))
    }
}

/// The times of rows that came from a run.
pub(crate) fn times(rows: &RecordBatch) -> &[i64] {
    match rows.column_by_name(TIME) {
        Some(times) => times.as_primitive::<TimestampMicrosecondType>().values(),
        None => &[],
    }
}

fn batch(
    known: &HashMap<Box<str>, Option<ArrayRef>>,
    names: &[&str],
    rows: usize,
) -> Result<RecordBatch, QueryError> {
    let there = names.iter().filter_map(|name| {
        let column = known.get(*name)?.as_ref()?;
        Some((Field::new(*name, column.data_type().clone(), true), Arc::clone(column)))
    });
    let (fields, columns): (Vec<_>, Vec<_>) = there.unzip();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
        .map_err(QueryError::internal)
}
