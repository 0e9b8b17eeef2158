//! What queries may use.

use std::path::PathBuf;
use std::time::Duration;

use crate::context::PlanLimits;

/// Plain data; checked where it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Bytes of memory for all queries together. What can spill to disk does so before it reaches this.
    pub memory_bytes: u64,
    /// Bytes that the process may take; when it takes more than 32 MiB beyond, the largest query is stopped. `None` for
    /// any number.
    pub process_bytes: Option<u64>,
    /// Queries that run at once; half of them of one reader.
    pub concurrency: usize,
    /// Bytes that one value may have that a query makes.
    pub value_bytes: usize,
    /// What a query may be made of.
    pub plan: PlanLimits,
    /// How long a query may run. Time in which the answer waits for its reader does not count.
    pub timeout: Duration,
    /// How many rows an answer may have; `None` for any number.
    pub max_rows: Option<u64>,
    /// How many points a chart may have, all its series together.
    pub max_points: usize,
    /// How many series a chart may have.
    pub max_series: usize,
    /// Threads that each query runs on.
    pub threads: usize,
    /// Where what spills is put.
    pub temp_dir: PathBuf,
    /// Bytes that may be put there.
    pub temp_bytes: u64,
    /// Bytes of Parquet footers kept in memory.
    pub metadata_bytes: u64,
    /// Bytes of decoded rows kept in memory, those of devices that were asked for lately.
    pub row_cache_bytes: u64,
    /// Whether rows may be looked for where they are found without a scan. Tests compare with and without.
    pub looks_up: bool,
}

impl Settings {
    /// Moderate limits for a small machine.
    pub fn new(temp_dir: impl Into<PathBuf>) -> Self {
        Self {
            memory_bytes: 256 << 20,
            process_bytes: None,
            concurrency: 8,
            value_bytes: 8 << 20,
            plan: PlanLimits::default(),
            timeout: Duration::from_secs(30),
            max_rows: None,
            max_points: 500_000,
            max_series: 1_000,
            threads: std::thread::available_parallelism().map_or(2, Into::into),
            temp_dir: temp_dir.into(),
            temp_bytes: 4 << 30,
            metadata_bytes: 32 << 20,
            row_cache_bytes: 32 << 20,
            looks_up: true,
        }
    }
}
