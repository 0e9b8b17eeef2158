//! Sends a CSV file: a heading line, then rows. The column `time` is in milliseconds, all others are numbers.
//!
//! `IOBEAM_PROJECT=1 IOBEAM_TOKEN=… cargo run --example csv_backfill device-id history.csv`

use std::error::Error;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use iobeam::{Client, Reading, TimeUnit};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(device), Some(path)) = (args.next(), args.next()) else {
        return Err("two arguments: the device's id, and the CSV file".into());
    };
    let project = std::env::var("IOBEAM_PROJECT")?.parse()?;
    let client = Client::builder(project, &std::env::var("IOBEAM_TOKEN")?)
        .register_or_set_id(device)
        .build()?;
    let bar = ProgressBar::new(std::fs::metadata(&path)?.len());
    bar.set_style(ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {eta}")?);

    let mut csv = csv::Reader::from_path(&path)?;
    let heading = csv.headers()?.clone();
    let time = heading.iter().position(|name| name == "time").ok_or("there is no column 'time'")?;
    let columns: Vec<&str> = heading.iter().filter(|name| *name != "time").collect();
    let store = client.create_data_store(&columns)?;
    let mut record = csv::StringRecord::new();
    let mut row = Vec::new();
    while csv.read_record(&mut record)? {
        row.clear();
        for (_, text) in record.iter().enumerate().filter(|(place, _)| *place != time) {
            row.push(if text.is_empty() { Reading::Missing } else { text.parse::<f64>()?.into() });
        }
        store.add_row(TimeUnit::Milliseconds.timestamp(record[time].parse()?)?, &row)?;
        if record.position().is_some_and(|position| position.line() % 50_000 == 0) {
            client.send()?;
            bar.set_position(csv.position().byte());
        }
    }
    client.close(Duration::from_mins(1))?;
    bar.finish();
    Ok(())
}
