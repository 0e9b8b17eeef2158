//! Names of a file's columns as names of fields: what is legal, and what to suggest where one is not.
//!
//! ```text
//! Temperature (°C) ─▶ temperature        #3 is the third column, whatever it is called
//! ```

use iobeam_model::FieldName;

/// Reads `OLD=NEW`; the last `=` counts, as new names have none.
///
/// # Errors
/// When there is no `=` or the new name is not legal.
pub(super) fn rename(text: &str) -> Result<(String, String), String> {
    let (old, new) = text.rsplit_once('=').ok_or("write it as 'COLUMN=field'")?;
    if new != "time" {
        new.parse::<FieldName>().map_err(|error| format!("'{new}': {error}"))?;
    }
    Ok((old.to_owned(), new.to_owned()))
}

/// The place of the column with this name, or this number (`#3`).
pub(super) fn position(headings: &[String], name: &str) -> Option<usize> {
    let by_name = headings.iter().position(|heading| heading == name);
    by_name.or_else(|| {
        let number: usize = name.strip_prefix('#')?.parse().ok()?;
        number.checked_sub(1).filter(|at| *at < headings.len())
    })
}

/// A legal name for a column, unlike all in `taken`.
pub(super) fn suggestion(heading: &str, taken: &[String]) -> String {
    let end = heading.find(['(', '[', '{', ',']).filter(|end| *end > 0).unwrap_or(heading.len());
    let legal = |text: &str| {
        let mut name = String::new();
        for c in text.trim().chars() {
            match c {
                'ä' | 'Ä' => name.push_str("ae"),
                'ö' | 'Ö' => name.push_str("oe"),
                'ü' | 'Ü' => name.push_str("ue"),
                'ß' => name.push_str("ss"),
                '%' => name.push_str("_percent"),
                'é' | 'è' | 'ê' | 'É' | 'È' => name.push('e'),
                'à' | 'â' | 'á' => name.push('a'),
                'µ' | 'μ' => name.push('u'),
                c if c.is_ascii_alphanumeric() => name.push(c.to_ascii_lowercase()),
                '°' => {}
                _ if name.ends_with('_') || name.is_empty() => {}
                _ => name.push('_'),
            }
        }
        name.trim_matches('_').to_owned()
    };
    let mut name = legal(&heading[..end]);
    if name.is_empty() {
        name = legal(heading);
    }
    if name.is_empty() {
        name = String::from("column");
    }
    if name.parse::<FieldName>().is_err() {
        name.truncate(200);
        name.push_str("_value");
    }
    let is_taken = |name: &str| taken.iter().any(|other| other.eq_ignore_ascii_case(name));
    if !is_taken(&name) {
        return name;
    }
    let mut numbered = (2..=taken.len() + 2).map(|count| format!("{name}_{count}"));
    numbered.find(|name| !is_taken(name)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggested_name_is_legal_and_free() {
        let taken = [String::from("Humidity")];
        for (heading, expected) in [
            ("Temperature (°C)", "temperature"),
            ("Temp, °C (LGR S/N: 10123456, SEN S/N: 1)", "temp"),
            ("Humidity [%]", "humidity_2"),
            ("%rF", "percentrf"),
            ("°C", "c"),
            ("Außentemperatur", "aussentemperatur"),
            ("time", "time_value"),
            ("all", "all_value"),
            ("(°C)", "c"),
            ("温度", "column"),
            ("", "column"),
        ] {
            let name = suggestion(heading, &taken);
            assert_eq!(name, expected, "{heading}");
            assert!(name.parse::<FieldName>().is_ok(), "{name}");
        }
    }

    #[test]
    fn a_column_has_a_name_and_a_number() {
        let headings = ["a", "#1", "a"].map(String::from);
        assert_eq!(position(&headings, "a"), Some(0));
        assert_eq!(position(&headings, "#1"), Some(1));
        assert_eq!(position(&headings, "#3"), Some(2));
        assert_eq!(position(&headings, "#0"), None);
        assert_eq!(position(&headings, "#4"), None);
        assert_eq!(
            rename("Temp (=°C)=temp"),
            Ok((String::from("Temp (=°C)"), String::from("temp")))
        );
        assert!(rename("a").is_err() && rename("a=b c").is_err());
    }
}
