//! A listener: it accepts connections for one protocol, and sees to their number, their TLS and their end.
//!
//! ```text
//! listener ─ accept ─▶ room? ─▶ TLS? ─▶ Protocol::talk ─▶ until either side ends it, or all stops
//!                        └─ no ─▶ Protocol::turn_away
//! ```
//!
//! Invariants: the accept loop waits for nobody; all listeners share the room for connections; nobody is cut off by
//! the end of a listener, which waits for those that are open.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Plain or encrypted, it is all the same from here on.
pub(crate) type Stream = Box<dyn ReadWrite>;

/// A stream of bytes in both directions.
pub(crate) trait ReadWrite: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> ReadWrite for T {}

/// A connection that was let in.
pub(crate) struct Connection {
    /// Its bytes in both directions.
    pub(crate) stream: Stream,
    /// Who is at the other end.
    pub(crate) peer: SocketAddr,
    /// The TLS it came over, if it did.
    pub(crate) tls: Option<Tls>,
}

/// What a TLS handshake settled.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tls {
    /// The name of the protocol that both sides chose.
    pub(crate) alpn: Option<Vec<u8>>,
}

/// What is spoken on the connections of a listener.
pub(crate) trait Protocol: Clone + Send + 'static {
    /// Talks with a client until either side ends it; soon after all stops.
    fn talk(self, connection: Connection) -> impl Future<Output = ()> + Send;

    /// Tells a client, in the protocol's words, that there is no room for another connection.
    fn turn_away(self, stream: TcpStream) -> impl Future<Output = ()> + Send;
}

/// Where connections come in.
pub(crate) struct Listener<P> {
    /// The address that is listened at.
    pub(crate) socket: TcpListener,
    /// Who does the handshakes, where they are wanted.
    pub(crate) tls: Option<TlsAcceptor>,
    /// What is spoken.
    pub(crate) protocol: P,
    /// Room for connections, of all listeners together.
    pub(crate) room: Arc<Semaphore>,
    /// Becomes true when it is time to stop.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl<P: Protocol> Listener<P> {
    /// Accepts connections until it is time to stop, then waits for those that are open.
    pub(crate) async fn run(mut self) {
        let mut open = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                _ = self.stopping.wait_for(|stopping| *stopping) => break,
            };
            match accepted {
                Ok(accepted) => {
                    // Taken here, so that who came first has the place.
                    let place = Arc::clone(&self.room).try_acquire_owned().ok();
                    open.spawn(welcome(accepted, place, self.tls.clone(), self.protocol.clone()));
                }
                Err(error) => {
                    // Out of file handles, most likely: they come back when a connection ends.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            while open.try_join_next().is_some() {}
        }
        drop(self.socket);
        while open.join_next().await.is_some() {}
    }
}

async fn welcome(
    (stream, peer): (TcpStream, SocketAddr),
    place: Option<OwnedSemaphorePermit>,
    tls: Option<TlsAcceptor>,
    protocol: impl Protocol,
) {
    // A reply is one write already: waiting for more of it would only cost time.
    let _ = stream.set_nodelay(true);
    let Some(_place) = place else {
        if tls.is_none() {
            protocol.turn_away(stream).await;
        }
        return;
    };
    let Some(acceptor) = tls else {
        let connection = Connection { stream: Box::new(stream), peer, tls: None };
        return protocol.talk(connection).await;
    };
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            let alpn = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
            let tls = Some(Tls { alpn });
            protocol.talk(Connection { stream: Box::new(stream), peer, tls }).await;
        }
        Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
        Err(_elapsed) => tracing::debug!(%peer, "TLS handshake took too long"),
    }
}
