//! A store with rows in it, and an engine to ask.

use std::sync::Arc;

use futures::TryStreamExt;
use iobeam_journal::RealDisk;
use iobeam_model::{
    Batch, Bitmap, Column, FieldName, FieldType, NamespaceName, ProjectId, Texts, TimeFormat,
    Timestamp, Value, Values,
};
use iobeam_query::render::render;
use iobeam_query::{
    Answer, DataRequest, Engine, ExportRequest, Output, Param, QueryError, Scope, Settings, Table,
};
use iobeam_store::{Incoming, Store, Write};
use iobeam_testkit::TestClock;

/// A row: its time in microseconds, and the fields that have a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) time: i64,
    pub(crate) values: Vec<(&'static str, Value)>,
}

impl Row {
    pub(crate) fn new(time: i64, values: Vec<(&'static str, Value)>) -> Self {
        Self { time, values }
    }

    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(field, _)| *field == name).map(|(_, value)| value)
    }
}

/// The fields of `input` in these tests.
pub(crate) const FIELDS: [(&str, FieldType); 5] = [
    ("device_id", FieldType::String),
    ("temperature", FieldType::Double),
    ("count", FieldType::Long),
    ("ok", FieldType::Boolean),
    ("note", FieldType::String),
];

pub(crate) struct World {
    dir: tempfile::TempDir,
    stored: iobeam_store::Settings,
    pub(crate) store: Store,
    pub(crate) engine: Engine,
}

pub(crate) fn name<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().expect("a legal name")
}

pub(crate) fn project() -> ProjectId {
    ProjectId::new(7).expect("not zero")
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::of(|_| {}, change)
    }

    /// Row groups of few rows, files that are merged soon, and so many bytes for rows that were asked for lately.
    pub(crate) fn of_small_files(kept: u64) -> Self {
        let small = |store: &mut iobeam_store::Settings| {
            (store.row_group_rows, store.merge_files) = (7, 3);
        };
        Self::of(small, |settings| settings.row_cache_bytes = kept)
    }

    fn of(
        stored: impl FnOnce(&mut iobeam_store::Settings),
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mut store = iobeam_store::Settings::new(dir.path().join("store"));
        store.segment_bytes = 1 << 20;
        stored(&mut store);
        let stored = store.clone();
        let clock = Arc::new(TestClock::new());
        let (store, _) = Store::open(store, clock, Arc::new(RealDisk)).expect("a new store opens");
        let mut settings = Settings::new(dir.path().join("tmp"));
        settings.threads = 2;
        change(&mut settings);
        let engine = Engine::new(settings).expect("the engine starts");
        Self { dir, stored, store, engine }
    }

    /// The same world after its store was stopped and opened again.
    pub(crate) async fn reopened(self) -> Self {
        let Self { dir, stored, store, engine } = self;
        store.close().await.expect("closed");
        let clock = Arc::new(TestClock::new());
        let (store, _) =
            Store::open(stored.clone(), clock, Arc::new(RealDisk)).expect("it opens again");
        Self { dir, stored, store, engine }
    }

    /// Stores rows of a namespace as one batch.
    pub(crate) async fn write(
        &self,
        namespace: &str,
        partition: &str,
        rows: &[Row],
        kinds: &[(&str, FieldType)],
    ) {
        let batch = batch(namespace, rows, kinds);
        let incoming = Incoming { id: None, partition: name(partition), batch, encoded: None };
        let write = Write { project: project(), batches: vec![incoming], body_hash: None };
        self.store.write(write).await.expect("stored");
    }

    pub(crate) async fn add(&self, rows: &[Row]) {
        self.write("input", "device_id", rows, &FIELDS).await;
    }

    pub(crate) async fn flush(&self) {
        self.store.flush().await.expect("flushed");
    }

    pub(crate) fn table(&self) -> Table {
        self.table_of("input", "device_id", &FIELDS)
    }

    pub(crate) fn table_of(
        &self,
        namespace: &str,
        partition: &str,
        kinds: &[(&str, FieldType)],
    ) -> Table {
        let namespace: NamespaceName = name(namespace);
        Table {
            snapshot: self.store.snapshot(project(), &namespace),
            name: namespace,
            partition: name(partition),
            fields: kinds.iter().map(|(field, kind)| (name::<FieldName>(field), *kind)).collect(),
        }
    }

    pub(crate) async fn data(
        &self,
        field: Option<&str>,
        params: &[(&str, &str)],
    ) -> Result<Answer, QueryError> {
        self.engine.data(&self.table(), data_request(field, params)?).await
    }

    pub(crate) async fn data_text(&self, field: Option<&str>, params: &[(&str, &str)]) -> String {
        let request = data_request(field, params).expect("a sound request");
        let (output, format) = (request.output, request.time_format);
        text(self.engine.data(&self.table(), request).await.expect("an answer"), output, format)
            .await
    }

    pub(crate) async fn exports_text(
        &self,
        device: Option<&str>,
        series: Option<&str>,
        params: &[(&str, &str)],
    ) -> String {
        let request =
            ExportRequest::parse(device, series, &owned(params)).expect("a sound request");
        let (output, format) = (request.output, request.time_format);
        let answer =
            self.engine.exports(project(), &self.table(), request).await.expect("an answer");
        text(answer, output, format).await
    }

    pub(crate) async fn sql(&self, query: &str, params: Vec<Param>) -> Result<Answer, QueryError> {
        let scope = Scope { project: project(), tables: vec![self.table()] };
        self.engine.sql(scope, query, params, NOW).await
    }

    /// The reply to a query in JSON, or the error's text.
    pub(crate) async fn sql_text(&self, query: &str) -> String {
        match self.sql(query, Vec::new()).await {
            Ok(answer) => text(answer, Output::Json, TimeFormat::Usec).await,
            Err(error) => format!("error: {error}"),
        }
    }
}

/// The time of every question: 2026-11-22 12:00 UTC.
pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_795_348_800_000_000);

pub(crate) fn owned(params: &[(&str, &str)]) -> Vec<(String, String)> {
    params.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn data_request(
    field: Option<&str>,
    params: &[(&str, &str)],
) -> Result<DataRequest, QueryError> {
    DataRequest::parse(field, &owned(params), NOW)
}

pub(crate) async fn bytes(answer: Answer, output: Output, format: TimeFormat) -> Vec<u8> {
    let pieces: Vec<_> = render(answer, output, format)
        .expect("a form")
        .leave()
        .try_collect()
        .await
        .expect("rendered");
    pieces.concat()
}

pub(crate) async fn text(answer: Answer, output: Output, format: TimeFormat) -> String {
    String::from_utf8(bytes(answer, output, format).await).expect("text")
}

/// Rows as a batch. A field that no row has is left out.
fn batch(namespace: &str, rows: &[Row], kinds: &[(&str, FieldType)]) -> Batch {
    let times = rows.iter().map(|row| row.time).collect();
    let columns = kinds
        .iter()
        .filter(|(field, _)| rows.iter().any(|row| row.value(field).is_some()))
        .map(|(field, kind)| column(field, *kind, rows))
        .collect();
    Batch::new(name(namespace), times, columns).expect("a sound batch")
}

fn column(field: &str, kind: FieldType, rows: &[Row]) -> Column {
    let mut present = Bitmap::new();
    let mut values = match kind {
        FieldType::Double => Values::Double(Vec::new()),
        FieldType::Long => Values::Long(Vec::new()),
        FieldType::Boolean => Values::Boolean(Vec::new()),
        FieldType::String => Values::String(Texts::new()),
    };
    for row in rows {
        let value = row.value(field);
        present.push(value.is_some());
        match (&mut values, value) {
            (Values::Double(all), Some(Value::Double(it))) => all.push(*it),
            (Values::Double(all), _) => all.push(0.0),
            (Values::Long(all), Some(Value::Long(it))) => all.push(*it),
            (Values::Long(all), _) => all.push(0),
            (Values::Boolean(all), Some(Value::Boolean(it))) => all.push(*it),
            (Values::Boolean(all), _) => all.push(false),
            (Values::String(all), Some(Value::String(it))) => all.push(it),
            (Values::String(all), _) => all.push_missing(),
        }
    }
    Column::new(name(field), values, Some(present)).expect("a sound column")
}
