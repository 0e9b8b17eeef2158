//! For a long time: batches of 1000 rows, as fast as they are taken or at a pace, questions beside them, a line for
//! each minute.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};

use super::{Plan, folder};
use crate::clock::{milliseconds, now, quantile, timed};
use crate::peers::Running;
use crate::peers::iobeam::{Form, Started};
use crate::process::bytes_on_disk;
use crate::questions::{Question, Scope};
use crate::results::{Figure, Work};
use crate::sensors::Sensors;

/// Devices, connections, and rows of a batch.
const DEVICES: u32 = 1000;
const CONNECTIONS: u32 = 4;
const BATCH: usize = 1000;
/// Between two rounds of questions.
const PAUSE: Duration = Duration::from_secs(1);
/// What is asked all the while.
const QUESTIONS: [Question; 3] =
    [Question::LastOfOne, Question::Last100OfOne, Question::MinuteMeans];

/// How long it goes on unless asked otherwise.
const SUSTAINED: Duration = Duration::from_mins(10);
const SOAK: Duration = Duration::from_hours(1);

/// What senders and askers have done.
#[derive(Debug, Default)]
struct Tally {
    rows: AtomicU64,
    stop: AtomicBool,
    imports: Mutex<Vec<Duration>>,
    answers: Mutex<Vec<Duration>>,
}

/// As many rows as are taken.
pub(crate) fn sustained(plan: Plan) -> Result<Work> {
    run(plan, plan.options.soak.unwrap_or(SUSTAINED), None)
}

/// As many rows as the pace says, so that an hour of them fits on a disk.
pub(crate) fn paced(plan: Plan) -> Result<Work> {
    run(plan, plan.options.soak.unwrap_or(SOAK), Some(plan.options.rate))
}

/// Ourselves alone.
fn run(plan: Plan, length: Duration, rate: Option<u32>) -> Result<Work> {
    let mut work = Work::begin();
    let folder = folder(plan.options)?;
    let mut started = Started::start(Form::PlainBatch, folder.path())?;
    started.introduce(&Sensors::new(DEVICES, 1).by_time(DEVICES as usize))?;
    let tally = Tally::default();
    let minutes = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..CONNECTIONS)
            .map(|sender| {
                let (tally, running) = (&tally, &started);
                scope.spawn(move || send(running, sender, tally, rate))
            })
            .collect();
        let asker = scope.spawn(|| ask(&started, &tally));
        let minutes = watch(length, &started, &tally);
        tally.stop.store(true, Ordering::Relaxed);
        senders.into_iter().try_for_each(|sender| sender.join().expect("no sender panicked"))?;
        asker.join().expect("the asker does not panic")?;
        minutes
    })?;
    work.figures = minutes;
    let rows = tally.rows.load(Ordering::Relaxed) + u64::from(DEVICES);
    let counted = started.count()?;
    ensure!(counted == rows, "{rows} rows were acknowledged and {counted} are there");
    started.settle()?;
    work.figures.push(Figure::new(
        "settled afterwards",
        "iobeam",
        "synced before acknowledged",
        &[
            ("rows", rows as f64),
            ("files", started.metric("iobeam_store_files")?),
            ("disk_mb", bytes_on_disk(&started.data()) as f64 / 1e6),
            ("bytes_per_value", started.stored_bytes()? as f64 / rows as f64 / 10.0),
        ],
    ));
    let pace = rate.map_or_else(
        || "as fast as they are acknowledged".to_owned(),
        |rate| format!("{rate} rows a second in all"),
    );
    work.note(format!(
        "Plain binary batches of {BATCH} rows × 10 fields of {DEVICES} devices over {CONNECTIONS} connections, {pace}; the senders make each body in the same loop on the same machine, so that their processor time (shown) is \
         lacking to the server. Beside it last row, last 100 rows and means of a device, once a second. Rows: {rows}, all \
         there at the end."
    ));
    Ok(work)
}

fn send(running: &Started, number: u32, tally: &Tally, rate: Option<u32>) -> Result<()> {
    let mut sensors = Sensors::new(DEVICES, u64::from(number) + 100);
    let mut sender = running.connect()?;
    let began = now();
    let mut sent_rows = 0_u64;
    while !tally.stop.load(Ordering::Relaxed) {
        if let Some(rate) = rate {
            let due = sent_rows as f64 * f64::from(CONNECTIONS) / f64::from(rate);
            std::thread::sleep(Duration::from_secs_f64(due).saturating_sub(began.elapsed()));
        }
        let body = running.body(&sensors.by_time(BATCH));
        let (time, sent) = timed(|| sender.send(&body));
        sent?;
        sent_rows += BATCH as u64;
        tally.rows.fetch_add(BATCH as u64, Ordering::Relaxed);
        tally.imports.lock().expect("no sender panicked").push(time);
    }
    Ok(())
}

fn ask(running: &Started, tally: &Tally) -> Result<()> {
    let scope = Scope { devices: DEVICES, hours: 1, step: 10 };
    let (_, mut asker) = running.askers()?.swap_remove(0);
    while !tally.stop.load(Ordering::Relaxed) {
        for question in QUESTIONS {
            let Some(phrase) = asker.phrase(question, scope) else { continue };
            let (time, answer) = timed(|| asker.ask(&phrase));
            answer?;
            tally.answers.lock().expect("no asker panicked").push(time);
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

/// A line for each minute; the last one may be shorter.
fn watch(length: Duration, running: &Started, tally: &Tally) -> Result<Vec<Figure>> {
    let mut minutes = Vec::new();
    let mut left = length;
    while !left.is_zero() && !tally.stop.load(Ordering::Relaxed) {
        let length = left.min(Duration::from_mins(1));
        let began = now();
        let rows = tally.rows.load(Ordering::Relaxed);
        let (cpu, own) = (running.server().cpu_seconds()?, own_cpu());
        std::thread::sleep(length);
        left = left.saturating_sub(length);
        let seconds = began.elapsed().as_secs_f64();
        let imports = sorted(&tally.imports);
        let answers = sorted(&tally.answers);
        let came = (tally.rows.load(Ordering::Relaxed) - rows) as f64;
        ensure!(came > 0.0, "no rows were taken for a minute");
        let values = [
            ("rows_per_second", came / seconds),
            ("p50_ms", milliseconds(quantile(&imports, 0.5))),
            ("p99_ms", milliseconds(quantile(&imports, 0.99))),
            ("p999_ms", milliseconds(quantile(&imports, 0.999))),
            ("query_p50_ms", milliseconds(quantile(&answers, 0.5))),
            ("query_p99_ms", milliseconds(quantile(&answers, 0.99))),
            ("server_cores", (running.server().cpu_seconds()? - cpu) / seconds),
            ("sender_cores", (own_cpu() - own) / seconds),
            ("resident_mb", running.server().resident()? as f64 / 1e6),
            ("peak_mb", running.server().peak_memory()? as f64 / 1e6),
            ("files", running.metric("iobeam_store_files")?),
            ("disk_mb", bytes_on_disk(&running.data()) as f64 / 1e6),
        ];
        let figure = Figure::new(
            format!("minute {}", minutes.len() + 1),
            "iobeam",
            "synced before acknowledged",
            &values,
        );
        eprintln!(
            "  {}: {:.0} rows/s, p99 {:.2} ms, {:.0} MB",
            figure.group, values[0].1, values[2].1, values[8].1
        );
        minutes.push(figure);
    }
    Ok(minutes)
}

fn sorted(times: &Mutex<Vec<Duration>>) -> Vec<Duration> {
    let mut times = std::mem::take(&mut *times.lock().expect("nobody panicked"));
    times.sort_unstable();
    times
}

/// Processor seconds of this program.
fn own_cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = fields.iter().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}
