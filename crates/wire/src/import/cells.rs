//! The cells of one column as they are read, before anyone knows what type the field has.
//!
//! ```text
//! null null ─▶ Nothing(2) ─ 21 ─▶ Numbers [-, -, 21] ─ 22.5 ─▶ Numbers [-, -, 21, 22.5] ─ "x" ─▶ the same, clash at row 4
//! ```
//!
//! Numbers are kept as doubles, and integers beyond 2^53 beside them in full: no digit is lost, whichever type the field
//! turns out to have. After a clash nothing more is kept, as the column can only be refused.

use iobeam_model::{Bitmap, Texts, TimeFormat};
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};

use super::place::{Context, shortened};

/// Up to this an integer is exact as a double.
pub(super) const EXACT: u64 = 1 << 53;

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observed {
    /// Nothing but null.
    Nothing,
    /// Whole numbers only: `21` or `21.0`.
    Integers,
    /// Numbers.
    Numbers,
    /// Truths.
    Booleans,
    /// Texts.
    Strings,
    /// Values of several kinds, or objects: fits no field.
    Mixed,
}

/// What is kept of the cells.
#[derive(Debug)]
pub(super) enum Kept {
    Nothing,
    Numbers(Vec<f64>),
    Truths(Vec<bool>),
    Texts(Texts),
    /// Times written as seconds and microseconds, in microseconds.
    Moments(Vec<i64>),
}

/// One cell that has a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Found {
    Number(f64),
    /// An integer beyond 2^53.
    Integer(i128),
    Truth(bool),
    Text(Box<str>),
    Moment(i64),
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // Beyond this, decimals would be a line of zeros.
            Self::Number(number) if number.abs() >= 1e16 => write!(f, "{number:e}"),
            Self::Number(number) => number.fmt(f),
            Self::Integer(number) => number.fmt(f),
            Self::Truth(truth) => truth.fmt(f),
            Self::Text(text) => write!(f, "{:?}", shortened(text)),
            Self::Moment(_) => f.write_str("an object of sec and usec"),
        }
    }
}

/// The cells of one column.
#[derive(Debug)]
pub(super) struct Cells {
    pub(super) kept: Kept,
    pub(super) rows: usize,
    /// Which rows have a value; `None` when all have.
    pub(super) present: Option<Bitmap>,
    /// Integers beyond 2^53, exact; the doubles hold them rounded.
    pub(super) large: Vec<(usize, i128)>,
    /// The first value of another kind than those before it.
    pub(super) clash: Option<(usize, Found)>,
}

impl Cells {
    /// Cells of so many rows, all without a value.
    pub(super) fn missing(rows: usize) -> Self {
        let present = (rows > 0).then(|| Bitmap::filled(rows, false));
        Self { kept: Kept::Nothing, rows, present, large: Vec::new(), clash: None }
    }

    pub(super) fn observed(&self) -> Observed {
        if self.clash.is_some() {
            return Observed::Mixed;
        }
        match &self.kept {
            Kept::Nothing => Observed::Nothing,
            Kept::Numbers(numbers) => {
                if numbers.iter().all(|number| number.fract() == 0.0) {
                    Observed::Integers
                } else {
                    Observed::Numbers
                }
            }
            Kept::Truths(_) => Observed::Booleans,
            Kept::Texts(_) => Observed::Strings,
            Kept::Moments(_) => Observed::Mixed,
        }
    }

    pub(super) fn is_present(&self, row: usize) -> bool {
        self.present.as_ref().is_none_or(|bits| bits.get(row))
    }

    /// The value in a row.
    pub(super) fn found(&self, row: usize) -> Option<Found> {
        if let Some((clash, found)) = &self.clash
            && *clash == row
        {
            return Some(found.clone());
        }
        if row >= self.rows || !self.is_present(row) {
            return None;
        }
        if let Ok(at) = self.large.binary_search_by_key(&row, |(row, _)| *row) {
            return Some(Found::Integer(self.large[at].1));
        }
        match &self.kept {
            Kept::Nothing => None,
            Kept::Numbers(numbers) => Some(Found::Number(numbers[row])),
            Kept::Truths(truths) => Some(Found::Truth(truths[row])),
            Kept::Texts(texts) => Some(Found::Text(texts.get(row).into())),
            Kept::Moments(moments) => Some(Found::Moment(moments[row])),
        }
    }

    pub(super) fn null(&mut self) {
        if self.clash.is_some() {
            return;
        }
        match &mut self.kept {
            Kept::Nothing => {}
            Kept::Numbers(numbers) => numbers.push(0.0),
            Kept::Truths(truths) => truths.push(false),
            Kept::Texts(texts) => texts.push_missing(),
            Kept::Moments(moments) => moments.push(0),
        }
        let rows = self.rows;
        self.present.get_or_insert_with(|| Bitmap::filled(rows, true)).push(false);
        self.rows += 1;
    }

    fn number(&mut self, number: f64) {
        if let Kept::Numbers(numbers) = &mut self.kept {
            numbers.push(number);
            self.mark();
        } else if self.begin(|rows| Kept::Numbers(vec![0.0; rows])) {
            self.number(number);
        } else {
            self.collide(Found::Number(number));
        }
    }

    fn integer(&mut self, number: i128) {
        if number.unsigned_abs() <= u128::from(EXACT) {
            self.number(number as f64);
            return;
        }
        if matches!(self.kept, Kept::Numbers(_) | Kept::Nothing) {
            if self.clash.is_none() {
                self.large.push((self.rows, number));
            }
            self.number(number as f64);
        } else {
            self.collide(Found::Integer(number));
        }
    }

    fn truth(&mut self, truth: bool) {
        if let Kept::Truths(truths) = &mut self.kept {
            truths.push(truth);
            self.mark();
        } else if self.begin(|rows| Kept::Truths(vec![false; rows])) {
            self.truth(truth);
        } else {
            self.collide(Found::Truth(truth));
        }
    }

    fn text(&mut self, text: &str) {
        if let Kept::Texts(texts) = &mut self.kept {
            texts.push(text);
            self.mark();
        } else if self.begin(|rows| {
            let mut texts = Texts::new();
            (0..rows).for_each(|_| texts.push_missing());
            Kept::Texts(texts)
        }) {
            self.text(text);
        } else {
            self.collide(Found::Text(shortened(text).into()));
        }
    }

    fn moment(&mut self, micros: i64) {
        if let Kept::Moments(moments) = &mut self.kept {
            moments.push(micros);
            self.mark();
        } else if self.begin(|rows| Kept::Moments(vec![0; rows])) {
            self.moment(micros);
        } else {
            self.collide(Found::Moment(micros));
        }
    }

    fn mark(&mut self) {
        if let Some(bits) = &mut self.present {
            bits.push(true);
        }
        self.rows += 1;
    }

    /// Starts to keep values, if none was kept so far.
    fn begin(&mut self, kept: impl FnOnce(usize) -> Kept) -> bool {
        let fresh = matches!(self.kept, Kept::Nothing);
        if fresh {
            self.kept = kept(self.rows);
        }
        fresh
    }

    fn collide(&mut self, found: Found) {
        if self.clash.is_none() {
            self.clash = Some((self.rows, found));
        }
    }
}

/// Reads one cell into its column.
pub(super) struct Cell<'a> {
    pub(super) cells: &'a mut Cells,
    pub(super) context: &'a mut Context,
}

impl<'de> DeserializeSeed<'de> for Cell<'_> {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Cell<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a number, a text, true, false or null")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.cells.null();
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<(), E> {
        self.cells.truth(truth);
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<(), E> {
        self.cells.integer(number.into());
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<(), E> {
        if number <= EXACT {
            self.cells.number(number as f64);
        } else {
            self.cells.integer(number.into());
        }
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<(), E> {
        // Above this, a double that is written as an integer and one that was rounded look alike.
        if number.abs() >= 9e18 {
            self.context.saw_huge = true;
        }
        self.cells.number(number);
        Ok(())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        self.cells.text(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _list: A) -> Result<(), A::Error> {
        Err(de::Error::invalid_type(de::Unexpected::Seq, &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let (mut sec, mut usec) = (None, None);
        while let Some(member) = object.next_key::<TimevalMember>()? {
            let part = match member {
                TimevalMember::Sec => &mut sec,
                TimevalMember::Usec => &mut usec,
            };
            if part.replace(object.next_value::<i64>()?).is_some() {
                return Err(de::Error::custom("a time has 'sec' or 'usec' twice"));
            }
        }
        let (Some(sec), Some(usec)) = (sec, usec) else {
            return Err(de::Error::custom("a time as an object needs both 'sec' and 'usec'"));
        };
        let micros = TimeFormat::Timeval
            .to_timestamp(sec)
            .and_then(|time| time.micros().checked_add(usec))
            .ok_or_else(|| {
                de::Error::custom("the time lies beyond the years that can be stored")
            })?;
        self.cells.moment(micros);
        Ok(())
    }
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum TimevalMember {
    Sec,
    Usec,
}
