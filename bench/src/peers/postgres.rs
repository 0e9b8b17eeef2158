//! PostgreSQL 15 with the usual time-series schema: one narrow-indexed table, filled by binary COPY, a transaction a batch.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use postgres::{Client, NoTls};

use super::{Peer, Running, Sender};
use crate::process::{Server, free_port, wait_for};
use crate::sensors::{FIELDS, Row, Sensors};

/// PostgreSQL, with or without waiting for the sync at commit.
#[derive(Debug)]
pub(crate) struct Postgres {
    /// `synchronous_commit`: the default.
    pub(crate) synced: bool,
}

struct Started {
    server: Server,
    port: u16,
}

/// The account that owns a server's files when the bench runs as root, as which PostgreSQL refuses to run.
const ACCOUNT: &str = "postgres";
/// Microseconds from 1970 to 2000, where PostgreSQL's times begin.
const EPOCH: i64 = 946_684_800_000_000;

/// A command of PostgreSQL's own folder, as an account that it accepts.
fn command(name: &str) -> Command {
    let path = format!("/usr/lib/postgresql/15/bin/{name}");
    if rustix::process::getuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args([
            &format!("--reuid={ACCOUNT}"),
            &format!("--regid={ACCOUNT}"),
            "--clear-groups",
            &path,
        ]);
        return command;
    }
    Command::new(path)
}

impl Peer for Postgres {
    fn name(&self) -> String {
        "PostgreSQL 15, binary COPY".to_owned()
    }

    fn durability(&self) -> &'static str {
        if self.synced { "synced before acknowledged" } else { "synced within 0.6 s" }
    }

    fn start(&self, folder: &Path) -> Result<Box<dyn Running>> {
        let data = folder.join("data");
        std::fs::create_dir(&data)?;
        if rustix::process::getuid().is_root() {
            let done = Command::new("chown").arg("-R").arg(ACCOUNT).arg(folder).status()?;
            ensure!(done.success(), "cannot give {} to {ACCOUNT}", folder.display());
        }
        let made =
            command("initdb").args(["-A", "trust", "-U", "bench", "-D"]).arg(&data).output()?;
        ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = free_port()?;
        let mut server = command("postgres");
        server.arg("-D").arg(&data).args(["-p", &port.to_string(), "-k", "", "-h", "127.0.0.1"]);
        // A quarter of the memory, longer between checkpoints: what its own guide says for writing much.
        for setting in [
            "shared_buffers=2GB",
            "max_wal_size=8GB",
            "checkpoint_timeout=15min",
            "wal_compression=on",
        ] {
            server.args(["-c", setting]);
        }
        server.args([
            "-c",
            if self.synced { "synchronous_commit=on" } else { "synchronous_commit=off" },
        ]);
        let server = Server::start(&mut server, folder, true)?;
        let columns: Vec<_> =
            (0..FIELDS).map(|field| format!("{} float8", Sensors::field(field))).collect();
        let table = format!(
            "CREATE TABLE sensors (time timestamptz NOT NULL, device text NOT NULL, {});\
             CREATE INDEX ON sensors (device, time DESC); CREATE INDEX ON sensors USING brin (time)",
            columns.join(", ")
        );
        wait_for("postgres", || Ok(connect(port)?.batch_execute(&table)?))?;
        Ok(Box::new(Started { server, port }))
    }
}

fn connect(port: u16) -> Result<Client> {
    Ok(Client::connect(&format!("host=127.0.0.1 port={port} user=bench dbname=postgres"), NoTls)?)
}

impl Running for Started {
    fn server(&self) -> &Server {
        &self.server
    }

    fn version(&self) -> String {
        let asked = connect(self.port)
            .and_then(|mut client| Ok(client.query_one("SHOW server_version", &[])?));
        asked.map_or_else(|_| "?".into(), |row| row.get(0))
    }

    fn body(&self, rows: &[Row]) -> Vec<u8> {
        let mut bytes = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
        let columns = i16::try_from(FIELDS + 2).expect("few columns");
        for row in rows {
            bytes.extend(columns.to_be_bytes());
            bytes.extend(8_i32.to_be_bytes());
            bytes.extend((row.time - EPOCH).to_be_bytes());
            let device = Sensors::device(row.device);
            bytes.extend(i32::try_from(device.len()).expect("a short name").to_be_bytes());
            bytes.extend(device.as_bytes());
            for value in row.values {
                bytes.extend(8_i32.to_be_bytes());
                bytes.extend(value.to_be_bytes());
            }
        }
        bytes.extend((-1_i16).to_be_bytes());
        bytes
    }

    fn connect(&self) -> Result<Box<dyn Sender>> {
        Ok(Box::new(Copy { client: connect(self.port)? }))
    }

    fn settle(&self) -> Result<()> {
        let mut client = connect(self.port)?;
        client.batch_execute("VACUUM ANALYZE sensors")?;
        Ok(client.batch_execute("CHECKPOINT")?)
    }

    fn count(&self) -> Result<u64> {
        let row = connect(self.port)?.query_one("SELECT count(*) FROM sensors", &[])?;
        u64::try_from(row.get::<_, i64>(0)).context("a negative count")
    }
}

struct Copy {
    client: Client,
}

impl Sender for Copy {
    fn send(&mut self, body: &[u8]) -> Result<()> {
        let mut copy = self.client.copy_in("COPY sensors FROM STDIN BINARY")?;
        copy.write_all(body)?;
        copy.finish()?;
        Ok(())
    }
}
