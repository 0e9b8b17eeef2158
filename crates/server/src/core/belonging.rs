//! Whether catalog and store belong together, seen to before anybody is let in.
//!
//! ```text
//! catalog missing, rows there ──────────▶ refuse: a new catalog would give them to whoever comes first
//! catalog of another server ────────────▶ refuse
//! tables that the catalog does not know ▶ told; their names and numbers are not given out
//! ```

use std::path::{Path, PathBuf};

use iobeam_catalog::Catalog;
use iobeam_model::{NamespaceName, ProjectId};

use crate::core::files;
use crate::error::ServeError;

/// The file that says to which catalog the rest of the folder belongs.
const FILE: &str = "catalog-id";

fn refuse(reason: String) -> ServeError {
    ServeError::Part { part: "catalog", reason }
}

/// Refuses a folder that has rows and no catalog.
///
/// # Errors
/// When it is such a folder.
pub(crate) fn expect_catalog(data: &Path) -> Result<(), ServeError> {
    let path = data.join("catalog.db");
    let what = match std::fs::metadata(&path) {
        Ok(found) if found.len() > 0 => return Ok(()),
        Ok(_) => "is empty",
        Err(_) => "is missing",
    };
    let Some(rows) = rows_in(data) else { return Ok(()) };
    Err(refuse(format!(
        "{} {what}, and {} has readings: with a new catalog nobody could reach them, or the wrong person. Put catalog.db back from a backup (without catalog.db-wal, catalog.db-shm, catalog.sum and catalog.mark). Without a backup, move {} and {} to another place to begin anew; the Parquet files in it can be read there",
        path.display(),
        rows.display(),
        data.join("lake").display(),
        data.join("journal").display(),
    )))
}

/// Where a folder has rows, if it has.
fn rows_in(data: &Path) -> Option<PathBuf> {
    let has = |dir: &Path, is: &dyn Fn(&Path) -> bool| {
        std::fs::read_dir(dir).is_ok_and(|entries| entries.flatten().any(|entry| is(&entry.path())))
    };
    let (lake, journal) = (data.join("lake"), data.join("journal"));
    if has(&lake, &|path| path.is_dir()) {
        return Some(lake);
    }
    let is_segment = |path: &Path| path.extension().is_some_and(|ending| ending == "journal");
    has(&journal, &is_segment).then_some(journal)
}

/// Refuses the catalog of another server, and sees to it that no name or number of a table is given out that the
/// catalog does not know. Gives the tables that it does not know.
///
/// # Errors
/// When the catalog is another's, or cannot be read or written.
pub(crate) fn join(
    data: &Path,
    catalog: &Catalog,
    tables: &[(ProjectId, NamespaceName)],
) -> Result<Vec<(ProjectId, NamespaceName)>, ServeError> {
    let failed = |error: iobeam_catalog::CatalogError| refuse(error.to_string());
    let path = data.join(FILE);
    if let Some(identity) = catalog.identity().map_err(failed)? {
        match recorded(&path) {
            Some(known) if known != identity && !tables.is_empty() => {
                return Err(refuse(format!(
                    "{} is the catalog of another server: {} names another one. Put back the catalog.db of this data directory; if it was replaced on purpose, remove {}",
                    data.join("catalog.db").display(),
                    path.display(),
                    path.display(),
                )));
            }
            Some(known) if known == identity => {}
            _ => files::write_private(&path, written(&identity).as_bytes())?,
        }
    }
    let orphans = catalog.claim_tables(tables).map_err(failed)?;
    for (project, namespace) in &orphans {
        tracing::error!(%project, %namespace, "a table has rows that the catalog knows nothing of, as after a restored backup: nobody can reach them; 'iobeam doctor' says how to attach it again");
    }
    Ok(orphans)
}

/// The catalog that the file names; nothing where there is no such file, or it is damaged.
fn recorded(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let identity = text.lines().next()?;
    if text != written(identity) {
        tracing::warn!(path = %path.display(), "the file is damaged, and is written again");
        return None;
    }
    Some(identity.to_owned())
}

fn written(identity: &str) -> String {
    format!("{identity}\ncrc32c:{:08x}\n", crc32c::crc32c(identity.as_bytes()))
}
