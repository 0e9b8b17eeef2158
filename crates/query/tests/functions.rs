//! Every function that queries may use, with large and odd arguments: each call is answered or refused, in time and in
//! little memory. A process of its own, as its memory is measured.

#[path = "answers/world.rs"]
#[expect(dead_code, reason = "others need the rest of it")]
mod world;

use std::time::Duration;

use futures::StreamExt;
use iobeam_model::{Remedy, Value};
use iobeam_query::{Functions, Param, QueryError};
use tokio::time::Instant;

use world::{Row, World};

/// The program's own: what is given back is given back to the system.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rows, each with a text of `TEXT` bytes.
const ROWS: i64 = 500;
const TEXT: usize = 5000;
/// How long a query may run, and how much later its answer may come.
const TIMEOUT: Duration = Duration::from_secs(2);
const LATE: Duration = Duration::from_secs(2);
/// What the process may take beyond what it had: more than the server may, as the allocator of tests gives back less.
const MEMORY: u64 = 384 << 20;

/// Arguments, of each kind one that is large.
const ARGUMENTS: [&str; 12] = [
    "note",
    "$1",
    "count",
    "temperature",
    "time",
    "9223372036854775807",
    "-1",
    "INTERVAL '1000 months'",
    "make_array(note, note)",
    "string_to_array(note, 'x')",
    "'2000000000'",
    "NULL",
];

fn own_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) << 10
}

/// Lists of arguments: the same ones over, and a large first one with others behind it.
fn lists() -> Vec<String> {
    let mut lists = vec![String::new()];
    for argument in ARGUMENTS {
        for count in 1..=3 {
            lists.push(vec![argument; count].join(", "));
        }
    }
    for first in ["note", "$1", "make_array(note, note)", "time", "'epoch'", "temperature"] {
        for second in ["$1", "9223372036854775807", "note", "time", "0.5"] {
            lists.push(format!("{first}, {second}"));
            for third in ["$1", "9223372036854775807", "note"] {
                lists.push(format!("{first}, {second}, {third}"));
            }
        }
    }
    lists.extend(
        ["note, 1, 'FixedSizeBinary(2000000000)'", "note, 'FixedSizeBinary(2000000000)'"]
            .map(str::to_owned),
    );
    lists
}

/// Asks, and reads what comes.
async fn ask(world: &World, query: &str) -> Result<usize, QueryError> {
    let params =
        if query.contains("$1") { vec![Param::String("xyz,".repeat(50_000))] } else { Vec::new() };
    let mut rows = world.sql(query, params).await?.into_rows();
    let mut bytes = 0;
    while let Some(batch) = rows.next().await {
        bytes += batch?.get_array_memory_size();
        if bytes > 64 << 20 {
            break;
        }
    }
    Ok(bytes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_function_is_answered_or_refused_in_time_and_memory() {
    let world = World::with(|settings| {
        settings.timeout = TIMEOUT;
        settings.memory_bytes = 64 << 20;
        // As the server has it: what operators hold without saying so ends their query.
        settings.process_bytes = Some(160 << 20);
    });
    let rows = (0..ROWS).map(|at| {
        let note = format!("{at} {}", "x".repeat(TEXT));
        Row::new(
            at * 1000,
            vec![
                ("device_id", Value::String(format!("d{}", at % 7).into())),
                ("note", Value::String(note.into())),
                ("count", Value::Long(at)),
                ("temperature", Value::Double(0.5)),
            ],
        )
    });
    world.add(&rows.collect::<Vec<_>>()).await;
    world.flush().await;
    let Functions { scalars, aggregates, windows, tables } = world.engine.functions();
    assert!(scalars.len() > 100 && aggregates.len() > 20 && windows.len() > 5, "{scalars:?}");
    let before = own_memory();
    let (mut asked, mut answered) = (0, 0);
    let lists = lists();
    // All lists take a quarter of an hour; each function gets some of them, and all of them when asked for.
    let share = if std::env::var_os("IOBEAM_HOSTILE").is_some() { 1 } else { 6 };
    let calls = scalars.iter().map(|name| (name, "SELECT {} FROM input"));
    let calls = calls.chain(aggregates.iter().map(|name| (name, "SELECT {} FROM input")));
    let calls =
        calls.chain(windows.iter().map(|name| (name, "SELECT {} OVER (ORDER BY time) FROM input")));
    let calls = calls
        .chain(aggregates.iter().map(|name| (name, "SELECT {} OVER (ORDER BY time) FROM input")));
    let calls = calls.chain(tables.iter().map(|name| (name, "SELECT count(*) FROM {}")));
    // To look into one: IOBEAM_FUNCTION=concat.
    let only = std::env::var("IOBEAM_FUNCTION").ok();
    for (name, form) in calls.filter(|(name, _)| only.as_ref().is_none_or(|only| only == *name)) {
        let slowest = Instant::now();
        for list in lists.iter().skip(name.len() % share).step_by(share) {
            let query = form.replace("{}", &format!("{name}({list})"));
            let began = Instant::now();
            let outcome = ask(&world, &query).await;
            let took = began.elapsed();
            assert!(took < TIMEOUT + LATE, "{query} took {took:?}: {outcome:?}");
            asked += 1;
            match outcome {
                Ok(_) => answered += 1,
                Err(error) => {
                    assert!(error.remedy() != Remedy::CallOperator, "{query}: {error}");
                }
            }
            let more = own_memory().saturating_sub(before);
            assert!(more < MEMORY, "{query}: {} MiB more", more >> 20);
        }
        let more = own_memory().saturating_sub(before) >> 20;
        if slowest.elapsed() > Duration::from_secs(5) || more > 128 {
            eprintln!("{name}: {:?}, {more} MiB more", slowest.elapsed());
        }
    }
    eprintln!("{asked} calls, {answered} answered");
    assert!(only.is_some() || answered > asked / 20, "{answered} of {asked}");
}
