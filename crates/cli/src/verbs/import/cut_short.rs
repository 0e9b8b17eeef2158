//! Rows of which it cannot be told whether they are stored.

use std::fmt;

use crate::failure::Failure;

/// The end of a file that is shorter than one that was imported before: the server knows that a block that begins like this
/// one is stored further than these rows go, and no batch that ends where they end. They are the beginning of rows that are
/// stored, or others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CutShort {
    /// The first and the last line.
    pub(super) lines: (u64, u64),
    /// How many rows of the block there are.
    pub(super) rows: usize,
    /// How many the server knows.
    pub(super) stored: usize,
    /// How many rows of the file come before them.
    pub(super) before: u64,
}

impl CutShort {
    /// What to tell and what to do.
    pub(super) fn failure(self) -> Failure {
        let remedy = format!(
            "import the longer file, of which no row is stored twice; or store these rows in any case: the same command with \
             --allow-repeat --skip-rows {}",
            self.before
        );
        Failure::new(self.to_string()).remedy(remedy)
    }
}

impl fmt::Display for CutShort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lines: (first, last), rows, stored, .. } = self;
        write!(
            f,
            "lines {first} to {last} of the file may be stored already and were left out: {stored} rows were imported that \
             begin like the last {rows} rows here"
        )
    }
}

impl std::error::Error for CutShort {}
