//! What was sent is there exactly once, however often the process is killed: what was acknowledged is there after the kill,
//! and what was not is sent again.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use iobeam_promises::{Account, Platform, asked};
use iobeam_testkit::Chance;
use serde_json::json;

/// Cycles of load, kill and restart; `IOBEAM_KILL_CYCLES` asks for more, and `IOBEAM_SEED` for other moments.
const CYCLES: u64 = 50;
/// So many cycles after which all rows are counted.
const COUNTED: u64 = 50;
/// Senders at work when the process dies.
const SENDERS: u64 = 4;
/// Rows of one import.
const ROWS: u64 = 3;

/// What the senders know.
#[derive(Default)]
struct Sent {
    next: AtomicU64,
    acknowledged: Mutex<BTreeSet<u64>>,
    unanswered: Mutex<Vec<u64>>,
}

#[test]
fn an_acknowledged_row_survives_kill_9_and_is_there_once() {
    let cycles = asked("IOBEAM_KILL_CYCLES").unwrap_or(CYCLES);
    let seed = asked("IOBEAM_SEED").unwrap_or(1);
    let mut chance = Chance::new(seed);
    // Small thresholds, so that kills also fall into flushes and merges.
    let mut platform = Platform::start_with(&["--flush-size", "65536", "--flush-age", "1s"]);
    let account = platform.account();
    let sent = Sent::default();
    let (mut again, mut repeats, mut loaded) = (0, 0, 0);
    for cycle in 1..=cycles {
        // Any moment will do, as long as it is another one each time.
        let moment = Duration::from_micros(chance.below(150_000));
        // Mostly in the midst of the load, and now and then before it.
        let wanted = u64::from(chance.below(8) > 0);
        loaded += wanted;
        load_and_kill(&platform, &account, &sent, (wanted, moment));
        platform.kill();
        platform.restart();
        let unanswered = std::mem::take(&mut *sent.unanswered.lock().expect("no sender panicked"));
        for batch in unanswered {
            again += 1;
            repeats += u64::from(send(&platform, &account, batch).expect("it is up again"));
            sent.acknowledged.lock().expect("no sender panicked").insert(batch);
        }
        if cycle % COUNTED == 0 || cycle == cycles {
            compare(&platform, &account, &sent, &format!("seed {seed}, after {cycle} kills"));
        }
    }
    let rows = sent.acknowledged.lock().expect("no sender panicked").len() as u64 * ROWS;
    assert!(rows >= loaded * ROWS, "the load was no load: {rows} rows");
    eprintln!(
        "kill -9: {cycles} cycles (seed {seed}), {rows} rows written by {SENDERS} senders; {again} imports went unanswered \
         and were sent again, {repeats} of them had been stored; lost 0, doubled 0"
    );
}

/// Imports from several senders, until the process is killed under them: some time after so many were acknowledged.
fn load_and_kill(
    platform: &Platform,
    account: &Account,
    sent: &Sent,
    (wanted, moment): (u64, Duration),
) {
    let stop = AtomicBool::new(false);
    let acknowledged = || sent.acknowledged.lock().expect("no sender panicked").len() as u64;
    let wanted = acknowledged() + wanted;
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                while !stop.load(Ordering::SeqCst) {
                    let batch = sent.next.fetch_add(1, Ordering::SeqCst);
                    if let Some(repeat) = send(platform, account, batch) {
                        assert!(!repeat, "batch {batch} was never sent before");
                        sent.acknowledged.lock().expect("no sender panicked").insert(batch);
                    } else {
                        sent.unanswered.lock().expect("no sender panicked").push(batch);
                        return;
                    }
                }
            });
        }
        let gone = || !sent.unanswered.lock().expect("no sender panicked").is_empty();
        while acknowledged() < wanted && !gone() {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(moment);
        let pid = rustix::process::Pid::from_raw(platform.pid().cast_signed()).expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("a signal");
        stop.store(true, Ordering::SeqCst);
    });
}

/// Sends a batch, always of the same bytes. Says whether it was a repeat; nothing when there was no answer.
fn send(platform: &Platform, account: &Account, batch: u64) -> Option<bool> {
    let rows: Vec<_> = (0..ROWS).map(|row| json!([batch * 10 + row, batch, row])).collect();
    let body = json!({
        "project_id": account.project, "device_id": "device-1", "timefmt": "usec",
        "sources": {"fields": ["time", "batch", "row"], "data": rows},
    });
    let (token, body) = (Some(account.token.as_str()), body.to_string());
    let path = "/v1/imports?fmt=table";
    let reply = platform.post_bytes(path, token, "application/json", body.as_bytes()).ok()?;
    assert_eq!(reply.status, 200, "a sound import was refused: {}", reply.body);
    Some(reply.body["repeat"] == json!(true))
}

/// Each batch that was acknowledged is there as a whole and once, and no other.
fn compare(platform: &Platform, account: &Account, sent: &Sent, when: &str) {
    let found = count_batches(platform, account);
    let acknowledged = sent.acknowledged.lock().expect("no sender panicked");
    for batch in acknowledged.iter() {
        let rows = found.get(batch).copied().unwrap_or(0);
        assert_eq!(rows, ROWS, "{when}: batch {batch} was acknowledged");
    }
    for batch in found.keys() {
        assert!(acknowledged.contains(batch), "{when}: batch {batch} was never acknowledged");
    }
}

fn count_batches(platform: &Platform, account: &Account) -> HashMap<u64, u64> {
    let query = "SELECT CAST(batch AS BIGINT), count(*) FROM input GROUP BY 1";
    let reply = platform.post("/v1/sql", Some(&account.token), &json!({"query": query}));
    let rows =
        reply.expect_status(200).body["result"][0]["values"].as_array().expect("rows").iter();
    let number = |cell: &serde_json::Value| cell.as_u64().expect("a number");
    rows.map(|row| (number(&row[0]), number(&row[1]))).collect()
}
