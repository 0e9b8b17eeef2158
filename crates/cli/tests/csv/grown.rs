//! Files that grow: imported again and again, or followed as they grow.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Child, Stdio};
use std::time::Duration;
use std::{fs, thread};

use serde_json::json;

use super::{ada, rows};
use crate::forwarder::Forwarder;
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
fn the_end_of_a_shorter_file_is_not_stored_twice_and_the_way_out_works() {
    let platform = Platform::start();
    let ada = ada(&platform);
    let text = file(&ada, 9_000);
    let whole = ["import", "--csv", "g.csv", "--device", "d"];
    ada.does(&whole);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (short, begun) = (lines[..5_001].concat(), lines[..301].concat());
    let piped = ["import", "--csv", "-", "--device", "d"];
    let followed = [&piped[..], &["--follow"]].concat();
    for words in [&piped[..], &followed] {
        let done = ada.tells(words, &short);
        assert_ne!(done.status, 0, "{}", done.out);
        let said = "lines 2 to 5001 of the file may be stored already and were left out: 9000 rows were imported that begin";
        assert!(done.err.contains(said), "{}", done.err);
        assert!(done.err.contains("--allow-repeat --skip-rows 0"), "{}", done.err);
        assert!(!done.err.contains("run the same command again"), "{}", done.err);
        assert_eq!(stored(&ada), 9_000);
    }
    // The longer file, grown further: each row once, and then both of its ends are known.
    let text = file(&ada, 12_500);
    ada.does(&whole);
    assert_eq!(stored(&ada), 12_500);
    for words in [&piped[..], &followed] {
        let done = ada.tells(words, &lines.concat());
        assert_eq!((done.status, stored(&ada)), (0, 12_500), "{}", done.err);
    }
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let done = ada.tells(&piped, &lines[..11_001].concat());
    assert!(done.err.contains("lines 10002 to 11001 of the file"), "{}", done.err);
    assert!(done.err.contains("--allow-repeat --skip-rows 10000"), "{}", done.err);
    let way_out = [&piped[..], &["--allow-repeat", "--skip-rows", "10000"]].concat();
    let done = ada.tells(&way_out, &lines[..11_001].concat());
    assert_eq!((done.status, stored(&ada)), (0, 13_500), "{}", done.err);
    // What was deleted is stored again only as far as it is known where it ends.
    ada.does(&["namespace", "truncate", "--name", "input", "--yes"]);
    assert_ne!(ada.tells(&piped, &begun).status, 0);
    assert_eq!(stored(&ada), 0);
    ada.does(&whole);
    assert_eq!(stored(&ada), 12_500);
}

/// Somebody's commands that go by a forwarder.
fn by(way: &Forwarder, ada: &Hand) -> Hand {
    let away = Hand::at(way.address());
    away.does(&["user", "login", "--username", "ada@example.com"]);
    let project = ada.asks(&["project", "list"])["projects"][0]["project_id"].to_string();
    away.does(&["project", "token", "--id", &project, "--read", "--write"]);
    away
}

#[test]
fn rows_before_the_end_of_a_shorter_file_that_are_on_their_way_are_stored_when_the_end_is_refused()
{
    let platform = Platform::start();
    let ada = ada(&platform);
    file(&ada, 25_000);
    ada.does(&["import", "--csv", "g.csv", "--device", "d"]);
    // All of the first two blocks goes.
    let until = "2026-01-01T00:00:19.999Z";
    ada.does(&["namespace", "delete-rows", "--name", "input", "--to", until, "--yes"]);
    assert_eq!(stored(&ada), 5_000);
    let way = Forwarder::to(platform.address());
    let away = by(&way, &ada);
    fs::write(away.home().join("short.csv"), file(&ada, 22_000)).expect("written");
    // The second block waits for another try until the end of the file has been asked for, and was refused.
    way.hold_imports(3);
    let done = away.try_to(&["import", "--csv", "short.csv", "--device", "d"]);
    assert_ne!(done.status, 0, "{}", done.out);
    assert!(way.refused() > 0, "the second block was on its way");
    assert!(done.err.contains("lines 20002 to 22001 of the file may be stored"), "{}", done.err);
    assert_eq!(stored(&ada), 25_000, "{}", done.err);
}

#[test]
fn who_follows_waits_for_the_server_and_asks_once_for_each_block() {
    let platform = Platform::start();
    let ada = ada(&platform);
    let text = file(&ada, 19_000).replace(",x\n", &format!(",{}\n", "x".repeat(60)));
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let way = Forwarder::to(platform.address());
    let away = by(&way, &ada);
    for more in [&[][..], &["--allow-repeat"]] {
        let before = (stored(&ada), way.lookups(), way.refused());
        let mut words = vec!["import", "--csv", "-", "--follow", "--device", "d"];
        words.extend(["--type", "a:DOUBLE", "--type", "note:STRING"]);
        words.extend(more);
        let mut command = away.command(&words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut follower = command.spawn().expect("started");
        let mut input = follower.stdin.take().expect("piped");
        for to in 2..=5 {
            input
                .write_all(lines[if to == 2 { 0 } else { to - 1 }..to].concat().as_bytes())
                .expect("taken");
            until(&ada, before.0 + to as i64 - 1);
        }
        assert_eq!(way.lookups() - before.1, usize::from(more.is_empty()));
        way.cut(true);
        input.write_all(lines[5].as_bytes()).expect("taken");
        for _ in 0..LOOKS {
            if way.refused() > before.2 {
                break;
            }
            thread::sleep(Duration::from_millis(200));
        }
        assert!(way.refused() > before.2, "it tries");
        // This is more than pipes hold: it is read although the server is away.
        input.write_all(lines[6..19_000].concat().as_bytes()).expect("taken");
        assert_eq!(stored(&ada), before.0 + 4);
        way.cut(false);
        until(&ada, before.0 + 18_999);
        drop(input);
        let done = follower.wait_with_output().expect("ended");
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{said}");
        assert_eq!(said.matches("waiting for the server").count(), 1, "{said}");
        assert_eq!(way.lookups() - before.1, if more.is_empty() { 2 } else { 0 });
    }
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
