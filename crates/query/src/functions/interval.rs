//! Buckets of time: the one definition of where they begin, for SQL, `/v1/data`, `/v1/exports` and charts.
//!
//! ```text
//! width               counted from                in a time zone
//! under a day         1970-01-01 00:00            what its clocks show
//! days                1970-01-01                  its midnights
//! multiples of 7 days Monday 1970-01-05           its midnights
//! months, years       January of the year 0       its midnights
//! ```
//!
//! An origin takes the place of the second column. A bucket of months from an origin begins on the origin's day of the
//! month, or on the month's last where it is shorter.

use arrow::datatypes::{DataType, IntervalUnit};
use datafusion::common::{Result, ScalarValue, exec_err};

use crate::civil::{DAY, Date, HOUR, Zone, add_months};
use crate::request::Bucket;

/// How wide a bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    /// Always as long, in microseconds; whole days are days of the calendar in a time zone.
    Micros(i64),
    /// So many months of the calendar.
    Months(i64),
}

/// Days from 1970-01-01 to the Monday from which weeks are counted.
const MONDAY: i64 = 4;

impl Width {
    /// Reads the function's first argument.
    pub(crate) fn read(argument: &ScalarValue) -> Result<Self> {
        match argument {
            ScalarValue::DurationMicrosecond(Some(micros)) => Self::micros(*micros),
            ScalarValue::IntervalMonthDayNano(Some(it)) => {
                Self::interval(i64::from(it.months), i64::from(it.days), it.nanoseconds)
            }
            ScalarValue::Utf8(Some(text))
            | ScalarValue::LargeUtf8(Some(text))
            | ScalarValue::Utf8View(Some(text)) => Self::text(text),
            other => {
                exec_err!("{other} is no width of a bucket; write INTERVAL '5 minutes' or '5m'")
            }
        }
    }

    fn text(text: &str) -> Result<Self> {
        if let Some(bucket) = Bucket::parse(text) {
            return Ok(bucket.into());
        }
        let interval = DataType::Interval(IntervalUnit::MonthDayNano);
        let Ok(ScalarValue::IntervalMonthDayNano(Some(it))) =
            ScalarValue::from(text).cast_to(&interval)
        else {
            return exec_err!("'{text}' is no width of a bucket; write '5m' or '5 minutes'");
        };
        Self::interval(i64::from(it.months), i64::from(it.days), it.nanoseconds)
    }

    fn interval(months: i64, days: i64, nanos: i64) -> Result<Self> {
        if months != 0 && (days != 0 || nanos != 0) {
            return exec_err!("a bucket is either whole months or a fixed span, not both");
        }
        if months != 0 {
            return if months > 0 { Ok(Self::Months(months)) } else { Self::micros(0) };
        }
        if nanos % 1000 != 0 {
            return exec_err!("a bucket is a whole number of microseconds wide");
        }
        // Days are 32 bits and nanoseconds 64: neither this product nor this sum can overflow.
        Self::micros(days * DAY + nanos / 1000)
    }

    fn micros(micros: i64) -> Result<Self> {
        if micros > 0 {
            Ok(Self::Micros(micros))
        } else {
            exec_err!("a bucket must be wider than nothing")
        }
    }

    /// Buckets of this width in UTC, counted from where they are counted unless said.
    pub(crate) const fn buckets(self) -> Buckets {
        Buckets { width: self, origin: None, zone: Zone::UTC }
    }
}

impl From<Bucket> for Width {
    fn from(bucket: Bucket) -> Self {
        match bucket {
            Bucket::Micros(micros) => Self::Micros(micros),
            Bucket::Months(months) => Self::Months(months),
        }
    }
}

/// A cut of all time into buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Buckets {
    /// How wide they are.
    pub(crate) width: Width,
    /// Where some bucket begins, as the zone's clocks show it; nothing for where they are counted from unless said.
    pub(crate) origin: Option<i64>,
    /// Whose clocks count.
    pub(crate) zone: Zone,
}

impl Buckets {
    /// The start of the bucket that a time lies in, or the first time there is when the start lies before it.
    pub(crate) fn start(&self, time: i64) -> i64 {
        if self.zone == Zone::UTC {
            return self.start_shown(time);
        }
        let shown = self.zone.local(time);
        let start = self.start_shown(shown);
        match self.width {
            Width::Micros(width) if width <= HOUR => {
                // An hour that clocks show twice is two buckets; one that began before they were set is one.
                let elapsed = time.saturating_sub(shown.saturating_sub(start));
                let is_set = self.zone.offset(elapsed) != self.zone.offset(time);
                if is_set { self.zone.first_moment(start).min(time) } else { elapsed }
            }
            Width::Micros(_) | Width::Months(_) => self.zone.first_moment(start).min(time),
        }
    }

    /// A time up to which, itself in it, all times from the start on lie in the bucket of that start. It is the last one
    /// unless clocks are set in the bucket.
    pub(crate) fn last(&self, start: i64) -> i64 {
        let Width::Micros(width) = self.width else { return self.last_by_next(start) };
        if self.zone != Zone::UTC {
            if width % DAY == 0 {
                return self.last_by_next(start);
            }
            return self.even_end(start, width).map_or(start, |end| end - 1);
        }
        // Before the first time there is, a bucket begins earlier than it says.
        if start > i64::MIN { start.saturating_add(width - 1) } else { start }
    }

    /// The last time of a bucket of the calendar.
    fn last_by_next(&self, start: i64) -> i64 {
        self.next(start).map_or(start, |next| (next - 1).max(start))
    }

    /// The start of the bucket after the one with that start; nothing beyond the times there are.
    pub(crate) fn next(&self, start: i64) -> Option<i64> {
        if start == i64::MIN {
            return None;
        }
        let shown = self.zone.local(start);
        let next = match self.width {
            Width::Micros(width) if width % DAY != 0 && self.zone != Zone::UTC => {
                // Where clocks are set back at its end, the bucket goes on.
                let end = self.even_end(start, width).filter(|end| self.start(*end) == *end);
                return end.or_else(|| self.searched(start, width));
            }
            Width::Micros(width) => self.start_shown(shown).checked_add(width)?,
            Width::Months(months) => self.month_start(shown, months, 1)?,
        };
        Some(self.zone.first_moment(next)).filter(|next| *next > start)
    }

    /// Where a bucket under a day ends, unless clocks are set in it.
    fn even_end(&self, start: i64, width: i64) -> Option<i64> {
        if start == i64::MIN {
            return None;
        }
        // A bucket may begin late, where clocks jump over its start.
        let shown = self.zone.local(start);
        let end = start.checked_add(width - (shown - self.start_shown(shown)))?;
        (self.zone.offset(start) == self.zone.offset(end - 1)).then_some(end)
    }

    /// The first moment of the next bucket, looked for.
    fn searched(&self, start: i64, width: i64) -> Option<i64> {
        let (mut before, mut after) = (start, start.checked_add(width)?.checked_add(DAY)?);
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            if self.start(middle) > start { after = middle } else { before = middle }
        }
        Some(after)
    }

    /// The start by what clocks show.
    fn start_shown(&self, time: i64) -> i64 {
        let width = match self.width {
            Width::Micros(width) => width,
            Width::Months(months) => {
                return self.month_start(time, months, 0).unwrap_or(i64::MIN);
            }
        };
        let usual = if width % (7 * DAY) == 0 { MONDAY * DAY } else { 0 };
        let origin = self.origin.unwrap_or(usual);
        // 128 bits take twenty times as long, and only times hundreds of thousands of years apart need them.
        if let Some(since) = time.checked_sub(origin) {
            return time.checked_sub(since.rem_euclid(width)).unwrap_or(i64::MIN);
        }
        let since = i128::from(time) - i128::from(origin);
        let start = i128::from(time) - since.rem_euclid(i128::from(width));
        i64::try_from(start).unwrap_or(i64::MIN)
    }

    /// The start of the bucket of months that a time lies in, or of one that comes so many later.
    fn month_start(&self, time: i64, months: i64, later: i64) -> Option<i64> {
        let month = Date::of(time).month_number();
        let Some(origin) = self.origin else {
            let first = month - month.rem_euclid(months) + months.checked_mul(later)?;
            return Date::in_month(first, 1).day_number().checked_mul(DAY);
        };
        let since = month - Date::of(origin).month_number();
        let count = since.div_euclid(months);
        let start = |count: i64| add_months(origin, count.checked_mul(months)?);
        // In its month the bucket may begin only on a later day.
        let count = match start(count) {
            Some(begins) if begins > time => count - 1,
            _ => count,
        };
        start(count.checked_add(later)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn micros(text: &str) -> i64 {
        let time = ScalarValue::from(text)
            .cast_to(&DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None));
        match time.expect("a time") {
            ScalarValue::TimestampMicrosecond(Some(micros), _) => micros,
            other => panic!("{other:?}"),
        }
    }

    fn start(width: Width, time: &str) -> i64 {
        width.buckets().start(micros(time))
    }

    #[test]
    fn a_month_begins_on_its_first_day_in_every_century() {
        for (time, begins) in [
            ("2026-11-22T12:00:00", "2026-11-01T00:00:00"),
            ("2024-02-29T23:59:59.999999", "2024-02-01T00:00:00"),
            ("1969-12-31T23:59:59", "1969-12-01T00:00:00"),
            ("2000-03-01T00:00:00", "2000-03-01T00:00:00"),
            ("1582-01-31T00:00:00", "1582-01-01T00:00:00"),
            ("9999-12-31T00:00:00", "9999-12-01T00:00:00"),
        ] {
            assert_eq!(start(Width::Months(1), time), micros(begins), "{time}");
        }
        assert_eq!(start(Width::Months(3), "2026-11-22T00:00:00"), micros("2026-10-01T00:00:00"));
    }

    #[test]
    fn a_bucket_of_months_begins_on_the_day_of_its_origin() {
        let from =
            |origin: &str| Buckets { origin: Some(micros(origin)), ..Width::Months(1).buckets() };
        for (origin, time, begins) in [
            ("2001-01-15T00:00:00", "2026-11-22T12:00:00", "2026-11-15T00:00:00"),
            ("2001-01-15T00:00:00", "2026-11-14T23:59:59", "2026-10-15T00:00:00"),
            ("2001-01-31T06:00:00", "2026-02-28T06:00:00", "2026-02-28T06:00:00"),
            ("2001-01-31T06:00:00", "2026-02-28T05:00:00", "2026-01-31T06:00:00"),
            ("2030-01-15T00:00:00", "2026-11-22T12:00:00", "2026-11-15T00:00:00"),
        ] {
            assert_eq!(from(origin).start(micros(time)), micros(begins), "{origin} {time}");
        }
    }

    #[test]
    fn weeks_begin_on_mondays_and_years_in_january() {
        let week = Width::Micros(7 * DAY);
        assert_eq!(start(week, "2026-11-22T12:00:00"), micros("2026-11-16T00:00:00"));
        assert_eq!(start(week, "1969-12-31T12:00:00"), micros("1969-12-29T00:00:00"));
        assert_eq!(start(Width::Months(12), "2026-11-22T12:00:00"), micros("2026-01-01T00:00:00"));
    }

    #[test]
    fn hours_are_those_that_clocks_show() {
        let of = |width, zone: &str| Buckets {
            zone: Zone::parse(zone).expect("a zone"),
            ..Width::Micros(width).buckets()
        };
        for (width, zone, time, begins) in [
            (HOUR, "Asia/Kolkata", "2026-11-22T12:45:00", "2026-11-22T12:30:00"),
            (DAY, "Europe/Berlin", "2026-11-22T23:30:00", "2026-11-22T23:00:00"),
            // The night in which 02:00 to 03:00 is shown twice: each is an hour of its own.
            (HOUR, "Europe/Berlin", "2026-10-25T00:30:00", "2026-10-25T00:00:00"),
            (HOUR, "Europe/Berlin", "2026-10-25T01:30:00", "2026-10-25T01:00:00"),
            // Six hours from midnight on are seven.
            (6 * HOUR, "Europe/Berlin", "2026-10-25T04:30:00", "2026-10-24T22:00:00"),
            (6 * HOUR, "Europe/Berlin", "2026-10-25T05:00:00", "2026-10-25T05:00:00"),
            // And those of the night in which an hour is left out are five.
            (6 * HOUR, "Europe/Berlin", "2026-03-29T03:59:00", "2026-03-28T23:00:00"),
            (6 * HOUR, "Europe/Berlin", "2026-03-29T04:00:00", "2026-03-29T04:00:00"),
        ] {
            assert_eq!(
                of(width, zone).start(micros(time)),
                micros(begins),
                "{width} {zone} {time}"
            );
        }
    }

    #[test]
    fn the_ends_of_time_have_buckets_too() {
        for width in
            [Width::Micros(1), Width::Micros(i64::MAX), Width::Months(1), Width::Months(1200)]
        {
            for time in [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX] {
                let start = width.buckets().start(time);
                assert!(start <= time, "{width:?} {time} {start}");
            }
        }
        assert_eq!(Width::Micros(300_000_000).buckets().start(i64::MAX) % 300_000_000, 0);
    }

    proptest! {
        #[test]
        fn each_time_lies_in_one_bucket(
            far in any::<i64>(),
            width in prop::sample::select(vec![1, 900_000_000, HOUR, 2 * HOUR, 6 * HOUR, DAY, 7 * DAY, -1, -3, -12]),
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "-03:30"]),
            origin in prop::option::of(any::<i64>()),
        ) {
            let width = if width < 0 { Width::Months(-width) } else { Width::Micros(width) };
            let zone = Zone::parse(zone).expect("a zone");
            for time in [far, far % (100 * 365 * DAY)] {
                let buckets = Buckets { width, origin, zone };
                let start = buckets.start(time);
                prop_assert!(start <= time);
                if start > i64::MIN + 2 * DAY {
                    prop_assert_eq!(buckets.start(start), start, "the start lies in its bucket");
                }
                let last = buckets.last(start);
                prop_assert!(start <= last);
                if start > i64::MIN + 2 * DAY && last < i64::MAX - 2 * DAY {
                    prop_assert_eq!(buckets.start(last), start, "its last time as well");
                    if let Some(next) = buckets.next(start) {
                        prop_assert!(next > last);
                        prop_assert_eq!(buckets.start(next), next, "and the next bucket begins itself");
                    }
                }
            }
        }
    }
}
