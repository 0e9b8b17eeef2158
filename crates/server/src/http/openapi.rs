//! The description of the API, made from the code and served beside it.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;

use crate::app::App;
use crate::reply;

/// What stands above the paths.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "iobeam",
        description = "A data platform for connected devices: devices register and send readings; people and programs \
                       ask for them. Errors of every call have one shape: see `Errors`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    modifiers(&Security),
)]
struct Title;

/// The kinds of authentication.
struct Security;

impl utoipa::Modify for Security {
    fn modify(&self, openapi: &mut OpenApi) {
        use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
        let components = openapi.components.get_or_insert_default();
        let bearer = |text: &str| {
            let mut scheme = Http::new(HttpAuthScheme::Bearer);
            scheme.description = Some(text.to_owned());
            SecurityScheme::Http(scheme)
        };
        components.add_security_scheme("user", bearer("A user token, from GET /v1/tokens/user"));
        components
            .add_security_scheme("project", bearer("A project token, from GET /v1/tokens/project"));
        let mut basic = Http::new(HttpAuthScheme::Basic);
        basic.description = Some("User name or e-mail address, and password".to_owned());
        components.add_security_scheme("password", SecurityScheme::Http(basic));
    }
}

/// The description without any path yet.
pub(super) fn title() -> OpenApi {
    Title::openapi()
}

/// Serves the description of the routes.
pub(super) fn routes(description: OpenApi) -> Router<App> {
    let text = description.to_pretty_json().map_or_else(|_| Bytes::new(), Bytes::from);
    let serve = move || {
        let text = text.clone();
        async move { served(text) }
    };
    Router::new().route("/v1/openapi.json", get(serve))
}

fn served(text: Bytes) -> Response {
    reply::whole("application/json", text)
}
