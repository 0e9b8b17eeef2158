//! All that a data directory tells when its parts are opened here, as the server opens them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use iobeam_catalog::{Catalog, CatalogError, Page};
use iobeam_journal::RealDisk;
use iobeam_model::{
    Batch, Column, FieldName, NamespaceName, ProjectId, SystemClock, Texts, Values,
};
use iobeam_store::{Incoming, Settings, Snapshot, Store, Write as Import};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

use super::damage::Damage;

/// Rows as text, and how often each is there.
pub(crate) type Rows = BTreeMap<String, usize>;

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Why it does not start.
    pub(crate) refused: Option<String>,
    /// What is told of damage at the start.
    pub(crate) reported: Vec<String>,
    /// Users, projects, devices, tokens.
    pub(crate) people: String,
    /// Each table's rows, or why they cannot be had.
    pub(crate) tables: BTreeMap<String, Result<Rows, String>>,
}

/// Looks at everything.
pub(crate) fn look(folder: &TempDir) -> Seen {
    let data = folder.path().join("data");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut seen = Seen::default();
    let settings = iobeam_catalog::Settings::default();
    let catalog = data.join("catalog.db");
    if catalog.metadata().map_or(0, |facts| facts.len()) == 0 {
        // What the server says before it opens anything: `notices_damage.rs` has it from the program.
        return Seen { refused: Some("catalog.db is missing or empty".to_owned()), ..seen };
    }
    let opened = Catalog::open(&catalog, settings, Arc::new(SystemClock::new()));
    let told = opened.and_then(|catalog| people(&catalog));
    match told {
        Ok(people) => seen.people = people,
        Err(error) => return Seen { refused: Some(error.to_string()), ..seen },
    }
    let settings = Settings { merge_files: 1000, ..Settings::new(&data) };
    let clock = Arc::new(SystemClock::new());
    let (store, opened) = match Store::open(settings, clock, Arc::new(RealDisk)) {
        Ok(opened) => opened,
        Err(error) => return Seen { refused: Some(error.to_string()), ..seen },
    };
    seen.reported.extend(opened.damage);
    seen.reported.extend(opened.torn);
    seen.reported.extend(opened.out_of_service);
    seen.reported.extend(opened.set_aside.into_iter().map(|aside| format!("{aside:?}")));
    for (project, namespace) in opened.tables {
        let snapshot = store.snapshot(project, &namespace);
        let mut read = rows(&snapshot);
        for correction in store.corrections(project, &namespace) {
            let values = store.quarantined(correction.number, (0, 1000));
            match (&mut read, values) {
                (Ok(rows), Ok(values)) => {
                    for value in values {
                        *rows.entry(format!("quarantined {value:?}")).or_default() += 1;
                    }
                }
                (_, Err(error)) => seen.reported.push(error.to_string()),
                (Err(_), Ok(_)) => {}
            }
        }
        seen.tables.insert(format!("{project}/{namespace}"), read);
    }
    runtime.block_on(store.close()).expect("closed");
    seen
}

/// Has all files of the tables merged that can be, and looks then.
pub(crate) fn merge_and_look(folder: &TempDir) -> Seen {
    let data = folder.path().join("data");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let settings = Settings { merge_files: 2, ..Settings::new(&data) };
    let opened = Store::open(settings, Arc::new(SystemClock::new()), Arc::new(RealDisk));
    if let Ok((store, opened)) = opened {
        runtime.block_on(async {
            for (project, namespace) in opened.tables {
                // A flush has the table looked at; the row is of a time that is told apart below.
                let _refused = store.write(marker(project, &namespace)).await;
            }
            let _failed = store.flush().await;
            let mut before = u64::MAX;
            for _ in 0..40 {
                tokio::time::sleep(Duration::from_millis(25)).await;
                let stats = store.statistics();
                if stats.compactions == before && before > 0 {
                    break;
                }
                before = stats.compactions;
            }
            store.close().await.expect("closed");
        });
    }
    let mut seen = look(folder);
    for rows in seen.tables.values_mut().flatten() {
        rows.retain(|row, _| !row.contains("marker-of-the-merge"));
    }
    seen
}

fn marker(project: ProjectId, namespace: &NamespaceName) -> Import {
    let device = Values::String(Texts::constant("marker-of-the-merge", 1));
    let device = Column::new(FieldName::device_id(), device, None).expect("a text");
    let batch = Batch::new(namespace.clone(), vec![1], vec![device]).expect("a batch");
    let partition = FieldName::device_id();
    let batches = vec![Incoming { id: None, partition, batch, encoded: None }];
    Import { project, batches, body_hash: None }
}

/// What the doctor says of a damage; it changes nothing.
pub(crate) fn examine(folder: &Path, damage: &Damage) -> Option<String> {
    let data = folder.join("data");
    let found = match iobeam_server::doctor::examine(&data, false, &mut |_| {}) {
        Ok(found) => found,
        Err(refused) => return Some(refused.to_string()),
    };
    let texts =
        found.findings.iter().map(|one| format!("{}: {}", one.place.display(), one.problem));
    texts.into_iter().find(|text| damage.is_named_in(text) || damage.is_of_table_in(text))
}

fn people(catalog: &Catalog) -> Result<String, CatalogError> {
    let mut told = String::new();
    for user in catalog.users()? {
        let _ = writeln!(told, "{user:?} {:?}", catalog.tokens_of_user(user.id)?);
        for (project, may) in catalog.projects_of(user.id)? {
            let devices = catalog.devices(project.id, Page::default())?;
            let _ = writeln!(
                told,
                "{project:?} {may:?} {:?} {:?} {devices:?} {:?}",
                catalog.members(project.id),
                catalog.namespaces(project.id),
                catalog.tokens_of_project(project.id)?,
            );
        }
    }
    Ok(told)
}

/// All rows of a table; a column that has nothing in a row is left out of it.
fn rows(snapshot: &Snapshot) -> Result<Rows, String> {
    if let Some(fault) = &snapshot.fault {
        return Err(fault.to_string());
    }
    let mut rows = Rows::new();
    for file in &*snapshot.files {
        let opened = file.open().map_err(|error| error.to_string())?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(opened)
            .and_then(ParquetRecordBatchReaderBuilder::build)
            .map_err(|error| error.to_string())?;
        for batch in reader {
            count(&mut rows, &batch.map_err(|error| error.to_string())?);
        }
    }
    for chunk in &*snapshot.chunks {
        count(&mut rows, &chunk.rows);
    }
    Ok(rows)
}

fn count(rows: &mut Rows, batch: &RecordBatch) {
    let options = FormatOptions::default();
    let schema = batch.schema();
    let mut columns: Vec<_> = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, column)| {
            (field.name(), column, ArrayFormatter::try_new(column, &options).expect("shown"))
        })
        .collect();
    columns.sort_by_key(|(name, ..)| (*name).clone());
    for row in 0..batch.num_rows() {
        let mut text = String::new();
        for (name, column, shown) in &columns {
            if column.is_valid(row) {
                let _ = write!(text, "{name}={} ", shown.value(row));
            }
        }
        *rows.entry(text).or_default() += 1;
    }
}
