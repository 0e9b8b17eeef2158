//! Tables that are out of service: nothing is taken in for them, and the journal keeps what it has of them.
//!
//! ```text
//! log damaged at the start ─▶ out: no rows shown, imports refused, its records kept ─ repaired, next start ─▶ back
//! log damaged while at work ─▶ imports refused, its rows shown, flushes tried again ─ one succeeds ─▶ back
//! ```

use crate::error::StoreError;
use crate::lake::delta::TableKey;

use super::Writer;

/// A table that is out of service.
#[derive(Debug)]
pub(super) struct Outage {
    pub(super) fault: StoreError,
    /// The first record of the journal that may have rows of it.
    first: Option<u64>,
}

impl Writer {
    /// Takes a table out of service. What it has in memory stays in the journal.
    pub(crate) fn take_out(&mut self, key: &TableKey, fault: StoreError) {
        tracing::error!(%fault, "a table is out of service; all others are served");
        let first = self.memtables.remove(key).and_then(|memtable| memtable.first_unfiled());
        self.tables.fail(key, fault.clone());
        self.outages.insert(key.clone(), Outage { fault, first });
    }

    /// Whether a table is out of service.
    pub(crate) fn is_out(&self, key: &TableKey) -> bool {
        self.outages.contains_key(key)
    }

    /// Up to which record a table's rows are in files.
    pub(crate) fn filed(&self, key: &TableKey) -> u64 {
        self.memtables.get(key).map_or(0, crate::memtable::Memtable::filed)
    }

    /// What is wrong with the tables that are out of service.
    pub(crate) fn faults(&self) -> Vec<String> {
        self.outages.values().map(|outage| outage.fault.to_string()).collect()
    }

    /// Keeps a record that has rows of a table that is out of service; no where it is not.
    pub(super) fn hold(&mut self, key: &TableKey, seq: u64) -> bool {
        let Some(outage) = self.outages.get_mut(key) else { return false };
        outage.first = Some(outage.first.map_or(seq, |first| first.min(seq)));
        true
    }

    /// The first record that the journal must keep for tables that are out of service.
    pub(super) fn first_held(&self) -> Option<u64> {
        self.outages.values().filter_map(|outage| outage.first).min()
    }

    /// Refuses rows for a table that is out of service.
    pub(super) fn refuse_out(&self, key: &TableKey) -> Result<(), StoreError> {
        let fault = self.outages.get(key).map(|outage| outage.fault.clone());
        fault.or_else(|| self.tables.refusal(key)).map_or(Ok(()), Err)
    }
}
