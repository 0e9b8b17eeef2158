//! What comes in, and what is made ready by the caller's own task before the writer sees it.
//!
//! ```text
//! Write { batches, body hash } ─▶ encode, build Arrow, fingerprint ─▶ Prepared ─▶ the writer's inbox
//! ```
//!
//! The writer is one thread: whatever can be done beforehand is done here, on as many cores as there are callers.

use bytes::Bytes;
use iobeam_model::{Batch, BatchId, FieldName, FieldType, ProjectId};
use iobeam_wire::batch::{Compression, encode};
use tokio::sync::oneshot;

use crate::chunk;
use crate::error::StoreError;
use crate::lake::delta::TableKey;
use crate::memtable::Tables;
use crate::receipts::body_key;
use crate::snapshot::Chunk;
use crate::wal::BatchHead;

/// What is to be stored together: whole or not at all.
#[derive(Clone, Debug)]
pub struct Write {
    /// Whose rows these are.
    pub project: ProjectId,
    /// The rows, a batch for each namespace (or several).
    pub batches: Vec<Incoming>,
    /// The hash of the request's body, by which a repeat of it within 24 hours is recognised. It counts only when
    /// some batch has no id.
    pub body_hash: Option<u128>,
}

/// A batch on its way in.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// Its number, when the sender numbers its batches.
    pub id: Option<BatchId>,
    /// The field by which the namespace is partitioned; a STRING column where the batch has it.
    pub partition: FieldName,
    /// The rows. Field types have been checked against the catalog.
    pub batch: Batch,
    /// The batch's bytes as they came in, if they did; else the store makes its own.
    pub encoded: Option<Bytes>,
}

/// The answer to a write: it is on disk, and visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Rows of the write, whether stored now or before.
    pub rows: u64,
    /// All of it had been stored before, and nothing was stored now.
    pub repeat: bool,
    /// Of the rows stored now, those that are past the retention: nothing will ever show them.
    pub expired: u64,
}

/// Where a write's answer goes.
pub(crate) type Answer = oneshot::Sender<Result<Receipt, StoreError>>;

/// Where it is said that something was done.
pub(crate) type Confirm = oneshot::Sender<Result<(), StoreError>>;

/// A write that is ready for the writer.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) project: ProjectId,
    pub(crate) body: Option<u128>,
    pub(crate) parts: Vec<Part>,
    pub(crate) rows: u64,
    /// Bytes it takes in memory while it waits.
    pub(crate) weight: usize,
}

/// A batch that is ready.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) key: TableKey,
    pub(crate) head: BatchHead,
    pub(crate) chunk: Chunk,
    pub(crate) bytes: Bytes,
}

/// Does to a write what can be done without the writer. Batches without rows fall away.
pub(crate) fn prepare(write: Write, tables: &Tables) -> Result<Prepared, StoreError> {
    let Write { project, batches, body_hash } = write;
    let numbered = batches.iter().all(|incoming| incoming.id.is_some());
    let parts = batches
        .into_iter()
        .filter(|incoming| !incoming.batch.is_empty())
        .map(|incoming| part(project, incoming, tables))
        .collect::<Result<Vec<_>, _>>()?;
    if u16::try_from(parts.len()).is_err() {
        let namespace = parts.first().map(|part| part.key.1.to_string()).unwrap_or_default();
        return Err(StoreError::Unfit {
            namespace,
            reason: format!(
                "{} batches at once are too many; send at most {}",
                parts.len(),
                u16::MAX
            ),
        });
    }
    Ok(Prepared {
        project,
        body: body_hash.filter(|_| !numbered).map(|hash| body_key(project, hash)),
        rows: parts.iter().map(|part| u64::from(part.head.rows)).sum(),
        weight: parts.iter().map(|part| chunk::weight(&part.chunk) + part.bytes.len()).sum(),
        parts,
    })
}

/// Makes one batch ready.
pub(crate) fn part(
    project: ProjectId,
    incoming: Incoming,
    tables: &Tables,
) -> Result<Part, StoreError> {
    let Incoming { id, partition, batch, encoded } = incoming;
    let key = (project, batch.namespace().clone());
    let unfit = |reason: String| StoreError::Unfit { namespace: key.1.to_string(), reason };
    if let Some(column) = batch.column(partition.as_str())
        && column.values().field_type() != FieldType::String
    {
        let found = column.values().field_type();
        return Err(unfit(format!(
            "'{partition}' is the partitioning field and takes STRING, not {found}"
        )));
    }
    let bytes = encoded.unwrap_or_else(|| encode(&batch, id, Compression::None).into());
    let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= MAX_BATCH);
    let head = BatchHead {
        id,
        partition,
        rows: batch.rows() as u32,
        fingerprint: fingerprint(batch.times()),
        length: length.ok_or_else(|| unfit("the batch is too large; split it".to_owned()))?,
    };
    let snapshot = tables.snapshot(&key);
    let like = snapshot.chunks.last().map(|chunk| chunk.rows.schema_ref());
    let chunk = chunk::from_batch(batch, like).map_err(|error| unfit(error.to_string()))?;
    Ok(Part { key, head, chunk, bytes })
}

/// Most bytes of one batch; the journal takes records of up to 1 GiB.
const MAX_BATCH: u32 = 1 << 29;

/// Tells batches with other rows apart, whichever way they are encoded.
fn fingerprint(times: &[i64]) -> u32 {
    let mut bytes = [0; 512];
    times.chunks(64).fold(times.len() as u32, |crc, times| {
        for (place, time) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(times) {
            *place = time.to_le_bytes();
        }
        crc32c::crc32c_append(crc, &bytes[..times.len() * 8])
    })
}
