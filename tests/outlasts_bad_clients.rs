//! Whoever is slow, silent, deaf or talks nonsense is let go, and never in the way of those who behave: while many of
//! each kind hold connections, a device is acknowledged each of its rows, and afterwards nothing is left of them.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use iobeam_promises::{Account, Platform, asked};
use iobeam_testkit::Chance;
use serde_json::json;

/// Rounds of bad clients; `IOBEAM_BAD_ROUNDS` asks for more, and `IOBEAM_SEED` for others.
const ROUNDS: u64 = 3;
/// Bad clients of each kind at once.
const OF_EACH: usize = 12;
/// Connections that the platform takes: fewer than there are bad clients at times.
const ROOM: usize = 200;
/// Imports of the device that behaves, in each round.
const IMPORTS: u64 = 15;
/// What the process may take: deaf clients have asked for far more.
const MEMORY: u64 = 400 << 20;

/// How a client is bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Sends the head of a request a byte at a time, and never the end.
    SlowHead,
    /// Sends the head, and of the body a byte at a time.
    SlowBody,
    /// Connects, and says nothing.
    Silent,
    /// Sends half a request, and ends its side.
    HalfOpen,
    /// Announces more than it sends, and waits for a reply.
    Liar,
    /// Sends bytes that are no request.
    Garbage,
    /// Sends what reads as two different requests.
    Smuggler,
    /// Asks for large replies, one after the other, and reads none.
    Deaf,
    /// Sends a request and is gone before the reply.
    Hasty,
}

const KINDS: [Kind; 9] = [
    Kind::SlowHead,
    Kind::SlowBody,
    Kind::Silent,
    Kind::HalfOpen,
    Kind::Liar,
    Kind::Garbage,
    Kind::Smuggler,
    Kind::Deaf,
    Kind::Hasty,
];

/// A bad client's connection, and what it still has to say, a byte at a time.
struct Bad {
    kind: Kind,
    stream: TcpStream,
    unsaid: Vec<u8>,
}

impl Bad {
    /// Connects and begins. Nothing, if it is not let in or ended at once.
    fn begin(kind: Kind, platform: &Platform, token: &str, chance: &mut Chance) -> Option<Self> {
        let mut stream = TcpStream::connect(platform.address()).ok()?;
        let timeout = Some(Duration::from_secs(20));
        stream.set_write_timeout(timeout).ok()?;
        let post = |length: u64| {
            format!(
                "POST /v1/imports?fmt=table HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
                 content-type: application/json\r\ncontent-length: {length}\r\n"
            )
        };
        let (said, unsaid) = match kind {
            Kind::SlowHead => (String::new(), post(10)),
            Kind::SlowBody => (post(1000) + "\r\n", "{".repeat(900)),
            Kind::Silent => (String::new(), String::new()),
            Kind::HalfOpen => (post(500) + "\r\n{\"sources\"", String::new()),
            Kind::Liar => (post(1 + chance.below(30 << 20)) + "\r\n{}", String::new()),
            Kind::Garbage => return Self::garbage(stream, chance),
            Kind::Smuggler => {
                let both =
                    "transfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /health HTTP/1.1\r\n\r\n";
                (post(5) + both, String::new())
            }
            Kind::Deaf => return Self::deaf(stream, token),
            Kind::Hasty => {
                let query = "GET /v1/data/input/all?limit=100000 HTTP/1.1\r\nhost: x\r\n";
                stream
                    .write_all(format!("{query}authorization: Bearer {token}\r\n\r\n").as_bytes())
                    .ok()?;
                return None;
            }
        };
        stream.write_all(said.as_bytes()).ok()?;
        if kind == Kind::HalfOpen {
            stream.shutdown(Shutdown::Write).ok()?;
        }
        let mut unsaid = unsaid.into_bytes();
        unsaid.reverse();
        Some(Self { kind, stream, unsaid })
    }

    fn garbage(mut stream: TcpStream, chance: &mut Chance) -> Option<Self> {
        let noise: Vec<u8> = (0..chance.below(20_000)).map(|_| chance.below(256) as u8).collect();
        stream.write_all(&noise).ok()?;
        Some(Self { kind: Kind::Garbage, stream, unsaid: Vec::new() })
    }

    /// Sends requests for as long as the server takes any.
    fn deaf(mut stream: TcpStream, token: &str) -> Option<Self> {
        let query = "GET /v1/openapi.json HTTP/1.1\r\nhost: x\r\n";
        let request = format!("{query}authorization: Bearer {token}\r\n\r\n").repeat(100);
        stream.set_nonblocking(true).ok()?;
        for _ in 0..50 {
            if stream.write(request.as_bytes()).is_err() {
                break;
            }
        }
        Some(Self { kind: Kind::Deaf, stream, unsaid: Vec::new() })
    }

    /// Goes on being bad. Whether the server still bears it.
    fn go_on(&mut self) -> bool {
        if let Some(byte) = self.unsaid.pop()
            && self.stream.write_all(&[byte]).is_err()
        {
            return false;
        }
        // The deaf learns of its end by what it can still send; the others by reading.
        if self.kind == Kind::Deaf {
            return match self.stream.write(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n") {
                Ok(_) => true,
                Err(error) => error.kind() == ErrorKind::WouldBlock,
            };
        }
        if self.stream.set_nonblocking(true).is_err() {
            return false;
        }
        let mut reply = [0; 4096];
        let goes_on = loop {
            match self.stream.read(&mut reply) {
                Ok(0) => break false,
                Ok(_) => {}
                Err(error) => break error.kind() == ErrorKind::WouldBlock,
            }
        };
        goes_on && self.stream.set_nonblocking(false).is_ok()
    }
}

/// Sends a row until it is acknowledged: who is told to come back, or cut off in the throng, does so.
fn import(platform: &Platform, account: &Account, number: u64) {
    let body = json!({
        "project_id": account.project, "device_id": "device-1",
        "sources": {"fields": ["time", "n"], "data": [[number, number]]},
    })
    .to_string();
    for _ in 0..2000 {
        let path = "/v1/imports?fmt=table";
        let sent =
            platform.post_bytes(path, Some(&account.token), "application/json", body.as_bytes());
        match sent {
            Ok(reply) if reply.status == 503 || reply.status == 408 => {
                assert!(reply.status == 408 || reply.header("retry-after").is_some(), "{reply:?}");
            }
            Ok(reply) => {
                reply.expect_status(200);
                return;
            }
            Err(_cut_off) => {}
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("row {number} is not taken:\n{}", platform.log());
}

/// Open files and bytes of memory of the process.
fn size(platform: &Platform) -> (usize, u64) {
    let process = format!("/proc/{}", platform.pid());
    let files = fs::read_dir(format!("{process}/fd")).expect("it lives").count();
    let status = fs::read_to_string(format!("{process}/status")).expect("it lives");
    let memory = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a figure");
    let memory = memory.trim().trim_end_matches(" kB").parse::<u64>().expect("kB");
    (files, memory << 10)
}

#[test]
fn a_device_is_heard_while_others_are_slow_silent_deaf_or_talk_nonsense() {
    let (rounds, seed) =
        (asked("IOBEAM_BAD_ROUNDS").unwrap_or(ROUNDS), asked("IOBEAM_SEED").unwrap_or(1));
    let mut chance = Chance::new(seed);
    let room = format!("--max-connections={ROOM}");
    let platform = Platform::start_with(&[
        "--header-timeout=2s",
        "--idle-timeout=2s",
        "--body-timeout=2s",
        "--reply-timeout=2s",
        &room,
    ]);
    let account = platform.account();
    import(&platform, &account, 0);
    let (files, _) = size(&platform);
    let mut number = 0;
    for round in 1..=rounds {
        let mut bad = Vec::new();
        for _ in 0..OF_EACH {
            let begun = KINDS
                .iter()
                .filter_map(|kind| Bad::begin(*kind, &platform, &account.token, &mut chance));
            bad.extend(begun);
        }
        if round % 3 == 0 {
            // More than there is room for.
            let silent =
                (0..ROOM).filter_map(|_| Bad::begin(Kind::Silent, &platform, "", &mut chance));
            bad.extend(silent);
        }
        for _ in 0..IMPORTS {
            number += 1;
            import(&platform, &account, number);
            bad.retain_mut(Bad::go_on);
        }
        // None of them holds its connection for ever.
        for _ in 0..1000 {
            bad.retain_mut(Bad::go_on);
            if bad.is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let left: Vec<Kind> = bad.iter().map(|bad| bad.kind).collect();
        assert!(left.is_empty(), "seed {seed}, round {round}: still borne with: {left:?}");
    }
    let rows = platform.rows(&account).1;
    let mut found: Vec<_> =
        rows.iter().map(|row| row[0].as_u64().expect("a time") / 1000).collect();
    found.sort_unstable();
    assert_eq!(found, (0..=number).collect::<Vec<_>>(), "seed {seed}: each row once");
    let mut now = size(&platform);
    for _ in 0..1000 {
        if now.0 <= files + 20 {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
        now = size(&platform);
    }
    eprintln!(
        "{rounds} rounds from seed {seed}: {number} rows acknowledged and there once; {files} files became {}, peak {} MB",
        now.0,
        now.1 >> 20
    );
    assert!(now.0 <= files + 20, "{files} open files became {}", now.0);
    assert!(now.1 < MEMORY, "{} MB were taken", now.1 >> 20);
}
