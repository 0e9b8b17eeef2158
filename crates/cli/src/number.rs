//! What a cell looks like, and numbers read exactly.
//!
//! ```text
//! 12 -7        integer        00042   +5   1e5   89014103211118510720     may be a code
//! 1.5 -.5 1.0e5  decimal      21,5  1,234.5  21.5 C  inf                 a number written in another way
//! NaN            no value     NA  -  unavailable                         says that there is no value
//! ```
//!
//! Nothing is rounded on the way: an integer that the column's type does not hold exactly is refused.

use std::borrow::Cow;

/// How numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NumberFormat {
    /// Between the whole part and the fraction.
    pub(crate) decimal: char,
    /// Between groups of three digits.
    pub(crate) thousands: Option<char>,
}

impl Default for NumberFormat {
    fn default() -> Self {
        Self { decimal: '.', thousands: None }
    }
}

/// What a cell looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// An integer that a double holds exactly.
    Integer,
    /// A larger integer of 64 bits.
    LargeInteger,
    /// A number with a fraction.
    Decimal,
    /// An integer with a sign `+`: a number among others with a sign or a fraction.
    Signed,
    /// An integer with an exponent: a number among others with a fraction, otherwise perhaps a code.
    Exponent,
    /// Digits with zeros before them.
    Padded,
    /// An integer of more than 64 bits.
    Huge,
    /// `NaN`.
    NotANumber,
    /// `true` or `false`.
    Boolean,
    /// A number written in another way.
    OtherNumber,
    /// A word that says that there is no value.
    Marker,
    /// Anything else.
    Text,
}

impl Look {
    /// All of them, in the order of their numbers.
    pub(crate) const COUNT: usize = 12;

    /// Its place in a list of counts.
    pub(crate) fn index(self) -> usize {
        self as usize
    }
}

/// The largest integer up to which a double holds each one.
const EXACT: u64 = 1 << 53;
/// Digits of an integer that are looked at: more than any type holds.
const MAX_DIGITS: usize = 40;

/// Words with which loggers and programs say that there is no value, in lower case.
const MARKERS: [&str; 22] = [
    "na",
    "n/a",
    "#n/a",
    "null",
    "none",
    "nil",
    "-",
    "--",
    "---",
    "?",
    "unavailable",
    "unknown",
    "missing",
    "err",
    "error",
    "overflow",
    "overrange",
    "ol",
    "invalid",
    "no data",
    "nodata",
    "open",
];

/// A number taken apart; its digits are ASCII.
struct Parts<'a> {
    negative: bool,
    plus: bool,
    whole: &'a str,
    fraction: Option<&'a str>,
    exponent: Option<i32>,
}

impl<'a> Parts<'a> {
    /// Takes apart a number with a point and without groups.
    fn of(text: &'a str) -> Option<Self> {
        let (negative, plus) = (text.starts_with('-'), text.starts_with('+'));
        let rest = if negative || plus { &text[1..] } else { text };
        let (mantissa, exponent) = match rest.find(['e', 'E']) {
            Some(at) => (&rest[..at], Some(exponent(&rest[at + 1..])?)),
            None => (rest, None),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let digits = whole.len() + fraction.map_or(0, str::len);
        (digits > 0 && are_digits(whole) && fraction.is_none_or(are_digits)).then_some(Self {
            negative,
            plus,
            whole,
            fraction,
            exponent,
        })
    }

    fn is_integer(&self) -> bool {
        self.fraction.is_none() && self.exponent.is_none()
    }

    fn is_padded(&self) -> bool {
        self.whole.len() > 1 && self.whole.starts_with('0')
    }

    /// The integer that this is, written in whatever way: `5.0` and `5e2` too.
    fn integer(&self) -> Option<i64> {
        if self.is_integer() {
            let size: i128 = self.whole.parse().ok()?;
            return i64::try_from(if self.negative { -size } else { size }).ok();
        }
        let fraction = self.fraction.unwrap_or_default();
        let digits: String = self.whole.chars().chain(fraction.chars()).collect();
        let kept = digits.trim_end_matches('0');
        let zeros = i64::try_from(digits.len() - kept.len()).ok()?;
        let shift =
            i64::from(self.exponent.unwrap_or(0)) - i64::try_from(fraction.len()).ok()? + zeros;
        let kept = kept.trim_start_matches('0');
        if kept.is_empty() {
            return Some(0);
        }
        let shift = usize::try_from(shift).ok()?;
        if kept.len() + shift > MAX_DIGITS {
            return None;
        }
        let size: i128 = format!("{kept}{}", "0".repeat(shift)).parse().ok()?;
        i64::try_from(if self.negative { -size } else { size }).ok()
    }
}

fn exponent(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let sound = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    sound.then(|| text.parse().ok())?
}

impl NumberFormat {
    /// The number as Rust writes it, if the text is one; exponents and zeros before it stay.
    fn plain(self, text: &str) -> Option<Cow<'_, str>> {
        let text = match text.strip_prefix('\u{2212}') {
            Some(rest) => Cow::Owned(format!("-{rest}")),
            None => Cow::Borrowed(text),
        };
        if self == Self::default() {
            return Some(text);
        }
        if self.decimal != '.' && self.thousands != Some('.') && text.contains('.') {
            return None;
        }
        let (whole, fraction) = match text.split_once(self.decimal) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (&*text, None),
        };
        let whole = self.without_groups(whole)?;
        Some(Cow::Owned(match fraction {
            Some(fraction) => format!("{whole}.{fraction}"),
            None => whole,
        }))
    }

    /// The whole part without the separators between its groups of three digits.
    fn without_groups(self, whole: &str) -> Option<String> {
        let Some(separator) = self.thousands else { return Some(whole.to_owned()) };
        let is_separator = |c: char| {
            c == separator || separator == ' ' && matches!(c, '\u{a0}' | '\u{202f}' | '\u{2009}')
        };
        let mut groups = whole.split(is_separator);
        let first = groups.next()?;
        let mut joined = first.to_owned();
        let mut grouped = false;
        for group in groups {
            grouped = true;
            let digits = group.bytes().take_while(u8::is_ascii_digit).count();
            if digits != 3 || group.len() > 3 && !group[3..].starts_with(['e', 'E']) {
                return None;
            }
            joined.push_str(group);
        }
        let leading = first.trim_start_matches(['-', '+']).len();
        (!grouped || (1..=3).contains(&leading)).then_some(joined)
    }

    /// What a cell looks like.
    pub(crate) fn look(self, text: &str) -> Look {
        let starts = text.as_bytes().first().copied().unwrap_or_default();
        if !starts.is_ascii_digit()
            && !matches!(starts, b'-' | b'+' | b'.' | b',')
            && starts.is_ascii()
        {
            return look_of_word(text);
        }
        let plain = self.plain(text);
        let Some(parts) = plain.as_deref().and_then(Parts::of) else {
            return look_of_word(text);
        };
        let number = || plain.as_deref().and_then(|plain| plain.parse::<f64>().ok());
        if parts.is_integer() {
            return match (parts.integer(), parts.is_padded(), parts.plus) {
                (None, ..) => Look::Huge,
                (_, true, _) => Look::Padded,
                (_, _, true) => Look::Signed,
                (Some(integer), ..) if integer.unsigned_abs() > EXACT => Look::LargeInteger,
                _ => Look::Integer,
            };
        }
        match number() {
            Some(number) if !number.is_finite() => Look::OtherNumber,
            _ if parts.is_padded() => Look::Padded,
            _ if parts.fraction.is_none() => Look::Exponent,
            _ => Look::Decimal,
        }
    }

    /// The cell as a double; none where it is no number, or an integer that no double is.
    pub(crate) fn double(self, text: &str) -> Option<f64> {
        let plain = self.plain(text)?;
        let parts = Parts::of(&plain)?;
        let number: f64 = plain.parse().ok().filter(|number: &f64| number.is_finite())?;
        if parts.is_integer() {
            let digits = parts.whole.trim_start_matches('0');
            if digits.len() > MAX_DIGITS - 2 {
                return None;
            }
            let size: u128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
            if size > u128::from(EXACT) && number.abs() as u128 != size {
                return None;
            }
        }
        Some(number)
    }

    /// The cell as an integer, also where it is written as `5.0`; none where it is none, or of more than 64 bits.
    pub(crate) fn long(self, text: &str) -> Option<i64> {
        Parts::of(&self.plain(text)?)?.integer()
    }
}

fn look_of_word(text: &str) -> Look {
    if text.eq_ignore_ascii_case("nan") {
        Look::NotANumber
    } else if boolean(text).is_some() {
        Look::Boolean
    } else if other_number(text).is_some() {
        Look::OtherNumber
    } else if MARKERS.iter().any(|marker| text.eq_ignore_ascii_case(marker)) {
        Look::Marker
    } else {
        Look::Text
    }
}

/// The boolean that a cell is.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// The flags with which the text would be a number, where it is one that is written in another way.
pub(crate) fn other_number(text: &str) -> Option<String> {
    let bare = text.trim_start_matches(['+', '-', '\u{2212}']);
    if ["inf", "infinity", "∞"].iter().any(|word| bare.eq_ignore_ascii_case(word)) {
        return Some(format!("--null {}", quoted(text)));
    }
    let limit = bare.trim_start_matches(['<', '>', '~', '≤', '≥', '$', '€', '£']).trim_start();
    let end = limit
        .find(|c: char| {
            !c.is_ascii_digit() && !matches!(c, '.' | ',' | '\'' | ' ' | '\u{a0}' | '\u{202f}')
        })
        .unwrap_or(limit.len());
    let (number, unit) = limit.split_at(end);
    let digits = number.trim_end();
    if !digits.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | ',')) {
        return None;
    }
    let separators = separators_of(digits)?;
    if unit.is_empty() && limit.len() == bare.len() {
        return Some(separators);
    }
    let stands_apart = digits.len() < number.len() || digits.contains(['.', ',']);
    let is_sign = unit.starts_with(['%', '°', 'µ', '‰']);
    let is_unit = unit.chars().count() <= 4
        && !unit.contains(|c: char| c.is_ascii_digit() || matches!(c, ':' | '-' | '/'));
    let is_number = unit.is_empty() || is_unit && (stands_apart || is_sign);
    is_number.then(|| format!("--null {}", quoted(text)))
}

/// How the digits are separated: the flags for it; none where it is no number at all.
fn separators_of(digits: &str) -> Option<String> {
    let ways = [
        ('.', None, ""),
        (',', None, "--decimal ','"),
        ('.', Some(','), "--thousands ','"),
        (',', Some('.'), "--decimal ',' --thousands '.'"),
        ('.', Some(' '), "--thousands ' '"),
        (',', Some(' '), "--decimal ',' --thousands ' '"),
        ('.', Some('\''), "--thousands \"'\""),
    ];
    let fits = |(decimal, thousands, _): &&(char, Option<char>, &str)| {
        let format = NumberFormat { decimal: *decimal, thousands: *thousands };
        format.plain(digits).is_some_and(|plain| Parts::of(&plain).is_some())
    };
    ways.iter().find(fits).map(|(_, _, flags)| (*flags).to_owned())
}

/// Text as a word of the shell.
pub(crate) fn quoted(text: &str) -> String {
    let is_plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':' | '%' | '+');
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GERMAN: NumberFormat = NumberFormat { decimal: ',', thousands: Some('.') };

    fn looks(texts: &[&str]) -> Vec<Look> {
        texts.iter().map(|text| NumberFormat::default().look(text)).collect()
    }

    #[test]
    fn a_code_is_told_from_a_number() {
        assert_eq!(looks(&["0", "12", "-7", "9007199254740992"]), [Look::Integer; 4]);
        assert_eq!(looks(&["1.5", "-.5", "5.", "1.0e300", "\u{2212}5.5"]), [Look::Decimal; 5]);
        assert_eq!(looks(&["9007199254740993", "-9223372036854775808"]), [Look::LargeInteger; 2]);
        assert_eq!(looks(&["00042", "-007", "007.5"]), [Look::Padded; 3]);
        assert_eq!(looks(&["1e5", "2E-7"]), [Look::Exponent; 2]);
        assert_eq!(looks(&["+5"]), [Look::Signed]);
        assert_eq!(looks(&["9223372036854775808", "89014103211118510720"]), [Look::Huge; 2]);
        assert_eq!(
            looks(&["0x1F", "1_000", "192.168.1.1", "12:30", "2026-01-01", "3A", "1.2.3", "e5"]),
            [Look::Text; 8]
        );
    }

    #[test]
    fn a_number_written_in_another_way_is_known_with_its_flags() {
        let odd = [
            "21,5",
            "1,234.5",
            "1.234,5",
            "21.5 C",
            "5%",
            "<0.1",
            "inf",
            "-Infinity",
            "1 234",
            "1.0e999",
        ];
        assert_eq!(looks(&odd), [Look::OtherNumber; 10]);
        let flags: Vec<_> = odd[..4].iter().map(|text| other_number(text).expect("one")).collect();
        assert_eq!(
            flags,
            [
                "--decimal ','",
                "--thousands ','",
                "--decimal ',' --thousands '.'",
                "--null '21.5 C'"
            ]
        );
        assert_eq!(looks(&["NA", "-", "unavailable", "#N/A"]), [Look::Marker; 4]);
        assert_eq!(looks(&["nan", "NAN", "true", "FALSE"])[..2], [Look::NotANumber; 2]);
    }

    #[test]
    fn a_double_holds_the_very_number_or_nothing() {
        let format = NumberFormat::default();
        assert_eq!(format.double("9007199254740993"), None);
        assert_eq!(format.double("9007199254740994"), Some(9_007_199_254_740_994.0));
        assert_eq!(format.double("1152921504606846976"), Some(1_152_921_504_606_846_976.0));
        assert_eq!(format.double("89014103211118510720"), None);
        assert_eq!(format.double("-0").map(f64::to_bits), Some((-0.0_f64).to_bits()));
        assert_eq!(format.double("1e400"), None);
        assert_eq!(format.double("00042"), Some(42.0));
        assert_eq!(format.double("x"), None);
    }

    #[test]
    fn an_integer_may_be_written_with_a_fraction_of_nothing() {
        let format = NumberFormat::default();
        for (text, number) in
            [("5.0", 5), ("-5.", -5), ("1e3", 1000), ("1500e-2", 15), ("0.0", 0), ("+7", 7)]
        {
            assert_eq!(format.long(text), Some(number), "{text}");
        }
        assert_eq!(format.long("9223372036854775807.0"), Some(i64::MAX));
        assert_eq!(format.long("-9223372036854775808"), Some(i64::MIN));
        for text in ["5.5", "9223372036854775808", "1e99", "1e-1", "", "e", "1e99999999999"] {
            assert_eq!(format.long(text), None, "{text}");
        }
    }

    #[test]
    fn another_locale_is_read_by_its_separators() {
        assert_eq!(GERMAN.double("1.234.567,5"), Some(1_234_567.5));
        assert_eq!(GERMAN.double("-21,5"), Some(-21.5));
        assert_eq!(GERMAN.double("1.2345"), None);
        assert_eq!(GERMAN.double("1234.5"), None);
        let comma = NumberFormat { decimal: ',', thousands: None };
        assert_eq!(comma.double("1.5"), None);
        assert_eq!(comma.look("21,5"), Look::Decimal);
        let french = NumberFormat { decimal: ',', thousands: Some(' ') };
        assert_eq!(french.double("1\u{202f}234,5"), Some(1234.5));
    }
}
