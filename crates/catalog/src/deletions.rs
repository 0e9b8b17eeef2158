//! Projects and namespaces that are deleted: gone from here at once, and remembered until their rows are gone too.
//!
//! ```text
//! delete ─▶ one change: all that belongs to it goes, a deletion is noted ─▶ (the store lets go) ─▶ end_deletion
//!                          a crash in between: the next start finds the note and goes on
//! ```
//!
//! A project's number is never given again; a namespace's name is free once its deletion has ended.

use iobeam_model::{NamespaceId, NamespaceName, ProjectId};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::audit::{AuditAction, AuditEvent};
use crate::database::Catalog;
use crate::error::CatalogError;
use crate::record::Deletion;

impl Catalog {
    /// Deletes a project: its members, tokens, devices, namespaces, dashboards and refusals.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn delete_project(&self, id: ProjectId) -> Result<Deletion, CatalogError> {
        self.change(
            |transaction| {
                self.expect_project(id)?;
                transaction.execute("DELETE FROM projects WHERE id = ?1", [id.get()])?;
                let event = AuditEvent::new(AuditAction::ProjectDelete).in_project(id);
                self.audit(transaction, event.target("project", &id))?;
                note(transaction, id, None)
            },
            |mirror, _| {
                let name = mirror.projects.write().remove(id);
                tracing::info!(project = %id, ?name, "a project was deleted");
                mirror.members.write().remove(&id);
                mirror.absent.write().retain(|(project, _), _| *project != id);
                mirror.tokens.write().retain(|_, known| known.token.project != Some(id));
                mirror.devices.write().remove(&id);
                mirror.namespaces.write().remove(&id);
                mirror.shares.write().retain(|_, known| known.share.project != id);
            },
        )
    }

    /// Deletes a namespace with its fields and labels.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for `input`, which each project has.
    pub fn delete_namespace(
        &self,
        project: ProjectId,
        id: NamespaceId,
    ) -> Result<Deletion, CatalogError> {
        self.change(
            |transaction| {
                let found = self.namespace_by_id(project, id);
                let found = found.ok_or_else(|| CatalogError::not_found("namespace", &id))?;
                if found.name == NamespaceName::input() {
                    let reason = "'input' belongs to each project and cannot be deleted; truncate it, which deletes all its rows, or give it a retention";
                    return Err(CatalogError::invalid("namespace", reason));
                }
                transaction.execute("DELETE FROM namespaces WHERE id = ?1", [id.get()])?;
                let event = AuditEvent::new(AuditAction::NamespaceDelete).in_project(project);
                self.audit(transaction, event.target("namespace", &found.name))?;
                note(transaction, project, Some(found.name.clone()))
            },
            |mirror, deletion| {
                let mut namespaces = mirror.namespaces.write();
                if let (Some(of_project), Some(name)) =
                    (namespaces.get_mut(&project), &deletion.namespace)
                {
                    of_project.remove(name);
                }
            },
        )
    }

    /// What is deleted here and may still have rows, oldest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn deletions(&self) -> Result<Vec<Deletion>, CatalogError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(Deletion::ALL)?;
            Ok(statement.query_map([], Deletion::read)?.collect::<Result<_, _>>()?)
        })
    }

    /// Notes that a deletion is complete.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn end_deletion(&self, id: u32) -> Result<(), CatalogError> {
        self.change(
            |transaction| {
                transaction.execute("DELETE FROM deletions WHERE id = ?1", [id])?;
                Ok(())
            },
            |_, ()| {},
        )
    }
}

/// Refuses a name whose former rows may still be there.
pub(crate) fn expect_free(
    transaction: &Transaction<'_>,
    project: ProjectId,
    name: &NamespaceName,
) -> Result<(), CatalogError> {
    let going: Option<u32> = transaction
        .prepare_cached("SELECT id FROM deletions WHERE project = ?1 AND namespace = ?2")?
        .query_row(params![project.get(), name.as_str()], |row| row.get(0))
        .optional()?;
    match going {
        None => Ok(()),
        Some(_) => Err(CatalogError::BeingDeleted { what: "namespace", name: name.to_string() }),
    }
}

fn note(
    transaction: &Transaction<'_>,
    project: ProjectId,
    namespace: Option<NamespaceName>,
) -> Result<Deletion, CatalogError> {
    let id = transaction
        .prepare_cached("INSERT INTO deletions (project, namespace) VALUES (?1, ?2) RETURNING id")?
        .query_row(
            params![project.get(), namespace.as_ref().map(NamespaceName::as_str)],
            |row| row.get(0),
        )?;
    Ok(Deletion { id, project, namespace })
}
