//! Errors are in plain words: whatever a query says, no reply has words of the engine's in it.

use iobeam_model::{TimeFormat, Value};
use iobeam_query::{Output, QueryError};
use proptest::prelude::*;

use crate::world::{NOW, Row, World, bytes};

/// Words that say nothing to who asks.
const FOREIGN: [&str; 24] = [
    "DataFusion",
    "datafusion",
    "Arrow",
    "sqlparser",
    "ParserError",
    "TokenizerError",
    "file a bug",
    "Literal(",
    "Utf8",
    "Int64",
    "Float64",
    "Internal error",
    "Column {",
    "Some(",
    "Expr(",
    "LogicalPlan",
    "TableScan",
    "Exec:",
    ".rs:",
    "/root/",
    "RecordBatch",
    "panicked",
    "ScalarValue",
    "sqltorel",
];

async fn world() -> World {
    let world = World::new();
    let row = |at: i64| {
        let values = vec![
            ("device_id", Value::String("d".into())),
            ("count", Value::Long(at)),
            ("temperature", Value::Double(at as f64)),
            ("ok", Value::Boolean(true)),
            ("note", Value::String("n".into())),
        ];
        Row::new(NOW.micros() + at, values)
    };
    world.add(&[row(0), row(1)]).await;
    world
}

/// The error of a query, from its plan, its rows or its reply; nothing when it has an answer.
async fn error(world: &World, query: &str, output: Output) -> Option<QueryError> {
    use futures::TryStreamExt;
    let answer = match world.sql(query, Vec::new()).await {
        Ok(answer) => answer,
        Err(error) => return Some(error),
    };
    match iobeam_query::render::render(answer, output, TimeFormat::Msec) {
        Ok(reply) => reply.leave().try_collect::<Vec<_>>().await.err(),
        Err(error) => Some(error),
    }
}

async fn check(world: &World, query: &str, output: Output) {
    let Some(error) = error(world, query, output).await else { return };
    let text = error.to_string();
    for word in FOREIGN {
        assert!(!text.contains(word), "{query}\nis answered\n{text}");
    }
    assert!(!matches!(error, QueryError::Internal { .. }), "{query}\nis answered\n{text}");
    assert!(text.len() < 2_000, "{query}\nis answered at length\n{text}");
}

const VALUES: [&str; 24] = [
    "count",
    "temperature",
    "ok",
    "note",
    "time",
    "nothing",
    "input",
    "*",
    "input.*",
    "1",
    "1.5",
    "'x'",
    "''",
    "null",
    "true",
    "now()",
    "date '2026-01-01'",
    "interval '1 day'",
    "[1, 'x']",
    "struct(1)",
    "$1",
    "(SELECT 1, 2)",
    "(SELECT count FROM input)",
    "9223372036854775807",
];

fn calls() -> Vec<String> {
    let functions = [
        "abs",
        "sum",
        "avg",
        "max",
        "first",
        "last",
        "date_trunc",
        "date_bin",
        "time_bucket",
        "date_part",
        "to_char",
        "to_timestamp",
        "coalesce",
        "nullif",
        "greatest",
        "length",
        "substr",
        "concat",
        "round",
        "power",
        "nope",
        "json_get",
        "json_array_length",
        "unnest",
        "make_array",
        "array_length",
        "regexp_match",
        "string_agg",
        "locf",
        "interpolate",
        "time_bucket_gapfill",
        "at_time_zone",
        "time_buckets",
        "approx_percentile",
        "median",
        "stddev",
        "lag",
        "row_number",
        "percentile_cont",
        "cast",
        "arrow_cast",
        "arrow_typeof",
        "map",
        "encode",
        "decode",
        "sha256",
        "split_part",
        "strpos",
        "to_hex",
        "now",
        "random",
        "uuid",
        "version",
        "current_date",
        "grouping",
    ];
    let arguments = [
        "",
        "count",
        "note",
        "ok",
        "time",
        "'x'",
        "'x', time",
        "1, 2, 3, 4, 5",
        "*",
        "null",
        "[1]",
        "'day', note",
        "count, note",
    ];
    functions.iter().flat_map(|it| arguments.map(|of| format!("{it}({of})"))).collect()
}

fn queries() -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let operators = [
        "+",
        "-",
        "*",
        "/",
        "%",
        "=",
        "<",
        "||",
        "AND",
        "LIKE",
        "->",
        "->>",
        "~",
        "&",
        "<<",
        "IN",
        "IS DISTINCT FROM",
        "@>",
        "AT TIME ZONE",
    ];
    for left in VALUES {
        for (at, operator) in operators.iter().enumerate() {
            let right = VALUES[(at * 7 + left.len() * 5) % VALUES.len()];
            all.push(format!("SELECT {left} {operator} {right} FROM input"));
        }
        for kind in [
            "INT",
            "BIGINT",
            "DOUBLE",
            "TIMESTAMP",
            "DATE",
            "BOOLEAN",
            "DECIMAL(50,60)",
            "INTERVAL",
            "TEXT",
            "JSON",
            "BYTEA",
            "INT[]",
            "NOPE",
        ] {
            all.push(format!("SELECT CAST({left} AS {kind}) FROM input"));
        }
        for frame in [
            "SELECT count FROM input WHERE {}",
            "SELECT count FROM input GROUP BY {}",
            "SELECT count FROM input ORDER BY {}",
            "SELECT count FROM input LIMIT {}",
            "SELECT max(count) FROM input HAVING {}",
            "SELECT * FROM {}",
            "SELECT * FROM generate_series(1, {})",
            "SELECT * FROM generate_series({}, {}, {})",
            "VALUES ({}, 1), (1)",
            "SELECT CASE {} WHEN 1 THEN 'x' ELSE 2 END FROM input",
            "SELECT sum(count) OVER (ORDER BY {} ROWS BETWEEN {} PRECEDING AND CURRENT ROW) FROM input",
            "SELECT i.count FROM input i JOIN input j ON {}",
            "SELECT count FROM input UNION ALL SELECT {}",
            "WITH x AS (SELECT {}) SELECT * FROM x, x",
            "SELECT EXISTS (SELECT {})",
            "SELECT count IN (SELECT {} FROM input) FROM input",
            "SELECT {} FROM",
            "SELEC {}",
            "SELECT ({}",
            "SELECT {}) FROM input",
            "EXPLAIN SELECT {} FROM input",
            "SELECT * FROM input a ASOF JOIN input b MATCH_CONDITION ({}) ON a.device_id = b.device_id",
            "SELECT time_bucket_gapfill('1 day', time), {} FROM input GROUP BY 1",
            "SELECT extract({} FROM time) FROM input",
            "SELECT * FROM unnest({})",
            "SELECT DISTINCT ON ({}) count FROM input",
            "SELECT count FILTER (WHERE {}) FROM input",
            "SELECT count FROM input QUALIFY {}",
            "SELECT count FROM input GROUP BY CUBE({}, count)",
            "SELECT count FROM input FETCH FIRST {} ROWS ONLY",
            "SELECT count FROM input OFFSET {}",
            "PIVOT input ON {}",
            "SELECT * FROM input TABLESAMPLE ({})",
            "SELECT * FROM input MATCH_RECOGNIZE ({})",
            "SELECT {} COLLATE nope FROM input",
            "SELECT a.b.c.{} FROM input",
        ] {
            all.push(frame.replace("{}", left));
        }
    }
    for call in calls() {
        all.push(format!("SELECT {call} FROM input"));
        all.push(format!("SELECT {call} OVER () FROM input"));
    }
    all
}

#[tokio::test]
async fn no_reply_has_words_of_the_engine() {
    let world = world().await;
    let outputs = [Output::Json, Output::Csv, Output::Arrow, Output::Parquet];
    let queries = queries();
    assert!(queries.len() > 2_000, "{}", queries.len());
    // A third of them is enough where many tests run; IOBEAM_ROUNDS asks for all.
    let step = if std::env::var_os("IOBEAM_ROUNDS").is_some() { 1 } else { 3 };
    for (at, query) in queries.iter().enumerate().step_by(step) {
        check(&world, query, outputs[at % outputs.len()]).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn no_garbled_query_is_answered_with_words_of_the_engine(
        parts in prop::collection::vec(prop::sample::select(vec![
            "SELECT", "FROM", "input", "count", "WHERE", "(", ")", ",", "*", "'", "\"", "GROUP BY", "ORDER BY", "time", "1", ".", "::", "int", "AND", "=", "$1", "--", "/*",
            "JOIN", "ON", "UNION", "WITH", "AS", "CASE", "WHEN", "END", "[", "]", "{", "}", "->", "interval", "cast", "over", "é", "\\", ";", "\u{feff}", "1e400", "0x", "E'\\u'",
        ]), 1..14)
    ) {
        let query = parts.join(" ");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let world = World::new();
            check(&world, &query, Output::Json).await;
        });
    }
}

#[tokio::test]
async fn an_error_says_what_where_and_what_to_do() {
    let world = world().await;
    let said = async |query: &str| {
        let error = error(&world, query, Output::Json).await;
        error.map_or_else(|| "an answer".to_owned(), |error| error.to_string())
    };
    for (query, parts) in [
        (
            "SELECT temperatur FROM input",
            &["no column temperatur", "did you mean", "temperature"][..],
        ),
        ("SELECT humidity FROM input", &["no column humidity", "there are", "temperature"]),
        ("SELECT averge(count) FROM input", &["no function 'averge'", "did you mean"]),
        (
            "SELECT datediff('day', time, now()) FROM input",
            &["write date_part('epoch', b) - date_part('epoch', a)"],
        ),
        ("SELECT count, max(temperature) FROM input", &["count", "add it to GROUP BY"]),
        ("SELECT 1 / 0", &["division by zero", "NULLIF(x, 0)"]),
        ("SELECT note + 1 FROM input", &["STRING + LONG", "CAST(x AS DOUBLE)"]),
        ("SELECT CAST('x' AS INT)", &["'x' is no INTEGER", "TRY_CAST"]),
        ("SELECT $1", &["params has 0 values", "give a value for each"]),
        (
            "SELECT l.count FROM input l JOIN input r ON time = time",
            &["in more than one table", "input.time"],
        ),
        ("SELECT locf(avg(count)) FROM input", &["add time_bucket_gapfill('5 minutes', time)"]),
        ("SELECT count + 9223372036854775807 FROM input", &["out of range", "DECIMAL(38,0)"]),
        ("SELECT * FROM nowhere", &["no namespace 'nowhere'", "SHOW TABLES"]),
    ] {
        let said = said(query).await;
        for part in parts {
            assert!(said.contains(part), "{query}: {said}");
        }
    }
    // The remedies work.
    for query in [
        "SELECT 1 / NULLIF(0, 0)",
        "SELECT CAST('1' AS DOUBLE) + 1",
        "SELECT TRY_CAST('x' AS INT)",
        "SELECT CAST(count AS DECIMAL(38,0)) + 9223372036854775807 FROM input",
        "SELECT date_part('epoch', now()) - date_part('epoch', time) FROM input",
        "SELECT first(count, time), max(temperature) FROM input",
        "SELECT time_bucket_gapfill('5 minutes', time), locf(avg(count)) FROM input GROUP BY 1",
        "SELECT l.count FROM input l JOIN input r ON l.time = r.time",
    ] {
        assert_eq!(said(query).await, "an answer", "{query}");
    }
    let bytes = bytes(
        world.sql("\u{feff}SELECT 1 AS x", vec![]).await.expect("an answer"),
        Output::Csv,
        TimeFormat::Msec,
    )
    .await;
    assert_eq!(bytes, b"x\n1\n", "a byte order mark is no part of the query");
}
