//! The fleet work: trucks whose rows come late, out of order and with gaps, and the IoT questions of the Time Series Benchmark
//! Suite, in SQL.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result};
use iobeam_testkit::{Disorder, Fleet, Kind};

use super::{Patience, Plan, folder, python, repeat};
use crate::answer::Digest;
use crate::clock::milliseconds;
use crate::fleet_questions::{FleetQuestion, all};
use crate::peers::clickhouse::ClickHouse;
use crate::peers::duckdb::DuckDb;
use crate::peers::iobeam::{Form, Started};
use crate::peers::postgres::{self, Postgres};
use crate::peers::{Asker, Peer, Running};
use crate::process::is_installed;
use crate::results::{Figure, Work};

/// 2026-01-01, where the fleet begins, in seconds since 1970.
const START: i64 = 1_767_225_600;
/// Hours of driving.
const HOURS: u32 = 24;
const BATCH: usize = 20_000;

/// Answers so far: the first is what others are compared with.
type Right = HashMap<&'static str, Digest>;

/// Loads and asks each system that speaks SQL.
pub(crate) fn run(plan: Plan) -> Result<Work> {
    let mut work = Work::begin();
    let mut right = Right::new();
    let trucks = plan.options.trucks;
    let questions = all(START + i64::from(HOURS) * 3600);
    ourselves(plan, &mut work, &mut right, &questions)?;
    let mut peers: Vec<Box<dyn Peer>> = Vec::new();
    if is_installed("clickhouse-server") {
        peers.push(Box::new(ClickHouse));
    } else {
        work.note("clickhouse-server is not installed: left out");
    }
    if postgres::folder().is_some() {
        peers.push(Box::new(Postgres { synced: true }));
    } else {
        work.note("postgresql is not installed: left out");
    }
    for peer in peers {
        if plan.deadline.passed() {
            work.note(format!("{}: left out, the time was up", peer.system()));
            continue;
        }
        let folder = folder(plan.options)?;
        let mut running = peer.start(folder.path())?;
        work.versions.insert(peer.system().to_owned(), running.version());
        load(running.as_ref(), trucks)?;
        running.settle()?;
        for (name, mut asker) in running.askers()? {
            ask_all(plan, &mut work, &mut right, &questions, (&name, asker.as_mut()));
        }
    }
    work.note(format!(
        "{trucks} trucks for {HOURS} h, readings and diagnostics every 10 s ({} rows each); 2 % of rows late by up to an hour, 5 % of \
         values missing, 5 % of rows out of order. Warm; medians; answers compared with ours. A '-' is a question that the \
         system's SQL does not know (no window functions in ClickHouse 18.16).",
        rows(trucks)
    ));
    Ok(work)
}

fn rows(trucks: u32) -> usize {
    trucks as usize * HOURS as usize * 360
}

fn ourselves(
    plan: Plan,
    work: &mut Work,
    right: &mut Right,
    questions: &[FleetQuestion],
) -> Result<()> {
    let folder = folder(plan.options)?;
    let mut running = Started::start(Form::PlainBatch, folder.path())?;
    work.versions.insert("iobeam".to_owned(), running.version());
    load(&running, plan.options.trucks).context("iobeam")?;
    running.settle()?;
    let (name, mut asker) = running.askers()?.swap_remove(0);
    ask_all(plan, work, right, questions, (&name, asker.as_mut()));
    match python() {
        Some(python) => {
            let mut duckdb = DuckDb::open(&python, &running.lake(), folder.path())?;
            work.versions.insert("DuckDB".to_owned(), duckdb.version.clone());
            ask_all(plan, work, right, questions, ("DuckDB on our files", &mut duckdb));
        }
        None => work.note("DuckDB could not be installed: left out"),
    }
    Ok(())
}

/// The same rows for each system.
fn load(running: &dyn Running, trucks: u32) -> Result<()> {
    let tables = [("readings", Kind::TruckReadings), ("diagnostics", Kind::TruckDiagnostics)];
    for (table, kind) in tables {
        let mut fleet = Fleet::new(42, kind, trucks as usize).with_disorder(Disorder::USUAL);
        let mut left = rows(trucks);
        while left > 0 {
            let count = left.min(BATCH);
            running.import_fleet(table, &fleet.batch(count)).with_context(|| table.to_owned())?;
            left -= count;
        }
    }
    Ok(())
}

fn ask_all(
    plan: Plan,
    work: &mut Work,
    right: &mut Right,
    questions: &[FleetQuestion],
    (name, asker): (&str, &mut dyn Asker),
) {
    for question in questions {
        let Some(phrase) = asker.fleet_phrase(question) else { continue };
        let mut figure = Figure {
            group: question.title.to_owned(),
            system: name.to_owned(),
            ..Figure::default()
        };
        match ask(plan, asker, &phrase, question.columns) {
            Ok((time, digest)) => {
                let expected = *right.entry(question.title).or_insert(digest);
                if !digest.agrees_with(expected) {
                    figure.remark = format!(
                        "says {} values, sum {}, where {}, {} is right",
                        digest.values, digest.sum, expected.values, expected.sum
                    );
                }
                figure.values.insert("warm_ms".to_owned(), time);
                eprintln!(
                    "  {} · {name}: {time:.1} ms, {} values {}",
                    question.title, digest.values, figure.remark
                );
            }
            Err(error) => {
                figure.remark = format!("failed: {error:#}");
                eprintln!("  {} · {name}: {error:#}", question.title);
            }
        }
        work.figures.push(figure);
    }
}

fn ask(plan: Plan, asker: &mut dyn Asker, phrase: &str, columns: usize) -> Result<(f64, Digest)> {
    let times = if plan.options.quick { 2 } else { 101 };
    let (time, answer) =
        repeat(asker, phrase, Patience { times, time: Duration::from_millis(800) })?;
    Ok((milliseconds(time), asker.digest(&answer, columns)?))
}
