//! Where the parser is, so that a refusal can name the place.
//!
//! ```text
//! sources.data[3][1]      a cell of a table            sources[0].data[3].value   a cell of a series
//! data.values[3][1]       a cell of a namespace table  sources.fields[2]          a name
//! ```
//!
//! The place is kept as numbers and becomes text only when something is wrong.

use iobeam_model::FieldName;
use serde::de;

use super::ImportLimits;
use crate::error::ImportError;

/// Which list of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Table,
    NamespaceTable,
    Series(usize),
}

/// Where in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Body,
    Member(&'static str),
    Section(Section),
    Fields(Section, usize),
    Cell(Section, usize, usize),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Body => f.write_str("body"),
            Self::Member(name) => f.write_str(name),
            Self::Section(Section::Table) => f.write_str("sources"),
            Self::Section(Section::NamespaceTable) => f.write_str("data"),
            Self::Section(Section::Series(at)) => write!(f, "sources[{at}]"),
            Self::Fields(section, at) => write!(f, "{}.fields[{at}]", Self::Section(*section)),
            Self::Cell(Section::Table, row, cell) => write!(f, "sources.data[{row}][{cell}]"),
            Self::Cell(Section::NamespaceTable, row, cell) => {
                write!(f, "data.values[{row}][{cell}]")
            }
            Self::Cell(Section::Series(at), row, cell) => {
                let member = if *cell == TIME_OF_POINT { "time" } else { "value" };
                write!(f, "sources[{at}].data[{row}].{member}")
            }
        }
    }
}

/// A point of a series has its time as cell 0 and its value as cell 1.
pub(super) const TIME_OF_POINT: usize = 0;
pub(super) const VALUE_OF_POINT: usize = 1;

/// What goes with the parser through the body.
pub(super) struct Context {
    pub(super) limits: ImportLimits,
    pub(super) place: Place,
    /// Whether a whole number beyond 64 bits came by: it may have been an integer that lost its digits.
    pub(super) saw_huge: bool,
    rows: usize,
    refusal: Option<ImportError>,
}

impl Context {
    pub(super) const fn new(limits: ImportLimits) -> Self {
        Self { limits, place: Place::Body, saw_huge: false, rows: 0, refusal: None }
    }

    /// Ends the parsing. What serde is told does not matter: [`Context::explain`] knows better.
    pub(super) fn refuse<E: de::Error>(&mut self, refusal: ImportError) -> E {
        self.refusal = Some(refusal);
        E::custom("refused")
    }

    /// Refuses a member that stands for the second time.
    pub(super) fn refuse_second<E: de::Error>(
        &mut self,
        second: bool,
        section: Section,
        member: &str,
    ) -> Result<(), E> {
        if second {
            let place = format!("{}.{member}", Place::Section(section));
            return Err(self.refuse(ImportError::Twice { place }));
        }
        Ok(())
    }

    /// The name of a field, which stands where the parser is.
    pub(super) fn field_name<E: de::Error>(&mut self, name: &str) -> Result<FieldName, E> {
        name.parse().map_err(|source| {
            let (place, name) = (self.place.to_string(), shortened(name));
            self.refuse(ImportError::Name { place, name, source })
        })
    }

    /// Counts a row.
    pub(super) fn row<E: de::Error>(&mut self) -> Result<(), E> {
        self.rows += 1;
        if self.rows > self.limits.max_rows {
            let place = self.place.to_string();
            let limit = self.limits.max_rows;
            return Err(self.refuse(ImportError::TooMany { place, what: "rows", limit }));
        }
        Ok(())
    }

    /// What ended the parsing.
    pub(super) fn explain(&mut self, error: &serde_json::Error) -> ImportError {
        self.refusal.take().unwrap_or_else(|| {
            let reason = plain_words(error);
            ImportError::Json {
                place: self.place.to_string(),
                reason,
                line: error.line(),
                column: error.column(),
            }
        })
    }
}

/// What the parser says, in the words of this document and with the remedy.
fn plain_words(error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "the body ends too early".to_owned();
    }
    let text = error.to_string();
    let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    let mismatch = reason
        .strip_prefix("invalid type: ")
        .or_else(|| reason.strip_prefix("invalid value: "))
        .and_then(|reason| reason.rsplit_once(", expected "));
    if let Some((found, expected)) = mismatch {
        let found = match found {
            "sequence" => "a list".to_owned(),
            "map" => "an object".to_owned(),
            other => shortened(other),
        };
        let expected = match expected {
            "u64" => "a positive whole number",
            "i64" => "a whole number",
            "a string" => "a text in quotes",
            other => other,
        };
        return format!("expected {expected}; found {found}");
    }
    match reason {
        "invalid number" => "this is not how JSON writes a number".to_owned(),
        "expected value" => "this is no JSON value; send null where there is none".to_owned(),
        "number out of range" => {
            "the number is too large for a DOUBLE, and infinity cannot be stored; send null"
                .to_owned()
        }
        other => shortened(other),
    }
}

/// A text that fits into a message.
pub(super) fn shortened(text: &str) -> String {
    const MOST: usize = 120;
    if text.chars().nth(MOST).is_none() {
        return text.to_owned();
    }
    text.chars().take(MOST).chain(['…']).collect()
}

/// The first integer of 20 or more digits that is written without point and exponent. JSON's reader gives such a
/// number as a rounded double, so the bytes must be asked.
pub(super) fn huge_integer(body: &[u8]) -> Option<String> {
    let mut at = 0;
    while at < body.len() {
        match body[at] {
            b'"' => {
                at += 1;
                while at < body.len() && body[at] != b'"' {
                    at += if body[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            b'-' | b'0'..=b'9' => {
                let number = &body[at..];
                let length = number
                    .iter()
                    .position(|byte| {
                        !matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')
                    })
                    .unwrap_or(number.len());
                let number = &number[..length];
                let whole = !number.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
                if whole && std::str::from_utf8(number).is_ok_and(is_beyond_64_bits) {
                    return Some(shortened(&String::from_utf8_lossy(number)));
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    None
}

fn is_beyond_64_bits(number: &str) -> bool {
    number.parse::<i64>().is_err() && number.parse::<u64>().is_err()
}
