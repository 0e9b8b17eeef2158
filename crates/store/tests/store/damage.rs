//! Files that rot: what is read is right or an error that names the file, and nothing is ever made of a damaged one.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::Bytes;
use iobeam_journal::Disk as _;
use iobeam_model::{FieldName, FieldType, NamespaceName};
use iobeam_store::check::{Checkup, check};
use iobeam_store::edit::{RowCondition, RowFilter, ValueTest};
use iobeam_store::{Correction, CorrectionState, DataFile, Edit, FileError, Settings, StoreError};
use iobeam_testkit::{Fault, Operation};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::rig::{Rig, batch, batch_in, one, project, read, settings};

/// A table of so many flushed files, none of which is merged with others yet.
async fn table(files: usize, settings: Settings) -> Rig {
    let rig = Rig::with(7, settings);
    for file in 0..files {
        let times: Vec<i64> = (0..500).map(|row| file as i64 * 1000 + row).collect();
        rig.stored(one(batch("d", &times, file as f64 + 0.5))).await;
        rig.store().flush().await.expect("flushed");
    }
    rig
}

fn flip(rig: &Rig, path: &std::path::Path, at: usize) {
    let mut bytes = rig.disk.bytes(path).expect("there");
    bytes[at] ^= 1 << (at % 8);
    rig.disk.put(path, bytes);
}

/// All rows of a file, by way of its checksums.
fn verified(file: &Arc<DataFile>) -> Result<usize, String> {
    let opened = file.open().map_err(|error| error.to_string())?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(opened)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|error| error.to_string())?;
    let rows = reader.map(|rows| rows.map(|rows| RecordBatch::num_rows(&rows)));
    rows.sum::<Result<usize, _>>().map_err(|error| error.to_string())
}

#[tokio::test]
async fn each_flipped_byte_of_a_parquet_file_is_found_when_it_is_read_and_the_file_is_named() {
    let mut rig = table(1, settings()).await;
    let file = Arc::clone(&rig.snapshot().files[0]);
    let (path, sound) = (file.path().to_owned(), rig.disk.bytes(file.path()).expect("there"));
    assert_eq!(verified(&file), Ok(500));
    drop(file);
    // Every byte in the long form, else each of the last ones, by which it is known that there are checksums.
    let step = if std::env::var_os("IOBEAM_TORTURE").is_some() { 1 } else { 23 };
    let end = sound.len() - 32;
    for at in (0..end).step_by(step).chain(end..sound.len()) {
        flip(&rig, &path, at);
        // Each time anew, as after a start.
        rig.open();
        let file = Arc::clone(&rig.snapshot().files[0]);
        let opened = file.open();
        let read = opened.and_then(|opened| opened.read(0..file.size));
        let error = read.expect_err(&format!("byte {at} of {}", sound.len()));
        let told = error.to_string();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        assert!(told.contains(&format!("lake/1/input/{name}")), "{told}");
        assert!(told.contains("iobeam doctor"), "{told}");
        assert!(matches!(file.damage(), Some(FileError::Damaged { .. })));
        rig.disk.put(&path, sound.clone());
    }
    assert_eq!(rig.store().statistics().damaged_files, 1, "the last one opened is known");
}

#[tokio::test]
async fn ranges_are_read_as_they_were_written_wherever_they_begin_and_end() {
    let rig = table(1, settings()).await;
    // Incompressible, so that it has many blocks.
    let times: Vec<i64> = (0..60_000).collect();
    for device in 0..4 {
        let mut rows = batch(&format!("e{device}"), &times, 0.0);
        let noise = times.iter().map(|time| f64::from(crc32c::crc32c(&time.to_le_bytes())) / 7.0);
        let noise = iobeam_model::Values::Double(noise.collect());
        let noise = iobeam_model::Column::new(crate::rig::name("noise"), noise, None);
        rows = rows.with_column(noise.expect("a column")).expect("a batch");
        rig.stored(one(rows)).await;
    }
    rig.store().flush().await.expect("flushed");
    let snapshot = rig.snapshot();
    let file = snapshot.files.iter().max_by_key(|file| file.size).expect("files");
    let bytes = Bytes::from(rig.disk.bytes(file.path()).expect("there"));
    assert!(bytes.len() > 5 * 32 * 1024, "{} bytes", bytes.len());
    let size = file.size;
    let edges = [0, 1, 32_767, 32_768, 32_769, 65_536, 100_000, size / 2, size - 9, size - 1, size];
    let opened = file.open().expect("sound");
    let mut ranges = Vec::new();
    for start in edges {
        for end in edges.into_iter().filter(|end| *end >= start) {
            let range = start as usize..end as usize;
            assert_eq!(opened.read(start..end).expect("sound"), bytes[range], "{start}..{end}");
            ranges.push(start..end);
        }
    }
    let all = opened.read_all(&ranges).expect("sound");
    for (range, found) in ranges.iter().zip(all) {
        assert_eq!(found, bytes[range.start as usize..range.end as usize], "{range:?}");
    }
    assert!(opened.read(size..size + 1).is_err());
}

#[tokio::test]
async fn a_stock_parquet_reader_passes_over_the_checksums() {
    let rig = table(1, settings()).await;
    let file = &rig.snapshot().files[0];
    let rows: usize = read(&rig.disk, file.path()).iter().map(RecordBatch::num_rows).sum();
    let bytes = rig.disk.bytes(file.path()).expect("there");
    let has = bytes.windows(7).any(|window| window == b"IOBSUMS");
    assert!(rows == 500 && has && bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
}

#[tokio::test]
async fn a_damaged_file_is_never_merged_and_its_neighbours_are() {
    let settings = Settings { merge_files: 4, ..settings() };
    let mut rig = table(3, settings).await;
    let path = rig.snapshot().files[1].path().to_owned();
    let sound = rig.disk.bytes(&path).expect("there");
    flip(&rig, &path, 200);
    let damaged = rig.disk.bytes(&path).expect("there");
    rig.open();
    // With the fourth file there are enough to merge, one of which is damaged; with the fifth enough without it.
    for file in 3..8 {
        rig.stored(one(batch("d", &[file * 1000, file * 1000 + 1], file as f64 + 0.5))).await;
        let more: Vec<i64> = (2..500).map(|row| file * 1000 + row).collect();
        rig.stored(one(batch("d", &more, file as f64 + 0.5))).await;
        rig.store().flush().await.expect("flushed");
        rig.settled().await;
    }
    rig.until("sound files are merged", |rig| rig.store().statistics().compactions > 0).await;
    rig.settled().await;
    let files = rig.snapshot().files;
    assert!(files.iter().any(|file| file.path() == path), "it stays a file of its table");
    assert_eq!(rig.disk.bytes(&path), Some(damaged), "and stays as it is");
    assert_eq!(rig.store().statistics().damaged_files, 1);
    for file in files.iter().filter(|file| file.path() != path) {
        assert!(verified(file).is_ok(), "{}", file.path().display());
    }
    // Once it is back from a backup all is as if nothing had been.
    drop(files);
    rig.disk.put(&path, sound);
    rig.open();
    assert_eq!(rig.rows().values().sum::<usize>(), 8 * 500);
}

#[tokio::test]
async fn a_missing_or_shorter_file_is_named_like_a_damaged_one() {
    let mut rig = table(1, settings()).await;
    let path: PathBuf = rig.snapshot().files[0].path().to_owned();
    let bytes = rig.disk.bytes(&path).expect("there");
    rig.disk.put(&path, bytes[..bytes.len() - 1].to_vec());
    rig.open();
    let told = verified(&rig.snapshot().files[0]).expect_err("it is shorter");
    assert!(told.contains("lake/1/input/part-") && told.contains("the log says"), "{told}");
    rig.disk.put(&path, Vec::new());
    rig.open();
    assert!(verified(&rig.snapshot().files[0]).is_err());
}

/// Two tables with a few commits each, the last rows of both in the journal alone.
async fn two_tables(commits: i64) -> (Rig, iobeam_model::NamespaceName) {
    let rig = Rig::new(11);
    let other: iobeam_model::NamespaceName = "other".parse().expect("a name");
    for time in 0..commits {
        rig.stored(one(batch("d", &[time], 1.0))).await;
        rig.stored(one(batch_in(&other, "d", &[time], 2.0))).await;
        rig.store().flush().await.expect("flushed");
    }
    rig.stored(one(batch("d", &[commits], 1.0))).await;
    rig.stored(one(batch_in(&other, "d", &[commits], 2.0))).await;
    (rig, other)
}

fn log(name: &str) -> PathBuf {
    format!("/store/lake/1/input/_delta_log/{name}").into()
}

/// What is to be done to a table's log, and which file is named then.
type Damage = (&'static str, fn(&mut Rig), &'static str);

const DAMAGES: [Damage; 7] = [
    ("empty", |rig| rig.disk.put(&log("00000000000000000003.json"), vec![]), "0003.json"),
    ("empty, the last", |rig| rig.disk.put(&log("00000000000000000005.json"), vec![]), "0005.json"),
    ("missing", |rig| rig.disk.remove(&log("00000000000000000003.json")).expect("gone"), "0003"),
    ("first missing", |rig| rig.disk.remove(&log("00000000000000000000.json")).expect(""), "0000"),
    (
        "flipped within a number, still JSON",
        |rig| {
            let path = log("00000000000000000002.json");
            let text = String::from_utf8(rig.disk.bytes(&path).expect("there")).expect("text");
            assert!(text.contains("\\\"rows\\\":1,"), "{text}");
            let flipped = text.replace("\\\"rows\\\":1,", "\\\"rows\\\":3,");
            rig.disk.put(&path, flipped.into_bytes());
        },
        "0002.json",
    ),
    (
        "torn",
        |rig| {
            let path = log("00000000000000000004.json");
            let mut bytes = rig.disk.bytes(&path).expect("there");
            bytes.truncate(bytes.len() / 2);
            rig.disk.put(&path, bytes);
        },
        "0004.json",
    ),
    (
        "the last lost",
        |rig| {
            for version in [3, 4, 5] {
                rig.disk.remove(&log(&format!("{version:020}.json"))).expect("gone");
            }
        },
        "part-",
    ),
];

#[tokio::test]
async fn a_damaged_log_takes_its_own_table_out_of_service_and_no_acknowledged_row_is_lost() {
    for (what, damage, named) in DAMAGES {
        let (mut rig, other) = two_tables(5).await;
        let before = rig.disk.files();
        let kept: Vec<_> = before.iter().map(|path| rig.disk.bytes(path)).collect();
        rig.store = None;
        damage(&mut rig);
        // What the files have is not in the journal any more, as if much had come since.
        let is_lost = what == "the last lost";
        if is_lost {
            for path in rig.disk.files() {
                if path.starts_with("/store/journal") && path.extension().is_some() {
                    rig.disk.remove(&path).expect("gone");
                }
            }
        }
        rig.try_open().expect("the store opens");
        let [told] = &rig.opened.out_of_service[..] else {
            panic!("{what}: {:?}", rig.opened);
        };
        assert!(told.contains("1/input") && told.contains(named), "{what}: {told}");
        assert!(told.contains("iobeam doctor"), "{told}");
        assert!(rig.snapshot().fault.is_some(), "{what}: whoever asks is told");
        let sound = rig.store().snapshot(project(), &other);
        let rows = if is_lost { 5 } else { 6 };
        assert_eq!((sound.rows(), sound.fault.is_none()), (rows, true), "{what}: the other table");
        let refused = rig.write(one(batch("d", &[9], 1.0))).await.expect_err("it is refused");
        assert!(refused.to_string().contains("1/input"), "{refused}");
        rig.stored(one(batch_in(&other, "d", &[6], 2.0))).await;
        rig.store().flush().await.expect("the other is flushed");
        assert_eq!(rig.store().statistics().out_of_service, 1);
        rig.store.take().expect("open").close().await.expect("closed");
        if is_lost {
            continue;
        }
        // The log is put back from a backup: all rows are there, those too that only the journal had.
        for (path, bytes) in before.iter().zip(kept) {
            if path.starts_with("/store/lake/1/input/_delta_log") {
                rig.disk.put(path, bytes.expect("there"));
            }
        }
        rig.open();
        assert!(rig.opened.out_of_service.is_empty(), "{what}: {:?}", rig.opened);
        assert_eq!(rig.rows().values().sum::<usize>(), 6, "{what}");
    }
}

#[tokio::test]
async fn a_log_that_is_damaged_while_the_store_is_open_stops_imports_into_its_table_alone() {
    let (rig, other) = two_tables(3).await;
    let path = log("00000000000000000001.json");
    let sound = rig.disk.bytes(&path).expect("there");
    rig.disk.put(&path, vec![]);
    // The log is looked at again after some commits.
    let mut refused = None;
    for time in 10..60 {
        if let Err(error) = rig.write(one(batch("d", &[time], 1.0))).await {
            refused = Some(error);
            break;
        }
        drop(rig.store().flush().await);
    }
    let refused = refused.expect("in the end it is noticed");
    assert!(refused.to_string().contains("0001.json"), "{refused}");
    rig.stored(one(batch_in(&other, "d", &[100], 2.0))).await;
    let shown = rig.snapshot();
    assert!(shown.fault.is_none() && shown.rows() > 3, "what is known is shown");
    rig.disk.put(&path, sound);
    rig.wait(std::time::Duration::from_secs(4)).await;
    rig.until("it is taken in again", |rig| rig.store().statistics().out_of_service == 0).await;
    rig.stored(one(batch("d", &[200], 1.0))).await;
}

/// Orders a correction and waits until it has ended, one way or the other.
pub(crate) async fn corrected(rig: &Rig, edit: Edit) -> Correction {
    let input = NamespaceName::input();
    let number = rig.store().correct(project(), &input, (edit, "ada".to_owned())).await;
    let number = number.expect("it is ordered");
    let settled = rig.store().correction_settled(number).await.expect("it is known");
    if settled.state != CorrectionState::Ready {
        return settled;
    }
    rig.store().switch_correction(number).await.expect("it is ready");
    rig.store().end_correction(number).await.expect("it was shown");
    rig.store().correction_settled(number).await.expect("it is known")
}

/// Rows of `d` up to a time.
pub(crate) fn up_to(time: i64) -> Edit {
    let test = ValueTest::OneOf(vec!["d".into()]);
    let conditions = vec![RowCondition { field: FieldName::device_id(), test }];
    Edit::DeleteRows(RowFilter { from: None, to: Some(time), conditions })
}

fn parquet_files(rig: &Rig) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    let files = rig.disk.files().into_iter();
    let files = files.filter(|path| path.extension().is_some_and(|ending| ending == "parquet"));
    files.map(|path| (path.clone(), rig.disk.bytes(&path))).collect()
}

#[tokio::test]
async fn a_correction_stops_at_a_damaged_file_names_it_and_changes_nothing() {
    let retype = Edit::RetypeField { field: crate::rig::name("value"), to: FieldType::String };
    let drop = Edit::DropField { field: crate::rig::name("value") };
    for edit in [up_to(2100), retype, drop] {
        let mut rig = table(3, Settings { merge_files: 100, ..settings() }).await;
        let path = rig.snapshot().files[1].path().to_owned();
        let sound = rig.disk.bytes(&path).expect("there");
        flip(&rig, &path, 200);
        rig.open();
        let (files, before) = (rig.snapshot().files, parquet_files(&rig));
        let stopped = corrected(&rig, edit.clone()).await;
        let told = stopped.problem.expect("it says why");
        assert_eq!(stopped.state, CorrectionState::Failed, "{told}");
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        assert!(told.contains(&format!("lake/1/input/{name}")), "{told}");
        assert!(told.contains("iobeam doctor"), "{told}");
        rig.settled().await;
        assert_eq!(parquet_files(&rig), before, "nothing is rewritten, and nothing left behind");
        let same = rig.snapshot().files;
        assert!(same.iter().zip(&*files).all(|(one, other)| Arc::ptr_eq(one, other)));
        rig.stored(one(batch("e", &[9000], 1.0))).await;
        // Once the file is back the correction can be ordered again.
        std::mem::drop((same, files));
        rig.disk.put(&path, sound);
        rig.open();
        assert!(rig.store().open_corrections().is_empty(), "it is not tried again by itself");
        assert_eq!(corrected(&rig, edit).await.state, CorrectionState::Done);
    }
}

#[tokio::test]
async fn rows_of_damaged_files_can_be_deleted_where_all_of_a_file_goes() {
    let mut rig = table(3, Settings { merge_files: 100, ..settings() }).await;
    let path = rig.snapshot().files[1].path().to_owned();
    flip(&rig, &path, 200);
    rig.open();
    let all = Edit::DeleteRows(RowFilter::default());
    assert_eq!(corrected(&rig, all).await.state, CorrectionState::Done);
    assert_eq!((rig.snapshot().rows(), parquet_files(&rig)), (0, vec![]));
}

#[tokio::test]
async fn what_a_correction_writes_is_checked_like_everything_else() {
    let mut rig = table(3, settings()).await;
    assert_eq!(corrected(&rig, up_to(2100)).await.state, CorrectionState::Done);
    for _ in 0..2 {
        let files = rig.snapshot().files;
        assert_eq!(files.len(), 1);
        assert!(files[0].tail.is_some(), "its blocks have checksums");
        assert_eq!(verified(&files[0]), Ok(399));
        // The last commits have checksums, and the name of the store is known by them.
        let logs = rig.disk.files().into_iter().filter(|path| path.starts_with(log("")));
        let commits = logs.filter(|path| path.extension().is_some_and(|ending| ending == "json"));
        let commits: Vec<_> = commits.filter_map(|path| rig.disk.bytes(&path)).collect();
        assert!(commits.len() >= 4, "{}", commits.len());
        for commit in commits {
            let text = String::from_utf8(commit).expect("text");
            assert!(text.contains("iobeamChecksum"), "{text}");
        }
        drop(files);
        rig.store = None;
        rig.disk.remove(std::path::Path::new("/store/store-id")).expect("there");
        rig.open();
        let damage = &rig.opened.damage;
        assert!(damage.len() == 1 && damage[0].contains("all tables name the store"), "{damage:?}");
    }
}

#[tokio::test]
async fn a_correction_is_refused_for_a_table_out_of_service_and_one_under_way_waits_for_it() {
    let (mut rig, other) = two_tables(5).await;
    rig.store().flush().await.expect("flushed");
    // The order comes through, and the file that is rewritten does not.
    rig.disk.fail(Operation::Create, 1, Fault::Io);
    let input = NamespaceName::input();
    let edit = Edit::DropField { field: crate::rig::name("value") };
    let ordered = rig.store().correct(project(), &input, (edit.clone(), "ada".to_owned())).await;
    let number = ordered.expect("it is ordered");
    let of = |rig: &Rig| rig.store().corrections(project(), &input)[0].clone();
    rig.until("it failed once", |rig| of(rig).problem.is_some()).await;
    rig.store = None;
    let path = log("00000000000000000003.json");
    let sound = rig.disk.bytes(&path).expect("there");
    rig.disk.put(&path, vec![]);
    rig.try_open().expect("the store opens");
    assert_eq!(rig.opened.out_of_service.len(), 1);
    let waiting = of(&rig);
    let told = waiting.problem.expect("it says why");
    assert!(waiting.state == CorrectionState::Running && told.contains("1/input"), "{told}");
    let refused = rig.store().correct(project(), &input, (up_to(3), "ada".to_owned())).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
    let counted = rig.store().count_rows(project(), &input, &RowFilter::default());
    assert!(matches!(counted, Err(StoreError::Unavailable { .. })), "{counted:?}");
    // The other table is corrected meanwhile.
    let done = rig.store().correct(project(), &other, (up_to(3), "ada".to_owned())).await;
    let done = rig.store().correction_settled(done.expect("ordered")).await.expect("known");
    assert_eq!((done.state, done.rows), (CorrectionState::Done, 4));
    rig.store = None;
    rig.disk.put(&path, sound);
    rig.open();
    assert!(rig.opened.out_of_service.is_empty());
    let settled = rig.store().correction_settled(number).await.expect("it is known");
    assert_eq!((settled.state, settled.rows), (CorrectionState::Ready, 6));
}

/// Has a closed store repaired, on a real disk: folders are moved.
pub(crate) fn repaired(rig: &mut Rig) -> Checkup {
    let dir = tempfile::tempdir().expect("a folder");
    for path in rig.disk.files() {
        let to = dir.path().join(path.strip_prefix("/store").expect("it is in the store"));
        std::fs::create_dir_all(to.parent().expect("a folder")).expect("made");
        std::fs::write(to, rig.disk.bytes(&path).expect("there")).expect("written");
        rig.disk.remove(&path).expect("there");
    }
    let disk: Arc<dyn iobeam_journal::Disk> = Arc::new(iobeam_journal::RealDisk);
    let parts = (Arc::clone(&rig.clock) as Arc<dyn iobeam_model::Clock>, disk);
    let checkup = check(dir.path(), parts, true, &mut |_| ()).expect("looked at");
    let mut folders = vec![dir.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let below = path.strip_prefix(dir.path()).expect("below");
            let bytes = std::fs::read(&path).expect("there");
            rig.disk.put(&std::path::Path::new("/store").join(below), bytes);
        }
    }
    checkup
}

#[tokio::test]
async fn a_table_that_was_corrected_is_built_again_with_its_fields_and_without_losing_later_rows() {
    let edit = Edit::RetypeField { field: crate::rig::name("value"), to: FieldType::String };
    // Before the damage, in the damaged commit, and in a readable one after it.
    for damaged in 0..12 {
        let mut rig = Rig::with(3, Settings { merge_files: 100, ..settings() });
        for time in 0..6 {
            rig.stored(one(batch("d", &[time], 1.5))).await;
            rig.store().flush().await.expect("flushed");
        }
        // More corrections than there are records.
        for time in 0..4 {
            assert_eq!(corrected(&rig, up_to(time)).await.rows, 1);
        }
        assert_eq!(corrected(&rig, edit.clone()).await.rows, 2);
        // These are in the journal alone.
        let mut text = batch("d", &[100, 101], 0.0);
        let values = iobeam_model::Values::String(iobeam_model::Texts::constant("2.5", 2));
        let column = iobeam_model::Column::new(crate::rig::name("value"), values, None);
        let columns = vec![text.columns()[0].clone(), column.expect("a column")];
        text = iobeam_model::Batch::new(NamespaceName::input(), vec![100, 101], columns)
            .expect("a batch");
        rig.stored(one(text)).await;
        rig.store.take().expect("open").close().await.expect("closed");
        let path = log(&format!("{damaged:020}.json"));
        let bytes = rig.disk.bytes(&path).expect("there");
        rig.disk.put(&path, bytes[..bytes.len() / 2].to_vec());
        let checkup = repaired(&mut rig);
        assert!(!checkup.findings.is_empty(), "{damaged}");
        rig.open();
        assert!(rig.opened.out_of_service.is_empty(), "{damaged}: {:?}", rig.opened);
        let snapshot = rig.snapshot();
        assert_eq!(snapshot.rows(), 4, "{damaged}: {checkup:?}");
        for file in &*snapshot.files {
            let kinds = file.fields().expect("sound");
            assert!(kinds.contains(&(crate::rig::name("value"), FieldType::String)), "{kinds:?}");
        }
        // The fields are as they were: rows of the new type fit, and those of the old one do not.
        rig.write(one(batch("d", &[200], 1.5))).await.expect_err("it is a text now");
    }
}
