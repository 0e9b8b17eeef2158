//! What is done now and then: times kept in memory go to the file, what nobody can use any more goes away.
//!
//! ```text
//! every few seconds ─▶ write back (one transaction)        hourly, once the wall clock is trusted ─▶ prune
//! last handle dropped ─▶ the thread ends ─▶ write back once more
//! ```
//!
//! A write-back that fails keeps what it had, and the next one tries again. Nothing is removed for being old until the
//! wall clock has gone evenly for a day: one that jumped ten years ahead would otherwise void every token.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use iobeam_model::{Clock, Timestamp};
use rusqlite::{Transaction, params};

use crate::database::mirror::{Behind, Moment};
use crate::database::{Core, commit};
use crate::error::CatalogError;
use crate::record::{Share, Token};

/// How long an expired or revoked token is still listed, and can be refreshed if the server allows it.
const TOKENS_KEPT: Duration = Duration::from_hours(60 * 24);

/// How long a used-up, expired or revoked invite is still listed, and an expired link to a dashboard.
const INVITES_KEPT: Duration = Duration::from_hours(60 * 24);

/// How often what ran out is looked for.
const PRUNE_EVERY: Duration = Duration::from_hours(1);

/// How long the wall clock must go evenly before it is believed.
const TRUSTED_AFTER: Duration = Duration::from_hours(24);

/// A step of the wall clock that is more than setting it right.
const JUMP: Duration = Duration::from_mins(10);

/// The thread that does it; ends when dropped.
#[derive(Debug)]
pub(crate) struct Upkeep {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Upkeep {
    /// Starts the thread.
    pub(crate) fn start(core: Arc<Core>) -> std::io::Result<Self> {
        let (stop, stopped) = mpsc::channel::<()>();
        let thread = std::thread::Builder::new().name("catalog".to_owned()).spawn(move || {
            let mut trust = Trust::new(&*core.clock);
            let mut pruned = core.clock.monotonic();
            while stopped.recv_timeout(core.settings.write_back) == Err(RecvTimeoutError::Timeout) {
                report("write back when devices were seen", core.write_back());
                report(
                    "note how far its log was synced",
                    core.sync_mark()
                        .map(|()| 0)
                        .map_err(|source| CatalogError::File { path: core.path.clone(), source }),
                );
                let now = core.clock.monotonic();
                if trust.look(&*core.clock) && now.saturating_sub(pruned) >= PRUNE_EVERY {
                    pruned = now;
                    report("remove what ran out", core.prune());
                }
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

/// Whether the wall clock can be believed when it says that something is old.
#[derive(Debug)]
pub(crate) struct Trust {
    /// The time by the wall clock less that by the monotonic one: it stays the same while nobody sets the clock.
    offset: Timestamp,
    /// When, by the monotonic clock, it was last seen to jump.
    since: Duration,
}

impl Trust {
    pub(crate) fn new(clock: &dyn Clock) -> Self {
        Self { offset: clock.now().minus(clock.monotonic()), since: clock.monotonic() }
    }

    /// Looks at the clock again.
    pub(crate) fn look(&mut self, clock: &dyn Clock) -> bool {
        let offset = clock.now().minus(clock.monotonic());
        let jump = offset.micros().abs_diff(self.offset.micros());
        if Duration::from_micros(jump) > JUMP {
            *self = Self::new(clock);
        }
        clock.monotonic().saturating_sub(self.since) >= TRUSTED_AFTER
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the catalog's upkeep ended early");
        }
    }
}

/// Says in the log what could not be done; the next round tries again.
pub(crate) fn report(what: &str, outcome: Result<usize, CatalogError>) {
    match outcome {
        Ok(0) => {}
        Ok(rows) => tracing::debug!(rows, "catalog: {what}"),
        Err(error) => tracing::warn!(%error, "catalog: could not {what}; trying again later"),
    }
}

impl Core {
    /// Writes the times that are behind to the file; gives how many.
    pub(crate) fn write_back(&self) -> Result<usize, CatalogError> {
        let behind = std::mem::take(&mut *self.mirror.behind.lock());
        let count = behind.devices.len() + behind.tokens.len() + behind.shares.len();
        if count == 0 {
            return Ok(0);
        }
        let outcome = self.write_times(&behind);
        if outcome.is_err() {
            let mut waiting = self.mirror.behind.lock();
            waiting.devices.extend(behind.devices);
            waiting.tokens.extend(behind.tokens);
            waiting.shares.extend(behind.shares);
        }
        outcome.map(|()| count)
    }

    fn write_times(&self, behind: &Behind) -> Result<(), CatalogError> {
        let write = |transaction: &Transaction<'_>| {
            let devices = self.mirror.devices.read();
            let mut update = transaction.prepare_cached(
                "UPDATE devices SET last_seen = ?3 WHERE project = ?1 AND id = ?2",
            )?;
            for (project, id) in &behind.devices {
                let known = devices.get(project).and_then(|known| known.get(id.as_str()));
                let moment = known.map(|known| &known.last_seen);
                if let Some(time) = moment.and_then(Moment::take) {
                    update.execute(params![project.get(), id.as_str(), time.micros()])?;
                }
            }
            let tokens = self.mirror.tokens.read();
            let mut update =
                transaction.prepare_cached("UPDATE tokens SET last_used = ?2 WHERE id = ?1")?;
            for id in &behind.tokens {
                if let Some(time) = tokens.get(id).and_then(|known| known.last_used.take()) {
                    update.execute(params![id.get(), time.micros()])?;
                }
            }
            let shares = self.mirror.shares.read();
            let mut update =
                transaction.prepare_cached("UPDATE shares SET last_used = ?2 WHERE hash = ?1")?;
            for hash in &behind.shares {
                if let Some(time) = shares.get(hash).and_then(|known| known.last_used.take()) {
                    update.execute(params![hash, time.micros()])?;
                }
            }
            Ok(())
        };
        commit(&mut self.writer.lock(), write).map_err(|error| self.explain(error))
    }

    /// Removes tokens, keys, invites and links that ran out long enough ago; gives how many.
    pub(crate) fn prune(&self) -> Result<usize, CatalogError> {
        let now = self.clock.now();
        let tokens_before = now.minus(TOKENS_KEPT);
        let invites_before = now.minus(INVITES_KEPT);
        let mut writer = self.writer.lock();
        let write = |transaction: &Transaction<'_>| {
            let tokens = transaction.execute(
                "DELETE FROM tokens WHERE min(expires, coalesce(revoked, expires)) < ?1",
                [tokens_before.micros()],
            )?;
            let keys = transaction
                .execute("DELETE FROM keys WHERE expires < ?1", [now.micros()])?
                + transaction
                    .execute("DELETE FROM email_changes WHERE expires < ?1", [now.micros()])?
                + transaction
                    .execute("DELETE FROM project_invites WHERE expires < ?1", [now.micros()])?;
            let invites = transaction.execute(
                "DELETE FROM invites WHERE coalesce(revoked, expires) < ?1",
                [invites_before.micros()],
            )?;
            let shares = transaction
                .execute("DELETE FROM shares WHERE expires < ?1", [invites_before.micros()])?;
            Ok(tokens + keys + invites + shares)
        };
        let count = commit(&mut writer, write).map_err(|error| self.explain(error))?;
        let end = |token: &Token| token.revoked.map_or(token.expires, |end| end.min(token.expires));
        self.mirror.tokens.write().retain(|_, known| end(&known.token) >= tokens_before);
        let is_kept = |share: &Share| share.expires.is_none_or(|end| end >= invites_before);
        self.mirror.shares.write().retain(|_, known| is_kept(&known.share));
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use iobeam_testkit::TestClock;

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn a_wall_clock_that_jumps_is_not_believed_for_a_day() {
        let clock = TestClock::new();
        let mut trust = Trust::new(&clock);
        assert!(!trust.look(&clock));
        clock.advance(23 * HOUR);
        assert!(!trust.look(&clock));
        clock.set(clock.now().plus(10 * 365 * 24 * HOUR));
        clock.advance(2 * HOUR);
        assert!(!trust.look(&clock), "it has just jumped ten years");
        clock.advance(24 * HOUR);
        assert!(trust.look(&clock));
    }
}
