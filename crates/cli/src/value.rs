//! Values as they are typed on a command line.
//!
//! ```text
//! 12.5 double │ 12 long │ true false boolean │ "text" or bare text │ null or nothing: no value
//! 00042, and integers of more than 64 bits: text │ 1e5 +5: refused, as they may be either
//! ```

use serde_json::{Number, Value};

use crate::number::{Look, NumberFormat};

/// Reads one value. Text in double quotes is text, whatever it looks like.
///
/// # Errors
/// When it may be a number or a code.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    let text = text.trim();
    if let Some(inner) = quoted(text) {
        return Ok(Value::String(inner));
    }
    let format = NumberFormat::default();
    let as_text = || Value::String(text.to_owned());
    Ok(match (text, format.look(text)) {
        ("" | "null", _) => Value::Null,
        ("true", _) => Value::Bool(true),
        ("false", _) => Value::Bool(false),
        (_, Look::Integer | Look::LargeInteger) if text != "-0" => {
            format.long(text).map_or_else(as_text, Value::from)
        }
        (_, Look::Integer | Look::Decimal) => {
            format.double(text).and_then(Number::from_f64).map_or_else(as_text, Value::Number)
        }
        (_, Look::Exponent | Look::Signed) => {
            let number =
                format.double(text).map(|number| format!("{number:?}")).unwrap_or_default();
            return Err(format!(
                "'{text}' may be a number or a code; write the number as {number}, or text in double quotes: '\"{text}\"'"
            ));
        }
        _ => as_text(),
    })
}

/// Reads a value that is always text, such as a device's id: `42` is text here.
pub(crate) fn parse_text(text: &str) -> Value {
    let text = text.trim();
    match quoted(text) {
        Some(inner) => Value::String(inner),
        None if text.is_empty() || text == "null" => Value::Null,
        None => Value::String(text.to_owned()),
    }
}

/// Splits a list at its commas, except those in double quotes.
pub(crate) fn split(list: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut in_quotes, mut escaped) = (0, false, false);
    for (at, c) in list.char_indices() {
        match c {
            '"' if !escaped => in_quotes = !in_quotes,
            ',' if !in_quotes => {
                parts.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        escaped = c == '\\' && in_quotes && !escaped;
    }
    parts.push(&list[start..]);
    parts
}

/// Reads `name=value`, the value as [`parse`] does.
///
/// # Errors
/// When there is no name or no `=`.
pub(crate) fn label(text: &str) -> Result<(String, Value), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            let name = name.trim().to_owned();
            let value = if name == "device_id" { parse_text(value) } else { parse(value)? };
            Ok((name, value))
        }
        _ => Err(String::from("write it as name=value")),
    }
}

/// What stands between double quotes; a quote inside is written `\"`.
fn quoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    Some(inner.replace("\\\"", "\"").replace("\\\\", "\\"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Value {
        parse(text).expect("a value")
    }

    #[test]
    fn a_value_has_the_type_it_looks_like() {
        assert_eq!(read("12.5"), json!(12.5));
        assert_eq!(read("-12"), json!(-12));
        assert_eq!(read("1.0e3"), json!(1000.0));
        assert_eq!(read("true"), json!(true));
        assert_eq!(read("\"12\""), json!("12"));
        assert_eq!(read("\"say \\\"hi\\\"\""), json!("say \"hi\""));
        assert_eq!(read("sunny day"), json!("sunny day"));
        assert_eq!(read(""), json!(null));
        assert_eq!(read("null"), json!(null));
        assert_eq!(read("-0").to_string(), "-0.0");
    }

    #[test]
    fn a_long_keeps_all_its_digits() {
        assert_eq!(read("123456789012345678").to_string(), "123456789012345678");
        assert_eq!(read("9223372036854775807"), json!(i64::MAX));
    }

    #[test]
    fn what_only_resembles_a_number_is_text() {
        for text in [
            "nan",
            "inf",
            "infinity",
            "1.2.3",
            "-",
            "12:30",
            "1.0e999",
            "00042",
            "0x1F",
            "1_000",
            "89014103211118510720",
            "9223372036854775808",
        ] {
            assert_eq!(read(text), json!(text), "{text}");
        }
    }

    #[test]
    fn what_may_be_a_code_or_a_number_is_refused_with_both_ways_to_write_it() {
        insta::assert_snapshot!(parse("1e5").expect_err("either"), @r#"'1e5' may be a number or a code; write the number as 100000.0, or text in double quotes: '"1e5"'"#);
        insta::assert_snapshot!(parse("+5").expect_err("either"), @r#"'+5' may be a number or a code; write the number as 5.0, or text in double quotes: '"+5"'"#);
    }

    #[test]
    fn a_comma_in_quotes_does_not_split() {
        assert_eq!(split("1,\"a,b\",true"), ["1", "\"a,b\"", "true"]);
        assert_eq!(split("1,,3"), ["1", "", "3"]);
        assert_eq!(split("\"a\\\",b\",2"), ["\"a\\\",b\"", "2"]);
    }

    #[test]
    fn a_device_id_stays_text_even_when_it_looks_like_a_number() {
        assert_eq!(label("device_id=42"), Ok((String::from("device_id"), json!("42"))));
        assert_eq!(label("n=3"), Ok((String::from("n"), json!(3))));
        assert!(label("n").is_err());
        assert!(label("=3").is_err());
    }
}
