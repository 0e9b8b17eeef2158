//! The memory of a merge: taken out of the budget before it begins, and cut to what there is.
//!
//! ```text
//! what the files' feet say ─▶ bytes of a merge in large pieces ─ no room ─▶ in pieces of half the size ─▶ ... ─▶ wait
//! ```

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arrow::datatypes::{DataType, SchemaRef};
use parquet::basic::Type as PhysicalType;
use parquet::file::metadata::ParquetMetaData;

use crate::budget::{Budget, Held, Use};
use crate::columns;

/// Rows of a file that are decoded at once, where there is room.
const BATCH: usize = 8192;
/// The fewest.
const LEAST_BATCH: usize = 256;
/// What reading a column of a file takes beside its values: a page, packed and not, and what unpacks it.
const READER: u64 = 256 << 10;
/// What a row's place takes where no two rows stay together.
const PLACE: u64 = 24;
/// How long it takes until another look whether there is room.
const PAUSE: Duration = Duration::from_millis(100);

/// How large the pieces are in which a merge goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// Rows whose order is looked at at once of each file.
    pub(super) batch: usize,
    /// Rows of a row group.
    pub(super) group: usize,
}

/// What the memory of a merge depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    files: u64,
    rows: u64,
    /// Bytes of a row in memory.
    row: u64,
    /// Bytes of a cell of the widest column.
    cell: u64,
    /// Bytes of the files' feet.
    feet: u64,
    /// Bytes of last rows that may be carried.
    carried: u64,
}

impl Load {
    /// Of files with these feet, whose columns together are those of the schema.
    pub(super) fn of<'a>(
        schema: &SchemaRef,
        feet: impl Iterator<Item = &'a ParquetMetaData>,
    ) -> Self {
        let (mut files, mut rows, mut bytes) = (0u64, 0u64, 0u64);
        let mut texts = vec![0u64; schema.fields().len()];
        for foot in feet {
            files += 1;
            bytes += foot.memory_size() as u64;
            for group in foot.row_groups() {
                rows += size(group.num_rows());
                for column in group.columns() {
                    let at = schema.index_of(column.column_descr().name());
                    if let (Ok(at), PhysicalType::BYTE_ARRAY) = (at, column.column_type()) {
                        texts[at] += size(column.uncompressed_size());
                    }
                }
            }
        }
        let each = rows.max(1);
        let cells = schema.fields().iter().zip(texts).map(|(field, texts)| {
            texts.div_ceil(each)
                + match field.data_type() {
                    DataType::Boolean => 1,
                    DataType::Utf8View => 16,
                    _ => 8,
                }
        });
        let (row, cell) = cells.fold((0, 0), |(sum, most), cell| (sum + cell, cell.max(most)));
        Self { files, rows, row, cell, feet: bytes, carried: 0 }
    }

    /// The same where last rows of up to so many bytes are carried.
    pub(super) fn carrying(self, most: u64) -> Self {
        Self { carried: most.min(self.rows.saturating_mul(self.row)), ..self }
    }

    /// How many rows there are.
    pub(super) const fn rows(&self) -> u64 {
        self.rows
    }

    /// The bytes that a merge takes, cut like this: the feet, the keys that are being looked at, the places of a row
    /// group's rows, one column of it as it was read, as it was gathered and as it is encoded, and what is carried.
    fn bytes(&self, cut: Cut) -> u64 {
        let keys = self.files * (2 * READER + 2 * cut.batch as u64 * (8 + self.cell));
        let group = self.rows.min(cut.group as u64);
        let column = self.files * READER + 3 * group * self.cell + columns::encoder_bytes(group);
        self.feet + keys + group * PLACE + column + self.carried
    }
}

fn size(figure: i64) -> u64 {
    u64::try_from(figure).unwrap_or(0)
}

/// Memory that a merge holds.
#[derive(Debug)]
pub(super) struct Room<'b> {
    _held: Held<'b>,
    pub(super) cut: Cut,
}

impl<'b> Room<'b> {
    /// Waits until there is room for a merge, in large pieces or in small ones; nothing when it is told to stop. What
    /// could never fit goes on in the smallest pieces all the same: files that nobody merges cost more in the end.
    pub(super) fn take(
        budget: &'b Budget,
        load: Load,
        group: usize,
        stop: &AtomicBool,
    ) -> Option<Self> {
        while !stop.load(Ordering::Relaxed) {
            let mut cut = Cut { batch: BATCH, group };
            loop {
                let bytes = load.bytes(cut);
                if let Some(held) = budget.try_hold(Use::Merges, bytes) {
                    return Some(Self { _held: held, cut });
                }
                if cut.batch <= LEAST_BATCH {
                    if bytes > budget.most_ever(Use::Merges) {
                        return Some(Self { _held: budget.hold(Use::Merges, bytes), cut });
                    }
                    break;
                }
                let half = |rows: usize| (rows / 2).max(1);
                cut = Cut { batch: half(cut.batch), group: half(cut.group) };
            }
            std::thread::sleep(PAUSE);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOAD: Load =
        Load { files: 8, rows: 1 << 20, row: 100, cell: 24, feet: 1 << 16, carried: 1 << 18 };

    #[test]
    fn a_merge_takes_smaller_pieces_where_there_is_less_room() {
        let stop = AtomicBool::new(false);
        let large = Budget::new(1 << 30);
        let room = Room::take(&large, LOAD, 1 << 17, &stop).expect("there is room");
        assert_eq!(room.cut, Cut { batch: BATCH, group: 1 << 17 });
        assert_eq!(large.taken(Use::Merges), LOAD.bytes(room.cut));
        drop(room);
        assert_eq!(large.taken(Use::Merges), 0);

        let small = Budget::new(40 << 20);
        assert!(small.take(Use::Rows, 10 << 20));
        let room = Room::take(&small, LOAD, 1 << 17, &stop).expect("there is room for less");
        assert!(room.cut.batch < BATCH && room.cut.batch >= LEAST_BATCH, "{:?}", room.cut);
        assert!(small.taken(Use::Merges) <= 20 << 20);
    }

    #[test]
    fn a_merge_waits_for_room_until_it_is_told_to_stop_and_what_never_fits_goes_on() {
        let tiny = Budget::new(1 << 20);
        let stop = AtomicBool::new(false);
        let room = Room::take(&tiny, LOAD, 1 << 17, &stop).expect("it could never fit");
        assert_eq!(room.cut.batch, LEAST_BATCH);
        drop(room);
        let full = Budget::new(40 << 20);
        assert!(full.take(Use::Rows, 25 << 20), "all but the floors");
        let few = Load { rows: 10_000, ..LOAD };
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| Room::take(&full, few, 1 << 17, &stop).is_none());
            stop.store(true, Ordering::Relaxed);
            assert!(waiting.join().expect("no panic"), "told to stop");
        });
    }
}
