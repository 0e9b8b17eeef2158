//! What is seen by a link to a dashboard: that dashboard, and what its panels ask for.

use axum::Json as Reply;
use axum::response::Response;
use iobeam_query::SeriesRequest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::dashboards::{DashboardObject, shown};
use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::core::auth::share::ShareCaller;
use crate::core::board::Board;
use crate::core::board::question::{Choice, Look};
use crate::endpoints::http::answer::chart;
use crate::endpoints::http::body::Json;

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(show)).routes(routes!(query))
}

/// A shared dashboard.
#[derive(Serialize, ToSchema)]
struct Shared {
    /// The dashboard.
    dashboard: DashboardObject,
    /// The project that it is of.
    project_name: String,
}

/// What a visitor asks of a panel. The rest of the question is the panel's own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SharedQuery {
    /// The panel's id.
    panel: String,
    /// The first millisecond; that of the earliest row, unless said.
    from: Option<i64>,
    /// The last millisecond; that of the latest row, unless said.
    to: Option<i64>,
    /// How many columns of pixels the panel has.
    #[schema(minimum = 1)]
    width: Option<usize>,
    /// The visitor's time zone, for panels that name none.
    timezone: Option<String>,
    /// Some of the devices that the panel shows.
    devices: Option<Vec<String>>,
    /// The length of a bucket, where the panel leaves it to a variable.
    bucket: Option<String>,
}

/// Show the dashboard that the key was made for.
#[utoipa::path(
    get, operation_id = "show_shared", path = "/v1/shared", tag = "dashboards",
    responses((status = 200, description = "The dashboard", body = Shared)),
)]
async fn show(
    app: axum::extract::State<App>,
    caller: ShareCaller,
) -> Result<Reply<Shared>, ApiError> {
    let (project, id) = (caller.project, caller.dashboard);
    let dashboard = app.catalog(move |catalog| catalog.dashboard(project, id)).await?;
    let project_name = app.catalog.project(project).map(|project| project.name.clone());
    Ok(Reply(Shared {
        dashboard: shown(dashboard)?,
        project_name: project_name.unwrap_or_default(),
    }))
}

/// Ask what a panel of the dashboard asks for: its stored query, at the time given. The reply is that of /v1/query.
#[utoipa::path(
    post, operation_id = "query_shared", path = "/v1/shared/query", tag = "dashboards", request_body = SharedQuery,
    responses((status = 200, description = "The points", body = super::query::Chart)),
)]
async fn query(
    app: axum::extract::State<App>,
    caller: ShareCaller,
    Json(asked): Json<SharedQuery>,
) -> Result<Response, ApiError> {
    let (project, id) = (caller.project, caller.dashboard);
    let listed = SeriesRequest { devices: asked.devices, ..SeriesRequest::default() };
    listed.within(app.config.query.max_series)?;
    let dashboard = app.catalog(move |catalog| catalog.dashboard(project, id)).await?;
    let choice = Choice { devices: listed.devices, bucket: asked.bucket };
    let question = Board::stored(&dashboard.board)?.question(&asked.panel, choice)?;
    let look =
        Look { from: asked.from, to: asked.to, width: asked.width, timezone: asked.timezone };
    // Visitors of one link are one reader; no token has such a number.
    let reader = u64::MAX - u64::from(id);
    chart(&app, (project, reader), question.at(look)?).await
}
