//! The write-ahead log of SQLite as it lies on the disk: which changes are whole in it.
//!
//! ```text
//! header: salts │ frame: page, salts, checksum │ frame … size │     a change ends with the frame that has a size
//!                └ each checksum goes on from the one before
//! ```
//!
//! SQLite itself takes a broken frame for the log's end.

use std::collections::HashMap;

/// Bytes of the log's header.
pub(crate) const HEADER_BYTES: usize = 32;
/// Bytes in front of each page.
pub(crate) const FRAME_HEADER_BYTES: usize = 24;
/// A log whose checksums are made of numbers with the highest byte first; one less: the lowest first.
const BIG_ENDIAN: u32 = 0x377f_0683;

/// Two numbers, as SQLite tells logs and frames apart.
pub(crate) type Pair = (u32, u32);

/// A place in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Of the log: others each time it begins anew.
    pub(crate) salts: Pair,
    /// The last frame of a change, from 1.
    pub(crate) frames: u64,
}

/// What is whole in a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Where the last change ends.
    pub(crate) end: Place,
    /// The checksum of its last frame.
    pub(crate) last: Pair,
    /// The pages that it holds, and the checksum of the latest of each.
    pub(crate) pages: HashMap<u32, u32>,
    /// How many pages the file has after that.
    pub(crate) size: u32,
}

impl Changes {
    /// Goes on by a sound frame, the one of that number from 1; `open` are the pages of a change that has not ended.
    pub(crate) fn go_on(&mut self, index: u64, frame: &Frame, open: &mut HashMap<u32, u32>) {
        open.insert(frame.page, frame.crc);
        if frame.size > 0 {
            self.pages.extend(open.drain());
            (self.end.frames, self.last, self.size) = (index, frame.sum, frame.size);
        }
    }
}

/// A page as it lies in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Which page of the file.
    pub(crate) page: u32,
    /// How many pages the file has after the change that ends here; 0 in the midst of one.
    pub(crate) size: u32,
    /// The checksum that is written with it.
    pub(crate) sum: Pair,
    /// Our own checksum of the page.
    pub(crate) crc: u32,
    /// Whether it belongs to the log and its checksum goes on from that before.
    pub(crate) is_sound: bool,
}

impl Frame {
    /// The frame in these bytes, in a log of these salts, after one of that checksum (or the header).
    pub(crate) fn read(bytes: &[u8], big: bool, salts: Pair, before: Pair) -> Option<Self> {
        let (head, body) = bytes.split_at_checked(FRAME_HEADER_BYTES)?;
        let (page, size, sum) = (number(head, 0)?, number(head, 4)?, pair(head, 16)?);
        let expected = checksum(checksum(before, &head[..8], big), body, big);
        let is_sound = pair(head, 8) == Some(salts) && sum == expected;
        Some(Self { page, size, sum, crc: crc32c::crc32c(body), is_sound })
    }
}

/// Whether a header's first number says that checksums are made of numbers with the highest byte first.
pub(crate) fn is_big(header: &[u8]) -> bool {
    number(header, 0) == Some(BIG_ENDIAN)
}

/// The number at a place, highest byte first.
pub(crate) fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

/// The numbers at a place.
pub(crate) fn pair(bytes: &[u8], at: usize) -> Option<Pair> {
    number(bytes, at).zip(number(bytes, at + 4))
}

/// What a log holds; what is wrong with it where its header is not what was written, or a frame is not and a later
/// change is. An empty log, or one that was never begun, holds nothing.
pub(crate) fn read(log: &[u8]) -> Result<Changes, String> {
    if log.iter().all(|byte| *byte == 0) {
        return Ok(Changes::default());
    }
    let bad_header = || "the header of catalog.db-wal is not what was written".to_owned();
    let header = log.get(..HEADER_BYTES).ok_or_else(bad_header)?;
    let big = is_big(header);
    let is_known = big || number(header, 0) == Some(BIG_ENDIAN - 1);
    let page = number(header, 8).map_or(0, |page| page as usize);
    let sum = checksum((0, 0), &header[..24], big);
    // One that was begun has a header, which is synced before its frames.
    if !is_known || !(512..=65_536).contains(&page) || pair(header, 24) != Some(sum) {
        return Err(bad_header());
    }
    let salts = pair(header, 16).ok_or_else(bad_header)?;
    let mut found = Changes { end: Place { salts, frames: 0 }, ..Changes::default() };
    let (mut before, mut broken, mut ended) = (sum, None, false);
    let mut open = HashMap::new();
    for (index, bytes) in (1_u64..).zip(log[HEADER_BYTES..].chunks_exact(FRAME_HEADER_BYTES + page))
    {
        let Some(frame) = Frame::read(bytes, big, salts, before) else { break };
        // A change is written once the one before it was synced: what is broken in front of a later one was whole once.
        // Within the last one it may be that power was lost, and nobody was told that it is done.
        match broken {
            Some(broken) if frame.is_sound && ended => {
                return Err(format!(
                    "frame {broken} of catalog.db-wal is not what was written, and frame {index}, of a later change, is: changes since the last checkpoint would be lost"
                ));
            }
            None if frame.is_sound => found.go_on(index, &frame, &mut open),
            None => broken = Some(index),
            Some(_) => {}
        }
        // The last frame of a change says how many pages the file has then.
        ended |= broken.is_some() && frame.size != 0;
        // A frame's checksum goes on from that of the one before, so that a sound frame is known by what is written there.
        before = frame.sum;
    }
    Ok(found)
}

/// SQLite's checksum of a multiple of eight bytes.
fn checksum(before: Pair, bytes: &[u8], big: bool) -> Pair {
    let number = |bytes: &[u8]| {
        let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
        if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    };
    bytes.chunks_exact(8).fold(before, |(one, two), pair| {
        let one = one.wrapping_add(number(&pair[..4])).wrapping_add(two);
        (one, two.wrapping_add(number(&pair[4..])).wrapping_add(one))
    })
}
