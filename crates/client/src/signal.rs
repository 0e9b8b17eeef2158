//! Wakes the worker, and tells when it is gone.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Debug, Default)]
struct State {
    stop: bool,
    wake: bool,
    gone: bool,
}

/// Shared by the worker and those who wake it.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    state: Mutex<State>,
    changed: Condvar,
}

impl Signal {
    /// There is something to do.
    pub(crate) fn wake(&self) {
        self.state().wake = true;
        self.changed.notify_all();
    }

    /// It is over.
    pub(crate) fn stop(&self) {
        self.state().stop = true;
        self.changed.notify_all();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.state().stop
    }

    /// Waits so long, or until woken or stopped. Says whether it is over.
    pub(crate) fn pause(&self, most: Duration) -> bool {
        let waiting =
            self.changed.wait_timeout_while(self.state(), most, |state| !state.stop && !state.wake);
        let (mut state, _) = waiting.unwrap_or_else(PoisonError::into_inner);
        state.wake = false;
        state.stop
    }

    /// Waits so long, whatever wakes others, or until stopped. Says whether it is over.
    pub(crate) fn rest(&self, most: Duration) -> bool {
        let waiting = self.changed.wait_timeout_while(self.state(), most, |state| !state.stop);
        waiting.unwrap_or_else(PoisonError::into_inner).0.stop
    }

    /// The worker is gone.
    pub(crate) fn leave(&self) {
        self.state().gone = true;
        self.changed.notify_all();
    }

    /// Waits until the worker is gone, but not longer than that.
    pub(crate) fn wait_gone(&self, most: Duration) -> bool {
        let waiting = self.changed.wait_timeout_while(self.state(), most, |state| !state.gone);
        waiting.unwrap_or_else(PoisonError::into_inner).0.gone
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
