//! Readings as they come: each once, from a point on, as long as the right to read lasts.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::platform::{Person, Platform};

/// A connection that follows.
struct Watch {
    lines: BufReader<TcpStream>,
    status: u16,
}

/// What came.
#[derive(Debug, Default)]
struct Event {
    name: String,
    point: String,
    data: Value,
}

impl Watch {
    fn open(platform: &Platform, query: &str, headers: &[(&str, &str)]) -> Self {
        let mut stream = TcpStream::connect(platform.address()).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a limit");
        let mut head = format!("GET /v1/live?{query} HTTP/1.1\r\nHost: x\r\n");
        for (name, value) in headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).expect("sent");
        let mut lines = BufReader::new(stream);
        let mut first = String::new();
        lines.read_line(&mut first).expect("a status");
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let mut watch = Self { lines, status: status.expect("a status") };
        while watch.line().is_some_and(|line| !line.is_empty()) {}
        watch
    }

    fn by(platform: &Platform, token: &str, query: &str) -> Self {
        Self::open(platform, query, &[("Authorization", &format!("Bearer {token}"))])
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.lines.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(line.trim_end().to_owned()),
            Err(error) => panic!("nothing more came: {error}"),
        }
    }

    /// The next event; nothing when the stream has ended. Sizes of chunks stand between, on lines of their own, the
    /// last of them 0. The server says now and then that it is still there; what is waited for in vain fails by that.
    fn next(&mut self) -> Option<Event> {
        let (mut event, mut signs) = (Event::default(), 0);
        loop {
            let line = self.line().filter(|line| line != "0")?;
            match line.split_once(": ") {
                Some(("event", name)) => name.clone_into(&mut event.name),
                Some(("id", point)) => point.clone_into(&mut event.point),
                Some(("", _)) => {
                    signs += 1;
                    assert!(signs < 4, "the connection is open, and no event comes");
                }
                Some(("data", data)) => {
                    event.data = serde_json::from_str(data).expect("JSON");
                    return Some(event);
                }
                _ => {}
            }
        }
    }

    #[track_caller]
    fn expect(&mut self, name: &str) -> Event {
        let event = self.next().expect("an event");
        assert_eq!(event.name, name, "{event:?}");
        event
    }

    /// The times of so many rows, however many events they take, and the last point.
    #[track_caller]
    fn times(&mut self, count: usize) -> (Vec<i64>, String) {
        let (mut times, mut point) = (Vec::new(), String::new());
        while times.len() < count {
            let event = self.expect("rows");
            let rows = event.data["values"].as_array().expect("rows").clone();
            times.extend(rows.iter().filter_map(|row| row[0].as_i64()));
            point = event.point;
        }
        (times, point)
    }
}

struct Scene {
    platform: Platform,
    owner: Person,
    project: u64,
    token: String,
}

impl Scene {
    fn new(platform: Platform) -> Self {
        let owner = platform.person("owner");
        let project = platform.project(&owner, "p");
        let token = platform.token(&owner, project, "");
        for device in ["d", "e"] {
            platform.post("/v1/devices", &token, &json!({"device_id": device})).expect(201);
        }
        Self { platform, owner, project, token }
    }

    fn import(&self, device: &str, fields: &[&str], rows: &Value) {
        let fields: Vec<&str> = std::iter::once("time").chain(fields.iter().copied()).collect();
        let body = json!({
            "project_id": self.project, "device_id": device,
            "sources": {"fields": fields, "data": rows},
        });
        self.platform.post("/v1/imports?fmt=table", &self.token, &body).expect(200);
    }
}

#[test]
fn readings_reach_who_follows_and_who_comes_back_misses_none_and_gets_none_twice() {
    let scene = Scene::new(Platform::start());
    let mut watch = Watch::by(&scene.platform, &scene.token, "");
    assert_eq!(watch.status, 200);
    let hello = watch.expect("hello");
    assert_eq!(hello.data["point"], hello.point.as_str());
    assert!(hello.data["server_timestamp"].is_u64());
    scene.import("d", &["a"], &json!([[1, 1.5], [2, 2.5]]));
    let (times, point) = watch.times(2);
    assert_eq!(times, [1, 2]);
    drop(watch);
    scene.import("d", &["a", "b"], &json!([[3, 3.5, true]]));
    scene.import("e", &["a"], &json!([[4, 4.5]]));
    let bearer = format!("Bearer {}", scene.token);
    let headers = [("Authorization", bearer.as_str()), ("Last-Event-ID", point.as_str())];
    let mut watch = Watch::open(&scene.platform, "since=1", &headers);
    watch.expect("hello");
    let event = watch.expect("rows");
    assert_eq!(
        event.data,
        json!({"namespace": "input", "fields": ["time", "device_id", "a", "b"],
               "values": [[3, "d", 3.5, true], [4, "e", 4.5, null]]})
    );
    scene.import("d", &["a"], &json!([[5, 5.5]]));
    assert_eq!(watch.times(1).0, [5]);
}

#[test]
fn only_the_devices_and_fields_asked_for_come() {
    let scene = Scene::new(Platform::start());
    let mut watch = Watch::by(&scene.platform, &scene.token, "device_id=d,x&fields=b&timefmt=usec");
    watch.expect("hello");
    scene.import("e", &["b"], &json!([[1, 1]]));
    scene.import("d", &["a"], &json!([[2, 2]]));
    scene.import("d", &["a", "b"], &json!([[3, 3, 3]]));
    let event = watch.expect("rows");
    assert_eq!(event.data["fields"], json!(["time", "device_id", "b"]));
    assert_eq!(event.data["values"], json!([[3000, "d", 3.0]]));
}

#[test]
fn what_comes_after_an_answer_follows_from_its_point() {
    let scene = Scene::new(Platform::start());
    scene.import("d", &["a"], &json!([[1, 1], [2, 2]]));
    let chart =
        scene.platform.post("/v1/query", &scene.token, &json!({"fields": ["a"]})).expect(200);
    assert_eq!(chart["series"][0]["times"], json!([1, 2]));
    scene.import("d", &["a"], &json!([[3, 3]]));
    let since = format!("since={}", chart["point"].as_str().expect("a point"));
    let mut watch = Watch::by(&scene.platform, &scene.token, &since);
    watch.expect("hello");
    assert_eq!(watch.times(1).0, [3]);
}

#[test]
fn a_stream_ends_with_the_right_to_it() {
    let scene = Scene::new(Platform::start());
    let mut watch = Watch::by(&scene.platform, &scene.token, "");
    watch.expect("hello");
    let claims = iobeam_wire::token::peek_claims(&scene.token).expect("a token");
    let id = u64::from(claims.id);
    scene.platform.delete(&format!("/v1/tokens/{id}"), &scene.owner.token).expect_empty(204);
    let end = watch.expect("end");
    assert!(end.data["reason"].as_str().expect("a reason").contains("revoked"), "{end:?}");
    assert!(watch.next().is_none(), "nothing comes after the end");
}

#[test]
fn a_server_that_stops_says_so_and_waits_for_nobody() {
    let scene = Scene::new(Platform::start());
    let mut watch = Watch::by(&scene.platform, &scene.token, "");
    watch.expect("hello");
    let stopped = std::thread::spawn(move || drop(scene.platform));
    let end = watch.expect("end");
    assert!(end.data["reason"].as_str().expect("a reason").contains("stops"), "{end:?}");
    stopped.join().expect("it stopped");
}

#[test]
fn who_falls_behind_is_told_of_the_gap() {
    let scene = Scene::new(Platform::start_with(|config| config.live.buffer_size = 0));
    let mut watch = Watch::by(&scene.platform, &scene.token, "");
    watch.expect("hello");
    scene.import("d", &["a"], &json!([[1, 1]]));
    let gap = watch.expect("gap");
    assert_eq!(gap.data["point"], gap.point.as_str());
}

#[test]
fn there_are_only_so_many_live_connections_at_once() {
    let scene = Scene::new(Platform::start_with(|config| config.live.connections = 1));
    let mut first = Watch::by(&scene.platform, &scene.token, "");
    first.expect("hello");
    let refused = scene.platform.get("/v1/live", &scene.token);
    let error = refused.refused(503);
    assert!(error["details"].as_str().is_some_and(|it| it.contains("live-connections")), "{error}");
    assert_eq!(refused.headers["retry-after"], "5");
    drop(first);
    // The place is free once the server has noticed that the client is gone.
    for _ in 0..600 {
        scene.import("d", &["a"], &json!([[1, 1]]));
        let mut next = Watch::by(&scene.platform, &scene.token, "");
        if next.status == 200 {
            next.expect("hello");
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the place was never free again");
}

#[test]
fn what_cannot_be_followed_is_refused_with_the_way_out() {
    let scene = Scene::new(Platform::start());
    let refusals: Vec<String> =
        ["since=yesterday", "fields=a%20b", "timefmt=weeks", "namespace=nothing"]
            .iter()
            .map(|query| {
                let reply = scene.platform.get(&format!("/v1/live?{query}"), &scene.token);
                let error = reply.refused(reply.status);
                format!("{} {}: {}", reply.status, error["message"], error["details"])
            })
            .collect();
    insta::assert_snapshot!(refusals.join("\n"), @r#"
    400 "The parameter 'since' is wrong": "invalid cursor 'yesterday'; pass back the cursor from the last event unchanged"
    400 "The parameter 'fields' is wrong": "'a b' is no field name: ' ' at position 2 is not allowed; use A-Z, a-z, 0-9, '_' or '-'"
    400 "The parameter 'timefmt' is wrong": "unknown time format 'weeks'; use sec, msec, usec, timeval or iso"
    404 "There is no namespace 'nothing'": "GET /v1/namespaces lists those of the project"
    "#);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long it takes is the question")]
fn an_import_is_quick_though_a_thousand_that_follow_do_not_read() {
    let platform = Platform::start();
    let owner = platform.person("owner");
    let project = platform.project(&owner, "p");
    let token = platform.token(&owner, project, "");
    platform.post("/v1/devices", &token, &json!({"device_id": "d"})).expect(201);
    let import = |round: u64| {
        let row = |at: u64| json!([round * 1_000_000 + at, at, format!("text {at}")]);
        let rows: Vec<Value> = (0..2000).map(row).collect();
        let body = json!({"project_id": project, "device_id": "d",
                          "sources": {"fields": ["time", "a", "note"], "data": rows}});
        let begun = std::time::Instant::now();
        platform.post("/v1/imports?fmt=table", &token, &body).expect(200);
        begun.elapsed()
    };
    let alone = import(0);
    let followers: Vec<Watch> = (0..1000).map(|_| Watch::by(&platform, &token, "")).collect();
    assert!(followers.iter().all(|follower| follower.status == 200));
    let followed = (1..4).map(import).max().expect("three");
    assert!(followed < Duration::from_secs(3), "{followed:?}, and {alone:?} alone");
}
