//! A device for the tests to kill: adds numbered rows, sends in the background, and says which it may forget.
//!
//! `device BACKEND PROJECT TOKEN SPOOL FIRST COUNT`: rows FIRST, FIRST + 1, ... (without end when COUNT is 0), spooled in
//! pairs of ten. A line on the standard output, `accepted N`, says that all rows up to N are in the spool. With a COUNT it
//! sends everything there is before it ends.

use std::error::Error;
use std::io::Write;
use std::time::Duration;

use iobeam::{Client, Timestamp};

/// Rows between two lines.
const GROUP: u64 = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [backend, project, token, spool, first, count] = arguments.as_slice() else {
        return Err("device BACKEND PROJECT TOKEN SPOOL FIRST COUNT".into());
    };
    let client = Client::builder(project.parse()?, token)
        .backend(backend)
        .device_id("device-1")
        .spool(spool)
        .auto_send(Duration::from_millis(5))
        .backoff(Duration::from_millis(5), Duration::from_millis(100))
        .build()?;
    let (first, count): (u64, u64) = (first.parse()?, count.parse()?);
    let store = client.create_data_store(&["n"])?;
    let mut out = std::io::stdout();
    let last = if count == 0 { u64::MAX } else { first + count };
    for number in first..last {
        let time = Timestamp::from_micros(number.cast_signed());
        store.add(time, [("n", f64::from(u32::try_from(number)?))])?;
        if (number + 1).is_multiple_of(GROUP) {
            client.flush()?;
            writeln!(out, "accepted {number}")?;
            out.flush()?;
        }
    }
    client.send_within(Duration::from_mins(5))?;
    client.close(Duration::from_secs(10))?;
    Ok(())
}
