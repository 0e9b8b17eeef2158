#![doc = include_str!("../README.md")]

mod journal;

mod recovery;

mod records;

mod scan;

mod record;

mod segment;

mod marks;

pub mod disk;

mod error;

use std::fmt;

pub use disk::{Disk, DiskFile, DiskLock, RealDisk};
pub use error::JournalError;
pub use journal::{Journal, Options};
pub use records::{Record, Records};
pub use recovery::{Damage, Recovery, Torn, inspect};

/// A record's place in the journal: 1 for the first ever, each next one more. 0 stands before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

impl Seq {
    /// The one after this.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
