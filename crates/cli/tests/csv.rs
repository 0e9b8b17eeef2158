//! CSV files into a platform and out of it again, with the real command against a real server.
#![cfg(feature = "server")]

#[path = "commands/hand.rs"]
#[expect(dead_code, reason = "commands that are tested elsewhere need the rest")]
mod hand;

#[path = "csv/grown.rs"]
mod grown;

#[path = "csv/forwarder.rs"]
mod forwarder;

#[path = "csv/loggers.rs"]
mod loggers;

#[path = "csv/refused.rs"]
mod refused;

#[path = "csv/remedies.rs"]
mod remedies;

#[path = "csv/round_trip.rs"]
mod round_trip;

use std::fmt::Write;
use std::fs;

use hand::{Hand, Platform};
use serde_json::{Value, json};

/// Somebody with a project and the device `d`.
fn ada(platform: &Platform) -> Hand {
    let ada = platform.somebody();
    ada.does(&["device", "create", "--id", "d"]);
    ada
}

/// The rows of an answer in SQL.
fn rows(hand: &Hand, sql: &str) -> Value {
    hand.asks(&["sql", sql, "--timefmt", "usec"])["result"][0]["values"].clone()
}

/// The types of the fields of `input`.
fn types(hand: &Hand) -> Value {
    hand.asks(&["namespace", "get", "--name", "input"])["fields"].clone()
}

/// Words of an import from standard input, of the device `d`.
fn import<'w>(more: &[&'w str]) -> Vec<&'w str> {
    [&["import", "--csv", "-", "--device", "d"], more].concat()
}

#[test]
fn a_csv_file_is_imported_once_however_often_it_is_sent() {
    let platform = Platform::start();
    let ada = platform.somebody();
    ada.does(&["device", "create", "--id", "42"]);
    let mut file = String::from("when;temperature;ok;note\n");
    for row in 0..25_000 {
        let note = if row == 7 { "" } else { "x" };
        let time = 1_767_225_600_000_i64 + row;
        writeln!(file, "{time};{row}.5;{};{note}", row % 2 == 0).expect("memory");
    }
    fs::write(ada.home().join("r.csv"), &file).expect("written");
    let words =
        ["import", "--csv", "r.csv", "--delimiter", ";", "--time-column", "when", "--device", "42"];
    assert_eq!(ada.asks(&words), json!({"stored": 25_000, "stored_before": 0, "requests": 3}));
    for rows in ["1", "100", "1000000"] {
        let words = [&words[..], &["--batch-rows", rows]].concat();
        assert_eq!(ada.asks(&words), json!({"stored": 0, "stored_before": 25_000, "requests": 0}));
    }
    let count = "SELECT count(*), count(note) FROM input WHERE device_id = '42' AND ok IS NOT NULL";
    assert_eq!(rows(&ada, count), json!([[25_000, 24_999]]));
    // Packed, and through a pipe, it is the same file; with --allow-repeat it is stored once more.
    let piped = ada.tells(
        &[
            "import",
            "--csv",
            "-",
            "--delimiter",
            ";",
            "--time-column",
            "when",
            "--device",
            "42",
            "--json",
        ],
        &file,
    );
    assert_eq!(piped.json()["stored_before"], 25_000, "{}", piped.err);
    let again = [&words[..], &["--allow-repeat"]].concat();
    assert_eq!(ada.asks(&again)["stored"], 25_000);
    assert_eq!(rows(&ada, "SELECT count(*) FROM input"), json!([[50_000]]));
}

#[test]
fn an_import_that_was_cut_off_goes_on_where_it_was() {
    let platform = Platform::start();
    let ada = ada(&platform);
    let file = |rows: i64| {
        (0..rows).fold(String::from("time,n\n"), |file, row| {
            format!("{file}{},{}\n", 1_767_225_600_000_i64 + row, row % 7)
        })
    };
    // As many whole batches as an import would have stored that was killed after the second.
    let done = ada.tells(&import(&["--json"]), &file(20_000));
    assert_eq!(done.json()["stored"], 20_000, "{}", done.err);
    let done = ada.tells(&import(&["--json"]), &file(25_000));
    assert_eq!(
        (&done.json()["stored"], &done.json()["stored_before"]),
        (&json!(5_000), &json!(20_000))
    );
    assert_eq!(
        rows(&ada, "SELECT count(*), count(DISTINCT time) FROM input"),
        json!([[25_000, 25_000]])
    );
}

#[test]
fn a_dry_run_shows_what_a_file_is_and_stores_nothing() {
    let platform = Platform::start();
    let ada = ada(&platform);
    let file = "time,t,note,none\n2026-01-01T00:00:00Z,1.5,x,\n2026-01-01T00:10:00.5Z,,y,\n";
    let done = ada.tells(&import(&["--dry-run"]), file);
    assert_eq!(done.status, 0, "{}", done.err);
    for shown in [
        "DOUBLE",
        "STRING",
        "no values",
        "2026-01-01T00:10:00.500000Z",
        "2 rows",
        "nothing was stored",
    ] {
        assert!(done.out.contains(shown), "{shown}: {}", done.out);
    }
    let told = ada.tells(&import(&["--dry-run", "--json"]), file).json();
    assert_eq!(
        told["columns"][0],
        json!({"column": "t", "field": "t", "type": "DOUBLE", "decided_by": "its cells", "values": 1})
    );
    assert_eq!(types(&ada), json!({"device_id": "STRING"}));
    assert_eq!(rows(&ada, "SELECT count(*) FROM input"), json!([[0]]));
}

#[test]
fn integers_and_codes_never_become_other_numbers() {
    let platform = Platform::start();
    let ada = ada(&platform);
    let file =
        "time,iccid,zip,big,n\n1767225600000,89014103211118510720,00042,9007199254740993,5\n";
    let done = ada.tells(&import(&[]), file);
    assert_eq!(done.status, 0, "{}", done.err);
    let found = rows(&ada, "SELECT iccid, zip, big, n FROM input");
    assert_eq!(found, json!([["89014103211118510720", "00042", 9_007_199_254_740_993_i64, 5.0]]));
    assert_eq!(types(&ada)["big"], "LONG");
    // A field that has its type already takes what it holds exactly, however it is written.
    let done =
        ada.tells(&import(&[]), "time,big\n1767225601000,5.0\n1767225602000,9223372036854775807\n");
    assert_eq!(done.status, 0, "{}", done.err);
    let found = rows(&ada, "SELECT big FROM input ORDER BY time");
    assert_eq!(found, json!([[9_007_199_254_740_993_i64], [5], [i64::MAX]]));
    for (name, value) in [("iccid2", "89014103211118510720"), ("zip2", "00042"), ("hex", "0x1F")] {
        ada.does(&[
            "import",
            "--device",
            "d",
            "--fields",
            name,
            "--values",
            value,
            "--label",
            &format!("l_{name}={value}"),
        ]);
        let found =
            rows(&ada, &format!("SELECT {name}, l_{name} FROM input WHERE {name} IS NOT NULL"));
        assert_eq!(found, json!([[value, value]]));
    }
    for value in ["1e5", "+5"] {
        let refused =
            ada.try_to(&["import", "--device", "d", "--fields", "code", "--values", value]);
        assert!(
            refused.status == 2 && refused.err.contains("may be a number or a code"),
            "{}",
            refused.err
        );
        let text = format!("\"{value}\"");
        ada.does(&["import", "--device", "d", "--fields", "code", "--values", &text]);
    }
}

#[test]
fn rows_of_a_device_that_is_not_registered_are_refused() {
    let platform = Platform::start();
    let ada = ada(&platform);
    let file = "time,device_id,a\n1767225600000,d,1\n1767225600000,ghost,1\n";
    let refused = ada.tells(&["import", "--csv", "-"], file);
    assert_eq!(refused.status, 1, "{}", refused.out);
    assert!(
        refused.err.contains("ghost") && refused.err.contains("nothing was stored"),
        "{}",
        refused.err
    );
    // What it proposes helps.
    assert!(refused.err.contains("try: `iobeam device create --id ghost`"), "{}", refused.err);
    ada.does(&["device", "create", "--id", "ghost"]);
    assert_eq!(ada.tells(&["import", "--csv", "-"], file).status, 0);
    let nobody = ada.tells(&["import", "--csv", "-"], "time,a\n1767225600000,1\n");
    assert!(nobody.status == 2 && nobody.err.contains("--device ID"), "{}", nobody.err);
    let hole = ada.tells(
        &["import", "--csv", "-"],
        "time,device_id,a\n1767225600000,d,1\n1767225600001,,1\n",
    );
    assert!(hole.status == 1 && hole.err.contains("line 3 has no device"), "{}", hole.err);
}

#[test]
fn one_row_without_a_device_is_stored_with_a_warning() {
    let platform = Platform::start();
    let ada = ada(&platform);
    let words = ["import", "--fields", "a", "--values", "1"];
    let done = ada.does(&words);
    assert!(done.err.contains("warning: the row is of no device"), "{}", done.err);
    let meant = ada.does(&[&words[..], &["--no-device"]].concat());
    assert_eq!(meant.err, "");
    let labelled = ada.does(&[&words[..], &["--label", "device_id=d"]].concat());
    assert_eq!(labelled.err, "");
}

#[test]
fn a_question_in_a_file_may_begin_with_a_byte_order_mark() {
    let platform = Platform::start();
    let ada = ada(&platform);
    fs::write(ada.home().join("q.sql"), "\u{feff}SELECT 1 AS one").expect("written");
    assert_eq!(ada.asks(&["sql", "--file", "q.sql"])["result"][0]["values"], json!([[1]]));
    let piped = ada.tells(&["sql", "--format", "csv"], "\u{feff}SELECT 1 AS one");
    assert_eq!(piped.out, "one\n1\n", "{}", piped.err);
    let done = ada.tells(&import(&[]), "\u{feff}time,a\n1767225600000,1\n");
    assert_eq!(done.status, 0, "{}", done.err);
    let token = ada.does(&["project", "token", "--read", "--write", "--admin", "--show-token"]).out;
    let body = "\u{feff}{\"device_id\":\"d\",\"sources\":{\"fields\":[\"time\",\"a\"],\"data\":[[1767225600001,2]]}}";
    round_trip::post(&platform, token.trim(), "?fmt=table", "application/json", body.as_bytes());
    assert_eq!(rows(&ada, "SELECT a FROM input ORDER BY time"), json!([[1.0], [2.0]]));
}

#[test]
fn tables_show_times_as_times_whatever_they_are_called() {
    let platform = Platform::start();
    let ada = ada(&platform);
    ada.tells(&import(&[]), "time,a\n1767225600000,1\n");
    let sql = "SELECT max(time) AS newest, 1767225600000000 AS runtime, a AS x, a AS \"X\" FROM input GROUP BY a";
    let table = ada.does(&["sql", "--format", "table", sql]).out;
    let row: Vec<&str> = table.lines().nth(1).expect("a row").split_whitespace().collect();
    assert_eq!(row, ["2026-01-01", "00:00:00", "1767225600000000", "1.0", "1.0"], "{table}");
}
