//! A server in a folder of its own, and people who call it.

use std::fs;
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use iobeam_server::Config;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use ureq::http;

/// A password that the rules allow.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A running server. It stops when this is dropped.
pub(crate) struct Platform {
    base: String,
    folder: TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    agent: ureq::Agent,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

/// A user who logged in.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: u64,
    pub(crate) email: String,
    pub(crate) token: String,
}

/// A signed-in browser.
#[derive(Clone, Debug)]
pub(crate) struct Browser {
    /// The header Cookie.
    pub(crate) cookie: String,
    /// The header X-CSRF-Token.
    pub(crate) csrf: String,
    /// The cookie by which it is known without a session.
    pub(crate) known: String,
}

impl Platform {
    /// Starts a server with the defaults.
    pub(crate) fn start() -> Self {
        Self::start_with(|_| {})
    }

    /// Starts a server with other settings.
    pub(crate) fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_in(tempfile::tempdir().expect("a folder"), change)
    }

    /// Starts a server in a folder that one may have left.
    pub(crate) fn start_in(folder: TempDir, change: impl FnOnce(&mut Config)) -> Self {
        let _ = fs::remove_file(folder.path().join("listening"));
        let mut config = Config::for_test(folder.path());
        change(&mut config);
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            let stopped = async {
                let _ = stopped.await;
            };
            runtime.block_on(iobeam_server::serve(config, stopped)).expect("the server runs");
        });
        let base = format!("http://{}", address(folder.path(), &thread));
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_mins(1)))
            .build()
            .into();
        Self { base, folder, stop: Some(stop), thread: Some(thread), agent }
    }

    /// Stops the server in good order; its folder stays.
    pub(crate) fn stop(mut self) -> TempDir {
        self.end();
        std::mem::replace(&mut self.folder, tempfile::tempdir().expect("a folder"))
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }

    /// The address that it listens on.
    pub(crate) fn address(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    /// The data directory.
    pub(crate) fn data(&self) -> &Path {
        self.folder.path()
    }

    /// Makes a call with the headers given.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Reply {
        let mut request =
            http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let reply = match body {
            Some(body) => {
                let request = request.header("Content-Type", "application/json");
                self.agent.run(request.body(body.to_owned()).expect("a request"))
            }
            None => self.agent.run(request.body(()).expect("a request")),
        };
        let mut reply = reply.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        Reply {
            status: reply.status().as_u16(),
            headers: reply.headers().clone(),
            text: reply.body_mut().read_to_string().expect("a text"),
        }
    }

    /// The media type and the body of a reply that is no text.
    pub(crate) fn bytes(&self, path: &str, token: &str) -> (String, Vec<u8>) {
        let request = http::Request::builder()
            .uri(format!("{}{path}", self.base))
            .header("Authorization", format!("Bearer {token}"));
        let mut reply = self.agent.run(request.body(()).expect("a request")).expect("a reply");
        assert_eq!(reply.status().as_u16(), 200, "{path}");
        let kind = reply.headers()["content-type"].to_str().expect("a type").to_owned();
        (kind, reply.body_mut().read_to_vec().expect("a body"))
    }

    /// Makes a call with a token and a JSON body.
    pub(crate) fn call(&self, method: &str, path: &str, token: &str, body: &Value) -> Reply {
        // The key of a shared dashboard brings its own scheme.
        let bearer =
            if token.starts_with("Share ") { token.to_owned() } else { format!("Bearer {token}") };
        let headers: &[(&str, &str)] =
            if token.is_empty() { &[] } else { &[("Authorization", &bearer)] };
        let body = (!body.is_null()).then(|| body.to_string());
        self.send(method, path, headers, body.as_deref())
    }

    pub(crate) fn get(&self, path: &str, token: &str) -> Reply {
        self.call("GET", path, token, &Value::Null)
    }

    pub(crate) fn post(&self, path: &str, token: &str, body: &Value) -> Reply {
        self.call("POST", path, token, body)
    }

    pub(crate) fn patch(&self, path: &str, token: &str, body: &Value) -> Reply {
        self.call("PATCH", path, token, body)
    }

    pub(crate) fn put(&self, path: &str, token: &str, body: &Value) -> Reply {
        self.call("PUT", path, token, body)
    }

    pub(crate) fn delete(&self, path: &str, token: &str) -> Reply {
        self.call("DELETE", path, token, &Value::Null)
    }

    /// Tries to log in by the Basic header.
    pub(crate) fn log_in(&self, name: &str, password: &str) -> Reply {
        let basic = format!("Basic {}", STANDARD.encode(format!("{name}:{password}")));
        self.send("GET", "/v1/tokens/user", &[("Authorization", &basic)], None)
    }

    /// Signs a browser in.
    pub(crate) fn browser(&self, name: &str, password: &str) -> Browser {
        let body = json!({"name": name, "password": password}).to_string();
        let reply = self.send("POST", "/v1/session", &[], Some(&body));
        let csrf = reply.expect(200)["csrf"].as_str().expect("a value").to_owned();
        let set = reply.headers.get_all("set-cookie").iter().filter_map(|set| set.to_str().ok());
        let known = set.filter_map(|set| set.split(';').next());
        let known = known.filter(|pair| pair.starts_with("iobeam_known=")).collect();
        Browser { cookie: reply.cookie(), csrf, known }
    }

    /// Makes a call as a page of the browser does, about that project if there is one.
    pub(crate) fn visit(
        &self,
        browser: &Browser,
        call: (&str, &str),
        project: Option<u64>,
        body: &Value,
    ) -> Reply {
        let project = project.map(|project| project.to_string());
        let mut headers = vec![("Cookie", browser.cookie.as_str())];
        headers.extend((!browser.csrf.is_empty()).then_some(("X-CSRF-Token", &*browser.csrf)));
        headers.extend(project.as_deref().map(|project| ("X-Project-Id", project)));
        let body = (!body.is_null()).then(|| body.to_string());
        self.send(call.0, call.1, &headers, body.as_deref())
    }

    /// Signs someone up and logs them in.
    pub(crate) fn person(&self, name: &str) -> Person {
        let email = format!("{name}@example.org");
        let body = json!({"email": email, "password": PASSWORD, "username": name});
        let made = self.post("/v1/users", "", &body).expect(201);
        let id = made["user_id"].as_u64().expect("a number");
        let token = self.log_in(&email, PASSWORD).expect(200)["token"].as_str().map(String::from);
        Person { id, email, token: token.expect("a token") }
    }

    /// Makes a project.
    pub(crate) fn project(&self, owner: &Person, name: &str) -> u64 {
        let made = self.post("/v1/projects", &owner.token, &json!({"project_name": name}));
        made.expect(201)["project_id"].as_u64().expect("a number")
    }

    /// Issues a project token; `flags` is what follows `project_id=..` in the query.
    pub(crate) fn token(&self, owner: &Person, project: u64, flags: &str) -> String {
        let path = format!("/v1/tokens/project?project_id={project}{flags}");
        let reply = self.get(&path, &owner.token).expect(200);
        reply["token"].as_str().expect("a token").to_owned()
    }

    /// The texts of the letters in the outbox that are for this purpose, oldest first. Letters are written while
    /// the reply is on its way, so this waits until there are that many.
    pub(crate) fn letters(&self, purpose: &str, count: usize) -> Vec<String> {
        for _ in 0..200 {
            let letters = self.letters_now(purpose);
            if letters.len() >= count {
                return letters;
            }
            thread::sleep(Duration::from_millis(25));
        }
        panic!("no {count} letters of {purpose} came: {:?}", self.letters_now(purpose));
    }

    pub(crate) fn letters_now(&self, purpose: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.data().join("outbox")) else { return Vec::new() };
        let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        files.sort();
        let ending = format!("-{purpose}.eml");
        files
            .into_iter()
            .filter(|file| file.to_string_lossy().ends_with(&ending))
            .map(|file| fs::read_to_string(file).expect("a letter"))
            .collect()
    }
}

impl Browser {
    /// The same without the proof that its own page asks.
    pub(crate) fn without_csrf(&self) -> Self {
        Self { csrf: String::new(), ..self.clone() }
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.end();
    }
}

impl Reply {
    /// The JSON body, if the status is that one.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() {
            return Value::Null;
        }
        assert_eq!(self.headers["content-type"], "application/json", "{}", self.text);
        serde_json::from_str(&self.text).expect("JSON")
    }

    /// The cookie that it sets, as a browser sends it back.
    #[track_caller]
    pub(crate) fn cookie(&self) -> String {
        let set = self.headers["set-cookie"].to_str().expect("ascii");
        set.split(';').next().expect("a pair").to_owned()
    }

    /// The first error, if the status is that one.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16) -> Value {
        let body = self.expect(status);
        let error = body["errors"][0].clone();
        assert!(error["code"].is_u64() && error["message"].is_string(), "{body}");
        assert!(error["details"].is_string(), "{body}");
        assert_eq!(error["details"], error["detailed_message"]);
        error
    }

    /// Whether there is no body at all.
    #[track_caller]
    pub(crate) fn expect_empty(&self, status: u16) {
        assert_eq!((self.status, self.text.as_str()), (status, ""));
        if status != 204 {
            assert_eq!(self.headers["content-length"], "0");
        }
    }
}

/// A connection from an address of this machine that is not the usual one.
pub(crate) fn connect_from(address: &str, from: [u8; 4]) -> std::net::TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let stream = runtime.expect("a runtime").block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind((from, 0).into()).expect("bound");
        let stream = socket.connect(address.parse().expect("an address")).await;
        stream.expect("a connection").into_std().expect("a stream")
    });
    stream.set_nonblocking(false).expect("it waits");
    stream
}

/// The key in a letter: the first line that is set in.
pub(crate) fn key_in(letter: &str) -> String {
    let line = letter.lines().find_map(|line| line.strip_prefix("    "));
    line.expect("a key").trim().to_owned()
}

/// Waits for the file in which the server says where it listens.
fn address(folder: &Path, thread: &JoinHandle<()>) -> String {
    for _ in 0..4800 {
        let said = fs::read_to_string(folder.join("listening")).unwrap_or_default();
        if let Ok(said) = serde_json::from_str::<Value>(&said) {
            return said["http"].as_str().expect("an address").to_owned();
        }
        assert!(!thread.is_finished(), "the server did not start");
        thread::sleep(Duration::from_millis(25));
    }
    panic!("the server does not say where it listens");
}
