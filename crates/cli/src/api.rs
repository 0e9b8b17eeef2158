//! The server, as the command sees it: calls over HTTP, and its refusals turned into failures.
//!
//! ```text
//! Call ─▶ GET /v1/... + Authorization ─▶ Reply, or Failure with the server's message, details and a remedy
//! ```
//!
//! A token is sent to the server it came from and to no other; it never stands in an address, nor in a dump.

use std::io::Read;
use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine;
use serde::Serialize;
use serde_json::Value;
use ureq::http::{self, HeaderMap, Method, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use url::Url;

use crate::failure::Failure;
use crate::output::printable;

/// The media type of most bodies.
const JSON: &str = "application/json";

/// Who asks.
pub(crate) enum Auth {
    /// Nobody in particular.
    Nobody,
    /// A user who logs in.
    Password(String, String),
    /// A token of a user or a project.
    Token(String),
}

/// One request.
pub(crate) struct Call {
    method: Method,
    path: Vec<String>,
    query: Vec<(String, String)>,
    auth: Auth,
    body: Option<Vec<u8>>,
    content_type: &'static str,
}

impl Call {
    /// A request to the path of these segments below `/v1`; an empty last segment is a trailing slash.
    pub(crate) fn new(method: Method, path: &[&str]) -> Self {
        let path = path.iter().map(ToString::to_string).collect();
        Self { method, path, query: Vec::new(), auth: Auth::Nobody, body: None, content_type: JSON }
    }

    /// Reads something.
    pub(crate) fn get(path: &[&str]) -> Self {
        Self::new(Method::GET, path)
    }

    /// Makes something.
    pub(crate) fn post(path: &[&str]) -> Self {
        Self::new(Method::POST, path)
    }

    /// Changes something.
    pub(crate) fn patch(path: &[&str]) -> Self {
        Self::new(Method::PATCH, path)
    }

    /// Removes something.
    pub(crate) fn delete(path: &[&str]) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// Adds a parameter.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "numbers and texts read best as they are")]
    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    /// Adds a parameter when there is a value for it.
    #[must_use]
    pub(crate) fn with_some(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Says who asks.
    #[must_use]
    pub(crate) fn by(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// Sends a value as JSON.
    pub(crate) fn json(self, value: &impl Serialize) -> Result<Self> {
        Ok(self.body(serde_json::to_vec(value)?))
    }

    /// Sends JSON that has been written already.
    #[must_use]
    pub(crate) fn body(mut self, json: Vec<u8>) -> Self {
        self.body = Some(json);
        self
    }

    /// Sends batches in the binary format.
    #[must_use]
    pub(crate) fn batches(mut self, batches: Vec<u8>) -> Self {
        self.body = Some(batches);
        self.content_type = iobeam_wire::batch::MEDIA_TYPE;
        self
    }
}

/// A reply that is no refusal.
pub(crate) struct Reply {
    /// The status: 200, 201 or 204.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body, to its end.
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The body as JSON; null when there is none.
    pub(crate) fn json(&self) -> Result<Value> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body).map_err(|_| not_iobeam("its reply is not JSON").into())
    }
}

/// A connection to a server.
pub(crate) struct Api {
    agent: ureq::Agent,
    base: Url,
    /// Whether requests are shown on stderr.
    pub(crate) dump_requests: bool,
    /// Whether replies are shown on stderr.
    pub(crate) dump_replies: bool,
}

impl Api {
    /// A connection to the server at that address. `authority` is a file of certificates to trust instead of the
    /// public ones. The network is not touched yet.
    pub(crate) fn new(server: &str, authority: Option<&str>) -> Result<Self> {
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_recv_response(Some(Duration::from_mins(5)))
            .user_agent(concat!("iobeam-cli/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = authority {
            let tls = TlsConfig::builder().root_certs(trusted(path)?).build();
            config = config.tls_config(tls);
        }
        let agent = config.build().new_agent();
        Ok(Self { agent, base: base(server)?, dump_requests: false, dump_replies: false })
    }

    /// The server's address, without a slash at its end.
    pub(crate) fn address(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Sends a request and reads the reply to its end.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses: a [`Failure`].
    #[expect(clippy::needless_pass_by_value, reason = "a call is made to be sent")]
    pub(crate) fn send(&self, call: Call) -> Result<Reply> {
        let (status, headers, mut reader) = self.open(&call)?;
        let mut body = Vec::new();
        reader
            .read_to_end(&mut body)
            .map_err(|error| Failure::unreachable(format!("the reply broke off: {error}")))?;
        if self.dump_replies {
            dump("", &body);
        }
        Ok(Reply { status, headers, body })
    }

    /// Sends a request and hands over the reply's body to be read as it comes.
    ///
    /// # Errors
    /// As [`Api::send`].
    pub(crate) fn open(&self, call: &Call) -> Result<(u16, HeaderMap, impl Read + use<>)> {
        let reply = self.exchange(call).map_err(|error| self.unreachable(&error))?;
        let (parts, body) = reply.into_parts();
        let status = parts.status.as_u16();
        if self.dump_replies {
            dump(&format!("< {status}\n{}", lines(&parts.headers, "< ")), b"");
        }
        let mut reader = body.into_with_config().limit(u64::MAX).reader();
        if parts.status.is_success() {
            return Ok((status, parts.headers, reader));
        }
        let mut body = Vec::new();
        drop(reader.by_ref().take(1 << 20).read_to_end(&mut body));
        if self.dump_replies {
            dump("", &body);
        }
        Err(refusal(status, &parts.headers, &body).into())
    }

    fn exchange(&self, call: &Call) -> Result<http::Response<ureq::Body>, ureq::Error> {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("v1").extend(&call.path);
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let mut request = http::Request::builder().method(call.method.clone()).uri(url.as_str());
        if call.body.is_some() {
            request = request.header(header::CONTENT_TYPE, call.content_type);
        }
        if self.dump_requests {
            let secret =
                if matches!(call.auth, Auth::Nobody) { "" } else { "\n> authorization: (hidden)" };
            let body = call.body.as_deref().unwrap_or_default();
            let size = format!("({} bytes of batches)", body.len());
            let body = if call.content_type == JSON { body } else { size.as_bytes() };
            dump(&format!("> {} {url}{secret}", call.method), body);
        }
        match &call.auth {
            Auth::Nobody => {}
            Auth::Password(name, password) => {
                let both = base64::prelude::BASE64_STANDARD.encode(format!("{name}:{password}"));
                request = request.header(header::AUTHORIZATION, format!("Basic {both}"));
            }
            Auth::Token(token) => {
                request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
            }
        }
        match &call.body {
            Some(body) => self.agent.run(request.body(body.as_slice())?),
            None if call.method == Method::POST => self.agent.run(request.body(&b""[..])?),
            None => self.agent.run(request.body(())?),
        }
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        let reason = match error {
            ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                String::from("nothing listens there")
            }
            ureq::Error::Io(error) => error.to_string(),
            ureq::Error::HostNotFound => String::from("there is no such host"),
            other => other.to_string(),
        };
        let failure = Failure::unreachable(format!("cannot reach {}: {reason}", self.address()));
        match error {
            ureq::Error::Rustls(_) | ureq::Error::Tls(_) => failure
                .remedy("name the certificate to trust with --ca, or check the server's address"),
            _ => failure.remedy(
                "start a server with `iobeam serve`, or name another with --server or IOBEAM_BACKEND",
            ),
        }
    }
}

/// The address as all paths are joined to it: people also write it with a slash or `/v1/` at its end.
fn base(server: &str) -> Result<Url> {
    let server = server.trim();
    let named = if server.contains("://") { server.to_owned() } else { format!("http://{server}") };
    let parsed = Url::parse(&named)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(mut url) = parsed else {
        let message = format!("'{server}' is no server's address");
        return Err(Failure::usage(message).remedy("write it as http://127.0.0.1:8420").into());
    };
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/v1").unwrap_or(path).to_owned();
    url.set_path(&path);
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

/// Whether two addresses mean one server.
pub(crate) fn same_server(one: &str, other: &str) -> bool {
    match (base(one), base(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

fn trusted(path: &str) -> Result<RootCerts> {
    let pem = std::fs::read(path).with_context(|| format!("cannot read {path}"))?;
    let certificates: Vec<Certificate<'static>> = ureq::tls::parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(ureq::tls::PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(Failure::usage(format!("there is no certificate (PEM) in {path}")).into());
    }
    Ok(RootCerts::new_with_certs(&certificates))
}

/// What the server's error body says, and what can be done about it.
fn refusal(status: u16, headers: &HeaderMap, body: &[u8]) -> Failure {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let Some(first) = parsed.as_ref().and_then(|body| body["errors"].get(0)) else {
        return not_iobeam(&format!("it answered with status {status}"));
    };
    let word = |member: &str| printable(first[member].as_str().unwrap_or_default());
    let code = first["code"].as_i64().unwrap_or_default();
    let details = Some(word("details")).filter(|text| !text.is_empty());
    let details = details.unwrap_or_else(|| word("detailed_message"));
    let failure = Failure::refused(status, code, &word("message"), &details);
    let wait = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    match (status, wait) {
        (429 | 503, Some(wait)) => failure.remedy(format!("again in {wait} s")),
        _ => failure,
    }
}

fn not_iobeam(what: &str) -> Failure {
    Failure::new(format!("this does not seem to be an iobeam server: {what}"))
        .remedy("check the address: `iobeam profile info`, --server, IOBEAM_BACKEND")
}

fn lines(headers: &HeaderMap, prefix: &str) -> String {
    let line = |(name, value): (&header::HeaderName, &header::HeaderValue)| {
        format!("{prefix}{name}: {}", String::from_utf8_lossy(value.as_bytes()))
    };
    headers.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Shows a head and a body on stderr; secrets in the body are hidden.
fn dump(head: &str, body: &[u8]) {
    let mut text = head.to_owned();
    if !body.is_empty() {
        let shown = match serde_json::from_slice::<Value>(body) {
            Ok(mut json) => {
                hide_secrets(&mut json);
                json.to_string()
            }
            Err(_) => String::from_utf8_lossy(body).into_owned(),
        };
        text = if text.is_empty() { shown } else { format!("{text}\n{shown}") };
    }
    if !text.is_empty() {
        drop(std::io::Write::write_fmt(
            &mut std::io::stderr().lock(),
            format_args!("{}\n", printable(&text)),
        ));
    }
}

fn hide_secrets(json: &mut Value) {
    const SECRETS: [&str; 4] = ["token", "refresh_token", "password", "reset_key"];
    let Value::Object(members) = json else { return };
    for (name, value) in members {
        if SECRETS.contains(&name.as_str()) {
            *value = Value::String(String::from("(hidden)"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_end_as_other_clients_want_it() {
        for server in ["http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/v1/", "h:1"] {
            assert_eq!(base(server).expect("an address").as_str(), "http://h:1/", "{server}");
        }
        assert_eq!(base("https://h/iot/v1/").expect("an address").path(), "/iot");
        assert!(same_server("http://h:80/v1", "http://h"));
        assert!(!same_server("http://h", "https://h"));
        for server in ["", "ftp://h", "http://"] {
            assert!(base(server).is_err(), "{server}");
        }
    }

    #[test]
    fn a_refusal_keeps_the_servers_words() {
        let body =
            br#"{"errors":[{"code":150,"message":"Device ID already in use","details":"d1"}]}"#;
        let failure = refusal(422, &HeaderMap::new(), body);
        assert_eq!(failure.to_string(), "Device ID already in use (d1)");
        let failure = refusal(502, &HeaderMap::new(), b"<html>");
        insta::assert_snapshot!(failure, @"this does not seem to be an iobeam server: it answered with status 502");
    }

    #[test]
    fn a_dump_shows_no_secret() {
        let mut json = serde_json::json!({"token": "a.b.c", "password": "p", "expires": "x"});
        hide_secrets(&mut json);
        assert_eq!(json.to_string(), r#"{"expires":"x","password":"(hidden)","token":"(hidden)"}"#);
    }
}
