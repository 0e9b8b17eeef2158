//! Tables: what stops half-way, and is written again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use iobeam::{Batch, Column, Event, FieldName, NamespaceName, Outcome, Texts, Timestamp, Values};

use crate::fake::{Fake, Weather};

/// Rows of the device `d`, and the last ones of another.
fn table(rows: usize, others: usize) -> Batch {
    let numbers = Values::Double((0..rows).map(|row| row as f64 + 0.5).collect());
    let device = |row| if row < rows - others { "d" } else { "ghost" };
    let devices = Values::String((0..rows).map(device).collect::<Texts>());
    let columns = vec![
        Column::new(FieldName::device_id(), devices, None).expect("sound"),
        Column::new("v".parse().expect("a name"), numbers, None).expect("sound"),
    ];
    Batch::new(NamespaceName::input(), (0..rows as i64).collect(), columns).expect("sound")
}

fn fake() -> Fake {
    let fake = Fake::start();
    fake.know(|known| known.devices.push("d".into()));
    fake
}

#[test]
fn a_table_refused_half_way_says_what_is_stored_and_is_stored_once_when_it_is_written_again() {
    let fake = fake();
    let write = |client: &iobeam::Client| {
        let mut transfer = client.transfer();
        transfer.write(table(120_000, 20_000), || Ok(())).expect("room");
        client.send().expect("what can be sent is sent");
        (transfer.outcome(), transfer.not_stored())
    };
    let client = fake.builder().device_id("d").build().expect("a client");
    let (outcome, not_stored) = write(&client);
    assert_eq!(
        (outcome.stored_rows, outcome.rejected_rows, outcome.waiting_rows),
        (100_000, 20_000, 0)
    );
    assert_eq!(not_stored, [(100_000, 120_000)]);
    assert_eq!(outcome.rejected.expect("a reason").status, 404);
    assert_eq!(fake.values("v").len(), 100_000);
    fake.know(|known| known.devices.push("ghost".into()));
    // Another process writes it again.
    drop(client);
    let client = fake.builder().device_id("d").build().expect("a client");
    let (outcome, not_stored) = write(&client);
    assert_eq!((outcome.stored_rows, outcome.rejected_rows), (120_000, 0));
    assert!(not_stored.is_empty());
    assert_eq!(fake.values("v").len(), 120_000, "each row once");
}

#[test]
fn a_table_whose_rows_wait_is_stored_once_when_it_is_written_again() {
    let fake = fake();
    let client = fake.builder().device_id("d").build().expect("a client");
    fake.know(|known| {
        known.weather.extend([Weather::LostReply, Weather::Status(503, "Retry-After: 60\r\n")]);
    });
    let mut transfer = client.transfer();
    transfer.write(table(10, 0), || Ok(())).expect("room");
    client.send_within(Duration::from_millis(300)).expect_err("the server is busy");
    assert_eq!(transfer.outcome(), Outcome { waiting_rows: 10, ..Outcome::default() });
    let mut again = client.transfer();
    again.write(table(10, 0), || Ok(())).expect("room");
    client.send().expect("fine weather");
    assert_eq!((transfer.outcome().stored_rows, again.outcome().stored_rows), (10, 10));
    assert_eq!(fake.values("v").len(), 10);
}

#[test]
fn equal_parts_of_one_table_are_all_stored_and_a_table_is_stored_again_when_that_is_wanted() {
    let fake = fake();
    let client = fake.builder().device_id("d").build().expect("a client");
    let mut transfer = client.transfer();
    for _ in 0..2 {
        transfer.write(table(5, 0), || Ok(())).expect("room");
    }
    client.send().expect("fine weather");
    assert_eq!(fake.values("v").len(), 10);
    let mut again = client.transfer().store_again().expect("random numbers");
    again.write(table(5, 0), || Ok(())).expect("room");
    client.send().expect("fine weather");
    assert_eq!(fake.values("v").len(), 15);
}

#[test]
fn what_nobody_waits_for_is_in_the_log_once_and_a_listener_hears_of_it() {
    let fake = fake();
    fake.know(|known| known.bad.push(13.0));
    let dir = tempfile::tempdir().expect("a folder");
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let events: Arc<Mutex<Vec<Event>>> = Arc::default();
    let (log, heard) = (Arc::clone(&lines), Arc::clone(&events));
    let client = fake
        .builder()
        .device_id("d")
        .spool(dir.path())
        .auto_send(Duration::from_millis(10))
        .on_log(move |level, line| log.lock().expect("no panic").push(format!("{level:?}: {line}")))
        .on_event(move |event| heard.lock().expect("no panic").push(event.clone()))
        .build()
        .expect("a client");
    let store = client.create_data_store(&["v"]).expect("a store");
    for row in 0..3 {
        store.add(Timestamp::from_micros(row), [("v", 13.0)]).expect("room");
        while client.status().rejected_batches <= row as u64 {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    let lines = lines.lock().expect("no panic").clone();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].starts_with(
            "Warning: the server refused a batch of 1 rows for good (400 field 'v' is wrong)"
        ),
        "{lines:?}"
    );
    let rejections = events.lock().expect("no panic");
    assert_eq!(
        rejections.iter().filter(|event| matches!(event, Event::Rejected { .. })).count(),
        3
    );
}

#[test]
fn a_column_whose_values_were_refused_takes_another_kind() {
    let fake = fake();
    fake.know(|known| known.always = Some((400, "")));
    let dir = tempfile::tempdir().expect("a folder");
    let client = fake.builder().device_id("d").spool(dir.path()).build().expect("a client");
    let store = client.create_data_store(&["v"]).expect("a store");
    store.add(Timestamp::from_micros(1), [("v", "unavailable")]).expect("room");
    store.add(Timestamp::from_micros(1), [("v", 5.0)]).expect_err("texts are in it");
    client.send().expect("set aside");
    fake.know(|known| known.always = None);
    store.add(Timestamp::from_micros(2), [("v", 21.5)]).expect("the texts are gone");
    client.send().expect("fine weather");
    assert_eq!(fake.values("v"), [21.5]);
}

#[test]
fn dropped_rows_are_told_of() {
    let fake = fake();
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&lines);
    let client = fake
        .builder()
        .device_id("d")
        .spool_limit(2_000)
        .when_full(iobeam::WhenFull::DropOldest)
        .on_log(move |_, line| log.lock().expect("no panic").push(line.to_owned()))
        .build()
        .expect("a client");
    let store = client.create_data_store(&["v"]).expect("a store");
    for row in 0..40 {
        store.add(Timestamp::from_micros(row), [("v", row as f64)]).expect("room is made");
        client.flush().expect("room is made");
    }
    assert!(client.status().dropped_rows > 0);
    let lines = lines.lock().expect("no panic");
    assert!(lines.len() == 1 && lines[0].contains("were dropped"), "{lines:?}");
}
