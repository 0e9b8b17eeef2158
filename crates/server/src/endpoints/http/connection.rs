//! Connections of HTTP: limited in time, and closed in good order.
//!
//! ```text
//! listener ─┬─ HTTP/1.1 ─┬─▶ Site::answer ─▶ response ─▶ idle │ linger, close
//!           ├─ HTTP/2 ───┘
//!           └─ no room: 503, come back
//! ```
//!
//! Invariants: whoever is slow (with the head, the body, or with
//! reading the response) meets a deadline; head and body of a small response leave in one write; a refused request is
//! read on for a moment, so that the refusal is not lost in a reset; a connection on which a request has begun to arrive
//! is never closed as idle.

mod serve;

mod farewell;

mod socket;

mod framing;

mod activity;

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::core::api_error::{ApiError, Category};
use crate::endpoints::http::HttpService;
use crate::endpoints::http::caller::OverTls;
use crate::endpoints::listener::{Connection, Protocol};
use crate::endpoints::tls::HTTP_2;
use farewell::refuse;
use serve::ConnectionService;

pub(crate) use activity::Limits;

/// How long one for whom there is no room is read on.
const FULL_LINGER: Duration = Duration::from_millis(200);

/// HTTP/1.1, and HTTP/2 where TLS settles on it.
#[derive(Clone)]
pub(crate) struct Http {
    /// Who answers.
    pub(crate) service: HttpService,
    /// How long a connection may take.
    pub(crate) limits: Limits,
    /// Becomes true when it is time to stop.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl Protocol for Http {
    async fn talk(self, connection: Connection) {
        let Connection { stream, peer, tls } = connection;
        let is_http_2 = tls.as_ref().is_some_and(|tls| tls.alpn.as_deref() == Some(HTTP_2));
        let over_tls = tls.map(|_| OverTls);
        let visit = ConnectionService::new(self.service.clone(), peer, over_tls, is_http_2);
        if is_http_2 {
            serve::http_2(stream, visit, self).await;
        } else {
            serve::http_1(stream, visit, self).await;
        }
    }

    async fn turn_away(self, stream: TcpStream) {
        let full = ApiError::new(
            Category::Unavailable,
            "Too many connections are open",
            "Come back in a moment; the operator can raise the setting max-connections",
        );
        refuse(Box::new(stream), &full.with_retry_after(1), FULL_LINGER).await;
    }
}
