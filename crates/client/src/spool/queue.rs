//! Records in order: in the journal, or in memory.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use iobeam_journal::{Disk, Journal, JournalError, Options, Record, Records, Recovery, Seq};
use iobeam_model::Timestamp;

use super::count;
use super::stamp::Stamp;
use crate::error::Error;

const DATA: u8 = 1;
const NOTE: u8 = 2;
/// Read ahead so much at most, beyond one record.
const AHEAD: usize = 1 << 20;

/// A record that waits.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) seq: u64,
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) batches: u64,
    pub(crate) rows: u64,
    pub(crate) at: Timestamp,
    pub(crate) anchor: u64,
    pub(crate) sure: u32,
}

/// The records that wait, the oldest in memory.
#[derive(Debug)]
pub(super) struct Queue {
    /// `None`: all are in memory.
    journal: Option<Journal>,
    reader: Option<Records>,
    /// The last record that the reader will give.
    reader_end: u64,
    /// Everything up to here was read.
    read: u64,
    ahead: VecDeque<Entry>,
    acknowledged: u64,
    /// The last sequence number given out in memory.
    last: u64,
}

impl Queue {
    pub(super) fn memory() -> Self {
        Self {
            journal: None,
            reader: None,
            reader_end: 0,
            read: 0,
            ahead: VecDeque::new(),
            acknowledged: 0,
            last: 0,
        }
    }

    pub(super) fn open(
        dir: &Path,
        limit: u64,
        disk: Arc<dyn Disk>,
    ) -> Result<(Self, Recovery), Error> {
        let segment_bytes = (limit / 16).clamp(64 << 10, 1 << 20);
        // Memory cards wear: nothing is written twice.
        let options = Options { segment_bytes, zero_ahead: 0, ..Options::default() };
        let (journal, recovery) = Journal::open(dir, options, disk)?;
        let mut queue = Self::memory();
        queue.last = journal.last().0;
        queue.journal = Some(journal);
        Ok((queue, recovery))
    }

    /// Shows each record there is, whether done with or not.
    pub(super) fn each(&self, mut show: impl FnMut(&Record)) -> Result<(), Error> {
        let Some(journal) = &self.journal else { return Ok(()) };
        for record in journal.read_from(Seq(1)) {
            match record {
                Ok(record) if record.kind == DATA || record.kind == NOTE => show(&record),
                Ok(_) | Err(JournalError::Damaged { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Records up to this one are done with.
    pub(super) fn skip_to(&mut self, acknowledged: u64) {
        self.acknowledged = acknowledged;
        self.read = acknowledged;
    }

    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// About how much room goes when the oldest file goes.
    pub(super) fn file_bytes(&self) -> u64 {
        self.journal
            .as_ref()
            .map_or(0, |journal| journal.disk_bytes() / journal.files().max(1) as u64)
    }

    /// Adds a record, for good.
    pub(super) fn put(&mut self, stamp: &Stamp, batches: &[u8], rows: u64) -> Result<(), Error> {
        if let Some(journal) = &mut self.journal {
            self.last = journal.append(DATA, &[&stamp.to_bytes(), batches])?.0;
            journal.sync()?;
        } else {
            self.last += 1;
            let (seq, bytes) = (self.last, batches.into());
            let (at, anchor, sure) = (stamp.at, stamp.anchor, stamp.sure);
            let batches = count(batches).0;
            self.ahead.push_back(Entry { seq, bytes, batches, rows, at, anchor, sure });
        }
        Ok(())
    }

    /// Adds the state alone.
    pub(super) fn note(&mut self, stamp: &Stamp) -> Result<(), Error> {
        if let Some(journal) = &mut self.journal {
            self.last = journal.append(NOTE, &[&stamp.to_bytes()])?.0;
            journal.sync()?;
        }
        Ok(())
    }

    /// Removes files that are done with.
    pub(super) fn forget(&mut self) -> Result<(), Error> {
        let all_gone = self.ahead.is_empty() && self.is_all_read();
        if let Some(journal) = &mut self.journal {
            let done = if all_gone {
                // The last record stays: it holds the state.
                journal.last().0.saturating_sub(1)
            } else {
                self.acknowledged
            };
            journal.forget(Seq(done))?;
        }
        Ok(())
    }

    fn is_all_read(&self) -> bool {
        self.reader.is_none() && self.read >= self.last
    }

    /// The oldest records, as many as fit into so many bytes, but at least one.
    pub(super) fn peek(&mut self, most: usize) -> Result<Vec<Entry>, Error> {
        self.fill(most)?;
        let mut size = 0;
        let fitting = self.ahead.iter().take_while(|entry| {
            let first = size == 0;
            size += entry.bytes.len();
            first || size <= most
        });
        Ok(fitting.cloned().collect())
    }

    /// Shows each record that waits, the oldest first, and leaves it where it is.
    pub(super) fn each_waiting(&self, mut show: impl FnMut(&[u8], Timestamp)) -> Result<(), Error> {
        let Some(journal) = &self.journal else {
            self.ahead.iter().for_each(|entry| show(&entry.bytes, entry.at));
            return Ok(());
        };
        for record in journal.read_from(Seq(self.acknowledged + 1)) {
            match record {
                Ok(record) => {
                    if let Some(entry) = entry(&record) {
                        show(&entry.bytes, entry.at);
                    }
                }
                Err(JournalError::Damaged { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Takes the oldest record away.
    pub(super) fn pop(&mut self) -> Result<Option<Entry>, Error> {
        self.fill(0)?;
        let entry = self.ahead.pop_front();
        self.acknowledged = entry.as_ref().map_or(self.acknowledged, |entry| entry.seq);
        Ok(entry)
    }

    /// Takes the oldest record away if it is this one.
    pub(super) fn pop_through(&mut self, seq: u64) -> Result<Option<Entry>, Error> {
        if self.ahead.front().is_some_and(|entry| entry.seq == seq) { self.pop() } else { Ok(None) }
    }

    /// Reads records until there are so many bytes, or no more.
    fn fill(&mut self, most: usize) -> Result<(), Error> {
        let Some(journal) = &self.journal else { return Ok(()) };
        let mut have: usize = self.ahead.iter().map(|entry| entry.bytes.len()).sum();
        while self.ahead.is_empty() || have < most.min(AHEAD) {
            if self.reader.is_none() {
                if self.read >= journal.last().0 {
                    return Ok(());
                }
                self.reader = Some(journal.read_from(Seq(self.read + 1)));
                self.reader_end = journal.last().0;
            }
            match self.reader.as_mut().and_then(Iterator::next) {
                None => {
                    // What a damaged record held cannot be waited for.
                    self.read = self.read.max(self.reader_end);
                    self.reader = None;
                }
                Some(Ok(record)) => {
                    self.read = record.seq.0;
                    if self.read >= journal.last().0 {
                        self.reader = None;
                    }
                    if let Some(entry) = entry(&record) {
                        have += entry.bytes.len();
                        self.ahead.push_back(entry);
                    }
                }
                Some(Err(JournalError::Damaged { .. })) => {}
                Some(Err(error)) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

fn entry(record: &Record) -> Option<Entry> {
    if record.kind != DATA {
        return None;
    }
    let (stamp, batches) = Stamp::read(&record.payload)?;
    let (count, rows) = count(batches);
    let Stamp { at, anchor, sure, .. } = stamp;
    Some(Entry { seq: record.seq.0, bytes: batches.into(), batches: count, rows, at, anchor, sure })
}
