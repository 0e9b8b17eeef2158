//! `iobeam project`: projects, who may do what in them, and the token the command works with.

use std::collections::BTreeMap;

use anyhow::Result;
use clap::ArgAction::Set;
use serde_json::{Value, json};

use crate::api::Call;
use crate::args::truth;
use crate::ask;
use crate::failure::Failure;
use crate::output::{Grid, date, text};
use crate::session::{ProjectFlag, Session, until};
use crate::state::{Token, rights};

/// The verbs of projects.
#[derive(clap::Subcommand)]
pub(crate) enum Project {
    /// Make a project and work in it
    Create(Create),
    /// Show a project
    Get(Get),
    /// List your projects
    #[command(visible_alias = "ls")]
    List,
    /// Rename a project, or let devices register themselves
    Update(Update),
    /// Delete a project for good, with its devices, tokens, dashboards and all its rows
    Delete(Delete),
    /// Show who may do what
    Permissions(Id),
    /// Add a user, change what a user may do, or remove one
    AddUser(AddUser),
    /// Work in another project
    Switch(Switch),
    /// Fetch a token for a project and work with it
    Token(FetchToken),
}

/// A set of rights, as three flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct Rights {
    /// May see devices and query readings
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false",
        value_name = "BOOL", hide_default_value = true, value_parser = truth, action = Set)]
    pub(crate) read: bool,
    /// May register devices and send readings
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false",
        value_name = "BOOL", hide_default_value = true, value_parser = truth, action = Set)]
    pub(crate) write: bool,
    /// May change namespaces, members and tokens
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false",
        value_name = "BOOL", hide_default_value = true, value_parser = truth, action = Set)]
    pub(crate) admin: bool,
}

/// A new project.
#[derive(clap::Args)]
pub(crate) struct Create {
    /// Its name, unique on the server
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Print the token
    #[arg(long)]
    show_token: bool,
}

/// Which project.
#[derive(clap::Args)]
pub(crate) struct Id {
    /// The project; the active one when left out
    #[arg(long)]
    id: Option<u32>,
}

/// Which project, by number or name.
#[derive(clap::Args)]
pub(crate) struct Get {
    #[command(flatten)]
    id: Id,
    /// The project's name
    #[arg(long, value_name = "NAME", conflicts_with = "id")]
    name: Option<String>,
}

/// What to change.
#[derive(clap::Args)]
pub(crate) struct Update {
    #[command(flatten)]
    id: Id,
    /// New name
    #[arg(long, value_name = "NAME", required_unless_present = "auto_register")]
    name: Option<String>,
    /// Whether unknown devices are registered at their first import
    #[arg(long, value_name = "BOOL", value_parser = truth, action = Set)]
    auto_register: Option<bool>,
}

/// Which project goes.
#[derive(clap::Args)]
pub(crate) struct Delete {
    /// The project
    #[arg(long)]
    id: u32,
    /// Do not ask for its name
    #[arg(long)]
    yes: bool,
}

/// Which user may do what. All false removes the user.
#[derive(clap::Args)]
pub(crate) struct AddUser {
    #[command(flatten)]
    id: Id,
    /// The user's number; `iobeam user get --name ...` shows it
    #[arg(long, alias = "userId", value_name = "ID")]
    user_id: u32,
    #[command(flatten)]
    rights: Rights,
    /// What becomes of the tokens of a user who is removed: `keep` them for the project, or `revoke` them; when left out,
    /// those of devices are kept and the others revoked
    #[arg(long, value_name = "WHAT", value_parser = ["keep", "revoke"])]
    tokens: Option<String>,
}

/// Which project, and with which token if there is none yet.
#[derive(clap::Args)]
pub(crate) struct Switch {
    /// The project
    #[arg(long)]
    id: u32,
    #[command(flatten)]
    rights: Rights,
}

/// Which project, and what the token may do.
#[derive(clap::Args)]
pub(crate) struct FetchToken {
    #[command(flatten)]
    id: Id,
    #[command(flatten)]
    rights: Rights,
    /// Print the token; without a permission, the one that this command works with already
    #[arg(long)]
    show_token: bool,
}

impl Project {
    /// Does what the verb says.
    pub(crate) fn run(self, session: &mut Session) -> Result<()> {
        match self {
            Self::Create(create) => create.run(session),
            Self::Get(get) => get.run(session),
            Self::List => list(session),
            Self::Update(update) => update.run(session),
            Self::Delete(delete) => delete.run(session),
            Self::Permissions(id) => permissions(session, &id),
            Self::AddUser(add) => add.run(session),
            Self::Switch(switch) => switch.run(session),
            Self::Token(token) => token.run(session),
        }
    }
}

impl Id {
    fn of(&self, session: &Session) -> Result<u32> {
        session.project(ProjectFlag { project_id: self.id })
    }
}

impl Create {
    fn run(self, session: &mut Session) -> Result<()> {
        let call = Call::post(&["projects"]).json(&json!({"project_name": self.name}))?;
        let mut project = session.as_user(call)?.json()?;
        let id = project["project_id"].as_u64().and_then(|id| id.try_into().ok());
        let Some(id) = id else {
            return Err(Failure::new("the server's reply names no project").into());
        };
        let token = session.fetch_token(id, true, true, true)?;
        session.adopt(&token)?;
        if session.out.wants_json() {
            if self.show_token {
                project["token"] = token.token.into();
            }
            return session.out.json(&project);
        }
        if self.show_token {
            return session.out.line(&token.token);
        }
        session
            .out
            .done(&format!("project {id} '{}' made; it is the active one now", self.name))?;
        session.out.hint("register a device: iobeam device create --id my-device");
        Ok(())
    }
}

impl Get {
    fn run(self, session: &Session) -> Result<()> {
        let project = if let Some(name) = self.name {
            session.as_user(Call::get(&["projects"]).with("name", name))?
        } else {
            let id = self.id.of(session)?.to_string();
            session.as_user(Call::get(&["projects", &id]))?
        };
        let project = project.json()?;
        if session.out.wants_json() {
            return session.out.json(&project);
        }
        let on = |value: &Value| value.as_bool().map(|on| if on { "yes" } else { "no" });
        session.out.record(&[
            ("project", text(&project, "project_id")),
            ("name", text(&project, "project_name")),
            ("created", date(&project["created"])),
            ("auto-register", on(&project["auto_register"]).unwrap_or_default().to_owned()),
        ])?;
        session.out.line("")?;
        session.out.table(&members(&project["permissions"]), "no members")
    }
}

fn list(session: &Session) -> Result<()> {
    let reply = session.as_user(Call::get(&["projects"]))?.json()?;
    if session.out.wants_json() {
        return session.out.json(&reply);
    }
    let mut grid = Grid::new(["", "id", "name", "you may", "created"]).right([1]);
    for project in reply["projects"].as_array().into_iter().flatten() {
        let active = project["project_id"] == session.profile.active_project;
        let may = |right: &str| project["permissions"][right].as_bool().unwrap_or(false);
        grid.row(vec![
            (if active { "*" } else { "" }).to_owned(),
            text(project, "project_id"),
            text(project, "project_name"),
            rights(may("read"), may("write"), may("admin")),
            date(&project["created"]),
        ]);
    }
    if grid.is_empty() {
        session.out.hint("make one: iobeam project create --name my-project");
    }
    session.out.table(&grid, "no projects")
}

impl Update {
    fn run(self, session: &Session) -> Result<()> {
        let id = self.id.of(session)?;
        let mut changes = json!({"project_id": id});
        if let Some(name) = self.name {
            changes["project_name"] = name.into();
        }
        if let Some(on) = self.auto_register {
            changes["auto_register"] = on.into();
        }
        let call = Call::patch(&["projects", &id.to_string()]).json(&changes)?;
        let is_new = session.as_user(call)?.status != 204;
        if session.out.wants_json() {
            return session.out.json(&json!({"project_id": id, "changed": is_new}));
        }
        let what = if is_new { "changed" } else { "is so already" };
        session.out.done(&format!("project {id} {what}"))
    }
}

impl Delete {
    fn run(self, session: &mut Session) -> Result<()> {
        let id = self.id.to_string();
        let project = session.as_user(Call::get(&["projects", &id]))?.json()?;
        let name = text(&project, "project_name");
        if !self.yes {
            let question = format!(
                "Project {id} '{name}' goes for good, with its devices, tokens, dashboards and all its rows."
            );
            ask::typed(&question, &name)?;
        }
        session.as_user(Call::delete(&["projects", &id]))?;
        if session.profile.active_project == self.id {
            session.profile.active_project = 0;
            session.home.save(&session.name, &session.profile)?;
        }
        if session.out.wants_json() {
            return session.out.json(&json!({"project_id": self.id, "deleted": true}));
        }
        session.out.done(&format!("project {id} '{name}' is gone, with all its rows"))
    }
}

fn permissions(session: &Session, id: &Id) -> Result<()> {
    let id = id.of(session)?.to_string();
    let reply = session.as_user(Call::get(&["projects", &id, "permissions"]))?.json()?;
    if session.out.wants_json() {
        return session.out.json(&reply);
    }
    session.out.table(&members(&reply["permissions"]), "no members")
}

/// Who holds which right, a user a row.
fn members(permissions: &Value) -> Grid {
    let mut users: BTreeMap<u64, [bool; 3]> = BTreeMap::new();
    let mut names: BTreeMap<u64, String> = BTreeMap::new();
    for (column, right) in ["read", "write", "admin"].into_iter().enumerate() {
        for holder in permissions[right].as_array().into_iter().flatten() {
            let user = holder["user_id"].as_u64().unwrap_or(0);
            users.entry(user).or_default()[column] = true;
            names.insert(user, text(holder, "email"));
        }
    }
    let mark = |has: bool| (if has { "yes" } else { "-" }).to_owned();
    let with_names = names.values().any(|name| !name.is_empty());
    let mut headings = vec!["user", "read", "write", "admin"];
    if with_names {
        headings.push("e-mail");
    }
    let mut grid =
        Grid::with_headings(headings.into_iter().map(str::to_owned).collect()).right([0]);
    for (user, has) in users {
        let mut row = vec![user.to_string()];
        row.extend(has.map(mark));
        if with_names {
            row.push(names[&user].clone());
        }
        grid.row(row);
    }
    grid
}

impl AddUser {
    fn run(self, session: &Session) -> Result<()> {
        let id = self.id.of(session)?;
        let Rights { read, write, admin } = self.rights;
        let user = self.user_id;
        let mut change = json!({"user_id": user, "read": read, "write": write, "admin": admin});
        if let Some(tokens) = self.tokens {
            if read || write || admin {
                return Err(Failure::usage(
                    "--tokens says what to do with tokens of a user who is removed",
                )
                .remedy("leave it out, or leave out --read, --write and --admin")
                .into());
            }
            change["tokens"] = tokens.into();
        }
        let call = Call::patch(&["projects", &id.to_string(), "permissions"]).json(&change)?;
        let status = session.as_user(call)?.status;
        let removed = !(read || write || admin);
        let what = match (status, removed) {
            (201, _) => "added",
            (204, _) => "unchanged",
            (_, true) => "removed",
            _ => "changed",
        };
        if session.out.wants_json() {
            return session.out.json(&json!({"project_id": id, "user_id": user, "change": what}));
        }
        let held =
            if removed { String::new() } else { format!(": {}", rights(read, write, admin)) };
        session.out.done(&format!("user {user} {what} in project {id}{held}"))
    }
}

impl Switch {
    fn run(self, session: &mut Session) -> Result<()> {
        let stored = session.home.project_token(&session.name, self.id)?;
        let asked = self.rights.read || self.rights.write || self.rights.admin;
        let token = match stored {
            Some(token) if !asked => token,
            _ => {
                let Rights { read, write, admin } =
                    if asked { self.rights } else { ask_rights(self.id)? };
                session.fetch_token(self.id, read, write, admin)?
            }
        };
        session.adopt(&token)?;
        told(session, &token)
    }
}

/// Asks which rights a token shall have: `read, write`, or three times yes or no as the original asked.
fn ask_rights(project: u32) -> Result<Rights> {
    let question = format!(
        "There is no token for project {project} yet. What may it do? (any of read, write, admin; empty for all)"
    );
    let answer = ask::line(&question)?.to_ascii_lowercase();
    let words: Vec<_> = answer.split([',', ' ']).filter(|word| !word.is_empty()).collect();
    if let Some(odd) = words.iter().find(|word| !["read", "write", "admin", "all"].contains(word)) {
        let message = format!("'{odd}' is no permission");
        return Err(Failure::usage(message).remedy("use read, write, admin or all").into());
    }
    let all = words.is_empty() || words.contains(&"all");
    let has = |right: &str| all || words.contains(&right);
    Ok(Rights { read: has("read"), write: has("write"), admin: has("admin") })
}

fn told(session: &Session, token: &Token) -> Result<()> {
    let id = token.project_id;
    if session.out.wants_json() {
        return session.out.json(&json!({"project_id": id, "expires": token.expires,
            "read": token.read, "write": token.write, "admin": token.admin}));
    }
    let (allows, end) = (token.rights(), until(token));
    session.out.done(&format!("project {id} is active; its token allows {allows} until {end}"))
}

impl FetchToken {
    fn run(self, session: &mut Session) -> Result<()> {
        let id = self.id.of(session)?;
        let Rights { read, write, admin } = self.rights;
        let fetches = read || write || admin;
        if !fetches && !self.show_token {
            return Err(Failure::usage("a token that allows nothing is of no use")
                .remedy(
                    "add --read, --write or --admin, or show the one there is with --show-token",
                )
                .into());
        }
        let token = if fetches {
            let token = session.fetch_token(id, read, write, admin)?;
            session.adopt(&token)?;
            token
        } else {
            session.kept_token(id)?
        };
        if self.show_token && session.out.wants_json() {
            return session
                .out
                .json(&json!({"project_id": id, "expires": token.expires, "token": token.token,
                "read": token.read, "write": token.write, "admin": token.admin}));
        }
        if self.show_token {
            return session.out.line(&token.token);
        }
        told(session, &token)
    }
}
