//! Ourselves: binary batches as our device client sends them, or the JSON table of the original clients; asked in SQL and through
//! `/v1/data`.

use std::collections::HashMap;
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use iobeam_model::{Batch, BatchId, Column, NamespaceName, Texts, Values};
use iobeam_wire::batch::{Compression, MEDIA_TYPE, encode};
use serde_json::{Value as Json, json};

use super::{Asker, Peer, Questions, Running, Sender};
use crate::fleet_questions::FleetQuestion;
use crate::http::{Connection, escaped};
use crate::process::{Server, command, wait_for, wait_until_still};
use crate::questions::{Dialect, Question, Scope, THRESHOLD, fields, utc};
use crate::sensors::{FIELDS, Row, Sensors};

const DIALECT: Dialect = Dialect {
    table: "input",
    time: |seconds| format!("TIMESTAMP '{}'", utc(seconds)),
    bucket: |seconds, column| format!("time_bucket(INTERVAL '{seconds} seconds', {column})"),
};

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

/// iobeam, running; what is ours alone can be asked of it.
#[derive(Debug)]
pub(crate) struct Started {
    server: Option<Server>,
    folder: PathBuf,
    form: Form,
    port: u16,
    project: u64,
    token: String,
    /// The next number of each stream.
    numbers: Mutex<HashMap<u32, u64>>,
}

impl Peer for Iobeam {
    fn system(&self) -> &'static str {
        "iobeam"
    }

    fn protocol(&self) -> &'static str {
        match self.form {
            Form::Batch => "binary batches",
            Form::PlainBatch => "binary batches, not compressed",
            Form::Json => "JSON table",
        }
    }

    fn durability(&self) -> &'static str {
        "synced before acknowledged"
    }

    fn pace(&self, batch: usize) -> f64 {
        match (batch, self.form) {
            (1, _) => 50_000.0,
            (100, Form::Json) => 500_000.0,
            (100, _) | (_, Form::Json) => 1_000_000.0,
            (_, _) => 2_500_000.0,
        }
    }

    fn is_for_goals_alone(&self) -> bool {
        self.form == Form::PlainBatch
    }

    fn start(&self, folder: &Path) -> Result<Box<dyn Running>> {
        Ok(Box::new(Started::start(self.form, folder)?))
    }
}

impl Started {
    /// Starts it in an empty folder, with a project and a token.
    pub(crate) fn start(form: Form, folder: &Path) -> Result<Self> {
        let mut started = Self {
            server: None,
            folder: folder.to_owned(),
            form,
            port: 0,
            project: 0,
            token: String::new(),
            numbers: Mutex::default(),
        };
        started.launch(&[])?;
        started.sign_up()?;
        Ok(started)
    }

    /// Starts the program, with further flags, and waits until it answers.
    pub(crate) fn launch(&mut self, flags: &[&str]) -> Result<()> {
        self.server = None;
        let data = self.folder.join("data");
        let listening = data.join("listening");
        // A killed process leaves the file behind, with an address that is no longer true.
        let _ = std::fs::remove_file(&listening);
        let mut serve = command(iobeam_promises::program(), None);
        serve
            .args(["serve", "--listen", "127.0.0.1:0", "--log-level", "warn", "--data-dir"])
            .arg(&data)
            .args(flags);
        self.server = Some(Server::start(&mut serve, &self.folder, false)?);
        self.port = wait_for("iobeam", || {
            let told: Json = serde_json::from_str(&std::fs::read_to_string(&listening)?)?;
            let address = told["http"].as_str().context("no address")?;
            Ok(address.rsplit(':').next().context("no port")?.parse()?)
        })?;
        Ok(())
    }

    /// Where it listens on loopback.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Ends the process as a power cut would.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.server.as_mut().context("it runs")?.kill()
    }

    /// Where its tables lie.
    pub(crate) fn lake(&self) -> PathBuf {
        self.folder.join("data/lake").join(self.project.to_string())
    }

    /// The folder of everything that it keeps.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// A figure of `/metrics`.
    pub(crate) fn metric(&self, name: &str) -> Result<f64> {
        let head = "GET /metrics HTTP/1.1\r\nHost: x\r\n";
        let text = Connection::open(self.port)?.expect(200, head, b"")?;
        let text = String::from_utf8_lossy(&text);
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|figure| figure.trim().parse().ok())
            .with_context(|| format!("no figure {name}"))
    }

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
        let project = json!({"project_name": "bench", "auto_register": true}).to_string();
        let project = self.ask("POST /v1/projects", &user, &project)?;
        self.project = project["project_id"].as_u64().context("no project")?;
        let path = format!("GET /v1/tokens/project?project_id={}", self.project);
        self.token = text(&self.ask(&path, &user, "")?["token"])?;
        Ok(())
    }

    fn batch(&self, rows: &[Row], compression: Compression) -> Vec<u8> {
        let mut columns = vec![column("device_id", Values::String(devices(rows)))];
        for field in 0..FIELDS {
            let values = rows.iter().map(|row| row.values[field]).collect();
            columns.push(column(&Sensors::field(field), Values::Double(values)));
        }
        let times = rows.iter().map(|row| row.time).collect();
        let batch =
            Batch::new(NamespaceName::input(), times, columns).expect("columns of one length");
        self.encode(&batch, rows.first().map_or(0, |row| row.device), compression)
    }

    /// Each device numbers its own batches, as clients do: those of many connections come a little out of order, and a
    /// stream of them all would be told apart only so far back.
    fn encode(&self, batch: &Batch, device: u32, compression: Compression) -> Vec<u8> {
        let mut numbers = self.numbers.lock().expect("nobody panics with it");
        let next = numbers.entry(device).or_default();
        let counter = *next;
        *next += 1;
        drop(numbers);
        let mut stream = [1; 16];
        stream[..4].copy_from_slice(&device.to_le_bytes());
        encode(batch, Some(BatchId { stream, counter }), compression)
    }

    /// The JSON table speaks for one device.
    fn table(&self, rows: &[Row]) -> Vec<u8> {
        let names = (0..FIELDS).map(|field| json!(Sensors::field(field)));
        let fields: Vec<_> = std::iter::once(json!("time")).chain(names).collect();
        let data: Vec<Json> = rows
            .iter()
            .map(|row| {
                std::iter::once(json!(row.time))
                    .chain(row.values.iter().map(|value| json!(value)))
                    .collect()
            })
            .collect();
        let device = Sensors::device(rows.first().map_or(0, |row| row.device));
        json!({"project_id": self.project, "device_id": device, "timefmt": "usec",
            "sources": {"fields": fields, "data": data}})
        .to_string()
        .into_bytes()
    }

    fn sender(&self, path: &str, kind: &str) -> Result<Import> {
        let token = &self.token;
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nAuthorization: Bearer {token}\r\n"
        );
        Ok(Import { connection: Connection::open(self.port)?, head })
    }
}

/// The rows' devices, each name once.
fn devices(rows: &[Row]) -> Texts {
    let mut numbers: Vec<u32> = rows.iter().map(|row| row.device).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let place = |device| numbers.binary_search(device).expect("it is one of them") as u32;
    let keys = rows.iter().map(|row| place(&row.device)).collect();
    let names = numbers.iter().map(|number| Sensors::device(*number).into_boxed_str()).collect();
    Texts::from_dictionary(names, keys).expect("each key has a name")
}

fn text(json: &Json) -> Result<String> {
    Ok(json.as_str().context("no text")?.to_owned())
}

fn column(name: &str, values: Values) -> Column {
    Column::new(name.parse().expect("a sound name"), values, None).expect("sound values")
}

impl Running for Started {
    fn server(&self) -> &Server {
        self.server.as_ref().expect("it has been started")
    }

    fn version(&self) -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }

    fn speaks_for_one_device(&self) -> bool {
        self.form == Form::Json
    }

    fn body(&self, rows: &[Row]) -> Vec<u8> {
        match self.form {
            Form::Batch => self.batch(rows, Compression::Lz4),
            Form::PlainBatch => self.batch(rows, Compression::None),
            Form::Json => self.table(rows),
        }
    }

    fn connect(&self) -> Result<Box<dyn Sender>> {
        Ok(Box::new(match self.form {
            Form::Json => self.sender("/v1/imports?fmt=table", "application/json")?,
            Form::Batch | Form::PlainBatch => self.sender("/v1/imports", MEDIA_TYPE)?,
        }))
    }

    fn introduce(&self, rows: &[Row]) -> Result<()> {
        self.sender("/v1/imports", MEDIA_TYPE)?.send(&self.batch(rows, Compression::None))
    }

    fn settle(&mut self) -> Result<()> {
        // Rows are flushed when they are many or old: started so that a second is old.
        self.launch(&["--flush-age=1s"])?;
        wait_for("the flush", || {
            ensure!(self.metric("iobeam_store_memtable_rows")? == 0.0, "rows wait in memory");
            Ok(())
        })?;
        wait_until_still(3, || {
            // A merge of many rows changes no figure for a while, but it is at work.
            let work = self.server().cpu_seconds()? * 4.0;
            Ok([self.metric("iobeam_store_files")?, work].map(|figure| figure as u64))
        })?;
        self.launch(&[])
    }

    fn stored_bytes(&self) -> Result<u64> {
        Ok(self.metric("iobeam_store_file_bytes")? as u64)
    }

    fn count(&self) -> Result<u64> {
        let reply =
            self.ask("POST /v1/sql", &self.token, "{\"query\":\"SELECT count(*) FROM input\"}")?;
        reply["result"][0]["values"][0][0].as_u64().with_context(|| format!("no count in {reply}"))
    }

    fn restart(&mut self) -> Result<()> {
        self.launch(&[])
    }

    fn askers(&self) -> Result<Vec<(String, Box<dyn Asker>)>> {
        let (port, token) = (self.port, self.token.clone());
        let sql = Sql { questions: Questions::new(port), token: token.clone() };
        let v1 = V1 { questions: Questions::new(port), token };
        Ok(vec![("iobeam, SQL".to_owned(), Box::new(sql)), ("iobeam, v1".to_owned(), Box::new(v1))])
    }

    fn import_fleet(&self, table: &str, batch: &Batch) -> Result<()> {
        let (_, times, columns) = batch.clone().into_parts();
        let fields: serde_json::Map<_, _> = columns
            .iter()
            .map(|column| {
                (column.name().to_string(), json!(column.values().field_type().to_string()))
            })
            .collect();
        let namespace = json!({"namespace_name": table, "project_id": self.project,
            "partitioning_field": "device_id", "fields": fields});
        // Refused when it is there already; whether it is as it should be, the import tells.
        let _ = self.ask("POST /v1/namespaces", &self.token, &namespace.to_string());
        let batch = Batch::new(table.parse()?, times, columns)?;
        let body = self.encode(&batch, 0, Compression::None);
        self.sender("/v1/imports", MEDIA_TYPE)?.send(&body)
    }
}

struct Import {
    connection: Connection,
    head: String,
}

/// How often a sender that is told to come back does so, and how long it waits.
const RETRIES: usize = 600;
const RETRY_AFTER: Duration = Duration::from_millis(100);

impl Sender for Import {
    fn begin(&mut self, body: &[u8]) -> Result<()> {
        self.connection.send(&self.head, body)
    }

    fn finish(&mut self, body: &[u8]) -> Result<()> {
        for _ in 0..RETRIES {
            let answer = self.connection.reply()?;
            let told = String::from_utf8_lossy(&answer.body);
            match answer.status {
                200 => {
                    ensure!(!told.contains("repeat"), "a body was sent twice");
                    return Ok(());
                }
                // Told to come back is no loss: devices send again, and what they wait is part of the figure.
                429 | 503 => std::thread::sleep(RETRY_AFTER),
                status => bail!("{status}: {told}"),
            }
            self.begin(body)?;
        }
        bail!("told to come back {RETRIES} times")
    }

    fn socket(&self) -> Option<RawFd> {
        Some(self.connection.socket())
    }
}

/// Questions in SQL, answered as CSV, or as Arrow where that is asked for.
struct Sql {
    questions: Questions,
    token: String,
}

/// Marks a phrase whose answer shall be Arrow.
const ARROW: &str = "-- arrow\n";

impl Asker for Sql {
    fn phrase(&self, question: Question, scope: Scope) -> Option<String> {
        let each = format!(
            "SELECT DISTINCT ON (device_id) time, device_id, {} FROM input ORDER BY device_id, time DESC",
            fields(FIELDS, |name| name)
        );
        let sql = question.sql(scope, DIALECT, &each);
        Some(if question == Question::ExportArrow { format!("{ARROW}{sql}") } else { sql })
    }

    fn fleet_phrase(&self, question: &FleetQuestion) -> Option<String> {
        Some(question.sql(DIALECT, |value| format!("last({value}, time)")))
    }

    fn ask(&mut self, phrase: &str) -> Result<Vec<u8>> {
        let (format, sql) =
            phrase.strip_prefix(ARROW).map_or(("csv", phrase), |sql| ("arrow", sql));
        let head = format!(
            "POST /v1/sql?format={format} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer {}\r\n",
            self.token
        );
        self.questions.call(&head, json!({"query": sql}).to_string().as_bytes())
    }
}

/// Questions to `/v1/data`, answered as CSV.
struct V1 {
    questions: Questions,
    token: String,
}

impl Asker for V1 {
    fn phrase(&self, question: Question, scope: Scope) -> Option<String> {
        let of_device = format!("where=eq(device_id,{})", scope.device());
        let time = |from: i64, to: i64| format!("time={},{}", from * 1000, to * 1000 - 1);
        let (start, middle, end) = (Scope::start(), scope.middle(), scope.end());
        let rest = match question {
            Question::LastOfOne => format!("all?{of_device}&limit=1"),
            Question::Last10OfOne => format!("all?{of_device}&limit=10"),
            Question::Last100OfOne => format!("all?{of_device}&limit=100"),
            Question::LastOfEach => "all?limit_by=device_id,1".to_owned(),
            Question::MinuteMeans => format!(
                "value0?{of_device}&operator=mean&group_by=time(1m)&{}",
                time(middle, middle + 3600)
            ),
            Question::HourMeans => {
                format!("value0?operator=mean&group_by=time(1h),device_id&{}", time(start, end))
            }
            Question::Above => {
                format!("value0?where=gt(value0,{THRESHOLD})&{}", time(middle, end))
            }
            Question::Count => "value0?operator=count".to_owned(),
            Question::ExportCsv => format!("all?{}", time(start, end)),
            // One field at a time, and no Arrow.
            Question::Maxima | Question::ExportArrow => return None,
        };
        Some(format!("/v1/data/input/{rest}&output=csv"))
    }

    fn ask(&mut self, phrase: &str) -> Result<Vec<u8>> {
        let (path, query) = phrase.split_once('?').context("a query")?;
        let query: Vec<_> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| format!("{name}={}", escaped(value)))
            .collect();
        let head = format!(
            "GET {path}?{} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n",
            query.join("&"),
            self.token
        );
        self.questions.call(&head, b"")
    }
}
