//! The nouns as the catalog keeps them, and how each is read out of its row.
//!
//! ```text
//! users ─┬─ members ─── projects ─┬─ devices
//!        ├─ tokens  ───────┘      ├─ namespaces ─┬─ fields
//!        └─ keys, invites         │              └─ labels
//!                                 ├─ dashboards ─── shares
//!                                 └─ refusals
//! ```
//!
//! What is read back is checked again: a row that breaks a rule is damage, not a value.

mod account;

use std::collections::BTreeMap;
use std::error::Error;
use std::num::NonZeroU32;
use std::str::FromStr;

use iobeam_model::{
    DeviceId, FieldName, FieldType, NamespaceId, NamespaceName, Permissions, ProjectId, Retention,
    Timestamp, TokenId, UserId, Value,
};
use rusqlite::Row;
use rusqlite::types::Type;

pub use account::{TokenOwner, UnknownWord, User, UserState};

/// Whether a call found something to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is different now.
    Yes,
    /// It was so already.
    No,
}

impl Changed {
    /// `Yes` when the condition holds.
    pub(crate) fn when(condition: bool) -> Self {
        if condition { Self::Yes } else { Self::No }
    }
}

/// A code by which people can sign up. The code itself is not kept, only what recognises it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// The number, by which it is revoked.
    pub id: u32,
    /// The code's first characters, to tell invites apart.
    pub hint: String,
    /// Who made it; `None`: the platform itself.
    pub by: Option<UserId>,
    /// How many people it is for.
    pub uses: u32,
    /// How many signed up with it.
    pub used: u32,
    /// When it was made.
    pub created: Timestamp,
    /// When it runs out, if it does.
    pub expires: Option<Timestamp>,
    /// When it was taken back, if it was.
    pub revoked: Option<Timestamp>,
}

/// Devices and readings that belong together, and the people who may see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// The number.
    pub id: ProjectId,
    /// Unique on the server.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// Whether a device that sends readings without having been registered is registered by that.
    pub auto_register: bool,
}

/// A token as it was issued. Its text is made by the server and kept by its holder alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The number, by which it is listed and revoked.
    pub id: TokenId,
    /// Who issued it.
    pub user: UserId,
    /// Whether it speaks for that user, and loses what the user loses.
    pub tied: bool,
    /// The project it is for; `None` makes it a user token.
    pub project: Option<ProjectId>,
    /// What its holder may do in the project.
    pub permissions: Permissions,
    /// The only device its holder may write as, if it is bound to one.
    pub device: Option<DeviceId>,
    /// Whether it can be exchanged for a new one.
    pub refreshable: bool,
    /// When it was issued.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// When it was taken back, if it was.
    pub revoked: Option<Timestamp>,
    /// When it was last shown, as far as known when this was read: listings are exact, a look-up may be behind.
    pub last_used: Option<Timestamp>,
    /// What its maker calls it.
    pub name: Option<String>,
    /// Whose it is.
    pub owner: TokenOwner,
    /// Whether an administrator should look at it: it became the project's without having been made so.
    pub review: bool,
    /// The first token of the row in which each was exchanged for the next; `None` for the first itself.
    pub family: Option<TokenId>,
    /// The most that it grants, whatever it was issued with.
    pub ceiling: Permissions,
}

/// An invite to a project that nobody has used yet. Its code is not kept, only what recognises it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectInvite {
    /// The number, by which it is withdrawn.
    pub id: u32,
    /// The project.
    pub project: ProjectId,
    /// Where the code was sent.
    pub email: String,
    /// What who uses it may do then.
    pub may: Permissions,
    /// Who made it.
    pub by: UserId,
    /// When it was made.
    pub created: Timestamp,
    /// When it runs out.
    pub expires: Timestamp,
}

/// A thing that sends readings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Unique within the project.
    pub id: DeviceId,
    /// The project it belongs to.
    pub project: ProjectId,
    /// Unique within the project; made up when none was given.
    pub name: String,
    /// What sort of device it is, if that was told.
    pub kind: Option<String>,
    /// When it was registered, or what it said of that.
    pub created: Timestamp,
    /// When it last sent something.
    pub last_seen: Option<Timestamp>,
}

/// A table of rows in a project.
#[derive(Clone, Debug, PartialEq)]
pub struct Namespace {
    /// The number, unique over all projects.
    pub id: NamespaceId,
    /// The project it belongs to.
    pub project: ProjectId,
    /// Unique within the project.
    pub name: NamespaceName,
    /// The field, always `STRING`, whose values part the rows: `device_id` in `input`.
    pub partition: FieldName,
    /// Every field with its type, the partitioning one included.
    pub fields: BTreeMap<FieldName, FieldType>,
    /// What people noted about it; `<field>:distinct` marks fields whose values are offered for choice.
    pub labels: BTreeMap<String, Value>,
    /// Whether it was declared by someone: readings then cannot add fields to it.
    pub explicit: bool,
    /// How long its rows are kept.
    pub retention: Retention,
    /// When it was made.
    pub created: Timestamp,
    /// When a field or a label was last added or changed.
    pub last_modified: Timestamp,
}

impl Namespace {
    /// The field that has this name, whatever the letter case.
    pub fn spelling(&self, name: &str) -> Option<&FieldName> {
        let same = |field: &&FieldName| field.as_str().eq_ignore_ascii_case(name);
        let exact = self.fields.get_key_value(name).map(|(field, _)| field);
        exact.or_else(|| self.fields.keys().find(same))
    }
}

/// Panels under a name: what people look at again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dashboard {
    /// The number, unique over all projects.
    pub id: u32,
    /// The project it belongs to.
    pub project: ProjectId,
    /// What it is called; two may be called the same.
    pub name: String,
    /// What is on it, in JSON. The catalog does not look into it.
    pub board: String,
    /// How many panels that are.
    pub panels: u32,
    /// Grows with each change, so that nobody overwrites what they have not seen.
    pub version: u32,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub last_modified: Timestamp,
}

/// A link by which a dashboard is seen without an account. Its key is not kept, only what recognises it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The number, by which it is revoked.
    pub id: u32,
    /// What it shows.
    pub dashboard: u32,
    /// The project of that.
    pub project: ProjectId,
    /// When it was made.
    pub created: Timestamp,
    /// When it runs out, if it does.
    pub expires: Option<Timestamp>,
    /// When it was last used, as far as known when this was read: listings are exact.
    pub last_used: Option<Timestamp>,
}

/// What is deleted, while its rows and files may still be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// The number of this note.
    pub id: u32,
    /// The project.
    pub project: ProjectId,
    /// The namespace; `None`: all of the project.
    pub namespace: Option<NamespaceName>,
}

/// An import that was refused, or several alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The project.
    pub project: ProjectId,
    /// When, or when last.
    pub at: Timestamp,
    /// The device as it was named, which may be no device's id.
    pub device: Option<String>,
    /// The status of the reply; 500 when it was stored, and set aside later.
    pub status: u16,
    /// The reply's code.
    pub code: u32,
    /// What was wrong.
    pub message: String,
    /// Where, and what would be right.
    pub details: String,
    /// How many imports in a row this stands for.
    pub times: u32,
}

impl Invite {
    /// The columns that [`Invite::read`] takes, in order.
    pub(crate) const COLUMNS: &str = "id, hint, made_by, uses, used, created, expires, revoked";

    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            hint: row.get(1)?,
            by: row.get::<_, Option<NonZeroU32>>(2)?.map(UserId),
            uses: row.get(3)?,
            used: row.get(4)?,
            created: time(row, 5)?,
            expires: time_if_any(row, 6)?,
            revoked: time_if_any(row, 7)?,
        })
    }
}

impl ProjectInvite {
    /// The columns that [`ProjectInvite::read`] takes, in order.
    pub(crate) const COLUMNS: &str = "id, project, email, permissions, made_by, created, expires";

    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            project: ProjectId(row.get(1)?),
            email: row.get(2)?,
            may: permissions(row, 3)?,
            by: UserId(row.get(4)?),
            created: time(row, 5)?,
            expires: time(row, 6)?,
        })
    }
}

impl Project {
    /// The columns that [`Project::read`] takes, in order.
    pub(crate) const COLUMNS: &str = "id, name, created, auto_register";

    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: ProjectId(row.get(0)?),
            name: row.get(1)?,
            created: time(row, 2)?,
            auto_register: row.get(3)?,
        })
    }
}

impl Token {
    /// The columns that [`Token::read`] takes, in order.
    pub(crate) const COLUMNS: &str = "id, user, tied, project, permissions, device, refreshable, created, expires, \
                                      revoked, last_used, name, owner, review, family, ceiling";

    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: TokenId(row.get(0)?),
            user: UserId(row.get(1)?),
            tied: row.get(2)?,
            project: row.get::<_, Option<NonZeroU32>>(3)?.map(ProjectId),
            permissions: permissions(row, 4)?,
            device: match row.get_ref(5)? {
                rusqlite::types::ValueRef::Null => None,
                _ => Some(parsed(row, 5)?),
            },
            refreshable: row.get(6)?,
            created: time(row, 7)?,
            expires: time(row, 8)?,
            revoked: time_if_any(row, 9)?,
            last_used: time_if_any(row, 10)?,
            name: row.get(11)?,
            owner: parsed(row, 12)?,
            review: row.get(13)?,
            family: row.get::<_, Option<NonZeroU32>>(14)?.map(TokenId),
            ceiling: permissions(row, 15)?,
        })
    }
}

impl Device {
    /// The columns that [`Device::read`] takes, in order.
    pub(crate) const COLUMNS: &str = "id, project, name, kind, created, last_seen";

    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: parsed(row, 0)?,
            project: ProjectId(row.get(1)?),
            name: row.get(2)?,
            kind: row.get(3)?,
            created: time(row, 4)?,
            last_seen: time_if_any(row, 5)?,
        })
    }
}

impl Namespace {
    /// The columns that [`Namespace::read`] takes, in order.
    pub(crate) const COLUMNS: &str =
        "id, project, name, partition, explicit, created, last_modified, retention";

    /// Reads all but fields and labels, which have rows of their own.
    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: NamespaceId(row.get(0)?),
            project: ProjectId(row.get(1)?),
            name: parsed(row, 2)?,
            partition: parsed(row, 3)?,
            fields: BTreeMap::new(),
            labels: BTreeMap::new(),
            explicit: row.get(4)?,
            retention: retention(row, 7)?,
            created: time(row, 5)?,
            last_modified: time(row, 6)?,
        })
    }
}

impl Dashboard {
    /// The columns that [`Dashboard::read`] takes, in order.
    pub(crate) const COLUMNS: &str =
        "id, project, name, board, panels, version, created, last_modified";

    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            project: ProjectId(row.get(1)?),
            name: row.get(2)?,
            board: row.get(3)?,
            panels: row.get(4)?,
            version: row.get(5)?,
            created: time(row, 6)?,
            last_modified: time(row, 7)?,
        })
    }
}

impl Share {
    /// The columns that [`Share::read`] takes, in order, of `shares s` and `dashboards d`.
    pub(crate) const COLUMNS: &str =
        "s.id, s.dashboard, d.project, s.created, s.expires, s.last_used, s.hash";

    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            dashboard: row.get(1)?,
            project: ProjectId(row.get(2)?),
            created: time(row, 3)?,
            expires: time_if_any(row, 4)?,
            last_used: time_if_any(row, 5)?,
        })
    }
}

impl Deletion {
    /// Asks for all of them.
    pub(crate) const ALL: &str = "SELECT id, project, namespace FROM deletions ORDER BY id";

    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let namespace = match row.get_ref(2)? {
            rusqlite::types::ValueRef::Null => None,
            _ => Some(parsed(row, 2)?),
        };
        Ok(Self { id: row.get(0)?, project: ProjectId(row.get(1)?), namespace })
    }
}

impl Refusal {
    /// The columns that [`Refusal::read`] takes, in order.
    pub(crate) const COLUMNS: &str = "project, at, device, status, code, message, details, times";

    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            project: ProjectId(row.get(0)?),
            at: time(row, 1)?,
            device: row.get(2)?,
            status: row.get(3)?,
            code: row.get(4)?,
            message: row.get(5)?,
            details: row.get(6)?,
            times: row.get(7)?,
        })
    }
}

/// The retention in a column.
fn retention(row: &Row<'_>, at: usize) -> rusqlite::Result<Retention> {
    match row.get::<_, Option<i64>>(at)? {
        None => Ok(Retention::Default),
        Some(0) => Ok(Retention::Forever),
        Some(seconds) => u64::try_from(seconds)
            .ok()
            .and_then(Retention::seconds)
            .ok_or(rusqlite::Error::IntegralValueOutOfRange(at, seconds)),
    }
}

/// The permissions in a column.
pub(crate) fn permissions(row: &Row<'_>, at: usize) -> rusqlite::Result<Permissions> {
    let bits: u8 = row.get(at)?;
    Permissions::from_bits(bits).ok_or(rusqlite::Error::IntegralValueOutOfRange(at, bits.into()))
}

/// The text of a column, made the type it stands for.
pub(crate) fn parsed<T>(row: &Row<'_>, at: usize) -> rusqlite::Result<T>
where
    T: FromStr,
    T::Err: Error + Send + Sync + 'static,
{
    let text = row.get_ref(at)?.as_str()?;
    text.parse()
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(at, Type::Text, Box::new(error)))
}

fn time(row: &Row<'_>, at: usize) -> rusqlite::Result<Timestamp> {
    row.get(at).map(Timestamp::from_micros)
}

fn time_if_any(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(at)?.map(Timestamp::from_micros))
}
