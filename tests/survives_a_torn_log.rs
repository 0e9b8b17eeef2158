//! A log that ends in a torn or foreign record is read up to it: what was acknowledged before is there, and the operator is
//! told what was cut.

use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use iobeam_promises::{Account, Platform};
use serde_json::json;

fn send(platform: &Platform, account: &Account, number: u64) {
    let body = json!({
        "project_id": account.project, "device_id": "device-1",
        "sources": {"fields": ["time", "n"], "data": [[number, number]]},
    });
    platform.post("/v1/imports?fmt=table", Some(&account.token), &body).expect_status(200);
}

fn numbers(platform: &Platform, account: &Account) -> Vec<u64> {
    let (fields, rows) = platform.rows(account);
    let place = fields.iter().position(|field| field == "n").expect("the field");
    let mut found: Vec<_> = rows.iter().map(|row| row[0].as_u64().expect("µs") / 1000).collect();
    assert!(rows.iter().all(|row| row[place].is_number()));
    found.sort_unstable();
    found
}

/// The newest segment of the write-ahead log, and where its last record ends.
fn end_of_log(data: &Path) -> (PathBuf, u64) {
    let mut segments: Vec<_> = fs::read_dir(data.join("journal"))
        .expect("a log")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "journal"))
        .collect();
    segments.sort();
    let mut newest = None;
    for segment in segments {
        let mut bytes = Vec::new();
        fs::File::open(&segment).expect("a segment").read_to_end(&mut bytes).expect("readable");
        if let Some(last) = bytes.iter().rposition(|byte| *byte != 0) {
            newest = Some((segment, last as u64 + 1));
        }
    }
    newest.expect("a segment with a record")
}

#[test]
fn a_torn_last_record_is_cut_off_and_all_before_it_is_there() {
    let mut platform = Platform::start();
    let account = platform.account();
    for number in 1..=5 {
        send(&platform, &account, number);
    }
    for cut in [1, 7, 40] {
        platform.kill();
        // A write that power loss cut short: some of the last record's bytes never reached the disk.
        let (segment, end) = end_of_log(&platform.data());
        let mut file = OpenOptions::new().write(true).open(segment).expect("a segment");
        file.seek(SeekFrom::Start(end - cut)).expect("within");
        file.write_all(&vec![0; usize::try_from(cut).expect("small")]).expect("torn");
        drop(file);
        // Nor did the note that the record was synced, which is written after it.
        fs::remove_file(platform.data().join("journal/marks")).expect("there are marks");
        platform.restart();
        let found = numbers(&platform, &account);
        let whole = found.len() as u64;
        assert_eq!(found, (1..=whole).collect::<Vec<_>>(), "a prefix of what was sent");
        assert_eq!(whole, 4, "the torn one is gone, and only that");
        assert!(platform.log().contains("cut short"), "the cut is reported:\n{}", platform.log());
        send(&platform, &account, 5);
        assert_eq!(
            numbers(&platform, &account),
            [1, 2, 3, 4, 5],
            "writing goes on where the log was cut"
        );
    }
}

#[test]
fn a_last_record_that_was_acknowledged_and_is_gone_is_told_as_lost() {
    let mut platform = Platform::start();
    let account = platform.account();
    for number in 1..=3 {
        send(&platform, &account, number);
    }
    platform.kill();
    let (segment, end) = end_of_log(&platform.data());
    let mut file = OpenOptions::new().write(true).open(segment).expect("a segment");
    file.seek(SeekFrom::Start(end - 40)).expect("within");
    file.write_all(&[0; 40]).expect("overwritten");
    drop(file);
    platform.restart();
    assert_eq!(numbers(&platform, &account), [1, 2]);
    let log = platform.log();
    assert!(log.contains("records 3 to 3 are lost") && !log.contains("cut short"), "{log}");
    platform.kill();
    // A whole file of the log: it is missed, and what comes after goes on.
    fs::remove_file(end_of_log(&platform.data()).0).expect("gone");
    platform.restart();
    assert!(platform.log().contains("records 1 to 3 are missing"), "{}", platform.log());
    send(&platform, &account, 4);
    assert_eq!(numbers(&platform, &account), [4]);
}

#[test]
fn noise_behind_the_last_record_is_no_record() {
    let mut platform = Platform::start();
    let account = platform.account();
    send(&platform, &account, 1);
    platform.kill();
    let (segment, end) = end_of_log(&platform.data());
    let mut file = OpenOptions::new().write(true).open(segment).expect("a segment");
    file.seek(SeekFrom::Start(end)).expect("within");
    file.write_all(&[0xa5; 100]).expect("noise");
    drop(file);
    platform.restart();
    send(&platform, &account, 2);
    assert_eq!(numbers(&platform, &account), [1, 2]);
    platform.kill();
    platform.restart();
    assert_eq!(numbers(&platform, &account), [1, 2]);
}
