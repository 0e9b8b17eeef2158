//! Following a table: each row once, in the order in which rows were acknowledged, whatever happens in between.

use std::time::Duration;

use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use iobeam_model::{NamespaceName, Timestamp};
use iobeam_store::{Follower, Point, Poll, Settings, Write};
use proptest::prelude::*;

use crate::rig::{Rig, batch, batch_in, incoming, one, project, settings};

/// What one step of a history does.
#[derive(Clone, Debug)]
enum Step {
    /// A write: how many rows each of its batches has, and whether it is of the other table.
    Write(Vec<(usize, bool)>),
    Flush,
    /// The store is closed and opened again.
    Restart,
    /// The follower takes at most so many rows.
    Take(usize),
    /// The follower goes away and comes back with its last point.
    Reconnect,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let part = (1_usize..12, prop::bool::weighted(0.25));
    let step = prop_oneof![
        6 => prop::collection::vec(part, 1..4).prop_map(Step::Write),
        1 => Just(Step::Flush),
        1 => Just(Step::Restart),
        6 => (1_usize..20).prop_map(Step::Take),
        3 => Just(Step::Reconnect),
    ];
    prop::collection::vec(step, 1..50)
}

fn other() -> NamespaceName {
    "other".parse().expect("a name")
}

fn times(rows: &RecordBatch) -> Vec<i64> {
    rows.column(0).as_primitive::<TimestampMicrosecondType>().values().to_vec()
}

/// A follower against the list of all rows of its table, which are known by their times.
struct Watch {
    follower: Follower,
    all: Vec<i64>,
    /// How many of them it has been given, or has been told that it missed.
    seen: usize,
    gaps: usize,
}

impl Watch {
    /// Takes rows, which must be the next ones; false when there was nothing.
    fn take(&mut self, most: usize) -> Result<bool, TestCaseError> {
        match self.follower.take(most) {
            Poll::Nothing => Ok(false),
            Poll::Gap { .. } => {
                self.gaps += 1;
                self.seen = self.all.len();
                Ok(true)
            }
            Poll::Rows { parts, point } => {
                let found: Vec<i64> = parts.iter().flat_map(times).collect();
                prop_assert!(!found.is_empty() && found.len() <= most, "{} rows", found.len());
                let next = self.seen + found.len();
                prop_assert_eq!(Some(found.as_slice()), self.all.get(self.seen..next));
                prop_assert_eq!(point, self.follower.point());
                self.seen = next;
                Ok(true)
            }
        }
    }

    /// Comes back with its last point, as a text that went through other hands.
    fn reconnect(&mut self, rig: &Rig) -> Result<(), TestCaseError> {
        let point: Point = self.follower.point().to_string().parse()?;
        prop_assert_eq!(point, self.follower.point());
        self.follower = rig.store().follow(project(), &NamespaceName::input(), Some(point));
        Ok(())
    }
}

async fn play(steps: Vec<Step>) -> Result<usize, TestCaseError> {
    let mut rig = Rig::new(7);
    let follower = rig.store().follow(project(), &NamespaceName::input(), None);
    let mut watch = Watch { follower, all: Vec::new(), seen: 0, gaps: 0 };
    let mut clock = 0;
    let mut may_miss = 0;
    for step in steps {
        match step {
            Step::Write(parts) => {
                let mut batches = Vec::new();
                for (rows, elsewhere) in parts {
                    let times: Vec<i64> = (clock..).take(rows).collect();
                    clock += rows as i64;
                    let table = if elsewhere { other() } else { NamespaceName::input() };
                    batches.push(incoming(batch_in(&table, "d", &times, 1.0), None));
                    watch.all.extend(times.iter().filter(|_| !elsewhere));
                }
                rig.stored(Write { project: project(), batches, body_hash: None }).await;
            }
            Step::Flush => rig.store().flush().await.expect("flushed"),
            Step::Restart => {
                let filed = rig.snapshot().files.len();
                rig.open();
                watch.reconnect(&rig)?;
                // What went into files before the restart is not looked up again.
                may_miss += usize::from(filed > 0);
            }
            Step::Take(most) => {
                watch.take(most)?;
            }
            Step::Reconnect => watch.reconnect(&rig)?,
        }
        prop_assert!(watch.gaps <= may_miss, "a gap that nothing explains");
    }
    while watch.take(7)? {}
    prop_assert_eq!(watch.seen, watch.all.len(), "rows that were never given");
    prop_assert!(watch.gaps <= may_miss, "a gap that nothing explains");
    Ok(watch.gaps)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_follower_that_comes_and_goes_gets_each_row_once_and_in_order(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(play(steps))?;
    }
}

#[tokio::test]
async fn rows_that_wait_in_the_journal_can_be_followed_after_a_restart() {
    let mut rig = Rig::new(8);
    rig.stored(one(batch("d", &[1], 1.0))).await;
    let point = rig.store().follow(project(), &NamespaceName::input(), None).point();
    rig.stored(one(batch("d", &[2, 3], 1.0))).await;
    rig.cut();
    rig.stored(one(batch("d", &[4], 1.0))).await;
    let mut follower = rig.store().follow(project(), &NamespaceName::input(), Some(point));
    let Poll::Rows { parts, .. } = follower.take(100) else { panic!("no rows") };
    assert_eq!(parts.iter().flat_map(times).collect::<Vec<_>>(), [2, 3, 4]);
    assert!(matches!(follower.take(100), Poll::Nothing));
}

#[tokio::test]
async fn one_who_is_slow_is_told_of_the_gap_and_goes_on_behind_it() {
    let rig = Rig::with(9, Settings { live_buffer_bytes: 20_000, ..settings() });
    let mut slow = rig.store().follow(project(), &NamespaceName::input(), None);
    let mut quick = rig.store().follow(project(), &NamespaceName::input(), None);
    let mut seen = Vec::new();
    for time in 0..500 {
        rig.stored(one(batch("d", &[time], 1.0))).await;
        while let Poll::Rows { parts, .. } = quick.take(10) {
            seen.extend(parts.iter().flat_map(times));
        }
    }
    assert_eq!(seen, (0..500).collect::<Vec<_>>());
    assert!(matches!(slow.take(10), Poll::Gap { point } if point == quick.point()));
    assert!(matches!(slow.take(10), Poll::Nothing));
    rig.stored(one(batch("d", &[500], 1.0))).await;
    assert!(matches!(slow.take(10), Poll::Rows { parts, .. } if times(&parts[0]) == [500]));
    let unknown =
        rig.store().follow(project(), &NamespaceName::input(), Some(Point::after(1 << 40)));
    let mut unknown = unknown;
    assert!(matches!(unknown.take(10), Poll::Gap { point } if point == slow.point()));
}

#[tokio::test]
async fn a_large_record_comes_in_pieces_with_points_within_it() {
    let rig = Rig::new(10);
    let mut follower = rig.store().follow(project(), &NamespaceName::input(), None);
    let many: Vec<i64> = (0..1_000).collect();
    rig.stored(one(batch("d", &many, 1.0))).await;
    let mut seen = Vec::new();
    while let Poll::Rows { parts, point } = follower.take(300) {
        seen.extend(parts.iter().flat_map(times));
        follower = rig.store().follow(project(), &NamespaceName::input(), Some(point));
    }
    assert_eq!(seen, many);
}

#[tokio::test]
async fn one_who_waits_is_woken_even_by_the_first_row_of_a_table() {
    let rig = Rig::new(11);
    let mut follower = rig.store().follow(project(), &NamespaceName::input(), None);
    let waiting = tokio::spawn(async move {
        follower.changed().await;
        follower.take(10)
    });
    tokio::task::yield_now().await;
    rig.stored(one(batch("d", &[1], 1.0))).await;
    let found = tokio::time::timeout(Duration::from_mins(1), waiting).await;
    assert!(matches!(found.expect("woken").expect("took"), Poll::Rows { .. }));
}

#[tokio::test]
async fn rows_past_the_retention_are_not_followed_and_stop_nobody() {
    let rig = Rig::new(12);
    let keep = Timestamp::from_micros(100);
    rig.store().retain(project(), &NamespaceName::input(), keep).await.expect("kept");
    let mut follower = rig.store().follow(project(), &NamespaceName::input(), None);
    let before = follower.point();
    rig.stored(one(batch("d", &[1, 2], 1.0))).await;
    assert!(matches!(follower.take(10), Poll::Nothing));
    assert_ne!(follower.point(), before, "it has passed the record");
    assert_eq!(follower.point(), Point::after(rig.snapshot().seq));
    rig.stored(one(batch("d", &[99, 100], 1.0))).await;
    assert!(matches!(follower.take(10), Poll::Rows { parts, .. } if times(&parts[0]) == [100]));
}

/// Many write at once while one follows and comes back again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_many_writers_come_once_each_while_they_write() {
    const WRITERS: i64 = 8;
    const EACH: i64 = 60;
    let rig = Rig::new(13);
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = rig.store().clone();
            tokio::spawn(async move {
                for at in 0..EACH {
                    let write = one(batch("d", &[writer * EACH + at], 1.0));
                    store.write(write).await.expect("stored");
                }
            })
        })
        .collect();
    let mut follower =
        rig.store().follow(project(), &NamespaceName::input(), Some(Point::default()));
    let mut seen = Vec::new();
    while seen.len() < (WRITERS * EACH) as usize {
        follower.changed().await;
        if let Poll::Rows { parts, point } = follower.take(7) {
            seen.extend(parts.iter().flat_map(times));
            follower = rig.store().follow(project(), &NamespaceName::input(), Some(point));
        }
    }
    for writer in writers {
        writer.await.expect("wrote");
    }
    for writer in 0..WRITERS {
        let range = writer * EACH..(writer + 1) * EACH;
        let own: Vec<i64> = seen.iter().copied().filter(|time| range.contains(time)).collect();
        assert_eq!(own, range.collect::<Vec<_>>(), "in the order of their acknowledgement");
    }
    assert_eq!(seen.len(), (WRITERS * EACH) as usize);
}
