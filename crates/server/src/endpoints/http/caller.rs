//! The caller of a request: asked for once, before anything else of the request is read.
//!
//! ```text
//! request ─▶ route ─▶ guard: row of the table ─▶ who? ─▶ known parameters? ─▶ may they? ─▶ Caller in the request ─▶ handler(UserCaller, ..)
//!                        └─ no row: refused
//! ```
//!
//! The guard stands before every route, so a handler that forgets to ask is guarded all the same; one that asks
//! for a caller that its row does not bring is a bug, which answers 403 and never opens anything.
//!
//! Who brings no Authorization header may bring the cookie of a session; where the table wants a project, such a
//! request names it. What is answered to a cookie is kept by nobody on the way.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{
    ConnectInfo, FromRequestParts, MatchedPath, OptionalFromRequestParts, Request, State,
};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, COOKIE, EXPECT, HeaderValue,
    X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{Extensions, HeaderMap, Method, StatusCode, Uri};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::{BodyExt as _, Limited};
use iobeam_catalog::{Actor, CatalogError};
use iobeam_model::ProjectId;

use crate::core::api_error::{ApiError, Category};
use crate::core::app::App;
use crate::core::auth::refusal::Refusal;
use crate::core::auth::rights::{Access, Permission};
use crate::core::auth::share::ShareCaller;
use crate::core::auth::standing::Credential;
use crate::core::auth::{Caller, Credentials, ProjectCaller, Standing, UserCaller};
use crate::endpoints::http::cookie::{PROJECT, Way};
use crate::endpoints::http::credentials::{credentials, session_request};
use crate::endpoints::http::error_response::protocol_error;
use crate::endpoints::http::parameters::{PROJECT_ID, Parameters};
use crate::endpoints::http::table;

/// How much is read of a body that nobody wants.
const UNREAD_BODY_MAX_BYTES: usize = 64 << 10;

/// How long it may take to arrive.
const UNREAD_BODY_TIMEOUT: Duration = Duration::from_secs(1);

/// How often it is asked whether the caller of a request that takes long may still have the answer.
const ACCESS_CHECK_INTERVAL: Duration = Duration::from_millis(250);

/// A reply of at most so many bytes is handed over at once.
const UNWATCHED_MAX_BYTES: u64 = 64 << 10;

/// The call by which readings come in.
pub(crate) const IMPORTS: &str = "/v1/imports";

/// What is known before a request is looked at.
#[derive(Clone)]
pub(crate) struct Authorization {
    /// The platform's parts.
    pub(crate) app: App,
    /// What each route takes.
    pub(crate) parameters: Arc<Parameters>,
}

/// Stands before every route and lets in whom the table names.
pub(crate) async fn authorize(
    State(at): State<Authorization>,
    mut request: Request,
    next: Next,
) -> Response {
    let app = &at.app;
    let Some(route) = request.extensions().get::<MatchedPath>().cloned() else {
        return ApiError::from(Refusal::Nobody).into_response();
    };
    let Some(who) = table::who(request.method(), route.as_str()) else {
        let reply = no_row(route.as_str(), request.method());
        return without(request, reply).await;
    };
    let by_cookie =
        !request.headers().contains_key(AUTHORIZATION) && request.headers().contains_key(COOKIE);
    let mut entered = enter(app, who, &request, route.as_str());
    if let Ok(entry) = &entered
        && let Err(refused) = operates(app, who, entry.as_ref().map(|(caller, _)| caller)).await
    {
        entered = Err(refused);
    }
    if let Ok(Some((Caller::Project(caller), _))) = &entered
        && let Err(problem) = arrives(app, caller).await
    {
        entered = Err(problem);
    }
    let query = request.uri().query().unwrap_or_default();
    let takes_project = matches!(who, Access::Project(_));
    let unknown = at.parameters.refusal(request.method(), route.as_str(), takes_project, query);
    if let Some(unknown) = unknown
        && !matches!(&entered, Err(refused) if refused.category == Category::NotAuthenticated)
    {
        entered = Err(unknown);
    }
    let mut reply = match entered {
        Ok(None) => next.run(request).await,
        Ok(Some((caller, standing))) => {
            request.extensions_mut().insert(caller);
            request.extensions_mut().insert(standing.clone());
            // What was taken in is stored, and answered, once it was let in: the write path looks again itself.
            let is_import = route.as_str() == IMPORTS;
            let answer = next.run(request);
            let reply =
                if is_import { answer.await } else { while_allowed(app, &standing, answer).await };
            watched(app, standing, reply)
        }
        Err(problem) => {
            // A device whose token ran out hears of it, and so shall whoever misses its readings.
            if route.as_str() == IMPORTS
                && let Some((project, device)) = app.auth.issued_for(credentials(request.headers()))
            {
                app.refusals.note(project, device.map(|device| device.to_string()), &problem);
            }
            without(request, problem.into_response()).await
        }
    };
    if by_cookie {
        let headers = reply.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // What a device called itself shall never be taken for a page.
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    }
    reply
}

/// The reply to a request whose body nobody wants. A short one is read all the same, as the connection could not
/// be used again otherwise, of which its client would only learn from its next request.
pub(crate) async fn without(request: Request, mut reply: Response) -> Response {
    let waits = request.headers().contains_key(EXPECT);
    let mut body = Limited::new(request.into_body(), UNREAD_BODY_MAX_BYTES);
    let read = async {
        while let Some(frame) = body.frame().await {
            if frame.is_err() {
                return false;
            }
        }
        true
    };
    if waits || !tokio::time::timeout(UNREAD_BODY_TIMEOUT, read).await.unwrap_or(false) {
        reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    reply
}

/// Waits for the answer as long as its caller may have it.
async fn while_allowed(
    app: &App,
    standing: &Standing,
    answer: impl Future<Output = Response>,
) -> Response {
    let mut answer = pin!(answer);
    loop {
        if let Ok(reply) = tokio::time::timeout(ACCESS_CHECK_INTERVAL, answer.as_mut()).await {
            return reply;
        }
        if let Err(refusal) = app.auth.still(standing) {
            return ApiError::from(refusal).into_response();
        }
    }
}

/// The reply, whose body ends when its caller's rights do. What fits into a few pieces is on its way already.
fn watched(app: &App, standing: Standing, reply: Response) -> Response {
    let size = reply.body().size_hint().upper();
    let is_stream =
        reply.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
    // A live connection looks for itself, and says why it ends.
    if is_stream || size.is_some_and(|size| size <= UNWATCHED_MAX_BYTES) {
        return reply;
    }
    let app = app.clone();
    reply.map(|body| Body::new(Watched { body, app, standing }))
}

/// A body that ends when its reader's rights do.
struct Watched {
    body: Body,
    app: App,
    standing: Standing,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Err(refusal) = self.app.auth.still(&self.standing) {
            return Poll::Ready(Some(Err(axum::Error::new(refusal))));
        }
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Who asks, if the table wants to know and lets them in, and what they are let in by.
fn enter(
    app: &App,
    who: Access,
    request: &Request,
    route: &str,
) -> Result<Option<(Caller, Standing)>, ApiError> {
    if matches!(who, Access::Anyone | Access::LogIn) {
        return Ok(None);
    }
    // Read before anything else: what changes meanwhile is seen when it is looked at again.
    let generation = app.auth.generation();
    let caller = if request.headers().contains_key(AUTHORIZATION) {
        app.auth.caller(credentials(request.headers()))?
    } else {
        visitor(app, who, request, route)?
    };
    let caller = caller.allowed(who)?;
    let by = match &caller {
        Caller::User(caller) => Credential::Token(caller.token),
        Caller::Project(caller) if caller.user.is_some() => {
            Credential::Session(caller.token, caller.project)
        }
        Caller::Project(caller) => {
            if caller.device.is_some() && !table::is_a_devices(request.method(), route) {
                return Err(Refusal::NotADevices.into());
            }
            Credential::Token(caller.token)
        }
        Caller::Share(_) => match credentials(request.headers()) {
            Credentials::Share(key) => Credential::Share(key.to_owned()),
            _ => return Err(Refusal::NoShare.into()),
        },
    };
    let standing = app.auth.standing(by, who, generation);
    Ok(Some((caller, standing)))
}

/// Refuses all but the operator where the table names nobody else.
async fn operates(app: &App, who: Access, caller: Option<&Caller>) -> Result<(), ApiError> {
    if who != Access::Operator {
        return Ok(());
    }
    let Some(&Caller::User(UserCaller { user, .. })) = caller else {
        return Err(Refusal::NotOperator.into());
    };
    if app.catalog(move |catalog| catalog.user(user)).await?.operator {
        Ok(())
    } else {
        Err(Refusal::NotOperator.into())
    }
}

/// Notes that a member whom somebody else put into a project is there now, so that the others see who they are.
async fn arrives(app: &App, caller: &ProjectCaller) -> Result<(), ApiError> {
    let project = caller.project;
    match caller.user.filter(|user| app.catalog.is_absent(project, *user)) {
        Some(user) => app.catalog(move |catalog| catalog.come_in(project, user)).await,
        None => Ok(()),
    }
}

/// Who brings the cookie of a session; where the table wants a project, in the one that the request names.
fn visitor(app: &App, who: Access, request: &Request, route: &str) -> Result<Caller, ApiError> {
    let over_tls = request.extensions().get::<OverTls>().is_some();
    let way = Way::new(request.headers(), app.config.http.public_url.as_deref(), over_tls);
    let caller = app.auth.visitor(session_request(way), table::changes(request.method(), route))?;
    if !matches!(who, Access::Project(_)) {
        return Ok(Caller::User(caller));
    }
    let named = named_project(request.headers(), request.uri())?;
    let in_project = ProjectId::new(named).and_then(|id| app.auth.in_project(&caller, id));
    in_project
        .map(Caller::Project)
        .ok_or_else(|| CatalogError::NotFound { what: "project", name: named.to_string() }.into())
}

/// The project that a request is about: by header, or, for plain links, by parameter.
fn named_project(headers: &HeaderMap, uri: &Uri) -> Result<u32, ApiError> {
    let text = match headers.get(PROJECT) {
        Some(value) => Some(String::from_utf8_lossy(value.as_bytes()).into_owned()),
        None => url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
            .find(|(name, _)| name == PROJECT_ID)
            .map(|(_, value)| value.into_owned()),
    };
    let text = text.ok_or_else(|| {
        ApiError::bad_request(
            "The request does not say which project",
            "With the cookie of a session send the header X-Project-Id, or the parameter project_id",
        )
    })?;
    text.trim().parse().map_err(|_| {
        let details =
            format!("X-Project-Id or project_id: '{text}' is not the number of a project");
        ApiError::bad_request("The project is not valid", details)
    })
}

/// The reply to a call that is not in the table: to a known route with another method, or to a route that
/// was forgotten.
fn no_row(route: &str, method: &Method) -> Response {
    let methods: Vec<&str> = table::methods(route).map(Method::as_str).collect();
    if methods.is_empty() {
        tracing::error!(route, %method, "the table of permissions has no row for this route");
        return ApiError::from(Refusal::Nobody).into_response();
    }
    let methods = methods.join(", ");
    let mut reply = protocol_error(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{method} is not possible here"),
        format!("This path takes {methods}"),
    )
    .into_response();
    // What answers GET answers HEAD too, and OPTIONS is answered everywhere.
    let head = if methods.contains("GET") { ", HEAD" } else { "" };
    if let Ok(value) = HeaderValue::from_str(&format!("{methods}{head}, OPTIONS")) {
        reply.headers_mut().insert(ALLOW, value);
    }
    reply
}

/// What the guard put into the request.
fn known(extensions: &Extensions) -> Result<Caller, ApiError> {
    extensions.get::<Caller>().cloned().ok_or_else(|| Refusal::Nobody.into())
}

impl FromRequestParts<App> for UserCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        match known(&parts.extensions)? {
            Caller::User(caller) => Ok(caller),
            _ => Err(Refusal::WrongKind { takes: Access::User }.into()),
        }
    }
}

impl FromRequestParts<App> for ProjectCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        match known(&parts.extensions)? {
            Caller::Project(caller) => Ok(caller),
            _ => Err(Refusal::WrongKind { takes: Access::Project(Permission::Any) }.into()),
        }
    }
}

impl FromRequestParts<App> for ShareCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        match known(&parts.extensions)? {
            Caller::Share(caller) => Ok(caller),
            _ => Err(Refusal::WrongKind { takes: Access::Share }.into()),
        }
    }
}

impl FromRequestParts<App> for Standing {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        parts.extensions.get().cloned().ok_or_else(|| Refusal::Nobody.into())
    }
}

/// Stands in a request that came over TLS.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OverTls;

impl OptionalFromRequestParts<App> for OverTls {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get().copied())
    }
}

/// The platform, on behalf of who sent the request: what is changed with it is recorded as theirs.
pub(crate) struct Acting(pub(crate) App);

impl FromRequestParts<App> for Acting {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let address = peer.map(|ConnectInfo(peer)| peer.ip());
        let (user, token) = match parts.extensions.get::<Caller>() {
            Some(Caller::User(caller)) => (Some(caller.user), Some(caller.token)),
            Some(Caller::Project(caller)) => (caller.user, Some(caller.token)),
            Some(Caller::Share(_)) | None => (None, None),
        };
        Ok(Self(app.acting_as(Actor { user, token, address })))
    }
}

/// The address the request came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

impl FromRequestParts<App> for Peer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip())))
    }
}
