//! A server under measurement: started, watched, stopped, its folder weighed.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Ticks of the kernel's process clock in a second; fixed on Linux for user space.
const TICKS_PER_SECOND: f64 = 100.0;

/// A process that is killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Processes that count with it: those of a server that forks one for each connection.
    family: bool,
}

impl Server {
    /// Starts a command with its output in a file of `folder`.
    pub(crate) fn start(command: &mut Command, folder: &Path, family: bool) -> Result<Self> {
        let log = File::create(folder.join("server.log"))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        Ok(Self { child, family })
    }

    /// Processor time so far, in seconds.
    pub(crate) fn cpu_seconds(&self) -> Result<f64> {
        let mut total = 0.0;
        for pid in self.pids()? {
            let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
            // The name is in brackets and may hold blanks; the fields are counted behind it.
            let after = stat.rsplit(')').next().context("an odd stat line")?;
            let fields: Vec<_> = after.split_whitespace().collect();
            // Own time, and that of children which have ended.
            total +=
                fields[11..15].iter().filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>();
        }
        Ok(total / TICKS_PER_SECOND)
    }

    /// The largest resident set so far, in bytes; summed over a family.
    pub(crate) fn peak_memory(&self) -> Result<u64> {
        self.memory("VmHWM:")
    }

    fn memory(&self, line: &str) -> Result<u64> {
        let mut total = 0;
        for pid in self.pids()? {
            let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else { continue };
            let found = status.lines().find_map(|text| text.strip_prefix(line));
            total += found
                .and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok())
                .unwrap_or(0);
        }
        Ok(total * 1024)
    }

    fn pids(&self) -> Result<Vec<u32>> {
        let own = self.child.id();
        let mut pids = vec![own];
        if self.family {
            let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children"))?;
            pids.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        }
        Ok(pids)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        // Asked first, so that shared memory is given back; then made to.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        for _ in 0..100 {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tries until it works, for half a minute at the most.
pub(crate) fn wait_for<T>(what: &str, mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
    for _ in 0..600 {
        if let Ok(done) = attempt() {
            return Ok(done);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    match attempt() {
        Ok(done) => Ok(done),
        Err(error) => bail!("{what} did not come up: {error:#}"),
    }
}

/// A port of this machine that is free now.
pub(crate) fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Bytes that a folder takes on disk.
pub(crate) fn bytes_on_disk(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let sizes = entries.filter_map(Result::ok).map(|entry| {
        let Ok(facts) = entry.metadata() else { return 0 };
        if facts.is_dir() { bytes_on_disk(&entry.path()) } else { facts.blocks() * 512 }
    });
    sizes.sum()
}
