//! Gives a table that the catalog does not know to a project again.
//!
//! ```text
//! all rows into files ─▶ namespace made, with the table's fields ─▶ folder moved ─▶ the log told that the old one is gone
//! ```

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use iobeam_catalog::{Catalog, NewNamespace};
use iobeam_journal::{Disk, RealDisk};
use iobeam_model::{Clock, FieldName, FieldType, NamespaceName, ProjectId, Retention, SystemClock};
use iobeam_store::check::mark_filed;
use iobeam_store::{Settings, Snapshot, Store};

use crate::error::ServeError;

/// A table as its folder is named, such as `2/input`.
pub type TableName = (ProjectId, NamespaceName);

fn refuse(reason: impl Into<String>) -> ServeError {
    ServeError::Part { part: "doctor", reason: reason.into() }
}

fn failed(error: &dyn std::error::Error) -> ServeError {
    refuse(error.to_string())
}

/// Gives a table to a project, under a name. Says how many rows it has.
///
/// # Errors
/// When a server has the folder open, there is no such table or project, the name is in use, or the disk refuses.
pub fn attach(
    dir: &Path,
    table: &TableName,
    (project, name): (&str, &NamespaceName),
) -> Result<u64, ServeError> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| failed(&error))?;
    let path = dir.join("catalog.db");
    if !path.is_file() {
        return Err(refuse(format!("{} is missing; put it back from a backup", path.display())));
    }
    let clock = Arc::new(SystemClock::new());
    let catalog = Catalog::open(&path, iobeam_catalog::Settings::default(), clock);
    let catalog = catalog.map_err(|error| failed(&error))?;
    let by_number = || catalog.project(ProjectId::new(project.parse().ok()?)?);
    let found = catalog.project_by_name(project).or_else(by_number);
    let found = found.ok_or_else(|| refuse(format!("there is no project '{project}'")))?;
    if catalog.namespace(table.0, &table.1).is_some() {
        return Err(refuse(format!("the table {}/{} has its namespace", table.0, table.1)));
    }
    let store = open(dir)?;
    let attached = runtime.block_on(async {
        store.flush().await.map_err(|error| failed(&error))?;
        let rows = prepare(&catalog, &store, table, (found.id, name))?;
        store.close().await.map_err(|error| failed(&error))?;
        Ok::<_, ServeError>(rows)
    })?;
    if (found.id, name) == (table.0, &table.1) {
        return Ok(attached);
    }
    let parts =
        (Arc::new(SystemClock::new()) as Arc<dyn Clock>, Arc::new(RealDisk) as Arc<dyn Disk>);
    mark_filed(dir, parts, (table.0, &table.1)).map_err(|error| failed(&error))?;
    rename(dir, table, &(found.id, name.clone()))?;
    let store = open(dir)?;
    runtime.block_on(async {
        // What the write-ahead log still has of it is in the files that were moved.
        store.drop_tables(table.0, Some(&table.1)).await.map_err(|error| failed(&error))?;
        store.close().await.map_err(|error| failed(&error))
    })?;
    Ok(attached)
}

fn open(dir: &Path) -> Result<Store, ServeError> {
    let opened = Store::open(Settings::new(dir), Arc::new(SystemClock::new()), Arc::new(RealDisk));
    opened.map(|(store, _)| store).map_err(|error| failed(&error))
}

/// Makes the namespace. Gives the table's rows.
fn prepare(
    catalog: &Catalog,
    store: &Store,
    table: &TableName,
    (project, name): (ProjectId, &NamespaceName),
) -> Result<u64, ServeError> {
    let snapshot = store.snapshot(table.0, &table.1);
    if let Some(fault) = &snapshot.fault {
        return Err(failed(fault));
    }
    let Some(partition) = snapshot.partition().cloned() else {
        return Err(refuse(format!("there is no table {}/{}", table.0, table.1)));
    };
    let moves = (project, name) != (table.0, &table.1);
    if moves && store.snapshot(project, name).partition().is_some() {
        return Err(refuse(format!(
            "the namespace '{name}' has rows already; choose another name"
        )));
    }
    let fields = fields(&snapshot)?;
    match catalog.namespace(project, name) {
        Some(known) if known.partition == partition => {
            let missing: Vec<_> = fields.into_iter().collect();
            catalog.add_fields(project, name, &missing).map_err(|error| failed(&error))?;
        }
        Some(known) => {
            return Err(refuse(format!(
                "the namespace '{name}' is partitioned by '{}', and the table by '{partition}'; choose another name",
                known.partition
            )));
        }
        None => {
            let (name, labels, retention) = (name.clone(), BTreeMap::new(), Retention::Default);
            let new = NewNamespace { project, name, partition, fields, labels, retention };
            catalog.create_namespace(new).map_err(|error| failed(&error))?;
        }
    }
    Ok(snapshot.rows())
}

/// The fields of a table, from its files.
fn fields(snapshot: &Snapshot) -> Result<BTreeMap<FieldName, FieldType>, ServeError> {
    let mut fields = BTreeMap::new();
    for file in &*snapshot.files {
        for (name, kind) in file.fields().map_err(|error| failed(&error))? {
            fields.insert(name, kind);
        }
    }
    Ok(fields)
}

fn rename(dir: &Path, from: &TableName, to: &TableName) -> Result<(), ServeError> {
    let folder = |(project, name): &TableName| {
        dir.join("lake").join(project.to_string()).join(name.as_str())
    };
    let (from, to) = (folder(from), folder(to));
    let error = |doing| {
        let path = from.clone();
        move |source| ServeError::File { path, doing, source }
    };
    let parent = to.parent().unwrap_or(dir);
    std::fs::create_dir_all(parent).map_err(error("cannot make the folder for it"))?;
    std::fs::rename(&from, &to).map_err(error("cannot move it"))?;
    for folder in [Some(parent), from.parent()].into_iter().flatten() {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(error("cannot sync it"))?;
    }
    Ok(())
}
