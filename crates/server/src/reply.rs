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

use std::path::Path;

use axum::body::Body;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::header::{CONTENT_TYPE, HeaderValue};
use iobeam_query::QueryError;
use iobeam_query::render::Rendered;

use crate::problem::Problem;
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

/// What of a stream fitted into memory, and the stream if that was not all.
async fn begin(rendered: &mut Rendered, memory: usize) -> Result<(BytesMut, bool), QueryError> {
    let mut held = BytesMut::new();
    while let Some(piece) = rendered.next().await {
        held.extend_from_slice(&piece?);
        if held.len() > memory {
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
) -> Result<Response, Problem> {
    let (held, complete) = begin(&mut rendered, bounds.memory).await?;
    if complete {
        return Ok(whole(media_type, held));
    }
    let mut spilled = Spilled::begin(folder, bounds.all, held.freeze()).await?;
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
) -> Result<Response, Problem> {
    let (held, complete) = begin(&mut rendered, memory).await?;
    if complete {
        return Ok(whole(media_type, held));
    }
    let first = stream::once(std::future::ready(Ok(held.freeze())));
    let rest = first.chain(rendered.leave()).inspect_err(|error| {
        // The status has left long ago: all that can be done is to end the connection before the reply does.
        tracing::warn!(%error, "a reply was cut off");
    });
    Ok(with_type(media_type, Body::from_stream(rest)))
}
