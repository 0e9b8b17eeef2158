import { expect, test } from 'vitest';
import { drawable, exactJson, isLargeInteger } from './json';
import { type Series, split } from './query';

test('whole numbers beyond 2^53 keep each digit, and nothing else changes', () => {
  expect(exactJson('{"n":[9007199254740993,9007199254740991,-9223372036854775808,1.5],"t":"9007199254740993"}')).toEqual({
    n: ['9007199254740993', 9007199254740991, '-9223372036854775808', 1.5],
    t: '9007199254740993',
  });
  expect(isLargeInteger('9007199254740993') && !isLargeInteger('9007199254740991') && !isLargeInteger(7)).toBe(true);
  expect(drawable('9007199254740993')).toBe(9007199254740992);
});

test('a series is drawn as numbers and has the digits beside them', () => {
  const one: Series = { device_id: 'd', field: 'n', type: 'LONG', times: [1, 2], values: [5, '9007199254740993'] };
  split(one);
  expect(one.values).toEqual([5, 9007199254740992]);
  expect(one.exact).toEqual([null, '9007199254740993']);
  const text: Series = { ...one, type: 'STRING', values: ['9007199254740993'], exact: undefined };
  split(text);
  expect(text.values).toEqual(['9007199254740993']);
});
