//! The threads that queries run on: a few for each query, so that the operating system shares the processors among
//! queries as it does among programs.
//!
//! ```text
//! query ─▶ place? ─ so many at once, and of one reader half of them ─▶ Lease: threads of its own
//!                                   │ ended soon: kept warm for the next, 2 s                │ runs for longer
//!                                   └────────────────────────────────────────────────────────┴▶ lower priority, not used again
//! ```

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::Settings;
use crate::context::QueryContext;
use crate::error::{CONCURRENCY_SETTING, QueryError};

/// Reads of files of one query that may wait for the disk at once.
const READERS: usize = 16;
/// Planning goes as deep as the query text is nested.
const STACK: usize = 16 << 20;
/// A query that runs longer makes way for others: since when, and its priority then, as `nice` counts.
const PRIORITIES: [(Duration, i32); 3] =
    [(Duration::from_millis(100), 3), (Duration::from_secs(1), 5), (Duration::from_secs(5), 15)];
/// How long threads without a query are kept.
const WARM: Duration = Duration::from_secs(2);

/// Who asks: queries of one reader share what one reader may take.
pub type Reader = u64;

/// The threads of one query. They end without being waited for: the last to let go of them may be one of them.
struct Crew {
    runtime: Option<Runtime>,
    /// The system's numbers of the threads.
    ids: Arc<Mutex<Vec<i32>>>,
}

/// All threads, and the places of queries.
pub(super) struct Threads {
    of_each: usize,
    places: Arc<Semaphore>,
    most_places: usize,
    most_places_of_one: usize,
    readers: Mutex<HashMap<Reader, Arc<Semaphore>>>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    running: HashMap<u64, Running>,
    warm: Vec<(Instant, Crew)>,
    ended: Vec<Crew>,
    begun: u64,
}

/// A query that runs.
struct Running {
    context: QueryContext,
    ids: Arc<Mutex<Vec<i32>>>,
    since: Instant,
    nice: i32,
}

impl Threads {
    pub(super) fn new(settings: &Settings) -> Self {
        let most_places = settings.concurrency.max(2);
        Self {
            of_each: settings.threads.max(1),
            places: Arc::new(Semaphore::new(most_places)),
            most_places,
            most_places_of_one: most_places.div_ceil(2),
            readers: Mutex::default(),
            state: Arc::default(),
        }
    }

    /// Waits for a place and takes threads for a query.
    pub(super) async fn lease(
        &self,
        reader: Reader,
        context: &QueryContext,
    ) -> Result<Lease, QueryError> {
        let gates = [self.of_reader(reader), Arc::clone(&self.places)];
        let left = context.left().unwrap_or_default();
        let Ok(places) = timeout(left, enter(&gates)).await else {
            return Err(QueryError::Busy {
                limit: self.most_places,
                waited: context.limits().time,
                setting: CONCURRENCY_SETTING,
            });
        };
        let mut state = self.state.lock();
        let crew = match state.warm.pop() {
            Some((_, crew)) => crew,
            None => Crew::new(self.of_each)?,
        };
        state.begun += 1;
        let number = state.begun;
        let ids = Arc::clone(&crew.ids);
        state.running.insert(
            number,
            Running { context: context.clone(), ids, since: Instant::now(), nice: 0 },
        );
        Ok(Lease { number, crew: Some(crew), state: Arc::clone(&self.state), gates, places })
    }

    /// The places of one reader.
    fn of_reader(&self, reader: Reader) -> Arc<Semaphore> {
        let mut readers = self.readers.lock();
        if readers.len() > 1024 {
            readers.retain(|_, places| Arc::strong_count(places) > 1);
        }
        let fresh = || Arc::new(Semaphore::new(self.most_places_of_one));
        Arc::clone(readers.entry(reader).or_insert_with(fresh))
    }

    /// What the watch does from time to time. Says whether it is needed soon again.
    pub(super) fn tend(&self) -> bool {
        let mut state = self.state.lock();
        let now = Instant::now();
        for running in state.running.values_mut() {
            let ran = now.duration_since(running.since);
            let nice = PRIORITIES.iter().rev().find(|(since, _)| ran > *since);
            let nice = nice.map_or(0, |(_, nice)| *nice);
            if nice > running.nice {
                running.nice = nice;
                lower(&running.ids.lock(), nice);
            }
        }
        let (cold, warm) = std::mem::take(&mut state.warm)
            .into_iter()
            .partition::<Vec<_>, _>(|(since, _)| now.duration_since(*since) > WARM);
        state.warm = warm;
        let mut gone = std::mem::take(&mut state.ended);
        gone.extend(cold.into_iter().map(|(_, crew)| crew));
        let is_needed = !state.running.is_empty() || !state.warm.is_empty();
        drop(state);
        drop(gone);
        is_needed
    }

    /// The queries that run.
    pub(super) fn running(&self) -> Vec<QueryContext> {
        self.state.lock().running.values().map(|running| running.context.clone()).collect()
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Crew {
    fn new(threads: usize) -> Result<Self, QueryError> {
        let ids = Arc::new(Mutex::new(Vec::new()));
        let known = Arc::clone(&ids);
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("query")
            .thread_stack_size(STACK)
            .max_blocking_threads(READERS)
            .thread_keep_alive(WARM)
            .on_thread_start(move || known.lock().extend(own_id()))
            .enable_time()
            .build()
            .map_err(QueryError::internal)?;
        Ok(Self { runtime: Some(runtime), ids })
    }
}

/// The threads of a query, until it has ended.
pub(super) struct Lease {
    number: u64,
    crew: Option<Crew>,
    state: Arc<Mutex<State>>,
    gates: [Arc<Semaphore>; 2],
    places: Vec<OwnedSemaphorePermit>,
}

/// Waits for a place behind each of the gates.
async fn enter(gates: &[Arc<Semaphore>; 2]) -> Vec<OwnedSemaphorePermit> {
    let mut places = Vec::with_capacity(gates.len());
    for gate in gates {
        // No gate is ever closed.
        places.extend(Arc::clone(gate).acquire_owned().await);
    }
    places
}

impl Lease {
    /// Where the query's tasks go.
    pub(super) fn handle(&self) -> Option<Handle> {
        self.crew.as_ref()?.runtime.as_ref().map(|runtime| runtime.handle().clone())
    }

    /// Waits for something that is no work of the query, which leaves its place to another meanwhile.
    pub(super) async fn away<T>(&mut self, it: impl Future<Output = T>) -> T {
        self.places.clear();
        let done = it.await;
        self.places = enter(&self.gates).await;
        done
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(crew) = self.crew.take() else { return };
        let mut state = self.state.lock();
        let ran = state.running.remove(&self.number);
        let was_short = ran.is_some_and(|ran| ran.nice == 0);
        // The task that ends here is the last one, unless something of the query still runs.
        let tasks = crew.runtime.as_ref().map_or(0, |runtime| runtime.metrics().num_alive_tasks());
        if was_short && tasks <= 1 {
            state.warm.push((Instant::now(), crew));
        } else {
            state.ended.push(crew);
        }
    }
}

/// The system's number of this thread.
fn own_id() -> Option<i32> {
    let link = std::fs::read_link("/proc/thread-self").ok()?;
    link.file_name()?.to_str()?.parse().ok()
}

/// Lets the processors go to others first.
fn lower(ids: &[i32], nice: i32) {
    for id in ids {
        if let Some(thread) = rustix::process::Pid::from_raw(*id) {
            // A thread that has ended needs no priority.
            let _ = rustix::process::setpriority_process(Some(thread), nice);
        }
    }
}
