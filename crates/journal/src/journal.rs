//! The journal: append, sync, read, forget.
//!
//! ```text
//! append ─▶ memory ─┐
//! append ─▶ memory ─┴ sync: one write, one fdatasync ─▶ 0000000042.journal ─full─▶ 0000000043.journal
//!                                                       read_from(seq) ─▶ records     forget(seq): whole files
//! ```
//!
//! - When `sync` returned `Ok`, all that was appended before survives a power cut.
//! - When it returned an error, none of what was appended since the last success counts, and the sequence numbers
//!   are given out again. The segment is never written to, nor synced, a second time: after a failed sync the
//!   system may have thrown away what it could not write and still say "done" to the next call. The next segment
//!   says where the failed one ends, so the failed records do not come back; the journal tries to make it before
//!   `sync` returns. Only if that fails as well *and* the process then ends before any later `sync` succeeded, the
//!   failed group, or its beginning, may be read again at the next start: whoever was told of the failure does not
//!   know the outcome, as with any error on the way. It is never followed by anything that was acknowledged.
//! - A full disk is such a failure. Once there is room the next `append` and `sync` succeed.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Seq;
use crate::disk::{Disk, DiskLock};
use crate::error::JournalError;
use crate::marks::{Mark, Marks};
use crate::record::{self, HEADER, MAX_PAYLOAD, MAX_PLACE, Pending};
use crate::records::Records;
use crate::recovery::{self, Recovery};
use crate::segment::{self, Label, RECORDS, Salt, Segment};

/// Memory kept for the next group; more than that is given back after a large one.
const KEPT_BUFFER: usize = 4 << 20;

/// How a journal is kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// How large a file is. It is reserved as a whole when the file is made.
    pub segment_bytes: u64,
    /// So many bytes ahead are filled with zeros by the group that reaches them. A sync then has no file-system
    /// metadata to write, which makes it about a third faster, but all bytes are written twice: good for a server,
    /// bad for a memory card. Groups of more than a quarter of it go without. 0 switches it off.
    pub zero_ahead: u64,
    /// The caller knows that sequence numbers up to this one were given out, whatever the files say.
    pub at_least: Seq,
    /// Whether it is noted beside the records how far they were synced, so that records that vanish are missed. It is
    /// one more small write, which is not synced, for each sync.
    pub marks: bool,
    /// Mixed into the checksums, so that nobody who chooses payloads can make one look like records.
    pub salt: u64,
}

impl Default for Options {
    fn default() -> Self {
        let salt = RandomState::new().hash_one("journal");
        Self { segment_bytes: 64 << 20, zero_ahead: 1 << 20, at_least: Seq(0), marks: false, salt }
    }
}

/// Records on disk, in order. One owner writes.
pub struct Journal {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    options: Options,
    /// Files that are not written any more, oldest first.
    sealed: Vec<Segment>,
    /// The file that is written.
    active: Option<Segment>,
    /// Files that could not be made and perhaps not be removed. They say where the one before them ends, so they
    /// must be gone before that one is.
    orphans: Vec<PathBuf>,
    /// The number of the next file.
    number: u64,
    /// The last record that was synced.
    last: u64,
    marks: Option<Marks>,
    buffer: Vec<u8>,
    pending: Vec<Pending>,
    _lock: DiskLock,
}

impl Journal {
    /// Opens the journal in a folder, or begins one.
    ///
    /// # Errors
    /// When another process has it, the disk refuses, or a newer program wrote it. Torn and damaged records are no
    /// errors: [`Recovery`] tells of them.
    pub fn open(
        dir: &Path,
        options: Options,
        disk: Arc<dyn Disk>,
    ) -> Result<(Self, Recovery), JournalError> {
        disk.create_dir(dir).map_err(|source| JournalError::io("create", dir, source))?;
        let lock_path = dir.join("lock");
        let lock = disk
            .lock(&lock_path)
            .map_err(|source| JournalError::io("lock", &lock_path, source))?
            .ok_or_else(|| JournalError::Locked { dir: dir.to_owned() })?;
        let mut found = recovery::find(&*disk, dir, Some(&aside(dir)))?;
        let known = found.next.max(options.at_least.0 + 1);
        let active =
            if found.open_ended && known == found.next { found.segments.pop() } else { None };
        let number = active.as_ref().map_or(found.number - 1, |active| active.label.number);
        let forgotten = found.segments.iter().chain(&active).map(|one| one.label.first - 1).min();
        let known_mark =
            Mark { number, last: known - 1, forgotten: forgotten.unwrap_or(known - 1) };
        let marks = if options.marks {
            let opened = Marks::open(&*disk, dir, known_mark);
            Some(opened.map_err(|source| JournalError::io("open the marks in", dir, source))?)
        } else {
            None
        };
        let journal = Self {
            disk,
            dir: dir.to_owned(),
            options,
            sealed: found.segments,
            active,
            orphans: Vec::new(),
            number: found.number,
            last: known - 1,
            marks,
            buffer: Vec::new(),
            pending: Vec::new(),
            _lock: lock,
        };
        let (torn, damaged) = (found.torn, found.damaged);
        let recovery = Recovery { first: journal.first(), last: journal.last(), torn, damaged };
        Ok((journal, recovery))
    }

    /// Adds a record, whose payload is the parts one after the other. It is in memory only until the next
    /// [`Journal::sync`].
    ///
    /// # Errors
    /// When it is larger than 1 GiB, or 16 million records wait already.
    pub fn append(&mut self, kind: u8, parts: &[&[u8]]) -> Result<Seq, JournalError> {
        let length = parts.iter().map(|part| part.len()).sum();
        if length > MAX_PAYLOAD || self.pending.len() > MAX_PLACE as usize {
            let bytes = length + self.buffer.len();
            return Err(JournalError::TooLarge { bytes, limit: MAX_PAYLOAD });
        }
        record::buffer_payload(&mut self.buffer, parts);
        self.pending.push(Pending { kind, length });
        Ok(Seq(self.last + self.pending.len() as u64))
    }

    /// Makes all that was appended last: one write, one sync.
    ///
    /// # Errors
    /// When the disk refuses; then nothing appended since the last sync counts. The caller may append it again.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let result = self.write_group();
        match &result {
            Ok(()) => {
                self.last += self.pending.len() as u64;
                if let (Some(marks), Some(active)) = (&mut self.marks, &self.active) {
                    marks.note(active.label.number, self.last);
                }
            }
            Err(_) => self.abandon(),
        }
        self.pending.clear();
        self.buffer.clear();
        self.buffer.shrink_to(KEPT_BUFFER);
        result
    }

    /// The records from `from` on that were synced up to now.
    pub fn read_from(&self, from: Seq) -> Records {
        Records::new(self.segments(), from)
    }

    /// Removes files whose records are all at or before `upto`. Damaged ones are moved into the folder `damaged`.
    ///
    /// # Errors
    /// When the disk refuses. What could not be removed is tried again next time.
    pub fn forget(&mut self, upto: Seq) -> Result<(), JournalError> {
        self.remove_orphans()?;
        // The newest file stays, whatever is in it: it knows the next sequence number.
        while let Some((oldest, next_first)) = self.oldest() {
            if next_first > upto.0 + 1 {
                break;
            }
            let oldest = oldest.clone();
            if let Some(marks) = &mut self.marks {
                marks
                    .settle(next_first - 1)
                    .map_err(|source| JournalError::io("mark", &self.dir, source))?;
            }
            if oldest.damaged {
                recovery::set_aside(&*self.disk, &oldest.path, &aside(&self.dir))?;
            } else {
                self.disk
                    .remove(&oldest.path)
                    .map_err(|source| JournalError::io("remove", &oldest.path, source))?;
            }
            self.sealed.remove(0);
            // One by one: after a power cut the files that are left follow one another.
            self.sync_dir()?;
        }
        Ok(())
    }

    /// The first record that can be read; one more than [`Journal::last`] when there is none.
    pub fn first(&self) -> Seq {
        let first = self.segments().filter_map(|segment| segment.runs.first()).map(|run| run.first);
        Seq(first.min().unwrap_or(self.last + 1))
    }

    /// The last record that was synced.
    pub fn last(&self) -> Seq {
        Seq(self.last)
    }

    /// Bytes of records that are kept.
    pub fn bytes(&self) -> u64 {
        self.segments().map(|segment| segment.end - RECORDS).sum()
    }

    /// Bytes that the files take, with the room that is reserved.
    pub fn disk_bytes(&self) -> u64 {
        self.segments().map(|segment| segment.size).sum()
    }

    /// Bytes that were appended and not yet synced.
    pub fn pending_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// How many files there are.
    pub fn files(&self) -> usize {
        self.segments().count()
    }

    fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.sealed.iter().chain(&self.active)
    }

    /// The oldest file that may go, and the sequence number at which the next begins.
    fn oldest(&self) -> Option<(&Segment, u64)> {
        let oldest = self.sealed.first()?;
        let next = self.sealed.get(1).or(self.active.as_ref())?;
        Some((oldest, next.label.first))
    }

    fn write_group(&mut self) -> Result<(), JournalError> {
        let bytes = self.buffer.len() as u64;
        let full = self.active.as_ref().is_none_or(|active| active.end + bytes > active.size);
        if full {
            self.rotate(bytes)?;
        }
        let Some(active) = &mut self.active else { unreachable!("a segment was just made") };
        let first = self.last + 1;
        record::fill_headers(&mut self.buffer, &self.pending, first, active.label.salt);
        let failed = |action, source| JournalError::io(action, &active.path, source);
        let end = active.end + bytes;
        active.file.write_at(&self.buffer, active.end).map_err(|source| failed("write", source))?;
        if end > active.zeroed {
            // For a large group the metadata is a small part of its sync, and zeros would double what it writes.
            let ahead =
                if bytes * 4 > self.options.zero_ahead { 0 } else { self.options.zero_ahead };
            let until = (end + ahead).min(active.size).max(end);
            if until > end {
                let zeros = vec![0; (until - end) as usize];
                active.file.write_at(&zeros, end).map_err(|source| failed("write", source))?;
            }
            active.zeroed = until;
        }
        active.file.sync_data().map_err(|source| failed("sync", source))?;
        active.extend(first, self.last + self.pending.len() as u64, bytes);
        Ok(())
    }

    /// Begins a new file, with room for at least that many bytes of records.
    fn rotate(&mut self, bytes: u64) -> Result<(), JournalError> {
        self.seal();
        let number = self.number;
        self.number += 1;
        let salt = Salt(self.options.salt ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let label = Label { number, first: self.last + 1, salt };
        let size = self.options.segment_bytes.max((RECORDS + bytes).next_multiple_of(4096));
        let segment = Segment::create(&*self.disk, &self.dir, label, size)
            .inspect_err(|_| self.orphans.push(segment::path_of(&self.dir, number)))?;
        self.give_back_room();
        self.active = Some(segment);
        Ok(())
    }

    fn remove_orphans(&mut self) -> Result<(), JournalError> {
        while let Some(path) = self.orphans.last() {
            match self.disk.remove(path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(JournalError::io("remove", path, source));
                }
                _ => {}
            }
            self.sync_dir()?;
            self.orphans.pop();
        }
        Ok(())
    }

    fn sync_dir(&self) -> Result<(), JournalError> {
        let failed = |source| JournalError::io("sync", &self.dir, source);
        self.disk.sync_dir(&self.dir).map_err(failed)
    }

    fn seal(&mut self) {
        self.sealed.extend(self.active.take());
    }

    /// Cuts the unused end off the file that was written until now.
    fn give_back_room(&mut self) {
        if let Some(sealed) = self.sealed.last_mut()
            && !sealed.damaged
            && sealed.end < sealed.size
            && sealed.file.set_len(sealed.end).is_ok()
        {
            // Not synced: it is as good if the room comes back after a power cut.
            sealed.size = sealed.end;
        }
    }

    /// Gives the active file up after a failure, and tries to make the next, which says where this one ends.
    fn abandon(&mut self) {
        self.seal();
        // When this fails too, the next sync tries again.
        let _ = self.rotate(0);
    }
}

/// Where damaged files go.
fn aside(dir: &Path) -> PathBuf {
    dir.join("damaged")
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("dir", &self.dir)
            .field("last", &self.last)
            .field("files", &self.files())
            .finish_non_exhaustive()
    }
}

const _: () = assert!(HEADER.is_multiple_of(record::ALIGN));
