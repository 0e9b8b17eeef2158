//! What the platform writes as CSV and JSON, it reads back as the same rows.

use std::fs;

use iobeam_model::{Batch, Bitmap, Column, Texts, Values};
use iobeam_wire::batch::{Compression, MEDIA_TYPE, encode};
use proptest::option::of;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::hand::{Hand, Platform};
use super::{ada, import, rows, types};

/// Rounds of random rows, unless the variable `IOBEAM_ROUND_TRIPS` says otherwise.
const ROUNDS: u32 = 6;
/// The fields of each round's tables. One must be in quotes in SQL.
const FIELDS: [(&str, &str); 5] =
    [("d", "DOUBLE"), ("n", "LONG"), ("ok", "BOOLEAN"), ("s", "STRING"), ("Odd-Name", "STRING")];

/// A row: its time and a value of each kind, or none.
type Row = (i64, Option<f64>, Option<i64>, Option<bool>, Option<String>);

fn texts() -> impl Strategy<Value = String> {
    const TRICKY: [&str; 17] = [
        "", " ", " x ", "\"", "\"\"", "a,b", "a\nb", "\r", "NA", "null", "true", "42", "00042",
        "1e5", "#", "\u{feff}", "\u{a0}x",
    ];
    prop_oneof![
        proptest::sample::select(&TRICKY[..]).prop_map(str::to_owned),
        "[ -~äé°漢\\n\\r\\t\"]{0,12}",
    ]
}

fn row() -> impl Strategy<Value = Row> {
    let times = prop_oneof![
        1_767_225_600_000_000_i64..1_767_225_700_000_000,
        -4_000_000_000_000_000_000_i64..4_000_000_000_000_000_000,
        -10_i64..10,
    ];
    let doubles = any::<f64>().prop_filter("numbers only", |number| number.is_finite());
    let doubles = prop_oneof![doubles, Just(-0.0), Just(1e300), Just(1e16), Just(0.1), Just(5.0)];
    let longs =
        prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX), Just((1 << 53) + 1), -5_i64..5];
    (times, of(doubles), of(longs), of(any::<bool>()), of(texts()))
}

fn column<T>(
    name: &str,
    all: Vec<Option<T>>,
    values: impl FnOnce(Vec<Option<T>>) -> Values,
) -> Column {
    let mut present = Bitmap::new();
    for value in &all {
        present.push(value.is_some());
    }
    Column::new(name.parse().expect("a name"), values(all), Some(present)).expect("sound")
}

fn strings(all: Vec<Option<String>>) -> Values {
    let mut texts = Texts::new();
    for value in all {
        match value {
            Some(value) => texts.push(&value),
            None => texts.push_missing(),
        }
    }
    Values::String(texts)
}

fn flat<T: Default>(all: Vec<Option<T>>) -> Vec<T> {
    all.into_iter().map(Option::unwrap_or_default).collect()
}

fn batch(namespace: &str, rows: &[Row]) -> Batch {
    let texts = || rows.iter().map(|row| row.4.clone()).collect();
    let columns = vec![
        column("d", rows.iter().map(|row| row.1).collect(), |all| Values::Double(flat(all))),
        column("n", rows.iter().map(|row| row.2).collect(), |all| Values::Long(flat(all))),
        column("ok", rows.iter().map(|row| row.3).collect(), |all| Values::Boolean(flat(all))),
        column("s", texts(), strings),
        column("Odd-Name", texts(), strings),
    ];
    let times = rows.iter().map(|row| row.0).collect();
    Batch::new(namespace.parse().expect("a name"), times, columns).expect("sound")
}

fn make(hand: &Hand, name: &str) {
    let fields: Vec<String> =
        FIELDS.iter().map(|(name, kind)| format!("--field={name}:{kind}")).collect();
    let name = format!("--name={name}");
    let mut words =
        vec!["namespace", "create", &name, "--partitioning-field=room", "--field=room:STRING"];
    words.extend(fields.iter().map(String::as_str));
    hand.does(&words);
}

pub(super) fn post(platform: &Platform, token: &str, address: &str, kind: &str, body: &[u8]) {
    let reply = ureq::post(format!("{}/v1/imports{address}", platform.address()))
        .header("Authorization", format!("Bearer {token}"))
        .header("Content-Type", kind)
        .send(body);
    assert_eq!(reply.expect("it is taken").status(), 200);
}

/// All rows of a table, in an order that does not depend on how they came.
fn all(hand: &Hand, table: &str) -> Vec<String> {
    let answer = rows(hand, &format!(r#"SELECT time, d, n, ok, s, "Odd-Name" FROM {table}"#));
    let mut rows: Vec<String> =
        answer.as_array().expect("rows").iter().map(Value::to_string).collect();
    rows.sort();
    rows
}

#[test]
fn rows_of_any_values_come_back_from_csv_and_json_as_they_were() {
    let platform = Platform::start();
    let ada = ada(&platform);
    let token = ada.does(&["project", "token", "--read", "--write", "--admin", "--show-token"]).out;
    let token = token.trim();
    let rounds = std::env::var("IOBEAM_ROUND_TRIPS").ok().and_then(|text| text.parse().ok());
    let config =
        Config { cases: rounds.unwrap_or(ROUNDS), max_shrink_iters: 30, ..Config::default() };
    let round = std::cell::Cell::new(0);
    let result = TestRunner::new(config).run(&proptest::collection::vec(row(), 1..60), |written| {
        round.set(round.get() + 1);
        let names = ["here", "sql", "query", "json"].map(|name| format!("{name}{}", round.get()));
        for name in &names {
            make(&ada, name);
        }
        let [here, by_sql, by_query, by_json] = &names;
        post(
            &platform,
            token,
            "",
            MEDIA_TYPE,
            &encode(&batch(here, &written), None, Compression::None),
        );
        let expected = all(&ada, here);
        prop_assert_eq!(expected.len(), written.len());

        ada.does(&["sql", "-o", "f.csv", &format!("SELECT * FROM {here}")]);
        ada.does(&["import", "--csv", "f.csv", "--namespace", by_sql]);
        prop_assert_eq!(&all(&ada, by_sql), &expected);

        let words =
            ["query", "--namespace", here, "--limit", "100000", "--time-fmt", "usec", "--output"];
        let csv = ada.does(&[&words[..], &["csv"]].concat()).out;
        fs::write(ada.home().join("q.csv"), csv).expect("written");
        ada.does(&["import", "--csv", "q.csv", "--namespace", by_query, "--time-format", "usec"]);
        prop_assert_eq!(&all(&ada, by_query), &expected);

        let json = ada.asks(&[&words[..], &["json"]].concat());
        let body = json!({"namespace": by_json, "timefmt": "usec", "data": json["result"][0]});
        post(&platform, token, "?fmt=table", "application/json", body.to_string().as_bytes());
        prop_assert_eq!(&all(&ada, by_json), &expected);
        Ok(())
    });
    result.expect("the same rows");
}

#[test]
fn our_own_csv_of_a_first_import_needs_no_flags() {
    let platform = Platform::start();
    let ada = ada(&platform);
    let file = "time,device_id,s,u,f,n\n2026-01-01T00:00:00.000000Z,d,\"\",\" x \",1.0e+300,9007199254740993\n\
                2026-01-01T00:00:00.000001Z,d,s,y,-0.0,\n2026-01-01T00:00:00.000002Z,d,,z,,1\n";
    let done = ada.tells(&["import", "--csv", "-"], file);
    assert_eq!(done.status, 0, "{}", done.err);
    let sql =
        ["sql", "--format", "csv", "SELECT time, device_id, s, u, f, n FROM input ORDER BY time"];
    let out = ada.does(&sql).out;
    assert_eq!(out, file);
    ada.does(&["project", "create", "--name", "another"]);
    ada.does(&["device", "create", "--id", "d"]);
    let done = ada.tells(&["import", "--csv", "-"], &out);
    assert_eq!(done.status, 0, "{}", done.err);
    assert_eq!(ada.does(&sql).out, file);
    let csv = ada.does(&["query", "--output", "csv"]).out;
    assert!(csv.starts_with("time,input."), "{csv}");
    let done = ada.tells(&["import", "--csv", "-", "--json"], &csv);
    assert_eq!((done.status, &done.json()["stored"]), (0, &json!(3)), "{}", done.err);
    // Fields that are picked keep what tells the empty text from none.
    let picked = ada
        .does(&["query", "--output", "csv", "--field", "s", "--field", "u", "--time", "0,now()"])
        .out;
    assert!(picked.contains(",\"\",\" x \"\n") && picked.contains(",,z\n"), "{picked}");
}

#[test]
fn an_export_of_series_comes_back_as_the_same_points() {
    let platform = Platform::start();
    let ada = ada(&platform);
    let file = "time,t,ok,note\n1767225600000,1.5,true,\"a,b\"\n1767225600001,,false,\n1767225600002,-3,,x\n";
    assert_eq!(ada.tells(&import(&[]), file).status, 0);
    let token = ada.does(&["project", "token", "--read", "--write", "--admin", "--show-token"]).out;
    let exported = || {
        let address = format!("{}/v1/exports/1/d/all?output=csv&timefmt=usec", platform.address());
        let reply =
            ureq::get(address).header("Authorization", format!("Bearer {}", token.trim())).call();
        reply.expect("an export").body_mut().read_to_string().expect("text")
    };
    let before = exported();
    assert!(before.starts_with("project_id,device_id,series_name,time,value\n"), "{before}");
    fs::write(ada.home().join("e.csv"), &before).expect("written");
    ada.does(&["project", "create", "--name", "another"]);
    ada.does(&["device", "create", "--id", "d"]);
    let told = ada.asks(&["import", "--csv", "e.csv", "--time-format", "usec"]);
    assert_eq!(told["stored"], 6);
    assert_eq!(
        types(&ada),
        json!({"device_id": "STRING", "note": "STRING", "ok": "BOOLEAN", "t": "DOUBLE"})
    );
    for field in ["t", "ok", "note"] {
        let points = |project: &str| {
            let sql =
                format!("SELECT time, {field} FROM input WHERE {field} IS NOT NULL ORDER BY time");
            ada.asks(&["sql", &sql, "--project-id", project])["result"][0]["values"].clone()
        };
        assert_eq!(points("1"), points("2"), "{field}");
    }
}
