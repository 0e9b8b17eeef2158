//! The format on disk, pinned: what this version wrote is read by each later one, and written the same until the
//! version in the header changes.

use std::path::Path;
use std::sync::Arc;

use iobeam_journal::{Journal, Options, Seq};
use iobeam_testkit::FaultyDisk;

const NAME: &str = "/journal/0000000001.journal";

fn open(disk: &FaultyDisk) -> Journal {
    let options = Options {
        segment_bytes: 2048,
        zero_ahead: 0,
        salt: 0x0123_4567_89ab_cdef,
        ..Options::default()
    };
    let dir = Path::new("/journal");
    let (journal, recovery) =
        Journal::open(dir, options, Arc::new(disk.clone())).expect("the disk works");
    assert_eq!((recovery.torn, recovery.damaged), (None, vec![]));
    journal
}

#[test]
fn version_1_is_written_and_read_as_ever() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/version-1.journal");
    let disk = FaultyDisk::new(1);
    let mut journal = open(&disk);
    journal.append(1, &[b"first"]).expect("small enough");
    journal.append(2, &[b"second, of the ", b"same group"]).expect("small enough");
    journal.sync().expect("the disk works");
    journal.append(255, &[]).expect("small enough");
    journal.sync().expect("the disk works");
    drop(journal);
    let written = disk.bytes(Path::new(NAME)).expect("a segment");
    if std::env::var_os("IOBEAM_WRITE_GOLDEN").is_some() {
        std::fs::write(&golden, &written).expect("the folder is there");
    }
    let golden = std::fs::read(&golden).expect("the golden file is kept beside the test");
    assert!(written == golden, "the format changed: raise its version, keep reading the old one");

    let disk = FaultyDisk::new(1);
    disk.put(Path::new(NAME), golden);
    let read: Vec<_> = open(&disk)
        .read_from(Seq(1))
        .map(|record| record.expect("sound"))
        .map(|record| (record.seq.0, record.kind, record.payload))
        .collect();
    let second = b"second, of the same group".to_vec();
    assert_eq!(read, [(1, 1, b"first".to_vec()), (2, 2, second), (3, 255, vec![])]);
}

#[test]
fn a_newer_version_is_refused_with_the_reason() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/version-1.journal");
    let mut bytes = std::fs::read(golden).expect("the golden file is kept beside the test");
    for copy in [0, 512] {
        bytes[copy + 7] = 2;
        let crc = crc32c::crc32c(&bytes[copy..copy + 32]);
        bytes[copy + 32..copy + 36].copy_from_slice(&crc.to_le_bytes());
    }
    let disk = FaultyDisk::new(1);
    disk.put(Path::new(NAME), bytes);
    let refusal = Journal::open(Path::new("/journal"), Options::default(), Arc::new(disk))
        .expect_err("it is newer");
    assert_eq!(
        refusal.to_string(),
        "/journal/0000000001.journal has format version 2; this program reads version 1: \
         use the program that wrote it, or a newer one"
    );
}
