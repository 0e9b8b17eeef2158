//! What lies on the disk is an open format: any Delta reader finds the rows.

use std::sync::Arc;

use deltalake_core::kernel::DataType;
use iobeam_journal::RealDisk;
use iobeam_model::{Batch, Column, NamespaceName, SystemClock, Values};
use iobeam_store::{Settings, Store};
use url::Url;

use crate::rig::{Rig, batch, name, one, project, read};

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
    assert_eq!(views.iter().map(|view| view.num_records()).collect::<Vec<_>>(), [Some(2), Some(1)]);
    let stats = views[0].stats().expect("statistics");
    assert!(stats.contains("2023-11-14T22:13:20.123456Z"), "to the microsecond: {stats}");
    assert!(stats.contains("\"d1\""), "{stats}");
    let ours: Vec<_> =
        files.iter().map(|file| file.path().file_name().expect("a name").to_owned()).collect();
    assert!(views.iter().all(|view| ours.iter().any(|name| name.to_str() == Some(&*view.path()))));

    let store = open();
    let rows = store.snapshot(project(), &NamespaceName::input()).rows();
    assert_eq!(rows, 3);
}

#[tokio::test]
async fn files_are_sorted_by_partition_and_time_and_their_facts_are_exact_after_reopening() {
    use arrow::array::AsArray as _;
    use arrow::datatypes::TimestampMicrosecondType;
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
    assert!(checkpoints >= 2, "{checkpoints} checkpoints");
    rig.cut();
    assert_eq!((rig.snapshot().rows(), rig.rows().len()), (120, 120));
}

#[tokio::test]
async fn files_that_no_commit_names_are_swept_up_at_the_start() {
    let mut rig = Rig::new(3);
    rig.stored(one(batch("d", &[1], 1.0))).await;
    rig.store().flush().await.expect("flushed");
    rig.store = None;
    rig.disk.put("/store/lake/1/input/part-00000000000000000009-x.parquet".as_ref(), vec![1, 2]);
    rig.disk.put("/store/lake/1/input/mine.parquet".as_ref(), vec![1, 2]);
    rig.open();
    assert_eq!((rig.opened.leftovers, rig.snapshot().rows()), (1, 1));
    assert!(rig.disk.bytes("/store/lake/1/input/mine.parquet".as_ref()).is_some(), "not ours");
}
