//! Fields that are dropped, renamed or retyped: the catalog's half of a correction.
//!
//! ```text
//! checked when it is ordered ─▶ (the store rewrites its files) ─▶ change_field: may be done again
//! ```

use std::sync::Arc;

use iobeam_model::{FieldName, FieldType, NamespaceId, ProjectId};
use rusqlite::params;

use super::put_field;
use crate::database::Catalog;
use crate::error::CatalogError;
use crate::record::Namespace;

/// What becomes of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldChange {
    /// It goes.
    Drop,
    /// It gets another name.
    Rename(FieldName),
    /// It gets another type.
    Retype(FieldType),
}

impl Namespace {
    /// Whether a field can be changed like this.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for the partitioning field, and where nothing would change; `AlreadyExists` and
    /// `FieldCase` when another field has the new name.
    pub fn check_field_change(
        &self,
        field: &FieldName,
        change: &FieldChange,
    ) -> Result<(), CatalogError> {
        let Some(kind) = self.fields.get(field) else {
            return Err(CatalogError::not_found("field", field));
        };
        if *field == self.partition {
            let reason = format!(
                "'{field}' is the partitioning field, which says whose row it is; it can be neither dropped, renamed nor retyped"
            );
            return Err(CatalogError::invalid("field", reason));
        }
        match change {
            FieldChange::Retype(to) if to == kind => {
                Err(CatalogError::invalid("type", format!("field '{field}' is {kind} already")))
            }
            FieldChange::Drop | FieldChange::Retype(_) => Ok(()),
            FieldChange::Rename(to) if to == field => {
                Err(CatalogError::invalid("name", format!("'{field}' is its name already")))
            }
            FieldChange::Rename(to) => {
                let others = self.fields.keys().filter(|other| *other != field);
                let same = others
                    .into_iter()
                    .find(|other| other.as_str().eq_ignore_ascii_case(to.as_str()));
                match same {
                    None => Ok(()),
                    Some(existing) => {
                        let name = existing.to_string();
                        Err(CatalogError::AlreadyExists { what: "field", name })
                    }
                }
            }
        }
    }
}

impl Catalog {
    /// Changes a field, as the rows have changed already. What is there of the new name has no rows, and goes. Done
    /// again, it changes nothing more.
    ///
    /// # Errors
    /// `NotFound` for the namespace.
    pub fn change_field(
        &self,
        project: ProjectId,
        id: NamespaceId,
        field: &FieldName,
        change: &FieldChange,
    ) -> Result<Arc<Namespace>, CatalogError> {
        let now = self.now();
        self.change(
            |transaction| {
                let before = self.namespace_by_id(project, id);
                let before = before.ok_or_else(|| CatalogError::not_found("namespace", &id))?;
                let Some(kind) = before.fields.get(field).copied() else { return Ok(before) };
                let mut after = Namespace::clone(&before);
                let mut drop = |name: &FieldName| {
                    after.fields.remove(name);
                    let sql = "DELETE FROM fields WHERE namespace = ?1 AND name = ?2";
                    transaction.execute(sql, params![id.get(), name.as_str()])
                };
                drop(field)?;
                let put = match change {
                    FieldChange::Drop => None,
                    FieldChange::Rename(to) => {
                        drop(to)?;
                        Some((to.clone(), kind))
                    }
                    FieldChange::Retype(to) => Some((field.clone(), *to)),
                };
                if let Some((name, kind)) = put {
                    put_field(transaction, id, &name, kind)?;
                    after.fields.insert(name, kind);
                }
                after.last_modified = now;
                transaction.execute(
                    "UPDATE namespaces SET last_modified = ?2 WHERE id = ?1",
                    params![id.get(), now.micros()],
                )?;
                Ok(Arc::new(after))
            },
            |mirror, namespace| mirror.put_namespace(Arc::clone(namespace)),
        )
    }
}
