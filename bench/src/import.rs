//! The import work: the same rows to each system, over so many connections, in batches of so many rows.

use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::peers::{Peer, Running};
use crate::process::bytes_on_disk;
use crate::sensors::{FIELDS, Row, Sensors};

/// One way to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Threads with a connection each.
    pub(crate) connections: usize,
    /// Rows of a batch.
    pub(crate) batch: usize,
}

/// What one system did in one shape.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) system: String,
    pub(crate) durability: &'static str,
    pub(crate) version: String,
    pub(crate) shape: Shape,
    pub(crate) rows: u64,
    pub(crate) seconds: f64,
    pub(crate) server_cpu: f64,
    pub(crate) latencies: Vec<Duration>,
    pub(crate) peak_memory: u64,
    /// Bytes on disk for each value, where the folder was weighed after all was settled.
    pub(crate) bytes_per_value: Option<f64>,
}

impl Outcome {
    /// Rows acknowledged in a second.
    pub(crate) fn rows_per_second(&self) -> f64 {
        self.rows as f64 / self.seconds
    }

    /// Processor seconds of the server for a million values.
    pub(crate) fn cpu_per_million_values(&self) -> f64 {
        self.server_cpu / (self.rows as f64 * FIELDS as f64) * 1e6
    }

    /// The acknowledgement that such a share of all was not slower than.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let last = self.latencies.len() - 1;
        self.latencies[(last as f64 * share).round() as usize]
    }
}

/// How much work a cell is, and for how long at the most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// Rows that are made ready.
    pub(crate) rows: usize,
    /// After that long no further body is begun.
    pub(crate) time: Duration,
}

/// Starts the system in an empty folder, sends, and counts what it has.
pub(crate) fn run(
    peer: &dyn Peer,
    shape: Shape,
    budget: Budget,
    folder: &Path,
    weigh: bool,
) -> Result<Outcome> {
    let running = peer.start(folder)?;
    let bodies = bodies(running.as_ref(), shape, budget.rows);
    let before = running.server().cpu_seconds()?;
    let (seconds, rows, mut latencies) = send_all(running.as_ref(), shape, &bodies, budget.time)?;
    let server_cpu = running.server().cpu_seconds()? - before;
    latencies.sort_unstable();
    let peak_memory = running.server().peak_memory()?;
    let bytes_per_value = if weigh {
        running.settle()?;
        Some(bytes_on_disk(&folder.join("data")) as f64 / (rows as f64 * FIELDS as f64))
    } else {
        None
    };
    let counted = running.count().context("counting what arrived")?;
    anyhow::ensure!(
        counted == rows,
        "{}: {rows} rows were acknowledged and {counted} are there",
        peer.name()
    );
    Ok(Outcome {
        system: peer.name(),
        durability: peer.durability(),
        version: running.version(),
        shape,
        rows,
        seconds,
        server_cpu,
        latencies,
        peak_memory,
        bytes_per_value,
    })
}

/// Bodies for each connection, with the rows that each holds.
fn bodies(running: &dyn Running, shape: Shape, rows: usize) -> Vec<Vec<Vec<u8>>> {
    let mut sensors = Sensors::new(crate::peers::iobeam::DEVICES, 1);
    let batches = (rows / shape.batch).max(shape.connections);
    let mut bodies = vec![Vec::new(); shape.connections];
    for batch in 0..batches {
        let rows: Vec<Row> = sensors.by_ref().take(shape.batch).collect();
        bodies[batch % shape.connections].push(running.body(&rows));
    }
    bodies
}

#[expect(clippy::disallowed_methods, reason = "a bench is about time")]
fn send_all(
    running: &dyn Running,
    shape: Shape,
    bodies: &[Vec<Vec<u8>>],
    time: Duration,
) -> Result<(f64, u64, Vec<Duration>)> {
    let all = Mutex::new(Vec::new());
    let mut senders =
        (0..shape.connections).map(|_| running.connect()).collect::<Result<Vec<_>>>()?;
    let began = Instant::now();
    std::thread::scope(|scope| {
        let work = senders.iter_mut().zip(bodies).map(|(sender, bodies)| {
            let all = &all;
            scope.spawn(move || -> Result<()> {
                let mut latencies = Vec::with_capacity(bodies.len());
                for body in bodies {
                    let start = Instant::now();
                    if start - began > time {
                        break;
                    }
                    sender.send(body)?;
                    latencies.push(start.elapsed());
                }
                all.lock().expect("no sender panicked").extend(latencies);
                Ok(())
            })
        });
        let work: Vec<_> = work.collect();
        work.into_iter().try_for_each(|thread| thread.join().expect("no sender panicked"))
    })?;
    let seconds = began.elapsed().as_secs_f64();
    let latencies = all.into_inner().expect("no sender panicked");
    Ok((seconds, (latencies.len() * shape.batch) as u64, latencies))
}
