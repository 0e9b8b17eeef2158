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
    let query = "SELECT value % 1000000 AS v, count(DISTINCT value) FROM generate_series(1, 3000000) GROUP BY v";
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
async fn an_answer_of_too_many_rows_is_refused_and_the_setting_named() {
    let world = World::with(|settings| settings.max_rows = Some(10));
    let error =
        world.sql("SELECT * FROM generate_series(1, 11)", vec![]).await.expect_err("eleven");
    insta::assert_snapshot!(error, @"the answer has more than 10 rows (setting 'query-rows'); add a limit or a narrower time");
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
        assert!(matches!(error, QueryError::Memory { .. }), "{double}: {error}");
    }
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
