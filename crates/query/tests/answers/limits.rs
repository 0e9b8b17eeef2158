//! Time, memory and rows have limits; each says its name, and the engine goes on.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use iobeam_model::{Remedy, Value};
use iobeam_query::{Engine, Param, QueryError, Settings};

use crate::world::{Row, World};

/// Runs until something stops it.
const ENDLESS: &str =
    "SELECT count(*) FROM generate_series(1, 9000000000000) a, generate_series(1, 9000000000000) b";

#[tokio::test]
async fn a_query_that_runs_too_long_is_stopped_and_the_setting_named() {
    let world = World::with(|settings| settings.timeout = Duration::from_millis(2500));
    let error = world.sql(ENDLESS, vec![]).await.expect_err("no end");
    assert!(matches!(error, QueryError::Timeout { setting: "query-timeout", .. }), "{error}");
    assert_eq!(error.remedy(), Remedy::FixRequest);
    insta::assert_snapshot!(error, @"the query ran longer than 2.5 s (setting 'query-timeout'); ask for less time or fewer fields, or have the limit raised");
    assert!(world.sql_text("SELECT 1 AS one").await.contains("[1]"));
}

#[tokio::test]
async fn a_query_that_wants_too_much_memory_is_refused_and_the_setting_named() {
    let world = World::with(|settings| settings.memory_bytes = 2 << 20);
    // A list cannot be spilled, so that it ends at once: what spills first takes seconds of a processor, and a
    // query of seconds makes way for every other program of a busy machine, for minutes.
    let query = "SELECT array_agg(value) FROM generate_series(1, 3000000)";
    let error = match world.sql(query, vec![]).await {
        Err(error) => error,
        Ok(answer) => answer.into_rows().try_collect::<Vec<_>>().await.expect_err("too much"),
    };
    assert!(matches!(error, QueryError::Memory { setting: "query-memory", .. }), "{error}");
    assert_eq!(error.remedy(), Remedy::Retry);
}

#[tokio::test]
async fn what_is_kept_for_each_value_counts_as_memory_too() {
    let world = World::with(|settings| settings.memory_bytes = 1 << 20);
    let text = "x".repeat(2000);
    let rows: Vec<Row> = (0..2000)
        .map(|at| {
            let note = Value::String(format!("{at}{text}").into());
            Row::new(at, vec![("device_id", Value::String(format!("{at}").into())), ("note", note)])
        })
        .collect();
    world.add(&rows).await;
    let error = world.data(None, &[("limit_by", "device_id,1")]).await.expect_err("too much");
    assert!(matches!(error, QueryError::Memory { .. }), "{error}");
    let few =
        world.data_text(Some("device_id"), &[("limit_by", "device_id,1"), ("time", "0,0")]).await;
    assert!(few.contains("\"999\""), "{few}");
}

#[tokio::test]
async fn what_tells_rows_of_equal_time_apart_counts_as_memory_too() {
    let world = World::with(|settings| settings.memory_bytes = 1 << 20);
    let rows: Vec<Row> =
        (0..200_000).map(|at| Row::new(at, vec![("count", Value::Long(at))])).collect();
    world.add(&rows).await;
    let few = world.sql_text("SELECT max(count) FROM input").await;
    assert!(few.contains("199999"), "{few}");
    let query = "SELECT first_value(count ORDER BY time) FROM input";
    let error = world.sql(query, vec![]).await.expect_err("too much");
    assert!(matches!(error, QueryError::Memory { .. }), "{error}");
}

#[tokio::test]
async fn an_answer_of_too_many_rows_is_refused_and_the_setting_named() {
    let world = World::with(|settings| settings.max_rows = Some(10));
    let error =
        world.sql("SELECT * FROM generate_series(1, 11)", vec![]).await.expect_err("eleven");
    insta::assert_snapshot!(error, @"the answer has more than 10 rows (setting 'query-max-rows'); add a limit or a narrower time");
    assert!(world.sql("SELECT * FROM generate_series(1, 10)", vec![]).await.is_ok());
}

#[tokio::test]
async fn a_dropped_answer_stops_its_query() {
    let world = World::with(|settings| settings.threads = 1);
    for _ in 0..20 {
        let mut rows = world
            .sql("SELECT a.value FROM generate_series(1, 9000000000) a", vec![])
            .await
            .expect("rows come")
            .into_rows();
        assert!(rows.next().await.is_some());
    }
    // The one thread is free again, or this would wait for ever.
    let quick =
        tokio::time::timeout(Duration::from_secs(20), world.sql_text("SELECT 1 AS one")).await;
    assert!(quick.expect("in time").contains("[1]"));
}

#[tokio::test]
async fn text_that_doubles_with_each_step_is_stopped_before_it_is_made() {
    let world = World::new();
    for double in [
        "concat(t, t)",
        "t || t",
        "concat_ws(t, t, t)",
        "replace(t, 'x', t)",
        "regexp_replace(t, 'x', t, 'g')",
    ] {
        let step = |at: usize| format!(", s{at} AS (SELECT {double} AS t FROM s{})", at - 1);
        let steps: Vec<String> = (1..40).map(step).collect();
        let query =
            format!("WITH s0 AS (SELECT $1 AS t){} SELECT length(t) FROM s39", steps.concat());
        let text = Param::String("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx".to_owned());
        let error = world.sql(&query, vec![text]).await.expect_err("too much");
        let named = matches!(error, QueryError::ValueTooLarge { setting: "query-value-size", .. });
        assert!(named, "{double}: {error}");
    }
}

/// One device with rows so wide that reading all of them takes long.
async fn wide(timeout: Duration) -> World {
    let world = World::with(|settings| {
        settings.timeout = timeout;
        settings.memory_bytes = 64 << 20;
        settings.row_cache_bytes = 0;
    });
    for part in 0..20 {
        let rows: Vec<Row> = (0..200)
            .map(|at| {
                let at = part * 200 + at;
                // Hardly to be compressed, so that reading is work.
                let hex = |word: u64| {
                    let number = (word + at as u64 * 400).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    format!("{number:016x}")
                };
                let text: Vec<String> = (0..400).map(hex).collect();
                let text = text.concat();
                let values = vec![
                    ("device_id", Value::String("a".into())),
                    ("note", Value::String(text.into())),
                    ("count", Value::Long(at)),
                ];
                Row::new(at * 1000, values)
            })
            .collect();
        world.add(&rows).await;
        world.flush().await;
    }
    world
}

#[tokio::test]
async fn time_is_limited_on_each_path_that_reads_files() {
    let limit = Duration::from_millis(60);
    let world = wide(limit).await;
    let late = |what: &str, began: tokio::time::Instant, error: Option<QueryError>| {
        // It may be quick enough; it may not go on.
        assert!(
            began.elapsed() < limit + Duration::from_millis(600),
            "{what}: {:?}",
            began.elapsed()
        );
        if let Some(error) = error {
            assert!(matches!(error, QueryError::Timeout { .. }), "{what}: {error}");
        }
    };
    for query in [
        "SELECT max(length(note)) FROM input WHERE device_id LIKE 'a%'",
        "SELECT max(length(note)) FROM input WHERE device_id = 'a'",
        "SELECT time, note FROM input WHERE device_id = 'a' ORDER BY time DESC LIMIT 1000",
        "SELECT device_id, last_value(note ORDER BY time) FROM input WHERE length(note) < 10 GROUP BY device_id",
        "EXPLAIN SELECT device_id, last_value(note ORDER BY time) FROM input WHERE length(note) < 10 GROUP BY device_id",
    ] {
        let began = tokio::time::Instant::now();
        let error = match world.sql(query, vec![]).await {
            Ok(answer) => answer.into_rows().try_collect::<Vec<_>>().await.err(),
            Err(error) => Some(error),
        };
        late(query, began, error);
    }
    let request = |json: serde_json::Value| serde_json::from_value(json).expect("a request");
    let began = tokio::time::Instant::now();
    let chart = request(serde_json::json!({"fields": ["note"], "devices": ["a"], "bucket": "raw"}));
    late("a chart", began, world.engine.series(&world.table(), chart).await.err());
    let began = tokio::time::Instant::now();
    late("the latest", began, world.engine.latest(&world.table(), "a").await.err());
    let began = tokio::time::Instant::now();
    let error =
        match world.data(Some("note"), &[("where", "eq(device_id,a)"), ("limit", "4000")]).await {
            Ok(answer) => answer.into_rows().try_collect::<Vec<_>>().await.err(),
            Err(error) => Some(error),
        };
    late("/v1/data", began, error);
}

#[tokio::test]
async fn to_explain_a_query_reads_no_rows() {
    let world = wide(Duration::from_secs(30)).await;
    let began = tokio::time::Instant::now();
    world.sql_text("EXPLAIN SELECT device_id, last_value(note ORDER BY time) FROM input WHERE length(note) < 10 GROUP BY device_id").await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

/// A setting; a query that it refuses and its parameters; one that is allowed, and its.
type Case = (&'static str, String, Vec<Param>, String, Vec<Param>);

#[tokio::test]
async fn what_a_query_is_made_of_is_limited_and_the_way_out_works() {
    let world = World::with(|settings| {
        settings.plan.tables = 3;
        settings.plan.grouping_sets = 8;
        settings.plan.expressions = 100;
        settings.plan.columns = 20;
        settings.plan.literal_bytes = 1000;
        settings.plan.text_bytes = 5000;
        settings.plan.params = 3;
        settings.plan.param_bytes = 10_000;
    });
    world.add(&[Row::new(5, vec![("count", Value::Long(1))])]).await;
    let text = |bytes: usize| Param::String("x".repeat(bytes));
    let long = "x".repeat(1001);
    let numbers: Vec<String> = (0..150).map(|at| at.to_string()).collect();
    let chain = |last: usize| {
        let of = |at| format!(", a{at} AS (SELECT x.count FROM a{0} x, a{0} y)", at - 1);
        let steps: Vec<String> = (1..=last).map(of).collect();
        let steps = steps.concat();
        format!("WITH a0 AS (SELECT count FROM input){steps} SELECT count(*) FROM a{last}")
    };
    let cases: Vec<Case> = vec![
        (
            "query-tables",
            "SELECT 1 FROM input a, input b, input c, input d".into(),
            vec![],
            "SELECT 1 FROM input a, input b, input c".into(),
            vec![],
        ),
        ("query-tables", chain(3), vec![], chain(1), vec![]),
        (
            "query-grouping-sets",
            "SELECT count(*) FROM input GROUP BY CUBE (count, time, device_id, note)".into(),
            vec![],
            "SELECT count(*) FROM input GROUP BY CUBE (count, time, device_id)".into(),
            vec![],
        ),
        (
            "query-expressions",
            format!("SELECT count FROM input WHERE count IN ({})", numbers.join(", ")),
            vec![],
            format!("SELECT count FROM input WHERE count IN ({})", numbers[..80].join(", ")),
            vec![],
        ),
        (
            "query-columns",
            "SELECT a.*, b.*, c.*, a.count + 1 AS x, a.count + 2 AS y, a.count + 3 AS z FROM input a, input b, input c".into(),
            vec![],
            "SELECT a.count, b.count FROM input a, input b".into(),
            vec![],
        ),
        (
            "query-literal-size",
            format!("SELECT '{long}' AS x"),
            vec![],
            "SELECT $1 AS x".into(),
            vec![Param::String(long.clone())],
        ),
        (
            "query-text-size",
            format!("SELECT 1 AS one {}", " ".repeat(5000)),
            vec![],
            "SELECT 1 AS one".into(),
            vec![],
        ),
        (
            "query-params",
            "SELECT $1, $2, $3, $4".into(),
            vec![Param::Null, Param::Null, Param::Null, Param::Null],
            "SELECT $1 AS a, $2 AS b, $3 AS c".into(),
            vec![text(1), text(1), text(1)],
        ),
        (
            "query-params-size",
            "SELECT $1 AS x".into(),
            vec![text(10_001)],
            "SELECT $1 AS x".into(),
            vec![text(9000)],
        ),
    ];
    for (setting, refused, params, allowed, others) in cases {
        let error = world.sql(&refused, params).await.expect_err(setting);
        let named =
            matches!(&error, QueryError::TooComplex { setting: found, .. } if *found == setting);
        assert!(named, "{setting}: {error}");
        if let Err(error) = world.sql(&allowed, others).await {
            panic!("{setting}: {allowed}: {error}");
        }
    }
}

#[tokio::test]
async fn a_query_without_a_place_is_told_to_come_back() {
    let world = World::with(|settings| {
        settings.concurrency = 2;
        settings.timeout = Duration::from_secs(2);
    });
    let (one, two) = (world.engine.of(1), world.engine.of(2));
    let scope = || iobeam_query::Scope { project: crate::world::project(), tables: vec![] };
    let ask = |engine: &Engine| {
        let engine = engine.clone();
        let scope = scope();
        tokio::spawn(
            async move { engine.sql(scope, ENDLESS, vec![], crate::world::NOW).await.err() },
        )
    };
    let first = ask(&one);
    tokio::time::sleep(Duration::from_millis(300)).await;
    // The reader's only place is taken for as long as the second one may wait.
    let second = ask(&one);
    // Another reader has a place of their own.
    let query =
        two.sql(scope(), "SELECT value FROM generate_series(1, 2)", vec![], crate::world::NOW);
    let other = tokio::time::timeout(Duration::from_secs(1), query).await;
    assert!(other.expect("at once").is_ok());
    let first = first.await.expect("it ran").expect("no end");
    assert!(matches!(first, QueryError::Timeout { .. }), "{first}");
    let second = second.await.expect("it ran").expect("no end");
    let waited = matches!(second, QueryError::Busy { setting: "query-concurrency", .. });
    assert!(waited || matches!(second, QueryError::Timeout { .. }), "{second}");
}

#[tokio::test]
async fn lists_of_more_names_than_series_are_refused() {
    let world = World::with(|settings| settings.max_series = 3);
    world.add(&[Row::new(5, vec![("count", Value::Long(1))])]).await;
    let request = |json: serde_json::Value| serde_json::from_value(json).expect("a request");
    for list in ["devices", "fields"] {
        let names = request(serde_json::json!({list: ["a", "b", "c", "d"]}));
        let error = world.engine.series(&world.table(), names).await.expect_err("four");
        assert!(error.to_string().contains("query-max-series"), "{error}");
    }
    let none = request(serde_json::json!({}));
    assert!(world.engine.series(&world.table(), none).await.is_ok());
}

#[test]
fn what_a_killed_process_has_spilled_is_removed_at_the_next_start() {
    let dir = tempfile::tempdir().expect("a directory");
    let left = dir.path().join("datafusion-left");
    std::fs::create_dir(&left).expect("made");
    std::fs::write(left.join("rows"), b"rows").expect("written");
    std::fs::write(dir.path().join("upload"), b"not ours").expect("written");
    let _engine = Engine::new(Settings::new(dir.path())).expect("started");
    assert!(!left.exists());
    assert!(dir.path().join("upload").exists());
}

#[tokio::test]
async fn a_huge_limit_neither_reserves_nor_loses_anything() {
    let world = World::with(|settings| settings.memory_bytes = 8 << 20);
    world.add(&[Row::new(5, vec![("count", Value::Long(1))])]).await;
    for limit in ["100000", "100001", "18446744073709551615"] {
        let reply = world.data_text(Some("count"), &[("limit", limit)]).await;
        assert!(reply.contains("[[0,1]]"), "{reply}");
    }
}
