//! What is done now and then: times kept in memory go to the file, what nobody can use any more goes away.
//!
//! ```text
//! every few seconds ─▶ write back (one transaction)        start, then hourly ─▶ prune
//! last handle dropped ─▶ the thread ends ─▶ write back once more
//! ```
//!
//! A write-back that fails keeps what it had, and the next one tries again.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::params;

use crate::database::Core;
use crate::database::mirror::Behind;
use crate::error::CatalogError;

/// How long an expired token is still listed, and can be refreshed if the server allows it.
const TOKENS_KEPT: Duration = Duration::from_secs(60 * 24 * 3600);

/// How long a used-up, expired or revoked invite is still listed.
const INVITES_KEPT: Duration = Duration::from_secs(60 * 24 * 3600);

/// How often what ran out is looked for.
const PRUNE_EVERY: Duration = Duration::from_secs(3600);

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
            let mut pruned = core.clock.monotonic();
            while stopped.recv_timeout(core.settings.write_back) == Err(RecvTimeoutError::Timeout) {
                report("write back when devices were seen", core.write_back());
                if core.clock.monotonic().saturating_sub(pruned) >= PRUNE_EVERY {
                    pruned = core.clock.monotonic();
                    report("remove what ran out", core.prune());
                }
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
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
        let count = behind.devices.len() + behind.tokens.len();
        if count == 0 {
            return Ok(0);
        }
        let outcome = self.write_times(&behind);
        if outcome.is_err() {
            let mut waiting = self.mirror.behind.lock();
            waiting.devices.extend(behind.devices);
            waiting.tokens.extend(behind.tokens);
        }
        outcome.map(|()| count)
    }

    fn write_times(&self, behind: &Behind) -> Result<(), CatalogError> {
        let mut writer = self.writer.lock();
        let transaction = writer.transaction()?;
        {
            let devices = self.mirror.devices.read();
            let mut update = transaction
                .prepare_cached("UPDATE devices SET last_seen = ?3 WHERE project = ?1 AND id = ?2")?;
            for (project, id) in &behind.devices {
                let moment = devices.get(project).and_then(|known| known.get(id.as_str()));
                if let Some(time) = moment.and_then(super::mirror::Moment::take) {
                    update.execute(params![project.get(), id.as_str(), time.micros()])?;
                }
            }
        }
        {
            let tokens = self.mirror.tokens.read();
            let mut update =
                transaction.prepare_cached("UPDATE tokens SET last_used = ?2 WHERE id = ?1")?;
            for id in &behind.tokens {
                if let Some(time) = tokens.get(id).and_then(|known| known.last_used.take()) {
                    update.execute(params![id.get(), time.micros()])?;
                }
            }
        }
        Ok(transaction.commit()?)
    }

    /// Removes tokens, keys and invites that ran out long enough ago; gives how many.
    pub(crate) fn prune(&self) -> Result<usize, CatalogError> {
        let now = self.clock.now();
        let tokens_before = now.minus(TOKENS_KEPT);
        let mut writer = self.writer.lock();
        let transaction = writer.transaction()?;
        let mut count = transaction
            .execute("DELETE FROM tokens WHERE expires < ?1", [tokens_before.micros()])?;
        count += transaction.execute("DELETE FROM keys WHERE expires < ?1", [now.micros()])?;
        count += transaction.execute(
            "DELETE FROM invites WHERE coalesce(revoked, expires) < ?1",
            [now.minus(INVITES_KEPT).micros()],
        )?;
        transaction.commit()?;
        self.mirror.tokens.write().retain(|_, known| known.token.expires >= tokens_before);
        Ok(count)
    }
}
