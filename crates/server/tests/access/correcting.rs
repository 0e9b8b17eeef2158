//! Rows that are deleted, fields that change and namespaces that are emptied, over HTTP.

use std::sync::Arc;

use iobeam_catalog::{AuditFilter, Catalog};
use iobeam_model::SystemClock;
use serde_json::{Value, json};

use crate::platform::{Person, Platform};

pub(crate) struct Scene {
    pub(crate) platform: Platform,
    ada: Person,
    project: u64,
    pub(crate) token: String,
    input: u64,
}

pub(crate) fn scene() -> Scene {
    let platform = Platform::start();
    let ada = platform.person("ada");
    let project = platform.project(&ada, "glasshouse");
    let token = platform.token(&ada, project, "");
    for device in ["a", "b"] {
        platform.post("/v1/devices", &token, &json!({"device_id": device})).expect(201);
    }
    let list = platform.get("/v1/namespaces?name=input", &token).expect(200);
    let input = list["namespaces"][0]["namespace_id"].as_u64().expect("a number");
    Scene { platform, ada, project, token, input }
}

impl Scene {
    fn try_import(&self, device: &str, rows: &Value) -> crate::platform::Reply {
        let body = json!({
            "project_id": self.project, "namespace": "input", "labels": {"device_id": device},
            "data": {"fields": ["time", "t"], "values": rows},
        });
        self.platform.post("/v1/imports?fmt=table", &self.token, &body)
    }

    pub(crate) fn import(&self, device: &str, rows: &Value) {
        self.try_import(device, rows).expect(200);
    }

    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/namespaces/{}{rest}", self.input)
    }

    pub(crate) fn sql(&self, query: &str) -> Value {
        let reply = self.platform.post("/v1/sql", &self.token, &json!({"query": query}));
        reply.expect(200)["result"][0]["values"].clone()
    }

    pub(crate) fn delete_rows(&self, body: &Value) -> Value {
        self.platform.post(&self.path("/rows/delete"), &self.token, body).expect(200)
    }

    fn patch(&self, field: &str, body: &Value) -> Value {
        self.platform.patch(&self.path(&format!("/fields/{field}")), &self.token, body).expect(200)
    }
}

#[test]
fn rows_are_counted_then_deleted_by_time_device_and_conditions() {
    let scene = scene();
    scene.import("a", &json!([[1000, 1.0], [2000, 99.0], [3000, 3.0]]));
    scene.import("b", &json!([[1000, 99.0], [2000, 2.0]]));
    let wanted = json!({"from": 1500, "devices": ["a"], "where": ["ge(T,50)"], "dry_run": true});
    assert_eq!(scene.delete_rows(&wanted), json!({"rows": 1, "dry_run": true}));
    assert_eq!(scene.sql("SELECT count(*) FROM input"), json!([[5]]), "nothing was deleted");
    let wanted = json!({"from": 1500, "devices": ["a"], "where": ["ge(t,50)"]});
    let done = scene.delete_rows(&wanted);
    assert_eq!((&done["state"], &done["rows"]), (&json!("DONE"), &json!(1)));
    let left = "SELECT device_id, t FROM input ORDER BY device_id, time";
    assert_eq!(scene.sql(left), json!([["a", 1.0], ["a", 3.0], ["b", 99.0], ["b", 2.0]]));
    assert_eq!(scene.delete_rows(&wanted)["rows"], 0, "again, it finds nothing");
    scene.import("a", &json!([[2000, 98.0]]));
    assert_eq!(scene.sql("SELECT count(*) FROM input"), json!([[5]]), "what comes later stays");
    let latest = scene.platform.get("/v1/devices/a/latest", &scene.token).expect(200);
    assert_eq!(latest["values"][0]["value"], 3.0);
    let dated = json!({"to": "1970-01-01T00:00:01Z"});
    assert_eq!(scene.delete_rows(&dated)["rows"], 2, "a side may be a date, and the other open");
    let list = scene.platform.get(&scene.path("/corrections"), &scene.token).expect(200);
    assert_eq!(list["corrections"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_dry_run_counts_what_a_query_with_the_same_conditions_finds() {
    let scene = scene();
    let rows: Vec<Value> = (0..200).map(|n| json!([n * 10, f64::from(n % 23) - 11.5])).collect();
    scene.import("a", &json!(rows));
    scene.import("b", &json!([[5, -0.0], [6, 0.0], [7, 1]]));
    for condition in [
        "eq(t,0)",
        "lt(t,-3.5)",
        "le(t,-3.5)",
        "gt(t,-0)",
        "ge(t,11)",
        "eq(device_id,b)",
        "lt(device_id,b)",
    ] {
        let body = json!({"where": [condition], "dry_run": true});
        let counted = scene.delete_rows(&body)["rows"].as_u64();
        let found = scene
            .platform
            .get(&format!("/v1/data/input?where={condition}&time=0,99999999999999"), &scene.token);
        let found = found.expect(200)["result"][0]["values"].as_array().map(|it| it.len() as u64);
        assert_eq!(counted, found, "{condition}");
    }
}

#[test]
fn a_deletion_that_names_no_row_or_a_wrong_one_is_refused_with_the_way_out() {
    let scene = scene();
    scene.import("a", &json!([[1000, 1.0]]));
    let refused = |body: Value| {
        let reply = scene.platform.post(&scene.path("/rows/delete"), &scene.token, &body);
        reply.refused(400)["details"].as_str().unwrap_or_default().to_owned()
    };
    assert!(refused(json!({})).contains("truncate the namespace"));
    assert!(refused(json!({"where": ["eq(x,1)"]})).contains("has no field 'x'"));
    assert!(refused(json!({"where": ["eq(t,warm)"]})).contains("no number"));
    assert!(refused(json!({"from": "yesterday"})).contains("now()-2h"));
    assert!(refused(json!({"from": 5, "to": 1})).contains("swap"));
    assert!(refused(json!({"form": 5})).contains("form"));
    assert_eq!(scene.sql("SELECT count(*) FROM input"), json!([[1]]));
}

#[test]
fn only_an_admin_corrects_and_never_a_device() {
    let scene = scene();
    let (platform, rows) = (&scene.platform, json!({"to": 5}));
    for flags in ["&read=true&write=true", "&device_id=a&read=true&write=true&admin=true"] {
        let token = platform.token(&scene.ada, scene.project, flags);
        platform.post(&scene.path("/rows/delete"), &token, &rows).refused(403);
        platform.post(&scene.path("/truncate"), &token, &json!({})).refused(403);
        platform.patch(&scene.path("/fields/t"), &token, &json!({"name": "x"})).refused(403);
        platform.delete(&scene.path("/fields/t"), &token).refused(403);
        platform.get(&scene.path("/corrections"), &token).refused(403);
    }
}

#[test]
fn one_wrong_first_value_does_not_decide_a_fields_type_for_ever() {
    let scene = scene();
    scene.import("a", &json!([[1000, "unavailable"]]));
    let refused = scene.try_import("a", &json!([[2000, 21.5]]));
    let refused = refused.refused(400);
    let details = refused["details"].as_str().expect("details");
    assert!(details.contains("21.5 is not a STRING"), "{details}");
    assert!(details.contains("retype the field (PATCH /v1/namespaces/<id>/fields/t)"), "{details}");
    let done = scene.patch("t", &json!({"type": "DOUBLE"}));
    assert_eq!((&done["state"], &done["quarantined"]), (&json!("DONE"), &json!(1)));
    scene.import("a", &json!([[2000, 21.5]]));
    assert_eq!(scene.sql("SELECT t FROM input ORDER BY time"), json!([[null], [21.5]]));
    let kept = scene.path(&format!("/corrections/{}/quarantine", done["correction_id"]));
    let kept = scene.platform.get(&kept, &scene.token).expect(200);
    let value = json!({"time": 1000, "device": "a", "value": "unavailable"});
    assert_eq!(kept, json!({"quarantined": 1, "values": [value]}));
    let shown = scene.platform.get(&scene.path(""), &scene.token).expect(200);
    assert_eq!(shown["fields"]["t"], "DOUBLE");
    scene
        .platform
        .post(&scene.path("/rows/delete"), &scene.token, &json!({"to": 1000}))
        .expect(200);
    scene.platform.post(&scene.path("/truncate"), &scene.token, &json!({})).expect(200);
    let data = scene.platform.stop();
    let catalog = Catalog::open(
        &data.path().join("catalog.db"),
        iobeam_catalog::Settings::default(),
        Arc::new(SystemClock::new()),
    );
    let log = catalog.expect("it opens").audit_log(&AuditFilter::default(), 3).expect("readable");
    let nobody: Vec<_> =
        log.iter().filter(|row| row.actor.token.is_none() || row.actor.address.is_none()).collect();
    assert!(nobody.is_empty(), "who did this? {nobody:?}");
    let log: Vec<_> =
        log.iter().map(|row| (row.action.as_str(), row.details.to_string())).collect();
    let rows = r#"{"rows":{"conditions":[],"from":null,"to":1000999}}"#;
    let retype = r#"{"field":"t","to":"DOUBLE"}"#;
    assert_eq!(
        log,
        [
            ("rows.delete", r#"{"all":true,"count":1}"#.to_owned()),
            ("rows.delete", rows.to_owned()),
            ("field.retype", retype.to_owned()),
        ]
    );
}

#[test]
fn an_update_of_the_whole_namespace_retypes_a_field_and_never_undoes_an_unseen_change() {
    let scene = scene();
    scene.import("a", &json!([[1000, "unavailable"], [2000, "21.5"]]));
    let read = || scene.platform.get(&scene.path(""), &scene.token).expect(200);
    let put = |body: &Value| scene.platform.put(&scene.path(""), &scene.token, body);
    let mut wanted = read();
    wanted["fields"]["t"] = json!("DOUBLE");
    let mut blind = wanted.clone();
    blind.as_object_mut().expect("an object").remove("fields_version");
    let refused = put(&blind).refused(400);
    assert!(
        refused["details"].as_str().expect("details").contains("retype the field"),
        "{refused}"
    );
    put(&wanted).expect(204);
    assert_eq!(scene.sql("SELECT t FROM input ORDER BY time"), json!([[null], [21.5]]));
    let done = scene.platform.get(&scene.path("/corrections"), &scene.token).expect(200);
    let first = &done["corrections"][0];
    assert_eq!((&first["action"], &first["quarantined"]), (&json!("RETYPE_FIELD"), &json!(1)));
    let by = first["ordered_by"].as_str().expect("somebody");
    assert!(by.starts_with("user ") || by.starts_with("token "), "{by}");
    // Who read it before that would bring the old type back.
    let mut late = wanted.clone();
    late["fields"]["t"] = json!("STRING");
    let refused = put(&late).refused(409);
    assert!(refused["details"].as_str().expect("details").contains("read it again"), "{refused}");
    late = read();
    late["fields"]["t"] = json!("STRING");
    put(&late).expect(204);
    let both = json!([["t", "LONG"], ["u", "LONG"]]);
    let mut two = read();
    two["fields"]["u"] = json!("STRING");
    put(&two).expect(204);
    two = read();
    for field in both.as_array().expect("two") {
        two["fields"][field[0].as_str().expect("a name")] = field[1].clone();
    }
    let refused = put(&two).refused(400);
    assert!(refused["details"].as_str().expect("details").contains("one at a time"), "{refused}");
    let mut whose = read();
    whose["fields"]["device_id"] = json!("LONG");
    let refused = put(&whose).refused(400);
    assert!(refused["details"].as_str().expect("details").contains("partitioning"), "{refused}");
}

#[test]
fn a_field_is_renamed_and_dropped_and_its_names_are_free_again() {
    let scene = scene();
    scene.import("a", &json!([[1000, 1.5]]));
    let done = scene.patch("t", &json!({"name": "temperature"}));
    assert_eq!((&done["action"], &done["to"]), (&json!("RENAME_FIELD"), &json!("temperature")));
    assert_eq!(scene.sql("SELECT temperature FROM input"), json!([[1.5]]));
    scene.import("a", &json!([[2000, "text"]]));
    assert_eq!(
        scene.sql("SELECT temperature, t FROM input ORDER BY time"),
        json!([[1.5, null], [null, "text"]])
    );
    let taken = scene.path("/fields/t");
    scene.platform.patch(&taken, &scene.token, &json!({"name": "Temperature"})).refused(422);
    scene.platform.delete(&scene.path("/fields/temperature"), &scene.token).expect(200);
    assert_eq!(
        scene.sql("SELECT * FROM input WHERE time = to_timestamp_millis(1000)")[0]
            .as_array()
            .map(Vec::len),
        Some(3)
    );
    scene.platform.delete(&scene.path("/fields/temperature"), &scene.token).refused(404);
    for field in ["device_id", "nothing"] {
        let status = if field == "device_id" { 400 } else { 404 };
        scene
            .platform
            .delete(&scene.path(&format!("/fields/{field}")), &scene.token)
            .refused(status);
    }
    let both = json!({"name": "x", "type": "LONG"});
    scene.platform.patch(&scene.path("/fields/t"), &scene.token, &both).refused(400);
}

#[test]
fn input_cannot_be_deleted_and_is_emptied_instead() {
    let scene = scene();
    scene.import("a", &json!([[1000, 1.5], [2000, 2.5]]));
    let refused = scene.platform.delete(&scene.path(""), &scene.token).refused(400);
    let details = refused["details"].as_str().expect("details");
    assert!(details.contains("truncate it"), "{details}");
    let counted =
        scene.platform.post(&scene.path("/truncate"), &scene.token, &json!({"dry_run": true}));
    assert_eq!(counted.expect(200), json!({"rows": 2, "dry_run": true}));
    assert_eq!(scene.sql("SELECT count(*) FROM input"), json!([[2]]));
    let emptied = scene.platform.post(&scene.path("/truncate"), &scene.token, &json!({}));
    assert_eq!(emptied.expect(200), json!({"rows": 2, "dry_run": false}));
    assert_eq!(scene.sql("SELECT count(*) FROM input"), json!([[0]]));
    let shown = scene.platform.get(&scene.path(""), &scene.token).expect(200);
    assert_eq!(shown["fields"], json!({"device_id": "STRING", "t": "DOUBLE"}));
    scene.import("a", &json!([[1000, 1.5], [2000, 2.6]]));
    assert_eq!(scene.sql("SELECT count(*) FROM input"), json!([[2]]));
}
