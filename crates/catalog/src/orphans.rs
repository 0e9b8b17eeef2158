//! What the store has and this catalog does not know: after a restored backup there may be tables of projects and
//! namespaces that were made later.
//!
//! ```text
//! start ─▶ the store's tables less the namespaces ─▶ orphans ─▶ their names are not given out, their ids never
//! ```
//!
//! Nobody may come to rows by making a project or a namespace: its number or name must never have been another's.

use std::collections::HashSet;

use iobeam_model::{NamespaceName, ProjectId};
use rusqlite::{OptionalExtension as _, params};

use crate::database::Catalog;
use crate::error::CatalogError;

impl Catalog {
    /// Says which tables the store has. Those that this catalog does not know are orphans from now on; gives them.
    /// New projects get numbers above all that have ever been seen.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn claim_tables(
        &self,
        tables: &[(ProjectId, NamespaceName)],
    ) -> Result<Vec<(ProjectId, NamespaceName)>, CatalogError> {
        let going = self.deletions()?;
        let is_going = |project: ProjectId, name: &NamespaceName| {
            going.iter().any(|one| {
                one.project == project && one.namespace.as_ref().is_none_or(|gone| gone == name)
            })
        };
        let is_orphan = |(project, name): &&(ProjectId, NamespaceName)| {
            self.namespace(*project, name).is_none() && !is_going(*project, name)
        };
        let orphans: Vec<_> = tables.iter().filter(is_orphan).cloned().collect();
        if let Some(highest) = tables.iter().map(|(project, _)| project.get()).max() {
            self.reserve_projects(highest)?;
        }
        *self.mirror().orphans.write() = orphans.iter().cloned().collect::<HashSet<_>>();
        Ok(orphans)
    }

    /// Projects made from now on have numbers above this one.
    fn reserve_projects(&self, upto: u32) -> Result<(), CatalogError> {
        self.change(
            |transaction| {
                let known: Option<u32> = transaction
                    .query_row(
                        "SELECT seq FROM sqlite_sequence WHERE name = 'projects'",
                        [],
                        |row| row.get(0),
                    )
                    .optional()?;
                match known {
                    Some(known) if known >= upto => {}
                    Some(_) => {
                        let sql = "UPDATE sqlite_sequence SET seq = ?1 WHERE name = 'projects'";
                        transaction.execute(sql, params![upto])?;
                    }
                    None => {
                        let sql = "INSERT INTO sqlite_sequence (name, seq) VALUES ('projects', ?1)";
                        transaction.execute(sql, params![upto])?;
                    }
                }
                Ok(())
            },
            |_, ()| {},
        )
    }

    /// Refuses a name under which the store has rows that this catalog knows nothing of.
    pub(crate) fn expect_no_orphan(
        &self,
        project: ProjectId,
        name: &NamespaceName,
    ) -> Result<(), CatalogError> {
        if self.mirror().orphans.read().contains(&(project, name.clone())) {
            return Err(CatalogError::Orphaned { project, name: name.clone() });
        }
        Ok(())
    }

    /// What tells this catalog from those of other servers, and is the same in each backup of it: the hash of the
    /// first entry of its audit log. Nothing while that is empty.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn identity(&self) -> Result<Option<String>, CatalogError> {
        self.read(|connection| {
            let sql = "SELECT lower(hex(hash)) FROM audit ORDER BY id LIMIT 1";
            Ok(connection.query_row(sql, [], |row| row.get(0)).optional()?)
        })
    }
}
