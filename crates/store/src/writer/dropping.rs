//! Tables that are let go, with all their rows and files.
//!
//! ```text
//! record "gone" ─ sync ─▶ memtables and views go ─▶ flusher: log and files go ─▶ answer; the journal may forget it
//! replay: the record takes what earlier records brought back; of a table that files hold it takes what is older
//! ```
//!
//! - Once the record is synced the tables are gone, whatever happens; the flusher is asked until it is done.
//! - Until then nothing is written to a table of that name, so that what follows is never taken for what went.

use std::collections::HashSet;

use iobeam_model::{NamespaceName, ProjectId};

use crate::error::StoreError;
use crate::flusher::Job;
use crate::intake::Confirm;
use crate::lake::delta::TableKey;
use crate::memtable::Memtable;
use crate::wal::gone::Gone;

use super::{RETRY_MILLIS, Writer};

/// Tables whose files still go.
pub(super) struct Dropping {
    /// The record that says so.
    seq: u64,
    /// Those of which the flusher has not said yet that they are gone.
    left: HashSet<TableKey>,
    /// Whoever waits for it.
    answer: Option<Confirm>,
}

impl Writer {
    /// Lets go of a table, or of all tables of a project.
    pub(super) fn drop_tables(
        &mut self,
        (project, namespace): (ProjectId, Option<NamespaceName>),
        answer: Confirm,
    ) {
        let gone = Gone { project, namespace };
        let logged = self.wal.append_gone(&gone).and_then(|seq| self.wal.sync().map(|()| seq));
        match logged {
            Ok(seq) => {
                self.forget_corrections(&gone, seq);
                self.receipts.note_gone(gone.project, gone.namespace.clone(), seq);
                let mut keys = self.tables_of(&gone, u64::MAX);
                let out = self.outages.keys().filter(|key| gone.means(key.0, &key.1));
                keys.extend(out.cloned().collect::<Vec<_>>());
                self.let_go(keys, seq, Some(answer));
                self.count_memory();
                self.serve_waiters();
            }
            Err(error) => {
                tracing::error!(%error, "nothing was let go");
                let _ = answer.send(Err(error));
            }
        }
    }

    /// Lets go again of what a record of the journal says.
    pub(super) fn drop_again(&mut self, seq: u64, payload: &[u8]) -> Result<(), String> {
        let gone = Gone::read(payload)?;
        self.forget_corrections(&gone, seq);
        self.receipts.note_gone(gone.project, gone.namespace.clone(), seq);
        // A table with later records in its files came into being afterwards, under the same name.
        let keys = self.tables_of(&gone, seq);
        self.let_go(keys, seq, None);
        Ok(())
    }

    /// The tables that are meant and hold nothing of that record and later ones in files.
    fn tables_of(&self, gone: &Gone, seq: u64) -> Vec<TableKey> {
        let meant = self.memtables.values().filter(|memtable| memtable.filed() < seq);
        let keys = meant.map(Memtable::key);
        keys.filter(|(project, namespace)| gone.means(*project, namespace)).cloned().collect()
    }

    fn let_go(&mut self, keys: Vec<TableKey>, seq: u64, answer: Option<Confirm>) {
        for key in &keys {
            self.memtables.remove(key);
            self.outages.remove(key);
            self.tables.remove(key, seq);
            self.retries.remove(key);
            self.keep_from.remove(key);
            let _ = self.jobs.send(Job::Drop { key: key.clone(), again: false });
        }
        if keys.is_empty() {
            answer.map(|answer| answer.send(Ok(())));
            return;
        }
        self.dropping.push(Dropping { seq, left: keys.into_iter().collect(), answer });
    }

    /// The flusher is done with a table that was let go, or failed.
    pub(super) fn dropped(&mut self, key: &TableKey, done: Result<(), StoreError>) {
        if let Err(error) = done {
            tracing::error!(project = %key.0, namespace = %key.1, %error, "files of a deleted table stay for now; trying again");
            self.drop_retries.insert(key.clone(), self.now_millis() + RETRY_MILLIS);
            let waiting = self.dropping.iter_mut().filter(|drop| drop.left.contains(key));
            for answer in waiting.filter_map(|drop| drop.answer.take()) {
                let _ = answer.send(Err(error.clone()));
            }
            return;
        }
        for drop in &mut self.dropping {
            drop.left.remove(key);
        }
        for done in self.dropping.extract_if(.., |drop| drop.left.is_empty()) {
            done.answer.map(|answer| answer.send(Ok(())));
        }
        self.forget();
    }

    /// Asks the flusher once more for what it could not do.
    pub(super) fn drop_what_is_due(&mut self) {
        let now = self.now_millis();
        for (key, _) in self.drop_retries.extract_if(|_, at| *at <= now) {
            let _ = self.jobs.send(Job::Drop { key, again: true });
        }
    }

    /// Whether a table of that name is still going.
    pub(super) fn is_dropping(&self, key: &TableKey) -> bool {
        self.dropping.iter().any(|drop| drop.left.contains(key))
    }

    /// The first record that the journal must keep until files are gone.
    pub(super) fn first_dropping(&self) -> Option<u64> {
        self.dropping.iter().map(|drop| drop.seq).min()
    }
}
