//! The routes of the API, one file for each thing they speak of, and the door before them.
//!
//! ```text
//! request ─▶ path without its last slash ─▶ route ─▶ guard ─▶ handler ─▶ reply
//!                                                         └─ none: web app, 404    ├─ error? a JSON body, always
//!                                                                                  └─ log, count
//! ```
//!
//! Invariants: no redirect; no cookie but that of a session, and no page of another site is let in with it; a reply of
//! status 400 and above has the body of [`ApiError`]; a panic in a handler is a 500 and harms nobody else; the log holds
//! paths without their query strings.

mod imports;

mod data;

mod exports;

mod sql;

mod live;

mod projects;

mod session;

mod users;

mod accounts;

mod latest;

mod devices;

mod corrections;

mod statistics;

mod namespaces;

mod invites;

mod shared;

mod query;

mod dashboards;

mod tokens;

mod refusals;

mod storage;

mod health;

mod openapi;

mod lookup;

mod schema;

pub(crate) mod connection;

pub(crate) mod caller;

pub(crate) mod body;

pub(crate) mod web_app;

mod answer;

pub(crate) mod reply;

pub(crate) mod parameters;

mod described;

mod table;

mod basic;

mod credentials;

mod cookie;

#[cfg(test)]
mod cookie_corpus;

#[cfg(test)]
#[path = "../../../../fuzz/cookie_checks.rs"]
mod cookie_checks;

pub(crate) mod error_response;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use futures::FutureExt as _;
use http::header::{self, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use tower::ServiceExt as _;
use tracing::Instrument as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::endpoints::http::caller::{Authorization, authorize, without};
use crate::endpoints::http::described::describe;
use crate::endpoints::http::error_response::protocol_error;
use crate::endpoints::http::parameters::Parameters;
use crate::endpoints::http::web_app::WebApp;

/// The header of a refusal that tells its request's number, by which the log calls it.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers requests. A cheap handle.
#[derive(Clone)]
pub(crate) struct HttpService {
    app: App,
    router: Router,
    count: Arc<AtomicU64>,
}

impl HttpService {
    /// All routes, with what they need.
    pub(crate) fn new(app: App, web_app: WebApp) -> Self {
        let (paths, description) = described();
        let parameters = Arc::new(Parameters::of(&description));
        let router = paths
            .layer(Extension(openapi::Text::of(&description)))
            .route_layer(from_fn_with_state(
                Authorization { app: app.clone(), parameters },
                authorize,
            ))
            .method_not_allowed_fallback(method_not_allowed)
            .fallback(move |request| elsewhere(web_app.clone(), request))
            .with_state(app.clone());
        Self { app, router, count: Arc::default() }
    }

    /// Answers one request, whatever it is.
    pub(crate) async fn answer(&self, mut request: Request<Body>) -> Response {
        let begun = self.app.clock.monotonic();
        let _running = self.app.metrics.begun();
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let from_browser = request.headers().contains_key(header::ORIGIN);
        let span = tracing::info_span!("request", id = number, %method, path);
        let mut reply = {
            without_last_slash(request.uri_mut());
            let answer = AssertUnwindSafe(self.router.clone().oneshot(request)).catch_unwind();
            match answer.instrument(span.clone()).await {
                Ok(Ok(reply)) => reply,
                Ok(Err(never)) => match never {},
                Err(_panic) => ApiError::internal("a handler panicked").into_response(),
            }
        };
        if method == Method::OPTIONS {
            reply = preflight(reply.headers().get(header::ALLOW));
        }
        if from_browser {
            let any = HeaderValue::from_static("*");
            reply.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
        }
        let mut reply = with_json_error(reply);
        if reply.status().is_client_error() || reply.status().is_server_error() {
            reply.headers_mut().insert(REQUEST_ID, number.into());
        }
        self.note(&span, &method, &reply, begun);
        reply
    }

    /// Counts and logs a reply.
    fn note(
        &self,
        span: &tracing::Span,
        method: &Method,
        reply: &Response,
        begun: std::time::Duration,
    ) {
        let took = self.app.clock.monotonic().saturating_sub(begun);
        let status = reply.status().as_u16();
        self.app.metrics.answered(method.as_str(), status, took);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let _entered = span.enter();
        if let Some(problem) = reply.extensions().get::<ApiError>() {
            self.app.metrics.refused(problem.code.0);
            tracing::info!(status, micros, code = problem.code.0, "refused");
        } else {
            tracing::info!(status, micros, "answered");
        }
    }
}

/// The description of the API, as it is served at `/v1/openapi.json`.
pub(crate) fn description() -> OpenApi {
    described().1
}

/// The routes, and their description with all that is true of each of them.
fn described() -> (Router<App>, OpenApi) {
    let (routes, mut description) = routes().split_for_parts();
    describe(&mut description);
    schema::add_errors(&mut description);
    (routes, description)
}

/// Every route.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::title())
        .merge(imports::routes())
        .merge(data::routes())
        .merge(exports::routes())
        .merge(sql::routes())
        .merge(query::routes())
        .merge(live::routes())
        .merge(users::routes())
        .merge(accounts::routes())
        .merge(projects::routes())
        .merge(session::routes())
        .merge(tokens::routes())
        .merge(latest::routes())
        .merge(statistics::routes())
        .merge(devices::routes())
        .merge(namespaces::routes())
        .merge(corrections::routes())
        .merge(invites::routes())
        .merge(dashboards::routes())
        .merge(shared::routes())
        .merge(refusals::routes())
        .merge(storage::routes())
        .merge(health::routes())
        .merge(openapi::routes())
}

/// What is not of the API may be a file or a page of the web app.
async fn elsewhere(web_app: WebApp, request: Request<Body>) -> Response {
    let (path, headers) = (request.uri().path().to_owned(), request.headers().clone());
    match web_app.answer(request.method(), &path, &headers).await {
        Some(reply) => reply,
        None => no_such_path(request).await,
    }
}

async fn no_such_path(request: Request<Body>) -> Response {
    let problem = ApiError::not_found(
        "There is nothing at this path",
        format!("{}; GET /v1/openapi.json lists the paths there are", request.uri().path()),
    );
    without(request, problem.into_response()).await
}

async fn method_not_allowed(request: Request<Body>) -> Response {
    let (method, path) = (request.method(), request.uri().path());
    let problem = protocol_error(
        StatusCode::METHOD_NOT_ALLOWED,
        "This path does not take this method",
        format!("{method} {path}; the header Allow names the methods it takes"),
    );
    without(request, problem.into_response()).await
}

/// What browsers ask before they send a request from another site's page. The methods that the path takes are those of
/// the refusal that any other method meets there.
fn preflight(allowed: Option<&HeaderValue>) -> Response {
    let mut reply = Response::new(Body::empty());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    let headers = reply.headers_mut();
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST, PUT, PATCH, DELETE"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Authorization, Accept-Type, Access-Control-Allow-Origin, Content-Type, Content-Encoding",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(allowed) = allowed {
        headers.insert(header::ALLOW, allowed.clone());
    }
    reply
}

/// Paths are the same with and without a slash at their end.
fn without_last_slash(uri: &mut Uri) {
    let path = uri.path();
    let bare = path.trim_end_matches('/');
    if bare.len() == path.len() || bare.is_empty() {
        return;
    }
    let rest = uri.query().map_or_else(|| bare.to_owned(), |query| format!("{bare}?{query}"));
    if let Ok(rest) = rest.parse::<PathAndQuery>() {
        let mut parts = std::mem::take(uri).into_parts();
        parts.path_and_query = Some(rest);
        *uri = Uri::from_parts(parts).unwrap_or_default();
    }
}

/// Some refusals come from the framework, with a text or nothing for a body: clients would take them for success.
fn with_json_error(reply: Response) -> Response {
    let status = reply.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || is_json(reply.headers()) {
        return reply;
    }
    let reason = status.canonical_reason().unwrap_or("The request was refused");
    let problem =
        protocol_error(status, reason, "See the description of the API at /v1/openapi.json");
    let mut whole = problem.into_response();
    if let Some(allow) = reply.headers().get(header::ALLOW) {
        whole.headers_mut().insert(header::ALLOW, allow.clone());
    }
    whole
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_the_framework_becomes_one_of_ours() {
        let mut bare = Response::new(Body::from("length required"));
        *bare.status_mut() = StatusCode::LENGTH_REQUIRED;
        bare.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET"));
        let reply = with_json_error(bare);
        assert_eq!(reply.status(), StatusCode::LENGTH_REQUIRED);
        assert!(is_json(reply.headers()));
        assert_eq!(reply.headers()[header::ALLOW], "GET");
        assert!(reply.extensions().get::<ApiError>().is_some());
        let sound = with_json_error(Response::new(Body::from("text")));
        assert!(!is_json(sound.headers()), "what is no error stays as it is");
    }

    #[test]
    fn a_slash_at_the_end_goes_and_the_query_string_stays() {
        for (given, kept) in [
            ("/v1/data/input/?a=/", "/v1/data/input?a=/"),
            ("/v1//", "/v1"),
            ("/", "/"),
            ("/a", "/a"),
            ("http://host/a/", "http://host/a"),
        ] {
            let mut uri: Uri = given.parse().expect("a path");
            without_last_slash(&mut uri);
            assert_eq!(uri.to_string(), kept);
        }
    }
}
