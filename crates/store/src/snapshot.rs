//! What a query sees: the files of a table and the rows that no file holds yet, each row once.
//!
//! ```text
//! Snapshot ─┬─ files:  [DataFile]  rows up to some Seq, sorted by (partition, time)
//!           └─ chunks: [Chunk]     rows after it, in the order they came
//! ```
//!
//! Both lists are taken in one step, and neither changes afterwards. A file that compaction has replaced stays on
//! disk until the last snapshot that names it is gone.

pub(crate) mod last;

pub(crate) mod verified;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use arrow::record_batch::RecordBatch;
use iobeam_journal::Disk;
use iobeam_model::FieldName;

use crate::error::{FileError, StoreError};

pub use last::Arrival;

use last::LastRows;
use verified::sums::Sums;

/// The rows of one namespace at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Parquet files, sorted by (partition field, time) within each.
    pub files: Arc<[Arc<DataFile>]>,
    /// Rows in memory, unsorted.
    pub chunks: Arc<[Arc<Chunk>]>,
    /// The highest journal record in it.
    pub seq: u64,
    /// Rows before this time, in microseconds, are past the namespace's retention and must not be shown. Only files
    /// may still hold some, those whose [`expires_in`](Self::expires_in) says so; `i64::MIN`: every row is wanted.
    pub keep_from: i64,
    /// Why nothing is known of the table's rows, though it may have some: its log is damaged. Whoever asks for rows
    /// must be told.
    pub fault: Option<StoreError>,
    /// What is known of the last rows; nothing where there is no table.
    pub(crate) last: Option<Arc<LastRows>>,
}

impl Snapshot {
    /// Whether a file holds rows that must not be shown, beside others.
    pub fn expires_in(&self, file: &DataFile) -> bool {
        file.facts.min_time < self.keep_from
    }

    /// The last row of each value of the partition field, in no particular order, of rows with equal times the one
    /// that came last. The columns are those that the rows have, `time` first. Rows without a value do not count, nor
    /// do those past the retention.
    ///
    /// `None` when it is not known and the rows themselves must be looked at.
    pub fn last_rows(&self) -> Option<RecordBatch> {
        self.last_rows_by_arrival().map(|(rows, _)| rows)
    }

    /// The same rows, and when each came: of two the one that came later has the greater [`Arrival`]. Those of one file
    /// are in the order in which they stand there.
    pub fn last_rows_by_arrival(&self) -> Option<(RecordBatch, Vec<Arrival>)> {
        last::came_since(self.last.as_ref()?.all(&self.files, &self.chunks)?, self.keep_from)
    }

    /// The last row of one value of the partition field, or no row when there is none; otherwise as
    /// [`last_rows`](Self::last_rows).
    pub fn last_row(&self, value: &str) -> Option<RecordBatch> {
        last::since(self.last.as_ref()?.one(&self.files, &self.chunks, value)?, self.keep_from)
    }

    /// Whether [`last_row`](Self::last_row) would read no file, and not wait for anybody who does.
    pub fn knows_last_rows(&self) -> bool {
        self.last.as_ref().is_none_or(|last| last.knows(&self.files))
    }

    /// The last row of each partition value in the files alone, sorted by it, and the columns that say the same in all
    /// rows of a value there, as a truck's name does; otherwise as [`last_rows_by_arrival`](Self::last_rows_by_arrival).
    pub fn last_rows_in_files(&self) -> Option<(RecordBatch, Vec<Arrival>, Vec<Box<str>>)> {
        let (rows, steady) = self.last.as_ref()?.in_files(&self.files, &self.chunks)?;
        let (rows, came) = last::came_since(rows, self.keep_from)?;
        Some((rows, came, steady))
    }

    /// The field that the table is partitioned by; nothing where there is no table.
    pub fn partition(&self) -> Option<&FieldName> {
        self.last.as_ref().map(|last| last.partition())
    }

    /// How many rows it has, those among them that are past the retention and still in a file. Exact unless a file
    /// has such rows.
    pub fn rows(&self) -> u64 {
        let filed: u64 = self.files.iter().map(|file| file.facts.rows).sum();
        let held: usize = self.chunks.iter().map(|chunk| chunk.rows.num_rows()).sum();
        filed + held as u64
    }
}

/// A Parquet file of a table.
///
/// Fields are read as `file.rows`, as it stands in for its [`FileFacts`].
#[derive(Debug)]
pub struct DataFile {
    facts: FileFacts,
    /// Where it lies.
    disk: Arc<dyn Disk>,
    /// The checksums of its blocks, once it was opened.
    sums: OnceLock<Arc<Sums>>,
    /// What was found to be wrong with it.
    damage: OnceLock<FileError>,
    /// Set once no new snapshot will name the file: then the last one to drop it deletes it, from that disk.
    obsolete: OnceLock<Arc<dyn Disk>>,
}

/// What is known of a file without opening it. All of it is exact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// Where it is, absolute.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// Rows, at least one.
    pub rows: u64,
    /// Earliest time, in microseconds since 1970 UTC.
    pub min_time: i64,
    /// Latest time.
    pub max_time: i64,
    /// Least value of the partition field; `None` when no row has one.
    pub min_partition: Option<Box<str>>,
    /// Greatest value of the partition field.
    pub max_partition: Option<Box<str>>,
    /// Rows without a value of the partition field.
    pub partition_nulls: u64,
    /// The highest journal record in it.
    pub seq: u64,
    /// CRC-32C of all its bytes; files of earlier versions have none.
    pub crc: Option<u32>,
    /// CRC-32C of its end, in which the checksums of its blocks stand; files of earlier versions have none.
    pub tail: Option<u32>,
}

impl DataFile {
    pub(crate) fn new(facts: FileFacts, disk: &Arc<dyn Disk>) -> Self {
        Self {
            facts,
            disk: Arc::clone(disk),
            sums: OnceLock::new(),
            damage: OnceLock::new(),
            obsolete: OnceLock::new(),
        }
    }

    /// Where it is, absolute.
    pub fn path(&self) -> &Path {
        &self.facts.path
    }

    /// From now on nobody new will ask for the file: it goes with its last reader.
    pub(crate) fn retire(&self, disk: &Arc<dyn Disk>) {
        // Retired twice is retired.
        let _ = self.obsolete.set(Arc::clone(disk));
    }
}

impl std::ops::Deref for DataFile {
    type Target = FileFacts;

    fn deref(&self) -> &FileFacts {
        &self.facts
    }
}

impl Drop for DataFile {
    fn drop(&mut self) {
        if let Some(disk) = self.obsolete.get()
            && let Err(error) = disk.remove(&self.facts.path)
        {
            // What is left over is swept up at the next start.
            tracing::debug!(path = %self.facts.path.display(), %error, "a replaced file stays for now");
        }
    }
}

/// Rows in memory: the column `time`, then the columns that these rows have, in no particular order of rows.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// `time` is Timestamp(µs, UTC); DOUBLE Float64, LONG Int64, BOOLEAN Boolean, STRING Utf8View.
    pub rows: RecordBatch,
    /// Earliest time, in microseconds since 1970 UTC.
    pub min_time: i64,
    /// Latest time.
    pub max_time: i64,
    /// The highest journal record in it.
    pub seq: u64,
}
