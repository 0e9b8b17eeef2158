//! Tables that are let go: gone at once, gone for good, and never half.

use std::time::Duration;

use iobeam_model::NamespaceName;
use iobeam_store::Settings;
use iobeam_testkit::{Fault, Operation};

use crate::rig::{Rig, Rows, batch, batch_in, expected, incoming, one, project, rows, settings};

fn other() -> NamespaceName {
    "weather".parse().expect("a name")
}

/// Rows in a file and rows in memory, in `input` and in another namespace.
async fn furnish(rig: &Rig) {
    for (times, value) in [([1, 2], 1.0), ([3, 4], 2.0)] {
        rig.stored(one(batch("d", &times, value))).await;
        let batch = incoming(batch_in(&other(), "d", &times, value), None);
        rig.stored(iobeam_store::Write {
            batches: vec![batch],
            ..one(crate::rig::batch("d", &[], 0.0))
        })
        .await;
        if value < 2.0 {
            rig.store().flush().await.expect("flushed");
        }
    }
}

fn all() -> Rows {
    expected([("d", &[1, 2][..], 1.0), ("d", &[3, 4][..], 2.0)])
}

fn others(rig: &Rig) -> Rows {
    rows(&rig.disk, &rig.store().snapshot(project(), &other()))
}

/// What is on disk of a table.
fn files(rig: &Rig, table: &str) -> Vec<String> {
    let folder = format!("/store/lake/1/{table}/");
    let files = rig.disk.files().into_iter().map(|path| path.display().to_string());
    files.filter(|path| path.starts_with(&folder)).collect()
}

/// Waits until nothing of a table is on disk: what reads a file last may let go of it on a thread of its own.
async fn removed(rig: &Rig, table: &str) {
    for _ in 0..1000 {
        rig.settled().await;
        if files(rig, table).is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?} stays", files(rig, table));
}

async fn drop_input(rig: &Rig) -> Result<(), iobeam_store::StoreError> {
    rig.store().drop_tables(project(), Some(&NamespaceName::input())).await
}

#[tokio::test]
async fn a_namespace_that_is_let_go_is_gone_with_its_files_and_no_other() {
    let mut rig = Rig::new(1);
    furnish(&rig).await;
    assert_eq!(rig.rows(), all());
    drop_input(&rig).await.expect("gone");
    assert_eq!(rig.rows(), Rows::new());
    removed(&rig, "input").await;
    assert_eq!(others(&rig), all());
    rig.cut();
    assert_eq!((rig.rows(), others(&rig)), (Rows::new(), all()));
    assert!(rig.opened.damage.is_empty() && rig.opened.set_aside.is_empty(), "{:?}", rig.opened);
}

#[tokio::test]
async fn a_project_goes_with_all_its_namespaces() {
    let mut rig = Rig::new(2);
    furnish(&rig).await;
    rig.store().drop_tables(project(), None).await.expect("gone");
    removed(&rig, "input").await;
    removed(&rig, "weather").await;
    assert_eq!((rig.rows(), others(&rig)), (Rows::new(), Rows::new()));
    assert!(
        rig.disk.files().iter().all(|path| !path.starts_with("/store/lake/1")),
        "{:?}",
        rig.disk.files()
    );
    rig.cut();
    assert_eq!((rig.rows(), others(&rig)), (Rows::new(), Rows::new()));
    rig.store().drop_tables(project(), None).await.expect("nothing is there to let go");
}

#[tokio::test]
async fn a_query_that_still_reads_is_not_harmed() {
    let rig = Rig::new(3);
    furnish(&rig).await;
    let before = rig.snapshot();
    drop_input(&rig).await.expect("gone");
    rig.settled().await;
    assert_eq!(rows(&rig.disk, &before), all());
    drop(before);
    removed(&rig, "input").await;
}

#[tokio::test]
async fn a_namespace_of_the_same_name_begins_anew() {
    let mut rig = Rig::new(4);
    furnish(&rig).await;
    let read = rig.snapshot();
    drop_input(&rig).await.expect("gone");
    let new = expected([("d", &[9][..], 7.0)]);
    rig.stored(one(batch("d", &[9], 7.0))).await;
    assert_eq!(rig.rows(), new);
    rig.cut();
    assert_eq!(rig.rows(), new, "the journal has rows of both");
    rig.store().flush().await.expect("flushed");
    assert_eq!(rig.rows(), new);
    rig.cut();
    assert_eq!(rig.rows(), new, "the journal has the old rows, and files the new ones");
    drop(read);
}

#[tokio::test]
async fn one_of_the_same_name_may_begin_while_the_old_one_is_read() {
    let mut rig = Rig::new(5);
    furnish(&rig).await;
    let read = rig.snapshot();
    drop_input(&rig).await.expect("gone");
    rig.stored(one(batch("d", &[9], 7.0))).await;
    rig.store().flush().await.expect("flushed");
    assert_eq!(rows(&rig.disk, &read), all());
    let new = expected([("d", &[9][..], 7.0)]);
    assert_eq!(rig.rows(), new);
    drop(read);
    rig.settled().await;
    rig.cut();
    assert_eq!(rig.rows(), new);
    assert_eq!(files(&rig, "input").iter().filter(|path| path.ends_with(".parquet")).count(), 1);
}

#[tokio::test]
async fn a_crash_at_any_point_leaves_all_of_it_or_nothing() {
    let mut went = [0, 0];
    for steps in 0.. {
        let mut rig = Rig::with(steps, Settings { merge_files: 3, ..settings() });
        furnish(&rig).await;
        rig.disk.die_after(steps);
        let done = drop_input(&rig).await;
        // Every other time the machine itself goes on.
        rig.disk = if steps % 2 == 0 { rig.disk.cut() } else { rig.disk.crash() };
        rig.open();
        let left = rig.rows();
        assert!(left.is_empty() || (done.is_err() && left == all()), "{steps}: {done:?}, {left:?}");
        assert_eq!(others(&rig), all(), "{steps}");
        assert!(
            rig.opened.damage.is_empty() && rig.opened.set_aside.is_empty(),
            "{:?}",
            rig.opened
        );
        went[usize::from(left.is_empty())] += 1;
        if left.is_empty() {
            rig.settled().await;
            assert_eq!(files(&rig, "input"), Vec::<String>::new(), "{steps}");
            rig.stored(one(batch("d", &[9], 7.0))).await;
            rig.cut();
            assert_eq!(rig.rows(), expected([("d", &[9][..], 7.0)]), "{steps}");
        }
        if done.is_ok() {
            break;
        }
    }
    assert!(went[0] > 0 && went[1] > 3, "it was cut before and after it counted: {went:?}");
}

#[tokio::test]
async fn files_that_cannot_be_removed_are_removed_later() {
    let mut rig = Rig::new(6);
    furnish(&rig).await;
    rig.disk.fail_from_now(Operation::Remove, Fault::Io);
    drop_input(&rig).await.expect_err("the log stays");
    assert_eq!(rig.rows(), Rows::new(), "nobody sees it all the same");
    let busy = rig.write(one(batch("d", &[9], 7.0))).await.expect_err("its place is taken");
    assert_eq!(busy.remedy(), iobeam_model::Remedy::Retry);
    rig.disk.heal();
    rig.clock.advance(std::time::Duration::from_secs(10));
    rig.until("the log goes", |rig| {
        !files(rig, "input").iter().any(|path| path.contains("_delta_log"))
    })
    .await;
    rig.settled().await;
    rig.stored(one(batch("d", &[9], 7.0))).await;
    rig.cut();
    assert_eq!(rig.rows(), expected([("d", &[9][..], 7.0)]));
}
