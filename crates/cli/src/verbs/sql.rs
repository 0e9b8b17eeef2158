//! `iobeam sql`: a question in SQL over the namespaces of a project.
//!
//! ```text
//! text │ --file │ stdin ─▶ POST /v1/sql ─▶ table (terminal), json, csv, arrow, parquet ─▶ stdout │ -o FILE
//! ```

use std::fs::{self, File};
use std::io::{self, IsTerminal, Read, Write};

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde_json::{Value, json};

use super::query::{answer, grid};
use crate::api::Call;
use crate::failure::Failure;
use crate::session::{ProjectFlag, Session};
use crate::value;

/// What to ask.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    iobeam sql 'SELECT * FROM input ORDER BY time DESC LIMIT 5'\n  \
    iobeam sql 'SELECT max(temperature) FROM input WHERE device_id = $1' --param my-dev\n  \
    iobeam sql --format csv 'SELECT * FROM input' | iobeam import --csv - --project-id 7\n  \
    iobeam sql --format parquet -o readings.parquet 'SELECT * FROM input'\n  \
    iobeam sql < question.sql")]
pub(crate) struct Sql {
    #[command(flatten)]
    project: ProjectFlag,
    /// The question; read from standard input when left out
    #[arg(value_name = "SQL", conflicts_with = "file")]
    text: Option<String>,
    /// Read the question from a file
    #[arg(long, value_name = "FILE")]
    file: Option<String>,
    /// A value for $1, $2 and so on
    #[arg(long = "param", value_name = "VALUE", allow_hyphen_values = true)]
    params: Vec<String>,
    /// The form of the answer; a table on a terminal and JSON elsewhere when left out
    #[arg(long, value_enum, value_name = "FORM")]
    format: Option<Format>,
    /// How JSON and CSV write times: sec, msec, usec, timeval or iso. When left out, msec in JSON and iso in CSV, which
    /// `iobeam import --csv` reads back to the microsecond
    #[arg(long, alias = "time-fmt", alias = "timeFmt", value_name = "UNIT")]
    timefmt: Option<String>,
    /// Write the answer to this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<String>,
}

/// The form of an answer.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Csv,
    Arrow,
    Parquet,
}

impl Format {
    /// As the server calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Table | Self::Json => "json",
            Self::Csv => "csv",
            Self::Arrow => "arrow",
            Self::Parquet => "parquet",
        }
    }

    fn of_file(name: &str) -> Option<Self> {
        let (_, ending) = name.rsplit_once('.')?;
        Some(match ending.to_ascii_lowercase().as_str() {
            "csv" => Self::Csv,
            "arrow" | "arrows" | "ipc" => Self::Arrow,
            "parquet" => Self::Parquet,
            "json" => Self::Json,
            _ => return None,
        })
    }
}

impl Sql {
    /// Asks, and shows or keeps the answer.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let project = session.project(self.project)?;
        let format = self.format(session);
        let is_binary = matches!(format, Format::Arrow | Format::Parquet);
        if is_binary && self.output.is_none() && session.out.is_terminal() {
            return Err(Failure::usage("the answer would be bytes on your terminal")
                .remedy("write it to a file: -o FILE")
                .into());
        }
        let params = self.params.iter().map(|text| value::parse(text));
        let params = params.collect::<Result<Vec<Value>, String>>();
        let params = params.map_err(|error| Failure::usage(format!("--param {error}")))?;
        let request = json!({"query": self.question()?, "params": params});
        let mut call = Call::post(&["sql"]).with("format", format.name()).json(&request)?;
        let time_format = match format {
            Format::Table => Some("usec"),
            Format::Csv => Some(self.timefmt.as_deref().unwrap_or("iso")),
            Format::Json | Format::Arrow | Format::Parquet => self.timefmt.as_deref(),
        };
        call = call.with_some("timefmt", time_format);
        if let Some(path) = &self.output {
            return keep(session, project, call, path);
        }
        if format == Format::Table {
            let reply = session.as_project(project, call)?.json()?;
            return session.out.table(&grid(&answer(&reply)?, true), "no rows");
        }
        let auth = session.project_auth(project)?;
        let (_, _, mut reader) = session.explain(project, session.api.open(&call.by(auth)))?;
        pour(&mut reader, &mut io::stdout().lock())?;
        if format == Format::Json { session.out.line("") } else { Ok(()) }
    }

    fn format(&self, session: &Session) -> Format {
        let by_name = self.output.as_deref().and_then(Format::of_file);
        match self.format.or(by_name) {
            Some(format) => format,
            None if session.out.is_terminal()
                && !session.out.wants_json()
                && self.output.is_none() =>
            {
                Format::Table
            }
            None => Format::Json,
        }
    }

    fn question(&self) -> Result<String> {
        let text = match (&self.text, &self.file) {
            (Some(text), _) => text.clone(),
            (None, Some(path)) => {
                fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?
            }
            (None, None) => {
                if io::stdin().is_terminal() {
                    return Err(Failure::usage("there is no question")
                        .remedy("iobeam sql 'SELECT * FROM input LIMIT 5'")
                        .into());
                }
                io::read_to_string(io::stdin()).context("cannot read standard input")?
            }
        };
        // Editors on Windows begin a file with a byte order mark.
        let text = text.trim_start_matches('\u{feff}');
        if text.trim().is_empty() {
            return Err(Failure::usage("the question is empty").into());
        }
        Ok(text.to_owned())
    }
}

/// Writes the answer to a file, which appears under its name only when it is whole.
fn keep(session: &Session, project: u32, call: Call, path: &str) -> Result<()> {
    let auth = session.project_auth(project)?;
    let (_, _, mut reader) = session.explain(project, session.api.open(&call.by(auth)))?;
    let unfinished = format!("{path}.part");
    let written = File::create(&unfinished).map_err(anyhow::Error::from).and_then(|mut file| {
        let bytes = pour(&mut reader, &mut file)?;
        fs::rename(&unfinished, path)?;
        Ok(bytes)
    });
    if written.is_err() {
        drop(fs::remove_file(&unfinished));
    }
    let bytes = written.with_context(|| format!("cannot write {path}"))?;
    if session.out.wants_json() {
        return session.out.json(&json!({"file": path, "bytes": bytes}));
    }
    session.out.done(&format!("{path}: {}", indicatif::HumanBytes(bytes)))
}

fn pour(from: &mut impl Read, to: &mut impl Write) -> Result<u64> {
    let bytes = io::copy(from, to)?;
    to.flush()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_ending_tells_the_form() {
        assert!(Format::of_file("a.b.CSV") == Some(Format::Csv));
        assert!(Format::of_file("x.parquet") == Some(Format::Parquet));
        assert!(Format::of_file("readings").is_none());
    }
}
