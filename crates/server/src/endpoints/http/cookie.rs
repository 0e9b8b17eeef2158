//! The cookie of a session: how it is written, read, and told from one that another site's page sent along.
//!
//! ```text
//! POST /v1/session ─▶ Set-Cookie: iobeam_session=<user token>; HttpOnly; SameSite=Strict      (__Host-.. over TLS)
//! any call         ─▶ the one cookie of that name ─▶ of our own page? ─▶ changes something? ─▶ X-CSRF-Token right?
//! ```
//!
//! A browser sends cookies along whoever asks it to, so a cookie alone is not enough. Three things stand in the way,
//! each of which would do: browsers keep a `SameSite=Strict` cookie from other sites; a call that a browser marks as
//! made by another page is refused; and what changes something needs a header that only our own page can know.
//!
//! Over TLS the name begins with `__Host-`: no neighbouring host, and nobody on a plain connection, can put a cookie
//! of theirs in its place.

use std::time::Duration;

use http::header::{COOKIE, HOST, HeaderValue, ORIGIN};
use http::{HeaderMap, HeaderName};

/// The header that proves that a call comes from our own page.
pub(crate) const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");

/// The header that says which project a call is about.
pub(crate) const PROJECT: HeaderName = HeaderName::from_static("x-project-id");

/// What browsers say of where a request was made.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a proxy says of the connection to it.
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

const PLAIN_NAME: &str = "iobeam_session";
const SECURE_NAME: &str = "__Host-iobeam_session";
const PLAIN_KNOWN_NAME: &str = "iobeam_known";
const SECURE_KNOWN_NAME: &str = "__Host-iobeam_known";

/// How long a browser is known after a sign-in.
const KNOWN_LIFE: Duration = Duration::from_hours(365 * 24);

/// How a request came: over TLS or not, and under which name of ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way<'a> {
    headers: &'a HeaderMap,
    public_url: Option<&'a str>,
    over_tls: bool,
}

impl<'a> Way<'a> {
    /// Of a request with these headers, on a connection that is or is not TLS, to a server of that public URL.
    pub(crate) fn new(headers: &'a HeaderMap, public_url: Option<&'a str>, over_tls: bool) -> Self {
        Self { headers, public_url, over_tls }
    }

    /// The one CSRF value that it brings.
    pub(crate) fn csrf(self) -> Option<&'a str> {
        let mut values = self.headers.get_all(CSRF).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        }
    }

    /// The text of the session's cookie. Two of them are none: one would be somebody else's.
    pub(crate) fn cookie(self) -> Option<&'a str> {
        self.only(self.name())
    }

    /// What an earlier sign-in left in this browser, so that it is known again.
    pub(crate) fn known(self) -> Option<&'a str> {
        self.only(self.known_name())
    }

    fn only(self, name: &str) -> Option<&'a str> {
        let mut found = self
            .headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(its_name, _)| *its_name == name)
            .map(|(_, text)| text);
        match (found.next(), found.next()) {
            (Some(text), None) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// The header that hands a browser the session.
    pub(crate) fn set(self, text: &str, life: Duration) -> Option<HeaderValue> {
        self.written(self.name(), text, life.as_secs())
    }

    /// The header that makes this browser known after a sign-in, also when the session has ended.
    pub(crate) fn set_known(self, text: &str) -> Option<HeaderValue> {
        self.written(self.known_name(), text, KNOWN_LIFE.as_secs())
    }

    /// The header that takes it back.
    pub(crate) fn clear(self) -> Option<HeaderValue> {
        self.written(self.name(), "", 0)
    }

    /// Whether our own page may have made this request: a browser that says otherwise is believed.
    ///
    /// Not every browser says so on every address; what says nothing is left to the CSRF token.
    pub(crate) fn is_from_own_page(self) -> bool {
        if let Some(site) = self.headers.get(FETCH_SITE) {
            // "none": typed into the address bar, or a bookmark.
            return matches!(site.as_bytes(), b"same-origin" | b"none");
        }
        let Some(origin) = self.headers.get(ORIGIN) else { return true };
        let Ok(origin) = origin.to_str() else { return false };
        let is_public = self.public_url.is_some_and(|url| origin_of(url) == origin);
        is_public || without_scheme(origin).is_some_and(|host| self.host() == Some(host))
    }

    /// Whether the browser speaks TLS, with us or with a proxy before us.
    fn is_secure(self) -> bool {
        let forwarded = self.headers.get(FORWARDED_PROTO);
        // The first of a row of proxies is the one that the browser speaks to.
        let forwarded = forwarded.is_some_and(|proto| {
            proto.as_bytes().split(|byte| *byte == b',').next() == Some(b"https")
        });
        let is_public = self.public_url.is_some_and(|url| {
            url.starts_with("https://") && without_scheme(origin_of(url)) == self.host()
        });
        self.over_tls || forwarded || is_public
    }

    fn host(self) -> Option<&'a str> {
        self.headers.get(HOST).and_then(|host| host.to_str().ok())
    }

    fn name(self) -> &'static str {
        if self.is_secure() { SECURE_NAME } else { PLAIN_NAME }
    }

    fn known_name(self) -> &'static str {
        if self.is_secure() { SECURE_KNOWN_NAME } else { PLAIN_KNOWN_NAME }
    }

    fn written(self, name: &str, text: &str, seconds: u64) -> Option<HeaderValue> {
        let secure = if self.is_secure() { "; Secure" } else { "" };
        let text =
            format!("{name}={text}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// Scheme, host and port of a URL.
fn origin_of(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find('/').map_or(url.len(), |at| start + at);
    &url[..end]
}

fn without_scheme(origin: &str) -> Option<&str> {
    origin.split_once("://").map(|(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                let name: HeaderName = name.parse().expect("a name");
                (name, value.parse().expect("a value"))
            })
            .collect()
    }

    fn found(pairs: &[(&str, &str)], over_tls: bool) -> Option<String> {
        let headers = headers(pairs);
        Way::new(&headers, None, over_tls).cookie().map(String::from)
    }

    #[test]
    fn the_one_cookie_of_our_name_is_found_among_others() {
        let all = ("cookie", "a=b; iobeam_session=x.y.z;c=d");
        assert_eq!(found(&[all], false).as_deref(), Some("x.y.z"));
        assert_eq!(found(&[all], true), None, "over TLS only the name that nobody else can set");
        let both = ("cookie", "iobeam_session=1; __Host-iobeam_session=2");
        assert_eq!(found(&[both], true).as_deref(), Some("2"));
        for none in ["iobeam_session=", "iobeam_session", "xiobeam_session=1", "a=iobeam_session=1"]
        {
            assert_eq!(found(&[("cookie", none)], false), None, "{none}");
        }
        let twice = ("cookie", "iobeam_session=1; iobeam_session=2");
        assert_eq!(found(&[twice], false), None);
    }

    #[test]
    fn a_request_that_a_browser_marks_as_foreign_is_not_from_our_page() {
        let own = |pairs: &[(&str, &str)]| {
            let headers = headers(pairs);
            Way::new(&headers, Some("https://iot.example/sub"), false).is_from_own_page()
        };
        let host = ("host", "192.168.1.5:8420");
        for good in [
            &[host][..],
            &[host, ("sec-fetch-site", "same-origin")],
            &[host, ("sec-fetch-site", "none")],
            &[host, ("origin", "http://192.168.1.5:8420")],
            &[host, ("origin", "https://iot.example")],
        ] {
            assert!(own(good), "{good:?}");
        }
        for foreign in [
            &[host, ("sec-fetch-site", "cross-site")][..],
            &[host, ("sec-fetch-site", "same-site")],
            &[host, ("sec-fetch-site", "same-site"), ("origin", "http://192.168.1.5:8420")],
            &[host, ("sec-fetch-site", "same-origin, cross-site")],
            &[host, ("origin", "http://192.168.1.5:9000")],
            &[host, ("origin", "http://192.168.1.5")],
            &[host, ("origin", "null")],
            &[host, ("origin", "https://iot.example.evil")],
            &[("origin", "http://anything")],
        ] {
            assert!(!own(foreign), "{foreign:?}");
        }
    }

    #[test]
    fn the_cookie_is_secure_wherever_the_browser_speaks_tls() {
        let set = |pairs: &[(&str, &str)], public, over_tls| {
            let headers = headers(pairs);
            let value = Way::new(&headers, public, over_tls).set("t", Duration::from_mins(1));
            String::from(value.expect("a header").to_str().expect("ASCII"))
        };
        let plain = "iobeam_session=t; Path=/; Max-Age=60; HttpOnly; SameSite=Strict";
        let secure =
            "__Host-iobeam_session=t; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure";
        let (host, public) = (("host", "iot.example"), Some("https://iot.example/"));
        assert_eq!(set(&[host], None, false), plain);
        assert_eq!(set(&[host], None, true), secure);
        assert_eq!(set(&[host], public, false), secure);
        assert_eq!(set(&[host, ("x-forwarded-proto", "https")], None, false), secure);
        // The plain address on the local network goes on to work beside the public one.
        assert_eq!(set(&[("host", "192.168.1.5:8420")], public, false), plain);
    }
}
