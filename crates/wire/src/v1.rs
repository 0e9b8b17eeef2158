//! Requests and replies of the REST API as both ends see them.
//!
//! ```text
//! DeviceObject ─▶ {"device_id":"d","project_id":1,"device_name":"n","created":"2016-07-29T08:19:47Z"}
//! ```
//!
//! Invariants: dates have no fractions, ids are JSON integers, and members that clients rely on are never left out.

pub mod date;

use std::collections::BTreeMap;

use iobeam_model::{
    DeviceId, FieldName, FieldType, NamespaceId, NamespaceName, Permissions, ProjectId, Retention,
    Timestamp, UserId,
};
use serde::{Deserialize, Serialize};

/// What "stored" means in an [`ImportReply`]: the rows are on the server's disk.
pub const DURABLE_DISK: &str = "disk";

/// Reply of `POST /v1/imports`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReply {
    /// How many rows the request had.
    pub stored: u64,
    /// Where they are: [`DURABLE_DISK`].
    pub durable: String,
    /// Whether they were there before, from the same request.
    #[serde(default, skip_serializing_if = "is_false")]
    pub repeat: bool,
    /// How many of them are past their namespace's retention: they are not kept and no query shows them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub expired: u64,
}

impl ImportReply {
    /// The reply for rows that are on the disk.
    pub fn on_disk(stored: u64, repeat: bool) -> Self {
        Self { stored, durable: DURABLE_DISK.to_owned(), repeat, expired: 0 }
    }

    /// The same, when so many of the rows were past their retention.
    #[must_use]
    pub fn with_expired(self, expired: u64) -> Self {
        Self { expired, ..self }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_false(truth: &bool) -> bool {
    !*truth
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// How many rows there are, and from when to when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowFigures {
    /// How many.
    pub rows: u64,
    /// The earliest row's time in the unit asked for; null when there is no row.
    pub first_time: Option<i64>,
    /// The latest row's time.
    pub last_time: Option<i64>,
}

/// Reply of `GET /v1/devices/{id}/statistics`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceStatistics {
    /// The device.
    pub device_id: DeviceId,
    /// When it last sent something.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "date::created_option")]
    pub last_seen: Option<Timestamp>,
    /// Its rows in all namespaces that are partitioned by `device_id`.
    #[serde(flatten)]
    pub all: RowFigures,
    /// Its rows in each of them that has some.
    pub namespaces: BTreeMap<NamespaceName, RowFigures>,
}

/// Reply of `GET /v1/namespaces/{id}/statistics`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamespaceStatistics {
    /// The namespace's number.
    pub namespace_id: NamespaceId,
    /// Its name.
    pub namespace_name: NamespaceName,
    /// Its rows.
    #[serde(flatten)]
    pub all: RowFigures,
    /// Rows that are in memory and in the write-ahead log, and in no Parquet file yet.
    pub memory_rows: u64,
    /// Parquet files.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// How long rows are kept.
    pub effective_retention: Retention,
    /// Rows before this time have expired; null when none ever do.
    pub keep_from: Option<i64>,
}

/// A device, in replies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceObject {
    /// Its id, unique in the project.
    pub device_id: DeviceId,
    /// Its project.
    pub project_id: ProjectId,
    /// Its name, unique in the project.
    pub device_name: String,
    /// Its type, when one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_type: Option<String>,
    /// When it was registered.
    #[serde(with = "date::created")]
    pub created: Timestamp,
    /// When it last sent something.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "date::created_option")]
    pub last_seen: Option<Timestamp>,
    /// How long ago it was heard of, where devices are searched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Its rows, when they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<RowFigures>,
}

/// Reply of `GET /v1/devices`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceList {
    /// The devices.
    pub devices: Vec<DeviceObject>,
}

/// Request of `POST /v1/devices`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRequest {
    /// The project; must be the token's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<u64>,
    /// The id it shall have; made by the server when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// The name it shall have; made by the server when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
    /// Its type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_type: Option<String>,
    /// When it was made, in either date spelling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
}

/// Reply of both log-in and the issue of a project token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenReply {
    /// The token itself.
    pub token: String,
    /// When it ends.
    #[serde(with = "date::expires")]
    pub expires: Timestamp,
    /// When it was issued.
    #[serde(with = "date::expires")]
    pub created: Timestamp,
    /// The user it speaks for; 0 when it is not tied to one.
    pub user_id: u32,
    /// What it may do, for a project token; absent in a user's, as clients file what has a project as a project token.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub project: Option<TokenProject>,
}

/// The project's part of a [`TokenReply`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenProject {
    /// The project.
    pub project_id: ProjectId,
    /// What the token may do there.
    #[serde(flatten)]
    pub permissions: Permissions,
}

/// Request of `POST /v1/tokens/project`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshRequest {
    /// The old token.
    pub refresh_token: String,
}

/// A user, in replies. There is no password in it, ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserObject {
    /// The user's number.
    pub user_id: UserId,
    /// E-mail address.
    pub email: String,
    /// Name to log in with, or empty.
    #[serde(default)]
    pub username: String,
    /// First name, or empty.
    #[serde(default)]
    pub first_name: String,
    /// Last name, or empty.
    #[serde(default)]
    pub last_name: String,
    /// Company, or empty.
    #[serde(default)]
    pub company_name: String,
    /// Home page, or empty.
    #[serde(default)]
    pub url: String,
}

/// A project in a list, with what the caller may do in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectListItem {
    /// The project's number.
    pub project_id: ProjectId,
    /// Its name.
    pub project_name: String,
    /// When it was made.
    #[serde(with = "date::created")]
    pub created: Timestamp,
    /// What the caller may do.
    pub permissions: Permissions,
}

/// Reply of `GET /v1/projects`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectList {
    /// The caller's projects.
    pub projects: Vec<ProjectListItem>,
}

/// One project, with who may do what in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectObject {
    /// The project's number.
    pub project_id: ProjectId,
    /// Its name.
    pub project_name: String,
    /// When it was made.
    #[serde(with = "date::created")]
    pub created: Timestamp,
    /// Who may do what.
    pub permissions: Holders,
    /// Whether an unknown device is registered by its first import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_register: Option<bool>,
    /// How those are called who may do something, where one project is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<Vec<MemberObject>>,
}

/// A member of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberObject {
    /// The user's number.
    pub user_id: UserId,
    /// Name to log in with, or empty.
    pub username: String,
    /// E-mail address.
    pub email: String,
}

/// Reply of `GET /v1/projects/{id}/permissions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermissionsReply {
    /// Who may do what.
    pub permissions: Holders,
}

/// Who holds each right.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holders {
    /// Those who may read.
    pub read: Vec<Holder>,
    /// Those who may write.
    pub write: Vec<Holder>,
    /// Those who may administer.
    pub admin: Vec<Holder>,
}

/// One who holds a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The user.
    pub user_id: UserId,
}

impl FromIterator<(UserId, Permissions)> for Holders {
    fn from_iter<I: IntoIterator<Item = (UserId, Permissions)>>(members: I) -> Self {
        let mut holders = Self::default();
        for (user_id, permissions) in members {
            for (holds, list) in [
                (permissions.read, &mut holders.read),
                (permissions.write, &mut holders.write),
                (permissions.admin, &mut holders.admin),
            ] {
                if holds {
                    list.push(Holder { user_id });
                }
            }
        }
        holders
    }
}

/// A namespace, in replies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NamespaceObject {
    /// The namespace's number.
    pub namespace_id: NamespaceId,
    /// Its project.
    pub project_id: ProjectId,
    /// Its name.
    pub namespace_name: NamespaceName,
    /// The field that says whose row it is.
    pub partitioning_field: FieldName,
    /// How long its rows are kept, as it was said of it.
    #[serde(default)]
    pub retention: Retention,
    /// How long that is: the server's setting where nothing was said.
    #[serde(default)]
    pub effective_retention: Retention,
    /// When it was made.
    #[serde(with = "date::created")]
    pub created: Timestamp,
    /// When fields or labels last changed.
    #[serde(with = "date::created")]
    pub last_modified: Timestamp,
    /// The fields and their types; `{}` when there is none.
    pub fields: BTreeMap<FieldName, FieldType>,
    /// Another one whenever `fields` is another one. A `PUT` that gives a field another type must name the present one, so
    /// that nobody undoes a change that they have not seen.
    #[serde(default)]
    pub fields_version: String,
    /// The labels: texts, numbers or booleans; `{}` when there is none.
    pub labels: BTreeMap<String, serde_json::Value>,
}

/// Reply of `GET /v1/namespaces`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NamespaceList {
    /// The namespaces.
    pub namespaces: Vec<NamespaceObject>,
}

/// Reply of `GET /v1/devices/timestamp` for every unit but timeval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimestampReply {
    /// The server's time in the unit asked for.
    pub server_timestamp: i64,
}

/// Reply of `GET /v1/devices/timestamp?timefmt=timeval`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimevalReply {
    /// The server's time.
    pub server_timestamp: Timeval,
}

/// A time as seconds and microseconds. Seconds come first: small clients rely on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeval {
    /// Whole seconds since 1970, rounded down.
    pub sec: i64,
    /// Microseconds above them: 0 to 999 999.
    pub usec: i64,
}

impl From<Timestamp> for Timeval {
    fn from(time: Timestamp) -> Self {
        Self { sec: time.seconds(), usec: time.micros().rem_euclid(1_000_000) }
    }
}

#[cfg(test)]
mod tests;
