//! Bodies that come compressed: gzip, zstd or deflate, never to more than the limit.
//!
//! Invariant: a decoder is asked for at most one byte more than the limit, so a bomb costs no more than an honest body.

use std::io::{self, Read};

use bytes::Bytes;
use http::{HeaderValue, StatusCode};

use super::room::MemoryPermit;
use super::too_large;
use crate::core::api_error::ApiError;
use crate::endpoints::http::error_response::protocol_error;

/// How much is unpacked before room for more is asked for.
const PIECE: usize = 256 << 10;

/// The largest window a zstd frame may ask for: 2^23 bytes, what its highest ordinary levels use.
const ZSTD_WINDOW_LOG: u32 = 23;

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// Not at all.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// RFC 1950, or bare RFC 1951 as some senders understand it.
    Deflate,
}

impl Coding {
    /// Reads the header `Content-Encoding`.
    pub(super) fn of(header: Option<&HeaderValue>) -> Result<Self, ApiError> {
        let Some(header) = header else { return Ok(Self::Identity) };
        let name = String::from_utf8_lossy(header.as_bytes()).trim().to_ascii_lowercase();
        match name.as_str() {
            "" | "identity" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            "deflate" => Ok(Self::Deflate),
            _ => Err(protocol_error(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The body is packed in a way that is not understood",
                format!(
                    "Content-Encoding '{name}'; use gzip, zstd or deflate, one of them once, or none"
                ),
            )),
        }
    }
}

/// Unpacks a body, to at most `limit` bytes.
pub(super) async fn unpack(
    packed: Bytes,
    coding: Coding,
    limit: usize,
    room: MemoryPermit,
) -> Result<Bytes, ApiError> {
    tokio::task::spawn_blocking(move || unpack_now(&packed, coding, limit, room))
        .await
        .map_err(ApiError::internal)?
}

fn unpack_now(
    packed: &[u8],
    coding: Coding,
    limit: usize,
    mut room: MemoryPermit,
) -> Result<Bytes, ApiError> {
    let mut decoder = decoder(packed, coding).map_err(|error| damaged(&error))?;
    let mut whole = Vec::new();
    loop {
        room.hold(whole.len() + PIECE)?;
        let most = PIECE.min(limit + 1 - whole.len()) as u64;
        let before = whole.len();
        (&mut decoder).take(most).read_to_end(&mut whole).map_err(|error| damaged(&error))?;
        if whole.len() > limit {
            return Err(too_large(limit));
        }
        if whole.len() == before {
            return Ok(room.attach(whole.into()));
        }
    }
}

fn decoder<'p>(packed: &'p [u8], coding: Coding) -> io::Result<Box<dyn Read + 'p>> {
    Ok(match coding {
        Coding::Identity => Box::new(packed),
        Coding::Gzip => Box::new(flate2::read::MultiGzDecoder::new(packed)),
        Coding::Deflate if is_zlib(packed) => Box::new(flate2::read::ZlibDecoder::new(packed)),
        Coding::Deflate => Box::new(flate2::read::DeflateDecoder::new(packed)),
        Coding::Zstd => {
            let mut decoder = zstd::Decoder::new(packed)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
    })
}

fn damaged(error: &io::Error) -> ApiError {
    ApiError::bad_request(
        "The body cannot be unpacked",
        format!("It is not what Content-Encoding says: {error}"),
    )
}

/// Whether the first two bytes are a zlib header.
fn is_zlib(packed: &[u8]) -> bool {
    let [method, flags, ..] = *packed else { return false };
    method & 0x0f == 8 && (u16::from(method) << 8 | u16::from(flags)).is_multiple_of(31)
}
