//! Numbers stay what they are, times of every year have an answer, and columns have the names that were asked for.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Int64Type};
use arrow::ipc::reader::StreamReader;
use futures::TryStreamExt;
use iobeam_model::{TimeFormat, Value};
use iobeam_query::{Output, QueryError, SeriesRequest};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value as Json;

use crate::world::{NOW, Row, World, bytes, text};

const DAY: i64 = 86_400_000_000;
/// The first whole number that no double is.
const ODD: i64 = 9_007_199_254_740_993;

/// One device's rows at the ends of numbers and of time.
async fn world() -> World {
    let world = World::new();
    let rows: Vec<Row> = [
        (i64::MIN, i64::MIN),
        (-DAY, -1),
        (0, 0),
        (NOW.micros(), ODD),
        (10_413_792_000_000_000, 10_000_000_000_000_000),
        (i64::MAX, i64::MAX),
    ]
    .into_iter()
    .map(|(time, count)| {
        let values = vec![
            ("device_id", Value::String("d".into())),
            ("count", Value::Long(count)),
            ("temperature", Value::Double(count as f64)),
        ];
        Row::new(time, values)
    })
    .collect();
    world.add(&rows[..3]).await;
    world.flush().await;
    world.add(&rows[3..]).await;
    world
}

/// The rows of a reply, or its error.
async fn values(world: &World, query: &str) -> Result<Json, String> {
    let answer = world.sql(query, Vec::new()).await.map_err(|error| error.to_string())?;
    let reply = iobeam_query::render::render(answer, Output::Json, TimeFormat::Usec);
    let reply = reply.map_err(|error| error.to_string())?.leave();
    let reply: Vec<_> = reply.try_collect().await.map_err(|error| error.to_string())?;
    let reply: Json = serde_json::from_slice(&reply.concat()).expect("JSON");
    Ok(reply["result"][0]["values"].clone())
}

async fn value(world: &World, query: &str) -> String {
    match values(world, query).await {
        Ok(values) => values[0][0].to_string(),
        Err(error) => format!("error: {error}"),
    }
}

#[tokio::test]
async fn integer_arithmetic_never_wraps() {
    let world = world().await;
    let odd = "(SELECT max(count) FROM input WHERE count < 9007199254740994)";
    for query in [
        "SELECT count * 1000 FROM input WHERE count = 10000000000000000",
        "SELECT 9223372036854775807 + 1",
        "SELECT 9223372036854775807 * 2 AS x",
        "SELECT -9223372036854775807 - 2",
        "SELECT max(count) - min(count) FROM input",
        "SELECT count FROM input WHERE count + 1 > count",
        "SELECT -count FROM input",
        "SELECT abs(count) FROM input",
        "SELECT (0 - 9223372036854775807 - 1) / -1",
        "SELECT CAST(count AS INT) FROM input",
        "SELECT CAST(2147483647 AS INT) + CAST(1 AS INT)",
        "SELECT sum(count) OVER (ORDER BY time) + 170000000000000000000000000000000000000 FROM input WHERE false UNION ALL SELECT CAST(9223372036854775807 + count AS DECIMAL) FROM input",
        "SELECT count FROM input ORDER BY count * 10",
        "SELECT count * 10 FROM input GROUP BY count * 10",
        "SELECT CASE WHEN count > 0 THEN count * 10 END FROM input",
        "SELECT i.count FROM input i JOIN input j ON i.count + 1 = j.count",
        "SELECT to_timestamp(9223372036854775807)",
        "SELECT to_timestamp_millis(count) FROM input",
        "SELECT time + INTERVAL '1 day' FROM input",
        "SELECT time - INTERVAL '400000 years' FROM input WHERE count = 0",
        "SELECT max(time) - min(time) FROM input",
        "SELECT DATE '2026-01-01' + INTERVAL '9999999 years'",
        "SELECT sum(d) FROM (VALUES (CAST('99999999999999999999999999999999999999' AS DECIMAL(38,0))), (1), (1)) t(d)",
        "SELECT sum(d) FROM (VALUES ('a', CAST('99999999999999999999999999999999999999' AS DECIMAL(38,0))), ('a', 1)) t(k, d) GROUP BY k",
        "SELECT sum(d) OVER (ORDER BY d) FROM (VALUES (CAST('99999999999999999999999999999999999999' AS DECIMAL(38,0))), (1)) t(d)",
    ] {
        let error = values(&world, query).await.expect_err(query);
        let is_told = ["out of range", "overflow"].iter().any(|it| error.contains(it));
        assert!(is_told, "{query}: {error}");
    }
    for (query, expected) in [
        ("SELECT 9223372036854775806 + 1", "9223372036854775807"),
        ("SELECT -9223372036854775807 - 1", "-9223372036854775808"),
        ("SELECT CAST(9223372036854775807 AS DECIMAL(38,0)) + 1", "9223372036854775808"),
        ("SELECT sum(count) FROM input", "19007199254740991"),
        ("SELECT avg(count) FROM input", "3167866542456832.0"),
        (
            "SELECT avg(count) FROM input WHERE count IN (9007199254740993, 9223372036854775807)",
            "4.616189618054758e+18",
        ),
        (
            "SELECT avg(n) FROM (VALUES (9007199254740993), (9007199254740993), (9007199254740995), (9007199254740995)) t(n)",
            "9007199254740994.0",
        ),
        (
            "SELECT avg(n) FROM (VALUES (9223372036854775807), (9223372036854775807), (-9223372036854775807), (-9223372036854775807), (3), (0), (0), (0)) t(n)",
            "0.375",
        ),
        (
            "SELECT avg(DISTINCT n) FROM (VALUES (9007199254740993), (9007199254740993), (-9007199254740992)) t(n)",
            "0.5",
        ),
        (
            "SELECT avg(n) OVER (ORDER BY n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM (VALUES (9007199254740993), (-9007199254740992)) t(n) ORDER BY 1 DESC",
            "0.5",
        ),
        (
            "SELECT avg(n) FROM (VALUES ('a', 9007199254740993), ('a', -9007199254740992), ('b', NULL)) t(k, n) GROUP BY k ORDER BY k",
            "0.5",
        ),
        ("SELECT avg(n) FROM (VALUES (CAST(NULL AS BIGINT))) t(n)", "null"),
        (
            "SELECT avg(CAST(n AS BIGINT UNSIGNED)) FROM (VALUES (1), (1), (2)) t(n)",
            "1.3333333333333333",
        ),
        (
            "SELECT avg(r) FROM (SELECT rank() OVER (ORDER BY n) AS r FROM (VALUES (1), (1), (2)) t(n))",
            "1.6666666666666667",
        ),
        (
            "SELECT avg(r) OVER (ORDER BY r ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM (SELECT row_number() OVER (ORDER BY n) AS r FROM (VALUES (1), (2), (2)) t(n)) ORDER BY 1 DESC",
            "2.5",
        ),
        (
            "SELECT avg(DISTINCT r) FROM (SELECT 'k' AS k, rank() OVER (ORDER BY n) AS r FROM (VALUES (1), (1), (2), (3)) t(n)) GROUP BY k",
            "2.6666666666666665",
        ),
        (
            "SELECT sum(CAST(n AS DECIMAL(38,0))) FROM (VALUES (9223372036854775807), (1)) t(n)",
            "9223372036854775808",
        ),
        ("SELECT (0 - 9223372036854775807 - 1) % -1", "0"),
        ("SELECT TRY_CAST(count AS INT) FROM input WHERE count = 9007199254740993", "null"),
    ] {
        assert_eq!(value(&world, query).await, expected, "{query}");
    }
    assert_eq!(value(&world, &format!("SELECT {odd}")).await, ODD.to_string());
}

#[tokio::test]
async fn a_double_is_compared_with_a_whole_number_as_fast_as_with_a_double() {
    let world = world().await;
    let zeros = "(VALUES (-0.0), (0.0), (1.5), (-1.5), (NULL)) t(v)";
    for (condition, expected) in [
        ("v >= 0", "3"),
        ("v > 0", "1"),
        ("v < 0", "1"),
        ("v <= 0", "3"),
        ("0 < v", "1"),
        ("0 >= v", "3"),
        ("v = 0", "2"),
        ("v <> 0", "2"),
        ("v > 1", "1"),
        ("v > -1", "3"),
        ("-2 < v", "4"),
        ("v BETWEEN 0 AND 2", "3"),
        ("v NOT BETWEEN -1 AND 1", "2"),
        ("v IS DISTINCT FROM 1", "5"),
        ("v < 9223372036854775807", "4"),
        ("v IN (0)", "2"),
        ("v NOT IN (0)", "2"),
        ("v IN (0, 5)", "2"),
        ("v IN (-1, 0, 0.5, 1.5)", "3"),
        ("v NOT IN (-1, 0, 0.5, 1.5)", "1"),
        ("v IN (0, NULL)", "2"),
    ] {
        let query = format!("SELECT count(*) FROM {zeros} WHERE {condition}");
        assert_eq!(value(&world, &query).await, expected, "{query}");
    }
    for condition in ["temperature > 3", "temperature >= 0", "-3 > temperature", "temperature = 7"]
    {
        let query =
            format!("EXPLAIN FORMAT INDENT SELECT temperature FROM input WHERE {condition}");
        let plan = world.sql_text(&query).await;
        assert!(!plan.contains("compare_numbers"), "{condition}: {plan}");
    }
}

#[tokio::test]
async fn a_list_of_several_sorts_of_numbers_compares_each_as_it_is() {
    let world = world().await;
    let among = "FROM input WHERE";
    for (query, expected) in [
        // At the ends of numbers one more is the same double.
        (
            format!("SELECT count(*) {among} count IN (temperature + 1, CAST(0 AS DECIMAL(20,10)))"),
            "3",
        ),
        (
            format!("SELECT count(*) {among} count NOT IN (temperature + 1, 0.0000000000000000000)"),
            "3",
        ),
        (
            format!("SELECT count(*) {among} CAST(count AS DECIMAL(38,4)) IN (temperature + 1, CAST(-1 AS DECIMAL(38,0)))"),
            "3",
        ),
        (format!("SELECT count(*) {among} (count IN (temperature + 1, NULL)) IS NULL"), "4"),
        (
            "SELECT count(*) FROM (VALUES (CAST('NaN' AS DOUBLE), 1), (2, 2), (3, 4)) t(v, n) WHERE v IN (n, CAST('NaN' AS DOUBLE))".into(),
            "2",
        ),
    ] {
        assert_eq!(value(&world, &query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn whole_numbers_do_not_become_doubles() {
    let world = world().await;
    let among = "FROM input WHERE";
    for (query, expected) in [
        (format!("SELECT count(*) {among} count = {ODD}"), "1"),
        (format!("SELECT count(*) {among} count = 9007199254740992.0"), "0"),
        (format!("SELECT count(*) {among} count = 9007199254740993.0"), "1"),
        (format!("SELECT count(*) {among} count > 9007199254740992.0"), "3"),
        (format!("SELECT count(*) {among} count > 9007199254740992.5"), "3"),
        (format!("SELECT count(*) {among} 9007199254740993.5 > count"), "4"),
        (format!("SELECT count(*) {among} count >= 0.5"), "3"),
        (format!("SELECT count(*) {among} count BETWEEN -0.5 AND 0.5"), "1"),
        (format!("SELECT count(*) {among} count NOT BETWEEN -0.5 AND 9007199254740992.9"), "5"),
        (format!("SELECT count(*) {among} count IN (0.0, 9007199254740992.0, 0.5)"), "1"),
        (format!("SELECT count(*) {among} count IN ({ODD}, 0.5)"), "1"),
        (format!("SELECT count(*) {among} count NOT IN (0.0, 0.5)"), "5"),
        (format!("SELECT count(*) {among} count = temperature"), "4"),
        (format!("SELECT count(*) {among} count <> temperature"), "2"),
        (format!("SELECT count(*) {among} count IS DISTINCT FROM temperature"), "2"),
        (
            format!(
                "SELECT count(*) {among} CASE count WHEN 9007199254740992.0 THEN true ELSE false END"
            ),
            "0",
        ),
        (format!("SELECT count(*) {among} count IN (9007199254740992.0, 0.5, 1.5)"), "0"),
        (format!("SELECT count(*) {among} count NOT IN (9007199254740992.0, 0.5)"), "6"),
        (format!("SELECT count(*) {among} count IN (temperature, 0.5)"), "4"),
        (format!("SELECT count(*) {among} count NOT IN (temperature, 0.5)"), "2"),
        (format!("SELECT count(*) {among} (count IN (NULL, 0.5)) IS NULL"), "6"),
        (format!("SELECT count(*) {among} temperature IN ({ODD}, 0, 1)"), "1"),
        (format!("SELECT count(*) {among} temperature IN ({ODD}, -9223372036854775807)"), "0"),
        (format!("SELECT count(*) {among} count IN (SELECT temperature FROM input)"), "4"),
        (format!("SELECT count(*) {among} count NOT IN (SELECT temperature FROM input)"), "2"),
        (format!("SELECT count(*) {among} temperature IN (SELECT count FROM input)"), "4"),
        (
            format!(
                "SELECT count(*) {among} CAST(count AS DECIMAL(38,0)) IN (SELECT temperature FROM input)"
            ),
            "4",
        ),
        (
            format!(
                "SELECT count(*) {among} count = (SELECT max(temperature) FROM input WHERE temperature < 1e16)"
            ),
            "0",
        ),
        ("SELECT count(*) FROM input i JOIN input j ON i.count = j.temperature".to_owned(), "4"),
        (
            "SELECT count(*) FROM (SELECT count AS n FROM input) a JOIN (SELECT temperature AS n FROM input) b USING (n)".to_owned(),
            "4",
        ),
        (
            "SELECT count(*) FROM (SELECT count AS n FROM input) a NATURAL JOIN (SELECT temperature AS n FROM input) b".to_owned(),
            "4",
        ),
        (
            "SELECT count(*) FROM input i LEFT JOIN input j ON i.count = j.temperature WHERE j.time IS NULL".to_owned(),
            "2",
        ),
        (
            "SELECT count(*) FROM input i WHERE EXISTS (SELECT 1 FROM input j WHERE j.temperature = i.count)".to_owned(),
            "4",
        ),
        (format!("SELECT coalesce(count, 0) {among} count = {ODD}"), "9007199254740993"),
        (format!("SELECT round(count) {among} count = {ODD}"), "9007199254740993"),
        (format!("SELECT greatest(count, 1) {among} count = {ODD}"), "9007199254740993"),
        (
            format!("SELECT CASE WHEN count > 5 THEN count ELSE 1 END {among} count = {ODD}"),
            "9007199254740993",
        ),
        (format!("SELECT max(count) {among} count < 9007199254740994.0"), "9007199254740993"),
        ("SELECT coalesce(count, 0.5) FROM input WHERE count = 0".to_owned(), "0.0"),
        ("SELECT count(*) FROM input WHERE count > $1".replace("$1", "1e300"), "0"),
        ("SELECT count(*) FROM input HAVING sum(count) > 0.5".to_owned(), "6"),
    ] {
        assert_eq!(value(&world, &query).await, expected, "{query}");
    }
    // Where both must be one column, a number that would become another one is refused, with a way out that works.
    for query in [
        format!("SELECT coalesce(count, 0.5) {among} count = {ODD}"),
        format!("SELECT CASE WHEN true THEN count ELSE temperature END {among} count = {ODD}"),
        format!("SELECT greatest(count, temperature) {among} count = {ODD}"),
        format!("SELECT count {among} count = {ODD} UNION ALL SELECT temperature FROM input"),
    ] {
        let error = values(&world, &query).await.expect_err(&query);
        assert!(error.contains("CAST(... AS DOUBLE)"), "{query}: {error}");
        let rounded = query
            .replacen("count", "CAST(count AS DOUBLE)", 1)
            .replace("THEN count", "THEN CAST(count AS DOUBLE)");
        values(&world, &rounded).await.expect("the way out");
    }
}

#[tokio::test]
async fn every_time_has_a_calendar() {
    let world = world().await;
    let functions = [
        "date_trunc('UNIT', time)",
        "date_trunc('UNIT', time, 'America/St_Johns')",
        "date_part('UNIT', time)",
        "extract(UNIT from time)",
    ];
    let units = [
        "microsecond",
        "millisecond",
        "second",
        "minute",
        "hour",
        "day",
        "week",
        "month",
        "quarter",
        "year",
        "decade",
        "century",
        "millennium",
    ];
    let calls = functions.iter().flat_map(|it| units.map(|unit| it.replace("UNIT", unit)));
    let more = [
        "to_char(time, '%Y-%m-%d %H:%M:%S%.6f %j %a %U %G-W%V %s %Z')",
        "to_char(time, '%+ %c %x %D %F %T %C %y')",
        "time AT TIME ZONE 'Europe/Berlin'",
        "(time AT TIME ZONE 'Europe/Berlin') AT TIME ZONE 'Europe/Berlin'",
        "time::date",
        "time::timestamp",
        "time::text",
        "time::date::text",
        "time::date::timestamp",
        "date_part('epoch', time)",
        "date_part('dow', time)",
        "date_part('doy', time)",
        "date_part('isoyear', time)",
        "time_bucket('1 day', time)",
        "time_bucket('1 month', time, 'Asia/Kolkata')",
        "time_bucket('1 week', time, 'Asia/Kolkata', '2001-01-15')",
        "to_timestamp(time)",
        "to_timestamp_millis(time)",
        "to_timestamp(time::text)",
        "least(time, now())",
        "time > date '2026-01-01'",
        "time BETWEEN date '2026-01-01' AND current_date",
        "time IN (date '2026-01-01', date '1970-01-01')",
        "time = timestamp(9) '2026-01-01 00:00:00'",
        "coalesce(time, date '2026-01-01')",
        "CASE WHEN count > 0 THEN time ELSE date '2026-01-01' END",
        "time::date > date '2026-01-01'",
        "time || ''",
        "concat(time, '')",
    ];
    for call in calls.chain(more.map(str::to_owned)) {
        let query = format!("SELECT {call} AS x, count(*) FROM input GROUP BY 1");
        let rows = values(&world, &query).await;
        assert!(rows.is_ok(), "{query}: {rows:?}");
    }
    for (call, expected) in [
        ("date_trunc('year', to_timestamp_micros(9223372036854775807))", "9223371244800000000"),
        ("extract(year from to_timestamp_micros(9223372036854775807))", "294247"),
        ("to_char(to_timestamp_micros(9223372036854775807), '%F')", "\"+294247-01-10\""),
        ("to_timestamp_micros(9223372036854775807)::date", "\"+294247-01-10\""),
        ("to_timestamp_micros(9223372036854775807)::text", "\"+294247-01-10T04:00:54.775807Z\""),
        (
            "date_trunc('hour', timestamp '2026-03-31T22:30:00' AT TIME ZONE 'UTC', 'Asia/Kolkata')",
            "1774996200000000",
        ),
        ("to_timestamp('2300-01-01T00:00:00Z')", "10413792000000000"),
        ("to_timestamp('01.02.2300 03:04', '%d.%m.%Y %H:%M')", "10416481440000000"),
        ("to_timestamp(1.5)", "1500000"),
        ("to_timestamp(-1)", "-1000000"),
        ("date_part('week', timestamp '2027-01-01')", "53"),
        ("date_part('isodow', timestamp '2026-11-22')", "7"),
        ("date_part('dow', timestamp '2026-11-22')", "0"),
        ("extract(month from interval '3 months')", "3"),
        ("timestamp '2026-01-31' + interval '1 month'", "1772236800000000"),
        ("timestamp '2026-03-31' - interval '1 month 1 day'", "1772150400000000"),
    ] {
        assert_eq!(value(&world, &format!("SELECT {call} AS x")).await, expected, "{call}");
    }
}

#[tokio::test]
async fn a_zone_shows_what_its_clocks_show() {
    let world = World::new();
    let at = "timestamp with time zone '2026-03-31T22:30:00Z'";
    for (call, expected) in [
        (
            format!("date_trunc('day', ({at} AT TIME ZONE 'Europe/Berlin')::timestamp)::text"),
            "\"2026-04-01T00:00:00\"",
        ),
        (format!("({at} AT TIME ZONE 'Europe/Berlin')::date"), "\"2026-04-01\""),
        (format!("({at} AT TIME ZONE 'Europe/Berlin')::text"), "\"2026-04-01T00:30:00\""),
        (format!("({at} AT TIME ZONE '+05:30')::text"), "\"2026-04-01T04:00:00\""),
        (
            "(timestamp '2026-04-01T00:30:00' AT TIME ZONE 'Europe/Berlin')::text".to_owned(),
            "\"2026-03-31T22:30:00Z\"",
        ),
        (format!("date_trunc('day', {at}, 'Europe/Berlin')::text"), "\"2026-03-31T22:00:00Z\""),
        (
            format!(
                "(date_trunc('day', {at} AT TIME ZONE 'Europe/Berlin') AT TIME ZONE 'Europe/Berlin')::text"
            ),
            "\"2026-03-31T22:00:00Z\"",
        ),
        (format!("extract(hour from {at} AT TIME ZONE 'Asia/Kolkata')"), "4"),
        // In autumn an hour is shown twice, and means the later; in spring one is left out.
        (
            "(timestamp '2026-10-25T02:30:00' AT TIME ZONE 'Europe/Berlin')::text".to_owned(),
            "\"2026-10-25T01:30:00Z\"",
        ),
        (
            "(timestamp '2026-03-29T02:30:00' AT TIME ZONE 'Europe/Berlin')::text".to_owned(),
            "\"2026-03-29T01:30:00Z\"",
        ),
    ] {
        assert_eq!(value(&world, &format!("SELECT {call} AS x")).await, expected, "{call}");
    }
    for call in [
        "now() AT TIME ZONE 'Europe/Belin'",
        "date_trunc('day', now(), 'Europe/Belin')",
        "time_bucket('1 day', now(), 'Europe/Belin')",
        "time_bucket_gapfill('1 day', now(), 'Europe/Belin', now(), now())",
    ] {
        let error =
            values(&world, &format!("SELECT {call} AS x, 1 FROM (VALUES (1)) GROUP BY 1")).await;
        let error = error.expect_err(call);
        assert!(
            error.contains("Europe/Belin") && error.contains("Europe/Paris"),
            "{call}: {error}"
        );
    }
}

/// The headings and the first row of a reply.
async fn headed(world: &World, query: &str) -> (Json, Json) {
    let reply = world.sql_text(query).await;
    let reply: Json = serde_json::from_str(&reply).unwrap_or_else(|_| panic!("{query}: {reply}"));
    (reply["result"][0]["fields"].clone(), reply["result"][0]["values"].clone())
}

#[tokio::test]
async fn columns_may_share_a_name() {
    let world = world().await;
    for (query, names, first) in [
        (
            "SELECT time::date FROM input WHERE count = 0 ORDER BY time",
            r#"["time"]"#,
            r#"["1970-01-01"]"#,
        ),
        (
            "SELECT count, count::text FROM input WHERE count = 0",
            r#"["count","count"]"#,
            r#"[0,"0"]"#,
        ),
        (
            "SELECT count::text, count FROM input WHERE count = 0 ORDER BY count",
            r#"["count","count"]"#,
            r#"["0",0]"#,
        ),
        (
            "SELECT count, count FROM input WHERE count = 0 ORDER BY count",
            r#"["count","count"]"#,
            "[0,0]",
        ),
        (
            "SELECT count AS x, temperature AS x FROM input WHERE count = 0",
            r#"["x","x"]"#,
            "[0,0.0]",
        ),
        ("SELECT count(*), count(*) FROM input", r#"["count(*)","count(*)"]"#, "[6,6]"),
        ("SELECT 1, 1", r#"["1","1"]"#, "[1,1]"),
        (
            "SELECT l.count, r.count FROM input l JOIN input r ON l.time = r.time WHERE l.count = 0",
            r#"["count","count"]"#,
            "[0,0]",
        ),
        (
            "SELECT * FROM (SELECT l.count, r.count FROM input l JOIN input r ON l.time = r.time) WHERE true LIMIT 0",
            r#"["count","count"]"#,
            "null",
        ),
        (
            "SELECT device_id, *, count::text FROM input WHERE count = 0 LIMIT 0",
            r#"["device_id","time","count","device_id","note","ok","temperature","count"]"#,
            "null",
        ),
        (
            "WITH c AS (SELECT count, count::text FROM input) SELECT * FROM c LIMIT 0",
            r#"["count","count"]"#,
            "null",
        ),
        (
            "SELECT count::text FROM input WHERE count = 0 UNION ALL SELECT count::text FROM input WHERE false",
            r#"["count"]"#,
            r#"["0"]"#,
        ),
        (
            "SELECT time::date, count(*) FROM input WHERE count IN (0, -1) GROUP BY time::date ORDER BY time::date",
            r#"["time","count(*)"]"#,
            r#"["1969-12-31",1]"#,
        ),
        (
            "SELECT time::date, count(*) FROM input WHERE count IN (0, -1) GROUP BY 1 ORDER BY 1 DESC",
            r#"["time","count(*)"]"#,
            r#"["1970-01-01",1]"#,
        ),
        (
            "SELECT device_id::text, avg(temperature) AS a FROM input WHERE count = 0 GROUP BY device_id ORDER BY device_id",
            r#"["device_id","a"]"#,
            r#"["d",0.0]"#,
        ),
        (
            "SELECT DISTINCT count::text FROM input WHERE count = 0 ORDER BY count",
            r#"["count"]"#,
            r#"["0"]"#,
        ),
        (
            "SELECT x.time FROM (SELECT time::date FROM input WHERE count = 0) AS x",
            r#"["time"]"#,
            r#"["1970-01-01"]"#,
        ),
    ] {
        let (fields, values) = headed(&world, query).await;
        assert_eq!(
            (fields.to_string(), values[0].to_string()),
            (names.to_owned(), first.to_owned()),
            "{query}"
        );
    }
}

#[tokio::test]
async fn columns_of_one_name_are_all_in_every_form_of_reply() {
    let world = world().await;
    let query = "SELECT count, count + 1 AS count FROM input WHERE count = 0";
    let csv =
        text(world.sql(query, vec![]).await.expect("rows"), Output::Csv, TimeFormat::Usec).await;
    assert_eq!(csv, "count,count\n0,1\n");
    let arrow =
        bytes(world.sql(query, vec![]).await.expect("rows"), Output::Arrow, TimeFormat::Usec).await;
    let batch = StreamReader::try_new(&arrow[..], None)
        .expect("a stream")
        .next()
        .expect("rows")
        .expect("sound");
    let names: Vec<_> = batch.schema().fields().iter().map(|it| it.name().clone()).collect();
    assert_eq!(
        (names, batch.column(1).as_primitive::<Int64Type>().value(0)),
        (vec!["count".to_owned(); 2], 1)
    );
    let parquet =
        bytes(world.sql(query, vec![]).await.expect("rows"), Output::Parquet, TimeFormat::Usec)
            .await;
    let file =
        ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(parquet)).expect("a file");
    let names: Vec<_> = file.schema().fields().iter().map(|it| it.name().clone()).collect();
    assert_eq!(names, ["count", "count_2"], "names in a file are its columns' own");
}

/// An expression of each type that a query can make, and the word for it.
const TYPES: [(&str, &str); 22] = [
    ("true", "BOOLEAN"),
    ("1", "LONG"),
    ("1::smallint", "LONG"),
    ("1.5", "DOUBLE"),
    ("1.5::real", "DOUBLE"),
    ("'x'", "STRING"),
    ("now()", "TIMESTAMP"),
    ("timestamp '2026-01-01'", "TIMESTAMP"),
    ("max(time)", "TIMESTAMP"),
    ("date '2026-01-01'", "DATE"),
    ("time '12:00:00'", "TIME"),
    ("interval '1 month 2 days'", "INTERVAL"),
    ("now() - now()", "INTERVAL"),
    ("sum(count)", "DECIMAL"),
    ("1.5::decimal(10,2)", "DECIMAL"),
    ("12345678901234567.5", "DECIMAL"),
    ("18446744073709551615", "DECIMAL"),
    ("x'00ff'", "BINARY"),
    ("null", "NULL"),
    ("[1, 2]", "LIST"),
    ("[interval '1 day']", "LIST"),
    ("struct(1, interval '1 day')", "STRUCT"),
];

#[tokio::test]
async fn every_type_has_a_word_and_every_form_of_reply() {
    let world = world().await;
    for (expr, word) in TYPES {
        // Full, empty, and of nulls alone: the word is the same.
        for query in [
            format!("SELECT {expr} AS x FROM input"),
            format!("SELECT {expr} AS x FROM input WHERE false"),
            format!("SELECT CASE WHEN max(count) < 0 THEN {expr} END AS x FROM input"),
        ] {
            for output in [Output::Json, Output::Csv, Output::Arrow, Output::Parquet] {
                let answer = match world.sql(&query, vec![]).await {
                    Ok(answer) => answer,
                    Err(error @ QueryError::Sql { .. }) => {
                        assert!(
                            query.contains("CASE") || query.contains("FROM input"),
                            "{query}: {error}"
                        );
                        continue;
                    }
                    Err(error) => panic!("{query}: {error}"),
                };
                let reply = bytes(answer, output, TimeFormat::Msec).await;
                assert!(!reply.is_empty());
                if output == Output::Json {
                    let reply: Json = serde_json::from_slice(&reply).expect("JSON");
                    assert_eq!(reply["result"][0]["types"][0], word, "{query}");
                }
                if output == Output::Parquet {
                    ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(reply))
                        .expect("a file");
                }
            }
        }
    }
    let spans = bytes(
        world.sql("SELECT interval '1 month 2 days' AS x", vec![]).await.expect("rows"),
        Output::Parquet,
        TimeFormat::Msec,
    )
    .await;
    let file = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(spans)).expect("a file");
    assert_eq!(file.schema().field(0).data_type(), &DataType::Utf8);
    let rows = file.build().expect("rows").next().expect("a row").expect("sound");
    assert_eq!(rows.column(0).as_string::<i32>().value(0), "1 mons 2 days");
    assert_eq!(rows.column(0).null_count(), 0);
}

#[tokio::test]
async fn a_side_of_time_that_is_left_out_is_open() {
    let world = World::new();
    let row = |minutes: i64| {
        Row::new(
            NOW.micros() + minutes * 60_000_000,
            vec![("device_id", Value::String("d".into())), ("count", Value::Long(minutes))],
        )
    };
    world.add(&[row(-300), row(-60), row(5)]).await;
    for (range, rows) in
        [("now()-2h", 2), ("now()-2h,", 2), (",now()", 2), ("now()-2h,now()", 1), (",", 3)]
    {
        let reply = world.data_text(Some("count"), &[("time", range)]).await;
        let reply: Json = serde_json::from_str(&reply).expect("JSON");
        assert_eq!(reply["result"][0]["values"].as_array().map(Vec::len), Some(rows), "{range}");
    }
}

/// The times of the answer's first column, or of its points.
async fn starts(world: &World, bucket: &str, interval: &str, unit: Option<&str>) -> Vec<Vec<i64>> {
    let times = |reply: &Json, rows: &str| -> Vec<i64> {
        let mut times: Vec<i64> = reply["result"][0][rows]
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| row.get(0).unwrap_or(&row["time"]).as_i64().expect("a time"))
            .collect();
        times.sort_unstable();
        times
    };
    let group = format!("time({bucket})");
    let data = world
        .data_text(
            Some("count"),
            &[("group_by", &group), ("operator", "count"), ("timefmt", "usec")],
        )
        .await;
    let exports = world
        .exports_text(
            Some("d"),
            Some("count"),
            &[("group_by", bucket), ("operator", "count"), ("timefmt", "usec")],
        )
        .await;
    let series: SeriesRequest = serde_json::from_value(serde_json::json!({
        "fields": ["count"], "devices": ["d"], "operator": "count", "bucket": bucket,
    }))
    .expect("a request");
    let series = world.engine.series(&world.table(), series).await.expect("points");
    let mut all = vec![
        times(&serde_json::from_str(&data).expect("JSON"), "values"),
        times(&serde_json::from_str(&exports).expect("JSON"), "data"),
        series.series[0].times.clone(),
    ];
    let calls = [
        Some(format!("time_bucket('{bucket}', time)")),
        Some(format!("date_bin(INTERVAL '{interval}', time)")),
        unit.map(|unit| format!("date_trunc('{unit}', time)")),
    ];
    for call in calls.into_iter().flatten() {
        let reply = world
            .sql_text(&format!(
                "SELECT {call} AS b, count(*) FROM input WHERE device_id = 'd' GROUP BY 1"
            ))
            .await;
        all.push(times(&serde_json::from_str(&reply).expect(&call), "values"));
    }
    all
}

#[tokio::test]
async fn buckets_begin_at_the_same_moment_on_every_endpoint() {
    let world = world().await;
    for (bucket, interval, unit) in [
        ("1h", "1 hour", Some("hour")),
        ("1d", "1 day", Some("day")),
        ("1w", "1 week", Some("week")),
        ("7d", "7 days", Some("week")),
        ("2w", "14 days", None),
        ("1mo", "1 month", Some("month")),
        ("3mo", "3 months", Some("quarter")),
        ("1y", "1 year", Some("year")),
        ("7mo", "7 months", None),
    ] {
        let all = starts(&world, bucket, interval, unit).await;
        for starts in &all {
            assert_eq!(starts, &all[0], "{bucket}");
        }
        assert!(all[0].len() >= 4, "{bucket}: {all:?}");
    }
}

#[tokio::test]
async fn a_chart_spans_what_it_shows_and_no_other_device() {
    let world = World::new();
    let row = |time: i64, device: &'static str, count: i64| {
        Row::new(
            time,
            vec![("device_id", Value::String(device.into())), ("count", Value::Long(count))],
        )
    };
    let days = [NOW.micros(), NOW.micros() + DAY, NOW.micros() + 2 * DAY];
    let mut rows: Vec<Row> =
        days.iter().zip([1, 3, 5]).map(|(time, count)| row(*time, "d", count)).collect();
    rows.extend([
        row(i64::MIN, "other", 0),
        row(0, "other", 0),
        row(253_402_300_799_000_000, "other", 0),
    ]);
    world.add(&rows).await;
    let ask = async |json: Json| {
        let request: SeriesRequest = serde_json::from_value(json).expect("a request");
        world.engine.series(&world.table(), request).await.expect("points")
    };
    let daily = ask(
        serde_json::json!({"fields":["count"],"devices":["d"],"operator":"mean","bucket":"1d"}),
    )
    .await;
    assert_eq!(daily.series[0].values, iobeam_query::Points::Double(vec![1.0, 3.0, 5.0]));
    let auto = ask(serde_json::json!({"fields":["count"],"devices":["d"],"operator":"mean"})).await;
    assert_eq!((auto.series[0].times.len(), auto.span), (3, (days[0] / 1000, days[2] / 1000)));
    // And where the others are asked for, they are all there.
    let all = ask(serde_json::json!({"fields":["count"],"operator":"count","bucket":"1d"})).await;
    assert_eq!(all.series.iter().map(|it| it.times.len()).sum::<usize>(), 6);
    let local = ask(serde_json::json!({"fields":["count"],"devices":["d"],"operator":"count","bucket":"1h","timezone":"Asia/Kolkata"})).await;
    assert_eq!(local.series[0].times[0], NOW.micros() - 30 * 60_000_000);
}
