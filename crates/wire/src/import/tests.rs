use iobeam_model::{Batch, FieldType, NamespaceName, Values};

use super::*;

fn read(body: &str, table: bool) -> Result<Import, ImportError> {
    parse(body.as_bytes(), table, &ImportLimits::default())
}

/// The only table of a body, with all fields of unknown type.
fn batch(body: &str, table: bool) -> Batch {
    typed(body, table, &|_| None).expect("a sound body")
}

fn typed(
    body: &str,
    table: bool,
    types: &dyn Fn(&FieldName) -> Option<FieldType>,
) -> Result<Batch, ImportError> {
    let mut import = read(body, table)?;
    assert_eq!(import.tables.len(), 1, "one table");
    import.tables.remove(0).into_batch(NamespaceName::input(), types, vec![])
}

/// A table of the one column `v`, given as JSON.
fn column(values: &str) -> String {
    let rows: Vec<String> =
        values.split(';').enumerate().map(|(at, value)| format!("[{at},{value}]")).collect();
    format!(r#"{{"sources":{{"fields":["time","v"],"data":[{}]}}}}"#, rows.join(","))
}

fn as_type(values: &str, kind: FieldType) -> Result<Batch, ImportError> {
    typed(&column(values), true, &|_| Some(kind))
}

fn refusal(body: &str, table: bool) -> String {
    typed(body, table, &|_| None).expect_err(body).to_string()
}

fn doubles(batch: &Batch, field: &str) -> Vec<Option<f64>> {
    let column = batch.column(field).expect("there is such a column");
    (0..batch.rows())
        .map(|row| match column.value(row) {
            Some(Value::Double(number)) => Some(number),
            None => None,
            other => panic!("{other:?} is no double"),
        })
        .collect()
}

#[test]
fn a_series_body_is_read() {
    let import = read(
        r#"{"project_id":1,"device_id":"d","timefmt":"usec","sources":[
            {"name":"temp","data":[{"time":1427316488000000,"value":22.23},{"value":null,"time":1427316489000000}]},
            {"data":[{"time":5,"value":"x"}],"name":"note"},{"name":"none","data":[]}]}"#,
        false,
    )
    .expect("a sound body");
    assert_eq!((import.project_id, import.device_id.as_deref()), (Some(1), Some("d")));
    assert_eq!((import.shape, import.tables.len(), import.rows()), (Shape::Series, 3, 3));
    let mut batches = import
        .tables
        .into_iter()
        .map(|table| table.into_batch(NamespaceName::input(), &|_| None, vec![]).expect("sound"));
    let temp = batches.next().expect("three series");
    assert_eq!(temp.times(), [1_427_316_488_000_000, 1_427_316_489_000_000]);
    assert_eq!(doubles(&temp, "temp"), [Some(22.23), None]);
    let note = batches.next().expect("three series");
    assert_eq!(note.column("note").and_then(|note| note.value(0)), Some(Value::String("x".into())));
    assert!(batches.next().expect("three series").is_empty());
}

#[test]
fn a_table_body_is_read() {
    let batch = batch(
        r#"{"project_id":1,"device_id":"d","timefmt":"usec","sources":{"fields":["time","temperature","note","ok"],
            "data":[[1427316488000000,22.23,"x\u003c\/ö",true],[1427316489000000,null,null,null]]}}"#,
        true,
    );
    assert_eq!(batch.times(), [1_427_316_488_000_000, 1_427_316_489_000_000]);
    assert_eq!(doubles(&batch, "temperature"), [Some(22.23), None]);
    let value = |name: &str, row| batch.column(name).expect("there is").value(row);
    assert_eq!(value("note", 0), Some(Value::String("x</ö".into())));
    assert_eq!(value("ok", 0), Some(Value::Boolean(true)));
    assert_eq!((value("note", 1), value("ok", 1)), (None, None));
}

#[test]
fn a_namespace_table_is_read_with_its_labels_and_the_time_anywhere() {
    let mut import = read(
        r#"{"project_id":102,"namespace":"input","data":{"fields":["b","time","a"],"values":[[1,1427316488000,21.25]]},
            "labels":{"device_id":"go-dev","n":3,"f":2.5,"b2":false,"none":null}}"#,
        true,
    )
    .expect("a sound body");
    assert_eq!((import.shape, import.namespace.as_deref()), (Shape::NamespaceTable, Some("input")));
    let label = |name: &str, value| (name.parse().expect("a name"), value);
    assert_eq!(
        import.labels,
        [
            label("device_id", Value::String("go-dev".into())),
            label("n", Value::Long(3)),
            label("f", Value::Double(2.5)),
            label("b2", Value::Boolean(false)),
        ]
    );
    let extra: Vec<_> = import
        .labels
        .iter()
        .map(|(name, value)| constant_column(name.clone(), value, None, 1).expect("it fits"))
        .collect();
    let batch = import.tables.remove(0).into_batch(NamespaceName::input(), &|_| None, extra);
    let batch = batch.expect("sound");
    assert_eq!(batch.times(), [1_427_316_488_000_000]);
    let names: Vec<_> = batch.columns().iter().map(|column| column.name().as_str()).collect();
    assert_eq!(names, ["device_id", "n", "f", "b2", "b", "a"]);
    assert_eq!(doubles(&batch, "n"), [Some(3.0)]);
}

#[test]
fn members_come_in_any_order() {
    for body in [
        r#"{"sources":{"fields":["time","v"],"data":[[1,2.5]]},"timefmt":"sec","device_id":"d"}"#,
        r#"{"sources":{"data":[[1,2.5]],"fields":["time","v"]},"device_id":"d","timefmt":"SEC"}"#,
        r#"{"timefmt":"Sec","sources":{"data":[[2.5,1]],"fields":["v","time"]}}"#,
    ] {
        let batch = batch(body, true);
        assert_eq!(batch.times(), [1_000_000], "{body}");
        assert_eq!(doubles(&batch, "v"), [Some(2.5)], "{body}");
    }
    let series = r#"{"sources":[{"data":[{"value":2.5,"time":1}],"name":"v"}],"timefmt":"sec"}"#;
    assert_eq!(batch(series, false).times(), [1_000_000]);
}

#[test]
fn times_come_in_each_unit() {
    for (format, time) in [
        (r#""timefmt":"sec","#, "1427316488"),
        (r#""timefmt":"msec","#, "1427316488000"),
        ("", "1427316488000"),
        (r#""timefmt":null,"#, "1427316488000"),
        (r#""timefmt":"usec","#, "1427316488000000"),
        (r#""timefmt":"usec","#, "1427316488000000.0"),
        (r#""timefmt":"TIMEVAL","#, r#"{"sec":1427316488,"usec":0}"#),
        (r#""timefmt":"timeval","#, r#"{"usec":1000000,"sec":1427316487}"#),
    ] {
        let table =
            format!(r#"{{{format}"sources":{{"fields":["time","v"],"data":[[{time},1]]}}}}"#);
        assert_eq!(batch(&table, true).times(), [1_427_316_488_000_000], "{table}");
        let series = format!(
            r#"{{{format}"sources":[{{"name":"v","data":[{{"time":{time},"value":1}}]}}]}}"#
        );
        assert_eq!(batch(&series, false).times(), [1_427_316_488_000_000], "{series}");
    }
}

#[test]
fn a_time_that_is_none_is_refused_with_its_place() {
    let with = |format: &str, time: &str| {
        let body = format!(
            r#"{{"sources":{{"fields":["v","time"],"data":[[1,1],[1,{time}]]}},"timefmt":"{format}"}}"#
        );
        refusal(&body, true)
    };
    insta::assert_snapshot!(with("msec", "null"), @"sources.data[1][1]: null is no time; each row needs one");
    insta::assert_snapshot!(with("msec", "\"now\""), @r#"sources.data[1][1]: "now" is no time; send a whole number of sec, msec (default) or usec, as 'timefmt' says"#);
    insta::assert_snapshot!(with("msec", "1.5"), @"sources.data[1][1]: 1.5 is no time; send a whole number of sec, msec (default) or usec, as 'timefmt' says");
    insta::assert_snapshot!(with("msec", "true"), @"sources.data[1][1]: true is no time; send a whole number of sec, msec (default) or usec, as 'timefmt' says");
    insta::assert_snapshot!(with("sec", "9223372036854775807"), @"sources.data[1][1]: 9223372036854775807 lies beyond the years that can be stored");
    insta::assert_snapshot!(with("sec", "-9223372036854775808"), @"sources.data[1][1]: -9223372036854775808 lies beyond the years that can be stored");
    insta::assert_snapshot!(with("usec", "18446744073709551615"), @"sources.data[1][1]: 18446744073709551615 lies beyond the years that can be stored");
    insta::assert_snapshot!(with("usec", "1e300"), @"sources.data[1][1]: 1e300 lies beyond the years that can be stored");
    insta::assert_snapshot!(with("minutes", "1"), @"timefmt: unknown time format 'minutes'; use sec, msec, usec, timeval or iso (line 1, column 76)");
    insta::assert_snapshot!(refusal(r#"{"sources":{"fields":["time"],"data":[[{"sec":1,"usec":2}]]}}"#, true), @r#"sources.data[0][0]: an object of sec and usec needs "timefmt":"timeval" in the body"#);
    insta::assert_snapshot!(refusal(r#"{"timefmt":"timeval","sources":{"fields":["time"],"data":[[5]]}}"#, true), @r#"sources.data[0][0]: 5 is no timeval; send {"sec":1,"usec":2} or another timefmt"#);
    insta::assert_snapshot!(refusal(r#"{"timefmt":"timeval","sources":{"fields":["time"],"data":[[{"sec":1}]]}}"#, true), @"sources.data[0][0]: a time as an object needs both 'sec' and 'usec' (line 1, column 68)");
    insta::assert_snapshot!(refusal(r#"{"timefmt":"timeval","sources":{"fields":["time"],"data":[[{"sec":9223372036854775,"usec":5}]]}}"#, true), @"sources.data[0][0]: the time lies beyond the years that can be stored (line 1, column 92)");
    insta::assert_snapshot!(refusal(r#"{"sources":[{"name":"v","data":[{"time":1,"value":1},{"value":1}]}]}"#, false), @"sources[0].data[1].time is missing; each point needs a time");
}

#[test]
fn the_first_and_the_last_microsecond_are_times() {
    for time in [i64::MIN, i64::MAX, -1, (1 << 53) + 1] {
        let body =
            format!(r#"{{"timefmt":"usec","sources":{{"fields":["time"],"data":[[{time}]]}}}}"#);
        assert_eq!(batch(&body, true).times(), [time]);
    }
    // What a small device makes of 999.6 ms: a time with 14 digits.
    let body = r#"{"sources":[{"name":"v","data":[{"time":14273164881000,"value":1}]}]}"#;
    assert_eq!(batch(body, false).times(), [14_273_164_881_000_000]);
}

#[test]
fn an_empty_list_of_rows_is_no_error() {
    for body in [
        r#"{"device_id":"d","sources":{"fields":["time","v"],"data":[]}}"#,
        r#"{"device_id":"d","sources":{"data":[],"fields":["time","v"]}}"#,
        r#"{"data":{"fields":["time","v"],"values":[]}}"#,
    ] {
        assert!(batch(body, true).is_empty(), "{body}");
    }
    assert_eq!(read(r#"{"sources":[]}"#, false).expect("no series").rows(), 0);
    assert_eq!(read(r#"{"sources":[{"name":"v","data":[]}]}"#, false).expect("empty").rows(), 0);
}

#[test]
fn what_clients_merely_echo_is_ignored() {
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let body = format!(
        r#"{{"echo":{{"a":[1,{{}}]}},"deep":{deep},"sources":{{"x":1,"fields":["time","v"],"data":[[1,2]],"y":"z"}},"echo":5}}"#
    );
    assert_eq!(doubles(&batch(&body, true), "v"), [Some(2.0)]);
    let series = r#"{"sources":[{"unit":"C","name":"v","data":[{"time":1,"value":2,"id":[3]}]}]}"#;
    assert_eq!(doubles(&batch(series, false), "v"), [Some(2.0)]);
}

#[test]
fn a_whole_number_and_a_fraction_are_both_numbers() {
    for values in ["21;22.5", "22.5;21", "null;21;null;22.5", "21.0;22.5e0"] {
        let batch = batch(&column(values), true);
        assert_eq!(batch.columns()[0].values().field_type(), FieldType::Double, "{values}");
    }
    let long = batch(&column("21;-5"), true);
    assert_eq!(long.columns()[0].values().field_type(), FieldType::Double);
}

#[test]
fn what_stands_in_a_column_is_told() {
    for (values, expected) in [
        ("null;null", Observed::Nothing),
        ("1;null;2.0", Observed::Integers),
        ("1;9007199254740993", Observed::Integers),
        ("1;2.5", Observed::Numbers),
        ("null;true", Observed::Booleans),
        ("\"a\";null", Observed::Strings),
        ("1;\"a\"", Observed::Mixed),
    ] {
        let import = read(&column(values), true).expect("sound in itself");
        assert_eq!(import.tables[0].columns()[0].observed(), expected, "{values}");
    }
}

#[test]
fn a_column_without_values_is_left_out() {
    let batch = batch(&column("null;null"), true);
    assert_eq!((batch.rows(), batch.columns().len()), (2, 0));
    let declared = as_type("null;null", FieldType::String).expect("nulls fit everything");
    assert_eq!((declared.rows(), declared.columns().len()), (2, 0));
}

#[test]
fn a_declared_long_is_exact_to_the_last_bit() {
    let integers = [i64::MIN, i64::MAX, (1 << 53) + 1, -(1 << 53) - 1, 0, 1 << 53];
    let text: Vec<_> = integers.iter().map(i64::to_string).collect();
    let batch = as_type(&text.join(";"), FieldType::Long).expect("all are 64-bit integers");
    assert_eq!(batch.columns()[0].values(), &Values::Long(integers.to_vec()));
    let whole = as_type("50.0;null;-0.0", FieldType::Long).expect("whole numbers");
    assert_eq!(whole.columns()[0].values(), &Values::Long(vec![50, 0, 0]));
}

#[test]
fn a_value_that_does_not_fit_its_field_is_named() {
    let no = |values: &str, kind| as_type(values, kind).expect_err(values).to_string();
    insta::assert_snapshot!(no("1;22.5", FieldType::Long), @"sources.data[1][1]: row 1, field 'v': 22.5 is not a LONG; send a whole number from -2^63 to 2^63-1, or null, or retype the field (PATCH /v1/namespaces/<id>/fields/v)");
    insta::assert_snapshot!(no("1;9223372036854775808", FieldType::Long), @"sources.data[1][1]: row 1, field 'v': 9223372036854775808 is not a LONG; send a whole number from -2^63 to 2^63-1, or null, or retype the field (PATCH /v1/namespaces/<id>/fields/v)");
    insta::assert_snapshot!(no("1;1e300", FieldType::Long), @"sources.data[1][1]: row 1, field 'v': 1e300 is not a LONG; send a whole number from -2^63 to 2^63-1, or null, or retype the field (PATCH /v1/namespaces/<id>/fields/v)");
    insta::assert_snapshot!(no("1;null;9007199254740993", FieldType::Double), @"sources.data[2][1]: row 2, field 'v': the integer 9007199254740993 is beyond 2^53 and would lose digits in a DOUBLE field; declare the field LONG before its first value is sent, or retype it to LONG");
    insta::assert_snapshot!(no("1;-9007199254740993", FieldType::Double), @"sources.data[1][1]: row 1, field 'v': the integer -9007199254740993 is beyond 2^53 and would lose digits in a DOUBLE field; declare the field LONG before its first value is sent, or retype it to LONG");
    insta::assert_snapshot!(no("null;\"warm\"", FieldType::Double), @r#"sources.data[1][1]: row 1, field 'v': "warm" is not a DOUBLE; send a number or null, or retype the field (PATCH /v1/namespaces/<id>/fields/v)"#);
    insta::assert_snapshot!(no("1", FieldType::Boolean), @"sources.data[0][1]: row 0, field 'v': 1 is not a BOOLEAN; send true, false or null, or retype the field (PATCH /v1/namespaces/<id>/fields/v)");
    insta::assert_snapshot!(no("true", FieldType::String), @"sources.data[0][1]: row 0, field 'v': true is not a STRING; send a text in quotes or null, or retype the field (PATCH /v1/namespaces/<id>/fields/v)");
    insta::assert_snapshot!(no("\"x\";5", FieldType::Double), @r#"sources.data[0][1]: row 0, field 'v': "x" is not a DOUBLE; send a number or null, or retype the field (PATCH /v1/namespaces/<id>/fields/v)"#);
    insta::assert_snapshot!(no(r#"{"sec":1,"usec":2}"#, FieldType::Double), @"sources.data[0][1]: row 0, field 'v': an object of sec and usec is not a DOUBLE; send a number or null, or retype the field (PATCH /v1/namespaces/<id>/fields/v)");
    insta::assert_snapshot!(no(&format!("{:?}", "long".repeat(100)), FieldType::Double), @r#"sources.data[0][1]: row 0, field 'v': "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong…" is not a DOUBLE; send a number or null, or retype the field (PATCH /v1/namespaces/<id>/fields/v)"#);
    let series = r#"{"sources":[{"name":"a","data":[]},{"name":"v","data":[{"time":1,"value":1},{"time":2,"value":"x"}]}]}"#;
    let mut import = read(series, false).expect("sound in itself");
    let refusal = import.tables.remove(1).into_batch(NamespaceName::input(), &|_| None, vec![]);
    insta::assert_snapshot!(refusal.expect_err("two kinds"), @r#"sources[1].data[1].value: row 1, field 'v': "x" is not a DOUBLE; send a number or null, or retype the field (PATCH /v1/namespaces/<id>/fields/v)"#);
}

#[test]
fn values_of_several_kinds_in_one_column_are_refused_where_the_first_one_differs() {
    insta::assert_snapshot!(refusal(&column("null;1;\"x\";2;true"), true), @r#"sources.data[2][1]: row 2, field 'v': "x" is not a DOUBLE; send a number or null, or retype the field (PATCH /v1/namespaces/<id>/fields/v)"#);
    insta::assert_snapshot!(refusal(&column("true;1"), true), @"sources.data[1][1]: row 1, field 'v': 1 is not a BOOLEAN; send true, false or null, or retype the field (PATCH /v1/namespaces/<id>/fields/v)");
    insta::assert_snapshot!(refusal(&column("\"x\";9007199254740993"), true), @"sources.data[1][1]: row 1, field 'v': 9007199254740993 is not a STRING; send a text in quotes or null, or retype the field (PATCH /v1/namespaces/<id>/fields/v)");
    insta::assert_snapshot!(refusal(&column("1;\"x\";9007199254740993"), true), @r#"sources.data[1][1]: row 1, field 'v': "x" is not a DOUBLE; send a number or null, or retype the field (PATCH /v1/namespaces/<id>/fields/v)"#);
    // The declared type decides which of them is wrong.
    let wrong = as_type("1;\"x\"", FieldType::String).expect_err("row 0");
    insta::assert_snapshot!(wrong, @"sources.data[0][1]: row 0, field 'v': 1 is not a STRING; send a text in quotes or null, or retype the field (PATCH /v1/namespaces/<id>/fields/v)");
    let wrong = as_type("1;\"x\";2.5", FieldType::Long).expect_err("row 1");
    insta::assert_snapshot!(wrong, @r#"sources.data[1][1]: row 1, field 'v': "x" is not a LONG; send a whole number from -2^63 to 2^63-1, or null, or retype the field (PATCH /v1/namespaces/<id>/fields/v)"#);
    assert!(wrong.is_type_conflict());
}

#[test]
fn an_integer_of_more_than_64_bits_is_not_rounded_silently() {
    insta::assert_snapshot!(refusal(&column("18446744073709551616"), true), @"the integer 18446744073709551616 has more than 64 bits; send it as a text, or with an exponent when its last digits do not matter");
    insta::assert_snapshot!(refusal(&column("-9223372036854775809"), true), @"the integer -9223372036854775809 has more than 64 bits; send it as a text, or with an exponent when its last digits do not matter");
    // A text of digits and a number with an exponent are no such integers.
    assert_eq!(
        doubles(&batch(&column("1.8446744073709552e19;1e300"), true), "v"),
        [Some(1.844_674_407_370_955_2e19), Some(1e300)]
    );
    let text =
        r#"{"sources":{"fields":["time","v","w"],"data":[[1,1e30,"\"18446744073709551616"]]}}"#;
    assert_eq!(batch(text, true).rows(), 1);
}

#[test]
fn doubles_come_out_as_their_text_says_to_the_last_bit() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let numbers: Vec<f64> = std::iter::repeat_with(|| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from_bits(state ^ (state >> 29))
    })
    .filter(|number| number.is_finite() && (number.abs() < 1e15 || number.abs() > 1e25))
    .take(20_000)
    .chain((0..20_000).map(|at| 20.0 + f64::from(at) / 7.0))
    .chain([0.1 + 0.2, f64::MIN_POSITIVE, 5e-324, f64::MAX, 2.225_073_858_507_201e-308])
    .collect();
    let text: Vec<_> = numbers.iter().map(|number| format!("{number:?}")).collect();
    let batch = batch(&column(&text.join(";")), true);
    let Values::Double(read) = batch.columns()[0].values() else { panic!("no doubles") };
    for (read, written) in read.iter().zip(&numbers) {
        assert_eq!(read.to_bits(), written.to_bits(), "{written:?}");
    }
}

#[test]
fn what_is_no_json_is_refused_with_its_place() {
    let series = |number: &str| {
        refusal(
            &format!(r#"{{"sources":[{{"name":"v","data":[{{"time":1,"value":{number}}}]}}]}}"#),
            false,
        )
    };
    // Negative fractions of a small device, and its times before it knows the clock.
    insta::assert_snapshot!(series("-1.-5000"), @"sources[0].data[0].value: this is not how JSON writes a number (line 1, column 54)");
    insta::assert_snapshot!(refusal(r#"{"sources":[{"name":"v","data":[{"time":0002,"value":1}]}]}"#, false), @"sources[0].data[0].time: this is not how JSON writes a number (line 1, column 42)");
    insta::assert_snapshot!(series("NaN"), @"sources[0].data[0].value: this is no JSON value; send null where there is none (line 1, column 51)");
    insta::assert_snapshot!(series("Infinity"), @"sources[0].data[0].value: this is no JSON value; send null where there is none (line 1, column 51)");
    insta::assert_snapshot!(series("1e999"), @"sources[0].data[0].value: the number is too large for a DOUBLE, and infinity cannot be stored; send null (line 1, column 55)");
    insta::assert_snapshot!(refusal(&column("1;[2]"), true), @"sources.data[1][1]: expected a number, a text, true, false or null; found a list (line 1, column 52)");
    insta::assert_snapshot!(refusal(&column(&"[".repeat(100_000)), true), @"sources.data[0][1]: expected a number, a text, true, false or null; found a list (line 1, column 46)");
    insta::assert_snapshot!(refusal(&column(r#"1;{"a":2}"#), true), @"sources.data[1][1]: unknown field `a`, expected `sec` or `usec` (line 1, column 55)");
    insta::assert_snapshot!(refusal("", true), @"body: the body ends too early (line 1, column 0)");
    insta::assert_snapshot!(refusal("[]", true), @"body: expected an object; found a list (line 1, column 0)");
    insta::assert_snapshot!(refusal(r#"{"sources":{"fields":["time"],"data":[[1]]}"#, true), @"body: the body ends too early (line 1, column 43)");
    insta::assert_snapshot!(refusal(r#"{"sources":{"fields":["time"],"data":[[1]]}}}"#, true), @"body: trailing characters (line 1, column 45)");
    let broken = parse(b"{\"device_id\":\"\xff\"}", false, &ImportLimits::default());
    insta::assert_snapshot!(broken.expect_err("not UTF-8"), @"device_id: invalid unicode code point (line 1, column 15)");
}

#[test]
fn a_member_of_the_wrong_kind_is_refused_with_its_place() {
    insta::assert_snapshot!(refusal(r#"{"project_id":"1"}"#, true), @r#"project_id: expected a positive whole number; found string "1" (line 1, column 17)"#);
    insta::assert_snapshot!(refusal(r#"{"project_id":-1}"#, true), @"project_id: expected a positive whole number; found integer `-1` (line 1, column 16)");
    insta::assert_snapshot!(refusal(r#"{"device_id":5}"#, true), @"device_id: expected a text in quotes; found integer `5` (line 1, column 14)");
    insta::assert_snapshot!(refusal(r#"{"sources":5}"#, true), @"sources: expected an object of 'fields' and 'data', as the request says fmt=table; found integer `5` (line 1, column 12)");
    insta::assert_snapshot!(refusal(r#"{"sources":[]}"#, true), @"sources: expected an object of 'fields' and 'data', as the request says fmt=table; found a list (line 1, column 13)");
    insta::assert_snapshot!(refusal(r#"{"sources":{}}"#, false), @"sources: expected a list of series (for a table, add ?fmt=table to the address); found an object (line 1, column 13)");
    insta::assert_snapshot!(refusal(r#"{"data":{}}"#, false), @"data: expected no 'data' without ?fmt=table in the address of the request; found an object (line 1, column 10)");
    insta::assert_snapshot!(refusal(r#"{"data":[]}"#, true), @"data: expected an object of 'fields' and 'values'; found a list (line 1, column 10)");
    insta::assert_snapshot!(refusal(r#"{"sources":{"fields":"time"}}"#, true), @r#"sources: expected a list of field names; found string "time" (line 1, column 27)"#);
    insta::assert_snapshot!(refusal(r#"{"sources":{"fields":["time",5]}}"#, true), @"sources.fields[1]: expected a text in quotes; found integer `5` (line 1, column 30)");
    insta::assert_snapshot!(refusal(r#"{"sources":{"fields":["time"],"data":[5]}}"#, true), @"sources.data[0][0]: expected a row: a list of values; found integer `5` (line 1, column 39)");
    insta::assert_snapshot!(refusal(r#"{"sources":[5]}"#, false), @"sources[0]: expected a series: an object of 'name' and 'data'; found integer `5` (line 1, column 13)");
    insta::assert_snapshot!(refusal(r#"{"sources":[{"name":"v","data":[[1,2]]}]}"#, false), @"sources[0].data[0].time: expected a point: an object of 'time' and 'value'; found a list (line 1, column 32)");
    insta::assert_snapshot!(refusal(r#"{"labels":[]}"#, true), @"labels: expected an object whose members are texts, numbers, true or false; found a list (line 1, column 12)");
    insta::assert_snapshot!(refusal(r#"{"labels":{"a":{}}}"#, true), @"labels: expected a text, a number, true, false or null; found an object (line 1, column 17)");
}

#[test]
fn what_is_missing_is_named() {
    insta::assert_snapshot!(refusal("{}", true), @"'sources' or 'data' is missing; the body needs its rows there");
    insta::assert_snapshot!(refusal("{}", false), @"'sources' is missing; the body needs its rows there");
    insta::assert_snapshot!(refusal(r#"{"sources":{}}"#, true), @"sources.fields is missing; a table needs the names of its columns");
    insta::assert_snapshot!(refusal(r#"{"sources":{"fields":["time","v"]}}"#, true), @"sources.data is missing; a table needs a list of rows, which may be empty");
    insta::assert_snapshot!(refusal(r#"{"data":{"fields":["time","v"],"data":[]}}"#, true), @"data.values is missing; a table needs a list of rows, which may be empty");
    insta::assert_snapshot!(refusal(r#"{"sources":{"fields":["v"],"data":[]}}"#, true), @r#"sources.fields: "time" is missing; one of the fields must be the time of the row"#);
    insta::assert_snapshot!(refusal(r#"{"sources":[{"data":[]}]}"#, false), @"sources[0].name is missing; a series needs the name of its field");
    insta::assert_snapshot!(refusal(r#"{"sources":[{"name":"v"}]}"#, false), @"sources[0].data is missing; a series needs a list of points, which may be empty");
}

#[test]
fn what_stands_twice_is_refused() {
    insta::assert_snapshot!(refusal(r#"{"device_id":"a","device_id":"b"}"#, true), @"device_id stands twice; send it once");
    insta::assert_snapshot!(refusal(r#"{"sources":{"fields":["time","v","v"]}}"#, true), @r#"sources.fields[2]: the field "v" stands twice; send it once"#);
    insta::assert_snapshot!(refusal(r#"{"sources":{"fields":["time","time"]}}"#, true), @r#"sources.fields[1]: the field "time" stands twice; send it once"#);
    insta::assert_snapshot!(refusal(r#"{"sources":{"fields":["time"],"data":[],"data":[]}}"#, true), @"sources.data stands twice; send it once");
    insta::assert_snapshot!(refusal(r#"{"sources":{"fields":["time"],"data":[]},"data":{}}"#, true), @"'sources' or 'data' stands twice; send it once");
    insta::assert_snapshot!(refusal(r#"{"labels":{"a":1,"a":2}}"#, true), @"labels.a stands twice; send it once");
    insta::assert_snapshot!(refusal(r#"{"sources":[{"name":"v","data":[{"time":1,"value":2,"value":3}]}]}"#, false), @"sources[0].data[0].value stands twice; send it once");
    let import = read(&column("1"), true).expect("sound").tables.remove(0);
    let label = constant_column("v".parse().expect("a name"), &Value::Long(1), None, 1);
    let twice = import.into_batch(NamespaceName::input(), &|_| None, vec![label.expect("it fits")]);
    insta::assert_snapshot!(twice.expect_err("v is in the table and in the labels"), @"duplicate field 'v' in batch");
}

#[test]
fn a_name_that_is_none_is_refused() {
    insta::assert_snapshot!(refusal(r#"{"sources":{"fields":["time","All"]}}"#, true), @r#"sources.fields[1]: "All" cannot be used: 'All' is reserved (in any letter case); choose another name"#);
    insta::assert_snapshot!(refusal(r#"{"sources":{"fields":["TIME"]}}"#, true), @r#"sources.fields[0]: "TIME" cannot be used: 'TIME' is reserved (in any letter case); choose another name"#);
    insta::assert_snapshot!(refusal(r#"{"sources":{"fields":["time","a b"]}}"#, true), @r#"sources.fields[1]: "a b" cannot be used: ' ' at position 2 is not allowed; use A-Z, a-z, 0-9, '_' or '-'"#);
    insta::assert_snapshot!(refusal(r#"{"sources":{"fields":["time",""]}}"#, true), @r#"sources.fields[1]: "" cannot be used: it is empty; use 1 to 255 characters of A-Z, a-z, 0-9, '_' or '-'"#);
    insta::assert_snapshot!(refusal(r#"{"sources":[{"name":"time","data":[]}]}"#, false), @r#"sources[0]: "time" cannot be used: 'time' is reserved (in any letter case); choose another name"#);
    insta::assert_snapshot!(refusal(r#"{"labels":{"time_offset":1}}"#, true), @r#"labels.time_offset: "time_offset" cannot be used: 'time_offset' is reserved (in any letter case); choose another name"#);
}

#[test]
fn a_row_of_another_length_than_the_fields_is_refused() {
    let table = |data: &str| format!(r#"{{"sources":{{"fields":["time","v"],"data":{data}}}}}"#);
    insta::assert_snapshot!(refusal(&table("[[1,2],[1]]"), true), @"sources.data[1][1]: the row has 1 values and there are 2 fields; send null for what is missing");
    insta::assert_snapshot!(refusal(&table("[[1,2],[]]"), true), @"sources.data[1][0]: the row has 0 values and there are 2 fields; send null for what is missing");
    insta::assert_snapshot!(refusal(&table("[[1,2,3]]"), true), @"sources.data[0][2]: the row has 3 values and there are 2 fields; send null for what is missing");
    let late = |data: &str| format!(r#"{{"sources":{{"data":{data},"fields":["time","v"]}}}}"#);
    insta::assert_snapshot!(refusal(&late("[[1,2],[1]]"), true), @"sources.data[1][1]: the row has 1 values and there are 2 fields; send null for what is missing");
    insta::assert_snapshot!(refusal(&late("[[1,2,3],[1,2,3]]"), true), @"sources.data[0][0]: the row has 3 values and there are 2 fields; send null for what is missing");
    insta::assert_snapshot!(refusal(&late("[[],[]]"), true), @"sources.data[0][0]: the row has 0 values and there are 2 fields; send null for what is missing");
}

#[test]
fn a_body_larger_than_the_limits_is_refused() {
    let limits = ImportLimits { max_rows: 2, max_columns: 2 };
    let no = |body: &str, table| {
        parse(body.as_bytes(), table, &limits).expect_err("over a limit").to_string()
    };
    assert!(parse(column("1;2").as_bytes(), true, &limits).is_ok());
    insta::assert_snapshot!(no(&column("1;2;3"), true), @"sources.data[2][2]: there are more than 2 rows; send smaller requests");
    let series = r#"{"sources":[{"name":"a","data":[{"time":1},{"time":2}]},{"name":"b","data":[{"time":1}]}]}"#;
    insta::assert_snapshot!(no(series, false), @"sources[1].data[0].time: there are more than 2 rows; send smaller requests");
    insta::assert_snapshot!(no(r#"{"sources":[{"name":"a","data":[]},{"name":"b","data":[]},{"name":"c","data":[]}]}"#, false), @"sources[2]: there are more than 2 series; send smaller requests");
    insta::assert_snapshot!(no(r#"{"sources":{"fields":["time","a","b","c"]}}"#, true), @"sources.fields[3]: there are more than 2 fields; send smaller requests");
    insta::assert_snapshot!(no(r#"{"sources":{"data":[[1,2,3,4]]}}"#, true), @"sources.data[0][3]: the row has 4 values and there are 3 fields; send null for what is missing");
    insta::assert_snapshot!(no(r#"{"labels":{"a":1,"b":1,"c":1}}"#, true), @"labels.c: there are more than 2 labels; send smaller requests");
}

#[test]
fn a_label_fits_its_field_or_is_named() {
    let column = |value: Value, kind| {
        constant_column("n".parse().expect("a name"), &value, kind, 2).map_err(|no| no.to_string())
    };
    let values = |value, kind| column(value, kind).map(|column| column.into_parts().1);
    assert_eq!(values(Value::Long(3), None), Ok(Values::Double(vec![3.0; 2])));
    assert_eq!(
        values(Value::Long(i64::MAX), Some(FieldType::Long)),
        Ok(Values::Long(vec![i64::MAX; 2]))
    );
    assert_eq!(values(Value::Double(3.0), Some(FieldType::Long)), Ok(Values::Long(vec![3; 2])));
    let no = |value, kind| column(value, kind).expect_err("it does not fit");
    insta::assert_snapshot!(no(Value::Long(i64::MAX), None), @"labels.n: row 0, field 'n': the integer 9223372036854775807 is beyond 2^53 and would lose digits in a DOUBLE field; declare the field LONG before its first value is sent, or retype it to LONG");
    insta::assert_snapshot!(no(Value::Double(2.5), Some(FieldType::Long)), @"labels.n: row 0, field 'n': 2.5 is not a LONG; send a whole number from -2^63 to 2^63-1, or null, or retype the field (PATCH /v1/namespaces/<id>/fields/n)");
    insta::assert_snapshot!(no(Value::String("x".into()), Some(FieldType::Boolean)), @r#"labels.n: row 0, field 'n': "x" is not a BOOLEAN; send true, false or null, or retype the field (PATCH /v1/namespaces/<id>/fields/n)"#);
    insta::assert_snapshot!(refusal(r#"{"labels":{"n":18446744073709551615}}"#, true), @"the integer 18446744073709551615 has more than 64 bits; send it as a text, or with an exponent when its last digits do not matter");
}

#[test]
fn a_byte_order_mark_before_the_body_is_no_part_of_it() {
    let body = format!("\u{feff}{}", column("1;2"));
    assert_eq!(doubles(&batch(&body, true), "v"), [Some(1.0), Some(2.0)]);
}

#[test]
fn times_may_be_iso_text_when_the_body_says_so() {
    let body = r#"{"timefmt":"iso","sources":{"fields":["time","v"],"data":[["1969-12-31T23:59:59.999999Z",1],["1970-01-01T01:00:00+01:00",2]]}}"#;
    assert_eq!(batch(body, true).times(), [-1, 0]);
    let number = body.replace("\"1969-12-31T23:59:59.999999Z\"", "5");
    assert!(refusal(&number, true).contains("sources.data[0][0]"), "{}", refusal(&number, true));
    let naive = body.replace("+01:00", "");
    assert!(refusal(&naive, true).contains("with its zone"), "{}", refusal(&naive, true));
}

#[test]
fn no_integer_becomes_another_number() {
    // What no i64 holds is refused whichever type the field has; what a double does not hold is refused for a new field.
    for text in ["9223372036854775808", "-9223372036854775809", "89014103211118510720", "1e400"] {
        for kind in [FieldType::Long, FieldType::Double] {
            assert!(as_type(text, kind).is_err(), "{text} as {kind}");
        }
        assert!(typed(&column(text), true, &|_| None).is_err(), "{text} in a new field");
    }
    assert!(typed(&column("9007199254740993"), true, &|_| None).is_err());
    let long = as_type("9223372036854775807;-9223372036854775808", FieldType::Long).expect("exact");
    assert_eq!(*long.columns()[0].values(), Values::Long(vec![i64::MAX, i64::MIN]));
    let zero = doubles(&as_type("-0;-0.0", FieldType::Double).expect("zeros"), "v");
    assert!(
        zero.iter().flatten().all(|number| number.to_bits() == (-0.0_f64).to_bits()),
        "{zero:?}"
    );
}
