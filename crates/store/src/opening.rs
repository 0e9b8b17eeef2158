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

use bytes::Bytes;
use crossbeam_channel::{Sender, unbounded};
use iobeam_journal::{Disk, DiskLock, Recovery};
use iobeam_model::Clock;
use parking_lot::Mutex;

use crate::budget::Budget;
use crate::corrections::Corrections;
use crate::error::StoreError;
use crate::flusher::{Compactor, Flusher};
use crate::lake::delta::{Lake, TableKey};
use crate::lake::files::{put_synced, read_range};
use crate::memtable::{Memtable, Tables};
use crate::receipts::Receipts;
use crate::settings::Settings;
use crate::snapshot::DataFile;
use crate::statistics::Counters;
use crate::wal::Wal;
use crate::writer::{Message, SetAside, Writer};

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
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) corrections: Arc<Corrections>,
    pub(crate) threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What the lake holds.
#[derive(Default)]
struct Found {
    memtables: HashMap<TableKey, Memtable>,
    files: HashMap<TableKey, Arc<[Arc<DataFile>]>>,
    /// The last correction of each table.
    corrected: HashMap<TableKey, u64>,
}

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
    let tables = Arc::new(Tables::new(Arc::clone(&disk), settings.last_rows_bytes));
    let mut opened = Opened::default();
    let receipts = Receipts::open(&settings, Arc::clone(&clock), &disk, &mut opened.damage)?;
    let id = store_id(&settings, &*disk)?;
    let mut lake =
        Lake::open(settings.dir.join("lake"), id, Arc::clone(&clock), Arc::clone(&disk))?;
    let corrections = Arc::new(Corrections::open(
        settings.dir.join("corrections"),
        Arc::clone(&disk),
        &mut opened.damage,
    )?);
    let Found { memtables, files, corrected } = load(&mut lake, &tables, &mut opened)?;
    let next_correction = corrected.values().copied().fold(corrections.highest(), u64::max) + 1;
    let partitions = memtables
        .iter()
        .map(|(key, memtable)| (key.clone(), memtable.partition().clone()))
        .collect();
    let highest = memtables.values().map(Memtable::filed).max().unwrap_or(0);
    let at_least = highest.max(receipts.saved());
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
        memtables,
        Arc::clone(&tables),
        jobs,
        (Arc::clone(&corrections), next_correction),
    );
    let replayed = writer.replay(&*disk)?;
    writer.resume_corrections(|key| corrected.get(key).copied().unwrap_or(0));
    (opened.replayed, opened.rows) = (replayed.records, replayed.rows);
    opened.set_aside = replayed.set_aside;
    let patience = settings.patience;
    let stop = Arc::new(AtomicBool::new(false));
    let (merges, tasks) = unbounded();
    let shared = Arc::clone(&budget);
    let compactor = Compactor {
        disk: Arc::clone(&disk),
        stop: Arc::clone(&stop),
        budget: shared,
        corrections: Arc::clone(&corrections),
    };
    let shared = (Arc::clone(&disk), Arc::clone(&corrections));
    let parts = (clock, disk, Arc::clone(&counters), Arc::clone(&budget), shared.1);
    let disk = shared.0;
    let flusher = Flusher::new(lake, (files, partitions), settings, parts, (merges, stop));
    let threads = vec![
        start("iobeam-compactor", move || compactor.run(&tasks, &answers))?,
        start("iobeam-flusher", move || flusher.run(&orders, &results))?,
        start("iobeam-writer", move || writer.run(&messages, &outcomes))?,
    ];
    let threads = Mutex::new(threads);
    Ok((Running { inbox, tables, counters, budget, patience, disk, corrections, threads }, opened))
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

/// The name under which this store's commits are known in the tables' logs; made once.
fn store_id(settings: &Settings, disk: &dyn Disk) -> Result<String, StoreError> {
    let path: PathBuf = settings.dir.join("store-id");
    if let Some(id) = read_store_id(&path, disk)? {
        return Ok(id);
    }
    let id = format!("iobeam-{}", uuid::Uuid::new_v4());
    put_synced(disk, &path, [&Bytes::from(format!("{id}\n"))])
        .map_err(|error| StoreError::io("write", &path, error))?;
    Ok(id)
}

/// The name in the file; nothing when there is no file.
pub(crate) fn read_store_id(path: &Path, disk: &dyn Disk) -> Result<Option<String>, StoreError> {
    let failed = |error| StoreError::io("read", path, error);
    if !disk.exists(path).map_err(failed)? {
        return Ok(None);
    }
    let file = disk.open(path).map_err(failed)?;
    let bytes = read_range(&*file, 0..file.len().map_err(failed)?).map_err(failed)?;
    let text = std::str::from_utf8(&bytes).unwrap_or("").trim();
    if text.starts_with("iobeam-") {
        return Ok(Some(text.to_owned()));
    }
    let reason = "it does not name a store; put back the one from a backup".to_owned();
    Err(StoreError::Damaged { path: path.to_owned(), reason })
}

/// What the lake holds of each table.
fn load(lake: &mut Lake, tables: &Tables, opened: &mut Opened) -> Result<Found, StoreError> {
    let mut found = Found::default();
    opened.leftovers += lake.finish_drops()?;
    for key in lake.tables()? {
        let loaded = lake.load(&key)?;
        opened.leftovers += lake.sweep(&key, &loaded.files)?;
        let mut memtable = Memtable::new(tables, key.clone(), loaded.partition, i64::MIN);
        let all: Arc<[Arc<DataFile>]> = loaded.files.into();
        memtable.load(loaded.fields, Arc::clone(&all), loaded.seq);
        found.corrected.insert(key.clone(), loaded.correction);
        found.memtables.insert(key.clone(), memtable);
        found.files.insert(key, all);
    }
    Ok(found)
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
