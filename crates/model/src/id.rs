//! The ids: who or what is meant. Each is written out by hand, as each has rules of its own.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use crate::name::{NameError, check};

/// A user's number. Positive.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct UserId(pub NonZeroU32);

/// A project's number. Positive and below 2^32, because devices hold it in 32 bits.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct ProjectId(pub NonZeroU32);

/// A namespace's number, unique over all projects. Positive.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct NamespaceId(pub NonZeroU32);

/// A token's number, by which it is listed and revoked. Positive.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct TokenId(pub NonZeroU32);

/// A device's id: 1 to 255 characters of `A-Z a-z 0-9 _ : -`, unique within its project.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceId(Box<str>);

/// What a device id may be made of, as an error says it.
const DEVICE_ALPHABET: &str = "A-Z, a-z, 0-9, '_', ':' or '-'";

impl UserId {
    /// The id of that number, unless it is zero.
    pub fn new(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl ProjectId {
    /// The id of that number, unless it is zero.
    pub fn new(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl NamespaceId {
    /// The id of that number, unless it is zero.
    pub fn new(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl TokenId {
    /// The id of that number, unless it is zero.
    pub fn new(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for NamespaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl DeviceId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DeviceId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        check(text, DEVICE_ALPHABET, |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'-')
        })?;
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for DeviceId {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<DeviceId> for String {
    fn from(id: DeviceId) -> Self {
        id.0.into()
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_device_id_survives_json(name in "[A-Za-z0-9_:-]{1,255}") {
            let id: DeviceId = name.parse()?;
            prop_assert_eq!(serde_json::from_str::<DeviceId>(&serde_json::to_string(&id)?)?, id);
        }
    }

    #[test]
    fn a_refused_device_id_is_told_what_would_be_right() {
        let refusal = "my device".parse::<DeviceId>().expect_err("a blank is not allowed");
        insta::assert_snapshot!(refusal, @"' ' at position 3 is not allowed; use A-Z, a-z, 0-9, '_', ':' or '-'");
        let refusal = "".parse::<DeviceId>().expect_err("empty");
        insta::assert_snapshot!(refusal, @"it is empty; use 1 to 255 characters of A-Z, a-z, 0-9, '_', ':' or '-'");
        let refusal = "x".repeat(256).parse::<DeviceId>().expect_err("too long");
        insta::assert_snapshot!(refusal, @"it has 256 characters, and at most 255 are allowed");
    }
}
