//! The calendar for every time that 64 bits of microseconds can say, years -290308 to 294247.
//!
//! The libraries' calendars end earlier (nanoseconds at the year 2262, dates at the year 262143), and one row from a
//! device with a wrong clock must not fail a query. Time zones are those of the IANA database; before and after the
//! years that it can be asked for, a zone keeps the offset that it has there.

use chrono::{DateTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::Tz;

/// Microseconds of a second.
pub(crate) const SECOND: i64 = 1_000_000;
/// Microseconds of an hour.
pub(crate) const HOUR: i64 = 3_600 * SECOND;
/// Microseconds of a day.
pub(crate) const DAY: i64 = 24 * HOUR;
/// Days of 400 years, after which the calendar and its weekdays repeat.
const ERA_DAYS: i64 = 146_097;
/// The calendar library is asked for years up to this far from 1970.
const LIBRARY_YEARS: i64 = 200_000;

/// A date of the proleptic Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date {
    /// The year; that before the year 1 is 0.
    pub(crate) year: i64,
    /// From 1 to 12.
    pub(crate) month: i64,
    /// From 1 to 31.
    pub(crate) day: i64,
}

impl Date {
    /// The date of a day counted from 1970-01-01.
    pub(crate) fn of_day(day: i64) -> Self {
        // Days are counted from 0000-03-01, so that a leap day ends its year, in eras of 400 years.
        let days = day + 719_468;
        let (era, day) = (days.div_euclid(ERA_DAYS), days.rem_euclid(ERA_DAYS));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        // Months since March.
        let since = (5 * day + 2) / 153;
        let day = day - (153 * since + 2) / 5 + 1;
        let month = if since < 10 { since + 3 } else { since - 9 };
        let year = era * 400 + year + i64::from(month <= 2);
        Self { year, month, day }
    }

    /// The date of a moment.
    pub(crate) fn of(micros: i64) -> Self {
        Self::of_day(micros.div_euclid(DAY))
    }

    /// Its day, counted from 1970-01-01. Days beyond the end of a month are those of the next.
    pub(crate) const fn day_number(self) -> i64 {
        let since_march = self.year * 12 + self.month - 3;
        let (year, month) = (since_march.div_euclid(12), since_march.rem_euclid(12));
        let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
        let day = 365 * year + year / 4 - year / 100 + (153 * month + 2) / 5 + self.day - 1;
        era * ERA_DAYS + day - 719_468
    }

    /// The months since January of the year 0.
    pub(crate) const fn month_number(self) -> i64 {
        self.year * 12 + self.month - 1
    }

    /// That day of a month counted from January of the year 0, or the month's last where it is shorter.
    pub(crate) fn in_month(month: i64, day: i64) -> Self {
        let first = Self { year: month.div_euclid(12), month: month.rem_euclid(12) + 1, day: 1 };
        Self { day: day.min(first.month_days()), ..first }
    }

    /// How many days its month has.
    pub(crate) const fn month_days(self) -> i64 {
        let first = Self { day: 1, ..self }.day_number();
        let next = Self { year: self.year, month: self.month + 1, day: 1 }.day_number();
        next - first
    }
}

/// Moves a moment by months of the calendar; a day that the month does not have is its last. `None` beyond the times
/// there are.
pub(crate) fn add_months(micros: i64, months: i64) -> Option<i64> {
    let date = Date::of(micros);
    let moved = Date::in_month(date.month_number().checked_add(months)?, date.day);
    moved.day_number().checked_mul(DAY)?.checked_add(micros.rem_euclid(DAY))
}

/// A moment as the calendar library takes it, and the whole eras that were taken away for that.
pub(crate) fn in_library(micros: i64) -> (DateTime<chrono::Utc>, i64) {
    let far = |year: i64| (year - 1970) / LIBRARY_YEARS;
    // Whole eras leave weekdays, months and leap years as they are.
    let eras = far(Date::of(micros).year) * (LIBRARY_YEARS / 400);
    let moved = micros - eras * ERA_DAYS * DAY;
    (DateTime::from_timestamp_micros(moved).unwrap_or_default(), eras * 400)
}

/// A time zone: where the clocks are, and so what they show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Zone {
    /// Always as far from UTC, in microseconds.
    Fixed(i64),
    /// A zone of the IANA database.
    Named(Tz),
}

impl Zone {
    /// UTC itself.
    pub(crate) const UTC: Self = Self::Fixed(0);

    /// Reads a name; nothing when there is no such zone.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let name = name.trim();
        if let Some(offset) = fixed(name) {
            return Some(Self::Fixed(offset));
        }
        if name.eq_ignore_ascii_case("utc") || name.eq_ignore_ascii_case("z") {
            return Some(Self::UTC);
        }
        name.parse().ok().map(Self::Named)
    }

    /// Why a name is refused.
    pub(crate) fn refusal(name: &str) -> String {
        format!(
            "{} is no time zone; write a name such as 'Europe/Paris' or 'UTC', or an offset such as '+02:00'",
            crate::request::quoted(name)
        )
    }

    /// How far its clocks are ahead of UTC at a moment, in microseconds.
    pub(crate) fn offset(self, micros: i64) -> i64 {
        match self {
            Self::Fixed(offset) => offset,
            Self::Named(zone) => {
                // The database knows no changes of clocks that far away.
                let near = micros.clamp(-LIBRARY_YEARS * 365 * DAY, LIBRARY_YEARS * 365 * DAY);
                let time = DateTime::from_timestamp_micros(near).unwrap_or_default();
                let offset = zone.offset_from_utc_datetime(&time.naive_utc()).fix();
                i64::from(offset.local_minus_utc()) * SECOND
            }
        }
    }

    /// What its clocks show, as microseconds of a clock in UTC that shows the same; held to the times there are.
    pub(crate) fn local(self, micros: i64) -> i64 {
        micros.saturating_add(self.offset(micros))
    }

    /// The first moment at which its clocks show this or, where they jump over it, the moment of the jump.
    pub(crate) fn first_moment(self, local: i64) -> i64 {
        let zone = match self {
            Self::Fixed(offset) => return local.saturating_sub(offset),
            Self::Named(zone) => zone,
        };
        let Some(shown) = naive(local) else { return local.saturating_sub(self.offset(local)) };
        match zone.from_local_datetime(&shown).earliest() {
            Some(found) => found.timestamp_micros(),
            None => self.jump(local),
        }
    }

    /// The moment of the jump over what clocks would show.
    fn jump(self, local: i64) -> i64 {
        // No offset is longer than a day, so the jump lies between.
        let (mut before, mut after) = (local.saturating_sub(DAY), local.saturating_add(DAY));
        let old = self.offset(before);
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            if self.offset(middle) == old { before = middle } else { after = middle }
        }
        after
    }

    /// As PostgreSQL reads what a clock shows: twice shown it is the later moment (standard time), and over a jump the
    /// clocks from before it count on.
    pub(crate) fn moment(self, local: i64) -> Option<i64> {
        let zone = match self {
            Self::Fixed(offset) => return local.checked_sub(offset),
            Self::Named(zone) => zone,
        };
        let Some(shown) = naive(local) else { return local.checked_sub(self.offset(local)) };
        match zone.from_local_datetime(&shown).latest() {
            Some(found) => Some(found.timestamp_micros()),
            None => local.checked_sub(self.offset(self.jump(local) - 1)),
        }
    }
}

fn naive(local: i64) -> Option<NaiveDateTime> {
    let is_near = local.unsigned_abs() < (LIBRARY_YEARS * 365 * DAY).unsigned_abs();
    is_near.then(|| DateTime::from_timestamp_micros(local).map(|time| time.naive_utc()))?
}

/// `+02:00`, `-0530`, `+2`, also after `UTC`: how far ahead of UTC, in microseconds.
fn fixed(name: &str) -> Option<i64> {
    let sign = match name.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let rest = &name[1..];
    let (hours, minutes) = match rest.split_once(':') {
        Some(both) => both,
        None if rest.len() == 4 && rest.is_ascii() => rest.split_at(2),
        None => (rest, "0"),
    };
    let number = |text: &str| {
        let fits =
            !text.is_empty() && text.len() <= 2 && text.bytes().all(|it| it.is_ascii_digit());
        fits.then(|| text.parse::<i64>().ok()).flatten()
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours <= 15 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60 * SECOND)
}

/// A moment as text, `2026-11-22T12:00:00` with a fraction where it has one; years of more than four digits have a sign.
pub(crate) fn written(micros: i64) -> String {
    let date = date_written(micros.div_euclid(DAY));
    let of_day = micros.rem_euclid(DAY);
    let (seconds, fraction) = (of_day / SECOND, of_day % SECOND);
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    match fraction {
        0 => format!("{date}T{clock}"),
        it if it % 1000 == 0 => format!("{date}T{clock}.{:03}", it / 1000),
        it => format!("{date}T{clock}.{it:06}"),
    }
}

/// A day counted from 1970-01-01 as text, `2026-11-22`.
pub(crate) fn date_written(day: i64) -> String {
    let Date { year, month, day } = Date::of_day(day);
    if (0..=9999).contains(&year) {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:+05}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_of_far_years_have_their_days() {
        for (day, year, month, of_month) in
            [(0, 1970, 1, 1), (-1, 1969, 12, 31), (11_016, 2000, 2, 29), (-719_468, 0, 3, 1)]
        {
            let date = Date { year, month, day: of_month };
            assert_eq!((Date::of_day(day), date.day_number()), (date, day));
        }
        assert_eq!(written(i64::MIN), "-290308-12-21T19:59:05.224192");
        assert_eq!(written(i64::MAX), "+294247-01-10T04:00:54.775807");
        assert_eq!(add_months(i64::MAX, 1), None);
    }

    #[test]
    fn a_zone_is_a_name_or_an_offset() {
        assert_eq!(Zone::parse("+05:30"), Some(Zone::Fixed(19_800 * SECOND)));
        assert_eq!(Zone::parse("utc"), Some(Zone::UTC));
        assert_eq!(Zone::parse("Europe/Paris"), Some(Zone::Named(Tz::Europe__Paris)));
        for none in ["Europe/Belin", "", "+", "+99:00", "+1:2:3", "5", "+é", "-é0"] {
            assert_eq!(Zone::parse(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn every_moment_is_shown_by_clocks_and_found_again(micros in any::<i64>(), at in 0..5_usize) {
            let name = ["Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "Pacific/Apia", "+03:30"][at];
            let zone = Zone::parse(name).expect("a zone");
            for micros in [micros, micros % (300 * 365 * DAY)] {
                let local = zone.local(micros);
                let first = zone.first_moment(local);
                prop_assert!(first <= micros || local == i64::MAX || local == i64::MIN);
                prop_assert_eq!(Date::of_day(Date::of(micros).day_number()), Date::of(micros));
                let (near, years) = in_library(micros);
                let date = Date::of(near.timestamp_micros());
                prop_assert_eq!(Date { year: date.year + years, ..date }, Date::of(micros));
            }
        }
    }
}
