//! Times as text: ISO 8601 in UTC with microseconds, for each time there is.
//!
//! ```text
//! 1767225600000001 ─▶ 2026-01-01T00:00:00.000001Z        -1 ─▶ 1969-12-31T23:59:59.999999Z
//! a year beyond 0000 to 9999 has a sign: +10000-01-01T00:00:00.000000Z
//! ```
//!
//! Reading what was written gives the same time. Days are counted by the proleptic Gregorian calendar.

const MICROS_PER_SECOND: i128 = 1_000_000;
const MICROS_PER_DAY: i128 = 86_400 * MICROS_PER_SECOND;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_DAYS: i64 = 719_468;
/// Days of 400 years, after which the calendar repeats.
const ERA_DAYS: i64 = 146_097;
/// Digits of a year that are read at most: more than any time has.
const MAX_YEAR_DIGITS: usize = 6;

/// The date of a day, counted from 1970-01-01: year, month and day of the month.
fn date_of(day: i64) -> (i64, i64, i64) {
    let day = day + EPOCH_DAYS;
    let (era, of_era) = (day.div_euclid(ERA_DAYS), day.rem_euclid(ERA_DAYS));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    // Months are counted from March, so that the leap day is the last of a year.
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, of_year - (153 * shifted + 2) / 5 + 1)
}

/// The day of a date, counted from 1970-01-01; `None` where the calendar has no such date.
fn day_of(year: i64, month: i64, day: i64) -> Option<i64> {
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let from_march = year - i64::from(month <= 2);
    let (era, of_era) = (from_march.div_euclid(400), from_march.rem_euclid(400));
    let of_year = (153 * shifted + 2) / 5 + day - 1;
    let count = era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH_DAYS;
    (date_of(count) == (year, month, day)).then_some(count)
}

/// Microseconds since 1970 as text.
pub(crate) fn write(micros: i64) -> String {
    let micros = i128::from(micros);
    let (day, rest) = (micros.div_euclid(MICROS_PER_DAY), micros.rem_euclid(MICROS_PER_DAY));
    let (year, month, day) = date_of(day as i64);
    let year =
        if (0..=9999).contains(&year) { format!("{year:04}") } else { format!("{year:+05}") };
    let (second, micros) = (rest / MICROS_PER_SECOND, rest % MICROS_PER_SECOND);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

/// Text as microseconds since 1970; `None` when it is not such a text, has no zone, or lies beyond all times. What is
/// finer than a microsecond is cut off.
pub(crate) fn read(text: &str) -> Option<i64> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let digits = rest.find('-')?;
    if !(4..=MAX_YEAR_DIGITS).contains(&digits) {
        return None;
    }
    let mut rest = Rest(rest);
    let year = sign * rest.number(digits)?;
    let month = rest.after(b"-")?.number(2)?;
    let date = day_of(year, month, rest.after(b"-")?.number(2)?)?;
    let hour = rest.after(b"Tt ")?.number(2)?;
    let minute = rest.after(b":")?.number(2)?;
    let second = rest.after(b":")?.number(2)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let fraction = if rest.after(b".,").is_some() { rest.fraction()? } else { 0 };
    let offset = rest.offset()?;
    let seconds = i128::from(hour * 3600 + minute * 60 + second - offset);
    let micros =
        i128::from(date) * MICROS_PER_DAY + seconds * MICROS_PER_SECOND + i128::from(fraction);
    i64::try_from(micros).ok()
}

/// What is not read yet.
struct Rest<'a>(&'a str);

impl Rest<'_> {
    /// Takes one of these characters.
    fn after(&mut self, any: &[u8]) -> Option<&mut Self> {
        let first = self.0.as_bytes().first()?;
        if !any.contains(first) {
            return None;
        }
        self.0 = &self.0[1..];
        Some(self)
    }

    /// Takes so many digits.
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok())?
    }

    /// Takes the digits behind the point, as microseconds.
    fn fraction(&mut self) -> Option<i64> {
        let digits = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (fraction, rest) = self.0.split_at(digits);
        self.0 = rest;
        let kept: String = fraction.chars().chain("000000".chars()).take(6).collect();
        if digits == 0 { None } else { kept.parse().ok() }
    }

    /// Takes the zone, to the end: seconds east of UTC.
    fn offset(&mut self) -> Option<i64> {
        if matches!(self.0, "Z" | "z") {
            return Some(0);
        }
        let sign = if self.0.starts_with('-') { -1 } else { 1 };
        let hours = self.after(b"+-")?.number(2)?;
        let minutes = self.after(b":")?.number(2)?;
        (self.0.is_empty() && hours < 24 && minutes < 60)
            .then_some(sign * (hours * 3600 + minutes * 60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_with_microseconds_and_a_zone() {
        assert_eq!(write(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(write(1_767_225_600_000_001), "2026-01-01T00:00:00.000001Z");
        assert_eq!(write(-1), "1969-12-31T23:59:59.999999Z");
        assert_eq!(write(951_782_400_000_000), "2000-02-29T00:00:00.000000Z");
        assert_eq!(write(253_402_300_800_000_000), "+10000-01-01T00:00:00.000000Z");
        assert_eq!(write(-62_167_219_200_000_001), "-0001-12-31T23:59:59.999999Z");
        assert_eq!(write(i64::MAX), "+294247-01-10T04:00:54.775807Z");
        assert_eq!(write(i64::MIN), "-290308-12-21T19:59:05.224192Z");
    }

    #[test]
    fn each_time_reads_back_as_itself() {
        let steps = (0..20_000_i64)
            .map(|step| i64::MIN.wrapping_add(step.wrapping_mul(922_337_203_685_477)));
        for micros in steps.chain([i64::MIN, i64::MAX, 0, -1, 1, 951_782_399_999_999]) {
            assert_eq!(read(&write(micros)), Some(micros), "{}", write(micros));
        }
    }

    #[test]
    fn a_zone_is_needed_and_counts() {
        assert_eq!(read("1970-01-01T01:00:00.000001+01:00"), Some(1));
        assert_eq!(read("1970-01-01 00:00:00,5Z"), Some(500_000));
        assert_eq!(read("1970-01-01T00:00:00.0000019Z"), Some(1));
        for wrong in [
            "1970-01-01T00:00:00",
            "1970-02-30T00:00:00Z",
            "1970-13-01T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00+1:00",
            "70-01-01T00:00:00Z",
            "+999999-01-01T00:00:00Z",
            "",
            "-",
            "é",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
