//! Files without checksums of their blocks or lines: what an earlier version wrote so, and what is merely made to look like
//! that.

use std::path::Path;
use std::sync::Arc;

use iobeam_store::FileError;

use crate::rig::{Rig, batch, one};
use crate::versions;

/// A file of a table's log.
fn log(name: &str) -> String {
    format!("/store/lake/1/input/_delta_log/{name}")
}

/// A store with a table of so many commits.
async fn table(commits: i64) -> Rig {
    let rig = Rig::new(12);
    for time in 0..commits {
        rig.stored(one(batch("d", &[time], 1.0))).await;
        rig.store().flush().await.expect("flushed");
    }
    rig
}

#[tokio::test]
async fn each_flipped_byte_of_a_file_of_version_1_is_found_when_it_is_read_and_the_file_is_named() {
    let mut rig = versions::opened(1);
    let file = Arc::clone(&rig.snapshot().files[0]);
    let (path, sound) = (file.path().to_owned(), rig.disk.bytes(file.path()).expect("there"));
    let whole = file.open().and_then(|opened| opened.read(0..file.size));
    assert_eq!(whole.expect("it is sound"), sound);
    drop(file);
    let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
    for at in (0..sound.len()).step_by(61).chain([sound.len() - 1]) {
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << (at % 8);
        rig.disk.put(&path, bytes);
        // Each time anew, as after a start.
        rig.open();
        let file = Arc::clone(&rig.snapshot().files[0]);
        let told = file.open().expect_err(&format!("byte {at} of {}", sound.len())).to_string();
        assert!(told.contains(name) && told.contains("checksum"), "{told}");
        assert!(matches!(file.damage(), Some(FileError::Damaged { .. })));
    }
}

#[tokio::test]
async fn a_commit_that_lost_its_checksum_takes_its_table_out_of_service() {
    let mut rig = table(5).await;
    let path = log("00000000000000000003.json");
    let commit = rig.disk.bytes(Path::new(&path)).expect("there");
    let text = String::from_utf8(commit.clone()).expect("JSON");
    let begin = text.find("\"iobeamVersion\"").expect("it has one");
    let sum = "\"iobeamChecksum\":\"";
    let end = text.find(sum).expect("it has one") + sum.len() + "01234567\",".len();
    let without = [&text[..begin], &text[end..]].concat();
    assert!(without.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    rig.store = None;
    rig.disk.put(Path::new(&path), without.into_bytes());
    rig.try_open().expect("the store opens");
    let [told] = &rig.opened.out_of_service[..] else { panic!("{:?}", rig.opened) };
    assert!(told.contains("0003.json") && told.contains("it has no checksum"), "{told}");
    assert!(rig.snapshot().fault.is_some(), "whoever asks is told");
    rig.disk.put(Path::new(&path), commit);
    rig.open();
    assert_eq!(rig.rows().values().sum::<usize>(), 5);
}

#[tokio::test]
async fn a_flipped_byte_of_a_checkpoint_takes_its_table_out_of_service() {
    let mut rig = table(52).await;
    let path = rig.disk.files().into_iter();
    let mut path = path.filter(|path| path.to_string_lossy().ends_with(".checkpoint.parquet"));
    let path = path.next().expect("there is one after 50 commits");
    let sound = rig.disk.bytes(&path).expect("there");
    for at in (4..sound.len() - 40).step_by(sound.len() / 16) {
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << (at % 8);
        rig.store = None;
        rig.disk.put(&path, bytes);
        rig.try_open().expect("the store opens");
        let [told] = &rig.opened.out_of_service[..] else { panic!("{at}: {:?}", rig.opened) };
        assert!(told.contains(".checkpoint.parquet") && told.contains("checksum"), "{at}: {told}");
    }
    rig.store = None;
    rig.disk.put(&path, sound);
    rig.open();
    assert_eq!((rig.snapshot().fault.is_none(), rig.rows().values().sum::<usize>()), (true, 52));
}
