//! The client: what a program holds.
//!
//! ```text
//! Client ─ create_data_store ─▶ DataStore ─ add ─▶ outbox (rows ─▶ spool)
//!    ├─ send ───────────────────────────────────▶ sender ─▶ server
//!    └─ worker (auto_send) ─────────────────────▶ sender ─▶ server
//! ```
//!
//! Clones are the same client; the last one to go flushes within a deadline and never hangs.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use iobeam_model::{Batch, BatchError, DeviceId, FieldName, NamespaceName, Remedy, Timestamp};

use crate::error::Error;
use crate::identity::{self, Kept, Register};
use crate::query::{Query, ask};
use crate::rejected::{Rejected, RejectedFolder};
use crate::rows::Plan;
use crate::sender::Sender;
use crate::status::{Status, Waiting};
use crate::store::DataStore;
use crate::transfer::Transfer;
use crate::worker::Worker;

/// A device's end of the platform.
#[derive(Clone, Debug)]
pub struct Client {
    handle: Arc<Handle>,
}

#[derive(Debug)]
struct Handle {
    sender: Arc<Sender>,
    worker: std::sync::OnceLock<Worker>,
}

impl Client {
    pub(crate) fn new(sender: Arc<Sender>) -> Self {
        Self { handle: Arc::new(Handle { sender, worker: std::sync::OnceLock::new() }) }
    }

    /// Finds out who the device is, and begins to send.
    pub(crate) fn begin(&self, set: Option<DeviceId>, random: [u8; 24]) -> Result<(), Error> {
        let sender = &self.handle.sender;
        let settings = &sender.outbox.settings;
        let known = match (set, &settings.save_to) {
            (None, Some(dir)) => self.kept_id(dir)?,
            (set, _) => set,
        };
        if let Some(id) = known {
            self.set_device_id(&id)?;
        }
        self.register_as_wanted(random)?;
        if sender.outbox.device().is_some()
            && let Err(error) = sender.outbox.flush()
        {
            // What a former process left stays where it is.
            sender.outbox.failed(&error);
        }
        if settings.clock_from_server
            && let Err(error) = sender.learn_clock()
        {
            // It is asked again before something is sent.
            sender.outbox.failed(&error);
        }
        if let Some(when) = settings.auto_send {
            let worker = Worker::start(Arc::clone(sender), when)?;
            let _ = self.handle.worker.set(worker);
        }
        Ok(())
    }

    /// The id in its file. A damaged file does not keep a device from starting that may register itself: it gets
    /// another id, and the file is kept aside once there is one.
    fn kept_id(&self, dir: &Path) -> Result<Option<DeviceId>, Error> {
        match identity::load(dir)? {
            Kept::Id(id) => Ok(Some(id)),
            Kept::Damaged { path, reason } if self.handle.sender.register == Register::No => {
                Err(Error::Identity { path, reason })
            }
            Kept::Damaged { .. } | Kept::Nothing => Ok(None),
        }
    }

    fn register_as_wanted(&self, random: [u8; 24]) -> Result<(), Error> {
        let sender = &self.handle.sender;
        let (id, name) = sender.register.wanted();
        let has = sender.outbox.device();
        let due = match (&sender.register, &has) {
            (Register::No, _) => false,
            (Register::Generate { .. }, has) => has.is_none(),
            (Register::Id { id, .. }, has) => has.as_ref() != Some(id),
        };
        if !due {
            return Ok(());
        }
        let take_over = matches!(sender.register, Register::Id { take_over: true, .. });
        match self.register(id, name, take_over) {
            // The readings are safe meanwhile, and the server will say that it does not know the device.
            Err(error)
                if error.remedy() == Remedy::Retry && sender.outbox.spool_dir().is_some() =>
            {
                sender.outbox.failed(&error);
                let id = id.cloned().map_or_else(|| identity::make(random), Ok)?;
                self.set_device_id(&id)
            }
            other => other.map(drop),
        }
    }

    fn register(
        &self,
        id: Option<&DeviceId>,
        name: Option<&str>,
        take_over: bool,
    ) -> Result<DeviceId, Error> {
        let given = match self.handle.sender.register(id, name) {
            Err(Error::DuplicateId(id)) if take_over => Ok(id),
            other => other,
        }?;
        self.set_device_id(&given)?;
        Ok(given)
    }

    /// Registers the device: under `id`, or one that the server makes. With `take_over` an id that is registered
    /// already is taken over. A device that has an id is not registered again under the same one, or when no id is
    /// given.
    ///
    /// # Errors
    /// [`Error::DuplicateId`] when the id is taken; or when the server does not answer or refuses.
    pub fn register_device(
        &self,
        id: Option<&str>,
        name: Option<&str>,
        take_over: bool,
    ) -> Result<DeviceId, Error> {
        let id = id.map(identity::parse).transpose()?;
        let has = self.handle.sender.outbox.device();
        match (&id, has) {
            (None, Some(has)) => Ok(has),
            (Some(id), Some(has)) if *id == has => Ok(has),
            _ => self.register(id.as_ref(), name, take_over),
        }
    }

    /// The device has this id from now on; it was registered elsewhere.
    ///
    /// # Errors
    /// When it is to be saved and the disk refuses.
    pub fn set_device_id(&self, id: &DeviceId) -> Result<(), Error> {
        let outbox = &self.handle.sender.outbox;
        if let Some(dir) = &outbox.settings.save_to {
            match identity::load(dir)? {
                Kept::Id(kept) if kept == *id => {}
                Kept::Damaged { path, reason } => {
                    let aside = identity::keep_aside(&path)?;
                    identity::save(dir, id)?;
                    let (path, aside) = (path.display(), aside.display());
                    outbox.damaged(format!(
                        "{path} did not hold a device id: {reason}; it is kept as {aside}, and this device is now '{id}'"
                    ));
                }
                Kept::Id(_) | Kept::Nothing => identity::save(dir, id)?,
            }
        }
        outbox.set_device(id.clone());
        Ok(())
    }

    /// The device's id, once it has one.
    pub fn device_id(&self) -> Option<DeviceId> {
        self.handle.sender.outbox.device()
    }

    /// The project that readings go to.
    pub fn project_id(&self) -> u32 {
        self.handle.sender.project
    }

    /// The token in use; another than the one given once that was refreshed.
    pub fn project_token(&self) -> String {
        self.handle.sender.tokens.current()
    }

    /// Where the server is. It ends with `/v1/`.
    pub fn backend(&self) -> &str {
        self.handle.sender.http.backend()
    }

    /// A store for columns that are measured together. The same columns are the same store.
    ///
    /// # Errors
    /// When there is no column, one stands twice, or a name cannot be used.
    pub fn create_data_store<S: AsRef<str>>(&self, columns: &[S]) -> Result<DataStore, Error> {
        self.store_in(&NamespaceName::input(), None, columns)
    }

    /// A store for another device's readings: for a relay.
    ///
    /// # Errors
    /// As [`Client::create_data_store`].
    pub fn create_data_store_for<S: AsRef<str>>(
        &self,
        device: &DeviceId,
        columns: &[S],
    ) -> Result<DataStore, Error> {
        self.store_in(&NamespaceName::input(), Some(device), columns)
    }

    /// A store for rows of another namespace. Its partitioning field is a column like others.
    ///
    /// # Errors
    /// As [`Client::create_data_store`].
    pub fn create_data_store_in<S: AsRef<str>>(
        &self,
        namespace: &NamespaceName,
        columns: &[S],
    ) -> Result<DataStore, Error> {
        self.store_in(namespace, None, columns)
    }

    fn store_in<S: AsRef<str>>(
        &self,
        namespace: &NamespaceName,
        device: Option<&DeviceId>,
        columns: &[S],
    ) -> Result<DataStore, Error> {
        let columns = checked(columns)?;
        let outbox = &self.handle.sender.outbox;
        let plan = Plan {
            namespace: namespace.clone(),
            columns: Arc::clone(&columns),
            device: device.map(|id| id.as_str().into()),
            unsure: None,
        };
        let store = outbox.store(plan.clone());
        let unsure = if outbox.settings.clock_from_server {
            outbox.store(Plan { unsure: Some(outbox.time.anchor), ..plan })
        } else {
            store
        };
        Ok(DataStore::new(Arc::clone(outbox), columns, store, unsure))
    }

    /// Takes rows in that are a batch already. Rows of `input` without the column `device_id` are this device's.
    ///
    /// # Errors
    /// When as much waits as may, the disk refuses, or there is no device id.
    pub fn write(&self, batch: Batch) -> Result<(), Error> {
        self.handle.sender.outbox.write(batch, None)
    }

    /// A table that is written whole: each of its batches gets a number made from its content, so that what is stored
    /// already is not stored twice when the same table is written again, by whichever process. See [`Transfer`].
    pub fn transfer(&self) -> Transfer {
        Transfer::new(Arc::clone(&self.handle.sender.outbox))
    }

    /// Puts all rows into the spool: on its disk when this returns.
    ///
    /// # Errors
    /// When as much waits as may, or the disk refuses. The rows are kept.
    pub fn flush(&self) -> Result<(), Error> {
        self.handle.sender.outbox.flush()
    }

    /// Sends everything, trying again for as long as the builder's `send_deadline` says. Says how many rows left.
    ///
    /// # Errors
    /// When the server could not be reached in time, does not know the token, or does not allow it. What was not
    /// sent is kept. What the server refuses for good is no error here: it is set aside, see [`Client::rejected`].
    pub fn send(&self) -> Result<u64, Error> {
        self.send_within(self.handle.sender.outbox.settings.send_deadline)
    }

    /// The same with a deadline of its own.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub fn send_within(&self, deadline: Duration) -> Result<u64, Error> {
        if !self.handle.sender.outbox.is_home() {
            return Err(Error::Forked);
        }
        self.handle.sender.send(deadline)
    }

    /// How the client is doing.
    pub fn status(&self) -> Status {
        self.handle.sender.outbox.status()
    }

    /// The batches that wait to be sent, the oldest first. With a spool they are read from its disk.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn waiting(&self) -> Result<Vec<Waiting>, Error> {
        self.handle.sender.outbox.waiting()
    }

    /// The batches that the server refused for good.
    ///
    /// # Errors
    /// When their folder cannot be read.
    pub fn rejected(&self) -> Result<Vec<Rejected>, Error> {
        self.handle.sender.outbox.rejected()
    }

    /// The folder of those batches, in which they can be looked at, mended and resent; none without a spool.
    pub fn rejected_folder(&self) -> Option<RejectedFolder> {
        self.handle.sender.outbox.spool_dir().map(RejectedFolder::of_spool)
    }

    /// Asks for readings. The answer is the reply's text: JSON, or CSV if that was asked for.
    ///
    /// # Errors
    /// When the server does not answer or refuses.
    pub fn query(&self, query: &Query) -> Result<String, Error> {
        let sender = &self.handle.sender;
        Ok(ask(&sender.http, &sender.token(), query)?.success()?.text())
    }

    /// The time now: the server's if the builder said `clock_from_server` and it is known, else the machine's.
    pub fn now(&self) -> Timestamp {
        let outbox = &self.handle.sender.outbox;
        if outbox.settings.clock_from_server {
            outbox.time.now(&*outbox.clock).0
        } else {
            outbox.clock.now()
        }
    }

    /// Asks the server for the time.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn learn_clock(&self) -> Result<(), Error> {
        self.handle.sender.learn_clock()
    }

    /// Flushes, sends for as long as `deadline` allows, and ends: stores refuse further rows. What was not sent is
    /// in the spool.
    ///
    /// # Errors
    /// When something was not sent. Without a spool it is lost when the last clone of the client goes.
    pub fn close(&self, deadline: Duration) -> Result<(), Error> {
        self.handle.close(deadline, true)
    }
}

impl Handle {
    fn close(&self, deadline: Duration, send: bool) -> Result<(), Error> {
        let outbox = &self.sender.outbox;
        if !outbox.is_home() {
            return Ok(());
        }
        outbox.close();
        let clock = &outbox.clock;
        let end = clock.monotonic().saturating_add(deadline);
        let outcome = if send { self.sender.send(deadline).map(drop) } else { outbox.flush() };
        if let Some(worker) = self.worker.get() {
            // A thread that waits for an answer does not keep the program from ending.
            let left = end.saturating_sub(clock.monotonic());
            worker.stop(left.min(Duration::from_millis(500)));
        }
        outcome.and(outbox.finish())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let outbox = &self.sender.outbox;
        // In a forked child the locks may be held by threads that are not there.
        if !outbox.is_home() {
            return;
        }
        let deadline = outbox.settings.close_deadline;
        // With a spool everything is safe once flushed; without one this is the last chance.
        let waiting = outbox.spool_dir().is_none() && outbox.waiting_rows() > 0;
        if let Err(error) = self.close(deadline, waiting) {
            outbox.failed(&error);
        }
    }
}

fn checked<S: AsRef<str>>(names: &[S]) -> Result<Arc<[FieldName]>, Error> {
    let wrong = |given: String, reason: &str| {
        Err(Error::Invalid { what: "the list of columns", given, reason: reason.to_owned() })
    };
    if names.is_empty() {
        return wrong(String::new(), "name at least one column");
    }
    let mut columns: Vec<FieldName> = Vec::with_capacity(names.len());
    for name in names {
        let name = name.as_ref();
        let column: FieldName = name.parse().map_err(|source| Error::Name {
            what: "column name",
            given: name.to_owned(),
            source,
        })?;
        if let Some(other) = columns.iter().find(|other| other.is_same_field(&column)) {
            return Err(if *other == column {
                Error::Batch(BatchError::Twice(column))
            } else {
                Error::LetterCase { field: column, other: other.clone() }
            });
        }
        columns.push(column);
    }
    if columns.len() > usize::from(u16::MAX) {
        return wrong(format!("{} names", columns.len()), "65535 is the most");
    }
    Ok(columns.into())
}
