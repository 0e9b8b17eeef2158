//! Connections: accepted, limited in number and in time, and closed in good order.
//!
//! ```text
//! listener ─ accept ─▶ room? ─▶ TLS? ─▶ HTTP/1.1 ─▶ Site::answer ─▶ reply in one write ─▶ keep alive │ linger, close
//!                        └─ no: 503, come back
//! ```
//!
//! Invariants: the accept loop waits for nobody; whoever is slow (with the handshake, the head, the body, or with
//! reading the reply) meets a deadline; head and body of a small reply leave in one write; a refused request is
//! heard out for a moment, so that the refusal is not lost in a reset.

mod socket;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::caller::OverTls;
use crate::http::Site;
use crate::problem::Problem;
use socket::{Socket, Stream};

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a client is heard out after the last reply.
const LINGER: Duration = Duration::from_secs(2);
/// How long one for whom there is no room is heard out.
const BRIEFLY: Duration = Duration::from_millis(200);
/// How many bytes of it.
const LINGER_BYTES: usize = 64 << 20;
/// The largest head of a request.
const HEAD_BYTES: usize = 32 << 10;
/// How many header lines a request may have.
const HEADERS: usize = 100;

/// What all connections share.
#[derive(Clone)]
pub(crate) struct Doors {
    /// Who answers.
    pub(crate) site: Site,
    /// Room for connections.
    pub(crate) room: Arc<Semaphore>,
    /// How long a head may take, and a connection be idle.
    pub(crate) head_timeout: Duration,
    /// How long a client may take to fetch some of a reply.
    pub(crate) reply_timeout: Duration,
    /// Becomes true when it is time to stop.
    pub(crate) stopping: watch::Receiver<bool>,
}

/// Accepts connections until it is time to stop, then waits for those that are open.
pub(crate) async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, mut doors: Doors) {
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = doors.stopping.wait_for(|stopping| *stopping) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                // Taken here, so that who came first has the place.
                let place = Arc::clone(&doors.room).try_acquire_owned().ok();
                open.spawn(welcome((stream, peer), place, tls.clone(), doors.clone()));
            }
            Err(error) => {
                // Out of file handles, most likely: they come back when a connection ends.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        while open.try_join_next().is_some() {}
    }
    drop(listener);
    while open.join_next().await.is_some() {}
}

async fn welcome(
    (stream, peer): (TcpStream, SocketAddr),
    place: Option<OwnedSemaphorePermit>,
    tls: Option<TlsAcceptor>,
    doors: Doors,
) {
    // A reply is one write already: waiting for more of it would only cost time.
    let _ = stream.set_nodelay(true);
    let Some(_place) = place else {
        if tls.is_none() {
            let full = Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many connections are open",
                "Come back in a moment; the operator can raise the setting max-connections",
            );
            refuse(Box::new(stream), &full.with_retry_after(1), BRIEFLY).await;
        }
        return;
    };
    let over_tls = tls.is_some().then_some(OverTls);
    let stream: Stream = match tls {
        None => Box::new(stream),
        Some(acceptor) => match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => Box::new(stream),
            Ok(Err(error)) => return tracing::debug!(%peer, %error, "TLS handshake failed"),
            Err(_elapsed) => return tracing::debug!(%peer, "TLS handshake took too long"),
        },
    };
    let visit = Visit { site: doors.site.clone(), peer, over_tls };
    talk(stream, visit, doors).await;
}

/// What hyper calls with each request of one connection.
struct Visit {
    site: Site,
    peer: SocketAddr,
    over_tls: Option<OverTls>,
}

impl hyper::service::Service<Request<Incoming>> for Visit {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(self.peer));
        if let Some(over_tls) = self.over_tls {
            request.extensions_mut().insert(over_tls);
        }
        let site = self.site.clone();
        Box::pin(async move { Ok(site.answer(request).await) })
    }
}

async fn talk(stream: Stream, visit: Visit, mut doors: Doors) {
    let peer = visit.peer;
    let io = TokioIo::new(Socket::new(stream, doors.reply_timeout));
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(doors.head_timeout)
        .max_header_size(HEAD_BYTES)
        .max_headers(HEADERS)
        // Flattened: head and body of a reply are copied together, and leave together.
        .writev(false)
        .serve_connection(io, visit);
    let mut told_to_stop = false;
    let outcome = loop {
        tokio::select! {
            outcome = std::future::poll_fn(|context| connection.poll_without_shutdown(context)) => break outcome,
            _ = doors.stopping.wait_for(|stopping| *stopping), if !told_to_stop => {
                told_to_stop = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    let parts = connection.into_parts();
    let (mut stream, unsaid) = parts.io.into_inner().into_parts();
    match outcome {
        // When it is time to stop, nobody is waited for: whoever is idle has been told all there is to tell.
        Ok(()) if told_to_stop => {
            let _ = tokio::time::timeout(LINGER, stream.shutdown()).await;
        }
        Ok(()) => close(stream, LINGER).await,
        Err(error) => {
            tracing::debug!(%peer, %error, "a connection ended");
            let begun = !parts.read_buf.is_empty();
            if let Some(problem) = misunderstanding(&error, unsaid, begun) {
                refuse(stream, &problem, LINGER).await;
            }
        }
    }
}

/// What to tell a client whose request was no HTTP, or did not come to its end.
fn misunderstanding(
    error: &hyper::Error,
    unsaid: Option<StatusCode>,
    begun: bool,
) -> Option<Problem> {
    if error.is_timeout() && begun {
        return Some(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "The head of the request did not arrive in time",
            "Send the whole head within the time that the setting head-timeout gives",
        ));
    }
    let status = unsaid?;
    let details = match status {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => format!(
            "The head of a request has at most {HEAD_BYTES} bytes and {HEADERS} header lines; send less"
        ),
        StatusCode::URI_TOO_LONG => "Shorten the path or the query string".to_owned(),
        _ => format!("{error}; send a well-formed HTTP/1.1 request"),
    };
    Some(Problem::new(status, "The request is not understood", details))
}

/// Sends a refusal, and closes.
async fn refuse(mut stream: Stream, problem: &Problem, linger: Duration) {
    let body = problem.body();
    let status = problem.status;
    let retry = problem.retry_after.map(|after| format!("retry-after: {after}\r\n"));
    let mut reply = format!(
        "HTTP/1.1 {} {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{}connection: close\r\n\r\n",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default(),
        body.len(),
        retry.unwrap_or_default(),
    )
    .into_bytes();
    reply.extend_from_slice(&body);
    let sent = tokio::time::timeout(linger, stream.write_all(&reply)).await;
    if matches!(sent, Ok(Ok(()))) {
        close(stream, linger).await;
    }
}

/// Says goodbye, and hears the client out: closing on bytes unread would take the reply back on its way.
async fn close(mut stream: Stream, linger: Duration) {
    let farewell = async {
        stream.flush().await?;
        stream.shutdown().await?;
        let mut heard = 0;
        let mut ignored = [0; 4096];
        while heard < LINGER_BYTES {
            match stream.read(&mut ignored).await? {
                0 => break,
                count => heard += count,
            }
        }
        Ok::<(), std::io::Error>(())
    };
    let _ = tokio::time::timeout(linger, farewell).await;
}
