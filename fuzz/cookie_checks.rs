//! What must hold for any headers whatever that a request brings: shared by the fuzz target and the test that replays the corpus.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::cookie::Way;

/// The server's public URL, where it has one.
const PUBLIC: &str = "https://iot.example/sub";

/// Lines of `name: value` as the headers of a request, on each kind of connection and server.
pub(crate) fn headers(bytes: &[u8]) {
    let headers = read(bytes);
    for public in [None, Some(PUBLIC)] {
        for over_tls in [false, true] {
            let way = Way::new(&headers, public, over_tls);
            the_one_cookie(way, &headers, over_tls);
            what_is_set(way, over_tls);
            whose_page(way, &headers);
        }
    }
}

/// What is no header is passed over: the connection refuses it before.
fn read(bytes: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n').take(64) {
        let Some(at) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(line[..at].trim_ascii());
        let value = HeaderValue::from_bytes(line[at + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    headers
}

fn the_one_cookie(way: Way<'_>, headers: &HeaderMap, over_tls: bool) {
    let values = || headers.get_all("cookie").iter().filter_map(|value| value.to_str().ok());
    let pairs = |name: &str| {
        let parts = values().flat_map(|value| value.split(';')).map(str::trim);
        parts
            .filter(|part| part.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')))
            .count()
    };
    for (found, plain) in [(way.cookie(), "iobeam_session"), (way.known(), "iobeam_known")] {
        let Some(text) = found else { continue };
        assert!(!text.is_empty() && !text.contains(';'), "a cookie is one value: {text:?}");
        let secure = format!("__Host-{plain}");
        let names = if over_tls { &[&*secure][..] } else { &[plain, &*secure] };
        let is_one = names.iter().any(|name| {
            pairs(name) == 1 && values().any(|value| value.contains(&format!("{name}={text}")))
        });
        assert!(is_one, "{text:?} is the only one of its name");
    }
}

fn what_is_set(way: Way<'_>, over_tls: bool) {
    let text = way.cookie().unwrap_or("e30.e30.e30");
    let all = [way.set(text, Duration::from_mins(1)), way.set_known(text), way.clear()];
    for set in all.into_iter().flatten() {
        let written = set.to_str().expect("what came as text goes as text");
        assert!(written.contains("; HttpOnly; SameSite=Strict"), "{written}");
        let is_secure = written.ends_with("; Secure");
        assert_eq!(is_secure, written.starts_with("__Host-"), "{written}");
        assert!(is_secure || !over_tls, "over TLS nothing goes out in the clear: {written}");
        assert!(set.is_sensitive(), "it stays out of logs");
    }
}

fn whose_page(way: Way<'_>, headers: &HeaderMap) {
    let own = way.is_from_own_page();
    match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        Some(b"same-origin" | b"none") => assert!(own),
        Some(_) => assert!(!own, "what a browser calls foreign is foreign"),
        None if !headers.contains_key("origin") => assert!(own),
        None => {}
    }
    if headers.get("origin").is_some_and(|origin| origin == "null")
        && !headers.contains_key("sec-fetch-site")
    {
        assert!(!own, "no page of ours has no origin");
    }
}
