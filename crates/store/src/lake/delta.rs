//! The Delta log of each table: which files count, which fields there are, and up to which journal record.
//!
//! ```text
//! commit { metadata when a field is new, add / remove files, txn { this store, highest Seq } }
//! open   ─▶ files with their facts, fields, Seq
//! ```
//!
//! - A commit is one file that is there as a whole or not at all; when it failed half-way, the log itself tells
//!   whether it counts.
//! - Facts of a file stand in its tags, exact for any time there is; the statistics beside them are for other readers.
//! - A handle grows slower with each commit and is made anew after some.

pub(crate) mod dropped;

pub(crate) mod verify;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::DataType as ArrowType;
use chrono::{DateTime, Datelike as _};
use deltalake_core::DeltaTableBuilder;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake_core::kernel::{
    Action, Add, DataType, MetadataExt as _, PrimitiveType, Remove, StructField, StructType,
    Transaction,
};
use deltalake_core::logstore::LogStoreRef;
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use deltalake_core::table::state::DeltaTableState;
use iobeam_journal::disk::Disk;
use iobeam_model::{Clock, FieldName, NamespaceName, ProjectId};
use url::Url;

use crate::chunk::TIME;
use crate::edit::Edit;
use crate::error::StoreError;
use crate::lake::files::{SyncedFiles, UNFINISHED};
use crate::snapshot::verified::shown;
use crate::snapshot::{DataFile, FileFacts};

/// The tag under which a file's facts stand.
const FACTS: &str = "iobeam.facts";
/// The setting of a table that names its partition field.
pub(crate) const PARTITION: &str = "iobeam.partition";
/// A handle is made anew after so many commits.
const COMMITS_PER_HANDLE: u32 = 32;
/// The name of a store whose own is not known yet.
const UNNAMED: &str = "iobeam-unknown";
/// So many handles are kept.
const HANDLES: usize = 64;

/// Which table, as folders.
pub(crate) type TableKey = (ProjectId, NamespaceName);

/// The fields of a table and how they are held.
pub(crate) type Fields = BTreeMap<Box<str>, ArrowType>;

/// What the log says of a table.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The field it is partitioned by.
    pub(crate) partition: FieldName,
    /// Its fields, without `time`.
    pub(crate) fields: Fields,
    /// Its files.
    pub(crate) files: Vec<Arc<DataFile>>,
    /// Journal records up to this one are in the files.
    pub(crate) seq: u64,
    /// The last correction that was made.
    pub(crate) correction: u64,
}

/// A correction that a commit makes.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    /// Its number; those of a table only grow.
    pub(crate) number: u64,
    /// What it does to the fields; nothing where that is done already.
    pub(crate) edit: Option<Arc<Edit>>,
}

/// What a commit changes.
#[derive(Debug, Default)]
pub(crate) struct Change {
    /// Files that count from now on.
    pub(crate) add: Vec<FileFacts>,
    /// Files that no longer do.
    pub(crate) remove: Vec<Arc<DataFile>>,
    /// Fields in the files, new ones among them.
    pub(crate) fields: Fields,
    /// Whether rows come or go. No: the same rows in other files.
    pub(crate) data_changes: bool,
    /// For rows that come from the journal: up to which record.
    pub(crate) seq: Option<u64>,
    /// The correction that is made with it.
    pub(crate) made: Option<Made>,
}

struct Handle {
    log: LogStoreRef,
    state: DeltaTableState,
    commits: u32,
    used: u64,
}

/// All tables of a store.
pub(crate) struct Lake {
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    root: PathBuf,
    files: Arc<SyncedFiles>,
    store_id: String,
    runtime: tokio::runtime::Runtime,
    handles: HashMap<TableKey, Handle>,
    uses: u64,
}

impl Lake {
    /// The lake in a folder, which is made if missing.
    pub(crate) fn open(
        root: PathBuf,
        clock: Arc<dyn Clock>,
        disk: Arc<dyn Disk>,
    ) -> Result<Self, StoreError> {
        disk.create_dir(&root).map_err(|error| StoreError::io("make", &root, error))?;
        // Not on the caller's runtime: commits block, and the store may be opened where there is none.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("iobeam-lake")
            .enable_all()
            .build()
            .map_err(|error| StoreError::io("start threads for", &root, error))?;
        let files = Arc::new(SyncedFiles::new(Arc::clone(&disk), root.clone()));
        let (store_id, handles) = (UNNAMED.to_owned(), HashMap::new());
        Ok(Self { disk, clock, root, files, store_id, runtime, handles, uses: 0 })
    }

    /// Under this name its commits are known from now on.
    pub(crate) fn name(&mut self, store_id: String) {
        self.store_id = store_id;
    }

    /// The folder of a table.
    pub(crate) fn dir(&self, key: &TableKey) -> PathBuf {
        self.root.join(key.0.to_string()).join(key.1.as_str())
    }

    /// The tables there are.
    pub(crate) fn tables(&self) -> Result<Vec<TableKey>, StoreError> {
        let mut found = Vec::new();
        for key in self.folders()? {
            if self.exists(&key)? {
                found.push(key);
            }
        }
        Ok(found)
    }

    /// The folders of tables that have no log, and are not being deleted.
    pub(crate) fn logless(&self) -> Result<Vec<TableKey>, StoreError> {
        let mut found = Vec::new();
        for key in self.folders()? {
            if !self.exists(&key)? && !self.is_marked(&key)? {
                found.push(key);
            }
        }
        Ok(found)
    }

    /// The tables whose folders have a log or a file of ours, and are not being deleted.
    pub(crate) fn populated(&self) -> Result<Vec<TableKey>, StoreError> {
        let mut found = self.tables()?;
        for key in self.logless()? {
            if self.highest_part(&key)? > 0 {
                found.push(key);
            }
        }
        Ok(found)
    }

    /// The folders that are named as those of tables are.
    fn folders(&self) -> Result<Vec<TableKey>, StoreError> {
        let list =
            |dir: &Path| self.disk.list(dir).map_err(|error| StoreError::io("list", dir, error));
        let mut found = Vec::new();
        for project_dir in list(&self.root)? {
            let Some(project) = last_name(&project_dir).parse().ok().and_then(ProjectId::new)
            else {
                continue;
            };
            for dir in list(&project_dir)? {
                let Ok(namespace) = last_name(&dir).parse::<NamespaceName>() else { continue };
                found.push((project, namespace));
            }
        }
        Ok(found)
    }

    /// Whether a table was ever committed to, and is not being deleted.
    pub(crate) fn exists(&self, key: &TableKey) -> Result<bool, StoreError> {
        let log = self.dir(key).join("_delta_log");
        let failed = |error| StoreError::io("list", &log, error);
        if self.is_marked(key)? {
            return Ok(false);
        }
        Ok(self.disk.exists(&log).map_err(failed)?
            && self.disk.list(&log).map_err(failed)?.iter().any(|path| is_commit(path)))
    }

    /// Reads what the log says of a table.
    pub(crate) fn load(&mut self, key: &TableKey) -> Result<Loaded, StoreError> {
        let dir = self.dir(key);
        // A commit that failed half-way, or whose process ended, may have a name that only the system's memory has.
        // What is read here counts, and the journal forgets what is in it: so it has to last first.
        let log = dir.join("_delta_log");
        self.disk.sync_dir(&log).map_err(|error| StoreError::io("sync", &log, error))?;
        self.refuse_damaged(key)?;
        let disk = Arc::clone(&self.disk);
        let handle = self.reopen(key)?;
        let metadata = handle.state.metadata();
        let partition = metadata
            .configuration()
            .get(PARTITION)
            .and_then(|name| name.parse().ok())
            .unwrap_or_else(FieldName::device_id);
        let fields = fields_of(&handle.state.schema());
        let files = handle
            .state
            .log_data()
            .iter()
            .map(|view| {
                #[expect(deprecated, reason = "the only way to a file's tags")]
                let add = view.add_action();
                Arc::new(DataFile::new(facts_of(&add, &dir), &disk))
            })
            .collect();
        let seq = self.committed(key, &self.store_id)?;
        let correction = self.committed(key, &self.corrections_id())?;
        Ok(Loaded { partition, fields, files, seq, correction })
    }

    /// The highest number that was committed under a name: the journal record up to which the table's files go, or
    /// the last correction.
    fn committed(&self, key: &TableKey, name: &str) -> Result<u64, StoreError> {
        let Some(handle) = self.handles.get(key) else { return Ok(0) };
        let version = self
            .runtime
            .block_on(handle.state.snapshot().transaction_version(&*handle.log, name))
            .map_err(|error| refused(key, error))?;
        Ok(version.map_or(0, i64::cast_unsigned))
    }

    /// The name under which corrections are committed.
    pub(crate) fn corrections_id(&self) -> String {
        format!("{}/corrections", self.store_id)
    }

    /// A table's log is another one from now on.
    pub(crate) fn forget(&mut self, key: &TableKey) {
        self.handles.remove(key);
    }

    /// Changes which files count. An error leaves it open whether the change was made; ask [`Self::load`].
    pub(crate) fn commit(
        &mut self,
        key: &TableKey,
        partition: &FieldName,
        change: &Change,
    ) -> Result<(), StoreError> {
        let mut handle = match self.handles.remove(key) {
            Some(handle) if handle.commits < COMMITS_PER_HANDLE => handle,
            _ => self.open_handle(key, partition, &change.fields)?,
        };
        let actions = self.actions(key, partition, &handle.state, change)?;
        // Looking for log files that are no longer needed means listing them all: now and then is enough.
        let tidies = Some(handle.commits == 0);
        let mut properties = CommitProperties::default().with_cleanup_expired_logs(tidies);
        if let Some(seq) = change.seq {
            let txn = Transaction::new(&self.store_id, seq.cast_signed());
            properties = properties.with_application_transaction(txn);
        }
        if let Some(made) = &change.made {
            let txn = Transaction::new(self.corrections_id(), made.number.cast_signed());
            properties = properties.with_application_transaction(txn);
        }
        let operation =
            DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None };
        let commit = CommitBuilder::from(properties).with_actions(actions).build(
            Some(&handle.state),
            Arc::clone(&handle.log),
            operation,
        );
        let done =
            self.runtime.block_on(commit.into_future()).map_err(|error| refused(key, error))?;
        handle.state = done.snapshot();
        handle.commits += 1;
        self.keep(key.clone(), handle);
        Ok(())
    }

    fn actions(
        &self,
        key: &TableKey,
        partition: &FieldName,
        state: &DeltaTableState,
        change: &Change,
    ) -> Result<Vec<Action>, StoreError> {
        let now = self.clock.now().millis();
        let data_change = change.data_changes;
        let mut actions = Vec::new();
        let mut schema: Vec<StructField> = state.schema().fields().cloned().collect();
        let before = schema.clone();
        for (name, kind) in &change.fields {
            if state.schema().field(&**name).is_none() {
                schema.push(StructField::nullable(&**name, delta_type(kind)));
            }
        }
        if let Some(edit) = change.made.as_ref().and_then(|made| made.edit.as_ref()) {
            schema = schema.into_iter().filter_map(|field| corrected(field, edit)).collect();
        }
        if schema != before {
            let schema = StructType::try_new(schema).map_err(|error| refused(key, error))?;
            let metadata = state.metadata().clone().with_schema(&schema);
            actions.push(Action::Metadata(metadata.map_err(|error| refused(key, error))?));
        }
        for file in &change.remove {
            actions.push(Action::Remove(Remove {
                path: last_name(file.path()).to_owned(),
                data_change,
                deletion_timestamp: Some(now),
                size: Some(file.size.cast_signed()),
                ..Remove::default()
            }));
        }
        for facts in &change.add {
            actions.push(Action::Add(add(facts, partition, now, data_change)?));
        }
        Ok(actions)
    }

    fn reopen(&mut self, key: &TableKey) -> Result<&Handle, StoreError> {
        let log = self.log(key)?;
        let state = self
            .runtime
            .block_on(DeltaTableState::try_new(&*log, None))
            .map_err(|error| refused(key, error))?;
        self.keep(key.clone(), Handle { log, state, commits: 0, used: 0 });
        Ok(&self.handles[key])
    }

    fn open_handle(
        &mut self,
        key: &TableKey,
        partition: &FieldName,
        fields: &Fields,
    ) -> Result<Handle, StoreError> {
        let log = self.log(key)?;
        let exists = self
            .runtime
            .block_on(log.is_delta_table_location())
            .map_err(|error| refused(key, error))?;
        if exists {
            self.refuse_damaged(key)?;
        } else {
            self.create(key, partition, fields, Arc::clone(&log))?;
        }
        let state = self
            .runtime
            .block_on(DeltaTableState::try_new(&*log, None))
            .map_err(|error| refused(key, error))?;
        Ok(Handle { log, state, commits: 0, used: 0 })
    }

    fn create(
        &self,
        key: &TableKey,
        partition: &FieldName,
        fields: &Fields,
        log: LogStoreRef,
    ) -> Result<(), StoreError> {
        let mut columns = vec![
            StructField::not_null(TIME, DataType::TIMESTAMP),
            StructField::nullable(partition.as_str(), DataType::STRING),
        ];
        let others = fields.iter().filter(|(name, _)| ***name != *partition.as_str());
        columns.extend(others.map(|(name, kind)| StructField::nullable(&**name, delta_type(kind))));
        let skipping = format!("{TIME},`{partition}`");
        let create = CreateBuilder::new()
            .with_log_store(log)
            .with_table_name(format!("{}/{}", key.0, key.1))
            .with_columns(columns)
            .with_raise_if_key_not_exists(false)
            .with_configuration([
                ("delta.dataSkippingStatsColumns", Some(skipping.as_str())),
                ("delta.checkpointInterval", Some("50")),
                (PARTITION, Some(partition.as_str())),
            ]);
        self.runtime.block_on(create.into_future()).map_err(|error| refused(key, error))?;
        Ok(())
    }

    fn log(&self, key: &TableKey) -> Result<LogStoreRef, StoreError> {
        // For a `file` the library would look at the machine's own disk; this scheme leaves all of it to the store given.
        let url = Url::parse(&format!("memory:///{}/{}", key.0, key.1))
            .map_err(|error| refused(key, error))?;
        DeltaTableBuilder::from_url(url.clone())
            .and_then(|builder| {
                builder.with_storage_backend(Arc::clone(&self.files) as _, url).build_storage()
            })
            .map_err(|error| refused(key, error))
    }

    fn keep(&mut self, key: TableKey, mut handle: Handle) {
        self.uses += 1;
        handle.used = self.uses;
        if self.handles.len() >= HANDLES && !self.handles.contains_key(&key) {
            let oldest = self.handles.iter().min_by_key(|(_, handle)| handle.used);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.handles.remove(&oldest);
            }
        }
        self.handles.insert(key, handle);
    }

    /// Files of ours in a table's folder that the table does not name: written and never committed, or replaced. What
    /// others put there is not ours to judge.
    pub(crate) fn leftovers(
        &self,
        key: &TableKey,
        files: &[Arc<DataFile>],
    ) -> Result<Vec<PathBuf>, StoreError> {
        let dir = self.dir(key);
        let paths = self.disk.list(&dir).map_err(|error| StoreError::io("list", &dir, error))?;
        let is_leftover = |path: &PathBuf| {
            let is_part = part_seq(path).is_some();
            is_part && !files.iter().any(|file| file.path() == path) || is_unfinished(path)
        };
        Ok(paths.into_iter().filter(is_leftover).collect())
    }

    /// Deletes such a file.
    pub(crate) fn remove_leftover(&self, path: &Path) -> Result<(), StoreError> {
        self.disk.remove(path).map_err(|error| StoreError::io("remove", path, error))?;
        tracing::info!(file = %shown(path), "deleted a file that was left over: no commit names it");
        Ok(())
    }

    /// The highest record of which a table's folder has a file, whatever the table's log says.
    pub(crate) fn highest_part(&self, key: &TableKey) -> Result<u64, StoreError> {
        let dir = self.dir(key);
        let paths = self.disk.list(&dir).map_err(|error| StoreError::io("list", &dir, error))?;
        Ok(paths.iter().filter_map(|path| part_seq(path)).max().unwrap_or(0))
    }
}

/// The highest record in a file of ours, by its name: `part-<20 digits>-<32 hexadecimal digits>.parquet`.
pub(crate) fn part_seq(path: &Path) -> Option<u64> {
    let name = last_name(path).strip_prefix("part-")?.strip_suffix(".parquet")?;
    let (seq, id) = name.split_once('-')?;
    let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_seq = seq.len() == 20 && seq.bytes().all(|byte| byte.is_ascii_digit());
    (is_id && is_seq).then(|| seq.parse().ok())?
}

/// Whether a file in a table's folder is one that we began to write and never finished.
pub(crate) fn is_unfinished(path: &Path) -> bool {
    last_name(path).strip_suffix(UNFINISHED).is_some_and(|name| name == dropped::MARKER)
}

fn last_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or("")
}

fn is_commit(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "json" || ending == "parquet")
}

fn refused(key: &TableKey, error: impl std::fmt::Display) -> StoreError {
    StoreError::Lake { table: format!("{}/{}", key.0, key.1), reason: error.to_string() }
}

fn delta_type(kind: &ArrowType) -> DataType {
    match kind {
        ArrowType::Int64 => DataType::LONG,
        ArrowType::Boolean => DataType::BOOLEAN,
        ArrowType::Utf8View => DataType::STRING,
        _ => DataType::DOUBLE,
    }
}

fn arrow_type(kind: &DataType) -> ArrowType {
    match kind {
        DataType::Primitive(PrimitiveType::Long) => ArrowType::Int64,
        DataType::Primitive(PrimitiveType::Boolean) => ArrowType::Boolean,
        DataType::Primitive(PrimitiveType::String) => ArrowType::Utf8View,
        _ => ArrowType::Float64,
    }
}

/// What a correction makes of a field; nothing when it goes.
fn corrected(field: StructField, edit: &Edit) -> Option<StructField> {
    if field.name() == TIME {
        return Some(field);
    }
    let before = arrow_type(field.data_type());
    let (name, kind) = edit.of_field(field.name(), &before)?;
    let same = *name == **field.name() && kind == before;
    Some(if same { field } else { StructField::nullable(&*name, delta_type(&kind)) })
}

pub(crate) fn fields_of(schema: &StructType) -> Fields {
    let others = schema.fields().filter(|field| field.name() != TIME);
    others.map(|field| (field.name().as_str().into(), arrow_type(field.data_type()))).collect()
}

/// A file's facts as they stand in its tag.
#[derive(serde::Serialize, serde::Deserialize)]
struct TaggedFacts {
    rows: u64,
    min_time: i64,
    max_time: i64,
    min_partition: Option<Box<str>>,
    max_partition: Option<Box<str>>,
    partition_nulls: u64,
    seq: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crc: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tail: Option<u32>,
}

fn add(
    facts: &FileFacts,
    partition: &FieldName,
    now: i64,
    data_change: bool,
) -> Result<Add, StoreError> {
    let tagged = TaggedFacts {
        rows: facts.rows,
        min_time: facts.min_time,
        max_time: facts.max_time,
        min_partition: facts.min_partition.clone(),
        max_partition: facts.max_partition.clone(),
        partition_nulls: facts.partition_nulls,
        seq: facts.seq,
        crc: facts.crc,
        tail: facts.tail,
    };
    let tag = serde_json::to_string(&tagged)
        .map_err(|error| StoreError::io("describe", &facts.path, error.into()))?;
    Ok(Add {
        path: last_name(&facts.path).to_owned(),
        size: facts.size.cast_signed(),
        modification_time: now,
        data_change,
        stats: Some(statistics(facts, partition)),
        tags: Some(HashMap::from([(FACTS.to_owned(), Some(tag))])),
        ..Add::default()
    })
}

/// The statistics as other readers of the table know them.
fn statistics(facts: &FileFacts, partition: &FieldName) -> String {
    let bounds = |time: i64, text: Option<&str>| {
        let mut bounds = serde_json::Map::new();
        if let Some(time) = written_time(time) {
            bounds.insert(TIME.to_owned(), time.into());
        }
        if let Some(text) = text {
            bounds.insert(partition.to_string(), text.into());
        }
        bounds
    };
    serde_json::json!({
        "numRecords": facts.rows,
        "minValues": bounds(facts.min_time, facts.min_partition.as_deref()),
        "maxValues": bounds(facts.max_time, facts.max_partition.as_deref()),
        "nullCount": { TIME: 0, partition.as_str(): facts.partition_nulls },
    })
    .to_string()
}

/// A time to the microsecond; `None` for years that the format cannot write.
fn written_time(micros: i64) -> Option<String> {
    let time = DateTime::from_timestamp_micros(micros)?;
    (0..=9999).contains(&time.year()).then(|| time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string())
}

/// What a commit says of a file.
pub(crate) fn facts_of(add: &Add, dir: &Path) -> FileFacts {
    let tag = add.tags.as_ref().and_then(|tags| tags.get(FACTS)?.as_deref());
    let tagged = tag.and_then(|tag| serde_json::from_str(tag).ok()).unwrap_or_else(|| {
        // Another program's file: it may hold anything.
        let stats = add.stats.as_deref().and_then(|stats| serde_json::from_str(stats).ok());
        let stats: serde_json::Value = stats.unwrap_or_default();
        TaggedFacts {
            rows: stats["numRecords"].as_u64().unwrap_or(1),
            min_time: i64::MIN,
            max_time: i64::MAX,
            min_partition: Some("".into()),
            max_partition: Some("\u{10ffff}".into()),
            partition_nulls: 1,
            seq: 0,
            crc: None,
            tail: None,
        }
    });
    FileFacts {
        path: dir.join(&add.path),
        size: add.size.cast_unsigned(),
        rows: tagged.rows,
        min_time: tagged.min_time,
        max_time: tagged.max_time,
        min_partition: tagged.min_partition,
        max_partition: tagged.max_partition,
        partition_nulls: tagged.partition_nulls,
        seq: tagged.seq,
        crc: tagged.crc,
        tail: tagged.tail,
    }
}
