//! Random rows, split at random between files and memory; random requests; the answer equals the model's.

use iobeam_model::{TimeFormat, Value};
use iobeam_query::{DataRequest, ExportRequest, Output};
use proptest::prelude::*;
use serde_json::Value as Json;

use crate::model::{self, Cell, Expected};
use crate::world::{NOW, Row, World, owned, text};

/// Times lie close together, so that many are equal, with a few far away on both sides.
fn time() -> impl Strategy<Value = i64> {
    prop_oneof![
        8 => (0_i64..40).prop_map(|at| 1_700_000_000_000_000 + at * 70_000_000),
        2 => (0_i64..1000).prop_map(|at| 1_700_000_000_000_000 + at),
        1 => -3_000_000_000_i64..0,
        1 => prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(-62_000_000_000_000_000), Just(9_200_000_000_000_000_000)],
    ]
}

pub(crate) fn row() -> impl Strategy<Value = Row> {
    let device = prop::option::weighted(0.9, prop::sample::select(vec!["a", "b", "c:1", "dé"]));
    let temperature = prop::option::of(prop_oneof![
        prop::sample::select(vec![0.0, -0.0, 1.0, 21.5, 22.25, -7.125, 1e300, 5e-324, 0.1]),
        -50.0_f64..50.0,
    ]);
    let count = prop::option::of(prop_oneof![
        -3_i64..4,
        Just(i64::MAX),
        Just(i64::MIN),
        Just(9_007_199_254_740_993)
    ]);
    let ok = prop::option::of(any::<bool>());
    let note = prop::option::of(prop::sample::select(vec![
        "",
        "x",
        "a,b",
        "say \"hi\"",
        "line\nbreak",
        "ü",
    ]));
    (time(), device, temperature, count, ok, note).prop_map(
        |(time, device, temperature, count, ok, note)| {
            let values = [
                device.map(|it| ("device_id", Value::String(it.into()))),
                temperature.map(|it| ("temperature", Value::Double(it))),
                count.map(|it| ("count", Value::Long(it))),
                ok.map(|it| ("ok", Value::Boolean(it))),
                note.map(|it| ("note", Value::String(it.into()))),
            ];
            Row::new(time, values.into_iter().flatten().collect())
        },
    )
}

fn condition() -> impl Strategy<Value = (String, String)> {
    let text = prop::sample::select(vec![
        "eq(device_id,a)",
        "eq( device_id , dé )",
        "ge(device_id,b)",
        "lt(device_id,c:1)",
        "eq(ok,True)",
        "eq(ok,false)",
        "eq(note,a,b)",
        "gt(note,x)",
        "gt(temperature,0)",
        "ge(temperature,0)",
        "lt(temperature,0)",
        "le(temperature,-0.0)",
        "eq(temperature,0)",
        "le(temperature,21.5)",
        "eq(count,9007199254740993)",
        "gt(count,0.5)",
        "lt(count,-0.5)",
        "ge(count,9.3e18)",
        "le(count,1e30)",
        "eq(count,2.5)",
    ]);
    text.prop_map(|text| ("where".to_owned(), text.to_owned()))
}

fn pick(
    name: &'static str,
    values: Vec<&'static str>,
) -> impl Strategy<Value = Option<(String, String)>> {
    prop::option::weighted(
        0.35,
        prop::sample::select(values).prop_map(move |it| (name.to_owned(), it.to_owned())),
    )
}

/// Parameters that may not go together; those that do not are passed over.
fn data_params() -> impl Strategy<Value = (Option<String>, Vec<(String, String)>)> {
    let field = prop::option::of(prop::sample::select(vec![
        "device_id",
        "temperature",
        "count",
        "ok",
        "note",
    ]));
    let singles = (
        pick("limit", vec!["1", "3", "10", "200000"]),
        pick(
            "time",
            vec![
                "1699999999999,1700000700000",
                ",1700000000000",
                "0",
                "now()-30000d,now()",
                "1700000070000,1700000070000",
            ],
        ),
        pick("operator", vec!["sum", "count", "min", "max", "mean"]),
        pick(
            "group_by",
            vec![
                "time(1m)",
                "time(5m),device_id",
                "device_id",
                "time(7d),ok",
                "note",
                "time(1h)",
                "temperature",
                "count",
            ],
        ),
        pick("limit_by", vec!["device_id,1", "note,2", "ok,3", "count,1", "temperature,1"]),
        pick("limit_periods", vec!["1", "3"]),
    );
    let wheres = prop::collection::vec(condition(), 0..3);
    (field, singles, wheres).prop_map(|(field, (a, b, c, d, e, f), wheres)| {
        let params = [a, b, c, d, e, f].into_iter().flatten().chain(wheres).collect();
        (field.map(str::to_owned), params)
    })
}

fn export_params() -> impl Strategy<Value = (Option<String>, Option<String>, Vec<(String, String)>)>
{
    let device = prop::option::of(prop::sample::select(vec!["a", "dé", "all", "nobody"]));
    let series = prop::option::of(prop::sample::select(vec!["temperature", "count", "all"]));
    let singles = (
        pick("limit", vec!["1", "2", "5"]),
        pick("from", vec!["1700000000000", "-1"]),
        pick("to", vec!["1700000700000", "1700000000000"]),
        pick("less_than", vec!["0", "22", "9007199254740993"]),
        pick("greater_than", vec!["-7", "0"]),
        pick("equals", vec!["1", "0"]),
    );
    (device, series, singles).prop_map(|(device, series, (a, b, c, d, e, f))| {
        let params = [a, b, c, d, e, f].into_iter().flatten().collect();
        (device.map(str::to_owned), series.map(str::to_owned), params)
    })
}

type Params = Vec<(String, String)>;

#[derive(Clone, Debug)]
struct Case {
    /// Batches, and whether everything is flushed after each.
    batches: Vec<(Vec<Row>, bool)>,
    data: Vec<(Option<String>, Params)>,
    exports: Vec<(Option<String>, Option<String>, Params)>,
}

fn case() -> impl Strategy<Value = Case> {
    let batches = prop::collection::vec(
        (prop::collection::vec(row(), 1..25), prop::bool::weighted(0.4)),
        0..6,
    );
    let data = prop::collection::vec(data_params(), 12);
    let exports = prop::collection::vec(export_params(), 4);
    (batches, data, exports).prop_map(|(batches, data, exports)| Case { batches, data, exports })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_request_is_answered_as_the_model_does(case in case()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(check(case))?;
    }
}

async fn check(case: Case) -> Result<(), TestCaseError> {
    let world = World::new();
    let mut rows = Vec::new();
    for (batch, flush) in case.batches {
        world.add(&batch).await;
        rows.extend(batch);
        if flush {
            world.flush().await;
        }
    }
    let table = world.table();
    prop_assert_eq!(table.snapshot.rows(), rows.len() as u64);
    for (field, params) in case.data {
        let Ok(request) = DataRequest::parse(field.as_deref(), &params, NOW) else { continue };
        let fits = request.operator.is_none_or(|operator| {
            request.field.as_ref().is_none_or(|field| {
                table.field_type(field.as_str()).is_some_and(|kind| model::fits(operator, kind))
            })
        });
        if !fits {
            prop_assert!(world.engine.data(&table, request).await.is_err());
            continue;
        }
        let ask = |request: DataRequest| world.engine.data(&table, request);
        let answer = |error: iobeam_query::QueryError| {
            TestCaseError::fail(format!("{error} for {params:?}"))
        };
        let json =
            text(ask(request.clone()).await.map_err(answer)?, Output::Json, TimeFormat::Usec).await;
        same(&json, &model::data(&rows, &request), &format!("{field:?} {params:?}"))?;
        if request.limit.is_none() && request.limit_by.is_none() {
            let csv =
                text(ask(request).await.map_err(answer)?, Output::Csv, TimeFormat::Usec).await;
            agree(&json, &csv)?;
        }
    }
    for (device, series, params) in case.exports {
        let request = ExportRequest::parse(device.as_deref(), series.as_deref(), &params)
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        let params: Vec<(&str, &str)> =
            params.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let params = [params.as_slice(), &[("timefmt", "usec")]].concat();
        let json = world.exports_text(device.as_deref(), series.as_deref(), &params).await;
        let reply: Json =
            serde_json::from_str(&json).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let found: Vec<_> = reply["result"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|element| {
                let text = |name: &str| element[name].as_str().unwrap_or_default().to_owned();
                let times = element["data"].as_array().into_iter().flatten();
                (
                    text("device_id"),
                    text("name"),
                    times.filter_map(|point| point["time"].as_i64()).collect::<Vec<_>>(),
                )
            })
            .collect();
        prop_assert_eq!(
            found,
            model::exports(&rows, &request),
            "{:?} {:?} {:?}",
            device,
            series,
            owned(&params)
        );
    }
    Ok(())
}

pub(crate) fn same(json: &str, expected: &Expected, of: &str) -> Result<(), TestCaseError> {
    let reply: Json = serde_json::from_str(json)
        .map_err(|error| TestCaseError::fail(format!("{error}: {json}")))?;
    let fields: Vec<&str> = reply["result"][0]["fields"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    prop_assert_eq!(
        fields,
        expected.fields.iter().map(String::as_str).collect::<Vec<_>>(),
        "{}",
        of
    );
    let rows = reply["result"][0]["values"].as_array().cloned().unwrap_or_default();
    let times: Vec<i64> = rows.iter().filter_map(|row| row[0].as_i64()).collect();
    prop_assert_eq!(&times, &expected.times, "times of {}", of);
    // Each row of the answer is one of the model's, and no row is there twice that is once in the model.
    let mut left: Vec<&Vec<Cell>> = expected.candidates.iter().collect();
    for row in &rows {
        let cells = row.as_array().cloned().unwrap_or_default();
        let at = left.iter().position(|candidate| equal(&cells, candidate));
        prop_assert!(at.is_some(), "{} is not in the model's answer to {}: {:?}", row, of, left);
        left.swap_remove(at.unwrap_or(0));
    }
    prop_assert!(!expected.exact || left.is_empty(), "missing in the answer to {}: {:?}", of, left);
    Ok(())
}

fn equal(cells: &[Json], candidate: &[Cell]) -> bool {
    cells.len() == candidate.len()
        && cells.iter().zip(candidate).all(|(json, cell)| match cell {
            Cell::Null => json.is_null(),
            Cell::Time(time) => json.as_i64() == Some(*time),
            Cell::Whole(number) if i64::try_from(*number).is_ok() => {
                json.as_i64().map(i128::from) == Some(*number)
            }
            // The test's reader holds such a number as a double.
            Cell::Whole(number) => json.as_f64() == Some(*number as f64),
            Cell::About(number, size) => {
                json.as_f64().is_some_and(|found| (found - number).abs() <= 1e-12 * size)
            }
            Cell::Value(Value::Long(number)) => json.as_i64() == Some(*number),
            Cell::Value(Value::Boolean(truth)) => json.as_bool() == Some(*truth),
            Cell::Value(Value::String(text)) => json.as_str() == Some(text),
            Cell::Value(Value::Double(number)) => json.as_f64() == Some(*number),
        })
}

/// Sums may be taken in any order; all else is exact.
fn close(found: Option<f64>, expected: f64) -> bool {
    found.is_some_and(|found| {
        let size = found.abs().max(expected.abs()).max(1.0);
        found.to_bits() == expected.to_bits() || (found - expected).abs() <= 1e-9 * size
    })
}

/// CSV says what JSON says, cell by cell.
fn agree(json: &str, csv: &str) -> Result<(), TestCaseError> {
    let reply: Json =
        serde_json::from_str(json).map_err(|error| TestCaseError::fail(error.to_string()))?;
    let mut from_json: Vec<Vec<Option<String>>> = Vec::new();
    for row in reply["result"][0]["values"].as_array().into_iter().flatten() {
        let cell = |cell: &Json| match cell {
            Json::Null => None,
            Json::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        from_json.push(row.as_array().into_iter().flatten().map(cell).collect());
    }
    let mut from_csv = cells(csv);
    prop_assert!(!from_csv.is_empty(), "no heading");
    from_csv.remove(0);
    let number = |cell: &Option<String>| {
        cell.as_ref().map(|cell| cell.parse::<f64>().map_or(cell.clone(), |n| format!("{n:?}")))
    };
    let sorted = |rows: &[Vec<Option<String>>]| {
        let mut rows: Vec<Vec<Option<String>>> =
            rows.iter().map(|row| row.iter().map(number).collect()).collect();
        rows.sort();
        rows
    };
    if from_json.iter().flatten().flatten().all(|cell| cell.len() < 300) {
        prop_assert_eq!(sorted(&from_json).len(), sorted(&from_csv).len());
        for (a, b) in sorted(&from_json).iter().zip(sorted(&from_csv)) {
            for (a, b) in a.iter().zip(&b) {
                let close = matches!((a, b), (Some(a), Some(b)) if close(a.parse().ok(), b.parse().unwrap_or(f64::NAN)));
                prop_assert!(a == b || close, "JSON {:?}, CSV {:?}", a, b);
            }
        }
    }
    Ok(())
}

/// A reader of CSV that knows quotes: null is an empty cell without them.
fn cells(csv: &str) -> Vec<Vec<Option<String>>> {
    let mut rows = vec![vec![]];
    let (mut cell, mut quoted, mut inside) = (String::new(), false, false);
    let mut chars = csv.chars().peekable();
    let end = |cell: &mut String, quoted: &mut bool, rows: &mut Vec<Vec<Option<String>>>| {
        let text = std::mem::take(cell);
        let value = (!text.is_empty() || *quoted).then_some(text);
        *quoted = false;
        if let Some(row) = rows.last_mut() {
            row.push(value);
        }
    };
    while let Some(c) = chars.next() {
        match c {
            '"' if inside && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' => {
                inside = !inside;
                quoted = true;
            }
            ',' if !inside => end(&mut cell, &mut quoted, &mut rows),
            '\n' if !inside => {
                end(&mut cell, &mut quoted, &mut rows);
                rows.push(vec![]);
            }
            c => cell.push(c),
        }
    }
    rows.pop();
    rows
}
