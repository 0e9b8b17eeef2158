//! Random queries in SQL, each phrased in several ways: with lookups, without them, and divided by a condition.
//!
//! `IOBEAM_DIFFERENTIAL_QUERIES` says how many queries are asked, `IOBEAM_SEED` from which seed on.

use iobeam_model::{TimeFormat, Value};
use iobeam_query::{Engine, Output, Scope, Settings, Table};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value as Json;

use crate::properties;
use crate::world::{NOW, Row, World, project, text};

/// Queries that are asked unless the environment says otherwise.
const QUERIES: usize = 100;
/// Queries to one store.
const QUERIES_PER_STORE: usize = 50;

/// What is asked of the rows that conditions leave, and whether the answer has an order.
const QUESTIONS: [(&str, &str, bool); 16] = [
    ("time, count, note", "ORDER BY time DESC LIMIT 3", true),
    ("*", "ORDER BY time DESC LIMIT 1", true),
    ("count, ok", "ORDER BY time LIMIT 2", true),
    ("time, temperature", "", false),
    ("count(*)", "", false),
    ("count(*), min(count), max(count), max(time)", "", false),
    ("device_id, max(time)", "GROUP BY device_id", false),
    ("device_id, last_value(temperature ORDER BY time) AS t", "GROUP BY device_id", false),
    (
        "device_id, last(count, time), max(time)",
        "GROUP BY device_id HAVING max(time) > '2000-01-01'",
        false,
    ),
    ("device_id, first_value(ok ORDER BY time DESC), count(*)", "GROUP BY device_id", false),
    ("note, last_value(count ORDER BY time)", "GROUP BY note", false),
    (
        "note, device_id, last_value(temperature ORDER BY time) IGNORE NULLS AS t, max(time)",
        "GROUP BY device_id, note",
        false,
    ),
    (
        "DISTINCT ON (device_id) device_id, time, count, temperature",
        "ORDER BY device_id, time DESC",
        true,
    ),
    (
        "date_bin(INTERVAL '5 minutes', time) AS b, count(count), min(count), max(count)",
        "GROUP BY b",
        false,
    ),
    (
        "date_bin(INTERVAL '1 day', time) AS b, device_id, max(count)",
        "GROUP BY b, device_id",
        false,
    ),
    (
        "device_id, note, count, row_number() OVER (PARTITION BY device_id ORDER BY time DESC) AS n",
        "",
        false,
    ),
];

/// Conditions on devices, on times and on values.
const CONDITIONS: [&str; 20] = [
    "device_id = 'a'",
    "'dé' = device_id",
    "device_id IN ('a', 'c:1')",
    "(device_id = 'b' OR device_id = 'nobody')",
    "device_id <> 'a'",
    "device_id LIKE 'c%'",
    "time >= '2023-11-14T22:20:00Z'",
    "time < '2023-11-14T22:40:00Z'",
    "time BETWEEN '2023-11-14T22:13:20Z' AND '2023-11-14T22:30:00Z'",
    "time = '2023-11-14T22:13:20Z'",
    "'2023-11-14T22:30:00Z' > time",
    "temperature > 0",
    "temperature IS NOT NULL",
    "NOT (temperature < 10)",
    "count <= 1",
    "count IS NULL",
    "ok",
    "NOT ok",
    "note = 'x'",
    "length(note) < 4",
];

/// One store, asked with lookups and without.
struct Pair {
    world: World,
    /// As it was at one moment: a merge may put rows of several devices of equal time in another order.
    table: Table,
    plain: Engine,
    _dir: tempfile::TempDir,
}

impl Pair {
    /// Rows of several files and in memory. Each row has a device and each device one note, if that is wanted.
    async fn new(rows: &[Row], whole: bool) -> Self {
        let world = World::of_small_files(4096);
        let dir = tempfile::tempdir().expect("a directory");
        let mut settings = Settings::new(dir.path());
        (settings.threads, settings.looks_up) = (2, false);
        let plain = Engine::new(settings).expect("the engine starts");
        for (at, rows) in rows.chunks(rows.len().div_ceil(5).max(1)).enumerate() {
            let rows: Vec<Row> =
                rows.iter().map(|row| if whole { filled(row) } else { row.clone() }).collect();
            world.add(&rows).await;
            if at < 3 {
                world.flush().await;
            }
        }
        let table = world.table();
        Self { world, table, plain, _dir: dir }
    }

    /// The rows of an answer, in any order unless they have one.
    async fn rows(&self, engine: &Engine, query: &str, has_order: bool) -> Vec<String> {
        let scope = Scope { project: project(), tables: vec![self.table.clone()] };
        let answer = engine.sql(scope, query, Vec::new(), NOW).await;
        let answer = answer.unwrap_or_else(|error| panic!("{query}\nfails: {error}"));
        let json = text(answer, Output::Json, TimeFormat::Usec).await;
        let json: Json = serde_json::from_str(&json).expect("JSON");
        let rows = json.pointer("/result/0/values").and_then(Json::as_array);
        let rows = rows.unwrap_or_else(|| panic!("rows in {json}"));
        let mut rows: Vec<String> = rows.iter().map(ToString::to_string).collect();
        if !has_order {
            rows.sort_unstable();
        }
        rows
    }

    async fn found(&self, query: &str, has_order: bool) -> Vec<String> {
        self.rows(&self.world.engine, query, has_order).await
    }

    /// The answer without lookups is that with them, in the plainest phrasing and in another.
    async fn compare(&self, question: (&str, &str, bool), conditions: &[&str], at: usize) {
        let (columns, rest, has_order) = question;
        let all = ["true"].iter().chain(conditions).copied().collect::<Vec<_>>().join(" AND ");
        let plain = format!("SELECT {columns} FROM input WHERE {all} {rest}");
        let expected = self.rows(&self.plain, &plain, has_order).await;
        let phrasings = phrasings(columns, rest, conditions);
        for query in [&phrasings[0], &phrasings[1 + at % (phrasings.len() - 1)]] {
            let found = self.found(query, has_order).await;
            assert_eq!(found, expected, "{query}\nis not what it is without lookups:\n{plain}");
        }
    }

    /// A condition and its opposites divide the rows; a count agrees with a look at each row.
    async fn divide(&self, condition: &str) {
        let mut parts = Vec::new();
        for part in
            [condition.to_owned(), format!("NOT ({condition})"), format!("({condition}) IS NULL")]
        {
            parts.extend(self.found(&format!("SELECT * FROM input WHERE {part}"), false).await);
        }
        parts.sort_unstable();
        assert_eq!(parts, self.found("SELECT * FROM input", false).await, "divided by {condition}");
        let counted =
            self.found(&format!("SELECT count(*) FROM input WHERE {condition}"), false).await;
        let each =
            format!("SELECT coalesce(sum(CASE WHEN {condition} THEN 1 ELSE 0 END), 0) FROM input");
        assert_eq!(counted, self.found(&each, false).await, "{condition}");
    }
}

/// The row with a device, and the note of that device.
fn filled(row: &Row) -> Row {
    let device = match row.value("device_id") {
        Some(Value::String(device)) => device.to_string(),
        _ => "b".to_owned(),
    };
    let others =
        row.values.iter().filter(|(name, _)| !["device_id", "note"].contains(name)).cloned();
    let note = if device == "a" { "x".to_owned() } else { format!("of {device}") };
    let own = [("device_id", Value::String(device.into())), ("note", Value::String(note.into()))];
    Row::new(row.time, own.into_iter().chain(others).collect())
}

/// The same question in several ways.
fn phrasings(columns: &str, rest: &str, conditions: &[&str]) -> Vec<String> {
    let all = |conditions: &[&str]| match conditions {
        [] => String::new(),
        some => format!("WHERE {}", some.join(" AND ")),
    };
    let turned: Vec<&str> = conditions.iter().rev().copied().collect();
    let (some, others) = conditions.split_at(conditions.len() / 2);
    vec![
        format!("SELECT {columns} FROM input {} {rest}", all(conditions)),
        format!("SELECT {columns} FROM input AS i {} {rest}", all(&turned)),
        format!("SELECT {columns} FROM (SELECT * FROM input {}) AS i {rest}", all(conditions)),
        format!("WITH i AS (SELECT * FROM input) SELECT {columns} FROM i {} {rest}", all(&turned)),
        format!(
            "SELECT {columns} FROM (SELECT * FROM input {}) AS i {} {rest}",
            all(some),
            all(others)
        ),
        format!("SELECT * FROM (SELECT {columns} FROM input {} {rest}) AS answer", all(conditions)),
    ]
}

fn runner(seed: u64) -> TestRunner {
    let mut bytes = [0_u8; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    TestRunner::new_with_rng(Config::default(), rng)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[tokio::test]
async fn with_lookups_and_without_in_every_phrasing_answers_are_the_same() {
    let queries = number("IOBEAM_DIFFERENTIAL_QUERIES").map_or(QUERIES, |it| it as usize);
    let seed = number("IOBEAM_SEED").unwrap_or(1);
    let mut runner = runner(seed);
    let rows = prop::collection::vec(properties::row(), 1..60);
    let conditions = prop::sample::subsequence(CONDITIONS.to_vec(), 0..=3).prop_shuffle();
    let query = (prop::sample::select(QUESTIONS.to_vec()), conditions);
    for store in 0..queries.div_ceil(QUERIES_PER_STORE) {
        let rows = rows.new_tree(&mut runner).expect("rows").current();
        let pair = Pair::new(&rows, store % 2 == 0).await;
        for at in 0..QUERIES_PER_STORE.min(queries - store * QUERIES_PER_STORE) {
            let (mut question, mut conditions) =
                query.new_tree(&mut runner).expect("a query").current();
            // Each question once without a condition.
            if let Some(first) = QUESTIONS.get(at) {
                (question, conditions) = (*first, Vec::new());
            }
            pair.compare(question, &conditions, at).await;
            if at % 6 == 0 && !conditions.is_empty() {
                pair.divide(&conditions.join(" AND ")).await;
            }
        }
    }
}
