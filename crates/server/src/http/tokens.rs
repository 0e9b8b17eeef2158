//! Tokens: logging in, issuing, refreshing, listing, revoking.
//!
//! ```text
//! name + password ─▶ user token ─▶ project token ─▶ (its end is near) ─▶ another project token
//!                        └─▶ list, revoke               the old one stays good until its own end
//! ```
//!
//! - A token's text is shown once, when it is issued; a list shows everything but the text.
//! - A token never grants what its user does not hold, and nothing that was explicitly declined.
//! - A refresh needs no other token and can be repeated, as clients do.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json as Reply;
use http::header::{CACHE_CONTROL, HeaderName};
use http::{HeaderMap, StatusCode};
use iobeam_catalog::{CatalogError, NewToken, Token};
use iobeam_model::{DeviceId, Permissions, ProjectId, TokenId, UserId};
use iobeam_wire::v1::{RefreshRequest, TokenProject, TokenReply, date};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::projects::{administered, visible};
use super::schema;
use crate::app::App;
use crate::auth::UserCaller;
use crate::auth::basic::{self, Credentials};
use crate::auth::refusal::Refusal;
use crate::body::{Json, Path, Query};
use crate::caller::{Acting, Peer};
use crate::problem::Problem;

/// No token lives longer.
const LONGEST_LIFE: Duration = Duration::from_hours(3650 * 24);

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(log_in))
        .routes(routes!(issue, refresh))
        .routes(routes!(list))
        .routes(routes!(revoke))
}

/// Who logs in, as some clients say it. Prefer the Basic header: URLs end up in logs.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct LogInQuery {
    /// A username or an e-mail address.
    name: Option<String>,
    /// The password.
    password: Option<String>,
}

/// What token to issue.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct IssueQuery {
    /// The project.
    project_id: u32,
    /// Whether it may read. Without any of the three it may what the user may; a device's token may not administer
    /// then.
    read: Option<bool>,
    /// Whether it may write.
    write: Option<bool>,
    /// Whether it may administer.
    admin: Option<bool>,
    /// Whether it is tied to the user, and loses what the user loses; no, unless asked for.
    include_user: Option<bool>,
    /// How long it lives: a whole number and one of w, d, h, m, s, such as 5w.
    #[param(pattern = "^[0-9]+[wdhms]$")]
    duration: Option<String>,
    /// Whether it can be exchanged for a new one; yes, unless declined.
    refreshable: Option<bool>,
    /// The only device that it may write as.
    #[param(pattern = "^[A-Za-z0-9_:-]{1,255}$")]
    device_id: Option<String>,
    /// What to call it in lists: at most 100 characters.
    name: Option<String>,
}

/// A token to exchange.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is described, never made")]
struct Refresh {
    /// The old project token. It may have ended.
    refresh_token: String,
}

/// Which tokens.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// All tokens of this project, which the caller administers; otherwise the caller's own.
    project_id: Option<u32>,
}

/// An issued token, without its text.
#[expect(clippy::struct_excessive_bools, reason = "they are the members of a JSON object")]
#[derive(Serialize, ToSchema)]
struct ListedToken {
    /// By which it is revoked.
    #[schema(minimum = 1)]
    token_id: u32,
    /// `user`: for managing; `project`: for reading and writing.
    kind: &'static str,
    /// Who issued it.
    #[schema(minimum = 1)]
    user_id: u32,
    /// Whether it is tied to that user.
    include_user: bool,
    /// The project.
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<u32>,
    /// Whether it may read.
    read: bool,
    /// Whether it may write.
    write: bool,
    /// Whether it may administer.
    admin: bool,
    /// The only device that it may write as.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_id: Option<String>,
    /// Whether it can be exchanged for a new one.
    refreshable: bool,
    /// What its maker calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// When it was issued.
    created: String,
    /// When it ends.
    expires: String,
    /// When it was revoked, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<String>,
    /// When it was last shown, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used: Option<String>,
}

/// Issued tokens.
#[derive(Serialize, ToSchema)]
struct TokenList {
    /// The newest first.
    tokens: Vec<ListedToken>,
}

/// A reply with a token in it.
type Secret = ([(HeaderName, &'static str); 1], Reply<TokenReply>);

/// Log in.
///
/// With `Authorization: Basic`, or with `name` and `password` in the query.
#[utoipa::path(
    get, operation_id = "log_in", path = "/v1/tokens/user", tag = "tokens", params(LogInQuery),
    responses((status = 200, description = "A user token", body = schema::UserToken)),
)]
async fn log_in(
    Acting(app): Acting,
    Peer(peer): Peer,
    headers: HeaderMap,
    Query(query): Query<LogInQuery>,
) -> Result<Secret, Problem> {
    let token = user_token(&app, peer, credentials(&headers, query)?, None).await?;
    Ok(secret(&app, &token))
}

/// Makes a user token for whoever knows the password.
pub(super) async fn user_token(
    app: &App,
    peer: IpAddr,
    credentials: Credentials,
    label: Option<&str>,
) -> Result<Token, Problem> {
    let Credentials { name, password } = credentials;
    let attempt = app.auth.attempt(&name, peer)?;
    let found = app.ask(move |catalog| catalog.log_in(&name, &password)).await;
    // Only a wrong password counts as a guess.
    if !matches!(found, Err(CatalogError::WrongPassword)) {
        attempt.give_back();
    }
    let new = NewToken {
        user: found?.id,
        tied: true,
        project: None,
        permissions: Permissions::NONE,
        device: None,
        refreshable: false,
        expires: app.clock.now().plus(app.config.user_token_life),
        name: label.map(String::from),
    };
    app.catalog(move |catalog| catalog.issue_token(new)).await
}

/// Issue a project token.
#[utoipa::path(
    get, operation_id = "issue_token", path = "/v1/tokens/project", tag = "tokens", params(IssueQuery),
    responses((status = 200, description = "A project token", body = schema::ProjectToken)),
)]
async fn issue(
    Acting(app): Acting,
    caller: UserCaller,
    Query(query): Query<IssueQuery>,
) -> Result<Secret, Problem> {
    let project = visible(&app, &caller, query.project_id)?;
    let held = app.catalog.permissions(caller.user, project);
    let permissions = permissions(&query, held)?;
    let life = query.duration.as_deref().map(life).transpose()?;
    let new = NewToken {
        user: caller.user,
        tied: query.include_user.unwrap_or(false),
        project: Some(project),
        permissions,
        device: query.device_id.map(device).transpose()?,
        refreshable: query.refreshable.unwrap_or(true),
        expires: app.clock.now().plus(life.unwrap_or(app.config.project_token_life)),
        name: query.name,
    };
    let token = app.catalog(move |catalog| catalog.issue_token(new)).await?;
    Ok(secret(&app, &token))
}

/// Exchange a project token for a new one.
///
/// Without an Authorization header; the old token may have ended up to 30 days ago, and stays good until its own end.
/// The new one lives as long as the old one did, and has the same project, permissions and device.
#[utoipa::path(
    post, operation_id = "refresh_token", path = "/v1/tokens/project", tag = "tokens", request_body = Refresh,
    responses((status = 200, description = "The new token", body = schema::ProjectToken)),
)]
async fn refresh(
    Acting(app): Acting,
    Json(request): Json<RefreshRequest>,
) -> Result<Secret, Problem> {
    let old = app.auth.refreshable(request.refresh_token.trim())?;
    if let Some(young) = app.auth.refreshed(old.id) {
        return Ok(secret(&app, &young));
    }
    let life = old.expires.micros().saturating_sub(old.created.micros());
    let new = NewToken {
        user: old.user,
        tied: old.tied,
        project: old.project,
        permissions: old.permissions,
        device: old.device.clone(),
        refreshable: true,
        expires: app.clock.now().plus(Duration::from_micros(u64::try_from(life).unwrap_or(0))),
        name: old.name.clone(),
    };
    let token = app.catalog(move |catalog| catalog.issue_token(new)).await?;
    app.auth.remember_refresh(old.id, token.id);
    Ok(secret(&app, &token))
}

/// List issued tokens, without their texts.
#[utoipa::path(
    get, operation_id = "list_tokens", path = "/v1/tokens", tag = "tokens", params(ListQuery),
    responses((status = 200, description = "The tokens", body = TokenList)),
)]
async fn list(
    Acting(app): Acting,
    caller: UserCaller,
    Query(query): Query<ListQuery>,
) -> Result<Reply<TokenList>, Problem> {
    let project = query.project_id.map(|number| administered(&app, &caller, number)).transpose()?;
    let tokens = app
        .catalog(move |catalog| match project {
            Some(project) => catalog.tokens_of_project(project),
            None => catalog.tokens_of_user(caller.user),
        })
        .await?;
    Ok(Reply(TokenList { tokens: tokens.into_iter().map(listed).collect() }))
}

/// Revoke a token: one's own, or one of a project that one administers.
#[utoipa::path(
    delete, operation_id = "revoke_token", path = "/v1/tokens/{token_id}", tag = "tokens",
    params(("token_id" = u32, Path, description = "The token's number, as listed")),
    responses((status = 204, description = "It is revoked")),
)]
async fn revoke(
    Acting(app): Acting,
    caller: UserCaller,
    Path(number): Path<u32>,
) -> Result<StatusCode, Problem> {
    let id = TokenId::new(number)
        .and_then(|id| app.catalog.token(id))
        .filter(|token| may_revoke(&app, caller.user, token))
        .ok_or_else(|| CatalogError::NotFound { what: "token", name: number.to_string() })?
        .id;
    app.catalog(move |catalog| catalog.revoke_token(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn may_revoke(app: &App, user: UserId, token: &Arc<Token>) -> bool {
    token.user == user
        || token.project.is_some_and(|project| app.catalog.permissions(user, project).admin)
}

/// The Basic header, or the query when there is none.
fn credentials(headers: &HeaderMap, query: LogInQuery) -> Result<Credentials, Problem> {
    let advice = "Log in with 'Authorization: Basic base64(name:password)'";
    match (basic::credentials(headers), query) {
        (Some(Ok(credentials)), _) => Ok(credentials),
        (Some(Err(malformed)), _) => Err(Problem::unauthorized(malformed.to_string(), advice)),
        (None, LogInQuery { name: Some(name), password: Some(password) }) => {
            Ok(Credentials { name, password })
        }
        (None, _) => Err(Problem::unauthorized("No name and password", advice)),
    }
}

/// What the new token grants: what is asked for, if the user holds it; what the user holds, if nothing is said.
fn permissions(query: &IssueQuery, held: Permissions) -> Result<Permissions, Refusal> {
    let IssueQuery { read, write, admin, device_id, .. } = query;
    if read.is_none() && write.is_none() && admin.is_none() {
        // A device that may administer is not what anyone means by saying nothing.
        return Ok(Permissions { admin: held.admin && device_id.is_none(), ..held });
    }
    let asked = Permissions {
        read: read.unwrap_or(false),
        write: write.unwrap_or(false),
        admin: admin.unwrap_or(false),
    };
    if held.covers(asked) { Ok(asked) } else { Err(Refusal::MoreThanHeld) }
}

fn device(text: String) -> Result<DeviceId, Problem> {
    text.try_into().map_err(|error| {
        Problem::bad_request("The device id is not valid", format!("device_id: {error}"))
    })
}

/// Reads a life such as `5w`.
pub(super) fn life(text: &str) -> Result<Duration, Problem> {
    let seconds = text.char_indices().next_back().and_then(|(at, unit)| {
        let unit = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 24 * 3600,
            'w' => 7 * 24 * 3600,
            _ => return None,
        };
        text[..at].parse::<u64>().ok()?.checked_mul(unit)
    });
    match seconds.map(Duration::from_secs) {
        Some(life) if !life.is_zero() && life <= LONGEST_LIFE => Ok(life),
        _ => Err(Problem::bad_request(
            "A parameter of the request is wrong",
            format!(
                "the parameter 'duration': '{text}' is not a whole number and one of w, d, h, m, s, \
                 such as 5w, of at most 3650 days"
            ),
        )),
    }
}

/// A token's text and what it grants. Nothing on the way may keep a copy: some of these calls look like any other
/// page to a cache.
fn secret(app: &App, token: &Token) -> Secret {
    let reply = TokenReply {
        token: app.auth.text_of(token),
        expires: token.expires,
        created: token.created,
        user_id: if token.tied { token.user.get() } else { 0 },
        project: token
            .project
            .map(|project_id| TokenProject { project_id, permissions: token.permissions }),
    };
    ([(CACHE_CONTROL, "no-store")], Reply(reply))
}

fn listed(token: Token) -> ListedToken {
    let Permissions { read, write, admin } = token.permissions;
    ListedToken {
        token_id: token.id.get(),
        kind: if token.project.is_some() { "project" } else { "user" },
        user_id: token.user.get(),
        include_user: token.tied,
        project_id: token.project.map(ProjectId::get),
        read,
        write,
        admin,
        device_id: token.device.map(String::from),
        refreshable: token.refreshable,
        name: token.name,
        created: date::format_created(token.created),
        expires: date::format_expires(token.expires),
        revoked: token.revoked.map(date::format_created),
        last_used: token.last_used.map(date::format_created),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reading_a_life_never_panics(text in "\\PC{0,30}") {
            if let Ok(life) = life(&text) {
                prop_assert!(!life.is_zero() && life <= LONGEST_LIFE);
            }
        }
    }

    #[test]
    fn a_life_is_a_whole_number_and_a_unit() {
        for (text, seconds) in
            [("5w", 3_024_000), ("1d", 86_400), ("2h", 7200), ("3m", 180), ("9s", 9)]
        {
            assert_eq!(life(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in
            ["", "5", "w", "0s", "-1d", "1.5h", "1y", "99999999999999999999s", "600w", "5ä", "+"]
        {
            assert!(life(text).is_err(), "{text}");
        }
    }
}
