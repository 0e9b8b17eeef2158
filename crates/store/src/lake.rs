//! Rows at rest: Parquet files, and a Delta log per namespace that says which of them count.
//!
//! ```text
//! lake/<project>/<namespace>/
//!   _delta_log/00000000000000000042.json     add part-…, txn {app: this store, version: highest Seq}
//!   part-00000000000000001234-….parquet      sorted by (partition field, time)
//! ```
//!
//! - A file counts once a commit names it; one that no commit names is swept up at the next start.
//! - The commit carries the highest journal record in its files: after a crash the journal is replayed from there.
//! - Every file and folder is synced before the next step relies on it.

pub(crate) mod compact;

pub(crate) mod delta;

pub(crate) mod parquet;

mod numbers;

pub(crate) mod order;

pub(crate) mod files;

pub(crate) mod log_sums;
