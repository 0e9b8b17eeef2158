//! Tokens that end because something else does: a membership, an account, a device.
//!
//! ```text
//! member removed ─▶ theirs end; those of devices become the project's     (or all are kept, or all end)
//! account ends   ─▶ sessions end; its creator's tokens end or, of devices, become the projects'
//! device deleted ─▶ all that are bound to it end, for good
//! ```

use iobeam_model::{DeviceId, Permissions, ProjectId, Timestamp, TokenId, UserId};
use rusqlite::{Params, Transaction, params};

use crate::error::CatalogError;
use crate::record::Token;

/// What becomes of the tokens that a member made, when they are removed from the project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemberTokens {
    /// Those that are bound to a device go on, as the project's, and so do those that an administrator made for the
    /// project; all others end.
    #[default]
    EndOwn,
    /// All go on, as the project's, but those that speak for the member.
    Keep,
    /// All end.
    Revoke,
}

/// What became of tokens.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    /// All that changed, as they are now.
    pub(crate) changed: Vec<Token>,
}

impl Ended {
    /// The numbers of those that were revoked.
    pub(crate) fn revoked(&self) -> Vec<u32> {
        let revoked = self.changed.iter().filter(|token| token.revoked.is_some());
        revoked.map(|token| token.id.get()).collect()
    }

    /// The numbers of those that are the project's now.
    pub(crate) fn kept(&self) -> Vec<u32> {
        let kept = self.changed.iter().filter(|token| token.revoked.is_none());
        kept.map(|token: &Token| TokenId::get(token.id)).collect()
    }
}

/// Sees to the tokens of somebody who is no member of a project any more, and held these rights.
pub(crate) fn end_tokens_of_member(
    transaction: &Transaction<'_>,
    (project, user): (ProjectId, UserId),
    held: Permissions,
    tokens: MemberTokens,
    now: Timestamp,
) -> Result<Ended, CatalogError> {
    let ends = match tokens {
        MemberTokens::EndOwn => "tied OR (device IS NULL AND (owner = 'creator' OR review))",
        MemberTokens::Keep => "tied",
        MemberTokens::Revoke => "1",
    };
    let mut changed = update(
        transaction,
        &format!("revoked = ?3 WHERE project = ?1 AND user = ?2 AND revoked IS NULL AND ({ends})"),
        params![project.get(), user.get(), now.micros()],
    )?;
    // No more than the member held: who is removed does not leave behind what they had lost.
    changed.extend(update(
        transaction,
        "owner = 'project', review = 1, ceiling = ceiling & ?3 \
         WHERE project = ?1 AND user = ?2 AND revoked IS NULL AND owner = 'creator'",
        params![project.get(), user.get(), held.bits()],
    )?);
    Ok(Ended { changed })
}

/// Makes a user's tokens for managing void; gives those that were not.
pub(crate) fn revoke_user_tokens(
    transaction: &Transaction<'_>,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<Token>, CatalogError> {
    update(
        transaction,
        "revoked = ?2 WHERE user = ?1 AND project IS NULL AND revoked IS NULL",
        params![user.get(), now.micros()],
    )
}

/// Makes void what is left of the tokens of an account that is deleted: those of the account itself, and of projects
/// those that are still its own.
pub(crate) fn end_tokens_of_account(
    transaction: &Transaction<'_>,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<Token>, CatalogError> {
    update(
        transaction,
        "revoked = ?2 WHERE user = ?1 AND revoked IS NULL AND (project IS NULL OR owner = 'creator')",
        params![user.get(), now.micros()],
    )
}

/// Makes void what is bound to a device that is deleted: a device that is registered under the same id later is another
/// one.
pub(crate) fn end_tokens_of_device(
    transaction: &Transaction<'_>,
    project: ProjectId,
    device: &DeviceId,
    now: Timestamp,
) -> Result<Vec<Token>, CatalogError> {
    update(
        transaction,
        "revoked = ?3 WHERE project = ?1 AND device = ?2 AND revoked IS NULL",
        params![project.get(), device.as_str(), now.micros()],
    )
}

fn update(
    transaction: &Transaction<'_>,
    change: &str,
    values: impl Params,
) -> Result<Vec<Token>, CatalogError> {
    let sql = format!("UPDATE tokens SET {change} RETURNING {}", Token::COLUMNS);
    let mut statement = transaction.prepare_cached(&sql)?;
    Ok(statement.query_map(values, Token::read)?.collect::<Result<_, _>>()?)
}
