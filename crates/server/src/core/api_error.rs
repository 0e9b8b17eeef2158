//! What a refused request hears: one shape for every error, whatever part of the platform it comes from.
//!
//! ```text
//! CatalogError ─┐
//! StoreError   ─┼─▶ Problem { category, code, message, details } ─▶ {"errors":[{"code","message","details",..}]}
//! QueryError   ─┤
//! ImportError  ─┘
//! ```
//!
//! It knows no protocol: an endpoint turns the category into a status, a reason code or an error frame of its own.

mod sources;

use std::borrow::Cow;

pub(crate) use iobeam_wire::problem::Code;
use iobeam_wire::problem::ErrorBody;

/// Characters of a sentence of a refusal. It may repeat a part of the request, and of that the ends tell enough.
const MAX_CHARS: usize = 1_000;
/// Characters of its end that are shown when it is longer: the place in the request and what to do stand there.
const END_CHARS: usize = 300;

/// Kinds of refusals. Each endpoint says them in its protocol's own terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Category {
    /// The request makes no sense as it is.
    Invalid,
    /// Who asks is not known.
    NotAuthenticated,
    /// Known, but not allowed.
    NotPermitted,
    /// Not found, or not visible to the caller.
    NotFound,
    /// It does not go together with what is there now.
    Conflict,
    /// Well-formed, but a rule of what is there already forbids it.
    Unprocessable,
    /// More than is taken at once.
    TooLarge,
    /// Too often in a short time.
    TooManyRequests,
    /// Not the sender's fault, and no waiting helps.
    Internal,
    /// Not the sender's fault; the same request works later.
    Unavailable,
    /// There is no room on the disk; the same request works once there is.
    DiskFull,
    /// The request breaks a rule of its protocol alone, which has this number for it.
    Protocol(u16),
}

impl Category {
    /// The number by which the REST API and the list of refused imports tell it.
    pub(crate) const fn number(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::NotAuthenticated => 401,
            Self::NotPermitted => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::Unprocessable => 422,
            Self::TooManyRequests => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
            Self::DiskFull => 507,
            Self::Protocol(number) => number,
        }
    }

    /// Whether the sender has to change something: nothing of it works later as it is.
    pub(crate) const fn is_senders(self) -> bool {
        self.number() < 500
    }

    /// The code that goes with it unless there is a better one.
    const fn usual_code(self) -> Code {
        match self {
            Self::NotAuthenticated => Code::NOT_AUTHENTICATED,
            Self::NotPermitted => Code::NOT_PERMITTED,
            Self::NotFound => Code::NOT_FOUND,
            Self::TooLarge => Code::TOO_LARGE,
            Self::TooManyRequests => Code::TOO_MANY_REQUESTS,
            Self::Unavailable => Code::UNAVAILABLE,
            Self::DiskFull => Code::DISK_FULL,
            Self::Invalid | Self::Conflict | Self::Unprocessable => Code::MALFORMED,
            Self::Protocol(_) if self.is_senders() => Code::MALFORMED,
            Self::Internal | Self::Protocol(_) => Code::INTERNAL,
        }
    }
}

/// A refusal, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    /// Of which kind it is.
    pub(crate) category: Category,
    /// The number that clients look at.
    pub(crate) code: Code,
    /// What happened, in one sentence.
    pub(crate) message: String,
    /// Where it happened and what to do about it.
    pub(crate) details: String,
    /// After how many seconds the same request may work.
    pub(crate) retry_after: Option<u32>,
}

impl ApiError {
    /// Any category; the code is the one usual for it.
    pub(crate) fn new(
        category: Category,
        message: impl Into<String>,
        details: impl Into<String>,
    ) -> Self {
        let code = category.usual_code();
        let (message, details) = (message.into(), details.into());
        Self { category, code, message, details, retry_after: None }
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

    /// The request makes no sense as it is.
    pub(crate) fn bad_request(message: impl Into<String>, details: impl Into<String>) -> Self {
        Self::new(Category::Invalid, message, details)
    }

    /// The parameters of the request do not fit.
    pub(crate) fn parameters(details: impl Into<String>) -> Self {
        Self::bad_request("A parameter of the request is wrong", details)
    }

    /// A parameter of the request has a value that it cannot have.
    pub(crate) fn parameter(name: &str, reason: impl std::fmt::Display) -> Self {
        Self::parameters(format!("the parameter '{name}': {reason}"))
    }

    /// Who is asking is not known.
    pub(crate) fn unauthorized(message: impl Into<String>, details: impl Into<String>) -> Self {
        Self::new(Category::NotAuthenticated, message, details)
    }

    /// Known, but not allowed.
    pub(crate) fn forbidden(message: impl Into<String>, details: impl Into<String>) -> Self {
        Self::new(Category::NotPermitted, message, details)
    }

    /// Not found, or not visible to the caller.
    pub(crate) fn not_found(message: impl Into<String>, details: impl Into<String>) -> Self {
        Self::new(Category::NotFound, message, details)
    }

    /// The name is taken.
    pub(crate) fn already_exists(message: impl Into<String>, details: impl Into<String>) -> Self {
        Self::new(Category::Unprocessable, message, details).with_code(Code::ALREADY_EXISTS)
    }

    /// Not the sender's fault. The cause goes to the log, not to the sender.
    pub(crate) fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed inside");
        Self::new(
            Category::Internal,
            "The server failed",
            "The request was sound; the operator finds the cause in the server's log",
        )
    }

    /// The body of the reply.
    pub(crate) fn body(&self) -> Vec<u8> {
        let (message, details) = (shortened(&self.message), shortened(&self.details));
        let body = ErrorBody::new(self.code, &*message, &*details);
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

/// A sentence without its middle, where it is too long.
fn shortened(sentence: &str) -> Cow<'_, str> {
    let place = |chars: usize| sentence.char_indices().nth(chars).map(|(place, _)| place);
    if place(MAX_CHARS).is_none() {
        return sentence.into();
    }
    let (begin, _) = sentence.split_at(place(MAX_CHARS - END_CHARS).unwrap_or_default());
    let end = sentence.char_indices().rev().nth(END_CHARS - 1).map_or(0, |(place, _)| place);
    format!("{begin} ... {}", &sentence[end..]).into()
}
