import { expect, test } from 'vitest';
import { rowsGiven, told } from './correct';

test('what is left empty does not count', () => {
  expect(rowsGiven({ from: ' ', to: '', devices: ' , ', conditions: '\n' })).toEqual({});
  expect(rowsGiven({ from: ' now()-2h ', to: '', devices: 'a, b', conditions: 'lt(t,1)\n\neq(s,x,y)' })).toEqual({ from: 'now()-2h', devices: ['a', 'b'], where: ['lt(t,1)', 'eq(s,x,y)'] });
});

test('each action is told in words', () => {
  expect(told({ action: 'RETYPE_FIELD', field: 't', to: 'DOUBLE' })).toBe('Field t converted to DOUBLE');
  expect(told({ action: 'DELETE_ROWS' })).toBe('Rows deleted');
});
