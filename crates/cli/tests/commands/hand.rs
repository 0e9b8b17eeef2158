//! A hand at the command: the real binary, a home of its own, and a platform on a port of the system's choice.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

/// A person with a home folder, who knows one server.
pub(crate) struct Hand {
    home: tempfile::TempDir,
    server: String,
}

/// What a command did.
pub(crate) struct Done {
    /// Its exit status.
    pub(crate) status: i32,
    /// What it answered.
    pub(crate) out: String,
    /// What it said beside that.
    pub(crate) err: String,
}

impl Done {
    /// The answer as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|_| panic!("no JSON: {}{}", self.out, self.err))
    }
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        let status = output.status.code().expect("no signal");
        Self { status, out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Hand {
    /// Somebody who never used the command before.
    pub(crate) fn at(server: &str) -> Self {
        Self { home: tempfile::tempdir().expect("a folder"), server: server.to_owned() }
    }

    /// The folder of profiles.
    pub(crate) fn state(&self) -> PathBuf {
        self.home.path().join(".iobeam")
    }

    /// The home folder, where commands are run.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// The command, with these words.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_iobeam"));
        command
            .args(words)
            .current_dir(self.home.path())
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("IOBEAM_BACKEND", &self.server)
            .env("IOBEAM_PASSWORD", "correct horse battery")
            .stdin(Stdio::null());
        command
    }

    /// Runs the command, whatever comes of it.
    pub(crate) fn try_to(&self, words: &[&str]) -> Done {
        self.command(words).output().expect("the command runs").into()
    }

    /// Runs the command, which must work.
    pub(crate) fn does(&self, words: &[&str]) -> Done {
        let done = self.try_to(words);
        assert_eq!(done.status, 0, "iobeam {}\n{}{}", words.join(" "), done.out, done.err);
        done
    }

    /// Runs the command, which must work, and reads its answer as JSON.
    pub(crate) fn asks(&self, words: &[&str]) -> Value {
        let words: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
        self.does(&words).json()
    }

    /// Runs the command with a text on its standard input.
    pub(crate) fn tells(&self, words: &[&str], input: &str) -> Done {
        Self::feed(self.command(words), input)
    }

    /// Runs a command with a text on its standard input.
    pub(crate) fn feed(mut command: Command, input: &str) -> Done {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the command runs");
        // A command that fails early does not read its input to the end.
        drop(child.stdin.take().expect("a pipe").write_all(input.as_bytes()));
        child.wait_with_output().expect("it ends").into()
    }
}

/// A server of the test's own, which ends with it.
pub(crate) struct Platform {
    process: Child,
    folder: tempfile::TempDir,
    address: String,
}

impl Platform {
    /// Starts it on a fresh folder.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let log = fs::File::create(folder.path().join("log")).expect("a log");
        let mut process = Command::new(env!("CARGO_BIN_EXE_iobeam"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(&data)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the server starts");
        for _ in 0..1200 {
            std::thread::sleep(Duration::from_millis(50));
            let told = fs::read(data.join("listening")).ok();
            let told: Option<Value> = told.and_then(|text| serde_json::from_slice(&text).ok());
            if let Some(address) = told.as_ref().and_then(|told| told["http"].as_str()) {
                return Self { process, folder, address: format!("http://{address}") };
            }
            assert!(process.try_wait().expect("a child").is_none(), "{}", log_of(folder.path()));
        }
        panic!("the server does not start: {}", log_of(folder.path()));
    }

    /// Its address.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Ends it, as a crash would.
    pub(crate) fn kill(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }

    /// Somebody with an account and a project there.
    pub(crate) fn somebody(&self) -> Hand {
        let hand = Hand::at(&self.address);
        hand.does(&["user", "create", "--email", "ada@example.com"]);
        hand.does(&["project", "create", "--name", "greenhouse"]);
        hand
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
        if std::thread::panicking() {
            eprintln!("the server's log:\n{}", log_of(self.folder.path()));
        }
    }
}

fn log_of(folder: &Path) -> String {
    fs::read_to_string(folder.join("log")).unwrap_or_default()
}
