import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Aligned } from './aligned';
import { channels, colourOf, DARK, dashOf, LIGHT } from './colours';
import { figuresOf } from './figures';
import { alone, axisText, valueRange, whole } from './frame';
import { gapOf, withGaps } from './gaps';
import { sparkPath } from './sparkline';
import { statesOf, stretches, thinned } from './states';

describe('colours', () => {
  const linear = (channel: number) => (channel / 255 <= 0.04045 ? channel / 255 / 12.92 : ((channel / 255 + 0.055) / 1.055) ** 2.4);
  const light = (rgb: number[]) => 0.2126 * rgb[0]! + 0.7152 * rgb[1]! + 0.0722 * rgb[2]!;
  const rgb = (hex: string) => channels(hex).map(linear);
  const contrast = (one: string, other: string) => {
    const [high, low] = [light(rgb(one)), light(rgb(other))].sort((a, b) => b - a);
    return (high! + 0.05) / (low! + 0.05);
  };
  // Machado, Oliveira and Fernandes (2009), severity 1.
  const SEEN: Record<string, number[][]> = {
    all: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    protan: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    deutan: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    tritan: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
  };
  const oklab = (colour: number[]) => {
    const [r, g, b] = colour.map((part) => Math.min(1, Math.max(0, part))) as [number, number, number];
    const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s, 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s];
  };
  const distance = (one: string, other: string, eye: number[][]) => {
    const see = (hex: string) => oklab(eye.map((row) => row.reduce((sum, part, at) => sum + part * rgb(hex)[at]!, 0)));
    const [a, b] = [see(one), see(other)];
    return Math.hypot(...a.map((part, at) => part - b[at]!));
  };

  test.each([['light', LIGHT, ['#ffffff', '#f5f6f5']], ['dark', DARK, ['#0e1415', '#151d1e', '#1c2627']]] as const)(
    'each stands out from the %s ground', (_, colours, grounds) => {
      for (const colour of colours) for (const ground of grounds) expect(contrast(colour, ground), colour).toBeGreaterThanOrEqual(3);
    });

  test.each(Object.keys(SEEN))('any two are apart for eyes that see %s', (eye) => {
    for (const colours of [LIGHT, DARK]) {
      for (const [at, one] of colours.entries()) {
        for (const other of colours.slice(at + 1)) expect(distance(one, other, SEEN[eye]!), `${one} ${other}`).toBeGreaterThan(0.08);
      }
    }
  });

  test('the tokens of the page hold the same colours', () => {
    const [light, dark] = readFileSync(new URL('../ui/tokens.css', import.meta.url), 'utf8').split(":root[data-theme='dark']");
    for (const [css, colours] of [[light, LIGHT], [dark, DARK]] as const) {
      for (const [at, colour] of colours.entries()) expect(css).toContain(`--series-${at + 1}: ${colour};`);
    }
  });

  test('the ninth series has the first’s colour but dashes', () => {
    expect(colourOf(8, false)).toBe(colourOf(0, false));
    expect(dashOf(0)).toEqual([]);
    expect(dashOf(8)).not.toEqual([]);
  });
});

describe('gaps', () => {
  const minute = 60_000;
  test('a silence of many times the usual distance breaks the line, once', () => {
    const times = [0, 1, 2, 3, 30, 31].map((at) => at * minute);
    const values = [1, 2, 3, 4, 5, 6];
    expect(withGaps({ times, values }, gapOf(times, null)).values).toEqual([1, 2, 3, 4, null, 5, 6]);
  });

  test('buckets are joined with their neighbours only', () => {
    const times = [0, 1, 3].map((at) => at * minute);
    expect(withGaps({ times, values: [1, 2, 3] }, gapOf(times, minute)).values).toEqual([1, 2, null, 3]);
  });

  test('what is even stays as it is', () => {
    const points = { times: [0, 1, 2].map((at) => at * minute), values: [1, 2, 3] };
    expect(withGaps(points, gapOf(points.times, null))).toBe(points);
    expect(gapOf([0, minute], null)).toBe(Infinity);
  });
});

describe('series over one axis', () => {
  test('values stand at their times, and nothing at those of others', () => {
    const all = Aligned.of([{ times: [1, 3], values: [10, 30] }, { times: [2, 3], values: [null, 33] }]);
    expect(all.times).toEqual([1, 2, 3]);
    expect(all.columns).toEqual([[10, undefined, 30], [null, null, 33]]);
  });

  test('new values are added at the end, on a time that is there, and late ones where they belong', () => {
    const all = Aligned.of([{ times: [1], values: [10] }, { times: [], values: [] }]);
    all.add(0, 5, 50);
    all.add(1, 5, 55);
    all.add(1, 3, 33);
    expect(all.times).toEqual([1, 3, 5]);
    expect(all.columns).toEqual([[10, undefined, 50], [undefined, 33, 55]]);
    expect(all.lastTime(0)).toBe(5);
  });

  test('a gap reaches from value to value over the times of others, also of those that come later', () => {
    const all = Aligned.of([{ times: [1, 4, 9], values: [10, null, 90] }, { times: [2, 3, 6], values: [2, 3, 6] }]);
    expect(all.columns[0]).toEqual([10, null, null, null, null, 90]);
    all.add(1, 5, 55);
    expect(all.columns[0]).toEqual([10, null, null, null, null, null, 90]);
    all.add(0, 10, null);
    all.add(1, 11, 1);
    expect(all.columns[0]?.slice(-3)).toEqual([90, null, null]);
    // A gap that begins live reaches back over the times of others.
    const live = Aligned.of([{ times: [1], values: [10] }, { times: [1, 2, 3], values: [1, 2, 3] }]);
    live.add(0, 4, null);
    expect(live.columns[0]).toEqual([10, null, null, null]);
  });

  test('a value between two gaps has no line, and is known to be alone', () => {
    expect(alone([1, undefined, null, 5, null, 6, undefined, 7, null, undefined, 8], 0, 10)).toEqual([0, 3, 10]);
    expect(alone([undefined, 4, undefined], 0, 2)).toEqual([1]);
  });

  test('what left the window is forgotten, but for one row that the line comes in from', () => {
    const all = Aligned.of([{ times: Array.from({ length: 100 }, (_, at) => at), values: Array.from({ length: 100 }, (_, at) => at) }]);
    all.forget(50);
    expect(all.times[0]).toBe(49);
    expect(all.columns[0]).toHaveLength(51);
  });

  test('adding one by one gives what joining gives, whatever the order', () => {
    let seed = 7;
    const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
    for (let round = 0; round < 50; round += 1) {
      const series = Array.from({ length: 3 }, () => {
        const times = [...new Set(Array.from({ length: 20 }, () => Math.floor(random() * 40)))].sort((a, b) => a - b);
        return { times, values: times.map(() => random()) };
      });
      const one = new Aligned(3);
      const rows = series.flatMap((points, column) => points.times.map((time, at) => [column, time, points.values[at]!] as const));
      rows.sort(() => random() - 0.5);
      for (const [column, time, value] of rows) one.add(column, time, value);
      expect([one.times, one.columns]).toEqual([Aligned.of(series).times, Aligned.of(series).columns]);
    }
  });
});

describe('figures', () => {
  test('count what is there and take true extremes where values were thinned out', () => {
    expect(figuresOf([1, 2, 3], [1, null, 3])).toEqual({ count: 2, min: 1, max: 3, mean: 2, last: 3, lastTime: 3 });
    expect(figuresOf([1, 2], [5, 6], [1, 6], [5, 9])).toMatchObject({ min: 1, max: 9 });
    expect(figuresOf([], [])).toEqual({ count: 0, min: null, max: null, mean: null, last: null, lastTime: null });
  });
});

describe('states', () => {
  test('neighbours that are alike are one stretch; the last goes on to the end', () => {
    expect(stretches([0, 10, 20], ['on', 'on', 'off'], 100)).toEqual([{ from: 0, to: 20, state: 'on' }, { from: 20, to: 100, state: 'off' }]);
  });
  test('silence and null end a stretch', () => {
    expect(stretches([0, 50], [true, true], 60, 20)).toEqual([{ from: 0, to: 20, state: true }, { from: 50, to: 60, state: true }]);
    expect(stretches([0, 10], [true, null], 60)).toEqual([{ from: 0, to: 10, state: true }]);
  });
  test('a screen gets no more boxes than it has pixels', () => {
    const times = Array.from({ length: 10_000 }, (_, at) => at);
    const all = stretches(times, times.map((at) => at % 2 === 0), 10_000);
    const few = thinned(all, { from: 0, to: 10_000 }, 100);
    expect(few.length).toBeLessThanOrEqual(102);
    expect([few[0]!.from, few[few.length - 1]!.to]).toEqual([0, 10_000]);
  });
  test('numbers in order', () => expect(statesOf([stretches([0, 1, 2], [3, 1, 2], 9)])).toEqual([1, 2, 3]));
});

describe('sparklines', () => {
  test('span the box and break at null', () => {
    expect(sparkPath([0, 1, 2, 3], [0, 1, null, 1], 30, 12)).toBe('M0.0 11.0L10.0 1.0M30.0 1.0');
  });
  test('a hundred thousand points are as long as the width', () => {
    const times = Array.from({ length: 100_000 }, (_, at) => at);
    expect(sparkPath(times, times.map((at) => Math.sin(at)), 100, 20).split('L').length).toBeLessThanOrEqual(204);
  });
  test('a flat line is in the middle; none is nothing', () => {
    expect(sparkPath([0, 1], [5, 5], 10, 10)).toBe('M0.0 5.0L10.0 5.0');
    expect(sparkPath([], [], 10, 10)).toBe('');
  });
});

describe('the axis of values', () => {
  const texts = (all: number[], unit = '') => all.map((value, at) => axisText(value, all, at, unit));
  test('has as many digits as tell its marks apart', () => {
    expect(texts([15, 17.5, 20])).toEqual(['15.0', '17.5', '20.0']);
    expect(texts([0, 0.25, 0.5])).toEqual(['0.00', '0.25', '0.50']);
    expect(texts([0, 50, 100], '%')).toEqual(['0', '50', '100 %']);
  });
  test('leaves out a time that would be cut at the right edge', () => {
    expect([whole('02:00', 40), whole('02:00', 2), whole('2', 0)]).toEqual(['02:00', '', '2']);
  });
  test('writes large numbers short, unless that makes them look alike', () => {
    expect(texts([0, 5e6, 1e7])).toEqual(['0', '5M', '10M']);
    expect(texts([9007199254740000, 9007199254741000])).toEqual(['9,007,199,254,740,000', '9,007,199,254,741,000']);
  });
  test('has air, holds zero for bars and for what is near it, and is a range for one value and for none', () => {
    expect(valueRange(20, 30, false)).toEqual([19.2, 30.8]);
    expect(valueRange(20, 30, true)).toEqual([0, 30.8]);
    expect(valueRange(1, 30, false)[0]).toBe(0);
    expect(valueRange(5, 5, false)).toEqual([4.5, 5.5]);
    expect(valueRange(null, null, false)).toEqual([0, 1]);
  });
});
