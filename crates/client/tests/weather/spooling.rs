//! The spool: what is on the device's disk, and what happens to it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use iobeam::{Error, RejectedFolder, Timestamp, WhenFull};
use iobeam_testkit::{Chance, Fault, FaultyDisk, Operation};

use crate::fake::{Fake, Weather};

fn at(row: i64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + row)
}

fn fake() -> Fake {
    let fake = Fake::start();
    fake.know(|known| known.devices.push("d".into()));
    fake
}

/// A client on a disk in memory, that does not wait long for anything.
fn builder(fake: &Fake, disk: &FaultyDisk) -> iobeam::Builder {
    fake.builder().device_id("d").spool("/spool").disk(Arc::new(disk.clone()))
}

#[test]
fn rows_survive_the_end_of_the_process_from_the_moment_add_returned() {
    let fake = fake();
    let mut disk = FaultyDisk::new(1);
    let mut row = 0;
    for round in 0..20 {
        let client = builder(&fake, &disk).build().expect("the spool opens");
        let store = client.create_data_store(&["v"]).expect("a store");
        for _ in 0..7 {
            store.add(at(row), [("v", row as f64)]).expect("room");
            row += 1;
        }
        if round % 3 == 1 {
            client.flush().expect("room");
            store.add(at(row), [("v", row as f64)]).expect("room");
            row += 1;
        }
        if round % 4 == 2 {
            client.send().expect("fine weather");
        }
        disk = disk.crash();
    }
    let client = builder(&fake, &disk).build().expect("the spool opens");
    client.send().expect("fine weather");
    let expected: Vec<f64> = (0..row).map(|row| row as f64).collect();
    assert_eq!(fake.values("v"), expected);
}

#[test]
fn rows_survive_a_power_cut_from_the_moment_flush_returned() {
    for seed in 0..30 {
        let fake = fake();
        let mut disk = FaultyDisk::new(seed);
        let mut chance = Chance::new(seed);
        let (mut row, mut flushed) = (0_i64, 0);
        for _ in 0..10 {
            let client = builder(&fake, &disk).build().expect("the spool opens");
            let store = client.create_data_store(&["v", "note"]).expect("a store");
            for _ in 0..chance.below(30) {
                store.add(at(row), [("v", row as f64)]).expect("room");
                row += 1;
            }
            client.flush().expect("room");
            flushed = flushed.max(row);
            if chance.flip() {
                fake.know(|known| known.weather.push_back(Weather::LostReply));
                client.send().expect("fine weather after a while");
            }
            store.add(at(row), [("v", row as f64)]).expect("room");
            row += 1;
            disk = disk.cut();
        }
        let client = builder(&fake, &disk).build().expect("the spool opens");
        client.send().expect("fine weather");
        let values = fake.values("v");
        let unique: std::collections::BTreeSet<i64> = values.iter().map(|v| *v as i64).collect();
        assert_eq!(unique.len(), values.len(), "seed {seed}: nothing came twice");
        // The row after each flush may be lost, nothing else.
        let lost = row - values.len() as i64;
        assert!(lost <= 10, "seed {seed}: {lost} rows are lost");
        assert!(flushed > 0);
    }
}

#[test]
fn a_second_client_on_the_same_spool_is_told_so() {
    let fake = fake();
    let dir = tempfile::tempdir().expect("a folder");
    let first = fake.builder().device_id("d").spool(dir.path()).build().expect("nobody has it");
    let refusal = fake.builder().device_id("d").spool(dir.path()).build().expect_err("in use");
    assert!(refusal.to_string().contains("in use by another process"), "{refusal}");
    assert!(refusal.is_locked());
    drop(first);
    fake.builder().device_id("d").spool(dir.path()).build().expect("it was given back");
}

#[test]
fn what_waits_is_listed_batch_by_batch() {
    let fake = fake();
    let disk = FaultyDisk::new(1);
    for spooled in [true, false] {
        let client = if spooled { builder(&fake, &disk) } else { fake.builder().device_id("d") };
        let client = client.build().expect("the spool opens");
        let store = client.create_data_store(&["v"]).expect("a store");
        for rows in 1..4 {
            (0..rows).for_each(|row| store.add(at(row), [("v", 1.0)]).expect("room"));
            client.flush().expect("room");
        }
        let rows = |client: &iobeam::Client| {
            let all = client.waiting().expect("readable");
            let names: std::collections::BTreeSet<_> = all.iter().map(|one| &one.name).collect();
            assert_eq!(names.len(), all.len(), "each has a name of its own");
            let bytes: u64 = all.iter().map(|one| one.bytes).sum();
            assert_eq!(bytes, client.status().waiting_bytes);
            all.iter().map(|one| one.rows).collect::<Vec<_>>()
        };
        assert_eq!(rows(&client), [1, 2, 3]);
        assert_eq!(rows(&client), [1, 2, 3], "looking changes nothing");
        client.send().expect("fine weather");
        assert_eq!(rows(&client), [0_u64; 0]);
    }
}

#[test]
fn a_spool_that_cannot_be_written_is_an_error_of_build() {
    let fake = fake();
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("file");
    std::fs::write(&file, "x").expect("writable");
    let refusal = fake.builder().spool(file.join("spool")).build().expect_err("below a file");
    assert!(refusal.to_string().starts_with("the spool cannot be used"), "{refusal}");
}

#[test]
fn a_full_spool_refuses_and_loses_nothing_that_was_taken() {
    let fake = fake();
    fake.know(|known| known.always = Some((503, "")));
    let disk = FaultyDisk::new(1);
    let client =
        builder(&fake, &disk).spool_limit(2_000).batch_rows(50).build().expect("the spool opens");
    let store = client.create_data_store(&["v"]).expect("a store");
    let mut taken = Vec::new();
    let mut chance = Chance::new(3);
    let refusal = loop {
        let value = chance.fraction();
        match store.add(at(taken.len() as i64), [("v", value)]) {
            Ok(()) => taken.push(value),
            Err(error) => break error,
        }
        assert!(taken.len() < 10_000, "it never fills");
    };
    assert!(matches!(refusal, Error::Full { limit: 2_000, .. }), "{refusal}");
    fake.know(|known| known.always = None);
    client.send().expect("fine weather");
    assert_eq!(fake.values("v"), taken);
    store.add(at(20_000), [("v", 0.5)]).expect("there is room again");
    assert_eq!(client.status().dropped_rows, 0);
}

#[test]
fn a_full_spool_drops_the_oldest_or_the_newest_if_told_to_and_counts_them() {
    for policy in [WhenFull::DropOldest, WhenFull::DropNewest] {
        let fake = fake();
        let disk = FaultyDisk::new(1);
        let client = builder(&fake, &disk)
            .spool_limit(2_000)
            .batch_rows(50)
            .when_full(policy)
            .build()
            .expect("the spool opens");
        let store = client.create_data_store(&["v"]).expect("a store");
        for row in 0..2_000 {
            store.add(at(row), [("v", row as f64)]).expect("never refuses");
        }
        client.flush().expect("never refuses");
        assert!(client.status().waiting_bytes <= 2_000);
        let dropped = client.status().dropped_rows;
        client.send().expect("fine weather");
        let values = fake.values("v");
        assert_eq!(values.len() as u64 + dropped, 2_000, "{policy:?}: each row is sent or counted");
        assert!(dropped > 0, "{policy:?}");
        let kept = if policy == WhenFull::DropOldest { 1_999.0 } else { 0.0 };
        assert!(values.contains(&kept), "{policy:?}");
        // What was dropped does not come back at the next start.
        let disk = disk.crash();
        let client = builder(&fake, &disk).build().expect("the spool opens");
        client.send().expect("fine weather");
        assert_eq!(fake.values("v").len(), values.len());
    }
}

#[test]
fn a_full_disk_of_the_device_is_survived() {
    let fake = fake();
    fake.know(|known| known.always = Some((503, "")));
    let disk = FaultyDisk::new(1);
    let client = builder(&fake, &disk).batch_rows(100).build().expect("the spool opens");
    disk.set_capacity(Some(disk.used()));
    disk.fail_from_now(Operation::Write, Fault::NoSpace);
    let store = client.create_data_store(&["v"]).expect("a store");
    let full = store.add(at(0), [("v", 0.0)]).expect_err("not even the row fits");
    assert!(full.to_string().contains("cannot write"), "{full}");
    disk.heal();
    let mut taken = 0;
    let refusal = loop {
        match store.add(at(taken), [("v", taken as f64)]) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken < 100_000, "it never fills");
    };
    assert!(refusal.to_string().contains("disk is full") || matches!(refusal, Error::Full { .. }));
    disk.set_capacity(None);
    fake.know(|known| known.always = None);
    std::thread::sleep(Duration::from_millis(1_100));
    store.add(at(taken), [("v", taken as f64)]).expect("there is room again");
    client.send().expect("fine weather");
    assert_eq!(fake.values("v").len() as i64, taken + 1);
}

#[test]
fn a_damaged_spool_opens_and_says_what_is_amiss() {
    let fake = fake();
    let disk = FaultyDisk::new(1);
    let client = builder(&fake, &disk).build().expect("the spool opens");
    let store = client.create_data_store(&["v"]).expect("a store");
    for row in 0..5 {
        store.add(at(row), [("v", row as f64)]).expect("room");
        client.flush().expect("room");
    }
    let disk = disk.crash();
    let segment = Path::new("/spool/0000000001.journal");
    let mut bytes = disk.bytes(segment).expect("a segment");
    bytes[1100] ^= 1;
    disk.put(segment, bytes);
    let client = builder(&fake, &disk).build().expect("the spool opens all the same");
    assert_eq!(client.status().spool_damage.len(), 1);
    let store = client.create_data_store(&["v"]).expect("a store");
    store.add(at(9), [("v", 9.0)]).expect("room");
    client.send().expect("fine weather");
    assert_eq!(fake.values("v"), [1.0, 2.0, 3.0, 4.0, 9.0]);
    fake.know(|known| {
        let streams: std::collections::BTreeSet<_> =
            known.batches.keys().map(|(stream, _)| *stream).collect();
        assert_eq!(streams.len(), 2, "numbers of a damaged spool are not given out again");
    });
}

#[test]
fn a_rejected_batch_can_be_looked_at_resent_mended_and_dropped() {
    let fake = fake();
    fake.know(|known| known.bad = vec![1.0, 2.0, 3.0]);
    let dir = tempfile::tempdir().expect("a folder");
    let client = fake.builder().device_id("d").spool(dir.path()).build().expect("a client");
    let store = client.create_data_store(&["v"]).expect("a store");
    for row in 1..=4 {
        store.add(at(row), [("v", row as f64)]).expect("room");
        client.flush().expect("room");
    }
    client.send().expect("what can be sent is sent");
    assert_eq!(fake.values("v"), [4.0]);
    let folder = RejectedFolder::of_spool(dir.path());
    let list = folder.list().expect("readable");
    assert_eq!(list.len(), 3);
    assert!(list.iter().all(|batch| batch.message == "field 'v' is wrong" && batch.rows == 1));
    let batch = folder.batch(&list[1].name).expect("readable");
    assert_eq!(batch.rows(), 1);

    fake.know(|known| known.bad = vec![2.0]);
    folder.resend(&list[0].name).expect("writable");
    let (namespace, times, _) = batch.into_parts();
    let device = iobeam::Texts::constant("d", 1);
    let columns =
        [("v", iobeam::Values::Double(vec![2.5])), ("device_id", iobeam::Values::String(device))];
    let columns = columns.map(|(name, values)| {
        iobeam::Column::new(name.parse().expect("a name"), values, None).expect("sound")
    });
    let mended = iobeam::Batch::new(namespace, times, columns.into()).expect("sound");
    folder.resend_mended(&list[1].name, &mended).expect("writable");
    folder.discard(&list[2].name).expect("writable");
    assert!(matches!(folder.batch(&list[2].name), Err(Error::NoSuchBatch(_))));
    assert!(matches!(folder.batch("../../etc/passwd"), Err(Error::NoSuchBatch(_))));
    client.send().expect("fine weather");
    assert_eq!(fake.values("v"), [1.0, 2.5, 4.0]);
    assert_eq!(folder.list().expect("readable"), []);
}

#[test]
fn what_waits_is_bounded_in_memory_and_goes_out_in_order() {
    let fake = fake();
    fake.know(|known| known.always = Some((503, "")));
    let disk = FaultyDisk::new(1);
    let client = builder(&fake, &disk).build().expect("the spool opens");
    let store = client.create_data_store(&["v"]).expect("a store");
    for row in 0..3_000 {
        store.add(at(row), [("v", row as f64)]).expect("room");
        if row % 3 == 0 {
            client.flush().expect("room");
        }
    }
    client.flush().expect("room");
    let status = client.status();
    assert_eq!((status.waiting_rows, status.waiting_batches), (3_000, 1_001));
    assert!(status.oldest.is_some());
    fake.know(|known| known.always = None);
    client.send().expect("fine weather");
    fake.know(|known| {
        let times: Vec<_> = known.rows.iter().map(|row| row.0).collect();
        assert!(times.is_sorted());
        assert_eq!(times.len(), 3_000);
        assert!(known.imports < 50, "{} requests for 1001 batches", known.imports);
    });
}

/// The child of the next test: adds rows until it is killed, and says which it added.
#[test]
fn child_that_adds_until_it_is_killed() {
    let Ok(dir) = std::env::var("IOBEAM_TEST_SPOOL") else { return };
    let variable = |name: &str| std::env::var(name).expect("the parent sets it");
    let client = iobeam::Client::builder(1, &crate::fake::good_token())
        .backend(variable("IOBEAM_TEST_BACKEND"))
        .device_id("d")
        .spool(dir)
        .batch_rows(50)
        .auto_send(Duration::from_millis(3))
        .build()
        .expect("the parent waited for the last child to end");
    let store = client.create_data_store(&["v"]).expect("a store");
    let mut row: i64 = variable("IOBEAM_TEST_FROM").parse().expect("a number");
    let mut out = std::io::stdout().lock();
    loop {
        store.add(at(row), [("v", row as f64)]).expect("room");
        writeln!(out, "\nadded {row}").expect("the parent reads");
        out.flush().expect("the parent reads");
        row += 1;
    }
}

#[test]
fn a_sender_killed_at_any_moment_loses_nothing_and_doubles_nothing() {
    let fake = fake();
    let dir = tempfile::tempdir().expect("a folder");
    let mut chance = Chance::new(11);
    let mut next = 0_i64;
    for cycle in 0..25 {
        if cycle % 5 == 3 {
            let lost = [Weather::LostReply, Weather::Status(503, ""), Weather::LostRequest];
            fake.know(|known| known.weather.extend(lost));
        }
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "spooling::child_that_adds_until_it_is_killed", "--nocapture"])
            .env("IOBEAM_TEST_SPOOL", dir.path())
            .env("IOBEAM_TEST_BACKEND", format!("http://{}", fake.address))
            .env("IOBEAM_TEST_FROM", next.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the child starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut rows = chance.below(400);
        for line in lines.map_while(Result::ok) {
            if let Some(row) = line.strip_prefix("added ") {
                next = next.max(row.parse::<i64>().expect("a number") + 1);
                if rows == 0 {
                    child.kill().expect("it runs");
                }
                rows = rows.saturating_sub(1);
            }
        }
        child.wait().expect("it ends");
        // The row that was on its way when the child was killed may have been taken or not.
        next += 1;
    }
    fake.know(|known| known.weather.clear());
    let client = fake.builder().device_id("d").spool(dir.path()).build().expect("a client");
    client.send().expect("fine weather");
    let mut rows: Vec<i64> = fake.values("v").iter().map(|value| *value as i64).collect();
    rows.sort_unstable();
    let count = rows.len();
    rows.dedup();
    assert_eq!(rows.len(), count, "nothing came twice");
    let missing: Vec<i64> = (0..next).filter(|row| rows.binary_search(row).is_err()).collect();
    // Of each cycle at most the one row after the last that was heard of.
    assert!(missing.len() <= 25, "missing: {missing:?}");
    assert!(count > 1_000, "{count} rows in all");
}
