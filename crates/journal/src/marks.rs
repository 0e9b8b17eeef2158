//! What a journal remembers of itself beside its records: how far it was synced, and what it has forgotten.
//!
//! ```text
//! marks: │ settled │ settled │ noted │ noted │     512 bytes each, in turns
//!            └ synced, before files are removed      └ after each sync of records, and not synced itself
//! ```
//!
//! The records cannot tell whether there were more of them: a file that is gone leaves nothing behind, and a last
//! record that is broken looks like one that was never whole. A mark never says more than what is on the disk, so what
//! it says and is not there was lost. Where power was lost a mark may say less, and then nothing is known.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::disk::{Disk, DiskFile};

const NAME: &str = "marks";
const SLOT_BYTES: u64 = 512;
const SETTLED_SLOTS: u64 = 2;
const SLOTS: u64 = 4;
const MAGIC: [u8; 8] = *b"IOBMARK1";
/// Magic, turn, file, last, forgotten, checksum.
const MARK_BYTES: usize = 8 + 4 * 8 + 4;

/// What is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The number of the file that was written last.
    pub(crate) number: u64,
    /// The last record that was synced.
    pub(crate) last: u64,
    /// Records up to this one may have been removed.
    pub(crate) forgotten: u64,
}

/// The file of marks, being kept.
#[derive(Debug)]
pub(crate) struct Marks {
    file: Arc<dyn DiskFile>,
    turn: u64,
    /// Where the next mark that is to last goes: never over the last one that does, as a write that fails half-way
    /// leaves neither.
    next_settled: u64,
    now: Mark,
}

impl Marks {
    /// Opens the file, or makes it; `known` is what the records tell.
    pub(crate) fn open(disk: &dyn Disk, dir: &Path, known: Mark) -> io::Result<Self> {
        let path = dir.join(NAME);
        let file = if disk.exists(&path)? { disk.open(&path)? } else { disk.create(&path)? };
        // What the process before us could not sync may be in memory alone: only what the disk has counts.
        file.sync_data()?;
        file.drop_cache();
        let slots = read_slots(&*file)?;
        let (turn, before) = together(&slots).unwrap_or_default();
        let settled = slots.iter().filter(|(slot, ..)| *slot < SETTLED_SLOTS);
        let latest = settled.max_by_key(|(_, turn, _)| *turn);
        let next_settled = latest.map_or(0, |(slot, ..)| (slot + 1) % SETTLED_SLOTS);
        let forgotten = known.forgotten.max(before.forgotten);
        Ok(Self { file, turn, next_settled, now: Mark { forgotten, ..known } })
    }

    /// Notes how far records were synced. It is no harm when this fails: less is known then.
    pub(crate) fn note(&mut self, number: u64, last: u64) {
        (self.now.number, self.now.last) = (number, last);
        let slot = SETTLED_SLOTS + self.turn % (SLOTS - SETTLED_SLOTS);
        let _ = self.write(slot);
    }

    /// Makes it last that records up to one are going to be removed.
    pub(crate) fn settle(&mut self, forgotten: u64) -> io::Result<()> {
        self.now.forgotten = self.now.forgotten.max(forgotten);
        self.write(self.next_settled)?;
        self.file.sync_data()?;
        self.next_settled = (self.next_settled + 1) % SETTLED_SLOTS;
        Ok(())
    }

    fn write(&mut self, slot: u64) -> io::Result<()> {
        self.turn += 1;
        let mut bytes = [0; MARK_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        let numbers = [self.turn, self.now.number, self.now.last, self.now.forgotten];
        for (at, number) in numbers.into_iter().enumerate() {
            bytes[8 + at * 8..16 + at * 8].copy_from_slice(&number.to_le_bytes());
        }
        let crc = crc32c::crc32c(&bytes[..MARK_BYTES - 4]);
        bytes[MARK_BYTES - 4..].copy_from_slice(&crc.to_le_bytes());
        self.file.write_at(&bytes, slot * SLOT_BYTES)
    }
}

/// What the marks in a folder say; nothing where there are none, or none that can be read.
pub(crate) fn read(disk: &dyn Disk, dir: &Path) -> io::Result<Option<Mark>> {
    let path = dir.join(NAME);
    if !disk.exists(&path)? {
        return Ok(None);
    }
    let slots = read_slots(&*disk.open(&path)?)?;
    Ok(together(&slots).map(|(_, mark)| mark))
}

/// The marks that can be read: slot, turn, mark.
fn read_slots(file: &dyn DiskFile) -> io::Result<Vec<(u64, u64, Mark)>> {
    let mut bytes = vec![0; (SLOTS * SLOT_BYTES) as usize];
    let length = file.read_at(&mut bytes, 0)?;
    let slots = (0..).zip(bytes[..length].chunks(SLOT_BYTES as usize));
    Ok(slots
        .filter_map(|(slot, bytes)| parse(bytes).map(|(turn, mark)| (slot, turn, mark)))
        .collect())
}

/// The highest turn, and all that the marks say together.
fn together(slots: &[(u64, u64, Mark)]) -> Option<(u64, Mark)> {
    let slots = slots.iter().map(|(_, turn, mark)| (*turn, *mark));
    slots.reduce(|(turn, one), (other_turn, other)| {
        let latest = if (other.last, other.number) > (one.last, one.number) { other } else { one };
        let forgotten = one.forgotten.max(other.forgotten);
        (turn.max(other_turn), Mark { forgotten, ..latest })
    })
}

fn parse(slot: &[u8]) -> Option<(u64, Mark)> {
    let bytes = slot.get(..MARK_BYTES)?;
    let (said, crc) = bytes.split_at(MARK_BYTES - 4);
    if said[..8] != MAGIC || crc32c::crc32c(said).to_le_bytes() != *crc {
        return None;
    }
    let number =
        |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| said[8 + at * 8 + byte]));
    Some((number(0), Mark { number: number(1), last: number(2), forgotten: number(3) }))
}
