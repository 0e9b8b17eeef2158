//! Batches on their way to the server, over a few connections at once.
//!
//! ```text
//! rows ─▶ batch ─▶ [waiting: 1] ─▶ connection 1 ─▶ POST /v1/imports ─▶ stored, or stored before
//!                               └▶ connection 2
//! ```
//!
//! The first batch goes alone: what the server refuses of it, it refuses of all. Memory holds a few batches, however long
//! the file is. A batch is sent again while the server is busy; its id makes sure that it is stored once.

use std::iter::successors;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use indicatif::{HumanCount, ProgressBar};
use serde_json::{Value, json};

use super::Target;
use super::batches::{Block, KnownNumbers, Numbered};
use super::cut_short::CutShort;
use crate::api::Call;
use crate::failure::Failure;
use crate::session::with_remedy;

/// Requests that are on their way at once.
const CONNECTIONS: usize = 2;
/// Batches that wait for a connection.
const WAITING: usize = 1;
/// The first pause before a batch is sent again; each one after it is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause.
const MAX_PAUSE: Duration = Duration::from_mins(1);
/// How often who waits looks whether something failed.
pub(super) const STOP_INTERVAL: Duration = Duration::from_millis(100);

/// What became of the rows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    pub(super) stored: u64,
    pub(super) repeated: u64,
    pub(super) expired: u64,
    pub(super) batches: u64,
}

/// How long a server is waited for that is away or busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// About a minute for each request.
    Minute,
    /// As long as the command runs. That it waits is told once.
    Endless,
}

impl Patience {
    /// The pauses between tries of one request.
    fn pauses(self) -> impl Iterator<Item = Duration> {
        let pauses = successors(Some(FIRST_PAUSE), |pause| Some(MAX_PAUSE.min(*pause * 2)));
        pauses.take_while(move |pause| self == Self::Endless || *pause < MAX_PAUSE)
    }
}

/// What connections share.
pub(super) struct Shared<'a> {
    target: &'a Target<'a>,
    bar: &'a ProgressBar,
    /// Whether the server is asked what it has.
    asks: bool,
    patience: Patience,
    /// What the server said of the stream that it was asked about last.
    known: Mutex<Option<([u8; 16], Arc<KnownNumbers>)>>,
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
    let shared = Shared::new((target, bar), asks, Patience::Minute);
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
    pub(super) fn new(
        (target, bar): (&'a Target<'a>, &'a ProgressBar),
        asks: bool,
        patience: Patience,
    ) -> Self {
        let (known, progress, failed) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { target, bar, asks, patience, known, progress, failed, stop: Arc::default() }
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

    /// Notes a failure; the first one counts. Rows that were left out at the end come after all others, which are still sent;
    /// what fails there counts more.
    pub(super) fn fail(&self, error: anyhow::Error) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let is_last = error.is::<CutShort>();
        if !is_last {
            self.stop.store(true, Ordering::Relaxed);
        }
        if failed.as_ref().is_none_or(|known| !is_last && known.is::<CutShort>()) {
            *failed = Some(error);
        }
    }

    /// Sends what comes until nothing does. After a failure what waits is let go.
    fn serve(&self, waiting: &Mutex<Receiver<Block>>) {
        loop {
            let batch = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(batch) = batch else { return };
            self.send(&batch);
        }
    }

    /// What the server knows of a stream: nothing, unless it is to be asked. It is asked when another stream comes.
    pub(super) fn known(&self, stream: [u8; 16]) -> Result<Arc<KnownNumbers>> {
        if !self.asks {
            return Ok(Arc::default());
        }
        let held = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, known)) = &*held()
            && *of == stream
        {
            return Ok(Arc::clone(known));
        }
        let known = Arc::new(self.patiently(|| known_numbers(self.target, stream))?);
        *held() = Some((stream, Arc::clone(&known)));
        Ok(known)
    }

    /// Sends what the server does not have of a block, and what was deleted there. After a failure nothing is sent.
    pub(super) fn send(&self, block: &Block) {
        if !self.is_stopped()
            && let Err(error) = self.try_to_send(block)
        {
            self.fail(error);
        }
    }

    fn try_to_send(&self, block: &Block) -> Result<()> {
        let known = self.known(block.stream)?;
        for piece in block.pieces(&known) {
            if self.is_stopped() {
                return Ok(());
            }
            if piece.known == Some(false) {
                self.count(|progress| progress.repeated += piece.rows());
                continue;
            }
            if let Some(short) = block.cut_short(piece, &known) {
                return Err(short.into());
            }
            let batch = block.numbered(piece);
            let reply = self.patiently(|| send(self.target, &batch));
            let reply = reply.map_err(|error| located(error, &batch))?;
            self.count(|progress| {
                progress.batches += 1;
                if reply["repeat"].as_bool().unwrap_or(false) {
                    progress.repeated += batch.rows;
                } else {
                    progress.stored += batch.rows;
                    progress.expired += reply["expired"].as_u64().unwrap_or(0);
                }
            });
        }
        Ok(())
    }

    /// Does something again and again while the server is away or busy.
    fn patiently<T>(&self, mut work: impl FnMut() -> Result<T>) -> Result<T> {
        let mut pauses = self.patience.pauses().enumerate();
        loop {
            let error = match work() {
                Err(error) if is_passing(&error) => error,
                done => return done,
            };
            let Some((tries, pause)) = pauses.next() else { return Err(error) };
            let waiting = format!("waiting for the server: {error}");
            if self.patience == Patience::Endless && tries == 0 {
                self.target.session.out.note(&waiting);
            }
            self.bar.set_message(waiting);
            if !self.sleep(pause) {
                return Err(error);
            }
        }
    }

    /// Waits. False: something failed meanwhile.
    fn sleep(&self, mut time: Duration) -> bool {
        while !time.is_zero() && !self.is_stopped() {
            let slice = time.min(STOP_INTERVAL);
            thread::sleep(slice);
            time -= slice;
        }
        !self.is_stopped()
    }

    fn count(&self, count: impl FnOnce(&mut Progress)) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        count(&mut progress);
        self.bar.set_message(format!("{} rows", HumanCount(progress.stored + progress.repeated)));
    }
}

/// The numbers of a stream that the server knows.
fn known_numbers(target: &Target<'_>, stream: [u8; 16]) -> Result<KnownNumbers> {
    let hex = format!("{:032x}", u128::from_be_bytes(stream));
    let asked = json!({"namespace": target.namespace, "stream": hex});
    let call = Call::post(&["imports", "known"]).json(&asked)?;
    let reply = match target.session.as_project(target.project, call) {
        // A server that does not tell yet.
        Err(error) if is_unknown_call(&error) => return Ok(KnownNumbers::new()),
        reply => reply?.json()?,
    };
    let batches = reply["batches"].as_array().cloned().unwrap_or_default();
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
    failure.is_some_and(|failure| {
        failure.is_unreachable() || matches!(failure.http, 429 | 502 | 503 | 504)
    })
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
    fn an_import_waits_about_a_minute_and_who_follows_waits_as_long_as_it_takes() {
        let minute: Duration = Patience::Minute.pauses().sum();
        assert!((60..70).contains(&minute.as_secs()), "{minute:?}");
        let endless: Vec<Duration> = Patience::Endless.pauses().take(10_000).collect();
        assert_eq!((endless.len(), endless[0], endless[9_999]), (10_000, FIRST_PAUSE, MAX_PAUSE));
        assert!(endless.is_sorted());
    }

    #[test]
    fn only_passing_trouble_is_tried_again() {
        assert!(is_passing(&Failure::refused(503, 1, "busy", "").into()));
        assert!(is_passing(&Failure::unreachable("cannot reach").into()));
        assert!(!is_passing(&Failure::new("there is no token").into()));
        assert!(!is_passing(&Failure::refused(400, 1, "wrong", "").into()));
    }

    #[test]
    fn the_device_that_is_missing_is_named_in_the_remedy() {
        let failure = Failure::refused(404, 32, "There is no device 'ghost'", "").or_remedy("look");
        let failure = named_device(failure.into()).downcast::<Failure>().expect("still a failure");
        assert_eq!(failure.known_remedy(), Some("`iobeam device create --id ghost`"));
    }
}
