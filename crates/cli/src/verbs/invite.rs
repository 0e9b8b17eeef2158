//! `iobeam invite`: codes that let people make an account where sign-up is not open.
//!
//! A code is shown once, when it is made; after that it is known by its number.

use anyhow::Result;
use serde_json::json;

use crate::api::Call;
use crate::failure::Failure;
use crate::output::{Grid, date, text};
use crate::session::Session;

/// The verbs of invites.
#[derive(clap::Subcommand)]
pub(crate) enum Invite {
    /// Create an invite code
    Create(Create),
    /// List the codes
    #[command(visible_alias = "ls")]
    List,
    /// Revoke an invite code
    Revoke(Revoke),
}

/// A new code.
#[derive(clap::Args)]
pub(crate) struct Create {
    /// How many accounts it is good for
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = clap::value_parser!(u32).range(1..))]
    uses: u32,
    /// How long it is good: a number and w, d, h, m or s, such as 2w; for ever when left out
    #[arg(long, value_name = "SPAN")]
    duration: Option<String>,
}

/// Which code.
#[derive(clap::Args)]
pub(crate) struct Revoke {
    /// The code's number; `iobeam invite list` shows it
    #[arg(long)]
    id: u32,
}

impl Invite {
    /// Does what the verb says.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        match self {
            Self::Create(create) => create.run(session),
            Self::List => list(session),
            Self::Revoke(revoke) => revoke.run(session),
        }
    }
}

impl Create {
    fn run(self, session: &Session) -> Result<()> {
        let mut request = json!({"uses": self.uses});
        if let Some(duration) = self.duration {
            request["duration"] = duration.into();
        }
        let reply = session.as_user(Call::post(&["invites"]).json(&request)?)?.json()?;
        if session.out.wants_json() {
            return session.out.json(&reply);
        }
        let code = text(&reply, "code");
        if code.is_empty() {
            return Err(Failure::new("the server's reply holds no code").into());
        }
        session.out.line(&code)?;
        let server = session.api.address();
        session.out.hint(&format!(
            "who has it signs up with: iobeam user create --server {server} --invite {code} --email ..."
        ));
        Ok(())
    }
}

fn list(session: &Session) -> Result<()> {
    let reply = session.as_user(Call::get(&["invites"]))?.json()?;
    if session.out.wants_json() {
        return session.out.json(&reply);
    }
    let headings = ["id", "begins with", "for", "used", "created", "until", "taken back"];
    let mut grid = Grid::new(headings).right([0, 2, 3]);
    for invite in reply["invites"].as_array().into_iter().flatten() {
        grid.row(vec![
            text(invite, "invite_id"),
            text(invite, "hint"),
            text(invite, "uses"),
            text(invite, "used"),
            date(&invite["created"]),
            date(&invite["expires"]),
            date(&invite["revoked"]),
        ]);
    }
    session.out.table(&grid, "no codes")
}

impl Revoke {
    fn run(self, session: &Session) -> Result<()> {
        session.as_user(Call::delete(&["invites", &self.id.to_string()]))?;
        if session.out.wants_json() {
            return session.out.json(&json!({"invite_id": self.id, "revoked": true}));
        }
        session.out.done(&format!("code {} works no longer", self.id))
    }
}
