//! Users as members of a project: what the others see of them.

use iobeam_model::{ProjectId, UserId};
use rusqlite::Transaction;

use crate::database::Catalog;
use crate::error::CatalogError;
use crate::record::{User, UserState};
use crate::users::{by_id, rules};

impl Catalog {
    /// The members of a project as members may see them, by number: of who has not been there yet, what they were called by
    /// who made them one.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn seen_in(&self, project: ProjectId) -> Result<Vec<User>, CatalogError> {
        let users = self.users_in(project)?;
        let absent = self.mirror().absent.read();
        let seen = users.into_iter().map(|user| match absent.get(&(project, user.id)) {
            Some(called) => user.known_as(called),
            None => user,
        });
        Ok(seen.collect())
    }

    /// What somebody is called who is made a member now, if that is all that the others may see of them.
    pub(crate) fn called(
        &self,
        transaction: &Transaction<'_>,
        id: UserId,
        name: Option<&str>,
    ) -> Result<Option<String>, CatalogError> {
        let user = by_id(transaction, id)?;
        if user.state == UserState::Deleted {
            return Err(CatalogError::not_found("user", &id));
        }
        let names = || [Some(&user.email), user.username.as_ref()].into_iter().flatten();
        if let Some(name) = name
            && !names().any(|one| rules::key(one) == rules::key(name))
        {
            return Err(CatalogError::not_found("user", &name));
        }
        let Some(by) = self.actor().user else { return Ok(None) };
        let knows = by == id || self.share_a_project(by, id) || by_id(transaction, by)?.operator;
        Ok((!knows).then(|| name.map(rules::key).unwrap_or_default()))
    }
}

impl User {
    /// What somebody sees of the user who knows no more than this name or address, or the number.
    #[must_use]
    pub fn known_as(self, name: &str) -> Self {
        let is_it = |text: &str| rules::key(text) == rules::key(name);
        Self {
            email: if is_it(&self.email) { self.email } else { String::new() },
            username: self.username.filter(|name| is_it(name)),
            first_name: String::new(),
            last_name: String::new(),
            company_name: String::new(),
            url: String::new(),
            ..self
        }
    }
}
