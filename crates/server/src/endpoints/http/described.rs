//! The table in the API's description: each call says who may make it.
//!
//! `security` names the kind of token, as every OpenAPI tool understands it; `x-iobeam-who` names the right too.
//! A call without a row is marked `nobody`, which a test looks for.

use http::Method;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{OpenApi, extensions::Extensions};

use super::table::{changes, is_a_devices, who};
use crate::core::auth::rights::Access;

/// The name of the extension.
const WHO: &str = "x-iobeam-who";

/// The name of the extension that marks what a token bound to a device may call.
const DEVICE: &str = "x-iobeam-device";

/// Writes the table into the description.
pub(crate) fn describe(api: &mut OpenApi) {
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in operations(item) {
            let who = who(&method, path);
            let changes = changes(&method, path);
            operation.security =
                Some(who.map(|who| requirements(who, changes)).unwrap_or_default());
            let name = who.map_or("nobody", Access::name);
            operation
                .extensions
                .get_or_insert_with(Extensions::default)
                .insert(WHO.to_owned(), name.into());
            if is_a_devices(&method, path) {
                let extensions = operation.extensions.get_or_insert_with(Extensions::default);
                extensions.insert(DEVICE.to_owned(), true.into());
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let PathItem { get, put, post, delete, options, head, patch, trace, .. } = item;
    [
        (Method::GET, get),
        (Method::PUT, put),
        (Method::POST, post),
        (Method::DELETE, delete),
        (Method::OPTIONS, options),
        (Method::HEAD, head),
        (Method::PATCH, patch),
        (Method::TRACE, trace),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// The ways to show who one is, of which one will do.
fn requirements(who: Access, changes: bool) -> Vec<SecurityRequirement> {
    const NO_SCOPE: [&str; 0] = [];
    let token = match who {
        Access::Anyone => return vec![SecurityRequirement::default()],
        Access::LogIn => return vec![SecurityRequirement::new("password", NO_SCOPE)],
        Access::User | Access::Operator => SecurityRequirement::new("user", NO_SCOPE),
        Access::Project(_) => SecurityRequirement::new("project", NO_SCOPE),
        Access::Share => return vec![SecurityRequirement::new("share", NO_SCOPE)],
    };
    let session = SecurityRequirement::new("session", NO_SCOPE);
    vec![token, if changes { session.add("csrf", NO_SCOPE) } else { session }]
}
