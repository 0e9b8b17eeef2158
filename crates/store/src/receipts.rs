//! What was stored already, so that a repeat gets its answer again and nothing is stored twice.
//!
//! ```text
//! BatchId    ─▶ streams: which numbers of the stream came           ┐ saved together with the Seq
//! body hash  ─▶ recent: hash → rows ─ full ─▶ run files, sorted     ┘ up to which they are complete
//! ```
//!
//! - What the journal still holds is noted again when it is replayed; [`Receipts::save`] comes before it forgets.
//! - A body counts as a repeat for a while (24 hours). Ages are told by a clock that jumps neither forwards nor
//!   backwards while the process runs, and not backwards between processes.
//! - Memory stays bounded: hashes are spilled into run files of 24 bytes each, which are searched on disk behind a
//!   filter in memory and expire as a whole.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use iobeam_journal::disk::Disk;
use iobeam_model::{BatchId, Clock, NamespaceName, ProjectId};

use crate::error::StoreError;
use crate::lake::files::{put_synced, read_range};
use crate::settings::Settings;

use run::{Entry, Run};
use streams::{Layout, Streams};

pub(crate) use streams::Found;

mod run;

mod streams;

/// Names the file of what is in memory.
const CURRENT: &str = "current";
/// Begins that file: `iorc` and the layout's version.
const MAGIC: [u8; 5] = *b"iorc\x03";
/// Those of former versions, with their layouts. The first tells of no tables that are gone.
const LAYOUTS: [([u8; 5], Layout); 3] =
    [(*b"iorc\x01", Layout::First), (*b"iorc\x02", Layout::Timed), (MAGIC, Layout::Recorded)];
/// Deletions that are told apart, of all tables together: 32 KiB. Batches that came before all of them have records of their
/// own to tell by.
const MAX_DELETIONS: usize = 4096;

/// All receipts.
pub(crate) struct Receipts {
    dir: PathBuf,
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    window: u32,
    in_memory: usize,
    at_most: usize,
    streams: Streams,
    recent: HashMap<u128, Answer>,
    /// Oldest first.
    runs: Vec<Run>,
    /// Tables, or all of a project, that were let go: what came up to this record is not there any more.
    gone: HashMap<(ProjectId, Option<NamespaceName>), u64>,
    /// The last records before rows were deleted.
    deletions: BTreeSet<u64>,
    /// Everything up to this record is saved.
    saved: u64,
    /// The receipts' time when they were opened, and the process's.
    anchor: (u32, Duration),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Answer {
    rows: u32,
    at: u32,
}

/// The key under which a body is known: the same body from two projects is two bodies.
pub(crate) fn body_key(project: ProjectId, hash: u128) -> u128 {
    let spread = u128::from(project.get()).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    hash ^ spread
}

impl Receipts {
    /// The receipts saved in a folder, which is made if missing. A file that is damaged is moved to `set-aside`, and
    /// `told` says so: repeats of what it knew can no longer be recognised, but everything else works.
    pub(crate) fn open(
        settings: &Settings,
        clock: Arc<dyn Clock>,
        disk: &Arc<dyn Disk>,
        told: &mut Vec<String>,
    ) -> Result<Self, StoreError> {
        let dir = settings.dir.join("receipts");
        disk.create_dir(&dir).map_err(|error| StoreError::io("make", &dir, error))?;
        let aside = settings.dir.join("set-aside");
        let mut set_aside = |path: &Path, reason: &str| {
            told.push(format!(
                "receipts: {}: {reason}; moved to {}",
                path.display(),
                aside.display()
            ));
            let to = aside.join(path.file_name().unwrap_or_default());
            disk.create_dir(&aside)
                .and_then(|()| disk.rename(path, &to))
                .and_then(|()| disk.sync_dir(&aside))
                .map_err(|error| StoreError::io("move aside", path, error))
        };
        let runs = Run::open_all(&**disk, &dir, &mut set_aside)?;
        let mut receipts = Self {
            window: u32::try_from(settings.repeat_window.as_secs()).unwrap_or(u32::MAX),
            in_memory: settings.receipts_in_memory.max(1),
            at_most: settings.receipts_at_most,
            streams: Streams::new(settings.streams_at_most),
            recent: HashMap::new(),
            runs,
            gone: HashMap::new(),
            deletions: BTreeSet::new(),
            saved: 0,
            anchor: (0, clock.monotonic()),
            dir,
            disk: Arc::clone(disk),
            clock,
        };
        match receipts.load() {
            Err(StoreError::Damaged { path, reason }) => {
                set_aside(&path, &reason)?;
                receipts.saved = 0;
                receipts.streams = Streams::new(settings.streams_at_most);
                receipts.recent.clear();
                receipts.gone.clear();
                receipts.deletions.clear();
            }
            other => other?,
        }
        let wall = u32::try_from(receipts.clock.now().seconds()).unwrap_or(0);
        let newest = receipts.runs.iter().map(Run::newest);
        let newest = newest.chain(receipts.recent.values().map(|answer| answer.at)).max();
        receipts.anchor.0 = wall.max(newest.unwrap_or(0));
        Ok(receipts)
    }

    /// The receipts' time, in seconds.
    pub(crate) fn now(&self) -> u32 {
        let since = self.clock.monotonic().saturating_sub(self.anchor.1).as_secs();
        self.anchor.0.saturating_add(u32::try_from(since).unwrap_or(u32::MAX))
    }

    /// Time has come at least so far.
    pub(crate) fn not_before(&mut self, at: u32) {
        let now = self.now();
        self.anchor.0 += at.saturating_sub(now);
    }

    /// Rows were deleted of what had come up to a record.
    pub(crate) fn note_deletion(&mut self, until: u64) {
        self.deletions.insert(until);
        if self.deletions.len() > MAX_DELETIONS {
            self.deletions.pop_first();
        }
    }

    /// The first record behind the last deletion before a record that comes after this one: all that came since is alike to
    /// deletions.
    fn since(&self, after: u64) -> u64 {
        match self.deletions.range(..=after).next_back() {
            Some(until) => until + 1,
            None if self.deletions.len() < MAX_DELETIONS => 0,
            None => after + 1,
        }
    }

    /// What came of a table, or of all tables of a project, up to a record is not there any more.
    pub(crate) fn note_gone(
        &mut self,
        project: ProjectId,
        namespace: Option<NamespaceName>,
        until: u64,
    ) {
        let noted = self.gone.entry((project, namespace)).or_insert(until);
        *noted = until.max(*noted);
        self.note_deletion(until);
    }

    /// Up to which record what came of a table is not there any more.
    pub(crate) fn gone_until(&self, project: ProjectId, namespace: &NamespaceName) -> Option<u64> {
        let of_table = self.gone.get(&(project, Some(namespace.clone())));
        of_table.max(self.gone.get(&(project, None))).copied()
    }

    /// Of a batch named by content that came: a record before it, with no deletion in between.
    pub(crate) fn came_since(&self, project: ProjectId, id: BatchId) -> Option<u64> {
        self.streams.came_since(project, id)
    }

    /// The numbers of a stream that came, each with the record since which it is there; of many the highest.
    pub(crate) fn numbers(&self, project: ProjectId, stream: [u8; 16]) -> Vec<(u64, u64)> {
        self.streams.numbers(project, stream)
    }

    /// Up to which record everything is saved.
    pub(crate) fn saved(&self) -> u64 {
        self.saved
    }

    /// How many bodies and streams are remembered.
    pub(crate) fn count(&self) -> (usize, usize) {
        (self.recent.len() + self.runs.iter().map(Run::len).sum::<usize>(), self.streams.len())
    }

    /// The rows that a body had, if it is a repeat.
    pub(crate) fn find_body(&self, key: u128) -> Result<Option<u32>, StoreError> {
        let oldest = self.now().saturating_sub(self.window);
        if let Some(answer) = self.recent.get(&key) {
            return Ok((answer.at >= oldest).then_some(answer.rows));
        }
        for run in self.runs.iter().rev().filter(|run| run.newest() >= oldest) {
            if let Some(entry) = run.find(key)? {
                return Ok((entry.at >= oldest).then_some(entry.rows));
            }
        }
        Ok(None)
    }

    /// Whether a batch is a repeat.
    pub(crate) fn find_batch(&self, project: ProjectId, id: BatchId, fingerprint: u32) -> Found {
        self.streams.find(project, id, fingerprint)
    }

    /// A body is being stored.
    pub(crate) fn note_body(&mut self, key: u128, rows: u32, at: u32) {
        self.recent.insert(key, Answer { rows, at });
    }

    /// A batch is being stored, in a record that comes after this one: with no deletion in between.
    pub(crate) fn note_batch(
        &mut self,
        project: ProjectId,
        id: BatchId,
        fingerprint: u32,
        (at, after): (u32, u64),
    ) {
        self.streams.note(project, id, fingerprint, (at, self.since(after)));
    }

    /// A batch was not stored again after all: it came since that record, as before.
    pub(crate) fn restore_batch(
        &mut self,
        project: ProjectId,
        id: BatchId,
        fingerprint: u32,
        since: u64,
    ) {
        self.streams.note(project, id, fingerprint, (0, since));
    }

    /// A body was not stored after all.
    pub(crate) fn strike_body(&mut self, key: u128) {
        self.recent.remove(&key);
    }

    /// A batch was not stored after all.
    pub(crate) fn strike_batch(&mut self, project: ProjectId, id: BatchId) {
        self.streams.strike(project, id);
    }

    /// Moves hashes out of memory when there are too many. Call it when all that is noted is on disk.
    pub(crate) fn spill(&mut self) -> Result<(), StoreError> {
        if self.recent.len() < self.in_memory {
            return Ok(());
        }
        let oldest = self.now().saturating_sub(self.window);
        self.recent.retain(|_, answer| answer.at >= oldest);
        self.expire(oldest)?;
        if self.recent.len() * 2 < self.in_memory {
            return Ok(());
        }
        let mut entries: Vec<Entry> = self
            .recent
            .iter()
            .map(|(key, answer)| Entry { key: *key, rows: answer.rows, at: answer.at })
            .collect();
        entries.sort_unstable_by_key(|entry| entry.key);
        self.runs.push(Run::write(&*self.disk, &self.dir, &entries)?);
        self.recent.clear();
        Ok(())
    }

    fn expire(&mut self, oldest: u32) -> Result<(), StoreError> {
        loop {
            let held: usize = self.runs.iter().map(Run::len).sum();
            let Some(run) = self.runs.first() else { return Ok(()) };
            if run.newest() >= oldest && held <= self.at_most {
                return Ok(());
            }
            self.runs.remove(0).delete(&*self.disk)?;
        }
    }

    /// Saves what is in memory; all of it up to `seq` must be noted.
    pub(crate) fn save(&mut self, seq: u64) -> Result<(), StoreError> {
        let oldest = self.now().saturating_sub(self.window);
        self.recent.retain(|_, answer| answer.at >= oldest);
        self.expire(oldest)?;
        let mut bytes = Vec::with_capacity(64 + self.recent.len() * 24);
        bytes.extend(MAGIC);
        bytes.extend(seq.to_le_bytes());
        bytes.extend((self.recent.len() as u64).to_le_bytes());
        for (key, answer) in &self.recent {
            Entry { key: *key, rows: answer.rows, at: answer.at }.write(&mut bytes);
        }
        self.streams.write(&mut bytes);
        bytes.extend((self.gone.len() as u32).to_le_bytes());
        for ((project, namespace), until) in &self.gone {
            let name = namespace.as_ref().map_or("", |name| name.as_str());
            bytes.extend(project.get().to_le_bytes());
            bytes.extend(until.to_le_bytes());
            bytes.extend((name.len() as u16).to_le_bytes());
            bytes.extend(name.as_bytes());
        }
        bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
        let path = self.dir.join(CURRENT);
        put_synced(&*self.disk, &path, [&Bytes::from(bytes)])
            .map_err(|error| StoreError::io("write", &path, error))?;
        self.saved = seq;
        Ok(())
    }

    fn load(&mut self) -> Result<(), StoreError> {
        let path = self.dir.join(CURRENT);
        let failed = |error| StoreError::io("read", &path, error);
        if !self.disk.exists(&path).map_err(failed)? {
            return Ok(());
        }
        let file = self.disk.open(&path).map_err(failed)?;
        let bytes = read_range(&*file, 0..file.len().map_err(failed)?).map_err(failed)?;
        self.read(&bytes).ok_or_else(|| damaged(&path, "its checksum or layout is wrong"))
    }

    fn read(&mut self, bytes: &[u8]) -> Option<()> {
        let (content, crc) = bytes.split_last_chunk()?;
        if crc32c::crc32c(content) != u32::from_le_bytes(*crc) {
            return None;
        }
        let known = |(magic, layout): &([u8; 5], Layout)| {
            content.strip_prefix(magic).map(|rest| (rest, *layout))
        };
        let (mut rest, layout) = LAYOUTS.iter().find_map(known)?;
        self.saved = u64::from_le_bytes(take(&mut rest)?);
        let count = u64::from_le_bytes(take(&mut rest)?);
        for _ in 0..count {
            let entry = Entry::read(&take(&mut rest)?);
            self.recent.insert(entry.key, Answer { rows: entry.rows, at: entry.at });
        }
        self.streams.read(&mut rest, layout, self.saved)?;
        if layout != Layout::First {
            self.read_gone(&mut rest, layout)?;
        }
        rest.is_empty().then_some(())
    }

    fn read_gone(&mut self, rest: &mut &[u8], layout: Layout) -> Option<()> {
        for _ in 0..u32::from_le_bytes(take(rest)?) {
            let project = ProjectId::new(u32::from_le_bytes(take(rest)?))?;
            // Times do not tell which batches came before: what came up to now counts as having come after.
            let until = match layout {
                Layout::First | Layout::Timed => take::<4>(rest).map(|_| None)?,
                Layout::Recorded => Some(u64::from_le_bytes(take(rest)?)),
            };
            let length = usize::from(u16::from_le_bytes(take(rest)?));
            let (name, after) = rest.split_at_checked(length)?;
            *rest = after;
            let name = std::str::from_utf8(name).ok()?;
            let namespace =
                if name.is_empty() { None } else { Some(name.parse::<NamespaceName>().ok()?) };
            if let Some(until) = until {
                self.note_gone(project, namespace, until);
            }
        }
        Some(())
    }
}

/// Looks at the receipts in a store's folder: the files that are damaged, and in what way; and up to which record they
/// were saved. Nothing is changed.
pub(crate) fn check(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    disk: &Arc<dyn Disk>,
) -> Result<(Vec<(PathBuf, String)>, u64), StoreError> {
    let dir = settings.dir.join("receipts");
    if !disk.exists(&dir).map_err(|error| StoreError::io("look at", &dir, error))? {
        return Ok((Vec::new(), 0));
    }
    let mut found = run::check_all(&**disk, &dir)?;
    let mut receipts = Receipts {
        window: 0,
        in_memory: 1,
        at_most: 1,
        streams: Streams::new(settings.streams_at_most),
        recent: HashMap::new(),
        runs: Vec::new(),
        gone: HashMap::new(),
        deletions: BTreeSet::new(),
        saved: 0,
        anchor: (0, clock.monotonic()),
        dir,
        disk: Arc::clone(disk),
        clock: Arc::clone(clock),
    };
    match receipts.load() {
        Err(StoreError::Damaged { path, reason }) => {
            found.push((path, reason));
            receipts.saved = 0;
        }
        other => other?,
    }
    Ok((found, receipts.saved))
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

fn damaged(path: &Path, reason: &str) -> StoreError {
    StoreError::Damaged { path: path.to_owned(), reason: reason.to_owned() }
}
