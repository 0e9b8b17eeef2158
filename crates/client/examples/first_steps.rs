//! The program that the web app's page of first steps shows, from the first `use` on, with its reader's own values in
//! place of those here: `web/src/features/first-steps/snippets.ts`.
#![allow(clippy::print_stdout, reason = "whoever runs it wants to see that it works")]

use std::{error::Error, thread, time::Duration};

use iobeam::Client;

fn main() -> Result<(), Box<dyn Error>> {
    let client = Client::builder(1, "token")
        .backend("http://localhost:8420")
        .register_or_set_id("thermometer")
        .build()?;
    let conditions = client.create_data_store(&["temperature", "humidity"])?;
    for step in 0_u32.. {
        let turn = f64::from(step) / 20.0;
        let row = [("temperature", 21.0 + 2.0 * turn.sin()), ("humidity", 40.0 + 5.0 * turn.cos())];
        conditions.add(client.now(), row)?;
        client.send()?;
        println!("one more reading is stored");
        thread::sleep(Duration::from_secs(1));
    }
    Ok(())
}
