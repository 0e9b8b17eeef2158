//! Measures the real program and prints a table: `make bench`.
//!
//! Each figure is a median over several runs of this one call, on this machine, with the durability it was measured at.

mod figures;

use std::process::ExitCode;

fn main() -> ExitCode {
    match figures::print_all() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
