//! Accounts, and whose a token is.

use std::str::FromStr;

use iobeam_model::{Timestamp, UserId};
use rusqlite::Row;

use super::{parsed, time};

/// Someone with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The number.
    pub id: UserId,
    /// As it was written at sign-up; unique in any letter case.
    pub email: String,
    /// A shorter name to log in with, if one was chosen; unique in any letter case.
    pub username: Option<String>,
    /// May be empty.
    pub first_name: String,
    /// May be empty.
    pub last_name: String,
    /// May be empty.
    pub company_name: String,
    /// May be empty.
    pub url: String,
    /// Whether a key sent to the address came back.
    pub email_verified: bool,
    /// Whether this is who runs the platform: the first to sign up.
    pub operator: bool,
    /// When the account was made.
    pub created: Timestamp,
    /// Whether the account can be used.
    pub state: UserState,
}

/// Whether an account can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserState {
    /// It can.
    Active,
    /// The operator disabled it: nobody signs in, and its tokens and sessions open nothing. It can be enabled again.
    Disabled,
    /// It was deleted. Its number stays, as the name of somebody unknown.
    Deleted,
}

impl UserState {
    /// As it is stored and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
        }
    }
}

impl FromStr for UserState {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let all = [Self::Active, Self::Disabled, Self::Deleted];
        all.into_iter().find(|state| state.name() == text).ok_or(UnknownWord)
    }
}

/// Whose a project token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenOwner {
    /// The user who made it: it grants at most what that user holds, and ends with their membership.
    Creator,
    /// The project, for which an administrator made it: it outlives its creator's membership.
    Project,
}

impl TokenOwner {
    /// As it is stored and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Creator => "creator",
            Self::Project => "project",
        }
    }
}

impl FromStr for TokenOwner {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let all = [Self::Creator, Self::Project];
        all.into_iter().find(|owner| owner.name() == text).ok_or(UnknownWord)
    }
}

/// A word that stands for nothing here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is none of the words that are possible here")]
pub struct UnknownWord;

impl User {
    /// The columns that [`User::read`] takes, in order.
    pub(crate) const COLUMNS: &str = "id, email, username, first_name, last_name, company_name, url, \
                                      email_verified, operator, created, state";

    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: UserId(row.get(0)?),
            email: row.get(1)?,
            username: row.get(2)?,
            first_name: row.get(3)?,
            last_name: row.get(4)?,
            company_name: row.get(5)?,
            url: row.get(6)?,
            email_verified: row.get(7)?,
            operator: row.get(8)?,
            created: time(row, 9)?,
            state: parsed(row, 10)?,
        })
    }
}
