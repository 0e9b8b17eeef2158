//! How a command fails: what happened, what to do about it, and the exit status.
//!
//! ```text
//! error: cannot reach http://127.0.0.1:8420: connection refused
//!   try: start a server with `iobeam serve`, or name another one with --server
//! ```
//!
//! Exit status 1 is a command that did not work, 2 a command that was not understood.

use std::fmt;

/// A failure with its remedy. Anything else that goes wrong has status 1 and no remedy.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    details: String,
    remedy: Option<String>,
    /// The error code of the server's reply, or 0.
    code: i64,
    /// The HTTP status of the server's reply, or 0 when the failure is not the server's word.
    pub(crate) http: u16,
    exit: u8,
    is_told: bool,
    is_unreachable: bool,
}

impl Failure {
    /// The command did not work.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            message,
            details: String::new(),
            remedy: None,
            code: 0,
            http: 0,
            exit: 1,
            is_told: false,
            is_unreachable: false,
        }
    }

    /// The server did not answer.
    pub(crate) fn unreachable(message: impl Into<String>) -> Self {
        Self { is_unreachable: true, ..Self::new(message) }
    }

    /// Whether the server did not answer: it may later on.
    pub(crate) const fn is_unreachable(&self) -> bool {
        self.is_unreachable
    }

    /// The command was not understood.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { exit: 2, ..Self::new(message) }
    }

    /// Something was found, and has been told already.
    pub(crate) fn found() -> Self {
        Self { is_told: true, ..Self::new("not all is sound") }
    }

    /// Whether nothing more needs to be said.
    pub(crate) fn is_told(&self) -> bool {
        self.is_told
    }

    /// The server said no.
    pub(crate) fn refused(http: u16, code: i64, message: &str, details: &str) -> Self {
        Self { details: details.to_owned(), code, http, ..Self::new(message) }
    }

    /// What to do about it.
    #[must_use]
    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// A remedy for when there is none yet.
    #[must_use]
    pub(crate) fn or_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy.get_or_insert_with(|| remedy.into());
        self
    }

    /// More about what happened, after the server's own details.
    #[must_use]
    pub(crate) fn detail(mut self, more: &str) -> Self {
        if !self.details.is_empty() {
            self.details.push_str("; ");
        }
        self.details.push_str(more);
        self
    }

    /// The same of a command that was not understood.
    #[must_use]
    pub(crate) fn not_understood(mut self) -> Self {
        self.exit = 2;
        self
    }

    /// Where it happened, before what happened.
    #[must_use]
    pub(crate) fn before(mut self, place: &str) -> Self {
        self.message.insert_str(0, place);
        self
    }

    /// What to do about it, where that is known.
    pub(crate) fn known_remedy(&self) -> Option<&str> {
        self.remedy.as_deref()
    }

    /// The exit status of the process.
    pub(crate) fn exit(&self) -> u8 {
        self.exit
    }

    /// The failure in the shape of the server's error bodies, for `--json`.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        serde_json::json!({"errors": [{
            "code": self.code,
            "message": self.message,
            "details": self.details,
            "status": self.http,
            "remedy": self.remedy,
        }]})
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if !self.details.is_empty() && self.details != self.message {
            write!(f, " ({})", self.details)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_details_stand_in_parentheses() {
        let failure = Failure::refused(422, 150, "Device ID already in use", "d1");
        assert_eq!(failure.to_string(), "Device ID already in use (d1)");
        assert_eq!(failure.exit(), 1);
        let failure = Failure::refused(404, 32, "no such project", "");
        assert_eq!(failure.to_string(), "no such project");
    }
}
