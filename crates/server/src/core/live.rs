//! Readings as they come, for whoever watches: events out of what the store holds.
//!
//! ```text
//! hello ─▶ take ─┬ rows ─▶ event rows, id = point ─▶ a moment's rest ─┐
//!            ▲   ├ gap  ─▶ event gap                                  │
//!            │   └ none ─▶ wait: rows? a second? the end?             │
//!            └─────────── may they still? no: event end ◀─────────────┘
//! ```
//!
//! Invariants: a connection pulls, and holds no more than one event; the writer never waits for it; events that are the
//! same for many are made once, and all of them together take one core at most. Whether the caller
//! may read is asked again before each event and several times a second.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, stream};
use iobeam_model::{NamespaceName, ProjectId, Timestamp};
use iobeam_query::{QueryError, Selection};
use iobeam_store::{Follower, Point, Poll};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep, sleep_until};

use crate::core::api_error::{ApiError, Category};
use crate::core::app::App;
use crate::core::auth::Standing;
use crate::core::event_cache::EventKey;

/// Rows of one event.
const EVENT_MAX_ROWS: usize = 1_000;
/// Rows that come within this time share an event.
const EVENT_INTERVAL: Duration = Duration::from_millis(100);
/// How often it is asked whether the caller may still read.
const ACCESS_CHECK_INTERVAL: Duration = Duration::from_millis(250);
/// After so long without an event something is said, so that nobody on the way takes the connection for dead.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(15);

/// What is followed.
#[derive(Debug)]
pub(crate) struct Subscription {
    /// Of which project.
    pub(crate) project: ProjectId,
    /// Which namespace.
    pub(crate) namespace: NamespaceName,
    /// Which rows, and what of them.
    pub(crate) selection: Selection,
    /// From where on; from now on, unless said.
    pub(crate) since: Option<Point>,
}

/// What a watcher hears.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// Where it begins, and the server's time.
    Hello {
        /// Rows after this point follow.
        point: Point,
        /// The time by the server's clock.
        at: Timestamp,
    },
    /// Rows that came.
    Rows {
        /// `{"namespace":..}` and the rows, as JSON without line breaks.
        json: Bytes,
        /// Up to here.
        point: Point,
    },
    /// Rows up to this point are no longer held: they are to be asked for, and it goes on after it.
    Gap {
        /// Up to here.
        point: Point,
    },
    /// Nothing came for a while; the point, if rows went by that are not wanted.
    Silence {
        /// Up to here.
        point: Option<Point>,
    },
    /// It is over.
    End {
        /// Why.
        reason: String,
    },
}

/// Follows: events until either side ends it.
pub(crate) fn follow(
    app: &App,
    subscription: Subscription,
    standing: Standing,
) -> Result<impl Stream<Item = Event> + Send + 'static, ApiError> {
    let place = Arc::clone(&app.live_permits).try_acquire_owned();
    let place = place.map_err(|_| {
        ApiError::new(
            Category::Unavailable,
            "Too many live connections are open",
            "Come back in a moment; the operator can raise the setting live-connections",
        )
        .with_retry_after(5)
    })?;
    let follower =
        app.store.follow(subscription.project, &subscription.namespace, subscription.since);
    let stopping = app.stop.subscribe();
    let watcher = Watcher {
        said: follower.point(),
        selection: subscription.key(),
        app: app.clone(),
        subscription,
        standing,
        follower,
        stopping,
        spoke: Instant::now(),
        rest_until: None,
        phase: Phase::Hello,
        _place: place,
    };
    Ok(stream::unfold(watcher, |mut watcher| async move {
        let event = watcher.next().await?;
        Some((event, watcher))
    }))
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Hello,
    Rows,
    Over,
}

/// One who watches.
struct Watcher {
    app: App,
    subscription: Subscription,
    /// What is followed, written out.
    selection: Arc<str>,
    /// What the caller was let in by.
    standing: Standing,
    follower: Follower,
    stopping: watch::Receiver<bool>,
    /// The last point that was told.
    said: Point,
    spoke: Instant,
    /// The next event waits until then for more rows.
    rest_until: Option<Instant>,
    phase: Phase,
    _place: OwnedSemaphorePermit,
}

impl Watcher {
    /// The next event; nothing when it was the last one.
    async fn next(&mut self) -> Option<Event> {
        loop {
            match self.phase {
                Phase::Over => return None,
                Phase::Hello => {
                    self.phase = Phase::Rows;
                    return Some(self.hello());
                }
                Phase::Rows => {}
            }
            if let Some(reason) = self.refusal() {
                return Some(self.end(reason));
            }
            if let Some(until) = self.rest_until.take() {
                sleep_until(until).await;
            }
            let from = self.follower.point();
            match self.follower.take(EVENT_MAX_ROWS) {
                Poll::Rows { parts, point } => {
                    let subscription = &self.subscription;
                    let selection = Arc::clone(&self.selection);
                    let key = EventKey { selection, from, to: point };
                    let make = || {
                        let members = subscription.selection.members(&parts)?;
                        Ok::<_, QueryError>(members.map(|members| subscription.json(&members)))
                    };
                    match self.app.events.event(key, make).await {
                        Ok(Some(json)) => return Some(self.rows(json, point)),
                        // Whoever wants none of many rows lets others have their turn.
                        Ok(None) => tokio::task::yield_now().await,
                        Err(error) => {
                            tracing::error!(%error, "rows cannot be shown to a live connection");
                            let reason =
                                "the server failed; the administrator finds the cause in its log";
                            return Some(self.end(reason.to_owned()));
                        }
                    }
                }
                Poll::Gap { point } => return Some(self.gap(point)),
                Poll::Nothing => self.wait().await,
            }
            if self.spoke.elapsed() >= HEARTBEAT_INTERVAL {
                return Some(self.silence());
            }
        }
    }

    /// Waits for rows, for the end, or for a while.
    async fn wait(&mut self) {
        tokio::select! {
            () = self.follower.changed() => {}
            _ = self.stopping.wait_for(|stopping| *stopping) => {}
            () = sleep(ACCESS_CHECK_INTERVAL) => {}
        }
    }

    /// Why it is over, if it is.
    fn refusal(&self) -> Option<String> {
        if *self.stopping.borrow() {
            return Some("the server stops; come back with the last point".to_owned());
        }
        let Subscription { project, namespace, .. } = &self.subscription;
        if let Err(refusal) = self.app.auth.still(&self.standing) {
            let problem = ApiError::from(refusal);
            return Some(format!("{}: {}", problem.message, problem.details));
        }
        let is_there = self.app.catalog.namespace(*project, namespace).is_some();
        (!is_there).then(|| format!("the namespace '{namespace}' was deleted"))
    }

    fn hello(&mut self) -> Event {
        self.spoke = Instant::now();
        Event::Hello { point: self.said, at: self.app.clock.now() }
    }

    fn rows(&mut self, json: Bytes, point: Point) -> Event {
        self.rest_until = Some(Instant::now() + EVENT_INTERVAL);
        self.spoke = Instant::now();
        self.said = point;
        Event::Rows { json, point }
    }

    fn gap(&mut self, point: Point) -> Event {
        self.spoke = Instant::now();
        self.said = point;
        Event::Gap { point }
    }

    fn end(&mut self, reason: String) -> Event {
        self.phase = Phase::Over;
        Event::End { reason }
    }

    fn silence(&mut self) -> Event {
        self.spoke = Instant::now();
        let point = self.follower.point();
        let went_by = point != self.said;
        self.said = point;
        Event::Silence { point: went_by.then_some(point) }
    }
}

impl Subscription {
    /// Rows, whose members are written already.
    fn json(&self, members: &[u8]) -> Bytes {
        let members = String::from_utf8_lossy(members);
        Bytes::from(format!(r#"{{"namespace":"{}",{members}}}"#, self.namespace))
    }

    /// What is followed, written out: equal texts are equal wishes.
    fn key(&self) -> Arc<str> {
        let Self { project, namespace, selection, .. } = self;
        let Selection { key, devices, fields, time_format } = selection;
        let devices = devices.as_ref().map(|all| all.iter().collect::<BTreeSet<_>>());
        format!("{project} {namespace} {key} {devices:?} {fields:?} {time_format:?}").into()
    }
}
