//! However long it runs, the platform takes no more memory, files or log than after a while; and questions that want more than
//! there is are refused, not fatal.

use std::fs;

use iobeam_promises::{Account, Platform, asked};
use serde_json::json;

/// Rounds of imports and questions; `IOBEAM_ROUNDS` asks for more.
const ROUNDS: u64 = 60;
/// Rows of a round.
const ROWS: u64 = 1000;
/// What the process may take beyond what the settings allow for readings and questions: program, threads, replies.
const BESIDES: u64 = 320 << 20;

/// How large it is.
#[derive(Clone, Copy, Debug)]
struct Size {
    memory: u64,
    files: u64,
    log: u64,
}

fn size(platform: &Platform) -> Size {
    let process = format!("/proc/{}", platform.pid());
    let status = fs::read_to_string(format!("{process}/status")).expect("a process");
    let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a figure");
    let memory = memory.trim().trim_end_matches(" kB").parse::<u64>().expect("kB") << 10;
    let files = fs::read_dir(format!("{process}/fd")).expect("its files").count() as u64;
    let journal = fs::read_dir(platform.data().join("journal")).expect("a log");
    // A file that is gone by now takes no room.
    let log = journal.filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len())).sum();
    Size { memory, files, log }
}

fn round(platform: &Platform, account: &Account, round: u64) {
    let rows: Vec<_> = (0..ROWS)
        .map(|row| {
            let at = round * ROWS + row;
            json!([at, at % 97, (at % 13) as f64 / 4.0, format!("text {}", at % 50)])
        })
        .collect();
    let body = json!({
        "project_id": account.project, "device_id": "device-1",
        "sources": {"fields": ["time", "a", "b", "c"], "data": rows},
    });
    platform.post("/v1/imports?fmt=table", Some(&account.token), &body).expect_status(200);
    let query = json!({"query": "SELECT c, count(*), sum(a) FROM input GROUP BY c ORDER BY c"});
    platform.post("/v1/sql", Some(&account.token), &query).expect_status(200);
    platform.get("/v1/data/input/all?limit=10", Some(&account.token)).expect_status(200);
}

#[test]
fn it_is_no_larger_after_many_rounds_than_after_a_few() {
    let rounds = asked("IOBEAM_ROUNDS").unwrap_or(ROUNDS);
    let platform = Platform::start_with(&[
        "--flush-size=256KiB",
        "--segment-size=1MiB",
        "--memory-limit=16MiB",
        "--query-memory=32MiB",
    ]);
    let account = platform.account();
    for number in 0..rounds / 3 {
        round(&platform, &account, number);
    }
    let before = size(&platform);
    for number in rounds / 3..rounds {
        round(&platform, &account, number);
    }
    let after = size(&platform);
    eprintln!("after {} rounds {before:?}, after {rounds} {after:?}", rounds / 3);
    assert!(after.memory < before.memory + (64 << 20), "{before:?} became {after:?}");
    assert!(after.files < before.files + 50, "{before:?} became {after:?}");
    assert!(after.log < 16 << 20, "the log is forgotten as files take its place: {after:?}");
}

#[test]
fn a_question_that_wants_too_much_is_refused_and_the_next_is_answered() {
    let platform = Platform::start_with(&[
        "--memory-limit=16MiB",
        "--query-memory=16MiB",
        "--query-timeout=5s",
    ]);
    let account = platform.account();
    for number in 0..5 {
        round(&platform, &account, number);
    }
    for query in [
        "SELECT a.c, b.c, count(*) FROM input a, input b GROUP BY a.c, b.c, a.time + (b.time - a.time)",
        "SELECT * FROM generate_series(1, 50000000) AS t(n) ORDER BY n % 1000003 DESC, n LIMIT 1000000",
        "SELECT array_agg(repeat('x', 1000)) FROM generate_series(1, 10000000)",
    ] {
        let reply = platform.post("/v1/sql", Some(&account.token), &json!({"query": query}));
        assert!(
            (400..600).contains(&reply.status) && reply.status != 500,
            "{query}: {}",
            reply.status
        );
        assert!(reply.body["errors"][0]["details"].is_string(), "{query}: {}", reply.body);
        let size = size(&platform);
        assert!(size.memory < BESIDES + (32 << 20), "{query}: {size:?}");
        round(&platform, &account, 5);
    }
}
