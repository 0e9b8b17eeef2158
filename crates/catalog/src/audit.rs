//! Rows of the audit log, and the chain of hashes that holds them together.
//!
//! ```text
//! row 1: previous 00..   hash(row 1, 00..)  ─┐
//! row 2: previous ◀──────────────────────────┘   hash(row 2, hash 1)  ─┐
//! row 3: previous ◀─────────────────────────────────────────────────────┘   ..        verify() reads all of them
//! ```
//!
//! A row is written in the transaction of the change it tells of: there is neither without the other. The database
//! refuses to change or remove rows; the chain shows when somebody did so with other means. Rows hold ids, never
//! e-mail addresses, names or secrets, so that erasing a person leaves a pseudonym.

use std::net::IpAddr;

use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};
use iobeam_model::{Permissions, ProjectId, Timestamp, TokenId, UserId};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde_json::{Map, Value};

use crate::error::CatalogError;

/// The hash before the first row.
const GENESIS: [u8; 32] = [0; 32];

/// Who makes a change. The default is the platform itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Actor {
    /// The user, if one is known.
    pub user: Option<UserId>,
    /// The token they showed.
    pub token: Option<TokenId>,
    /// Where the request came from.
    pub address: Option<IpAddr>,
}

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident => $name:literal,)+) => {
        /// What was done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum AuditAction { $($(#[$doc])* $variant,)+ }

        impl AuditAction {
            /// All of them, as they are shown.
            pub const NAMES: &[&str] = &[$($name,)+];

            /// As it is stored and shown.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

actions! {
    /// A user signed in.
    SignIn => "sign-in",
    /// Somebody tried to, with a wrong password.
    SignInFailed => "sign-in.failed",
    /// A project token was issued.
    TokenIssue => "token.issue",
    /// A project token was exchanged for a new one.
    TokenRefresh => "token.refresh",
    /// A token, or the session of a browser, was revoked.
    TokenRevoke => "token.revoke",
    /// A token that somebody was asked to look at was confirmed.
    TokenConfirm => "token.confirm",
    /// A user became a member of a project.
    MemberAdd => "member.add",
    /// A member may do something else now.
    MemberChange => "member.change",
    /// A member was removed from a project.
    MemberRemove => "member.remove",
    /// An account was made.
    UserCreate => "user.create",
    /// An account's e-mail address changed.
    UserEmail => "user.email",
    /// Another e-mail address was asked for, and has to be confirmed.
    UserEmailAsk => "user.email-ask",
    /// A change of the e-mail address was taken back from the old one.
    UserEmailRevert => "user.email-revert",
    /// An account's password changed.
    UserPassword => "user.password",
    /// An account was disabled.
    UserDisable => "user.disable",
    /// A disabled account was enabled.
    UserEnable => "user.enable",
    /// An account was deleted.
    UserDelete => "user.delete",
    /// A project was made.
    ProjectCreate => "project.create",
    /// A project's name or settings changed.
    ProjectChange => "project.change",
    /// A project was deleted with all that was in it.
    ProjectDelete => "project.delete",
    /// A namespace was declared.
    NamespaceCreate => "namespace.create",
    /// A namespace's fields, labels or retention changed.
    NamespaceChange => "namespace.change",
    /// A namespace was deleted with its rows.
    NamespaceDelete => "namespace.delete",
    /// Rows of a namespace were deleted.
    RowsDelete => "rows.delete",
    /// A field was removed.
    FieldDrop => "field.drop",
    /// A field got another name.
    FieldRename => "field.rename",
    /// A field got another type.
    FieldRetype => "field.retype",
    /// A device was removed.
    DeviceDelete => "device.delete",
    /// An invite to the platform was made.
    InviteCreate => "invite.create",
    /// An invite to the platform was revoked.
    InviteRevoke => "invite.revoke",
    /// Somebody was invited to a project.
    ProjectInviteCreate => "project-invite.create",
    /// An invite to a project was withdrawn.
    ProjectInviteWithdraw => "project-invite.withdraw",
    /// A dashboard was shared.
    ShareCreate => "share.create",
    /// A link to a dashboard was revoked.
    ShareRevoke => "share.revoke",
}

/// Which rows of the audit log; what is left out does not count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Rows before this number.
    pub before: Option<u64>,
    /// What this user did.
    pub user: Option<UserId>,
    /// An action, or all that begin with a word: `token` for `token.issue`, `token.revoke` and so on.
    pub action: Option<String>,
    /// In this project.
    pub project: Option<ProjectId>,
    /// To this, such as `user:7`, or to all of a kind, such as `user`.
    pub target: Option<String>,
    /// Not before this time.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub to: Option<Timestamp>,
}

/// The audit log as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditSeal {
    /// How many rows it has.
    pub rows: u64,
    /// The hash of the last row, in hexadecimal digits; it stands for all rows up to it.
    pub hash: String,
    /// What is wrong with it, in words for the operator.
    pub problem: Option<String>,
}

/// What is to be recorded.
#[derive(Clone, Debug)]
pub struct AuditEvent {
    action: AuditAction,
    project: Option<ProjectId>,
    target: Option<String>,
    details: Map<String, Value>,
}

/// A row of the audit log.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// The number: 1, 2, 3 and so on, without gaps.
    pub id: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What was done.
    pub action: String,
    /// In which project, if in one.
    pub project: Option<ProjectId>,
    /// To what: kind and id, such as `device:boiler`.
    pub target: Option<String>,
    /// More about it: a JSON object.
    pub details: Value,
}

impl AuditEvent {
    /// That something was done.
    pub fn new(action: AuditAction) -> Self {
        Self { action, project: None, target: None, details: Map::new() }
    }

    /// In this project.
    #[must_use]
    pub fn in_project(self, project: ProjectId) -> Self {
        Self { project: Some(project), ..self }
    }

    /// To this, by kind and id. No e-mail addresses and no names of people: the row stays when those are erased.
    #[must_use]
    pub fn target(self, kind: &str, id: &dyn ToString) -> Self {
        Self { target: Some(format!("{kind}:{}", id.to_string())), ..self }
    }

    /// With these permissions.
    #[must_use]
    pub fn permissions(self, may: Permissions) -> Self {
        let all = [("read", may.read), ("write", may.write), ("admin", may.admin)];
        let held: Vec<&str> =
            all.into_iter().filter_map(|(name, has)| has.then_some(name)).collect();
        self.detail("permissions", held)
    }

    /// With this.
    #[must_use]
    pub fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }
}

/// Adds a row, as part of the transaction of the change that it tells of.
pub(crate) fn record(
    transaction: &Transaction<'_>,
    actor: Actor,
    at: Timestamp,
    event: AuditEvent,
) -> Result<(), CatalogError> {
    let last: Option<(i64, [u8; 32])> = transaction
        .prepare_cached("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (last, previous) = last.unwrap_or((0, GENESIS));
    let row = Stored {
        id: last + 1,
        at: at.micros(),
        user: actor.user.map(|user| user.get().into()),
        token: actor.token.map(|token| token.get().into()),
        address: actor.address.map(|address| address.to_canonical().to_string()),
        action: event.action.name().to_owned(),
        project: event.project.map(|project| project.get().into()),
        target: event.target,
        details: Value::Object(event.details).to_string(),
        previous,
    };
    transaction
        .prepare_cached(
            "INSERT INTO audit (id, at, user, token, address, action, project, target, details, previous, hash) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            row.id,
            row.at,
            row.user,
            row.token,
            row.address,
            row.action,
            row.project,
            row.target,
            row.details,
            row.previous,
            row.hash(),
        ])?;
    Ok(())
}

/// Rows, newest first.
pub(crate) fn read(
    connection: &Connection,
    filter: &AuditFilter,
    count: usize,
) -> Result<Vec<AuditEntry>, CatalogError> {
    let columns = Stored::COLUMNS;
    let sql = format!(
        "SELECT {columns} FROM audit WHERE id < ?1 AND (?3 IS NULL OR user = ?3) AND (?4 IS NULL OR project = ?4) \
         AND (?5 IS NULL OR action = ?5 OR substr(action, 1, length(?5) + 1) = ?5 || '.') \
         AND (?6 IS NULL OR target = ?6 OR substr(target, 1, length(?6) + 1) = ?6 || ':') \
         AND (?7 IS NULL OR at >= ?7) AND (?8 IS NULL OR at < ?8) ORDER BY id DESC LIMIT ?2"
    );
    let before = filter.before.and_then(|before| i64::try_from(before).ok()).unwrap_or(i64::MAX);
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(&sql)?;
    let values = params![
        before,
        count,
        filter.user.map(UserId::get),
        filter.project.map(ProjectId::get),
        filter.action,
        filter.target,
        filter.from.map(Timestamp::micros),
        filter.to.map(Timestamp::micros),
    ];
    let rows = statement.query_map(values, Stored::read)?;
    Ok(rows.map(|row| row?.shown()).collect::<Result<_, _>>()?)
}

/// The log as a whole: all of it is read. A hash that its last row had once must still be that of a row.
pub(crate) fn seal(
    connection: &Connection,
    known: Option<[u8; 32]>,
) -> rusqlite::Result<AuditSeal> {
    let mut problem = verify(connection)?;
    if let Some(known) = known.filter(|known| *known != GENESIS) {
        let is_there: bool = connection
            .prepare("SELECT EXISTS (SELECT 1 FROM audit WHERE hash = ?1)")?
            .query_row([known], |row| row.get(0))?;
        let lost = "no row has the hash that was kept elsewhere: the log was replaced, or that is the hash of another log";
        problem = problem.or_else(|| (!is_there).then(|| lost.to_owned()));
    }
    let (rows, hash) = end(connection)?.unwrap_or_else(|| (0, "00".repeat(GENESIS.len())));
    Ok(AuditSeal { rows: rows.unsigned_abs(), hash, problem })
}

/// The number and hash of its last row.
pub(crate) fn end(connection: &Connection) -> rusqlite::Result<Option<(i64, String)>> {
    let sql = "SELECT id, lower(hex(hash)) FROM audit ORDER BY id DESC LIMIT 1";
    connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

/// What is wrong with the log, in words for the operator; nothing when each row is as it was written.
pub(crate) fn verify(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let columns = Stored::COLUMNS;
    let mut statement =
        connection.prepare(&format!("SELECT {columns}, hash FROM audit ORDER BY id"))?;
    let mut rows = statement.query([])?;
    let (mut id, mut previous) = (0, GENESIS);
    while let Some(row) = rows.next()? {
        let (stored, hash) = (Stored::read(row)?, row.get::<_, [u8; 32]>(10)?);
        id += 1;
        if stored.id != id {
            return Ok(Some(format!("the audit log has no row {id}: it was removed")));
        }
        if stored.previous != previous || hash != stored.hash() {
            return Ok(Some(format!("row {id} of the audit log is not as it was written")));
        }
        previous = hash;
    }
    drop(rows);
    // SQLite remembers the highest number it ever gave: without this, rows cut off the end would not be missed.
    let given: i64 = connection
        .query_row("SELECT seq FROM sqlite_sequence WHERE name = 'audit'", [], |row| row.get(0))
        .optional()?
        .unwrap_or(0);
    let cut = (given != id)
        .then(|| format!("the audit log ends with row {id}, and {given} were written to it"));
    Ok(cut)
}

/// A row as it is in the file.
#[derive(Debug)]
struct Stored {
    id: i64,
    at: i64,
    user: Option<i64>,
    token: Option<i64>,
    address: Option<String>,
    action: String,
    project: Option<i64>,
    target: Option<String>,
    details: String,
    previous: [u8; 32],
}

impl Stored {
    /// The columns that [`Self::read`] takes, in order.
    const COLUMNS: &str =
        "id, at, user, token, address, action, project, target, details, previous";

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            at: row.get(1)?,
            user: row.get(2)?,
            token: row.get(3)?,
            address: row.get(4)?,
            action: row.get(5)?,
            project: row.get(6)?,
            target: row.get(7)?,
            details: row.get(8)?,
            previous: row.get(9)?,
        })
    }

    /// The hash of the row and of all before it. Each part is written with its length, so that no two rows are alike.
    fn hash(&self) -> [u8; 32] {
        let mut hasher = Blake2b::<U32>::new();
        let mut part = |bytes: Option<&[u8]>| {
            let length = bytes.map_or(u64::MAX, |bytes| bytes.len() as u64);
            hasher.update(length.to_le_bytes());
            hasher.update(bytes.unwrap_or_default());
        };
        part(Some(&self.previous));
        part(Some(&self.id.to_le_bytes()));
        part(Some(&self.at.to_le_bytes()));
        for number in [self.user, self.token, self.project] {
            part(number.map(i64::to_le_bytes).as_ref().map(<[u8; 8]>::as_slice));
        }
        part(self.address.as_deref().map(str::as_bytes));
        part(Some(self.action.as_bytes()));
        part(self.target.as_deref().map(str::as_bytes));
        part(Some(self.details.as_bytes()));
        hasher.finalize().into()
    }

    fn shown(self) -> rusqlite::Result<AuditEntry> {
        let number = |at: usize, value: Option<i64>| {
            let fits = |value| u32::try_from(value);
            let wrong = |value| rusqlite::Error::IntegralValueOutOfRange(at, value);
            value.map(|value| fits(value).map_err(|_| wrong(value))).transpose()
        };
        Ok(AuditEntry {
            id: self.id.unsigned_abs(),
            at: Timestamp::from_micros(self.at),
            actor: Actor {
                user: number(2, self.user)?.and_then(UserId::new),
                token: number(3, self.token)?.and_then(TokenId::new),
                address: self.address.and_then(|text| text.parse().ok()),
            },
            action: self.action,
            project: number(6, self.project)?.and_then(ProjectId::new),
            target: self.target,
            details: serde_json::from_str(&self.details).unwrap_or(Value::Null),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A log of three rows, without the triggers that refuse to change it.
    fn log() -> Connection {
        let mut file = Connection::open_in_memory().expect("opened");
        file.execute_batch(
            "CREATE TABLE audit (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER, user INTEGER, token INTEGER, \
             address TEXT, action TEXT, project INTEGER, target TEXT, details TEXT, previous BLOB, hash BLOB)",
        )
        .expect("made");
        let transaction = file.transaction().expect("begun");
        for user in 1..=3 {
            let actor = Actor { user: UserId::new(user), ..Actor::default() };
            let event = AuditEvent::new(AuditAction::SignIn);
            record(&transaction, actor, Timestamp::from_micros(5), event).expect("recorded");
        }
        transaction.commit().expect("written");
        file
    }

    #[test]
    fn a_row_that_was_changed_with_its_own_hash_is_found_by_the_next_one() {
        let file = log();
        assert_eq!(verify(&file).expect("read"), None);
        let sql = format!("SELECT {} FROM audit WHERE id = 2", Stored::COLUMNS);
        let row = file.query_row(&sql, [], Stored::read).expect("row 2");
        let forged = Stored { user: Some(9), ..row };
        file.execute("UPDATE audit SET user = 9, hash = ?1 WHERE id = 2", [forged.hash()])
            .expect("forged");
        let found = verify(&file).expect("read").expect("found");
        assert!(found.contains("row 3"), "{found}");
    }
}
