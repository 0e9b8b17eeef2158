//! What is found when a journal is opened: which records count, and what happened to the others.
//!
//! ```text
//! segment 4                     segment 5 (first seq 18)
//! 11 12 13 ~~ 15 16 17 ░18░19   18 19 20 │21 22 ~~ 24│ 0 0
//!          │           │                  └ one group, torn at 23: 21 and 22 count, the rest never did
//!          │           └ a failed group: void, because segment 5 starts at 18
//!          └ 14 was synced and is damaged: reported; all around it counts
//! ```
//!
//! - A group is written only after the one before it was synced. So what is broken in front of a later group was
//!   acknowledged once: that is damage. What is broken in the last group and looks unwritten is a torn write, which
//!   nobody was promised.
//! - Records that count are never touched. A segment with torn or damaged bytes gets no records any more, and a
//!   damaged one stays as it is until it is forgotten: then it is moved into `damaged/` instead of being removed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Seq;
use crate::disk::{Disk, DiskFile};
use crate::error::JournalError;
use crate::marks::{self, Mark};
use crate::records::Records;
use crate::scan::{Part, State, scan};
use crate::segment::{self, Label, Labelled, RECORDS, Run, Segment, number_of, push};

/// What was found when the journal was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The first record that can be read; one more than `last` when there is none.
    pub first: Seq,
    /// The last sequence number that was given out.
    pub last: Seq,
    /// A write that power or the process's end cut short. It was never acknowledged and is left out.
    pub torn: Option<Torn>,
    /// What was acknowledged once and cannot be read any more.
    pub damaged: Vec<Damage>,
}

/// A write that was cut short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// The segment.
    pub path: PathBuf,
    /// Where the first incomplete record starts.
    pub offset: u64,
    /// How many bytes were left out.
    pub bytes: u64,
}

/// Bytes that are not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The segment.
    pub path: PathBuf,
    /// Where the bytes start.
    pub offset: u64,
    /// How many there are.
    pub bytes: u64,
    /// The records that are lost by it, first and last, as far as can be told.
    pub lost: Option<(Seq, Seq)>,
}

/// The files of a journal, read.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) segments: Vec<Segment>,
    pub(crate) torn: Option<Torn>,
    pub(crate) damaged: Vec<Damage>,
    /// The number of the next segment.
    pub(crate) number: u64,
    /// The sequence number after the last that was given out.
    pub(crate) next: u64,
    /// Whether the last segment may be written on.
    pub(crate) open_ended: bool,
}

struct Opened {
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    label: Label,
}

/// Reads what is in a folder.
///
/// `aside` is where unreadable files go; without it nothing is changed.
pub(crate) fn find(
    disk: &dyn Disk,
    dir: &Path,
    aside: Option<&Path>,
) -> Result<Found, JournalError> {
    let mut found = Found { number: 1, next: 1, ..Found::default() };
    if aside.is_some() {
        disk.sync_dir(dir).map_err(|source| JournalError::io("sync", dir, source))?;
    }
    let paths = disk.list(dir).map_err(|source| JournalError::io("list", dir, source))?;
    let mut numbered: Vec<_> =
        paths.into_iter().filter_map(|path| Some((number_of(&path)?, path))).collect();
    numbered.sort_unstable();
    let mut opened: Vec<Opened> = Vec::new();
    // The last first: up to the last sound one, what the system has in memory, a header too, may not be on the disk.
    for (number, path) in numbered.into_iter().rev() {
        found.number = found.number.max(number + 1);
        let file = disk.open(&path).map_err(|source| JournalError::io("open", &path, source))?;
        if aside.is_some() && opened.is_empty() {
            settle(&*file, &path)?;
        }
        match Label::read(&read(&*file, &path, RECORDS)?) {
            Labelled::Sound(label) => opened.push(Opened { path, file, label }),
            Labelled::Version(found) => {
                return Err(JournalError::Version { path, found, known: segment::version() });
            }
            Labelled::Unreadable => found.damaged.extend(discard(disk, &*file, &path, aside)?),
        }
    }
    opened.sort_by_key(|segment| segment.label.number);
    let mark = marks::read(disk, dir).map_err(|source| JournalError::io("read", dir, source))?;
    let mark = mark.unwrap_or_default();
    let first = opened.first().map_or(mark.last + 1, |segment| segment.label.first);
    found.miss(dir, (mark.forgotten + 1, first - 1), &mark);
    for (at, this) in opened.iter().enumerate() {
        let limit = opened.get(at + 1).map(|next| next.label.first);
        found.judge(this, limit, &mark)?;
    }
    if !opened.is_empty() {
        found.miss(dir, (found.next, mark.last), &mark);
    }
    Ok(found)
}

/// What the process before us wrote may still be on its way to the disk, and what failed on its way may still be in
/// memory: only what the disk has counts.
fn settle(file: &dyn DiskFile, path: &Path) -> Result<(), JournalError> {
    file.sync_data().map_err(|source| JournalError::io("sync", path, source))?;
    file.drop_cache();
    Ok(())
}

fn read(file: &dyn DiskFile, path: &Path, most: u64) -> Result<Vec<u8>, JournalError> {
    let failed = |source| JournalError::io("read", path, source);
    let mut bytes = vec![0; file.len().map_err(failed)?.min(most) as usize];
    let length = file.read_at(&mut bytes, 0).map_err(failed)?;
    bytes.truncate(length);
    Ok(bytes)
}

/// A file without a readable header. Headers are synced before records are written: when there are no records
/// either, it was being made when power was lost.
fn discard(
    disk: &dyn Disk,
    file: &dyn DiskFile,
    path: &Path,
    aside: Option<&Path>,
) -> Result<Option<Damage>, JournalError> {
    let bytes = read(file, path, u64::MAX)?;
    if bytes.iter().skip(RECORDS as usize).all(|byte| *byte == 0) {
        if aside.is_some() {
            disk.remove(path).map_err(|source| JournalError::io("remove", path, source))?;
        }
        return Ok(None);
    }
    let path = match aside {
        Some(aside) => set_aside(disk, path, aside)?,
        None => path.to_owned(),
    };
    Ok(Some(Damage { path, offset: 0, bytes: bytes.len() as u64, lost: None }))
}

/// Moves a damaged segment to where it can be looked at.
pub(crate) fn set_aside(
    disk: &dyn Disk,
    path: &Path,
    aside: &Path,
) -> Result<PathBuf, JournalError> {
    let failed = |source| JournalError::io("move aside", path, source);
    disk.create_dir(aside).map_err(failed)?;
    let to = aside.join(path.file_name().unwrap_or_default());
    disk.rename(path, &to).map_err(failed)?;
    disk.sync_dir(aside).map_err(failed)?;
    Ok(to)
}

/// Looks at the journal in a folder without changing anything: what an opening would find, and the records that it
/// would read. Nobody may have it open meanwhile.
///
/// # Errors
/// When the disk refuses, or a newer program wrote it.
pub fn inspect(dir: &Path, disk: &dyn Disk) -> Result<(Recovery, Records), JournalError> {
    let found = find(disk, dir, None)?;
    let first = found.segments.iter().filter_map(|segment| segment.runs.first());
    let first = first.map(|run| run.first).min().unwrap_or(found.next);
    let records = Records::new(found.segments.iter(), Seq(0));
    let (torn, damaged) = (found.torn, found.damaged);
    Ok((Recovery { first: Seq(first), last: Seq(found.next - 1), torn, damaged }, records))
}

impl Found {
    /// Notes records of which only a mark tells, if there are any.
    fn miss(&mut self, dir: &Path, (first, last): (u64, u64), mark: &Mark) {
        if *mark == Mark::default() || first > last {
            return;
        }
        let path = segment::path_of(dir, mark.number);
        let missing = Some((Seq(first), Seq(last)));
        self.damaged.push(Damage { path, offset: 0, bytes: 0, lost: missing });
        self.next = self.next.max(last + 1);
        self.number = self.number.max(mark.number + 1);
        self.open_ended = false;
    }

    /// Takes the records of one segment in. `limit` is where the next segment starts.
    fn judge(
        &mut self,
        opened: &Opened,
        limit: Option<u64>,
        mark: &Mark,
    ) -> Result<(), JournalError> {
        let Opened { path, file, label } = opened;
        let bytes = read(&**file, path, u64::MAX)?;
        let parts = scan(&bytes, label.salt, label.first);
        let mut verdict = Verdict::new(label.first, limit, &parts);
        if mark.number == label.number {
            verdict.settled = verdict.settled.max(mark.last + 1);
        }
        let used = parts.last().map_or(RECORDS, |part| part.end);
        verdict.consider(&parts, used);
        let end = verdict.runs.last().map_or(RECORDS, |run| run.end);
        let damaged = !verdict.lost.is_empty();
        self.damaged.extend(verdict.lost.into_iter().map(|lost| Damage {
            path: path.clone(),
            offset: lost.offset,
            bytes: lost.end - lost.offset,
            lost: Some((Seq(lost.first), Seq(lost.last))),
        }));
        self.torn = verdict.torn.map(|offset| Torn {
            path: path.clone(),
            offset,
            bytes: used.min(bytes.len() as u64).saturating_sub(offset),
        });
        self.open_ended = limit.is_none() && used <= end && self.torn.is_none() && !damaged;
        self.next = verdict.expected;
        self.segments.push(Segment {
            path: path.clone(),
            file: Arc::clone(file),
            label: *label,
            end,
            size: bytes.len() as u64,
            zeroed: end,
            runs: verdict.runs,
            damaged,
        });
        Ok(())
    }
}

/// Which of a segment's records count.
struct Verdict {
    /// The sequence number that comes next.
    expected: u64,
    /// Where the next segment starts, if there is one.
    limit: Option<u64>,
    /// Records below this were synced.
    settled: u64,
    runs: Vec<Run>,
    /// Stretches that were acknowledged once, and the records they held.
    lost: Vec<Run>,
    torn: Option<u64>,
}

impl Verdict {
    fn new(first: u64, limit: Option<u64>, parts: &[Part]) -> Self {
        let groups = parts.iter().filter_map(|part| match part.state {
            State::Sound { group, .. } => Some(group),
            State::Broken { .. } => None,
        });
        let settled = limit.unwrap_or_else(|| groups.max().unwrap_or(first));
        Self { expected: first, limit, settled, runs: Vec::new(), lost: Vec::new(), torn: None }
    }

    fn consider(&mut self, parts: &[Part], used: u64) {
        let mut broken: Option<u64> = None;
        for part in parts {
            if self.limit.is_some_and(|limit| self.expected >= limit) {
                return;
            }
            match part.state {
                State::Sound { seq, .. } => {
                    if self.limit.is_some_and(|limit| seq >= limit) {
                        break;
                    }
                    if seq > self.expected {
                        self.lose(broken.unwrap_or(part.offset), part.offset, seq);
                    }
                    broken = None;
                    let Part { offset, end, .. } = *part;
                    push(&mut self.runs, Run { offset, end, first: seq, last: seq });
                    self.expected = seq + 1;
                }
                State::Broken { unwritten } => {
                    if unwritten && self.limit.is_none() && self.expected >= self.settled {
                        self.torn = Some(broken.unwrap_or(part.offset));
                        return;
                    }
                    broken = broken.or(Some(part.offset));
                }
            }
        }
        match (self.limit, broken) {
            (Some(limit), _) if self.expected < limit => {
                self.lose(broken.unwrap_or(used), used, limit);
            }
            // How many records these bytes were cannot be told: at least one, and all that a mark tells of.
            (None, Some(offset)) => {
                self.lose(offset, used, self.settled.max(self.expected + 1));
            }
            (None, None) if self.expected < self.settled => self.lose(used, used, self.settled),
            _ => {}
        }
    }

    /// The records from the expected one up to before `next` cannot be read.
    fn lose(&mut self, offset: u64, end: u64, next: u64) {
        self.lost.push(Run { offset, end, first: self.expected, last: next - 1 });
        self.expected = next;
    }
}
