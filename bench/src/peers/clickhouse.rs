//! ClickHouse: RowBinary over HTTP into a MergeTree. Debian's version, 18.16, knows no setting that syncs before acknowledging
//! (`fsync_after_insert` came with 20.10).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use iobeam_model::{Batch, Value};

use super::{Asker, PATIENCE, Peer, Post, Questions, Running, Sender};
use crate::fleet_questions::FleetQuestion;
use crate::http::{Connection, escaped};
use crate::process::{Server, command, free_port, wait_for};
use crate::questions::{Dialect, Question, Scope, fields};
use crate::sensors::{FIELDS, Row, Sensors};

const DIALECT: Dialect = Dialect {
    table: "sensors",
    time: |seconds| format!("toDateTime({seconds})"),
    bucket: |seconds, column| format!("intDiv(toUInt32({column}), {seconds}) * {seconds}"),
};

/// ClickHouse.
#[derive(Debug)]
pub(crate) struct ClickHouse;

struct Started {
    server: Option<Server>,
    folder: PathBuf,
    port: u16,
}

impl Peer for ClickHouse {
    fn system(&self) -> &'static str {
        "ClickHouse"
    }

    fn protocol(&self) -> &'static str {
        "RowBinary"
    }

    fn durability(&self) -> &'static str {
        "written to files, never synced"
    }

    fn pace(&self, batch: usize) -> f64 {
        match batch {
            1 => 5_000.0,
            100 => 100_000.0,
            1_000 => 700_000.0,
            _ => 2_500_000.0,
        }
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
             <keep_alive_timeout>600</keep_alive_timeout><timezone>UTC</timezone>\
             <max_concurrent_queries>100</max_concurrent_queries></yandex>"
        );
        fs::write(folder.join("config.xml"), config)?;
        let users = "<yandex><profiles><default><max_memory_usage>4000000000</max_memory_usage></default></profiles>\
             <users><default><password></password><networks><ip>127.0.0.1</ip></networks>\
             <profile>default</profile><quota>default</quota></default></users>\
             <quotas><default></default></quotas></yandex>";
        fs::write(folder.join("users.xml"), users)?;
        let mut started = Started { server: None, folder: folder.to_owned(), port };
        started.launch()?;
        started.ask(&format!(
            "CREATE TABLE sensors (time DateTime, device_id String, {}) \
             ENGINE = MergeTree PARTITION BY toYYYYMM(time) ORDER BY (device_id, time)",
            fields(FIELDS, |name| format!("{name} Float64"))
        ))?;
        Ok(Box::new(started))
    }
}

impl Started {
    fn launch(&mut self) -> Result<()> {
        let mut clickhouse = command("clickhouse-server", None);
        clickhouse.arg(format!("--config-file={}/config.xml", self.folder.display()));
        self.server = Some(Server::start(&mut clickhouse, &self.folder, false)?);
        wait_for("clickhouse-server", || self.ask("SELECT 1"))?;
        Ok(())
    }

    fn ask(&self, sql: &str) -> Result<String> {
        let answer = Connection::open(self.port)?.expect(
            200,
            "POST / HTTP/1.1\r\nHost: x\r\n",
            sql.as_bytes(),
        )?;
        Ok(String::from_utf8_lossy(&answer).trim().to_owned())
    }

    /// A table for the trucks' rows: an exact time beside the seconds, as this version has no finer type.
    fn make_fleet_table(&self, table: &str, batch: &Batch) -> Result<()> {
        let columns = batch.columns().iter().map(|column| {
            let number = column.values().field_type() == iobeam_model::FieldType::Double;
            format!("{} {}", column.name(), if number { "Nullable(Float64)" } else { "String" })
        });
        let columns: Vec<_> = columns.collect();
        self.ask(&format!(
            "CREATE TABLE IF NOT EXISTS {table} (time DateTime, micros Int64, {}) \
             ENGINE = MergeTree PARTITION BY toYYYYMM(time) ORDER BY (name, time)",
            columns.join(", ")
        ))?;
        Ok(())
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.push(u8::try_from(text.len()).expect("a short name"));
    bytes.extend(text.as_bytes());
}

impl Running for Started {
    fn server(&self) -> &Server {
        self.server.as_ref().expect("it has been started")
    }

    fn version(&self) -> String {
        self.ask("SELECT version()").unwrap_or_else(|_| "?".into())
    }

    fn body(&self, rows: &[Row]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(rows.len() * (4 + 13 + FIELDS * 8));
        for row in rows {
            let seconds = u32::try_from(row.time / 1_000_000).expect("a time of this century");
            bytes.extend(seconds.to_le_bytes());
            put_text(&mut bytes, &Sensors::device(row.device));
            row.values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        }
        bytes
    }

    fn connect(&self) -> Result<Box<dyn Sender>> {
        let connection = Connection::open(self.port)?;
        let insert = escaped("INSERT INTO sensors FORMAT RowBinary");
        let head =
            format!("POST /?query={insert} HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n");
        Ok(Box::new(Post { connection, head, success: 200 }))
    }

    fn settle(&mut self) -> Result<()> {
        let tables = self.ask("SHOW TABLES")?;
        for table in tables.lines() {
            self.ask(&format!("OPTIMIZE TABLE {table} FINAL"))?;
        }
        Ok(())
    }

    fn stored_bytes(&self) -> Result<u64> {
        // Parts that were merged away are deleted some minutes later: those in use count.
        let bytes = self
            .ask("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table='sensors'")?;
        bytes.parse().context("no size")
    }

    fn count(&self) -> Result<u64> {
        self.ask("SELECT count() FROM sensors")?.parse().context("no count")
    }

    fn restart(&mut self) -> Result<()> {
        self.server = None;
        self.launch()
    }

    fn askers(&self) -> Result<Vec<(String, Box<dyn Asker>)>> {
        Ok(vec![("ClickHouse".to_owned(), Box::new(Sql(Questions::new(self.port))))])
    }

    fn import_fleet(&self, table: &str, batch: &Batch) -> Result<()> {
        self.make_fleet_table(table, batch)?;
        let mut bytes = Vec::new();
        for (row, time) in batch.times().iter().enumerate() {
            let seconds = u32::try_from(time / 1_000_000)?;
            bytes.extend(seconds.to_le_bytes());
            bytes.extend(time.to_le_bytes());
            for column in batch.columns() {
                match column.value(row) {
                    Some(Value::Double(value)) => {
                        bytes.push(0);
                        bytes.extend(value.to_le_bytes());
                    }
                    Some(Value::String(text)) => put_text(&mut bytes, &text),
                    None => bytes.push(1),
                    Some(other) => anyhow::bail!("trucks have no {other:?}"),
                }
            }
        }
        let insert = escaped(&format!("INSERT INTO {table} FORMAT RowBinary"));
        let head = format!("POST /?query={insert} HTTP/1.1\r\nHost: x\r\n");
        Connection::open_for(self.port, PATIENCE)?.expect(200, &head, &bytes)?;
        Ok(())
    }
}

/// Questions in ClickHouse's SQL, answered as CSV.
struct Sql(Questions);

impl Asker for Sql {
    fn phrase(&self, question: Question, scope: Scope) -> Option<String> {
        let last = fields(FIELDS, |name| format!("argMax({name}, time)"));
        let each = format!("SELECT max(time), device_id, {last} FROM sensors GROUP BY device_id");
        // No Arrow in this version.
        (question != Question::ExportArrow).then(|| question.sql(scope, DIALECT, &each))
    }

    fn fleet_phrase(&self, question: &FleetQuestion) -> Option<String> {
        // No window functions in this version.
        (!question.has_windows())
            .then(|| question.sql(DIALECT, |value| format!("argMax({value}, micros)")))
    }

    fn ask(&mut self, phrase: &str) -> Result<Vec<u8>> {
        let answer = self.0.call(
            "POST / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n",
            format!("{phrase} FORMAT CSV").as_bytes(),
        )?;
        // An error that comes late stands at the end of an answer that began well.
        let end = answer.len().saturating_sub(500);
        let told = String::from_utf8_lossy(&answer[end..]);
        ensure!(!told.contains("DB::Exception"), "{told}");
        Ok(answer)
    }
}
