//! The text of a token: a JWT, signed with HS256 and nothing else.
//!
//! ```text
//! eyJ0eXAiOiJKV1Q..  .  eyJ1aWQiOjAsInBpZCI6..  .  k3pQ..
//! {"typ","alg"}         {"uid","pid","exp","pms","id"}  HMAC of both
//! ```
//!
//! Small devices keep the whole header line in 256 bytes, so a token has at most [`MAX_ISSUED`]; base64url
//! that needs no padding and a header without `kid` are what every client library can read.
//!
//! Whether the token still counts is not said here: see [`crate::core::auth::Auth`]. The time of the end is compared
//! there too, with the server's own clock.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;
use iobeam_model::UserId;
use iobeam_wire::token::Claims;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};

use serde::Serialize;

use super::key::KEY_BYTES;

/// No token that was issued is longer.
pub(crate) const MAX_ISSUED: usize = 231;

/// What is longer is not even looked at.
pub(crate) const MAX_READ: usize = 4096;

/// What is signed to make the token for the metrics.
const METRICS: &[u8] = b"iobeam metrics";

/// Signs tokens, and tells the ones it signed.
pub(crate) struct Signer {
    sign: EncodingKey,
    check: DecodingKey,
    header: Header,
    validation: Validation,
}

/// The text is not a token that this server signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a token of this server")]
pub(crate) struct NotOurs;

impl Signer {
    /// Signs with this key.
    pub(crate) fn new(key: &[u8; KEY_BYTES]) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp"]);
        // The library would ask the machine's clock; ours is asked by the caller.
        validation.validate_exp = false;
        Self {
            sign: EncodingKey::from_secret(key),
            check: DecodingKey::from_secret(key),
            header: Header::new(Algorithm::HS256),
            validation,
        }
    }

    /// The token's text.
    pub(crate) fn write(&self, claims: &Claims) -> String {
        let message = format!("{}.{}", unpadded(&self.header), unpadded(claims));
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &self.sign, Algorithm::HS256)
                .expect("the key is one of HS256");
        let text = format!("{message}.{signature}");
        debug_assert!(text.len() <= MAX_ISSUED, "{} bytes", text.len());
        text
    }

    /// What the token says, if this server signed it. It may have ended.
    pub(crate) fn read(&self, text: &str) -> Result<Claims, NotOurs> {
        if text.len() > MAX_READ {
            return Err(NotOurs);
        }
        jsonwebtoken::decode::<Claims>(text, &self.check, &self.validation)
            .map(|token| token.claims)
            .map_err(|_| NotOurs)
    }

    /// What shows the metrics.
    pub(crate) fn metrics_token(&self) -> String {
        jsonwebtoken::crypto::sign(METRICS, &self.sign, Algorithm::HS256)
            .expect("the key is one of HS256")
    }

    /// Whether this is that token.
    pub(crate) fn is_metrics_token(&self, text: &str) -> bool {
        text.len() <= MAX_READ
            && jsonwebtoken::crypto::verify(text, METRICS, &self.check, Algorithm::HS256)
                .unwrap_or(false)
    }

    /// What shows later that a browser signed in to that user's account: `user.random.signature`.
    pub(crate) fn known_browser(&self, user: UserId, random: &str) -> String {
        let signature =
            jsonwebtoken::crypto::sign(&known_message(user, random), &self.sign, Algorithm::HS256)
                .expect("the key is one of HS256");
        format!("{user}.{random}.{signature}")
    }

    /// The user and the browser of such a text, if it was written here.
    pub(crate) fn read_known_browser<'t>(&self, text: &'t str) -> Option<(UserId, &'t str)> {
        if text.len() > MAX_READ {
            return None;
        }
        let mut parts = text.splitn(3, '.');
        let (user, random, signature) = (parts.next()?, parts.next()?, parts.next()?);
        let user = user.parse().ok().and_then(UserId::new)?;
        let message = known_message(user, random);
        jsonwebtoken::crypto::verify(signature, &message, &self.check, Algorithm::HS256)
            .unwrap_or(false)
            .then_some((user, random))
    }

    /// What a page must send along with the session of that token when it changes something.
    ///
    /// The same key as for tokens, and never the same message: what is signed for a token holds no blank.
    pub(crate) fn csrf(&self, token: &str) -> String {
        jsonwebtoken::crypto::sign(&csrf_message(token), &self.sign, Algorithm::HS256)
            .expect("the key is one of HS256")
    }

    /// Whether this is the CSRF value that goes with that token; how long it takes says nothing of how much is right.
    pub(crate) fn is_csrf(&self, value: &str, token: &str) -> bool {
        let message = csrf_message(token);
        value.len() <= MAX_READ
            && jsonwebtoken::crypto::verify(value, &message, &self.check, Algorithm::HS256)
                .unwrap_or(false)
    }
}

/// JSON in base64url that needs no padding: some clients cannot read what would need it. The blanks that make its length
/// a multiple of three stand before the last bracket, where each reader of JSON passes over them.
fn unpadded(part: &impl Serialize) -> String {
    let mut json = serde_json::to_string(part).expect("numbers and names are written as JSON");
    let blanks = json.len().next_multiple_of(3) - json.len();
    json.insert_str(json.len() - 1, &" ".repeat(blanks));
    URL_SAFE_NO_PAD.encode(json)
}

fn known_message(user: UserId, random: &str) -> Vec<u8> {
    format!("iobeam browser {random} of {user}").into_bytes()
}

fn csrf_message(token: &str) -> Vec<u8> {
    format!("iobeam csrf of {token}").into_bytes()
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer")
    }
}

#[cfg(test)]
mod tests;
