//! The environment in which somebody reads a document: a shell, a home folder, and the command `iobeam` on the path.
//!
//! ```text
//! page ─ blocks ─▶ script ─▶ bash: PATH, HOME, nothing else ─▶ iobeam (its own address and password) ─▶ Platform
//! ```
//!
//! Documents say `http://127.0.0.1:8420`, where the platform listens unless told otherwise. A test's listens elsewhere:
//! that address is replaced, and the command is told of it. No variable is set that a block could use.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::{Platform, program};

/// The address that the documents print.
const PRINTED: &str = "http://127.0.0.1:8420";

/// One fenced block of a page.
#[derive(Debug)]
pub struct Block {
    /// The line of its first line, from 1.
    pub line: usize,
    /// What stands behind the fence.
    pub language: String,
    /// What is in it.
    pub text: String,
}

/// The fenced blocks of a page.
pub fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in page.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(block), None) => block.text.extend([line, "\n"]),
            (None, Some(language)) => {
                open = Some(Block {
                    line: number + 2,
                    language: language.to_owned(),
                    text: String::new(),
                });
            }
            (None, None) => {}
        }
    }
    found
}

/// Runs a script as a reader would, in a home folder.
///
/// # Panics
/// When there is no bash.
pub fn run_as_reader(platform: &Platform, home: &Path, script: &str) -> Output {
    let commands = home.join("bin");
    fs::create_dir_all(&commands).expect("a folder for the command");
    let command = commands.join("iobeam");
    let (address, program) = (platform.base(), program());
    let wrapper = format!(
        "#!/bin/sh\nIOBEAM_BACKEND='{address}' IOBEAM_PASSWORD='correct horse battery' exec '{}' \"$@\"\n",
        program.display()
    );
    fs::write(&command, wrapper).expect("the folder is writable");
    fs::set_permissions(&command, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let path = format!("{}:{}", commands.display(), std::env::var("PATH").expect("PATH"));
    let mut bash = Command::new("bash");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("IOBEAM") || name == "TOKEN" {
            bash.env_remove(name);
        }
    }
    let mut shell = bash
        .current_dir(home)
        .env("PATH", path)
        .env("HOME", home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("bash");
    let script = format!("set -euo pipefail\n{script}").replace(PRINTED, address);
    shell.stdin.take().expect("a pipe").write_all(script.as_bytes()).expect("bash listens");
    shell.wait_with_output().expect("bash ends")
}
