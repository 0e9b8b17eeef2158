//! What the server answers, and what the client makes of it.

use std::time::{Duration, Instant};

use iobeam::{Error, Remedy, Timestamp};

use crate::fake::{Fake, Weather, good_token, token};

fn at(row: i64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + row)
}

#[test]
fn what_was_added_arrives_with_the_devices_id() {
    let fake = Fake::start();
    let client = fake.builder().register_device().build().expect("a client");
    assert_eq!(client.device_id().expect("registered").as_str(), "made-by-the-server");
    let store = client.create_data_store(&["v", "note"]).expect("a store");
    store.add(at(0), [("v", 1.5)]).expect("room");
    store.add(at(1), [("note", "x")]).expect("room");
    assert_eq!(client.send().expect("fine weather"), 2);
    fake.know(|known| {
        assert_eq!(known.rows.len(), 2);
        assert!(known.rows.iter().all(|row| row.1 == "made-by-the-server"));
    });
    assert_eq!(client.send().expect("nothing to do"), 0);
    let status = client.status();
    assert_eq!((status.sent_rows, status.waiting_rows, status.collected_rows), (2, 0, 0));
}

#[test]
fn busy_servers_and_lost_replies_cost_time_and_neither_lose_nor_double_rows() {
    let fake = Fake::start();
    fake.know(|known| {
        known.devices.push("d".into());
        known.weather.extend([
            Weather::Status(503, "Retry-After: 1\r\n"),
            Weather::LostReply,
            Weather::Status(429, ""),
            Weather::LostRequest,
            Weather::Status(507, "Retry-After: 0\r\n"),
            Weather::Slow(Duration::from_secs(3)),
        ]);
    });
    let client = fake.builder().device_id("d").build().expect("a client");
    let store = client.create_data_store(&["v"]).expect("a store");
    store.add(at(0), [("v", 1.0)]).expect("room");
    let begun = now();
    client.send().expect("the weather clears up");
    assert!(now() - begun >= Duration::from_secs(1), "Retry-After is honoured");
    assert_eq!(fake.values("v"), [1.0]);
    fake.know(|known| {
        let times: Vec<_> = known.batches.values().copied().collect();
        assert_eq!(times, [3], "one batch, under one number, each time");
    });
}

#[expect(clippy::disallowed_methods, reason = "a test of real waiting")]
fn now() -> Instant {
    Instant::now()
}

#[test]
fn send_gives_up_at_its_deadline_and_keeps_everything() {
    let fake = Fake::start();
    fake.know(|known| {
        known.devices.push("d".into());
        known.always = Some((503, "Retry-After: 30\r\n"));
    });
    let client = fake.builder().device_id("d").build().expect("a client");
    let store = client.create_data_store(&["v"]).expect("a store");
    store.add(at(0), [("v", 1.0)]).expect("room");
    let begun = now();
    let error = client.send_within(Duration::from_secs(1)).expect_err("the server is busy");
    assert!(now() - begun < Duration::from_secs(25), "not as long as the server asked for");
    assert!(matches!(error, Error::Deadline { rows: 1, .. }), "{error}");
    assert_eq!(error.remedy(), Remedy::Retry);
    assert_eq!(client.status().waiting_rows, 1);
    assert!(client.status().last_error.is_some());
    fake.know(|known| known.always = None);
    client.send().expect("fine weather");
    assert_eq!(fake.values("v"), [1.0]);
    assert_eq!(client.status().last_error, None);
}

#[test]
fn a_refused_batch_is_set_aside_alone_and_the_queue_goes_on() {
    let fake = Fake::start();
    fake.know(|known| {
        known.devices.push("d".into());
        known.bad.push(13.0);
    });
    let client = fake.builder().device_id("d").build().expect("a client");
    let store = client.create_data_store(&["v"]).expect("a store");
    for row in [12, 13, 14] {
        store.add(at(row), [("v", row as f64)]).expect("room");
        client.flush().expect("room");
    }
    client.send().expect("what can be sent is sent");
    assert_eq!(fake.values("v"), [12.0, 14.0]);
    let rejected = client.rejected().expect("a list");
    assert_eq!(rejected.len(), 1);
    assert_eq!((rejected[0].status, rejected[0].code, rejected[0].rows), (400, 21, 1));
    assert_eq!(rejected[0].message, "field 'v' is wrong");
    let status = client.status();
    assert_eq!((status.rejected_batches, status.waiting_batches), (1, 0));
}

#[test]
fn a_token_that_ends_soon_is_refreshed_and_the_new_one_is_used() {
    let fake = Fake::start();
    let old = token(5, 1);
    let client = iobeam::Client::builder(1, &old)
        .backend(format!("http://{}", fake.address))
        .register_device()
        .build()
        .expect("the old token is not even known to the server");
    assert_ne!(client.project_token(), old);
    let store = client.create_data_store(&["v"]).expect("a store");
    store.add(at(0), [("v", 1.0)]).expect("room");
    client.send().expect("with the new token");
    let refreshes = fake
        .know(|known| known.requests.iter().filter(|line| line.contains("tokens/project")).count());
    assert_eq!(refreshes, 1);
}

#[test]
fn a_token_that_was_revoked_is_refreshed_once_and_then_everything_is_kept() {
    let fake = Fake::start();
    fake.know(|known| {
        known.devices.push("d".into());
        known.tokens.clear();
        known.refresh_status = Some(401);
    });
    let client = fake.builder().device_id("d").build().expect("a client");
    let store = client.create_data_store(&["v"]).expect("a store");
    store.add(at(0), [("v", 1.0)]).expect("room");
    let error = client.send().expect_err("nobody knows the token");
    assert!(matches!(error, Error::Unauthorized(_)), "{error}");
    assert_eq!(client.status().waiting_rows, 1);
    fake.know(|known| known.tokens.push(good_token()));
    client.send().expect("the operator helped");
    assert_eq!(fake.values("v"), [1.0]);
}

#[test]
fn a_server_that_is_away_for_a_while_gets_everything_in_the_background() {
    let fake = Fake::start();
    fake.know(|known| {
        known.devices.push("d".into());
        known.always = Some((502, ""));
    });
    let client = fake
        .builder()
        .device_id("d")
        .auto_send(Duration::from_millis(20))
        .build()
        .expect("a client");
    let store = client.create_data_store(&["v"]).expect("a store");
    for row in 0..100 {
        store.add(at(row), [("v", row as f64)]).expect("room");
    }
    until("the failure is told", || client.status().last_error.is_some());
    fake.know(|known| known.always = None);
    until("all rows arrived", || fake.values("v").len() == 100);
    until("all is counted", || client.status().sent_rows == 100);
    assert_eq!(client.status().last_error, None);
}

fn until(what: &str, done: impl Fn() -> bool) {
    let begun = now();
    while !done() {
        assert!(now() - begun < Duration::from_mins(2), "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn dropping_the_client_without_a_spool_sends_what_is_left() {
    let fake = Fake::start();
    fake.know(|known| known.devices.push("d".into()));
    let client = fake.builder().device_id("d").build().expect("a client");
    let store = client.create_data_store(&["v"]).expect("a store");
    store.add(at(0), [("v", 1.0)]).expect("room");
    drop(client);
    assert_eq!(fake.values("v"), [1.0]);
    let error = store.add(at(1), [("v", 2.0)]).expect_err("the client is gone");
    assert!(matches!(error, Error::Closed));
}

#[test]
fn dropping_the_client_never_hangs() {
    let fake = Fake::start();
    fake.know(|known| {
        known.devices.push("d".into());
        known.weather.push_back(Weather::Slow(Duration::from_secs(30)));
    });
    let client = fake
        .builder()
        .device_id("d")
        .timeouts(Duration::from_mins(1), Duration::from_mins(1))
        .close_deadline(Duration::from_secs(1))
        .build()
        .expect("a client");
    let store = client.create_data_store(&["v"]).expect("a store");
    store.add(at(0), [("v", 1.0)]).expect("room");
    let begun = now();
    drop(client);
    assert!(now() - begun < Duration::from_secs(25), "not as long as the server takes");
}

fn clocked(fake: &Fake, clock: &std::sync::Arc<iobeam_testkit::TestClock>) -> iobeam::Builder {
    fake.builder()
        .device_id("d")
        .clock(std::sync::Arc::<iobeam_testkit::TestClock>::clone(clock))
        .clock_from_server()
        .mark_clock()
}

/// What each row says of its time, by its value.
fn sources(fake: &Fake) -> Vec<(f64, i64, Option<String>)> {
    fake.know(|known| {
        let text = |value: &iobeam::Value| match value {
            iobeam::Value::String(text) => Some(text.to_string()),
            _ => None,
        };
        let row = |row: &(i64, String, std::collections::HashMap<String, iobeam::Value>)| {
            let Some(iobeam::Value::Double(value)) = row.2.get("v") else { panic!("no value") };
            (*value, row.0, row.2.get("clock_source").and_then(text))
        };
        let mut rows: Vec<_> = known.rows.iter().map(row).collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        rows
    })
}

#[test]
fn rows_of_a_boot_whose_clock_was_never_learnt_say_so() {
    let fake = Fake::start();
    fake.know(|known| {
        known.devices.push("d".into());
        known.always = Some((503, ""));
    });
    let disk = iobeam_testkit::FaultyDisk::new(1);
    let build = |disk: &iobeam_testkit::FaultyDisk| {
        // Each boot the clock begins in 1970.
        let clock = std::sync::Arc::new(iobeam_testkit::TestClock::at(Timestamp::from_micros(0)));
        let builder =
            clocked(&fake, &clock).spool("/spool").disk(std::sync::Arc::new(disk.clone()));
        (builder.build().expect("the spool opens"), clock)
    };
    let (client, clock) = build(&disk);
    let store = client.create_data_store(&["v"]).expect("a store");
    clock.advance(Duration::from_secs(5));
    store.add_now([("v", 1.0)]).expect("room");
    client.flush().expect("room");
    // This one is in no batch when the power goes.
    clock.advance(Duration::from_secs(5));
    store.add_now([("v", 2.0)]).expect("room");
    let (client, clock) = build(&disk.crash());
    let store = client.create_data_store(&["v"]).expect("a store");
    clock.advance(Duration::from_secs(5));
    store.add_now([("v", 3.0)]).expect("room");
    fake.know(|known| {
        known.always = None;
        known.time = Some(1_700_000_000_000_000);
    });
    client.send().expect("fine weather");
    let unset = || Some("unset".to_owned());
    assert_eq!(
        sources(&fake),
        [
            (1.0, 5_000_000, unset()),
            (2.0, 10_000_000, unset()),
            (3.0, 1_700_000_000_000_000, Some("corrected".to_owned())),
        ]
    );
    assert_eq!(client.status().unset_clock_rows, 2);
}

#[test]
fn rows_wait_for_the_clock_rather_than_leave_with_a_wrong_time() {
    let fake = Fake::start();
    fake.know(|known| known.devices.push("d".into()));
    let clock = std::sync::Arc::new(iobeam_testkit::TestClock::at(Timestamp::from_micros(0)));
    let client = clocked(&fake, &clock).build().expect("a client");
    let store = client.create_data_store(&["v"]).expect("a store");
    store.add_now([("v", 1.0)]).expect("room");
    // Imports would be taken, but the time is not told.
    let error = client.send_within(Duration::from_millis(300)).expect_err("the time is not known");
    assert_eq!(error.remedy(), Remedy::Retry);
    assert_eq!((sources(&fake).len(), client.status().waiting_rows), (0, 1));
    fake.know(|known| known.time = Some(1_700_000_000_000_000));
    client.send().expect("fine weather");
    assert_eq!(sources(&fake), [(1.0, 1_700_000_000_000_000, Some("corrected".to_owned()))]);
    assert_eq!(client.status().unset_clock_rows, 0);
}

#[test]
fn rows_before_the_clock_was_right_are_put_right() {
    let fake = Fake::start();
    fake.know(|known| {
        known.devices.push("d".into());
        known.always = Some((503, ""));
    });
    let clock = std::sync::Arc::new(iobeam_testkit::TestClock::at(Timestamp::from_micros(0)));
    let client = clocked(&fake, &clock).build().expect("a client");
    let store = client.create_data_store(&["v"]).expect("a store");
    store.add_now([("v", 1.0)]).expect("room");
    client.flush().expect("room");
    clock.advance(Duration::from_secs(100));
    fake.know(|known| {
        known.always = None;
        known.time = Some(1_700_000_000_000_000);
    });
    client.send().expect("fine weather");
    store.add_now([("v", 2.0)]).expect("room");
    client.send().expect("fine weather");
    fake.know(|known| {
        let rows: Vec<_> =
            known.rows.iter().map(|row| (row.0, row.2.get("clock_source"))).collect();
        assert_eq!(rows[0].0, 1_700_000_000_000_000 - 100_000_000);
        assert_eq!(rows[0].1, Some(&iobeam::Value::String("corrected".into())));
        assert_eq!(rows[1], (1_700_000_000_000_000, None));
    });
}
