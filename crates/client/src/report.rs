//! The log: what nobody is told of by a result is written down, and not more often than people can read.
//!
//! ```text
//! refused, failed, dropped ─▶ the first at once, then one line a minute with how many there were meanwhile
//! damaged file             ─▶ always
//! sent                     ─▶ one line, if failures were written down before
//! ```
//!
//! Lines go to the `log` crate under the target `iobeam`, which most programs have a back end for, or to where the
//! builder's `on_log` says.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::event::Level;
use crate::rejected::Rejected;

/// Lines of one kind are not closer to each other.
const INTERVAL: Duration = Duration::from_mins(1);

/// Where lines go.
#[derive(Clone)]
pub(crate) struct LogHook(pub(crate) Arc<Hook>);

type Hook = dyn Fn(Level, &str) + Send + Sync;

impl Default for LogHook {
    fn default() -> Self {
        Self(Arc::new(|level, line| match level {
            Level::Warning => log::warn!(target: "iobeam", "{line}"),
            Level::Info => log::info!(target: "iobeam", "{line}"),
        }))
    }
}

impl std::fmt::Debug for LogHook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LogHook")
    }
}

/// One kind of line.
#[derive(Debug, Default)]
struct Kind {
    last: Option<Duration>,
    /// How many were left out since, and the rows in them.
    left_out: u64,
    rows: u64,
}

#[derive(Debug, Default)]
struct Kinds {
    rejected: Kind,
    failed: Kind,
    dropped: Kind,
    /// Failures were written down since something was last sent.
    failing: bool,
}

/// Writes the log.
#[derive(Debug, Default)]
pub(crate) struct Report {
    hook: LogHook,
    kinds: Mutex<Kinds>,
}

impl Kind {
    /// What was left out since the last line, if it is time for another.
    fn due(&mut self, rows: u64, now: Duration) -> Option<(u64, u64)> {
        if self.last.is_some_and(|last| now.saturating_sub(last) < INTERVAL) {
            self.left_out += 1;
            self.rows += rows;
            return None;
        }
        self.last = Some(now);
        Some((std::mem::take(&mut self.left_out), std::mem::take(&mut self.rows)))
    }
}

impl Report {
    pub(crate) fn new(hook: LogHook) -> Self {
        Self { hook, kinds: Mutex::default() }
    }

    /// A batch was refused for good; `kept`: it lies in the folder of rejected batches.
    pub(crate) fn rejected(&self, batch: &Rejected, kept: bool, now: Duration) {
        let Some((others, rows)) = self.with(|kinds| kinds.rejected.due(batch.rows, now)) else {
            return;
        };
        let place = if kept {
            format!(
                "set aside as {}; rejected() lists such batches, resend() sends them again",
                batch.name
            )
        } else {
            "not kept on disk, as no spool is set".to_owned()
        };
        let mut line = format!(
            "the server refused a batch of {} rows for good ({} {}); it is {place}",
            batch.rows, batch.status, batch.message
        );
        if others > 0 {
            let _ = write!(line, " (and {others} batches with {rows} rows before it)");
        }
        self.write(Level::Warning, &line);
    }

    /// Something failed, and will be tried again.
    pub(crate) fn failed(&self, message: &str, waiting: u64, now: Duration) {
        let due = self.with(|kinds| {
            let due = kinds.failed.due(0, now);
            kinds.failing |= due.is_some();
            due
        });
        let Some((others, _)) = due else { return };
        let mut line = format!("{message}; {waiting} rows wait, and it is tried again");
        if others > 0 {
            let _ = write!(line, " (and {others} failures before it)");
        }
        self.write(Level::Warning, &line);
    }

    /// Rows were dropped, as there was no room.
    pub(crate) fn dropped(&self, rows: u64, now: Duration) {
        let Some((_, before)) = self.with(|kinds| kinds.dropped.due(rows, now)) else { return };
        let rows = rows + before;
        self.write(
            Level::Warning,
            &format!(
                "{rows} rows were dropped, as no more may wait: see spool_limit and when_full"
            ),
        );
    }

    /// A file is damaged.
    pub(crate) fn damaged(&self, message: &str) {
        self.write(Level::Warning, message);
    }

    /// Something was sent.
    pub(crate) fn sent(&self) {
        if self.with(|kinds| std::mem::take(&mut kinds.failing)) {
            self.write(Level::Info, "sending works again");
        }
    }

    fn write(&self, level: Level, line: &str) {
        (self.hook.0)(level, line);
    }

    fn with<T>(&self, act: impl FnOnce(&mut Kinds) -> T) -> T {
        act(&mut self.kinds.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_alike_one_line_a_minute_is_written_and_says_how_many_there_were() {
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = Arc::clone(&lines);
        let report = Report::new(LogHook(Arc::new(move |level, line: &str| {
            kept.lock().expect("no panic").push(format!("{level:?} {line}"));
        })));
        for second in 0..130 {
            report.failed("no answer", 5, Duration::from_secs(second));
            report.dropped(2, Duration::from_secs(second));
        }
        report.sent();
        report.sent();
        let lines = lines.lock().expect("no panic").clone();
        let failures: Vec<_> = lines.iter().filter(|line| line.contains("no answer")).collect();
        assert_eq!(failures.len(), 3);
        assert!(failures[1].ends_with("(and 59 failures before it)"), "{failures:?}");
        assert_eq!(failures[0], "Warning no answer; 5 rows wait, and it is tried again");
        let dropped: Vec<_> = lines.iter().filter(|line| line.contains("dropped")).collect();
        assert!(dropped[1].starts_with("Warning 120 rows were dropped"), "{dropped:?}");
        assert_eq!(lines.iter().filter(|line| *line == "Info sending works again").count(), 1);
    }
}
