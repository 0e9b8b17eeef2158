//! What a token says about itself: the claims in the middle of a JWT.
//!
//! ```text
//! eyJ0eXAi… . eyJ1aWQiOjcs… . 3Zx9…
//!   header      claims         signature: only the server can make or check it
//! ```
//!
//! The names are short because the whole token must not exceed 231 bytes: small devices keep it in one header line.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};

/// Longest token that the smallest clients can send, in bytes.
pub const MAX_TOKEN: usize = 231;

/// What a token says. All are plain integers on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The user it speaks for; 0 when it is not tied to a user.
    #[serde(default)]
    pub uid: u32,
    /// The project it is for; 0, and then left out, in a user's token.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pid: u32,
    /// When it ends: seconds since 1970.
    pub exp: i64,
    /// What it may do: the bits of [`iobeam_model::Permissions`].
    #[serde(default)]
    pub pms: u8,
    /// Its number, by which it is listed and revoked; 0 in a token of the old platform.
    #[serde(default)]
    pub id: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Reads what a token says **without checking that it is true**: for clients, which cannot, and only ask when to
/// refresh it. `None` when the text is no JWT.
pub fn peek_claims(token: &str) -> Option<Claims> {
    let mut parts = token.split('.');
    let (_header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    // Tokens of the old platform came in the standard alphabet too.
    let claims: String = claims
        .chars()
        .map(|letter| match letter {
            '+' => '-',
            '/' => '_',
            other => other,
        })
        .collect();
    let lenient = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let bytes = GeneralPurpose::new(&alphabet::URL_SAFE, lenient).decode(claims).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

    use super::*;

    const CLAIMS: &str = r#"{"uid":7,"pid":102,"exp":1472405131,"pms":3,"id":9}"#;

    #[test]
    fn claims_are_read_in_either_alphabet_with_or_without_padding() {
        let expected = Claims { uid: 7, pid: 102, exp: 1_472_405_131, pms: 3, id: 9 };
        for claims in [BASE64_URL_SAFE_NO_PAD.encode(CLAIMS), BASE64_STANDARD.encode(CLAIMS)] {
            assert_eq!(peek_claims(&format!("e30.{claims}.c2ln")), Some(expected));
        }
        assert_eq!(serde_json::to_string(&expected).expect("plain data"), CLAIMS);
    }

    #[test]
    fn a_text_that_is_no_token_says_nothing() {
        for text in
            ["", "abc", "a.b", "a.b.c", "a.e30.c", "a.eyJleHAiOiJ4In0.c", "a.b.c.d", "ä.ö.ü"]
        {
            assert_eq!(peek_claims(text), None, "{text}");
        }
    }
}
