//! Why a caller is turned away: 401 when it is not known who asks, 403 when it is, and may not.
//!
//! Some clients answer each 401 with a new token and the same request, so only that which a new token would
//! mend is a 401.

use std::time::Duration;

use super::rights::Access;
use crate::core::api_error::{ApiError, Category};

/// Why a caller is turned away.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// There is no token, or the header is not made of `Bearer` and a token.
    #[error("No token")]
    NoToken,
    /// It was not signed here, or says something else than the list of issued tokens.
    #[error("The token is not valid")]
    NotOurs,
    /// It ended.
    #[error("The token has expired")]
    Expired,
    /// It was revoked.
    #[error("The token was revoked")]
    Revoked,
    /// Its user's account was disabled or deleted.
    #[error("The account of the token's user is disabled")]
    AccountEnded,
    /// The caller was a member of the project when the request came, and is none any more.
    #[error("The user is no member of the project any more")]
    NoMember,
    /// The key of a shared dashboard is none, was revoked, or ran out.
    #[error("The link shows nothing any more")]
    NoShare,
    /// It is good, and not of the kind that this call takes.
    #[error("The token is of the wrong kind")]
    WrongKind {
        /// Who may make the call.
        takes: Access,
    },
    /// It is good, and lacks a right.
    #[error("The token lacks the permission to {right}")]
    Lacks {
        /// The right, as a verb.
        right: &'static str,
    },
    /// The call changes something, came with a session's cookie, and without the header that goes with it.
    #[error("The CSRF token is missing or wrong")]
    NoCsrf,
    /// The call came with a session's cookie, from another site's page.
    #[error("The request was made by a page of another site")]
    OtherSite,
    /// It is good, and of another project.
    #[error("The token belongs to another project")]
    OtherProject,
    /// It is good, and bound to another device.
    #[error("The token is bound to another device")]
    OtherDevice,
    /// It is good, and bound to a device, and the call is about more than that.
    #[error("The token is bound to a device")]
    NotADevices,
    /// The caller does not operate this server.
    #[error("Only the operator of this server may do this")]
    NotOperator,
    /// The caller may do something in the project, but not administer it.
    #[error("Only an administrator of the project may do this")]
    NotAdmin,
    /// The caller asks for a token that may do more than they may.
    #[error("The user does not hold the permissions asked for")]
    MoreThanHeld,
    /// The old token may not be exchanged for a new one.
    #[error("The token cannot be refreshed")]
    NotRefreshable {
        /// Why not.
        reason: &'static str,
    },
    /// Too many wrong passwords.
    #[error("Too many attempts")]
    TooMany {
        /// How long to wait.
        wait: Duration,
    },
    /// The table has no row for this call.
    #[error("The route has no access rule")]
    Nobody,
}

impl Refusal {
    fn category(&self) -> Category {
        match self {
            Self::NoToken
            | Self::NotOurs
            | Self::Expired
            | Self::Revoked
            | Self::AccountEnded
            | Self::NoShare => Category::NotAuthenticated,
            Self::WrongKind { .. }
            | Self::Lacks { .. }
            | Self::NoCsrf
            | Self::OtherSite
            | Self::OtherProject
            | Self::OtherDevice
            | Self::NotADevices
            | Self::NoMember
            | Self::NotOperator
            | Self::NotAdmin
            | Self::MoreThanHeld
            | Self::NotRefreshable { .. }
            | Self::Nobody => Category::NotPermitted,
            Self::TooMany { .. } => Category::TooManyRequests,
        }
    }

    fn advice(&self) -> &'static str {
        match self {
            Self::NoToken => "Send the header 'Authorization: Bearer <token>', or sign in",
            Self::NotOurs => "This server did not issue it; log in, or ask for a new project token",
            Self::Expired => {
                "Refresh a project token with POST /v1/tokens/project; log in again for a user token"
            }
            Self::Revoked => "Ask an administrator of the project for a new one",
            Self::NoShare => {
                "It was revoked, ran out, or is not whole; ask whoever sent it for a new one"
            }
            Self::WrongKind { takes: Access::Share } => {
                "This call takes the key of a shared dashboard: 'Authorization: Share <key>'"
            }
            Self::WrongKind { takes: Access::Project(_) } => {
                "This call takes a project token; get one with GET /v1/tokens/project"
            }
            Self::WrongKind { .. } => {
                "This call takes a user token; log in with GET /v1/tokens/user"
            }
            Self::Lacks { .. } => {
                "Use a project token that holds it, or ask an administrator of the project for the right"
            }
            Self::NoCsrf => {
                "With the cookie of a session send the header X-CSRF-Token; GET /v1/session tells its value"
            }
            Self::OtherSite => {
                "The cookie of a session is good for the platform's own pages; other programs use a token"
            }
            Self::OtherProject => "Use a token of the project that the request names",
            Self::OtherDevice => {
                "A token that is bound to a device reads and writes as that device only; use its own token"
            }
            Self::NotADevices => {
                "It reads and writes what is that device's own; use a project token that is bound to no device"
            }
            Self::AccountEnded => "Ask the operator of this server to enable it",
            Self::NoMember => "Ask an administrator of the project to be let in again",
            Self::NotOperator => "The first user of a server is its operator",
            Self::NotAdmin => {
                "Ask one of those whom GET /v1/projects/{id}/permissions lists as admin"
            }
            Self::MoreThanHeld => {
                "A token grants at most what its user holds in the project; ask for less, or without flags"
            }
            Self::NotRefreshable { reason } => reason,
            Self::TooMany { .. } => "Wait as long as the header Retry-After says, then try again",
            Self::Nobody => "The server has no rule for this call; please report this as a bug",
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let problem = Self::new(refusal.category(), refusal.to_string(), refusal.advice());
        match refusal {
            Refusal::TooMany { wait } => {
                // Rounded up: who comes back then is let in.
                let seconds = wait.as_millis().div_ceil(1000);
                problem.with_retry_after(u32::try_from(seconds).unwrap_or(u32::MAX).max(1))
            }
            _ => problem,
        }
    }
}
