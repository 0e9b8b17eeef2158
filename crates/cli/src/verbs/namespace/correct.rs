//! `iobeam namespace delete-rows`, `truncate`, `rename-field`, `retype-field`, `drop-field`: what is stored, corrected.
//!
//! ```text
//! count (dry run) ─▶ sure? ─▶ order ─ 202 ─▶ look how far it is, with a bar, until it is done
//! ```

use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use iobeam_model::FieldType;
use serde_json::{Value, json};

use crate::api::Call;
use crate::ask;
use crate::failure::Failure;
use crate::output::{Grid, moment, plain, text};
use crate::session::{ProjectFlag, Session};

/// How often a correction is looked at.
const PAUSE: Duration = Duration::from_millis(500);

/// Of which namespace.
#[derive(clap::Args)]
pub(crate) struct Which {
    #[command(flatten)]
    project: ProjectFlag,
    /// The namespace's number
    #[arg(long, required_unless_present = "name", conflicts_with = "name")]
    id: Option<u32>,
    /// The namespace's name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

/// Which rows go.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("rows").required(true).multiple(true).args(["from", "to", "devices", "conditions"]))]
pub(crate) struct DeleteRows {
    #[command(flatten)]
    which: Which,
    /// From this time on: milliseconds since 1970, 2026-01-31T12:00:00Z, or now()-2h
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Up to and including this time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Rows of this device (or other value of the partitioning field); may be given several times
    #[arg(long = "device", value_name = "ID")]
    devices: Vec<String>,
    /// A condition such as 'lt(temperature,-40)'; all of them must hold
    #[arg(long = "where", value_name = "CONDITION")]
    conditions: Vec<String>,
    /// Only count the rows
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Which namespace is emptied.
#[derive(clap::Args)]
pub(crate) struct Truncate {
    #[command(flatten)]
    which: Which,
    /// Only count the rows
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for its name
    #[arg(long)]
    yes: bool,
}

/// A field and its new name.
#[derive(clap::Args)]
pub(crate) struct RenameField {
    #[command(flatten)]
    which: Which,
    /// The field
    #[arg(long, value_name = "NAME")]
    field: String,
    /// Its new name
    #[arg(long, value_name = "NAME")]
    to: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// A field and its new type.
#[derive(clap::Args)]
pub(crate) struct RetypeField {
    #[command(flatten)]
    which: Which,
    /// The field
    #[arg(long, value_name = "NAME")]
    field: String,
    /// Its new type: DOUBLE, LONG, BOOLEAN or STRING
    #[arg(long = "type", value_name = "TYPE")]
    kind: FieldType,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// A field that goes.
#[derive(clap::Args)]
pub(crate) struct DropField {
    #[command(flatten)]
    which: Which,
    /// The field
    #[arg(long, value_name = "NAME")]
    field: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Whose corrections.
#[derive(clap::Args)]
pub(crate) struct Corrections {
    #[command(flatten)]
    which: Which,
}

/// Whose values.
#[derive(clap::Args)]
pub(crate) struct Quarantine {
    #[command(flatten)]
    which: Which,
    /// The correction's number; `iobeam namespace corrections` shows it
    #[arg(long, value_name = "NUMBER")]
    correction: u64,
    /// At most so many values
    #[arg(long, default_value_t = 1000)]
    limit: usize,
    /// How many to pass over
    #[arg(long, default_value_t = 0)]
    offset: usize,
}

/// A namespace that was found.
struct Space<'s> {
    session: &'s Session,
    project: u32,
    id: String,
    name: String,
}

impl Which {
    fn find(self, session: &Session) -> Result<Space<'_>> {
        let project = session.project(self.project)?;
        let space = match (self.id, self.name) {
            (Some(id), _) => {
                session.as_project(project, Call::get(&["namespaces", &id.to_string()]))?.json()?
            }
            (None, name) => {
                let wanted = name.clone().unwrap_or_default();
                let call = Call::get(&["namespaces", ""]).with_some("name", name);
                let list = session.as_project(project, call)?.json()?;
                list["namespaces"].get(0).cloned().ok_or_else(|| {
                    Failure::new(format!("there is no namespace '{wanted}' in project {project}"))
                        .remedy("`iobeam namespace list` shows those there are")
                })?
            }
        };
        let (id, name) = (text(&space, "namespace_id"), text(&space, "namespace_name"));
        Ok(Space { session, project, id, name })
    }
}

impl Space<'_> {
    fn ask(&self, call: Call) -> Result<Value> {
        self.session.as_project(self.project, call)?.json()
    }

    /// Orders a correction, and waits for its end.
    fn order(&self, call: Call) -> Result<Value> {
        let mut correction = self.ask(call)?;
        let number = text(&correction, "correction_id");
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{bar:30} {pos} of {len} files, {elapsed}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        while text(&correction, "state") == "RUNNING" {
            sleep(PAUSE);
            let call = Call::get(&["namespaces", &self.id, "corrections", &number]);
            correction = self.ask(call)?;
            bar.set_length(correction["files"].as_u64().unwrap_or(0));
            bar.set_position(correction["files_done"].as_u64().unwrap_or(0));
        }
        bar.finish_and_clear();
        if text(&correction, "state") == "FAILED" {
            return Err(Failure::new(text(&correction, "problem")).into());
        }
        Ok(correction)
    }

    /// Says what a correction did.
    fn tell(&self, correction: &Value, what: &str) -> Result<()> {
        let out = self.session.out;
        if out.wants_json() {
            return out.json(correction);
        }
        out.done(what)?;
        let quarantined = correction["quarantined"].as_u64().unwrap_or(0);
        if quarantined > 0 {
            out.note(&format!(
                "{quarantined} values do not convert and are kept aside: `iobeam namespace quarantine --id {} --correction {}` lists them",
                self.id,
                text(correction, "correction_id")
            ));
        }
        Ok(())
    }
}

impl DeleteRows {
    /// Counts the rows, asks, and deletes them.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let space = self.which.find(session)?;
        let path = ["namespaces", &*space.id, "rows", "delete"];
        let mut body =
            json!({"from": self.from, "to": self.to, "where": self.conditions, "dry_run": true});
        if !self.devices.is_empty() {
            body["devices"] = json!(self.devices);
        }
        if self.dry_run || !self.yes {
            let counted = space.ask(Call::post(&path).json(&body)?)?;
            let rows = text(&counted, "rows");
            if self.dry_run {
                if session.out.wants_json() {
                    return session.out.json(&counted);
                }
                return session
                    .out
                    .done(&format!("{rows} rows of '{}' match; nothing was deleted", space.name));
            }
            let question = format!("Delete {rows} rows of namespace '{}' for good", space.name);
            if !ask::sure(&question)? {
                return Err(Failure::new("nothing was deleted").into());
            }
        }
        body["dry_run"] = json!(false);
        let done = space.order(Call::post(&path).json(&body)?)?;
        let rows = text(&done, "rows");
        space.tell(&done, &format!("{rows} rows of '{}' are deleted", space.name))
    }
}

impl Truncate {
    /// Counts the rows, asks for the name, and deletes them all.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let space = self.which.find(session)?;
        let path = ["namespaces", &*space.id, "truncate"];
        if self.dry_run || !self.yes {
            let counted = space.ask(Call::post(&path).json(&json!({"dry_run": true}))?)?;
            let rows = text(&counted, "rows");
            if self.dry_run {
                if session.out.wants_json() {
                    return session.out.json(&counted);
                }
                return session
                    .out
                    .done(&format!("'{}' has {rows} rows; nothing was deleted", space.name));
            }
            let question = format!(
                "All {rows} rows of namespace '{}' go for good; its fields stay.",
                space.name
            );
            ask::typed(&question, &space.name)?;
        }
        let done = space.ask(Call::post(&path).json(&json!({}))?)?;
        let rows = text(&done, "rows");
        space.tell(&done, &format!("namespace '{}' is empty; {rows} rows are deleted", space.name))
    }
}

impl RenameField {
    /// Renames a field.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let space = self.which.find(session)?;
        let (field, to) = (self.field, self.to);
        let question = format!("Rename field '{field}' of namespace '{}' to '{to}'", space.name);
        if !self.yes && !ask::sure(&question)? {
            return Err(Failure::new("nothing was renamed").into());
        }
        let call = Call::patch(&["namespaces", &space.id, "fields", &field]);
        let done = space.order(call.json(&json!({"name": to}))?)?;
        space.tell(&done, &format!("field '{field}' is '{to}' now"))
    }
}

impl RetypeField {
    /// Converts a field.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let space = self.which.find(session)?;
        let (field, kind) = (self.field, self.kind);
        let question = format!("Convert field '{field}' of namespace '{}' to {kind}", space.name);
        if !self.yes && !ask::sure(&question)? {
            return Err(Failure::new("nothing was converted").into());
        }
        let call = Call::patch(&["namespaces", &space.id, "fields", &field]);
        let done = space.order(call.json(&json!({"type": kind}))?)?;
        space.tell(&done, &format!("field '{field}' is {kind} now"))
    }
}

impl DropField {
    /// Drops a field.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let space = self.which.find(session)?;
        let field = self.field;
        if !self.yes {
            let question = format!(
                "Field '{field}' of namespace '{}' goes for good, with all its values.",
                space.name
            );
            ask::typed(&question, &field)?;
        }
        let call = Call::delete(&["namespaces", &space.id, "fields", &field]);
        let done = space.order(call)?;
        space.tell(&done, &format!("field '{field}' is gone"))
    }
}

impl Corrections {
    /// Lists the corrections of a namespace.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let space = self.which.find(session)?;
        let list = space.ask(Call::get(&["namespaces", &space.id, "corrections"]))?;
        if session.out.wants_json() {
            return session.out.json(&list);
        }
        let mut grid = Grid::new([
            "number",
            "action",
            "field",
            "to",
            "state",
            "rows",
            "quarantined",
            "ordered",
            "problem",
        ])
        .right([0, 5, 6]);
        for one in list["corrections"].as_array().into_iter().flatten() {
            let members = [
                "correction_id",
                "action",
                "field",
                "to",
                "state",
                "rows",
                "quarantined",
                "ordered",
                "problem",
            ];
            grid.row(members.iter().map(|member| text(one, member)).collect());
        }
        session.out.table(&grid, "no corrections")
    }
}

impl Quarantine {
    /// Lists the values that a correction could not convert.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let space = self.which.find(session)?;
        let number = self.correction.to_string();
        let call = Call::get(&["namespaces", &space.id, "corrections", &number, "quarantine"])
            .with("limit", self.limit)
            .with("offset", self.offset);
        let list = space.ask(call)?;
        if session.out.wants_json() {
            return session.out.json(&list);
        }
        let mut grid = Grid::new(["time", "device", "value"]);
        for one in list["values"].as_array().into_iter().flatten() {
            grid.row(vec![moment(&one["time"]), text(one, "device"), plain(&one["value"])]);
        }
        session.out.table(&grid, "every value converted")
    }
}
