//! The real program, started on a port of its own and spoken to over HTTP, as its users do.
//!
//! ```text
//! Platform::start() ── iobeam serve, data in a folder that goes away ──▶ .account() ──▶ project, token, device
//!        │ kill()  kill -9        │ stop()  SIGTERM        └ .restart()  the same folder again
//! ```

#![expect(clippy::missing_panics_doc, reason = "a harness panics: that is how a test fails")]

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value as Json, json};
use tempfile::TempDir;

mod hostile;

mod reader;

pub use hostile::{Hostile, MemoryGroup, hostile_questions};
pub use reader::{Block, blocks, run_as_reader};

/// How long a start may take before the test gives up on it.
const START: Duration = Duration::from_mins(3);

/// A running `iobeam serve`, killed when dropped.
#[derive(Debug)]
pub struct Platform {
    folder: TempDir,
    settings: Vec<String>,
    disk_bytes: Option<u64>,
    process: Child,
    base: String,
}

impl Platform {
    /// Starts the program with an empty data folder.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts the program with an empty data folder and further flags.
    pub fn start_with(settings: &[&str]) -> Self {
        Self::start_on(None, settings)
    }

    /// Starts the program with its data on a disk of its own, which holds so many bytes and not one more.
    pub fn start_on_disk_of(bytes: u64, settings: &[&str]) -> Self {
        Self::start_on(Some(bytes), settings)
    }

    /// Starts the program over what lies in the folder `data` of a folder.
    ///
    /// # Errors
    /// When it does not come up: what it said.
    pub fn try_over(folder: TempDir) -> Result<Self, String> {
        let settings = Vec::new();
        let (process, base) = try_spawn(folder.path(), &settings, None)?;
        Ok(Self { folder, settings, disk_bytes: None, process, base })
    }

    fn start_on(disk_bytes: Option<u64>, settings: &[&str]) -> Self {
        let folder = TempDir::new().expect("a folder for the data");
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        let (process, base) = spawn(folder.path(), &settings, disk_bytes);
        Self { folder, settings, disk_bytes, process, base }
    }

    /// Where it listens, as `http://127.0.0.1:port`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Where it listens, as `127.0.0.1:port`.
    pub fn address(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    /// Its data folder, as the process sees it.
    pub fn data(&self) -> PathBuf {
        data_of(&self.process, self.folder.path(), self.disk_bytes.is_some())
    }

    /// Waits until so many Parquet files or more are in the lake.
    pub fn wait_for_files(&self, count: usize) {
        fn parquet_files(folder: &Path) -> usize {
            // What is listed may be gone by now: merges remove files.
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            let paths = entries.map(|entry| entry.path());
            let counts = paths.map(|path| match path.extension() {
                Some(ending) => usize::from(ending == "parquet"),
                None => parquet_files(&path),
            });
            counts.sum()
        }
        for _ in 0..6000 {
            if parquet_files(&self.data().join("lake")) >= count {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("no {count} files in the lake:\n{}", self.log());
    }

    /// What it has logged so far, over all its starts.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).expect("the log is readable")
    }

    /// The process's number.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Ends the process as a crash would.
    pub fn kill(&mut self) {
        self.process.kill().expect("the process can be killed");
        self.process.wait().expect("the process ends");
    }

    /// Asks the process to end, and waits until it has.
    pub fn stop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a signal");
        let status = self.process.wait().expect("the process ends");
        assert!(
            status.success(),
            "a stop that was asked for is no failure: {status}\n{}",
            self.log()
        );
    }

    /// Starts it again over the same data; it may listen elsewhere.
    pub fn restart(&mut self) {
        let (process, base) = spawn(self.folder.path(), &self.settings, self.disk_bytes);
        self.process = process;
        self.base = base;
    }

    /// Signs a user up, makes a project with a token for it all, and registers a device called `device-1`.
    pub fn account(&self) -> Account {
        let e_mail = "ada@example.com";
        let password = "correct horse battery";
        self.post("/v1/users", None, &json!({"email": e_mail, "password": password}))
            .expect_status(201);
        let login =
            format!("/v1/tokens/user?name={e_mail}&password={}", password.replace(' ', "%20"));
        let user_token = self.get(&login, None).expect_status(200).text("token");
        let made =
            self.post("/v1/projects", Some(&user_token), &json!({"project_name": "greenhouse"}));
        let project = made.expect_status(201).body["project_id"].as_u64().expect("a project id");
        let account = Account {
            project,
            token: self.project_token(&user_token, project, "&read=true&write=true&admin=true"),
            user_token,
        };
        let device = json!({"project_id": project, "device_id": "device-1"});
        self.post("/v1/devices", Some(&account.token), &device).expect_status(201);
        account
    }

    /// A token of the project with the rights that `rights` asks for (`&read=true`...).
    pub fn project_token(&self, user_token: &str, project: u64, rights: &str) -> String {
        let path = format!("/v1/tokens/project?project_id={project}{rights}");
        self.get(&path, Some(user_token)).expect_status(200).text("token")
    }

    /// GET with a bearer token.
    pub fn get(&self, path: &str, token: Option<&str>) -> Reply {
        self.try_get(path, token)
            .unwrap_or_else(|error| panic!("GET {path}: {error}\n{}", self.log()))
    }

    /// GET, where the connection may fail.
    ///
    /// # Errors
    /// When there is no reply.
    pub fn try_get(&self, path: &str, token: Option<&str>) -> Result<Reply, ureq::Error> {
        let request = agent().get(format!("{}{path}", self.base));
        let request = match token {
            Some(token) => request.header("Authorization", format!("Bearer {token}")),
            None => request,
        };
        request.call().map(Reply::read)
    }

    /// POST of JSON with a bearer token.
    pub fn post(&self, path: &str, token: Option<&str>, body: &Json) -> Reply {
        self.post_bytes(path, token, "application/json", body.to_string().as_bytes())
            .unwrap_or_else(|error| panic!("POST {path}: {error}\n{}", self.log()))
    }

    /// PATCH of JSON with a bearer token.
    pub fn patch(&self, path: &str, token: &str, body: &Json) -> Reply {
        let request = agent().patch(format!("{}{path}", self.base));
        let request = request.header("Authorization", format!("Bearer {token}"));
        let sent = request.content_type("application/json").send(body.to_string());
        sent.map_or_else(|error| panic!("PATCH {path}: {error}\n{}", self.log()), Reply::read)
    }

    /// POST of any bytes, where the connection may fail.
    ///
    /// # Errors
    /// When there is no reply.
    pub fn post_bytes(
        &self,
        path: &str,
        token: Option<&str>,
        kind: &str,
        body: &[u8],
    ) -> Result<Reply, ureq::Error> {
        let request = agent().post(format!("{}{path}", self.base)).content_type(kind);
        let request = match token {
            Some(token) => request.header("Authorization", format!("Bearer {token}")),
            None => request,
        };
        request.send(body).map(Reply::read)
    }

    /// Rows of the namespace `input`, newest first, with times in microseconds: `fields` and `values` of the reply.
    pub fn rows(&self, account: &Account) -> (Vec<String>, Vec<Vec<Json>>) {
        let reply = self.get("/v1/data/input/all?timefmt=usec&limit=1000000", Some(&account.token));
        let result = &reply.expect_status(200).body["result"][0];
        let fields = result["fields"].as_array().expect("fields").iter();
        let values = result["values"].as_array().expect("values").iter();
        (
            fields.map(|field| field.as_str().expect("a name").to_owned()).collect(),
            values.map(|row| row.as_array().expect("a row").clone()).collect(),
        )
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        // It may have ended already, and then there is nothing left to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A signed-up user with a project, a token for it and a device.
#[derive(Clone, Debug)]
pub struct Account {
    /// The project's number.
    pub project: u64,
    /// A project token with each right.
    pub token: String,
    /// The user's token.
    pub user_token: String,
}

/// A reply, read whole.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body as JSON; null when it is none.
    pub body: Json,
    /// The body's bytes.
    pub bytes: Vec<u8>,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Reply {
    fn read(mut response: ureq::http::Response<ureq::Body>) -> Self {
        let headers = response.headers().iter();
        let headers = headers
            .map(|(name, value)| {
                (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let bytes =
            response.body_mut().with_config().limit(1 << 30).read_to_vec().expect("a whole body");
        let body = serde_json::from_slice(&bytes).unwrap_or(Json::Null);
        Self { status: response.status().as_u16(), body, bytes, headers }
    }

    /// The reply itself, if it has this status.
    ///
    /// # Panics
    /// When it has another.
    pub fn expect_status(&self, status: u16) -> &Self {
        let text = String::from_utf8_lossy(&self.bytes);
        assert_eq!(self.status, status, "{}", &text[..text.len().min(2000)]);
        self
    }

    /// A text member of the body.
    ///
    /// # Panics
    /// When there is none.
    pub fn text(&self, member: &str) -> String {
        self.body[member]
            .as_str()
            .unwrap_or_else(|| panic!("no '{member}' in {}", self.body))
            .to_owned()
    }

    /// The header of that (lower-case) name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A number that an environment variable gives, for tests that have a long form.
///
/// # Panics
/// When it is set and no number.
pub fn asked(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number, not '{text}'")))
}

/// The program under test: it lies in the folder of the build profile, at or above the caller's own executable, unless
/// `IOBEAM_PROGRAM` names another.
///
/// # Panics
/// When it has not been built.
pub fn program() -> PathBuf {
    if let Some(named) = std::env::var_os("IOBEAM_PROGRAM") {
        return named.into();
    }
    let caller = std::env::current_exe().expect("a program has a path");
    let found = caller
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join("iobeam"))
        .find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!("no `iobeam` beside {}; build it first: cargo build -p iobeam-cli", caller.display())
    })
}

/// The Python of a virtual environment of that name with these packages, made once for a target folder.
///
/// # Panics
/// When Python 3 or the package index is not there.
pub fn python_with(name: &str, packages: &[&str]) -> PathBuf {
    let caller = std::env::current_exe().expect("a program has a path");
    let folder = caller.with_file_name("environments").join(name);
    let python = folder.join("bin/python");
    let ready = folder.join("ready");
    let wanted = packages.join(" ");
    if fs::read_to_string(&ready).is_ok_and(|made| made == wanted) {
        return python;
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(Command::new(&python).args(install).args(packages));
    fs::write(ready, wanted).expect("the folder is writable");
    python
}

fn run(command: &mut Command) {
    let output = command.output().expect("the command exists");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The root of the project.
pub fn project_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the folder above this package")
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_mins(5)))
        .max_redirects(0)
        .proxy(None)
        .build()
        .new_agent()
}

/// The data folder; on a disk of its own it is seen through the process alone, whose mount it is.
fn data_of(process: &Child, folder: &Path, own_disk: bool) -> PathBuf {
    let data = folder.join("data");
    if !own_disk {
        return data;
    }
    let inside = data.strip_prefix("/").expect("a whole path");
    Path::new("/proc").join(process.id().to_string()).join("root").join(inside)
}

/// The command that starts the program, in a mount of its own when it gets a disk of its own.
fn command(data: &Path, disk_bytes: Option<u64>) -> Command {
    let Some(bytes) = disk_bytes else { return Command::new(program()) };
    fs::create_dir_all(data).expect("a place for the disk");
    let mount = format!(
        "mount -t tmpfs -o size={bytes},mode=700 disk '{}' && exec \"$0\" \"$@\"",
        data.display()
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "sh", "-c", &mount]).arg(program());
    command
}

fn spawn(folder: &Path, settings: &[String], disk_bytes: Option<u64>) -> (Child, String) {
    try_spawn(folder, settings, disk_bytes).unwrap_or_else(|told| panic!("{told}"))
}

fn try_spawn(
    folder: &Path,
    settings: &[String],
    disk_bytes: Option<u64>,
) -> Result<(Child, String), String> {
    let data = folder.join("data");
    // A killed process leaves the file behind, with an address that is no longer true.
    let _ = fs::remove_file(data.join("listening"));
    let log = File::options().append(true).create(true).open(folder.join("log")).expect("a log");
    let mut process = command(&data, disk_bytes)
        .arg("serve")
        .args(["--data-dir".as_ref(), data.as_os_str()])
        .args(["--listen", "127.0.0.1:0"])
        .args(settings)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("the log twice"))
        .stderr(log)
        .spawn()
        .expect("the program starts");
    let listening = data_of(&process, folder, disk_bytes.is_some()).join("listening");
    let pause = Duration::from_millis(10);
    for _ in 0..START.as_millis() / pause.as_millis() {
        if let Ok(text) = fs::read_to_string(&listening)
            && let Ok(told) = serde_json::from_str::<Json>(&text)
        {
            let address = told["http"].as_str().expect("an address").to_owned();
            return Ok((process, format!("http://{address}")));
        }
        if let Some(status) = process.try_wait().expect("a process") {
            return Err(format!("the program ended with {status}:\n{}", tail(&folder.join("log"))));
        }
        std::thread::sleep(pause);
    }
    let _ = process.kill();
    Err(format!("the program did not come up:\n{}", tail(&folder.join("log"))))
}

fn tail(log: &Path) -> String {
    let lines: Vec<_> =
        BufReader::new(File::open(log).expect("the log")).lines().map_while(Result::ok).collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
