//! What stands before the batches of a spool record: the spool's state once the record is there.
//!
//! ```text
//! version 1 │ stream 16 │ next number 8 │ generation covered 8 │ acknowledged 8 │ when 8 │ anchor 8 │ sure 4 │ batches
//! ```

use iobeam_model::Timestamp;

use crate::row_log::take;

const VERSION: u8 = 1;

/// The spool's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) stream: [u8; 16],
    /// The number of the next batch.
    pub(super) next: u64,
    pub(super) covered: u64,
    /// Records up to this one are done with.
    pub(super) acknowledged: u64,
    pub(super) at: Timestamp,
    pub(super) anchor: u64,
    /// So many of the batches, the first ones, have times that need no correction.
    pub(super) sure: u32,
}

impl Stamp {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(61);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.stream);
        for number in [self.next, self.covered, self.acknowledged] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.at.micros().to_le_bytes());
        bytes.extend_from_slice(&self.anchor.to_le_bytes());
        bytes.extend_from_slice(&self.sure.to_le_bytes());
        bytes
    }

    /// The stamp and what follows it; `None` when this version does not know the record.
    pub(super) fn read(mut payload: &[u8]) -> Option<(Self, &[u8])> {
        let bytes = &mut payload;
        let [version] = take(bytes)?;
        if version != VERSION {
            return None;
        }
        let stream = take(bytes)?;
        let mut number = || take(bytes).map(u64::from_le_bytes);
        let (next, covered, acknowledged) = (number()?, number()?, number()?);
        let at = Timestamp::from_micros(i64::from_le_bytes(take(bytes)?));
        let anchor = u64::from_le_bytes(take(bytes)?);
        let sure = u32::from_le_bytes(take(bytes)?);
        Some((Self { stream, next, covered, acknowledged, at, anchor, sure }, payload))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_as_it_was_written() {
        let at = Timestamp::from_micros(-4);
        let stamp = Stamp {
            stream: [9; 16],
            next: 1,
            covered: 2,
            acknowledged: 3,
            at,
            anchor: u64::MAX,
            sure: 4,
        };
        let mut bytes = stamp.to_bytes();
        // The layout is on disks: version, stream, four numbers of 8 bytes and what follows.
        assert_eq!((bytes.len(), bytes[0], bytes[16], bytes[17], bytes[25]), (61, 1, 9, 1, 2));
        assert_eq!((bytes[33], bytes[41], bytes[49], bytes[57]), (3, 0xfc, 0xff, 4));
        bytes.extend_from_slice(b"rest");
        assert_eq!(Stamp::read(&bytes), Some((stamp, &b"rest"[..])));
        bytes[0] = 2;
        assert_eq!(Stamp::read(&bytes), None);
    }
}
