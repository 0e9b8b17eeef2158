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

use std::collections::HashMap;
use std::fmt;

use crate::name::{FieldName, NamespaceName};
use crate::value::{FieldType, Value};

/// Which batch this is, so that a repeat is recognised: a random stream id and a counter within it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BatchId {
    /// Random, chosen once by the sender for its spool.
    pub stream: [u8; 16],
    /// Grows by one with each batch of the stream.
    pub counter: u64,
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
    #[error("field '{0}' stands twice in one batch")]
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
            Self::String(texts) => missing.for_each(|row| texts.keys[row] = 0),
        }
    }
}

/// Texts as a dictionary of the distinct ones and a key for each row: a device id that stands in each row costs
/// four bytes a row.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    dictionary: Vec<Box<str>>,
    keys: Vec<u32>,
    known: HashMap<Box<str>, u32>,
}

impl Texts {
    /// No rows yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same text in each of so many rows.
    pub fn constant(text: &str, rows: usize) -> Self {
        Self { dictionary: vec![text.into()], keys: vec![0; rows], known: HashMap::new() }
    }

    /// Texts from their dictionary; `None` when a key points beyond it.
    pub fn from_dictionary(dictionary: Vec<Box<str>>, keys: Vec<u32>) -> Option<Self> {
        let beyond = keys.iter().copied().max().map_or(0, |key| key as usize + 1);
        (beyond <= dictionary.len()).then_some(Self { dictionary, keys, known: HashMap::new() })
    }

    /// Adds a row.
    pub fn push(&mut self, text: &str) {
        // Runs are what a sender's column is mostly made of: the last key first, the hash table second.
        if let Some(&last) = self.keys.last()
            && &*self.dictionary[last as usize] == text
        {
            self.keys.push(last);
            return;
        }
        if self.known.len() != self.dictionary.len() {
            self.known = self.dictionary.iter().cloned().zip(0..).collect();
        }
        let key = if let Some(&key) = self.known.get(text) {
            key
        } else {
            let key = self.dictionary.len() as u32;
            self.dictionary.push(text.into());
            self.known.insert(text.into(), key);
            key
        };
        self.keys.push(key);
    }

    /// Adds a row whose text is missing; the column's bitmap says so.
    pub fn push_missing(&mut self) {
        if self.dictionary.is_empty() {
            self.dictionary.push("".into());
        }
        self.keys.push(0);
    }

    /// The text at a row.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn get(&self, row: usize) -> &str {
        &self.dictionary[self.keys[row] as usize]
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The distinct texts.
    pub fn dictionary(&self) -> &[Box<str>] {
        &self.dictionary
    }

    /// For each row, where its text stands in the dictionary.
    pub fn keys(&self) -> &[u32] {
        &self.keys
    }
}

impl PartialEq for Texts {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && (0..self.len()).all(|row| self.get(row) == other.get(row))
    }
}

impl<'a> FromIterator<&'a str> for Texts {
    fn from_iter<I: IntoIterator<Item = &'a str>>(texts: I) -> Self {
        let mut all = Self::new();
        texts.into_iter().for_each(|text| all.push(text));
        all
    }
}

/// A bit for each row, lowest bit first, as Arrow keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bitmap {
    bytes: Vec<u8>,
    len: usize,
}

impl Bitmap {
    /// No rows yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// So many rows, all set or all clear.
    pub fn filled(len: usize, set: bool) -> Self {
        let mut bits = Self { bytes: vec![if set { 0xff } else { 0 }; len.div_ceil(8)], len };
        bits.clear_padding();
        bits
    }

    /// A bitmap from its bytes; `None` when there are not exactly as many bytes as `len` bits need.
    pub fn from_bytes(bytes: Vec<u8>, len: usize) -> Option<Self> {
        if bytes.len() != len.div_ceil(8) {
            return None;
        }
        let mut bits = Self { bytes, len };
        bits.clear_padding();
        Some(bits)
    }

    /// Adds a row.
    pub fn push(&mut self, set: bool) {
        if self.len.is_multiple_of(8) {
            self.bytes.push(0);
        }
        self.len += 1;
        if set {
            self.set(self.len - 1, true);
        }
    }

    /// The bit of a row.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn get(&self, row: usize) -> bool {
        assert!(row < self.len, "row {row} of {}", self.len);
        self.bytes[row / 8] & (1 << (row % 8)) != 0
    }

    /// Changes the bit of a row.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn set(&mut self, row: usize, set: bool) {
        assert!(row < self.len, "row {row} of {}", self.len);
        if set {
            self.bytes[row / 8] |= 1 << (row % 8);
        } else {
            self.bytes[row / 8] &= !(1 << (row % 8));
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many bits are set.
    pub fn count(&self) -> usize {
        self.bytes.iter().map(|byte| byte.count_ones() as usize).sum()
    }

    /// Whether each bit is set.
    pub fn all(&self) -> bool {
        self.count() == self.len
    }

    /// The bits, eight to a byte, lowest first; unused bits of the last byte are clear.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn clear_padding(&mut self) {
        let used = self.len % 8;
        if used != 0
            && let Some(last) = self.bytes.last_mut()
        {
            *last &= (1 << used) - 1;
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
    fn columns_of_another_length_or_the_same_name_make_no_batch() {
        let column =
            |rows| Column::new(name("t"), Values::Long(vec![1; rows]), None).expect("sound");
        let made = |columns| Batch::new(NamespaceName::input(), vec![1, 2], columns);
        assert!(matches!(made(vec![column(3)]), Err(BatchError::Length { .. })));
        assert_eq!(made(vec![column(2), column(2)]), Err(BatchError::Twice(name("t"))));
    }

    #[test]
    fn texts_share_their_dictionary() {
        let texts: Texts = ["a", "a", "b", "a"].into_iter().collect();
        assert_eq!(texts.keys(), [0, 0, 1, 0]);
        assert_eq!(texts.dictionary().len(), 2);
        assert_eq!(Texts::from_dictionary(vec!["a".into()], vec![0, 1]), None);
    }
}
