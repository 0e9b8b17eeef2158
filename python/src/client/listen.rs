//! What happens in the background, told to Python.
//!
//! The sending thread calls into the interpreter, which may be about to end: at that moment the gate is shut, and
//! from then on nobody enters.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use iobeam::{Event, Level};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

thread_local! {
    /// This thread is in a listener.
    static TELLING: Cell<bool> = const { Cell::new(false) };
}

static SHUT: AtomicBool = AtomicBool::new(false);
static INSIDE: AtomicUsize = AtomicUsize::new(0);

/// Calls a listener with an event, as a dictionary.
pub(super) fn tell(listener: &Py<PyAny>, event: &Event) {
    enter(listener, |py| listener.call1(py, (event_dict(py, event)?,)));
}

/// Writes a line of the log: `logger.log(level, "%s", line)`.
pub(super) fn write(log: &Py<PyAny>, level: Level, line: &str) {
    // The numbers of Python's own logging.
    let level = match level {
        Level::Warning => 30,
        Level::Info => 20,
    };
    enter(log, |py| log.call1(py, (level, "%s", line)));
}

/// Calls into the interpreter, if there is one still.
fn enter(listener: &Py<PyAny>, call: impl FnOnce(Python<'_>) -> PyResult<Py<PyAny>>) {
    INSIDE.fetch_add(1, Ordering::SeqCst);
    if !SHUT.load(Ordering::SeqCst) {
        // No interpreter: nobody to tell.
        TELLING.set(true);
        let _ = Python::try_attach(|py| {
            if let Err(error) = call(py) {
                // A listener's own failure is its program's to see, and not a reason to stop sending.
                error.write_unraisable(py, Some(listener.bind(py)));
            }
        });
        TELLING.set(false);
    }
    INSIDE.fetch_sub(1, Ordering::SeqCst);
}

/// Refuses what would wait for the very thread that tells.
#[pyfunction]
pub(crate) fn refuse_inside() -> PyResult<()> {
    if TELLING.get() {
        return Err(PyRuntimeError::new_err(
            "on_event is called while the client sends, and cannot send or close itself; tell another thread to",
        ));
    }
    Ok(())
}

/// No listener is called any more; those that are being called are waited for, but not for ever.
#[pyfunction]
pub(crate) fn stop_listening(py: Python<'_>) {
    SHUT.store(true, Ordering::SeqCst);
    py.detach(|| {
        for _ in 0..500 {
            if INSIDE.load(Ordering::SeqCst) == 0 {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    });
}

fn event_dict<'py>(py: Python<'py>, event: &Event) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    match event {
        Event::Sent { rows } => {
            dict.set_item("event", "sent")?;
            dict.set_item("rows", rows)?;
        }
        Event::Failed { message } => {
            dict.set_item("event", "failed")?;
            dict.set_item("message", message)?;
        }
        Event::Dropped { rows } => {
            dict.set_item("event", "dropped")?;
            dict.set_item("rows", rows)?;
        }
        Event::Rejected { batch } => {
            dict.set_item("event", "rejected")?;
            dict.update(super::rejected_dict(py, batch)?.as_mapping())?;
        }
        other => dict.set_item("event", format!("{other:?}"))?,
    }
    Ok(dict)
}
