import { describe, expect, test } from 'vitest';
import { parseMoment, momentOf } from './moment';
import { endsNow, fixed, moves, PRESETS, rangeText, spanOf } from './range';
import { parseDuration, durationText, durationWords } from './duration';
import { pan, shift, sound, zoom } from './zoom';

const NOW = Date.parse('2026-11-22T14:03:05Z'); // a Sunday
const iso = (ms: number | null | undefined) => (ms == null ? ms : new Date(ms).toISOString());
const typed = (text: string, side: 'from' | 'to' = 'from', zone = 'UTC') => parseMoment(text, side, NOW, zone);

describe('expressions', () => {
  test('now moves by its offsets, one after another', () => {
    expect(iso(momentOf('now-1h', 'from', NOW, 'UTC'))).toBe('2026-11-22T13:03:05.000Z');
    expect(iso(momentOf('now-1M-1d', 'from', NOW, 'UTC'))).toBe('2026-10-21T14:03:05.000Z');
  });

  test('a whole day is its start on the left and its end on the right, in the zone', () => {
    expect(iso(momentOf('now/d', 'from', NOW, 'Asia/Tokyo'))).toBe('2026-11-21T15:00:00.000Z');
    expect(iso(momentOf('now/d', 'to', NOW, 'Asia/Tokyo'))).toBe('2026-11-22T15:00:00.000Z');
  });

  test('a day back is the same hour, also across a clock change', () => {
    const noon = Date.parse('2026-03-29T10:00:00Z'); // 12:00 in Paris, in summer time
    expect(iso(momentOf('now-1d', 'from', noon, 'Europe/Paris'))).toBe('2026-03-28T11:00:00.000Z');
  });

  test.each(['', 'soon', 'now-', 'now-1x', '2026-13-01', '<img src=x>', '2026-11-22T14:00', '99999999999999999999'])(
    'what is no time is none: %s',
    (text) => expect(momentOf(text, 'from', NOW, 'UTC')).toBeNull(),
  );
});

describe('what people type', () => {
  test.each([
    ['15m', 'now-15m'],
    ['-2h', 'now-2h'],
    ['90 minutes ago', 'now-90m'],
    ['in 5 min', 'now+5m'],
    ['now - 1h', 'now-1h'],
    ['now-7d/d', 'now-7d/d'],
    ['today', 'now/d'],
    ['Yesterday', 'now-1d/d'],
    ['14:00', '2026-11-22T14:00:00Z'],
    ['2:30 pm', '2026-11-22T14:30:00Z'],
    ['12am', '2026-11-22T00:00:00Z'],
    ['yesterday 9:30', '2026-11-21T09:30:00Z'],
    ['friday', '2026-11-20T00:00:00Z'],
    ['last sunday', '2026-11-15T00:00:00Z'],
    ['2026-11-20', '2026-11-20T00:00:00Z'],
    ['2026-11-20 08:15:30.25', '2026-11-20T08:15:30.250Z'],
    ['20.11.2026 8:15', '2026-11-20T08:15:00Z'],
    ['2026/11/20', '2026-11-20T00:00:00Z'],
    ['2026-11', '2026-11-01T00:00:00Z'],
    ['2026', '2026-01-01T00:00:00Z'],
    ['1795356000', '2026-11-22T14:00:00Z'],
    ['1795356000000', '2026-11-22T14:00:00Z'],
    ['2026-11-22T14:00:00+02:00', '2026-11-22T12:00:00Z'],
  ])('%s is %s', (text, kept) => expect(typed(text)).toBe(kept));

  test('a bare day, month or year on the right side ends with it', () => {
    expect(typed('2026-11-20', 'to')).toBe('2026-11-21T00:00:00Z');
    expect(typed('2026-02', 'to')).toBe('2026-03-01T00:00:00Z');
    expect(typed('2026', 'to')).toBe('2027-01-01T00:00:00Z');
  });

  test('typed times are those of the zone on screen', () => {
    expect(typed('2026-07-01 12:00', 'from', 'America/New_York')).toBe('2026-07-01T16:00:00Z');
  });

  test.each(['', ' ', '2026-02-30', '31.11.2026', '25:00', '13pm', 'noon-ish', '1.5x', 'blursday', '14'])('%s is refused', (text) =>
    expect(typed(text)).toBeNull());
});

describe('ranges', () => {
  test('every preset is a range, and has its name', () => {
    for (const preset of PRESETS.flatMap((group) => group.presets)) {
      expect(spanOf(preset, NOW, 'Europe/Paris'), preset.label).not.toBeNull();
      expect(rangeText(preset, NOW, 'UTC')).toBe(preset.label);
    }
  });

  test('a range without length, or the wrong way round, is none', () => {
    expect(spanOf({ from: 'now', to: 'now' }, NOW, 'UTC')).toBeNull();
    expect(spanOf({ from: 'now', to: 'now-1h' }, NOW, 'UTC')).toBeNull();
  });

  test('words for what is no preset', () => {
    expect(rangeText({ from: 'now-90m', to: 'now' }, NOW, 'UTC')).toBe('Last 1 hour 30 minutes');
    expect(rangeText({ from: '2026-11-20T08:00:00Z', to: '2026-11-20T09:30:00Z' }, NOW, 'UTC')).toBe('2026-11-20 08:00 – 09:30');
  });

  test('a fixed range keeps its instants to the millisecond and stays', () => {
    const span = { from: NOW - 12_345, to: NOW };
    expect(spanOf(fixed(span), NOW + 1e9, 'Asia/Tokyo')).toEqual(span);
    expect(moves(fixed(span))).toBe(false);
    expect(endsNow({ from: 'now-5m', to: 'now' })).toBe(true);
  });
});

describe('lengths', () => {
  test.each([['15m', 900_000], ['1h 30m', 5_400_000], ['2 hours', 7_200_000], ['1.5h', 5_400_000]])('%s', (text, ms) =>
    expect(parseDuration(text)).toBe(ms));
  test.each(['', 'm', '5', '5 parsecs', '-5m', '5m!'])('%s is no length', (text) => expect(parseDuration(text)).toBeNull());
  test('are written in the largest unit that divides them', () => {
    expect([900_000, 90_000, 86_400_000, 604_800_000, 1500].map(durationText)).toEqual(['15m', '90s', '1d', '1w', '1500ms']);
    expect(durationWords(5_400_000)).toBe('1 hour 30 minutes');
  });
});

describe('moving about', () => {
  const span = { from: 1000, to: 2000 };

  test('zooming keeps the moment under the pointer where it is', () => {
    const closer = zoom(span, 0.5, 1250);
    expect(closer).toEqual({ from: 1125, to: 1625 });
    expect((1250 - closer.from) / (closer.to - closer.from)).toBe(0.25);
  });

  test('never closer than a few milliseconds, never beyond the calendar', () => {
    expect(zoom({ from: 0, to: 10 }, 0.01)).toEqual({ from: 0, to: 10 });
    expect(sound({ from: -1e20, to: 1e20 })).toEqual({ from: -8.6e15, to: 8.6e15 });
    expect(sound({ from: 20, to: 0 })).toEqual({ from: 0, to: 20 });
  });

  test('panning keeps the length', () => {
    expect(pan(span, -0.25)).toEqual({ from: 750, to: 1750 });
    expect(shift(span, 33.4)).toEqual({ from: 1033, to: 2033 });
  });
});
