//! A data store: columns that are measured together.

use std::sync::Arc;

use iobeam_model::{BatchError, FieldName, Timestamp};

use crate::error::Error;
use crate::outbox::Outbox;
use crate::value::Reading;

/// Rows with more columns than this are put together in memory that is asked for.
const FEW: usize = 16;

/// Columns that are measured together. A handle: clones are the same store.
///
/// ```no_run
/// # fn main() -> Result<(), iobeam::Error> {
/// # let client = iobeam::Client::builder(1, "token").build()?;
/// let conditions = client.create_data_store(&["temperature", "humidity"])?;
/// let now = client.now();
/// conditions.add(now, [("temperature", 22.5), ("humidity", 40.0)])?;
/// conditions.add(now, [("temperature", 22.6)])?; // humidity is missing in this row
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct DataStore {
    outbox: Arc<Outbox>,
    columns: Arc<[FieldName]>,
    store: usize,
    /// Where rows go whose time is not to be trusted yet.
    unsure: usize,
}

impl DataStore {
    pub(crate) fn new(
        outbox: Arc<Outbox>,
        columns: Arc<[FieldName]>,
        store: usize,
        unsure: usize,
    ) -> Self {
        Self { outbox, columns, store, unsure }
    }

    /// The columns' names.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(FieldName::as_str)
    }

    /// Adds a row: values by the names of their columns; columns not named have no value. The network is not
    /// touched. With a spool the row survives the end of this process.
    ///
    /// # Errors
    /// When the row has no value, names a column that the store does not have, has a text where numbers were, or an
    /// infinite number; or when as many rows wait as may and the policy is to refuse.
    pub fn add<'v, K: AsRef<str>, V: Into<Reading<'v>>>(
        &self,
        time: impl Into<Timestamp>,
        values: impl IntoIterator<Item = (K, V)>,
    ) -> Result<(), Error> {
        self.with_row(values, |row| self.outbox.add(self.store, time.into(), row))
    }

    /// Adds a row: a value for each column, in the columns' order.
    ///
    /// # Errors
    /// As [`DataStore::add`], and when there are more or fewer values than columns.
    pub fn add_row(&self, time: impl Into<Timestamp>, row: &[Reading<'_>]) -> Result<(), Error> {
        if row.len() != self.columns.len() {
            return Err(Error::Invalid {
                what: "the row",
                given: format!("{} values", row.len()),
                reason: format!("the store has {} columns", self.columns.len()),
            });
        }
        self.outbox.add(self.store, time.into(), row)
    }

    /// Adds a row that was measured now. When the client takes its time from the server and does not know it yet,
    /// the row's time is put right before it is sent.
    ///
    /// # Errors
    /// As [`DataStore::add`].
    pub fn add_now<'v, K: AsRef<str>, V: Into<Reading<'v>>>(
        &self,
        values: impl IntoIterator<Item = (K, V)>,
    ) -> Result<(), Error> {
        let outbox = &self.outbox;
        let (time, sure) = if outbox.settings.clock_from_server {
            outbox.time.now(&*outbox.clock)
        } else {
            (outbox.clock.now(), true)
        };
        let store = if sure { self.store } else { self.unsure };
        self.with_row(values, |row| outbox.add(store, time, row))
    }

    fn with_row<'v, K: AsRef<str>, V: Into<Reading<'v>>, T>(
        &self,
        values: impl IntoIterator<Item = (K, V)>,
        act: impl FnOnce(&[Reading<'_>]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut few = [Reading::Missing; FEW];
        let mut many = Vec::new();
        let row = if self.columns.len() <= FEW {
            &mut few[..self.columns.len()]
        } else {
            many.resize(self.columns.len(), Reading::Missing);
            &mut many[..]
        };
        let mut given = 0;
        for (name, value) in values {
            let (place, value) = (self.place(name.as_ref(), given)?, value.into());
            if std::mem::replace(&mut row[place], value) != Reading::Missing {
                return Err(Error::Batch(BatchError::Twice(self.columns[place].clone())));
            }
            given += 1;
        }
        if given == 0 {
            return Err(Error::EmptyRow { columns: self.names() });
        }
        act(row)
    }

    /// Where a column stands; most programs name them in order.
    fn place(&self, name: &str, likely: usize) -> Result<usize, Error> {
        if self.columns.get(likely).is_some_and(|column| column.as_str() == name) {
            return Ok(likely);
        }
        let place = self.columns.iter().position(|column| column.as_str() == name);
        place.ok_or_else(|| Error::UnknownColumn { given: name.to_owned(), columns: self.names() })
    }

    fn names(&self) -> String {
        self.columns().collect::<Vec<_>>().join(", ")
    }
}
