//! What `/v1/data` and `/v1/exports` reply, byte for byte.

use iobeam_model::{FieldType, Value};
use iobeam_query::{Answer, DataRequest, QueryError};

use crate::world::{FIELDS, NOW, Row, World, data_request, owned};

fn row(time: i64, device: &str, temperature: Option<f64>) -> Row {
    let mut values = vec![("device_id", Value::String(device.into()))];
    values.extend(temperature.map(|it| ("temperature", Value::Double(it))));
    Row::new(time, values)
}

/// Two rows in a file and two in memory, one of them late.
async fn world() -> World {
    let world = World::new();
    world
        .add(&[
            row(1_427_316_488_000_000, "d", Some(22.23)),
            row(1_427_316_489_000_000, "d", Some(22.0)),
        ])
        .await;
    world.flush().await;
    world
        .add(&[row(1_427_316_490_123_456, "e", None), row(1_427_316_487_000_001, "e", Some(-0.5))])
        .await;
    world
}

fn refusal(answer: Result<Answer, QueryError>) -> String {
    answer.map_or_else(|error| error.to_string(), |_| "answered".to_owned())
}

#[tokio::test]
async fn a_field_comes_newest_first_without_its_nulls() {
    let reply = world().await.data_text(Some("temperature"), &[("limit", "3")]).await;
    insta::assert_snapshot!(reply, @r#"{"result":[{"fields":["time","temperature"],"types":["TIMESTAMP","DOUBLE"],"values":[[1427316489000,22.0],[1427316488000,22.23],[1427316487000,-0.5]]}],"timefmt":"msec"}"#);
}

#[tokio::test]
async fn all_fields_come_in_alphabetical_order_after_the_time() {
    let reply = world().await.data_text(None, &[("limit", "2")]).await;
    insta::assert_snapshot!(reply, @r#"{"result":[{"fields":["time","count","device_id","note","ok","temperature"],"types":["TIMESTAMP","LONG","STRING","STRING","BOOLEAN","DOUBLE"],"values":[[1427316490123,null,"e",null,null,null],[1427316489000,null,"d",null,null,22.0]]}],"timefmt":"msec"}"#);
}

#[tokio::test]
async fn csv_has_headings_that_the_original_command_line_reads() {
    let world = world().await;
    let reply = world.data_text(Some("all"), &[("output", "csv"), ("timefmt", "TIMEVAL")]).await;
    insta::assert_snapshot!(reply, @"
    time,input.count,input.device_id,input.note,input.ok,input.temperature
    1427316490.123456,,e,,,
    1427316489.000000,,d,,,22.0
    1427316488.000000,,d,,,22.23
    1427316487.000001,,e,,,-0.5
    ");
}

#[tokio::test]
async fn times_are_written_in_the_unit_asked_for() {
    let world = world().await;
    let mut replies = String::new();
    for unit in ["sec", "msec", "Usec", "timeval"] {
        replies += &world.data_text(Some("device_id"), &[("limit", "1"), ("timefmt", unit)]).await;
        replies.push('\n');
    }
    insta::assert_snapshot!(replies, @r#"
    {"result":[{"fields":["time","device_id"],"types":["TIMESTAMP","STRING"],"values":[[1427316490,"e"]]}],"timefmt":"sec"}
    {"result":[{"fields":["time","device_id"],"types":["TIMESTAMP","STRING"],"values":[[1427316490123,"e"]]}],"timefmt":"msec"}
    {"result":[{"fields":["time","device_id"],"types":["TIMESTAMP","STRING"],"values":[[1427316490123456,"e"]]}],"timefmt":"usec"}
    {"result":[{"fields":["time","device_id"],"types":["TIMESTAMP","STRING"],"values":[[{"sec":1427316490,"usec":123456},"e"]]}],"timefmt":"timeval"}
    "#);
}

#[tokio::test]
async fn nothing_found_is_an_empty_list_and_never_null() {
    let world = world().await;
    let data = world.data_text(Some("temperature"), &[("where", "eq(device_id,nobody)")]).await;
    let exports = world.exports_text(Some("nobody"), None, &[]).await;
    assert_eq!(world.exports_text(None, Some("unheard-of"), &[]).await, exports);
    let empty = World::new();
    let unborn = empty.data_text(None, &[("operator", "mean")]).await;
    insta::assert_snapshot!(format!("{data}\n{exports}\n{unborn}"), @r#"
    {"result":[{"fields":["time","temperature"],"types":["TIMESTAMP","DOUBLE"],"values":[]}],"timefmt":"msec"}
    {"result":[],"timefmt":"msec"}
    {"result":[{"fields":["time","count","temperature"],"types":["TIMESTAMP","DOUBLE","DOUBLE"],"values":[]}],"timefmt":"msec"}
    "#);
}

#[tokio::test]
async fn each_device_is_listed_once() {
    let params = [("limit_by", "device_id,1"), ("limit", "1000")];
    let reply = world().await.data_text(Some("device_id"), &params).await;
    insta::assert_snapshot!(reply, @r#"{"result":[{"fields":["time","device_id"],"types":["TIMESTAMP","STRING"],"values":[[1427316490123,"e"],[1427316489000,"d"]]}],"timefmt":"msec"}"#);
}

#[tokio::test]
async fn a_figure_is_named_after_its_field_and_bears_the_operator_when_grouped() {
    let world = world().await;
    let alone = world.data_text(Some("temperature"), &[("operator", "max")]).await;
    let params = [("operator", "mean"), ("group_by", "time(1m),device_id")];
    let grouped = world.data_text(Some("temperature"), &params).await;
    insta::assert_snapshot!(format!("{alone}\n{grouped}"), @r#"
    {"result":[{"fields":["time","temperature"],"types":["TIMESTAMP","DOUBLE"],"values":[[1427316489000,22.23]]}],"timefmt":"msec"}
    {"result":[{"fields":["time","device_id","mean(temperature)"],"types":["TIMESTAMP","STRING","DOUBLE"],"values":[[1427316480000,"d",22.115000000000002],[1427316480000,"e",-0.5]]}],"timefmt":"msec"}
    "#);
}

#[tokio::test]
async fn exports_list_points_oldest_first_for_each_series_and_device() {
    let world = world().await;
    let json = world.exports_text(Some("all"), Some("temperature"), &[("limit", "1")]).await;
    let csv = world.exports_text(None, None, &[("output", "csv"), ("to", "1427316488000")]).await;
    insta::assert_snapshot!(format!("{json}\n{csv}"), @r#"
    {"result":[{"project_id":7,"device_id":"d","name":"temperature","data":[{"time":1427316489000,"value":22.0}]},{"project_id":7,"device_id":"e","name":"temperature","data":[{"time":1427316487000,"value":-0.5}]}],"timefmt":"msec"}
    project_id,device_id,series_name,time,value
    7,d,temperature,1427316488000,22.23
    7,e,temperature,1427316487000,-0.5
    "#);
}

#[tokio::test]
async fn exports_take_bounds_and_buckets() {
    let world = world().await;
    let bounds = world
        .exports_text(None, Some("temperature"), &[("greater_than", "-1"), ("less_than", "22.23")])
        .await;
    let params = [("operator", "count"), ("group_by", "1h"), ("timefmt", "timeval")];
    let buckets = world.exports_text(Some("d"), Some("temperature"), &params).await;
    insta::assert_snapshot!(format!("{bounds}\n{buckets}"), @r#"
    {"result":[{"project_id":7,"device_id":"d","name":"temperature","data":[{"time":1427316489000,"value":22.0}]},{"project_id":7,"device_id":"e","name":"temperature","data":[{"time":1427316487000,"value":-0.5}]}],"timefmt":"msec"}
    {"result":[{"project_id":7,"device_id":"d","name":"temperature","data":[{"time":{"sec":1427313600,"usec":0},"value":2}]}],"timefmt":"timeval"}
    "#);
}

#[tokio::test]
async fn a_millisecond_finds_the_row_that_it_was_the_time_of() {
    let world = world().await;
    let params = [("time", "1427316490123,1427316490123")];
    let reply = world.data_text(Some("device_id"), &params).await;
    assert!(reply.contains("[1427316490123,\"e\"]"), "{reply}");
}

#[tokio::test]
async fn integers_keep_all_their_bits_and_sums_do_not_overflow() {
    let world = World::new();
    let long = |time, number| Row::new(time, vec![("count", Value::Long(number))]);
    world.add(&[long(1, i64::MAX), long(2, i64::MAX), long(3, 9_007_199_254_740_993)]).await;
    let rows = world.data_text(Some("count"), &[("timefmt", "usec")]).await;
    let sum = world.data_text(Some("count"), &[("operator", "sum")]).await;
    insta::assert_snapshot!(format!("{rows}\n{sum}"), @r#"
    {"result":[{"fields":["time","count"],"types":["TIMESTAMP","LONG"],"values":[[3,9007199254740993],[2,9223372036854775807],[1,9223372036854775807]]}],"timefmt":"usec"}
    {"result":[{"fields":["time","count"],"types":["TIMESTAMP","DECIMAL"],"values":[[0,18455751272964292607]]}],"timefmt":"msec"}
    "#);
}

#[tokio::test]
async fn what_does_not_fit_the_fields_is_refused_with_the_parameter_and_the_way_out() {
    let world = world().await;
    let mut refusals = String::new();
    for params in [
        vec![("where", "eq(humidity,1)")],
        vec![("where", "eq(temperature,warm)")],
        vec![("where", "gt(ok,true)")],
        vec![("where", "eq(ok,perhaps)")],
        vec![("group_by", "undefinedfield")],
        vec![("limit_by", "nothing,1")],
        vec![("operator", "mean"), ("group_by", "room")],
    ] {
        refusals += &refusal(world.data(None, &params).await);
        refusals.push('\n');
    }
    refusals += &refusal(world.data(Some("note"), &[("operator", "sum")]).await);
    refusals.push('\n');
    refusals += &refusal(world.data(Some("humidity"), &[]).await);
    insta::assert_snapshot!(refusals, @r#"
    parameter 'where': namespace 'input' has no field 'humidity'; it has count, device_id, note, ok, temperature
    parameter 'where': field 'temperature' is DOUBLE, and "warm" is no number
    parameter 'where': field 'ok' is BOOLEAN, which has no order; use eq
    parameter 'where': field 'ok' is BOOLEAN, and "perhaps" is no truth; write true or false
    parameter 'group_by': namespace 'input' has no field 'undefinedfield'; it has count, device_id, note, ok, temperature
    parameter 'limit_by': namespace 'input' has no field 'nothing'; it has count, device_id, note, ok, temperature
    parameter 'group_by': namespace 'input' has no field 'room'; it has count, device_id, note, ok, temperature
    parameter 'operator': sum() does not support STRING field 'note'; use count()
    namespace 'input' has no field 'humidity'
    "#);
}

#[tokio::test]
async fn a_namespace_without_rows_is_answered_from_its_fields_alone() {
    let world = World::new();
    let kinds = [("device_id", FieldType::String)];
    let table = world.table_of("fresh", "device_id", &kinds);
    let request = DataRequest::parse(None, &owned(&[]), NOW).expect("sound");
    let answer = world.engine.data(&table, request).await.expect("answered");
    assert_eq!(answer.schema().fields().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_row_counts_once_while_rows_come_and_are_flushed() {
    use std::sync::atomic::{AtomicU64, Ordering};
    let world = std::sync::Arc::new(World::new());
    let stored = std::sync::Arc::new(AtomicU64::new(0));
    let (writer, count) = (std::sync::Arc::clone(&world), std::sync::Arc::clone(&stored));
    let writing = tokio::spawn(async move {
        for at in 0..60 {
            writer.add(&[row(at * 1000, "a", Some(1.0)), row(at, "b", None)]).await;
            count.fetch_add(2, Ordering::SeqCst);
            if at % 7 == 0 {
                writer.flush().await;
            }
        }
    });
    let mut asked = 0;
    while !writing.is_finished() {
        let before = stored.load(Ordering::SeqCst);
        let reply = world.data_text(None, &[("output", "csv"), ("limit", "100000")]).await;
        let found = reply.lines().count() as u64 - 1;
        // One batch may be visible that is not counted as stored yet.
        let after = stored.load(Ordering::SeqCst) + 2;
        assert!((before..=after).contains(&found), "{before} <= {found} <= {after}");
        asked += 1;
    }
    writing.await.expect("written");
    assert!(asked > 3, "only {asked} questions were asked meanwhile");
}

#[tokio::test]
async fn a_query_sees_one_moment_however_much_comes_and_is_flushed_meanwhile() {
    let world = world().await;
    let before = world.table();
    world.add(&[row(1_427_316_500_000_000, "f", Some(1.0))]).await;
    world.flush().await;
    let count = [("operator", "count")];
    for (table, rows) in [(before, 4), (world.table(), 5)] {
        let request = data_request(Some("device_id"), &count).expect("sound");
        let answer = world.engine.data(&table, request).await.expect("answered");
        let reply =
            crate::world::text(answer, iobeam_query::Output::Csv, iobeam_model::TimeFormat::Sec)
                .await;
        assert!(reply.ends_with(&format!(",{rows}\n")), "{reply}");
    }
    assert_eq!(FIELDS.len(), 5);
}
