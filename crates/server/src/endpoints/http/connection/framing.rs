//! Where a request ends: heads that two parsers could read differently are refused before anything acts on them.
//!
//! ```text
//! Host            exactly one (HTTP/1.0: at most one), a host and perhaps a port    else 400
//! Content-Length  at most one, digits only, not beside Transfer-Encoding            else 400
//! Transfer-Encoding  `chunked` in one line; another coding before it: 501           else 400
//! ```
//!
//! The rules are the stricter choices of RFC 9112 (3.2, 6.1, 6.3). The HTTP library merges some of these lines before
//! it shows a request, so a head is also looked at as it arrives.

use http::StatusCode;

use crate::core::api_error::ApiError;
use crate::endpoints::http::error_response::protocol_error;

/// The largest head of a request.
pub(super) const MAX_HEAD_BYTES: usize = 32 << 10;
/// How many header lines a request may have.
pub(super) const MAX_HEADERS: usize = 100;

/// What is wrong with the lines of a head, if anything is.
pub(super) fn fault<'h>(
    is_http_10: bool,
    lines: impl Iterator<Item = (&'h [u8], &'h [u8])>,
) -> Option<ApiError> {
    let (mut hosts, mut lengths, mut codings) = (Vec::new(), Vec::new(), Vec::new());
    for (name, value) in lines {
        let value = value.trim_ascii();
        if name.eq_ignore_ascii_case(b"host") {
            hosts.push(value);
        } else if name.eq_ignore_ascii_case(b"content-length") {
            lengths.push(value);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            codings.push(value);
        }
    }
    fault_of_host(is_http_10, &hosts)
        .or_else(|| fault_of_length(&lengths, !codings.is_empty()))
        .or_else(|| fault_of_coding(&codings))
}

fn fault_of_host(is_http_10: bool, hosts: &[&[u8]]) -> Option<ApiError> {
    let is_host_byte =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=:[]".contains(byte);
    match hosts {
        [] if is_http_10 => None,
        [host] if host.iter().all(is_host_byte) => None,
        [] => Some(refusal("Host is missing; a request of HTTP/1.1 has exactly one")),
        [_] => {
            Some(refusal("Host is not valid; send a host name or address, perhaps with ':port'"))
        }
        _ => Some(refusal("Host is sent more than once; send it once")),
    }
}

fn fault_of_length(lengths: &[&[u8]], has_coding: bool) -> Option<ApiError> {
    match lengths {
        [] => None,
        [_] if has_coding => {
            Some(refusal("Content-Length and Transfer-Encoding are both sent; send one of them"))
        }
        [length] if !length.is_empty() && length.iter().all(u8::is_ascii_digit) => None,
        [_] => Some(refusal("Content-Length is not valid; send the number of bytes in digits")),
        _ => Some(refusal("Content-Length is sent more than once; send it once")),
    }
}

fn fault_of_coding(codings: &[&[u8]]) -> Option<ApiError> {
    let all = codings.join(&b","[..]);
    let names: Vec<&[u8]> = all.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).collect();
    let is_chunked = |name: &[u8]| name.eq_ignore_ascii_case(b"chunked");
    match names.as_slice() {
        _ if codings.is_empty() => None,
        [only] if is_chunked(only) => None,
        [before @ .., last] if is_chunked(last) && !before.iter().any(|name| is_chunked(name)) => {
            Some(protocol_error(
                StatusCode::NOT_IMPLEMENTED,
                "The transfer coding is not supported",
                "Transfer-Encoding: 'chunked' alone is supported; compress the body with Content-Encoding instead",
            ))
        }
        _ => Some(refusal("Transfer-Encoding is not valid; send 'chunked', once")),
    }
}

fn refusal(details: &str) -> ApiError {
    ApiError::bad_request("The request's head is not valid", details)
}

/// The head of a request while it arrives.
#[derive(Debug, Default)]
pub(super) struct ArrivingHead {
    /// Which request it is of.
    number: u64,
    bytes: Vec<u8>,
    is_whole: bool,
}

impl ArrivingHead {
    /// Takes more bytes of the head of that request; what follows the head is passed over.
    pub(super) fn take(&mut self, number: u64, bytes: &[u8]) -> Option<ApiError> {
        if number != self.number {
            *self = Self { number, ..Self::default() };
        }
        if self.is_whole {
            return None;
        }
        let seen = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        // An empty line before the request line is passed over, as the library does.
        let start = self.bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let Some(end) = head_end(&self.bytes, start.max(seen.saturating_sub(3))) else {
            // Too large a head is refused by the library.
            self.is_whole = self.bytes.len() > MAX_HEAD_BYTES;
            if self.is_whole {
                self.bytes = Vec::new();
            }
            return None;
        };
        let fault = fault_of_head(&self.bytes[start..end]);
        self.is_whole = true;
        self.bytes = Vec::new();
        fault
    }
}

/// Where the empty line is that ends a head.
fn head_end(bytes: &[u8], from: usize) -> Option<usize> {
    (from..bytes.len()).find(|at| {
        let rest = &bytes[*at..];
        rest.starts_with(b"\n\r\n") || rest.starts_with(b"\n\n")
    })
}

fn fault_of_head(head: &[u8]) -> Option<ApiError> {
    let mut lines =
        head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let request_line = lines.next()?;
    let is_http_10 = request_line.ends_with(b"HTTP/1.0");
    if !is_http_10 && !request_line.ends_with(b"HTTP/1.1") {
        // No head, which the library refuses, or the rest of a body that nobody read.
        return None;
    }
    if lines.clone().count() > MAX_HEADERS {
        // The library refuses it for that.
        return None;
    }
    let headers = lines.filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        Some((&line[..colon], &line[colon + 1..]))
    });
    fault(is_http_10, headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(head: &str) -> u16 {
        let mut arriving = ArrivingHead::default();
        arriving.take(0, head.as_bytes()).map_or(200, |problem| problem.category.number())
    }

    #[test]
    fn a_head_that_two_parsers_could_read_differently_is_refused() {
        for (lines, expected) in [
            ("Host: a", 200),
            ("Host: [::1]:8420", 200),
            ("Host:", 200),
            ("", 400),
            ("Host: a\r\nHost: a", 400),
            ("Host: a\r\nhost: b", 400),
            ("Host: a, b", 400),
            ("Host: a b", 400),
            ("Host: a/b", 400),
            ("Host: u@a", 400),
            ("Host: a\r\nContent-Length: 5", 200),
            ("Host: a\r\nContent-Length: 5\r\nContent-Length: 5", 400),
            ("Host: a\r\nContent-Length: 5, 5", 400),
            ("Host: a\r\nContent-Length: +5", 400),
            ("Host: a\r\nContent-Length:", 400),
            ("Host: a\r\nTransfer-Encoding: chunked", 200),
            ("Host: a\r\nTransfer-Encoding: Chunked ", 200),
            ("Host: a\r\nTransfer-Encoding: gzip, chunked", 501),
            ("Host: a\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked", 501),
            ("Host: a\r\nTransfer-Encoding: identity, chunked", 501),
            ("Host: a\r\nTransfer-Encoding: chunked, chunked", 400),
            ("Host: a\r\nTransfer-Encoding: chunked, gzip", 400),
            ("Host: a\r\nTransfer-Encoding: gzip", 400),
            ("Host: a\r\nTransfer-Encoding: xchunked", 400),
            ("Host: a\r\nTransfer-Encoding:", 400),
            ("Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5", 400),
            ("Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked", 400),
        ] {
            let end = if lines.is_empty() { "\r\n" } else { "\r\n\r\n" };
            let head = format!("POST / HTTP/1.1\r\n{lines}{end}");
            assert_eq!(status(&head), expected, "{lines}");
        }
        assert_eq!(status("GET / HTTP/1.0\r\n\r\n"), 200, "HTTP/1.0 knows no Host");
        assert_eq!(status("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
    }

    #[test]
    fn a_head_is_seen_however_it_is_split_and_the_body_is_not_taken_for_one() {
        let whole = b"\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nHost: b\n\n";
        for split in 1..whole.len() {
            let mut arriving = ArrivingHead::default();
            assert_eq!(arriving.take(0, &whole[..split]), None);
            assert_eq!(arriving.take(0, &whole[split..]), None, "split at {split}");
            assert!(arriving.take(1, b"GET / HTTP/1.1\r\n\r\n").is_some(), "the next one");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_whatever_do_harm_however_they_are_split(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..2000),
            lines in "(GET / HTTP/1[.][01]\r?\n)?((host|content-length|transfer-encoding|x)[ ]?:[ -~]{0,9}\r?\n){0,5}\r?\n",
            split in 0_usize..2000,
        ) {
            for all in [bytes.as_slice(), lines.as_bytes()] {
                let mut arriving = ArrivingHead::default();
                let (first, second) = all.split_at(split.min(all.len()));
                let in_two = arriving.take(0, first).or_else(|| arriving.take(0, second));
                proptest::prop_assert_eq!(in_two, ArrivingHead::default().take(0, all));
            }
        }
    }
}
