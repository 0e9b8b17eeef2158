//! A server in this process, and a client that knows nothing but sockets.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use iobeam_server::{Config, ServeError};
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// Waits for what is bound to happen, however slow the machine is.
pub(crate) fn until<T>(what: &str, mut happened: impl FnMut() -> Option<T>) -> T {
    for _ in 0..3000 {
        if let Some(told) = happened() {
            return told;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("in vain: {what}");
}

/// A running server; dropping it stops it.
pub(crate) struct Server {
    /// Where plain HTTP is spoken.
    pub(crate) address: SocketAddr,
    /// Where TLS is spoken, if it is.
    pub(crate) tls_address: Option<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
    data: PathBuf,
    /// Deleted last.
    folder: Option<tempfile::TempDir>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The status line and the headers, as they came.
    pub(crate) head: String,
    /// The status.
    pub(crate) status: u16,
    /// What followed the head.
    pub(crate) body: Vec<u8>,
}

/// Who sends readings.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// The project's number.
    pub(crate) project: u64,
    /// A user token.
    pub(crate) user: String,
    /// A project token with all rights.
    pub(crate) token: String,
}

impl Server {
    /// Starts with the defaults.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// Starts with some settings.
    pub(crate) fn with(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut server = Self::on(&folder.path().join("data"), settings);
        server.folder = Some(folder);
        server
    }

    /// Starts on a folder that outlives it.
    pub(crate) fn on(data: &Path, settings: &[(&str, &str)]) -> Self {
        let mut flags = vec![
            ("data-dir".to_owned(), data.display().to_string()),
            ("listen".to_owned(), "127.0.0.1:0".to_owned()),
        ];
        flags
            .extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let (config, _) = Config::load(&flags, [], None).expect("sound settings");
        // The memory of this process is that of all servers in it.
        let config = Config { watches_process: false, ..config };
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(iobeam_server::serve(config, async move {
                let _ = stopped.await;
            }))
        });
        let told = wait_for(&data.join("listening"), &thread);
        let address = |member: &str| told[member].as_str().and_then(|text| text.parse().ok());
        Self {
            address: address("http").expect("an address"),
            tls_address: address("https"),
            stop: Some(stop),
            thread: Some(thread),
            data: data.to_owned(),
            folder: None,
        }
    }

    /// The folder of its data.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// A connection.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a socket");
        stream
    }

    /// Sends bytes, and reads all that comes back until the server closes.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Reply {
        let mut stream = self.connect();
        // A server that refuses early may close before all is sent.
        let _ = stream.write_all(bytes);
        Reply::read(&mut stream)
    }

    /// A request with a body.
    pub(crate) fn send(&self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut request = format!("{line} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n");
        for (name, value) in headers {
            let _ = write!(request, "{name}: {value}\r\n");
        }
        let _ = write!(request, "content-length: {}\r\n\r\n", body.len());
        let mut bytes = request.into_bytes();
        bytes.extend_from_slice(body);
        self.raw(&bytes)
    }

    /// A request as JSON with a token.
    pub(crate) fn call(&self, line: &str, token: &str, body: &Value) -> Reply {
        let bearer = format!("Bearer {token}");
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.send(line, &[("authorization", &bearer), ("content-type", "application/json")], &body)
    }

    /// A request without a body, with a token.
    pub(crate) fn get(&self, path: &str, token: &str) -> Reply {
        self.call(&format!("GET {path}"), token, &Value::Null)
    }

    /// Signs up, logs in, makes a project and a token.
    pub(crate) fn account(&self) -> Account {
        let user = json!({"email": "ada@example.org", "password": "correct horse", "invite": "x"});
        assert_eq!(self.call("POST /v1/users", "", &user).status, 201);
        let login = "GET /v1/tokens/user?name=ada@example.org&password=correct+horse";
        let user = self.send(login, &[], b"").json()["token"].as_str().expect("a token").to_owned();
        let project = self.call("POST /v1/projects", &user, &json!({"project_name": "p"})).json();
        let project = project["project_id"].as_u64().expect("a number");
        let issue = format!("/v1/tokens/project?project_id={project}&read=True&write=true&admin=1");
        let token = self.get(&issue, &user).json()["token"].as_str().expect("a token").to_owned();
        Account { project, user, token }
    }

    /// An account with the device `d`.
    pub(crate) fn account_with_device(&self) -> Account {
        let account = self.account();
        let device = json!({"project_id": account.project, "device_id": "d"});
        assert_eq!(self.call("POST /v1/devices", &account.token, &device).status, 201);
        account
    }

    /// Stops, and says how that went.
    pub(crate) fn stop(&mut self) -> Result<(), ServeError> {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        self.thread.take().map_or(Ok(()), |thread| thread.join().expect("no panic"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn wait_for(file: &Path, thread: &JoinHandle<Result<(), ServeError>>) -> Value {
    for _ in 0..24_000 {
        if let Ok(text) = std::fs::read_to_string(file)
            && let Ok(told) = serde_json::from_str(&text)
        {
            return told;
        }
        assert!(!thread.is_finished(), "the server did not start");
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("the server did not come up");
}

impl Reply {
    /// Reads until the end.
    pub(crate) fn read(stream: &mut impl Read) -> Self {
        let mut bytes = Vec::new();
        // What comes after a reset is lost; what came before it counts.
        let _ = stream.read_to_end(&mut bytes);
        Self::from(&bytes)
    }

    /// The reply that these bytes are.
    pub(crate) fn from(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no head in {:?}", String::from_utf8_lossy(bytes)));
        let head = String::from_utf8(bytes[..end].to_vec()).expect("text");
        let status = head[9..12].parse().expect("a status");
        Self { head, status, body: bytes[end + 4..].to_vec() }
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.head, self.text()))
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// The first error's code, after a check that the body is as every error's.
    pub(crate) fn code(&self) -> u64 {
        let body = self.json();
        let error = &body["errors"][0];
        assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
        assert!(error["details"].is_string(), "{body}");
        assert_eq!(error["details"], error["detailed_message"]);
        assert_eq!(self.header("content-type"), Some("application/json"));
        error["code"].as_u64().expect("a number")
    }
}
