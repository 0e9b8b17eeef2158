//! The bench's only clock: how long work took, and whether time is left.

use std::time::{Duration, Instant};

/// When a part of the work must have ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// So long from now.
    #[expect(clippy::disallowed_methods, reason = "a bench is about time")]
    pub(crate) fn after(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    /// So much sooner.
    pub(crate) fn sooner_by(self, time: Duration) -> Self {
        Self(self.0.checked_sub(time).unwrap_or(self.0))
    }

    /// What is left.
    #[expect(clippy::disallowed_methods, reason = "a bench is about time")]
    pub(crate) fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether nothing is left.
    pub(crate) fn passed(self) -> bool {
        self.left().is_zero()
    }
}

/// A moment.
#[expect(clippy::disallowed_methods, reason = "a bench is about time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Does the work and says how long it took.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let began = now();
    let result = work();
    (began.elapsed(), result)
}

/// The middle one; zero of none.
pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// The one that such a share of all was not slower than; zero of none.
pub(crate) fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or_default()
}

/// In milliseconds.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
