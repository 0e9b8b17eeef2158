//! Questions that once ended the process, never ended, or broke the server, and the memory group that holds the server to
//! its limits. They are asked of the namespaces `input` (20 000 rows of 20 devices: `v`) and `wide` (1600 rows of 100 kB
//! of text: `s`).

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value as Json, json};

/// A request that asks for more than there is.
#[derive(Clone, Debug)]
pub struct Hostile {
    /// `POST` with a body, `GET` without.
    pub body: Option<Json>,
    /// Path and query string.
    pub path: String,
}

impl Hostile {
    /// The beginning of what it asks.
    pub fn shown(&self) -> String {
        let body = self.body.as_ref();
        let query = body.and_then(|body| body["query"].as_str().map(str::to_owned));
        let what = query.or_else(|| body.map(ToString::to_string)).unwrap_or_default();
        format!("{} {what}", self.path).chars().take(120).collect()
    }
}

/// All of them.
pub fn hostile_questions() -> Vec<Hostile> {
    let sql = |(query, params)| Hostile {
        path: "/v1/sql".to_owned(),
        body: Some(json!({"query": query, "params": params})),
    };
    let of = |path: &str, body| Hostile { path: path.to_owned(), body };
    let others = [
        of("/v1/query", Some(json!({"fields": vec!["v"; 300_000]}))),
        of("/v1/exports/1?output=csv", None),
    ];
    in_sql().into_iter().map(sql).chain(others).collect()
}

/// The parameter of a query: so many bytes of text.
fn text(bytes: usize) -> Json {
    Json::String("x,".repeat(bytes / 2))
}

/// So many parts, as a list is written.
fn listed(parts: usize, part: impl Fn(usize) -> String) -> String {
    (0..parts).map(part).collect::<Vec<_>>().join(", ")
}

/// Doubles a text by a function, step by step.
fn chain(start: &str, step: &str, steps: usize) -> String {
    let of = |at: usize| format!(", c{at} AS (SELECT {step} AS x FROM c{})", at - 1);
    let all: Vec<String> = (1..=steps).map(of).collect();
    let all = all.concat();
    format!("WITH c0 AS (SELECT {start} AS x FROM input LIMIT 100){all} SELECT x FROM c{steps}")
}

/// Those in SQL, with their parameters.
fn in_sql() -> Vec<(String, Vec<Json>)> {
    let plain = |query: &str| (query.to_owned(), Vec::new());
    let columns: Vec<String> = (0..30).map(|at| format!("v + {at}")).collect();
    let tables: Vec<String> = (0..3000).map(|at| format!("input t{at}")).collect();
    let of = |at: usize| format!(", a{at} AS (SELECT x.v FROM a{0} x, a{0} y)", at - 1);
    let names: Vec<String> = (1..40).map(of).collect();
    let names = format!("WITH a0 AS (SELECT v FROM input){}", names.concat());
    vec![
        ("SELECT $1 AS x, v FROM input".into(), vec![text(1 << 20)]),
        ("SELECT length(string_agg(device_id, $1)) FROM input".into(), vec![text(1 << 20)]),
        (
            "SELECT length(array_to_string(string_to_array($1, NULL), $1))".into(),
            vec![text(100_000)],
        ),
        plain(&chain("device_id", "overlay(x placing x from 1 for 0)", 40)),
        plain(&chain("device_id", "concat(x, x)", 40)),
        plain(&chain("device_id", "x || x", 40)),
        plain(&chain("v", "make_array(x, x)", 30)),
        plain(&chain("v", "[x, x]", 30)),
        plain(&chain("v", "struct(x, x)", 30)),
        plain(&chain("v", "named_struct('a', x, 'b', x)", 30)),
        plain(&chain("v", "{'a': x, 'b': x}", 30)),
        plain("SELECT arrow_cast(NULL, 'FixedSizeBinary(2000000000)')"),
        plain("SELECT arrow_cast(NULL, 'FixedSizeBinary(2000000000)') FROM input"),
        ("SELECT to_char(time, $1) FROM input".into(), vec![Json::String("%Y".repeat(500_000))]),
        plain(&format!("SELECT count(*) FROM input GROUP BY CUBE ({})", columns.join(", "))),
        plain(&format!("SELECT count(*) FROM {}", tables.join(", "))),
        plain(&format!("{names} SELECT count(*) FROM a39")),
        plain("SELECT * FROM wide a JOIN wide b ON a.device_id = b.device_id"),
        plain("SELECT * FROM wide"),
        plain("SELECT upper(s) || lower(s) AS t FROM wide"),
        plain("SELECT array_agg(s) FROM wide"),
        plain("SELECT count(*) OVER (ORDER BY s) AS n, s FROM wide"),
        plain("SELECT array_agg(v) OVER (ORDER BY time) FROM input"),
        plain("SELECT input_file_name() FROM input"),
        plain("SELECT count(*) FROM input a, input b, input c WHERE a.v + b.v + c.v > 1e300"),
        plain(
            "SELECT count(*) FROM generate_series(1, 9000000000000) a, generate_series(1, 9000000000000) b",
        ),
        plain(
            "SELECT count(*) FROM input a JOIN input b ON a.device_id = b.device_id JOIN input c ON c.device_id = b.device_id WHERE a.v + b.v + c.v > 1e300",
        ),
        plain(
            "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        ),
        plain(
            "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n, input WHERE i < 1000) SELECT count(*) FROM n",
        ),
        ("SELECT levenshtein($1, $2)".into(), vec![text(300_000), text(300_002)]),
        ("SELECT max(levenshtein(s, $1)) FROM wide".into(), vec![text(10_000)]),
        ("SELECT replace($1, 'x', $1)".into(), vec![text(500_000)]),
        ("SELECT regexp_replace($1, '.', $1, 'g')".into(), vec![text(500_000)]),
        ("SELECT count(*) FROM input WHERE device_id ~ $1".into(), vec![text(500_000)]),
        plain(&format!("SELECT device_id ~ '{}' FROM input", "(a|b)".repeat(10_000))),
        plain("SELECT regexp_like(device_id, '(\\w{1000}){1000}') FROM input"),
        plain(&format!("SELECT '{}'", "y".repeat(900_000))),
        plain(&format!("SELECT {}", "1+".repeat(100_000) + "1")),
        plain("SELECT unnest(string_to_array(s, 'x')), * FROM wide"),
        plain(
            "SELECT v, unnest(make_array(v, v, v, v)), unnest(make_array(v)) FROM input a, input b",
        ),
        plain("SELECT count(DISTINCT a.v + b.v) FROM input a, input b"),
        plain("SELECT * FROM input a, input b ORDER BY a.v * b.v"),
        plain("SELECT translate(s, 'x', s) FROM wide"),
        // Rows that share a long text, in operators that write to disk what does not fit.
        ("SELECT x.a FROM (VALUES ($1)) x(a), input, input b".into(), vec![text(1 << 20)]),
        plain("SELECT a.s FROM wide a, input b ORDER BY b.v, a.s"),
        plain("SELECT a.s, count(*) FROM wide a, input b GROUP BY a.s, b.v"),
        ("SELECT repeat($1, 1000000000)".into(), vec![text(1000)]),
        plain("SELECT approx_percentile_cont(v, 0.5, 2000000000) FROM input"),
        // Values that names stand for, lists, and planning that takes long or goes deep.
        (
            format!("SELECT concat({}) FROM input", listed(1000, |_| "$1".into())),
            vec![text(200_000)],
        ),
        plain(&format!(
            "SELECT count(*) FROM input WHERE v IN ({})",
            listed(45_000, |at| at.to_string())
        )),
        plain(&format!("SELECT * FROM (VALUES ({}))", listed(9000, |_| "1".into()))),
        plain(
            "SELECT median(v) OVER (ORDER BY v ROWS BETWEEN 10000 PRECEDING AND 10000 FOLLOWING) FROM input",
        ),
        plain("SELECT nth_value(v, 9000000000000) OVER (ORDER BY time) FROM input"),
        plain("SELECT lag(v, 9000000000000000) OVER (ORDER BY time) FROM input"),
    ]
}

/// A memory group of its own for a process, where the system lets us have one.
#[derive(Debug)]
pub struct MemoryGroup(PathBuf);

impl MemoryGroup {
    /// Puts the process into a group that ends it when it takes more.
    pub fn around(pid: u32, bytes: u64) -> Option<Self> {
        let group = PathBuf::from(format!("/sys/fs/cgroup/memory/iobeam-promise-{pid}"));
        fs::create_dir(&group).ok()?;
        let group = Self(group);
        fs::write(group.0.join("memory.limit_in_bytes"), bytes.to_string()).ok()?;
        fs::write(group.0.join("cgroup.procs"), pid.to_string()).ok()?;
        Some(group)
    }
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        // The kernel keeps the group for a moment after its last process.
        for _ in 0..100 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
