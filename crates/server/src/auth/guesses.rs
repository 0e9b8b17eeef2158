//! How often a password may be guessed: per account, and per address.
//!
//! ```text
//! attempt ─▶ account has one left? ─▶ address has one left? ─▶ look at the password
//!               └── no: wait ◀───────────┘                        └─ right: give the attempt back
//! ```
//!
//! Each account and address holds a number of attempts that comes back evenly over a window, so whoever
//! guesses is slowed to a crawl, while its owner is never locked out for longer than one such step. An attempt
//! is taken before the password is looked at: guesses made side by side count too.
//!
//! Memory is bounded: a key that has all its attempts is forgotten, and beyond the limit the least
//! suspicious one goes first, so a flood of names cannot wash away the one under attack.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hash};
use std::net::IpAddr;
use std::time::Duration;

use parking_lot::Mutex;

/// How many accounts, and how many addresses, are remembered at once.
const REMEMBERED: usize = 16_384;

/// How many attempts there are, and how fast they come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// Attempts that may be made at once.
    pub(crate) attempts: u32,
    /// The time in which all of them come back.
    pub(crate) window: Duration,
}

/// Counts the attempts.
#[derive(Debug)]
pub(crate) struct Guesses {
    accounts: Mutex<Counter<u64>>,
    addresses: Mutex<Counter<IpAddr>>,
    hasher: RandomState,
}

/// One attempt that was allowed. Dropped, it counts; given back, it does not.
#[derive(Debug)]
#[must_use = "an attempt that succeeded is given back"]
pub(crate) struct Attempt<'a> {
    guesses: &'a Guesses,
    account: Option<u64>,
    address: IpAddr,
}

impl Guesses {
    /// Counts from zero.
    pub(crate) fn new(account: Allowance, address: Allowance) -> Self {
        Self {
            accounts: Mutex::new(Counter::new(account)),
            addresses: Mutex::new(Counter::new(address)),
            hasher: RandomState::new(),
        }
    }

    /// Takes an attempt for this account from this address, at this monotonic time.
    /// Refused, it names the time to wait.
    pub(crate) fn attempt(
        &self,
        name: &str,
        address: IpAddr,
        now: Duration,
    ) -> Result<Attempt<'_>, Duration> {
        let account = self.hasher.hash_one(name.trim().to_lowercase());
        let attempt = self.attempt_from(address, now)?;
        let address = attempt.address;
        if let Err(wait) = self.accounts.lock().take(account, now) {
            attempt.give_back();
            return Err(wait);
        }
        Ok(Attempt { guesses: self, account: Some(account), address })
    }

    /// Takes an attempt from this address at something that is of no account.
    pub(crate) fn attempt_from(
        &self,
        address: IpAddr,
        now: Duration,
    ) -> Result<Attempt<'_>, Duration> {
        let address = neighbourhood(address);
        self.addresses.lock().take(address, now)?;
        Ok(Attempt { guesses: self, account: None, address })
    }
}

impl Attempt<'_> {
    /// The attempt was the owner's: it does not count.
    pub(crate) fn give_back(self) {
        if let Some(account) = self.account {
            self.guesses.accounts.lock().give_back(&account);
        }
        self.guesses.addresses.lock().give_back(&self.address);
    }
}

/// The address that counts: whoever holds one IPv6 address holds its whole /64.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 @ IpAddr::V4(_) => v4,
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
    fn new(allowance: Allowance) -> Self {
        let attempts = allowance.attempts.max(1);
        let step = allowance.window / attempts;
        // As the step is rounded down, the window is what its steps add up to.
        Self { step, window: step * attempts, full_at: HashMap::new() }
    }

    fn take(&mut self, key: K, now: Duration) -> Result<(), Duration> {
        let full_at = self.full_at.get(&key).copied().unwrap_or(now).max(now) + self.step;
        let away = full_at.saturating_sub(now);
        if away > self.window {
            return Err(away.saturating_sub(self.window));
        }
        if self.full_at.len() >= REMEMBERED && !self.full_at.contains_key(&key) {
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
        if self.full_at.len() < REMEMBERED {
            return;
        }
        let mut times: Vec<Duration> = self.full_at.values().copied().collect();
        // A sixteenth at once, so that a flood does not sort the whole map for each name.
        let nth = REMEMBERED / 16;
        let (_, &mut limit, _) = times.select_nth_unstable(nth);
        let mut left = nth;
        self.full_at.retain(|_, full_at| {
            let goes = *full_at < limit || (*full_at == limit && left > 0);
            left -= usize::from(goes && left > 0);
            !goes
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOMEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const ALLOWANCE: Allowance = Allowance { attempts: 5, window: Duration::from_secs(50) };
    const PLENTY: Allowance =
        Allowance { attempts: 1_000_000, window: Duration::from_secs(1_000_000) };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn guesses_on_one_account_are_refused_after_the_allowance_and_come_back_one_by_one() {
        let guesses = Guesses::new(ALLOWANCE, PLENTY);
        for _ in 0..5 {
            let _ = guesses.attempt("a@x.org", SOMEWHERE, at(0)).expect("allowed");
        }
        assert_eq!(guesses.attempt("A@X.ORG ", SOMEWHERE, at(0)).expect_err("spent"), at(10));
        assert_eq!(guesses.attempt("a@x.org", SOMEWHERE, at(4)).expect_err("spent"), at(6));
        let _ = guesses.attempt("a@x.org", SOMEWHERE, at(10)).expect("one came back");
        assert!(guesses.attempt("a@x.org", SOMEWHERE, at(10)).is_err());
        let _ = guesses.attempt("b@x.org", SOMEWHERE, at(10)).expect("another account");
    }

    #[test]
    fn guesses_from_one_address_are_refused_whatever_the_account() {
        let guesses = Guesses::new(PLENTY, ALLOWANCE);
        for n in 0..5 {
            let _ = guesses.attempt(&format!("u{n}"), SOMEWHERE, at(0)).expect("allowed");
        }
        assert!(guesses.attempt("another", SOMEWHERE, at(0)).is_err());
        let elsewhere = IpAddr::from([10, 0, 0, 1]);
        let _ = guesses.attempt("another", elsewhere, at(0)).expect("another address");
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let guesses = Guesses::new(PLENTY, ALLOWANCE);
        for n in 0..5 {
            let address = IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, n]);
            let _ = guesses.attempt("u", address, at(0)).expect("allowed");
        }
        let same = IpAddr::from([0x2001, 0xdb8, 0, 1, 9, 9, 9, 9]);
        assert!(guesses.attempt("u", same, at(0)).is_err());
        let other = IpAddr::from([0x2001, 0xdb8, 0, 2, 0, 0, 0, 1]);
        let _ = guesses.attempt("u", other, at(0)).expect("another network");
    }

    #[test]
    fn an_attempt_that_was_right_does_not_count() {
        let guesses = Guesses::new(ALLOWANCE, ALLOWANCE);
        for _ in 0..100 {
            guesses.attempt("u", SOMEWHERE, at(0)).expect("allowed").give_back();
        }
    }

    #[test]
    fn an_account_that_is_refused_costs_the_address_nothing() {
        let guesses =
            Guesses::new(Allowance { attempts: 1, window: Duration::from_secs(9) }, ALLOWANCE);
        let _ = guesses.attempt("u", SOMEWHERE, at(0)).expect("allowed");
        for _ in 0..100 {
            assert!(guesses.attempt("u", SOMEWHERE, at(0)).is_err());
        }
        let _ = guesses.attempt("v", SOMEWHERE, at(0)).expect("the address has attempts left");
    }

    #[test]
    fn a_flood_of_names_is_bounded_and_does_not_wash_away_the_one_under_attack() {
        let guesses = Guesses::new(ALLOWANCE, PLENTY);
        for _ in 0..5 {
            let _ = guesses.attempt("victim", SOMEWHERE, at(0)).expect("allowed");
        }
        for n in 0..3 * REMEMBERED {
            let _ = guesses.attempt(&format!("u{n}"), SOMEWHERE, at(0)).expect("allowed");
        }
        assert!(guesses.accounts.lock().full_at.len() <= REMEMBERED);
        assert!(guesses.attempt("victim", SOMEWHERE, at(0)).is_err());
    }
}
