//! The head of a batch: everything one can know without unpacking its body.
//!
//! ```text
//! ├─ 40 bytes, fixed ─┼─ 24 bytes batch id, if flagged ─┼─ name of the namespace ─┤ body …
//! ```
//!
//! The head has a checksum of its own, so that what [`super::peek`] tells can be relied on.

use iobeam_model::{BatchId, NamespaceName};

use super::packing::Compression;
use crate::error::CodecError;

const MAGIC: [u8; 4] = [0xb7, b'i', b'o', b'b'];
const VERSION: u8 = 1;
const FIXED: usize = 40;
const ID: usize = 24;
const HAS_ID: u8 = 1;

/// The head, as fields.
pub(super) struct Head {
    pub(super) compression: Compression,
    pub(super) rows: u32,
    pub(super) columns: u32,
    /// Bytes of the body as it stands.
    pub(super) body: u64,
    /// Bytes of the body once unpacked.
    pub(super) unpacked: u64,
    pub(super) body_crc: u32,
    pub(super) id: Option<BatchId>,
    pub(super) namespace: NamespaceName,
}

impl Head {
    /// How many bytes the head takes.
    pub(super) fn length(&self) -> usize {
        FIXED + if self.id.is_some() { ID } else { 0 } + self.namespace.as_str().len()
    }

    /// How many bytes the batch takes.
    pub(super) fn total_length(&self) -> Result<usize, CodecError> {
        usize::try_from(self.body)
            .ok()
            .and_then(|body| body.checked_add(self.length()))
            .ok_or(CodecError::Malformed { what: "its length exceeds any memory" })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        let name = self.namespace.as_str();
        out.extend_from_slice(&MAGIC);
        let flags = if self.id.is_some() { HAS_ID } else { 0 };
        out.extend_from_slice(&[VERSION, self.compression.code(), flags, name.len() as u8]);
        out.extend_from_slice(&self.rows.to_le_bytes());
        out.extend_from_slice(&self.columns.to_le_bytes());
        out.extend_from_slice(&self.body.to_le_bytes());
        out.extend_from_slice(&self.unpacked.to_le_bytes());
        out.extend_from_slice(&self.body_crc.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        if let Some(id) = self.id {
            out.extend_from_slice(&id.stream);
            out.extend_from_slice(&id.counter.to_le_bytes());
        }
        out.extend_from_slice(name.as_bytes());
        let crc = checksum(&out[start..]);
        out[start + FIXED - 4..start + FIXED].copy_from_slice(&crc.to_le_bytes());
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, CodecError> {
        let begin = &bytes[..bytes.len().min(MAGIC.len())];
        if !MAGIC.starts_with(begin) {
            return Err(CodecError::NotABatch { found: begin.to_vec() });
        }
        if let Some(&found) = bytes.get(4)
            && found != VERSION
        {
            return Err(CodecError::Version { found, known: VERSION });
        }
        let cut_off =
            |needed: usize| CodecError::CutOff { needed: needed as u64, found: bytes.len() as u64 };
        let fixed = bytes.first_chunk::<FIXED>().ok_or_else(|| cut_off(FIXED))?;
        let flags = fixed[6];
        let id_length = if flags & HAS_ID == 0 { 0 } else { ID };
        let length = FIXED + id_length + usize::from(fixed[7]);
        let head = bytes.get(..length).ok_or_else(|| cut_off(length))?;
        if checksum(head) != u32_at(fixed, 36) {
            return Err(CodecError::Checksum { part: "head" });
        }
        if flags & !HAS_ID != 0 {
            return Err(CodecError::Malformed {
                what: "it has flags that version 1 does not know",
            });
        }
        let name = std::str::from_utf8(&head[FIXED + id_length..]).ok();
        Ok(Self {
            compression: Compression::from_code(fixed[5])?,
            rows: u32_at(fixed, 8),
            columns: u32_at(fixed, 12),
            body: u64_at(fixed, 16),
            unpacked: u64_at(fixed, 24),
            body_crc: u32_at(fixed, 32),
            id: head[FIXED..].first_chunk::<ID>().filter(|_| id_length != 0).map(read_id),
            namespace: name
                .and_then(|name| name.parse().ok())
                .ok_or(CodecError::Malformed { what: "the namespace's name is not a name" })?,
        })
    }
}

/// Over all of the head but the four bytes that hold it.
fn checksum(head: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&head[..FIXED - 4]), &head[FIXED..])
}

fn read_id(bytes: &[u8; ID]) -> BatchId {
    let mut stream = [0; 16];
    stream.copy_from_slice(&bytes[..16]);
    BatchId { stream, counter: u64_at(bytes, 16) }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(four)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(eight)
}
