//! Each way to write a time, and what is said where none fits.

use super::super::zone::zone;
use super::*;

fn reader(words: &str, place: Option<&str>) -> TimeReader {
    let format =
        if words.is_empty() { TimeFormat::Assumed } else { format(words).expect("a format") };
    let zone = place.map(|place| zone(place).expect("a zone"));
    TimeReader { format, zone, policy: DstPolicy::Refuse, force: false, decimal: '.' }
}

fn micros(words: &str, text: &str) -> Option<i64> {
    reader(words, None).read(text).ok()
}

fn iso_of(words: &str, place: &str, text: &str) -> String {
    match reader(words, Some(place)).read(text) {
        Ok(micros) => Timestamp::from_micros(micros).to_iso(),
        Err(failure) => failure.to_string(),
    }
}

fn refusal(words: &str, text: &str) -> String {
    let failure = reader(words, None).read(text).expect_err("refused");
    format!("{failure}; try: {}", failure.known_remedy().unwrap_or_default())
}

#[test]
fn a_time_is_exact_in_each_unit() {
    assert_eq!(micros("sec", "1427316488.123456"), Some(1_427_316_488_123_456));
    assert_eq!(micros("seconds", "-0.5"), Some(-500_000));
    assert_eq!(micros("ms", "1.5"), Some(1_500));
    assert_eq!(micros("usec", "9223372036854775807"), Some(i64::MAX));
    assert_eq!(micros("usec", "-9223372036854775808"), Some(i64::MIN));
    assert_eq!(micros("sec", "9223372036854775807"), None);
    assert_eq!(micros("nanoseconds", "1767225600000000999"), Some(1_767_225_600_000_000));
    assert_eq!(micros("usec", "1.5"), None);
    for zoned in [
        "1970-01-01T01:00:00.000001+01:00",
        "1970-01-01 00:00:00.000001Z",
        "1970-01-01 00:00:00.000001 UTC",
        "1970-01-01 00:00:00.000001 +0000",
    ] {
        assert_eq!(micros("", zoned), Some(1), "{zoned}");
        assert_eq!(micros("iso", zoned), Some(1), "{zoned}");
    }
}

#[test]
fn dates_are_read_in_their_order_and_zone() {
    let expected = "2026-11-22T11:30:05.250000Z";
    for (words, text) in [
        ("dmy", "22.11.2026 12:30:05,250"),
        ("mdy", "11/22/26 12:30:05.25 PM"),
        ("ymd", "2026/11/22 12:30:05.25"),
        ("iso", "2026-11-22T12:30:05.25"),
        ("", "2026-11-22 12:30:05.250"),
        ("%d.%m.%Y %H:%M:%S%.f", "22.11.2026 12:30:05.25"),
        ("%d.%m.%Y %H:%M:%S.%f", "22.11.2026 12:30:05.250"),
    ] {
        assert_eq!(iso_of(words, "Europe/Berlin", text), expected, "{words} {text}");
    }
    assert_eq!(iso_of("dmy", "UTC", "1.2.26 12:05 AM"), "2026-02-01T00:05:00.000000Z");
    assert_eq!(iso_of("%d.%m.%Y", "UTC", "01.02.2026"), "2026-02-01T00:00:00.000000Z");
    assert_eq!(iso_of("excel", "UTC", "46348.5208333333"), "2026-11-22T12:30:00.000000Z");
    assert_eq!(iso_of("dmy", "UTC", "22.11.2026 12:30 +01:00"), "2026-11-22T11:30:00.000000Z");
}

#[test]
fn what_is_no_time_is_said_with_what_would_be_right() {
    insta::assert_snapshot!(refusal("", "noon"), @"the time 'noon' is neither a number of milliseconds nor a date such as 2026-11-22T12:30:00Z; try: say how times are written: --time-format '%Y-%m-%d %H:%M:%S' --timezone ZONE");
    insta::assert_snapshot!(refusal("", "22.11.2026 12:30"), @"the time '22.11.2026 12:30' is neither a number of milliseconds nor a date such as 2026-11-22T12:30:00Z; try: --time-format dmy --timezone ZONE");
    insta::assert_snapshot!(refusal("", "2026-11-22 12:30"), @"the time '2026-11-22 12:30' says no time zone; try: name it: --timezone UTC, --timezone +01:00 or --timezone Europe/Berlin");
    insta::assert_snapshot!(refusal("iso", "1/2/2026 12:30"), @"the time '1/2/2026 12:30' is not a date such as 2026-11-22T12:30:00Z; try: --time-format dmy --timezone ZONE if the day stands first, --time-format mdy --timezone ZONE if the month does");
    assert!(iso_of("", "Europe/Berlin", "2026-10-25 02:30").contains("was twice"));
    assert!(iso_of("", "Europe/Berlin", "2026-03-29 02:30").contains("never was"));
    assert!(format("weeks").is_err() && format("%Q").is_err());
}

#[test]
fn a_time_that_nobody_means_is_refused_where_the_unit_was_assumed() {
    insta::assert_snapshot!(refusal("", "1767225600"), @"the time 1767225600 would be 1970-01-21 10:53:45 if it counts milliseconds since 1970, the unit that is assumed; try: --time-format seconds (then it is 2026-01-01 00:00:00); or --time-format milliseconds if that is what it counts (or --force-times)");
    insta::assert_snapshot!(refusal("", "1767225600000000"), @"the time 1767225600000000 would be +57971-02-25 00:00:00 if it counts milliseconds since 1970, the unit that is assumed; try: --time-format microseconds (then it is 2026-01-01 00:00:00); or --time-format milliseconds if that is what it counts (or --force-times)");
    assert!(refusal("", "1767225600000000000").contains("beyond all times"));
    assert!(refusal("", "5").contains("--force-times"));
    assert_eq!(micros("", "0"), Some(0));
    assert_eq!(micros("", "1767225600000"), Some(1_767_225_600_000_000));
    assert_eq!(micros("milliseconds", "1767225600"), Some(1_767_225_600_000));
    let forced = TimeReader { force: true, ..reader("", None) };
    assert_eq!(forced.read("5").ok(), Some(5_000));
}
