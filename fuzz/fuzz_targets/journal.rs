//! Any bytes as a journal's file.
#![no_main]

#[path = "../journal_checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::journal(bytes));
