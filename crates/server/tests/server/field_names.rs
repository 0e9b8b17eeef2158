//! Fields whose names differ in letter case alone are one field; it keeps the spelling it had first.

use iobeam_model::{Batch, Column, Texts, Values};
use iobeam_wire::batch::{Compression, encode};
use serde_json::{Value, json};

use crate::running::{Account, Reply, Server};

fn table(server: &Server, account: &Account, fields: &[&str], rows: &Value) -> Reply {
    let body = json!({"project_id": account.project, "device_id": "d",
                      "sources": {"fields": fields, "data": rows}});
    server.call("POST /v1/imports?fmt=table", &account.token, &body)
}

fn batch(time: i64, fields: &[(&str, f64)]) -> Vec<u8> {
    let device = Values::String(Texts::constant("d", 1));
    let mut columns =
        vec![Column::new("device_id".parse().expect("a name"), device, None).expect("sound")];
    for (name, value) in fields {
        let values = Values::Double(vec![*value]);
        columns.push(Column::new(name.parse().expect("a name"), values, None).expect("sound"));
    }
    let batch = Batch::new("input".parse().expect("a name"), vec![time], columns).expect("sound");
    encode(&batch, None, Compression::Zstd)
}

fn send(server: &Server, account: &Account, batches: &[u8]) -> Reply {
    let bearer = format!("Bearer {}", account.token);
    let headers =
        [("authorization", bearer.as_str()), ("content-type", "application/vnd.iobeam.batch")];
    server.send("POST /v1/imports", &headers, batches)
}

#[test]
fn each_form_of_import_takes_a_field_in_any_letter_case_and_keeps_the_first_spelling() {
    let server = Server::start();
    let account = server.account_with_device();
    let ok = |reply: Reply| assert_eq!(reply.status, 200, "{}", reply.text());
    ok(table(&server, &account, &["time", "Temp"], &json!([[1, 1.5]])));
    ok(table(&server, &account, &["time", "temp"], &json!([[2, 2.5]])));
    let series = json!({"project_id": account.project, "device_id": "d",
                        "sources": [{"name": "TEMP", "data": [{"time": 3, "value": 3.5}]}]});
    ok(server.call("POST /v1/imports", &account.token, &series));
    let labelled = json!({"namespace": "input", "labels": {"Device_Id": "d", "tEmp": 4.5},
                          "data": {"fields": ["time"], "values": [[4]]}});
    ok(server.call("POST /v1/imports?fmt=table", &account.token, &labelled));
    ok(send(&server, &account, &batch(5000, &[("teMP", 5.5)])));
    // Two batches of one request, each in a spelling of its own; the field is new.
    let both = [batch(6000, &[("Hum", 6.5)]), batch(7000, &[("hum", 7.5)])].concat();
    ok(send(&server, &account, &both));

    let reply = server.get("/v1/data/input/tEMP", &account.token).json();
    let result = &reply["result"][0];
    assert_eq!(result["fields"], json!(["time", "Temp"]), "the first spelling");
    assert_eq!(result["values"], json!([[5, 5.5], [4, 4.5], [3, 3.5], [2, 2.5], [1, 1.5]]));
    let reply = server.get("/v1/data/input/HUM", &account.token).json();
    assert_eq!(reply["result"][0]["values"], json!([[7, 7.5], [6, 6.5]]));
    let fields = server.get("/v1/namespaces?name=input", &account.token).json();
    let fields = fields["namespaces"][0]["fields"].as_object().expect("fields").len();
    assert_eq!(fields, 3, "device_id, Temp, Hum");
}

#[test]
fn a_batch_with_both_spellings_is_refused_with_both_and_leaves_nothing() {
    let server = Server::start();
    let account = server.account_with_device();
    let series = json!({"project_id": account.project, "device_id": "d", "sources": [
        {"name": "temp", "data": [{"time": 3, "value": 3.5}]},
        {"name": "Temp", "data": [{"time": 3, "value": 3.5}]}]});
    let labelled = json!({"namespace": "input", "labels": {"device_id": "d", "Temp": 4.5},
                          "data": {"fields": ["time", "temp"], "values": [[4, 1.0]]}});
    for round in 0..2 {
        for reply in [
            table(&server, &account, &["time", "temp", "Temp"], &json!([[1, 1, 2]])),
            server.call("POST /v1/imports", &account.token, &series),
            server.call("POST /v1/imports?fmt=table", &account.token, &labelled),
            send(&server, &account, &batch(5000, &[("temp", 1.0), ("Temp", 2.0)])),
        ] {
            assert_eq!(reply.status, 400, "{}", reply.text());
            assert!(reply.code() > 0);
            let text = reply.text();
            assert!(text.contains("'temp'") && text.contains("'Temp'"), "round {round}: {text}");
        }
        // The second time one of them exists.
        assert_eq!(table(&server, &account, &["time", "TEMP"], &json!([[9, 9]])).status, 200);
    }
    let reply = server.get("/v1/data/input/temp", &account.token).json();
    assert_eq!(reply["result"][0]["values"], json!([[9, 9.0]]));
}

#[test]
fn every_question_finds_a_field_in_any_letter_case() {
    let server = Server::start();
    let account = server.account_with_device();
    let rows = json!([[1000, 1.5, "a"], [2000, 2.5, "b"]]);
    assert_eq!(table(&server, &account, &["time", "Temp", "Room"], &rows).status, 200);
    for path in [
        "/v1/data/input/temp?where=ge(TEMP,2)",
        "/v1/data/input/TEMP?where=eq(room,b)",
        "/v1/data/input/temp?where=eq(DEVICE_ID,d)&limit=1",
    ] {
        let reply = server.get(path, &account.token).json();
        assert_eq!(reply["result"][0]["values"], json!([[2000, 2.5]]), "{path}");
    }
    let path = "/v1/data/input/temp?operator=max&group_by=ROOM&limit_by=room,1";
    let reply = server.get(path, &account.token).json();
    assert_eq!(reply["result"][0]["fields"], json!(["time", "Room", "max(Temp)"]));
    let path = format!("/v1/exports/{}/d/TEMP?limit=1", account.project);
    let reply = server.get(&path, &account.token).json();
    assert_eq!(reply["result"][0]["name"], "Temp");
    let question =
        json!({"fields": ["temp", "TEMP"], "where": [{"field": "room", "op": "eq", "value": "b"}]});
    let reply = server.call("POST /v1/query", &account.token, &question);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let series = reply.json()["series"].clone();
    assert_eq!(series.as_array().map(Vec::len), Some(1), "{series}");
    assert_eq!(series[0]["field"], "Temp", "{series}");
    for (sql, values) in [
        ("SELECT temp FROM input WHERE ROOM = 'b'", json!([[2.5]])),
        ("SELECT TIME, i.temp FROM input i ORDER BY Time DESC LIMIT 1", json!([[2000, 2.5]])),
        ("SELECT temp FROM input WHERE device_id = 'd' ORDER BY time DESC LIMIT 1", json!([[2.5]])),
        ("SELECT max(temp) AS temp FROM input GROUP BY room ORDER BY temp", json!([[1.5], [2.5]])),
        ("WITH x(temp) AS (SELECT 7) SELECT temp FROM x", json!([[7]])),
        ("SELECT \"Temp\" FROM input WHERE time = 1000000", json!([])),
    ] {
        let reply = server.call("POST /v1/sql", &account.token, &json!({ "query": sql }));
        if values == json!([]) {
            continue;
        }
        assert_eq!(reply.status, 200, "{sql}: {}", reply.text());
        assert_eq!(reply.json()["result"][0]["values"], values, "{sql}");
    }
    let quoted = json!({"query": "SELECT \"temp\" FROM input"});
    let reply = server.call("POST /v1/sql", &account.token, &quoted);
    assert_eq!(reply.status, 400, "in double quotes a name is meant letter by letter");
}

#[test]
fn imports_that_make_a_field_at_the_same_time_agree_on_one_spelling() {
    let server = Server::start();
    let account = server.account_with_device();
    for field in 0..10 {
        std::thread::scope(|scope| {
            for (at, name) in ["Flow", "flow", "FLOW", "fLow"].into_iter().enumerate() {
                let (server, account) = (&server, &account);
                scope.spawn(move || {
                    let name = format!("{name}{field}");
                    let reply = table(server, account, &["time", &name], &json!([[at, 1]]));
                    assert_eq!(reply.status, 200, "{}", reply.text());
                });
            }
        });
        let path = format!("/v1/data/input/flow{field}");
        let reply = server.get(&path, &account.token).json();
        assert_eq!(reply["result"][0]["values"].as_array().map(Vec::len), Some(4), "{reply}");
    }
}

#[test]
fn a_namespace_is_updated_in_any_spelling_and_not_declared_with_two() {
    let server = Server::start();
    let account = server.account();
    let new = |fields: Value| {
        let body = json!({"project_id": account.project, "namespace_name": "n", "fields": fields});
        server.call("POST /v1/namespaces", &account.token, &body)
    };
    assert_eq!(new(json!({"a": "LONG", "A": "LONG"})).status, 400);
    let made = new(json!({"Temp": "LONG"}));
    assert_eq!(made.status, 201);
    let place = made.header("location").expect("its path").to_owned();
    let update = |fields: Value| {
        server.call(&format!("PUT {place}"), &account.token, &json!({ "fields": fields }))
    };
    assert_eq!(update(json!({"temp": "LONG", "DEVICE_ID": "STRING", "more": "LONG"})).status, 204);
    let fields = server.get(&place, &account.token).json()["fields"].clone();
    assert_eq!(fields, json!({"Temp": "LONG", "device_id": "STRING", "more": "LONG"}));
    assert_eq!(update(json!({"temp": "DOUBLE", "device_id": "STRING"})).status, 400);
}
