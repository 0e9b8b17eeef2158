//! Bytes that rot under a running engine: each answer is right, or an error that names the file.

use std::path::Path;

use futures::TryStreamExt;
use iobeam_model::{TimeFormat, Value};
use iobeam_query::{Answer, Engine, ExportRequest, Output, QueryError, Scope, Settings};

use crate::world::{NOW, Row, World, bytes, data_request, owned, project};

/// Set, two thousand bytes are flipped in place of a few.
const TORTURE: &str = "IOBEAM_TORTURE";

/// By all the ways in which files are read: scans, rows of a device, last rows, counts that need no file.
const QUERIES: [&str; 6] = [
    "SELECT device_id, sum(temperature), count(note) FROM input GROUP BY device_id ORDER BY 1",
    "SELECT time, temperature, note FROM input WHERE device_id = 'a' ORDER BY time",
    "SELECT time, device_id, note FROM input ORDER BY time DESC, device_id LIMIT 7",
    "SELECT device_id, last_value(temperature ORDER BY time) FROM input GROUP BY device_id ORDER BY 1",
    "SELECT count(*), max(time) FROM input",
    "SELECT count(*) FROM input WHERE temperature > 30",
];

async fn world() -> World {
    let world = World::of_small_files(1 << 20);
    for file in 0..2 {
        let rows: Vec<Row> = (0..120)
            .map(|at| {
                let device = ["a", "b", "c"][at as usize % 3];
                let note = format!("note {} of {file}", at * 7919 % 113);
                let values = vec![
                    ("device_id", Value::String(device.into())),
                    ("temperature", Value::Double(f64::from(at * 31 % 97) / 2.0)),
                    ("note", Value::String(note.as_str().into())),
                ];
                Row::new(i64::from(file * 1000 + at), values)
            })
            .collect();
        world.add(&rows).await;
        world.flush().await;
    }
    world
}

async fn whole(answer: Result<Answer, QueryError>) -> Result<Vec<u8>, QueryError> {
    let answer = answer?;
    let rows: Vec<_> = answer.into_rows().try_collect().await?;
    Ok(format!("{rows:?}").into_bytes())
}

/// The answers to all questions by an engine that has read nothing yet.
async fn answers(world: &World, temp: &Path) -> Vec<Result<Vec<u8>, QueryError>> {
    let mut settings = Settings::new(temp);
    settings.threads = 2;
    let engine = Engine::new(settings).expect("the engine starts");
    let mut found = Vec::new();
    for query in QUERIES {
        let scope = Scope { project: project(), tables: vec![world.table()] };
        found.push(whole(engine.sql(scope, query, vec![], NOW).await).await);
    }
    for params in [
        &[("where", "eq(device_id,b)"), ("limit", "20")][..],
        &[("limit_by", "device_id,1")],
        &[("limit", "5")],
    ] {
        let request = data_request(None, params).expect("a request");
        found.push(whole(engine.data(&world.table(), request).await).await);
    }
    let exports = ExportRequest::parse(Some("c"), None, &owned(&[])).expect("a request");
    let exports = match engine.exports(project(), &world.table(), exports).await {
        Ok(answer) => Ok(bytes(answer, Output::Json, TimeFormat::Usec).await),
        Err(error) => Err(error),
    };
    found.push(exports);
    let latest = engine.latest(&world.table(), "a").await;
    found.push(latest.map(|latest| format!("{latest:?}").into_bytes()));
    found
}

#[tokio::test]
async fn with_any_byte_of_a_file_flipped_each_answer_is_right_or_an_error_that_names_the_file() {
    let world = world().await;
    let temp = tempfile::tempdir().expect("a folder");
    let right: Vec<Vec<u8>> =
        answers(&world, temp.path()).await.into_iter().map(|it| it.expect("sound")).collect();
    let path = world.table().snapshot.files[0].path().to_owned();
    let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
    let sound = std::fs::read(&path).expect("there");
    let places = if std::env::var_os(TORTURE).is_some() { 2000 } else { 16 };
    let step = sound.len() / places;
    let (mut refused, mut answered) = (0, 0);
    for at in (0..sound.len()).step_by(step.max(1)) {
        let mut flipped = sound.clone();
        flipped[at] ^= 1 << (at % 8);
        std::fs::write(&path, &flipped).expect("written");
        for (question, found) in answers(&world, temp.path()).await.into_iter().enumerate() {
            match found {
                Ok(found) => {
                    assert!(found == right[question], "question {question}, byte {at}");
                    answered += 1;
                }
                Err(error) => {
                    let told = error.to_string();
                    assert!(matches!(error, QueryError::File(_)), "question {question}: {told}");
                    assert!(told.contains(&format!("input/{name}")), "{told}");
                    assert!(told.contains("iobeam doctor"), "{told}");
                    refused += 1;
                }
            }
        }
    }
    // What needs no file is answered all the same.
    assert!(refused > answered && answered > 0, "{refused} refused, {answered} answered");
    std::fs::write(&path, &sound).expect("written");
    let again = answers(&world, temp.path()).await.into_iter().map(|it| it.expect("sound again"));
    assert!(again.eq(right));
}
