//! What background sending tells a program that wants to hear of it, and how much a line of its log matters.

use std::sync::Arc;

use crate::rejected::Rejected;

/// Something that happened while nobody was waiting for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The server stored rows.
    Sent {
        /// How many.
        rows: u64,
    },
    /// Sending, or writing to the spool, did not work. It will be tried again.
    Failed {
        /// Why.
        message: String,
    },
    /// Rows were dropped, as many as may wait did.
    Dropped {
        /// How many.
        rows: u64,
    },
    /// The server refused a batch for good; it was set aside.
    Rejected {
        /// Which, and why.
        batch: Rejected,
    },
}

/// How much a line of the log matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Readings are late, refused or lost, or a file is damaged.
    Warning,
    /// It works again.
    Info,
}

/// Who wants to hear.
#[derive(Clone)]
pub(crate) struct Listener(pub(crate) Arc<dyn Fn(&Event) + Send + Sync>);

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Listener")
    }
}
