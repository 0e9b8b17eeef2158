import { describe, expect, it } from 'vitest';
import { partOf, union } from './feed';
import { type Series, fitting, joined, labels, newest, rowsOf } from './series';

const series: Series[] = [
  { device_id: 'a', field: 't', type: 'DOUBLE', times: [10, 20], values: [1, 2] },
  { device_id: 'b', field: 't', type: 'DOUBLE', times: [10], values: [5] },
];
const rows = (values: (string | number | boolean | null)[][]) => ({ namespace: 'input', fields: ['time', 'device_id', 't'], values });

describe('new rows', () => {
  it('join their series, in the order of time, and leave the others as they are', () => {
    const after = joined(series, rows([[30, 'a', 3], [15, 'a', 9]]), ['t'], 0);
    expect(after[0]).toMatchObject({ times: [10, 15, 20, 30], values: [1, 9, 2, 3] });
    expect(after[1]).toBe(series[1]);
    expect(series[0]?.times).toEqual([10, 20]);
  });

  it('are not shown twice when the question saw them too', () => {
    expect(joined(series, rows([[20, 'a', 2]]), ['t'], 0)[0]?.times).toEqual([10, 20]);
    expect(joined(series, rows([[20, 'a', 7]]), ['t'], 0)[0]?.times).toEqual([10, 20, 20]);
  });

  it('begin a series of a device that is new', () => {
    expect(joined(series, rows([[30, 'c', true]]), ['t'], 0)[2]).toMatchObject({ device_id: 'c', field: 't', times: [30], values: [true] });
    expect(joined(series, rows([[30, 'c', null]]), ['t'], 0)).toHaveLength(2);
  });

  it('push out what left the range, but for one value', () => {
    const after = joined([{ device_id: 'a', field: 't', type: 'DOUBLE', times: [1, 2, 3], values: [1, 2, 3] }], rows([[40, 'a', 4]]), ['t'], 10);
    expect(after[0]?.times).toEqual([3, 40]);
    expect(joined(series, rows([[5, 'a', 4]]), ['t'], 10)).toEqual(series);
  });
});

describe('conditions', () => {
  it('hold for new rows as they do for the stored ones', () => {
    const all = rows([[1, 'a', 5], [2, 'a', 15], [3, 'a', null]]);
    expect(fitting(all, []).values).toHaveLength(3);
    expect(fitting(all, [{ field: 't', op: 'gt', value: 10 }]).values).toEqual([[2, 'a', 15]]);
    expect(fitting(all, [{ field: 't', op: 'gt', value: 1 }, { field: 't', op: 'lt', value: 10 }]).values).toEqual([[1, 'a', 5]]);
    expect(fitting(all, [{ field: 'nowhere', op: 'ne', value: 10 }]).values).toEqual([]);
  });
});

describe('a panel', () => {
  it('names series by what tells them apart', () => {
    expect(labels(series)).toEqual(['a', 'b']);
    expect(labels([{ device_id: 'a', field: 't' }])).toEqual(['t']);
    expect(labels([{ device_id: 'a', field: 't' }, { device_id: 'b', field: 'u' }])).toEqual(['a · t', 'b · u']);
  });

  it('knows the newest value', () => {
    expect(newest({ times: [1, 2, 3], values: [1, 2, null] })).toEqual({ time: 2, value: 2 });
    expect(newest({ times: [], values: [] })).toBeNull();
  });

  it('makes rows of series, newest first', () => {
    const all = rowsOf([...series, { device_id: 'a', field: 'u', type: 'STRING', times: [20], values: ['x'] }], 2);
    expect(all.map((row) => [row.time, row.device, row.values.get('t'), row.values.get('u')])).toEqual([
      [20, 'a', 2, 'x'],
      [10, 'a', 1, undefined],
    ]);
  });
});

describe('the feed of a board', () => {
  const topic = { namespace: 'input', devices: ['a'], fields: ['t'] };

  it('asks once for what all panels want', () => {
    expect(union([topic, { ...topic, devices: ['b', 'a'], fields: ['u'] }])).toEqual({ devices: ['a', 'b'], fields: ['t', 'u'] });
    expect(union([topic, { ...topic, devices: null }]).devices).toBeNull();
  });

  it('gives a panel its own rows only', () => {
    const message = rows([[1, 'a', 1], [2, 'b', 2]]);
    expect(partOf(message, topic)?.values).toEqual([[1, 'a', 1]]);
    expect(partOf(message, { ...topic, devices: null })).toBe(message);
    expect(partOf(message, { ...topic, devices: ['z'] })).toBeNull();
    expect(partOf(message, { ...topic, fields: ['u'] })).toBeNull();
    expect(partOf(message, { ...topic, namespace: 'other' })).toBeNull();
  });
});
