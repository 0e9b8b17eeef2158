//! How far the write-ahead log was synced, noted after each change: the log cannot tell a last change that is broken
//! from one that was never whole, and a log that is gone leaves nothing behind.
//!
//! ```text
//! change ─▶ synced by SQLite ─▶ catalog.mark: place in the log, checksum there, when catalog.db was written last
//! ```
//!
//! A mark never says more than what is on the disk, so what it says and is not there was lost. It is synced only now and
//! then: where power was lost it may say less, and then nothing is known.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::log::{Changes, Pair, Place, number, pair};

const MAGIC: [u8; 8] = *b"IOBCMRK1";
/// Magic, salts, frame, its checksum, time of catalog.db, checksum of all that.
const BYTES: usize = 8 + 8 + 8 + 8 + 16 + 4;
const MODE: u32 = 0o600;

/// Where it stands.
pub(crate) fn path_of(catalog: &Path) -> PathBuf {
    catalog.with_extension("mark")
}

/// What is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// How far the log was synced.
    pub(crate) end: Place,
    /// The checksum of the frame there.
    pub(crate) last: Pair,
    /// When catalog.db was written last, by the file system: seconds and nanoseconds.
    pub(crate) written: (i64, i64),
}

impl Mark {
    /// The mark beside a catalog; none where there is none, or it is not what was written.
    pub(crate) fn read(catalog: &Path) -> io::Result<Option<Self>> {
        match fs::read(path_of(catalog)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
            Ok(bytes) => Ok(Self::parse(&bytes)),
        }
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let said = bytes.get(..BYTES - 4).filter(|said| said.starts_with(&MAGIC))?;
        if bytes.len() != BYTES || number(bytes, BYTES - 4)? != crc32c::crc32c(said) {
            return None;
        }
        let long = |at: usize| Some(i64::from_be_bytes(*said.get(at..)?.first_chunk()?));
        let frames = long(16)?.cast_unsigned();
        Some(Self {
            end: Place { salts: pair(said, 8)?, frames },
            last: pair(said, 24)?,
            written: (long(32)?, long(40)?),
        })
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        let Self { end, last, written } = self;
        bytes.extend([end.salts.0, end.salts.1].into_iter().flat_map(u32::to_be_bytes));
        bytes.extend(end.frames.to_be_bytes());
        bytes.extend([last.0, last.1].into_iter().flat_map(u32::to_be_bytes));
        bytes.extend([written.0, written.1].into_iter().flat_map(i64::to_be_bytes));
        bytes.extend(crc32c::crc32c(&bytes).to_be_bytes());
        bytes
    }

    /// What of a log was synced and is not there.
    pub(crate) fn missed(&self, changes: &Changes) -> Option<String> {
        let same_log = self.end.salts == changes.end.salts;
        let broken = same_log && changes.end.frames < self.end.frames;
        broken.then(|| {
            format!(
                "frame {} of catalog.db-wal is not what was written: {} were synced, and changes in them would be lost",
                changes.end.frames + 1,
                self.end.frames
            )
        })
    }
}

/// When a file was written last, by the file system.
pub(crate) fn written(path: &Path) -> io::Result<(i64, i64)> {
    let facts = fs::metadata(path)?;
    Ok((facts.mtime(), facts.mtime_nsec()))
}

/// The file, being kept.
#[derive(Debug)]
pub(crate) struct Marks {
    file: File,
    /// Whether it says what may be in memory alone.
    unsynced: bool,
}

impl Marks {
    /// Opens the file, or makes it.
    pub(crate) fn open(catalog: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(MODE);
        let file = options.open(path_of(catalog))?;
        Ok(Self { file, unsynced: false })
    }

    /// Notes how far the log was synced.
    pub(crate) fn note(&mut self, mark: &Mark) -> io::Result<()> {
        self.unsynced = true;
        self.file.write_all_at(&mark.bytes(), 0)
    }

    /// Makes what was noted last.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if self.unsynced {
            self.file.sync_data()?;
            self.unsynced = false;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_reads_as_it_was_written_and_a_flipped_or_cut_one_not_at_all() {
        let end = Place { salts: (7, u32::MAX), frames: 9 };
        let mark = Mark { end, last: (3, 4), written: (1_700_000_000, 5) };
        let bytes = mark.bytes();
        assert_eq!(Mark::parse(&bytes), Some(mark));
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 4;
            assert_eq!(Mark::parse(&flipped), None, "byte {at}");
            assert_eq!(Mark::parse(&bytes[..at]), None, "cut at {at}");
        }
    }
}
