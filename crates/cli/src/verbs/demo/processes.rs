//! The processes that the demo leaves running, and how they are found and stopped again.
//!
//! A process is stopped only when it is recorded in the demo's folder and is still the command it was then: numbers
//! of processes are given out again.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::ProgressBar;
use serde_json::Value;
use sysinfo::{
    Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, Signal, System, UpdateKind,
};

use super::kept::Kept;
use crate::api::{Api, Call};
use crate::failure::Failure;
use crate::output::Output;

/// How long a server may take to start.
const START: Duration = Duration::from_mins(1);
/// How long a process may take to end.
const STOP: Duration = Duration::from_secs(20);
const STEP: Duration = Duration::from_millis(50);

/// The server's address: of the one that runs, or of one that is started now.
pub(super) fn find_or_start(
    dir: &Path,
    listen: &str,
    kept: &mut Kept,
    out: Output,
) -> Result<String> {
    if !kept.server.is_empty() && is_alive(kept.server_pid, dir) && answers(&kept.server) {
        super::said(
            out,
            &format!("server running at {} (process {})", kept.server, kept.server_pid),
        )?;
        return Ok(kept.server.clone());
    }
    if cfg!(not(feature = "server")) {
        return Err(Failure::new("this command was built without the server")
            .remedy("name a server with --server URL")
            .into());
    }
    // A port that is in use belongs to somebody else: leave it, and let the system choose.
    let listen = if TcpListener::bind(listen).is_ok() { listen } else { "127.0.0.1:0" };
    let data = dir.join("data");
    let data_text = data.to_string_lossy().into_owned();
    let words = ["serve", "--data-dir", &data_text, "--listen", listen, "--signup", "open"];
    let mut server = detached(&words, &dir.join("server.log"))?;
    let waiting =
        if out.talks_to_a_person() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    waiting.set_message("starting the server");
    let address = wait_for(&mut server, &data, &waiting);
    waiting.finish_and_clear();
    let Some(address) = address else {
        drop(server.kill());
        return Err(failed_to_start(&dir.join("server.log")).into());
    };
    kept.server_pid = server.id();
    super::said(out, &format!("server started at {address} (process {})", server.id()))?;
    Ok(address)
}

fn wait_for(server: &mut Child, data: &Path, waiting: &ProgressBar) -> Option<String> {
    let steps = START.as_millis() / STEP.as_millis();
    for _ in 0..steps {
        if !matches!(server.try_wait(), Ok(None)) {
            return None;
        }
        if let Some(address) = listening(data, server.id())
            && answers(&address)
        {
            return Some(address);
        }
        waiting.tick();
        std::thread::sleep(STEP);
    }
    None
}

/// Where that process listens, by its own word.
fn listening(data: &Path, pid: u32) -> Option<String> {
    let told: Value = serde_json::from_slice(&fs::read(data.join("listening")).ok()?).ok()?;
    if told["pid"].as_u64() != Some(pid.into()) {
        return None;
    }
    Some(format!("http://{}", told["http"].as_str()?))
}

fn answers(address: &str) -> bool {
    Api::new(address, None).is_ok_and(|api| api.send(Call::get(&["ping"])).is_ok())
}

fn failed_to_start(log: &Path) -> Failure {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(5).collect();
    let end: Vec<&str> = lines.into_iter().rev().collect();
    Failure::new(format!("the server did not start\n{}", end.join("\n")))
        .remedy(format!("its log is {}", from_here(log)))
}

/// Starts this command again with other words, so that it outlives the terminal.
pub(super) fn detached(words: &[&str], log: &Path) -> Result<Child> {
    let me = std::env::current_exe().context("cannot find this command's file")?;
    let out = File::options().create(true).append(true).open(log);
    let out = out.with_context(|| format!("cannot write {}", log.display()))?;
    let mut command = Command::new(me);
    command.args(words).stdin(Stdio::null()).stderr(out.try_clone()?).stdout(out);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn().context("cannot start a process")
}

/// Stops what runs.
pub(super) fn stop(dir: &Path, out: Output) -> Result<()> {
    let Some(mut kept) = Kept::load(dir)? else {
        return Err(Failure::new(format!("there is no demo in {}", from_here(dir)))
            .remedy("name its folder with --dir")
            .into());
    };
    let mut stopped = Vec::new();
    for (name, pid) in [("sender", &mut kept.sender_pid), ("server", &mut kept.server_pid)] {
        if is_alive(*pid, dir) {
            end(*pid, dir).with_context(|| format!("cannot stop the {name} (process {pid})"))?;
            stopped.push(name);
        }
        *pid = 0;
    }
    kept.save(dir)?;
    if out.wants_json() {
        return out.json(&serde_json::json!({"stopped": stopped}));
    }
    if stopped.is_empty() {
        return out.done("nothing was running");
    }
    let what = stopped.join(", ");
    out.done(&format!("stopped: {what}; the data stays in {}", from_here(dir)))
}

/// Whether a process of that number is the one that the demo started.
pub(super) fn is_alive(pid: u32, dir: &Path) -> bool {
    pid != 0 && with_process(pid, dir, |_| ()).is_some()
}

fn end(pid: u32, dir: &Path) -> Result<()> {
    with_process(pid, dir, |process| process.kill_with(Signal::Term));
    for _ in 0..STOP.as_millis() / STEP.as_millis() {
        if !is_alive(pid, dir) {
            return Ok(());
        }
        std::thread::sleep(STEP);
    }
    Err(Failure::new("it does not end").remedy(format!("kill -9 {pid}")).into())
}

fn with_process<T>(pid: u32, dir: &Path, act: impl FnOnce(&sysinfo::Process) -> T) -> Option<T> {
    let pid = Pid::from_u32(pid);
    let mut system = System::new();
    let what = ProcessRefreshKind::nothing().with_cmd(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, what);
    let process = system.process(pid)?;
    let ours = process.cmd().iter().any(|word| Path::new(word).starts_with(dir));
    let ended = matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead);
    (ours && !ended).then(|| act(process))
}

/// How a person calls this command: by its name where that finds it, else by its path.
pub(super) fn how_to_call() -> String {
    let Ok(me) = std::env::current_exe() else { return String::from("iobeam") };
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths)
        .map(|folder| folder.join("iobeam"))
        .find(|file| file.is_file());
    if found.and_then(|file| file.canonicalize().ok()) == me.canonicalize().ok() {
        return String::from("iobeam");
    }
    from_here(&me)
}

/// A path as it is written in this folder.
pub(super) fn from_here(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    match path.strip_prefix(&here) {
        Ok(below) => format!("./{}", below.display()),
        Err(_) => path.display().to_string(),
    }
}
