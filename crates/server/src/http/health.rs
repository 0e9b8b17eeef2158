//! Whether the platform lives, whether it takes readings, and its figures.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
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

/// Whether imports can be taken: the disk has room and can be written, there is memory, and the catalog answers.
#[utoipa::path(get, path = "/ready", tag = "health", responses(
    (status = 200, description = "They can"),
    (status = 503, description = "Not now, and why"),
))]
async fn ready(State(app): State<App>) -> Result<Response, Problem> {
    let reasons = app.readiness.reasons().await;
    if reasons.is_empty() {
        return Ok(reply::whole("application/json", r#"{"status":"ready"}"#));
    }
    let message = "Imports cannot be taken now";
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, message, reasons.join("; "));
    Err(problem.with_retry_after(5))
}

/// Figures in the text form of OpenMetrics, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "health", responses(
    (status = 200, description = "The figures", content_type = "application/openmetrics-text"),
))]
async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    let text = app.metrics.text().map_err(Problem::internal)?;
    Ok(reply::whole("application/openmetrics-text; version=1.0.0; charset=utf-8", text))
}
