//! The session of a browser: signing in, asking who one is, signing out.
//!
//! ```text
//! POST   /v1/session {"name","password"} ─▶ 200 {"user","csrf",..} + Set-Cookie        an earlier session of it ends
//! GET    /v1/session                     ─▶ 200 the same, or {"user":null,..}: never 401
//! DELETE /v1/session                     ─▶ 204, the session ends, the cookie goes
//! ```
//!
//! - Signing in takes JSON from a page of our own: another site cannot sign a browser in as somebody else.
//! - A session is a user token: it is listed, revoked and counted as one.

use std::net::IpAddr;

use axum::Json as Reply;
use axum::response::{AppendHeaders, IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, SET_COOKIE};
use http::{HeaderMap, StatusCode};
use iobeam_model::{Timestamp, UserId};
use iobeam_wire::v1::{UserObject, date};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::tokens::user_token;
use super::{schema, users};
use crate::config::SignUp;
use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::core::auth::UserCaller;
use crate::core::auth::refusal::Refusal;
use crate::endpoints::http::basic::Credentials;
use crate::endpoints::http::body::Json;
use crate::endpoints::http::caller::{Acting, OverTls, Peer};
use crate::endpoints::http::cookie::Way;
use crate::endpoints::http::credentials::session_request;
use crate::endpoints::http::error_response::protocol_error;

/// What sessions are called in the list of tokens.
const LABEL: &str = "web browser";

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(sign_in, show, sign_out))
}

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SessionRequest {
    /// A username or an e-mail address.
    name: String,
    /// The password.
    #[schema(format = Password)]
    password: String,
}

/// The signed-in user.
#[derive(Serialize)]
struct SessionUser {
    #[serde(flatten)]
    user: UserObject,
    email_verified: bool,
    operator: bool,
}

/// What there is of a session, and what a page must know before there is one.
#[derive(Serialize)]
struct SessionReply {
    user: Option<SessionUser>,
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    signup: &'static str,
    mail: bool,
    version: &'static str,
}

/// Headers of a reply that nothing on the way may keep, with the cookie if there is one to set.
type Private = ([(HeaderName, &'static str); 1], AppendHeaders<Vec<(HeaderName, HeaderValue)>>);

/// Sign in a browser.
///
/// The reply brings the cookie of the session, and the value of the header `X-CSRF-Token` that every call needs which
/// comes with the cookie and changes something.
#[utoipa::path(
    post, operation_id = "sign_in", path = "/v1/session", tag = "session", request_body = SessionRequest,
    responses((status = 200, description = "The session, and its cookie", body = schema::Session)),
)]
async fn sign_in(
    Acting(app): Acting,
    Peer(peer): Peer,
    over_tls: Option<OverTls>,
    headers: HeaderMap,
    Json(request): Json<SessionRequest>,
) -> Result<Response, ApiError> {
    let way = Way::new(&headers, app.config.http.public_url.as_deref(), over_tls.is_some());
    if !way.is_from_own_page() {
        return Err(Refusal::OtherSite.into());
    }
    // A form of another site can send a text that looks like JSON, but cannot say that it is.
    let kind = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    if !kind.to_ascii_lowercase().starts_with(b"application/json") {
        let details = "Send the body as 'Content-Type: application/json'";
        return Err(protocol_error(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Request body is not valid JSON",
            details,
        ));
    }
    let earlier = app.auth.visitor(session_request(way), false).ok();
    let known = way.known().and_then(|text| app.auth.read_known_browser(text));
    let session = begin(&app, (peer, known), request).await?;
    if let Some(earlier) = earlier {
        app.catalog(move |catalog| catalog.revoke_token(earlier.token)).await?;
    }
    // Who signed in before is known, and goes on when others guess.
    let browser = match known {
        Some((user, _)) if user == session.user => None,
        _ => way.set_known(&app.auth.known_browser(session.user).map_err(ApiError::internal)?),
    };
    let cookies = [way.set(&session.text, app.config.auth.user_token_life), browser];
    let reply = of_session(&app, session.user, &session.text, session.expires).await?;
    Ok((kept_private(cookies), Reply(reply)).into_response())
}

/// Show the browser's session, or that there is none.
#[utoipa::path(
    get, operation_id = "show_session", path = "/v1/session", tag = "session",
    responses((status = 200, description = "The session; without a good cookie `user` is null", body = schema::Session)),
)]
async fn show(
    Acting(app): Acting,
    over_tls: Option<OverTls>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let way = Way::new(&headers, app.config.http.public_url.as_deref(), over_tls.is_some());
    let reply = match (app.auth.visitor(session_request(way), false), way.cookie()) {
        (Ok(caller), Some(text)) => {
            let expires = app.catalog.token(caller.token).map(|token| token.expires);
            of_session(&app, caller.user, text, expires.unwrap_or(app.clock.now())).await?
        }
        _ => of_nobody(&app),
    };
    Ok((kept_private([None, None]), Reply(reply)).into_response())
}

/// Sign out: the session ends, here and in the list of tokens.
#[utoipa::path(
    delete, operation_id = "sign_out", path = "/v1/session", tag = "session",
    responses((status = 204, description = "There is no session any more")),
)]
async fn sign_out(
    Acting(app): Acting,
    over_tls: Option<OverTls>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let way = Way::new(&headers, app.config.http.public_url.as_deref(), over_tls.is_some());
    match app.auth.visitor(session_request(way), true) {
        Ok(UserCaller { token, .. }) => {
            app.catalog(move |catalog| catalog.revoke_token(token)).await?;
        }
        Err(refusal @ (Refusal::NoCsrf | Refusal::OtherSite)) => return Err(refusal.into()),
        // There was no session, or it had ended: all that is left to do is to say so to the browser.
        Err(_) => {}
    }
    Ok((StatusCode::NO_CONTENT, kept_private([way.clear(), None])).into_response())
}

/// A session that just began.
struct Begun {
    user: UserId,
    text: String,
    expires: Timestamp,
}

async fn begin(
    app: &App,
    client: (IpAddr, Option<(UserId, &str)>),
    request: SessionRequest,
) -> Result<Begun, ApiError> {
    let SessionRequest { name, password } = request;
    let token = user_token(app, client, Credentials { name, password }, Some(LABEL)).await?;
    Ok(Begun { user: token.user, text: app.auth.text_of(&token), expires: token.expires })
}

async fn of_session(
    app: &App,
    id: UserId,
    token: &str,
    expires: Timestamp,
) -> Result<SessionReply, ApiError> {
    let user = app.catalog(move |catalog| catalog.user(id)).await?;
    let (email_verified, operator) = (user.email_verified, user.operator);
    Ok(SessionReply {
        user: Some(SessionUser { user: users::shown(user), email_verified, operator }),
        csrf: Some(app.auth.csrf_of(token)),
        expires: Some(date::format_created(expires)),
        ..of_nobody(app)
    })
}

/// What a page may know before anybody signed in.
fn of_nobody(app: &App) -> SessionReply {
    SessionReply {
        user: None,
        csrf: None,
        expires: None,
        signup: match app.config.auth.signup {
            SignUp::Open => "open",
            SignUp::Invite => "invite",
            SignUp::Closed => "closed",
        },
        mail: app.config.mail.smtp_url.is_some(),
        version: env!("CARGO_PKG_VERSION"),
    }
}

fn kept_private(cookies: [Option<HeaderValue>; 2]) -> Private {
    let cookies = cookies.into_iter().flatten().map(|cookie| (SET_COOKIE, cookie));
    ([(CACHE_CONTROL, "no-store")], AppendHeaders(cookies.collect()))
}
