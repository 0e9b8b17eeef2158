//! Retention: what is past it is not shown, and what is not past it is never touched.

use std::collections::BTreeMap;

use iobeam_model::{NamespaceName, Timestamp};
use iobeam_store::Settings;
use proptest::prelude::*;

use crate::rig::{Rig, Rows, batch, one, project, settings};

/// One step of a store's life.
#[derive(Clone, Debug)]
enum Step {
    /// Times and deadlines are tens, so that rows often lie right at the deadline.
    Write(Vec<i64>),
    Flush,
    /// The deadline moves on by so much.
    Retain(i64),
    /// The power goes and comes back, and the deadline is told again.
    Cut,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::collection::vec((0i64..20).prop_map(|tens| tens * 10), 1..3).prop_map(Step::Write),
        3 => Just(Step::Flush),
        2 => (1i64..4).prop_map(|tens| Step::Retain(tens * 10)),
        1 => Just(Step::Cut),
    ]
}

async fn retain(rig: &Rig, keep_from: i64) {
    let keep_from = Timestamp::from_micros(keep_from);
    rig.store().retain(project(), &NamespaceName::input(), keep_from).await.expect("retained");
}

/// The rows that a query may show.
fn shown(rig: &Rig) -> Rows {
    let snapshot = rig.snapshot();
    for chunk in &*snapshot.chunks {
        assert!(chunk.min_time >= snapshot.keep_from, "nothing expired is left in memory");
    }
    for file in &*snapshot.files {
        assert!(file.max_time >= snapshot.keep_from, "no file is listed for nothing");
    }
    rig.rows().into_iter().filter(|((_, time, _), _)| *time >= snapshot.keep_from).collect()
}

async fn live(steps: Vec<Step>) {
    let mut rig = Rig::with(3, Settings { merge_files: 3, ..settings() });
    let mut expected: BTreeMap<i64, usize> = BTreeMap::new();
    let mut keep_from = i64::MIN;
    for (at, step) in steps.into_iter().enumerate() {
        match step {
            Step::Write(times) => {
                for time in &times {
                    *expected.entry(*time).or_default() += 1;
                }
                rig.stored(one(batch("d", &times, at as f64))).await;
            }
            Step::Flush => rig.store().flush().await.expect("flushed"),
            Step::Retain(more) => {
                keep_from = keep_from.max(0) + more;
                retain(&rig, keep_from).await;
            }
            Step::Cut => {
                rig.cut();
                retain(&rig, keep_from).await;
            }
        }
        expected.retain(|time, _| *time >= keep_from);
        let mut found: BTreeMap<i64, usize> = BTreeMap::new();
        for ((_, time, _), count) in shown(&rig) {
            *found.entry(time).or_default() += count;
        }
        assert_eq!(found, expected, "after step {at}, with all before {keep_from} expired");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn what_is_past_the_retention_is_not_shown_and_nothing_else_is_touched(
        steps in prop::collection::vec(step(), 1..16)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(live(steps));
    }
}

#[tokio::test]
async fn rows_that_come_too_late_are_acknowledged_and_leave_nothing_behind() {
    let mut rig = Rig::new(4);
    retain(&rig, 100).await;
    let receipt = rig.stored(one(batch("d", &[5, 99], 1.0))).await;
    assert_eq!((receipt.rows, receipt.repeat, receipt.expired), (2, false, 2));
    assert_eq!(rig.snapshot().rows(), 0);
    rig.store().flush().await.expect("nothing is left to flush");
    assert_eq!(rig.snapshot().files.len(), 0);
    rig.stored(one(batch("d", &[99, 100], 1.0))).await;
    rig.store().flush().await.expect("flushed");
    let files = rig.snapshot().files;
    assert_eq!((files.len(), files[0].rows, files[0].min_time), (1, 1, 100));
    rig.cut();
    retain(&rig, 100).await;
    assert_eq!(rig.snapshot().rows(), 1);
}

#[tokio::test]
async fn an_earlier_deadline_shows_again_what_a_file_still_holds() {
    let rig = Rig::new(5);
    rig.stored(one(batch("d", &[50, 150], 1.0))).await;
    rig.store().flush().await.expect("flushed");
    retain(&rig, 100).await;
    assert_eq!(shown(&rig).len(), 1);
    retain(&rig, i64::MIN).await;
    assert_eq!(shown(&rig).len(), 2);
    assert_eq!(rig.store().statistics().expired_rows, 0, "no file was removed");
    retain(&rig, 151).await;
    assert_eq!((shown(&rig).len(), rig.store().statistics().expired_rows), (0, 2));
}
