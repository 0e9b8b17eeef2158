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

mod sources;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
pub(crate) use iobeam_wire::problem::Code;
use iobeam_wire::problem::ErrorBody;

/// A refusal, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The status of the reply.
    pub(crate) status: StatusCode,
    /// The number that clients look at.
    pub(crate) code: Code,
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
        let code = usual_code(status);
        let (message, details) = (message.into(), details.into());
        Self { status, code, message, details, retry_after: None }
    }

    /// The same with another code.
    pub(crate) fn with_code(mut self, code: Code) -> Self {
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

    /// 400: the parameters of the request do not fit.
    pub(crate) fn parameters(details: impl Into<String>) -> Self {
        Self::bad_request("A parameter of the request is wrong", details)
    }

    /// 400: a parameter of the request has a value that it cannot have.
    pub(crate) fn parameter(name: &str, reason: impl std::fmt::Display) -> Self {
        Self::parameters(format!("the parameter '{name}': {reason}"))
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
            .with_code(Code::ALREADY_EXISTS)
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
        let body = ErrorBody::new(self.code, self.message.as_str(), self.details.as_str());
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

/// The code that goes with a status unless there is a better one.
fn usual_code(status: StatusCode) -> Code {
    match status {
        StatusCode::UNAUTHORIZED => Code::NOT_AUTHENTICATED,
        StatusCode::FORBIDDEN => Code::NOT_PERMITTED,
        StatusCode::NOT_FOUND => Code::NOT_FOUND,
        StatusCode::METHOD_NOT_ALLOWED => Code::METHOD_NOT_ALLOWED,
        StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::URI_TOO_LONG
        | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Code::TOO_LARGE,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UNSUPPORTED_MEDIA_TYPE,
        StatusCode::TOO_MANY_REQUESTS => Code::TOO_MANY_REQUESTS,
        StatusCode::SERVICE_UNAVAILABLE => Code::UNAVAILABLE,
        StatusCode::INSUFFICIENT_STORAGE => Code::DISK_FULL,
        status if status.is_client_error() => Code::MALFORMED,
        _ => Code::INTERNAL,
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
        if matches!(self.status, StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT) {
            // The rest of the body is not waited for, so the connection cannot be used again.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        reply.extensions_mut().insert(self);
        reply
    }
}
