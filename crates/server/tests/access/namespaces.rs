//! Namespaces.

use serde_json::{Value, json};

use crate::platform::Platform;

fn with_token() -> (Platform, u64, String) {
    let platform = Platform::start();
    let ada = platform.person("ada");
    let project = platform.project(&ada, "greenhouse");
    let token = platform.token(&ada, project, "");
    (platform, project, token)
}

#[test]
fn each_project_has_the_namespace_input_from_the_start() {
    let (platform, project, token) = with_token();
    let paths = [
        "/v1/namespaces",
        "/v1/namespaces/",
        "/v1/namespaces/?name=input",
        "/v1/namespaces?namespace_name=input",
    ];
    for path in paths {
        let list = platform.get(path, &token).expect(200);
        let input = &list["namespaces"][0];
        assert_eq!(input["project_id"], project, "{path}");
        assert_eq!(input["namespace_name"], "input");
        assert_eq!(input["partitioning_field"], "device_id");
        assert_eq!(input["fields"], json!({"device_id": "STRING"}));
        assert_eq!(input["labels"], json!({"device_id:distinct": true}));
        let one = format!("/v1/namespaces/{}", input["namespace_id"]);
        assert_eq!(&platform.get(&one, &token).expect(200), input);
        assert_eq!(&platform.get(&format!("{one}/"), &token).expect(200), input);
    }
    let none = platform.get("/v1/namespaces/?name=other", &token).expect(200);
    assert_eq!(none, json!({"namespaces": []}));
    platform.get("/v1/namespaces/4000000000", &token).refused(404);
}

#[test]
fn a_made_namespace_says_where_it_is_and_grows_but_changes_no_type_by_chance() {
    let (platform, project, token) = with_token();
    let body = json!({"project_id": project, "namespace_name": "weather", "partitioning_field": "site",
        "fields": {"temp": "DOUBLE", "count": "LONG"}, "labels": null});
    let reply = platform.post("/v1/namespaces/", &token, &body);
    let made = reply.expect(201);
    let path = format!("/v1/namespaces/{}", made["namespace_id"]);
    assert_eq!(reply.headers["location"], path.as_str());
    assert_eq!(made["fields"], json!({"site": "STRING", "temp": "DOUBLE", "count": "LONG"}));
    assert_eq!(made["labels"], json!({"site:distinct": true}));

    let put = |body: &Value| platform.call("PUT", &format!("{path}/"), &token, body);
    let mut more = made.clone();
    more["fields"]["ok"] = json!("BOOLEAN");
    more["labels"]["floor"] = json!(3);
    more["labels"]["height"] = json!(2.5);
    more["labels"]["note"] = json!("roof");
    more["created"] = json!("nonsense that is merely echoed");
    put(&more).expect_empty(204);
    let grown = platform.get(&path, &token).expect(200);
    assert_eq!((&grown["fields"], &grown["labels"]), (&more["fields"], &more["labels"]));
    put(&json!({"labels": {"floor": 4}})).expect_empty(204);
    assert_eq!(platform.get(&path, &token).expect(200)["labels"]["floor"], 4);

    let mut changed = grown.clone();
    changed["fields"]["temp"] = json!("STRING");
    changed.as_object_mut().expect("an object").remove("fields_version");
    put(&changed).refused(400);
    let mut removed = grown.clone();
    removed["fields"].as_object_mut().expect("an object").remove("temp");
    put(&removed).refused(400);
    put(&json!({"fields": {"x": "COLOUR"}})).refused(400);
    put(&json!({"labels": {"x": [1]}})).refused(400);
    assert_eq!(platform.get(&path, &token).expect(200)["fields"], grown["fields"]);
}

#[test]
fn a_namespace_that_cannot_be_is_refused_with_the_place() {
    let (platform, project, token) = with_token();
    let post = |body: &Value| platform.post("/v1/namespaces", &token, body);
    assert_eq!(post(&json!({"namespace_name": "input"})).refused(422)["code"], 33);
    for (body, place) in [
        (json!({"namespace_name": "a b"}), "namespace_name"),
        (json!({"namespace_name": "a", "partitioning_field": "time"}), "partitioning_field"),
        (json!({"namespace_name": "a", "fields": {"ALL": "DOUBLE"}}), "fields.ALL"),
        (json!({"namespace_name": "a", "fields": {"x": "NUMBER"}}), "fields.x"),
        (json!({"namespace_name": "a", "labels": {"x": null}}), "labels.x"),
        (json!({"fields": {}}), "namespace_name"),
    ] {
        let refusal = post(&body).refused(400);
        assert!(refusal["details"].as_str().expect("a text").contains(place), "{refusal}");
    }
    post(&json!({"namespace_name": "a", "project_id": project + 1})).refused(403);
}
