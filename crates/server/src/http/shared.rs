//! What is seen by a link to a dashboard: that dashboard, and what its panels ask for.

use axum::Json as Reply;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::dashboards::{DashboardObject, shown};
use crate::app::App;
use crate::auth::share::ShareCaller;
use crate::problem::Problem;

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(show))
}

/// A shared dashboard.
#[derive(Serialize, ToSchema)]
struct Shared {
    /// The dashboard.
    dashboard: DashboardObject,
    /// The project that it is of.
    project_name: String,
}

/// Show the dashboard that the key was made for.
#[utoipa::path(
    get, operation_id = "show_shared", path = "/v1/shared", tag = "dashboards",
    responses((status = 200, description = "The dashboard", body = Shared)),
)]
async fn show(
    app: axum::extract::State<App>,
    caller: ShareCaller,
) -> Result<Reply<Shared>, Problem> {
    let (project, id) = (caller.project, caller.dashboard);
    let dashboard = app.catalog(move |catalog| catalog.dashboard(project, id)).await?;
    let project_name = app.catalog.project(project).map(|project| project.name.clone());
    Ok(Reply(Shared {
        dashboard: shown(dashboard)?,
        project_name: project_name.unwrap_or_default(),
    }))
}
