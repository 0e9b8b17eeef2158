//! The locks and atomics of what threads hand over to each other. The tests of the hand-over bring their own.

pub(crate) use arc_swap::ArcSwap as Swap;
pub(crate) use parking_lot::{Mutex, RwLock};
