//! What the formats cost: bytes per row, and how fast rows are written and read, on this machine.
//!
//! ```text
//! cargo run --release -p iobeam-wire --example measure [rows per batch]
//! ```
#![expect(clippy::print_stdout, reason = "its purpose is to print")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

use iobeam_model::{Batch, Clock, Column, FieldName, NamespaceName, SystemClock, Texts, Values};
use iobeam_wire::batch::{Compression, Limits, decode, encode};
use iobeam_wire::import::{ImportLimits, parse};

const FIELDS: usize = 10;
const START: i64 = 1_427_316_488_000_000;

/// A small generator with a seed, so that each run measures the same rows.
struct Random(u64);

impl Random {
    /// From -1 to 1.
    fn next(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as f64) / f64::from(1_u32 << 30) - 1.0
    }

    /// Roughly normal, with that deviation.
    fn normal(&mut self, deviation: f64) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() / 2.0 * deviation
    }
}

/// What the rows look like.
#[derive(Clone, Copy)]
enum Kind {
    /// Ten sensors of one device, each a random walk with two digits after the point, once a second.
    Walk,
    /// The same, with times that are not quite regular.
    Jitter,
    /// Ten sensors with all their digits.
    Full,
    /// One reading of each of many devices, as a gateway collects them.
    Gateway,
}

fn rows(kind: Kind, rows: usize) -> Batch {
    let mut random = Random(42);
    let times = (0..rows as i64).map(|row| match kind {
        Kind::Jitter => START + row * 1_000_000 + random.normal(2_000.0) as i64,
        _ => START + row * 1_000_000,
    });
    let times = times.collect();
    let mut columns: Vec<_> = (0..FIELDS)
        .map(|field| {
            let mut value = 20.0 + 7.0 * field as f64;
            let values = (0..rows).map(|_| {
                value += random.normal(0.1);
                match kind {
                    Kind::Full => value,
                    Kind::Gateway => ((20.0 + random.normal(5.0)) * 100.0).round() / 100.0,
                    _ => (value * 100.0).round() / 100.0,
                }
            });
            let name: FieldName = format!("field_{field}").parse().expect("a name");
            Column::new(name, Values::Double(values.collect()), None).expect("finite")
        })
        .collect();
    let devices = match kind {
        Kind::Gateway => (0..rows).map(|row| format!("device-{:04}", row % 1_000)).collect(),
        _ => vec!["thermometer-0001".to_owned(); rows],
    };
    let devices: Texts = devices.iter().map(String::as_str).collect();
    columns
        .push(Column::new(FieldName::device_id(), Values::String(devices), None).expect("sound"));
    Batch::new(NamespaceName::input(), times, columns).expect("sound")
}

/// The same rows as the body that a v1 client sends.
fn json(batch: &Batch) -> String {
    let mut body = String::from(
        r#"{"device_id":"thermometer-0001","timefmt":"usec","sources":{"fields":["time""#,
    );
    for field in 0..FIELDS {
        let _ = write!(body, r#","field_{field}""#);
    }
    body.push_str(r#"],"data":["#);
    for (row, time) in batch.times().iter().enumerate() {
        let _ = write!(body, "{}[{time}", if row == 0 { "" } else { "," });
        for column in &batch.columns()[..FIELDS] {
            let _ = write!(body, ",{}", column.value(row).expect("no value is missing"));
        }
        body.push(']');
    }
    body.push_str("]}}");
    body
}

/// How long one call takes: the best of several rounds.
fn time_of<T>(mut work: impl FnMut() -> T) -> Duration {
    let clock = SystemClock::new();
    let start = clock.monotonic();
    black_box(work());
    let once = clock.monotonic().saturating_sub(start).max(Duration::from_nanos(100));
    let calls = (Duration::from_millis(60).as_nanos() / once.as_nanos()).clamp(1, 100_000) as u32;
    let rounds = (0..5).map(|_| {
        let start = clock.monotonic();
        for _ in 0..calls {
            black_box(work());
        }
        clock.monotonic().saturating_sub(start) / calls
    });
    rounds.min().unwrap_or_default()
}

fn report(
    name: &str,
    rows: usize,
    bytes: usize,
    against: usize,
    write: Option<Duration>,
    read: Duration,
) {
    let per_second = |time: Duration, amount: usize| amount as f64 / time.as_secs_f64() / 1e6;
    let written = write.map_or_else(
        || "       -              -".to_owned(),
        |time| format!("{:8.0} MB/s {:6.2} M", per_second(time, bytes), per_second(time, rows)),
    );
    println!(
        "  {name:6} {:8.2} B/row  1/{:<5.1} {written} rows/s   {:8.0} MB/s {:7.2} M rows/s",
        bytes as f64 / rows as f64,
        against as f64 / bytes as f64,
        per_second(read, bytes),
        per_second(read, rows),
    );
}

fn main() {
    let count = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1_000);
    println!(
        "{count} rows of {FIELDS} doubles and a device id; size, part of the JSON, writing, reading"
    );
    for (kind, title) in [
        (Kind::Walk, "random walk, two digits, every second"),
        (Kind::Jitter, "the same, times jittering by 2 ms"),
        (Kind::Full, "random walk, all digits"),
        (Kind::Gateway, "many devices, two digits"),
    ] {
        println!("{title}");
        let batch = rows(kind, count);
        let body = json(&batch);
        let read = time_of(|| {
            let mut import = parse(body.as_bytes(), true, &ImportLimits::default()).expect("sound");
            let table = import.tables.remove(0);
            table.into_batch(NamespaceName::input(), &|_| None, vec![]).expect("sound")
        });
        report("JSON", count, body.len(), body.len(), None, read);
        for compression in [Compression::None, Compression::Lz4, Compression::Zstd] {
            let bytes = encode(&batch, None, compression);
            let write = time_of(|| encode(&batch, None, compression));
            let read = time_of(|| decode(&bytes, &Limits::default()).expect("sound"));
            report(&format!("{compression:?}"), count, bytes.len(), body.len(), Some(write), read);
        }
    }
}
