//! A repeat gets its answer again, and nothing is stored twice.

use std::time::Duration;

use iobeam_model::{Batch, BatchId, NamespaceName, ProjectId};
use iobeam_store::{Settings, StoreError, Write};

use crate::rig::{Rig, batch, expected, hashed, incoming, numbered, one, project, settings};

#[tokio::test]
async fn a_numbered_batch_counts_once_across_restart_flush_and_forgetting() {
    let mut rig = Rig::new(1);
    let write = || numbered(batch("d", &[1, 2, 3], 1.0), 7, 42);
    assert!(!rig.stored(write()).await.repeat);
    for round in 0..5 {
        let receipt = rig.stored(write()).await;
        assert_eq!((receipt.rows, receipt.repeat), (3, true), "round {round}");
        match round {
            0 => rig.open(),
            1 => rig.store().flush().await.expect("flushed"),
            2 => rig.cut(),
            _ => {
                // Enough for the journal to forget the batch.
                let times: Vec<i64> = (0..9_000).collect();
                rig.stored(one(batch("other", &times, 1.0))).await;
                rig.store().flush().await.expect("flushed");
                rig.cut();
            }
        }
    }
    assert_eq!(rig.snapshot().rows(), 18_003);
    assert!(!rig.stored(numbered(batch("d", &[1, 2, 3], 1.0), 7, 41)).await.repeat);
}

#[tokio::test]
async fn receipts_are_saved_before_the_journal_forgets_what_they_came_from() {
    let mut rig = Rig::new(9);
    rig.stored(numbered(batch("d", &[1], 1.0), 7, 42)).await;
    rig.stored(hashed(batch("d", &[2], 1.0), 5)).await;
    let times: Vec<i64> = (0..9_000).collect();
    for _ in 0..2 {
        rig.stored(one(batch("other", &times, 1.0))).await;
        rig.store().flush().await.expect("flushed");
    }
    assert!(rig.store().statistics().journal_bytes < 300_000, "it forgot nothing");
    rig.cut();
    assert!(rig.stored(numbered(batch("d", &[1], 1.0), 7, 42)).await.repeat);
    assert!(rig.stored(hashed(batch("d", &[2], 1.0), 5)).await.repeat);
}

#[tokio::test]
async fn the_same_body_counts_once_for_24_hours_and_per_project() {
    let mut rig = Rig::new(2);
    let write = || hashed(batch("d", &[1], 1.0), 0xabc);
    assert!(!rig.stored(write()).await.repeat);
    let other = ProjectId::new(2).expect("positive");
    assert!(!rig.stored(Write { project: other, ..write() }).await.repeat);
    rig.wait(Duration::from_hours(23)).await;
    rig.open();
    assert!(rig.stored(write()).await.repeat);
    rig.wait(Duration::from_hours(2)).await;
    assert!(!rig.stored(write()).await.repeat, "a day has passed");
    assert_eq!(rig.snapshot().rows(), 2);
}

#[tokio::test]
async fn a_clock_that_is_set_back_or_ahead_forgets_no_receipt() {
    let mut rig = Rig::new(3);
    let write = || hashed(batch("d", &[1], 1.0), 0xabc);
    rig.stored(write()).await;
    let ten_years = Duration::from_hours(24 * 3653);
    let now = iobeam_model::Clock::now(&*rig.clock);
    for jump in [now.plus(ten_years), now.minus(ten_years)] {
        rig.clock.set(jump);
        assert!(rig.stored(write()).await.repeat);
    }
    rig.open();
    assert!(rig.stored(write()).await.repeat, "set back while the store was closed");
    rig.wait(Duration::from_hours(25)).await;
    assert!(!rig.stored(write()).await.repeat, "a day is a day, whatever the clock shows");
}

#[tokio::test]
async fn receipts_that_were_spilled_to_disk_are_found_and_expire() {
    let mut rig = Rig::with(4, Settings { receipts_in_memory: 50, ..settings() });
    let write = |number: u128| {
        hashed(
            batch("d", &[number as i64], 1.0),
            number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835),
        )
    };
    for number in 0..170 {
        assert!(!rig.stored(write(number)).await.repeat);
    }
    let runs = |rig: &Rig| {
        rig.disk.files().iter().filter(|path| path.extension().is_some_and(|e| e == "run")).count()
    };
    assert_eq!(runs(&rig), 3);
    for reopened in [false, true] {
        if reopened {
            rig.cut();
        }
        for number in (0..170).step_by(7) {
            assert!(rig.stored(write(number)).await.repeat, "number {number}, reopened {reopened}");
        }
    }
    assert_eq!(rig.snapshot().rows(), 170);
    rig.wait(Duration::from_hours(25)).await;
    for number in 1000..1060 {
        assert!(!rig.stored(write(number)).await.repeat);
    }
    assert_eq!(runs(&rig), 1, "the old ones are gone, the new one is there");
    assert!(!rig.stored(write(3)).await.repeat);
}

#[tokio::test]
async fn repeats_that_queue_behind_the_first_are_recognised() {
    let rig = Rig::new(5);
    let store = rig.store();
    let same = || store.write(numbered(batch("d", &[1], 1.0), 1, 1));
    let hash = || store.write(hashed(batch("d", &[2], 1.0), 5));
    let (one, two) = (tokio::join!(same(), same(), same()), tokio::join!(hash(), hash(), hash()));
    let repeats =
        [one.0, one.1, one.2, two.0, two.1, two.2].map(|receipt| receipt.expect("stored").repeat);
    assert_eq!(repeats, [false, true, true, false, true, true]);
    assert_eq!(rig.snapshot().rows(), 2);
}

#[tokio::test]
async fn of_several_numbered_batches_only_the_new_ones_are_stored() {
    let mut rig = Rig::new(6);
    let id = |counter| Some(BatchId { stream: [1; 16], counter });
    let write = |counters: &[u64]| Write {
        batches: counters.iter().map(|c| incoming(batch("d", &[*c as i64], 1.0), id(*c))).collect(),
        ..one(batch("d", &[0], 1.0))
    };
    assert!(!rig.stored(write(&[1, 2])).await.repeat);
    let receipt = rig.stored(write(&[2, 3, 3])).await;
    assert_eq!((receipt.rows, receipt.repeat), (3, false));
    rig.open();
    assert!(rig.stored(write(&[1, 2, 3])).await.repeat);
    assert_eq!(rig.snapshot().rows(), 3);
}

#[tokio::test]
async fn two_senders_under_one_number_are_told_apart() {
    let rig = Rig::new(7);
    rig.stored(numbered(batch("d", &[1], 1.0), 1, 1)).await;
    let refused = rig.write(numbered(batch("e", &[2], 1.0), 1, 1)).await;
    assert!(matches!(refused, Err(StoreError::Reused { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_write_is_stored_whole_or_not_at_all() {
    let mut rig = Rig::new(8);
    rig.stored(one(batch("d", &[1], 1.0))).await;
    let wrong: Batch = {
        let (_, times, columns) = batch("d", &[2], 1.0).into_parts();
        let device = columns.into_iter().next().expect("the device");
        let text = iobeam_model::Values::String(iobeam_model::Texts::constant("warm", 1));
        let value =
            iobeam_model::Column::new(crate::rig::name("value"), text, None).expect("a column");
        Batch::new(NamespaceName::input(), times, vec![device, value]).expect("a batch")
    };
    let id = |counter| Some(BatchId { stream: [1; 16], counter });
    let write = |batch, last| Write {
        project: project(),
        batches: vec![incoming(crate::rig::batch("d", &[3], 1.0), id(1)), incoming(batch, last)],
        body_hash: Some(9),
    };
    let refused = rig.write(write(wrong, None)).await;
    assert!(matches!(refused, Err(StoreError::Unfit { .. })), "{refused:?}");
    assert_eq!(rig.snapshot().rows(), 1);
    // Neither number nor body count as stored.
    assert!(!rig.stored(write(batch("d", &[4], 1.0), None)).await.repeat);
    rig.open();
    assert_eq!(rig.snapshot().rows(), 3);
}

/// Rows of a file's block, up to one and after another, under the number that says that the block is stored up to there.
pub(crate) fn of_block(after: u64, upto: u64) -> Write {
    let hash = upto.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - BatchId::HASH_BITS);
    let counter = upto << BatchId::HASH_BITS | hash;
    let id = BatchId { stream: BatchId::content_stream(9), counter };
    let times: Vec<i64> = (after + 1..=upto).map(|row| row.try_into().expect("few")).collect();
    Write {
        batches: vec![incoming(batch("d", &times, 1.0), Some(id))],
        ..one(batch("d", &[], 0.0))
    }
}

#[tokio::test]
async fn rows_that_were_followed_one_by_one_come_back_after_a_deletion_and_each_once() {
    let mut rig = Rig::new(15);
    for row in 0..300 {
        rig.stored(of_block(row, row + 1)).await;
        rig.clock.advance(Duration::from_secs(1));
    }
    rig.store().drop_tables(project(), Some(&NamespaceName::input())).await.expect("dropped");
    for row in 300..900 {
        rig.stored(of_block(row, row + 1)).await;
        rig.clock.advance(Duration::from_secs(1));
    }
    let known = async |rig: &Rig| {
        let (namespace, stream) = (NamespaceName::input(), BatchId::content_stream(9));
        let known = rig.store().known_batches(project(), &namespace, stream);
        let known = known.await.expect("told").into_iter().rev();
        known
            .map(|one| (one.counter >> BatchId::HASH_BITS, one.is_deleted_from))
            .collect::<Vec<_>>()
    };
    let is_deleted = |row: u64| row <= 300;
    for cut in [false, true] {
        if cut {
            rig.cut();
        }
        let known = known(&rig).await;
        assert!((400..=512).contains(&known.len()), "{}", known.len());
        assert!(known.iter().all(|(row, deleted)| *deleted == is_deleted(*row)), "{known:?}");
        assert!(known.contains(&(300, true)) && known.last() == Some(&(900, false)));
    }
    // Sent again as who imports the whole file does it: cut where a batch ended that is known.
    for round in 0..2 {
        let mut after = 0;
        for (upto, _) in known(&rig).await {
            let repeat = rig.stored(of_block(after, upto)).await.repeat;
            assert_eq!(repeat, round > 0 || !is_deleted(upto), "round {round}, up to {upto}");
            after = upto;
        }
        rig.open();
        let all: Vec<i64> = (1..=900).collect();
        assert_eq!(rig.rows(), expected([("d", &all[..], 1.0)]));
    }
    // A cut that it does not know, deep in the block, is new and not an error.
    assert!(!rig.stored(of_block(950, 951)).await.repeat);
    let (first, _) = known(&rig).await[0];
    for row in [1, 2, 3, 50].into_iter().filter(|row| row + 1 < first) {
        assert!(!rig.stored(of_block(row, row + 1)).await.repeat);
    }
}

#[tokio::test]
async fn a_table_of_many_batches_is_stored_again_as_a_whole_in_a_namespace_that_was_emptied() {
    let mut rig = Rig::new(16);
    let write = |counter: u64| {
        let stream = BatchId::content_stream(5);
        let time = i64::try_from(counter).expect("few");
        let batches = vec![incoming(batch("d", &[time], 1.0), Some(BatchId { stream, counter }))];
        Write { batches, ..one(batch("d", &[], 0.0)) }
    };
    let all: Vec<i64> = (0..60).collect();
    for round in 0..3 {
        for counter in 0..60 {
            assert!(!rig.stored(write(counter)).await.repeat, "round {round}, batch {counter}");
            rig.clock.advance(Duration::from_millis(400));
        }
        for counter in 0..60 {
            assert!(rig.stored(write(counter)).await.repeat, "round {round}, batch {counter}");
        }
        assert_eq!(rig.rows(), expected([("d", &all[..], 1.0)]));
        if round == 1 {
            rig.cut();
        }
        rig.store().drop_tables(project(), Some(&NamespaceName::input())).await.expect("dropped");
    }
}
