//! What is in memory: for each namespace its files and the rows that no file holds yet, published as views that
//! never change.
//!
//! ```text
//!   insert ─▶ active [c c c C C]  ─ seal ─▶ sealed [ ... ]  ─ flushed ─▶ files [f f f]
//!                └ sixteen chunks of one size merge into one
//!   each step ends with publish ─▶ View { files, sealed + active }
//! ```
//!
//! The writer alone holds a [`Memtable`]; everybody else reads [`Tables`]. `flushed` removes the sealed rows and adds
//! their file in one publish, so that no view has them twice or not at all.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::datatypes::DataType;
use iobeam_model::FieldName;
use parking_lot::RwLock;

use arrow::record_batch::RecordBatch;

use crate::chunk;
use crate::edit::Edit;
use crate::error::StoreError;
use crate::follow::{Lines, Shown};
use crate::lake::delta::{Fields, TableKey};
use crate::recent::{Allowance, Node};
use crate::snapshot::last::{LastRows, Room};
use crate::snapshot::{Chunk, DataFile, Snapshot};
use crate::views::{Slot, SnapshotRegistry};

/// So many chunks of about one size merge into one.
const FAN_IN: usize = 16;

/// Chunks from this many rows on stay as they are.
const LARGE: usize = 8192;

/// About what a node takes beside its rows.
const NODE: usize = 256;

/// The tables as queries see them.
#[derive(Debug)]
pub(crate) struct Tables {
    views: SnapshotRegistry<TableKey, Snapshot>,
    lines: Lines,
    room: Arc<Room>,
    /// Tables that show their rows and take no more in, and why.
    refusing: RwLock<HashMap<TableKey, StoreError>>,
}

impl Tables {
    /// None yet. Last rows may take so many bytes.
    pub(crate) fn new(last_value_cache_bytes: u64) -> Self {
        let (views, lines, refusing) =
            (SnapshotRegistry::default(), Lines::default(), RwLock::default());
        Self { views, lines, room: Room::new(last_value_cache_bytes), refusing }
    }

    /// What a table holds now; nothing when there is none.
    pub(crate) fn snapshot(&self, key: &TableKey) -> Snapshot {
        self.views.view(key).unwrap_or_else(empty)
    }

    /// What a table shows to those who follow it.
    pub(crate) fn line(&self, key: &TableKey) -> Arc<Shown> {
        self.lines.of(key)
    }

    /// A table is no more as of that record. Who holds a snapshot of it keeps that; who follows it finds a gap.
    pub(crate) fn remove(&self, key: &TableKey, seq: u64) {
        self.views.remove(key);
        self.refusing.write().remove(key);
        self.lines.of(key).show(&Node::begin(seq));
    }

    /// Nothing is known of a table, for that reason.
    pub(crate) fn fail(&self, key: &TableKey, fault: StoreError) {
        self.views.add(key, Snapshot { fault: Some(fault), ..empty() });
    }

    /// Nothing is taken in for a table, for that reason; or it is again.
    pub(crate) fn refuse(&self, key: &TableKey, fault: Option<StoreError>) {
        match fault {
            Some(fault) => drop(self.refusing.write().insert(key.clone(), fault)),
            None => drop(self.refusing.write().remove(key)),
        }
    }

    /// Why nothing is taken in for a table that shows its rows.
    pub(crate) fn refusal(&self, key: &TableKey) -> Option<StoreError> {
        self.refusing.read().get(key).cloned()
    }

    /// How many tables show their rows and take no more in.
    pub(crate) fn refusing(&self) -> usize {
        self.refusing.read().len()
    }

    /// The tables for which nothing is taken in, and why.
    pub(crate) fn out_of_service(&self) -> BTreeMap<TableKey, StoreError> {
        let faults = self.all().into_iter().filter_map(|(key, view)| Some((key, view.fault?)));
        faults.chain(self.refusing.read().clone()).collect()
    }

    /// Every table as it is now.
    pub(crate) fn all(&self) -> Vec<(TableKey, Snapshot)> {
        self.views.all()
    }
}

/// What a table shows of which nothing is known.
fn empty() -> Snapshot {
    Snapshot {
        files: Arc::from([]),
        chunks: Arc::from([]),
        seq: 0,
        keep_from: i64::MIN,
        fault: None,
        last: None,
    }
}

/// Rows that are on their way into a file.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    /// Whose they are.
    pub(crate) key: TableKey,
    /// The field they are sorted by first.
    pub(crate) partition: FieldName,
    /// The rows.
    pub(crate) chunks: Vec<Arc<Chunk>>,
    /// All records up to this one that concern the table are in these rows or in files.
    pub(crate) seq: u64,
}

/// One table as the writer holds it.
#[derive(Debug)]
pub(crate) struct Memtable {
    key: TableKey,
    partition: FieldName,
    fields: Fields,
    files: Arc<[Arc<DataFile>]>,
    sealed: Option<Sealed>,
    active: Vec<Arc<Chunk>>,
    active_weight: usize,
    sealed_weight: usize,
    /// The first record of the active rows, and of those that are sealed.
    first_active: Option<u64>,
    first_sealed: Option<u64>,
    /// Monotonic time of the first active row, in milliseconds.
    since_millis: u64,
    last_seq: u64,
    /// Records up to this one are in files.
    flushed: u64,
    /// Rows before this time are not wanted any more.
    keep_from: i64,
    view: Arc<Slot<Snapshot>>,
    last: Arc<LastRows>,
    line: Arc<Shown>,
    /// The latest rows, shown or not yet.
    newest: Arc<Node<RecordBatch>>,
}

impl Memtable {
    /// A table with what is in files already.
    pub(crate) fn new(
        tables: &Tables,
        key: TableKey,
        partition: FieldName,
        keep_from: i64,
    ) -> Self {
        let room = Arc::clone(&tables.room);
        Self {
            view: tables.views.add(&key, empty()),
            line: tables.line(&key),
            newest: Node::begin(0),
            last: Arc::new(LastRows::new(partition.clone(), room)),
            key,
            partition,
            fields: Fields::new(),
            files: Arc::from([]),
            sealed: None,
            active: Vec::new(),
            active_weight: 0,
            sealed_weight: 0,
            first_active: None,
            first_sealed: None,
            since_millis: 0,
            last_seq: 0,
            flushed: 0,
            keep_from,
        }
    }

    /// What the lake holds of it.
    pub(crate) fn load(&mut self, fields: Fields, files: Arc<[Arc<DataFile>]>, flushed: u64) {
        self.fields = fields;
        self.files = files;
        self.flushed = flushed;
        self.last_seq = flushed;
        self.newest = Node::begin(flushed);
        self.publish();
    }

    /// Whether a record's rows are in files already.
    pub(crate) fn has_filed(&self, seq: u64) -> bool {
        seq <= self.flushed
    }

    /// Records up to this one are in files.
    pub(crate) fn filed(&self) -> u64 {
        self.flushed
    }

    /// A field that has another type than these rows say, with both types.
    pub(crate) fn misfit(&self, chunk: &Chunk) -> Option<(String, DataType, DataType)> {
        chunk.rows.schema_ref().fields()[1..].iter().find_map(|field| {
            let known = self.fields.get(field.name().as_str())?;
            let differs = known != field.data_type();
            differs.then(|| (field.name().clone(), known.clone(), field.data_type().clone()))
        })
    }

    /// Remembers the types of these rows' fields: they bind whoever comes next, in the same group even.
    pub(crate) fn declare(&mut self, chunk: &Chunk) {
        for field in &chunk.rows.schema_ref().fields()[1..] {
            if !self.fields.contains_key(field.name().as_str()) {
                self.fields.insert(field.name().as_str().into(), field.data_type().clone());
            }
        }
    }

    /// Takes rows in. They are seen once [`publish`](Self::publish) is called; those past the retention never are,
    /// and the answer is how many these were.
    pub(crate) fn insert(
        &mut self,
        chunk: Chunk,
        seq: u64,
        now_millis: u64,
        recent: &mut Allowance<RecordBatch>,
    ) -> usize {
        self.last_seq = seq;
        let rows = chunk.rows.num_rows();
        let Some(mut chunk) = chunk::since(chunk, self.keep_from) else {
            self.newest = Node::after(&self.newest, seq, None);
            recent.hold(&self.newest, NODE);
            return rows;
        };
        let expired = rows - chunk.rows.num_rows();
        chunk.seq = seq;
        if self.active.is_empty() {
            self.first_active = Some(seq);
            self.since_millis = now_millis;
        }
        let weight = chunk::weight(&chunk);
        self.active_weight += weight;
        self.newest = Node::after(&self.newest, seq, Some(chunk.rows.clone()));
        recent.hold(&self.newest, weight + NODE);
        self.active.push(Arc::new(chunk));
        self.merge_small();
        expired
    }

    /// Keeps the list short: a query pays for each chunk, and so does each publish.
    fn merge_small(&mut self) {
        loop {
            let level = |chunk: &Arc<Chunk>| chunk.rows.num_rows().max(1).ilog2() / FAN_IN.ilog2();
            let Some(last) = self.active.last() else { return };
            let alike = self
                .active
                .iter()
                .rev()
                .take(FAN_IN)
                .take_while(|chunk| level(chunk) <= level(last));
            if last.rows.num_rows() >= LARGE || alike.count() < FAN_IN {
                return;
            }
            let small = self.active.split_off(self.active.len() - FAN_IN);
            match chunk::merge(&small) {
                Ok(merged) => {
                    let before: usize = small.iter().map(|chunk| chunk::weight(chunk)).sum();
                    self.active_weight =
                        (self.active_weight + chunk::weight(&merged)).saturating_sub(before);
                    self.active.push(Arc::new(merged));
                }
                Err(error) => {
                    tracing::warn!(%error, "small chunks stay apart");
                    self.active.extend(small);
                    return;
                }
            }
        }
    }

    /// Shows queries what the table holds now.
    pub(crate) fn publish(&self) {
        let sealed = self.sealed.iter().flat_map(|sealed| &sealed.chunks);
        let wanted = |file: &&Arc<DataFile>| file.max_time >= self.keep_from;
        let files = if self.files.iter().all(|file| wanted(&file)) {
            Arc::clone(&self.files)
        } else {
            self.files.iter().filter(wanted).map(Arc::clone).collect()
        };
        self.view.show(Snapshot {
            fault: None,
            files,
            chunks: sealed.chain(&self.active).map(Arc::clone).collect(),
            seq: self.last_seq,
            keep_from: self.keep_from,
            last: Some(Arc::clone(&self.last)),
        });
        self.line.show(&self.newest);
    }

    /// Rows before this time are not wanted any more: from now on no view shows them.
    pub(crate) fn retain(&mut self, keep_from: i64) {
        self.keep_from = keep_from;
        let since = |chunks: &[Arc<Chunk>]| -> Vec<Arc<Chunk>> {
            chunks.iter().filter_map(|chunk| chunk::shared_since(chunk, keep_from)).collect()
        };
        let weigh = |chunks: &[Arc<Chunk>]| chunks.iter().map(|chunk| chunk::weight(chunk)).sum();
        self.active = since(&self.active);
        self.active_weight = weigh(&self.active);
        if self.active.is_empty() {
            // The journal need not remember them either.
            self.first_active = None;
        }
        if let Some(sealed) = &mut self.sealed {
            sealed.chunks = since(&sealed.chunks);
            self.sealed_weight = weigh(&sealed.chunks);
        }
        self.publish();
    }

    /// A correction was made: these are the files now. Whoever follows the table finds a gap, as rows that it was
    /// shown may be others now.
    pub(crate) fn corrected(&mut self, files: Arc<[Arc<DataFile>]>, edit: &Edit) {
        self.files = files;
        let fields = std::mem::take(&mut self.fields);
        self.fields =
            fields.into_iter().filter_map(|(name, kind)| edit.of_field(&name, &kind)).collect();
        self.newest = Node::begin(self.last_seq);
        self.publish();
    }

    /// Its files.
    pub(crate) fn files(&self) -> Arc<[Arc<DataFile>]> {
        Arc::clone(&self.files)
    }

    /// Whether rows have a field of that name.
    pub(crate) fn has_field(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    /// Which table it is.
    pub(crate) fn key(&self) -> &TableKey {
        &self.key
    }

    /// The field it is partitioned by.
    pub(crate) fn partition(&self) -> &FieldName {
        &self.partition
    }

    /// Bytes that could be sealed.
    pub(crate) fn active_weight(&self) -> usize {
        self.active_weight
    }

    /// When the oldest row that could be sealed came, if there is one.
    pub(crate) fn active_since_millis(&self) -> Option<u64> {
        self.first_active.map(|_| self.since_millis)
    }

    /// Whether rows are on their way into a file.
    pub(crate) fn is_flushing(&self) -> bool {
        self.sealed.is_some()
    }

    /// Hands out the active rows for a file; `upto` is the last record that was applied to any table. Nothing while
    /// others are still on their way, or when there are none.
    pub(crate) fn seal(&mut self, upto: u64) -> Option<Sealed> {
        if self.sealed.is_some() || self.active.is_empty() {
            return None;
        }
        let sealed = Sealed {
            key: self.key.clone(),
            partition: self.partition.clone(),
            chunks: std::mem::take(&mut self.active),
            seq: upto,
        };
        self.sealed_weight = std::mem::take(&mut self.active_weight);
        self.first_sealed = self.first_active.take();
        self.sealed = Some(sealed.clone());
        Some(sealed)
    }

    /// The rows to flush once more, after a flush that failed.
    pub(crate) fn sealed(&self) -> Option<&Sealed> {
        self.sealed.as_ref()
    }

    /// The sealed rows are in a file now, the list of which is `files`.
    pub(crate) fn flushed(&mut self, files: Arc<[Arc<DataFile>]>) {
        self.files = files;
        self.first_sealed = None;
        self.sealed_weight = 0;
        if let Some(sealed) = self.sealed.take() {
            self.flushed = sealed.seq;
        }
        self.publish();
    }

    /// Files were merged or dropped; the rows in memory are as they were.
    pub(crate) fn refile(&mut self, files: Arc<[Arc<DataFile>]>) {
        self.files = files;
        self.publish();
    }

    /// The first record whose rows are in memory alone.
    pub(crate) fn first_unfiled(&self) -> Option<u64> {
        self.first_sealed.or(self.first_active)
    }

    /// Bytes of all rows in memory.
    pub(crate) fn weight(&self) -> usize {
        self.active_weight + self.sealed_weight
    }
}
