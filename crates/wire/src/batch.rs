//! The batch format: one batch as bytes. A record of the device's spool, the body of a binary import and a record of
//! the server's log are these same bytes.
//!
//! ```text
//! head   0  magic  b7 'i' 'o' 'b'    4 version 1   5 compression   6 flags   7 length of the namespace's name
//!        8  rows u32                12 columns u32
//!       16  bytes of the body u64   24 bytes of the body once unpacked u64
//!       32  crc32c of the body      36 crc32c of the head (all of it but these four bytes)
//!       40  batch id: stream 16, counter u64 (only with flag 1)  │  the namespace's name
//! body  times  │  column: name, type, flags, which rows have a value, values  │  column  │  …
//! ```
//!
//! All numbers are little-endian. How values are laid out is said by the values themselves (`integers`, `doubles`,
//! `texts`), so that a writer may choose and each reader understands all; `docs/reference/batch-format.md` has it byte
//! by byte. Batches may follow one another without anything between them.
//!
//! Invariants: what decodes is a sound [`Batch`]; no byte can change unnoticed; nothing is allocated before its size
//! was held against [`Limits`]; what version 1 wrote can be read for ever (`golden/`).

mod head;

mod column;

mod doubles;

mod texts;

mod integers;

mod reader;

mod packing;

use iobeam_model::{Batch, BatchId, NamespaceName};

use crate::error::CodecError;
use head::Head;
use packing::Layout;
use reader::{Budget, Reader};

pub use packing::Compression;

/// The media type of one or many batches.
pub const MEDIA_TYPE: &str = "application/vnd.iobeam.batch";

/// How much a reader takes: of one batch, or of all that [`decode_all`] finds together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most rows.
    pub max_rows: u32,
    /// Most columns in one batch.
    pub max_columns: u32,
    /// Most bytes, both of the unpacked body and of the columns made from it.
    pub max_bytes: usize,
}

impl Limits {
    /// For bytes that were checked when they came in: the own spool, the own log.
    pub const NONE: Self =
        Self { max_rows: u32::MAX, max_columns: u32::MAX, max_bytes: usize::MAX };
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_rows: 1_000_000, max_columns: 1_000, max_bytes: 64 << 20 }
    }
}

/// What the head of a batch tells without a look at the columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Which batch it is, when its sender numbers them.
    pub id: Option<BatchId>,
    /// How many rows it has.
    pub rows: u32,
    /// How many columns it has beside the time.
    pub columns: u32,
    /// How many bytes the whole batch takes, head included.
    pub length: usize,
    /// The namespace its rows belong to.
    pub namespace: NamespaceName,
    /// How its body is compressed.
    pub compression: Compression,
}

/// A batch and what stood in its head.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// Which batch it is, when its sender numbers them.
    pub id: Option<BatchId>,
    /// The rows.
    pub batch: Batch,
    /// How many bytes it took; the next batch begins there.
    pub length: usize,
}

/// Writes a batch. With [`Compression::None`] values are written as they lie in memory; with any other they are
/// first brought into a form that compresses well, which is slower.
///
/// ```
/// use iobeam_model::{Batch, Column, Values};
/// use iobeam_wire::batch::{Compression, Limits, decode, encode};
///
/// let temperature = Column::new("temperature".parse()?, Values::Double(vec![22.5, 22.25]), None)?;
/// let batch = Batch::new("input".parse()?, vec![1_427_316_488_000_000, 1_427_316_489_000_000], vec![temperature])?;
/// let bytes = encode(&batch, None, Compression::Zstd);
/// assert_eq!(decode(&bytes, &Limits::default())?.batch, batch);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn encode(batch: &Batch, id: Option<BatchId>, compression: Compression) -> Vec<u8> {
    let layout = Layout::of(compression, batch.rows());
    let mut body = Vec::with_capacity(64 + batch.rows() * (8 + 8 * batch.columns().len()));
    integers::encode(&mut body, batch.times(), layout);
    for column in batch.columns() {
        column::encode(&mut body, column, layout);
    }
    let unpacked = body.len();
    let (compression, body) = packing::pack(body, compression);
    let head = Head {
        compression,
        rows: batch.rows() as u32,
        columns: batch.columns().len() as u32,
        body: body.len() as u64,
        unpacked: unpacked as u64,
        body_crc: crc32c::crc32c(&body),
        id,
        namespace: batch.namespace().clone(),
    };
    let mut bytes = Vec::with_capacity(head.length() + body.len());
    head.write(&mut bytes);
    bytes.extend_from_slice(&body);
    bytes
}

/// Reads the head of the batch that `bytes` begin with. The body need not be there; `header.length` tells how
/// many bytes there should be.
///
/// # Errors
/// When the bytes do not begin with the whole, sound head of a batch.
pub fn peek(bytes: &[u8]) -> Result<Header, CodecError> {
    let head = Head::read(bytes)?;
    Ok(Header {
        length: head.total_length()?,
        id: head.id,
        rows: head.rows,
        columns: head.columns,
        namespace: head.namespace,
        compression: head.compression,
    })
}

/// Reads the batch that `bytes` begin with.
///
/// # Errors
/// When they do not begin with a batch, are cut off or damaged, or exceed the limits.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, CodecError> {
    let mut budget = Budget::new(limits);
    decode_within(bytes, &mut budget)
}

/// Reads all batches that `bytes` consist of. The limits are for all of them together.
///
/// # Errors
/// When anything in them is not a batch, or the limits are exceeded.
pub fn decode_all(bytes: &[u8], limits: &Limits) -> Result<Vec<Decoded>, CodecError> {
    let mut budget = Budget::new(limits);
    let mut rest = bytes;
    let mut all = Vec::new();
    while !rest.is_empty() {
        // An empty batch costs its reader memory too.
        budget.take(size_of::<Decoded>())?;
        let decoded = decode_within(rest, &mut budget)?;
        rest = &rest[decoded.length..];
        all.push(decoded);
    }
    Ok(all)
}

fn decode_within(bytes: &[u8], budget: &mut Budget) -> Result<Decoded, CodecError> {
    let head = Head::read(bytes)?;
    let length = head.total_length()?;
    let Some(body) = bytes.get(head.length()..length) else {
        return Err(CodecError::CutOff { needed: length as u64, found: bytes.len() as u64 });
    };
    if crc32c::crc32c(body) != head.body_crc {
        return Err(CodecError::Checksum { part: "body" });
    }
    budget.admit(head.rows, head.columns, head.unpacked)?;
    let body = packing::unpack(body, head.compression, head.unpacked as usize)?;
    let mut reader = Reader::new(&body);
    let rows = head.rows as usize;
    budget.take_each(rows, 8)?;
    let times = integers::decode(&mut reader, rows)?;
    let mut columns = Vec::new();
    for _ in 0..head.columns {
        columns.push(column::decode(&mut reader, rows, budget)?);
    }
    if !reader.is_at_end() {
        return Err(CodecError::Malformed { what: "bytes follow its last column" });
    }
    let batch = Batch::new(head.namespace, times, columns)?;
    Ok(Decoded { id: head.id, batch, length })
}

#[cfg(test)]
mod tests;
