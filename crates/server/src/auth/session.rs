//! A caller who is known by the cookie of a session.
//!
//! ```text
//! cookie ─▶ user token that is listed and counts ─▶ from our own page? ─▶ CSRF value? ─▶ UserCaller
//!                                                                  project named ─▶ what the user holds ─▶ ProjectCaller
//! ```
//!
//! The session *is* a user token: it stands in the list of tokens, ends when it is revoked, and grants what the user
//! may at this moment, also in a project.

use http::HeaderMap;
use iobeam_model::ProjectId;

use super::cookie::{CSRF, Way};
use super::refusal::Refusal;
use super::{Auth, ProjectCaller, UserCaller};

impl Auth {
    /// Who sent this request. What changes something must bring the CSRF value.
    pub(crate) fn visitor(&self, way: Way<'_>, changes: bool) -> Result<UserCaller, Refusal> {
        let text = way.cookie().ok_or(Refusal::NoToken)?;
        let token = self.good(text)?;
        if token.project.is_some() {
            return Err(Refusal::NotOurs);
        }
        if !way.is_from_own_page() {
            return Err(Refusal::OtherSite);
        }
        if changes && !self.brings_csrf(way.headers(), text) {
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

    fn brings_csrf(&self, headers: &HeaderMap, token: &str) -> bool {
        let mut values = headers.get_all(CSRF).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return false };
        value.to_str().is_ok_and(|value| self.0.signer.is_csrf(value, token))
    }
}
