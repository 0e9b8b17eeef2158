import { describe, expect, it } from 'vitest';
import { type Board, emptyBoard, exportBoard, importBoard, lengthOf, newPanel, readBoard } from './board';

const board: Board = {
  variables: [
    { name: 'device', kind: 'device', multi: true, value: ['a', 'b'] },
    { name: 'interval', kind: 'interval', value: 'auto' },
  ],
  time: { from: 'now-6h', to: 'now', timezone: 'Europe/Paris' },
  refresh: '10s',
  panels: [
    {
      id: 'p1',
      title: 'Air <b>bold</b>',
      kind: 'chart',
      x: 0,
      y: 0,
      w: 6,
      h: 6,
      query: {
        namespace: 'input',
        fields: ['temperature'],
        devices: ['$device'],
        where: [{ field: 'ok', op: 'eq', value: true }],
        operator: 'mean',
        bucket: '$interval',
        downsample: 'minmax',
      },
      options: { unit: '°C' },
    },
    { id: 'p2', title: '', kind: 'text', x: 6, y: 0, w: 4, h: 3, options: { text: 'hello' } },
  ],
};

describe('a board', () => {
  it('is the same after export and import', () => {
    const back = importBoard(exportBoard('Air', board));
    expect(back.value).toEqual({ name: 'Air', board });
  });

  it('is read bare as well, as the API gives it', () => {
    expect(importBoard(JSON.stringify(board)).value?.board).toEqual(board);
    expect(readBoard(emptyBoard()).value).toEqual(emptyBoard());
  });

  it('is read with all that the API lets one leave out', () => {
    const query = { fields: ['a'], limit: 5 };
    const bare = { panels: [{ id: 'p', kind: 'table', x: 10, y: 0, w: 1, h: 400, query }] };
    const read = readBoard(bare).value;
    expect(read?.panels[0]).toMatchObject({ title: '', options: {}, x: 10, w: 2, h: 40 });
    expect(read?.panels[0]?.query).toEqual({ namespace: 'input', fields: ['a'], devices: null, where: [], operator: null, bucket: 'auto', limit: 5 });
  });

  it('names the place of everything that is wrong', () => {
    const wrong = structuredClone(board) as unknown as { panels: Record<string, unknown>[]; refresh: unknown };
    wrong.refresh = '10ms';
    wrong.panels[0] = { ...wrong.panels[0], w: 13, kind: 'pie' };
    wrong.panels[1] = { ...wrong.panels[1], id: 'p1', h: 1.5 };
    expect(readBoard(wrong).problems).toEqual([
      "refresh: must be 'live', 'off' or a time such as 10s",
      'panels[0].kind: must be one of chart, value, gauge, table, timeline, map, text',
      'panels[0].w: must be a whole number from 1 to 12',
      'panels[1].h: must be a whole number from 1 to 10000',
      "panels: two panels have the id 'p1'",
    ]);
  });

  it('refuses what is no board at all, kindly', () => {
    expect(importBoard('{"a":').problems?.[0]).toMatch(/^The file is not JSON: /);
    expect(importBoard('[1]').problems).toEqual(['board: must be an object']);
    expect(importBoard('null').problems).toEqual(['board: must be an object']);
    expect(importBoard('{"format":"iobeam-board","version":2,"board":{}}').problems?.[0]).toMatch(/later version/);
    expect(readBoard({ panels: 'x', variables: [{ name: '1 x', kind: 'device' }] }).problems).toEqual([
      'variables[0].name: must begin with a letter and hold letters, digits and _ only',
      'panels: must be a list',
    ]);
  });

  it('never lets overlapping panels in', () => {
    const over = { ...board, panels: board.panels.map((panel) => ({ ...panel, x: 0, y: 0 })) };
    expect(readBoard(over).value?.panels.map((panel) => panel.y)).toEqual([0, 6]);
  });

  it('gives a new panel an id of its own and a free place', () => {
    const panel = newPanel(board.panels, 'value', 'input');
    expect(panel).toMatchObject({ id: 'p3', kind: 'value', x: 6, y: 3, w: 3, h: 3 });
    expect(newPanel([], 'text', 'input').query).toBeUndefined();
  });

  it('reads lengths of time', () => {
    expect(lengthOf('10s')).toBe(10_000);
    expect(lengthOf('15m')).toBe(900_000);
    expect(lengthOf('0s')).toBeNull();
    expect(lengthOf('ten')).toBeNull();
  });
});

describe('the board of `iobeam demo`', () => {
  it('is sound', async () => {
    const { default: demo } = await import('../../../crates/cli/src/verbs/demo/board.json');
    const read = importBoard(JSON.stringify(demo));
    expect(read.problems).toBeUndefined();
    expect(read.value?.name).toBe('This machine');
    // Nothing moves when it is laid out: it is stored as it is shown.
    expect(read.value?.board).toEqual(demo.board);
  });
});
