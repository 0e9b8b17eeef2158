//! Room in memory for bodies: shared by all requests, so that many large ones at once cannot use it up.
//!
//! Invariant: bytes are reserved before they are held, and given back when the last piece of the body is dropped.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::core::api_error::{ApiError, Category};

/// Bytes to a permit.
const UNIT: usize = 1024;

/// The room of one body.
#[derive(Debug)]
pub(super) struct MemoryPermit {
    free: Arc<Semaphore>,
    taken: Option<OwnedSemaphorePermit>,
}

/// Room for so many bytes in all.
pub(crate) fn room_for(bytes: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(bytes.div_ceil(UNIT).min(Semaphore::MAX_PERMITS)))
}

impl MemoryPermit {
    /// None taken yet.
    pub(super) fn new(free: &Arc<Semaphore>) -> Self {
        Self { free: Arc::clone(free), taken: None }
    }

    /// Takes room for so many bytes altogether.
    pub(super) fn hold(&mut self, bytes: usize) -> Result<(), ApiError> {
        let held = self.taken.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let wanted = bytes.div_ceil(UNIT);
        if wanted <= held {
            return Ok(());
        }
        let more = u32::try_from(wanted - held).unwrap_or(u32::MAX);
        let more = Arc::clone(&self.free).try_acquire_many_owned(more).map_err(|_none_left| {
            ApiError::new(
                Category::Unavailable,
                "The server is busy",
                "Too many large bodies are being received at once (setting memory-limit); come back in a moment",
            )
            .with_retry_after(1)
        })?;
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            None => self.taken = Some(more),
        }
        Ok(())
    }

    /// The body; its room is given back with its last piece.
    pub(super) fn attach(self, body: Bytes) -> Bytes {
        Bytes::from_owner(Roomed { body, _room: self.taken })
    }
}

/// A body and its room.
struct Roomed {
    body: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Roomed {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}
