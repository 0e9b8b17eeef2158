//! What is measured: one file for each kind of work.

pub(crate) mod devices;
pub(crate) mod figures;
pub(crate) mod fleet;
pub(crate) mod growth;
pub(crate) mod import;
pub(crate) mod queries;
pub(crate) mod recovery;
pub(crate) mod soak;

use std::path::PathBuf;

use anyhow::Result;
use tempfile::TempDir;

use crate::clock::Deadline;
use crate::options::Options;

/// What each work is given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) options: &'a Options,
    pub(crate) deadline: Deadline,
}

/// A folder for a system's data, which goes away with its contents.
pub(crate) fn folder(options: &Options) -> Result<TempDir> {
    let place = options.folder.clone().unwrap_or_else(std::env::temp_dir);
    Ok(tempfile::Builder::new().prefix("iobeam-bench-").tempdir_in(place)?)
}

/// The Python that has DuckDB, in an environment that is made once; nothing when it cannot be made.
pub(crate) fn python() -> Option<PathBuf> {
    let made =
        std::panic::catch_unwind(|| iobeam_promises::python_with("bench", &["duckdb==2.0.0"]));
    if made.is_err() {
        eprintln!("DuckDB cannot be installed: left out");
    }
    made.ok()
}
