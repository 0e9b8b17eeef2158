//! Cuts and flips in the bytes of a journal: what is whole is read, what is not is told.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use iobeam_journal::{Journal, Options, Recovery, Seq};
use iobeam_testkit::{Chance, FaultyDisk};

const DIR: &str = "/journal";
const SEGMENT: u64 = 4096;

fn open(disk: &FaultyDisk) -> (Journal, Recovery) {
    let options = Options { segment_bytes: SEGMENT, zero_ahead: 0, salt: 11, ..Options::default() };
    Journal::open(Path::new(DIR), options, Arc::new(disk.clone())).expect("the disk works")
}

fn payload(seq: u64) -> Vec<u8> {
    let mut chance = Chance::new(seq);
    (0..100 + seq % 50).map(|_| chance.next() as u8 | 1).collect()
}

/// So many groups of so many records.
fn filled(groups: u64, size: u64) -> FaultyDisk {
    let disk = FaultyDisk::new(5);
    let (mut journal, _) = open(&disk);
    for group in 0..groups {
        for place in 0..size {
            journal.append(3, &[&payload(group * size + place + 1)]).expect("small enough");
        }
        journal.sync().expect("the disk works");
    }
    disk
}

fn read(journal: &Journal) -> Vec<u64> {
    journal
        .read_from(Seq(1))
        .map(|record| {
            let record = record.expect("what is read is sound");
            assert_eq!(record.payload, payload(record.seq.0), "record {}", record.seq);
            record.seq.0
        })
        .collect()
}

fn segments(disk: &FaultyDisk) -> Vec<PathBuf> {
    let files = disk.files();
    files.into_iter().filter(|path| path.parent() == Some(Path::new(DIR))).collect()
}

#[test]
fn cut_at_every_byte_of_the_last_record_all_before_it_are_read_and_the_cut_is_told() {
    let disk = filled(3, 1);
    let path = segments(&disk).pop().expect("a segment");
    let whole = disk.bytes(&path).expect("it is there");
    let used = whole.iter().rposition(|byte| *byte != 0).expect("records") + 1;
    // The cut file is shorter, or as long and zeros from there on.
    let last = used - (24 + payload(3).len()).next_multiple_of(8);
    for cut in last..used {
        for zeros in [false, true] {
            let mut bytes = whole.clone();
            bytes.truncate(cut);
            if zeros {
                bytes.resize(whole.len(), 0);
            }
            disk.put(&path, bytes);
            let (mut journal, recovery) = open(&disk);
            let told = recovery.torn.is_some();
            let nothing_left = whole[last..cut].iter().all(|byte| *byte == 0);
            assert_eq!(read(&journal), [1, 2], "cut at {cut}");
            assert!(told || nothing_left, "cut at {cut} is not told");
            assert_eq!(recovery.damaged, [], "cut at {cut}");
            journal.append(3, &[&payload(3)]).expect("small enough");
            journal.sync().expect("the disk works");
            drop(journal);
            let (journal, recovery) = open(&disk);
            assert_eq!((read(&journal), recovery.torn), (vec![1, 2, 3], None));
            drop(journal);
            for path in segments(&disk) {
                iobeam_journal::Disk::remove(&disk, &path).expect("it is there");
            }
        }
    }
}

#[test]
fn a_flipped_bit_is_found_wherever_it_is_and_all_around_it_is_read() {
    let disk = filled(12, 2);
    let paths = segments(&disk);
    assert!(paths.len() >= 2, "{paths:?}");
    let all: Vec<u64> = (1..=24).collect();
    let mut chance = Chance::new(77);
    for path in &paths {
        let whole = disk.bytes(path).expect("it is there");
        let used = whole.iter().rposition(|byte| *byte != 0).expect("records") + 1;
        for at in 0..used {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << chance.below(8);
            disk.put(path, bytes);
            let (journal, recovery) = open(&disk);
            let sound = read(&journal);
            let lost: Vec<u64> = all.iter().copied().filter(|seq| !sound.contains(seq)).collect();
            assert!(lost.len() <= 1, "byte {at}: {lost:?} are lost");
            let told: Vec<u64> = recovery
                .damaged
                .iter()
                .filter_map(|damage| damage.lost)
                .flat_map(|(from, to)| from.0..=to.0)
                .collect();
            assert!(told == lost || recovery.torn.is_some(), "byte {at}: {lost:?}, told {told:?}");
            drop(journal);
            for extra in segments(&disk).iter().filter(|extra| !paths.contains(extra)) {
                iobeam_journal::Disk::remove(&disk, extra).expect("it is there");
            }
        }
        disk.put(path, whole);
    }
}

#[test]
fn a_damaged_file_is_kept_aside_when_it_is_forgotten() {
    let disk = filled(40, 1);
    let path = segments(&disk).remove(0);
    let mut bytes = disk.bytes(&path).expect("it is there");
    bytes[1100] ^= 4;
    disk.put(&path, bytes.clone());
    let (mut journal, recovery) = open(&disk);
    assert_eq!(recovery.damaged.len(), 1);
    assert_eq!(recovery.damaged[0].path, path);
    assert_eq!(recovery.damaged[0].lost, Some((Seq(1), Seq(1))));
    journal.forget(Seq(40)).expect("the disk works");
    let aside = Path::new(DIR).join("damaged").join(path.file_name().expect("a name"));
    assert_eq!(disk.bytes(&aside), Some(bytes));
    assert_eq!(disk.bytes(&path), None);
    drop(journal);
    let (_, recovery) = open(&disk);
    assert_eq!(recovery.damaged, [], "it is told until it is forgotten");
    assert_eq!(recovery.last, Seq(40));
}

#[test]
fn a_file_whose_header_is_lost_is_set_aside_and_its_records_are_told_lost() {
    let disk = filled(60, 1);
    let paths = segments(&disk);
    let mut bytes = disk.bytes(&paths[1]).expect("it is there");
    bytes[..1024].fill(0);
    disk.put(&paths[1], bytes);
    let (journal, recovery) = open(&disk);
    assert_eq!(recovery.damaged.len(), 2, "{:?}", recovery.damaged);
    let (from, to) = recovery.damaged[1].lost.expect("the files around it tell");
    let expected: Vec<u64> = (1..=60).filter(|seq| !(from.0..=to.0).contains(seq)).collect();
    assert_eq!(read(&journal), expected);
    assert!(recovery.damaged[0].path.starts_with(Path::new(DIR).join("damaged")));
}

#[test]
fn sequence_numbers_known_elsewhere_are_not_given_out_again() {
    let disk = filled(2, 1);
    let options = Options { at_least: Seq(500), ..Options::default() };
    let (mut journal, _) =
        Journal::open(Path::new(DIR), options, Arc::new(disk.clone())).expect("the disk works");
    assert_eq!(journal.append(1, &[b"x"]).expect("small enough"), Seq(501));
    journal.sync().expect("the disk works");
    drop(journal);
    let (journal, _) = open(&disk);
    assert_eq!(journal.last(), Seq(501));
}

#[test]
fn a_record_inside_a_payload_never_passes_for_one() {
    let disk = filled(1, 1);
    let path = segments(&disk).remove(0);
    let inner = disk.bytes(&path).expect("it is there")[1024..1200].to_vec();
    let other = FaultyDisk::new(9);
    let options = Options { salt: 12, segment_bytes: SEGMENT, ..Options::default() };
    let (mut journal, _) =
        Journal::open(Path::new(DIR), options, Arc::new(other.clone())).expect("the disk works");
    journal.append(1, &[&inner]).expect("small enough");
    journal.append(1, &[b"after"]).expect("small enough");
    journal.sync().expect("the disk works");
    journal.append(1, &[b"later"]).expect("small enough");
    journal.sync().expect("the disk works");
    drop(journal);
    let path = segments(&other).remove(0);
    let mut bytes = other.bytes(&path).expect("it is there");
    bytes[1024] ^= 1; // the outer record's header: now the inner one is stepped over byte by byte
    other.put(&path, bytes);
    let (journal, recovery) = open(&other);
    let seqs: Vec<_> = journal.read_from(Seq(1)).map(|r| r.expect("sound").seq.0).collect();
    assert_eq!(seqs, [2, 3]);
    assert_eq!(recovery.damaged[0].lost, Some((Seq(1), Seq(1))));
}
#[test]
fn what_is_behind_a_torn_record_does_not_come_back_when_the_gap_is_filled() {
    let disk = filled(1, 3);
    let path = segments(&disk).remove(0);
    let mut bytes = disk.bytes(&path).expect("it is there");
    let first = 1024 + (24 + payload(1).len()).next_multiple_of(8);
    let second = first + (24 + payload(2).len()).next_multiple_of(8);
    // The sectors with record 2 did not land, those with record 3 did.
    bytes[first..second].fill(0);
    disk.put(&path, bytes);
    let (mut journal, recovery) = open(&disk);
    assert_eq!(read(&journal), [1]);
    assert!(recovery.torn.is_some() && recovery.damaged.is_empty(), "{recovery:?}");
    journal.append(3, &[&payload(2)]).expect("small enough");
    journal.sync().expect("the disk works");
    drop(journal);
    let (journal, recovery) = open(&disk);
    assert_eq!(read(&journal), [1, 2], "record 3 was never acknowledged");
    assert_eq!((recovery.torn, recovery.damaged), (None, vec![]));
}

/// A journal that marks how far it was synced, and has forgotten its first file.
fn marked(groups: u64) -> (FaultyDisk, Vec<PathBuf>) {
    let disk = FaultyDisk::new(5);
    let (mut journal, _) = open_marked(&disk);
    for seq in 1..=groups {
        journal.append(3, &[&payload(seq)]).expect("small enough");
        journal.sync().expect("the disk works");
    }
    journal.forget(Seq(20)).expect("the disk works");
    drop(journal);
    let files = segments(&disk).into_iter();
    let files = files.filter(|path| path.extension().is_some_and(|ending| ending == "journal"));
    let files: Vec<PathBuf> = files.collect();
    assert!(files.len() >= 3, "{files:?}");
    (disk, files)
}

fn open_marked(disk: &FaultyDisk) -> (Journal, Recovery) {
    let options = Options {
        segment_bytes: SEGMENT,
        zero_ahead: 0,
        salt: 11,
        marks: true,
        ..Options::default()
    };
    Journal::open(Path::new(DIR), options, Arc::new(disk.clone())).expect("the disk works")
}

#[test]
fn a_marked_journal_opens_as_sound_as_it_was_closed_again_and_again() {
    let (disk, _) = marked(90);
    for _ in 0..3 {
        let (journal, recovery) = open_marked(&disk);
        assert_eq!((recovery.torn, recovery.damaged), (None, vec![]));
        assert_eq!(journal.last(), Seq(90));
    }
}

#[test]
fn a_file_that_is_missing_or_empty_is_missed_wherever_it_stood() {
    for empty in [false, true] {
        let (_, files) = marked(90);
        for at in 0..files.len() {
            let (disk, files) = marked(90);
            let (before, _) = open_marked(&disk);
            let first = before.first().0;
            drop(before);
            if empty {
                disk.put(&files[at], Vec::new());
            } else {
                iobeam_journal::Disk::remove(&disk, &files[at]).expect("gone");
            }
            let (mut journal, recovery) = open_marked(&disk);
            let there = read(&journal);
            let lost: Vec<u64> = (first..=90).filter(|seq| !there.contains(seq)).collect();
            let told: Vec<u64> = recovery
                .damaged
                .iter()
                .filter_map(|damage| damage.lost)
                .flat_map(|(from, to)| from.0..=to.0)
                .collect();
            assert!(!lost.is_empty() && told == lost, "file {at}: {told:?} are {lost:?}");
            assert_eq!(recovery.torn, None, "nothing of it was unfinished");
            journal.append(3, &[&payload(91)]).expect("small enough");
            journal.sync().expect("the disk works");
            assert_eq!(journal.last(), Seq(91), "no number is given out again");
        }
    }
}

#[test]
fn a_last_record_that_was_synced_is_damaged_and_one_that_was_not_is_torn() {
    let (disk, files) = marked(90);
    let path = files.last().expect("a file");
    let whole = disk.bytes(path).expect("there");
    let used = whole.iter().rposition(|byte| *byte != 0).expect("records") + 1;
    for at in used - 60..used {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        disk.put(path, flipped);
        let (journal, recovery) = open_marked(&disk);
        let lost = recovery.damaged.iter().find_map(|damage| damage.lost);
        // Padding behind the record is part of none.
        assert!(lost == Some((Seq(90), Seq(90))) || read(&journal).last() == Some(&90), "{at}");
        assert_eq!(recovery.torn, None, "byte {at}");
        drop(journal);
        disk.put(path, whole.clone());
        // What the open above noted goes too: it was of a journal without that record.
        assert!(recovery.last >= Seq(90));
    }
    for cut in used - 60..used - 8 {
        let mut short = whole.clone();
        short[cut..].fill(0);
        disk.put(path, short);
        let (_, recovery) = open_marked(&disk);
        let lost = recovery.damaged.iter().find_map(|damage| damage.lost);
        assert_eq!((recovery.torn, lost), (None, Some((Seq(90), Seq(90)))), "cut at {cut}");
        disk.put(path, whole.clone());
    }
}
