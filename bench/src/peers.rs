//! The systems that are measured, each set up as its own documentation advises; README.md says how and why.
//!
//! ```text
//! Peer ── start(folder) ──▶ Running ── connect() ──▶ Sender     sends bodies
//!                              │    └─ askers()  ──▶ Asker      asks questions
//!                              └ stops when dropped
//! ```
//!
//! Bodies are made before the clock starts, so that what is timed is the server and the wire.

pub(crate) mod clickhouse;
pub(crate) mod duckdb;
pub(crate) mod influxdb;
pub(crate) mod iobeam;
pub(crate) mod postgres;
pub(crate) mod victoria;

pub(crate) mod line;

use std::os::fd::RawFd;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use iobeam_model::Batch;

use crate::answer::Digest;
use crate::http::Connection;
use crate::process::{Server, is_installed};
use crate::questions::{Question, Scope};
use crate::sensors::Row;

/// No answer may take longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(25);

/// A system under measurement, in one mode.
pub(crate) trait Peer: Sync {
    /// Its name.
    fn system(&self) -> &'static str;
    /// How rows travel to it.
    fn protocol(&self) -> &'static str;
    /// What has happened to a row when its import is acknowledged.
    fn durability(&self) -> &'static str;
    /// Rows that it takes in a second at the very most: so many are made ready.
    fn pace(&self, batch: usize) -> f64;
    /// Whether it is another way of a system that is measured anyhow, and of interest where a goal is set alone.
    fn is_for_goals_alone(&self) -> bool {
        false
    }
    /// Starts it in an empty folder, ready to take rows.
    fn start(&self, folder: &Path) -> Result<Box<dyn Running>>;
}

/// A system that has been started. It stops when dropped.
pub(crate) trait Running: Sync {
    /// The process, for its figures.
    fn server(&self) -> &Server;
    /// The version it says it has.
    fn version(&self) -> String;
    /// Whether a body holds rows of one device alone.
    fn speaks_for_one_device(&self) -> bool {
        false
    }
    /// The body of one import.
    fn body(&self, rows: &[Row]) -> Vec<u8>;
    /// A connection to send rows.
    fn connect(&self) -> Result<Box<dyn Sender>>;
    /// Makes devices known: a row of each.
    fn introduce(&self, rows: &[Row]) -> Result<()> {
        self.connect()?.send(&self.body(rows))
    }
    /// Waits until what it does after acknowledging (flush, merge) is done.
    fn settle(&mut self) -> Result<()>;
    /// Bytes that the rows take on disk now, without logs that are for recovery alone.
    fn stored_bytes(&self) -> Result<u64>;
    /// How many rows it says it has.
    fn count(&self) -> Result<u64>;
    /// Stops it and starts it again on the same folder.
    fn restart(&mut self) -> Result<()>;
    /// Each way to ask it, with its name.
    fn askers(&self) -> Result<Vec<(String, Box<dyn Asker>)>>;
    /// Takes rows of the trucks into a table of that name, if it is among those that answer the fleet's questions.
    fn import_fleet(&self, _table: &str, _batch: &Batch) -> Result<()> {
        anyhow::bail!("not asked about fleets")
    }
}

/// One connection, used by one thread.
pub(crate) trait Sender: Send {
    /// Sends a body.
    fn begin(&mut self, body: &[u8]) -> Result<()>;
    /// Waits for the acknowledgement of the body that was sent.
    fn finish(&mut self, body: &[u8]) -> Result<()>;
    /// Where it can be waited for that the acknowledgement comes, if it comes in one piece.
    fn socket(&self) -> Option<RawFd>;
    /// Sends a body and waits for the acknowledgement.
    fn send(&mut self, body: &[u8]) -> Result<()> {
        self.begin(body)?;
        self.finish(body)
    }
}

/// A connection for questions.
pub(crate) trait Asker: Send {
    /// How the question is put, if the system's language can.
    fn phrase(&self, question: Question, scope: Scope) -> Option<String>;
    /// How a question of the fleet is put.
    fn fleet_phrase(&self, _question: &crate::fleet_questions::FleetQuestion) -> Option<String> {
        None
    }
    /// Asks and reads the whole answer.
    fn ask(&mut self, phrase: &str) -> Result<Vec<u8>>;
    /// What the answer says; the last `columns` of each line are values.
    fn digest(&self, answer: &[u8], columns: usize) -> Result<Digest> {
        Ok(Digest::of_lines(answer, columns))
    }
}

/// A connection that posts each body under the same head.
#[derive(Debug)]
struct Post {
    connection: Connection,
    head: String,
    /// The status of an acknowledgement.
    success: u16,
}

impl Sender for Post {
    fn begin(&mut self, body: &[u8]) -> Result<()> {
        self.connection.send(&self.head, body)
    }

    fn finish(&mut self, _: &[u8]) -> Result<()> {
        self.connection.reply()?.expect(self.success)?;
        Ok(())
    }

    fn socket(&self) -> Option<RawFd> {
        Some(self.connection.socket())
    }
}

/// A connection for questions over HTTP, opened anew when the server has closed it.
#[derive(Debug)]
struct Questions {
    port: u16,
    connection: Option<Connection>,
}

impl Questions {
    fn new(port: u16) -> Self {
        Self { port, connection: None }
    }

    fn call(&mut self, head: &str, body: &[u8]) -> Result<Vec<u8>> {
        if self.connection.is_none() {
            self.connection = Some(Connection::open_for(self.port, PATIENCE)?);
        }
        let connection = self.connection.as_mut().context("just opened")?;
        let answer = connection.expect(200, head, body);
        if answer.is_err() {
            self.connection = None;
        }
        answer
    }
}

/// What is measured, and what is missing.
pub(crate) struct Field {
    pub(crate) peers: Vec<Box<dyn Peer>>,
    /// Names of those that are not installed.
    pub(crate) absent: Vec<&'static str>,
}

/// A program, and the ways in which it is measured.
type Modes = (&'static str, Vec<Box<dyn Peer>>);

/// The systems whose names hold `only`: ourselves first; those that are not installed are named.
pub(crate) fn installed(only: &str) -> Field {
    // The slowest to load last: it is the first that is left out when time is short.
    let others: [Modes; 4] = [
        ("clickhouse-server", vec![Box::new(clickhouse::ClickHouse)]),
        (
            "postgresql",
            vec![
                Box::new(postgres::Postgres { synced: true }),
                Box::new(postgres::Postgres { synced: false }),
            ],
        ),
        ("victoria-metrics", vec![Box::new(victoria::VictoriaMetrics)]),
        ("influxd", vec![Box::new(influxdb::InfluxDb)]),
    ];
    let mut peers: Vec<Box<dyn Peer>> = vec![
        Box::new(iobeam::Iobeam { form: iobeam::Form::Batch }),
        Box::new(iobeam::Iobeam { form: iobeam::Form::PlainBatch }),
        Box::new(iobeam::Iobeam { form: iobeam::Form::Json }),
    ];
    let mut absent = Vec::new();
    for (program, modes) in others {
        let found = match program {
            "postgresql" => postgres::folder().is_some(),
            program => is_installed(program),
        };
        if found { peers.extend(modes) } else { absent.push(program) }
    }
    for program in &absent {
        eprintln!("{program} is not installed: left out");
    }
    let only = only.to_lowercase();
    peers.retain(|peer| full_name(peer.as_ref()).to_lowercase().contains(&only));
    Field { peers, absent }
}

/// System and protocol.
pub(crate) fn full_name(peer: &dyn Peer) -> String {
    format!("{}, {}", peer.system(), peer.protocol())
}
