import { describe, expect, test } from 'vitest';
import { exactJson } from '../../api/json';
import { drawableOf, holdsOf } from './columns';
import { limited, placeOf } from './statement';

describe('a limit', () => {
  test('is put behind a question for rows that has none', () => {
    expect(limited('SELECT * FROM input;\n ')).toEqual({ sql: 'SELECT * FROM input\nLIMIT 10001', cut: true });
    expect(limited('WITH a AS (SELECT 1 LIMIT 5) SELECT * FROM a -- the limit').sql).toBe('WITH a AS (SELECT 1 LIMIT 5) SELECT * FROM a\nLIMIT 10001');
    expect(limited("SELECT 'limit' AS \"limit\" FROM input").cut).toBe(true);
  });
  test('stays away where there is one, and where no rows are asked for', () => {
    for (const sql of ['SELECT 1 LIMIT 5', 'select * from input\nlimit 3;', 'SHOW TABLES', 'EXPLAIN SELECT 1', 'DELETE FROM input', '']) expect(limited(sql).cut).toBe(false);
  });
});

describe('the place of an error', () => {
  const at = (error: string, sql: string) => {
    const place = placeOf(error, sql);
    return place && sql.slice(place.from, place.to);
  };
  test('is that which its words name', () => {
    expect(at('Expected: end of statement, found: selec at Line: 2, Column: 7', 'SELECT 1\n    , selec x')).toBe('selec');
    expect(at('there is no column temprature; did you mean "input.temperature"; there are time, temperature', 'SELECT temp, temprature FROM input')).toBe('temprature');
    expect(at("there is no namespace 'nix'; SHOW TABLES lists what there is", 'SELECT * FROM nix')).toBe('nix');
    expect(at("there is no function 'foo'; did you mean 'floor'? The SQL reference lists the functions", 'SELECT foo(1)')).toBe('foo');
    expect(at('Expected: an expression, found: EOF', 'SELECT 1 +\n')).toBe('+');
  });
  test('is none when they name none', () => expect(placeOf('it took too long', 'SELECT 1')).toBeNull());
  test('beyond the end is the end', () => expect(at('at Line: 9, Column: 99', 'SELECT 1')).toBe('1'));
});

describe('answers', () => {
  const micros = 1_795_375_079_115_000;
  test('columns hold what their values say, and times by their name', () => {
    const answer = { fields: ['time', 'device_id', 'last_time', 'n', 'ok', 'none'], values: [[micros, 'a', micros, 5, true, null], [micros, 'b', null, null, false, null]] };
    expect(holdsOf(answer)).toEqual(['time', 'text', 'time', 'number', 'truth', 'text']);
    expect(holdsOf({ fields: ['x', 'y'], types: ['TIMESTAMP', 'LONG'], values: [] })).toEqual(['time', 'number']);
  });
  test('are drawn by time, a line for each text and number, in order', () => {
    const answer = { fields: ['time', 'device_id', 'a'], values: [[micros + 2000, 'x', 2], [micros, 'x', 1], [micros, 'y', null]] };
    expect(drawableOf(answer, holdsOf(answer))).toEqual({
      series: [{ key: 'x 2', label: 'x', times: [micros / 1000, micros / 1000 + 2], values: [1, 2] }, { key: 'y 2', label: 'y', times: [micros / 1000], values: [null] }],
      from: micros / 1000, to: micros / 1000 + 2,
    });
  });
  test('are drawn by dates, too, and an interval is no number', () => {
    const answer = { fields: ['day', 'gap', 'n'], types: ['DATE', 'INTERVAL', 'LONG'], values: [['2026-01-01', '1 hours', 1], ['2026-01-02', '2 hours', '9007199254740993']] };
    expect(holdsOf(answer)).toEqual(['time', 'text', 'number']);
    const day = Date.parse('2026-01-01');
    expect(drawableOf(answer, holdsOf(answer))).toMatchObject({ from: day, to: day + 86_400_000 });
  });
  test('without time or number are not drawn', () => {
    const answer = { fields: ['a'], values: [[1]] };
    expect(drawableOf(answer, holdsOf(answer))).toBeNull();
  });
  test('whole numbers of 64 bits keep every digit', () => {
    expect(exactJson('{"n":[9007199254740993,-9223372036854775808,0.12345678901234567,1795375079115000,1e300],"t":"\\"9007199254740993"}')).toEqual({ n: ['9007199254740993', '-9223372036854775808', 0.12345678901234567, 1795375079115000, 1e300], t: '"9007199254740993' });
  });
});
