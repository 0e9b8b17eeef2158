//! `iobeam demo`: the whole platform in one go, with this machine's own readings.
//!
//! ```text
//! server running? ─no─▶ start it, detached ─▶ account, project, token, devices (made once, then reused)
//!    ─▶ readings for a few seconds (by the device client) ─▶ query ─▶ table ─▶ a sender that goes on
//! ```
//!
//! Everything but the profile `demo` lies in one folder, readable by its owner only.

mod account;

mod sender;

mod processes;

mod sensors;

mod board;

mod kept;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::ArgAction::Set;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use self::kept::Kept;
use self::sensors::Sensors;
use crate::api::Call;
use crate::output::{Grid, Output};
use crate::session::{GlobalFlags, Session};
use crate::state::make_folder;

/// The profile that the demo works with.
const PROFILE: &str = "demo";

/// What the demo does.
#[derive(clap::Args)]
pub(crate) struct Demo {
    /// The folder of the server's data, its log, and the demo's password
    #[arg(
        long,
        value_name = "DIR",
        default_value = "./iobeam-demo",
        env = "IOBEAM_DEMO_DIR",
        hide_env_values = true
    )]
    dir: PathBuf,
    /// The server's address; another port is taken when this one is in use
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8420")]
    listen: String,
    /// How long to send readings before asking for them
    #[arg(long, value_name = "COUNT", default_value = "5")]
    seconds: u32,
    /// Go on sending in the background
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "true", value_parser = crate::args::truth, action = Set)]
    keep_sending: bool,
    /// Stop the server and the sender; the data stays
    #[arg(long)]
    stop: bool,
    /// Run the background sender
    #[arg(long, hide = true)]
    sender: bool,
}

impl Demo {
    /// Does it.
    pub(crate) fn run(mut self, flags: &GlobalFlags, out: Output) -> Result<()> {
        if !self.stop && !self.sender {
            make_folder(&self.dir)?;
        }
        // Processes are known again by the folder among their words, however it was written this time.
        let given = std::mem::take(&mut self.dir);
        self.dir = given.canonicalize().unwrap_or(given);
        if self.stop {
            return processes::stop(&self.dir, out);
        }
        if self.sender {
            return sender::run(&self.dir, flags, out);
        }
        let mut kept = Kept::load(&self.dir)?.unwrap_or_default();
        let server = match &flags.server {
            Some(server) => server.clone(),
            None => processes::find_or_start(&self.dir, &self.listen, &mut kept, out)?,
        };
        kept.server.clone_from(&server);
        kept.save(&self.dir)?;
        let mut session = Session::open(&own(flags, server), out)?;
        let mut sensors = Sensors::new();
        let project = account::prepare(&mut session, &mut kept, &self.dir, &sensors)?;
        account::sending_token(&session, project, &mut kept, &self.dir)?;
        let board = board::prepare(&session, project)?;
        said(out, &format!("project {project}, {} devices", sensors.groups().len()))?;
        let rows = self.send((out, &kept), project, flags, &mut sensors)?;
        said(out, &format!("{rows} rows of readings sent"))?;
        let latest = latest(&session, project, &sensors)?;
        if self.keep_sending {
            sender::start(&self.dir, flags, &mut kept)?;
        }
        if out.wants_json() {
            return out.json(&json!({"server": kept.server, "project_id": project, "email": kept.email,
                "dashboard_id": board, "web": web(&kept, project, board), "folder": self.dir, "rows_sent": rows, "latest": latest, "keeps_sending": self.keep_sending}));
        }
        show(out, &latest)?;
        self.what_next(&session, &kept, &web(&kept, project, board))
    }

    /// Sends readings for a while, and tells how many rows.
    fn send(
        &self,
        (out, kept): (Output, &Kept),
        project: u32,
        flags: &GlobalFlags,
        sensors: &mut Sensors,
    ) -> Result<u64> {
        let spool = self.dir.join(sender::FIRST);
        let client = sender::client(kept, project, &spool, flags.ca.as_deref())?;
        let steps = u64::from(self.seconds) * 2;
        let bar = if out.talks_to_a_person() {
            let form = "  {bar:24} reading load, memory, disk and network";
            let style = ProgressStyle::with_template(form);
            ProgressBar::new(steps)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        } else {
            ProgressBar::hidden()
        };
        for _ in 0..steps.max(1) {
            // Rates are differences between two moments: half a second apart, then told.
            std::thread::sleep(Duration::from_millis(500));
            sender::add_readings(&client, sensors)?;
            bar.inc(1);
        }
        bar.finish_and_clear();
        sender::send(&client)
    }

    fn what_next(&self, session: &Session, kept: &Kept, web: &str) -> Result<()> {
        let out = session.out;
        let me = processes::how_to_call();
        let active = session.home.active()?.as_deref() == Some(PROFILE);
        let profile = if active { "" } else { " --profile demo" };
        let dir = processes::from_here(&self.dir);
        let server = &kept.server;
        out.line("")?;
        out.record(&[
            ("web app", web.to_owned()),
            ("sign in as", format!("{}  password {}", kept.email, kept.password)),
            ("server", server.clone()),
            ("folder", format!("{dir}  (server.log, data/, spool/, demo.json with the password)")),
        ])?;
        out.line("\nOpen the web app and sign in: the charts are live. Or try next")?;
        let sql = "SELECT device_id, count(*), max(time) FROM input GROUP BY device_id";
        let custom = if dir == "./iobeam-demo" { String::new() } else { format!(" --dir {dir}") };
        for line in [
            format!("{me}{profile} query --field cpu_percent --limit 5"),
            format!("{me}{profile} sql \"{sql}\""),
            format!("{me}{profile} device list"),
            format!(
                "curl -H \"Authorization: Bearer $({me}{profile} token create --read)\" '{server}/v1/data/input/all?limit=2'"
            ),
            format!("{me} demo{custom} --stop"),
        ] {
            out.line(&format!("  {line}"))?;
        }
        Ok(())
    }
}

/// Where the web app shows the demo's charts, right after signing in.
fn web(kept: &Kept, project: u32, board: u32) -> String {
    format!("{}/p/{project}/boards/{board}", kept.server.trim_end_matches('/'))
}

/// The same flags for the demo's own profile and server.
fn own(flags: &GlobalFlags, server: String) -> GlobalFlags {
    GlobalFlags { server: Some(server), profile: Some(PROFILE.into()), ..flags.clone() }
}

fn said(out: Output, text: &str) -> Result<()> {
    if out.wants_json() { Ok(()) } else { out.done(text) }
}

/// The newest row of each device, as the query gives it.
fn latest(session: &Session, project: u32, sensors: &Sensors) -> Result<Vec<Value>> {
    let mut rows = Vec::new();
    for device in sensors.groups() {
        let call = Call::get(&["data", "input", "all"])
            .with("where", format!("eq(device_id,{device})"))
            .with("limit", 1)
            .with("timefmt", "usec");
        let reply = session.as_project(project, call)?.json()?;
        let part = super::query::answer(&reply)?;
        let names = part["fields"].as_array().cloned().unwrap_or_default();
        let values = part["values"][0].as_array().cloned().unwrap_or_default();
        for (name, value) in names.iter().zip(&values).filter(|(_, value)| value.is_number()) {
            if name != "time" {
                rows.push(
                    json!({"device_id": device, "field": name, "value": value, "time": values[0]}),
                );
            }
        }
    }
    Ok(rows)
}

fn show(out: Output, latest: &[Value]) -> Result<()> {
    let mut grid = Grid::new(["device", "reading", "value", "at (UTC)"]).right([2]);
    let mut before = String::new();
    for row in latest {
        let device = crate::output::text(row, "device_id");
        let shown = if device == before { String::new() } else { device.clone() };
        before = device;
        grid.row(vec![
            shown,
            crate::output::text(row, "field"),
            row["value"].as_f64().map_or_else(String::new, |value| format!("{value:.2}")),
            row["time"]
                .as_i64()
                .map_or_else(String::new, |at| super::query::moment(at - at % 1000)),
        ]);
    }
    out.line("")?;
    out.table(&grid, "no readings")
}
