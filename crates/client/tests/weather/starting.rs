//! Building a client: what is checked, and how the device comes to its id.

use std::sync::{Arc, Mutex};

use iobeam::{Client, Error, TimeUnit, Timestamp};

use crate::fake::{Fake, good_token};

fn refusal(builder: iobeam::Builder) -> String {
    builder.build().expect_err("it is wrong").to_string()
}

#[test]
fn wrong_arguments_are_refused_with_what_would_be_right() {
    let fake = Fake::start();
    assert_eq!(
        refusal(Client::builder(0, &good_token())),
        "the project id \"0\" is wrong: it must be a whole number from 1 to 4294967295"
    );
    assert_eq!(
        refusal(Client::builder(1, "not.a.token")),
        "the project token \"(not shown)\" is wrong: it is not a JWT; copy it whole, with both dots"
    );
    assert_eq!(refusal(Client::builder(1, " ")), "the project token \"\" is wrong: it is empty");
    assert!(refusal(fake.builder().device_id("a b")).contains("' ' at position 2"));
    assert!(refusal(fake.builder().backend("ftp://a")).contains("must begin with http://"));
    let client = fake.builder().build().expect("a client");
    for columns in [&["time"][..], &["Time_Offset"], &["ALL"], &[""], &[], &["a", "a"]] {
        assert!(client.create_data_store(columns).is_err(), "{columns:?}");
    }
    let refusal = client.create_data_store(&["temp", "Temp"]).expect_err("one field");
    assert_eq!(
        refusal.to_string(),
        "the columns 'temp' and 'Temp' differ in letter case alone, and are one field; leave one out"
    );
    let store = client.create_data_store(&["a"]).expect("a store");
    let now = TimeUnit::Milliseconds.timestamp(1).expect("in range");
    let unknown = store.add(now, [("b", 1.0)]).expect_err("no such column");
    assert_eq!(unknown.to_string(), "the store has no column \"b\"; it has a");
    let twice = store.add(now, [("a", 1.0), ("a", 2.0)]).expect_err("which one is meant?");
    assert!(twice.to_string().contains("'a'"), "{twice}");
    let empty: [(&str, f64); 0] = [];
    assert!(matches!(store.add(now, empty), Err(Error::EmptyRow { .. })));
    store.add(now, [("a", 1.0)]).expect("room");
    assert!(matches!(client.send(), Err(Error::NoDevice)));
}

#[test]
fn a_registered_id_is_kept_in_its_file_and_not_registered_again() {
    let fake = Fake::start();
    let dir = tempfile::tempdir().expect("a folder");
    let build = || fake.builder().save_to_disk(dir.path()).register_device().build();
    assert_eq!(
        build().expect("a client").device_id().expect("an id").as_str(),
        "made-by-the-server"
    );
    let text = std::fs::read_to_string(dir.path().join("iobeam_device_id")).expect("it is there");
    assert_eq!(text, "made-by-the-server");
    build().expect("a client");
    let count =
        || fake.know(|known| known.requests.iter().filter(|line| line.contains("devices")).count());
    assert_eq!(count(), 1);
    // Another id is registered and replaces the stored one.
    let client = fake
        .builder()
        .save_to_disk(dir.path())
        .register_device_with_id("other")
        .build()
        .expect("a client");
    assert_eq!(client.device_id().expect("an id").as_str(), "other");
    let text = std::fs::read_to_string(dir.path().join("iobeam_device_id")).expect("it is there");
    assert_eq!((text.as_str(), count()), ("other", 2));
}

#[test]
fn a_taken_id_is_refused_or_taken_over() {
    let fake = Fake::start();
    fake.know(|known| known.devices.push("taken".into()));
    let error = fake.builder().register_device_with_id("taken").build().expect_err("taken");
    assert!(matches!(error, Error::DuplicateId(_)), "{error}");
    let client = fake.builder().register_or_set_id("taken").build().expect("taken over");
    assert_eq!(client.device_id().expect("an id").as_str(), "taken");
}

#[test]
fn without_a_server_a_device_with_a_spool_begins_all_the_same_and_registers_later() {
    let away = Fake::start();
    let address = away.address.clone();
    drop(away);
    // Nobody listens at this port.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = nobody.local_addr().expect("an address").to_string();
    drop(nobody);
    let dir = tempfile::tempdir().expect("a folder");
    let build = |address: &str| {
        Client::builder(1, &good_token())
            .backend(format!("http://{address}"))
            .save_to_disk(dir.path())
            .spool(dir.path().join("spool"))
            .register_device()
            .build()
    };
    let client = build(&port).expect("it begins");
    let id = client.device_id().expect("it made itself an id");
    let store = client.create_data_store(&["v"]).expect("a store");
    store.add(Timestamp::from_micros(5), [("v", 1.0)]).expect("room");
    client.send_within(std::time::Duration::from_millis(100)).expect_err("nobody is there");
    drop((store, client));
    let fake = Fake::start();
    assert_ne!(fake.address, address);
    let client = build(&fake.address).expect("it begins");
    client.send().expect("registered and sent");
    assert_eq!(fake.know(|known| known.devices.clone()), [id.as_str().to_owned()]);
    assert_eq!(fake.values("v"), [1.0]);
    let bare =
        Client::builder(1, &good_token()).backend(format!("http://{port}")).register_device();
    assert!(bare.build().is_err(), "without a spool nothing is promised");
}

#[test]
fn the_token_is_in_no_debug_output() {
    let fake = Fake::start();
    let builder = fake.builder().device_id("d");
    assert!(!format!("{builder:?}").contains(&good_token()));
    let client = builder.build().expect("a client");
    assert!(!format!("{client:?}").contains(&good_token()));
}

#[test]
fn the_client_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + Clone>() {}
    shared::<Client>();
    shared::<iobeam::DataStore>();
}

/// What a power cut, an editor or another program leaves of a file.
const DAMAGE: [&[u8]; 5] = [&[0; 12], b"dev\0\0", b"\xff\xfed", b"\xc3\x28", b"a b"];

#[test]
fn a_damaged_id_is_kept_aside_and_the_device_registers_anew_with_a_warning() {
    let fake = Fake::start();
    for damage in DAMAGE {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("iobeam_device_id");
        std::fs::write(&path, damage).expect("writable");
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&lines);
        fake.know(|known| known.devices.clear());
        let client = fake
            .builder()
            .save_to_disk(dir.path())
            .register_device()
            .on_log(move |_, line| log.lock().expect("no panic").push(line.to_owned()))
            .build()
            .expect("it starts");
        assert_eq!(client.device_id().expect("an id").as_str(), "made-by-the-server");
        assert_eq!(std::fs::read(&path).expect("there"), b"made-by-the-server");
        let aside = dir.path().join("iobeam_device_id.damaged");
        assert_eq!(std::fs::read(&aside).expect("kept"), damage);
        let lines = lines.lock().expect("no panic").clone();
        assert!(lines.len() == 1 && lines[0].contains("iobeam_device_id.damaged"), "{lines:?}");
        assert_eq!(client.status().spool_damage, lines);
        drop(client);
        fake.builder().save_to_disk(dir.path()).build().expect("it is as ever the next time");
    }
}

#[test]
fn a_damaged_id_of_a_device_that_may_not_register_is_an_error_whose_remedies_work() {
    let fake = Fake::start();
    for damage in DAMAGE {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("iobeam_device_id");
        let spoil = || std::fs::write(&path, damage).expect("writable");
        spoil();
        let build = || fake.builder().save_to_disk(dir.path()).build();
        let refusal = build().expect_err("whose readings would these be?").to_string();
        assert!(refusal.contains("iobeam_device_id does not hold a device id"), "{refusal}");
        std::fs::write(&path, "d").expect("the remedy it names first");
        assert_eq!(build().expect("it starts").device_id().expect("an id").as_str(), "d");
        spoil();
        std::fs::remove_file(&path).expect("the second");
        fake.know(|known| known.devices.clear());
        fake.builder().save_to_disk(dir.path()).register_device().build().expect("it registers");
        spoil();
        let client = fake.builder().save_to_disk(dir.path()).device_id("set").build();
        assert_eq!(client.expect("it was told").device_id().expect("an id").as_str(), "set");
    }
}

#[test]
fn no_damaged_file_of_a_spool_keeps_a_device_from_starting_and_sending() {
    let fake = Fake::start();
    fake.know(|known| known.devices.push("d".into()));
    let build =
        |dir: &std::path::Path| fake.builder().device_id("d").spool(dir).on_log(|_, _| {}).build();
    let files = |dir: &std::path::Path| {
        let all = std::fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("one").path());
        let mut all: Vec<_> = all.filter(|path| path.is_file()).collect();
        all.sort();
        all
    };
    let mut tried = 0;
    for place in 0.. {
        let mut there = false;
        for damage in [&b""[..], &[0; 4096], &[0xff; 4096], b"\xef\xbb\xbfdev", &[b'x'; 7]] {
            let dir = tempfile::tempdir().expect("a folder");
            let client = build(dir.path()).expect("it starts");
            let store = client.create_data_store(&["v"]).expect("a store");
            store.add(Timestamp::from_micros(1), [("v", 1.0)]).expect("room");
            client.flush().expect("room");
            store.add(Timestamp::from_micros(2), [("v", 2.0)]).expect("room");
            std::mem::forget((store, client.clone()));
            let resend = dir.path().join("resend");
            std::fs::create_dir(&resend).expect("a folder");
            std::fs::write(resend.join("x.batch"), damage).expect("writable");
            // The process is gone, and with it its locks.
            let copy = tempfile::tempdir().expect("a folder");
            copy_folder(dir.path(), copy.path());
            let Some(file) = files(copy.path()).into_iter().nth(place) else { break };
            there = true;
            tried += 1;
            std::fs::write(&file, damage).expect("writable");
            let client = build(copy.path())
                .unwrap_or_else(|error| panic!("{} full of {damage:?}: {error}", file.display()));
            let store = client.create_data_store(&["v"]).expect("a store");
            store.add(Timestamp::from_micros(3), [("v", 3.0)]).expect("room");
            client.send().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            assert!(fake.values("v").contains(&3.0), "{}", file.display());
            fake.know(|known| known.rows.clear());
        }
        if !there {
            break;
        }
    }
    assert!(tried >= 15, "only {tried} files were tried");
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let there = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            std::fs::create_dir_all(&there).expect("a folder");
            copy_folder(&path, &there);
        } else {
            std::fs::copy(&path, &there).expect("readable");
        }
    }
}

#[test]
fn a_refused_batch_whose_reason_is_damaged_is_still_listed_and_sent_again() {
    let fake = Fake::start();
    fake.know(|known| {
        known.devices.push("d".into());
        known.bad.push(13.0);
    });
    let dir = tempfile::tempdir().expect("a folder");
    let client = fake.builder().device_id("d").spool(dir.path()).build().expect("a client");
    let store = client.create_data_store(&["v"]).expect("a store");
    store.add(Timestamp::from_micros(1), [("v", 13.0)]).expect("room");
    client.send().expect("set aside");
    let name = client.rejected().expect("a list")[0].name.clone();
    let reason = dir.path().join(format!("rejected/{name}.json"));
    std::fs::write(&reason, [0; 9]).expect("writable");
    let listed = client.rejected().expect("a list");
    assert_eq!((listed.len(), listed[0].rows, &listed[0].name), (1, 1, &name));
    assert!(listed[0].message.contains("is damaged"), "{}", listed[0].message);
    fake.know(|known| known.bad.clear());
    client.rejected_folder().expect("a spool").resend(&name).expect("it is there");
    client.send().expect("fine weather");
    assert_eq!(fake.values("v"), [13.0]);
}
