//! What small clients need of a reply: one piece, exact length, short lines, no surprises.

use std::io::{Read, Write};

use serde_json::json;

use crate::running::{Reply, Server};

/// The bytes that the first read returns: what one segment of the network brought.
fn first_segment(server: &Server, request: &str) -> Vec<u8> {
    let mut stream = server.connect();
    // As embedded clients do it: each line in a piece of its own.
    for line in request.split_inclusive("\r\n") {
        stream.write_all(line.as_bytes()).expect("a socket");
        stream.flush().expect("a socket");
    }
    let mut buffer = vec![0; 64 << 10];
    let count = stream.read(&mut buffer).expect("a reply");
    buffer.truncate(count);
    buffer
}

fn request(line: &str, token: &str, body: &str) -> String {
    format!(
        "{line} HTTP/1.1\r\nHost: api.iobeam.com\r\nConnection: close\r\nContent-Type: application/json\r\n\
         content-length: {}\r\nAuthorization: Bearer {token}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn replies_to_embedded_clients_leave_in_one_piece_and_stay_small() {
    let server = Server::start();
    let account = server.account_with_device();
    let project = account.project;
    let import = json!({"project_id": project, "device_id": "d",
                        "sources": [{"name": "t", "data": [{"time": 1, "value": 2}]}]});
    for (line, body) in [
        ("POST /v1/devices", json!({"project_id": project}).to_string()),
        ("POST /v1/imports", import.to_string()),
        ("GET /v1/devices/timestamp", String::new()),
        ("GET /v1/devices/timestamp?timefmt=TIMEVAL", String::new()),
    ] {
        for attempt in 0..20 {
            let reply = Reply::from(&first_segment(&server, &request(line, &account.token, &body)));
            let length: usize =
                reply.header("content-length").expect("a length").parse().expect("it");
            assert_eq!(
                reply.body.len(),
                length,
                "{line}, attempt {attempt}: head and body in one piece"
            );
            assert!(length <= 255, "{line}: {length}");
        }
        let reply = Reply::from(&first_segment(&server, &request(line, &account.token, &body)));
        for header in reply.head.lines() {
            assert!(header.len() <= 189, "{header}");
        }
        assert_eq!(reply.header("transfer-encoding"), None);
        let lower: Vec<&str> =
            reply.head.lines().filter(|line| line.contains("content-length")).collect();
        assert_eq!(lower.len(), 1, "{}", reply.head);
        assert!(reply.head.lines().count() <= 7, "few headers: {}", reply.head);
    }
}

#[test]
fn a_device_reply_has_no_blank_before_a_colon() {
    let server = Server::start();
    let account = server.account_with_device();
    let body = json!({"project_id": account.project});
    let reply = server.call("POST /v1/devices", &account.token, &body);
    assert_eq!(reply.status, 201);
    assert!(reply.text().contains(r#""device_id":""#), "{}", reply.text());
    let id = reply.json()["device_id"].as_str().expect("an id").len();
    assert!((16..=48).contains(&id));
}

#[test]
fn every_path_is_the_same_with_and_without_a_slash_and_nothing_redirects() {
    let server = Server::start();
    let account = server.account_with_device();
    for path in
        ["/v1/projects", "/v1/devices", "/v1/namespaces", "/v1/data/input", "/health", "/v1/ping"]
    {
        let token = if path == "/v1/projects" { &account.user } else { &account.token };
        for slashes in ["", "/", "//"] {
            let reply = server.get(&format!("{path}{slashes}?"), token);
            assert_eq!(reply.status, 200, "{path}{slashes}: {}", reply.text());
            assert_eq!(reply.header("location"), None);
            assert_eq!(reply.header("set-cookie"), None);
        }
    }
}

#[test]
fn a_connection_serves_many_requests() {
    let server = Server::start();
    let mut stream = server.connect();
    for _ in 0..3 {
        stream.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").expect("a socket");
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).expect("a reply");
        assert_eq!(Reply::from(&buffer[..count]).status, 200);
    }
}

#[test]
fn browsers_of_other_sites_may_ask() {
    let server = Server::start();
    for path in ["/v1/projects", "/v1/data/input/all", "/nowhere"] {
        let reply = server.send(&format!("OPTIONS {path}"), &[("origin", "http://grafana")], b"");
        assert_eq!(reply.status, 204);
        assert!(reply.body.is_empty());
        let allowed = reply.header("access-control-allow-headers").expect("a list");
        for name in ["Authorization", "Accept-Type", "Access-Control-Allow-Origin", "Content-Type"]
        {
            assert!(allowed.split(", ").any(|header| header == name), "{name}");
        }
        assert!(!reply.head.contains("content-length"), "{}", reply.head);
    }
    let reply = server.send("GET /v1/projects", &[("origin", "http://grafana")], b"");
    assert_eq!(reply.status, 401);
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
}

#[test]
fn head_is_get_without_a_body() {
    let server = Server::start();
    let reply = server.send("HEAD /health", &[], b"");
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    assert_eq!(reply.header("content-length"), Some("15"));
}

#[test]
fn the_description_names_every_path() {
    let server = Server::start();
    let described = server.get("/v1/openapi.json", "").json();
    assert_eq!(described["openapi"], "3.1.0");
    let paths = described["paths"].as_object().expect("paths");
    for path in [
        "/v1/imports",
        "/v1/sql",
        "/v1/users/me",
        "/v1/devices/{device_id}",
        "/v1/openapi.json",
        "/v1/tokens/project",
    ] {
        let known: Vec<&String> = paths.keys().collect();
        assert!(paths.contains_key(path), "{path} in {known:?}");
    }
}
