//! What a caller was let in by, to ask again while a request or a stream goes on.
//!
//! ```text
//! guard ─▶ Standing ─▶ (while the handler works, before a write, with each piece of a reply, with each event) still? ─▶ on
//!                                                                                                    └─ no: it ends
//! ```
//!
//! As long as nothing in the catalog changed and the token did not end, a look at two numbers answers.

use iobeam_model::{ProjectId, Timestamp, TokenId};

use super::refusal::Refusal;
use super::rights::Access;
use super::{Auth, Caller, ProjectCaller, UserCaller};

/// By what a caller was let in, and to what.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    by: Credential,
    to: Access,
    /// The catalog's generation when it was looked at last.
    generation: u64,
    /// When the token ends, if it is one.
    ends: Option<Timestamp>,
}

/// What a caller brought.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    /// A token.
    Token(TokenId),
    /// The token of a session, to act in this project.
    Session(TokenId, ProjectId),
    /// The key of a shared dashboard.
    Share(String),
}

impl Auth {
    /// What lets this caller in from now on. `generation` was read before they were looked at.
    pub(crate) fn standing(&self, by: Credential, to: Access, generation: u64) -> Standing {
        let ends = match &by {
            Credential::Token(id) | Credential::Session(id, _) => {
                self.0.catalog.token(*id).map(|token| token.expires)
            }
            Credential::Share(_) => None,
        };
        Standing { by, to, generation, ends }
    }

    /// The catalog's generation: see [`iobeam_catalog::Catalog::generation`].
    pub(crate) fn generation(&self) -> u64 {
        self.0.catalog.generation()
    }

    /// Refuses a caller whose rights ended since they were let in.
    pub(crate) fn still(&self, standing: &Standing) -> Result<(), Refusal> {
        let is_over = standing.ends.is_some_and(|end| end <= self.0.clock.now());
        let is_share = matches!(standing.by, Credential::Share(_));
        if !is_over && !is_share && standing.generation == self.generation() {
            return Ok(());
        }
        self.again(&standing.by)?.allowed(standing.to).map(drop)
    }

    /// Who this is, as of now.
    fn again(&self, by: &Credential) -> Result<Caller, Refusal> {
        let (id, project) = match by {
            Credential::Share(key) => return self.by_share(key).map(Caller::Share),
            Credential::Token(id) => (*id, None),
            Credential::Session(id, project) => (*id, Some(*project)),
        };
        let token = self.0.catalog.token(id).ok_or(Refusal::NotOurs)?;
        self.counts(&token)?;
        let Some(project) = project else { return Ok(self.caller_of(&token)) };
        let caller = UserCaller { user: token.user, token: id };
        let caller: Option<ProjectCaller> = self.in_project(&caller, project);
        caller.map(Caller::Project).ok_or(Refusal::NoMember)
    }
}
