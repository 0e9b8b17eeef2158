//! A store on a disk in memory, and ways to write to it and to see what is in it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{Float64Type, TimestampMicrosecondType};
use bytes::Bytes;
use iobeam_model::{
    Batch, BatchId, Column, FieldName, NamespaceName, ProjectId, Texts, Timestamp, Values,
};
use iobeam_store::{Incoming, Opened, Receipt, Settings, Snapshot, Store, StoreError, Write};
use iobeam_testkit::{FaultyDisk, TestClock};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// Rows as (device, time, value), each with how often it is there.
pub(crate) type Rows = BTreeMap<(String, i64, u64), usize>;

pub(crate) struct Rig {
    pub(crate) disk: FaultyDisk,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) settings: Settings,
    pub(crate) store: Option<Store>,
    pub(crate) opened: Opened,
}

pub(crate) fn settings() -> Settings {
    Settings {
        segment_bytes: 1 << 16,
        reserve_bytes: 4096,
        patience: Duration::from_millis(20),
        ..Settings::new("/store")
    }
}

impl Rig {
    pub(crate) fn new(seed: u64) -> Self {
        Self::with(seed, settings())
    }

    pub(crate) fn with(seed: u64, settings: Settings) -> Self {
        let mut rig = Self {
            disk: FaultyDisk::new(seed),
            clock: Arc::new(TestClock::new()),
            settings,
            store: None,
            opened: Opened::default(),
        };
        rig.open();
        rig
    }

    pub(crate) fn try_open(&mut self) -> Result<(), StoreError> {
        self.store = None;
        let (clock, disk) = (Arc::clone(&self.clock), Arc::new(self.disk.clone()));
        let (store, opened) = Store::open(self.settings.clone(), clock, disk)?;
        (self.store, self.opened) = (Some(store), opened);
        Ok(())
    }

    /// Opens the store, again if it is open.
    pub(crate) fn open(&mut self) {
        self.try_open().expect("the store opens");
    }

    /// Power is lost and comes back.
    pub(crate) fn cut(&mut self) {
        self.disk = self.disk.cut();
        self.open();
    }

    pub(crate) fn store(&self) -> &Store {
        self.store.as_ref().expect("the store is open")
    }

    pub(crate) async fn write(&self, write: Write) -> Result<Receipt, StoreError> {
        self.store().write(write).await
    }

    /// Stores; while rows are being deleted, which a start may go on with, it is tried again.
    pub(crate) async fn stored(&self, write: Write) -> Receipt {
        for _ in 0..1000 {
            match self.write(write.clone()).await {
                Err(StoreError::Deleting { .. }) => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                stored => return stored.expect("it is stored"),
            }
        }
        panic!("the deletion does not end");
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.store().snapshot(project(), &NamespaceName::input())
    }

    pub(crate) fn rows(&self) -> Rows {
        rows(&self.disk, &self.snapshot())
    }

    /// Waits for what is bound to happen, however slow the machine is.
    pub(crate) async fn until(&self, what: &str, happened: impl Fn(&Self) -> bool) {
        for _ in 0..6000 {
            if happened(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("in vain: {what}");
    }

    /// What the flusher has done so far is shown: this goes through it and the writer behind all that.
    pub(crate) async fn settled(&self) {
        let other = "another-table".parse().expect("a name");
        let all = Timestamp::from_micros(i64::MIN);
        self.store().retain(project(), &other, all).await.expect("nothing to do");
    }

    /// Time goes by, and the writer gets a chance to notice.
    pub(crate) async fn wait(&self, time: Duration) {
        self.clock.advance(time);
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
}

pub(crate) fn project() -> ProjectId {
    ProjectId::new(1).expect("positive")
}

pub(crate) fn batch(device: &str, times: &[i64], value: f64) -> Batch {
    batch_in(&NamespaceName::input(), device, times, value)
}

pub(crate) fn batch_in(table: &NamespaceName, device: &str, times: &[i64], value: f64) -> Batch {
    let rows = times.len();
    let device = Values::String(Texts::constant(device, rows));
    let columns = vec![
        Column::new(FieldName::device_id(), device, None).expect("texts"),
        Column::new(name("value"), Values::Double(vec![value; rows]), None).expect("numbers"),
    ];
    Batch::new(table.clone(), times.to_vec(), columns).expect("a batch")
}

pub(crate) fn name(text: &str) -> FieldName {
    text.parse().expect("a name")
}

pub(crate) fn incoming(batch: Batch, id: Option<BatchId>) -> Incoming {
    Incoming { id, partition: FieldName::device_id(), batch, encoded: None }
}

pub(crate) fn one(batch: Batch) -> Write {
    Write { project: project(), batches: vec![incoming(batch, None)], body_hash: None }
}

pub(crate) fn numbered(batch: Batch, stream: u8, counter: u64) -> Write {
    let id = BatchId { stream: [stream; 16], counter };
    Write { project: project(), batches: vec![incoming(batch, Some(id))], body_hash: None }
}

pub(crate) fn hashed(batch: Batch, hash: u128) -> Write {
    Write { body_hash: Some(hash), ..one(batch) }
}

/// All rows of a snapshot, read from files and memory.
pub(crate) fn rows(disk: &FaultyDisk, snapshot: &Snapshot) -> Rows {
    let mut rows = Rows::new();
    for file in &*snapshot.files {
        let before: usize = rows.values().sum();
        for batch in read(disk, file.path()) {
            count(&mut rows, &batch);
        }
        let read: usize = rows.values().sum::<usize>() - before;
        assert_eq!(read as u64, file.rows, "what is said of {}", file.path().display());
    }
    for chunk in &*snapshot.chunks {
        count(&mut rows, &chunk.rows);
    }
    rows
}

/// The batches of a Parquet file.
pub(crate) fn read(disk: &FaultyDisk, path: &Path) -> Vec<RecordBatch> {
    let bytes = Bytes::from(disk.bytes(path).expect("the file is there"));
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).expect("a Parquet file");
    let batches = reader.build().expect("readable").collect::<Result<Vec<_>, _>>();
    batches.expect("readable to its end")
}

pub(crate) fn count(rows: &mut Rows, batch: &RecordBatch) {
    let times = batch.column_by_name("time").expect("times");
    let times = times.as_primitive::<TimestampMicrosecondType>();
    let devices = batch.column_by_name("device_id").map(arrow::array::AsArray::as_string_view);
    let values =
        batch.column_by_name("value").map(arrow::array::AsArray::as_primitive::<Float64Type>);
    for row in 0..batch.num_rows() {
        let device = devices.filter(|devices| devices.is_valid(row)).map_or("", |d| d.value(row));
        let value =
            values.filter(|values| values.is_valid(row)).map_or(0, |v| v.value(row).to_bits());
        *rows.entry((device.to_owned(), times.value(row), value)).or_default() += 1;
    }
}

/// What a snapshot should show after these writes of (device, times, value).
pub(crate) fn expected<'a>(writes: impl IntoIterator<Item = (&'a str, &'a [i64], f64)>) -> Rows {
    let mut rows = Rows::new();
    for (device, times, value) in writes {
        for time in times {
            *rows.entry((device.to_owned(), *time, value.to_bits())).or_default() += 1;
        }
    }
    rows
}
