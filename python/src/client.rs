//! `Client`: the Rust client, with stores that can be read back as the original's could.
//!
//! ```text
//! with a spool or background sending   add ─▶ the Rust client at once;  send() ─▶ its send()
//! without                              add ─▶ the store's own rows;     send() ─▶ a part of them ─▶ the Rust client
//!                                                     ▲                            │ stored: gone from the store
//!                                                     └──────── refused ───────────┘ no answer: they stay under way
//! ```
//!
//! - A part that got no answer is sent again under its number before anything else, so nothing is stored twice.
//! - The interpreter is let go of before any lock of the client is asked for; a listener therefore cannot deadlock.

mod rejected;

mod frames;

mod options;

mod stores;

mod listen;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use iobeam::{DeviceId, Error, Rejected, Status};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::data_store::{DataStore, lock};
use crate::failure::failure;
use crate::patience::wait_for;
use options::builder;
use stores::{Stores, refuse_if_rejected, send};

pub(crate) use listen::{refuse_inside, stop_listening};

/// How long a table is tried to be sent, part by part.
const FRAME_TIMEOUT: Duration = Duration::from_mins(1);

/// The native half of a client.
#[pyclass(frozen, module = "iobeam._native", weakref)]
pub(crate) struct Client {
    held: Mutex<Option<iobeam::Client>>,
    stores: Arc<Stores>,
}

/// Where the server is when nobody says so.
#[pyfunction]
pub(crate) fn default_backend() -> String {
    iobeam::default_backend()
}

/// A base URL as it is given, in the form with `/v1/` at its end.
#[pyfunction]
pub(crate) fn base_url(py: Python<'_>, url: &str) -> PyResult<String> {
    iobeam::base_url(url).map_err(|error| failure(py, &error))
}

#[pymethods]
impl Client {
    #[new]
    fn new(
        py: Python<'_>,
        project: i64,
        token: &str,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let builder = builder(project, token, options)?;
        let built = wait_for(py, || builder.build())?;
        let client = built.map_err(|error| failure(py, &error))?;
        Ok(Self { held: Mutex::new(Some(client)), stores: Arc::default() })
    }

    #[getter]
    fn project_token(&self, py: Python<'_>) -> PyResult<String> {
        self.ask(py, |client| Ok(client.project_token()))
    }

    #[getter]
    fn backend(&self, py: Python<'_>) -> PyResult<String> {
        self.ask(py, |client| Ok(client.backend().to_owned()))
    }

    #[getter]
    fn device_id(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.ask(py, |client| Ok(client.device_id().map(|id| id.to_string())))
    }

    fn set_device_id(&self, py: Python<'_>, id: &str) -> PyResult<()> {
        let id = device(id)?;
        self.ask(py, |client| client.set_device_id(&id))
    }

    #[pyo3(signature = (id = None, name = None, take_over = false))]
    fn register_device(
        &self,
        py: Python<'_>,
        id: Option<String>,
        name: Option<String>,
        take_over: bool,
    ) -> PyResult<String> {
        let client = self.client(py)?;
        let registered = wait_for(py, move || {
            client.register_device(id.as_deref(), name.as_deref(), take_over)
        })?;
        registered.map(|id| id.to_string()).map_err(|error| failure(py, &error))
    }

    /// Rows of a store go into the client at once from now on.
    #[pyo3(signature = (store, device = None))]
    fn attach(
        &self,
        py: Python<'_>,
        store: &Bound<'_, DataStore>,
        device: Option<&str>,
    ) -> PyResult<()> {
        let names: Vec<&str> = store.get().fields().iter().map(iobeam::FieldName::as_str).collect();
        let device = device.map(self::device).transpose()?;
        let target = self.ask(py, |client| match &device {
            None => client.create_data_store(&names),
            Some(device) => client.create_data_store_for(device, &names),
        })?;
        store.get().attach(py, target)
    }

    /// A store takes no further rows, as its client is about to end.
    #[expect(clippy::unused_self, reason = "it is the client's to say")]
    fn detach(&self, store: &Bound<'_, DataStore>) {
        store.get().close();
    }

    /// Sends what is in the client.
    #[pyo3(signature = (timeout = None))]
    fn send(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<u64> {
        listen::refuse_inside()?;
        let deadline = deadline(timeout)?;
        let client = self.client(py)?;
        let before = py.detach(|| client.status().rejected_batches);
        let (sender, stores) = (client.clone(), Arc::clone(&self.stores));
        let sent = wait_for(py, move || {
            let _alone = lock(&stores.sending);
            send(&sender, deadline)
        })?;
        let sent = sent.map_err(|error| failure(py, &error))?;
        refuse_if_rejected(py, &client, before)?;
        Ok(sent)
    }

    /// Sends the rows of a store that is not attached.
    #[pyo3(signature = (store, device, timeout = None))]
    fn send_store(
        &self,
        py: Python<'_>,
        store: &Bound<'_, DataStore>,
        device: &str,
        timeout: Option<f64>,
    ) -> PyResult<()> {
        let (device, deadline) = (self::device(device)?, deadline(timeout)?);
        let shared = Arc::clone(&store.get().shared);
        let client = self.client(py)?;
        let stores = Arc::clone(&self.stores);
        let outcome = wait_for(py, move || {
            let _alone = lock(&stores.sending);
            stores.send_all(&client, &shared, &device, deadline)
        })?;
        outcome.map_err(|refusal| refusal.exception(py))
    }

    /// Sends what a former `send_store` left under way.
    #[pyo3(signature = (timeout = None))]
    fn finish_store(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        listen::refuse_inside()?;
        let deadline = deadline(timeout)?;
        let client = self.client(py)?;
        if py.detach(|| lock(&self.stores.under_way).is_none()) {
            return Ok(());
        }
        let stores = Arc::clone(&self.stores);
        let outcome = wait_for(py, move || {
            let _alone = lock(&stores.sending);
            match stores.settle(&client, deadline)? {
                None => Ok(()),
                Some(refused) => Err(refused.give_back()),
            }
        })?;
        outcome.map_err(|refusal| refusal.exception(py))
    }

    /// Writes a table: one that speaks Arrow, or a list of named columns. Says how many rows it had, and how many of
    /// them had been stored before.
    #[pyo3(signature = (frame, options, wait, timeout = None))]
    fn write_frame(
        &self,
        frame: &Bound<'_, PyAny>,
        options: &Bound<'_, PyDict>,
        wait: bool,
        timeout: Option<f64>,
    ) -> PyResult<(u64, u64)> {
        listen::refuse_inside()?;
        let deadline = deadline(timeout)?.unwrap_or(FRAME_TIMEOUT);
        frames::write_frame(self, frame, options, wait, deadline)
    }

    /// Puts all rows into the spool.
    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        self.ask(py, iobeam::Client::flush)
    }

    /// How the client is doing.
    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let status = self.ask(py, |client| Ok(client.status()))?;
        status_dict(py, &status)
    }

    /// The batches that the server refused for good.
    fn rejected<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for rejected in self.ask(py, iobeam::Client::rejected)? {
            list.append(rejected_dict(py, &rejected)?)?;
        }
        Ok(list)
    }

    /// The rows of a refused batch: a list for each column.
    fn rejected_rows<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyDict>> {
        rejected::rows(self, py, name)
    }

    /// Puts a refused batch back into the queue: as it was, or with the rows of a table.
    #[pyo3(signature = (name, table = None))]
    fn resend(&self, py: Python<'_>, name: &str, table: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        rejected::resend(self, py, name, table)
    }

    /// Removes a refused batch for good.
    fn drop_rejected(&self, py: Python<'_>, name: &str) -> PyResult<()> {
        rejected::discard(self, py, name)
    }

    /// The time of the server, in microseconds, if it was learnt; else the machine's.
    fn now(&self, py: Python<'_>) -> PyResult<i64> {
        self.ask(py, |client| Ok(client.now().micros()))
    }

    /// Sends for so long, and ends.
    fn close(&self, py: Python<'_>, timeout: f64) -> PyResult<()> {
        listen::refuse_inside()?;
        let deadline = deadline(Some(timeout))?.unwrap_or_default();
        let held = lock(&self.held).take();
        let Some(client) = held else { return Ok(()) };
        let closed = wait_for(py, move || {
            let status = client.status();
            let idle = status.collected_rows + status.waiting_rows == 0;
            client.close(if idle { deadline.max(Duration::from_millis(100)) } else { deadline })
        })?;
        closed.map_err(|error| failure(py, &error))
    }

    /// Ends without sending what a spool keeps: for the end of the program.
    fn leave(&self, py: Python<'_>) {
        let held = lock(&self.held).take();
        py.detach(|| drop(held));
    }

    /// In a child process the parent's client is left alone: its locks may be held by threads that are not here.
    fn forget_after_fork(&self) {
        std::mem::forget(lock(&self.held).take());
        *lock(&self.stores.under_way) = None;
    }

    /// How many rows of a store that is not attached wait in the client.
    #[getter]
    fn under_way_rows(&self, py: Python<'_>) -> usize {
        py.detach(|| {
            let under_way = lock(&self.stores.under_way).clone();
            under_way.map_or(0, |(shared, _)| {
                lock(&shared.rows).under_way.as_ref().map_or(0, |rows| rows.len())
            })
        })
    }

    /// Whether it was closed.
    #[getter]
    fn closed(&self) -> bool {
        lock(&self.held).is_none()
    }
}

impl Client {
    pub(crate) fn client(&self, py: Python<'_>) -> PyResult<iobeam::Client> {
        lock(&self.held).clone().ok_or_else(|| failure(py, &Error::Closed))
    }

    /// Asks the client something, without the interpreter.
    fn ask<T: Send>(
        &self,
        py: Python<'_>,
        question: impl FnOnce(&iobeam::Client) -> Result<T, Error> + Send,
    ) -> PyResult<T> {
        let client = self.client(py)?;
        py.detach(|| question(&client)).map_err(|error| failure(py, &error))
    }
}

fn deadline(timeout: Option<f64>) -> PyResult<Option<Duration>> {
    timeout
        .map(|timeout| {
            Duration::try_from_secs_f64(timeout)
                .map_err(|_| PyValueError::new_err("timeout must be a number of seconds"))
        })
        .transpose()
}

/// A device's id, as given.
pub(crate) fn device(id: &str) -> PyResult<DeviceId> {
    id.parse().map_err(|error| {
        PyValueError::new_err(format!("the device id {id:?} cannot be used: {error}"))
    })
}

fn status_dict<'py>(py: Python<'py>, status: &Status) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("collected_rows", status.collected_rows)?;
    dict.set_item("waiting_batches", status.waiting_batches)?;
    dict.set_item("waiting_rows", status.waiting_rows)?;
    dict.set_item("waiting_bytes", status.waiting_bytes)?;
    dict.set_item("oldest_seconds", status.oldest.map(|age| age.as_secs_f64()))?;
    dict.set_item("sent_rows", status.sent_rows)?;
    dict.set_item("last_sent", status.last_sent.map(iobeam::Timestamp::micros))?;
    dict.set_item("last_error", status.last_error.as_ref().map(|error| error.message.clone()))?;
    dict.set_item("rejected_batches", status.rejected_batches)?;
    dict.set_item("rejected_rows", status.rejected_rows)?;
    dict.set_item("dropped_rows", status.dropped_rows)?;
    dict.set_item("spool_damage", status.spool_damage.clone())?;
    dict.set_item("unset_clock_rows", status.unset_clock_rows)?;
    dict.set_item("clock_behind", status.clock_behind)?;
    Ok(dict)
}

fn rejected_dict<'py>(py: Python<'py>, rejected: &Rejected) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("name", &rejected.name)?;
    dict.set_item("namespace", &rejected.namespace)?;
    dict.set_item("rows", rejected.rows)?;
    dict.set_item("bytes", rejected.bytes)?;
    dict.set_item("at", rejected.at.micros())?;
    dict.set_item("status", rejected.status)?;
    dict.set_item("code", rejected.code)?;
    dict.set_item("message", &rejected.message)?;
    Ok(dict)
}
