//! What is described is what is sent, member by member.

use std::collections::BTreeSet;

use iobeam_model::{ProjectId, Timestamp, UserId};
use iobeam_wire::problem::{Code, ErrorBody};
use iobeam_wire::v1;
use serde_json::{Value, json};
use utoipa::PartialSchema;

use super::*;

/// The members that the description of `T` names.
fn described<T: PartialSchema>() -> BTreeSet<String> {
    members(&serde_json::to_value(T::schema()).expect("JSON")["properties"])
}

fn members(object: &Value) -> BTreeSet<String> {
    object.as_object().expect("an object").keys().cloned().collect()
}

/// The members that are sent.
fn sent(object: impl serde::Serialize) -> BTreeSet<String> {
    members(&serde_json::to_value(object).expect("JSON"))
}

fn read<T: serde::de::DeserializeOwned>(json: Value) -> T {
    serde_json::from_value(json).expect("an object of the API")
}

const WHEN: &str = "2016-07-29T08:19:47Z";

#[test]
fn users_and_projects_are_described_as_they_are_sent() {
    let user: v1::UserObject = read(json!({"user_id": 1, "email": "a@x.org"}));
    assert_eq!(described::<User>(), sent(user));
    let project: v1::ProjectObject = read(json!({
        "project_id": 1, "project_name": "x", "created": WHEN, "auto_register": false,
        "permissions": {"read": [{"user_id": 1}], "write": [], "admin": []},
        "members": [{"user_id": 1, "username": "a", "email": "a@x.org"}],
    }));
    let members = project.members.clone().expect("members");
    assert_eq!(described::<Member>(), sent(&members[0]));
    assert_eq!(described::<Holders>(), sent(&project.permissions));
    assert_eq!(described::<Holder>(), sent(project.permissions.read[0]));
    assert_eq!(described::<Project>(), sent(project));
    let item: v1::ProjectListItem = read(json!({
        "project_id": 1, "project_name": "x", "created": WHEN,
        "permissions": {"read": true, "write": true, "admin": true},
    }));
    assert_eq!(described::<Permissions>(), sent(item.permissions));
    assert_eq!(described::<ProjectListItem>(), sent(item));
}

#[test]
fn tokens_are_described_as_they_are_sent() {
    let mut token = v1::TokenReply {
        token: "t".to_owned(),
        expires: Timestamp::from_micros(0),
        created: Timestamp::from_micros(0),
        user_id: 1,
        project: None,
    };
    assert_eq!(described::<UserToken>(), sent(&token));
    token.project = Some(v1::TokenProject {
        project_id: ProjectId::new(1).expect("positive"),
        permissions: iobeam_model::Permissions::ALL,
    });
    assert_eq!(described::<ProjectToken>(), sent(&token));
    assert!(UserId::new(token.user_id).is_some());
}

#[test]
fn devices_and_namespaces_are_described_as_they_are_sent() {
    let device: v1::DeviceObject = read(json!({
        "device_id": "d", "project_id": 1, "device_name": "n", "device_type": "t", "created": WHEN,
        "last_seen": WHEN, "state": "stale", "statistics": {"rows": 1, "first_time": 1, "last_time": 1},
    }));
    assert_eq!(described::<Device>(), sent(device));
    let figures: v1::RowFigures = read(json!({"rows": 1, "first_time": 1, "last_time": 1}));
    assert_eq!(described::<RowFigures>(), sent(figures));
    let device: v1::DeviceStatistics = read(json!({
        "device_id": "d", "last_seen": WHEN, "rows": 1, "first_time": 1, "last_time": 1,
        "namespaces": {},
    }));
    assert_eq!(described::<DeviceStatistics>(), sent(device));
    let namespace: v1::NamespaceStatistics = read(json!({
        "namespace_id": 1, "namespace_name": "input", "rows": 1, "first_time": 1, "last_time": 1,
        "memory_rows": 1, "files": 1, "bytes": 1, "effective_retention": "none", "keep_from": 1,
    }));
    assert_eq!(described::<NamespaceStatistics>(), sent(namespace));
    let namespace: v1::NamespaceObject = read(json!({
        "namespace_id": 1, "project_id": 1, "namespace_name": "input",
        "partitioning_field": "device_id", "retention": "30d", "effective_retention": "30d",
        "created": WHEN, "last_modified": WHEN,
        "fields": {}, "labels": {},
    }));
    assert_eq!(described::<Namespace>(), sent(namespace));
    assert_eq!(described::<Timeval>(), sent(v1::Timeval::from(Timestamp::from_micros(0))));
}

#[test]
fn errors_are_described_as_they_are_sent() {
    let body = ErrorBody::new(Code::NOT_FOUND, "m", "d");
    assert_eq!(described::<Error>(), sent(&body.errors[0]));
    assert_eq!(described::<Errors>(), sent(body));
}
