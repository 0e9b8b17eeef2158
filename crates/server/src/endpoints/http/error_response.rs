//! A refusal as a reply of HTTP.
//!
//! ```text
//! Problem { category, code, message, details } ─▶ status, headers, {"errors":[{"code","message","details",..}]}
//! ```
//!
//! Invariant: each reply of status 400 and above has such a body with at least one error; some clients take anything
//! else for success.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

use crate::core::api_error::{ApiError, Category, Code};

/// The categories that have a status of their own.
const CATEGORIES: [Category; 11] = [
    Category::Invalid,
    Category::NotAuthenticated,
    Category::NotPermitted,
    Category::NotFound,
    Category::Conflict,
    Category::Unprocessable,
    Category::TooLarge,
    Category::TooManyRequests,
    Category::Internal,
    Category::Unavailable,
    Category::DiskFull,
];

/// A refusal with this status: of the category that it stands for, or of the protocol alone.
pub(crate) fn protocol_error(
    status: StatusCode,
    message: impl Into<String>,
    details: impl Into<String>,
) -> ApiError {
    let number = status.as_u16();
    let known = CATEGORIES.into_iter().find(|category| category.number() == number);
    let category = known.unwrap_or(Category::Protocol(number));
    let problem = ApiError::new(category, message, details);
    match status {
        StatusCode::METHOD_NOT_ALLOWED => problem.with_code(Code::METHOD_NOT_ALLOWED),
        StatusCode::URI_TOO_LONG | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            problem.with_code(Code::TOO_LARGE)
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => problem.with_code(Code::UNSUPPORTED_MEDIA_TYPE),
        _ => problem,
    }
}

/// The status of a reply that refuses.
pub(crate) fn status(problem: &ApiError) -> StatusCode {
    StatusCode::from_u16(problem.category.number()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = status(&self);
        let mut reply = Response::new(self.body().into());
        *reply.status_mut() = status;
        let headers = reply.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if matches!(status, StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT) {
            // The rest of the body is not waited for, so the connection cannot be used again.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        reply.extensions_mut().insert(self);
        reply
    }
}
