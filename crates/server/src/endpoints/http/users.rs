//! Users: signing up, looking up, changing, verifying an address, resetting a password.
//!
//! ```text
//! POST /v1/users ─▶ account + letter with a verification key     (log-in works at once)
//! GET  /v1/users/password?reset= ─▶ 204, and a letter if there is such a user
//! POST /v1/users/password ─▶ new password; every log-in of the user ends
//! ```
//!
//! - What tells whether an address has an account is either behind a log-in or limited per address.
//! - Passwords are never sent back and never logged.

mod deletion;

use axum::Json as Reply;
use http::StatusCode;
use iobeam_catalog::{
    AccountUpdate, Catalog, CatalogError, Changed, EmailChange, NewUser, User, UserChanges,
};
use iobeam_model::UserId;
use iobeam_wire::v1::UserObject;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::schema;
use super::tokens::subject;
use crate::config::SignUp;
use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::core::auth::{Subject, UserCaller};
use crate::core::mail::{Email, EmailKind};
use crate::endpoints::http::body::{Json, Query};
use crate::endpoints::http::caller::{Acting, Peer};

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(create, find))
        .routes(routes!(me, update))
        .routes(routes!(verify))
        .routes(routes!(ask_verification))
        .merge(deletion::routes())
        .routes(routes!(revert))
        .routes(routes!(ask_reset, reset))
}

/// Someone who signs up.
#[derive(Deserialize, ToSchema)]
struct UserRequest {
    /// E-mail address: a name to log in with, and where keys are sent.
    email: String,
    /// At least 8 characters.
    #[schema(min_length = 8, max_length = 1024, format = Password)]
    password: String,
    /// The code, where signing up needs one.
    invite: Option<String>,
    /// A shorter name to log in with.
    username: Option<String>,
    /// First name.
    first_name: Option<String>,
    /// Last name.
    last_name: Option<String>,
    /// Company.
    company_name: Option<String>,
    /// Home page.
    url: Option<String>,
}

/// What to change about a user; what is absent stays. Other members of a user may be sent along and are ignored.
#[derive(Deserialize, ToSchema)]
struct UserUpdate {
    /// Another e-mail address; needs the password. Where mail is set up it is the account's once it is confirmed with the key
    /// that is sent there.
    email: Option<String>,
    /// Another password; needs the old one.
    #[schema(min_length = 8, max_length = 1024, format = Password)]
    password: Option<String>,
    /// The account's password, for another address or password: a better place for it than the URL.
    #[schema(format = Password)]
    old_password: Option<String>,
    /// Another user name; an empty one takes it away.
    username: Option<String>,
    /// Another first name.
    first_name: Option<String>,
    /// Another last name.
    last_name: Option<String>,
    /// Another company.
    company_name: Option<String>,
    /// Another home page.
    url: Option<String>,
}

/// Which users.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct UserQuery {
    /// A username or an e-mail address: the reply is that one user.
    name: Option<String>,
    /// A whole user name or e-mail address, or a text that occurs in those of people who share a project with the caller:
    /// the reply is a list.
    search: Option<String>,
}

/// The old password, as older clients send it.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OldPassword {
    /// The old password, when a new one is set. Prefer the member of the body: URLs end up in logs.
    old_password: Option<String>,
}

/// The key of a letter.
#[derive(Deserialize, ToSchema)]
struct Verification {
    /// The key.
    verification_key: String,
}

/// The key of a letter to the old address.
#[derive(Deserialize, ToSchema)]
struct EmailRevert {
    /// The key.
    revert_key: String,
}

/// Whose password.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ResetQuery {
    /// The user's e-mail address.
    reset: String,
}

/// The key of a letter, and a new password.
#[derive(Deserialize, ToSchema)]
struct Reset {
    /// The key.
    reset_key: String,
    /// The new password: at least 8 characters.
    #[schema(min_length = 8, max_length = 1024, format = Password)]
    password: String,
}

/// One user, or those that a search found.
#[derive(Serialize)]
#[serde(untagged)]
enum Found {
    One(UserObject),
    Many { users: Vec<FoundUser> },
}

/// A user, as a search finds them.
#[derive(Serialize)]
struct FoundUser {
    user_id: UserId,
    username: String,
    email: String,
}

/// The user as the API shows them.
pub(super) fn shown(user: User) -> UserObject {
    UserObject {
        user_id: user.id,
        email: user.email,
        username: user.username.unwrap_or_default(),
        first_name: user.first_name,
        last_name: user.last_name,
        company_name: user.company_name,
        url: user.url,
    }
}

/// Sign up.
///
/// The first account of a server is its operator's. Logging in works at once; a letter with a key to verify the address
/// is sent.
#[utoipa::path(
    post, operation_id = "sign_up", path = "/v1/users", tag = "users", request_body = UserRequest,
    responses((status = 201, description = "The account was made", body = schema::User)),
)]
async fn create(
    Acting(app): Acting,
    Peer(peer): Peer,
    Json(request): Json<UserRequest>,
) -> Result<(StatusCode, Reply<UserObject>), ApiError> {
    let attempt = app.auth.attempt_from(peer)?;
    let sign_up = app.auth.sign_up_from(peer)?;
    let who_may = match app.config.auth.signup {
        SignUp::Open => iobeam_catalog::SignUp::Open,
        SignUp::Invite => iobeam_catalog::SignUp::Invite,
        SignUp::Closed => iobeam_catalog::SignUp::Closed,
    };
    let new = NewUser {
        email: request.email,
        password: request.password,
        username: request.username,
        first_name: request.first_name.unwrap_or_default(),
        last_name: request.last_name.unwrap_or_default(),
        company_name: request.company_name.unwrap_or_default(),
        url: request.url.unwrap_or_default(),
        invite: request.invite,
    };
    let made = app.ask(move |catalog| catalog.create_user(new, who_may)).await;
    // Codes and addresses can be guessed here; whoever just mistypes something else is not slowed.
    if !matches!(made, Err(CatalogError::NotInvited | CatalogError::AlreadyExists { .. })) {
        attempt.give_back();
    }
    if made.is_err() {
        // Accounts are what is limited.
        sign_up.give_back();
    }
    let user = made?;
    send_verification(&app, user.id, user.email.clone()).await?;
    Ok((StatusCode::CREATED, Reply(shown(user))))
}

/// Look up a user by name, or search.
#[utoipa::path(
    get, operation_id = "find_users", path = "/v1/users", tag = "users", params(UserQuery),
    responses(
        (status = 200, description = "With `name`: one user; with `search`: a list of users",
         body = schema::UserOrList),
    ),
)]
async fn find(
    Acting(app): Acting,
    caller: UserCaller,
    Query(query): Query<UserQuery>,
) -> Result<Reply<Found>, ApiError> {
    match query {
        UserQuery { name: Some(name), .. } => {
            let user = app
                .catalog(move |catalog| {
                    let user = catalog.user_by_name(&name)?;
                    discreetly(catalog, caller.user, user, &name)
                })
                .await?;
            Ok(Reply(Found::One(shown(user))))
        }
        UserQuery { search: Some(text), .. } if !text.trim().is_empty() => {
            let users = app
                .catalog(move |catalog| {
                    let found = catalog.find_users(caller.user, &text)?.into_iter();
                    found.map(|user| discreetly(catalog, caller.user, user, &text)).collect()
                })
                .await?;
            let users: Vec<User> = users;
            let users = users.into_iter().map(|user| FoundUser {
                user_id: user.id,
                username: user.username.unwrap_or_default(),
                email: user.email,
            });
            Ok(Reply(Found::Many { users: users.collect() }))
        }
        _ => Err(ApiError::bad_request(
            "A parameter of the request is missing",
            "Say which user: ?name=<username or e-mail>, or ?search=<text>",
        )),
    }
}

/// The user as somebody may see them: who is in no project with them learns of no address or name that they did not ask
/// for.
fn discreetly(
    catalog: &Catalog,
    by: UserId,
    user: User,
    asked: &str,
) -> Result<User, CatalogError> {
    if user.id == by || catalog.share_a_project(by, user.id) || catalog.user(by)?.operator {
        return Ok(user);
    }
    Ok(user.known_as(asked))
}

/// The caller.
#[utoipa::path(
    get, operation_id = "show_me", path = "/v1/users/me", tag = "users",
    responses((status = 200, description = "The caller", body = schema::User)),
)]
async fn me(Acting(app): Acting, caller: UserCaller) -> Result<Reply<UserObject>, ApiError> {
    let user = app.catalog(move |catalog| catalog.user(caller.user)).await?;
    Ok(Reply(shown(user)))
}

/// Change the caller's account.
///
/// Another password or e-mail address needs the password. A new password ends every other log-in of the user. A letter to the
/// old address says what changed; for seven days its key takes a change of the address back.
#[utoipa::path(
    patch, operation_id = "update_me", path = "/v1/users/me", tag = "users", params(OldPassword), request_body = UserUpdate,
    responses(
        (status = 200, description = "Changed", body = schema::User),
        (status = 204, description = "Nothing to change"),
    ),
)]
async fn update(
    Acting(app): Acting,
    caller: UserCaller,
    Peer(peer): Peer,
    Query(query): Query<OldPassword>,
    Json(request): Json<UserUpdate>,
) -> Result<Result<Reply<UserObject>, StatusCode>, ApiError> {
    let user = caller.user;
    let new_password = request.password.is_some();
    let old = request.old_password.or(query.old_password);
    let wanted = UserChanges {
        email: request.email,
        username: request.username,
        first_name: request.first_name,
        last_name: request.last_name,
        company_name: request.company_name,
        url: request.url,
        password: request.password,
    };
    // Each password that comes along is a guess, until it was right.
    let attempt = old
        .is_some()
        .then(|| app.auth.attempt("change", &Subject::user(user), peer))
        .transpose()?;
    let confirm = app.config.mail.smtp_url.is_some();
    let changed =
        app.ask(move |catalog| catalog.update_user(user, wanted, old.as_deref(), confirm)).await;
    if let Some(attempt) = attempt.filter(|_| !matches!(changed, Err(CatalogError::WrongPassword)))
    {
        attempt.give_back();
    }
    let AccountUpdate { changed, email } = changed?;
    if changed == Changed::No {
        return Ok(Err(StatusCode::NO_CONTENT));
    }
    let after = app.catalog(move |catalog| catalog.user(user)).await?;
    if new_password {
        end_other_log_ins(&app, caller).await?;
        let to = email.as_ref().map_or_else(|| after.email.clone(), |email| email.old.clone());
        app.mail.post(Email { to, purpose: EmailKind::PasswordChanged, key: String::new() });
    }
    if let Some(EmailChange { old, new, key, revert }) = email {
        let purpose = if confirm { EmailKind::Confirm } else { EmailKind::Verify };
        app.mail.post(Email { to: new, purpose, key });
        app.mail.post(Email {
            to: old,
            purpose: EmailKind::Revert { waits: confirm },
            key: revert,
        });
    }
    Ok(Ok(Reply(shown(after))))
}

/// Verify an e-mail address with the key of a letter.
#[utoipa::path(
    post, operation_id = "verify_email", path = "/v1/users/email", tag = "users", request_body = Verification,
    responses((status = 204, description = "The address is verified")),
)]
async fn verify(
    Acting(app): Acting,
    Peer(peer): Peer,
    Json(request): Json<Verification>,
) -> Result<StatusCode, ApiError> {
    let attempt = app.auth.attempt_from(peer)?;
    app.catalog(move |catalog| catalog.verify_email(&request.verification_key)).await?;
    attempt.give_back();
    Ok(StatusCode::NO_CONTENT)
}

/// Take back a change of the e-mail address with the key of the letter to the old one.
///
/// The account has the old address again, every log-in ends, the password is void, and a letter brings a key for a new one.
#[utoipa::path(
    post, operation_id = "revert_email", path = "/v1/users/email/revert", tag = "users", request_body = EmailRevert,
    responses((status = 204, description = "The account has its old address again")),
)]
async fn revert(
    Acting(app): Acting,
    Peer(peer): Peer,
    Json(request): Json<EmailRevert>,
) -> Result<StatusCode, ApiError> {
    let attempt = app.auth.attempt_from(peer)?;
    let (user, key) = app.catalog(move |catalog| catalog.revert_email(&request.revert_key)).await?;
    attempt.give_back();
    app.mail.post(Email { to: user.email, purpose: EmailKind::Reset, key });
    Ok(StatusCode::NO_CONTENT)
}

/// Ask for another letter with a key to verify the caller's address.
#[utoipa::path(
    post, operation_id = "ask_verification", path = "/v1/users/me/verification", tag = "users",
    request_body(content = schema::Nothing, description = "None is needed"),
    responses((status = 204, description = "A letter is sent, unless the address is verified already")),
)]
async fn ask_verification(
    Acting(app): Acting,
    caller: UserCaller,
    Peer(peer): Peer,
) -> Result<StatusCode, ApiError> {
    let user = app.catalog(move |catalog| catalog.user(caller.user)).await?;
    if !user.email_verified {
        // Never given back: letters are what is limited.
        let _ = app.auth.attempt("verification", &Subject::user(user.id), peer)?;
        send_verification(&app, user.id, user.email).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Ask for a letter with a key to reset a password.
///
/// The reply is the same whether there is such a user or not.
#[utoipa::path(
    get, operation_id = "ask_password_reset", path = "/v1/users/password", tag = "users", params(ResetQuery),
    responses((status = 204, description = "If there is such a user, a letter is sent")),
)]
async fn ask_reset(
    Acting(app): Acting,
    Peer(peer): Peer,
    Query(query): Query<ResetQuery>,
) -> Result<StatusCode, ApiError> {
    // Never given back: letters are what is limited. Log-ins of the same account are counted apart.
    let subject = subject(&app, &query.reset, peer, None).await?;
    let _ = app.auth.attempt("reset", &subject, peer)?;
    tokio::spawn(async move {
        match app.catalog(move |catalog| catalog.start_password_reset(&query.reset)).await {
            Ok(Some((user, key))) => {
                app.mail.send(Email { to: user.email, purpose: EmailKind::Reset, key }).await;
            }
            Ok(None) => {}
            Err(problem) => tracing::warn!(problem = problem.message, "no reset key was made"),
        }
    });
    Ok(StatusCode::NO_CONTENT)
}

/// Set a new password with the key of a letter.
#[utoipa::path(
    post, operation_id = "reset_password", path = "/v1/users/password", tag = "users", request_body = Reset,
    responses((status = 204, description = "The password is set; every log-in of the user ended")),
)]
async fn reset(
    Acting(app): Acting,
    Peer(peer): Peer,
    Json(request): Json<Reset>,
) -> Result<StatusCode, ApiError> {
    let attempt = app.auth.attempt_from(peer)?;
    let Reset { reset_key, password } = request;
    app.catalog(move |catalog| catalog.reset_password(&reset_key, &password)).await?;
    attempt.give_back();
    Ok(StatusCode::NO_CONTENT)
}

async fn send_verification(app: &App, user: UserId, to: String) -> Result<(), ApiError> {
    let key = app.catalog(move |catalog| catalog.new_verification_key(user)).await?;
    app.mail.post(Email { to, purpose: EmailKind::Verify, key });
    Ok(())
}

/// Revokes every user token of the caller but the one that was shown.
async fn end_other_log_ins(app: &App, caller: UserCaller) -> Result<(), ApiError> {
    app.catalog(move |catalog| {
        for token in catalog.tokens_of_user(caller.user)? {
            let is_log_in = token.project.is_none() && token.revoked.is_none();
            if is_log_in && token.id != caller.token {
                catalog.revoke_token(token.id)?;
            }
        }
        Ok(())
    })
    .await
}
