import { expect, test } from 'vitest';
import { readBoard } from './board';
import { type Found, emptied, joinedBy } from './found';

const found: Found = {
  title: 'Air', namespace: 'input', numbers: ['temperature'], states: ['door'], devices: ['d-1'],
  where: [{ field: 'temperature', op: 'gt', value: 3 }], operator: 'mean', bucket: '15m', style: 'bars',
};

test('what was found becomes a chart of the numbers and a band of the states, on places of their own', () => {
  const board = joinedBy(emptied({ from: 'now-2d', to: 'now' }), found);
  expect(board.time).toEqual({ from: 'now-2d', to: 'now' });
  expect(board.panels.map(({ id, kind, title, x, y }) => ({ id, kind, title, x, y }))).toEqual([
    { id: 'p1', kind: 'chart', title: 'Air', x: 0, y: 0 },
    { id: 'p2', kind: 'timeline', title: 'Air (states)', x: 6, y: 0 },
  ]);
  expect(board.panels[0]?.query).toMatchObject({ fields: ['temperature'], devices: ['d-1'], where: found.where, operator: 'mean', bucket: '15m' });
  expect(board.panels[0]?.options).toEqual({ style: 'bars' });
  expect(readBoard(board).problems).toBeUndefined();
});

test('it joins a board without touching what is there, and follows its device variable', () => {
  const before = joinedBy(emptied({ from: 'now-1h', to: 'now' }), found);
  const board = { ...before, variables: [{ name: 'device', kind: 'device' as const, value: [] }] };
  const after = joinedBy(board, { ...found, states: [], devices: [], operator: '', bucket: '15m' });
  expect(after.panels.slice(0, 2)).toEqual(before.panels);
  expect(after.panels[2]).toMatchObject({ id: 'p3', query: { devices: ['$device'], operator: null, bucket: 'auto' } });
});

test('a time that has ended is not asked for again and again', () => {
  expect(emptied({ from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z' }).refresh).toBe('off');
});
