//! Takes batches from the outbox to the server, and acts on the answer.
//!
//! ```text
//! 200                      done, the next
//! 401                      refresh the token, once; then the operator is needed, everything is kept
//! 404, no such device      register it if that was asked for, once
//! 400, 404, 413, 422 …     one by one; the one that is refused alone is set aside, the queue goes on
//! 403                      kept: the token must change, not the batch
//! 429, 5xx, no answer      kept: the same bytes again after a while
//! ```
//!
//! An attempt that got no answer may have been stored: the repeat carries the same batch numbers.

mod correction;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use iobeam_model::{Column, DeviceId, Timestamp, Values};
use iobeam_wire::batch::{Limits, MEDIA_TYPE, decode};
use iobeam_wire::problem::Code;
use iobeam_wire::v1::{DeviceRequest, TimestampReply};
use serde::Deserialize;

use crate::backoff::{Backoff, Jitter};
use crate::error::Error;
use crate::http::{Http, Reply};
use crate::identity::Register;
use crate::outbox::Outbox;
use crate::settings::MAX_BODY;
use crate::spool::split;
use crate::token::Tokens;

/// Sends.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) http: Http,
    pub(crate) tokens: Tokens,
    pub(crate) project: u32,
    pub(crate) register: Register,
    /// One attempt at a time, so that batches arrive in order.
    sending: Mutex<()>,
    jitter: Mutex<Jitter>,
}

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    /// Nothing waits.
    Nothing,
    /// Something was sent or set aside.
    Some,
}

#[derive(Deserialize)]
struct Stored {
    #[serde(default)]
    repeat: bool,
}

#[derive(Deserialize)]
struct Registered {
    device_id: DeviceId,
}

impl Sender {
    pub(crate) fn new(
        outbox: Arc<Outbox>,
        http: Http,
        tokens: Tokens,
        project: u32,
        register: Register,
        seed: u64,
    ) -> Self {
        let (sending, jitter) = (Mutex::new(()), Mutex::new(Jitter::new(seed)));
        Self { outbox, http, tokens, project, register, sending, jitter }
    }

    /// The token to use now.
    pub(crate) fn token(&self) -> String {
        self.tokens.fresh(&self.http, &*self.outbox.clock)
    }

    /// Sends all that waits, trying again for as long as `deadline` allows.
    pub(crate) fn send(&self, deadline: Duration) -> Result<u64, Error> {
        let clock = &self.outbox.clock;
        let end = clock.monotonic().saturating_add(deadline);
        let left = || end.saturating_sub(clock.monotonic());
        let mut backoff = self.backoff();
        let mut sent = 0;
        // A spool that is full is no reason not to send what is in it.
        let mut flushed = self.outbox.flush();
        loop {
            match self.drain(Some(end)) {
                Ok(rows) => sent += rows,
                Err((rows, error)) => {
                    sent += rows;
                    self.outbox.note_failure(&error);
                    let asked = match &error {
                        Error::Unreachable { .. } => None,
                        Error::Busy { retry_after, .. } => *retry_after,
                        _ => return Err(error),
                    };
                    let wait = self.wait(&mut backoff, asked);
                    if wait >= left() || self.outbox.signal.rest(wait) {
                        return Err(self.late(deadline, &error));
                    }
                    continue;
                }
            }
            match flushed {
                Ok(()) => return Ok(sent),
                Err(Error::Full { .. }) if left() > Duration::ZERO => {
                    flushed = self.outbox.flush();
                    if let Err(error) = &flushed
                        && self.outbox.next()?.is_empty()
                    {
                        self.outbox.note_failure(error);
                        return flushed.map(|()| sent);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn late(&self, deadline: Duration, error: &Error) -> Error {
        Error::Deadline { rows: self.outbox.waiting_rows(), deadline, last: error.to_string() }
    }

    /// No failure yet.
    pub(crate) fn backoff(&self) -> Backoff {
        let (first, most) = self.outbox.settings.backoff;
        Backoff::new(first, most)
    }

    /// How long to wait after a failure.
    pub(crate) fn wait(&self, backoff: &mut Backoff, asked: Option<Duration>) -> Duration {
        let mut jitter = self.jitter.lock().unwrap_or_else(PoisonError::into_inner);
        backoff.after_failure(asked, &mut jitter)
    }

    /// Sends until nothing waits, an attempt fails, or `end` is reached on the monotonic clock. Says how many rows
    /// left the queue.
    pub(crate) fn drain(&self, end: Option<Duration>) -> Result<u64, (u64, Error)> {
        let before = self.outbox.waiting_rows();
        let gone = || before.saturating_sub(self.outbox.waiting_rows());
        loop {
            let left = end.map(|end| end.saturating_sub(self.outbox.clock.monotonic()));
            if left.is_some_and(|left| left.is_zero()) {
                let backend = self.http.backend().to_owned();
                let reason = "the time for it was over".to_owned();
                return Err((gone(), Error::Unreachable { backend, reason }));
            }
            match self.round(left) {
                Ok(Round::Nothing) => return Ok(gone()),
                Ok(Round::Some) if self.outbox.signal.is_stopped() && end.is_none() => {
                    return Ok(gone());
                }
                Ok(Round::Some) => {}
                Err(error) => return Err((gone(), error)),
            }
        }
    }

    /// One attempt with the oldest records.
    fn round(&self, within: Option<Duration>) -> Result<Round, Error> {
        let _alone = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = self.outbox.next()?;
        if entries.is_empty() {
            return Ok(Round::Nothing);
        }
        let corrected =
            entries.iter().map(|entry| self.corrected(entry)).collect::<Result<Vec<_>, _>>()?;
        let bodies: Vec<_> = corrected.iter().map(|record| &*record.bytes).collect();
        let size: usize = bodies.iter().map(|body| body.len()).sum();
        if size <= MAX_BODY {
            let rows = entries.iter().map(|entry| entry.rows).sum();
            let body = bodies.concat();
            match self.post_known(&body, within) {
                Ok(repeat) => {
                    entries.iter().try_for_each(|entry| self.outbox.done(entry))?;
                    self.outbox.sent(&body, rows, repeat);
                    self.outbox.unset_clock(corrected.iter().map(|record| record.unset).sum());
                    return Ok(Round::Some);
                }
                Err(Error::Refused { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        for (entry, record) in entries.iter().zip(&corrected) {
            for part in split(&record.bytes) {
                self.post_alone(part, within)?;
            }
            self.outbox.done(entry)?;
            self.outbox.unset_clock(record.unset);
        }
        Ok(Round::Some)
    }

    /// Sends one batch. What is refused for good is set aside.
    fn post_alone(&self, part: &[u8], within: Option<Duration>) -> Result<(), Error> {
        match self.post_known(part, within) {
            Ok(repeat) => {
                self.outbox.sent(part, crate::spool::count(part).1, repeat);
                Ok(())
            }
            // As long as this device is unknown to the server its batches are not at fault.
            Err(error) if is_unknown_device(&error) && self.is_own(part) => Err(error),
            Err(error @ Error::Refused { .. }) => self.outbox.set_aside(part, &error),
            Err(error) => Err(error),
        }
    }

    /// Sends a body; registers the device first when the server turns out not to know it. Says whether all of it was
    /// stored before.
    fn post_known(&self, body: &[u8], within: Option<Duration>) -> Result<bool, Error> {
        match self.post(body, within) {
            Err(error) if is_unknown_device(&error) && self.register != Register::No => {
                let Some(id) = self.outbox.device() else { return Err(error) };
                let (_, name) = self.register.wanted();
                match self.register(Some(&id), name) {
                    Ok(_) => self.post(body, within),
                    // It is known after all: another device is meant.
                    Err(Error::DuplicateId(_)) => Err(error),
                    Err(other) => Err(other),
                }
            }
            other => other,
        }
    }

    fn post(&self, body: &[u8], within: Option<Duration>) -> Result<bool, Error> {
        let attempt = |token: &str| {
            self.http
                .post("imports", Some(token), MEDIA_TYPE, body, within)
                .and_then(Reply::success)
        };
        match attempt(&self.token()) {
            Err(Error::Unauthorized(message)) => {
                if self.tokens.refresh(&self.http, &*self.outbox.clock).is_err() {
                    return Err(Error::Unauthorized(message));
                }
                attempt(&self.tokens.current())
            }
            other => other,
        }
        // A success whose text cannot be read is a success.
        .map(|reply| reply.json::<Stored>().is_ok_and(|stored| stored.repeat))
    }

    fn is_own(&self, part: &[u8]) -> bool {
        let Some(own) = self.outbox.device() else { return false };
        let Ok(decoded) = decode(part, &Limits::NONE) else { return false };
        let column = decoded.batch.column("device_id").map(Column::values);
        matches!(column, Some(Values::String(texts)) if texts.dictionary().iter().all(|text| **text == *own.as_str()))
    }

    /// Registers the device, or another id for it.
    pub(crate) fn register(
        &self,
        id: Option<&DeviceId>,
        name: Option<&str>,
    ) -> Result<DeviceId, Error> {
        let request = DeviceRequest {
            project_id: Some(self.project.into()),
            device_id: id.map(|id| id.as_str().to_owned()),
            device_name: name.map(str::to_owned),
            ..DeviceRequest::default()
        };
        let reply = self.http.post_json("devices", Some(&self.token()), &request)?;
        match reply.success() {
            Ok(reply) => Ok(reply.json::<Registered>()?.device_id),
            Err(Error::Refused { code: Code::DEVICE_ID_TAKEN, status, message }) => Err(match id {
                Some(id) => Error::DuplicateId(id.clone()),
                None => Error::Refused { code: Code::DEVICE_ID_TAKEN, status, message },
            }),
            Err(error) => Err(error),
        }
    }

    /// Asks the server for the time.
    pub(crate) fn learn_clock(&self) -> Result<(), Error> {
        let clock = &self.outbox.clock;
        let token = self.token();
        let asked = clock.monotonic();
        let params = [("timefmt".to_owned(), "usec".to_owned())];
        let reply = self.http.get("devices/timestamp", &token, &params)?.success()?;
        let heard = clock.monotonic();
        let server: TimestampReply = reply.json()?;
        self.outbox.time.learn(Timestamp::from_micros(server.server_timestamp), asked, heard);
        Ok(())
    }
}

fn is_unknown_device(error: &Error) -> bool {
    matches!(error, Error::Refused { status: 404, code: Code::NOT_FOUND, message } if message.contains("device"))
}
