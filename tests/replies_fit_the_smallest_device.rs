//! Replies are such that the smallest original client, a C library with a 256-byte buffer, survives them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use iobeam_promises::{Account, Platform};

/// The longest status or header line that a device's buffer takes.
const LINE: usize = 189;
/// The longest body.
const BODY: usize = 255;

/// One request as the embedded clients write it: a line a segment, `Connection: close`.
fn speak(
    platform: &Platform,
    account: &Account,
    request_line: &str,
    body: Option<&str>,
) -> Vec<u8> {
    let mut stream = TcpStream::connect(platform.address()).expect("a connection");
    stream.set_nodelay(true).expect("segments leave as they are written");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a deadline");
    let mut lines = vec![
        format!("{request_line} HTTP/1.1\r\n"),
        "Host: api.iobeam.com\r\n".to_owned(),
        "Connection: close\r\n".to_owned(),
        "Content-Type: application/json\r\n".to_owned(),
    ];
    if let Some(body) = body {
        lines.push(format!("content-length: {}\r\n", body.len()));
    }
    lines.push(format!("Authorization: Bearer {}\r\n", account.token));
    lines.push("\r\n".to_owned());
    lines.extend(body.map(ToOwned::to_owned));
    for line in lines {
        stream.write_all(line.as_bytes()).expect("the server listens");
    }
    // What one read returns is all that such a client looks at.
    let mut buffer = vec![0; 4096];
    let first = stream.read(&mut buffer).expect("a reply");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("the connection is closed after the reply");
    assert!(
        rest.is_empty(),
        "{} bytes came after the first read: the reply left in pieces",
        rest.len()
    );
    buffer.truncate(first);
    buffer
}

/// Checks the rules for all embedded calls; gives status and body.
fn check(reply: &[u8]) -> (u16, String) {
    let text = std::str::from_utf8(reply).expect("text");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    let mut length = None;
    for line in head.lines() {
        assert!(line.len() <= LINE, "{} bytes in '{line}'", line.len());
        let lower = line.to_ascii_lowercase();
        assert!(!lower.starts_with("transfer-encoding"), "{line}");
        assert!(!lower.starts_with("set-cookie"), "{line}");
        if lower.contains("content-length") {
            assert!(length.is_none(), "'content-length' stands in two lines: {line}");
            let number =
                line.strip_prefix("Content-Length: ").or(line.strip_prefix("content-length: "));
            length = Some(
                number
                    .expect("spelt as the clients look for it")
                    .parse::<usize>()
                    .expect("a number"),
            );
        }
    }
    assert_eq!(length, Some(body.len()), "{text}");
    assert!(body.len() <= BODY, "{} bytes: {body}", body.len());
    let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
    (status, body.to_owned())
}

#[test]
fn a_device_with_a_256_byte_buffer_registers_reads_the_time_and_sends() {
    let platform = Platform::start();
    let account = platform.account();
    let project = account.project;
    for round in 0..20 {
        let body = format!("{{\"project_id\":{project}}}");
        let (status, body) = check(&speak(&platform, &account, "POST /v1/devices", Some(&body)));
        assert_eq!(status, 201, "{body}");
        let after = body.split("\"device_id\":").nth(1).expect("no space before the colon");
        let id = after.trim_start().trim_start_matches('"').split('"').next().expect("an id");
        assert!((16..=48).contains(&id.len()), "{id}");

        let (status, body) = check(&speak(&platform, &account, "GET /v1/devices/timestamp", None));
        assert_eq!(status, 200);
        let number = body.split("\"server_timestamp\":").nth(1).expect("the member").trim_start();
        assert!(number.starts_with(|c: char| c.is_ascii_digit()), "{body}");

        let line = "GET /v1/devices/timestamp?timefmt=TIMEVAL";
        let (status, body) = check(&speak(&platform, &account, line, None));
        assert_eq!(status, 200);
        let seconds = body.find("\"sec\":").expect("sec");
        assert!(seconds < body.find("\"usec\":").expect("usec"), "{body}");

        let import = format!(
            "{{\"project_id\":{project},\"device_id\":\"{id}\",\
             \"sources\":[{{\"name\":\"temp\",\"data\":[{{\"time\":{round},\"value\":21.500000}}]}}]}}"
        );
        let (status, body) = check(&speak(&platform, &account, "POST /v1/imports", Some(&import)));
        assert_eq!(status, 200, "{body}");
    }
}

#[test]
fn numbers_that_only_an_arduino_writes_are_refused_and_the_server_lives() {
    let platform = Platform::start();
    let account = platform.account();
    for value in ["-1.-5000", "0.-5000"] {
        let import = format!(
            "{{\"project_id\":{},\"device_id\":\"device-1\",\
             \"sources\":[{{\"name\":\"temp\",\"data\":[{{\"time\":1,\"value\":{value}}}]}}]}}",
            account.project
        );
        let reply = speak(&platform, &account, "POST /v1/imports", Some(&import));
        assert!(reply.starts_with(b"HTTP/1.1 400 "), "{}", String::from_utf8_lossy(&reply));
    }
    // Fourteen digits: a millisecond part of exactly 1000.
    let import = format!(
        "{{\"project_id\":{},\"device_id\":\"device-1\",\
         \"sources\":[{{\"name\":\"temp\",\"data\":[{{\"time\":14273164881000,\"value\":1}}]}}]}}",
        account.project
    );
    assert_eq!(check(&speak(&platform, &account, "POST /v1/imports", Some(&import))).0, 200);
}

#[test]
fn no_call_redirects_and_each_error_is_json_with_a_length() {
    let platform = Platform::start();
    let account = platform.account();
    let paths = [
        ("GET", "/v1/projects/"),
        ("GET", "/v1/projects"),
        ("GET", "/v1/nothing"),
        ("GET", "/"),
        ("DELETE", "/v1/imports/"),
        ("GET", "/v1/data/nowhere/"),
        ("GET", "/v1/data/input/all?where=eq("),
        ("GET", "/v1/namespaces/99999"),
        ("PATCH", "/v1/devices/unknown/"),
        ("POST", "/v1/imports?fmt=table"),
    ];
    for (method, path) in paths {
        let body = (method != "GET").then_some("{");
        let reply = speak(&platform, &account, &format!("{method} {path}"), body);
        let text = String::from_utf8_lossy(&reply);
        let status: u16 = text.split(' ').nth(1).expect("a status").parse().expect("a number");
        assert!(!(300..400).contains(&status), "{method} {path}: {text}");
        if status >= 400 {
            let (head, body) = text.split_once("\r\n\r\n").expect("a body");
            assert!(head.to_ascii_lowercase().contains("content-type: application/json"), "{head}");
            let json: serde_json::Value = serde_json::from_str(body).expect("JSON");
            let first = &json["errors"][0];
            assert!(first["code"].is_u64() && first["message"].is_string(), "{body}");
            assert!(first["details"].is_string(), "{body}");
            assert_eq!(first["details"], first["detailed_message"], "{body}");
        }
    }
}
