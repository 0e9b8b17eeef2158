//! Files as data loggers and spreadsheets write them, imported without being edited.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::hand::{Done, Hand, Platform};
use super::{ada, rows};

/// Imports a file of this folder with these flags.
fn import(hand: &Hand, file: &str, flags: &[&str]) -> Done {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/csv/files").join(file);
    fs::copy(path, hand.home().join(file)).expect("a sample");
    hand.try_to(&[&["import", "--csv", file, "--device", "d"], flags].concat())
}

fn imported(hand: &Hand, file: &str, flags: &[&str]) {
    let done = import(hand, file, flags);
    assert_eq!(done.status, 0, "{}", done.err);
}

fn found(hand: &Hand, fields: &str) -> Value {
    rows(hand, &format!("SELECT time, {fields} FROM input ORDER BY time"))
}

/// Microseconds of 2026-01-01 00:00 UTC, and minutes after it.
fn minute(minutes: i64) -> i64 {
    1_767_225_600_000_000 + minutes * 60_000_000
}

#[test]
fn a_file_of_a_campbell_logger() {
    let platform = Platform::start();
    let ada = ada(&platform);
    let refused = import(&ada, "campbell_toa5.dat", &[]);
    assert!(
        refused.err.contains("--skip-lines 1 --skip-below-heading 2 --time-column TIMESTAMP"),
        "{}",
        refused.err
    );
    let flags = [
        "--skip-lines",
        "1",
        "--skip-below-heading",
        "2",
        "--time-column",
        "TIMESTAMP",
        "--timezone",
        "UTC",
    ];
    imported(&ada, "campbell_toa5.dat", &flags);
    assert_eq!(
        found(&ada, r#""RECORD", "BattV_Min", "AirTC_Avg""#),
        json!([
            [minute(15), 0.0, 12.31, -5.6],
            [minute(30), 1.0, 12.3, null],
            [minute(45) + 500_000, 2.0, 12.29, -5.72],
        ])
    );
}

#[test]
fn a_file_of_an_onset_logger() {
    let platform = Platform::start();
    let ada = ada(&platform);
    let flags = [
        "--skip-lines",
        "1",
        "--time-column",
        "Date Time, GMT+01:00",
        "--time-format",
        "mdy",
        "--timezone",
        "+01:00",
        "--ignore",
        "#",
    ];
    // The names of its columns are no fields; the refusal has the flags that name them.
    let refused = import(&ada, "onset_hobo.csv", &flags);
    assert!(refused.err.contains("SEN S/N: 10123456, LBL: air)=temp'"), "{}", refused.err);
    imported(&ada, "onset_hobo.csv", &[&flags[..], &["--auto-rename"]].concat());
    let start = minute(30 * 24 * 60 + 22 * 60 + 50);
    assert_eq!(
        found(&ada, "temp, rh, host_connected"),
        json!([
            [start, 21.5, 45.1, null],
            [start + 600_000_000, 21.4, 45.3, "Logged"],
            [start + 1_200_000_000, 21.3, null, null],
        ])
    );
}

#[test]
fn a_file_of_an_elitech_logger() {
    let platform = Platform::start();
    let ada = ada(&platform);
    let flags = [
        "--skip-lines",
        "4",
        "--skip-footer",
        "2",
        "--time-column",
        "Time",
        "--timezone",
        "Europe/Berlin",
        "--ignore",
        "No.",
        "--rename",
        "Temperature°C=temperature",
        "--rename",
        "Humidity%RH=humidity",
    ];
    let refused = import(&ada, "elitech.csv", &flags);
    assert!(refused.err.contains("--null --- if it means no value"), "{}", refused.err);
    imported(&ada, "elitech.csv", &[&flags[..], &["--null", "---"]].concat());
    assert_eq!(
        found(&ada, "temperature, humidity"),
        json!([[minute(-60), 21.5, 45.0], [minute(-50), 21.6, null]])
    );
}

#[test]
fn a_file_of_a_testo_logger() {
    let platform = Platform::start();
    let ada = ada(&platform);
    let flags = [
        "--delimiter",
        ";",
        "--encoding",
        "cp1252",
        "--date-column",
        "Datum",
        "--time-column",
        "Zeit",
        "--time-format",
        "dmy",
        "--timezone",
        "Europe/Berlin",
        "--decimal",
        ",",
        "--thousands",
        ".",
        "--null",
        "---",
        "--rename",
        "°C=temperature",
        "--rename",
        "%rF=humidity",
    ];
    imported(&ada, "testo.csv", &flags);
    let start = minute(31 * 24 * 60 - 60);
    assert_eq!(
        found(&ada, "temperature, humidity"),
        json!([[start, 21.5, 45.1], [start + 600_000_000, -1021.4, null]])
    );
}

#[test]
fn a_file_of_a_german_spreadsheet() {
    let platform = Platform::start();
    let ada = ada(&platform);
    let refused = import(&ada, "excel_german.csv", &[]);
    assert!(refused.err.contains("--encoding cp1252"), "{}", refused.err);
    let refused = import(&ada, "excel_german.csv", &["--encoding", "cp1252"]);
    assert!(refused.err.contains("--delimiter ';'"), "{}", refused.err);
    let flags = [
        "--encoding",
        "latin-1",
        "--delimiter",
        ";",
        "--decimal",
        ",",
        "--thousands",
        ".",
        "--time-column",
        "Zeitstempel",
        "--time-format",
        "%d.%m.%Y %H:%M",
        "--timezone",
        "Europe/Berlin",
        "--auto-rename",
    ];
    imported(&ada, "excel_german.csv", &flags);
    let midnight = minute(297 * 24 * 60);
    assert_eq!(
        found(&ada, r#"aussentemperatur, zaehlerstand, "Pumpe", "Bemerkung""#),
        json!([
            [midnight - 30 * 60_000_000, -3.5, 12_345.67, true, "Frost; Rohr prüfen"],
            [midnight + 690 * 60_000_000, 4.0, 12_350.0, false, null],
        ])
    );
}
