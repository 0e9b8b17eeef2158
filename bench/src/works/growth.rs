//! How cost grows: the same work with 10 and 100 times the devices, and with 10 and 100 times the days.

use std::time::Duration;

use anyhow::Result;

use super::{Patience, Plan, folder, repeat};
use crate::clock::{milliseconds, timed};
use crate::peers::Running;
use crate::peers::iobeam::{Form, Started};
use crate::questions::{Question, Scope};
use crate::results::{Figure, Work};
use crate::works::queries::load;

/// The least set: so many devices, for so many hours.
const DEVICES: u32 = 40;
const HOURS: u32 = 6;
/// Of each question to each size.
const PATIENCE: Patience = Patience { times: 101, time: Duration::from_secs(1) };
/// What is asked of each size.
const QUESTIONS: [(Question, &str); 5] = [
    (Question::LastOfOne, "last_ms"),
    (Question::LastOfEach, "last_of_each_ms"),
    (Question::Last100OfOne, "last_100_ms"),
    (Question::MinuteMeans, "minute_means_ms"),
    (Question::Count, "count_ms"),
];

/// Ourselves alone, in five sizes.
pub(crate) fn run(plan: Plan) -> Result<Work> {
    let mut work = Work::begin();
    let scale = if plan.options.quick { 2 } else { 10 };
    let sizes = [(1, 1), (scale, 1), (scale * scale, 1), (1, scale), (1, scale * scale)];
    for (devices, days) in sizes {
        if plan.deadline.passed() {
            work.note("The time was up before the largest sizes.");
            break;
        }
        let scope = Scope { devices: DEVICES * devices, hours: HOURS * days, step: 10 };
        let figure = measure(plan, scope, &format!("{devices} × devices, {days} × days"))?;
        eprintln!("  {}: {:?}", figure.group, figure.values);
        work.figures.push(figure);
    }
    work.note(format!(
        "1 × is {DEVICES} devices for {HOURS} h with a row of 10 fields every 10 s; loaded in batches of 10 000 over 2 \
         connections (making the rows included), flushed and compacted, asked in SQL, warm."
    ));
    Ok(work)
}

fn measure(plan: Plan, scope: Scope, group: &str) -> Result<Figure> {
    let folder = folder(plan.options)?;
    let mut started = Started::start(Form::PlainBatch, folder.path())?;
    let (time, loaded) = timed(|| load(&started, scope));
    loaded?;
    let peak = started.server().peak_memory()?;
    started.settle()?;
    let rows = scope.rows() as f64;
    let mut values = vec![
        ("rows", rows),
        ("rows_per_second", rows / time.as_secs_f64()),
        ("peak_mb", peak as f64 / 1e6),
        ("bytes_per_value", started.stored_bytes()? as f64 / rows / 10.0),
        ("files", started.metric("iobeam_store_files")?),
    ];
    let (_, mut asker) = started.askers()?.swap_remove(0);
    for (question, key) in QUESTIONS {
        let Some(phrase) = asker.phrase(question, scope) else { continue };
        let (time, _) = repeat(asker.as_mut(), &phrase, PATIENCE)?;
        values.push((key, milliseconds(time)));
    }
    Ok(Figure::new(group, "iobeam", "synced before acknowledged", &values))
}
