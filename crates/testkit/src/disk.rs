//! A disk that loses, tears, fills up and fails, all in memory and by a seed.
//!
//! ```text
//! write_at ─▶ what programs see ─ sync_data ─▶ what lasts
//! create   ─▶ what programs see ─ sync_dir ──▶ what lasts          cut() ─▶ a new disk: what lasted, and of the
//!                                                                          rest whichever sectors chance picks
//! ```
//!
//! - A write that was not synced survives a cut by sectors of 512 bytes: none, all, the first ones, or any.
//! - A new, renamed or removed name that was not synced survives or not, each by itself.
//! - After a failed sync what was to be written is lost or not, programs still see it, and a later sync says "done"
//!   without writing it: as ext4 and XFS do.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use iobeam_journal::{Disk, DiskFile, DiskLock};

use crate::chance::Chance;

use file::FaultyFile;
use pending::{Inode, Rename};

mod file;

mod pending;

/// What a program may ask of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Make a file.
    Create,
    /// Open a file.
    Open,
    /// Read from a file.
    Read,
    /// Write to a file.
    Write,
    /// Make a file's bytes last.
    Sync,
    /// Cut or lengthen a file.
    SetLen,
    /// Reserve room.
    Preallocate,
    /// List a folder.
    List,
    /// Rename a file.
    Rename,
    /// Remove a file, or an empty folder.
    Remove,
    /// Make a folder's names last.
    SyncDir,
    /// Make a folder.
    CreateDir,
}

/// How an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No space left on device.
    NoSpace,
    /// Input/output error.
    Io,
}

impl Fault {
    fn error(self) -> io::Error {
        match self {
            Self::NoSpace => io::ErrorKind::StorageFull.into(),
            Self::Io => io::Error::other("injected input/output error"),
        }
    }
}

/// The disk. Clones are the same disk.
#[derive(Clone, Debug)]
pub struct FaultyDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    chance: Chance,
    inodes: BTreeMap<u64, Inode>,
    next_inode: u64,
    /// What programs see.
    names: BTreeMap<PathBuf, u64>,
    dirs: BTreeSet<PathBuf>,
    /// What lasts.
    lasting: BTreeMap<PathBuf, u64>,
    unsynced_names: Vec<Rename>,
    locks: BTreeSet<PathBuf>,
    steps: u64,
    faults: Vec<Planned>,
    capacity: Option<u64>,
    /// So many operations are still done.
    dies_in: Option<u64>,
    dead: bool,
}

#[derive(Clone, Debug)]
struct Planned {
    /// `None` is any operation.
    operation: Option<Operation>,
    /// How many go well before.
    after: u64,
    fault: Fault,
    /// Whether all later ones fail too.
    lasts: bool,
}

impl FaultyDisk {
    /// An empty disk that works, until told otherwise.
    pub fn new(seed: u64) -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                chance: Chance::new(seed),
                inodes: BTreeMap::new(),
                next_inode: 1,
                names: BTreeMap::new(),
                dirs: BTreeSet::new(),
                lasting: BTreeMap::new(),
                unsynced_names: Vec::new(),
                locks: BTreeSet::new(),
                steps: 0,
                faults: Vec::new(),
                capacity: None,
                dies_in: None,
                dead: false,
            })),
        }
    }

    /// Power is lost, and comes back: the disk that is left. This one answers errors from now on.
    #[must_use]
    pub fn cut(&self) -> Self {
        let mut state = self.state();
        state.dead = true;
        let mut chance = state.chance.fork();
        let survivors = Self::new(chance.next());
        {
            let mut new = survivors.state();
            new.lasting = state.lasting.clone();
            for change in state.unsynced_names.clone() {
                if chance.flip() {
                    new.last_name(&change);
                }
            }
            new.names = new.lasting.clone();
            new.dirs.clone_from(&state.dirs);
            // A file that comes back was removed from a folder that comes back.
            let above = new.names.keys().flat_map(|path| path.ancestors().skip(1));
            let back: Vec<_> = above.map(Path::to_owned).collect();
            new.dirs.extend(back);
            new.next_inode = state.next_inode;
            new.capacity = state.capacity;
            let reachable: BTreeSet<u64> = new.names.values().copied().collect();
            for (number, inode) in &state.inodes {
                if reachable.contains(number) {
                    let bytes = inode.surviving(&mut chance);
                    let inode = Inode { seen: bytes.clone(), lasting: bytes, unsynced: Vec::new() };
                    new.inodes.insert(*number, inode);
                }
            }
        }
        survivors
    }

    /// The process ends and the machine goes on: the disk as the next process finds it, without locks. This one
    /// answers errors from now on.
    #[must_use]
    pub fn crash(&self) -> Self {
        let mut state = self.state();
        let next = Self::new(state.chance.next());
        {
            let mut new = next.state();
            // A file that no name leads to, and none may lead to again, went with the process.
            let again = state.unsynced_names.iter().filter_map(|change| change.to.as_ref());
            let reachable: BTreeSet<u64> = state
                .names
                .values()
                .chain(state.lasting.values())
                .copied()
                .chain(again.map(|(_, inode)| *inode))
                .collect();
            let inodes = state.inodes.iter().filter(|(number, _)| reachable.contains(number));
            new.inodes = inodes.map(|(number, inode)| (*number, inode.clone())).collect();
            new.next_inode = state.next_inode;
            new.names = state.names.clone();
            new.dirs.clone_from(&state.dirs);
            new.lasting = state.lasting.clone();
            new.unsynced_names.clone_from(&state.unsynced_names);
            new.capacity = state.capacity;
        }
        state.dead = true;
        next
    }

    /// After so many more operations of any kind, all fail: whoever works on it gets as far as that. [`cut`](Self::cut)
    /// and [`crash`](Self::crash) tell what is left.
    pub fn die_after(&self, operations: u64) {
        self.state().dies_in = Some(operations);
    }

    /// The `after`-th next such operation fails, once (0: the next one).
    pub fn fail(&self, operation: Operation, after: u64, fault: Fault) {
        let operation = Some(operation);
        self.state().faults.push(Planned { operation, after, fault, lasts: false });
    }

    /// All such operations fail until [`FaultyDisk::heal`].
    pub fn fail_from_now(&self, operation: Operation, fault: Fault) {
        let operation = Some(operation);
        self.state().faults.push(Planned { operation, after: 0, fault, lasts: true });
    }

    /// The `after`-th next operation of any kind fails, once (0: the next one).
    pub fn fail_any(&self, after: u64, fault: Fault) {
        self.state().faults.push(Planned { operation: None, after, fault, lasts: false });
    }

    /// Everything works again.
    pub fn heal(&self) {
        self.state().faults.clear();
    }

    /// How many bytes fit; `None` is without end.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity = bytes;
    }

    /// How many bytes the files take.
    pub fn used(&self) -> u64 {
        self.state().used()
    }

    /// How many operations were asked for.
    pub fn steps(&self) -> u64 {
        self.state().steps
    }

    /// A file's bytes as programs see them.
    pub fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        let inode = state.names.get(path)?;
        Some(state.inodes.get(inode)?.seen.clone())
    }

    /// Puts a file there, lasting, in place of what was there.
    pub fn put(&self, path: &Path, bytes: Vec<u8>) {
        let mut state = self.state();
        let number = state.next_inode;
        state.next_inode += 1;
        state
            .inodes
            .insert(number, Inode { seen: bytes.clone(), lasting: bytes, unsynced: Vec::new() });
        state.names.insert(path.to_owned(), number);
        state.lasting.insert(path.to_owned(), number);
        let mut dir = path.parent();
        while let Some(above) = dir {
            state.dirs.insert(above.to_owned());
            dir = above.parent();
        }
    }

    /// The files, as programs see them.
    pub fn files(&self) -> Vec<PathBuf> {
        self.state().names.keys().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test that failed elsewhere is not to be hidden behind a second panic here.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, operation: Operation) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        state.begin(operation)?;
        Ok(state)
    }
}

impl State {
    fn begin(&mut self, operation: Operation) -> io::Result<()> {
        self.steps += 1;
        match &mut self.dies_in {
            Some(0) => self.dead = true,
            Some(left) => *left -= 1,
            None => {}
        }
        if self.dead {
            return Err(io::Error::other("the power is off"));
        }
        let mut failed = None;
        self.faults.retain_mut(|planned| {
            if planned.operation.is_some_and(|other| other != operation) {
                return true;
            }
            if planned.after > 0 {
                planned.after -= 1;
                return true;
            }
            failed = Some(planned.fault);
            planned.lasts
        });
        failed.map_or(Ok(()), |fault| Err(fault.error()))
    }

    fn used(&self) -> u64 {
        self.names
            .values()
            .filter_map(|number| self.inodes.get(number))
            .map(|inode| inode.seen.len() as u64)
            .sum()
    }

    /// How many of so many more bytes still fit.
    fn fitting(&self, more: usize) -> usize {
        self.capacity
            .map_or(more, |capacity| more.min(capacity.saturating_sub(self.used()) as usize))
    }

    fn rename(&mut self, change: Rename) {
        if let Some(from) = &change.from {
            self.names.remove(from);
        }
        if let Some((to, inode)) = &change.to {
            self.names.insert(to.clone(), *inode);
        }
        self.unsynced_names.push(change);
    }

    fn last_name(&mut self, change: &Rename) {
        if let Some(from) = &change.from {
            self.lasting.remove(from);
        }
        if let Some((to, inode)) = &change.to {
            self.lasting.insert(to.clone(), *inode);
        }
    }

    fn inode(&mut self, number: u64) -> &mut Inode {
        self.inodes.entry(number).or_default()
    }

    fn found(&self, path: &Path) -> io::Result<u64> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Disk for FaultyDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.begin(Operation::Create)?;
        if state.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if !path.parent().is_some_and(|dir| state.dirs.contains(dir)) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inode = state.next_inode;
        state.next_inode += 1;
        state.inodes.insert(inode, Inode::default());
        state.rename(Rename { from: None, to: Some((path.to_owned(), inode)) });
        Ok(Arc::new(FaultyFile { disk: self.clone(), inode }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let inode = self.begin(Operation::Open)?.found(path)?;
        Ok(Arc::new(FaultyFile { disk: self.clone(), inode }))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let state = self.begin(Operation::List)?;
        if state.names.contains_key(dir) {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        if !state.dirs.contains(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let paths = state.names.keys().chain(&state.dirs);
        let mut inside: Vec<_> = paths.filter(|path| path.parent() == Some(dir)).cloned().collect();
        inside.sort();
        Ok(inside)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.begin(Operation::Rename)?;
        let inode = state.found(from)?;
        state.rename(Rename { from: Some(from.to_owned()), to: Some((to.to_owned(), inode)) });
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.begin(Operation::Remove)?;
        state.found(path)?;
        state.rename(Rename { from: Some(path.to_owned()), to: None });
        Ok(())
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.begin(Operation::Remove)?;
        let is_inside = |path: &PathBuf| path.parent() == Some(dir);
        if state.names.keys().any(is_inside) || state.dirs.iter().any(is_inside) {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        if state.dirs.remove(dir) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.begin(Operation::CreateDir)?;
        state.dirs.extend(dir.ancestors().map(Path::to_owned));
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.begin(Operation::SyncDir)?;
        let (now, later): (Vec<_>, Vec<_>) =
            state.unsynced_names.drain(..).partition(|change| change.touches(dir));
        for change in &now {
            state.last_name(change);
        }
        state.unsynced_names = later;
        Ok(())
    }

    fn free_space(&self, _dir: &Path) -> io::Result<u64> {
        let state = self.state();
        Ok(state.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(state.used())))
    }

    fn lock(&self, path: &Path) -> io::Result<Option<DiskLock>> {
        let taken = self.state().locks.insert(path.to_owned());
        let lock = Held { disk: self.clone(), path: path.to_owned() };
        Ok(taken.then(|| DiskLock::new(lock)))
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let state = self.state();
        Ok(state.names.contains_key(path) || state.dirs.contains(path))
    }
}

struct Held {
    disk: FaultyDisk,
    path: PathBuf,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.disk.state().locks.remove(&self.path);
    }
}
