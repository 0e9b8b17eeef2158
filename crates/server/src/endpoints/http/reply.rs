//! Replies of exact length.
//!
//! ```text
//! text ────────────────────────────▶ Content-Length: n, one write
//! stream ─▶ memory ─ full? ─▶ file ─▶ Content-Length: n        the original doors: many clients read nothing else
//!                    └──────────────▶ chunks                   SQL only, and only when large
//! ```
//!
//! Invariants: a reply that is gathered is sound or is an error, never cut off in its middle; its file has no name,
//! so nothing is left behind by a crash.

mod spilled;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::header::{CONTENT_TYPE, HeaderValue};
use http_body::{Frame, SizeHint};
use iobeam_query::QueryError;
use iobeam_query::render::Rendered;

use crate::core::api_error::ApiError;
use spilled::Spilled;

/// How much of a reply may be gathered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Bytes in memory.
    pub(crate) memory: usize,
    /// Bytes in all.
    pub(crate) all: usize,
}

/// A reply that is there already.
pub(crate) fn whole(media_type: &'static str, content: impl Into<Bytes>) -> Response {
    with_type(media_type, Body::from(content.into()))
}

fn with_type(media_type: &'static str, body: Body) -> Response {
    let mut reply = Response::new(body);
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    reply
}

/// What of a stream fitted into memory, and whether that was all.
async fn begin(
    rendered: &mut Rendered,
    memory: usize,
) -> Result<(VecDeque<Bytes>, bool), QueryError> {
    let (mut held, mut length) = (VecDeque::new(), 0);
    while let Some(piece) = rendered.next().await {
        let piece = piece?;
        length += piece.len();
        held.push_back(piece);
        if length > memory {
            return Ok((held, false));
        }
    }
    Ok((held, true))
}

/// Gathers a reply, so that its length is known before its first byte leaves.
pub(crate) async fn gathered(
    media_type: &'static str,
    mut rendered: Rendered,
    bounds: Bounds,
    folder: &Path,
) -> Result<Response, ApiError> {
    let (held, complete) = begin(&mut rendered, bounds.memory).await?;
    if complete {
        return Ok(with_type(media_type, Body::new(Held(held))));
    }
    let mut spilled = Spilled::begin(folder, bounds.all)?;
    for piece in held {
        spilled.push(piece).await?;
    }
    while let Some(piece) = rendered.next().await {
        spilled.push(piece?).await?;
    }
    Ok(with_type(media_type, Body::new(spilled.into_body().await?)))
}

/// Sends a reply as it comes when it is large; a small one has its exact length.
pub(crate) async fn streamed(
    media_type: &'static str,
    mut rendered: Rendered,
    memory: usize,
) -> Result<Response, ApiError> {
    let (held, complete) = begin(&mut rendered, memory).await?;
    if complete {
        return Ok(with_type(media_type, Body::new(Held(held))));
    }
    let first = stream::iter(held.into_iter().map(Ok));
    let rest = first.chain(rendered.leave()).inspect_err(|error| {
        // The status has left long ago: all that can be done is to end the connection before the reply does.
        tracing::warn!(%error, "a reply was cut off");
    });
    Ok(with_type(media_type, Body::from_stream(rest)))
}

/// A reply that is there already, in pieces.
struct Held(VecDeque<Bytes>);

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|piece| piece.len() as u64).sum())
    }
}
