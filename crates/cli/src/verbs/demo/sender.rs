//! The demo's sender: readings through the device client, for a while as the demo waits, and on and on in the
//! background.
//!
//! ```text
//! sensors ─ add ─▶ spool (in the demo's folder) ─ send ─▶ server
//! ```
//!
//! Each of the two has a spool of its own, as they may run at the same time. The background sender ends by itself when
//! the server has been away for a minute, or another sender took over; what it could not send waits in its spool.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use iobeam::{Client, TimeUnit};

use super::kept::Kept;
use super::processes;
use super::sensors::Sensors;
use crate::failure::Failure;
use crate::output::Output;
use crate::session::{GlobalFlags, project_of};

/// The spool of the readings that the demo waits for, in its folder.
pub(super) const FIRST: &str = "spool/first";
/// The spool of the background sender.
const BACKGROUND: &str = "spool/background";
/// Time between two readings in the background.
const PERIOD: Duration = Duration::from_secs(2);
/// How many failed turns the sender bears: about a minute.
const PATIENCE: u32 = 15;

/// A client that keeps readings in that folder until the server has them.
pub(super) fn client(kept: &Kept, project: u32, spool: &Path, ca: Option<&str>) -> Result<Client> {
    let mut client =
        Client::builder(project.into(), &kept.token).backend(&kept.server).spool(spool);
    if let Some(ca) = ca {
        client = client.tls_ca(ca);
    }
    Ok(client.build()?)
}

/// Reads all sensors and adds what they say. Nothing is sent yet.
pub(super) fn add_readings(client: &Client, sensors: &mut Sensors) -> Result<()> {
    for reading in sensors.read() {
        let columns: Vec<&str> = reading.values.iter().map(|(name, _)| name.as_str()).collect();
        // One client for several devices; the same columns of the same device are the same store.
        let store = client.create_data_store_for(&reading.device.parse()?, &columns)?;
        let time = TimeUnit::Microseconds.timestamp(reading.micros)?;
        store.add(time, reading.values)?;
    }
    Ok(())
}

/// Sends what was added, and tells how many rows the server stored so far. What it refuses is a failure here.
pub(super) fn send(client: &Client) -> Result<u64> {
    client.send()?;
    let status = client.status();
    if status.rejected_batches == 0 {
        return Ok(status.sent_rows);
    }
    let why = client.rejected()?.pop().map_or_else(String::new, |batch| batch.message);
    Err(Failure::new(format!("the server refused readings: {why}")).into())
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
    let Some(project) = project_of(&kept.token) else {
        return Err(Failure::new("there is no token for the demo's project").into());
    };
    let client = client(&kept, project, &dir.join(BACKGROUND), flags.ca.as_deref())?;
    let mut sensors = Sensors::new();
    let mut failed = 0;
    while failed < PATIENCE {
        std::thread::sleep(PERIOD);
        let taken_over = |kept: &Kept| kept.sender_pid != std::process::id();
        if Kept::load(dir)?.is_none_or(|kept| taken_over(&kept)) {
            break;
        }
        add_readings(&client, &mut sensors)?;
        match client.send_within(PERIOD) {
            Ok(_) => failed = 0,
            Err(error) => {
                failed += 1;
                out.note(&format!("not sent: {error}"));
            }
        }
    }
    Ok(())
}
