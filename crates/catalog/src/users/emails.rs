//! Changing an account: what needs the password, and how a new address is confirmed, or taken back from the old one.
//!
//! ```text
//! update_user ─ password right? ─┬─ without mail: the new address at once ───────────┐
//!                                └─ with mail: a key to the new address ─ confirm ───┴─▶ the new address
//!                                              a key to the old address ─ revert ──────▶ the old one; all log-ins end,
//!                                                                                       the password is void
//! ```
//!
//! A stolen token changes neither address nor password. Who has the password as well is undone from the old mailbox,
//! which nobody else can take as their address as long as that is possible.

use std::time::Duration;

use iobeam_model::{Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::audit::{Actor, AuditAction, AuditEvent};
use crate::database::Catalog;
use crate::error::CatalogError;
use crate::password::UNKNOWN_PASSWORD;
use crate::record::{Changed, User};
use crate::secret::{random_text, recognise};
use crate::tokens::revoke_user_tokens;
use crate::users::keys::{KEY_SIGNS, RESET, VERIFICATION, make_key};
use crate::users::{UserChanges, apply, by_id, refuse_taken, rules, update, with_hash};

/// How long a new address can be confirmed, and a change be taken back.
const CHANGE_LASTS: Duration = Duration::from_hours(7 * 24);

/// What became of a change of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountUpdate {
    /// Whether anything is different now.
    pub changed: Changed,
    /// Another address: in use now, or to be confirmed.
    pub email: Option<EmailChange>,
}

/// Another address, and the keys that go to the new and to the old one.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailChange {
    /// The address until now.
    pub old: String,
    /// The new one.
    pub new: String,
    /// Verifies the new address, or brings it about: sent there.
    pub key: String,
    /// Takes the change back: sent to the old address.
    pub revert: String,
}

impl std::fmt::Debug for EmailChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmailChange").field("new", &self.new).finish_non_exhaustive()
    }
}

impl Catalog {
    /// Changes an account. A new password and another address need the password; with `confirm` an address is the
    /// account's only when a key that is sent there comes back ([`Self::verify_email`]).
    ///
    /// # Errors
    /// `NotFound`, `Invalid`, `AlreadyExists`; `PasswordNeeded` or `WrongPassword` when what needs the password comes
    /// without it.
    pub fn update_user(
        &self,
        id: UserId,
        changes: UserChanges,
        password: Option<&str>,
        confirm: bool,
    ) -> Result<AccountUpdate, CatalogError> {
        let (before, known) = self.read(|connection| with_hash(connection, id))?;
        let after = apply(&before, &changes)?;
        let moves = is_another_address(&before, &after);
        let mut hash = None;
        if moves || changes.password.is_some() {
            let given = password.ok_or(CatalogError::PasswordNeeded)?;
            if let Some(new) = &changes.password {
                rules::password(new, &[Some(&after.email), after.username.as_deref()])?;
            }
            if !self.passwords().verify(given, Some(&known))? {
                return Err(CatalogError::WrongPassword);
            }
            hash = changes.password.as_deref().map(|new| self.passwords().hash(new)).transpose()?;
        }
        let now = self.now();
        self.change(
            move |transaction| {
                // What was read before the hashing may be old by now.
                let (before, now_known) = with_hash(transaction, id)?;
                let mut after = apply(&before, &changes)?;
                let moves = is_another_address(&before, &after);
                if (hash.is_some() || moves) && now_known != known {
                    return Err(CatalogError::WrongPassword);
                }
                if moves {
                    refuse_taken_address(transaction, &after, now)?;
                }
                let wanted = after.email.clone();
                if moves && confirm {
                    (after.email, after.email_verified) =
                        (before.email.clone(), before.email_verified);
                }
                let is_changed = after != before || hash.is_some();
                if is_changed {
                    update(transaction, &after, hash.as_deref())?;
                }
                if hash.is_some() {
                    let event = AuditEvent::new(AuditAction::UserPassword).target("user", &id);
                    self.audit(transaction, event)?;
                }
                let email = moves
                    .then(|| self.change_email(transaction, &before, wanted, confirm, now))
                    .transpose()?;
                Ok(AccountUpdate { changed: Changed::when(is_changed || moves), email })
            },
            |_, _| {},
        )
    }

    /// Takes back a change of the address with the key that was sent to the old one. The account has that address again,
    /// every log-in ends, the password is void; the key that is returned sets a new one.
    ///
    /// # Errors
    /// `KeyRefused` when the key is unknown, was used or ran out.
    pub fn revert_email(&self, key: &str) -> Result<(User, String), CatalogError> {
        let now = self.now();
        let (user, reset, _) = self.change(
            |transaction| {
                let (id, email) = redeem(transaction, key, "revert", now)?
                    .ok_or(CatalogError::KeyRefused { what: "revert" })?;
                let before = by_id(transaction, id)?;
                // Whoever reads this mailbox has shown that it is theirs.
                let after = User { email, email_verified: true, ..before };
                update(transaction, &after, Some(UNKNOWN_PASSWORD))?;
                for table in ["keys", "email_changes"] {
                    transaction
                        .execute(&format!("DELETE FROM {table} WHERE user = ?1"), [id.get()])?;
                }
                let revoked = revoke_user_tokens(transaction, id, now)?;
                let event = AuditEvent::new(AuditAction::UserEmailRevert).target("user", &id);
                let by = Actor { user: Some(id), ..self.actor() };
                self.audit_as(transaction, by, event.detail("sessions_revoked", revoked.len()))?;
                Ok((after, make_key(transaction, id, RESET, now)?, revoked))
            },
            |mirror, (_, _, revoked)| revoked.iter().for_each(|token| mirror.put_token(token)),
        )?;
        Ok((user, reset))
    }

    /// Brings about the address that this key was sent to, if it is such a key.
    pub(super) fn confirm_email(
        &self,
        transaction: &Transaction<'_>,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<User>, CatalogError> {
        let Some((id, email)) = redeem(transaction, key, "confirm", now)? else { return Ok(None) };
        let before = by_id(transaction, id)?;
        let after = User { email, email_verified: true, ..before.clone() };
        refuse_taken_address(transaction, &after, now)?;
        update(transaction, &after, None)?;
        forget_keys(transaction, id)?;
        let event = AuditEvent::new(AuditAction::UserEmail).target("user", &id);
        self.audit_as(transaction, Actor { user: Some(id), ..self.actor() }, event)?;
        Ok(Some(after))
    }

    fn change_email(
        &self,
        transaction: &Transaction<'_>,
        before: &User,
        new: String,
        confirm: bool,
        now: Timestamp,
    ) -> Result<EmailChange, CatalogError> {
        let (id, old) = (before.id, before.email.clone());
        forget_keys(transaction, id)?;
        let (action, key) = if confirm {
            (AuditAction::UserEmailAsk, note(transaction, id, "confirm", &new, now)?)
        } else {
            (AuditAction::UserEmail, make_key(transaction, id, VERIFICATION, now)?)
        };
        let revert = note(transaction, id, "revert", &old, now)?;
        self.audit(transaction, AuditEvent::new(action).target("user", &id))?;
        Ok(EmailChange { old, new, key, revert })
    }
}

/// Whether somebody else may still take this address back.
pub(super) fn is_reserved(
    connection: &Connection,
    user: &User,
    now: Timestamp,
) -> Result<bool, CatalogError> {
    let mut statement = connection.prepare_cached(
        "SELECT email FROM email_changes WHERE purpose = 'revert' AND user <> ?1 AND expires > ?2",
    )?;
    let mut rows = statement.query(params![user.id.get(), now.micros()])?;
    let wanted = rules::key(&user.email);
    while let Some(row) = rows.next()? {
        // Not compared by the database, which knows upper and lower case of Latin letters alone.
        if rules::key(&row.get::<_, String>(0)?) == wanted {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_another_address(before: &User, after: &User) -> bool {
    rules::key(&before.email) != rules::key(&after.email)
}

/// Refuses an address that somebody else has or may take back.
fn refuse_taken_address(
    connection: &Connection,
    user: &User,
    now: Timestamp,
) -> Result<(), CatalogError> {
    let owner: Option<u32> = connection
        .prepare_cached("SELECT id FROM users WHERE email_key = ?1")?
        .query_row([rules::key(&user.email)], |row| row.get(0))
        .optional()?;
    match owner {
        Some(owner) if owner != user.id.get() => {
            Err(CatalogError::AlreadyExists { what: "user", name: user.email.clone() })
        }
        Some(_) => Ok(()),
        None => refuse_taken(connection, &User { username: None, ..user.clone() }, now),
    }
}

/// Keys in the old mailbox must not speak for the new address, and an address that was asked for before is not wanted
/// any more. What takes changes back stays.
fn forget_keys(transaction: &Transaction<'_>, user: UserId) -> Result<(), CatalogError> {
    transaction.execute("DELETE FROM keys WHERE user = ?1", [user.get()])?;
    transaction.execute(
        "DELETE FROM email_changes WHERE user = ?1 AND purpose = 'confirm'",
        [user.get()],
    )?;
    Ok(())
}

fn note(
    transaction: &Transaction<'_>,
    user: UserId,
    purpose: &str,
    email: &str,
    now: Timestamp,
) -> Result<String, CatalogError> {
    let key = random_text(KEY_SIGNS);
    transaction
        .prepare_cached(
            "INSERT INTO email_changes (hash, purpose, user, email, created, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            recognise(&key),
            purpose,
            user.get(),
            email,
            now.micros(),
            now.plus(CHANGE_LASTS).micros()
        ])?;
    Ok(key)
}

/// Uses a key up: whose it is, and which address it brings about.
fn redeem(
    transaction: &Transaction<'_>,
    key: &str,
    purpose: &str,
    now: Timestamp,
) -> Result<Option<(UserId, String)>, CatalogError> {
    let found = transaction
        .prepare_cached(
            "DELETE FROM email_changes WHERE hash = ?1 AND purpose = ?2 AND expires > ?3 RETURNING user, email",
        )?
        .query_row(params![recognise(key), purpose, now.micros()], |row| {
            Ok((row.get(0).map(UserId)?, row.get(1)?))
        })
        .optional()?;
    Ok(found)
}
