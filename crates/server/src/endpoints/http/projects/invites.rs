//! Invites to a project: `/v1/projects/{id}/invites`, and `POST /v1/invites/accept` for who was invited.
//!
//! ```text
//! POST .../invites {"email","read",..} ─▶ 201 with the link, and a letter to that address
//! POST /v1/invites/accept {"code"} ─▶ 200 {"project_id"}: the caller is a member        or POST /v1/users with "invite"
//! ```
//!
//! The link is shown once. It is good for whoever holds it, and works once.

use std::time::Duration;

use axum::Json as Reply;
use http::StatusCode;
use iobeam_catalog::{NewProjectInvite, ProjectInvite};
use iobeam_model::Permissions;
use iobeam_wire::v1::date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::administered;
use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::core::auth::UserCaller;
use crate::core::mail::{Email, EmailKind};
use crate::endpoints::http::body::{Json, Path};
use crate::endpoints::http::caller::{Acting, Peer};
use crate::endpoints::http::tokens::subject;

/// How long an invite is good.
const LIFE: Duration = Duration::from_hours(7 * 24);

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(invite, list))
        .routes(routes!(withdraw))
        .routes(routes!(accept))
}

/// Whom to invite, and what they may do then.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProjectInviteRequest {
    /// Where the link is sent.
    email: String,
    /// See devices and query readings.
    #[serde(default)]
    read: bool,
    /// Register devices and send readings.
    #[serde(default)]
    write: bool,
    /// Change the project itself.
    #[serde(default)]
    admin: bool,
}

/// An invite to a project.
#[derive(Serialize, ToSchema)]
struct ListedProjectInvite {
    /// By which it is withdrawn.
    #[schema(minimum = 1)]
    invite_id: u32,
    /// Where the link was sent.
    email: String,
    /// Whether they may read.
    read: bool,
    /// Whether they may write.
    write: bool,
    /// Whether they may administer.
    admin: bool,
    /// Who invited.
    #[schema(minimum = 1)]
    user_id: u32,
    /// When it was made.
    created: String,
    /// When it runs out.
    expires: String,
    /// The code; in the reply that makes it alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The link, to hand over by other means than mail; in the reply that makes it alone. Without the setting
    /// `public-url` it is a path.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

/// Invites to a project.
#[derive(Serialize, ToSchema)]
struct ProjectInviteList {
    /// Those that nobody has used yet, the newest first.
    invites: Vec<ListedProjectInvite>,
}

/// The code of an invite.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InviteCode {
    /// The code.
    code: String,
}

/// The project that the caller joined.
#[derive(Serialize, ToSchema)]
struct JoinedProject {
    /// Its number.
    #[schema(minimum = 1)]
    project_id: u32,
}

/// Invite somebody to a project.
///
/// A link is sent to the address; who opens it signs in or signs up and is a member. It is good for seven days.
#[utoipa::path(
    post, operation_id = "invite_to_project", path = "/v1/projects/{project_id}/invites", tag = "projects",
    request_body = ProjectInviteRequest,
    params(("project_id" = u32, Path, description = "The project's number")),
    responses((status = 201, description = "The invite, with its link", body = ListedProjectInvite)),
)]
async fn invite(
    Acting(app): Acting,
    caller: UserCaller,
    Peer(peer): Peer,
    Path(number): Path<u32>,
    Json(request): Json<ProjectInviteRequest>,
) -> Result<(StatusCode, Reply<ListedProjectInvite>), ApiError> {
    let project = administered(&app, &caller, number)?;
    // Never given back: letters are what is limited.
    let subject = subject(&app, &request.email, peer, None).await?;
    let _ = app.auth.attempt("invite", &subject, peer)?;
    let ProjectInviteRequest { email, read, write, admin } = request;
    let new = NewProjectInvite {
        by: caller.user,
        project,
        email,
        may: Permissions { read, write, admin },
        expires: app.clock.now().plus(LIFE),
        most: app.config.auth.project_invites,
    };
    let (made, code) = app.catalog(move |catalog| catalog.invite_to_project(new)).await?;
    let name = app.catalog.project(project).map(|project| project.name.clone());
    app.mail.post(Email {
        to: made.email.clone(),
        purpose: EmailKind::Invite { project: name.unwrap_or_default() },
        key: code.clone(),
    });
    let base = app.config.http.public_url.as_deref().unwrap_or_default();
    let link = format!("{base}/invite#{code}");
    let made = ListedProjectInvite { code: Some(code), link: Some(link), ..listed(made) };
    Ok((StatusCode::CREATED, Reply(made)))
}

/// List the invites to a project that nobody has used yet.
#[utoipa::path(
    get, operation_id = "list_project_invites", path = "/v1/projects/{project_id}/invites", tag = "projects",
    params(("project_id" = u32, Path, description = "The project's number")),
    responses((status = 200, description = "The invites", body = ProjectInviteList)),
)]
async fn list(
    Acting(app): Acting,
    caller: UserCaller,
    Path(number): Path<u32>,
) -> Result<Reply<ProjectInviteList>, ApiError> {
    let project = administered(&app, &caller, number)?;
    let invites = app.catalog(move |catalog| catalog.project_invites(project)).await?;
    Ok(Reply(ProjectInviteList { invites: invites.into_iter().map(listed).collect() }))
}

/// Withdraw an invite: its link opens nothing any more.
#[utoipa::path(
    delete, operation_id = "withdraw_project_invite", path = "/v1/projects/{project_id}/invites/{invite_id}",
    tag = "projects",
    params(
        ("project_id" = u32, Path, description = "The project's number"),
        ("invite_id" = u32, Path, description = "The invite's number, as listed"),
    ),
    responses((status = 204, description = "It is withdrawn")),
)]
async fn withdraw(
    Acting(app): Acting,
    caller: UserCaller,
    Path((number, invite)): Path<(u32, u32)>,
) -> Result<StatusCode, ApiError> {
    let project = administered(&app, &caller, number)?;
    app.catalog(move |catalog| catalog.withdraw_project_invite(project, invite)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Accept an invite to a project: the caller is a member from then on.
#[utoipa::path(
    post, operation_id = "accept_invite", path = "/v1/invites/accept", tag = "projects", request_body = InviteCode,
    responses((status = 200, description = "The project", body = JoinedProject)),
)]
async fn accept(
    Acting(app): Acting,
    caller: UserCaller,
    Peer(peer): Peer,
    Json(request): Json<InviteCode>,
) -> Result<Reply<JoinedProject>, ApiError> {
    let attempt = app.auth.attempt_from(peer)?;
    let joined =
        app.catalog(move |catalog| catalog.join_project(caller.user, &request.code)).await?;
    attempt.give_back();
    Ok(Reply(JoinedProject { project_id: joined.get() }))
}

fn listed(invite: ProjectInvite) -> ListedProjectInvite {
    let Permissions { read, write, admin } = invite.may;
    ListedProjectInvite {
        invite_id: invite.id,
        email: invite.email,
        read,
        write,
        admin,
        user_id: invite.by.get(),
        created: date::format_created(invite.created),
        expires: date::format_created(invite.expires),
        code: None,
        link: None,
    }
}
