//! Readings that travel together: rows of one namespace, kept by column.
//!
//! ```text
//!              times    device_id (String)   temperature (Double)   ok (Boolean)
//!   row 0      i64 µs   dictionary key 0     22.5                   true
//!   row 1      i64 µs   dictionary key 0     - (missing)            false
//! ```
//!
//! A `Batch` that exists is sound: columns are as long as the times, names differ, no number is infinite or NaN
//! (a NaN that comes in is a missing value).

mod texts;

mod bitmap;

use std::fmt;

use crate::name::{FieldName, NamespaceName};
use crate::value::{FieldType, Value};
pub use bitmap::Bitmap;
pub use texts::Texts;

/// Which batch this is, so that a repeat is recognised: a random stream id and a counter within it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BatchId {
    /// Random, chosen once by the sender for its spool.
    pub stream: [u8; 16],
    /// Grows by one with each batch of the stream.
    pub counter: u64,
}

impl BatchId {
    /// Begins the streams of batches that are named by what is in them.
    const CONTENT: [u8; 4] = *b"rows";
    /// Of the number of a batch of a file, the bits that are a hash of all rows of its block up to its end; those above
    /// say how many rows that are.
    pub const HASH_BITS: u32 = 50;

    /// The stream of batches that this hash of their content names.
    pub fn content_stream(hash: u128) -> [u8; 16] {
        let mut stream = hash.to_be_bytes();
        stream[..4].copy_from_slice(&Self::CONTENT);
        stream
    }

    /// Whether the batch is named by what is in it, as that of a table or a file: who sends it again means its rows. A
    /// device that sends a batch again had no answer.
    pub fn is_content(&self) -> bool {
        self.stream.starts_with(&Self::CONTENT)
    }

    /// Whether the batch is of a file: its number says that a block of rows is stored from its first row up to some row,
    /// and so means what lower numbers of the same rows mean, too.
    pub fn is_of_block(&self) -> bool {
        self.is_content() && self.counter >> Self::HASH_BITS > 0
    }
}

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.stream {
            write!(f, "{byte:02x}")?;
        }
        write!(f, "/{}", self.counter)
    }
}

impl fmt::Debug for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why columns do not make a batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// A column is shorter or longer than the times.
    #[error("field '{field}' has {found} values for {rows} rows")]
    Length {
        /// The column's name.
        field: FieldName,
        /// How many values it has.
        found: usize,
        /// How many it should have.
        rows: usize,
    },
    /// Two columns have one name.
    #[error("duplicate field '{0}' in batch")]
    Twice(FieldName),
    /// A number that is no measurement.
    #[error("row {row}, field '{field}': infinite numbers cannot be stored; leave the value out")]
    Infinite {
        /// The column's name.
        field: FieldName,
        /// The row, from 0.
        row: usize,
    },
    /// More rows or text than a batch may have.
    #[error("a batch holds at most {} rows; split it", u32::MAX)]
    TooLarge,
}

/// Rows of one namespace.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    namespace: NamespaceName,
    times: Vec<i64>,
    columns: Vec<Column>,
}

impl Batch {
    /// Puts columns together.
    ///
    /// # Errors
    /// When a column's length is not the number of times, a name stands twice, or there are more than `u32::MAX` rows.
    pub fn new(
        namespace: NamespaceName,
        times: Vec<i64>,
        columns: Vec<Column>,
    ) -> Result<Self, BatchError> {
        if u32::try_from(times.len()).is_err() {
            return Err(BatchError::TooLarge);
        }
        for (at, column) in columns.iter().enumerate() {
            if column.len() != times.len() {
                let field = column.name.clone();
                return Err(BatchError::Length { field, found: column.len(), rows: times.len() });
            }
            if columns[..at].iter().any(|other| other.name == column.name) {
                return Err(BatchError::Twice(column.name.clone()));
            }
        }
        Ok(Self { namespace, times, columns })
    }

    /// The namespace the rows belong to.
    pub fn namespace(&self) -> &NamespaceName {
        &self.namespace
    }

    /// The time of each row: microseconds since 1970 UTC.
    pub fn times(&self) -> &[i64] {
        &self.times
    }

    /// The columns, in the sender's order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name.as_str() == name)
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.times.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// The same rows with one more column.
    ///
    /// # Errors
    /// As [`Batch::new`].
    pub fn with_column(mut self, column: Column) -> Result<Self, BatchError> {
        self.columns.push(column);
        Self::new(self.namespace, self.times, self.columns)
    }

    /// The parts, for whoever turns the batch into another form.
    pub fn into_parts(self) -> (NamespaceName, Vec<i64>, Vec<Column>) {
        (self.namespace, self.times, self.columns)
    }

    /// These rows of it, in this order. Columns of which no row has a value are left out.
    ///
    /// # Panics
    /// When there is no such row.
    #[must_use]
    pub fn pick(&self, rows: &[usize]) -> Self {
        let columns = self.columns.iter().map(|column| column.pick(rows));
        Self {
            namespace: self.namespace.clone(),
            times: rows.iter().map(|row| self.times[*row]).collect(),
            columns: columns.filter(|column| column.count() > 0).collect(),
        }
    }
}

/// One field's values in a batch.
#[derive(Clone, Debug)]
pub struct Column {
    name: FieldName,
    values: Values,
    /// Which rows have a value; `None` when all have.
    present: Option<Bitmap>,
}

impl Column {
    /// A column in which `present` tells the rows that have a value (`None`: all). What stands in `values` at the
    /// other rows is set to zero, so that equal columns are equal bytes. NaN is a missing value.
    ///
    /// # Errors
    /// When a number is infinite, or `present` has another length than `values`.
    pub fn new(
        name: FieldName,
        mut values: Values,
        present: Option<Bitmap>,
    ) -> Result<Self, BatchError> {
        let rows = values.len();
        if let Some(bits) = &present
            && bits.len() != rows
        {
            return Err(BatchError::Length { field: name, found: bits.len(), rows });
        }
        let mut present = present;
        if let Values::Double(numbers) = &mut values {
            // One branch-free pass tells whether the slow one is needed at all.
            let sound = numbers.iter().fold(true, |sound, number| sound & number.is_finite());
            if !sound {
                let mut bits = present.unwrap_or_else(|| Bitmap::filled(rows, true));
                for (row, number) in numbers.iter_mut().enumerate() {
                    if number.is_nan() {
                        bits.set(row, false);
                    } else if number.is_infinite() && bits.get(row) {
                        return Err(BatchError::Infinite { field: name, row });
                    }
                }
                present = Some(bits);
            }
        }
        let present = present.filter(|bits| !bits.all());
        if let Some(bits) = &present {
            values.clear_where_missing(bits);
        }
        Ok(Self { name, values, present })
    }

    /// The field's name.
    pub fn name(&self) -> &FieldName {
        &self.name
    }

    /// The same values under another name.
    #[must_use]
    pub fn with_name(self, name: FieldName) -> Self {
        Self { name, ..self }
    }

    /// The values; zero, false or the first text where there is none.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// Which rows have a value; `None` when all have.
    pub fn present(&self) -> Option<&Bitmap> {
        self.present.as_ref()
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value at a row; `None` when it is missing.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn value(&self, row: usize) -> Option<Value> {
        if self.present.as_ref().is_some_and(|bits| !bits.get(row)) {
            return None;
        }
        Some(match &self.values {
            Values::Double(numbers) => Value::Double(numbers[row]),
            Values::Long(numbers) => Value::Long(numbers[row]),
            Values::Boolean(truths) => Value::Boolean(truths[row]),
            Values::String(texts) => Value::String(texts.get(row).into()),
        })
    }

    /// How many rows have a value.
    pub fn count(&self) -> usize {
        self.present.as_ref().map_or(self.len(), Bitmap::count)
    }

    /// The parts, for whoever turns the column into another form.
    pub fn into_parts(self) -> (FieldName, Values, Option<Bitmap>) {
        (self.name, self.values, self.present)
    }

    /// These rows of it, in this order.
    fn pick(&self, rows: &[usize]) -> Self {
        let values = match &self.values {
            Values::Double(numbers) => {
                Values::Double(rows.iter().map(|row| numbers[*row]).collect())
            }
            Values::Long(numbers) => Values::Long(rows.iter().map(|row| numbers[*row]).collect()),
            Values::Boolean(truths) => {
                Values::Boolean(rows.iter().map(|row| truths[*row]).collect())
            }
            Values::String(texts) => Values::String(texts.pick(rows)),
        };
        let present = self.present.as_ref().map(|present| {
            let mut bits = Bitmap::new();
            for row in rows {
                bits.push(present.get(*row));
            }
            bits
        });
        Self { name: self.name.clone(), values, present }
    }
}

/// Equal names, and equal values in the rows that have one: which text stands at a missing row's key means nothing.
impl PartialEq for Column {
    fn eq(&self, other: &Self) -> bool {
        if self.name != other.name || self.present != other.present {
            return false;
        }
        match (&self.values, &other.values) {
            (Values::String(mine), Values::String(theirs)) if self.present.is_some() => {
                mine.len() == theirs.len()
                    && (0..mine.len()).all(|row| {
                        !self.present.as_ref().is_none_or(|bits| bits.get(row))
                            || mine.get(row) == theirs.get(row)
                    })
            }
            (mine, theirs) => mine == theirs,
        }
    }
}

/// The values of a column, one for each row.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Finite numbers.
    Double(Vec<f64>),
    /// Exact integers.
    Long(Vec<i64>),
    /// Truths.
    Boolean(Vec<bool>),
    /// Texts.
    String(Texts),
}

impl Values {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Double(numbers) => numbers.len(),
            Self::Long(numbers) => numbers.len(),
            Self::Boolean(truths) => truths.len(),
            Self::String(texts) => texts.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type of field these belong in.
    pub const fn field_type(&self) -> FieldType {
        match self {
            Self::Double(_) => FieldType::Double,
            Self::Long(_) => FieldType::Long,
            Self::Boolean(_) => FieldType::Boolean,
            Self::String(_) => FieldType::String,
        }
    }

    fn clear_where_missing(&mut self, present: &Bitmap) {
        let missing = (0..present.len()).filter(|row| !present.get(*row));
        match self {
            Self::Double(numbers) => missing.for_each(|row| numbers[row] = 0.0),
            Self::Long(numbers) => missing.for_each(|row| numbers[row] = 0),
            Self::Boolean(truths) => missing.for_each(|row| truths[row] = false),
            Self::String(texts) => missing.for_each(|row| texts.clear(row)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> FieldName {
        text.parse().expect("a sound name")
    }

    #[test]
    fn nan_is_a_missing_value_and_infinity_is_refused() {
        let column =
            Column::new(name("t"), Values::Double(vec![1.0, f64::NAN]), None).expect("NaN");
        assert_eq!((column.value(0), column.value(1)), (Some(Value::Double(1.0)), None));
        let refusal = Column::new(name("t"), Values::Double(vec![1.0, f64::INFINITY]), None);
        assert_eq!(refusal, Err(BatchError::Infinite { field: name("t"), row: 1 }));
    }

    #[test]
    fn what_stands_at_a_missing_value_does_not_count() {
        let missing = |at: f64| {
            let bits = Bitmap::from_bytes(vec![0b01], 2);
            Column::new(name("t"), Values::Double(vec![1.0, at]), bits).expect("sound")
        };
        assert_eq!(missing(5.0), missing(f64::INFINITY));
    }

    #[test]
    fn picked_rows_are_the_rows_they_were() {
        let texts: Texts = ["a", "b", "a"].into_iter().collect();
        let some = Bitmap::from_bytes(vec![0b101], 3);
        let columns = vec![
            Column::new(name("s"), Values::String(texts), None).expect("sound"),
            Column::new(name("n"), Values::Long(vec![7, 8, 9]), some.clone()).expect("sound"),
            Column::new(name("b"), Values::Boolean(vec![true, false, false]), some).expect("sound"),
        ];
        let batch = Batch::new(NamespaceName::input(), vec![1, 2, 3], columns).expect("sound");
        let picked = batch.pick(&[2, 0, 1]);
        assert_eq!(picked.times(), [3, 1, 2]);
        for (at, row) in [2, 0, 1].into_iter().enumerate() {
            for column in batch.columns() {
                let other = picked.column(column.name().as_str()).expect("picked");
                assert_eq!(other.value(at), column.value(row));
            }
        }
        assert_eq!(batch.pick(&[1]).columns().len(), 1, "only 's' has a value there");
        assert!(batch.pick(&[]).is_empty());
    }

    #[test]
    fn a_stream_named_by_content_says_so() {
        let stream = BatchId::content_stream(u128::MAX - 5);
        assert!(BatchId { stream, counter: 1 }.is_content());
        assert!(!BatchId { stream: [7; 16], counter: 1 }.is_content());
        let counter = 1 << BatchId::HASH_BITS;
        assert!(BatchId { stream, counter }.is_of_block());
        assert!(!BatchId { stream, counter: counter - 1 }.is_of_block());
        assert!(!BatchId { stream: [7; 16], counter }.is_of_block());
        assert_ne!(stream, BatchId::content_stream(u128::MAX));
    }

    #[test]
    fn columns_of_another_length_or_the_same_name_make_no_batch() {
        let column =
            |rows| Column::new(name("t"), Values::Long(vec![1; rows]), None).expect("sound");
        let made = |columns| Batch::new(NamespaceName::input(), vec![1, 2], columns);
        assert!(matches!(made(vec![column(3)]), Err(BatchError::Length { .. })));
        assert_eq!(made(vec![column(2), column(2)]), Err(BatchError::Twice(name("t"))));
    }
}
