//! The JSON shapes as the API's description shows them.
//!
//! What is sent is written by `iobeam_wire::v1`, which knows nothing of descriptions; a test holds the two together,
//! member by member.
#![expect(dead_code, reason = "they are described, never made")]
#![expect(clippy::struct_field_names, reason = "the members are called so on the wire")]

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::openapi::path::PathItem;
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, ResponseBuilder};
use utoipa::{PartialSchema as _, ToSchema};

/// What every refused request hears.
#[derive(Serialize, ToSchema)]
pub(crate) struct Errors {
    /// At least one.
    #[schema(min_items = 1)]
    errors: Vec<Error>,
}

/// One thing that went wrong.
#[derive(Serialize, ToSchema)]
pub(crate) struct Error {
    /// What, for programs.
    code: u32,
    /// What, for people.
    message: String,
    /// Where, and what would be right.
    details: String,
    /// The same text as `details`.
    detailed_message: String,
}

/// Says of every call that a reply which it does not name is an error of the one shape.
pub(super) fn add_errors(api: &mut OpenApi) {
    let components = api.components.get_or_insert_default();
    components.schemas.insert("Errors".to_owned(), Errors::schema());
    components.schemas.insert("Error".to_owned(), Error::schema());
    for item in api.paths.paths.values_mut() {
        let PathItem { get, put, post, delete, patch, .. } = item;
        for operation in [get, put, post, delete, patch].into_iter().flatten() {
            let shape = Content::new(Some(Ref::from_schema_name("Errors")));
            let refused = ResponseBuilder::new()
                .description("Refused")
                .content("application/json", shape)
                .build();
            let responses = &mut operation.responses.responses;
            responses.entry("default".to_owned()).or_insert(RefOr::T(refused));
        }
    }
}

/// A user. There is no password in it, ever.
#[derive(Serialize, ToSchema)]
pub(crate) struct User {
    /// The user's number.
    #[schema(minimum = 1)]
    user_id: u32,
    /// E-mail address.
    email: String,
    /// Name to log in with, or empty.
    username: String,
    /// First name, or empty.
    first_name: String,
    /// Last name, or empty.
    last_name: String,
    /// Company, or empty.
    company_name: String,
    /// Home page, or empty.
    url: String,
}

/// The signed-in user.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionUser {
    /// The account.
    #[serde(flatten)]
    user: User,
    /// Whether the e-mail address was verified.
    email_verified: bool,
    /// Whether the user operates this server.
    operator: bool,
}

/// What there is of a session, and what a page must know before there is one.
#[derive(Serialize, ToSchema)]
pub(crate) struct Session {
    /// Who is signed in; null when nobody is.
    #[schema(required)]
    user: Option<SessionUser>,
    /// The value of the header `X-CSRF-Token`; absent when nobody is signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    csrf: Option<String>,
    /// When the session ends, such as 2016-07-29T08:19:47Z; absent when nobody is signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    expires: Option<String>,
    /// Who may make an account: `open`, `invite` or `closed`.
    signup: String,
    /// Whether the server sends mail; otherwise its operator finds letters in a folder.
    mail: bool,
    /// The server's version.
    version: String,
}

/// A user, as a search finds them.
#[derive(Serialize, ToSchema)]
pub(crate) struct FoundUser {
    /// The user's number.
    #[schema(minimum = 1)]
    user_id: u32,
    /// Name to log in with, or empty.
    username: String,
    /// E-mail address.
    email: String,
}

/// The users that a search found.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserList {
    /// At most 100.
    users: Vec<FoundUser>,
}

/// One user, or those that a search found.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum UserOrList {
    /// With `name`.
    One(User),
    /// With `search`.
    List(UserList),
}

/// What one user or token may do in a project.
#[derive(Serialize, ToSchema)]
pub(crate) struct Permissions {
    /// See devices and query readings.
    read: bool,
    /// Register devices and send readings.
    write: bool,
    /// Change the project itself: namespaces, members, tokens.
    admin: bool,
}

/// One who holds a right.
#[derive(Serialize, ToSchema)]
pub(crate) struct Holder {
    /// The user.
    #[schema(minimum = 1)]
    user_id: u32,
}

/// Who holds each right in a project.
#[derive(Serialize, ToSchema)]
pub(crate) struct Holders {
    /// Those who may read.
    read: Vec<Holder>,
    /// Those who may write.
    write: Vec<Holder>,
    /// Those who may administer.
    admin: Vec<Holder>,
}

/// Who may do what in a project.
#[derive(Serialize, ToSchema)]
pub(crate) struct PermissionsReply {
    /// Holders of each right.
    permissions: Holders,
}

/// A project, with who may do what in it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Project {
    /// The project's number.
    #[schema(minimum = 1)]
    project_id: u32,
    /// Unique on the server.
    project_name: String,
    /// When it was made, such as 2016-07-29T08:19:47Z.
    created: String,
    /// Who may do what.
    permissions: Holders,
    /// Whether an unknown device is registered by its first import.
    auto_register: Option<bool>,
    /// How those are called who may do something, where one project is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    members: Option<Vec<Member>>,
}

/// Nothing in particular.
#[derive(Serialize, ToSchema)]
pub(crate) struct Nothing {}

/// A member of a project.
#[derive(Serialize, ToSchema)]
pub(crate) struct Member {
    /// The user's number.
    #[schema(minimum = 1)]
    user_id: u32,
    /// Name to log in with, or empty.
    username: String,
    /// E-mail address.
    email: String,
}

/// A project in a list, with what the caller may do in it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProjectListItem {
    /// The project's number.
    #[schema(minimum = 1)]
    project_id: u32,
    /// Unique on the server.
    project_name: String,
    /// When it was made, such as 2016-07-29T08:19:47Z.
    created: String,
    /// What the caller may do.
    permissions: Permissions,
}

/// The caller's projects.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProjectList {
    /// The projects.
    projects: Vec<ProjectListItem>,
}

/// The caller's projects, or the one that was asked for by name.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ProjectOrList {
    /// With `name`.
    One(Project),
    /// Without.
    List(ProjectList),
}

/// A token for managing: what a log-in gives.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserToken {
    /// The token.
    token: String,
    /// When it ends, such as 2016-08-28 17:25:31 +0000.
    expires: String,
    /// When it was issued.
    created: String,
    /// Who logged in.
    #[schema(minimum = 1)]
    user_id: u32,
}

/// A token for reading and writing in one project.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProjectToken {
    /// The token: a JWT of at most 231 characters.
    token: String,
    /// When it ends, such as 2016-08-28 17:25:31 +0000.
    expires: String,
    /// When it was issued.
    created: String,
    /// The user it is tied to; 0 when it is tied to none.
    user_id: u32,
    /// The project.
    #[schema(minimum = 1)]
    project_id: u32,
    /// Whether it may read.
    read: bool,
    /// Whether it may write.
    write: bool,
    /// Whether it may administer.
    admin: bool,
}

/// A device.
#[derive(Serialize, ToSchema)]
pub(crate) struct Device {
    /// Unique within the project.
    #[schema(pattern = "^[A-Za-z0-9_:-]{1,255}$")]
    device_id: String,
    /// The project.
    #[schema(minimum = 1)]
    project_id: u32,
    /// Unique within the project.
    device_name: String,
    /// What sort of device it is, when that was told.
    device_type: Option<String>,
    /// When it was registered, such as 2016-07-29T08:19:47Z.
    created: String,
    /// When it last sent something.
    last_seen: Option<String>,
    /// How long ago it was heard of, of a device asked for by its id or in a list that was searched: `online`, `stale`,
    /// `offline` or `never_seen`.
    state: Option<String>,
    /// Its rows, in a list that was asked for with `statistics=true`.
    statistics: Option<RowFigures>,
}

/// How many rows there are, and from when to when.
#[derive(Serialize, ToSchema)]
pub(crate) struct RowFigures {
    /// How many.
    rows: u64,
    /// The earliest row's time, in the unit asked for; null when there is no row.
    first_time: Option<i64>,
    /// The latest row's time.
    last_time: Option<i64>,
}

/// A device's rows, in all namespaces that are partitioned by `device_id`.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeviceStatistics {
    /// The device.
    device_id: String,
    /// When it last sent something.
    last_seen: Option<String>,
    /// How many rows.
    rows: u64,
    /// The earliest row's time, in the unit asked for; null when there is no row.
    first_time: Option<i64>,
    /// The latest row's time.
    last_time: Option<i64>,
    /// The same for each namespace in which it has rows, by name.
    namespaces: BTreeMap<String, RowFigures>,
}

/// A namespace's rows, files and bytes.
#[derive(Serialize, ToSchema)]
pub(crate) struct NamespaceStatistics {
    /// The namespace's number.
    #[schema(minimum = 1)]
    namespace_id: u32,
    /// Its name.
    namespace_name: String,
    /// How many rows.
    rows: u64,
    /// The earliest row's time, in the unit asked for; null when there is no row.
    first_time: Option<i64>,
    /// The latest row's time.
    last_time: Option<i64>,
    /// Rows that are in memory and in the write-ahead log, and in no Parquet file yet.
    memory_rows: u64,
    /// Parquet files.
    files: u64,
    /// Bytes of them.
    bytes: u64,
    /// How long rows are kept: `none` (for ever), or a number with `d`, `h`, `m` or `s`.
    effective_retention: String,
    /// Rows before this time have expired; null when none ever do.
    keep_from: Option<i64>,
}

/// The devices of a project.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeviceList {
    /// The devices.
    devices: Vec<Device>,
    /// How many a search finds on all pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    total: Option<u64>,
    /// How many it finds of each type, with `facets=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    types: Option<Vec<TypeCount>>,
    /// How many it finds in each state, with `facets=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    states: Option<StateCounts>,
}

/// How many devices of a type there are.
#[derive(Serialize, ToSchema)]
pub(crate) struct TypeCount {
    /// The type; null for devices without one.
    #[schema(required)]
    device_type: Option<String>,
    /// How many.
    count: u64,
}

/// How many devices were last heard of how long ago, by the settings `device-stale-after` and `device-offline-after`.
#[derive(Serialize, ToSchema)]
pub(crate) struct StateCounts {
    /// A moment ago.
    online: u64,
    /// Longer ago than it should be.
    stale: u64,
    /// Too long ago.
    offline: u64,
    /// Never.
    never_seen: u64,
}

/// The devices of a project, or the one that was asked for by name.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum DeviceOrList {
    /// With `name`.
    One(Device),
    /// Without.
    List(DeviceList),
}

/// The server's time.
#[derive(Serialize, ToSchema)]
pub(crate) struct ServerTime {
    /// A whole number of the unit asked for, or seconds and microseconds for `timeval`.
    server_timestamp: Moment,
}

/// A time in the unit asked for.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Moment {
    /// A whole number.
    Number(i64),
    /// Seconds and microseconds.
    Timeval(Timeval),
}

/// Seconds and microseconds.
#[derive(Serialize, ToSchema)]
pub(crate) struct Timeval {
    /// Whole seconds since 1970.
    sec: i64,
    /// Microseconds above them.
    usec: i64,
}

/// The type of a field.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum FieldType {
    /// A floating-point number.
    Double,
    /// A whole number of 64 bits.
    Long,
    /// True or false.
    Boolean,
    /// A text.
    String,
}

/// How long rows are kept, in a request.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum RetentionGiven {
    /// Such as `30d`, `P30D`, `none` or `default`.
    Text(String),
    /// Seconds.
    Seconds(u64),
}

/// A namespace: a table of rows with typed fields.
#[derive(Serialize, ToSchema)]
pub(crate) struct Namespace {
    /// The namespace's number.
    #[schema(minimum = 1)]
    namespace_id: u32,
    /// The project.
    #[schema(minimum = 1)]
    project_id: u32,
    /// Unique within the project.
    namespace_name: String,
    /// The field that says whose row it is.
    partitioning_field: String,
    /// How long its rows are kept: `default`, `none` (for ever), or a number with `d`, `h`, `m` or `s`.
    retention: String,
    /// The same, with the server's setting in place of `default`.
    effective_retention: String,
    /// When it was made, such as 2016-07-29T08:19:47Z.
    created: String,
    /// When a field or a label was last added or changed.
    last_modified: String,
    /// The fields and their types.
    fields: BTreeMap<String, FieldType>,
    /// Another one whenever `fields` is another one.
    fields_version: String,
    /// Notes about it: texts, numbers or booleans.
    #[schema(value_type = Object)]
    labels: (),
}

/// The namespaces of a project.
#[derive(Serialize, ToSchema)]
pub(crate) struct NamespaceList {
    /// The namespaces.
    namespaces: Vec<Namespace>,
}

#[cfg(test)]
mod tests;
