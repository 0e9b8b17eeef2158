//! Whether the platform lives, whether it takes readings, and its figures.

use axum::extract::State;
use axum::response::Response;
use iobeam_catalog::CatalogError;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::problem::Problem;
use crate::reply;

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(ping))
        .routes(routes!(health))
        .routes(routes!(ready))
        .routes(routes!(metrics))
}

/// Whether somebody is there.
#[utoipa::path(get, path = "/v1/ping", tag = "health", responses((status = 200, description = "Somebody is")))]
async fn ping() -> Response {
    reply::whole("application/json", r#"{"status":"ok"}"#)
}

/// Whether the process lives.
#[utoipa::path(get, path = "/health", tag = "health", responses((status = 200, description = "It does")))]
async fn health() -> Response {
    reply::whole("application/json", r#"{"status":"ok"}"#)
}

/// Whether requests can be served: the catalog answers.
#[utoipa::path(get, path = "/ready", tag = "health", responses(
    (status = 200, description = "They can"),
    (status = 503, description = "Not now"),
))]
async fn ready(State(app): State<App>) -> Result<Response, Problem> {
    // Any question will do, as long as the file must be read for it.
    app.catalog(|catalog| match catalog.user_by_name("") {
        Ok(_) | Err(CatalogError::NotFound { .. } | CatalogError::Invalid { .. }) => Ok(()),
        Err(error) => Err(error),
    })
    .await?;
    Ok(reply::whole("application/json", r#"{"status":"ready"}"#))
}

/// Figures in the text form of OpenMetrics, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "health", responses(
    (status = 200, description = "The figures", content_type = "application/openmetrics-text"),
))]
async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    let text = app.metrics.text().map_err(Problem::internal)?;
    Ok(reply::whole("application/openmetrics-text; version=1.0.0; charset=utf-8", text))
}
