//! What was acknowledged is there exactly once, however often the process is killed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use iobeam_promises::{Account, Platform};
use serde_json::json;

/// Cycles of load, kill and restart; `IOBEAM_KILL_CYCLES` asks for more.
const CYCLES: u64 = 50;
/// Senders at work when the process dies.
const SENDERS: u64 = 4;
/// Rows of one import.
const ROWS: u64 = 3;

#[test]
fn an_acknowledged_row_survives_kill_9_and_is_there_once() {
    let cycles =
        std::env::var("IOBEAM_KILL_CYCLES").map_or(CYCLES, |n| n.parse().expect("a number"));
    // Small thresholds, so that kills also fall into flushes.
    let mut platform = Platform::start_with(&["--flush-size", "65536", "--flush-age", "1s"]);
    let account = platform.account();
    let next = Arc::new(AtomicU64::new(0));
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let mut asked_for = Vec::new();
    for cycle in 0..cycles {
        let stop = Arc::new(AtomicBool::new(false));
        let attempted = std::thread::scope(|scope| {
            let senders: Vec<_> = (0..SENDERS)
                .map(|_| {
                    let work = Work {
                        platform: &platform,
                        account: &account,
                        next: &next,
                        acknowledged: &acknowledged,
                        stop: &stop,
                    };
                    scope.spawn(move || work.send_until_it_dies())
                })
                .collect();
            // Any moment will do, as long as it is another one each time.
            std::thread::sleep(Duration::from_millis(20 + (cycle * 37) % 130));
            let pid = rustix::process::Pid::from_raw(platform.pid().cast_signed()).expect("a pid");
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("a signal");
            stop.store(true, Ordering::SeqCst);
            senders
                .into_iter()
                .flat_map(|sender| sender.join().expect("a sender"))
                .collect::<Vec<_>>()
        });
        asked_for.extend(attempted);
        platform.kill();
        platform.restart();
    }
    let found = count_batches(&platform, &account);
    let acknowledged = acknowledged.lock().expect("no sender panicked");
    assert!(acknowledged.len() as u64 > cycles, "the load was no load: {}", acknowledged.len());
    for batch in acknowledged.iter() {
        assert_eq!(
            found.get(batch),
            Some(&ROWS),
            "batch {batch} was acknowledged; {} were",
            acknowledged.len()
        );
    }
    for (batch, rows) in &found {
        assert_eq!(*rows, ROWS, "batch {batch} is there in part or twice");
        assert!(asked_for.contains(batch), "batch {batch} was never sent");
    }
}

struct Work<'a> {
    platform: &'a Platform,
    account: &'a Account,
    next: &'a AtomicU64,
    acknowledged: &'a Mutex<Vec<u64>>,
    stop: &'a AtomicBool,
}

impl Work<'_> {
    /// Sends batches one after the other, notes the acknowledged ones, and returns all that it tried.
    fn send_until_it_dies(&self) -> Vec<u64> {
        let mut tried = Vec::new();
        while !self.stop.load(Ordering::SeqCst) {
            let batch = self.next.fetch_add(1, Ordering::SeqCst);
            let rows: Vec<_> = (0..ROWS).map(|row| json!([batch * 10 + row, batch, row])).collect();
            let body = json!({
                "project_id": self.account.project, "device_id": "device-1", "timefmt": "usec",
                "sources": {"fields": ["time", "batch", "row"], "data": rows},
            });
            tried.push(batch);
            let body = body.to_string();
            let reply = self.platform.post_bytes(
                "/v1/imports?fmt=table",
                Some(&self.account.token),
                "application/json",
                body.as_bytes(),
            );
            match reply {
                Ok(reply) if reply.status == 200 => {
                    self.acknowledged.lock().expect("no sender panicked").push(batch);
                }
                Ok(reply) => panic!("a sound import was refused: {} {}", reply.status, reply.body),
                Err(_) => break,
            }
        }
        tried
    }
}

fn count_batches(platform: &Platform, account: &Account) -> HashMap<u64, u64> {
    let (fields, rows) = platform.rows(account);
    let column = fields.iter().position(|field| field == "batch").expect("the field");
    let mut found = HashMap::new();
    for row in rows {
        let batch = row[column].as_f64().expect("a number");
        #[expect(clippy::cast_sign_loss, reason = "batches are numbered from 0")]
        let batch = batch as u64;
        *found.entry(batch).or_insert(0) += 1;
    }
    found
}
