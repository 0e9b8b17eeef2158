//! Invites: codes by which people can sign up, made by who runs the server.
//!
//! A code is shown once, when it is made; after that only its first characters are.

use axum::Json as Reply;
use http::StatusCode;
use iobeam_catalog::Invite;
use iobeam_model::UserId;
use iobeam_wire::v1::date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::tokens::life;
use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::core::auth::UserCaller;
use crate::endpoints::http::body::{Json, Path};
use crate::endpoints::http::caller::Acting;

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(create, list)).routes(routes!(revoke))
}

/// An invite to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InviteRequest {
    /// For how many people; one, unless said otherwise.
    #[schema(minimum = 1)]
    uses: Option<u32>,
    /// How long it is good: a whole number and one of w, d, h, m, s, such as 5w; for ever, unless said.
    #[schema(pattern = "^[0-9]+[wdhms]$")]
    duration: Option<String>,
}

/// An invite that was just made.
#[derive(Serialize, ToSchema)]
struct NewInvite {
    /// The code. It is not shown again.
    code: String,
    /// For how many people.
    uses: u32,
    /// When it runs out, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

/// An invite, without its code.
#[derive(Serialize, ToSchema)]
struct ListedInvite {
    /// By which it is revoked.
    #[schema(minimum = 1)]
    invite_id: u32,
    /// The code's first characters.
    hint: String,
    /// Who made it; absent when the server did.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<u32>,
    /// For how many people.
    uses: u32,
    /// How many signed up with it.
    used: u32,
    /// When it was made.
    created: String,
    /// When it runs out, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    /// When it was revoked, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<String>,
}

/// Invites.
#[derive(Serialize, ToSchema)]
struct InviteList {
    /// The newest first.
    invites: Vec<ListedInvite>,
}

/// Make an invite.
#[utoipa::path(
    post, operation_id = "create_invite", path = "/v1/invites", tag = "invites", request_body = InviteRequest,
    responses((status = 201, description = "The invite, with its code", body = NewInvite)),
)]
async fn create(
    Acting(app): Acting,
    caller: UserCaller,
    Json(request): Json<InviteRequest>,
) -> Result<(StatusCode, Reply<NewInvite>), ApiError> {
    let uses = request.uses.unwrap_or(1);
    let life = request.duration.as_deref().map(life).transpose()?;
    let expires = life.map(|life| app.clock.now().plus(life));
    let code =
        app.catalog(move |catalog| catalog.create_invite(Some(caller.user), uses, expires)).await?;
    let made = NewInvite { code, uses, expires: expires.map(date::format_expires) };
    Ok((StatusCode::CREATED, Reply(made)))
}

/// List invites, without their codes.
#[utoipa::path(
    get, operation_id = "list_invites", path = "/v1/invites", tag = "invites",
    responses((status = 200, description = "The invites", body = InviteList)),
)]
async fn list(Acting(app): Acting, _caller: UserCaller) -> Result<Reply<InviteList>, ApiError> {
    let invites = app.catalog(iobeam_catalog::Catalog::invites).await?;
    Ok(Reply(InviteList { invites: invites.into_iter().map(listed).collect() }))
}

/// Revoke an invite. Who signed up with it keeps the account.
#[utoipa::path(
    delete, operation_id = "revoke_invite", path = "/v1/invites/{invite_id}", tag = "invites",
    params(("invite_id" = u32, Path, description = "The invite's number, as listed")),
    responses((status = 204, description = "It is revoked")),
)]
async fn revoke(
    Acting(app): Acting,
    _caller: UserCaller,
    Path(number): Path<u32>,
) -> Result<StatusCode, ApiError> {
    app.catalog(move |catalog| catalog.revoke_invite(number)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn listed(invite: Invite) -> ListedInvite {
    ListedInvite {
        invite_id: invite.id,
        hint: invite.hint,
        user_id: invite.by.map(UserId::get),
        uses: invite.uses,
        used: invite.used,
        created: date::format_created(invite.created),
        expires: invite.expires.map(date::format_expires),
        revoked: invite.revoked.map(date::format_created),
    }
}
