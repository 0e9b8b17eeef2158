//! Coming.

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
}
