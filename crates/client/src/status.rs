//! How the client is doing.

use std::time::Duration;

use iobeam_model::Timestamp;

/// How the client is doing, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Rows that were added and are in no batch yet.
    pub collected_rows: u64,
    /// Batches that wait to be sent.
    pub waiting_batches: u64,
    /// Rows in them.
    pub waiting_rows: u64,
    /// Bytes they take.
    pub waiting_bytes: u64,
    /// How long the oldest of them waits.
    pub oldest: Option<Duration>,
    /// Rows that the server stored since the client was built.
    pub sent_rows: u64,
    /// When the server last said so.
    pub last_sent: Option<Timestamp>,
    /// What went wrong last, and when; forgotten once something is sent.
    pub last_error: Option<LastError>,
    /// Batches that the server refused for good and that were set aside, since the client was built.
    pub rejected_batches: u64,
    /// Rows in them.
    pub rejected_rows: u64,
    /// Rows dropped since the client was built because as many waited as may.
    pub dropped_rows: u64,
    /// What was found amiss when the spool was opened.
    pub spool_damage: Vec<String>,
    /// Rows sent with the time that the device's clock said before it was put right: see `clock_from_server`.
    pub unset_clock_rows: u64,
    /// How far the device's clock is behind the server's, in microseconds, once that was learnt.
    pub clock_behind: Option<i64>,
}

/// A batch that waits to be sent, without its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// What it is called, should it be refused one day.
    pub name: String,
    /// The namespace its rows are for.
    pub namespace: String,
    /// How many rows it has.
    pub rows: u64,
    /// How many bytes it takes.
    pub bytes: u64,
    /// When it was put into the spool.
    pub at: Timestamp,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastError {
    /// When.
    pub at: Timestamp,
    /// What.
    pub message: String,
}
