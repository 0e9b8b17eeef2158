//! What a request names, looked up: what the caller may not see is not found, whether it exists or not.

use iobeam_catalog::CatalogError;
use iobeam_model::{DeviceId, ProjectId};

use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::core::auth::UserCaller;
use crate::core::auth::refusal::Refusal;

/// The project of that number, if the caller may do anything in it.
pub(super) fn visible(app: &App, caller: &UserCaller, number: u32) -> Result<ProjectId, ApiError> {
    ProjectId::new(number)
        .filter(|project| !app.catalog.permissions(caller.user, *project).is_empty())
        .ok_or_else(|| CatalogError::NotFound { what: "project", name: number.to_string() }.into())
}

/// The project of that number, if the caller administers it.
pub(super) fn administered(
    app: &App,
    caller: &UserCaller,
    number: u32,
) -> Result<ProjectId, ApiError> {
    let project = visible(app, caller, number)?;
    if app.catalog.permissions(caller.user, project).admin {
        Ok(project)
    } else {
        Err(Refusal::NotAdmin.into())
    }
}

/// An id that a device may have: one that cannot be an id is nobody's.
pub(super) fn known_id(text: String) -> Result<DeviceId, ApiError> {
    text.parse().map_err(|_| CatalogError::NotFound { what: "device", name: text }.into())
}
