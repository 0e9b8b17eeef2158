//! With little memory allowed the platform says "later" or "no" to those who ask for too much, and stays within what it
//! was given: many namespaces and devices, wide rows, large bodies and greedy questions, all at once.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use iobeam_model::{Batch, Column, NamespaceName, Texts, Values};
use iobeam_promises::{Account, Platform, Reply, asked};
use iobeam_wire::batch::{Compression, MEDIA_TYPE, encode};
use serde_json::json;

/// Namespaces, each with rows of its own; `IOBEAM_NAMESPACES` asks for more.
const NAMESPACES: u64 = 40;
/// Devices that a body speaks of.
const DEVICES: u64 = 1000;
/// Fields of each row of the namespace that all write to.
const FIELDS: u64 = 800;
/// Fields of each row of the others, beside a text.
const SPACE_FIELDS: u64 = 40;
/// Bytes of that text.
const TEXT: usize = 2000;
/// What the settings allow.
const LIMIT: u64 = 64 << 20;
/// What program, threads and stacks may take beyond that.
const BESIDES: u64 = 128 << 20;
/// Senders and askers at once.
const SENDERS: u64 = 4;

/// Numbers that do not compress well.
fn noise(number: u64) -> f64 {
    (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64
}

/// Rows of a namespace, one for each of so many devices, with so many fields and a text of so many bytes.
fn batch(namespace: &str, (fields, text): (u64, usize), number: u64) -> Vec<u8> {
    let devices = DEVICES;
    let mut names = Texts::new();
    (0..devices).for_each(|device| names.push(&format!("device-number-{device}-of-many")));
    let device = Column::new("device_id".parse().expect("a name"), Values::String(names), None);
    let mut columns = vec![device.expect("a column")];
    if text > 0 {
        let mut notes = Texts::new();
        (0..devices).for_each(|row| notes.push(&format!("{:0>text$}", number * devices + row)));
        let note = Column::new("note".parse().expect("a name"), Values::String(notes), None);
        columns.push(note.expect("a column"));
    }
    for field in 0..fields {
        let values = (0..devices).map(|row| noise(number * 7919 + field * devices + row)).collect();
        let name = format!("field_{field}").parse().expect("a name");
        columns.push(Column::new(name, Values::Double(values), None).expect("a column"));
    }
    let name: NamespaceName = namespace.parse().expect("a name");
    let times = vec![number.cast_signed() * 1000; devices as usize];
    let batch = Batch::new(name, times, columns).expect("a batch");
    encode(&batch, None, Compression::None)
}

/// Whoever is told to come back does so; how often that was is counted.
fn import(platform: &Platform, account: &Account, body: &[u8], later: &AtomicU64) {
    for _ in 0..3000 {
        let reply = platform.post_bytes("/v1/imports", Some(&account.token), MEDIA_TYPE, body);
        let reply = reply.unwrap_or_else(|error| panic!("{error}\n{}", platform.log()));
        if reply.status == 200 {
            return;
        }
        reply.expect_status(503);
        assert!(reply.header("retry-after").is_some(), "{:?}", reply.headers);
        later.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(250));
    }
    panic!("it never came in:\n{}", platform.log());
}

/// A question may be answered or refused; it must not break anything.
fn ask(platform: &Platform, account: &Account, query: &str) -> Reply {
    let reply = platform.post("/v1/sql", Some(&account.token), &json!({"query": query}));
    let sound = reply.status == 200 || (400..500).contains(&reply.status) || reply.status == 503;
    assert!(sound, "{query}: {} {}", reply.status, reply.body);
    reply
}

/// Bytes that the program has for itself: not what it shares with its file on disk, which is large with debug symbols.
fn own_memory(platform: &Platform) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", platform.pid())).expect("it lives");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("a figure");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("kB") << 10
}

/// Looks at that again and again while something is done; the most that was seen.
fn most_memory(platform: &Platform, work: impl FnOnce()) -> u64 {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut most = 0;
            while !done.load(Ordering::Relaxed) {
                most = own_memory(platform).max(most);
                std::thread::sleep(Duration::from_millis(5));
            }
            most
        });
        let worked = catch_unwind(AssertUnwindSafe(work));
        done.store(true, Ordering::Relaxed);
        let most = watch.join().expect("it watched");
        worked.unwrap_or_else(|panic| resume_unwind(panic));
        most
    })
}

/// Everybody at once asks for more than there is.
fn throng(platform: &Platform, account: &Account, namespaces: u64, later: &AtomicU64) {
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            scope.spawn(move || {
                for number in (sender..namespaces).step_by(SENDERS as usize) {
                    // Not enough in any one namespace to be flushed for its own sake.
                    let name = format!("space-{number}");
                    for half in 0..2 {
                        let body = batch(&name, (SPACE_FIELDS, TEXT), number * 2 + half);
                        import(platform, account, &body, later);
                    }
                    if number % 4 == 0 {
                        import(platform, account, &batch("input", (FIELDS, 0), number), later);
                    }
                }
            });
        }
        scope.spawn(move || {
            for query in [
                    "SELECT count(*) FROM (SELECT a.device_id, b.time FROM input a, input b GROUP BY 1, 2)",
                    "SELECT device_id, field_7 FROM input ORDER BY field_7 DESC, field_3 LIMIT 1000000000",
                    "SELECT device_id, array_agg(field_1), array_agg(field_2) FROM input GROUP BY device_id",
                    "SELECT max(repeat(device_id, 100000)) FROM input",
                    "SELECT * FROM input ORDER BY field_9 LIMIT 1000000000",
                ] {
                    ask(platform, account, query);
                }
        });
    });
}

#[test]
fn many_namespaces_wide_rows_and_greedy_questions_stay_within_the_memory_that_is_allowed() {
    let namespaces = asked("IOBEAM_NAMESPACES").unwrap_or(NAMESPACES);
    let limit = format!("--memory-limit={LIMIT}");
    let platform = Platform::start_with(&[
        &limit,
        "--flush-size=8MiB",
        "--query-timeout=5s",
        "--body-limit=8MiB",
    ]);
    let account = platform.account();
    let project = format!("/v1/projects/{}", account.project);
    let auto = json!({"auto_register": true});
    platform.patch(&project, &account.user_token, &auto).expect_status(200);
    for number in 0..namespaces {
        let numbers = (0..SPACE_FIELDS).map(|field| (format!("field_{field}"), json!("DOUBLE")));
        let note = ("note".to_owned(), json!("STRING"));
        let fields: serde_json::Map<_, _> = numbers.chain([note]).collect();
        let name = format!("space-{number}");
        let namespace =
            json!({"namespace_name": name, "partitioning_field": "device_id", "fields": fields});
        platform.post("/v1/namespaces", Some(&account.token), &namespace).expect_status(201);
    }
    let later = AtomicU64::new(0);
    let before = own_memory(&platform);
    let peak = most_memory(&platform, || throng(&platform, &account, namespaces, &later));
    let wanted = namespaces.div_ceil(4) * DEVICES;
    let reply = ask(&platform, &account, "SELECT count(*) FROM input");
    assert_eq!(reply.body["result"][0]["values"][0][0].as_u64(), Some(wanted), "{}", reply.body);
    let last = format!("SELECT count(*) FROM \"space-{}\"", namespaces - 1);
    assert_eq!(
        ask(&platform, &account, &last).body["result"][0]["values"][0][0].as_u64(),
        Some(2 * DEVICES)
    );
    eprintln!(
        "{namespaces} namespaces, {DEVICES} devices, {FIELDS} fields: {} MB before, peak {} MB of {} MB allowed and {} MB besides, {} imports told to come back",
        before >> 20,
        peak >> 20,
        LIMIT >> 20,
        BESIDES >> 20,
        later.into_inner()
    );
    assert!(peak < LIMIT + BESIDES, "{} MB were taken:\n{}", peak >> 20, platform.log());
}
