//! The width of a bucket: a fixed span of microseconds, or whole months.

use arrow::datatypes::{DataType, IntervalUnit};
use datafusion::common::{Result, ScalarValue, exec_err};

use crate::request::Bucket;

/// How wide a bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    /// Always as long.
    Micros(i64),
    /// So many months of the calendar.
    Months(i64),
}

const DAY: i64 = 86_400_000_000;

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
            return Self::micros(bucket.micros());
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

    /// The start of the bucket that a time lies in, or the first time there is when the start lies before it.
    pub(crate) fn start(self, time: i64, origin: i64) -> i64 {
        match self {
            Self::Micros(width) => {
                // 128 bits take twenty times as long, and only times hundreds of thousands of years apart need them.
                if let Some(since) = time.checked_sub(origin) {
                    return time.checked_sub(since.rem_euclid(width)).unwrap_or(i64::MIN);
                }
                let since = i128::from(time) - i128::from(origin);
                let start = i128::from(time) - since.rem_euclid(i128::from(width));
                i64::try_from(start).unwrap_or(i64::MIN)
            }
            Self::Months(months) => {
                let since = month_of(time) - month_of(origin);
                let month = month_of(time) - since.rem_euclid(months);
                first_of(month)
            }
        }
    }
    /// Up to where all times lie in the bucket of that start, as far as that is known at once.
    pub(crate) fn end(self, start: i64) -> i64 {
        match self {
            // Before the first time there is, a bucket begins earlier than it says.
            Self::Micros(width) if start > i64::MIN => start.saturating_add(width),
            Self::Micros(_) | Self::Months(_) => start,
        }
    }
}

/// The month a time lies in, counted from January of the year 0.
fn month_of(time: i64) -> i64 {
    // Days are counted from 0000-03-01, so that a leap day ends its year, in eras of 400 years.
    let days = time.div_euclid(DAY) + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // Months since March.
    let month = (5 * day + 2) / 153;
    (era * 400 + year) * 12 + month + 2
}

/// The first moment of a month, or the first moment there is.
fn first_of(month: i64) -> i64 {
    let since_march = month - 2;
    let (year, month) = (since_march.div_euclid(12), since_march.rem_euclid(12));
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day = 365 * year + year / 4 - year / 100 + (153 * month + 2) / 5;
    (era * 146_097 + day - 719_468).checked_mul(DAY).unwrap_or(i64::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str) -> i64 {
        let time = ScalarValue::from(text)
            .cast_to(&DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None));
        match time.expect("a time") {
            ScalarValue::TimestampMicrosecond(Some(micros), _) => micros,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_month_begins_on_its_first_day_in_every_century() {
        for (time, start) in [
            ("2026-11-22T12:00:00", "2026-11-01T00:00:00"),
            ("2024-02-29T23:59:59.999999", "2024-02-01T00:00:00"),
            ("1969-12-31T23:59:59", "1969-12-01T00:00:00"),
            ("2000-03-01T00:00:00", "2000-03-01T00:00:00"),
            ("1582-01-31T00:00:00", "1582-01-01T00:00:00"),
            ("9999-12-31T00:00:00", "9999-12-01T00:00:00"),
        ] {
            assert_eq!(Width::Months(1).start(micros(time), 0), micros(start), "{time}");
        }
        assert_eq!(
            Width::Months(3).start(micros("2026-11-22T00:00:00"), 0),
            micros("2026-10-01T00:00:00")
        );
    }

    #[test]
    fn the_ends_of_time_have_buckets_too() {
        for width in
            [Width::Micros(1), Width::Micros(i64::MAX), Width::Months(1), Width::Months(1200)]
        {
            for time in [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX] {
                let start = width.start(time, 0);
                assert!(start <= time, "{width:?} {time} {start}");
            }
        }
        assert_eq!(Width::Micros(300_000_000).start(i64::MAX, 0) % 300_000_000, 0);
    }
}
