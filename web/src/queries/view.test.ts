import { describe, expect, test } from 'vitest';
import { commandOf, curlOf, isExact, nameSql, pythonOf, shell, sqlOf, type Asked } from './code';
import { addressOf, conditionOf, fulfils, joined, parted, viewOf, type View } from './view';

describe('the address', () => {
  const full: View = {
    namespace: 'energy', fields: ['power', 'a-b'], devices: ['d,1', 'back\\slash', '<img src=x>'],
    where: [{ field: 'power', op: 'gt', value: '2;0:x' }, { field: 'note', op: 'ne', value: 'ä & b' }],
    range: { from: 'now-1d/d', to: '2026-11-22T14:00:00Z' }, zone: 'Europe/Paris', operator: 'mean', bucket: '15m',
    kind: 'bars', tab: 'table', together: true, live: true, hidden: ['d,1 power'],
  };
  const query = (view: View) =>
    new URLSearchParams(Object.entries(addressOf(view)).filter((pair): pair is [string, string] => pair[1] !== null));

  test('everything comes back from it', () => expect(viewOf(new URLSearchParams(query(full).toString()))).toEqual(full));
  test('says nothing of what goes without saying', () => expect(query(viewOf(new URLSearchParams())).toString()).toBe(''));
  test('what is wrong in it is as usual', () => {
    const view = viewOf(new URLSearchParams('op=<script>&kind=pie&tab=9&w=broken;a:zz:1&f='));
    expect(view).toEqual(viewOf(new URLSearchParams()));
  });
  test('lists keep their commas', () => {
    for (const list of [[], ['a'], ['a,b', 'c\\'], [',', '\\,', ''].concat('x')]) expect(parted(joined(list))).toEqual(list);
  });
});

describe('conditions', () => {
  test('values have the type of their field', () => {
    expect(conditionOf({ field: 'a', op: 'gt', value: '2.5' }, 'DOUBLE')).toEqual({ field: 'a', op: 'gt', value: 2.5 });
    expect(conditionOf({ field: 'a', op: 'eq', value: 'true' }, 'BOOLEAN')).toEqual({ field: 'a', op: 'eq', value: true });
    expect(conditionOf({ field: 'a', op: 'eq', value: '5' }, 'STRING')).toEqual({ field: 'a', op: 'eq', value: '5' });
    expect(conditionOf({ field: 'a', op: 'eq', value: '9007199254740993' }, 'LONG')).toEqual({ field: 'a', op: 'eq', value: '9007199254740993' });
  });
  test('what is none is said', () => {
    expect(conditionOf({ field: 'a', op: 'gt', value: 'warm' }, 'DOUBLE')).toBe('a: warm is no number');
    expect(conditionOf({ field: 'a', op: 'gt', value: '' }, 'DOUBLE')).toBe('a: write a number');
    expect(conditionOf({ field: 'a', op: 'gt', value: '1.5' }, 'LONG')).toBe('a holds whole numbers');
    expect(conditionOf({ field: 'a', op: 'eq', value: 'yes' }, 'BOOLEAN')).toBe('a is true or false');
  });
  test('live rows are held against them as the server does', () => {
    expect(fulfils(3, { field: 'a', op: 'ge', value: 3 })).toBe(true);
    expect(fulfils(null, { field: 'a', op: 'ne', value: 3 })).toBe(false);
    expect(fulfils('b', { field: 'a', op: 'lt', value: 'a' })).toBe(false);
    expect(fulfils(false, { field: 'a', op: 'eq', value: false })).toBe(true);
  });
});

describe('the same elsewhere', () => {
  const asked: Asked = {
    namespace: 'input', partition: 'device_id', fields: ['temperature', 'wind-speed'], devices: ["o'neil", 'b'],
    where: [{ field: 'mode', op: 'ne', value: "it's" }, { field: 'Ok', op: 'eq', value: true }],
    from: Date.parse('2026-11-22T13:00:00Z'), to: Date.parse('2026-11-22T14:00:00Z'), operator: null, bucket: null, zone: 'UTC',
  };

  test('rows in SQL, with names and texts in their quotes', () => {
    expect(sqlOf(asked, 10)).toBe(`SELECT time, device_id, temperature, "wind-speed"
FROM input
WHERE time >= '2026-11-22T13:00:00.000Z'
  AND time <= '2026-11-22T14:00:00.000Z'
  AND device_id IN ('o''neil', 'b')
  AND mode <> 'it''s'
  AND "Ok" = true
  AND (temperature IS NOT NULL OR "wind-speed" IS NOT NULL)
ORDER BY time DESC
LIMIT 10`);
  });

  test('buckets in SQL, calendar ones in their zone', () => {
    const mean = { ...asked, where: [], devices: [], operator: 'mean' as const };
    expect(sqlOf({ ...mean, bucket: '15m' })).toContain(`SELECT time_bucket(INTERVAL '15 minutes', time) AS time,\n       device_id,\n       avg(temperature) AS mean_temperature`);
    expect(sqlOf({ ...mean, bucket: '1d', zone: 'Europe/Paris' })).toContain(`date_trunc('day', time AT TIME ZONE 'Europe/Paris') AS time`);
    expect(sqlOf({ ...mean, bucket: 'all', operator: 'last' })).toContain('SELECT device_id, last(temperature, time) AS last_temperature');
    expect(['15m', '1d', '1mo', '12h', 'all', null].every(isExact)).toBe(true);
    expect(['2d', '2w', '36h'].some(isExact)).toBe(false);
  });

  test('names that SQL would take for its own words are in quotes', () => {
    expect(['a', 'first', 'Upper', 'a-b', '1a', 'x"y'].map(nameSql)).toEqual(['a', '"first"', '"Upper"', '"a-b"', '"1a"', '"x""y"']);
  });

  test('nothing breaks out of the shell or of Python', () => {
    expect(shell("a'b; rm -rf $HOME")).toBe(`'a'"'"'b; rm -rf $HOME'`);
    const place = { origin: 'http://127.0.0.1:8420', project: 7 };
    expect(commandOf("SELECT 'x'", place)).toBe(`iobeam sql --project-id 7 'SELECT '"'"'x'"'"''`);
    expect(curlOf({ fields: ["it's"] }, place)).toContain(`--data '{"fields":["it'"'"'s"]}'`);
    expect(pythonOf('SELECT """ \\ FROM "a"', place)).toContain('SELECT \\"\\"\\" \\\\ FROM "a" \n"""');
  });
});
