//! The write-ahead log: a write is in it before anyone hears "stored".
//!
//! ```text
//! record ─┬ version, flags, project, when, body hash
//!         ├ per batch: BatchId, partition field, rows, fingerprint, length
//!         └ the batches, in the bytes they came in
//! ```
//!
//! A write is one record, however many batches it has: it is there as a whole or not at all. The journal beneath
//! numbers the records, syncs them in groups, and cuts off what was torn.

pub(crate) mod gone;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use iobeam_journal::{Disk, Journal, JournalError, Options, Records, Recovery, Seq};
use iobeam_model::{BatchId, Clock, FieldName, ProjectId};

use crate::error::StoreError;
use crate::settings::Settings;
use crate::statistics::Counters;

use gone::Gone;

/// The kind of journal record that holds an import.
pub(crate) const IMPORT: u8 = 1;
/// The kind that says which tables were let go.
pub(crate) const GONE: u8 = 2;
/// The layout below.
const VERSION: u8 = 1;

/// What precedes the batches of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) project: ProjectId,
    /// By the receipts' clock, in seconds.
    pub(crate) at: u32,
    /// The body's key among the receipts.
    pub(crate) body: Option<u128>,
    pub(crate) batches: Vec<BatchHead>,
}

/// What is told of one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BatchHead {
    pub(crate) id: Option<BatchId>,
    pub(crate) partition: FieldName,
    pub(crate) rows: u32,
    pub(crate) fingerprint: u32,
    pub(crate) length: u32,
}

impl Head {
    /// As bytes.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(32 + 64 * self.batches.len());
        bytes.extend([VERSION, u8::from(self.body.is_some())]);
        bytes.extend((self.batches.len() as u16).to_le_bytes());
        bytes.extend(self.project.get().to_le_bytes());
        bytes.extend(self.at.to_le_bytes());
        if let Some(body) = self.body {
            bytes.extend(body.to_le_bytes());
        }
        for batch in &self.batches {
            let name = batch.partition.as_str().as_bytes();
            bytes.extend([u8::from(batch.id.is_some()), name.len() as u8]);
            bytes.extend(name);
            if let Some(id) = batch.id {
                bytes.extend(id.stream);
                bytes.extend(id.counter.to_le_bytes());
            }
            bytes.extend(batch.rows.to_le_bytes());
            bytes.extend(batch.fingerprint.to_le_bytes());
            bytes.extend(batch.length.to_le_bytes());
        }
        bytes
    }

    /// Reads the head of a record, and gives the bytes of its batches.
    pub(crate) fn read(mut bytes: &[u8]) -> Result<(Self, Vec<&[u8]>), String> {
        let [version, has_body] = take(&mut bytes)?;
        if version != VERSION {
            return Err(format!("its layout has version {version}, and only {VERSION} is known"));
        }
        let count = u16::from_le_bytes(take(&mut bytes)?);
        let project = ProjectId::new(u32::from_le_bytes(take(&mut bytes)?));
        let project = project.ok_or("it names project 0")?;
        let at = u32::from_le_bytes(take(&mut bytes)?);
        let body = match has_body {
            0 => None,
            _ => Some(u128::from_le_bytes(take(&mut bytes)?)),
        };
        let batches =
            (0..count).map(|_| BatchHead::read(&mut bytes)).collect::<Result<Vec<_>, _>>()?;
        let mut parts = Vec::with_capacity(batches.len());
        for batch in &batches {
            let part = bytes.split_at_checked(batch.length as usize).ok_or("it ends too early")?;
            parts.push(part.0);
            bytes = part.1;
        }
        Ok((Self { project, at, body, batches }, parts))
    }
}

impl BatchHead {
    fn read(bytes: &mut &[u8]) -> Result<Self, String> {
        let [has_id, name] = take(bytes)?;
        let name = bytes.split_off(..usize::from(name)).ok_or("it ends too early")?;
        let name = std::str::from_utf8(name).map_err(|error| error.to_string())?;
        let partition = name.parse().map_err(|error| format!("its partition field: {error}"))?;
        let id = match has_id {
            0 => None,
            _ => Some(BatchId { stream: take(bytes)?, counter: u64::from_le_bytes(take(bytes)?) }),
        };
        Ok(Self {
            id,
            partition,
            rows: u32::from_le_bytes(take(bytes)?),
            fingerprint: u32::from_le_bytes(take(bytes)?),
            length: u32::from_le_bytes(take(bytes)?),
        })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], String> {
    let (taken, rest) = bytes.split_first_chunk().ok_or("it ends too early")?;
    *bytes = rest;
    Ok(*taken)
}

/// The journal with the store's limits around it.
pub(crate) struct Wal {
    journal: Journal,
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    counters: Arc<Counters>,
    /// When the free space was looked at last, and how much there was.
    free: Option<(Duration, u64)>,
}

impl Wal {
    /// Opens the journal; `at_least` is the highest record that files or receipts know of.
    pub(crate) fn open(
        settings: &Settings,
        at_least: u64,
        clock: Arc<dyn Clock>,
        disk: Arc<dyn Disk>,
        counters: Arc<Counters>,
    ) -> Result<(Self, Recovery), StoreError> {
        let options = Options {
            segment_bytes: settings.segment_bytes,
            at_least: Seq(at_least),
            marks: true,
            ..Options::default()
        };
        let (journal, recovery) =
            Journal::open(&settings.dir.join("journal"), options, Arc::clone(&disk))
                .map_err(refused)?;
        let settings = settings.clone();
        Ok((Self { journal, disk, clock, settings, counters, free: None }, recovery))
    }

    /// Whether a write may be taken now, as far as room on the disk goes.
    pub(crate) fn check_room(&mut self) -> Result<(), StoreError> {
        let limit = self.settings.journal_bytes;
        if self.journal.bytes() >= limit {
            return Err(StoreError::LogFull { limit });
        }
        let reserve = self.settings.reserve_bytes;
        let free = self.free_space()?;
        if free < reserve {
            return Err(StoreError::DiskFull { free, reserve });
        }
        Ok(())
    }

    /// What is free on the disk, as of at most half a second ago.
    fn free_space(&mut self) -> Result<u64, StoreError> {
        let now = self.clock.monotonic();
        if let Some((then, free)) = self.free
            && now.saturating_sub(then) < Duration::from_millis(500)
        {
            return Ok(free);
        }
        let dir = &self.settings.dir;
        let free = self.disk.free_space(dir);
        let free = free.map_err(|error| StoreError::io("ask for the free space of", dir, error))?;
        self.free = Some((now, free));
        Ok(free)
    }

    /// Adds a record. It counts after the next [`sync`](Self::sync).
    pub(crate) fn append(&mut self, head: &Head, batches: &[&Bytes]) -> Result<u64, StoreError> {
        let head = head.write();
        let mut parts: Vec<&[u8]> = Vec::with_capacity(batches.len() + 1);
        parts.push(&head);
        parts.extend(batches.iter().map(std::convert::AsRef::as_ref));
        self.journal.append(IMPORT, &parts).map(|seq| seq.0).map_err(refused)
    }

    /// Adds a record of what was let go. It counts after the next [`sync`](Self::sync). There is always room for it:
    /// it makes some.
    pub(crate) fn append_gone(&mut self, gone: &Gone) -> Result<u64, StoreError> {
        self.journal.append(GONE, &[&gone.write()]).map(|seq| seq.0).map_err(refused)
    }

    /// Makes all that was appended last.
    pub(crate) fn sync(&mut self) -> Result<(), StoreError> {
        let started = self.clock.monotonic();
        let result = self.journal.sync();
        self.counters.syncs.add(self.clock.monotonic().saturating_sub(started));
        self.count_bytes();
        result.map_err(|error| match error {
            JournalError::DiskFull { .. } => {
                // The next group shall look for itself.
                self.free = None;
                StoreError::DiskFull { free: 0, reserve: self.settings.reserve_bytes }
            }
            error => refused(error),
        })
    }

    /// The records from one on.
    pub(crate) fn read_from(&self, seq: u64) -> Records {
        self.journal.read_from(Seq(seq))
    }

    /// The last record that counts.
    pub(crate) fn last(&self) -> u64 {
        self.journal.last().0
    }

    /// Bytes of records kept.
    pub(crate) fn bytes(&self) -> u64 {
        self.journal.bytes()
    }

    /// The records up to this one are needed no more.
    pub(crate) fn forget(&mut self, upto: u64) -> Result<(), StoreError> {
        let result = self.journal.forget(Seq(upto)).map_err(refused);
        self.count_bytes();
        result
    }

    fn count_bytes(&self) {
        self.counters.journal_bytes.store(self.journal.bytes(), Ordering::Relaxed);
    }
}

fn refused(error: JournalError) -> StoreError {
    StoreError::Journal(Arc::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_reads_as_it_was_written_and_a_cut_one_not_at_all() {
        let id = BatchId { stream: [7; 16], counter: u64::MAX };
        let batch = |id, length| BatchHead {
            id,
            partition: FieldName::device_id(),
            rows: 3,
            fingerprint: 9,
            length,
        };
        let head = Head {
            project: ProjectId::new(5).expect("positive"),
            at: 77,
            body: Some(u128::MAX - 1),
            batches: vec![batch(Some(id), 2), batch(None, 3)],
        };
        let mut bytes = head.write();
        bytes.extend(b"abcde");
        let (read, parts) = Head::read(&bytes).expect("it is whole");
        assert_eq!((read, parts), (head, vec![&b"ab"[..], b"cde"]));
        for end in 0..bytes.len() {
            assert!(Head::read(&bytes[..end]).is_err(), "cut at {end}");
        }
    }
}
