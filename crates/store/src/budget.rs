//! The bytes that writes take: reserved before they queue, and moved to what tables hold once they are applied.
//!
//! ```text
//! reserve ─▶ queued ─ apply ─▶ held ─ flushed ─▶ free
//! ```
//!
//! - Bytes on their way from `queued` to `held` count twice for a moment, never not at all: whoever reserves adds to
//!   `queued` first and looks at `held` then, and whoever applies counts in the other order.
//! - The atomics come from `super`: `tests/hand_over` compiles this very file with those of a scheduler that tries the
//!   orders in which threads may run.

use super::primitives::{AtomicU64, Ordering};

/// Whether a write's bytes fit beside those that are queued and held; they are queued if so. What is larger than the
/// budget goes through alone.
pub(crate) fn reserve(queued: &AtomicU64, held: &AtomicU64, weight: u64, budget: u64) -> bool {
    let before = queued.fetch_add(weight, Ordering::SeqCst) + held.load(Ordering::SeqCst);
    let fits = before == 0 || before + weight <= budget;
    if !fits {
        queued.fetch_sub(weight, Ordering::SeqCst);
    }
    fits
}

/// A write's bytes are no longer queued: the tables hold so many now, its own among them if it was stored.
pub(crate) fn apply(queued: &AtomicU64, held: &AtomicU64, weight: u64, now_held: u64) {
    held.store(now_held, Ordering::SeqCst);
    queued.fetch_sub(weight, Ordering::SeqCst);
}
