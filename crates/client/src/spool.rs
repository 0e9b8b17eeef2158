//! Batches that wait to be sent: on the device's disk, or in memory when no spool is set.
//!
//! ```text
//! flush ─▶ record 17 │ record 18 │ record 19 ─ next ─▶ send ─ receipt ─▶ acknowledge ─▶ files are forgotten
//!          └ stamp: stream, next number, rows covered, acknowledged, when │ batches, one after the other
//! ```
//!
//! - A batch gets its number (`BatchId`) here and keeps it: sent twice, it is stored once.
//! - All batches of one flush are one record, so that they are in the spool all or none.
//! - Each record says up to where the receipts go. A lost note of a receipt costs a repeat, which the server knows.
//! - When anything in the journal was damaged, a new stream of numbers begins: none is ever given to two batches.
//! - Memory does not grow with what waits: it is read back from the disk when its turn comes.

mod queue;

mod stamp;

use std::path::Path;
use std::sync::Arc;

use iobeam_journal::{Disk, Recovery};
use iobeam_model::{Batch, BatchId, Timestamp};
use iobeam_wire::batch::{Compression, encode, peek};

use crate::error::Error;
use crate::rejected::name_of;
use crate::settings::{Settings, WhenFull};
use crate::status::Waiting;

pub(crate) use queue::Entry;
use queue::Queue;
use stamp::Stamp;

/// Receipts are noted on disk after so many, and when nothing waits any more.
const NOTE_AFTER: u32 = 64;

/// What waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Depth {
    pub(crate) batches: u64,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

/// The batches that wait.
#[derive(Debug)]
pub(crate) struct Spool {
    queue: Queue,
    limit: u64,
    when_full: WhenFull,
    compression: Compression,
    stream: [u8; 16],
    next: u64,
    /// The last generation of the row log whose rows are in a batch.
    covered: u64,
    depth: Depth,
    dropped: u64,
    unnoted: u32,
    /// Encoded, but not yet in the queue: the disk was full.
    pending: Option<Pending>,
}

#[derive(Debug)]
struct Pending {
    bytes: Vec<u8>,
    count: u64,
    rows: u64,
    covers: u64,
    at: Timestamp,
    anchor: u64,
    sure: u32,
}

/// Rows that go into the spool together.
#[derive(Debug)]
pub(crate) struct Flushed {
    pub(crate) batches: Vec<Batch>,
    /// The generation of the row log that they complete.
    pub(crate) covers: u64,
    pub(crate) at: Timestamp,
    /// The numbers of the batches, where they have some already; else they get the next ones.
    pub(crate) ids: Vec<BatchId>,
    /// The times of batches from `sure` on count from the moment this names, and are corrected before they are sent.
    pub(crate) anchor: u64,
    pub(crate) sure: u32,
}

impl Spool {
    /// Opens the spool in a folder, or begins one; without a folder it lives in memory.
    pub(crate) fn open(
        settings: &Settings,
        dir: Option<&Path>,
        disk: Arc<dyn Disk>,
        stream: [u8; 16],
    ) -> Result<(Self, Option<Recovery>), Error> {
        let mut spool = Self {
            queue: Queue::memory(),
            limit: settings.spool_bytes,
            when_full: settings.when_full,
            compression: settings.compression,
            stream,
            next: 1,
            covered: 0,
            depth: Depth::default(),
            dropped: 0,
            unnoted: 0,
            pending: None,
        };
        let Some(dir) = dir else { return Ok((spool, None)) };
        let (queue, recovery) = Queue::open(dir, settings.spool_bytes, disk)?;
        spool.queue = queue;
        spool.recover(recovery.damaged.is_empty() && recovery.torn.is_none())?;
        Ok((spool, Some(recovery)))
    }

    /// Reads what is there.
    fn recover(&mut self, sound: bool) -> Result<(), Error> {
        let mut acknowledged = 0;
        let mut last: Option<Stamp> = None;
        self.queue.each(|record| {
            if let Some((stamp, _)) = Stamp::read(&record.payload) {
                acknowledged = acknowledged.max(stamp.acknowledged);
                last = Some(stamp);
            }
        })?;
        if let Some(stamp) = last {
            self.covered = stamp.covered;
            if sound {
                (self.stream, self.next) = (stamp.stream, stamp.next);
            }
        }
        let mut depth = Depth::default();
        self.queue.each(|record| {
            if record.seq.0 > acknowledged
                && let Some((_, batches)) = Stamp::read(&record.payload)
            {
                let (count, rows) = count(batches);
                depth.batches += count;
                depth.rows += rows;
                depth.bytes += batches.len() as u64;
            }
        })?;
        self.depth = depth;
        self.queue.skip_to(acknowledged);
        Ok(())
    }

    pub(crate) fn depth(&self) -> Depth {
        self.depth
    }

    /// Rows dropped because the spool was full.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(crate) fn covered(&self) -> u64 {
        self.covered
    }

    pub(crate) fn has_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Rows that are encoded and could not be written yet.
    pub(crate) fn pending_rows(&self) -> u64 {
        self.pending.as_ref().map_or(0, |pending| pending.rows)
    }

    /// Numbers the batches and puts them in the queue. When that fails they are kept, and [`Spool::settle`] tries
    /// again; nothing else may be put before.
    pub(crate) fn put(&mut self, flushed: Flushed) -> Result<(), Error> {
        let Flushed { batches, covers, at, ids, anchor, sure } = flushed;
        let rows = batches.iter().map(|batch| batch.rows() as u64).sum();
        let count = batches.len().saturating_sub(ids.len()) as u64;
        let mut bytes = Vec::new();
        let own = (self.next..).map(|counter| BatchId { stream: self.stream, counter });
        for (batch, id) in batches.iter().zip(ids.into_iter().chain(own)) {
            bytes.extend(encode(batch, Some(id), self.compression));
        }
        self.pending = Some(Pending { bytes, count, rows, covers, at, anchor, sure });
        self.settle()
    }

    /// Puts batches that are encoded already, under the numbers they have.
    pub(crate) fn put_again(&mut self, bytes: Vec<u8>, at: Timestamp) -> Result<(), Error> {
        self.settle()?;
        let (_, rows) = count(&bytes);
        let (covers, anchor, sure) = (self.covered, 0, 0);
        self.pending = Some(Pending { bytes, count: 0, rows, covers, at, anchor, sure });
        self.settle()
    }

    /// Forgets what could not be written: its owner keeps it.
    pub(crate) fn give_back(&mut self) {
        self.pending = None;
    }

    /// Writes what could not be written before.
    pub(crate) fn settle(&mut self) -> Result<(), Error> {
        let Some(pending) = &self.pending else { return Ok(()) };
        let (size, rows) = (pending.bytes.len() as u64, pending.rows);
        if self.depth.bytes + size > self.limit {
            match self.when_full {
                WhenFull::Refuse => {
                    return Err(Error::Full { bytes: self.depth.bytes + size, limit: self.limit });
                }
                WhenFull::DropNewest => {
                    self.dropped += rows;
                    return self.give_up_pending();
                }
                WhenFull::DropOldest => self.make_room(size)?,
            }
        }
        match self.write_pending() {
            Err(Error::Spool(error))
                if self.when_full == WhenFull::DropOldest
                    && matches!(error, iobeam_journal::JournalError::DiskFull { .. }) =>
            {
                // A file goes when all of its records are gone: about one file's worth of the oldest.
                self.make_room(
                    self.limit.saturating_sub(self.depth.bytes) + self.queue.file_bytes(),
                )?;
                self.write_pending()
            }
            other => other,
        }
    }

    /// The newest rows are dropped; that they were is noted, so that the row log does not bring them back.
    fn give_up_pending(&mut self) -> Result<(), Error> {
        if let Some(pending) = self.pending.take() {
            self.covered = self.covered.max(pending.covers);
            self.note(pending.at)?;
        }
        Ok(())
    }

    fn write_pending(&mut self) -> Result<(), Error> {
        let Some(pending) = &self.pending else { return Ok(()) };
        let covered = self.covered.max(pending.covers);
        let next = self.next + pending.count;
        let stamp = Stamp {
            stream: self.stream,
            next,
            covered,
            acknowledged: self.queue.acknowledged(),
            at: pending.at,
            anchor: pending.anchor,
            sure: pending.sure,
        };
        self.queue.put(&stamp, &pending.bytes, pending.rows)?;
        self.depth.batches += count(&pending.bytes).0;
        self.depth.rows += pending.rows;
        self.depth.bytes += pending.bytes.len() as u64;
        (self.next, self.covered) = (next, covered);
        self.pending = None;
        Ok(())
    }

    fn make_room(&mut self, size: u64) -> Result<(), Error> {
        while self.depth.bytes > 0 && self.depth.bytes + size > self.limit {
            let Some(entry) = self.queue.pop()? else { break };
            self.dropped += entry.rows;
            self.leaves(&entry);
        }
        self.queue.forget()
    }

    fn leaves(&mut self, entry: &Entry) {
        let depth = &mut self.depth;
        depth.batches = depth.batches.saturating_sub(entry.batches);
        depth.rows = depth.rows.saturating_sub(entry.rows);
        depth.bytes = depth.bytes.saturating_sub(entry.bytes.len() as u64);
    }

    /// The oldest records, as many as fit into so many bytes, but at least one.
    pub(crate) fn next(&mut self, most: usize) -> Result<Vec<Entry>, Error> {
        self.queue.peek(most)
    }

    /// Each batch that waits, the oldest first.
    pub(crate) fn waiting(&self) -> Result<Vec<Waiting>, Error> {
        let mut all = Vec::new();
        self.queue.each_waiting(|batches, at| {
            for part in split(batches) {
                let Ok(header) = peek(part) else { continue };
                all.push(Waiting {
                    name: name_of(part, header.id),
                    namespace: header.namespace.to_string(),
                    rows: u64::from(header.rows),
                    bytes: part.len() as u64,
                    at,
                });
            }
        })?;
        Ok(all)
    }

    /// When the oldest record that waits was put there.
    pub(crate) fn oldest(&mut self) -> Option<Timestamp> {
        self.queue.peek(0).ok()?.first().map(|entry| entry.at)
    }

    /// The record of that number is done with: a receipt came, or it was set aside.
    pub(crate) fn acknowledge(&mut self, entry: &Entry, now: Timestamp) -> Result<(), Error> {
        // It may have been dropped while it was on its way.
        if let Some(entry) = self.queue.pop_through(entry.seq)? {
            self.leaves(&entry);
        }
        self.unnoted += 1;
        if self.unnoted >= NOTE_AFTER || self.depth.batches == 0 { self.note(now) } else { Ok(()) }
    }

    /// Notes on disk up to where the receipts go.
    pub(crate) fn note(&mut self, now: Timestamp) -> Result<(), Error> {
        let stamp = Stamp {
            stream: self.stream,
            next: self.next,
            covered: self.covered,
            acknowledged: self.queue.acknowledged(),
            at: now,
            anchor: 0,
            sure: 0,
        };
        self.queue.note(&stamp)?;
        self.unnoted = 0;
        self.queue.forget()
    }

    /// Notes what was not noted yet.
    pub(crate) fn finish(&mut self, now: Timestamp) -> Result<(), Error> {
        self.settle()?;
        if self.unnoted > 0 { self.note(now) } else { Ok(()) }
    }
}

/// How many batches, and how many rows, bytes hold.
pub(crate) fn count(mut bytes: &[u8]) -> (u64, u64) {
    let (mut batches, mut rows) = (0, 0);
    while let Ok(header) = peek(bytes) {
        batches += 1;
        rows += u64::from(header.rows);
        bytes = bytes.get(header.length..).unwrap_or_default();
    }
    (batches, rows)
}

/// The batches that bytes hold, each by itself.
pub(crate) fn split(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while let Ok(header) = peek(bytes) {
        let (part, rest) = bytes.split_at(header.length.min(bytes.len()));
        parts.push(part);
        bytes = rest;
    }
    parts
}
