//! People: signing up, logging in, proving an address, replacing a forgotten password.
//!
//! ```text
//! create_user ─ rules ─ invite looks good? ─ hash (no lock held) ─▶ invite used + user made, together
//! log_in ─ find (or stand-in) ─ hash (no lock held) ─▶ User or WrongPassword, after the same work
//! start_password_reset ─▶ key (by mail) ─▶ reset_password: new hash, all reset keys and user tokens void
//! ```
//!
//! E-mail addresses and user names are unique in any letter case, and a user name holds no '@': whatever name someone
//! logs in with means one person.

mod accounts;

mod emails;

mod invites;

mod joining;

mod keys;

mod known;

mod members;

mod rules;

use std::num::NonZeroU32;

use iobeam_model::{ProjectId, Timestamp, UserId};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, params};

use crate::addresses::remember_address;
use crate::audit::{Actor, AuditAction, AuditEvent};
use crate::database::Catalog;
use crate::error::CatalogError;
use crate::record::{User, UserState};

pub use emails::{AccountUpdate, EmailChange};
pub use joining::NewProjectInvite;

use joining::Joined;

/// Most users that one search gives.
const MOST_FOUND: usize = 100;

/// Who may sign up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignUp {
    /// Everybody.
    Open,
    /// Who has an invite code.
    Invite,
    /// Nobody.
    Closed,
}

/// Someone who signs up.
#[derive(Clone, Default)]
pub struct NewUser {
    /// Where keys are sent, and a name to log in with.
    pub email: String,
    /// At least 8 characters.
    pub password: String,
    /// A shorter name to log in with.
    pub username: Option<String>,
    /// May be empty.
    pub first_name: String,
    /// May be empty.
    pub last_name: String,
    /// May be empty.
    pub company_name: String,
    /// May be empty.
    pub url: String,
    /// The code, where one is needed.
    pub invite: Option<String>,
}

/// What to change about a user; `None` leaves a member as it is.
#[derive(Clone, Default)]
pub struct UserChanges {
    /// Another address; it has to be verified again.
    pub email: Option<String>,
    /// Another user name; an empty one takes it away.
    pub username: Option<String>,
    /// Another first name.
    pub first_name: Option<String>,
    /// Another last name.
    pub last_name: Option<String>,
    /// Another company.
    pub company_name: Option<String>,
    /// Another address on the web.
    pub url: Option<String>,
    /// Another password; needs the old one.
    pub password: Option<String>,
}

impl Catalog {
    /// Makes an account. The first one is the operator's; the mode holds for it as well. The code of an invite to a
    /// project makes its user a member, too, and is good where sign-up is by invitation.
    ///
    /// # Errors
    /// `SignUpClosed` or `NotInvited` by the mode, `Invalid` when a member breaks a rule, `AlreadyExists` when the
    /// address or the user name is in use in any letter case.
    pub fn create_user(&self, new: NewUser, mode: SignUp) -> Result<User, CatalogError> {
        let by_invite = match mode {
            SignUp::Open => false,
            SignUp::Closed => return Err(CatalogError::SignUpClosed),
            SignUp::Invite => true,
        };
        let code = new.invite;
        if by_invite && code.is_none() {
            return Err(CatalogError::NotInvited);
        }
        let code = code.as_deref();
        let mut user = User {
            // Until the file gives it one.
            id: UserId(NonZeroU32::MIN),
            email: rules::email(&new.email)?,
            username: new.username.as_deref().map(rules::username).transpose()?.flatten(),
            first_name: rules::text("first_name", &new.first_name)?,
            last_name: rules::text("last_name", &new.last_name)?,
            company_name: rules::text("company_name", &new.company_name)?,
            url: rules::text("url", &new.url)?,
            email_verified: false,
            operator: false,
            created: self.now(),
            state: UserState::Active,
        };
        rules::password(&new.password, &[Some(&user.email), user.username.as_deref()])?;
        // Looked at before the costly hash and used up after it, with the account.
        self.read(|connection| {
            if let Some(code) = code.filter(|_| by_invite)
                && !self.is_project_invite(connection, code, user.created)?
            {
                invites::see(connection, code, user.created)?;
            }
            refuse_taken(connection, &user, user.created)
        })?;
        let hash = self.passwords().hash(&new.password)?;
        self.change(
            |transaction| {
                user.operator = !any_user(transaction)?;
                user.id = insert(transaction, &user, &hash)?;
                let by = Actor { user: Some(user.id), ..self.actor() };
                let event = AuditEvent::new(AuditAction::UserCreate).target("user", &user.id);
                self.audit_as(transaction, by, event.detail("operator", user.operator))?;
                remember_address(transaction, user.id, self.actor(), user.created)?;
                let Some(code) = code else { return Ok(None) };
                let joined = self.redeem(transaction, user.id, code, user.created)?;
                if joined.is_none() && by_invite {
                    invites::consume(transaction, code, user.created)?;
                }
                Ok(joined)
            },
            |mirror, joined| {
                let show = |one: &Joined| mirror.put_member(one.project, one.user, one.may);
                joined.iter().for_each(show);
            },
        )?;
        Ok(user)
    }

    /// Whether anybody has an account: before that, the next one to sign up becomes the operator.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn has_users(&self) -> Result<bool, CatalogError> {
        self.read(any_user)
    }

    /// The user of that number.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn user(&self, id: UserId) -> Result<User, CatalogError> {
        self.read(|connection| by_id(connection, id))
    }

    /// The user of that user name or e-mail address, in any letter case.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn user_by_name(&self, name: &str) -> Result<User, CatalogError> {
        let found = self.read(|connection| by_name(connection, name))?;
        found.map(|(user, _)| user).ok_or_else(|| CatalogError::not_found("user", &name))
    }

    /// The members of a project, by number.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn users_in(&self, project: ProjectId) -> Result<Vec<User>, CatalogError> {
        let columns = User::COLUMNS;
        let sql = format!(
            "SELECT {columns} FROM users WHERE id IN (SELECT user FROM members WHERE project = ?1) ORDER BY id"
        );
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map([project.get()], User::read)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Users that somebody may find: the one whose whole address or user name this is, and those who share a project with
    /// them and in whose address or names the text occurs, in any letter case: at most 100.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn find_users(&self, by: UserId, text: &str) -> Result<Vec<User>, CatalogError> {
        let columns = User::COLUMNS;
        let sql = format!(
            "SELECT {columns} FROM users WHERE state <> 'deleted' AND (email_key = ?1 OR username_key = ?1 OR id IN \
             (SELECT user FROM members WHERE called IS NULL AND project IN \
             (SELECT project FROM members WHERE user = ?2))) ORDER BY id"
        );
        let asked = rules::key(text);
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query(params![asked, by.get()])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let user = User::read(row)?;
                // Letters of all scripts: the database knows upper and lower case of the Latin ones alone.
                let username = user.username.as_deref().unwrap_or_default();
                let texts = [&user.email, username, &user.first_name, &user.last_name];
                if texts.into_iter().any(|text| rules::key(text).contains(&asked)) {
                    found.push(user);
                }
                if found.len() == MOST_FOUND {
                    break;
                }
            }
            Ok(found)
        })
    }

    /// The user of that name (user name or e-mail address) and password.
    ///
    /// # Errors
    /// `WrongPassword`, after the same work whether there is such a user or not.
    pub fn log_in(&self, name: &str, password: &str) -> Result<User, CatalogError> {
        let found = self.read(|connection| by_name(connection, name))?;
        let (user, hash) = found.unzip();
        let user = match (self.passwords().verify(password, hash.as_deref())?, user) {
            // Only who knows the password is told that the account is disabled.
            (true, Some(user)) if user.state != UserState::Active => {
                return Err(CatalogError::AccountDisabled);
            }
            (true, Some(user)) => return Ok(user),
            (_, user) => user,
        };
        // What was typed in place of a name is not kept: it may be a password.
        let event = AuditEvent::new(AuditAction::SignInFailed);
        self.record_audit(match user {
            Some(user) => event.target("user", &user.id),
            None => event.detail("account", "unknown"),
        })?;
        Err(CatalogError::WrongPassword)
    }
}

/// The user as the changes would have it.
fn apply(before: &User, changes: &UserChanges) -> Result<User, CatalogError> {
    let mut after = before.clone();
    if let Some(email) = &changes.email {
        after.email = rules::email(email)?;
        // Only another address is to be verified again, not another spelling of it.
        after.email_verified &= rules::key(&after.email) == rules::key(&before.email);
    }
    if let Some(username) = &changes.username {
        after.username = rules::username(username)?;
    }
    let texts = [
        ("first_name", &changes.first_name, &mut after.first_name),
        ("last_name", &changes.last_name, &mut after.last_name),
        ("company_name", &changes.company_name, &mut after.company_name),
        ("url", &changes.url, &mut after.url),
    ];
    for (what, change, member) in texts {
        if let Some(text) = change {
            *member = rules::text(what, text)?;
        }
    }
    Ok(after)
}

fn any_user(connection: &Connection) -> Result<bool, CatalogError> {
    Ok(connection.query_row("SELECT EXISTS (SELECT 1 FROM users)", [], |row| row.get(0))?)
}

/// The user of that number.
pub(crate) fn by_id(connection: &Connection, id: UserId) -> Result<User, CatalogError> {
    with_hash(connection, id).map(|(user, _)| user)
}

fn with_hash(connection: &Connection, id: UserId) -> Result<(User, String), CatalogError> {
    let sql = format!("SELECT {}, password FROM users WHERE id = ?1", User::COLUMNS);
    connection
        .prepare_cached(&sql)?
        .query_row([id.get()], |row| Ok((User::read(row)?, row.get(11)?)))
        .optional()?
        .ok_or_else(|| CatalogError::not_found("user", &id))
}

/// The user of that user name or address, with the password's hash.
fn by_name(connection: &Connection, name: &str) -> Result<Option<(User, String)>, CatalogError> {
    let sql = format!(
        "SELECT {}, password FROM users WHERE (email_key = ?1 OR username_key = ?1) AND state <> 'deleted'",
        User::COLUMNS
    );
    let found = connection
        .prepare_cached(&sql)?
        .query_row([rules::key(name)], |row| Ok((User::read(row)?, row.get(11)?)))
        .optional()?;
    Ok(found)
}

/// Refuses an address or a user name that someone has, or an address that someone may still take back.
fn refuse_taken(connection: &Connection, user: &User, now: Timestamp) -> Result<(), CatalogError> {
    if emails::is_reserved(connection, user, now)? {
        return Err(CatalogError::AlreadyExists { what: "user", name: user.email.clone() });
    }
    if by_name(connection, &user.email)?.is_some() {
        return Err(CatalogError::AlreadyExists { what: "user", name: user.email.clone() });
    }
    if let Some(name) = &user.username
        && by_name(connection, name)?.is_some()
    {
        return Err(CatalogError::AlreadyExists { what: "user", name: name.clone() });
    }
    Ok(())
}

fn insert(transaction: &Transaction<'_>, user: &User, hash: &str) -> Result<UserId, CatalogError> {
    refuse_taken(transaction, user, user.created)?;
    transaction.execute(
        "INSERT INTO users (email, email_key, username, username_key, password, first_name, last_name, company_name, \
         url, operator, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            user.email,
            rules::key(&user.email),
            user.username,
            user.username.as_deref().map(rules::key),
            hash,
            user.first_name,
            user.last_name,
            user.company_name,
            user.url,
            user.operator,
            user.created.micros(),
        ],
    )?;
    let number = u32::try_from(transaction.last_insert_rowid()).ok().and_then(UserId::new);
    number.ok_or(CatalogError::TooMany { what: "users", limit: u32::MAX as usize })
}

fn update(
    transaction: &Transaction<'_>,
    user: &User,
    hash: Option<&str>,
) -> Result<(), CatalogError> {
    let outcome = transaction.execute(
        "UPDATE users SET email = ?2, email_key = ?3, username = ?4, username_key = ?5, first_name = ?6, \
         last_name = ?7, company_name = ?8, url = ?9, email_verified = ?10, password = coalesce(?11, password) \
         WHERE id = ?1",
        params![
            user.id.get(),
            user.email,
            rules::key(&user.email),
            user.username,
            user.username.as_deref().map(rules::key),
            user.first_name,
            user.last_name,
            user.company_name,
            user.url,
            user.email_verified,
            hash,
        ],
    );
    match outcome {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            let email_taken = error.to_string().contains("email_key");
            let name = user.username.clone().filter(|_| !email_taken);
            let name = name.unwrap_or_else(|| user.email.clone());
            Err(CatalogError::AlreadyExists { what: "user", name })
        }
        other => other.map(drop).map_err(Into::into),
    }
}
