//! Tokens: what was issued, to whom, for what, until when, and whether it was taken back.
//!
//! ```text
//! issue_token ─▶ number ─▶ (the server signs a text with that number)     token(number)   from memory, on each request
//!                                                                          touch_token     in memory, written back
//! ```
//!
//! The catalog never sees a token's text, so nothing it holds opens a door. Sixty days after its end a token is forgotten.

use std::sync::Arc;

use iobeam_model::{DeviceId, Permissions, ProjectId, Timestamp, TokenId, UserId};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::audit::{Actor, AuditAction, AuditEvent};
use crate::database::{Catalog, Mirror};
use crate::error::CatalogError;
use crate::record::{Changed, Token};

/// Longest name of a token, in characters.
const LONGEST_NAME: usize = 100;

/// A token to be issued.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Who issues it.
    pub user: UserId,
    /// Whether it speaks for that user.
    pub tied: bool,
    /// The project; `None` makes it a user token.
    pub project: Option<ProjectId>,
    /// What its holder may do in the project.
    pub permissions: Permissions,
    /// The only device its holder may write as.
    pub device: Option<DeviceId>,
    /// Whether it can be exchanged for a new one.
    pub refreshable: bool,
    /// When it ends.
    pub expires: Timestamp,
    /// What its maker calls it.
    pub name: Option<String>,
}

impl Catalog {
    /// Notes a token and gives it its number.
    ///
    /// # Errors
    /// `NotFound` for user or project, `Invalid` for the name.
    pub fn issue_token(&self, mut new: NewToken) -> Result<Token, CatalogError> {
        new.name = new.name.as_deref().map(legal_name).transpose()?.flatten();
        let created = self.now();
        self.change(
            |transaction| {
                if let Some(project) = new.project
                    && !self.mirror().projects.read().by_id.contains_key(&project)
                {
                    return Err(CatalogError::not_found("project", &project));
                }
                let id = insert_token(transaction, &new, created)?;
                self.audit_issue(transaction, id, &new)?;
                Ok(Token {
                    id,
                    user: new.user,
                    tied: new.tied,
                    project: new.project,
                    permissions: new.permissions,
                    device: new.device,
                    refreshable: new.refreshable,
                    created,
                    expires: new.expires,
                    revoked: None,
                    last_used: None,
                    name: new.name,
                })
            },
            Mirror::put_token,
        )
    }

    /// The token of that number, also when it was revoked or has ended: that is for the caller to see. From memory.
    pub fn token(&self, id: TokenId) -> Option<Arc<Token>> {
        self.mirror().tokens.read().get(&id).map(|known| Arc::clone(&known.token))
    }

    /// Notes that a token was used now. In memory; written to the file every few seconds.
    pub fn touch_token(&self, id: TokenId) {
        let tokens = self.mirror().tokens.read();
        if let Some(known) = tokens.get(&id)
            && known.last_used.set(self.now())
        {
            self.mirror().behind.lock().tokens.push(id);
        }
    }

    /// The tokens issued for a project, newest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn tokens_of_project(&self, project: ProjectId) -> Result<Vec<Token>, CatalogError> {
        self.list_tokens("project = ?1", project.get())
    }

    /// The tokens a user issued, for all projects and for the user's own account, newest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn tokens_of_user(&self, user: UserId) -> Result<Vec<Token>, CatalogError> {
        self.list_tokens("user = ?1", user.get())
    }

    /// Takes a token back.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn revoke_token(&self, id: TokenId) -> Result<Changed, CatalogError> {
        let now = self.now();
        let revoked = self.change(
            |transaction| {
                let mut token = find_token(transaction, id)?;
                if token.revoked.is_some() {
                    return Ok(None);
                }
                token.revoked = Some(now);
                token.last_used = self.last_used(&token);
                transaction.execute(
                    "UPDATE tokens SET revoked = ?2 WHERE id = ?1",
                    params![id.get(), now.micros()],
                )?;
                self.audit_revoke(transaction, &token)?;
                Ok(Some(token))
            },
            |mirror, revoked| revoked.iter().for_each(|token| mirror.put_token(token)),
        )?;
        Ok(Changed::when(revoked.is_some()))
    }

    /// Records that a token was issued, or that its user signed in.
    fn audit_issue(
        &self,
        transaction: &Transaction<'_>,
        id: TokenId,
        new: &NewToken,
    ) -> Result<(), CatalogError> {
        let by = Actor { user: Some(new.user), ..self.actor() };
        let Some(project) = new.project else {
            let event = AuditEvent::new(AuditAction::SignIn).target("user", &new.user);
            return self.audit_as(transaction, Actor { token: Some(id), ..by }, event);
        };
        let event = AuditEvent::new(AuditAction::TokenIssue).in_project(project);
        let event = event.target("token", &id).permissions(new.permissions);
        let device = new.device.as_ref().map(DeviceId::as_str);
        self.audit_as(transaction, by, event.detail("device", device))
    }

    /// Records that a token was revoked.
    pub(crate) fn audit_revoke(
        &self,
        transaction: &Transaction<'_>,
        token: &Token,
    ) -> Result<(), CatalogError> {
        let event = AuditEvent::new(AuditAction::TokenRevoke).target("token", &token.id);
        let event = event.detail("user", token.user.get());
        let event = match token.project {
            Some(project) => event.in_project(project),
            None => event.detail("session", true),
        };
        self.audit(transaction, event)
    }

    fn list_tokens(&self, which: &str, number: u32) -> Result<Vec<Token>, CatalogError> {
        let columns = Token::COLUMNS;
        let sql = format!("SELECT {columns} FROM tokens WHERE {which} ORDER BY id DESC");
        let mut tokens: Vec<Token> = self.read(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            Ok(statement.query_map([number], Token::read)?.collect::<Result<_, _>>()?)
        })?;
        for token in &mut tokens {
            token.last_used = self.last_used(token);
        }
        Ok(tokens)
    }

    /// The time in memory, which may be ahead of the file.
    fn last_used(&self, token: &Token) -> Option<Timestamp> {
        let tokens = self.mirror().tokens.read();
        tokens.get(&token.id).and_then(|known| known.last_used.get()).or(token.last_used)
    }
}

/// Makes a user's tokens for managing void; gives those that were not.
pub(crate) fn revoke_user_tokens(
    transaction: &Transaction<'_>,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<Token>, CatalogError> {
    let columns = Token::COLUMNS;
    let sql = format!(
        "UPDATE tokens SET revoked = ?2 WHERE user = ?1 AND project IS NULL AND revoked IS NULL RETURNING {columns}"
    );
    let mut statement = transaction.prepare_cached(&sql)?;
    let rows = statement.query_map(params![user.get(), now.micros()], Token::read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// An empty name is none.
fn legal_name(name: &str) -> Result<Option<String>, CatalogError> {
    let name = name.trim();
    let length = name.chars().count();
    if name.contains(char::is_control) {
        return Err(CatalogError::invalid("name", "control characters are not allowed"));
    }
    if length > LONGEST_NAME {
        let reason = format!("it has {length} characters, and at most {LONGEST_NAME} are allowed");
        return Err(CatalogError::invalid("name", reason));
    }
    Ok((length > 0).then(|| name.to_owned()))
}

fn find_token(transaction: &Transaction<'_>, id: TokenId) -> Result<Token, CatalogError> {
    let sql = format!("SELECT {} FROM tokens WHERE id = ?1", Token::COLUMNS);
    let found = transaction.prepare_cached(&sql)?.query_row([id.get()], Token::read).optional()?;
    found.ok_or_else(|| CatalogError::not_found("token", &id))
}

fn insert_token(
    transaction: &Transaction<'_>,
    new: &NewToken,
    created: Timestamp,
) -> Result<TokenId, CatalogError> {
    let made = transaction
        .prepare_cached(
            "INSERT INTO tokens (user, tied, project, permissions, device, refreshable, created, expires, name) \
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 WHERE EXISTS (SELECT 1 FROM users WHERE id = ?1) RETURNING id",
        )?
        .query_row(
            params![
                new.user.get(),
                new.tied,
                new.project.map(ProjectId::get),
                new.permissions.bits(),
                new.device.as_ref().map(DeviceId::as_str),
                new.refreshable,
                created.micros(),
                new.expires.micros(),
                new.name,
            ],
            |row| row.get(0),
        )
        .optional()?;
    made.map(TokenId).ok_or_else(|| CatalogError::not_found("user", &new.user))
}
