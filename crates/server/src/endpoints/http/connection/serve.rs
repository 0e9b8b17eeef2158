//! One connection from its first request to its end, in either version of HTTP.
//!
//! ```text
//! HTTP/1.1  serve ─┬─ the client or a response ends it ─▶ close
//!                  ├─ no request for idle-timeout ─ bytes here after all? ─ yes ─▶ serve on
//!                  │                                                       └ no ─▶ say so (FIN), listen for LINGER: an
//!                  │                                                               import that crosses is stored
//!                  └─ head not whole within header-timeout ─▶ 408
//! HTTP/2    serve ─── a deadline has passed ─▶ GOAWAY, streams end ─▶ close
//! ```

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::IntoResponse;
use bytes::Bytes;
use http::header::{CONNECTION, HOST, HeaderValue, TRANSFER_ENCODING};
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

use super::Http;
use super::activity::{Activity, Answering, Deadline, Overdue, Running};
use super::farewell::{close, refuse};
use super::framing::{self, MAX_HEAD_BYTES, MAX_HEADERS};
use super::socket::{Ended, Socket};
use crate::core::api_error::{ApiError, Category};
use crate::endpoints::http::HttpService;
use crate::endpoints::http::caller::{IMPORTS, OverTls};
use crate::endpoints::http::error_response::protocol_error;
use crate::endpoints::listener::Stream;

/// How long a client is read on after the last response.
const LINGER: Duration = Duration::from_secs(2);
/// How long it is waited for bytes that have arrived and were not seen yet, before a connection ends as idle.
const LAST_LOOK: Duration = Duration::from_millis(10);
/// How many requests of one connection of HTTP/2 run at once.
const MAX_STREAMS: u32 = 100;
/// How many streams a client may reset before they were looked at; more ends the connection.
const MAX_RESET_STREAMS: usize = 20;
/// Bytes of a body that a stream of HTTP/2 may send ahead, and all streams of a connection together.
const STREAM_WINDOW_BYTES: u32 = 256 << 10;
const CONNECTION_WINDOW_BYTES: u32 = 1 << 20;
/// Bytes of a response that wait for one stream's client.
const STREAM_BUFFER_BYTES: usize = 256 << 10;

/// What the HTTP library calls with each request of one connection.
#[derive(Clone)]
pub(super) struct ConnectionService {
    service: HttpService,
    peer: SocketAddr,
    over_tls: Option<OverTls>,
    activity: Activity,
    /// The client was told that the connection ends, and cannot be answered.
    is_late: bool,
}

impl ConnectionService {
    /// A connection without a request yet.
    pub(super) fn new(
        service: HttpService,
        peer: SocketAddr,
        over_tls: Option<OverTls>,
        multiplexed: bool,
    ) -> Self {
        Self { service, peer, over_tls, activity: Activity::new(multiplexed), is_late: false }
    }

    /// Why a request is refused before anything else of it is looked at.
    fn refusal(&self, request: &Request<Incoming>) -> Option<ApiError> {
        let version = request.version();
        let is_import = request.method() == Method::POST && request.uri().path() == IMPORTS;
        if self.is_late && !is_import {
            let message = "The connection was closed";
            let details = "Send the request again on another connection";
            return Some(ApiError::new(Category::Unavailable, message, details));
        }
        let lines = request.headers().iter();
        let lines = lines.map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()));
        if version < Version::HTTP_2 {
            framing::fault(version == Version::HTTP_10, lines)
        } else {
            None
        }
    }
}

impl hyper::service::Service<Request<Incoming>> for ConnectionService {
    type Response = Response<Answering>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let running = self.activity.begin();
        let is_http_2 = request.version() == Version::HTTP_2;
        if let Some(problem) = self.refusal(&request) {
            let mut reply = problem.into_response();
            reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            return Box::pin(async move { Ok(sent(reply, running)) });
        }
        if is_http_2 {
            name_host(&mut request);
        }
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(self.peer));
        if let Some(over_tls) = self.over_tls {
            request.extensions_mut().insert(over_tls);
        }
        let service = self.service.clone();
        Box::pin(async move {
            let mut reply = service.answer(request).await;
            if is_http_2 {
                // They speak of the connection, which HTTP/2 has other means for.
                remove_connection_headers(reply.headers_mut());
            }
            Ok(sent(reply, running))
        })
    }
}

/// A response on its way, whose request runs until it is sent.
fn sent(reply: Response<Body>, running: Running) -> Response<Answering> {
    let (parts, body) = reply.into_parts();
    Response::from_parts(parts, running.answered(body))
}

/// HTTP/2 says the host in the address; the rest of the program looks for the header.
fn name_host(request: &mut Request<Incoming>) {
    let authority = request.uri().authority().map(|authority| authority.as_str().to_owned());
    if let Some(host) = authority.and_then(|host| HeaderValue::from_str(&host).ok()) {
        request.headers_mut().insert(HOST, host);
    }
}

fn remove_connection_headers(headers: &mut HeaderMap) {
    headers.remove(CONNECTION);
    headers.remove(TRANSFER_ENCODING);
}

/// How serving a connection of HTTP/1.1 ended.
struct Served {
    outcome: Result<(), Ending>,
    ended: Ended,
    /// Bytes that were read and not looked at.
    unread: Bytes,
    told_to_stop: bool,
}

/// Why serving ended before the client or a response ended the connection.
enum Ending {
    Failed(hyper::Error),
    Overdue(Overdue),
}

/// Serves a connection of HTTP/1.1 to its end.
pub(super) async fn http_1(stream: Stream, visit: ConnectionService, mut http: Http) {
    let write_timeout = http.limits.write;
    let socket =
        |stream, before| Socket::new(stream, before, visit.activity.clone(), write_timeout);
    let mut served = serve(socket(stream, Bytes::new()), visit.clone(), &mut http).await;
    while matches!(served.outcome, Err(Ending::Overdue(Overdue::Idle))) {
        let mut stream = served.ended.stream;
        // Bytes that came with an earlier request, or just now, are of a request that has begun to arrive.
        let (mut before, mut is_late) = (served.unread, false);
        if before.is_empty() {
            match tokio::time::timeout(LAST_LOOK, arrived(&mut stream)).await {
                Ok(None) => return close(stream, LINGER).await,
                Ok(Some(bytes)) => before = bytes,
                Err(_elapsed) => {
                    is_late = true;
                    let Some(bytes) = arrived_late(&mut stream).await else { return };
                    tracing::debug!(peer = %visit.peer, "a request crossed the end of its connection");
                    before = bytes;
                }
            }
        }
        visit.activity.restart();
        let resumed = socket(stream, before);
        let visit = ConnectionService { is_late, ..visit.clone() };
        if is_late {
            serve(resumed.muted(), visit, &mut http).await;
            return;
        }
        served = serve(resumed, visit, &mut http).await;
    }
    finish(served, visit.peer).await;
}

/// The bytes that have arrived; nothing when the client has closed.
async fn arrived(stream: &mut Stream) -> Option<Bytes> {
    let mut bytes = vec![0; 4096];
    let count = stream.read(&mut bytes).await.ok().filter(|count| *count > 0)?;
    bytes.truncate(count);
    Some(Bytes::from(bytes))
}

/// Tells the client that the connection ends, and returns what it had sent before it knew.
async fn arrived_late(stream: &mut Stream) -> Option<Bytes> {
    let heard = async {
        stream.shutdown().await.ok()?;
        arrived(stream).await
    };
    tokio::time::timeout(LINGER, heard).await.ok()?
}

/// Serves until the connection ends, or a deadline has passed.
async fn serve(socket: Socket, visit: ConnectionService, http: &mut Http) -> Served {
    let mut deadline = Deadline::new(visit.activity.clone(), http.limits);
    let mut connection = http1::Builder::new()
        // The deadlines of a head and of an idle connection are our own.
        .header_read_timeout(None)
        .keep_alive(!visit.is_late)
        .max_header_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS)
        // Flattened: head and body of a response are copied together, and leave together.
        .writev(false)
        .serve_connection(TokioIo::new(socket), visit);
    let mut told_to_stop = false;
    let outcome = loop {
        let progress = poll_fn(|context| {
            if let Poll::Ready(ended) = connection.poll_without_shutdown(context) {
                return Poll::Ready(ended.map_err(Ending::Failed));
            }
            deadline.poll(context).map(|overdue| Err(Ending::Overdue(overdue)))
        });
        tokio::select! {
            outcome = progress => break outcome,
            _ = http.stopping.wait_for(|stopping| *stopping), if !told_to_stop => {
                told_to_stop = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    let parts = connection.into_parts();
    Served {
        outcome,
        ended: parts.io.into_inner().into_parts(),
        unread: parts.read_buf,
        told_to_stop,
    }
}

/// Ends a connection of HTTP/1.1, with a refusal where one is due.
async fn finish(served: Served, peer: SocketAddr) {
    let Ended { mut stream, unsaid, fault } = served.ended;
    if let Some(problem) = fault {
        return refuse(stream, &problem, LINGER).await;
    }
    let problem = match served.outcome {
        // When it is time to stop, nobody is waited for: whoever is idle has been told all there is to tell.
        Ok(()) if served.told_to_stop => {
            let _ = tokio::time::timeout(LINGER, stream.shutdown()).await;
            return;
        }
        Ok(()) => return close(stream, LINGER).await,
        Err(Ending::Overdue(_)) => Some(protocol_error(
            StatusCode::REQUEST_TIMEOUT,
            "The head of the request did not arrive in time",
            "Send the whole head within the time that the setting header-timeout gives",
        )),
        Err(Ending::Failed(error)) => {
            tracing::debug!(%peer, %error, "a connection ended");
            unsaid.map(|status| misunderstanding(&error, status))
        }
    };
    if let Some(problem) = problem {
        refuse(stream, &problem, LINGER).await;
    }
}

/// What to tell a client whose request was no HTTP, or did not come to its end.
fn misunderstanding(error: &hyper::Error, status: StatusCode) -> ApiError {
    let details = match status {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => format!(
            "The head of a request has at most {MAX_HEAD_BYTES} bytes and {MAX_HEADERS} header lines; send less"
        ),
        StatusCode::URI_TOO_LONG => "Shorten the path or the query string".to_owned(),
        _ => format!("{error}; send a well-formed HTTP/1.1 request"),
    };
    protocol_error(status, "The request is not understood", details)
}

/// Runs the streams of one connection of HTTP/2, and ends them with it.
#[derive(Clone, Default)]
struct Streams(Arc<Mutex<JoinSet<()>>>);

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Streams {
    fn execute(&self, stream: F) {
        let mut streams = self.0.lock();
        while streams.try_join_next().is_some() {}
        streams.spawn(stream);
    }
}

/// Serves a connection of HTTP/2 to its end.
pub(super) async fn http_2(stream: Stream, visit: ConnectionService, mut http: Http) {
    let (peer, activity) = (visit.peer, visit.activity.clone());
    let mut deadline = Deadline::new(activity.clone(), http.limits);
    let socket = Socket::new(stream, Bytes::new(), activity, http.limits.write);
    let streams = Streams::default();
    let mut connection = http2::Builder::new(streams.clone())
        .max_concurrent_streams(MAX_STREAMS)
        .max_pending_accept_reset_streams(MAX_RESET_STREAMS)
        .max_header_list_size(MAX_HEAD_BYTES as u32)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(STREAM_BUFFER_BYTES)
        .serve_connection(TokioIo::new(socket), visit);
    let (mut told_to_stop, mut is_closing) = (false, false);
    loop {
        let progress = poll_fn(|context| {
            if let Poll::Ready(ended) = Pin::new(&mut connection).poll(context) {
                return Poll::Ready(Ok(ended));
            }
            deadline.poll(context).map(Err)
        });
        tokio::select! {
            outcome = progress => match outcome {
                Ok(Ok(())) => break,
                Ok(Err(error)) => {
                    tracing::debug!(%peer, %error, "a connection ended");
                    break;
                }
                Err(Overdue::Idle) if !is_closing => {
                    is_closing = true;
                    // Requests that cross it are answered; others the client sends elsewhere.
                    Pin::new(&mut connection).graceful_shutdown();
                    deadline.shorten_idle(LINGER);
                }
                Err(overdue) => {
                    tracing::debug!(%peer, ?overdue, "a connection was ended");
                    break;
                }
            },
            _ = http.stopping.wait_for(|stopping| *stopping), if !told_to_stop => {
                told_to_stop = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    }
}
