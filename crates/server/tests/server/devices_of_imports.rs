//! One rule for devices that are not registered, whatever form an import has.

use iobeam_model::{Batch, Column, Texts, Values};
use iobeam_wire::batch::{Compression, encode};
use serde_json::{Value, json};

use crate::running::{Account, Reply, Server};

const FORMS: [&str; 6] =
    ["series", "table", "namespace column", "namespace label", "batch", "batch elsewhere"];

/// Sends one row of each device in one of the forms.
fn send(server: &Server, account: &Account, form: &str, devices: &[&str]) -> Reply {
    let json = |query: &str, body: &Value| {
        server.call(&format!("POST /v1/imports{query}"), &account.token, body)
    };
    let project = account.project;
    match form {
        "series" => json(
            "",
            &json!({"project_id": project, "device_id": devices[0],
            "sources": [{"name": "a", "data": [{"time": 1, "value": 1}]}]}),
        ),
        "table" => json(
            "?fmt=table",
            &json!({"project_id": project, "device_id": devices[0],
            "sources": {"fields": ["time", "a"], "data": [[1, 1]]}}),
        ),
        "namespace column" => {
            let rows: Vec<_> = devices.iter().map(|device| json!([1, device, 1])).collect();
            json(
                "?fmt=table",
                &json!({"namespace": "input",
                "data": {"fields": ["time", "device_id", "a"], "values": rows}}),
            )
        }
        "namespace label" => json(
            "?fmt=table",
            &json!({"namespace": "by-device",
            "labels": {"device_id": devices[0]}, "data": {"fields": ["time", "a"], "values": [[1, 1]]}}),
        ),
        _ => {
            let namespace = if form == "batch" { "input" } else { "by-device" };
            let texts = devices.iter().copied().collect::<Texts>();
            let columns = vec![
                Column::new("device_id".parse().expect("a name"), Values::String(texts), None),
                Column::new(
                    "a".parse().expect("a name"),
                    Values::Double(vec![1.0; devices.len()]),
                    None,
                ),
            ];
            let columns = columns.into_iter().collect::<Result<_, _>>().expect("sound");
            let times = vec![1; devices.len()];
            let batch =
                Batch::new(namespace.parse().expect("a name"), times, columns).expect("sound");
            let bearer = format!("Bearer {}", account.token);
            let headers = [
                ("authorization", bearer.as_str()),
                ("content-type", "application/vnd.iobeam.batch"),
            ];
            server.send("POST /v1/imports", &headers, &encode(&batch, None, Compression::None))
        }
    }
}

fn world() -> (Server, Account) {
    let server = Server::start();
    let account = server.account_with_device();
    for (name, partition) in [("by-device", "device_id"), ("by-room", "room")] {
        let body = json!({"project_id": account.project, "namespace_name": name,
            "partitioning_field": partition, "fields": {"a": "DOUBLE", "device_id": "STRING"}});
        let made = server.call("POST /v1/namespaces", &account.token, &body);
        assert_eq!(made.status, 201, "{}", made.text());
    }
    (server, account)
}

fn count(server: &Server, account: &Account, namespace: &str) -> u64 {
    let body = json!({"query": format!("SELECT count(*) FROM \"{namespace}\"")});
    let reply = server.call("POST /v1/sql", &account.token, &body).json();
    reply["result"][0]["values"][0][0].as_u64().expect("a count")
}

#[test]
fn an_unregistered_device_is_404_in_every_form_and_nothing_of_the_request_is_stored() {
    let (server, account) = world();
    for form in FORMS {
        let devices: &[&str] = if form.contains("column") || form.contains("batch") {
            &["d", "ghost"]
        } else {
            &["ghost"]
        };
        let reply = send(&server, &account, form, devices);
        assert_eq!((reply.status, reply.code()), (404, 32), "{form}: {}", reply.text());
        assert!(reply.text().contains("ghost"), "{form}: {}", reply.text());
        assert_eq!(
            count(&server, &account, "input") + count(&server, &account, "by-device"),
            0,
            "{form}"
        );
        let devices = server.get("/v1/devices", &account.token).json();
        assert_eq!(devices["devices"].as_array().map(Vec::len), Some(1), "{form}: only d");
    }
    // Where rows do not belong to devices, device_id is a field as any other.
    let body = json!({"namespace": "by-room", "labels": {"device_id": "ghost"},
                      "data": {"fields": ["time", "a"], "values": [[1, 1]]}});
    let reply = server.call("POST /v1/imports?fmt=table", &account.token, &body);
    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[test]
fn where_the_project_registers_by_itself_each_form_registers_and_lists_show_it() {
    let (server, account) = world();
    let path = format!("PATCH /v1/projects/{}", account.project);
    let on = server.call(&path, &account.user, &json!({"auto_register": true}));
    assert_eq!(on.status, 200, "{}", on.text());
    for (at, form) in FORMS.into_iter().enumerate() {
        let name = format!("new-{at}");
        let reply = send(&server, &account, form, &[&name]);
        assert_eq!(reply.status, 200, "{form}: {}", reply.text());
        assert_eq!(
            server.get(&format!("/v1/devices/{name}"), &account.token).status,
            200,
            "{form}"
        );
        let found = server.get(&format!("/v1/devices/{name}/latest"), &account.token);
        assert_eq!(found.status, 200, "{form}");
    }
    let bad = send(&server, &account, "namespace column", &["d", "no device"]);
    assert_eq!(bad.status, 400, "an id that cannot be one is refused: {}", bad.text());
}
