//! When a connection is idle and when it is not, and heads that could be read in two ways.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::running::{Account, Reply, Server, until};

/// The next response of a connection that stays open: its status.
fn next_status(stream: &mut TcpStream) -> u16 {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let count = stream.read(&mut piece).expect("a response");
        assert!(count > 0, "closed after {:?}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&piece[..count]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let reply = Reply::from(&bytes);
        let length: usize = reply.header("content-length").expect("a length").parse().expect("it");
        if bytes.len() >= end + 4 + length {
            return reply.status;
        }
    }
}

fn import(account: &Account, time: u64) -> String {
    let body = json!({"project_id": account.project, "device_id": "d",
                      "sources": [{"name": "a", "data": [{"time": time, "value": 1}]}]})
    .to_string();
    format!(
        "POST /v1/imports HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n{body}",
        account.token,
        body.len()
    )
}

fn rows(server: &Server, account: &Account) -> usize {
    let reply = server.get("/v1/data/input/a", &account.token).json();
    reply["result"][0]["values"].as_array().map_or(0, Vec::len)
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long it takes is the question")]
fn a_connection_without_a_request_ends_after_the_idle_timeout_and_not_before() {
    let server = Server::with(&[("idle-timeout", "2s"), ("header-timeout", "1s")]);
    let mut fresh = server.connect();
    let mut used = server.connect();
    let begun = Instant::now();
    used.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").expect("a socket");
    assert_eq!(next_status(&mut used), 200);
    std::thread::sleep(Duration::from_millis(1300));
    used.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").expect("a socket");
    assert_eq!(next_status(&mut used), 200, "the header-timeout does not count while it is idle");
    for stream in [&mut fresh, &mut used] {
        let mut nothing = [0; 16];
        assert_eq!(stream.read(&mut nothing).expect("a good end"), 0, "closed without a word");
    }
    assert!(
        begun.elapsed() >= Duration::from_secs(3),
        "the idle time counts from the last response"
    );
}

#[test]
fn a_request_that_has_begun_is_never_ended_as_idle() {
    let server = Server::with(&[("idle-timeout", "1s"), ("header-timeout", "20s")]);
    // Its first bytes come in time, the others long after.
    let mut slow = server.connect();
    slow.write_all(b"GET /health HTTP/1.1\r\nho").expect("a socket");
    // The first bytes of the second request come with the first request.
    let mut ahead = server.connect();
    ahead
        .write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\nGET /health HTTP/1.1\r\nho")
        .expect("a socket");
    assert_eq!(next_status(&mut ahead), 200);
    std::thread::sleep(Duration::from_millis(2500));
    for stream in [&mut slow, &mut ahead] {
        stream.write_all(b"st: x\r\n\r\n").expect("a socket");
        assert_eq!(next_status(stream), 200);
    }
}

#[test]
fn a_head_that_stops_half_way_is_408_after_the_header_timeout() {
    let server = Server::with(&[("idle-timeout", "60s"), ("header-timeout", "1s")]);
    let mut stream = server.connect();
    std::thread::sleep(Duration::from_millis(1500));
    stream.write_all(b"GET /health HT").expect("no deadline had begun");
    let reply = Reply::read(&mut stream);
    assert_eq!(reply.status, 408);
    assert!(reply.text().contains("header-timeout"), "{}", reply.text());
}

#[test]
fn an_import_that_crosses_the_end_of_its_connection_is_stored() {
    let server = Server::with(&[("idle-timeout", "1s")]);
    let account = server.account_with_device();
    let mut stream = server.connect();
    let mut nothing = [0; 16];
    assert_eq!(stream.read(&mut nothing).expect("a good end"), 0, "it was idle");
    // As if these bytes had been on their way when the server closed.
    stream.write_all(import(&account, 7).as_bytes()).expect("the server still listens");
    until("the row is there", || (rows(&server, &account) == 1).then_some(()));
    // Anything else is not begun, as nobody would learn how it went.
    let mut stream = server.connect();
    assert_eq!(stream.read(&mut nothing).expect("a good end"), 0);
    let late = format!(
        "DELETE /v1/devices/d HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
        account.token
    );
    stream.write_all(late.as_bytes()).expect("the server still listens");
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.read_to_end(&mut Vec::new());
    assert_eq!(server.get("/v1/devices/d", &account.token).status, 200);
}

#[test]
fn a_head_that_could_be_read_in_two_ways_is_refused_on_a_fresh_and_on_a_used_connection() {
    let server = Server::start();
    for (lines, status) in [
        ("", 400),
        ("host: x\r\nhost: x", 400),
        ("host: x, y", 400),
        ("host: x y", 400),
        ("host: x\r\ncontent-length: 2\r\ncontent-length: 2", 400),
        ("host: x\r\ncontent-length: 2\r\ncontent-length: 3", 400),
        ("host: x\r\ncontent-length: 2, 2", 400),
        ("host: x\r\ncontent-length: +2", 400),
        ("host: x\r\ncontent-length: 2\r\ntransfer-encoding: chunked", 400),
        ("host: x\r\ntransfer-encoding: chunked\r\ncontent-length: 2", 400),
        ("host: x\r\ntransfer-encoding: gzip, chunked", 501),
        ("host: x\r\ntransfer-encoding: gzip\r\ntransfer-encoding: chunked", 501),
        ("host: x\r\ntransfer-encoding: chunked, chunked", 400),
        ("host: x\r\ntransfer-encoding: gzip", 400),
        ("host: x\r\ntransfer-encoding : chunked", 400),
        ("host: x\r\nx-folded: a\r\n b", 400),
        ("host: x\r\nx: y\r\n transfer-encoding: chunked", 400),
    ] {
        let request = format!("POST /v1/ping HTTP/1.1\r\n{lines}{}", "\r\n\r\n");
        let request = request.replace("HTTP/1.1\r\n\r\n\r\n", "HTTP/1.1\r\n\r\n");
        let mut fresh = server.connect();
        fresh.write_all(request.as_bytes()).expect("a socket");
        let reply = Reply::read(&mut fresh);
        assert_eq!(reply.status, status, "{lines:?}: {}", reply.text());
        assert!(reply.code() > 0, "{lines:?}");
        let mut used = server.connect();
        used.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").expect("a socket");
        assert_eq!(next_status(&mut used), 200);
        used.write_all(request.as_bytes()).expect("a socket");
        assert_eq!(Reply::read(&mut used).status, status, "{lines:?}, as the second request");
    }
    assert_eq!(server.raw(b"GET /health HTTP/1.0\r\n\r\n").status, 200, "HTTP/1.0 needs no host");
    let chunks = b"POST /v1/ping HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(server.raw(chunks).status, 405, "chunks are fine");
}

#[test]
fn a_request_that_its_client_gives_up_does_not_stay_counted_as_running() {
    let server = Server::with(&[("query-timeout", "2s")]);
    let account = server.account_with_device();
    let running = || {
        let text = server.get("/metrics", "").text();
        let line = text.lines().find(|line| line.starts_with("iobeam_requests_running "));
        line.expect("the gauge").rsplit(' ').next().expect("a number").parse::<i64>().expect("it")
    };
    let body = r#"{"query":"SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b"}"#;
    let request = format!(
        "POST /v1/sql HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n{body}",
        account.token,
        body.len()
    );
    for _ in 0..3 {
        let mut stream = server.connect();
        stream.write_all(request.as_bytes()).expect("a socket");
        std::thread::sleep(Duration::from_millis(200));
        drop(stream);
    }
    until("only the request for the figures runs", || (running() == 1).then_some(()));
}
