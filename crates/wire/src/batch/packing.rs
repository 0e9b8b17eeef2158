//! How the body as a whole is compressed, and which layout of the values goes best with that.
//!
//! ```text
//! None   values as they lie in memory            fastest: the server's own records
//! Lz4    bit-packed differences, then lz4        lz4 finds repeats but does not shorten rare bytes: pack bits first
//! Zstd   byte planes of differences, then zstd   zstd shortens frequent bytes: leave it whole bytes
//! ```
//!
//! A body that compression would make longer stays as it is, a small one gets lz4 at most, and the head says so.

use std::borrow::Cow;

use crate::error::CodecError;

/// Level 1 is three times as fast as level 3 and, after the column layouts, no worse.
const ZSTD_LEVEL: i32 = 1;

/// Of fewer rows than this, zstd has too little to learn from: packed bits are shorter.
const FEW_ROWS: usize = 64;

/// A body shorter than this is not worth the tables that zstd builds first.
const SHORT_BODY: usize = 1_024;

/// How the body of a batch is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not at all: for the log of a fast server.
    None,
    /// LZ4: for a device with little computing power.
    Lz4,
    /// Zstandard: smallest, and the choice for every network.
    #[default]
    Zstd,
}

impl Compression {
    /// Its number in the head.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Lz4 => 1,
            Self::Zstd => 2,
        }
    }

    pub(super) const fn from_code(code: u8) -> Result<Self, CodecError> {
        match code {
            0 => Ok(Self::None),
            1 => Ok(Self::Lz4),
            2 => Ok(Self::Zstd),
            _ => Err(CodecError::Malformed { what: "its compression is unknown" }),
        }
    }
}

/// How a writer lays out values. Readers understand all at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// As they lie in memory.
    Plain,
    /// Small integers in as many bits as they need.
    Bits,
    /// Small integers as planes of whole bytes.
    Planes,
}

impl Layout {
    pub(super) const fn of(compression: Compression, rows: usize) -> Self {
        match compression {
            Compression::None => Self::Plain,
            Compression::Zstd if rows >= FEW_ROWS => Self::Planes,
            Compression::Lz4 | Compression::Zstd => Self::Bits,
        }
    }
}

/// Compresses a body, unless that makes it longer. A small one is never worth more than lz4.
pub(super) fn pack(body: Vec<u8>, compression: Compression) -> (Compression, Vec<u8>) {
    let compression = match compression {
        Compression::Zstd if body.len() < SHORT_BODY => Compression::Lz4,
        other => other,
    };
    let packed = match compression {
        Compression::None => None,
        Compression::Lz4 => Some(lz4_flex::block::compress(&body)),
        // It fails only when there is no memory for its tables; the body as it is will do then.
        Compression::Zstd => zstd::bulk::compress(&body, ZSTD_LEVEL).ok(),
    };
    match packed {
        Some(packed) if packed.len() < body.len() => (compression, packed),
        _ => (Compression::None, body),
    }
}

/// Undoes [`pack`]. The caller has held `length` against its limits.
pub(super) fn unpack(
    body: &[u8],
    compression: Compression,
    length: usize,
) -> Result<Cow<'_, [u8]>, CodecError> {
    const WRONG: CodecError = CodecError::Malformed { what: "its body does not unpack" };
    let unpacked = match compression {
        Compression::None => Cow::Borrowed(body),
        Compression::Lz4 => {
            let mut unpacked = vec![0; length];
            let got = lz4_flex::block::decompress_into(body, &mut unpacked).map_err(|_| WRONG)?;
            unpacked.truncate(got);
            Cow::Owned(unpacked)
        }
        Compression::Zstd => {
            let mut unpacked = Vec::with_capacity(length);
            let mut decompressor = zstd::bulk::Decompressor::new().map_err(|_| WRONG)?;
            decompressor.decompress_to_buffer(body, &mut unpacked).map_err(|_| WRONG)?;
            Cow::Owned(unpacked)
        }
    };
    if unpacked.len() == length { Ok(unpacked) } else { Err(WRONG) }
}
