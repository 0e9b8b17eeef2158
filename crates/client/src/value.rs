//! What `add` takes: a time and values, in whatever form the program has them.

use iobeam_model::{Timestamp, Value};

use crate::error::Error;

/// In what a whole number counts time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TimeUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    #[default]
    Milliseconds,
    /// Microseconds.
    Microseconds,
}

impl TimeUnit {
    /// The moment that many units after 1970-01-01 00:00 UTC.
    ///
    /// # Errors
    /// When it lies beyond what 64 bits of microseconds can hold.
    pub fn timestamp(self, number: i64) -> Result<Timestamp, Error> {
        let unit = match self {
            Self::Seconds => 1_000_000,
            Self::Milliseconds => 1_000,
            Self::Microseconds => 1,
        };
        number.checked_mul(unit).map(Timestamp::from_micros).ok_or_else(|| Error::Invalid {
            what: "the time",
            given: number.to_string(),
            reason: "it is beyond 64 bits of microseconds; is the unit right?".to_owned(),
        })
    }
}

/// One value as it is given to a store.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reading<'a> {
    /// A number. NaN is a missing value.
    Number(f64),
    /// A whole number, kept exactly.
    Integer(i64),
    /// True or false.
    Boolean(bool),
    /// A text.
    Text(&'a str),
    /// No value.
    Missing,
}

impl Reading<'_> {
    /// What kind of value it is, for people.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Number(_) | Self::Integer(_) => "a number",
            Self::Boolean(_) => "true or false",
            Self::Text(_) => "a text",
            Self::Missing => "missing",
        }
    }
}

macro_rules! reading_from {
    ($($from:ty => $kind:ident),*) => {
        $(impl From<$from> for Reading<'_> {
            fn from(value: $from) -> Self {
                Self::$kind(value.into())
            }
        })*
    };
}

reading_from!(
    f64 => Number, f32 => Number, i64 => Integer, i32 => Integer, i16 => Integer, i8 => Integer,
    u32 => Integer, u16 => Integer, u8 => Integer, bool => Boolean
);

impl<'a> From<&'a str> for Reading<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Reading<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl<T: Into<Self>> From<Option<T>> for Reading<'_> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Missing, Into::into)
    }
}

impl<'a> From<&'a Value> for Reading<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Double(number) => Self::Number(*number),
            Value::Long(number) => Self::Integer(*number),
            Value::Boolean(truth) => Self::Boolean(*truth),
            Value::String(text) => Self::Text(text),
        }
    }
}
