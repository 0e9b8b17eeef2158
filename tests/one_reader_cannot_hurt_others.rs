//! One reader's questions, however hostile, end within their limits and cost others little: every row of a device is
//! acknowledged meanwhile, every small question of another reader is answered, and the memory stays within what was
//! given, in a memory group that ends the process otherwise.

#![expect(clippy::disallowed_methods, reason = "limits of time are held against the clock")]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use iobeam_model::{Batch, Column, NamespaceName, Texts, Values};
use iobeam_promises::{Account, Hostile, MemoryGroup, Platform, asked, hostile_questions};
use iobeam_wire::batch::{Compression, MEDIA_TYPE, encode};
use serde_json::{Value as Json, json};

/// Each test measures the machine, and has it for itself.
static MACHINE: Mutex<()> = Mutex::new(());

fn machine() -> MutexGuard<'static, ()> {
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the settings allow.
const LIMIT: u64 = 256 << 20;
/// What the process may take beyond that.
const BESIDES: u64 = 128 << 20;
/// The memory group: whatever goes beyond ends the process.
const GROUP: u64 = 700 << 20;
/// How long a query may run.
const TIMEOUT: Duration = Duration::from_secs(2);
/// When an answer must be there, after that, beside what the machine makes a trivial question wait at the time.
const LATE: Duration = Duration::from_secs(1);
/// Bytes of an answer that are read before the client goes away.
const READ: usize = 16 << 20;

/// Sends a question and reads the answer's beginning, then goes away; the status, and how long its first byte took.
fn ask(platform: &Platform, by: &str, question: &Hostile) -> (u16, Duration, String) {
    let body = question.body.as_ref().map(ToString::to_string).unwrap_or_default();
    let (method, path) = (if question.body.is_some() { "POST" } else { "GET" }, &question.path);
    let mut stream = TcpStream::connect(platform.address()).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a timeout");
    let began = Instant::now();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: it\r\nauthorization: {by}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("a request");
    // A refusal may come before the body has gone; then the rest is not wanted.
    let _ = stream.write_all(body.as_bytes());
    let mut reply = vec![0; 64 << 10];
    let first = stream.read(&mut reply).unwrap_or(0);
    let took = began.elapsed();
    let mut seen = first;
    let text = String::from_utf8_lossy(&reply[..first]).into_owned();
    while seen < READ && began.elapsed() < TIMEOUT + LATE {
        match stream.read(&mut reply) {
            Ok(0) | Err(_) => break,
            Ok(more) => seen += more,
        }
    }
    let status = text.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, took, text.chars().take(600).collect())
}

fn body_of(query: &str) -> Json {
    json!({"query": query})
}

/// Bytes that the program has for itself.
fn own_memory(platform: &Platform) -> u64 {
    let Ok(status) = fs::read_to_string(format!("/proc/{}/status", platform.pid())) else {
        return 0;
    };
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) << 10
}

/// 20 000 rows of 20 devices, and 1600 rows of 100 kB of text.
fn fill(platform: &Platform, account: &Account) {
    let send = |namespace: &str, rows: usize, columns: Vec<Column>| {
        let name: NamespaceName = namespace.parse().expect("a name");
        let times = (0..rows as i64).map(|at| 1_700_000_000_000_000 + at * 1000).collect();
        let batch = Batch::new(name, times, columns).expect("a batch");
        let body = encode(&batch, None, Compression::None);
        let reply = platform.post_bytes("/v1/imports", Some(&account.token), MEDIA_TYPE, &body);
        reply.expect("a reply").expect_status(200);
    };
    let column = |name: &str, values| {
        Column::new(name.parse().expect("a name"), values, None).expect("a column")
    };
    let texts = |rows: usize, text: &dyn Fn(usize) -> String| {
        let mut texts = Texts::new();
        (0..rows).for_each(|row| texts.push(&text(row)));
        Values::String(texts)
    };
    for device in (0..20).filter(|device| *device != 1) {
        let device =
            json!({"project_id": account.project, "device_id": format!("device-{device}")});
        platform.post("/v1/devices", Some(&account.token), &device).expect_status(201);
    }
    let numbers = Values::Double((0..20_000).map(f64::from).collect());
    let devices = texts(20_000, &|row| format!("device-{}", row % 20));
    send("input", 20_000, vec![column("device_id", devices), column("v", numbers)]);
    let made = json!({"namespace_name": "wide", "partitioning_field": "device_id", "fields": {"s": "STRING"}});
    platform.post("/v1/namespaces", Some(&account.token), &made).expect_status(201);
    for part in 0..16 {
        let long = texts(100, &|row| format!("{}{}", part * 100 + row, "x".repeat(100_000)));
        let devices = texts(100, &|_| "device-1".to_owned());
        send("wide", 100, vec![column("device_id", devices), column("s", long)]);
    }
}

/// How long the slowest of the trivial questions took that were asked since then: what a machine with other work makes
/// everybody wait.
#[derive(Default)]
struct Delays(Mutex<Vec<(Instant, Duration)>>);

impl Delays {
    fn note(&self, began: Instant) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((began, began.elapsed()));
    }

    /// Waits for one that ends after now, as the slowest may be under way.
    fn since(&self, time: Instant) -> Duration {
        let now = Instant::now();
        loop {
            let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let ended_since = |since: Instant| {
                all.iter().rev().take_while(move |(began, took)| *began + *took >= since)
            };
            if ended_since(now).next().is_some() {
                return ended_since(time).map(|(_, took)| *took).max().unwrap_or_default();
            }
            drop(all);
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// While something is done: a device sends, another reader asks, and the memory is watched. The most memory seen.
fn beside(platform: &Platform, account: &Account, work: impl FnOnce(&Delays)) -> u64 {
    let reader = platform.project_token(&account.user_token, account.project, "&read=true");
    let (done, most, delays) = (AtomicBool::new(false), AtomicU64::new(0), Delays::default());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let began = Instant::now();
                platform.get("/health", None).expect_status(200);
                delays.note(began);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                most.fetch_max(own_memory(platform), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let device = scope.spawn(|| {
            let mut sent = 0;
            while !done.load(Ordering::Relaxed) {
                sent += 1;
                let row = json!({"project_id": account.project, "device_id": "device-1", "sources": [
                    {"name": "seen", "data": [{"time": 1_800_000_000_000_u64 + sent, "value": sent}]}]});
                platform.post("/v1/imports", Some(&account.token), &row).expect_status(200);
                std::thread::sleep(Duration::from_secs(1));
            }
            sent
        });
        let asker = scope.spawn(|| {
            let query = json!({"query": "SELECT count(*) AS n, max(v) AS v FROM input WHERE device_id = 'device-2' AND v >= 0"});
            let mut slowest = Duration::ZERO;
            while !done.load(Ordering::Relaxed) {
                let began = Instant::now();
                platform.post("/v1/sql", Some(&reader), &query).expect_status(200);
                slowest = slowest.max(began.elapsed());
                std::thread::sleep(Duration::from_secs(1));
            }
            slowest
        });
        let worked = catch_unwind(AssertUnwindSafe(|| work(&delays)));
        done.store(true, Ordering::Relaxed);
        let sent = device.join().expect("each row is acknowledged");
        let slowest = asker.join().expect("each small question is answered");
        eprintln!("{sent} rows were acknowledged; the slowest small question took {slowest:?}");
        worked.unwrap_or_else(|panic| resume_unwind(panic));
    });
    most.into_inner()
}

fn start(settings: &[&str]) -> Platform {
    let limit = format!("--memory-limit={LIMIT}");
    let timeout = format!("--query-timeout={}s", TIMEOUT.as_secs());
    let mut all = vec![limit.as_str(), timeout.as_str()];
    all.extend(settings);
    Platform::start_with(&all)
}

#[test]
fn hostile_questions_end_in_time_and_memory_while_others_are_served() {
    let _alone = machine();
    let questions = hostile_questions();
    let rounds = asked("IOBEAM_HOSTILE").unwrap_or(questions.len() as u64) as usize;
    let platform = start(&["--flush-size=8MiB"]);
    let account = platform.account();
    fill(&platform, &account);
    let group = MemoryGroup::around(platform.pid(), GROUP);
    if group.is_none() {
        eprintln!("NO MEMORY GROUP TO BE HAD HERE: the memory is only sampled");
    }
    let most = beside(&platform, &account, |delays| {
        let by = format!("Bearer {}", account.token);
        for question in questions.iter().cycle().take(rounds) {
            let shown = question.shown();
            let began = Instant::now();
            let (status, took, text) = ask(&platform, &by, question);
            let late = LATE + delays.since(began);
            eprintln!("{status} {took:>8.2?} {} MiB {shown}", own_memory(&platform) >> 20);
            let sound = matches!(status, 200..500 | 503);
            assert!(sound, "{shown}: {text}\n{}", platform.log());
            assert!(took < TIMEOUT + late, "{shown} took {took:?}: {text}");
            for word in ["datafusion", "arrow error", "sqlparser"] {
                assert!(!text.to_lowercase().contains(word), "{shown}: {text}");
            }
        }
    });
    eprintln!("the most memory was {} MiB", most >> 20);
    assert!(most < LIMIT + BESIDES, "{} MiB were taken", most >> 20);
}

/// Processor time of the process, in hundredths of a second.
fn ticks(platform: &Platform) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", platform.pid())).expect("it lives");
    let after = stat.rsplit(')').next().unwrap_or_default();
    after.split_whitespace().skip(11).take(2).filter_map(|it| it.parse::<u64>().ok()).sum()
}

/// Waits until no thread of the program wants a processor; its processor time until then.
fn until_idle(platform: &Platform) -> u64 {
    let mut looks = 0;
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < Duration::from_mins(1), "it never stops");
        let used = ticks(platform);
        std::thread::sleep(Duration::from_millis(20));
        looks = if is_running(platform) { 0 } else { looks + 1 };
        if looks == 10 {
            return used;
        }
    }
}

/// Whether a thread of the program runs, or would if it had a processor.
fn is_running(platform: &Platform) -> bool {
    let threads = fs::read_dir(format!("/proc/{}/task", platform.pid())).expect("it lives");
    threads.flatten().any(|thread| {
        let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        stat.rsplit(')').next().is_some_and(|after| after.trim_start().starts_with('R'))
    })
}

#[test]
fn nothing_goes_on_once_the_client_has_left() {
    let _alone = machine();
    let platform = Platform::start_with(&["--query-timeout=60s"]);
    let account = platform.account();
    fill(&platform, &account);
    // What was imported is being put into files, which is no work of a query.
    until_idle(&platform);
    for query in [
        "SELECT count(*) FROM input a, input b, input c WHERE a.v + b.v + c.v > 1e300",
        "SELECT count(*) FROM input a JOIN input b ON a.device_id = b.device_id JOIN input c ON c.device_id = b.device_id WHERE a.v + b.v + c.v > 1e300",
        "SELECT count(*) FROM generate_series(1, 9000000000000) a, generate_series(1, 9000000000000) b",
        "SELECT max(levenshtein(s, left(s, 100))) FROM wide",
    ] {
        let body = body_of(query).to_string();
        let mut stream = TcpStream::connect(platform.address()).expect("it listens");
        let head = format!(
            "POST /v1/sql HTTP/1.1\r\nhost: it\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            account.token,
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("a request");
        let before = ticks(&platform);
        std::thread::sleep(Duration::from_millis(1500));
        assert!(ticks(&platform) - before > 30, "it does not work: {query}");
        let left = ticks(&platform);
        drop(stream);
        // Processor time, so that other work of the machine does not matter; several threads may have more than a second of
        // it within a second.
        let began = Instant::now();
        let more = until_idle(&platform) - left;
        eprintln!(
            "{:?} of work after the client had left: {query}",
            Duration::from_millis(more * 10)
        );
        let is_short = more < 100 || began.elapsed() < Duration::from_secs(1);
        assert!(is_short, "{more} hundredths of a second of work for nobody: {query}");
    }
}

#[test]
fn a_small_question_of_another_reader_takes_at_most_twice_as_long_as_beside_one_scan() {
    let _alone = machine();
    let platform = Platform::start_with(&["--query-timeout=60s", "--recent-rows-memory=0"]);
    let account = platform.account();
    fill(&platform, &account);
    let other = platform.project_token(&account.user_token, account.project, "&read=true");
    let small = body_of("SELECT max(v) AS v FROM input WHERE device_id LIKE 'device-1%'");
    let scan = "SELECT count(*) FROM input a, input b WHERE a.v + b.v > 1e300";
    let endless = "SELECT count(*) FROM input a, input b, input c WHERE a.v + b.v + c.v > 1e300";
    let beside = |queries: &[&str]| {
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for query in queries {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        let body = body_of(query).to_string();
                        let mut stream = TcpStream::connect(platform.address()).expect("it listens");
                        let head = format!("POST /v1/sql HTTP/1.1\r\nhost: it\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", account.token, body.len());
                        stream.write_all(head.as_bytes()).expect("a request");
                        stream.set_read_timeout(Some(Duration::from_millis(100))).expect("a timeout");
                        while !done.load(Ordering::Relaxed) {
                            match stream.read(&mut [0; 4096]) {
                                Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
                                _ => break,
                            }
                        }
                    }
                });
            }
            std::thread::sleep(Duration::from_millis(1500));
            let mut times: Vec<Duration> = (0..30)
                .map(|_| {
                    let began = Instant::now();
                    platform.post("/v1/sql", Some(&other), &small).expect_status(200);
                    began.elapsed()
                })
                .collect();
            done.store(true, Ordering::Relaxed);
            times.sort_unstable();
            times[times.len() / 2]
        })
    };
    let alone = beside(&[]);
    let one = beside(&[scan]);
    let six = beside(&[endless; 6]);
    eprintln!("alone {alone:?}, beside a scan {one:?}, beside six endless queries {six:?}");
    assert!(six < one * 2 + Duration::from_millis(20), "{six:?}, beside one scan {one:?}");
}

#[test]
fn long_lists_of_names_are_refused_at_once() {
    let _alone = machine();
    let platform = Platform::start();
    let account = platform.account();
    let names: Vec<String> = (0..300_000).map(|at| format!("device-{at}")).collect();
    for request in [json!({"devices": names}), json!({"fields": names})] {
        let before = ticks(&platform);
        let reply = platform.post("/v1/query", Some(&account.token), &request);
        reply.expect_status(400);
        assert!(reply.body.to_string().contains("query-max-series"), "{}", reply.body);
        let took = ticks(&platform) - before;
        eprintln!("{took} hundredths of a second of work");
        assert!(took < 200, "{took} hundredths of a second of work");
    }
}

#[test]
fn every_way_to_ask_keeps_the_time_that_is_set() {
    let platform = Platform::start_with(&["--query-timeout=1ms", "--recent-rows-memory=0"]);
    let account = platform.account();
    fill(&platform, &account);
    let (token, project) = (Some(account.token.as_str()), account.project);
    let board = json!({"panels": [{"id": "all", "kind": "chart", "x": 0, "y": 0, "w": 12, "h": 4,
        "query": {"fields": ["v"]}}]});
    let board = platform.post("/v1/dashboards", token, &json!({"name": "All", "board": board}));
    let shares = format!("/v1/dashboards/{}/shares", board.expect_status(201).body["dashboard_id"]);
    let link = platform.post(&shares, token, &json!({}));
    let key = link.expect_status(201).body["key"].as_str().expect("a key").to_owned();
    let chart = json!({"fields": ["v"], "operator": "mean", "bucket": "1s"});
    let panel = json!({"panel": "all", "width": 100});
    let (reader, visitor) = (format!("Bearer {}", account.token), format!("Share {key}"));
    for (by, path, body) in [
        (&reader, format!("/v1/exports/{project}"), None),
        (&reader, format!("/v1/exports/{project}?output=csv"), None),
        (&reader, format!("/v1/exports/{project}/device-2/v"), None),
        (&reader, "/v1/data/input".to_owned(), None),
        (&reader, "/v1/data/input?operator=mean&group_by=device_id".to_owned(), None),
        (&reader, "/v1/data/wide?output=csv&limit=100".to_owned(), None),
        (&reader, "/v1/query".to_owned(), Some(chart)),
        (&visitor, "/v1/shared/query".to_owned(), Some(panel)),
    ] {
        let (status, _, text) = ask(&platform, by, &Hostile { path: path.clone(), body });
        assert_eq!(status, 400, "{path}: {text}");
        assert!(text.contains("query-timeout"), "{path}: {text}");
    }
}
