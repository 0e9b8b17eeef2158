//! A clock that stands still until it is turned.

use std::sync::Mutex;
use std::time::Duration;

use iobeam_model::{Clock, Timestamp};

/// A clock to turn by hand.
#[derive(Debug)]
pub struct TestClock {
    hands: Mutex<(Timestamp, Duration)>,
}

impl TestClock {
    /// A clock that shows that moment, and whose monotonic time starts at zero.
    pub const fn at(now: Timestamp) -> Self {
        Self { hands: Mutex::new((now, Duration::ZERO)) }
    }

    /// A clock that shows 2026-01-01 00:00 UTC.
    pub const fn new() -> Self {
        Self::at(Timestamp::from_micros(1_767_225_600_000_000))
    }

    /// Time goes by.
    pub fn advance(&self, by: Duration) {
        self.with(|(now, monotonic)| {
            *now = now.plus(by);
            *monotonic += by;
        });
    }

    /// Somebody sets the wall clock, forwards or backwards; no time goes by.
    pub fn set(&self, now: Timestamp) {
        self.with(|hands| hands.0 = now);
    }

    fn with<T>(&self, turn: impl FnOnce(&mut (Timestamp, Duration)) -> T) -> T {
        turn(&mut self.hands.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.with(|hands| hands.0)
    }

    fn monotonic(&self) -> Duration {
        self.with(|hands| hands.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_may_jump_back_and_the_monotonic_one_goes_on() {
        let clock = TestClock::new();
        clock.advance(Duration::from_secs(5));
        clock.set(Timestamp::from_micros(0));
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.now(), Timestamp::from_micros(1_000_000));
        assert_eq!(clock.monotonic(), Duration::from_secs(6));
    }
}
