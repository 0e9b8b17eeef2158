//! Files that grow: imported again and again, or followed as they grow.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Child, Stdio};
use std::time::Duration;
use std::{fs, thread};

use serde_json::json;

use super::{ada, rows};
use crate::hand::{Hand, Platform};

/// How often something is looked for that takes about a second, five times a second.
const LOOKS: u32 = 600;
const START: i64 = 1_767_225_600_000;

fn file(hand: &Hand, lines: i64) -> String {
    let mut text = String::from("time,a,note\n");
    for row in 0..lines {
        writeln!(text, "{},{row}.5,{}", START + row, if row % 7 == 0 { "" } else { "x" })
            .expect("memory");
    }
    fs::write(hand.home().join("g.csv"), &text).expect("written");
    text
}

fn stored(hand: &Hand) -> i64 {
    rows(hand, "SELECT count(*) FROM input")[0][0].as_i64().expect("a count")
}

#[test]
fn of_a_file_that_has_grown_each_row_is_stored_once_and_deleted_rows_come_back() {
    let platform = Platform::start();
    let ada = ada(&platform);
    let words = ["import", "--csv", "g.csv", "--device", "d"];
    let mut before = 0;
    for lines in [3, 4, 900, 10_000, 10_001, 20_500] {
        file(&ada, lines);
        for more in [lines - before, 0] {
            let done = ada.asks(&words);
            let told = (done["stored"].as_i64(), done["stored_before"].as_i64());
            assert_eq!(told, (Some(more), Some(lines - more)), "{lines} lines: {done}");
        }
        before = lines;
    }
    let all = rows(&ada, "SELECT time, a, note FROM input ORDER BY time");
    assert_eq!(all.as_array().map(Vec::len), Some(20_500));
    // Two rows, then all of them.
    let until = "2026-01-01T00:00:00.001Z";
    ada.does(&["namespace", "delete-rows", "--name", "input", "--to", until, "--yes"]);
    assert_eq!(stored(&ada), 20_498);
    for _ in 0..2 {
        ada.does(&words);
        assert_eq!(rows(&ada, "SELECT time, a, note FROM input ORDER BY time"), all);
    }
    ada.does(&["namespace", "truncate", "--name", "input", "--yes"]);
    assert_eq!(stored(&ada), 0);
    ada.does(&words);
    assert_eq!(rows(&ada, "SELECT time, a, note FROM input ORDER BY time"), all);
    assert_eq!(ada.asks(&words)["stored"], 0);
}

fn following(hand: &Hand, more: &[&str]) -> Child {
    let words = [&["import", "--csv", "-", "--follow", "--device", "d"], more].concat();
    let mut command = hand.command(&words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("started")
}

fn until(hand: &Hand, count: i64) {
    for _ in 0..LOOKS {
        if stored(hand) == count {
            return;
        }
        thread::sleep(Duration::from_millis(200));
    }
    panic!("{} of {count} rows", stored(hand));
}

#[test]
fn rows_that_are_followed_are_stored_before_the_input_ends_and_once() {
    let platform = Platform::start();
    let ada = ada(&platform);
    let text = file(&ada, 12_000);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let types = ["--type", "a:DOUBLE", "--type", "note:STRING"];
    let mut follower = following(&ada, &types);
    let mut input = follower.stdin.take().expect("piped");
    let mut give = |from: usize, to: usize| {
        input.write_all(lines[from..to].concat().as_bytes()).expect("taken");
        input.flush().expect("taken");
    };
    for (from, to) in [(0, 3), (3, 4), (4, 11_002)] {
        give(from, to);
        until(&ada, to as i64 - 1);
    }
    drop(input);
    let done = follower.wait_with_output().expect("ended");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    // Fields have their types now.
    let mut again = following(&ada, &[]);
    let mut input = again.stdin.take().expect("piped");
    input.write_all(lines[..11_600].concat().as_bytes()).expect("taken");
    until(&ada, 11_599);
    drop(input);
    assert!(again.wait().expect("ended").success());
    let done = ada.asks(&["import", "--csv", "g.csv", "--device", "d"]);
    assert_eq!((&done["stored"], &done["stored_before"]), (&json!(401), &json!(11_599)));
    assert_eq!(stored(&ada), 12_000);
}

#[test]
fn what_cannot_be_followed_is_said_at_once_and_what_came_before_a_wrong_row_is_stored() {
    let platform = Platform::start();
    let ada = ada(&platform);
    let refused = |words: &[&str], input: &str| {
        let done = ada.tells(words, input);
        assert_ne!(done.status, 0, "{}", done.out);
        done.err
    };
    let words = ["import", "--csv", "-", "--follow", "--device", "d"];
    let typed = [&words[..], &["--type", "a:DOUBLE"]].concat();
    let said = refused(&words, "time,a,b c\n1767225600000,1,2\n");
    assert!(said.contains("--rename"), "{said}");
    let said = refused(&words, "time,a,b\n1767225600000,1,2\n");
    assert!(said.contains("--type a:DOUBLE --type b:DOUBLE"), "{said}");
    let said = refused(&["import", "--csv", "x.csv", "--follow", "--device", "d"], "");
    assert!(said.contains("tail -n +1 -f FILE | iobeam import --csv - --follow"), "{said}");
    assert_eq!(stored(&ada), 0);
    let said = refused(&typed, "time,a\n1767225600000,1\n1767225600001,2\n1767225600002,off\n");
    assert!(said.contains("line 4, column 'a'"), "{said}");
    assert_eq!(rows(&ada, "SELECT a FROM input ORDER BY time"), json!([[1.0], [2.0]]));
    ada.does(&["device", "delete", "--id", "d"]);
    let said = refused(&typed, "time,a\n1767225600003,3\n");
    assert!(said.contains("iobeam device create --id d"), "{said}");
}
