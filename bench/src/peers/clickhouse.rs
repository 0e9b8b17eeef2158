//! ClickHouse (Debian's `clickhouse-server`): RowBinary over HTTP into a MergeTree. This version cannot sync before acknowledging.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{Peer, Post, Running, Sender};
use crate::http::Connection;
use crate::process::{Server, free_port, wait_for};
use crate::sensors::{FIELDS, Row, Sensors};

/// The head of each import.
const SEND: &str = "POST /?query=INSERT%20INTO%20sensors%20FORMAT%20RowBinary HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n";

/// ClickHouse.
#[derive(Debug)]
pub(crate) struct ClickHouse;

struct Started {
    server: Server,
    port: u16,
}

impl Peer for ClickHouse {
    fn name(&self) -> String {
        "ClickHouse 18.16, RowBinary".to_owned()
    }

    fn durability(&self) -> &'static str {
        "written to files, never synced"
    }

    fn start(&self, folder: &Path) -> Result<Box<dyn Running>> {
        let (port, tcp, inter) = (free_port()?, free_port()?, free_port()?);
        let place = folder.display();
        let config = format!(
            "<yandex><logger><level>warning</level><console>1</console></logger>\
             <http_port>{port}</http_port><tcp_port>{tcp}</tcp_port><interserver_http_port>{inter}</interserver_http_port>\
             <listen_host>127.0.0.1</listen_host><path>{place}/data/</path><tmp_path>{place}/tmp/</tmp_path>\
             <users_config>{place}/users.xml</users_config><default_profile>default</default_profile>\
             <default_database>default</default_database><mark_cache_size>536870912</mark_cache_size>\
             <max_concurrent_queries>100</max_concurrent_queries></yandex>"
        );
        std::fs::write(folder.join("config.xml"), config)?;
        let users = "<yandex><profiles><default><max_memory_usage>4000000000</max_memory_usage></default></profiles>\
             <users><default><password></password><networks><ip>127.0.0.1</ip></networks>\
             <profile>default</profile><quota>default</quota></default></users>\
             <quotas><default></default></quotas></yandex>";
        std::fs::write(folder.join("users.xml"), users)?;
        let mut command = Command::new("clickhouse-server");
        command.arg(format!("--config-file={place}/config.xml")).current_dir(folder);
        let server = Server::start(&mut command, folder, false)?;
        let columns: Vec<_> =
            (0..FIELDS).map(|field| format!("{} Float64", Sensors::field(field))).collect();
        let table = format!(
            "CREATE TABLE sensors (time DateTime, micros Int64, device String, {}) \
             ENGINE = MergeTree PARTITION BY toYYYYMM(time) ORDER BY (device, time)",
            columns.join(", ")
        );
        wait_for("clickhouse-server", || ask(port, &table))?;
        Ok(Box::new(Started { server, port }))
    }
}

fn ask(port: u16, sql: &str) -> Result<String> {
    let answer = Connection::open(port)?.call("POST / HTTP/1.1\r\nHost: x\r\n", sql.as_bytes())?;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    ensure!(answer.status == 200, "{}: {text}", answer.status);
    Ok(text)
}

impl Running for Started {
    fn server(&self) -> &Server {
        &self.server
    }

    fn version(&self) -> String {
        ask(self.port, "SELECT version()")
            .map_or_else(|_| "?".into(), |text| text.trim().to_owned())
    }

    fn body(&self, rows: &[Row]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(rows.len() * (4 + 8 + 13 + FIELDS * 8));
        for row in rows {
            let seconds = u32::try_from(row.time / 1_000_000).expect("a time of this century");
            bytes.extend(seconds.to_le_bytes());
            bytes.extend(row.time.to_le_bytes());
            let device = Sensors::device(row.device);
            bytes.push(u8::try_from(device.len()).expect("a short name"));
            bytes.extend(device.as_bytes());
            row.values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        }
        bytes
    }

    fn connect(&self) -> Result<Box<dyn Sender>> {
        let connection = Connection::open(self.port)?;
        Ok(Box::new(Post { connection, head: SEND, success: 200 }))
    }

    fn settle(&self) -> Result<()> {
        ask(self.port, "OPTIMIZE TABLE sensors FINAL")?;
        // Parts that were merged away are deleted after a while; what is active is what counts.
        Ok(())
    }

    fn count(&self) -> Result<u64> {
        ask(self.port, "SELECT count() FROM sensors")?.trim().parse().context("no count")
    }
}
