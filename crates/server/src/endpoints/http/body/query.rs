//! The query string as a struct: each refusal names its parameter.
//!
//! Clients disagree about booleans (`true`, `True`), blanks (`+`, `%20`) and escapes; all of them are read.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, Visitor};

use crate::core::api_error::ApiError;

/// The parameters in the order sent, decoded.
pub(crate) fn pairs(query: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// Reads the parameters into a struct.
pub(super) fn parse<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    let parameters = Parameters { rest: url::form_urlencoded::parse(query.as_bytes()), now: None };
    T::deserialize(parameters).map_err(|Unreadable(reason)| ApiError::parameters(reason))
}

/// Why a query string does not fit.
#[derive(Debug)]
struct Unreadable(String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreadable {}

impl serde::de::Error for Unreadable {
    fn custom<M: fmt::Display>(message: M) -> Self {
        Self(message.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self(format!("the parameter '{field}' is missing"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self(format!("the parameter '{field}' stands twice"))
    }
}

/// The parameters as a map.
struct Parameters<'q> {
    rest: url::form_urlencoded::Parse<'q>,
    now: Option<(Cow<'q, str>, Cow<'q, str>)>,
}

impl<'de> Deserializer<'de> for Parameters<'de> {
    type Error = Unreadable;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_map(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for Parameters<'de> {
    type Error = Unreadable;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Unreadable> {
        self.now = self.rest.next();
        let Some((name, _)) = &self.now else { return Ok(None) };
        let name: StrDeserializer<'_, Unreadable> = name.as_ref().into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, Unreadable> {
        let (name, text) = self.now.take().unwrap_or_default();
        seed.deserialize(Text(&text))
            .map_err(|Unreadable(reason)| Unreadable(format!("the parameter '{name}': {reason}")))
    }
}

/// The value of one parameter, which its field's type gives a meaning.
struct Text<'t>(&'t str);

macro_rules! number {
    ($($method:ident $visit:ident $kind:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
            match self.0.trim().parse::<$kind>() {
                Ok(number) => visitor.$visit(number),
                Err(_) => Err(Unreadable(format!(
                    "'{}' is not a whole number from {} to {}", self.0, <$kind>::MIN, <$kind>::MAX
                ))),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Text<'_> {
    type Error = Unreadable;

    number! {
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.0.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => visitor.visit_bool(true),
            "false" | "0" | "no" | "off" => visitor.visit_bool(false),
            _ => Err(Unreadable(format!("'{}' is neither true nor false", self.0))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_str(self.0)
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i128 u8 u16 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map
        struct enum identifier ignored_any
    }
}
