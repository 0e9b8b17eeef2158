//! The last row of each partition value: which is to say of each device.
//!
//! ```text
//! file ─ carries the last rows of its own ─ read once ─▶ filed ─┐
//! chunk ─ in memory ──────────────── looked through once ─▶ held ┴─▶ newest of both ─▶ one row per value
//! ```
//!
//! - An answer is that of the snapshot it is asked of: what is kept is known by the very files and chunks that it was
//!   made from, and is made anew when one of them is gone.
//! - Of rows with equal times the one that came last.
//! - Right or not there: where a file has too many values to carry, or the room is used up, there is no answer, and
//!   whoever asks looks at the rows.

pub(crate) mod carried;

mod held;

pub(crate) mod steady;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use arrow::array::{
    Array, ArrayRef, AsArray as _, BooleanArray, RecordBatch, RecordBatchOptions, StringViewArray,
    new_null_array,
};
use arrow::compute::{filter_record_batch, interleave};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimestampMicrosecondType};
use arrow::error::ArrowError;
use iobeam_model::FieldName;
use parking_lot::Mutex;

use super::{Chunk, DataFile};
use carried::Read;
use held::{Fresh, Held};

/// Bytes that the last rows of all tables together may take.
#[derive(Debug)]
pub(crate) struct Room {
    used: AtomicU64,
    limit: u64,
}

impl Room {
    pub(crate) fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self { used: AtomicU64::new(0), limit })
    }

    /// Makes a hold of `from` bytes one of `to`, if there is room.
    fn resize(&self, from: u64, to: u64) -> bool {
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                let used = used.saturating_sub(from) + to;
                (to <= from || used <= self.limit).then_some(used)
            })
            .is_ok()
    }
}

/// What is known of the last rows of one table.
#[derive(Debug)]
pub(crate) struct LastRows {
    partition: FieldName,
    room: Arc<Room>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    filed: Option<Filed>,
    held: Held,
    /// The bytes of both that are counted.
    bytes: u64,
}

/// The last rows of some files, sorted by partition value.
#[derive(Debug)]
struct Filed {
    of: Vec<Weak<DataFile>>,
    /// Nothing when they cannot be had.
    rows: Option<RecordBatch>,
    /// Of each row the highest record of its file.
    seqs: Vec<u64>,
    /// The columns that say the same in all rows of a partition value.
    steady: Vec<Box<str>>,
}

/// When a row came, compared with others: the highest record of its file or chunk, the place of that chunk among all,
/// and the row's place there.
pub type Arrival = ((u64, usize), usize);

/// Rows, and when each came.
pub(crate) type Came = (RecordBatch, Vec<Arrival>);

impl LastRows {
    pub(crate) fn new(partition: FieldName, room: Arc<Room>) -> Self {
        Self { partition, room, state: Mutex::default() }
    }

    /// The field whose values' last rows these are.
    pub(crate) fn partition(&self) -> &FieldName {
        &self.partition
    }

    /// The last row of each partition value in these files and chunks, in no particular order, and when it came; rows
    /// without a value do not count.
    pub(crate) fn all(&self, files: &[Arc<DataFile>], chunks: &[Arc<Chunk>]) -> Option<Came> {
        self.look(files, chunks, |filed, held, fresh| {
            let keys = keys(filed, self.partition.as_str());
            let mut beaten = vec![false; filed.num_rows()];
            let mut picked = Vec::with_capacity(filed.num_rows());
            for (key, found) in held.last(fresh) {
                let row = keys.and_then(|keys| position(keys, key));
                if row.is_none_or(|row| found.time >= times(filed)[row]) {
                    picked.push((found.chunk + 1, found.row));
                    if let Some(row) = row {
                        beaten[row] = true;
                    }
                }
            }
            picked.extend((0..beaten.len()).filter(|row| !beaten[*row]).map(|row| (0, row)));
            picked
        })
    }

    /// The last row of one partition value; no row when it has none.
    pub(crate) fn one(
        &self,
        files: &[Arc<DataFile>],
        chunks: &[Arc<Chunk>],
        key: &str,
    ) -> Option<RecordBatch> {
        let found = self.look(files, chunks, |filed, held, fresh| {
            let row = keys(filed, self.partition.as_str()).and_then(|keys| position(keys, key));
            match (held.of(key, fresh), row) {
                (Some(found), row) if row.is_none_or(|row| found.time >= times(filed)[row]) => {
                    vec![(found.chunk + 1, found.row)]
                }
                (_, Some(row)) => vec![(0, row)],
                (_, None) => vec![],
            }
        });
        found.map(|(rows, _)| rows)
    }

    /// Whether those of these files are known, and nobody is at work on them.
    pub(crate) fn knows(&self, files: &[Arc<DataFile>]) -> bool {
        let Some(state) = self.state.try_lock() else { return false };
        let is_known = |filed: &Filed| filed.rows.is_some() && filed.is_all_of(files);
        state.filed.as_ref().map_or(files.is_empty(), is_known)
    }

    /// The last row of each partition value in the files alone, sorted by it, and the columns that say the same in all
    /// rows of a partition value there.
    pub(crate) fn in_files(
        &self,
        files: &[Arc<DataFile>],
        chunks: &[Arc<Chunk>],
    ) -> Option<(Came, Vec<Box<str>>)> {
        self.look(files, chunks, |_, _, _| Vec::new())?;
        let state = self.state.lock();
        let known = state.filed.as_ref().filter(|known| known.is_all_of(files))?;
        let came = known.seqs.iter().enumerate().map(|(row, seq)| ((*seq, 0), row)).collect();
        Some(((known.rows.clone()?, came), known.steady.clone()))
    }

    /// Brings what is known up to date with files and chunks, and gathers the rows that are picked: of the files'
    /// last rows, which are batch 0, and of the chunks.
    fn look(
        &self,
        files: &[Arc<DataFile>],
        chunks: &[Arc<Chunk>],
        pick: impl FnOnce(&RecordBatch, &Held, &Fresh<'_>) -> Vec<(usize, usize)>,
    ) -> Option<Came> {
        let mut state = self.state.lock();
        let rows = self.filed(&mut state, files)?;
        let fresh = state.held.look(chunks, self.partition.as_str());
        let bytes = state.bytes();
        if !self.room.resize(state.bytes, bytes) {
            self.room.resize(state.bytes, 0);
            // The same files will not fit the next time either.
            let of = files.iter().map(Arc::downgrade).collect();
            *state = State {
                filed: Some(Filed { of, rows: None, seqs: Vec::new(), steady: Vec::new() }),
                ..State::default()
            };
            return None;
        }
        state.bytes = bytes;
        let places = pick(&rows, &state.held, &fresh);
        let known = state.filed.as_ref();
        let seq = |part: usize, row: usize| match part.checked_sub(1) {
            None => (known.and_then(|known| known.seqs.get(row)).copied().unwrap_or(0), 0),
            Some(chunk) => fresh.came(chunk),
        };
        let came = places.iter().map(|(part, row)| (seq(*part, *row), *row)).collect();
        drop(state);
        let mut parts = vec![&rows];
        parts.extend(fresh.parts.iter().map(|chunk| &chunk.rows));
        let rows = gather(&parts, &places).and_then(|picked| owned(&picked)).ok()?;
        Some((rows, came))
    }

    /// The last rows of the files.
    fn filed(&self, state: &mut State, files: &[Arc<DataFile>]) -> Option<RecordBatch> {
        let known = state.filed.take().filter(|filed| filed.is_part_of(files));
        if let Some(filed) = &known
            && filed.of.len() == files.len()
        {
            let rows = filed.rows.clone();
            state.filed = known;
            return rows;
        }
        let mut new: Vec<&Arc<DataFile>> = files.iter().collect();
        let mut parts = Vec::new();
        let mut known_seqs = Vec::new();
        // More files do not bring back what could not be had of some of them; other files might.
        let hopeless = known.as_ref().is_some_and(|filed| filed.rows.is_none());
        if let Some(Filed { of, rows: Some(rows), seqs, steady }) = known {
            known_seqs = seqs;
            new.retain(|file| !of.iter().any(|one| std::ptr::eq(one.as_ptr(), Arc::as_ptr(file))));
            parts.push((rows, steady));
        }
        new.sort_by_key(|file| file.seq);
        let merged = if hopeless { None } else { self.merged((parts, &known_seqs), &new) };
        let of = files.iter().map(Arc::downgrade).collect();
        let (rows, seqs, steady) = match merged {
            Some((rows, seqs, steady)) => (Some(rows), seqs, steady),
            None => Default::default(),
        };
        state.filed = Some(Filed { of, rows: rows.clone(), seqs, steady });
        rows
    }

    /// The last rows of some that are known already and of files, later ones going before equals, and of each the
    /// highest record of its file.
    fn merged(
        &self,
        (mut parts, known_seqs): (Vec<Read>, &[u64]),
        files: &[&Arc<DataFile>],
    ) -> Option<(RecordBatch, Vec<u64>, Vec<Box<str>>)> {
        let partition = self.partition.as_str();
        let before = parts.len();
        for file in files {
            parts.push(carried::read(file, partition)?);
        }
        let mut last: HashMap<&str, (i64, usize, usize)> = HashMap::new();
        for (part, (rows, _)) in parts.iter().enumerate() {
            let Some(keys) = keys(rows, partition) else { continue };
            let times = times(rows);
            for (row, time) in times.iter().enumerate() {
                let place = (*time, part, row);
                let known = last.entry(keys.value(row)).or_insert(place);
                if place.0 >= known.0 {
                    *known = place;
                }
            }
        }
        let mut sorted: Vec<_> = last.into_iter().collect();
        sorted.sort_unstable_by_key(|(key, _)| *key);
        let places: Vec<_> = sorted.into_iter().map(|(_, (_, part, row))| (part, row)).collect();
        let seq = |(part, row): &(usize, usize)| match part.checked_sub(before) {
            None => known_seqs.get(*row).copied().unwrap_or(0),
            Some(file) => files[file].seq,
        };
        let seqs = places.iter().map(seq).collect();
        let all: Vec<&RecordBatch> = parts.iter().map(|(rows, _)| rows).collect();
        let rows = gather(&all, &places).and_then(|rows| owned(&rows)).ok()?;
        Some((rows, seqs, steady::of_all(&parts, partition)))
    }
}

impl Drop for LastRows {
    fn drop(&mut self) {
        self.room.resize(self.state.get_mut().bytes, 0);
    }
}

impl Filed {
    /// Whether its files are these.
    fn is_all_of(&self, files: &[Arc<DataFile>]) -> bool {
        self.of.len() == files.len() && self.is_part_of(files)
    }

    /// Whether each of its files is among these, so that none of its rows is gone.
    fn is_part_of(&self, files: &[Arc<DataFile>]) -> bool {
        let there = |one: &Weak<DataFile>| {
            files.iter().any(|file| std::ptr::eq(one.as_ptr(), Arc::as_ptr(file)))
        };
        // Usually they are the same in the same order.
        let alike = self
            .of
            .iter()
            .zip(files)
            .all(|(one, file)| std::ptr::eq(one.as_ptr(), Arc::as_ptr(file)));
        self.of.len() <= files.len() && (alike || self.of.iter().all(there))
    }
}

impl State {
    fn bytes(&self) -> u64 {
        let rows = self.filed.as_ref().and_then(|filed| filed.rows.as_ref());
        let seqs = self.filed.as_ref().map_or(0, |filed| filed.seqs.len() * size_of::<u64>());
        (rows.map_or(0, RecordBatch::get_array_memory_size) + seqs + self.held.bytes()) as u64
    }
}

/// The partition values of rows, if they have the column.
fn keys<'a>(rows: &'a RecordBatch, partition: &str) -> Option<&'a StringViewArray> {
    rows.column_by_name(partition).and_then(|column| column.as_string_view_opt())
}

fn times(rows: &RecordBatch) -> &[i64] {
    match rows.columns().first() {
        Some(times) => times.as_primitive::<TimestampMicrosecondType>().values(),
        None => &[],
    }
}

/// Where a value stands among sorted ones.
fn position(keys: &StringViewArray, key: &str) -> Option<usize> {
    let (mut start, mut end) = (0, keys.len());
    while start < end {
        let middle = start + (end - start) / 2;
        match keys.value(middle).cmp(key) {
            std::cmp::Ordering::Equal => return Some(middle),
            std::cmp::Ordering::Less => start = middle + 1,
            std::cmp::Ordering::Greater => end = middle,
        }
    }
    None
}

/// Picks rows out of batches, under all columns that any of them has: `time` first, the others by name.
fn gather(parts: &[&RecordBatch], places: &[(usize, usize)]) -> Result<RecordBatch, ArrowError> {
    let schema = united(parts);
    let columns = schema.fields().iter().map(|field| {
        let column = |part: &&RecordBatch| -> ArrayRef {
            match part.column_by_name(field.name()) {
                Some(column) => Arc::clone(column),
                None => new_null_array(field.data_type(), part.num_rows()),
            }
        };
        let columns: Vec<ArrayRef> = parts.iter().map(column).collect();
        interleave(&columns.iter().map(AsRef::as_ref).collect::<Vec<&dyn Array>>(), places)
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(places.len()));
    RecordBatch::try_new_with_options(schema, columns, &options)
}

fn united(parts: &[&RecordBatch]) -> SchemaRef {
    let mut fields: Vec<Arc<Field>> = Vec::new();
    let mut time = None;
    for part in parts {
        let columns = part.schema_ref().fields();
        time = time.or_else(|| columns.first().map(Arc::clone));
        for field in columns.iter().skip(1) {
            if let Err(at) = fields.binary_search_by(|known| known.name().cmp(field.name())) {
                fields.insert(at, Arc::clone(field));
            }
        }
    }
    fields.splice(0..0, time);
    Arc::new(Schema::new(fields))
}

/// The same of rows of which it is known when they came.
pub(super) fn came_since((rows, came): Came, keep_from: i64) -> Option<Came> {
    let wanted = times(&rows).iter().zip(came);
    let came = wanted.filter(|(time, _)| **time >= keep_from).map(|(_, came)| came).collect();
    Some((since(rows, keep_from)?, came))
}

/// The rows that are not before a time.
pub(super) fn since(rows: RecordBatch, keep_from: i64) -> Option<RecordBatch> {
    if times(&rows).iter().all(|time| *time >= keep_from) {
        return Some(rows);
    }
    let wanted: BooleanArray = times(&rows).iter().map(|time| Some(*time >= keep_from)).collect();
    filter_record_batch(&rows, &wanted).ok()
}

/// The same rows without the memory of the rows around them.
fn owned(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    let columns = rows.columns().iter().map(owned_column).collect();
    RecordBatch::try_new_with_options(rows.schema(), columns, &options)
}

fn owned_column(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Utf8View => Arc::new(column.as_string_view().gc()),
        _ => Arc::clone(column),
    }
}
