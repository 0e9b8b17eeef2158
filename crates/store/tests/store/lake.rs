//! What lies on the disk is an open format: any Delta reader finds the rows.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use deltalake_core::kernel::DataType;
use iobeam_journal::RealDisk;
use iobeam_model::{Batch, Column, NamespaceName, SystemClock, Values};
use iobeam_store::{Settings, Store};
use iobeam_testkit::Fault;
use url::Url;

use crate::rig::{Rig, Rows, batch, name, one, project, read, rows, settings};

fn with_more(device: &str, time: i64) -> Batch {
    let column = |text: &str, values| Column::new(name(text), values, None).expect("a column");
    batch(device, &[time], 1.0)
        .with_column(column("count", Values::Long(vec![i64::MIN])))
        .and_then(|batch| batch.with_column(column("on", Values::Boolean(vec![true]))))
        .and_then(|batch| {
            batch.with_column(column("note", Values::String(["warm"].into_iter().collect())))
        })
        .expect("a batch")
}

#[tokio::test]
async fn a_table_opens_with_a_stock_delta_reader_and_has_a_standard_schema() {
    let dir = tempfile::tempdir().expect("a folder");
    let open = || {
        let opened = Store::open(
            Settings::new(dir.path()),
            Arc::new(SystemClock::new()),
            Arc::new(RealDisk),
        );
        opened.expect("it opens").0
    };
    let store = open();
    store.write(one(batch("d1", &[1_700_000_000_123_456, 5], 1.0))).await.expect("stored");
    store.flush().await.expect("flushed");
    store.write(one(with_more("d2", i64::MAX))).await.expect("stored");
    store.flush().await.expect("flushed");
    let files = store.snapshot(project(), &NamespaceName::input()).files;
    store.close().await.expect("closed");

    let url = Url::from_directory_path(dir.path().join("lake/1/input")).expect("a folder");
    let table = deltalake_core::open_table(url).await.expect("a Delta table");
    let state = table.snapshot().expect("loaded");
    let schema: Vec<_> = state
        .schema()
        .fields()
        .map(|field| (field.name().clone(), field.data_type().clone(), field.is_nullable()))
        .collect();
    assert_eq!(
        schema,
        [
            ("time".to_owned(), DataType::TIMESTAMP, false),
            ("device_id".to_owned(), DataType::STRING, true),
            ("value".to_owned(), DataType::DOUBLE, true),
            ("count".to_owned(), DataType::LONG, true),
            ("note".to_owned(), DataType::STRING, true),
            ("on".to_owned(), DataType::BOOLEAN, true),
        ]
    );
    let mut views: Vec<_> = state.log_data().iter().collect();
    views.sort_by_key(|view| view.path().into_owned());
    assert_eq!(
        views.iter().map(deltalake_core::kernel::LogicalFileView::num_records).collect::<Vec<_>>(),
        [Some(2), Some(1)]
    );
    let told = views[0].stats().expect("statistics");
    assert!(told.contains("2023-11-14T22:13:20.123456Z"), "to the microsecond: {told}");
    assert!(told.contains("\"d1\""), "{told}");
    let ours: Vec<_> =
        files.iter().map(|file| file.path().file_name().expect("a name").to_owned()).collect();
    assert!(views.iter().all(|view| ours.iter().any(|name| name.to_str() == Some(&*view.path()))));

    let store = open();
    let rows = store.snapshot(project(), &NamespaceName::input()).rows();
    assert_eq!(rows, 3);
}

#[tokio::test]
async fn files_are_sorted_by_partition_and_time_and_their_facts_are_exact_after_reopening() {
    let mut rig = Rig::new(1);
    for (device, times) in [("b", [5, -7]), ("a", [9, i64::MIN]), ("b", [5, 1])] {
        rig.stored(one(batch(device, &times, 1.0))).await;
    }
    rig.store().flush().await.expect("flushed");
    for _ in 0..2 {
        let files = rig.snapshot().files;
        let file = &files[0];
        assert_eq!((files.len(), file.rows, file.min_time, file.max_time), (1, 6, i64::MIN, 9));
        assert_eq!(
            (file.min_partition.as_deref(), file.max_partition.as_deref()),
            (Some("a"), Some("b"))
        );
        assert_eq!(file.size, rig.disk.bytes(file.path()).expect("there").len() as u64);
        let batches = read(&rig.disk, file.path());
        let times = batches[0]
            .column_by_name("time")
            .expect("times")
            .as_primitive::<TimestampMicrosecondType>();
        assert_eq!(times.values().to_vec(), [i64::MIN, 9, -7, 1, 5, 5]);
        rig.open();
    }
}

#[tokio::test]
async fn a_hundred_and_twenty_commits_with_checkpoints_reopen_with_every_row_once() {
    let mut rig = Rig::new(2);
    for time in 0..120 {
        rig.stored(one(batch("d", &[time], 1.0))).await;
        rig.store().flush().await.expect("flushed");
    }
    let checkpoints = rig
        .disk
        .files()
        .iter()
        .filter(|path| path.to_string_lossy().contains(".checkpoint."))
        .count();
    assert!(checkpoints >= 1, "{checkpoints} checkpoints");
    // To this disk all files are from 1970.
    let commits =
        rig.disk.files().into_iter().filter(|path| path.extension().is_some_and(|e| e == "json"));
    assert!(commits.count() < 100, "the log is never tidied");
    rig.cut();
    assert_eq!((rig.snapshot().rows(), rig.rows().len()), (120, 120));
}

#[tokio::test]
async fn a_table_on_a_real_disk_goes_on_after_its_first_checkpoints() {
    let dir = tempfile::tempdir().expect("a folder");
    let open = || {
        let (clock, disk) = (Arc::new(SystemClock::new()), Arc::new(RealDisk));
        Store::open(Settings::new(dir.path()), clock, disk).expect("it opens").0
    };
    let store = open();
    for time in 0..110 {
        store.write(one(batch("d", &[time], 1.0))).await.expect("stored");
        store.flush().await.expect("flushed");
    }
    assert!(dir.path().join("lake/1/input/_delta_log/_last_checkpoint").is_file());
    store.close().await.expect("closed");
    let store = open();
    assert_eq!(store.snapshot(project(), &NamespaceName::input()).rows(), 110);
    store.write(one(batch("d", &[110], 1.0))).await.expect("stored");
    store.flush().await.expect("flushed");
    store.close().await.expect("closed");
}

#[tokio::test]
async fn files_that_no_commit_names_are_swept_up_at_the_start() {
    let mut rig = Rig::new(3);
    rig.stored(one(batch("d", &[1], 1.0))).await;
    rig.store().flush().await.expect("flushed");
    rig.store = None;
    let ours = "part-00000000000000000009-d8b89ca9aea44e029874b7852fbf626d.parquet";
    // As other writers of such tables name their files, and the name of a file that people keep there.
    let others = [
        "part-00000-8d2a1f6e-7b0c-4a7e-9d4c-3f7a2b1c0d9e-c000.snappy.parquet",
        "part-00000000000000000009-x.parquet",
        "mine.parquet",
        "mine.tmp",
    ];
    let path = |name: &str| -> std::path::PathBuf { format!("/store/lake/1/input/{name}").into() };
    for name in others.iter().chain([&ours]) {
        rig.disk.put(&path(name), vec![1, 2]);
    }
    rig.open();
    assert_eq!((rig.opened.leftovers, rig.snapshot().rows()), (1, 1));
    assert!(rig.disk.bytes(&path(ours)).is_none(), "it was left over");
    for name in others {
        assert!(rig.disk.bytes(&path(name)).is_some(), "{name} is not ours");
    }
}

/// Waits until so many merges are done.
async fn merged(rig: &Rig, at_least: u64) {
    rig.until("merges", |rig| rig.store().statistics().compactions >= at_least).await;
    rig.settled().await;
}

async fn eight_files(rig: &Rig) -> Rows {
    let mut all = Rows::new();
    for round in 0..8i64 {
        let device = if round % 2 == 0 { "even" } else { "odd" };
        for times in [[round, 100 - round], [i64::MAX - round, i64::MIN + round]] {
            rig.stored(one(batch(device, &times, round as f64))).await;
            for time in times {
                *all.entry((device.to_owned(), time, (round as f64).to_bits())).or_default() += 1;
            }
        }
        rig.store().flush().await.expect("flushed");
    }
    all
}

#[tokio::test]
async fn small_files_become_one_that_is_sorted_and_whose_facts_are_exact() {
    let mut rig = Rig::with(4, Settings { row_group_rows: 5, ..settings() });
    let all = eight_files(&rig).await;
    merged(&rig, 1).await;
    for _ in 0..2 {
        assert_eq!(rig.rows(), all);
        let files = rig.snapshot().files;
        let file = &files[0];
        assert_eq!(
            (files.len(), file.rows, file.min_time, file.max_time),
            (1, 32, i64::MIN, i64::MAX)
        );
        assert_eq!(
            (file.min_partition.as_deref(), file.max_partition.as_deref()),
            (Some("even"), Some("odd"))
        );
        assert_eq!(file.size, rig.disk.bytes(file.path()).expect("there").len() as u64);
        let keys: Vec<_> = read(&rig.disk, file.path()).iter().flat_map(keys).collect();
        assert!(keys.is_sorted(), "{keys:?}");
        assert_eq!(parquet_files(&rig), 1, "the small ones are gone");
        rig.cut();
    }
}

fn keys(rows: &RecordBatch) -> Vec<(String, i64)> {
    let devices = rows.column_by_name("device_id").expect("devices").as_string_view();
    let times =
        rows.column_by_name("time").expect("times").as_primitive::<TimestampMicrosecondType>();
    devices
        .iter()
        .zip(times.values())
        .map(|(device, time)| (device.unwrap_or("").to_owned(), *time))
        .collect()
}

fn parquet_files(rig: &Rig) -> usize {
    let files = rig.disk.files();
    files.iter().filter(|path| path.to_string_lossy().contains("/part-")).count()
}

#[tokio::test]
async fn a_merged_file_stays_as_long_as_a_snapshot_names_it() {
    let rig = Rig::new(5);
    rig.stored(one(batch("d", &[1], 1.0))).await;
    rig.store().flush().await.expect("flushed");
    let early = rig.snapshot();
    let _ = eight_files(&rig).await;
    merged(&rig, 1).await;
    let path = early.files[0].path().to_owned();
    assert_eq!(rows(&rig.disk, &early).len(), 1, "it can still be read");
    let later = rig.snapshot();
    assert!(later.files.iter().all(|file| file.path() != path), "nobody new is told of it");
    drop(early);
    assert!(rig.disk.bytes(&path).is_none(), "it is gone with its last reader");
    assert_eq!(later.rows(), 33);
}

#[tokio::test]
async fn files_of_columns_that_differ_merge_and_rows_of_missing_devices_too() {
    let rig = Rig::with(6, Settings { merge_files: 2, ..settings() });
    rig.stored(one(with_more("d2", 7))).await;
    rig.store().flush().await.expect("flushed");
    let bare = Batch::new(NamespaceName::input(), vec![3], vec![]).expect("a batch");
    rig.stored(one(bare)).await;
    rig.store().flush().await.expect("flushed");
    merged(&rig, 1).await;
    let snapshot = rig.snapshot();
    let batches = read(&rig.disk, snapshot.files[0].path());
    let rows = &batches[0];
    assert_eq!(
        (snapshot.files.len(), rows.num_rows(), snapshot.files[0].partition_nulls),
        (1, 2, 1)
    );
    assert_eq!(keys(rows), [(String::new(), 3), ("d2".to_owned(), 7)]);
    let counts = rows.column_by_name("count").expect("counts").as_primitive::<Int64Type>();
    assert!(counts.is_null(0) && counts.value(1) == i64::MIN);
}

/// The eighth flush, and the merge that follows it, with something happening after so many steps.
async fn merge_with(step: u64, happens: impl FnOnce(&mut Rig)) -> bool {
    let mut rig = Rig::new(step);
    let mut all = Rows::new();
    for round in 0..8 {
        rig.stored(one(batch("d", &[round, 100 - round], 1.0))).await;
        for time in [round, 100 - round] {
            all.insert(("d".to_owned(), time, 1.0f64.to_bits()), 1);
        }
        if round < 7 {
            rig.store().flush().await.expect("flushed");
        }
    }
    let start = rig.disk.steps();
    let store = rig.store().clone();
    let fail = Fault::Io;
    if step % 2 == 1 {
        rig.disk.fail_any(step, fail);
    }
    let flushing = tokio::spawn(async move { store.flush().await });
    // Until the flush and the merge are done or have failed, or the step is reached.
    let mut quiet = 0;
    let mut last = start;
    while quiet < 100 && (step % 2 == 1 || rig.disk.steps() < start + step) {
        tokio::time::sleep(Duration::from_micros(500)).await;
        let merged = rig.store().statistics().compactions > 0;
        let still = rig.disk.steps() == last && flushing.is_finished();
        quiet = if still { quiet + 1 + 100 * u64::from(merged) } else { 0 };
        last = rig.disk.steps();
    }
    happens(&mut rig);
    let _ = flushing.await;
    assert_eq!(rig.rows(), all, "step {step}");
    rig.disk.heal();
    rig.open();
    assert_eq!(rig.rows(), all, "step {step}, and reopened");
    rig.store().flush().await.expect("flushed at last");
    assert_eq!(rig.rows(), all, "step {step}, and flushed");
    quiet >= 100 && last - start < step
}

#[tokio::test]
async fn a_power_cut_at_any_step_of_a_merge_loses_and_doubles_nothing() {
    for step in (0..).step_by(4) {
        if merge_with(step, Rig::cut).await {
            assert!(step > 40, "a flush and a merge have more steps than {step}");
            return;
        }
    }
}

#[tokio::test]
async fn an_error_at_any_step_of_a_merge_loses_and_doubles_nothing() {
    for step in (1..).step_by(4) {
        if merge_with(step, |_| ()).await {
            assert!(step > 40, "a flush and a merge have more steps than {step}");
            return;
        }
    }
}

#[tokio::test]
async fn retention_gives_up_old_files_at_once_and_old_rows_when_files_merge() {
    let mut rig = Rig::with(7, Settings { merge_files: 3, ..settings() });
    let keep_from = iobeam_model::Timestamp::from_micros(100);
    for times in [[1, 2], [50, 150]] {
        rig.stored(one(batch("d", &times, 1.0))).await;
        rig.store().flush().await.expect("flushed");
    }
    rig.store().retain(project(), &NamespaceName::input(), keep_from).await.expect("retained");
    assert_eq!((rig.snapshot().files.len(), rig.snapshot().rows()), (1, 2));
    for times in [vec![200, 201], vec![99, 202, 203]] {
        rig.stored(one(batch("d", &times, 1.0))).await;
        rig.store().flush().await.expect("flushed");
    }
    merged(&rig, 1).await;
    let left: Vec<i64> = rig.rows().into_keys().map(|(_, time, _)| time).collect();
    assert_eq!(left, [150, 200, 201, 202, 203]);
    rig.cut();
    assert_eq!((rig.snapshot().rows(), rig.snapshot().files[0].min_time), (5, 150));
}
