//! Dashboards: what is on them is the server's to check; here they are kept, under a version each.
//!
//! ```text
//! create ─▶ version 1        update { version 1 } ─▶ version 2        update { version 1 } ─▶ ChangedMeanwhile
//! ```
//!
//! Two dashboards of a project may have one name: a copy has it, and so has one that was exported and imported.

use iobeam_model::{ProjectId, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use crate::database::Catalog;
use crate::error::CatalogError;
use crate::record::Dashboard;

/// Longest name, in characters.
const LONGEST_NAME: usize = 255;

/// A dashboard to make.
#[derive(Clone, Debug)]
pub struct NewDashboard {
    /// The project.
    pub project: ProjectId,
    /// What it is called.
    pub name: String,
    /// What is on it, in JSON.
    pub board: String,
    /// How many panels that are.
    pub panels: u32,
    /// How many dashboards the project may have.
    pub limit: usize,
}

/// What to change about a dashboard; what is absent stays.
#[derive(Clone, Debug)]
pub struct DashboardChanges {
    /// The version that was changed: when it is no longer the newest, nothing is stored.
    pub version: u32,
    /// Another name.
    pub name: Option<String>,
    /// What is on it now, and how many panels that are.
    pub board: Option<(String, u32)>,
}

/// A dashboard in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedDashboard {
    /// The number.
    pub id: u32,
    /// What it is called.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// How many panels it has.
    pub panels: u32,
    /// By how many links it can be seen now.
    pub shares: u32,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub last_modified: Timestamp,
}

impl Catalog {
    /// Keeps a dashboard.
    ///
    /// # Errors
    /// `NotFound` for the project, `Invalid` for the name, `TooMany`.
    pub fn create_dashboard(&self, new: NewDashboard) -> Result<Dashboard, CatalogError> {
        let name = legal_name(&new.name)?;
        let now = self.now();
        self.change(
            |transaction| {
                self.expect_project(new.project)?;
                let has: u32 = transaction
                    .prepare_cached("SELECT count(*) FROM dashboards WHERE project = ?1")?
                    .query_row([new.project.get()], |row| row.get(0))?;
                if has as usize >= new.limit {
                    let (what, limit) = ("dashboards in a project", new.limit);
                    return Err(CatalogError::TooMany { what, limit });
                }
                let id = transaction
                    .prepare_cached(
                        "INSERT INTO dashboards (project, name, board, panels, version, created, last_modified) \
                         VALUES (?1, ?2, ?3, ?4, 1, ?5, ?5) RETURNING id",
                    )?
                    .query_row(
                        params![new.project.get(), name, new.board, new.panels, now.micros()],
                        |row| row.get(0),
                    )?;
                Ok(Dashboard {
                    id,
                    project: new.project,
                    name,
                    board: new.board,
                    panels: new.panels,
                    version: 1,
                    created: now,
                    last_modified: now,
                })
            },
            |_, _| {},
        )
    }

    /// The dashboards of a project, by name.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn dashboards(&self, project: ProjectId) -> Result<Vec<ListedDashboard>, CatalogError> {
        let now = self.now();
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, name, version, panels, created, last_modified, \
                 (SELECT count(*) FROM shares WHERE dashboard = d.id AND (expires IS NULL OR expires > ?2)) \
                 FROM dashboards d WHERE project = ?1 ORDER BY lower(name), id",
            )?;
            let rows = statement.query_map(params![project.get(), now.micros()], |row| {
                Ok(ListedDashboard {
                    id: row.get(0)?,
                    name: row.get(1)?,
                    version: row.get(2)?,
                    panels: row.get(3)?,
                    created: Timestamp::from_micros(row.get(4)?),
                    last_modified: Timestamp::from_micros(row.get(5)?),
                    shares: row.get(6)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The dashboard of that number, when it is of this project.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn dashboard(&self, project: ProjectId, id: u32) -> Result<Dashboard, CatalogError> {
        self.read(|connection| find_dashboard(connection, project, id))
    }

    /// Changes a dashboard.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` for the name, `ChangedMeanwhile` when the version is not the newest.
    pub fn update_dashboard(
        &self,
        project: ProjectId,
        id: u32,
        changes: DashboardChanges,
    ) -> Result<Dashboard, CatalogError> {
        let name = changes.name.as_deref().map(legal_name).transpose()?;
        let now = self.now();
        self.change(
            |transaction| {
                let mut after = find_dashboard(transaction, project, id)?;
                if after.version != changes.version {
                    let (what, has, given) = ("dashboard", after.version, changes.version);
                    return Err(CatalogError::ChangedMeanwhile { what, id, has, given });
                }
                after.name = name.unwrap_or(after.name);
                (after.board, after.panels) = changes.board.unwrap_or((after.board, after.panels));
                after.version += 1;
                after.last_modified = now;
                transaction
                    .prepare_cached(
                        "UPDATE dashboards SET name = ?2, board = ?3, panels = ?4, version = ?5, \
                         last_modified = ?6 WHERE id = ?1",
                    )?
                    .execute(params![
                        id,
                        after.name,
                        after.board,
                        after.panels,
                        after.version,
                        now.micros()
                    ])?;
                Ok(after)
            },
            |_, _| {},
        )
    }

    /// Deletes a dashboard; its links show nothing from then on.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn delete_dashboard(&self, project: ProjectId, id: u32) -> Result<(), CatalogError> {
        self.change(
            |transaction| {
                find_dashboard(transaction, project, id)?;
                transaction.execute("DELETE FROM dashboards WHERE id = ?1", [id])?;
                Ok(())
            },
            |mirror, ()| mirror.shares.write().retain(|_, known| known.share.dashboard != id),
        )
    }
}

/// The dashboard of that number in that project.
pub(crate) fn find_dashboard(
    connection: &Connection,
    project: ProjectId,
    id: u32,
) -> Result<Dashboard, CatalogError> {
    let columns = Dashboard::COLUMNS;
    let sql = format!("SELECT {columns} FROM dashboards WHERE id = ?1 AND project = ?2");
    let found = connection
        .prepare_cached(&sql)?
        .query_row(params![id, project.get()], Dashboard::read)
        .optional()?;
    found.ok_or_else(|| CatalogError::not_found("dashboard", &id))
}

fn legal_name(name: &str) -> Result<String, CatalogError> {
    let name = name.trim();
    let reason = match name.chars().count() {
        0 => "it is empty; give the dashboard a name".to_owned(),
        _ if name.contains(char::is_control) => "control characters are not allowed".to_owned(),
        1..=LONGEST_NAME => return Ok(name.to_owned()),
        length => format!("it has {length} characters, and at most {LONGEST_NAME} are allowed"),
    };
    Err(CatalogError::invalid("name", reason))
}
