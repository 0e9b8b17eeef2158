//! The journal read again at the start: what no file holds goes back into memory, and receipts are noted again.
//!
//! ```text
//! record ─▶ head ─▶ receipts        batch ─▶ in a file already? ─▶ skip
//!                                         └▶ decode ─▶ memtable
//!        └▶ gone: what is back of those tables goes again, and their files if they are still there
//!                                         └▶ cannot be applied ─▶ set-aside/<seq>.record and its reason
//! ```
//!
//! A record that cannot be applied never keeps the store from starting, and is never lost.

use std::collections::{BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use iobeam_journal::disk::Disk;
use iobeam_model::{FieldName, ProjectId, Value};
use iobeam_wire::batch::{Limits, decode};

use crate::chunk;
use crate::error::StoreError;
use crate::intake::Part;
use crate::lake::delta::TableKey;
use crate::lake::files::put_synced;
use crate::memtable::Memtable;
use crate::statistics::count;
use crate::wal::{GONE, Head, IMPORT};

use super::Writer;

/// What was read again.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    pub(crate) records: u64,
    pub(crate) rows: u64,
    pub(crate) set_aside: Vec<SetAside>,
    /// Of tables with files that their logs do not name: rows in records up to those files' last.
    pub(crate) suspect_rows: HashMap<TableKey, u64>,
}

/// A record that could not be applied. It stays in `set-aside/`, and is found again at each start until the journal
/// forgets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Its number, after which its files are named.
    pub seq: u64,
    /// Why it could not be applied.
    pub reason: String,
    /// Whose rows it holds; `None` when that cannot be read.
    pub project: Option<ProjectId>,
    /// Which devices sent them, as far as that can be read.
    pub devices: BTreeSet<String>,
}

impl SetAside {
    fn of(seq: u64, kind: u8, payload: &[u8], reason: String) -> Self {
        let mut aside = Self { seq, reason, project: None, devices: BTreeSet::new() };
        if kind == IMPORT
            && let Ok((head, batches)) = Head::read(payload)
        {
            aside.project = Some(head.project);
            aside.devices = batches.into_iter().flat_map(devices_in).collect();
        }
        aside
    }

    /// The name of its file in `set-aside/`.
    pub fn file(&self) -> String {
        format!("{:020}.record", self.seq)
    }
}

/// The devices that a batch names; none when it cannot be read, for whatever reason.
fn devices_in(bytes: &[u8]) -> BTreeSet<String> {
    let decoded = catch_unwind(|| decode(bytes, &Limits::NONE));
    let Ok(Ok(decoded)) = decoded else { return BTreeSet::new() };
    let Some(column) = decoded.batch.column(FieldName::device_id().as_str()) else {
        return BTreeSet::new();
    };
    let values = (0..column.len()).filter_map(|row| column.value(row));
    let texts = values.filter_map(|value| match value {
        Value::String(text) => Some(text.to_string()),
        _ => None,
    });
    texts.collect()
}

/// Counts the rows of suspects in a record.
fn count_suspects(
    seq: u64,
    payload: &[u8],
    suspects: &HashMap<TableKey, u64>,
    rows: &mut HashMap<TableKey, u64>,
) {
    let Ok((head, batches)) = Head::read(payload) else { return };
    for (batch, bytes) in head.batches.iter().zip(batches) {
        let Ok(peeked) = iobeam_wire::batch::peek(bytes) else { continue };
        let key = (head.project, peeked.namespace);
        if suspects.get(&key).is_some_and(|upto| seq <= *upto) {
            *rows.entry(key).or_default() += u64::from(batch.rows);
        }
    }
}

impl Writer {
    /// Reads the whole journal; the tables must know already what is in files. `suspects`: tables whose rows are
    /// counted, up to a record.
    pub(crate) fn replay(
        &mut self,
        disk: &dyn Disk,
        suspects: &HashMap<TableKey, u64>,
    ) -> Result<Replayed, StoreError> {
        let mut replayed = Replayed::default();
        for record in self.wal.read_from(0) {
            let record = match record {
                Ok(record) => record,
                // The journal tells of its damage itself, and reads on behind it.
                Err(error) => {
                    tracing::error!(%error, "a part of the journal cannot be read");
                    continue;
                }
            };
            let (seq, kind) = (record.seq.0, record.kind);
            if kind == IMPORT && !suspects.is_empty() {
                count_suspects(seq, &record.payload, suspects, &mut replayed.suspect_rows);
            }
            let applied =
                catch_unwind(AssertUnwindSafe(|| self.apply_again(seq, kind, &record.payload)));
            let reason = match applied {
                Ok(Ok(rows)) => {
                    replayed.records += u64::from(rows > 0);
                    replayed.rows += rows;
                    continue;
                }
                Ok(Err(reason)) => reason,
                Err(_) => "the program failed on it".to_owned(),
            };
            let aside = SetAside::of(seq, kind, &record.payload, reason);
            self.set_aside(disk, &aside, record.payload)?;
            replayed.set_aside.push(aside);
        }
        self.memtables.values().for_each(Memtable::publish);
        Ok(replayed)
    }

    /// Applies a record, or nothing of it. Gives the rows that went into memory.
    fn apply_again(&mut self, seq: u64, kind: u8, payload: &[u8]) -> Result<u64, String> {
        if kind == GONE {
            self.drop_again(seq, payload)?;
            return Ok(0);
        }
        if kind != IMPORT {
            return Err(format!("it is of kind {kind}, which this version does not know"));
        }
        let (head, batches) = Head::read(payload)?;
        let mut parts = Vec::new();
        for (batch, bytes) in head.batches.iter().zip(batches) {
            let namespace =
                iobeam_wire::batch::peek(bytes).map_err(|error| error.to_string())?.namespace;
            let key = (head.project, namespace);
            if self.hold(&key, seq) {
                continue;
            }
            if self.memtables.get(&key).is_some_and(|memtable| memtable.has_filed(seq)) {
                continue;
            }
            let decoded = decode(bytes, &Limits::NONE).map_err(|error| error.to_string())?;
            let chunk =
                chunk::from_batch(decoded.batch, None).map_err(|error| error.to_string())?;
            let part = Part { key, head: batch.clone(), chunk, bytes: Bytes::new() };
            self.admit(&part).map_err(|error| error.to_string())?;
            parts.push(part);
        }
        self.note_again(seq, &head);
        let now = self.now_millis();
        let mut rows = 0;
        for part in parts {
            rows += u64::from(part.head.rows);
            if let Some(memtable) = self.memtables.get_mut(&part.key) {
                memtable.insert(part.chunk, seq, now, &mut self.recent);
            }
        }
        Ok(rows)
    }

    fn note_again(&mut self, seq: u64, head: &Head) {
        self.receipts.not_before(head.at);
        if seq <= self.receipts.saved() {
            // What was let go meanwhile would come back, and count as older than what took its place.
            return;
        }
        for batch in &head.batches {
            if let Some(id) = batch.id {
                let noted = (head.at, seq - 1);
                self.receipts.note_batch(head.project, id, batch.fingerprint, noted);
            }
        }
        if let Some(body) = head.body {
            let rows: u64 = head.batches.iter().map(|batch| u64::from(batch.rows)).sum();
            self.receipts.note_body(body, u32::try_from(rows).unwrap_or(u32::MAX), head.at);
        }
    }

    fn set_aside(
        &self,
        disk: &dyn Disk,
        aside: &SetAside,
        payload: Vec<u8>,
    ) -> Result<(), StoreError> {
        let (dir, SetAside { seq, reason, .. }) = (self.settings.dir.join("set-aside"), aside);
        tracing::error!(seq, reason, dir = %dir.display(), "a record of the journal cannot be applied and is set aside");
        let put = |name: String, bytes: Bytes| {
            let path = dir.join(name);
            put_synced(disk, &path, [&bytes]).map_err(|error| StoreError::io("write", &path, error))
        };
        put(aside.file(), payload.into())?;
        put(format!("{seq:020}.reason.txt"), format!("{reason}\n").into())?;
        count(&self.counters.set_aside);
        Ok(())
    }
}
