//! Measures the real program, alone and beside its peers: `make bench`.
//!
//! ```text
//! iobeam-bench figures            what we cost and how soon we answer
//! iobeam-bench import [--quick]   the same rows to us and to each peer that is installed
//!              --only=NAME        of the systems, those whose name holds this
//! ```
//!
//! All figures of a table come from one run on one machine; what an acknowledgement means stands beside each.

mod figures;

mod report;

mod import;

mod peers;

mod http;

mod process;

mod sensors;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use import::{Budget, Outcome, Shape};
use peers::iobeam::{Form, Iobeam};
use peers::{
    Peer, clickhouse::ClickHouse, influxdb::InfluxDb, postgres::Postgres, victoria::VictoriaMetrics,
};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let only = arguments.iter().find_map(|argument| argument.strip_prefix("--only=")).unwrap_or("");
    let work = arguments.iter().find(|argument| !argument.starts_with('-'));
    let done = match work.map(String::as_str) {
        Some("figures") => figures::print_all(),
        Some("import") => imports(quick, only),
        None => figures::print_all().and_then(|()| imports(quick, only)),
        Some(other) => {
            eprintln!("unknown work '{other}'; there is: figures, import");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Each system once for each shape, each time from an empty folder.
fn imports(quick: bool, only: &str) -> Result<()> {
    let mut out = std::io::stdout();
    let mut peers = installed();
    peers.retain(|peer| peer.name().to_lowercase().contains(&only.to_lowercase()));
    let budget = Budget {
        rows: if quick { 200_000 } else { 2_000_000 },
        time: Duration::from_secs(if quick { 2 } else { 5 }),
    };
    let mut outcomes: Vec<Outcome> = Vec::new();
    for (connections, batch) in [(64, 1), (4, 100), (1, 1000), (4, 1000), (16, 1000), (4, 10_000)] {
        for peer in &peers {
            let folder = tempfile::tempdir()?;
            let shape = Shape { connections, batch };
            let rows = budget.rows.min(batch * 20_000 * 3);
            let budget = Budget { rows, ..budget };
            let weigh = (connections, batch) == (4, 10_000);
            eprint!("{} · {batch} rows · {connections} connections ... ", peer.name());
            match import::run(peer.as_ref(), shape, budget, folder.path(), weigh) {
                Ok(outcome) => {
                    eprintln!("{:.0} rows/s", outcome.rows_per_second());
                    outcomes.push(outcome);
                }
                Err(error) => eprintln!("failed: {error:#}"),
            }
        }
    }
    writeln!(out, "Machine: {}\n", report::machine())?;
    let mut versions: Vec<_> = outcomes
        .iter()
        .map(|outcome| format!("{} ({})", outcome.system, outcome.version))
        .collect();
    versions.sort();
    versions.dedup();
    writeln!(out, "Systems: {}\n", versions.join("; "))?;
    writeln!(out, "{}", report::imports(&outcomes))?;
    Ok(())
}

/// The systems whose programs are on this machine; the others are named.
fn installed() -> Vec<Box<dyn Peer>> {
    let mut peers: Vec<Box<dyn Peer>> = vec![
        Box::new(Iobeam { form: Form::Batch }),
        Box::new(Iobeam { form: Form::PlainBatch }),
        Box::new(Iobeam { form: Form::Json }),
    ];
    let others: [(&str, Vec<Box<dyn Peer>>); 4] = [
        ("influxd", vec![Box::new(InfluxDb)]),
        ("victoria-metrics", vec![Box::new(VictoriaMetrics)]),
        ("clickhouse-server", vec![Box::new(ClickHouse)]),
        (
            "pg_ctlcluster",
            vec![Box::new(Postgres { synced: true }), Box::new(Postgres { synced: false })],
        ),
    ];
    for (program, modes) in others {
        if on_path(program) {
            peers.extend(modes);
        } else {
            eprintln!("{program} is not installed: left out");
        }
    }
    peers
}

fn on_path(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&folders).collect();
    folders.push("/usr/sbin".into());
    folders.iter().any(|folder| folder.join(program).is_file())
}
