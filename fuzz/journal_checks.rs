//! What must hold for a journal whose file has any bytes whatever: shared by the fuzz target and the tests.

use std::path::Path;
use std::sync::Arc;

use iobeam_journal::{Disk, Journal, Options, Record, Seq};
use iobeam_testkit::FaultyDisk;

const DIR: &str = "/journal";
const RECORDS: usize = 1024;
const HEADER: usize = 24;

/// Bytes as a journal's file. As random bytes never have the right checksums, they are also read as a list of records
/// to write down, some of them damaged.
pub(crate) fn journal(bytes: &[u8]) {
    open(bytes);
    open(&sealed(bytes));
}

fn open(bytes: &[u8]) {
    let dir = Path::new(DIR);
    let disk = FaultyDisk::new(1);
    disk.create_dir(dir).expect("the disk works");
    disk.put(&dir.join("0000000001.journal"), bytes.to_vec());
    let options = Options { segment_bytes: 4096, zero_ahead: 0, ..Options::default() };
    let again = || Journal::open(dir, options.clone(), Arc::new(disk.clone()));
    // A version that is not known is refused, and nothing is touched.
    let Ok((mut journal, recovery)) = again() else { return };
    let found = all(&journal);
    assert!(found.is_sorted_by(|a, b| a.seq < b.seq), "each number once, in order");
    assert!(found.iter().all(|record| (recovery.first..=recovery.last).contains(&record.seq)));
    let seq = journal.append(9, &[b"after", b"wards"]).expect("it is small");
    assert_eq!(seq, recovery.last.next(), "no number is given out twice");
    journal.sync().expect("the disk works");
    drop(journal);
    let (journal, _) = again().expect("it was opened before");
    let (last, before) =
        all(&journal).split_last().map(|(a, b)| (a.clone(), b.to_vec())).expect("one");
    assert_eq!(before, found, "what could be read can still be read");
    assert_eq!((last.seq, last.kind, &*last.payload), (seq, 9, &b"afterwards"[..]));
}

fn all(journal: &Journal) -> Vec<Record> {
    journal.read_from(Seq(1)).filter_map(Result::ok).collect()
}

/// A journal's file with the records that the bytes list: length, kind, place in its group, and what to damage.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    let first = u64::from(bytes.first().copied().unwrap_or(0)) + 1;
    let mut file = label(first);
    let (mut seq, mut rest) = (first, bytes.get(1..).unwrap_or_default());
    while let [length, kind, place, damage, more @ ..] = rest {
        let (payload, more) = more.split_at(usize::from(*length).min(more.len()));
        rest = more;
        // Sometimes a number is left out.
        seq += u64::from(*damage == 7);
        let start = file.len();
        file.extend(header(payload, *kind, u32::from(place % 3), seq));
        file.extend_from_slice(payload);
        file.resize(file.len().next_multiple_of(8), 0);
        seq += 1;
        match damage {
            1 => file[start] ^= 0x10,
            2 => file[start + 9] ^= 0x01,
            3 => *file.last_mut().expect("a record was written") ^= 0x80,
            4 => file[start..].fill(0),
            5 => file.truncate(start + usize::from(*kind) % HEADER),
            _ => {}
        }
    }
    file
}

fn label(first: u64) -> Vec<u8> {
    let mut copy = b"IOBJRNL\x01".to_vec();
    for number in [1, first, 0_u64] {
        copy.extend_from_slice(&number.to_le_bytes());
    }
    let crc = crc32c::crc32c(&copy);
    copy.extend_from_slice(&crc.to_le_bytes());
    let mut file = vec![0; RECORDS];
    for at in [0, RECORDS / 2] {
        file[at..at + copy.len()].copy_from_slice(&copy);
    }
    file
}

fn header(payload: &[u8], kind: u8, place: u32, seq: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER);
    bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&(place | u32::from(kind) << 24).to_le_bytes());
    bytes.extend_from_slice(&seq.to_le_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(payload).to_le_bytes());
    // The salt is 0.
    let crc = crc32c::crc32c_append(crc32c::crc32c(&[0; 8]), &bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}
