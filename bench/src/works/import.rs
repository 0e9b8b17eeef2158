//! The import work: the same rows to each system, over so many connections, in batches of so many rows.
//!
//! ```text
//! for each shape, for each system:  start in an empty folder ─▶ introduce devices ─▶ send for a while ─▶ count ─▶ stop
//! ```
//!
//! Shapes that a goal speaks of come first and, as long as time is left, again at the end: the median of the runs counts.

mod sending;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{Plan, folder};
use crate::clock::{milliseconds, quantile};
use crate::peers::{Peer, Running, full_name, installed};
use crate::results::{Figure, Work};
use crate::sensors::{FIELDS, Row, Sensors};
use sending::send_all;

/// Devices that the rows are of.
const DEVICES: u32 = 1000;
/// How often shapes with a goal are done, at the most.
const ROUNDS: usize = 3;

/// One way to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Shape {
    /// Connections at once.
    connections: usize,
    /// Rows of a batch.
    batch: usize,
}

/// Shapes that goals speak of.
const WITH_GOAL: [Shape; 4] = [shape(64, 1), shape(4, 1000), shape(4, 10_000), shape(16, 1000)];

const fn shape(connections: usize, batch: usize) -> Shape {
    Shape { connections, batch }
}

/// What one run of one system in one shape gave.
struct Outcome {
    rows: u64,
    seconds: f64,
    server_cpu: f64,
    latencies: Vec<Duration>,
    peak_memory: u64,
    version: String,
}

/// Bodies for each connection.
type Bodies = Vec<Vec<Vec<u8>>>;

/// Each system in each shape.
pub(crate) fn run(plan: Plan) -> Result<Work> {
    let mut work = Work::begin();
    let field = installed(&plan.options.only);
    ensure!(!field.peers.is_empty(), "no system is called '{}'", plan.options.only);
    for program in &field.absent {
        work.note(format!("{program} is not installed: left out"));
    }
    let time = Duration::from_secs_f64(if plan.options.quick { 0.3 } else { 1.2 });
    let mut outcomes: BTreeMap<(Shape, usize), Vec<Outcome>> = BTreeMap::new();
    let mut left_out = BTreeSet::new();
    for shape in order() {
        for (place, peer) in field.peers.iter().enumerate() {
            if peer.is_for_goals_alone() && !WITH_GOAL.contains(&shape) {
                continue;
            }
            let runs = outcomes.entry((shape, place)).or_default();
            if plan.deadline.passed() || (plan.options.quick && !runs.is_empty()) {
                if runs.is_empty() {
                    left_out.insert((shape, place));
                }
                continue;
            }
            match run_once(plan, peer.as_ref(), shape, time) {
                Ok(outcome) => {
                    let pace = outcome.rows as f64 / outcome.seconds;
                    eprintln!("  {} · {}: {pace:.0} rows/s", title(shape), name(peer.as_ref()));
                    work.versions.insert(peer.system().to_owned(), outcome.version.clone());
                    runs.push(outcome);
                }
                Err(error) => work.note(format!(
                    "{} · {}: failed: {error:#}",
                    title(shape),
                    name(peer.as_ref())
                )),
            }
        }
    }
    if !left_out.is_empty() {
        work.note(format!("{} cells were left out: the time was up", left_out.len()));
    }
    for ((shape, place), runs) in outcomes {
        work.figures.extend(figure(shape, field.peers[place].as_ref(), runs));
    }
    work.figures.sort_by_key(|figure| {
        WITH_GOAL.iter().position(|shape| title(*shape) == figure.group).unwrap_or(usize::MAX)
    });
    work.note(format!(
        "Rows of {DEVICES} devices with {FIELDS} float fields; each run starts in an empty folder, sends for up to {:.1} s bodies that \
         were made before, and ends with a count that must be right. The senders share the machine with the server.",
        time.as_secs_f64()
    ));
    Ok(work)
}

/// Shapes in the order in which they are run.
fn order() -> Vec<Shape> {
    let mut order = WITH_GOAL.to_vec();
    for connections in [1, 4, 16] {
        for batch in [1000, 10_000, 100, 1] {
            let shape = shape(connections, batch);
            if !order.contains(&shape) {
                order.push(shape);
            }
        }
    }
    for _ in 1..ROUNDS {
        order.extend(WITH_GOAL);
    }
    order
}

fn title(shape: Shape) -> String {
    let rows = if shape.batch == 1 { "1 row".to_owned() } else { format!("{} rows", shape.batch) };
    format!("batches of {rows}, {} connections", shape.connections)
}

fn name(peer: &dyn Peer) -> String {
    format!("{} ({})", full_name(peer), peer.durability())
}

/// Of several runs the one in the middle.
fn figure(shape: Shape, peer: &dyn Peer, mut runs: Vec<Outcome>) -> Option<Figure> {
    let pace = |outcome: &Outcome| outcome.rows as f64 / outcome.seconds;
    runs.sort_by(|one, other| pace(one).total_cmp(&pace(other)));
    let count = runs.len();
    let middle = runs.get(count / 2)?;
    let values = middle.rows as f64 * FIELDS as f64;
    let latency = |share| milliseconds(quantile(&middle.latencies, share));
    let values = [
        ("rows_per_second", pace(middle)),
        ("values_per_second", pace(middle) * FIELDS as f64),
        ("cpu_per_million_values", middle.server_cpu / values * 1e6),
        ("p50_ms", latency(0.5)),
        ("p99_ms", latency(0.99)),
        ("p999_ms", latency(0.999)),
        ("peak_mb", middle.peak_memory as f64 / 1e6),
        ("runs", count as f64),
    ];
    Some(Figure {
        group: title(shape),
        system: full_name(peer),
        durability: peer.durability().to_owned(),
        values: values.map(|(key, value)| (key.to_owned(), value)).into(),
        remark: String::new(),
    })
}

/// Starts the system in an empty folder, sends, and counts what it has.
fn run_once(plan: Plan, peer: &dyn Peer, shape: Shape, time: Duration) -> Result<Outcome> {
    let folder = folder(plan.options)?;
    let running = peer.start(folder.path())?;
    let mut sensors = Sensors::new(DEVICES, 1);
    running.introduce(&sensors.by_time(DEVICES as usize))?;
    let rows = peer.pace(shape.batch) * time.as_secs_f64() * 1.2;
    let bodies = bodies(running.as_ref(), &mut sensors, shape, rows as usize);
    let before = running.server().cpu_seconds()?;
    let (seconds, mut latencies) = send_all(running.as_ref(), &bodies, time)?;
    let server_cpu = running.server().cpu_seconds()? - before;
    latencies.sort_unstable();
    let peak_memory = running.server().peak_memory()?;
    let rows = (latencies.len() * shape.batch) as u64;
    ensure!(rows > 0, "nothing was acknowledged");
    let counted = running.count().context("counting what arrived")?;
    let introduced = u64::from(DEVICES);
    ensure!(
        counted == rows + introduced,
        "{} rows were acknowledged and {counted} are there",
        rows + introduced
    );
    let version = running.version();
    Ok(Outcome { rows, seconds, server_cpu, latencies, peak_memory, version })
}

/// Bodies for each connection, made on all cores.
fn bodies(running: &dyn Running, sensors: &mut Sensors, shape: Shape, rows: usize) -> Bodies {
    let batches = (rows / shape.batch).max(shape.connections);
    let mut bodies = vec![Vec::new(); shape.connections];
    let mut made = 0;
    while made < batches {
        let count = (batches - made).min(20_000_usize.div_ceil(shape.batch).max(8));
        let chunks: Vec<Vec<Row>> = (0..count)
            .map(|_| {
                if running.speaks_for_one_device() {
                    sensors.by_device(shape.batch)
                } else {
                    sensors.by_time(shape.batch)
                }
            })
            .collect();
        let (half, other) = chunks.split_at(count / 2);
        let encode = |chunks: &[Vec<Row>]| -> Vec<_> {
            chunks.iter().map(|rows| running.body(rows)).collect()
        };
        let (first, second) = std::thread::scope(|scope| {
            let first = scope.spawn(|| encode(half));
            let second = encode(other);
            (first.join().expect("encoding does not fail"), second)
        });
        for body in first.into_iter().chain(second) {
            bodies[made % shape.connections].push(body);
            made += 1;
        }
    }
    bodies
}
