//! One file of the journal: a header, records one after the other, zeros.
//!
//! ```text
//! 0              512            1024
//! ├ header, twice ┼──────────────┼ record │ record │ … │ zeros up to the size reserved
//!   magic+version · number · first seq · salt · crc32c
//! ```
//!
//! - The header is on disk, and the file in its folder, before the first record is written.
//! - A segment in which anything ever failed is not written again: the next one starts with the sequence number
//!   after the last that was synced, and what this one holds from there on does not count.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Disk, DiskFile};
use crate::error::JournalError;

/// Where records start.
pub(crate) const RECORDS: u64 = 1024;
const SECOND_COPY: usize = 512;
const LENGTH: usize = 36;
const MAGIC: [u8; 7] = *b"IOBJRNL";
const VERSION: u8 = 1;
const SUFFIX: &str = ".journal";
/// A run is closed at this size, so that a record is found by reading no more than about as much.
const RUN: u64 = 64 * 1024;

/// Mixed into the checksums of a segment's headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Salt(pub(crate) u64);

impl Salt {
    pub(crate) fn crc(self, bytes: &[u8]) -> u32 {
        crc32c::crc32c_append(crc32c::crc32c(&self.0.to_le_bytes()), bytes)
    }
}

/// What a segment says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) number: u64,
    /// The sequence number of its first record, if it gets one.
    pub(crate) first: u64,
    pub(crate) salt: Salt,
}

/// What stands at the beginning of a file.
pub(crate) enum Labelled {
    Sound(Label),
    Unreadable,
    Version(u8),
}

impl Label {
    fn to_bytes(self) -> [u8; RECORDS as usize] {
        let mut copy = [0; LENGTH];
        copy[..7].copy_from_slice(&MAGIC);
        copy[7] = VERSION;
        copy[8..16].copy_from_slice(&self.number.to_le_bytes());
        copy[16..24].copy_from_slice(&self.first.to_le_bytes());
        copy[24..32].copy_from_slice(&self.salt.0.to_le_bytes());
        let crc = crc32c::crc32c(&copy[..32]);
        copy[32..].copy_from_slice(&crc.to_le_bytes());
        let mut bytes = [0; RECORDS as usize];
        bytes[..LENGTH].copy_from_slice(&copy);
        bytes[SECOND_COPY..SECOND_COPY + LENGTH].copy_from_slice(&copy);
        bytes
    }

    /// Reads the first copy, or else the second.
    pub(crate) fn read(file: &[u8]) -> Labelled {
        let mut answer = Labelled::Unreadable;
        for at in [SECOND_COPY, 0] {
            let Some(copy) = file.get(at..at + LENGTH) else { continue };
            let u64_at =
                |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| copy[at + byte]));
            if copy[..7] != MAGIC || crc32c::crc32c(&copy[..32]).to_le_bytes() != copy[32..] {
                continue;
            }
            answer = match copy[7] {
                VERSION => Labelled::Sound(Self {
                    number: u64_at(8),
                    first: u64_at(16),
                    salt: Salt(u64_at(24)),
                }),
                other => Labelled::Version(other),
            };
        }
        answer
    }
}

/// The version of the format that is written.
pub(crate) const fn version() -> u8 {
    VERSION
}

/// Sound records without a gap between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) offset: u64,
    pub(crate) end: u64,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// One file of the journal.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) label: Label,
    /// Where the next record goes.
    pub(crate) end: u64,
    /// How long the file is.
    pub(crate) size: u64,
    /// Up to where there are zeros in place of unwritten blocks.
    pub(crate) zeroed: u64,
    pub(crate) runs: Vec<Run>,
    /// Something in it was damaged: it is moved aside where others are removed.
    pub(crate) damaged: bool,
}

impl Segment {
    /// Makes a file and its header last. When that fails, nothing may be written to any earlier segment either: the
    /// new one may be there after a power cut and tell that those end here.
    pub(crate) fn create(
        disk: &dyn Disk,
        dir: &Path,
        label: Label,
        size: u64,
    ) -> Result<Self, JournalError> {
        let path = path_of(dir, label.number);
        let failed = |action| {
            let path = path.clone();
            move |source| JournalError::io(action, &path, source)
        };
        let file = disk.create(&path).map_err(failed("create"))?;
        let filled = || {
            file.preallocate(size).map_err(failed("reserve room for"))?;
            file.write_at(&label.to_bytes(), 0).map_err(failed("write"))?;
            file.sync_data().map_err(failed("sync"))?;
            disk.sync_dir(dir).map_err(failed("sync the folder of"))
        };
        if let Err(error) = filled() {
            // It holds nothing; if it cannot be removed either, it is known as empty when it is next read.
            let _ = disk.remove(&path);
            return Err(error);
        }
        let runs = Vec::new();
        Ok(Self { path, file, label, end: RECORDS, size, zeroed: RECORDS, runs, damaged: false })
    }

    /// The last record that counts; before the first there is one less than that.
    pub(crate) fn last(&self) -> u64 {
        self.runs.last().map_or(self.label.first - 1, |run| run.last)
    }

    /// Notes a group that was synced.
    pub(crate) fn extend(&mut self, first: u64, last: u64, bytes: u64) {
        let offset = self.end;
        self.end += bytes;
        push(&mut self.runs, Run { offset, end: self.end, first, last });
    }
}

/// Adds sound records, to the last run when they go on where it ended.
pub(crate) fn push(runs: &mut Vec<Run>, new: Run) {
    if let Some(run) = runs.last_mut()
        && run.end == new.offset
        && run.last + 1 == new.first
        && run.end - run.offset < RUN
    {
        run.end = new.end;
        run.last = new.last;
    } else {
        runs.push(new);
    }
}

/// The file of that number.
pub(crate) fn path_of(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:010}{SUFFIX}"))
}

/// The number in a segment's file name; `None` for other files.
pub(crate) fn number_of(path: &Path) -> Option<u64> {
    let digits = path.file_name()?.to_str()?.strip_suffix(SUFFIX)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}
