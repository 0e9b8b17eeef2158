//! What a refusal proposes is done, flag by flag as it is written there, and must work.

use std::fmt::Write as _;

use serde_json::json;

use super::{ada, import, rows};
use crate::hand::{Hand, Platform};

/// Stands for a quote within quotes.
const QUOTE: &str = "\u{1}";

/// The proposals behind `try:`, each as words of a command line. Those with a place to fill in are left out.
fn proposals(told: &str) -> Vec<Vec<String>> {
    let remedy = told.lines().find_map(|line| line.trim().strip_prefix("try: "));
    let remedy = remedy.unwrap_or_else(|| panic!("nothing is proposed: {told}"));
    let parts = cut(&remedy.replace(r"'\''", QUOTE), &["; ", " or ", ", "]);
    let flags = parts.iter().map(|part| {
        let begin = part.find("--").unwrap_or(part.len());
        flags_of(&part[begin..])
    });
    flags.filter(|flags| !flags.is_empty()).collect()
}

/// A text in parts, cut outside of quotes.
fn cut(text: &str, between: &[&str]) -> Vec<String> {
    let (mut parts, mut part, mut rest, mut quoted) = (Vec::new(), String::new(), text, false);
    while let Some(c) = rest.chars().next() {
        if !quoted && let Some(end) = between.iter().find(|end| rest.starts_with(**end)) {
            parts.push(std::mem::take(&mut part));
            rest = &rest[end.len()..];
            continue;
        }
        quoted ^= c == '\'';
        part.push(c);
        rest = &rest[c.len_utf8()..];
    }
    parts.push(part);
    parts
}

/// Flags with their values, as a shell reads them, up to the first word that is neither.
fn flags_of(text: &str) -> Vec<String> {
    let words =
        cut(text, &[" "]).into_iter().map(|word| word.replace('\'', "").replace(QUOTE, "'"));
    let words: Vec<String> = words.collect();
    let mut flags = Vec::new();
    let mut at = 0;
    while let Some(flag) = words.get(at).filter(|word| word.starts_with("--")) {
        let value = words.get(at + 1).filter(|word| !word.starts_with("--"));
        if value.is_some_and(|value| ["COUNT", "CHAR", "ZONE", "ID"].contains(&value.as_str())) {
            return Vec::new();
        }
        flags.push(flag.clone());
        at += 1;
        if !["--auto-rename", "--force-times"].contains(&flag.as_str())
            && let Some(value) = value
        {
            flags.push(value.clone());
            at += 1;
        }
    }
    flags
}

/// Imports a file, which must be refused, with each of the proposals, of which there must be so many.
fn try_all(hand: &Hand, file: &str, given: &[&str], expected: usize) {
    let refused = hand.tells(&import(given), file);
    assert_ne!(refused.status, 0, "{file}");
    let all = proposals(&refused.err);
    assert_eq!(all.len(), expected, "{}: {all:?}", refused.err);
    for flags in &all {
        // What is proposed in place of a flag that was given replaces it.
        let kept = given.chunks(2).filter(|pair| pair[0] != "--timezone" || flags[0] != pair[0]);
        let flags = flags.iter().map(String::as_str);
        let flags: Vec<&str> = kept.flatten().copied().chain(flags).collect();
        let done = hand.tells(&[&import(&flags)[..], &["--dry-run"]].concat(), file);
        assert_eq!(done.status, 0, "{}\n{flags:?}: {}", refused.err, done.err);
    }
}

fn column(heading: &str, cells: &[&str]) -> String {
    let mut file = format!("time;\"{}\"\n", heading.replace('"', "\"\""));
    for (row, cell) in cells.iter().enumerate() {
        writeln!(file, "{};{cell}", 1_767_225_600_000 + row).expect("memory");
    }
    file
}

#[test]
fn each_flag_that_a_refused_column_proposes_works_as_it_is_written() {
    let platform = Platform::start();
    let ada = ada(&platform);
    let given = ["--delimiter", ";"];
    for (cells, expected) in [
        (&["1.5", "NA"][..], 2),
        (&["1", "2", "it's off"], 2),
        (&["21,5"], 3),
        (&["1", "1,234.5"], 3),
        (&["5", "89014103211118510720"], 1),
        (&["5", "00042"], 2),
        (&["0.5", "9007199254740993"], 1),
        (&["true", "maybe"], 2),
        (&["1e5"], 2),
        (&["+4917012345"], 2),
        (&["unavailable"], 2),
        (&["1", "inf"], 2),
    ] {
        try_all(&ada, &column("a", cells), &given, expected);
    }
    // Headings that are no fields, with quotes and more in them.
    for heading in ["it's 5\" (°C)", "Temp = °C; in", "all", "x y"] {
        try_all(&ada, &column(heading, &["1"]), &given, 2);
    }
}

#[test]
fn each_flag_that_a_refused_time_proposes_works_as_it_is_written() {
    let platform = Platform::start();
    let ada = ada(&platform);
    let times = [("1767225600", 2), ("1767225600000000", 2), ("1767225600000000000", 1)];
    for (time, expected) in times {
        try_all(&ada, &format!("time,a\n{time},1\n"), &[], expected);
    }
    try_all(&ada, "time,a\n5,1\n", &[], 1);
    try_all(&ada, "Timestamp,a\n1767225600000,1\n", &[], 1);
    try_all(&ada, "time;a\n1767225600000;1\n", &[], 1);
    try_all(&ada, "time,a\n2026-07-01 12:00,1\n", &[], 3);
    try_all(&ada, "time,a\n2026-10-25 02:30,1\n", &["--timezone", "Europe/Berlin"], 3);
}

#[test]
fn where_a_field_has_another_type_each_proposal_works_too() {
    let platform = Platform::start();
    let ada = ada(&platform);
    ada.does(&["import", "--device", "d", "--fields", "temp,ok", "--values", "1.5,true"]);
    let given = ["--rename", "Temp (°C)=temp", "--rename", "O.K.=ok"];
    for (temp, ok) in [("off", "true"), ("1,5", "true"), ("1", "maybe"), ("0x42", "")] {
        let file = format!("time,Temp (°C),O.K.\n1767225600000,\"{temp}\",{ok}\n");
        try_all(&ada, &file, &given, 2);
    }
}

#[test]
fn a_column_of_devices_is_named_as_it_is_proposed() {
    let platform = Platform::start();
    let ada = ada(&platform);
    let file = "time,Logger,a\n1767225600000,d,1\n";
    let renamed = ["import", "--csv", "-", "--rename", "Logger=device_id"];
    let refused = ada.tells(&["import", "--csv", "-"], file);
    assert!(refused.err.contains("--rename 'COLUMN=device_id'"), "{}", refused.err);
    let done = ada.tells(&renamed, file);
    assert_eq!(done.status, 0, "{}", done.err);
    assert_eq!(rows(&ada, "SELECT device_id, a FROM input"), json!([["d", 1.0]]));
    let refused = ada.tells(&renamed, "time,Logger,a\n1767225600000,ghost,1\n");
    assert!(refused.err.contains("`iobeam device create --id ghost`"), "{}", refused.err);
    ada.does(&["device", "create", "--id", "ghost"]);
    let done = ada.tells(&renamed, "time,Logger,a\n1767225600000,ghost,1\n");
    assert_eq!(done.status, 0, "{}", done.err);
    let both = ada.tells(&import(&renamed[3..]), file);
    assert!(both.err.contains("--ignore Logger"), "{}", both.err);
    let ignored = ada.tells(&import(&["--ignore", "Logger"]), file);
    assert_eq!(ignored.status, 0, "{}", ignored.err);
}

#[test]
fn with_a_token_that_may_only_write_integers_reach_their_field_or_the_way_is_told() {
    let platform = Platform::start();
    let ada = ada(&platform);
    let token = ada.does(&["project", "token", "--write", "--show-token"]).out;
    ada.does(&["project", "token", "--read", "--write", "--admin"]);
    let write_only = |flags: &[&str]| {
        let mut command = ada.command(&import(flags));
        command.env("IOBEAM_TOKEN", token.trim());
        Hand::feed(command, "time,n\n1767225600000,9007199254740993\n")
    };
    let refused = write_only(&[]);
    assert_ne!(refused.status, 0, "{}", refused.out);
    assert!(refused.err.contains("namespace update --id ID --field n:LONG"), "{}", refused.err);
    assert!(refused.err.contains("--type n:STRING"), "{}", refused.err);
    let id = ada.asks(&["namespace", "get", "--name", "input"])["namespace_id"].to_string();
    ada.does(&["namespace", "update", "--id", &id, "--field", "n:LONG"]);
    let done = write_only(&[]);
    assert_eq!(done.status, 0, "{}", done.err);
    assert_eq!(rows(&ada, "SELECT n FROM input"), json!([[9_007_199_254_740_993_i64]]));
    assert_eq!(write_only(&["--rename", "n=m", "--type", "n:STRING"]).status, 0);
}
