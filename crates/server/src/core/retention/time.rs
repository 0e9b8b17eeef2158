//! A time that may be believed when it says that something is old.
//!
//! ```text
//! wall clock ── no more than 10 minutes ahead of what went by ──▶ believed
//!            └─ further ahead ─▶ not believed until it has gone evenly for 24 hours; meanwhile time goes on as before
//! ```
//!
//! - After a start the wall clock may be a day ahead of the time last noted: the process may have been stopped that
//!   long. A machine without a clock of its own that starts in 1970 is not believed to have gone back: its time counts,
//!   as it makes nothing expire, but what is known stays known.
//! - An earlier time is always believed: it expires less.

use std::time::Duration;

use iobeam_model::{Clock, Timestamp};

/// A step ahead that is merely setting the clock right.
const STEP: Duration = Duration::from_mins(10);

/// How long the process may have been stopped without doubt about the time at its start.
const STOPPED: Duration = Duration::from_hours(24);

/// How long the wall clock must go evenly before it is believed whatever it says.
const EVENLY: Duration = Duration::from_hours(24);

/// Follows the wall clock as far as it can be believed.
#[derive(Debug)]
pub(super) struct TrustedTime {
    /// The latest time that was believed, and when that was by the clock that never jumps.
    known: Timestamp,
    at: Duration,
    /// The wall clock less the one that never jumps, and since when that is so.
    offset: Timestamp,
    since: Duration,
    /// The wall clock has not reached what was known at the start.
    starting: bool,
}

impl TrustedTime {
    /// Begins with the time last noted; nothing is believed for a day when there is none.
    pub(super) fn new(known: Option<Timestamp>, clock: &dyn Clock) -> Self {
        let at = clock.monotonic();
        Self {
            known: known.unwrap_or(Timestamp::from_micros(0)),
            at,
            offset: clock.now().minus(at),
            since: at,
            starting: true,
        }
    }

    /// The latest time that was believed, to be noted.
    pub(super) fn known(&self) -> Timestamp {
        self.known
    }

    /// The time now, as far as it can be believed.
    pub(super) fn now(&mut self, clock: &dyn Clock) -> Timestamp {
        let (wall, at) = (clock.now(), clock.monotonic());
        let offset = wall.minus(at);
        if Duration::from_micros(offset.micros().abs_diff(self.offset.micros())) > STEP {
            (self.offset, self.since) = (offset, at);
        }
        let expected = self.known.plus(at.saturating_sub(self.at));
        let ahead = if self.starting { STOPPED } else { STEP };
        self.at = at;
        self.known = expected;
        let evenly = at.saturating_sub(self.since) >= EVENLY;
        if evenly || (wall >= expected && wall <= expected.plus(ahead)) {
            self.known = wall;
            self.starting = false;
        }
        wall.min(self.known)
    }
}

#[cfg(test)]
mod tests;
