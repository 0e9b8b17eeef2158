//! How long to wait before the next attempt: exponential, with full jitter, never earlier than the server asked for.

use std::time::Duration;

/// A server that asks for more is not believed.
const MOST_ASKED: Duration = Duration::from_hours(1);

/// Numbers that differ from device to device (SplitMix64 from a random seed).
#[derive(Debug)]
pub(crate) struct Jitter(u64);

impl Jitter {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Attempts that failed one after the other.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    most: Duration,
    failures: u32,
}

impl Backoff {
    /// Waits up to `first` after the first failure, twice as long after each more, but not longer than `most`.
    pub(crate) const fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, failures: 0 }
    }

    /// It worked.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// How long to wait now. `asked` is what the server asked for.
    pub(crate) fn after_failure(
        &mut self,
        asked: Option<Duration>,
        jitter: &mut Jitter,
    ) -> Duration {
        let most = self.first.saturating_mul(1 << self.failures.min(16)).min(self.most);
        self.failures += 1;
        let spread = most.mul_f64(jitter.fraction());
        // All devices hear the same number: they spread out after it.
        asked.map_or(spread, |asked| asked.min(MOST_ASKED) + spread)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(500);
    const MOST: Duration = Duration::from_mins(1);

    #[test]
    fn waits_grow_are_spread_and_stay_below_a_minute() {
        let mut jitter = Jitter::new(1);
        let mut backoff = Backoff::new(FIRST, MOST);
        let waits: Vec<_> = (0..40).map(|_| backoff.after_failure(None, &mut jitter)).collect();
        assert!(waits[0] <= FIRST);
        assert!(waits.iter().all(|wait| *wait <= MOST));
        assert!(waits[10..].iter().any(|wait| *wait > MOST / 2));
        assert!(waits[10..].iter().any(|wait| *wait < MOST / 2), "full jitter, not half");
    }

    #[test]
    fn the_next_attempt_is_never_earlier_than_the_server_asked_for() {
        let mut jitter = Jitter::new(1);
        let asked = Duration::from_secs(7);
        for _ in 0..100 {
            let wait = Backoff::new(FIRST, MOST).after_failure(Some(asked), &mut jitter);
            assert!(wait >= asked && wait <= asked + FIRST);
        }
    }
}
