//! PostgreSQL with the usual time-series schema: a table with an index by device and time, filled by binary COPY, a transaction a
//! batch.

use std::io::{Read, Write};
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use iobeam_model::{Batch, FieldType, Value};
use postgres::{Client, NoTls};

use super::{Asker, PATIENCE, Peer, Running, Sender};
use crate::fleet_questions::FleetQuestion;
use crate::process::{Server, command, free_port, wait_for};
use crate::questions::{Dialect, Question, Scope, fields, utc};
use crate::sensors::{FIELDS, Row, Sensors};

const DIALECT: Dialect = Dialect {
    table: "sensors",
    time: |seconds| format!("TIMESTAMPTZ '{}'", utc(seconds)),
    bucket: |seconds, column| {
        format!("date_bin('{seconds} seconds', {column}, TIMESTAMPTZ '1970-01-01T00:00:00Z')")
    },
};

/// PostgreSQL, with or without waiting for the sync at commit.
#[derive(Debug)]
pub(crate) struct Postgres {
    /// `synchronous_commit`: the default.
    pub(crate) synced: bool,
}

struct Started {
    server: Option<Server>,
    folder: PathBuf,
    synced: bool,
    port: u16,
}

/// The account that owns a server's files when the bench runs as root, as which PostgreSQL refuses to run.
const ACCOUNT: &str = "postgres";
/// Microseconds from 1970 to 2000, where PostgreSQL's times begin.
const EPOCH: i64 = 946_684_800_000_000;
/// A quarter of the memory and longer between checkpoints, as its own guide says for writing much; times in UTC.
const SETTINGS: [&str; 6] = [
    "shared_buffers=2GB",
    "max_wal_size=8GB",
    "checkpoint_timeout=15min",
    "wal_compression=on",
    "timezone=UTC",
    "work_mem=64MB",
];

/// Where Debian keeps the programs of the latest version that is installed.
pub(crate) fn folder() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let folders = versions.filter_map(Result::ok).map(|entry| entry.path().join("bin"));
    folders.filter(|folder| folder.join("postgres").is_file()).max()
}

/// A command of PostgreSQL's own folder, as an account that it accepts.
fn program(name: &str) -> Result<Command> {
    let path = folder().context("PostgreSQL is not installed")?.join(name);
    let account = rustix::process::getuid().is_root().then_some(ACCOUNT);
    Ok(command(path, account))
}

impl Peer for Postgres {
    fn system(&self) -> &'static str {
        "PostgreSQL"
    }

    fn protocol(&self) -> &'static str {
        "binary COPY"
    }

    fn durability(&self) -> &'static str {
        if self.synced { "synced before acknowledged" } else { "synced within 0.6 s" }
    }

    fn pace(&self, batch: usize) -> f64 {
        if batch == 1 { 15_000.0 } else { 250_000.0 }
    }

    fn start(&self, folder: &Path) -> Result<Box<dyn Running>> {
        let data = folder.join("data");
        std::fs::create_dir(&data)?;
        if rustix::process::getuid().is_root() {
            let done = Command::new("chown").arg("-R").arg(ACCOUNT).arg(folder).status()?;
            ensure!(done.success(), "cannot give {} to {ACCOUNT}", folder.display());
        }
        let made = program("initdb")?
            .args(["-A", "trust", "-U", "bench", "--no-sync", "-D"])
            .arg(&data)
            .current_dir(folder)
            .output()?;
        ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut started = Started {
            server: None,
            folder: folder.to_owned(),
            synced: self.synced,
            port: free_port()?,
        };
        started.launch()?;
        connect(started.port)?.batch_execute(&format!(
            "CREATE TABLE sensors (time timestamptz NOT NULL, device_id text NOT NULL, {});\
             CREATE INDEX ON sensors (device_id, time DESC); CREATE INDEX ON sensors USING brin (time)",
            fields(FIELDS, |name| format!("{name} float8"))
        ))?;
        Ok(Box::new(started))
    }
}

impl Started {
    fn launch(&mut self) -> Result<()> {
        let mut server = program("postgres")?;
        server.arg("-D").arg(self.folder.join("data"));
        server.args(["-p", &self.port.to_string(), "-k", "", "-h", "127.0.0.1"]);
        let commit = if self.synced { "synchronous_commit=on" } else { "synchronous_commit=off" };
        for setting in SETTINGS.iter().chain([&commit]) {
            server.args(["-c", setting]);
        }
        self.server = Some(Server::start(&mut server, &self.folder, true)?);
        wait_for("postgres", || connect(self.port))?;
        Ok(())
    }
}

fn connect(port: u16) -> Result<Client> {
    Ok(Client::connect(&format!("host=127.0.0.1 port={port} user=bench dbname=postgres"), NoTls)?)
}

/// The binary COPY format, row by row.
struct Copying(Vec<u8>);

impl Copying {
    fn new() -> Self {
        Self(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec())
    }

    /// Begins a row of a time and so many other columns.
    fn row(&mut self, time: i64, columns: usize) {
        let columns = i16::try_from(columns + 1).expect("few columns");
        self.0.extend(columns.to_be_bytes());
        self.value(&(time - EPOCH).to_be_bytes());
    }

    fn value(&mut self, bytes: &[u8]) {
        self.0.extend(i32::try_from(bytes.len()).expect("a short value").to_be_bytes());
        self.0.extend(bytes);
    }

    fn missing(&mut self) {
        self.0.extend((-1_i32).to_be_bytes());
    }

    fn end(mut self) -> Vec<u8> {
        self.0.extend((-1_i16).to_be_bytes());
        self.0
    }
}

impl Running for Started {
    fn server(&self) -> &Server {
        self.server.as_ref().expect("it has been started")
    }

    fn version(&self) -> String {
        let asked = connect(self.port)
            .and_then(|mut client| Ok(client.query_one("SHOW server_version", &[])?));
        let told = asked.map_or_else(|_| "?".into(), |row| row.get::<_, String>(0));
        told.split(' ').next().unwrap_or("?").to_owned()
    }

    fn body(&self, rows: &[Row]) -> Vec<u8> {
        let mut copying = Copying::new();
        for row in rows {
            copying.row(row.time, FIELDS + 1);
            copying.value(Sensors::device(row.device).as_bytes());
            row.values.iter().for_each(|value| copying.value(&value.to_be_bytes()));
        }
        copying.end()
    }

    fn connect(&self) -> Result<Box<dyn Sender>> {
        Ok(Box::new(Copy { client: connect(self.port)?, table: "sensors".to_owned() }))
    }

    fn settle(&mut self) -> Result<()> {
        let mut client = connect(self.port)?;
        client.batch_execute("VACUUM ANALYZE")?;
        Ok(client.batch_execute("CHECKPOINT")?)
    }

    fn stored_bytes(&self) -> Result<u64> {
        let row = connect(self.port)?.query_one("SELECT pg_total_relation_size('sensors')", &[])?;
        u64::try_from(row.get::<_, i64>(0)).context("a negative size")
    }

    fn count(&self) -> Result<u64> {
        let row = connect(self.port)?.query_one("SELECT count(*) FROM sensors", &[])?;
        u64::try_from(row.get::<_, i64>(0)).context("a negative count")
    }

    fn restart(&mut self) -> Result<()> {
        self.server = None;
        self.launch()
    }

    fn askers(&self) -> Result<Vec<(String, Box<dyn Asker>)>> {
        let mut client = connect(self.port)?;
        client.batch_execute(&format!("SET statement_timeout='{}s'", PATIENCE.as_secs()))?;
        Ok(vec![("PostgreSQL".to_owned(), Box::new(Sql(client)))])
    }

    fn import_fleet(&self, table: &str, batch: &Batch) -> Result<()> {
        let mut client = connect(self.port)?;
        let columns = batch.columns().iter().map(|column| {
            let number = column.values().field_type() == FieldType::Double;
            format!("{} {}", column.name(), if number { "float8" } else { "text" })
        });
        let columns: Vec<_> = columns.collect();
        client.batch_execute(&format!(
            "CREATE TABLE IF NOT EXISTS {table} (time timestamptz NOT NULL, {});\
             CREATE INDEX IF NOT EXISTS {table}_by_name ON {table} (name, time DESC);\
             CREATE INDEX IF NOT EXISTS {table}_by_time ON {table} USING brin (time)",
            columns.join(", ")
        ))?;
        let mut copying = Copying::new();
        for (row, time) in batch.times().iter().enumerate() {
            copying.row(*time, batch.columns().len());
            for column in batch.columns() {
                match column.value(row) {
                    Some(Value::Double(value)) => copying.value(&value.to_be_bytes()),
                    Some(Value::String(text)) => copying.value(text.as_bytes()),
                    None => copying.missing(),
                    Some(other) => anyhow::bail!("trucks have no {other:?}"),
                }
            }
        }
        Copy { client, table: table.to_owned() }.send(&copying.end())
    }
}

struct Copy {
    client: Client,
    table: String,
}

impl Sender for Copy {
    fn begin(&mut self, _: &[u8]) -> Result<()> {
        Ok(())
    }

    /// All of it: a copy is a talk of several turns.
    fn finish(&mut self, body: &[u8]) -> Result<()> {
        let mut copy = self.client.copy_in(&format!("COPY {} FROM STDIN BINARY", self.table))?;
        copy.write_all(body)?;
        copy.finish()?;
        Ok(())
    }

    fn socket(&self) -> Option<RawFd> {
        None
    }
}

/// Questions in PostgreSQL's SQL, answered as CSV.
struct Sql(Client);

/// Walks the index from device to device, as its own documentation advises for want of a skip scan.
const EACH: &str = "WITH RECURSIVE known AS ((SELECT device_id FROM sensors ORDER BY device_id LIMIT 1) UNION ALL \
     SELECT (SELECT s.device_id FROM sensors s WHERE s.device_id > known.device_id ORDER BY s.device_id LIMIT 1) \
     FROM known WHERE known.device_id IS NOT NULL) \
     SELECT newest.* FROM known CROSS JOIN LATERAL (SELECT * FROM sensors s WHERE s.device_id = known.device_id \
     ORDER BY time DESC LIMIT 1) newest WHERE known.device_id IS NOT NULL";

/// The newest row of each truck by the same walk, for the questions that ask for it.
fn newest_of_truck(title: &str) -> Option<(String, &'static str)> {
    let walk = |table: &str, columns: &str, known: &str| {
        format!(
            "WITH RECURSIVE trucks AS ((SELECT name FROM {table} ORDER BY name LIMIT 1) UNION ALL \
             SELECT (SELECT r.name FROM {table} r WHERE r.name > trucks.name ORDER BY r.name LIMIT 1) FROM trucks \
             WHERE trucks.name IS NOT NULL) \
             SELECT newest.* FROM trucks CROSS JOIN LATERAL (SELECT name, driver, {columns} FROM {table} r \
             WHERE r.name = trucks.name AND {known} ORDER BY time DESC LIMIT 1) newest WHERE trucks.name IS NOT NULL"
        )
    };
    Some(match title {
        "last location per truck" => {
            let known = "longitude IS NOT NULL AND latitude IS NOT NULL";
            (walk("readings", "longitude, latitude", known), "")
        }
        "trucks with low fuel" => {
            (walk("diagnostics", "fuel_state", "fuel_state IS NOT NULL"), "AND fuel_state < 0.1")
        }
        "trucks with high load" => (
            walk("diagnostics", "current_load, load_capacity", "current_load IS NOT NULL"),
            "AND current_load / load_capacity >= 0.9",
        ),
        _ => return None,
    })
}

impl Asker for Sql {
    fn phrase(&self, question: Question, scope: Scope) -> Option<String> {
        (question != Question::ExportArrow).then(|| question.sql(scope, DIALECT, EACH))
    }

    fn fleet_phrase(&self, question: &FleetQuestion) -> Option<String> {
        if let Some((newest, rest)) = newest_of_truck(question.title) {
            return Some(format!("{newest} {rest}"));
        }
        Some(question.sql(DIALECT, |value| format!("(array_agg({value} ORDER BY time DESC))[1]")))
    }

    fn ask(&mut self, phrase: &str) -> Result<Vec<u8>> {
        let mut answer = Vec::new();
        self.0
            .copy_out(&format!("COPY ({phrase}) TO STDOUT (FORMAT csv)"))?
            .read_to_end(&mut answer)?;
        Ok(answer)
    }
}
