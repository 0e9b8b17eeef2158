//! Rows that are written together, and what became of them: a table.
//!
//! ```text
//! client.transfer() ─ write(batch) ─▶ number made from its content ─▶ outbox ─▶ stored │ rejected │ waiting
//!                   ─ outcome() ◀────────────────────────────────────────────────────────┘
//! ```
//!
//! Numbers come from the content, so a table that stopped half-way is simply written again: what is stored already is
//! not stored twice. A part that stands twice in one table is told apart by how often it came before.

use std::collections::HashMap;
use std::sync::Arc;

use iobeam_model::{Batch, BatchId};

use crate::content_id::stream_of;
use crate::error::Error;
use crate::fate::Fate;
use crate::outbox::Outbox;
use crate::rejected::Rejected;

/// Rows of one batch at most.
const PART_ROWS: usize = 50_000;
/// Values of one batch at most: wide rows make fewer of them.
const PART_VALUES: usize = 2_000_000;

/// Batches that are written together.
#[derive(Debug)]
pub struct Transfer {
    outbox: Arc<Outbox>,
    /// Whether rows that were stored before are stored again.
    again: Option<[u8; 16]>,
    seen: HashMap<[u8; 16], u64>,
    parts: Vec<(BatchId, u64)>,
}

/// What became of the rows of a [`Transfer`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Rows that the server has, those that it had before included.
    pub stored_rows: u64,
    /// Those of them that it had before.
    pub repeated_rows: u64,
    /// Rows that it refused for good.
    pub rejected_rows: u64,
    /// Rows that wait to be sent.
    pub waiting_rows: u64,
    /// The first refusal.
    pub rejected: Option<Rejected>,
}

impl Transfer {
    pub(crate) fn new(outbox: Arc<Outbox>) -> Self {
        Self { outbox, again: None, seen: HashMap::new(), parts: Vec::new() }
    }

    /// Rows that were stored before are stored again: the batches get numbers of their own.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn store_again(mut self) -> Result<Self, Error> {
        let mut stream = [0; 16];
        getrandom::fill(&mut stream).map_err(|error| Error::Random(error.to_string()))?;
        self.again = Some(stream);
        Ok(self)
    }

    /// Takes rows in, in parts of a size that travels well. `between` is called after each part.
    ///
    /// # Errors
    /// As [`crate::Client::write`]; and what `between` says.
    pub fn write(
        &mut self,
        batch: Batch,
        mut between: impl FnMut() -> Result<(), Error>,
    ) -> Result<(), Error> {
        let most = PART_ROWS.min(PART_VALUES / (batch.columns().len() + 1)).max(1);
        for part in crate::slices::slices(batch, most)? {
            let part = self.outbox.with_own_device(part)?;
            if part.is_empty() {
                continue;
            }
            let id = self.number(&part);
            let rows = part.rows() as u64;
            self.outbox.watched.watch(id);
            self.parts.push((id, rows));
            if let Err(error) = self.outbox.write(part, Some(id)) {
                self.parts.pop();
                self.outbox.watched.unwatch([id]);
                return Err(error);
            }
            between()?;
        }
        Ok(())
    }

    fn number(&mut self, part: &Batch) -> BatchId {
        let stream = self.again.unwrap_or_else(|| stream_of(part));
        let counter = self.seen.entry(stream).or_default();
        *counter += 1;
        BatchId { stream, counter: *counter }
    }

    /// The rows that the server does not have, as ranges: the first, and the one after the last.
    pub fn not_stored(&self) -> Vec<(u64, u64)> {
        let (mut ranges, mut from) = (Vec::<(u64, u64)>::new(), 0);
        for (id, rows) in &self.parts {
            let to = from + rows;
            if !matches!(self.outbox.watched.fate(*id), Fate::Stored { .. }) {
                match ranges.last_mut() {
                    Some(last) if last.1 == from => last.1 = to,
                    _ => ranges.push((from, to)),
                }
            }
            from = to;
        }
        ranges
    }

    /// What became of the rows so far.
    pub fn outcome(&self) -> Outcome {
        let mut outcome = Outcome::default();
        for (id, rows) in &self.parts {
            match self.outbox.watched.fate(*id) {
                Fate::Waiting => outcome.waiting_rows += rows,
                Fate::Stored { repeat } => {
                    outcome.stored_rows += rows;
                    outcome.repeated_rows += if repeat { *rows } else { 0 };
                }
                Fate::Rejected(rejected) => {
                    outcome.rejected_rows += rows;
                    outcome.rejected.get_or_insert(rejected);
                }
            }
        }
        outcome
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        self.outbox.watched.unwatch(self.parts.iter().map(|(id, _)| *id));
    }
}
