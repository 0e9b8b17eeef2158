//! What is measured: one file for each kind of work.

pub(crate) mod devices;
pub(crate) mod figures;
pub(crate) mod fleet;
pub(crate) mod growth;
pub(crate) mod import;
pub(crate) mod recovery;
pub(crate) mod soak;

pub(crate) mod queries;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use tempfile::TempDir;

use crate::clock::{Deadline, median, timed};
use crate::options::Options;
use crate::peers::Asker;

/// What each work is given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) options: &'a Options,
    pub(crate) deadline: Deadline,
}

/// How often a question is asked, and for how long, at the most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) times: usize,
    pub(crate) time: Duration,
}

/// Asks until it was often enough or took long enough; the median, and the last answer.
pub(crate) fn repeat(
    asker: &mut dyn Asker,
    phrase: &str,
    patience: Patience,
) -> Result<(Duration, Vec<u8>)> {
    let until = Deadline::after(patience.time);
    let mut times = Vec::new();
    loop {
        let (time, answer) = timed(|| asker.ask(phrase));
        times.push(time);
        // What is asked once, is asked first: the first warm answer is one too many, as it may still be cold.
        if times.len() >= patience.times
            || (until.passed() && times.len() > 1)
            || until.left() < time
        {
            if times.len() > 2 {
                times.remove(0);
            }
            return Ok((median(times), answer?));
        }
        answer?;
    }
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
