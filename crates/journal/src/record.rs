//! One record, as bytes.
//!
//! ```text
//! 0        4        8                16       20       24
//! ├ length ┼ place  ┼ seq            ┼ crc of ┼ crc of ┼ payload, then zeros up to a multiple of 8
//! │ u32    │ u24+u8 │ u64            │ payload│ header │
//!            └ place in its group (24 bits), kind (8 bits)
//! ```
//!
//! All numbers are little-endian, the checksums CRC-32C. The header's checksum starts with its segment's salt, which
//! a sender cannot know: bytes inside a payload never pass for a record. Because the header has a checksum of its
//! own, a damaged payload can be stepped over exactly.

use crate::segment::Salt;

/// Bytes of a record before its payload.
pub(crate) const HEADER: usize = 24;
/// Records start at multiples of this.
pub(crate) const ALIGN: usize = 8;
/// The largest payload.
pub(crate) const MAX_PAYLOAD: usize = 1 << 30;
/// As many records go into one group.
pub(crate) const MAX_PLACE: u32 = (1 << 24) - 1;

/// What stands before a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) length: u32,
    pub(crate) kind: u8,
    /// Place in its group, from 0: `seq - place` names the group.
    pub(crate) place: u32,
    pub(crate) seq: u64,
    pub(crate) payload_crc: u32,
}

impl Header {
    /// Reads a header whose checksum is right.
    pub(crate) fn read(bytes: &[u8], salt: Salt) -> Option<Self> {
        let bytes: &[u8; HEADER] = bytes.get(..HEADER)?.try_into().ok()?;
        // Most of what is asked is zeros or text inside a payload: look before the checksum is computed.
        let length = u32_at(bytes, 0);
        if length as usize > MAX_PAYLOAD || u32_at(bytes, 20) != salt.crc(&bytes[..20]) {
            return None;
        }
        let place = u32_at(bytes, 4);
        Some(Self {
            length,
            kind: (place >> 24) as u8,
            place: place & MAX_PLACE,
            seq: u64::from(u32_at(bytes, 8)) | u64::from(u32_at(bytes, 12)) << 32,
            payload_crc: u32_at(bytes, 16),
        })
    }

    /// Whether this is the payload that was written.
    pub(crate) fn matches(&self, payload: &[u8]) -> bool {
        payload.len() == self.length as usize && crc32c::crc32c(payload) == self.payload_crc
    }

    /// Bytes from the record's start to the next one's.
    pub(crate) fn stride(&self) -> usize {
        stride(self.length as usize)
    }

    fn to_bytes(self, salt: Salt) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..4].copy_from_slice(&self.length.to_le_bytes());
        bytes[4..8].copy_from_slice(&(self.place | u32::from(self.kind) << 24).to_le_bytes());
        bytes[8..16].copy_from_slice(&self.seq.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.payload_crc.to_le_bytes());
        let crc = salt.crc(&bytes[..20]);
        bytes[20..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }
}

/// Bytes that a record with so long a payload takes.
pub(crate) fn stride(length: usize) -> usize {
    (HEADER + length).next_multiple_of(ALIGN)
}

/// A record that waits for its group to be written. Its header is made then, when its segment is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    pub(crate) kind: u8,
    pub(crate) length: usize,
}

/// Adds room for a header, and the payload.
pub(crate) fn buffer_payload(buffer: &mut Vec<u8>, parts: &[&[u8]]) {
    buffer.extend_from_slice(&[0; HEADER]);
    for part in parts {
        buffer.extend_from_slice(part);
    }
    buffer.resize(buffer.len().next_multiple_of(ALIGN), 0);
}

/// Writes the headers of a whole group into the room left for them.
pub(crate) fn fill_headers(group: &mut [u8], pending: &[Pending], first: u64, salt: Salt) {
    let mut at = 0;
    for (record, place) in pending.iter().zip(0..) {
        let payload = at + HEADER..at + HEADER + record.length;
        let header = Header {
            length: record.length as u32,
            kind: record.kind,
            place,
            seq: first + u64::from(place),
            payload_crc: crc32c::crc32c(&group[payload]),
        };
        group[at..at + HEADER].copy_from_slice(&header.to_bytes(salt));
        at += stride(record.length);
    }
}

fn u32_at(bytes: &[u8; HEADER], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
