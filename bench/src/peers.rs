//! The systems that are measured, each set up as its own documentation advises.
//!
//! A `Peer` starts the real server on loopback with a folder of its own; a `Sender` is one connection to it. Bodies are made
//! before the clock starts, so that what is timed is the server and the wire.

pub(crate) mod clickhouse;
pub(crate) mod influxdb;
pub(crate) mod iobeam;
pub(crate) mod postgres;
pub(crate) mod victoria;

use std::fmt::Write;
use std::path::Path;

use anyhow::{Result, ensure};

use crate::http::Connection;
use crate::process::Server;
use crate::sensors::{Row, Sensors};

/// A system under measurement, in one mode.
pub(crate) trait Peer: Sync {
    /// Its name, its protocol.
    fn name(&self) -> String;
    /// What has happened to a row when its import is acknowledged.
    fn durability(&self) -> &'static str;
    /// Starts it in an empty folder, ready to take rows.
    fn start(&self, folder: &Path) -> Result<Box<dyn Running>>;
}

/// A system that has been started. It stops when dropped.
pub(crate) trait Running: Sync {
    /// The process, for its figures.
    fn server(&self) -> &Server;
    /// The version it says it has.
    fn version(&self) -> String;
    /// The body of one import.
    fn body(&self, rows: &[Row]) -> Vec<u8>;
    /// A connection.
    fn connect(&self) -> Result<Box<dyn Sender>>;
    /// Waits until what it does after acknowledging (flush, merge) is done, so that its folder can be weighed.
    fn settle(&self) -> Result<()>;
    /// How many rows it says it has.
    fn count(&self) -> Result<u64>;
}

/// One connection, used by one thread.
pub(crate) trait Sender: Send {
    /// Sends a body and waits for the acknowledgement.
    fn send(&mut self, body: &[u8]) -> Result<()>;
}

/// A connection that posts each body under the same head.
#[derive(Debug)]
struct Post {
    connection: Connection,
    head: &'static str,
    /// The status of an acknowledgement.
    success: u16,
}

impl Sender for Post {
    fn send(&mut self, body: &[u8]) -> Result<()> {
        let answer = self.connection.call(self.head, body)?;
        let told = String::from_utf8_lossy(&answer.body);
        ensure!(answer.status == self.success, "{}: {told}", answer.status);
        Ok(())
    }
}

/// Rows in InfluxDB's line protocol, times in nanoseconds.
fn lines(rows: &[Row]) -> Vec<u8> {
    let mut text = String::with_capacity(rows.len() * 160);
    for row in rows {
        text.push_str("sensors,device=");
        text.push_str(&Sensors::device(row.device));
        for (field, value) in row.values.iter().enumerate() {
            text.push(if field == 0 { ' ' } else { ',' });
            // Writing to a String cannot fail.
            let _ = write!(text, "{}={value}", Sensors::field(field));
        }
        let _ = writeln!(text, " {}", row.time * 1000);
    }
    text.into_bytes()
}
