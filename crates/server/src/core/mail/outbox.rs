//! A folder of letters that no mail server took.
//!
//! ```text
//! letter ─▶ a draft, synced ─▶ its name, the first of its moment that no other has ─▶ the oldest beyond those kept go
//! ```

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use chrono::DateTime;
use iobeam_model::Timestamp;
use parking_lot::Mutex;

use crate::core::files::write_whole;

/// How many letters are kept: whoever asks for many cannot fill the disk.
pub(crate) const KEPT: usize = 1000;

/// Ends the name of a letter that is being written.
const PART: &str = "part";

/// The letters of a folder. One process has it, as it has the data folder.
#[derive(Debug)]
pub(super) struct Outbox {
    folder: PathBuf,
    /// One letter at a time finds a name that is free.
    naming: Mutex<()>,
}

impl Outbox {
    /// Opens a folder, which may not be there yet, and removes what a process that is gone left half written.
    pub(super) fn open(folder: &Path) -> Self {
        if let Err(error) = with_ending(folder, PART).and_then(remove)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(folder = %folder.display(), %error, "letters that were half written are still there");
        }
        Self { folder: folder.to_owned(), naming: Mutex::new(()) }
    }

    /// Puts a letter into the folder, for its owner's eyes only, and says where. It gets its name once all of it is
    /// there, so that nobody reads half of it.
    pub(super) fn keep(&self, now: Timestamp, purpose: &str, letter: &[u8]) -> io::Result<PathBuf> {
        let folder = &self.folder;
        let _one_at_a_time = self.naming.lock();
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let path = free_name(folder, now, purpose)?;
        write_whole(&path, &path.with_extension(PART), letter)?;
        remove(beyond_those_kept(folder)?)?;
        Ok(path)
    }
}

/// The first name of a moment that no letter has.
fn free_name(folder: &Path, now: Timestamp, purpose: &str) -> io::Result<PathBuf> {
    let when = DateTime::from_timestamp_micros(now.micros()).unwrap_or_default();
    let when = when.format("%Y%m%dT%H%M%S");
    for n in 1_u32.. {
        let path = folder.join(format!("{when}-{n:04}-{purpose}.eml"));
        if !path.try_exists()? {
            return Ok(path);
        }
    }
    Err(io::Error::other("the outbox is full"))
}

/// The oldest letters, whose names sort by time.
fn beyond_those_kept(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut letters = with_ending(folder, "eml")?;
    letters.sort_unstable();
    letters.truncate(letters.len().saturating_sub(KEPT));
    Ok(letters)
}

fn with_ending(folder: &Path, ending: &str) -> io::Result<Vec<PathBuf>> {
    let paths = fs::read_dir(folder)?.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    Ok(paths.filter(|path| path.extension().is_some_and(|found| found == ending)).collect())
}

fn remove(paths: Vec<PathBuf>) -> io::Result<()> {
    for path in paths {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
