//! What SQL can do here, and what it cannot.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use arrow::ipc::reader::StreamReader;
use bytes::Bytes;
use iobeam_model::{TimeFormat, Value};
use iobeam_query::{Figures, Of, Output, Param, Scope};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;

use crate::world::{NOW, Row, World, bytes, project, text};

/// Rows in five files, each a day later than the one before, and a few in memory.
async fn files() -> World {
    let world = World::new();
    for day in 0..6_i64 {
        let rows: Vec<Row> = (0..50)
            .map(|at| {
                let device = Value::String(format!("d{day}{}", at % 5).into());
                let time = (day * 86_400 + at) * 1_000_000;
                Row::new(time, vec![("device_id", device), ("count", Value::Long(at))])
            })
            .collect();
        world.add(&rows).await;
        if day < 5 {
            world.flush().await;
        }
    }
    world
}

async fn explain(world: &World, query: &str) -> String {
    world.sql_text(&format!("EXPLAIN ANALYZE VERBOSE {query}")).await
}

/// How many files the plan names.
fn scanned(plan: &str) -> usize {
    let list = plan.split("file_groups={").nth(1).unwrap_or_default();
    list.split("]]").next().unwrap_or_default().matches(".parquet").count()
}

#[tokio::test]
async fn rows_past_the_retention_are_in_no_answer_wherever_they_lie() {
    let world = files().await;
    // In the middle of the second file.
    let keep_from = (86_400 + 20) * 1_000_000;
    let deadline = iobeam_model::Timestamp::from_micros(keep_from);
    let input = iobeam_model::NamespaceName::input();
    world.store.retain(project(), &input, deadline).await.expect("retained");
    let snapshot = world.table().snapshot;
    assert!(snapshot.files.iter().any(|file| snapshot.expires_in(file)), "a file has both");
    for (query, expected) in [
        ("SELECT count(*) AS n FROM input", "230".to_owned()),
        ("SELECT sum(count) AS n FROM input", (4 * 1225 + 1225 - 190).to_string()),
        ("SELECT count(*) AS n FROM input WHERE device_id = 'd10'", "6".to_owned()),
        ("SELECT count(time) AS n FROM input WHERE device_id IN ('d10', 'd00')", "6".to_owned()),
        ("SELECT min(count) AS n FROM input WHERE device_id LIKE 'd1%'", "20".to_owned()),
        ("SELECT count(*) AS n FROM (SELECT time, count FROM input LIMIT 1000)", "230".to_owned()),
    ] {
        let answer = world.sql_text(query).await;
        assert!(answer.contains(&format!("[[{expected}]]")), "{query}: {answer}");
    }
    for (query, expected) in [
        ("SELECT count(*) FROM input", "[[230]]"),
        ("SELECT count FROM input WHERE device_id = 'd00' ORDER BY time DESC LIMIT 3", "[]"),
        (
            "SELECT count(*) FROM (SELECT DISTINCT ON (device_id) * FROM input ORDER BY device_id, time DESC) WHERE device_id < 'd10'",
            "[[0]]",
        ),
    ] {
        let answer = world.sql_text(query).await;
        assert!(answer.contains(&format!("\"values\":{expected}")), "{query}: {answer}");
    }
    let newest = "SELECT count FROM input WHERE device_id = 'd10' ORDER BY time DESC LIMIT 100";
    let newest: serde_json::Value =
        serde_json::from_str(&world.sql_text(newest).await).expect("JSON");
    assert_eq!(newest["result"][0]["values"].as_array().map(Vec::len), Some(6), "{newest}");
    let oldest = world.sql_text("SELECT time FROM input ORDER BY time LIMIT 1").await;
    assert!(oldest.contains(&keep_from.to_string()), "{oldest}");
    let last = world.data_text(None, &[("limit_by", "device_id,1"), ("limit", "1000")]).await;
    assert!(last.contains("d10") && !last.contains("d00"), "{last}");
    let figures =
        async |of| world.engine.figures(project(), world.table(), of, NOW).await.expect("figures");
    let all = &figures(Of::All).await[0];
    assert_eq!((all.rows, all.first), (230, Some(deadline)));
    assert_eq!(figures(Of::Value("d10")).await[0].rows, 6);
    assert_eq!(
        (figures(Of::Value("d00")).await[0].rows, figures(Of::EachValue).await.len()),
        (0, 25)
    );
}

#[tokio::test]
async fn figures_are_those_of_the_rows_wherever_they_lie() {
    let world = files().await;
    let figures =
        async |of| world.engine.figures(project(), world.table(), of, NOW).await.expect("figures");
    let time = |seconds: i64| Some(iobeam_model::Timestamp::from_micros(seconds * 1_000_000));
    let expected =
        |value, rows, first, last| Figures { value, rows, first: time(first), last: time(last) };
    assert_eq!(figures(Of::All).await, [expected(None, 300, 0, 5 * 86_400 + 49)]);
    assert_eq!(
        figures(Of::Value("d53")).await,
        [expected(None, 10, 5 * 86_400 + 3, 5 * 86_400 + 48)]
    );
    assert_eq!(figures(Of::Value("nobody")).await, [Figures::default()]);
    let mut each = figures(Of::EachValue).await;
    each.sort_by(|one, other| one.value.cmp(&other.value));
    assert_eq!((each.len(), &each[0]), (30, &expected(Some("d00".to_owned()), 10, 0, 45)));
}

#[tokio::test]
async fn files_that_cannot_hold_a_row_are_not_even_named() {
    let world = files().await;
    let files = world.table().snapshot.files.len();
    let all = explain(&world, "SELECT max(count) FROM input").await;
    assert_eq!(scanned(&all), files, "{all}");
    if files == 5 {
        let a_day = explain(
            &world,
            "SELECT count FROM input WHERE time >= '1970-01-03' AND time < '1970-01-04'",
        )
        .await;
        assert_eq!(scanned(&a_day), 1, "{a_day}");
        let query = "SELECT count FROM input WHERE device_id BETWEEN 'd31' AND 'd32'";
        let devices = explain(&world, query).await;
        assert_eq!(scanned(&devices), 1, "{devices}");
    }
    let none = explain(&world, "SELECT count FROM input WHERE time > '1980-01-01'").await;
    assert_eq!(scanned(&none), 0, "{none}");
}

#[tokio::test]
async fn devices_are_looked_for_inside_the_scan_few_before_it_and_a_broad_filter_above_it() {
    let world = files().await;
    let of = |list: String| {
        format!(
            "EXPLAIN FORMAT INDENT SELECT count FROM input WHERE device_id IN ({list}) AND time < '1970-01-05'"
        )
    };
    let few = of("'d31', 'd32'".to_owned());
    let ran = world.sql_text(&few.replace("FORMAT INDENT", "ANALYZE")).await;
    assert!(!ran.contains("file_type=parquet") && ran.contains("DataSourceExec"), "{ran}");
    assert!(!ran.contains("Guard"), "{ran}");
    // To show a plan nothing is read.
    let shown = world.sql_text(&few).await;
    assert!(shown.contains("file_type=parquet"), "{shown}");
    let many: Vec<String> = (0..65).map(|device| format!("'d{device}'")).collect();
    let device = world.sql_text(&of(many.join(", "))).await;
    let plan = device.split("physical_plan").nth(1).unwrap_or_default();
    let scan = plan.find("file_type=parquet").expect("a scan");
    assert!(!plan[..scan].contains("FilterExec") || plan.contains("UnionExec"), "{device}");
    let broad = world
        .sql_text(
            "EXPLAIN FORMAT INDENT SELECT count FROM input WHERE count > 3 AND time < '1970-01-05'",
        )
        .await;
    assert!(broad.contains("FilterExec"), "{broad}");
}

#[tokio::test]
async fn what_needs_the_newest_rows_alone_scans_no_file() {
    let world = World::new();
    for day in 0..3_i64 {
        let rows = (0..60).map(|at| {
            let device = format!("d{}", at % 5);
            let note = Value::String(format!("note of {device}").into());
            let mut values = vec![("device_id", Value::String(device.into())), ("note", note)];
            values.push(("count", Value::Long(at)));
            // The newest rows of one device lack it.
            if at % 5 > 0 || at < 30 {
                values.push(("temperature", Value::Double(0.5)));
            }
            Row::new((day * 86_400 + at) * 1_000_000, values)
        });
        world.add(&rows.collect::<Vec<_>>()).await;
        world.flush().await;
    }
    let scans = async |query: &str| {
        let plan = world.sql_text(&format!("EXPLAIN ANALYZE {query}")).await;
        assert!(plan.contains("Plan with Metrics"), "{plan}");
        // One that did not run has nothing to tell.
        plan.split("\\n")
            .any(|line| line.contains("file_type=parquet") && !line.contains("metrics=[]"))
    };
    for query in [
        "SELECT DISTINCT ON (device_id) * FROM input ORDER BY device_id, time DESC",
        "SELECT device_id, last(count, time) FROM input GROUP BY device_id",
        "SELECT note, last(temperature, time) AS t FROM input WHERE temperature IS NOT NULL GROUP BY note",
        "SELECT note, t FROM (SELECT note, device_id, last(temperature, time) AS t FROM input GROUP BY note, device_id) WHERE t < 1",
        "SELECT DISTINCT ON (device_id) * FROM input WHERE temperature > 0 ORDER BY device_id, time DESC",
    ] {
        assert!(!scans(query).await, "{query}");
    }
    assert!(scans("SELECT count, last(temperature, time) FROM input GROUP BY count").await);
    assert!(scans("SELECT note, avg(temperature) FROM input GROUP BY note").await);
    let newest = "SELECT note, max(time) AS t, last(temperature, time) AS v FROM input WHERE temperature IS NOT NULL GROUP BY note ORDER BY t LIMIT 1";
    let newest = world.sql_text(newest).await;
    assert!(newest.contains("[[\"note of d0\",172825000000,0.5]]"), "{newest}");
}

#[tokio::test]
async fn a_plan_that_looks_for_last_rows_says_so_and_reads_none_before_it_runs() {
    let world = files().await;
    for query in [
        "SELECT device_id, last(count, time) FROM input GROUP BY device_id",
        "SELECT device_id, last(count, time) FROM input WHERE count > 3 GROUP BY device_id",
        "SELECT * FROM (SELECT device_id, row_number() OVER (PARTITION BY device_id ORDER BY time DESC) AS n FROM input) WHERE n = 1",
    ] {
        let shown = world.sql_text(&format!("EXPLAIN FORMAT INDENT {query}")).await;
        assert!(shown.contains("LastRowsExec: by=[device_id]"), "{shown}");
        assert!(shown.contains("file_type=parquet"), "{shown}");
        let ran = world.sql_text(&format!("EXPLAIN ANALYZE {query}")).await;
        assert!(ran.contains("LastRowsExec: by=[device_id], read=last rows"), "{ran}");
    }
    let many = "EXPLAIN ANALYZE SELECT device_id, last(count, time) FROM input WHERE count < 40 GROUP BY device_id";
    let ran = world.sql_text(many).await;
    assert!(ran.contains("LastRowsExec: by=[device_id], read=all"), "{ran}");
    let other = world.sql_text("EXPLAIN FORMAT INDENT SELECT max(count) FROM input").await;
    assert!(!other.contains("LastRowsExec"), "{other}");
}

#[tokio::test]
async fn all_rows_are_counted_without_reading_any() {
    let world = files().await;
    let plan = world.sql_text("EXPLAIN FORMAT INDENT SELECT count(*) FROM input").await;
    assert!(plan.contains("PlaceholderRowExec") && !plan.contains("file_type"), "{plan}");
    assert!(world.sql_text("SELECT count(*) FROM input").await.contains("[[300]]"));
}

#[tokio::test]
async fn where_files_lie_is_not_told() {
    let world = files().await;
    let plan = explain(&world, "SELECT max(count) FROM input").await;
    assert!(plan.contains(".parquet"), "{plan}");
    let tmp = std::env::temp_dir();
    let place = tmp.to_string_lossy();
    assert!(!plan.contains(place.trim_start_matches('/')), "{plan}");
}

#[tokio::test]
async fn parameters_stand_for_values() {
    let world = files().await;
    let query = "SELECT count(*) AS rows FROM input WHERE device_id = $1 AND count >= $2 AND time < $3 AND $4 IS NULL";
    let params = vec![
        Param::String("d01".to_owned()),
        Param::Long(6),
        Param::String("1970-01-02T00:00:00Z".to_owned()),
        Param::Null,
    ];
    let answer = world.sql(query, params).await.expect("answered");
    assert!(text(answer, Output::Json, TimeFormat::Msec).await.contains("[[9]]"));
    let missing = world.sql(query, vec![Param::Long(1)]).await.expect_err("too few");
    insta::assert_snapshot!(missing, @"params has 1 values, and the query uses $1 to $4; give a value for each");
    let surplus = world.sql("SELECT $1 AS a", vec![Param::Null, Param::Long(1)]).await;
    let surplus = surplus.expect_err("too many");
    insta::assert_snapshot!(surplus, @"params has 2 values, and the query uses $1 alone; leave the others out");
}

#[tokio::test]
async fn only_the_scope_has_names() {
    let world = files().await;
    let scope = Scope { project: project(), tables: vec![] };
    let error =
        world.engine.sql(scope, "SELECT * FROM input", vec![], NOW).await.expect_err("not there");
    insta::assert_snapshot!(error, @"there is no namespace 'input'; SHOW TABLES lists what there is");
}

fn rows_of(batches: &[RecordBatch]) -> Vec<i64> {
    batches
        .iter()
        .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec())
        .collect()
}

#[tokio::test]
async fn arrow_and_parquet_hold_the_same_rows() {
    let world = files().await;
    let query =
        "SELECT count, device_id, time, [count] AS list FROM input ORDER BY time, device_id";
    let ask = || async { world.sql(query, vec![]).await.expect("answered") };
    let arrow = bytes(ask().await, Output::Arrow, TimeFormat::Msec).await;
    let arrow: Vec<RecordBatch> = StreamReader::try_new(arrow.as_slice(), None)
        .expect("a stream")
        .collect::<Result<_, _>>()
        .expect("batches");
    let parquet = Bytes::from(bytes(ask().await, Output::Parquet, TimeFormat::Msec).await);
    let parquet: Vec<RecordBatch> = ParquetRecordBatchReaderBuilder::try_new(parquet)
        .expect("a file")
        .build()
        .expect("a reader")
        .collect::<Result<_, _>>()
        .expect("batches");
    assert_eq!(rows_of(&arrow).len(), 300);
    assert_eq!(rows_of(&arrow), rows_of(&parquet));
    assert_eq!(arrow[0].schema().field(2).data_type(), parquet[0].schema().field(2).data_type());
}

#[tokio::test]
async fn an_empty_answer_has_its_columns_in_every_form() {
    let world = World::new();
    for output in [Output::Json, Output::Csv, Output::Arrow, Output::Parquet] {
        let answer = world.sql("SELECT time, count FROM input", vec![]).await.expect("answered");
        assert_eq!(answer.schema().fields().len(), 2);
        assert!(!bytes(answer, output, TimeFormat::Msec).await.is_empty(), "{output:?}");
    }
}

#[tokio::test]
async fn text_that_is_nested_too_deeply_is_refused_and_nothing_ends() {
    let world = Arc::new(World::new());
    let deep = [
        format!("SELECT {}1{}", "(".repeat(20_000), ")".repeat(20_000)),
        format!("SELECT {}1", "- ".repeat(20_000)),
        format!("SELECT {}1", "NOT ".repeat(20_000)),
        format!("SELECT 1{}", " + 1".repeat(20_000)),
        format!("SELECT 1 WHERE true{}", " AND true".repeat(20_000)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(20_000)),
        format!("SELECT {}1{}", "[".repeat(20_000), "]".repeat(20_000)),
        format!("SELECT 1{}", "::bigint".repeat(20_000)),
        format!("SELECT {}1{}", "abs(".repeat(20_000), ")".repeat(20_000)),
        "SELECT * FROM ".to_owned() + &"(SELECT * FROM ".repeat(10_000),
    ];
    for query in deep {
        let error = world.sql(&query, vec![]).await.map(|_| ()).expect_err("too deep");
        assert!(error.to_string().len() < 500, "{error}");
    }
    // What is just allowed can be planned and run.
    let long =
        format!("SELECT count(*) FROM input WHERE count > 0{}", " OR count + 1 = 7".repeat(120));
    assert!(world.sql_text(&long).await.contains("[[0]]"));
    let union = format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(150));
    assert!(world.sql_text(&union).await.contains("[1]"));
    let list: Vec<String> = (0..20_000).map(|at| at.to_string()).collect();
    let list = format!("SELECT count(*) FROM input WHERE count IN ({})", list.join(","));
    assert!(world.sql_text(&list).await.contains("[[0]]"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn no_text_ends_the_engine(words in prop::collection::vec(prop_oneof![
        prop::sample::select(vec![
            "SELECT", "FROM", "input", "WHERE", "(", ")", ",", "*", "1", "'a'", "time", "count", "GROUP BY", "ORDER BY", "first",
            "last(count, time)", "date_bin('5m', time)", "time_bucket(", "EXPLAIN", "SHOW", "TABLES", "COLUMNS", "WITH", "AS", "x",
            "UNION", "=", "::", "$1", "now()", "INTERVAL", "'1 month'", "OVER", "LIMIT", "NULL", ";", "\"", "DESCRIBE", "CASE",
        ]).prop_map(str::to_owned),
        "\\PC{0,6}",
    ], 0..14)) {
        static WORLD: std::sync::OnceLock<World> = std::sync::OnceLock::new();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let world = WORLD.get_or_init(World::new);
            let reply = world.sql_text(&words.join(" ")).await;
            prop_assert!(!reply.contains("task ended before"), "{} {:?}", reply, words);
            Ok(())
        })?;
    }
}
