//! Moments as boards keep them: `now-1h`, `now-1d/d`, `2026-01-31T08:00:00Z`, `1769846400000`.

use iobeam_wire::v1::date;

/// Longest text that is looked at.
const LONGEST: usize = 64;

/// What a span is counted in, longest word first.
const UNITS: [&str; 8] = ["ms", "s", "m", "h", "d", "w", "M", "y"];

/// Whether this is a moment.
pub(super) fn is_time_expr(text: &str) -> bool {
    if text.len() > LONGEST {
        return false;
    }
    if let Some(rest) = text.strip_prefix("now") {
        return is_offset(rest);
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = (5..=16).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    is_number || (text.contains('T') && date::parse(text).is_some())
}

/// What may follow `now`: steps such as `-1d`, then perhaps the unit whose start or end is meant.
fn is_offset(mut rest: &str) -> bool {
    while let Some(step) = rest.strip_prefix(['+', '-']) {
        let digits = step.bytes().take_while(u8::is_ascii_digit).count();
        let behind = &step[digits..];
        let unit = UNITS.iter().find_map(|unit| behind.strip_prefix(unit));
        match unit {
            Some(after) if (1..=9).contains(&digits) => rest = after,
            _ => return false,
        }
    }
    rest.is_empty() || rest.strip_prefix('/').is_some_and(|unit| UNITS[1..].contains(&unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_relative_calendar_dates_or_numbers() {
        for good in [
            "now",
            "now-1h",
            "now-1d/d",
            "now/w",
            "now-1M/M",
            "now-90m+30s",
            "now-500ms",
            "2026-11-22T13:00:00Z",
            "2026-11-22T13:00:00.5+01:00",
            "1795356000000",
            "-86400000",
        ] {
            assert!(is_time_expr(good), "{good}");
        }
        for bad in
            ["", "nowhere", "now-", "now-1", "now-h", "now/q", "now-1h/", "yesterday", "12", "2026"]
        {
            assert!(!is_time_expr(bad), "{bad}");
        }
    }
}
