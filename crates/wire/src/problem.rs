//! What is said when a request is refused: the codes, and the body that every error reply has.
//!
//! ```text
//! {"errors":[{"code":150,"message":"Device ID already in use","details":"…","detailed_message":"…"}]}
//!              └ whom programs ask    └ for people, short        └ place and remedy, twice: clients read one or the other
//! ```
//!
//! There is always at least one element, and no member is ever left out: a client that finds none calls it a success.

use serde::{Deserialize, Serialize};

/// What went wrong, as a number that programs compare. Numbers that are not known here are kept as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Code(pub u32);

impl Code {
    /// Something broke inside the server.
    pub const INTERNAL: Self = Self(1);
    /// Who asks is not known: no token, a forged or an expired one, a wrong password.
    pub const NOT_AUTHENTICATED: Self = Self(10);
    /// Who asks is known, and may not.
    pub const NOT_PERMITTED: Self = Self(11);
    /// Too many requests in too short a time.
    pub const TOO_MANY_REQUESTS: Self = Self(12);
    /// The request cannot be understood.
    pub const MALFORMED: Self = Self(20);
    /// A value has not the type of its field.
    pub const TYPE_CONFLICT: Self = Self(21);
    /// The request is larger than the server takes.
    pub const TOO_LARGE: Self = Self(22);
    /// The path exists, but not for this method.
    pub const METHOD_NOT_ALLOWED: Self = Self(23);
    /// The body is of a kind that is not read here.
    pub const UNSUPPORTED_MEDIA_TYPE: Self = Self(24);
    /// The resource was not created.
    pub const NOT_CREATED: Self = Self(31);
    /// The resource was not found.
    pub const NOT_FOUND: Self = Self(32);
    /// A resource of that name exists already.
    pub const ALREADY_EXISTS: Self = Self(33);
    /// The server cannot do it now; the same request may work later.
    pub const UNAVAILABLE: Self = Self(40);
    /// The server's disk is full.
    pub const DISK_FULL: Self = Self(41);
    /// A query reached its limit of time or memory.
    pub const QUERY_LIMIT: Self = Self(42);
    /// The device id is registered already in this project.
    pub const DEVICE_ID_TAKEN: Self = Self(150);
    /// The device name is used already in this project.
    pub const DEVICE_NAME_TAKEN: Self = Self(151);
}

/// The body of an error reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What went wrong; at least one element in what the platform sends.
    pub errors: Vec<ErrorItem>,
}

/// One thing that went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorItem {
    /// What, for programs.
    pub code: Code,
    /// What, for people.
    #[serde(default)]
    pub message: String,
    /// Where, and what would be right.
    #[serde(default)]
    pub details: String,
    /// The same text as `details`, under the name by which other clients look for it.
    #[serde(default)]
    pub detailed_message: String,
}

impl ErrorBody {
    /// The body that says one thing.
    pub fn new(code: Code, message: impl Into<String>, details: impl Into<String>) -> Self {
        let details = details.into();
        let detailed_message = details.clone();
        Self {
            errors: vec![ErrorItem { code, message: message.into(), details, detailed_message }],
        }
    }

    /// The first error, which is the one that clients act on.
    pub fn first(&self) -> Option<&ErrorItem> {
        self.errors.first()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_says_its_details_under_both_names_and_omits_nothing() {
        let body =
            ErrorBody::new(Code::DEVICE_ID_TAKEN, "Device ID already in use", "choose another");
        insta::assert_snapshot!(serde_json::to_string(&body).expect("plain data"), @r#"{"errors":[{"code":150,"message":"Device ID already in use","details":"choose another","detailed_message":"choose another"}]}"#);
        let empty = ErrorBody::new(Code::NOT_FOUND, "Not found", "");
        assert!(serde_json::to_string(&empty).expect("plain data").contains(r#""details":"""#));
    }

    #[test]
    fn a_code_of_a_later_version_is_kept() {
        let body: ErrorBody = serde_json::from_str(r#"{"errors":[{"code":4711,"message":"new"}]}"#)
            .expect("unknown codes and missing details are fine");
        assert_eq!(body.first().map(|error| error.code), Some(Code(4711)));
    }
}
