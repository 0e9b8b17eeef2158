//! Stores that are not attached: their rows go to the client part by part, and come back when they are refused.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use iobeam::{DeviceId, Error};
use pyo3::prelude::*;

use crate::data_store::{Shared, lock};
use crate::failure::{failure, raise};
use crate::rows::Rows;

/// So many rows travel as one batch, or fewer when they are wide.
const PART_ROWS: usize = 50_000;
const PART_VALUES: usize = 2_000_000;

/// What is under way of stores that are not attached.
#[derive(Default)]
pub(super) struct Stores {
    /// The store whose rows are under way, and how many batches had been refused before them.
    pub(super) under_way: Mutex<Option<(Arc<Shared>, u64)>>,
    /// One `send` at a time.
    pub(super) sending: Mutex<()>,
}

/// Why rows of a store were not stored.
pub(super) enum Refusal {
    Failed(Error),
    Rejected(String),
}

impl Refusal {
    /// The exception that says so.
    pub(super) fn exception(&self, py: Python<'_>) -> PyErr {
        match self {
            Self::Failed(error) => failure(py, error),
            Self::Rejected(message) => raise(py, "RefusedError", message),
        }
    }
}

/// Rows of a store that were refused.
pub(super) struct Refused {
    shared: Arc<Shared>,
    part: Option<Arc<Rows>>,
    message: String,
}

impl Refused {
    /// The rows are in their store again.
    pub(super) fn give_back(self) -> Refusal {
        if let Some(part) = self.part {
            lock(&self.shared.rows).rows.prepend(Arc::unwrap_or_clone(part));
        }
        Refusal::Rejected(self.message)
    }
}

impl Stores {
    /// Sends all rows of a store. A part that is refused does not keep those behind it; its rows are back in their
    /// store in the end.
    pub(super) fn send_all(
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
    pub(super) fn settle(
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

/// Sends what waits in a client.
pub(super) fn send(client: &iobeam::Client, deadline: Option<Duration>) -> Result<u64, Error> {
    match deadline {
        Some(deadline) => client.send_within(deadline),
        None => client.send(),
    }
}

/// Raises if batches were set aside since there were so many of them.
pub(super) fn refuse_if_rejected(py: Python<'_>, client: &iobeam::Client, before: u64) -> PyResult<()> {
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
