//! What we cost when nothing is asked of us, and how soon we are there: start, idle memory, the first import.

use std::time::Duration;

use anyhow::Result;

use super::{Plan, folder};
use crate::clock::{Deadline, median, milliseconds, now, quantile, timed};
use crate::http::Connection;
use crate::peers::Running;
use crate::peers::iobeam::{Form, Started};
use crate::results::{Figure, Work};
use crate::sensors::Sensors;

/// Starts on an empty folder that are timed.
const STARTS: usize = 5;
/// How long nothing is asked before the platform counts as idle.
const QUIET: Duration = Duration::from_secs(5);
/// Connections that ask for nothing at once: as many as the single rows of the import work come over.
const CONNECTIONS: usize = 64;
/// How long they do.
const ASKING: Duration = Duration::from_secs(3);
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
    work.figures.push(Figure::new(
        "requests that do nothing (GET /health), 64 connections",
        "iobeam",
        "-",
        &nothing(&started, if plan.options.quick { ASKING / 10 } else { ASKING })?,
    ));
    work.versions.insert("iobeam".to_owned(), started.version());
    Ok(work)
}

/// What HTTP alone costs, sender and server on the same cores: no import of a row can be cheaper.
fn nothing(started: &Started, time: Duration) -> Result<[(&'static str, f64); 2]> {
    let open = || Connection::open(started.port());
    let mut connections = (0..CONNECTIONS).map(|_| open()).collect::<Result<Vec<_>>>()?;
    let cpu = started.server().cpu_seconds()?;
    let (began, deadline) = (now(), Deadline::after(time));
    let requests = std::thread::scope(|scope| {
        let work = connections.iter_mut().map(|connection| {
            scope.spawn(move || -> Result<u64> {
                let mut requests = 0;
                while !deadline.passed() {
                    connection.expect(200, "GET /health HTTP/1.1\r\nHost: x\r\n", b"")?;
                    requests += 1;
                }
                Ok(requests)
            })
        });
        let work: Vec<_> = work.collect();
        work.into_iter()
            .map(|thread| thread.join().expect("no sender panicked"))
            .sum::<Result<u64>>()
    })? as f64;
    let cpu = started.server().cpu_seconds()? - cpu;
    Ok([
        ("requests_per_second", requests / began.elapsed().as_secs_f64()),
        ("server_cpu_us", cpu / requests * 1e6),
    ])
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
