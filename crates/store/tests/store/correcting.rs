//! Corrections: rows that are deleted and fields that change, as a whole or not at all, whatever happens in between.

use std::collections::BTreeMap;
use std::time::Duration;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampMicrosecondType};
use iobeam_model::{
    Batch, BatchId, Column, FieldName, FieldType, NamespaceName, Texts, Timestamp, Value, Values,
};
use iobeam_store::edit::{Comparator, RowCondition, RowFilter, ValueTest};
use iobeam_store::{Correction, CorrectionState, Edit, Poll, StoreError, Write};
use iobeam_testkit::{Fault, Operation};

use crate::repeats::of_block;
use crate::rig::{
    Rig, Rows, batch, expected, hashed, incoming, name, numbered, one, project, read, settings,
};

fn input() -> NamespaceName {
    NamespaceName::input()
}

/// Rows of a device up to a time.
fn of_device(device: &str, to: i64) -> Edit {
    let test = ValueTest::OneOf(vec![device.into()]);
    let conditions = vec![RowCondition { field: FieldName::device_id(), test }];
    Edit::DeleteRows(RowFilter { from: None, to: Some(to), conditions })
}

async fn order(rig: &Rig, edit: Edit) -> Result<u64, StoreError> {
    order_in(rig, &input(), edit).await
}

pub(crate) async fn order_in(
    rig: &Rig,
    table: &NamespaceName,
    edit: Edit,
) -> Result<u64, StoreError> {
    rig.store().correct(project(), table, (edit, "ada".to_owned())).await
}

/// Waits until a correction has ended, and shows it where that is to be done.
pub(crate) async fn ended(rig: &Rig, number: u64) -> Correction {
    for _ in 0..200 {
        let settled = rig.store().correction_settled(number);
        let Ok(settled) = tokio::time::timeout(Duration::from_millis(300), settled).await else {
            // It failed and waits for another try.
            rig.disk.heal();
            rig.clock.advance(Duration::from_secs(11));
            continue;
        };
        let settled = settled.expect("it is known");
        if settled.state != CorrectionState::Ready {
            return settled;
        }
        let shown = rig.store().switch_correction(number).await;
        if shown.is_err() || rig.store().end_correction(number).await.is_err() {
            rig.disk.heal();
        }
    }
    panic!("correction {number} does not end: {:?}", rig.store().corrections(project(), &input()));
}

async fn corrected(rig: &Rig, edit: Edit) -> Correction {
    let number = order(rig, edit).await.expect("it is ordered");
    let ended = ended(rig, number).await;
    assert_eq!(ended.state, CorrectionState::Done, "{ended:?}");
    ended
}

/// Ends what an earlier process ordered.
pub(crate) async fn resumed(rig: &Rig) {
    for open in rig.store().open_corrections() {
        ended(rig, open.number).await;
    }
}

/// Rows of two devices in files and in memory.
async fn furnish(rig: &Rig) {
    for (times, value, device) in
        [([1, 2], 1.0, "a"), ([3, 4], 2.0, "b"), ([5, 6], 3.0, "a"), ([7, 8], 4.0, "a")]
    {
        rig.stored(one(batch(device, &times, value))).await;
        if value < 3.0 {
            rig.store().flush().await.expect("flushed");
        }
    }
}

fn all() -> Rows {
    expected([
        ("a", &[1, 2][..], 1.0),
        ("b", &[3, 4][..], 2.0),
        ("a", &[5, 6][..], 3.0),
        ("a", &[7, 8][..], 4.0),
    ])
}

/// What is left when the rows of `a` up to 7 are gone.
fn rest() -> Rows {
    expected([("b", &[3, 4][..], 2.0), ("a", &[8][..], 4.0)])
}

#[tokio::test]
async fn rows_that_match_are_deleted_wherever_they_are_and_no_others() {
    let mut rig = Rig::new(1);
    furnish(&rig).await;
    let (looked, filter) = (rig.snapshot(), of_device("a", 7));
    let Edit::DeleteRows(rows) = &filter else { panic!("rows") };
    let count = |rig: &Rig| rig.store().count_rows(project(), &input(), rows).expect("counted");
    assert_eq!(count(&rig), 5);
    let done = corrected(&rig, filter.clone()).await;
    assert_eq!((done.rows, done.by.as_str()), (5, "ada"));
    assert_eq!((rig.rows(), count(&rig)), (rest(), 0));
    assert_eq!(crate::rig::rows(&rig.disk, &looked), all(), "who looked before sees it as it was");
    let last = rig.snapshot().last_row("a").expect("known");
    assert_eq!(last.column(0).as_primitive::<TimestampMicrosecondType>().value(0), 8);
    drop(looked);
    rig.cut();
    assert_eq!(rig.rows(), rest());
    assert_eq!(corrected(&rig, filter).await.rows, 0, "done again, it finds nothing");
    assert!(rig.opened.damage.is_empty() && rig.opened.set_aside.is_empty(), "{:?}", rig.opened);
}

#[tokio::test]
async fn deleted_rows_do_not_come_back_when_they_are_sent_again_and_later_rows_stay() {
    let mut rig = Rig::new(2);
    rig.stored(numbered(batch("a", &[1, 2], 1.0), 1, 7)).await;
    rig.stored(hashed(batch("a", &[3], 2.0), 99)).await;
    corrected(&rig, of_device("a", 100)).await;
    assert_eq!(rig.rows(), Rows::new());
    for _ in 0..2 {
        assert!(rig.stored(numbered(batch("a", &[1, 2], 1.0), 1, 7)).await.repeat);
        assert!(rig.stored(hashed(batch("a", &[3], 2.0), 99)).await.repeat);
        assert_eq!(rig.rows(), Rows::new());
        rig.cut();
    }
    rig.stored(numbered(batch("a", &[1, 2], 1.0), 1, 8)).await;
    let later = expected([("a", &[1, 2][..], 1.0)]);
    assert_eq!(rig.rows(), later, "the same rows under another number");
    rig.cut();
    resumed(&rig).await;
    assert_eq!(rig.rows(), later);
}

/// A batch that is named by what is in it.
pub(crate) fn content(batch: Batch, number: u8, counter: u64) -> Write {
    let stream = BatchId::content_stream(u128::from(number));
    let batches = vec![incoming(batch, Some(BatchId { stream, counter }))];
    Write { batches, ..one(crate::rig::batch("a", &[], 0.0)) }
}

#[tokio::test]
async fn of_a_table_that_is_written_again_the_deleted_rows_are_stored_again_and_each_row_once() {
    let mut rig = Rig::new(12);
    let write = || content(batch("a", &[1, 2, 3], 1.0), 1, 0);
    let all = expected([("a", &[1, 2, 3][..], 1.0)]);
    assert!(!rig.stored(write()).await.repeat);
    assert!(rig.stored(write()).await.repeat);
    for to in [2, 100, 1] {
        corrected(&rig, of_device("a", to)).await;
        let left: Vec<i64> = (1..=3).filter(|time| *time > to).collect();
        assert_eq!(rig.rows(), expected([("a", &left[..], 1.0)]));
        rig.cut();
        resumed(&rig).await;
        assert!(!rig.stored(write()).await.repeat, "rows up to {to} come back");
        assert_eq!(rig.rows(), all);
        corrected(&rig, of_device("a", 0)).await;
        for _ in 0..2 {
            assert!(rig.stored(write()).await.repeat, "and are there then");
            rig.cut();
        }
        assert_eq!(rig.rows(), all);
    }
}

#[tokio::test]
async fn what_came_before_a_deletion_is_told_by_its_order_and_not_by_clocks() {
    let mut rig = Rig::new(16);
    let write = |counter| content(batch("a", &[1, 2], 1.0), 1, counter);
    for round in 0..4 {
        assert!(!rig.stored(write(round)).await.repeat);
        rig.store().drop_tables(project(), Some(&input())).await.expect("dropped");
        // Within the same second, or an hour earlier by the clock.
        if round % 2 > 0 {
            rig.clock.set(Timestamp::from_micros(1_000_000));
        }
        if round > 1 {
            rig.open();
        }
        assert!(!rig.stored(write(round)).await.repeat, "the rows are gone");
        rig.cut();
        assert!(rig.stored(write(round)).await.repeat, "and came again");
        assert_eq!(rig.rows(), expected([("a", &[1, 2][..], 1.0)]));
        corrected(&rig, of_device("a", 100)).await;
    }
}

#[tokio::test]
async fn a_table_that_comes_while_a_deletion_is_being_ordered_comes_before_it_or_after_it() {
    for seed in 0..4u8 {
        let rig = Rig::new(30 + u64::from(seed));
        // It takes a while to put these into files, which a deletion waits for.
        let many: Vec<i64> = (0..50_000).map(|time| 1_000 + time).collect();
        rig.stored(one(batch("b", &many, 1.0))).await;
        let write = |counter: u64| {
            let time = i64::try_from(counter).expect("few");
            content(batch("a", &[10 + time], 1.0), seed, counter)
        };
        let arriving = async {
            for counter in 0..8 {
                while let Err(error) = rig.write(write(counter)).await {
                    assert!(matches!(error, StoreError::Deleting { .. }), "{error}");
                    tokio::task::yield_now().await;
                }
            }
        };
        let (number, ()) = tokio::join!(order(&rig, of_device("a", 100)), arriving);
        ended(&rig, number.expect("ordered")).await;
        let stored = rig.snapshot().rows();
        let mut repeats = 0;
        for counter in 0..8 {
            repeats += u64::from(rig.stored(write(counter)).await.repeat);
        }
        assert_eq!(stored, 50_000 + repeats, "what is there is not stored again");
        assert_eq!(rig.snapshot().rows(), 50_000 + 8, "what is not there is");
    }
}

#[tokio::test]
async fn rows_that_are_being_deleted_are_told_to_come_again_until_it_is_certain() {
    let rig = Rig::new(17);
    let write = |device, number| content(batch(device, &[1, 2], 1.0), number, 0);
    rig.stored(write("a", 1)).await;
    rig.stored(write("b", 2)).await;
    rig.store().flush().await.expect("flushed");
    rig.disk.fail(Operation::Open, 0, Fault::Io);
    let number = order(&rig, of_device("a", 1)).await.expect("ordered");
    rig.until("it failed once", |rig| {
        rig.store().open_corrections().iter().any(|one| one.problem.is_some())
    })
    .await;
    let refused = rig.write(write("a", 1)).await;
    assert!(matches!(refused, Err(StoreError::Deleting { .. })), "{refused:?}");
    assert!(rig.stored(write("b", 2)).await.repeat, "of which no row is meant");
    assert_eq!(rig.snapshot().rows(), 4);
    ended(&rig, number).await;
    assert_eq!(rig.snapshot().rows(), 3);
    assert!(!rig.stored(write("a", 1)).await.repeat);
    assert!(rig.stored(write("a", 1)).await.repeat);
    assert_eq!(rig.snapshot().rows(), 4);
}

#[tokio::test]
async fn a_few_deleted_rows_of_a_file_that_was_followed_come_back_whichever_cuts_are_known() {
    let rig = Rig::new(18);
    for row in 0..900 {
        rig.stored(of_block(row, row + 1)).await;
    }
    let times = RowFilter { from: Some(896), to: Some(898), conditions: Vec::new() };
    corrected(&rig, Edit::DeleteRows(times)).await;
    let namespace = input();
    for round in 0..2 {
        let known = rig.store().known_batches(project(), &namespace, BatchId::content_stream(9));
        let mut after = 0;
        for known in known.await.expect("told").into_iter().rev() {
            let upto = known.counter >> BatchId::HASH_BITS;
            assert!(known.is_deleted_from || round > 0 && upto >= 896, "{round}: {upto}");
            rig.stored(of_block(after, upto)).await;
            after = upto;
        }
        let all: Vec<i64> = (1..=900).collect();
        assert_eq!(rig.rows(), expected([("d", &all[..], 1.0)]), "round {round}");
    }
}

#[tokio::test]
async fn a_table_is_stored_again_in_a_namespace_that_was_emptied() {
    let mut rig = Rig::new(13);
    let write = |number, counter| content(batch("a", &[1, 2], 1.0), number, counter);
    for reopened in [false, true] {
        assert!(!rig.stored(write(1, 0)).await.repeat);
        assert!(!rig.stored(write(1, 1)).await.repeat);
        rig.store().drop_tables(project(), Some(&input())).await.expect("dropped");
        assert!(!rig.stored(write(2, u64::from(reopened))).await.repeat, "later than the deletion");
        if reopened {
            rig.cut();
        }
        assert!(rig.stored(write(2, u64::from(reopened))).await.repeat);
        assert!(!rig.stored(write(1, 0)).await.repeat);
        assert!(!rig.stored(write(1, 1)).await.repeat);
        rig.open();
        assert!(rig.stored(write(1, 1)).await.repeat);
        assert_eq!(rig.snapshot().rows(), 6);
        rig.store().drop_tables(project(), None).await.expect("dropped");
        let namespace = input();
        let known = async |stream| {
            let known = rig.store().known_batches(project(), &namespace, stream);
            let known = known.await.expect("told").into_iter();
            known.map(|known| (known.counter, known.is_deleted_from)).collect::<Vec<_>>()
        };
        assert_eq!(known(BatchId::content_stream(1)).await, [(1, true), (0, true)]);
        assert_eq!(known([9; 16]).await, []);
    }
}

#[tokio::test]
async fn what_could_not_be_synced_of_a_table_that_came_again_comes_back_with_the_next_try() {
    let rig = Rig::new(14);
    let write = || content(batch("a", &[1, 2], 1.0), 1, 0);
    rig.stored(write()).await;
    corrected(&rig, of_device("a", 1)).await;
    rig.disk.fail(Operation::Sync, 0, Fault::Io);
    assert!(rig.write(write()).await.is_err());
    rig.disk.heal();
    let mut stored = rig.write(write()).await;
    for _ in 0..50 {
        if stored.is_ok() {
            break;
        }
        rig.wait(Duration::from_secs(1)).await;
        stored = rig.write(write()).await;
    }
    assert!(!stored.expect("stored").repeat);
    assert_eq!(rig.rows(), expected([("a", &[1, 2][..], 1.0)]), "each row once");
}

#[tokio::test]
async fn who_follows_a_namespace_finds_a_gap_and_never_a_deleted_row() {
    let rig = Rig::new(3);
    rig.stored(one(batch("a", &[1], 1.0))).await;
    let mut follower = rig.store().follow(project(), &input(), None);
    let start = follower.point();
    rig.stored(one(batch("a", &[2], 1.0))).await;
    corrected(&rig, of_device("a", 2)).await;
    assert!(matches!(follower.take(10), Poll::Gap { .. }));
    let mut back = rig.store().follow(project(), &input(), Some(start));
    assert!(matches!(back.take(10), Poll::Gap { .. }));
    rig.stored(one(batch("a", &[3], 1.0))).await;
    let Poll::Rows { parts, .. } = back.take(10) else { panic!("rows") };
    assert_eq!(parts.iter().map(RecordBatch::num_rows).sum::<usize>(), 1);
}

#[tokio::test]
async fn conditions_compare_as_numbers_strings_and_booleans_do() {
    let rig = Rig::new(4);
    for (time, value) in [(1, -0.0), (2, 0.0), (3, 1.5), (4, 2.0)] {
        rig.stored(one(batch("a", &[time], value))).await;
    }
    let count = |test: ValueTest| {
        let conditions = vec![RowCondition { field: name("value"), test }];
        let filter = RowFilter { conditions, ..RowFilter::default() };
        rig.store().count_rows(project(), &input(), &filter).expect("counted")
    };
    let double = |how, number: f64| count(ValueTest::Double(how, number.to_bits()));
    assert_eq!(double(Comparator::Eq, 0.0), 2);
    assert_eq!(double(Comparator::Gt, -0.0), 2);
    assert_eq!(double(Comparator::Le, 1.5), 3);
    assert_eq!(count(ValueTest::Present), 4);
    assert_eq!(count(ValueTest::Never), 0);
    assert_eq!(count(ValueTest::Long(Comparator::Ge, 0)), 0, "another type");
}

#[tokio::test]
async fn a_deletion_is_made_as_a_whole_or_not_at_all_wherever_the_process_or_the_power_ends() {
    for after in (0..260).step_by(3) {
        let mut rig = Rig::new(100 + after);
        furnish(&rig).await;
        rig.disk.die_after(after);
        let ordered = order(&rig, of_device("a", 7)).await;
        if let Ok(number) = ordered {
            let settled = rig.store().correction_settled(number);
            let _ = tokio::time::timeout(Duration::from_millis(20), settled).await;
        }
        rig.disk = if after % 2 == 0 { rig.disk.cut() } else { rig.disk.crash() };
        rig.open();
        resumed(&rig).await;
        let found = rig.rows();
        let whole = found == rest() || (ordered.is_err() && found == all());
        assert!(whole, "after {after} operations, ordered {ordered:?}: {found:?}");
        rig.store().flush().await.expect("flushed");
        rig.cut();
        assert_eq!(rig.rows(), found, "after {after} operations");
        assert!(rig.opened.damage.is_empty(), "after {after}: {:?}", rig.opened.damage);
    }
}

#[tokio::test]
async fn a_deletion_is_made_as_a_whole_or_not_at_all_whichever_operation_fails() {
    let operations = [
        Operation::Create,
        Operation::Write,
        Operation::Sync,
        Operation::SyncDir,
        Operation::Rename,
        Operation::Read,
    ];
    for (seed, operation) in (1000..).zip(operations) {
        for after in 0..8 {
            let mut rig = Rig::new(seed * 10 + after);
            furnish(&rig).await;
            rig.disk.fail(operation, after, Fault::Io);
            let ordered = order(&rig, of_device("a", 7)).await;
            if let Ok(number) = ordered {
                assert_eq!(ended(&rig, number).await.state, CorrectionState::Done);
                assert_eq!(rig.rows(), rest(), "{operation:?} {after}");
            } else {
                assert_eq!(rig.rows(), all(), "{operation:?} {after}");
            }
            rig.disk.heal();
            rig.cut();
            resumed(&rig).await;
            let found = rig.rows();
            let whole = found == rest() || (ordered.is_err() && found == all());
            assert!(whole, "{operation:?} {after}: {found:?}");
        }
    }
}

#[tokio::test]
async fn rows_that_are_stored_while_a_deletion_waits_for_another_try_stay() {
    for restart in [false, true] {
        let mut rig = Rig::with(7, iobeam_store::Settings { merge_files: 4, ..settings() });
        furnish(&rig).await;
        rig.store().flush().await.expect("flushed");
        rig.disk.fail(Operation::Open, 0, Fault::Io);
        let number = order(&rig, of_device("a", 7)).await.expect("ordered");
        rig.until("it failed once", |rig| {
            rig.store().open_corrections().iter().any(|one| one.problem.is_some())
        })
        .await;
        assert_eq!(rig.rows(), all());
        rig.disk.heal();
        for round in 0..4_u8 {
            rig.stored(one(batch("a", &[1, 2], 9.0 + f64::from(round)))).await;
            rig.store().flush().await.expect("flushed");
        }
        if restart {
            rig.cut();
        }
        ended(&rig, number).await;
        let mut after = rest();
        after.extend(expected((0..4_u8).map(|round| ("a", &[1, 2][..], 9.0 + f64::from(round)))));
        assert_eq!(rig.rows(), after, "restart: {restart}");
    }
}

#[tokio::test]
async fn files_are_merged_again_after_a_deletion_and_later_rows_with_the_same_times_stay() {
    let mut rig = Rig::with(5, iobeam_store::Settings { merge_files: 2, ..settings() });
    for round in 0..6_i64 {
        rig.stored(one(batch("a", &[1, 2, 3], round as f64))).await;
        rig.store().flush().await.expect("flushed");
        if round == 3 {
            corrected(&rig, of_device("a", 2)).await;
        }
    }
    let mut left: Vec<_> = (0..4_i64).map(|round| ("a", &[3][..], round as f64)).collect();
    left.extend((4..6_i64).map(|round| ("a", &[1, 2, 3][..], round as f64)));
    rig.until("merged", |rig| rig.snapshot().files.len() < 3).await;
    assert_eq!(rig.rows(), expected(left.clone()));
    rig.cut();
    assert_eq!(rig.rows(), expected(left));
}

#[tokio::test]
async fn one_correction_of_a_namespace_is_made_at_a_time_and_a_namespace_that_goes_takes_them_along()
 {
    let mut rig = Rig::new(6);
    furnish(&rig).await;
    let rename = Edit::RenameField { field: name("value"), to: name("reading") };
    let number = order(&rig, rename).await.expect("ordered");
    let refused = order(&rig, of_device("a", 7)).await.expect_err("one at a time");
    assert!(refused.to_string().contains("is being corrected already"), "{refused}");
    rig.store().correction_settled(number).await.expect("ready");
    rig.store().drop_tables(project(), Some(&input())).await.expect("gone");
    assert_eq!(rig.store().corrections(project(), &input()), vec![]);
    rig.stored(one(batch("a", &[1], 1.0))).await;
    rig.cut();
    assert_eq!(rig.store().open_corrections(), vec![]);
    assert_eq!(rig.rows(), expected([("a", &[1][..], 1.0)]));
}

/// A row: the time, and each value as a text.
pub(crate) type Cells = Vec<(i64, BTreeMap<String, String>)>;

/// All rows with all their fields, by time.
fn cells(rig: &Rig) -> Cells {
    cells_in(rig, &input())
}

/// The same of a table.
pub(crate) fn cells_in(rig: &Rig, table: &NamespaceName) -> Cells {
    let snapshot = rig.store().snapshot(project(), table);
    let files = snapshot.files.iter().flat_map(|file| read(&rig.disk, file.path()));
    let chunks = snapshot.chunks.iter().map(|chunk| chunk.rows.clone());
    let mut rows: Cells = files.chain(chunks).flat_map(|rows| cells_of(&rows)).collect();
    rows.sort();
    rows
}

fn cells_of(rows: &RecordBatch) -> Cells {
    let times = rows.column(0).as_primitive::<TimestampMicrosecondType>();
    let row = |row: usize| {
        let fields = rows.schema().fields().iter().skip(1).cloned().collect::<Vec<_>>();
        let cell = |field: std::sync::Arc<arrow::datatypes::Field>| {
            let column = rows.column_by_name(field.name()).expect("there");
            let text = match (column.is_null(row), column.data_type()) {
                (true, _) => return None,
                (_, DataType::Float64) => {
                    format!("{:?}", column.as_primitive::<Float64Type>().value(row))
                }
                (_, DataType::Int64) => column.as_primitive::<Int64Type>().value(row).to_string(),
                (_, DataType::Boolean) => column.as_boolean().value(row).to_string(),
                _ => format!("'{}'", column.as_string_view().value(row)),
            };
            Some((field.name().clone(), text))
        };
        (times.value(row), fields.into_iter().filter_map(cell).collect())
    };
    (0..rows.num_rows()).map(row).collect()
}

/// A row of device `d` with a field.
fn reading(time: i64, field: &str, values: Values) -> Batch {
    let device = Values::String(Texts::constant("d", 1));
    let columns = vec![
        Column::new(FieldName::device_id(), device, None).expect("texts"),
        Column::new(name(field), values, None).expect("values"),
    ];
    Batch::new(input(), vec![time], columns).expect("a batch")
}

fn text(of: &str) -> Values {
    Values::String(Texts::constant(of, 1))
}

fn row(time: i64, fields: &[(&str, &str)]) -> (i64, BTreeMap<String, String>) {
    let device = [("device_id", "'d'")];
    let all = fields.iter().chain(&device).map(|(name, text)| ((*name).into(), (*text).into()));
    (time, all.collect())
}

/// A field with texts, some of which are numbers: two in files and two in memory, and a field beside it.
async fn furnish_texts(rig: &Rig) {
    for (time, value) in [(1, "21.5"), (2, "unavailable"), (3, "-3"), (4, "n/a")] {
        rig.stored(one(reading(time, "t", text(value)))).await;
        rig.stored(one(reading(time + 10, "other", Values::Long(vec![time])))).await;
        if time == 2 {
            rig.store().flush().await.expect("flushed");
        }
    }
}

fn retype() -> Edit {
    Edit::RetypeField { field: name("t"), to: FieldType::Double }
}

fn others() -> Cells {
    (1..5).map(|time| row(time + 10, &[("other", &time.to_string())])).collect()
}

fn texts() -> Cells {
    let values = [(1, "'21.5'"), (2, "'unavailable'"), (3, "'-3'"), (4, "'n/a'")];
    values.iter().map(|(time, text)| row(*time, &[("t", text)])).chain(others()).collect()
}

fn numbers() -> Cells {
    let rows = [row(1, &[("t", "21.5")]), row(2, &[]), row(3, &[("t", "-3.0")]), row(4, &[])];
    rows.into_iter().chain(others()).collect()
}

#[tokio::test]
async fn a_field_gets_another_type_and_what_does_not_convert_is_kept_and_shown() {
    let mut rig = Rig::new(20);
    furnish_texts(&rig).await;
    assert_eq!(cells(&rig), texts());
    let number = order(&rig, retype()).await.expect("ordered");
    let done = ended(&rig, number).await;
    assert_eq!((done.state, done.rows, done.quarantined), (CorrectionState::Done, 4, 2));
    assert_eq!(cells(&rig), numbers());
    let kept = |rig: &Rig| -> Vec<(i64, Value)> {
        let values = rig.store().quarantined(number, (0, 10)).expect("readable");
        assert!(values.iter().all(|it| it.partition.as_deref() == Some("d")));
        values.into_iter().map(|it| (it.time, it.value)).collect()
    };
    let texts = |of: &str| Value::String(of.into());
    assert_eq!(kept(&rig), vec![(2, texts("unavailable")), (4, texts("n/a"))]);
    assert_eq!(rig.store().quarantined(number, (1, 10)).expect("readable").len(), 1);
    rig.stored(one(reading(9, "t", Values::Double(vec![5.5])))).await;
    rig.write(one(reading(9, "t", text("x")))).await.expect_err("it is DOUBLE now");
    rig.cut();
    let mut after = numbers();
    after.insert(4, row(9, &[("t", "5.5")]));
    assert_eq!((cells(&rig), kept(&rig).len()), (after, 2));
}

#[tokio::test]
async fn a_field_gets_another_name_and_goes_and_both_names_can_be_used_again() {
    let mut rig = Rig::new(21);
    rig.stored(one(reading(1, "t", Values::Double(vec![1.0])))).await;
    let rename = Edit::RenameField { field: name("t"), to: name("temperature") };
    assert_eq!(corrected(&rig, rename).await.rows, 1);
    rig.stored(one(reading(2, "t", text("new")))).await;
    let both = vec![row(1, &[("temperature", "1.0")]), row(2, &[("t", "'new'")])];
    assert_eq!(cells(&rig), both);
    let taken = Edit::RenameField { field: name("t"), to: name("temperature") };
    let refused = order(&rig, taken).await.expect_err("the name is taken");
    assert!(refused.to_string().contains("drop or rename that one first"), "{refused}");
    rig.cut();
    assert_eq!(cells(&rig), both);
    assert_eq!(corrected(&rig, Edit::DropField { field: name("t") }).await.rows, 1);
    rig.stored(one(reading(3, "t", Values::Boolean(vec![true].into_iter().collect())))).await;
    let after = vec![row(1, &[("temperature", "1.0")]), row(2, &[]), row(3, &[("t", "true")])];
    assert_eq!(cells(&rig), after);
    rig.store().flush().await.expect("flushed");
    rig.cut();
    assert_eq!(cells(&rig), after);
}

#[tokio::test]
async fn a_field_that_no_row_has_changes_too_in_a_namespace_with_rows_and_in_one_without() {
    let mut rig = Rig::new(24);
    let rename = Edit::RenameField { field: name("none"), to: name("other") };
    assert_eq!(corrected(&rig, rename.clone()).await.rows, 0);
    assert_eq!(corrected(&rig, of_device("a", 9)).await.rows, 0);
    furnish(&rig).await;
    assert_eq!(corrected(&rig, rename).await.rows, 0);
    rig.cut();
    assert_eq!((rig.rows(), rig.store().open_corrections()), (all(), vec![]));
    rig.stored(one(reading(9, "none", text("x")))).await;
}

#[tokio::test]
async fn imports_wait_only_between_the_commit_and_its_end() {
    let mut rig = Rig::new(22);
    furnish_texts(&rig).await;
    let number = order(&rig, retype()).await.expect("ordered");
    let ready = rig.store().correction_settled(number).await.expect("known");
    assert_eq!(ready.state, CorrectionState::Ready);
    let refused = rig.write(one(reading(9, "t", text("late")))).await.expect_err("it waits");
    assert!(matches!(refused, StoreError::Frozen { .. }), "{refused}");
    assert_eq!(cells(&rig), texts(), "nobody sees it yet");
    rig.store().retain(project(), &input(), Timestamp::from_micros(0)).await.expect("retained");
    assert_eq!(cells(&rig), texts(), "nor when files change meanwhile");
    rig.cut();
    assert_eq!(rig.store().open_corrections().len(), 1);
    rig.write(one(reading(9, "t", text("late")))).await.expect_err("also after a restart");
    resumed(&rig).await;
    assert_eq!(cells(&rig), numbers());
    rig.stored(one(reading(9, "t", Values::Double(vec![1.0])))).await;
}

#[tokio::test]
async fn a_change_of_fields_is_made_as_a_whole_or_not_at_all_wherever_the_power_ends() {
    for after in (0..330).step_by(5) {
        let mut rig = Rig::new(5000 + after);
        furnish_texts(&rig).await;
        rig.disk.die_after(after);
        let ordered = order(&rig, retype()).await;
        if let Ok(number) = ordered {
            let settled = rig.store().correction_settled(number);
            let settled = tokio::time::timeout(Duration::from_millis(20), settled).await;
            if settled.is_ok() {
                let _ = rig.store().switch_correction(number).await;
                let _ = rig.store().end_correction(number).await;
            }
        }
        rig.disk = if after % 2 == 0 { rig.disk.cut() } else { rig.disk.crash() };
        rig.open();
        resumed(&rig).await;
        let found = cells(&rig);
        let whole = found == numbers() || (ordered.is_err() && found == texts());
        assert!(whole, "after {after} operations, ordered {ordered:?}: {found:?}");
        if found == numbers() {
            let number = rig.store().corrections(project(), &input())[0].number;
            assert_eq!(rig.store().quarantined(number, (0, 9)).expect("readable").len(), 2);
        }
        rig.cut();
        assert_eq!(cells(&rig), found, "after {after} operations");
    }
}

#[tokio::test]
async fn a_write_of_two_batches_is_whole_while_one_of_its_namespaces_is_frozen() {
    let rig = Rig::new(23);
    furnish_texts(&rig).await;
    let number = order(&rig, retype()).await.expect("ordered");
    rig.store().correction_settled(number).await.expect("ready");
    let other = crate::rig::batch_in(&"other".parse().expect("a name"), "d", &[1], 1.0);
    let both = iobeam_store::Write {
        batches: vec![
            incoming(other, None),
            incoming(reading(9, "other", Values::Long(vec![1])), None),
        ],
        ..one(batch("d", &[], 0.0))
    };
    rig.write(both.clone()).await.expect_err("one of them waits");
    ended(&rig, number).await;
    assert_eq!(rig.stored(both).await.rows, 2);
}
