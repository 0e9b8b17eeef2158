//! Whole tables, written part by part: what waits is sent as it grows.

use std::time::Duration;

use iobeam::{Error, Outcome, Transfer};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::Client;
use super::options::option;
use crate::failure::{failure, failure_with, raise};
use crate::frame::{Frame, Named, Wanted};
use crate::patience::wait_for;
use crate::timestamp::Unit;

/// So much waits at most before it is sent.
const WAITING_BYTES: u64 = 4 << 20;

/// A table on its way.
struct Writing {
    client: iobeam::Client,
    /// How long it is tried, if it is waited for.
    deadline: Option<Duration>,
    rows: u64,
}

/// Writes a table. Says how many rows it had, and how many of them had been stored before.
pub(super) fn write_frame(
    owner: &Client,
    frame: &Bound<'_, PyAny>,
    options: &Bound<'_, PyDict>,
    wait: bool,
    deadline: Duration,
) -> PyResult<(u64, u64)> {
    let py = frame.py();
    let wanted = wanted(options)?;
    let client = owner.client(py)?;
    let mut transfer = client.transfer();
    if !option::<bool>(options, "deduplicate")?.unwrap_or(true) {
        transfer = transfer.store_again().map_err(|error| failure(py, &error))?;
    }
    let mut frame = read(frame, option::<bool>(options, "whole")?.unwrap_or(true))
        .map_err(|wrong| counted(py, wrong, &Outcome::default()))?;
    let mut writing = Writing { client, deadline: wait.then_some(deadline), rows: 0 };
    loop {
        let batch = match frame.next(&wanted) {
            Ok(Some(batch)) => batch,
            Ok(None) => break,
            Err(wrong) => return Err(writing.stopped(py, transfer, &wrong)?),
        };
        writing.rows += batch.rows() as u64;
        let (client, deadline) = (writing.client.clone(), writing.deadline);
        let (back, written) = wait_for(py, move || {
            let written = transfer.write(batch, || match deadline {
                Some(deadline) if client.status().waiting_bytes > WAITING_BYTES => {
                    client.send_within(deadline).map(drop)
                }
                _ => Ok(()),
            });
            (transfer, written)
        })?;
        transfer = back;
        written.map_err(|error| writing.failed(py, &transfer.outcome(), &error))?;
    }
    if let Some(deadline) = writing.deadline {
        let sender = writing.client.clone();
        let sent = wait_for(py, move || sender.send_within(deadline))?;
        sent.map_err(|error| writing.failed(py, &transfer.outcome(), &error))?;
    }
    let outcome = transfer.outcome();
    if outcome.rejected_rows > 0 {
        return Err(writing.refused(py, &outcome, &transfer));
    }
    Ok((writing.rows, outcome.repeated_rows))
}

impl Writing {
    /// What is to be said of rows that are there although the table as a whole is not.
    fn so_far(&self, outcome: &Outcome) -> String {
        let (rows, stored) = (self.rows, outcome.stored_rows);
        let waiting = match outcome.waiting_rows {
            0 => String::new(),
            waiting => format!(", and {waiting} wait to be sent"),
        };
        format!(
            "; {stored} of the {rows} rows are stored{waiting}. Write the same table again once it can be: each row is \
             stored once"
        )
    }

    /// The server could not be reached, or the disk refused.
    fn failed(&self, py: Python<'_>, outcome: &Outcome, error: &Error) -> PyErr {
        counted(py, failure_with(py, error, &self.so_far(outcome)), outcome)
    }

    /// The server refused some of it for good.
    fn refused(&self, py: Python<'_>, outcome: &Outcome, transfer: &Transfer) -> PyErr {
        let (refused, rows) = (outcome.rejected_rows, self.rows);
        let reason = outcome.rejected.as_ref();
        let said =
            reason.map_or_else(String::new, |first| format!("{} {}", first.status, first.message));
        let message = format!(
            "the server refused {refused} of the {rows} rows: {said}{}",
            self.so_far(outcome)
        );
        let error = raise(py, "RefusedError", &message);
        if let Some(first) = reason {
            // An exception that cannot be given attributes still says it all in its text.
            let _ = error.value(py).setattr("status", first.status);
            let _ = error.value(py).setattr("code", first.code);
        }
        let _ = error.value(py).setattr("not_stored", transfer.not_stored());
        counted(py, error, outcome)
    }

    /// A later part of a stream cannot be stored: those before it are sent, as nobody can take them back.
    fn stopped(&self, py: Python<'_>, transfer: Transfer, wrong: &PyErr) -> PyResult<PyErr> {
        if self.rows == 0 {
            return Ok(counted(py, wrong.clone_ref(py), &Outcome::default()));
        }
        if let Some(deadline) = self.deadline {
            let sender = self.client.clone();
            // What does not leave now waits, and is counted so.
            let _ = wait_for(py, move || sender.send_within(deadline))?;
        }
        let outcome = transfer.outcome();
        let message = format!("{}{}", wrong.value(py), self.so_far(&outcome));
        Ok(counted(py, PyValueError::new_err(message), &outcome))
    }
}

/// The exception with what became of the rows.
fn counted(py: Python<'_>, error: PyErr, outcome: &Outcome) -> PyErr {
    let value = error.value(py);
    // As above.
    let _ = value.setattr("stored_rows", outcome.stored_rows);
    let _ = value.setattr("refused_rows", outcome.rejected_rows);
    let _ = value.setattr("waiting_rows", outcome.waiting_rows);
    error
}

/// A table in one of the two forms that the Python half makes of it. `whole`: it is read to its end first.
pub(super) fn read(frame: &Bound<'_, PyAny>, whole: bool) -> PyResult<Frame> {
    if frame.hasattr("__arrow_c_stream__")? {
        return Frame::arrow(frame, whole);
    }
    Frame::memory(&frame.extract::<Vec<Named<'_>>>()?)
}

fn wanted(options: &Bound<'_, PyDict>) -> PyResult<Wanted> {
    let unit = options.get_item("unit")?.filter(|unit| !unit.is_none());
    let namespace = option::<String>(options, "namespace")?.unwrap_or_else(|| "input".to_owned());
    let namespace = namespace.parse().map_err(|error| {
        PyValueError::new_err(format!("the namespace {namespace:?} cannot be used: {error}"))
    })?;
    let device = option::<String>(options, "device")?;
    device.as_deref().map(super::device).transpose()?;
    Ok(Wanted {
        time: option(options, "time")?.unwrap_or_else(|| "time".to_owned()),
        unit: unit.map(|unit| Unit::read(&unit)).transpose()?,
        utc: option::<bool>(options, "utc")?.unwrap_or(false),
        namespace,
        device,
        device_column: option(options, "device_column")?,
        columns: option(options, "columns")?,
    })
}
