//! Projects and their members.

use serde_json::json;

use crate::platform::Platform;

#[test]
fn a_new_project_is_its_makers_with_every_permission() {
    let platform = Platform::start();
    let ada = platform.person("ada");
    let body = json!({"project_name": "greenhouse"});
    let made = platform.post("/v1/projects/", &ada.token, &body).expect(201);
    let id = made["project_id"].as_u64().expect("a number");
    let me = json!([{"user_id": ada.id}]);
    assert_eq!(made["permissions"], json!({"read": me, "write": me, "admin": me}));
    let created = made["created"].as_str().expect("a date");
    assert!(created.len() == 20 && created.ends_with('Z'), "{created}");
    assert_eq!(platform.get("/v1/projects?name=greenhouse", &ada.token).expect(200), made);
    let mut shown = platform.get(&format!("/v1/projects/{id}"), &ada.token).expect(200);
    let members = shown.as_object_mut().and_then(|project| project.remove("members"));
    let names = json!([{"user_id": ada.id, "username": "ada", "email": "ada@example.org"}]);
    assert_eq!((members, shown), (Some(names), made.clone()));
    for path in ["/v1/projects", "/v1/projects/"] {
        let list = platform.get(path, &ada.token).expect(200);
        let all = json!({"read": true, "write": true, "admin": true});
        assert_eq!(
            list,
            json!({"projects": [{"project_id": id, "project_name": "greenhouse",
            "created": created, "permissions": all}]})
        );
    }
    assert_eq!(platform.post("/v1/projects", &ada.token, &body).refused(422)["code"], 33);
    platform.post("/v1/projects", &ada.token, &json!({"project_name": ""})).refused(400);
}

#[test]
fn a_project_of_others_does_not_exist() {
    let platform = Platform::start();
    let (ada, bob) = (platform.person("ada"), platform.person("bob"));
    let id = platform.project(&ada, "greenhouse");
    for path in [
        format!("/v1/projects/{id}"),
        "/v1/projects?name=greenhouse".to_owned(),
        format!("/v1/projects/{id}/permissions"),
        format!("/v1/tokens/project?project_id={id}"),
        format!("/v1/tokens?project_id={id}"),
        "/v1/projects/4000000000".to_owned(),
        "/v1/projects/0".to_owned(),
        "/v1/projects/-1".to_owned(),
        "/v1/projects/x".to_owned(),
    ] {
        assert_eq!(platform.get(&path, &bob.token).refused(404)["code"], 32, "{path}");
    }
    let body = json!({"user_id": bob.id, "read": true});
    let path = format!("/v1/projects/{id}/permissions");
    platform.patch(&path, &bob.token, &body).refused(404);
    assert_eq!(platform.get("/v1/projects", &bob.token).expect(200), json!({"projects": []}));
}

#[test]
fn a_rename_is_200_and_the_same_name_is_204() {
    let platform = Platform::start();
    let ada = platform.person("ada");
    let id = platform.project(&ada, "greenhouse");
    let path = format!("/v1/projects/{id}");
    let body = json!({"project_name": "orchard", "project_id": id, "created": 5});
    assert_eq!(platform.patch(&path, &ada.token, &body).expect(200)["project_name"], "orchard");
    platform.patch(&path, &ada.token, &body).expect_empty(204);
    let on = json!({"auto_register": true});
    assert_eq!(platform.patch(&path, &ada.token, &on).expect(200)["auto_register"], true);
    platform.patch(&path, &ada.token, &on).expect_empty(204);
}

#[test]
fn a_new_member_is_201_without_a_body_then_200_then_204() {
    let platform = Platform::start();
    let (ada, bob) = (platform.person("ada"), platform.person("bob"));
    let id = platform.project(&ada, "greenhouse");
    let path = format!("/v1/projects/{id}/permissions");
    let body = json!({"user_id": bob.id, "read": true, "write": false, "admin": false});
    platform.patch(&path, &ada.token, &body).expect_empty(201);
    platform.patch(&path, &ada.token, &body).expect_empty(204);
    let (a, b) = (json!({"user_id": ada.id}), json!({"user_id": bob.id}));
    let expected = json!({"permissions": {"read": [a, b], "write": [a], "admin": [a]}});
    assert_eq!(platform.get(&path, &bob.token).expect(200), expected);
    let listed = platform.get("/v1/projects", &bob.token).expect(200);
    let reads = json!({"read": true, "write": false, "admin": false});
    assert_eq!(listed["projects"][0]["permissions"], reads);
    let body = json!({"user_id": bob.id, "read": true, "write": true, "admin": false});
    platform.patch(&path, &ada.token, &body).expect(200);
    let body = json!({"user_id": bob.id, "read": false, "write": false, "admin": false});
    platform.patch(&path, &ada.token, &body).expect(200);
    platform.patch(&path, &ada.token, &body).expect_empty(204);
    platform.get(&path, &bob.token).refused(404);
}

#[test]
fn only_an_administrator_changes_a_project_and_the_last_one_stays() {
    let platform = Platform::start();
    let (ada, bob) = (platform.person("ada"), platform.person("bob"));
    let id = platform.project(&ada, "greenhouse");
    let path = format!("/v1/projects/{id}/permissions");
    let body = json!({"user_id": bob.id, "read": true, "write": true});
    platform.patch(&path, &ada.token, &body).expect_empty(201);
    platform.patch(&path, &bob.token, &json!({"user_id": bob.id, "admin": true})).refused(403);
    let rename = json!({"project_name": "mine"});
    platform.patch(&format!("/v1/projects/{id}"), &bob.token, &rename).refused(403);
    platform.get(&format!("/v1/tokens?project_id={id}"), &bob.token).refused(403);
    platform.patch(&path, &ada.token, &json!({"user_id": ada.id, "read": true})).refused(409);
    platform
        .patch(&path, &ada.token, &json!({"user_id": 4_000_000_000_u32, "read": true}))
        .refused(404);
    platform.patch(&path, &ada.token, &json!({"read": true})).refused(400);
}
