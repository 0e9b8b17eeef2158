//! `iobeam doctor`: looks at a data directory while no server has it open.
//!
//! Exit status: 0 all is sound, 1 something was found, 2 it could not be looked at.

use std::path::{Path, PathBuf};

use anyhow::Result;
use iobeam_model::{NamespaceName, ProjectId};
use iobeam_server::doctor::{Diagnosis, attach, examine};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::Output;

/// Which folder.
#[derive(clap::Args)]
pub(crate) struct Doctor {
    /// The data directory; no server may have it open
    #[arg(value_name = "DIR", required_unless_present = "data_dir")]
    dir: Option<PathBuf>,
    /// The same, as 'iobeam serve' takes it
    #[arg(long, value_name = "DIR", env = "IOBEAM_DATA_DIR", hide_env_values = true)]
    data_dir: Option<PathBuf>,
    /// Move what cannot be read into set-aside/, so that a server can start; nothing is deleted
    #[arg(long)]
    repair: bool,
    /// Give a table that the catalog does not know to a project; named as its folder in lake/ is, such as 2/input
    #[arg(long, value_name = "TABLE", requires = "to", conflicts_with = "repair")]
    attach: Option<String>,
    /// The project and the name under which it can be asked for then
    #[arg(long, value_name = "PROJECT/NAMESPACE", requires = "attach")]
    to: Option<String>,
}

impl Doctor {
    /// Does what the verb says.
    pub(crate) fn run(self, out: Output) -> Result<()> {
        let mut progress = |what: &str| {
            if out.talks_to_a_person() {
                out.note(&format!("looking at {what}"));
            }
        };
        let dir = self.dir.or(self.data_dir).unwrap_or_default();
        if let (Some(table), Some(to)) = (&self.attach, &self.to) {
            return attach(&dir, table, to, out);
        }
        let found = examine(&dir, self.repair, &mut progress).map_err(|error| {
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

/// Gives a table to a project.
fn attach(dir: &Path, table: &str, to: &str, out: Output) -> Result<()> {
    let wrong = |text: &str, form: &str| {
        Failure::usage(format!("'{text}' is not {form}")).remedy("iobeam doctor names such tables")
    };
    let known = || {
        let (project, name) = table.split_once('/')?;
        Some((ProjectId::new(project.parse().ok()?)?, name.parse().ok()?))
    };
    let known = known().ok_or_else(|| wrong(table, "a table, such as 2/input"))?;
    let target = || {
        let (project, name) = to.rsplit_once('/')?;
        Some((project, name.parse::<NamespaceName>().ok()?))
    };
    let (project, name) =
        target().ok_or_else(|| wrong(to, "a project and a namespace, such as greenhouse/old"))?;
    let rows = attach::attach(dir, &known, (project, &name)).map_err(|error| {
        Failure::usage(error.to_string())
            .remedy("name the data directory of a server that is stopped, a table of it that 'iobeam doctor' lists, and a namespace that has no rows")
    })?;
    if out.wants_json() {
        return out.json(&json!({"attached": table, "to": to, "rows": rows}));
    }
    out.done(&format!("{rows} rows of {table} are {to} now"))
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
