//! The caller of a request: asked for once, before anything else of the request is read.
//!
//! ```text
//! request ─▶ route ─▶ guard: row of the table ─▶ may they? ─▶ Caller in the request ─▶ handler(UserCaller, ..)
//!                        └─ no row: refused
//! ```
//!
//! The guard stands before every route, so a handler that forgets to ask is guarded all the same; one that asks
//! for a caller that its row does not bring is a bug, which answers 403 and never opens anything.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CONNECTION, EXPECT, HeaderValue};
use http::request::Parts;
use http::{Extensions, HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt as _, Limited};

use crate::app::App;
use crate::auth::refusal::Refusal;
use crate::auth::table::{self, Who};
use crate::auth::{Caller, ProjectCaller, UserCaller};
use crate::problem::Problem;

/// How much is read of a body that nobody wants.
const UNWANTED: usize = 64 << 10;

/// How long it may take to arrive.
const PATIENCE: Duration = Duration::from_secs(1);

/// Stands before every route and lets in whom the table names.
pub(crate) async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let Some(route) = request.extensions().get::<MatchedPath>().cloned() else {
        return Problem::from(Refusal::Nobody).into_response();
    };
    let Some(who) = table::who(request.method(), route.as_str()) else {
        let reply = no_row(route.as_str(), request.method());
        return without(request, reply).await;
    };
    match enter(&app, who, request.headers()).await {
        Ok(Some(caller)) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Ok(None) => next.run(request).await,
        Err(problem) => without(request, problem.into_response()).await,
    }
}

/// The reply to a request whose body nobody wants. A short one is read all the same, as the connection could not
/// be used again otherwise, of which its client would only learn from its next request.
pub(crate) async fn without(request: Request, mut reply: Response) -> Response {
    let waits = request.headers().contains_key(EXPECT);
    let mut body = Limited::new(request.into_body(), UNWANTED);
    let read = async {
        while let Some(frame) = body.frame().await {
            if frame.is_err() {
                return false;
            }
        }
        true
    };
    if waits || !tokio::time::timeout(PATIENCE, read).await.unwrap_or(false) {
        reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    reply
}

async fn enter(app: &App, who: Who, headers: &HeaderMap) -> Result<Option<Caller>, Problem> {
    if matches!(who, Who::Anyone | Who::LogIn) {
        return Ok(None);
    }
    let caller = app.auth.caller(headers)?.allowed(who)?;
    if who == Who::Operator {
        let Caller::User(UserCaller { user, .. }) = caller else {
            return Err(Refusal::NotOperator.into());
        };
        if !app.catalog(move |catalog| catalog.user(user)).await?.operator {
            return Err(Refusal::NotOperator.into());
        }
    }
    Ok(Some(caller))
}

/// The reply to a call that is not in the table: to a known route with another method, or to a route that
/// was forgotten.
fn no_row(route: &str, method: &Method) -> Response {
    let methods: Vec<&str> = table::methods(route).map(Method::as_str).collect();
    if methods.is_empty() {
        tracing::error!(route, %method, "the table of permissions has no row for this route");
        return Problem::from(Refusal::Nobody).into_response();
    }
    let methods = methods.join(", ");
    let mut reply = Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{method} is not possible here"),
        format!("This path takes {methods}"),
    )
    .into_response();
    if let Ok(value) = HeaderValue::from_str(&methods) {
        reply.headers_mut().insert(ALLOW, value);
    }
    reply
}

/// What the guard put into the request.
fn known(extensions: &Extensions) -> Result<Caller, Problem> {
    extensions.get::<Caller>().cloned().ok_or_else(|| Refusal::Nobody.into())
}

impl FromRequestParts<App> for UserCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        match known(&parts.extensions)? {
            Caller::User(caller) => Ok(caller),
            Caller::Project(_) => Err(Refusal::WrongKind { takes: Who::User }.into()),
        }
    }
}

impl FromRequestParts<App> for ProjectCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        match known(&parts.extensions)? {
            Caller::Project(caller) => Ok(caller),
            Caller::User(_) => {
                Err(Refusal::WrongKind { takes: Who::Project(table::Right::Any) }.into())
            }
        }
    }
}

/// The address the request came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

impl FromRequestParts<App> for Peer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip())))
    }
}
