//! Accounts as the operator sees them: listed, disabled, enabled, deleted.
//!
//! ```text
//! disable ─▶ sessions end, tokens of the account open nothing      enable ─▶ tokens of projects go on, sessions do not
//! delete  ─▶ memberships, sessions and tokens end; addresses and names are erased; the number stays
//! ```
//!
//! Who deletes their own account shows the password, and hands projects on to members of them alone. The operator's own
//! account can be neither disabled nor deleted.

use iobeam_model::{Permissions, ProjectId, Timestamp, UserId};
use rusqlite::{Transaction, params};

use crate::audit::{AuditAction, AuditEvent};
use crate::database::{Catalog, Mirror};
use crate::error::CatalogError;
use crate::password::UNKNOWN_PASSWORD;
use crate::projects::{expect_user, put_member};
use crate::record::{Changed, Token, User, UserState};
use crate::tokens::{
    MemberTokens, end_tokens_of_account, end_tokens_of_member, revoke_user_tokens,
};
use crate::users::{by_id, with_hash};

/// Who becomes administrator of the projects that would have none.
#[derive(Clone, Copy)]
struct Heir {
    user: Option<UserId>,
    /// Whether it must be a member of those projects.
    is_member: bool,
}

/// What a deletion changed, for memory.
#[derive(Default)]
struct Gone {
    left: Vec<ProjectId>,
    inherited: Vec<ProjectId>,
    tokens: Vec<Token>,
}

impl Catalog {
    /// All accounts, by number, also those that are disabled or deleted.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn users(&self) -> Result<Vec<User>, CatalogError> {
        let sql = format!("SELECT {} FROM users ORDER BY id", User::COLUMNS);
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            Ok(statement.query_map([], User::read)?.collect::<Result<_, _>>()?)
        })
    }

    /// Whether the account can be used. From memory.
    pub fn is_active(&self, user: UserId) -> bool {
        !self.mirror().inactive.read().contains(&user)
    }

    /// Disables an account: nobody signs in to it, and nothing that it made opens anything but the tokens that belong to
    /// projects.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for the operator.
    pub fn disable_user(&self, id: UserId) -> Result<Changed, CatalogError> {
        let now = self.now();
        let revoked = self.change(
            |transaction| {
                let user = subordinate(transaction, id)?;
                if user.state == UserState::Disabled {
                    return Ok(None);
                }
                set_state(transaction, id, UserState::Disabled)?;
                transaction.execute("DELETE FROM keys WHERE user = ?1", [id.get()])?;
                let revoked = revoke_user_tokens(transaction, id, now)?;
                let event = AuditEvent::new(AuditAction::UserDisable).target("user", &id);
                self.audit(transaction, event.detail("sessions_revoked", revoked.len()))?;
                Ok(Some(revoked))
            },
            |mirror, revoked| {
                let Some(revoked) = revoked else { return };
                mirror.put_active(id, false);
                for token in revoked {
                    mirror.put_token(token);
                }
            },
        )?;
        Ok(Changed::when(revoked.is_some()))
    }

    /// Enables a disabled account. Sessions do not come back.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn enable_user(&self, id: UserId) -> Result<Changed, CatalogError> {
        self.change(
            |transaction| {
                let user = existing(transaction, id)?;
                if user.state == UserState::Active {
                    return Ok(Changed::No);
                }
                set_state(transaction, id, UserState::Active)?;
                let event = AuditEvent::new(AuditAction::UserEnable).target("user", &id);
                self.audit(transaction, event)?;
                Ok(Changed::Yes)
            },
            |mirror, _| mirror.put_active(id, true),
        )
    }

    /// Deletes an account: its memberships, sessions and own tokens end, and its address and names are erased. Tokens of
    /// devices go on as their projects'. Where it is the only administrator, the heir becomes one.
    ///
    /// # Errors
    /// `NotFound` for the account or the heir; `Invalid` for the operator; `OnlyAdmin` when an heir is needed.
    pub fn delete_user(&self, id: UserId, heir: Option<UserId>) -> Result<(), CatalogError> {
        let (now, heir) = (self.now(), Heir { user: heir, is_member: false });
        self.change(
            |transaction| self.delete_account(transaction, id, heir, now),
            |mirror, gone| show_gone(mirror, id, heir, gone),
        )
        .map(drop)
    }

    /// Deletes the account of whoever shows its password, as [`Self::delete_user`] does; gives what it was. The heir must
    /// be a member of the projects: nobody is made to answer for one that they know nothing of.
    ///
    /// # Errors
    /// `WrongPassword`; as [`Self::delete_user`]; `Invalid` for an heir who is no member.
    pub fn delete_own_account(
        &self,
        id: UserId,
        password: &str,
        heir: Option<UserId>,
    ) -> Result<User, CatalogError> {
        let (user, known) = self.read(|connection| with_hash(connection, id))?;
        if !self.passwords().verify(password, Some(&known))? {
            return Err(CatalogError::WrongPassword);
        }
        let (now, heir) = (self.now(), Heir { user: heir, is_member: true });
        self.change(
            |transaction| {
                // What was read before the hashing may be old by now.
                if with_hash(transaction, id)?.1 != known {
                    return Err(CatalogError::WrongPassword);
                }
                self.delete_account(transaction, id, heir, now)
            },
            |mirror, gone| show_gone(mirror, id, heir, gone),
        )?;
        Ok(user)
    }

    fn delete_account(
        &self,
        transaction: &Transaction<'_>,
        id: UserId,
        heir: Heir,
        now: Timestamp,
    ) -> Result<Gone, CatalogError> {
        subordinate(transaction, id)?;
        let mut gone = Gone::default();
        let mut orphans = Vec::new();
        let projects: Vec<ProjectId> =
            self.mirror().projects.read().by_id.keys().copied().collect();
        for project in projects {
            let held = self.permissions(id, project);
            if held.is_empty() {
                continue;
            }
            if held.admin && !self.has_admin_beside(project, id) {
                orphans.push(project);
            }
            put_member(transaction, project, id, Permissions::NONE)?;
            let ended =
                end_tokens_of_member(transaction, (project, id), held, MemberTokens::EndOwn, now)?;
            gone.tokens.extend(ended.changed);
            gone.left.push(project);
        }
        gone.inherited = self.inherit(transaction, orphans, heir, id)?;
        gone.tokens.extend(end_tokens_of_account(transaction, id, now)?);
        for table in ["keys", "email_changes", "known_addresses"] {
            transaction.execute(&format!("DELETE FROM {table} WHERE user = ?1"), [id.get()])?;
        }
        transaction.execute("DELETE FROM project_invites WHERE made_by = ?1", [id.get()])?;
        // No address and no user name is written so, and none is found by it.
        transaction.execute(
            "UPDATE users SET email = ?2, email_key = ?2, username = NULL, username_key = NULL, password = ?3, \
             first_name = '', last_name = '', company_name = '', url = '', email_verified = 0, state = 'deleted' \
             WHERE id = ?1",
            params![id.get(), format!("deleted:{id}"), UNKNOWN_PASSWORD],
        )?;
        let event = AuditEvent::new(AuditAction::UserDelete).target("user", &id);
        let event = event.detail("heir", heir.user.map(UserId::get));
        self.audit(transaction, event.detail("projects_left", gone.left.len()))?;
        Ok(gone)
    }

    /// Makes the heir an administrator of the projects that would have none.
    fn inherit(
        &self,
        transaction: &Transaction<'_>,
        orphans: Vec<ProjectId>,
        Heir { user: heir, is_member }: Heir,
        from: UserId,
    ) -> Result<Vec<ProjectId>, CatalogError> {
        if orphans.is_empty() {
            return Ok(orphans);
        }
        let Some(heir) = heir.filter(|heir| *heir != from) else {
            let name = |id: &ProjectId| {
                let name = self.project(*id).map(|project| project.name.clone());
                format!("project {id} '{}'", name.unwrap_or_default())
            };
            let projects: Vec<String> = orphans.iter().map(name).collect();
            return Err(CatalogError::OnlyAdmin { projects: projects.join(", ") });
        };
        let stranger_to =
            |project: &&ProjectId| is_member && self.permissions(heir, **project).is_empty();
        if let Some(project) = orphans.iter().find(stranger_to) {
            let reason = format!(
                "user {heir} is no member of project {project}; make them one first, name another heir, or delete the project"
            );
            return Err(CatalogError::invalid("heir", reason));
        }
        expect_user(transaction, heir)?;
        self.expect_active(transaction, heir)?;
        for project in &orphans {
            put_member(transaction, *project, heir, Permissions::ALL)?;
            let event = AuditEvent::new(AuditAction::MemberAdd).in_project(*project);
            let event = event.target("user", &heir).permissions(Permissions::ALL);
            self.audit(transaction, event.detail("heir_of", from.get()))?;
        }
        Ok(orphans)
    }

    /// The user, or why their account cannot be used.
    pub(crate) fn expect_active(
        &self,
        transaction: &Transaction<'_>,
        user: UserId,
    ) -> Result<(), CatalogError> {
        expect_user(transaction, user)?;
        if self.is_active(user) { Ok(()) } else { Err(CatalogError::AccountDisabled) }
    }
}

/// Shows what a deletion changed.
fn show_gone(mirror: &Mirror, id: UserId, heir: Heir, gone: &Gone) {
    mirror.put_active(id, false);
    for token in &gone.tokens {
        mirror.put_token(token);
    }
    mirror.absent.write().retain(|(_, user), _| *user != id);
    let mut members = mirror.members.write();
    for project in &gone.left {
        members.entry(*project).or_default().remove(&id);
    }
    for project in &gone.inherited {
        let of_project = members.entry(*project).or_default();
        of_project.extend(heir.user.map(|heir| (heir, Permissions::ALL)));
    }
}

/// The user, unless it is the operator.
fn subordinate(transaction: &Transaction<'_>, id: UserId) -> Result<User, CatalogError> {
    let user = existing(transaction, id)?;
    if user.operator {
        let reason = "the operator's own account can be neither disabled nor deleted";
        return Err(CatalogError::invalid("user_id", reason));
    }
    Ok(user)
}

/// The user, unless they are deleted.
fn existing(transaction: &Transaction<'_>, id: UserId) -> Result<User, CatalogError> {
    let user = by_id(transaction, id)?;
    if user.state == UserState::Deleted {
        return Err(CatalogError::not_found("user", &id));
    }
    Ok(user)
}

fn set_state(
    transaction: &Transaction<'_>,
    id: UserId,
    state: UserState,
) -> Result<(), CatalogError> {
    transaction
        .prepare_cached("UPDATE users SET state = ?2 WHERE id = ?1")?
        .execute(params![id.get(), state.name()])?;
    Ok(())
}
