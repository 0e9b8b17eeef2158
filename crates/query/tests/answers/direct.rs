//! What is answered without the engine, or from the last rows alone, is what a look at all rows finds.

use std::collections::BTreeSet;

use futures::FutureExt;
use iobeam_model::{TimeFormat, Value};
use iobeam_query::{DataRequest, Output};
use proptest::prelude::*;
use serde_json::Value as Json;

use crate::model;
use crate::properties::{row, same};
use crate::world::{NOW, Row, World, text};

type Params = Vec<(String, String)>;

/// Questions for the newest rows of one device, and for the last row of each.
fn params() -> impl Strategy<Value = (Option<&'static str>, Params)> {
    let fields = vec!["device_id", "temperature", "note"];
    let field = prop::option::weighted(0.4, prop::sample::select(fields));
    let which = prop_oneof![
        Just(("limit_by", "device_id,1")),
        prop::sample::select(vec![
            ("where", "eq(device_id,a)"),
            ("where", "eq(device_id,b)"),
            ("where", "eq(device_id,dé)"),
            ("where", "eq(device_id,nobody)"),
        ]),
    ];
    let limits = vec!["1", "2", "3", "10", "999"];
    let limit = prop::option::weighted(0.8, prop::sample::select(limits));
    let times =
        vec!["1699999999999,1700000700000", ",1700000000000", "0", "1700000070000,1700000070000"];
    let time = prop::option::weighted(0.4, prop::sample::select(times));
    let operators = vec!["sum", "count", "min", "max", "mean"];
    let operator = prop::option::weighted(0.3, prop::sample::select(operators));
    let width = prop::sample::select(vec!["time(1m)", "time(1h)", "time(7d)"]);
    let periods = prop::option::weighted(0.3, prop::sample::select(vec!["1", "2"]));
    let figures = (operator, width, periods);
    (field, which, limit, time, figures).prop_map(|(field, (name, value), limit, time, figures)| {
        let mut params = vec![(name.to_owned(), value.to_owned())];
        params.extend(limit.map(|limit| ("limit".to_owned(), limit.to_owned())));
        params.extend(time.map(|time| ("time".to_owned(), time.to_owned())));
        // Figures of texts are refused but for their count.
        let fits = |operator: &str| operator == "count" || field == Some("temperature");
        if let (Some(operator), width, periods) = figures
            && name == "where"
            && fits(operator)
        {
            params.push(("operator".to_owned(), operator.to_owned()));
            params.push(("group_by".to_owned(), width.to_owned()));
            params.extend(periods.map(|most| ("limit_periods".to_owned(), most.to_owned())));
        }
        (field, params)
    })
}

#[derive(Clone, Debug)]
struct Case {
    /// Batches, and whether everything is flushed after each.
    batches: Vec<(Vec<Row>, bool)>,
    questions: Vec<(Option<&'static str>, Params)>,
    /// Which of the ways to ask for some of the rows in SQL.
    some: usize,
    /// Bytes for rows that were asked for lately.
    kept: u64,
}

fn case() -> impl Strategy<Value = Case> {
    let rows = prop::collection::vec(row(), 1..40);
    let batches = prop::collection::vec((rows, prop::bool::weighted(0.5)), 1..7);
    let kept = prop::sample::select(vec![0, 4096, 1 << 20]);
    let flags = (any::<bool>(), any::<bool>());
    (batches, flags, prop::collection::vec(params(), 8), 0_usize..5, kept).prop_map(
        |(mut batches, (named, noted), questions, some, kept)| {
            for row in batches.iter_mut().flat_map(|(rows, _)| rows).filter(|_| named) {
                if row.value("device_id").is_none() {
                    row.values.push(("device_id", Value::String("b".into())));
                }
            }
            // A note that says the same in all rows of a device; one device has none.
            for row in batches.iter_mut().flat_map(|(rows, _)| rows).filter(|_| noted) {
                row.values.retain(|(field, _)| *field != "note");
                if let Some(device) = device(row).filter(|device| *device != "a") {
                    let note = if device == "b" { "b's and c's".into() } else { device.into() };
                    row.values.push(("note", Value::String(note)));
                }
            }
            Case { batches, questions, some, kept }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_newest_rows_are_those_that_a_look_at_all_rows_finds(case in case()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(check(case))?;
    }
}

async fn check(case: Case) -> Result<(), TestCaseError> {
    let world = World::of_small_files(case.kept);
    let mut rows = Vec::new();
    for (batch, flush) in case.batches {
        world.add(&batch).await;
        rows.extend(batch);
        if flush {
            world.flush().await;
        }
    }
    let table = world.table();
    // The second time rows are at hand.
    for (field, params) in case.questions.iter().chain(&case.questions) {
        let request = DataRequest::parse(*field, params, NOW).expect("a sound request");
        let answer = world.engine.data(&table, request.clone()).await.expect("an answer");
        let json = text(answer, Output::Json, TimeFormat::Usec).await;
        same(&json, &model::data(&rows, &request), &format!("{field:?} {params:?}"))?;
    }
    for limit in ["1", "4"] {
        let query =
            format!("SELECT * FROM input WHERE device_id = 'a' ORDER BY time DESC LIMIT {limit}");
        let params = [("where", "eq(device_id,a)"), ("limit", limit)];
        let request = crate::world::data_request(None, &params).expect("a sound request");
        same(&world.sql_text(&query).await, &model::data(&rows, &request), &query)?;
    }
    let count: Json =
        serde_json::from_str(&world.sql_text("SELECT count(*) FROM input").await).expect("JSON");
    prop_assert_eq!(count["result"][0]["values"][0][0].as_u64(), Some(rows.len() as u64));
    for _ in 0..2 {
        check_few(&world).await?;
    }
    check_last(&world, &rows, case.some).await
}

/// What is asked of a few devices by their names, and what is asked so that all rows are looked at.
async fn check_few(world: &World) -> Result<(), TestCaseError> {
    let queries = [
        "SELECT date_bin(INTERVAL '1 minute', time) AS bucket, avg(temperature) AS mean, count(*) AS rows FROM input WHERE {} GROUP BY bucket ORDER BY bucket",
        "SELECT max(count) AS a, time_bucket(INTERVAL '1 hour', time) AS b, min(temperature) AS c, sum(count) AS d, count(note) AS e FROM input WHERE {} AND time >= '2023-11-14T22:13:20Z' AND time < TIMESTAMP '2023-11-14 22:30:00' GROUP BY 2 ORDER BY 2 DESC LIMIT 3",
        "SELECT date_bin(INTERVAL '1 month', time) AS time, sum(temperature) AS sum FROM input WHERE {} AND time BETWEEN '2000-01-01' AND '2030-01-01' GROUP BY 1 ORDER BY 1",
        "SELECT device_id, count(*), min(time), max(time), max(note), sum(count) FROM input WHERE time > '2023-11-14T22:13:20Z' AND {} AND count > 0 GROUP BY device_id ORDER BY device_id",
        "SELECT DISTINCT time FROM input WHERE {} ORDER BY time DESC LIMIT 5",
    ];
    let devices = [
        ("device_id = 'a'", "substr(device_id, 1) = 'a'"),
        ("device_id IN ('a', 'dé', 'nobody')", "substr(device_id, 1) IN ('a', 'dé', 'nobody')"),
        ("device_id IN ('c:1')", "substr(device_id, 1) = 'c:1'"),
    ];
    for query in queries {
        for (few, all) in devices {
            let query = query.replace("{}", few);
            let found = world.sql_text(&query).await;
            let expected = world.sql_text(&query.replace(few, all)).await;
            let parsed = |text: &str| {
                serde_json::from_str::<Json>(text)
                    .map_err(|_| TestCaseError::fail(format!("{text} to {query}")))
            };
            are_alike(&parsed(&found)?, &parsed(&expected)?, &query)?;
        }
    }
    Ok(())
}

/// The same but for what depends on the order in which numbers are added.
fn are_alike(found: &Json, expected: &Json, of: &str) -> Result<(), TestCaseError> {
    match (found, expected) {
        (Json::Array(found), Json::Array(expected)) => {
            prop_assert_eq!(
                found.len(),
                expected.len(),
                "{:?} for {:?} to {}",
                found,
                expected,
                of
            );
            found.iter().zip(expected).try_for_each(|(one, other)| are_alike(one, other, of))
        }
        (Json::Object(found), Json::Object(expected)) => {
            prop_assert_eq!(found.len(), expected.len());
            found.iter().try_for_each(|(name, one)| are_alike(one, &expected[name], of))
        }
        (Json::Number(one), Json::Number(other)) if one.is_f64() || other.is_f64() => {
            let (one, other) =
                (one.as_f64().unwrap_or(f64::NAN), other.as_f64().unwrap_or(f64::NAN));
            let is_close = (one - other).abs() <= 1e-9 * other.abs().max(1.0);
            prop_assert!(is_close, "{} for {} to {}", one, other, of);
            Ok(())
        }
        _ => {
            prop_assert_eq!(found, expected, "{}", of);
            Ok(())
        }
    }
}

/// Which rows are asked for.
type Choice = fn(&Row) -> bool;

/// Each way to query the last row in SQL of each device, of all rows or of some.
async fn check_last(world: &World, rows: &[Row], some: usize) -> Result<(), TestCaseError> {
    let choices: [(&str, Choice); 5] = [
        ("", |_| true),
        ("WHERE device_id IN ('a', 'b')", |row| matches!(device(row), Some("a" | "b"))),
        (
            "WHERE count > 0",
            |row| matches!(row.value("count"), Some(Value::Long(count)) if *count > 0),
        ),
        ("WHERE temperature IS NOT NULL AND ok IS NOT NULL", |row| {
            row.value("temperature").is_some() && row.value("ok").is_some()
        }),
        ("WHERE time < '2023-11-15'", |row| row.time < 1_700_006_400_000_000),
    ];
    let ways = [
        "SELECT DISTINCT ON (device_id) device_id, time, temperature AS value FROM input {} ORDER BY device_id, time DESC",
        "SELECT device_id, max(time), last_value(temperature ORDER BY time) FROM input {} GROUP BY device_id",
        "SELECT d, first_value(t ORDER BY t DESC), first_value(v ORDER BY t DESC) FROM (SELECT device_id AS d, time AS t, temperature AS v FROM input {}) GROUP BY d",
        "SELECT device_id, time, temperature FROM (SELECT *, row_number() OVER (PARTITION BY device_id ORDER BY time DESC) AS rn FROM input {}) WHERE rn = 1",
        "WITH r AS (SELECT *, row_number() OVER (PARTITION BY device_id ORDER BY time DESC) AS n FROM input {}) SELECT x.device_id, x.time, x.temperature FROM (SELECT r.* FROM r) AS x WHERE x.n < 2",
    ];
    let (words, is_asked) = choices[some];
    let asked: Vec<&Row> = rows.iter().filter(|row| is_asked(row)).collect();
    for way in ways {
        let query = way.replace("{}", words);
        are_last(&world.sql_text(&query).await, &asked, (false, device), &query)?;
    }
    let query = format!(
        "SELECT device_id, max(time), last(temperature, time) FROM input {words} GROUP BY device_id"
    );
    are_last(&world.sql_text(&query).await, &asked, (true, device), &query)?;
    let by_note = [
        (
            false,
            "SELECT note, max(time), last_value(temperature ORDER BY time) FROM input {} GROUP BY note",
        ),
        (
            true,
            "SELECT n, max(t), last(v, t) FROM (SELECT note AS n, time AS t, temperature AS v FROM input {}) GROUP BY n",
        ),
    ];
    for (passing, way) in by_note {
        let query = way.replace("{}", words);
        are_last(&world.sql_text(&query).await, &asked, (passing, note), &query)?;
    }
    // What is not about last rows alone: each row counts.
    let query = format!("SELECT count(*), max(time) FROM input {words} GROUP BY device_id");
    let reply: Json = serde_json::from_str(&world.sql_text(&query).await).expect("JSON");
    let counted = reply["result"][0]["values"].as_array().into_iter().flatten();
    let counted: u64 = counted.filter_map(|row| row[0].as_u64()).sum();
    prop_assert_eq!(counted, asked.len() as u64, "{}", query);
    Ok(())
}

fn device(row: &Row) -> Option<&str> {
    match row.value("device_id") {
        Some(Value::String(device)) => Some(device),
        _ => None,
    }
}

fn note(row: &Row) -> Option<&str> {
    match row.value("note") {
        Some(Value::String(note)) => Some(note),
        _ => None,
    }
}

/// What rows are grouped by.
type Key = fn(&Row) -> Option<&str>;

/// Whether the reply has each device once, or each of another key, with its greatest time and a value that it has then:
/// the last one that is there when `passing` nulls over.
fn are_last(
    json: &str,
    rows: &[&Row],
    (passing, device): (bool, Key),
    of: &str,
) -> Result<(), TestCaseError> {
    let reply: Json =
        serde_json::from_str(json).map_err(|_| TestCaseError::fail(format!("{json} to {of}")))?;
    let found = reply["result"][0]["values"].as_array().cloned().unwrap_or_default();
    let devices: BTreeSet<_> = rows.iter().map(|row| device(row)).collect();
    prop_assert_eq!(found.len(), devices.len(), "{} to {}", json, of);
    for name in devices {
        let mut of_device: Vec<&Row> =
            rows.iter().filter(|row| device(row) == name).copied().collect();
        let newest = of_device.iter().map(|row| row.time).max();
        if passing {
            of_device.retain(|row| row.value("temperature").is_some());
        }
        let latest = of_device.iter().map(|row| row.time).max();
        let values: Vec<Json> = of_device
            .iter()
            .filter(|row| Some(row.time) == latest)
            .map(|row| match row.value("temperature") {
                Some(Value::Double(value)) => Json::from(*value),
                _ => Json::Null,
            })
            .collect();
        let mine = found.iter().find(|row| row[0].as_str() == name);
        let mine =
            mine.ok_or_else(|| TestCaseError::fail(format!("no {name:?} in {json} to {of}")))?;
        prop_assert_eq!(mine[1].as_i64(), newest, "{:?} in {} to {}", name, json, of);
        let is_its = values.iter().any(|value| value.as_f64() == mine[2].as_f64());
        prop_assert!(
            is_its || values.is_empty() && mine[2].is_null(),
            "{:?} in {} to {}",
            name,
            json,
            of
        );
    }
    Ok(())
}

#[tokio::test]
async fn what_is_at_hand_is_answered_on_the_task_that_asks() {
    type Asked = (Option<&'static str>, Vec<(&'static str, &'static str)>);
    let world = World::new();
    let rows = |device: &'static str| {
        let row = move |at: i64| {
            let values = vec![
                ("device_id", Value::String(device.into())),
                ("temperature", Value::Double(at as f64)),
            ];
            Row::new(1_700_000_000_000_000 + at * 1_000_000, values)
        };
        (0..200).map(row).collect::<Vec<_>>()
    };
    world.add(&rows("a")).await;
    world.add(&rows("b")).await;
    world.flush().await;
    let questions: [Asked; 3] = [
        (None, vec![("where", "eq(device_id,a)"), ("limit", "1")]),
        (None, vec![("where", "eq(device_id,a)"), ("limit", "10")]),
        (
            Some("temperature"),
            vec![("where", "eq(device_id,b)"), ("operator", "mean"), ("group_by", "time(1m)")],
        ),
    ];
    let table = world.table();
    for (field, params) in questions {
        let request = crate::world::data_request(field, &params).expect("a sound request");
        let ask = || world.engine.data(&table, request.clone());
        let first = text(ask().await.expect("an answer"), Output::Json, TimeFormat::Usec).await;
        let again = ask().now_or_never().expect("no other task is waited for");
        let again = text(again.expect("an answer"), Output::Json, TimeFormat::Usec).await;
        assert_eq!(first, again, "{params:?}");
    }
    let many = "SELECT count(*) FROM input";
    let ask = |query| world.sql(query, Vec::new());
    assert!(ask(many).now_or_never().is_some(), "a count looks at no row");
    let planned = "SELECT count(*) + 1 FROM input";
    // Other threads may be so quick that their answer is there at once; not each time.
    let waited = (0..50).any(|_| ask(planned).now_or_never().is_none());
    assert!(waited, "this one needs a plan");
}

#[tokio::test]
async fn the_newest_rows_of_a_device_are_found_in_the_middle_of_large_files() {
    for kept in [200_000, 1 << 24] {
        found_in_large_files(World::with(|settings| settings.row_cache_bytes = kept)).await;
    }
}

async fn found_in_large_files(world: World) {
    let mut rows = Vec::new();
    for step in 0..3_i64 {
        let batch: Vec<Row> = (0..90_000_i64)
            .map(|at| {
                let device = ["a", "b", "dé"][at as usize % 3];
                let values = vec![
                    ("device_id", Value::String(device.into())),
                    ("count", Value::Long(step * 100_000 + at)),
                ];
                Row::new(1_700_000_000_000_000 + step * 45_000 + at / 2, values)
            })
            .collect();
        world.add(&batch).await;
        world.flush().await;
        rows.extend(batch);
    }
    for params in [
        vec![("where", "eq(device_id,b)"), ("limit", "10")],
        vec![("where", "eq(device_id,b)"), ("limit", "10"), ("time", "0,1700000000050")],
        vec![("where", "eq(device_id,b)"), ("time", "1700000000050,1700000000070")],
        vec![("where", "eq(device_id,b)"), ("operator", "max"), ("group_by", "time(10ms)")],
        vec![("limit_by", "device_id,1")],
    ] {
        let request = crate::world::data_request(None, &params).expect("a sound request");
        let json = world.data_text(None, &[&params[..], &[("timefmt", "usec")]].concat()).await;
        let expected = model::data(&rows, &request);
        same(&json, &expected, &format!("{params:?}")).expect("the model's answer");
    }
}
