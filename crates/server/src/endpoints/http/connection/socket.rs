//! The byte stream under a connection: it tells the connection's timer what happens, notices a client that does not fetch
//! its response, refuses heads that could be read in two ways, and holds back the empty responses that the HTTP library
//! makes of its own accord, so that every refusal can have a body.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::activity::Activity;
use super::framing::ArrivingHead;
use crate::core::api_error::ApiError;
use crate::endpoints::listener::Stream;

/// A stream that is watched.
pub(super) struct Socket {
    stream: Stream,
    activity: Activity,
    write_timeout: Duration,
    /// Bytes that were read before and come first.
    before: Bytes,
    head: ArrivingHead,
    /// Nothing is written any more: the client was told that the connection ends.
    is_mute: bool,
    /// Runs while the client does not read the response.
    stalled: Option<Pin<Box<Sleep>>>,
    /// The status of the library's own response, which was held back.
    unsaid: Option<StatusCode>,
    /// What was wrong with a head.
    fault: Option<ApiError>,
}

/// What is left of a socket when its connection ends.
pub(super) struct Ended {
    /// The bytes in both directions.
    pub(super) stream: Stream,
    /// The status of a response of the library that was held back.
    pub(super) unsaid: Option<StatusCode>,
    /// What was wrong with the head of the last request.
    pub(super) fault: Option<ApiError>,
}

impl Socket {
    /// Watches a stream, of which some bytes may have been read before.
    pub(super) fn new(
        stream: Stream,
        before: Bytes,
        activity: Activity,
        write_timeout: Duration,
    ) -> Self {
        Self {
            stream,
            activity,
            write_timeout,
            before,
            head: ArrivingHead::default(),
            is_mute: false,
            stalled: None,
            unsaid: None,
            fault: None,
        }
    }

    /// The same, which says nothing more.
    pub(super) fn muted(mut self) -> Self {
        self.is_mute = true;
        self
    }

    /// What is left of it.
    pub(super) fn into_parts(self) -> Ended {
        Ended { stream: self.stream, unsaid: self.unsaid, fault: self.fault }
    }

    /// Looks at bytes that have arrived.
    fn note(&mut self, arrived: &[u8]) -> io::Result<()> {
        if arrived.is_empty() {
            return Ok(());
        }
        if let Some(number) = self.activity.expected_head() {
            self.fault = self.head.take(number, arrived);
        }
        self.activity.received();
        match self.fault {
            None => Ok(()),
            Some(_) => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// Counts the time in which nothing could be written.
    fn watch<T>(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<T>,
    ) -> Poll<Result<T, io::Error>> {
        if let Poll::Ready(done) = outcome {
            if self.stalled.take().is_some() {
                self.activity.set_writing(false);
            }
            return Poll::Ready(Ok(done));
        }
        if self.stalled.is_none() {
            self.activity.set_writing(true);
        }
        let timeout = self.write_timeout;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
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
        let filled = buffer.filled().len();
        if self.before.is_empty() {
            ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        } else {
            let length = self.before.len().min(buffer.remaining());
            buffer.put_slice(&self.before[..length]);
            self.before.advance(length);
        }
        let noted = self.note(&buffer.filled()[filled..]);
        if noted.is_err() {
            // Nobody shall act on it.
            buffer.set_filled(filled);
        }
        Poll::Ready(noted)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_mute {
            return Poll::Ready(Ok(bytes.len()));
        }
        if let Some(status) = bare_refusal(bytes) {
            self.unsaid = Some(status);
            return Poll::Ready(Ok(bytes.len()));
        }
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, outcome).map(Result::flatten)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_mute {
            return Poll::Ready(Ok(()));
        }
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        self.watch(context, outcome).map(Result::flatten)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
