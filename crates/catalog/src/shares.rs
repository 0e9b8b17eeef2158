//! Links to dashboards: who has the key sees that dashboard, and nothing else.
//!
//! ```text
//! create_share ─▶ key, shown once        share_by_key(key) ─▶ which dashboard     from memory, on each request
//!                                        touch_share        in memory, written back
//! ```
//!
//! The file holds only what recognises a key. A link that is taken back is forgotten at once.

use std::sync::Arc;

use iobeam_model::{ProjectId, Timestamp};
use rusqlite::{OptionalExtension, params};

use crate::audit::{AuditAction, AuditEvent};
use crate::dashboards::find_dashboard;
use crate::database::Catalog;
use crate::error::CatalogError;
use crate::record::Share;
use crate::secret::{random_text, recognise};

/// How many random signs a key has: 160 bits.
const KEY_SIGNS: usize = 32;

impl Catalog {
    /// Makes a link to a dashboard. The key is shown this once.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` when it would have run out already; `TooMany` when the dashboard has `limit` of them.
    pub fn create_share(
        &self,
        project: ProjectId,
        dashboard: u32,
        expires: Option<Timestamp>,
        limit: usize,
    ) -> Result<(Share, String), CatalogError> {
        let created = self.now();
        if expires.is_some_and(|end| end <= created) {
            let reason = "it lies in the past; name a later time, or leave it out";
            return Err(CatalogError::invalid("expires", reason));
        }
        let key = random_text(KEY_SIGNS);
        let hash = recognise(&key);
        let share = self.change(
            |transaction| {
                find_dashboard(transaction, project, dashboard)?;
                let has: u32 = transaction
                    .prepare_cached("SELECT count(*) FROM shares WHERE dashboard = ?1")?
                    .query_row([dashboard], |row| row.get(0))?;
                if has as usize >= limit {
                    return Err(CatalogError::TooMany { what: "links to a dashboard", limit });
                }
                let id = transaction
                    .prepare_cached(
                        "INSERT INTO shares (dashboard, hash, created, expires) \
                         VALUES (?1, ?2, ?3, ?4) RETURNING id",
                    )?
                    .query_row(
                        params![dashboard, hash, created.micros(), expires.map(Timestamp::micros)],
                        |row| row.get(0),
                    )?;
                let event = AuditEvent::new(AuditAction::ShareCreate).in_project(project);
                let event = event.target("share", &id).detail("dashboard", dashboard);
                self.audit(transaction, event)?;
                Ok(Share { id, dashboard, project, created, expires, last_used: None })
            },
            |mirror, share| mirror.put_share(hash, share.clone()),
        )?;
        Ok((share, key))
    }

    /// The link that this key opens, also when it has run out: that is for the caller to see. From memory.
    pub fn share_by_key(&self, key: &str) -> Option<Arc<Share>> {
        let shares = self.mirror().shares.read();
        shares.get(&recognise(key)).map(|known| Arc::clone(&known.share))
    }

    /// Notes that a link was used now. In memory; written to the file every few seconds.
    pub fn touch_share(&self, key: &str) {
        let hash = recognise(key);
        if let Some(known) = self.mirror().shares.read().get(&hash)
            && known.last_used.set(self.now())
        {
            self.mirror().behind.lock().shares.push(hash);
        }
    }

    /// The links to a dashboard, newest first.
    ///
    /// # Errors
    /// `NotFound` for the dashboard.
    pub fn shares(&self, project: ProjectId, dashboard: u32) -> Result<Vec<Share>, CatalogError> {
        let columns = Share::COLUMNS;
        let sql = format!(
            "SELECT {columns} FROM shares s JOIN dashboards d ON d.id = s.dashboard \
             WHERE s.dashboard = ?1 ORDER BY s.id DESC"
        );
        self.read(|connection| {
            find_dashboard(connection, project, dashboard)?;
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map([dashboard], |row| {
                let (mut share, hash) = (Share::read(row)?, row.get::<_, [u8; 32]>(6)?);
                // The time in memory may be ahead of the file.
                let known = self.mirror().shares.read();
                let used = known.get(&hash).and_then(|known| known.last_used.get());
                share.last_used = used.or(share.last_used);
                Ok(share)
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Takes a link back: its key opens nothing any more.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn revoke_share(
        &self,
        project: ProjectId,
        dashboard: u32,
        id: u32,
    ) -> Result<(), CatalogError> {
        self.change(
            |transaction| {
                find_dashboard(transaction, project, dashboard)?;
                let hash: Option<[u8; 32]> = transaction
                    .prepare_cached(
                        "DELETE FROM shares WHERE id = ?1 AND dashboard = ?2 RETURNING hash",
                    )?
                    .query_row(params![id, dashboard], |row| row.get(0))
                    .optional()?;
                let hash = hash.ok_or_else(|| CatalogError::not_found("link", &id))?;
                let event = AuditEvent::new(AuditAction::ShareRevoke).in_project(project);
                let event = event.target("share", &id).detail("dashboard", dashboard);
                self.audit(transaction, event)?;
                Ok(hash)
            },
            |mirror, hash| drop(mirror.shares.write().remove(hash)),
        )
        .map(drop)
    }
}
