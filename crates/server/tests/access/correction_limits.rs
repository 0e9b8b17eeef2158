//! How long and how deep a request for a correction may be: each limit says where it was met, what it is and what to do,
//! in a short reply, and what it says to do works.

use serde_json::{Value, json};

use crate::correcting::{Scene, scene};
use crate::platform::Reply;

/// The limits, as `docs/how-to/correct-data.md` has them.
const MAX_CONDITIONS: usize = 100;
const MAX_DEVICES: usize = 10_000;
const MAX_BYTES: usize = 1 << 20;
/// No refusal is longer, whatever it refuses.
const MAX_REPLY_BYTES: usize = 4_000;

/// A scene with one row of each device, at 1000 and 2000 ms.
fn furnished() -> Scene {
    let scene = scene();
    scene.import("a", &json!([[1000, 1.0]]));
    scene.import("b", &json!([[2000, 2.0]]));
    scene
}

impl Scene {
    fn try_delete(&self, body: &str) -> Reply {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("Authorization", bearer.as_str())];
        self.platform.send("POST", &self.path("/rows/delete"), &headers, Some(body))
    }

    /// What a body hears that is refused.
    fn refusal(&self, status: u16, body: &str) -> String {
        let reply = self.try_delete(body);
        let said = reply.refused(status)["details"].as_str().expect("details").to_owned();
        assert!(reply.text.len() < MAX_REPLY_BYTES, "{} bytes: {said:.300}", reply.text.len());
        said
    }

    /// How many rows a request would delete.
    fn counted(&self, mut body: Value) -> u64 {
        body["dry_run"] = json!(true);
        self.delete_rows(&body)["rows"].as_u64().expect("a number")
    }

    /// Nothing of what was refused is done or kept.
    fn is_untouched(&self) {
        assert_eq!(self.sql("SELECT count(*) FROM input"), json!([[2]]));
        let list = self.platform.get(&self.path("/corrections"), &self.token).expect(200);
        assert_eq!(list, json!({"corrections": []}));
    }
}

fn says(said: &str, all: &[&str]) {
    for one in all {
        assert!(said.contains(one), "'{one}' is missing: {said}");
    }
}

/// Names of devices, of which the last one is `a`.
fn names(count: usize, bytes: usize) -> Vec<String> {
    let mut names: Vec<_> = (1..count).map(|number| format!("{number:0>bytes$}")).collect();
    names.push("a".to_owned());
    names
}

#[test]
fn too_many_conditions_are_refused_and_the_tightest_of_them_mean_the_same() {
    let scene = furnished();
    let bounds: Vec<_> = (0..=MAX_CONDITIONS).map(|bound| format!("gt(t,-{bound})")).collect();
    let limit = MAX_CONDITIONS.to_string();
    for given in [json!(bounds), json!([bounds.join(",")]), json!(vec!["gt(t,0)"; 1_000_000])] {
        let said = scene.refusal(400, &json!({"where": given}).to_string());
        says(&said, &["'where'", &limit, "conditions", "the tightest"]);
    }
    assert_eq!(scene.counted(json!({"where": bounds[1..]})), 2, "as many as are allowed");
    assert_eq!(scene.counted(json!({"where": [bounds[0]]})), 2, "the tightest of them");
    scene.is_untouched();
}

#[test]
fn too_many_devices_are_refused_and_may_be_named_in_several_requests() {
    let scene = furnished();
    let limit = MAX_DEVICES.to_string();
    for count in [MAX_DEVICES + 1, 1_000_000] {
        let said = scene.refusal(400, &json!({"devices": names(count, 1)}).to_string());
        says(&said, &["'devices'", &count.to_string(), &limit, "several requests"]);
    }
    assert_eq!(scene.counted(json!({"devices": names(MAX_DEVICES, 1)})), 1);
    let all = names(MAX_DEVICES + 1, 1);
    let parts = all.chunks(MAX_DEVICES).map(|part| scene.counted(json!({"devices": part})));
    assert_eq!(parts.sum::<u64>(), 1);
    scene.is_untouched();
    let twice = json!({"devices": ["a", "b", "a"]});
    assert_eq!(scene.delete_rows(&twice)["rows"], 2, "who is named twice counts once");
}

#[test]
fn names_and_conditions_that_are_too_long_together_are_refused_and_times_say_it_shorter() {
    let scene = furnished();
    let limit = MAX_BYTES.to_string();
    let long = "x".repeat(MAX_BYTES);
    let condition = |value: &str| format!("eq(device_id,{value})");
    for (given, place) in [
        (json!({"devices": [long, "a"]}), "'devices'"),
        (json!({"devices": names(5_000, 400)}), "'devices'"),
        (json!({"where": [condition(&long)]}), "'where'"),
        (json!({"devices": [&long[1..]], "where": ["gt(t,0)"]}), "'devices'"),
    ] {
        let said = scene.refusal(400, &given.to_string());
        says(&said, &[place, "bytes", &limit, "'from' and 'to'"]);
    }
    let fits = condition(&long[..MAX_BYTES - condition("").len()]);
    assert_eq!(scene.counted(json!({"where": [fits]})), 0, "as long as is allowed");
    assert_eq!(scene.counted(json!({"from": 1000, "to": 1000})), 1);
    scene.is_untouched();
}

#[test]
fn a_body_beyond_the_limit_of_all_bodies_is_refused_with_its_setting() {
    let scene = furnished();
    let body = json!({"devices": ["x".repeat(40 << 20)]}).to_string();
    let reply = scene.try_delete(&body);
    let said = reply.refused(413)["details"].as_str().expect("details").to_owned();
    says(&said, &["max-request-size", "several requests"]);
    scene.is_untouched();
}

#[test]
fn what_is_nested_or_of_another_type_is_refused_in_a_short_reply_that_names_its_place() {
    let scene = furnished();
    let long = "x".repeat(1 << 20);
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let many = format!("[{}1]", "1,".repeat(1_000_000));
    for (body, place) in [
        (format!(r#"{{"from":{}}}"#, nested(100)), "'from'"),
        (format!(r#"{{"from":{}}}"#, nested(100_000)), "'from'"),
        (format!(r#"{{"to":{many}}}"#), "'to'"),
        (r#"{"to":{"a":{"b":1}}}"#.to_owned(), "'to'"),
        (r#"{"to":true}"#.to_owned(), "'to'"),
        (format!(r#"{{"from":"now(){}?"}}"#, "-1h".repeat(300_000)), "'from'"),
        (format!(r#"{{"from":"{long}"}}"#), "'from'"),
        (format!(r#"{{"devices":{}}}"#, nested(100_000)), "line 1 column"),
        (r#"{"devices":["a",5]}"#.to_owned(), "line 1 column"),
        (format!(r#"{{"devices":"{long}"}}"#), "line 1 column"),
        (format!(r#"{{"where":["eq({long},1)"]}}"#), "'where'"),
        (format!(r#"{{"where":["{}"]}}"#, "eq(".repeat(100_000)), "'where'"),
        (format!(r#"{{"where":["{}"]}}"#, "),eq(t,1".repeat(100_000)), "'where'"),
        (format!(r#"{{"where":["eq(t,{long}"]}}"#), "'where'"),
        (format!(r#"{{"where":{}}}"#, nested(100)), "line 1 column"),
        (format!(r#"{{"to":5,"{long}":1}}"#), "line 1 column"),
        (format!(r#"{{"to":5,"dry_run":"{long}"}}"#), "line 1 column"),
    ] {
        let said = scene.refusal(400, &body);
        assert!(said.contains(place), "{body:.80}: {said}");
    }
    scene.is_untouched();
}

#[test]
fn a_long_name_or_type_of_a_field_is_refused_in_a_short_reply() {
    let scene = furnished();
    let long = "x".repeat(1 << 20);
    for (body, place) in [(json!({"name": long}), "name:"), (json!({"type": long}), "type:")] {
        let reply = scene.platform.patch(&scene.path("/fields/t"), &scene.token, &body);
        let said = reply.refused(400)["details"].as_str().expect("details").to_owned();
        assert!(reply.text.len() < MAX_REPLY_BYTES, "{} bytes: {said:.300}", reply.text.len());
        assert!(said.contains(place), "{said}");
    }
    scene.is_untouched();
}
