//! One query's limits, in the hands of everything that works for it.
//!
//! ```text
//! who asks ─ drops the answer ─▶ stop ┐
//! the clock ─ query-timeout ──────────┼─▶ QueryContext ─ check() ─▶ go on, or the error that the query ends with
//! the watchdog ─ memory-limit ────────┘        └─ reserve(bytes) ─▶ the memory that all queries share
//! ```
//!
//! - Whatever works for a query checks its context at least every 50 ms of work, wherever it runs: operators through
//!   the guards around them, functions through the wrapper around each, and the fast paths between two pieces.
//! - What a query holds is reserved in the pool of all queries through the query's own [`Ledger`], so that the largest
//!   query is known.
//! - Time in which the answer waits for its reader does not count, once the reply has begun to leave. Until then the
//!   reader is the server itself, which writes the answer down.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use datafusion::common::config::{ConfigEntry, ConfigExtension, ConfigOptions, ExtensionOptions};
use datafusion::common::{DataFusionError, Result as EngineResult, config_err, resources_err};
use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::error::{MEMORY_SETTING, QueryError, TIMEOUT_SETTING};

/// Bytes that one evaluation of an expression, one batch or one read may make.
pub(crate) const PIECE_BYTES: usize = 8 << 20;
/// Work goes on without a look at the context for about so long.
pub(crate) const PIECE_TIME: Duration = Duration::from_millis(50);

/// See the module. Cheap to clone; all clones are the same query's.
#[derive(Clone)]
pub(crate) struct QueryContext(Arc<Inner>);

struct Inner {
    began: Instant,
    limits: QueryLimits,
    /// Nanoseconds in which the answer waited for its reader.
    waited: AtomicU64,
    /// Since when it waits for its reader: nanoseconds since the beginning and one, or 0.
    waits_since: AtomicU64,
    /// Since when the reply is on its way to who asked: as above.
    leaves_since: AtomicU64,
    explains: AtomicBool,
    /// What is held until the query ends.
    kept: Mutex<Vec<Reservation>>,
    ledger: Arc<Ledger>,
}

/// What one query may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueryLimits {
    /// How long it may run.
    pub(crate) time: Duration,
    /// Bytes that all queries together may use, for messages.
    pub(crate) memory_bytes: u64,
    /// Bytes that one value may have that a query makes.
    pub(crate) value_bytes: usize,
    /// Whether it may look for rows where they are found without a scan.
    pub(crate) looks_up: bool,
}

/// What a query may be made of, counted before it is planned. A part that is named several times, as the query of a
/// WITH, counts each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanLimits {
    /// Bytes of its text.
    pub text_bytes: usize,
    /// Bytes of one text or number in it.
    pub literal_bytes: usize,
    /// Values of its parameters.
    pub params: usize,
    /// Bytes of all of them together.
    pub param_bytes: usize,
    /// Tables, joined or listed or in queries within.
    pub tables: usize,
    /// Sets of GROUPING SETS, CUBE and ROLLUP.
    pub grouping_sets: usize,
    /// Parts of all expressions.
    pub expressions: usize,
    /// Columns of any step.
    pub columns: usize,
}

impl Default for PlanLimits {
    fn default() -> Self {
        Self {
            text_bytes: 1 << 20,
            literal_bytes: 64 << 10,
            params: 1000,
            param_bytes: 4 << 20,
            tables: 32,
            grouping_sets: 128,
            expressions: 50_000,
            columns: 10_000,
        }
    }
}

/// Why a query was stopped from outside; the numbers are those of `Ledger::stopped`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Nobody waits for its answer any more.
    Unwanted = 1,
    /// The process is about to exceed its memory.
    Memory = 2,
}

impl fmt::Debug for QueryContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryContext").field("limits", &self.0.limits).finish_non_exhaustive()
    }
}

impl QueryContext {
    /// A query that begins now and draws its memory from the pool.
    pub(crate) fn new(limits: QueryLimits, pool: Arc<dyn MemoryPool>) -> Self {
        let ledger = Arc::new(Ledger {
            pool,
            reserved: AtomicUsize::new(0),
            row: AtomicUsize::new(0),
            stopped: AtomicU8::new(0),
        });
        Self(Arc::new(Inner {
            began: Instant::now(),
            limits,
            waited: AtomicU64::new(0),
            waits_since: AtomicU64::new(0),
            leaves_since: AtomicU64::new(0),
            explains: AtomicBool::new(false),
            kept: Mutex::default(),
            ledger,
        }))
    }

    /// The context of the query that an engine's configuration belongs to.
    pub(crate) fn of(options: &ConfigOptions) -> Option<Self> {
        options.extensions.get::<Carried>().map(|carried| carried.0.clone())
    }

    /// Makes it known to whoever gets the engine's configuration.
    pub(crate) fn put_into(&self, options: &mut ConfigOptions) {
        options.extensions.insert(Carried(self.clone()));
    }

    /// Whether the query may go on.
    pub(crate) fn check(&self) -> Result<(), QueryError> {
        match self.0.ledger.stopped.load(Ordering::Relaxed) {
            0 => {}
            stop if stop == Stop::Memory as u8 => return Err(self.out_of_memory()),
            _ => return Err(QueryError::Unwanted),
        }
        if self.left().is_none_or(|left| left.is_zero()) { Err(self.late()) } else { Ok(()) }
    }

    /// The same for code of the engine's.
    pub(crate) fn check_engine(&self) -> EngineResult<()> {
        self.check().map_err(engine_error)
    }

    /// How long it may go on; nothing when its time is over.
    pub(crate) fn left(&self) -> Option<Duration> {
        let inner = &self.0;
        let now = inner.began.elapsed();
        let since = match inner.waits_since.load(Ordering::Relaxed) {
            0 => now,
            since => self.reader_since(Duration::from_nanos(since - 1)).unwrap_or(now),
        };
        let ran = since.saturating_sub(Duration::from_nanos(inner.waited.load(Ordering::Relaxed)));
        inner.limits.time.checked_sub(ran)
    }

    /// From now on the answer waits for its reader, until what comes back is dropped.
    pub(crate) fn wait_for_reader(&self) -> ReaderWait<'_> {
        let since = self.0.began.elapsed();
        self.0.waits_since.store(nanos(since) + 1, Ordering::Relaxed);
        ReaderWait { context: self, since }
    }

    /// The reply has begun to leave: from now on it is the client that the answer waits for.
    pub(crate) fn leave(&self) {
        let since = nanos(self.0.began.elapsed()) + 1;
        let _ =
            self.0.leaves_since.compare_exchange(0, since, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Since when it is the client that the answer waits for, if it waits since then.
    fn reader_since(&self, since: Duration) -> Option<Duration> {
        let leaves = self.0.leaves_since.load(Ordering::Relaxed).checked_sub(1)?;
        Some(since.max(Duration::from_nanos(leaves)))
    }

    /// Ends the query from outside; the first reason counts.
    pub(crate) fn stop(&self, why: Stop) {
        self.0.ledger.stop(why);
    }

    /// Rows of about so many bytes each pass between operators, counting what they share with each other.
    pub(crate) fn saw_rows_of(&self, bytes: usize) {
        self.0.ledger.row.fetch_max(bytes, Ordering::Relaxed);
    }

    /// How long ago it began.
    pub(crate) fn age(&self) -> Duration {
        self.0.began.elapsed()
    }

    /// What it may use.
    pub(crate) fn limits(&self) -> QueryLimits {
        self.0.limits
    }

    /// Bytes that it has reserved.
    pub(crate) fn reserved(&self) -> usize {
        self.0.ledger.reserved.load(Ordering::Relaxed)
    }

    /// The pool that its memory comes from.
    pub(crate) fn pool(&self) -> Arc<dyn MemoryPool> {
        Arc::clone(&self.0.ledger) as Arc<dyn MemoryPool>
    }

    /// Room for bytes that something holds for the query, to be grown as it goes.
    pub(crate) fn reservation(&self, holder: &'static str) -> Reservation {
        let held = MemoryConsumer::new(holder).register(&self.pool());
        Reservation { held, memory_bytes: self.0.limits.memory_bytes }
    }

    /// Holds bytes until the query ends.
    pub(crate) fn keep(&self, reservation: Reservation) {
        self.0.kept.lock().push(reservation);
    }

    /// The query only wants to know its plan: nothing may be read for it.
    pub(crate) fn explain(&self) {
        self.0.explains.store(true, Ordering::Relaxed);
    }

    /// Whether rows may be read while it is planned.
    pub(crate) fn may_read(&self) -> bool {
        !self.0.explains.load(Ordering::Relaxed)
    }

    /// Its time is over.
    pub(crate) fn late(&self) -> QueryError {
        QueryError::Timeout { limit: self.0.limits.time, setting: TIMEOUT_SETTING }
    }

    fn out_of_memory(&self) -> QueryError {
        QueryError::Memory { limit: self.0.limits.memory_bytes, setting: MEMORY_SETTING }
    }
}

/// Our error on its way through the engine.
pub(crate) fn engine_error(error: QueryError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX / 2)
}

/// Time that does not count.
pub(crate) struct ReaderWait<'c> {
    context: &'c QueryContext,
    since: Duration,
}

impl Drop for ReaderWait<'_> {
    fn drop(&mut self) {
        let inner = &self.context.0;
        if let Some(since) = self.context.reader_since(self.since) {
            let waited = inner.began.elapsed().saturating_sub(since);
            inner.waited.fetch_add(nanos(waited), Ordering::Relaxed);
        }
        inner.waits_since.store(0, Ordering::Relaxed);
    }
}

/// Bytes that are held for a query; given back when it is dropped.
pub(crate) struct Reservation {
    held: MemoryReservation,
    /// What all queries may hold, for messages.
    memory_bytes: u64,
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation").field("bytes", &self.held.size()).finish_non_exhaustive()
    }
}

impl Reservation {
    /// So many bytes more.
    pub(crate) fn grow(&self, bytes: usize) -> Result<(), QueryError> {
        self.held
            .try_grow(bytes)
            .map_err(|error| QueryError::from_engine(&error, self.memory_bytes))
    }

    /// How many bytes it is.
    pub(crate) fn bytes(&self) -> usize {
        self.held.size()
    }
}

/// A query's memory: the pool of all queries, with a count of what this one has of it. It gives nothing to a query that
/// was stopped.
///
/// An operator that gets nothing and can spill copies a batch of rows to write it. Rows that share a long value, as a join
/// makes them, then have it once each: 8192 rows with a text of 1 MiB took 8 GiB. Where the rows are that long, and once
/// the query was stopped, such an operator gets what it wants, which is little as long as the rows share it, and the
/// query ends at the next guard.
#[derive(Debug)]
struct Ledger {
    pool: Arc<dyn MemoryPool>,
    reserved: AtomicUsize,
    /// Bytes of the longest rows that were seen, as if they shared nothing.
    row: AtomicUsize,
    stopped: AtomicU8,
}

/// Rows that are written to disk at once: a batch of the engine's.
const SPILLED_ROWS: usize = 8192;
/// Bytes that a copy of them may take.
const SPILLED_BYTES: usize = 32 << 20;

impl Ledger {
    fn stop(&self, why: Stop) {
        let (now, then) = (Ordering::Relaxed, Ordering::Relaxed);
        let _ = self.stopped.compare_exchange(0, why as u8, now, then);
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) != 0
    }

    /// Whether the rows of the query fit into memory when they are copied to be written.
    fn may_spill(&self) -> bool {
        self.row.load(Ordering::Relaxed).saturating_mul(SPILLED_ROWS) <= SPILLED_BYTES
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a query's part of {}", self.pool)
    }
}

impl MemoryPool for Ledger {
    fn name(&self) -> &'static str {
        "query"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.pool.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.pool.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.pool.grow(reservation, additional);
        self.reserved.fetch_add(additional, Ordering::Relaxed);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.pool.shrink(reservation, shrink);
        self.reserved.fetch_sub(shrink, Ordering::Relaxed);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> EngineResult<()> {
        let spills = reservation.consumer().can_spill();
        let given = if self.is_stopped() {
            resources_err!("the query was stopped")
        } else {
            self.pool.try_grow(reservation, additional)
        };
        match given {
            Ok(()) => {
                self.reserved.fetch_add(additional, Ordering::Relaxed);
                Ok(())
            }
            Err(_) if spills && (self.is_stopped() || !self.may_spill()) => {
                self.stop(Stop::Memory);
                self.grow(reservation, additional);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn reserved(&self) -> usize {
        self.pool.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.pool.memory_limit()
    }
}

/// A context among the engine's options, where functions and rules find it.
#[derive(Clone, Debug)]
struct Carried(QueryContext);

impl ConfigExtension for Carried {
    const PREFIX: &'static str = "query_context";
}

impl ExtensionOptions for Carried {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, _: &str) -> EngineResult<()> {
        config_err!("there is no option '{key}'")
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        Vec::new()
    }
}
