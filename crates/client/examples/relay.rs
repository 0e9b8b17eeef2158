//! A relay: it collects for devices that cannot reach the server themselves, and sends for all of them at once.
//!
//! Reads lines `device temperature humidity` from standard input.
//!
//! `IOBEAM_PROJECT=1 IOBEAM_TOKEN=… cargo run --example relay < lines.txt`

use std::collections::HashMap;
use std::error::Error;
use std::io::BufRead;
use std::time::Duration;

use iobeam::{Client, DataStore, DeviceId};

fn main() -> Result<(), Box<dyn Error>> {
    let project = std::env::var("IOBEAM_PROJECT")?.parse()?;
    let client = Client::builder(project, &std::env::var("IOBEAM_TOKEN")?)
        .spool("relay-spool")
        .auto_send(Duration::from_secs(5))
        .build()?;
    let mut stores: HashMap<String, DataStore> = HashMap::new();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let [device, temperature, humidity] = words[..] else { continue };
        if !stores.contains_key(device) {
            let store = store_for(&client, device)?;
            stores.insert(device.to_owned(), store);
        }
        let values: [(&str, f64); 2] =
            [("temperature", temperature.parse()?), ("humidity", humidity.parse()?)];
        stores[device].add(client.now(), values)?;
    }
    client.close(Duration::from_secs(30))?;
    Ok(())
}

/// A device is registered when it is first heard of; one that is known already is as good.
fn store_for(client: &Client, device: &str) -> Result<DataStore, iobeam::Error> {
    let id: DeviceId = client.register_device(Some(device), None, true)?;
    client.create_data_store_for(&id, &["temperature", "humidity"])
}
