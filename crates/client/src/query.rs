//! Asking for readings, and what needs no client: one question to a server, one token for a device.

use std::time::Duration;

use iobeam_model::{Permissions, ProjectId};
use iobeam_wire::v1::TokenReply;

use crate::backend::base_url;
use crate::error::Error;
use crate::http::{Http, Reply};
use crate::settings::Settings;

/// A question: where to ask, and with which parameters.
///
/// ```
/// use iobeam::Query;
///
/// let query = Query::data("input", Some("temperature")).param("limit", 10).param("where", "eq(device_id,d)");
/// assert_eq!(query.path(), "data/input/temperature");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    path: String,
    params: Vec<(String, String)>,
}

impl Query {
    /// Rows of a namespace: one field, or all.
    pub fn data(namespace: &str, field: Option<&str>) -> Self {
        let (namespace, field) = (escaped(namespace), escaped(field.unwrap_or("all")));
        Self { path: format!("data/{namespace}/{field}"), params: Vec::new() }
    }

    /// Series of devices, as the original clients ask for them: `None` is all.
    pub fn series(project: ProjectId, device: Option<&str>, series: Option<&str>) -> Self {
        let (device, series) = (escaped(device.unwrap_or("all")), escaped(series.unwrap_or("all")));
        Self { path: format!("exports/{}/{device}/{series}", project.get()), params: Vec::new() }
    }

    /// Any other path below `/v1/`.
    pub fn path_of(path: &str) -> Self {
        Self { path: path.trim_start_matches('/').to_owned(), params: Vec::new() }
    }

    /// The same with one more parameter.
    #[must_use]
    pub fn param(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.params.push((name.to_owned(), value.to_string()));
        self
    }

    /// The path below `/v1/`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The parameters.
    pub fn params(&self) -> &[(String, String)] {
        &self.params
    }
}

/// Leaves of a name what may stand in a path.
fn escaped(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b':') {
            text.push(byte as char);
        } else {
            text.push('%');
            text.extend(hex(byte));
        }
    }
    text
}

fn hex(byte: u8) -> [char; 2] {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    [byte >> 4, byte & 15].map(|digit| char::from(DIGITS[usize::from(digit)]))
}

pub(crate) fn ask(http: &Http, token: &str, query: &Query) -> Result<Reply, Error> {
    http.get(&query.path, token, &query.params)
}

/// Asks one question without a client. The reply is given back whatever its status is.
///
/// # Errors
/// When the backend is no URL or does not answer.
pub fn ask_backend(backend: &str, token: &str, query: &Query) -> Result<Reply, Error> {
    ask(&http(backend)?, token, query)
}

/// What a project token shall be good for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenWish {
    /// The device that it is bound to; none by default.
    pub device_id: Option<String>,
    /// How long it lasts, as `5w`, `3d`, `2h`, `10m` or `30s`.
    pub duration: Option<String>,
    /// What it allows; without this, all that the user may do.
    pub permissions: Option<Permissions>,
    /// Whether it can be refreshed.
    pub refreshable: Option<bool>,
}

/// Fetches a project token with a user's token.
///
/// # Errors
/// When the server does not answer or refuses.
pub fn fetch_project_token(
    backend: &str,
    user_token: &str,
    project: ProjectId,
    wish: &TokenWish,
) -> Result<String, Error> {
    let mut query = Query::path_of("tokens/project").param("project_id", project.get());
    if let Some(Permissions { read, write, admin }) = wish.permissions {
        query = query.param("read", read).param("write", write).param("admin", admin);
    }
    for (name, value) in [("device_id", &wish.device_id), ("duration", &wish.duration)] {
        if let Some(value) = value {
            query = query.param(name, value);
        }
    }
    if let Some(refreshable) = wish.refreshable {
        query = query.param("refreshable", refreshable);
    }
    let reply = ask_backend(backend, user_token, &query)?.success()?;
    Ok(reply.json::<TokenReply>()?.token)
}

fn http(backend: &str) -> Result<Http, Error> {
    let timeout = Duration::from_mins(1);
    Http::new(&Settings { backend: base_url(backend)?, timeout, ..Settings::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_place_in_the_path() {
        assert_eq!(Query::data("a/b?c", None).path(), "data/a%2Fb%3Fc/all");
        let project = ProjectId::new(7).expect("not zero");
        let query = Query::series(project, Some("dev:1"), None);
        assert_eq!(query.path(), "exports/7/dev:1/all");
    }
}
