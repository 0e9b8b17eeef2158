//! A caller who is known by the cookie of a session.
//!
//! ```text
//! cookie ─▶ user token that is listed and counts ─▶ from our own page? ─▶ CSRF value? ─▶ UserCaller
//!                                                                  project named ─▶ what the user holds ─▶ ProjectCaller
//! ```
//!
//! The session *is* a user token: it stands in the list of tokens, ends when it is revoked, and grants what the user
//! may at this moment, also in a project.

use iobeam_model::ProjectId;

use super::refusal::Refusal;
use super::{Auth, ProjectCaller, UserCaller};

/// What a browser sends along without being asked, and what our own page adds to it.
#[derive(Clone, Copy)]
pub(crate) struct SessionRequest<'a> {
    /// The text of the session's cookie.
    pub(crate) cookie: Option<&'a str>,
    /// Whether our own page may have made the request.
    pub(crate) is_from_own_page: bool,
    /// What only our own page can know.
    pub(crate) csrf: Option<&'a str>,
}

impl Auth {
    /// Who sent this request. What changes something must bring the CSRF value.
    pub(crate) fn visitor(
        &self,
        session_request: SessionRequest<'_>,
        changes: bool,
    ) -> Result<UserCaller, Refusal> {
        let text = session_request.cookie.ok_or(Refusal::NoToken)?;
        let token = self.good(text)?;
        if token.project.is_some() {
            return Err(Refusal::NotOurs);
        }
        if !session_request.is_from_own_page {
            return Err(Refusal::OtherSite);
        }
        let brings_csrf =
            || session_request.csrf.is_some_and(|csrf| self.0.signer.is_csrf(csrf, text));
        if changes && !brings_csrf() {
            return Err(Refusal::NoCsrf);
        }
        self.0.catalog.touch_token(token.id);
        Ok(UserCaller { user: token.user, token: token.id })
    }

    /// The same person, in a project in which they may do something.
    pub(crate) fn in_project(
        &self,
        caller: &UserCaller,
        project: ProjectId,
    ) -> Option<ProjectCaller> {
        let permissions = self.0.catalog.permissions(caller.user, project);
        let UserCaller { user, token } = *caller;
        let caller = ProjectCaller { token, user: Some(user), project, permissions, device: None };
        (!permissions.is_empty()).then_some(caller)
    }

    /// What our page must send along when it changes something, as the bearer of this token.
    pub(crate) fn csrf_of(&self, token: &str) -> String {
        self.0.signer.csrf(token)
    }
}
