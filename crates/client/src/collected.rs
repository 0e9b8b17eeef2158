//! Rows that were added and are in no batch yet, of all stores together.
//!
//! ```text
//! add ─▶ checked ─▶ row log (survives the process) ─▶ columns in memory ─ take ─▶ a batch for each store
//! ```

use iobeam_model::{Batch, Column, DeviceId, FieldName, NamespaceName, Texts, Values};

use crate::error::Error;
use crate::row_log::{Left, RowLog};
use crate::rows::{Plan, Rows};
use crate::value::Reading;

/// The field that says how a row came by its time: `corrected` or `unset`.
const MARK: &str = "clock_source";
/// The time is what a clock said that nobody could put right.
pub(crate) const UNSET: &str = "unset";

/// The rows of all stores.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    stores: Vec<Rows>,
    log: Option<RowLog>,
    rows: usize,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Added {
    /// It was taken; so many rows there are now.
    Rows(usize),
    /// The row log is full: the rows must become batches first.
    NoRoom,
}

/// Batches of what was collected.
#[derive(Debug)]
pub(crate) struct Taken {
    /// Those whose times stay as they are come first.
    pub(crate) batches: Vec<Batch>,
    pub(crate) sure: u32,
    /// Rows of a former process whose clock was never learnt: nobody can put them right any more.
    pub(crate) unset: u64,
    pub(crate) generation: u64,
}

impl Collected {
    /// Takes over what a former process left in the row log.
    pub(crate) fn with_log(log: RowLog, left: &Left) -> Self {
        let mut collected = Self { log: Some(log), ..Self::default() };
        for row in &left.rows {
            let store = collected.store(left.plans[row.plan].1.clone());
            let readings = row.readings();
            // Kinds may differ between generations; the row log took them one by one.
            if collected.stores[store].check(&readings).is_ok() {
                collected.stores[store].push(row.time, &readings);
                collected.rows += 1;
            }
        }
        collected
    }

    /// Where the store of that plan is; made if there is none.
    pub(crate) fn store(&mut self, plan: Plan) -> usize {
        if let Some(at) = self.stores.iter().position(|rows| rows.plan == plan) {
            return at;
        }
        self.stores.push(Rows::new(plan));
        self.stores.len() - 1
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn add(
        &mut self,
        store: usize,
        time: i64,
        row: &[Reading<'_>],
        each_row: bool,
    ) -> Result<Added, Error> {
        let rows = &mut self.stores[store];
        rows.check(row)?;
        if let Some(log) = &mut self.log
            && each_row
            && !log.write(store, &rows.plan, time, row)?
        {
            return Ok(Added::NoRoom);
        }
        rows.push(time, row);
        self.rows += 1;
        Ok(Added::Rows(self.rows))
    }

    /// All rows as batches; `None` when there is none. `own` is the device of rows that name no other, `anchor` the
    /// moment from which this process counts. Rows that counted from another one are given the word in `mark`.
    pub(crate) fn take(
        &mut self,
        own: Option<&DeviceId>,
        anchor: u64,
        mark: Option<&str>,
    ) -> Result<Option<Taken>, Error> {
        if self.rows == 0 {
            return Ok(None);
        }
        let some = |rows: &&Rows| rows.len() > 0;
        if own.is_none() && self.stores.iter().filter(some).any(|rows| needs_own(&rows.plan)) {
            return Err(Error::NoDevice);
        }
        let (mut sure, mut unsure, mut unset) = (Vec::new(), Vec::new(), 0);
        for rows in self.stores.iter_mut().filter(|rows| rows.len() > 0) {
            let batch = with_device(rows.take()?, &rows.plan, own)?;
            match rows.plan.unsure {
                None => sure.push(batch),
                Some(from) if from == anchor => unsure.push(batch),
                Some(_) => {
                    unset += batch.rows() as u64;
                    sure.push(match mark {
                        Some(word) => marked(batch, word)?,
                        None => batch,
                    });
                }
            }
        }
        self.rows = 0;
        let generation = self.log.as_ref().map_or(0, RowLog::generation);
        if let Some(log) = &mut self.log {
            log.turn();
        }
        let count = sure.len() as u32;
        sure.append(&mut unsure);
        Ok(Some(Taken { batches: sure, sure: count, unset, generation }))
    }

    /// Columns may hold another kind of value from now on, where they hold none at the moment.
    pub(crate) fn forget_kinds(&mut self) {
        self.stores.iter_mut().for_each(Rows::forget_kinds);
    }

    /// What was taken is in the spool.
    pub(crate) fn settled(&mut self) {
        if let Some(log) = &mut self.log {
            log.settled();
        }
    }
}

/// Whether rows of a plan are the client's own device's.
fn needs_own(plan: &Plan) -> bool {
    plan.device.is_none()
        && plan.namespace == NamespaceName::input()
        && !plan.columns.iter().any(|name| name.as_str() == "device_id")
}

/// The batch with the column that names its device, where one is missing.
fn with_device(batch: Batch, plan: &Plan, own: Option<&DeviceId>) -> Result<Batch, Error> {
    let own = own.filter(|_| needs_own(plan)).map(DeviceId::as_str);
    let Some(device) = plan.device.as_deref().or(own) else { return Ok(batch) };
    named(batch, device)
}

/// The batch with a column that names its device in each row.
pub(crate) fn named(batch: Batch, device: &str) -> Result<Batch, Error> {
    with_text(batch, FieldName::device_id(), device)
}

/// The batch with a column that says how its rows came by their times.
pub(crate) fn marked(batch: Batch, word: &str) -> Result<Batch, Error> {
    let field = MARK.parse().map_err(|source| Error::Name {
        what: "column name",
        given: MARK.to_owned(),
        source,
    })?;
    with_text(batch, field, word)
}

fn with_text(batch: Batch, field: FieldName, text: &str) -> Result<Batch, Error> {
    let texts = Texts::constant(text, batch.rows());
    Ok(batch.with_column(Column::new(field, Values::String(texts), None)?)?)
}
