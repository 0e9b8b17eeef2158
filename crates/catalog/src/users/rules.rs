//! What names, addresses and passwords may look like.
//!
//! ```text
//! text from outside ─ trim ─ rule ─▶ as it is stored         key(): the form in which two of them are the same
//! ```
//!
//! No rule allows control characters, so nothing stored can break a mail's head or a log line.

use crate::error::CatalogError;

/// Longest name of a person, company or address on the web.
const LONGEST_TEXT: usize = 255;

/// Longest address that mail can carry.
const LONGEST_EMAIL: usize = 254;

/// Longest user name.
const LONGEST_USERNAME: usize = 64;

/// Shortest password, in characters.
const SHORTEST_PASSWORD: usize = 8;

/// Longest password, in bytes: more than anyone types, and little to hash.
const LONGEST_PASSWORD: usize = 1024;

/// Signs that mean something else in an address list, in a mail's head, or in the header of a log-in.
const NOT_IN_EMAIL: &str = "<>()[],;:\\\"";

/// The form in which names and addresses are compared: letter case and blanks around do not count.
pub(crate) fn key(name: &str) -> String {
    name.trim().to_lowercase()
}

/// An e-mail address, as far as can be told without sending to it.
pub(crate) fn email(text: &str) -> Result<String, CatalogError> {
    let text = text.trim();
    let parts = text.split_once('@').filter(|(name, host)| {
        let well_formed = !name.is_empty() && !host.is_empty() && !host.contains('@');
        let edges = host.starts_with('.') || host.ends_with('.');
        let strange = |c: char| c.is_whitespace() || c.is_control() || NOT_IN_EMAIL.contains(c);
        well_formed && !edges && !text.contains(strange)
    });
    if parts.is_none() {
        return Err(CatalogError::invalid(
            "email",
            "not an e-mail address such as ada@example.com",
        ));
    }
    if text.len() > LONGEST_EMAIL {
        return Err(CatalogError::invalid("email", format!("longer than {LONGEST_EMAIL} bytes")));
    }
    Ok(text.to_owned())
}

/// A user name; an empty one is none.
pub(crate) fn username(text: &str) -> Result<Option<String>, CatalogError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    // '@' would make it an address, and ':' ends the name in the header of a log-in.
    if text.contains(|c: char| c == '@' || c == ':' || c.is_whitespace() || c.is_control()) {
        let reason = "blanks, '@', ':' and control characters are not allowed in a user name";
        return Err(CatalogError::invalid("username", reason));
    }
    if text.chars().count() > LONGEST_USERNAME {
        let reason = format!("longer than {LONGEST_USERNAME} characters");
        return Err(CatalogError::invalid("username", reason));
    }
    Ok(Some(text.to_owned()))
}

/// A line of free text, which may be empty.
pub(crate) fn text(what: &'static str, text: &str) -> Result<String, CatalogError> {
    let text = text.trim();
    if text.contains(char::is_control) {
        return Err(CatalogError::invalid(what, "control characters are not allowed"));
    }
    if text.chars().count() > LONGEST_TEXT {
        let reason = format!("longer than {LONGEST_TEXT} characters");
        return Err(CatalogError::invalid(what, reason));
    }
    Ok(text.to_owned())
}

/// A password that is worth hashing: not short, not the person's own name.
pub(crate) fn password(text: &str, names: &[Option<&str>]) -> Result<(), CatalogError> {
    if text.chars().count() < SHORTEST_PASSWORD {
        let reason = format!("shorter than {SHORTEST_PASSWORD} characters");
        return Err(CatalogError::invalid("password", reason));
    }
    if text.len() > LONGEST_PASSWORD {
        let reason = format!("longer than {LONGEST_PASSWORD} bytes");
        return Err(CatalogError::invalid("password", reason));
    }
    let mut signs = text.chars();
    let first = signs.next();
    if signs.all(|sign| Some(sign) == first) {
        return Err(CatalogError::invalid("password", "one character over and over"));
    }
    if names.iter().flatten().any(|name| key(name) == key(text)) {
        return Err(CatalogError::invalid("password", "the same as the user name or address"));
    }
    Ok(())
}
