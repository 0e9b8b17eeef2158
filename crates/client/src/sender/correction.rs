//! Times that were taken before the device's clock was right, put right before they leave.
//!
//! ```text
//! record of this process     ─ the server's time is known ─▶ moved by the difference   clock_source: corrected
//!                            ─ not yet ───────────────────▶ asked for; no answer: nothing is sent
//!                            ─ the server will not say ───▶ as it was added            clock_source: unset
//! record of a former process ─────────────────────────────▶ as it was added            clock_source: unset
//! ```
//!
//! How far the clock of a former process was off died with it when it was never learnt: such rows are sent with the
//! time they were added under, are counted in `Status::unset_clock_rows`, and say so if that was asked for.

use std::borrow::Cow;

use iobeam_model::{Batch, Remedy};
use iobeam_wire::batch::{Limits, decode, encode};

use super::Sender;
use crate::collected::{UNSET, marked};
use crate::error::Error;
use crate::spool::{Entry, count, split};

const CORRECTED: &str = "corrected";

/// A record as it is sent.
pub(super) struct Corrected<'e> {
    pub(super) bytes: Cow<'e, [u8]>,
    /// So many of its rows have a time that nobody could put right.
    pub(super) unset: u64,
}

impl Sender {
    /// The batches of a record, with times moved by what the clock was found to be wrong by.
    pub(super) fn corrected<'e>(&self, entry: &'e Entry) -> Result<Corrected<'e>, Error> {
        if entry.anchor == 0 {
            return Ok(Corrected { bytes: Cow::Borrowed(&entry.bytes), unset: 0 });
        }
        let by = self.correction(entry.anchor)?;
        let (mut bytes, mut unset) = (Vec::with_capacity(entry.bytes.len()), 0);
        for (part, place) in split(&entry.bytes).into_iter().zip(0..) {
            let unsure = place >= entry.sure;
            if unsure && by.is_none() {
                unset += count(part).1;
            }
            match unsure.then(|| self.moved(part, by)).flatten() {
                Some(moved) => bytes.extend(moved),
                None => bytes.extend_from_slice(part),
            }
        }
        Ok(Corrected { bytes: Cow::Owned(bytes), unset })
    }

    /// What is to be added to times that count from that moment; `None` when nobody will ever know.
    fn correction(&self, anchor: u64) -> Result<Option<i64>, Error> {
        let time = &self.outbox.time;
        if anchor != time.anchor {
            return Ok(None);
        }
        if time.correction().is_none()
            && let Err(error) = self.learn_clock()
            && error.remedy() == Remedy::Retry
        {
            return Err(error);
        }
        Ok(time.correction())
    }

    /// A batch with other times; `None` when it is to stay as it is.
    fn moved(&self, part: &[u8], by: Option<i64>) -> Option<Vec<u8>> {
        let mark = self.outbox.settings.mark_clock;
        if by.is_none() && !mark {
            return None;
        }
        let decoded = decode(part, &Limits::NONE).ok()?;
        let (namespace, mut times, columns) = decoded.batch.into_parts();
        for time in &mut times {
            *time = time.saturating_add(by.unwrap_or(0));
        }
        let mut batch = Batch::new(namespace, times, columns).ok()?;
        if mark {
            let word = if by.is_some() { CORRECTED } else { UNSET };
            batch = marked(batch, word).ok()?;
        }
        Some(encode(&batch, decoded.id, self.outbox.settings.compression))
    }
}
