//! Who has been in the projects that they are members of.
//!
//! ```text
//! made a member by number ─▶ absent: the number │ made one by name ─▶ absent: that name
//!     └────────────── a token for the project, an invite, or a session in it ─▶ present: address and names
//! ```
//!
//! Anybody makes projects, and members of them. If that alone showed whom a number belongs to, one could read the addresses
//! of all users by their numbers: who was made a member without being asked is shown to the others once they come.

use iobeam_model::{ProjectId, UserId};
use rusqlite::{Transaction, params};

use crate::database::Catalog;
use crate::error::CatalogError;

impl Catalog {
    /// Whether a user may see who another one is: both are members of a project in which the other has been. From memory.
    pub fn share_a_project(&self, one: UserId, other: UserId) -> bool {
        let members = self.mirror().members.read();
        let absent = self.mirror().absent.read();
        members.iter().any(|(project, of)| {
            let both = of.contains_key(&one) && of.contains_key(&other);
            both && !absent.contains_key(&(*project, other))
        })
    }

    /// Whether somebody is a member who has not been in the project. From memory.
    pub fn is_absent(&self, project: ProjectId, user: UserId) -> bool {
        self.mirror().absent.read().contains_key(&(project, user))
    }

    /// Notes that a member is in the project of their own will: from now on the others see who they are.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn come_in(&self, project: ProjectId, user: UserId) -> Result<(), CatalogError> {
        self.change(
            |transaction| call(transaction, (project, user), None),
            |mirror, ()| drop(mirror.absent.write().remove(&(project, user))),
        )
    }
}

/// Writes what a member is called who has not been in the project; nothing when they have.
pub(crate) fn call(
    transaction: &Transaction<'_>,
    (project, user): (ProjectId, UserId),
    called: Option<&str>,
) -> Result<(), CatalogError> {
    transaction
        .prepare_cached("UPDATE members SET called = ?3 WHERE project = ?1 AND user = ?2")?
        .execute(params![project.get(), user.get(), called])?;
    Ok(())
}
