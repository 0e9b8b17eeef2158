//! The type of each column of a CSV file, where cells are text and nothing says what they mean.
//!
//! ```text
//! --type column:TYPE  >  the namespace's field  >  what all cells of the file look like
//! ```
//!
//! The look decides only where it is plain: numbers are DOUBLE (LONG where a double does not hold them), booleans
//! BOOLEAN, words STRING, and so are digits that only a code has. A column that is mostly numbers, or that may be either,
//! is refused with its line and the flags that decide it. A field keeps its type for ever; no cell may choose it by chance.

use serde_json::{Map, Value};

use crate::csv_text::Cell;
use crate::failure::Failure;
use crate::number::{Look, NumberFormat, boolean, other_number, quoted};

/// What the cells of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Numbers, with a fraction or without.
    Double,
    /// Integers of 64 bits.
    Long,
    /// `true` and `false`.
    Boolean,
    /// Text.
    String,
}

impl Kind {
    /// The type as the platform calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Double => "DOUBLE",
            Self::Long => "LONG",
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
        }
    }
}

/// One value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Typed<'a> {
    Double(f64),
    Long(i64),
    Boolean(bool),
    String(&'a str),
}

/// How cells become values.
#[derive(Clone, Debug, Default)]
pub(super) struct Cells {
    pub(super) numbers: NumberFormat,
    /// Texts that mean no value.
    pub(super) nulls: Vec<String>,
}

impl Cells {
    fn is_null(&self, cell: Cell<'_>) -> bool {
        cell.is_missing() || self.nulls.iter().any(|null| null == cell.text)
    }

    /// The cell as a value of the type: nothing where it has none.
    ///
    /// # Errors
    /// When it is not of the type.
    pub(super) fn value<'c>(&self, cell: Cell<'c>, kind: Kind) -> Result<Option<Typed<'c>>, ()> {
        if self.is_null(cell) {
            return Ok(None);
        }
        let text = cell.text;
        if kind == Kind::String {
            return Ok(Some(Typed::String(text)));
        }
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let number = matches!(kind, Kind::Double | Kind::Long);
        if number && text.eq_ignore_ascii_case("nan") {
            return Ok(None);
        }
        let value = match kind {
            Kind::Double => self.numbers.double(text).map(Typed::Double),
            Kind::Long => self.numbers.long(text).map(Typed::Long),
            Kind::Boolean => boolean(text).map(Typed::Boolean),
            Kind::String => None,
        };
        value.map(Some).ok_or(())
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

/// The types that a namespace's fields have.
#[derive(Debug, Default)]
pub(super) struct KnownTypes {
    pub(super) fields: Map<String, Value>,
}

impl KnownTypes {
    /// The type of a field; letter case does not tell fields apart.
    pub(super) fn of(&self, name: &str) -> Option<Kind> {
        let found = self.fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name));
        found.and_then(|(_, kind)| kind.as_str()).and_then(named)
    }
}

/// Where a look was seen first.
#[derive(Clone, Debug)]
struct Example {
    line: u64,
    text: String,
}

/// What all cells of a column look like.
#[derive(Clone, Debug, Default)]
pub(super) struct Looks {
    counts: [u64; Look::COUNT],
    first: [Option<Example>; Look::COUNT],
    negatives: u64,
}

impl Looks {
    /// Counts a cell.
    pub(super) fn see(&mut self, cell: Cell<'_>, cells: &Cells, line: u64) {
        if cells.is_null(cell) || cell.text.trim().is_empty() {
            return;
        }
        let text = cell.text.trim();
        let look = cells.numbers.look(text);
        let at = look.index();
        self.counts[at] += 1;
        self.negatives += u64::from(text.starts_with(['-', '\u{2212}']));
        if self.first[at].is_none() {
            self.first[at] = Some(Example { line, text: text.chars().take(60).collect() });
        }
    }

    /// How many cells have a value.
    pub(super) fn values(&self) -> u64 {
        self.counts.iter().sum::<u64>() - self.count(&[Look::NotANumber])
    }

    fn count(&self, looks: &[Look]) -> u64 {
        looks.iter().map(|look| self.counts[look.index()]).sum()
    }

    fn first(&self, looks: &[Look]) -> Option<&Example> {
        let all = looks.iter().filter_map(|look| self.first[look.index()].as_ref());
        all.min_by_key(|example| example.line)
    }

    /// The type of the column; nothing when no cell has a value.
    ///
    /// # Errors
    /// When its cells do not say plainly which.
    pub(super) fn decide(&self, column: &str) -> Result<Option<Kind>, Failure> {
        use Look::{
            Boolean, Decimal, Exponent, Huge, Integer, LargeInteger, Marker, NotANumber,
            OtherNumber, Padded, Signed, Text,
        };
        let decimals = self.count(&[Decimal]);
        let sure = self.count(&[Integer, LargeInteger, Decimal]);
        let numbers = sure + self.count(&[Signed, Exponent, OtherNumber]);
        let codes = self.count(&[Padded, Huge]);
        let (booleans, words) = (self.count(&[Boolean]), self.count(&[Text]));
        let markers = self.count(&[Marker]);
        let nans = self.count(&[NotANumber]);
        let all = numbers + codes + booleans + words + markers + nans;
        if all == 0 {
            return Ok(None);
        }
        if words > 0 && numbers * 2 < all && booleans * 2 < all {
            return Ok(Some(Kind::String));
        }
        if booleans > 0 {
            let others = [
                Integer,
                LargeInteger,
                Decimal,
                Signed,
                Exponent,
                OtherNumber,
                Padded,
                Huge,
                Marker,
                NotANumber,
                Text,
            ];
            return match self.first(&others) {
                None => Ok(Some(Kind::Boolean)),
                Some(odd) if booleans * 2 >= all => {
                    Err(exception(column, odd, "is neither true nor false", Kind::Boolean))
                }
                Some(_) if numbers == 0 => Ok(Some(Kind::String)),
                Some(_) => Err(self.number_exception(column)),
            };
        }
        if codes > 0 && numbers + markers + words + nans == 0 {
            return Ok(Some(Kind::String));
        }
        if self.count(&[OtherNumber, Marker, Text, Padded, Huge]) > 0 {
            return Err(self.number_exception(column));
        }
        if sure + self.count(&[Signed, Exponent]) == 0 {
            return Ok(Some(Kind::Double));
        }
        let may_be_codes = [(Exponent, decimals > 0), (Signed, decimals + self.negatives > 0)];
        for (look, is_number) in may_be_codes {
            if let Some(example) = self.first(&[look]).filter(|_| !is_number) {
                return Err(either(column, example));
            }
        }
        match self.first(&[LargeInteger]) {
            None => Ok(Some(Kind::Double)),
            Some(_) if decimals + self.count(&[Exponent]) == 0 => Ok(Some(Kind::Long)),
            Some(large) => Err(exception(
                column,
                large,
                "is an integer that a DOUBLE does not hold",
                Kind::Double,
            )),
        }
    }

    /// The first cell that keeps a column of numbers from being one.
    fn number_exception(&self, column: &str) -> Failure {
        let odd = [
            (Look::OtherNumber, "is not a plain number"),
            (Look::Marker, "is not a number"),
            (Look::Text, "is not a number"),
            (Look::Boolean, "is not a number"),
            (Look::Huge, "is an integer of more than 64 bits"),
            (Look::Padded, "may be a number or a code"),
        ];
        let found = odd.iter().filter_map(|(look, what)| Some((self.first(&[*look])?, *what)));
        match found.min_by_key(|(example, _)| example.line) {
            Some((example, what)) => exception(column, example, what, Kind::Double),
            None => Failure::usage(format!("column '{column}' has no plain type")),
        }
    }
}

/// A cell that is not what the others are.
fn exception(column: &str, example: &Example, what: &str, kind: Kind) -> Failure {
    let Example { line, text } = example;
    Failure::new(format!("line {line}, column '{column}': '{text}' {what}"))
        .remedy(ways_out(column, text, kind))
}

/// A column whose cells may be numbers or codes.
fn either(column: &str, example: &Example) -> Failure {
    let Example { line, text } = example;
    let name = |kind: &str| quoted(&format!("{column}:{kind}"));
    Failure::new(format!("line {line}, column '{column}': '{text}' may be a number or a code"))
        .remedy(format!("say which: --type {} or --type {}", name("DOUBLE"), name("STRING")))
}

/// The flags with which the cell would be taken.
fn ways_out(column: &str, text: &str, kind: Kind) -> String {
    let as_text = format!("--type {}", quoted(&format!("{column}:STRING")));
    let mut ways = Vec::new();
    match other_number(text).filter(|_| kind != Kind::Boolean) {
        Some(flags) if !flags.is_empty() => ways.push(flags),
        _ => {}
    }
    let format = NumberFormat::default();
    let is_code = matches!(format.look(text), Look::Padded) && kind == Kind::Double;
    if is_code {
        ways.push(format!("--type {}", quoted(&format!("{column}:DOUBLE"))));
    }
    let is_number = matches!(format.look(text), Look::Huge | Look::LargeInteger | Look::Padded);
    if !is_number && !ways.iter().any(|way| way.starts_with("--null")) {
        ways.push(format!("--null {} if it means no value", quoted(text)));
    }
    if kind != Kind::String {
        ways.push(format!("{as_text} to store the column as text"));
    }
    ways.join("; ")
}

/// A cell that is not of its column's type; `field`: that which has the type already, if one has.
pub(super) fn misfit(
    column: &str,
    kind: Kind,
    line: u64,
    text: &str,
    field: Option<&str>,
) -> Failure {
    let what = match kind {
        Kind::Double if NumberFormat::default().look(text) == Look::LargeInteger => {
            "a number that a DOUBLE holds exactly"
        }
        Kind::Double => "a number",
        Kind::Long => "an integer of 64 bits",
        Kind::Boolean => "a boolean (true or false)",
        Kind::String => "text",
    };
    let whose =
        if field.is_some() { format!(", and the field is {}", kind.name()) } else { String::new() };
    let shown: String = text.chars().take(60).collect();
    let failure =
        Failure::new(format!("line {line}, column '{column}': '{shown}' is not {what}{whose}"));
    let mut ways = Vec::new();
    if let Some(flags) =
        other_number(text).filter(|flags| !flags.is_empty() && kind != Kind::Boolean)
    {
        ways.push(flags);
    } else if matches!(
        NumberFormat::default().look(text),
        Look::Text | Look::Marker | Look::Boolean
    ) {
        ways.push(format!("--null {} if it means no value", quoted(text)));
    }
    let as_text = format!("--type {}", quoted(&format!("{column}:STRING")));
    ways.push(match field {
        Some(field) => format!(
            "--rename {} {as_text} to store the column as text, in another field",
            quoted(&format!("{column}={field}_text"))
        ),
        None => format!("{as_text} to store the column as text"),
    });
    failure.remedy(ways.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(cells: &[&str]) -> String {
        let reader = Cells::default();
        let mut looks = Looks::default();
        for (line, text) in (2..).zip(cells) {
            looks.see(Cell { text, quoted: false }, &reader, line);
        }
        match looks.decide("c") {
            Ok(kind) => kind.map_or("nothing", Kind::name).to_owned(),
            Err(failure) => {
                format!("{failure}; try: {}", failure.known_remedy().unwrap_or_default())
            }
        }
    }

    #[test]
    fn a_column_is_what_all_its_cells_are() {
        assert_eq!(decided(&["1", "2.5", "", "NaN"]), "DOUBLE");
        assert_eq!(decided(&["1", "+2.5", "1e-05", "0.1"]), "DOUBLE");
        assert_eq!(decided(&["-1", "+2"]), "DOUBLE");
        assert_eq!(decided(&["1", "9007199254740993"]), "LONG");
        assert_eq!(decided(&["true", "FALSE", ""]), "BOOLEAN");
        assert_eq!(decided(&["x", "y", "7"]), "STRING");
        assert_eq!(decided(&["00042", "00043"]), "STRING");
        assert_eq!(decided(&["89014103211118510720"]), "STRING");
        assert_eq!(decided(&["0x1F", "1_000"]), "STRING");
        assert_eq!(decided(&["", ""]), "nothing");
        assert_eq!(decided(&["nan"]), "DOUBLE");
    }

    #[test]
    fn a_column_of_numbers_with_an_exception_is_refused_with_the_flags_that_help() {
        insta::assert_snapshot!(decided(&["1.5", "NA"]), @"line 3, column 'c': 'NA' is not a number; try: --null NA if it means no value; --type c:STRING to store the column as text");
        insta::assert_snapshot!(decided(&["21,5"]), @"line 2, column 'c': '21,5' is not a plain number; try: --decimal ','; --null '21,5' if it means no value; --type c:STRING to store the column as text");
        insta::assert_snapshot!(decided(&["1", "1,234.5"]), @"line 3, column 'c': '1,234.5' is not a plain number; try: --thousands ','; --null '1,234.5' if it means no value; --type c:STRING to store the column as text");
        insta::assert_snapshot!(decided(&["1", "2", "ERR?"]), @"line 4, column 'c': 'ERR?' is not a number; try: --null 'ERR?' if it means no value; --type c:STRING to store the column as text");
        insta::assert_snapshot!(decided(&["unavailable"]), @"line 2, column 'c': 'unavailable' is not a number; try: --null unavailable if it means no value; --type c:STRING to store the column as text");
        insta::assert_snapshot!(decided(&["5", "89014103211118510720"]), @"line 3, column 'c': '89014103211118510720' is an integer of more than 64 bits; try: --type c:STRING to store the column as text");
        insta::assert_snapshot!(decided(&["5", "007"]), @"line 3, column 'c': '007' may be a number or a code; try: --type c:DOUBLE; --type c:STRING to store the column as text");
        insta::assert_snapshot!(decided(&["0.5", "9007199254740993"]), @"line 3, column 'c': '9007199254740993' is an integer that a DOUBLE does not hold; try: --type c:STRING to store the column as text");
        insta::assert_snapshot!(decided(&["true", "maybe"]), @"line 3, column 'c': 'maybe' is neither true nor false; try: --null maybe if it means no value; --type c:STRING to store the column as text");
    }

    #[test]
    fn what_may_be_a_code_or_a_number_is_for_the_user_to_say() {
        insta::assert_snapshot!(decided(&["1e5"]), @"line 2, column 'c': '1e5' may be a number or a code; try: say which: --type c:DOUBLE or --type c:STRING");
        assert!(decided(&["100", "1e5"]).contains("may be a number or a code"));
        assert!(decided(&["+4917012345"]).contains("may be a number or a code"));
    }

    #[test]
    fn a_cell_is_read_as_its_columns_type() {
        let cells = Cells { nulls: vec![String::from("-99")], ..Cells::default() };
        let bare = |text| Cell { text, quoted: false };
        let quoted = |text| Cell { text, quoted: true };
        assert_eq!(cells.value(bare("21.50"), Kind::Double), Ok(Some(Typed::Double(21.5))));
        assert_eq!(cells.value(bare("5.0"), Kind::Long), Ok(Some(Typed::Long(5))));
        assert_eq!(cells.value(bare("True"), Kind::Boolean), Ok(Some(Typed::Boolean(true))));
        for kind in [Kind::Double, Kind::Long, Kind::Boolean, Kind::String] {
            assert_eq!(cells.value(bare(""), kind), Ok(None));
            assert_eq!(cells.value(bare("-99"), kind), Ok(None));
        }
        assert_eq!(cells.value(quoted(""), Kind::String), Ok(Some(Typed::String(""))));
        assert_eq!(cells.value(quoted(" x "), Kind::String), Ok(Some(Typed::String(" x "))));
        assert_eq!(cells.value(quoted(""), Kind::Double), Ok(None));
        assert_eq!(cells.value(bare("NaN"), Kind::Double), Ok(None));
        for (text, kind) in
            [("x", Kind::Double), ("1.5", Kind::Long), ("1", Kind::Boolean), ("inf", Kind::Double)]
        {
            assert_eq!(cells.value(bare(text), kind), Err(()), "{text}");
        }
    }

    #[test]
    fn a_type_is_written_behind_a_colon() {
        assert_eq!(declared("serial:string"), Ok((String::from("serial"), Kind::String)));
        assert!(declared("serial").is_err());
        assert!(declared("serial:text").is_err());
    }
}
