//! The iobeam command.
fn main() {}
