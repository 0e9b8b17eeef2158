//! How long rows are kept, and what is told of them.

use iobeam_model::{Clock as _, SystemClock};
use iobeam_server::Config;
use serde_json::{Value, json};

use crate::platform::Platform;

const DAY: u64 = 86_400_000;

struct Scene {
    platform: Platform,
    project: u64,
    token: String,
    /// Milliseconds since 1970.
    now: u64,
}

fn scene(change: impl FnOnce(&mut Config)) -> Scene {
    let platform = Platform::start_with(change);
    let ada = platform.person("ada");
    let project = platform.project(&ada, "greenhouse");
    let token = platform.token(&ada, project, "");
    let now = u64::try_from(SystemClock::new().now().millis()).expect("after 1970");
    for device in ["boiler", "pump"] {
        platform.post("/v1/devices", &token, &json!({"device_id": device})).expect(201);
    }
    Scene { platform, project, token, now }
}

impl Scene {
    fn get(&self, path: &str) -> Value {
        self.platform.get(path, &self.token).expect(200)
    }

    fn input(&self) -> Value {
        self.get("/v1/namespaces?name=input")["namespaces"][0].clone()
    }

    fn path(&self) -> String {
        format!("/v1/namespaces/{}", self.input()["namespace_id"])
    }

    fn keep(&self, retention: &Value) {
        let body = json!({"retention": retention});
        self.platform.call("PUT", &self.path(), &self.token, &body).expect_empty(204);
    }

    /// Sends a reading of a device for each of so many days ago.
    fn import(&self, device: &str, days_ago: &[u64]) -> Value {
        let rows: Vec<Value> =
            days_ago.iter().map(|days| json!([self.now - days * DAY, days])).collect();
        let sources = json!({"fields": ["time", "days"], "data": rows});
        let body = json!({"project_id": self.project, "device_id": device, "sources": sources});
        self.platform.post("/v1/imports?fmt=table", &self.token, &body).expect(200)
    }

    /// How many days ago the readings were that are shown.
    fn shown(&self) -> Vec<u64> {
        let reply = self.get("/v1/data/input/days?limit=100");
        let rows = reply["result"][0]["values"].as_array().expect("rows").iter();
        let mut days: Vec<u64> =
            rows.map(|row| row[1].as_f64().expect("a number").round() as u64).collect();
        days.sort_unstable();
        days
    }
}

#[test]
fn a_retention_holds_at_once_is_shown_and_can_be_lifted() {
    let scene = scene(|_| {});
    assert_eq!(scene.input()["retention"], "default");
    assert_eq!(scene.input()["effective_retention"], "none");
    scene.import("boiler", &[1, 9, 11, 40]);
    scene.keep(&json!("10d"));
    assert_eq!(scene.input()["retention"], "10d");
    assert_eq!(scene.shown(), [1, 9]);
    let late = scene.import("boiler", &[2, 12]);
    assert_eq!((&late["stored"], &late["expired"]), (&json!(2), &json!(1)), "{late}");
    assert_eq!(scene.shown(), [1, 2, 9]);
    // The whole object goes back as it came, as some clients send it.
    let mut whole = scene.input();
    whole["labels"]["note"] = json!("x");
    scene.platform.call("PUT", &scene.path(), &scene.token, &whole).expect_empty(204);
    assert_eq!(scene.input()["retention"], "10d");
    scene.keep(&json!("none"));
    let fine = scene.import("boiler", &[100]);
    assert_eq!(fine.get("expired"), None);
    assert_eq!(scene.shown(), [1, 2, 9, 100]);
}

#[test]
fn the_settings_retention_is_that_of_namespaces_which_say_nothing() {
    let scene = scene(|config| config.storage.retention = "5d".parse().expect("a retention"));
    assert_eq!(scene.input()["effective_retention"], "5d");
    scene.keep(&json!(7 * 86_400));
    assert_eq!(scene.input()["retention"], "7d");
    scene.import("boiler", &[1, 6, 8]);
    assert_eq!(scene.shown(), [1, 6]);
    scene.keep(&json!("default"));
    assert_eq!(scene.shown(), [1]);
    let body = json!({"namespace_name": "weather", "retention": "P1W"});
    let made = scene.platform.post("/v1/namespaces", &scene.token, &body).expect(201);
    assert_eq!((&made["retention"], &made["effective_retention"]), (&json!("7d"), &json!("7d")));
}

#[test]
fn what_is_no_retention_is_refused_and_changes_nothing() {
    let scene = scene(|_| {});
    for wrong in [json!("soon"), json!(0), json!(-5), json!(1.5), json!(true), json!("")] {
        let body = json!({"retention": wrong, "labels": {"a": 1}});
        let refused = scene.platform.call("PUT", &scene.path(), &scene.token, &body).refused(400);
        assert!(refused.to_string().contains("is no retention"), "{refused}");
    }
    assert_eq!(scene.input()["labels"].get("a"), None);
}

#[test]
fn figures_are_exact_for_namespaces_and_devices() {
    let scene = scene(|_| {});
    let path = format!("{}/statistics", scene.path());
    let empty = scene.get(&path);
    assert_eq!((&empty["rows"], &empty["first_time"]), (&json!(0), &Value::Null));
    scene.import("boiler", &[1, 9, 11]);
    scene.import("pump", &[3]);
    let all = scene.get(&path);
    assert_eq!((&all["rows"], &all["memory_rows"]), (&json!(4), &json!(4)));
    assert_eq!(all["first_time"], scene.now - 11 * DAY);
    assert_eq!(all["last_time"], scene.now - DAY);
    assert_eq!((&all["effective_retention"], &all["keep_from"]), (&json!("none"), &Value::Null));
    let boiler = scene.get("/v1/devices/boiler/statistics?timefmt=sec");
    assert_eq!((&boiler["rows"], &boiler["namespaces"]["input"]["rows"]), (&json!(3), &json!(3)));
    assert_eq!(boiler["first_time"], (scene.now - 11 * DAY) / 1000);
    assert!(boiler["last_seen"].is_string());
    scene.keep(&json!("10d"));
    assert_eq!(scene.get(&path)["rows"], 3);
    assert!(scene.get(&path)["keep_from"].as_u64().expect("a time") >= scene.now - 10 * DAY);
    let list = scene.get("/v1/devices?statistics=True");
    let rows: Vec<&Value> = list["devices"].as_array().expect("devices").iter().collect();
    assert_eq!(rows[0]["statistics"]["rows"], 2);
    assert_eq!(rows[1]["statistics"]["first_time"], scene.now - 3 * DAY);
    assert_eq!(scene.get("/v1/devices")["devices"][0].get("statistics"), None);
    scene.platform.get("/v1/devices/nobody/statistics", &scene.token).refused(404);
    scene.platform.get("/v1/namespaces/4000000/statistics", &scene.token).refused(404);
    let wrong = "/v1/devices/boiler/statistics?timefmt=timeval";
    scene.platform.get(wrong, &scene.token).refused(400);
}
