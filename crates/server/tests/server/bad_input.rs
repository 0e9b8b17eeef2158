//! Whatever is wrong, the reply is a JSON error that names the place and the way out; and the server serves on.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::running::Server;

#[test]
fn bad_imports_are_refused_with_their_place_and_leave_nothing() {
    let server = Server::start();
    let account = server.account_with_device();
    let project = account.project;
    let table = |rows: Value| {
        json!({"project_id": project, "device_id": "d", "sources": {"fields": ["time", "a"], "data": rows}})
            .to_string()
    };
    let cases: Vec<(&str, String, u16)> = vec![
        ("?fmt=table", "{".to_owned(), 400),
        ("?fmt=table", String::new(), 400),
        ("?fmt=table", "[]".to_owned(), 400),
        ("?fmt=chair", table(json!([[1, 1]])), 400),
        ("?fmt=table", table(json!([[1, 1], [2, "text"]])), 400),
        ("?fmt=table", table(json!([[1, -0.5], [2]])), 400),
        ("?fmt=table", table(json!([["noon", 1]])), 400),
        ("?fmt=table", table(json!([[1, 1]])).replace("\"a\"", "\"Time\""), 400),
        ("?fmt=table", table(json!([[1, 1]])).replace("[1,1]", "[1,-1.-5000]"), 400),
        ("?fmt=table", table(json!([[1, 1]])).replace("[1,1]", "[0002,1]"), 400),
        ("?fmt=table", table(json!([[1, 9_007_199_254_740_993_u64]])), 400),
        ("?fmt=table", table(json!([[1, 1]])).replace("\"d\"", "\"a b\""), 400),
        ("?fmt=table", table(json!([[1, 1]])).replace("\"d\"", "\"unknown\""), 404),
        (
            "?fmt=table",
            json!({"project_id": project, "sources": {"fields": ["time"], "data": []}}).to_string(),
            400,
        ),
        (
            "?fmt=table",
            json!({"namespace": "other", "data": {"fields": ["time"], "values": [[1]]}})
                .to_string(),
            404,
        ),
        ("?fmt=table", table(json!([[1, 1]])).replace(&format!(":{project}"), ":4711"), 403),
        (
            "",
            json!({"project_id": project, "device_id": "d", "sources": [{"data": []}]}).to_string(),
            400,
        ),
    ];
    for (query, body, status) in cases {
        let bearer = format!("Bearer {}", account.token);
        let headers = [("authorization", bearer.as_str())];
        let reply = server.send(&format!("POST /v1/imports{query}"), &headers, body.as_bytes());
        assert_eq!(reply.status, status, "{body}: {}", reply.text());
        assert!(reply.code() > 0);
        assert!(!reply.json()["errors"][0]["details"].as_str().expect("text").is_empty(), "{body}");
    }
    let rows = server.get("/v1/data/input", &account.token).json();
    assert_eq!(rows["result"][0]["values"], json!([]));
    assert_eq!(
        rows["result"][0]["fields"],
        json!(["time", "device_id"]),
        "no field came into being"
    );
    let empty = server.call(
        "POST /v1/imports?fmt=table",
        &account.token,
        &serde_json::from_str(&table(json!([]))).expect("json"),
    );
    assert_eq!(empty.json()["stored"], 0);
}

#[test]
fn the_words_of_refusals() {
    let server = Server::start();
    let account = server.account_with_device();
    let mut said = String::new();
    let mut note = |what: &str, reply: crate::running::Reply| {
        let body = reply.json();
        let error = &body["errors"][0];
        let _ = writeln!(
            said,
            "{what}\n  {} {} {} ({})",
            reply.status, error["code"], error["message"], error["details"]
        );
    };
    note("no token", server.send("GET /v1/devices", &[], b""));
    note("no such path", server.get("/v2/anything?token=secret", ""));
    note("wrong method", server.call("PUT /v1/imports", &account.token, &Value::Null));
    note("no namespace", server.get("/v1/data/nothing", &account.token));
    note("no field", server.get("/v1/data/input/nothing", &account.token));
    note("bad limit", server.get("/v1/data/input?limit=-1", &account.token));
    note("other project", server.get("/v1/exports/4711/all/all", &account.token));
    note("no number", server.get("/v1/exports/x", &account.token));
    note(
        "no sql",
        server.call("POST /v1/sql", &account.token, &json!({"query": "DROP TABLE input"})),
    );
    note("no query", server.call("POST /v1/sql", &account.token, &json!({"sql": "SELECT 1"})));
    note(
        "bad params",
        server.call(
            "POST /v1/sql",
            &account.token,
            &json!({"query": "SELECT $1", "params": [[1]]}),
        ),
    );
    note("empty body", server.call("POST /v1/sql", &account.token, &Value::Null));
    note("missing parameter", server.get("/v1/tokens/project", &account.user));
    note("user token for data", server.get("/v1/data/input", &account.user));
    insta::assert_snapshot!(said);
}

#[test]
fn what_is_no_http_gets_a_json_error_too() {
    let server = Server::start();
    let long = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "a".repeat(40 << 10));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(300));
    for (bytes, status) in [
        (&b"nonsense\r\n\r\n"[..], 400),
        (b"GET / HTTP/1.1\r\nbad header\r\n\r\n", 400),
        (b"GET / HTTP/7.1\r\n\r\n", 400),
        (b"POST /v1/imports HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", 400),
        (long.as_bytes(), 431),
        (many.as_bytes(), 431),
    ] {
        let reply = server.raw(bytes);
        assert_eq!(reply.status, status, "{}", reply.head);
        assert!(reply.code() > 0);
        assert_eq!(reply.header("content-length"), Some(reply.body.len().to_string().as_str()));
    }
    assert_eq!(server.get("/health", "").status, 200);
}

#[test]
fn a_method_that_a_path_does_not_take_is_405_with_those_it_takes() {
    let server = Server::start();
    let account = server.account();
    for line in ["DELETE /v1/imports", "GET /v1/sql", "PURGE /v1/devices", "POST /v1/data/input"] {
        let reply = server.call(line, &account.token, &Value::Null);
        assert_eq!((reply.status, reply.code()), (405, 23), "{line}");
        assert!(reply.header("allow").is_some(), "{line}: {}", reply.head);
    }
}
