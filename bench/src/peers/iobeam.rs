//! Ourselves: binary batches as our device client sends them, or the JSON table of the original clients.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};
use iobeam_model::{Batch, BatchId, Column, NamespaceName, Texts, Values};
use iobeam_wire::batch::{Compression, MEDIA_TYPE, encode};
use serde_json::{Value as Json, json};

use super::{Peer, Running, Sender};
use crate::http::Connection;
use crate::process::{Server, wait_for};
use crate::sensors::{FIELDS, Row, Sensors};

/// How rows travel to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Binary batches, compressed as the device client does.
    Batch,
    /// Binary batches, not compressed.
    PlainBatch,
    /// The JSON table of the original clients.
    Json,
}

/// iobeam.
#[derive(Debug)]
pub(crate) struct Iobeam {
    /// How rows travel.
    pub(crate) form: Form,
}

struct Started {
    server: Server,
    form: Form,
    port: u16,
    project: u64,
    token: String,
    bodies: AtomicU64,
    devices: u32,
}

/// Devices that are registered before the work begins: as many as the bench has.
pub(crate) const DEVICES: u32 = 1000;

impl Peer for Iobeam {
    fn name(&self) -> String {
        let form = match self.form {
            Form::Batch => "binary batches",
            Form::PlainBatch => "binary batches, plain",
            Form::Json => "JSON table",
        };
        format!("iobeam, {form}")
    }

    fn durability(&self) -> &'static str {
        "synced before acknowledged"
    }

    fn start(&self, folder: &Path) -> Result<Box<dyn Running>> {
        let data = folder.join("data");
        let mut command = Command::new(iobeam_promises::program());
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--log-level", "warn", "--data-dir"])
            .arg(&data);
        let server = Server::start(&mut command, folder, false)?;
        let told = wait_for("iobeam", || Ok(std::fs::read_to_string(data.join("listening"))?))?;
        let told: Json = serde_json::from_str(&told)?;
        let address = told["http"].as_str().context("no address")?;
        let port = address.rsplit(':').next().context("no port")?.parse()?;
        let mut started = Started {
            server,
            form: self.form,
            port,
            project: 0,
            token: String::new(),
            bodies: AtomicU64::new(0),
            devices: DEVICES,
        };
        started.sign_up()?;
        Ok(Box::new(started))
    }
}

impl Started {
    fn ask(&self, method_and_path: &str, token: &str, body: &str) -> Result<Json> {
        let authorization = if token.is_empty() {
            String::new()
        } else {
            format!("Authorization: Bearer {token}\r\n")
        };
        let head = format!(
            "{method_and_path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{authorization}"
        );
        let answer = Connection::open(self.port)?.call(&head, body.as_bytes())?;
        let text = String::from_utf8_lossy(&answer.body);
        ensure!(answer.status < 300, "{method_and_path}: {} {text}", answer.status);
        Ok(serde_json::from_str(&text).unwrap_or(Json::Null))
    }

    fn sign_up(&mut self) -> Result<()> {
        let user = json!({"email": "bench@example.com", "password": "a bench has no secrets"});
        self.ask("POST /v1/users", "", &user.to_string())?;
        let path =
            "GET /v1/tokens/user?name=bench@example.com&password=a%20bench%20has%20no%20secrets";
        let user = text(&self.ask(path, "", "")?["token"])?;
        let project = self.ask("POST /v1/projects", &user, "{\"project_name\":\"bench\"}")?;
        self.project = project["project_id"].as_u64().context("no project")?;
        let path = format!("GET /v1/tokens/project?project_id={}", self.project);
        self.token = text(&self.ask(&path, &user, "")?["token"])?;
        for device in 0..self.devices {
            let body = json!({"project_id": self.project, "device_id": Sensors::device(device)});
            self.ask("POST /v1/devices", &self.token, &body.to_string())?;
        }
        Ok(())
    }

    fn batch(&self, rows: &[Row], compression: Compression) -> Vec<u8> {
        let mut devices = Texts::new();
        for row in rows {
            devices.push(&Sensors::device(row.device));
        }
        let mut columns = vec![column("device_id", Values::String(devices))];
        for field in 0..FIELDS {
            let values = rows.iter().map(|row| row.values[field]).collect();
            columns.push(column(&Sensors::field(field), Values::Double(values)));
        }
        let times = rows.iter().map(|row| row.time).collect();
        let batch =
            Batch::new(NamespaceName::input(), times, columns).expect("columns of one length");
        let counter = self.bodies.fetch_add(1, Ordering::Relaxed);
        encode(&batch, Some(BatchId { stream: [1; 16], counter }), compression)
    }

    /// The JSON table speaks for one device; the rows keep their values and times.
    fn table(&self, rows: &[Row]) -> Vec<u8> {
        let names = (0..FIELDS).map(|field| json!(Sensors::field(field)));
        let fields: Vec<_> = std::iter::once(json!("time")).chain(names).collect();
        // A body is made distinct by its times, also where two bodies hold the same device's rows.
        let apart = self.bodies.fetch_add(1, Ordering::Relaxed) % 1_000_000;
        let data: Vec<Json> = rows
            .iter()
            .map(|row| {
                let time = json!(row.time + apart.cast_signed());
                std::iter::once(time).chain(row.values.iter().map(|value| json!(value))).collect()
            })
            .collect();
        let device = Sensors::device(rows.first().map_or(0, |row| row.device));
        json!({"project_id": self.project, "device_id": device, "timefmt": "usec",
            "sources": {"fields": fields, "data": data}})
        .to_string()
        .into_bytes()
    }
}

fn text(json: &Json) -> Result<String> {
    Ok(json.as_str().context("no text")?.to_owned())
}

fn column(name: &str, values: Values) -> Column {
    Column::new(name.parse().expect("a sound name"), values, None).expect("sound values")
}

impl Running for Started {
    fn server(&self) -> &Server {
        &self.server
    }

    fn version(&self) -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }

    fn body(&self, rows: &[Row]) -> Vec<u8> {
        match self.form {
            Form::Batch => self.batch(rows, Compression::Lz4),
            Form::PlainBatch => self.batch(rows, Compression::None),
            Form::Json => self.table(rows),
        }
    }

    fn connect(&self) -> Result<Box<dyn Sender>> {
        let (path, kind) = match self.form {
            Form::Json => ("/v1/imports?fmt=table", "application/json"),
            Form::Batch | Form::PlainBatch => ("/v1/imports", MEDIA_TYPE),
        };
        let token = &self.token;
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nAuthorization: Bearer {token}\r\n"
        );
        Ok(Box::new(Import { connection: Connection::open(self.port)?, head }))
    }

    fn settle(&self) -> Result<()> {
        // A stop flushes nothing by itself: flushes come by size and age, so the age is waited for.
        std::thread::sleep(std::time::Duration::from_secs(5));
        Ok(())
    }

    fn count(&self) -> Result<u64> {
        let reply =
            self.ask("POST /v1/sql", &self.token, "{\"query\":\"SELECT count(*) FROM input\"}")?;
        reply["result"][0]["values"][0][0].as_u64().with_context(|| format!("no count in {reply}"))
    }
}

struct Import {
    connection: Connection,
    head: String,
}

impl Sender for Import {
    fn send(&mut self, body: &[u8]) -> Result<()> {
        let answer = self.connection.call(&self.head, body)?;
        let text = String::from_utf8_lossy(&answer.body);
        ensure!(answer.status == 200, "{}: {text}", answer.status);
        ensure!(!text.contains("repeat"), "a body was sent twice");
        Ok(())
    }
}
