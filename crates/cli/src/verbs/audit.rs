//! `iobeam audit`: who changed what, for the operator of the server.
//!
//! ```text
//! list ─▶ GET /v1/audit, page by page ─▶ table │ json │ csv         verify ─▶ GET /v1/audit/check ─▶ sound, and the last hash
//! ```

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::api::Call;
use crate::csv_text::Cell;
use crate::failure::Failure;
use crate::output::{Form, Grid, date, plain, text};
use crate::session::{Session, with_remedy};

/// Most rows that the server gives at once.
const PAGE: u64 = 10_000;

/// The members of a row that have a column of their own, in order.
const COLUMNS: [&str; 9] =
    ["id", "time", "user_id", "token_id", "address", "action", "project_id", "target", "details"];

/// The verbs of the audit log.
#[derive(clap::Subcommand)]
pub(crate) enum Audit {
    /// Show who changed what, the newest first; for the operator of the server
    #[command(visible_alias = "ls")]
    List(List),
    /// Check that each row is as it was written and none is missing; for the operator of the server
    Verify(Verify),
}

/// Which rows, and in which form.
#[derive(clap::Args)]
pub(crate) struct List {
    /// What this user did
    #[arg(long, alias = "userId", value_name = "ID")]
    user_id: Option<u32>,
    /// What was done, such as `token.issue`, or the word that several actions begin with, such as `token`
    #[arg(long, value_name = "NAME")]
    action: Option<String>,
    /// What was done in this project
    #[arg(long, alias = "projectId", value_name = "ID")]
    project_id: Option<u32>,
    /// What was done to this, such as `user:7` or `device:boiler`, or to all of a kind, such as `user`
    #[arg(long, value_name = "WHAT")]
    target: Option<String>,
    /// What was done at this time or later, such as 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// What was done before this time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Rows before this one, by its number
    #[arg(long, value_name = "ID")]
    before: Option<u64>,
    /// At most so many rows, the newest
    #[arg(long, value_name = "COUNT", default_value = "100", value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// The form of the answer; a table on a terminal and JSON elsewhere when left out
    #[arg(long, value_enum, value_name = "FORM")]
    output: Option<Form>,
}

/// What the log must still begin with.
#[derive(clap::Args)]
pub(crate) struct Verify {
    /// A hash that an earlier run printed: the log must be at least as long, and have that hash there
    #[arg(long, value_name = "HEX")]
    hash: Option<String>,
}

impl Audit {
    /// Does what the verb says.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        match self {
            Self::List(list) => list.run(session),
            Self::Verify(verify) => verify.run(session),
        }
    }
}

impl List {
    fn run(self, session: &Session) -> Result<()> {
        let rows = self.rows(session)?;
        match Form::of(session.out, self.output) {
            Form::Json => session.out.json(&json!({"rows": rows})),
            Form::Csv => session.out.bytes(csv(&rows).as_bytes()),
            Form::Table => {
                session.out.table(&grid(&rows), "nothing of that kind was done")?;
                if rows.len() as u64 == self.limit {
                    let last = rows.last().map(|row| text(row, "id")).unwrap_or_default();
                    session.out.hint(&format!("more with --limit, or --before {last}"));
                }
                Ok(())
            }
        }
    }

    /// As many rows as were asked for, or as there are.
    fn rows(&self, session: &Session) -> Result<Vec<Value>> {
        let mut rows = Vec::new();
        let mut before = self.before;
        loop {
            let wanted = (self.limit - rows.len() as u64).min(PAGE);
            let call = Call::get(&["audit"])
                .with("count", wanted)
                .with_some("before", before)
                .with_some("user_id", self.user_id)
                .with_some("action", self.action.as_ref())
                .with_some("project_id", self.project_id)
                .with_some("target", self.target.as_ref())
                .with_some("from", self.from.as_ref())
                .with_some("to", self.to.as_ref());
            let mut reply = operators(session.as_user(call))?.json()?;
            let Some(page) = reply["rows"].as_array_mut() else {
                return Err(Failure::new("the server's reply holds no rows").into());
            };
            let got = page.len() as u64;
            before = page.last().and_then(|row| row["id"].as_u64());
            rows.append(page);
            if got < wanted || rows.len() as u64 >= self.limit {
                return Ok(rows);
            }
        }
    }
}

impl Verify {
    fn run(self, session: &Session) -> Result<()> {
        let call = Call::get(&["audit", "check"]).with_some("hash", self.hash.as_ref());
        let state = operators(session.as_user(call))?.json()?;
        if state["sound"] != true {
            return Err(Failure::new(text(&state, "problem"))
                .remedy(
                    "somebody changed catalog.db behind the server's back; compare it with a backup",
                )
                .into());
        }
        if session.out.wants_json() {
            return session.out.json(&state);
        }
        let (rows, hash) = (text(&state, "rows"), text(&state, "hash"));
        session
            .out
            .done(&format!("{rows} rows, each as it was written; the last hash is {hash}"))?;
        session.out.hint("keep the hash elsewhere: a later `iobeam audit verify --hash` tells whether these rows are the same");
        Ok(())
    }
}

/// Says who may see the log.
fn operators<T>(sent: Result<T>) -> Result<T> {
    with_remedy(
        sent,
        403,
        "the operator of the server can: log in as them with `iobeam user login`",
    )
}

fn grid(rows: &[Value]) -> Grid {
    let headings =
        ["id", "time (UTC)", "user", "token", "from", "action", "project", "to", "details"];
    let mut grid = Grid::new(headings).right([0, 2, 3, 6]);
    for row in rows {
        let mut cells: Vec<String> = COLUMNS.iter().map(|name| text(row, name)).collect();
        cells[1] = date(&row["time"]);
        cells[8] = row["details"].as_object().map(members).unwrap_or_default();
        grid.row(cells);
    }
    grid
}

/// An object as people read it: `owner=project, device=boiler`.
fn members(object: &Map<String, Value>) -> String {
    let shown = object.iter().filter(|(_, value)| !value.is_null());
    let shown: Vec<String> =
        shown.map(|(name, value)| format!("{name}={}", plain(value))).collect();
    shown.join(", ")
}

fn csv(rows: &[Value]) -> String {
    let mut out = COLUMNS.join(",");
    out.push('\n');
    for row in rows {
        for (at, name) in COLUMNS.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            let cell = text(row, name);
            let quoted = cell.contains([',', '"', '\n', '\r']);
            Cell { text: &cell, quoted }.write(&mut out);
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Value> {
        vec![
            json!({"id": 9, "time": "2026-01-31T12:00:00Z", "user_id": 1, "action": "token.issue", "project_id": 2,
                "target": "token:4", "details": {"owner": "project", "device": null}}),
            json!({"id": 8, "time": "2026-01-31T11:00:00Z", "address": "::1", "action": "sign-in.failed", "details": {}}),
        ]
    }

    #[test]
    fn csv_has_a_column_for_each_member_and_quotes_what_holds_commas() {
        insta::assert_snapshot!(csv(&rows()), @r#"
        id,time,user_id,token_id,address,action,project_id,target,details
        9,2026-01-31T12:00:00Z,1,,,token.issue,2,token:4,"{""device"":null,""owner"":""project""}"
        8,2026-01-31T11:00:00Z,,,::1,sign-in.failed,,,{}
        "#);
    }

    #[test]
    fn details_are_shown_as_names_and_values() {
        let grid = grid(&rows());
        assert_eq!(grid.cells()[0][8], "owner=project");
        assert_eq!(grid.cells()[1][1], "2026-01-31 11:00:00");
    }
}
