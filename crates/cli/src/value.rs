//! Values as they are typed on a command line.
//!
//! ```text
//! 12.5 double │ 12 long │ true false boolean │ "text" or bare text │ null or nothing: no value
//! ```

use serde_json::{Number, Value};

/// Reads one value. Text in double quotes is text, whatever it looks like.
pub(crate) fn parse(text: &str) -> Value {
    let text = text.trim();
    if let Some(inner) = quoted(text) {
        return Value::String(inner);
    }
    match text {
        "" | "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number),
    }
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

/// The number behind a text that looks like one: exact for integers of 64 bits.
pub(crate) fn number(text: &str) -> Option<Number> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
        return None;
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    Number::from_f64(text.parse().ok()?)
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
            let value = if name == "device_id" { parse_text(value) } else { parse(value) };
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

    #[test]
    fn a_value_has_the_type_it_looks_like() {
        assert_eq!(parse("12.5"), json!(12.5));
        assert_eq!(parse("-12"), json!(-12));
        assert_eq!(parse("1e3"), json!(1000.0));
        assert_eq!(parse("true"), json!(true));
        assert_eq!(parse("\"12\""), json!("12"));
        assert_eq!(parse("\"say \\\"hi\\\"\""), json!("say \"hi\""));
        assert_eq!(parse("sunny day"), json!("sunny day"));
        assert_eq!(parse(""), json!(null));
        assert_eq!(parse("null"), json!(null));
    }

    #[test]
    fn a_long_keeps_all_its_digits() {
        assert_eq!(parse("123456789012345678").to_string(), "123456789012345678");
        assert_eq!(parse("9223372036854775807"), json!(i64::MAX));
    }

    #[test]
    fn what_only_resembles_a_number_is_text() {
        for text in ["nan", "inf", "infinity", "1.2.3", "-", "12:30", "1e999"] {
            assert_eq!(parse(text), json!(text), "{text}");
        }
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
