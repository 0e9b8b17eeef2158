//! Texts that nobody can guess, and what recognises them afterwards.
//!
//! ```text
//! random bytes ─▶ "k3x9q2mf.." ─▶ to its holder, once
//!                      └─▶ BLAKE2b-256 ─▶ the file
//! ```
//!
//! Keys and codes have 100 random bits and more, so that a plain hash of them cannot be turned back by trying.

use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};

/// 32 signs without look-alikes (no i, l, o, 1): five random bits each.
const SIGNS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";

/// A random text of that many signs.
///
/// # Panics
/// When the system has no source of randomness: nothing that follows would be safe.
pub(crate) fn random_text(signs: usize) -> String {
    let mut bytes = vec![0_u8; signs];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes.iter().map(|byte| char::from(SIGNS[usize::from(byte & 31)])).collect()
}

/// What recognises a key or code. Blanks around it and letter case do not count, as people type them.
pub(crate) fn recognise(text: &str) -> [u8; 32] {
    Blake2b::<U32>::digest(text.trim().to_ascii_lowercase()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_random_texts_differ() {
        assert_eq!(random_text(20).len(), 20);
        assert_ne!(random_text(20), random_text(20));
    }

    #[test]
    fn a_code_typed_in_capitals_is_recognised() {
        assert_eq!(recognise(" ABC\n"), recognise("abc"));
        assert_ne!(recognise("abc"), recognise("abd"));
    }
}
