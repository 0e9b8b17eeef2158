//! One group of writes: staged one by one, synced together, then applied and answered.
//!
//! ```text
//! staged: Stored { seq, parts } │ Repeat        a repeat of something in the same group waits for the same sync
//! ```
//!
//! Receipts are noted while staging, so that a repeat right behind is recognised, and struck out again when the sync
//! fails.

use std::sync::atomic::Ordering;

use iobeam_model::{BatchId, ProjectId};

use crate::error::StoreError;
use crate::intake::{Answer, Part, Prepared, Receipt};
use crate::lake::delta::TableKey;
use crate::memtable::Memtable;
use crate::receipts::Found;
use crate::statistics::count;
use crate::wal::Head;

use super::Writer;
use super::restore::deleting;

/// A write that will be answered once the group is synced.
struct Staged {
    answer: Answer,
    rows: u64,
    /// What is new of it, and under which record.
    stored: Option<(u64, Vec<Part>)>,
}

/// What a write is answered.
type Outcome = Result<Receipt, StoreError>;

/// A receipt noted ahead of the sync.
enum Noted {
    Body(u128),
    Batch(ProjectId, BatchId),
    /// A batch that came before, since that record, and of which rows are stored again.
    Again(ProjectId, BatchId, u32, u64),
}

impl Writer {
    /// Stores a group of writes and answers each.
    pub(super) fn commit(&mut self, group: Vec<(Prepared, Answer)>) {
        let weight: usize = group.iter().map(|(write, _)| write.weight).sum();
        let count = group.len() as u64;
        let mut staged = Vec::with_capacity(group.len());
        let mut noted = Vec::new();
        for (write, answer) in group {
            let rows = write.rows;
            match self.stage(write, &mut noted) {
                Ok(stored) => staged.push(Staged { answer, rows, stored }),
                Err(error) => self.refuse(answer, error),
            }
        }
        let (outcomes, touched) = match self.wal.sync() {
            Ok(()) => self.show(staged),
            Err(error) => {
                tracing::error!(%error, "nothing of this group is stored");
                self.strike(noted);
                let failed = staged.into_iter().map(|staged| (staged.answer, Err(error.clone())));
                (failed.collect(), Vec::new())
            }
        };
        // Before the answers: who has one and looks at the figures must not find it still queued.
        self.counters.queued.fetch_sub(count, Ordering::Relaxed);
        self.budget.apply(weight as u64, self.memory());
        self.count_memory();
        for (answer, outcome) in outcomes {
            self.answer(answer, outcome);
        }
        self.relieve(&touched);
        if let Err(error) = self.receipts.spill() {
            tracing::warn!(%error, "receipts stay in memory");
        }
    }

    /// Appends what is new of a write. Nothing: all of it is a repeat.
    fn stage(
        &mut self,
        write: Prepared,
        noted: &mut Vec<Noted>,
    ) -> Result<Option<(u64, Vec<Part>)>, StoreError> {
        if let Some(body) = write.body
            && self.receipts.find_body(body)?.is_some()
        {
            return Ok(None);
        }
        let before = noted.len();
        let at = self.receipts.now();
        let staged = self.stage_new(write, at, noted);
        if staged.is_err() {
            let mine = noted.split_off(before);
            self.strike(mine);
        }
        staged
    }

    fn stage_new(
        &mut self,
        write: Prepared,
        at: u32,
        noted: &mut Vec<Noted>,
    ) -> Result<Option<(u64, Vec<Part>)>, StoreError> {
        let Prepared { project, body, parts, rows, .. } = write;
        // Nothing is deleted while a group is stored, so one record before all of it tells as much as its own.
        let came = (at, self.wal.last());
        let mut fresh = Vec::with_capacity(parts.len());
        for part in parts {
            let Some(id) = part.head.id else {
                fresh.push(part);
                continue;
            };
            if id.is_content() && self.awaits_deletion(&part.key) {
                return Err(deleting(&part.key));
            }
            match self.receipts.find_batch(project, id, part.head.fingerprint) {
                Found::Repeat => {
                    let since = self.receipts.came_since(project, id).unwrap_or_default();
                    let fingerprint = part.head.fingerprint;
                    let Some(part) = self.deleted_of(part, since)? else { continue };
                    self.receipts.note_batch(project, id, fingerprint, came);
                    noted.push(Noted::Again(project, id, fingerprint, since));
                    fresh.push(part);
                    continue;
                }
                Found::Reused => return Err(StoreError::Reused { id }),
                Found::Forgotten => return Err(StoreError::Forgotten { id }),
                Found::New => {}
            }
            self.receipts.note_batch(project, id, part.head.fingerprint, came);
            noted.push(Noted::Batch(project, id));
            fresh.push(part);
        }
        if fresh.is_empty() {
            return Ok(None);
        }
        if let Some(part) = fresh.iter().find(|part| self.is_frozen(&part.key)) {
            return Err(StoreError::Frozen { namespace: part.key.1.to_string() });
        }
        if let Some(part) = fresh.iter().find(|part| self.is_dropping(&part.key)) {
            return Err(deleting(&part.key));
        }
        // Last, so that a repeat gets its answer even when there is no room for anything new.
        self.wal.check_room()?;
        fresh.iter().try_for_each(|part| self.admit(part))?;
        let batches = fresh.iter().map(|part| part.head.clone()).collect();
        let bytes: Vec<_> = fresh.iter().map(|part| &part.bytes).collect();
        let seq = self.wal.append(&Head { project, at, body, batches }, &bytes)?;
        if let Some(body) = body {
            self.receipts.note_body(body, u32::try_from(rows).unwrap_or(u32::MAX), at);
            noted.push(Noted::Body(body));
        }
        Ok(Some((seq, fresh)))
    }

    /// Finds the table of a batch, or makes it; and sees that its fields fit.
    pub(super) fn admit(&mut self, part: &Part) -> Result<(), StoreError> {
        self.refuse_out(&part.key)?;
        let (tables, keep_from) = (&self.tables, &self.keep_from);
        let memtable = self.memtables.entry(part.key.clone()).or_insert_with(|| {
            let keep_from = keep_from.get(&part.key).copied().unwrap_or(i64::MIN);
            Memtable::new(tables, part.key.clone(), part.head.partition.clone(), keep_from)
        });
        if let Some((field, known, found)) = memtable.misfit(&part.chunk) {
            return Err(StoreError::Unfit {
                namespace: part.key.1.to_string(),
                reason: format!("field '{field}' holds {known}, and these rows have {found}"),
            });
        }
        memtable.declare(&part.chunk);
        Ok(())
    }

    /// What is synced is seen by the next query. Gives what to answer, and the tables that grew.
    fn show(&mut self, staged: Vec<Staged>) -> (Vec<(Answer, Outcome)>, Vec<TableKey>) {
        let now = self.now_millis();
        let mut touched: Vec<TableKey> = Vec::new();
        let mut outcomes = Vec::with_capacity(staged.len());
        for Staged { answer, rows, stored } in staged {
            let repeat = stored.is_none();
            let mut expired = 0;
            for (seq, part) in stored
                .into_iter()
                .flat_map(|(seq, parts)| parts.into_iter().map(move |part| (seq, part)))
            {
                self.counters.rows.fetch_add(u64::from(part.head.rows), Ordering::Relaxed);
                let Some(memtable) = self.memtables.get_mut(&part.key) else { continue };
                expired += memtable.insert(part.chunk, seq, now, &mut self.recent) as u64;
                if !touched.contains(&part.key) {
                    touched.push(part.key);
                }
            }
            outcomes.push((answer, Ok(Receipt { rows, repeat, expired })));
        }
        for key in &touched {
            self.memtables[key].publish();
        }
        (outcomes, touched)
    }

    fn answer(&self, answer: Answer, outcome: Outcome) {
        match outcome {
            Ok(receipt) => {
                count(&self.counters.writes);
                if receipt.repeat {
                    count(&self.counters.repeats);
                }
                // Whoever asked may be gone; the rows stay.
                let _ = answer.send(Ok(receipt));
            }
            Err(error) => self.refuse(answer, error),
        }
    }

    fn strike(&mut self, noted: Vec<Noted>) {
        for noted in noted.into_iter().rev() {
            match noted {
                Noted::Body(key) => self.receipts.strike_body(key),
                Noted::Batch(project, id) => self.receipts.strike_batch(project, id),
                Noted::Again(project, id, fingerprint, since) => {
                    self.receipts.restore_batch(project, id, fingerprint, since);
                }
            }
        }
    }
}
