//! A Parquet file whose bytes are checked each time they are read: the one way in which files are read.
//!
//! ```text
//! range ─▶ whole blocks around it ─▶ read ─▶ checksum of each ─▶ the range
//!                                              └ wrong: the file is damaged, which it remembers
//! ```
//!
//! - A file that this version wrote carries the checksums of its blocks, and its table that of its end.
//! - One of an earlier version is read as a whole when it is first opened, against the checksum that its table has of
//!   it, and its blocks are checked against that from then on.
//! - A damaged file is never merged with others: see [`DataFile::damage`].

pub(crate) mod sums;

use std::fmt;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::DataType;
use bytes::Bytes;
use iobeam_journal::{Disk, DiskFile};
use iobeam_model::{FieldName, FieldType};
use parking_lot::Mutex;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use super::{DataFile, FileFacts};
use crate::error::FileError;
use sums::{BLOCK_BYTES, Found, SumWriter, Sums};

/// Bytes that are read at once where all of a file is.
const PIECE_BYTES: u64 = 1 << 20;

/// An open file. Cheap to clone; as long as one lives the file is not removed.
#[derive(Clone)]
pub struct VerifiedFile(Arc<Opened>);

struct Opened {
    file: Arc<dyn DiskFile>,
    sums: Arc<Sums>,
    of: Arc<DataFile>,
    /// The stretch that was read last, and where it starts: the pages of a column are small and stand side by side.
    last: Mutex<(u64, Bytes)>,
}

impl fmt::Debug for VerifiedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VerifiedFile").field(&self.0.of.path()).finish()
    }
}

impl VerifiedFile {
    /// Opens a file, after a look at its end, or at all of it if an earlier version wrote it.
    pub(super) fn open(disk: &dyn Disk, of: &Arc<DataFile>) -> Result<Self, FileError> {
        let opened = disk.open(of.path()).and_then(|file| Ok((file.len()?, file)));
        let (size, file) = opened.map_err(|error| of.unreadable(error))?;
        if size != of.size {
            return Err(of.damaged(format!("it has {size} bytes, and the log says {}", of.size)));
        }
        let sums = if let Some(known) = of.sums.get() {
            Arc::clone(known)
        } else {
            let found = find(&*file, of)?;
            Arc::clone(of.sums.get_or_init(|| Arc::new(found)))
        };
        let last = Mutex::default();
        Ok(Self(Arc::new(Opened { file, sums, of: Arc::clone(of), last })))
    }

    /// The bytes of a range.
    ///
    /// # Errors
    /// When they are not those that were written, or the system does not give them.
    pub fn read(&self, range: Range<u64>) -> Result<Bytes, FileError> {
        let Opened { of, last, .. } = &*self.0;
        if range.end > of.size || range.start > range.end {
            let reason = format!("it ends before byte {}, to which it points", range.end);
            return Err(of.damaged(reason));
        }
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let (start, bytes) = {
            let known = last.lock();
            (known.0, known.1.clone())
        };
        if start <= range.start && range.end <= start + bytes.len() as u64 {
            return Ok(part(&bytes, start, &range));
        }
        let (start, bytes) = self.blocks(&range)?;
        *last.lock() = last_block(start, &bytes);
        Ok(part(&bytes, start, &range))
    }

    /// The bytes of several ranges; those whose blocks touch are read at once.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_all(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, FileError> {
        let sums = &self.0.sums;
        let mut found = vec![Bytes::new(); ranges.len()];
        let mut order: Vec<usize> = (0..ranges.len()).collect();
        order.sort_by_key(|at| ranges[*at].start);
        let mut rest = &order[..];
        while let Some((first, others)) = rest.split_first() {
            let mut all = ranges[*first].clone();
            let near = others.iter().take_while(|at| {
                let is_near = ranges[**at].start <= sums.widened(all.start, all.end).1;
                if is_near {
                    all.end = all.end.max(ranges[**at].end);
                }
                is_near
            });
            let count = 1 + near.count();
            let bytes = self.read(all.clone())?;
            for at in &rest[..count] {
                found[*at] = part(&bytes, all.start, &ranges[*at]);
            }
            rest = &rest[count..];
        }
        Ok(found)
    }

    /// The whole blocks around a range, checked, and where they start.
    fn blocks(&self, range: &Range<u64>) -> Result<(u64, Bytes), FileError> {
        let Opened { file, sums, of, .. } = &*self.0;
        let (start, end) = sums.widened(range.start, range.end);
        let bytes = sums::read(&**file, start, end).map_err(|error| of.unreadable(error))?;
        if let Some(at) = sums.wrong(start, &bytes) {
            return Err(of.damaged(format!(
                "the checksum of its bytes from {at} on is not that of what was written"
            )));
        }
        Ok((start, bytes.into()))
    }
}

/// The last block of some, and where it starts: without the memory of many others.
fn last_block(start: u64, bytes: &Bytes) -> (u64, Bytes) {
    let block = BLOCK_BYTES as usize;
    if bytes.len() <= 2 * block {
        return (start, bytes.clone());
    }
    let before = (bytes.len() - 1) / block * block;
    (start + before as u64, Bytes::copy_from_slice(&bytes[before..]))
}

/// The part of some bytes, which start there, that is a range.
fn part(bytes: &Bytes, start: u64, range: &Range<u64>) -> Bytes {
    bytes.slice((range.start - start) as usize..(range.end - start) as usize)
}

/// The checksums of a file.
fn find(file: &dyn DiskFile, of: &DataFile) -> Result<Sums, FileError> {
    let found = Sums::read(file, of.size, of.tail).map_err(|error| of.unreadable(error))?;
    match found {
        Found::Sums(sums) => Ok(sums),
        Found::Damaged(reason) => Err(of.damaged(reason.to_owned())),
        Found::None => {
            let mut sums = SumWriter::new();
            let (mut crc, mut at) = (0, 0);
            while at < of.size {
                let end = of.size.min(at + PIECE_BYTES);
                let bytes = sums::read(file, at, end).map_err(|error| of.unreadable(error))?;
                crc = crc32c::crc32c_append(crc, &bytes);
                sums.add(&bytes);
                at = end;
            }
            if of.crc.is_some_and(|written| written != crc) {
                return Err(of.damaged("its checksum is not that of what was written".to_owned()));
            }
            Ok(sums.whole())
        }
    }
}

impl DataFile {
    /// Opens it to be read.
    ///
    /// # Errors
    /// When it is damaged or missing, or the system does not let us.
    pub fn open(self: &Arc<Self>) -> Result<VerifiedFile, FileError> {
        VerifiedFile::open(&*self.disk, self)
    }

    /// The fields that its rows have, without the time.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn fields(self: &Arc<Self>) -> Result<Vec<(FieldName, FieldType)>, FileError> {
        let footer = ArrowReaderMetadata::load(&self.open()?, ArrowReaderOptions::default());
        let footer = footer.map_err(|error| match FileError::within(&error) {
            Some(known) => known.clone(),
            None => self.damaged(error.to_string()),
        })?;
        let fields = footer.schema().fields().iter().skip(1);
        let known = fields.filter_map(|field| {
            let kind = match field.data_type() {
                DataType::Float64 => FieldType::Double,
                DataType::Int64 => FieldType::Long,
                DataType::Boolean => FieldType::Boolean,
                DataType::Utf8View | DataType::Utf8 => FieldType::String,
                _ => return None,
            };
            Some((field.name().parse().ok()?, kind))
        });
        Ok(known.collect())
    }

    /// What was found to be wrong with it since the store was opened. Such a file is left alone: queries that need it
    /// fail, and nothing is made of it.
    pub fn damage(&self) -> Option<&FileError> {
        self.damage.get()
    }

    /// Its name below the data directory.
    pub fn shown(&self) -> String {
        shown(self.path())
    }

    fn damaged(&self, reason: String) -> FileError {
        let error = FileError::Damaged { file: self.shown(), reason };
        if self.damage.set(error.clone()).is_ok() {
            tracing::error!(%error, "a file is damaged");
        }
        error
    }

    fn unreadable(&self, error: io::Error) -> FileError {
        match error.kind() {
            io::ErrorKind::NotFound => self.damaged("it is missing".to_owned()),
            io::ErrorKind::UnexpectedEof => self.damaged("it is shorter than it was".to_owned()),
            _ => FileError::Io { file: self.shown(), source: Arc::new(error) },
        }
    }
}

/// A file's name below the data directory.
pub(crate) fn shown(path: &Path) -> String {
    let mut parts: Vec<_> =
        path.iter().rev().take(4).map(|part| part.to_string_lossy().into_owned()).collect();
    parts.reverse();
    parts.join("/")
}

/// A file as it is found, of which no table says anything.
pub(crate) fn unnamed(
    disk: &Arc<dyn Disk>,
    path: &Path,
    seq: u64,
) -> Result<Arc<DataFile>, FileError> {
    let size = disk.open(path).and_then(|file| file.len());
    let size =
        size.map_err(|error| FileError::Io { file: shown(path), source: Arc::new(error) })?;
    let facts = FileFacts {
        path: path.to_owned(),
        size,
        rows: 0,
        min_time: i64::MIN,
        max_time: i64::MAX,
        min_partition: None,
        max_partition: None,
        partition_nulls: 0,
        seq,
        crc: None,
        tail: None,
    };
    Ok(Arc::new(DataFile::new(facts, disk)))
}

/// Reads all of a file by its own checksums.
pub(crate) fn whole(disk: &Arc<dyn Disk>, path: &Path) -> Result<Bytes, FileError> {
    let file = unnamed(disk, path, 0)?;
    file.open()?.read(0..file.size)
}

/// Whether a file was written before files had checksums of their blocks.
pub(crate) fn is_unsummed(facts: &FileFacts) -> bool {
    facts.tail.is_none() && facts.crc.is_some()
}

impl From<FileError> for ParquetError {
    fn from(error: FileError) -> Self {
        Self::External(Box::new(error))
    }
}

impl Length for VerifiedFile {
    fn len(&self) -> u64 {
        self.0.of.size
    }
}

impl ChunkReader for VerifiedFile {
    type T = FromBlocks;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(FromBlocks { file: self.clone(), at: start, now: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        Ok(self.read(start..start + length as u64)?)
    }
}

/// A file read from a place on, block by block: page headers are read this way.
#[derive(Debug)]
pub struct FromBlocks {
    file: VerifiedFile,
    at: u64,
    now: Bytes,
}

impl Read for FromBlocks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.now.is_empty() {
            let size = self.file.len();
            let block = u64::from(BLOCK_BYTES);
            let end = (self.at + 1).next_multiple_of(block).min(size);
            if self.at >= size {
                return Ok(0);
            }
            self.now = self.file.read(self.at..end).map_err(io::Error::other)?;
            self.at = end;
        }
        let count = buffer.len().min(self.now.len());
        buffer[..count].copy_from_slice(&self.now.split_to(count));
        Ok(count)
    }
}
