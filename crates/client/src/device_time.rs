//! The device's clock, and how far it is from the server's.
//!
//! ```text
//! process starts ── anchor: wall clock said W, monotonic 0
//!   add_now      ── row at W + monotonic          (unsure: W may be 1970)
//!   learn        ── server says S at monotonic m  ─▶ true W = S - m ─▶ rows waiting are moved by the difference
//!   add_now      ── row at true W + monotonic     (sure)
//! ```
//!
//! Monotonic time is what rows are told apart by: a wall clock that jumps between two of them changes nothing.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use iobeam_model::{Clock, Timestamp};

/// What the process knows of time.
#[derive(Debug)]
pub(crate) struct DeviceTime {
    /// Random, names this process's start.
    pub(crate) anchor: u64,
    /// What the wall clock said then, less the monotonic time.
    wall: i64,
    /// What it should have said.
    learnt: Mutex<Option<i64>>,
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

impl DeviceTime {
    pub(crate) fn start(clock: &dyn Clock, anchor: u64) -> Self {
        let wall = clock.now().micros().saturating_sub(micros(clock.monotonic()));
        Self { anchor, wall, learnt: Mutex::new(None) }
    }

    /// The server said it is `server`, in the middle between two moments of the monotonic clock.
    pub(crate) fn learn(&self, server: Timestamp, asked: Duration, heard: Duration) {
        let middle = micros(asked + heard.saturating_sub(asked) / 2);
        self.with(|learnt| *learnt = Some(server.micros().saturating_sub(middle)));
    }

    /// How much must be added to times that count from the anchor; `None` until learnt.
    pub(crate) fn correction(&self) -> Option<i64> {
        self.with(|learnt| learnt.map(|learnt| learnt.saturating_sub(self.wall)))
    }

    /// The time now, and whether it is the server's.
    pub(crate) fn now(&self, clock: &dyn Clock) -> (Timestamp, bool) {
        let learnt = self.with(|learnt| *learnt);
        let start = learnt.unwrap_or(self.wall);
        let now = start.saturating_add(micros(clock.monotonic()));
        (Timestamp::from_micros(now), learnt.is_some())
    }

    fn with<T>(&self, act: impl FnOnce(&mut Option<i64>) -> T) -> T {
        act(&mut self.learnt.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use iobeam_testkit::TestClock;

    #[test]
    fn a_clock_that_says_1970_is_put_right_for_what_was_before() {
        let clock = TestClock::at(Timestamp::from_micros(0));
        let time = DeviceTime::start(&clock, 1);
        clock.advance(Duration::from_secs(10));
        let (row, sure) = time.now(&clock);
        assert!(!sure);
        // Somebody sets the wall clock: it changes nothing here.
        clock.set(Timestamp::from_micros(99));
        clock.advance(Duration::from_secs(5));
        let asked = clock.monotonic();
        clock.advance(Duration::from_secs(2));
        time.learn(Timestamp::from_micros(1_000_000_000_000), asked, clock.monotonic());
        let correction = time.correction().expect("learnt");
        // The row was 6 seconds before the middle of the question.
        assert_eq!(row.micros() + correction, 1_000_000_000_000 - 6_000_000);
        assert_eq!(time.now(&clock), (Timestamp::from_micros(1_000_001_000_000), true));
    }
}
