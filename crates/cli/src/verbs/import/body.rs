//! A batch of CSV rows as the body of an import, written straight into bytes.
//!
//! The same rows always give the same bytes: that is how the server knows a repeat.

use serde_json::Value;

use super::Target;
use super::rows::Row;
use super::typed::{Kind, is_number, truth};

/// A cell that is not what its column is.
#[derive(Debug)]
pub(super) struct Failed {
    /// The line in the file.
    pub(super) line: u64,
    /// The column.
    pub(super) field: String,
    /// What stands there.
    pub(super) text: String,
    /// What the column is.
    pub(super) kind: Kind,
}

/// Writes the batch. A column without a type has nothing but empty cells; it is sent all the same, as its type may be
/// known when the file is imported again, and the bytes should not change then.
pub(super) fn of_batch(
    target: &Target<'_>,
    fields: &[String],
    kinds: &[Option<Kind>],
    batch: &[Row],
) -> Result<Vec<u8>, Failed> {
    let frame = Frame::new(target, fields, "usec");
    let mut body = frame.head;
    for (row, at) in batch.iter().zip(0..) {
        body.push_str(if at == 0 { "[" } else { ",[" });
        body.push_str(&row.micros.to_string());
        for ((text, kind), field) in row.cells.iter().zip(kinds).zip(fields) {
            body.push(',');
            // Without a type there are only empty cells, which are null in each.
            let kind = kind.unwrap_or(Kind::String);
            write_cell(&mut body, text, kind).ok_or_else(|| Failed {
                line: row.line,
                field: field.clone(),
                text: text.to_string(),
                kind,
            })?;
        }
        for constant in &frame.constants {
            body.push(',');
            body.push_str(constant);
        }
        body.push(']');
    }
    body.push_str(TAIL);
    Ok(body.into_bytes())
}

/// Writes one row whose first field is the time in milliseconds.
pub(super) fn of_row(target: &Target<'_>, fields: &[String], row: &[Value]) -> Vec<u8> {
    let frame = Frame::new(target, &fields[1..], "msec");
    let cells: Vec<String> = row.iter().map(Value::to_string).chain(frame.constants).collect();
    format!("{}[{}]{TAIL}", frame.head, cells.join(",")).into_bytes()
}

/// What stands around the rows.
struct Frame {
    head: String,
    /// Behind the cells of each row.
    constants: Vec<String>,
}

/// What stands behind the rows.
const TAIL: &str = "]}}";

impl Frame {
    /// With a device it is the form in which the server checks the device; labels are columns there.
    fn new(target: &Target<'_>, fields: &[String], unit: &str) -> Self {
        let project = target.project;
        let names = |labels: &[&String]| -> Value {
            std::iter::once("time")
                .chain(fields.iter().map(String::as_str))
                .chain(labels.iter().map(|name| name.as_str()))
                .collect()
        };
        if let Some(device) = &target.device {
            let device = Value::from(device.as_str());
            let names = names(&target.labels.keys().collect::<Vec<_>>());
            let constants: Vec<String> = target.labels.values().map(Value::to_string).collect();
            let head = format!(
                r#"{{"project_id":{project},"device_id":{device},"timefmt":"{unit}","sources":{{"fields":{names},"data":["#
            );
            return Self { head, constants };
        }
        let namespace = Value::from(target.namespace.as_str());
        let labels = Value::Object(target.labels.clone());
        let names = names(&[]);
        let head = format!(
            r#"{{"project_id":{project},"namespace":{namespace},"timefmt":"{unit}","labels":{labels},"data":{{"fields":{names},"values":["#
        );
        Self { head, constants: Vec::new() }
    }
}

/// Adds a cell; `None` when it is not what its column is.
fn write_cell(body: &mut String, text: &str, kind: Kind) -> Option<()> {
    if text.is_empty() {
        body.push_str("null");
        return Some(());
    }
    match kind {
        Kind::Double if text.eq_ignore_ascii_case("nan") => body.push_str("null"),
        Kind::Double if !is_number(text) => return None,
        Kind::Double => body.push_str(&crate::value::number(text)?.to_string()),
        Kind::Long => body.push_str(&text.parse::<i64>().ok()?.to_string()),
        Kind::Boolean => body.push_str(if truth(text)? { "true" } else { "false" }),
        Kind::String => body.push_str(&Value::from(text).to_string()),
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(text: &str, kind: Kind) -> Option<String> {
        let mut body = String::new();
        write_cell(&mut body, text, kind).map(|()| body)
    }

    #[test]
    fn a_cell_is_written_as_its_columns_type() {
        assert_eq!(cell("21.50", Kind::Double).as_deref(), Some("21.5"));
        assert_eq!(cell("12", Kind::Double).as_deref(), Some("12"));
        assert_eq!(cell("NaN", Kind::Double).as_deref(), Some("null"));
        assert_eq!(cell("", Kind::String).as_deref(), Some("null"));
        assert_eq!(cell("12", Kind::String).as_deref(), Some(r#""12""#));
        assert_eq!(cell("a\"b", Kind::String).as_deref(), Some(r#""a\"b""#));
        assert_eq!(cell("True", Kind::Boolean).as_deref(), Some("true"));
    }

    #[test]
    fn a_cell_of_another_type_is_refused() {
        assert_eq!(cell("x", Kind::Double), None);
        assert_eq!(cell("1.5", Kind::Long), None);
        assert_eq!(cell("1", Kind::Boolean), None);
        assert_eq!(cell("inf", Kind::Double), None);
    }
}
