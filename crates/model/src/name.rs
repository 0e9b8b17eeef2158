//! The names of namespaces and fields.
//!
//! A name keeps the spelling it was given, and names compare letter by letter. In a namespace, names of fields that differ in
//! letter case alone are one field: who takes names from outside brings them into the namespace's spelling first.

use std::fmt;
use std::str::FromStr;

/// Longest name or device id, in bytes.
pub const MAX_NAME: usize = 255;

/// Field names that mean something else in a query, in any letter case.
pub const RESERVED: [&str; 3] = ["time", "time_offset", "all"];

const ALPHABET: &str = "A-Z, a-z, 0-9, '_' or '-'";

/// Why a text is not a name or an id. The caller says of what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// There is no text.
    #[error("it is empty; use 1 to {MAX_NAME} characters of {allowed}")]
    Empty {
        /// The characters that may be used.
        allowed: &'static str,
    },
    /// There is too much of it.
    #[error("it has {length} characters, and at most {MAX_NAME} are allowed")]
    TooLong {
        /// How many characters it has.
        length: usize,
    },
    /// A character that may not be in it.
    #[error("{found:?} at position {position} is not allowed; use {allowed}")]
    Character {
        /// The character.
        found: char,
        /// Where it stands, from 1.
        position: usize,
        /// The characters that may be used.
        allowed: &'static str,
    },
    /// A word with a meaning of its own.
    #[error("'{0}' is reserved (in any letter case); choose another name")]
    Reserved(String),
}

/// Checks length and alphabet.
pub(crate) fn check(
    text: &str,
    allowed: &'static str,
    is_allowed: impl Fn(u8) -> bool,
) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty { allowed });
    }
    if let Some((at, found)) = text
        .chars()
        .enumerate()
        .find(|(_, c)| !u8::try_from(*c).is_ok_and(|b| b.is_ascii() && is_allowed(b)))
    {
        return Err(NameError::Character { found, position: at + 1, allowed });
    }
    if text.len() > MAX_NAME {
        return Err(NameError::TooLong { length: text.len() });
    }
    Ok(())
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// A field's name: 1 to 255 characters of `A-Z a-z 0-9 _ -`, not a reserved word.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct FieldName(Box<str>);

impl FieldName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both name one field: fields do not differ by letter case alone.
    pub fn is_same_field(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }

    /// The field `device_id`, by which the namespace `input` is partitioned.
    pub fn device_id() -> Self {
        Self("device_id".into())
    }
}

impl FromStr for FieldName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        check(text, ALPHABET, is_name_byte)?;
        if RESERVED.iter().any(|word| word.eq_ignore_ascii_case(text)) {
            return Err(NameError::Reserved(text.to_owned()));
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for FieldName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<FieldName> for String {
    fn from(name: FieldName) -> Self {
        name.0.into()
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for FieldName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// A namespace's name: 1 to 255 characters of `A-Z a-z 0-9 _ -`, unique within its project.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct NamespaceName(Box<str>);

impl NamespaceName {
    /// The namespace that each project has from the start.
    pub fn input() -> Self {
        Self("input".into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NamespaceName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        check(text, ALPHABET, is_name_byte)?;
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for NamespaceName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<NamespaceName> for String {
    fn from(name: NamespaceName) -> Self {
        name.0.into()
    }
}

impl fmt::Display for NamespaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for NamespaceName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserved_word_is_no_field_name_in_any_letter_case() {
        for word in ["time", "TIME", "Time_Offset", "aLL"] {
            assert_eq!(word.parse::<FieldName>(), Err(NameError::Reserved(word.to_owned())));
        }
        assert!("timer".parse::<FieldName>().is_ok());
        assert!("all".parse::<NamespaceName>().is_ok());
    }

    #[test]
    fn a_letter_outside_ascii_is_refused_with_its_place() {
        let refusal = "größe".parse::<FieldName>().expect_err("umlaut");
        insta::assert_snapshot!(refusal, @"'ö' at position 3 is not allowed; use A-Z, a-z, 0-9, '_' or '-'");
    }
}
