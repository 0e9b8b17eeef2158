//! What a row costs: `add` of three values, with and without a spool that has each row.
//!
//! `cargo run --release --example add_cost [rows]`: nanoseconds for each row, of the processor and by the clock on the
//! wall, what the flushes cost included.

use std::error::Error;

use iobeam::{Client, Clock, SystemClock, Timestamp};

const WAYS: [&str; 3] = ["in memory", "spooled at each flush", "spooled row by row"];

fn main() -> Result<(), Box<dyn Error>> {
    let rows: i64 = std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse())?;
    let dir = std::env::temp_dir().join(format!("iobeam-add-cost-{}", std::process::id()));
    let claims = "eyJleHAiOjQwMDAwMDAwMDAsInBpZCI6MX0";
    for way in WAYS {
        let builder = Client::builder(1, &format!("e30.{claims}.c2ln"))
            .backend("http://127.0.0.1:9")
            .device_id("device")
            .close_deadline(std::time::Duration::ZERO);
        let client = match way {
            "in memory" => builder,
            "spooled at each flush" => builder.spool(dir.join("a")).spool_each_row(false),
            _ => builder.spool(dir.join("b")),
        };
        let (cpu, wall) = measure(&client.build()?, rows)?;
        println(&format!("{way}: {cpu} ns of CPU, {wall} ns in all"));
    }
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}

fn measure(client: &Client, rows: i64) -> Result<(u64, u64), Box<dyn Error>> {
    let clock = SystemClock::new();
    let store = client.create_data_store(&["temperature", "humidity", "pressure"])?;
    let (begun, used) = (clock.monotonic(), cpu_nanos());
    for row in 0..rows {
        let value = (row % 1_000) as f64 / 100.0;
        let time = Timestamp::from_micros(1_767_225_600_000_000 + row * 1_000);
        store.add(
            time,
            [("temperature", value), ("humidity", 40.0 + value), ("pressure", 1_000.0 - value)],
        )?;
    }
    let wall = clock.monotonic().saturating_sub(begun).as_nanos() as u64;
    Ok(((cpu_nanos() - used) / rows as u64, wall / rows as u64))
}

/// What this thread used of the processor; nothing where the system does not tell.
fn cpu_nanos() -> u64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    told.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
}

fn println(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{line}");
}
