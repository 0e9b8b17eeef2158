//! The queries in `tests/queries/`: each `.sql` has its reply beside it, word for word.
//!
//! The rows are those of [`world`]: what the folder's README tells. To accept new replies:
//! `UPDATE_QUERIES=1 cargo test -p iobeam-query queries`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use iobeam_model::{FieldType, TimeFormat, Value};
use iobeam_query::{Output, Scope};

use crate::world::{FIELDS, NOW, Row, World, project, text};

const METER: [(&str, FieldType); 2] = [("meter", FieldType::String), ("kWh", FieldType::Double)];

/// 12 rows each of the devices `attic`, `cellar` and `hall`, five minutes apart, and a namespace `power-meter`.
async fn world() -> World {
    const MINUTE: i64 = 60_000_000;
    let world = World::new();
    for step in 0..12_i64 {
        let rows: Vec<Row> = ["attic", "cellar", "hall"]
            .into_iter()
            .zip(0_i64..)
            .map(|(device, at)| {
                let mut values = vec![
                    ("device_id", Value::String(device.into())),
                    ("count", Value::Long(step * 10 + at)),
                    ("ok", Value::Boolean((step + at) % 3 != 0)),
                ];
                if (step + at) % 4 != 3 {
                    let temperature = 18.0 + at as f64 * 2.5 + step as f64 * 0.25;
                    values.push(("temperature", Value::Double(temperature)));
                }
                if step % 5 == 0 {
                    values
                        .push(("note", Value::String(format!("step {step}, \"{device}\"").into())));
                }
                Row::new(NOW.micros() - 60 * MINUTE + step * 5 * MINUTE + at, values)
            })
            .collect();
        world.add(&rows).await;
        if step == 3 || step == 7 {
            world.flush().await;
        }
    }
    let meters: Vec<Row> = (0..4)
        .map(|at| {
            let values = vec![
                ("meter", Value::String(if at % 2 == 0 { "A" } else { "B" }.into())),
                ("kWh", Value::Double(1000.0 + f64::from(at) / 3.0)),
            ];
            Row::new(NOW.micros() - i64::from(at) * 86_400_000_000, values)
        })
        .collect();
    world.write("power-meter", "meter", &meters, &METER).await;
    world
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/queries")
}

/// Names in the folder with that ending.
fn names(ending: &str) -> BTreeSet<String> {
    let files = std::fs::read_dir(folder()).expect("the folder tests/queries");
    files
        .map(|file| file.expect("a file").file_name().to_string_lossy().into_owned())
        .filter_map(|name| name.strip_suffix(ending).map(str::to_owned))
        .collect()
}

/// A row a line, so that a change can be seen; files have names that nobody knows beforehand.
fn lines(reply: &str) -> String {
    let mut known = String::new();
    let mut parts = reply.split(".parquet").peekable();
    while let Some(part) = parts.next() {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let kept = if parts.peek().is_some() { part.trim_end_matches(is_name) } else { part };
        known.push_str(kept);
        if parts.peek().is_some() {
            known.push_str("FILE.parquet");
        }
    }
    known
        .replace("],[", "],\n[")
        .replace("\"values\":[[", "\"values\":[\n[")
        .replace("]]}]", "]\n]}]")
        + "\n"
}

#[tokio::test]
async fn each_query_is_answered_as_its_reply_says() {
    let world = world().await;
    let update = std::env::var_os("UPDATE_QUERIES").is_some();
    let mut wrong = Vec::new();
    for name in names(".sql") {
        let query =
            std::fs::read_to_string(folder().join(format!("{name}.sql"))).expect("the query");
        let tables = vec![world.table(), world.table_of("power-meter", "meter", &METER)];
        assert_eq!(tables[0].fields.len(), FIELDS.len());
        let scope = Scope { project: project(), tables };
        let reply = match world.engine.sql(scope, &query, Vec::new(), NOW).await {
            Ok(answer) => lines(&text(answer, Output::Json, TimeFormat::Msec).await),
            Err(error) => format!("error: {error}\n"),
        };
        let file = folder().join(format!("{name}.reply"));
        if update {
            std::fs::write(&file, &reply).expect("written");
        }
        if std::fs::read_to_string(&file).unwrap_or_default() != reply {
            wrong.push(format!("{name}.sql is answered\n{reply}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_reply_is_without_its_query() {
    assert_eq!(names(".reply"), names(".sql"));
}
