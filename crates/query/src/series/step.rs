//! How wide a bucket is: `15m` is always as long, `1d` and `3mo` are those of the calendar in a time zone.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, Offset, TimeZone};
use chrono_tz::Tz;

use crate::error::QueryError;
use crate::request::quoted;

/// How wide a bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// So many microseconds, from 1970-01-01 UTC on.
    Micros(i64),
    /// So many days, from 1970-01-01 on.
    Days(u32),
    /// So many weeks, which begin on Mondays.
    Weeks(u32),
    /// So many months, from January of the year 0 on.
    Months(u32),
}

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;
/// 1970-01-01 and the Monday after it, in days since the year 1 began.
const EPOCH: i64 = 719_163;
const MONDAY: i64 = EPOCH + 4;

/// What `auto` chooses from, narrowest first.
const NICE: [Step; 38] = [
    Step::Micros(1_000),
    Step::Micros(2_000),
    Step::Micros(5_000),
    Step::Micros(10_000),
    Step::Micros(20_000),
    Step::Micros(50_000),
    Step::Micros(100_000),
    Step::Micros(200_000),
    Step::Micros(500_000),
    Step::Micros(SECOND),
    Step::Micros(2 * SECOND),
    Step::Micros(5 * SECOND),
    Step::Micros(10 * SECOND),
    Step::Micros(15 * SECOND),
    Step::Micros(30 * SECOND),
    Step::Micros(60 * SECOND),
    Step::Micros(2 * 60 * SECOND),
    Step::Micros(5 * 60 * SECOND),
    Step::Micros(10 * 60 * SECOND),
    Step::Micros(15 * 60 * SECOND),
    Step::Micros(30 * 60 * SECOND),
    Step::Micros(HOUR),
    Step::Micros(2 * HOUR),
    Step::Micros(3 * HOUR),
    Step::Micros(6 * HOUR),
    Step::Micros(12 * HOUR),
    Step::Days(1),
    Step::Weeks(1),
    Step::Months(1),
    Step::Months(3),
    Step::Months(6),
    Step::Months(12),
    Step::Months(24),
    Step::Months(60),
    Step::Months(120),
    Step::Months(600),
    Step::Months(1_200),
    Step::Months(12_000),
];

impl Step {
    /// The narrowest nice width that cuts a span into at most so many buckets.
    pub(super) fn automatic(span: i64, most: usize) -> Self {
        let wanted = span / i64::try_from(most.max(1)).unwrap_or(i64::MAX);
        let wide = |step: &&Self| step.about_micros() > wanted;
        *NICE.iter().find(wide).unwrap_or(&Self::Months(12_000))
    }

    /// Reads `15m`, `1d`, `2w`, `3mo`, `1y`.
    pub(super) fn parse(text: &str) -> Result<Self, QueryError> {
        let refuse = || {
            let reason = format!(
                "{} is no width of a bucket; write auto, all, or a whole number from 1 on and ms, s, m, h, d, w, mo or y, as in 15m",
                quoted(text)
            );
            QueryError::parameter("bucket", reason)
        };
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let number: u32 = number.parse().map_err(|_| refuse())?;
        let micros = |unit: i64| Self::Micros(i64::from(number) * unit);
        let step = match unit.trim_start() {
            "ms" => micros(1_000),
            "s" => micros(SECOND),
            "m" => micros(60 * SECOND),
            "h" => micros(HOUR),
            "d" => Self::Days(number),
            "w" => Self::Weeks(number),
            "mo" => Self::Months(number),
            "y" => Self::Months(number.checked_mul(12).ok_or_else(refuse)?),
            _ => return Err(refuse()),
        };
        match step {
            _ if number == 0 => Err(refuse()),
            // A day is a day of the calendar, whichever way it is written.
            Self::Micros(micros) if micros % DAY == 0 => {
                u32::try_from(micros / DAY).map(Self::Days).map_err(|_| refuse())
            }
            step => Ok(step),
        }
    }

    /// As it is written: `15m`.
    pub(super) fn name(self) -> String {
        match self {
            Self::Micros(micros) => {
                let units = [("h", HOUR), ("m", 60 * SECOND), ("s", SECOND), ("ms", 1_000)];
                let fits = units.into_iter().find(|(_, unit)| micros % unit == 0);
                fits.map_or_else(
                    || format!("{micros}us"),
                    |(name, unit)| format!("{}{name}", micros / unit),
                )
            }
            Self::Days(days) => format!("{days}d"),
            Self::Weeks(weeks) => format!("{weeks}w"),
            Self::Months(months) if months % 12 == 0 => format!("{}y", months / 12),
            Self::Months(months) => format!("{months}mo"),
        }
    }

    /// Its length in milliseconds, where that says something: a day has 24 hours for this, a month no length.
    pub(super) const fn millis(self) -> Option<i64> {
        match self {
            Self::Months(_) => None,
            step => Some(step.about_micros() / 1_000),
        }
    }

    /// About how long it is.
    pub(super) const fn about_micros(self) -> i64 {
        match self {
            Self::Micros(micros) => micros,
            Self::Days(days) => days as i64 * DAY,
            Self::Weeks(weeks) => weeks as i64 * 7 * DAY,
            Self::Months(months) => months as i64 * 30 * DAY,
        }
    }

    /// The date on which the bucket begins that a date lies in.
    fn first_date(self, date: NaiveDate) -> Option<NaiveDate> {
        let back = |days: u32, origin: i64| {
            let since = i64::from(date.num_days_from_ce()) - origin;
            let past = since.rem_euclid(i64::from(days));
            date.checked_sub_days(Days::new(past as u64))
        };
        match self {
            Self::Micros(_) => Some(date),
            Self::Days(days) => back(days, EPOCH),
            Self::Weeks(weeks) => back(weeks.checked_mul(7)?, MONDAY),
            Self::Months(months) => {
                let month = i64::from(date.year()) * 12 + i64::from(date.month0());
                let first = month - month.rem_euclid(i64::from(months));
                let year = i32::try_from(first.div_euclid(12)).ok()?;
                NaiveDate::from_ymd_opt(year, first.rem_euclid(12) as u32 + 1, 1)
            }
        }
    }

    fn next_date(self, date: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Micros(_) => None,
            Self::Days(days) => date.checked_add_days(Days::new(days.into())),
            Self::Weeks(weeks) => date.checked_add_days(Days::new(u64::from(weeks) * 7)),
            Self::Months(months) => date.checked_add_months(Months::new(months)),
        }
    }

    /// Where buckets of the calendar begin: the first at or before `from`, the last at or before `to`. Fails with
    /// more than `most`.
    pub(super) fn starts(
        self,
        zone: Tz,
        from: i64,
        to: i64,
        most: usize,
    ) -> Result<Vec<i64>, QueryError> {
        let date = DateTime::from_timestamp_micros(from).and_then(|time| {
            self.first_date(zone.from_utc_datetime(&time.naive_utc()).date_naive())
        });
        // Times that no calendar reaches lie in one bucket.
        let Some(mut date) = date else { return Ok(vec![from]) };
        let mut starts = Vec::new();
        while let Some(start) = first_moment(zone, date).filter(|start| *start <= to) {
            if starts.last() != Some(&start) {
                starts.push(start);
            }
            if starts.len() > most {
                return Err(QueryError::TooManyPoints {
                    limit: most,
                    setting: crate::error::POINTS_SETTING,
                });
            }
            let Some(next) = self.next_date(date) else { break };
            date = next;
        }
        if starts.is_empty() {
            starts.push(from);
        }
        Ok(starts)
    }
}

/// The first moment of a date in a time zone, in microseconds. Where midnight comes twice it is the first; where
/// clocks jump over it, it is the moment of the jump.
fn first_moment(zone: Tz, date: NaiveDate) -> Option<i64> {
    let midnight = date.and_time(NaiveTime::MIN);
    if let Some(found) = zone.from_local_datetime(&midnight).earliest() {
        return Some(found.timestamp_micros());
    }
    let as_utc = midnight.and_utc().timestamp();
    let offset = |seconds: i64| {
        let time = DateTime::from_timestamp(seconds, 0)?;
        Some(i64::from(zone.offset_from_utc_datetime(&time.naive_utc()).fix().local_minus_utc()))
    };
    // No offset is longer than a day, so the jump lies between.
    let (mut before, mut after) = (as_utc - 86_400, as_utc + 86_400);
    let old = offset(before)?;
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if offset(middle)? == old {
            before = middle;
        } else {
            after = middle;
        }
    }
    after.checked_mul(SECOND)
}
