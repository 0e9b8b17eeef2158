#![doc = include_str!("../README.md")]

pub mod batches;

pub mod fleet;

pub mod disk;

pub mod clock;

pub mod chance;

pub use chance::Chance;
pub use clock::TestClock;
pub use disk::{Fault, FaultyDisk, Operation};
pub use fleet::{Disorder, Fleet, Kind};
