//! The last row of each device is the one a look at all rows finds, whatever came late, twice or never.

use std::collections::BTreeMap;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{Float64Type, TimestampMicrosecondType};
use iobeam_model::{Batch, Bitmap, Column, FieldName, NamespaceName, Texts, Values};
use iobeam_store::Settings;
use proptest::prelude::*;

use crate::rig::{Rig, name, one, settings};

/// Device, time, and a value that no other row has.
type Row = (Option<&'static str>, i64, f64);

/// Each device's last row: its time and value.
type Last = BTreeMap<String, (i64, f64)>;

fn batch(rows: &[Row]) -> Batch {
    let (mut texts, mut present) = (Texts::new(), Bitmap::new());
    for (device, ..) in rows {
        present.push(device.is_some());
        match device {
            Some(device) => texts.push(device),
            None => texts.push_missing(),
        }
    }
    let devices = Column::new(FieldName::device_id(), Values::String(texts), Some(present));
    let values = Values::Double(rows.iter().map(|row| row.2).collect());
    let values = Column::new(name("value"), values, None).expect("numbers");
    let times = rows.iter().map(|row| row.1).collect();
    let columns = vec![devices.expect("texts"), values];
    Batch::new(NamespaceName::input(), times, columns).expect("a batch")
}

fn read(rows: &RecordBatch) -> Last {
    let mut last = Last::new();
    let (Some(devices), Some(values)) =
        (rows.column_by_name("device_id"), rows.column_by_name("value"))
    else {
        assert_eq!(rows.num_rows(), 0);
        return last;
    };
    let devices = devices.as_string_view();
    let times = rows.column(0).as_primitive::<TimestampMicrosecondType>();
    let values = values.as_primitive::<Float64Type>();
    for row in 0..rows.num_rows() {
        assert!(devices.is_valid(row), "a row without a device is nobody's last");
        let place = (times.value(row), values.value(row));
        assert!(last.insert(devices.value(row).to_owned(), place).is_none(), "twice");
    }
    last
}

/// Of equal times the row that came last.
fn model(rows: &[Row]) -> Last {
    let mut last = Last::new();
    for (device, time, value) in rows {
        let Some(device) = device else { continue };
        let known = last.entry((*device).to_owned()).or_insert((*time, *value));
        if *time >= known.0 {
            *known = (*time, *value);
        }
    }
    last
}

fn agrees(rig: &Rig, rows: &[Row]) -> Result<(), TestCaseError> {
    let snapshot = rig.snapshot();
    if rows.is_empty() {
        return Ok(());
    }
    let last = snapshot.last_rows().map(|rows| read(&rows));
    let expected = model(rows);
    prop_assert_eq!(last.as_ref(), Some(&expected));
    for device in ["a", "b", "a device with a long name", "nobody"] {
        let one = snapshot.last_row(device).map(|rows| read(&rows)).unwrap_or_default();
        prop_assert_eq!(one.get(device), expected.get(device));
        prop_assert!(one.len() <= 1);
    }
    Ok(())
}

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<(Option<&'static str>, i64)>, usize),
    Flush,
    Reopen,
    Look,
}

fn step() -> impl Strategy<Value = Step> {
    let device = prop::option::weighted(
        0.9,
        prop::sample::select(vec!["a", "b", "a device with a long name", "c"]),
    );
    // Times that are often equal, and now and then far off.
    let time = prop_oneof![8 => 0_i64..12, 1 => Just(i64::MIN), 1 => Just(i64::MAX)];
    let rows = prop::collection::vec((device, time), 1..40);
    // Now and then so many rows that their chunk is left alone.
    let repeats = prop_oneof![9 => Just(1_usize), 1 => Just(300)];
    prop_oneof![
        6 => (rows, repeats).prop_map(|(rows, repeats)| Step::Write(rows, repeats)),
        3 => Just(Step::Flush),
        1 => Just(Step::Reopen),
        3 => Just(Step::Look),
    ]
}

async fn play(seed: u64, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let small = Settings { row_group_rows: 100, merge_files: 2, ..settings() };
    let mut rig = Rig::with(seed, small);
    let mut rows: Vec<Row> = Vec::new();
    for step in steps {
        match step {
            Step::Write(some, repeats) => {
                let start = rows.len();
                let many = some.iter().cycle().take(some.len() * repeats);
                rows.extend(
                    many.zip(start..).map(|((device, time), at)| (*device, *time, at as f64)),
                );
                rig.stored(one(batch(&rows[start..]))).await;
            }
            Step::Flush => rig.store().flush().await.expect("flushed"),
            Step::Reopen => rig.open(),
            Step::Look => agrees(&rig, &rows)?,
        }
    }
    agrees(&rig, &rows)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn the_last_rows_are_those_that_a_look_at_all_rows_finds(
        seed in any::<u64>(), steps in prop::collection::vec(step(), 1..20)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(play(seed, steps))?;
    }
}

#[tokio::test]
async fn a_snapshot_keeps_the_last_rows_of_its_moment() {
    let rig = Rig::new(1);
    rig.stored(one(batch(&[(Some("a"), 1, 1.0)]))).await;
    let before = rig.snapshot();
    rig.stored(one(batch(&[(Some("a"), 2, 2.0)]))).await;
    rig.store().flush().await.expect("flushed");
    let after = rig.snapshot();
    for _ in 0..2 {
        assert_eq!(read(&after.last_rows().expect("known"))["a"], (2, 2.0));
        assert_eq!(read(&before.last_rows().expect("known"))["a"], (1, 1.0));
    }
}

#[tokio::test]
async fn without_room_there_are_no_last_rows() {
    let rig = Rig::with(1, Settings { last_value_cache_bytes: 100, ..settings() });
    let rows: Vec<Row> =
        (0..9000_u16).map(|at| (Some("a"), i64::from(at), f64::from(at))).collect();
    rig.stored(one(batch(&rows))).await;
    rig.store().flush().await.expect("flushed");
    assert!(rig.snapshot().last_rows().is_none());
    assert!(rig.snapshot().last_row("a").is_none(), "it does not fit the second time either");
}

#[tokio::test]
async fn where_retention_takes_rows_away_they_are_nobodys_last() {
    let rig = Rig::new(1);
    rig.stored(one(batch(&[(Some("a"), 1, 1.0), (Some("b"), 1, 2.0)]))).await;
    rig.store().flush().await.expect("flushed");
    rig.stored(one(batch(&[(Some("b"), 9, 3.0)]))).await;
    rig.store().flush().await.expect("flushed");
    assert_eq!(read(&rig.snapshot().last_rows().expect("known")).len(), 2);
    let until = iobeam_model::Timestamp::from_micros(5);
    rig.store().retain(crate::rig::project(), &NamespaceName::input(), until).await.expect("gone");
    let last = read(&rig.snapshot().last_rows().expect("known"));
    assert_eq!(last, Last::from([("b".to_owned(), (9, 3.0))]));
}
