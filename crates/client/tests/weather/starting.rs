//! Building a client: what is checked, and how the device comes to its id.

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
    assert!(refusal(fake.builder().backend("localhost")).contains("must begin with http://"));
    let client = fake.builder().build().expect("a client");
    for columns in [&["time"][..], &["Time_Offset"], &["ALL"], &[""], &[], &["a", "a"]] {
        assert!(client.create_data_store(columns).is_err(), "{columns:?}");
    }
    let store = client.create_data_store(&["a"]).expect("a store");
    let now = TimeUnit::Milliseconds.timestamp(1).expect("in range");
    let unknown = store.add(now, [("b", 1.0)]).expect_err("no such column");
    assert_eq!(unknown.to_string(), "the store has no column \"b\"; it has a");
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
