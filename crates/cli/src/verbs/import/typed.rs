//! The type of each column of a CSV file, where cells are text and nothing says what they mean.
//!
//! ```text
//! --type column:TYPE  >  the namespace's field  >  what the first rows show: numbers, truths, else text
//! ```
//!
//! A column keeps its type once it has one: a field never mixes numbers and texts.

use serde_json::{Map, Value};

use super::rows::Row;

/// What the cells of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Numbers, with a fraction or without.
    Double,
    /// Whole numbers.
    Long,
    /// `true` and `false`.
    Boolean,
    /// Text.
    String,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Double => "number",
            Self::Long => "whole number",
            Self::Boolean => "truth (true or false)",
            Self::String => "text",
        })
    }
}

fn named(name: &str) -> Option<Kind> {
    use iobeam_model::FieldType;
    Some(match name.parse().ok()? {
        FieldType::Double => Kind::Double,
        FieldType::Long => Kind::Long,
        FieldType::Boolean => Kind::Boolean,
        FieldType::String => Kind::String,
    })
}

/// Reads `column:TYPE`.
pub(super) fn declared(text: &str) -> Result<(String, Kind), String> {
    let wrong = || String::from("write it as COLUMN:TYPE with DOUBLE, LONG, BOOLEAN or STRING");
    let (column, kind) = text.rsplit_once(':').ok_or_else(wrong)?;
    Ok((column.to_owned(), named(kind).ok_or_else(wrong)?))
}

/// The types that are known before the first row.
pub(super) fn of_namespace(
    fields: Value,
    columns: &[String],
    declared: &[(String, Kind)],
) -> Vec<Option<Kind>> {
    let fields = if let Value::Object(fields) = fields { fields } else { Map::new() };
    let known = |column: &String| {
        let by_flag = declared.iter().find(|(name, _)| name == column).map(|(_, kind)| *kind);
        let by_server = || fields.get(column)?.as_str().and_then(named);
        // A device's id is text even where all ids are numbers.
        let by_name = || (column == "device_id").then_some(Kind::String);
        by_flag.or_else(by_server).or_else(by_name)
    };
    columns.iter().map(known).collect()
}

/// Gives the columns a type that have none yet, by what stands in these rows. A column of empty cells waits.
pub(super) fn settle(kinds: &mut [Option<Kind>], rows: &[Row]) {
    for (column, kind) in kinds.iter_mut().enumerate().filter(|(_, kind)| kind.is_none()) {
        let mut cells = rows
            .iter()
            .filter_map(|row| row.cells.get(column))
            .filter(|cell| !cell.is_empty())
            .peekable();
        if cells.peek().is_none() {
            continue;
        }
        let (mut numbers, mut truths) = (true, true);
        for cell in cells {
            numbers &= is_number(cell);
            truths &= truth(cell).is_some();
        }
        *kind = Some(match (numbers, truths) {
            (true, _) => Kind::Double,
            (_, true) => Kind::Boolean,
            _ => Kind::String,
        });
    }
}

/// Whether the cell is a number, or says that there is none.
pub(super) fn is_number(cell: &str) -> bool {
    cell.eq_ignore_ascii_case("nan") || crate::value::number(cell).is_some()
}

/// The truth that a cell tells.
pub(super) fn truth(cell: &str) -> Option<bool> {
    if cell.eq_ignore_ascii_case("true") {
        Some(true)
    } else if cell.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settled(columns: &[&[&str]]) -> Vec<Option<Kind>> {
        let height = columns[0].len();
        let rows: Vec<Row> = (0..height)
            .map(|row| Row {
                line: 0,
                micros: 0,
                cells: columns.iter().map(|column| column[row].into()).collect(),
            })
            .collect();
        let mut kinds = vec![None; columns.len()];
        settle(&mut kinds, &rows);
        kinds
    }

    #[test]
    fn a_column_is_what_all_its_cells_are() {
        let kinds =
            settled(&[&["1", "2.5"], &["true", "FALSE"], &["1", "x"], &["", "nan"], &["", ""]]);
        let expected =
            [Some(Kind::Double), Some(Kind::Boolean), Some(Kind::String), Some(Kind::Double), None];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn a_flag_goes_before_the_namespace_and_that_before_the_cells() {
        let columns = ["a", "b", "c", "device_id"].map(String::from);
        let fields = json!({"a": "LONG", "b": "LONG"});
        let flags = [(String::from("a"), Kind::String)];
        let known = of_namespace(fields, &columns, &flags);
        assert_eq!(known, [Some(Kind::String), Some(Kind::Long), None, Some(Kind::String)]);
    }

    #[test]
    fn a_type_is_written_behind_a_colon() {
        assert_eq!(declared("serial:string"), Ok((String::from("serial"), Kind::String)));
        assert!(declared("serial").is_err());
        assert!(declared("serial:text").is_err());
    }
}
