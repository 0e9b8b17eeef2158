//! Invite codes: who has one can sign up where sign-up is by invitation.
//!
//! ```text
//! create_invite ─▶ code, shown once ─▶ create_user uses it up, together with making the account
//! ```
//!
//! A code for n people makes at most n accounts, however many ask at once.

use iobeam_model::{Timestamp, UserId};
use rusqlite::{Connection, Transaction, params};

use crate::audit::{AuditAction, AuditEvent};
use crate::database::Catalog;
use crate::error::CatalogError;
use crate::record::{Changed, Invite};
use crate::secret::{random_text, recognise};

/// How many random signs a code has: 100 bits.
const CODE_SIGNS: usize = 20;

/// How many of them a listing shows.
const HINT_SIGNS: usize = 4;

/// What a good invite is, `?1` being what recognises it and `?2` the time.
const GOOD: &str =
    "hash = ?1 AND used < uses AND revoked IS NULL AND (expires IS NULL OR expires > ?2)";

impl Catalog {
    /// Makes an invite for that many people. The code is shown this once. `by` is `None` when the platform itself
    /// makes one, as at its first start.
    ///
    /// # Errors
    /// `Invalid` when it is for nobody, `NotFound` when its maker does not exist.
    pub fn create_invite(
        &self,
        by: Option<UserId>,
        uses: u32,
        expires: Option<Timestamp>,
    ) -> Result<String, CatalogError> {
        if uses == 0 {
            return Err(CatalogError::invalid("uses", "an invite is for at least one person"));
        }
        let now = self.now();
        let code = random_text(CODE_SIGNS);
        self.change(
            |transaction| {
                by.map_or(Ok(()), |user| crate::users::by_id(transaction, user).map(drop))?;
                transaction.execute(
                    "INSERT INTO invites (hash, hint, made_by, uses, created, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![
                        recognise(&code),
                        &code[..HINT_SIGNS],
                        by.map(UserId::get),
                        uses,
                        now.micros(),
                        expires.map(Timestamp::micros)
                    ],
                )?;
                let id = transaction.last_insert_rowid();
                let event = AuditEvent::new(AuditAction::InviteCreate).target("invite", &id);
                self.audit(transaction, event.detail("uses", uses))
            },
            |_, ()| {},
        )?;
        Ok(code)
    }

    /// All invites, newest first, also those that are used up.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn invites(&self) -> Result<Vec<Invite>, CatalogError> {
        let sql = format!("SELECT {} FROM invites ORDER BY id DESC", Invite::COLUMNS);
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            Ok(statement.query_map([], Invite::read)?.collect::<Result<_, _>>()?)
        })
    }

    /// Takes an invite back: nobody else can sign up with it.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn revoke_invite(&self, id: u32) -> Result<Changed, CatalogError> {
        let now = self.now();
        self.change(
            |transaction| {
                let changed = transaction.execute(
                    "UPDATE invites SET revoked = ?2 WHERE id = ?1 AND revoked IS NULL",
                    params![id, now.micros()],
                )?;
                let known: bool = transaction.query_row(
                    "SELECT EXISTS (SELECT 1 FROM invites WHERE id = ?1)",
                    [id],
                    |row| row.get(0),
                )?;
                if changed > 0 {
                    let event = AuditEvent::new(AuditAction::InviteRevoke).target("invite", &id);
                    self.audit(transaction, event)?;
                }
                if known {
                    Ok(Changed::when(changed > 0))
                } else {
                    Err(CatalogError::not_found("invite", &id))
                }
            },
            |_, _| {},
        )
    }
}

/// Refuses a code that would not be taken now.
pub(crate) fn see(connection: &Connection, code: &str, now: Timestamp) -> Result<(), CatalogError> {
    let sql = format!("SELECT EXISTS (SELECT 1 FROM invites WHERE {GOOD})");
    let good: bool =
        connection.query_row(&sql, params![recognise(code), now.micros()], |row| row.get(0))?;
    if good { Ok(()) } else { Err(CatalogError::NotInvited) }
}

/// Uses a code once.
pub(crate) fn consume(
    transaction: &Transaction<'_>,
    code: &str,
    now: Timestamp,
) -> Result<(), CatalogError> {
    let sql = format!("UPDATE invites SET used = used + 1 WHERE {GOOD}");
    match transaction.execute(&sql, params![recognise(code), now.micros()])? {
        0 => Err(CatalogError::NotInvited),
        _ => Ok(()),
    }
}
