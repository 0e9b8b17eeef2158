//! `iobeam profile`: servers and accounts to switch between. Nothing here touches the network.

use anyhow::Result;
use serde_json::json;

use crate::api::Api;
use crate::failure::Failure;
use crate::output::Grid;
use crate::session::{Session, until};
use crate::state;

/// The verbs of profiles.
#[derive(clap::Subcommand)]
pub(crate) enum Profile {
    /// Make a profile
    Create(Create),
    /// Show the active profile
    Info,
    /// List all profiles
    #[command(visible_alias = "ls")]
    List,
    /// Make another profile active
    Switch(Name),
    /// Remove a profile and its tokens
    Delete(Name),
}

/// A new profile.
#[derive(clap::Args)]
pub(crate) struct Create {
    /// Its name
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Make it the active profile
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false",
        value_name = "BOOL", hide_default_value = true, value_parser = crate::args::truth, action = clap::ArgAction::Set)]
    active: bool,
}

/// An existing profile.
#[derive(clap::Args)]
pub(crate) struct Name {
    /// The profile's name
    #[arg(long, value_name = "NAME")]
    name: String,
}

impl Profile {
    /// Does what the verb says.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        match self {
            Self::Create(create) => create.run(session),
            Self::Info => info(session),
            Self::List => list(session),
            Self::Switch(name) => switch(session, &name.name),
            Self::Delete(name) => delete(session, &name.name),
        }
    }
}

impl Create {
    fn run(self, session: &Session) -> Result<()> {
        let name = self.name;
        if session.home.load(&name)?.is_some() {
            let remedy = format!("`iobeam profile switch --name {name}`, or choose another name");
            return Err(Failure::new(format!("profile '{name}' exists")).remedy(remedy).into());
        }
        let server = session.api.address().to_owned();
        let profile = state::Profile { server: server.clone(), ..state::Profile::default() };
        session.home.save(&name, &profile)?;
        if self.active {
            session.home.set_active(&name)?;
        }
        let active = session.home.active()?.as_deref() == Some(&name);
        if session.out.wants_json() {
            return session.out.json(&json!({"name": name, "server": server, "active": active}));
        }
        let now = if active { ", now active" } else { "" };
        session.out.done(&format!("profile '{name}' for {server}{now}"))?;
        session.out.hint("log in: iobeam user login");
        Ok(())
    }
}

fn info(session: &Session) -> Result<()> {
    let profile = &session.profile;
    let mut tokens = Vec::new();
    for project in session.home.projects_with_tokens(&session.name)? {
        tokens.extend(session.home.project_token(&session.name, project)?);
    }
    if session.out.wants_json() {
        let tokens: Vec<_> = tokens
            .iter()
            .map(|token| {
                json!({"project_id": token.project_id, "expires": token.expires,
                    "read": token.read, "write": token.write, "admin": token.admin})
            })
            .collect();
        return session.out.json(&json!({
            "name": session.name, "server": profile.server, "active_project": profile.active_project,
            "active_user": profile.active_user, "active_user_email": profile.activer_user_email, "tokens": tokens,
        }));
    }
    let unless_zero = |id: u32| if id == 0 { String::from("none") } else { id.to_string() };
    let user = match profile.active_user {
        0 => String::from("nobody is logged in"),
        id => format!("{} (user {id})", profile.activer_user_email),
    };
    session.out.record(&[
        ("profile", session.name.clone()),
        ("server", profile.server.clone()),
        ("user", user),
        ("active project", unless_zero(profile.active_project)),
    ])?;
    if !tokens.is_empty() {
        session.out.line("")?;
        let mut grid = Grid::new(["project", "token allows", "until"]).right([0]);
        for token in &tokens {
            grid.row(vec![token.project_id.to_string(), token.rights(), until(token)]);
        }
        session.out.table(&grid, "")?;
    }
    Ok(())
}

fn list(session: &Session) -> Result<()> {
    let active = session.home.active()?;
    let mut grid = Grid::new(["", "profile", "server", "user"]);
    let mut objects = Vec::new();
    for name in session.home.profiles()? {
        let profile = session.home.load(&name)?.unwrap_or_default();
        let is_active = active.as_ref() == Some(&name);
        objects.push(json!({"name": name, "server": profile.server, "active": is_active,
            "active_user": profile.active_user, "active_user_email": profile.activer_user_email}));
        let mark = if is_active { "*" } else { "" };
        grid.row(vec![mark.into(), name, profile.server, profile.activer_user_email]);
    }
    if session.out.wants_json() {
        return session.out.json(&json!({"profiles": objects}));
    }
    session.out.table(&grid, "no profile yet")
}

fn switch(session: &Session, name: &str) -> Result<()> {
    let Some(profile) = session.home.load(name)? else { return Err(unknown(name).into()) };
    session.home.set_active(name)?;
    // A profile whose address was spoilt by hand is noticed now rather than at its first use.
    Api::new(&profile.server, None)?;
    if session.out.wants_json() {
        return session.out.json(&json!({"name": name, "server": profile.server, "active": true}));
    }
    session.out.done(&format!("profile '{name}' is active ({})", profile.server))
}

fn delete(session: &Session, name: &str) -> Result<()> {
    if session.home.load(name)?.is_none() {
        return Err(unknown(name).into());
    }
    if session.home.active()?.as_deref() == Some(name) {
        return Err(Failure::new(format!("profile '{name}' is the active one"))
            .remedy("switch to another first: `iobeam profile switch --name NAME`")
            .into());
    }
    session.home.delete(name)?;
    if session.out.wants_json() {
        return session.out.json(&json!({"name": name, "deleted": true}));
    }
    session.out.done(&format!("profile '{name}' and its tokens are gone"))
}

fn unknown(name: &str) -> Failure {
    Failure::new(format!("there is no profile '{name}'")).remedy("`iobeam profile list`")
}
