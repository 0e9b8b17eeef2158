//! A name and a password, as a log-in brings them.
//!
//! ```text
//! Authorization: Basic base64(name:password) ─▶ these      (any padding)
//! ?name=..&password=..                       ─▶ these, when there is no Basic header
//! ```
//!
//! One original client logs in by the query, and sends along whatever other token it has; that one is not looked at.

use std::fmt;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// Longer names and passwords are not looked at.
const MAX_SECRET: usize = 4096;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Who wants to log in. The password is not shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    /// A username or an e-mail address.
    pub(crate) name: String,
    /// The password.
    pub(crate) password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What the Basic header says; `None` when there is no such header, an error when it makes no sense.
pub(crate) fn credentials(headers: &HeaderMap) -> Option<Result<Credentials, Malformed>> {
    headers.get_all(AUTHORIZATION).iter().find_map(|value| {
        let (scheme, text) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("basic").then(|| decode(text.trim()))
    })
}

/// The header is not `Basic` and the base64 of `name:password`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the Basic header is not the base64 of name:password")]
pub(crate) struct Malformed;

fn decode(text: &str) -> Result<Credentials, Malformed> {
    if text.len() > MAX_SECRET {
        return Err(Malformed);
    }
    let bytes = BASE64.decode(text).map_err(|_| Malformed)?;
    let text = String::from_utf8(bytes).map_err(|_| Malformed)?;
    let (name, password) = text.split_once(':').ok_or(Malformed)?;
    Ok(Credentials { name: name.to_owned(), password: password.to_owned() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_a_header_says_never_panics(value in "[ -~]{0,200}") {
            let headers: HeaderMap =
                [(AUTHORIZATION, value.parse().expect("visible ASCII"))].into_iter().collect();
            let _ = credentials(&headers);
        }

        #[test]
        fn a_name_and_a_password_are_read_as_they_were_written(
            name in "[^:]{0,30}", password in "\\PC{0,30}",
        ) {
            let text = BASE64.encode(format!("{name}:{password}"));
            let found = credentials(&headers(&[&format!("Basic {text}")]));
            prop_assert_eq!(found, Some(Ok(Credentials { name, password })));
        }
    }

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (AUTHORIZATION, value.parse().expect("a header"))).collect()
    }

    #[test]
    fn a_password_may_have_colons_and_a_name_may_be_an_address() {
        let found = credentials(&headers(&["Basic YUB4Lm9yZzpwYTpzcw=="])).expect("there");
        let expected = Credentials { name: "a@x.org".to_owned(), password: "pa:ss".to_owned() };
        assert_eq!(found, Ok(expected.clone()));
        assert_eq!(credentials(&headers(&["basic YUB4Lm9yZzpwYTpzcw"])), Some(Ok(expected)));
    }

    #[test]
    fn another_token_is_not_looked_at() {
        assert_eq!(credentials(&headers(&["Bearer abc"])), None);
        assert_eq!(credentials(&headers(&[])), None);
    }

    #[test]
    fn nonsense_is_told_apart_from_nothing() {
        for text in ["Basic %%%", "Basic YWJj", "Basic /////w==", "Basic "] {
            assert_eq!(credentials(&headers(&[text])), Some(Err(Malformed)), "{text}");
        }
    }

    #[test]
    fn the_password_is_not_in_the_debug_text() {
        let shown = format!("{:?}", decode("YUB4Lm9yZzpwYTpzcw==").expect("decodes"));
        assert!(!shown.contains("pa:ss"), "{shown}");
    }
}
