//! A data directory that the program filled, in memory, so that it can be laid out again and again.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::OnceLock;
use std::time::SystemTime;

use iobeam_promises::{Account, Platform};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::damage::Damage;

/// Said by the program while it runs, and of no use afterwards.
const PASSING: [&str; 5] = ["listening", "lock", "catalog.lock", "catalog.db-shm", "journal/lock"];

/// A file: its path below the directory, what is in it, when it was written.
type Kept = (String, Vec<u8>, SystemTime);

/// A data directory.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    name: &'static str,
    files: Vec<Kept>,
    /// Who may ask for what is in it.
    pub(crate) accounts: Vec<Account>,
}

impl Folder {
    /// The same server's: after a stop, and killed later on with rows that its log alone has.
    pub(crate) fn both() -> (Self, Self) {
        static FILLED: OnceLock<(Folder, Folder)> = OnceLock::new();
        // One test fills it, and the others wait.
        FILLED.get_or_init(fill).clone()
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Those that last, by path.
    pub(crate) fn files(&self) -> impl Iterator<Item = (String, &Vec<u8>)> {
        self.files.iter().map(|(path, bytes, _)| (path.clone(), bytes))
    }

    /// A copy on disk: the data directory is its folder `data`.
    pub(crate) fn copy(&self) -> TempDir {
        self.lay_out(|_, bytes| Some(bytes.to_vec()))
    }

    /// A copy in which one file is damaged; none when that leaves it as it is.
    pub(crate) fn damaged(&self, damage: &Damage) -> Option<TempDir> {
        let sound = self.files.iter().find(|(path, ..)| *path == damage.path)?;
        let damaged = damage.apply(&sound.1);
        if damaged.as_ref() == Some(&sound.1) {
            return None;
        }
        Some(self.lay_out(
            |path, bytes| {
                if path == damage.path { damaged.clone() } else { Some(bytes.to_vec()) }
            },
        ))
    }

    fn lay_out(&self, bytes: impl Fn(&str, &[u8]) -> Option<Vec<u8>>) -> TempDir {
        // Memory, where there is such a place: thousands of copies are made.
        let place = Path::new("/dev/shm");
        let folder = if place.is_dir() { TempDir::new_in(place) } else { TempDir::new() };
        let folder = folder.expect("a folder");
        let data = folder.path().join("data");
        for (path, sound, written) in &self.files {
            let path_there = data.join(path);
            let parent = path_there.parent().expect("it is below");
            fs::create_dir_all(parent).expect("made");
            let Some(bytes) = bytes(path, sound) else { continue };
            fs::write(&path_there, bytes).expect("written");
            fs::set_permissions(&path_there, Permissions::from_mode(0o600)).expect("ours");
            // Rot does not touch the time.
            let file = File::options().write(true).open(&path_there).expect("opened");
            file.set_modified(*written).expect("set");
        }
        for folder in ["", "keys"] {
            fs::set_permissions(data.join(folder), Permissions::from_mode(0o700)).expect("ours");
        }
        folder
    }

    fn read(name: &'static str, data: &Path, accounts: &[Account]) -> Self {
        let mut files = Vec::new();
        collect(data, data, &mut files);
        files.sort();
        Self { name, files, accounts: accounts.to_vec() }
    }
}

fn collect(folder: &Path, base: &Path, files: &mut Vec<Kept>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let below = crate::relative(&path, base);
        if path.is_dir() {
            collect(&path, base, files);
        } else if !PASSING.contains(&below.as_str()) {
            let written = path.metadata().and_then(|facts| facts.modified()).expect("a time");
            files.push((below, fs::read(&path).expect("read"), written));
        }
    }
}

fn send(platform: &Platform, account: &Account, (namespace, from): (&str, u64)) {
    let rows: Vec<Json> = (from..from + 40)
        .map(|at| {
            // Some texts are numbers, and some will not convert.
            let text = if at % 3 == 0 { format!("{at}") } else { format!("no number {at}") };
            json!([at, "device-1", at * 3, text])
        })
        .collect();
    let body = json!({"project_id": account.project, "namespace": namespace,
        "data": {"fields": ["time", "device_id", "n", "text"], "values": rows}});
    platform.post("/v1/imports?fmt=table", Some(&account.token), &body).expect_status(200);
}

/// A second project with a device, and a token for it.
fn second(platform: &Platform, first: &Account) -> Account {
    let new = json!({"project_name": "second"});
    let made = platform.post("/v1/projects", Some(&first.user_token), &new);
    let project = made.expect_status(201).body["project_id"].as_u64().expect("an id");
    let rights = "&read=true&write=true&admin=true";
    let token = platform.project_token(&first.user_token, project, rights);
    let device = json!({"project_id": project, "device_id": "device-1"});
    platform.post("/v1/devices", Some(&token), &device).expect_status(201);
    Account { project, token, user_token: first.user_token.clone() }
}

/// Has rows deleted and a field converted, some of whose values do not convert.
fn correct(platform: &Platform, account: &Account) {
    let all = platform.get("/v1/namespaces", Some(&account.token));
    let all = all.expect_status(200).body["namespaces"].clone();
    let input = all.as_array().expect("namespaces").iter();
    let mut input = input.filter(|one| one["namespace_name"] == "input");
    let id = input.next().expect("input")["namespace_id"].as_u64().expect("an id");
    let rows = json!({"from": 3, "to": 5});
    let deleted =
        platform.post(&format!("/v1/namespaces/{id}/rows/delete"), Some(&account.token), &rows);
    assert!(deleted.status < 300, "{}", deleted.body);
    let to = json!({"type": "LONG"});
    let converted =
        platform.patch(&format!("/v1/namespaces/{id}/fields/text"), &account.token, &to);
    assert!(converted.status < 300, "{}", converted.body);
}

fn fill() -> (Folder, Folder) {
    let mut platform = Platform::start();
    let first = platform.account();
    let second = second(&platform, &first);
    let other = json!({"namespace_name": "other", "partitioning_field": "device_id",
        "fields": {"n": "LONG", "text": "STRING"}});
    platform.post("/v1/namespaces", Some(&first.token), &other).expect_status(201);
    for (namespace, from) in [("input", 1), ("input", 41), ("other", 1)] {
        send(&platform, &first, (namespace, from));
        send(&platform, &second, ("input", from + 1000));
        // A clean stop moves all rows into files.
        platform.stop();
        platform.restart();
    }
    correct(&platform, &first);
    platform.stop();
    let accounts = [first, second];
    let stopped = Folder::read("stopped", &platform.data(), &accounts);
    platform.restart();
    let [first, second] = &accounts;
    send(&platform, second, ("input", 5000));
    send(&platform, first, ("other", 5000));
    let device = json!({"project_id": first.project, "device_id": "device-of-the-last-change"});
    platform.post("/v1/devices", Some(&first.token), &device).expect_status(201);
    platform.kill();
    let killed = Folder::read("killed", &platform.data(), &accounts);
    (stopped, killed)
}
