//! Accounts and the audit log, for who operates the server.
//!
//! ```text
//! GET /v1/accounts ─▶ all of them        PATCH {"disabled":true} ─▶ everything of it ends within a second
//! GET /v1/audit ─▶ who changed what, newest first; before= goes on       GET /v1/audit/check ─▶ is each row as it was written?
//! ```

use axum::Json as Reply;
use http::StatusCode;
use iobeam_catalog::{
    AuditAction, AuditEntry, AuditFilter, AuditSeal, CatalogError, Changed, User,
};
use iobeam_model::{ProjectId, Timestamp, TokenId, UserId};
use iobeam_wire::v1::date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::core::auth::UserCaller;
use crate::core::hex::hex;
use crate::endpoints::http::body::{Json, Path, Query};
use crate::endpoints::http::caller::Acting;

/// How many rows of the audit log are shown, unless said.
const USUAL_ROWS: usize = 100;

/// How many may be asked for.
const MAX_ROWS: usize = 10_000;

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(change, delete))
        .routes(routes!(audit))
        .routes(routes!(audit_check))
}

/// An account.
#[derive(Serialize, ToSchema)]
struct Account {
    /// The user.
    #[schema(minimum = 1)]
    user_id: u32,
    /// The e-mail address; of a deleted account what stands in its place.
    email: String,
    /// The user name; may be empty.
    username: String,
    /// Whether a key sent to the address came back.
    email_verified: bool,
    /// Whether this is who operates the server.
    operator: bool,
    /// `active`, `disabled` or `deleted`.
    state: &'static str,
    /// When it was made.
    created: String,
}

/// All accounts.
#[derive(Serialize, ToSchema)]
struct AccountList {
    /// By number.
    accounts: Vec<Account>,
}

/// What to change about an account.
#[derive(Deserialize, ToSchema)]
struct AccountUpdate {
    /// Whether it is disabled: nobody signs in, its sessions end, and its tokens open nothing but those that projects own.
    disabled: bool,
}

/// Who gets what only the account administers.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct HeirQuery {
    /// The user who becomes administrator of the projects that would have none.
    heir: Option<u32>,
}

/// Which rows of the audit log.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// Rows before this number; the newest, unless said.
    before: Option<u64>,
    /// At most so many; 100, unless said.
    #[param(minimum = 1, maximum = 10_000)]
    count: Option<usize>,
    /// What this user did.
    user_id: Option<u32>,
    /// What was done: an action such as `token.issue`, or the word that several begin with, such as `token`.
    action: Option<String>,
    /// What was done in this project.
    project_id: Option<u32>,
    /// What was done to this, such as `user:7`, or to all of a kind, such as `user`.
    target: Option<String>,
    /// What was done at this time or later, such as 2026-01-31T12:00:00Z.
    from: Option<String>,
    /// What was done before this time.
    to: Option<String>,
}

/// What the audit log must hold.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct CheckQuery {
    /// A hash that this call told earlier: there must still be a row with it.
    #[param(pattern = "^[0-9A-Fa-f]{64}$")]
    hash: Option<String>,
}

/// The audit log as a whole.
#[derive(Serialize, ToSchema)]
struct AuditState {
    /// Whether each row is as it was written, and none is missing.
    sound: bool,
    /// How many rows it has.
    rows: u64,
    /// The hash of the last row, which stands for all up to it: kept elsewhere, it shows later whether they are the same rows.
    hash: String,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// A row of the audit log.
#[derive(Serialize, ToSchema)]
struct AuditRow {
    /// Its number: without gaps.
    #[schema(minimum = 1)]
    id: u64,
    /// When.
    time: String,
    /// The user who acted, if one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<u32>,
    /// The token they were known by.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_id: Option<u32>,
    /// Where the request came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// What was done, such as `member.remove`.
    action: String,
    /// In which project.
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<u32>,
    /// To what: kind and id, such as `device:boiler`.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    /// More about it.
    #[schema(value_type = Object)]
    details: serde_json::Value,
}

/// Rows of the audit log.
#[derive(Serialize, ToSchema)]
struct AuditRows {
    /// The newest first.
    rows: Vec<AuditRow>,
}

/// List all accounts.
#[utoipa::path(
    get, operation_id = "list_accounts", path = "/v1/accounts", tag = "accounts",
    responses((status = 200, description = "The accounts", body = AccountList)),
)]
async fn list(Acting(app): Acting, _caller: UserCaller) -> Result<Reply<AccountList>, ApiError> {
    let users = app.catalog(iobeam_catalog::Catalog::users).await?;
    Ok(Reply(AccountList { accounts: users.into_iter().map(shown).collect() }))
}

/// Disable an account, or enable it again.
///
/// What a disabled account has open ends within a second. Tokens that projects own go on.
#[utoipa::path(
    patch, operation_id = "update_account", path = "/v1/accounts/{user_id}", tag = "accounts", request_body = AccountUpdate,
    params(("user_id" = u32, Path, description = "The user's number")),
    responses(
        (status = 200, description = "The account as it is now", body = Account),
        (status = 204, description = "Nothing to change"),
    ),
)]
async fn change(
    Acting(app): Acting,
    _caller: UserCaller,
    Path(number): Path<u32>,
    Json(request): Json<AccountUpdate>,
) -> Result<Result<Reply<Account>, StatusCode>, ApiError> {
    let id = known(number)?;
    let after = app
        .catalog(move |catalog| {
            let changed = if request.disabled {
                catalog.disable_user(id)?
            } else {
                catalog.enable_user(id)?
            };
            (changed == Changed::Yes).then(|| catalog.user(id)).transpose()
        })
        .await?;
    Ok(after.map(|user| Reply(shown(user))).ok_or(StatusCode::NO_CONTENT))
}

/// Delete an account: its memberships, sessions and own tokens end, its address and names are erased.
///
/// Its number stays, for the audit log. Tokens of devices go on as their projects'.
#[utoipa::path(
    delete, operation_id = "delete_account", path = "/v1/accounts/{user_id}", tag = "accounts",
    params(("user_id" = u32, Path, description = "The user's number"), HeirQuery),
    responses((status = 204, description = "It is gone")),
)]
async fn delete(
    Acting(app): Acting,
    _caller: UserCaller,
    Path(number): Path<u32>,
    Query(query): Query<HeirQuery>,
) -> Result<StatusCode, ApiError> {
    let (id, heir) = (known(number)?, query.heir.map(known).transpose()?);
    app.catalog(move |catalog| catalog.delete_user(id, heir)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Show the audit log: who changed what.
#[utoipa::path(
    get, operation_id = "show_audit_log", path = "/v1/audit", tag = "accounts", params(AuditQuery),
    responses((status = 200, description = "Rows, newest first", body = AuditRows)),
)]
async fn audit(
    Acting(app): Acting,
    _caller: UserCaller,
    Query(query): Query<AuditQuery>,
) -> Result<Reply<AuditRows>, ApiError> {
    let count = query.count.unwrap_or(USUAL_ROWS).min(MAX_ROWS);
    let filter = filter(query)?;
    let rows = app.catalog(move |catalog| catalog.audit_log(&filter, count)).await?;
    Ok(Reply(AuditRows { rows: rows.into_iter().map(row).collect() }))
}

/// Check the audit log: read all of it, and tell whether each row is as it was written.
#[utoipa::path(
    get, operation_id = "check_audit_log", path = "/v1/audit/check", tag = "accounts", params(CheckQuery),
    responses((status = 200, description = "Whether it is sound, and its last hash", body = AuditState)),
)]
async fn audit_check(
    Acting(app): Acting,
    _caller: UserCaller,
    Query(query): Query<CheckQuery>,
) -> Result<Reply<AuditState>, ApiError> {
    let known = query.hash.as_deref().map(hash_of).transpose()?;
    let AuditSeal { rows, hash, problem } =
        app.catalog(move |catalog| catalog.audit_seal(known)).await?;
    Ok(Reply(AuditState { sound: problem.is_none(), rows, hash, problem }))
}

/// A hash in hexadecimal digits.
fn hash_of(text: &str) -> Result<[u8; 32], ApiError> {
    hex(text).ok_or_else(|| {
        let details =
            "the parameter 'hash': a hash has 64 hexadecimal digits, as this call tells it";
        ApiError::bad_request("A parameter of the request is wrong", details)
    })
}

/// Which rows are asked for. What cannot be is refused: an empty answer would look like an empty log.
fn filter(query: AuditQuery) -> Result<AuditFilter, ApiError> {
    let time = |name: &str, text: Option<String>| -> Result<Option<Timestamp>, ApiError> {
        let read = |text: String| {
            let reason = format!("'{text}' is no time such as 2026-01-31T12:00:00Z");
            date::parse(&text).ok_or_else(|| ApiError::parameter(name, reason))
        };
        text.map(read).transpose()
    };
    if let Some(asked) = &query.action {
        let begins = |name: &&str| {
            name.strip_prefix(asked.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if !AuditAction::NAMES.iter().any(begins) {
            let all = AuditAction::NAMES.join(", ");
            let reason = format!("'{asked}' is none of {all}, nor how one begins");
            return Err(ApiError::parameter("action", reason));
        }
    }
    let project = query.project_id.map(|number| {
        let reason = "projects are numbered from 1";
        ProjectId::new(number).ok_or_else(|| ApiError::parameter("project_id", reason))
    });
    Ok(AuditFilter {
        before: query.before,
        user: query.user_id.map(known).transpose()?,
        action: query.action,
        project: project.transpose()?,
        target: query.target,
        from: time("from", query.from)?,
        to: time("to", query.to)?,
    })
}

/// The user of that number, who may not exist.
pub(super) fn known(number: u32) -> Result<UserId, ApiError> {
    UserId::new(number)
        .ok_or_else(|| CatalogError::NotFound { what: "user", name: number.to_string() }.into())
}

fn shown(user: User) -> Account {
    Account {
        user_id: user.id.get(),
        email: user.email,
        username: user.username.unwrap_or_default(),
        email_verified: user.email_verified,
        operator: user.operator,
        state: user.state.name(),
        created: date::format_created(user.created),
    }
}

fn row(entry: AuditEntry) -> AuditRow {
    AuditRow {
        id: entry.id,
        time: date::format_created(entry.at),
        user_id: entry.actor.user.map(UserId::get),
        token_id: entry.actor.token.map(TokenId::get),
        address: entry.actor.address.map(|address| address.to_string()),
        action: entry.action,
        project_id: entry.project.map(ProjectId::get),
        target: entry.target,
        details: entry.details,
    }
}
