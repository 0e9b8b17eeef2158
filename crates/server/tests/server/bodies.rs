//! Bodies: compressed, too large, bombs, and of the wrong length.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use serde_json::json;

use crate::running::{Account, Reply, Server, until};

const LIMIT: usize = 256 << 10;

fn server() -> (Server, Account) {
    let server = Server::with(&[("max-request-size", "256KiB")]);
    let account = server.account_with_device();
    (server, account)
}

fn import(server: &Server, account: &Account, coding: &str, body: &[u8]) -> Reply {
    let bearer = format!("Bearer {}", account.token);
    server.send(
        "POST /v1/imports",
        &[("authorization", &bearer), ("content-encoding", coding)],
        body,
    )
}

fn readings(account: &Account, value: u32, padding: usize) -> Vec<u8> {
    let body = json!({"project_id": account.project, "device_id": "d",
        "sources": [{"name": "a", "data": [{"time": 1, "value": value}]}], "ignored": "x".repeat(padding)});
    body.to_string().into_bytes()
}

fn packed(coding: &str, body: &[u8]) -> Vec<u8> {
    let best = Compression::best();
    match coding {
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), best);
            encoder.write_all(body).expect("memory");
            encoder.finish().expect("memory")
        }
        "deflate" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), best);
            encoder.write_all(body).expect("memory");
            encoder.finish().expect("memory")
        }
        "raw deflate" => {
            let mut encoder = DeflateEncoder::new(Vec::new(), best);
            encoder.write_all(body).expect("memory");
            encoder.finish().expect("memory")
        }
        _ => zstd::encode_all(body, 3).expect("memory"),
    }
}

#[test]
fn compressed_bodies_are_read() {
    let (server, account) = server();
    for (number, coding) in ["gzip", "deflate", "raw deflate", "zstd"].into_iter().enumerate() {
        let body = packed(coding, &readings(&account, number as u32, 10));
        let reply = import(&server, &account, coding.trim_start_matches("raw "), &body);
        assert_eq!(reply.status, 200, "{coding}: {}", reply.text());
    }
    assert_eq!(import(&server, &account, "identity", &readings(&account, 9, 0)).status, 200);
}

#[test]
fn a_coding_that_is_not_known_is_415_and_one_that_is_not_true_400() {
    let (server, account) = server();
    let body = readings(&account, 1, 0);
    let unknown = import(&server, &account, "br", &body);
    assert_eq!((unknown.status, unknown.code()), (415, 24));
    assert_eq!(import(&server, &account, "gzip, zstd", &body).status, 415);
    for coding in ["gzip", "zstd", "deflate"] {
        assert_eq!(import(&server, &account, coding, &body).status, 400, "{coding}");
        let whole = packed(coding, &body);
        let torn = import(&server, &account, coding, &whole[..whole.len() - 5]);
        assert_eq!(torn.status, 400, "{coding}: {}", torn.text());
    }
}

#[test]
fn what_is_too_large_is_413_before_and_after_unpacking() {
    let (server, account) = server();
    let large = readings(&account, 1, LIMIT);
    assert_eq!(import(&server, &account, "identity", &large).status, 413);
    for coding in ["gzip", "deflate", "raw deflate", "zstd"] {
        let bomb = packed(coding, &vec![b' '; 64 << 20]);
        assert!(bomb.len() < LIMIT, "{coding}: {}", bomb.len());
        let reply = import(&server, &account, coding.trim_start_matches("raw "), &bomb);
        assert_eq!((reply.status, reply.code()), (413, 22), "{coding}");
    }
    assert_eq!(
        import(&server, &account, "identity", &readings(&account, 2, LIMIT / 2)).status,
        200
    );
}

#[test]
fn a_body_in_chunks_has_the_same_limit() {
    let (server, account) = server();
    let chunked = |body: &[u8]| {
        let mut request = format!(
            "POST /v1/imports HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
             transfer-encoding: chunked\r\n\r\n",
            account.token
        )
        .into_bytes();
        for chunk in body.chunks(10_000) {
            request.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            request.extend_from_slice(chunk);
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"0\r\n\r\n");
        server.raw(&request)
    };
    assert_eq!(chunked(&readings(&account, 1, 100_000)).status, 200);
    // Refused long before all is sent, and the refusal arrives all the same.
    let refused = chunked(&readings(&account, 1, 16 << 20));
    assert_eq!((refused.status, refused.code()), (413, 22));
}

#[test]
fn an_announced_length_beyond_the_limit_is_refused_at_once() {
    let (server, account) = server();
    let head = format!(
        "POST /v1/imports HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
         content-length: 99999999999\r\n\r\n",
        account.token
    );
    assert_eq!(server.raw(head.as_bytes()).status, 413);
}

#[test]
fn many_large_bodies_at_once_are_told_to_come_back() {
    let server = Server::with(&[("memory-limit", "16MiB"), ("max-request-size", "8MiB")]);
    let account = server.account_with_device();
    let bearer = format!("Bearer {}", account.token);
    let half = |stream: &mut std::net::TcpStream| {
        let head = format!(
            "POST /v1/imports HTTP/1.1\r\nhost: x\r\nauthorization: {bearer}\r\ncontent-length: 3000000\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).expect("a socket");
        stream.write_all(&vec![b' '; 2_900_000]).expect("a socket");
    };
    let mut held = server.connect();
    half(&mut held);
    // The server may take a moment to hear of the first.
    let large = || import(&server, &account, "identity", &readings(&account, 1, 3_000_000));
    let reply = until("there is no room", || Some(large()).filter(|reply| reply.status == 503));
    assert_eq!(reply.header("retry-after"), Some("1"));
    drop(held);
    until("there is room again", || (large().status == 200).then_some(()));
}

#[test]
fn who_asks_first_is_told_to_go_on_or_not_to() {
    let (server, account) = server();
    let body = readings(&account, 1, 0);
    let head = |length: usize, token: &str| {
        format!(
            "POST /v1/imports HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
             expect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let mut stream = server.connect();
    stream.write_all(head(body.len(), &account.token).as_bytes()).expect("a socket");
    let mut go_on = [0; 25];
    std::io::Read::read_exact(&mut stream, &mut go_on).expect("an answer before the body");
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(&body).expect("a socket");
    assert_eq!(Reply::read(&mut stream).status, 200);
    assert_eq!(server.raw(head(LIMIT + 1, &account.token).as_bytes()).status, 413);
    assert_eq!(server.raw(head(10, "forged").as_bytes()).status, 401);
}

#[test]
fn a_body_that_breaks_off_stores_nothing_and_harms_nobody() {
    let (server, account) = server();
    let body = readings(&account, 1, 0);
    for cut in [0, 1, body.len() / 2, body.len() - 1] {
        let head = format!(
            "POST /v1/imports HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
            account.token,
            body.len()
        );
        let mut stream = server.connect();
        stream.write_all(head.as_bytes()).expect("a socket");
        stream.write_all(&body[..cut]).expect("a socket");
        stream.shutdown(std::net::Shutdown::Write).expect("a socket");
        let mut rest = Vec::new();
        let _ = std::io::Read::read_to_end(&mut stream, &mut rest);
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "cut at {cut}");
    }
    let rows = server.get("/v1/data/input", &account.token).json();
    assert_eq!(rows["result"][0]["values"], json!([]));
}

#[test]
fn labels_that_would_make_a_small_body_large_are_413_with_the_rows_that_fit() {
    let (server, account) = server();
    let labelled = |rows: usize| {
        let labels: serde_json::Map<_, _> =
            (0..100).map(|label| (format!("label_{label}"), json!(label))).collect();
        let values: Vec<_> = (0..rows).map(|row| json!([row])).collect();
        let body = json!({"project_id": account.project, "namespace": "input",
            "data": {"fields": ["time"], "values": values}, "labels": labels});
        server.call("POST /v1/imports?fmt=table", &account.token, &body)
    };
    // 256 KiB are 327 rows of 100 labels of 8 bytes.
    let reply = labelled(328);
    assert_eq!(reply.status, 413, "{}", reply.text());
    assert!(reply.text().contains("at most 327 rows") && reply.text().contains("max-request-size"));
    let reply = labelled(327);
    assert_eq!(reply.status, 200, "{}", reply.text());
}
