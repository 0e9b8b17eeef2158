//! What must hold for a spool whose row log has any bytes whatever: shared by the fuzz target and the tests.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use iobeam::{Client, Timestamp};
use iobeam_journal::Disk;
use iobeam_testkit::FaultyDisk;

const DIR: &str = "/spool";
const TOKEN: &str = "e30.eyJleHAiOjQwMDAwMDAwMDAsInBpZCI6MX0.c2ln";

/// Bytes as the two files of a row log. As random bytes never have the right checksums, they are also read as a list of
/// entries to write down.
pub(crate) fn rows(bytes: &[u8]) {
    let (first, second) = bytes.split_at(bytes.len() / 2);
    open(first, second);
    open(&sealed(first), &sealed(second));
}

fn open(first: &[u8], second: &[u8]) {
    let dir = Path::new(DIR);
    let disk = FaultyDisk::new(1);
    disk.create_dir(dir).expect("the disk works");
    for (name, bytes) in [("rows-0", first), ("rows-1", second)] {
        disk.put(&dir.join(name), bytes.to_vec());
    }
    let client = || {
        let client = Client::builder(1, TOKEN).backend("http://127.0.0.1:9").device_id("d");
        let client = client.spool(DIR).disk(Arc::new(disk.clone()));
        client.close_deadline(Duration::ZERO).build().expect("the spool opens")
    };
    let held = |client: &Client| {
        let status = client.status();
        status.waiting_rows + status.collected_rows
    };
    let device = client();
    let found = held(&device);
    let store = device.create_data_store(&["v"]).expect("a store");
    // A store of that name that held something else goes on refusing numbers.
    let Ok(()) = store.add(Timestamp::from_micros(1), [("v", 1)]) else { return };
    device.flush().expect("the disk works");
    store.add(Timestamp::from_micros(2), [("v", 2)]).expect("room");
    assert_eq!(held(&device), found + 2, "what was found is kept, and what is new is added");
    drop((store, device));
    let device = client();
    assert_eq!(held(&device), found + 2, "nothing is lost and nothing comes twice");
}

/// A file of entries with the checksums that they should have: generation, kind, store, length, and that many bytes.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    let (mut file, mut rest) = (Vec::new(), bytes);
    while let [generation, kind, store, length, more @ ..] = rest {
        let (body, more) = more.split_at(usize::from(*length).min(more.len()));
        rest = more;
        let mut entry = u64::from(generation % 4).to_le_bytes().to_vec();
        entry.push(kind % 4);
        entry.extend_from_slice(&u16::from(store % 4).to_le_bytes());
        // A plan that is sound in all but what the bytes say.
        if kind % 4 == 1 && *store > 127 {
            entry.extend_from_slice(b"\x05\0\0\0input\0\0\0\0\0\x01\0\x01\0\0\0a");
        }
        entry.extend_from_slice(body);
        file.extend_from_slice(&(entry.len() as u32 + 8).to_le_bytes());
        file.extend_from_slice(&crc32c::crc32c(&entry).to_le_bytes());
        file.extend(entry);
    }
    file
}
