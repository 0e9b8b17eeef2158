//! Batches of tables and files that come again after rows of them were deleted: those rows are stored again, and no others.
//!
//! ```text
//! a repeat ─▶ named by its content? ─▶ deletions since it came ─▶ its rows that they mean ─▶ stored
//!                └ no: a device that had no answer; deleted rows stay deleted
//! ```
//!
//! Who sends a table again means its rows. Whether a deletion came before or after a batch is told by the numbers of their
//! journal records: no clock has a say. While it is open which rows a deletion takes, or whether it is made at all, what
//! depends on that is told to come again.

use iobeam_model::BatchId;
use iobeam_wire::batch::{Limits, decode};
use tokio::sync::oneshot;

use crate::corrections::CorrectionState;
use crate::edit::{Edit, RowFilter};
use crate::error::StoreError;
use crate::intake::{self, Incoming, Part};
use crate::lake::delta::TableKey;

use super::Writer;

/// Somebody asks which batches of a stream came into a table.
#[derive(Debug)]
pub(crate) struct Lookup {
    pub(crate) key: TableKey,
    pub(crate) stream: [u8; 16],
    pub(crate) answer: oneshot::Sender<Vec<KnownBatch>>,
}

/// What the sender is told while a deletion has not ended.
pub(super) fn deleting((_, namespace): &TableKey) -> StoreError {
    StoreError::Deleting { namespace: namespace.to_string() }
}

/// Rows of a table that were deleted, or are being deleted.
struct Deletion {
    /// Batches up to this record are meant.
    until: u64,
    filter: RowFilter,
    is_made: bool,
}

/// A batch of a stream that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownBatch {
    /// Its number in the stream.
    pub counter: u64,
    /// Rows of its namespace were deleted since: sent again, those of them that it has are stored again.
    pub is_deleted_from: bool,
}

impl Writer {
    /// Tells which batches of a stream came into a table: those with the highest numbers, at most 512.
    pub(super) fn look_up(&self, Lookup { key, stream, answer }: Lookup) {
        let is_content = BatchId { stream, counter: 0 }.is_content();
        let deleted = is_content.then(|| self.last_deleted(&key)).flatten();
        let numbers = self.receipts.numbers(key.0, stream).into_iter();
        let batches = numbers.map(|(counter, since)| KnownBatch {
            counter,
            is_deleted_from: deleted.is_some_and(|until| since <= until),
        });
        // Whoever asked may be gone.
        let _ = answer.send(batches.collect());
    }

    /// Of a batch that came before, since that record, the rows that were deleted meanwhile; nothing when there are none.
    pub(super) fn deleted_of(&self, part: Part, since: u64) -> Result<Option<Part>, StoreError> {
        let Some(id) = part.head.id.filter(BatchId::is_content) else { return Ok(None) };
        if self.receipts.gone_until(part.key.0, &part.key.1).is_some_and(|until| since <= until) {
            return Ok(Some(part));
        }
        let rows = &part.chunk.rows;
        let (mut made, mut open) = (vec![false; rows.num_rows()], vec![false; rows.num_rows()]);
        for Deletion { filter, is_made, .. } in
            self.deletions(&part.key).into_iter().filter(|deletion| since <= deletion.until)
        {
            let column = |name: &str| Ok::<_, StoreError>(rows.column_by_name(name).cloned());
            let matching = filter.matches(rows.num_rows(), column)?;
            let deleted = if is_made { &mut made } else { &mut open };
            deleted.iter_mut().zip(matching).for_each(|(deleted, matches)| *deleted |= matches);
        }
        if made.iter().zip(&open).any(|(made, open)| *open && !made) {
            return Err(deleting(&part.key));
        }
        let picked: Vec<usize> = (0..made.len()).filter(|row| made[*row]).collect();
        if picked.is_empty() {
            return Ok(None);
        }
        if picked.len() == made.len() {
            return Ok(Some(part));
        }
        let unfit =
            |reason: String| StoreError::Unfit { namespace: part.key.1.to_string(), reason };
        let whole = decode(&part.bytes, &Limits::NONE).map_err(|error| unfit(error.to_string()))?;
        let batch = whole.batch.pick(&picked);
        let partition = part.head.partition.clone();
        let incoming = Incoming { id: Some(id), partition, batch, encoded: None };
        let mut some = intake::part(part.key.0, incoming, &self.tables)?;
        // It is still the same batch.
        some.head.fingerprint = part.head.fingerprint;
        Ok(Some(some))
    }

    /// Up to which record rows of a table were deleted last.
    fn last_deleted(&self, key: &TableKey) -> Option<u64> {
        let rows = self.deletions(key).into_iter().map(|deletion| deletion.until).max();
        rows.max(self.receipts.gone_until(key.0, &key.1))
    }

    /// Which rows of a table were deleted, or are being deleted.
    fn deletions(&self, key: &TableKey) -> Vec<Deletion> {
        let counting = self.corrections.of_table(key).into_iter();
        let counting = counting.filter(|one| one.state != CorrectionState::Failed);
        let deletions = counting.filter_map(|one| {
            let (until, is_made) = (one.deletes_until()?, one.state == CorrectionState::Done);
            let Edit::DeleteRows(filter) = one.edit else { return None };
            Some(Deletion { until, filter, is_made })
        });
        deletions.collect()
    }
}
