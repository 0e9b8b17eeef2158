//! Why the catalog refuses, or fails.
//!
//! ```text
//! the request is wrong  ─▶ FixRequest      NotFound, AlreadyExists, DeviceIdTaken, Invalid, LastAdmin, FieldTypeConflict ..
//! it may work later     ─▶ Retry           DiskFull, Busy
//! the machine is wrong  ─▶ CallOperator    Damaged, NewerVersion, InUse, File, Database
//! ```
//!
//! The texts name what was asked for; none holds a password, a key or an invite code.

use std::io;
use std::path::PathBuf;

use iobeam_model::{DeviceId, FieldName, FieldType, NamespaceName, ProjectId, Remedy};

/// Why the catalog refuses, or fails.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// What was named does not exist.
    #[error("there is no {what} '{name}'")]
    NotFound {
        /// The kind of thing: "user", "project", "device" ..
        what: &'static str,
        /// The name or id it was asked for by.
        name: String,
    },
    /// The name is in use.
    #[error("{what} '{name}' exists already; choose another name")]
    AlreadyExists {
        /// The kind of thing.
        what: &'static str,
        /// The name in use.
        name: String,
    },
    /// A device of the project has this id.
    #[error("device id '{id}' is registered already in this project")]
    DeviceIdTaken {
        /// The id.
        id: DeviceId,
    },
    /// A device of the project has this name.
    #[error("device name '{name}' is used already in this project")]
    DeviceNameTaken {
        /// The name.
        name: String,
    },
    /// Name and password do not belong together, or there is no such user: which, is not told.
    #[error("wrong user name or password")]
    WrongPassword,
    /// What is asked for needs the account's password, and none came along.
    #[error("changing the e-mail address or the password needs the account's password")]
    PasswordNeeded,
    /// The account was disabled.
    #[error("this account is disabled; ask the operator of this platform to enable it")]
    AccountDisabled,
    /// More than the user may do in the project.
    #[error("the user does not hold the permissions asked for")]
    MoreThanHeld,
    /// A token that cannot be exchanged, or not any more.
    #[error(
        "the token cannot be exchanged any more: it was revoked, or its user lost the permissions"
    )]
    NotRefreshable,
    /// The account is the only administrator of projects.
    #[error(
        "the account is the only administrator of {projects}; name another user as heir, who becomes administrator there, \
         or delete those projects first"
    )]
    OnlyAdmin {
        /// The projects, in words.
        projects: String,
    },
    /// Sign-up needs an invite code, and this is none, or it was used up, revoked, or ran out.
    #[error("signing up needs a valid invite code; ask the administrator for one")]
    NotInvited,
    /// Nobody can sign up here.
    #[error("signing up is closed on this platform")]
    SignUpClosed,
    /// A verification or reset key that is unknown, was used, or ran out.
    #[error("this {what} key is unknown, was used already, or ran out; ask for a new one")]
    KeyRefused {
        /// What the key is for: "verification" or "reset".
        what: &'static str,
    },
    /// A value that breaks the rules.
    #[error("{what}: {reason}")]
    Invalid {
        /// Which member.
        what: &'static str,
        /// What is wrong with it, and what would be right.
        reason: String,
    },
    /// The project would be left with nobody who can change it.
    #[error("project {project} would be left without an admin; make another member admin first")]
    LastAdmin {
        /// The project.
        project: ProjectId,
    },
    /// The field exists with another type, which only a correction changes.
    #[error(
        "field '{field}' has the type {has}, not {wanted}; send values of that type, or retype the field (PATCH /v1/namespaces/<id>/fields/{field})"
    )]
    FieldTypeConflict {
        /// The field.
        field: FieldName,
        /// Its type.
        has: FieldType,
        /// The type asked for.
        wanted: FieldType,
    },
    /// A field of this name exists in another letter case.
    #[error(
        "field '{field}' differs from the field '{existing}' in letter case alone; use '{existing}'"
    )]
    FieldCase {
        /// The field asked for.
        field: FieldName,
        /// The one that exists.
        existing: FieldName,
    },
    /// Somebody else changed it meanwhile.
    #[error(
        "{what} {id} has version {has} by now, not {given}; look at what changed, and send it again with version {has}"
    )]
    ChangedMeanwhile {
        /// The kind of thing.
        what: &'static str,
        /// Its number.
        id: u32,
        /// Its version.
        has: u32,
        /// The version the change was meant for.
        given: u32,
    },
    /// One of that name was deleted, and not all of it is gone.
    #[error("the {what} '{name}' is still being deleted; try again in a moment")]
    BeingDeleted {
        /// The kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The store has rows under that name of which the catalog knows nothing.
    #[error(
        "the namespace '{name}' cannot be made: the server has rows under that name that are not of this catalog, as after a restored backup; choose another name, or have the operator attach them again ('iobeam doctor' says how)"
    )]
    Orphaned {
        /// The project.
        project: ProjectId,
        /// The name.
        name: NamespaceName,
    },
    /// More than there may be.
    #[error("too many {what}: at most {limit} are allowed")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// No room for the change; nothing of it was stored.
    #[error("the disk is full; the change was not stored")]
    DiskFull,
    /// Too many passwords are being checked, or another program holds the file.
    #[error("the catalog is busy; try again in a moment")]
    Busy,
    /// Another process has this catalog open.
    #[error("the catalog {path} is in use by another process; stop that one first")]
    InUse {
        /// The catalog's file.
        path: PathBuf,
    },
    /// Written by a newer version of this program.
    #[error(
        "the catalog {path} has version {found}, and this program knows versions up to {known}; \
         start the newer program that wrote it, or restore a backup"
    )]
    NewerVersion {
        /// The catalog's file.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// The newest version known here.
        known: u64,
    },
    /// The file is not what was written.
    #[error(
        "the catalog {path} is damaged: {detail}; restore it from a backup (the file was not changed)"
    )]
    Damaged {
        /// The catalog's file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The file cannot be opened or made.
    #[error("cannot open the catalog {path}")]
    File {
        /// The catalog's file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// SQLite failed in a way that waiting does not mend.
    #[error("the catalog's database failed")]
    Database(#[source] rusqlite::Error),
    /// A password could not be hashed or its hash not be read.
    #[error("cannot hash a password: {0}")]
    Hash(String),
}

impl CatalogError {
    /// Whose move it is.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::DiskFull | Self::Busy | Self::BeingDeleted { .. } => Remedy::Retry,
            Self::InUse { .. }
            | Self::NewerVersion { .. }
            | Self::Damaged { .. }
            | Self::File { .. }
            | Self::Database(_)
            | Self::Hash(_) => Remedy::CallOperator,
            _ => Remedy::FixRequest,
        }
    }

    /// Not found.
    pub(crate) fn not_found(what: &'static str, name: &dyn ToString) -> Self {
        Self::NotFound { what, name: name.to_string() }
    }

    /// The value breaks a rule.
    pub(crate) fn invalid(what: &'static str, reason: impl Into<String>) -> Self {
        Self::Invalid { what, reason: reason.into() }
    }
}

impl From<rusqlite::Error> for CatalogError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            _ => Self::Database(error),
        }
    }
}
