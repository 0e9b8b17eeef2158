//! Imports that were refused: the newest of each project, for whoever wonders where their readings are.
//!
//! ```text
//! note_refusals(many) ─▶ one change: kept, and of each project as many as there may be
//! ```

use std::collections::BTreeSet;

use iobeam_model::ProjectId;
use rusqlite::{params, types::ToSql};

use crate::database::Catalog;
use crate::error::CatalogError;
use crate::record::Refusal;

impl Catalog {
    /// Keeps refusals, and of each project at most the newest `most`. Those of a project that is gone are passed over.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn note_refusals(&self, refusals: &[Refusal], most: usize) -> Result<(), CatalogError> {
        self.change(
            |transaction| {
                let mut insert = transaction.prepare_cached(
                    "INSERT INTO refusals (project, at, device, status, code, message, details, times) \
                     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE EXISTS (SELECT 1 FROM projects WHERE id = ?1)",
                )?;
                for refusal in refusals {
                    insert.execute(params![
                        refusal.project.get(),
                        refusal.at.micros(),
                        refusal.device,
                        refusal.status,
                        refusal.code,
                        refusal.message,
                        refusal.details,
                        refusal.times,
                    ])?;
                }
                let mut trim = transaction.prepare_cached(
                    "DELETE FROM refusals WHERE project = ?1 AND id <= \
                     (SELECT id FROM refusals WHERE project = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
                )?;
                let projects: BTreeSet<u32> =
                    refusals.iter().map(|refusal| refusal.project.get()).collect();
                for project in projects {
                    trim.execute(params![project, i64::try_from(most).unwrap_or(i64::MAX)])?;
                }
                Ok(())
            },
            |_, ()| {},
        )
    }

    /// The newest refusals of a project, of one device or of all.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn refusals(
        &self,
        project: ProjectId,
        device: Option<&str>,
        count: usize,
    ) -> Result<Vec<Refusal>, CatalogError> {
        let of_device = if device.is_some() { "AND device = ?3" } else { "" };
        let columns = Refusal::COLUMNS;
        let sql = format!(
            "SELECT {columns} FROM refusals WHERE project = ?1 {of_device} ORDER BY id DESC LIMIT ?2"
        );
        let (project, count) = (project.get(), i64::try_from(count).unwrap_or(i64::MAX));
        let mut given: Vec<&dyn ToSql> = vec![&project, &count];
        given.extend(device.as_ref().map(|device| device as &dyn ToSql));
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(given.as_slice(), Refusal::read)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

impl Refusal {
    /// The same sort of thing happened again, at that time.
    pub fn again(&mut self, newer: Self) {
        let times = self.times.saturating_add(newer.times);
        *self = Self { times, ..newer };
    }
}
