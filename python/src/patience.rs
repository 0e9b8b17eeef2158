//! Work that may take long, done in a thread of its own, so that Ctrl-C ends the wait for it.

use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::data_store::lock;

/// How soon Ctrl-C is heard.
const LOOK_UP: Duration = Duration::from_millis(50);

/// What the work comes to. When a signal's handler raises, the wait ends; the work goes on to its own deadline.
pub(crate) fn wait_for<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> T + Send + 'static,
) -> PyResult<T> {
    let (tell, hear) = sync_channel(1);
    let hear = Mutex::new(hear);
    let thread = thread::Builder::new().name("iobeam-wait".to_owned());
    thread.spawn(move || {
        // Nobody listens any more after Ctrl-C.
        let _ = tell.send(work());
    })?;
    loop {
        match py.detach(|| lock(&hear).recv_timeout(LOOK_UP)) {
            Ok(outcome) => return Ok(outcome),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(PyRuntimeError::new_err("the thread that sends has failed"));
            }
        }
    }
}
