//! The clock jumps, and nothing expires for it.

use iobeam_testkit::TestClock;

use super::*;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const TEN_YEARS: Duration = Duration::from_hours(87_600);

fn started() -> (TestClock, TrustedTime) {
    let clock = TestClock::new();
    let mut time = TrustedTime::new(Some(clock.now()), &clock);
    clock.advance(MINUTE);
    assert_eq!(time.now(&clock), clock.now());
    (clock, time)
}

#[test]
fn time_that_goes_evenly_is_believed() {
    let (clock, mut time) = started();
    for _ in 0..100 {
        clock.advance(HOUR);
        assert_eq!(time.now(&clock), clock.now());
    }
}

#[test]
fn a_jump_ahead_is_believed_after_a_day_and_time_goes_on_meanwhile() {
    for jump in [HOUR, TEN_YEARS] {
        let (clock, mut time) = started();
        let before = time.now(&clock);
        clock.set(clock.now().plus(jump));
        assert_eq!(time.now(&clock), before);
        clock.advance(23 * HOUR);
        assert_eq!(time.now(&clock), before.plus(23 * HOUR));
        clock.advance(HOUR);
        assert_eq!(time.now(&clock), clock.now());
    }
}

#[test]
fn a_jump_ahead_that_is_taken_back_leaves_no_trace() {
    let (clock, mut time) = started();
    let right = clock.now();
    clock.set(right.plus(TEN_YEARS));
    clock.advance(HOUR);
    time.now(&clock);
    clock.set(right.plus(HOUR));
    assert_eq!((time.now(&clock), time.known()), (clock.now(), clock.now()));
}

#[test]
fn an_earlier_time_counts_at_once_and_the_right_one_again_afterwards() {
    let (clock, mut time) = started();
    let right = clock.now();
    clock.set(Timestamp::from_micros(0));
    assert_eq!(time.now(&clock), clock.now());
    assert_eq!(time.known(), right);
    clock.advance(HOUR);
    clock.set(right.plus(HOUR));
    assert_eq!(time.now(&clock), clock.now());
}

#[test]
fn after_a_start_a_day_may_have_gone_by_and_no_more() {
    for (stopped, believed) in [(DAY, true), (DAY + MINUTE, false), (TEN_YEARS, false)] {
        let clock = TestClock::new();
        let noted = clock.now();
        clock.set(noted.plus(stopped));
        let mut time = TrustedTime::new(Some(noted), &clock);
        let expected = if believed { clock.now() } else { noted };
        assert_eq!(time.now(&clock), expected, "stopped for {stopped:?}");
        clock.advance(DAY);
        assert_eq!(time.now(&clock), clock.now());
    }
}

#[test]
fn a_machine_that_starts_in_1970_is_believed_once_its_clock_is_set() {
    let noted = TestClock::new().now();
    let clock = TestClock::at(Timestamp::from_micros(0));
    let mut time = TrustedTime::new(Some(noted), &clock);
    assert_eq!(time.now(&clock), clock.now());
    clock.advance(MINUTE);
    clock.set(noted.plus(12 * HOUR));
    assert_eq!(time.now(&clock), clock.now());
}

#[test]
fn without_a_time_that_was_noted_nothing_is_old_for_a_day() {
    let clock = TestClock::new();
    let mut time = TrustedTime::new(None, &clock);
    assert!(time.now(&clock).micros() < 1_000_000);
    clock.advance(DAY);
    assert_eq!(time.now(&clock), clock.now());
}
