//! `GET /v1/data/{namespace}/{field}`: rows and figures, newest first.

use axum::extract::State;
use axum::response::Response;
use http::Uri;
use iobeam_query::DataRequest;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::core::auth::ProjectCaller;
use crate::core::auth::rights::Permission;
use crate::core::query::{QueryRequest, known, own_device};
use crate::endpoints::http::answer::respond;
use crate::endpoints::http::body::{Path, pairs};

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(all_fields)).routes(routes!(one_field))
}

/// What can be asked. The grammar is read by the query engine; this is its description.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "described here, read by the query engine")]
struct Asked {
    /// At most so many rows, the newest.
    limit: Option<u64>,
    /// `from,to`: each a number of milliseconds or `now()`, optionally less a while such as `-2h`.
    time: Option<String>,
    /// `f(field,value)` with `f` one of `eq`, `lt`, `gt`, `le`, `ge`. May be repeated; all must hold.
    r#where: Option<Vec<String>>,
    /// `sum`, `count`, `min`, `max` or `mean`.
    operator: Option<String>,
    /// `time(5m)`, a field, or both, such as `time(1h),device_id`.
    group_by: Option<String>,
    /// `field,n`: at most so many of the newest rows for each value of the field.
    limit_by: Option<String>,
    /// At most so many of the newest time buckets.
    limit_periods: Option<u64>,
    /// How times are written: `sec`, `msec`, `usec` or `timeval`.
    timefmt: Option<String>,
    /// `json`, `csv`, `arrow` (an IPC stream) or `parquet`.
    output: Option<String>,
}

/// Rows of a namespace with all fields.
#[utoipa::path(get, path = "/v1/data/{namespace}", tag = "data",
    params(("namespace" = String, Path, description = "The namespace's name"), Asked),
    responses((status = 200, description = "The rows, newest first")),
    security(("project" = [])))]
async fn all_fields(
    State(app): State<App>,
    caller: ProjectCaller,
    Path(namespace): Path<String>,
    uri: Uri,
) -> Result<Response, ApiError> {
    answer(&app, &caller, namespace, None, &uri).await
}

/// Rows of a namespace with one field, where it has a value.
#[utoipa::path(get, path = "/v1/data/{namespace}/{field}", tag = "data",
    params(
        ("namespace" = String, Path, description = "The namespace's name"),
        ("field" = String, Path, description = "The field's name, or `all`"),
        Asked,
    ),
    responses((status = 200, description = "The rows, newest first")),
    security(("project" = [])))]
async fn one_field(
    State(app): State<App>,
    caller: ProjectCaller,
    Path((namespace, field)): Path<(String, String)>,
    uri: Uri,
) -> Result<Response, ApiError> {
    answer(&app, &caller, namespace, Some(&field), &uri).await
}

async fn answer(
    app: &App,
    caller: &ProjectCaller,
    namespace: String,
    field: Option<&str>,
    uri: &Uri,
) -> Result<Response, ApiError> {
    caller.need(Permission::Read)?;
    let mut params = pairs(uri.query().unwrap_or_default());
    if let Some(own) = own_device(caller, known(app, caller.project, &namespace)?.as_ref())? {
        params.push(("where".to_owned(), format!("eq(device_id,{own})")));
    }
    let request = DataRequest::parse(field, &params, app.clock.now())?;
    respond(app, caller, QueryRequest::Data { namespace, request }).await
}
