import { expect, test } from 'vitest';
import { path } from './line';

test('a line goes from edge to edge in the order of time', () => {
  expect(path([{ time: 20, value: 5 }, { time: 10, value: 0 }, { time: 30, value: 10 }], 100, 100)).toBe('M0.0 90.0L50.0 50.0L100.0 10.0');
});

test('equal values lie in the middle, and equal times divide by nothing', () => {
  expect(path([{ time: 1, value: 3 }, { time: 1, value: 3 }], 100, 100)).toBe('M0.0 50.0L0.0 50.0');
  expect(path([])).toBe('');
});
