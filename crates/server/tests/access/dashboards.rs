//! Dashboards, and what a link to one shows.

use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use crate::platform::{Platform, Reply};

/// A platform with a project, and a token for all of it.
fn scene() -> (Platform, String) {
    let platform = Platform::start_with(|config| config.dashboards.max_size = 4096);
    let ada = platform.person("ada");
    let project = platform.project(&ada, "glasshouse");
    let token = platform.token(&ada, project, "");
    (platform, token)
}

fn board() -> Value {
    json!({"refresh": "live", "panels": [
        {"id": "p1", "title": "Air", "kind": "chart", "x": 0, "y": 0, "w": 12, "h": 4,
         "query": {"fields": ["temperature"]}},
    ]})
}

fn create(platform: &Platform, token: &str) -> Value {
    let reply = platform.post("/v1/dashboards", token, &json!({"name": "Air", "board": board()}));
    let made = reply.expect(201);
    let location = format!("/v1/dashboards/{}", made["dashboard_id"]);
    assert_eq!(reply.headers["location"], location.as_str());
    made
}

fn share(platform: &Platform, token: &str, path: &str, body: &Value) -> (Value, String) {
    let made = platform.post(path, token, body).expect(201);
    let key = format!("Share {}", made["key"].as_str().expect("a key"));
    (made["share_id"].clone(), key)
}

fn ids(reply: &Reply) -> Vec<Value> {
    let list = reply.expect(200);
    let list = list["dashboards"].as_array().expect("a list");
    list.iter().map(|dashboard| dashboard["dashboard_id"].clone()).collect()
}

#[test]
fn a_dashboard_is_made_listed_changed_and_deleted() {
    let (platform, token) = scene();
    let made = create(&platform, &token);
    let path = format!("/v1/dashboards/{}", made["dashboard_id"]);
    assert_eq!(made["version"], 1);
    assert_eq!(made["board"]["panels"][0]["query"]["fields"], json!(["temperature"]));
    assert_eq!(platform.get(&path, &token).expect(200), made);
    let listed = platform.get("/v1/dashboards", &token).expect(200)["dashboards"][0].clone();
    assert_eq!(listed["panels"], 1);
    assert_eq!(listed["shares"], 0);
    assert!(listed["created"].is_string() && listed["board"].is_null(), "{listed}");
    let change = json!({"name": "Soil", "version": 1});
    let after = platform.put(&path, &token, &change).expect(200);
    assert_eq!((&after["name"], &after["version"]), (&json!("Soil"), &json!(2)));
    assert_eq!(after["board"], made["board"], "what is absent stays");
    let late = platform.put(&path, &token, &json!({"board": {}, "version": 1})).refused(409);
    assert!(late["details"].as_str().expect("a text").contains("version 2"), "{late}");
    platform.delete(&path, &token).expect_empty(204);
    platform.get(&path, &token).refused(404);
    assert!(ids(&platform.get("/v1/dashboards", &token)).is_empty());
}

#[test]
fn what_is_wrong_with_a_board_is_told_with_its_place() {
    let (platform, token) = scene();
    let refuse = |body: Value| {
        let error = platform.post("/v1/dashboards", &token, &body).refused(400);
        error["details"].as_str().expect("a text").to_owned()
    };
    let mut wrong = board();
    wrong["panels"][0]["query"]["fields"][0] = json!("no blanks");
    let told = refuse(json!({"name": "x", "board": wrong}));
    assert!(told.starts_with("board.panels[0].query.fields[0]: "), "{told}");
    assert!(refuse(json!({"name": " ", "board": {}})).contains("name"), "an empty name");
    assert!(refuse(json!({"name": "x"})).contains("board"), "no board");
    let large = json!({"panels": [], "refresh": "x".repeat(5000)});
    assert!(refuse(json!({"name": "x", "board": large})).contains("dashboard-size"));
    assert!(ids(&platform.get("/v1/dashboards", &token)).is_empty());
}

#[test]
fn a_token_of_a_device_neither_sees_nor_changes_a_dashboard() {
    let (platform, token) = scene();
    let made = create(&platform, &token);
    let path = format!("/v1/dashboards/{}", made["dashboard_id"]);
    let body = json!({"device_id": "boiler"});
    platform.post("/v1/devices", &token, &body).expect(201);
    let ada = platform.log_in("ada", crate::platform::PASSWORD).expect(200)["token"].clone();
    let query =
        format!("/v1/tokens/project?project_id={}&device_id=boiler", project_of(&platform, &token));
    let bound = platform.get(&query, ada.as_str().expect("a token")).expect(200)["token"].clone();
    let bound = bound.as_str().expect("a token");
    platform.get(&path, bound).refused(403);
    platform.post("/v1/dashboards", bound, &json!({"name": "x", "board": {}})).refused(403);
    platform.put(&path, bound, &json!({"version": 1, "name": "x"})).refused(403);
    platform.delete(&path, bound).refused(403);
}

fn project_of(platform: &Platform, token: &str) -> Value {
    platform.get("/v1/namespaces", token).expect(200)["namespaces"][0]["project_id"].clone()
}

#[test]
fn a_link_shows_its_dashboard_until_it_is_revoked() {
    let (platform, token) = scene();
    let made = create(&platform, &token);
    let path = format!("/v1/dashboards/{}/shares", made["dashboard_id"]);
    let (id, key) = share(&platform, &token, &path, &json!({}));
    let seen = platform.get("/v1/shared", &key).expect(200);
    assert_eq!(seen["dashboard"], made);
    assert_eq!(seen["project_name"], "glasshouse");
    let listed = platform.get(&path, &token).expect(200)["shares"][0].clone();
    assert_eq!(listed["share_id"], id);
    assert!(listed["last_used"].is_string() && listed["expires"].is_null(), "{listed}");
    assert!(!listed.to_string().contains(key.trim_start_matches("Share ")), "shown once");
    // Neither its address nor another scheme opens anything with the key.
    let bare = key.trim_start_matches("Share ");
    platform.get(&format!("/v1/shared?key={bare}"), "").refused(401);
    platform.get("/v1/shared", bare).refused(401);
    platform.delete(&format!("{path}/{id}"), &token).expect_empty(204);
    let gone = platform.get("/v1/shared", &key).refused(401);
    assert_eq!(gone["message"], "The link shows nothing any more");
    platform.delete(&format!("{path}/{id}"), &token).refused(404);
}

#[test]
fn a_link_runs_out_and_goes_with_its_dashboard() {
    let (platform, token) = scene();
    let made = create(&platform, &token);
    let board = format!("/v1/dashboards/{}", made["dashboard_id"]);
    let path = format!("{board}/shares");
    for wrong in [
        json!({"expires": "soon"}),
        json!({"expires": "2001-01-01T00:00:00Z"}),
        json!({"duration": "1"}),
        json!({"duration": "1d", "expires": "2999-01-01T00:00:00Z"}),
    ] {
        platform.post(&path, &token, &wrong).refused(400);
    }
    let (_, short) = share(&platform, &token, &path, &json!({"duration": "1s"}));
    let (_, long) = share(&platform, &token, &path, &json!({"expires": "2999-01-01T00:00:00Z"}));
    let ended = (0..600).any(|_| {
        sleep(Duration::from_millis(50));
        platform.get("/v1/shared", &short).status == 401
    });
    assert!(ended, "it ran out");
    platform.get("/v1/shared", &long).expect(200);
    platform.delete(&board, &token).expect_empty(204);
    platform.get("/v1/shared", &long).refused(401);
}

#[test]
fn a_visitor_asks_what_the_panels_ask_and_nothing_else() {
    let (platform, token) = scene();
    let values = |device: &str, value: f64| {
        let body = json!({"device_id": device, "sources": {
            "fields": ["time", "temperature", "secret"], "data": [[1000, value, 7.0], [2000, value, 8.0]],
        }});
        platform.post("/v1/devices", &token, &json!({"device_id": device})).expect(201);
        let reply = platform.post("/v1/imports?fmt=table", &token, &body);
        assert!(reply.status < 300, "{reply:?}");
    };
    values("shown", 20.0);
    values("hidden", 30.0);
    let board = json!({
        "variables": [{"name": "device", "kind": "device", "value": "shown"}],
        "panels": [
            {"id": "air", "kind": "chart", "x": 0, "y": 0, "w": 12, "h": 4,
             "query": {"fields": ["temperature"], "devices": ["$device"]}},
            {"id": "note", "kind": "text", "x": 0, "y": 4, "w": 12, "h": 4},
        ],
    });
    let made = platform.post("/v1/dashboards", &token, &json!({"name": "Air", "board": board}));
    let path = format!("/v1/dashboards/{}/shares", made.expect(201)["dashboard_id"]);
    let (_, key) = share(&platform, &token, &path, &json!({}));
    let ask = |body: Value| platform.post("/v1/shared/query", &key, &body);
    let seen = ask(json!({"panel": "air", "from": 0, "to": 5000, "width": 100})).expect(200);
    assert_eq!(seen["series"].as_array().expect("a list").len(), 1, "{seen}");
    assert_eq!(seen["series"][0]["device_id"], "shown");
    assert_eq!(seen["series"][0]["field"], "temperature");
    assert_eq!(seen["series"][0]["values"], json!([20.0, 20.0]));
    ask(json!({"panel": "air", "devices": ["shown"]})).expect(200);
    ask(json!({"panel": "air", "devices": ["hidden"]})).refused(403);
    ask(json!({"panel": "air", "fields": ["secret"]})).refused(400);
    ask(json!({"panel": "air", "namespace": "other"})).refused(400);
    ask(json!({"panel": "air", "bucket": "raw"})).refused(400);
    ask(json!({"panel": "note"})).refused(404);
    ask(json!({})).refused(400);
    for call in ["/v1/query", "/v1/sql"] {
        platform.post(call, &key, &json!({"query": "SELECT 1"})).refused(403);
    }
}
