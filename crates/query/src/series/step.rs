//! How wide a bucket is: `15m` is always as long, `1d` and `3mo` are those of the calendar in a time zone.

use crate::civil::Zone;
use crate::error::QueryError;
use crate::functions::{Buckets, Width};
use crate::request::quoted;

/// How wide a bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// So many microseconds, less than a day or no whole days.
    Micros(i64),
    /// So many days.
    Days(u32),
    /// So many weeks, which begin on Mondays.
    Weeks(u32),
    /// So many months.
    Months(u32),
}

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;
/// More days than there are in all time.
const MAX_DAYS: u32 = 100_000_000;

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
        let micros = |unit: i64| i64::from(number).checked_mul(unit).map(Self::Micros);
        let step = match unit.trim_start() {
            "ms" => micros(1_000).ok_or_else(refuse)?,
            "s" => micros(SECOND).ok_or_else(refuse)?,
            "m" => micros(60 * SECOND).ok_or_else(refuse)?,
            "h" => micros(HOUR).ok_or_else(refuse)?,
            "d" => Self::Days(number),
            "w" => Self::Weeks(number),
            "mo" => Self::Months(number),
            "y" => Self::Months(number.checked_mul(12).ok_or_else(refuse)?),
            _ => return Err(refuse()),
        };
        match step {
            _ if number == 0 => Err(refuse()),
            Self::Days(MAX_DAYS..) => Err(refuse()),
            Self::Weeks(weeks) if weeks > MAX_DAYS / 7 => Err(refuse()),
            Self::Months(months) if months > MAX_DAYS / 28 => Err(refuse()),
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

    /// The buckets of this width by the clocks of a zone.
    pub(super) fn buckets(self, zone: Zone) -> Buckets {
        let width = match self {
            Self::Micros(micros) => Width::Micros(micros),
            Self::Days(days) => Width::Micros(i64::from(days) * DAY),
            Self::Weeks(weeks) => Width::Micros(i64::from(weeks) * 7 * DAY),
            Self::Months(months) => Width::Months(months.into()),
        };
        Buckets { zone, ..width.buckets() }
    }
}
