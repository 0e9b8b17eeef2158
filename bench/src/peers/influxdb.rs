//! InfluxDB 1.x: line protocol over HTTP, the write-ahead log synced for each write, as it is set by default.
//!
//! Its `wal-fsync-delay` makes writes wait for a common sync rather than acknowledging them before it, so there is no mode
//! that does not sync.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use super::line::lines;
use super::{Asker, Peer, Post, Questions, Running, Sender};
use crate::http::{Connection, escaped};
use crate::machine;
use crate::process::{Server, bytes_on_disk, command, free_port, wait_for, wait_until_still};
use crate::questions::{Question, Scope, THRESHOLD, fields, utc};
use crate::sensors::Row;

/// InfluxDB.
#[derive(Debug)]
pub(crate) struct InfluxDb;

struct Started {
    server: Option<Server>,
    folder: PathBuf,
    port: u16,
}

impl Peer for InfluxDb {
    fn system(&self) -> &'static str {
        "InfluxDB"
    }

    fn protocol(&self) -> &'static str {
        "line protocol"
    }

    fn durability(&self) -> &'static str {
        "synced before acknowledged"
    }

    fn pace(&self, batch: usize) -> f64 {
        if batch == 1 { 15_000.0 } else { 120_000.0 }
    }

    fn start(&self, folder: &Path) -> Result<Box<dyn Running>> {
        let (port, rpc) = (free_port()?, free_port()?);
        let place = folder.display();
        let config = format!(
            "reporting-disabled = true\nbind-address = \"127.0.0.1:{rpc}\"\n[meta]\n dir = \"{place}/meta\"\n\
             [data]\n dir = \"{place}/data\"\n wal-dir = \"{place}/wal\"\n wal-fsync-delay = \"0s\"\n index-version = \"tsi1\"\n\
             query-log-enabled = false\n cache-snapshot-write-cold-duration = \"3s\"\n compact-full-write-cold-duration = \"5s\"\n\
             [monitor]\n store-enabled = false\n\
             [http]\n bind-address = \"127.0.0.1:{port}\"\n log-enabled = false\n"
        );
        fs::write(folder.join("influxdb.conf"), config)?;
        let mut started = Started { server: None, folder: folder.to_owned(), port };
        started.launch()?;
        let head = "POST /query?q=CREATE%20DATABASE%20bench HTTP/1.1\r\nHost: x\r\n";
        wait_for("influxd", || Connection::open(port)?.expect(200, head, b""))?;
        Ok(Box::new(started))
    }
}

impl Started {
    fn launch(&mut self) -> Result<()> {
        let mut influxd = command("influxd", None);
        influxd.arg("-config").arg(self.folder.join("influxdb.conf"));
        self.server = Some(Server::start(&mut influxd, &self.folder, false)?);
        let head = "GET /ping HTTP/1.1\r\nHost: x\r\n";
        wait_for("influxd", || Connection::open(self.port)?.expect(204, head, b""))?;
        Ok(())
    }
}

impl Running for Started {
    fn server(&self) -> &Server {
        self.server.as_ref().expect("it has been started")
    }

    fn version(&self) -> String {
        let told = machine::output("influxd", &["version"]);
        told.split_whitespace().nth(1).unwrap_or("?").to_owned()
    }

    fn body(&self, rows: &[Row]) -> Vec<u8> {
        lines(rows)
    }

    fn connect(&self) -> Result<Box<dyn Sender>> {
        let connection = Connection::open(self.port)?;
        let head = "POST /write?db=bench HTTP/1.1\r\nHost: x\r\n".to_owned();
        Ok(Box::new(Post { connection, head, success: 204 }))
    }

    fn settle(&mut self) -> Result<()> {
        // Its cache is written once no write came for 3 s, and compacted fully after 5 s; by default 10 min and 4 h.
        std::thread::sleep(Duration::from_secs(4));
        wait_until_still(5, || {
            Ok((bytes_on_disk(&self.folder), self.server().cpu_seconds()? as u64))
        })
    }

    fn stored_bytes(&self) -> Result<u64> {
        Ok(bytes_on_disk(&self.folder.join("data")))
    }

    fn count(&self) -> Result<u64> {
        let head =
            "GET /query?db=bench&q=SELECT%20count(value0)%20FROM%20sensors HTTP/1.1\r\nHost: x\r\n";
        let answer = Connection::open(self.port)?.expect(200, head, b"")?;
        let json: serde_json::Value = serde_json::from_slice(&answer)?;
        let count = &json["results"][0]["series"][0]["values"][0][1];
        count.as_u64().with_context(|| format!("no count in {json}"))
    }

    fn restart(&mut self) -> Result<()> {
        self.server = None;
        self.launch()
    }

    fn askers(&self) -> Result<Vec<(String, Box<dyn Asker>)>> {
        Ok(vec![("InfluxDB".to_owned(), Box::new(InfluxQl(Questions::new(self.port))))])
    }
}

/// Questions in InfluxQL, answered as CSV.
struct InfluxQl(Questions);

impl Asker for InfluxQl {
    fn phrase(&self, question: Question, scope: Scope) -> Option<String> {
        let device = scope.device();
        let newest = |rows: usize| {
            format!(
                "SELECT * FROM sensors WHERE device_id='{device}' ORDER BY time DESC LIMIT {rows}"
            )
        };
        let (start, middle, end) = (utc(Scope::start()), utc(scope.middle()), utc(scope.end()));
        Some(match question {
            Question::LastOfOne => newest(1),
            Question::Last10OfOne => newest(10),
            Question::Last100OfOne => newest(100),
            Question::LastOfEach => "SELECT last(*) FROM sensors GROUP BY device_id".to_owned(),
            Question::MinuteMeans => {
                let until = utc(scope.middle() + 3600);
                format!(
                    "SELECT mean(value0) FROM sensors WHERE device_id='{device}' AND time>='{middle}' AND time<'{until}' \
                     GROUP BY time(1m) fill(none)"
                )
            }
            Question::HourMeans => format!(
                "SELECT mean(value0) FROM sensors WHERE time>='{start}' AND time<'{end}' GROUP BY time(1h), device_id fill(none)"
            ),
            Question::Maxima => {
                let eight = scope.eight().join("' OR device_id='");
                let five = fields(5, |name| format!("max({name})"));
                format!(
                    "SELECT {five} FROM sensors WHERE (device_id='{eight}') AND time>='{middle}' AND time<'{end}' GROUP BY time(1h)"
                )
            }
            Question::Above => format!(
                "SELECT device_id, value0 FROM sensors WHERE value0>{THRESHOLD} AND time>='{middle}' AND time<'{end}'"
            ),
            Question::Count => "SELECT count(value0) FROM sensors".to_owned(),
            Question::ExportCsv => {
                format!("SELECT * FROM sensors WHERE time>='{start}' AND time<'{end}'")
            }
            Question::ExportArrow => return None,
        })
    }

    fn ask(&mut self, phrase: &str) -> Result<Vec<u8>> {
        let head = format!(
            "GET /query?db=bench&q={} HTTP/1.1\r\nHost: x\r\nAccept: application/csv\r\n",
            escaped(phrase)
        );
        self.0.call(&head, b"")
    }
}
