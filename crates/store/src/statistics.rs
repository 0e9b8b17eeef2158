//! Figures for whoever watches the store. Counters only grow; the rest is as of now.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// Upper bounds of the buckets of a [`Durations`], in seconds; one more bucket takes the rest.
pub const BOUNDS: [f64; 10] = [0.000_25, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.05, 0.25, 1.0, 10.0];

/// How long something took, as a histogram.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Durations {
    /// How many took no longer than the bound of the same place in [`BOUNDS`] (and longer than the one before);
    /// the last: longer than all.
    pub counts: [u64; 11],
    /// All of them together, in seconds.
    pub sum: f64,
}

/// What the store has done and holds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stats {
    /// Writes acknowledged, repeats among them.
    pub writes: u64,
    /// Rows stored (no repeats).
    pub rows: u64,
    /// Writes that were repeats.
    pub repeats: u64,
    /// Writes refused or failed.
    pub refused: u64,
    /// How long the journal's syncs took; each takes a group of writes with it.
    pub syncs: Durations,
    /// Writes waiting for the writer.
    pub queued: u64,
    /// Bytes of rows in memory, queued or not yet flushed.
    pub memory_bytes: u64,
    /// Bytes that queries hold.
    pub query_bytes: u64,
    /// Bytes that merges hold.
    pub merge_bytes: u64,
    /// Bytes that rows, queries and merges may take together.
    pub memory_limit: u64,
    /// Bytes of writes that wait for room among these.
    pub waiting_bytes: u64,
    /// Rows in memory that no file holds yet.
    pub memtable_rows: u64,
    /// Bytes of the journal on disk.
    pub journal_bytes: u64,
    /// How long the flushes took.
    pub flushes: Durations,
    /// Flushes that failed; each is tried again.
    pub flush_failures: u64,
    /// Merges of small files.
    pub compactions: u64,
    /// Rows removed because they were past their namespace's retention.
    pub expired_rows: u64,
    /// Tables, one per namespace that has rows.
    pub tables: u64,
    /// Tables that take no rows because their logs are damaged.
    pub out_of_service: u64,
    /// Parquet files of all tables.
    pub files: u64,
    /// Rows in them.
    pub file_rows: u64,
    /// Bytes of them.
    pub file_bytes: u64,
    /// Those of them that were found to be damaged since the start.
    pub damaged_files: u64,
    /// Body receipts remembered.
    pub receipts: u64,
    /// Numbered streams remembered.
    pub streams: u64,
    /// Records that could not be applied at the start and were set aside.
    pub set_aside: u64,
}

/// A [`Durations`] being counted.
#[derive(Debug, Default)]
pub(crate) struct DurationCounter {
    counts: [AtomicU64; 11],
    nanos: AtomicU64,
}

impl DurationCounter {
    pub(crate) fn add(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let at = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        self.counts[at].fetch_add(1, Ordering::Relaxed);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Durations {
        let mut counts = [0; 11];
        for (count, counter) in counts.iter_mut().zip(&self.counts) {
            *count = counter.load(Ordering::Relaxed);
        }
        Durations { counts, sum: self.nanos.load(Ordering::Relaxed) as f64 / 1e9 }
    }
}

/// The counters behind [`Stats`], shared by handle, writer and flusher.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) writes: AtomicU64,
    pub(crate) rows: AtomicU64,
    pub(crate) repeats: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) syncs: DurationCounter,
    pub(crate) queued: AtomicU64,
    /// Bytes of writes that wait for room.
    pub(crate) waiting_bytes: AtomicU64,
    /// Rings when there may be room again.
    pub(crate) freed: Notify,
    pub(crate) journal_bytes: AtomicU64,
    pub(crate) flushes: DurationCounter,
    pub(crate) flush_failures: AtomicU64,
    pub(crate) compactions: AtomicU64,
    pub(crate) expired_rows: AtomicU64,
    pub(crate) receipts: AtomicU64,
    pub(crate) streams: AtomicU64,
    pub(crate) out_of_service: AtomicU64,
    pub(crate) set_aside: AtomicU64,
}

impl Counters {
    /// Everything that is counted; the sizes of tables are added by whoever sees them.
    pub(crate) fn read(&self) -> Stats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            writes: get(&self.writes),
            rows: get(&self.rows),
            repeats: get(&self.repeats),
            refused: get(&self.refused),
            syncs: self.syncs.read(),
            queued: get(&self.queued),
            waiting_bytes: get(&self.waiting_bytes),
            journal_bytes: get(&self.journal_bytes),
            flushes: self.flushes.read(),
            flush_failures: get(&self.flush_failures),
            compactions: get(&self.compactions),
            expired_rows: get(&self.expired_rows),
            receipts: get(&self.receipts),
            streams: get(&self.streams),
            out_of_service: get(&self.out_of_service),
            set_aside: get(&self.set_aside),
            ..Stats::default()
        }
    }
}

/// Adds one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
