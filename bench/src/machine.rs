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

/// Processor time so far, and how much of it the host of this virtual machine gave to others instead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stolen {
    all: u64,
    stolen: u64,
}

impl Stolen {
    /// Until now.
    pub(crate) fn so_far() -> Self {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        Self::read(stat.lines().next().unwrap_or_default())
    }

    /// Of the line of all cores: user, nice, system, idle, iowait, irq, softirq, steal, and two that count twice.
    fn read(line: &str) -> Self {
        let times: Vec<u64> =
            line.split_whitespace().skip(1).take(8).filter_map(|time| time.parse().ok()).collect();
        Self { all: times.iter().sum(), stolen: times.get(7).copied().unwrap_or(0) }
    }

    /// The percentage since then, if it is worth a word.
    pub(crate) fn percent_since(self) -> Option<u64> {
        let now = Self::so_far();
        let percent = (now.stolen - self.stolen) * 100 / (now.all - self.all).max(1);
        (percent > 0).then_some(percent)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_host_took_is_the_eighth_of_the_times() {
        let read = Stolen::read("cpu  10 1 20 60 3 0 2 4 5 6");
        assert_eq!((read.all, read.stolen), (100, 4));
        let without = Stolen::read("");
        assert_eq!((without.all, without.stolen), (0, 0));
    }
}
