//! Any bytes as a spool's row log.
#![no_main]

#[path = "../rows_checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::rows(bytes));
