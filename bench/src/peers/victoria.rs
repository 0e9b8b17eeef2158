//! VictoriaMetrics (Debian's `victoria-metrics`): line protocol over HTTP. It has no mode that syncs before acknowledging.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{Peer, Post, Running, Sender, lines};
use crate::http::Connection;
use crate::process::{Server, free_port, wait_for};
use crate::sensors::Row;

/// The head of each import.
const SEND: &str = "POST /write HTTP/1.1\r\nHost: x\r\n";

/// VictoriaMetrics.
#[derive(Debug)]
pub(crate) struct VictoriaMetrics;

struct Started {
    server: Server,
    port: u16,
}

impl Peer for VictoriaMetrics {
    fn name(&self) -> String {
        "VictoriaMetrics, line protocol".to_owned()
    }

    fn durability(&self) -> &'static str {
        "in memory; written within seconds"
    }

    fn start(&self, folder: &Path) -> Result<Box<dyn Running>> {
        let port = free_port()?;
        let mut command = Command::new("victoria-metrics");
        command
            .arg(format!("-storageDataPath={}", folder.join("data").display()))
            .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
            .arg("-retentionPeriod=100y");
        let server = Server::start(&mut command, folder, false)?;
        wait_for("victoria-metrics", || {
            let answer =
                Connection::open(port)?.call("GET /health HTTP/1.1\r\nHost: x\r\n", b"")?;
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
        let output = Command::new("dpkg-query")
            .args(["-W", "-f", "${Version}", "victoria-metrics"])
            .output();
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
        let answer = Connection::open(self.port)?
            .call("GET /internal/force_flush HTTP/1.1\r\nHost: x\r\n", b"")?;
        ensure!(answer.status == 200, "{}", answer.status);
        std::thread::sleep(Duration::from_secs(5));
        Ok(())
    }

    fn count(&self) -> Result<u64> {
        // Rows are seen by queries some seconds after they were acknowledged, unless it is made to.
        self.flush()?;
        let head = "GET /api/v1/query?query=sum(count_over_time(sensors_value0[9y])) HTTP/1.1\r\nHost: x\r\n";
        let answer = Connection::open(self.port)?.call(head, b"")?;
        let json: serde_json::Value = serde_json::from_slice(&answer.body)?;
        let count =
            json["data"]["result"][0]["value"][1].as_str().and_then(|text| text.parse().ok());
        count.with_context(|| format!("no count in {json}"))
    }
}

impl Started {
    fn flush(&self) -> Result<()> {
        let mut connection = Connection::open(self.port)?;
        let answer = connection.call("GET /internal/force_flush HTTP/1.1\r\nHost: x\r\n", b"")?;
        ensure!(answer.status == 200, "{}", answer.status);
        Ok(())
    }
}
