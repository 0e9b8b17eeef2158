//! Time zones, and what local times without a zone mean in them.
//!
//! ```text
//! 2026-03-29 02:30 in Europe/Berlin   never was: clocks went from 02:00 to 03:00
//! 2026-10-25 02:30 in Europe/Berlin   was twice: at 00:30 and at 01:30 UTC
//! ```

use chrono::{LocalResult, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;
use clap::ValueEnum;

/// A place's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zone {
    /// So many seconds east of UTC, always.
    Fixed(i64),
    /// A zone of the IANA database.
    Named(Tz),
}

/// What to do with a local time that never was, or was twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DstPolicy {
    /// Refuse it
    #[default]
    Refuse,
    /// Take the earlier of the two times that it may mean
    Earlier,
    /// Take the later one
    Later,
}

/// Why a local time is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LocalTimeError {
    /// It was twice.
    Ambiguous,
    /// It never was.
    Skipped,
}

/// Reads `UTC`, `+02:00` or `Europe/Berlin`.
///
/// # Errors
/// When it is none of these.
pub(super) fn zone(text: &str) -> Result<Zone, String> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("utc")
        || text.eq_ignore_ascii_case("z")
        || text.eq_ignore_ascii_case("gmt")
    {
        return Ok(Zone::Fixed(0));
    }
    let bare = text.strip_prefix("UTC").or_else(|| text.strip_prefix("GMT")).unwrap_or(text);
    if let Some(seconds) = offset(bare) {
        return Ok(Zone::Fixed(seconds));
    }
    let known = chrono_tz::TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(text));
    known.map(|zone| Zone::Named(*zone)).ok_or_else(|| {
        String::from("use UTC, an offset such as +02:00 or a zone such as Europe/Berlin")
    })
}

/// Reads `+02:00`, `-0530` or `+2`: seconds east of UTC.
pub(super) fn offset(text: &str) -> Option<i64> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits = &text[1..];
    let (hours, minutes) = match (digits.split_once(':'), digits.len()) {
        (Some((hours, minutes)), _) if minutes.len() == 2 => (hours, minutes),
        (None, 1 | 2) => (digits, "0"),
        (None, 4) if digits.is_ascii() => digits.split_at(2),
        _ => return None,
    };
    let number = |text: &str, most: i64| -> Option<i64> {
        let sound = matches!(text.len(), 1 | 2) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|number| sound && *number <= most)
    };
    Some(sign * (number(hours, 23)? * 3600 + number(minutes, 59)? * 60))
}

impl Zone {
    /// Microseconds since 1970 UTC of a local time.
    pub(super) fn micros(
        self,
        local: NaiveDateTime,
        policy: DstPolicy,
    ) -> Result<i64, LocalTimeError> {
        let as_utc = local.and_utc().timestamp_micros();
        let at = |seconds: i64| as_utc - seconds * 1_000_000;
        let zone = match self {
            Self::Fixed(seconds) => return Ok(at(seconds)),
            Self::Named(zone) => zone,
        };
        let east = |offset: &<Tz as TimeZone>::Offset| i64::from(offset.fix().local_minus_utc());
        match (zone.offset_from_local_datetime(&local), policy) {
            (LocalResult::Single(offset), _) => Ok(at(east(&offset))),
            (LocalResult::Ambiguous(one, other), DstPolicy::Earlier) => {
                Ok(at(east(&one)).min(at(east(&other))))
            }
            (LocalResult::Ambiguous(one, other), DstPolicy::Later) => {
                Ok(at(east(&one)).max(at(east(&other))))
            }
            (LocalResult::Ambiguous(..), DstPolicy::Refuse) => Err(LocalTimeError::Ambiguous),
            (LocalResult::None, DstPolicy::Refuse) => Err(LocalTimeError::Skipped),
            (LocalResult::None, policy) => {
                // As by the clock that was not put forward yet, or by the one that was already.
                let around = [TimeDelta::days(-1), TimeDelta::days(1)].map(|away| {
                    let near = local.checked_add_signed(away).unwrap_or(local);
                    at(east(&zone.offset_from_utc_datetime(&near)))
                });
                let earlier = around[0].min(around[1]);
                let later = around[0].max(around[1]);
                Ok(if policy == DstPolicy::Later { later } else { earlier })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin(text: &str, policy: DstPolicy) -> Result<String, LocalTimeError> {
        let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").expect("a time");
        let micros = zone("Europe/Berlin").expect("a zone").micros(local, policy)?;
        Ok(iobeam_model::Timestamp::from_micros(micros).to_iso()[..16].to_owned())
    }

    #[test]
    fn a_local_time_is_read_by_the_clock_of_its_day() {
        let refuse = DstPolicy::Refuse;
        assert_eq!(berlin("2026-01-01 12:00", refuse).as_deref(), Ok("2026-01-01T11:00"));
        assert_eq!(berlin("2026-07-01 12:00", refuse).as_deref(), Ok("2026-07-01T10:00"));
        assert_eq!(berlin("2026-10-25 02:30", refuse), Err(LocalTimeError::Ambiguous));
        assert_eq!(
            berlin("2026-10-25 02:30", DstPolicy::Earlier).as_deref(),
            Ok("2026-10-25T00:30")
        );
        assert_eq!(berlin("2026-10-25 02:30", DstPolicy::Later).as_deref(), Ok("2026-10-25T01:30"));
        assert_eq!(berlin("2026-03-29 02:30", refuse), Err(LocalTimeError::Skipped));
        assert_eq!(
            berlin("2026-03-29 02:30", DstPolicy::Earlier).as_deref(),
            Ok("2026-03-29T00:30")
        );
        assert_eq!(berlin("2026-03-29 02:30", DstPolicy::Later).as_deref(), Ok("2026-03-29T01:30"));
    }

    #[test]
    fn a_zone_has_a_name_or_an_offset() {
        assert_eq!(zone("utc"), Ok(Zone::Fixed(0)));
        assert_eq!(zone("GMT+01:00"), Ok(Zone::Fixed(3600)));
        assert_eq!(zone("-0530"), Ok(Zone::Fixed(-19_800)));
        assert!(matches!(zone("america/new_york"), Ok(Zone::Named(_))));
        for wrong in ["Berlin", "+24:00", "+1:2", "", "+é1"] {
            assert!(zone(wrong).is_err(), "{wrong}");
        }
    }
}
