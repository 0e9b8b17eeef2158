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

mod asked;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::IpAddr;
use std::sync::Arc;

use axum::Json as Reply;
use http::header::{CACHE_CONTROL, HeaderName};
use http::{HeaderMap, StatusCode};
use iobeam_catalog::{CatalogError, NewToken, Token, TokenOwner, User, UserState};
use iobeam_model::{Permissions, ProjectId, TokenId, UserId};
use iobeam_wire::v1::{RefreshRequest, TokenProject, TokenReply, date};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::lookup::{administered, visible};
use super::schema;
use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::core::auth::{Subject, UserCaller};
use crate::endpoints::http::basic::{self, Credentials};
use crate::endpoints::http::body::{Json, Path, Query};
use crate::endpoints::http::caller::{Acting, Peer};

pub(super) use asked::life;

use asked::{IssueQuery, device, end, owner, permissions};

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(log_in))
        .routes(routes!(issue, refresh))
        .routes(routes!(list))
        .routes(routes!(revoke, confirm))
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
    /// Their user name, or else their e-mail address; absent when the account was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    creator: Option<String>,
    /// `creator`: it loses what they lose; `project`: it outlives their membership.
    owner: &'static str,
    /// Whether an administrator should look at it: it became the project's without having been made so.
    review: bool,
    /// Whether it is tied to that user.
    include_user: bool,
    /// The project.
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<u32>,
    /// Whether it may read, as of now.
    read: bool,
    /// Whether it may write, as of now.
    write: bool,
    /// Whether it may administer, as of now.
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
    /// When it ends; in the year 9999 when it does not.
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

/// What to change about a token.
#[derive(Deserialize, ToSchema)]
struct TokenUpdate {
    /// `false`: an administrator of its project looked at it, and keeps it.
    review: bool,
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
) -> Result<Secret, ApiError> {
    let token = user_token(&app, (peer, None), credentials(&headers, query)?, None).await?;
    Ok(secret(&app, &token))
}

/// Makes a user token for whoever knows the password.
pub(super) async fn user_token(
    app: &App,
    (peer, browser): (IpAddr, Option<(UserId, &str)>),
    credentials: Credentials,
    label: Option<&str>,
) -> Result<Token, ApiError> {
    let Credentials { name, password } = credentials;
    let subject = subject(app, &name, peer, browser).await?;
    let attempt = app.auth.attempt("sign-in", &subject, peer)?;
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
        expires: app.clock.now().plus(app.config.auth.user_token_life),
        name: label.map(String::from),
        owner: TokenOwner::Creator,
    };
    app.catalog(move |catalog| catalog.issue_token(new)).await
}

/// Whose secret is shown under this name, and what is known of who shows it.
pub(super) async fn subject(
    app: &App,
    name: &str,
    peer: IpAddr,
    browser: Option<(UserId, &str)>,
) -> Result<Subject, ApiError> {
    let asked = name.to_owned();
    let found = app.catalog(move |catalog| catalog.account_of(&asked, peer)).await?;
    Ok(Subject::of(name, found, browser))
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
) -> Result<Secret, ApiError> {
    let project = visible(&app, &caller, query.project_id)?;
    let held = app.catalog.permissions(caller.user, project);
    let permissions = permissions(&query, held)?;
    let owner = owner(&query, held)?;
    let new = NewToken {
        user: caller.user,
        tied: query.include_user.unwrap_or(false),
        project: Some(project),
        permissions,
        expires: end(&app, &query, owner)?,
        device: query.device_id.map(device).transpose()?,
        refreshable: query.refreshable.unwrap_or(true),
        name: query.name,
        owner,
    };
    let token = app.catalog(move |catalog| catalog.issue_token(new)).await?;
    Ok(secret(&app, &token))
}

/// Exchange a project token for a new one.
///
/// Without an Authorization header; the old token may have ended up to 30 days ago, and stays good until its own end.
/// The new one lives as long as the old one did, and has the same project, permissions and device. Whoever exchanges often, or
/// exchanges what came of an exchange, gets the same one while it is young.
#[utoipa::path(
    post, operation_id = "refresh_token", path = "/v1/tokens/project", tag = "tokens", request_body = Refresh,
    responses((status = 200, description = "The new token", body = schema::ProjectToken)),
)]
async fn refresh(
    Acting(app): Acting,
    Json(request): Json<RefreshRequest>,
) -> Result<Secret, ApiError> {
    let old = app.auth.refreshable(request.refresh_token.trim())?;
    let token = app.catalog(move |catalog| catalog.refresh_token(old.id)).await?;
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
) -> Result<Reply<TokenList>, ApiError> {
    let project = query.project_id.map(|number| administered(&app, &caller, number)).transpose()?;
    let tokens = app
        .catalog(move |catalog| {
            let tokens = match project {
                Some(project) => catalog.tokens_of_project(project)?,
                None => catalog.tokens_of_user(caller.user)?,
            };
            let mut creators = BTreeMap::new();
            for token in &tokens {
                if let Entry::Vacant(place) = creators.entry(token.user) {
                    place.insert(creator(catalog.user(token.user)?));
                }
            }
            let listed = tokens.into_iter().map(|token| {
                let creator = creators.get(&token.user).cloned().flatten();
                listed(catalog.granted(&token), creator, token)
            });
            Ok(listed.collect())
        })
        .await?;
    Ok(Reply(TokenList { tokens }))
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
) -> Result<StatusCode, ApiError> {
    let id = TokenId::new(number)
        .and_then(|id| app.catalog.token(id))
        .filter(|token| may_revoke(&app, caller.user, token))
        .ok_or_else(|| CatalogError::NotFound { what: "token", name: number.to_string() })?
        .id;
    app.catalog(move |catalog| catalog.revoke_token(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Keep a token that is to be looked at: an administrator of its project says that it is wanted.
#[utoipa::path(
    patch, operation_id = "confirm_token", path = "/v1/tokens/{token_id}", tag = "tokens", request_body = TokenUpdate,
    params(("token_id" = u32, Path, description = "The token's number, as listed")),
    responses((status = 204, description = "It is so now")),
)]
async fn confirm(
    Acting(app): Acting,
    caller: UserCaller,
    Path(number): Path<u32>,
    Json(request): Json<TokenUpdate>,
) -> Result<StatusCode, ApiError> {
    let unknown = || CatalogError::NotFound { what: "token", name: number.to_string() };
    let token = TokenId::new(number).and_then(|id| app.catalog.token(id)).ok_or_else(unknown)?;
    let project = token.project.ok_or_else(unknown)?;
    visible(&app, &caller, project.get()).map_err(|_| unknown())?;
    administered(&app, &caller, project.get())?;
    if request.review {
        let details = "review: only false can be sent, which says that the token was looked at";
        return Err(ApiError::bad_request("The request breaks a rule", details));
    }
    app.catalog(move |catalog| catalog.confirm_token(token.id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn may_revoke(app: &App, user: UserId, token: &Arc<Token>) -> bool {
    token.user == user
        || token.project.is_some_and(|project| app.catalog.permissions(user, project).admin)
}

/// The Basic header, or the query when there is none.
fn credentials(headers: &HeaderMap, query: LogInQuery) -> Result<Credentials, ApiError> {
    let advice = "Log in with 'Authorization: Basic base64(name:password)'";
    match (basic::credentials(headers), query) {
        (Some(Ok(credentials)), _) => Ok(credentials),
        (Some(Err(malformed)), _) => Err(ApiError::unauthorized(malformed.to_string(), advice)),
        (None, LogInQuery { name: Some(name), password: Some(password) }) => {
            Ok(Credentials { name, password })
        }
        (None, _) => Err(ApiError::unauthorized("No name and password", advice)),
    }
}

/// What the maker of a token is called.
fn creator(user: User) -> Option<String> {
    let is_there = user.state != UserState::Deleted;
    is_there.then(|| user.username.unwrap_or(user.email))
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

fn listed(granted: Permissions, creator: Option<String>, token: Token) -> ListedToken {
    let Permissions { read, write, admin } = granted;
    ListedToken {
        token_id: token.id.get(),
        kind: if token.project.is_some() { "project" } else { "user" },
        user_id: token.user.get(),
        creator,
        owner: token.owner.name(),
        review: token.review,
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
