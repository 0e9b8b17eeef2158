//! The caller of a request: asked for once, before anything else of the request is read.
//!
//! ```text
//! request ─▶ route ─▶ guard: row of the table ─▶ may they? ─▶ Caller in the request ─▶ handler(UserCaller, ..)
//!                        └─ no row: refused
//! ```
//!
//! The guard stands before every route, so a handler that forgets to ask is guarded all the same; one that asks
//! for a caller that its row does not bring is a bug, which answers 500 and never opens anything.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, HeaderValue};
use http::request::Parts;
use http::{Extensions, HeaderMap, Method, StatusCode};

use crate::app::App;
use crate::auth::refusal::Refusal;
use crate::auth::table::{self, Who};
use crate::auth::{Caller, ProjectCaller, UserCaller};
use crate::problem::Problem;

/// Stands before every route and lets in whom the table names.
pub(crate) async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let Some(route) = request.extensions().get::<MatchedPath>().cloned() else {
        return Problem::from(Refusal::Nobody).into_response();
    };
    let Some(who) = table::who(request.method(), route.as_str()) else {
        return no_row(route.as_str(), request.method());
    };
    match enter(&app, who, request.headers()).await {
        Ok(Some(caller)) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Ok(None) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
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
