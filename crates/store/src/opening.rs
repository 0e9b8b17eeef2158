//! The start: what is on disk is found, the journal is read again, and the threads begin.
//!
//! ```text
//! lock ─▶ receipts ─▶ lake: files and Seq of each table ─▶ sweep leftovers ─▶ journal ─▶ replay ─▶ writer, flusher
//! ```

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Sender, unbounded};
use iobeam_journal::{Disk, DiskLock, Recovery};
use iobeam_model::{Clock, FieldName, NamespaceName, ProjectId};
use parking_lot::Mutex;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};

use crate::budget::Budget;
use crate::corrections::Corrections;
use crate::error::StoreError;
use crate::flusher::{Compactor, Flusher};
use crate::lake::delta::verify::unavailable;
use crate::lake::delta::{Lake, TableKey, part_seq};
use crate::memtable::{Memtable, Tables};
use crate::receipts::Receipts;
use crate::settings::Settings;
use crate::snapshot::DataFile;
use crate::snapshot::verified::{self, shown};
use crate::statistics::Counters;
use crate::wal::Wal;
use crate::writer::{Message, SetAside, Writer};

pub(crate) mod identity;

/// What was found when the store was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Journal records applied again.
    pub replayed: u64,
    /// Rows in them.
    pub rows: u64,
    /// The end of the journal that a crash cut off, in words for the operator. It was never acknowledged.
    pub torn: Option<String>,
    /// What is damaged in the journal or the receipts, in words for the operator.
    pub damage: Vec<String>,
    /// Records that could not be applied and now lie in `set-aside/`.
    pub set_aside: Vec<SetAside>,
    /// The tables there are, with those that the journal alone has.
    pub tables: Vec<(ProjectId, NamespaceName)>,
    /// Tables that are out of service, and why.
    pub out_of_service: Vec<String>,
    /// Files that no table named, and tables that were being deleted: gone now.
    pub leftovers: u64,
}

/// A store at work.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) inbox: Sender<Message>,
    pub(crate) tables: Arc<Tables>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) patience: Duration,
    pub(crate) space: Space,
    pub(crate) corrections: Arc<Corrections>,
    pub(crate) threads: Mutex<Vec<JoinHandle<()>>>,
}

/// The room on the disk that a store lies on.
#[derive(Debug)]
pub(crate) struct Space {
    dir: PathBuf,
    reserve: u64,
    disk: Arc<dyn Disk>,
}

impl Space {
    fn new(settings: &Settings, disk: &Arc<dyn Disk>) -> Self {
        let (dir, reserve) = (settings.dir.clone(), settings.reserve_bytes);
        Self { dir, reserve, disk: Arc::clone(disk) }
    }

    /// Whether there is enough for writes to be taken.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let (dir, reserve) = (&self.dir, self.reserve);
        let free = self.disk.free_space(dir);
        let free = free.map_err(|error| StoreError::io("ask for the free space of", dir, error))?;
        if free < reserve { Err(StoreError::DiskFull { free, reserve }) } else { Ok(()) }
    }
}

type Files = HashMap<TableKey, Arc<[Arc<DataFile>]>>;

/// Opens the store and starts it, on a thread of its own: the lake waits for its own runtime, which must not be done
/// on a thread of the caller's.
pub(crate) fn open_aside(
    settings: Settings,
    clock: Arc<dyn Clock>,
    disk: Arc<dyn Disk>,
) -> Result<(Running, Opened), StoreError> {
    thread::scope(|scope| {
        let opening = scope.spawn(|| open(settings, clock, disk));
        opening.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn open(
    settings: Settings,
    clock: Arc<dyn Clock>,
    disk: Arc<dyn Disk>,
) -> Result<(Running, Opened), StoreError> {
    let (settings, lock) = take_hold(settings, &*disk)?;
    let counters = Arc::new(Counters::default());
    let budget = Arc::new(Budget::new(settings.memory_budget as u64));
    let tables = Arc::new(Tables::new(settings.last_value_cache_bytes));
    let mut opened = Opened::default();
    let receipts = Receipts::open(&settings, Arc::clone(&clock), &disk, &mut opened.damage)?;
    let mut lake = open_lake(&settings.dir, (&clock, &disk), &mut opened)?;
    let corrections = settings.dir.join("corrections");
    let corrections = Corrections::open(corrections, Arc::clone(&disk), &mut opened.damage)?;
    let corrections = Arc::new(corrections);
    let mut held = load(&mut lake, &tables)?;
    let next_correction = held.corrected.values().fold(corrections.highest(), |a, b| a.max(*b)) + 1;
    let partitions = held.partitions();
    let suspects = suspects(&held);
    let deleted = corrections.deletions().into_iter().max().unwrap_or(0);
    let at_least = held.highest.max(receipts.saved()).max(deleted);
    let parts = (Arc::clone(&clock), Arc::clone(&disk), Arc::clone(&counters));
    let (wal, recovery) = Wal::open(&settings, at_least, parts.0, parts.1, parts.2)?;
    opened.torn = torn(&recovery);
    opened.damage.extend(damaged(&recovery));
    let (inbox, messages) = unbounded();
    let (jobs, orders) = unbounded();
    let (results, outcomes) = unbounded();
    let answers = jobs.clone();
    let mut writer = Writer::new(
        (settings.clone(), Arc::clone(&clock), Arc::clone(&counters), Arc::clone(&budget)),
        (wal, receipts, lock),
        std::mem::take(&mut held.memtables),
        Arc::clone(&tables),
        jobs,
        (Arc::clone(&corrections), next_correction),
    );
    for (key, fault) in held.faults.drain() {
        writer.take_out(&key, fault);
    }
    let replayed = writer.replay(&*disk, &suspects)?;
    let parts = (&disk, &mut writer);
    opened.leftovers += sweep(&lake, &mut held, &suspects, parts, &replayed.suspect_rows)?;
    opened.out_of_service = writer.faults();
    writer.resume_corrections(|key| held.corrected.get(key).copied().unwrap_or(0));
    opened.tables = populated(&lake, &tables)?;
    (opened.replayed, opened.rows) = (replayed.records, replayed.rows);
    opened.set_aside = replayed.set_aside;
    let patience = settings.patience;
    let space = Space::new(&settings, &disk);
    let stop = Arc::new(AtomicBool::new(false));
    let (merges, tasks) = unbounded();
    let shared = Arc::clone(&budget);
    let compactor = Compactor {
        disk: Arc::clone(&disk),
        stop: Arc::clone(&stop),
        budget: shared,
        corrections: Arc::clone(&corrections),
    };
    let shared = (Arc::clone(&counters), Arc::clone(&budget), Arc::clone(&corrections));
    let parts = (clock, disk, shared.0, shared.1, shared.2);
    let flusher = Flusher::new(lake, (held.files, partitions), settings, parts, (merges, stop));
    let threads = vec![
        start("iobeam-compactor", move || compactor.run(&tasks, &answers))?,
        start("iobeam-flusher", move || flusher.run(&orders, &results))?,
        start("iobeam-writer", move || writer.run(&messages, &outcomes))?,
    ];
    let threads = Mutex::new(threads);
    Ok((Running { inbox, tables, counters, budget, patience, space, corrections, threads }, opened))
}

/// The lake, under the name of this store, without the tables that were being deleted.
fn open_lake(
    dir: &Path,
    (clock, disk): (&Arc<dyn Clock>, &Arc<dyn Disk>),
    opened: &mut Opened,
) -> Result<Lake, StoreError> {
    let mut lake = Lake::open(dir.join("lake"), Arc::clone(clock), Arc::clone(disk))?;
    opened.leftovers += lake.finish_drops()?;
    let path = identity::path(dir);
    let id = identity::settle(&path, &**disk, &lake.stores()?, &mut opened.damage)?;
    lake.name(id);
    Ok(lake)
}

/// The tables there are, in files or in memory.
fn populated(lake: &Lake, tables: &Tables) -> Result<Vec<TableKey>, StoreError> {
    let shown = tables.all().into_iter().map(|(key, _)| key);
    let mut populated: Vec<TableKey> = lake.populated()?.into_iter().chain(shown).collect();
    populated.sort_unstable();
    populated.dedup();
    Ok(populated)
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    let thread = thread::Builder::new().name(name.to_owned()).spawn(work);
    thread.map_err(|error| StoreError::io("start a thread named", name.as_ref(), error))
}

/// Makes the folder, and keeps other processes out of it.
pub(crate) fn take_hold(
    mut settings: Settings,
    disk: &dyn Disk,
) -> Result<(Settings, DiskLock), StoreError> {
    let dir = &settings.dir;
    disk.create_dir(dir).map_err(|error| StoreError::io("make", dir, error))?;
    // A disk for tests has no working directory; a real one must not be fooled by a later change of it.
    settings.dir = std::path::absolute(dir).unwrap_or_else(|_| dir.clone());
    let path = settings.dir.join("lock");
    let lock = disk.lock(&path).map_err(|error| StoreError::io("lock", &path, error))?;
    let lock = lock.ok_or_else(|| StoreError::Locked { dir: settings.dir.clone() })?;
    Ok((settings, lock))
}

/// What the lake holds.
#[derive(Default)]
struct Held {
    memtables: HashMap<TableKey, Memtable>,
    files: Files,
    /// Tables of which nothing can be known, and why.
    faults: HashMap<TableKey, StoreError>,
    /// Files that no table names.
    leftovers: Vec<(TableKey, PathBuf)>,
    /// The highest record that is in a file.
    highest: u64,
    /// The last correction of each table.
    corrected: HashMap<TableKey, u64>,
}

impl Held {
    /// The field by which each table is partitioned.
    fn partitions(&self) -> HashMap<TableKey, FieldName> {
        let partition =
            |(key, memtable): (&TableKey, &Memtable)| (key.clone(), memtable.partition().clone());
        self.memtables.iter().map(partition).collect()
    }
}

/// What the lake holds of each table. One that is damaged is nobody else's concern.
fn load(lake: &mut Lake, tables: &Tables) -> Result<Held, StoreError> {
    let mut held = Held::default();
    for key in lake.tables()? {
        match lake.load(&key) {
            Ok(loaded) => {
                let leftovers = lake.leftovers(&key, &loaded.files)?;
                held.leftovers.extend(leftovers.into_iter().map(|path| (key.clone(), path)));
                let mut memtable = Memtable::new(tables, key.clone(), loaded.partition, i64::MIN);
                let all: Arc<[Arc<DataFile>]> = loaded.files.into();
                memtable.load(loaded.fields, Arc::clone(&all), loaded.seq);
                held.highest = held.highest.max(loaded.seq);
                held.corrected.insert(key.clone(), loaded.correction);
                held.memtables.insert(key.clone(), memtable);
                held.files.insert(key, all);
            }
            // A disk that does not answer is no damage: the next start may find it well.
            Err(error @ StoreError::Io { .. }) => return Err(error),
            Err(error) => {
                held.highest = held.highest.max(lake.highest_part(&key)?);
                let fault = match error {
                    StoreError::Unavailable { .. } => error,
                    other => unavailable(&key, &other.to_string()),
                };
                held.faults.insert(key, fault);
            }
        }
    }
    // A folder with files and no log: the first flush was cut short, or the log is gone.
    for key in lake.logless()? {
        let leftovers = lake.leftovers(&key, &[])?;
        held.leftovers.extend(leftovers.into_iter().map(|path| (key.clone(), path)));
    }
    Ok(held)
}

/// Up to which record files that no table names may hold rows that the table's log knows nothing of.
fn suspects(held: &Held) -> HashMap<TableKey, u64> {
    let mut suspects = HashMap::new();
    for (key, path) in &held.leftovers {
        let filed = held.memtables.get(key).map_or(0, Memtable::filed);
        if let Some(seq) = part_seq(path).filter(|seq| *seq > filed) {
            let upto = suspects.entry(key.clone()).or_insert(seq);
            *upto = seq.max(*upto);
        }
    }
    suspects
}

/// Deletes what was left over. A file with more rows than the journal still has of them was committed once: the
/// table's log has lost its end, and the table is not used before somebody has looked at it.
fn sweep(
    lake: &Lake,
    held: &mut Held,
    suspects: &HashMap<TableKey, u64>,
    (disk, writer): (&Arc<dyn Disk>, &mut Writer),
    rows: &HashMap<TableKey, u64>,
) -> Result<u64, StoreError> {
    let mut swept = 0;
    for (key, path) in std::mem::take(&mut held.leftovers) {
        let in_journal = rows.get(&key).copied().unwrap_or(0);
        let is_new = |seq: u64| seq > writer.filed(&key);
        let is_suspect = suspects.contains_key(&key) && part_seq(&path).is_some_and(is_new);
        if is_suspect && rows_in(disk, &path).is_some_and(|rows| rows > in_journal) {
            let reason = format!(
                "the log of its files ends before {}, whose rows the write-ahead log no longer has",
                shown(&path)
            );
            writer.take_out(&key, unavailable(&key, &reason));
            held.files.remove(&key);
        } else if !writer.is_out(&key) {
            lake.remove_leftover(&path)?;
            swept += 1;
        }
    }
    Ok(swept)
}

/// How many rows a file has; nothing when it was not written to its end.
fn rows_in(disk: &Arc<dyn Disk>, path: &Path) -> Option<u64> {
    let file = verified::unnamed(disk, path, 0).ok()?;
    let footer = ArrowReaderMetadata::load(&file.open().ok()?, ArrowReaderOptions::default());
    u64::try_from(footer.ok()?.metadata().file_metadata().num_rows()).ok()
}

/// The end of a write that a crash cut short: what to expect after one, and nobody was told that it was stored.
fn torn(recovery: &Recovery) -> Option<String> {
    recovery.torn.as_ref().map(|torn| {
        format!(
            "{}: the last write was cut short at byte {}; {} bytes of it, never acknowledged, are left out",
            torn.path.display(),
            torn.offset,
            torn.bytes
        )
    })
}

/// What is wrong in the middle of the journal, where something acknowledged may have been.
fn damaged(recovery: &Recovery) -> impl Iterator<Item = String> {
    recovery.damaged.iter().map(|damage| {
        if let Some((first, last)) = damage.lost.filter(|_| damage.bytes == 0) {
            return format!(
                "{}: records {first} to {last} are missing: they were acknowledged, and a file of the log is gone, empty or shorter than it was",
                damage.path.display()
            );
        }
        let lost = damage.lost.map_or_else(String::new, |(first, last)| {
            format!("; records {first} to {last} are lost")
        });
        format!(
            "{}: {} bytes from byte {} on are damaged{lost}",
            damage.path.display(),
            damage.bytes,
            damage.offset
        )
    })
}
