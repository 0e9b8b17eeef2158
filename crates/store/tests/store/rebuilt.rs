//! Tables that are built again of what is sound, corrections beside a log that broke, and the open files as others read
//! them after a correction.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use iobeam_model::{FieldType, NamespaceName};
use iobeam_store::{CorrectionState, Edit, Settings};
use serde_json::Value as Json;

use crate::damage::{corrected, repaired, up_to};
use crate::rig::{Rig, Rows, batch, expected, name, one, project, read, rows, settings};

fn table_dir() -> PathBuf {
    Path::new("/store/lake/1/input").to_owned()
}

/// The Parquet files of the table, with their bytes.
fn parts(rig: &Rig) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = rig.disk.files().into_iter().filter(|path| {
        path.starts_with(table_dir()) && path.extension().is_some_and(|ending| ending == "parquet")
    });
    let parts = files.filter(|path| !path.to_string_lossy().contains("_delta_log"));
    parts.filter_map(|path| Some((path.clone(), rig.disk.bytes(&path)?))).collect()
}

fn commits(rig: &Rig) -> Vec<PathBuf> {
    let files = rig.disk.files().into_iter();
    let mut commits: Vec<PathBuf> = files
        .filter(|path| {
            path.starts_with(table_dir().join("_delta_log"))
                && path.extension().is_some_and(|ending| ending == "json")
                && !path.to_string_lossy().contains("_last_checkpoint")
        })
        .collect();
    commits.sort();
    commits
}

async fn filled(files: i64, merge_files: usize) -> Rig {
    let rig = Rig::with(5, Settings { merge_files, ..settings() });
    for file in 0..files {
        let times: Vec<i64> = (0..50).map(|row| file * 100 + row).collect();
        rig.stored(one(batch("d", &times, file as f64))).await;
        rig.store().flush().await.expect("flushed");
    }
    rig
}

#[tokio::test]
async fn a_table_without_a_readable_commit_gets_each_row_once_whatever_was_made_of_its_files() {
    // Merged, or rewritten by a correction; with all that it was made of still there, with some of it, or with none.
    let times: Vec<Vec<i64>> =
        (0..4).map(|file| (0..50).map(|row| file * 100 + row).collect()).collect();
    let filed = times.iter().enumerate().map(|(file, times)| ("d", &times[..], file as f64));
    let mut all = expected(filed);
    for merged in [true, false] {
        for left in [4, 2, 0] {
            let mut rig = filled(4, 100).await;
            let before = parts(&rig);
            if merged {
                rig.settings.merge_files = 4;
                rig.open();
                rig.stored(one(batch("d", &[9999], 9.0))).await;
                rig.store().flush().await.expect("flushed");
                rig.until("four are merged", |rig| rig.store().statistics().compactions > 0).await;
                all.extend(expected([("d", &[9999][..], 9.0)]));
            } else {
                all.remove(&("d".to_owned(), 9999, 9.0_f64.to_bits()));
                assert_eq!(corrected(&rig, up_to(10)).await.rows, 11);
            }
            rig.settled().await;
            let now = rig.rows();
            rig.store.take().expect("open").close().await.expect("closed");
            let after = parts(&rig);
            let sources: Vec<_> =
                before.into_iter().filter(|(path, _)| !after.contains_key(path)).collect();
            assert_eq!(sources.len(), if merged { 4 } else { 1 }, "they were replaced");
            let all_are_back = left >= sources.len();
            for (path, bytes) in sources.into_iter().take(left) {
                rig.disk.put(&path, bytes);
            }
            for commit in commits(&rig) {
                rig.disk.put(&commit, b"{".to_vec());
            }
            repaired(&mut rig);
            rig.open();
            assert!(rig.opened.out_of_service.is_empty(), "{:?}", rig.opened);
            // Where all is there again, nothing tells that the deletion was committed.
            let right = if all_are_back { &all } else { &now };
            let found = rig.rows();
            assert!(found == *right, "merged: {merged}, left: {left}: {} rows", found.len());
        }
    }
}

#[tokio::test]
async fn a_correction_beside_a_broken_log_rewrites_nothing_and_is_tried_less_and_less_often() {
    let rig = filled(3, 100).await;
    let path = commits(&rig).pop().expect("a commit");
    let sound = rig.disk.bytes(&path).expect("there");
    rig.disk.put(&path, vec![]);
    let input = NamespaceName::input();
    let ordered = rig.store().correct(project(), &input, (up_to(10), "ada".to_owned())).await;
    let number = ordered.expect("all rows are in files, so the order is taken");
    let problem = |rig: &Rig| rig.store().corrections(project(), &input)[0].problem.clone();
    let before = parts(&rig);
    for (failures, seconds) in [(1, 10), (2, 20), (3, 40)] {
        let told = format!("tried {failures} times, and again after {seconds} s");
        let tells = |rig: &Rig| problem(rig).is_some_and(|problem| problem.contains(&told));
        rig.until(&told, tells).await;
        let said = problem(&rig).expect("a problem");
        assert!(said.contains("00000000000000000003.json") && said.contains("doctor"), "{said}");
        assert_eq!(parts(&rig), before, "nothing was written");
        // Not before its time.
        rig.wait(Duration::from_secs(seconds - 1)).await;
        assert!(tells(&rig), "{:?}", problem(&rig));
        rig.clock.advance(Duration::from_secs(1));
    }
    rig.disk.put(&path, sound);
    rig.until("it is made once the log is sound", |rig| {
        rig.clock.advance(Duration::from_secs(10));
        rig.store().corrections(project(), &input)[0].state == CorrectionState::Done
    })
    .await;
    assert_eq!(rig.store().correction_settled(number).await.expect("known").rows, 11);
}

/// The table as its log says to whoever reads it: names of its fields, and rows of the files that count.
fn outside(rig: &Rig) -> (BTreeSet<String>, Rows) {
    let (mut fields, mut files) = (BTreeSet::new(), BTreeSet::new());
    for (version, commit) in commits(rig).iter().enumerate() {
        assert!(
            commit.ends_with(format!("{version:020}.json")),
            "without gaps: {}",
            commit.display()
        );
        let text = String::from_utf8(rig.disk.bytes(commit).expect("there")).expect("text");
        for line in text.lines() {
            let action: Json = serde_json::from_str(line).expect("JSON");
            let path = |action: &Json| action["path"].as_str().expect("a path").to_owned();
            if let Some(add) = action.get("add") {
                let size = add["size"].as_u64().expect("a size") as usize;
                let there = rig.disk.bytes(&table_dir().join(path(add)));
                assert!(there.is_none_or(|bytes| bytes.len() == size), "{add}");
                files.insert(path(add));
            } else if let Some(remove) = action.get("remove") {
                assert!(files.remove(&path(remove)), "it was there: {remove}");
            } else if let Some(metadata) = action.get("metaData") {
                let schema = metadata["schemaString"].as_str().expect("a schema");
                let schema: Json = serde_json::from_str(schema).expect("JSON");
                let all = schema["fields"].as_array().expect("fields").iter();
                fields =
                    all.map(|field| field["name"].as_str().expect("a name").to_owned()).collect();
            }
        }
    }
    let mut found = Rows::new();
    for file in files {
        for batch in read(&rig.disk, &table_dir().join(file)) {
            for field in batch.schema().fields() {
                assert!(fields.contains(field.name()), "{} is of the table", field.name());
            }
            crate::rig::count(&mut found, &batch);
        }
    }
    (fields, found)
}

#[tokio::test]
async fn others_read_from_the_open_files_what_the_store_shows_after_each_correction() {
    let rig = filled(3, 100).await;
    let fields = |others: &[&str]| -> BTreeSet<String> {
        others.iter().chain(&["time", "device_id"]).map(|name| (*name).to_owned()).collect()
    };
    let shown = |rig: &Rig| rows(&rig.disk, &rig.snapshot());
    assert_eq!(outside(&rig), (fields(&["value"]), shown(&rig)));
    assert_eq!(corrected(&rig, up_to(120)).await.rows, 50 + 21);
    let (named, found) = outside(&rig);
    assert_eq!((named, found.values().sum::<usize>()), (fields(&["value"]), 29 + 50));
    assert_eq!(found, shown(&rig));
    let rename = Edit::RenameField { field: name("value"), to: name("warmth") };
    corrected(&rig, rename).await;
    let (named, found) = outside(&rig);
    assert_eq!((named, found.values().sum::<usize>()), (fields(&["warmth"]), 29 + 50));
    assert_eq!(found, shown(&rig));
    corrected(&rig, Edit::RetypeField { field: name("warmth"), to: FieldType::Long }).await;
    assert_eq!(outside(&rig), (fields(&["warmth"]), shown(&rig)));
    corrected(&rig, Edit::DropField { field: name("warmth") }).await;
    let (named, found) = outside(&rig);
    assert_eq!((named, found.values().sum::<usize>()), (fields(&[]), 29 + 50));
    assert_eq!(found, shown(&rig));
}
