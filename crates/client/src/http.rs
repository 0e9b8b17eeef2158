//! The wire: requests to the backend, and what became of them.
//!
//! ```text
//! POST imports (batches) │ POST devices │ POST tokens/project │ GET devices/timestamp │ GET data, exports
//!        └─▶ 200 │ 400.. refused │ 401, 403 │ 429, 5xx: busy, Retry-After │ no answer
//! ```
//!
//! Each request has a deadline; redirects are not followed, so that a token goes nowhere it was not meant for.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use iobeam_wire::problem::{Code, ErrorBody};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};

use crate::error::Error;
use crate::settings::Settings;

const USER_AGENT: &str = concat!("iobeam-rust/", env!("CARGO_PKG_VERSION"));
/// No reply that is read whole is larger.
const MAX_REPLY: u64 = 256 << 20;

/// A reply, read whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
    retry_after: Option<Duration>,
}

/// Speaks with one backend.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    agent: Agent,
    backend: String,
    timeout: Duration,
}

impl Http {
    pub(crate) fn new(settings: &Settings) -> Result<Self, Error> {
        let mut tls = TlsConfig::builder();
        if let Some(path) = &settings.tls_ca {
            tls = tls.root_certs(RootCerts::Specific(Arc::new(certificates(path)?)));
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(settings.connect_timeout))
            .timeout_global(Some(settings.timeout))
            .max_idle_age(Duration::from_secs(30))
            .user_agent(USER_AGENT)
            .tls_config(tls.build())
            .build();
        let backend = settings.backend.clone();
        Ok(Self { agent: config.new_agent(), backend, timeout: settings.timeout })
    }

    pub(crate) fn backend(&self) -> &str {
        &self.backend
    }

    /// Sends a body. `within` shortens the usual deadline.
    pub(crate) fn post(
        &self,
        path: &str,
        token: Option<&str>,
        media_type: &str,
        body: &[u8],
        within: Option<Duration>,
    ) -> Result<Reply, Error> {
        let mut request = self.agent.post(format!("{}{path}", self.backend));
        if let Some(token) = token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let deadline = within.map_or(self.timeout, |within| within.min(self.timeout));
        let request = request.content_type(media_type);
        let request = request.config().timeout_global(Some(deadline)).build();
        self.reply(request.send(body))
    }

    /// Sends JSON.
    pub(crate) fn post_json(
        &self,
        path: &str,
        token: Option<&str>,
        body: &impl serde::Serialize,
    ) -> Result<Reply, Error> {
        let body = serde_json::to_vec(body).map_err(|error| self.unreachable(error))?;
        self.post(path, token, "application/json", &body, None)
    }

    /// Asks for something.
    pub(crate) fn get(
        &self,
        path: &str,
        token: &str,
        params: &[(String, String)],
    ) -> Result<Reply, Error> {
        let request = self.agent.get(format!("{}{path}", self.backend));
        let pairs = params.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let request = request.header("Authorization", format!("Bearer {token}"));
        self.reply(request.query_pairs(pairs).call())
    }

    fn reply(
        &self,
        result: Result<ureq::http::Response<Body>, ureq::Error>,
    ) -> Result<Reply, Error> {
        let mut response = result.map_err(|error| self.unreachable(error))?;
        let status = response.status().as_u16();
        let seconds = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let retry_after =
            seconds.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
        let body = response.body_mut().with_config().limit(MAX_REPLY).read_to_vec();
        let body = body.map_err(|error| self.unreachable(error))?;
        Ok(Reply { status, body, retry_after })
    }

    fn unreachable(&self, error: impl std::fmt::Display) -> Error {
        Error::Unreachable { backend: self.backend.clone(), reason: error.to_string() }
    }
}

impl Reply {
    /// The reply if it was a success, else what it means.
    ///
    /// # Errors
    /// For each status but 200 to 299.
    pub fn success(self) -> Result<Self, Error> {
        let status = self.status;
        if (200..300).contains(&status) {
            return Ok(self);
        }
        let (code, message) = self.problem();
        Err(match status {
            401 => Error::Unauthorized(message),
            403 => Error::Forbidden(message),
            408 | 425 | 429 | 500.. => {
                Error::Busy { status, message, retry_after: self.retry_after }
            }
            _ => Error::Refused { status, code, message },
        })
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// What a reply that is no success says.
    pub(crate) fn problem(&self) -> (Code, String) {
        let body: Option<ErrorBody> = serde_json::from_slice(&self.body).ok();
        match body.as_ref().and_then(ErrorBody::first) {
            Some(error) if error.details.is_empty() => (error.code, error.message.clone()),
            Some(error) => (error.code, format!("{} ({})", error.message, error.details)),
            None => (Code(0), self.text().chars().take(200).collect()),
        }
    }

    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| Error::Refused {
            status: self.status,
            code: Code(0),
            message: format!("its answer is not what was expected: {error}"),
        })
    }
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, Error> {
    let pem = std::fs::read(path).map_err(|source| Error::file("read", path, source))?;
    let certificates: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        let (given, reason) =
            (path.display().to_string(), "there is no PEM certificate in it".to_owned());
        return Err(Error::Invalid { what: "the file of certificates", given, reason });
    }
    Ok(certificates)
}
