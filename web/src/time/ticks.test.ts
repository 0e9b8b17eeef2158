import { describe, expect, test } from 'vitest';
import { bucketFor, bucketsOn, choices, STEPS } from './bucket';
import { agoText, bytesText, countText, exactText, momentText, numberText, spanText } from './format';
import { ticks } from './ticks';
import { UNITS } from './duration';

const at = (text: string) => Date.parse(text);

describe('marks of an axis', () => {
  test('more than one mark stands on an axis as narrow as a telephone', () => {
    const marks = ticks(at('2026-11-22T22:30:00Z'), at('2026-11-23T01:30:00Z'), 240, 'UTC');
    expect(marks.map((mark) => mark.label)).toEqual(['23:00', '23 Nov', '01:00']);
  });
  test('an hour on 800 pixels has a mark each ten minutes', () => {
    const marks = ticks(at('2026-11-22T14:00:00Z'), at('2026-11-22T15:00:00Z'), 800, 'UTC');
    expect(marks.map((mark) => mark.label)).toEqual(['14:00', '14:10', '14:20', '14:30', '14:40', '14:50', '15:00']);
  });

  test('midnight says the day', () => {
    const marks = ticks(at('2026-11-21T20:00:00Z'), at('2026-11-22T04:00:00Z'), 500, 'UTC');
    expect(marks.find((mark) => mark.major)).toMatchObject({ label: '22 Nov', at: at('2026-11-22T00:00:00Z') });
  });

  test('days in Paris stand on its midnights, on both sides of a clock change', () => {
    const marks = ticks(at('2026-10-23T00:00:00Z'), at('2026-10-28T00:00:00Z'), 600, 'Europe/Paris');
    expect(marks.map((mark) => mark.at)).toContain(at('2026-10-24T22:00:00Z'));
    expect(marks.map((mark) => mark.at)).toContain(at('2026-10-25T23:00:00Z'));
  });

  test('three years have months, January with its year', () => {
    const labels = ticks(at('2024-01-01T00:00:00Z'), at('2027-01-01T00:00:00Z'), 1200, 'UTC').map((mark) => mark.label);
    expect(labels).toContain('2025');
    expect(labels).toContain('Jul');
  });

  test('at every scale, in zones with clock changes, marks rise and keep their distance', () => {
    for (const zone of ['UTC', 'Europe/Paris', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu']) {
      for (const start of [at('2026-03-08T03:17:11.123Z'), at('2026-03-28T20:00:00Z'), at('2026-10-24T20:00:00Z'), at('2026-11-01T01:00:00Z')]) {
        for (let length = 20; length < 2e13; length *= 1.7) {
          const marks = ticks(start, start + length, 900, zone);
          expect(marks.length, `${zone} ${length}`).toBeGreaterThanOrEqual(1 - Number(length > 1e13));
          expect(marks.length).toBeLessThanOrEqual(14);
          for (const [index, mark] of marks.entries()) {
            if (index > 0) expect(mark.at).toBeGreaterThan(marks[index - 1]!.at);
            expect(mark.at >= start && mark.at <= start + length).toBe(true);
          }
        }
      }
    }
  });

  test('nothing to mark is no error', () => {
    expect(ticks(5, 5, 800, 'UTC')).toEqual([]);
    expect(ticks(5, 10, 0, 'UTC')).toEqual([]);
  });
});

describe('buckets', () => {
  test('are as short as the width can show, and of a length that people count in', () => {
    expect(bucketFor(UNITS.h, 400)).toBe(10_000);
    expect(bucketFor(UNITS.d, 400)).toBe(5 * UNITS.m);
    expect(bucketFor(365 * UNITS.d, 400)).toBe(UNITS.d);
    expect(bucketFor(1, 400)).toBe(1000);
    for (let length = 1000; length < 1e12; length *= 1.3) {
      const bucket = bucketFor(length, 400);
      expect(STEPS).toContain(bucket);
      if (bucket < STEPS[STEPS.length - 1]!) expect(length / bucket).toBeLessThanOrEqual(400);
    }
  });

  test('bars are fewer than points of a line', () => {
    expect(bucketsOn(1000, 'line')).toBe(500);
    expect(bucketsOn(1000, 'bars')).toBe(100);
    expect(bucketsOn(0, 'bars')).toBe(10);
  });

  test('choices suit the span', () => {
    expect(choices(UNITS.h)).toEqual(['2s', '5s', '10s', '15s', '30s', '1m', '2m', '5m', '10m', '15m', '30m']);
    expect(choices(30 * UNITS.d)).toContain('1d');
  });
});

describe('times and numbers as text', () => {
  const moment = at('2026-11-22T14:03:05.120Z');

  test('as much of the clock as there is', () => {
    expect(momentText(at('2026-11-22T14:00:00Z'), 'UTC')).toBe('2026-11-22 14:00');
    expect(momentText(moment, 'Asia/Tokyo')).toBe('2026-11-22 23:03:05.120');
    expect(exactText(at('2026-11-22T14:00:00Z'), 'UTC')).toBe('2026-11-22 14:00:00.000');
    expect(spanText(at('2026-11-22T14:00:00Z'), at('2026-11-23T01:00:00Z'), 'UTC')).toBe('2026-11-22 14:00 – 2026-11-23 01:00');
  });

  test('a time beyond the calendar is its number', () => {
    expect(exactText(9e15, 'UTC')).toBe('9000000000000000');
  });

  test('ago', () => {
    expect(agoText(1000, 1500)).toBe('now');
    expect(agoText(0, 3 * UNITS.m + 12_000)).toBe('3 minutes ago');
    expect(agoText(UNITS.h, 0)).toBe('in 1 hour');
  });

  test('numbers lose the noise of fractions and keep their digits', () => {
    expect(numberText(0.1 + 0.2)).toBe('0.3');
    expect(numberText(21.25)).toBe('21.25');
    expect(numberText(1234567)).toBe('1,234,567');
    expect(numberText(1.5e-9)).toBe('1.5e-9');
    expect(numberText(-0.00012)).toBe('-0.00012');
    expect(countText(12_345_678)).toBe('12.3\u202fM');
    expect(bytesText(1_433_000)).toBe('1.43\u202fMB');
  });
});
