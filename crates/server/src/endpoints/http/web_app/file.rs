//! One file, in the forms there are of it.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, ETAG, HeaderValue, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, StatusCode};
use twox_hash::XxHash3_128;

use super::headers::{add_policy, kind};

/// A file, and what it is called by its content.
#[derive(Clone, Debug)]
pub(super) struct File {
    plain: Bytes,
    brotli: Option<Bytes>,
    gzip: Option<Bytes>,
    hash: u128,
}

impl File {
    /// A file and its compressed forms.
    pub(super) fn new(plain: Bytes, brotli: Option<Bytes>, gzip: Option<Bytes>) -> Self {
        let hash = XxHash3_128::oneshot(&plain);
        Self { plain, brotli, gzip, hash }
    }

    /// The reply to a browser that asks for it under this name.
    pub(super) fn answer(&self, name: &str, for_ever: bool, request: &HeaderMap) -> Response {
        let (content, encoding) = self.form_for(request);
        let tag = format!("\"{:032x}-{}\"", self.hash, encoding.unwrap_or("plain"));
        let is_known = knows(request, &tag);
        let mut reply = Response::new(if is_known { Body::empty() } else { content.into() });
        if is_known {
            *reply.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = reply.headers_mut();
        add_policy(headers, kind(name));
        let keep = if for_ever { "public, max-age=31536000, immutable" } else { "no-cache" };
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(keep));
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        if let Ok(tag) = HeaderValue::try_from(tag) {
            headers.insert(ETAG, tag);
        }
        if let Some(encoding) = encoding {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        reply
    }

    /// The smallest form that the browser takes.
    fn form_for(&self, request: &HeaderMap) -> (Bytes, Option<&'static str>) {
        let forms = [(&self.brotli, "br"), (&self.gzip, "gzip")];
        let taken = forms.into_iter().find_map(|(form, encoding)| {
            let form = form.as_ref().filter(|form| form.len() < self.plain.len())?;
            takes(request, encoding).then_some((form, encoding))
        });
        match taken {
            Some((form, encoding)) => (form.clone(), Some(encoding)),
            None => (self.plain.clone(), None),
        }
    }
}

/// Whether the browser takes this encoding: named, and not with a weight of nought.
fn takes(request: &HeaderMap, encoding: &str) -> bool {
    let values = request.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        let declined = parts.any(|part| {
            let weight = part.strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
            weight.is_some_and(|weight| weight <= 0.0)
        });
        named && !declined
    })
}

/// Whether the browser has this very form already.
fn knows(request: &HeaderMap, tag: &str) -> bool {
    let values = request.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(|known| known.trim().trim_start_matches("W/"))
        .any(|known| known == tag || known == "*")
}
