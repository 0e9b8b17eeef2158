//! The web app's files: those that were built into the program, or a folder's.
//!
//! ```text
//! GET /assets/app-3f2a.js ─▶ the file, as the browser takes it (br, gzip), kept for ever: its name is its content
//! GET /  /projects ─ HTML? ─▶ index.html, asked for again each time    ─ not built? ─▶ a page that says how to
//! GET /else ─────────────────▶ nothing here: the API's 404
//! ```
//!
//! - Each reply carries the policy that lets nothing into the page but the app's own files.
//! - No path leads out of the folder.

mod file;

mod headers;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::header::{ACCEPT, CACHE_CONTROL, HeaderValue};
use http::{HeaderMap, Method};

use file::File;

/// The page that every path of the app begins with.
const INDEX: &str = "index.html";

/// Where files lie whose names change with their content.
const HASHED: &str = "assets/";

/// Stands in for the app where it was not built.
const ABSENT: &str = include_str!("web_app/absent.html");

/// A file that was built into the program.
struct Embedded {
    name: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

const EMBEDDED: &[Embedded] = include!(concat!(env!("OUT_DIR"), "/web_app.rs"));

/// The web app. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct WebApp(Arc<Source>);

#[derive(Debug)]
enum Source {
    Program(HashMap<&'static str, File>),
    Folder(PathBuf),
}

impl WebApp {
    /// The app of that folder, or the one that was built into the program.
    pub(crate) fn open(folder: Option<&Path>) -> io::Result<Self> {
        let source = match folder {
            Some(folder) => Source::Folder(folder.canonicalize()?),
            None => Source::Program(embedded()),
        };
        Ok(Self(Arc::new(source)))
    }

    /// Whether there is an app.
    pub(crate) fn is_there(&self) -> bool {
        match self.0.as_ref() {
            Source::Program(files) => files.contains_key(INDEX),
            Source::Folder(folder) => folder.join(INDEX).is_file(),
        }
    }

    /// The reply to a request that is not one of the API; `None` when there is nothing at that path.
    pub(crate) async fn answer(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Option<Response> {
        let name = path.trim_start_matches('/');
        let is_of_api = name == "v1" || name.starts_with("v1/");
        if is_of_api || !matches!(*method, Method::GET | Method::HEAD) {
            return None;
        }
        let wanted = if name.is_empty() { INDEX } else { name };
        if let Some(file) = self.file(wanted).await {
            return Some(file.answer(wanted, wanted.starts_with(HASHED), headers));
        }
        let is_page = name.is_empty() || (wants_html(headers) && !name.starts_with(HASHED));
        if !is_page {
            return None;
        }
        match self.file(INDEX).await {
            Some(file) => Some(file.answer(INDEX, false, headers)),
            None => Some(absent()),
        }
    }

    async fn file(&self, name: &str) -> Option<File> {
        match self.0.as_ref() {
            Source::Program(files) => files.get(name).cloned(),
            Source::Folder(folder) => {
                let (folder, name) = (folder.clone(), name.to_owned());
                tokio::task::spawn_blocking(move || read(&folder, &name)).await.ok()?
            }
        }
    }
}

fn embedded() -> HashMap<&'static str, File> {
    let file = |Embedded { name, plain, brotli, gzip }: &Embedded| {
        (*name, File::new((*plain).into(), brotli.map(Into::into), gzip.map(Into::into)))
    };
    EMBEDDED.iter().map(file).collect()
}

/// A file of the folder, with its compressed forms if they lie beside it.
fn read(folder: &Path, name: &str) -> Option<File> {
    let is_plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains('\\');
    if !name.split('/').all(is_plain) {
        return None;
    }
    // A link may still lead out.
    let path = folder.join(name).canonicalize().ok()?;
    if !path.starts_with(folder) || !path.is_file() {
        return None;
    }
    let beside = |ending| std::fs::read(format!("{}.{ending}", path.display())).ok();
    let plain = std::fs::read(&path).ok()?;
    Some(File::new(plain.into(), beside("br").map(Into::into), beside("gz").map(Into::into)))
}

fn wants_html(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepts.into_iter().any(|value| value.to_ascii_lowercase().contains("text/html"))
}

fn absent() -> Response {
    let mut reply = Response::new(Body::from(ABSENT));
    headers::add_policy(reply.headers_mut(), "text/html; charset=utf-8");
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

#[cfg(test)]
mod tests;
