//! The Delta log of each table: which files count, which fields there are, and up to which journal record.
//!
//! ```text
//! commit { metadata when a field is new, add / remove files, txn { this store, highest Seq } }
//! open   ─▶ files with their facts, fields, Seq
//! ```
//!
//! - A commit is one file that is there as a whole or not at all; when it failed half-way, the log itself tells
//!   whether it counts.
//! - A handle grows slower with each commit and is made anew after some.

pub(crate) mod dropped;

pub(crate) mod verify;

mod entry;

mod folders;

mod schema;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use deltalake_core::DeltaTableBuilder;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake_core::kernel::{
    Action, DataType, MetadataExt as _, Remove, StructField, StructType, Transaction,
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
use crate::lake::files::SyncedFiles;
use crate::snapshot::{DataFile, FileFacts};

pub(crate) use entry::facts_of;
pub(crate) use folders::{is_unfinished, part_seq};
pub(crate) use schema::{Fields, fields_of};

use folders::last_name;
use schema::{corrected, delta_type};

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
            actions.push(Action::Add(entry::add(facts, partition, now, data_change)?));
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
}

fn refused(key: &TableKey, error: impl std::fmt::Display) -> StoreError {
    StoreError::Lake { table: format!("{}/{}", key.0, key.1), reason: error.to_string() }
}
