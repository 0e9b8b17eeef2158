//! What threads hand over to each other, in many of the orders in which they may run: the store's own `views.rs`,
//! `budget.rs` and `recent.rs`, compiled with the locks and atomics of a scheduler.
//!
//! ```text
//! senders ─ reserve ─▶ inbox ─▶ writer: apply, show, answer ─▶ flusher ─▶ writer: files and memory in one view
//!    └────────── look: mine is there, and each row once ◀── views
//! ```
//!
//! The scheduler prints what repeats a failure. `IOBEAM_SCHEDULES` asks for more orders than usual.

use std::sync::Arc;

use shuttle::sync::mpsc::{Sender, channel};
use shuttle::thread;

use budget::{Budget, Use};
use primitives::Mutex;
use recent::{Allowance, Line, Node};
use views::SnapshotRegistry;

#[path = "../../crates/store/src/budget.rs"]
#[expect(dead_code, reason = "some of it is for whoever looks on")]
mod budget;

#[path = "../../crates/store/src/recent.rs"]
mod recent;

#[path = "../../crates/store/src/views.rs"]
mod views;

/// As in the store, but the scheduler's.
mod primitives {
    use std::sync::Arc;

    use shuttle::sync::{MutexGuard, RwLockReadGuard, RwLockWriteGuard};

    /// A lock that no panic poisons, as the store's.
    #[derive(Debug)]
    pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(content: T) -> Self {
            Self(shuttle::sync::Mutex::new(content))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().expect("no thread panics")
        }
    }

    /// Another such.
    #[derive(Debug)]
    pub(crate) struct RwLock<T>(shuttle::sync::RwLock<T>);

    impl<T> RwLock<T> {
        pub(crate) fn new(content: T) -> Self {
            Self(shuttle::sync::RwLock::new(content))
        }

        pub(crate) fn read(&self) -> RwLockReadGuard<'_, T> {
            self.0.read().expect("no thread panics")
        }

        pub(crate) fn write(&self) -> RwLockWriteGuard<'_, T> {
            self.0.write().expect("no thread panics")
        }
    }

    /// A value that is replaced in one step. That the store's own does so is its library's promise.
    #[derive(Debug)]
    pub(crate) struct Swap<T>(shuttle::sync::Mutex<Arc<T>>);

    impl<T> Swap<T> {
        pub(crate) fn from_pointee(value: T) -> Self {
            Self(shuttle::sync::Mutex::new(Arc::new(value)))
        }

        pub(crate) fn new(value: Arc<T>) -> Self {
            Self(shuttle::sync::Mutex::new(value))
        }

        pub(crate) fn load_full(&self) -> Arc<T> {
            self.load()
        }

        pub(crate) fn load(&self) -> Arc<T> {
            Arc::clone(&self.0.lock().expect("no thread panics"))
        }

        pub(crate) fn store(&self, value: Arc<T>) {
            *self.0.lock().expect("no thread panics") = value;
        }
    }
}

/// Orders tried when nobody asks for more.
const SCHEDULES: usize = 1500;

fn schedules() -> usize {
    let asked = std::env::var("IOBEAM_SCHEDULES").ok();
    asked.map_or(SCHEDULES, |text| text.parse().expect("IOBEAM_SCHEDULES is a number"))
}

/// Rows by number: those in files, and those in memory.
#[derive(Clone, Debug, Default)]
struct View {
    files: Vec<u64>,
    memory: Vec<u64>,
}

impl View {
    fn rows(&self) -> Vec<u64> {
        let mut rows = [self.files.as_slice(), &self.memory].concat();
        rows.sort_unstable();
        rows
    }
}

enum Message {
    /// A row of so many bytes, and where it is said that it is stored.
    Write(u64, Sender<()>),
    /// These rows are in a file.
    Flushed(Vec<u64>),
    Close,
}

struct Store {
    views: SnapshotRegistry<&'static str, View>,
    budget: Budget,
}

impl Default for Store {
    fn default() -> Self {
        Self { views: SnapshotRegistry::default(), budget: Budget::new(u64::MAX / 2) }
    }
}

/// The bytes of every row.
const WEIGHT: u64 = 60;

impl Store {
    /// The writer, with the steps of `writer/group.rs` and `writer.rs` in their order. It seals every second row.
    fn run(&self, inbox: &shuttle::sync::mpsc::Receiver<Message>, jobs: &Sender<Vec<u64>>) {
        let slot = self.views.add(&"table", View::default());
        let mut view = View::default();
        while let Ok(message) = inbox.recv() {
            match message {
                Message::Write(row, answer) => {
                    view.memory.push(row);
                    slot.show(view.clone());
                    self.budget.apply(WEIGHT, view.memory.len() as u64 * WEIGHT);
                    answer.send(()).expect("somebody waits");
                    if view.memory.len() == 2 {
                        jobs.send(view.memory.clone()).expect("the flusher lives");
                    }
                }
                Message::Flushed(rows) => {
                    view.memory.retain(|row| !rows.contains(row));
                    view.files.extend(rows);
                    slot.show(view.clone());
                    self.budget.apply(0, view.memory.len() as u64 * WEIGHT);
                }
                Message::Close => return,
            }
        }
    }

    /// A sender: what was acknowledged is seen, each row once, and nothing that was seen goes away.
    fn send(&self, row: u64, inbox: &Sender<Message>) {
        let (answer, answered) = channel();
        assert!(self.budget.reserve(WEIGHT));
        let before = self.look();
        inbox.send(Message::Write(row, answer)).expect("the writer lives");
        answered.recv().expect("it is answered");
        let after = self.look();
        assert!(after.contains(&row), "row {row} was acknowledged, and {after:?} are seen");
        assert!(before.iter().all(|row| after.contains(row)), "{before:?} became {after:?}");
    }

    fn look(&self) -> Vec<u64> {
        let rows = self.views.view(&"table").unwrap_or_default().rows();
        assert!(rows.windows(2).all(|pair| pair[0] < pair[1]), "a row stands twice: {rows:?}");
        rows
    }
}

#[test]
fn what_was_acknowledged_is_seen_and_each_row_is_seen_once_while_rows_move_into_files() {
    shuttle::check_random(
        || {
            let store = Arc::new(Store::default());
            let (inbox, messages) = channel();
            let (jobs, orders) = channel();
            let writer = {
                let store = Arc::clone(&store);
                thread::spawn(move || store.run(&messages, &jobs))
            };
            let flusher = {
                let inbox = inbox.clone();
                thread::spawn(move || {
                    while let Ok(rows) = orders.recv() {
                        // After a close nobody listens any more.
                        let _ = inbox.send(Message::Flushed(rows));
                    }
                })
            };
            let senders: Vec<_> = (0..3)
                .map(|row| {
                    let (store, inbox) = (Arc::clone(&store), inbox.clone());
                    thread::spawn(move || store.send(row, &inbox))
                })
                .collect();
            for sender in senders {
                sender.join().expect("a sender");
            }
            assert_eq!(store.look(), [0, 1, 2]);
            assert_eq!(store.views.all()[0].1.rows(), [0, 1, 2]);
            inbox.send(Message::Close).expect("the writer lives");
            writer.join().expect("the writer");
            flusher.join().expect("the flusher");
            let held = store.views.view(&"table").unwrap_or_default().memory.len() as u64;
            assert_eq!(store.budget.taken(Use::Rows), held * WEIGHT, "nothing waits any more");
        },
        schedules(),
    );
}

/// What is really taken: rows, weight by weight, and what a query and a merge hold.
#[derive(Default)]
struct Taken {
    rows: Vec<u64>,
    others: u64,
}

#[test]
fn together_rows_queries_and_merges_never_take_more_than_the_budget_and_what_is_too_large_goes_alone() {
    const BUDGET: u64 = 100;
    shuttle::check_random(
        || {
            let budget = Arc::new(Budget::new(BUDGET));
            let taken = Arc::new(Mutex::new(Taken::default()));
            let writers = [30, 50, 120].map(|weight| {
                let (budget, taken) = (Arc::clone(&budget), Arc::clone(&taken));
                thread::spawn(move || {
                    if !budget.reserve(weight) {
                        return;
                    }
                    let mut taken = taken.lock();
                    taken.rows.push(weight);
                    let rows: u64 = taken.rows.iter().sum();
                    let all = rows + taken.others;
                    assert!(all <= BUDGET || taken.rows.len() == 1, "{:?} were let in", taken.rows);
                    // The writer's thread is one: it applies under this lock.
                    budget.apply(weight, rows);
                })
            });
            let others = [(Use::Queries, 40), (Use::Merges, 30)].map(|(by, bytes)| {
                let (budget, taken) = (Arc::clone(&budget), Arc::clone(&taken));
                thread::spawn(move || {
                    if !budget.take(by, bytes) {
                        return;
                    }
                    taken.lock().others += bytes;
                    thread::yield_now();
                    taken.lock().others -= bytes;
                    budget.give(by, bytes);
                })
            });
            for thread in writers.into_iter().chain(others) {
                thread.join().expect("a thread");
            }
            let rows: u64 = taken.lock().rows.iter().sum();
            assert!(rows > 0, "one write at least is let in");
            assert_eq!([Use::Rows, Use::Queries, Use::Merges].map(|by| budget.taken(by)), [rows, 0, 0]);
        },
        schedules(),
    );
}

#[test]
fn each_use_has_a_floor_that_the_others_cannot_take() {
    shuttle::check_random(
        || {
            let budget = Arc::new(Budget::new(80));
            let greedy = [Use::Rows, Use::Queries, Use::Merges].map(|by| {
                let budget = Arc::clone(&budget);
                thread::spawn(move || while budget.take(by, 5) {})
            });
            for thread in greedy {
                thread.join().expect("a thread");
            }
            let taken = [Use::Rows, Use::Queries, Use::Merges].map(|by| budget.taken(by));
            assert!(taken[0] >= 20 && taken[1] >= 20 && taken[2] >= 10, "{taken:?}");
            assert!(taken.iter().sum::<u64>() <= 80, "{taken:?}");
        },
        schedules(),
    );
}

/// The rows of a record: two, in a node each.
fn rows_of(record: u64) -> [u64; 2] {
    [record * 2, record * 2 + 1]
}

/// One who follows: whole records in their order, none twice, and a gap only where something was let go.
fn follow(line: &Line<u64>, last: u64) {
    let mut at = 0;
    while at < last {
        let newest = line.newest();
        let Some(found) = line.since(at, 2, |_| 1) else {
            assert!(newest >= at, "time goes one way");
            at = newest;
            continue;
        };
        assert!(found.len() % 2 == 0, "half a record of {found:?}");
        for pair in found.chunks(2) {
            assert_eq!(pair[0].0, at + 1, "after {at} came {found:?}");
            at += 1;
            assert_eq!([pair[0].1, pair[1].1], rows_of(at));
        }
    }
}

#[test]
fn who_follows_gets_whole_records_once_each_or_learns_that_some_are_gone() {
    const RECORDS: u64 = 4;
    shuttle::check_random(
        || {
            let line = Arc::new(Line::new(0));
            let readers: Vec<_> = (0..2)
                .map(|_| {
                    let line = Arc::clone(&line);
                    thread::spawn(move || follow(&line, RECORDS))
                })
                .collect();
            // Two records fit.
            let mut budget = Allowance::new(4);
            let mut newest = Node::begin(0);
            for record in 1..=RECORDS {
                for row in rows_of(record) {
                    newest = Node::after(&newest, record, Some(row));
                    budget.hold(&newest, 1);
                }
                line.show(&newest);
            }
            assert_eq!(line.since(RECORDS - 2, 10, |_| 1).map(|found| found.len()), Some(4));
            assert!(line.since(0, 10, |_| 1).is_none(), "what was let go is missed");
            for reader in readers {
                reader.join().expect("a reader");
            }
        },
        schedules(),
    );
}
