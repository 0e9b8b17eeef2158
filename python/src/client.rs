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

mod frames;

mod listen;

mod rejected;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use iobeam::{DeviceId, Error, Rejected, Status, WhenFull};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::data_store::{DataStore, Shared, lock};
use crate::failure::{failure, raise};
use crate::patience::wait_for;
use crate::rows::Rows;

pub(crate) use listen::{refuse_inside, stop_listening};

/// So many rows travel as one batch, or fewer when they are wide.
const PART_ROWS: usize = 50_000;
const PART_VALUES: usize = 2_000_000;
/// How long a table is tried to be sent, part by part.
const FRAME_TIMEOUT: Duration = Duration::from_mins(1);

/// The native half of a client.
#[pyclass(frozen, module = "iobeam._native", weakref)]
pub(crate) struct Client {
    held: Mutex<Option<iobeam::Client>>,
    stores: Arc<Stores>,
}

/// What is under way of stores that are not attached.
#[derive(Default)]
struct Stores {
    /// The store whose rows are under way, and how many batches had been refused before them.
    under_way: Mutex<Option<(Arc<Shared>, u64)>>,
    /// One `send` at a time.
    sending: Mutex<()>,
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

fn seconds(options: &Bound<'_, PyDict>, name: &str) -> PyResult<Option<Duration>> {
    let Some(given) = option::<f64>(options, name)? else { return Ok(None) };
    Duration::try_from_secs_f64(given).map(Some).map_err(|_| {
        PyValueError::new_err(format!("{name} must be a number of seconds, not {given}"))
    })
}

fn option<'py, T: for<'a> FromPyObject<'a, 'py>>(
    options: &Bound<'py, PyDict>,
    name: &str,
) -> PyResult<Option<T>> {
    let given = options.get_item(name)?.filter(|given| !given.is_none());
    given
        .map(|given| {
            given
                .extract::<T>()
                .map_err(|_| PyValueError::new_err(format!("{name} cannot be {given}")))
        })
        .transpose()
}

/// What the options say, as the Rust client's builder.
fn builder(project: i64, token: &str, options: &Bound<'_, PyDict>) -> PyResult<iobeam::Builder> {
    let mut builder = iobeam::Client::builder(project, token);
    if let Some(url) = option::<String>(options, "backend")? {
        builder = builder.backend(url);
    }
    if let Some(dir) = option::<PathBuf>(options, "save_to")? {
        builder = builder.save_to_disk(dir);
    }
    if let Some(id) = option::<String>(options, "device_id")? {
        builder = builder.device_id(id);
    }
    if let Some((id, name, take_over)) =
        option::<(Option<String>, Option<String>, bool)>(options, "register")?
    {
        builder = match id {
            None => builder.register_device(),
            Some(id) if take_over => builder.register_or_set_id(id),
            Some(id) => builder.register_device_with_id(id),
        };
        if let Some(name) = name {
            builder = builder.device_name(name);
        }
    }
    builder = spooling(builder, options)?;
    if let Some(file) = option::<PathBuf>(options, "tls_ca")? {
        builder = builder.tls_ca(file);
    }
    if let Some(request) = seconds(options, "timeout")? {
        builder = builder.timeouts(request.min(Duration::from_secs(10)), request);
    }
    if let Some(deadline) = seconds(options, "send_timeout")? {
        builder = builder.send_deadline(deadline);
    }
    if let Some(deadline) = seconds(options, "close_timeout")? {
        builder = builder.close_deadline(deadline);
    }
    if option::<bool>(options, "clock_from_server")?.unwrap_or(false) {
        builder = builder.clock_from_server();
    }
    if option::<bool>(options, "mark_clock")?.unwrap_or(false) {
        builder = builder.mark_clock();
    }
    if let Some(listener) = option::<Py<PyAny>>(options, "on_event")? {
        builder = builder.on_event(move |event| listen::tell(&listener, event));
    }
    if let Some(log) = option::<Py<PyAny>>(options, "log")? {
        builder = builder.on_log(move |level, line| listen::write(&log, level, line));
    }
    Ok(builder)
}

fn spooling(
    mut builder: iobeam::Builder,
    options: &Bound<'_, PyDict>,
) -> PyResult<iobeam::Builder> {
    if let Some(dir) = option::<PathBuf>(options, "spool")? {
        builder = builder.spool(dir);
    }
    if let Some(bytes) = option::<u64>(options, "spool_limit")? {
        builder = builder.spool_limit(bytes);
    }
    if let Some(policy) = option::<String>(options, "when_full")? {
        builder = builder.when_full(match policy.as_str() {
            "refuse" => WhenFull::Refuse,
            "drop_oldest" => WhenFull::DropOldest,
            "drop_newest" => WhenFull::DropNewest,
            _ => {
                return Err(PyValueError::new_err(format!(
                    "when_full cannot be {policy:?}; choose \"refuse\", \"drop_oldest\" or \"drop_newest\""
                )));
            }
        });
    }
    if let Some(every) = seconds(options, "auto_send")? {
        builder = builder.auto_send(every);
    }
    if let Some(rows) = option::<usize>(options, "auto_send_rows")? {
        builder = builder.auto_send_rows(rows);
    }
    Ok(builder)
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

/// Why rows of a store were not stored.
enum Refusal {
    Failed(Error),
    Rejected(String),
}

impl Refusal {
    fn exception(&self, py: Python<'_>) -> PyErr {
        match self {
            Self::Failed(error) => failure(py, error),
            Self::Rejected(message) => raise(py, "RefusedError", message),
        }
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

/// Rows of a store that were refused.
struct Refused {
    shared: Arc<Shared>,
    part: Option<Arc<Rows>>,
    message: String,
}

impl Refused {
    /// The rows are in their store again.
    fn give_back(self) -> Refusal {
        if let Some(part) = self.part {
            lock(&self.shared.rows).rows.prepend(Arc::unwrap_or_clone(part));
        }
        Refusal::Rejected(self.message)
    }
}

impl Stores {
    /// Sends all rows of a store. A part that is refused does not keep those behind it; its rows are back in their
    /// store in the end.
    fn send_all(
        &self,
        client: &iobeam::Client,
        shared: &Arc<Shared>,
        device: &DeviceId,
        deadline: Option<Duration>,
    ) -> Result<(), Refusal> {
        let mut all_refused = Vec::new();
        let outcome = loop {
            match self.settle(client, deadline) {
                Ok(refused) => all_refused.extend(refused),
                Err(failed) => break Err(failed),
            }
            match self.hand_over(client, shared, device) {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(failed) => break Err(failed),
            }
        };
        let mut first = None;
        for refused in all_refused.into_iter().rev() {
            first = Some(refused.give_back());
        }
        outcome.and(first.map_or(Ok(()), Err))
    }

    /// Sends what is under way. Gives back the rows of what is refused.
    fn settle(
        &self,
        client: &iobeam::Client,
        deadline: Option<Duration>,
    ) -> Result<Option<Refused>, Refusal> {
        let Some((shared, before)) = lock(&self.under_way).clone() else { return Ok(None) };
        send(client, deadline).map_err(Refusal::Failed)?;
        *lock(&self.under_way) = None;
        let rejected = last_rejected(client, before);
        let part = lock(&shared.rows).under_way.take();
        Ok(rejected.map(|message| Refused { shared, part, message }))
    }

    /// Hands the first rows of a store to the client. Says whether there were any.
    fn hand_over(
        &self,
        client: &iobeam::Client,
        shared: &Arc<Shared>,
        device: &DeviceId,
    ) -> Result<bool, Refusal> {
        let before = client.status().rejected_batches;
        let part = {
            let mut waiting = lock(&shared.rows);
            let most = PART_ROWS.min(PART_VALUES / waiting.rows.width()).max(1);
            let part = Arc::new(waiting.rows.take_first(most));
            waiting.under_way = (part.len() > 0).then(|| Arc::clone(&part));
            part
        };
        if part.len() == 0 {
            return Ok(false);
        }
        let written = part.batch(device).map_err(Error::from).and_then(|batch| client.write(batch));
        if let Err(error) = written {
            let mut waiting = lock(&shared.rows);
            waiting.under_way = None;
            waiting.rows.prepend(Arc::unwrap_or_clone(part));
            return Err(Refusal::Failed(error));
        }
        *lock(&self.under_way) = Some((Arc::clone(shared), before));
        Ok(true)
    }
}

fn send(client: &iobeam::Client, deadline: Option<Duration>) -> Result<u64, Error> {
    match deadline {
        Some(deadline) => client.send_within(deadline),
        None => client.send(),
    }
}

/// Raises if batches were set aside since there were so many of them.
fn refuse_if_rejected(py: Python<'_>, client: &iobeam::Client, before: u64) -> PyResult<()> {
    let last = py.detach(|| last_rejected(client, before));
    last.map_or(Ok(()), |message| Err(raise(py, "RefusedError", &message)))
}

/// What the server said of the last batch it refused, if it refused any since there were so many.
fn last_rejected(client: &iobeam::Client, before: u64) -> Option<String> {
    let now = client.status().rejected_batches;
    if now <= before {
        return None;
    }
    let said = client.rejected().ok().and_then(|all| all.last().cloned());
    let said = said.map_or_else(String::new, |last| format!(": {} {}", last.status, last.message));
    Some(format!("the server refused {} of the batches{said}", now - before))
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
