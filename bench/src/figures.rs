//! The first figures: what the platform takes when idle, how soon it is up, how soon an import is acknowledged.

use std::fs;
use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use iobeam_promises::{Account, Platform};
use serde_json::{Value as Json, json};

/// Starts on an empty folder that are timed.
const STARTS: usize = 5;
/// How long nothing is asked before the platform counts as idle.
const QUIET: Duration = Duration::from_secs(5);
/// Imports that are timed, after as many as a tenth of them to warm up.
const IMPORTS: usize = 300;
/// Rows and fields of one import.
const ROWS: usize = 1000;
const FIELDS: usize = 10;

/// Measures and prints a line a figure.
pub(crate) fn print_all() -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "| what | median | goal | durability |")?;
    writeln!(out, "| --- | --- | --- | --- |")?;
    let starts: Vec<_> = (0..STARTS).map(|_| timed(Platform::start).0).collect();
    writeln!(
        out,
        "| start on an empty folder, with account look-up ready | {} | ≤ 1 s | - |",
        show(median(starts))
    )?;
    let platform = Platform::start();
    let account = platform.account();
    std::thread::sleep(QUIET);
    let idle = resident_bytes(platform.pid())?;
    writeln!(
        out,
        "| resident memory, idle for {} s after a sign-up | {:.1} MB | ≤ 80 MB | - |",
        QUIET.as_secs(),
        idle as f64 / 1e6
    )?;
    let (import, bytes) = time_imports(&platform, &account)?;
    writeln!(
        out,
        "| import of {ROWS} rows × {FIELDS} fields as a JSON table ({:.0} kB) | {} | ≤ 20 ms | synced to disk before the reply |",
        bytes as f64 / 1e3,
        show(import),
    )?;
    Ok(())
}

/// The median time from sending an import to its acknowledgement, and how large the bodies are.
fn time_imports(platform: &Platform, account: &Account) -> Result<(Duration, usize)> {
    let mut times = Vec::new();
    let mut length = 0;
    for import in 0..IMPORTS + IMPORTS / 10 {
        // No body twice: a repeat would be answered from its receipt.
        let body = table(account.project, import).to_string();
        length = body.len();
        let (time, reply) = timed(|| {
            platform.post_bytes(
                "/v1/imports?fmt=table",
                Some(&account.token),
                "application/json",
                body.as_bytes(),
            )
        });
        reply.context("an import failed")?.expect_status(200);
        if import >= IMPORTS / 10 {
            times.push(time);
        }
    }
    Ok((median(times), length))
}

/// Rows of a random walk with two decimals, another for each `import`.
fn table(project: u64, import: usize) -> Json {
    let names = (0..FIELDS).map(|field| json!(format!("sensor{field}")));
    let fields: Vec<_> = std::iter::once(json!("time")).chain(names).collect();
    let mut state = import as u64 + 1;
    let mut walk = [20.0_f64; FIELDS];
    let rows = (0..ROWS).map(|row| {
        let time = 1_700_000_000_000 + (import * ROWS + row) as u64;
        let values = walk.iter_mut().map(|value| {
            // A linear congruential generator is as random as a bench needs, and the same each time.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            *value += ((state >> 33) % 101) as f64 / 100.0 - 0.5;
            json!((*value * 100.0).round() / 100.0)
        });
        Json::Array(std::iter::once(json!(time)).chain(values).collect())
    });
    json!({"project_id": project, "device_id": "device-1", "sources": {"fields": fields, "data": rows.collect::<Vec<_>>()}})
}

#[expect(clippy::disallowed_methods, reason = "a bench is about time")]
fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let began = Instant::now();
    let result = work();
    (began.elapsed(), result)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn show(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

fn resident_bytes(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("only on Linux")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS")?;
    let kilobytes: u64 = line.split_whitespace().nth(1).context("no figure")?.parse()?;
    Ok(kilobytes * 1024)
}
