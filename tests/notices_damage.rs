//! What is damaged, lost or mixed up in the data directory is noticed by the program itself: nothing wrong is served, nobody
//! reads what is another's, and everything else goes on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use iobeam_promises::{Account, Platform, program, python_with};
use serde_json::{Value as Json, json};

fn send(platform: &Platform, (project, token): (u64, &str), count: u64) {
    let rows: Vec<Json> = (1..=count).map(|at| json!([at, at])).collect();
    let body = json!({
        "project_id": project, "device_id": "device-1",
        "sources": {"fields": ["time", "n"], "data": rows},
    });
    platform.post("/v1/imports?fmt=table", Some(token), &body).expect_status(200);
}

fn count(platform: &Platform, token: &str) -> Json {
    let query = json!({"query": "SELECT count(n), sum(n) FROM input"});
    let reply = platform.post("/v1/sql", Some(token), &query);
    reply.expect_status(200).body["result"][0]["values"][0].clone()
}

/// The refusal of a question, which needs rows.
fn refusal(platform: &Platform, token: &str, status: u16) -> String {
    let query = json!({"query": "SELECT count(*), sum(n) FROM input"});
    let reply = platform.post("/v1/sql", Some(token), &query);
    reply.expect_status(status).body["errors"][0]["details"].as_str().expect("details").to_owned()
}

/// The one problem of a kind that the operator is told.
fn problem(platform: &Platform, account: &Account, kind: &str) -> Json {
    let all = platform.get("/v1/storage/problems", Some(&account.user_token));
    let all = all.expect_status(200).body["problems"].as_array().expect("a list").clone();
    let mut of_kind = all.iter().filter(|problem| problem["kind"] == kind);
    let one = of_kind.next().unwrap_or_else(|| panic!("{kind} in {all:?}")).clone();
    assert!(of_kind.next().is_none(), "one alone: {all:?}");
    one
}

/// What doctor finds at a place whose name ends so.
fn finding(data: &Path, place: &str) -> Json {
    let told = Command::new(program()).arg("doctor").arg(data).arg("--json").output();
    let told: Json = serde_json::from_slice(&told.expect("it runs").stdout).expect("JSON");
    let findings = told["findings"].as_array().expect("a list");
    let is_there = |one: &&Json| one["place"].as_str().is_some_and(|found| found.ends_with(place));
    findings.iter().find(is_there).unwrap_or_else(|| panic!("{place} in {told}")).clone()
}

/// The remedy of doctor as a running server tells it.
fn once_stopped(finding: &Json) -> String {
    format!("stop the server; then {}", finding["remedy"].as_str().expect("a remedy"))
}

/// Does what a remedy says.
fn follow(remedy: &Json, data: &Path) {
    let (_, command) = remedy.as_str().and_then(|it| it.split_once("iobeam ")).expect("a command");
    let words = command.split_whitespace();
    let words = words.take_while(|word| matches!(*word, "doctor" | "DIR") || word.starts_with('-'));
    let words = words.map(|word| if word == "DIR" { data.as_os_str() } else { word.as_ref() });
    let done = Command::new(program()).args(words).output().expect("it runs");
    assert_eq!(done.status.code(), Some(1), "something was found: {remedy}, {done:?}");
}

/// A second project with a device, and a token for it.
fn second(platform: &Platform, account: &Account) -> (u64, String) {
    let made = platform.post(
        "/v1/projects",
        Some(&account.user_token),
        &json!({"project_name": "second"}),
    );
    let project = made.expect_status(201).body["project_id"].as_u64().expect("an id");
    let rights = "&read=true&write=true&admin=true";
    let token = platform.project_token(&account.user_token, project, rights);
    let device = json!({"project_id": project, "device_id": "device-1"});
    platform.post("/v1/devices", Some(&token), &device).expect_status(201);
    (project, token)
}

fn part(data: &Path, project: u64) -> PathBuf {
    let folder = data.join(format!("lake/{project}/input"));
    let paths = fs::read_dir(folder).expect("a table").map(|entry| entry.expect("an entry").path());
    let mut paths = paths.filter(|path| path.extension().is_some_and(|ending| ending == "parquet"));
    paths.next().expect("a file")
}

/// Starts the program on a folder, which must refuse it. What it says.
fn refused(data: &Path) -> String {
    let mut serve = Command::new(program())
        .arg("serve")
        .arg("--data-dir")
        .arg(data)
        .args(["--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it can be started");
    for _ in 0..1200 {
        if serve.try_wait().expect("it can be asked").is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    if serve.try_wait().expect("it can be asked").is_none() {
        serve.kill().expect("it ends");
        panic!("it started");
    }
    let Output { status, stdout, stderr } = serve.wait_with_output().expect("it has ended");
    assert!(!status.success());
    format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr))
}

#[test]
fn a_damaged_file_or_log_is_named_and_only_what_needs_it_fails() {
    let mut platform = Platform::start();
    let account = platform.account();
    let (other, other_token) = second(&platform, &account);
    send(&platform, (account.project, &account.token), 100);
    send(&platform, (other, &other_token), 10);
    // A clean stop moves all rows into files.
    platform.stop();
    let data = platform.data();
    let file = part(&data, account.project);
    let sound = fs::read(&file).expect("there");
    let mut bytes = sound.clone();
    bytes[sound.len() / 3] ^= 1;
    fs::write(&file, bytes).expect("written");
    platform.restart();
    let told = refusal(&platform, &account.token, 500);
    let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
    assert!(told.contains(name) && told.contains("iobeam doctor"), "{told}");
    assert_eq!(count(&platform, &other_token), json!([10, 55.0]));
    let metrics = platform.get("/metrics", None).bytes;
    assert!(String::from_utf8_lossy(&metrics).contains("iobeam_store_damaged_files 1"));
    let told = problem(&platform, &account, "DAMAGED_FILE");
    assert_eq!(
        (&told["project_id"], &told["namespace"]),
        (&json!(account.project), &json!("input"))
    );
    assert!(told["details"].as_str().is_some_and(|details| details.contains(name)), "{told}");
    platform.stop();
    let of_doctor = finding(&data, name);
    assert_eq!(told["remedy"], once_stopped(&of_doctor));
    assert_eq!(told["harmless"], of_doctor["harmless"]);
    fs::write(&file, sound).expect("put back");

    let commit = data.join(format!("lake/{}/input/_delta_log/{:020}.json", account.project, 1));
    fs::write(&commit, b"").expect("emptied");
    platform.restart();
    let told = refusal(&platform, &account.token, 503);
    assert!(told.contains("00000000000000000001.json") && told.contains("doctor"), "{told}");
    let only_count = json!({"query": "SELECT count(*) FROM input"});
    platform.post("/v1/sql", Some(&account.token), &only_count).expect_status(503);
    let row = json!({"project_id": account.project, "device_id": "device-1",
        "sources": {"fields": ["time", "n"], "data": [[7, 7]]}});
    platform.post("/v1/imports?fmt=table", Some(&account.token), &row).expect_status(503);
    send(&platform, (other, &other_token), 11);
    // All others take imports, and so the platform is ready. Anybody may ask, and is told no name.
    let ready = platform.get("/ready", None);
    let told = json!({"status": "ready", "tables_out_of_service": 1});
    assert_eq!(ready.expect_status(200).body, told);
    let told = problem(&platform, &account, "TABLE_OUT_OF_SERVICE");
    assert_eq!(
        (&told["project_id"], &told["namespace"]),
        (&json!(account.project), &json!("input"))
    );
    let list = platform.get("/v1/storage/problems", Some(&account.token));
    assert!(matches!(list.status, 401 | 403), "it is the operator's: {}", list.status);
    platform.stop();
    assert_eq!(told["remedy"], once_stopped(&finding(&data, "00000000000000000001.json")));
    follow(&told["remedy"], &data);
    let aside = finding(&data, "set-aside");
    platform.restart();
    let told = problem(&platform, &account, "SET_ASIDE");
    assert_eq!((&told["remedy"], &told["harmless"]), (&aside["remedy"], &json!(true)), "{aside}");
    assert_eq!(count(&platform, &account.token), json!([100, 5050.0]), "all rows are back");
    let ready = platform.get("/ready", None);
    assert_eq!(ready.expect_status(200).body, json!({"status": "ready"}));
}

#[test]
fn a_lost_catalog_keeps_the_server_from_starting_and_an_older_one_gives_nobody_another_s_rows() {
    let mut platform = Platform::start();
    let account = platform.account();
    send(&platform, (account.project, &account.token), 10);
    platform.stop();
    let data = platform.data();
    let catalog = data.join("catalog.db");
    let old = fs::read(&catalog).expect("there");
    for empty in [false, true] {
        fs::remove_file(&catalog).expect("gone");
        if empty {
            fs::write(&catalog, b"").expect("empty");
        }
        let told = refused(&data);
        assert!(told.contains("catalog.db") && told.contains("backup"), "{told}");
        fs::write(&catalog, &old).expect("put back");
    }
    // A project that was made after the backup.
    platform.restart();
    let (project, token) = second(&platform, &account);
    send(&platform, (project, &token), 7);
    platform.stop();
    for ending in ["db-wal", "db-shm"] {
        let _ = fs::remove_file(catalog.with_extension(ending));
    }
    fs::write(&catalog, &old).expect("put back");
    platform.restart();
    let (newer, token) = second(&platform, &account);
    assert!(newer > project, "number {project} is another's");
    let all = json!({"query": "SELECT count(*) FROM input"});
    let rows = platform.post("/v1/sql", Some(&token), &all);
    assert_eq!(rows.expect_status(200).body["result"][0]["values"][0], json!([0]));
    assert!(platform.log().contains("the catalog knows nothing of"), "it is told");
    let told = problem(&platform, &account, "ORPHANED_TABLE");
    assert_eq!((&told["project_id"], &told["namespace"]), (&json!(project), &json!("input")));
    let attach = format!("--attach {project}/input");
    assert!(told["remedy"].as_str().is_some_and(|remedy| remedy.contains(&attach)), "{told}");
    // Without the file by which it is known which records are in files, nothing counts twice.
    platform.kill();
    fs::remove_file(data.join("store-id")).expect("gone");
    platform.restart();
    assert_eq!(count(&platform, &account.token), json!([10, 55.0]));
    assert!(platform.log().contains("store-id: it was missing"));
}

#[test]
fn damaged_records_of_the_log_are_told_to_the_operator_while_the_server_runs() {
    let mut platform = Platform::start();
    let account = platform.account();
    let all = platform.get("/v1/storage/problems", Some(&account.user_token));
    assert_eq!(all.expect_status(200).body, json!({"problems": []}));
    send(&platform, (account.project, &account.token), 10);
    send(&platform, (account.project, &account.token), 11);
    platform.kill();
    let journal = platform.data().join("journal");
    let paths = fs::read_dir(journal).expect("a log").map(|entry| entry.expect("an entry").path());
    let mut paths = paths.filter(|path| path.extension().is_some_and(|end| end == "journal"));
    let path = paths.next().expect("a segment");
    let mut bytes = fs::read(&path).expect("read");
    let name = bytes.windows(8).position(|part| part == b"device-1").expect("the first record");
    bytes[name] ^= 1;
    fs::write(&path, bytes).expect("flipped");
    platform.restart();
    assert_eq!(count(&platform, &account.token), json!([11, 66.0]), "what is sound is served");
    let told = problem(&platform, &account, "DAMAGED_LOG");
    assert!(told["details"].as_str().is_some_and(|details| details.contains(".journal")), "{told}");
}

#[test]
fn after_a_clean_stop_other_programs_find_every_row_in_the_open_files() {
    let mut platform = Platform::start();
    let account = platform.account();
    send(&platform, (account.project, &account.token), 500);
    platform.stop();
    let folder = platform.data().join(format!("lake/{}/input", account.project));
    // The blocks of the page on open files.
    let script = r#"
import sys
import duckdb, polars as pl
from deltalake import DeltaTable
table = DeltaTable(sys.argv[1])
files = [uri.removeprefix("file://") for uri in table.file_uris()]
found = duckdb.sql("SELECT count(*) FROM read_parquet($files, union_by_name = true)", params={"files": files})
print(table.to_pyarrow_table().num_rows, found.fetchall()[0][0], pl.scan_delta(sys.argv[1]).select(pl.len()).collect().item())
"#;
    let python = python_with("open-files", &["deltalake", "duckdb", "polars", "pyarrow"]);
    let output = Command::new(python).arg("-c").arg(script).arg(folder).output().expect("it runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "500 500 500", "{told}");
}
