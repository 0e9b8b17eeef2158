//! A client that sends once a minute over one connection loses nothing and never meets a closed connection: played a
//! minute a second, over a network that takes its time; with the original Python client beside it.
//!
//! The long form: `IOBEAM_SENDS` (1000 readings of each client), and `IOBEAM_REAL_MINUTES` (20), in which a minute takes
//! a minute and the server has its default settings.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use iobeam_promises::{Account, Platform, asked, project_root, python_with};
use serde_json::json;

/// Readings of each client, unless asked otherwise.
const SENDS: u64 = 12;
/// Clients at a time.
const CLIENTS: u64 = 8;
/// What the network adds in each direction.
const LATENCY: Duration = Duration::from_millis(20);
/// Between two readings, where a minute takes a second.
const INTERVAL: Duration = Duration::from_secs(1);
/// As the default of 130 s is to a minute, but closer to it.
const IDLE_TIMEOUT: &str = "1250ms";

/// A network that delivers everything [`LATENCY`] late: where to connect to.
fn slow_network(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        while let Ok((client, _)) = listener.accept() {
            let Ok(server) = TcpStream::connect(to) else { continue };
            for (from, to) in [(&client, &server), (&server, &client)] {
                let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else { continue };
                delay(from, to);
            }
        }
    });
    address
}

/// Carries bytes, and the end, from one side to the other.
fn delay(mut from: TcpStream, mut to: TcpStream) {
    let _ = to.set_nodelay(true);
    let (send, pieces) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = [0; 16 << 10];
        loop {
            let count = from.read(&mut buffer).unwrap_or(0);
            if send.send((now() + LATENCY, buffer[..count].to_vec())).is_err() || count == 0 {
                return;
            }
        }
    });
    thread::spawn(move || {
        for (at, piece) in pieces {
            thread::sleep(at.saturating_duration_since(now()));
            if piece.is_empty() || to.write_all(&piece).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}

#[expect(clippy::disallowed_methods, reason = "a network has a clock of its own")]
fn now() -> Instant {
    Instant::now()
}

/// Sends readings over one connection, each an interval after the response to the one before.
fn send_now_and_then(
    address: SocketAddr,
    account: &Account,
    client: u64,
    sends: u64,
    interval: Duration,
) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_nodelay(true).expect("a socket");
    for number in 0..sends {
        let body = json!({
            "project_id": account.project, "device_id": "device-1",
            "sources": {"fields": ["time", "n"], "data": [[client * 1_000_000 + number, number]]},
        })
        .to_string();
        let request = format!(
            "POST /v1/imports?fmt=table HTTP/1.1\r\nHost: iot\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{body}",
            account.token,
            body.len()
        );
        stream.write_all(request.as_bytes()).expect("the connection is open");
        let mut reply = [0; 4096];
        let count = stream.read(&mut reply).expect("the connection is open");
        let reply = String::from_utf8_lossy(&reply[..count]);
        assert!(reply.starts_with("HTTP/1.1 200"), "client {client}, reading {number}: {reply:?}");
        if number + 1 < sends {
            thread::sleep(interval);
        }
    }
}

/// The original Python client, which does the same.
fn original(base: &str, account: &Account, sends: u64, interval: Duration) -> Child {
    let packages = ["iobeam==0.11.0", "pyjwt<2.11"];
    Command::new(python_with("original-client", &packages))
        .arg(project_root().join("tests/python/original_client_now_and_then.py"))
        .env("BACKEND", format!("{base}/v1/"))
        .env("PROJECT_ID", account.project.to_string())
        .env("PROJECT_TOKEN", &account.token)
        .env("SENDS", sends.to_string())
        .env("INTERVAL", interval.as_secs_f64().to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python runs")
}

fn play(settings: &[&str], sends: u64, interval: Duration) {
    let platform = Platform::start_with(settings);
    let account = platform.account();
    let address = slow_network(platform.address().parse().expect("an address"));
    let python = original(&format!("http://{address}"), &account, sends, interval);
    thread::scope(|scope| {
        for client in 1..=CLIENTS {
            let account = &account;
            scope.spawn(move || send_now_and_then(address, account, client, sends, interval));
        }
    });
    let output = python.wait_with_output().expect("python ends");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}\n{}", platform.log());
    let body = json!({"query": "SELECT count(*) FROM input"});
    let reply = platform.post("/v1/sql", Some(&account.token), &body);
    let count = &reply.expect_status(200).body["result"][0]["values"][0][0];
    assert_eq!(*count, json!((CLIENTS + 1) * sends), "every reading once");
}

#[test]
fn a_client_that_sends_once_a_minute_keeps_its_connection_and_loses_nothing() {
    let sends = asked("IOBEAM_SENDS").unwrap_or(SENDS);
    play(&["--idle-timeout", IDLE_TIMEOUT], sends, INTERVAL);
}

#[test]
fn twenty_real_minutes_pass_without_a_lost_reading() {
    let Some(minutes) = asked("IOBEAM_REAL_MINUTES") else { return };
    play(&[], minutes + 1, Duration::from_mins(1));
}
