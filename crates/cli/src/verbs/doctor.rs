//! `iobeam doctor`: looks at a data directory while no server has it open.
//!
//! Exit status: 0 all is sound, 1 something was found, 2 it could not be looked at.

use std::path::PathBuf;

use anyhow::Result;
use iobeam_server::doctor::{Diagnosis, examine};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::Output;

/// Which folder.
#[derive(clap::Args)]
pub(crate) struct Doctor {
    /// The data directory; no server may have it open
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Move what cannot be read into set-aside/, so that a server can start; nothing is deleted
    #[arg(long)]
    repair: bool,
}

impl Doctor {
    /// Does what the verb says.
    pub(crate) fn run(self, out: Output) -> Result<()> {
        let mut progress = |what: &str| {
            if out.talks_to_a_person() {
                out.note(&format!("looking at {what}"));
            }
        };
        let found = examine(&self.dir, self.repair, &mut progress).map_err(|error| {
            Failure::usage(error.to_string()).remedy(
                "name the data directory of a server that is stopped, as a user who may read it",
            )
        })?;
        if out.wants_json() {
            out.json(&told(&found))?;
        } else {
            show(&found, self.repair, out)?;
        }
        if found.is_sound() { Ok(()) } else { Err(Failure::found().into()) }
    }
}

fn told(found: &Diagnosis) -> Value {
    let findings: Vec<Value> = found
        .findings
        .iter()
        .map(|finding| {
            json!({"place": finding.place, "problem": finding.problem, "meaning": finding.meaning,
                "remedy": finding.remedy, "harmless": finding.harmless, "repaired": finding.repaired})
        })
        .collect();
    json!({"sound": found.is_sound(), "findings": findings, "records": found.records,
        "tables": found.tables, "files": found.files, "rows": found.rows})
}

fn show(found: &Diagnosis, repair: bool, out: Output) -> Result<()> {
    for finding in &found.findings {
        let word = if finding.harmless { "note" } else { "found" };
        out.line(&format!("{word}: {}: {}", finding.place.display(), finding.problem))?;
        out.line(&format!("  means: {}", finding.meaning))?;
        match &finding.repaired {
            Some(done) => out.line(&format!("  done: {done}"))?,
            None => out.line(&format!("  try: {}", finding.remedy))?,
        }
    }
    let Diagnosis { records, tables, files, rows, .. } = found;
    out.line(&format!(
        "{records} records of the log, {tables} tables, {files} Parquet files with {rows} rows are sound"
    ))?;
    let matters = found.findings.iter().filter(|finding| !finding.harmless).count();
    let mended = found.findings.iter().filter(|finding| finding.repaired.is_some()).count();
    match (matters, repair) {
        (0, _) => out.done("nothing is wrong"),
        (_, true) => out.line(&format!("{matters} findings, {mended} of them repaired")),
        _ => out.line(&format!("{matters} findings")),
    }
}
