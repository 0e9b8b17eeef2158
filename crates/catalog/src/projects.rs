//! Projects, and who may do what in them.
//!
//! ```text
//! create_project ─▶ project + its maker with every right + the namespace `input`, all or nothing
//! permissions(user, project)   from memory
//! ```
//!
//! A project's name is unique on the server. A project always has an admin.

use std::collections::BTreeMap;
use std::sync::Arc;

use iobeam_model::{Permissions, ProjectId, UserId};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::audit::{AuditAction, AuditEvent};
use crate::database::Catalog;
use crate::error::CatalogError;
use crate::membership::call;
use crate::namespaces::{NewNamespace, insert_namespace};
use crate::record::{Changed, Project};
use crate::tokens::{Ended, MemberTokens, end_tokens_of_member};

/// Longest project name, in characters.
const LONGEST_NAME: usize = 255;

/// What [`Catalog::set_permissions`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PermissionChange {
    /// The user is a member now.
    Added,
    /// The user may do something else now.
    Changed,
    /// The user is no member any more.
    Removed,
    /// It was so already.
    Unchanged,
}

impl Catalog {
    /// Makes a project whose only member is its maker, with every right, and in it the namespace `input`.
    ///
    /// # Errors
    /// `Invalid` or `AlreadyExists` for the name, `NotFound` for the maker.
    pub fn create_project(&self, owner: UserId, name: &str) -> Result<Arc<Project>, CatalogError> {
        let name = legal_name(name)?;
        let created = self.now();
        let (project, _) = self.change(
            |transaction| {
                expect_user(transaction, owner)?;
                let id = insert_project(transaction, &name, created.micros())?;
                put_member(transaction, id, owner, Permissions::ALL)?;
                let event = AuditEvent::new(AuditAction::ProjectCreate).in_project(id);
                self.audit(transaction, event.target("project", &id))?;
                let input = insert_namespace(transaction, NewNamespace::input(id), false, created)?;
                let project = Project { id, name, created, auto_register: false };
                Ok((Arc::new(project), Arc::new(input)))
            },
            |mirror, (project, input)| {
                mirror.put_namespace(Arc::clone(input));
                let members = BTreeMap::from([(owner, Permissions::ALL)]);
                mirror.members.write().insert(project.id, members);
                mirror.projects.write().put(Arc::clone(project));
            },
        )?;
        Ok(project)
    }

    /// The project of that number. From memory.
    pub fn project(&self, id: ProjectId) -> Option<Arc<Project>> {
        self.mirror().projects.read().by_id.get(&id).cloned()
    }

    /// The project of that name. From memory.
    pub fn project_by_name(&self, name: &str) -> Option<Arc<Project>> {
        let projects = self.mirror().projects.read();
        projects.by_name.get(name.trim()).and_then(|id| projects.by_id.get(id)).cloned()
    }

    /// The projects a user is a member of, oldest first, with what the user may do there.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn projects_of(
        &self,
        user: UserId,
    ) -> Result<Vec<(Arc<Project>, Permissions)>, CatalogError> {
        let ids = self.read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT project FROM members WHERE user = ?1 ORDER BY project")?;
            let rows = statement.query_map([user.get()], |row| row.get(0).map(ProjectId))?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        })?;
        let rights = |id| (self.project(id), self.permissions(user, id));
        let found = ids.into_iter().map(rights);
        Ok(found.filter_map(|(project, rights)| Some((project?, rights))).collect())
    }

    /// What a user may do in a project: nothing when one of them does not exist. From memory.
    pub fn permissions(&self, user: UserId, project: ProjectId) -> Permissions {
        let members = self.mirror().members.read();
        members.get(&project).and_then(|of| of.get(&user)).copied().unwrap_or_default()
    }

    /// Who may do what in a project, by user number. From memory.
    pub fn members(&self, project: ProjectId) -> Vec<(UserId, Permissions)> {
        let members = self.mirror().members.read();
        members.get(&project).into_iter().flatten().map(|(user, may)| (*user, *may)).collect()
    }

    /// Gives a project another name.
    ///
    /// # Errors
    /// `NotFound`, and `Invalid` or `AlreadyExists` for the name.
    pub fn rename_project(&self, id: ProjectId, name: &str) -> Result<Changed, CatalogError> {
        let name = legal_name(name)?;
        self.change_project(id, |project| project.name = name)
    }

    /// Says whether unknown devices that send readings are registered by that.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn set_auto_register(&self, id: ProjectId, on: bool) -> Result<Changed, CatalogError> {
        self.change_project(id, |project| project.auto_register = on)
    }

    /// Says what a user may do in a project; no rights at all make the user no member, and end the tokens that they made,
    /// as [`MemberTokens::EndOwn`] says.
    ///
    /// # Errors
    /// `NotFound` for project or user, `LastAdmin` when nobody could change the project any more.
    pub fn set_permissions(
        &self,
        project: ProjectId,
        user: UserId,
        may: Permissions,
    ) -> Result<PermissionChange, CatalogError> {
        self.set_member((project, user), may, MemberTokens::EndOwn, None)
    }

    /// As [`Self::set_permissions`]; `tokens` says what becomes of the tokens of a member who is removed. Tokens of a
    /// member who may do less grant less by themselves. A new member may be named by their user name or address: until they
    /// come, the others see that of them, or the number alone.
    ///
    /// # Errors
    /// As [`Self::set_permissions`]; `NotFound` when the user has another name.
    pub fn set_member(
        &self,
        (project, user): (ProjectId, UserId),
        may: Permissions,
        tokens: MemberTokens,
        name: Option<&str>,
    ) -> Result<PermissionChange, CatalogError> {
        let now = self.now();
        let (change, ..) = self.change(
            |transaction| {
                self.expect_project(project)?;
                expect_user(transaction, user)?;
                // The mirror is right here: it changes only under the lock that this holds.
                let before = self.permissions(user, project);
                if before == may {
                    return Ok((PermissionChange::Unchanged, Ended::default(), None));
                }
                if before.admin && !may.admin && !self.has_admin_beside(project, user) {
                    return Err(CatalogError::LastAdmin { project });
                }
                put_member(transaction, project, user, may)?;
                let mut called = None;
                if before.is_empty() {
                    called = self.called(transaction, user, name)?;
                    call(transaction, (project, user), called.as_deref())?;
                }
                let (action, change) = match (before.is_empty(), may.is_empty()) {
                    (true, _) => (AuditAction::MemberAdd, PermissionChange::Added),
                    (_, true) => (AuditAction::MemberRemove, PermissionChange::Removed),
                    _ => (AuditAction::MemberChange, PermissionChange::Changed),
                };
                let mut event = AuditEvent::new(action).in_project(project).target("user", &user);
                let mut ended = Ended::default();
                if change == PermissionChange::Removed {
                    ended =
                        end_tokens_of_member(transaction, (project, user), before, tokens, now)?;
                    event = event.detail("tokens_revoked", ended.revoked());
                    event = event.detail("tokens_kept", ended.kept());
                }
                self.audit(transaction, event.permissions(may))?;
                Ok((change, ended, called))
            },
            |mirror, (change, ended, called)| {
                for token in &ended.changed {
                    mirror.put_token(token);
                }
                let mut members = mirror.members.write();
                let of_project = members.entry(project).or_default();
                let mut absent = mirror.absent.write();
                match (change, called) {
                    (PermissionChange::Added, Some(called)) => {
                        absent.insert((project, user), called.clone());
                    }
                    (PermissionChange::Added | PermissionChange::Removed, _) => {
                        absent.remove(&(project, user));
                    }
                    _ => {}
                }
                match change {
                    PermissionChange::Unchanged => {}
                    PermissionChange::Removed => drop(of_project.remove(&user)),
                    _ => drop(of_project.insert(user, may)),
                }
            },
        )?;
        Ok(change)
    }

    /// Whether somebody else can administer the project: somebody whose account is disabled cannot.
    pub(crate) fn has_admin_beside(&self, project: ProjectId, user: UserId) -> bool {
        let members = self.members(project);
        members.iter().any(|(id, may)| may.admin && *id != user && self.is_active(*id))
    }

    /// The project, or `NotFound`.
    pub(crate) fn expect_project(&self, id: ProjectId) -> Result<Arc<Project>, CatalogError> {
        self.project(id).ok_or_else(|| CatalogError::not_found("project", &id))
    }

    fn change_project(
        &self,
        id: ProjectId,
        change: impl FnOnce(&mut Project),
    ) -> Result<Changed, CatalogError> {
        let after = self.change(
            |transaction| {
                let before = self.expect_project(id)?;
                let mut after = Project::clone(&before);
                change(&mut after);
                if after == *before {
                    return Ok(None);
                }
                if let Some(other) = self.project_by_name(&after.name)
                    && other.id != id
                {
                    return Err(CatalogError::AlreadyExists { what: "project", name: after.name });
                }
                transaction.execute(
                    "UPDATE projects SET name = ?2, auto_register = ?3 WHERE id = ?1",
                    params![id.get(), after.name, after.auto_register],
                )?;
                let event = AuditEvent::new(AuditAction::ProjectChange).in_project(id);
                let event =
                    event.target("project", &id).detail("auto_register", after.auto_register);
                self.audit(transaction, event.detail("renamed", after.name != before.name))?;
                Ok(Some(Arc::new(after)))
            },
            |mirror, after| {
                if let Some(after) = after {
                    mirror.projects.write().put(Arc::clone(after));
                }
            },
        )?;
        Ok(Changed::when(after.is_some()))
    }
}

fn legal_name(name: &str) -> Result<String, CatalogError> {
    let name = name.trim();
    let reason = match name.chars().count() {
        0 => "it is empty".to_owned(),
        _ if name.contains(char::is_control) => "control characters are not allowed".to_owned(),
        1..=LONGEST_NAME => return Ok(name.to_owned()),
        length => format!("it has {length} characters, and at most {LONGEST_NAME} are allowed"),
    };
    Err(CatalogError::invalid("project_name", reason))
}

/// The user, or `NotFound`.
pub(crate) fn expect_user(transaction: &Transaction<'_>, user: UserId) -> Result<(), CatalogError> {
    let known: Option<u32> = transaction
        .prepare_cached("SELECT id FROM users WHERE id = ?1")?
        .query_row([user.get()], |row| row.get(0))
        .optional()?;
    known.map(drop).ok_or_else(|| CatalogError::not_found("user", &user))
}

fn insert_project(
    transaction: &Transaction<'_>,
    name: &str,
    created: i64,
) -> Result<ProjectId, CatalogError> {
    let made = transaction
        .prepare_cached(
            "INSERT INTO projects (name, created) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING RETURNING id",
        )?
        .query_row(params![name, created], |row| row.get(0))
        .optional()?;
    made.map(ProjectId)
        .ok_or_else(|| CatalogError::AlreadyExists { what: "project", name: name.to_owned() })
}

/// Says what a user may do in a project.
pub(crate) fn put_member(
    transaction: &Transaction<'_>,
    project: ProjectId,
    user: UserId,
    may: Permissions,
) -> Result<(), CatalogError> {
    if may.is_empty() {
        transaction.execute(
            "DELETE FROM members WHERE project = ?1 AND user = ?2",
            params![project.get(), user.get()],
        )?;
    } else {
        transaction.execute(
            "INSERT INTO members (project, user, permissions) VALUES (?1, ?2, ?3) \
             ON CONFLICT (project, user) DO UPDATE SET permissions = excluded.permissions",
            params![project.get(), user.get(), may.bits()],
        )?;
    }
    Ok(())
}
