//! Readings as they come, for whoever watches: server-sent events out of what the store holds.
//!
//! ```text
//! hello ─▶ take ─┬ rows ─▶ event rows, id = point ─▶ a moment's rest ─┐
//!            ▲   ├ gap  ─▶ event gap                                  │
//!            │   └ none ─▶ wait: rows? a second? the end?             │
//!            └─────────── may they still? no: event end ◀─────────────┘
//! ```
//!
//! Invariants: a connection pulls, and holds no more than one event; the writer never waits for it. Whether the caller
//! may read is asked again before each event and each second.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use futures::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{HeaderName, StatusCode};
use iobeam_model::{NamespaceName, ProjectId};
use iobeam_query::Selection;
use iobeam_store::{Followed, Follower, Point};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep, sleep_until};

use crate::app::App;
use crate::caller;
use crate::problem::Problem;

/// Where it is asked for.
pub(crate) const PATH: &str = "/v1/live";

/// Rows of one event.
const ROWS: usize = 1_000;
/// Rows that come within this time share an event.
const REST: Duration = Duration::from_millis(100);
/// How often it is asked whether the caller may still read.
const ASK: Duration = Duration::from_secs(1);
/// After so long without an event something is said, so that nobody on the way takes the connection for dead.
const SILENCE: Duration = Duration::from_secs(15);

/// What is followed.
#[derive(Debug)]
pub(crate) struct Wish {
    /// Of which project.
    pub(crate) project: ProjectId,
    /// Which namespace.
    pub(crate) namespace: NamespaceName,
    /// Which rows, and what of them.
    pub(crate) selection: Selection,
    /// From where on; from now on, unless said.
    pub(crate) since: Option<Point>,
}

/// Answers with a stream of events that goes on until either side ends it.
pub(crate) fn follow(app: &App, wish: Wish, request: Request) -> Result<Response, Problem> {
    let place = std::sync::Arc::clone(&app.room_for_live).try_acquire_owned();
    let place = place.map_err(|_| {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many live connections are open",
            "Come back in a moment; the operator can raise the setting live-connections",
        )
        .with_retry_after(5)
    })?;
    let follower = app.store.follow(wish.project, &wish.namespace, wish.since);
    let stopping = app.stop.subscribe();
    let watcher = Watcher {
        said: follower.point(),
        app: app.clone(),
        wish,
        request,
        follower,
        stopping,
        spoke: Instant::now(),
        rest_until: None,
        phase: Phase::Hello,
        _place: place,
    };
    let events = stream::unfold(watcher, |mut watcher| async move {
        let event = watcher.next().await?;
        Some((Ok::<_, std::convert::Infallible>(event), watcher))
    });
    let mut reply = Response::new(Body::from_stream(events));
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Some proxies gather replies before they pass them on, unless they are told not to.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(reply)
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
    wish: Wish,
    /// The request's head: who asks.
    request: Request,
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
    async fn next(&mut self) -> Option<Bytes> {
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
                return Some(self.end(&reason));
            }
            if let Some(until) = self.rest_until.take() {
                sleep_until(until).await;
            }
            match self.follower.take(ROWS) {
                Followed::Rows { parts, point } => match self.wish.selection.members(&parts) {
                    Ok(Some(members)) => return Some(self.rows(&members, point)),
                    // Whoever wants none of many rows lets others have their turn.
                    Ok(None) => tokio::task::yield_now().await,
                    Err(error) => {
                        tracing::error!(%error, "rows cannot be shown to a live connection");
                        return Some(
                            self.end("the server failed; the operator finds the cause in its log"),
                        );
                    }
                },
                Followed::Gap { point } => return Some(self.gap(point)),
                Followed::Nothing => self.wait().await,
            }
            if self.spoke.elapsed() >= SILENCE {
                return Some(self.sign_of_life());
            }
        }
    }

    /// Waits for rows, for the end, or for a while.
    async fn wait(&mut self) {
        tokio::select! {
            () = self.follower.changed() => {}
            _ = self.stopping.wait_for(|stopping| *stopping) => {}
            () = sleep(ASK) => {}
        }
    }

    /// Why it is over, if it is.
    fn refusal(&self) -> Option<String> {
        if *self.stopping.borrow() {
            return Some("the server stops; come back with the last point".to_owned());
        }
        let Wish { project, namespace, .. } = &self.wish;
        match caller::again(&self.app, &self.request, PATH) {
            Err(problem) => return Some(format!("{}: {}", problem.message, problem.details)),
            Ok(caller) if caller.project != *project => {
                return Some("the request is about another project now".to_owned());
            }
            Ok(_) => {}
        }
        let is_there = self.app.catalog.namespace(*project, namespace).is_some();
        (!is_there).then(|| format!("the namespace '{namespace}' was deleted"))
    }

    fn hello(&mut self) -> Bytes {
        let now = iobeam_model::TimeFormat::Msec.from_timestamp(self.app.clock.now());
        let point = self.said;
        self.event(
            "hello",
            Some(point),
            &format!(r#"{{"point":"{point}","server_timestamp":{now}}}"#),
        )
    }

    fn rows(&mut self, members: &[u8], point: Point) -> Bytes {
        self.rest_until = Some(Instant::now() + REST);
        let members = String::from_utf8_lossy(members);
        let data = format!(r#"{{"namespace":"{}",{members}}}"#, self.wish.namespace);
        self.event("rows", Some(point), &data)
    }

    fn gap(&mut self, point: Point) -> Bytes {
        self.event("gap", Some(point), &format!(r#"{{"point":"{point}"}}"#))
    }

    fn end(&mut self, reason: &str) -> Bytes {
        self.phase = Phase::Over;
        self.event("end", None, &serde_json::json!({ "reason": reason }).to_string())
    }

    /// A comment, and the point if rows went by that this one does not want.
    fn sign_of_life(&mut self) -> Bytes {
        self.spoke = Instant::now();
        let point = self.follower.point();
        if point == self.said {
            return Bytes::from_static(b": still here\n\n");
        }
        self.said = point;
        Bytes::from(format!(": still here\nid: {point}\n\n"))
    }

    /// An event. Its data is JSON, which has no line breaks.
    fn event(&mut self, name: &str, point: Option<Point>, data: &str) -> Bytes {
        self.spoke = Instant::now();
        let mut id = String::new();
        if let Some(point) = point {
            self.said = point;
            id = format!("id: {point}\n");
        }
        Bytes::from(format!("event: {name}\n{id}data: {data}\n\n"))
    }
}
