//! Credentials of a request: one Authorization header, or the cookie of a session.
//!
//! ```text
//! Authorization: Bearer <token>      a user's or a project's
//! Authorization: Share <key>         of a shared dashboard: addresses end up in logs and histories
//! ```

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::cookie::Way;
use crate::core::auth::Credentials;
use crate::core::auth::session::SessionRequest;

/// Those of these headers. Two of them are none: one would be somebody else's.
pub(crate) fn credentials(headers: &HeaderMap) -> Credentials<'_> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Credentials::None };
    let parts = value.to_str().ok().and_then(|value| value.split_once(' '));
    let Some((scheme, text)) = parts.map(|(scheme, text)| (scheme, text.trim())) else {
        return Credentials::None;
    };
    if scheme.eq_ignore_ascii_case("share") {
        Credentials::Share(text)
    } else if scheme.eq_ignore_ascii_case("bearer") && !text.is_empty() {
        Credentials::Token(text)
    } else {
        Credentials::None
    }
}

/// What a browser's request says of the session that it belongs to.
pub(crate) fn session_request(way: Way<'_>) -> SessionRequest<'_> {
    SessionRequest {
        cookie: way.cookie(),
        is_from_own_page: way.is_from_own_page(),
        csrf: way.csrf(),
    }
}
