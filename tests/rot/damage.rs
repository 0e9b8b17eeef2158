//! What is done to a file.

use std::fmt;

/// How it is damaged.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Bits of a byte.
    Flip(usize, u8),
    /// It ends there.
    Cut(usize),
    /// So many bytes from there on are zero.
    Zeros(usize, usize),
    /// It is not there.
    Gone,
}

/// One damaged file.
#[derive(Clone, Debug)]
pub(crate) struct Damage {
    /// Below the data directory.
    pub(crate) path: String,
    pub(crate) kind: Kind,
}

impl Damage {
    /// What becomes of a file's bytes; none when it is gone.
    pub(crate) fn apply(&self, sound: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = sound.to_vec();
        match self.kind {
            Kind::Gone => return None,
            Kind::Flip(at, bits) => bytes[at] ^= bits,
            Kind::Cut(at) => bytes.truncate(at),
            Kind::Zeros(at, count) => bytes[at..at + count].fill(0),
        }
        Some(bytes)
    }

    /// Whether a text tells of it: by the file's name, or by that of what it belongs to.
    pub(crate) fn is_named_in(&self, text: &str) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        let whole = match self.path.split('/').next() {
            // Each part of these is told as the whole.
            Some("journal") => "journal",
            Some("receipts") => "receipts",
            // An order and the values of it that did not convert.
            Some("corrections") => "corrections",
            Some(part) if part.starts_with("catalog.") => "catalog.db",
            // A log without one of its commits is told by its folder.
            Some("lake") if self.is_commit() => "_delta_log",
            _ => name,
        };
        text.contains(name) || text.contains(whole)
    }

    /// Whether a text tells of the table that it belongs to: a commit that is gone leaves files that no commit names.
    pub(crate) fn is_of_table_in(&self, text: &str) -> bool {
        let end = self.path.match_indices('/').nth(2).map(|(at, _)| at);
        end.is_some_and(|end| self.path.starts_with("lake/") && text.contains(&self.path[..end]))
    }

    /// Whether it is a commit of a table.
    pub(crate) fn is_commit(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        self.path.contains("/_delta_log/") && name.starts_with('0')
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}: {:?}", self.path, self.kind)
    }
}
