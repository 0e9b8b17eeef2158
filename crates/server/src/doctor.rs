//! Looks at a data directory that no server has open: everything in it, part by part.
//!
//! ```text
//! folder ─▶ modes of keys ─▶ catalog ─▶ store: journal, receipts, tables ─▶ catalog against tables ─▶ set-aside ─▶ Diagnosis
//! ```
//!
//! Without `repair` nothing is changed. With it, what cannot be read is moved into `set-aside/` and nothing is
//! deleted; afterwards a server starts and serves all that is sound. A damaged catalog alone cannot be mended: it
//! comes back from a backup.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use iobeam_catalog::{CatalogError, Contents};
use iobeam_journal::RealDisk;
use iobeam_model::{Clock, SystemClock};
use iobeam_store::check::{Checkup, Finding, check};

pub mod attach;

use crate::core::auth::key::{self, KEY_BYTES};
use crate::core::belonging;
use crate::core::findings;
use crate::error::ServeError;

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Diagnosis {
    /// What is not as it should be, part by part.
    pub findings: Vec<Finding>,
    /// Records of the write-ahead log that can be read.
    pub records: u64,
    /// Tables.
    pub tables: usize,
    /// Parquet files that are sound.
    pub files: u64,
    /// Rows in them.
    pub rows: u64,
}

impl Diagnosis {
    /// Whether there is nothing that matters.
    pub fn is_sound(&self) -> bool {
        self.findings.iter().all(|finding| finding.harmless)
    }
}

/// Looks at a data directory. `progress` hears what is being looked at.
///
/// # Errors
/// When it cannot be looked at: there is none, a server has it open, or the disk refuses.
pub fn examine(
    dir: &Path,
    repair: bool,
    progress: &mut (dyn FnMut(&str) + Send),
) -> Result<Diagnosis, ServeError> {
    // A folder that is none must not become one by being looked at.
    let catalog = dir.join("catalog.db");
    if !catalog.is_file() && !dir.join("journal").is_dir() {
        let reason = format!(
            "{} is no data directory: it has neither catalog.db nor journal",
            dir.display()
        );
        return Err(ServeError::Part { part: "doctor", reason });
    }
    let mut found = Diagnosis::default();
    // First, as it finds out whether a server is running.
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let checkup = check(dir, (clock, Arc::new(RealDisk)), repair, progress);
    let checkup = checkup.map_err(|error| cannot("store", &error))?;
    secrets(dir, repair, &mut found.findings)?;
    keys(dir, &mut found.findings);
    progress("the catalog");
    // A missing one is found below; an empty one looks like that of a first start.
    if catalog.is_file() && belonging::expect_catalog(dir).is_err() {
        found.findings.push(catalog_finding(&catalog, "it is empty".to_owned()));
    }
    let contents = match iobeam_catalog::inspect(&catalog) {
        Ok(contents) => {
            for problem in &contents.problems {
                found.findings.push(catalog_finding(&catalog, problem.clone()));
            }
            if contents.is_unchecked {
                let problem = "it is not what was written".to_owned();
                let meaning = "whether catalog.db beside it is what was written cannot be told; all else about it is sound";
                let remedy = "the server's next start writes it again";
                let place = catalog.with_extension("sum");
                let mut one = Finding::new(&place, problem, meaning, remedy);
                one.harmless = true;
                found.findings.push(one);
            }
            Some(contents)
        }
        Err(error @ (CatalogError::Damaged { .. } | CatalogError::NewerVersion { .. })) => {
            found.findings.push(catalog_finding(&catalog, error.to_string()));
            None
        }
        Err(error) => return Err(cannot("catalog", &error)),
    };
    if let Some(contents) = contents {
        compare(dir, &contents, &checkup, &mut found.findings);
    }
    found.records = checkup.records;
    found.tables = checkup.tables.len();
    found.files = checkup.tables.iter().map(|table| table.files).sum();
    found.rows = checkup.tables.iter().map(|table| table.rows).sum();
    found.findings.extend(checkup.findings);
    found.findings.extend(findings::set_aside(dir));
    Ok(found)
}

fn cannot(part: &'static str, error: &dyn std::error::Error) -> ServeError {
    ServeError::Part { part, reason: error.to_string() }
}

fn catalog_finding(path: &Path, problem: String) -> Finding {
    let meaning = "users, projects, tokens and devices are in it; the server does not start with a damaged one, and the readings are not touched by it";
    Finding::new(
        path,
        problem,
        meaning,
        "put catalog.db back from a backup, without catalog.db-wal, catalog.db-shm, catalog.sum and catalog.mark",
    )
}

/// What is for its owner alone must be readable by nobody else.
fn secrets(dir: &Path, repair: bool, findings: &mut Vec<Finding>) -> Result<(), ServeError> {
    let mut paths = vec![dir.to_owned(), dir.join("keys"), dir.join("catalog.db")];
    if let Ok(keys) = std::fs::read_dir(dir.join("keys")) {
        paths.extend(keys.filter_map(|entry| Some(entry.ok()?.path())));
    }
    for path in paths {
        let Ok(facts) = path.symlink_metadata() else { continue };
        let mode = facts.permissions().mode() & 0o777;
        let is_open = mode & 0o077 != 0;
        if !is_open || facts.is_symlink() {
            continue;
        }
        let private = if facts.is_dir() { 0o700 } else { 0o600 };
        let meaning = "no reading is harmed; whoever could read the key that signs tokens can make tokens of their own";
        let remedy = format!(
            "chmod {private:o}, which iobeam doctor DIR --repair does too; after a leak remove keys/token.key, so that all tokens end"
        );
        let mut found = Finding::new(
            &path,
            format!("its mode is {mode:o}: others can read it"),
            meaning,
            &remedy,
        );
        if repair {
            let permissions = std::fs::Permissions::from_mode(private);
            std::fs::set_permissions(&path, permissions).map_err(|source| ServeError::File {
                path: path.clone(),
                doing: "cannot make it private",
                source,
            })?;
            found.repaired = Some(format!("its mode is {private:o} now"));
        }
        findings.push(found);
    }
    Ok(())
}

/// Keys that were cut or are not what was written: the server does not start with them.
fn keys(dir: &Path, findings: &mut Vec<Finding>) {
    let path = dir.join("keys").join("token.key");
    let Ok(facts) = path.metadata() else { return };
    let problem = if facts.len() == KEY_BYTES as u64 {
        let noted = std::fs::read(&path)
            .ok()
            .and_then(|key| key::against_its_sum(&dir.join("keys"), &key).ok());
        if noted != Some(key::Noted::Another) {
            return;
        }
        "its checksum is not that in token.sum beside it".to_owned()
    } else {
        format!("it has {} bytes, and a key has {KEY_BYTES}", facts.len())
    };
    let meaning = "the server does not start; no reading is harmed";
    let remedy = "put it back from a backup; or remove it, and the server's next start makes a new one: all tokens and sign-ins end then";
    findings.push(Finding::new(&path, problem, meaning, remedy));
}

/// Tables that no namespace stands for, or that are parted by another field.
fn compare(dir: &Path, contents: &Contents, checkup: &Checkup, found: &mut Vec<Finding>) {
    for table in &checkup.tables {
        let (project, name) = (table.project, &table.namespace);
        let place = findings::folder_of(dir, project, name);
        let known = contents
            .namespaces
            .iter()
            .find(|namespace| namespace.project == project && namespace.name == *name);
        let is_going = contents.deletions.iter().any(|deletion| {
            let this = deletion.namespace.as_ref().is_none_or(|deleted| deleted == name);
            deletion.project == project && this
        });
        if known.is_none() && is_going {
            let problem = "its namespace was deleted, and its rows are not gone yet".to_owned();
            let meaning = "nobody can ask for them; no other row is concerned";
            let mut one =
                Finding::new(&place, problem, meaning, "the server's next start ends the deletion");
            one.harmless = true;
            found.push(one);
            continue;
        }
        let Some(known) = known else {
            found.push(findings::orphan(dir, project, name, table.rows));
            continue;
        };
        if table.partition.as_ref().is_some_and(|partition| *partition != known.partition) {
            let problem = format!(
                "the catalog says it is partitioned by '{}', and its log does not",
                known.partition
            );
            let meaning = "queries of one device may be slow; no row is lost";
            found.push(Finding::new(
                &place,
                problem,
                meaning,
                "put catalog.db and lake/ back from one backup",
            ));
        }
    }
}
