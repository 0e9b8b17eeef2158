//! `POST /v1/users/me/deletion`: who has an account deletes it.

use http::StatusCode;
use iobeam_catalog::CatalogError;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::core::auth::{Subject, UserCaller};
use crate::core::mail::{Email, EmailKind};
use crate::endpoints::http::accounts::known;
use crate::endpoints::http::body::Json;
use crate::endpoints::http::caller::{Acting, Peer};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(delete))
}

/// That an account shall go.
#[derive(Deserialize, ToSchema)]
struct AccountDeletion {
    /// The account's password.
    #[schema(format = Password)]
    password: String,
    /// The member who becomes administrator of the projects that would have none.
    heir: Option<u32>,
}

/// Delete the caller's account: its memberships, sessions and own tokens end, its address and names are erased.
///
/// It needs the password. Where the caller is the only administrator of a project, another member is named as heir, or the project
/// is deleted first. Tokens of devices go on as their projects'. The operator's account stays.
#[utoipa::path(
    post, operation_id = "delete_me", path = "/v1/users/me/deletion", tag = "users", request_body = AccountDeletion,
    responses((status = 204, description = "It is gone")),
)]
async fn delete(
    Acting(app): Acting,
    caller: UserCaller,
    Peer(peer): Peer,
    Json(request): Json<AccountDeletion>,
) -> Result<StatusCode, ApiError> {
    let user = caller.user;
    let AccountDeletion { password, heir } = request;
    let heir = heir.map(known).transpose()?;
    // A stolen token is no password, and does not try them all.
    let attempt = app.auth.attempt("change", &Subject::user(user), peer)?;
    let gone = app.ask(move |catalog| catalog.delete_own_account(user, &password, heir)).await;
    if !matches!(gone, Err(CatalogError::WrongPassword)) {
        attempt.give_back();
    }
    let to = gone?.email;
    app.mail.post(Email { to, purpose: EmailKind::AccountDeleted, key: String::new() });
    Ok(StatusCode::NO_CONTENT)
}
