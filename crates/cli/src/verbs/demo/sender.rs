//! The demo's sender: readings as imports, once while the demo waits, and on and on in the background.
//!
//! The background sender ends by itself when the server has been away for a minute, or another sender took over.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::kept::Kept;
use super::sensors::Sensors;
use super::{own, processes};
use crate::api::Call;
use crate::failure::Failure;
use crate::output::Output;
use crate::session::{GlobalFlags, ProjectFlag, Session};

/// Time between two readings in the background.
const PERIOD: Duration = Duration::from_secs(2);
/// How many failed turns the sender bears: about a minute.
const PATIENCE: u32 = 30;

/// Reads all sensors and sends what they say; tells how many rows.
pub(super) fn send_once(session: &Session, project: u32, sensors: &mut Sensors) -> Result<u64> {
    let mut rows = 0;
    for reading in sensors.read() {
        let (mut fields, mut row) = (vec![Value::from("time")], vec![Value::from(reading.micros)]);
        for (name, value) in reading.values {
            fields.push(name.into());
            row.push(value.into());
        }
        let request = json!({"project_id": project, "device_id": reading.device, "timefmt": "usec",
            "sources": {"fields": fields, "data": [row]}});
        let call = Call::post(&["imports"]).with("fmt", "table").json(&request)?;
        session.as_project(project, call)?;
        rows += 1;
    }
    Ok(rows)
}

/// Starts the background sender, unless it runs.
pub(super) fn start(dir: &Path, flags: &GlobalFlags, kept: &mut Kept) -> Result<()> {
    if processes::is_alive(kept.sender_pid, dir) {
        return Ok(());
    }
    let dir_text = dir.to_string_lossy();
    let mut words = vec!["demo", "--sender", "--dir", &dir_text];
    if let Some(ca) = &flags.ca {
        words.extend(["--ca", ca]);
    }
    kept.sender_pid = processes::detached(&words, &dir.join("sender.log"))?.id();
    kept.save(dir)
}

/// The background sender itself.
pub(super) fn run(dir: &Path, flags: &GlobalFlags, out: Output) -> Result<()> {
    let Some(kept) = Kept::load(dir)? else {
        return Err(Failure::new(format!("there is no demo in {}", dir.display())).into());
    };
    let session = Session::open(&own(flags, kept.server), out)?;
    let project = session.project(ProjectFlag::default())?;
    let mut sensors = Sensors::new();
    let mut failed = 0;
    while failed < PATIENCE {
        std::thread::sleep(PERIOD);
        let taken_over = |kept: &Kept| kept.sender_pid != std::process::id();
        if Kept::load(dir)?.is_none_or(|kept| taken_over(&kept)) {
            return Ok(());
        }
        match send_once(&session, project, &mut sensors) {
            Ok(_) => failed = 0,
            Err(error) => {
                failed += 1;
                out.note(&format!("not sent: {error:#}"));
            }
        }
    }
    Ok(())
}
