//! What we cost when nothing is asked of us, and how soon we are there: start, idle memory, the first import.

use std::time::Duration;

use anyhow::Result;

use super::{Plan, folder};
use crate::clock::{median, milliseconds, quantile, timed};
use crate::peers::Running;
use crate::peers::iobeam::{Form, Started};
use crate::results::{Figure, Work};
use crate::sensors::Sensors;

/// Starts on an empty folder that are timed.
const STARTS: usize = 5;
/// How long nothing is asked before the platform counts as idle.
const QUIET: Duration = Duration::from_secs(5);
/// Imports that are timed, after as many as a tenth of them to warm up.
const IMPORTS: usize = 300;

/// Measures ourselves alone.
pub(crate) fn run(plan: Plan) -> Result<Work> {
    let mut work = Work::begin();
    let mut starts = Vec::new();
    for _ in 0..if plan.options.quick { 1 } else { STARTS } {
        let folder = folder(plan.options)?;
        let (time, started) = timed(|| Started::start(Form::Json, folder.path()));
        started?;
        starts.push(time);
    }
    let start = [("start_ms", milliseconds(median(starts)))];
    work.figures.push(Figure::new(
        "start on an empty folder, user and project made",
        "iobeam",
        "-",
        &start,
    ));
    let folder = folder(plan.options)?;
    let started = Started::start(Form::Json, folder.path())?;
    std::thread::sleep(QUIET);
    let idle = [("idle_mb", started.server().resident()? as f64 / 1e6)];
    work.figures.push(Figure::new(
        "resident memory, idle for 5 s after a sign-up",
        "iobeam",
        "-",
        &idle,
    ));
    let times = imports(&started, if plan.options.quick { 30 } else { IMPORTS })?;
    let imports = [("p50_ms", quantile(&times, 0.5)), ("p99_ms", quantile(&times, 0.99))]
        .map(|(key, time)| (key, milliseconds(time)));
    work.figures.push(Figure::new(
        "import of a JSON table of 1000 rows, one at a time",
        "iobeam",
        "synced before acknowledged",
        &imports,
    ));
    work.versions.insert("iobeam".to_owned(), started.version());
    Ok(work)
}

/// Times from sending to acknowledgement, in order of size.
fn imports(started: &Started, count: usize) -> Result<Vec<Duration>> {
    let mut sensors = Sensors::new(1, 3);
    started.introduce(&sensors.by_time(1))?;
    let mut sender = started.connect()?;
    let mut times = Vec::new();
    for import in 0..count + count / 10 {
        let body = started.body(&sensors.by_device(1000));
        let (time, sent) = timed(|| sender.send(&body));
        sent?;
        if import >= count / 10 {
            times.push(time);
        }
    }
    times.sort_unstable();
    Ok(times)
}
