//! The checksums of a Parquet file's blocks, and how they stand in the file itself.
//!
//! ```text
//! PAR1 │ row groups │ last rows │ page index │ footer … ┊ extension: header, length, checksums, trailer │ stop │ length │ PAR1
//! └──────────── blocks of 32 KiB ──────────────────────┘└───────────────── tail ──────────────────────────────────────────┘
//! ```
//!
//! The footer is a Thrift structure, and its last byte closes it. In front of that byte stands one more field of the
//! number that the Parquet format keeps for extensions: every reader passes over it. It holds a checksum for each block
//! of all bytes before it. The bytes from the field on are the tail: its own checksum stands in the table's Delta log.

use std::io;

use iobeam_journal::DiskFile;

/// Bytes that one checksum covers: what is read at least to read anything.
pub(crate) const BLOCK_BYTES: u32 = 32 << 10;
/// The header of a binary field with the number 32767, in Thrift's compact form.
const FIELD_HEADER: [u8; 4] = [0x08, 0xFE, 0xFF, 0x03];
/// Ends the extension.
const MAGIC: &[u8; 7] = b"IOBSUMS";
const VERSION: u8 = 1;
/// Checksum of the extension, number of blocks, bytes of a block, version, magic.
const TRAILER_BYTES: usize = 4 + 4 + 4 + 1 + MAGIC.len();
/// What closes every Parquet file: the footer's stop byte, the footer's length, `PAR1`.
pub(crate) const CLOSING_BYTES: usize = 1 + 4 + 4;

/// Computes the checksums of blocks of bytes that come one after the other.
#[derive(Debug)]
pub(crate) struct SumWriter {
    sums: Vec<u32>,
    /// The checksum of the block that is not full yet, and its bytes so far.
    open: (u32, u32),
    bytes: u64,
}

impl SumWriter {
    pub(crate) const fn new() -> Self {
        Self { sums: Vec::new(), open: (0, 0), bytes: 0 }
    }

    /// The next bytes of the file.
    pub(crate) fn add(&mut self, mut bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        while !bytes.is_empty() {
            let room = (BLOCK_BYTES - self.open.1) as usize;
            let (now, later) = bytes.split_at(bytes.len().min(room));
            self.open.0 = crc32c::crc32c_append(self.open.0, now);
            self.open.1 += now.len() as u32;
            if self.open.1 == BLOCK_BYTES {
                self.sums.push(self.open.0);
                self.open = (0, 0);
            }
            bytes = later;
        }
    }

    /// The checksums of all blocks, the last of which may be short.
    fn finish(mut self) -> (Box<[u32]>, u64) {
        if self.open.1 > 0 {
            self.sums.push(self.open.0);
        }
        (self.sums.into(), self.bytes)
    }

    /// What the file ends with in place of the closing bytes that a Parquet writer gave it, all before which were
    /// added. Nothing when these are no closing bytes.
    pub(crate) fn tail(self, closing: &[u8]) -> Option<Vec<u8>> {
        let closing: [u8; CLOSING_BYTES] = closing.try_into().ok()?;
        let [0, length @ .., b'P', b'A', b'R', b'1'] = closing else { return None };
        let (sums, covered) = self.finish();
        let mut payload: Vec<u8> = sums.iter().flat_map(|sum| sum.to_le_bytes()).collect();
        let count = u32::try_from(sums.len()).ok()?;
        let own = own_sum(&payload, covered, BLOCK_BYTES);
        payload.extend(own.to_le_bytes());
        payload.extend(count.to_le_bytes());
        payload.extend(BLOCK_BYTES.to_le_bytes());
        payload.push(VERSION);
        payload.extend(MAGIC);
        let mut tail = FIELD_HEADER.to_vec();
        tail.extend(varint(payload.len()));
        tail.extend(&payload);
        let more = u32::try_from(tail.len()).ok()?;
        tail.push(0);
        tail.extend(u32::from_le_bytes(length).checked_add(more)?.to_le_bytes());
        tail.extend(b"PAR1");
        Some(tail)
    }

    /// The checksums of a file of which all bytes were added, and which has no tail of ours.
    pub(crate) fn whole(self) -> Sums {
        let (sums, covered) = self.finish();
        Sums { block: u64::from(BLOCK_BYTES), blocks: sums, covered, size: covered, tail: 0 }
    }
}

/// The checksum that the extension has of itself.
fn own_sum(sums: &[u8], covered: u64, block: u32) -> u32 {
    let sum = crc32c::crc32c_append(crc32c::crc32c(sums), &covered.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(sum, &block.to_le_bytes()), &[VERSION])
}

fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// The checksums of a file.
#[derive(Debug)]
pub(crate) struct Sums {
    block: u64,
    blocks: Box<[u32]>,
    /// Bytes that the blocks cover; what follows is the tail.
    covered: u64,
    size: u64,
    /// The checksum of the tail.
    tail: u32,
}

/// What the end of a file says of its checksums.
pub(crate) enum Found {
    /// These, by which the tail itself has been checked.
    Sums(Sums),
    /// Nothing: an earlier version or another program wrote the file.
    None,
    /// What is wrong with them.
    Damaged(&'static str),
}

impl Sums {
    /// Reads them from the end of a file of that size; `expected` is what its table says is the checksum of its tail.
    pub(crate) fn read(file: &dyn DiskFile, size: u64, expected: Option<u32>) -> io::Result<Found> {
        let least = TRAILER_BYTES + CLOSING_BYTES;
        let none = |what| if expected.is_some() { Found::Damaged(what) } else { Found::None };
        let Some(start) = size.checked_sub(least as u64) else {
            return Ok(none("it is too short"));
        };
        let end = read(file, start, size)?;
        let number = |at: usize| u32::from_le_bytes(std::array::from_fn(|byte| end[at + byte]));
        let (own, count, block, version) = (number(0), number(4), number(8), end[12]);
        if end[13..TRAILER_BYTES] != *MAGIC {
            return Ok(none("its checksums are not where they should be"));
        }
        let wrong = Found::Damaged("its end is not what was written");
        let payload = count as usize * 4 + TRAILER_BYTES;
        let before = FIELD_HEADER.len() + varint(payload).len();
        let tail = (before + payload + CLOSING_BYTES) as u64;
        let Some(covered) = size.checked_sub(tail) else { return Ok(wrong) };
        let is_known = version == VERSION && block > 0;
        if !is_known || covered.div_ceil(u64::from(block)) != u64::from(count) {
            return Ok(wrong);
        }
        let bytes = read(file, covered, size)?;
        let sum = crc32c::crc32c(&bytes);
        let sums = &bytes[before..before + count as usize * 4];
        if expected.is_some_and(|expected| expected != sum) || own_sum(sums, covered, block) != own
        {
            return Ok(wrong);
        }
        let sums =
            sums.chunks_exact(4).map(|sum| u32::from_le_bytes([sum[0], sum[1], sum[2], sum[3]]));
        Ok(Found::Sums(Self {
            block: block.into(),
            blocks: sums.collect(),
            covered,
            size,
            tail: sum,
        }))
    }

    /// The least stretch of whole blocks that holds a range.
    pub(crate) fn widened(&self, start: u64, end: u64) -> (u64, u64) {
        let start = if start < self.covered { start - start % self.block } else { self.covered };
        let end = match end {
            end if end > self.covered => self.size,
            end => end.next_multiple_of(self.block).min(self.covered),
        };
        (start, end)
    }

    /// The place of the first byte of the first block that is not as it was, in bytes from `start` on; these must be
    /// whole blocks.
    pub(crate) fn wrong(&self, start: u64, bytes: &[u8]) -> Option<u64> {
        let blocks = self.covered.saturating_sub(start).min(bytes.len() as u64) as usize;
        let (blocks, tail) = bytes.split_at(blocks);
        let first = (start / self.block) as usize;
        let mut each = blocks.chunks(self.block as usize).enumerate();
        let wrong = each.find(|(at, block)| {
            self.blocks.get(first + at).is_none_or(|sum| crc32c::crc32c(block) != *sum)
        });
        if let Some((at, _)) = wrong {
            return Some(start + at as u64 * self.block);
        }
        let is_wrong = !tail.is_empty() && crc32c::crc32c(tail) != self.tail;
        is_wrong.then_some(self.covered)
    }
}

/// Reads exactly that range.
pub(crate) fn read(file: &dyn DiskFile, start: u64, end: u64) -> io::Result<Vec<u8>> {
    let length = usize::try_from(end.saturating_sub(start))
        .map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
    let mut bytes = vec![0; length];
    if file.read_at(&mut bytes, start)? < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}
