//! What a request carries, read with limits: its body, its query string, its path.
//!
//! ```text
//! frames ─ limit, deadline ─▶ compressed bytes ─ limit again ─▶ bytes ─▶ Json<T>
//! ?a=1&b=True ─▶ Query<T>           /v1/things/{id} ─▶ Path<T>
//! ```
//!
//! Invariants: no more than the limit is ever held of a body, before and after decompression; a refusal says which
//! member, parameter or part of the path is wrong.

mod decompress;

mod query;

mod room;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;

use crate::core::api_error::{ApiError, Category};
use crate::core::app::App;
use crate::endpoints::http::error_response::protocol_error;

pub(crate) use query::pairs;
pub(crate) use room::room_for;

use room::MemoryPermit;

/// A JSON body of the shape of `T`.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

/// The query string as `T`. Booleans may be written `true`, `True`, `1`, ...; unknown parameters are ignored.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

/// The variable parts of the path as `T`.
#[derive(Debug)]
pub(crate) struct Path<T>(pub(crate) T);

/// The whole body, decompressed.
#[derive(Debug)]
pub(crate) struct Whole(pub(crate) Bytes);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let body = read(request, app).await?;
        parse_json(&body).map(Self)
    }
}

impl FromRequest<App> for Whole {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        read(request, app).await.map(Self)
    }
}

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, ApiError> {
        query::parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        match axum::extract::Path::from_request_parts(parts, app).await {
            Ok(axum::extract::Path(path)) => Ok(Self(path)),
            // An id that cannot be one names nothing, which is what 404 says.
            Err(_) => Err(ApiError::not_found(
                "Not found",
                format!(
                    "{}: a part of the path is not of the form that is needed there",
                    parts.uri.path()
                ),
            )),
        }
    }
}

/// Parses a JSON body; the refusal tells the place.
pub(crate) fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let body = iobeam_wire::import::without_byte_order_mark(body);
    serde_json::from_slice(body).map_err(|error| {
        if body.iter().all(u8::is_ascii_whitespace) {
            return ApiError::bad_request(
                "The body is empty",
                "Send a JSON object as the body of the request",
            );
        }
        let message = if error.is_data() {
            "The JSON body has not the members expected"
        } else {
            "The body is not valid JSON"
        };
        ApiError::bad_request(message, format!("{error}; correct the body and send it again"))
    })
}

/// Reads a body within the limit of size, before and after decompression, and within the deadline.
pub(crate) async fn read(request: Request, app: &App) -> Result<Bytes, ApiError> {
    let limit = app.config.http.max_request_size;
    let (parts, body) = request.into_parts();
    let coding = decompress::Coding::of(parts.headers.get(CONTENT_ENCODING))?;
    let deadline = app.config.http.body_timeout;
    let mut room = MemoryPermit::new(&app.body_permits);
    let packed = tokio::time::timeout(deadline, gather(&parts.headers, body, limit, &mut room))
        .await
        .map_err(|_elapsed| {
            protocol_error(
                StatusCode::REQUEST_TIMEOUT,
                "The body did not arrive in time",
                format!("The whole body must arrive within {} s", deadline.as_secs()),
            )
        })??;
    if coding == decompress::Coding::Identity {
        return Ok(room.attach(packed));
    }
    // The packed bytes keep their room while they are unpacked into a room of its own.
    let unpacked = MemoryPermit::new(&app.body_permits);
    decompress::unpack(room.attach(packed), coding, limit, unpacked).await
}

/// Puts the frames of a body together, up to the limit.
async fn gather(
    headers: &HeaderMap,
    mut body: Body,
    limit: usize,
    room: &mut MemoryPermit,
) -> Result<Bytes, ApiError> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok())
        .and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| cut_off(&error))?.into_data() else { continue };
        let length = first.len() + whole.len() + data.len();
        if length > limit {
            return Err(too_large(limit));
        }
        room.hold(length)?;
        // Most bodies come in one frame, which then is not copied.
        if first.is_empty() && whole.is_empty() {
            first = data;
            continue;
        }
        if whole.capacity() < length {
            // Rarely, so that little is copied twice, but never much for what may not come.
            let rest =
                announced.map_or(0, |announced| announced as usize).saturating_sub(whole.len());
            whole.reserve(rest.min(length * 4).max(length - whole.len()));
        }
        if whole.is_empty() {
            whole.extend_from_slice(&std::mem::take(&mut first));
        }
        whole.extend_from_slice(&data);
    }
    Ok(if whole.is_empty() { first } else { whole.freeze() })
}

fn cut_off(error: &axum::Error) -> ApiError {
    ApiError::bad_request(
        "The body could not be read to its end",
        format!("{error}; send as many bytes as Content-Length says, or well-formed chunks"),
    )
}

/// 413 with the limit.
pub(crate) fn too_large(limit: usize) -> ApiError {
    ApiError::new(
        Category::TooLarge,
        "The body is too large",
        format!(
            "At most {limit} bytes, before and after decompression (setting max-request-size); split it into several requests"
        ),
    )
}

#[cfg(test)]
mod tests;
