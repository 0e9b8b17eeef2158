//! The audit log as the platform uses it: who acts, what is added, what is read.
//!
//! ```text
//! catalog.acting_as(actor) ─▶ any change of that handle ─▶ the change and its row of the audit log, together
//! ```

use rusqlite::Transaction;

use crate::audit::{self, Actor, AuditEntry, AuditEvent, AuditFilter, AuditSeal};
use crate::database::Catalog;
use crate::error::CatalogError;

impl Catalog {
    /// Adds an event to the audit log, for what is changed elsewhere than in the catalog.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn record_audit(&self, event: AuditEvent) -> Result<(), CatalogError> {
        self.change(|transaction| self.audit(transaction, event), |_, ()| {})
    }

    /// Rows of the audit log, newest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn audit_log(
        &self,
        filter: &AuditFilter,
        count: usize,
    ) -> Result<Vec<AuditEntry>, CatalogError> {
        self.read(|connection| audit::read(connection, filter, count))
    }

    /// The audit log as a whole: how long it is, what its last hash is, and what is wrong with it, also when it has no row
    /// with a hash that is known from before. Reads all of it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn audit_seal(&self, known: Option<[u8; 32]>) -> Result<AuditSeal, CatalogError> {
        self.read(|connection| Ok(audit::seal(connection, known)?))
    }

    /// Adds an event to the audit log as part of a change.
    pub(crate) fn audit(
        &self,
        transaction: &Transaction<'_>,
        event: AuditEvent,
    ) -> Result<(), CatalogError> {
        self.audit_as(transaction, self.actor(), event)
    }

    /// The same, where the change itself shows who makes it.
    pub(crate) fn audit_as(
        &self,
        transaction: &Transaction<'_>,
        actor: Actor,
        event: AuditEvent,
    ) -> Result<(), CatalogError> {
        audit::record(transaction, actor, self.now(), event)
    }
}
