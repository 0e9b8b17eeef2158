//! Connections: accepted, limited in number and in time, and closed in good order.
//!
//! ```text
//! listener ─ accept ─▶ room? ─▶ TLS? ─┬─ HTTP/1.1 ─┬─▶ Site::answer ─▶ response ─▶ idle │ linger, close
//!                        │            └─ HTTP/2 ───┘
//!                        └─ no: 503, come back
//! ```
//!
//! Invariants: the accept loop waits for nobody; whoever is slow (with the handshake, the head, the body, or with
//! reading the response) meets a deadline; head and body of a small response leave in one write; a refused request is
//! read on for a moment, so that the refusal is not lost in a reset; a connection on which a request has begun to arrive
//! is never closed as idle.

mod serve;

mod farewell;

mod socket;

mod framing;

mod activity;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::caller::OverTls;
use crate::http::Site;
use crate::problem::Problem;
use crate::tls::HTTP_2;
use farewell::refuse;
use serve::Visit;
use socket::Stream;

pub(crate) use activity::Limits;

/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one for whom there is no room is read on.
const FULL_LINGER: Duration = Duration::from_millis(200);

/// What all connections share.
#[derive(Clone)]
pub(crate) struct Doors {
    /// Who answers.
    pub(crate) site: Site,
    /// Room for connections.
    pub(crate) room: Arc<Semaphore>,
    /// How long a connection may take.
    pub(crate) limits: Limits,
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
            refuse(Box::new(stream), &full.with_retry_after(1), FULL_LINGER).await;
        }
        return;
    };
    let over_tls = tls.is_some().then_some(OverTls);
    let mut is_http_2 = false;
    let stream: Stream = match tls {
        None => Box::new(stream),
        Some(acceptor) => {
            match tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => {
                    is_http_2 = stream.get_ref().1.alpn_protocol() == Some(HTTP_2);
                    Box::new(stream)
                }
                Ok(Err(error)) => return tracing::debug!(%peer, %error, "TLS handshake failed"),
                Err(_elapsed) => return tracing::debug!(%peer, "TLS handshake took too long"),
            }
        }
    };
    let visit = Visit::new(doors.site.clone(), peer, over_tls, is_http_2);
    if is_http_2 {
        serve::http_2(stream, visit, doors).await;
    } else {
        serve::http_1(stream, visit, doors).await;
    }
}
