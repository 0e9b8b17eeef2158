//! What is counted, for `/metrics`: in the text form of OpenMetrics, which Prometheus reads.
//!
//! ```text
//! requests, imports, queries ─ counted here ─┐
//! store: syncs, queues, files ─ asked for ───┴─▶ text
//! ```

mod store;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use iobeam_store::Store;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Bounds of the buckets of times, in seconds.
const TIMES: [f64; 12] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// The counters. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Metrics(Arc<Counters>);

#[derive(Debug)]
struct Counters {
    registry: Registry,
    requests: Family<Answered, Counter>,
    errors: Family<Refused, Counter>,
    request_seconds: Histogram,
    running: Gauge,
    imports: Counter,
    repeats: Counter,
    rows: Counter,
    bytes: Counter,
    query_seconds: Family<Asked, Histogram, fn() -> Histogram>,
    job_seconds: Family<Worked, Histogram, fn() -> Histogram>,
    job_failures: Family<Worked, Counter>,
}

/// How a request ended.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    status: u16,
}

/// Why a request was refused.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Refused {
    code: u32,
}

/// At which endpoint a query came in.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Asked {
    endpoint: &'static str,
}

/// Which of the jobs that run by themselves.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Worked {
    job: &'static str,
}

/// Counts a request as running.
#[derive(Debug)]
pub(crate) struct RunningRequest(Gauge);

impl Drop for RunningRequest {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn times() -> Histogram {
    Histogram::new(TIMES)
}

impl Metrics {
    /// Everything at zero.
    pub(crate) fn new(store: Store) -> Self {
        let mut counters = Counters {
            registry: Registry::with_prefix("iobeam"),
            requests: Family::default(),
            errors: Family::default(),
            request_seconds: times(),
            running: Gauge::default(),
            imports: Counter::default(),
            repeats: Counter::default(),
            rows: Counter::default(),
            bytes: Counter::default(),
            query_seconds: Family::new_with_constructor(times),
            job_seconds: Family::new_with_constructor(times),
            job_failures: Family::default(),
        };
        let registry = &mut counters.registry;
        registry.register("requests", "Requests answered", counters.requests.clone());
        registry.register("errors", "Requests refused, by error code", counters.errors.clone());
        registry.register(
            "http_request_duration_seconds",
            "Time from a request's head to its reply",
            counters.request_seconds.clone(),
        );
        registry.register("requests_running", "Requests being answered", counters.running.clone());
        registry.register("imports", "Imports stored", counters.imports.clone());
        registry.register("import_repeats", "Imports that were repeats", counters.repeats.clone());
        registry.register("import_rows", "Rows stored by imports", counters.rows.clone());
        registry.register(
            "import_bytes",
            "Bytes of import bodies, unpacked",
            counters.bytes.clone(),
        );
        registry.register(
            "query_duration_seconds",
            "Time from a question to the begin of its answer",
            counters.query_seconds.clone(),
        );
        registry.register(
            "job_duration_seconds",
            "Time that a run of a periodic job took",
            counters.job_seconds.clone(),
        );
        registry.register(
            "job_failures",
            "Runs of a periodic job that failed inside",
            counters.job_failures.clone(),
        );
        registry.register_collector(Box::new(store::Figures(store)));
        Self(Arc::new(counters))
    }

    /// A request begins. It runs until the guard is dropped, also when nobody waits for its response any more.
    pub(crate) fn begun(&self) -> RunningRequest {
        self.0.running.inc();
        RunningRequest(self.0.running.clone())
    }

    /// A request has its reply.
    pub(crate) fn answered(&self, method: &str, status: u16, took: Duration) {
        let method = match method {
            "GET" => "GET",
            "POST" => "POST",
            "PUT" => "PUT",
            "PATCH" => "PATCH",
            "DELETE" => "DELETE",
            "HEAD" => "HEAD",
            "OPTIONS" => "OPTIONS",
            // Any text can come from outside; each label costs memory for ever.
            _ => "other",
        };
        self.0.requests.get_or_create(&Answered { method, status }).inc();
        self.0.request_seconds.observe(took.as_secs_f64());
    }

    /// A request was refused.
    pub(crate) fn refused(&self, code: u32) {
        self.0.errors.get_or_create(&Refused { code }).inc();
    }

    /// Readings were taken in.
    pub(crate) fn imported(&self, rows: u64, bytes: usize, repeat: bool) {
        if repeat {
            self.0.repeats.inc();
            return;
        }
        self.0.imports.inc();
        self.0.rows.inc_by(rows);
        self.0.bytes.inc_by(bytes as u64);
    }

    /// A question was answered.
    pub(crate) fn queried(&self, endpoint: &'static str, took: Duration) {
        self.0.query_seconds.get_or_create(&Asked { endpoint }).observe(took.as_secs_f64());
    }

    /// A periodic job ran.
    pub(crate) fn job_ran(&self, job: &'static str, took: Duration, ended_well: bool) {
        self.0.job_seconds.get_or_create(&Worked { job }).observe(took.as_secs_f64());
        if !ended_well {
            self.0.job_failures.get_or_create(&Worked { job }).inc();
        }
    }

    /// All figures as text.
    pub(crate) fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.0.registry)?;
        Ok(text)
    }
}
