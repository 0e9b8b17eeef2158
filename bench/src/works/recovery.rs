//! After a kill: how long from the start to the first answer, when so much of the log must be read again. And a large set: the
//! newest rows of one device among many.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::{Patience, Plan, folder, repeat};
use crate::clock::{milliseconds, timed};
use crate::machine::drop_page_cache;
use crate::peers::Running;
use crate::peers::iobeam::{Form, Started};
use crate::process::bytes_on_disk;
use crate::questions::{Question, Scope};
use crate::results::{Figure, Work};
use crate::sensors::Sensors;
use crate::works::queries::load;

/// Of each question to the large set.
const PATIENCE: Patience = Patience { times: 32, time: Duration::from_secs(3) };

/// Fills the log, kills, starts again; then asks a large set.
pub(crate) fn run(plan: Plan) -> Result<Work> {
    let mut work = Work::begin();
    if let Err(error) = kill(plan, &mut work) {
        work.note(format!("The start after a kill failed: {error:#}"));
    }
    if let Err(error) = large(plan, &mut work) {
        work.note(format!("The large set failed: {error:#}"));
    }
    ensure!(!work.figures.is_empty(), "{}", work.notes.join("; "));
    Ok(work)
}

/// Rows stay in the log until they are flushed: here flushing is put off until the log is as large as it shall be.
const PUT_OFF: [&str; 4] =
    ["--flush-size=8GiB", "--flush-age=1d", "--memory-limit=16GiB", "--query-memory=1GiB"];

fn kill(plan: Plan, work: &mut Work) -> Result<()> {
    let folder = folder(plan.options)?;
    let mut started = Started::start(Form::PlainBatch, folder.path())?;
    started.launch(&PUT_OFF)?;
    let mut sensors = Sensors::new(1000, 5);
    let mut sender = started.connect()?;
    let mut sent = 0;
    while started.metric("iobeam_store_journal_bytes")? < plan.options.log as f64 {
        for _ in 0..20 {
            sender.send(&started.body(&sensors.by_time(10_000)))?;
            sent += 10_000;
        }
        ensure!(!plan.deadline.passed(), "the log did not fill in time");
    }
    let log = started.metric("iobeam_store_journal_bytes")?;
    started.kill()?;
    let cold = drop_page_cache();
    let (time, again) = timed(|| -> Result<u64> {
        started.launch(&[])?;
        started.count()
    });
    let rows = again?;
    ensure!(rows == sent, "{sent} rows were acknowledged and {rows} are there after the kill");
    let values = [
        ("start_s", time.as_secs_f64()),
        ("log_mb", log / 1e6),
        ("rows", rows as f64),
        ("peak_mb", started.server().peak_memory()? as f64 / 1e6),
    ];
    eprintln!("  start after a kill: {:.2} s with {:.0} MB of log", time.as_secs_f64(), log / 1e6);
    let cache = if cold { "page cache dropped" } else { "page cache warm" };
    work.figures.push(Figure::new(
        "start after kill -9, to the first answer (a count of all rows)",
        "iobeam",
        cache,
        &values,
    ));
    Ok(())
}

fn large(plan: Plan, work: &mut Work) -> Result<()> {
    let devices = plan.options.devices;
    // As many hours as give the rows, a row every ten seconds.
    let hours = (plan.options.rows / u64::from(devices) / 360).max(1) as u32;
    let scope = Scope { devices, hours, step: 10 };
    let folder = folder(plan.options)?;
    let mut started = Started::start(Form::PlainBatch, folder.path())?;
    let (time, loaded) = timed(|| load(&started, scope));
    loaded?;
    eprintln!("  {} rows loaded in {:.1} s", scope.rows(), time.as_secs_f64());
    started.settle()?;
    let counted = started.count()?;
    ensure!(counted == scope.rows(), "{} rows were sent and {counted} are there", scope.rows());
    for (name, mut asker) in started.askers()? {
        for question in [Question::Last10OfOne, Question::LastOfEach] {
            let Some(phrase) = asker.phrase(question, scope) else { continue };
            let time = milliseconds(repeat(asker.as_mut(), &phrase, PATIENCE)?.0);
            eprintln!("  {} · {name}: {time:.2} ms", question.title());
            let group = format!("{} among {} rows", question.title(), scope.rows());
            let mut figure = Figure::new(&group, "iobeam", "settled", &[("warm_ms", time)]);
            figure.system.clone_from(&name);
            work.figures.push(figure);
        }
    }
    work.note(format!(
        "The large set: {} rows of {devices} devices with 10 fields, {} MB on disk.",
        scope.rows(),
        bytes_on_disk(&started.lake()) / 1_000_000
    ));
    Ok(())
}
