//! `iobeam token`: tokens to give away, and to take back.

use anyhow::Result;
use serde_json::{Value, json};

use super::project::Rights;
use crate::api::Call;
use crate::failure::Failure;
use crate::output::{Grid, date, text};
use crate::session::{ProjectFlag, Session};
use crate::state::rights;

/// The end of a token that has none.
const NEVER: &str = "never";

/// The verbs of tokens.
#[derive(clap::Subcommand)]
pub(crate) enum Token {
    /// Issue a token to give to a device or a program, and print it
    Create(Create),
    /// List tokens: yours, or those of a project
    #[command(visible_alias = "ls")]
    List(List),
    /// Keep a token that is listed for review
    Keep(Keep),
    /// Take a token back: it works no longer
    Revoke(Revoke),
}

/// A token to give away. The one that this command works with stays as it is.
#[derive(clap::Args)]
pub(crate) struct Create {
    #[command(flatten)]
    project: ProjectFlag,
    #[command(flatten)]
    rights: Rights,
    /// Bind it to this device: it can read and write only as that one
    #[arg(long, alias = "deviceId", value_name = "ID")]
    device_id: Option<String>,
    /// Whose it is: `creator` (it ends with your membership) or `project` (needs admin permission; it outlives you); a device's
    /// token that an administrator makes is the project's when left out
    #[arg(long, value_name = "WHOSE", value_parser = ["creator", "project"])]
    owner: Option<String>,
    /// How long it lives: a number and w, d, h, m or s, such as 5w, or `never`, as a device's token of the project does when
    /// left out
    #[arg(long, value_name = "SPAN")]
    duration: Option<String>,
    /// Whether it can be refreshed
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        value_parser = crate::args::truth, action = clap::ArgAction::Set)]
    refreshable: Option<bool>,
}

/// Whose tokens.
#[derive(clap::Args)]
pub(crate) struct List {
    /// All tokens of this project, whoever fetched them; needs admin permission
    #[arg(long, alias = "projectId", value_name = "ID")]
    project_id: Option<u32>,
    /// Those that have ended or were taken back too
    #[arg(long)]
    all: bool,
}

/// Which token stays.
#[derive(clap::Args)]
pub(crate) struct Keep {
    /// The token's number; `iobeam token list --project-id ID` shows it
    #[arg(long)]
    id: u32,
}

/// Which token.
#[derive(clap::Args)]
pub(crate) struct Revoke {
    /// The token's number; `iobeam token list` shows it
    #[arg(long)]
    id: u32,
}

impl Token {
    /// Does what the verb says.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        match self {
            Self::Create(create) => create.run(session),
            Self::List(list) => list.run(session),
            Self::Keep(keep) => keep.run(session),
            Self::Revoke(revoke) => revoke.run(session),
        }
    }
}

impl Create {
    fn run(self, session: &Session) -> Result<()> {
        let project = session.project(self.project)?;
        let Rights { read, write, admin } = self.rights;
        if !(read || write || admin) {
            return Err(Failure::usage("a token that allows nothing is of no use")
                .remedy("add --read, --write or --admin")
                .into());
        }
        let call = Call::get(&["tokens", "project"])
            .with("project_id", project)
            .with("read", read)
            .with("write", write)
            .with("admin", admin)
            .with("include_user", false)
            .with_some("device_id", self.device_id)
            .with_some("owner", self.owner)
            .with_some("duration", self.duration)
            .with_some("refreshable", self.refreshable);
        let token = session.as_user(call)?.json()?;
        if session.out.wants_json() {
            return session.out.json(&token);
        }
        session.out.line(&text(&token, "token"))?;
        let may = rights(read, write, admin);
        let end = end(&token);
        let end = if end == NEVER {
            "until it is revoked".to_owned()
        } else {
            format!("until {end} UTC")
        };
        session.out.hint(&format!("it allows {may} in project {project} {end}"));
        Ok(())
    }
}

impl List {
    fn run(self, session: &Session) -> Result<()> {
        let call = Call::get(&["tokens"]).with_some("project_id", self.project_id);
        let mut reply = session.as_user(call)?.json()?;
        let now = session.clock.now();
        if let Some(tokens) = reply["tokens"].as_array_mut()
            && !self.all
        {
            tokens.retain(|token| {
                let end = crate::state::parse_date(&text(token, "expires"));
                let ended = end.is_some_and(|end| end.timestamp_micros() <= now.micros());
                !ended && token["revoked"].is_null()
            });
        }
        if session.out.wants_json() {
            return session.out.json(&reply);
        }
        let tokens = reply["tokens"].as_array().cloned().unwrap_or_default();
        session.out.table(&self.grid(&tokens), "no tokens")
    }

    fn grid(&self, tokens: &[Value]) -> Grid {
        let mut headings =
            vec!["id", "for", "allows", "device", "by", "owner", "created", "until", "last used"];
        if self.all {
            headings.push("taken back");
        }
        let headings = headings.into_iter().map(str::to_owned).collect();
        let mut grid = Grid::with_headings(headings).right([0]);
        for token in tokens {
            let holds = |right: &str| token[right].as_bool().unwrap_or(false);
            let project = text(token, "project_id");
            let of_user = project.is_empty() || project == "0";
            let mut row = vec![
                text(token, "token_id"),
                if of_user { String::from("log-in") } else { format!("project {project}") },
                if of_user {
                    String::new()
                } else {
                    rights(holds("read"), holds("write"), holds("admin"))
                },
                text(token, "device_id"),
                text(token, "creator"),
                if of_user { String::new() } else { owner(token) },
                date(&token["created"]),
                end(token),
                date(&token["last_used"]),
            ];
            if self.all {
                row.push(date(&token["revoked"]));
            }
            grid.row(row);
        }
        grid
    }
}

/// Whose a token is, and whether somebody should look at it.
fn owner(token: &Value) -> String {
    let owner = text(token, "owner");
    if token["review"] == true { format!("{owner}, to review") } else { owner }
}

/// When a token ends.
fn end(token: &Value) -> String {
    let end = date(&token["expires"]);
    if end.starts_with("9999-") { NEVER.to_owned() } else { end }
}

impl Keep {
    fn run(self, session: &Session) -> Result<()> {
        let call = Call::patch(&["tokens", &self.id.to_string()]);
        session.as_user(call.json(&json!({"review": false}))?)?;
        if session.out.wants_json() {
            return session.out.json(&json!({"token_id": self.id, "review": false}));
        }
        session.out.done(&format!("token {} is kept", self.id))
    }
}

impl Revoke {
    fn run(self, session: &Session) -> Result<()> {
        session.as_user(Call::delete(&["tokens", &self.id.to_string()]))?;
        if session.out.wants_json() {
            return session.out.json(&json!({"token_id": self.id, "revoked": true}));
        }
        session.out.done(&format!("token {} taken back; it works no longer", self.id))
    }
}
