//! `iobeam serve`: the platform itself, in this process.
//!
//! Its flags are the server's table of settings: one flag for each, of the same name.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use iobeam_server::config::{Config, SETTINGS, Setting};
use serde_json::json;

use crate::failure::Failure;
use crate::output::Output;

/// A thread that had work for the disk or hashed a password ends after this long without more. The allocator then gives
/// back what the thread has freed: a hash alone takes 19 MiB.
const IDLE_THREAD: Duration = Duration::from_secs(2);

/// The allocator's setting for how long it keeps memory that was freed, and the milliseconds that it may. Its own
/// second lets queries that end one after the other hold the memory of all of them. With 10 ms, an export of 120 000 rows
/// asks the system for each of its blocks anew: as Arrow it took 44 ms in place of 29.
const KEEP_FREED: (&str, &str) = ("MIMALLOC_PURGE_DELAY", "100");

/// The verb with all its flags.
pub(crate) fn command() -> Command {
    let file = Arg::new("config")
        .long("config")
        .value_name("FILE")
        .env("IOBEAM_CONFIG")
        .value_parser(value_parser!(PathBuf))
        .help("Read settings from this file (TOML: name = value)");
    let print = Arg::new("print-config")
        .long("print-config")
        .action(ArgAction::SetTrue)
        .help("Show all settings and where each comes from, and stop");
    Command::new("serve")
        .about("Run the platform")
        .long_about(
            "Run the platform.\n\nEach setting is a flag here, a line of the settings file, and an environment \
             variable (--data-dir, data-dir, IOBEAM_DATA_DIR): default < file < environment < flag.",
        )
        .display_order(0)
        .args([file, print])
        .next_help_heading("Settings")
        .args(SETTINGS.iter().map(flag))
}

fn flag(setting: &'static Setting) -> Arg {
    let default = match setting.default {
        "" => String::new(),
        default => format!(" [default: {default}]"),
    };
    let flag = Arg::new(setting.name)
        .long(setting.name)
        .aliases(setting.former_names())
        .value_name(setting.value_name)
        .help(format!("{}{default}", setting.help));
    if setting.is_switch() {
        flag.num_args(0..=1).require_equals(true).default_missing_value("true")
    } else {
        flag.allow_hyphen_values(true)
    }
}

/// The name by which a setting's flag was given: a former one is accepted, and told of.
fn name_given(setting: &Setting) -> &'static str {
    let is_given = |former: &&str| {
        let flag = format!("--{former}");
        // Paths among the arguments may be no UTF-8.
        let mut words = std::env::args_os().filter_map(|word| word.into_string().ok());
        words.any(|word| word == flag || word.starts_with(&format!("{flag}=")))
    };
    setting.former_names().find(is_given).unwrap_or(setting.name)
}

/// Serves until the process is asked to stop.
pub(crate) fn run(matches: &ArgMatches) -> Result<()> {
    let flags: Vec<(String, String)> = SETTINGS
        .iter()
        .filter_map(|setting| {
            let value = matches.get_one::<String>(setting.name)?;
            Some((name_given(setting).to_owned(), value.clone()))
        })
        .collect();
    let file = matches.get_one::<PathBuf>("config");
    let (config, origins) = Config::load(&flags, std::env::vars(), file.map(PathBuf::as_path))
        .map_err(|error| {
            Failure::usage(error.to_string()).remedy("`iobeam serve --help` lists the settings")
        })?;
    let out = Output::new(matches.get_flag("json"));
    if matches.get_flag("print-config") {
        if out.wants_json() {
            let all: serde_json::Map<_, _> = origins
                .iter()
                .map(|(setting, value, origin)| {
                    (setting.name.to_owned(), json!({"value": value, "origin": origin.to_string()}))
                })
                .collect();
            return out.json(&all.into());
        }
        return out.bytes(origins.print().as_bytes());
    }
    give_back_memory();
    iobeam_server::log::start(&config).map_err(Failure::usage)?;
    iobeam_server::log::tell(origins.warnings());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_keep_alive(IDLE_THREAD)
        .build()
        .context("cannot start threads")?;
    runtime.block_on(iobeam_server::serve(config, iobeam_server::run::stop_signal()))?;
    Ok(())
}

/// Sees to it that freed memory goes back to the system soon. The allocator reads its settings from the environment, and
/// only before the first line of a program: where none was given, the process starts this program anew with ours.
#[cfg(unix)]
fn give_back_memory() {
    use std::os::unix::process::CommandExt;

    let (name, value) = KEEP_FREED;
    if std::env::var_os(name).is_some() {
        return;
    }
    let mut words = std::env::args_os();
    let (Some(called), Ok(program)) = (words.next(), std::env::current_exe()) else { return };
    // It only comes back when it cannot be done: then memory is given back later.
    let _ = std::process::Command::new(program).arg0(called).args(words).env(name, value).exec();
}

#[cfg(not(unix))]
fn give_back_memory() {}
