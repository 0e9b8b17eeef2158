//! Batches that were set aside: looked at, mended, put back, dropped.

use iobeam::{Batch, RejectedFolder, Value};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::{Client, frames};
use crate::failure::failure;
use crate::frame::Wanted;
use crate::timestamp::Unit;

const TIME: &str = "time";
const DEVICE: &str = "device_id";

/// The folder of a client's refused batches.
fn folder(owner: &Client, py: Python<'_>) -> PyResult<RejectedFolder> {
    let folder = owner.client(py)?.rejected_folder();
    folder.ok_or_else(|| {
        PyValueError::new_err(
            "without a spool nothing is set aside: refused rows are still in their store; clear() or mend them there",
        )
    })
}

/// The rows of a refused batch: a list for each column, times in microseconds.
pub(super) fn rows<'py>(
    owner: &Client,
    py: Python<'py>,
    name: &str,
) -> PyResult<Bound<'py, PyDict>> {
    let folder = folder(owner, py)?;
    let batch = py.detach(|| folder.batch(name)).map_err(|error| failure(py, &error))?;
    let table = PyDict::new(py);
    table.set_item(TIME, batch.times())?;
    for column in batch.columns() {
        let list = PyList::empty(py);
        for row in 0..batch.rows() {
            match column.value(row) {
                None => list.append(py.None())?,
                Some(Value::Double(number)) => list.append(number)?,
                Some(Value::Long(number)) => list.append(number)?,
                Some(Value::Boolean(truth)) => list.append(truth)?,
                Some(Value::String(text)) => list.append(&*text)?,
            }
        }
        table.set_item(column.name().as_str(), list)?;
    }
    Ok(table)
}

/// Puts a refused batch back into the queue: as it was, or with these rows.
pub(super) fn resend(
    owner: &Client,
    py: Python<'_>,
    name: &str,
    table: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    let folder = folder(owner, py)?;
    let Some(table) = table else {
        return py.detach(|| folder.resend(name)).map_err(|error| failure(py, &error));
    };
    let refused = py.detach(|| folder.batch(name)).map_err(|error| failure(py, &error))?;
    let mended = mended(table, &refused)?;
    py.detach(|| folder.resend_mended(name, &mended)).map_err(|error| failure(py, &error))
}

fn mended(table: &Bound<'_, PyAny>, refused: &Batch) -> PyResult<Batch> {
    let mut frame = frames::read(table, true)?;
    let names = frame.names();
    let wanted = Wanted {
        time: TIME.to_owned(),
        unit: Some(Unit::Microseconds),
        utc: false,
        namespace: refused.namespace().clone(),
        device: None,
        device_column: names.iter().any(|name| name == DEVICE).then(|| DEVICE.to_owned()),
        columns: None,
    };
    let none = || PyValueError::new_err("the table has no rows; drop_rejected() discards a batch");
    frame.next(&wanted)?.filter(|batch| batch.rows() > 0).ok_or_else(none)
}

/// Removes a refused batch for good.
pub(super) fn discard(owner: &Client, py: Python<'_>, name: &str) -> PyResult<()> {
    let folder = folder(owner, py)?;
    py.detach(|| folder.discard(name)).map_err(|error| failure(py, &error))
}
