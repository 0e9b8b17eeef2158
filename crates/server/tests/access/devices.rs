//! Devices and the server's time.

use serde_json::{Value, json};

use crate::platform::Platform;

fn with_token(flags: &str) -> (Platform, u64, String) {
    let platform = Platform::start();
    let ada = platform.person("ada");
    let project = platform.project(&ada, "greenhouse");
    let token = platform.token(&ada, project, flags);
    (platform, project, token)
}

#[test]
fn a_registered_device_has_what_every_client_needs() {
    let (platform, project, token) = with_token("");
    let body = json!({"project_id": project, "device_id": "my-dev:1", "device_name": "first",
        "device_type": "probe", "created": "2016-07-29 08:19:47 +0000"});
    let made = platform.post("/v1/devices", &token, &body).expect(201);
    assert_eq!(
        made,
        json!({"device_id": "my-dev:1", "project_id": project, "device_name": "first",
        "device_type": "probe", "created": "2016-07-29T08:19:47Z"})
    );
    assert_eq!(platform.get("/v1/devices?name=first", &token).expect(200), made);
    let mut shown = made.clone();
    shown["state"] = json!("never_seen");
    for path in ["/v1/devices/my-dev:1", "/v1/devices/my-dev:1/"] {
        assert_eq!(platform.get(path, &token).expect(200), shown, "{path}");
    }
    let list = platform.get(&format!("/v1/devices?project_id={project}"), &token).expect(200);
    assert_eq!(list, json!({"devices": [made]}));
}

#[test]
fn a_reply_to_a_device_without_an_id_fits_its_buffer_and_is_spelt_as_it_expects() {
    let (platform, _, token) = with_token("");
    let reply = platform.post("/v1/devices", &token, &json!({}));
    let made = reply.expect(201);
    assert!(reply.text.len() <= 255, "{}", reply.text);
    assert!(reply.text.contains("\"device_id\":"), "{}", reply.text);
    let id = made["device_id"].as_str().expect("an id");
    assert!((16..=48).contains(&id.len()), "{id}");
    assert!(!made["device_name"].as_str().expect("a name").is_empty());
    assert_eq!(
        reply.headers["content-length"].to_str().expect("ascii"),
        reply.text.len().to_string()
    );
}

#[test]
fn an_id_in_use_is_150_and_a_name_in_use_is_151_and_the_id_is_looked_at_first() {
    let (platform, _, token) = with_token("");
    let register = |body: Value| platform.post("/v1/devices", &token, &body);
    register(json!({"device_id": "d", "device_name": "n"})).expect(201);
    register(json!({"device_id": "e", "device_name": "m"})).expect(201);
    assert_eq!(register(json!({"device_id": "d"})).refused(422)["code"], 150);
    assert_eq!(register(json!({"device_id": "f", "device_name": "n"})).refused(422)["code"], 151);
    assert_eq!(register(json!({"device_id": "d", "device_name": "m"})).refused(422)["code"], 150);
}

#[test]
fn an_id_that_cannot_be_one_is_refused_with_the_reason() {
    let (platform, project, token) = with_token("");
    for id in ["", "my device", "größe", "a/b", &"x".repeat(256)] {
        let refusal = platform.post("/v1/devices", &token, &json!({"device_id": id})).refused(400);
        assert!(refusal["details"].as_str().expect("a text").contains("device_id"), "{refusal}");
    }
    platform.post("/v1/devices", &token, &json!({"device_id": 5})).refused(400);
    platform.post("/v1/devices", &token, &json!({"created": "yesterday"})).refused(400);
    platform.post("/v1/devices", &token, &json!({"project_id": project + 1})).refused(403);
    platform.post("/v1/devices", &token, &json!({"project_id": "1"})).refused(400);
    for path in ["/v1/devices/no-such", "/v1/devices/my%20device", "/v1/devices?name=no-such"] {
        assert_eq!(platform.get(path, &token).refused(404)["code"], 32, "{path}");
    }
}

#[test]
fn a_change_is_200_no_change_204_and_a_removal_204() {
    let (platform, project, token) = with_token("");
    platform
        .post("/v1/devices", &token, &json!({"device_id": "d", "device_name": "n"}))
        .expect(201);
    platform
        .post("/v1/devices", &token, &json!({"device_id": "e", "device_name": "m"}))
        .expect(201);
    let body =
        json!({"project_id": project, "device_id": "d", "device_name": "o", "device_type": "t"});
    let after = platform.patch("/v1/devices/d", &token, &body).expect(200);
    assert_eq!((&after["device_name"], &after["device_type"]), (&json!("o"), &json!("t")));
    platform.patch("/v1/devices/d/", &token, &body).expect_empty(204);
    let in_use = json!({"device_name": "m"});
    assert_eq!(platform.patch("/v1/devices/d", &token, &in_use).refused(422)["code"], 151);
    platform.patch("/v1/devices/d", &token, &json!({"project_id": project + 1})).refused(403);
    platform.patch("/v1/devices/x", &token, &in_use).refused(404);
    platform.delete("/v1/devices/d", &token).expect_empty(204);
    platform.delete("/v1/devices/d", &token).refused(404);
    platform.get("/v1/devices/d", &token).refused(404);
}

#[test]
fn a_list_comes_in_pages_when_asked_for() {
    let (platform, project, token) = with_token("");
    for n in 0..7 {
        platform.post("/v1/devices", &token, &json!({"device_id": format!("d{n}")})).expect(201);
    }
    let page = |query: &str| {
        let list = platform.get(&format!("/v1/devices?project_id={project}{query}"), &token);
        list.expect(200)["devices"].as_array().expect("a list").clone()
    };
    let all = page("");
    assert_eq!(all.len(), 7);
    assert_eq!(page("&offset=2&count=3"), all[2..5]);
    assert_eq!(page("&offset=5"), all[5..]);
    assert_eq!(page("&count=0").len(), 0);
    assert_eq!(page("&offset=100&count=5").len(), 0);
    platform.get(&format!("/v1/devices?project_id={}", project + 1), &token).refused(403);
    platform.get("/v1/devices?count=-1", &token).refused(400);
}

#[test]
fn a_bound_token_registers_changes_and_removes_its_own_device_only() {
    let (platform, _, token) = with_token("&device_id=mine");
    let made = platform.post("/v1/devices", &token, &json!({})).expect(201);
    assert_eq!(made["device_id"], "mine");
    platform.post("/v1/devices", &token, &json!({"device_id": "other"})).refused(403);
    platform.patch("/v1/devices/other", &token, &json!({"device_name": "x"})).refused(403);
    platform.delete("/v1/devices/other", &token).refused(403);
    platform.patch("/v1/devices/mine", &token, &json!({"device_name": "x"})).expect(200);
    platform.delete("/v1/devices/mine", &token).expect_empty(204);
}

#[test]
fn the_servers_time_comes_in_each_format_with_seconds_first() {
    let (platform, _, token) = with_token("&read=false&write=false&admin=false");
    let time = |query: &str| platform.get(&format!("/v1/devices/timestamp{query}"), &token);
    let number =
        |query: &str| time(query).expect(200)["server_timestamp"].as_i64().expect("a whole number");
    let seconds = number("?timefmt=SEC");
    assert!(seconds > 1_700_000_000, "{seconds}");
    assert!((number("") / 1000 - seconds).abs() <= 5);
    assert!((number("?timefmt=msec") / 1000 - seconds).abs() <= 5);
    assert!((number("/?timefmt=usec") / 1_000_000 - seconds).abs() <= 5);
    let reply = time("?timefmt=TIMEVAL");
    assert!(reply.text.starts_with("{\"server_timestamp\":{\"sec\":"), "{}", reply.text);
    assert!(reply.expect(200)["server_timestamp"]["usec"].is_u64());
    assert!(reply.text.len() <= 255);
    time("?timefmt=hours").refused(400);
}

#[test]
fn a_devices_latest_values_stand_together_and_rows_come_as_parquet_and_arrow_too() {
    let platform = Platform::start();
    let owner = platform.person("owner");
    let project = platform.project(&owner, "p");
    let token = platform.token(&owner, project, "");
    platform.post("/v1/devices", &token, &json!({"device_id": "d"})).expect(201);
    let empty = platform.get("/v1/devices/d/latest", &token).expect(200);
    assert_eq!(empty, json!({"device_id": "d", "values": []}));
    let body = json!({"project_id": project, "device_id": "d",
        "sources": {"fields": ["time", "a", "b"], "data": [[1, 1.5, true], [2, 2.5, null]]}});
    platform.post("/v1/imports?fmt=table", &token, &body).expect(200);
    let latest = platform.get("/v1/devices/d/latest?timefmt=usec", &token).expect(200);
    assert_eq!(
        latest["values"],
        json!([
            {"namespace": "input", "field": "a", "type": "DOUBLE", "time": 2000, "value": 2.5},
            {"namespace": "input", "field": "b", "type": "BOOLEAN", "time": 1000, "value": true},
        ])
    );
    platform.get("/v1/devices/e/latest", &token).refused(404);
    for (output, begin, media) in [
        ("parquet", b"PAR1".as_slice(), "application/vnd.apache.parquet"),
        ("arrow", b"\xff\xff\xff\xff", "application/vnd.apache.arrow.stream"),
    ] {
        let (kind, bytes) = platform.bytes(&format!("/v1/data/input?output={output}"), &token);
        assert_eq!(kind, media);
        assert!(bytes.starts_with(begin), "{output}: {bytes:?}");
    }
    let typed = platform.post("/v1/sql", &token, &json!({"query": "SELECT time, a, b FROM input"}));
    let typed = typed.expect(200);
    assert_eq!(typed["result"][0]["types"], json!(["TIMESTAMP", "DOUBLE", "BOOLEAN"]));
}

#[test]
fn devices_are_searched_filtered_ordered_and_counted() {
    let platform = Platform::start();
    let ada = platform.person("ada");
    let project = platform.project(&ada, "greenhouse");
    let token = platform.token(&ada, project, "");
    let devices: Vec<Value> = [("p-10", "pump"), ("p-2", "pump"), ("door", "door"), ("x", "")]
        .iter()
        .map(|(id, kind)| json!({"device_id": id, "device_name": id, "device_type": kind}))
        .collect();
    let made = platform.post("/v1/devices", &token, &json!({"devices": devices})).expect(201);
    assert_eq!(made["devices"][1]["device_id"], "p-2");
    let import = json!({"project_id": project, "device_id": "p-2",
                        "sources": [{"name": "t", "data": [{"time": 1, "value": 2}]}]});
    platform.post("/v1/imports", &token, &import).expect(200);

    let list = |query: &str| platform.get(&format!("/v1/devices{query}"), &token).expect(200);
    let ids = |reply: &Value| {
        let devices = reply["devices"].as_array().expect("a list").iter();
        let ids = devices.map(|device| device["device_id"].as_str().expect("an id").to_owned());
        ids.collect::<Vec<_>>().join(" ")
    };
    let plain = list("?offset=0&count=10");
    assert!(plain.get("total").is_none() && plain["devices"][0].get("state").is_none(), "{plain}");
    let found = list("?search=P-&sort=-name&facets=true&count=1");
    assert_eq!((ids(&found).as_str(), &found["total"]), ("p-10", &json!(2)));
    assert_eq!(found["types"], json!([{"device_type": "pump", "count": 2}]));
    assert_eq!(found["states"], json!({"online": 1, "stale": 0, "offline": 0, "never_seen": 1}));
    for name in ["never_seen", "never"] {
        // The second is what it was called before.
        assert_eq!(list(&format!("?search=P-&state={name}"))["total"], 1, "{name}");
    }
    let found = list("?state=online");
    assert_eq!((ids(&found).as_str(), &found["devices"][0]["state"]), ("p-2", &json!("online")));
    assert!(found["devices"][0]["last_seen"].is_string() && found.get("types").is_none());
    let one = platform.get("/v1/devices/p-2", &token).expect(200);
    assert_eq!((&one["state"], &one["device_id"]), (&json!("online"), &json!("p-2")));
    assert_eq!(ids(&list("?sort=id&offset=1")), "p-2 p-10 x");
    assert_eq!(ids(&list("?type=door&search=&state=")), "door");
    assert_eq!(list("?facets=true")["types"][0], json!({"device_type": "pump", "count": 2}));
    assert_eq!(
        list("?sort=name&statistics=true&search=p-2")["devices"][0]["statistics"]["rows"],
        1
    );
    for wrong in ["?state=gone", "?sort=age", "?sort=--name", "?facets=maybe"] {
        platform.get(&format!("/v1/devices{wrong}"), &token).refused(400);
    }
}

#[test]
fn a_list_of_devices_is_registered_whole_or_refused_whole() {
    let platform = Platform::start_with(|config| config.devices.max_per_request = 3);
    let ada = platform.person("ada");
    let project = platform.project(&ada, "greenhouse");
    let token = platform.token(&ada, project, "");
    let bound = platform.token(&ada, project, "&device_id=mine&write=true");
    let named = |ids: &[&str]| {
        let devices: Vec<Value> = ids.iter().map(|id| json!({"device_id": id})).collect();
        json!({"devices": devices})
    };
    platform.post("/v1/devices", &token, &named(&["a", "b"])).expect(201);
    let refused = platform.post("/v1/devices", &token, &named(&["c", "b"])).refused(422);
    assert_eq!(refused["code"], 150);
    platform.post("/v1/devices", &token, &named(&["c", "not legal"])).refused(400);
    platform.post("/v1/devices", &token, &named(&["c", "d", "e", "f"])).refused(400);
    platform.post("/v1/devices", &bound, &named(&["mine", "theirs"])).refused(403);
    let list = platform.get("/v1/devices", &token).expect(200);
    assert_eq!(list["devices"].as_array().expect("a list").len(), 2);
}
