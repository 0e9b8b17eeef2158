//! What the writer shows, and everybody else looks at: for each key the newest view, in one step from one to the next.
//!
//! ```text
//! writer: show(view) ─▶ slot ─▶ view(key), all()     a view never changes; who holds one keeps it
//! ```
//!
//! The locks and atomics come from `super`: `tests/hand_over` compiles this very file with those of a scheduler that
//! tries the orders in which threads may run.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use super::primitives::{RwLock, Swap};

/// The newest view of each key.
#[derive(Debug)]
pub(crate) struct SnapshotRegistry<K, V> {
    /// Locked for writing only when a key comes into being, or goes.
    slots: RwLock<HashMap<K, Arc<Slot<V>>>>,
}

/// Where the newest view of a key stands.
#[derive(Debug)]
pub(crate) struct Slot<V>(Swap<V>);

impl<V> Slot<V> {
    /// From now on everybody sees this.
    pub(crate) fn show(&self, view: V) {
        self.0.store(Arc::new(view));
    }
}

impl<K, V> Default for SnapshotRegistry<K, V> {
    fn default() -> Self {
        Self { slots: RwLock::new(HashMap::new()) }
    }
}

impl<K: Clone + Eq + Hash, V: Clone> SnapshotRegistry<K, V> {
    /// What is shown of a key now.
    pub(crate) fn view(&self, key: &K) -> Option<V> {
        self.slots.read().get(key).map(|slot| V::clone(&slot.0.load()))
    }

    /// All that is shown now.
    pub(crate) fn all(&self) -> Vec<(K, V)> {
        let slots = self.slots.read();
        slots.iter().map(|(key, slot)| (key.clone(), V::clone(&slot.0.load()))).collect()
    }

    /// A place for a new key.
    pub(crate) fn add(&self, key: &K, first: V) -> Arc<Slot<V>> {
        let slot = Arc::new(Slot(Swap::from_pointee(first)));
        self.slots.write().insert(key.clone(), Arc::clone(&slot));
        slot
    }

    /// Nothing is shown of a key any more.
    pub(crate) fn remove(&self, key: &K) {
        self.slots.write().remove(key);
    }
}
