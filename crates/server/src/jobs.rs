//! What the platform does without being asked: one list of jobs, run one way.
//!
//! ```text
//! start ─▶ at start? ─▶ run ─┐
//!   └──────────────▶ wait: period ─▶ run ─▶ count, time ─┐      a panic ends one run, and is logged
//!                      ▲   └─ stop ─▶ at stop? ─▶ run    │
//!                      └──────────────────────────────────┘
//! ```

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::core::app::App;
use crate::core::deletion;

/// How often the list of refused imports is written, and the disk is looked at.
const SHORT_PERIOD: Duration = Duration::from_secs(1);

/// Something that is done again and again.
#[derive(Clone, Copy)]
pub(crate) struct Job {
    /// What the metrics and the log call it.
    name: &'static str,
    /// How long it rests between two runs.
    period: Duration,
    /// When it runs besides.
    also: Also,
    work: fn(App) -> BoxFuture<'static, ()>,
}

/// When a job runs, apart from its period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Also {
    Never,
    /// At once.
    AtStart,
    /// Once more when the process stops.
    AtStop,
}

/// All jobs. What must be done before anybody is let in is not here, but done when the server starts.
pub(crate) fn all(app: &App) -> [Job; 4] {
    let retention = app.config.storage.retention_interval;
    [
        Job {
            name: "retention",
            period: retention,
            also: Also::Never,
            work: |app| Box::pin(async move { app.retention.pass().await }),
        },
        Job {
            name: "deletions",
            period: retention,
            also: Also::Never,
            work: |app| Box::pin(async move { deletion::end_all(&app).await }),
        },
        Job {
            name: "refused_imports",
            period: SHORT_PERIOD,
            also: Also::AtStop,
            work: |app| Box::pin(async move { app.refusals.flush().await }),
        },
        Job {
            name: "readiness",
            period: SHORT_PERIOD,
            also: Also::AtStart,
            work: |app| Box::pin(async move { drop(app.readiness.reasons().await) }),
        },
    ]
}

/// Runs all jobs until the process stops.
pub(crate) fn start(app: &App, stopping: &watch::Receiver<bool>, tasks: &mut JoinSet<()>) {
    for job in all(app) {
        tasks.spawn(job.run(app.clone(), stopping.clone()));
    }
}

impl Job {
    async fn run(self, app: App, mut stopping: watch::Receiver<bool>) {
        if self.also == Also::AtStart {
            self.once(&app).await;
        }
        loop {
            let stops = stopping.wait_for(|stopping| *stopping);
            // The process stops, or whoever would say so is gone.
            if tokio::time::timeout(self.period, stops).await.is_ok() {
                break;
            }
            self.once(&app).await;
        }
        if self.also == Also::AtStop {
            self.once(&app).await;
        }
    }

    async fn once(self, app: &App) {
        let begun = app.clock.monotonic();
        let done = AssertUnwindSafe((self.work)(app.clone())).catch_unwind().await;
        if done.is_err() {
            tracing::error!(job = self.name, "a job failed inside; it runs again after its period");
        }
        let took = app.clock.monotonic().saturating_sub(begun);
        app.metrics.job_ran(self.name, took, done.is_ok());
    }
}
