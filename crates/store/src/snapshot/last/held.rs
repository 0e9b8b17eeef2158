//! Where the last rows among those in memory are.
//!
//! Each large chunk is looked through once; small ones, which are soon merged with others, each time.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use arrow::array::Array as _;

use super::{keys, times};
use crate::snapshot::Chunk;

/// Chunks from this many rows on are not merged any more.
const LARGE: usize = 8192;
/// What a place costs beside its key, about.
const PLACE: usize = 96;

/// A row in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) time: i64,
    /// The chunk's number among those of the question.
    pub(super) chunk: usize,
    pub(super) row: usize,
}

/// What has been looked through.
#[derive(Debug, Default)]
pub(super) struct Held {
    seen: Vec<Weak<Chunk>>,
    places: HashMap<Box<str>, Found>,
    key_bytes: usize,
}

/// What one question adds.
#[derive(Debug)]
pub(super) struct Fresh<'a> {
    /// All chunks, those that have been looked through before first.
    pub(super) parts: Vec<Arc<Chunk>>,
    /// Where each of them stands among the chunks of the question, which are in the order in which they came.
    positions: Vec<usize>,
    /// The last rows in small chunks.
    places: HashMap<&'a str, Found>,
}

impl Held {
    /// Looks through what has not been looked through.
    pub(super) fn look<'a>(&mut self, chunks: &'a [Arc<Chunk>], partition: &str) -> Fresh<'a> {
        let gone = |seen: &Weak<Chunk>| !chunks.iter().any(|chunk| is(seen, chunk));
        if self.seen.iter().any(gone) {
            *self = Self::default();
        }
        let (large, small): (Vec<_>, Vec<_>) =
            chunks.iter().partition(|chunk| chunk.rows.num_rows() >= LARGE);
        for chunk in large {
            if self.seen.iter().any(|seen| is(seen, chunk)) {
                continue;
            }
            for (key, found) in rows(chunk, self.seen.len(), partition) {
                if let Some(known) = self.places.get_mut(key) {
                    known.take(found);
                } else {
                    self.key_bytes += key.len();
                    self.places.insert(key.into(), found);
                }
            }
            self.seen.push(Arc::downgrade(chunk));
        }
        let mut parts: Vec<_> = self.seen.iter().filter_map(Weak::upgrade).collect();
        let position = |part: &Arc<Chunk>| {
            let found = chunks.iter().position(|chunk| Arc::ptr_eq(chunk, part));
            found.unwrap_or_default()
        };
        let mut positions: Vec<usize> = parts.iter().map(position).collect();
        let mut places: HashMap<&str, Found> = HashMap::new();
        for chunk in small {
            for (key, found) in rows(chunk, parts.len(), partition) {
                places.entry(key).or_insert(found).take(found);
            }
            positions.push(position(chunk));
            parts.push(Arc::clone(chunk));
        }
        Fresh { parts, positions, places }
    }

    /// The last row of a value in memory.
    pub(super) fn of(&self, key: &str, fresh: &Fresh<'_>) -> Option<Found> {
        let known = self.places.get(key).copied();
        match (known, fresh.places.get(key)) {
            (Some(known), Some(found)) => Some(fresh.later(known, *found)),
            (known, found) => known.or(found.copied()),
        }
    }

    /// The last row in memory of each value that has one there.
    pub(super) fn last<'a>(
        &'a self,
        fresh: &'a Fresh<'_>,
    ) -> impl Iterator<Item = (&'a str, Found)> {
        let held = self.places.iter().map(|(key, found)| {
            let new = fresh.places.get(key.as_ref());
            (key.as_ref(), new.map_or(*found, |new| fresh.later(*found, *new)))
        });
        let new = fresh.places.iter().filter(|(key, _)| !self.places.contains_key(**key));
        held.chain(new.map(|(key, found)| (*key, *found)))
    }

    pub(super) fn bytes(&self) -> usize {
        self.places.len() * PLACE + self.key_bytes
    }
}

impl Fresh<'_> {
    /// When the rows of a part came, compared with others: the highest record in it, and its place among all chunks.
    pub(super) fn came(&self, part: usize) -> (u64, usize) {
        (self.parts[part].seq, self.positions[part])
    }

    /// The later of two rows of different chunks.
    fn later(&self, one: Found, other: Found) -> Found {
        let place = |found: Found| (found.time, self.came(found.chunk));
        if place(other) >= place(one) { other } else { one }
    }
}

impl Found {
    /// Becomes the other, which came after it, if its time is not earlier.
    fn take(&mut self, other: Self) {
        if other.time >= self.time {
            *self = other;
        }
    }
}

fn is(seen: &Weak<Chunk>, chunk: &Arc<Chunk>) -> bool {
    std::ptr::eq(seen.as_ptr(), Arc::as_ptr(chunk))
}

/// The rows of a chunk that have a partition value.
fn rows<'a>(
    chunk: &'a Chunk,
    number: usize,
    partition: &str,
) -> impl Iterator<Item = (&'a str, Found)> {
    let keys = keys(&chunk.rows, partition);
    let each = times(&chunk.rows).iter().enumerate();
    each.filter_map(move |(row, time)| {
        let keys = keys.filter(|keys| keys.is_valid(row))?;
        Some((keys.value(row), Found { time: *time, chunk: number, row }))
    })
}
