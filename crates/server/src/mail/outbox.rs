//! A folder of letters that no mail server took.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use chrono::DateTime;
use iobeam_model::Timestamp;

/// How many letters are kept: whoever asks for many cannot fill the disk.
pub(crate) const KEPT: usize = 1000;

/// Puts a letter into the folder, for its owner's eyes only, and says where.
pub(super) fn keep(
    folder: &Path,
    now: Timestamp,
    purpose: &str,
    letter: &[u8],
) -> io::Result<PathBuf> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let when = DateTime::from_timestamp_micros(now.micros()).unwrap_or_default();
    let when = when.format("%Y%m%dT%H%M%S");
    for n in 1_u32.. {
        let path = folder.join(format!("{when}-{n:04}-{purpose}.eml"));
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(mut file) => {
                file.write_all(letter)?;
                file.sync_all()?;
                File::open(folder)?.sync_all()?;
                clear(folder)?;
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("the outbox is full"))
}

/// Removes the oldest letters beyond those that are kept. Their names sort by time.
fn clear(folder: &Path) -> io::Result<()> {
    let mut letters: Vec<PathBuf> = fs::read_dir(folder)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
        .collect();
    if letters.len() > KEPT {
        letters.sort_unstable();
        for path in &letters[..letters.len() - KEPT] {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
