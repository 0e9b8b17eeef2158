//! Dashboards: boards of panels, kept for all members of the project, and the links by which others see them.
//!
//! ```text
//! POST {name, board} ─▶ checked ─▶ version 1      PUT {version: 1, ..} ─▶ version 2, or 409 when somebody was quicker
//! POST /{id}/shares  ─▶ key, shown once           who has it: GET /v1/shared, and nothing else
//! ```

use axum::Json as Reply;
use http::StatusCode;
use http::header::{HeaderName, LOCATION};
use iobeam_catalog::{Dashboard, DashboardChanges, ListedDashboard, NewDashboard, Share};
use iobeam_wire::v1::date;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::tokens::life;
use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::core::auth::ProjectCaller;
use crate::core::board::{Board, Limits};
use crate::endpoints::http::body::{Json, Path};
use crate::endpoints::http::caller::Acting;

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(create, list))
        .routes(routes!(show, update, delete))
        .routes(routes!(share, shares))
        .routes(routes!(revoke))
}

/// A dashboard to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DashboardRequest {
    /// What it is called; others may be called the same.
    name: String,
    /// What is on it.
    #[schema(value_type = Board)]
    board: Box<RawValue>,
}

/// A dashboard as it shall be; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DashboardUpdate {
    /// Another name.
    name: Option<String>,
    /// What is on it now.
    #[schema(value_type = Option<Board>)]
    board: Option<Box<RawValue>>,
    /// The version that was changed.
    #[schema(minimum = 1)]
    version: u32,
}

/// A dashboard.
#[derive(Serialize, ToSchema)]
#[schema(as = Dashboard)]
pub(super) struct DashboardObject {
    /// The number.
    #[schema(minimum = 1)]
    dashboard_id: u32,
    /// What it is called.
    name: String,
    /// What is on it.
    #[schema(value_type = Board)]
    board: Box<RawValue>,
    /// Grows with each change.
    #[schema(minimum = 1)]
    version: u32,
    /// When it was made, such as 2016-07-29T08:19:47Z.
    created: String,
    /// When it was last changed.
    last_modified: String,
}

/// A dashboard in a list.
#[derive(Serialize, ToSchema)]
struct DashboardListItem {
    /// The number.
    #[schema(minimum = 1)]
    dashboard_id: u32,
    /// What it is called.
    name: String,
    /// Grows with each change.
    #[schema(minimum = 1)]
    version: u32,
    /// How many panels are on it.
    panels: u32,
    /// By how many links it can be seen.
    shares: u32,
    /// When it was made.
    created: String,
    /// When it was last changed.
    last_modified: String,
}

/// The dashboards of a project.
#[derive(Serialize, ToSchema)]
struct DashboardList {
    /// By name.
    dashboards: Vec<DashboardListItem>,
}

/// A link to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ShareRequest {
    /// When it runs out, such as 2026-12-31T23:59:59Z; never, unless said.
    expires: Option<String>,
    /// The same as a time from now: a whole number and one of w, d, h, m, s, such as 5w.
    #[schema(pattern = "^[0-9]+[wdhms]$")]
    duration: Option<String>,
}

/// A link that was just made.
#[derive(Serialize, ToSchema)]
struct NewShare {
    /// By which it is revoked.
    #[schema(minimum = 1)]
    share_id: u32,
    /// The key, for `Authorization: Share <key>` and for the page `/shared#<key>`. It is not shown again.
    key: String,
    /// When it was made.
    created: String,
    /// When it runs out; null: never.
    expires: Option<String>,
}

/// A link, without its key.
#[derive(Serialize, ToSchema)]
struct ListedShare {
    /// By which it is revoked.
    #[schema(minimum = 1)]
    share_id: u32,
    /// When it was made.
    created: String,
    /// When it runs out; null: never.
    expires: Option<String>,
    /// When it was last used; null: never.
    last_used: Option<String>,
}

/// The links to a dashboard.
#[derive(Serialize, ToSchema)]
struct ShareList {
    /// The newest first.
    shares: Vec<ListedShare>,
}

/// Keep a dashboard.
#[utoipa::path(
    post, operation_id = "create_dashboard", path = "/v1/dashboards", tag = "dashboards", request_body = DashboardRequest,
    responses(
        (status = 201, description = "The dashboard was made", body = DashboardObject,
         headers(("Location" = String, description = "Its path"))),
    ),
)]
async fn create(
    Acting(app): Acting,
    caller: ProjectCaller,
    Json(request): Json<DashboardRequest>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Reply<DashboardObject>), ApiError> {
    let board = Board::parse(&request.board, limits(&app))?;
    let new = NewDashboard {
        project: caller.project,
        name: request.name,
        panels: count(&board),
        board: board.text()?,
        limit: app.config.dashboards.max_count,
    };
    let made = app.catalog(move |catalog| catalog.create_dashboard(new)).await?;
    let location = format!("/v1/dashboards/{}", made.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Reply(shown(made)?)))
}

/// List the project's dashboards.
#[utoipa::path(
    get, operation_id = "list_dashboards", path = "/v1/dashboards", tag = "dashboards",
    responses((status = 200, description = "The dashboards, without their panels", body = DashboardList)),
)]
async fn list(
    Acting(app): Acting,
    caller: ProjectCaller,
) -> Result<Reply<DashboardList>, ApiError> {
    let found = app.catalog(move |catalog| catalog.dashboards(caller.project)).await?;
    Ok(Reply(DashboardList { dashboards: found.into_iter().map(listed).collect() }))
}

/// Show a dashboard.
#[utoipa::path(
    get, operation_id = "show_dashboard", path = "/v1/dashboards/{dashboard_id}", tag = "dashboards",
    params(("dashboard_id" = u32, Path, description = "The dashboard's number")),
    responses((status = 200, description = "The dashboard", body = DashboardObject)),
)]
async fn show(
    Acting(app): Acting,
    caller: ProjectCaller,
    Path(id): Path<u32>,
) -> Result<Reply<DashboardObject>, ApiError> {
    let found = app.catalog(move |catalog| catalog.dashboard(caller.project, id)).await?;
    shown(found).map(Reply)
}

/// Change a dashboard. When its version is no longer the one given, somebody else changed it: 409, and nothing changes.
#[utoipa::path(
    put, operation_id = "update_dashboard", path = "/v1/dashboards/{dashboard_id}", tag = "dashboards", request_body = DashboardUpdate,
    params(("dashboard_id" = u32, Path, description = "The dashboard's number")),
    responses((status = 200, description = "The dashboard as it is now", body = DashboardObject)),
)]
async fn update(
    Acting(app): Acting,
    caller: ProjectCaller,
    Path(id): Path<u32>,
    Json(request): Json<DashboardUpdate>,
) -> Result<Reply<DashboardObject>, ApiError> {
    let board = match request.board {
        None => None,
        Some(sent) => {
            let board = Board::parse(&sent, limits(&app))?;
            Some((board.text()?, count(&board)))
        }
    };
    let changes = DashboardChanges { version: request.version, name: request.name, board };
    let after =
        app.catalog(move |catalog| catalog.update_dashboard(caller.project, id, changes)).await?;
    shown(after).map(Reply)
}

/// Delete a dashboard. Links to it show nothing from then on.
#[utoipa::path(
    delete, operation_id = "delete_dashboard", path = "/v1/dashboards/{dashboard_id}", tag = "dashboards",
    params(("dashboard_id" = u32, Path, description = "The dashboard's number")),
    responses((status = 204, description = "It is gone")),
)]
async fn delete(
    Acting(app): Acting,
    caller: ProjectCaller,
    Path(id): Path<u32>,
) -> Result<StatusCode, ApiError> {
    app.catalog(move |catalog| catalog.delete_dashboard(caller.project, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make a link by which a dashboard is seen without an account.
#[utoipa::path(
    post, operation_id = "share_dashboard", path = "/v1/dashboards/{dashboard_id}/shares", tag = "dashboards", request_body = ShareRequest,
    params(("dashboard_id" = u32, Path, description = "The dashboard's number")),
    responses((status = 201, description = "The link, with its key", body = NewShare)),
)]
async fn share(
    Acting(app): Acting,
    caller: ProjectCaller,
    Path(id): Path<u32>,
    Json(request): Json<ShareRequest>,
) -> Result<(StatusCode, Reply<NewShare>), ApiError> {
    let expires = match (request.expires, request.duration.as_deref()) {
        (None, None) => None,
        (None, Some(duration)) => Some(app.clock.now().plus(life(duration)?)),
        (Some(text), None) => Some(date::parse(&text).ok_or_else(|| {
            let details = format!(
                "expires: '{text}' is no date; write it as 2026-12-31T23:59:59Z, or send duration"
            );
            ApiError::bad_request("The link is not valid", details)
        })?),
        (Some(_), Some(_)) => {
            let details = "expires and duration say the same; send one of them";
            return Err(ApiError::bad_request("The link is not valid", details));
        }
    };
    let limit = app.config.dashboards.max_shares;
    let (share, key) = app
        .catalog(move |catalog| catalog.create_share(caller.project, id, expires, limit))
        .await?;
    let made = NewShare {
        share_id: share.id,
        key,
        created: date::format_created(share.created),
        expires: share.expires.map(date::format_created),
    };
    Ok((StatusCode::CREATED, Reply(made)))
}

/// List the links to a dashboard, without their keys.
#[utoipa::path(
    get, operation_id = "list_shares", path = "/v1/dashboards/{dashboard_id}/shares", tag = "dashboards",
    params(("dashboard_id" = u32, Path, description = "The dashboard's number")),
    responses((status = 200, description = "The links", body = ShareList)),
)]
async fn shares(
    Acting(app): Acting,
    caller: ProjectCaller,
    Path(id): Path<u32>,
) -> Result<Reply<ShareList>, ApiError> {
    let found = app.catalog(move |catalog| catalog.shares(caller.project, id)).await?;
    Ok(Reply(ShareList { shares: found.iter().map(listed_share).collect() }))
}

/// Revoke a link: from then on its key opens nothing.
#[utoipa::path(
    delete, operation_id = "revoke_share", path = "/v1/dashboards/{dashboard_id}/shares/{share_id}", tag = "dashboards",
    params(
        ("dashboard_id" = u32, Path, description = "The dashboard's number"),
        ("share_id" = u32, Path, description = "The link's number, as listed"),
    ),
    responses((status = 204, description = "It is revoked")),
)]
async fn revoke(
    Acting(app): Acting,
    caller: ProjectCaller,
    Path((id, share)): Path<(u32, u32)>,
) -> Result<StatusCode, ApiError> {
    app.catalog(move |catalog| catalog.revoke_share(caller.project, id, share)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn limits(app: &App) -> Limits {
    Limits { bytes: app.config.dashboards.max_size, panels: app.config.dashboards.max_panels }
}

fn count(board: &Board) -> u32 {
    u32::try_from(board.panels.len()).unwrap_or(u32::MAX)
}

/// The dashboard as the API shows it.
pub(super) fn shown(dashboard: Dashboard) -> Result<DashboardObject, ApiError> {
    Ok(DashboardObject {
        dashboard_id: dashboard.id,
        name: dashboard.name,
        board: RawValue::from_string(dashboard.board).map_err(ApiError::internal)?,
        version: dashboard.version,
        created: date::format_created(dashboard.created),
        last_modified: date::format_created(dashboard.last_modified),
    })
}

fn listed(dashboard: ListedDashboard) -> DashboardListItem {
    DashboardListItem {
        dashboard_id: dashboard.id,
        name: dashboard.name,
        version: dashboard.version,
        panels: dashboard.panels,
        shares: dashboard.shares,
        created: date::format_created(dashboard.created),
        last_modified: date::format_created(dashboard.last_modified),
    }
}

fn listed_share(share: &Share) -> ListedShare {
    ListedShare {
        share_id: share.id,
        created: date::format_created(share.created),
        expires: share.expires.map(date::format_created),
        last_used: share.last_used.map(date::format_created),
    }
}
