//! How much the store may use, and when it does what.

use std::path::PathBuf;
use std::time::Duration;

/// Plain data; clock and disk are given beside it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where everything lies: `journal/`, `lake/`, `receipts/`, `set-aside/`.
    pub dir: PathBuf,
    /// Size of one journal segment.
    pub segment_bytes: u64,
    /// Most bytes of the journal; beyond them writes are refused until the lake has caught up.
    pub journal_bytes: u64,
    /// Most bytes that one sync takes with it.
    pub group_bytes: usize,
    /// A table's rows in memory are flushed once they take this many bytes ...
    pub flush_bytes: usize,
    /// ... or are this old.
    pub flush_age: Duration,
    /// Most bytes of rows in memory, queued or not yet flushed, of queries and of merges together.
    pub memory_budget: usize,
    /// How long a write waits for room in that budget before it is refused.
    pub patience: Duration,
    /// Free space on the disk below which writes are refused.
    pub reserve_bytes: u64,
    /// How long an identical body counts as a repeat.
    pub repeat_window: Duration,
    /// Body receipts held in memory before they are spilled to a file of their own.
    pub receipts_in_memory: usize,
    /// Most body receipts altogether; beyond it the oldest go before their time.
    pub receipts_at_most: usize,
    /// Most numbered streams remembered; beyond it the longest silent go.
    pub streams_at_most: usize,
    /// Rows per Parquet row group; large files have up to eight times as many in each.
    pub row_group_rows: usize,
    /// So many files of about one size are merged into one; at least two.
    pub merge_files: usize,
    /// Rows that a file should have; smaller neighbours are merged up to it.
    pub file_rows: u64,
    /// Most bytes of the latest rows that are held for those who follow them, of all tables together.
    pub live_buffer_bytes: usize,
    /// Most bytes of last rows kept in memory, of all tables together; a table that does not fit has none there.
    pub last_value_cache_bytes: u64,
}

impl Settings {
    /// The defaults, for a machine with a gigabyte to spare.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            segment_bytes: 64 << 20,
            journal_bytes: 4 << 30,
            group_bytes: 8 << 20,
            flush_bytes: 96 << 20,
            flush_age: Duration::from_mins(10),
            memory_budget: 384 << 20,
            patience: Duration::from_secs(2),
            reserve_bytes: 64 << 20,
            repeat_window: Duration::from_hours(24),
            receipts_in_memory: 1 << 18,
            receipts_at_most: 1 << 26,
            streams_at_most: 1 << 20,
            row_group_rows: 1 << 17,
            merge_files: 8,
            file_rows: 8 << 20,
            live_buffer_bytes: 16 << 20,
            last_value_cache_bytes: 64 << 20,
        }
    }
}
