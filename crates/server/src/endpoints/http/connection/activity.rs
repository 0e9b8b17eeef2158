//! What a connection is doing, and until when it may go on: the deadlines of HTTP/1.1 and HTTP/2 alike.
//!
//! ```text
//! idle ─ first byte ─▶ head ─ complete ─▶ busy ─ last response sent ─▶ idle
//!   └ idle-timeout       └ header-timeout  └ no deadline here: body-timeout, query-timeout, write-timeout
//! ```
//!
//! Invariants: the idle timer runs only while no byte of a request has arrived since the last response; a connection
//! with a running request, or with bytes that wait to be written, has none of these deadlines.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use parking_lot::Mutex;
use tokio::time::{Instant, Sleep, sleep_until};

/// While a connection has no deadline, it is looked at again after this time.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);
/// Bytes of a response that are handed to a stream of HTTP/2 at a time, so that its progress can be seen.
const STREAM_PIECE_BYTES: usize = 64 << 10;

/// How long a connection may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Without a request.
    pub(crate) idle: Duration,
    /// From the first byte of a request's head to its last.
    pub(crate) header: Duration,
    /// Without fetching any of a response that waits for it.
    pub(crate) write: Duration,
}

/// Which deadline has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overdue {
    /// No request came.
    Idle,
    /// A request's head did not come to its end.
    Header,
    /// A stream's response was not fetched.
    Write,
}

/// What a connection is doing: shared by its socket, its requests and its timer.
#[derive(Clone, Debug)]
pub(super) struct Activity(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// Whether requests share the connection as streams, so that bytes that arrive need not be of a request.
    multiplexed: bool,
    /// Since when it is idle, or its head is arriving.
    since: Instant,
    /// A head has begun to arrive.
    head: bool,
    /// Requests that have no whole response yet.
    running: usize,
    /// How many requests there were.
    begun: u64,
    /// Bytes wait to be written.
    writing: bool,
    /// Streams whose response waits for the client, and since when.
    unfetched: BTreeMap<u64, Instant>,
}

impl Activity {
    /// A connection without a request yet.
    pub(super) fn new(multiplexed: bool) -> Self {
        Self(Arc::new(Mutex::new(State {
            multiplexed,
            since: Instant::now(),
            head: false,
            running: 0,
            begun: 0,
            writing: false,
            unfetched: BTreeMap::new(),
        })))
    }

    /// Bytes have arrived.
    pub(super) fn received(&self) {
        let mut state = self.0.lock();
        if state.running == 0 && !state.head && !state.multiplexed {
            state.head = true;
            state.since = Instant::now();
        }
    }

    /// Whether the next byte belongs to a request's head, and of which request.
    pub(super) fn expected_head(&self) -> Option<u64> {
        let state = self.0.lock();
        (state.running == 0 && !state.multiplexed).then_some(state.begun)
    }

    /// The idle time counts from now.
    pub(super) fn restart(&self) {
        let mut state = self.0.lock();
        state.since = Instant::now();
        state.head = false;
    }

    /// Whether bytes wait to be written.
    pub(super) fn set_writing(&self, writing: bool) {
        let mut state = self.0.lock();
        if state.writing && !writing && !state.head {
            state.since = Instant::now();
        }
        state.writing = writing;
    }

    /// A request's head is complete; the request runs until the guard is dropped.
    pub(super) fn begin(&self) -> Running {
        let mut state = self.0.lock();
        state.running += 1;
        state.begun += 1;
        state.head = false;
        Running { activity: self.clone(), number: state.begun }
    }

    /// The next deadline.
    fn due(&self, limits: &Limits) -> Option<(Instant, Overdue)> {
        let state = self.0.lock();
        if let Some(since) = state.unfetched.values().min() {
            return Some((*since + limits.write, Overdue::Write));
        }
        if state.running > 0 || state.writing {
            return None;
        }
        Some(if state.head {
            (state.since + limits.header, Overdue::Header)
        } else {
            (state.since + limits.idle, Overdue::Idle)
        })
    }
}

/// A request that has no whole response yet.
#[derive(Debug)]
pub(super) struct Running {
    activity: Activity,
    number: u64,
}

impl Running {
    /// The response, which keeps the request running until it is sent or given up.
    pub(super) fn answered(self, body: Body) -> Answering {
        let multiplexed = self.activity.0.lock().multiplexed;
        Answering { body, rest: Bytes::new(), multiplexed, running: self }
    }

    fn set_unfetched(&self, unfetched: bool) {
        let mut state = self.activity.0.lock();
        if unfetched {
            state.unfetched.insert(self.number, Instant::now());
        } else {
            state.unfetched.remove(&self.number);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.activity.0.lock();
        state.running -= 1;
        state.unfetched.remove(&self.number);
        if state.running == 0 {
            state.since = Instant::now();
        }
    }
}

/// The body of a response while it is sent.
#[derive(Debug)]
pub(super) struct Answering {
    body: Body,
    /// What was taken from the body and not handed on yet.
    rest: Bytes,
    multiplexed: bool,
    running: Running,
}

impl http_body::Body for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if !self.multiplexed {
            return Pin::new(&mut self.body).poll_frame(context);
        }
        // Who asks for more has handed on what it had.
        self.running.set_unfetched(false);
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)).transpose()? {
                None => return Poll::Ready(None),
                Some(frame) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
            }
        }
        let length = self.rest.len().min(STREAM_PIECE_BYTES);
        let piece = self.rest.split_to(length);
        self.running.set_unfetched(!self.is_end_stream());
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.body.size_hint();
        let rest = self.rest.len() as u64;
        match hint.exact() {
            Some(exact) => hint.set_exact(exact + rest),
            None => hint.set_lower(hint.lower() + rest),
        }
        hint
    }
}

/// The timer of a connection.
pub(super) struct Deadline {
    activity: Activity,
    limits: Limits,
    wake: Pin<Box<Sleep>>,
}

impl Deadline {
    /// Watches over what a connection is doing.
    pub(super) fn new(activity: Activity, limits: Limits) -> Self {
        let wake = Box::pin(sleep_until(Instant::now() + limits.idle));
        Self { activity, limits, wake }
    }

    /// From now on it may be idle for so long only.
    pub(super) fn shorten_idle(&mut self, idle: Duration) {
        self.limits.idle = idle;
        self.activity.restart();
    }

    /// Ready when a deadline has passed. To be polled after the connection each time, which may have moved it.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Overdue> {
        loop {
            let now = Instant::now();
            let due = self.activity.due(&self.limits);
            let at = match due {
                Some((at, overdue)) if at <= now => return Poll::Ready(overdue),
                Some((at, _)) => at,
                None => now + CHECK_INTERVAL,
            };
            if self.wake.is_elapsed() || at < self.wake.deadline() {
                self.wake.as_mut().reset(at);
            }
            ready!(self.wake.as_mut().poll(context));
        }
    }
}
