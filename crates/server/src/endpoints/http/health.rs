//! Whether the platform lives, whether it takes readings, and its figures.

use std::net::IpAddr;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::config::MetricsAccess;
use crate::core::api_error::{ApiError, Category};
use crate::core::app::App;
use crate::endpoints::http::caller::Peer;
use crate::endpoints::http::credentials::credentials;
use crate::endpoints::http::reply;

/// Headers of requests that a proxy passes on.
const FORWARDED: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

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

/// Whether imports can be taken: the disk has room and can be written, there is memory, and the catalog answers. Tables
/// that are out of service are counted in `tables_out_of_service`, and named by `GET /v1/storage/problems`: all others
/// take imports.
#[utoipa::path(get, path = "/ready", tag = "health", responses(
    (status = 200, description = "They can, but for those of tables that are out of service"),
    (status = 503, description = "Not now, and why"),
))]
async fn ready(State(app): State<App>) -> Result<Response, ApiError> {
    let reasons = app.readiness.reasons().await;
    if reasons.is_empty() {
        let tables = app.readiness.tables_out_of_service();
        if tables == 0 {
            return Ok(reply::whole("application/json", r#"{"status":"ready"}"#));
        }
        let told = serde_json::json!({"status": "ready", "tables_out_of_service": tables});
        return Ok(reply::whole("application/json", told.to_string()));
    }
    let message = "Imports cannot be taken now";
    let problem = ApiError::new(Category::Unavailable, message, reasons.join("; "));
    Err(problem.with_retry_after(5))
}

/// Whether a caller from there may see the metrics.
fn may_see_metrics(app: &App, peer: IpAddr, headers: &HeaderMap) -> bool {
    // What a proxy on this machine passes on comes from elsewhere.
    let is_passed_on = FORWARDED.iter().any(|name| headers.contains_key(*name));
    let is_local = peer.to_canonical().is_loopback() && !is_passed_on;
    match app.config.metrics_access {
        MetricsAccess::Open => true,
        MetricsAccess::Loopback if is_local => true,
        MetricsAccess::Loopback | MetricsAccess::Token => {
            app.auth.may_see_metrics(credentials(headers))
        }
    }
}

/// Figures in the text form of OpenMetrics, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "health", responses(
    (status = 200, description = "The figures", content_type = "application/openmetrics-text"),
))]
async fn metrics(
    State(app): State<App>,
    Peer(peer): Peer,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if !may_see_metrics(&app, peer, &headers) {
        return Err(ApiError::unauthorized(
            "The metrics are not open to everybody",
            "Send 'Authorization: Bearer <token>' with the token in keys/metrics.token of the data directory, or a user token \
             of the operator; the setting metrics-access says who needs it",
        ));
    }
    let text = app.metrics.text().map_err(ApiError::internal)?;
    Ok(reply::whole("application/openmetrics-text; version=1.0.0; charset=utf-8", text))
}
