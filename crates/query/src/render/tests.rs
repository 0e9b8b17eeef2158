use std::sync::Arc;
use std::time::Duration;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray,
    Float32Array, Float64Array, Int64Array, ListArray, StringArray, StructArray,
    TimestampMicrosecondArray, TimestampSecondArray,
};
use arrow::datatypes::{Field, Int32Type, Schema};
use datafusion::execution::memory_pool::UnboundedMemoryPool;
use futures::TryStreamExt;
use iobeam_model::ProjectId;
use proptest::prelude::*;

use super::*;
use crate::context::QueryLimits;

fn context() -> QueryContext {
    let time = Duration::from_mins(1);
    let limits = QueryLimits { time, memory_bytes: 0, value_bytes: 0, looks_up: true };
    QueryContext::new(limits, Arc::new(UnboundedMemoryPool::default()))
}

fn answer(columns: Vec<(&str, ArrayRef)>) -> Answer {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    )
    .expect("a batch");
    let shape = Shape::Table(Some("input".parse().expect("a name")));
    let schema = batch.schema();
    Answer { shape, schema, rows: stream::iter([Ok(batch)]).boxed(), context: context() }
}

fn text(rendered: Pieces) -> String {
    let pieces: Vec<Bytes> = futures::executor::block_on(rendered.try_collect()).expect("rendered");
    String::from_utf8(pieces.concat()).expect("text")
}

fn both(column: ArrayRef, format: TimeFormat) -> String {
    let again = answer(vec![("x", Arc::clone(&column))]);
    let csv = text(csv(again, format)).replace('\n', " | ");
    format!("{}\n{csv}", text(json(answer(vec![("x", column)]), format)))
}

#[test]
fn numbers_read_back_as_they_were_and_what_is_no_number_is_null() {
    let doubles = Float64Array::from(vec![
        1.0,
        -0.0,
        0.1,
        1e300,
        5e-324,
        f64::NAN,
        f64::INFINITY,
        123_456_789.125,
    ]);
    insta::assert_snapshot!(both(Arc::new(doubles), TimeFormat::Msec), @r#"
    {"result":[{"fields":["x"],"types":["DOUBLE"],"values":[[1.0],[-0.0],[0.1],[1e+300],[5e-324],[null],[null],[123456789.125]]}],"timefmt":"msec"}
    input.x | 1.0 | -0.0 | 0.1 | 1.0e+300 | 5.0e-324 |  |  | 123456789.125 |
    "#);
    let longs = Int64Array::from(vec![i64::MIN, i64::MAX, 9_007_199_254_740_993]);
    insta::assert_snapshot!(both(Arc::new(longs), TimeFormat::Msec), @r#"
    {"result":[{"fields":["x"],"types":["LONG"],"values":[[-9223372036854775808],[9223372036854775807],[9007199254740993]]}],"timefmt":"msec"}
    input.x | -9223372036854775808 | 9223372036854775807 | 9007199254740993 |
    "#);
    let single = Float32Array::from(vec![0.1, f32::NAN]);
    insta::assert_snapshot!(both(Arc::new(single), TimeFormat::Msec), @r#"
    {"result":[{"fields":["x"],"types":["DOUBLE"],"values":[[0.1],[null]]}],"timefmt":"msec"}
    input.x | 0.1 |  |
    "#);
    let decimal = Decimal128Array::from(vec![Some(12345), None, Some(-5)])
        .with_precision_and_scale(20, 2)
        .expect("fits");
    insta::assert_snapshot!(both(Arc::new(decimal), TimeFormat::Msec), @r#"
    {"result":[{"fields":["x"],"types":["DECIMAL"],"values":[[123.45],[null],[-0.05]]}],"timefmt":"msec"}
    input.x | 123.45 |  | -0.05 |
    "#);
}

#[test]
fn times_are_exact_at_both_ends_of_the_range() {
    let times = || -> ArrayRef {
        let times = TimestampMicrosecondArray::from(vec![
            Some(i64::MIN),
            Some(-1),
            Some(1_500_001),
            Some(i64::MAX),
            None,
        ]);
        Arc::new(times.with_timezone("UTC"))
    };
    for format in [TimeFormat::Sec, TimeFormat::Msec, TimeFormat::Usec] {
        let micros = format.micros_per_unit();
        let floor = |time: i64| time.div_euclid(micros);
        let expected = format!(
            "[[{}],[{}],[{}],[{}],[null]]",
            floor(i64::MIN),
            floor(-1),
            floor(1_500_001),
            floor(i64::MAX)
        );
        assert!(both(times(), format).contains(&expected), "{format:?}");
    }
    insta::assert_snapshot!(both(times(), TimeFormat::Timeval), @r#"
    {"result":[{"fields":["x"],"types":["TIMESTAMP"],"values":[[{"sec":-9223372036855,"usec":224192}],[{"sec":-1,"usec":999999}],[{"sec":1,"usec":500001}],[{"sec":9223372036854,"usec":775807}],[null]]}],"timefmt":"timeval"}
    input.x | -9223372036854.775808 | -0.000001 | 1.500001 | 9223372036854.775807 |  |
    "#);
    insta::assert_snapshot!(both(Arc::new(TimestampSecondArray::from(vec![2])), TimeFormat::Msec), @r#"
    {"result":[{"fields":["x"],"types":["TIMESTAMP"],"values":[[2000]]}],"timefmt":"msec"}
    input.x | 2000 |
    "#);
}

#[test]
fn texts_are_escaped_and_quoted_only_where_they_must_be() {
    let texts = StringArray::from(vec![
        Some("plain"),
        Some(""),
        None,
        Some("a,b"),
        Some("say \"hi\""),
        Some("two\nlines"),
        Some("tab\té"),
    ]);
    insta::assert_snapshot!(both(Arc::new(texts), TimeFormat::Msec), @r#"
    {"result":[{"fields":["x"],"types":["STRING"],"values":[["plain"],[""],[null],["a,b"],["say \"hi\""],["two\nlines"],["tab\té"]]}],"timefmt":"msec"}
    input.x | plain | "" |  | "a,b" | "say ""hi""" | "two | lines" | tab	é |
    "#);
    let dictionary: DictionaryArray<Int32Type> = vec!["a", "b", "a"].into_iter().collect();
    insta::assert_snapshot!(both(Arc::new(dictionary), TimeFormat::Msec), @r#"
    {"result":[{"fields":["x"],"types":["STRING"],"values":[["a"],["b"],["a"]]}],"timefmt":"msec"}
    input.x | a | b | a |
    "#);
}

#[test]
fn nested_and_rare_values_have_a_form() {
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![
        Some(vec![Some(1), None]),
        None,
        Some(vec![]),
    ]);
    insta::assert_snapshot!(both(Arc::new(list), TimeFormat::Msec), @r#"
    {"result":[{"fields":["x"],"types":["LIST"],"values":[[[1,null]],[null],[[]]]}],"timefmt":"msec"}
    input.x | "[1,null]" |  | [] |
    "#);
    let record = StructArray::from(vec![
        (
            Arc::new(Field::new("a", arrow::datatypes::DataType::Int64, true)),
            Arc::new(Int64Array::from(vec![1])) as ArrayRef,
        ),
        (
            Arc::new(Field::new("b", arrow::datatypes::DataType::Boolean, true)),
            Arc::new(BooleanArray::from(vec![None])) as ArrayRef,
        ),
    ]);
    insta::assert_snapshot!(both(Arc::new(record), TimeFormat::Msec), @r#"
    {"result":[{"fields":["x"],"types":["STRUCT"],"values":[[{"a":1,"b":null}]]}],"timefmt":"msec"}
    input.x | "{""a"":1,""b"":null}" |
    "#);
    insta::assert_snapshot!(both(Arc::new(Date32Array::from(vec![0, 20_779])), TimeFormat::Msec), @r#"
    {"result":[{"fields":["x"],"types":["DATE"],"values":[["1970-01-01"],["2026-11-22"]]}],"timefmt":"msec"}
    input.x | 1970-01-01 | 2026-11-22 |
    "#);
    insta::assert_snapshot!(both(Arc::new(BinaryArray::from(vec![&[0_u8, 255][..]])), TimeFormat::Msec), @r#"
    {"result":[{"fields":["x"],"types":["BINARY"],"values":[["00ff"]]}],"timefmt":"msec"}
    input.x | 00ff |
    "#);
}

#[test]
fn series_are_told_apart_over_the_borders_of_batches() {
    let batch = |series: &str, devices: Vec<&str>, values: ArrayRef| {
        let times: Vec<i64> = (0..devices.len() as i64).map(|at| at * 1000).collect();
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("device_id", Arc::new(arrow::array::StringViewArray::from(devices))),
            ("time", Arc::new(TimestampMicrosecondArray::from(times))),
            (series, values),
        ];
        RecordBatch::try_from_iter(columns).expect("a batch")
    };
    let series = || {
        let batches = [
            batch("t", vec!["a", "a"], Arc::new(Float64Array::from(vec![1.0, 2.5]))),
            batch("t", vec!["a", "b"], Arc::new(Float64Array::from(vec![3.0, 4.0]))),
            batch("n", vec!["b"], Arc::new(StringArray::from(vec!["x,y"]))),
        ];
        let project = ProjectId::new(1).expect("not zero");
        Answer {
            shape: Shape::Series(project),
            schema: Arc::new(Schema::empty()),
            rows: stream::iter(batches.map(Ok)).boxed(),
            context: context(),
        }
    };
    insta::assert_snapshot!(text(json(series(), TimeFormat::Msec)), @r#"{"result":[{"project_id":1,"device_id":"a","name":"t","data":[{"time":0,"value":1.0},{"time":1,"value":2.5},{"time":0,"value":3.0}]},{"project_id":1,"device_id":"b","name":"t","data":[{"time":1,"value":4.0}]},{"project_id":1,"device_id":"b","name":"n","data":[{"time":0,"value":"x,y"}]}],"timefmt":"msec"}"#);
    insta::assert_snapshot!(text(csv(series(), TimeFormat::Timeval)), @r#"
    project_id,device_id,series_name,time,value
    1,a,t,0.000000,1.0
    1,a,t,0.001000,2.5
    1,a,t,0.000000,3.0
    1,b,t,0.001000,4.0
    1,b,n,0.000000,"x,y"
    "#);
    assert!(render(series(), Output::Arrow, TimeFormat::Msec).is_err());
}

#[test]
fn an_error_on_the_way_ends_the_stream() {
    let mut broken = answer(vec![("x", Arc::new(Int64Array::from(vec![1])))]);
    broken.rows = broken.rows.chain(stream::iter([Err(QueryError::internal("broken"))])).boxed();
    let pieces: Vec<Result<Bytes, QueryError>> =
        futures::executor::block_on(json(broken, TimeFormat::Msec).collect());
    assert!(matches!(pieces.last(), Some(Err(QueryError::Internal { .. }))));
}

proptest! {
    #[test]
    fn every_double_reads_back_from_json_and_csv(number in any::<f64>().prop_filter("finite", |it| it.is_finite())) {
        let column = || -> ArrayRef { Arc::new(Float64Array::from(vec![number])) };
        let json: serde_json::Value = serde_json::from_str(&text(json(answer(vec![("x", column())]), TimeFormat::Msec)))?;
        prop_assert_eq!(json["result"][0]["values"][0][0].as_f64().map(f64::to_bits), Some(number.to_bits()));
        let csv = text(csv(answer(vec![("x", column())]), TimeFormat::Msec));
        let cell: f64 = csv.lines().nth(1).unwrap_or_default().parse()?;
        prop_assert_eq!(cell.to_bits(), number.to_bits());
    }

    #[test]
    fn every_text_reads_back_from_json(words in prop::option::of(any::<String>())) {
        let column: ArrayRef = Arc::new(StringArray::from(vec![words.clone()]));
        let json: serde_json::Value = serde_json::from_str(&text(json(answer(vec![("x", column)]), TimeFormat::Msec)))?;
        prop_assert_eq!(json["result"][0]["values"][0][0].as_str(), words.as_deref());
    }
}

#[test]
fn csv_says_what_a_reader_would_otherwise_change() {
    let texts = StringArray::from(vec![Some(""), None, Some(" x "), Some("\u{a0}"), Some("a b")]);
    let csv = text(super::csv(answer(vec![("x", Arc::new(texts))]), TimeFormat::Msec));
    assert_eq!(csv, "input.x\n\"\"\n\n\" x \"\n\"\u{a0}\"\na b\n");
    let doubles = Float64Array::from(vec![1e300, 1e16, -2.5e-9, -0.0, 5.0]);
    let csv = text(super::csv(answer(vec![("x", Arc::new(doubles))]), TimeFormat::Msec));
    assert_eq!(csv, "input.x\n1.0e+300\n1.0e+16\n-2.5e-9\n-0.0\n5.0\n");
}

#[test]
fn iso_times_are_text_with_microseconds() {
    let times = || Arc::new(TimestampMicrosecondArray::from(vec![Some(1), None, Some(-1)]));
    let csv = text(super::csv(answer(vec![("time", times())]), TimeFormat::Iso));
    assert_eq!(csv, "time\n1970-01-01T00:00:00.000001Z\n\n1969-12-31T23:59:59.999999Z\n");
    let json = text(super::json(answer(vec![("time", times())]), TimeFormat::Iso));
    let rows = r#"[["1970-01-01T00:00:00.000001Z"],[null],["1969-12-31T23:59:59.999999Z"]]"#;
    assert!(json.contains(rows), "{json}");
}
