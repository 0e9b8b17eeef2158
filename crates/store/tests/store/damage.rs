//! Files that rot: what is read is right or an error that names the file, and nothing is ever made of a damaged one.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::Bytes;
use iobeam_journal::Disk as _;
use iobeam_store::{DataFile, FileError, Settings};
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
    // Every byte in the long form; its own unit tests flip each of the end.
    let step = if std::env::var_os("IOBEAM_TORTURE").is_some() { 1 } else { 23 };
    for at in (0..sound.len()).step_by(step).chain([sound.len() - 1]) {
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
