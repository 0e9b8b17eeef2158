//! Batches of tables and files that come again after rows of them were deleted: those rows are stored again, and no others.
//!
//! ```text
//! a repeat ─▶ named by its content? ─▶ deletions since it came ─▶ its rows that they mean ─▶ stored
//!                └ no: a device that had no answer; deleted rows stay deleted
//! ```
//!
//! Who sends a table again means its rows. Whether a deletion came before or after a batch is told by the time of
//! receipts, which each deletion advances.

use iobeam_model::{BatchId, NamespaceName, ProjectId};
use iobeam_wire::batch::{Limits, decode};

use crate::corrections::CorrectionState;
use crate::edit::{Edit, RowFilter};
use crate::error::StoreError;
use crate::intake::{self, Incoming, Part};
use crate::lake::delta::TableKey;

use super::Writer;

/// What was deleted of a table.
enum Deleted {
    All,
    /// The rows that any of these filters means.
    Rows(Vec<RowFilter>),
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
    /// The batches of streams that came into a namespace, of each stream at most 512.
    pub(super) fn known_batches(
        &self,
        project: ProjectId,
        namespace: &NamespaceName,
        streams: &[[u8; 16]],
    ) -> Vec<Vec<KnownBatch>> {
        let key = (project, namespace.clone());
        let known = |stream: &[u8; 16]| {
            let numbers = self.receipts.numbers(project, *stream).into_iter();
            let batches = numbers.map(|(counter, came)| KnownBatch {
                counter,
                is_deleted_from: BatchId { stream: *stream, counter }.is_content()
                    && !matches!(self.deleted_since(&key, came), Deleted::Rows(none) if none.is_empty()),
            });
            batches.collect()
        };
        streams.iter().map(known).collect()
    }

    /// Of a batch that came before, the rows that were deleted since; nothing when there are none.
    pub(super) fn deleted_of(&self, part: Part, came: u32) -> Result<Option<Part>, StoreError> {
        let Some(id) = part.head.id.filter(BatchId::is_content) else { return Ok(None) };
        let filters = match self.deleted_since(&part.key, came) {
            Deleted::All => return Ok(Some(part)),
            Deleted::Rows(filters) => filters,
        };
        let rows = &part.chunk.rows;
        let mut deleted = vec![false; rows.num_rows()];
        for filter in &filters {
            let column = |name: &str| Ok::<_, StoreError>(rows.column_by_name(name).cloned());
            let matching = filter.matches(rows.num_rows(), column)?;
            for (deleted, matches) in deleted.iter_mut().zip(matching) {
                *deleted |= matches;
            }
        }
        let picked: Vec<usize> = (0..deleted.len()).filter(|row| deleted[*row]).collect();
        if picked.is_empty() {
            return Ok(None);
        }
        if picked.len() == deleted.len() {
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

    /// What was deleted of a table since a batch came.
    fn deleted_since(&self, key: &TableKey, came: u32) -> Deleted {
        if self.receipts.gone_until(key.0, &key.1).is_some_and(|until| until >= came) {
            return Deleted::All;
        }
        let of_table = self.corrections.of_table(key).into_iter();
        let since = of_table.filter(|one| {
            one.state != CorrectionState::Failed
                && one.receipts_until.is_some_and(|until| until >= came)
        });
        Deleted::Rows(
            since
                .filter_map(|one| match one.edit {
                    Edit::DeleteRows(filter) => Some(filter),
                    _ => None,
                })
                .collect(),
        )
    }
}
