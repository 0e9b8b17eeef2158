//! The description of the API, made from the code and served beside it.

use axum::Extension;
use axum::response::Response;
use bytes::Bytes;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::core::app::App;
use crate::endpoints::http::reply;

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
        use utoipa::openapi::security::{
            ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme,
        };
        let components = openapi.components.get_or_insert_default();
        let bearer = |text: &str| {
            let mut scheme = Http::new(HttpAuthScheme::Bearer);
            scheme.description = Some(text.to_owned());
            SecurityScheme::Http(scheme)
        };
        let key = |place: fn(ApiKeyValue) -> ApiKey, name, text| {
            SecurityScheme::ApiKey(place(ApiKeyValue::with_description(name, text)))
        };
        components.add_security_scheme("user", bearer("A user token, from GET /v1/tokens/user"));
        components
            .add_security_scheme("project", bearer("A project token, from GET /v1/tokens/project"));
        components.add_security_scheme("session", key(ApiKey::Cookie, "iobeam_session",
            "The session of a browser, from POST /v1/session; over TLS the name is __Host-iobeam_session. A call that \
             takes a project token names the project with the header X-Project-Id, or the parameter project_id"));
        components.add_security_scheme("csrf", key(ApiKey::Header, "X-CSRF-Token",
            "With the session's cookie, for calls that change something: the value that GET /v1/session tells"));
        components.add_security_scheme(
            "share",
            key(
                ApiKey::Header,
                "Authorization",
                "`Share`, a blank, and the key of a shared dashboard",
            ),
        );
        let mut basic = Http::new(HttpAuthScheme::Basic);
        basic.description = Some("User name or e-mail address, and password".to_owned());
        components.add_security_scheme("password", SecurityScheme::Http(basic));
    }
}

/// The description without any path yet.
pub(super) fn title() -> OpenApi {
    Title::openapi()
}

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(document))
}

/// The description as text; the router gives it to the handler once all routes are known.
#[derive(Clone, Debug)]
pub(super) struct Text(pub(super) Bytes);

impl Text {
    /// Writes a description.
    pub(super) fn of(description: &OpenApi) -> Self {
        Self(description.to_pretty_json().map_or_else(|_| Bytes::new(), Bytes::from))
    }
}

/// This description.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "health",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json")))]
async fn document(Extension(Text(text)): Extension<Text>) -> Response {
    reply::whole("application/json", text)
}
