//! The routes of the API, one file for each thing they speak of.

mod data;

mod devices;

mod exports;

mod health;

mod imports;

mod invites;

mod namespaces;

mod openapi;

mod projects;

mod sql;

mod tokens;

mod users;

use axum::Router;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// All routes and their description.
pub(crate) fn router(app: App) -> Router {
    let (routes, _description) = OpenApiRouter::<App>::default()
        .merge(imports::routes())
        .merge(data::routes())
        .merge(exports::routes())
        .merge(sql::routes())
        .merge(users::routes())
        .merge(projects::routes())
        .merge(tokens::routes())
        .merge(devices::routes())
        .merge(namespaces::routes())
        .merge(invites::routes())
        .merge(health::routes())
        .merge(openapi::routes())
        .split_for_parts();
    routes.with_state(app)
}
