//! A server of a few lines that answers as the test says, and remembers what it was told.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use iobeam::{BatchId, Client, Value};
use iobeam_wire::batch::{Limits, decode_all};

/// How the next import is answered.
#[derive(Clone, Debug)]
pub(crate) enum Weather {
    /// 200, and stored.
    Fine,
    /// This status, with these headers, and not stored.
    Status(u16, &'static str),
    /// Stored, but the connection breaks before the answer.
    LostReply,
    /// Not stored, and the connection breaks.
    LostRequest,
    /// Stored, but the answer takes so long.
    Slow(Duration),
}

/// What the server knows.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// What comes next; `Fine` when it is empty.
    pub(crate) weather: VecDeque<Weather>,
    /// As [`Weather::Status`], for all imports until changed.
    pub(crate) always: Option<(u16, &'static str)>,
    /// Values that make it refuse a batch: rows with such a number in any column.
    pub(crate) bad: Vec<f64>,
    pub(crate) devices: Vec<String>,
    pub(crate) tokens: Vec<String>,
    pub(crate) imports: u64,
    pub(crate) requests: Vec<String>,
    pub(crate) batches: BTreeMap<([u8; 16], u64), usize>,
    /// Rows as (time, device, values).
    pub(crate) rows: Vec<(i64, String, HashMap<String, Value>)>,
    pub(crate) time: Option<i64>,
    pub(crate) refresh_status: Option<u16>,
}

#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) address: String,
    pub(crate) known: Arc<Mutex<Known>>,
}

/// A token that ends in so many seconds from 2026 on, told apart by its number.
pub(crate) fn token(number: u32, exp: i64) -> String {
    let part = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    let claims = format!("{{\"uid\":0,\"pid\":1,\"exp\":{exp},\"pms\":7,\"id\":{number}}}");
    format!("{}.{}.c2lnbmF0dXJl", part("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"), part(&claims))
}

/// A token that does not end soon.
pub(crate) fn good_token() -> String {
    token(1, 4_000_000_000)
}

impl Fake {
    pub(crate) fn start() -> Self {
        Self::at("127.0.0.1:0")
    }

    /// The same server again, after it was away.
    pub(crate) fn at(address: &str) -> Self {
        let listener = TcpListener::bind(address).expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let known = Known { tokens: vec![good_token()], ..Known::default() };
        let fake = Self { address, known: Arc::new(Mutex::new(known)) };
        let server = fake.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = server.clone();
                thread::spawn(move || while server.answer(&stream).is_some() {});
            }
        });
        fake
    }

    pub(crate) fn builder(&self) -> iobeam::Builder {
        Client::builder(1, &good_token())
            .backend(format!("http://{}", self.address))
            .timeouts(Duration::from_secs(2), Duration::from_secs(2))
            .backoff(Duration::from_millis(20), Duration::from_millis(500))
            .send_deadline(Duration::from_secs(20))
    }

    pub(crate) fn know<T>(&self, act: impl FnOnce(&mut Known) -> T) -> T {
        act(&mut self.known.lock().expect("no test panics while it holds this"))
    }

    /// What was stored in a field, in order of time.
    pub(crate) fn values(&self, field: &str) -> Vec<f64> {
        self.know(|known| {
            let mut rows: Vec<_> = known.rows.iter().collect();
            rows.sort_by_key(|row| row.0);
            rows.iter()
                .filter_map(|row| match row.2.get(field) {
                    Some(Value::Double(number)) => Some(*number),
                    _ => None,
                })
                .collect()
        })
    }

    /// Answers one request; `None` when the connection is over.
    fn answer(&self, stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        let mut words = line.split(' ').map(str::to_owned);
        let (method, path) = (words.next()?, words.next()?);
        let (mut length, mut authorization) = (0, String::new());
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            let (name, value) = match header.trim().split_once(':') {
                Some((name, value)) => (name.to_ascii_lowercase(), value.trim().to_owned()),
                None => break,
            };
            match name.as_str() {
                "content-length" => length = value.parse().ok()?,
                "authorization" => authorization = value,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        self.know(|known| known.requests.push(format!("{method} {path}")));
        let (status, headers, reply) = self.reply(&method, &path, &authorization, &body)?;
        let mut answer = format!("HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n");
        let length = reply.len();
        answer.push_str(
            &["Content-Length: ", &length.to_string(), "\r\n", headers, "\r\n", &reply].concat(),
        );
        (&*stream).write_all(answer.as_bytes()).ok()
    }

    fn reply(
        &self,
        method: &str,
        path: &str,
        authorization: &str,
        body: &[u8],
    ) -> Option<(u16, &'static str, String)> {
        let error = |status: u16, code: u32, text: &str| {
            let body = format!("{{\"errors\":[{{\"code\":{code},\"message\":\"{text}\"}}]}}");
            Some((status, "", body))
        };
        if path == "/v1/tokens/project" {
            return Some(self.refresh());
        }
        let sent = authorization.strip_prefix("Bearer ").unwrap_or_default();
        if !self.know(|known| known.tokens.iter().any(|token| token == sent)) {
            return error(401, 10, "unknown token");
        }
        match (method, path.split('?').next()?) {
            ("POST", "/v1/devices") => self.register(body),
            ("GET", "/v1/devices/timestamp") => {
                let time = self.know(|known| known.time)?;
                Some((200, "", format!("{{\"server_timestamp\":{time}}}")))
            }
            ("POST", "/v1/imports") => self.import(body),
            ("GET", _) => Some((200, "", "{\"result\":[]}".to_owned())),
            _ => error(404, 32, "no such path"),
        }
    }

    fn refresh(&self) -> (u16, &'static str, String) {
        let refused = self.know(|known| known.refresh_status);
        if let Some(status) = refused {
            let body = "{\"errors\":[{\"code\":10,\"message\":\"no\"}]}".to_owned();
            return (status, "", body);
        }
        let new = token(77, 4_000_000_000);
        self.know(|known| known.tokens.push(new.clone()));
        let reply = format!(
            "{{\"token\":\"{new}\",\"expires\":\"2096-01-01 00:00:00 +0000\",\
             \"created\":\"2026-01-01 00:00:00 +0000\",\"user_id\":0,\"project_id\":1,\
             \"read\":true,\"write\":true,\"admin\":true}}"
        );
        (200, "", reply)
    }

    fn register(&self, body: &[u8]) -> Option<(u16, &'static str, String)> {
        let request: serde_json::Value = serde_json::from_slice(body).ok()?;
        let id = request["device_id"].as_str().unwrap_or("made-by-the-server").to_owned();
        if self.know(|known| known.devices.contains(&id)) {
            let text = "{\"errors\":[{\"code\":150,\"message\":\"taken\"}]}";
            return Some((422, "", text.to_owned()));
        }
        self.know(|known| known.devices.push(id.clone()));
        Some((
            201,
            "",
            format!("{{\"device_id\":\"{id}\",\"device_name\":\"n\",\"project_id\":1}}"),
        ))
    }

    fn import(&self, body: &[u8]) -> Option<(u16, &'static str, String)> {
        let weather = self.know(|known| {
            known.imports += 1;
            match known.always {
                Some((status, headers)) => Weather::Status(status, headers),
                None => known.weather.pop_front().unwrap_or(Weather::Fine),
            }
        });
        match weather {
            Weather::Status(status, headers) => {
                return Some((
                    status,
                    headers,
                    "{\"errors\":[{\"code\":9,\"message\":\"weather\"}]}".to_owned(),
                ));
            }
            Weather::LostRequest => return None,
            Weather::Fine | Weather::LostReply | Weather::Slow(_) => {}
        }
        let answer = self.store(body);
        match weather {
            Weather::LostReply => return None,
            Weather::Slow(time) => thread::sleep(time),
            _ => {}
        }
        Some(answer)
    }

    fn store(&self, body: &[u8]) -> (u16, &'static str, String) {
        let refuse = |status: u16, code: u32, text: &str| {
            (status, "", format!("{{\"errors\":[{{\"code\":{code},\"message\":\"{text}\"}}]}}"))
        };
        let Ok(all) = decode_all(body, &Limits::default()) else {
            return refuse(400, 20, "not a batch");
        };
        self.know(|known| {
            let mut new = Vec::new();
            for decoded in &all {
                for row in 0..decoded.batch.rows() {
                    let mut values = HashMap::new();
                    for column in decoded.batch.columns() {
                        if let Some(value) = column.value(row) {
                            values.insert(column.name().to_string(), value);
                        }
                    }
                    let device = match values.get("device_id") {
                        Some(Value::String(device)) => device.to_string(),
                        _ => return refuse(400, 20, "the device is missing"),
                    };
                    if !known.devices.contains(&device) {
                        return refuse(404, 32, "there is no such device");
                    }
                    let is_bad =
                        |value: &Value| matches!(value, Value::Double(n) if known.bad.contains(n));
                    if values.values().any(is_bad) {
                        return refuse(400, 21, "field 'v' is wrong");
                    }
                    new.push((decoded.id, (decoded.batch.times()[row], device, values)));
                }
            }
            for decoded in &all {
                let BatchId { stream, counter } =
                    decoded.id.expect("our client numbers its batches");
                *known.batches.entry((stream, counter)).or_default() += 1;
            }
            for (id, row) in new {
                let id = id.expect("our client numbers its batches");
                if known.batches[&(id.stream, id.counter)] == 1 {
                    known.rows.push(row);
                }
            }
            (200, "", "{\"stored\":1,\"durable\":\"disk\"}".to_owned())
        })
    }
}
