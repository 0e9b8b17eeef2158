//! The project's own checks: `cargo xtask tidy`.

mod tidy;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the project");
    match std::env::args().nth(1).as_deref() {
        Some("tidy") => report(&tidy::check(root)),
        other => {
            eprintln!("unknown task {other:?}; there is: tidy");
            ExitCode::from(2)
        }
    }
}

fn report(complaints: &[String]) -> ExitCode {
    for complaint in complaints {
        eprintln!("{complaint}");
    }
    if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
