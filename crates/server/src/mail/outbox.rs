//! A folder of letters that no mail server took.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process;

use chrono::DateTime;
use iobeam_model::Timestamp;

/// How many letters are kept: whoever asks for many cannot fill the disk.
pub(crate) const KEPT: usize = 1000;

/// Ends the name of a letter that is being written.
const PART: &str = "part";

/// Puts a letter into the folder, for its owner's eyes only, and says where. It gets its name once all of it is there, so
/// that nobody reads half of it.
pub(super) fn keep(
    folder: &Path,
    now: Timestamp,
    purpose: &str,
    letter: &[u8],
) -> io::Result<PathBuf> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let part = write(folder, letter)?;
    let named = name(folder, now, purpose, &part);
    fs::remove_file(&part)?;
    File::open(folder)?.sync_all()?;
    clear(folder)?;
    named
}

fn write(folder: &Path, letter: &[u8]) -> io::Result<PathBuf> {
    for n in 1_u32.. {
        let path = folder.join(format!("{}-{n}.{PART}", process::id()));
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(mut file) => {
                file.write_all(letter)?;
                file.sync_all()?;
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("the outbox is full"))
}

/// Gives a letter the first name of its moment that no other has.
fn name(folder: &Path, now: Timestamp, purpose: &str, part: &Path) -> io::Result<PathBuf> {
    let when = DateTime::from_timestamp_micros(now.micros()).unwrap_or_default();
    let when = when.format("%Y%m%dT%H%M%S");
    for n in 1_u32.. {
        let path = folder.join(format!("{when}-{n:04}-{purpose}.eml"));
        match fs::hard_link(part, &path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("the outbox is full"))
}

/// Removes the oldest letters beyond those that are kept, whose names sort by time, and what a process that is gone left
/// half written.
fn clear(folder: &Path) -> io::Result<()> {
    let entries = fs::read_dir(folder)?.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let (mut letters, parts): (Vec<PathBuf>, Vec<PathBuf>) =
        entries.partition(|path| path.extension().is_some_and(|extension| extension == "eml"));
    letters.sort_unstable();
    letters.truncate(letters.len().saturating_sub(KEPT));
    let own = format!("{}-", process::id());
    let is_foreign = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path.extension().is_some_and(|extension| extension == PART) && !name.starts_with(&own)
    };
    for path in letters.into_iter().chain(parts.into_iter().filter(is_foreign)) {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
