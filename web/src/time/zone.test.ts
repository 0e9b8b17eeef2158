import { describe, expect, test } from 'vitest';
import { instantOf, isZone, offsetAt, offsetText, plus, startOf, wallOf, weekday } from './zone';

const at = (text: string) => Date.parse(text);
const iso = (ms: number) => new Date(ms).toISOString();

describe('zones', () => {
  test('a clock in Paris is ahead by one hour in winter and two in summer', () => {
    expect(offsetAt(at('2026-01-15T12:00:00Z'), 'Europe/Paris')).toBe(3_600_000);
    expect(offsetAt(at('2026-07-15T12:00:00Z'), 'Europe/Paris')).toBe(7_200_000);
  });

  test('zones a half and a quarter of an hour off are exact', () => {
    expect(offsetText(at('2026-01-01T00:00:00Z'), 'Asia/Kathmandu')).toBe('UTC+05:45');
    expect(offsetText(at('2026-01-01T00:00:00Z'), 'America/St_Johns')).toBe('UTC−03:30');
  });

  test('an unknown zone is known to be unknown, and read as UTC', () => {
    expect(isZone('Mars/Olympus')).toBe(false);
    expect(offsetAt(0, 'Mars/Olympus')).toBe(0);
  });

  test('instants come back from what the wall shows, all over two years in four zones', () => {
    for (const zone of ['UTC', 'Europe/Paris', 'America/New_York', 'Australia/Lord_Howe']) {
      for (let instant = at('2025-01-01T00:00:00Z'); instant < at('2027-01-01T00:00:00Z'); instant += 27_000_000) {
        const back = instantOf(wallOf(instant, zone), zone);
        // Within the hour that clocks show twice, the first of the two comes back.
        expect(back === instant || instant - back === 3_600_000 || instant - back === 1_800_000).toBe(true);
      }
    }
  });

  test('a time that clocks show twice is the first of the two', () => {
    const wall = { year: 2026, month: 10, day: 25, hour: 2, minute: 30, second: 0, ms: 0 };
    expect(iso(instantOf(wall, 'Europe/Paris'))).toBe('2026-10-25T00:30:00.000Z');
  });

  test('a time that clocks skip is as far after the skip', () => {
    const wall = { year: 2026, month: 3, day: 29, hour: 2, minute: 30, second: 0, ms: 0 };
    expect(iso(instantOf(wall, 'Europe/Paris'))).toBe('2026-03-29T01:30:00.000Z');
  });

  test('a day in Paris starts at its own midnight, and is 23 hours long in March', () => {
    const start = startOf(at('2026-03-29T12:00:00Z'), 'd', 'Europe/Paris');
    expect(iso(start)).toBe('2026-03-28T23:00:00.000Z');
    expect(plus(start, 1, 'd', 'Europe/Paris') - start).toBe(23 * 3_600_000);
  });

  test('weeks start on Monday', () => {
    expect(iso(startOf(at('2026-11-22T12:00:00Z'), 'w', 'UTC'))).toBe('2026-11-16T00:00:00.000Z');
    expect(weekday(wallOf(at('2026-11-22T12:00:00Z'), 'UTC'))).toBe(7);
  });

  test('a month after the 31st is that month’s last day', () => {
    expect(iso(plus(at('2026-01-31T10:00:00Z'), 1, 'M', 'UTC'))).toBe('2026-02-28T10:00:00.000Z');
    expect(iso(plus(at('2024-03-31T10:00:00Z'), -1, 'M', 'UTC'))).toBe('2024-02-29T10:00:00.000Z');
  });

  test('times long before 1970 keep their calendar', () => {
    expect(wallOf(at('0001-01-01T00:00:00Z'), 'UTC')).toMatchObject({ year: 1, month: 1, day: 1 });
    expect(wallOf(at('-000044-03-15T00:00:00Z'), 'UTC')).toMatchObject({ year: -44, month: 3, day: 15 });
  });
});
