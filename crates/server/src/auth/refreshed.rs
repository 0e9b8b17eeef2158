//! Which new token an old one was last exchanged for.
//!
//! Some clients go on with the old token and refresh it at every call. They get the same new one each time while
//! it is young, so the list of issued tokens does not grow with each reading. Forgotten at a restart, which costs
//! one more token.

use std::collections::HashMap;

use iobeam_model::TokenId;
use parking_lot::Mutex;

/// How many exchanges are remembered; then all are forgotten.
const REMEMBERED: usize = 16_384;

/// Old token to new token.
#[derive(Debug, Default)]
pub(crate) struct Refreshed(Mutex<HashMap<TokenId, TokenId>>);

impl Refreshed {
    /// The token that the old one was exchanged for.
    pub(crate) fn of(&self, old: TokenId) -> Option<TokenId> {
        self.0.lock().get(&old).copied()
    }

    /// Remembers an exchange.
    pub(crate) fn remember(&self, old: TokenId, new: TokenId) {
        let mut known = self.0.lock();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(old, new);
    }
}
