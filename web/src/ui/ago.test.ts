import { expect, test } from 'vitest';
import { ago, moment } from './ago';

const minute = 60_000;

test('a moment is told in words of its distance', () => {
  const now = Date.UTC(2026, 0, 1);
  expect(ago(now - 3000, now)).toBe('just now');
  expect(ago(now - 42_000, now)).toBe('42 seconds ago');
  expect(ago(now - 90 * minute, now)).toBe('1 hour ago');
  expect(ago(now - 26 * 60 * minute, now)).toBe('yesterday');
  expect(ago(now + 30 * 24 * 60 * minute, now)).toBe('in 30 days');
  expect(ago(now - 400 * 24 * 60 * minute, now)).toBe('last year');
});

test('both of the API\'s ways to write a moment are read', () => {
  expect(moment('2016-07-29T08:19:47Z')).toBe(Date.UTC(2016, 6, 29, 8, 19, 47));
  expect(moment('2016-08-28 17:25:31 +0000')).toBe(Date.UTC(2016, 7, 28, 17, 25, 31));
  expect(moment('')).toBeNull();
  expect(moment('soon')).toBeNull();
});
