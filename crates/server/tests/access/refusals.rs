//! Imports that were refused are kept for whoever misses readings.

use std::path::Path;
use std::sync::Arc;

use iobeam_journal::{Journal, Options, RealDisk, Seq};
use iobeam_model::{
    Batch, Column, FieldName, NamespaceName, ProjectId, SystemClock, Texts, Values,
};
use iobeam_store::{Incoming, Store, Write};
use serde_json::{Value, json};

use crate::platform::Platform;

fn import(platform: &Platform, token: &str, device: &str, rows: &Value) -> u16 {
    let sources = json!({"fields": ["time", "value"], "data": rows});
    let body = json!({"device_id": device, "sources": sources});
    platform.post("/v1/imports?fmt=table", token, &body).status
}

fn listed(platform: &Platform, token: &str, query: &str) -> Vec<Value> {
    let reply = platform.get(&format!("/v1/refusals{query}"), token).expect(200);
    reply["refusals"].as_array().expect("a list").clone()
}

#[test]
fn a_refused_import_is_listed_with_its_reason_also_after_a_restart() {
    let platform = Platform::start();
    let ada = platform.person("ada");
    let project = platform.project(&ada, "glasshouse");
    let token = platform.token(&ada, project, "");
    let other = platform.project(&ada, "other");
    let other = platform.token(&ada, other, "");
    platform.post("/v1/devices", &token, &json!({"device_id": "boiler"})).expect(201);
    assert_eq!(import(&platform, &token, "boiler", &json!([[1, 2.0]])), 200);
    assert_eq!(listed(&platform, &token, ""), Vec::<Value>::new(), "what was stored is no refusal");
    assert_eq!(import(&platform, &token, "boiler", &json!([[1, "warm"]])), 400);
    assert_eq!(import(&platform, &token, "<img src=x>", &json!([[1, 2.0]])), 400);
    assert_eq!(import(&platform, &token, "stranger", &json!([[1, 2.0]])), 404);
    platform
        .send(
            "POST",
            "/v1/imports",
            &[("Authorization", &format!("Bearer {token}"))],
            Some("{nonsense"),
        )
        .refused(400);
    let all = listed(&platform, &token, "");
    assert_eq!(all.len(), 4, "{all:?}");
    let boiler = listed(&platform, &token, "?device_id=boiler");
    assert_eq!(boiler.len(), 1);
    assert_eq!((&boiler[0]["status"], &boiler[0]["times"]), (&json!(400), &json!(1)));
    assert!(boiler[0]["message"].is_string() && boiler[0]["details"].is_string(), "{boiler:?}");
    assert!(boiler[0]["at"].as_str().expect("a time").ends_with('Z'));
    assert_eq!(listed(&platform, &token, "?device_id=stranger")[0]["status"], 404);
    assert!(
        all.iter().any(|refusal| refusal["device_id"].is_null()),
        "the one that cannot be read"
    );
    assert_eq!(listed(&platform, &token, "?count=2").len(), 2);
    assert_eq!(listed(&platform, &other, ""), Vec::<Value>::new());
    let platform = Platform::start_in(platform.stop(), |_| {});
    assert_eq!(listed(&platform, &token, ""), all);
}

#[test]
fn no_more_are_kept_than_the_setting_says() {
    let platform = Platform::start_with(|config| config.imports.rejections_kept = 3);
    let ada = platform.person("ada");
    let project = platform.project(&ada, "glasshouse");
    let token = platform.token(&ada, project, "");
    for device in ["a", "b", "c", "d", "e"] {
        assert_eq!(import(&platform, &token, device, &json!([[1, 2.0]])), 404);
        // Reading writes what waits, so that each is a change of its own.
        listed(&platform, &token, "");
    }
    let devices: Vec<Value> =
        listed(&platform, &token, "").iter().map(|refusal| refusal["device_id"].clone()).collect();
    assert_eq!(devices, [json!("e"), json!("d"), json!("c")]);
}

#[test]
fn what_was_refused_before_the_stop_is_written_by_it() {
    let platform = Platform::start();
    let ada = platform.person("ada");
    let project = platform.project(&ada, "glasshouse");
    let token = platform.token(&ada, project, "");
    for _ in 0..3 {
        assert_eq!(import(&platform, &token, "stranger", &json!([[1, 2.0]])), 404);
    }
    let platform = Platform::start_in(platform.stop(), |_| {});
    let times: u64 = listed(&platform, &token, "?device_id=stranger")
        .iter()
        .map(|refusal| refusal["times"].as_u64().expect("a number"))
        .sum();
    assert_eq!(times, 3);
}

/// What one import of a text wrote to the log of a store of its own.
fn record_of_a_text(device: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let text = |text: &str| Values::String(Texts::constant(text, 1));
    let columns = vec![
        Column::new(FieldName::device_id(), text(device), None).expect("texts"),
        Column::new("value".parse().expect("a name"), text("warm"), None).expect("texts"),
    ];
    let batch = Batch::new(NamespaceName::input(), vec![1], columns).expect("a batch");
    let incoming = Incoming { id: None, partition: FieldName::device_id(), batch, encoded: None };
    let project = ProjectId::new(1).expect("positive");
    let write = Write { project, batches: vec![incoming], body_hash: None };
    let settings = iobeam_store::Settings::new(folder.path());
    runtime.block_on(async {
        let (store, _) = Store::open(settings, Arc::new(SystemClock::new()), Arc::new(RealDisk))
            .expect("it opens");
        store.write(write).await.expect("stored");
        store.close().await.expect("closed");
    });
    let mut records = journal_in(folder.path()).read_from(Seq(0));
    records.next().expect("a record").expect("sound").payload
}

fn journal_in(folder: &Path) -> Journal {
    let dir = folder.join("journal");
    Journal::open(&dir, Options::default(), Arc::new(RealDisk)).expect("it opens").0
}

#[test]
fn rows_that_the_store_set_aside_are_told_of_their_device_once() {
    let platform = Platform::start();
    let ada = platform.person("ada");
    let project = platform.project(&ada, "glasshouse");
    assert_eq!(project, 1, "as the record says");
    let token = platform.token(&ada, project, "");
    platform.post("/v1/devices", &token, &json!({"device_id": "boiler"})).expect(201);
    assert_eq!(import(&platform, &token, "boiler", &json!([[1, 2.0]])), 200);
    let folder = platform.stop();
    let mut journal = journal_in(folder.path());
    // The field holds numbers already, so it cannot be applied.
    journal.append(1, &[record_of_a_text("boiler").as_slice()]).expect("appended");
    journal.sync().expect("synced");
    drop(journal);
    let platform = Platform::start_in(folder, |_| {});
    let told = listed(&platform, &token, "?device_id=boiler");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["status"], &told[0]["code"]), (&json!(500), &json!(1)));
    let details = told[0]["details"].as_str().expect("a text");
    assert!(details.contains("value") && details.contains("set-aside/"), "{details}");
    let name = details.split("set-aside/").nth(1).and_then(|rest| rest.split(';').next());
    let path = platform.data().join("set-aside").join(name.expect("a name"));
    assert!(path.is_file(), "{}", path.display());
    let platform = Platform::start_in(platform.stop(), |_| {});
    assert_eq!(listed(&platform, &token, ""), told, "the next start finds it again");
}

#[test]
fn a_device_whose_token_is_revoked_is_listed() {
    let platform = Platform::start();
    let ada = platform.person("ada");
    let project = platform.project(&ada, "glasshouse");
    let token = platform.token(&ada, project, "");
    platform.post("/v1/devices", &token, &json!({"device_id": "boiler"})).expect(201);
    let bound = platform.token(&ada, project, "&device_id=boiler");
    let tokens = platform.get("/v1/tokens", &ada.token).expect(200);
    let newest = &tokens["tokens"][0];
    assert_eq!(newest["device_id"], "boiler", "{newest}");
    let path = format!("/v1/tokens/{}", newest["token_id"]);
    platform.delete(&path, &ada.token).expect_empty(204);
    assert_eq!(import(&platform, &bound, "boiler", &json!([[1, 2.0]])), 401);
    assert_eq!(import(&platform, "not.a.token", "boiler", &json!([[1, 2.0]])), 401);
    let refused = listed(&platform, &token, "");
    assert_eq!(refused.len(), 1, "nobody knows whose a forged token is: {refused:?}");
    assert_eq!((&refused[0]["status"], &refused[0]["device_id"]), (&json!(401), &json!("boiler")));
}
