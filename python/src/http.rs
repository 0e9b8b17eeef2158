//! `Http`: requests of the service classes, over the same TLS as the device client's.
//!
//! Redirects are not followed, so that a token goes nowhere it was not meant for; each request has a deadline.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pyo3::exceptions::{PyConnectionError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use crate::data_store::lock;
use crate::patience::wait_for;

const MAX_REPLY: u64 = 1 << 30;

/// What is sent.
struct Request {
    method: String,
    url: String,
    params: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

/// Status, headers and body.
type Answer<Body> = (u16, Vec<(String, String)>, Body);

/// Speaks HTTP. Connections are kept and used again.
#[pyclass(frozen, module = "iobeam._native")]
pub(crate) struct Http {
    tls_ca: Option<PathBuf>,
    timeout: Duration,
    /// The agent and the process it belongs to: a child must not write into its parent's connections.
    agent: Mutex<(u32, Agent)>,
}

#[pymethods]
impl Http {
    #[new]
    #[pyo3(signature = (timeout = 60.0, tls_ca = None))]
    fn new(timeout: f64, tls_ca: Option<PathBuf>) -> PyResult<Self> {
        let timeout = Duration::try_from_secs_f64(timeout)
            .map_err(|error| PyValueError::new_err(format!("the timeout is wrong: {error}")))?;
        let agent = agent(timeout, tls_ca.as_ref())?;
        Ok(Self { tls_ca, timeout, agent: Mutex::new((std::process::id(), agent)) })
    }

    /// Sends a request and reads the reply whole: its status, headers and body.
    #[pyo3(signature = (method, url, params, headers, body = None))]
    fn request<'py>(
        &self,
        py: Python<'py>,
        method: String,
        url: String,
        params: Vec<(String, String)>,
        headers: Vec<(String, String)>,
        body: Option<Vec<u8>>,
    ) -> PyResult<Answer<Bound<'py, PyBytes>>> {
        let agent = self.agent()?;
        let request = Request { method, url, params, headers, body };
        let address = request.url.clone();
        let (status, headers, body) =
            wait_for(py, move || send(&agent, request))?.map_err(|reason| {
                PyConnectionError::new_err(format!("no answer from {address}: {reason}"))
            })?;
        Ok((status, headers, PyBytes::new(py, &body)))
    }
}

impl Http {
    fn agent(&self) -> PyResult<Agent> {
        let mut held = lock(&self.agent);
        let process = std::process::id();
        if held.0 != process {
            // The parent's agent is forgotten, not dropped: closing would speak on its connections.
            let old = std::mem::replace(
                &mut *held,
                (process, agent(self.timeout, self.tls_ca.as_ref())?),
            );
            std::mem::forget(old);
        }
        Ok(held.1.clone())
    }
}

fn send(agent: &Agent, request: Request) -> Result<Answer<Vec<u8>>, String> {
    let mut building =
        ureq::http::Request::builder().method(request.method.as_str()).uri(with_params(&request));
    for (name, value) in &request.headers {
        building = building.header(name, value);
    }
    let body = request.body.unwrap_or_default();
    let empty = body.is_empty() && matches!(request.method.as_str(), "GET" | "DELETE" | "HEAD");
    let result = if empty {
        agent.run(building.body(()).map_err(|error| error.to_string())?)
    } else {
        agent.run(building.body(body).map_err(|error| error.to_string())?)
    };
    let mut response = result.map_err(|error| error.to_string())?;
    let headers = response.headers().iter();
    let headers = headers
        .map(|(name, value)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    let body = response.body_mut().with_config().limit(MAX_REPLY).read_to_vec();
    Ok((response.status().as_u16(), headers, body.map_err(|error| error.to_string())?))
}

/// The address with its parameters, percent-encoded.
fn with_params(request: &Request) -> String {
    let mut url = request.url.clone();
    for (at, (name, value)) in request.params.iter().enumerate() {
        url.push(if at == 0 && !url.contains('?') { '?' } else { '&' });
        escape(&mut url, name);
        url.push('=');
        escape(&mut url, value);
    }
    url
}

fn escape(url: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            url.push(byte as char);
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
}

fn agent(timeout: Duration, tls_ca: Option<&PathBuf>) -> PyResult<Agent> {
    let mut tls = TlsConfig::builder();
    if let Some(path) = tls_ca {
        let pem = std::fs::read(path)?;
        let certificates: Vec<Certificate<'static>> = parse_pem(&pem)
            .filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect();
        if certificates.is_empty() {
            let path = path.display();
            return Err(PyValueError::new_err(format!(
                "{path}: there is no PEM certificate in it"
            )));
        }
        tls = tls.root_certs(RootCerts::Specific(Arc::new(certificates)));
    }
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .allow_non_standard_methods(true)
        .timeout_connect(Some(Duration::from_secs(10).min(timeout)))
        .timeout_global(Some(timeout))
        .tls_config(tls.build())
        .build();
    Ok(config.new_agent())
}
