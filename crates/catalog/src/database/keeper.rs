//! Keeps what is known of the file up to date while it is open: after each change how far the log was synced, and before
//! the log is brought into the file the checksums of its pages as they will be then.
//!
//! ```text
//! change ─▶ look at its frames ─▶ mark ─ many frames? ─▶ catalog.sum ─▶ checkpoint ─▶ SQLite begins the log anew
//! ```
//!
//! SQLite makes no checkpoint of its own: it would change pages of which nobody knows.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::log::{self, Changes, FRAME_HEADER_BYTES, Frame, HEADER_BYTES, Place};
use super::mark::{self, Mark, Marks};
use super::sums::{self, PAGE_BYTES, Sums};
use crate::audit;

/// So many frames of the log are brought into the file at a time, as SQLite does by itself.
const FRAMES: u64 = 1000;
const FRAME_BYTES: usize = FRAME_HEADER_BYTES + PAGE_BYTES;

/// What is known of a file that is open.
#[derive(Debug)]
pub(crate) struct Keeper {
    catalog: PathBuf,
    marks: Marks,
    /// As of the last checkpoint.
    sums: Sums,
    /// In the log.
    changes: Changes,
}

impl Keeper {
    /// Begins with a file that was found sound, whose log may have changes.
    pub(crate) fn open(catalog: &Path, connection: &Connection) -> io::Result<Self> {
        let marks = Marks::open(catalog)?;
        let (known, mark) = (Sums::read(catalog)?, Mark::read(catalog)?);
        let has_known = known.as_ref().is_some_and(|known| known.audit.is_some());
        let mut keeper = Self {
            catalog: catalog.to_owned(),
            marks,
            sums: known.unwrap_or_default(),
            changes: Changes::default(),
        };
        keeper.look()?;
        if let (0, Some(mark)) = (keeper.changes.end.frames, mark) {
            // The log is empty, and that is right: what it held last is in the file.
            keeper.sums.log = Some(mark.end);
        }
        if keeper.complete()? || !has_known {
            keeper.write_sums(connection)?;
        }
        if keeper.changes.end.frames > 0 {
            keeper.mark()?;
        }
        Ok(keeper)
    }

    /// Takes checksums from the file where none are known. Whether there were such.
    fn complete(&mut self) -> io::Result<bool> {
        let now = sums::of_file(&self.catalog)?;
        let mut is_new = self.sums.pages.len() < now.len();
        self.sums.pages.resize(self.sums.pages.len().max(now.len()), None);
        for (known, now) in self.sums.pages.iter_mut().zip(now) {
            is_new |= known.is_none();
            known.get_or_insert(now);
        }
        Ok(is_new)
    }

    /// After a change: notes that it was synced, and sees to it that the log does not grow for ever.
    pub(crate) fn changed(&mut self, connection: &Connection) {
        let kept = self.look().and_then(|()| self.mark());
        if let Err(error) = kept {
            tracing::warn!(%error, "how far the catalog's log was synced could not be noted");
        }
        if self.changes.end.frames >= FRAMES
            && let Err(error) = self.checkpoint(connection, "PASSIVE")
        {
            tracing::warn!(%error, "the catalog's log is not brought into its file; it goes on growing");
        }
    }

    /// Brings the log into the file, as far as nobody reads from it.
    pub(crate) fn checkpoint(&mut self, connection: &Connection, how: &str) -> io::Result<()> {
        self.look()?;
        self.write_sums(connection)?;
        let sql = format!("PRAGMA wal_checkpoint({how})");
        connection.query_row(&sql, [], |_| Ok(())).map_err(io::Error::other)?;
        if self.changes.end.frames > 0 {
            self.mark()?;
        }
        Ok(())
    }

    /// Makes the mark last.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.marks.sync()
    }

    fn mark(&mut self) -> io::Result<()> {
        let Changes { end, last, .. } = self.changes;
        let written = mark::written(&self.catalog)?;
        self.marks.note(&Mark { end, last, written })
    }

    /// Notes the pages' checksums as they are once the log has been brought into the file.
    fn write_sums(&mut self, connection: &Connection) -> io::Result<()> {
        let Changes { end, pages, size, .. } = &self.changes;
        if end.frames > 0 {
            self.sums.pages.resize(*size as usize, None);
            for (page, sum) in pages {
                let known = (*page as usize).checked_sub(1);
                if let Some(known) = known.and_then(|page| self.sums.pages.get_mut(page)) {
                    *known = Some(*sum);
                }
            }
            self.sums.log = Some(*end);
        }
        self.sums.audit = audit::end(connection).map_err(io::Error::other)?;
        self.sums.write(&self.catalog)
    }

    /// Looks at what was added to the log since the last time.
    fn look(&mut self) -> io::Result<()> {
        let log = match File::open(sums::wal_of(&self.catalog)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        let mut header = [0; HEADER_BYTES];
        if !is_whole(log.read_exact_at(&mut header, 0))? {
            return Ok(());
        }
        let Some(salts) = log::pair(&header, 16) else { return Ok(()) };
        if salts != self.changes.end.salts {
            let (end, last) =
                (Place { salts, frames: 0 }, log::pair(&header, 24).unwrap_or_default());
            self.changes = Changes { end, last, ..Changes::default() };
        }
        let (mut index, mut before) = (self.changes.end.frames, self.changes.last);
        let (mut bytes, mut open) = (vec![0; FRAME_BYTES], HashMap::new());
        loop {
            let at = HEADER_BYTES as u64 + index * FRAME_BYTES as u64;
            if !is_whole(log.read_exact_at(&mut bytes, at))? {
                return Ok(());
            }
            // Behind the last change may be what a crash tore, or what was taken back.
            let frame = Frame::read(&bytes, log::is_big(&header), salts, before);
            let Some(frame) = frame.filter(|frame| frame.is_sound) else { return Ok(()) };
            (index, before) = (index + 1, frame.sum);
            self.changes.go_on(index, &frame, &mut open);
        }
    }
}

/// Whether that much could be read.
fn is_whole(read: io::Result<()>) -> io::Result<bool> {
    match read {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
