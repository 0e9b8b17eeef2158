//! Keys sent by mail: whoever shows one reads that mailbox.
//!
//! ```text
//! new_verification_key ─▶ 7 days ─▶ verify_email            start_password_reset ─▶ 1 hour ─▶ reset_password
//!           each key works once; the file holds only what recognises it
//! ```
//!
//! A few keys of a user may be alive at once, so that asking again (by anybody) does not void the mail on its way.

use std::time::Duration;

use iobeam_model::{Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::addresses::remember_address;
use crate::audit::{Actor, AuditAction, AuditEvent};
use crate::database::Catalog;
use crate::error::CatalogError;
use crate::record::{User, UserState};
use crate::secret::{random_text, recognise};
use crate::users::{by_id, by_name, rules};

/// How many random signs a key has: 160 bits.
pub(super) const KEY_SIGNS: usize = 32;

/// How many keys for one purpose a user can have at once; the oldest goes.
const MOST_ALIVE: u32 = 5;

/// What a key is for.
#[derive(Clone, Copy)]
pub(super) struct Purpose {
    name: &'static str,
    lasts: Duration,
}

pub(super) const VERIFICATION: Purpose =
    Purpose { name: "verification", lasts: Duration::from_hours(7 * 24) };

pub(super) const RESET: Purpose = Purpose { name: "reset", lasts: Duration::from_hours(1) };

impl Catalog {
    /// A key to send to the user's address; it proves the address within 7 days.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn new_verification_key(&self, user: UserId) -> Result<String, CatalogError> {
        self.new_key(user, VERIFICATION)
    }

    /// Takes a verification key back from the mailbox: the address is verified, and is the account's from now on if it
    /// was asked for as a new one.
    ///
    /// # Errors
    /// `KeyRefused` when the key is unknown, was used or ran out; `AlreadyExists` when somebody else took the address
    /// meanwhile.
    pub fn verify_email(&self, key: &str) -> Result<User, CatalogError> {
        let now = self.now();
        self.change(
            |transaction| {
                if let Some(user) = self.confirm_email(transaction, key, now)? {
                    return Ok(user);
                }
                let user = redeem(transaction, key, VERIFICATION, now)?;
                transaction
                    .execute("UPDATE users SET email_verified = 1 WHERE id = ?1", [user.get()])?;
                by_id(transaction, user)
            },
            |_, _| {},
        )
    }

    /// A key to send to that address, if it is a user's; it lets a new password be set within an hour.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn start_password_reset(
        &self,
        email: &str,
    ) -> Result<Option<(User, String)>, CatalogError> {
        // A user name is no address: the mail goes where the asker says it should.
        let found = self.read(|connection| by_name(connection, email))?;
        let same = |user: &User| rules::key(&user.email) == rules::key(email);
        let is_active = |user: &User| user.state == UserState::Active;
        let Some((user, _)) = found.filter(|(user, _)| same(user) && is_active(user)) else {
            return Ok(None);
        };
        let key = self.new_key(user.id, RESET)?;
        Ok(Some((user, key)))
    }

    /// Sets a new password for whoever the reset key was sent to. The user's other reset keys and user tokens become
    /// void; project tokens, which devices hold, go on.
    ///
    /// # Errors
    /// `KeyRefused` when the key is unknown, was used or ran out; `Invalid` when the password breaks a rule (the key
    /// stays good then).
    pub fn reset_password(&self, key: &str, password: &str) -> Result<User, CatalogError> {
        let now = self.now();
        let user = self.read(|connection| {
            let id = find(connection, key, RESET, now)?;
            let id = id.ok_or(CatalogError::KeyRefused { what: RESET.name })?;
            by_id(connection, id)
        })?;
        if user.state != UserState::Active {
            return Err(CatalogError::AccountDisabled);
        }
        rules::password(password, &[Some(&user.email), user.username.as_deref()])?;
        let hash = self.passwords().hash(password)?;
        self.change(
            |transaction| {
                let user = redeem(transaction, key, RESET, now)?;
                transaction.execute(
                    "UPDATE users SET password = ?2 WHERE id = ?1",
                    params![user.get(), hash],
                )?;
                transaction.execute(
                    "DELETE FROM keys WHERE user = ?1 AND purpose = ?2",
                    params![user.get(), RESET.name],
                )?;
                let by = Actor { user: Some(user), ..self.actor() };
                // Who reads the mailbox is at home where they are now.
                remember_address(transaction, user, by, now)?;
                let event = AuditEvent::new(AuditAction::UserPassword).target("user", &user);
                self.audit_as(transaction, by, event.detail("by", "reset key"))?;
                let revoked = crate::tokens::revoke_user_tokens(transaction, user, now)?;
                Ok((by_id(transaction, user)?, revoked))
            },
            |mirror, (_, revoked)| revoked.iter().for_each(|token| mirror.put_token(token)),
        )
        .map(|(user, _)| user)
    }

    fn new_key(&self, user: UserId, purpose: Purpose) -> Result<String, CatalogError> {
        let now = self.now();
        self.change(|transaction| make_key(transaction, user, purpose, now), |_, _| {})
    }
}

/// Makes a key for a user.
pub(super) fn make_key(
    transaction: &Transaction<'_>,
    user: UserId,
    purpose: Purpose,
    now: Timestamp,
) -> Result<String, CatalogError> {
    let key = random_text(KEY_SIGNS);
    by_id(transaction, user)?;
    transaction.execute(
        "INSERT INTO keys (hash, purpose, user, created, expires) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            recognise(&key),
            purpose.name,
            user.get(),
            now.micros(),
            now.plus(purpose.lasts).micros()
        ],
    )?;
    transaction.execute(
        "DELETE FROM keys WHERE user = ?1 AND purpose = ?2 AND hash NOT IN (SELECT hash FROM keys \
         WHERE user = ?1 AND purpose = ?2 ORDER BY created DESC LIMIT ?3)",
        params![user.get(), purpose.name, MOST_ALIVE],
    )?;
    Ok(key)
}

/// Whose key this is, if it is good.
fn find(
    connection: &Connection,
    key: &str,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Option<UserId>, CatalogError> {
    let found = connection
        .prepare_cached("SELECT user FROM keys WHERE hash = ?1 AND purpose = ?2 AND expires > ?3")?
        .query_row(params![recognise(key), purpose.name, now.micros()], |row| row.get(0))
        .optional()?;
    Ok(found.map(UserId))
}

/// Uses a key up.
fn redeem(
    transaction: &Transaction<'_>,
    key: &str,
    purpose: Purpose,
    now: Timestamp,
) -> Result<UserId, CatalogError> {
    let user = find(transaction, key, purpose, now)?
        .ok_or(CatalogError::KeyRefused { what: purpose.name })?;
    transaction.execute("DELETE FROM keys WHERE hash = ?1", [recognise(key)])?;
    Ok(user)
}
