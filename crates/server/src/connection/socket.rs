//! The byte stream under a connection: it notices a client that does not fetch its reply, and keeps back the empty
//! replies that the HTTP library makes of its own accord, so that every refusal can have a body.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// Plain or encrypted, it is all the same from here on.
pub(super) type Stream = Box<dyn ReadWrite>;

/// A stream of bytes in both directions.
pub(super) trait ReadWrite: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> ReadWrite for T {}

/// A stream that is watched.
pub(super) struct Socket {
    stream: Stream,
    patience: Duration,
    /// Runs while the client fetches nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    /// The status of the library's own reply, which was kept back.
    unsaid: Option<StatusCode>,
}

impl Socket {
    /// Watches a stream.
    pub(super) fn new(stream: Stream, patience: Duration) -> Self {
        Self { stream, patience, stalled: None, unsaid: None }
    }

    /// The stream, and the status of a reply that was kept back.
    pub(super) fn into_parts(self) -> (Stream, Option<StatusCode>) {
        (self.stream, self.unsaid)
    }

    /// Counts the time in which nothing could be written.
    fn watch<T>(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<T>,
    ) -> Poll<Result<T, io::Error>> {
        if let Poll::Ready(done) = outcome {
            self.stalled = None;
            return Poll::Ready(Ok(done));
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        match stalled.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// The status of a reply without a body that says 4xx. Our own refusals all have a body.
fn bare_refusal(bytes: &[u8]) -> Option<StatusCode> {
    let status = bytes.strip_prefix(b"HTTP/1.1 ").or_else(|| bytes.strip_prefix(b"HTTP/1.0 "))?;
    let status = StatusCode::from_bytes(status.get(..3)?).ok()?;
    let head = std::str::from_utf8(bytes).ok()?;
    let bare = status.is_client_error()
        && head.ends_with("\r\n\r\n")
        && head.contains("content-length: 0\r\n")
        && !head.contains("content-type: ");
    bare.then_some(status)
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(status) = bare_refusal(bytes) {
            self.unsaid = Some(status);
            return Poll::Ready(Ok(bytes.len()));
        }
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, outcome).map(Result::flatten)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        self.watch(context, outcome).map(Result::flatten)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
