//! Guessing passwords.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::platform::{PASSWORD, Platform};

#[test]
fn guesses_on_an_account_are_refused_with_the_time_to_wait_even_when_right() {
    let platform = Platform::start_with(|config| config.auth.login_attempts = 3);
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
    let platform = Platform::start_with(|config| config.auth.login_attempts = 2);
    platform.person("ada");
    for n in 0..10 {
        platform.log_in(&format!("nobody{n}"), "wrong").refused(401);
    }
    platform.log_in("another", "wrong").refused(429);
    // Where she signed in before, she goes on.
    platform.log_in("ada", PASSWORD).expect(200);
}

/// Tries to sign in from another address of this machine.
fn log_in_from(platform: &Platform, from: [u8; 4], name: &str, password: &str) -> u16 {
    use base64::Engine as _;
    use std::io::{Read as _, Write as _};
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
    let mut stream = crate::platform::connect_from(platform.address(), from);
    write!(
        stream,
        "GET /v1/tokens/user HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {basic}\r\nConnection: close\r\n\r\n"
    )
    .expect("sent");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("a reply");
    if reply.starts_with("HTTP/1.1 429") {
        assert!(reply.to_ascii_lowercase().contains("retry-after: "), "{reply}");
    }
    reply.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
}

#[test]
fn names_of_one_account_share_their_attempts_wherever_they_are_tried_from() {
    let platform = Platform::start_with(|config| config.auth.login_attempts = 4);
    platform.person("ada");
    for (n, name) in ["ada", "ada@example.org", "ADA", "Ada@Example.org"].iter().enumerate() {
        let from = [127, 0, 2, 1 + u8::try_from(n).expect("small")];
        assert_eq!(log_in_from(&platform, from, name, "wrong"), 401);
    }
    for name in ["ada", "ada@example.org"] {
        assert_eq!(log_in_from(&platform, [127, 0, 2, 99], name, PASSWORD), 429);
    }
}

#[test]
fn a_chosen_user_is_not_locked_out_by_the_guesses_of_others() {
    let platform = Platform::start_with(|config| config.auth.login_attempts = 3);
    platform.person("ada");
    let known = platform.browser("ada", PASSWORD);
    for _ in 0..5 {
        // Guesses from elsewhere, until they are refused.
        while log_in_from(&platform, [127, 0, 3, 1], "ada", "wrong") != 429 {}
        assert_eq!(log_in_from(&platform, [127, 0, 3, 2], "ada", PASSWORD), 429, "a stranger");
        platform.log_in("ada", PASSWORD).expect(200);
    }
    // Guesses from her own address: the browser that she signed in with before goes on, also without a session.
    while platform.log_in("ada", "wrong").status != 429 {}
    platform.log_in("ada", PASSWORD).refused(429);
    platform.visit(&known, ("DELETE", "/v1/session"), None, &json!(null)).expect_empty(204);
    let body = json!({"name": "ada@example.org", "password": PASSWORD}).to_string();
    let sign_in = |cookie: &str| {
        platform.send("POST", "/v1/session", &[("Cookie", cookie)], Some(&body)).status
    };
    assert_eq!(sign_in(&known.known), 200);
    assert_eq!(sign_in("iobeam_known=1.00.forged"), 429);
    // The cookie is no licence to guess, and none for the account of another.
    let guess = json!({"name": "ada", "password": "wrong"}).to_string();
    let guess = || platform.send("POST", "/v1/session", &[("Cookie", &known.known)], Some(&guess));
    while guess().status != 429 {}
}

#[test]
fn logging_in_rightly_many_times_is_never_refused() {
    let platform = Platform::start_with(|config| config.auth.login_attempts = 2);
    platform.person("ada");
    for _ in 0..15 {
        platform.log_in("ada", PASSWORD).expect(200);
    }
}

#[test]
fn keys_and_codes_cannot_be_guessed_for_long_either() {
    let platform = Platform::start_with(|config| config.auth.login_attempts = 1);
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
    let platform = Platform::start_with(|config| config.auth.login_attempts = 2);
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
    let platform = Platform::start_with(|config| config.auth.login_attempts = 1000);
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
