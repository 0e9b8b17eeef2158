//! Batches on their way to the server, over a few connections at once.
//!
//! ```text
//! rows ─▶ batch ─▶ [waiting: 1] ─▶ connection 1 ─▶ POST /v1/imports ─▶ stored, or stored before
//!                               └▶ connection 2
//! ```
//!
//! The first batch goes alone: what the server refuses of it, it refuses of all. Memory holds a few batches, however long
//! the file is. A batch is sent again while the server is busy; its id makes sure that it is stored once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use indicatif::{HumanCount, ProgressBar};
use serde_json::{Value, json};

use super::Target;
use super::batches::{Block, Numbered};
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
pub(super) struct Shared<'a> {
    pub(super) target: &'a Target<'a>,
    bar: &'a ProgressBar,
    /// Whether the server is asked what it has.
    pub(super) asks: bool,
    progress: Mutex<Progress>,
    failed: Mutex<Option<anyhow::Error>>,
    /// Set after a failure.
    pub(super) stop: Arc<AtomicBool>,
}

/// Sends all blocks that `next` gives. `asks`: what of them the server has is asked first. Gives how far it came, and the
/// first failure.
pub(super) fn send_all(
    target: &Target<'_>,
    bar: &ProgressBar,
    asks: bool,
    mut next: impl FnMut() -> Result<Option<Block>>,
) -> (Progress, Result<()>) {
    let shared = Shared::new(target, bar, asks);
    match next() {
        Ok(Some(first)) => shared.send(&first),
        Ok(None) => {}
        Err(error) => shared.fail(error),
    }
    let (sender, receiver) = sync_channel::<Block>(WAITING);
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
    shared.end()
}

impl<'a> Shared<'a> {
    /// Nothing was sent yet. `asks`: what the server has is asked first.
    pub(super) fn new(target: &'a Target<'a>, bar: &'a ProgressBar, asks: bool) -> Self {
        let (progress, failed, stop) = (Mutex::default(), Mutex::default(), Arc::default());
        Self { target, bar, asks, progress, failed, stop }
    }

    /// How far it came, and the first failure.
    pub(super) fn end(self) -> (Progress, Result<()>) {
        let failed = self.failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        let progress = self.progress.into_inner().unwrap_or_else(PoisonError::into_inner);
        (progress, failed.map_or(Ok(()), Err))
    }

    /// Whether something failed.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Notes a failure; the first one counts.
    pub(super) fn fail(&self, error: anyhow::Error) {
        self.stop.store(true, Ordering::Relaxed);
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    /// Sends what comes until nothing does. After a failure what waits is let go.
    fn serve(&self, waiting: &Mutex<Receiver<Block>>) {
        loop {
            let batch = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(batch) = batch else { return };
            if !self.is_stopped() {
                self.send(&batch);
            }
        }
    }

    /// Sends what the server does not have of a block, and what was deleted there.
    pub(super) fn send(&self, block: &Block) {
        let mut known = HashMap::new();
        if self.asks {
            match self.patiently(|| known_numbers(self.target, block.stream)) {
                Ok(numbers) => known = numbers,
                Err(error) => return self.fail(error),
            }
        }
        for piece in block.pieces(&known.keys().copied().collect()) {
            if self.is_stopped() {
                return;
            }
            if piece.known.is_some_and(|number| !known[&number]) {
                self.count(piece.rows(), &json!({"repeat": true}));
                continue;
            }
            let batch = block.numbered(piece);
            match self.patiently(|| send(self.target, &batch)) {
                Ok(reply) => {
                    self.count(batch.rows, &reply);
                    self.progress.lock().unwrap_or_else(PoisonError::into_inner).batches += 1;
                }
                Err(error) => return self.fail(located(error, &batch)),
            }
        }
    }

    /// Does something again and again while the server is busy.
    pub(super) fn patiently<T>(&self, mut work: impl FnMut() -> Result<T>) -> Result<T> {
        let mut pause = FIRST_PAUSE;
        loop {
            match work() {
                Err(error)
                    if is_passing(&error)
                        && pause < Duration::from_mins(1)
                        && !self.is_stopped() =>
                {
                    self.bar.set_message(format!("waiting for the server: {error}"));
                    thread::sleep(pause);
                    pause *= 2;
                }
                done => return done,
            }
        }
    }

    fn count(&self, rows: u64, reply: &Value) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        if reply["repeat"].as_bool().unwrap_or(false) {
            progress.repeated += rows;
        } else {
            progress.stored += rows;
            progress.expired += reply["expired"].as_u64().unwrap_or(0);
        }
        self.bar.set_message(format!("{} rows", HumanCount(progress.stored + progress.repeated)));
    }
}

/// The numbers of a stream that the server knows, each with whether rows were deleted since.
pub(super) fn known_numbers(target: &Target<'_>, stream: [u8; 16]) -> Result<HashMap<u64, bool>> {
    let hex = format!("{:032x}", u128::from_be_bytes(stream));
    let asked = json!({"namespace": target.namespace, "streams": [hex]});
    let call = Call::post(&["imports", "known"]).json(&asked)?;
    let reply = match target.session.as_project(target.project, call) {
        // A server that does not tell yet.
        Err(error) if is_unknown_call(&error) => return Ok(HashMap::new()),
        reply => reply?.json()?,
    };
    let batches = reply["streams"][0].as_array().cloned().unwrap_or_default();
    let number = |batch: &Value| {
        let number = batch["counter"].as_str()?.parse().ok()?;
        Some((number, batch["deleted_from"].as_bool().unwrap_or(true)))
    };
    Ok(batches.iter().filter_map(number).collect())
}

fn is_unknown_call(error: &anyhow::Error) -> bool {
    let failure = error.downcast_ref::<Failure>();
    failure.is_some_and(|failure| matches!(failure.http, 404 | 405))
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
