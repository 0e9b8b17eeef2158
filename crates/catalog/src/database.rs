//! The file under everything, and the copy in memory that answers what is asked all the time.
//!
//! ```text
//! change(write, show)                       read(ask)                 look-ups marked "from memory"
//!   writer ─ transaction ─ commit ─ show ─▶ mirror ◀─────────────────────────────┘
//!                             │               reader (beside the writer: SQLite's write-ahead log)
//!                         catalog.db ◀────────┘
//! ```
//!
//! A change is synced before it is shown. Nothing slow (hashing) happens while a connection is held.

mod file;

mod keeper;

mod sums;

mod mark;

mod log;

mod upkeep;

mod mirror;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use iobeam_model::{Clock, Timestamp};
use parking_lot::Mutex;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::audit::{self, Actor};
use crate::error::CatalogError;
use crate::password::Passwords;
use crate::record::{Deletion, Namespace};

use keeper::Keeper;
pub(crate) use mirror::{KnownDevice, Mirror};
use upkeep::{Upkeep, report};

/// What can be chosen about a catalog.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many fields a namespace may have.
    pub max_fields: usize,
    /// How often the times kept in memory (devices last seen, tokens last used) are written to the file.
    pub write_back: Duration,
    /// How many passwords are hashed at once; each takes 19 MiB of memory meanwhile.
    pub hashes_at_once: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { max_fields: 1000, write_back: Duration::from_secs(5), hashes_at_once: 2 }
    }
}

/// A handle to the catalog; clones are cheap. Dropping the last one closes the file.
#[derive(Clone, Debug)]
pub struct Catalog {
    open: Arc<Open>,
    /// Who makes the changes of this handle, for the audit log.
    actor: Actor,
}

/// What ends with the last handle.
#[derive(Debug)]
struct Open {
    core: Arc<Core>,
    /// Taken out first when dropped, so that the last write-back is the last write.
    upkeep: Option<Upkeep>,
}

/// What handles and upkeep share.
#[derive(Debug)]
pub(crate) struct Core {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    settings: Settings,
    writer: Mutex<Writer>,
    reader: Mutex<Connection>,
    mirror: Mirror,
    passwords: Passwords,
    /// Last, so that it is let go after the connections are closed.
    _lock: File,
}

/// The connection that changes the file, and what is known of what it wrote.
#[derive(Debug)]
pub(crate) struct Writer {
    connection: Connection,
    keeper: Keeper,
}

impl Drop for Open {
    fn drop(&mut self) {
        drop(self.upkeep.take());
        report("write back when devices were seen", self.core.write_back());
        if let Err(error) = self.core.settle() {
            tracing::warn!(%error, "the catalog's checksums are not noted");
        }
    }
}

/// Refuses a file that is not what was written, before anything of it is changed. Whether it was put back from a backup.
fn expect_sound(path: &Path) -> Result<bool, CatalogError> {
    let failed = |source| CatalogError::File { path: path.to_owned(), source };
    match check_sums(path)? {
        sums::Found::Damaged(detail) => {
            return Err(CatalogError::Damaged { path: path.to_owned(), detail });
        }
        sums::Found::Replaced => {
            tracing::warn!(path = %path.display(), "the catalog is not what it was at the last stop: it was put back from a backup, or damaged in several places");
            sums::forget(path).map_err(failed)?;
            return Ok(true);
        }
        sums::Found::Sound => {}
    }
    if sums::is_damaged(path).map_err(failed)? {
        tracing::warn!(path = %path.with_extension("sum").display(), "the file is damaged, and is written again: whether the catalog is what was written cannot be told this time");
    }
    Ok(false)
}

fn check_sums(path: &Path) -> Result<sums::Found, CatalogError> {
    sums::check(path).map_err(|source| CatalogError::File { path: path.to_owned(), source })
}

impl Catalog {
    /// Opens the catalog in that file, or makes a new one.
    ///
    /// # Errors
    /// When the file is in use by another process, was written by a newer version or another program, is damaged, or
    /// cannot be read or written.
    pub fn open(
        path: &Path,
        settings: Settings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CatalogError> {
        let lock = file::lock(path)?;
        let explain = |error| file::damaged_or(path, error);
        let failed = |source| CatalogError::File { path: path.to_owned(), source };
        let is_replaced = expect_sound(path)?;
        let connection = file::open(path)?;
        if is_replaced && let Some(detail) = audit::verify(&connection).map_err(explain)? {
            return Err(CatalogError::Damaged { path: path.to_owned(), detail });
        }
        let mirror = Mirror::load(&connection).map_err(explain)?;
        let keeper = Keeper::open(path, &connection).map_err(failed)?;
        let core = Arc::new(Core {
            path: path.to_owned(),
            clock,
            passwords: Passwords::new(settings.hashes_at_once),
            settings,
            reader: Mutex::new(file::open_reader(path)?),
            writer: Mutex::new(Writer { connection, keeper }),
            mirror,
            _lock: lock,
        });
        let upkeep = Upkeep::start(Arc::clone(&core)).map_err(failed)?;
        let open = Arc::new(Open { core, upkeep: Some(upkeep) });
        Ok(Self { open, actor: Actor::default() })
    }

    /// The same catalog, whose changes are recorded in the audit log as made by that actor.
    #[must_use]
    pub fn acting_as(&self, actor: Actor) -> Self {
        Self { open: Arc::clone(&self.open), actor }
    }

    /// Who makes the changes of this handle.
    pub fn actor(&self) -> Actor {
        self.actor
    }

    /// Grows with each change of anything here. Who was let in at an earlier one may have lost the right since.
    pub fn generation(&self) -> u64 {
        self.mirror().generation.load(Ordering::Acquire)
    }

    /// Writes the times kept in memory (devices last seen, tokens last used) to the file now; gives how many.
    /// It also happens every few seconds, and when the last handle is dropped.
    ///
    /// # Errors
    /// When the file cannot be written; the times are kept and tried again.
    pub fn write_back(&self) -> Result<usize, CatalogError> {
        self.open.core.write_back()
    }

    /// Removes what ran out long enough ago: tokens (60 days), keys, invites. It also happens
    /// hourly, once the wall clock has gone evenly for a day.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn prune(&self) -> Result<usize, CatalogError> {
        self.open.core.prune()
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.open.core.path
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.open.core.clock.now()
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.open.core.settings
    }

    pub(crate) fn mirror(&self) -> &Mirror {
        &self.open.core.mirror
    }

    pub(crate) fn passwords(&self) -> &Passwords {
        &self.open.core.passwords
    }

    /// Asks the file something.
    pub(crate) fn read<T>(
        &self,
        ask: impl FnOnce(&Connection) -> Result<T, CatalogError>,
    ) -> Result<T, CatalogError> {
        let reader = self.open.core.reader.lock();
        ask(&reader).map_err(|error| self.open.core.explain(error))
    }

    /// Changes the file, all or nothing, and when that is on disk shows it in memory.
    pub(crate) fn change<T>(
        &self,
        write: impl FnOnce(&Transaction<'_>) -> Result<T, CatalogError>,
        show: impl FnOnce(&Mirror, &T),
    ) -> Result<T, CatalogError> {
        let mut writer = self.open.core.writer.lock();
        let done = commit(&mut writer, write).map_err(|error| self.open.core.explain(error))?;
        // Still under the writer's lock: two changes are shown in the order they were committed.
        show(self.mirror(), &done);
        self.mirror().generation.fetch_add(1, Ordering::Release);
        Ok(done)
    }
}

/// What a catalog's file holds, as far as a check of the whole folder needs it.
#[derive(Clone, Debug)]
pub struct Contents {
    /// What is wrong beside the file's own checks, in words for the operator.
    pub problems: Vec<String>,
    /// Whether the checksums beside it are not what was written, so that it cannot be told whether the file is.
    pub is_unchecked: bool,
    /// All namespaces. None when the file is of an earlier version, which the next start brings up to date.
    pub namespaces: Vec<Arc<Namespace>>,
    /// What is deleted here and may still have rows: the next start ends it.
    pub deletions: Vec<Deletion>,
}

/// Looks at a catalog's file that nobody has open: all of it is read, and nothing changed.
///
/// # Errors
/// As [`Catalog::open`].
pub fn inspect(path: &Path) -> Result<Contents, CatalogError> {
    if !path.exists() {
        let detail = "it is missing".to_owned();
        return Err(CatalogError::Damaged { path: path.to_owned(), detail });
    }
    let _lock = file::lock(path)?;
    if let sums::Found::Damaged(detail) = check_sums(path)? {
        return Err(CatalogError::Damaged { path: path.to_owned(), detail });
    }
    let (connection, mut problems) = file::open_to_look(path)?;
    let failed = |source| CatalogError::File { path: path.to_owned(), source };
    let is_unchecked = sums::is_damaged(path).map_err(failed)?;
    let version: u64 = connection
        .pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))
        .map_err(|error| file::damaged_or(path, error))?
        .into();
    if version >= file::AUDITED {
        problems.extend(audit::verify(&connection).map_err(|error| file::damaged_or(path, error))?);
    }
    if version < file::LATEST {
        let (namespaces, deletions) = (Vec::new(), Vec::new());
        return Ok(Contents { problems, is_unchecked, namespaces, deletions });
    }
    let mirror = Mirror::load(&connection).map_err(|error| file::damaged_or(path, error))?;
    let namespaces = mirror.namespaces.read();
    let namespaces = namespaces.values().flat_map(|of| of.values()).map(Arc::clone).collect();
    let mut statement =
        connection.prepare(Deletion::ALL).map_err(|error| file::damaged_or(path, error))?;
    let deletions = statement.query_map([], Deletion::read).and_then(Iterator::collect);
    let deletions = deletions.map_err(|error| file::damaged_or(path, error))?;
    Ok(Contents { problems, is_unchecked, namespaces, deletions })
}

impl Core {
    /// Brings the write-ahead log into the file: nothing is written after that.
    fn settle(&self) -> Result<(), CatalogError> {
        let failed = |source| CatalogError::File { path: self.path.clone(), source };
        let Writer { connection, keeper } = &mut *self.writer.lock();
        keeper.checkpoint(connection, "TRUNCATE").map_err(failed)?;
        keeper.sync().map_err(failed)
    }

    /// What was noted of the log is on the disk from now on, also where power is lost.
    pub(crate) fn sync_mark(&self) -> std::io::Result<()> {
        self.writer.lock().keeper.sync()
    }

    /// Tells damage as what it is.
    fn explain(&self, error: CatalogError) -> CatalogError {
        match error {
            CatalogError::Database(error) => file::damaged_or(&self.path, error),
            other => other,
        }
    }
}

/// Runs a change; on any failure nothing of it is left.
fn commit<T>(
    Writer { connection, keeper }: &mut Writer,
    write: impl FnOnce(&Transaction<'_>) -> Result<T, CatalogError>,
) -> Result<T, CatalogError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = write(&transaction)?;
    transaction.commit()?;
    keeper.changed(connection);
    Ok(done)
}
