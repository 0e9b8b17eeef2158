//! Any lines as the headers of a request that may bring a session.
#![no_main]

#[path = "../../crates/server/src/endpoints/http/cookie.rs"]
#[allow(dead_code)]
mod cookie;

#[path = "../cookie_checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::headers(bytes));
