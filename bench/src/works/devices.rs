//! What the clients cost a device, the Python package beside the original.
//!
//! ```text
//! add ×1M in this process              ─▶ ns a row, with and without a spool
//! the thermometer, a crate of its own  ─▶ clean build, size, memory while it runs
//! python/measure.sh                    ─▶ both packages, same rows, same platform, one after the other
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use iobeam::{Client, Clock, SystemClock, Timestamp};
use iobeam_promises::{Account, Platform, project_root};

use super::{Plan, folder};
use crate::results::{Figure, Work};

const ROWS: u32 = 1_000_000;
/// The thermometer has measured and sent by then.
const IDLE_AFTER: Duration = Duration::from_secs(15);
/// How rows are kept.
const WAYS: [&str; 3] = ["in memory", "in a spool at each flush", "in a spool row by row"];
/// A token that no server would take: nothing is sent.
const NO_TOKEN: &str = "e30.eyJleHAiOjQwMDAwMDAwMDAsInBpZCI6MX0.c2ln";
const RUST: &str = "iobeam, Rust";
const SYNCED: &str = "synced before acknowledged";

/// Measures the Rust client by itself, and the Python package beside the original.
pub(crate) fn run(plan: Plan) -> Result<Work> {
    let mut work = Work::begin();
    let rows = if plan.options.quick { ROWS / 10 } else { ROWS };
    for way in WAYS {
        let (cpu, wall) = cost_of_add(way, rows)?;
        let values = [("cpu_ns_a_row", cpu), ("wall_ns_a_row", wall)];
        let group = format!("add of a row with 3 values, {way}, flushes included");
        work.figures.push(Figure::new(group, RUST, "-", &values));
    }
    let folder = folder(plan.options)?;
    if plan.options.quick {
        work.note("quick: the thermometer was not built and the packages not measured");
        return Ok(work);
    }
    let (thermometer, cpu, wall) = built(folder.path())?;
    let platform = Platform::start();
    let idle = idle_memory(&thermometer, folder.path(), &platform, &platform.account())?;
    drop(platform);
    let size = fs::metadata(&thermometer)?.len() as f64 / 1e6;
    let values = [
        ("size_mb", size),
        ("build_s", wall),
        ("build_cpu_s", cpu),
        ("idle_mb", idle as f64 / 1e6),
    ];
    work.figures.push(Figure::new(
        "the thermometer, stripped, with TLS and a spool",
        RUST,
        "-",
        &values,
    ));
    packages(&mut work, rows)?;
    Ok(work)
}

/// What `measure.py` found: by piece of work and unit, for our package and for the original.
type Measured = BTreeMap<String, BTreeMap<String, f64>>;

/// Both packages, measured by themselves; each figure of both stands one after the other.
fn packages(work: &mut Work, rows: u32) -> Result<()> {
    let mut measure = Command::new(project_root().join("python/measure.sh"));
    measure.env("ROWS", rows.to_string()).env("IOBEAM_PROGRAM", iobeam_promises::program());
    let output = measure.arg("--json").stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "python/measure.sh: {}", output.status);
    let measured: Measured =
        serde_json::from_slice(&output.stdout).context("what python/measure.sh found")?;
    let (ours, theirs) = ("iobeam, Python", "the original 0.11.0");
    let none = BTreeMap::new();
    let of = |who: &str| measured.get(who).unwrap_or(&none);
    for (name, value) in of("ours") {
        let (group, key) = name.split_once(": ").context("a figure with a unit")?;
        work.figures.push(Figure::new(group.to_owned(), ours, SYNCED, &[(key, *value)]));
        if let Some(other) = of("original").get(name) {
            work.figures.push(Figure::new(group.to_owned(), theirs, SYNCED, &[(key, *other)]));
            let ratio = (value / other).max(other / value);
            work.note(format!(
                "{group}, {}: {ratio:.1} times between the two",
                key.replace('_', " ")
            ));
        }
    }
    Ok(())
}

/// What one `add` takes, in nanoseconds: of the processor, and by the clock on the wall.
fn cost_of_add(way: &str, rows: u32) -> Result<(f64, f64)> {
    let folder = tempfile::tempdir()?;
    let builder = Client::builder(1, NO_TOKEN)
        .backend("http://127.0.0.1:9")
        .device_id("device")
        .close_deadline(Duration::ZERO);
    let client = match way {
        "in memory" => builder,
        "in a spool row by row" => builder.spool(folder.path()),
        _ => builder.spool(folder.path()).spool_each_row(false),
    };
    let client = client.build()?;
    let store = client.create_data_store(&["temperature", "humidity", "pressure"])?;
    let clock = SystemClock::new();
    let (begun, used) = (clock.monotonic(), thread_nanos());
    for row in 0..rows {
        let value = f64::from(row % 1_000) / 100.0;
        let time = Timestamp::from_micros(1_767_225_600_000_000 + i64::from(row) * 1_000);
        store.add(
            time,
            [("temperature", value), ("humidity", 40.0 + value), ("pressure", 1_000.0 - value)],
        )?;
    }
    let each = |nanos: f64| nanos / f64::from(rows);
    let wall = clock.monotonic().saturating_sub(begun);
    Ok((each((thread_nanos() - used) as f64), each(wall.as_nanos() as f64)))
}

/// What this thread used of the processor.
fn thread_nanos() -> u64 {
    let told = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    told.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
}

/// The example as a program of its own, built from nothing, as its user would: where it is, and what that took, in
/// seconds of the processor and by the clock on the wall.
fn built(folder: &Path) -> Result<(PathBuf, f64, f64)> {
    let client = project_root().join("crates/client");
    let manifest = format!(
        "[package]\nname = \"thermometer\"\nedition = \"2024\"\n\n[dependencies]\niobeam = {{ path = {:?} }}\n\n\
         [profile.release]\nopt-level = \"s\"\nlto = \"thin\"\ncodegen-units = 4\npanic = \"abort\"\nstrip = true\n\n\
         [workspace]\n",
        client.display().to_string()
    );
    fs::create_dir(folder.join("src"))?;
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::copy(client.join("examples/thermometer.rs"), folder.join("src/main.rs"))?;
    // The same versions as everywhere else here.
    fs::copy(project_root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
    let clock = SystemClock::new();
    let used = children_seconds()?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--release", "--quiet"])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .stdin(Stdio::null())
        .status()?;
    ensure!(status.success(), "the thermometer was not built: {status}");
    let wall = clock.monotonic().as_secs_f64();
    Ok((folder.join("target/release/thermometer"), children_seconds()? - used, wall))
}

/// What the processes that this one has waited for used of the processor.
fn children_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat").context("only on Linux")?;
    // The name is in brackets and may hold blanks; the fields are counted behind it.
    let after = stat.rsplit(')').next().context("an odd stat line")?;
    let ticks =
        after.split_whitespace().skip(13).take(2).filter_map(|text| text.parse::<f64>().ok());
    Ok(ticks.sum::<f64>() / 100.0)
}

/// Killed when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the thermometer holds in memory once it has measured and sent.
fn idle_memory(
    thermometer: &Path,
    folder: &Path,
    platform: &Platform,
    account: &Account,
) -> Result<u64> {
    let child = Command::new(thermometer)
        .current_dir(folder)
        .env("IOBEAM_BACKEND", platform.base())
        .env("IOBEAM_PROJECT", account.project.to_string())
        .env("IOBEAM_TOKEN", &account.token)
        .spawn()?;
    let running = Running(child);
    std::thread::sleep(IDLE_AFTER);
    let status = fs::read_to_string(format!("/proc/{}/status", running.0.id()))
        .context("the thermometer does not run")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS")?;
    let kilobytes: u64 = line.split_whitespace().nth(1).context("no figure")?.parse()?;
    Ok(kilobytes * 1024)
}
