//! A server under measurement: started, watched, stopped, its folder weighed.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

/// Ticks of the kernel's process clock in a second; fixed on Linux for user space.
const TICKS_PER_SECOND: f64 = 100.0;

/// A process that is stopped when dropped, and killed by the kernel should the bench itself die.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Processes that count with it: those of a server that forks one for each connection.
    family: bool,
}

/// A command that ends when the bench does, even if that is killed; as that account where one is named.
pub(crate) fn command(program: impl AsRef<OsStr>, account: Option<&str>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    if let Some(account) = account {
        let (user, group) = (format!("--reuid={account}"), format!("--regid={account}"));
        command.args([user.as_str(), &group, "--clear-groups"]);
    }
    command.arg(program);
    command
}

impl Server {
    /// Starts a command with its output in a file of `folder`.
    pub(crate) fn start(command: &mut Command, folder: &Path, family: bool) -> Result<Self> {
        let log = File::options().create(true).append(true).open(folder.join("server.log"))?;
        let child = command
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        Ok(Self { child, family })
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
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

    /// The resident set now, in bytes; summed over a family.
    pub(crate) fn resident(&self) -> Result<u64> {
        self.memory("VmRSS:")
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
        // Asked first, so that it writes what it holds and gives shared memory back; then made to.
        let _ = rustix::process::kill_process(pid, Signal::INT);
        for _ in 0..2000 {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.kill();
    }
}

/// Tries until it works, for half a minute at the most.
pub(crate) fn wait_for<T>(what: &str, mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
    for _ in 0..3000 {
        if let Ok(done) = attempt() {
            return Ok(done);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    match attempt() {
        Ok(done) => Ok(done),
        Err(error) => bail!("{what} did not come up: {error:#}"),
    }
}

/// Waits until a figure has been the same for so many looks, a second apart; for two minutes at the most.
pub(crate) fn wait_until_still<T: PartialEq>(
    looks: usize,
    mut look: impl FnMut() -> Result<T>,
) -> Result<()> {
    let (mut last, mut same) = (look()?, 0);
    for _ in 0..120 {
        std::thread::sleep(Duration::from_secs(1));
        let now = look()?;
        same = if now == last { same + 1 } else { 0 };
        if same >= looks {
            break;
        }
        last = now;
    }
    Ok(())
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

/// Whether a program is installed, also where only administrators look.
pub(crate) fn is_installed(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&folders).collect();
    folders.push("/usr/sbin".into());
    folders.iter().any(|folder| folder.join(program).is_file())
}
