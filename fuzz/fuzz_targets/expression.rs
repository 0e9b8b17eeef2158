//! Any bytes as the parameters of a query.
#![no_main]

#[path = "../expression_checks.rs"]
mod expression_checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| expression_checks::expression(bytes));
