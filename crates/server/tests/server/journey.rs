//! A reading comes in and goes out, in every form.

use iobeam_model::{Batch, BatchId, Column, NamespaceName, Texts, Values};
use iobeam_wire::batch::{Compression, encode};
use serde_json::{Value, json};

use crate::running::{Account, Server};

fn table(project: u64, rows: &Value) -> Value {
    json!({"project_id": project, "device_id": "d", "timefmt": "usec",
           "sources": {"fields": ["time", "temperature", "note", "ok"], "data": rows}})
}

fn values(server: &Server, account: &Account, path: &str) -> Value {
    let reply = server.get(path, &account.token);
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["result"][0]["values"].clone()
}

#[test]
fn a_table_comes_back_from_data_exports_and_sql() {
    let server = Server::start();
    let account = server.account_with_device();
    let rows = json!([
        [1_427_316_488_000_001_i64, 22.5, "x", true],
        [1_427_316_489_000_002_i64, 21, null, null]
    ]);
    let reply =
        server.call("POST /v1/imports/?fmt=table", &account.token, &table(account.project, &rows));
    assert_eq!((reply.status, reply.text().as_str()), (200, r#"{"stored":2,"durable":"disk"}"#));

    let found = values(&server, &account, "/v1/data/input/?timefmt=usec&limit=10");
    let expected = json!([
        [1_427_316_489_000_002_i64, "d", null, null, 21.0],
        [1_427_316_488_000_001_i64, "d", "x", true, 22.5]
    ]);
    assert_eq!(found, expected);
    let one = values(&server, &account, "/v1/data/input/note");
    assert_eq!(one, json!([[1_427_316_488_000_i64, "x"]]));
    let csv = server.get("/v1/data/input/temperature?output=csv", &account.token);
    assert_eq!(csv.header("content-type"), Some("text/plain"));
    assert!(
        csv.text().starts_with("time,input.temperature\n1427316489000,21.0\n"),
        "{}",
        csv.text()
    );

    let export = format!("/v1/exports/{}/d/temperature?timefmt=usec", account.project);
    let export = server.get(&export, &account.token).json();
    let series = &export["result"][0];
    assert_eq!((&series["device_id"], &series["name"]), (&json!("d"), &json!("temperature")));
    assert_eq!(series["data"].as_array().map(Vec::len), Some(2));

    let query = json!({"query": "SELECT count(*) AS n, avg(temperature) AS mean FROM input WHERE device_id = $1",
                       "params": ["d"]});
    let sql = server.call("POST /v1/sql", &account.token, &query);
    assert_eq!(sql.status, 200, "{}", sql.text());
    assert_eq!(sql.json()["result"][0]["values"], json!([[2, 21.75]]));
    for (format, begin) in
        [("csv", &b"n,mean"[..]), ("arrow", b"\xff\xff\xff\xff"), ("parquet", b"PAR1")]
    {
        let reply = server.call(&format!("POST /v1/sql?format={format}"), &account.token, &query);
        assert!(reply.body.starts_with(begin), "{format}: {}", reply.text());
    }
}

#[test]
fn series_and_namespace_tables_come_in_too() {
    let server = Server::start();
    let account = server.account_with_device();
    let series = json!({"project_id": account.project, "device_id": "d", "sources": [
        {"name": "a", "data": [{"time": 1, "value": 1}, {"time": 2, "value": 2.5}]},
        {"name": "b", "data": [{"time": 3, "value": "text"}]}]});
    assert_eq!(server.call("POST /v1/imports", &account.token, &series).json()["stored"], 3);
    let labelled = json!({"project_id": account.project, "namespace": "input",
        "data": {"fields": ["a", "time"], "values": [[7, 4]]},
        "labels": {"device_id": "d", "n": 3}});
    let reply = server.call("POST /v1/imports?fmt=table", &account.token, &labelled);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let found = values(&server, &account, "/v1/data/input/a");
    assert_eq!(found, json!([[4, 7.0], [2, 2.5], [1, 1.0]]));
}

#[test]
fn an_identical_body_is_the_repeat_that_it_is_even_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut server = Server::on(&data, &[]);
    let account = server.account_with_device();
    let body = table(account.project, &json!([[1, 1.5, null, null]]));
    let import =
        |server: &Server| server.call("POST /v1/imports?fmt=table", &account.token, &body).text();
    assert_eq!(import(&server), r#"{"stored":1,"durable":"disk"}"#);
    assert_eq!(import(&server), r#"{"stored":1,"durable":"disk","repeat":true}"#);
    server.stop().expect("a good end");
    let server = Server::on(&data, &[]);
    assert_eq!(import(&server), r#"{"stored":1,"durable":"disk","repeat":true}"#);
    assert_eq!(
        values(&server, &account, "/v1/data/input/temperature").as_array().map(Vec::len),
        Some(1)
    );
}

fn batch(device: &str, counter: u64) -> Vec<u8> {
    let column = |name: &str, values| {
        Column::new(name.parse().expect("a name"), values, None).expect("a column")
    };
    let batch = Batch::new(
        NamespaceName::input(),
        vec![1_000_000, 2_000_000],
        vec![
            column("device_id", Values::String(Texts::constant(device, 2))),
            column("count", Values::Long(vec![1, 2])),
        ],
    );
    let id = BatchId { stream: [7; 16], counter };
    encode(&batch.expect("a batch"), Some(id), Compression::Zstd)
}

#[test]
fn binary_batches_are_counted_once_each() {
    let server = Server::start();
    let account = server.account_with_device();
    let bearer = format!("Bearer {}", account.token);
    let headers =
        [("authorization", bearer.as_str()), ("content-type", "application/vnd.iobeam.batch")];
    let two = [batch("d", 1), batch("d", 2)].concat();
    let first = server.send("POST /v1/imports", &headers, &two);
    assert_eq!(first.text(), r#"{"stored":4,"durable":"disk"}"#);
    let again = server.send("POST /v1/imports", &headers, &batch("d", 2));
    assert_eq!(again.text(), r#"{"stored":2,"durable":"disk","repeat":true}"#);
    // A number of a field that came into being by itself is a DOUBLE, also when the batch says LONG.
    let found = values(&server, &account, "/v1/data/input/count");
    assert_eq!(found, json!([[2000, 2.0], [2000, 2.0], [1000, 1.0], [1000, 1.0]]));
    let stranger = server.send("POST /v1/imports", &headers, &batch("e", 3));
    assert_eq!((stranger.status, stranger.code()), (404, 32));
    let torn = server.send("POST /v1/imports", &headers, &batch("d", 4)[..40]);
    assert_eq!(torn.status, 400, "{}", torn.text());
}

#[test]
fn a_project_can_register_devices_by_itself() {
    let server = Server::start();
    let account = server.account();
    let body = table(account.project, &json!([[1, 1.5, null, null]]));
    let import = || server.call("POST /v1/imports?fmt=table", &account.token, &body);
    let refused = import();
    assert_eq!((refused.status, refused.code()), (404, 32));
    let switch = format!("PATCH /v1/projects/{}", account.project);
    let switched = server.call(&switch, &account.user, &json!({"auto_register": true}));
    assert_eq!(switched.status, 200, "{}", switched.text());
    assert_eq!(import().status, 200);
    assert_eq!(server.get("/v1/devices/d", &account.token).json()["device_id"], "d");
}

#[test]
fn a_bound_token_writes_as_its_device_only() {
    let server = Server::start();
    let account = server.account_with_device();
    let other = json!({"project_id": account.project, "device_id": "e"});
    assert_eq!(server.call("POST /v1/devices", &account.token, &other).status, 201);
    let issue = format!("/v1/tokens/project?project_id={}&write=true&device_id=e", account.project);
    let bound = server.get(&issue, &account.user).json()["token"].as_str().expect("one").to_owned();
    let series = |device: &str| {
        json!({"project_id": account.project, "device_id": device,
               "sources": [{"name": "a", "data": [{"time": 1, "value": 1}]}]})
    };
    assert_eq!(server.call("POST /v1/imports", &bound, &series("d")).status, 403);
    assert_eq!(server.call("POST /v1/imports", &bound, &series("e")).status, 200);
    let labelled = |labels: Value| {
        let body = json!({"data": {"fields": ["time", "a"], "values": [[1, 1]]}, "labels": labels});
        server.call("POST /v1/imports?fmt=table", &bound, &body).status
    };
    assert_eq!(labelled(json!({"device_id": "d"})), 403);
    assert_eq!(labelled(json!({})), 403);
    assert_eq!(labelled(json!({"device_id": "e"})), 200);
}

#[test]
fn a_large_answer_goes_through_a_file_and_has_its_exact_length() {
    let server = Server::with(&[("response-buffer-size", "2KiB")]);
    let account = server.account_with_device();
    let rows: Vec<Value> =
        (0..5000).map(|row| json!([row, f64::from(row) / 2.0, "x", true])).collect();
    let reply = server.call(
        "POST /v1/imports?fmt=table",
        &account.token,
        &table(account.project, &json!(rows)),
    );
    assert_eq!(reply.json()["stored"], 5000);
    let reply = server.get("/v1/data/input/all?limit=5000", &account.token);
    assert_eq!(reply.header("content-length"), Some(reply.body.len().to_string().as_str()));
    assert_eq!(reply.header("transfer-encoding"), None);
    assert_eq!(reply.json()["result"][0]["values"].as_array().map(Vec::len), Some(5000));
    let query = json!({"query": "SELECT * FROM input"});
    let streamed = server.call("POST /v1/sql?format=csv", &account.token, &query);
    assert_eq!(streamed.header("transfer-encoding"), Some("chunked"));
    let left = std::fs::read_dir(server.data()).expect("a folder").count();
    assert!(left < 20, "no files are left behind");
}

#[test]
fn figures_and_health_are_told() {
    let server = Server::start();
    let account = server.account_with_device();
    let body = table(account.project, &json!([[1, 1.5, null, null]]));
    assert_eq!(server.call("POST /v1/imports?fmt=table", &account.token, &body).status, 200);
    for path in ["/health", "/ready", "/v1/ping", "/v1/ping/"] {
        assert_eq!(server.get(path, "").status, 200, "{path}");
    }
    assert_eq!(
        server.call("POST /v1/sql", &account.token, &json!({"query": "SELECT 1"})).status,
        200
    );
    let figures = server.get("/metrics", "").text();
    for line in [
        "iobeam_imports_total 1",
        "iobeam_query_duration_seconds_count{endpoint=\"sql\"} 1",
        "iobeam_http_request_duration_seconds_count",
        "iobeam_job_duration_seconds_count{job=\"readiness\"}",
        "iobeam_dedup_bodies",
        "iobeam_import_rows_total 1",
        "iobeam_store_sync_seconds_count",
        "iobeam_store_queued 0",
        "iobeam_requests_total{method=\"POST\",status=\"200\"}",
    ] {
        assert!(figures.contains(line), "{line} in {figures}");
    }
}

#[test]
fn an_answer_beyond_the_limit_is_refused_and_sql_streams_it() {
    let server = Server::with(&[("response-buffer-size", "2KiB"), ("max-response-size", "1MiB")]);
    let account = server.account_with_device();
    let rows: Vec<Value> =
        (0..30_000).map(|row| json!([row, 0.5, "a text of some length", true])).collect();
    let body = table(account.project, &json!(rows));
    assert_eq!(server.call("POST /v1/imports?fmt=table", &account.token, &body).status, 200);
    let refused = server.get("/v1/data/input?limit=30000", &account.token);
    assert_eq!((refused.status, refused.code()), (400, 42), "{}", refused.text());
    let query = json!({"query": "SELECT * FROM input"});
    let streamed = server.call("POST /v1/sql?format=csv", &account.token, &query);
    assert!(streamed.body.len() > 1 << 20);
}
