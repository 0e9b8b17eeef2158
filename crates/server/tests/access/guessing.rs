//! Guessing passwords.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::platform::{PASSWORD, Platform};

#[test]
fn guesses_on_an_account_are_refused_with_the_time_to_wait_even_when_right() {
    let platform = Platform::start_with(|config| config.login_attempts = 3);
    platform.person("ada");
    platform.person("bob");
    for _ in 0..3 {
        let wrong = platform.log_in("ada", "wrong");
        wrong.refused(401);
        assert_eq!(wrong.headers["www-authenticate"], "Bearer");
    }
    for password in ["wrong", PASSWORD] {
        let refused = platform.log_in("ada", password);
        refused.refused(429);
        let wait: u64 =
            refused.headers["retry-after"].to_str().expect("ascii").parse().expect("a number");
        assert!((1..=300).contains(&wait), "{wait}");
    }
    let by_query = platform
        .get(&format!("/v1/tokens/user?name=ada&password={PASSWORD}").replace(' ', "+"), "");
    by_query.refused(429);
    platform.log_in("bob", PASSWORD).expect(200);
}

#[test]
fn guesses_from_an_address_are_refused_whatever_the_account() {
    let platform = Platform::start_with(|config| config.login_attempts = 2);
    platform.person("ada");
    for n in 0..10 {
        platform.log_in(&format!("nobody{n}"), "wrong").refused(401);
    }
    platform.log_in("another", "wrong").refused(429);
    platform.log_in("ada", PASSWORD).refused(429);
}

#[test]
fn logging_in_rightly_many_times_is_never_refused() {
    let platform = Platform::start_with(|config| config.login_attempts = 2);
    platform.person("ada");
    for _ in 0..15 {
        platform.log_in("ada", PASSWORD).expect(200);
    }
}

#[test]
fn keys_and_codes_cannot_be_guessed_for_long_either() {
    let platform = Platform::start_with(|config| config.login_attempts = 1);
    for _ in 0..5 {
        let body = json!({"verification_key": "guess"});
        platform.post("/v1/users/email", "", &body).refused(400);
    }
    platform.post("/v1/users/email", "", &json!({"verification_key": "guess"})).refused(429);
    let body = json!({"reset_key": "guess", "password": PASSWORD});
    platform.post("/v1/users/password", "", &body).refused(429);
}

#[test]
fn letters_cannot_be_sent_without_end() {
    let platform = Platform::start_with(|config| config.login_attempts = 2);
    let ada = platform.person("ada");
    let path = format!("/v1/users/password?reset={}", ada.email);
    platform.get(&path, "").expect_empty(204);
    platform.get(&path, "").expect_empty(204);
    platform.get(&path, "").refused(429);
    // Her own log-in is not what was counted.
    platform.log_in("ada", PASSWORD).expect(200);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long a reply takes is what is asked here")]
fn an_unknown_user_takes_as_long_as_a_wrong_password() {
    let platform = Platform::start_with(|config| config.login_attempts = 1000);
    platform.person("ada");
    let once = |name: &str| {
        let begun = Instant::now();
        platform.log_in(name, "wrong").refused(401);
        begun.elapsed()
    };
    // The shortest of many, by turns: whatever else this machine does makes some of both longer. Without the work of
    // hashing, the one would take a small part of the other.
    let times: Vec<(Duration, Duration)> = (0..25).map(|_| (once("ada"), once("nobody"))).collect();
    let known = times.iter().map(|(known, _)| known).min().expect("some");
    let unknown = times.iter().map(|(_, unknown)| unknown).min().expect("some");
    let ratio = known.as_secs_f64() / unknown.as_secs_f64();
    assert!((0.25..4.0).contains(&ratio), "{known:?} {unknown:?}");
}
