//! Whole tables, written part by part: while one part is on its way to the server the next is being read.

use std::time::Duration;

use iobeam::{Batch, Bitmap, Column, Texts, Values};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::{Client, option};
use crate::failure::failure;
use crate::frame::{Frame, Wanted};
use crate::patience::wait_for;
use crate::timestamp::Unit;

/// So much waits at most before it is sent.
const WAITING_BYTES: u64 = 4 << 20;
const SLICE_ROWS: usize = 50_000;

/// Writes a table. Says how many rows it had.
pub(super) fn write_frame(
    owner: &Client,
    frame: &Bound<'_, PyAny>,
    options: &Bound<'_, PyDict>,
    wait: bool,
    deadline: Duration,
) -> PyResult<u64> {
    let py = frame.py();
    let wanted = wanted(options)?;
    let client = owner.client(py)?;
    let before = py.detach(|| client.status().rejected_batches);
    let mut frame = read(frame)?;
    let mut rows = 0;
    while let Some(batch) = frame.next(&wanted)? {
        rows += batch.rows() as u64;
        let writer = client.clone();
        let written = wait_for(py, move || write(&writer, &batch, wait.then_some(deadline)))?;
        written.map_err(|error| failure(py, &error))?;
    }
    if wait {
        let sender = client.clone();
        let sent = wait_for(py, move || sender.send_within(deadline))?;
        sent.map_err(|error| failure(py, &error))?;
    }
    super::refuse_if_rejected(py, &client, before)?;
    Ok(rows)
}

/// A table in one of the two forms that the Python half makes of it.
pub(super) fn read(frame: &Bound<'_, PyAny>) -> PyResult<Frame> {
    if frame.hasattr("__arrow_c_stream__")? {
        return Frame::arrow(frame);
    }
    Frame::memory(&frame.extract::<Vec<(String, Bound<'_, PyAny>, bool)>>()?)
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

/// Puts a batch into the client slice by slice. With a deadline, what waits is sent as it grows.
fn write(
    client: &iobeam::Client,
    batch: &Batch,
    deadline: Option<Duration>,
) -> Result<(), iobeam::Error> {
    let most = SLICE_ROWS.min(super::PART_VALUES / (batch.columns().len() + 1)).max(1);
    let mut from = 0;
    while from < batch.rows() {
        let to = (from + most).min(batch.rows());
        client.write(slice(batch, from, to)?)?;
        if let Some(deadline) = deadline
            && client.status().waiting_bytes > WAITING_BYTES
        {
            client.send_within(deadline)?;
        }
        from = to;
    }
    Ok(())
}

/// Rows of a batch, as a batch.
fn slice(batch: &Batch, from: usize, to: usize) -> Result<Batch, iobeam::Error> {
    let columns: Result<Vec<_>, _> = batch
        .columns()
        .iter()
        .map(|column| {
            let values = match column.values() {
                Values::Double(numbers) => Values::Double(numbers[from..to].to_vec()),
                Values::Long(numbers) => Values::Long(numbers[from..to].to_vec()),
                Values::Boolean(truths) => Values::Boolean(truths[from..to].to_vec()),
                Values::String(texts) => {
                    let mut part = Texts::new();
                    (from..to).for_each(|row| part.push(texts.get(row)));
                    Values::String(part)
                }
            };
            let present = column.present().map(|bits| {
                let mut part = Bitmap::new();
                (from..to).for_each(|row| part.push(bits.get(row)));
                part
            });
            Column::new(column.name().clone(), values, present)
        })
        .collect();
    Ok(Batch::new(batch.namespace().clone(), batch.times()[from..to].to_vec(), columns?)?)
}
