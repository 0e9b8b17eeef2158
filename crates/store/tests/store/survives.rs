//! What was acknowledged is there, once, whatever happened since.

use std::time::Duration;

use iobeam_model::NamespaceName;

use crate::rig::{Rig, batch, expected, one, project, rows, settings};

#[tokio::test]
async fn a_row_is_seen_at_once_and_there_once_after_restart_flush_and_restart() {
    let mut rig = Rig::new(1);
    let all = expected([("d1", &[i64::MIN, 3, i64::MAX][..], 1.5)]);
    rig.stored(one(batch("d1", &[i64::MIN, 3, i64::MAX], 1.5))).await;
    assert_eq!(rig.rows(), all);
    rig.open();
    assert_eq!((rig.rows(), rig.opened.replayed, rig.opened.rows), (all.clone(), 1, 3));
    rig.store().flush().await.expect("flushed");
    let seen = rig.snapshot();
    assert_eq!((seen.files.len(), seen.chunks.len(), rig.rows()), (1, 0, all.clone()));
    rig.open();
    let seen = rig.snapshot();
    assert_eq!((seen.files.len(), seen.chunks.len(), rig.rows()), (1, 0, all));
    let file = &seen.files[0];
    assert_eq!((file.min_time, file.max_time), (i64::MIN, i64::MAX));
    assert_eq!(file.min_partition.as_deref(), Some("d1"));
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_power_cut_and_a_close_as_well() {
    let mut rig = Rig::new(2);
    rig.stored(one(batch("d1", &[1, 2], 1.0))).await;
    rig.cut();
    rig.stored(one(batch("d1", &[3], 1.0))).await;
    rig.store().flush().await.expect("flushed");
    rig.stored(one(batch("d2", &[4], 1.0))).await;
    rig.cut();
    let all = expected([("d1", &[1, 2, 3][..], 1.0), ("d2", &[4], 1.0)]);
    assert_eq!(rig.rows(), all);
    rig.store.take().expect("open").close().await.expect("closed");
    rig.open();
    assert_eq!(rig.rows(), all);
}

/// The disk loses power after each possible number of steps of a flush.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_at_any_step_of_a_flush_loses_and_doubles_nothing() {
    let all = expected([("d1", &[1, 2][..], 1.0), ("d2", &[3], 1.0), ("d1", &[9], 2.0)]);
    for steps in 0.. {
        let mut rig = Rig::new(steps);
        rig.stored(one(batch("d1", &[1, 2], 1.0))).await;
        rig.store().flush().await.expect("flushed");
        rig.stored(one(batch("d2", &[3], 1.0))).await;
        rig.stored(one(batch("d1", &[9], 2.0))).await;
        let until = rig.disk.steps() + steps;
        let store = rig.store().clone();
        let flushing = tokio::spawn(async move { store.flush().await });
        while rig.disk.steps() < until && !flushing.is_finished() {
            std::hint::spin_loop();
        }
        let done = rig.disk.steps() < until;
        rig.disk = rig.disk.cut();
        let _ = flushing.await;
        rig.open();
        assert_eq!(rig.rows(), all, "cut after {steps} steps");
        rig.store().flush().await.expect("flushed at last");
        assert_eq!(rig.rows(), all, "cut after {steps} steps, and flushed");
        if done {
            assert!(steps > 10, "a flush has more steps than {steps}");
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_snapshot_during_flushes_has_each_row_once() {
    let rig = Rig::new(3);
    let store = rig.store().clone();
    let (disk, watched) = (rig.disk.clone(), rig.store().clone());
    let flushing = tokio::spawn(async move {
        while store.snapshot(project(), &NamespaceName::input()).rows() < 60 {
            store.flush().await.expect("flushed");
        }
    });
    let watching = tokio::task::spawn_blocking(move || {
        let (mut least, mut looks) = (0, 0);
        while least < 60 {
            let snapshot = watched.snapshot(project(), &NamespaceName::input());
            let seen = rows(&disk, &snapshot);
            assert!(seen.values().all(|times| *times == 1), "a row stands twice");
            assert!(seen.len() >= least, "rows vanished: {} after {least}", seen.len());
            least = seen.len();
            looks += 1;
        }
        looks
    });
    for time in 0..60 {
        let receipt = rig.stored(one(batch("d", &[time], 0.5))).await;
        tokio::time::sleep(Duration::from_millis(3)).await;
        assert_eq!((receipt.rows, receipt.repeat), (1, false));
        assert!(rig.snapshot().rows() > time as u64, "acknowledged and not seen");
    }
    flushing.await.expect("flushed");
    assert!(watching.await.expect("watched") > 0);
    assert_eq!(rig.snapshot().rows(), 60);
}

#[tokio::test]
async fn rows_are_flushed_when_they_are_old_and_when_they_are_many() {
    let rig = Rig::with(4, iobeam_store::Settings { flush_bytes: 100_000, ..settings() });
    rig.stored(one(batch("d", &[1], 1.0))).await;
    rig.wait(Duration::from_secs(599)).await;
    assert_eq!(rig.snapshot().files.len(), 0);
    rig.clock.advance(Duration::from_secs(2));
    rig.until("the old rows are in a file", |rig| rig.snapshot().files.len() == 1).await;
    let many: Vec<i64> = (0..10_000).collect();
    rig.stored(one(batch("d", &many, 1.0))).await;
    rig.until("the many are in a file", |rig| rig.snapshot().files.len() == 2).await;
    let seen = rig.snapshot();
    assert_eq!((seen.files.len(), seen.chunks.len(), seen.rows()), (2, 0, 10_001));
}

#[tokio::test]
async fn the_journal_forgets_what_is_in_files_and_the_store_still_opens() {
    let mut rig = Rig::new(5);
    let times: Vec<i64> = (0..2_000).collect();
    let mut most = 0;
    for round in 0..12 {
        rig.stored(one(batch("d", &times, f64::from(round)))).await;
        rig.store().flush().await.expect("flushed");
        most = most.max(rig.store().statistics().journal_bytes);
    }
    assert!(most < 4 * 65_536, "{most} bytes");
    rig.cut();
    assert_eq!(rig.snapshot().rows(), 24_000);
    // Even when the whole journal is gone, numbers go on behind those that files know.
    rig.store = None;
    let journal: Vec<_> =
        rig.disk.files().into_iter().filter(|path| path.starts_with("/store/journal")).collect();
    for path in journal {
        iobeam_journal::Disk::remove(&rig.disk, &path).expect("removed");
    }
    rig.open();
    rig.stored(one(batch("e", &[1], 1.0))).await;
    rig.open();
    assert_eq!(rig.snapshot().rows(), 24_001);
}

#[test]
fn a_second_process_is_told_that_the_store_is_in_use() {
    let mut rig = Rig::new(6);
    let first = rig.store.take();
    let error = rig.try_open().expect_err("it is in use");
    assert!(error.to_string().contains("in use by another process"), "{error}");
    drop(first);
    rig.open();
}
