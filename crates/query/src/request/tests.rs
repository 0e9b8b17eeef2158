use iobeam_model::{TimeFormat, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::error::QueryError;

const NOW: Timestamp = Timestamp::from_micros(10_000_000_000_000);

fn owned(params: &[(&str, &str)]) -> Vec<(String, String)> {
    params.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn data(params: &[(&str, &str)]) -> Result<DataRequest, QueryError> {
    DataRequest::parse(Some("temp"), &owned(params), NOW)
}

fn refusal(params: &[(&str, &str)]) -> String {
    data(params).expect_err("a refusal").to_string()
}

fn micros(range: TimeRange) -> (Option<i64>, Option<i64>) {
    (range.from.map(Timestamp::micros), range.to.map(Timestamp::micros))
}

#[test]
fn no_field_the_empty_field_and_all_mean_every_field() {
    for field in [None, Some(""), Some("all"), Some("ALL")] {
        let request = DataRequest::parse(field, &[], NOW).expect("every field");
        assert_eq!(request, DataRequest::default());
    }
    assert!(DataRequest::parse(Some("a b"), &[], NOW).is_err());
}

#[test]
fn a_parameter_without_a_value_counts_as_absent() {
    let request =
        data(&[("limit", ""), ("where", " "), ("operator", ""), ("timefmt", "")]).expect("sound");
    assert_eq!((request.limit, request.conditions.len(), request.operator), (None, 0, None));
}

#[test]
fn each_side_of_a_time_may_be_milliseconds_or_now_with_offsets() {
    let time = |text: &str| micros(data(&[("time", text)]).expect("a time").range);
    let now = Some(NOW.micros());
    assert_eq!(time("1,2"), (Some(1_000), Some(2_999)));
    assert_eq!(time("-5"), (Some(-5_000), None));
    assert_eq!(time(" , 7 "), (None, Some(7_999)));
    assert_eq!(time("now()-2h,now()"), (Some(NOW.micros() - 7_200_000_000), now));
    assert_eq!(time("now() - 1d - 90s"), (Some(NOW.micros() - 86_490_000_000), None));
    assert_eq!(time("now()-1w,NOW()+1ms").1, Some(NOW.micros() + 1_000));
    assert_eq!(time("-9223372036854775808,9223372036854775807"), (Some(i64::MIN), Some(i64::MAX)));
}

#[test]
fn a_time_that_cannot_be_read_is_refused_with_the_way_out() {
    insta::assert_snapshot!(refusal(&[("time", "yesterday")]), @r#"parameter 'time': "yesterday" is no time; write whole milliseconds since 1970, or now() with an offset such as now()-2h ('+' is %2B in a URL)"#);
    insta::assert_snapshot!(refusal(&[("time", "now() 2h")]), @r#"parameter 'time': "now() 2h" is no time; write whole milliseconds since 1970, or now() with an offset such as now()-2h ('+' is %2B in a URL)"#);
    insta::assert_snapshot!(refusal(&[("time", "5,4")]), @r#"parameter 'time': "5,4" ends before it begins; write the earlier time first"#);
}

#[test]
fn a_condition_takes_everything_up_to_the_last_parenthesis_as_its_value() {
    let parse = |text: &str| data(&[("where", text)]).expect("a condition").conditions.remove(0);
    let plain = parse("eq(device_id,my-dev:1)");
    assert_eq!(
        (plain.field.as_str(), plain.comparison, plain.value.as_str()),
        ("device_id", Comparison::Eq, "my-dev:1")
    );
    assert_eq!(parse(" GE ( a , 1,(2) ) ").value, "1,(2)");
    assert_eq!(parse("eq(note,)").value, "");
}

#[test]
fn several_conditions_are_all_kept() {
    let request =
        data(&[("where", "gt(a,1)"), ("limit", "3"), ("where", "lt(a,2)")]).expect("sound");
    assert_eq!(request.conditions.len(), 2);
    let many: Vec<(&str, &str)> = vec![("where", "gt(a,1)"); 101];
    insta::assert_snapshot!(refusal(&many), @"parameter 'where': at most 100 conditions are allowed, and all of them must hold: of several on one field keep the tightest");
}

#[test]
fn a_condition_that_cannot_be_read_is_refused_with_its_form() {
    insta::assert_snapshot!(refusal(&[("where", "temp > 5")]), @r#"parameter 'where': "temp > 5" has no parenthesis; write f(field,value), f one of eq, lt, gt, le, ge"#);
    insta::assert_snapshot!(refusal(&[("where", "ne(temp,5)")]), @r#"parameter 'where': "ne(temp,5)" does not begin with a comparison; write f(field,value), f one of eq, lt, gt, le, ge"#);
    insta::assert_snapshot!(refusal(&[("where", "eq(temp 5)")]), @r#"parameter 'where': "eq(temp 5)" has no comma; write f(field,value), f one of eq, lt, gt, le, ge"#);
    insta::assert_snapshot!(refusal(&[("where", "eq(te mp,5)")]), @r#"parameter 'where': "te mp" is no field name: ' ' at position 3 is not allowed; use A-Z, a-z, 0-9, '_' or '-'"#);
    insta::assert_snapshot!(refusal(&[("where", "gt(time,5)")]), @"parameter 'where': the time of a row is no field; use the parameter 'time=from,to'");
}

#[test]
fn groups_are_a_bucket_of_time_or_fields_or_both() {
    let parse =
        |text: &str| data(&[("group_by", text), ("operator", "mean")]).expect("groups").group_by;
    let fields =
        |grouping: &Grouping| grouping.fields.iter().map(ToString::to_string).collect::<Vec<_>>();
    let both = parse("time(5m),device_id");
    assert_eq!(
        (both.bucket, fields(&both)),
        (Some(Bucket::Micros(300_000_000)), vec!["device_id".to_owned()])
    );
    assert_eq!(parse("time( 250 ms )").bucket, Some(Bucket::Micros(250_000)));
    assert_eq!(parse("7d").bucket, Some(Bucket::Micros(604_800_000_000)));
    assert_eq!(parse("1y,ok").bucket, Some(Bucket::Months(12)));
    assert_eq!(fields(&parse("device_id , ok")), ["device_id", "ok"]);
    assert_eq!(parse("timer").bucket, None);
}

#[test]
fn groups_that_cannot_be_read_are_refused() {
    insta::assert_snapshot!(refusal(&[("group_by", "time(0s)"), ("operator", "mean")]), @r#"parameter 'group_by': "time(0s)" is no width of a bucket; write a whole number from 1 on and ms, s, m, h, d, w, mo or y, as in time(5m)"#);
    insta::assert_snapshot!(refusal(&[("group_by", "time(5 parsecs)"), ("operator", "mean")]), @r#"parameter 'group_by': "time(5 parsecs)" is no width of a bucket; write a whole number from 1 on and ms, s, m, h, d, w, mo or y, as in time(5m)"#);
    insta::assert_snapshot!(refusal(&[("group_by", "time(5m)")]), @"parameter 'group_by': time(...) needs 'operator': add operator=mean, sum, count, min or max");
    insta::assert_snapshot!(refusal(&[("group_by", "time(5m),time(1h)"), ("operator", "mean")]), @"parameter 'group_by': it holds more than one time(...); leave one");
    insta::assert_snapshot!(refusal(&[("group_by", "time(9223372036854775807w)"), ("operator", "mean")]), @r#"parameter 'group_by': "time(9223372036854775807w)" is no width of a bucket; write a whole number from 1 on and ms, s, m, h, d, w, mo or y, as in time(5m)"#);
}

#[test]
fn what_does_not_go_together_is_refused() {
    insta::assert_snapshot!(refusal(&[("limit_periods", "3")]), @"parameter 'limit_periods': it counts buckets of time: add group_by=time(5m), or leave it out");
    insta::assert_snapshot!(refusal(&[("limit_by", "a,1"), ("operator", "max")]), @"parameter 'limit_by': with 'operator', 'a' must be grouped by too: add it to 'group_by'");
}

#[test]
fn counts_and_words_are_refused_by_name() {
    insta::assert_snapshot!(refusal(&[("limit", "0")]), @r#"parameter 'limit': "0" is no count; write a whole number from 1 on"#);
    insta::assert_snapshot!(refusal(&[("limit", "ten")]), @r#"parameter 'limit': "ten" is no count; write a whole number from 1 on"#);
    insta::assert_snapshot!(refusal(&[("limit_by", "device_id")]), @r#"parameter 'limit_by': "device_id" has no count; write field,n, as in device_id,1"#);
    insta::assert_snapshot!(refusal(&[("operator", "median")]), @r#"parameter 'operator': "median" is no operator; use sum, count, min, max or mean"#);
    insta::assert_snapshot!(refusal(&[("timefmt", "minutes")]), @r#"parameter 'timefmt': "minutes" is no unit of time; use sec, msec, usec, timeval or iso"#);
    insta::assert_snapshot!(refusal(&[("output", "xml")]), @r#"parameter 'output': "xml" is no form of reply; use json, csv, arrow or parquet"#);
}

#[test]
fn exports_have_a_limit_of_their_own_and_plain_durations() {
    let parse =
        |params: &[(&str, &str)]| ExportRequest::parse(Some("all"), Some("temp"), &owned(params));
    let request = parse(&[
        ("from", "1"),
        ("to", "2"),
        ("timefmt", "SEC"),
        ("less_than", "-3"),
        ("operator", "SUM"),
        ("group_by", "15m"),
    ])
    .expect("sound");
    assert_eq!((request.limit, request.device, request.time_format), (1000, None, TimeFormat::Sec));
    assert_eq!(micros(request.range), (Some(1_000), Some(2_999)));
    assert_eq!(request.values.less_than, Some(Number::Whole(-3)));
    assert_eq!(request.bucket, Some(Bucket::Micros(900_000_000)));
    insta::assert_snapshot!(parse(&[("from", "x")]).expect_err("no time"), @r#"parameter 'from': "x" is no time; write whole milliseconds since 1970"#);
    insta::assert_snapshot!(parse(&[("from", "2"), ("to", "1")]).expect_err("swapped"), @"parameter 'from': it lies after 'to'; swap the two");
    insta::assert_snapshot!(parse(&[("equals", "inf")]).expect_err("no number"), @r#"parameter 'equals': "inf" is no number"#);
    insta::assert_snapshot!(parse(&[("group_by", "1h")]).expect_err("no operator"), @"parameter 'group_by': it needs 'operator': add operator=mean, sum, count, min or max");
}

#[test]
fn a_parameter_that_is_not_known_is_refused_by_name() {
    insta::assert_snapshot!(refusal(&[("offset", "10")]), @"parameter 'offset' is not known here; this endpoint takes limit, time, where, operator, group_by, limit_by, limit_periods, timefmt, output");
    let parse = |params: &[(&str, &str)]| ExportRequest::parse(None, None, &owned(params));
    insta::assert_snapshot!(parse(&[("time", "1,2")]).expect_err("unknown"), @"parameter 'time' is not known here; this endpoint takes limit, from, to, timefmt, less_than, greater_than, equals, operator, group_by, output");
}

#[test]
fn conditions_in_one_parameter_must_all_hold() {
    let parse = |text: &str| {
        let parsed = data(&[("where", text)]).expect("conditions").conditions;
        let written = |it: &Condition| format!("{} {:?} {}", it.field, it.comparison, it.value);
        parsed.iter().map(written).collect::<Vec<_>>()
    };
    assert_eq!(
        parse("eq(device_id,A), GE ( temperature , 20 ),lt(b,(1),x(2))"),
        ["device_id Eq A", "temperature Ge 20", "b Lt (1),x(2)"]
    );
    assert_eq!(parse("eq(note,a),b)"), ["note Eq a),b"]);
    insta::assert_snapshot!(refusal(&[("where", "eq(a,1),ge(b)")]), @r#"parameter 'where': "ge(b)" has no comma; write f(field,value), f one of eq, lt, gt, le, ge"#);
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,12}",
        "[a-z()0-9,. +-]{0,40}",
        prop::sample::select(vec![
            "eq(",
            "time(",
            "now()",
            "-2h",
            "5m",
            ",",
            ")",
            "9999999999999999999",
            "é",
            "\u{0}",
            "all",
            "1e400",
        ])
        .prop_map(str::to_owned),
    ]
}

fn anything() -> impl Strategy<Value = Vec<(String, String)>> {
    let keys = vec![
        "limit",
        "time",
        "where",
        "operator",
        "group_by",
        "limit_by",
        "limit_periods",
        "timefmt",
        "output",
        "from",
        "to",
        "less_than",
        "greater_than",
        "equals",
    ];
    let value = prop::collection::vec(word(), 0..4).prop_map(|words| words.concat());
    prop::collection::vec((prop::sample::select(keys).prop_map(str::to_owned), value), 0..8)
}

proptest! {
    #[test]
    fn no_text_makes_the_grammars_panic(params in anything(), path in prop::option::of(word()), now in any::<i64>()) {
        let now = Timestamp::from_micros(now);
        for outcome in [
            DataRequest::parse(path.as_deref(), &params, now).map(|_| ()),
            ExportRequest::parse(path.as_deref(), path.as_deref(), &params).map(|_| ()),
        ] {
            if let Err(error) = outcome {
                let is_told = matches!(error, QueryError::Parameter { .. } | QueryError::UnknownParameter { .. });
                prop_assert!(is_told, "{}", error);
                prop_assert!(error.to_string().len() < 600, "{}", error);
            }
        }
    }
}

#[test]
fn long_texts_take_time_in_proportion() {
    for unit in ["now()", "-2h", "(", ",", "),", "),eq", "eq(a,", "time(", " ", "a,", "é"] {
        let text = unit.repeat(1_000_000 / unit.len());
        let params = ["time", "where", "group_by", "limit_by", "limit"]
            .map(|key| (key.to_owned(), text.clone()));
        for param in params {
            // A quadratic reader would need hours for this.
            let _ = DataRequest::parse(Some(&text[..0]), &[param], NOW);
        }
    }
}
