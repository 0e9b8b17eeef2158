//! VictoriaMetrics: line protocol over HTTP. It has no mode that syncs before acknowledging.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value as Json;

use super::line::lines;
use super::{Asker, Peer, Post, Questions, Running, Sender};
use crate::answer::Digest;
use crate::http::{Connection, escaped};
use crate::machine;
use crate::process::{Server, bytes_on_disk, command, free_port, wait_for, wait_until_still};
use crate::questions::{Question, Scope};
use crate::sensors::Row;

/// VictoriaMetrics.
#[derive(Debug)]
pub(crate) struct VictoriaMetrics;

struct Started {
    server: Option<Server>,
    folder: PathBuf,
    port: u16,
}

impl Peer for VictoriaMetrics {
    fn system(&self) -> &'static str {
        "VictoriaMetrics"
    }

    fn protocol(&self) -> &'static str {
        "line protocol"
    }

    fn durability(&self) -> &'static str {
        "in memory; written within seconds"
    }

    fn pace(&self, batch: usize) -> f64 {
        if batch == 1 { 40_000.0 } else { 350_000.0 }
    }

    fn start(&self, folder: &Path) -> Result<Box<dyn Running>> {
        let mut started = Started { server: None, folder: folder.to_owned(), port: free_port()? };
        started.launch()?;
        Ok(Box::new(started))
    }
}

impl Started {
    fn launch(&mut self) -> Result<()> {
        let mut victoria = command("victoria-metrics", None);
        victoria
            .arg(format!("-storageDataPath={}", self.folder.join("data").display()))
            .arg(format!("-httpListenAddr=127.0.0.1:{}", self.port))
            .args(["-retentionPeriod=100y", "-search.maxQueryDuration=30s"])
            // Rows of the past are asked for, many at a time: limits that guard against that are lifted.
            .args([
                "-search.maxUniqueTimeseries=10000000",
                "-search.maxSamplesPerQuery=10000000000",
            ])
            .args(["-search.cacheTimestampOffset=1s"]);
        self.server = Some(Server::start(&mut victoria, &self.folder, false)?);
        wait_for("victoria-metrics", || self.get(200, "/health"))?;
        Ok(())
    }

    fn get(&self, status: u16, path: &str) -> Result<Vec<u8>> {
        Connection::open(self.port)?.expect(
            status,
            &format!("GET {path} HTTP/1.1\r\nHost: x\r\n"),
            b"",
        )
    }
}

impl Running for Started {
    fn server(&self) -> &Server {
        self.server.as_ref().expect("it has been started")
    }

    fn version(&self) -> String {
        machine::output("dpkg-query", &["-W", "-f", "${Version}", "victoria-metrics"])
    }

    fn body(&self, rows: &[Row]) -> Vec<u8> {
        lines(rows)
    }

    fn connect(&self) -> Result<Box<dyn Sender>> {
        let connection = Connection::open(self.port)?;
        let head = "POST /write HTTP/1.1\r\nHost: x\r\n".to_owned();
        Ok(Box::new(Post { connection, head, success: 204 }))
    }

    fn settle(&mut self) -> Result<()> {
        self.get(200, "/internal/force_flush")?;
        self.get(200, "/internal/force_merge")?;
        wait_until_still(3, || {
            Ok((bytes_on_disk(&self.folder), (self.server().cpu_seconds()? / 2.0) as u64))
        })
    }

    fn stored_bytes(&self) -> Result<u64> {
        Ok(bytes_on_disk(&self.folder.join("data")))
    }

    fn count(&self) -> Result<u64> {
        // Rows are seen by queries some seconds after they were acknowledged, unless it is made to.
        self.get(200, "/internal/force_flush")?;
        let answer = self
            .get(200, "/api/v1/query?nocache=1&query=sum(count_over_time(sensors_value0[9y]))")?;
        let json: Json = serde_json::from_slice(&answer)?;
        let count =
            json["data"]["result"][0]["value"][1].as_str().and_then(|text| text.parse().ok());
        count.with_context(|| format!("no count in {json}"))
    }

    fn restart(&mut self) -> Result<()> {
        self.server = None;
        self.launch()
    }

    fn askers(&self) -> Result<Vec<(String, Box<dyn Asker>)>> {
        Ok(vec![("VictoriaMetrics".to_owned(), Box::new(MetricsQl(Questions::new(self.port))))])
    }
}

/// Questions in MetricsQL. It knows series of one value each, so that it cannot give the newest N rows, or rows by a condition.
struct MetricsQl(Questions);

impl MetricsQl {
    /// Evaluated at each step; a window ends there and holds its end, hence the millisecond.
    fn range(query: &str, from: i64, to: i64, step: i64) -> String {
        let first = from + step - 1;
        format!(
            "/api/v1/query_range?nocache=1&query={}&start={first}.999&end={}.999&step={step}s",
            escaped(query),
            to - 1
        )
    }
}

impl Asker for MetricsQl {
    fn phrase(&self, question: Question, scope: Scope) -> Option<String> {
        let device = scope.device();
        let (start, middle, end) = (Scope::start(), scope.middle(), scope.end());
        let instant = |query: &str, at: i64| {
            format!("/api/v1/query?nocache=1&query={}&time={at}", escaped(query))
        };
        Some(match question {
            Question::LastOfOne => {
                instant(&format!("last_over_time({{device_id=\"{device}\"}}[5d])"), end)
            }
            Question::LastOfEach => {
                instant("last_over_time({__name__=~\"sensors_value.\"}[5d])", end)
            }
            Question::MinuteMeans => {
                let query = format!("avg_over_time(sensors_value0{{device_id=\"{device}\"}}[1m])");
                Self::range(&query, middle, middle + 3600, 60)
            }
            Question::HourMeans => {
                Self::range("avg_over_time(sensors_value0[1h])", start, end, 3600)
            }
            Question::Maxima => {
                let eight = scope.eight().join("|");
                let query = format!(
                    "max(max_over_time({{__name__=~\"sensors_value[0-4]\",device_id=~\"{eight}\"}}[1h])) by (__name__)"
                );
                Self::range(&query, middle, end, 3600)
            }
            Question::Count => {
                // At the present moment, as rows may have been added since.
                let query = "sum(count_over_time(sensors_value0[9y]))";
                format!("/api/v1/query?nocache=1&query={}", escaped(query))
            }
            Question::ExportCsv => format!(
                "/api/v1/export/csv?format=__timestamp__:unix_ms,device_id,__name__,__value__&match[]={}&start={start}&end={}",
                escaped("{__name__=~\"sensors_value.\"}"),
                end - 1
            ),
            Question::Last100OfOne
            | Question::Last10OfOne
            | Question::Above
            | Question::ExportArrow => return None,
        })
    }

    fn ask(&mut self, phrase: &str) -> Result<Vec<u8>> {
        self.0.call(&format!("GET {phrase} HTTP/1.1\r\nHost: x\r\n"), b"")
    }

    fn digest(&self, answer: &[u8], _columns: usize) -> Result<Digest> {
        let Ok(json) = serde_json::from_slice::<Json>(answer) else {
            return Ok(Digest::of_lines(answer, 1));
        };
        let mut digest = Digest::default();
        for series in json["data"]["result"].as_array().context("no result")? {
            let many = series["values"].as_array().cloned().unwrap_or_default();
            for point in many.iter().chain(series.get("value")) {
                digest.add(point[1].as_str().unwrap_or("").parse()?);
            }
        }
        Ok(digest)
    }
}
