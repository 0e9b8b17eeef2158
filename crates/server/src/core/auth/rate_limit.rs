//! How often a password may be guessed: per account and client, and per address.
//!
//! ```text
//! attempt ─┬─ client that signed in to this account before ─▶ counter of that account and client ─┐
//!          └─ any other ─▶ counter of the address ─▶ counter of the account                       ├─▶ password
//!                            └─ none left: wait ◀───────┘                                          │
//!                                                             right: the attempt is given back ◀───┘
//! ```
//!
//! Each counter holds a number of attempts that comes back evenly over a window. A known client (a browser with the
//! cookie of an earlier sign-in, or an address from which the account was used) has a counter of its own: whoever
//! guesses from elsewhere is slowed to a crawl, and the owner goes on. An attempt is taken before the password is looked
//! at: guesses made side by side count too.
//!
//! Memory is bounded: a key that has all its attempts is forgotten, and beyond the limit the least
//! suspicious one goes first, so a flood of names cannot wash away the one under attack.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hash};
use std::net::IpAddr;
use std::time::Duration;

use iobeam_catalog::network;
use iobeam_model::UserId;
use parking_lot::Mutex;

/// How many accounts, and how many addresses, are remembered at once.
const MAX_COUNTED: usize = 16_384;

/// How many attempts there are, and how fast they come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RateLimit {
    /// Attempts that may be made at once.
    pub(crate) attempts: u32,
    /// The time in which all of them come back.
    pub(crate) window: Duration,
}

/// Whose secret is guessed at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Account {
    /// A user, whatever name was typed: user name and e-mail address are one account.
    User(UserId),
    /// A name that nobody has.
    Unknown(String),
}

/// What is known of who tries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Client {
    /// Signed in to this account before, with this browser.
    Browser(String),
    /// The account was used from this address before.
    Address,
    /// Never seen with this account.
    Unknown,
}

/// Counts the attempts.
#[derive(Debug)]
pub(crate) struct LoginLimiter {
    accounts: Mutex<Counter<u64>>,
    known: Mutex<Counter<u64>>,
    addresses: Mutex<Counter<IpAddr>>,
    hasher: RandomState,
}

/// One attempt that was allowed. Dropped, it counts; given back, it does not.
#[derive(Debug)]
#[must_use = "an attempt that succeeded is given back"]
pub(crate) struct Attempt<'a> {
    limiter: &'a LoginLimiter,
    account: Option<u64>,
    known: Option<u64>,
    address: Option<IpAddr>,
}

impl LoginLimiter {
    /// Counts from zero.
    pub(crate) fn new(account: RateLimit, address: RateLimit) -> Self {
        Self {
            accounts: Mutex::new(Counter::new(account)),
            known: Mutex::new(Counter::new(account)),
            addresses: Mutex::new(Counter::new(address)),
            hasher: RandomState::new(),
        }
    }

    /// Takes an attempt at something of this account from this address, at this monotonic time. What it is at (signing
    /// in, a letter) is counted apart. Refused, it names the time to wait.
    pub(crate) fn attempt(
        &self,
        what: &str,
        (account, client): (&Account, &Client),
        address: IpAddr,
        now: Duration,
    ) -> Result<Attempt<'_>, Duration> {
        let nearby = network(address);
        if *client != Client::Unknown {
            let from = (*client == Client::Address).then_some(nearby);
            let known = self.hasher.hash_one((what, account, client, from));
            self.known.lock().take(known, now)?;
            return Ok(Attempt { limiter: self, account: None, known: Some(known), address: None });
        }
        let account = self.hasher.hash_one((what, account));
        let attempt = self.attempt_from(address, now)?;
        if let Err(wait) = self.accounts.lock().take(account, now) {
            attempt.give_back();
            return Err(wait);
        }
        Ok(Attempt { account: Some(account), ..attempt })
    }

    /// Takes an attempt from this address at something that is of no account.
    pub(crate) fn attempt_from(
        &self,
        address: IpAddr,
        now: Duration,
    ) -> Result<Attempt<'_>, Duration> {
        let address = network(address);
        self.addresses.lock().take(address, now)?;
        Ok(Attempt { limiter: self, account: None, known: None, address: Some(address) })
    }
}

impl Attempt<'_> {
    /// The attempt was the owner's: it does not count.
    pub(crate) fn give_back(self) {
        if let Some(account) = self.account {
            self.limiter.accounts.lock().give_back(&account);
        }
        if let Some(known) = self.known {
            self.limiter.known.lock().give_back(&known);
        }
        if let Some(address) = self.address {
            self.limiter.addresses.lock().give_back(&address);
        }
    }
}

/// For each key, the moment at which it has all its attempts again. A key that is not here has them.
#[derive(Debug)]
struct Counter<K> {
    step: Duration,
    window: Duration,
    full_at: HashMap<K, Duration>,
}

impl<K: Copy + Eq + Hash> Counter<K> {
    fn new(limit: RateLimit) -> Self {
        let attempts = limit.attempts.max(1);
        let step = limit.window / attempts;
        // As the step is rounded down, the window is what its steps add up to.
        Self { step, window: step * attempts, full_at: HashMap::new() }
    }

    fn take(&mut self, key: K, now: Duration) -> Result<(), Duration> {
        let full_at = self.full_at.get(&key).copied().unwrap_or(now).max(now) + self.step;
        let away = full_at.saturating_sub(now);
        if away > self.window {
            return Err(away.saturating_sub(self.window));
        }
        if self.full_at.len() >= MAX_COUNTED && !self.full_at.contains_key(&key) {
            self.make_room(now);
        }
        self.full_at.insert(key, full_at);
        Ok(())
    }

    fn give_back(&mut self, key: &K) {
        if let Some(full_at) = self.full_at.get_mut(key) {
            *full_at = full_at.saturating_sub(self.step);
        }
    }

    fn make_room(&mut self, now: Duration) {
        self.full_at.retain(|_, full_at| *full_at > now);
        if self.full_at.len() < MAX_COUNTED {
            return;
        }
        let mut times: Vec<Duration> = self.full_at.values().copied().collect();
        // A sixteenth at once, so that a flood does not sort the whole map for each name.
        let nth = MAX_COUNTED / 16;
        let (_, &mut oldest, _) = times.select_nth_unstable(nth);
        let mut left = nth;
        self.full_at.retain(|_, full_at| {
            let goes = *full_at < oldest || (*full_at == oldest && left > 0);
            left -= usize::from(goes && left > 0);
            !goes
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOMEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const LIMIT: RateLimit = RateLimit { attempts: 5, window: Duration::from_secs(50) };
    const PLENTY: RateLimit =
        RateLimit { attempts: 1_000_000, window: Duration::from_secs(1_000_000) };

    fn unknown(name: &str) -> (Account, Client) {
        (Account::Unknown(name.to_owned()), Client::Unknown)
    }

    fn try_as<'l>(
        limiter: &'l LoginLimiter,
        name: &str,
        address: IpAddr,
        now: Duration,
    ) -> Result<Attempt<'l>, Duration> {
        let (account, client) = unknown(name);
        limiter.attempt("sign-in", (&account, &client), address, now)
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn guesses_on_one_account_are_refused_after_the_allowance_and_come_back_one_by_one() {
        let limiter = LoginLimiter::new(LIMIT, PLENTY);
        for _ in 0..5 {
            let _ = try_as(&limiter, "a@x.org", SOMEWHERE, at(0)).expect("allowed");
        }
        assert_eq!(try_as(&limiter, "a@x.org", SOMEWHERE, at(0)).expect_err("spent"), at(10));
        assert_eq!(try_as(&limiter, "a@x.org", SOMEWHERE, at(4)).expect_err("spent"), at(6));
        let _ = try_as(&limiter, "a@x.org", SOMEWHERE, at(10)).expect("one came back");
        assert!(try_as(&limiter, "a@x.org", SOMEWHERE, at(10)).is_err());
        let _ = try_as(&limiter, "b@x.org", SOMEWHERE, at(10)).expect("another account");
    }

    #[test]
    fn guesses_from_one_address_are_refused_whatever_the_account() {
        let limiter = LoginLimiter::new(PLENTY, LIMIT);
        for n in 0..5 {
            let _ = try_as(&limiter, &format!("u{n}"), SOMEWHERE, at(0)).expect("allowed");
        }
        assert!(try_as(&limiter, "another", SOMEWHERE, at(0)).is_err());
        let elsewhere = IpAddr::from([10, 0, 0, 1]);
        let _ = try_as(&limiter, "another", elsewhere, at(0)).expect("another address");
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let limiter = LoginLimiter::new(PLENTY, LIMIT);
        for n in 0..5 {
            let address = IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, n]);
            let _ = try_as(&limiter, "u", address, at(0)).expect("allowed");
        }
        let same = IpAddr::from([0x2001, 0xdb8, 0, 1, 9, 9, 9, 9]);
        assert!(try_as(&limiter, "u", same, at(0)).is_err());
        let other = IpAddr::from([0x2001, 0xdb8, 0, 2, 0, 0, 0, 1]);
        let _ = try_as(&limiter, "u", other, at(0)).expect("another network");
    }

    #[test]
    fn an_attempt_that_was_right_does_not_count() {
        let limiter = LoginLimiter::new(LIMIT, LIMIT);
        for _ in 0..100 {
            try_as(&limiter, "u", SOMEWHERE, at(0)).expect("allowed").give_back();
        }
    }

    #[test]
    fn an_account_that_is_refused_costs_the_address_nothing() {
        let limiter =
            LoginLimiter::new(RateLimit { attempts: 1, window: Duration::from_secs(9) }, LIMIT);
        let _ = try_as(&limiter, "u", SOMEWHERE, at(0)).expect("allowed");
        for _ in 0..100 {
            assert!(try_as(&limiter, "u", SOMEWHERE, at(0)).is_err());
        }
        let _ = try_as(&limiter, "v", SOMEWHERE, at(0)).expect("the address has attempts left");
    }

    #[test]
    fn a_flood_of_names_is_bounded_and_does_not_wash_away_the_one_under_attack() {
        let limiter = LoginLimiter::new(LIMIT, PLENTY);
        for _ in 0..5 {
            let _ = try_as(&limiter, "victim", SOMEWHERE, at(0)).expect("allowed");
        }
        for n in 0..3 * MAX_COUNTED {
            let _ = try_as(&limiter, &format!("u{n}"), SOMEWHERE, at(0)).expect("allowed");
        }
        assert!(limiter.accounts.lock().full_at.len() <= MAX_COUNTED);
        assert!(try_as(&limiter, "victim", SOMEWHERE, at(0)).is_err());
    }

    #[test]
    fn a_known_client_is_not_slowed_by_the_guesses_of_others_and_has_its_own_limit() {
        let limiter = LoginLimiter::new(LIMIT, LIMIT);
        let account = Account::User(UserId::new(7).expect("not zero"));
        let elsewhere = IpAddr::from([10, 0, 0, 1]);
        let attempt = |client: Client, address| {
            limiter.attempt("sign-in", (&account, &client), address, at(0)).map(drop)
        };
        while attempt(Client::Unknown, elsewhere).is_ok() {}
        assert!(attempt(Client::Unknown, SOMEWHERE).is_err(), "the account is under attack");
        for client in [Client::Address, Client::Browser("a".into()), Client::Browser("b".into())] {
            for _ in 0..5 {
                attempt(client.clone(), SOMEWHERE).expect("a known client goes on");
            }
            assert!(attempt(client.clone(), SOMEWHERE).is_err(), "{client:?} may not guess on");
        }
    }
}
