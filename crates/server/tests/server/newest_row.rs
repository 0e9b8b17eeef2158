//! Of rows of equal time the newest is the one that was acknowledged last, whichever endpoint is asked.

use serde_json::{Value, json};

use crate::running::{Account, Server};

/// When all rows are.
const TIME: i64 = 1_767_225_600_000;

fn import(server: &Server, account: &Account, values: &[i64]) {
    let rows: Vec<Value> = values.iter().map(|value| json!([TIME, *value as f64])).collect();
    let body = json!({"project_id": account.project, "device_id": "d",
                      "sources": {"fields": ["time", "c"], "data": rows}});
    let reply = server.call("POST /v1/imports?fmt=table", &account.token, &body);
    assert_eq!(reply.status, 200, "{}", reply.text());
}

/// The values of a column of an answer.
fn column(reply: &Value, at: usize) -> Vec<f64> {
    let rows = reply["result"][0]["values"].as_array().cloned().unwrap_or_default();
    rows.iter().map(|row| row[at].as_f64().expect("a number")).collect()
}

/// Every way to ask for the newest row, and for the oldest, of rows whose values are in the order of arrival.
fn check(server: &Server, account: &Account, arrived: &[i64]) {
    let arrived: Vec<f64> = arrived.iter().map(|value| *value as f64).collect();
    let newest_first: Vec<f64> = arrived.iter().rev().copied().collect();
    let (first, last) = (arrived[0], newest_first[0]);
    for (query, most) in [
        ("", usize::MAX),
        ("?limit=1", 1),
        ("?limit=2", 2),
        ("?where=eq(device_id,d)&limit=1", 1),
        ("?where=eq(device_id,d)&limit=2", 2),
        ("?where=eq(device_id,d)", usize::MAX),
        ("?limit_by=device_id,1", 1),
        ("?limit_by=device_id,2", 2),
    ] {
        let reply = server.get(&format!("/v1/data/input/c{query}"), &account.token).json();
        let expected = &newest_first[..most.min(newest_first.len())];
        assert_eq!(column(&reply, 1), expected, "data {query}: {reply}");
    }
    for (query, expected) in [
        ("SELECT c FROM input ORDER BY time DESC LIMIT 1", vec![last]),
        ("SELECT c FROM input ORDER BY time LIMIT 1", vec![first]),
        ("SELECT c FROM input ORDER BY time", arrived.clone()),
        ("SELECT c FROM input ORDER BY time DESC", newest_first.clone()),
        ("SELECT c FROM input WHERE device_id = 'd' ORDER BY time DESC LIMIT 1", vec![last]),
        ("SELECT c FROM input ORDER BY device_id, time DESC LIMIT 1", vec![last]),
        (
            "WITH r AS (SELECT c, time FROM input) SELECT c FROM r ORDER BY time DESC LIMIT 1",
            vec![last],
        ),
        ("SELECT last(c, time) FROM input", vec![last]),
        ("SELECT first(c, time) FROM input", vec![first]),
        ("SELECT last(c, time) FROM input GROUP BY device_id", vec![last]),
        ("SELECT last_value(c ORDER BY time) FROM input", vec![last]),
        ("SELECT DISTINCT ON (device_id) c FROM input ORDER BY device_id, time DESC", vec![last]),
    ] {
        let reply = server.call("POST /v1/sql", &account.token, &json!({ "query": query })).json();
        assert_eq!(column(&reply, 0), expected, "{query}: {reply}");
    }
    let latest = server.get("/v1/devices/d/latest", &account.token).json();
    assert_eq!(latest["values"][0]["value"].as_f64(), Some(last), "{latest}");
    for (operator, expected) in [("last", last), ("first", first)] {
        let asked = json!({"fields": ["c"], "operator": operator, "bucket": "all"});
        let reply = server.call("POST /v1/query", &account.token, &asked).json();
        assert_eq!(reply["series"][0]["values"][0].as_f64(), Some(expected), "{operator}: {reply}");
    }
    let export = format!("/v1/exports/{}/d/c?limit=1", account.project);
    let reply = server.get(&export, &account.token).json();
    let points = &reply["result"][0]["data"];
    assert_eq!(points.as_array().map(Vec::len), Some(1), "{export}: {reply}");
    assert_eq!(points[0]["value"].as_f64(), Some(last), "{export}: {reply}");
}

#[test]
fn the_newest_of_equal_times_is_the_row_that_was_acknowledged_last_on_every_endpoint() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut server = Server::on(&data, &[]);
    let account = server.account_with_device();
    let mut arrived = Vec::new();
    // A clean stop moves the rows into a file.
    for round in 0..3 {
        for values in [vec![10 * round + 3], vec![10 * round + 1, 10 * round + 2]] {
            import(&server, &account, &values);
            arrived.extend(values);
            check(&server, &account, &arrived);
        }
        server.stop().expect("a clean stop");
        server = Server::on(&data, &[]);
        check(&server, &account, &arrived);
    }
}
