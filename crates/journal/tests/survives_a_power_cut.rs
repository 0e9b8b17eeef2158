//! Whatever is appended, synced, forgotten, cut and broken: what was synced is there, in order, and nothing that was
//! not written.

use std::path::Path;
use std::sync::Arc;

use iobeam_journal::{Journal, Options, Recovery, Seq};
use iobeam_testkit::{Chance, Fault, FaultyDisk, Operation};
use proptest::prelude::*;

const DIR: &str = "/journal";

#[derive(Clone, Debug)]
enum Step {
    Append {
        size: usize,
    },
    Sync,
    Forget {
        of_100: u64,
    },
    /// Power is lost.
    Cut,
    /// The process ends, the machine goes on.
    Crash,
    /// Some operation soon fails.
    Fail {
        after: u64,
        fault: Fault,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0..1500_usize).prop_map(|size| Step::Append { size }),
        5 => Just(Step::Sync),
        1 => (0..120_u64).prop_map(|of_100| Step::Forget { of_100 }),
        2 => Just(Step::Cut),
        1 => Just(Step::Crash),
        2 => (0..12_u64, prop_oneof![Just(Fault::Io), Just(Fault::NoSpace)])
            .prop_map(|(after, fault)| Step::Fail { after, fault }),
    ];
    prop::collection::vec(step, 1..60)
}

/// What is known outside of the journal.
struct World {
    disk: FaultyDisk,
    journal: Option<Journal>,
    chance: Chance,
    /// Acknowledged, from sequence number 1 on.
    synced: Vec<Vec<u8>>,
    forgotten: u64,
    appended: Vec<Vec<u8>>,
    /// Groups whose sync failed, since one succeeded.
    failed: Vec<Vec<Vec<u8>>>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self {
            disk: FaultyDisk::new(seed),
            journal: None,
            chance: Chance::new(seed ^ 1),
            synced: Vec::new(),
            forgotten: 0,
            appended: Vec::new(),
            failed: Vec::new(),
        };
        world.open();
        world
    }

    fn open(&mut self) {
        self.journal = None;
        self.appended.clear();
        let open = |disk: &FaultyDisk| {
            let marks = true;
            let options = Options { segment_bytes: 8192, salt: 7, marks, ..Options::default() };
            Journal::open(Path::new(DIR), options, Arc::new(disk.clone()))
        };
        let (journal, recovery) = open(&self.disk).unwrap_or_else(|_| {
            self.disk.heal();
            open(&self.disk).expect("a healthy disk opens")
        });
        self.check(&journal, &recovery);
        self.journal = Some(journal);
    }

    /// Compares what is read with what is known, and takes over what may have come through.
    fn check(&mut self, journal: &Journal, recovery: &Recovery) {
        assert_eq!(recovery.damaged, [], "nothing was damaged");
        self.disk.heal();
        let read: Vec<_> = journal
            .read_from(Seq(self.forgotten + 1))
            .map(|record| record.expect("a healthy disk reads"))
            .collect();
        let known = self.synced.len() as u64;
        assert_eq!(journal.last(), read.last().map_or(Seq(known), |record| record.seq));
        assert_eq!(recovery.last, journal.last());
        for (record, seq) in read.iter().zip(self.forgotten + 1..) {
            assert_eq!(record.seq, Seq(seq));
            assert_eq!(record.kind, seq as u8);
        }
        let old = (known - self.forgotten) as usize;
        assert!(read.len() >= old, "{} of {old} acknowledged records are there", read.len());
        for (record, payload) in read.iter().zip(&self.synced[self.forgotten as usize..]) {
            assert!(record.payload == *payload, "record {} is another", record.seq);
        }
        let more: Vec<_> = read[old..].iter().map(|record| record.payload.clone()).collect();
        let explained = self.failed.iter().any(|group| group.starts_with(&more));
        assert!(more.is_empty() || explained, "{} records from nowhere", more.len());
        self.synced.extend(more);
        self.failed.clear();
    }

    fn play(&mut self, step: &Step) {
        let Some(journal) = &mut self.journal else { unreachable!("it is always open") };
        match *step {
            Step::Append { size } => {
                let payload: Vec<u8> = (0..size).map(|_| self.chance.next() as u8 | 1).collect();
                let seq = self.synced.len() + self.appended.len() + 1;
                let (head, tail) = payload.split_at(size / 3);
                let given = journal.append(seq as u8, &[head, tail]).expect("small enough");
                assert_eq!(given, Seq(seq as u64));
                self.appended.push(payload);
            }
            Step::Sync => {
                let group = std::mem::take(&mut self.appended);
                match journal.sync() {
                    Ok(()) if group.is_empty() => {}
                    Ok(()) => {
                        self.synced.extend(group);
                        self.failed.clear();
                    }
                    Err(_) => self.failed.push(group),
                }
                assert_eq!(journal.last(), Seq(self.synced.len() as u64));
            }
            Step::Forget { of_100 } => {
                let upto = (self.synced.len() as u64 * of_100.min(100)) / 100;
                let _ = journal.forget(Seq(upto));
                self.forgotten = self.forgotten.max(upto);
            }
            Step::Cut => {
                self.disk = self.disk.cut();
                self.open();
            }
            Step::Crash => self.open(),
            Step::Fail { after, fault } => self.disk.fail_any(after, fault),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn what_was_synced_is_read_again_after_any_cut(seed: u64, steps in steps()) {
        let mut world = World::new(seed);
        for step in &steps {
            world.play(step);
        }
        world.play(&Step::Cut);
    }
}

#[test]
fn nothing_is_written_behind_a_header_that_only_the_memory_has() {
    // A segment's header fails on its way to the disk, its removal fails, and so does the first look at it after the
    // crash: the system then takes what it has in memory for written.
    let mut world = World::new(1_063_518_977_739_092_097);
    let fail = |after| Step::Fail { after, fault: Fault::Io };
    let append = || Step::Append { size: 0 };
    for step in [
        Step::Cut,
        fail(3),
        fail(5),
        append(),
        fail(4),
        Step::Sync,
        Step::Crash,
        append(),
        Step::Sync,
        Step::Cut,
    ] {
        world.play(&step);
    }
}

#[test]
fn a_full_disk_takes_records_again_once_there_is_room() {
    let disk = FaultyDisk::new(1);
    disk.set_capacity(Some(20_000));
    let options = Options { segment_bytes: 8192, ..Options::default() };
    let (mut journal, _) =
        Journal::open(Path::new(DIR), options.clone(), Arc::new(disk.clone())).expect("room");
    let mut stored = 0;
    let refusal = loop {
        journal.append(0, &[&[1; 1000]]).expect("small enough");
        match journal.sync() {
            Ok(()) => stored += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refusal.remedy(), iobeam_model::Remedy::Retry, "{refusal}");
    assert!(stored >= 12, "{stored}");
    assert_eq!(journal.read_from(Seq(1)).count(), stored, "reading goes on");
    disk.set_capacity(Some(40_000));
    journal.append(0, &[&[1; 1000]]).expect("small enough");
    journal.sync().expect("there is room again");
    drop(journal);
    let disk = disk.cut();
    let (journal, recovery) = Journal::open(Path::new(DIR), options, Arc::new(disk)).expect("room");
    assert_eq!(recovery.damaged, []);
    assert_eq!(journal.read_from(Seq(1)).count(), stored + 1);
}

#[test]
fn a_failed_group_does_not_come_back_once_the_next_file_is_made() {
    for seed in 0..200 {
        let disk = FaultyDisk::new(seed);
        let open = |disk: &FaultyDisk| {
            let options = Options { segment_bytes: 4096, ..Options::default() };
            Journal::open(Path::new(DIR), options, Arc::new(disk.clone())).expect("the disk works")
        };
        let (mut journal, _) = open(&disk);
        journal.append(0, &[b"kept"]).expect("small enough");
        journal.sync().expect("the disk works");
        journal.append(0, &[b"failed"]).expect("small enough");
        disk.fail(Operation::Sync, 0, Fault::Io);
        journal.sync().expect_err("the sync fails");
        let (journal, recovery) = open(&disk.cut());
        let read: Vec<_> = journal.read_from(Seq(1)).map(|r| r.expect("sound").payload).collect();
        assert_eq!(read, [b"kept".to_vec()], "seed {seed}");
        assert_eq!((recovery.torn, recovery.damaged), (None, vec![]));
    }
}

#[test]
fn a_second_process_is_told_so() {
    let disk = FaultyDisk::new(1);
    let open = || Journal::open(Path::new(DIR), Options::default(), Arc::new(disk.clone()));
    let first = open().expect("nobody has it");
    let refusal = open().expect_err("the first has it");
    assert_eq!(
        refusal.to_string(),
        "/journal is in use by another process; one process at a time may write there"
    );
    drop(first);
    open().expect("it was given back");
}

#[test]
fn a_file_that_could_not_be_made_nor_removed_does_no_harm_later() {
    let disk = FaultyDisk::new(3);
    let open = |disk: &FaultyDisk| {
        let options = Options { segment_bytes: 4096, ..Options::default() };
        Journal::open(Path::new(DIR), options, Arc::new(disk.clone())).expect("the disk works")
    };
    let (mut journal, _) = open(&disk);
    let mut failures = 0;
    for round in 0..20 {
        if round == 3 {
            disk.fail(Operation::SyncDir, 0, Fault::Io);
            disk.fail(Operation::Remove, 0, Fault::Io);
        }
        journal.append(0, &[&[1; 1000]]).expect("small enough");
        if journal.sync().is_err() {
            failures += 1;
            journal.append(0, &[&[1; 1000]]).expect("small enough");
            journal.sync().expect("the disk works again");
        }
    }
    assert_eq!(failures, 1);
    journal.forget(Seq(19)).expect("the disk works");
    drop(journal);
    let (journal, recovery) = open(&disk);
    assert_eq!(recovery.damaged, []);
    assert_eq!(journal.last(), Seq(20));
}

#[test]
fn what_is_written_after_a_crash_survives_a_cut_even_if_the_crash_came_before_the_folder_was_synced()
 {
    for seed in 0..20 {
        let disk = FaultyDisk::new(seed);
        let open = |disk: &FaultyDisk| {
            let options = Options { segment_bytes: 4096, ..Options::default() };
            Journal::open(Path::new(DIR), options, Arc::new(disk.clone())).expect("the disk works")
        };
        let (mut journal, _) = open(&disk);
        disk.fail(Operation::SyncDir, 0, Fault::Io);
        disk.fail_from_now(Operation::Remove, Fault::Io);
        disk.fail(Operation::Create, 1, Fault::Io);
        journal.append(0, &[b"lost"]).expect("small enough");
        journal.sync().expect_err("its file could not be made");
        drop(journal);
        disk.heal();
        let (mut journal, _) = open(&disk);
        journal.append(0, &[b"kept"]).expect("small enough");
        journal.sync().expect("the disk works again");
        let (journal, _) = open(&disk.cut());
        assert_eq!(journal.read_from(Seq(1)).count(), 1, "seed {seed}");
    }
}
