//! The table that a run leaves behind.

use std::fmt::Write;

use crate::import::Outcome;

/// The import outcomes as Markdown, a table for each shape, fastest first.
pub(crate) fn imports(outcomes: &[Outcome]) -> String {
    let mut text = String::new();
    let mut shapes: Vec<_> = outcomes.iter().map(|outcome| outcome.shape).collect();
    shapes.dedup();
    for shape in shapes {
        let mut here: Vec<_> = outcomes.iter().filter(|outcome| outcome.shape == shape).collect();
        here.sort_by(|a, b| b.rows_per_second().total_cmp(&a.rows_per_second()));
        let best_peer = here
            .iter()
            .filter(|outcome| !outcome.system.starts_with("iobeam"))
            .map(|outcome| outcome.rows_per_second())
            .fold(0.0, f64::max);
        let _ =
            writeln!(text, "### {} rows a batch, {} connections\n", shape.batch, shape.connections);
        text += "| system | durability | rows/s | × best peer | server CPU s per 10⁶ values | p50 ms | p99 ms | p99.9 ms | peak MB | bytes/value |\n";
        text += "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";
        for outcome in here {
            let milliseconds = |share| outcome.quantile(share).as_secs_f64() * 1e3;
            let _ = writeln!(
                text,
                "| {} | {} | {:.0} | {:.2} | {:.3} | {:.2} | {:.2} | {:.2} | {:.0} | {} |",
                outcome.system,
                outcome.durability,
                outcome.rows_per_second(),
                outcome.rows_per_second() / best_peer,
                outcome.cpu_per_million_values(),
                milliseconds(0.5),
                milliseconds(0.99),
                milliseconds(0.999),
                outcome.peak_memory as f64 / 1e6,
                outcome.bytes_per_value.map_or_else(|| "-".into(), |bytes| format!("{bytes:.2}")),
            );
        }
        text.push('\n');
    }
    text
}

/// The machine that it ran on.
pub(crate) fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or("").to_owned();
        line.split(':').nth(1).unwrap_or("?").trim().to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{cores} cores of {}, {} memory, Linux {}",
        field(&read("/proc/cpuinfo"), "model name"),
        field(&read("/proc/meminfo"), "MemTotal"),
        read("/proc/sys/kernel/osrelease").trim(),
    )
}
