//! How many fields there may be: a refusal names the limit, its setting and a way out that works.

use serde_json::{Value, json};

use crate::running::{Account, Reply, Server};

const SETTINGS: [(&str, &str); 2] =
    [("max-fields-per-request", "5"), ("max-fields-per-namespace", "8")];

fn send(server: &Server, account: &Account, namespace: &str, names: &[&str]) -> Reply {
    let fields: Vec<&str> = ["time"].into_iter().chain(names.iter().copied()).collect();
    let row: Vec<Value> = (0..fields.len()).map(|value| json!(value)).collect();
    let body = json!({"namespace": namespace, "labels": {"device_id": "d"},
                      "data": {"fields": fields, "values": [row]}});
    server.call("POST /v1/imports?fmt=table", &account.token, &body)
}

#[test]
fn too_many_fields_are_refused_with_the_limit_its_setting_and_a_way_out_that_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut server = Server::on(&data, &SETTINGS);
    let account = server.account_with_device();
    let wide = ["a", "b", "c", "d", "e", "f", "g"];
    let refused = send(&server, &account, "input", &wide);
    assert_eq!(refused.status, 400, "{}", refused.text());
    let text = refused.text();
    assert!(
        text.contains("more than 5 fields") && text.contains("max-fields-per-request"),
        "{text}"
    );
    // The way out: several requests.
    for part in wide.chunks(4) {
        assert_eq!(send(&server, &account, "input", part).status, 200);
    }
    // device_id and seven more are there: the namespace is full.
    let refused = send(&server, &account, "input", &["h"]);
    assert_eq!(refused.status, 400, "{}", refused.text());
    let text = refused.text();
    assert!(
        text.contains("at most 8 fields") && text.contains("max-fields-per-namespace"),
        "{text}"
    );
    // One way out: another namespace.
    let other = json!({"project_id": account.project, "namespace_name": "other", "fields": {"h": "DOUBLE"}});
    assert_eq!(server.call("POST /v1/namespaces", &account.token, &other).status, 201);
    assert_eq!(send(&server, &account, "other", &["h"]).status, 200);
    // The other: a larger setting.
    server.stop().expect("a good end");
    let server = Server::on(&data, &[("max-fields-per-namespace", "9")]);
    assert_eq!(send(&server, &account, "input", &["h"]).status, 200);
}

#[test]
fn a_gateway_of_5600_tags_sends_all_of_them_at_once() {
    let server = Server::start();
    let account = server.account_with_device();
    let names: Vec<String> = (0..5600).map(|tag| format!("tag-{tag}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let reply = send(&server, &account, "input", &names);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let reply = server.get("/v1/data/input/tag-5599", &account.token).json();
    assert_eq!(reply["result"][0]["values"], json!([[0, 5600.0]]));
}
