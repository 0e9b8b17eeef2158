//! Batches on their way to the server, over a few connections at once.
//!
//! ```text
//! rows ─▶ batch ─▶ [waiting: 1] ─▶ connection 1 ─▶ POST /v1/imports ─▶ stored, or stored before
//!                               └▶ connection 2
//! ```
//!
//! The first batch goes alone: what the server refuses of it, it refuses of all. Memory holds a few batches, however long
//! the file is. A batch is sent again while the server is busy; its id makes sure that it is stored once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use indicatif::{HumanCount, ProgressBar};
use serde_json::Value;

use super::Target;
use super::batches::Numbered;
use crate::api::Call;
use crate::failure::Failure;
use crate::session::with_remedy;

/// Requests that are on their way at once.
const CONNECTIONS: usize = 2;
/// Batches that wait for a connection.
const WAITING: usize = 1;
/// The first pause before a batch is sent again; each one after it is twice as long, up to a minute.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// What became of the rows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    pub(super) stored: u64,
    pub(super) repeated: u64,
    pub(super) expired: u64,
    pub(super) batches: u64,
}

/// What connections share.
struct Shared<'a> {
    target: &'a Target<'a>,
    bar: &'a ProgressBar,
    progress: Mutex<Progress>,
    failed: Mutex<Option<anyhow::Error>>,
    stop: AtomicBool,
}

/// Sends all batches that `next` gives. Gives how far it came, and the first failure.
pub(super) fn send_all(
    target: &Target<'_>,
    bar: &ProgressBar,
    mut next: impl FnMut() -> Result<Option<Numbered>>,
) -> (Progress, Result<()>) {
    let shared = Shared {
        target,
        bar,
        progress: Mutex::default(),
        failed: Mutex::default(),
        stop: AtomicBool::new(false),
    };
    match next() {
        Ok(Some(first)) => shared.send(&first),
        Ok(None) => {}
        Err(error) => shared.fail(error),
    }
    let (sender, receiver) = sync_channel::<Numbered>(WAITING);
    let receiver = Mutex::new(receiver);
    thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| shared.serve(&receiver));
        }
        while !shared.is_stopped() {
            match next() {
                Ok(Some(batch)) => {
                    if sender.send(batch).is_err() {
                        break;
                    }
                }
                Ok(None) => break,
                Err(error) => shared.fail(error),
            }
        }
        drop(sender);
    });
    let failed = shared.failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    let progress = shared.progress.into_inner().unwrap_or_else(PoisonError::into_inner);
    (progress, failed.map_or(Ok(()), Err))
}

impl Shared<'_> {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn fail(&self, error: anyhow::Error) {
        self.stop.store(true, Ordering::Relaxed);
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    /// Sends what comes until nothing does. After a failure what waits is let go.
    fn serve(&self, waiting: &Mutex<Receiver<Numbered>>) {
        loop {
            let batch = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(batch) = batch else { return };
            if !self.is_stopped() {
                self.send(&batch);
            }
        }
    }

    /// Sends a batch, again and again while the server is busy.
    fn send(&self, batch: &Numbered) {
        let mut pause = FIRST_PAUSE;
        loop {
            match send(self.target, batch) {
                Ok(reply) => return self.count(batch, &reply),
                Err(error)
                    if is_passing(&error)
                        && pause < Duration::from_mins(1)
                        && !self.is_stopped() =>
                {
                    self.bar.set_message(format!("waiting for the server: {error}"));
                    thread::sleep(pause);
                    pause *= 2;
                }
                Err(error) => return self.fail(located(error, batch)),
            }
        }
    }

    fn count(&self, batch: &Numbered, reply: &Value) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        if reply["repeat"].as_bool().unwrap_or(false) {
            progress.repeated += batch.rows;
        } else {
            progress.stored += batch.rows;
            progress.expired += reply["expired"].as_u64().unwrap_or(0);
        }
        progress.batches += 1;
        self.bar.set_message(format!("{} rows", HumanCount(progress.stored + progress.repeated)));
    }
}

fn send(target: &Target<'_>, batch: &Numbered) -> Result<Value> {
    let call = Call::post(&["imports"]).batches(batch.body.clone());
    let sent = target.session.as_project(target.project, call);
    with_remedy(sent, 404, &target.missing_device()).map_err(named_device)?.json()
}

/// The remedy for the very device that is missing.
fn named_device(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<Failure>() {
        Ok(failure) => {
            let words = failure.to_string();
            let id = words.split_once("device '").and_then(|(_, rest)| rest.split_once('\''));
            match id {
                Some((id, _)) if failure.http == 404 => {
                    failure.remedy(format!("`iobeam device create --id {id}`")).into()
                }
                _ => failure.into(),
            }
        }
        Err(other) => other,
    }
}

/// Whether the same request may work later.
fn is_passing(error: &anyhow::Error) -> bool {
    let failure = error.downcast_ref::<Failure>();
    failure.is_some_and(|failure| matches!(failure.http, 0 | 429 | 502 | 503 | 504))
}

/// Where in the file the refused batch stands.
fn located(error: anyhow::Error, batch: &Numbered) -> anyhow::Error {
    match error.downcast::<Failure>() {
        Ok(failure) => {
            let (first, last) = batch.lines;
            let place = if first == last {
                format!("line {first}")
            } else {
                format!("lines {first} to {last}")
            };
            failure.detail(&format!("{place} of the file")).into()
        }
        Err(other) => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_with_its_lines() {
        let told = |lines| {
            let refused = Failure::refused(400, 1, "wrong type", "field 'a'");
            located(refused.into(), &Numbered { body: Vec::new(), rows: 1, lines }).to_string()
        };
        assert_eq!(told((5, 9)), "wrong type (field 'a'; lines 5 to 9 of the file)");
        assert_eq!(told((2, 2)), "wrong type (field 'a'; line 2 of the file)");
    }

    #[test]
    fn only_passing_trouble_is_tried_again() {
        assert!(is_passing(&Failure::refused(503, 1, "busy", "").into()));
        assert!(is_passing(&Failure::new("cannot reach").into()));
        assert!(!is_passing(&Failure::refused(400, 1, "wrong", "").into()));
    }

    #[test]
    fn the_device_that_is_missing_is_named_in_the_remedy() {
        let failure = Failure::refused(404, 32, "There is no device 'ghost'", "").or_remedy("look");
        let failure = named_device(failure.into()).downcast::<Failure>().expect("still a failure");
        assert_eq!(failure.known_remedy(), Some("`iobeam device create --id ghost`"));
    }
}
