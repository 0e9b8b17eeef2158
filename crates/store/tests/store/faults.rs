//! What the disk does to us: full, failing, torn, damaged.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use iobeam_journal::{Journal, Options};
use iobeam_model::{Batch, Column, FieldName, NamespaceName, Remedy, Texts, Values};
use iobeam_store::{Settings, StoreError, Write};
use iobeam_testkit::{Fault, Operation};

use crate::rig::{
    Rig, batch, batch_in, expected, hashed, incoming, name, numbered, one, project, settings,
};

#[tokio::test]
async fn on_a_full_disk_reads_go_on_and_writes_resume_by_themselves() {
    let rig = Rig::with(1, Settings { reserve_bytes: 100_000, ..settings() });
    rig.stored(one(batch("d", &[1], 1.0))).await;
    rig.disk.set_capacity(Some(rig.disk.used() + 50_000));
    rig.wait(Duration::from_secs(1)).await;
    let refused = rig.write(one(batch("d", &[2], 1.0))).await.expect_err("the disk is full");
    assert!(matches!(refused, StoreError::DiskFull { .. }), "{refused}");
    assert!(refused.remedy() == Remedy::Retry && refused.retry_after().is_some());
    assert_eq!(rig.rows(), expected([("d", &[1][..], 1.0)]));
    rig.disk.set_capacity(None);
    rig.wait(Duration::from_secs(1)).await;
    rig.stored(one(batch("d", &[2], 1.0))).await;
    assert_eq!(rig.snapshot().rows(), 2);
}

#[tokio::test]
async fn a_disk_that_fills_up_without_warning_refuses_and_resumes() {
    let mut rig = Rig::with(2, Settings { reserve_bytes: 0, ..settings() });
    rig.stored(one(batch("d", &[1], 1.0))).await;
    rig.disk.set_capacity(Some(rig.disk.used()));
    let times: Vec<i64> = (0..20_000).collect();
    let refused = rig.write(numbered(batch("big", &times, 1.0), 1, 1)).await.expect_err("no room");
    assert_eq!(refused.remedy(), Remedy::Retry, "{refused}");
    assert!(rig.store().flush().await.is_err(), "no room for a file either");
    assert_eq!(rig.snapshot().rows(), 1);
    rig.disk.set_capacity(None);
    rig.wait(Duration::from_secs(1)).await;
    assert!(!rig.stored(numbered(batch("big", &times, 1.0), 1, 1)).await.repeat);
    rig.store().flush().await.expect("flushed");
    assert_eq!((rig.snapshot().rows(), rig.snapshot().chunks.len()), (20_001, 0));
    rig.cut();
    assert_eq!(rig.snapshot().rows(), 20_001);
}

#[tokio::test]
async fn nothing_of_a_group_whose_sync_failed_is_stored_or_remembered() {
    let mut rig = Rig::new(3);
    rig.stored(one(batch("d", &[1], 1.0))).await;
    rig.disk.fail(Operation::Sync, 0, Fault::Io);
    let refused = rig.write(hashed(batch("d", &[2], 1.0), 5)).await.expect_err("the sync failed");
    assert_eq!(refused.remedy(), Remedy::CallOperator, "{refused}");
    assert_eq!(rig.snapshot().rows(), 1);
    assert!(!rig.stored(hashed(batch("d", &[2], 1.0), 5)).await.repeat);
    rig.cut();
    assert_eq!(rig.rows(), expected([("d", &[1, 2][..], 1.0)]));
}

/// Each step of a flush fails once: what is there stays, and the next try succeeds.
#[tokio::test]
async fn an_error_at_any_step_of_a_flush_loses_and_doubles_nothing() {
    let all = expected([("d1", &[1, 2][..], 1.0), ("d2", &[3], 1.0)]);
    let mut failures = 0;
    for fault in [Fault::Io, Fault::NoSpace] {
        for step in 0.. {
            let mut rig = Rig::new(step);
            rig.stored(one(batch("d1", &[1, 2], 1.0))).await;
            if step % 2 == 0 {
                rig.store().flush().await.expect("flushed");
            }
            rig.stored(one(batch("d2", &[3], 1.0))).await;
            let before = rig.disk.steps();
            rig.disk.fail_any(step, fault);
            let failed = rig.store().flush().await.is_err();
            let steps = rig.disk.steps() - before;
            rig.disk.heal();
            failures += u64::from(failed);
            assert_eq!(rig.rows(), all, "{fault:?} at step {step}");
            rig.store().flush().await.expect("flushed at last");
            assert_eq!(rig.rows(), all, "{fault:?} at step {step}, and flushed");
            assert_eq!(rig.snapshot().chunks.len(), 0);
            rig.cut();
            assert_eq!(rig.rows(), all, "{fault:?} at step {step}, flushed and cut");
            if steps <= step {
                break;
            }
        }
    }
    assert!(failures > 20, "only {failures} steps failed");
}

/// A commit may be there and its name not yet be on the disk: then the log must not forget its rows.
#[tokio::test]
async fn a_commit_is_made_to_last_before_the_journal_forgets_what_is_in_it() {
    let other: NamespaceName = "other".parse().expect("a name");
    let times: Vec<i64> = (0..200).collect();
    for step in 0..6 {
        for seed in 0..6 {
            let small = Settings { segment_bytes: 4096, ..settings() };
            let mut rig = Rig::with(seed, small);
            rig.stored(one(batch("d", &[1], 1.0))).await;
            rig.store().flush().await.expect("flushed");
            rig.stored(one(batch("d", &[2, 3], 2.0))).await;
            rig.disk.fail(Operation::SyncDir, step, Fault::Io);
            let _ = rig.store().flush().await;
            rig.disk.heal();
            // What comes later, in another table, lets the journal forget all that is before it.
            for value in 0..5 {
                rig.stored(one(batch_in(&other, "d", &times, f64::from(value)))).await;
                rig.store().flush().await.expect("flushed");
            }
            rig.cut();
            assert_eq!(rig.snapshot().rows(), 3, "sync {step} of a folder failed, seed {seed}");
        }
    }
}

#[tokio::test]
async fn a_torn_last_record_is_cut_off_and_reported_and_all_before_it_is_there() {
    let mut rig = Rig::new(4);
    rig.stored(one(batch("d", &[1], 1.0))).await;
    let before = last_used(&rig);
    rig.stored(one(batch("d", &[2], 1.0))).await;
    let after = last_used(&rig);
    assert!(after > before);
    rig.store = None;
    let (path, whole) = (journal_file(&rig), rig.disk.bytes(&journal_file(&rig)).expect("there"));
    for end in (before..after).step_by(5) {
        let mut torn = whole.clone();
        torn[end..].fill(0);
        rig.disk.put(&path, torn);
        rig.open();
        assert_eq!(rig.rows(), expected([("d", &[1][..], 1.0)]), "torn at {end}");
        rig.store = None;
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_applied_is_set_aside_with_its_reason_and_the_store_opens() {
    let mut rig = Rig::new(5);
    rig.stored(one(batch("d", &[1], 1.0))).await;
    {
        let mut journal = journal_of(&mut rig);
        journal.append(1, &[b"\x01\x00 not an import"]).expect("appended");
        journal.append(9, &[b"of a kind to come"]).expect("appended");
        journal.sync().expect("synced");
    }
    rig.open();
    assert_eq!((rig.opened.set_aside.len(), rig.opened.replayed), (2, 1));
    assert!(rig.opened.set_aside.iter().all(|aside| aside.project.is_none()), "nobody's");
    rig.stored(one(batch("d", &[2], 1.0))).await;
    assert_eq!(rig.snapshot().rows(), 2);
    let aside = |suffix: &str| {
        let found =
            rig.disk.files().into_iter().filter(|path| path.starts_with("/store/set-aside"));
        let mut found: Vec<_> =
            found.filter(|path| path.to_string_lossy().ends_with(suffix)).collect();
        found.sort();
        found.iter().map(|path| rig.disk.bytes(path).expect("there")).collect::<Vec<_>>()
    };
    assert_eq!(aside(".record"), [&b"\x01\x00 not an import"[..], b"of a kind to come"]);
    let reasons = aside("reason.txt");
    assert!(String::from_utf8_lossy(&reasons[1]).contains("kind 9"));
}

/// What one import wrote to the log of a store of its own.
async fn record_of(write: Write) -> Vec<u8> {
    let mut rig = Rig::new(8);
    rig.stored(write).await;
    let journal = journal_of(&mut rig);
    let mut records = journal.read_from(iobeam_journal::Seq(0));
    records.next().expect("a record").expect("sound").payload
}

#[tokio::test]
async fn a_record_that_is_set_aside_says_whose_it_is_and_of_which_devices() {
    let texts = |device: &str| {
        let columns = vec![
            Column::new(FieldName::device_id(), Values::String(Texts::constant(device, 1)), None),
            Column::new(name("value"), Values::String(Texts::constant("warm", 1)), None),
        ];
        let columns = columns.into_iter().map(|column| column.expect("texts")).collect();
        incoming(Batch::new(NamespaceName::input(), vec![1], columns).expect("a batch"), None)
    };
    let batches = vec![texts("boiler"), texts("pump")];
    let theirs = record_of(Write { project: project(), batches, body_hash: None }).await;
    let mut cut = record_of(one(batch("lost", &[1], 1.0))).await;
    // The last bytes belong to the batch: whose it is, is still there to be read.
    *cut.last_mut().expect("bytes") ^= 1;
    let mut rig = Rig::new(5);
    rig.stored(one(batch("d", &[1], 1.0))).await;
    {
        let mut journal = journal_of(&mut rig);
        journal.append(1, &[theirs.as_slice()]).expect("appended");
        journal.append(1, &[cut.as_slice()]).expect("appended");
        journal.sync().expect("synced");
    }
    rig.open();
    let [typed, cut] = rig.opened.set_aside.as_slice() else { panic!("{:?}", rig.opened) };
    assert_eq!(typed.project, Some(project()));
    assert_eq!(typed.devices.iter().collect::<Vec<_>>(), ["boiler", "pump"]);
    assert!(typed.reason.contains("value"), "{}", typed.reason);
    assert_eq!((cut.project, cut.devices.len()), (Some(project()), 0));
    let path = PathBuf::from("/store/set-aside").join(typed.file());
    assert_eq!(rig.disk.bytes(&path).as_deref(), Some(theirs.as_slice()));
    assert_eq!(rig.snapshot().rows(), 1);
}

#[tokio::test]
async fn a_flipped_bit_in_the_receipts_is_reported_and_the_store_opens() {
    let mut rig = Rig::new(6);
    rig.stored(hashed(batch("d", &[1], 1.0), 5)).await;
    rig.store.take().expect("open").close().await.expect("closed");
    let path = PathBuf::from("/store/receipts/current");
    let mut bytes = rig.disk.bytes(&path).expect("saved on close");
    bytes[20] ^= 4;
    rig.disk.put(&path, bytes);
    rig.open();
    assert!(rig.opened.damage.iter().any(|told| told.contains("receipts")), "{:?}", rig.opened);
    assert_eq!(rig.snapshot().rows(), 1);
    assert!(rig.disk.files().iter().any(|path| path.starts_with("/store/set-aside")));
}

#[tokio::test]
async fn writes_beyond_the_memory_budget_are_told_to_come_again() {
    let budget = Settings { memory_budget: 2_000_000, flush_bytes: 1 << 30, ..settings() };
    let rig = Rig::with(7, budget);
    rig.disk.fail_from_now(Operation::Rename, Fault::NoSpace);
    let times: Vec<i64> = (0..4_000).collect();
    let mut stored = 0;
    let busy = loop {
        match rig.write(one(batch("d", &times, 1.0))).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 100, "memory grows without end");
    };
    assert!(matches!(busy, StoreError::Busy { .. }), "{busy}");
    assert!(stored > 1);
    assert_eq!(rig.snapshot().rows(), stored * 4_000);
    rig.disk.heal();
    rig.store().flush().await.expect("flushed");
    rig.stored(one(batch("d", &times, 1.0))).await;
    assert_eq!(rig.snapshot().rows(), (stored + 1) * 4_000);
    assert!(rig.store().statistics().memory_bytes < 2_000_000);
}

#[tokio::test]
async fn a_write_for_which_there_is_no_room_waits_until_a_flush_has_made_some() {
    let patience = Duration::from_hours(1);
    let budget =
        Settings { memory_budget: 2_000_000, flush_bytes: 1 << 30, patience, ..settings() };
    let rig = Rig::with(8, budget);
    rig.disk.fail_from_now(Operation::Rename, Fault::NoSpace);
    let times: Vec<i64> = (0..2_000).collect();
    let mut stored = 0;
    let waiting = loop {
        let store = rig.store().clone();
        let rows = one(batch("d", &times, 1.0));
        let write = tokio::spawn(async move { store.write(rows).await });
        while !write.is_finished() && rig.store().statistics().waiting_bytes == 0 {
            tokio::task::yield_now().await;
        }
        if !write.is_finished() {
            break write;
        }
        write.await.expect("no panic").expect("there is room");
        stored += 1;
    };
    assert_eq!(rig.snapshot().rows(), stored * 2_000);
    rig.disk.heal();
    rig.store().flush().await.expect("flushed");
    let receipt = waiting.await.expect("no panic").expect("it waited for long enough");
    assert_eq!(receipt.rows, 2_000);
    assert_eq!(rig.snapshot().rows(), (stored + 1) * 2_000);
    assert_eq!(rig.store().statistics().waiting_bytes, 0);
}

/// Closes the store, and opens its log as it does.
fn journal_of(rig: &mut Rig) -> Journal {
    rig.store = None;
    let disk = Arc::new(rig.disk.clone());
    let dir = PathBuf::from("/store/journal");
    Journal::open(&dir, Options::default(), disk).expect("it opens").0
}

fn journal_file(rig: &Rig) -> PathBuf {
    let files = rig.disk.files();
    files.into_iter().rfind(|path| path.extension().is_some_and(|e| e == "journal")).expect("there")
}

/// Where the bytes of the last journal file end.
fn last_used(rig: &Rig) -> usize {
    let bytes = rig.disk.bytes(&journal_file(rig)).expect("there");
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}
