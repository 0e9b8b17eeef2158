//! The iobeam command: the platform (`iobeam serve`) and the operator's hand, which speaks HTTP only.
//!
//! ```text
//! words ─▶ args (the original's flags) ─▶ command (clap) ─▶ verbs/x ─▶ session ─▶ api ─▶ server
//!                                                             └──▶ output: table, record or JSON
//! ```
//!
//! Exit status: 0 done, 1 did not work, 2 not understood.

use std::io;
use std::process::ExitCode;

mod command;

mod verbs;

mod session;

mod api;

mod ask;

mod state;

mod value;

mod number;

mod csv_text;

mod args;

mod output;

mod failure;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let tree = command::tree();
    let words = args::rewrite(&tree, std::env::args_os().collect());
    let asks_for_json = words.iter().any(|word| word == "--json");
    match command::run(tree, words) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the answer had enough of it.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let failure = error.downcast_ref::<failure::Failure>();
            if !failure.is_some_and(failure::Failure::is_told) {
                output::Output::new(asks_for_json).error(&error);
            }
            let exit = failure.map_or(1, failure::Failure::exit);
            ExitCode::from(exit)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
