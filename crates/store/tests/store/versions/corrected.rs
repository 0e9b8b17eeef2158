//! Folders of versions that know corrections, pinned with all that the later formats hold: batches named by content,
//! orders of corrections, those that have ended and one that has not, values that did not convert, rewritten files.
//!
//! - `version-2`: of each batch's number the receipts say when it came (layout 2), and quarantined values have no
//!   checksums.
//! - `version-3`: they say between which deletions it came (layout 3).

use iobeam_model::{
    Batch, Column, FieldName, FieldType, NamespaceName, Texts, Timestamp, Value, Values,
};
use iobeam_store::edit::{Comparator, RowCondition, RowFilter, ValueTest};
use iobeam_store::{CorrectionState, Edit, Settings, StoreError};

use super::{body, disk, keep, opened, small};
use crate::correcting::{Cells, cells_in, content, ended, order_in, resumed};
use crate::rig::{Rig, Rows, batch, batch_in, expected, name, numbered, one, project};

/// The version whose folder the present program would write.
const LATEST: u32 = 3;
/// The versions that are kept.
const VERSIONS: [u32; 2] = [2, LATEST];
/// Rows of batches of which some were deleted and not sent again.
const DELETED: [i64; 2] = [201, 202];

/// Segments so short that the log has forgotten all that is in receipts and files.
fn settings() -> Settings {
    Settings { segment_bytes: 1 << 10, ..small() }
}

fn table(name: &str) -> NamespaceName {
    name.parse().expect("a name")
}

/// A row of device `d` in a table, with fields.
fn row(into: &str, time: i64, fields: &[(&str, Values)]) -> Batch {
    let device = Values::String(Texts::constant("d", 1));
    let device = Column::new(FieldName::device_id(), device, None).expect("strings");
    let fields = fields
        .iter()
        .map(|(field, values)| Column::new(name(field), values.clone(), None).expect("values"));
    let columns = std::iter::once(device).chain(fields).collect();
    Batch::new(table(into), vec![time], columns).expect("a batch")
}

fn text(of: &str) -> Values {
    Values::String(Texts::constant(of, 1))
}

fn condition(field: FieldName, test: ValueTest) -> RowCondition {
    RowCondition { field, test }
}

/// Each kind of edit, with each kind of condition, in the order of their numbers: the table, the edit, rows, and values
/// that did not convert.
fn corrections() -> Vec<(&'static str, Edit, u64, u64)> {
    let value = |how, number: f64| ValueTest::Double(how, number.to_bits());
    let of_frame = RowFilter {
        from: Some(201),
        to: Some(300),
        conditions: vec![
            condition(FieldName::device_id(), ValueTest::OneOf(vec!["frame".into()])),
            condition(name("value"), value(Comparator::Ge, 2.0)),
            condition(name("value"), ValueTest::Present),
        ],
    };
    let of_sensor = RowFilter {
        from: None,
        to: Some(100),
        conditions: vec![condition(
            FieldName::device_id(),
            ValueTest::String(Comparator::Eq, "sensor".into()),
        )],
    };
    let of_others = RowFilter {
        from: Some(i64::MIN),
        to: None,
        conditions: vec![
            condition(name("long"), ValueTest::Long(Comparator::Lt, i64::MIN + 1)),
            condition(name("is"), ValueTest::Boolean(Comparator::Ne, true)),
            condition(name("is"), ValueTest::Never),
            condition(name("value"), value(Comparator::Gt, f64::MAX)),
            condition(name("value"), value(Comparator::Le, -0.0)),
        ],
    };
    vec![
        ("input", Edit::DeleteRows(of_frame), 3, 0),
        ("input", Edit::DeleteRows(of_sensor), 1, 0),
        ("input", Edit::DeleteRows(of_others), 0, 0),
        ("texts", Edit::RetypeField { field: name("t"), to: FieldType::Double }, 3, 2),
        ("renamed", Edit::RenameField { field: name("t"), to: name("reading") }, 1, 0),
        ("renamed", Edit::DropField { field: name("other") }, 1, 0),
        ("open", Edit::RenameField { field: name("t"), to: name("late") }, 1, 0),
    ]
}

/// What happened before the folder was kept.
async fn furnish(rig: &mut Rig) {
    let frame = |times: &[i64]| batch("frame", times, 2.0);
    for number in 0..6 {
        rig.stored(body(number)).await;
    }
    rig.stored(numbered(batch("sensor", &[100, 101], 1.0), 7, 1)).await;
    rig.stored(content(frame(&[200, 201, 202]), 1, 0)).await;
    rig.stored(content(frame(&[300, 301]), 2, 0)).await;
    rig.stored(content(batch_in(&table("gone"), "frame", &[400], 2.0), 3, 0)).await;
    for (time, value) in [(1, "21.5"), (2, "unavailable"), (3, "n/a")] {
        rig.stored(one(row("texts", time, &[("t", text(value))]))).await;
        if time == 2 {
            rig.store().flush().await.expect("flushed");
        }
    }
    let both = [("t", Values::Double(vec![1.5])), ("other", Values::Long(vec![i64::MIN]))];
    rig.stored(one(row("renamed", 1, &both))).await;
    rig.stored(one(row("open", 1, &[("t", Values::Double(vec![1.5]))]))).await;
    rig.store().drop_tables(project(), Some(&table("gone"))).await.expect("dropped");
    for (number, (into, edit, ..)) in (1..).zip(corrections()) {
        assert_eq!(order_in(rig, &table(into), edit).await.expect("ordered"), number);
        if into == "open" {
            rig.store().correction_settled(number).await.expect("ready");
        } else {
            ended(rig, number).await;
        }
        if number == 3 {
            // These rows come back, and are there then.
            rig.stored(content(frame(&[300, 301]), 2, 0)).await;
            rig.store().flush().await.expect("flushed");
        }
    }
    // More than a segment, twice.
    let many: Vec<i64> = (0..600).collect();
    for _ in 0..2 {
        rig.stored(one(batch_in(&table("many"), "d", &many, 1.0))).await;
        rig.store().flush().await.expect("flushed");
    }
    rig.store.take().expect("open").close().await.expect("closed");
    rig.open();
    rig.stored(numbered(batch("sensor", &[102], 1.0), 7, 2)).await;
    rig.stored(content(frame(&[500]), 4, 1)).await;
}

/// All rows of the table of devices.
fn all() -> Rows {
    let frame = [200, 300, 301, 500];
    let mut all = expected([("sensor", &[101, 102][..], 1.0), ("frame", &frame[..], 2.0)]);
    for number in 0..6 {
        all.extend(expected([("a body's device", &[number][..], 2.0)]));
    }
    all
}

/// All rows of the tables whose fields changed, or are to change, with their fields.
fn changed() -> [(&'static str, Cells); 3] {
    let row = |time, fields: &[(&str, &str)]| {
        let device = [("device_id", "'d'")];
        let all = fields.iter().chain(&device).map(|(name, text)| ((*name).into(), (*text).into()));
        (time, all.collect())
    };
    [
        ("texts", vec![row(1, &[("t", "21.5")]), row(2, &[]), row(3, &[])]),
        ("renamed", vec![row(1, &[("reading", "1.5")])]),
        ("open", vec![row(1, &[("late", "1.5")])]),
    ]
}

/// Holds all that is there against what was written.
fn check(rig: &Rig) {
    assert_eq!(rig.rows(), all());
    let others = ["gone", "many"].map(|other| rig.store().snapshot(project(), &table(other)));
    assert_eq!(others.map(|other| other.rows()), [0, 1200]);
    for (into, cells) in changed() {
        assert_eq!(cells_in(rig, &table(into)), cells, "{into}");
    }
    for (number, (into, edit, rows, quarantined)) in (1..).zip(corrections()) {
        let known = rig.store().corrections(project(), &table(into));
        let known = known.iter().find(|one| one.number == number).expect("it is remembered");
        assert_eq!((known.by.as_str(), &known.edit), ("ada", &edit), "{number}");
        assert_eq!((known.rows, known.quarantined), (rows, quarantined), "{number}");
        assert_eq!(known.state, CorrectionState::Done, "{number}");
        let started = Timestamp::from_micros(1_767_225_600_000_000);
        assert!(known.ordered >= started && known.ended >= Some(started), "{known:?}");
    }
    let values = rig.store().quarantined(4, (0, 10)).expect("readable");
    let values: Vec<_> = values.into_iter().map(|it| (it.time, it.partition, it.value)).collect();
    let text = |time, of: &str| (time, Some("d".into()), Value::String(of.into()));
    assert_eq!(values, [text(2, "unavailable"), text(3, "n/a")]);
}

/// Run once for each new version: `cargo test -p iobeam-store --test store -- --ignored golden`.
#[tokio::test]
#[ignore = "writes the golden folder of the version at hand"]
async fn write_the_golden_folder() {
    let mut rig = Rig::with(1, settings());
    furnish(&mut rig).await;
    keep(&mut rig, LATEST);
}

#[tokio::test]
async fn a_folder_with_corrections_of_each_version_opens_with_all_that_is_in_it() {
    for version in VERSIONS {
        let mut rig = opened(version);
        assert_eq!(
            (rig.opened.torn.as_ref(), rig.opened.damage.len(), rig.opened.set_aside.len()),
            (None, 0, 0),
            "version {version}: {:?}",
            rig.opened
        );
        let open = rig.store().open_corrections();
        let open: Vec<_> = open.iter().map(|one| (one.number, one.state)).collect();
        assert_eq!(open, [(7, CorrectionState::Ready)], "version {version}");
        let waiting = rig.write(one(row("open", 2, &[("t", text("x"))]))).await;
        assert!(matches!(waiting, Err(StoreError::Frozen { .. })), "{version}: {waiting:?}");
        resumed(&rig).await;
        check(&rig);
        rig.store().flush().await.expect("this version writes on");
        rig.cut();
        check(&rig);
        assert!(rig.opened.damage.is_empty(), "version {version}: {:?}", rig.opened.damage);
    }
}

#[tokio::test]
async fn what_came_before_is_known_again_in_a_folder_of_each_version() {
    for version in VERSIONS {
        let mut rig = opened(version);
        resumed(&rig).await;
        let gone = || content(batch_in(&table("gone"), "frame", &[400], 2.0), 3, 0);
        let frame = |times: &[i64], number| content(batch("frame", times, 2.0), number, 0);
        for round in 0..3 {
            for number in 0..6 {
                assert!(rig.stored(body(number)).await.repeat, "{version}: body {number}");
            }
            for (counter, times) in (1..).zip([&[100, 101][..], &[102]]) {
                let device = numbered(batch("sensor", times, 1.0), 7, counter);
                assert!(rig.stored(device).await.repeat, "{version}: {counter}");
            }
            let reused = rig.write(numbered(batch("sensor", &[9], 1.0), 7, 2)).await;
            assert!(matches!(reused, Err(StoreError::Reused { .. })), "{version}: {reused:?}");
            assert!(rig.stored(frame(&[300, 301], 2)).await.repeat, "{version}: came again");
            // It came after all deletions, and is like what they took.
            let later = rig.stored(frame(&[250], 5)).await;
            assert_eq!(later.repeat, round > 0, "{version}: what came later is not deleted");
            let late = content(batch("frame", &[500], 2.0), 4, 1);
            assert!(rig.stored(late).await.repeat, "{version}: it is in the log alone");
            // Times do not tell which batches came before a deletion: none of their rows is stored twice.
            let repeats = version == 2 || round > 0;
            let deleted = rig.stored(frame(&[200, 201, 202], 1)).await;
            assert_eq!(deleted.repeat, repeats, "{version}: what was deleted comes back");
            assert_eq!(rig.stored(gone()).await.repeat, repeats, "{version}: the table is gone");
            rig.cut();
        }
        let back: &[i64] = if version == 2 { &[] } else { &DELETED };
        let mut all = all();
        all.extend(expected([("frame", back, 2.0), ("frame", &[250], 2.0)]));
        assert_eq!(rig.rows(), all, "version {version}");
    }
}

#[tokio::test]
async fn a_kill_or_a_power_cut_while_a_corrected_folder_is_opened_harms_nothing() {
    for version in VERSIONS {
        // Each seventh, kills and power cuts in turn.
        for steps in (u64::from(version)..).step_by(7) {
            let mut rig = Rig::with(steps, settings());
            rig.store = None;
            rig.disk = disk(steps, version);
            rig.disk.die_after(steps);
            let opened = rig.try_open().is_ok();
            if let Some(store) = &rig.store {
                // It may die later, while it ends the correction, or in its first flush.
                let _ = store.switch_correction(7).await;
                let _ = store.end_correction(7).await;
                let _ = store.flush().await;
            }
            rig.store = None;
            let alive = rig.disk.steps() < steps;
            rig.disk = if steps % 2 == 0 { rig.disk.cut() } else { rig.disk.crash() };
            rig.open();
            resumed(&rig).await;
            check(&rig);
            if alive {
                assert!(opened && steps > 30, "opening and flushing has more steps than {steps}");
                break;
            }
        }
    }
}
