//! InfluxDB 1.6 (Debian's `influxdb`): line protocol over HTTP, the write-ahead log synced for each write, as it is set by default.
//!
//! Its `wal-fsync-delay` makes writes wait for a common sync rather than acknowledging them before it, so there is no second mode.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{Peer, Post, Running, Sender, lines};
use crate::http::Connection;
use crate::process::{Server, free_port, wait_for};
use crate::sensors::Row;

/// The head of each import.
const SEND: &str = "POST /write?db=bench HTTP/1.1\r\nHost: x\r\n";

/// InfluxDB.
#[derive(Debug)]
pub(crate) struct InfluxDb;

struct Started {
    server: Server,
    port: u16,
}

impl Peer for InfluxDb {
    fn name(&self) -> String {
        "InfluxDB 1.6, line protocol".to_owned()
    }

    fn durability(&self) -> &'static str {
        "synced before acknowledged"
    }

    fn start(&self, folder: &Path) -> Result<Box<dyn Running>> {
        let (port, rpc) = (free_port()?, free_port()?);
        let place = folder.display();
        let config = format!(
            "reporting-disabled = true\nbind-address = \"127.0.0.1:{rpc}\"\n[meta]\n dir = \"{place}/meta\"\n\
             [data]\n dir = \"{place}/data\"\n wal-dir = \"{place}/wal\"\n wal-fsync-delay = \"0s\"\n index-version = \"tsi1\"\n\
             query-log-enabled = false\n[monitor]\n store-enabled = false\n\
             [http]\n bind-address = \"127.0.0.1:{port}\"\n log-enabled = false\n"
        );
        std::fs::write(folder.join("influxdb.conf"), config)?;
        let mut command = Command::new("influxd");
        command.arg("-config").arg(folder.join("influxdb.conf"));
        let server = Server::start(&mut command, folder, false)?;
        wait_for("influxd", || {
            let head = "POST /query?q=CREATE%20DATABASE%20bench HTTP/1.1\r\nHost: x\r\n";
            let answer = Connection::open(port)?.call(head, b"")?;
            ensure!(answer.status == 200, "{}", answer.status);
            Ok(())
        })?;
        Ok(Box::new(Started { server, port }))
    }
}

impl Running for Started {
    fn server(&self) -> &Server {
        &self.server
    }

    fn version(&self) -> String {
        let output = Command::new("influxd").arg("version").output();
        output.map_or_else(
            |_| "?".into(),
            |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        )
    }

    fn body(&self, rows: &[Row]) -> Vec<u8> {
        lines(rows)
    }

    fn connect(&self) -> Result<Box<dyn Sender>> {
        let connection = Connection::open(self.port)?;
        Ok(Box::new(Post { connection, head: SEND, success: 204 }))
    }

    fn settle(&self) -> Result<()> {
        // Snapshots of its cache are written after ten minutes without a write; what is compacted by then is not seen here.
        std::thread::sleep(std::time::Duration::from_secs(2));
        Ok(())
    }

    fn count(&self) -> Result<u64> {
        let head =
            "GET /query?db=bench&q=SELECT%20count(value0)%20FROM%20sensors HTTP/1.1\r\nHost: x\r\n";
        let answer = Connection::open(self.port)?.call(head, b"")?;
        let json: serde_json::Value = serde_json::from_slice(&answer.body)?;
        let count = &json["results"][0]["series"][0]["values"][0][1];
        count.as_u64().with_context(|| format!("no count in {json}"))
    }
}
