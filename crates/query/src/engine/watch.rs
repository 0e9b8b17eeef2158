//! Looks after the queries that run: gives long ones a lower priority, ends threads that nobody needs, and is the last
//! resort for memory.
//!
//! ```text
//! every 10 ms while queries run ─▶ memory of the process ─ more than memory-limit and 32 MiB? ─▶ the largest query is stopped
//! ```
//!
//! That is the backstop: what queries hold is bounded where they hold it. What the process holds without queries is not
//! held against them: no more than it had at any look since the last query ended, as what queries have freed may be
//! given back to the system only while the next one runs.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::threads::Threads;
use crate::context::Stop;

/// How often it looks while queries run.
const PERIOD: Duration = Duration::from_millis(10);
/// Looks that a stopped query gets to let go of its memory.
const GRACE: u32 = 10;
/// So much may be over before a query is stopped.
const OVER: u64 = 32 << 20;

/// Wakes the watch when a query begins.
#[derive(Default)]
pub(super) struct Bell {
    rung: Mutex<bool>,
    heard: Condvar,
}

impl Bell {
    /// A query begins, or the engine ends.
    pub(super) fn ring(&self) {
        let mut rung = self.rung.lock();
        if !*rung {
            *rung = true;
            self.heard.notify_one();
        }
    }
}

/// Starts the watch; it ends with the threads that it looks after.
pub(super) fn start(
    threads: &Arc<Threads>,
    bell: &Arc<Bell>,
    process_bytes: Option<u64>,
) -> std::io::Result<()> {
    let (threads, bell) = (Arc::downgrade(threads), Arc::clone(bell));
    let watch = move || watch(&threads, &bell, process_bytes);
    std::thread::Builder::new().name("query-watch".to_owned()).spawn(watch).map(drop)
}

fn watch(threads: &Weak<Threads>, bell: &Bell, process_bytes: Option<u64>) {
    let mut is_needed = false;
    let mut looks = Looks { limit: process_bytes, idle: 0, grace: 0 };
    loop {
        let mut rung = bell.rung.lock();
        if is_needed {
            bell.heard.wait_for(&mut rung, PERIOD);
        } else if !*rung {
            bell.heard.wait(&mut rung);
        }
        *rung = false;
        drop(rung);
        let Some(threads) = threads.upgrade() else { return };
        is_needed = threads.tend();
        looks.at(&threads);
    }
}

/// What earlier looks have seen.
struct Looks {
    limit: Option<u64>,
    /// Bytes that the process holds without queries, at most.
    idle: u64,
    grace: u32,
}

impl Looks {
    fn at(&mut self, threads: &Threads) {
        let (Some(limit), Some(bytes)) = (self.limit, process_bytes()) else { return };
        let mut running = threads.running();
        if running.is_empty() {
            self.idle = bytes;
            return;
        }
        self.idle = self.idle.min(bytes);
        self.grace = self.grace.saturating_sub(1);
        let all = running.len();
        running.retain(|query| query.check().is_ok());
        // While one that must end still holds memory, another is not stopped for it at once.
        let over = if running.len() < all { 2 * OVER } else { OVER };
        if bytes <= limit.max(self.idle) + over || self.grace > 0 {
            return;
        }
        // Of those that hold about as much it is the one that has run the longest.
        let largest = running.iter().max_by_key(|query| (query.reserved() >> 22, query.age()));
        if let Some(query) = largest {
            tracing::warn!(
                bytes,
                limit,
                reserved = query.reserved(),
                "a query was stopped: the process exceeds memory-limit"
            );
            query.stop(Stop::Memory);
            self.grace = GRACE;
        }
    }
}

/// Memory of the process that no file backs, where the system tells.
fn process_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}
