//! `iobeam doctor`: each way in which a data directory can be damaged is found, and what is sound is served after a
//! repair.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use iobeam_catalog::{Catalog, NewUser, SignUp};
use iobeam_journal::RealDisk;
use iobeam_model::{
    Batch, Column, FieldName, NamespaceName, ProjectId, SystemClock, Texts, Values,
};
use iobeam_server::doctor::{Diagnosis, examine};
use iobeam_store::{Incoming, Settings, Store, Write};
use serde_json::{Value, json};

use crate::platform::Platform;

/// Rows in each of three files, and in the log alone.
const FILED: usize = 10;
const LOGGED: usize = 5;
const ALL: usize = 3 * FILED + LOGGED;

fn project() -> ProjectId {
    ProjectId::new(1).expect("positive")
}

fn open(dir: &Path) -> Store {
    // Few receipts in memory, so that some are in a run file.
    let settings = Settings { segment_bytes: 1 << 20, receipts_in_memory: 2, ..Settings::new(dir) };
    Store::open(settings, Arc::new(SystemClock::new()), Arc::new(RealDisk)).expect("it opens").0
}

fn batch(device: &str, start: i64, rows: usize) -> Write {
    let times = (0..rows as i64).map(|row| start + row).collect();
    let device = Values::String(Texts::constant(device, rows));
    let numbers = (0..rows).map(|row| row as f64 * 1.1).collect();
    let columns = vec![
        Column::new(FieldName::device_id(), device, None).expect("texts"),
        Column::new("value".parse().expect("a name"), Values::Double(numbers), None)
            .expect("numbers"),
    ];
    let batch = Batch::new(NamespaceName::input(), times, columns).expect("a batch");
    let partition = FieldName::device_id();
    let batches = vec![Incoming { id: None, partition, batch, encoded: None }];
    Write { project: project(), batches, body_hash: Some(start.unsigned_abs().into()) }
}

/// A data directory as a server leaves it: users, keys, three files, and rows that only the log has.
async fn furnished() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path();
    let catalog = dir.join("catalog.db");
    let catalog =
        Catalog::open(&catalog, iobeam_catalog::Settings::default(), Arc::new(SystemClock::new()));
    let catalog = catalog.expect("a catalog");
    let (email, password) = ("ada@example.com".to_owned(), "correct horse".to_owned());
    let ada = NewUser { email, password, ..NewUser::default() };
    let ada = catalog.create_user(ada, SignUp::Open).expect("a user");
    assert_eq!(catalog.create_project(ada.id, "greenhouse").expect("a project").id, project());
    drop(catalog);
    fs::create_dir(dir.join("keys")).expect("made");
    fs::write(dir.join("keys/token.key"), [7; 32]).expect("written");
    mode(dir, 0o700);
    mode(&dir.join("keys"), 0o700);
    mode(&dir.join("keys/token.key"), 0o600);
    let store = open(dir);
    for file in 1..=3 {
        store.write(batch("filed", file * 1000, FILED)).await.expect("stored");
        store.flush().await.expect("flushed");
    }
    store.write(batch("logged-alone", 9000, LOGGED)).await.expect("stored");
    store.close().await.expect("closed");
    folder
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("changed");
}

fn look(dir: &Path, repair: bool) -> Diagnosis {
    examine(dir, repair, &mut |_| {}).expect("it can be looked at")
}

/// The first file of a folder whose name ends so, by name.
fn file(dir: &Path, folder: &str, ending: &str) -> PathBuf {
    let mut names: Vec<PathBuf> = fs::read_dir(dir.join(folder))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_str().is_some_and(|path| path.ends_with(ending)))
        .collect();
    names.sort();
    names.first().expect("there is one").clone()
}

fn last_commit(dir: &Path) -> PathBuf {
    let log = dir.join("lake/1/input/_delta_log");
    let commits = (0..).map(|version| log.join(format!("{version:020}.json")));
    commits.take_while(|path| path.exists()).last().expect("a commit")
}

fn change(path: &Path, how: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).expect("read");
    how(&mut bytes);
    fs::write(path, bytes).expect("written");
}

fn flip_middle(path: &Path) {
    change(path, |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    });
}

/// Where the record stands that only the log has.
fn logged_alone(bytes: &[u8]) -> usize {
    let name = b"logged-alone";
    bytes.windows(name.len()).position(|part| part == name).expect("it is in the log")
}

/// Damages a directory, and says what is found and how many rows are served after a repair.
async fn damaged(found: &str, rows: usize, damage: impl FnOnce(&Path)) -> tempfile::TempDir {
    let folder = furnished().await;
    let dir = folder.path();
    damage(dir);
    let before = look(dir, false);
    let matching =
        |one: &iobeam_store::check::Finding| !one.harmless && one.problem.contains(found);
    assert!(before.findings.iter().any(matching), "{found}: {:#?}", before.findings);
    assert!(!before.is_sound());
    assert_eq!(look(dir, false).findings, before.findings, "looking changes nothing");
    look(dir, true);
    let store = open(dir);
    assert_eq!(store.snapshot(project(), &NamespaceName::input()).rows(), rows as u64, "{found}");
    store.close().await.expect("closed");
    folder
}

#[tokio::test]
async fn a_sound_directory_is_called_sound_and_left_as_it_is() {
    let folder = furnished().await;
    for repair in [false, true] {
        let found = look(folder.path(), repair);
        assert_eq!(found.findings, []);
        assert_eq!((found.records, found.tables, found.files, found.rows), (4, 1, 3, 30));
    }
    let store = open(folder.path());
    assert_eq!(store.snapshot(project(), &NamespaceName::input()).rows(), ALL as u64);
}

#[tokio::test]
async fn a_directory_in_use_is_not_looked_at_and_none_is_made() {
    let folder = furnished().await;
    let store = open(folder.path());
    let refused = examine(folder.path(), true, &mut |_| {}).expect_err("it is in use");
    assert!(refused.to_string().contains("in use by another process"), "{refused}");
    drop(store);
    let nothing = folder.path().join("nothing");
    assert!(examine(&nothing, true, &mut |_| {}).is_err());
    assert!(!nothing.exists());
}

#[tokio::test]
async fn damage_to_the_log_is_found_and_the_rest_is_read() {
    let segment = |dir: &Path| file(dir, "journal", ".journal");
    damaged("are damaged: record", 3 * FILED, |dir| {
        change(&segment(dir), |bytes| {
            let at = logged_alone(bytes);
            bytes[at] ^= 1;
        });
    })
    .await;
    damaged("are damaged: records 4 to 4", 3 * FILED, |dir| {
        change(&segment(dir), |bytes| bytes.truncate(logged_alone(bytes)));
    })
    .await;
    damaged("records 1 to 4 are missing", 3 * FILED, |dir| {
        fs::remove_file(segment(dir)).expect("gone");
    })
    .await;
    damaged("records 1 to 4 are missing", 3 * FILED, |dir| {
        change(&segment(dir), Vec::clear);
    })
    .await;
    damaged("there was a record 4 once", 3 * FILED, |dir| {
        fs::remove_dir_all(dir.join("journal")).expect("gone");
        fs::create_dir(dir.join("journal")).expect("empty");
    })
    .await;
}

#[tokio::test]
async fn a_missing_or_flipped_file_is_found_and_the_table_is_served_without_it() {
    let parquet = |dir: &Path| file(dir, "lake/1/input", ".parquet");
    damaged("it is missing", ALL - FILED, |dir| fs::remove_file(parquet(dir)).expect("gone")).await;
    let folder = damaged("checksum", ALL - FILED, |dir| flip_middle(&parquet(dir))).await;
    let aside = folder.path().join("set-aside/lake/1/input");
    assert_eq!(fs::read_dir(aside).expect("there").count(), 1);
    damaged("bytes, and the log says", ALL - FILED, |dir| {
        change(&parquet(dir), |bytes| bytes.truncate(bytes.len() - 9));
    })
    .await;
}

#[tokio::test]
async fn a_file_that_no_commit_names_is_found_and_kept_aside() {
    let folder = damaged("no commit names it", ALL, |dir| {
        let part = file(dir, "lake/1/input", ".parquet");
        let other = part.with_file_name(format!("part-{:020}-{:032x}.parquet", 1, 7));
        fs::copy(part, other).expect("copied");
    })
    .await;
    let aside = file(folder.path(), "set-aside/lake/1/input", "7.parquet");
    assert!(aside.exists());
}

#[tokio::test]
async fn a_torn_commit_is_found_and_its_rows_are_served_from_wherever_they_are() {
    let tear = |dir: &Path| {
        change(&last_commit(dir), |bytes| bytes.truncate(bytes.len() / 2));
    };
    // The log still has the records.
    damaged("it is no commit", ALL, tear).await;
    // It has not: the file that the commit named is taken in again.
    damaged("the write-ahead log no longer has its rows", 3 * FILED, |dir| {
        fs::rename(last_commit(dir), dir.join("away")).expect("moved");
        fs::remove_dir_all(dir.join("journal")).expect("gone");
        forget(dir);
    })
    .await;
    // One in the middle: the others tell of their files, and its own is still there.
    damaged("it is no commit", ALL, |dir| {
        let first = dir.join(format!("lake/1/input/_delta_log/{:020}.json", 1));
        fs::write(first, b"{torn").expect("written");
    })
    .await;
}

/// A journal that begins after all that was ever written.
fn forget(dir: &Path) {
    let options =
        iobeam_journal::Options { at_least: iobeam_journal::Seq(9), ..Default::default() };
    let journal = iobeam_journal::Journal::open(&dir.join("journal"), options, Arc::new(RealDisk));
    let (mut journal, _) = journal.expect("a new journal");
    journal.append(200, &[b"a record of another kind"]).expect("appended");
    journal.sync().expect("synced");
}

#[tokio::test]
async fn damaged_receipts_are_found_and_no_reading_is_lost() {
    damaged("checksum or layout", ALL, |dir| flip_middle(&dir.join("receipts/current"))).await;
    damaged("entries are not as they were", ALL, |dir| {
        change(&file(dir, "receipts", ".run"), |bytes| bytes[40] ^= 0x80);
    })
    .await;
    damaged("its checksum is wrong", ALL, |dir| {
        change(&file(dir, "receipts", ".run"), |bytes| {
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
        });
    })
    .await;
}

#[tokio::test]
async fn a_damaged_catalog_and_a_table_without_a_namespace_are_found() {
    damaged("is damaged", ALL, |dir| {
        change(&dir.join("catalog.db"), |bytes| bytes[4096..8192].fill(0xa5));
    })
    .await;
    damaged("it is missing", ALL, |dir| {
        fs::remove_file(dir.join("catalog.db")).expect("gone");
    })
    .await;
    damaged("has no namespace 'input' in project 9", ALL, |dir| {
        let log = dir.join("lake/9/input/_delta_log");
        fs::create_dir_all(&log).expect("made");
        let first = format!("{:020}.json", 0);
        fs::copy(dir.join("lake/1/input/_delta_log").join(&first), log.join(first))
            .expect("copied");
    })
    .await;
}

#[tokio::test]
async fn what_others_can_read_is_found_and_closed() {
    let key = "keys/token.key";
    let folder = damaged("its mode is 644", ALL, |dir| mode(&dir.join(key), 0o644)).await;
    let now = fs::metadata(folder.path().join(key)).expect("there").permissions().mode();
    assert_eq!(now & 0o777, 0o600);
    assert!(look(folder.path(), false).is_sound());
}

#[tokio::test]
async fn a_key_that_was_cut_is_found() {
    let folder = furnished().await;
    for bytes in [&b""[..], &[7; 31]] {
        fs::write(folder.path().join("keys/token.key"), bytes).expect("written");
        let found = look(folder.path(), false);
        let told = found.findings.iter().find(|one| one.place.ends_with("keys/token.key"));
        assert!(told.expect("found").problem.contains("a key has 32"), "{:?}", found.findings);
    }
}

#[tokio::test]
async fn a_table_that_the_catalog_does_not_know_is_listed_and_attached_with_all_its_rows() {
    let folder = furnished().await;
    let dir = folder.path();
    // A catalog of a time before the table: another project has its number by now, or none.
    let catalog = || {
        let settings = iobeam_catalog::Settings::default();
        let opened = Catalog::open(&dir.join("catalog.db"), settings, Arc::new(SystemClock::new()));
        opened.expect("a catalog")
    };
    fs::rename(dir.join("lake/1"), dir.join("lake/5")).expect("moved");
    let store = open(dir);
    let table = (ProjectId::new(5).expect("positive"), NamespaceName::input());
    store.drop_tables(project(), None).await.expect("as if it had never been");
    store.close().await.expect("closed");
    let listed = look(dir, false);
    let orphan = listed.findings.iter().find(|one| one.remedy.contains("--attach 5/input"));
    assert!(orphan.is_some(), "{:#?}", listed.findings);
    let name: NamespaceName = "found-again".parse().expect("a name");
    let (at, key, to) = (dir.to_owned(), table.clone(), name.clone());
    let attached = std::thread::spawn(move || {
        iobeam_server::doctor::attach::attach(&at, &key, ("greenhouse", &to))
    });
    let rows = attached.join().expect("no panic").expect("it is attached");
    assert_eq!(rows, 3 * FILED as u64);
    let namespace = catalog().namespace(project(), &name).expect("it can be asked for");
    assert!(namespace.fields.iter().any(|(field, _)| field.as_str() == "value"));
    for _ in 0..2 {
        let store = open(dir);
        assert_eq!(store.snapshot(project(), &name).rows(), rows);
        assert_eq!(store.snapshot(table.0, &table.1).rows(), 0);
        store.close().await.expect("closed");
    }
    assert!(!look(dir, false).findings.iter().any(|one| one.remedy.contains("--attach")));
}

#[test]
fn of_damaged_receipts_a_running_server_claims_no_loss_of_readings_and_doctor_says_the_rest() {
    let platform = Platform::start();
    let ada = platform.person("ada");
    let id = platform.project(&ada, "glasshouse");
    let token = platform.token(&ada, id, "");
    platform.post("/v1/devices", &token, &json!({"device_id": "a"})).expect(201);
    let body = json!({"project_id": id, "device_id": "a", "sources": {"fields": ["time", "t"], "data": [[1, 2.5]]}});
    platform.post("/v1/imports?fmt=table", &token, &body).expect(200);
    let folder = platform.stop();
    flip_middle(&folder.path().join("receipts/current"));
    let platform = Platform::start_in(folder, |_| {});
    let told = platform.get("/v1/storage/problems", &ada.token).expect(200)["problems"].clone();
    let of_log = |one: &&Value| one["kind"] == "DAMAGED_LOG";
    let all = told.as_array().expect("a list");
    let [one] = all.iter().filter(of_log).collect::<Vec<_>>()[..] else { panic!("one: {told}") };
    let details = one["details"].as_str().expect("details");
    assert!(details.contains("receipts/current: its checksum or layout is wrong"), "{one}");
    // No record of the log is damaged, and no reading is lost.
    assert!(!details.contains("lost") && !details.contains("journal"), "{one}");
    let remedy = one["remedy"].as_str().expect("a remedy");
    assert!(!remedy.contains("send again") && remedy.contains("iobeam doctor"), "{one}");
    let rows = platform.post("/v1/sql", &token, &json!({"query": "SELECT time, t FROM input"}));
    assert_eq!(rows.expect(200)["result"][0]["values"], json!([[1, 2.5]]));
    // What the remedy says to do.
    let folder = platform.stop();
    let found = look(folder.path(), false).findings;
    assert!(found.iter().any(|one| one.place.ends_with("set-aside")), "{found:#?}");
}
