//! Finds the records in a segment's bytes, whatever happened to them.
//!
//! ```text
//! record 7 │ record 8 │ ~~~~~~ │ record 10 │ 0 0 0 …
//!                       broken: known by its header, or stepped over until a header is sound again
//! ```
//!
//! Work is linear in the file's length: a place that is no header costs one checksum of 20 bytes.

use crate::record::{ALIGN, HEADER, Header};
use crate::segment::{RECORDS, Salt};

const SECTOR: usize = 512;

/// A stretch of a segment: a record, or what is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) offset: u64,
    pub(crate) end: u64,
    pub(crate) state: State,
}

/// What a stretch of a segment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// A record whose bytes are as they were written; `group` is the sequence number its group started with.
    Sound { seq: u64, group: u64 },
    /// Bytes that are no sound record. `unwritten` when part of them looks as if it had never been written, as
    /// after power was lost during a write.
    Broken { unwritten: bool },
}

/// Reads all of a segment's bytes. Sound records come with growing sequence numbers, the first not below `first`.
pub(crate) fn scan(bytes: &[u8], salt: Salt, first: u64) -> Vec<Part> {
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let mut parts = Vec::new();
    let mut at = RECORDS as usize;
    let mut next = first;
    while at < used {
        let head = Header::read(&bytes[at..], salt).filter(|head| head.seq >= next);
        let (end, state) = if let Some(head) = head {
            next = head.seq + 1;
            (at + head.stride(), judge(bytes, used, at, &head))
        } else {
            let end = next_header(bytes, at + ALIGN, used, salt, next);
            let cut = used < at + HEADER || has_empty_sector(bytes, at, end.min(used));
            (end, State::Broken { unwritten: cut })
        };
        parts.push(Part { offset: at as u64, end: end as u64, state });
        at = end;
    }
    parts
}

/// Whether the payload behind a sound header is as it was written.
fn judge(bytes: &[u8], used: usize, at: usize, head: &Header) -> State {
    let start = at + HEADER;
    let end = start + head.length as usize;
    match bytes.get(start..end) {
        Some(payload) if head.matches(payload) => {
            State::Sound { seq: head.seq, group: head.seq.saturating_sub(u64::from(head.place)) }
        }
        Some(_) => State::Broken { unwritten: used < end || has_empty_sector(bytes, at, end) },
        None => State::Broken { unwritten: true },
    }
}

/// Where the next sound header stands, or the end of what was written.
fn next_header(bytes: &[u8], from: usize, used: usize, salt: Salt, least: u64) -> usize {
    (from..used)
        .step_by(ALIGN)
        .find(|at| Header::read(&bytes[*at..], salt).is_some_and(|head| head.seq >= least))
        .unwrap_or(used.next_multiple_of(ALIGN).max(from))
}

/// Disks write sectors: where power was lost, some of them are as they were before, which is zeros.
fn has_empty_sector(bytes: &[u8], from: usize, to: usize) -> bool {
    let mut at = from;
    while at < to {
        let stop = ((at / SECTOR + 1) * SECTOR).min(to);
        if bytes[at..stop].iter().all(|byte| *byte == 0) {
            return true;
        }
        at = stop;
    }
    false
}
