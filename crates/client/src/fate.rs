//! What became of single batches, for whoever asks: a transfer asks about its own.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use iobeam_model::BatchId;
use iobeam_wire::batch::peek;

use crate::rejected::Rejected;
use crate::spool::split;

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is on its way.
    Waiting,
    /// The server has it; `repeat`: it had it before.
    Stored { repeat: bool },
    /// The server refused it for good.
    Rejected(Rejected),
}

/// Batches whose fate is asked for, by how many, and what is known of it.
#[derive(Debug, Default)]
pub(crate) struct Watched(Mutex<HashMap<BatchId, (u32, Fate)>>);

impl Watched {
    /// The fate of that batch will be asked for.
    pub(crate) fn watch(&self, id: BatchId) {
        self.lock().entry(id).or_insert((0, Fate::Waiting)).0 += 1;
    }

    /// The fate of those batches is not asked for any more.
    pub(crate) fn unwatch(&self, ids: impl IntoIterator<Item = BatchId>) {
        let mut watched = self.lock();
        for id in ids {
            if let Some((watchers, _)) = watched.get_mut(&id) {
                *watchers -= 1;
                if *watchers == 0 {
                    watched.remove(&id);
                }
            }
        }
    }

    /// What became of a batch that is watched.
    pub(crate) fn fate(&self, id: BatchId) -> Fate {
        self.lock().get(&id).map_or(Fate::Waiting, |(_, fate)| fate.clone())
    }

    /// Notes the fate of the batches in a body.
    pub(crate) fn note(&self, body: &[u8], fate: &Fate) {
        let mut watched = self.lock();
        if watched.is_empty() {
            return;
        }
        for id in split(body).into_iter().filter_map(|part| peek(part).ok()?.id) {
            if let Some((_, known)) = watched.get_mut(&id) {
                known.clone_from(fate);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<BatchId, (u32, Fate)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
