import { expect, test } from 'vitest';
import { type Board, emptyBoard, newPanel } from './board';
import { choosable, devicesOf } from './devices';
import type { Question, Source } from './source';

const device = (value: string[]) => ({ name: 'device', kind: 'device' as const, multi: true, value });
const board: Board = { ...emptyBoard(), variables: [device([])] };
for (const [field, devices] of [['a', ['$device']], ['b', ['$device']], ['c', null]] as const) {
  const panel = newPanel(board.panels, 'chart', 'input');
  board.panels.push({ ...panel, query: { ...panel.query!, fields: [field], devices: devices && [...devices] } });
}
const look = { from: 0, to: 1, timezone: 'UTC' };

/** Says which devices have points in which field. */
function source(known: Record<string, string[]>): Source & { asked: Question[] } {
  const asked: Question[] = [];
  const series = (field: string) => ['x-10', 'x-9', 'y'].map((id) => ({ device_id: id, field, type: 'DOUBLE', times: known[field]?.includes(id) ? [1] : [], values: [] }));
  return {
    asked,
    feed: null,
    ask: async (question) => {
      asked.push(question);
      return { series: series(question.query.fields[0] ?? '') } as never;
    },
  };
}

test('those are offered that have readings in panels of the variable, in the order of people', async () => {
  const from = source({ a: ['x-10', 'x-9'], b: ['x-10'], c: ['y'] });
  expect(await devicesOf(board, device([]), from, look, {})).toEqual(['x-9', 'x-10']);
  expect(from.asked.map(({ query }) => [query.fields[0], query.devices])).toEqual([['a', null], ['b', null]]);
});

test('a board that is stored with devices offers these and asks nothing', async () => {
  const from = source({ a: ['x-9'] });
  expect(await devicesOf(board, device(['p', 'q']), from, look, {})).toEqual(['p', 'q']);
  expect(from.asked).toEqual([]);
});

test('nothing is offered where there is nothing to choose', () => {
  expect(choosable(board, device([]))).toBe(true);
  expect(choosable(board, device(['p', 'q']))).toBe(true);
  expect(choosable(board, device(['p']))).toBe(false);
  expect(choosable({ ...board, panels: [] }, device([]))).toBe(false);
  expect(choosable(board, { name: 'device', kind: 'interval', value: '' })).toBe(false);
});
