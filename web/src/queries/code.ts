// What is on screen, as others would ask for it: SQL, a REST call, the command line, Python. Each runs as it stands, with
// a token in its place.

import type { Condition, Operator, SeriesQuestion } from '../api/query';
import { UNITS } from '../time/duration';

/** What the page asked for, with its bucket settled. */
export interface Asked {
  namespace: string;
  /** The field that says whose row it is. */
  partition: string;
  fields: string[];
  devices: string[];
  where: Condition[];
  from: number;
  to: number;
  operator: Operator | null;
  /** `15m`, `1d`, ...; null for rows as they are, `all` for one of everything. */
  bucket: string | null;
  /** An IANA name. */
  zone: string;
}

/** Where a script finds the server, and the project. */
export interface Place {
  origin: string;
  project: number;
}

const PLAIN = /^[a-z_][a-z0-9_]*$/;
const WORDS = new Set(
  ('all and any array as asc between by case cast column cross current default desc describe distinct drop else end escape except exists explain false ' +
    'fetch filter first following for from full group having in index inner insert intersect interval into is join last left like limit ' +
    'natural not null nulls offset on or order outer over partition primary range right row rows select set show some table then to true ' +
    'union unnest update user using values view when where window with').split(' '),
);

/** A name in SQL, in quotes where it needs them. */
export function nameSql(name: string): string {
  return PLAIN.test(name) && !WORDS.has(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** A value in SQL. */
export function valueSql(value: Condition['value']): string {
  return typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : value === null ? 'NULL' : String(value);
}

const COMPARE = { eq: '=', ne: '<>', lt: '<', le: '<=', gt: '>', ge: '>=' } as const;
const AGGREGATE: Record<Operator, (field: string) => string> = {
  mean: (field) => `avg(${field})`,
  min: (field) => `min(${field})`,
  max: (field) => `max(${field})`,
  sum: (field) => `sum(${field})`,
  count: (field) => `count(${field})`,
  first: (field) => `first(${field}, time)`,
  last: (field) => `last(${field}, time)`,
};
const NAMES = { ms: 'milliseconds', s: 'seconds', m: 'minutes', h: 'hours', d: 'days', w: 'weeks' } as const;
const TRUNCATED: Record<string, string> = { '1d': 'day', '1w': 'week', '1mo': 'month', '1y': 'year' };

/** The start of a row's bucket, in SQL. Days and longer are those of a calendar in the zone. */
function bucketSql(bucket: string, zone: string): string {
  const whole = TRUNCATED[bucket];
  if (whole !== undefined && zone !== 'UTC') return `date_trunc('${whole}', time AT TIME ZONE ${valueSql(zone)})`;
  if (whole !== undefined) return `date_trunc('${whole}', time)`;
  const [, count = '1', unit = 'm'] = /^(\d+)(ms|s|m|h|d|w)$/.exec(bucket) ?? [];
  return `time_bucket(INTERVAL '${count} ${NAMES[unit as keyof typeof NAMES]}', time)`;
}

/** Whether SQL can say these buckets exactly: calendar ones of one day, week, month or year, and all that are shorter than a day. */
export function isExact(bucket: string | null): boolean {
  if (bucket === null || bucket === 'all' || TRUNCATED[bucket] !== undefined) return true;
  const [, count = '0', unit = ''] = /^(\d+)(ms|s|m|h)$/.exec(bucket) ?? [];
  return unit !== '' && Number(count) * UNITS[unit as 'h'] <= UNITS.d;
}

/** The rows or figures on screen, newest first. */
export function sqlOf(asked: Asked, limit?: number): string {
  const { partition, operator, bucket } = asked;
  const conditions = [
    `time >= '${new Date(asked.from).toISOString()}'`,
    `time <= '${new Date(asked.to).toISOString()}'`,
    ...(asked.devices.length > 0 ? [`${nameSql(partition)} IN (${asked.devices.map(valueSql).join(', ')})`] : []),
    ...asked.where.map((where) => `${nameSql(where.field)} ${COMPARE[where.op]} ${valueSql(where.value)}`),
  ];
  const filter = `FROM ${nameSql(asked.namespace)}\nWHERE ${conditions.join('\n  AND ')}`;
  const rest = limit === undefined ? '' : `\nLIMIT ${limit}`;
  const fields = asked.fields.filter((field) => field !== partition);
  if (operator === null || bucket === null) {
    const some = fields.length > 0 ? `\n  AND (${fields.map((field) => `${nameSql(field)} IS NOT NULL`).join(' OR ')})` : '';
    return `SELECT ${['time', partition, ...fields].map(nameSql).join(', ')}\n${filter}${some}\nORDER BY time DESC${rest}`;
  }
  const figures = fields.map((field) => `${AGGREGATE[operator](nameSql(field))} AS ${nameSql(`${operator}_${field}`)}`);
  if (bucket === 'all') return `SELECT ${[nameSql(partition), ...figures].join(', ')}\n${filter}\nGROUP BY 1\nORDER BY 1${rest}`;
  const columns = [`${bucketSql(bucket, asked.zone)} AS time`, nameSql(partition), ...figures];
  return `SELECT ${columns.join(',\n       ')}\n${filter}\nGROUP BY 1, 2\nORDER BY 1 DESC, 2${rest}`;
}

/** One word of a shell. */
export function shell(text: string): string {
  return /^[A-Za-z0-9_./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`;
}

/** `POST /v1/query` by curl. */
export function curlOf(question: SeriesQuestion, place: Place): string {
  return [
    `curl --silent --fail-with-body ${shell(`${place.origin}/v1/query`)} \\`,
    `  --header "Authorization: Bearer $IOBEAM_TOKEN" \\`,
    `  --header 'Content-Type: application/json' \\`,
    `  --data ${shell(JSON.stringify(question))}`,
  ].join('\n');
}

/** `iobeam sql`. */
export function commandOf(sql: string, place: Place): string {
  return `iobeam sql --project-id ${place.project} ${shell(sql)}`;
}

/** A script in Python with our client. */
export function pythonOf(sql: string, place: Place): string {
  const quoted = sql.replaceAll('\\', '\\\\').replaceAll('"""', '\\"\\"\\"');
  return [
    'import os',
    'from iobeam import iobeam',
    '',
    `builder = iobeam.ClientBuilder(${place.project}, os.environ["IOBEAM_TOKEN"])`,
    `client = builder.setBackend(${JSON.stringify(`${place.origin}/v1/`)}).build()`,
    `answer = client.sql("""\\`,
    quoted.endsWith('"') ? `${quoted} ` : quoted,
    '""")',
    'for row in answer.rows():',
    '    print(row)',
  ].join('\n');
}
