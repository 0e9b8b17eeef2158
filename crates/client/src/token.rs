//! The project token, and a fresh one in good time.
//!
//! A token is refreshed when it ends within a day, and the new one is used from then on. A server that will not
//! refresh is not asked again for an hour: the old token may still be good.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use iobeam_model::Clock;
use iobeam_wire::token::{Claims, peek_claims};
use iobeam_wire::v1::{RefreshRequest, TokenReply};

use crate::error::Error;
use crate::http::Http;

const EARLY: i64 = 24 * 3600;
const ASK_AGAIN: Duration = Duration::from_hours(1);

/// The token in use. Its text stands in no message.
pub(crate) struct Tokens {
    state: Mutex<State>,
}

struct State {
    token: String,
    claims: Claims,
    /// Not before this (on the monotonic clock) is a refresh tried again.
    not_before: Option<Duration>,
}

impl Tokens {
    pub(crate) fn new(token: &str) -> Result<Self, Error> {
        let claims = peek_claims(token).ok_or_else(|| Error::Invalid {
            what: "the project token",
            given: "(not shown)".to_owned(),
            reason: "it is not a JWT; copy it whole, with both dots".to_owned(),
        })?;
        let state = State { token: token.to_owned(), claims, not_before: None };
        Ok(Self { state: Mutex::new(state) })
    }

    /// The token to use now.
    pub(crate) fn current(&self) -> String {
        self.with(|state| state.token.clone())
    }

    /// The token to use now, refreshed if it ends soon.
    pub(crate) fn fresh(&self, http: &Http, clock: &dyn Clock) -> String {
        let due = self.with(|state| {
            let rested = state.not_before.is_none_or(|then| clock.monotonic() >= then);
            rested && state.claims.exp - clock.now().seconds() < EARLY
        });
        if due {
            // Without a new token the old one is used for as long as it is taken.
            let _ = self.refresh(http, clock);
        }
        self.current()
    }

    /// Fetches a new token.
    pub(crate) fn refresh(&self, http: &Http, clock: &dyn Clock) -> Result<(), Error> {
        let request = RefreshRequest { refresh_token: self.current() };
        let reply = http.post_json("tokens/project", None, &request)?;
        // Only an answer counts: without one the next attempt may be soon.
        self.with(|state| state.not_before = Some(clock.monotonic() + ASK_AGAIN));
        let reply: TokenReply = reply.success()?.json()?;
        let claims = peek_claims(&reply.token);
        self.with(|state| {
            if let Some(claims) = claims {
                state.claims = claims;
                state.token = reply.token;
            }
        });
        Ok(())
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}
