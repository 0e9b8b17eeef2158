//! The order of rows in a file: by the partition field, then by time, then as they came.
//!
//! ```text
//! chunks ─▶ rank each distinct partition value ─▶ bucket the rows by rank ─▶ sort each bucket by time ─▶ gather
//! ```
//!
//! Texts are compared once per distinct value, never per row.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _, StringViewArray, new_null_array};
use arrow::compute::interleave;
use arrow::datatypes::{Field, TimestampMicrosecondType};
use arrow::error::ArrowError;

use crate::snapshot::Chunk;

/// Rows of several chunks, and the order to read them in.
#[derive(Debug)]
pub(crate) struct Ordered {
    chunks: Vec<Arc<Chunk>>,
    /// (chunk, row), in order.
    places: Vec<(usize, usize)>,
}

impl Ordered {
    /// Finds the order.
    pub(crate) fn new(chunks: Vec<Arc<Chunk>>, partition: &str) -> Self {
        let ranks = Ranks::of(&chunks, partition);
        let mut ends = vec![0usize; ranks.count + 1];
        for rank in ranks.each.iter().flatten() {
            ends[*rank as usize] += 1;
        }
        let mut next = 0;
        for end in &mut ends {
            next += std::mem::replace(end, next);
        }
        let total = next;
        let mut places = vec![(0, 0); total];
        for (at, each) in ranks.each.iter().enumerate() {
            for (row, rank) in each.iter().enumerate() {
                let slot = &mut ends[*rank as usize];
                places[*slot] = (at, row);
                *slot += 1;
            }
        }
        sort_buckets(&chunks, &mut places, &ends);
        Self { chunks, places }
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// The chunks, as they were given.
    pub(crate) fn chunks(&self) -> &[Arc<Chunk>] {
        &self.chunks
    }

    /// A column of the rows of a range of the order.
    pub(crate) fn column(
        &self,
        range: Range<usize>,
        field: &Field,
    ) -> Result<ArrayRef, ArrowError> {
        let part = |chunk: &Arc<Chunk>| match chunk.rows.column_by_name(field.name()) {
            Some(column) => Arc::clone(column),
            None => new_null_array(field.data_type(), chunk.rows.num_rows()),
        };
        let parts: Vec<ArrayRef> = self.chunks.iter().map(part).collect();
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        interleave(&parts, &self.places[range])
    }
}

/// Sorts the rows of each bucket by time; `ends` are the buckets' ends.
fn sort_buckets(chunks: &[Arc<Chunk>], places: &mut [(usize, usize)], ends: &[usize]) {
    let times: Vec<&[i64]> = chunks
        .iter()
        .map(|chunk| {
            let times = chunk.rows.column(0).as_primitive::<TimestampMicrosecondType>();
            times.values().as_ref()
        })
        .collect();
    let mut start = 0;
    let mut keyed = Vec::new();
    for end in ends {
        let bucket = &mut places[start..*end];
        start = *end;
        // A look at a time is far away in memory: each is looked up once.
        keyed.clear();
        keyed.extend(bucket.iter().map(|place| (times[place.0][place.1], *place)));
        // Rows mostly come in order of time.
        if !keyed.is_sorted_by_key(|(time, _)| *time) {
            keyed.sort_by_key(|(time, _)| *time);
            for (place, (_, sorted)) in bucket.iter_mut().zip(&keyed) {
                *place = *sorted;
            }
        }
    }
}

/// For each row the rank of its partition value among the distinct ones, from 1; 0 where there is none.
struct Ranks {
    each: Vec<Vec<u32>>,
    count: usize,
}

impl Ranks {
    fn of(chunks: &[Arc<Chunk>], partition: &str) -> Self {
        let mut known: HashMap<&str, u32> = HashMap::new();
        let mut each: Vec<Vec<u32>> = chunks
            .iter()
            .map(|chunk| {
                let column = chunk.rows.column_by_name(partition);
                match column.and_then(|column| column.as_string_view_opt()) {
                    Some(texts) => numbers(texts, &mut known),
                    None => vec![0; chunk.rows.num_rows()],
                }
            })
            .collect();
        let mut distinct: Vec<(&str, u32)> = known.into_iter().collect();
        distinct.sort_unstable();
        let mut rank_of = vec![0u32; distinct.len() + 1];
        for (rank, (_, number)) in (1..).zip(&distinct) {
            rank_of[*number as usize] = rank;
        }
        for number in each.iter_mut().flatten() {
            *number = rank_of[*number as usize];
        }
        Self { each, count: distinct.len() }
    }
}

/// Numbers the texts in the order in which they turn up, from 1; 0 where there is none.
fn numbers<'a>(texts: &'a StringViewArray, known: &mut HashMap<&'a str, u32>) -> Vec<u32> {
    let mut last: Option<(&str, u32)> = None;
    (0..texts.len())
        .map(|row| {
            if texts.is_null(row) {
                return 0;
            }
            let text = texts.value(row);
            if let Some((same, number)) = last
                && same == text
            {
                return number;
            }
            let next = known.len() as u32 + 1;
            let number = *known.entry(text).or_insert(next);
            last = Some((text, number));
            number
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk;
    use crate::chunk::tests::devices;

    fn chunk(rows: &[(Option<&str>, i64)]) -> Arc<Chunk> {
        let columns = vec![devices(rows.iter().map(|(device, _)| *device))];
        chunk::tests::chunk(columns, rows.iter().map(|(_, time)| *time).collect())
    }

    #[test]
    fn rows_stand_by_partition_and_time_and_those_without_partition_first() {
        let one = chunk(&[(Some("b"), 5), (Some("a"), i64::MAX), (None, 2)]);
        let two = chunk(&[(Some("a"), i64::MIN), (Some("b"), 5), (None, 1), (Some("b"), 4)]);
        let ordered = Ordered::new(vec![one, two], "device_id");
        let schema = chunk::united_schema(ordered.chunks());
        let column = |at: usize| ordered.column(0..ordered.len(), schema.field(at));
        let (times, devices) = (column(0).expect("Arrow gathers"), column(1).expect("likewise"));
        let devices: Vec<_> = devices.as_string_view().iter().collect();
        let times = times.as_primitive::<TimestampMicrosecondType>().values().to_vec();
        assert_eq!(devices, [None, None, Some("a"), Some("a"), Some("b"), Some("b"), Some("b")]);
        assert_eq!(times, [1, 2, i64::MIN, i64::MAX, 4, 5, 5]);
        // Of equals the first that came is first.
        assert_eq!(ordered.places[5..], [(0, 0), (1, 1)]);
    }
}
