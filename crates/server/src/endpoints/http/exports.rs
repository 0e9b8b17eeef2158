//! `GET /v1/exports/{project_id}/{device}/{series}`: the older way to ask, point by point.

use axum::extract::State;
use axum::response::Response;
use http::Uri;
use iobeam_query::ExportRequest;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::core::auth::ProjectCaller;
use crate::core::auth::rights::Permission;
use crate::core::query::QueryRequest;
use crate::endpoints::http::answer::respond;
use crate::endpoints::http::body::{Path, pairs};

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(everything))
        .routes(routes!(one_device))
        .routes(routes!(one_series))
}

/// What can be asked. The grammar is read by the query engine; this is its description.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "described here, read by the query engine")]
struct Asked {
    /// At most so many points of each series, the newest; 1000 unless said.
    limit: Option<u64>,
    /// Points from this time on, in milliseconds.
    from: Option<i64>,
    /// Points up to this time, in milliseconds.
    to: Option<i64>,
    /// How times are written: `sec`, `msec`, `usec` or `timeval`.
    timefmt: Option<String>,
    /// Values below this.
    less_than: Option<f64>,
    /// Values above this.
    greater_than: Option<f64>,
    /// Values equal to this.
    equals: Option<f64>,
    /// `sum`, `count`, `min`, `max` or `mean`.
    operator: Option<String>,
    /// A duration such as `15m`: one point for each.
    group_by: Option<String>,
    /// `json` or `csv`.
    output: Option<String>,
}

/// All series of all devices.
#[utoipa::path(get, path = "/v1/exports/{project_id}", tag = "data",
    params(("project_id" = u32, Path, description = "The token's project"), Asked),
    responses((status = 200, description = "The points")), security(("project" = [])))]
async fn everything(
    State(app): State<App>,
    caller: ProjectCaller,
    Path(project): Path<u32>,
    uri: Uri,
) -> Result<Response, ApiError> {
    answer(&app, &caller, project, [None, None], &uri).await
}

/// All series of a device.
#[utoipa::path(get, path = "/v1/exports/{project_id}/{device}", tag = "data",
    params(
        ("project_id" = u32, Path, description = "The token's project"),
        ("device" = String, Path, description = "The device's id, or `all`"),
        Asked,
    ),
    responses((status = 200, description = "The points")), security(("project" = [])))]
async fn one_device(
    State(app): State<App>,
    caller: ProjectCaller,
    Path((project, device)): Path<(u32, String)>,
    uri: Uri,
) -> Result<Response, ApiError> {
    answer(&app, &caller, project, [Some(&device), None], &uri).await
}

/// A series of a device.
#[utoipa::path(get, path = "/v1/exports/{project_id}/{device}/{series}", tag = "data",
    params(
        ("project_id" = u32, Path, description = "The token's project"),
        ("device" = String, Path, description = "The device's id, or `all`"),
        ("series" = String, Path, description = "The series' name, or `all`"),
        Asked,
    ),
    responses((status = 200, description = "The points")), security(("project" = [])))]
async fn one_series(
    State(app): State<App>,
    caller: ProjectCaller,
    Path((project, device, series)): Path<(u32, String, String)>,
    uri: Uri,
) -> Result<Response, ApiError> {
    answer(&app, &caller, project, [Some(&device), Some(&series)], &uri).await
}

async fn answer(
    app: &App,
    caller: &ProjectCaller,
    project: u32,
    [device, series]: [Option<&str>; 2],
    uri: &Uri,
) -> Result<Response, ApiError> {
    caller.need(Permission::Read)?;
    caller.is_of_project(Some(project.into()))?;
    if caller.device.is_some() {
        caller.may_act_as(device.unwrap_or("all"))?;
    }
    let params = pairs(uri.query().unwrap_or_default());
    let request = ExportRequest::parse(device, series, &params)?;
    respond(app, caller, QueryRequest::Exports(request)).await
}
