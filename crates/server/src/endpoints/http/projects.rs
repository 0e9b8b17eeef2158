//! Projects, and who may do what in them.
//!
//! ```text
//! GET /v1/projects          {"projects":[{.., "permissions":{"read":true,..}}]}         what the caller may do
//! GET /v1/projects/{id}     {.., "permissions":{"read":[{"user_id":101}],..}}           who may do what
//! ```
//!
//! A project in which the caller may do nothing does not exist for them: 404, never 403.

mod invites;

use axum::Json as Reply;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use iobeam_catalog::{Catalog, CatalogError, Changed, MemberTokens, PermissionChange, Project};
use iobeam_model::{Permissions, ProjectId, UserId};
use iobeam_wire::v1::{
    Holders, MemberObject, PermissionsReply, ProjectList, ProjectListItem, ProjectObject,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::lookup::{administered, visible};
use super::schema;
use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::core::auth::UserCaller;
use crate::core::deletion;
use crate::endpoints::http::body::{Json, Path, Query};
use crate::endpoints::http::caller::Acting;

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(create, list))
        .routes(routes!(show, update, delete))
        .routes(routes!(permissions, set_permissions))
        .merge(invites::routes())
}

/// A new project.
#[derive(Deserialize, ToSchema)]
struct ProjectRequest {
    /// Its name, unique on the server.
    project_name: String,
    /// Whether an unknown device is registered by its first import; no, unless asked for.
    auto_register: Option<bool>,
}

/// What to change about a project; what is absent stays. Other members may be sent along and are ignored.
#[derive(Deserialize, ToSchema)]
struct ProjectUpdate {
    /// Another name, unique on the server.
    project_name: Option<String>,
    /// Whether an unknown device is registered by its first import.
    auto_register: Option<bool>,
}

/// Which project.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ProjectQuery {
    /// The project's name: the reply is that one project, not a list.
    name: Option<String>,
}

/// What a user shall be allowed to do. A right that is absent is not granted; without any, the user is removed.
#[derive(Deserialize, ToSchema)]
struct PermissionsRequest {
    /// The user.
    user_id: u32,
    /// The user name or e-mail address by which the caller knows a new member: until they have been in the project, the
    /// others see that of them, or the number alone.
    name: Option<String>,
    /// See devices and query readings.
    #[serde(default)]
    read: bool,
    /// Register devices and send readings.
    #[serde(default)]
    write: bool,
    /// Change the project itself.
    #[serde(default)]
    admin: bool,
    /// What becomes of the tokens that a user made who is removed: `keep` (the project owns them from then on, and lists
    /// them for review) or `revoke` (all end). Unless said, those that are bound to a device go on and all others end.
    tokens: Option<String>,
}

/// The caller's projects, or the one that was asked for by name.
#[derive(Serialize)]
#[serde(untagged)]
enum Found {
    All(ProjectList),
    One(ProjectObject),
}

/// Make a project. The caller holds every permission in it.
#[utoipa::path(
    post, operation_id = "create_project", path = "/v1/projects", tag = "projects", request_body = ProjectRequest,
    responses((status = 201, description = "The project was made", body = schema::Project)),
)]
async fn create(
    Acting(app): Acting,
    caller: UserCaller,
    Json(request): Json<ProjectRequest>,
) -> Result<(StatusCode, Reply<ProjectObject>), ApiError> {
    let made = app
        .catalog(move |catalog| {
            let project = catalog.create_project(caller.user, &request.project_name)?;
            if request.auto_register == Some(true) {
                catalog.set_auto_register(project.id, true)?;
            }
            current(catalog, project.id)
        })
        .await?;
    Ok((StatusCode::CREATED, Reply(made)))
}

/// List the caller's projects, or show one by name.
#[utoipa::path(
    get, operation_id = "list_projects", path = "/v1/projects", tag = "projects", params(ProjectQuery),
    responses(
        (status = 200, description = "The caller's projects; with `name`: that one project",
         body = schema::ProjectOrList),
    ),
)]
async fn list(
    Acting(app): Acting,
    caller: UserCaller,
    Query(query): Query<ProjectQuery>,
) -> Result<Reply<Found>, ApiError> {
    let found = app
        .catalog(move |catalog| {
            let Some(name) = query.name else {
                return all(catalog, caller.user).map(Found::All);
            };
            catalog
                .project_by_name(&name)
                .filter(|project| !catalog.permissions(caller.user, project.id).is_empty())
                .map(|project| Found::One(shown(catalog, &project)))
                .ok_or(CatalogError::NotFound { what: "project", name })
        })
        .await?;
    Ok(Reply(found))
}

/// Show a project.
#[utoipa::path(
    get, operation_id = "show_project", path = "/v1/projects/{project_id}", tag = "projects",
    params(("project_id" = u32, Path, description = "The project's number")),
    responses((status = 200, description = "The project", body = schema::Project)),
)]
async fn show(
    Acting(app): Acting,
    caller: UserCaller,
    Path(number): Path<u32>,
) -> Result<Reply<ProjectObject>, ApiError> {
    let project = visible(&app, &caller, number)?;
    let shown = app
        .catalog(move |catalog| {
            let members = catalog.seen_in(project)?.into_iter().map(|user| MemberObject {
                user_id: user.id,
                username: user.username.unwrap_or_default(),
                email: user.email,
            });
            Ok(ProjectObject { members: Some(members.collect()), ..current(catalog, project)? })
        })
        .await?;
    Ok(Reply(shown))
}

/// Rename a project, or choose whether devices register by sending.
#[utoipa::path(
    patch, operation_id = "update_project", path = "/v1/projects/{project_id}", tag = "projects", request_body = ProjectUpdate,
    params(("project_id" = u32, Path, description = "The project's number")),
    responses(
        (status = 200, description = "Changed", body = schema::Project),
        (status = 204, description = "Nothing to change"),
    ),
)]
async fn update(
    Acting(app): Acting,
    caller: UserCaller,
    Path(number): Path<u32>,
    Json(request): Json<ProjectUpdate>,
) -> Result<Response, ApiError> {
    let project = administered(&app, &caller, number)?;
    let after = app
        .catalog(move |catalog| {
            let mut changed = false;
            if let Some(name) = &request.project_name {
                changed |= catalog.rename_project(project, name)? == Changed::Yes;
            }
            if let Some(on) = request.auto_register {
                changed |= catalog.set_auto_register(project, on)? == Changed::Yes;
            }
            changed.then(|| current(catalog, project)).transpose()
        })
        .await?;
    Ok(match after {
        Some(project) => Reply(project).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

/// Delete a project: its members, tokens, devices, namespaces, dashboards and all its rows are gone, and nobody can
/// bring them back.
#[utoipa::path(
    delete, operation_id = "delete_project", path = "/v1/projects/{project_id}", tag = "projects",
    params(("project_id" = u32, Path, description = "The project's number")),
    responses((status = 204, description = "It is gone")),
)]
async fn delete(
    Acting(app): Acting,
    caller: UserCaller,
    Path(number): Path<u32>,
) -> Result<StatusCode, ApiError> {
    let project = administered(&app, &caller, number)?;
    let deleted = app.catalog(move |catalog| catalog.delete_project(project)).await?;
    deletion::end(&app, deleted).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Show who may do what in a project.
#[utoipa::path(
    get, operation_id = "show_permissions", path = "/v1/projects/{project_id}/permissions", tag = "projects",
    params(("project_id" = u32, Path, description = "The project's number")),
    responses((status = 200, description = "Who may do what", body = schema::PermissionsReply)),
)]
async fn permissions(
    Acting(app): Acting,
    caller: UserCaller,
    Path(number): Path<u32>,
) -> Result<Reply<PermissionsReply>, ApiError> {
    let project = visible(&app, &caller, number)?;
    Ok(Reply(PermissionsReply { permissions: holders(&app.catalog, project) }))
}

/// Say what a user may do in a project.
///
/// Tokens that they made grant at most as much from then on, unless the project owns them.
#[utoipa::path(
    patch, operation_id = "set_permissions", path = "/v1/projects/{project_id}/permissions", tag = "projects",
    request_body = PermissionsRequest,
    params(("project_id" = u32, Path, description = "The project's number")),
    responses(
        (status = 201, description = "The user is a new member; no body"),
        (status = 200, description = "Changed or removed", body = schema::PermissionsReply),
        (status = 204, description = "Nothing to change"),
    ),
)]
async fn set_permissions(
    Acting(app): Acting,
    caller: UserCaller,
    Path(number): Path<u32>,
    Json(request): Json<PermissionsRequest>,
) -> Result<Response, ApiError> {
    let project = administered(&app, &caller, number)?;
    let PermissionsRequest { user_id, name, read, write, admin, tokens } = request;
    let tokens = match tokens.as_deref() {
        None | Some("") => MemberTokens::EndOwn,
        Some("keep") => MemberTokens::Keep,
        Some("revoke") => MemberTokens::Revoke,
        Some(other) => {
            let details = format!("tokens: '{other}' is neither keep nor revoke");
            return Err(ApiError::bad_request("The request breaks a rule", details));
        }
    };
    let Some(user) = UserId::new(user_id) else {
        return Err(CatalogError::NotFound { what: "user", name: user_id.to_string() }.into());
    };
    let wanted = Permissions { read, write, admin };
    let change = app
        .catalog(move |catalog| {
            catalog.set_member((project, user), wanted, tokens, name.as_deref())
        })
        .await?;
    Ok(match change {
        // Without a body: one client takes a body here for a refusal.
        PermissionChange::Added => StatusCode::CREATED.into_response(),
        PermissionChange::Changed | PermissionChange::Removed => {
            Reply(PermissionsReply { permissions: holders(&app.catalog, project) }).into_response()
        }
        PermissionChange::Unchanged => StatusCode::NO_CONTENT.into_response(),
    })
}

fn all(catalog: &Catalog, user: UserId) -> Result<ProjectList, CatalogError> {
    let projects =
        catalog.projects_of(user)?.into_iter().map(|(project, permissions)| ProjectListItem {
            project_id: project.id,
            project_name: project.name.clone(),
            created: project.created,
            permissions,
        });
    Ok(ProjectList { projects: projects.collect() })
}

/// The project as it is now.
fn current(catalog: &Catalog, id: ProjectId) -> Result<ProjectObject, CatalogError> {
    catalog
        .project(id)
        .map(|project| shown(catalog, &project))
        .ok_or_else(|| CatalogError::NotFound { what: "project", name: id.to_string() })
}

fn shown(catalog: &Catalog, project: &Project) -> ProjectObject {
    ProjectObject {
        project_id: project.id,
        project_name: project.name.clone(),
        created: project.created,
        permissions: holders(catalog, project.id),
        auto_register: Some(project.auto_register),
        members: None,
    }
}

fn holders(catalog: &Catalog, project: ProjectId) -> Holders {
    catalog.members(project).into_iter().collect()
}
