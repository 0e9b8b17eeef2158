//! What may happen to a store, one step after the other.

use iobeam_testkit::{Fault, Operation};
use proptest::prelude::*;
use proptest::strategy::Union;

/// How many tables there are.
pub(super) const TABLES: usize = 3;

/// A life of a store.
#[derive(Clone, Debug)]
pub(super) struct History {
    /// How large things may grow before the store does something about it.
    pub(super) sizes: Sizes,
    /// What happens.
    pub(super) steps: Vec<Step>,
}

/// Small, so that much happens within a short history.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) flush_bytes: usize,
    pub(super) segment_bytes: u64,
    pub(super) merge_files: usize,
    pub(super) receipts_in_memory: usize,
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Imports that are sent at once, and so may share a sync.
    Write(Vec<Import>),
    /// What was sent before comes again, counted from the last one.
    Again(u8),
    /// All goes into files, while imports come.
    Flush(Vec<Import>),
    /// Rows before a time are no longer wanted.
    Retain { table: usize, keep_from: i64 },
    /// Rows between two times are deleted, those of a device alone or of all.
    Delete { table: usize, times: (i64, i64), device: Option<u8> },
    /// A snapshot is taken and held: it must show the same later on.
    Look,
    /// Merges get some time.
    Rest,
    /// Hours go by.
    Wait(u8),
    /// A disk operation to come fails, once.
    Fault { operation: Operation, after: u8, fault: Fault },
    /// The store ends in good order, and is opened again.
    Close,
    /// The process or the machine dies.
    Die(Death),
}

/// How the process or the machine dies.
#[derive(Clone, Debug)]
pub(super) struct Death {
    /// So many disk operations after these imports, and perhaps a flush, began.
    pub(super) after: u8,
    pub(super) imports: Vec<Import>,
    pub(super) flush: bool,
    /// Power is lost; else the process alone ends.
    pub(super) power: bool,
    /// Power is lost once more, so many operations into the next start.
    pub(super) again: Option<u8>,
}

/// An import.
#[derive(Clone, Debug)]
pub(super) struct Import {
    pub(super) table: usize,
    pub(super) device: u8,
    pub(super) times: Vec<i64>,
    pub(super) name: Name,
}

/// How a repeat of it is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    /// Not at all.
    None,
    /// By its number in a stream.
    Number(u8, u64),
    /// By the hash of its body, for a day.
    Hash(u8),
}

fn times() -> impl Strategy<Value = Vec<i64>> {
    let time = prop_oneof![
        6 => 0..60i64,
        1 => Just(i64::MIN),
        1 => Just(i64::MAX),
        2 => 1_700_000_000_000_000..1_700_000_000_100_000i64,
    ];
    let few = prop::collection::vec(time, 1..12);
    prop_oneof![8 => few, 1 => Just((0..60).collect::<Vec<_>>())]
}

fn import() -> impl Strategy<Value = Import> {
    let name = prop_oneof![
        1 => Just(Name::None),
        1 => (0..3u8, 0..12u64).prop_map(|(stream, counter)| Name::Number(stream, counter)),
        1 => (0..9u8).prop_map(Name::Hash),
    ];
    (0..TABLES, 0..4u8, times(), name).prop_map(|(table, device, times, name)| Import {
        table,
        device,
        times,
        name,
    })
}

fn imports(most: usize) -> impl Strategy<Value = Vec<Import>> {
    prop::collection::vec(import(), 0..=most)
}

fn death() -> impl Strategy<Value = Death> {
    let again = prop::option::weighted(0.2, 0..120u8);
    // A flush has some hundred operations, an import a handful.
    let after = prop_oneof![0..12u8, 0..200u8];
    (after, imports(4), any::<bool>(), any::<bool>(), again).prop_map(
        |(after, imports, flush, power, again)| Death { after, imports, flush, power, again },
    )
}

fn fault() -> impl Strategy<Value = Step> {
    let operation = prop::sample::select(vec![
        Operation::Create,
        Operation::Open,
        Operation::Read,
        Operation::Write,
        Operation::Sync,
        Operation::SyncDir,
        Operation::Rename,
        Operation::Remove,
        Operation::Preallocate,
        Operation::List,
    ]);
    let fault = prop::sample::select(vec![Fault::Io, Fault::NoSpace]);
    (operation, 0..6u8, fault).prop_map(|(operation, after, fault)| Step::Fault {
        operation,
        after,
        fault,
    })
}

fn delete() -> impl Strategy<Value = Step> {
    let device = prop::option::of(0..4u8);
    (0..TABLES, 0..60i64, 0..30i64, device).prop_map(|(table, from, length, device)| Step::Delete {
        table,
        times: (from, from + length),
        device,
    })
}

fn step(retention: bool) -> impl Strategy<Value = Step> {
    let mut steps = vec![
        (14, imports(3).prop_map(Step::Write).boxed()),
        (6, any::<u8>().prop_map(Step::Again).boxed()),
        (8, imports(2).prop_map(Step::Flush).boxed()),
        (3, delete().boxed()),
        (3, Just(Step::Look).boxed()),
        (3, Just(Step::Rest).boxed()),
        (2, prop::sample::select(vec![5, 11, 26]).prop_map(Step::Wait).boxed()),
        (2, fault().boxed()),
        (1, Just(Step::Close).boxed()),
        (4, death().prop_map(Step::Die).boxed()),
    ];
    if retention {
        let retain = (0..TABLES, 0..50i64);
        let retain = retain.prop_map(|(table, keep_from)| Step::Retain { table, keep_from });
        steps.push((2, retain.boxed()));
    }
    Union::new_weighted(steps)
}

fn sizes() -> impl Strategy<Value = Sizes> {
    let memtable = prop::sample::select(vec![3_000, 20_000, 1 << 20]);
    let segment = prop::sample::select(vec![4_096, 16_384, 1 << 16]);
    (memtable, segment, 2..5usize, 3..9usize).prop_map(
        |(flush_bytes, segment_bytes, merge_files, receipts_in_memory)| Sizes {
            flush_bytes,
            segment_bytes,
            merge_files,
            receipts_in_memory,
        },
    )
}

/// Histories: a third of them with retention.
pub(super) fn histories() -> impl Strategy<Value = History> {
    let steps = |retention| prop::collection::vec(step(retention), 8..60);
    let steps = prop_oneof![2 => steps(false), 1 => steps(true)];
    (sizes(), steps).prop_map(|(sizes, steps)| History { sizes, steps })
}
