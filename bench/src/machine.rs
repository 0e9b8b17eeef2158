//! The machine that it runs on: what it is, and its page cache.

use std::fs;
use std::process::Command;

/// Cores, memory, kernel, in one line.
pub(crate) fn describe() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or("").to_owned();
        line.split(':').nth(1).unwrap_or("?").trim().to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kilobytes = field(&read("/proc/meminfo"), "MemTotal");
    let kilobytes: f64 =
        kilobytes.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or(0.0);
    format!(
        "{cores} cores of {}, {:.0} GB memory, Linux {}",
        field(&read("/proc/cpuinfo"), "model name"),
        kilobytes / 1e6,
        read("/proc/sys/kernel/osrelease").trim(),
    )
}

/// The date and time, in UTC.
pub(crate) fn date() -> String {
    output("date", &["-u", "+%Y-%m-%d %H:%M UTC"])
}

/// What a program prints, in one line; a question mark when it cannot be run.
pub(crate) fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.ok().filter(|text| !text.is_empty()).unwrap_or_else(|| "?".into())
}

/// Writes back what is dirty and forgets what was read from disks. Says whether it could: it needs root.
pub(crate) fn drop_page_cache() -> bool {
    rustix::fs::sync();
    fs::write("/proc/sys/vm/drop_caches", "3").is_ok()
}
