//! What a row costs: `add` of three values, with and without a spool that has each row.
//!
//! `cargo run --release --example add_cost`

use std::error::Error;

use iobeam::{Client, Clock, SystemClock, Timestamp};

const ROWS: i64 = 1_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::temp_dir().join(format!("iobeam-add-cost-{}", std::process::id()));
    let claims = "eyJleHAiOjQwMDAwMDAwMDAsInBpZCI6MX0";
    let builder = || {
        Client::builder(1, &format!("e30.{claims}.c2ln"))
            .backend("http://127.0.0.1:9")
            .device_id("device")
            .close_deadline(std::time::Duration::ZERO)
    };
    let clients = [
        ("in memory", builder().build()?),
        ("spooled at each flush", builder().spool(dir.join("a")).spool_each_row(false).build()?),
        ("spooled row by row", builder().spool(dir.join("b")).build()?),
    ];
    let clock = SystemClock::new();
    for (what, client) in &clients {
        let store = client.create_data_store(&["temperature", "humidity", "pressure"])?;
        let begun = clock.monotonic();
        for row in 0..ROWS {
            let value = (row % 1_000) as f64 / 100.0;
            let time = Timestamp::from_micros(1_767_225_600_000_000 + row * 1_000);
            store.add(
                time,
                [("temperature", value), ("humidity", 40.0 + value), ("pressure", 1_000.0 - value)],
            )?;
        }
        let each = clock.monotonic().saturating_sub(begun) / ROWS as u32;
        eprintln!("{what}: {each:?} for each row, flushes included");
    }
    drop(clients);
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}
