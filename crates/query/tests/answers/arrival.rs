//! Of rows of equal time the newest is the one that arrived last: on every endpoint, wherever the rows are.
//!
//! The model is a list of rows in their order. Rows of one device stand in it as they arrived; rows of several devices
//! too, unless a file has put them in the order of its devices: then all answers have that order.

use std::collections::BTreeMap;

use iobeam_model::{FieldName, TimeFormat, Value};
use iobeam_query::{DataRequest, ExportRequest, Output, Points, Scope, SeriesRequest, Table};
use iobeam_store::edit::{Comparator, Edit, RowCondition, RowFilter, ValueTest};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::world::{NOW, Row, World, name, owned, project, text};

const START: i64 = 1_700_000_000_000_000;

/// A row as the model has it: `id` says when it arrived, and is the value of `count`; `value` is that of `temperature`.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    id: i64,
    time: i64,
    device: Option<&'static str>,
    note: &'static str,
    value: Option<f64>,
}

impl Told {
    fn row(&self) -> Row {
        let mut values =
            vec![("count", Value::Long(self.id)), ("note", Value::String(self.note.into()))];
        values.extend(self.device.map(|device| ("device_id", Value::String(device.into()))));
        values.extend(self.value.map(|value| ("temperature", Value::Double(value))));
        Row::new(self.time, values)
    }
}

/// What happens after a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
enum After {
    Nothing,
    Flush,
    Restart,
    /// Rows whose number leaves that rest are deleted.
    Delete(i64),
}

fn batch() -> impl Strategy<Value = Vec<Told>> {
    let device = prop::option::weighted(0.95, prop::sample::select(vec!["a", "b", "c"]));
    let note = prop::sample::select(vec!["x", "y"]);
    let row = (0_i64..3, device, note, prop::bool::weighted(0.7));
    let row = row.prop_map(|(time, device, note, has_value)| Told {
        id: 0,
        time: START + time,
        device,
        note,
        value: has_value.then_some(0.0),
    });
    prop::collection::vec(row, 1..12)
}

fn history() -> impl Strategy<Value = Vec<(Vec<Told>, After)>> {
    let after = prop_oneof![
        4 => Just(After::Nothing),
        5 => Just(After::Flush),
        1 => Just(After::Restart),
        1 => (0_i64..3).prop_map(After::Delete),
    ];
    prop::collection::vec((batch(), after), 1..9)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_newest_of_equal_times_is_the_one_that_arrived_last_on_every_endpoint(
        history in history(),
        kept in prop::sample::select(vec![0_u64, 1 << 20]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(play(history, kept));
    }
}

/// Of rows at 0, 0 and 1 hours.
#[tokio::test]
async fn what_takes_the_time_alone_as_its_order_gets_no_other() {
    let world = World::new();
    let rows = [(1, START), (2, START), (3, START + 3_600_000_000)].map(|(id, time)| Told {
        id,
        time,
        device: Some("a"),
        note: "x",
        value: None,
    });
    world.add(&rows.iter().map(Told::row).collect::<Vec<_>>()).await;
    let asked = Asked { table: world.table(), world: &world };
    for (query, expected) in [
        ("SELECT array_length(array_agg(DISTINCT time ORDER BY time)) FROM input", json!([[2]])),
        (
            "SELECT note, array_length(array_agg(DISTINCT time ORDER BY time DESC)), last_value(count ORDER BY time) FROM input GROUP BY note",
            json!([["x", 2, 3]]),
        ),
        (
            "SELECT first_value(count) OVER (ORDER BY time RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL '1 hour' PRECEDING) FROM input ORDER BY time",
            json!([[null], [null], [1]]),
        ),
        (
            "SELECT first_value(count) OVER (ORDER BY time RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL '1 hour' FOLLOWING) FROM input ORDER BY time",
            json!([[1], [1], [1]]),
        ),
        (
            "SELECT first_value(count) OVER (ORDER BY time GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) FROM input ORDER BY time",
            json!([[null], [null], [1]]),
        ),
        (
            "SELECT sum(count) OVER (ORDER BY time RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL '1 hour' PRECEDING) FROM input ORDER BY time",
            json!([[null], [null], [3]]),
        ),
        (
            "SELECT lag(count) OVER (ORDER BY time RANGE BETWEEN INTERVAL '1 hour' PRECEDING AND CURRENT ROW) FROM input ORDER BY time",
            json!([[null], [1], [2]]),
        ),
        (
            "SELECT count(DISTINCT count) OVER (ORDER BY time ROWS UNBOUNDED PRECEDING) FROM input ORDER BY time",
            json!([[1], [2], [3]]),
        ),
    ] {
        assert_eq!(Json::from(asked.sql(query).await), expected, "{query}");
    }
}

async fn play(history: Vec<(Vec<Told>, After)>, kept: u64) {
    let mut world = World::of_small_files(kept);
    let mut rows: Vec<Told> = Vec::new();
    let (mut next, mut filed) = (0, false);
    for (mut batch, after) in history {
        for told in &mut batch {
            next += 1;
            told.id = next;
            told.value = told.value.map(|_| next as f64);
        }
        world.add(&batch.iter().map(Told::row).collect::<Vec<_>>()).await;
        rows.extend(batch);
        match after {
            After::Nothing => {}
            After::Flush => world.flush().await,
            After::Restart => world = world.reopened().await,
            After::Delete(rest) => {
                let gone = delete(&world, &rows, rest).await;
                rows.retain(|told| !gone.contains(&told.id));
            }
        }
        filed |= after != After::Nothing;
    }
    // Files may be merged meanwhile: all questions are about one moment.
    let asked = Asked { table: world.table(), world: &world };
    let order = asked.order(rows, filed).await;
    // The second time rows of devices are at hand.
    for _ in 0..2 {
        asked.data(&order).await;
        asked.sorted(&order).await;
        asked.firsts_and_lasts(&order).await;
        asked.windows(&order).await;
        asked.charts(&order).await;
    }
}

/// Deletes every third row.
async fn delete(world: &World, rows: &[Told], rest: i64) -> Vec<i64> {
    let gone: Vec<i64> =
        rows.iter().map(|told| told.id).filter(|id| id % 3 == rest).take(3).collect();
    for id in &gone {
        let test = ValueTest::Long(Comparator::Eq, *id);
        let condition = RowCondition { field: name::<FieldName>("count"), test };
        let filter = RowFilter { conditions: vec![condition], ..RowFilter::default() };
        let edit = (Edit::DeleteRows(filter), "ada".to_owned());
        let number = world.store.correct(project(), &name("input"), edit).await.expect("ordered");
        world.store.correction_settled(number).await.expect("it is known");
    }
    gone
}

/// What rows are grouped by.
type Key = fn(&Told) -> Option<&'static str>;

struct Asked<'w> {
    world: &'w World,
    table: Table,
}

/// The ids of rows.
fn ids<'t>(rows: impl IntoIterator<Item = &'t Told>) -> Vec<i64> {
    rows.into_iter().map(|told| told.id).collect()
}

/// So many rows of each key, the newest first.
fn newest_per<K: Ord>(order: &[Told], most: usize, key: impl Fn(&Told) -> Option<K>) -> Vec<i64> {
    let mut seen: BTreeMap<K, usize> = BTreeMap::new();
    let kept = order.iter().rev().filter(|told| {
        let Some(key) = key(told) else { return false };
        let seen = seen.entry(key).or_default();
        *seen += 1;
        *seen <= most
    });
    ids(kept)
}

impl Asked<'_> {
    async fn sql(&self, query: &str) -> Vec<Vec<Json>> {
        let scope = Scope { project: project(), tables: vec![self.table.clone()] };
        let answer = self.world.engine.sql(scope, query, Vec::new(), NOW).await;
        let answer = answer.unwrap_or_else(|error| panic!("{error} to {query}"));
        values(&text(answer, Output::Json, TimeFormat::Usec).await)
    }

    async fn sql_ids(&self, query: &str) -> Vec<i64> {
        self.sql(query).await.iter().map(|row| row[0].as_i64().expect("an id")).collect()
    }

    async fn data_ids(&self, params: &[(&str, &str)]) -> Vec<i64> {
        let request = DataRequest::parse(Some("count"), &owned(params), NOW).expect("sound");
        let answer = self.world.engine.data(&self.table, request).await.expect("an answer");
        let rows = values(&text(answer, Output::Json, TimeFormat::Usec).await);
        rows.iter().map(|row| row[1].as_i64().expect("an id")).collect()
    }

    /// All rows in their order.
    async fn order(&self, mut rows: Vec<Told>, filed: bool) -> Vec<Told> {
        rows.sort_by_key(|told| told.time);
        let found = self.sql_ids("SELECT count FROM input ORDER BY time").await;
        if !filed {
            assert_eq!(found, ids(&rows), "in memory all rows are in the order of arrival");
        }
        for device in [None, Some("a"), Some("b"), Some("c")] {
            let of = |id: &&i64| rows.iter().any(|told| told.id == **id && told.device == device);
            let of_device = rows.iter().filter(|told| told.device == device);
            let found: Vec<i64> = found.iter().filter(of).copied().collect();
            assert_eq!(found, ids(of_device), "{device:?}");
        }
        let place = |told: &Told| found.iter().position(|id| *id == told.id);
        rows.sort_by_key(|told| (told.time, place(told)));
        assert_eq!(found, ids(&rows), "all rows are there, by time");
        rows
    }

    async fn data(&self, order: &[Told]) {
        let newest: Vec<i64> = ids(order.iter().rev());
        assert_eq!(self.data_ids(&[]).await, newest);
        for limit in 1..5 {
            let found = self.data_ids(&[("limit", &limit.to_string())]).await;
            assert_eq!(found, newest[..limit.min(newest.len())], "limit {limit}");
        }
        for device in ["a", "b"] {
            let of = ids(order.iter().rev().filter(|told| told.device == Some(device)));
            let condition = format!("eq(device_id,{device})");
            for limit in [1, 2, 3, 2000] {
                let params = [("where", condition.as_str()), ("limit", &limit.to_string())];
                assert_eq!(self.data_ids(&params).await, of[..limit.min(of.len())], "{params:?}");
            }
        }
        for most in [1, 2, 3] {
            for (field, expected) in [
                ("device_id", newest_per(order, most, |told| told.device)),
                ("note", newest_per(order, most, |told| Some(told.note))),
            ] {
                let by = format!("{field},{most}");
                assert_eq!(self.data_ids(&[("limit_by", &by)]).await, expected, "{by}");
                let found = self.data_ids(&[("limit_by", &by), ("limit", "1")]).await;
                assert_eq!(found, expected.iter().copied().take(1).collect::<Vec<_>>(), "{by}");
            }
        }
        let request = ExportRequest::parse(None, Some("count"), &owned(&[("limit", "2")]));
        let request = request.expect("a sound request");
        let answer = self.world.engine.exports(project(), &self.table, request).await;
        let reply = text(answer.expect("an answer"), Output::Json, TimeFormat::Usec).await;
        let reply: Json = serde_json::from_str(&reply).expect("JSON");
        let mut found = Vec::new();
        for series in reply["result"].as_array().into_iter().flatten() {
            let points = series["data"].as_array().into_iter().flatten();
            found.extend(points.filter_map(|point| point["value"].as_i64()));
        }
        let mut expected = Vec::new();
        for device in ["a", "b", "c"] {
            let mut of = ids(order.iter().rev().filter(|told| told.device == Some(device)).take(2));
            of.reverse();
            expected.extend(of);
        }
        assert_eq!(found, expected, "{reply}");
    }

    async fn sorted(&self, order: &[Told]) {
        let all = ids(order);
        let newest: Vec<i64> = all.iter().rev().copied().collect();
        let first = |rows: &[i64], skip: usize, most: usize| -> Vec<i64> {
            rows.iter().copied().skip(skip).take(most).collect()
        };
        for (query, expected) in [
            ("SELECT count FROM input ORDER BY time DESC", newest.clone()),
            ("SELECT count FROM input ORDER BY time DESC LIMIT 1", first(&newest, 0, 1)),
            ("SELECT count FROM input ORDER BY time DESC LIMIT 2 OFFSET 1", first(&newest, 1, 2)),
            ("SELECT count FROM input ORDER BY time LIMIT 3 OFFSET 2", first(&all, 2, 3)),
            (
                "SELECT c FROM (SELECT count AS c, time AS t FROM input) ORDER BY t DESC LIMIT 2",
                first(&newest, 0, 2),
            ),
            (
                "SELECT c FROM (SELECT count AS c, time AS t FROM input ORDER BY time DESC LIMIT 2) ORDER BY t LIMIT 1",
                first(&newest, 0, 2).into_iter().rev().take(1).collect(),
            ),
            (
                "WITH r AS (SELECT * FROM input WHERE count > 0) SELECT x.count FROM r AS x ORDER BY x.time DESC LIMIT 3",
                first(&newest, 0, 3),
            ),
            (
                "SELECT count FROM input WHERE note = 'x' ORDER BY time DESC LIMIT 2",
                ids(order.iter().rev().filter(|told| told.note == "x").take(2)),
            ),
            (
                "SELECT count FROM input WHERE device_id = 'a' ORDER BY time DESC LIMIT 2",
                ids(order.iter().rev().filter(|told| told.device == Some("a")).take(2)),
            ),
            (
                "SELECT count FROM input WHERE device_id = 'a' AND note <> 'q' ORDER BY time LIMIT 2",
                ids(order.iter().filter(|told| told.device == Some("a")).take(2)),
            ),
            (
                "SELECT i.count FROM input i JOIN (VALUES ('x', 1), ('y', 2)) AS n(name, number) ON i.note = n.name ORDER BY i.time DESC LIMIT 3",
                first(&newest, 0, 3),
            ),
            (
                "SELECT count FROM (SELECT count, time FROM input WHERE note = 'x' UNION ALL SELECT count, time FROM input WHERE note = 'y') ORDER BY time DESC LIMIT 3",
                first(&newest, 0, 3),
            ),
        ] {
            assert_eq!(self.sql_ids(query).await, expected, "{query}");
        }
        let mut by_device = order.to_vec();
        by_device.reverse();
        by_device.retain(|told| told.device.is_some());
        by_device.sort_by_key(|told| told.device);
        let query =
            "SELECT count FROM input WHERE device_id IS NOT NULL ORDER BY device_id, time DESC";
        assert_eq!(self.sql_ids(query).await, ids(&by_device), "{query}");
        let mut by_time = order.to_vec();
        by_time.reverse();
        by_time.sort_by_key(|told| (std::cmp::Reverse(told.time), told.note));
        let query = "SELECT count FROM input ORDER BY time DESC, note";
        assert_eq!(self.sql_ids(query).await, ids(&by_time), "{query}");
    }

    async fn firsts_and_lasts(&self, order: &[Told]) {
        let forms = "first_value(count ORDER BY time), last_value(count ORDER BY time), first(temperature, time), last(temperature, time), first_value(count ORDER BY time DESC), array_agg(count ORDER BY time)";
        let keys: [(&str, Key); 3] = [
            ("'all'", |_| Some("all")),
            ("device_id", |told| told.device),
            ("note", |told| Some(told.note)),
        ];
        for (key, of) in keys {
            let query = format!("SELECT {key} AS k, {forms} FROM input GROUP BY 1");
            let found = self.sql(&query).await;
            for line in found {
                let rows: Vec<&Told> =
                    order.iter().filter(|told| of(told) == line[0].as_str()).collect();
                let valued: Vec<f64> = rows.iter().filter_map(|told| told.value).collect();
                let (first, last) = (rows[0].id, rows[rows.len() - 1].id);
                let expected = json!([
                    line[0],
                    first,
                    last,
                    valued.first(),
                    valued.last(),
                    last,
                    ids(rows.iter().copied())
                ]);
                assert_eq!(with_list(&line), expected, "{query}");
            }
            let query = format!("SELECT last(count, time) FROM input GROUP BY {key}");
            let mut found = self.sql_ids(&query).await;
            found.sort_unstable();
            let mut last: BTreeMap<Option<&str>, i64> = BTreeMap::new();
            last.extend(order.iter().map(|told| (of(told), told.id)));
            let mut expected: Vec<i64> = last.into_values().collect();
            expected.sort_unstable();
            assert_eq!(found, expected, "{query}");
        }
        let mut last = newest_per(order, 1, |told| Some(told.device));
        last.sort_unstable();
        for query in [
            "SELECT DISTINCT ON (device_id) count FROM input ORDER BY device_id, time DESC",
            "SELECT count FROM (SELECT *, row_number() OVER (PARTITION BY device_id ORDER BY time DESC) AS n FROM input) WHERE n = 1",
        ] {
            let mut found = self.sql_ids(query).await;
            found.sort_unstable();
            assert_eq!(found, last, "{query}");
        }
        for device in ["a", "b", "c"] {
            let latest = self.world.engine.latest(&self.table, device).await.expect("an answer");
            let of = |field: &str| latest.iter().find(|it| it.field.as_str() == field);
            let rows = || order.iter().rev().filter(|told| told.device == Some(device));
            let id = rows().next().map(|told| Value::Long(told.id));
            assert_eq!(of("count").map(|it| it.value.clone()), id, "{device}");
            let value = rows().find_map(|told| told.value).map(Value::Double);
            assert_eq!(of("temperature").map(|it| it.value.clone()), value, "{device}");
        }
    }

    async fn windows(&self, order: &[Told]) {
        let query = "SELECT count, row_number() OVER (ORDER BY time), lag(count) OVER (ORDER BY time), lead(count) OVER (ORDER BY time), rank() OVER (ORDER BY time), first_value(count) OVER (ORDER BY time), sum(1) OVER (ORDER BY time), last_value(count) OVER (ORDER BY time ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM input ORDER BY time";
        for (at, line) in self.sql(query).await.into_iter().enumerate() {
            let id = |at: Option<usize>| at.and_then(|at| order.get(at)).map(|told| told.id);
            let before = order.iter().filter(|told| told.time < order[at].time).count();
            let up_to = order.iter().filter(|told| told.time <= order[at].time).count();
            let expected = json!([
                id(Some(at)),
                at + 1,
                id(at.checked_sub(1)),
                id(Some(at + 1)),
                before + 1,
                id(Some(0)),
                up_to,
                id(order.len().checked_sub(1))
            ]);
            assert_eq!(Json::from(line), expected, "{query}");
        }
        for (sign, is_match) in [
            (">=", i64::le as fn(&i64, &i64) -> bool),
            ("<=", i64::ge),
            (">", i64::lt),
            ("<", i64::gt),
        ] {
            let query = format!(
                "SELECT l.count, r.count FROM input l ASOF JOIN input r MATCH_CONDITION (l.time {sign} r.time) ON l.device_id = r.device_id"
            );
            for line in self.sql(&query).await {
                let left = order.iter().find(|told| Some(told.id) == line[0].as_i64());
                let left = left.expect("a row of the left");
                let fits = |told: &&Told| {
                    left.device.is_some()
                        && told.device == left.device
                        && is_match(&told.time, &left.time)
                };
                let near = order.iter().filter(fits).map(|told| told.time);
                let time = if sign.starts_with('>') { near.max() } else { near.min() };
                let right = order.iter().rev().filter(fits).find(|told| Some(told.time) == time);
                assert_eq!(line[1].as_i64(), right.map(|told| told.id), "{query}: {left:?}");
            }
        }
    }

    async fn charts(&self, order: &[Told]) {
        for (operator, bucket) in [("first", "all"), ("last", "all"), ("", "raw"), ("", "auto")] {
            let mut asked = json!({ "fields": ["count"], "bucket": bucket });
            if !operator.is_empty() {
                asked["operator"] = operator.into();
            }
            let request: SeriesRequest = serde_json::from_value(asked).expect("a request");
            let answer = self.world.engine.series(&self.table, request).await.expect("an answer");
            for series in answer.series {
                let of = order.iter().filter(|told| told.device == series.device.as_deref());
                let all = ids(of);
                let expected = match operator {
                    "first" => all[..1].to_vec(),
                    "last" => all[all.len() - 1..].to_vec(),
                    _ => all,
                };
                assert_eq!(series.values, Points::Long(expected), "{operator} {bucket}");
            }
        }
    }
}

/// A line whose last value is a list, however that is written.
fn with_list(line: &[Json]) -> Json {
    let mut line = line.to_vec();
    if let Some(text) = line.last().and_then(Json::as_str) {
        let list = serde_json::from_str(text).expect("a list");
        line.pop();
        line.push(list);
    }
    Json::from(line)
}

fn values(json: &str) -> Vec<Vec<Json>> {
    let reply: Json = serde_json::from_str(json).unwrap_or_else(|_| panic!("{json}"));
    let rows = reply["result"][0]["values"].as_array().cloned().unwrap_or_default();
    rows.into_iter().map(|row| row.as_array().cloned().unwrap_or_default()).collect()
}
