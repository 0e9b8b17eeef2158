//! A CSV file on its way to the server, batch by batch.
//!
//! ```text
//! file ─▶ rows ─▶ type of each column ─▶ batch of rows ─▶ JSON ─▶ send ─▶ next batch
//!                 (the namespace's, or what the first batch shows)  └ busy? the same again, later
//! ```
//!
//! What was stored before a failure stays stored, and the message says where to go on; importing the whole file again
//! does no harm either.

use std::fs::File;
use std::io::{self, Read};
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use serde_json::json;

use super::Target;
use super::body::{self, Failed};
use super::rows::{Row, Rows, TimeUnit};
use super::typed::{self, Kind};
use crate::api::Call;
use crate::failure::Failure;
use crate::session::with_remedy;

/// Flags for CSV.
#[derive(clap::Args)]
#[command(next_help_heading = "CSV")]
pub(crate) struct CsvFlags {
    /// Import this file; `-` reads standard input. Its first line names the fields; an empty cell is no value
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<String>,
    /// The column that tells the time
    #[arg(long, value_name = "NAME", default_value = "time", requires = "csv")]
    time_column: String,
    /// How times are written: seconds, milliseconds or microseconds since 1970, or dates with their zone such as
    /// 2026-11-22T12:30:00Z; when left out, numbers are milliseconds and everything else a date
    #[arg(long, value_name = "FORMAT", value_enum, requires = "csv")]
    time_format: Option<TimeUnit>,
    /// The type of a column: DOUBLE, LONG, BOOLEAN or STRING; found out when left out
    #[arg(long = "type", value_name = "COLUMN:TYPE", requires = "csv", value_parser = typed::declared)]
    types: Vec<(String, Kind)>,
    /// What stands between two cells
    #[arg(long, value_name = "CHAR", default_value = ",", requires = "csv")]
    delimiter: char,
    /// Rows in one request
    #[arg(long, value_name = "COUNT", default_value = "5000", requires = "csv", value_parser = clap::value_parser!(u32).range(1..))]
    batch_rows: u32,
    /// Leave out so many rows at the beginning, to go on after a failure
    #[arg(long, value_name = "COUNT", default_value = "0", requires = "csv")]
    skip_rows: u64,
}

impl CsvFlags {
    /// Whether there is a file to import.
    pub(crate) fn is_given(&self) -> bool {
        self.csv.is_some()
    }
}

/// How much of the file is where.
#[derive(Default)]
struct Progress {
    stored: u64,
    repeated: u64,
    batches: u64,
}

/// Sends the file.
pub(super) fn import(target: &Target<'_>, flags: &CsvFlags) -> Result<()> {
    let (source, bytes) = open(flags.csv.as_deref().unwrap_or("-"))?;
    let bar = bar(target, bytes);
    let delimiter = u8::try_from(flags.delimiter).ok().filter(u8::is_ascii);
    let Some(delimiter) = delimiter else {
        return Err(Failure::usage("the delimiter must be an ASCII character").into());
    };
    let source: Box<dyn Read> = Box::new(bar.wrap_read(source));
    let mut rows = Rows::open(source, delimiter, &flags.time_column, flags.time_format)?;
    check_columns(target, &rows, flags)?;
    let mut kinds = typed::of_namespace(declared_types(target)?, rows.fields(), &flags.types);
    let mut progress = Progress::default();
    let done = send_all(target, flags, &mut rows, &mut kinds, &mut progress, &bar);
    bar.finish_and_clear();
    done?;
    tell(target, &progress)
}

fn send_all(
    target: &Target<'_>,
    flags: &CsvFlags,
    rows: &mut Rows,
    kinds: &mut [Option<Kind>],
    progress: &mut Progress,
    bar: &ProgressBar,
) -> Result<()> {
    rows.skip(flags.skip_rows)?;
    loop {
        let before = flags.skip_rows + progress.stored + progress.repeated;
        let batch =
            rows.take(flags.batch_rows as usize).map_err(|error| going_on(error, before))?;
        if batch.is_empty() {
            return Ok(());
        }
        typed::settle(kinds, &batch);
        let sent = send_batch(target, rows.fields(), kinds, &batch, bar);
        let repeat = sent.map_err(|error| going_on(error, before))?;
        *(if repeat { &mut progress.repeated } else { &mut progress.stored }) += batch.len() as u64;
        progress.batches += 1;
        bar.set_message(format!("{} rows", HumanCount(progress.stored + progress.repeated)));
    }
}

/// Sends a batch, again and again while the server is busy. Tells whether it was there before.
fn send_batch(
    target: &Target<'_>,
    fields: &[String],
    kinds: &[Option<Kind>],
    batch: &[Row],
    bar: &ProgressBar,
) -> Result<bool> {
    let body = body::of_batch(target, fields, kinds, batch).map_err(|failed| misfit(&failed))?;
    let mut wait = Duration::from_millis(250);
    loop {
        match target.send(body.clone()) {
            Ok(reply) => return Ok(reply["repeat"].as_bool().unwrap_or(false)),
            Err(error) if is_passing(&error) && wait < Duration::from_mins(1) => {
                bar.set_message(format!("waiting for the server: {error}"));
                std::thread::sleep(wait);
                wait *= 2;
            }
            Err(error) => return Err(located(error, batch)),
        }
    }
}

/// Whether the same request may work later.
fn is_passing(error: &anyhow::Error) -> bool {
    let failure = error.downcast_ref::<Failure>();
    failure.is_some_and(|failure| matches!(failure.http, 0 | 429 | 502 | 503 | 504))
}

fn misfit(failed: &Failed) -> anyhow::Error {
    let Failed { line, field, text, kind } = failed;
    let remedy = format!("mend that cell, or say what the column is: --type {field}:STRING");
    Failure::new(format!("line {line}, column '{field}': '{text}' is no {kind}"))
        .remedy(remedy)
        .into()
}

/// Where in the file the server's refusal points to.
fn located(error: anyhow::Error, batch: &[Row]) -> anyhow::Error {
    let failure = match error.downcast::<Failure>() {
        Ok(failure) => failure,
        Err(other) => return other,
    };
    let words = format!("{failure}");
    match row_named_in(&words).and_then(|row| batch.get(row)) {
        Some(row) => failure.detail(&format!("line {} of the file", row.line)).into(),
        None => match (batch.first(), batch.last()) {
            (Some(first), Some(last)) => {
                failure.detail(&format!("lines {} to {} of the file", first.line, last.line)).into()
            }
            _ => failure.into(),
        },
    }
}

/// The row that a refusal names: the number in `data.values[3][1]` or `sources.data[3][1]`.
fn row_named_in(words: &str) -> Option<usize> {
    let rest = words.split_once("values[").or_else(|| words.split_once("data["))?.1;
    rest.split_once(']')?.0.parse().ok()
}

fn going_on(error: anyhow::Error, stored: u64) -> anyhow::Error {
    let failure = match error.downcast::<Failure>() {
        Ok(failure) => failure,
        Err(other) => return other.context(format!("after {stored} rows")),
    };
    if stored == 0 {
        return failure.detail("nothing was stored").into();
    }
    let known = failure.known_remedy().map(|remedy| format!("{remedy}; then ")).unwrap_or_default();
    let remedy = format!("{known}go on with --skip-rows {stored}");
    failure.detail(&format!("the {stored} rows before are stored")).remedy(remedy).into()
}

fn open(name: &str) -> Result<(Box<dyn Read>, Option<u64>)> {
    if name == "-" {
        return Ok((Box::new(io::stdin()), None));
    }
    let file = File::open(name).with_context(|| format!("cannot read {name}"))?;
    let bytes = file.metadata().ok().map(|meta| meta.len()).filter(|bytes| *bytes > 0);
    Ok((Box::new(file), bytes))
}

fn bar(target: &Target<'_>, bytes: Option<u64>) -> ProgressBar {
    if !target.session.out.talks_to_a_person() {
        return ProgressBar::hidden();
    }
    let known = "{bar:28} {percent:>3}%  {msg}  {bytes_per_sec}  {eta}";
    let (bar, form) = match bytes {
        Some(bytes) => (ProgressBar::new(bytes), known),
        None => (ProgressBar::new_spinner(), "{spinner} {msg}  {bytes}"),
    };
    bar.with_style(
        ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar()),
    )
}

/// A column that stands for itself and for a label, or twice, would be refused row by row: say so at once.
fn check_columns(target: &Target<'_>, rows: &Rows, flags: &CsvFlags) -> Result<()> {
    let given = |name: &&String| {
        target.labels.contains_key(*name) || target.device.is_some() && *name == "device_id"
    };
    if let Some(name) = rows.fields().iter().find(given) {
        let message = format!("'{name}' is a column of the file and given by a flag too");
        return Err(Failure::usage(message).into());
    }
    if let Some((name, _)) = flags.types.iter().find(|(name, _)| !rows.fields().contains(name)) {
        let columns = rows.fields().join(", ");
        return Err(Failure::usage(format!("--type {name}: the file has no such column"))
            .remedy(format!("its columns are {columns}"))
            .into());
    }
    Ok(())
}

/// The types that the namespace's fields have already, as far as the token lets us see.
fn declared_types(target: &Target<'_>) -> Result<serde_json::Value> {
    let call = Call::get(&["namespaces", ""]).with("name", &target.namespace);
    let sent = target.session.as_project(target.project, call);
    match sent {
        Err(error) if error.downcast_ref::<Failure>().is_some_and(|f| f.http == 403) => {
            Ok(serde_json::Value::Null)
        }
        sent => {
            let reply = with_remedy(sent, 404, "see `iobeam namespace list`")?.json()?;
            let list = reply["namespaces"].as_array().cloned().unwrap_or_default();
            let ours = list.into_iter().find(|space| space["namespace_name"] == *target.namespace);
            Ok(ours.map(|mut space| space["fields"].take()).unwrap_or_default())
        }
    }
}

fn tell(target: &Target<'_>, progress: &Progress) -> Result<()> {
    let Progress { stored, repeated, batches } = *progress;
    if target.session.out.wants_json() {
        return target
            .session
            .out
            .json(&json!({"stored": stored, "stored_before": repeated, "requests": batches}));
    }
    let before =
        if repeated > 0 { format!("; {repeated} were there before") } else { String::new() };
    target.session.out.done(&format!(
        "{stored} rows stored in '{}' of project {}{before}",
        target.namespace, target.project
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_that_a_refusal_names_is_found() {
        assert_eq!(row_named_in("data.values[17][2]: not a number"), Some(17));
        assert_eq!(row_named_in("sources.data[3][1]: not a number"), Some(3));
        assert_eq!(row_named_in("no such namespace"), None);
    }

    #[test]
    fn a_refusal_is_told_with_the_line_and_how_to_go_on() {
        let row = |line| Row { line, micros: 0, cells: Vec::new() };
        let refused = Failure::refused(400, 1, "wrong type", "data.values[1][1]: 'x'");
        let told = located(refused.into(), &[row(5002), row(5003)]);
        let told = going_on(told, 5000);
        insta::assert_snapshot!(told, @"wrong type (data.values[1][1]: 'x'; line 5003 of the file; the 5000 rows before are stored)");
        let failure = told.downcast::<Failure>().expect("still a failure");
        assert_eq!(failure.known_remedy(), Some("go on with --skip-rows 5000"));
    }

    #[test]
    fn only_passing_trouble_is_tried_again() {
        assert!(is_passing(&Failure::refused(503, 1, "busy", "").into()));
        assert!(is_passing(&Failure::new("cannot reach").into()));
        assert!(!is_passing(&Failure::refused(400, 1, "wrong", "").into()));
    }
}
