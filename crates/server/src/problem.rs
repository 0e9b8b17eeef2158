//! What a refused request hears: one JSON shape for every error, whatever part of the platform it comes from.
//!
//! ```text
//! CatalogError ─┐
//! StoreError   ─┼─▶ Problem { status, code, message, details } ─▶ {"errors":[{"code","message","details",..}]}
//! QueryError   ─┤
//! ImportError  ─┘
//! ```
//!
//! Invariant: each reply of status 400 and above has such a body with at least one error; some clients take anything
//! else for success.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::StatusCode;

/// The error codes of the API.
pub(crate) mod code {
    /// Nothing was created.
    pub(crate) const NOT_CREATED: u32 = 31;
    /// There is no such thing, or the caller may not know of it.
    pub(crate) const NOT_FOUND: u32 = 32;
    /// The name is taken.
    pub(crate) const ALREADY_EXISTS: u32 = 33;
    /// The device id is registered already.
    pub(crate) const DEVICE_ID_TAKEN: u32 = 150;
    /// The device name is used already.
    pub(crate) const DEVICE_NAME_TAKEN: u32 = 151;
}

/// A refusal, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The status of the reply.
    pub(crate) status: StatusCode,
    /// The number that clients look at.
    pub(crate) code: u32,
    /// What happened, in one sentence.
    pub(crate) message: String,
    /// Where it happened and what to do about it.
    pub(crate) details: String,
    /// After how many seconds the same request may work.
    pub(crate) retry_after: Option<u32>,
}

impl Problem {
    /// Any status; the code is the one usual for it.
    pub(crate) fn new(
        status: StatusCode,
        message: impl Into<String>,
        details: impl Into<String>,
    ) -> Self {
        let code = match status {
            StatusCode::NOT_FOUND => code::NOT_FOUND,
            status => u32::from(status.as_u16()),
        };
        let (message, details) = (message.into(), details.into());
        Self { status, code, message, details, retry_after: None }
    }

    /// The same with another code.
    pub(crate) fn with_code(mut self, code: u32) -> Self {
        self.code = code;
        self
    }

    /// The same with the advice to come back.
    pub(crate) fn with_retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// 400: the request makes no sense as it is.
    pub(crate) fn bad_request(message: impl Into<String>, details: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message, details)
    }

    /// 401: who is asking is not known.
    pub(crate) fn unauthorized(message: impl Into<String>, details: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message, details)
    }

    /// 403: known, but not allowed.
    pub(crate) fn forbidden(message: impl Into<String>, details: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message, details)
    }

    /// 404 with code 32.
    pub(crate) fn not_found(message: impl Into<String>, details: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message, details)
    }

    /// 422 with code 33.
    pub(crate) fn already_exists(message: impl Into<String>, details: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message, details)
            .with_code(code::ALREADY_EXISTS)
    }

    /// 500: not the sender's fault. The cause goes to the log, not to the sender.
    pub(crate) fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed inside");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The server failed",
            "The request was sound; the operator finds the cause in the server's log",
        )
    }

    /// The body of the reply.
    pub(crate) fn body(&self) -> Vec<u8> {
        serde_json::to_vec(&serde_json::json!({"errors": [{
            "code": self.code,
            "message": self.message,
            "details": self.details,
            "detailed_message": self.details,
        }]}))
        .unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut reply = Response::new(self.body().into());
        *reply.status_mut() = self.status;
        let headers = reply.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        reply.extensions_mut().insert(self);
        reply
    }
}
