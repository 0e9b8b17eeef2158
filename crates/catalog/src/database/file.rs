//! The file: opened only when it is ours, whole, and of a version we know.
//!
//! ```text
//! lock ─▶ mode 0600 ─▶ is it a catalog? ─▶ known version? ─▶ whole? ─▶ migrate to the latest
//!          every refusal leaves the file as it was
//! ```

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode};
use rusqlite_migration::{M, Migrations};

use crate::error::CatalogError;

/// What brings an older file to the latest version, one step per version.
const STEPS: &[M<'_>] = &[
    M::up(include_str!("v1.sql")),
    M::up(include_str!("v2.sql")),
    M::up(include_str!("v3.sql")),
    M::up(include_str!("v4.sql")),
    M::up(include_str!("v5.sql")),
    M::up(include_str!("v6.sql")),
    M::up(include_str!("v7.sql")),
];

/// "ioBc": by this a catalog is told from other programs' SQLite files. Set by the first step.
const APPLICATION: u32 = 0x696f_4263;

/// Only the user that runs the platform reads it: it knows everybody's address.
const MODE: u32 = 0o600;

/// The newest version of the file that this program knows.
pub(crate) const LATEST: u64 = STEPS.len() as u64;

/// The first version of the file that has an audit log.
pub(crate) const AUDITED: u64 = 5;

/// Takes the lock that keeps a second process away. It lasts as long as the file returned.
pub(crate) fn lock(path: &Path) -> Result<File, CatalogError> {
    let failed = |source| CatalogError::File { path: path.to_owned(), source };
    let beside = path.with_extension("lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(MODE)
        .open(beside)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(CatalogError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Opens the file, or makes it, and brings it to the latest version.
pub(crate) fn open(path: &Path) -> Result<Connection, CatalogError> {
    make(path).map_err(|source| CatalogError::File { path: path.to_owned(), source })?;
    let explain = |error| damaged_or(path, error);
    let mut connection = connect(path).map_err(explain)?;
    let found: u32 =
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(explain)?;
    recognise(&connection, path, found)?;
    if found > 0 {
        check(&connection, path, found)?;
    }
    prepare(&connection).map_err(explain)?;
    if u64::from(found) < LATEST {
        tracing::info!(from = found, to = LATEST, "bringing the catalog to the latest version");
        connection.pragma_update(None, "foreign_keys", false).map_err(explain)?;
        Migrations::from_slice(STEPS).to_latest(&mut connection).map_err(|error| match error {
            rusqlite_migration::Error::RusqliteError { err, .. } => explain(err),
            other => CatalogError::Damaged { path: path.to_owned(), detail: other.to_string() },
        })?;
    }
    connection.pragma_update(None, "foreign_keys", true).map_err(explain)?;
    Ok(connection)
}

/// A second connection to a file that is open, for reading beside the writer.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, CatalogError> {
    let connection = connect(path).map_err(|error| damaged_or(path, error))?;
    prepare(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// An error of SQLite while the file is read as a whole: corruption is told as what it is.
pub(crate) fn damaged_or(path: &Path, error: rusqlite::Error) -> CatalogError {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType};
    let corrupt = matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    );
    let senseless = matches!(
        error,
        FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..)
    );
    if corrupt || senseless {
        return CatalogError::Damaged { path: path.to_owned(), detail: error.to_string() };
    }
    error.into()
}

/// Sees to it that there is a file and that nobody else can read it.
fn make(path: &Path) -> io::Result<()> {
    match OpenOptions::new().create_new(true).write(true).mode(MODE).open(path) {
        Ok(_) => {
            // The new name must survive a power cut as well.
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let mut permissions = fs::metadata(path)?.permissions();
            if permissions.mode() & 0o777 != MODE {
                permissions.set_mode(MODE);
                fs::set_permissions(path, permissions)?;
            }
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Refuses files of other programs and of newer versions of this one.
fn recognise(connection: &Connection, path: &Path, found: u32) -> Result<(), CatalogError> {
    let explain = |error| damaged_or(path, error);
    let path = path.to_owned();
    let application: u32 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(explain)?;
    let tables: u32 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(explain)?;
    // A kill in the middle of the very first start leaves a file with nothing in it, which is fine.
    if application != APPLICATION && tables > 0 {
        let detail = "it was written by another program".to_owned();
        return Err(CatalogError::Damaged { path, detail });
    }
    if u64::from(found) > LATEST {
        return Err(CatalogError::NewerVersion { path, found: found.into(), known: LATEST });
    }
    Ok(())
}

/// Reads through the whole file once: tables against their indices, and the schema against what we would make.
fn check(connection: &Connection, path: &Path, version: u32) -> Result<(), CatalogError> {
    let explain = |error| damaged_or(path, error);
    let mut detail: String =
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(explain)?;
    if detail == "ok" {
        let expected = fresh(version)?;
        if schema(connection).map_err(explain)? == schema(&expected)? {
            return Ok(());
        }
        "its schema is not that of its version".clone_into(&mut detail);
    }
    Err(CatalogError::Damaged { path: path.to_owned(), detail })
}

/// An empty catalog of that version, in memory.
fn fresh(version: u32) -> Result<Connection, CatalogError> {
    let mut connection = Connection::open_in_memory()?;
    let made = Migrations::from_slice(STEPS).to_version(&mut connection, version as usize);
    made.expect("the steps are sound: a test opens files of each version");
    Ok(connection)
}

/// What a file's tables and indices are, in SQL.
fn schema(connection: &Connection) -> rusqlite::Result<Vec<[String; 4]>> {
    let mut statement = connection.prepare(
        "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema ORDER BY type, name",
    )?;
    let read = |row: &rusqlite::Row<'_>| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]);
    statement.query_map([], read)?.collect()
}

/// Opens a file to look at it: nothing is changed, not even its version.
pub(crate) fn open_to_look(path: &Path) -> Result<(Connection, Vec<String>), CatalogError> {
    let explain = |error| damaged_or(path, error);
    let connection = connect(path).map_err(explain)?;
    connection.pragma_update(None, "query_only", true).map_err(explain)?;
    let version: u32 =
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(explain)?;
    recognise(&connection, path, version)?;
    if version > 0 {
        check(&connection, path, version)?;
    }
    let mut problems = Vec::new();
    let mut statement = connection.prepare("PRAGMA foreign_key_check").map_err(explain)?;
    let mut rows = statement.query([]).map_err(explain)?;
    while let Some(row) = rows.next().map_err(explain)? {
        let (table, parent): (String, String) =
            (row.get(0).map_err(explain)?, row.get(2).map_err(explain)?);
        problems.push(format!("a row of '{table}' belongs to one of '{parent}' that is not there"));
    }
    drop(rows);
    drop(statement);
    Ok((connection, problems))
}

/// A connection that never brings the log into the file by itself: whoever does that notes the checksums of the pages
/// first. SQLite would do it after a number of frames, and when the last connection closes.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // With FULL a commit returns after its sync, so that a power cut takes nothing back.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}
