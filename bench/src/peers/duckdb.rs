//! DuckDB, for questions only: on the very Parquet files that we keep, through PyPI's package in an environment of its own.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value as Json, json};

use super::Asker;
use crate::fleet_questions::FleetQuestion;
use crate::process::command;
use crate::questions::{Dialect, Question, Scope, fields, utc};
use crate::sensors::FIELDS;

const DIALECT: Dialect = Dialect {
    table: "input",
    time: |seconds| format!("TIMESTAMP '{}'", utc(seconds).trim_end_matches('Z')),
    bucket: |seconds, column| format!("time_bucket(INTERVAL '{seconds} seconds', {column})"),
};

/// Reads a question a line, answers into a file as CSV, says `ok` or what is wrong.
const PROGRAM: &str = "
import sys, json, duckdb
con = duckdb.connect()
# It would draw on the pipe that answers go through.
con.execute('SET enable_progress_bar = false')
print(duckdb.__version__, flush=True)
for line in sys.stdin:
    try:
        con.execute(json.loads(line)).fetchall()
        print('ok', flush=True)
    except Exception as error:
        print(str(error).replace(chr(10), ' '), flush=True)
";

/// A process with DuckDB in it.
#[derive(Debug)]
pub(crate) struct DuckDb {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    answer: PathBuf,
    pub(crate) version: String,
}

impl DuckDb {
    /// Starts it on the tables of a lake: a folder with a folder for each.
    pub(crate) fn open(python: &Path, lake: &Path, scratch: &Path) -> Result<Self> {
        let mut child = command(python, None)
            .args(["-c", PROGRAM])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().context("a pipe")?;
        let mut output = BufReader::new(child.stdout.take().context("a pipe")?);
        let mut version = String::new();
        output.read_line(&mut version)?;
        let version = version.trim().to_owned();
        ensure!(!version.is_empty(), "DuckDB did not start");
        let answer = scratch.join("duckdb.csv");
        let mut duckdb = Self { child, input, output, answer, version };
        for entry in fs::read_dir(lake)? {
            let table = entry?.path();
            let files = active_files(&table)?;
            if files.is_empty() {
                continue;
            }
            let name = table.file_name().context("a folder's name")?.to_string_lossy().into_owned();
            let files = files.iter().map(|file| format!("'{file}'")).collect::<Vec<_>>().join(",");
            duckdb.execute(&format!(
                "CREATE VIEW {name} AS SELECT * REPLACE (time::TIMESTAMP AS time) FROM read_parquet([{files}], union_by_name=true)"
            ))?;
        }
        Ok(duckdb)
    }

    fn execute(&mut self, sql: &str) -> Result<()> {
        writeln!(self.input, "{}", json!(sql))?;
        let mut told = String::new();
        self.output.read_line(&mut told)?;
        ensure!(told.trim() == "ok", "{}: {sql}", told.trim());
        Ok(())
    }
}

/// The files that a Delta table consists of: those that its log adds and does not remove.
fn active_files(table: &Path) -> Result<Vec<String>> {
    let Ok(entries) = fs::read_dir(table.join("_delta_log")) else { return Ok(Vec::new()) };
    let mut commits: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    commits.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    commits.sort();
    let mut active = Vec::new();
    for commit in commits {
        for line in fs::read_to_string(commit)?.lines() {
            let action: Json = serde_json::from_str(line)?;
            if let Some(path) = action["remove"]["path"].as_str() {
                active.retain(|known| known != path);
            }
            if let Some(path) = action["add"]["path"].as_str() {
                active.push(path.to_owned());
            }
        }
    }
    Ok(active.iter().map(|path| table.join(path).display().to_string()).collect())
}

impl Drop for DuckDb {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.answer);
    }
}

impl Asker for DuckDb {
    fn phrase(&self, question: Question, scope: Scope) -> Option<String> {
        let last = fields(FIELDS, |name| format!("arg_max({name}, time)"));
        let each = format!("SELECT max(time), device_id, {last} FROM input GROUP BY device_id");
        // It gives Arrow to a program that it lives in, but does not write it.
        (question != Question::ExportArrow).then(|| question.sql(scope, DIALECT, &each))
    }

    fn fleet_phrase(&self, question: &FleetQuestion) -> Option<String> {
        Some(question.sql(DIALECT, |value| format!("arg_max({value}, time)")))
    }

    fn ask(&mut self, phrase: &str) -> Result<Vec<u8>> {
        let answer = self.answer.display().to_string();
        self.execute(&format!("COPY ({phrase}) TO '{answer}' (FORMAT csv, HEADER)"))?;
        Ok(fs::read(&self.answer)?)
    }
}
