//! `iobeam namespace`: the tables of a project and their fields.

use anyhow::Result;
use iobeam_model::{FieldType, Retention};
use serde_json::{Map, Value, json};

use crate::api::Call;
use crate::ask;
use crate::failure::Failure;
use crate::output::{Grid, date, moment, plain, text};
use crate::session::{ProjectFlag, Session};
use crate::value;

use correct::{Corrections, DeleteRows, DropField, Quarantine, RenameField, RetypeField, Truncate};

mod correct;

/// The verbs of namespaces.
#[derive(clap::Subcommand)]
pub(crate) enum Namespace {
    /// Make a namespace
    Create(Create),
    /// Show a namespace; with --stats also how many rows it has, and from when to when
    Get(Get),
    /// List the namespaces and their fields
    #[command(visible_alias = "ls")]
    List(List),
    /// Add fields, add or change labels, change the retention
    Update(Update),
    /// Delete a namespace for good, with all its rows
    Delete(Delete),
    /// Delete rows by time, device and conditions
    DeleteRows(DeleteRows),
    /// Delete all rows of a namespace; its fields and labels stay
    Truncate(Truncate),
    /// Give a field another name
    RenameField(RenameField),
    /// Give a field another type; values that do not convert are kept aside
    RetypeField(RetypeField),
    /// Delete a field with all its values
    DropField(DropField),
    /// List the corrections of a namespace
    Corrections(Corrections),
    /// List the values that a correction could not convert
    Quarantine(Quarantine),
}

/// A new namespace.
#[derive(clap::Args)]
pub(crate) struct Create {
    #[command(flatten)]
    project: ProjectFlag,
    /// Its name
    #[arg(long, value_name = "NAME")]
    name: String,
    /// The field that tells whose row it is, such as device_id; it must be among the fields
    #[arg(long, alias = "partitioningField", value_name = "NAME")]
    partitioning_field: String,
    /// A field and its type: DOUBLE, LONG, BOOLEAN or STRING
    #[arg(long = "field", value_name = "NAME:TYPE", required = true, value_parser = field)]
    fields: Vec<(String, FieldType)>,
    /// A label
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = value::label)]
    labels: Vec<(String, Value)>,
    /// How long its rows are kept: 30d, 12h, P30D ..; none for ever [default: the server's setting]
    #[arg(long, value_name = "TIME", value_parser = retention)]
    retention: Option<Retention>,
}

/// Which namespace.
#[derive(clap::Args)]
pub(crate) struct Get {
    #[command(flatten)]
    project: ProjectFlag,
    /// The namespace's number
    #[arg(long, required_unless_present = "name", conflicts_with = "name")]
    id: Option<u32>,
    /// The namespace's name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Count its rows, files and bytes as well
    #[arg(long)]
    stats: bool,
}

/// Of which project.
#[derive(clap::Args)]
pub(crate) struct List {
    #[command(flatten)]
    project: ProjectFlag,
}

/// What to add.
#[derive(clap::Args)]
pub(crate) struct Update {
    #[command(flatten)]
    project: ProjectFlag,
    /// The namespace's number; `iobeam namespace list` shows it
    #[arg(long)]
    id: u32,
    /// A new field and its type
    #[arg(long = "field", value_name = "NAME:TYPE", value_parser = field, required_unless_present_any = ["labels", "retention"])]
    fields: Vec<(String, FieldType)>,
    /// A label, new or changed
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = value::label)]
    labels: Vec<(String, Value)>,
    /// How long its rows are kept from now on: 30d, 12h, P30D ..; none for ever, default as the server's setting says.
    /// Rows that are past it are gone at once
    #[arg(long, value_name = "TIME", value_parser = retention)]
    retention: Option<Retention>,
}

/// Which namespace goes.
#[derive(clap::Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    project: ProjectFlag,
    /// The namespace's number; `iobeam namespace list` shows it
    #[arg(long)]
    id: u32,
    /// Do not ask for its name
    #[arg(long)]
    yes: bool,
}

/// Reads a retention.
fn retention(text: &str) -> Result<Retention, String> {
    text.parse().map_err(|error| format!("{error}"))
}

/// Reads `name:TYPE`.
fn field(text: &str) -> Result<(String, FieldType), String> {
    let Some((name, kind)) = text.rsplit_once(':') else {
        return Err(String::from("write it as NAME:TYPE"));
    };
    let name =
        name.parse::<iobeam_model::FieldName>().map_err(|error| format!("'{name}': {error}"))?;
    Ok((name.to_string(), kind.parse().map_err(|error| format!("{error}"))?))
}

impl Namespace {
    /// Does what the verb says.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        match self {
            Self::Create(create) => create.run(session),
            Self::Get(get) => get.run(session),
            Self::List(list) => list.run(session),
            Self::Update(update) => update.run(session),
            Self::Delete(delete) => delete.run(session),
            Self::DeleteRows(rows) => rows.run(session),
            Self::Truncate(truncate) => truncate.run(session),
            Self::RenameField(rename) => rename.run(session),
            Self::RetypeField(retype) => retype.run(session),
            Self::DropField(drop) => drop.run(session),
            Self::Corrections(corrections) => corrections.run(session),
            Self::Quarantine(quarantine) => quarantine.run(session),
        }
    }
}

impl Create {
    fn run(self, session: &Session) -> Result<()> {
        let project = session.project(self.project)?;
        let mut fields = Map::new();
        add_fields(&mut fields, &self.fields)?;
        let labels: Map<_, _> = self.labels.into_iter().collect();
        let labels = if labels.is_empty() { Value::Null } else { labels.into() };
        let request = json!({"project_id": project, "namespace_name": self.name,
            "partitioning_field": self.partitioning_field, "fields": fields, "labels": labels,
            "retention": self.retention});
        let reply = session.as_project(project, Call::post(&["namespaces", ""]).json(&request)?)?;
        let location = reply.headers.get("location").and_then(|value| value.to_str().ok());
        let id = location.and_then(|location| location.trim_end_matches('/').rsplit('/').next());
        let id: Option<u32> = id.and_then(|id| id.parse().ok());
        if session.out.wants_json() {
            let body = reply.json()?;
            let made =
                json!({"namespace_id": id, "namespace_name": self.name, "project_id": project});
            return session.out.json(if body.is_object() { &body } else { &made });
        }
        let number = id.map(|id| format!(" ({id})")).unwrap_or_default();
        session.out.done(&format!("namespace '{}'{number} made in project {project}", self.name))
    }
}

fn add_fields(fields: &mut Map<String, Value>, more: &[(String, FieldType)]) -> Result<()> {
    for (name, kind) in more {
        if fields.insert(name.clone(), kind.name().into()).is_some() {
            return Err(Failure::usage(format!("field '{name}' is there already"))
                .remedy("`iobeam namespace retype-field` and `rename-field` change a field that is there")
                .into());
        }
    }
    Ok(())
}

impl Get {
    fn run(self, session: &Session) -> Result<()> {
        let project = session.project(self.project)?;
        let mut space = match (self.id, self.name) {
            (Some(id), _) => {
                session.as_project(project, Call::get(&["namespaces", &id.to_string()]))?.json()?
            }
            (None, name) => {
                let wanted = name.clone().unwrap_or_default();
                let call = Call::get(&["namespaces", ""]).with_some("name", name);
                let list = session.as_project(project, call)?.json()?;
                let found = list["namespaces"].get(0).cloned();
                found.ok_or_else(|| {
                    Failure::new(format!("there is no namespace '{wanted}' in project {project}"))
                        .remedy("`iobeam namespace list` shows those there are")
                })?
            }
        };
        if self.stats {
            let id = text(&space, "namespace_id");
            let call = Call::get(&["namespaces", &id, "statistics"]);
            space["statistics"] = session.as_project(project, call)?.json()?;
        }
        if session.out.wants_json() {
            return session.out.json(&space);
        }
        let stats = &space["statistics"];
        session.out.record(&[
            ("namespace", text(&space, "namespace_name")),
            ("id", text(&space, "namespace_id")),
            ("project", text(&space, "project_id")),
            ("partitioned by", text(&space, "partitioning_field")),
            ("fields", pairs(&space["fields"], ":")),
            ("labels", pairs(&space["labels"], "=")),
            ("retention", kept(&space)),
            ("created", date(&space["created"])),
            ("rows", text(stats, "rows")),
            ("first row", moment(&stats["first_time"])),
            ("last row", moment(&stats["last_time"])),
            ("kept from", moment(&stats["keep_from"])),
            ("rows in memory", text(stats, "memory_rows")),
            ("Parquet files", text(stats, "files")),
            ("bytes in them", text(stats, "bytes")),
        ])
    }
}

/// How long rows are kept, in words.
fn kept(space: &Value) -> String {
    let (own, effective) = (text(space, "retention"), text(space, "effective_retention"));
    let effective = if effective == "none" { String::from("for ever") } else { effective };
    if own == "default" { format!("{effective} (the server's default)") } else { effective }
}

impl List {
    fn run(self, session: &Session) -> Result<()> {
        let project = session.project(self.project)?;
        let reply = session.as_project(project, Call::get(&["namespaces", ""]))?.json()?;
        if session.out.wants_json() {
            return session.out.json(&reply);
        }
        let mut grid =
            Grid::new(["id", "namespace", "partitioned by", "retention", "fields", "labels"])
                .right([0]);
        for space in reply["namespaces"].as_array().into_iter().flatten() {
            grid.row(vec![
                text(space, "namespace_id"),
                text(space, "namespace_name"),
                text(space, "partitioning_field"),
                text(space, "effective_retention"),
                pairs(&space["fields"], ":"),
                pairs(&space["labels"], "="),
            ]);
        }
        session.out.table(&grid, "no namespaces")
    }
}

fn pairs(object: &Value, between: &str) -> String {
    let members = object.as_object().into_iter().flatten();
    members
        .map(|(name, value)| format!("{name}{between}{}", plain(value)))
        .collect::<Vec<_>>()
        .join(" ")
}

impl Update {
    fn run(self, session: &Session) -> Result<()> {
        let project = session.project(self.project)?;
        let id = self.id.to_string();
        let mut space = session.as_project(project, Call::get(&["namespaces", &id]))?.json()?;
        if let Some(fields) = space["fields"].as_object_mut() {
            add_fields(fields, &self.fields)?;
        }
        if let Some(labels) = space["labels"].as_object_mut() {
            labels.extend(self.labels);
        }
        if let Some(retention) = self.retention {
            space["retention"] = json!(retention);
        }
        let call = Call::new(ureq::http::Method::PUT, &["namespaces", &id]).json(&space)?;
        session.as_project(project, call)?;
        if session.out.wants_json() {
            return session.out.json(&space);
        }
        session.out.done(&format!("namespace '{}' changed", text(&space, "namespace_name")))
    }
}

impl Delete {
    fn run(self, session: &Session) -> Result<()> {
        let project = session.project(self.project)?;
        let id = self.id.to_string();
        let space = session.as_project(project, Call::get(&["namespaces", &id]))?.json()?;
        let name = text(&space, "namespace_name");
        if !self.yes {
            let question = format!(
                "Namespace '{name}' of project {project} goes for good, with all its rows."
            );
            ask::typed(&question, &name)?;
        }
        session.as_project(project, Call::delete(&["namespaces", &id]))?;
        if session.out.wants_json() {
            return session.out.json(&json!({"namespace_id": self.id, "deleted": true}));
        }
        session.out.done(&format!("namespace '{name}' is gone, with all its rows"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_written_with_its_type() {
        assert_eq!(field("temp:double"), Ok((String::from("temp"), FieldType::Double)));
        insta::assert_snapshot!(field("time:LONG").expect_err("reserved"), @"'time': 'time' is reserved (in any letter case); choose another name");
        insta::assert_snapshot!(field("a:INT").expect_err("unknown"), @"unknown field type 'INT'; use DOUBLE, LONG, BOOLEAN or STRING");
        assert!(field("a").is_err());
    }

    #[test]
    fn a_field_that_is_there_is_not_added_again() {
        let mut fields = Map::from_iter([(String::from("a"), json!("LONG"))]);
        assert!(add_fields(&mut fields, &[(String::from("a"), FieldType::Double)]).is_err());
        assert!(add_fields(&mut fields, &[(String::from("b"), FieldType::Double)]).is_ok());
    }
}
