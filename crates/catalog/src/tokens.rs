//! Tokens: what was issued, to whom, for what, until when, and whether it was taken back.
//!
//! ```text
//! issue_token ─▶ number ─▶ (the server signs a text with that number)     token(number)   from memory, on each request
//! refresh_token ─▶ the newest of its family, or a new one                 touch_token     in memory, written back
//! ```
//!
//! The catalog never sees a token's text, so nothing it holds opens a door. Sixty days after its end a token is
//! forgotten. A token is its creator's, and then grants at most what they hold, or the project's, and then outlives
//! them. Tokens that are bound to a device end with the device.

mod endings;

use std::sync::Arc;

use iobeam_model::{DeviceId, Permissions, ProjectId, Timestamp, TokenId, UserId};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::addresses::remember_address;
use crate::audit::{Actor, AuditAction, AuditEvent};
use crate::database::Catalog;
use crate::error::CatalogError;
use crate::membership::call;
use crate::record::{Changed, Token, TokenOwner};

pub use endings::MemberTokens;

pub(crate) use endings::{
    Ended, end_tokens_of_account, end_tokens_of_device, end_tokens_of_member, revoke_user_tokens,
};

/// When a token ends that does not: the last second of the year 9999, which every client can read.
pub const NEVER_EXPIRES: Timestamp = Timestamp::from_micros(253_402_300_799_000_000);

/// Longest name of a token, in characters.
const LONGEST_NAME: usize = 100;

/// Tokens of one family that are kept: of more, the oldest that have ended go.
const MAX_FAMILY_TOKENS: u32 = 64;

/// A token is exchanged for the newest of its family while that has lived less than this part of its life.
const YOUNG_PART: i64 = 10;

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
    /// The only device its holder may act as.
    pub device: Option<DeviceId>,
    /// Whether it can be exchanged for a new one.
    pub refreshable: bool,
    /// When it ends.
    pub expires: Timestamp,
    /// What its maker calls it.
    pub name: Option<String>,
    /// Whose it is. Only an administrator makes a project's token.
    pub owner: TokenOwner,
}

impl Catalog {
    /// Notes a token and gives it its number.
    ///
    /// # Errors
    /// `NotFound` for user or project, `AccountDisabled`, `MoreThanHeld` when the user may not do that in the project,
    /// `Invalid` for the name.
    pub fn issue_token(&self, mut new: NewToken) -> Result<Token, CatalogError> {
        new.name = new.name.as_deref().map(legal_name).transpose()?.flatten();
        let created = self.now();
        self.change(
            |transaction| {
                self.expect_active(transaction, new.user)?;
                if let Some(project) = new.project {
                    self.expect_project(project)?;
                    // What was looked at before may be over: here nobody changes it meanwhile.
                    let held = self.permissions(new.user, project);
                    let makes_it_the_projects = new.owner == TokenOwner::Project;
                    if !held.covers(new.permissions) || (makes_it_the_projects && !held.admin) {
                        return Err(CatalogError::MoreThanHeld);
                    }
                } else {
                    remember_address(transaction, new.user, self.actor(), created)?;
                }
                if let Some(project) = new.project {
                    call(transaction, (project, new.user), None)?;
                }
                let token = insert_token(transaction, new, created, None)?;
                self.audit_issue(transaction, &token)?;
                Ok(token)
            },
            |mirror, token| {
                if let Some(project) = token.project {
                    mirror.absent.write().remove(&(project, token.user));
                }
                mirror.put_token(token);
            },
        )
    }

    /// Exchanges a token for a new one that lives as long and grants the same; the old one stays. While the newest of
    /// its family is young, it is that one: however often a token or those that came of it are exchanged, their number
    /// stays small.
    ///
    /// # Errors
    /// `NotFound`; `NotRefreshable` when it was revoked meanwhile, or its user lost what it grants.
    pub fn refresh_token(&self, id: TokenId) -> Result<Token, CatalogError> {
        let now = self.now();
        let (token, _) = self.change(
            |transaction| {
                let old = find_token(transaction, id)?;
                let is_lost = old.owner == TokenOwner::Creator && !self.still_covered(&old);
                if old.revoked.is_some() || !old.refreshable || old.project.is_none() || is_lost {
                    return Err(CatalogError::NotRefreshable);
                }
                let family = old.family.unwrap_or(old.id);
                if let Some(young) =
                    newest_of(transaction, family)?.filter(|one| is_young(one, now))
                {
                    return Ok((young, Vec::new()));
                }
                let life = old.expires.micros().saturating_sub(old.created.micros());
                let expires = match old.expires {
                    NEVER_EXPIRES => NEVER_EXPIRES,
                    _ => Timestamp::from_micros(now.micros().saturating_add(life)),
                };
                let new = NewToken {
                    user: old.user,
                    tied: old.tied,
                    project: old.project,
                    permissions: old.permissions,
                    device: old.device.clone(),
                    refreshable: true,
                    expires,
                    name: old.name.clone(),
                    owner: old.owner,
                };
                let token = insert_token(transaction, new, now, Some(&old))?;
                let by = Actor { token: Some(old.id), ..self.actor() };
                let event = AuditEvent::new(AuditAction::TokenRefresh).target("token", &token.id);
                self.audit_as(transaction, by, in_project_of(event, &token))?;
                Ok((token, trim_family(transaction, family, now)?))
            },
            |mirror, (token, gone)| {
                mirror.put_token(token);
                let mut tokens = mirror.tokens.write();
                for id in gone {
                    tokens.remove(id);
                }
            },
        )?;
        Ok(token)
    }

    /// The token of that number, also when it was revoked or has ended: that is for the caller to see. From memory.
    pub fn token(&self, id: TokenId) -> Option<Arc<Token>> {
        self.mirror().tokens.read().get(&id).map(|known| Arc::clone(&known.token))
    }

    /// What a project token grants at this moment: what it was issued with, and of that only what its creator holds,
    /// unless it is the project's. From memory.
    pub fn granted(&self, token: &Token) -> Permissions {
        let Some(project) = token.project else { return Permissions::NONE };
        let most = match token.owner {
            TokenOwner::Project => token.ceiling,
            TokenOwner::Creator if self.is_active(token.user) => {
                self.permissions(token.user, project)
            }
            TokenOwner::Creator => Permissions::NONE,
        };
        Permissions::from_bits(token.permissions.bits() & most.bits()).unwrap_or_default()
    }

    /// Whether a token still counts for something, as far as its user decides: user tokens and those of a creator end
    /// with the account. From memory.
    pub fn is_backed(&self, token: &Token) -> bool {
        let is_projects = token.project.is_some() && token.owner == TokenOwner::Project;
        is_projects || self.is_active(token.user)
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

    /// Notes that an administrator looked at a token of the project and keeps it.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn confirm_token(&self, id: TokenId) -> Result<Changed, CatalogError> {
        let confirmed = self.change(
            |transaction| {
                let mut token = find_token(transaction, id)?;
                if !token.review {
                    return Ok(None);
                }
                token.review = false;
                transaction.execute("UPDATE tokens SET review = 0 WHERE id = ?1", [id.get()])?;
                let event = AuditEvent::new(AuditAction::TokenConfirm).target("token", &id);
                self.audit(transaction, in_project_of(event, &token))?;
                Ok(Some(token))
            },
            |mirror, confirmed| confirmed.iter().for_each(|token| mirror.put_token(token)),
        )?;
        Ok(Changed::when(confirmed.is_some()))
    }

    /// Whether the creator of a token still holds all that it was issued with.
    fn still_covered(&self, token: &Token) -> bool {
        let held = token.project.map(|project| self.permissions(token.user, project));
        self.is_active(token.user) && held.is_some_and(|held| held.covers(token.permissions))
    }

    /// Records that a token was issued, or that its user signed in.
    fn audit_issue(
        &self,
        transaction: &Transaction<'_>,
        token: &Token,
    ) -> Result<(), CatalogError> {
        let by = Actor { user: Some(token.user), ..self.actor() };
        if token.project.is_none() {
            let event = AuditEvent::new(AuditAction::SignIn).target("user", &token.user);
            return self.audit_as(transaction, Actor { token: Some(token.id), ..by }, event);
        }
        let event = AuditEvent::new(AuditAction::TokenIssue).target("token", &token.id);
        let device = token.device.as_ref().map(DeviceId::as_str);
        let event = event.permissions(token.permissions).detail("device", device);
        let event = event.detail("owner", token.owner.name());
        self.audit_as(transaction, by, in_project_of(event, token))
    }

    /// Records that a token was revoked.
    fn audit_revoke(
        &self,
        transaction: &Transaction<'_>,
        token: &Token,
    ) -> Result<(), CatalogError> {
        let event = AuditEvent::new(AuditAction::TokenRevoke).target("token", &token.id);
        let event = event.detail("user", token.user.get());
        let event = event.detail("session", token.project.is_none());
        self.audit(transaction, in_project_of(event, token))
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

fn in_project_of(event: AuditEvent, token: &Token) -> AuditEvent {
    match token.project {
        Some(project) => event.in_project(project),
        None => event,
    }
}

/// The last token that came of exchanges in this family, if it was not revoked.
fn newest_of(
    transaction: &Transaction<'_>,
    family: TokenId,
) -> Result<Option<Token>, CatalogError> {
    let columns = Token::COLUMNS;
    let sql = format!("SELECT {columns} FROM tokens WHERE family = ?1 ORDER BY id DESC LIMIT 1");
    let mut statement = transaction.prepare_cached(&sql)?;
    let newest = statement.query_row([family.get()], Token::read).optional()?;
    Ok(newest.filter(|token| token.revoked.is_none()))
}

/// Whether most of a token's life is before it. After a jump of the clock none is young.
fn is_young(token: &Token, now: Timestamp) -> bool {
    let life = token.expires.micros().saturating_sub(token.created.micros());
    let age = now.micros().saturating_sub(token.created.micros());
    (0..=life / YOUNG_PART).contains(&age) && token.expires > now
}

/// Forgets the oldest ended tokens of a family that has too many; gives their numbers.
fn trim_family(
    transaction: &Transaction<'_>,
    family: TokenId,
    now: Timestamp,
) -> Result<Vec<TokenId>, CatalogError> {
    let mut statement = transaction.prepare_cached(
        "DELETE FROM tokens WHERE family = ?1 AND expires <= ?3 AND id <= \
         (SELECT id FROM tokens WHERE family = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2) RETURNING id",
    )?;
    let rows = statement
        .query_map(params![family.get(), MAX_FAMILY_TOKENS, now.micros()], |row| {
            row.get(0).map(TokenId)
        })?;
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

/// Writes a token, the first of its family or one that `old` was exchanged for.
fn insert_token(
    transaction: &Transaction<'_>,
    new: NewToken,
    created: Timestamp,
    old: Option<&Token>,
) -> Result<Token, CatalogError> {
    let family = old.map(|old| old.family.unwrap_or(old.id));
    let (ceiling, review) = old.map_or((Permissions::ALL, false), |old| (old.ceiling, old.review));
    let id = transaction
        .prepare_cached(
            "INSERT INTO tokens (user, tied, project, permissions, device, refreshable, created, expires, name, owner, \
             review, family, ceiling) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) RETURNING id",
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
                new.owner.name(),
                review,
                family.map(TokenId::get),
                ceiling.bits(),
            ],
            |row| row.get(0).map(TokenId),
        )?;
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
        owner: new.owner,
        review,
        family,
        ceiling,
    })
}
