//! Charts against a naive computation over all rows: buckets also around changes of the clocks, and points that stand
//! for others.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, TimeZone};
use chrono_tz::Tz;
use iobeam_model::{FieldType, Value};
use iobeam_query::{Method, OneSeries, Points, QueryError, SeriesAnswer, SeriesRequest};
use proptest::prelude::*;
use serde_json::json;

use crate::world::{FIELDS, Row, World};

fn request(json: &serde_json::Value) -> SeriesRequest {
    serde_json::from_value(json.clone()).expect("a request")
}

async fn ask(world: &World, json: serde_json::Value) -> Result<SeriesAnswer, QueryError> {
    world.engine.series(&world.table(), request(&json)).await
}

async fn refused(world: &World, json: serde_json::Value) -> String {
    ask(world, json).await.expect_err("refused").to_string()
}

fn row(time: i64, device: &str, values: Vec<(&'static str, Value)>) -> Row {
    let device = ("device_id", Value::String(device.into()));
    Row::new(time, std::iter::once(device).chain(values).collect())
}

const MINUTE: i64 = 60_000_000;
const QUARTER: i64 = 15 * MINUTE;

/// The date on which the bucket begins that a moment lies in, by the calendar of a zone.
fn first_date(zone: Tz, bucket: &str, micros: i64) -> NaiveDate {
    let time = DateTime::from_timestamp_micros(micros).expect("a time");
    let date = zone.from_utc_datetime(&time.naive_utc()).date_naive();
    match bucket {
        "1d" => date,
        "1w" => date.week(chrono::Weekday::Mon).first_day(),
        "1mo" => date.with_day(1).expect("each month has a first day"),
        "1y" => NaiveDate::from_ymd_opt(date.year(), 1, 1).expect("a day"),
        other => panic!("{other}"),
    }
}

/// Where the bucket of a moment begins: back in time, step by step, while it is the same bucket.
fn start(zone: Tz, bucket: &str, micros: i64) -> i64 {
    let even = |width: i64| micros - micros.rem_euclid(width);
    match bucket {
        "1s" => return even(1_000_000),
        "15m" => return even(QUARTER),
        "6h" => {
            // As the clocks show it, so that such a bucket may have five hours or seven.
            let shown = |micros: i64| {
                let time = DateTime::from_timestamp_micros(micros).expect("a time");
                let local = zone.from_utc_datetime(&time.naive_utc()).naive_local();
                (local.date(), chrono::Timelike::hour(&local) / 6)
            };
            let mut start = micros - micros.rem_euclid(QUARTER);
            while shown(start - 1) == shown(micros) {
                start -= QUARTER;
            }
            return start;
        }
        _ => {}
    }
    let date = first_date(zone, bucket, micros);
    let mut start = micros - micros.rem_euclid(QUARTER);
    while first_date(zone, bucket, start - 1) == date {
        start -= QUARTER;
    }
    start
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Double(number) => *number,
        Value::Long(number) => *number as f64,
        other => panic!("{other:?}"),
    }
}

/// The figures of one bucket, the naive way.
fn figure(operator: &str, rows: &[(i64, Value)]) -> Value {
    let numbers = || rows.iter().map(|(_, value)| number(value));
    match operator {
        "count" => Value::Long(rows.len() as i64),
        "first" => rows.iter().min_by_key(|(time, _)| *time).expect("a row").1.clone(),
        "last" => rows.iter().max_by_key(|(time, _)| *time).expect("a row").1.clone(),
        "sum" => Value::Double(numbers().sum()),
        "mean" => Value::Double(numbers().sum::<f64>() / rows.len() as f64),
        "min" => Value::Double(numbers().fold(f64::INFINITY, f64::min)),
        "max" => Value::Double(numbers().fold(f64::NEG_INFINITY, f64::max)),
        other => panic!("{other}"),
    }
}

fn values(points: &Points) -> Vec<Value> {
    match points {
        Points::Double(all) => all.iter().map(|it| Value::Double(*it)).collect(),
        Points::Long(all) => all.iter().map(|it| Value::Long(*it)).collect(),
        Points::Sum(all) => all.iter().map(|it| Value::Double(*it as f64)).collect(),
        Points::Boolean(all) => all.iter().map(|it| Value::Boolean(*it)).collect(),
        Points::String(all) => all.iter().map(|it| Value::String(it.clone())).collect(),
    }
}

fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Double(_) | Value::Long(_), Value::Double(_) | Value::Long(_)) => {
            let (a, b) = (number(a), number(b));
            (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
        }
        _ => a == b,
    }
}

/// Of each series the rows that have a value, in a span.
type BySeries = BTreeMap<(String, &'static str), Vec<(i64, Value)>>;

fn by_series(rows: &[Row], fields: &[&'static str], from: i64, to: i64) -> BySeries {
    let mut all = BySeries::new();
    for row in rows.iter().filter(|row| (from..=to).contains(&row.time)) {
        let Some(Value::String(device)) = row.value("device_id") else { continue };
        for field in fields {
            if let Some(value) = row.value(field) {
                all.entry((device.to_string(), field)).or_default().push((row.time, value.clone()));
            }
        }
    }
    all
}

fn find<'a>(answer: &'a SeriesAnswer, device: &str, field: &str) -> Option<&'a OneSeries> {
    let is_it = |series: &&OneSeries| {
        series.device.as_deref() == Some(device) && series.field.as_str() == field
    };
    answer.series.iter().find(is_it)
}

#[derive(Clone, Debug)]
struct Case {
    batches: Vec<(Vec<Row>, bool)>,
    zone: Tz,
    bucket: &'static str,
    operator: &'static str,
    width: usize,
    /// A margin by which the span is narrower than the rows.
    inset: i64,
}

/// Times around which clocks change, in seconds: Paris in spring and autumn, São Paulo at midnight, a day that Apia
/// never had.
const CHANGES: [i64; 4] = [1_774_746_000, 1_792_893_600, 1_541_300_400, 1_325_239_200];

fn case() -> impl Strategy<Value = Case> {
    let zones = [
        chrono_tz::UTC,
        chrono_tz::Europe::Paris,
        chrono_tz::America::Sao_Paulo,
        chrono_tz::Pacific::Apia,
        chrono_tz::Asia::Kolkata,
    ];
    let time = (prop::sample::select(CHANGES.to_vec()), -4_000_i64..4_000)
        .prop_map(|(change, minutes)| change * 1_000_000 + minutes * MINUTE);
    let value = (
        prop::option::of(-50_i64..50),
        prop::option::of(-9_i64..9),
        prop::option::of(any::<bool>()),
        prop::option::of(prop::sample::select(vec!["on", "off", "a rather long state of things"])),
    );
    let one = (time, prop::sample::select(vec!["a", "b", "a device with a long name"]), value);
    let row = one.prop_map(|(time, device, (temperature, count, ok, note))| {
        let mut values = Vec::new();
        values.extend(temperature.map(|it| ("temperature", Value::Double(it as f64 / 4.0))));
        values.extend(count.map(|it| ("count", Value::Long(it))));
        values.extend(ok.map(|it| ("ok", Value::Boolean(it))));
        values.extend(note.map(|it| ("note", Value::String(it.into()))));
        row(time, device, values)
    });
    let batches = prop::collection::vec((prop::collection::vec(row, 1..60), any::<bool>()), 1..5);
    let operators = vec!["mean", "min", "max", "sum", "count", "first", "last"];
    (
        batches,
        prop::sample::select(zones.to_vec()),
        prop::sample::select(vec!["1s", "15m", "6h", "1d", "1w", "1mo", "1y"]),
        prop::sample::select(operators),
        1_usize..12,
        0_i64..3_000,
    )
        .prop_map(|(mut batches, zone, bucket, operator, width, inset)| {
            // Among rows of one time any may be the first: here no two have the same.
            let rows = batches.iter_mut().flat_map(|(rows, _)| rows);
            rows.zip(0..).for_each(|(row, at)| row.time += at);
            Case { batches, zone, bucket, operator, width, inset: inset * MINUTE }
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn charts_are_what_a_naive_look_at_all_rows_gives(case in case()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(check(case))?;
    }
}

async fn check(case: Case) -> Result<(), TestCaseError> {
    let world = World::of_small_files(4096);
    let mut rows = Vec::new();
    for (batch, flush) in &case.batches {
        world.add(batch).await;
        rows.extend(batch.clone());
        if *flush {
            world.flush().await;
        }
    }
    let times = || rows.iter().map(|row| row.time);
    let from = (times().min().unwrap_or(0) + case.inset).div_euclid(1000);
    let to = (times().max().unwrap_or(0) - case.inset).div_euclid(1000).max(from);
    let span = (from * 1000, to * 1000 + 999);
    figures(&world, &rows, &case, span).await?;
    points(&world, &rows, &case, span).await
}

async fn figures(
    world: &World,
    rows: &[Row],
    case: &Case,
    (from, to): (i64, i64),
) -> Result<(), TestCaseError> {
    let fields: Vec<&'static str> = match case.operator {
        "count" | "first" | "last" => vec!["temperature", "count", "ok", "note"],
        _ => vec!["temperature", "count"],
    };
    let answer = ask(
        world,
        json!({
            "fields": fields, "from": from.div_euclid(1000), "to": to.div_euclid(1000),
            "operator": case.operator, "bucket": case.bucket, "timezone": case.zone.name(),
        }),
    )
    .await
    .map_err(|error| TestCaseError::fail(error.to_string()))?;
    let expected = by_series(rows, &fields, from, to);
    prop_assert_eq!(answer.series.len(), expected.len());
    prop_assert_eq!(answer.method, Method::Aggregate);
    prop_assert!(!answer.truncated);
    for ((device, field), rows) in &expected {
        let found = find(&answer, device, field);
        let found = found.ok_or_else(|| TestCaseError::fail(format!("no {device} {field}")))?;
        prop_assert_eq!(found.rows, rows.len() as u64);
        let mut buckets: BTreeMap<i64, Vec<(i64, Value)>> = BTreeMap::new();
        for (time, value) in rows {
            let start = start(case.zone, case.bucket, *time);
            buckets.entry(start).or_default().push((*time, value.clone()));
        }
        prop_assert_eq!(&found.times, &buckets.keys().copied().collect::<Vec<_>>());
        for (value, rows) in values(&found.values).iter().zip(buckets.values()) {
            let naive = figure(case.operator, rows);
            prop_assert!(alike(value, &naive), "{:?}, naively {:?}, of {:?}", value, naive, rows);
        }
        if case.operator == "mean" {
            let (least, greatest) = found.bounds.as_ref().expect("means have bounds");
            for ((least, greatest), rows) in
                values(least).iter().zip(values(greatest)).zip(buckets.values())
            {
                prop_assert!(alike(least, &figure("min", rows)));
                prop_assert!(alike(&greatest, &figure("max", rows)));
            }
        }
    }
    Ok(())
}

/// Points are rows; of each column the first and the last are there, and of numbers the least and the greatest.
async fn points(
    world: &World,
    rows: &[Row],
    case: &Case,
    (from, to): (i64, i64),
) -> Result<(), TestCaseError> {
    let fields = ["temperature", "count", "ok", "note"];
    let expected = by_series(rows, &fields, from, to);
    for downsample in ["minmax", "lttb"] {
        let answer = ask(
            world,
            json!({
                "from": from.div_euclid(1000), "to": to.div_euclid(1000),
                "downsample": downsample, "width": case.width,
            }),
        )
        .await
        .map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(answer.series.len(), expected.len());
        for ((device, field), rows) in &expected {
            let found = find(&answer, device, field);
            let found = found.ok_or_else(|| TestCaseError::fail(format!("no {device} {field}")))?;
            let numbers = matches!(found.kind, FieldType::Double | FieldType::Long);
            let points: Vec<(i64, Value)> =
                found.times.iter().copied().zip(values(&found.values)).collect();
            prop_assert!(points.is_sorted_by_key(|(time, _)| *time));
            for point in &points {
                prop_assert!(rows.contains(point), "{:?} is no row", point);
            }
            match (downsample, found.method) {
                (_, Method::Raw) => prop_assert_eq!(points.len(), rows.len()),
                ("lttb", _) if numbers => {
                    prop_assert_eq!(found.method, Method::Lttb);
                    prop_assert!(points.len() <= case.width);
                }
                _ => {
                    let columns = if downsample == "lttb" { case.width * 4 } else { case.width };
                    prop_assert_eq!(found.method, Method::MinMax);
                    prop_assert!(points.len() <= columns * 4);
                    stand_for(rows, &points, (from, to, columns), numbers)?;
                }
            }
        }
    }
    Ok(())
}

fn stand_for(
    rows: &[(i64, Value)],
    points: &[(i64, Value)],
    (from, to, columns): (i64, i64, usize),
    numbers: bool,
) -> Result<(), TestCaseError> {
    let columns_wide = columns as i64;
    let width = (to - from + columns_wide) / columns_wide;
    for column in 0..columns as i64 {
        let inside = |all: &[(i64, Value)]| -> Vec<(i64, Value)> {
            all.iter().filter(|(time, _)| (time - from) / width == column).cloned().collect()
        };
        let (rows, points) = (inside(rows), inside(points));
        prop_assert_eq!(rows.is_empty(), points.is_empty());
        if rows.is_empty() {
            continue;
        }
        let mut figures = vec!["first", "last"];
        figures.extend(if numbers { vec!["min", "max"] } else { vec![] });
        for operator in figures {
            let (all, few) = (figure(operator, &rows), figure(operator, &points));
            prop_assert!(
                alike(&all, &few),
                "{} of column {}: {:?} {:?}",
                operator,
                column,
                all,
                few
            );
        }
    }
    Ok(())
}

/// Two devices with a reading each second.
async fn seconds(count: i64) -> World {
    let world = World::new();
    let rows: Vec<Row> = (0..count)
        .flat_map(|at| {
            let value = |by: f64| vec![("temperature", Value::Double((at as f64 * by).sin()))];
            let time = at * 1_000_000;
            [row(time, "a", value(0.1)), row(time + 1, "b", value(0.2))]
        })
        .collect();
    world.add(&rows).await;
    world
}

#[tokio::test]
async fn buckets_that_nobody_chose_are_nice_and_fit_the_width() {
    let world = seconds(10).await;
    for (hours, width, bucket) in [
        (1, 800, "5s"),
        (24, 800, "2m"),
        (24 * 30, 800, "1h"),
        (24 * 365, 400, "1d"),
        (24 * 3650, 300, "1mo"),
    ] {
        let to = hours * 3_600_000_i64;
        let asked = json!({"operator": "mean", "from": 0, "to": to, "width": width});
        let answer = ask(&world, asked).await.expect("an answer");
        assert_eq!(answer.bucket.as_deref(), Some(bucket), "{hours} h on {width}");
        assert!(answer.bucket_ms.is_none_or(|ms| to / ms <= width));
    }
    let all = ask(&world, json!({"operator": "count", "bucket": "all"})).await.expect("an answer");
    assert_eq!(all.series.len(), 2);
    assert_eq!((&all.series[0].times, &all.series[0].values), (&vec![0], &Points::Long(vec![10])));
}

#[tokio::test]
async fn every_row_is_there_on_request_up_to_a_limit_and_the_newest_stay() {
    let world = seconds(5_000).await;
    let asked = json!({"bucket": "raw", "devices": ["a"], "limit": 100});
    let answer = ask(&world, asked).await.expect("an answer");
    let series = &answer.series[0];
    assert!(answer.truncated && series.rows == 5_000 && answer.method == Method::Raw);
    assert_eq!(series.times, (4_900..5_000).map(|at| at * 1_000_000).collect::<Vec<_>>());
    let whole = ask(&world, json!({"bucket": "raw", "devices": ["a"]})).await.expect("an answer");
    assert!(!whole.truncated && whole.series[0].times.len() == 5_000);
}

#[tokio::test]
async fn series_beyond_the_limit_are_left_out_and_it_is_said() {
    let world = seconds(20).await;
    let answer = ask(&world, json!({"max_series": 1, "fields": ["temperature"]})).await;
    let answer = answer.expect("an answer");
    assert!(answer.truncated);
    let devices: Vec<_> = answer.series.iter().map(|series| series.device.as_deref()).collect();
    assert_eq!(devices, [Some("a")]);
    let both = ask(&world, json!({"max_series": 2, "fields": ["temperature"]})).await;
    assert!(both.is_ok_and(|both| !both.truncated && both.series.len() == 2));
}

#[tokio::test]
async fn predicates_and_devices_choose_rows() {
    let world = seconds(100).await;
    let asked = json!({
        "devices": ["b", "nobody"], "bucket": "all", "operator": "count", "fields": ["temperature"],
        "where": [{"field": "temperature", "op": "ge", "value": 0}, {"field": "device_id", "op": "ne", "value": "a"}],
    });
    let answer = ask(&world, asked).await.expect("an answer");
    let expected = (0..100).filter(|at| (f64::from(*at) * 0.2).sin() >= 0.0).count();
    assert_eq!(answer.series.len(), 1);
    assert_eq!(answer.series[0].values, Points::Long(vec![expected as i64]));
    let none = ask(&world, json!({"devices": []})).await.expect("an answer");
    assert_eq!(none.series, []);
}

#[tokio::test]
async fn the_json_says_it_all_column_by_column() {
    let world = World::new();
    world
        .add(&[
            row(
                1_000_000,
                "d",
                vec![("count", Value::Long(i64::MAX)), ("ok", Value::Boolean(true))],
            ),
            row(
                2_000_500,
                "d",
                vec![("count", Value::Long(i64::MAX)), ("note", Value::String("a\"b".into()))],
            ),
        ])
        .await;
    let text =
        |answer: SeriesAnswer| String::from_utf8(answer.to_json().expect("JSON")).expect("text");
    let raw = ask(&world, json!({"fields": ["note", "ok"], "from": 0, "to": 5000})).await;
    insta::assert_snapshot!(text(raw.expect("an answer")), @r#"{"from":0,"to":5000,"method":"raw","bucket":null,"bucket_ms":null,"rows":2,"truncated":false,"point":"1","series":[{"device_id":"d","field":"note","type":"STRING","method":"raw","rows":1,"times":[2000],"values":["a\"b"]},{"device_id":"d","field":"ok","type":"BOOLEAN","method":"raw","rows":1,"times":[1000],"values":[true]}]}"#);
    let sum = ask(&world, json!({"operator": "sum", "bucket": "1d", "from": 0, "to": 5000})).await;
    insta::assert_snapshot!(text(sum.expect("an answer")), @r#"{"from":0,"to":5000,"method":"aggregate","bucket":"1d","bucket_ms":86400000,"rows":2,"truncated":false,"point":"1","series":[{"device_id":"d","field":"count","type":"LONG","method":"aggregate","rows":2,"times":[0],"values":[18446744073709551614]}]}"#);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_the_place_and_the_way_out() {
    let world = World::with(|settings| settings.max_points = 1_000);
    world.add(&[row(0, "d", vec![("note", Value::String("x".into()))])]).await;
    let mut refusals = Vec::new();
    for asked in [
        json!({"fields": ["nothing"]}),
        json!({"fields": ["time"]}),
        json!({"fields": ["note"], "operator": "mean"}),
        json!({"bucket": "15m"}),
        json!({"bucket": "raw", "operator": "mean"}),
        json!({"bucket": "15 parsecs", "operator": "mean"}),
        json!({"bucket": "0m", "operator": "mean"}),
        json!({"timezone": "Mars/Base"}),
        json!({"width": 0}),
        json!({"width": 251}),
        json!({"limit": 1001}),
        json!({"max_series": 0}),
        json!({"from": 2, "to": 1}),
        json!({"where": [{"field": "note", "op": "eq", "value": null}]}),
        json!({"where": [{"field": "ok", "op": "lt", "value": true}]}),
    ] {
        refusals.push(refused(&world, asked).await);
    }
    insta::assert_snapshot!(refusals.join("\n"), @r#"
    parameter 'fields': namespace 'input' has no field 'nothing'; it has count, device_id, note, ok, temperature
    parameter 'fields': the time of a row is no field; it comes with each series, and 'from' and 'to' choose it
    parameter 'operator': mean() does not support STRING field 'note'; use first(), last() or count(), or no operator
    parameter 'bucket': "15m" needs 'operator': add mean, min, max, sum, count, first or last; without one use auto or raw
    parameter 'bucket': raw means every row, which no operator puts together; leave one of the two out
    parameter 'bucket': "15 parsecs" is no width of a bucket; write auto, all, or a whole number from 1 on and ms, s, m, h, d, w, mo or y, as in 15m
    parameter 'bucket': "0m" is no width of a bucket; write auto, all, or a whole number from 1 on and ms, s, m, h, d, w, mo or y, as in 15m
    parameter 'timezone': "Mars/Base" is no time zone; write a name such as 'Europe/Paris' or 'UTC', or an offset such as '+02:00'
    parameter 'width': 0 is not between 1 and 250 (setting 'query-max-points')
    parameter 'width': 251 is not between 1 and 250 (setting 'query-max-points')
    parameter 'limit': 1001 is not between 1 and 1000 (setting 'query-max-points')
    parameter 'max_series': 0 is not between 1 and 1000 (setting 'query-max-series')
    parameter 'from': it lies after 'to'; swap the two
    parameter 'where': the value null for field 'note' is none; write a text, a number, true or false
    parameter 'where': field 'ok' is BOOLEAN, which has no order; use eq
    "#);
    let wrong =
        serde_json::from_value::<SeriesRequest>(json!({"feilds": []})).expect_err("refused");
    assert!(wrong.to_string().contains("feilds"), "{wrong}");
    assert_eq!(FIELDS.len(), 5);
    // Buckets without rows cost nothing, however many lie in the span.
    let far = json!({"bucket": "1d", "operator": "count", "from": 0, "to": 1_000_000_000_000_i64});
    assert_eq!(ask(&world, far).await.expect("a point").rows, 1);
}

#[tokio::test]
async fn too_many_points_are_refused_before_they_fill_the_memory() {
    let world = World::with(|settings| settings.max_points = 1_000);
    let rows: Vec<Row> = (0..3_000_i64)
        .map(|at| row(at * 1_000_000, "d", vec![("temperature", Value::Double(at as f64))]))
        .collect();
    world.add(&rows).await;
    let error = refused(&world, json!({"operator": "mean", "bucket": "1s"})).await;
    assert!(error.contains("more than 1000 points (setting 'query-max-points')"), "{error}");
    let fits = ask(&world, json!({"width": 250})).await.expect("an answer");
    assert!(fits.series[0].times.len() <= 1_000 && fits.method == Method::MinMax);
    // Many series are drawn more coarsely, so that together they fit.
    let many: Vec<Row> = (0..100_000_i64)
        .map(|at| {
            let device = format!("d{}", at % 20);
            row(at * 1_000, &device, vec![("temperature", Value::Double((at as f64).sin()))])
        })
        .collect();
    world.add(&many).await;
    for asked in [
        json!({"width": 250, "fields": ["temperature"]}),
        json!({"width": 250, "fields": ["temperature"], "downsample": "lttb"}),
        json!({"width": 250, "fields": ["temperature"], "operator": "mean"}),
    ] {
        let answer = ask(&world, asked.clone()).await.expect("an answer");
        let points: usize = answer.series.iter().map(|series| series.times.len()).sum();
        assert!(answer.series.len() == 21 && !answer.truncated, "{asked}");
        assert!((40..=1_000).contains(&points), "{points} points of {asked}");
    }
}

#[tokio::test]
async fn the_latest_value_of_each_field_is_found_however_old_it_is() {
    let world = World::of_small_files(4096);
    let note = |text: &str| vec![("note", Value::String(text.into()))];
    world.add(&[row(1, "a", note("old")), row(2, "b", note("theirs"))]).await;
    world.add(&[row(3, "a", vec![("ok", Value::Boolean(true))])]).await;
    world.flush().await;
    let many: Vec<Row> = (10..1_500)
        .map(|at| row(at, "a", vec![("temperature", Value::Double(at as f64))]))
        .collect();
    world.add(&many).await;
    world.add(&[row(1_400, "a", vec![("count", Value::Long(7))])]).await;
    let found = world.engine.latest(&world.table(), "a").await.expect("an answer");
    let found: Vec<_> = found
        .iter()
        .map(|latest| (latest.field.as_str(), latest.time.micros(), latest.value.clone()))
        .collect();
    let expected = [
        ("count", 1_400, Value::Long(7)),
        ("note", 1, Value::String("old".into())),
        ("ok", 3, Value::Boolean(true)),
        ("temperature", 1_499, Value::Double(1_499.0)),
    ];
    assert_eq!(found, expected);
    let found = world.engine.latest(&world.table(), "b").await.expect("an answer");
    assert_eq!(found.len(), 1);
    assert_eq!(world.engine.latest(&world.table(), "nobody").await.expect("an answer"), []);
}
