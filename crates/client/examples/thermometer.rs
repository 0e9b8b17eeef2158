//! A thermometer that measures once a second and sends every ten.
//!
//! `IOBEAM_PROJECT=1 IOBEAM_TOKEN=… cargo run --example thermometer`

use std::error::Error;
use std::time::Duration;

use iobeam::Client;

fn main() -> Result<(), Box<dyn Error>> {
    let project = std::env::var("IOBEAM_PROJECT")?.parse()?;
    let client = Client::builder(project, &std::env::var("IOBEAM_TOKEN")?)
        .save_to_disk(".")
        .register_device()
        .spool("thermometer-spool")
        .auto_send(Duration::from_secs(10))
        .build()?;
    let readings: u32 = std::env::args().nth(1).map_or(Ok(u32::MAX), |text| text.parse())?;
    let store = client.create_data_store(&["temperature"])?;
    let mut temperature = 20.0;
    for reading in 0..readings {
        temperature = walk(temperature, reading);
        store.add(client.now(), [("temperature", temperature)])?;
        std::thread::sleep(Duration::from_secs(1));
    }
    client.close(Duration::from_secs(10))?;
    Ok(())
}

/// In place of a sensor: a walk that stays in the room.
fn walk(from: f64, step: u32) -> f64 {
    let noise = f64::from(step.wrapping_mul(2_654_435_761) >> 16) / 65_536.0 - 0.5;
    ((from + noise + (20.0 - from) * 0.05) * 100.0).round() / 100.0
}
