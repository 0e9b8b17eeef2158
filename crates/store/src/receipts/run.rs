//! Body receipts on disk: a file that is written once, sorted by hash, and deleted as a whole.
//!
//! ```text
//! magic, newest, count │ entries: hash 16, rows 4, at 4; sorted │ filter: a byte per entry │ crc of filter and head
//! ```
//!
//! The filter is kept in memory: of a hundred hashes that are not in the file it sends about three to the disk. Hashes
//! are evenly spread, so that the place of one is told by its value, within a window that one read covers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use iobeam_journal::disk::{Disk, DiskFile};

use crate::error::StoreError;
use crate::lake::files::{UNFINISHED, put_synced, read_range};

use super::damaged;

const ENTRY: usize = 24;
const HEAD: usize = 16;
const MAGIC: [u8; 4] = *b"ioru";
const SUFFIX: &str = ".run";
/// So many entries are read at once around the place where one should be.
const WINDOW: u64 = 1024;
/// Bits set in the filter per entry, of the eight it has.
const PROBES: u32 = 5;

/// One receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: u128,
    pub(super) rows: u32,
    pub(super) at: u32,
}

impl Entry {
    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        // Big-endian: bytes compare as numbers do.
        bytes.extend(self.key.to_be_bytes());
        bytes.extend(self.rows.to_le_bytes());
        bytes.extend(self.at.to_le_bytes());
    }

    pub(super) fn read(bytes: &[u8; ENTRY]) -> Self {
        let [key, tail] = [&bytes[..16], &bytes[16..]];
        let number =
            |at: usize| u32::from_le_bytes([tail[at], tail[at + 1], tail[at + 2], tail[at + 3]]);
        let key = key.iter().fold(0u128, |key, byte| key << 8 | u128::from(*byte));
        Self { key, rows: number(0), at: number(4) }
    }
}

/// A file of receipts.
#[derive(Debug)]
pub(super) struct Run {
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    count: u64,
    newest: u32,
    filter: Vec<u8>,
}

impl Run {
    /// Writes sorted entries, of which there is at least one.
    pub(super) fn write(
        disk: &dyn Disk,
        dir: &Path,
        entries: &[Entry],
    ) -> Result<Self, StoreError> {
        let newest = entries.iter().map(|entry| entry.at).max().unwrap_or(0);
        let mut bytes = Vec::with_capacity(HEAD + entries.len() * (ENTRY + 1) + 4);
        bytes.extend(MAGIC);
        bytes.extend(newest.to_le_bytes());
        bytes.extend((entries.len() as u64).to_le_bytes());
        for entry in entries {
            entry.write(&mut bytes);
        }
        let mut filter = vec![0u8; entries.len()];
        for entry in entries {
            probes(entry.key, entries.len()).for_each(|(at, bit)| filter[at] |= bit);
        }
        bytes.extend_from_slice(&filter);
        bytes.extend(check(&bytes[..HEAD], &filter).to_le_bytes());
        let name = format!("{newest:010}-{}{SUFFIX}", uuid::Uuid::new_v4().simple());
        let path = dir.join(name);
        let failed = |error| StoreError::io("write", &path, error);
        put_synced(disk, &path, [&Bytes::from(bytes)]).map_err(failed)?;
        let file = disk.open(&path).map_err(failed)?;
        Ok(Self { file, count: entries.len() as u64, newest, filter, path })
    }

    /// All runs in a folder, oldest first; damaged ones are handed to `set_aside` with the reason.
    pub(super) fn open_all(
        disk: &dyn Disk,
        dir: &Path,
        set_aside: &mut dyn FnMut(&Path, &str) -> Result<(), StoreError>,
    ) -> Result<Vec<Self>, StoreError> {
        let mut runs = Vec::new();
        for path in disk.list(dir).map_err(|error| StoreError::io("list", dir, error))? {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
            if name.ends_with(SUFFIX) {
                match Self::open(disk, path) {
                    Err(StoreError::Damaged { path, reason }) => set_aside(&path, &reason)?,
                    other => runs.push(other?),
                }
            } else if name.ends_with(UNFINISHED) {
                disk.remove(&path).map_err(|error| StoreError::io("remove", &path, error))?;
            }
        }
        runs.sort_by_key(|run| run.newest);
        Ok(runs)
    }

    fn open(disk: &dyn Disk, path: PathBuf) -> Result<Self, StoreError> {
        let failed = |error| StoreError::io("read", &path, error);
        let file = disk.open(&path).map_err(failed)?;
        let length = file.len().map_err(failed)?;
        if length < HEAD as u64 {
            return Err(damaged(&path, "it is cut off"));
        }
        let head = read_range(&*file, 0..HEAD as u64).map_err(failed)?;
        let mut count = [0; 8];
        count.copy_from_slice(&head[8..]);
        let count = u64::from_le_bytes(count);
        let expected = count.checked_mul(ENTRY as u64 + 1).map(|bytes| bytes + HEAD as u64 + 4);
        if head[..4] != MAGIC || expected != Some(length) {
            return Err(damaged(&path, "its length is not what its head says"));
        }
        let tail = read_range(&*file, length - 4 - count..length).map_err(failed)?;
        let (filter, crc) = tail.split_at(count as usize);
        if check(&head, filter).to_le_bytes() != crc {
            return Err(damaged(&path, "its checksum is wrong"));
        }
        let newest = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        Ok(Self { file, count, newest, filter: filter.to_vec(), path })
    }

    pub(super) fn newest(&self) -> u32 {
        self.newest
    }

    pub(super) fn len(&self) -> usize {
        self.filter.len()
    }

    pub(super) fn find(&self, key: u128) -> Result<Option<Entry>, StoreError> {
        if probes(key, self.filter.len()).any(|(at, bit)| self.filter[at] & bit == 0) {
            return Ok(None);
        }
        // What share of all keys lies below this one is about its place among those here.
        let (mut low, mut high) = (0, self.count);
        let guess = ((key >> 64) * u128::from(self.count)) >> 64;
        let mut middle = u64::try_from(guess).unwrap_or(0);
        while low < high {
            let start = middle.saturating_sub(WINDOW / 2).max(low);
            let end = (start + WINDOW).min(high);
            let entries = self.entries(start, end)?;
            match entries.binary_search_by_key(&key, |entry| entry.key) {
                Ok(at) => return Ok(Some(entries[at])),
                Err(0) => high = start,
                Err(at) if at == entries.len() => low = end,
                Err(_) => return Ok(None),
            }
            middle = low.midpoint(high);
        }
        Ok(None)
    }

    fn entries(&self, start: u64, end: u64) -> Result<Vec<Entry>, StoreError> {
        let place = |at: u64| HEAD as u64 + at * ENTRY as u64;
        let bytes = read_range(&*self.file, place(start)..place(end))
            .map_err(|error| StoreError::io("read", &self.path, error))?;
        Ok(bytes.as_chunks().0.iter().map(Entry::read).collect())
    }

    fn is_in_order(&self) -> Result<bool, StoreError> {
        let mut last = None;
        for start in (0..self.count).step_by(WINDOW as usize) {
            for entry in self.entries(start, (start + WINDOW).min(self.count))? {
                let mut bits = probes(entry.key, self.filter.len());
                let is_known = bits.all(|(at, bit)| self.filter[at] & bit != 0);
                if !is_known || last.is_some_and(|last| last >= entry.key) {
                    return Ok(false);
                }
                last = Some(entry.key);
            }
        }
        Ok(true)
    }

    pub(super) fn delete(self, disk: &dyn Disk) -> Result<(), StoreError> {
        disk.remove(&self.path).map_err(|error| StoreError::io("remove", &self.path, error))
    }
}

/// The runs of a folder that are damaged, and in what way: also one whose entries are not in order, or not known to
/// its filter, as the checksum does not cover them.
pub(super) fn check_all(disk: &dyn Disk, dir: &Path) -> Result<Vec<(PathBuf, String)>, StoreError> {
    let mut found = Vec::new();
    for path in disk.list(dir).map_err(|error| StoreError::io("list", dir, error))? {
        if path.extension().is_none_or(|ending| ending != &SUFFIX[1..]) {
            continue;
        }
        match Run::open(disk, path) {
            Err(StoreError::Damaged { path, reason }) => found.push((path, reason)),
            Err(error) => return Err(error),
            Ok(run) => {
                if !run.is_in_order()? {
                    found.push((run.path, "its entries are not as they were written".to_owned()));
                }
            }
        }
    }
    Ok(found)
}

fn check(head: &[u8], filter: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(head), filter)
}

/// Where in a filter of so many bytes the bits of a key are: all in one stretch of 64 bytes, one look at memory.
fn probes(key: u128, bytes: usize) -> impl Iterator<Item = (usize, u8)> {
    let mixed = (key as u64 ^ (key >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let blocks = bytes.div_ceil(64).max(1);
    let block = ((u128::from(mixed) * blocks as u128) >> 64) as usize * 64;
    let within = (bytes - block.min(bytes)).clamp(1, 64) as u64 * 8;
    let bits = (key as u64).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (0..PROBES).map(move |probe| {
        let bit = (bits >> (probe * 12)) % within;
        (block + (bit / 8) as usize, 1 << (bit % 8))
    })
}
