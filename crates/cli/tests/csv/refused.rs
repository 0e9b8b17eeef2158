//! Files that are refused: each with its line and a remedy, and each remedy is tried.

use std::fmt::Write;

use serde_json::json;

use super::hand::{Hand, Platform};
use super::{ada, import, rows, types};

/// What is said of a file, which must be refused with nothing stored.
fn refusal(hand: &Hand, file: &str, flags: &[&str]) -> String {
    let done = hand.tells(&import(flags), file);
    assert!(done.status != 0 && done.out.is_empty(), "{}", done.out);
    done.err
}

/// The same file with the flags that were proposed is stored.
fn taken(hand: &Hand, file: &str, flags: &[&str]) {
    let done = hand.tells(&import(flags), file);
    assert_eq!(done.status, 0, "{flags:?}: {}", done.err);
}

#[test]
fn a_column_that_is_mostly_numbers_is_refused_and_what_is_proposed_works() {
    let platform = Platform::start();
    let ada = ada(&platform);
    let mut file = String::from("time,t\n");
    for row in 0..6000 {
        writeln!(file, "{},{row}", 1_767_225_600_000_i64 + row).expect("memory");
    }
    file.push_str("1767225700000,ERR\n");
    let told = refusal(&ada, &file, &[]);
    assert!(told.contains("line 6002, column 't': 'ERR' is not a number"), "{told}");
    assert!(told.contains("--null ERR") && told.contains("--type t:STRING"), "{told}");
    assert_eq!(types(&ada), json!({"device_id": "STRING"}), "no cell chose a type by chance");
    taken(&ada, &file, &["--null", "ERR"]);
    assert_eq!(rows(&ada, "SELECT count(*), count(t) FROM input"), json!([[6001, 6000]]));
    // The field is DOUBLE now; what is proposed then is another.
    let told = refusal(&ada, &file, &[]);
    assert!(
        told.contains("and the field is DOUBLE")
            && told.contains("--rename 't=t_text' --type t:STRING"),
        "{told}"
    );
    taken(&ada, &file, &["--rename", "t=t_text", "--type", "t:STRING"]);
    assert_eq!(types(&ada)["t_text"], "STRING");
}

#[test]
fn numbers_of_another_locale_are_refused_and_what_is_proposed_works() {
    let platform = Platform::start();
    let ada = ada(&platform);
    let semicolon = ["--delimiter", ";"];
    for (name, cells, proposed) in [
        ("a", "21,5", &["--decimal", ","][..]),
        ("b", "1,234.5", &["--thousands", ","]),
        ("c", "1.234,5", &["--decimal", ",", "--thousands", "."]),
        ("d", "inf", &["--null", "inf"]),
    ] {
        let file = format!("time;{name}\n1767225600000;{cells}\n");
        let told = refusal(&ada, &file, &semicolon);
        for flag in proposed.iter().filter(|flag| flag.starts_with("--")) {
            assert!(told.contains(flag), "{flag}: {told}");
        }
        taken(&ada, &file, &[&semicolon[..], proposed].concat());
    }
    assert_eq!(
        types(&ada),
        json!({"a": "DOUBLE", "b": "DOUBLE", "c": "DOUBLE", "device_id": "STRING"})
    );
    assert_eq!(
        rows(&ada, "SELECT max(a), max(b), max(c) FROM input"),
        json!([[21.5, 1234.5, 1234.5]])
    );
    let told = refusal(&ada, "time,e\n1767225600000,1e5\n", &[]);
    assert!(told.contains("--type e:DOUBLE or --type e:STRING"), "{told}");
    taken(&ada, "time,e\n1767225600000,1e5\n", &["--type", "e:DOUBLE"]);
    assert_eq!(rows(&ada, "SELECT max(e) FROM input"), json!([[100_000.0]]));
}

#[test]
fn times_that_nobody_means_are_refused_and_what_is_proposed_works() {
    let platform = Platform::start();
    let ada = ada(&platform);
    for (time, unit) in [
        ("1767225600", "seconds"),
        ("1767225600000000", "microseconds"),
        ("1767225600000000000", "nanoseconds"),
    ] {
        let file = format!("time,a\n{time},1\n");
        let told = refusal(&ada, &file, &[]);
        assert!(
            told.contains(&format!("--time-format {unit} (then it is 2026-01-01 00:00:00)")),
            "{told}"
        );
        taken(&ada, &file, &["--time-format", unit, "--allow-repeat"]);
    }
    let found = rows(&ada, "SELECT DISTINCT time FROM input");
    assert_eq!(found, json!([[1_767_225_600_000_000_i64]]));
    let file = "time,a\n5,1\n";
    assert!(refusal(&ada, file, &[]).contains("--force-times"));
    taken(&ada, file, &["--force-times"]);
    assert_eq!(rows(&ada, "SELECT min(time) FROM input"), json!([[5000]]));
    let row = |more: &[&str]| {
        ada.try_to(&[&["import", "--device", "d", "--fields", "a", "--values", "1"], more].concat())
    };
    assert!(row(&["--time", "1767225600"]).err.contains("--time-format seconds"));
    assert_eq!(row(&["--time", "1767225600", "--time-format", "seconds"]).status, 0);
}

#[test]
fn local_times_are_refused_without_a_zone_and_what_is_proposed_works() {
    let platform = Platform::start();
    let ada = ada(&platform);
    let file = "time,a\n2026-07-01 12:00,1\n";
    let told = refusal(&ada, file, &[]);
    assert!(told.contains("line 2: the time '2026-07-01 12:00' says no time zone"), "{told}");
    assert!(told.contains("--timezone Europe/Berlin"), "{told}");
    taken(&ada, file, &["--timezone", "Europe/Berlin"]);
    assert_eq!(rows(&ada, "SELECT time FROM input"), json!([[1_782_900_000_000_000_i64]]));
    for (time, word) in [("2026-10-25 02:30", "was twice"), ("2026-03-29 02:30", "never was")] {
        let file = format!("time,a\n{time},1\n");
        let told = refusal(&ada, &file, &["--timezone", "Europe/Berlin"]);
        assert!(told.contains(word) && told.contains("--dst-policy earlier"), "{told}");
        taken(&ada, &file, &["--timezone", "Europe/Berlin", "--dst-policy", "earlier"]);
    }
    let file = "time,a\n31/12/2026 23:00,1\n";
    let told = refusal(&ada, file, &[]);
    assert!(told.contains("try: --time-format dmy --timezone ZONE"), "{told}");
    taken(&ada, file, &["--time-format", "dmy", "--timezone", "UTC"]);
}

#[test]
fn headings_that_are_no_fields_are_refused_and_what_is_proposed_works() {
    let platform = Platform::start();
    let ada = ada(&platform);
    let file = "Timestamp,Temperature (°C),all,x,x\n1767225600000,1,2,3,4\n";
    let told = refusal(&ada, file, &[]);
    assert!(told.contains("try: --time-column Timestamp"), "{told}");
    let time = ["--time-column", "Timestamp"];
    let told = refusal(&ada, file, &time);
    assert!(told.contains("(line 1) is no field"), "{told}");
    let proposed =
        "--rename 'Temperature (°C)=temperature' --rename 'all=all_value' --rename '#5=x_2'";
    assert!(told.contains(proposed), "{told}");
    let flags = [
        "--rename",
        "Temperature (°C)=temperature",
        "--rename",
        "all=all_value",
        "--rename",
        "#5=x_2",
    ];
    taken(&ada, file, &[&time[..], &flags].concat());
    taken(&ada, file, &[&time[..], &["--auto-rename"]].concat());
    let found = rows(&ada, "SELECT temperature, all_value, x, x_2 FROM input");
    assert_eq!(found, json!([[1.0, 2.0, 3.0, 4.0]]), "both ways are the same rows");
    let nameless = "time,a,\n1767225600001,1,\n1767225600002,1,5\n";
    let told = refusal(&ada, nameless, &[]);
    assert!(told.contains("--ignore '#3'"), "{told}");
    taken(&ada, nameless, &["--ignore", "#3"]);
}

#[test]
fn lines_that_are_no_rows_are_refused_and_what_is_proposed_works() {
    let platform = Platform::start();
    let ada = ada(&platform);
    let file = "time,a,b\n1767225600000,1,2\n# note\nMean: 1\n";
    let told = refusal(&ada, file, &[]);
    assert!(told.contains("line 3 has 1 cells; the headings on line 1 are 3"), "{told}");
    assert!(told.contains("--skip-footer COUNT") && told.contains("--comment CHAR"), "{told}");
    taken(&ada, file, &["--skip-footer", "1", "--comment", "#"]);
    assert_eq!(rows(&ada, "SELECT a, b FROM input"), json!([[1.0, 2.0]]));
    let told = refusal(&ada, "time,a\n1767225600000,\"1\n", &[]);
    assert!(told.contains("line 2"), "{told}");
}
