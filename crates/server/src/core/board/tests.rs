//! What a board may be, and what each wrong one is told.

use serde_json::{Value, json};

use super::question::{Choice, Look};
use super::*;

const LIMITS: Limits = Limits { bytes: 1 << 16, panels: 10 };

/// A board that is sound.
fn sound() -> Value {
    json!({
        "variables": [
            {"name": "device", "kind": "device", "multi": true, "value": ["a", "b"]},
            {"name": "every", "kind": "interval", "value": "15m"},
        ],
        "time": {"from": "now-6h", "to": "now", "timezone": "Europe/Paris"},
        "refresh": "10s",
        "panels": [
            {"id": "p1", "title": "Air", "kind": "chart", "x": 0, "y": 0, "w": 6, "h": 4,
             "query": {"namespace": "input", "fields": ["temperature"], "devices": ["$device"],
                       "where": [{"field": "temperature", "op": "gt", "value": -40}],
                       "operator": "mean", "bucket": "$every"},
             "options": {"colour": "red", "deep": {"er": [1, null]}}},
            {"id": "p2", "kind": "text", "x": 6, "y": 0, "w": 6, "h": 4, "options": {"text": "Hello"}},
            {"id": "p3", "kind": "value", "x": 0, "y": 4, "w": 12, "h": 1, "query": {"devices": ["c"]}},
            {"id": "p4", "kind": "table", "x": 0, "y": 5, "w": 12, "h": 1, "query": {"bucket": "1h"}},
        ],
    })
}

fn parse(board: &Value) -> Result<Board, ApiError> {
    let raw = RawValue::from_string(board.to_string()).expect("JSON");
    Board::parse(&raw, LIMITS)
}

/// The sound board with one member changed, which is named by a pointer.
fn with(pointer: &str, value: Value) -> Value {
    let mut board = sound();
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    match board.pointer_mut(parent).expect("it is there") {
        Value::Object(members) => drop(members.insert(name.to_owned(), value)),
        Value::Array(items) => items[name.parse::<usize>().expect("a number")] = value,
        other => panic!("{other} has no members"),
    }
    board
}

#[test]
fn a_sound_board_is_stored_as_it_was_sent() {
    let board = parse(&sound()).expect("sound");
    assert_eq!(board.panels.len(), 4);
    let stored = board.text().expect("JSON");
    assert_eq!(Board::stored(&stored).expect("sound"), board);
    let stored: Value = serde_json::from_str(&stored).expect("JSON");
    assert_eq!(stored["panels"][0], sound()["panels"][0]);
    let empty = parse(&json!({})).expect("an empty board is one");
    assert_eq!((empty.refresh.as_str(), empty.time.from.as_str()), ("off", "now-1h"));
}

#[test]
fn each_refusal_names_its_place() {
    let cases = [
        ("/panels/0/kind", json!("pie")),
        ("/panels/1/w", json!(7)),
        ("/panels/1/x", json!(-1)),
        ("/panels/0/h", json!(0)),
        ("/panels/2/id", json!("p1")),
        ("/panels/0/id", json!("")),
        ("/panels/0/title", json!("a\u{7}")),
        ("/panels/0/query", json!(null)),
        ("/panels/1/query", json!({})),
        ("/panels/0/query/fields", json!(["a b"])),
        ("/panels/0/query/namespace", json!("a/b")),
        ("/panels/0/query/devices", json!(["$nobody"])),
        ("/panels/0/query/devices", json!(["$every"])),
        ("/panels/0/query/devices", json!(["a", "$device"])),
        ("/panels/0/query/bucket", json!("$device")),
        ("/panels/0/query/bucket", json!("often")),
        ("/panels/0/query/where/0/op", json!("like")),
        ("/panels/0/query/where/0/value", json!([1])),
        ("/panels/0/query/sql", json!("DROP TABLE")),
        ("/panels/0/onclick", json!("x")),
        ("/variables/0/name", json!("1st")),
        ("/variables/1/name", json!("device")),
        ("/variables/0/multi", json!(false)),
        ("/variables/0/value", json!(7)),
        ("/variables/1/value", json!("often")),
        ("/time/from", json!("yesterday")),
        ("/time/timezone", json!("<img>")),
        ("/refresh", json!("500ms")),
    ];
    let told = cases.map(|(pointer, value)| {
        let refused = parse(&with(pointer, value.clone())).expect_err(pointer);
        assert_eq!(refused.message, "The dashboard is not valid");
        refused.details
    });
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_board_has_limits() {
    let mut board = sound();
    let panel = board["panels"][1].clone();
    let many = (0..11).map(|n| {
        let mut panel = panel.clone();
        panel["id"] = format!("q{n}").into();
        panel
    });
    board["panels"] = many.collect();
    let refused = parse(&board).expect_err("eleven panels");
    insta::assert_snapshot!(refused.details, @"board.panels: there are 11, and at most 10 are allowed (setting dashboard-panels)");
    let refused = parse(&with("/panels/1/options/text", "x".repeat(1 << 16).into()));
    let refused = refused.expect_err("too large").details;
    assert!(
        refused.starts_with("board: it has ") && refused.contains("dashboard-size"),
        "{refused}"
    );
}

fn choose(devices: &[&str], bucket: Option<&str>) -> Choice {
    let devices = devices.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    Choice {
        devices: (!devices.is_empty()).then_some(devices),
        bucket: bucket.map(ToOwned::to_owned),
    }
}

#[test]
fn a_visitor_chooses_within_what_the_board_shows() {
    let board = parse(&sound()).expect("sound");
    let ask = |panel: &str, choice: Choice| board.question(panel, choice);
    let shown = ask("p1", Choice::default()).expect("the stored query");
    assert_eq!(shown.devices, Some(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(shown.bucket.as_deref(), Some("15m"));
    assert_eq!(shown.timezone.as_deref(), Some("Europe/Paris"));
    let fewer = ask("p1", choose(&["b"], Some("1h"))).expect("one of them");
    assert_eq!(fewer.devices, Some(vec!["b".to_owned()]));
    assert_eq!(fewer.bucket.as_deref(), Some("1h"));
    assert_eq!(fewer.fields, ["temperature"], "what was not chosen is the panel's");
    // A panel for all devices shows any of them.
    assert!(ask("p4", choose(&["anyone"], None)).is_ok());
}

#[test]
fn a_visitor_gets_nothing_that_the_board_does_not_show() {
    let board = parse(&sound()).expect("sound");
    let refuse = |panel: &str, choice: Choice| {
        let refused = board.question(panel, choice).expect_err("refused");
        (refused.category.number(), refused.details)
    };
    assert_eq!(refuse("p1", choose(&["a", "c"], None)).0, 403);
    assert_eq!(refuse("p3", choose(&["a"], None)).0, 403);
    assert_eq!(refuse("p4", choose(&[], Some("raw"))).0, 400);
    assert_eq!(refuse("p1", choose(&[], Some("often"))).0, 400);
    assert_eq!(refuse("p2", Choice::default()).0, 404, "a text asks for nothing");
    assert_eq!(refuse("p9", Choice::default()).0, 404);
    let nobody = Choice { devices: Some(Vec::new()), bucket: None };
    assert_eq!(refuse("p1", nobody).0, 400);
}

#[test]
fn a_question_becomes_what_the_engine_is_asked() {
    let board = parse(&sound()).expect("sound");
    let look =
        Look { from: Some(1), to: Some(2), width: Some(300), timezone: Some("UTC".to_owned()) };
    let asked = board.question("p1", choose(&["b"], None)).and_then(|asked| asked.at(look.clone()));
    let asked = serde_json::to_value(asked.expect("sound")).expect("JSON");
    let expected = json!({
        "namespace": "input", "fields": ["temperature"], "devices": ["b"],
        "where": [{"field": "temperature", "op": "gt", "value": -40}],
        "from": 1, "to": 2, "operator": "mean", "bucket": "15m", "width": 300,
        "timezone": "Europe/Paris",
    });
    assert_eq!(asked, expected);
    let mut board = board;
    board.time.timezone = None;
    let asked = board.question("p3", Choice::default()).and_then(|asked| asked.at(look));
    assert_eq!(asked.expect("sound").timezone.as_deref(), Some("UTC"), "nobody else says one");
}
