//! Invites to a project: a code that makes whoever shows it a member.
//!
//! ```text
//! invite_to_project ─▶ code, by mail ─┬─▶ join_project by a user
//!                                     └─▶ create_user, also where sign-up is by invitation
//! ```
//!
//! A code works once. It works as long as who made it administers the project: nobody comes back through an invite of
//! theirs after they were removed.

use iobeam_model::{Permissions, ProjectId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::rules;
use crate::audit::{Actor, AuditAction, AuditEvent};
use crate::database::Catalog;
use crate::error::CatalogError;
use crate::membership::call;
use crate::projects::{expect_user, put_member};
use crate::record::{ProjectInvite, permissions};
use crate::secret::{random_text, recognise};

/// How many random signs a code has: 160 bits.
const CODE_SIGNS: usize = 32;

/// An invite that is to be made.
#[derive(Clone, Debug)]
pub struct NewProjectInvite {
    /// Who invites.
    pub by: UserId,
    /// To which project.
    pub project: ProjectId,
    /// Whom.
    pub email: String,
    /// What they may do then.
    pub may: Permissions,
    /// When it runs out.
    pub expires: Timestamp,
    /// How many of the project may be open at once.
    pub most: usize,
}

/// A membership that an invite brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Joined {
    /// Who joined.
    pub(crate) user: UserId,
    /// What they joined.
    pub(crate) project: ProjectId,
    /// What they may do there now.
    pub(crate) may: Permissions,
}

impl Catalog {
    /// Makes an invite. Its code is shown this once.
    ///
    /// # Errors
    /// `NotFound` for the project or who invites; `Invalid` for the address, without any right, or when there are too
    /// many.
    pub fn invite_to_project(
        &self,
        new: NewProjectInvite,
    ) -> Result<(ProjectInvite, String), CatalogError> {
        let NewProjectInvite { by, project, email, may, expires, most } = new;
        let email = rules::email(&email)?;
        if may.is_empty() {
            let reason = "an invite grants at least one of read, write and admin";
            return Err(CatalogError::invalid("permissions", reason));
        }
        let (created, code) = (self.now(), random_text(CODE_SIGNS));
        let invite = self.change(
            |transaction| {
                self.expect_project(project)?;
                expect_user(transaction, by)?;
                expect_room(transaction, project, created, most)?;
                let id = transaction
                    .prepare_cached(
                        "INSERT INTO project_invites (project, hash, email, permissions, made_by, created, expires) \
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id",
                    )?
                    .query_row(
                        params![
                            project.get(),
                            recognise(&code),
                            email,
                            may.bits(),
                            by.get(),
                            created.micros(),
                            expires.micros()
                        ],
                        |row| row.get(0),
                    )?;
                let event = AuditEvent::new(AuditAction::ProjectInviteCreate).in_project(project);
                self.audit(transaction, event.target("invite", &id).permissions(may))?;
                Ok(ProjectInvite { id, project, email, may, by, created, expires })
            },
            |_, _| {},
        )?;
        Ok((invite, code))
    }

    /// The invites to a project that nobody has used yet, newest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn project_invites(&self, project: ProjectId) -> Result<Vec<ProjectInvite>, CatalogError> {
        let columns = ProjectInvite::COLUMNS;
        let sql = format!(
            "SELECT {columns} FROM project_invites WHERE project = ?1 AND expires > ?2 ORDER BY id DESC"
        );
        let now = self.now();
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let rows =
                statement.query_map(params![project.get(), now.micros()], ProjectInvite::read)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Takes an invite back.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn withdraw_project_invite(&self, project: ProjectId, id: u32) -> Result<(), CatalogError> {
        self.change(
            |transaction| {
                let gone = transaction.execute(
                    "DELETE FROM project_invites WHERE project = ?1 AND id = ?2",
                    params![project.get(), id],
                )?;
                if gone == 0 {
                    return Err(CatalogError::not_found("invite", &id));
                }
                let event = AuditEvent::new(AuditAction::ProjectInviteWithdraw).in_project(project);
                self.audit(transaction, event.target("invite", &id))
            },
            |_, ()| {},
        )
    }

    /// Makes the user a member of the project that the code is for, and uses the code up. Rights that they hold already
    /// stay.
    ///
    /// # Errors
    /// `KeyRefused` when the code is unknown, was used, ran out, or was made by somebody who does not administer the
    /// project any more.
    pub fn join_project(&self, user: UserId, code: &str) -> Result<ProjectId, CatalogError> {
        let now = self.now();
        let joined = self.change(
            |transaction| {
                expect_user(transaction, user)?;
                self.redeem(transaction, user, code, now)?
                    .ok_or(CatalogError::KeyRefused { what: "invite" })
            },
            |mirror, joined| mirror.put_member(joined.project, joined.user, joined.may),
        )?;
        Ok(joined.project)
    }

    /// Whether this is the code of an invite to a project that would be taken now.
    pub(crate) fn is_project_invite(
        &self,
        connection: &Connection,
        code: &str,
        now: Timestamp,
    ) -> Result<bool, CatalogError> {
        Ok(self.find_invite(connection, code, now)?.is_some())
    }

    /// Uses a code up, if it is good.
    pub(crate) fn redeem(
        &self,
        transaction: &Transaction<'_>,
        user: UserId,
        code: &str,
        now: Timestamp,
    ) -> Result<Option<Joined>, CatalogError> {
        let Some((project, granted)) = self.find_invite(transaction, code, now)? else {
            return Ok(None);
        };
        transaction.execute("DELETE FROM project_invites WHERE hash = ?1", [recognise(code)])?;
        let held = self.permissions(user, project);
        let may = Permissions::from_bits(held.bits() | granted.bits()).unwrap_or(granted);
        put_member(transaction, project, user, may)?;
        call(transaction, (project, user), None)?;
        let is_new = held.is_empty();
        let action = if is_new { AuditAction::MemberAdd } else { AuditAction::MemberChange };
        let by = Actor { user: Some(user), ..self.actor() };
        let event = AuditEvent::new(action).in_project(project).target("user", &user);
        self.audit_as(transaction, by, event.permissions(may).detail("by", "invite"))?;
        Ok(Some(Joined { user, project, may }))
    }

    fn find_invite(
        &self,
        connection: &Connection,
        code: &str,
        now: Timestamp,
    ) -> Result<Option<(ProjectId, Permissions)>, CatalogError> {
        let found = connection
            .prepare_cached(
                "SELECT project, permissions, made_by FROM project_invites WHERE hash = ?1 AND expires > ?2",
            )?
            .query_row(params![recognise(code), now.micros()], |row| {
                Ok((ProjectId(row.get(0)?), permissions(row, 1)?, UserId(row.get(2)?)))
            })
            .optional()?;
        Ok(found
            .filter(|(project, _, by)| self.is_active(*by) && self.permissions(*by, *project).admin)
            .map(|(project, may, _)| (project, may)))
    }
}

fn expect_room(
    transaction: &Transaction<'_>,
    project: ProjectId,
    now: Timestamp,
    most: usize,
) -> Result<(), CatalogError> {
    let open: u32 = transaction.query_row(
        "SELECT count(*) FROM project_invites WHERE project = ?1 AND expires > ?2",
        params![project.get(), now.micros()],
        |row| row.get(0),
    )?;
    if (open as usize) < most {
        return Ok(());
    }
    let reason = format!("{open} invites to the project are open, and {most} may be; withdraw one");
    Err(CatalogError::invalid("invites", reason))
}
