//! Rights that end: within a second nothing more is read or written by who had them, whatever is open.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::platform::{PASSWORD, Person, Platform};

/// What is open may end that much later.
const AT_ONCE: Duration = Duration::from_secs(1);

struct Scene {
    platform: Platform,
    operator: Person,
    admin: Person,
    bob: Person,
    project: u64,
}

/// A project with an administrator, and Bob, who may do everything there.
fn scene() -> Scene {
    scene_with(|_| {})
}

fn scene_with(change: impl FnOnce(&mut iobeam_server::Config)) -> Scene {
    let platform = Platform::start_with(|config| {
        config.auth.login_attempts = 1000;
        change(config);
    });
    let operator = platform.person("operator");
    let (admin, bob) = (platform.person("admin"), platform.person("bob"));
    let project = platform.project(&admin, "p");
    let scene = Scene { platform, operator, admin, bob, project };
    scene.member(json!({"read": true, "write": true, "admin": true})).expect_empty(201);
    let token = scene.platform.token(&scene.admin, project, "");
    for device in ["d", "e"] {
        scene.platform.post("/v1/devices", &token, &json!({"device_id": device})).expect(201);
    }
    scene
}

impl Scene {
    /// Says what Bob may do; other members go along.
    fn member(&self, mut body: Value) -> crate::platform::Reply {
        body["user_id"] = json!(self.bob.id);
        let path = format!("/v1/projects/{}/permissions", self.project);
        self.platform.patch(&path, &self.admin.token, &body)
    }

    fn disable(&self, disabled: bool) {
        let path = format!("/v1/accounts/{}", self.bob.id);
        self.platform
            .patch(&path, &self.operator.token, &json!({"disabled": disabled}))
            .expect(200);
    }

    /// A token that Bob makes.
    fn bobs(&self, flags: &str) -> String {
        self.platform.token(&self.bob, self.project, flags)
    }

    fn import(&self, token: &str, device: &str) -> u16 {
        self.platform.post("/v1/imports?fmt=table", token, &self.reading(device)).status
    }

    fn reading(&self, device: &str) -> Value {
        let sources = json!({"fields": ["time", "a"], "data": [[1_700_000_000_000_i64, 1.5]]});
        json!({"project_id": self.project, "device_id": device, "sources": sources})
    }

    /// The tokens of the project as its administrator sees them.
    fn tokens(&self) -> Vec<Value> {
        let path = format!("/v1/tokens?project_id={}", self.project);
        let list = self.platform.get(&path, &self.admin.token).expect(200);
        list["tokens"].as_array().expect("a list").clone()
    }

    fn revoke(&self, token: &str) {
        let id = iobeam_wire::token::peek_claims(token).expect("a token").id;
        self.platform.delete(&format!("/v1/tokens/{id}"), &self.admin.token).expect_empty(204);
    }

    /// A connection with a request whose body is still to come, but for so many bytes.
    fn begin(&self, head: &str, body: &str, first: usize) -> TcpStream {
        let mut stream = TcpStream::connect(self.platform.address()).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_mins(5))).expect("a limit");
        let length = body.len();
        write!(
            stream,
            "{head}Host: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{}",
            &body[..first]
        )
        .expect("sent");
        stream
    }
}

fn status_of(stream: &mut TcpStream) -> u16 {
    let mut reply = [0; 4096];
    let length = stream.read(&mut reply).expect("a reply");
    let text = String::from_utf8_lossy(&reply[..length]).into_owned();
    text.split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or_else(|| panic!("{text}"))
}

#[test]
fn a_removed_member_keeps_no_access_and_devices_go_on() {
    let scene = scene();
    // Made by an administrator for a device: the project's.
    let key = scene.bobs("&device_id=d");
    let plain = scene.bobs("");
    let long = scene.bobs("&duration=52w");
    let for_project = scene.bobs("&owner=project&read=true&duration=521w");
    scene.platform.get("/v1/devices", &plain).expect(200);
    // As the original clients send it.
    scene.member(json!({"read": false, "write": false, "admin": false})).expect(200);
    for token in [&plain, &long] {
        scene.platform.get("/v1/devices", token).refused(401);
        let refresh = json!({"refresh_token": token});
        scene.platform.post("/v1/tokens/project", "", &refresh).refused(403);
    }
    assert_eq!(scene.import(&key, "d"), 200);
    scene.platform.get("/v1/devices", &for_project).expect(200);
    // Who comes back does not get them back.
    scene.member(json!({"read": true})).expect_empty(201);
    scene.platform.get("/v1/devices", &plain).refused(401);
}

#[test]
fn who_removes_a_member_chooses_what_becomes_of_their_tokens() {
    for (choice, plain_stays, key_stays) in [("keep", true, true), ("revoke", false, false)] {
        let scene = scene();
        let (plain, key) = (scene.bobs(""), scene.bobs("&device_id=d"));
        scene.member(json!({"tokens": "both"})).refused(400);
        scene.platform.get("/v1/devices", &plain).expect(200);
        scene.member(json!({"tokens": choice})).expect(200);
        let status = |good| if good { 200 } else { 401 };
        assert_eq!(scene.platform.get("/v1/devices", &plain).status, status(plain_stays));
        assert_eq!(scene.import(&key, "d"), status(key_stays));
        if plain_stays {
            let id = iobeam_wire::token::peek_claims(&plain).expect("a token").id;
            let find = || scene.tokens().into_iter().find(|token| token["token_id"] == id);
            let listed = find().expect("listed");
            assert_eq!((&listed["owner"], &listed["review"]), (&json!("project"), &json!(true)));
            let path = format!("/v1/tokens/{id}");
            scene.platform.patch(&path, &scene.bob.token, &json!({"review": false})).refused(404);
            scene
                .platform
                .patch(&path, &scene.admin.token, &json!({"review": false}))
                .expect_empty(204);
            assert_eq!(find().expect("listed")["review"], false);
        }
    }
}

#[test]
fn a_lowered_permission_lowers_the_members_tokens_at_once() {
    let scene = scene();
    let (plain, key) = (scene.bobs(""), scene.bobs("&device_id=d&owner=creator"));
    assert_eq!((scene.import(&plain, "d"), scene.import(&key, "d")), (200, 200));
    scene.member(json!({"read": true})).expect(200);
    assert_eq!((scene.import(&plain, "d"), scene.import(&key, "d")), (403, 403));
    scene.platform.get("/v1/devices", &plain).expect(200);
    let id = iobeam_wire::token::peek_claims(&plain).expect("a token").id;
    let listed = scene.tokens().into_iter().find(|token| token["token_id"] == id);
    let listed = listed.expect("listed");
    assert_eq!((&listed["read"], &listed["write"]), (&json!(true), &json!(false)), "{listed}");
}

#[test]
fn lists_show_who_made_a_token_whose_it_is_and_when_it_was_used() {
    let scene = scene();
    let key = scene.bobs("&device_id=d");
    assert_eq!(scene.import(&key, "d"), 200);
    let listed = scene.tokens().into_iter().find(|token| token["device_id"] == "d");
    let listed = listed.expect("listed");
    assert_eq!((&listed["creator"], &listed["owner"]), (&json!("bob"), &json!("project")));
    assert!(listed["last_used"].is_string() && listed["review"] == false, "{listed}");
}

#[test]
fn the_key_of_a_deleted_device_stays_dead_when_the_device_registers_itself_again() {
    let scene = scene();
    let path = format!("/v1/projects/{}", scene.project);
    scene.platform.patch(&path, &scene.admin.token, &json!({"auto_register": true})).expect(200);
    let (key, plain) = (scene.bobs("&device_id=d"), scene.bobs(""));
    assert_eq!(scene.import(&key, "d"), 200);
    scene.platform.delete("/v1/devices/d", &plain).expect_empty(204);
    assert_eq!(scene.import(&key, "d"), 401);
    // Another sender's import registers it anew.
    assert_eq!(scene.import(&plain, "d"), 200);
    scene.platform.get("/v1/devices/d", &plain).expect(200);
    assert_eq!(scene.import(&key, "d"), 401);
    scene.platform.post("/v1/tokens/project", "", &json!({"refresh_token": key})).refused(403);
}

#[test]
fn a_device_reads_and_writes_what_is_its_own_and_nothing_else() {
    let scene = scene();
    let all = scene.platform.token(&scene.admin, scene.project, "");
    let key = scene.platform.token(
        &scene.admin,
        scene.project,
        "&device_id=d&read=true&write=true&admin=true",
    );
    assert_eq!((scene.import(&all, "d"), scene.import(&all, "e")), (200, 200));
    assert_eq!((scene.import(&key, "d"), scene.import(&key, "e")), (200, 403));
    let get = |path: &str| scene.platform.get(path, &key);
    let project = scene.project;
    for path in [
        "/v1/devices".to_owned(),
        "/v1/devices/d".to_owned(),
        "/v1/devices/d/latest".to_owned(),
        "/v1/data/input".to_owned(),
        "/v1/data/input/a".to_owned(),
        format!("/v1/exports/{project}/d"),
        "/v1/refusals".to_owned(),
    ] {
        let reply = get(&path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        assert!(!reply.text.contains("\"e\""), "{path}: {}", reply.text);
    }
    assert!(get("/v1/data/input").text.contains("\"d\""));
    for path in [
        "/v1/devices/e".to_owned(),
        "/v1/devices/e/latest".to_owned(),
        "/v1/devices/e/statistics".to_owned(),
        "/v1/live?device_id=e".to_owned(),
        "/v1/refusals?device_id=e".to_owned(),
        format!("/v1/exports/{project}/e"),
        format!("/v1/exports/{project}/all"),
        format!("/v1/exports/{project}"),
        "/v1/namespaces".to_owned(),
        "/v1/dashboards".to_owned(),
    ] {
        get(&path).refused(403);
    }
    let query = |body: &Value| scene.platform.post("/v1/query", &key, body);
    assert!(!query(&json!({"fields": ["a"]})).text.contains("\"e\""));
    query(&json!({"fields": ["a"], "devices": ["e"]})).refused(403);
    scene.platform.post("/v1/sql", &key, &json!({"query": "SELECT * FROM input"})).refused(403);
    let list = scene.platform.get("/v1/namespaces", &all).expect(200);
    let namespace = format!("/v1/namespaces/{}", list["namespaces"][0]["namespace_id"]);
    scene.platform.delete(&namespace, &key).refused(403);
    scene.platform.delete("/v1/devices/e", &key).refused(403);
    // A namespace that is not parted by device shows a device nothing, and takes nothing from it.
    let body =
        json!({"namespace_name": "sites", "partitioning_field": "site", "fields": {"a": "DOUBLE"}});
    scene.platform.post("/v1/namespaces", &all, &body).expect(201);
    get("/v1/data/sites").refused(403);
    query(&json!({"namespace": "sites"})).refused(403);
}

#[test]
fn a_disabled_account_ends_everywhere_at_once_and_comes_back_without_its_sessions() {
    let scene = scene();
    let browser = scene.platform.browser("bob", PASSWORD);
    let plain = scene.bobs("");
    let key = scene.bobs("&device_id=d");
    scene.disable(true);
    scene.platform.get("/v1/users/me", &scene.bob.token).refused(401);
    scene.platform.get("/v1/devices", &plain).refused(401);
    scene.platform.visit(&browser, ("GET", "/v1/users/me"), None, &Value::Null).refused(401);
    let shown = scene.platform.visit(&browser, ("GET", "/v1/session"), None, &Value::Null);
    assert_eq!(shown.expect(200)["user"], Value::Null);
    scene.platform.log_in("bob", PASSWORD).refused(403);
    scene.platform.log_in("bob", "wrong").refused(401);
    scene.platform.post("/v1/tokens/project", "", &json!({"refresh_token": plain})).refused(403);
    assert_eq!(scene.import(&key, "d"), 200, "the project's own key goes on");
    scene.disable(false);
    scene.platform.log_in("bob", PASSWORD).expect(200);
    scene.platform.get("/v1/devices", &plain).expect(200);
    scene.platform.get("/v1/users/me", &scene.bob.token).refused(401);
}

#[test]
fn the_operator_lists_disables_and_deletes_accounts_and_the_audit_log_tells_of_it() {
    let scene = scene();
    let operator = &scene.operator.token;
    let mill = scene.platform.project(&scene.bob, "mill");
    let key = scene.bobs("&device_id=d");
    let path = format!("/v1/accounts/{}", scene.bob.id);
    let list = || scene.platform.get("/v1/accounts", operator).expect(200)["accounts"].clone();
    let states = |list: &Value| {
        let all = list.as_array().expect("a list").iter();
        all.map(|one| one["state"].as_str().expect("a state").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(states(&list()), ["active", "active", "active"]);
    let own = format!("/v1/accounts/{}", scene.operator.id);
    scene.platform.patch(&own, operator, &json!({"disabled": true})).refused(400);
    scene.platform.delete(&own, operator).refused(400);
    let refused = scene.platform.delete(&path, operator).refused(409);
    assert!(refused["details"].as_str().expect("a text").contains("'mill'"), "{refused}");
    scene.platform.delete(&format!("{path}?heir={}", scene.admin.id), operator).expect_empty(204);
    assert_eq!(states(&list()), ["active", "active", "deleted"]);
    assert!(!list().to_string().contains("bob"), "{}", list());
    scene.platform.get("/v1/users/me", &scene.bob.token).refused(401);
    scene.platform.get(&format!("/v1/projects/{mill}"), &scene.admin.token).expect(200);
    assert_eq!(scene.import(&key, "d"), 200);
    let rows = scene.platform.get("/v1/audit?count=1000", operator).expect(200)["rows"].clone();
    let rows = rows.as_array().expect("rows");
    let deleted = rows.iter().find(|row| row["action"] == "user.delete").expect("recorded");
    assert_eq!(
        (&deleted["user_id"], &deleted["target"]),
        (&json!(scene.operator.id), &json!(format!("user:{}", scene.bob.id)))
    );
    assert_eq!(deleted["address"], "127.0.0.1");
    for action in ["sign-in", "member.add", "token.issue", "user.create", "project.create"] {
        assert!(rows.iter().any(|row| row["action"] == action), "{action}");
    }
    let text = json!(rows).to_string();
    assert!(!text.contains("example.org") && !text.contains("bob"), "{text}");
}

/// What ends Bob's rights, and how.
const ENDINGS: [&str; 6] = ["revoked", "removed", "lowered", "disabled", "deleted", "device"];

impl Scene {
    fn end(&self, ending: &str, token: &str) {
        match ending {
            "revoked" => self.revoke(token),
            "removed" => drop(self.member(json!({})).expect(200)),
            "lowered" => drop(self.member(json!({"admin": true})).expect(200)),
            "disabled" => self.disable(true),
            "deleted" => {
                let path = format!("/v1/accounts/{}", self.bob.id);
                self.platform.delete(&path, &self.operator.token).expect_empty(204);
            }
            "device" => {
                let all = self.platform.token(&self.admin, self.project, "");
                self.platform.delete("/v1/devices/d", &all).expect_empty(204);
            }
            other => panic!("{other}"),
        }
    }

    fn token_for(&self, ending: &str) -> String {
        self.bobs(if ending == "device" { "&device_id=d&read=true&write=true" } else { "" })
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how soon a stream ends is what is asked here")]
fn an_open_stream_ends_within_a_second_of_the_right_to_read() {
    let scenes: Vec<_> = ENDINGS.into_iter().map(|ending| (ending, scene())).collect();
    for (ending, scene) in &scenes {
        let token = scene.token_for(ending);
        let mut stream = TcpStream::connect(scene.platform.address()).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
        write!(stream, "GET /v1/live HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n")
            .expect("sent");
        let mut text = String::new();
        let read = |text: &mut String, stream: &mut TcpStream| {
            let mut bytes = [0; 4096];
            let length = stream.read(&mut bytes).expect("something comes");
            text.push_str(&String::from_utf8_lossy(&bytes[..length]));
        };
        while !text.contains("event: hello") {
            read(&mut text, &mut stream);
        }
        scene.end(ending, &token);
        let begun = Instant::now();
        while !text.contains("event: end") {
            read(&mut text, &mut stream);
        }
        assert!(begun.elapsed() < AT_ONCE, "{ending}: {:?}", begun.elapsed());
    }
}

#[test]
fn a_session_s_stream_and_requests_end_with_the_membership_and_with_the_account() {
    for ending in ["removed", "disabled"] {
        let scene = scene();
        let browser = scene.platform.browser("bob", PASSWORD);
        let head = format!(
            "GET /v1/live?project_id={} HTTP/1.1\r\nHost: x\r\nCookie: {}\r\n\r\n",
            scene.project, browser.cookie
        );
        let mut stream = TcpStream::connect(scene.platform.address()).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
        stream.write_all(head.as_bytes()).expect("sent");
        let mut text = String::new();
        let mut bytes = [0; 4096];
        let mut ended = false;
        while !text.contains("event: end") {
            let length = stream.read(&mut bytes).expect("something comes");
            text.push_str(&String::from_utf8_lossy(&bytes[..length]));
            if text.contains("event: hello") && !ended {
                ended = true;
                scene.end(ending, "");
            }
        }
        let visit = scene.platform.visit(
            &browser,
            ("GET", "/v1/devices"),
            Some(scene.project),
            &Value::Null,
        );
        assert!(matches!(visit.status, 401 | 404), "{ending}: {}", visit.text);
    }
}

#[test]
fn an_import_whose_body_comes_after_the_right_to_write_ended_is_not_stored() {
    for ending in ENDINGS {
        let scene = scene();
        let token = scene.token_for(ending);
        let body = scene.reading(if ending == "device" { "d" } else { "e" }).to_string();
        let head =
            format!("POST /v1/imports?fmt=table HTTP/1.1\r\nAuthorization: Bearer {token}\r\n");
        let mut stream = scene.begin(&head, &body, 10);
        std::thread::sleep(Duration::from_millis(100));
        scene.end(ending, &token);
        stream.write_all(&body.as_bytes()[10..]).expect("sent");
        let status = status_of(&mut stream);
        assert!(matches!(status, 401 | 403), "{ending}: {status}");
        let all = scene.platform.token(&scene.admin, scene.project, "");
        let rows = scene.platform.get("/v1/data/input", &all).expect(200);
        assert_eq!(rows["result"][0]["values"], json!([]), "{ending}");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how soon a request ends is what is asked here")]
fn a_request_that_takes_long_is_refused_within_a_second_of_the_right_s_end() {
    let scene = scene();
    let token = scene.bobs("");
    // The body never comes.
    let head = format!("POST /v1/sql HTTP/1.1\r\nAuthorization: Bearer {token}\r\n");
    let mut stream = scene.begin(&head, r#"{"query": "SELECT 1"}"#, 5);
    std::thread::sleep(Duration::from_millis(100));
    scene.end("disabled", &token);
    let begun = Instant::now();
    assert_eq!(status_of(&mut stream), 401);
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
}

#[test]
fn a_long_reply_breaks_off_when_the_right_to_read_ends() {
    let scene = scene_with(|config| config.query.max_rows = 100_000_000);
    let token = scene.bobs("");
    let rows: Vec<Value> = (0..3000).map(|n| json!([1_700_000_000_000_i64 + n, n])).collect();
    let sources = json!({"fields": ["time", "n"], "data": rows});
    let body = json!({"project_id": scene.project, "device_id": "d", "sources": sources});
    scene.platform.post("/v1/imports?fmt=table", &token, &body).expect(200);
    let sql = r#"{"query": "SELECT a.n AS a, b.n AS b FROM input a, input b"}"#;
    let head =
        format!("POST /v1/sql HTTP/1.1\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n");
    let mut stream = scene.begin(&head, sql, sql.len());
    let mut bytes = vec![0; 1 << 16];
    let first = stream.read(&mut bytes).expect("it begins");
    assert!(String::from_utf8_lossy(&bytes[..first]).starts_with("HTTP/1.1 200"));
    scene.end("revoked", &token);
    let (mut all, mut last) = (first, Vec::new());
    while let Ok(length @ 1..) = stream.read(&mut bytes) {
        all += length;
        last = bytes[..length].to_vec();
    }
    // Nine million rows would be more than fifty million bytes, with the end of the JSON behind them.
    assert!(all < 50_000_000, "{all} bytes came after all");
    assert!(!String::from_utf8_lossy(&last).contains("]}]}"), "it came to its end");
}

#[test]
fn the_metrics_are_open_on_this_machine_and_need_a_token_elsewhere() {
    use iobeam_server::config::MetricsAccess;
    let scene = scene();
    let get = |platform: &Platform, headers: &[(&str, &str)]| {
        platform.send("GET", "/metrics", headers, None).status
    };
    assert_eq!(get(&scene.platform, &[]), 200);
    let file = scene.platform.data().join("keys/metrics.token");
    let token = format!("Bearer {}", std::fs::read_to_string(&file).expect("the token"));
    let passed_on = ("X-Forwarded-For", "203.0.113.5");
    assert_eq!(
        get(&scene.platform, &[passed_on]),
        401,
        "a proxy here passes on what comes from elsewhere"
    );
    assert_eq!(get(&scene.platform, &[passed_on, ("Authorization", &token)]), 200);
    let closed = Platform::start_with(|config| config.metrics_access = MetricsAccess::Token);
    let operator = closed.person("operator");
    let user = closed.person("user");
    assert_eq!(get(&closed, &[]), 401);
    assert_eq!(get(&closed, &[("Authorization", &token)]), 401, "another server's token");
    let bearer = |token: &str| format!("Bearer {token}");
    assert_eq!(get(&closed, &[("Authorization", &bearer(&operator.token))]), 200);
    assert_eq!(get(&closed, &[("Authorization", &bearer(&user.token))]), 401);
    let own = std::fs::read_to_string(closed.data().join("keys/metrics.token")).expect("the token");
    assert_eq!(get(&closed, &[("Authorization", &bearer(&own))]), 200);
    let open = Platform::start_with(|config| config.metrics_access = MetricsAccess::Open);
    assert_eq!(get(&open, &[passed_on]), 200);
}
